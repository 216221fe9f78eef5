/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole transports over relays (coturn): restarts, and goodbyes of what was replaced. */
#include "coturn.h"
#include "couple.h"
#include "still_clock.h"

static void use_relay(struct party *p)
{
    struct ice_server server = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD);
    struct transport_cfg cfg;
    party_config(p, &cfg);
    cfg.relay_only = true;
    cfg.servers = &server, cfg.n_servers = 1;
    assert_int_equal(sotto__transport_configure(&p->t, &cfg), 0);
}

static struct couple *over_relays(void)
{
    struct couple *c = couple_new(0, true);
    use_relay(&c->a);
    use_relay(&c->b);
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
        assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(60)));
        assert_true(sotto__transport_pair(&c->a.t, &pair));
        assert_int_equal(pair.local.type, CANDIDATE_RELAY);
        couple_run(c, SOTTO_MS(50 * i));
    }
    c->a.every = c->b.every = 0;
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(60)));
    for (size_t i = first; i < c->a.n_ice; i++)
        assert_in_range(c->a.ice[i], SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED);
    for (size_t i = 0; i < c->a.n_candidates; i++)
        assert_int_equal(c->a.candidates[i].type, CANDIDATE_RELAY);
    assert_int_equal(c->a.n_servers + c->b.n_servers, 0);
    assert_true(couple_until(c, nobody_is_retired, SOTTO_SECONDS(60)));
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
        assert_true(couple_until(c, nobody_is_retired, SOTTO_SECONDS(60)));
    }
    assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(60)));
    couple_free(c);
}

static bool third_is_up(struct couple *c)
{
    return c->a.n_up == 2 && c->third.n_up == 1;
}

static bool third_has_it(struct couple *c)
{
    return c->third.n_received == 1;
}

static void an_answer_of_somebody_else_takes_the_place_of_the_first(void **state)
{
    (void)state; /* on the same relay, which needs another permission */
    struct couple *c = over_relays();
    struct ice_pair before, after;
    assert_true(sotto__transport_pair(&c->a.t, &before));
    couple_run(c, SOTTO_MS(200));
    struct party *third = couple_third(c);
    use_relay(third);
    struct transport_remote of_a = party_remote(&c->a, false);
    assert_int_equal(sotto__transport_start(&third->t, false, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, third, &of_a), 0);
    assert_int_equal(sotto__transport_begin_data(&third->t, 5000, 5000, couple_now(c)), 0);
    couple_run(c, SOTTO_MS(200));
    c->a.other = third;
    struct transport_remote of_third = party_remote(third, false);
    of_third.new_dtls = true;
    assert_int_equal(party_set_remote(c, &c->a, &of_third), 0);
    assert_true(couple_until(c, third_is_up, SOTTO_SECONDS(60)));
    assert_true(sotto__transport_pair(&c->a.t, &after));
    assert_int_equal(before.local.addr.port, after.local.addr.port);
    assert_int_not_equal(before.remote.addr.port, after.remote.addr.port);
    assert_true(party_send(c, &c->a));
    assert_true(couple_until(c, third_has_it, SOTTO_SECONDS(60)));
    couple_free(c);
}

static bool vanishes; /* what is sent */

static int send_or_not(struct ice *ice, const struct packet *p, size_t n, sotto_us now)
{
    return vanishes ? (int)n : sotto__ice_nice.send(ice, p, n, now);
}

static uint32_t size_of(const struct party *p)
{
    struct sctp_stats s;
    sotto__sctp_get_stats(p->t.sctp, &s);
    return s.packet_size;
}

static bool packets_are_large(struct couple *c)
{
    return size_of(&c->a) > 16000;
}

/* coturn takes no datagram of more than 16,384 bytes: the largest packet, with all that is around it, is less. */
static void what_was_cut_for_loopback_arrives_over_relays(void **state)
{
    (void)state;
    struct ice_ops ops = sotto__ice_nice;
    ops.send = send_or_not;
    struct couple *c = couple_new(0, true);
    c->a.shared.ice_ops = &ops;
    couple_connect(c);
    c->a.size = 60000, c->a.every = SOTTO_MS(5);
    assert_true(couple_until(c, packets_are_large, SOTTO_SECONDS(60)));
    c->a.every = 0;
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(60)));
    vanishes = true;
    for (int i = 0; i < 5; i++) assert_true(party_send(c, &c->a));
    couple_run(c, SOTTO_MS(50));
    use_relay(&c->a);
    use_relay(&c->b);
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(60)));
    vanishes = false;
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(60)));
    assert_true(size_of(&c->a) < 2000);
    couple_free(c);
}

static int start_it(void **state)
{
    (void)state;
    still_clock_run();
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
        cmocka_unit_test(an_answer_of_somebody_else_takes_the_place_of_the_first),
        cmocka_unit_test(what_was_cut_for_loopback_arrives_over_relays),
    };
    return cmocka_run_group_tests_name("transport_turn", tests, start_it, stop_it);
}
