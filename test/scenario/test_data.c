/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is sent arrives: every kind and size of message, its limits, and what is refused.
 */
#include "cmocka_all.h"
#include "pair.h"

static void text_binary_and_empty_messages_arrive_as_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        bool is_text;
    } rows[] = {
        {"hello", 5, true},
        {"", 0, true},
        {"", 0, false},
        {"\0", 1, false},
        {"\0", 1, true},
        {"a\0b", 3, true},
        {"\xff\xfe", 2, false},
        {"gr\xc3\xbc\xc3\x9f", 6, true},
        {"\xf0\x9f\x98\x80", 4, true},
    };
    struct chan *a[2];
    struct pair *p = pair_connected(1, NULL, a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int from = 0; from < 2; from++) {
            assert_int_equal(chan_send(a[from], rows[i].bytes, rows[i].n, rows[i].is_text), 0);
            pair_run(p, SOTTO_MS(100));
            struct chan *to = a[1 - from];
            assert_int_equal(to->last_len, rows[i].n);
            assert_memory_equal(to->last, rows[i].bytes, rows[i].n);
            assert_int_equal(to->last_text, rows[i].is_text);
            assert_true(chan_same(a[from], to));
        }
    pair_free(p);
}

static void messages_of_every_size_up_to_the_maximum_arrive_and_one_more_is_too_big(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,    2,    1100,  1171,  1172,  1173,   1174,   1175,  1176,
                                   1200, 2400, 16384, 65535, 65536, 100000, 262143, 262144};
    struct chan *a[2];
    struct pair *p = pair_connected(2, NULL, a);
    uint8_t *m = calloc(1, 262145);
    assert_non_null(m);
    for (size_t i = 0; i < 262145; i++) m[i] = (uint8_t)(i * 7 + (i >> 8));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(chan_send(a[0], m, sizes[i], false), 0);
        assert_int_equal(chan_send(a[1], m, sizes[i], false), 0);
        pair_run(p, SOTTO_SECONDS(5));
        assert_true(chan_same(a[0], a[1]));
        assert_true(chan_same(a[1], a[0]));
    }
    assert_int_equal(chan_send(a[0], m, 262145, false), SOTTO_E_TOO_BIG);
    assert_int_equal(chan_send(a[0], m, SIZE_MAX / 2, false), SOTTO_E_TOO_BIG);
    free(m);
    pair_free(p);
}

static void the_maximum_is_what_the_receiver_says(void **state)
{
    (void)state;
    struct pair_opt o = {0};
    o.pc[1].max_message_size = 1000;
    o.pc[0].max_message_size = 2000000;
    struct chan *a[2];
    struct pair *p = pair_connected(3, &o, a);
    assert_int_equal(chan_number(a[0], 1000), 0);
    assert_int_equal(chan_number(a[0], 1001), SOTTO_E_TOO_BIG);
    assert_int_equal(chan_number(a[1], 2000000), 0);
    assert_int_equal(chan_number(a[1], 2000001), SOTTO_E_TOO_BIG);
    pair_run(p, SOTTO_SECONDS(20));
    assert_true(chan_same(a[0], a[1]));
    assert_true(chan_same(a[1], a[0]));
    pair_free(p);
}

/* proves: A20 */
static void text_that_is_not_utf8_and_bad_arguments_are_refused(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(4, NULL, a);
    assert_int_equal(chan_send(a[0], "\xff", 1, true), SOTTO_E_SYNTAX);
    assert_int_equal(chan_send(a[0], "\xc0\x80", 2, true), SOTTO_E_SYNTAX);
    assert_int_equal(chan_send(a[0], "\xed\xa0\x80", 3, true), SOTTO_E_SYNTAX);
    assert_int_equal(sotto_dc_send(a[0]->dc, NULL, 1, false), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_send(NULL, "x", 1, false), SOTTO_E_INVAL);
    assert_int_equal(sotto_dc_send(a[0]->dc, NULL, 0, false), 0);
    pair_run(p, SOTTO_MS(100));
    assert_int_equal(a[1]->n_in, 1);
    pair_free(p);
    p = pair_new(4, NULL);
    struct chan *early = side_channel(&p->side[0], "early", NULL);
    assert_int_equal(chan_send(early, "x", 1, true), SOTTO_E_STATE);
    pair_free(p);
}

static void thousands_of_small_messages_keep_their_order(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(5, NULL, a);
    chan_bulk(a[0], 5000, 8);
    chan_bulk(a[1], 5000, 40);
    pair_run(p, SOTTO_SECONDS(60));
    assert_true(chan_same(a[0], a[1]) && a[1]->n_in == 5000 && a[1]->n_disorder == 0);
    assert_true(chan_same(a[1], a[0]) && a[0]->n_in == 5000 && a[0]->n_disorder == 0);
    pair_free(p);
}

static void megabytes_arrive_over_bad_links(void **state)
{
    (void)state;
    static const struct net_link links[] = {
        {.delay_us = SOTTO_MS(5)},
        {.delay_us = SOTTO_MS(20), .loss = 0.02},
        {.delay_us = SOTTO_MS(20), .duplicate = 0.1, .reorder = 0.05, .reorder_us = SOTTO_MS(10)},
        {.delay_us = SOTTO_MS(50), .rate_bps = 20000000, .queue_bytes = 100000},
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        struct chan *a[2];
        struct pair *p = pair_connected(100 + i, NULL, a);
        net_link_both(p->net, p->side[0].host, p->side[1].host, &links[i]);
        chan_bulk(a[0], 40, 65536);
        chan_bulk(a[1], 10, 200000);
        pair_run(p, SOTTO_SECONDS(200));
        assert_true(chan_same(a[0], a[1]) && a[1]->n_in == 40);
        assert_true(chan_same(a[1], a[0]) && a[0]->n_in == 10);
        pair_free(p);
    }
}

static void a_window_for_long_fat_paths_fills_the_link(void **state)
{
    (void)state;
    struct net_link fat = {.delay_us = SOTTO_MS(25), .rate_bps = 50000000, .queue_bytes = 600000};
    struct chan *a[2];
    struct pair *p = pair_connected(6, NULL, a);
    net_link_both(p->net, p->side[0].host, p->side[1].host, &fat);
    chan_bulk(a[0], 1000000, 65536);
    pair_run(p, SOTTO_SECONDS(2)); /* slow start */
    uint64_t before = a[1]->bytes_in;
    pair_run(p, SOTTO_SECONDS(4));
    uint64_t mbit = (a[1]->bytes_in - before) * 8 / 4000000;
    print_message("50 Mbit/s, 50 ms: %d Mbit/s\n", (int)mbit);
    assert_true(mbit >= 35);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_binary_and_empty_messages_arrive_as_what_they_are),
        cmocka_unit_test(messages_of_every_size_up_to_the_maximum_arrive_and_one_more_is_too_big),
        cmocka_unit_test(the_maximum_is_what_the_receiver_says),
        cmocka_unit_test(text_that_is_not_utf8_and_bad_arguments_are_refused),
        cmocka_unit_test(thousands_of_small_messages_keep_their_order),
        cmocka_unit_test(megabytes_arrive_over_bad_links),
        cmocka_unit_test(a_window_for_long_fat_paths_fills_the_link),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
