/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host whose addresses change, or that slept: ICE begins anew by itself where the connection needs it, and not more often; the same
 * DTLS, and all data in order. The application does nothing but to negotiate when it is told so.
 */
#include "cmocka_all.h"
#include "pair.h"

struct roamer {
    unsigned changes, needed;    /* events of side 0 */
    unsigned needing;            /* NETWORK_CHANGED that say so */
    bool owes[2];                /* an offer */
    bool holds;                  /* no offers are made */
};

static void take(struct side *s, const sotto_event *e, void *user)
{
    struct roamer *r = user;
    if (e->type == SOTTO_EV_NEGOTIATION_NEEDED) r->owes[s->index] = true;
    if (s->index != 0) return;
    if (e->type == SOTTO_EV_NEGOTIATION_NEEDED) r->needed++;
    if (e->type != SOTTO_EV_NETWORK_CHANGED) return;
    r->changes++;
    r->needing += e->u.network.needs_restart;
}

/* For the network hardly any time passes. */
static void sleep_for(struct pair *p, sotto_us span)
{
    p->side[0].host->slept_us += span;
    net_advance(p->net, p->net->now + SOTTO_SECONDS(1));
}

static void offer(struct pair *p, struct roamer *r)
{
    bool stable = side_state(&p->side[0]).signaling == SOTTO_SIGNALING_STABLE &&
                  side_state(&p->side[1]).signaling == SOTTO_SIGNALING_STABLE;
    for (int i = 0; i < 2 && stable && !r->holds; i++) {
        if (!r->owes[i]) continue;
        r->owes[i] = false;
        p->side[0].told_all = p->side[1].told_all = false; /* a new generation of candidates */
        (void)pair_offer(p, i); /* without an address it cannot */
        return;
    }
}

static void run(struct pair *p, struct roamer *r, sotto_us span)
{
    for (sotto_us end = p->net->now + span; p->net->now < end;) {
        pair_run(p, SOTTO_MS(20));
        offer(p, r);
    }
}

/* true: within the span */
static bool run_until_same(struct pair *p, struct roamer *r, struct chan *c[2], sotto_us span)
{
    for (sotto_us end = p->net->now + span; p->net->now < end;) {
        run(p, r, SOTTO_MS(20));
        if (c[0]->bulk_left == 0 && chan_same(c[0], c[1])) return true;
    }
    return false;
}

static struct pair *begin(uint64_t seed, struct roamer *r, const char *address, struct chan *c[2])
{
    struct pair_opt opt = {.take = take, .user = r, .addresses = {address, NULL}};
    *r = (struct roamer){.changes = 0};
    struct pair *p = pair_connected(seed, &opt, c);
    *r = (struct roamer){.changes = 0};
    return p;
}

static void another_address_is_used_within_two_seconds(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(1, &r, NULL, c);
    chan_bulk(c[0], 200, 20000);
    pair_run(p, SOTTO_MS(20));
    net_host_move(p->side[0].host, "192.0.2.77");
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(2)));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needing, 1);
    assert_int_equal(r.needed, 1);
    run(p, &r, SOTTO_SECONDS(60));
    assert_true(pair_is_connected(p, NULL));
    assert_int_equal(r.needed, 1);
    pair_free(p);
}

static void both_hosts_may_move_at_the_same_time(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(2, &r, NULL, c);
    net_host_move(p->side[0].host, "192.0.2.77");
    net_host_move(p->side[1].host, "192.0.2.78");
    chan_bulk(c[0], 20, 20000);
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(10)));
    pair_free(p);
}

static void without_the_switch_it_is_told_only(void **state)
{
    (void)state;
    struct roamer r = {.changes = 0};
    struct chan *c[2];
    struct pair_opt opt = {.take = take, .user = &r, .pc = {{.no_auto_restart = true}}};
    struct pair *p = pair_connected(3, &opt, c);
    r.needed = 0;
    net_host_move(p->side[0].host, "192.0.2.77");
    run(p, &r, SOTTO_SECONDS(60));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needing, 1);
    assert_int_equal(r.needed, 0);
    assert_false(pair_is_connected(p, NULL));
    assert_int_equal(sotto_pc_restart_ice(p->side[0].pc), 0);
    run(p, &r, SOTTO_SECONDS(5));
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

static void what_a_sound_connection_does_not_need_is_told_only(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(4, &r, NULL, c);
    net_host_move(p->side[0].host, "192.0.2.1,198.51.100.1");
    run(p, &r, SOTTO_SECONDS(10));
    net_host_move(p->side[0].host, "192.0.2.1");
    run(p, &r, SOTTO_SECONDS(10));
    assert_int_equal(r.changes, 2);
    assert_int_equal(r.needing + r.needed, 0);
    pair_free(p);
}

static void a_better_route_is_taken(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(5, &r, NULL, c);
    net_host_move(p->side[0].host, "198.51.100.1,192.0.2.1"); /* the first one is the route's */
    run(p, &r, SOTTO_SECONDS(10));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needing, 1);
    assert_int_equal(r.needed, 1);
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

static void without_any_address_it_waits_for_one(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(6, &r, NULL, c);
    chan_bulk(c[0], 100, 20000);
    pair_run(p, SOTTO_MS(5));
    net_host_move(p->side[0].host, "");
    run(p, &r, SOTTO_SECONDS(20));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needing + r.needed, 0);
    net_host_move(p->side[0].host, "127.0.0.1"); /* of no use */
    run(p, &r, SOTTO_SECONDS(1));
    assert_int_equal(r.needing + r.needed, 0);
    net_host_move(p->side[0].host, "127.0.0.1,192.0.2.9");
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(2)));
    assert_int_equal(r.needed, 1);
    pair_free(p);
}

static void changes_without_end_do_not_storm(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(7, &r, NULL, c);
    chan_bulk(c[0], 50, 20000);
    for (unsigned i = 0; i < 40; i++) { /* 20 s */
        char address[32];
        snprintf(address, sizeof address, "192.0.2.%u", 10 + i);
        net_host_move(p->side[0].host, address);
        run(p, &r, SOTTO_MS(500));
    }
    assert_in_range(r.changes, 20, 40);
    assert_in_range(r.needed, 4, 6);
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(6)));
    assert_in_range(r.needed, 4, 7);
    pair_free(p);
}

static void a_flock_of_changes_is_one(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(8, &r, NULL, c);
    static const char *const steps[] = {"", "192.0.2.50", "192.0.2.50,2001:db8::5"};
    for (size_t i = 0; i < 3; i++) {
        net_host_move(p->side[0].host, steps[i]);
        run(p, &r, SOTTO_MS(100));
    }
    run(p, &r, SOTTO_SECONDS(10));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needed, 1);
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

static void what_is_not_taken_is_one_event(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(9, &r, NULL, c);
    p->side[0].deaf = true;
    net_host_move(p->side[0].host, "192.0.2.1,198.51.100.1");
    pair_run(p, SOTTO_SECONDS(1));
    net_host_move(p->side[0].host, "198.51.100.1");
    pair_run(p, SOTTO_SECONDS(1));
    net_host_move(p->side[0].host, "198.51.100.1,192.0.2.60");
    pair_run(p, SOTTO_SECONDS(1));
    p->side[0].deaf = false;
    run(p, &r, SOTTO_SECONDS(5));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needing, 1);
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

/* The offer is out when the address goes; its answer is of use no more. */
static void another_change_during_a_negotiation_is_acted_on_after_it(void **state)
{
    (void)state;
    struct roamer r = {.changes = 0};
    struct chan *c[2];
    struct pair_opt opt = {.take = take, .user = &r, .signal_us = SOTTO_SECONDS(3)};
    struct pair *p = pair_connected(10, &opt, c);
    r = (struct roamer){.changes = 0};
    net_host_move(p->side[0].host, "192.0.2.77");
    run(p, &r, SOTTO_MS(500));
    assert_int_equal(side_state(&p->side[0]).signaling, SOTTO_SIGNALING_HAVE_LOCAL_OFFER);
    net_host_move(p->side[0].host, "192.0.2.78");
    run(p, &r, SOTTO_SECONDS(4));
    assert_int_equal(r.needed, 1);
    run(p, &r, SOTTO_SECONDS(12));
    assert_int_equal(r.needed, 2);
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

static void a_connection_that_has_failed_tries_again_on_a_new_network(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(11, &r, NULL, c);
    net_set_down(p->net, p->side[0].host, p->side[1].host, true);
    chan_bulk(c[0], 50, 20000);
    run(p, &r, SOTTO_SECONDS(120));
    assert_int_equal(side_state(&p->side[0]).connection, SOTTO_CONNECTION_FAILED);
    assert_int_equal(r.needed, 0);
    net_set_down(p->net, p->side[0].host, p->side[1].host, false);
    net_host_move(p->side[0].host, "192.0.2.1,192.0.2.99");
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(2)));
    assert_int_equal(r.needed, 1);
    pair_free(p);
}

static void before_ice_begins_nobody_is_told(void **state)
{
    (void)state;
    struct roamer r = {.changes = 0};
    struct pair_opt opt = {.take = take, .user = &r};
    struct pair *p = pair_new(12, &opt);
    net_host_move(p->side[0].host, "192.0.2.99");
    sleep_for(p, SOTTO_SECONDS(100));
    run(p, &r, SOTTO_SECONDS(5));
    assert_int_equal(r.changes, 0);
    pair_free(p);
}

/* ---- sleep ---- */

static void a_nap_is_not_noticed_and_a_short_sleep_asks_for_consent(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(13, &r, NULL, c);
    size_t n_states = p->side[0].n_states;
    sleep_for(p, SOTTO_SLEPT_US - 1);
    run(p, &r, SOTTO_SECONDS(2));
    assert_int_equal(r.changes, 0);
    sleep_for(p, SOTTO_SLEPT_US);
    run(p, &r, SOTTO_SECONDS(2));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needing + r.needed, 0);
    assert_int_equal(p->side[0].n_states, n_states);
    pair_free(p);
}

static void after_a_long_sleep_the_path_is_looked_for_anew(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(14, &r, NULL, c);
    sleep_for(p, SOTTO_SECONDS(7200));
    chan_bulk(c[0], 20, 20000);
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(5)));
    assert_int_equal(r.changes, 1);
    assert_int_equal(r.needing, 1);
    assert_int_equal(r.needed, 1);
    assert_true(pair_is_connected(p, NULL));
    pair_free(p);
}

/* It wakes in another place. */
static void a_sleep_and_another_network_are_one_restart(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(15, &r, NULL, c);
    sleep_for(p, SOTTO_SECONDS(3600));
    net_host_move(p->side[0].host, "198.51.100.7");
    run(p, &r, SOTTO_MS(100));
    chan_bulk(c[0], 20, 20000);
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(8)));
    assert_in_range(r.needed, 1, 2);
    pair_free(p);
}

/* ---- data over outages ---- */

static void ten_minutes_without_a_path_lose_nothing(void **state)
{
    (void)state;
    struct roamer r;
    struct chan *c[2];
    struct pair *p = begin(16, &r, NULL, c);
    chan_bulk(c[0], 100, 20000);
    chan_bulk(c[1], 100, 20000);
    pair_run(p, SOTTO_MS(30));
    net_host_move(p->side[0].host, "");
    run(p, &r, SOTTO_SECONDS(600));
    assert_int_equal(c[0]->phase, CHAN_OPEN);
    assert_int_equal(c[1]->phase, CHAN_OPEN);
    net_host_move(p->side[0].host, "192.0.2.9");
    sotto_us back = p->net->now;
    assert_true(run_until_same(p, &r, c, SOTTO_SECONDS(3)));
    print_message("    all there %.2f s after the network\n", (double)(p->net->now - back) / 1e6);
    run(p, &r, SOTTO_SECONDS(1));
    assert_true(chan_same(c[1], c[0]));
    assert_int_equal(c[0]->n_disorder + c[1]->n_disorder, 0);
    run(p, &r, SOTTO_SECONDS(300)); /* and it stays */
    assert_int_equal(c[0]->phase, CHAN_OPEN);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_address_is_used_within_two_seconds),
        cmocka_unit_test(both_hosts_may_move_at_the_same_time),
        cmocka_unit_test(without_the_switch_it_is_told_only),
        cmocka_unit_test(what_a_sound_connection_does_not_need_is_told_only),
        cmocka_unit_test(a_better_route_is_taken),
        cmocka_unit_test(without_any_address_it_waits_for_one),
        cmocka_unit_test(changes_without_end_do_not_storm),
        cmocka_unit_test(a_flock_of_changes_is_one),
        cmocka_unit_test(what_is_not_taken_is_one_event),
        cmocka_unit_test(another_change_during_a_negotiation_is_acted_on_after_it),
        cmocka_unit_test(a_connection_that_has_failed_tries_again_on_a_new_network),
        cmocka_unit_test(before_ice_begins_nobody_is_told),
        cmocka_unit_test(a_nap_is_not_noticed_and_a_short_sleep_asks_for_consent),
        cmocka_unit_test(after_a_long_sleep_the_path_is_looked_for_anew),
        cmocka_unit_test(a_sleep_and_another_network_are_one_restart),
        cmocka_unit_test(ten_minutes_without_a_path_lose_nothing),
    };
    return cmocka_run_group_tests_name("roaming", tests, NULL, NULL);
}
