/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_JITTER_H
#define SOTTO_MEDIA_JITTER_H
/*
 * How long frames are held: the earliest arrivals tell the sender's clock against ours (drift included), the distribution of lateness tells
 * the target; a target of the application overrides it. In: RTP times and arrival times; out: when a frame is due.
 */
#include <stdbool.h>

#include "util/time.h"

#define JITTER_BINS 100 /* of 10 ms: histogram with forgetting */

struct jitter {
    sotto_us fixed; /* < 0: adaptive */
    bool started;
    uint32_t clock, zero_time; /* RTP time … */
    sotto_us zero_at;          /* … and arrival that everything is counted from; moved along */
    sotto_us earliest[2];      /* arrival less media time: the least of the last window, and of this one */
    sotto_us window_at;        /* when this one began */
    double bins[JITTER_BINS], weight;
    sotto_us late, repair;     /* target: what lateness wants, what repairs want */
    sotto_us repair_at;        /* when repair was computed last */
};

void sotto__jitter_init(struct jitter *j, sotto_us fixed);
void sotto__jitter_fix(struct jitter *j, sotto_us fixed); /* < 0: adaptive */
/* A frame of this media time was complete at `at`; waited: part of that was for repairs. */
void sotto__jitter_frame(struct jitter *j, sotto_us at, uint32_t time, uint32_t clock,
                         sotto_us waited);
/* When it is to be handed over; before the first frame: at once. */
sotto_us sotto__jitter_due(const struct jitter *j, uint32_t time);
sotto_us sotto__jitter_target(const struct jitter *j); /* in use */

#endif
