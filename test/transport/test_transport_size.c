/* SPDX-License-Identifier: BSD-2-Clause */
/* The size of packets on the selected pair: which pairs are searched, what another pair changes, and what shrinks under way. */
#include "couple.h"
#include "transport/pmtu.h"

static const struct ice_ops *ops; /* of couples made from now on; NULL: as they are */

static void set_mtu(struct couple *c, uint32_t mtu)
{
    net_link(c->net, c->a.host, c->b.host)->mtu = mtu;
    net_link(c->net, c->b.host, c->a.host)->mtu = mtu;
}

static struct couple *connected(uint64_t seed, uint32_t mtu)
{
    struct couple *c = couple_new(seed, false);
    if (ops) c->a.shared.ice_ops = c->b.shared.ice_ops = ops;
    set_mtu(c, mtu);
    couple_connect(c);
    couple_run(c, SOTTO_SECONDS(1));
    return c;
}

static void bulk(struct couple *c, sotto_us span)
{
    c->a.size = 16000, c->a.every = SOTTO_MS(5);
    c->a.next_at = couple_now(c);
    couple_run(c, span);
    c->a.every = 0;
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(30)));
}

static uint32_t size_of(const struct party *p)
{
    struct sctp_stats s;
    sotto__sctp_get_stats(p->t.sctp, &s);
    return s.packet_size;
}

static void bulk_data_fills_the_packets_of_a_direct_pair(void **state)
{
    (void)state;
    struct couple *c = connected(1, 1472);
    assert_int_equal(size_of(&c->a), PMTU_BASE);
    bulk(c, SOTTO_SECONDS(4));
    assert_int_equal(size_of(&c->a), 1432);
    assert_int_equal(size_of(&c->b), PMTU_BASE);
    assert_int_equal(c->net->count.fragmented, 0);
    couple_free(c);
}

static bool relayed_pair(const struct ice *ice, struct ice_pair *ret)
{
    bool is = sotto__ice_net.pair(ice, ret);
    ret->local.type = CANDIDATE_RELAY;
    return is;
}

static bool powerless(struct ice *ice, bool whole)
{
    (void)ice, (void)whole;
    return false;
}

static void a_relay_or_a_socket_that_fragments_is_not_searched(void **state)
{
    (void)state;
    struct ice_ops relayed = sotto__ice_net, no_verb = sotto__ice_net, without = sotto__ice_net;
    relayed.pair = relayed_pair, no_verb.whole = NULL, without.whole = powerless;
    const struct ice_ops *all[] = {&relayed, &no_verb, &without};
    for (size_t i = 0; i < 3; i++) {
        ops = all[i];
        struct couple *c = connected(2 + i, 1200);
        bulk(c, SOTTO_SECONDS(2));
        assert_int_equal(size_of(&c->a), PMTU_BASE);
        assert_int_equal(c->net->count.too_big + c->net->count.fragmented, 0);
        couple_free(c);
    }
    ops = NULL;
}

static void an_ice_restart_forgets_the_size(void **state)
{
    (void)state;
    struct couple *c = connected(5, 0);
    bulk(c, SOTTO_SECONDS(2));
    assert_int_equal(size_of(&c->a), PMTU_LIMIT);
    net_link(c->net, c->a.host, c->b.host)->mtu = 1400;
    couple_restart(c, false);
    couple_run(c, SOTTO_SECONDS(2));
    assert_int_equal(size_of(&c->a), PMTU_BASE);
    bulk(c, SOTTO_SECONDS(4));
    assert_int_equal(size_of(&c->a), 1332);
    couple_free(c);
}

static void what_was_cut_for_a_larger_path_leaves_in_fragments_and_probes_never_do(void **state)
{
    (void)state;
    struct couple *c = connected(6, 8952);
    bulk(c, SOTTO_SECONDS(3));
    assert_int_equal(size_of(&c->a), 8912);
    c->a.size = 60000;
    for (int i = 0; i < 5; i++) assert_true(party_send(c, &c->a));
    net_link(c->net, c->a.host, c->b.host)->mtu = 1232;
    bulk(c, SOTTO_SECONDS(8));
    assert_true(c->net->count.fragmented > 0);
    assert_int_equal(size_of(&c->a), 1192); /* a probe in fragments would have found more */
    couple_free(c);
}

static bool is_relayed;

static bool changing_pair(const struct ice *ice, struct ice_pair *ret)
{
    bool is = sotto__ice_net.pair(ice, ret);
    if (is_relayed) ret->local.type = CANDIDATE_RELAY;
    return is;
}

static struct couple *changing(struct ice_ops *of, uint64_t seed)
{
    *of = sotto__ice_net;
    of->pair = changing_pair;
    ops = of, is_relayed = false;
    struct couple *c = connected(seed, 8952);
    ops = NULL;
    return c;
}

/* Another network: packets of so many bytes pass, directly or by a relay. */
static void move(struct couple *c, bool relayed, uint32_t mtu)
{
    is_relayed = relayed;
    set_mtu(c, mtu);
    couple_restart(c, false);
}

/* A relay's pair is not searched, and nothing larger than SOTTO_MTU is made for it; but chunks that were made before must get through. */
static void what_was_cut_for_a_direct_pair_arrives_over_a_relay(void **state)
{
    (void)state;
    struct ice_ops of;
    struct couple *c = changing(&of, 7);
    bulk(c, SOTTO_SECONDS(3));
    assert_int_equal(size_of(&c->a), 8912);
    c->a.size = 60000;
    net_set_down(c->net, c->a.host, c->b.host, true);
    for (int i = 0; i < 5; i++) assert_true(party_send(c, &c->a));
    couple_run(c, SOTTO_MS(50));
    net_set_down(c->net, c->a.host, c->b.host, false);
    move(c, true, 1232);
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(10)));
    assert_int_equal(size_of(&c->a), PMTU_BASE);
    uint64_t before = c->net->count.fragmented;
    assert_true(before > 0);
    bulk(c, SOTTO_SECONDS(2));
    assert_int_equal(c->net->count.fragmented, before);
    couple_free(c);
}

static void from_one_network_to_the_next_while_bulk_flows_nothing_stalls(void **state)
{
    (void)state;
    static const uint32_t mtus[] = {0, 8952, 1472, 1400, 1232, 1200};
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct ice_ops of;
        struct couple *c = changing(&of, 100 + seed);
        net_link(c->net, c->a.host, c->b.host)->loss = (double)(seed % 4) * 0.005;
        net_link(c->net, c->a.host, c->b.host)->delay_us = SOTTO_MS((sotto_us)(seed % 3) * 10);
        c->a.size = c->b.size = 16000;
        c->a.every = c->b.every = SOTTO_MS(5);
        c->a.next_at = c->b.next_at = couple_now(c);
        for (int i = 0; i < 8; i++) {
            couple_run(c, SOTTO_MS((sotto_us)(net_random(&c->net->rng) % 1500)));
            bool relayed = net_random(&c->net->rng) % 2;
            move(c, relayed, mtus[net_random(&c->net->rng) % 6]);
            assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(10)));
        }
        c->a.every = c->b.every = 0;
        assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(60)));
        assert_int_equal(c->a.n_down + c->b.n_down, 0);
        couple_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_data_fills_the_packets_of_a_direct_pair),
        cmocka_unit_test(a_relay_or_a_socket_that_fragments_is_not_searched),
        cmocka_unit_test(an_ice_restart_forgets_the_size),
        cmocka_unit_test(what_was_cut_for_a_larger_path_leaves_in_fragments_and_probes_never_do),
        cmocka_unit_test(what_was_cut_for_a_direct_pair_arrives_over_a_relay),
        cmocka_unit_test(from_one_network_to_the_next_while_bulk_flows_nothing_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
