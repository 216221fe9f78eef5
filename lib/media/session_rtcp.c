/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Outgoing RTCP: regular reports (RFC 3550 §6, RFC 8834 §4.6: a report first, then SDES with the CNAME),
 * feedback as soon as it is known (RFC 4585 §3.5: immediate mode, there are two parties), reduced-size
 * where that was negotiated (RFC 5506), transport-wide feedback, answers to XR, goodbyes. One packet a
 * call of next.
 */
#include <string.h>

#include "media/session.h"

#define MAX_RTCP (SOTTO_MTU - 50)  /* room for SRTCP's index and tag, and for a TURN header */
#define MAX_BLOCKS 20u             /* of one packet, so that feedback still fits */

static uint64_t ntp_now(const struct session *s, sotto_us now)
{
    return sotto__ntp(now + s->ntp_offset);
}

/* ---- who we are ---- */

/* Walks the encodings that were ever sent; *at 0 at first. */
static struct outgoing *next_outgoing(const struct session *s, size_t *at, struct line **line)
{
    size_t i = 0;
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        struct line *l = CONTAINER_OF(n, struct line, all);
        for (size_t k = 0; k < l->n_outgoing; k++) {
            if (!l->outgoing[k].sender || i++ < *at) continue;
            *at = i;
            *line = l;
            return &l->outgoing[k];
        }
    }
    return NULL;
}

static uint32_t our_ssrc(const struct session *s)
{
    size_t at = 0;
    struct line *line;
    const struct outgoing *o = next_outgoing(s, &at, &line);
    return o ? o->ssrc : s->ssrc;
}

static bool is_reduced(const struct session *s)
{
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next)
        if (!CONTAINER_OF(n, struct line, all)->rsize) return false;
    return true;
}

static bool is_active(const struct session *s)
{
    size_t at = 0;
    struct line *line;
    if (s->is_held) return s->n_sources > 0;
    return s->can_send && (s->n_sources > 0 || next_outgoing(s, &at, &line));
}

/* ---- regular reports ---- */

/* Blocks about those that were heard since their last one; who was told goes to the tail of the list by being heard again. */
static size_t collect_blocks(struct session *s, sotto_us now, struct rtcp_block *blocks)
{
    size_t n = 0;
    for (struct node *at = s->sources.prev; at != &s->sources && n < MAX_BLOCKS; at = at->prev) {
        struct source *src = CONTAINER_OF(at, struct source, all);
        if (src->is_repair || src->last < s->timer.last) continue;
        if (sotto__reception_block(&src->reception, now, src->ssrc, &blocks[n])) n++;
    }
    return n;
}

static void write_sr(const struct session *s, sotto_us now, const struct outgoing *o,
                     const struct rtcp_block *blocks, size_t n, struct writer *w)
{
    const struct sender *x = o->sender;
    struct rtcp_sr sr = {.ssrc = o->ssrc,
                         .ntp = ntp_now(s, now),
                         .rtp_time = sotto__sender_time(x, now, x->clock),
                         .packets = (uint32_t)x->sr_packets,
                         .octets = (uint32_t)x->sr_octets};
    sotto__rtcp_write_sr(w, &sr, blocks, n);
}

static void write_dlrr(struct session *s, sotto_us now, uint32_t ssrc, struct writer *w)
{
    struct rtcp_dlrr items[8];
    size_t n = 0;
    for (struct node *at = s->sources.next; at != &s->sources && n < 8; at = at->next) {
        struct source *src = CONTAINER_OF(at, struct source, all);
        if (!src->has_rrtr) continue;
        src->has_rrtr = false;
        items[n++] = (struct rtcp_dlrr){.ssrc = src->ssrc,
                                        .lrr = sotto__ntp_middle(src->rrtr_ntp),
                                        .dlrr = (uint32_t)((now - src->rrtr_at) * 65536 / 1000000)};
    }
    if (n > 0) sotto__rtcp_write_dlrr(w, ssrc, items, n);
}

/* Sender reports of as many streams as fit, from report_at on; the first packet of a round has the blocks. */
static void write_reports(struct session *s, sotto_us now, struct writer *w)
{
    struct rtcp_block blocks[MAX_BLOCKS];
    uint32_t ssrcs[RTCP_MAX_BLOCKS];
    struct line *line;
    struct outgoing *o;
    size_t n = 0, n_blocks = s->reporting ? 0 : collect_blocks(s, now, blocks);
    s->reporting = false;
    while ((o = next_outgoing(s, &s->report_at, &line))) {
        bool silent = !line->sends || !o->sender->has_time || s->is_held;
        if (silent) continue;
        if (n == 8) { /* 28 bytes here and 28 in SDES each */
            s->report_at--;
            s->reporting = true;
            break;
        }
        write_sr(s, now, o, blocks, n == 0 ? n_blocks : 0, w);
        ssrcs[n++] = o->ssrc;
    }
    if (!s->reporting) s->report_at = 0;
    if (n == 0) {
        ssrcs[n++] = our_ssrc(s);
        sotto__rtcp_write_rr(w, ssrcs[0], blocks, n_blocks);
    }
    sotto__rtcp_write_sdes(w, ssrcs, n, sotto__str(s->cname));
    write_dlrr(s, now, ssrcs[0], w);
}

/* What a compound packet without regular reports has to begin with. */
static void write_short_report(struct session *s, uint32_t ssrc, struct writer *w)
{
    sotto__rtcp_write_rr(w, ssrc, NULL, 0);
    sotto__rtcp_write_sdes(w, &ssrc, 1, sotto__str(s->cname));
}

/* ---- feedback ---- */

void sotto__session_want(struct session *s, uint32_t ssrc, uint8_t kind)
{
    for (size_t i = 0; i < s->n_feedback; i++)
        if (s->feedback[i].ssrc == ssrc && s->feedback[i].kind == kind) return;
    if (s->n_feedback < SESSION_MAX_FEEDBACK)
        s->feedback[s->n_feedback++] = (struct session_feedback){.ssrc = ssrc, .kind = kind};
}

static void write_one(struct session *s, const struct session_feedback *f, struct writer *w)
{
    uint32_t ours = our_ssrc(s);
    struct source *src = sotto__session_source(s, f->ssrc);
    if (f->kind == FEEDBACK_TMMBN) {
        const struct outgoing *o = sotto__session_outgoing(s, f->ssrc, NULL);
        if (o) sotto__rtcp_write_tmmbn(w, ours, o->tmmbr_ssrc, o->tmmbr_bps, o->tmmbr_overhead);
    } else if (src && f->kind == FEEDBACK_FIR) {
        sotto__rtcp_write_fir(w, ours, f->ssrc, src->fir_seq++);
    } else if (src) {
        sotto__rtcp_write_pli(w, ours, f->ssrc);
    }
}

static void write_feedback(struct session *s, sotto_us now, struct writer *w)
{
    if (s->n_nacks > 0) sotto__rtcp_write_nack(w, our_ssrc(s), s->nack_ssrc, s->nacks, s->n_nacks);
    if (s->n_nacks > 0) s->check_at = now; /* others may have some too */
    s->n_nacks = 0;
    for (size_t i = 0; i < s->n_feedback; i++) write_one(s, &s->feedback[i], w);
    s->n_feedback = 0;
    if (now >= s->arrivals.next)
        sotto__arrivals_write(&s->arrivals, now, our_ssrc(s), s->twcc_ssrc, w);
}

static bool has_feedback(const struct session *s, sotto_us now)
{
    if (now < s->early_at) return false;
    return s->n_nacks > 0 || s->n_feedback > 0 || now >= s->arrivals.next;
}

/* ---- goodbye ---- */

void sotto__session_bye(struct session *s)
{
    s->bye = true;
}

static void write_bye(struct session *s, struct writer *w)
{
    uint32_t ssrcs[RTCP_MAX_BLOCKS];
    struct line *line;
    const struct outgoing *o;
    size_t n = 0, at = 0;
    while (n < RTCP_MAX_BLOCKS && (o = next_outgoing(s, &at, &line))) ssrcs[n++] = o->ssrc;
    if (n == 0) ssrcs[n++] = s->ssrc;
    write_short_report(s, ssrcs[0], w);
    sotto__rtcp_write_bye(w, ssrcs, n);
    s->bye = false;
}

/* Of SSRCs that others have too. */
static void write_left(struct session *s, struct writer *w)
{
    write_short_report(s, s->left[0], w);
    sotto__rtcp_write_bye(w, s->left, s->n_left);
    s->n_left = 0;
}

/* ---- the next packet ---- */

static uint64_t session_bps(const struct session *s)
{
    uint64_t bps = 0;
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next) {
        const struct line *line = CONTAINER_OF(n, struct line, all);
        for (size_t i = 0; i < line->n_outgoing; i++) bps += line->outgoing[i].told_bps;
        if (line->receives)
            bps += line->kind == SOTTO_VIDEO ? SOTTO_DEFAULT_VIDEO_BPS : SOTTO_DEFAULT_AUDIO_BPS;
    }
    return bps;
}

static bool has_video(const struct session *s)
{
    for (struct node *n = s->lines.next; n != &s->lines; n = n->next)
        if (CONTAINER_OF(n, struct line, all)->kind == SOTTO_VIDEO) return true;
    return false;
}

/* A regular report went out: the next one's time, and the circuit breakers of streams that nobody reports about. */
static void interval_over(struct session *s, sotto_us now, size_t bytes)
{
    sotto_us interval = now - s->timer.last;
    size_t at = 0, n_out = 0;
    struct line *line;
    struct outgoing *o;
    while ((o = next_outgoing(s, &at, &line))) {
        n_out++;
        bool sending = o->sender->sr_packets != o->packets_at_ours;
        o->packets_at_ours = o->sender->sr_packets;
        if (sotto__breaker_interval(&o->breaker, now, sending, interval))
            o->breaker_wanted = s->news = true;
    }
    sotto__rtcp_timer_sent(&s->timer, now, bytes, session_bps(s), n_out + s->n_sources + 1,
                           n_out + s->n_sources, n_out > 0, has_video(s));
}

static int say_rtcp(struct session *s, const struct writer *w, struct session_out *out)
{
    if (w->bad || w->n == 0) return 0;
    *out = (struct session_out){.type = SESSION_OUT_RTCP, .p = s->packet, .n = w->n};
    return 1;
}

int sotto__session_next_rtcp(struct session *s, sotto_us now, struct session_out *out)
{
    struct writer w = sotto__writer(s->packet, MAX_RTCP);
    if (s->n_left > 0 && s->can_send) {
        write_left(s, &w);
        return say_rtcp(s, &w, out);
    }
    if (s->bye && is_active(s)) {
        write_bye(s, &w);
        return say_rtcp(s, &w, out);
    }
    if (s->is_held || !is_active(s)) s->n_nacks = s->n_feedback = 0;
    if (!is_active(s)) return 0;
    bool regular = s->reporting || now >= s->timer.next;
    if (!regular && !has_feedback(s, now)) return 0;
    if (regular)
        write_reports(s, now, &w);
    else if (!is_reduced(s))
        write_short_report(s, our_ssrc(s), &w);
    write_feedback(s, now, &w);
    if (regular && !s->reporting) interval_over(s, now, w.n);
    if (!regular) {
        sotto__rtcp_timer_early(&s->timer, now, w.n);
        s->early_at = sotto__rtcp_timer_early_due(&s->timer, now);
    }
    return say_rtcp(s, &w, out);
}

sotto_us sotto__session_rtcp_due(const struct session *s)
{
    if (s->n_left > 0 && s->can_send) return 0;
    if (!is_active(s)) return SOTTO_NEVER;
    if (s->bye || s->reporting) return 0;
    sotto_us early = s->n_nacks > 0 || s->n_feedback > 0 ? 0 : s->arrivals.next;
    if (early < s->early_at) early = s->early_at;
    return sotto__earlier(s->timer.next, early);
}
