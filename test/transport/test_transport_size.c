/* SPDX-License-Identifier: BSD-2-Clause */
/* The size of packets on the selected pair: which pairs are searched, what another pair changes, and what shrinks under way. */
#include "couple.h"
#include "transport/pmtu.h"

static const struct ice_ops *ops; /* of couples made from now on; NULL: as they are */

static struct couple *connected(uint64_t seed, uint32_t mtu)
{
    struct couple *c = couple_new(seed, false);
    if (ops) c->a.shared.ice_ops = ops;
    net_link(c->net, c->a.host, c->b.host)->mtu = mtu;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_data_fills_the_packets_of_a_direct_pair),
        cmocka_unit_test(a_relay_or_a_socket_that_fragments_is_not_searched),
        cmocka_unit_test(an_ice_restart_forgets_the_size),
        cmocka_unit_test(what_was_cut_for_a_larger_path_leaves_in_fragments_and_probes_never_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
