/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_PEER_LINES_H
#define TEST_PEER_LINES_H
/* Looking at the lines of a description: of the session (section -1) or of an m-section. */
#include "texts.h"

/* The text of a section, yours: free(). NULL: there is none. */
static inline char *section_text(const char *sdp, int section)
{
    const char *at = sdp;
    for (int i = -1; i < section; i++) {
        at = strstr(at + (i >= 0), "\r\nm=");
        if (!at) return NULL;
    }
    if (section >= 0) at += 2;
    const char *end = strstr(at, "\r\nm=");
    return strndup(at, end ? (size_t)(end + 2 - at) : strlen(at));
}

static inline int count_sections(const char *sdp)
{
    int n = 0;
    for (const char *at = sdp; (at = strstr(at, "\r\nm=")); at += 4) n++;
    return n;
}

/* How many lines begin so; with a '$' at its end: are exactly that. */
static inline int count_lines(const char *sdp, int section, const char *prefix)
{
    char *text = section_text(sdp, section);
    size_t n = strlen(prefix);
    bool whole = n > 0 && prefix[n - 1] == '$';
    int count = 0;
    if (whole) n--;
    assert_non_null(text);
    for (const char *at = text; *at;) {
        const char *end = strstr(at, "\r\n");
        assert_non_null(end);
        if (strncmp(at, prefix, n) == 0 && (!whole || at + n == end)) count++;
        at = end + 2;
    }
    free(text);
    return count;
}

static inline void expect_lines(const char *sdp, int section, const char *prefix, int n,
                                const char *file, int line)
{
    int have = count_lines(sdp, section, prefix);
    if (have == n) return;
    print_error("section %d has %d of \"%s\", not %d:\n%s", section, have, prefix, n, sdp);
    _fail(file, line);
}

#define HAS(sdp, section, whole) expect_lines(sdp, section, whole "$", 1, __FILE__, __LINE__)
#define HAS_N(sdp, section, prefix, n) expect_lines(sdp, section, prefix, n, __FILE__, __LINE__)
#define HAS_NO(sdp, section, prefix) expect_lines(sdp, section, prefix, 0, __FILE__, __LINE__)

/* What stands behind the first line that begins so, up to its end; static. */
static inline const char *line_value(const char *sdp, int section, const char *prefix)
{
    static char value[8192];
    char *text = section_text(sdp, section);
    assert_non_null(text);
    value[0] = '\0';
    for (const char *at = text; *at; at = strstr(at, "\r\n") + 2) {
        size_t n = strlen(prefix);
        if (strncmp(at, prefix, n) != 0) continue;
        snprintf(value, sizeof value, "%.*s", (int)strcspn(at + n, "\r"), at + n);
        break;
    }
    free(text);
    return value;
}

/* Not rejected. */
static inline bool is_used(const char *sdp, int section)
{
    char *text = section_text(sdp, section);
    assert_non_null(text);
    bool zero = strncmp(strchr(text, ' '), " 0 ", 3) == 0;
    bool used = !zero || strstr(text, "\r\na=bundle-only\r\n");
    free(text);
    return used;
}

/* ---- peers ---- */

static inline struct transceiver *add(struct duo *d, struct duo_side *s, sotto_kind kind,
                                      int32_t direction)
{
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = direction};
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(s->peer, duo_now(d), kind, &cfg, &t), 0);
    return t;
}

static inline struct transceiver *add_streams(struct duo *d, struct duo_side *s, sotto_kind kind,
                                              const char *one, const char *two)
{
    const char *streams[] = {one, two};
    sotto_transceiver_config cfg = {
        .size = sizeof cfg, .streams = streams, .n_streams = two ? 2 : 1};
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(s->peer, duo_now(d), kind, &cfg, &t), 0);
    return t;
}

/* rids: letters, one each. */
static inline struct transceiver *add_simulcast(struct duo *d, struct duo_side *s, const char *rids)
{
    sotto_encoding e[8] = {0};
    char names[8][2] = {0};
    size_t n = strlen(rids);
    for (size_t i = 0; i < n; i++) {
        names[i][0] = rids[i];
        e[i].size = sizeof *e;
        e[i].rid = names[i];
    }
    sotto_transceiver_config cfg = {.size = sizeof cfg, .encodings = e, .n_encodings = n};
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(s->peer, duo_now(d), SOTTO_VIDEO, &cfg, &t), 0);
    return t;
}

/* The offer that would be made now, yours: sotto__free(). */
static inline char *offer_of(struct duo_side *s)
{
    char *sdp = NULL;
    assert_int_equal(sotto__peer_create_offer(s->peer, 0, false, &sdp), 0);
    return sdp;
}

static inline char *answer_of(struct duo_side *s)
{
    char *sdp = NULL;
    assert_int_equal(sotto__peer_create_answer(s->peer, &sdp), 0);
    return sdp;
}

/* from offers, to answers. */
static inline void signal_from(struct duo *d, struct duo_side *from, struct duo_side *to)
{
    assert_int_equal(local(d, from, SOTTO_SDP_IMPLICIT), 0);
    char *sdp = local_text(from);
    assert_int_equal(remote(d, to, SOTTO_SDP_OFFER, sdp), 0);
    sotto__free(sdp);
    assert_int_equal(local(d, to, SOTTO_SDP_IMPLICIT), 0);
    sdp = local_text(to);
    assert_int_equal(remote(d, from, SOTTO_SDP_ANSWER, sdp), 0);
    sotto__free(sdp);
}

/* ---- offers of a remote, and the answers to them ---- */

#define HEAD_OF(group) OFFER_HEAD "a=group:BUNDLE " group "\r\n"
#define CREDENTIALS TRANSPORT "a=setup:actpass\r\n"
#define BARE "c=IN IP4 0.0.0.0\r\n" /* of a section that is bundled into another */
#define SOUND(mid, place)                                                                          \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n" place "a=mid:" mid                                     \
    "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
#define ODD(mid, place)                                                                            \
    "m=audio 9 UDP/TLS/RTP/SAVPF 99\r\n" place "a=mid:" mid                                        \
    "\r\na=rtcp-mux\r\na=rtpmap:99 unheard-of/8000\r\n"
#define VIDEO(mid, place)                                                                          \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" place "a=mid:" mid                                        \
    "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"

/* The answer to this offer, yours; the offer stays pending. */
static inline char *answer_to(struct duo *d, struct duo_side *s, const char *offer)
{
    assert_int_equal(remote(d, s, SOTTO_SDP_OFFER, offer), 0);
    return answer_of(s);
}

static inline char *settle(struct duo *d, struct duo_side *s, const char *offer)
{
    char *sdp = answer_to(d, s, offer);
    assert_int_equal(local(d, s, SOTTO_SDP_ANSWER), 0);
    return sdp;
}

#endif
