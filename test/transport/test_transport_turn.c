/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole transports over relays (coturn): restarts, and goodbyes of what was replaced. */
#include "coturn.h"
#include "couple.h"

static struct couple *over_relays(void)
{
    struct couple *c = couple_new(0, true);
    struct ice_server server = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD);
    struct party *parties[] = {&c->a, &c->b};
    for (int i = 0; i < 2; i++) {
        struct transport_cfg cfg;
        party_config(parties[i], &cfg);
        cfg.relay_only = true;
        cfg.servers = &server, cfg.n_servers = 1;
        assert_int_equal(sotto__transport_configure(&parties[i]->t, &cfg), 0);
    }
    couple_connect(c);
    return c;
}

static bool nobody_is_retired(struct couple *c)
{
    return !c->a.t.retired[0] && !c->a.t.retired[1] && !c->b.t.retired[0] && !c->b.t.retired[1];
}

static void restarts_over_relays_lose_no_message(void **state)
{
    (void)state;
    struct couple *c = over_relays();
    struct ice_pair pair;
    size_t first = c->a.n_ice;
    c->a.every = c->b.every = SOTTO_MS(2);
    for (int i = 0; i < 6; i++) {
        couple_restart(c, false);
        assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(5)));
        assert_true(sotto__transport_pair(&c->a.t, &pair));
        assert_int_equal(pair.local.type, CANDIDATE_RELAY);
        couple_run(c, SOTTO_MS(50 * i));
    }
    c->a.every = c->b.every = 0;
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(10)));
    for (size_t i = first; i < c->a.n_ice; i++)
        assert_in_range(c->a.ice[i], SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED);
    for (size_t i = 0; i < c->a.n_candidates; i++)
        assert_int_equal(c->a.candidates[i].type, CANDIDATE_RELAY);
    assert_int_equal(c->a.n_servers + c->b.n_servers, 0);
    assert_true(couple_until(c, nobody_is_retired, SOTTO_SECONDS(5)));
    couple_free(c);
}

static void a_restart_that_is_rolled_back_says_goodbye(void **state)
{
    (void)state;
    struct couple *c = over_relays();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
        assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
        couple_run(c, SOTTO_MS(100));
        sotto__transport_forget(&c->a.t, couple_now(c));
        assert_non_null(c->a.t.retired[0]);
        assert_true(couple_until(c, nobody_is_retired, SOTTO_SECONDS(2)));
    }
    assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(5)));
    couple_free(c);
}

static int start_it(void **state)
{
    (void)state;
    return coturn_start() ? 0 : -1;
}

static int stop_it(void **state)
{
    (void)state;
    coturn_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_over_relays_lose_no_message),
        cmocka_unit_test(a_restart_that_is_rolled_back_says_goodbye),
    };
    return cmocka_run_group_tests_name("transport_turn", tests, start_it, stop_it);
}
