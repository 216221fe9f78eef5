/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames over loopback with everybody at it: four threads send, ask, choose and read, one takes the events, and one negotiates, stops and
 * frees. What is shown is that it ends and that no data is raced for (TSan); that frames arrive right is shown elsewhere.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "both_ways.h"
#include "call.h"

enum { CALLERS = 4, ROUNDS = 15 };

struct busy {
    struct call c;
    sotto_ctx *ctx;
    sotto_transceiver *audio[2], *video[2]; /* of a, of b */
    atomic_bool stop;
    atomic_long frames, packets, taken[CALLERS];
};

struct one_caller {
    struct busy *all;
    int number;
};

static int send_one(sotto_transceiver *t, bool is_audio, bool is_key)
{
    static const uint8_t opus[] = {0xf8, 0xff, 0xfe};
    uint8_t vp8[3000] = {0x11};
    static const uint8_t key_head[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
    if (is_key) memcpy(vp8, key_head, sizeof key_head);
    sotto_frame f = {.size = sizeof f,
                     .data = is_audio ? opus : vp8,
                     .len = is_audio ? sizeof opus : sizeof vp8,
                     .is_key = is_key};
    return sotto_transceiver_send_frame(t, &f);
}

/* Each result is right at some moment; none may be one of misuse or of memory. */
static void check(int r)
{
    if (r == 0 || r == SOTTO_E_STATE || r == SOTTO_E_AGAIN || r == SOTTO_E_CLOSED) return;
    print_error("unexpected result %d\n", r);
    abort(); /* cmocka fails only from its own thread */
}

static void call_round(struct busy *k, int number, unsigned i)
{
    int side = (int)(i & 1);
    sotto_stats *stats;
    if (number % 2 == 0) {
        check(send_one(k->video[side], false, i % 16 < 2));
        check(send_one(k->audio[side], true, false));
    } else if (number == 1) {
        check(sotto_transceiver_request_keyframe(k->video[side], NULL));
        check(sotto_transceiver_insert_dtmf(k->audio[side], i % 4 ? "12" : "", 40, 30));
        check(sotto_transceiver_set_jitter_target(k->video[side], (int)(i % 3) * 50000 - 50000));
        sotto_transceiver_get_jitter_target(k->video[side]);
    } else {
        check(sotto_transceiver_set_receive_mode(k->video[side], (int32_t)(i / 64 % 3)));
        if (sotto_pc_get_stats(k->c.b.pc, NULL, &stats) == 0) sotto_free(stats);
    }
}

static void *call_on(void *arg)
{
    struct one_caller *me = arg;
    for (unsigned i = 0; !atomic_load(&me->all->stop); i++) {
        call_round(me->all, me->number, i);
        atomic_fetch_add(&me->all->taken[me->number], 1);
    }
    return NULL;
}

static void *take_on(void *arg)
{
    struct busy *k = arg;
    sotto_event *e;
    while (!atomic_load(&k->stop)) {
        if (sotto_ctx_wait(k->ctx, 10000, &e) != 1) continue;
        if (e->type == SOTTO_EV_FRAME) atomic_fetch_add(&k->frames, e->u.frame.frame->len > 0);
        if (e->type == SOTTO_EV_RTP) atomic_fetch_add(&k->packets, e->u.rtp.packet[0] >> 7);
        sotto_event_free(e);
    }
    return NULL;
}

static void describe(sotto_pc *from, sotto_pc *to, sotto_sdp_type type)
{
    char *sdp = NULL;
    assert_int_equal(sotto_pc_set_local_description(from, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(from, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(to, type, sdp, NULL), 0);
    sotto_free(sdp);
}

static void negotiate(struct busy *k)
{
    describe(k->c.a.pc, k->c.b.pc, SOTTO_SDP_OFFER);
    describe(k->c.b.pc, k->c.a.pc, SOTTO_SDP_ANSWER);
}

static void busy_new(struct busy *k)
{
    assert_int_equal(both_ways_ctx(NULL, &k->ctx), 0);
    call_new(&k->c, k->ctx, k->ctx);
    sotto_pc *const pcs[] = {k->c.a.pc, k->c.b.pc};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sotto_pc_add_track(pcs[i], SOTTO_AUDIO, NULL, 0, &k->audio[i]), 0);
        assert_int_equal(sotto_pc_add_track(pcs[i], SOTTO_VIDEO, NULL, 0, &k->video[i]), 0);
    }
    call_connect(&k->c);
}

static bool all_had_a_turn(struct busy *k, long n)
{
    for (int i = 0; i < CALLERS; i++)
        if (atomic_load(&k->taken[i]) < n) return false;
    return true;
}

/* Until each of the four has called that often more; bounded. */
static void let_them(struct busy *k, long n)
{
    for (int i = 0; i < CALLERS; i++) atomic_store(&k->taken[i], 0);
    for (sotto_us end = sotto_now() + 60000000; !all_had_a_turn(k, n) && sotto_now() < end;)
        sched_yield();
    assert_true(all_had_a_turn(k, n));
}

/* proves: A03 */
static void media_is_moved_by_all_threads_while_one_negotiates_stops_and_frees(void **state)
{
    static const sotto_direction directions[] = {SOTTO_DIR_RECVONLY, SOTTO_DIR_INACTIVE,
                                                 SOTTO_DIR_SENDRECV};
    (void)state;
    struct busy k = {.ctx = NULL};
    struct one_caller one[CALLERS];
    pthread_t callers[CALLERS], taker;
    busy_new(&k);
    pthread_create(&taker, NULL, take_on, &k);
    for (int i = 0; i < CALLERS; i++) {
        one[i] = (struct one_caller){&k, i};
        pthread_create(&callers[i], NULL, call_on, &one[i]);
    }
    let_them(&k, 200);
    for (size_t i = 0; i < ROUNDS; i++) {
        assert_int_equal(sotto_transceiver_set_direction(k.video[0], directions[i % 3]), 0);
        negotiate(&k);
        let_them(&k, 20);
    }
    for (sotto_us end = sotto_now() + 30000000; atomic_load(&k.frames) == 0 && sotto_now() < end;)
        sched_yield();
    print_message("%ld frames and %ld packets came\n", atomic_load(&k.frames),
                  atomic_load(&k.packets));
    assert_true(atomic_load(&k.frames) > 0);
    assert_int_equal(sotto_transceiver_stop(k.video[0]), 0);
    let_them(&k, 20);
    negotiate(&k);
    let_them(&k, 20);
    sotto_dc_free(k.c.a.dc);
    sotto_pc_free(k.c.a.pc); /* the handles of its transceivers live with the context */
    let_them(&k, 100);
    atomic_store(&k.stop, true);
    for (int i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
    pthread_join(taker, NULL);
    sotto_dc_free(k.c.b.dc);
    sotto_pc_free(k.c.b.pc);
    sotto_ctx_free(k.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_is_moved_by_all_threads_while_one_negotiates_stops_and_frees),
    };
    return cmocka_run_group_tests_name("frame_threads", tests, NULL, NULL);
}
