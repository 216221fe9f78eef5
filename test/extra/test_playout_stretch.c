/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "extra/playout.h"

#define BEFORE PLAYOUT_MAX_STRETCH
#define N 2400

static int16_t pcm[(BEFORE + N + PLAYOUT_MAX_STRETCH) * 2];

static int16_t *fill(double hz, int channels)
{
    for (int i = 0; i < BEFORE + N; i++)
        for (int c = 0; c < channels; c++)
            pcm[i * channels + c] =
                (int16_t)lrint((c ? 5000 : 10000) * sin(2 * M_PI * hz * i / 48000));
    return pcm + BEFORE * channels;
}

/* Largest second difference from before the place to n frames behind it. */
static double roughness(const int16_t *at, int n, int channels)
{
    double most = 0;
    for (int i = -200; i < n - 2; i++)
        for (int c = 0; c < channels; c++) {
            const int16_t *v = at + i * channels + c;
            most = fmax(most, fabs((double)v[0] - 2.0 * v[channels] + v[2 * channels]));
        }
    return most;
}

static void a_tone_is_made_shorter_and_longer_by_whole_periods_without_a_click(void **state)
{
    (void)state;
    static const double tones[] = {70, 100, 150, 440, 1000, 3000};
    for (int channels = 1; channels <= 2; channels++)
        for (size_t i = 0; i < 6; i++) {
            double period = 48000 / tones[i], own = 10000 * pow(2 * M_PI * tones[i] / 48000, 2) + 4;
            int16_t *at = fill(tones[i], channels);
            size_t n = sotto__playout_shorten(at, N, channels, 720, 0.95F);
            assert_true(n >= 120 && n <= 720);
            assert_true(fabs(remainder((double)n, period)) < 1);
            assert_true(roughness(at, N - (int)n, channels) < own * 1.2 + 20);
            at = fill(tones[i], channels);
            n = sotto__playout_lengthen(at, N, channels, 720, 0.95F);
            assert_true(n >= 120 && n <= 720);
            assert_true(fabs(remainder((double)n, period)) < 1);
            assert_true(roughness(at, N + (int)n, channels) < own * 1.2 + 20);
        }
}

static void what_lies_behind_is_moved_and_unchanged(void **state)
{
    (void)state;
    static int16_t was[N];
    int16_t *at = fill(200, 1);
    memcpy(was, at, sizeof was);
    size_t n = sotto__playout_shorten(at, N, 1, 720, 0.9F);
    assert_true(n > 0);
    assert_memory_equal(at + PLAYOUT_FADE, was + PLAYOUT_FADE + n,
                        (N - PLAYOUT_FADE - n) * sizeof *at);
    at = fill(200, 1);
    n = sotto__playout_lengthen(at, N, 1, 720, 0.9F);
    assert_true(n > 0);
    assert_memory_equal(at + n, was, N * sizeof *at);
}

static void no_more_is_changed_than_was_asked_for(void **state)
{
    (void)state;
    for (size_t most = 0; most <= 800; most += 40) {
        size_t n = sotto__playout_shorten(fill(440, 1), N, 1, most, 0.5F);
        assert_true(n <= most && n <= 720 && (most < 120 ? n == 0 : n > 0));
        n = sotto__playout_lengthen(fill(440, 1), N, 1, most, 0.5F);
        assert_true(n <= most && n <= 720 && (most < 120 ? n == 0 : n > 0));
    }
}

static void what_is_nowhere_alike_stays_as_it_is(void **state)
{
    (void)state;
    uint32_t seed = 1;
    int16_t *at = fill(1, 1);
    for (int i = 0; i < BEFORE + N; i++)
        pcm[i] = (int16_t)((seed = seed * 1664525 + 1013904223) >> 16);
    assert_int_equal(sotto__playout_shorten(at, N, 1, 720, 0.9F), 0);
    assert_int_equal(sotto__playout_lengthen(at, N, 1, 720, 0.9F), 0);
}

static void silence_can_be_changed_anywhere(void **state)
{
    (void)state;
    memset(pcm, 0, sizeof pcm);
    assert_true(sotto__playout_shorten(pcm + BEFORE, N, 1, 720, 0.99F) > 0);
    assert_true(sotto__playout_lengthen(pcm + BEFORE, N, 1, 720, 0.99F) > 0);
}

static void with_too_little_to_go_on_nothing_is_done(void **state)
{
    (void)state;
    int16_t *at = fill(440, 1);
    assert_int_equal(sotto__playout_shorten(at, 720 + PLAYOUT_FADE - 1, 1, 720, 0.5F), 0);
    assert_true(sotto__playout_shorten(at, 720 + PLAYOUT_FADE, 1, 720, 0.5F) > 0);
    assert_int_equal(sotto__playout_lengthen(fill(440, 1), 119, 1, 720, 0.5F), 0);
    assert_true(sotto__playout_lengthen(fill(440, 1), 120, 1, 720, 0.5F) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_is_made_shorter_and_longer_by_whole_periods_without_a_click),
        cmocka_unit_test(what_lies_behind_is_moved_and_unchanged),
        cmocka_unit_test(no_more_is_changed_than_was_asked_for),
        cmocka_unit_test(what_is_nowhere_alike_stays_as_it_is),
        cmocka_unit_test(silence_can_be_changed_anywhere),
        cmocka_unit_test(with_too_little_to_go_on_nothing_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
