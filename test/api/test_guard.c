/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock of a context: nobody starves, nobody who steps back is forgotten. */
#include "api/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sotto/base.h"

enum { CALLERS = 4, ROUNDS = 20000 };

struct user {
    struct guard *guard;
    atomic_long *inside; /* how many hold the lock */
    atomic_bool *stop;   /* NULL: after ROUNDS */
    atomic_long turns;
};

static void *call_often(void *arg)
{
    struct user *u = arg;
    for (int i = 0; u->stop ? !atomic_load(u->stop) : i < ROUNDS; i++) {
        sotto__guard_lock(u->guard);
        if (atomic_fetch_add(u->inside, 1) != 0) abort();
        atomic_fetch_sub(u->inside, 1);
        sotto__guard_unlock(u->guard);
        atomic_fetch_add(&u->turns, 1);
    }
    return NULL;
}

/* As the loop does: holds it long, and lets others in between. */
static void *hold_and_yield(void *arg)
{
    struct user *u = arg;
    while (!atomic_load(u->stop)) {
        sotto__guard_lock(u->guard);
        for (int i = 0; i < 20; i++) {
            if (atomic_fetch_add(u->inside, 1) != 0) abort();
            atomic_fetch_sub(u->inside, 1);
            sotto__guard_yield(u->guard);
        }
        sotto__guard_unlock(u->guard);
        atomic_fetch_add(&u->turns, 1);
    }
    return NULL;
}

/* With a lost wake-up this one hangs, and the runner's time limit says so. */
static void each_of_many_callers_ends_beside_a_busy_loop(void **state)
{
    (void)state;
    struct user u[CALLERS + 1];
    pthread_t t[CALLERS + 1];
    atomic_long inside = 0;
    atomic_bool stop = false;
    struct guard *g;
    assert_int_equal(sotto__guard_new(&g), 0);
    for (int i = 0; i <= CALLERS; i++) {
        u[i] = (struct user){.guard = g, .inside = &inside, .stop = i == CALLERS ? &stop : NULL};
        assert_int_equal(
            pthread_create(&t[i], NULL, i == CALLERS ? hold_and_yield : call_often, &u[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) pthread_join(t[i], NULL);
    while (atomic_load(&u[CALLERS].turns) == 0) continue; /* it may have been started late */
    atomic_store(&stop, true);
    pthread_join(t[CALLERS], NULL);
    assert_int_equal(atomic_load(&g->waiting), 0);
    assert_int_equal(g->aside, 0);
    sotto__guard_unref(g);
}

static void a_tight_caller_lets_one_in_that_waits(void **state)
{
    (void)state;
    atomic_long inside = 0;
    atomic_bool stop = false;
    struct guard *g;
    pthread_t t[2];
    assert_int_equal(sotto__guard_new(&g), 0);
    struct user tight = {.guard = g, .inside = &inside, .stop = &stop};
    struct user loop = {.guard = g, .inside = &inside, .stop = &stop};
    pthread_create(&t[0], NULL, call_often, &tight);
    pthread_create(&t[1], NULL, hold_and_yield, &loop);
    while (atomic_load(&tight.turns) < 1000 || atomic_load(&loop.turns) < 1000) continue;
    /* what the other does while one of them does much: at most 16 calls overtake one that waits */
    long before = atomic_load(&loop.turns), from = atomic_load(&tight.turns);
    while (atomic_load(&tight.turns) < from + 50000 && atomic_load(&loop.turns) < before + 50000)
        continue;
    print_message("%ld calls beside %ld turns of a loop\n", atomic_load(&tight.turns) - from,
                  atomic_load(&loop.turns) - before);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    sotto__guard_unref(g);
}

static void *step_aside(void *arg)
{
    struct guard *g = arg;
    pthread_mutex_lock(&g->mutex); /* who has to wait here lets nobody in again */
    sotto__guard_yield(g);
    sotto__guard_unlock(g);
    return NULL;
}

static void *come_in(void *arg)
{
    struct guard *g = arg;
    sotto__guard_lock(g);
    sotto__guard_unlock(g);
    return NULL;
}

/* Leaves it locked. */
static void lock_when_aside(struct guard *g, int n)
{
    for (;;) {
        pthread_mutex_lock(&g->mutex);
        if (g->aside == n) return;
        pthread_mutex_unlock(&g->mutex);
    }
}

static void all_who_stepped_aside_come_in_again(void **state)
{
    (void)state;
    struct guard *g;
    pthread_t t[4];
    assert_int_equal(sotto__guard_new(&g), 0);
    atomic_fetch_add(&g->waiting, 1); /* somebody who waits all the time */
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, step_aside, g);
    lock_when_aside(g, 3);
    pthread_create(&t[3], NULL, come_in, g);
    while (atomic_load(&g->waiting) < 2) continue; /* it found the lock taken */
    pthread_mutex_unlock(&g->mutex);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    assert_int_equal(atomic_load(&g->waiting), 1);
    assert_int_equal(g->aside, 0);
    sotto__guard_unref(g);
}

static void yielding_to_nobody_returns_at_once(void **state)
{
    (void)state;
    struct guard *g;
    assert_int_equal(sotto__guard_new(&g), 0);
    sotto__guard_lock(g);
    sotto__guard_yield(g);
    sotto__guard_unlock(g);
    assert_int_equal(sotto__guard_check(g), 0);
    sotto__guard_set_in_sink(true);
    assert_int_equal(sotto__guard_check(g), SOTTO_E_STATE);
    sotto__guard_set_in_sink(false);
    sotto__guard_unref(sotto__guard_ref(g));
    sotto__guard_unref(g);
    sotto__guard_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_many_callers_ends_beside_a_busy_loop),
        cmocka_unit_test(a_tight_caller_lets_one_in_that_waits),
        cmocka_unit_test(all_who_stepped_aside_come_in_again),
        cmocka_unit_test(yielding_to_nobody_returns_at_once),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
