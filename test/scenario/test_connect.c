/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two peers find each other: whoever offers, with candidates told one by one, all at once, late or by one side only, over links
 * that lose, repeat and reorder.
 */
#include "cmocka_all.h"
#include "pair.h"

static void expect_exchange(struct pair *p, struct chan *a[2])
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(chan_send(a[i], "hello", 5, true), 0);
        assert_int_equal(chan_send(a[i], "\1\2\3", 3, false), 0);
    }
    pair_run(p, SOTTO_SECONDS(20));
    assert_true(chan_same(a[0], a[1]));
    assert_true(chan_same(a[1], a[0]));
    assert_int_equal(a[0]->n_in, 2);
}

static void connect_and_exchange(const struct pair_opt *opt, uint64_t seed, int offerer)
{
    struct pair *p = pair_new(seed, opt);
    struct chan *a[2] = {0};
    a[offerer] = side_channel(&p->side[offerer], "hello", NULL);
    assert_non_null(a[offerer]);
    assert_int_equal(pair_offer(p, offerer), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(30), pair_is_connected, NULL));
    pair_run(p, SOTTO_SECONDS(3));
    a[1 - offerer] = side_find(&p->side[1 - offerer], "hello");
    assert_non_null(a[1 - offerer]);
    assert_string_equal(sotto_dc_label(a[1 - offerer]->dc), "hello");
    expect_exchange(p, a);
    pair_free(p);
}

static void either_side_offers_with_and_without_trickle(void **state)
{
    (void)state;
    for (int offerer = 0; offerer < 2; offerer++)
        for (int trickle = 0; trickle < 2; trickle++)
            for (int slow = 0; slow < 2; slow++) {
                struct pair_opt o = {.no_trickle = !trickle,
                                     .signal_us = slow ? SOTTO_SECONDS(4) : SOTTO_MS(1)};
                connect_and_exchange(&o, (uint64_t)(offerer * 4 + trickle * 2 + slow), offerer);
            }
}

static void candidates_of_one_side_are_enough(void **state)
{
    (void)state;
    for (int mute = 0; mute < 2; mute++)
        for (int offerer = 0; offerer < 2; offerer++) {
            struct pair_opt o = {.no_end = true};
            o.no_candidates[mute] = true;
            connect_and_exchange(&o, 20, offerer);
        }
}

static void candidates_may_come_late_and_without_an_end(void **state)
{
    (void)state;
    struct pair_opt late = {.candidate_us = SOTTO_SECONDS(15)};
    connect_and_exchange(&late, 30, 0);
    late.no_end = true;
    connect_and_exchange(&late, 31, 1);
}

static void both_peers_in_one_context_connect(void **state)
{
    (void)state;
    struct pair_opt o = {.one_context = true};
    connect_and_exchange(&o, 40, 0);
}

static void hosts_with_several_addresses_of_both_families_connect(void **state)
{
    (void)state;
    struct pair_opt o = {
        .addresses = {"192.0.2.1,2001:db8::1,198.51.100.7", "203.0.113.9,2001:db8::2"}};
    connect_and_exchange(&o, 50, 0);
    struct pair_opt six = {.addresses = {"2001:db8::1", "2001:db8::2"}};
    connect_and_exchange(&six, 51, 1);
}

static void a_shared_certificate_and_options_of_size_connect(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    sotto_cert *cert;
    assert_int_equal(sotto_cert_generate(&cert), 0);
    o.pc[0].cert = o.pc[1].cert = cert;
    o.pc[0].max_channels = 1024, o.pc[1].max_message_size = 1000000,
    o.pc[0].max_buffered_bytes = 4096;
    o.pc[0].bundle_policy = SOTTO_BUNDLE_MAX_BUNDLE;
    connect_and_exchange(&o, 60, 0);
    sotto_cert_free(cert);
}

static void connections_survive_loss_duplication_and_reordering(void **state)
{
    (void)state;
    static const struct net_link links[] = {
        {.loss = 0.1, .delay_us = SOTTO_MS(20)},
        {.loss = 0.3, .delay_us = SOTTO_MS(50), .jitter_us = SOTTO_MS(10)},
        {.duplicate = 0.3, .delay_us = SOTTO_MS(10)},
        {.reorder = 0.4, .reorder_us = SOTTO_MS(60), .delay_us = SOTTO_MS(10)},
        {.loss = 0.1,
         .duplicate = 0.1,
         .reorder = 0.2,
         .reorder_us = SOTTO_MS(40),
         .delay_us = SOTTO_MS(100)},
        {.rate_bps = 64000, .queue_bytes = 8000, .delay_us = SOTTO_MS(300)},
    };
    for (int seed = 0; seed < pair_seeds(4); seed++)
        for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
            struct pair *p = pair_new((uint64_t)seed, NULL);
            net_link_both(p->net, p->side[0].host, p->side[1].host, &links[i]);
            struct chan *a[2] = {side_channel(&p->side[0], "hello", NULL), NULL};
            assert_int_equal(pair_offer(p, 0), 0);
            bool up = pair_until(p, SOTTO_SECONDS(30), pair_is_connected, NULL);
            if (!up) print_error("link %zu, seed %d\n", i, seed);
            assert_true(up);
            pair_run(p, SOTTO_SECONDS(20));
            a[1] = side_find(&p->side[1], "hello");
            assert_non_null(a[1]);
            expect_exchange(p, a);
            pair_free(p);
        }
}

static void an_offer_without_channel_connects_nothing_until_there_is_one(void **state)
{
    (void)state;
    struct pair *p = pair_new(70, NULL);
    struct chan *a[2];
    assert_int_equal(pair_offer(p, 0), 0);
    pair_run(p, SOTTO_SECONDS(3));
    sotto_pc_state st = side_state(&p->side[0]);
    assert_int_equal(st.signaling, SOTTO_SIGNALING_STABLE);
    assert_int_not_equal(st.connection, SOTTO_CONNECTION_CONNECTED);
    a[0] = side_channel(&p->side[0], "late", NULL);
    assert_non_null(a[0]);
    assert_int_equal(pair_offer(p, 0), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(10), pair_is_connected, NULL));
    pair_run(p, SOTTO_SECONDS(1));
    a[1] = side_find(&p->side[1], "late");
    assert_non_null(a[1]);
    expect_exchange(p, a);
    pair_free(p);
}

static void a_second_negotiation_leaves_the_connection_alone(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(71, NULL, a);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pair_offer(p, i % 2), 0);
        pair_run(p, SOTTO_SECONDS(1));
        assert_int_equal(side_state(&p->side[0]).signaling, SOTTO_SIGNALING_STABLE);
        assert_int_equal(side_state(&p->side[1]).signaling, SOTTO_SIGNALING_STABLE);
        assert_true(pair_is_connected(p, NULL));
    }
    expect_exchange(p, a);
    pair_free(p);
}

static bool one_failed(struct pair *p, void *arg)
{
    (void)arg;
    return side_state(&p->side[0]).connection == SOTTO_CONNECTION_FAILED;
}

static void a_remote_that_never_answers_a_check_is_a_failure(void **state)
{
    (void)state;
    struct pair *p = pair_new(72, NULL);
    net_set_down(p->net, p->side[0].host, p->side[1].host, true);
    assert_non_null(side_channel(&p->side[0], "c", NULL));
    assert_int_equal(pair_offer(p, 0), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(30), one_failed, NULL));
    pair_free(p);
}

static void relay_only_without_a_server_gathers_nothing_and_tells_no_address(void **state)
{
    (void)state;
    struct pair_opt o = {.no_trickle = true};
    o.pc[0].ice_transport_policy = SOTTO_ICE_POLICY_RELAY;
    struct pair *p = pair_new(73, &o);
    assert_non_null(side_channel(&p->side[0], "c", NULL));
    assert_int_equal(pair_offer(p, 0), 0);
    pair_run(p, SOTTO_SECONDS(30));
    char *sdp;
    assert_int_equal(sotto_pc_local_description(p->side[0].pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp),
                     1);
    assert_null(strstr(sdp, "192.0.2.1"));
    assert_null(strstr(sdp, "candidate:"));
    sotto_free(sdp);
    assert_int_equal(p->net->count.sent - p->net->count.nowhere > 0 && pair_is_connected(p, NULL),
                     0);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_side_offers_with_and_without_trickle),
        cmocka_unit_test(candidates_of_one_side_are_enough),
        cmocka_unit_test(candidates_may_come_late_and_without_an_end),
        cmocka_unit_test(both_peers_in_one_context_connect),
        cmocka_unit_test(hosts_with_several_addresses_of_both_families_connect),
        cmocka_unit_test(a_shared_certificate_and_options_of_size_connect),
        cmocka_unit_test(connections_survive_loss_duplication_and_reordering),
        cmocka_unit_test(an_offer_without_channel_connects_nothing_until_there_is_one),
        cmocka_unit_test(a_second_negotiation_leaves_the_connection_alone),
        cmocka_unit_test(a_remote_that_never_answers_a_check_is_a_failure),
        cmocka_unit_test(relay_only_without_a_server_gathers_nothing_and_tells_no_address),
    };
    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
