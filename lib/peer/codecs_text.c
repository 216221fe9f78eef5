/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codecs as a media section has them: payload types of the m= line, a=rtpmap, a=fmtp, a=rtcp-fb (RFC 8866 §6.6, §6.15; RFC 4585
 * §4.2), and the parameters of each format: RFC 7587 §6.1, 6184 §8.1, 7798 §7.1, 9628 §6.1, 4588 §8.1, AV1 RTP §7.2.1.
 * The lines of a section come in, a list of what we support goes out, and the other way round. Lines that cannot be read cost
 * their codec and nothing else. Every line is looked at once, however many payload types there are.
 * answers: H014 H015
 */
#include <stdio.h>

#include "peer/codecs.h"
#include "peer/codecs_int.h"
#include "util/limits.h"
#include "wire/sdp_attr.h"

/* ---- parameters ---- */

/* The number of a parameter: its default if it is not there; false: it is no number of at most max. */
static bool number(const struct sdp_fmtp *f, const char *key, uint64_t max, uint64_t absent,
                   uint64_t *ret)
{
    struct str value;
    *ret = absent;
    return !sotto__sdp_fmtp_param(f, key, &value) || sotto__str_u64(value, max, ret);
}

static bool byte(const struct sdp_fmtp *f, const char *key, uint8_t max, uint8_t absent,
                 uint8_t *ret)
{
    uint64_t n;
    if (!number(f, key, max, absent, &n)) return false;
    *ret = (uint8_t)n;
    return true;
}

static bool flag(const struct sdp_fmtp *f, const char *key)
{
    struct str value;
    return sotto__sdp_fmtp_param(f, key, &value) && sotto__str_eq(value, STR("1"));
}

/* Advice, not a condition: out of range it is moved into it, and what is no number is no advice. */
static uint32_t clamped(const struct sdp_fmtp *f, const char *key, uint32_t min, uint32_t max)
{
    uint64_t n;
    if (!number(f, key, UINT64_MAX, 0, &n) || n == 0) return 0;
    return n < min ? min : n > max ? max : (uint32_t)n;
}

static void parse_opus(const struct sdp_fmtp *f, struct codec_params *p)
{
    p->stereo = flag(f, "stereo");
    p->sends_stereo = flag(f, "sprop-stereo");
    p->fec = flag(f, "useinbandfec");
    p->dtx = flag(f, "usedtx");
    p->cbr = flag(f, "cbr");
    p->max_bps = clamped(f, "maxaveragebitrate", 6000, 510000);
    p->max_playback_hz = clamped(f, "maxplaybackrate", 8000, 48000);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool is_h264_level(uint8_t level)
{
    static const uint8_t levels[] = {9,  10, 11, 12, 13, 20, 21, 22, 30, 31,
                                     32, 40, 41, 42, 50, 51, 52, 60, 61, 62};
    return memchr(levels, level, sizeof levels) != NULL;
}

static bool parse_h264(const struct sdp_fmtp *f, struct codec_params *p)
{
    struct str id;
    uint8_t bytes[3] = {0x42, 0, 10}; /* RFC 6184 §8.1: without it, baseline at level 1 */
    if (sotto__sdp_fmtp_param(f, "profile-level-id", &id)) {
        if (id.n != 6) return false;
        for (size_t i = 0; i < 3; i++) {
            int high = hex_digit(id.p[2 * i]), low = hex_digit(id.p[2 * i + 1]);
            if (high < 0 || low < 0) return false;
            bytes[i] = (uint8_t)(16 * high + low);
        }
    }
    p->profile = bytes[0], p->h264_iop = bytes[1], p->level = bytes[2];
    p->asymmetric = flag(f, "level-asymmetry-allowed");
    return is_h264_level(p->level) && byte(f, "packetization-mode", 1, 0, &p->packetization);
}

static bool parse_h265(const struct sdp_fmtp *f, struct codec_params *p)
{
    struct str mode = STR("SRST"); /* one stream on one transport is what we send and take */
    uint8_t space;
    sotto__sdp_fmtp_param(f, "tx-mode", &mode);
    return sotto__str_ieq(mode, STR("SRST")) && byte(f, "profile-space", 0, 0, &space) &&
           byte(f, "profile-id", 31, 1, &p->profile) && byte(f, "tier-flag", 1, 0, &p->tier) &&
           byte(f, "level-id", 255, 93, &p->level);
}

/* RFC 4588 §8.1; of RFC 2198 §4 we take the list that names one payload type over and over. */
static bool parse_apt(const struct sdp_fmtp *f, struct codec *c)
{
    uint64_t apt, other;
    struct str first, next, rest;
    if (c->id == CODEC_RTX) {
        if (!number(f, "apt", 127, 128, &apt) || apt > 127) return false;
    } else {
        sotto__str_cut(f->params, '/', &first, &rest);
        if (!sotto__str_u64(first, 127, &apt)) return false;
        while (rest.p) {
            sotto__str_cut(rest, '/', &next, &rest);
            if (!sotto__str_u64(next, 127, &other) || other != apt) return false;
        }
    }
    c->apt = (int16_t)apt;
    return true;
}

bool sotto__codec_parse(struct codec *c, struct str fmtp)
{
    struct sdp_fmtp f = {.params = fmtp};
    struct codec_params *p = &c->params;
    *p = (struct codec_params){0};
    switch (c->id) {
    case CODEC_OPUS: parse_opus(&f, p); return true;
    case CODEC_H264: return parse_h264(&f, p);
    case CODEC_H265: return parse_h265(&f, p);
    case CODEC_VP9: return byte(&f, "profile-id", 3, 0, &p->profile);
    case CODEC_AV1:
        return byte(&f, "profile", 2, 0, &p->profile) && byte(&f, "level-idx", 31, 5, &p->level) &&
               byte(&f, "tier", 1, 0, &p->tier);
    case CODEC_RTX:
    case CODEC_RED: return parse_apt(&f, c);
    default: return true;
    }
}

/* What an application asked for stands behind what is always there. */
static void format_opus(const struct codec_params *p, char out[CODEC_FMTP_TEXT])
{
    int n = snprintf(out, CODEC_FMTP_TEXT, "minptime=10;useinbandfec=1%s%s%s%s",
                     p->stereo ? ";stereo=1" : "", p->sends_stereo ? ";sprop-stereo=1" : "",
                     p->dtx ? ";usedtx=1" : "", p->cbr ? ";cbr=1" : "");
    if (p->max_playback_hz)
        n += snprintf(out + n, CODEC_FMTP_TEXT - (size_t)n, ";maxplaybackrate=%u",
                      p->max_playback_hz);
    if (p->max_bps)
        snprintf(out + n, CODEC_FMTP_TEXT - (size_t)n, ";maxaveragebitrate=%u", p->max_bps);
}

void sotto__codec_format(const struct codec *c, char out[CODEC_FMTP_TEXT])
{
    const struct codec_params *p = &c->params;
    const size_t cap = CODEC_FMTP_TEXT;
    out[0] = '\0';
    switch (c->id) {
    case CODEC_OPUS: format_opus(p, out); break;
    case CODEC_DTMF: snprintf(out, cap, "0-16"); break;
    case CODEC_H264:
        snprintf(out, cap, "%spacketization-mode=%u;profile-level-id=%02x%02x%02x",
                 p->asymmetric ? "level-asymmetry-allowed=1;" : "", p->packetization, p->profile,
                 p->h264_iop, p->level);
        break;
    case CODEC_H265:
        snprintf(out, cap, "level-id=%u;profile-id=%u;tier-flag=%u;tx-mode=SRST", p->level,
                 p->profile, p->tier);
        break;
    case CODEC_VP9: snprintf(out, cap, "profile-id=%u", p->profile); break;
    case CODEC_AV1:
        snprintf(out, cap, "level-idx=%u;profile=%u;tier=%u", p->level, p->profile, p->tier);
        break;
    case CODEC_RTX:
        if (c->apt >= 0) snprintf(out, cap, "apt=%d", c->apt);
        break;
    case CODEC_RED:
        if (c->apt >= 0) snprintf(out, cap, "%d/%d", c->apt, c->apt);
        break;
    default: break; /* VP8, PCMU and PCMA have none */
    }
}

/* ---- reading ---- */

struct heard { /* what the lines of a section say of a payload type */
    struct sdp_rtpmap map;
    struct str fmtp;
    uint32_t feedback;
    bool mapped, has_fmtp, contradicts;
};

static const struct {
    uint32_t bit;
    const char *type, *param;
} feedbacks[] = {{FEEDBACK_REMB, "goog-remb", ""},
                 {FEEDBACK_TWCC, "transport-cc", ""},
                 {FEEDBACK_FIR, "ccm", "fir"},
                 {FEEDBACK_NACK, "nack", ""},
                 {FEEDBACK_PLI, "nack", "pli"}};
#define N_FEEDBACKS (sizeof feedbacks / sizeof *feedbacks)

static void hear_rtpmap(struct heard heard[static 128], struct str value)
{
    struct sdp_rtpmap map;
    if (sotto__sdp_rtpmap(value, &map) < 0) return;
    struct heard *h = &heard[map.pt];
    if (h->mapped)
        h->contradicts |= !sotto__str_ieq(h->map.name, map.name) || h->map.clock != map.clock ||
                          h->map.channels != map.channels;
    else
        h->map = map;
    h->mapped = true;
}

static void hear_fmtp(struct heard heard[static 128], struct str value)
{
    struct sdp_fmtp fmtp;
    uint64_t pt;
    if (sotto__sdp_fmtp(value, &fmtp) < 0 || !sotto__str_u64(fmtp.fmt, 127, &pt)) return;
    if (!heard[pt].has_fmtp) heard[pt].fmtp = fmtp.params;
    heard[pt].has_fmtp = true;
}

/* What "*" says is added to *all, to be given to each payload type at the end. */
static void hear_feedback(struct heard heard[static 128], struct str value, uint32_t *all)
{
    struct sdp_rtcp_fb fb;
    uint32_t bit = 0;
    if (sotto__sdp_rtcp_fb(value, &fb) < 0) return;
    for (size_t i = 0; i < N_FEEDBACKS; i++)
        if (sotto__str_ieq(fb.type, sotto__str(feedbacks[i].type)) &&
            sotto__str_ieq(fb.param, sotto__str(feedbacks[i].param)))
            bit = feedbacks[i].bit;
    *(fb.pt < 0 ? all : &heard[fb.pt].feedback) |= bit;
}

static void hear(const struct sdp_media *m, struct heard heard[static 128])
{
    uint32_t all = 0;
    for (size_t i = 0; i < m->s.n_lines; i++) {
        const struct sdp_line *line = &m->s.lines[i];
        if (line->type != 'a') continue;
        if (sotto__str_eq(line->name, STR("rtpmap"))) hear_rtpmap(heard, line->value);
        if (sotto__str_eq(line->name, STR("fmtp"))) hear_fmtp(heard, line->value);
        if (sotto__str_eq(line->name, STR("rtcp-fb"))) hear_feedback(heard, line->value, &all);
    }
    for (int pt = 0; pt < 128; pt++) heard[pt].feedback |= all;
    /* RFC 3551 §6: these two need no rtpmap */
    if (!heard[0].mapped) heard[0].map = (struct sdp_rtpmap){0, STR("PCMU"), 8000, 1};
    if (!heard[8].mapped) heard[8].map = (struct sdp_rtpmap){8, STR("PCMA"), 8000, 1};
}

static bool is_named(const struct codec *c, const struct sdp_rtpmap *map)
{
    return sotto__str_ieq(map->name, sotto__str(c->name)) && map->clock == c->clock &&
           map->channels == c->channels;
}

/* The supported codec that a payload type means; false: none. */
static bool recognise(sotto_kind kind, const struct heard *h, uint8_t pt, struct codec *ret)
{
    size_t n, i = 0;
    const struct codec *table = sotto__codecs_table(kind, &n);
    bool is_rtx = is_named(&sotto__codec_rtx, &h->map); /* its clock tells that it is video's */
    while (i < n && !is_named(&table[i], &h->map)) i++;
    if (i == n && !is_rtx) return false;
    struct codec c = is_rtx ? sotto__codec_rtx : table[i];
    c.pt = pt;
    c.feedback = sotto__codec_is_media(&c) ? h->feedback : 0;
    if (h->contradicts || h->fmtp.n > SOTTO_MAX_FMTP || !sotto__codec_parse(&c, h->fmtp))
        return false;
    *ret = c;
    return is_rtx || sotto__codecs_ours(kind, &c);
}

int sotto__codecs_read(const struct sdp_media *m, sotto_kind kind, struct codec_list *ret)
{
    struct heard heard[128] = {0};
    struct codec_list l = {0};
    struct codec c;
    uint64_t pt;
    bool seen[128] = {0};
    hear(m, heard);
    for (size_t i = 0; i < m->n_fmts && l.n < SOTTO_MAX_CODECS; i++) {
        if (!sotto__str_u64(m->fmts[i], 127, &pt) || (pt >= 64 && pt <= 95) || seen[pt]) continue;
        seen[pt] = true;
        if (!recognise(kind, &heard[pt], (uint8_t)pt, &c)) continue;
        const struct str fmtp = heard[pt].fmtp;
        int r = sotto__codecs_push(&l, &c, fmtp.n ? fmtp.p : NULL, fmtp.n);
        if (r < 0) {
            sotto__codecs_free(&l);
            return r;
        }
    }
    sotto__codecs_prune(&l);
    *ret = l;
    return 0;
}

/* ---- writing ---- */

int sotto__codecs_fmts(const struct codec_list *l, struct buf *out)
{
    for (size_t i = 0; i < l->n; i++) sotto__buf_addf(out, "%s%u", i ? " " : "", l->items[i].pt);
    return out->err;
}

static int write_codec(const struct codec *c, struct sdp *sdp, struct sdp_section *s)
{
    int r = c->channels > 1
                ? sotto__sdp_add(sdp, s, 'a', "rtpmap:%u %s/%u/%u", c->pt, c->name, c->clock,
                                 c->channels)
                : sotto__sdp_add(sdp, s, 'a', "rtpmap:%u %s/%u", c->pt, c->name, c->clock);
    for (size_t i = 0; r == 0 && i < N_FEEDBACKS; i++)
        if (c->feedback & feedbacks[i].bit)
            r = sotto__sdp_add(sdp, s, 'a', "rtcp-fb:%u %s%s%s", c->pt, feedbacks[i].type,
                               *feedbacks[i].param ? " " : "", feedbacks[i].param);
    if (r == 0 && c->fmtp) r = sotto__sdp_add(sdp, s, 'a', "fmtp:%u %s", c->pt, c->fmtp);
    return r;
}

int sotto__codecs_write(const struct codec_list *l, struct sdp *sdp, struct sdp_media *m)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->n; i++) r = write_codec(&l->items[i], sdp, &m->s);
    return r;
}
