/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets from the ring into their order: RTP times are unwrapped (RFC 3550 §5.1) and made frames of one line of time, packets that
 * came twice or after their time are given back. When nothing but late packets comes while the device starves, the sender has begun another
 * line of time (it restarted), and what plays follows it. In: the ring; out: a queue sorted by time. It decodes nothing.
 */
#include <string.h>

#include "extra/playout.h"
#include "util/seq.h"

#define STARVED (40 * PLAYOUT_MS)  /* with nothing to play for so long, late packets are looked at again */
#define ENOUGH 2                   /* of them */
#define FORGOTTEN (2000 * PLAYOUT_MS) /* after so much nothing the next packet begins anew */
#define QUICK (40 * PLAYOUT_MS)    /* held at most before audio begins again */

static int64_t frames_per_tick(enum playout_codec codec)
{
    return codec == PLAYOUT_OPUS ? 1 : 6; /* RFC 7587 §4.1, RFC 3551 §4.5.14 */
}

/* FNV-1a of the payload: a sender that went back in time says something else there. */
static uint32_t digest(const struct playout_slot *s)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < s->len; i++) h = (h ^ s->data[i]) * 16777619U;
    return h;
}

static bool came_before(struct playout_line *line, const struct playout_slot *s)
{
    struct playout_seen now = {s->rtp_time, digest(s)};
    for (unsigned i = 0; i < line->n_recent; i++)
        if (line->recent[i].rtp_time == now.rtp_time && line->recent[i].digest == now.digest)
            return true;
    line->recent[line->next_recent] = now;
    line->next_recent = (line->next_recent + 1) % PLAYOUT_RECENT;
    if (line->n_recent < PLAYOUT_RECENT) line->n_recent++;
    return false;
}

/* Where the last packet that waits ends, or what was decoded. */
static int64_t end_of_all(const sotto_playout *p)
{
    if (p->queue.n == 0) return p->at + p->ahead;
    const struct playout_slot *last = p->queue.items[p->queue.n - 1];
    return last->at + last->frames;
}

/* The first packet, or another codec whose clock has another rate: its time has nothing to do with what was. */
static void begin_line(sotto_playout *p, const struct playout_slot *s)
{
    struct playout_line *line = &p->line;
    line->offset = 0;
    line->ticks = s->rtp_time;
    if (p->started) line->offset = end_of_all(p) - line->ticks * frames_per_tick(s->codec);
    line->n_recent = line->next_recent = 0;
    line->known = true;
    sotto__playout_delay_restart(&p->delay);
}

static void set_at(sotto_playout *p, struct playout_slot *s)
{
    struct playout_line *line = &p->line;
    int64_t scale = frames_per_tick(s->codec);
    if (!line->known || scale != frames_per_tick(line->codec)) begin_line(p, s);
    line->codec = s->codec;
    line->ticks = sotto__unwrap32(line->ticks, s->rtp_time);
    s->at = line->ticks * scale + line->offset;
}

static void insert(struct playout_queue *q, struct playout_slot *s)
{
    unsigned i = q->n++;
    for (; i > 0 && q->items[i - 1]->at > s->at; i--) q->items[i] = q->items[i - 1];
    q->items[i] = s;
    q->frames += s->frames;
}

/* What is played next is this packet, after having been held for `hold`. */
static void begin_at(sotto_playout *p, const struct playout_slot *s, int64_t hold)
{
    p->at = s->at - hold;
    p->ahead = 0;
    p->late_run = 0;
}

/* The time of a packet is over. Whether it may still be played. */
static bool follows(sotto_playout *p, const struct playout_slot *s)
{
    p->counts.late++;
    p->late_by[p->late_run++ % PLAYOUT_LATE_RUN] = s->received - s->at;
    if (p->queue.n > 0 || p->ahead < STARVED || p->late_run < ENOUGH) return false;
    p->counts.late--;
    sotto__playout_delay_restart(&p->delay);
    begin_at(p, s, p->delay.target < QUICK ? p->delay.target : QUICK);
    return true;
}

/* One is in time: those before it were late by the network's doing, and count as jitter. */
static void end_late_run(sotto_playout *p)
{
    if (p->late_run > PLAYOUT_LATE_RUN) p->late_run = PLAYOUT_LATE_RUN;
    while (p->late_run > 0) sotto__playout_delay_late(&p->delay, p->late_by[--p->late_run]);
}

static void arrive(sotto_playout *p, struct playout_slot *s)
{
    set_at(p, s);
    if (s->after_loss) p->tells_loss = true;
    if (came_before(&p->line, s)) {
        p->counts.late++;
        sotto__playout_ring_give(&p->ring, s);
        return;
    }
    if (!p->started || p->ahead > FORGOTTEN) {
        if (p->started) sotto__playout_delay_restart(&p->delay);
        begin_at(p, s, p->delay.target);
        p->started = true;
    } else if (!p->decoded && s->at < p->at + p->delay.target) {
        begin_at(p, s, p->delay.target); /* nothing is played yet: one that was overtaken is in time */
    } else if (s->at + s->frames > p->at) {
        end_late_run(p);
    } else if (!follows(p, s)) {
        sotto__playout_ring_give(&p->ring, s);
        return;
    }
    sotto__playout_delay_seen(&p->delay, s->at, s->received, p->now);
    insert(&p->queue, s);
}

void sotto__playout_arrivals(sotto_playout *p)
{
    struct playout_slot *s;
    while ((s = sotto__playout_ring_take(&p->ring))) arrive(p, s);
}

void sotto__playout_drop_first(sotto_playout *p)
{
    struct playout_queue *q = &p->queue;
    q->frames -= q->items[0]->frames;
    sotto__playout_ring_give(&p->ring, q->items[0]);
    memmove(q->items, q->items + 1, --q->n * sizeof *q->items);
}
