/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: frames and packets of the application go to the stream of their encoding; what the pacer lets go gets its header extensions
 * (RFC 8285) and transport-wide number; limits of the remote become targets that the application is told. In: frames, limits; out: packets
 * to be sealed. Streams are made with their first frame.
 */
#include <string.h>

#include "media/e2ee_frame.h"
#include "media/session.h"
#include "util/cold.h"
#include "util/mem.h"
#include "util/rand.h"

/* ---- which encoding ---- */

static struct outgoing *by_rid(struct line *line, struct str rid)
{
    for (size_t i = 0; i < line->n_outgoing; i++)
        if (line->outgoing[i].rid && sotto__str_eq(rid, sotto__str(line->outgoing[i].rid)))
            return &line->outgoing[i];
    return NULL;
}

struct outgoing *sotto__session_outgoing(const struct session *s, uint32_t ssrc,
                                         struct line **ret_line)
{
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        struct line *line = CONTAINER_OF(n, struct line, all);
        for (size_t i = 0; i < line->n_outgoing; i++) {
            struct outgoing *o = &line->outgoing[i];
            if (!o->sender || (o->ssrc != ssrc && (o->rtx_ssrc != ssrc || ssrc == 0))) continue;
            if (ret_line) *ret_line = line;
            return o;
        }
    }
    return NULL;
}

static const struct codec *rtx_of(const struct line *line, uint8_t pt)
{
    for (size_t i = 0; i < line->send->n; i++)
        if (line->send->items[i].id == CODEC_RTX && line->send->items[i].apt == pt)
            return &line->send->items[i];
    return NULL;
}

/* The first codec that carries media by itself. */
static const struct codec *first_codec(const struct line *line)
{
    for (size_t i = 0; line->send && i < line->send->n; i++) {
        const struct codec *c = &line->send->items[i];
        if (c->id != CODEC_RTX && c->id != CODEC_RED && c->id != CODEC_DTMF) return c;
    }
    return NULL;
}

static bool is_media(const struct codec *c)
{
    return c && c->id != CODEC_RTX && c->id != CODEC_RED && c->id != CODEC_DTMF;
}

COLD static int new_ssrc(const struct session *s, uint32_t *ret)
{
    uint32_t ssrc;
    do {
        if (sotto__rand(&ssrc, sizeof ssrc) < 0) return SOTTO_E_SYS;
    } while (ssrc == 0 || ssrc == s->ssrc || sotto__session_outgoing(s, ssrc, NULL) ||
             sotto__session_source(s, ssrc));
    *ret = ssrc;
    return 0;
}

static bool wants_rtx(const struct line *line)
{
    for (size_t i = 0; i < line->send->n; i++)
        if (line->send->items[i].id == CODEC_RTX) return true;
    return false;
}

static void fill_values(const struct session *s, sotto_us now, const struct line *line,
                        const struct outgoing *o, bool is_repair, struct ext_values *v)
{
    v->has = 1u << EXT_MID | 1u << EXT_ABS_SEND; /* nothing else of it is looked at */
    v->mid = sotto__str(line->mid);
    /* 6.18 fixed point seconds: as the middle of an NTP time, 14 bits on */
    v->abs_send = (uint32_t)(sotto__ntp(now + s->ntp_offset) >> 14) & 0xffffff;
    if (!o->rid) return;
    bool repaired = is_repair && o->rtx_ssrc != 0;
    v->has |= 1u << (repaired ? EXT_RRID : EXT_RID);
    v->rid = v->rrid = sotto__str(o->rid);
}

/* Those that it has none of. */
COLD static int need_ssrcs(struct session *s, const struct line *line, struct outgoing *o)
{
    int r = o->ssrc ? 0 : new_ssrc(s, &o->ssrc);
    if (r == 0 && !o->rtx_ssrc && wants_rtx(line)) r = new_ssrc(s, &o->rtx_ssrc);
    return r;
}

/* The stream ends, and with the next frame another one begins under other SSRCs. */
COLD static void begin_anew(struct session *s, struct line *line, struct outgoing *o)
{
    sotto__session_end_outgoing(s, o);
    o->ssrc = o->rtx_ssrc = 0;
    o->remote = (struct remote_report){0};
    o->octets_at_report = o->packets_at_report = o->packets_at_ours = 0;
    o->report_at = 0;
    o->has_fir = false;
    sotto__session_key_wanted(s, o);
    if (o != line->outgoing || need_ssrcs(s, line, o) < 0) return; /* then it gets them with its next frame */
    line->tell_ssrc = true;
}

static void leave(struct session *s, uint32_t ssrc)
{
    if (ssrc != 0 && s->n_left < sizeof s->left / sizeof *s->left) s->left[s->n_left++] = ssrc;
}

/* RFC 3550 §8.2, RFC 8834 §4.8. Only once: after that it is a loop somewhere behind the remote, which would follow. */
COLD bool sotto__session_collides(struct session *s, sotto_us now, uint32_t ssrc)
{
    struct line *line = NULL;
    struct outgoing *o = sotto__session_outgoing(s, ssrc, &line);
    if (!o && ssrc != s->ssrc) return false;
    sotto_us *last = o ? &o->collided : &s->collided;
    bool again = *last != 0 && now - *last < SOTTO_LOOP_US;
    *last = now;
    if (again) {
        s->stats.looped++;
        return true;
    }
    leave(s, o ? o->ssrc : ssrc);
    if (!o) return new_ssrc(s, &s->ssrc) < 0;
    leave(s, o->rtx_ssrc);
    begin_anew(s, line, o);
    return false;
}

COLD static int need_sender(struct session *s, struct line *line, struct outgoing *o)
{
    struct ext_values values;
    bool described = o->ssrc != 0;
    if (o->sender) return 0;
    if (described && (sotto__session_source(s, o->ssrc) || sotto__session_source(s, o->rtx_ssrc)))
        begin_anew(s, line, o); /* the remote was first */
    int r = need_ssrcs(s, line, o);
    if (r < 0) return r;
    r = sotto__sender_new(&o->sender, line->kind == SOTTO_VIDEO, o->ssrc, o->rtx_ssrc);
    if (r < 0) return r;
    if (described && o == line->outgoing) line->ssrc_used = true;
    fill_values(s, 0, line, o, false, &values);
    values.has |= 1u << EXT_TWCC;
    sotto__sender_expect(o->sender, line->ids, &values);
    return 0;
}

/* ---- frames, packets, tones ---- */

static int choose(struct session *s, struct line *line, const char *rid, struct outgoing **ret)
{
    if (!line->sends || !s->can_send || line->n_outgoing == 0) return SOTTO_E_STATE;
    struct outgoing *o = rid ? by_rid(line, sotto__str(rid)) : &line->outgoing[0];
    if (!o) return SOTTO_E_RANGE;
    *ret = o;
    return 0;
}

static int send_sealed(struct session *s, sotto_us now, struct line *line, struct outgoing *o,
                       const struct codec *codec, const sotto_frame *f)
{
    struct buf sealed;
    sotto__buf_init(&sealed, SOTTO_MAX_FRAME);
    int r = sotto__e2ee_seal_frame(line->e2ee, codec->id, (struct sframe_bytes){f->data, f->len},
                                   &sealed);
    struct sealed_frame view = {sealed.p, sealed.n};
    if (r == 0) r = sotto__sender_sealed(o->sender, now, codec, f, &view, &s->pacer);
    sotto__buf_free(&sealed);
    return r == SOTTO_E_ACCESS ? SOTTO_E_STATE : r;
}

int sotto__session_send_frame(struct session *s, sotto_us now, struct line *line,
                              const sotto_frame *f)
{
    struct outgoing *o;
    int r = choose(s, line, f->rid, &o);
    if (r < 0) return r;
    if (f->payload_kind && (f->payload_type < 0 || f->payload_type > 127)) return SOTTO_E_RANGE;
    const struct codec *codec = f->payload_kind
                                    ? sotto__line_codec(line->send, (uint8_t)f->payload_type)
                                    : first_codec(line);
    if (!is_media(codec)) return f->payload_kind ? SOTTO_E_RANGE : SOTTO_E_STATE;
    if (o->inactive) return 0;
    if (o->breaker.open) return SOTTO_E_AGAIN;
    r = need_sender(s, line, o);
    if (r == 0)
        r = sotto__e2ee_is_required(line->e2ee, SOTTO_E2EE_SEND)
                ? send_sealed(s, now, line, o, codec, f)
                : sotto__sender_frame(o->sender, now, codec, f, &s->pacer);
    if (r == SOTTO_E_AGAIN) sotto__session_key_wanted(s, o);
    if (r == 0 && f->is_key) o->key_wanted = false;
    return r;
}

int sotto__session_send_rtp(struct session *s, sotto_us now, struct line *line, const uint8_t *p,
                            size_t n)
{
    struct ext_values ext;
    struct outgoing *o = NULL;
    struct rtp rtp;
    int r = sotto__rtp_parse(p, n, &rtp);
    if (r < 0 || rtp.n_padding > 0 || rtp.n_payload == 0) return SOTTO_E_SYNTAX;
    r = choose(s, line, NULL, &o);
    if (r == 0 && sotto__e2ee_is_required(line->e2ee, SOTTO_E2EE_SEND)) r = SOTTO_E_STATE;
    if (r < 0) return r;
    sotto__ext_read(&rtp, line->ids, &ext);
    if ((ext.has & 1u << EXT_RID) && o->rid) o = by_rid(line, ext.rid);
    const struct codec *codec = sotto__line_codec(line->send, rtp.pt);
    if (!o || !codec || codec->id == CODEC_RTX) return SOTTO_E_RANGE;
    if (o->inactive) return 0;
    if (o->breaker.open) return SOTTO_E_AGAIN;
    r = need_sender(s, line, o);
    return r < 0 ? r : sotto__sender_rtp(o->sender, now, codec, &rtp, &s->pacer);
}

static const struct codec *tone_codec(const struct line *line)
{
    const struct codec *first = first_codec(line), *found = NULL;
    for (size_t i = 0; line->send && i < line->send->n; i++) {
        const struct codec *c = &line->send->items[i];
        if (c->id != CODEC_DTMF) continue;
        if (first && c->clock == first->clock) return c; /* one clock a stream: RFC 7160 */
        if (!found) found = c;
    }
    return found;
}

COLD int sotto__session_dtmf(struct session *s, sotto_us now, struct line *line, const char *tones,
                             int32_t duration_ms, int32_t gap_ms)
{
    const struct codec *codec = tone_codec(line);
    int r = 0;
    if (!line->sends || !codec || sotto__e2ee_is_required(line->e2ee, SOTTO_E2EE_SEND))
        return SOTTO_E_STATE;
    if (!line->dtmf) r = sotto__dtmf_new(&line->dtmf);
    if (r == 0) r = sotto__dtmf_insert(line->dtmf, now, tones, duration_ms, gap_ms, codec->clock);
    s->check_at = now;
    return r;
}

COLD void sotto__session_send_tone(struct session *s, sotto_us now, struct line *line,
                                   const struct dtmf_out *tone)
{
    const struct codec *codec = tone_codec(line);
    struct outgoing *o;
    if (tone->marker) line->has_tone_time = false;
    if (!codec || choose(s, line, NULL, &o) < 0 || o->inactive || o->breaker.open ||
        sotto__e2ee_is_required(line->e2ee, SOTTO_E2EE_SEND) || need_sender(s, line, o) < 0)
        return; /* negotiated away meanwhile, or without memory: lost as on any network */
    if (!line->has_tone_time) /* all packets of a tone have one: RFC 4733 §2.5.1.2 */
        line->tone_time = sotto__sender_time(o->sender, tone->began, codec->clock);
    line->has_tone_time = true;
    (void)sotto__sender_event(o->sender, now, codec, tone->payload, sizeof tone->payload,
                              line->tone_time + tone->ahead, tone->marker, &s->pacer);
}

/* ---- departures ---- */

static struct outgoing *outgoing_of(const struct session *s, const struct sender *sender,
                                    struct line **line)
{
    return sotto__session_outgoing(s, sender->ssrc, line);
}

int sotto__session_next_departure(struct session *s, sotto_us now, struct session_out *out)
{
    struct sent_packet *pkt;
    while ((pkt = sotto__pacer_next(&s->pacer, now))) {
        struct line *line = NULL;
        struct ext_values values;
        struct outgoing *o = outgoing_of(s, pkt->sender, &line);
        if (!o || !line->sends || o->breaker.open) continue; /* RFC 8083 §4.5: nothing leaves */
        const struct codec *rtx = o->rtx_ssrc ? rtx_of(line, pkt->pt) : NULL;
        fill_values(s, now, line, o, pkt->is_repair, &values);
        bool again = pkt->is_repair && !rtx; /* the same bytes once more */
        if (line->ids[EXT_TWCC] && !again) {
            values.has |= 1u << EXT_TWCC;
            values.twcc = sotto__departures_packet(&s->departures, now, pkt->n + RTP_HEADER);
        }
        o->last_pt = pkt->pt;
        if (o->sender->stats.packets == 0) s->timer.next = now; /* RFC 6051 §2.1: a report at once */
        if (!sotto__sender_depart(pkt->sender, now, pkt, line->ids, &values,
                                  rtx ? rtx->pt : PT_NONE, &s->departure))
            continue;
        *out = (struct session_out){
            .type = SESSION_OUT_RTP, .departure = &s->departure, .line = line, .outgoing = o};
        return 1;
    }
    return 0;
}

/* ---- targets ---- */

void sotto__session_key_wanted(struct session *s, struct outgoing *o)
{
    o->key_wanted = s->news = true;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

void sotto__session_path(struct session *s, sotto_us now)
{
    for (struct node *at = s->lines.next; at != &s->lines; at = at->next) {
        struct line *line = CONTAINER_OF(at, struct line, all);
        for (size_t i = 0; i < line->n_outgoing; i++)
            sotto__breaker_path(&line->outgoing[i].breaker, now);
    }
    s->news = true;
}

/* What all video encodings together may use is shared out evenly; audio is small. */
static uint64_t share(const struct session *s, const struct line *line)
{
    size_t n = 0;
    if (s->remb_bps == 0 || line->kind != SOTTO_VIDEO) return 0;
    for (struct node *at = s->lines.next; at != &s->lines; at = at->next) {
        const struct line *other = CONTAINER_OF(at, struct line, all);
        for (size_t i = 0; other->sends && other->kind == SOTTO_VIDEO && i < other->n_outgoing; i++)
            if (!other->outgoing[i].inactive) n++;
    }
    uint64_t bps = s->remb_bps / (n ? n : 1);
    return bps > SOTTO_MIN_TARGET_BPS ? bps : SOTTO_MIN_TARGET_BPS;
}

static uint64_t target_of(const struct session *s, const struct line *line,
                          const struct outgoing *o)
{
    if (!line->sends || o->inactive || o->breaker.open) return 0;
    uint64_t bps = line->kind == SOTTO_VIDEO ? SOTTO_DEFAULT_VIDEO_BPS : SOTTO_DEFAULT_AUDIO_BPS;
    if (o->max_bps) bps = o->max_bps; /* the application knows better than a default */
    if (line->max_bps != UINT64_MAX) bps = least(bps, line->max_bps ? line->max_bps : 1);
    bps = least(bps, o->tmmbr_bps);
    return least(bps, share(s, line));
}

COLD void sotto__session_limits(struct session *s, sotto_us now, struct line *line,
                                struct outgoing *o)
{
    uint64_t bps = target_of(s, line, o);
    double change = o->remote.fraction - o->told_loss;
    bool worth = change > 0.01 || change < -0.01;
    if (bps == o->told_bps && !(worth && now - o->bitrate_at >= SOTTO_SECONDS(1))) return;
    o->told_bps = bps;
    o->told_loss = o->remote.fraction;
    o->bitrate_at = now;
    if (line->sends) o->bitrate_wanted = s->news = true;
}
