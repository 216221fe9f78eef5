/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__reception_*, sotto__remote_report, sotto__breaker_*, sotto__rtcp_timer_*. The input is a script: packets received, sender
 * reports and blocks of the remote's choice, packets of RTCP that leave, time that passes. Property: round trips are 0…10 s and jitter a
 * minute at most; what was lost is what was expected less what came; blocks can be written; a breaker opens once and for 15 s to 240 s;
 * the next report is 0.5…7.5 s away; early feedback is never due before now.
 */
#include <stdlib.h>

#include "media/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

struct world {
    struct reader in;
    sotto_us now;
    struct reception reception;
    struct remote_report remote;
    struct breaker breaker;
    struct rtcp_timer timer;
};

static void packets_come(struct world *w)
{
    uint16_t seq = sotto__read_u16(&w->in);
    uint32_t time = sotto__read_u32(&w->in), clock = sotto__read_u32(&w->in);
    uint64_t before = w->reception.received;
    int64_t highest = w->reception.highest;
    sotto__reception_packet(&w->reception, w->now, seq, time, clock % 200000, clock % 31 == 1);
    require(w->reception.received <= before + 1);
    if (before > 0) require(w->reception.highest >= highest);
    require(w->reception.jitter >= 0 && w->reception.jitter < 1e6);
}

static void a_block_leaves(struct world *w)
{
    struct rtcp_block b, again;
    uint8_t out[64];
    struct writer writer = sotto__writer(out, sizeof out);
    struct rtcp r;
    size_t at = 0;
    if (!sotto__reception_block(&w->reception, w->now, 7, &b)) {
        require(w->reception.received == 0);
        return;
    }
    int64_t lost = sotto__reception_lost(&w->reception);
    require(b.lost == (lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost));
    sotto__rtcp_write_rr(&writer, 1, &b, 1);
    require(!writer.bad && sotto__rtcp_next(out, writer.n, &at, &r) == 1);
    sotto__rtcp_block(&r, 0, &again);
    require(again.fraction == b.fraction && again.lost == b.lost && again.highest == b.highest);
    require(again.jitter == b.jitter && again.lsr == b.lsr && again.dlsr == b.dlsr);
}

static void require_opened(const struct world *w, bool was_open, bool opened)
{
    const struct breaker *b = &w->breaker;
    require(b->open == (was_open || opened) && !(was_open && opened));
    if (!opened) return;
    require(b->until >= w->now + SOTTO_SECONDS(15) && b->until <= w->now + SOTTO_SECONDS(240));
}

static void the_remote_reports(struct world *w)
{
    struct rtcp_block b = {.ssrc = 7, .fraction = sotto__read_u8(&w->in)};
    uint32_t bps = sotto__read_u32(&w->in), bytes = sotto__read_u16(&w->in);
    b.lost = (int32_t)sotto__read_u24(&w->in) - 0x800000;
    b.highest = sotto__read_u32(&w->in), b.jitter = sotto__read_u32(&w->in);
    b.lsr = sotto__read_u32(&w->in), b.dlsr = sotto__read_u32(&w->in);
    uint64_t n = w->remote.n_rtts;
    sotto__remote_report(&w->remote, w->now, sotto__ntp(w->now + SOTTO_SECONDS(3900000000)), &b);
    require(w->remote.rtt >= 0 && w->remote.rtt <= SOTTO_SECONDS(10));
    require(w->remote.n_rtts == n || (w->remote.n_rtts == n + 1 && w->remote.rtt > 0));
    require(w->remote.fraction >= 0 && w->remote.fraction < 1 && w->remote.jitter <= 60 * 90000);
    bool was = w->breaker.open;
    bool opened = sotto__breaker_report(&w->breaker, w->now, &w->remote, bps, bytes,
                                        (sotto_us)sotto__read_u32(&w->in));
    require_opened(w, was, opened);
}

static void an_interval_ends(struct world *w)
{
    uint8_t flags = sotto__read_u8(&w->in);
    uint32_t bps = sotto__read_u32(&w->in);
    bool was = w->breaker.open;
    sotto_us interval = w->now - w->timer.last;
    require_opened(w, was, sotto__breaker_interval(&w->breaker, w->now, flags & 1, interval));
    sotto__rtcp_timer_sent(&w->timer, w->now, flags * 5u, bps, (flags >> 3) + 1u, flags >> 4,
                           flags & 2, flags & 4);
    sotto_us span = w->timer.next - w->now;
    require(span >= SOTTO_MS(500) && span <= SOTTO_MS(7500));
}

static void feedback_leaves(struct world *w)
{
    sotto_us due = sotto__rtcp_timer_early_due(&w->timer, w->now);
    require(due >= w->now || due == w->timer.next);
    if (due == w->now) sotto__rtcp_timer_early(&w->timer, w->now, sotto__read_u16(&w->in));
}

static void a_sender_report_comes(struct world *w)
{
    struct rtcp sr = {.type = RTCP_SR, .ntp = (uint64_t)sotto__read_u32(&w->in) << 32};
    sr.ntp |= sotto__read_u32(&w->in);
    sr.rtp_time = sotto__read_u32(&w->in);
    sotto__reception_sr(&w->reception, w->now, &sr);
    sotto_us us = sotto__ntp_us(sr.ntp);
    require(us >= 0 && sr.ntp - sotto__ntp(us) + 4295 < 2 * 4295);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.in = sotto__reader(data, size), .now = SOTTO_SECONDS(1000)};
    sotto__rtcp_timer_init(&w.timer, w.now, (uint32_t)size);
    while (w.in.n > 0 && !w.in.bad) {
        uint8_t op = sotto__read_u8(&w.in);
        w.now += (sotto_us)(op >> 3) * (op >> 3) * (op >> 3) * 997;
        switch (op & 7) {
        case 0: packets_come(&w); break;
        case 1: a_block_leaves(&w); break;
        case 2: the_remote_reports(&w); break;
        case 3: an_interval_ends(&w); break;
        case 4: feedback_leaves(&w); break;
        case 5: a_sender_report_comes(&w); break;
        case 6: sotto__breaker_heard(&w.breaker, w.now); break;
        default: /* whoever holds a stream back lets it go in time, or much later */
            if (w.breaker.open && w.now < w.breaker.until) w.now = w.breaker.until;
            w.breaker.open = false;
            sotto__rtcp_timer_received(&w.timer, sotto__read_u16(&w.in));
            break;
        }
    }
    return 0;
}
