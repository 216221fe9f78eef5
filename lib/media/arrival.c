/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01). Receiving: numbers of packets and when they came go in,
 * feedback packets come out, so often that they take about 5 % of the bandwidth at most. Sending: numbers are given out and remembered,
 * feedback marks them as arrived or lost and yields loss and the rate that got through. Memory is two rings of fixed size; what a remote
 * tells is believed about packets that were sent, once. Knows no streams: they all share the numbers.
 */
#include "media/arrival.h"

#include "util/mem.h"
#include "util/seq.h"

#define MIN_INTERVAL SOTTO_MS(50)
#define FIRST_INTERVAL SOTTO_MS(100)
#define MAX_INTERVAL SOTTO_MS(250)
#define REORDER 256       /* one that comes so late at most is told after all */
#define TICK 250          /* µs of a delta: §3.1 */
#define BASE_TICK 64000   /* µs of a base time */
#define MAX_BASE_STEP (3600000000LL / BASE_TICK) /* an hour between two feedbacks */
#define OVERHEAD 42u      /* bytes around an RTCP packet: IPv4, UDP, SRTCP */
#define BYTES_A_PACKET 160 /* that a packet has at least, when 5 % are taken of them: speech has */
#define HEAD 24u          /* bytes of feedback without chunks and deltas, and its padding */

/* ---- receiving ---- */

static sotto_us *arrival_at(const struct arrivals *a, int64_t seq)
{
    return &a->at[(uint64_t)seq % SOTTO_MAX_ARRIVALS];
}

void sotto__arrivals_free(struct arrivals *a)
{
    sotto__free(a->at);
    *a = (struct arrivals){.next = SOTTO_NEVER};
}

static bool begin_arrivals(struct arrivals *a, sotto_us now, uint16_t seq)
{
    a->at = sotto__calloc(SOTTO_MAX_ARRIVALS, sizeof *a->at);
    if (!a->at) return false;
    a->base = a->end = seq;
    a->interval = FIRST_INTERVAL;
    a->told = now;
    a->next = SOTTO_NEVER;
    return true;
}

/* Makes room up to and with seq, which is not below end. */
static void advance(struct arrivals *a, int64_t seq)
{
    if (seq - a->end >= SOTTO_MAX_ARRIVALS / 2) { /* a jump, not loss */
        a->end = seq - REORDER;
        a->base = seq;
    }
    for (; a->end <= seq; a->end++) *arrival_at(a, a->end) = 0;
    if (a->end - a->base > SOTTO_MAX_ARRIVALS) a->base = a->end - SOTTO_MAX_ARRIVALS;
}

void sotto__arrivals_packet(struct arrivals *a, sotto_us now, uint16_t seq)
{
    if (!a->at && !begin_arrivals(a, now, seq)) return;
    int64_t full = sotto__unwrap16(a->end - 1, seq);
    if (full < a->end - REORDER && full < a->base) return;
    if (full >= a->end) advance(a, full);
    if (*arrival_at(a, full) != 0) return; /* again */
    *arrival_at(a, full) = now > 0 ? now : 1;
    if (full < a->base) a->base = full; /* was told as lost */
    if (a->next == SOTTO_NEVER) a->next = now + a->interval;
}

/* Statuses from base on, as many as one packet and its deltas can tell, at most `max`. */
static void collect(const struct arrivals *a, size_t max, struct twcc *t)
{
    int64_t before = 0;
    bool started = false;
    for (int64_t seq = a->base; seq < a->end && t->n < max; seq++, t->n++) {
        sotto_us at = *arrival_at(a, seq);
        struct twcc_status *s = &t->status[t->n];
        *s = (struct twcc_status){.received = at != 0};
        if (at == 0) continue;
        if (!started) {
            int32_t base = (int32_t)(at / BASE_TICK & 0xffffff);
            t->base_time = base >= 0x800000 ? base - 0x1000000 : base;
            before = at / BASE_TICK * (BASE_TICK / TICK);
            started = true;
        }
        int64_t delta = at / TICK - before;
        if (delta < INT16_MIN || delta > INT16_MAX) return; /* the next packet has another base */
        s->delta = (int32_t)delta;
        before = at / TICK;
    }
}

/* How long to wait before telling again, so that what this one took stays within 5 % of what came. */
static sotto_us next_interval(sotto_us elapsed, size_t bytes, size_t packets)
{
    int64_t cost = (int64_t)bytes + OVERHEAD;
    sotto_us us = cost * elapsed * 20 / (BYTES_A_PACKET * (int64_t)packets);
    return us < MIN_INTERVAL ? MIN_INTERVAL : us > MAX_INTERVAL ? MAX_INTERVAL : us;
}

bool sotto__arrivals_write(struct arrivals *a, sotto_us now, uint32_t ssrc, uint32_t media_ssrc,
                           struct writer *w)
{
    struct twcc t = {.ssrc = ssrc, .media_ssrc = media_ssrc, .count = a->count};
    size_t room = w->cap - w->n, start = w->n;
    if (!a->at || a->base == a->end) {
        a->next = SOTTO_NEVER;
        return false;
    }
    if (w->bad || room < HEAD + 16) return false;
    size_t max = (room - HEAD) / 16 * 7; /* 7 large deltas and their chunk are 16 bytes */
    t.base_seq = (uint16_t)a->base;
    collect(a, max < TWCC_MAX_STATUS ? max : TWCC_MAX_STATUS, &t);
    sotto__twcc_write(w, &t);
    a->base += t.n, a->count++;
    a->interval = next_interval(now - a->told, w->n - start, t.n);
    a->next = a->base < a->end ? now : SOTTO_NEVER;
    if (a->next == SOTTO_NEVER) a->told = now;
    return true;
}

/* ---- sending ---- */

static struct sent_size *departure_of(const struct departures *d, int64_t seq)
{
    return &d->ring[(uint64_t)seq % SOTTO_MAX_DEPARTURES];
}

void sotto__departures_free(struct departures *d)
{
    sotto__free(d->ring);
    *d = (struct departures){0};
}

uint16_t sotto__departures_packet(struct departures *d, sotto_us now, size_t n)
{
    if (!d->ring) d->ring = sotto__calloc(SOTTO_MAX_DEPARTURES, sizeof *d->ring);
    if (d->ring)
        *departure_of(d, d->next) =
            (struct sent_size){.at = now, .n = (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX)};
    return (uint16_t)d->next++;
}

/* The remote's clock: 24 bits of 64 ms, made into one that does not wrap. */
static sotto_us unwrap_base(const struct departures *d, const struct twcc *t)
{
    int64_t last = d->has_feedback ? d->base_time / BASE_TICK : t->base_time;
    uint32_t diff = ((uint32_t)t->base_time - (uint32_t)last) & 0xffffff;
    int64_t moved = diff >= 0x800000 ? (int64_t)diff - 0x1000000 : (int64_t)diff;
    bool leaps = moved > MAX_BASE_STEP || moved < -MAX_BASE_STEP; /* another clock, or a lie */
    return (leaps ? t->base_time : last + moved) * BASE_TICK;
}

struct told { /* by one feedback, that was new */
    unsigned arrived, lost, found; /* found: told as lost before */
    uint64_t bytes;
};

static void tell(struct sent_size *p, bool received, sotto_us arrived, struct told *told)
{
    if (p->state == DEPARTURE_ARRIVED || (p->state == DEPARTURE_LOST && !received)) return;
    if (received) {
        told->arrived++;
        told->bytes += p->n;
        if (p->state == DEPARTURE_LOST) told->found++;
        p->arrived = arrived;
    } else {
        told->lost++;
    }
    p->state = received ? DEPARTURE_ARRIVED : DEPARTURE_LOST;
}

/* Loss: the more packets were told of, the more the new share counts. */
static void count(struct departures *d, sotto_us now, const struct told *told)
{
    unsigned n = told->arrived + told->lost;
    d->acked_packets += told->arrived;
    d->acked_bytes += told->bytes;
    d->lost_packets += told->lost - (uint64_t)told->found;
    if (n > 0) {
        double lost = told->lost > told->found ? told->lost - told->found : 0;
        d->loss += (lost / n - d->loss) * n / (n + 50.0);
    }
    d->window_bytes += told->bytes;
    sotto_us span = now - d->window_at;
    if (span < SOTTO_MS(500)) return;
    uint64_t bps = d->window_bytes * 8 * 1000000 / (uint64_t)span;
    d->acked_bps = d->acked_bps == 0 || span > SOTTO_SECONDS(2) ? bps : (d->acked_bps + bps) / 2;
    d->window_at = now, d->window_bytes = 0;
}

bool sotto__departures_feedback(struct departures *d, sotto_us now, const struct twcc *t)
{
    int64_t base = sotto__unwrap16(d->next - 1, t->base_seq);
    int64_t oldest = d->next > SOTTO_MAX_DEPARTURES ? d->next - SOTTO_MAX_DEPARTURES : 0;
    struct told told = {0};
    if (!d->ring || base < oldest || base + t->n > d->next) return false;
    if (!d->has_feedback) d->window_at = departure_of(d, base)->at;
    sotto_us at = d->base_time = unwrap_base(d, t);
    d->has_feedback = true;
    for (uint16_t i = 0; i < t->n; i++) {
        at += (sotto_us)t->status[i].delta * TICK;
        tell(departure_of(d, base + i), t->status[i].received, at, &told);
    }
    d->first = base, d->last = base + t->n - 1;
    count(d, now, &told);
    return true;
}
