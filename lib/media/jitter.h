/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_JITTER_H
#define SOTTO_MEDIA_JITTER_H
/*
 * How long frames are held: the earliest arrivals tell the sender's clock against ours (drift included), the distribution of lateness tells
 * the target; a target of the application overrides it. In: RTP times and arrival times; out: when a frame is due.
 */
#include "util/time.h"

#define JITTER_BINS 100 /* of 10 ms: histogram with forgetting */

struct jitter {
    sotto_us fixed;      /* < 0: adaptive */
    bool started;
    int64_t first_time;  /* unwrapped RTP time … */
    sotto_us first_at;   /* … and arrival that lateness is counted from */
    double bins[JITTER_BINS];
    sotto_us target;     /* in use */
    sotto_us base;       /* minimum of arrival less media time, moving slowly upwards */
    sotto_us base_next, base_since; /* of the window that is being watched */
};

void sotto__jitter_init(struct jitter *j, sotto_us fixed);
/* A frame of this media time (unwrapped ticks) was complete at `at`; waited: part of that was for repairs. */
void sotto__jitter_frame(struct jitter *j, sotto_us at, int64_t time, uint32_t clock,
                         sotto_us waited);
sotto_us sotto__jitter_due(const struct jitter *j, int64_t time, uint32_t clock); /* when it is to be handed over */

#endif
