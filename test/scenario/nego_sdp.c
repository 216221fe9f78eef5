/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions as texts, for tests of negotiation: lines of a section are read and changed, remotes on paper are written.
 */
#include "nego_sdp.h"

#define BEGINS(line, with) (strncmp(line, with, strlen(with)) == 0)

/* ---- sections ---- */

int sdp_count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) n++;
    return n;
}

int sdp_sections(const char *sdp)
{
    return sdp_count(sdp, "\r\nm=");
}

/* Where the lines of a section begin and end. */
static void find(const char *sdp, int section, const char **from, const char **to)
{
    const char *at = sdp;
    for (int i = SDP_SESSION; i < section; i++) {
        at = strstr(at, "\r\nm=");
        assert_non_null(at);
        at += 2;
    }
    const char *end = strstr(at, "\r\nm=");
    *from = at;
    *to = end ? end + 2 : at + strlen(at);
}

char *sdp_section(struct nego *n, const char *sdp, int section)
{
    const char *from, *to;
    find(sdp, section, &from, &to);
    return nego_text(n, "%.*s", (int)(to - from), from);
}

static const char *line_in(const char *from, const char *to, const char *begin)
{
    for (const char *at = from; at < to;) {
        if (BEGINS(at, begin)) return at;
        const char *end = strstr(at, "\r\n");
        if (!end) return NULL;
        at = end + 2;
    }
    return NULL;
}

char *sdp_value(struct nego *n, const char *sdp, int section, const char *begin)
{
    const char *from, *to;
    find(sdp, section, &from, &to);
    const char *line = line_in(from, to, begin);
    if (!line) return NULL;
    line += strlen(begin);
    return nego_text(n, "%.*s", (int)strcspn(line, "\r\n"), line);
}

bool sdp_has(struct nego *n, const char *sdp, int section, const char *begin)
{
    return sdp_value(n, sdp, section, begin) != NULL;
}

/* ---- changing ---- */

static char *splice(struct nego *n, const char *sdp, const char *from, const char *to,
                    const char *with)
{
    return nego_text(n, "%.*s%s%s", (int)(from - sdp), sdp, with, to);
}

static char *drop_some(struct nego *n, const char *sdp, int section, const char *begin, int *count)
{
    char *text = nego_text(n, "%s", sdp);
    for (*count = 0;; ++*count) {
        const char *from, *to;
        find(text, section, &from, &to);
        const char *line = line_in(from, to, begin);
        if (!line) return text;
        text = splice(n, text, line, strstr(line, "\r\n") + 2, "");
    }
}

char *sdp_drop(struct nego *n, const char *sdp, int section, const char *begin)
{
    int count;
    char *text = drop_some(n, sdp, section, begin, &count);
    if (!count) fail_msg("no line %s in section %d of\n%s", begin, section, sdp);
    return text;
}

char *sdp_drop_all(struct nego *n, const char *sdp, const char *begin)
{
    char *text = nego_text(n, "%s", sdp);
    for (int i = SDP_SESSION, count; i < sdp_sections(sdp); i++)
        text = drop_some(n, text, i, begin, &count);
    return text;
}

char *sdp_set(struct nego *n, const char *sdp, int section, const char *begin, const char *line)
{
    const char *from, *to;
    find(sdp, section, &from, &to);
    const char *at = line_in(from, to, begin);
    if (!at) fail_msg("no line %s in section %d of\n%s", begin, section, sdp);
    return splice(n, sdp, at, strstr(at, "\r\n"), line);
}

char *sdp_put(struct nego *n, const char *sdp, int section, const char *line)
{
    const char *from, *to;
    find(sdp, section, &from, &to);
    return splice(n, sdp, to, to, nego_text(n, "%s\r\n", line));
}

char *sdp_drop_section(struct nego *n, const char *sdp, int section)
{
    const char *from, *to;
    find(sdp, section, &from, &to);
    return splice(n, sdp, from, to, "");
}

char *sdp_swap_sections(struct nego *n, const char *sdp, int i, int j)
{
    char *text = sdp_section(n, sdp, SDP_SESSION);
    for (int k = 0; k < sdp_sections(sdp); k++) {
        int of = k == i ? j : k == j ? i : k;
        text = nego_text(n, "%s%s", text, sdp_section(n, sdp, of));
    }
    return text;
}

char *sdp_replace(struct nego *n, const char *sdp, const char *from, const char *to)
{
    char *text = nego_text(n, "%s", sdp);
    const char *at = strstr(text, from);
    if (!at) fail_msg("no \"%s\" in\n%s", from, sdp);
    while (at) {
        size_t next = (size_t)(at - text) + strlen(to);
        text = splice(n, text, at, at + strlen(from), to);
        at = strstr(text + next, from);
    }
    return text;
}

static char *without_word(struct nego *n, const char *line, const char *word)
{
    char *text = nego_text(n, "%s", "");
    for (const char *at = line; *at;) {
        size_t len = strcspn(at, " ");
        if (len != strlen(word) || strncmp(at, word, len) != 0)
            text = nego_text(n, "%s%s%.*s", text, text[0] ? " " : "", (int)len, at);
        at += len + (at[len] == ' ');
    }
    return text;
}

char *sdp_reject(struct nego *n, const char *sdp, int section)
{
    char *m = sdp_value(n, sdp, section, "m="), *mid = sdp_value(n, sdp, section, "a=mid:");
    char *kind = nego_text(n, "%.*s", (int)strcspn(m, " "), m);
    const char *rest = strchr(m + strlen(kind) + 1, ' ');
    char *text = sdp_set(n, sdp, section, "m=", nego_text(n, "m=%s 0%s", kind, rest));
    char *group = sdp_value(n, text, SDP_SESSION, "a=group:BUNDLE");
    if (!group || !mid) return text;
    char *left = without_word(n, group, mid);
    return sdp_set(n, text, SDP_SESSION, "a=group:BUNDLE",
                   nego_text(n, "a=group:BUNDLE%s%s", left[0] ? " " : "", left));
}

/* ---- reading ---- */

bool sdp_is_rejected(struct nego *n, const char *sdp, int section)
{
    char *m = sdp_value(n, sdp, section, "m=");
    return strstr(m, " 0 ") == strchr(m, ' ') && !sdp_has(n, sdp, section, "a=bundle-only");
}

static const char *direction_of(struct nego *n, const char *sdp, int section)
{
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (int level = 0; level < 2; level++)
        for (int i = 0; i < 4; i++)
            if (sdp_has(n, sdp, level ? SDP_SESSION : section, nego_text(n, "a=%s\r\n", names[i])))
                return names[i];
    return "sendrecv";
}

char *sdp_summary(struct nego *n, const char *sdp)
{
    char *text = nego_text(n, "%s", "");
    for (int i = 0; i < sdp_sections(sdp); i++) {
        char *m = sdp_value(n, sdp, i, "m="), *mid = sdp_value(n, sdp, i, "a=mid:");
        char *kind = nego_text(n, "%.*s", (int)strcspn(m, " "), m);
        const char *rest = "";
        if (sdp_is_rejected(n, sdp, i))
            rest = " rejected";
        else if (strcmp(kind, "application") != 0)
            rest = nego_text(n, " %s", direction_of(n, sdp, i));
        text = nego_text(n, "%s%s%s %s%s", text, i ? "; " : "", mid ? mid : "-", kind, rest);
    }
    return text;
}

char *sdp_bundle(struct nego *n, const char *sdp)
{
    char *group = sdp_value(n, sdp, SDP_SESSION, "a=group:BUNDLE");
    return group ? nego_text(n, "%s", group[0] == ' ' ? group + 1 : group) : nego_text(n, "%s", "");
}

/* ---- remotes on paper ---- */

#define CHROMIUM_AUDIO                                                                             \
    "a=rtcp-rsize\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                   \
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=rtpmap:111 opus/48000/2\r\n"              \
    "a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"                      \
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
#define CHROMIUM_VIDEO                                                                             \
    "a=rtcp-rsize\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                           \
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"                                \
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"                       \
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\n"             \
    "a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"                       \
    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\n"                     \
    "a=rtcp-fb:102 nack\r\na=rtcp-fb:102 nack pli\r\na=fmtp:102 "                                  \
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
#define FIREFOX_AUDIO                                                                              \
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                                   \
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap-allow-mixed\r\n"                   \
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\na=rtcp-fb:109 transport-cc\r\n"   \
    "a=rtpmap:109 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
#define FIREFOX_VIDEO                                                                              \
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap-allow-mixed\r\n"                   \
    "a=fmtp:120 max-fs=12288;max-fr=60\r\na=fmtp:124 apt=120\r\na=rtcp-fb:120 nack\r\n"            \
    "a=rtcp-fb:120 nack pli\r\na=rtcp-fb:120 ccm fir\r\na=rtcp-rsize\r\n"                          \
    "a=rtpmap:120 VP8/90000\r\na=rtpmap:124 rtx/90000\r\n"

static const char *or_else(const char *s, const char *other)
{
    return s ? s : other;
}

static char *paper_mid(struct nego *n, const struct paper *p, int i)
{
    return nego_text(n, "%s", p->s[i].mid ? p->s[i].mid : nego_text(n, "%d", i));
}

static char *paper_m_line(struct nego *n, const struct paper *p, const struct paper_section *s)
{
    int port = s->rejected || s->bundle_only ? 0 : 9;
    if (strcmp(s->kind, "audio") == 0)
        return nego_text(n, "m=audio %d UDP/TLS/RTP/SAVPF %s\r\n", port,
                         p->firefox ? "109 0 8" : "111 0 8");
    if (strcmp(s->kind, "video") == 0)
        return nego_text(n, "m=video %d UDP/TLS/RTP/SAVPF %s\r\n", port,
                         p->firefox ? "120 124" : "96 97 102");
    if (strcmp(s->kind, "data") == 0)
        return nego_text(n, "m=application %d UDP/DTLS/SCTP webrtc-datachannel\r\n", port);
    return nego_text(n, "%s\r\n", s->kind);
}

static const char *paper_codecs(const struct paper *p, const struct paper_section *s)
{
    if (strcmp(s->kind, "audio") == 0) return p->firefox ? FIREFOX_AUDIO : CHROMIUM_AUDIO;
    if (strcmp(s->kind, "video") == 0) return p->firefox ? FIREFOX_VIDEO : CHROMIUM_VIDEO;
    return strcmp(s->kind, "data") == 0 ? "a=sctp-port:5000\r\na=max-message-size:262144\r\n" : "";
}

static char *paper_section(struct nego *n, const struct paper *p, int i)
{
    const struct paper_section *s = &p->s[i];
    bool is_data = strcmp(s->kind, "data") == 0, is_own = BEGINS(s->kind, "m=");
    char *mid = paper_mid(n, p, i), *text = paper_m_line(n, p, s);
    text = nego_text(n, "%sc=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", text,
                     or_else(p->ufrag, PAPER_UFRAG), or_else(p->pwd, PAPER_PWD));
    if (!p->firefox)
        text = nego_text(n, "%s%sa=fingerprint:%s\r\n", text,
                         p->no_trickle ? "" : "a=ice-options:trickle\r\n",
                         or_else(p->print, PAPER_PRINT));
    text = nego_text(n, "%sa=setup:%s\r\n", text, or_else(p->setup, "actpass"));
    if (p->tls_id) text = nego_text(n, "%sa=tls-id:%s\r\n", text, p->tls_id);
    if (mid[0]) text = nego_text(n, "%sa=mid:%s\r\n", text, mid);
    if (s->bundle_only) text = nego_text(n, "%sa=bundle-only\r\n", text);
    if (!is_data && !is_own) {
        text = nego_text(n, "%sa=%s\r\n%s", text, or_else(s->direction, "sendrecv"),
                         s->no_mux ? "" : "a=rtcp-mux\r\n");
        if (s->msid) text = nego_text(n, "%sa=msid:%s\r\n", text, s->msid);
    }
    return nego_text(n, "%s%s%s", text, paper_codecs(p, s), or_else(s->extra, ""));
}

char *paper_write(struct nego *n, const struct paper *p)
{
    char *text = nego_text(n, "v=0\r\no=- 7 %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", p->version);
    char *group = nego_text(n, "%s", ""), *sections = nego_text(n, "%s", "");
    for (int i = 0; i < 8 && p->s[i].kind; i++) {
        if (!p->s[i].alone && !p->s[i].rejected && paper_mid(n, p, i)[0])
            group = nego_text(n, "%s %s", group, paper_mid(n, p, i));
        sections = nego_text(n, "%s%s", sections, paper_section(n, p, i));
    }
    if (p->firefox)
        text = nego_text(n, "%sa=fingerprint:%s\r\n%s", text, or_else(p->print, PAPER_PRINT),
                         p->no_trickle ? "" : "a=ice-options:trickle\r\n");
    if (!p->no_bundle && group[0]) text = nego_text(n, "%sa=group:BUNDLE%s\r\n", text, group);
    if (p->lite) text = nego_text(n, "%sa=ice-lite\r\n", text);
    return nego_text(n, "%sa=msid-semantic:WMS *\r\n%s", text, sections);
}

char *paper_answer(struct nego *n, const char *offer)
{
    static const char *const gone[] = {"a=candidate", "a=end-of-candidates", "a=msid:",  "a=ssrc",
                                       "a=rid:",      "a=simulcast:",        "a=tls-id:"};
    char *text = nego_text(n, "%s", offer);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) text = sdp_drop_all(n, text, gone[i]);
    text = sdp_set(n, text, SDP_SESSION, "o=", "o=- 8 1 IN IP4 127.0.0.1");
    for (int i = 0; i < sdp_sections(text); i++) {
        if (!sdp_has(n, text, i, "a=ice-ufrag:")) /* as Chromium: each section has all */
            text =
                sdp_put(n, text, i, "a=ice-ufrag:x\r\na=ice-pwd:x\r\na=fingerprint:x\r\na=setup:x");
        if (!sdp_has(n, text, i, "a=rtcp-mux") && !sdp_has(n, text, i, "m=application"))
            text = sdp_put(n, text, i, "a=rtcp-mux");
        /* in an answer, port 0 means no: RFC 9143 §6 */
        if (!sdp_has(n, text, i, "a=bundle-only")) continue;
        char *m = sdp_value(n, text, i, "m="), *rest = strchr(m, ' ');
        text = sdp_set(n, text, i,
                       "m=", nego_text(n, "m=%.*s 9%s", (int)(rest - m), m, strchr(rest + 1, ' ')));
        text = sdp_drop(n, text, i, "a=bundle-only");
    }
    for (int i = SDP_SESSION; i < sdp_sections(text); i++) {
        static const char *const lines[][2] = {{"a=ice-ufrag:", "a=ice-ufrag:" PAPER_UFRAG},
                                               {"a=ice-pwd:", "a=ice-pwd:" PAPER_PWD},
                                               {"a=fingerprint:", "a=fingerprint:" PAPER_PRINT},
                                               {"a=setup:", "a=setup:active"},
                                               {"a=sendonly", "a=SENDONLY"},
                                               {"a=recvonly", "a=sendonly"},
                                               {"a=SENDONLY", "a=recvonly"}};
        for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
            if (sdp_has(n, text, i, lines[k][0]))
                text = sdp_set(n, text, i, lines[k][0], lines[k][1]);
        }
    }
    return text;
}
