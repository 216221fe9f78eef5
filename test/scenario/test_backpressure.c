/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nobody is faster than the other can bear: the sender is told to wait and when to go on, the receiver that does not read holds
 * the remote back, and memory stays flat meanwhile.
 */
#include <malloc.h>

#include "cmocka_all.h"
#include "pair.h"
#include "util/mem.h"

static void a_full_buffer_says_again_and_writable_comes_exactly_once(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[0].max_buffered_bytes = 100000;
    struct chan *a[2];
    struct pair *p = pair_connected(1, &o, a);
    int r, refused = 0;
    while ((r = chan_number(a[0], 10000)) == 0) refused++;
    assert_int_equal(r, SOTTO_E_AGAIN);
    assert_in_range(sotto_dc_buffered_amount(a[0]->dc), 90001, 100000);
    for (int i = 0; i < 5; i++) assert_int_equal(chan_number(a[0], 10000), SOTTO_E_AGAIN);
    pair_run(p, SOTTO_SECONDS(10));
    assert_int_equal(a[0]->n_writable, 1);
    assert_false(a[0]->owes_ready);
    assert_int_equal(sotto_dc_buffered_amount(a[0]->dc), 0);
    assert_true(chan_same(a[0], a[1]));
    assert_int_equal(chan_number(a[0], 10000), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(a[0]->n_writable, 1);
    pair_free(p);
}

static void a_message_larger_than_the_buffer_goes_when_it_is_empty(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[0].max_buffered_bytes = 1000;
    struct chan *a[2];
    struct pair *p = pair_connected(2, &o, a);
    assert_int_equal(chan_number(a[0], 200000), 0);
    int again = 0;
    for (int i = 0; i < 20; i++) {
        int r = chan_number(a[0], 200000);
        assert_true(r == 0 || r == SOTTO_E_AGAIN);
        again += r == SOTTO_E_AGAIN;
    }
    assert_true(again > 0);
    pair_run(p, SOTTO_SECONDS(10));
    assert_int_equal(a[0]->n_writable, 1);
    assert_int_equal(chan_number(a[0], 200000), 0);
    pair_run(p, SOTTO_SECONDS(10));
    assert_true(chan_same(a[0], a[1]));
    pair_free(p);
}

static void buffered_low_comes_at_each_crossing_downwards(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(3, NULL, a);
    sotto_pc_set_reading(p->side[1].pc, false);
    assert_int_equal(sotto_dc_set_buffered_low(a[0]->dc, 50000), 0);
    assert_int_equal(sotto_dc_get_buffered_low(a[0]->dc), 50000);
    for (int i = 0; i < 100; i++) { /* until SCTP and the remote's window are full too */
        while (chan_number(a[0], 10000) == 0) continue;
        pair_run(p, SOTTO_MS(100));
    }
    size_t before = a[0]->n_low;
    pair_run(p, SOTTO_SECONDS(5));
    assert_int_equal(a[0]->n_low, before);
    assert_true(sotto_dc_buffered_amount(a[0]->dc) > 50000);
    sotto_pc_set_reading(p->side[1].pc, true);
    pair_run(p, SOTTO_SECONDS(20));
    assert_int_equal(a[0]->n_low, before + 1);
    assert_int_equal(sotto_dc_buffered_amount(a[0]->dc), 0);
    pair_free(p);
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* proves: H127 */
static void a_reader_that_stops_for_a_minute_holds_the_sender_and_loses_nothing(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[0].max_buffered_bytes = 1000000;
    struct chan *a[2], *b[2];
    struct pair *p = pair_connected(4, &o, a), *other;
    struct pair_opt beside = {.beside = p, .addresses = {"198.51.100.1", "198.51.100.2"}};
    other = pair_connected(5, &beside, b);
    size_t sizes[] = {60000, 1000, 100};
    for (size_t k = 0; k < 3; k++) {
        uint64_t n = 6000000 / sizes[k];
        assert_int_equal(sotto_pc_set_reading(p->side[1].pc, false), 0);
        pair_run(p, SOTTO_MS(100));
        uint64_t in = a[1]->n_in;
        chan_bulk(a[0], n, sizes[k]);
        pair_run(p, SOTTO_SECONDS(5));
        int64_t live = sotto__mem_live();
        size_t bytes = allocated();
        uint64_t out = a[0]->n_out;
        pair_run(p, SOTTO_SECONDS(55));
        assert_int_equal(a[1]->n_in, in);
        assert_true((a[0]->n_out - out) * sizes[k] <= 600000); /* SCTP's probes of the window bring some over */
        assert_true(sotto__mem_live() <= live + 1000);
        assert_true(allocated() <= bytes + 2000000);
        assert_int_equal(chan_send(b[0], "meanwhile", 9, true), 0);
        pair_run(other, SOTTO_SECONDS(1));
        assert_true(chan_same(b[0], b[1]));
        sotto_us begin = p->net->now;
        assert_int_equal(sotto_pc_set_reading(p->side[1].pc, true), 0);
        while (a[1]->n_in < in + n && p->net->now < begin + SOTTO_SECONDS(60))
            pair_run(p, SOTTO_MS(100));
        print_message("%zu bytes each: resumed and done in %d ms\n", sizes[k],
                      (int)((p->net->now - begin) / 1000));
        assert_true(chan_same(a[0], a[1]));
        assert_true(p->net->now - begin < SOTTO_SECONDS(20));
    }
    pair_free(other);
    pair_free(p);
}

/* proves: S09 A01 */
static void an_application_that_takes_no_events_holds_the_sender_too(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(6, NULL, a);
    p->side[1].deaf = true;
    chan_bulk(a[0], 200, 60000);
    pair_run(p, SOTTO_SECONDS(5));
    int64_t live = sotto__mem_live();
    pair_run(p, SOTTO_SECONDS(60));
    assert_true(a[0]->bulk_left > 0);
    assert_true(sotto__mem_live() <= live + 64);
    assert_true(pair_is_connected(p, NULL));
    p->side[1].deaf = false;
    pair_run(p, SOTTO_SECONDS(60));
    assert_true(chan_same(a[0], a[1]) && a[1]->n_in == 200);
    pair_free(p);
}

/* proves: S09 A01 */
static void a_reader_may_sleep_for_ten_minutes(void **state)
{
    (void)state;
    static const size_t sizes[] = {60000, 100};
    for (size_t k = 0; k < 2; k++) {
        struct chan *a[2];
        struct pair *p = pair_connected(9, NULL, a);
        assert_int_equal(sotto_pc_set_reading(p->side[1].pc, false), 0);
        chan_bulk(a[0], 6000000 / sizes[k], sizes[k]);
        pair_run(p, SOTTO_SECONDS(20));
        size_t bytes = allocated();
        pair_run(p, SOTTO_SECONDS(600));
        assert_true(pair_is_connected(p, NULL));
        assert_true(allocated() <= bytes + 4000000);
        assert_int_equal(sotto_pc_set_reading(p->side[1].pc, true), 0);
        pair_run(p, SOTTO_SECONDS(30));
        assert_true(chan_same(a[0], a[1]) && a[1]->n_in == 6000000 / sizes[k]);
        pair_free(p);
    }
}

/* proves: H127 */
static void reading_off_leaves_the_other_events_alone(void **state)
{
    (void)state;
    struct chan *a[2], *b[2];
    struct pair *p = pair_connected(7, NULL, a);
    sotto_pc_set_reading(p->side[1].pc, false);
    assert_true(pair_open_channel(p, 1, "own", NULL, b));
    sotto_pc_set_reading(p->side[1].pc, true);
    assert_int_equal(chan_send(b[0], "x", 1, true), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_true(chan_same(b[0], b[1]));
    pair_free(p);
}

static void channels_share_by_their_priorities(void **state)
{
    (void)state;
    static const int32_t priorities[4] = {SOTTO_PRIORITY_VERY_LOW, SOTTO_PRIORITY_LOW,
                                          SOTTO_PRIORITY_MEDIUM, SOTTO_PRIORITY_HIGH};
    struct chan *a[2], *c[4][2];
    struct net_link slow = {.delay_us = SOTTO_MS(10), .rate_bps = 10000000, .queue_bytes = 50000};
    struct pair *p = pair_connected(8, NULL, a);
    for (int i = 0; i < 4; i++) {
        sotto_dc_config cfg = {.priority = priorities[i]};
        char label[8];
        snprintf(label, sizeof label, "p%d", i);
        assert_true(pair_open_channel(p, 0, label, &cfg, c[i]));
        assert_int_equal(sotto_dc_priority(c[i][1]->dc), priorities[i]);
    }
    net_link_both(p->net, p->side[0].host, p->side[1].host, &slow);
    for (int i = 0; i < 4; i++) chan_bulk(c[i][0], 1000000, 4000);
    pair_run(p, SOTTO_SECONDS(8)); /* what SCTP took before they competed must go first */
    uint64_t begin[4], share[4];
    for (int i = 0; i < 4; i++) begin[i] = c[i][1]->bytes_in;
    pair_run(p, SOTTO_SECONDS(10));
    for (int i = 0; i < 4; i++) share[i] = c[i][1]->bytes_in - begin[i];
    print_message("shares %d %d %d %d KB\n", (int)(share[0] / 1000), (int)(share[1] / 1000),
                  (int)(share[2] / 1000), (int)(share[3] / 1000));
    for (int i = 0; i < 3; i++) { /* each class twice the one below */
        assert_true(share[i + 1] * 10 > share[i] * 16);
        assert_true(share[i + 1] * 10 < share[i] * 25);
    }
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_buffer_says_again_and_writable_comes_exactly_once),
        cmocka_unit_test(a_message_larger_than_the_buffer_goes_when_it_is_empty),
        cmocka_unit_test(buffered_low_comes_at_each_crossing_downwards),
        cmocka_unit_test(a_reader_that_stops_for_a_minute_holds_the_sender_and_loses_nothing),
        cmocka_unit_test(an_application_that_takes_no_events_holds_the_sender_too),
        cmocka_unit_test(a_reader_may_sleep_for_ten_minutes),
        cmocka_unit_test(reading_off_leaves_the_other_events_alone),
        cmocka_unit_test(channels_share_by_their_priorities),
    };
    return cmocka_run_group_tests_name("backpressure", tests, NULL, NULL);
}
