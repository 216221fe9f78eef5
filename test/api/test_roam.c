/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A context on a real network (test/netns makes it) whose addresses change by ip(8): the kernel's news reach the connections that have
 * begun to gather, and those alone. Time is the real one. What follows from it is test/scenario/test_roaming.c's.
 */
#include <stdatomic.h>

#include "api/ctx.h"
#include "call.h"

static void run(const char *command)
{
    assert_int_equal(system(command), 0);
}

static sotto_ctx *ctx_new(void)
{
    sotto_ctx *c;
    assert_int_equal(sotto_ctx_new(NULL, &c), 0);
    return c;
}

static sotto_pc *gathering(sotto_ctx *ctx)
{
    sotto_pc *pc;
    sotto_dc *dc;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    return pc;
}

/* How many NETWORK_CHANGED come, of pc and nobody else, until it is quiet: one that is expected may take its time. */
static unsigned changes(sotto_ctx *ctx, const sotto_pc *pc, bool expected)
{
    unsigned n = 0;
    sotto_event *e;
    while (sotto_ctx_wait(ctx, SOTTO_MS(expected && n == 0 ? 20000 : 1200), &e) == 1) {
        if (e->type == SOTTO_EV_NETWORK_CHANGED) {
            n++;
            assert_ptr_equal(e->pc, pc);
        }
        sotto_event_free(e);
    }
    return n;
}

static void the_kernels_news_reach_connections_that_gather(void **state)
{
    (void)state;
    sotto_ctx *ctx = ctx_new();
    sotto_pc *idle, *pc;
    assert_int_equal(sotto_pc_new(ctx, NULL, &idle), 0);
    run("ip address add 10.98.0.7/24 dev sotto0");
    assert_int_equal(changes(ctx, NULL, false), 0);
    assert_int_equal(ctx->watch.fd, -1); /* nobody has asked */
    pc = gathering(ctx);
    assert_true(ctx->watch.fd >= 0);
    assert_int_equal(changes(ctx, pc, false), 0);
    run("printf 'a d 10.98.0.7/24 dev sotto0\\na a 10.98.0.8/24 dev sotto0\\n' | ip -batch -"); /* together */
    assert_int_equal(changes(ctx, pc, true), 1);
    run("printf 'a d 10.98.0.8/24 dev sotto0\\na a 10.98.0.8/24 dev sotto0\\n' | ip -batch -");
    assert_int_equal(changes(ctx, pc, false), 0); /* as it was */
    run("ip address del 10.98.0.8/24 dev sotto0");
    assert_int_equal(changes(ctx, pc, true), 1);
    sotto_pc_free(pc);
    sotto_pc_free(idle);
    sotto_ctx_free(ctx);
}

/* proves: A13 */
static void a_call_whose_address_goes_is_told_to_restart(void **state)
{
    (void)state;
    sotto_ctx *ctx = ctx_new();
    struct call c;
    bool never = false;
    run("ip -6 address flush dev sotto0 scope global; ip address del 10.77.0.1/24 dev sotto0");
    run("ip address add 10.97.0.1/24 dev sotto0");
    call_new(&c, ctx, ctx);
    call_connect(&c);
    run("ip address add 10.97.0.2/24 dev sotto0");
    for (int i = 0; i < 20 && c.a.n_events[SOTTO_EV_NETWORK_CHANGED] == 0; i++)
        call_run(&c, &never, 1000);
    assert_int_equal(c.a.n_events[SOTTO_EV_NETWORK_CHANGED], 1);
    size_t needed = c.a.n_events[SOTTO_EV_NEGOTIATION_NEEDED];
    /* whichever address the pair has: both go, another comes */
    run("ip address flush dev sotto0 scope global; ip address add 10.97.0.3/24 dev sotto0");
    run("ip link set lo down");
    for (int i = 0; i < 20 && c.a.n_events[SOTTO_EV_NEGOTIATION_NEEDED] == needed; i++)
        call_run(&c, &never, 1000);
    run("ip link set lo up");
    assert_true(c.a.n_events[SOTTO_EV_NETWORK_CHANGED] >= 2);
    assert_true(c.a.n_events[SOTTO_EV_NEGOTIATION_NEEDED] > needed);
    call_free(&c);
    sotto_ctx_free(ctx);
}

static _Atomic sotto_us slept;

static sotto_us now(void *user)
{
    (void)user;
    return sotto_now();
}

static sotto_us boot(void *user)
{
    (void)user;
    return sotto_now() + slept;
}

static int no_watch(void *world)
{
    (void)world;
    return -1;
}

/* Where the kernel does not let anybody watch, sleep is noticed all the same. */
/* proves: A12 */
static void without_a_watch_there_is_none_and_sleep_is_noticed(void **state)
{
    (void)state;
    struct net_watch_ops closed = sotto__net_watch_linux;
    closed.open = no_watch;
    const struct world w = {
        .now = now, .ice_ops = &sotto__ice_nice, .watch_ops = &closed, .boot = boot};
    sotto_ctx *ctx;
    assert_int_equal(sotto__ctx_new_in(&w, NULL, &ctx), 0);
    sotto_pc *pc = gathering(ctx);
    assert_int_equal(ctx->watch.fd, -1);
    run("ip address add 10.96.0.1/24 dev sotto0");
    assert_true(sotto_ctx_run(ctx, 0) >= 0);
    assert_int_equal(sotto__net_watch_due(&ctx->watch), SOTTO_NEVER);
    slept += SOTTO_SLEPT_US - SOTTO_MS(500); /* not long enough */
    assert_int_equal(changes(ctx, pc, false), 0);
    slept += SOTTO_SLEPT_US + SOTTO_MS(500);
    assert_int_equal(changes(ctx, pc, true), 1);
    run("ip address del 10.96.0.1/24 dev sotto0");
    sotto_pc_free(pc);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernels_news_reach_connections_that_gather),
        cmocka_unit_test(without_a_watch_there_is_none_and_sleep_is_noticed),
        cmocka_unit_test(a_call_whose_address_goes_is_told_to_restart),
    };
    return cmocka_run_group_tests_name("api_roam", tests, NULL, NULL);
}
