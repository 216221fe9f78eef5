/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__departures_feedback and sotto__arrivals_*. The input is a script: packets sent, packets received, feedback written,
 * and feedback of the remote's choice. Property: what was acknowledged and lost never exceeds what was sent, each packet counts once, loss
 * stays a share; feedback that we write is well-formed, no larger than its room, and ends.
 */
#include <stdlib.h>

#include "media/arrival.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_sane(const struct departures *d)
{
    require(d->acked_packets + d->lost_packets <= (uint64_t)d->next);
    require(d->acked_bytes <= d->acked_packets * UINT16_MAX);
    require(d->loss >= 0 && d->loss <= 1);
    if (d->has_feedback) require(d->first >= 0 && d->first <= d->last && d->last < d->next);
}

static void write_all(struct arrivals *a, sotto_us now, size_t cap, struct departures *d)
{
    static uint8_t out[1500];
    static struct twcc t;
    for (size_t packets = 0;; packets++) {
        struct writer w = sotto__writer(out, cap < sizeof out ? cap : sizeof out);
        struct rtcp r;
        size_t at = 0;
        int64_t before = a->base;
        if (!sotto__arrivals_write(a, now, 1, 2, &w)) {
            require(!w.bad && w.n == 0);
            return;
        }
        require(!w.bad && sotto__rtcp_check(out, w.n, true) == 0);
        require(sotto__rtcp_next(out, w.n, &at, &r) == 1 && sotto__twcc_parse(&r, &t) == 0);
        require(a->base > before && a->base <= a->end && packets < SOTTO_MAX_ARRIVALS);
        require((a->next == SOTTO_NEVER) == (a->base == a->end));
        sotto__departures_feedback(d, now, &t);
        require_sane(d);
    }
}

static void remote_says(struct reader *in, sotto_us now, struct departures *d)
{
    static struct twcc t;
    size_t n = sotto__read_u8(in);
    if (n > in->n) n = in->n;
    struct rtcp r = {.type = RTCP_TWCC, .body = sotto__read_view(in, n), .n_body = n};
    if (sotto__twcc_parse(&r, &t) < 0) return;
    uint64_t acked = d->acked_packets, lost = d->lost_packets;
    bool taken = sotto__departures_feedback(d, now, &t);
    if (taken) acked = d->acked_packets, lost = d->lost_packets;
    require(sotto__departures_feedback(d, now, &t) == taken); /* again: nothing more */
    require(d->acked_packets == acked && d->lost_packets == lost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = sotto__reader(data, size);
    struct arrivals a = {.next = SOTTO_NEVER};
    struct departures d = {0};
    sotto_us now = SOTTO_SECONDS(1);
    while (in.n > 0 && !in.bad) {
        uint8_t op = sotto__read_u8(&in);
        now += (sotto_us)(op >> 3) * (op >> 3) * (op >> 3) * 97;
        switch (op & 7) {
        case 0: sotto__departures_packet(&d, now, sotto__read_u8(&in) * 300u); break;
        case 1:
            for (size_t n = sotto__read_u16(&in); n > 0; n--) sotto__departures_packet(&d, now, n);
            break;
        case 2: sotto__arrivals_packet(&a, now, sotto__read_u16(&in)); break;
        case 3:
            sotto__arrivals_packet(&a, now, (uint16_t)(a.end + (int8_t)sotto__read_u8(&in)));
            break;
        case 4: write_all(&a, now, sotto__read_u16(&in), &d); break;
        case 5: now += SOTTO_SECONDS(sotto__read_u16(&in)); break;
        default: remote_says(&in, now, &d); break;
        }
        require_sane(&d);
        require(a.end - a.base <= (int64_t)SOTTO_MAX_ARRIVALS);
    }
    sotto__arrivals_free(&a);
    sotto__departures_free(&d);
    return 0;
}
