/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The delay that evens out jitter. "Offset" is arrival less media time: its minimum over the last two windows is what a frame takes that
 * was not held up, and follows the drift of clocks; what is above it is lateness. The target is a high quantile of lateness, and room for
 * the repairs that were needed lately. Jumps of the media time begin it anew. Knows nothing of packets or loss.
 * answers: H100
 */
#include "media/jitter.h"

#define WINDOW SOTTO_SECONDS(10)
#define BIN SOTTO_MS(10)
#define QUANTILE 0.97
#define FORGET 0.998          /* weight of a frame against the next one: some 500 count */
#define FIRST_LATE SOTTO_MS(40) /* … before lateness is known, as if this many frames had been that late */
#define FIRST_WEIGHT 10.0
#define MAX_TARGET SOTTO_SECONDS(1) /* adaptive */
#define JUMP SOTTO_SECONDS(2) /* of the media time against ours: that is another time line */
#define REPAIR_US SOTTO_SECONDS(10) /* a repair's room shrinks to 1/e in this time */

void sotto__jitter_init(struct jitter *j, sotto_us fixed)
{
    *j = (struct jitter){.fixed = fixed, .late = FIRST_LATE, .weight = FIRST_WEIGHT};
    j->bins[FIRST_LATE / BIN - 1] = FIRST_WEIGHT;
}

void sotto__jitter_fix(struct jitter *j, sotto_us fixed)
{
    j->fixed = fixed;
}

/* Media time since zero; RTP times are compared around zero_time, which keeps near. */
static sotto_us media(const struct jitter *j, uint32_t time)
{
    return (int64_t)(int32_t)(time - j->zero_time) * 1000000 / j->clock;
}

static void start(struct jitter *j, sotto_us at, uint32_t time, uint32_t clock)
{
    j->started = true;
    j->clock = clock;
    j->zero_time = time, j->zero_at = at;
    j->earliest[0] = j->earliest[1] = 0;
    j->window_at = at;
}

static sotto_us base(const struct jitter *j)
{
    return sotto__earlier(j->earliest[0], j->earliest[1]);
}

/* zero moves to this frame, so that differences of RTP times stay far from wrapping. */
static void next_window(struct jitter *j, sotto_us at, uint32_t time, sotto_us offset)
{
    sotto_us moved = media(j, time);
    j->zero_at += moved, j->zero_time = time;
    j->earliest[0] = j->earliest[1], j->earliest[1] = offset;
    j->window_at = at;
}

static void learn_late(struct jitter *j, sotto_us lateness)
{
    sotto_us bin = lateness / BIN;
    if (bin >= JITTER_BINS) bin = JITTER_BINS - 1;
    for (int i = 0; i < JITTER_BINS; i++) j->bins[i] *= FORGET;
    j->weight = j->weight * FORGET + 1;
    j->bins[bin] += 1;
    double below = 0;
    int i = 0;
    while (i < JITTER_BINS - 1 && (below += j->bins[i]) < QUANTILE * j->weight) i++;
    sotto_us want = (i + 1) * BIN;
    if (want > j->late)
        j->late = want;
    else
        j->late -= (j->late - want) / 64; /* downwards nobody is in a hurry */
}

static void learn_repair(struct jitter *j, sotto_us at, sotto_us waited)
{
    sotto_us past = at - j->repair_at;
    if (past > 0) {
        if (past > REPAIR_US) past = REPAIR_US;
        j->repair -= j->repair * past / REPAIR_US;
        j->repair_at = at;
    }
    if (waited > MAX_TARGET) waited = MAX_TARGET;
    if (waited > j->repair) j->repair = waited;
}

void sotto__jitter_frame(struct jitter *j, sotto_us at, uint32_t time, uint32_t clock,
                         sotto_us waited)
{
    if (clock == 0) return;
    if (!j->started || clock != j->clock) start(j, at, time, clock);
    learn_repair(j, at, waited);
    sotto_us offset = at - waited - j->zero_at - media(j, time);
    if (offset - base(j) > JUMP || base(j) - offset > JUMP) {
        start(j, at, time, clock);
        return;
    }
    if (waited == 0) j->earliest[1] = sotto__earlier(j->earliest[1], offset); /* else it is a guess */
    if (at - j->window_at >= WINDOW) next_window(j, at, time, offset);
    learn_late(j, offset > base(j) ? offset - base(j) : 0);
}

sotto_us sotto__jitter_target(const struct jitter *j)
{
    if (j->fixed >= 0) return j->fixed;
    return sotto__earlier(j->late + j->repair, MAX_TARGET);
}

sotto_us sotto__jitter_due(const struct jitter *j, uint32_t time)
{
    if (!j->started) return INT64_MIN;
    return j->zero_at + media(j, time) + base(j) + sotto__jitter_target(j);
}
