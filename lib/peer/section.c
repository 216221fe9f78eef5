/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The media sections of a description as numbers and lists, and the checks of RFC 9429 §5.8 that need no other description.
 * In comes a tree of any peer, out go sections: what each wants and whether we could accept it at all (RFC 9429 §5.1.2,
 * RFC 8841 §4). A bad line of media costs itself; what would leave two sides with different ideas of the whole is an error.
 * Knows no state and no transceiver. Groups are in section_bundle.c, ICE and DTLS in section_transport.c.
 * answers: S14 H012 H013 H018 H019 H020
 */
#include "peer/section.h"

#include "util/error.h"
#include "util/mem.h"
#include "wire/sdp_attr.h"

/* ---- directions ---- */

static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive"};

const char *sotto__direction_name(int32_t direction)
{
    bool known = direction >= SOTTO_DIR_SENDRECV && direction <= SOTTO_DIR_INACTIVE;
    return directions[known ? direction : SOTTO_DIR_INACTIVE];
}

bool sotto__direction_sends(int32_t direction)
{
    return direction == SOTTO_DIR_SENDRECV || direction == SOTTO_DIR_SENDONLY;
}

bool sotto__direction_receives(int32_t direction)
{
    return direction == SOTTO_DIR_SENDRECV || direction == SOTTO_DIR_RECVONLY;
}

int32_t sotto__direction_make(bool sends, bool receives)
{
    if (sends) return receives ? SOTTO_DIR_SENDRECV : SOTTO_DIR_SENDONLY;
    return receives ? SOTTO_DIR_RECVONLY : SOTTO_DIR_INACTIVE;
}

int32_t sotto__direction_reverse(int32_t direction)
{
    if (direction == SOTTO_DIR_SENDONLY) return SOTTO_DIR_RECVONLY;
    return direction == SOTTO_DIR_RECVONLY ? SOTTO_DIR_SENDONLY : direction;
}

int32_t sotto__direction_and(int32_t a, int32_t b)
{
    return sotto__direction_make(sotto__direction_sends(a) && sotto__direction_sends(b),
                                 sotto__direction_receives(a) && sotto__direction_receives(b));
}

/* The section's own line, else the session's, else sendrecv: RFC 8866 §6.7. */
static int32_t read_direction(const struct sdp *sdp, const struct sdp_media *m)
{
    const struct sdp_section *places[] = {&m->s, &sdp->s};
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < places[p]->n_lines; i++)
            for (int32_t d = SOTTO_DIR_SENDRECV; d <= SOTTO_DIR_INACTIVE; d++)
                if (sotto__str_eq(places[p]->lines[i].name, sotto__str(directions[d]))) return d;
    return SOTTO_DIR_SENDRECV;
}

/* ---- what it is ---- */

static enum section_kind read_kind(const struct sdp_media *m)
{
    if (sotto__str_eq(m->kind, STR("audio"))) return SECTION_AUDIO;
    if (sotto__str_eq(m->kind, STR("video"))) return SECTION_VIDEO;
    return sotto__str_eq(m->kind, STR("application")) ? SECTION_DATA : SECTION_OTHER;
}

static bool is_one_of(struct str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sotto__str_ieq(s, sotto__str(names[i]))) return true;
    return false;
}

/*
 * RFC 9429 §5.1.2: for DTLS-SRTP the names differ in nothing but the timing of RTCP. It would take RTP/AVP and RTP/AVPF too, as long as
 * there is a fingerprint; we do not: they say "plain RTP", and an answer would have to say so as well.
 */
static const char *profile_problem(const struct section *s)
{
    static const char *const media[] = {"UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF", "RTP/SAVPF",
                                        "UDP/TLS/RTP/SAVP",  "TCP/DTLS/RTP/SAVP",  "RTP/SAVP"};
    static const char *const data[] = {"UDP/DTLS/SCTP", "TCP/DTLS/SCTP"};
    if (s->kind == SECTION_OTHER) return "is neither audio nor video nor application";
    if (s->kind != SECTION_DATA)
        return is_one_of(s->m->proto, media, sizeof media / sizeof *media)
                   ? NULL
                   : "has a profile that is not RTP over DTLS";
    if (!is_one_of(s->m->proto, data, sizeof data / sizeof *data))
        return "has a protocol that is not SCTP over DTLS";
    return s->m->n_fmts == 1 && sotto__str_ieq(s->m->fmts[0], STR("webrtc-datachannel"))
               ? NULL
               : "is not webrtc-datachannel";
}

static bool is_media(const struct section *s)
{
    return s->kind == SECTION_AUDIO || s->kind == SECTION_VIDEO;
}

/* ---- numbers of media ---- */

static uint64_t as_to_tias(uint64_t kbps) /* RFC 9429 §5.10: AS * 1000 * 0.95 - (50 * 40 * 8) */
{
    if (kbps > UINT64_MAX / 950) return UINT64_MAX;
    uint64_t bps = kbps * 950;
    return bps > 50 * 40 * 8 ? bps - 50 * 40 * 8 : 0;
}

static uint64_t read_bandwidth(const struct sdp_media *m)
{
    uint64_t tias = UINT64_MAX, as = UINT64_MAX;
    for (size_t i = 0; i < m->s.n_lines; i++) {
        struct sdp_bandwidth b;
        if (m->s.lines[i].type != 'b' || sotto__sdp_bandwidth(m->s.lines[i].value, &b) < 0)
            continue;
        if (tias == UINT64_MAX && sotto__str_eq(b.type, STR("TIAS"))) tias = b.value;
        if (as == UINT64_MAX && sotto__str_eq(b.type, STR("AS"))) as = as_to_tias(b.value);
    }
    return tias != UINT64_MAX ? tias : as;
}

static uint32_t read_ptime(const struct sdp_media *m, const char *name)
{
    const struct sdp_line *line;
    uint32_t ms = 0;
    size_t at = 0;
    while (ms == 0 && (line = sotto__sdp_next_attr(&m->s, &at, name)))
        if (sotto__sdp_ptime(line->value, &ms) < 0) ms = 0;
    return ms;
}

static void add_ssrc(struct section *s, uint32_t ssrc)
{
    for (size_t i = 0; i < s->n_ssrcs; i++)
        if (s->ssrcs[i] == ssrc) return;
    if (s->n_ssrcs < SOTTO_MAX_SECTION_SSRCS) s->ssrcs[s->n_ssrcs++] = ssrc;
}

static void add_stream(struct section *s, struct str value)
{
    struct sdp_msid msid;
    if (sotto__sdp_msid(value, &msid) < 0) return;
    s->has_msid = true;
    if (sotto__str_eq(msid.id, STR("-"))) return; /* RFC 8830 §2: a track without a stream */
    for (size_t i = 0; i < s->n_streams; i++)
        if (sotto__str_eq(s->streams[i], msid.id)) return;
    if (s->n_streams < SOTTO_MAX_STREAM_IDS) s->streams[s->n_streams++] = msid.id;
}

static void read_repairs(struct section *s)
{
    const struct sdp_line *line;
    struct sdp_ssrc_group group;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&s->m->s, &at, "ssrc-group"))) {
        if (sotto__sdp_ssrc_group(line->value, &group) < 0 || group.n_ssrcs != 2 ||
            !sotto__str_eq(group.semantics, STR("FID")))
            continue;
        for (size_t i = 0; i < s->n_ssrcs; i++)
            if (s->ssrcs[i] == group.ssrcs[0]) s->rtx_of[i] = group.ssrcs[1];
    }
}

static void read_streams_and_ssrcs(struct section *s)
{
    const struct sdp_line *line;
    struct sdp_ssrc ssrc;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&s->m->s, &at, "msid"))) add_stream(s, line->value);
    bool old_form = !s->has_msid; /* of those who wrote a=ssrc:… msid: before there was a=msid */
    at = 0;
    while ((line = sotto__sdp_next_attr(&s->m->s, &at, "ssrc"))) {
        if (sotto__sdp_ssrc(line->value, &ssrc) < 0) continue;
        add_ssrc(s, ssrc.ssrc);
        if (old_form && sotto__str_eq(ssrc.attribute, STR("msid"))) add_stream(s, ssrc.value);
    }
    read_repairs(s);
}

/*
 * RTCP on the port of RTP. Under BUNDLE this may stand in the tagged section only, be it of data (RFC 9143 §7.1.3, RFC 9429 §5.2.1);
 * whoever repeats the one line repeats the other.
 */
static void read_rtcp(struct section *s)
{
    const struct sdp_media *m = s->m;
    if (!sotto__sdp_attr(&m->s, "rtcp-mux") && s->group_first) m = s->group_first;
    s->rtcp_mux = sotto__sdp_attr(&m->s, "rtcp-mux") != NULL;
    s->rtcp_rsize = sotto__sdp_attr(&m->s, "rtcp-rsize") != NULL;
}

/* ---- the section ---- */

static int read_media(const struct sdp *sdp, struct section *s, sotto_error *err)
{
    sotto_kind kind = s->kind == SECTION_AUDIO ? SOTTO_AUDIO : SOTTO_VIDEO;
    int r = sotto__codecs_read(s->m, kind, &s->codecs);
    if (r < 0) return sotto__error(err, r, s->m->number, "out of memory");
    s->direction = read_direction(sdp, s->m);
    sotto__exts_read(sdp, s->m, kind, &s->exts);
    read_rtcp(s);
    if (!s->rtcp_mux && sotto__sdp_attr(&s->m->s, "rtcp-mux-only"))
        return sotto__error(err, SOTTO_E_SDP, s->m->number,
                            "section %d has a=rtcp-mux-only without a=rtcp-mux", s->index);
    if (!s->rtcp_mux)
        s->unusable = "has no a=rtcp-mux";
    else if (!sotto__codecs_usable(&s->codecs))
        s->unusable = "has no codec that is supported";
    s->max_bps = read_bandwidth(s->m);
    s->ptime_ms = read_ptime(s->m, "ptime");
    s->maxptime_ms = read_ptime(s->m, "maxptime");
    read_streams_and_ssrcs(s);
    return sotto__section_read_rids(s, err);
}

static void read_data(struct section *s)
{
    const struct sdp_line *port = sotto__sdp_attr(&s->m->s, "sctp-port");
    const struct sdp_line *size = sotto__sdp_attr(&s->m->s, "max-message-size");
    s->sctp_port = 5000; /* what all use; a=sctp-port has no default, but it is missing with those who only know 5000 */
    s->max_message = SOTTO_DEFAULT_REMOTE_MESSAGE;
    if (port) sotto__sdp_sctp_port(port->value, &s->sctp_port); /* checked by the parser, both */
    if (size) sotto__sdp_max_message_size(size->value, &s->max_message);
    if (s->max_message == 0) s->max_message = UINT64_MAX; /* RFC 8841 §6.1: any size */
}

/* Whoever is in use must say how to reach him and who he is: RFC 9429 §5.8. */
static int check_transport(const struct sdp *sdp, const struct section *s, sotto_error *err)
{
    static const struct {
        const char *name, *what;
    } wanted[] = {{"ice-ufrag", "ICE ufrag"},
                  {"ice-pwd", "ICE password"},
                  {"fingerprint", "DTLS fingerprint"}};
    for (size_t i = 0; i < 3; i++)
        if (!sotto__section_transport_attr(sdp, s, wanted[i].name))
            return sotto__error(err, SOTTO_E_SDP, s->m->number,
                                "section %d (%.*s) has no %s, and nothing it could take one from",
                                s->index, (int)(s->m->kind.n < 16 ? s->m->kind.n : 16),
                                s->m->kind.p, wanted[i].what);
    return 0;
}

/* What it is, not what it says: index, kind, mid; sotto__sections_group gives the rest of that. */
static void read_head(const struct sdp *sdp, size_t index, struct section *s)
{
    const struct sdp_media *m = &sdp->media[index];
    const struct sdp_line *mid = sotto__sdp_attr(&m->s, "mid");
    *s = (struct section){.m = m,
                          .index = (int32_t)index,
                          .kind = read_kind(m),
                          .group = -1,
                          .direction = SOTTO_DIR_INACTIVE,
                          .max_bps = UINT64_MAX,
                          .max_message = SOTTO_DEFAULT_REMOTE_MESSAGE};
    if (mid) s->mid = mid->value;
}

static int read_section(const struct sdp *sdp, struct section *s, sotto_error *err)
{
    /* the tagged one has nobody to be bundled with: RFC 9143 §6, §7.2.1 */
    s->bundle_only = s->m->port == 0 && s->group >= 0 && s->group_place > 0 &&
                     sotto__sdp_attr(&s->m->s, "bundle-only");
    s->rejected = s->m->port == 0 && !s->bundle_only;
    if (s->rejected) return 0;
    s->unusable = !SOTTO_HAS_MEDIA && is_media(s)
                      ? "is of media, which this library is built without"
                      : profile_problem(s);
    if (s->unusable) return 0;
    int r = is_media(s) ? read_media(sdp, s, err) : 0;
    if (r < 0) return r;
    if (s->kind == SECTION_DATA) read_data(s);
    return check_transport(sdp, s, err);
}

int sotto__sections_read(const struct sdp *sdp, struct sections *ret, sotto_error *err)
{
    struct sections all = {.n = sdp->n_media};
    int r = 0;
    *ret = (struct sections){0};
    if (all.n == 0) return 0;
    all.items = sotto__calloc(all.n, sizeof *all.items);
    if (!all.items) return sotto__error(err, SOTTO_E_NOMEM, 0, "out of memory");
    for (size_t i = 0; i < all.n; i++) read_head(sdp, i, &all.items[i]);
    sotto__sections_group(sdp, &all);
    for (size_t i = 0; i < all.n && r == 0; i++) r = read_section(sdp, &all.items[i], err);
    if (r < 0)
        sotto__sections_free(&all);
    else
        *ret = all;
    return r;
}

void sotto__sections_free(struct sections *s)
{
    for (size_t i = 0; i < s->n; i++) sotto__codecs_free(&s->items[i].codecs);
    sotto__free(s->items);
    *s = (struct sections){0};
}

const struct section *sotto__section_by_mid(const struct sections *s, struct str mid)
{
    for (size_t i = 0; mid.n > 0 && i < s->n; i++)
        if (sotto__str_eq(s->items[i].mid, mid)) return &s->items[i];
    return NULL;
}
