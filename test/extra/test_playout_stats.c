/* SPDX-License-Identifier: BSD-2-Clause */
/* The counters of a playout under W3C's names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/audio.h"
#include "util/mem.h"

static double member(const char *json, const char *name)
{
    char key[80];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    if (!at) fail_msg("no %s in %s", name, json);
    return strtod(at + strlen(key), NULL);
}

static void what_was_played_is_told_in_samples_and_seconds(void **state)
{
    static const uint8_t silence[] = {0xf8, 0xff, 0xfe};
    static int16_t pcm[48000];
    sotto_playout *p;
    char *json;
    (void)state;
    assert_int_equal(sotto_playout_new(NULL, &p), 0);
    for (uint32_t i = 0; i < 100; i++) {
        sotto_frame f = {.size = sizeof f,
                         .data = silence,
                         .len = sizeof silence,
                         .mime = "audio/opus",
                         .rtp_time = i * 960,
                         .received_us = (sotto_us)(1000000 + i * 20000)};
        if (i == 55) f.dropped = 5; /* 50 … 54 were lost */
        if (i < 50 || i > 54) assert_int_equal(sotto_playout_put(p, &f), 0);
        assert_int_equal(sotto_playout_pull(p, pcm, 960), 960);
    }
    for (int i = 0; i < 25; i++) assert_int_equal(sotto_playout_pull(p, pcm, 960), 960);
    sotto_playout_stats s = {.size = sizeof s};
    assert_int_equal(sotto_playout_get_stats(p, &s), 0);
    assert_int_equal(sotto_playout_get_stats_json(p, &json), 0);
    assert_non_null(strstr(json, "\"type\":\"media-playout\""));
    assert_non_null(strstr(json, "\"kind\":\"audio\""));
    assert_true(member(json, "totalSamplesCount") == 125 * 960);
    assert_true(member(json, "totalSamplesDuration") == 2.5);
    assert_true(s.frames_concealed > 0);
    assert_true(member(json, "concealedSamples") == (double)s.frames_concealed);
    assert_true(member(json, "silentConcealedSamples") == (double)s.frames_silent);
    assert_true(member(json, "concealmentEvents") == (double)s.concealment_events);
    assert_true(member(json, "insertedSamplesForDeceleration") == (double)s.frames_inserted);
    assert_true(member(json, "removedSamplesForAcceleration") == (double)s.frames_removed);
    sotto__free(json);
    sotto_playout_free(p);
}

static void a_missing_argument_and_no_memory_are_told(void **state)
{
    sotto_playout *p;
    char *json = NULL;
    (void)state;
    assert_int_equal(sotto_playout_new(NULL, &p), 0);
    assert_int_equal(sotto_playout_get_stats_json(p, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_playout_get_stats_json(NULL, &json), SOTTO_E_INVAL);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto_playout_get_stats_json(p, &json), SOTTO_E_NOMEM);
    assert_true(sotto__mem_failed());
    assert_null(json);
    sotto_playout_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_played_is_told_in_samples_and_seconds),
        cmocka_unit_test(a_missing_argument_and_no_memory_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
