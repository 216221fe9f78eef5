/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When packets leave. Video waits in a wheel of slots, one for each 2.5 ms to come, so that senders with different frame rates interleave
 * by time and none waits behind another's key frame; a slot whose time has come moves to the queue as a whole. Retransmissions have a rate
 * of their own, and a rate that was set holds video and retransmissions back (RFC 8834 §7, the seat of congestion control). In: packets
 * with times; out: one packet after the other. It does not know what is in them.
 */
#include "media/pacer.h"

#include "media/history.h"

void sotto__pacer_init(struct pacer *p)
{
    *p = (struct pacer){0};
    for (size_t i = 0; i < PACER_CLASSES; i++) sotto__list_init(&p->queues[i]);
    for (size_t i = 0; i < PACER_SLOTS; i++) sotto__list_init(&p->slots[i]);
}

bool sotto__pacer_takes(const struct pacer *p, enum pacer_class c, size_t n)
{
    if (p->packets[c] == 0) return true;
    return p->packets[c] < SOTTO_MAX_PACER_PACKETS && n <= SOTTO_MAX_PACER_BYTES &&
           p->bytes[c] <= SOTTO_MAX_PACER_BYTES - n;
}

/* ---- the wheel ---- */

/* The first slot with packets: its number; only if there is one. */
static int64_t first_slot(const struct pacer *p)
{
    unsigned shift = (unsigned)(p->slot % PACER_SLOTS);
    uint64_t turned = shift ? p->used >> shift | p->used << (PACER_SLOTS - shift) : p->used;
    return p->slot + __builtin_ctzll(turned);
}

/* All of `from` behind the last of `to`. */
static void append(struct node *to, struct node *from)
{
    from->next->prev = to->prev, to->prev->next = from->next;
    from->prev->next = to, to->prev = from->prev;
    sotto__list_init(from);
}

static void turn(struct pacer *p, sotto_us now)
{
    int64_t end = now / PACER_SLOT_US + 1;
    while (p->used) {
        int64_t slot = first_slot(p);
        if (slot >= end) break;
        append(&p->queues[PACER_VIDEO], &p->slots[slot % PACER_SLOTS]);
        p->used &= ~(1ull << slot % PACER_SLOTS);
    }
    if (end > p->slot) p->slot = end;
}

void sotto__pacer_push(struct pacer *p, sotto_us now, enum pacer_class c, struct sent_packet *pkt,
                       sotto_us at)
{
    struct node *queue = &p->queues[c];
    turn(p, now);
    int64_t slot = at / PACER_SLOT_US;
    if (c == PACER_VIDEO && slot >= p->slot) {
        int64_t last = p->slot + (int64_t)PACER_SLOTS - 1;
        if (slot > last) slot = last, at = slot * PACER_SLOT_US;
        queue = &p->slots[slot % PACER_SLOTS];
        p->used |= 1ull << slot % PACER_SLOTS;
    }
    sotto__list_push(queue, &pkt->queue);
    pkt->pacer_class = (uint8_t)c;
    pkt->queued = now, pkt->at = at;
    p->bytes[c] += pkt->n, p->packets[c]++;
    if (c != PACER_REPAIR) pkt->frame->unsent++;
}

void sotto__pacer_remove(struct pacer *p, struct sent_packet *pkt)
{
    if (!sotto__list_linked(&pkt->queue)) return;
    enum pacer_class c = (enum pacer_class)pkt->pacer_class;
    int64_t slot = pkt->at / PACER_SLOT_US % PACER_SLOTS; /* where it may have been */
    sotto__list_remove(&pkt->queue);
    if (sotto__list_empty(&p->slots[slot])) p->used &= ~(1ull << slot);
    p->bytes[c] -= pkt->n, p->packets[c]--;
    if (c != PACER_REPAIR) pkt->frame->unsent--;
}

/* ---- leaving ---- */

static sotto_us cost(size_t n, uint64_t bps) /* µs that a payload of n bytes takes */
{
    return (sotto_us)(((uint64_t)(n + PACER_OVERHEAD) * 8000000 + bps / 2) / bps);
}

static sotto_us later(sotto_us a, sotto_us b)
{
    return a > b ? a : b;
}

/* From when on the rate lets packets through again. */
static sotto_us open_at(sotto_us used_until)
{
    return used_until - PACER_BURST_US;
}

static struct sent_packet *head_of(const struct pacer *p, enum pacer_class c)
{
    const struct node *queue = &p->queues[c];
    return sotto__list_empty(queue) ? NULL : CONTAINER_OF(queue->next, struct sent_packet, queue);
}

struct sent_packet *sotto__pacer_next(struct pacer *p, sotto_us now)
{
    turn(p, now);
    struct sent_packet *pkt = head_of(p, PACER_AUDIO);
    if (!pkt && p->rate_bps && now < open_at(p->rate_at)) return NULL;
    if (!pkt && now >= open_at(p->repair_at)) pkt = head_of(p, PACER_REPAIR);
    if (!pkt) pkt = head_of(p, PACER_VIDEO);
    if (!pkt) return NULL;
    sotto__pacer_remove(p, pkt);
    if (pkt->pacer_class == PACER_REPAIR)
        p->repair_at = later(p->repair_at, now) + cost(pkt->n, PACER_REPAIR_BPS);
    /* audio uses the rate up too, but what it takes beyond a second is forgiven */
    if (p->rate_bps && (pkt->pacer_class != PACER_AUDIO || p->rate_at < now + SOTTO_SECONDS(1)))
        p->rate_at = later(p->rate_at, now) + cost(pkt->n, p->rate_bps);
    return pkt;
}

sotto_us sotto__pacer_due(const struct pacer *p)
{
    const struct sent_packet *audio = head_of(p, PACER_AUDIO), *repair = head_of(p, PACER_REPAIR);
    const struct sent_packet *video = head_of(p, PACER_VIDEO);
    sotto_us due = SOTTO_NEVER;
    if (audio) return audio->queued;
    if (repair) due = later(repair->queued, open_at(p->repair_at));
    if (video)
        due = sotto__earlier(due, video->at / PACER_SLOT_US * PACER_SLOT_US);
    else if (p->used)
        due = sotto__earlier(due, first_slot(p) * PACER_SLOT_US);
    return p->rate_bps && due != SOTTO_NEVER ? later(due, open_at(p->rate_at)) : due;
}

void sotto__pacer_set_rate(struct pacer *p, uint64_t bps)
{
    if (p->rate_bps == 0 || bps == 0) p->rate_at = 0;
    p->rate_bps = bps;
}
