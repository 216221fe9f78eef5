/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "extra/isolate.h"

/* proves: H136 */
static void what_is_missing_fades_within_60_ms_and_comes_back_without_a_click(void **state)
{
    (void)state;
    struct isolate_fade f;
    int16_t pcm[3840], last = 0;
    sotto__isolate_fade_init(&f, 1);
    assert_int_equal(sotto__isolate_fade_out(&f, pcm, 480), 480); /* nothing to go on with */
    for (int i = 0; i < 480; i++) pcm[i] = (int16_t)(8000 * sin(2 * M_PI * 400 * i / 48000));
    sotto__isolate_fade_in(&f, pcm, 480);
    for (int i = 0; i < 480; i++) pcm[i] = (int16_t)(8000 * sin(2 * M_PI * 400 * i / 48000));
    sotto__isolate_fade_in(&f, pcm, 480);
    last = pcm[480 - 1];
    size_t silent = sotto__isolate_fade_out(&f, pcm, 3840);
    assert_in_range(silent, 960 - 2, 960 + 2);
    for (int i = 0; i < 3840; i++) {
        assert_true(abs(pcm[i] - last) < 500); /* the tone itself moves 419 a frame */
        last = pcm[i];
    }
    for (int i = 0; i < 480; i++) pcm[i] = 8000;
    sotto__isolate_fade_in(&f, pcm, 480);
    assert_true(pcm[0] < 100 && pcm[120] > 3000 && pcm[120] < 5000 && pcm[480 - 1] == 8000);
    sotto__isolate_fade_in(&f, pcm, 0);
    sotto__isolate_fade_init(&f, 2);
    pcm[0] = 1000, pcm[1] = -1000;
    f.gain = 1;
    sotto__isolate_fade_in(&f, pcm, 1); /* one frame is enough to go on with */
    assert_int_equal(sotto__isolate_fade_out(&f, pcm, 10), 0);
    assert_true(pcm[18] > 900 && pcm[19] < -900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_fades_within_60_ms_and_comes_back_without_a_click),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
