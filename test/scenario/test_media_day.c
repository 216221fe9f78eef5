/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A long call: 24 hours with SOTTO_LONG=1, else 3 minutes. RTP times wrap, sequence numbers wrap, memory stays flat, and at the end the
 * capture times of audio and video are both right, so that they are in sync within 20 ms. Every frame is checked by media.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "media.h"
#include "util/mem.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define SANITIZED 1 /* what was freed stays resident for a while */
#else
#define SANITIZED 0
#endif

static long resident_kib(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
    fclose(file);
    return resident * 4;
}

static void assert_in_sync(const struct media *m)
{
    for (int i = 0; i < 2; i++) {
        const struct media_in *a = &m->side[i].in[MEDIA_AUDIO], *v = &m->side[i].in[MEDIA_VIDEO];
        assert_true(a->captures > 0 && v->captures > 0);
        assert_true(llabs(a->capture_error - v->capture_error) <= SOTTO_MS(20));
        assert_true(llabs(a->capture_error) <= SOTTO_MS(50));
    }
}

static void a_long_call_stays_as_it_is(void **state)
{
    (void)state;
    const char *is_long = getenv("SOTTO_LONG");
    int parts = is_long && strcmp(is_long, "1") == 0 ? 24 * 60 : 3; /* minutes */
    /* in the short call RTP times wrap within the first minute; in a day those of video wrap once, of audio, too, after 25 h: helped */
    struct media_opt opt = {
        .video_bytes = 2500, .key_bytes = 8000, .rtp_time = {0u - 48000 * 30, 0u - 90000 * 40}};
    struct net_link link = {.delay_us = SOTTO_MS(20),
                            .jitter_us = SOTTO_MS(10),
                            .reorder = 0.01,
                            .reorder_us = SOTTO_MS(5)};
    struct media_wraps wraps;
    struct media *m = media_new(1, &opt);
    media_watch_wraps(m, &wraps, 1, 0.005);
    net_link_both(m->pair->net, m->pair->side[0].host, m->pair->side[1].host, &link);
    media_run(m, SOTTO_SECONDS(60));
    int64_t live = sotto__mem_live(), most = 0;
    long resident = resident_kib();
    for (int k = 1; k < parts; k++) {
        media_measure(m);
        media_run(m, SOTTO_SECONDS(60));
        int64_t now = sotto__mem_live();
        if (now > most) most = now;
        for (int i = 0; i < 2; i++) {
            assert_true(m->side[i].in[MEDIA_VIDEO].longest <= SOTTO_MS(500));
            assert_true(m->side[i].in[MEDIA_VIDEO].frames >= 1790);
            assert_true(m->side[i].in[MEDIA_AUDIO].frames >= 2900);
        }
        assert_in_sync(m);
        assert_true(now <= live + live / 2 + 200);
    }
    long more = resident_kib() - resident;
    print_message("%d minutes, %d wraps; blocks of memory: %d after one minute, %d at most; "
                  "resident memory grew by %ld KiB; capture times are off by %d µs of audio, %d µs "
                  "of video\n",
                  parts, (int)wraps.wraps, (int)live, (int)most, more,
                  (int)m->side[1].in[MEDIA_AUDIO].capture_error,
                  (int)m->side[1].in[MEDIA_VIDEO].capture_error);
    assert_true(wraps.wraps >= (uint64_t)parts / 20);
    if (!SANITIZED) assert_true(more < 2048);
    media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_long_call_stays_as_it_is)};
    return cmocka_run_group_tests_name("media day", tests, NULL, NULL);
}
