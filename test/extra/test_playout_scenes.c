/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Playout from end to end, in virtual time: real encoders, networks of all kinds, devices whose clocks run away. "Rough" is the
 * largest second difference of what the device hears: a click shows there. SOTTO_LONG=1: an hour of drift instead of two minutes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"
#include "util/mem.h"

#define ZEROS 12   /* frames that may be 0 where a wave passes it */
#define MS 48      /* frames */
#define TONE 53    /* a tone's own second difference is 42 */
#define VOICE 620  /* the voice's is 500 */

struct weather { /* what stage.user points to */
    double jitter_ms, loss;
    int burst;      /* packets that are lost in a row, of each hundred */
    int64_t jump;   /* ticks, after five seconds */
};

static sotto_us weather(struct stage *s, int64_t packet, sotto_us sent)
{
    const struct weather *w = (const struct weather *)s->user;
    (void)sent;
    if (packet % 100 >= 50 && packet % 100 < 50 + w->burst) return STAGE_LOST;
    if (w->loss > 0 && packet > 50 && stage_chance(s) < w->loss) return STAGE_LOST;
    return (sotto_us)(stage_chance(s) * w->jitter_ms * 1000);
}

static uint32_t jumping(struct stage *s, int64_t packet, uint32_t rtp_time)
{
    const struct weather *w = (const struct weather *)s->user;
    return packet * s->frame_ms >= 5000 ? rtp_time + (uint32_t)w->jump : rtp_time;
}

/* Of a scene without loss: nothing was made up, and the delay stayed where it should be. */
static void require_smooth(const struct stage *s, double rough)
{
    assert_int_equal(s->stats.frames_concealed, 0);
    assert_int_equal(s->stats.concealment_events, 0);
    assert_int_equal(s->stats.packets_late + s->stats.packets_dropped, 0);
    assert_true(s->most_above <= 20000 && s->most_below <= 20000);
    assert_true(s->roughest <= rough);
    assert_true(s->most_zeros <= ZEROS);
}

static void without_jitter_audio_is_held_for_20_ms_and_untouched(void **state)
{
    (void)state;
    struct stage s = {.seconds = 10};
    stage_run(&s);
    require_smooth(&s, TONE);
    assert_int_equal(s.stats.delay, 20000);
    assert_int_equal(s.stats.target, 20000);
    assert_int_equal(s.stats.frames_inserted + s.stats.frames_removed, 0);
    assert_int_equal(s.stats.frames_played, 10 * 48000);
    assert_true(fabs(sqrt(s.energy) - 0.4 * 32000 / sqrt(2)) < 300);
}

static void every_length_of_packet_and_of_pull_works_in_stereo(void **state)
{
    (void)state;
    static const size_t pulls[] = {1, 64, 441, 480, 512, 960, 1024, 5760};
    static const int lengths[] = {10, 20, 40, 60};
    for (size_t i = 0; i < 8; i++) {
        struct stage s = {.seconds = pulls[i] == 1 ? 3 : 6,
                          .pull = pulls[i],
                          .frame_ms = lengths[i % 4],
                          .channels = 1 + (int)(i / 2 % 2)};
        stage_run(&s);
        require_smooth(&s, TONE);
    }
}

static void drift(double ppm, enum stage_sound sound, double rough)
{
    struct stage s = {.seconds = getenv("SOTTO_LONG") ? 3600 : 120, .ppm = ppm, .sound = sound};
    stage_run(&s);
    require_smooth(&s, rough);
    double expected = s.seconds * 48000 * ppm / 1e6;
    double done = (double)s.stats.frames_removed - (double)s.stats.frames_inserted;
    assert_true(fabs(done - expected) < 0.02 * 48000);
    assert_true(fabs(s.stats.drift_ppm - ppm) < 60);
    assert_true(s.stats.frames_removed == 0 || s.stats.frames_inserted == 0); /* no to and fro */
}

static void a_sender_1000_ppm_too_fast_is_absorbed_without_a_glitch(void **state)
{
    (void)state;
    drift(1000, STAGE_TONE, TONE);
}

static void a_sender_1000_ppm_too_slow_is_absorbed_without_a_glitch(void **state)
{
    (void)state;
    drift(-1000, STAGE_TONE, TONE);
}

static void drift_of_a_voice_is_absorbed_too(void **state)
{
    (void)state;
    drift(300, STAGE_VOICE, VOICE);
}

static void drift_under_jitter_is_absorbed_without_more_loss_than_the_jitter_makes(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct weather w = {.jitter_ms = 100};
        struct stage s = {
            .seconds = 60, .ppm = sign * 1000, .network = weather, .user = &w, .warm_up = 10000000};
        stage_run(&s);
        assert_true(s.stats.frames_concealed < 60 * 48000 / 100); /* a hundredth is what the target allows */
        assert_true(s.most_above <= 20000 && s.most_below <= 20000);
        assert_true(s.roughest <= 3 * TONE);
        assert_true(s.stats.target > 80000 && s.stats.target < 110000);
    }
}

static void the_delay_follows_the_jitter_and_nearly_nothing_is_lost_by_it(void **state)
{
    (void)state;
    static const int jitters[] = {0, 10, 30, 60, 100};
    for (size_t i = 0; i < 5; i++) {
        struct weather w = {.jitter_ms = jitters[i]};
        struct stage s = {.seconds = 25,
                          .network = weather,
                          .user = &w,
                          .sound = STAGE_VOICE,
                          .warm_up = 10000000};
        stage_run(&s);
        int wanted = jitters[i] < 20 ? 20 : jitters[i];
        assert_true(s.stats.target >= wanted * 900 && s.stats.target <= wanted * 1000 + 10000);
        assert_true(s.most_above <= 20000 && s.most_below <= 20000);
        assert_true(s.stats.frames_concealed <= 25 * 48000 / 100);
        assert_true(s.most_zeros <= ZEROS);
        assert_true(s.roughest <= VOICE);
    }
}

static void random_loss_is_concealed_and_never_silent(void **state)
{
    (void)state;
    static const char *const mimes[] = {"audio/opus", "audio/PCMU", "audio/PCMA"};
    for (size_t i = 0; i < 12; i++) {
        struct weather w = {.loss = i % 2 ? 0.15 : 0.05, .jitter_ms = i / 6 ? 40 : 0};
        struct stage s = {.seconds = 15,
                          .network = weather,
                          .user = &w,
                          .sound = STAGE_VOICE,
                          .mime = mimes[i / 2 % 3],
                          .reported_loss = w.loss,
                          .tells_loss = i % 4 < 2,
                          .seed = 7 + i};
        stage_run(&s);
        int64_t lost = s.lost * 960,
                covered = (int64_t)(s.stats.frames_concealed + s.stats.frames_recovered);
        assert_true(s.most_zeros <= 60 * MS);
        if (covered < lost * 9 / 10 || covered > lost + 48000) /* where the delay is too long a gap is not filled up */
            fail_msg("%zu: %lld of %lld", i, (long long)covered, (long long)lost);
        assert_true(s.stats.concealment_events > 0);
        assert_true(i / 2 % 3 ? s.stats.frames_recovered == 0
                              : (int64_t)s.stats.frames_recovered > lost / 4);
        assert_true(s.roughest < 3 * VOICE);
    }
}

static void bursts_of_ten_are_concealed_and_the_next_packet_is_heard_at_once(void **state)
{
    (void)state;
    static const char *const mimes[] = {"audio/opus", "audio/PCMU"};
    for (size_t i = 0; i < 4; i++) {
        struct weather w = {.burst = 10};
        struct stage s = {.seconds = 20,
                          .network = weather,
                          .user = &w,
                          .sound = STAGE_VOICE,
                          .mime = mimes[i % 2],
                          .tells_loss = i / 2};
        stage_run(&s);
        assert_int_equal(s.stats.concealment_events, 10);
        assert_int_equal(s.stats.frames_concealed + s.stats.frames_recovered, s.lost * 960);
        assert_true(s.most_zeros <= 60 * MS);
        assert_true(s.roughest <= VOICE);
        assert_int_equal(s.stats.delay, 20000);
    }
}

static void a_long_gap_fades_to_silence_which_is_counted(void **state)
{
    (void)state;
    struct weather w = {.burst = 40};
    struct stage s = {.seconds = 10, .network = weather, .user = &w};
    stage_run(&s);
    assert_int_equal(s.stats.frames_concealed, s.lost * 960);
    assert_true(s.most_zeros > 500 * MS && s.most_zeros < 600 * MS); /* 800 ms less 250 */
    assert_in_range(s.stats.frames_silent, s.lost / 40 * 500 * MS, s.lost / 40 * 600 * MS);
    assert_true(s.roughest < 4 * TONE);
}

static void a_sender_that_restarts_anywhere_is_heard_again_soon(void **state)
{
    (void)state;
    static const int64_t jumps[] = {480,  4800,  24000,  48000,  480000,  1000000000,  INT32_MAX,
                                    -480, -4800, -24000, -48000, -480000, -1000000000, INT32_MIN};
    for (size_t i = 0; i < 14; i++) {
        struct weather w = {.jump = jumps[i], .jitter_ms = i % 3 == 2 ? 40 : 0};
        struct stage s = {.seconds = 12,
                          .network = weather,
                          .stamp = jumping,
                          .user = &w,
                          .sound = STAGE_VOICE,
                          .first_time = 77};
        stage_run(&s);
        assert_true(s.stats.frames_concealed <= 200 * MS);
        assert_true(s.most_zeros <= ZEROS);
        assert_true(s.roughest <= VOICE);
        assert_true(s.stats.packets_late <= 8);
        assert_true(s.stats.target <= 70000);
        assert_true(llabs(s.stats.delay - s.stats.target) <= 20000);
    }
}

static void rtp_times_wrap_and_nothing_is_heard_of_it(void **state)
{
    (void)state;
    struct stage s = {.seconds = 10, .first_time = UINT32_MAX - 240000};
    stage_run(&s);
    require_smooth(&s, TONE);
    struct stage g = {.seconds = 10, .first_time = UINT32_MAX - 40000, .mime = "audio/PCMA"};
    stage_run(&g);
    require_smooth(&g, 2 * TONE); /* A-law is rougher */
}

static sotto_us some_overtaken(struct stage *s, int64_t packet, sotto_us sent)
{
    (void)packet, (void)sent;
    return stage_chance(s) < 0.3 ? 60000 : 0;
}

static void reordering_loses_nothing_once_it_is_known(void **state)
{
    (void)state;
    struct stage s = {.seconds = 30, .network = some_overtaken, .sound = STAGE_VOICE};
    stage_run(&s);
    assert_true(s.stats.frames_concealed <= 500 * MS); /* in the first second */
    assert_true(s.most_zeros <= ZEROS);
    assert_true(s.roughest <= VOICE);
    uint64_t after_ten = s.stats.frames_concealed;
    struct stage t = {.seconds = 45, .network = some_overtaken, .sound = STAGE_VOICE};
    stage_run(&t);
    assert_int_equal(t.stats.frames_concealed, after_ten);
}

static sotto_us a_stall(struct stage *s, int64_t packet, sotto_us sent)
{
    (void)s, (void)packet;
    return sent > 5000000 && sent < 5300000 ? 5300000 - sent : 0;
}

static void what_was_held_up_is_played_late_and_caught_up_with(void **state)
{
    (void)state;
    struct stage s = {.seconds = 30, .network = a_stall, .sound = STAGE_VOICE};
    stage_run(&s);
    assert_int_equal(s.stats.packets_late + s.stats.packets_dropped, 0);
    assert_in_range(s.stats.frames_concealed, 250 * MS, 300 * MS);
    assert_in_range(s.stats.frames_removed, 240 * MS, 300 * MS);
    assert_true(s.stats.delay <= 40000);
    assert_true(s.roughest <= VOICE);
}

static void silence_that_was_not_sent_is_no_loss(void **state)
{
    (void)state;
    for (int tells = 0; tells <= 1; tells++) {
        struct stage s = {.seconds = 20, .sound = STAGE_TALK, .dtx = true, .tells_loss = tells};
        stage_run(&s);
        assert_int_equal(s.stats.frames_concealed, 0);
        assert_int_equal(s.stats.concealment_events, 0);
        assert_int_equal(s.stats.packets_late + s.stats.packets_dropped, 0);
        assert_true(s.stats.delay <= 40000);
    }
}

static void loss_is_told_from_dtx_where_packets_say_so(void **state)
{
    (void)state;
    struct weather w = {.loss = 0.05};
    struct stage s = {.seconds = 40,
                      .sound = STAGE_TALK,
                      .dtx = true,
                      .tells_loss = true,
                      .network = weather,
                      .user = &w};
    stage_run(&s);
    int64_t lost = s.lost * 960,
            covered = (int64_t)(s.stats.frames_concealed + s.stats.frames_recovered);
    assert_true(covered >= lost - 960);
    assert_true(covered <= lost + s.lost * 400 * MS / 4); /* a lost refresh costs up to 400 ms */
}

static void the_delay_never_goes_beyond_its_bounds(void **state)
{
    (void)state;
    struct weather w = {.jitter_ms = 300};
    struct stage s = {.seconds = 20, .network = weather, .user = &w, .max_delay = 100000};
    stage_run(&s);
    assert_true(s.highest_target <= 100000);
    struct stage t = {.seconds = 20, .min_delay = 200000};
    stage_run(&t);
    assert_int_equal(t.stats.target, 200000);
    require_smooth(&t, TONE);
}

static void nothing_leaked(void **state)
{
    (void)state;
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_jitter_audio_is_held_for_20_ms_and_untouched),
        cmocka_unit_test(every_length_of_packet_and_of_pull_works_in_stereo),
        cmocka_unit_test(a_sender_1000_ppm_too_fast_is_absorbed_without_a_glitch),
        cmocka_unit_test(a_sender_1000_ppm_too_slow_is_absorbed_without_a_glitch),
        cmocka_unit_test(drift_of_a_voice_is_absorbed_too),
        cmocka_unit_test(drift_under_jitter_is_absorbed_without_more_loss_than_the_jitter_makes),
        cmocka_unit_test(the_delay_follows_the_jitter_and_nearly_nothing_is_lost_by_it),
        cmocka_unit_test(random_loss_is_concealed_and_never_silent),
        cmocka_unit_test(bursts_of_ten_are_concealed_and_the_next_packet_is_heard_at_once),
        cmocka_unit_test(a_long_gap_fades_to_silence_which_is_counted),
        cmocka_unit_test(a_sender_that_restarts_anywhere_is_heard_again_soon),
        cmocka_unit_test(rtp_times_wrap_and_nothing_is_heard_of_it),
        cmocka_unit_test(reordering_loses_nothing_once_it_is_known),
        cmocka_unit_test(what_was_held_up_is_played_late_and_caught_up_with),
        cmocka_unit_test(silence_that_was_not_sent_is_no_loss),
        cmocka_unit_test(loss_is_told_from_dtx_where_packets_say_so),
        cmocka_unit_test(the_delay_never_goes_beyond_its_bounds),
        cmocka_unit_test(nothing_leaked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
