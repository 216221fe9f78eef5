/* SPDX-License-Identifier: BSD-2-Clause */
/* The helper that restarts ICE: its clock by events that are made up, and whole connections over the virtual network. */
#include "../scenario/cmocka_all.h"
#include "pair.h"
#include "util/mem.h"

#define SECOND SOTTO_SECONDS(1)

static sotto_ctx *new_ctx(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *ctx;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    return ctx;
}

static int tell(sotto_reconnect *r, sotto_pc *pc, int32_t connection, sotto_us at)
{
    sotto_event e = {.type = SOTTO_EV_STATE, .pc = pc, .at = at};
    e.u.state.connection = connection;
    return sotto_reconnect_handle(r, &e);
}

static void waits_grow_and_are_bounded(void **state)
{
    (void)state;
    static const sotto_us nominal[] = {2, 4, 8, 16, 30, 30, 30};
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_reconnect *r;
    sotto_us now = 100 * SECOND;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_reconnect_new(pc, NULL, &r), 0);
    assert_int_equal(sotto_reconnect_due(r), SOTTO_NEVER);
    assert_int_equal(sotto_reconnect_run(r, now), SOTTO_RECONNECT_WAIT);
    assert_int_equal(tell(r, pc, SOTTO_CONNECTION_DISCONNECTED, now), 1);
    assert_int_equal(sotto_reconnect_due(r), now + 2 * SECOND);
    assert_int_equal(sotto_reconnect_run(r, now + 2 * SECOND - 1), SOTTO_RECONNECT_WAIT);
    now += 2 * SECOND;
    for (size_t i = 0; i < sizeof nominal / sizeof *nominal; i++) {
        assert_int_equal(sotto_reconnect_run(r, now), SOTTO_RECONNECT_RESTARTED);
        sotto_us wait = sotto_reconnect_due(r) - now;
        assert_in_range(wait, nominal[i] * SECOND * 4 / 5, nominal[i] * SECOND * 6 / 5);
        assert_int_equal(tell(r, pc, SOTTO_CONNECTION_FAILED, now + 1), 1);
        assert_int_equal(sotto_reconnect_due(r), now + wait); /* not earlier because of that */
        now += wait;
    }
    assert_int_equal(tell(r, pc, SOTTO_CONNECTION_CONNECTED, now), 1);
    assert_int_equal(sotto_reconnect_due(r), SOTTO_NEVER);
    assert_int_equal(tell(r, pc, SOTTO_CONNECTION_FAILED, now), 1); /* without patience */
    assert_int_equal(sotto_reconnect_due(r), now);
    assert_int_equal(sotto_reconnect_run(r, now), SOTTO_RECONNECT_RESTARTED);
    assert_in_range(sotto_reconnect_due(r) - now, SECOND * 8 / 5, SECOND * 12 / 5);
    sotto_reconnect_free(r);
    sotto_ctx_free(ctx);
}

static void it_gives_up_once_and_a_closed_connection_is_left_alone(void **state)
{
    (void)state;
    const sotto_reconnect_config cfg = {.size = sizeof cfg, .attempts = 2};
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc, *other;
    sotto_reconnect *r;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &other), 0);
    assert_int_equal(sotto_reconnect_new(pc, &cfg, &r), 0);
    assert_int_equal(tell(r, other, SOTTO_CONNECTION_FAILED, SECOND), 0);
    assert_int_equal(sotto_reconnect_due(r), SOTTO_NEVER);
    tell(r, pc, SOTTO_CONNECTION_FAILED, SECOND);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sotto_reconnect_run(r, sotto_reconnect_due(r)), SOTTO_RECONNECT_RESTARTED);
    assert_int_equal(sotto_reconnect_run(r, sotto_reconnect_due(r)), SOTTO_E_LIMIT);
    assert_int_equal(sotto_reconnect_due(r), SOTTO_NEVER);
    assert_int_equal(tell(r, pc, SOTTO_CONNECTION_FAILED, SECOND), 0);
    sotto_reconnect_now(r, SECOND);
    assert_int_equal(sotto_reconnect_due(r), SOTTO_NEVER);
    sotto_reconnect_free(r);
    assert_int_equal(sotto_reconnect_new(pc, &cfg, &r), 0);
    tell(r, pc, SOTTO_CONNECTION_CLOSED, SECOND);
    sotto_reconnect_now(r, SECOND);
    assert_int_equal(sotto_reconnect_run(r, 9 * SECOND), SOTTO_RECONNECT_WAIT);
    sotto_reconnect_free(r);
    sotto_ctx_free(ctx);
}

static void an_offer_without_answer_is_to_be_sent_again(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_dc *dc;
    sotto_reconnect *r;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    assert_int_equal(sotto_reconnect_new(pc, NULL, &r), 0);
    assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    sotto_reconnect_now(r, SECOND);
    assert_int_equal(sotto_reconnect_run(r, SECOND), SOTTO_RECONNECT_RESEND);
    sotto_reconnect_free(r);
    sotto_ctx_free(ctx);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        sotto_reconnect_config cfg;
        int error;
    } rows[] = {
        {{.size = sizeof rows->cfg, .patience = -1}, SOTTO_E_RANGE},
        {{.size = sizeof rows->cfg, .patience = 3600 * SECOND + 1}, SOTTO_E_RANGE},
        {{.size = sizeof rows->cfg, .first = -1}, SOTTO_E_RANGE},
        {{.size = sizeof rows->cfg, .longest = 86400 * SECOND + 1}, SOTTO_E_RANGE},
        {{.size = sizeof rows->cfg, .first = 9, .longest = 8}, SOTTO_E_RANGE},
        {{.size = 0}, SOTTO_E_INVAL},
        {{.size = sizeof rows->cfg, .first = 86400 * SECOND}, 0},
        {{.size = sizeof rows->cfg, .longest = SECOND}, 0},
        {{.size = sizeof rows->cfg, .patience = 3600 * SECOND}, 0},
    };
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_reconnect *r;
    sotto_event e = {.type = SOTTO_EV_STATE};
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    int64_t live = sotto__mem_live();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        r = NULL;
        assert_int_equal(sotto_reconnect_new(pc, &rows[i].cfg, &r), rows[i].error);
        assert_int_equal(r != NULL, rows[i].error == 0);
        sotto_reconnect_free(r);
    }
    assert_int_equal(sotto_reconnect_new(NULL, NULL, &r), SOTTO_E_INVAL);
    assert_int_equal(sotto_reconnect_new(pc, NULL, NULL), SOTTO_E_INVAL);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto_reconnect_new(pc, NULL, &r), SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    assert_int_equal(sotto_reconnect_new(pc, NULL, &r), 0);
    assert_int_equal(sotto_reconnect_handle(NULL, &e), SOTTO_E_INVAL);
    assert_int_equal(sotto_reconnect_handle(r, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_reconnect_run(NULL, 0), SOTTO_E_INVAL);
    assert_int_equal(sotto_reconnect_due(NULL), SOTTO_NEVER);
    sotto_reconnect_now(NULL, 0);
    sotto_reconnect_free(r);
    sotto_reconnect_free(NULL);
    assert_int_equal(sotto__mem_live(), live);
    sotto_ctx_free(ctx);
}

static int tell_network(sotto_reconnect *r, sotto_pc *pc, bool needs_restart, sotto_us at)
{
    sotto_event e = {.type = SOTTO_EV_NETWORK_CHANGED, .pc = pc, .at = at};
    e.u.network.needs_restart = needs_restart;
    return sotto_reconnect_handle(r, &e);
}

static void a_change_of_the_network_is_acted_on_at_once(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc, *other;
    sotto_reconnect *r;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &other), 0);
    assert_int_equal(sotto_reconnect_new(pc, NULL, &r), 0);
    assert_int_equal(tell_network(r, pc, false, SECOND), 0); /* it does not matter */
    assert_int_equal(tell_network(r, other, true, SECOND), 0);
    assert_int_equal(sotto_reconnect_due(r), SOTTO_NEVER);
    tell(r, pc, SOTTO_CONNECTION_FAILED, SECOND);
    for (int i = 0; i < 6; i++)
        assert_int_equal(sotto_reconnect_run(r, sotto_reconnect_due(r)), SOTTO_RECONNECT_RESTARTED);
    assert_true(sotto_reconnect_due(r) > 60 * SECOND);
    assert_int_equal(tell_network(r, pc, true, 50 * SECOND), 1);
    assert_int_equal(sotto_reconnect_due(r), 50 * SECOND);
    assert_int_equal(sotto_reconnect_run(r, 50 * SECOND), SOTTO_RECONNECT_RESTARTED);
    assert_in_range(sotto_reconnect_due(r), 50 * SECOND + SECOND * 8 / 5,
                    50 * SECOND + SECOND * 12 / 5); /* short waits again */
    tell(r, pc, SOTTO_CONNECTION_CLOSED, SECOND);
    assert_int_equal(tell_network(r, pc, true, 60 * SECOND), 0);
    sotto_reconnect_free(r);
    sotto_ctx_free(ctx);
}

/* ---- a whole connection ---- */

struct helped {
    sotto_reconnect *r;
    unsigned restarts;
    bool needed;
};

static void take(struct side *s, const sotto_event *e, void *user)
{
    struct helped *h = user;
    if (s->index != 0 || !h->r) return;
    assert_in_range(sotto_reconnect_handle(h->r, e), 0, 1);
    if (e->type == SOTTO_EV_NEGOTIATION_NEEDED) h->needed = true;
}

static bool is_back(struct pair *p, void *helped)
{
    struct helped *h = helped;
    if (sotto_reconnect_run(h->r, p->net->now) == SOTTO_RECONNECT_RESTARTED) h->restarts++;
    if (h->needed && side_state(&p->side[0]).signaling == SOTTO_SIGNALING_STABLE) {
        h->needed = false;
        p->side[0].told_all = p->side[1].told_all = false; /* a new generation of candidates */
        assert_int_equal(pair_offer(p, 0), 0);
    }
    return pair_is_connected(p, NULL);
}

static void a_path_that_was_gone_for_40_seconds_is_found_again(void **state)
{
    (void)state;
    struct helped h = {.restarts = 0};
    struct pair_opt opt = {.take = take, .user = &h};
    struct chan *c[2];
    struct pair *p = pair_connected(5, &opt, c);
    assert_int_equal(sotto_reconnect_new(p->side[0].pc, NULL, &h.r), 0);
    net_set_down(p->net, p->side[0].host, p->side[1].host, true);
    sotto_us end = p->net->now + 40 * SECOND;
    while (p->net->now < end) {
        (void)pair_until(p, SOTTO_MS(100), is_back, &h); /* not at first: it is not noticed yet */
        pair_run(p, SOTTO_MS(100));
    }
    assert_int_not_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_CONNECTED);
    assert_in_range(h.restarts, 3, 7);
    net_set_down(p->net, p->side[0].host, p->side[1].host, false);
    for (int i = 0; i < 500 && !is_back(p, &h); i++) pair_run(p, SOTTO_MS(100));
    assert_true(pair_is_connected(p, NULL));
    assert_int_equal(chan_send(c[0], "again", 5, true), 0);
    pair_run(p, 10 * SECOND);
    assert_true(chan_same(c[0], c[1]));
    assert_int_equal(sotto_reconnect_due(h.r), SOTTO_NEVER);
    sotto_reconnect_free(h.r);
    h.r = NULL;
    pair_free(p);
}

/* Outages of minutes: every attempt is in vain, and the waits between them stay within their bounds. */
static void ten_minutes_of_outage_are_some_twenty_attempts(void **state)
{
    (void)state;
    struct helped h = {.restarts = 0};
    struct pair_opt opt = {.take = take, .user = &h};
    struct chan *c[2];
    struct pair *p = pair_connected(6, &opt, c);
    assert_int_equal(sotto_reconnect_new(p->side[0].pc, NULL, &h.r), 0);
    net_set_down(p->net, p->side[0].host, p->side[1].host, true);
    chan_bulk(c[0], 50, 20000);
    sotto_us end = p->net->now + 600 * SECOND, last = 0;
    unsigned before = 0;
    while (p->net->now < end) {
        p->side[0].n_states = p->side[1].n_states = 0; /* there are more than it has room for */
        pair_run(p, SOTTO_MS(50));
        (void)is_back(p, &h);
        if (h.restarts == before) continue;
        before = h.restarts;
        if (last && before > 6) /* nominal 30 s */
            assert_in_range(p->net->now - last, 24 * SECOND, 36 * SECOND + SOTTO_MS(200));
        last = p->net->now;
    }
    assert_in_range(h.restarts, 17, 30);
    net_set_down(p->net, p->side[0].host, p->side[1].host, false);
    for (int i = 0; i < 800 && !is_back(p, &h); i++) pair_run(p, SOTTO_MS(50));
    assert_true(pair_is_connected(p, NULL));
    pair_run(p, 10 * SECOND);
    assert_true(chan_same(c[0], c[1]));
    sotto_reconnect_free(h.r);
    h.r = NULL;
    pair_free(p);
}

static char *description(struct side *s, sotto_sdp_type *type)
{
    char *sdp = NULL;
    assert_int_equal(sotto_pc_local_description(s->pc, SOTTO_DESC_EFFECTIVE, type, &sdp), 1);
    return sdp;
}

static void bring(struct side *from, struct side *to)
{
    sotto_sdp_type type;
    char *sdp = description(from, &type);
    assert_int_equal(sotto_pc_set_remote_description(to->pc, type, sdp, NULL), 0);
    sotto_free(sdp);
}

/* The application's signaling was cut with the path, and the offer was lost: it is the helper that has it sent again. */
static void an_offer_that_was_lost_is_sent_again_until_it_is_answered(void **state)
{
    (void)state;
    struct helped h = {.restarts = 0};
    struct pair_opt opt = {.take = take, .user = &h};
    struct chan *c[2];
    struct pair *p = pair_connected(7, &opt, c);
    struct side *a = &p->side[0], *b = &p->side[1];
    unsigned resends = 0;
    assert_int_equal(sotto_reconnect_new(a->pc, NULL, &h.r), 0);
    net_set_down(p->net, a->host, b->host, true);
    while (side_state(a).connection == SOTTO_CONNECTION_CONNECTED) pair_run(p, SOTTO_MS(100));
    while (sotto_reconnect_run(h.r, p->net->now) != SOTTO_RECONNECT_RESTARTED)
        pair_run(p, SOTTO_MS(100));
    a->told_all = b->told_all = false;
    assert_int_equal(sotto_pc_set_local_description(a->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    for (sotto_us end = p->net->now + 60 * SECOND; p->net->now < end;) {
        int e = sotto_reconnect_run(h.r, p->net->now);
        assert_true(e == SOTTO_RECONNECT_WAIT || e == SOTTO_RECONNECT_RESEND);
        resends += e == SOTTO_RECONNECT_RESEND;
        pair_run(p, SOTTO_MS(100));
    }
    assert_in_range(resends, 3, 7);
    net_set_down(p->net, a->host, b->host, false);
    while (sotto_reconnect_run(h.r, p->net->now) != SOTTO_RECONNECT_RESEND)
        pair_run(p, SOTTO_MS(100));
    bring(a, b);
    assert_int_equal(sotto_pc_set_local_description(b->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    bring(b, a);
    assert_true(pair_until(p, 5 * SECOND, pair_is_connected, NULL));
    assert_int_equal(sotto_reconnect_due(h.r), SOTTO_NEVER);
    sotto_reconnect_free(h.r);
    h.r = NULL;
    pair_free(p);
}

struct both {
    sotto_reconnect *r[2];
    bool needed[2];
    unsigned restarts, collisions;
};

static void take_both(struct side *s, const sotto_event *e, void *user)
{
    struct both *h = user;
    if (!h->r[s->index]) return;
    assert_in_range(sotto_reconnect_handle(h->r[s->index], e), 0, 1);
    if (e->type == SOTTO_EV_NEGOTIATION_NEEDED) h->needed[s->index] = true;
}

/* Perfect negotiation by hand, without a network between: side 1 is polite. */
static void negotiate(struct pair *p, struct both *h)
{
    struct side *a = &p->side[0], *b = &p->side[1];
    if (!h->needed[0] && !h->needed[1]) return;
    p->side[0].told_all = p->side[1].told_all = false;
    struct side *from = h->needed[0] ? a : b, *to = h->needed[0] ? b : a;
    if (h->needed[0] && h->needed[1]) { /* both have made theirs before they hear of the other's */
        assert_int_equal(sotto_pc_set_local_description(b->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
        h->collisions++;
    }
    h->needed[0] = h->needed[1] = false;
    assert_int_equal(sotto_pc_set_local_description(from->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    bring(from, to);
    assert_int_equal(sotto_pc_set_local_description(to->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    bring(to, from);
}

static void helpers_on_both_sides_do_not_stand_in_each_others_way(void **state)
{
    (void)state;
    struct both h = {.restarts = 0};
    struct pair_opt opt = {.take = take_both, .user = &h};
    struct chan *c[2];
    struct pair *p = pair_connected(8, &opt, c);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sotto_reconnect_new(p->side[i].pc, NULL, &h.r[i]), 0);
    net_set_down(p->net, p->side[0].host, p->side[1].host, true);
    chan_bulk(c[0], 20, 20000);
    sotto_us start = p->net->now, limit = 150 * SECOND;
    while (p->net->now < start + limit) {
        pair_run(p, SOTTO_MS(500)); /* so that they often come at the same time */
        for (int i = 0; i < 2; i++)
            h.restarts += sotto_reconnect_run(h.r[i], p->net->now) == SOTTO_RECONNECT_RESTARTED;
        if (p->net->now > start + 120 * SECOND)
            net_set_down(p->net, p->side[0].host, p->side[1].host, false);
        side_take_events(&p->side[0]);
        side_take_events(&p->side[1]);
        negotiate(p, &h);
    }
    assert_true(h.collisions > 0);
    assert_in_range(h.restarts, 6, 24);
    pair_run(p, 40 * SECOND);
    assert_true(pair_is_connected(p, NULL));
    pair_run(p, 10 * SECOND);
    assert_true(chan_same(c[0], c[1]));
    for (int i = 0; i < 2; i++) {
        sotto_reconnect_free(h.r[i]);
        h.r[i] = NULL;
    }
    pair_free(p);
}

/* Another address, and the switch that leaves it to the helper. No state tells of the end, as the path never broke for long. */
static void the_helper_can_do_it_without_the_library(void **state)
{
    (void)state;
    struct helped h = {.restarts = 0};
    struct pair_opt opt = {.take = take, .user = &h, .pc = {{.no_auto_restart = true}}};
    struct chan *c[2];
    struct pair *p = pair_connected(9, &opt, c);
    assert_int_equal(sotto_reconnect_new(p->side[0].pc, NULL, &h.r), 0);
    net_host_move(p->side[0].host, "192.0.2.77");
    chan_bulk(c[0], 20, 20000);
    for (int i = 0; i < 100; i++) {
        pair_run(p, SOTTO_MS(20));
        (void)is_back(p, &h);
    }
    assert_true(chan_same(c[0], c[1]));
    assert_int_equal(h.restarts, 1);
    for (int i = 0; i < 200; i++) {
        pair_run(p, SOTTO_MS(200));
        (void)is_back(p, &h);
    }
    assert_int_equal(h.restarts, 1);
    assert_int_equal(sotto_reconnect_due(h.r), SOTTO_NEVER);
    sotto_reconnect_free(h.r);
    h.r = NULL;
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_and_are_bounded),
        cmocka_unit_test(it_gives_up_once_and_a_closed_connection_is_left_alone),
        cmocka_unit_test(an_offer_without_answer_is_to_be_sent_again),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_change_of_the_network_is_acted_on_at_once),
        cmocka_unit_test(a_path_that_was_gone_for_40_seconds_is_found_again),
        cmocka_unit_test(ten_minutes_of_outage_are_some_twenty_attempts),
        cmocka_unit_test(an_offer_that_was_lost_is_sent_again_until_it_is_answered),
        cmocka_unit_test(helpers_on_both_sides_do_not_stand_in_each_others_way),
        cmocka_unit_test(the_helper_can_do_it_without_the_library),
    };
    return cmocka_run_group_tests_name("reconnect", tests, NULL, NULL);
}
