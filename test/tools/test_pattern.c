/* SPDX-License-Identifier: BSD-2-Clause */
/* The generated picture and sound: the clock in the picture reads back, the beeps stand at full seconds. */
#include "cmocka_all.h"
#include "media.h"

static void the_clock_reads_back_at_any_size(void **state)
{
    static const int32_t sizes[][2] = {{160, 90}, {640, 360}, {642, 480}, {1280, 720}, {176, 144}};
    static const int64_t times[] = {0, 1, 0xffffffff, 0x100000000, 1795342312345};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct picture p = {0};
        assert_int_equal(picture_init(&p, sizes[i][0], sizes[i][1]), 0);
        for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
            uint32_t ms = 7;
            pattern_draw(&p, times[k]);
            assert_true(pattern_read(&p, &ms));
            assert_int_equal(ms, (uint32_t)times[k]);
        }
        picture_free(&p);
    }
}

static void a_picture_without_a_clock_has_none(void **state)
{
    struct picture p = {0};
    uint32_t ms;
    (void)state;
    assert_int_equal(picture_init(&p, 640, 360), 0);
    for (int shade = 0; shade < 256; shade += 51) {
        memset(p.y, shade, picture_bytes(&p));
        assert_false(pattern_read(&p, &ms));
    }
    pattern_draw(&p, 1795342312345);
    for (int row = 0; row < 32; row++) /* one square turned round */
        for (int column = 0; column < 32; column++) p.y[row * 640 + 128 + column] ^= 0xff;
    assert_false(pattern_read(&p, &ms));
    picture_free(&p);
}

static void pictures_of_odd_or_wild_size_are_refused(void **state)
{
    static const int32_t sizes[][2] = {{158, 90},   {160, 78},   {161, 90},   {640, 361},
                                       {4098, 480}, {640, 4098}, {-640, -360}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct picture p = {0};
        assert_int_equal(picture_init(&p, sizes[i][0], sizes[i][1]), SOTTO_E_RANGE);
        picture_free(&p);
    }
}

/* Every picture differs from the one before it, and everything is drawn inside: ASan looks. */
static void something_moves_in_every_frame(void **state)
{
    struct picture p = {0}, q = {0};
    (void)state;
    assert_int_equal(picture_init(&p, 322, 180), 0);
    assert_int_equal(picture_init(&q, 322, 180), 0);
    for (int64_t ms = 0; ms < 4200; ms += 33) {
        pattern_draw(&p, ms);
        pattern_draw(&q, ms + 33);
        assert_memory_not_equal(p.y, q.y, picture_bytes(&p));
    }
    picture_free(&p);
    picture_free(&q);
}

/* The loudest of each 10 ms of two seconds, made in packets of 20 ms. */
static void the_beep_stands_at_the_full_second(void **state)
{
    int16_t pcm[960];
    (void)state;
    for (int64_t ms = 999000; ms < 1001000; ms += 20) {
        pattern_sound(pcm, 960, ms * 1000);
        for (int half = 0; half < 2; half++) {
            int64_t at = (ms + 10 * half) % 1000;
            int loudest = 0;
            for (int i = 0; i < 480; i++)
                if (abs(pcm[480 * half + i]) > loudest) loudest = abs(pcm[480 * half + i]);
            if (at < PATTERN_BEEP_MS)
                assert_in_range(loudest, 9000, 14000);
            else
                assert_in_range(loudest, 100, 400);
        }
    }
}

/* No step at the border of two packets larger than the sound's own slope. */
static void sound_goes_on_without_a_step(void **state)
{
    int16_t pcm[2][960];
    (void)state;
    for (int64_t us = 0; us < 2000000; us += 20000) {
        pattern_sound(pcm[us / 20000 % 2], 960, us);
        if (us == 0) continue;
        int step = pcm[us / 20000 % 2][0] - pcm[(us / 20000 + 1) % 2][959];
        assert_true(abs(step) < 2500); /* 1320 Hz at 0.4: 2266 a sample */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_reads_back_at_any_size),
        cmocka_unit_test(a_picture_without_a_clock_has_none),
        cmocka_unit_test(pictures_of_odd_or_wild_size_are_refused),
        cmocka_unit_test(something_moves_in_every_frame),
        cmocka_unit_test(the_beep_stands_at_the_full_second),
        cmocka_unit_test(sound_goes_on_without_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
