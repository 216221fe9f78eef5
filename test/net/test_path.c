/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of the emulated link: what it is told is what it does, to the nanosecond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "path.h"

#define MS 1000000LL

static struct path make(struct path_cfg cfg)
{
    struct path p = {.cfg = cfg};
    assert_true(path_init(&p, 7));
    return p;
}

/* A packet of n bytes, numbered. */
static void put(struct path *p, int64_t now, uint32_t number, size_t n)
{
    uint8_t *bytes = path_room(p);
    memset(bytes, 0x5a, n);
    memcpy(bytes, &number, sizeof number);
    path_put(p, now, n);
}

/* The number of the packet that is due then, which has n bytes; -1: none. */
static int64_t take(struct path *p, int64_t now, size_t n)
{
    size_t got;
    uint32_t number;
    const uint8_t *bytes = path_take(p, now, &got);
    if (!bytes) return -1;
    assert_int_equal(got, n);
    memcpy(&number, bytes, sizeof number);
    for (size_t i = sizeof number; i < n; i++) assert_int_equal(bytes[i], 0x5a);
    return number;
}

static void packets_arrive_after_the_delay_and_in_order(void **state)
{
    struct path p = make((struct path_cfg){.delay_ns = 50 * MS});
    (void)state;
    assert_true(path_due(&p) == INT64_MAX);
    for (uint32_t i = 0; i < 100; i++) put(&p, i * MS, i, 40 + i);
    assert_int_equal(path_due(&p), 50 * MS);
    assert_int_equal(take(&p, 50 * MS - 1, 40), -1);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(take(&p, (50 + i) * MS - 1, 40 + i), -1);
        assert_int_equal(take(&p, (50 + i) * MS, 40 + i), i);
    }
    assert_true(path_due(&p) == INT64_MAX);
    assert_int_equal(p.counts.packets, 100);
    path_free(&p);
}

static void a_shorter_delay_lets_none_overtake(void **state)
{
    struct path p = make((struct path_cfg){.delay_ns = 50 * MS});
    (void)state;
    put(&p, 0, 1, 100);
    p.cfg.delay_ns = 0;
    put(&p, MS, 2, 100);
    assert_int_equal(take(&p, 49 * MS, 100), -1);
    assert_int_equal(take(&p, 50 * MS, 100), 1);
    assert_int_equal(take(&p, 50 * MS, 100), 2);
    path_free(&p);
}

static void as_many_are_lost_as_shall_be(void **state)
{
    static const double losses[] = {0, 0.001, 0.01, 0.3, 1};
    (void)state;
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        struct path p = make((struct path_cfg){.loss = losses[i]});
        for (uint32_t k = 0; k < 200000; k++) {
            put(&p, k, k, 60);
            take(&p, k, 60);
        }
        double share = (double)p.counts.lost / 200000;
        assert_true(share >= losses[i] * 0.8 && share <= losses[i] * 1.2);
        assert_int_equal(p.counts.lost + p.counts.packets, 200000);
        path_free(&p);
    }
}

static void a_seed_loses_the_same_packets_again(void **state)
{
    struct path a = make((struct path_cfg){.loss = 0.5}), b = make((struct path_cfg){.loss = 0.5});
    (void)state;
    for (uint32_t k = 0; k < 1000; k++) {
        put(&a, k, k, 60);
        put(&b, k * MS, k, 60);
        assert_int_equal(take(&a, k, 60), take(&b, k * MS, 60));
    }
    path_free(&a);
    path_free(&b);
}

static void a_rate_spaces_packets_and_the_queue_has_an_end(void **state)
{
    /* 12 Mbit/s: 1500 bytes in a millisecond; ten of them wait at most. */
    struct path p =
        make((struct path_cfg){.rate_bps = 12000000, .queue = 15000, .delay_ns = 5 * MS});
    (void)state;
    for (uint32_t i = 0; i < 11; i++) put(&p, 0, i, 1500);
    assert_int_equal(p.counts.dropped, 1);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(take(&p, (6 + i) * MS - 1, 1500), -1);
        assert_int_equal(take(&p, (6 + i) * MS, 1500), i);
    }
    put(&p, 100 * MS, 11, 1500); /* it was idle for a while: that gives no credit */
    put(&p, 100 * MS, 12, 1500);
    assert_int_equal(take(&p, 106 * MS, 1500), 11);
    assert_int_equal(take(&p, 107 * MS - 1, 1500), -1);
    assert_int_equal(take(&p, 107 * MS, 1500), 12);
    path_free(&p);
}

static void some_come_behind_those_that_follow(void **state)
{
    struct path p = make((struct path_cfg){.reorder = 0.1, .behind_ns = 3 * MS, .delay_ns = MS});
    uint64_t late = 0, n = 0;
    int64_t highest = -1;
    (void)state;
    for (uint32_t k = 0; k < 10010; k++) {
        if (k < 10000) put(&p, k * MS, k, 60);
        for (int64_t got; (got = take(&p, k * MS, 60)) >= 0; n++) {
            if (got < highest) {
                assert_int_equal(got, k - 4);
                late++;
            }
            if (got > highest) highest = got;
        }
    }
    assert_int_equal(n, 10000);
    assert_true(late > 700 && late <= p.counts.behind);
    assert_true(p.counts.behind > 900 && p.counts.behind < 1100);
    path_free(&p);
}

static void larger_packets_vanish(void **state)
{
    struct path p = make((struct path_cfg){.mtu = 1400});
    (void)state;
    put(&p, 0, 1, 1400);
    put(&p, 0, 2, 1401);
    assert_int_equal(take(&p, 0, 1400), 1);
    assert_int_equal(take(&p, 0, 1401), -1);
    assert_int_equal(p.counts.too_large, 1);
    path_free(&p);
}

static void memory_is_bounded_and_used_again(void **state)
{
    struct path p = make((struct path_cfg){.delay_ns = MS});
    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t k = 0; k < PATH_SLOTS + 10; k++) put(&p, 10 * round * MS, k, PATH_SLOT);
        assert_int_equal(p.counts.dropped, 11 * (round + 1));
        for (uint32_t k = 0; k < PATH_SLOTS - 1; k++)
            assert_int_equal(take(&p, (10 * round + 1) * MS, PATH_SLOT), k);
        assert_int_equal(take(&p, (10 * round + 9) * MS, PATH_SLOT), -1);
    }
    path_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_arrive_after_the_delay_and_in_order),
        cmocka_unit_test(a_shorter_delay_lets_none_overtake),
        cmocka_unit_test(as_many_are_lost_as_shall_be),
        cmocka_unit_test(a_seed_loses_the_same_packets_again),
        cmocka_unit_test(a_rate_spaces_packets_and_the_queue_has_an_end),
        cmocka_unit_test(some_come_behind_those_that_follow),
        cmocka_unit_test(larger_packets_vanish),
        cmocka_unit_test(memory_is_bounded_and_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
