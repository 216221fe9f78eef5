/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock of a context, fair to those who wait while the loop is busy; and who may not use it: a forked child, whose copies of keys
 * and sockets belong to the parent, and a log sink, which runs inside a call.
 * answers: S20 A02 A03 A04 A07 A15
 */
#include "api/guard.h"

#include "sotto/base.h"
#include "util/cold.h"
#include "util/mem.h"

#define MAX_OVERTAKEN 16 /* calls that may overtake a thread that waits */

static atomic_uint generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int registered;
static _Thread_local bool in_sink;

static void in_child(void)
{
    atomic_fetch_add(&generation, 1);
}

static void register_fork(void)
{
    registered = pthread_atfork(NULL, NULL, in_child);
}

COLD int sotto__guard_new(struct guard **ret)
{
    pthread_once(&once, register_fork);
    if (registered != 0) return SOTTO_E_SYS;
    struct guard *g = sotto__calloc(1, sizeof *g);
    if (!g) return SOTTO_E_NOMEM;
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->served, NULL);
    atomic_init(&g->refs, 1);
    g->fork = atomic_load(&generation);
    *ret = g;
    return 0;
}

struct guard *sotto__guard_ref(struct guard *g)
{
    atomic_fetch_add(&g->refs, 1);
    return g;
}

void sotto__guard_unref(struct guard *g)
{
    if (!g || atomic_fetch_sub(&g->refs, 1) != 1) return;
    pthread_mutex_destroy(&g->mutex);
    pthread_cond_destroy(&g->served);
    sotto__free(atomic_load(&g->spare));
    sotto__free(g);
}

/* Somebody who had to wait has the mutex now: those who stepped back for that want in again. */
static void came_in(struct guard *g)
{
    g->entered++;
    atomic_fetch_add(&g->waiting, g->aside - 1);
    if (g->aside > 0) pthread_cond_broadcast(&g->served);
    g->aside = 0;
}

void sotto__guard_yield(struct guard *g)
{
    if (atomic_load_explicit(&g->waiting, memory_order_relaxed) == 0) return;
    unsigned before = g->entered;
    g->aside++;
    while (g->entered == before) pthread_cond_wait(&g->served, &g->mutex);
    came_in(g);
}

/* A thread that calls in a tight loop would always be faster than one that has to be woken: now and then it steps back. */
static void step_back(struct guard *g)
{
    if (atomic_load_explicit(&g->waiting, memory_order_relaxed) == 0) return;
    if (++g->overtaken < MAX_OVERTAKEN) return;
    g->overtaken = 0;
    sotto__guard_yield(g);
}

void sotto__guard_lock(struct guard *g)
{
    if (pthread_mutex_trylock(&g->mutex) == 0) {
        step_back(g);
        return;
    }
    atomic_fetch_add(&g->waiting, 1);
    pthread_mutex_lock(&g->mutex);
    came_in(g);
}

void sotto__guard_unlock(struct guard *g)
{
    pthread_mutex_unlock(&g->mutex);
}

int sotto__guard_check(const struct guard *g)
{
    if (g->fork != atomic_load_explicit(&generation, memory_order_relaxed)) return SOTTO_E_FORKED;
    return in_sink ? SOTTO_E_STATE : 0;
}

void sotto__guard_set_in_sink(bool yes)
{
    in_sink = yes;
}
