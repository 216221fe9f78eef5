/* SPDX-License-Identifier: BSD-2-Clause */
#include "media/jitter.h"

#include "feed.h"

static uint32_t seed = 1;
static sotto_us random_below(sotto_us n)
{
    seed = seed * 1664525 + 1013904223;
    return (sotto_us)(seed >> 8) % n;
}

/* Frames at 30 a second; each is jitter later than it might be, at random. Returns the arrival of the last. */
static sotto_us play(struct jitter *j, sotto_us from, uint32_t *time, unsigned n, sotto_us most)
{
    sotto_us at = from;
    for (unsigned i = 0; i < n; i++) {
        at = from + (sotto_us)i * 33333;
        *time += 3000;
        sotto__jitter_frame(j, at + (most ? random_below(most) : 0), *time, 90000, 0);
    }
    return at + 33333;
}

static void an_even_stream_is_hardly_held(void **state)
{
    struct jitter j;
    uint32_t time = 0;
    (void)state;
    sotto__jitter_init(&j, -1);
    assert_true(sotto__jitter_due(&j, 5) < 0); /* nothing is known: at once */
    sotto_us at = play(&j, SOTTO_SECONDS(5), &time, 900, 0);
    assert_in_range(sotto__jitter_target(&j), SOTTO_MS(10), SOTTO_MS(12));
    assert_in_range(sotto__jitter_due(&j, time + 3000), at, at + SOTTO_MS(12));
}

static void the_target_covers_nearly_all_lateness_and_comes_down_again(void **state)
{
    struct jitter j;
    uint32_t time = 0xfffff000; /* it wraps */
    (void)state;
    sotto__jitter_init(&j, -1);
    sotto_us at = play(&j, SOTTO_SECONDS(5), &time, 900, SOTTO_MS(100));
    assert_in_range(sotto__jitter_target(&j), SOTTO_MS(90), SOTTO_MS(110));
    at = play(&j, at, &time, 3000, SOTTO_MS(1));
    assert_in_range(sotto__jitter_target(&j), SOTTO_MS(10), SOTTO_MS(15));
}

static void late_frames_are_due_when_they_would_have_been(void **state)
{
    struct jitter j;
    uint32_t time = 0;
    (void)state;
    sotto__jitter_init(&j, SOTTO_MS(200));
    sotto_us at = play(&j, SOTTO_SECONDS(5), &time, 100, 0);
    sotto__jitter_frame(&j, at + SOTTO_MS(150), time + 3000, 90000, 0);
    assert_in_range(sotto__jitter_due(&j, time + 3000), at + SOTTO_MS(199), at + SOTTO_MS(201));
}

static void a_target_that_was_set_stands(void **state)
{
    struct jitter j;
    uint32_t time = 0;
    (void)state;
    sotto__jitter_init(&j, SOTTO_SECONDS(4));
    play(&j, SOTTO_SECONDS(5), &time, 900, SOTTO_MS(100));
    assert_int_equal(sotto__jitter_target(&j), SOTTO_SECONDS(4));
    sotto__jitter_fix(&j, 0);
    assert_int_equal(sotto__jitter_target(&j), 0);
    sotto__jitter_fix(&j, -1);
    assert_in_range(sotto__jitter_target(&j), SOTTO_MS(90), SOTTO_MS(110)); /* it was learned meanwhile */
}

/* A sender's clock that is 1000 ppm slow or fast, for an hour: frames are neither held longer and longer nor late. */
static void drift_is_followed(void **state)
{
    (void)state;
    for (int ppm = -1000; ppm <= 1000; ppm += 2000) {
        struct jitter j;
        sotto__jitter_init(&j, -1);
        for (sotto_us i = 0; i < 30 * 3600; i++) {
            sotto_us at = SOTTO_SECONDS(1) + i * 33333 * (1000000 + ppm) / 1000000;
            uint32_t time = (uint32_t)(i * 3000);
            sotto__jitter_frame(&j, at, time, 90000, 0);
            sotto_us held = sotto__jitter_due(&j, time) - at;
            assert_true(held >= -SOTTO_MS(25) && held <= SOTTO_MS(60));
        }
        assert_in_range(sotto__jitter_target(&j), SOTTO_MS(10), SOTTO_MS(35));
    }
}

static void repairs_get_room_that_shrinks_again(void **state)
{
    struct jitter j;
    uint32_t time = 0;
    (void)state;
    sotto__jitter_init(&j, -1);
    sotto_us at = play(&j, SOTTO_SECONDS(5), &time, 900, 0);
    time += 3000;
    sotto__jitter_frame(&j, at + SOTTO_MS(110), time, 90000, SOTTO_MS(110));
    assert_in_range(sotto__jitter_target(&j), SOTTO_MS(115), SOTTO_MS(125));
    at = play(&j, at + 33333, &time, 300, 0);
    assert_in_range(sotto__jitter_target(&j), SOTTO_MS(30), SOTTO_MS(70));
    play(&j, at, &time, 1200, 0);
    assert_in_range(sotto__jitter_target(&j), SOTTO_MS(10), SOTTO_MS(14));
}

/* What a repair took is a guess: it does not move the line of the earliest arrivals. */
static void repairs_do_not_make_frames_early(void **state)
{
    struct jitter j;
    uint32_t time = 0;
    (void)state;
    sotto__jitter_init(&j, SOTTO_MS(100));
    sotto_us at = play(&j, SOTTO_SECONDS(5), &time, 100, 0);
    time += 3000;
    sotto__jitter_frame(&j, at + SOTTO_MS(50), time, 90000, SOTTO_MS(150));
    assert_in_range(sotto__jitter_due(&j, time), at + SOTTO_MS(99), at + SOTTO_MS(101));
}

static void a_day_of_one_frame_a_second_wraps_no_difference(void **state)
{
    struct jitter j;
    (void)state;
    sotto__jitter_init(&j, 0);
    for (sotto_us i = 0; i < 24 * 3600; i++) {
        sotto__jitter_frame(&j, SOTTO_SECONDS(i), (uint32_t)(i * 90000), 90000, 0);
        assert_int_equal(sotto__jitter_due(&j, (uint32_t)(i * 90000)), SOTTO_SECONDS(i));
    }
}

static void the_adaptive_target_has_a_limit(void **state)
{
    struct jitter j;
    uint32_t time = 0;
    (void)state;
    sotto__jitter_init(&j, -1);
    play(&j, SOTTO_SECONDS(5), &time, 2000, SOTTO_MS(1990));
    sotto__jitter_frame(&j, SOTTO_SECONDS(80), time, 90000, SOTTO_SECONDS(80));
    assert_int_equal(sotto__jitter_target(&j), SOTTO_SECONDS(1));
}

/* proves: H100 */
static void jumps_of_the_media_time_begin_anew(void **state)
{
    static const uint32_t jumps[] = {90000 * 3, 90000 * 3600, 0x7fffffff, 0x80000000,
                                     0xffff0000 - 90000 * 3};
    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        struct jitter j;
        uint32_t time = 0;
        sotto__jitter_init(&j, -1);
        sotto_us at = play(&j, SOTTO_SECONDS(5), &time, 300, SOTTO_MS(20));
        time += jumps[i];
        sotto__jitter_frame(&j, at, time, 90000, 0);
        sotto_us due = sotto__jitter_due(&j, time);
        assert_true(due >= at && due <= at + SOTTO_SECONDS(1));
        at = play(&j, at + 33333, &time, 300, SOTTO_MS(20));
        due = sotto__jitter_due(&j, time);
        assert_true(due >= at - SOTTO_MS(50) && due <= at + SOTTO_MS(50));
    }
}

static void another_clock_begins_anew_and_none_is_ignored(void **state)
{
    struct jitter j;
    uint32_t time = 0;
    (void)state;
    sotto__jitter_init(&j, 0);
    play(&j, SOTTO_SECONDS(5), &time, 300, 0);
    sotto__jitter_frame(&j, SOTTO_SECONDS(20), 77, 8000, 0);
    assert_int_equal(sotto__jitter_due(&j, 77 + 8000), SOTTO_SECONDS(21));
    sotto__jitter_frame(&j, SOTTO_SECONDS(20), 77, 0, 0);
    assert_int_equal(sotto__jitter_due(&j, 77 + 8000), SOTTO_SECONDS(21));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_stream_is_hardly_held),
        cmocka_unit_test(the_target_covers_nearly_all_lateness_and_comes_down_again),
        cmocka_unit_test(late_frames_are_due_when_they_would_have_been),
        cmocka_unit_test(a_target_that_was_set_stands),
        cmocka_unit_test(drift_is_followed),
        cmocka_unit_test(repairs_get_room_that_shrinks_again),
        cmocka_unit_test(repairs_do_not_make_frames_early),
        cmocka_unit_test(a_day_of_one_frame_a_second_wraps_no_difference),
        cmocka_unit_test(the_adaptive_target_has_a_limit),
        cmocka_unit_test(jumps_of_the_media_time_begin_anew),
        cmocka_unit_test(another_clock_begins_anew_and_none_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
