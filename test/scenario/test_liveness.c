/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A remote that vanishes without a goodbye is disconnected, then failed within a minute; one that comes back in time is not; an
 * idle call stays.
 */
#include "cmocka_all.h"
#include "pair.h"

static bool is_in(const struct side *s, int32_t connection)
{
    return side_state(s).connection == connection;
}

static bool both_disconnected(struct pair *p, void *unused)
{
    (void)unused;
    return is_in(&p->side[0], SOTTO_CONNECTION_DISCONNECTED) &&
           is_in(&p->side[1], SOTTO_CONNECTION_DISCONNECTED);
}

static bool both_failed(struct pair *p, void *unused)
{
    (void)unused;
    return is_in(&p->side[0], SOTTO_CONNECTION_FAILED) &&
           is_in(&p->side[1], SOTTO_CONNECTION_FAILED);
}

static void a_partition_disconnects_and_then_fails_within_a_minute(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(1, NULL, a);
    sotto_us cut = p->net->now;
    net_set_down(p->net, p->side[0].host, p->side[1].host, true);
    chan_bulk(a[0], 100, 10000);
    assert_true(pair_until(p, SOTTO_SECONDS(15), both_disconnected, NULL));
    assert_int_equal(a[0]->phase, CHAN_OPEN);
    assert_true(pair_until(p, SOTTO_SECONDS(60), both_failed, NULL));
    assert_true(p->net->now - cut <= SOTTO_SECONDS(60));
    pair_run(p, SOTTO_SECONDS(300));
    assert_true(both_failed(p, NULL));
    sotto_pc_close(p->side[0].pc);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(a[0]->phase, CHAN_CLOSED);
    pair_free(p);
}

static void a_partition_that_heals_goes_on_where_it_was(void **state)
{
    (void)state;
    for (int s = 3; s <= 24; s += 7) {
        struct chan *a[2];
        struct pair *p = pair_connected((uint64_t)s, NULL, a);
        net_set_down(p->net, p->side[0].host, p->side[1].host, true);
        chan_bulk(a[0], 60, 20000);
        pair_run(p, SOTTO_SECONDS(s));
        net_set_down(p->net, p->side[0].host, p->side[1].host, false);
        assert_true(pair_until(p, SOTTO_SECONDS(10), pair_is_connected, NULL));
        pair_run(p, SOTTO_SECONDS(60));
        assert_true(chan_same(a[0], a[1]) && a[1]->n_in == 60);
        pair_free(p);
    }
}

static void one_deaf_direction_is_noticed_too(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(2, NULL, a);
    net_link(p->net, p->side[0].host, p->side[1].host)->down = true;
    assert_true(pair_until(p, SOTTO_SECONDS(60), both_failed, NULL));
    pair_free(p);
}

static void an_idle_call_of_ten_minutes_stays_and_costs_little(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(3, NULL, a);
    pair_run(p, SOTTO_SECONDS(5));
    uint64_t sent = p->net->count.sent;
    size_t n_states = p->side[0].n_states;
    pair_run(p, SOTTO_SECONDS(600));
    assert_true(pair_is_connected(p, NULL));
    assert_int_equal(p->side[0].n_states, n_states);
    assert_true(p->net->count.sent - sent < 2000);
    chan_send(a[0], "still there?", 12, true);
    pair_run(p, SOTTO_SECONDS(1));
    assert_true(chan_same(a[0], a[1]));
    pair_free(p);
}

static void a_call_under_steady_loss_stays_for_ten_minutes(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(4, NULL, a);
    struct net_link bad = {.loss = 0.1, .delay_us = SOTTO_MS(40), .jitter_us = SOTTO_MS(10)};
    net_link_both(p->net, p->side[0].host, p->side[1].host, &bad);
    for (int i = 0; i < 60; i++) {
        chan_number(a[i % 2], 3000);
        pair_run(p, SOTTO_SECONDS(10));
    }
    assert_true(pair_is_connected(p, NULL));
    assert_true(chan_same(a[0], a[1]) && chan_same(a[1], a[0]));
    pair_free(p);
}

static void the_network_forgets_a_packet_of_each_kind_and_nothing_is_lost(void **state)
{
    (void)state;
    for (int hole = 0; hole < 40; hole++) { /* everything is lost for a while, at each moment of the setup */
        struct pair *p = pair_new(100 + (uint64_t)hole, NULL);
        struct chan *a[2] = {side_channel(&p->side[0], "c", NULL), NULL};
        assert_int_equal(pair_offer(p, 0), 0);
        pair_run(p, SOTTO_MS(3 * hole));
        net_set_down(p->net, p->side[0].host, p->side[1].host, true);
        pair_run(p, SOTTO_MS(200));
        net_set_down(p->net, p->side[0].host, p->side[1].host, false);
        assert_true(pair_until(p, SOTTO_SECONDS(20), pair_is_connected, NULL));
        pair_run(p, SOTTO_SECONDS(5));
        a[1] = side_find(&p->side[1], "c");
        assert_non_null(a[1]);
        chan_send(a[1], "ok", 2, true);
        pair_run(p, SOTTO_SECONDS(5));
        assert_true(chan_same(a[1], a[0]));
        pair_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_disconnects_and_then_fails_within_a_minute),
        cmocka_unit_test(a_partition_that_heals_goes_on_where_it_was),
        cmocka_unit_test(one_deaf_direction_is_noticed_too),
        cmocka_unit_test(an_idle_call_of_ten_minutes_stays_and_costs_little),
        cmocka_unit_test(a_call_under_steady_loss_stays_for_ten_minutes),
        cmocka_unit_test(the_network_forgets_a_packet_of_each_kind_and_nothing_is_lost),
    };
    return cmocka_run_group_tests_name("liveness", tests, NULL, NULL);
}
