/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of RTCP reports: reception of one source (RFC 3550 §6.4.1, §A.1, §A.3, §A.8), what the remote says of ours, when a report
 * may leave (§6.2, §6.3, §A.7; RFC 4585 §3.4, §3.5), and the circuit breakers (RFC 8083). Packets as numbers come in, numbers and times go
 * out; nothing is sent or allocated here. What the remote says is clamped, as it may lie.
 * answers: H103 H109
 */
#include "media/report.h"

#include <string.h>

#include "util/seq.h"

#define MAX_DROPOUT 3000   /* §A.1: a jump that is more than loss */
#define MAX_MISORDER 100
#define MAX_JITTER 5400000u /* ticks: a minute at 90 kHz */
#define MAX_RTT SOTTO_SECONDS(10) /* nobody talks over such a path: a lie */

/* ---- times ---- */

uint64_t sotto__ntp(sotto_us t)
{
    uint64_t us = (uint64_t)t;
    return us / 1000000 << 32 | ((us % 1000000) << 32) / 1000000;
}

sotto_us sotto__ntp_us(uint64_t ntp)
{
    return (sotto_us)((ntp >> 32) * 1000000 + (((ntp & UINT32_MAX) * 1000000 + (1u << 31)) >> 32));
}

uint32_t sotto__ntp_middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

sotto_us sotto__ntp_rtt(uint64_t ntp, uint32_t last, uint32_t delay)
{
    if (last == 0) return 0;
    int64_t ticks = (int32_t)(sotto__ntp_middle(ntp) - last - delay);
    if (ticks < -65536 / 10) return 0; /* of our future */
    sotto_us rtt = ticks * 1000000 / 65536;
    return rtt > MAX_RTT ? 0 : rtt < 1 ? 1 : rtt; /* remotes round the delay, up too */
}

/* ---- what we receive ---- */

static int64_t expected(const struct reception *r)
{
    return r->started ? r->before + r->highest - r->base + 1 : 0;
}

/* §A.1 without probation, as the packet is authentic. Whether it counts. */
static bool take_seq(struct reception *r, uint16_t seq, bool *in_order)
{
    *in_order = true;
    if (!r->started) {
        r->started = true;
        r->base = r->highest = seq;
        return true;
    }
    int64_t full = sotto__unwrap16(r->highest, seq), ahead = full - r->highest;
    if (ahead > -MAX_MISORDER && ahead < MAX_DROPOUT) {
        *in_order = ahead > 0;
        if (ahead > 0) r->highest = full;
        if (full < r->base && r->before == 0) r->base = full; /* before the first one */
        r->jumped = false;
        return true;
    }
    if (!r->jumped || r->jumped_to != seq) { /* one alone may be a very old one */
        r->jumped = true;
        r->jumped_to = (uint16_t)(seq + 1);
        return false;
    }
    r->before = expected(r);
    r->base = r->highest = ahead > 0 ? full : full + 65536; /* what we report only grows */
    r->jumped = r->has_transit = false;
    return true;
}

static void take_jitter(struct reception *r, sotto_us now, uint32_t time, uint32_t clock)
{
    if (clock == 0) return;
    uint64_t arrival =
        (uint64_t)(now / 1000000) * clock + (uint64_t)(now % 1000000) * clock / 1000000;
    uint32_t transit = (uint32_t)arrival - time;
    if (r->has_transit && clock == r->clock) {
        double d = (int32_t)(transit - r->transit);
        if (d < 0) d = -d;
        if (d < 5.0 * clock) r->jitter += (d - r->jitter) / 16; /* §A.8; beyond: the timestamps jumped */
    } else {
        r->jitter = 0;
    }
    r->clock = clock, r->transit = transit, r->has_transit = true;
}

void sotto__reception_packet(struct reception *r, sotto_us now, uint16_t seq, uint32_t time,
                             uint32_t clock, bool is_repair)
{
    bool in_order;
    if (is_repair || !take_seq(r, seq, &in_order)) return;
    r->received++;
    if (in_order) take_jitter(r, now, time, clock);
}

void sotto__reception_sr(struct reception *r, sotto_us now, const struct rtcp *sr)
{
    r->has_sr = true;
    r->n_srs++;
    r->sr_ntp = sr->ntp, r->sr_time = sr->rtp_time;
    r->sr_packets = sr->packets, r->sr_octets = sr->octets;
    r->sr_at = now;
}

int64_t sotto__reception_lost(const struct reception *r)
{
    return expected(r) - (int64_t)r->received;
}

static int32_t clamp_lost(int64_t lost) /* 24 bits, signed */
{
    return lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : (int32_t)lost;
}

bool sotto__reception_block(struct reception *r, sotto_us now, uint32_t ssrc,
                            struct rtcp_block *ret)
{
    if (!r->started) return false;
    int64_t all = expected(r), span = all - (int64_t)r->prior_expected;
    int64_t lost = span - (int64_t)(r->received - r->prior_received);
    int64_t fraction = span <= 0 || lost <= 0 ? 0 : lost * 256 / span; /* §A.3 */
    *ret = (struct rtcp_block){
        .ssrc = ssrc,
        .fraction = (uint8_t)fraction, /* below 256: of an interval in which nothing came span is 0 */
        .lost = clamp_lost(sotto__reception_lost(r)),
        .highest = (uint32_t)r->highest,
        .jitter = (uint32_t)r->jitter,
    };
    if (r->has_sr) {
        int64_t delay =
            (now - r->sr_at) / 1000000 * 65536 + (now - r->sr_at) % 1000000 * 65536 / 1000000;
        ret->lsr = sotto__ntp_middle(r->sr_ntp);
        ret->dlsr = delay > UINT32_MAX ? UINT32_MAX : (uint32_t)delay;
    }
    r->prior_expected = (uint64_t)all;
    r->prior_received = r->received;
    return true;
}

/* ---- what the remote receives ---- */

void sotto__remote_report(struct remote_report *r, sotto_us now, uint64_t ntp,
                          const struct rtcp_block *b)
{
    sotto_us rtt = sotto__ntp_rtt(ntp, b->lsr, b->dlsr);
    r->n++;
    r->fraction = b->fraction / 256.0;
    r->lost = b->lost;
    r->jitter = b->jitter < MAX_JITTER ? b->jitter : MAX_JITTER;
    r->highest = b->highest;
    r->at = now;
    if (rtt == 0) return;
    r->rtt = rtt;
    r->rtt_total += rtt;
    r->n_rtts++;
}

/* ---- when reports leave ---- */

#define OVERHEAD 28u                  /* IPv4 and UDP: they count, §6.2 */
#define MAX_INTERVAL SOTTO_SECONDS(5) /* however narrow the session: RFC 8083 §4.1 */
#define VIDEO_INTERVAL SOTTO_SECONDS(1)
#define AUDIO_INTERVAL SOTTO_MS(2500)
#define MIN_BURST 2500.0              /* bytes of early feedback that are always at hand, after a while */

static double roll(struct rtcp_timer *t) /* 0.5…1.5; xorshift: spreads, hides nothing */
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 17;
    t->random ^= t->random << 5;
    return 0.5 + t->random / 4294967296.0;
}

static void take_size(struct rtcp_timer *t, size_t bytes)
{
    t->average += ((double)(bytes + OVERHEAD) - t->average) / 16;
}

void sotto__rtcp_timer_init(struct rtcp_timer *t, sotto_us now, uint32_t seed)
{
    *t = (struct rtcp_timer){.last = now, .average = 128, .random = seed | 1, .credit_at = now};
    t->credit = MIN_BURST;
    t->next = now + (sotto_us)(roll(t) * (VIDEO_INTERVAL / 2)); /* half of it at first: §6.2 */
}

/* §6.3.1: seconds between two of ours, deterministic. Senders share a quarter of the 5 %, if they are at most a quarter of the members. */
static sotto_us share(const struct rtcp_timer *t, size_t members, size_t senders, bool we_send)
{
    double bytes = (double)t->bps / 8 * 0.05, n = (double)members;
    if (senders * 4 <= members) {
        bytes *= we_send ? 0.25 : 0.75;
        n = (double)(we_send ? senders : members - senders);
    }
    double us = bytes > 0 ? t->average * n / bytes * 1e6 : 1e9;
    return us > (double)MAX_INTERVAL ? MAX_INTERVAL : (sotto_us)us;
}

/* §6.3.3: when its time comes a report is put off if a second draw says later, which §6.3.1 compensates for by a factor. With members that
 * do not change, all those draws can be made at once. */
static sotto_us reconsidered(struct rtcp_timer *t, sotto_us interval)
{
    const double compensation = 2.71828182845904523536 - 1.5;
    double at = roll(t), again;
    while ((again = roll(t)) > at) at = again;
    return (sotto_us)((double)interval * at / compensation);
}

static double credit_now(const struct rtcp_timer *t, sotto_us now)
{
    double rate = (double)t->bps / 8 * 0.05, burst = rate > MIN_BURST ? rate : MIN_BURST;
    double credit = t->credit + rate * (double)(now - t->credit_at) / 1e6;
    return credit < burst ? credit : burst;
}

static void spend(struct rtcp_timer *t, sotto_us now, size_t bytes)
{
    t->credit = credit_now(t, now) - (double)(bytes + OVERHEAD);
    t->credit_at = now;
}

void sotto__rtcp_timer_sent(struct rtcp_timer *t, sotto_us now, size_t bytes, uint64_t bps,
                            size_t members, size_t senders, bool we_send, bool video)
{
    spend(t, now, bytes);
    take_size(t, bytes);
    t->bps = bps;
    t->last = now;
    sotto_us narrow = reconsidered(t, share(t, members, senders, we_send));
    sotto_us least = (sotto_us)(roll(t) * (double)(video ? VIDEO_INTERVAL : AUDIO_INTERVAL));
    t->next = now + (narrow > least ? narrow : least); /* RFC 4585 §3.5.3: T_rr_interval, dithered */
}

void sotto__rtcp_timer_received(struct rtcp_timer *t, size_t bytes)
{
    take_size(t, bytes);
}

void sotto__rtcp_timer_early(struct rtcp_timer *t, sotto_us now, size_t bytes)
{
    spend(t, now, bytes);
    take_size(t, bytes);
}

sotto_us sotto__rtcp_timer_early_due(const struct rtcp_timer *t, sotto_us now)
{
    double credit = credit_now(t, now), rate = (double)t->bps / 8 * 0.05;
    if (credit >= 0) return now;
    return rate > 0 ? now + (sotto_us)(-credit / rate * 1e6) + 1 : t->next;
}

/* ---- circuit breakers ---- */

#define SILENCE SOTTO_SECONDS(15)      /* RFC 8083 §4.1: three times 5 s */
#define LEAST_TDR SOTTO_SECONDS(1)     /* reports that come more often are taken together */
#define MEDIA_REPORTS 5                /* §4.2: k */
#define CONGESTION_MAX SOTTO_SECONDS(15) /* §4.3: max(15, 3 * Td) */
#define UNUSABLE 0.5                   /* §4.4: share of lost packets, for BREAKER_SECONDS */
#define HOLD SOTTO_SECONDS(15)         /* §4.5: at least the time in which it triggers; doubled up to 16 times */
#define GOOD SOTTO_SECONDS(60)

static bool trip(struct breaker *b, sotto_us now)
{
    if (b->times > 0 && now - b->until > GOOD) b->times = 0;
    b->until = now + HOLD * (1 << (b->times < 4 ? b->times : 4));
    b->times++;
    b->open = b->tripped = true;
    return true;
}

/* It was let go again: what was measured before says nothing. */
static void renew(struct breaker *b)
{
    if (!b->tripped || b->open) return;
    *b = (struct breaker){
        .until = b->until, .times = b->times, .rtt = b->rtt, .highest = b->highest};
}

void sotto__breaker_heard(struct breaker *b, sotto_us now)
{
    renew(b);
    b->heard = now;
}

bool sotto__breaker_interval(struct breaker *b, sotto_us now, bool sending, sotto_us interval)
{
    renew(b);
    if (b->open) return false;
    if (!sending) {
        b->started = 0;
        return false;
    }
    if (b->started == 0) b->started = now;
    sotto_us since = b->heard > b->started ? b->heard : b->started;
    sotto_us timeout = 3 * interval > SILENCE ? 3 * interval : SILENCE;
    if (now - since < timeout) return false;
    b->by_silence = true;
    return trip(b, now);
}

void sotto__breaker_path(struct breaker *b, sotto_us now)
{
    if (b->open && !b->by_silence) return; /* reports came and said that it was too much: that they still mean */
    if (b->open) {
        b->until = now;
        b->times = 0;
    } else {
        b->tripped = true;
        renew(b);
    }
}

/* §4.2: reports come, media does not. tf: between two packets. */
static bool media_timed_out(struct breaker *b, sotto_us now, uint32_t highest, sotto_us tf,
                            sotto_us tdr)
{
    if (b->stalled_at == 0 || (int32_t)(highest - b->highest) > 0) {
        b->highest = highest;
        b->stalled = 0;
        b->stalled_at = now;
        return false;
    }
    sotto_us longest = tf > b->rtt ? tf : b->rtt;
    b->stalled++;
    return b->stalled >= MEDIA_REPORTS &&
           now - b->stalled_at >= MEDIA_REPORTS * (longest > tdr ? longest : tdr);
}

static void note_loss(struct breaker *b, double fraction, sotto_us interval)
{
    struct breaker_second *p = &b->partial;
    p->lost += (fraction - p->lost) * (double)interval / (double)(p->span + interval);
    p->span += interval;
    if (p->span < LEAST_TDR) return;
    memmove(b->seconds + 1, b->seconds, sizeof b->seconds - sizeof *b->seconds);
    b->seconds[0] = *p;
    if (b->n_seconds < BREAKER_SECONDS) b->n_seconds++;
    *p = (struct breaker_second){0};
}

/* Average loss of the last `span`; < 0: not known for so long. */
static double loss_over(const struct breaker *b, sotto_us span)
{
    sotto_us known = 0;
    double sum = 0;
    for (size_t i = 0; i < b->n_seconds && known < span; i++) {
        sum += b->seconds[i].lost * (double)b->seconds[i].span;
        known += b->seconds[i].span;
    }
    return known >= span ? sum / (double)known : -1;
}

/* §4.3: more than ten times what TCP would get, s / (Tr * sqrt(2 * p / 3)). Both sides squared. */
static bool is_congestion(const struct breaker *b, uint64_t sent_bps, uint64_t packet_bytes,
                          sotto_us tf, sotto_us tdr)
{
    sotto_us span = 10 * (tf > b->rtt ? tf : b->rtt); /* G is 1: encoders follow at once */
    if (span < 3 * tdr) span = 3 * tdr;
    if (span > CONGESTION_MAX) span = CONGESTION_MAX;
    double lost = loss_over(b, span);
    if (lost <= 0 || b->rtt == 0 || tf > (tdr > b->rtt ? tdr : b->rtt)) return false;
    double ratio = (double)sent_bps / 8 * ((double)b->rtt / 1e6) / (10.0 * (double)packet_bytes);
    return ratio * ratio * 2 * lost / 3 > 1;
}

static bool is_unusable(const struct breaker *b)
{
    for (size_t i = 0; i < b->n_seconds; i++)
        if (b->seconds[i].lost < UNUSABLE) return false;
    return b->n_seconds == BREAKER_SECONDS;
}

bool sotto__breaker_report(struct breaker *b, sotto_us now, const struct remote_report *r,
                           uint64_t sent_bps, uint64_t packet_bytes, sotto_us interval)
{
    renew(b);
    if (b->open || sent_bps == 0 || packet_bytes == 0 || interval <= 0) return false;
    if (r->rtt > 0) b->rtt = b->rtt == 0 ? r->rtt : (b->rtt * 4 + r->rtt) / 5;
    sotto_us tf = (sotto_us)(packet_bytes * 8 * 1000000 / sent_bps);
    sotto_us tdr = interval > LEAST_TDR ? interval : LEAST_TDR;
    bool stopped = media_timed_out(b, now, r->highest, tf, tdr);
    note_loss(b, r->fraction, interval);
    b->heard = now;
    if (stopped || is_congestion(b, sent_bps, packet_bytes, tf, tdr) || is_unusable(b))
        return trip(b, now);
    return false;
}
