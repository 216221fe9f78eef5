/* SPDX-License-Identifier: BSD-2-Clause */
/* The handles of data channels: what they tell, before and after the channel and its connection are gone. */
#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"

static sotto_ctx *ctx;

static int setup(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    return both_ways_ctx(&cfg, &ctx);
}

static int teardown(void **state)
{
    (void)state;
    sotto_ctx_free(ctx);
    return 0;
}

/* proves: S20 A04 */
static void every_function_refuses_what_is_no_channel(void **state)
{
    (void)state; /* A04 */
    sotto_pc *pc;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    sotto_dc *const wrong[] = {NULL, (sotto_dc *)pc, (sotto_dc *)ctx};
    for (size_t i = 0; i < 3; i++) {
        sotto_dc *dc = wrong[i];
        uint32_t limit = 7;
        assert_int_equal(sotto_dc_send(dc, "x", 1, true), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_close(dc), SOTTO_E_INVAL);
        assert_null(sotto_dc_label(dc));
        assert_null(sotto_dc_protocol(dc));
        assert_null(sotto_dc_get_user(dc));
        assert_int_equal(sotto_dc_set_user(dc, NULL), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_id(dc), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_unordered(dc), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_reliability(dc, &limit), SOTTO_E_INVAL);
        assert_int_equal(limit, 7);
        assert_int_equal(sotto_dc_negotiated(dc), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_priority(dc), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_state(dc), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_buffered_amount(dc), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_get_buffered_low(dc), SOTTO_E_INVAL);
        assert_int_equal(sotto_dc_set_buffered_low(dc, 1), SOTTO_E_INVAL);
        sotto_dc_free(dc);
    }
    sotto_pc_free(pc);
}

static void a_handle_tells_what_it_was_made_with(void **state)
{
    (void)state;
    static int mark, other;
    sotto_dc_config cfg = {.size = sizeof cfg,
                           .unordered = true,
                           .negotiated = true,
                           .reliability = SOTTO_DC_MAX_LIFETIME,
                           .limit = 1234,
                           .id = 9,
                           .protocol = "p\xc3\xb6",
                           .priority = SOTTO_PRIORITY_HIGH,
                           .user = &mark};
    sotto_pc *pc;
    sotto_dc *dc;
    uint32_t limit;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "l\xc3\xa4", &cfg, &dc), 0);
    assert_string_equal(sotto_dc_label(dc), "l\xc3\xa4");
    assert_string_equal(sotto_dc_protocol(dc), "p\xc3\xb6");
    assert_int_equal(sotto_dc_id(dc), 9);
    assert_int_equal(sotto_dc_unordered(dc), 1);
    assert_int_equal(sotto_dc_negotiated(dc), 1);
    assert_int_equal(sotto_dc_reliability(dc, &limit), SOTTO_DC_MAX_LIFETIME);
    assert_int_equal(limit, 1234);
    assert_int_equal(sotto_dc_reliability(dc, NULL), SOTTO_DC_MAX_LIFETIME);
    assert_int_equal(sotto_dc_priority(dc), SOTTO_PRIORITY_HIGH);
    assert_int_equal(sotto_dc_state(dc), SOTTO_DC_CONNECTING);
    assert_int_equal(sotto_dc_buffered_amount(dc), 0);
    assert_ptr_equal(sotto_dc_get_user(dc), &mark);
    assert_int_equal(sotto_dc_set_user(dc, &other), 0);
    assert_ptr_equal(sotto_dc_get_user(dc), &other);
    assert_int_equal(sotto_dc_get_buffered_low(dc), 0);
    assert_int_equal(sotto_dc_set_buffered_low(dc, 5000), 0);
    assert_int_equal(sotto_dc_get_buffered_low(dc), 5000);
    assert_int_equal(sotto_dc_set_buffered_low(dc, UINT64_MAX), 0);
    assert_true(sotto_dc_get_buffered_low(dc) == INT64_MAX);
    sotto_dc_free(dc);
    assert_int_equal(sotto_pc_create_data_channel(pc, NULL, NULL, &dc), 0);
    assert_string_equal(sotto_dc_label(dc), "");
    assert_string_equal(sotto_dc_protocol(dc), "");
    assert_int_equal(sotto_dc_id(dc), SOTTO_E_STATE);
    assert_int_equal(sotto_dc_reliability(dc, &limit), SOTTO_DC_RELIABLE);
    assert_int_equal(limit, 0);
    assert_int_equal(sotto_dc_priority(dc), SOTTO_PRIORITY_LOW);
    assert_null(sotto_dc_get_user(dc));
    sotto_dc_free(dc);
    sotto_pc_free(pc);
}

static void sizes_of_channel_configurations_are_honoured(void **state)
{
    (void)state;
    struct {
        sotto_dc_config cfg;
        uint8_t tail[8];
    } big = {.cfg = {.size = sizeof big}};
    sotto_pc *pc;
    sotto_dc *dc;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", &big.cfg, &dc), 0);
    sotto_dc_free(dc);
    big.tail[7] = 1;
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", &big.cfg, &dc), SOTTO_E_UNSUPPORTED);
    big.cfg.size = 0;
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", &big.cfg, &dc), SOTTO_E_INVAL);
    big.cfg.size = 0xcccccccc; /* never set */
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", &big.cfg, &dc), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, NULL), SOTTO_E_INVAL);
    sotto_pc_free(pc);
}

static void a_handle_outlives_its_connection_and_its_channel(void **state)
{
    (void)state; /* A05 */
    static int mark;
    int64_t live = sotto__mem_live();
    sotto_dc_config cfg = {
        .size = sizeof cfg, .negotiated = true, .id = 4, .user = &mark, .protocol = "p"};
    sotto_pc *pc;
    sotto_dc *dc;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "stays", &cfg, &dc), 0);
    assert_int_equal(sotto_dc_set_buffered_low(dc, 77), 0);
    sotto_pc_free(pc);
    assert_string_equal(sotto_dc_label(dc), "stays");
    assert_int_equal(sotto_dc_id(dc), 4);
    assert_int_equal(sotto_dc_state(dc), SOTTO_DC_CLOSED);
    assert_int_equal(sotto_dc_get_buffered_low(dc), 77);
    assert_int_equal(sotto_dc_buffered_amount(dc), 0);
    assert_ptr_equal(sotto_dc_get_user(dc), &mark);
    assert_int_equal(sotto_dc_send(dc, "x", 1, true), SOTTO_E_CLOSED);
    assert_int_equal(sotto_dc_set_buffered_low(dc, 1), SOTTO_E_CLOSED);
    assert_int_equal(sotto_dc_close(dc), 0);
    assert_int_equal(sotto_dc_close(dc), 0);
    sotto_dc_free(dc);
    assert_true(sotto__mem_live() <= live + 4); /* the context's own tables */
}

static void a_message_outlives_everything(void **state)
{
    (void)state;
    struct call c;
    sotto_event *e;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *own;
    assert_int_equal(both_ways_ctx(&cfg, &own), 0);
    call_new(&c, own, own);
    call_connect(&c);
    assert_true(sotto_dc_id(c.a.dc) >= 0);
    assert_int_equal(sotto_dc_id(c.a.dc), sotto_dc_id(c.b.dc));
    assert_string_equal(sotto_dc_label(c.b.dc), "call");
    while (sotto_ctx_next(own, &e) == 1) call_event(e);
    assert_int_equal(sotto_dc_send(c.a.dc, "last words", 10, true), 0);
    for (;;) { /* ICE may have something to tell yet */
        assert_int_equal(sotto_ctx_wait(own, 60000000, &e), 1);
        if (e->type == SOTTO_EV_MESSAGE) break;
        assert_int_equal(e->type, SOTTO_EV_STATE);
        call_event(e);
    }
    sotto_pc *pc = e->pc;
    sotto_dc *dc = e->u.message.dc;
    call_free(&c);
    sotto_ctx_free(own);
    assert_int_equal(e->u.message.len, 10);
    assert_string_equal((const char *)e->u.message.data, "last words");
    assert_string_equal(sotto_dc_label(dc), "call");
    assert_int_equal(sotto_dc_send(dc, "x", 1, true), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_set_reading(pc, true), SOTTO_E_CLOSED);
    sotto_dc_free(dc); /* both freed before: nothing */
    sotto_pc_free(pc);
    assert_string_equal(sotto_dc_label(dc), "call");
    sotto_event_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_function_refuses_what_is_no_channel, setup, teardown),
        cmocka_unit_test_setup_teardown(a_handle_tells_what_it_was_made_with, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes_of_channel_configurations_are_honoured, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_handle_outlives_its_connection_and_its_channel, setup,
                                        teardown),
        cmocka_unit_test(a_message_outlives_everything),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
