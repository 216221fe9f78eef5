/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_API_GUARD_H
#define SOTTO_API_GUARD_H
/*
 * The one lock of a context, in a block of its own that outlives the context as long as a handle or an event needs it. The loop
 * holds it always but for the poll, and lets waiters in between turns.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct guard {
    pthread_mutex_t mutex;
    pthread_cond_t served; /* those who stepped back wait here until somebody who waited was in */
    atomic_int refs;
    atomic_int waiting; /* threads that want in */
    /* under the mutex: */
    int aside;          /* threads that stepped back; they want in again when somebody was in */
    unsigned entered;   /* how often somebody who had to wait came in */
    unsigned overtaken; /* calls that went before those who wait */
    _Atomic(void *) spare; /* of event.c, without the mutex: memory that is used again; freed with the guard */
    unsigned fork;      /* generation of the process that made it */
};

int sotto__guard_new(struct guard **ret); /* one reference; SOTTO_E_NOMEM, SOTTO_E_SYS */
struct guard *sotto__guard_ref(struct guard *g);
void sotto__guard_unref(struct guard *g);
void sotto__guard_lock(struct guard *g);
void sotto__guard_unlock(struct guard *g);
void sotto__guard_yield(struct guard *g); /* holding it: if others wait, lets one of them in first */
/* 0, SOTTO_E_FORKED in a child of the process that made it, SOTTO_E_STATE from inside a log sink. */
int sotto__guard_check(const struct guard *g);
void sotto__guard_set_in_sink(bool yes); /* of this thread */

#endif
