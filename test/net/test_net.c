/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual network and ICE over it, driven by hand: what the scenarios rely on must itself be seen to work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net.h"
#include "sotto/pc.h"
#include "util/mem.h"

struct side {
    struct net_host *host;
    struct ice *ice;
    struct ice_box box;
    int32_t states[16];
    sotto_us times[16];
    size_t n_states, n_candidates, n_selected, n_packets, bytes;
    struct candidate candidate;
    int32_t server_code;
    size_t n_errors;
    bool gathered;
    uint8_t last[16];
};

struct duo {
    struct net *net;
    struct side a, b;
};

static void side_open(struct side *s, const char *name, bool controlling)
{
    char pwd[32];
    snprintf(pwd, sizeof pwd, "password-of-%s-0123456789", name);
    struct ice_cfg cfg = {
        .controlling = controlling, .ufrag = name, .pwd = pwd, .box = &s->box, .world = s->host};
    assert_int_equal(sotto__ice_net.init(&s->ice, &cfg, s->host->net->now), 0);
}

static struct duo duo_new(uint64_t seed)
{
    struct duo d = {.net = net_new(seed)};
    d.a.host = net_host_new(d.net, "192.0.2.1");
    d.b.host = net_host_new(d.net, "192.0.2.2");
    side_open(&d.a, "aaaa", true);
    side_open(&d.b, "bbbb", false);
    return d;
}

static void duo_free(struct duo *d)
{
    sotto__ice_net.free(d->a.ice);
    sotto__ice_net.free(d->b.ice);
    assert_int_equal(d->net->live_ices, 0);
    assert_int_equal(d->net->live_sockets, 0);
    net_free(d->net);
}

static void tell_other(struct side *to, const struct candidate *c, sotto_us now)
{
    if (to) assert_int_equal(sotto__ice_net.add_remote(to->ice, c, now), 0);
}

static void side_run(struct side *s, struct side *to)
{
    struct ice_out o;
    sotto_us now = s->host->net->now;
    while (sotto__ice_net.next(s->ice, now, &o) == 1) {
        switch (o.type) {
        case ICE_OUT_CANDIDATE:
            s->n_candidates++;
            s->candidate = *o.candidate;
            tell_other(to, o.candidate, now);
            break;
        case ICE_OUT_GATHERED: s->gathered = true; break;
        case ICE_OUT_SELECTED: s->n_selected++; break;
        case ICE_OUT_SERVER: s->server_code = o.code, s->n_errors++; break;
        case ICE_OUT_STATE:
            assert_true(s->n_states < 16);
            s->times[s->n_states] = now;
            s->states[s->n_states++] = o.state;
            break;
        case ICE_OUT_PACKET:
            s->n_packets++;
            s->bytes += o.packet.n;
            memcpy(s->last, o.packet.p, o.packet.n < 16 ? o.packet.n : 16);
            break;
        }
    }
}

/* Runs for so long; candidates of each side are given to the other if wanted. */
static void duo_run(struct duo *d, sotto_us span, bool to_a, bool to_b)
{
    sotto_us end = d->net->now + span;
    for (;;) {
        side_run(&d->a, to_b ? &d->b : NULL);
        side_run(&d->b, to_a ? &d->a : NULL);
        sotto_us due = sotto__earlier(net_due(d->net), sotto__ice_net.due(d->a.ice));
        due = sotto__earlier(due, sotto__ice_net.due(d->b.ice));
        if (due > end) break;
        net_advance(d->net, due);
    }
    net_advance(d->net, end);
}

static void start(struct duo *d)
{
    assert_int_equal(sotto__ice_net.gather(d->a.ice, d->net->now), 0);
    assert_int_equal(sotto__ice_net.gather(d->b.ice, d->net->now), 0);
}

static void credentials(struct duo *d, const char *pwd_of_b)
{
    sotto__ice_net.set_remote(d->a.ice, "bbbb", pwd_of_b, d->net->now);
    sotto__ice_net.set_remote(d->b.ice, "aaaa", "password-of-aaaa-0123456789", d->net->now);
}

#define PWD_B "password-of-bbbb-0123456789"

static void expect_states(const struct side *s, const int32_t *want, size_t n)
{
    assert_int_equal(s->n_states, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(s->states[i], want[i]);
}

static int say(struct side *s, const char *text)
{
    struct packet p = {(const uint8_t *)text, strlen(text)};
    return sotto__ice_net.send(s->ice, &p, 1, s->host->net->now);
}

static const int32_t up[] = {SOTTO_ICE_CHECKING, SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED};

static void two_sides_that_know_each_other_connect_and_carry_data(void **state)
{
    (void)state;
    struct duo d = duo_new(1);
    start(&d);
    assert_int_equal(say(&d.a, "~early"), SOTTO_E_STATE);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    expect_states(&d.a, up, 3);
    expect_states(&d.b, up, 3);
    assert_true(d.a.gathered && d.a.n_candidates == 1 && d.a.n_selected == 1);
    assert_int_equal(say(&d.a, "~hello"), 1);
    assert_int_equal(say(&d.b, "~good day"), 1);
    duo_run(&d, SOTTO_MS(20), true, true);
    assert_int_equal(d.b.n_packets, 1);
    assert_memory_equal(d.b.last, "~hello", 6);
    assert_int_equal(d.a.n_packets, 1);
    duo_free(&d);
}

static void one_side_learns_the_other_as_peer_reflexive(void **state)
{
    (void)state;
    struct duo d = duo_new(2);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, false);
    expect_states(&d.a, up, 3);
    expect_states(&d.b, up, 3);
    duo_free(&d);
}

static void checks_before_the_answer_are_remembered(void **state)
{
    (void)state;
    struct duo d = duo_new(3);
    start(&d);
    sotto__ice_net.set_remote(d.b.ice, "aaaa", "password-of-aaaa-0123456789", d.net->now);
    duo_run(&d, SOTTO_SECONDS(2), false, true);
    assert_int_equal(d.a.n_states, 0);
    sotto__ice_net.set_remote(d.a.ice, "bbbb", PWD_B, d.net->now);
    duo_run(&d, SOTTO_SECONDS(1), false, false);
    expect_states(&d.a, up, 3);
    duo_free(&d);
}

static void a_wrong_password_never_connects_and_fails_after_seven_seconds(void **state)
{
    (void)state;
    struct duo d = duo_new(4);
    start(&d);
    credentials(&d, "password-of-somebody-else-000");
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    sotto_us told = d.net->now;
    sotto__ice_net.remote_done(d.a.ice, d.net->now);
    duo_run(&d, SOTTO_SECONDS(60), false, false);
    const int32_t want[] = {SOTTO_ICE_CHECKING, SOTTO_ICE_FAILED};
    expect_states(&d.a, want, 2);
    assert_in_range(d.a.times[1] - told, SOTTO_SECONDS(6), SOTTO_SECONDS(8));
    assert_int_equal(d.b.n_selected, 0);
    assert_int_equal(say(&d.a, "~x"), SOTTO_E_STATE);
    duo_free(&d);
}

static void without_end_of_candidates_it_goes_on_waiting(void **state)
{
    (void)state;
    struct duo d = duo_new(5);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(300), false, false);
    assert_int_equal(d.a.n_states, 0);
    duo_free(&d);
}

static void silence_disconnects_and_then_fails(void **state)
{
    (void)state;
    struct duo d = duo_new(6);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    sotto_us cut = d.net->now;
    net_set_down(d.net, d.a.host, d.b.host, true);
    duo_run(&d, SOTTO_SECONDS(60), false, false);
    const int32_t want[] = {SOTTO_ICE_CHECKING, SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED,
                            SOTTO_ICE_DISCONNECTED, SOTTO_ICE_FAILED};
    expect_states(&d.a, want, 5);
    assert_in_range(d.a.times[3] - cut, SOTTO_SECONDS(3), SOTTO_SECONDS(10));
    assert_in_range(d.a.times[4] - cut, SOTTO_SECONDS(20), SOTTO_SECONDS(60));
    duo_free(&d);
}

static void a_partition_that_heals_in_time_reconnects(void **state)
{
    (void)state;
    struct duo d = duo_new(7);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    net_set_down(d.net, d.a.host, d.b.host, true);
    duo_run(&d, SOTTO_SECONDS(15), false, false);
    net_set_down(d.net, d.a.host, d.b.host, false);
    duo_run(&d, SOTTO_SECONDS(15), false, false);
    const int32_t want[] = {SOTTO_ICE_CHECKING, SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED,
                            SOTTO_ICE_DISCONNECTED, SOTTO_ICE_COMPLETED};
    expect_states(&d.a, want, 5);
    expect_states(&d.b, want, 5);
    duo_free(&d);
}

static void an_idle_pair_lives_for_ten_minutes_under_loss(void **state)
{
    (void)state;
    struct duo d = duo_new(8);
    struct net_link lossy = {.loss = 0.2, .delay_us = SOTTO_MS(50), .jitter_us = SOTTO_MS(20)};
    net_link_both(d.net, d.a.host, d.b.host, &lossy);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(600), true, true);
    assert_in_range(d.a.states[d.a.n_states - 1], SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED);
    assert_in_range(d.b.states[d.b.n_states - 1], SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED);
    assert_true(d.net->count.lost > 20);
    duo_free(&d);
}

/* proves: H071 */
static void data_from_an_unknown_source_is_dropped_and_from_a_forged_valid_one_is_not(void **state)
{
    (void)state;
    struct duo d = duo_new(9);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    struct address a, b, other;
    assert_true(net_ice_address(d.a.ice, &a) && net_ice_address(d.b.ice, &b));
    other = a;
    other.port++;
    net_inject(d.net, &other, &b, "~evil", 5, SOTTO_MS(1));
    duo_run(&d, SOTTO_MS(10), false, false);
    assert_int_equal(d.b.n_packets, 0);
    net_inject(d.net, &a, &b, "~evil", 5, SOTTO_MS(1));
    duo_run(&d, SOTTO_MS(10), false, false);
    assert_int_equal(d.b.n_packets, 1);
    duo_free(&d);
}

static enum net_verdict mangle(struct net *net, struct net_datagram *d, void *user)
{
    int *seen = user;
    if (d->p[0] <= 3) return NET_PASS;
    ++*seen;
    if (d->p[1] == 'd') return NET_DROP;
    if (d->p[1] == 'c') d->p[1] = 'C';
    if (d->p[1] == 't') net_inject(net, &d->from, &d->to, d->p, d->n, SOTTO_MS(7));
    return NET_PASS;
}

static void a_man_in_the_middle_drops_changes_and_injects(void **state)
{
    (void)state;
    struct duo d = duo_new(10);
    int seen = 0;
    d.net->tap = mangle, d.net->tap_user = &seen;
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    say(&d.a, "~drop");
    duo_run(&d, SOTTO_MS(50), false, false);
    assert_int_equal(d.b.n_packets, 0);
    say(&d.a, "~change");
    duo_run(&d, SOTTO_MS(50), false, false);
    assert_memory_equal(d.b.last, "~Change", 7);
    say(&d.a, "~twice");
    duo_run(&d, SOTTO_MS(50), false, false);
    assert_int_equal(d.b.n_packets, 3);
    assert_int_equal(seen, 3);
    duo_free(&d);
}

static void a_link_keeps_its_rate_and_its_queue(void **state)
{
    (void)state;
    struct duo d = duo_new(11);
    struct net_link slow = {
        .rate_bps = 8000000, .queue_bytes = 20000, .delay_us = SOTTO_MS(5), .mtu = 1400};
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    net_link_both(d.net, d.a.host, d.b.host, &slow);
    uint8_t bytes[1500] = {100};
    struct packet p = {bytes, 972};
    for (int i = 0; i < 100; i++)
        assert_int_equal(sotto__ice_net.send(d.a.ice, &p, 1, d.net->now), 1);
    duo_run(&d, SOTTO_MS(10), false,
            false); /* 1 MB/s: 1000 bytes with its header each ms, the first after 5 */
    assert_in_range(d.b.n_packets, 4, 6);
    duo_run(&d, SOTTO_MS(100), false, false);
    assert_in_range(d.b.n_packets, 19, 21);
    assert_in_range(d.net->count.queue_full, 79, 81);
    p.n = 1401;
    sotto__ice_net.send(d.a.ice, &p, 1, d.net->now);
    assert_int_equal(d.net->count.too_big, 1);
    duo_free(&d);
}

static void loss_duplication_and_reordering_are_as_set(void **state)
{
    (void)state;
    struct duo d = duo_new(12);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    struct net_link bad = {.loss = 0.3,
                           .duplicate = 0.1,
                           .reorder = 0.2,
                           .reorder_us = SOTTO_MS(30),
                           .delay_us = SOTTO_MS(5)};
    *net_link(d.net, d.a.host, d.b.host) = bad;
    for (int i = 0; i < 1000; i++) say(&d.a, "~x");
    duo_run(&d, SOTTO_MS(200), false, false);
    assert_in_range(d.b.n_packets, 690, 850); /* 700 and a tenth more */
    duo_free(&d);
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    uint64_t first = 0;
    for (int run = 0; run < 2; run++) {
        struct duo d = duo_new(13);
        struct net_link bad = {.loss = 0.2,
                               .duplicate = 0.1,
                               .reorder = 0.2,
                               .reorder_us = SOTTO_MS(30),
                               .delay_us = SOTTO_MS(5)};
        net_link_both(d.net, d.a.host, d.b.host, &bad);
        sotto_us begin = d.net->now;
        start(&d);
        credentials(&d, PWD_B);
        duo_run(&d, SOTTO_SECONDS(100), true, true);
        uint64_t sum = d.net->count.sent * 1000003 + d.net->count.delivered * 31 +
                       (uint64_t)(d.a.times[1] - begin);
        if (run == 0)
            first = sum;
        else
            assert_true(sum == first);
        duo_free(&d);
    }
}

static void both_sides_controlling_still_connect(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 40; seed++) {
        struct duo d = {.net = net_new(seed)};
        d.a.host = net_host_new(d.net, "192.0.2.1");
        d.b.host = net_host_new(d.net, "192.0.2.2");
        side_open(&d.a, "aaaa", seed % 2);
        side_open(&d.b, "bbbb", seed % 2);
        start(&d);
        credentials(&d, PWD_B);
        duo_run(&d, SOTTO_SECONDS(3), true, true);
        assert_int_equal(d.a.states[d.a.n_states - 1], SOTTO_ICE_COMPLETED);
        assert_int_equal(d.b.states[d.b.n_states - 1], SOTTO_ICE_COMPLETED);
        duo_free(&d);
    }
}

static void a_host_without_usable_address_cannot_gather(void **state)
{
    (void)state;
    struct net *net = net_new(14);
    struct side s = {.host = net_host_new(net, "127.0.0.1")};
    side_open(&s, "aaaa", true);
    assert_int_equal(sotto__ice_net.gather(s.ice, net->now), SOTTO_E_NETWORK);
    sotto__ice_net.free(s.ice);
    net_free(net);
}

static void several_addresses_give_several_candidates_and_the_reachable_pair_wins(void **state)
{
    (void)state;
    struct net *net = net_new(15);
    struct duo d = {.net = net};
    d.a.host = net_host_new(net, "192.0.2.1,2001:db8::1");
    d.b.host = net_host_new(net, "2001:db8::2");
    side_open(&d.a, "aaaa", true);
    side_open(&d.b, "bbbb", false);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    assert_int_equal(d.a.n_candidates, 2);
    expect_states(&d.a, up, 3);
    expect_states(&d.b, up, 3);
    duo_free(&d);
}

static void the_pair_and_its_round_trip_can_be_asked_for(void **state)
{
    (void)state;
    struct duo d = duo_new(31);
    struct ice_pair pair;
    start(&d);
    credentials(&d, PWD_B);
    assert_false(sotto__ice_net.pair(d.a.ice, &pair));
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    assert_true(sotto__ice_net.pair(d.a.ice, &pair));
    assert_int_equal(pair.local.addr.ip[3], 1);
    assert_int_equal(pair.remote.addr.ip[3], 2);
    assert_int_equal(pair.rtt, SOTTO_MS(10));
    duo_free(&d);
}

static void servers_fail_as_their_host_says(void **state)
{
    (void)state;
    struct duo d = duo_new(32);
    struct ice_server servers[2] = {{.kind = ICE_SERVER_STUN}, {.kind = ICE_SERVER_TURN_UDP}};
    struct ice_cfg cfg = {.ufrag = "aaaa",
                          .pwd = "password-of-aaaa-0123456789",
                          .servers = servers,
                          .n_servers = 2,
                          .box = &d.a.box,
                          .world = d.a.host};
    d.a.host->server_code = 401, d.a.host->server_text = "Unauthorized";
    sotto__ice_net.free(d.a.ice);
    assert_int_equal(sotto__ice_net.init(&d.a.ice, &cfg, d.net->now), 0);
    start(&d);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    assert_true(d.a.gathered);
    assert_int_equal(d.a.n_errors, 2);
    assert_int_equal(d.a.server_code, 401);
    assert_int_equal(d.b.n_errors, 0); /* has none */
    duo_free(&d);
}

static void another_remote_takes_the_place_of_the_first(void **state)
{
    (void)state; /* an answer that follows a provisional one of somebody else */
    static const int32_t want[] = {SOTTO_ICE_CHECKING, SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED,
                                   SOTTO_ICE_CHECKING, SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED};
    struct duo d = duo_new(33);
    start(&d);
    credentials(&d, PWD_B);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    struct side first = d.b;
    d.b = (struct side){.host = net_host_new(d.net, "192.0.2.3")};
    side_open(&d.b, "cccc", false);
    sotto__ice_net.set_remote(d.a.ice, "cccc", "password-of-cccc-0123456789", d.net->now);
    sotto__ice_net.set_remote(d.b.ice, "aaaa", "password-of-aaaa-0123456789", d.net->now);
    assert_int_equal(say(&d.a, "\x16to nobody"), SOTTO_E_STATE);
    assert_int_equal(sotto__ice_net.gather(d.b.ice, d.net->now), 0);
    tell_other(&d.b, &d.a.candidate, d.net->now);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    assert_int_equal(say(&first, "\x16late"), 1);
    assert_int_equal(say(&d.a, "\x16hello"), 1);
    duo_run(&d, SOTTO_SECONDS(1), true, true);
    expect_states(&d.a, want, 6);
    assert_int_equal(d.b.n_packets, 1);
    assert_int_equal(d.a.n_packets, 0); /* of the first one */
    sotto__ice_net.free(first.ice);
    duo_free(&d);
}

static void no_memory_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    struct net *net = net_new(16);
    struct side s = {.host = net_host_new(net, "192.0.2.1")};
    int64_t live = sotto__mem_live();
    struct ice_cfg cfg = {.ufrag = "aaaa", .pwd = "b", .box = &s.box, .world = s.host};
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__ice_net.init(&s.ice, &cfg, net->now), SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    assert_int_equal(sotto__mem_live(), live);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sides_that_know_each_other_connect_and_carry_data),
        cmocka_unit_test(one_side_learns_the_other_as_peer_reflexive),
        cmocka_unit_test(checks_before_the_answer_are_remembered),
        cmocka_unit_test(a_wrong_password_never_connects_and_fails_after_seven_seconds),
        cmocka_unit_test(without_end_of_candidates_it_goes_on_waiting),
        cmocka_unit_test(silence_disconnects_and_then_fails),
        cmocka_unit_test(a_partition_that_heals_in_time_reconnects),
        cmocka_unit_test(an_idle_pair_lives_for_ten_minutes_under_loss),
        cmocka_unit_test(data_from_an_unknown_source_is_dropped_and_from_a_forged_valid_one_is_not),
        cmocka_unit_test(a_man_in_the_middle_drops_changes_and_injects),
        cmocka_unit_test(a_link_keeps_its_rate_and_its_queue),
        cmocka_unit_test(loss_duplication_and_reordering_are_as_set),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(both_sides_controlling_still_connect),
        cmocka_unit_test(a_host_without_usable_address_cannot_gather),
        cmocka_unit_test(several_addresses_give_several_candidates_and_the_reachable_pair_wins),
        cmocka_unit_test(the_pair_and_its_round_trip_can_be_asked_for),
        cmocka_unit_test(servers_fail_as_their_host_says),
        cmocka_unit_test(another_remote_takes_the_place_of_the_first),
        cmocka_unit_test(no_memory_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
