/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections and channels through the public API: arguments, handles that are closed, freed or of another kind, limits. */
#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"
#include "util/rand.h"

static sotto_ctx *ctx;

static int setup(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true, .max_pcs = 8};
    return both_ways_ctx(&cfg, &ctx);
}

static int teardown(void **state)
{
    (void)state;
    sotto_ctx_free(ctx);
    return 0;
}

static sotto_pc *make(void)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true};
    sotto_pc *pc;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    return pc;
}

/* Every function of pc.h with this handle gives this error. */
static void refuses_all(sotto_pc *pc, int want)
{
    char *sdp = NULL;
    sotto_error err = {.size = sizeof err};
    sotto_candidate c = {.size = sizeof c, .line = "", .mid = "0"};
    sotto_dc *dc = NULL;
    assert_int_equal(sotto_pc_create_offer(pc, NULL, &sdp), want);
    assert_int_equal(sotto_pc_create_answer(pc, &sdp), want);
    assert_int_equal(sotto_pc_set_local_description(pc, 0, NULL, &err), want);
    assert_int_equal(sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, "v=0", &err), want);
    assert_int_equal(err.code, want);
    assert_int_equal(sotto_pc_add_ice_candidate(pc, &c, &err), want);
    assert_int_equal(sotto_pc_can_trickle(pc), want);
    assert_int_equal(sotto_pc_set_reading(pc, false), want);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), want);
    assert_null(sdp);
    assert_null(dc);
}

/* proves: S20 A04 */
static void wrong_handles_are_refused(void **state)
{
    (void)state; /* A04 */
    sotto_pc *pc = make();
    sotto_dc *dc;
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    refuses_all(NULL, SOTTO_E_INVAL);
    refuses_all((sotto_pc *)dc, SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_send((sotto_dc *)pc, "x", 1, true), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_send(NULL, "x", 1, true), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_send(dc, NULL, 1, true), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_close(NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_state(NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_id((sotto_dc *)pc), SOTTO_E_INVAL);
    assert_null(sotto_dc_label(NULL));
    assert_int_equal(sotto_pc_new((sotto_ctx *)pc, NULL, &pc), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_new(ctx, NULL, NULL), SOTTO_E_INVAL);
    sotto_pc_close(NULL);
    sotto_pc_free(NULL);
    sotto_dc_free(NULL);
    sotto_dc_free(dc);
    sotto_pc_free(pc);
}

/* proves: A05 */
static void a_closed_connection_refuses_and_tells_once(void **state)
{
    (void)state; /* A05 */
    sotto_pc *pc = make();
    sotto_dc *dc;
    sotto_event *e;
    sotto_pc_state s = {.size = sizeof s};
    uint32_t types[4] = {0};
    size_t n = 0;
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    assert_int_equal(sotto_dc_send(dc, "x", 1, true), SOTTO_E_STATE);
    sotto_pc_close(pc);
    sotto_pc_close(pc);
    refuses_all(pc, SOTTO_E_CLOSED);
    assert_int_equal(sotto_dc_send(dc, "x", 1, true), SOTTO_E_CLOSED);
    assert_int_equal(sotto_dc_close(dc), 0);
    assert_int_equal(sotto_dc_state(dc), SOTTO_DC_CLOSED);
    assert_int_equal(sotto_pc_get_state(pc, &s), 0);
    assert_int_equal(s.connection, SOTTO_CONNECTION_CLOSED);
    assert_int_equal(s.signaling, SOTTO_SIGNALING_CLOSED);
    while (sotto_ctx_next(ctx, &e) == 1) {
        if (n < 4) types[n++] = e->type;
        sotto_event_free(e);
    }
    assert_int_equal(n, 2);
    assert_int_equal(types[0], SOTTO_EV_CLOSED);
    assert_int_equal(types[1], SOTTO_EV_STATE);
    sotto_dc_free(dc);
    sotto_pc_free(pc);
}

/* proves: A05 */
static void a_freed_connection_that_an_event_names_reads_as_closed(void **state)
{
    (void)state;
    sotto_pc *pc = make();
    sotto_dc *dc;
    sotto_event *needed, *closed;
    sotto_pc_state s = {.size = sizeof s};
    assert_int_equal(sotto_pc_create_data_channel(pc, "held", NULL, &dc), 0);
    assert_int_equal(sotto_ctx_next(ctx, &needed), 1);
    assert_int_equal(needed->type, SOTTO_EV_NEGOTIATION_NEEDED);
    sotto_dc_close(dc);
    assert_int_equal(sotto_ctx_next(ctx, &closed), 1);
    assert_int_equal(closed->type, SOTTO_EV_CLOSED);
    sotto_dc_free(dc);
    sotto_pc_free(pc);
    refuses_all(needed->pc, SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_get_state(needed->pc, &s), 0);
    assert_int_equal(s.connection, SOTTO_CONNECTION_CLOSED);
    assert_string_equal(sotto_dc_label(closed->u.channel.dc), "held");
    assert_int_equal(sotto_dc_send(closed->u.channel.dc, "x", 1, true), SOTTO_E_CLOSED);
    assert_int_equal(sotto_dc_state(closed->u.channel.dc), SOTTO_DC_CLOSED);
    assert_int_equal(sotto_ctx_next(ctx, NULL), SOTTO_E_INVAL);
    sotto_pc_close(needed->pc);
    sotto_pc_free(needed->pc); /* freed before: the events own what is left */
    sotto_dc_free(closed->u.channel.dc);
    sotto_event *more;
    assert_int_equal(sotto_ctx_next(ctx, &more), 0);
    sotto_event_free(needed);
    assert_string_equal(sotto_dc_label(closed->u.channel.dc), "held");
    sotto_event_free(closed);
}

static void events_may_outlive_their_context(void **state)
{
    (void)state;
    sotto_ctx *c;
    sotto_pc *pc;
    sotto_event *e;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    assert_int_equal(sotto_pc_new(c, NULL, &pc), 0);
    sotto_pc_close(pc);
    assert_int_equal(sotto_ctx_next(c, &e), 1);
    sotto_ctx_free(c);
    refuses_all(e->pc, SOTTO_E_CLOSED);
    sotto_event_free(e);
}

/* proves: S17 */
static void sizes_of_what_is_given_and_filled_are_honoured(void **state)
{
    (void)state;
    sotto_pc *pc = make();
    sotto_pc_state s = {.size = offsetof(sotto_pc_state, gathering), .gathering = 77};
    assert_int_equal(sotto_pc_get_state(pc, &s), 0); /* an older program: two states */
    assert_int_equal(s.connection, SOTTO_CONNECTION_NEW);
    assert_int_equal(s.gathering, 77);
    assert_int_equal(s.size, offsetof(sotto_pc_state, gathering));
    s.size = 0;
    assert_int_equal(sotto_pc_get_state(pc, &s), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_state(pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_state(NULL, &s), SOTTO_E_INVAL);
    sotto_candidate c = {.size = 3, .line = ""};
    assert_int_equal(sotto_pc_add_ice_candidate(pc, &c, NULL), SOTTO_E_INVAL);
    c = (sotto_candidate){.size = sizeof c};
    assert_int_equal(sotto_pc_add_ice_candidate(pc, &c, NULL), SOTTO_E_INVAL); /* no line */
    sotto_offer_options opt = {0};
    char *sdp;
    assert_int_equal(sotto_pc_create_offer(pc, &opt, &sdp), SOTTO_E_INVAL);
    sotto_pc_free(pc);
}

static void arguments_of_descriptions_are_checked(void **state)
{
    (void)state;
    sotto_pc *pc = make();
    char *sdp;
    sotto_error small = {.size = 0, .code = 5};
    assert_int_equal(sotto_pc_create_offer(pc, NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_create_answer(pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_create_answer(pc, &sdp), SOTTO_E_STATE);
    assert_int_equal(sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, "x", &small),
                     SOTTO_E_SYNTAX);
    assert_int_equal(small.code, 5); /* not filled */
    assert_int_equal(sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, NULL, NULL),
                     SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_set_remote_description(pc, SOTTO_SDP_IMPLICIT, "x", NULL),
                     SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_set_remote_description(pc, 5, "x", NULL), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_set_local_description(pc, 5, NULL, NULL), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_set_local_description(pc, -1, NULL, NULL), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_local_description(pc, 3, NULL, &sdp), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_local_description(pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp), 0);
    assert_int_equal(sotto_pc_remote_description(pc, SOTTO_DESC_CURRENT, NULL, NULL), 0);
    assert_int_equal(sotto_pc_can_trickle(pc), SOTTO_E_STATE);
    sotto_pc_free(pc);
}

static void one_connection_above_the_limit_is_refused(void **state)
{
    (void)state;
    sotto_pc *pcs[8], *more;
    for (int i = 0; i < 8; i++) pcs[i] = make();
    assert_int_equal(sotto_pc_new(ctx, NULL, &more), SOTTO_E_LIMIT);
    sotto_pc_free(pcs[0]);
    pcs[0] = make();
    for (int i = 0; i < 8; i++) sotto_pc_free(pcs[i]);
}

/* proves: A17 */
static void without_entropy_there_is_no_connection(void **state)
{
    (void)state; /* A17 */
    sotto_pc *pc;
    sotto__rand_fail(1);
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), SOTTO_E_SYS);
    sotto__rand_fail(0);
}

/* proves: A10 */
static void each_failing_allocation_of_a_connection_ends_cleanly(void **state)
{
    (void)state;
    sotto_ice_server server = {
        .size = sizeof server, .url = "turn:192.0.2.1", .username = "u", .credential = "p"};
    sotto_pc_config cfg = {.size = sizeof cfg, .ice_servers = &server, .n_ice_servers = 1};
    sotto_pc_free(make()); /* what the context keeps is allocated */
    for (uint64_t n = 1;; n++) {
        int64_t live = sotto__mem_live();
        sotto_pc *pc = NULL;
        sotto_dc *dc = NULL;
        sotto__mem_fail_at(n);
        int r = sotto_pc_new(ctx, &cfg, &pc);
        if (r == 0) r = sotto_pc_create_data_channel(pc, "label", NULL, &dc);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        sotto_dc_free(dc);
        sotto_pc_free(pc);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
        assert_true(r == SOTTO_E_NOMEM || r == 0);
    }
}

/* proves: A20 */
static void channels_check_their_arguments(void **state)
{
    static const struct {
        sotto_dc_config cfg;
        const char *label;
        int want;
    } rows[] = {
        {{.reliability = 3}, "x", SOTTO_E_RANGE},
        {{.reliability = -1}, "x", SOTTO_E_RANGE},
        {{.priority = 5}, "x", SOTTO_E_RANGE},
        {{.reliability = SOTTO_DC_MAX_LIFETIME, .limit = 65536}, "x", SOTTO_E_RANGE},
        {{.negotiated = true, .id = 65535}, "x", SOTTO_E_RANGE}, /* DCEP-07 */
        {{.negotiated = true, .id = 256}, "x", SOTTO_E_RANGE},   /* above max_channels */
        {{.protocol = "\xc3\x28"}, "x", SOTTO_E_SYNTAX},
        {{0}, "\xed\xa0\x80", SOTTO_E_SYNTAX}, /* A20 */
        {{.negotiated = true, .id = 255}, "x", 0},
    };
    (void)state;
    sotto_pc *pc = make();
    sotto_dc *dc;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_dc_config cfg = rows[i].cfg;
        cfg.size = sizeof cfg;
        int r = sotto_pc_create_data_channel(pc, rows[i].label, &cfg, &dc);
        if (r != rows[i].want) fail_msg("row %zu: %d", i, r);
    }
    sotto_dc_config same = {.size = sizeof same, .negotiated = true, .id = 255};
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", &same, &dc), SOTTO_E_ACCESS);
    char *label = malloc(SOTTO_MAX_LABEL + 2);
    memset(label, 'a', SOTTO_MAX_LABEL + 1);
    label[SOTTO_MAX_LABEL + 1] = '\0';
    assert_int_equal(sotto_pc_create_data_channel(pc, label, NULL, &dc), SOTTO_E_LIMIT);
    label[SOTTO_MAX_LABEL] = '\0';
    assert_int_equal(sotto_pc_create_data_channel(pc, label, NULL, &dc), 0);
    free(label);
    for (int i = 2; i < 256; i++)
        assert_int_equal(sotto_pc_create_data_channel(pc, "", NULL, &dc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "", NULL, &dc), SOTTO_E_LIMIT);
    sotto_pc_free(pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_handles_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_closed_connection_refuses_and_tells_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_freed_connection_that_an_event_names_reads_as_closed,
                                        setup, teardown),
        cmocka_unit_test(events_may_outlive_their_context),
        cmocka_unit_test_setup_teardown(sizes_of_what_is_given_and_filled_are_honoured, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(arguments_of_descriptions_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(one_connection_above_the_limit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(without_entropy_there_is_no_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(each_failing_allocation_of_a_connection_ends_cleanly, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(channels_check_their_arguments, setup, teardown),
    };
    return cmocka_run_group_tests_name("pc", tests, NULL, NULL);
}
