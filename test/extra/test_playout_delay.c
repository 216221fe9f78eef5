/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "extra/playout.h"

#define PACKET 960
#define MS PLAYOUT_MS

static struct playout_delay d;
static uint32_t seed;

/* Packets from `from` on, each `late` at most later than the fastest; the sender's clock is faster than the device's by ppm. */
static void run(int64_t from, int n, int64_t late, double ppm)
{
    for (int64_t i = from; i < from + n; i++) {
        seed = seed * 1664525 + 1013904223;
        int64_t more = late ? (int64_t)((seed >> 8) % (uint32_t)(late + 1)) : 0;
        int64_t received = 5000000 + (int64_t)((double)(i * PACKET) * (1 - ppm / 1e6)) + more;
        int64_t now = (received - 4000000) / 480 * 480; /* the device takes 10 ms at a time */
        sotto__playout_delay_seen(&d, i * PACKET, received, now);
    }
}

static void begin(void)
{
    seed = 1;
    sotto__playout_delay_init(&d, 20 * MS, 500 * MS);
}

static void the_target_is_what_99_of_100_packets_need(void **state)
{
    (void)state;
    static const int64_t jitters[] = {0, 10, 50, 100, 300};
    for (size_t i = 0; i < 5; i++) {
        begin();
        run(0, 2000, jitters[i] * MS, 0);
        int64_t least = jitters[i] * MS * 96 / 100, most = jitters[i] * MS + 4 * MS;
        if (least < 20 * MS) least = 20 * MS;
        if (most < 20 * MS) most = 20 * MS;
        assert_in_range(d.target, least, most);
    }
}

static void it_grows_within_half_a_second_and_forgets_in_a_minute(void **state)
{
    (void)state;
    begin();
    run(0, 1000, 0, 0);
    assert_int_equal(d.target, 20 * MS);
    run(1000, 25, 80 * MS, 0);
    assert_true(d.target > 55 * MS);
    run(1025, 3000, 0, 0);
    assert_int_equal(d.target, 20 * MS);
}

static void it_stays_within_its_bounds(void **state)
{
    (void)state;
    sotto__playout_delay_init(&d, 30 * MS, 60 * MS);
    run(0, 100, 0, 0);
    assert_int_equal(d.target, 30 * MS);
    run(100, 500, 62 * MS, 0);
    assert_int_equal(d.target, 60 * MS);
    run(600, 500, 5000 * MS, 0); /* what waiting cannot cure */
    assert_int_equal(d.target, 60 * MS);
}

static void one_late_packet_changes_nothing(void **state)
{
    (void)state;
    begin();
    run(0, 1000, 0, 0);
    sotto__playout_delay_late(&d, 5000000 + 400 * MS);
    run(1000, 10, 0, 0);
    assert_int_equal(d.target, 20 * MS);
}

static void loss_is_worth_a_packet_more_for_ten_seconds(void **state)
{
    (void)state;
    begin();
    run(0, 100, 0, 0);
    int64_t now = (5000000 + 100 * PACKET - 4000000) / 480 * 480;
    sotto__playout_delay_lost(&d, 2 * PACKET, now);
    assert_int_equal(d.target, 40 * MS);
    run(100, 490, 0, 0);
    assert_int_equal(d.target, 40 * MS);
    run(590, 20, 0, 0);
    assert_int_equal(d.target, 20 * MS);
}

static void the_wait_is_that_of_a_packet_that_was_not_late(void **state)
{
    (void)state;
    begin();
    run(0, 300, 40 * MS, 0);
    /* at 1,500,000 of the device's time a packet stamped 500,000 is the newest that can be here: 30 ms older is played */
    int64_t wait = sotto__playout_delay_of(&d, 500000 - 30 * MS, 1500000);
    assert_in_range(wait, 28 * MS, 41 * MS);
    assert_int_equal(sotto__playout_delay_of(&d, 500000 - 50 * MS, 1500000), wait + 20 * MS);
}

static void drift_is_found(void **state)
{
    (void)state;
    static const double ppms[] = {0, 100, -100, 1000, -1000, 3000};
    for (size_t i = 0; i < 6; i++) {
        begin();
        run(0, 20000, 20 * MS, ppms[i]);
        assert_true(fabs(d.drift_ppm - ppms[i]) < 60); /* the device is seen in steps of 10 ms */
    }
}

static void a_jump_is_no_drift(void **state)
{
    (void)state;
    begin();
    run(0, 5000, 0, 100);
    double before = d.drift_ppm;
    run(6000, 300, 0, 100);
    assert_true(fabs(d.drift_ppm - before) < 40);
    sotto__playout_delay_restart(&d);
    run(0, 100, 0, 100);
    assert_true(fabs(d.drift_ppm - before) < 40);
    assert_int_equal(d.target, 20 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_what_99_of_100_packets_need),
        cmocka_unit_test(it_grows_within_half_a_second_and_forgets_in_a_minute),
        cmocka_unit_test(it_stays_within_its_bounds),
        cmocka_unit_test(one_late_packet_changes_nothing),
        cmocka_unit_test(loss_is_worth_a_packet_more_for_ten_seconds),
        cmocka_unit_test(the_wait_is_that_of_a_packet_that_was_not_late),
        cmocka_unit_test(drift_is_found),
        cmocka_unit_test(a_jump_is_no_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
