/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long packets are to be held. Lateness is how much longer a packet travelled than the fastest of the last seconds; the target is
 * what 99 of 100 packets need, from a histogram that forgets. How long they do wait comes from where the device is, by our clock,
 * which is measured at each arrival and barely jitters; and from both of it, over minutes, how far the sender's clock runs away from the
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
#define MAX_BLOCK (8 * BLOCK)
#define MIN_DRIFTS 8             /* blocks before drift is told */
#define MAX_DRIFT 200            /* clocks do not differ by one frame in so many: it was a jump */
#define LOSS_MEMORY (480 * 1000) /* frames: 10 s */

void sotto__playout_delay_init(struct playout_delay *d, int64_t min, int64_t max)
{
    memset(d, 0, sizeof *d);
    d->min = d->target = min;
    d->max = max;
    d->loss_until = INT64_MIN;
    d->block_length = BLOCK;
}

void sotto__playout_delay_restart(struct playout_delay *d)
{
    d->transit.n = 0;
    d->n_drifts = 0;
    d->in_block = false;
    d->block_length = BLOCK;
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

/* Least squares. */
static void set_drift(struct playout_delay *d)
{
    double n = d->n_drifts, when = 0, mean = 0, up = 0, down = 0;
    for (unsigned i = 0; i < d->n_drifts; i++) {
        when += (double)d->drifts[i].now / n;
        mean += (double)d->drifts[i].ahead / n;
    }
    for (unsigned i = 0; i < d->n_drifts; i++) {
        double t = (double)d->drifts[i].now - when;
        up += t * ((double)d->drifts[i].ahead - mean);
        down += t * t;
    }
    if (d->n_drifts >= MIN_DRIFTS) d->drift_ppm = up / down * 1e6;
}

/* When there is no room every second one goes, and blocks become twice as long; at last the oldest goes. */
static void make_room(struct playout_delay *d)
{
    if (d->n_drifts < PLAYOUT_DRIFTS) return;
    if (d->block_length >= MAX_BLOCK) {
        memmove(d->drifts, d->drifts + 1, --d->n_drifts * sizeof *d->drifts);
        return;
    }
    d->block_length *= 2;
    d->n_drifts /= 2;
    for (unsigned i = 0; i < d->n_drifts; i++) d->drifts[i] = d->drifts[2 * i + 1];
}

static void end_block(struct playout_delay *d)
{
    struct playout_drift next = {d->block_now, d->block_wall - d->block_transit};
    if (d->n_drifts > 0) {
        const struct playout_drift *last = &d->drifts[d->n_drifts - 1];
        int64_t step = next.ahead - last->ahead, most = (next.now - last->now) / MAX_DRIFT;
        if (step >= most || step <= -most) d->n_drifts = 0;
    }
    make_room(d);
    d->drifts[d->n_drifts++] = next;
    set_drift(d);
}

static void count_drift(struct playout_delay *d, int64_t transit, int64_t wall, int64_t now)
{
    bool ended = d->in_block && now >= d->block_now + d->block_length;
    if (ended) end_block(d);
    if (ended || !d->in_block) {
        d->in_block = true;
        d->block_now = now;
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

void sotto__playout_delay_late(struct playout_delay *d, int64_t transit)
{
    if (d->transit.n > 0 && transit > fastest(&d->transit))
        count_lateness(d, transit - fastest(&d->transit));
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
