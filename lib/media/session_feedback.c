/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Incoming RTCP (RFC 3550 §6, 4585, 5104, 3611, REMB, transport-wide feedback): what the remote says of our streams and of its own. In:
 * authentic compound packets; a malformed one is dropped whole. Only what is about streams that exist has an effect; what it has is
 * bounded: key-frame requests and retransmissions by rate, limits by floors.
 * answers: H106 H108
 */
#include "media/session.h"

static void take_rtt(struct session *s, sotto_us rtt)
{
    if (rtt <= 0) return;
    s->rtt = s->rtt == 0 ? rtt : (s->rtt * 7 + rtt) / 8;
}

/* ---- about ours ---- */

/* Our media arrives somewhere, or the remote would not say so: RFC 8083 §4.1. */
static void heard(struct session *s, sotto_us now)
{
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        struct line *line = CONTAINER_OF(n, struct line, all);
        for (size_t i = 0; i < line->n_outgoing; i++)
            if (line->outgoing[i].sender) sotto__breaker_heard(&line->outgoing[i].breaker, now);
    }
}

static void on_block(struct session *s, sotto_us now, const struct rtcp_block *b)
{
    struct line *line;
    struct outgoing *o = sotto__session_outgoing(s, b->ssrc, &line);
    if (!o || o->ssrc != b->ssrc) return; /* unknown, or a repair stream, of which nothing is to be learnt */
    uint64_t octets = o->sender->sr_octets - o->octets_at_report;
    uint64_t packets = o->sender->sr_packets - o->packets_at_report;
    sotto_us span = now - o->report_at;
    sotto__remote_report(&o->remote, now, sotto__ntp(now + s->ntp_offset), b);
    heard(s, now);
    take_rtt(s, o->remote.rtt);
    if (o->report_at != 0 && span > 0 && packets > 0 &&
        sotto__breaker_report(&o->breaker, now, &o->remote, octets * 8 * 1000000 / (uint64_t)span,
                              octets / packets, span))
        o->breaker_wanted = s->news = true;
    o->octets_at_report = o->sender->sr_octets;
    o->packets_at_report = o->sender->sr_packets;
    o->report_at = now;
    sotto__session_limits(s, now, line, o);
}

static void on_nack(struct session *s, sotto_us now, const struct rtcp *r)
{
    struct outgoing *o = sotto__session_outgoing(s, r->media_ssrc, NULL);
    if (!o || o->ssrc != r->media_ssrc) return;
    o->sender->stats.nacks++;
    for (size_t i = 0; i < r->n; i++) {
        uint16_t pid, blp;
        sotto__rtcp_nack(r, i, &pid, &blp);
        sotto__sender_nack(o->sender, now, pid, blp, s->rtt, &s->pacer);
    }
}

static void on_pli(struct session *s, const struct rtcp *r)
{
    struct outgoing *o = sotto__session_outgoing(s, r->media_ssrc, NULL);
    if (!o || o->ssrc != r->media_ssrc) return;
    o->sender->stats.plis++;
    sotto__session_key_wanted(s, o);
}

/* RFC 5104 §4.3.1.2: the same number again is a repetition of the request. */
static void on_fir(struct session *s, const struct rtcp *r)
{
    for (size_t i = 0; i < r->n; i++) {
        uint32_t ssrc;
        uint8_t seq;
        sotto__rtcp_fir(r, i, &ssrc, &seq);
        struct outgoing *o = sotto__session_outgoing(s, ssrc, NULL);
        if (!o || o->ssrc != ssrc) continue;
        if (o->has_fir && o->fir_seq == seq && o->fir_ssrc == r->ssrc) continue;
        o->has_fir = true;
        o->fir_seq = seq;
        o->fir_ssrc = r->ssrc;
        o->sender->stats.firs++;
        sotto__session_key_wanted(s, o);
    }
}

static void all_limits(struct session *s, sotto_us now)
{
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        struct line *line = CONTAINER_OF(n, struct line, all);
        for (size_t i = 0; i < line->n_outgoing; i++)
            sotto__session_limits(s, now, line, &line->outgoing[i]);
    }
}

static uint64_t at_least(uint64_t bps)
{
    return bps > SOTTO_MIN_TARGET_BPS ? bps : SOTTO_MIN_TARGET_BPS;
}

static void on_remb(struct session *s, sotto_us now, const struct rtcp *r)
{
    bool ours = false;
    for (size_t i = 0; i < r->n; i++)
        ours = ours || sotto__session_outgoing(s, sotto__rtcp_remb_ssrc(r, i), NULL);
    if (!ours) return;
    s->remb_bps = at_least(r->bps);
    all_limits(s, now);
}

static void on_tmmbr(struct session *s, sotto_us now, const struct rtcp *r)
{
    for (size_t i = 0; i < r->n; i++) {
        uint32_t ssrc;
        uint64_t bps;
        uint16_t overhead;
        struct line *line;
        sotto__rtcp_tmmbr(r, i, &ssrc, &bps, &overhead);
        struct outgoing *o = sotto__session_outgoing(s, ssrc, &line);
        if (!o || o->ssrc != ssrc) continue;
        o->tmmbr_bps = at_least(bps);
        o->tmmbr_overhead = overhead;
        o->tmmbr_ssrc = r->ssrc;
        sotto__session_want(s, o->ssrc, FEEDBACK_TMMBN); /* RFC 5104 §4.2.2: always answered */
        sotto__session_limits(s, now, line, o);
    }
}

static void on_twcc(struct session *s, sotto_us now, const struct rtcp *r)
{
    struct twcc t;
    if (sotto__twcc_parse(r, &t) == 0) sotto__departures_feedback(&s->departures, now, &t);
}

static void on_dlrr(struct session *s, sotto_us now, const struct rtcp *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct rtcp_dlrr d;
        sotto__rtcp_dlrr(r, i, &d);
        if (d.ssrc != s->ssrc && !sotto__session_outgoing(s, d.ssrc, NULL)) continue;
        take_rtt(s, sotto__ntp_rtt(sotto__ntp(now + s->ntp_offset), d.lrr, d.dlrr));
    }
}

/* ---- about theirs ---- */

/* The remote's clock against ours: the least delay seen counts; it may drift. Streams of another clock (a mixer's) have their own. */
static void take_offset(struct session *s, struct source *src, sotto_us sample)
{
    if (!s->has_offset) {
        s->has_offset = true;
        s->offset = sample;
    }
    bool apart = sample - s->offset > SOTTO_SECONDS(1) || s->offset - sample > SOTTO_SECONDS(1);
    if (apart && !src->has_offset) src->offset = sample;
    src->has_offset = apart;
    sotto_us *offset = apart ? &src->offset : &s->offset;
    sotto_us diff = sample - *offset;
    *offset += diff < 0 ? diff / 2 : diff / 32;
}

static void on_sr(struct session *s, sotto_us now, const struct rtcp *r)
{
    struct source *src = sotto__session_source(s, r->ssrc);
    if (!src || src->is_repair) return;
    sotto__reception_sr(&src->reception, now, r);
    take_offset(s, src, now - s->rtt / 2 - sotto__ntp_us(r->ntp));
}

static void on_bye(struct session *s, const struct rtcp *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct source *src = sotto__session_source(s, sotto__rtcp_bye(r, i));
        struct line *line = src ? src->line : NULL;
        if (!src || !sotto__session_forget(s, src)) continue;
        if (line->n_sources > 0 || !line->unmuted) continue;
        line->unmuted = false;
        line->tell_mute = s->news = true;
    }
}

static void on_rrtr(struct session *s, sotto_us now, const struct rtcp *r)
{
    struct source *src = sotto__session_source(s, r->ssrc);
    if (!src) return;
    src->has_rrtr = true;
    src->rrtr_ntp = r->ntp;
    src->rrtr_at = now;
}

static void on_blocks(struct session *s, sotto_us now, const struct rtcp *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct rtcp_block b;
        sotto__rtcp_block(r, i, &b);
        on_block(s, now, &b);
    }
}

void sotto__session_rtcp(struct session *s, sotto_us now, const uint8_t *p, size_t n)
{
    struct rtcp r;
    size_t at = 0;
    if (sotto__rtcp_check(p, n, true) < 0) {
        s->stats.malformed++;
        return;
    }
    bool reports = false;
    sotto__rtcp_timer_received(&s->timer, n);
    while (sotto__rtcp_next(p, n, &at, &r) == 1) {
        bool is_report = r.type == RTCP_SR || r.type == RTCP_RR;
        reports = reports || is_report;
        if (is_report) (void)sotto__session_collides(s, now, r.ssrc); /* its blocks are of use all the same */
        switch (r.type) {
        case RTCP_SR:
            on_sr(s, now, &r);
            on_blocks(s, now, &r);
            break;
        case RTCP_RR: on_blocks(s, now, &r); break;
        case RTCP_BYE: on_bye(s, &r); break;
        case RTCP_NACK: on_nack(s, now, &r); break;
        case RTCP_PLI: on_pli(s, &r); break;
        case RTCP_FIR: on_fir(s, &r); break;
        case RTCP_REMB: on_remb(s, now, &r); break;
        case RTCP_TMMBR: on_tmmbr(s, now, &r); break;
        case RTCP_TWCC: on_twcc(s, now, &r); break;
        case RTCP_XR_RRTR: on_rrtr(s, now, &r); break;
        case RTCP_XR_DLRR: on_dlrr(s, now, &r); break;
        case RTCP_SDES:
        case RTCP_TMMBN:
        case RTCP_OTHER: break;
        }
    }
    if (!reports) heard(s, now); /* with reports: only if they are about us */
}

int sotto__session_request_key(struct session *s, sotto_us now, struct line *line, const char *rid)
{
    bool found = false;
    if (line->n_sources == 0 || !line->receives) return SOTTO_E_STATE;
    for (struct node *n = s->sources.next; n != &s->sources; n = n->next) {
        struct source *src = CONTAINER_OF(n, struct source, all);
        if (src->line != line || !src->receiver) continue;
        if (rid && (!src->rid || !sotto__str_eq(sotto__str(rid), sotto__str(src->rid)))) continue;
        found = true;
        sotto__receiver_want_key(src->receiver);
    }
    s->check_at = now;
    return found ? 0 : SOTTO_E_RANGE;
}
