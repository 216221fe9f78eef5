/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of keys that send (RFC 9605 §4.4.1, §9.1): whoever sends under a key, in whichever connection, takes from the same one. When
 * nobody does any more, where it stood is remembered; of the oldest of those only that all keys not known begin above them, so that a key
 * that comes back after long does not use a counter twice either. A forked child gets none of its parent's, and does not forget one of
 * them, as the parent goes on with it.
 *
 * answers: S25
 */
#include "media/e2ee_counter.h"

#include <pthread.h>
#include <string.h>

#include "sotto/base.h"
#include "util/cold.h"
#include "util/limits.h"
#include "util/list.h"
#include "util/mem.h"

struct counter {
    struct node all;
    uint8_t id[SFRAME_ID];
    uint64_t next; /* UINT64_MAX: none is left */
    unsigned refs, fork;
};

static struct {
    struct node all;
    struct {
        uint8_t id[SFRAME_ID];
        uint64_t next; /* 0: free */
        unsigned fork;
    } kept[SOTTO_E2EE_KEPT];
    size_t oldest;
    uint64_t floor;
    unsigned fork; /* how many lie between the first process and this one */
} counters;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int registered;

static void lock(void)
{
    pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

static void in_child(void)
{
    counters.fork++;
    unlock();
}

static void start(void)
{
    sotto__list_init(&counters.all);
    registered = pthread_atfork(lock, unlock, in_child);
}

static struct counter *find(const uint8_t id[SFRAME_ID])
{
    for (struct node *n = counters.all.next; n != &counters.all; n = n->next) {
        struct counter *c = CONTAINER_OF(n, struct counter, all);
        if (memcmp(c->id, id, SFRAME_ID) == 0) return c;
    }
    return NULL;
}

/* Where a key that nobody sends with begins. */
static int first_of(const uint8_t id[SFRAME_ID], uint64_t *ret)
{
    *ret = counters.floor;
    for (size_t i = 0; i < SOTTO_E2EE_KEPT; i++) {
        if (counters.kept[i].next == 0 || memcmp(counters.kept[i].id, id, SFRAME_ID) != 0) continue;
        if (counters.kept[i].fork != counters.fork) return SOTTO_E_FORKED;
        *ret = counters.kept[i].next;
        counters.kept[i].next = 0;
    }
    return 0;
}

static int get(const uint8_t id[SFRAME_ID], uint64_t least, struct counter **ret)
{
    uint64_t next = 0;
    struct counter *c = find(id);
    if (c && c->fork != counters.fork) return SOTTO_E_FORKED;
    if (!c) {
        c = sotto__calloc(1, sizeof *c);
        int r = c ? first_of(id, &next) : SOTTO_E_NOMEM;
        if (r < 0) {
            sotto__free(c);
            return r;
        }
        memcpy(c->id, id, SFRAME_ID);
        c->next = next, c->fork = counters.fork;
        sotto__list_push(&counters.all, &c->all);
    }
    if (least > c->next) c->next = least;
    c->refs++;
    *ret = c;
    return 0;
}

COLD int sotto__counter_get(const uint8_t id[SFRAME_ID], uint64_t least, struct counter **ret)
{
    pthread_once(&once, start);
    if (registered != 0) return SOTTO_E_SYS;
    if (least == UINT64_MAX) return SOTTO_E_RANGE;
    lock();
    int r = get(id, least, ret);
    unlock();
    return r;
}

/* In place of the oldest one; SOTTO_E2EE_KEPT: all are those of a parent. */
static size_t place(void)
{
    for (size_t n = 0; n < SOTTO_E2EE_KEPT; n++) {
        size_t i = (counters.oldest + n) % SOTTO_E2EE_KEPT;
        if (counters.kept[i].next == 0 || counters.kept[i].fork == counters.fork) return i;
    }
    return SOTTO_E2EE_KEPT;
}

static void forget(uint64_t next)
{
    if (next > counters.floor) counters.floor = next;
}

static void keep(const struct counter *c)
{
    size_t i = place();
    if (i == SOTTO_E2EE_KEPT) {
        forget(c->next);
        return;
    }
    counters.oldest = (i + 1) % SOTTO_E2EE_KEPT;
    forget(counters.kept[i].next);
    memcpy(counters.kept[i].id, c->id, SFRAME_ID);
    counters.kept[i].next = c->next;
    counters.kept[i].fork = c->fork;
}

COLD void sotto__counter_put(struct counter *c)
{
    if (!c) return;
    lock();
    if (--c->refs == 0 && c->fork == counters.fork) { /* a parent's stays, to be known */
        if (c->next > 0) keep(c);
        sotto__list_remove(&c->all);
        sotto__free(c);
    }
    unlock();
}

int sotto__counter_next(struct counter *c, uint64_t *ret)
{
    lock();
    int r = c->fork != counters.fork ? SOTTO_E_FORKED : c->next == UINT64_MAX ? SOTTO_E_LIMIT : 0;
    if (r == 0) *ret = c->next++;
    unlock();
    return r;
}
