/* SPDX-License-Identifier: BSD-2-Clause */
/* Associations over links that carry packets of one size or another, and change their mind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "transport/pmtu.h"
#include "util/mem.h"

#define MESSAGE 65536u

/* What a message holds depends on its number. */
static const uint8_t *pattern(uint64_t message)
{
    static uint8_t bytes[MESSAGE + 256];
    if (bytes[1] == 0)
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(1 + i * 7 + i / 251);
    return bytes + message % 256;
}

struct bulk { /* messages of a to b; each says its number and holds a pattern */
    uint64_t sent, arrived;
};

static void on_message(struct side *side, const struct sctp_msg *m)
{
    struct bulk *b = side->arg;
    if (m->type != SCTP_MSG_DATA) return;
    assert_memory_equal(m->data, pattern(b->arrived), m->len);
    b->arrived++;
}

static void begin(struct pair *p, struct bulk *b, const struct link_cfg *link, size_t most)
{
    *b = (struct bulk){0};
    pair_open(p, link);
    pair_connect(p);
    sotto__sctp_set_path(p->a.s, most);
    sotto__sctp_set_path(p->b.s, most);
    p->b.discard = true, p->b.on_msg = on_message, p->b.arg = b;
}

/* Offers `messages` more and waits until all of them have arrived: the virtual time that it took. */
static sotto_us transfer(struct pair *p, struct bulk *b, uint64_t messages, size_t size)
{
    sotto_us start = p->now;
    uint64_t until = b->sent + messages;
    while (b->arrived < until) {
        assert_true(p->now - start < SOTTO_SECONDS(600));
        assert_false(p->a.down || p->b.down);
        for (; b->sent < until; b->sent++) {
            int r = side_send(p, &p->a, 1, pattern(b->sent), size);
            if (r == SOTTO_E_AGAIN) break;
            assert_int_equal(r, 0);
        }
        pair_step(p);
    }
    return p->now - start;
}

static uint32_t found(const struct side *s)
{
    struct sctp_stats stats;
    sotto__sctp_get_stats(s->s, &stats);
    return stats.packet_size;
}

static const struct link_cfg fast = {
    .seed = 1, .delay = SOTTO_MS(5), .rate_bps = 20000000, .queue = 1000};

static void bulk_data_finds_what_the_path_carries_and_uses_it(void **state)
{
    (void)state;
    static const struct {
        size_t udp; /* payload that passes; 0: any */
        uint32_t packet;
    } cases[] = {{1200, 1160}, {1232, 1192},  {1368, 1312}, {1400, 1332},
                 {1432, 1392}, {1452, 1412},  {1472, 1432}, {1500, 1432},
                 {8848, 8808}, {16292, 8912}, {0, 16256}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct link_cfg link = fast;
        struct pair p;
        struct bulk b;
        link.mtu = cases[i].udp ? cases[i].udp - 37 : 0;
        begin(&p, &b, &link, PMTU_LIMIT);
        transfer(&p, &b, 100, MESSAGE);
        for (int more = 0; more < 10 && found(&p.a) != cases[i].packet; more++)
            transfer(&p, &b, 100, MESSAGE); /* probes wait in the queue of a link that is full */
        assert_int_equal(found(&p.a), cases[i].packet);
        assert_int_equal(found(&p.b), PMTU_BASE); /* it sent nothing */
        assert_true(p.a.probes <= 2 * (3 * 5 + 5)); /* one search, or two as answers came late */
        assert_true(p.a.too_big <= 2 * 3 * 5);      /* probes, and nothing else */
        assert_int_equal(p.a.fragmented, 0);
        uint64_t before = p.a.packets;
        transfer(&p, &b, 50, MESSAGE);
        double full = 50.0 * MESSAGE / (cases[i].packet - 28);
        assert_true((double)(p.a.packets - before) < full * 1.1 + 50); /* each message has a rest */
        pair_close(&p);
    }
}

static void a_path_that_is_not_searched_never_gets_more(void **state)
{
    (void)state;
    struct pair p;
    struct bulk b;
    begin(&p, &b, &fast, 0);
    transfer(&p, &b, 100, MESSAGE);
    transfer(&p, &b, 20000, 50);
    assert_int_equal(p.a.probes, 0);
    assert_true(p.a.largest <= PMTU_BASE && p.b.largest <= PMTU_BASE);
    pair_close(&p);
}

static void idle_associations_and_small_talk_send_no_probes(void **state)
{
    (void)state;
    struct pair p;
    struct bulk b;
    begin(&p, &b, &fast, PMTU_LIMIT);
    for (int i = 0; i < 100; i++) {
        transfer(&p, &b, 10, 5000);
        pair_run(&p, SOTTO_MS(1000));
    }
    assert_int_equal(p.a.probes, 0);
    assert_true(p.a.largest <= PMTU_BASE);
    pair_close(&p);
}

static void a_path_that_shrinks_under_way_loses_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t before, after;
        uint32_t found;
    } cases[] = {{0, 1432, 1432},
                 {0, 1160, 1160},
                 {8912, 1360, 1332},
                 {1432, 1400, 1392},
                 {1432, 1160, 1160}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct link_cfg link = fast;
        struct pair p;
        struct bulk b;
        link.mtu = cases[i].before;
        begin(&p, &b, &link, PMTU_LIMIT);
        transfer(&p, &b, 100, MESSAGE);
        for (; b.sent < 110; b.sent++) /* they wait in chunks of that size */
            assert_int_equal(side_send(&p, &p.a, 1, pattern(b.sent), MESSAGE), 0);
        pair_run(&p, SOTTO_MS(50));
        p.link.mtu = cases[i].after;
        sotto_us took = transfer(&p, &b, 100, MESSAGE);
        assert_true(p.a.fragmented > 0);
        assert_true(took < SOTTO_SECONDS(10));
        assert_int_equal(found(&p.a), cases[i].found);
        pair_close(&p);
    }
}

static void loss_is_not_taken_for_a_path_that_shrank(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct link_cfg link = fast;
        struct pair p;
        struct bulk b;
        link.seed = seed, link.loss = 0.05, link.mtu = 1500 - 28 - 37;
        begin(&p, &b, &link, PMTU_LIMIT);
        transfer(&p, &b, 300, MESSAGE); /* long enough for a search whose first probe was lost */
        assert_int_equal(p.a.fragmented, 0);
        assert_int_equal(found(&p.a), 1432);
        pair_close(&p);
    }
}

static void another_path_begins_small(void **state)
{
    (void)state;
    struct pair p;
    struct bulk b;
    begin(&p, &b, &fast, PMTU_LIMIT);
    transfer(&p, &b, 30, MESSAGE);
    assert_int_equal(found(&p.a), PMTU_LIMIT);
    sotto__sctp_set_path(p.a.s, PMTU_LIMIT);
    p.link.mtu = 1200 - 37, p.a.largest = 0;
    assert_int_equal(found(&p.a), PMTU_BASE);
    transfer(&p, &b, 1, 1000); /* nobody needs more yet */
    assert_true(p.a.largest <= PMTU_BASE);
    transfer(&p, &b, 60, MESSAGE);
    assert_int_equal(found(&p.a), PMTU_BASE);
    p.link.mtu = 0;
    sotto__sctp_set_path(p.a.s, PMTU_LIMIT);
    transfer(&p, &b, 60, MESSAGE);
    assert_int_equal(found(&p.a), PMTU_LIMIT);
    pair_close(&p);
}

static void small_messages_share_packets_of_the_size_found(void **state)
{
    (void)state;
    struct pair p;
    struct bulk b;
    begin(&p, &b, &fast, PMTU_LIMIT);
    p.link.mtu = 1472 - 37;
    transfer(&p, &b, 30, MESSAGE);
    uint64_t before = p.a.packets;
    transfer(&p, &b, 5000, 100);
    assert_true(p.a.packets - before < 2500);
    assert_int_equal(p.a.fragmented, 0);
    pair_close(&p);
}

/* The answers of the peer are lost: nothing is known then, and nothing may depend on them. */
static bool no_answers(struct pair *p, int from, const uint8_t *packet, size_t n)
{
    (void)p;
    return from == 0 || n < 13 || packet[12] != 5;
}

static void a_peer_that_answers_no_probe_gets_small_packets(void **state)
{
    (void)state;
    struct pair p;
    struct bulk b;
    begin(&p, &b, &fast, PMTU_LIMIT);
    p.tap = no_answers;
    transfer(&p, &b, 100, MESSAGE);
    assert_int_equal(found(&p.a), PMTU_BASE);
    assert_true(p.a.probes > 0 && p.a.probes <= 3 && p.a.largest <= PMTU_BASE);
    pair_close(&p);
}

static void an_outage_is_survived_and_the_size_found_again(void **state)
{
    (void)state;
    struct pair p;
    struct bulk b;
    begin(&p, &b, &fast, PMTU_LIMIT);
    transfer(&p, &b, 30, MESSAGE);
    for (; b.sent < 40; b.sent++)
        assert_int_equal(side_send(&p, &p.a, 1, pattern(b.sent), MESSAGE), 0);
    p.link.down = true;
    pair_run(&p, SOTTO_SECONDS(8));
    p.link.down = false;
    transfer(&p, &b, 100, MESSAGE);
    for (int i = 0; i < 10; i++) {
        pair_run(&p, SOTTO_SECONDS(2));
        transfer(&p, &b, 20, MESSAGE);
    }
    assert_int_equal(found(&p.a), PMTU_LIMIT);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_data_finds_what_the_path_carries_and_uses_it),
        cmocka_unit_test(a_path_that_is_not_searched_never_gets_more),
        cmocka_unit_test(idle_associations_and_small_talk_send_no_probes),
        cmocka_unit_test(a_path_that_shrinks_under_way_loses_nothing),
        cmocka_unit_test(loss_is_not_taken_for_a_path_that_shrank),
        cmocka_unit_test(another_path_begins_small),
        cmocka_unit_test(small_messages_share_packets_of_the_size_found),
        cmocka_unit_test(a_peer_that_answers_no_probe_gets_small_packets),
        cmocka_unit_test(an_outage_is_survived_and_the_size_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
