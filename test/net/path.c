/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of an emulated link. In: packets and the time; out: those that are neither lost nor dropped, when they are due. A
 * packet waits until the link has sent those before it (rate, with a bound on what waits, as a router has), then travels (delay).
 * Some are held for a while more, so that they come behind others: both kinds are due in the order in which they came, so two
 * rings do. What is lost follows from a seed. Knows nothing of sockets and clocks.
 */
#include "path.h"

#include <stdlib.h>

static bool ring_init(struct path_ring *r)
{
    *r = (struct path_ring){.due = malloc(PATH_SLOTS * sizeof *r->due),
                            .slot = malloc(PATH_SLOTS * sizeof *r->slot)};
    return r->due && r->slot;
}

bool path_init(struct path *p, uint64_t seed)
{
    *p = (struct path){.cfg = p->cfg, .seed = seed, .taken = PATH_SLOTS};
    p->bytes = malloc((size_t)PATH_SLOTS * PATH_SLOT);
    p->len = malloc(PATH_SLOTS * sizeof *p->len);
    p->idle = malloc(PATH_SLOTS * sizeof *p->idle);
    bool good = ring_init(&p->straight) && ring_init(&p->late) && p->bytes && p->len && p->idle;
    for (; good && p->n_idle < PATH_SLOTS; p->n_idle++) p->idle[p->n_idle] = (uint16_t)p->n_idle;
    return good;
}

void path_free(struct path *p)
{
    free(p->straight.due);
    free(p->straight.slot);
    free(p->late.due);
    free(p->late.slot);
    free(p->bytes);
    free(p->len);
    free(p->idle);
}

/* 0…1, the next of the seed's: an LCG of 64 bits, of which the upper 53 are used. */
static double chance(struct path *p)
{
    p->seed = p->seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(p->seed >> 11) / 9007199254740992.0;
}

uint8_t *path_room(struct path *p)
{
    return p->bytes + (size_t)p->idle[p->n_idle - 1] * PATH_SLOT;
}

/* When the link has sent it; below 0: it does not fit before the link. */
static int64_t sent_at(struct path *p, int64_t now, size_t n)
{
    if (p->cfg.rate_bps == 0) return now;
    double ns_per_byte = 8e9 / (double)p->cfg.rate_bps;
    int64_t start = p->free_at > now ? p->free_at : now;
    if (p->cfg.queue > 0 && (double)(start - now) / ns_per_byte + (double)n > (double)p->cfg.queue)
        return -1;
    p->free_at = start + (int64_t)((double)n * ns_per_byte);
    return p->free_at;
}

static void add(struct path_ring *r, int64_t due, uint16_t slot)
{
    uint32_t at = (r->head + r->n) % PATH_SLOTS;
    /* A delay that became shorter does not let packets overtake each other. */
    if (r->n > 0) {
        int64_t last = r->due[(r->head + r->n - 1) % PATH_SLOTS];
        if (due < last) due = last;
    }
    r->due[at] = due, r->slot[at] = slot;
    r->n++;
}

void path_put(struct path *p, int64_t now, size_t n)
{
    if (p->cfg.mtu > 0 && n > p->cfg.mtu) {
        p->counts.too_large++;
        return;
    }
    /* Loss first, and one draw for each packet: so it does not depend on the load. */
    bool lost = p->cfg.loss > 0 && chance(p) < p->cfg.loss;
    bool behind = p->cfg.reorder > 0 && chance(p) < p->cfg.reorder;
    if (lost) {
        p->counts.lost++;
        return;
    }
    int64_t at = sent_at(p, now, n);
    if (at < 0 || p->n_idle == 1) { /* one stays, for path_room */
        p->counts.dropped++;
        return;
    }
    uint16_t slot = p->idle[--p->n_idle];
    p->len[slot] = (uint16_t)n;
    if (behind) {
        add(&p->late, at + p->cfg.delay_ns + p->cfg.behind_ns, slot);
        p->counts.behind++;
    } else {
        add(&p->straight, at + p->cfg.delay_ns, slot);
    }
}

static int64_t ring_due(const struct path_ring *r)
{
    return r->n > 0 ? r->due[r->head] : INT64_MAX;
}

int64_t path_due(const struct path *p)
{
    int64_t a = ring_due(&p->straight), b = ring_due(&p->late);
    return a < b ? a : b;
}

const uint8_t *path_take(struct path *p, int64_t now, size_t *n)
{
    if (p->taken < PATH_SLOTS) p->idle[p->n_idle++] = (uint16_t)p->taken;
    p->taken = PATH_SLOTS;
    struct path_ring *r = ring_due(&p->straight) <= ring_due(&p->late) ? &p->straight : &p->late;
    if (ring_due(r) > now) return NULL;
    p->taken = r->slot[r->head];
    r->head = (r->head + 1) % PATH_SLOTS, r->n--;
    *n = p->len[p->taken];
    p->counts.packets++, p->counts.bytes += *n;
    return p->bytes + (size_t)p->taken * PATH_SLOT;
}
