/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread puts, one pulls, a third reads the counters, all as fast as they can: for ThreadSanitizer, and nothing may get lost. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/audio.h"

#define PACKETS 20000

static sotto_playout *playout;
static atomic_bool ended;
static uint64_t taken; /* the putting thread's until it is joined */

static void *put_all(void *unused)
{
    uint8_t data[160];
    (void)unused;
    memset(data, 0x80, sizeof data);
    for (int64_t i = 0; i < PACKETS; i++) {
        memcpy(data, &i, sizeof i);
        sotto_frame f = {.size = sizeof f,
                         .data = data,
                         .len = sizeof data,
                         .mime = "audio/PCMU",
                         .rtp_time = (uint32_t)(i * 160),
                         .received_us = i * 20000};
        while (sotto_playout_put(playout, &f) == SOTTO_E_AGAIN) sched_yield();
        taken++;
    }
    atomic_store(&ended, true);
    return NULL;
}

static void *read_counters(void *unused)
{
    (void)unused;
    while (!atomic_load(&ended)) {
        sotto_playout_stats s = {.size = sizeof s};
        if (sotto_playout_get_stats(playout, &s) < 0) return &taken;
        sched_yield();
    }
    return NULL;
}

static void one_puts_while_another_pulls(void **state)
{
    (void)state;
    pthread_t putter, reader;
    int16_t pcm[480];
    uint64_t pulls = 0;
    void *failed;
    assert_int_equal(sotto_playout_new(NULL, &playout), 0);
    assert_int_equal(pthread_create(&putter, NULL, put_all, NULL), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_counters, NULL), 0);
    while (!atomic_load(&ended)) {
        assert_int_equal(sotto_playout_pull(playout, pcm, 480), 480);
        pulls++;
    }
    assert_int_equal(pthread_join(putter, &failed), 0);
    assert_null(failed);
    assert_int_equal(pthread_join(reader, &failed), 0);
    assert_null(failed);
    for (int i = 0; i < 1000; i++, pulls++)
        assert_int_equal(sotto_playout_pull(playout, pcm, 480), 480);
    sotto_playout_stats s = {.size = sizeof s};
    assert_int_equal(sotto_playout_get_stats(playout, &s), 0);
    assert_int_equal(s.frames_played, pulls * 480);
    assert_int_equal(taken, PACKETS);
    /* what was played, and what was skipped because it came too fast, is all there was */
    uint64_t heard = s.frames_played - s.frames_concealed + s.frames_removed - s.frames_inserted;
    assert_true(heard / 960 + s.packets_dropped + s.packets_late + 5 >= PACKETS);
    sotto_playout_free(playout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_puts_while_another_pulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
