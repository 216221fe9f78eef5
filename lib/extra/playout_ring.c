/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring between the thread that puts and the one that pulls: a fixed set of slots, and two lanes in which their numbers travel, full
 * ones to the consumer, empty ones back. Each lane has one thread that adds and one that takes, so that two counters and the order
 * release-acquire are all it needs: neither side ever waits. It does not know what is in a slot.
 */
#include "extra/playout.h"
#include "util/mem.h"

static void add(const struct playout_ring *r, struct playout_lane *lane, uint16_t slot)
{
    unsigned at = atomic_load_explicit(&lane->added, memory_order_relaxed);
    lane->items[at % r->n] = slot; /* there is room: a lane is as long as there are slots */
    atomic_store_explicit(&lane->added, at + 1, memory_order_release);
}

static struct playout_slot *take(const struct playout_ring *r, struct playout_lane *lane)
{
    unsigned at = atomic_load_explicit(&lane->taken, memory_order_relaxed);
    if (at == atomic_load_explicit(&lane->added, memory_order_acquire)) return NULL;
    struct playout_slot *s = &r->slots[lane->items[at % r->n]];
    atomic_store_explicit(&lane->taken, at + 1, memory_order_relaxed);
    return s;
}

int sotto__playout_ring_init(struct playout_ring *r, unsigned n)
{
    unsigned size = 1; /* a power of two, so that the counters may wrap */
    while (size < n) size *= 2;
    r->n = size;
    r->slots = (struct playout_slot *)sotto__calloc(size, sizeof *r->slots);
    r->full.items = (uint16_t *)sotto__calloc(size, sizeof *r->full.items);
    r->empty.items = (uint16_t *)sotto__calloc(size, sizeof *r->empty.items);
    if (!r->slots || !r->full.items || !r->empty.items) return SOTTO_E_NOMEM;
    for (unsigned i = 0; i < size; i++) {
        r->slots[i].len = 1; /* touched, so that the audio thread does not meet a page for the first time */
        add(r, &r->empty, (uint16_t)i);
    }
    return 0;
}

void sotto__playout_ring_free(struct playout_ring *r)
{
    sotto__free(r->slots);
    sotto__free(r->full.items);
    sotto__free(r->empty.items);
}

struct playout_slot *sotto__playout_ring_reserve(struct playout_ring *r)
{
    return take(r, &r->empty);
}

void sotto__playout_ring_put(struct playout_ring *r, struct playout_slot *s)
{
    add(r, &r->full, (uint16_t)(s - r->slots));
}

struct playout_slot *sotto__playout_ring_take(struct playout_ring *r)
{
    return take(r, &r->full);
}

void sotto__playout_ring_give(struct playout_ring *r, struct playout_slot *s)
{
    add(r, &r->empty, (uint16_t)(s - r->slots));
}
