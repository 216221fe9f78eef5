/* SPDX-License-Identifier: BSD-2-Clause */
/* Any function on a live handle from any thread: two contexts with their own threads talk while others call, free and wait. */
#include <pthread.h>

#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"

static void two_contexts_talk_over_their_own_threads(void **state)
{
    (void)state;
    sotto_ctx *one, *two;
    struct call c;
    assert_int_equal(both_ways_ctx(NULL, &one), 0);
    assert_int_equal(both_ways_ctx(NULL, &two), 0);
    call_new(&c, one, two);
    call_connect(&c);
    for (int i = 0; i < 200; i++)
        assert_int_equal(sotto_dc_send(c.a.dc, "0123456789", 10, false), 0);
    bool all = false;
    for (int i = 0; i < 6000 && !all; i++) call_run(&c, &all, 10), all = c.b.n_messages == 200;
    assert_int_equal(c.b.bytes, 2000);
    call_free(&c);
    sotto_ctx_free(one);
    sotto_ctx_free(two);
}

struct caller {
    sotto_pc *pc;
    sotto_dc *dc;
    atomic_bool stop;
};

static void *call_everything(void *arg)
{
    struct caller *k = arg;
    while (!atomic_load(&k->stop)) {
        sotto_pc_state s = {.size = sizeof s};
        char *sdp = NULL;
        sotto_pc_get_state(k->pc, &s);
        if (sotto_pc_local_description(k->pc, 0, NULL, &sdp) == 1) sotto_free(sdp);
        sotto_dc_send(k->dc, "from another thread", 19, true);
        sotto_dc_buffered_amount(k->dc);
        sotto_dc_state(k->dc);
        sotto_pc_set_reading(k->pc, true);
    }
    return NULL;
}

/* proves: A03 */
static void other_threads_may_call_meanwhile(void **state)
{
    (void)state;
    sotto_ctx *ctx;
    struct call c;
    pthread_t threads[3];
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    call_new(&c, ctx, ctx);
    struct caller k = {.pc = c.a.pc, .dc = c.a.dc};
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, call_everything, &k);
    call_connect(&c);
    bool got = false;
    for (int i = 0; i < 6000 && !got; i++) call_run(&c, &got, 10), got = c.b.n_messages > 100;
    atomic_store(&k.stop, true);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    assert_true(got);
    call_free(&c);
    sotto_ctx_free(ctx);
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

static void signal_once(struct call *c)
{
    char *sdp = NULL;
    sotto_pc_set_local_description(c->a.pc, SOTTO_SDP_IMPLICIT, NULL, NULL);
    if (sotto_pc_local_description(c->a.pc, 0, NULL, &sdp) != 1) return;
    sotto_pc_set_remote_description(c->b.pc, SOTTO_SDP_OFFER, sdp, NULL);
    sotto_free(sdp);
    sotto_pc_set_local_description(c->b.pc, SOTTO_SDP_IMPLICIT, NULL, NULL);
    if (sotto_pc_local_description(c->b.pc, 0, NULL, &sdp) != 1) return;
    sotto_pc_set_remote_description(c->a.pc, SOTTO_SDP_ANSWER, sdp, NULL);
    sotto_free(sdp);
}

/* b is freed at a random moment by another thread; a's calls on its own handles go on. */
/* proves: A06 */
static void freeing_at_any_moment_harms_nobody(void **state)
{
    (void)state;
    sotto_ctx *ctx;
    unsigned seed = 20261121;
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    for (int i = 0; i < 100; i++) {
        struct call c;
        pthread_t t;
        call_new(&c, ctx, ctx);
        signal_once(&c);
        struct killer k = {.pc = c.a.pc, .at = sotto_now() + rand_r(&seed) % 60000};
        pthread_create(&t, NULL, kill_at, &k);
        sotto_event *e;
        sotto_us end = k.at + 5000;
        while (sotto_now() < end)
            if (sotto_ctx_wait(ctx, 1000, &e) == 1) {
                if (e->type == SOTTO_EV_CANDIDATE)
                    sotto_event_free(e); /* it would go to a freed handle */
                else
                    call_event(e);
            }
        pthread_join(t, NULL);
        sotto_dc_free(c.a.dc);
        sotto_dc_free(c.b.dc);
        sotto_pc_free(c.b.pc);
        while (sotto_ctx_next(ctx, &e) == 1) sotto_event_free(e);
    }
    sotto_ctx_free(ctx);
}

struct poster {
    sotto_ctx *ctx;
    atomic_bool stop;
    atomic_long taken[4]; /* posts of each thread */
};

struct one_poster {
    struct poster *all;
    uint32_t number;
};

static void *post_always(void *arg)
{
    struct one_poster *me = arg;
    while (!atomic_load(&me->all->stop)) sotto_ctx_post(me->all->ctx, me->number, NULL);
    return NULL;
}

static void busy_callers_starve_nobody(void **state)
{
    (void)state;
    struct poster p = {0};
    struct one_poster one[4];
    pthread_t threads[4];
    sotto_event *e;
    bool all = false;
    assert_int_equal(both_ways_ctx(NULL, &p.ctx), 0);
    for (uint32_t i = 0; i < 4; i++) {
        one[i] = (struct one_poster){&p, i};
        pthread_create(&threads[i], NULL, post_always, &one[i]);
    }
    for (sotto_us end = sotto_now() + 60000000; !all && sotto_now() < end;) {
        if (sotto_ctx_wait(p.ctx, 60000000, &e) != 1) break;
        atomic_fetch_add(&p.taken[e->u.post.code], 1);
        sotto_event_free(e);
        all = true;
        for (int i = 0; i < 4; i++) all = all && atomic_load(&p.taken[i]) >= 100;
    }
    atomic_store(&p.stop, true);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_true(all);
    sotto_ctx_free(p.ctx);
}

struct talker {
    struct call *call;
    int n;
};

static void *send_all(void *arg)
{
    struct talker *s = arg;
    static const char bytes[1000];
    for (int i = 0; i < s->n;) {
        int r = sotto_dc_send(s->call->a.dc, bytes, sizeof bytes, false);
        if (r == 0) i++;
        if (r < 0 && r != SOTTO_E_AGAIN) break;
    }
    return NULL;
}

/* The sender does not even wait for WRITABLE: it calls as fast as it can, beside the loop and the taker of events. */
static void a_greedy_sender_leaves_room_for_the_loop(void **state)
{
    (void)state;
    sotto_ctx *ctx;
    struct call c;
    pthread_t t;
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    call_new(&c, ctx, ctx);
    call_connect(&c);
    struct talker s = {&c, 20000};
    sotto_us begin = sotto_now();
    pthread_create(&t, NULL, send_all, &s);
    bool all = false;
    for (int i = 0; i < 60000 && !all; i++) call_run(&c, &all, 10), all = c.b.n_messages == 20000;
    pthread_join(t, NULL);
    print_message("20 MB in %d ms\n", (int)((sotto_now() - begin) / 1000));
    assert_true(all);
    assert_int_equal(c.b.bytes, 20000000);
    call_free(&c);
    sotto_ctx_free(ctx);
}

/* The context's own thread is in the middle of things when it goes. */
/* proves: A06 A07 */
static void freeing_the_context_at_any_moment_ends_everything(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int i = 0; i < 40; i++) {
        struct call c;
        sotto_event *e;
        sotto_ctx *ctx;
        assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
        call_new(&c, ctx, ctx);
        signal_once(&c);
        sotto_us end = sotto_now() + rand_r(&seed) % 40000;
        while (sotto_now() < end)
            if (sotto_ctx_wait(ctx, 500, &e) == 1) call_event(e);
        sotto_ctx_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_contexts_talk_over_their_own_threads),
        cmocka_unit_test(other_threads_may_call_meanwhile),
        cmocka_unit_test(freeing_at_any_moment_harms_nobody),
        cmocka_unit_test(busy_callers_starve_nobody),
        cmocka_unit_test(a_greedy_sender_leaves_room_for_the_loop),
        cmocka_unit_test(freeing_the_context_at_any_moment_ends_everything),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
