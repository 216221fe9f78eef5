/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A warm connection allocates nothing for a packet: messages are sent and taken while the calls of util/mem are counted, and
 * what is counted follows their number, not that of their packets.
 */
#include "cmocka_all.h"
#include "pair.h"
#include "util/mem.h"

/* What may be allocated for one message: its copy while it waits to be sent, the block that becomes the application's. */
enum { FOR_A_MESSAGE = 3 };

static const struct net_link ethernet = {.delay_us = SOTTO_MS(5), .mtu = 1472};

static bool all_arrived(struct pair *p, void *arg)
{
    struct chan **a = arg;
    (void)p;
    return a[0]->bulk_left == 0 && a[1]->bulk_left == 0 && a[0]->n_in == a[1]->n_out &&
           a[1]->n_in == a[0]->n_out;
}

static void move(struct pair *p, struct chan *a[2], uint64_t messages, size_t size)
{
    chan_bulk(a[0], messages, size);
    chan_bulk(a[1], messages, size);
    assert_true(pair_until(p, SOTTO_SECONDS(600), all_arrived, a));
}

/* The calls of util/mem for n messages each way, and the datagrams that they took. */
static uint64_t calls_of(struct pair *p, struct chan *a[2], uint64_t n, size_t size, uint64_t *ret)
{
    uint64_t calls = sotto__mem_calls(), sent = p->net->count.sent;
    move(p, a, n, size);
    *ret = p->net->count.sent - sent;
    return sotto__mem_calls() - calls;
}

static void small_messages_allocate_for_themselves_only(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 64, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct chan *a[2];
        struct pair *p = pair_connected(10 + i, NULL, a);
        uint64_t packets;
        move(p, a, 10000, sizes[i]);
        uint64_t calls = calls_of(p, a, 10000, sizes[i], &packets);
        print_message("%zu B: %.3f calls a message\n", sizes[i], (double)calls / 20000);
        assert_true(calls <= 2 * 10000 * FOR_A_MESSAGE);
        pair_free(p);
    }
}

static void packets_of_large_messages_allocate_nothing(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(20, NULL, a);
    uint64_t packets;
    net_link_both(p->net, p->side[0].host, p->side[1].host, &ethernet);
    move(p, a, 200, 65536);
    uint64_t calls = calls_of(p, a, 200, 65536, &packets);
    print_message("64 KiB: %.3f calls a message, %d packets\n", (double)calls / 400, (int)packets);
    assert_true(packets > 2 * 200 * 2 * FOR_A_MESSAGE);
    assert_true(calls <= 2 * 200 * FOR_A_MESSAGE);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_messages_allocate_for_themselves_only),
        cmocka_unit_test(packets_of_large_messages_allocate_nothing),
    };
    return cmocka_run_group_tests_name("warm", tests, NULL, NULL);
}
