/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long packets are to be held. Lateness is how much longer a packet travelled than the fastest of the last seconds; the target is
 * what 99 of 100 packets need, from a histogram that forgets. How long they do wait comes from where the device is, by our clock,
 * which is measured at each arrival and barely jitters; and from both of it, over a minute, how far the sender's clock runs away from the
 * device's. In: places and times of packets; out: target, wait, drift. It knows neither packets' contents nor PCM.
 */
#include <string.h>

#include "extra/playout.h"

#define BIN (4 * PLAYOUT_MS)
#define MEMORY 500               /* packets that the histogram remembers: about 10 s */
#define TOO_LATE 0.01F           /* share of the packets that may come too late */
#define TRANSIT_INTERVAL 24000   /* half a second */
#define WALL_INTERVAL 12000      /* a quarter */
#define WALL_AGE 20              /* intervals after which a value is too old */
#define BLOCK 96000              /* two seconds */
#define MIN_DRIFTS 5             /* blocks before drift is told */
#define MAX_DRIFT 4800           /* frames a block: clocks do not differ by that, it was a jump */
#define LOSS_MEMORY (480 * 1000) /* frames: 10 s */

void sotto__playout_delay_init(struct playout_delay *d, int64_t min, int64_t max)
{
    memset(d, 0, sizeof *d);
    d->min = d->target = min;
    d->max = max;
    d->loss_until = INT64_MIN;
    d->block = INT64_MIN;
}

void sotto__playout_delay_restart(struct playout_delay *d)
{
    d->transit.n = 0;
    d->n_drifts = 0;
    d->block = INT64_MIN;
}

static void least_add(struct playout_least *l, int64_t value, int64_t interval)
{
    if (l->n > 0 && l->interval[0] == interval) {
        if (value < l->value[0]) l->value[0] = value;
        return;
    }
    if (l->n < PLAYOUT_INTERVALS) l->n++;
    memmove(l->value + 1, l->value, (l->n - 1) * sizeof *l->value);
    memmove(l->interval + 1, l->interval, (l->n - 1) * sizeof *l->interval);
    l->value[0] = value;
    l->interval[0] = interval;
}

/* The fastest of the last PLAYOUT_INTERVALS intervals. */
static int64_t fastest(const struct playout_least *l)
{
    int64_t least = l->value[0];
    for (unsigned i = 1; i < l->n; i++)
        if (l->interval[i] > l->interval[0] - PLAYOUT_INTERVALS && l->value[i] < least)
            least = l->value[i];
    return least;
}

/* The median: an interval in which the application was slow to put does not count. */
static int64_t typical(const struct playout_least *l)
{
    int64_t sorted[PLAYOUT_INTERVALS];
    unsigned n = 0;
    for (unsigned i = 0; i < l->n && l->interval[i] > l->interval[0] - WALL_AGE; i++, n++) {
        unsigned k = n;
        for (; k > 0 && sorted[k - 1] > l->value[i]; k--) sorted[k] = sorted[k - 1];
        sorted[k] = l->value[i];
    }
    return sorted[n / 2];
}

static void count_lateness(struct playout_delay *d, int64_t late)
{
    if (late > d->max + BIN) return; /* nothing that waiting could cure */
    if (d->n_packets < MEMORY) d->n_packets++;
    float share = 1.0F / (float)d->n_packets;
    for (size_t i = 0; i < PLAYOUT_BINS; i++) d->lateness[i] *= 1 - share;
    int64_t bin = late / BIN;
    d->lateness[bin < PLAYOUT_BINS ? bin : PLAYOUT_BINS - 1] += share;
}

static void set_target(struct playout_delay *d, int64_t now)
{
    float above = 0;
    int64_t bin = PLAYOUT_BINS - 1;
    for (; bin > 0; bin--) {
        above += d->lateness[bin];
        if (above > TOO_LATE) break;
    }
    d->target = bin > 0 ? (bin + 1) * BIN : 0;
    if (now < d->loss_until) d->target += d->loss_frames; /* the FEC of a packet comes with the next one */
    if (d->target < d->min) d->target = d->min;
    if (d->target > d->max) d->target = d->max;
}

/* Least squares over the blocks. */
static void set_drift(struct playout_delay *d)
{
    double n = d->n_drifts, mean = 0, up = 0, down = 0;
    for (unsigned i = 0; i < d->n_drifts; i++) mean += d->drift_at[i] / n;
    for (unsigned i = 0; i < d->n_drifts; i++) {
        double t = (double)i - (n - 1) / 2;
        up += t * (d->drift_at[i] - mean);
        down += t * t;
    }
    if (d->n_drifts >= MIN_DRIFTS) d->drift_ppm = up / down / BLOCK * 1e6;
}

static void end_block(struct playout_delay *d)
{
    double z = (double)(d->block_wall - d->block_transit);
    if (d->n_drifts > 0) {
        double step = z - d->drift_at[d->n_drifts - 1];
        if (step > MAX_DRIFT || step < -MAX_DRIFT) d->n_drifts = 0;
    }
    if (d->n_drifts == PLAYOUT_DRIFTS)
        memmove(d->drift_at, d->drift_at + 1, --d->n_drifts * sizeof *d->drift_at);
    d->drift_at[d->n_drifts++] = z;
    set_drift(d);
}

static void count_drift(struct playout_delay *d, int64_t transit, int64_t wall, int64_t now)
{
    int64_t block = now / BLOCK;
    if (block != d->block) {
        if (d->block + 1 == block) /* in one that is followed by nothing the next values would not be equally spaced */
            end_block(d);
        else
            d->n_drifts = 0;
        d->block = block;
        d->block_transit = transit;
        d->block_wall = wall;
    }
    if (transit < d->block_transit) d->block_transit = transit;
    if (wall < d->block_wall) d->block_wall = wall;
}

void sotto__playout_delay_seen(struct playout_delay *d, int64_t at, int64_t received, int64_t now)
{
    int64_t transit = received - at;
    least_add(&d->transit, transit, now / TRANSIT_INTERVAL);
    least_add(&d->wall, received - now, now / WALL_INTERVAL);
    count_lateness(d, transit - fastest(&d->transit));
    count_drift(d, transit, received - now, now);
    set_target(d, now);
}

void sotto__playout_delay_lost(struct playout_delay *d, int32_t frames, int64_t now)
{
    d->loss_frames = frames;
    d->loss_until = now + LOSS_MEMORY;
    set_target(d, now);
}

int64_t sotto__playout_delay_of(const struct playout_delay *d, int64_t at, int64_t now)
{
    if (d->transit.n == 0 || d->wall.n == 0) return 0;
    return typical(&d->wall) + now - fastest(&d->transit) - at;
}
