/* SPDX-License-Identifier: BSD-2-Clause */
/* Transceivers from several threads: one looks, one changes, one negotiates and takes the events, and the context has its own. */
#include <pthread.h>
#include <stdatomic.h>

#include "sides.h"

#define ROUNDS 30

struct shared {
    struct sides s;
    sotto_transceiver *t; /* of a, never stopped */
    atomic_bool stop;
};

static void look(struct shared *k)
{
    static int mark;
    sotto_transceiver *all[4];
    sotto_send_parameters *sp;
    sotto_codecs *codecs;
    char mid[65];
    sotto_transceiver_kind(k->t);
    sotto_transceiver_mid(k->t, mid, sizeof mid);
    sotto_transceiver_get_direction(k->t);
    sotto_transceiver_current_direction(k->t);
    sotto_transceiver_set_user(k->t, &mark);
    sotto_transceiver_get_user(k->t);
    sotto_pc_get_transceivers(k->s.b, all, 4);
    if (sotto_transceiver_codec(k->t, &codecs) == 0) sotto_free(codecs);
    if (sotto_transceiver_get_parameters(k->t, &sp) < 0) return;
    sotto_transceiver_set_parameters(k->t, sp); /* or a description came meanwhile */
    sotto_free(sp);
}

static void *look_on(void *arg)
{
    struct shared *k = arg;
    while (!atomic_load(&k->stop)) look(k);
    return NULL;
}

static void *change_on(void *arg)
{
    struct shared *k = arg;
    const char *const ids[] = {"x", "y"};
    for (int32_t i = 0; !atomic_load(&k->stop); i++) {
        sotto_transceiver *t;
        sotto_transceiver_set_direction(k->t, i % 4);
        sotto_transceiver_set_streams(k->t, ids, (size_t)i % 3);
        if (i % 16 != 0 || sotto_pc_add_transceiver(k->s.a, SOTTO_VIDEO, NULL, &t) < 0) continue;
        sotto_transceiver_stop(t);
        sotto_transceiver_free(t); /* if no offer was made meanwhile; else it lives on */
    }
    return NULL;
}

/* proves: A03 */
static void handles_may_be_used_by_all_threads(void **state)
{
    (void)state;
    struct shared k = {.t = NULL};
    pthread_t looker, changer;
    sides_new_with_thread(&k.s);
    assert_int_equal(sotto_pc_add_track(k.s.a, SOTTO_AUDIO, NULL, 0, &k.t), 0);
    pthread_create(&looker, NULL, look_on, &k);
    pthread_create(&changer, NULL, change_on, &k);
    for (int i = 0; i < ROUNDS; i++) {
        sides_negotiate(k.s.a, k.s.b);
        sides_drain(&k.s, k.s.b, SOTTO_EV_TRACK);
    }
    atomic_store(&k.stop, true);
    pthread_join(looker, NULL);
    pthread_join(changer, NULL);
    sides_negotiate(k.s.a, k.s.b);
    assert_int_equal(sotto_pc_get_transceivers(k.s.a, NULL, 0),
                     sotto_pc_get_transceivers(k.s.b, NULL, 0));
    sides_free(&k.s);
}

struct killer {
    sotto_pc *pc;
    sotto_us at;
};

static void *kill_at(void *arg)
{
    struct killer *k = arg;
    while (sotto_now() < k->at) continue; /* a point within microseconds: a sleep is too coarse */
    sotto_pc_free(k->pc);
    return NULL;
}

/* proves: A06 */
static void a_connection_may_be_freed_while_its_handles_are_used(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct shared k = {.t = NULL};
        pthread_t killer;
        sides_new_with_thread(&k.s);
        assert_int_equal(sotto_pc_add_track(k.s.a, SOTTO_AUDIO, NULL, 0, &k.t), 0);
        struct killer kill = {k.s.a, sotto_now() + 200 + i * 20};
        pthread_create(&killer, NULL, kill_at, &kill);
        while (sotto_transceiver_get_direction(k.t) != SOTTO_DIR_STOPPED) look(&k);
        pthread_join(killer, NULL);
        assert_int_equal(sotto_transceiver_set_direction(k.t, SOTTO_DIR_RECVONLY), SOTTO_E_CLOSED);
        sotto_transceiver_free(k.t);
        sides_free(&k.s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_may_be_used_by_all_threads),
        cmocka_unit_test(a_connection_may_be_freed_while_its_handles_are_used),
    };
    return cmocka_run_group_tests_name("media_threads", tests, NULL, NULL);
}
