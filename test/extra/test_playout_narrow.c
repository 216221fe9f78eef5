/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "extra/playout.h"

static struct playout_narrow narrow;
static int16_t out[48000 * 2];

static void tone(double hz, size_t from, size_t n8, int16_t *pcm8)
{
    for (size_t i = 0; i < n8; i++)
        pcm8[i] = (int16_t)lrint(10000 * sin(2 * M_PI * hz * (double)(from + i) / 8000));
}

/* How loud hz is in n frames of out: the amplitude of a sine. */
static double level(double hz, size_t from, size_t n)
{
    double re = 0, im = 0;
    for (size_t i = 0; i < n; i++) {
        re += out[from + i] * cos(2 * M_PI * hz * (double)i / 48000);
        im += out[from + i] * sin(2 * M_PI * hz * (double)i / 48000);
    }
    return 2 * sqrt(re * re + im * im) / (double)n;
}

static void a_telephone_s_band_is_kept_and_its_images_are_gone(void **state)
{
    (void)state;
    static const double tones[] = {50, 300, 1000, 2000, 3000, 3400};
    for (size_t i = 0; i < 6; i++) {
        sotto__playout_narrow_init(&narrow);
        for (size_t k = 0; k < 25; k++) {
            int16_t pcm8[160];
            tone(tones[i], k * 160, 160, pcm8);
            sotto__playout_narrow_play(&narrow, pcm8, 160, out + k * 960, 1);
        }
        double kept = level(tones[i], 4800, 9600);
        assert_true(kept > 9700 && kept < 10150);
        for (double carrier = 8000; carrier <= 24000; carrier += 8000) { /* 50 dB below */
            assert_true(level(carrier - tones[i], 4800, 9600) < 32);
            assert_true(level(carrier + tones[i], 4800, 9600) < 32);
        }
    }
}

static void any_piecing_gives_the_same_in_every_channel(void **state)
{
    (void)state;
    static int16_t whole[960 * 6], stereo[960 * 12];
    int16_t pcm8[960];
    tone(700, 0, 960, pcm8);
    sotto__playout_narrow_init(&narrow);
    sotto__playout_narrow_play(&narrow, pcm8, 960, whole, 1);
    sotto__playout_narrow_init(&narrow);
    for (size_t at = 0, n = 1; at < 960; at += n, n = n * 2 + 1) {
        if (n > 960 - at) n = 960 - at;
        tone(700, at, n, pcm8);
        sotto__playout_narrow_play(&narrow, pcm8, n, stereo + at * 12, 2);
    }
    for (size_t i = 0; i < 960 * 6; i++) {
        assert_int_equal(stereo[2 * i], whole[i]);
        assert_int_equal(stereo[2 * i + 1], whole[i]);
    }
}

/* 200 ms of a tone, a gap of so many samples, the tone again: largest second difference, and what is left of it in the gap. */
static double over_a_gap(double hz, size_t gap, double *ret_level)
{
    int16_t pcm8[1600];
    size_t n = 0;
    sotto__playout_narrow_init(&narrow);
    for (size_t k = 0; k < 10; k++, n += 160) {
        tone(hz, n, 160, pcm8);
        sotto__playout_narrow_play(&narrow, pcm8, 160, out + n * 6, 1);
    }
    for (size_t done = 0; done < gap; done += 80)
        sotto__playout_narrow_conceal(&narrow, 80, out + (n + done) * 6, 1);
    *ret_level = level(hz, n * 6, gap * 6);
    n += gap;
    tone(hz, n, 1600, pcm8);
    sotto__playout_narrow_play(&narrow, pcm8, 960, out + n * 6, 1);
    double most = 0;
    for (size_t i = 4800; i < (n + 960) * 6 - 2; i++)
        most = fmax(most, fabs((double)out[i] - 2.0 * out[i + 1] + out[i + 2]));
    return most;
}

static void a_gap_is_filled_with_what_was_heard_without_a_click(void **state)
{
    (void)state;
    static const double tones[] = {100, 200, 440, 700, 1000};
    for (size_t i = 0; i < 5; i++)
        for (size_t gap = 80; gap <= 640; gap *= 2) {
            double left, own = 10000 * pow(2 * M_PI * tones[i] / 48000, 2);
            double rough = over_a_gap(tones[i], gap, &left);
            assert_true(rough < 2.5 * own + 60);
            assert_true(left > 6000);
        }
}

/* 30 Hz is longer than any lag: what is repeated begins elsewhere, and must not begin with a jump. */
static void where_nothing_repeats_the_gap_begins_and_ends_smoothly(void **state)
{
    (void)state;
    double left, rough = over_a_gap(30, 320, &left);
    assert_true(rough < 100); /* a jump makes 360 */
}

static void a_gap_after_nothing_is_silent(void **state)
{
    (void)state;
    sotto__playout_narrow_init(&narrow);
    sotto__playout_narrow_conceal(&narrow, 960, out, 2);
    for (size_t i = 0; i < 960 * 12; i++) assert_int_equal(out[i], 0);
}

static void the_loudest_samples_do_not_wrap(void **state)
{
    (void)state;
    int16_t pcm8[160];
    sotto__playout_narrow_init(&narrow);
    for (size_t k = 0; k < 10; k++) {
        for (int i = 0; i < 160; i++) pcm8[i] = i / 8 % 2 ? INT16_MAX : INT16_MIN;
        sotto__playout_narrow_play(&narrow, pcm8, 160, out + k * 960, 1);
    }
    for (size_t i = 960; i < 9600 - 1; i++) assert_true(abs(out[i] - out[i + 1]) < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_telephone_s_band_is_kept_and_its_images_are_gone),
        cmocka_unit_test(any_piecing_gives_the_same_in_every_channel),
        cmocka_unit_test(a_gap_is_filled_with_what_was_heard_without_a_click),
        cmocka_unit_test(where_nothing_repeats_the_gap_begins_and_ends_smoothly),
        cmocka_unit_test(a_gap_after_nothing_is_silent),
        cmocka_unit_test(the_loudest_samples_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
