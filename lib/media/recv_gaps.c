/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What to do when the next packet is missing: how long a repair is worth waiting for, when a key frame beyond the gap is taken instead, and
 * when one is asked for. In: the ring, the list of missing packets and the time; out: packets taken in order, gaps given up. Does not know
 * what is done with frames.
 */
#include "media/recv.h"
#include "media/recv_state.h"

#define ORDERED_PATIENCE SOTTO_MS(60) /* audio for playout, which hides longer gaps better than it waits */
#define MIN_PATIENCE SOTTO_MS(20)     /* without repair: for reordering */
#define MAX_PATIENCE SOTTO_MS(100)
#define HEDGE_AFTER SOTTO_MS(50)      /* and two round trips: then a key frame is asked for beside the repair */

static struct packet *at(const struct receiver *r, int64_t seq)
{
    return r->ring[(size_t)seq & (r->window - 1)];
}

static bool is_there(const struct receiver *r, int64_t seq)
{
    return seq >= r->next && seq <= r->highest && at(r, seq);
}

/* ---- key frames beyond a gap ---- */

static bool belongs(const struct receiver *r, int64_t seq)
{
    if (!is_there(r, seq)) return false;
    const struct packet *p = at(r, seq);
    return !p->is_padding && !p->is_broken && p->time == r->key.time;
}

/* Whether another key frame is to be watched instead: a packet is missing that is not waited for. */
static bool key_is_hopeless(const struct receiver *r, sotto_us now)
{
    if (!r->key.found || !r->cfg.nack || now - r->key.at > RECV_WAIT) return true;
    return r->key.hi <= r->highest && !is_there(r, r->key.hi) &&
           sotto__nack_since(&r->nack, r->key.hi) < 0;
}

/* Of one key frame it is known how much of it is there: its run of packets grows at both ends, each packet is looked at once. */
void sotto__recv_note_key(struct receiver *r, sotto_us now, const struct packet *p)
{
    if (!r->cfg.is_video || p->is_padding || p->is_broken) return;
    if (p->info.is_key && (!r->key.found || (int32_t)(p->time - r->key.time) > 0) &&
        key_is_hopeless(r, now))
        r->key = (struct key_frame){true, p->time, p->seq, p->seq + 1, now};
    else if (!r->key.found || p->time != r->key.time ||
             (p->seq != r->key.lo - 1 && p->seq != r->key.hi))
        return;
    while (belongs(r, r->key.lo - 1)) r->key.lo--;
    while (belongs(r, r->key.hi)) r->key.hi++;
}

/* Whether it is whole, and its start certain. */
static bool key_is_whole(const struct receiver *r)
{
    const struct key_frame *k = &r->key;
    if (!k->found || k->lo <= r->next) return false;
    const struct packet *first = at(r, k->lo), *last = at(r, k->hi - 1);
    if (!first->info.starts) return false;
    if (!sotto__recv_certain_start(first) && !is_there(r, k->lo - 1)) return false;
    return last->marker || (is_there(r, k->hi) && at(r, k->hi)->time != k->time);
}

/* ---- how long to wait ---- */

/* When a frame of this time is to be handed over: after that, waiting for what is before it costs. */
static sotto_us due_of(const struct receiver *r, uint32_t time, sotto_us since)
{
    sotto_us soonest = since + r->nack.reordering;
    if (r->cfg.mode == SOTTO_RECEIVE_ORDERED) return soonest;
    sotto_us due = sotto__jitter_due(&r->jitter, time);
    return due > soonest ? due : soonest;
}

/* Whether nothing that later frames need can be in the gap before p, and when it is not worth waiting for any more. */
static bool is_spare(const struct receiver *r, const struct packet *p, uint64_t gap, sotto_us since,
                     sotto_us *until)
{
    int32_t distance;
    if (p->is_padding || p->is_broken || r->hole > 0) return false;
    bool inside = r->cur.n > 0 && p->time == r->cur.time;
    if (inside ? !p->info.disposable
               : !sotto__recv_follows(&r->mark, p, gap, &distance) || distance != 1)
        return false;
    if (r->cur.n > 0 && !r->cur.is_disposable) return false;
    bool starts = sotto__recv_certain_start(p);
    if (!inside && !starts && !p->info.disposable) return false;
    if (r->cur.n == 0 && starts)
        *until = since; /* it was padding */
    else
        *until = due_of(r, r->cur.n > 0 ? r->cur.time : p->time, since);
    return true;
}

static sotto_us no_repair_patience(const struct receiver *r)
{
    sotto_us wait = 2 * r->nack.reordering;
    return wait < MIN_PATIENCE ? MIN_PATIENCE : wait > MAX_PATIENCE ? MAX_PATIENCE : wait;
}

static sotto_us audio_until(const struct receiver *r, const struct packet *p, sotto_us since)
{
    if (r->cfg.mode == SOTTO_RECEIVE_FRAMES)
        return sotto__earlier(due_of(r, p->time, since), since + RECV_WAIT);
    sotto_us wait = r->cfg.nack ? ORDERED_PATIENCE : no_repair_patience(r);
    return since + sotto__earlier(wait, ORDERED_PATIENCE);
}

static sotto_us video_until(struct receiver *r, sotto_us now, const struct packet *p, uint64_t gap,
                            sotto_us since)
{
    sotto_us until = since + RECV_WAIT, spare;
    if (!r->cfg.nack) {
        sotto_us due = due_of(r, p->time, since);
        sotto_us soonest = since + no_repair_patience(r);
        until = sotto__earlier(until, due > soonest ? due : soonest);
    }
    if (is_spare(r, p, gap, since, &spare)) until = sotto__earlier(until, spare);
    if (key_is_whole(r)) /* it helps at once if all else is stopped */
        until = sotto__earlier(until, r->broken == 0 ? now : due_of(r, r->key.time, since));
    sotto_us hedge = since + HEDGE_AFTER + 2 * r->nack.rtt, due = due_of(r, p->time, since);
    if (hedge < due) hedge = due; /* nobody misses it yet */
    r->key_hedged = now >= hedge;
    if (!r->key_hedged) r->wake = sotto__earlier(r->wake, hedge);
    return until;
}

/* Whether the gap at next is to be given up; there: the first packet beyond it. */
static bool is_over(struct receiver *r, sotto_us now, int64_t there)
{
    const struct packet *p = at(r, there);
    sotto_us since = sotto__nack_since(&r->nack, r->next), until;
    r->key_hedged = false;
    if (since < 0) return true; /* asked for in vain, or there were too many */
    if (r->cfg.is_video)
        until = video_until(r, now, p, (uint64_t)(there - r->next), since);
    else
        until = audio_until(r, p, since);
    if (now >= until) return true;
    r->wake = sotto__earlier(r->wake, until);
    return false;
}

void sotto__recv_give_up(struct receiver *r)
{
    int64_t there = sotto__recv_following(r);
    r->hole += (uint64_t)(there - r->next);
    r->next = there;
    sotto__nack_forget(&r->nack, there);
}

/* The first packets of a stream may be reordered too: unless the first one begins a key frame, others are awaited for a moment. */
static bool may_begin(struct receiver *r, sotto_us now)
{
    if (r->begun) return true;
    bool starts = r->cfg.is_video && is_there(r, r->next) && at(r, r->next)->info.is_key &&
                  sotto__recv_certain_start(at(r, r->next));
    r->begun = starts || now >= r->begin_at;
    if (!r->begun) r->wake = r->begin_at;
    return r->begun;
}

void sotto__recv_progress(struct receiver *r, sotto_us now)
{
    r->wake = SOTTO_NEVER;
    if (!r->started || r->cfg.mode == SOTTO_RECEIVE_RTP || !may_begin(r, now)) return;
    while (r->next <= r->highest) {
        int64_t there = sotto__recv_following(r);
        if (there == r->next)
            sotto__recv_take(r, now);
        else if (there > r->highest)
            break;
        else if (is_over(r, now, there))
            sotto__recv_give_up(r);
        else
            break;
    }
    if (r->next > r->highest) r->key_hedged = false;
    if (r->key.found && r->key.lo < r->next) r->key.found = false;
}
