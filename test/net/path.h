/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_PATH_H
#define SOTTO_TEST_PATH_H
/* One direction of an emulated link: which packets get through, and when. Time is an argument, in nanoseconds. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct path_cfg {
    int64_t delay_ns;
    double loss;        /* 0…1, of each packet on its own */
    double reorder;     /* 0…1: so many come behind those that follow them… */
    int64_t behind_ns;  /* … within this time */
    uint64_t rate_bps;  /* 0: as fast as it goes */
    size_t queue;       /* bytes that wait for a link of that rate; more are dropped */
    size_t mtu;         /* larger packets are dropped without a word; 0: none is too large */
};

struct path_counts {
    uint64_t packets, bytes; /* delivered */
    uint64_t lost, dropped, too_large, behind;
};

#define PATH_SLOT 2048u   /* bytes of a packet at most */
#define PATH_SLOTS 32768u /* packets on their way at most; beyond, dropped */

struct path_ring { /* of slots, in the order in which they are due */
    uint32_t head, n;
    int64_t *due;
    uint16_t *slot;
};

struct path {
    struct path_cfg cfg;
    struct path_counts counts;
    uint64_t seed;
    int64_t free_at; /* when the link has sent what it was given */
    struct path_ring straight, late;
    uint8_t *bytes;  /* of all slots */
    uint16_t *len;
    uint16_t *idle;  /* slots: the last one is the next to be used, for the cache's sake */
    uint32_t n_idle;
    uint32_t taken;  /* a slot that path_take gave out; PATH_SLOTS: none */
};

bool path_init(struct path *p, uint64_t seed); /* false: no memory */
void path_free(struct path *p);
/* The memory for the next packet, for PATH_SLOT bytes: filled, it is given with path_put. */
uint8_t *path_room(struct path *p);
void path_put(struct path *p, int64_t now, size_t n);
/* The next packet that is due; it stays valid until the next call. NULL: none yet. */
const uint8_t *path_take(struct path *p, int64_t now, size_t *n);
int64_t path_due(const struct path *p); /* INT64_MAX: nothing is on its way */

#endif
