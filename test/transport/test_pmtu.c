/* SPDX-License-Identifier: BSD-2-Clause */
/* The search for a path's packet size: all paths, all patterns of loss, time by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/pmtu.h"

#define RTT SOTTO_MS(20)

struct world {
    struct pmtu m;
    sotto_us now;
    size_t carries;    /* the path's size */
    uint32_t lost;     /* probes that are lost anyway: bit i the i-th */
    unsigned probes;
};

static void begin(struct world *w, size_t carries)
{
    *w = (struct world){.now = SOTTO_SECONDS(5), .carries = carries};
    sotto__pmtu_init(&w->m, PMTU_LIMIT);
}

/* Until nothing is due: never two probes at a time, never one before it is due. */
static void run(struct world *w)
{
    for (int i = 0; i < 200; i++) {
        sotto_us due = sotto__pmtu_due(&w->m);
        if (due == SOTTO_NEVER) return;
        if (due > w->now) w->now = due;
        size_t size = sotto__pmtu_next(&w->m, w->now);
        if (size == 0) continue;
        assert_int_equal(sotto__pmtu_next(&w->m, w->now), 0);
        assert_true(sotto__pmtu_due(&w->m) >= w->now + SOTTO_MS(100));
        bool lost = w->probes < 32 && (w->lost >> w->probes & 1);
        w->probes++;
        if (lost || size > w->carries) continue;
        w->now += RTT;
        sotto__pmtu_acked(&w->m, w->now, size);
    }
    fail_msg("it never ends");
}

static void every_path_is_searched_to_the_end(void **state)
{
    (void)state;
    static const struct {
        size_t carries, found;
    } cases[] = {{1160, 1160},  {1191, 1160},   {1192, 1192},  {1311, 1192}, {1312, 1312},
                 {1332, 1332},  {1372, 1372},   {1392, 1392},  {1412, 1412}, {1431, 1412},
                 {1432, 1432},  {8807, 1432},   {8808, 8808},  {8911, 8808}, {8912, 8912},
                 {16255, 8912}, {16256, 16256}, {65535, 16256}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        begin(&w, cases[i].carries);
        sotto__pmtu_want(&w.m, w.now);
        run(&w);
        assert_int_equal(w.m.state, PMTU_COMPLETE);
        assert_int_equal(w.m.size, cases[i].found);
        assert_true(sotto__pmtu_settled(&w.m));
        assert_true(w.probes <= 17); /* of at most 6 sizes, and 5 of them lost three times */
    }
}

static void no_more_is_tried_than_may_be(void **state)
{
    (void)state;
    static const struct {
        size_t most, found;
    } cases[] = {{1, 1160},     {1160, 1160}, {1191, 1160},  {PMTU_ETHERNET, 1432},
                 {2048, 1432},  {8912, 8912}, {16255, 8912}, {PMTU_LIMIT, 16256},
                 {65535, 16256}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w = {.now = SOTTO_SECONDS(5), .carries = 65535};
        sotto__pmtu_init(&w.m, cases[i].most);
        for (int again = 0; again < 2; again++) {
            sotto__pmtu_want(&w.m, w.now);
            run(&w);
            assert_int_equal(w.m.state, PMTU_COMPLETE);
            assert_int_equal(w.m.size, cases[i].found);
            assert_int_equal(w.m.top, w.m.low);
            w.now += SOTTO_SECONDS(700); /* PMTU_RAISE_TIMER */
        }
    }
}

/* Three losses in a row are what a size's end looks like; any fewer change nothing. */
static void every_pattern_of_loss_ends_with_a_size_that_passes(void **state)
{
    (void)state;
    static const size_t carries[] = {1160, 1332, 1432, 8912, 16256};
    for (size_t k = 0; k < sizeof carries / sizeof carries[0]; k++)
        for (uint32_t lost = 0; lost < 1u << 14; lost++) {
            struct world w;
            begin(&w, carries[k]);
            w.lost = lost;
            sotto__pmtu_want(&w.m, w.now);
            run(&w);
            assert_int_equal(w.m.state, PMTU_COMPLETE);
            assert_true(w.m.size <= carries[k]);
            bool three = lost & lost >> 1 & lost >> 2;
            /* what is too large is lost too: such a loss beside one of these may look like three */
            if (!three && carries[k] == 16256) assert_int_equal(w.m.size, 16256);
        }
}

static void nobody_is_probed_before_bulk_data_or_on_a_path_that_is_off(void **state)
{
    (void)state;
    struct pmtu m;
    for (int searched = 0; searched < 2; searched++) {
        sotto__pmtu_init(&m, searched ? PMTU_LIMIT : 0);
        assert_int_equal(sotto__pmtu_due(&m), SOTTO_NEVER);
        assert_int_equal(sotto__pmtu_next(&m, SOTTO_SECONDS(1)), 0);
        sotto__pmtu_stalled(&m, SOTTO_SECONDS(1));
        sotto__pmtu_acked(&m, SOTTO_SECONDS(1), PMTU_BASE);
        sotto__pmtu_acked(&m, SOTTO_SECONDS(1), PMTU_LIMIT);
        assert_int_equal(sotto__pmtu_next(&m, SOTTO_SECONDS(1)), 0);
        assert_int_equal(m.size, PMTU_BASE);
        assert_false(sotto__pmtu_settled(&m));
        sotto__pmtu_want(&m, SOTTO_SECONDS(2));
        assert_int_equal(sotto__pmtu_next(&m, SOTTO_SECONDS(2)), searched ? PMTU_BASE : 0);
        assert_int_equal(sotto__pmtu_settled(&m), !searched);
    }
}

/* The first search over such a path, to its end. */
static void search(struct world *w, size_t carries)
{
    begin(w, carries);
    sotto__pmtu_want(&w->m, w->now);
    run(w);
}

static void a_peer_that_never_answers_is_asked_three_times_and_later_again(void **state)
{
    (void)state;
    struct world w;
    search(&w, 0);
    assert_int_equal(w.probes, 3);
    assert_int_equal(w.m.size, PMTU_BASE);
    sotto__pmtu_want(&w.m, w.now + SOTTO_SECONDS(9));
    assert_int_equal(sotto__pmtu_due(&w.m), SOTTO_NEVER);
    w.now += SOTTO_SECONDS(10), w.carries = 1432;
    sotto__pmtu_want(&w.m, w.now);
    run(&w);
    assert_int_equal(w.m.size, 1432);
}

static void larger_sizes_are_tried_again_after_ten_minutes_of_which_bulk_data_knows(void **state)
{
    (void)state;
    struct world w;
    search(&w, 1432);
    unsigned before = w.probes;
    w.carries = 8912;
    sotto__pmtu_want(&w.m, w.now + SOTTO_SECONDS(599));
    run(&w);
    assert_int_equal(w.probes, before);
    w.now += SOTTO_SECONDS(601);
    run(&w);
    assert_int_equal(w.probes, before); /* idle */
    sotto__pmtu_want(&w.m, w.now);
    run(&w);
    assert_int_equal(w.m.size, 8912);
}

static void a_black_hole_is_asked_about_and_then_left(void **state)
{
    (void)state;
    struct world w;
    search(&w, 8912);
    unsigned before = w.probes;
    sotto__pmtu_stalled(&w.m, w.now); /* no black hole: one probe says so */
    run(&w);
    assert_int_equal(w.probes, before + 1);
    assert_int_equal(w.m.size, 8912);
    assert_true(sotto__pmtu_settled(&w.m));
    sotto__pmtu_stalled(&w.m, w.now); /* believed for a second */
    run(&w);
    assert_int_equal(w.probes, before + 1);
    w.now += SOTTO_SECONDS(2), w.carries = 1400;
    sotto__pmtu_stalled(&w.m, w.now);
    sotto_us start = w.now;
    for (int i = 0; i < 3; i++) { /* RFC 8899 §4.3: down to the base before anything else */
        assert_int_equal(sotto__pmtu_next(&w.m, w.now), 8912);
        w.now = sotto__pmtu_due(&w.m);
    }
    assert_int_equal(sotto__pmtu_next(&w.m, w.now), PMTU_BASE);
    assert_int_equal(w.m.size, PMTU_BASE);
    assert_true(w.now - start < SOTTO_MS(500));
    sotto__pmtu_acked(&w.m, w.now + RTT, PMTU_BASE);
    run(&w);
    assert_int_equal(w.m.size, 1392);
}

static void late_answers_count(void **state)
{
    (void)state;
    struct world w;
    search(&w, 1432);
    sotto__pmtu_acked(&w.m, w.now, 8808); /* it was probed and thought lost */
    assert_int_equal(w.m.size, 8808);
    assert_int_equal(sotto__pmtu_due(&w.m), SOTTO_NEVER);
    sotto__pmtu_acked(&w.m, w.now, 1432);
    sotto__pmtu_acked(&w.m, w.now, 8809);
    sotto__pmtu_acked(&w.m, w.now, 0);
    assert_int_equal(w.m.size, 8808);
}

/* A queue had made all probes of a size late: the larger ones are tried again soon, with more patience. */
static void a_late_answer_to_what_passes_begins_another_search_soon(void **state)
{
    (void)state;
    struct world w;
    search(&w, 1392);
    assert_int_equal(w.m.size, 1392);
    unsigned before = w.probes;
    w.carries = 8912;
    w.now += SOTTO_MS(300);
    sotto__pmtu_acked(&w.m, w.now, 1392);
    sotto__pmtu_want(&w.m, w.now + SOTTO_SECONDS(9));
    assert_int_equal(sotto__pmtu_due(&w.m), SOTTO_NEVER);
    w.now += SOTTO_SECONDS(10);
    sotto__pmtu_want(&w.m, w.now);
    assert_true(sotto__pmtu_next(&w.m, w.now) > 1392);
    assert_true(sotto__pmtu_due(&w.m) - w.now >= SOTTO_MS(900));
    w.m.in_flight = false, w.m.tries = 0;
    run(&w);
    assert_true(w.probes > before);
    assert_int_equal(w.m.size, 8912);
}

static void answers_to_probes_that_were_never_sent_are_nothing(void **state)
{
    (void)state;
    struct world w;
    begin(&w, PMTU_LIMIT);
    sotto__pmtu_want(&w.m, w.now);
    assert_int_equal(sotto__pmtu_next(&w.m, w.now), PMTU_BASE);
    sotto__pmtu_acked(&w.m, w.now, PMTU_LIMIT);
    sotto__pmtu_acked(&w.m, w.now, 1432);
    assert_int_equal(w.m.size, PMTU_BASE);
    assert_int_equal(w.m.state, PMTU_CONFIRM);
}

static void the_timer_follows_the_round_trip(void **state)
{
    (void)state;
    static const struct {
        sotto_us rtt, timer;
    } cases[] = {{SOTTO_MS(1), SOTTO_MS(100)},
                 {SOTTO_MS(34), SOTTO_MS(102)},
                 {SOTTO_MS(400), SOTTO_MS(1200)},
                 {SOTTO_MS(990), SOTTO_MS(2970)}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pmtu m;
        sotto__pmtu_init(&m, PMTU_LIMIT);
        sotto__pmtu_want(&m, 0);
        assert_int_equal(sotto__pmtu_next(&m, 0), PMTU_BASE);
        assert_int_equal(sotto__pmtu_due(&m), SOTTO_SECONDS(1));
        sotto__pmtu_acked(&m, cases[i].rtt, PMTU_BASE);
        assert_int_equal(sotto__pmtu_next(&m, cases[i].rtt), PMTU_LIMIT);
        assert_int_equal(sotto__pmtu_due(&m), cases[i].rtt + cases[i].timer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_is_searched_to_the_end),
        cmocka_unit_test(no_more_is_tried_than_may_be),
        cmocka_unit_test(every_pattern_of_loss_ends_with_a_size_that_passes),
        cmocka_unit_test(nobody_is_probed_before_bulk_data_or_on_a_path_that_is_off),
        cmocka_unit_test(a_peer_that_never_answers_is_asked_three_times_and_later_again),
        cmocka_unit_test(larger_sizes_are_tried_again_after_ten_minutes_of_which_bulk_data_knows),
        cmocka_unit_test(a_black_hole_is_asked_about_and_then_left),
        cmocka_unit_test(late_answers_count),
        cmocka_unit_test(a_late_answer_to_what_passes_begins_another_search_soon),
        cmocka_unit_test(answers_to_probes_that_were_never_sent_are_nothing),
        cmocka_unit_test(the_timer_follows_the_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
