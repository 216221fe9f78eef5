/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking events: nothing is lost when memory is short, the order between connections is fair, payloads stand alone. */
#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"

static sotto_ctx *make(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *c;
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    return c;
}

/* As sotto_ctx_next(), but each allocation on the way fails once before; counts how often that was. */
static int next_at_last(sotto_ctx *c, sotto_event **ret, int *refusals)
{
    for (uint64_t n = 1;; n++) {
        sotto__free(atomic_exchange(&c->guard->spare, NULL)); /* or it would need none */
        sotto__mem_fail_at(n);
        int r = sotto_ctx_next(c, ret);
        sotto__mem_fail_at(0);
        if (r >= 0) return r;
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_true(n < 100);
        (*refusals)++;
    }
}

static void offer_and_answer(struct call *c)
{
    char *sdp;
    assert_int_equal(sotto_pc_set_local_description(c->a.pc, 0, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(c->a.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(c->b.pc, SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto_free(sdp);
    assert_int_equal(sotto_pc_set_local_description(c->b.pc, 0, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(c->b.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(c->a.pc, SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto_free(sdp);
}

static void without_memory_an_event_stays_queued(void **state)
{
    (void)state;
    sotto_ctx *c = make();
    struct call call;
    sotto_event *e;
    int refusals = 0, got = 0;
    call_new(&call, c, c);
    offer_and_answer(&call);
    for (sotto_us end = sotto_now() + 60000000; call.b.n_messages < 3 && sotto_now() < end;) {
        assert_true(sotto_ctx_run(c, 100000) >= 0);
        while (next_at_last(c, &e, &refusals) == 1) {
            bool opens = e->type == SOTTO_EV_OPEN && e->user == &call.a;
            got++;
            call_event(e);
            for (int i = 0; opens && i < 3; i++)
                assert_int_equal(sotto_dc_send(call.a.dc, "message", 7, true), 0);
        }
    }
    assert_int_equal(call.b.n_messages, 3);
    assert_int_equal(call.b.n_events[SOTTO_EV_CHANNEL], 1);
    assert_int_equal(call.b.n_events[SOTTO_EV_OPEN], 1);
    assert_true(refusals >= got);
    call_free(&call);
    sotto_ctx_free(c);
}

/* b's events may not starve: each control event goes to the connection that waited longest. */
static void control_goes_round_between_connections(void **state)
{
    (void)state;
    sotto_ctx *c = make();
    sotto_pc *pc[3];
    sotto_dc *dc;
    sotto_event *e;
    for (int i = 0; i < 3; i++) {
        sotto_pc_config cfg = {.size = sizeof cfg, .user = &pc[i]};
        assert_int_equal(sotto_pc_new(c, &cfg, &pc[i]), 0);
        assert_int_equal(sotto_pc_create_data_channel(pc[i], "x", NULL, &dc), 0);
        sotto_pc_close(pc[i]);
    }
    for (int i = 0; i < 6; i++) {
        assert_int_equal(sotto_ctx_next(c, &e), 1);
        assert_ptr_equal(e->pc, pc[i % 3]);
        assert_int_equal(e->type, i < 3 ? SOTTO_EV_CLOSED : SOTTO_EV_STATE);
        if (i >= 3) assert_ptr_equal(e->user, &pc[i % 3]);
        sotto_event_free(e);
    }
    assert_int_equal(sotto_ctx_next(c, &e), 0);
    sotto_ctx_free(c);
}

static void what_is_freed_has_no_events(void **state)
{
    (void)state;
    sotto_ctx *c = make();
    sotto_pc *pc;
    sotto_dc *dc;
    sotto_event *e;
    assert_int_equal(sotto_pc_new(c, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    sotto_dc_free(dc);
    sotto_pc_close(pc);
    assert_int_equal(sotto_ctx_next(c, &e), 1);
    assert_int_equal(e->type, SOTTO_EV_STATE); /* and no CLOSED of the channel */
    assert_int_equal(e->u.state.connection, SOTTO_CONNECTION_CLOSED);
    sotto_event_free(e);
    assert_int_equal(sotto_ctx_next(c, &e), 0);
    sotto_pc_free(pc);
    assert_int_equal(sotto_pc_new(c, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    sotto_pc_free(pc);
    assert_int_equal(sotto_ctx_next(c, &e), 0);
    sotto_dc_free(dc);
    sotto_ctx_free(c);
}

static void reading_off_holds_messages_and_nothing_else(void **state)
{
    (void)state;
    sotto_ctx *c = make();
    struct call call;
    sotto_event *e;
    call_new(&call, c, c);
    call_connect(&call);
    assert_int_equal(sotto_pc_set_reading(call.b.pc, false), 0);
    assert_int_equal(sotto_dc_send(call.a.dc, "held", 4, true), 0);
    assert_int_equal(sotto_pc_set_reading(call.b.pc, false), 0);
    bool never = false;
    call_run(&call, &never, 50);
    assert_int_equal(call.b.n_messages, 0);
    assert_int_equal(sotto_ctx_post(c, 1, NULL), 0);
    assert_int_equal(sotto_ctx_next(c, &e), 1);
    sotto_event_free(e);
    assert_int_equal(sotto_pc_set_reading(call.b.pc, true), 0);
    bool got = false;
    for (int i = 0; i < 6000 && !got; i++) call_run(&call, &got, 10), got = call.b.n_messages == 1;
    assert_string_equal(call.b.last, "held");
    call_free(&call);
    sotto_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_an_event_stays_queued),
        cmocka_unit_test(control_goes_round_between_connections),
        cmocka_unit_test(what_is_freed_has_no_events),
        cmocka_unit_test(reading_off_holds_messages_and_nothing_else),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
