/* SPDX-License-Identifier: BSD-2-Clause */
/* What put, pull and the counters promise, packet by packet; networks and clocks are in test_playout_scenes.c. */
#include "extra/playout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"

static int16_t pcm[PLAYOUT_MAX_FRAMES * 2];

static sotto_playout *playout(sotto_playout_config c)
{
    sotto_playout *p = NULL;
    c.size = sizeof c;
    assert_int_equal(sotto_playout_new(&c, &p), 0);
    return p;
}

static sotto_playout_stats stats(const sotto_playout *p)
{
    sotto_playout_stats s = {.size = sizeof s};
    assert_int_equal(sotto_playout_get_stats(p, &s), 0);
    return s;
}

/* 20 ms of PCMU: a square wave; `number` is both its time and when it came. */
static int put(sotto_playout *p, int64_t number)
{
    uint8_t data[160];
    for (size_t i = 0; i < sizeof data; i++) data[i] = i / 10 % 2 ? 0x20 : 0xa0;
    data[0] = (uint8_t)number;
    sotto_frame f = {.size = sizeof f,
                     .data = data,
                     .len = sizeof data,
                     .mime = "audio/PCMU",
                     .rtp_time = (uint32_t)(number * 160),
                     .received_us = 1000000 + number * 20000};
    return sotto_playout_put(p, &f);
}

static void pull(sotto_playout *p, size_t ms)
{
    for (size_t i = 0; i < ms; i += 10) assert_int_equal(sotto_playout_pull(p, pcm, 480), 480);
}

static void before_the_first_packet_it_is_silent_and_nothing_is_missing(void **state)
{
    (void)state;
    sotto_playout *p = playout((sotto_playout_config){.channels = 2});
    memset(pcm, 1, sizeof pcm);
    assert_int_equal(sotto_playout_pull(p, pcm, 5760), 5760);
    for (size_t i = 0; i < 5760 * 2; i++) assert_int_equal(pcm[i], 0);
    sotto_playout_stats s = stats(p);
    assert_int_equal(s.frames_played, 5760);
    assert_int_equal(s.frames_concealed + s.concealment_events + s.frames_silent, 0);
    assert_int_equal(s.delay, 0);
    assert_int_equal(s.target, 20000);
    sotto_playout_free(p);
    sotto_playout_free(NULL);
}

static void packets_are_sorted_and_those_that_come_twice_or_too_late_are_counted(void **state)
{
    (void)state;
    sotto_playout *p = playout((sotto_playout_config){.min_delay = 100000});
    static const int order[] = {0, 2, 1, 1, 4, 3, 5, 6, 7, 8, 9};
    for (size_t i = 0; i < 11; i++) assert_int_equal(put(p, order[i]), 0);
    pull(p, 290);
    sotto_playout_stats s = stats(p);
    assert_int_equal(s.packets_late, 1);
    assert_int_equal(s.frames_concealed, 0);
    put(p, 2); /* known, and long over */
    put(p, 10);
    pull(p, 10);
    assert_int_equal(stats(p).packets_late, 2);
    assert_int_equal(stats(p).frames_concealed, 0);
    sotto_playout_free(p);
}

static void a_ring_that_is_full_refuses_and_counts(void **state)
{
    (void)state;
    sotto_playout *p = playout((sotto_playout_config){0});
    int n = 0;
    while (put(p, n) == 0) n++;
    assert_int_equal(n, p->ring.n);
    assert_int_equal(put(p, n), SOTTO_E_AGAIN);
    assert_int_equal(stats(p).packets_dropped, 2);
    pull(p, 10);
    assert_int_equal(put(p, n), 0); /* those beyond the maximum went */
    sotto_playout_stats s = stats(p);
    assert_true(s.packets_dropped > 2 + (uint64_t)n - 30);
    assert_true(sotto__playout_held(p) <= p->delay.max + 2 * 960);
    pull(p, 1000);
    sotto_playout_free(p);
}

static void a_device_that_stood_still_goes_on_with_what_is_new(void **state)
{
    (void)state;
    sotto_playout *p = playout((sotto_playout_config){0});
    int64_t n = 0;
    for (; n < 100; n++) assert_int_equal(put(p, n), 0), pull(p, 20);
    for (; n < 1000; n++) put(p, n); /* 18 s without a pull */
    pull(p, 20);
    for (; n < 1500; n++) assert_int_equal(put(p, n), 0), pull(p, 20);
    sotto_playout_stats s = stats(p);
    assert_true(s.delay <= 40000);
    uint64_t before = s.frames_concealed;
    for (; n < 1600; n++) assert_int_equal(put(p, n), 0), pull(p, 20);
    assert_int_equal(stats(p).frames_concealed, before);
    sotto_playout_free(p);
}

static void another_codec_goes_on_where_the_last_one_ended(void **state)
{
    (void)state;
    sotto_playout *p = playout((sotto_playout_config){0});
    sotto_opus_encoder *e = NULL;
    uint8_t data[SOTTO_OPUS_MAX_PACKET];
    int16_t in[960] = {0};
    assert_int_equal(sotto_opus_encoder_new(NULL, &e), 0);
    int64_t n = 0;
    for (; n < 100; n++) assert_int_equal(put(p, n), 0), pull(p, 20);
    for (; n < 200; n++) {
        for (int i = 0; i < 960; i++) in[i] = (int16_t)(i * 1000);
        int len = sotto_opus_encode(e, in, 960, data, sizeof data);
        sotto_frame f = {.size = sizeof f,
                         .data = data,
                         .len = (size_t)len,
                         .mime = "AUDIO/OPUS",
                         .rtp_time = (uint32_t)(4000000000 + n * 960),
                         .received_us = 1000000 + n * 20000};
        assert_int_equal(sotto_playout_put(p, &f), 0);
        pull(p, 20);
    }
    for (; n < 300; n++) assert_int_equal(put(p, n), 0), pull(p, 20);
    sotto_playout_stats s = stats(p);
    assert_true(s.frames_concealed <= 40 * PLAYOUT_MS);
    assert_true(s.delay <= 40000);
    sotto_opus_encoder_free(e);
    sotto_playout_free(p);
}

static void a_packet_that_cannot_be_taken_is_refused_with_the_reason(void **state)
{
    (void)state;
    static uint8_t data[SOTTO_MAX_AUDIO_PACKET + 1];
    const struct {
        const char *mime;
        const void *data;
        size_t len;
        uint8_t first;
        int result;
    } rows[] = {
        {"audio/opus", data, 1, 0x08, 0},
        {"audio/opus", data, 1, 0x0b, SOTTO_E_SYNTAX},
        {"audio/opus", data, 0, 0x08, SOTTO_E_INVAL},
        {"audio/opus", NULL, 10, 0x08, SOTTO_E_INVAL},
        {"audio/opus", data, 1277, 0xf8, SOTTO_E_SYNTAX},
        {"audio/opus", data, SOTTO_MAX_AUDIO_PACKET, 0xfb, SOTTO_E_SYNTAX},
        {"audio/opus", data, SOTTO_MAX_AUDIO_PACKET + 1, 0x08, SOTTO_E_TOO_BIG},
        {"audio/PCMU", data, 1, 0, 0},
        {"audio/pcma", data, 960, 0, 0},
        {"audio/PCMA", data, 961, 0, SOTTO_E_TOO_BIG},
        {"audio/PCMU", data, SIZE_MAX, 0, SOTTO_E_TOO_BIG},
        {"audio/G722", data, 160, 0, SOTTO_E_UNSUPPORTED},
        {"video/VP8", data, 160, 0, SOTTO_E_UNSUPPORTED},
        {"audio/opusx", data, 160, 0, SOTTO_E_UNSUPPORTED},
        {NULL, data, 160, 0, SOTTO_E_INVAL},
    };
    sotto_playout *p = playout((sotto_playout_config){0});
    uint64_t dropped = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        data[0] = rows[i].first;
        sotto_frame f = {
            .size = sizeof f, .data = rows[i].data, .len = rows[i].len, .mime = rows[i].mime};
        int r = sotto_playout_put(p, &f);
        if (r != rows[i].result) fail_msg("row %zu: %d", i, r);
        dropped += r == SOTTO_E_SYNTAX || r == SOTTO_E_TOO_BIG;
        pull(p, 10);
    }
    assert_int_equal(stats(p).packets_dropped, dropped);
    sotto_frame f = {.size = 3, .data = data, .len = 1, .mime = "audio/PCMU"};
    assert_int_equal(sotto_playout_put(p, &f), SOTTO_E_INVAL);
    assert_int_equal(sotto_playout_put(p, NULL), SOTTO_E_INVAL);
    f.size = sizeof f;
    assert_int_equal(sotto_playout_put(NULL, &f), SOTTO_E_INVAL);
    sotto_playout_free(p);
}

static void a_pull_is_of_1_to_5760_frames(void **state)
{
    (void)state;
    sotto_playout *p = playout((sotto_playout_config){0});
    assert_int_equal(sotto_playout_pull(p, pcm, 0), SOTTO_E_RANGE);
    assert_int_equal(sotto_playout_pull(p, pcm, 5761), SOTTO_E_RANGE);
    assert_int_equal(sotto_playout_pull(p, pcm, SIZE_MAX), SOTTO_E_RANGE);
    assert_int_equal(sotto_playout_pull(p, NULL, 480), SOTTO_E_INVAL);
    assert_int_equal(sotto_playout_pull(NULL, pcm, 480), SOTTO_E_INVAL);
    assert_int_equal(sotto_playout_pull(p, pcm, 1), 1);
    assert_int_equal(sotto_playout_pull(p, pcm, 5760), 5760);
    assert_int_equal(stats(p).frames_played, 5761);
    sotto_playout_free(p);
}

static void a_configuration_one_past_its_range_is_refused(void **state)
{
    (void)state;
    static const struct {
        sotto_playout_config c;
        int result;
        sotto_us min, max;
    } rows[] = {
        {{.channels = 0}, 0, 20000, 500000},
        {{.channels = 2}, 0, 20000, 500000},
        {{.channels = 3}, SOTTO_E_RANGE, 0, 0},
        {{.channels = -1}, SOTTO_E_RANGE, 0, 0},
        {{.min_delay = -1}, SOTTO_E_RANGE, 0, 0},
        {{.max_delay = -1}, SOTTO_E_RANGE, 0, 0},
        {{.max_delay = SOTTO_MAX_PLAYOUT_US}, 0, 20000, SOTTO_MAX_PLAYOUT_US},
        {{.max_delay = SOTTO_MAX_PLAYOUT_US + 1}, SOTTO_E_RANGE, 0, 0},
        {{.min_delay = SOTTO_MAX_PLAYOUT_US + 1}, SOTTO_E_RANGE, 0, 0},
        {{.min_delay = 800000}, 0, 800000, 800000},
        {{.max_delay = 10000}, 0, 10000, 10000},
        {{.min_delay = 100000, .max_delay = 99999}, SOTTO_E_RANGE, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sotto_playout *p = NULL;
        sotto_playout_config c = rows[i].c;
        assert_int_equal(sotto_playout_new(&c, &p), SOTTO_E_INVAL); /* no size */
        c.size = sizeof c;
        assert_int_equal(sotto_playout_new(&c, &p), rows[i].result);
        if (rows[i].result == 0) {
            assert_int_equal(p->delay.min, rows[i].min * 48 / 1000);
            assert_int_equal(p->delay.max, rows[i].max * 48 / 1000);
        }
        sotto_playout_free(p);
    }
    assert_int_equal(sotto_playout_new(NULL, NULL), SOTTO_E_INVAL);
}

static void counters_are_read_by_size(void **state)
{
    (void)state;
    sotto_playout *p = playout((sotto_playout_config){0});
    struct {
        sotto_playout_stats s;
        uint64_t more;
    } newer = {{.size = sizeof newer}, 0};
    assert_int_equal(sotto_playout_get_stats(p, &newer.s), 0);
    newer.more = 1;
    assert_int_equal(sotto_playout_get_stats(p, &newer.s), SOTTO_E_UNSUPPORTED);
    newer.s.size = 0;
    assert_int_equal(sotto_playout_get_stats(p, &newer.s), SOTTO_E_INVAL);
    assert_int_equal(sotto_playout_get_stats(NULL, &newer.s), SOTTO_E_INVAL);
    assert_int_equal(sotto_playout_get_stats(p, NULL), SOTTO_E_INVAL);
    pull(p, 10);
    sotto_playout_stats older = {.size = offsetof(sotto_playout_stats, frames_concealed),
                                 .target = 7};
    assert_int_equal(sotto_playout_get_stats(p, &older), 0);
    assert_int_equal(older.frames_played, 480);
    assert_int_equal(older.target, 7);
    sotto_playout_free(p);
}

/* Times and clocks that make no sense, for as long as it takes to come through everything. */
static void nonsense_is_survived(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    sotto_playout *p = playout((sotto_playout_config){.channels = 2});
    static const sotto_us clocks[] = {0, INT64_MAX, INT64_MIN, 1, -1, 1000000};
    for (int i = 0; i < 5000; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        uint8_t data[64];
        for (size_t k = 0; k < sizeof data; k++) data[k] = (uint8_t)(seed >> k % 50);
        sotto_frame f = {.size = sizeof f,
                         .data = data,
                         .len = 1 + seed % 64,
                         .mime = seed & 64    ? "audio/opus"
                                 : seed & 128 ? "audio/PCMU"
                                              : "audio/PCMA",
                         .rtp_time = seed & 256 ? (uint32_t)(i * 960) : (uint32_t)(seed >> 32),
                         .received_us = clocks[seed >> 20 & 3 ? 5 : seed >> 22 & 3],
                         .dropped = seed >> 30 & 1};
        int r = sotto_playout_put(p, &f);
        assert_true(r == 0 || r == SOTTO_E_SYNTAX || r == SOTTO_E_AGAIN);
        size_t n = 1 + (size_t)(seed >> 40) % (i % 50 == 0 ? 5760 : 700);
        assert_int_equal(sotto_playout_pull(p, pcm, n), n);
        sotto_playout_stats s = stats(p);
        assert_true(s.delay >= 0 && s.target >= 20000 && s.target <= 500000);
        assert_true(s.frames_concealed <= s.frames_played + s.frames_removed + PLAYOUT_ROOM);
        assert_true(s.frames_silent <= s.frames_concealed + PLAYOUT_STEP);
    }
    sotto_playout_free(p);
}

static void without_memory_nothing_is_made_and_nothing_leaks(void **state)
{
    (void)state;
    sotto_playout *p = NULL;
    int r = SOTTO_E_NOMEM;
    for (uint64_t n = 1; r < 0; n++) {
        sotto__mem_fail_at(n);
        r = sotto_playout_new(NULL, &p);
        assert_true(r == 0 || (r == SOTTO_E_NOMEM && sotto__mem_failed() && !p));
        if (r < 0) assert_int_equal(sotto__mem_live(), 0);
    }
    assert_false(sotto__mem_failed());
    sotto__mem_fail_at(0);
    sotto_playout_free(p);
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_first_packet_it_is_silent_and_nothing_is_missing),
        cmocka_unit_test(packets_are_sorted_and_those_that_come_twice_or_too_late_are_counted),
        cmocka_unit_test(a_ring_that_is_full_refuses_and_counts),
        cmocka_unit_test(a_device_that_stood_still_goes_on_with_what_is_new),
        cmocka_unit_test(another_codec_goes_on_where_the_last_one_ended),
        cmocka_unit_test(a_packet_that_cannot_be_taken_is_refused_with_the_reason),
        cmocka_unit_test(a_pull_is_of_1_to_5760_frames),
        cmocka_unit_test(a_configuration_one_past_its_range_is_refused),
        cmocka_unit_test(counters_are_read_by_size),
        cmocka_unit_test(nonsense_is_survived),
        cmocka_unit_test(without_memory_nothing_is_made_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
