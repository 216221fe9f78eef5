/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"
#include "media/recv_state.h"

static const struct receiver_cfg video = {.is_video = true, .nack = true, .pli = true};
static const struct receiver_cfg adaptive = {
    .is_video = true, .nack = true, .pli = true, .target = -1};

static void in(struct feed *f, uint32_t number, bool is_key)
{
    struct feed_frame v = {.number = number,
                           .needs = is_key ? -1 : (int64_t)number - 1,
                           .time = number * 3000,
                           .n = 100};
    feed_vp8_in(f, &v, (uint16_t)number, 1);
}

/* Says what was dropped; everything else is left for later. */
static uint64_t told(struct feed *f)
{
    struct receiver_out out;
    uint64_t n = 0;
    while (sotto__receiver_next(f->r, f->now, &out) == 1) {
        if (out.type == RECEIVER_OUT_DROPPED) n += out.count;
        if (out.type == RECEIVER_OUT_KEYFRAME) f->plis++;
    }
    return n;
}

static void frames_wait_until_they_are_due(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &(struct receiver_cfg){.is_video = true, .target = SOTTO_MS(500)});
    sotto_us start = f.now;
    for (uint32_t i = 0; i < 10; i++) {
        in(&f, i, i == 0);
        assert_false(sotto__receiver_ready(f.r));
        f.now += 33333;
    }
    assert_int_equal(sotto__receiver_delay(f.r), SOTTO_MS(500));
    for (uint32_t i = 0; i < 10; i++) {
        sotto_us due = sotto__receiver_due(f.r);
        assert_in_range(due, start + SOTTO_MS(500) + i * 33333 - 1000,
                        start + SOTTO_MS(500) + i * 33333 + 1000);
        f.now = due - 1;
        assert_null(feed_pull(&f));
        f.now = due;
        told(&f);
        assert_true(sotto__receiver_ready(f.r));
        assert_int_equal(feed_pull_all(&f), 1);
    }
    struct receiver_stats s = feed_stats(&f);
    assert_int_equal(s.emitted, 10);
    assert_in_range(s.buffer_delay, SOTTO_MS(4990), SOTTO_MS(5010));
    assert_int_equal(s.buffer_target, SOTTO_MS(5000));
    assert_int_equal(sotto__receiver_due(f.r), SOTTO_NEVER);
    feed_free(&f);
}

static void a_new_target_counts_for_frames_that_wait(void **state)
{
    struct feed f;
    struct receiver_cfg cfg = {.is_video = true, .target = SOTTO_SECONDS(4)};
    (void)state;
    feed_init(&f, &cfg);
    for (uint32_t i = 0; i < 200; i++, f.now += SOTTO_MS(10)) in(&f, i, i == 0); /* more than may wait for the application */
    told(&f);
    assert_int_equal(f.r->n_queued, 200);
    assert_false(sotto__receiver_ready(f.r));
    cfg.target = 0;
    sotto__receiver_configure(f.r, f.now, &cfg);
    assert_true(sotto__receiver_ready(f.r));
    assert_int_equal(feed_pull_all(&f), 200);
    cfg.target = SOTTO_SECONDS(4);
    sotto__receiver_configure(f.r, f.now, &cfg);
    in(&f, 200, false);
    cfg.mode = SOTTO_RECEIVE_ORDERED;
    sotto__receiver_configure(f.r, f.now, &cfg);
    assert_int_equal(sotto__receiver_delay(f.r), 0);
    assert_int_equal(feed_pull_all(&f), 1);
    feed_free(&f);
}

/* Whatever RTP times say, nothing is held for longer than the target, and the order stays: H100. */
/* proves: H100 */
static void mad_times_hold_nothing_for_longer_than_the_target(void **state)
{
    struct feed f;
    uint32_t seed = 1;
    (void)state;
    feed_init(&f, &adaptive);
    for (uint32_t i = 0; i < 5000; i++, f.now += SOTTO_MS(20)) {
        struct feed_frame v = {.number = i, .needs = i ? (int64_t)i - 1 : -1, .n = 100};
        seed = seed * 1664525 + 1013904223;
        v.time = i % 3 ? seed : i * 3000;
        feed_vp8_in(&f, &v, (uint16_t)i, 1);
        feed_run(&f, f.now);
        assert_true(f.r->n_queued <= 51); /* a second */
    }
    feed_run(&f, f.now + SOTTO_SECONDS(1));
    assert_int_equal(f.frames, 5000);
    feed_free(&f);
}

static void a_slow_application_gets_the_newest_key_frame_and_what_follows(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    for (uint32_t i = 0; i < SOTTO_RECV_FRAMES; i++, f.now += 33333)
        in(&f, i, i == 0 || i == 50 || i == 70);
    assert_int_equal(told(&f), 0);
    in(&f, SOTTO_RECV_FRAMES, false); /* one too many */
    assert_int_equal(sotto__receiver_due(f.r), 0);
    assert_int_equal(told(&f), 70);
    assert_int_equal(told(&f), 0);
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->time, 70 * 3000);
    assert_int_equal(got->dropped, 70);
    sotto__received_free(got);
    assert_int_equal(feed_pull_all(&f), SOTTO_RECV_FRAMES - 70);
    assert_int_equal(f.dropped_sum, 70);
    assert_int_equal(f.plis, 0);
    assert_int_equal(feed_stats(&f).frames_dropped, 70);
    feed_free(&f);
}

static void without_a_key_frame_it_waits_for_one(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    for (uint32_t i = 0; i <= SOTTO_RECV_FRAMES; i++, f.now += 33333) in(&f, i, i == 0);
    assert_int_equal(told(&f), SOTTO_RECV_FRAMES + 1);
    assert_int_equal(f.plis, 1);
    assert_false(sotto__receiver_ready(f.r));
    for (uint32_t i = SOTTO_RECV_FRAMES + 1; i < 200; i++) in(&f, i, false);
    assert_int_equal(told(&f), 0); /* that is no fault of the application's */
    in(&f, 200, true);
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->dropped, 200);
    sotto__received_free(got);
    feed_free(&f);
}

static void a_key_frame_that_was_taken_does_not_help(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    in(&f, 0, true);
    assert_int_equal(feed_pull_all(&f), 1);
    for (uint32_t i = 1; i <= SOTTO_RECV_FRAMES + 1; i++, f.now += 33333) in(&f, i, false);
    assert_int_equal(told(&f), SOTTO_RECV_FRAMES + 1);
    assert_int_equal(f.plis, 1);
    in(&f, SOTTO_RECV_FRAMES + 2, false);
    assert_int_equal(feed_pull_all(&f), 0);
    feed_free(&f);
}

static void audio_drops_the_oldest(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &(struct receiver_cfg){.mode = SOTTO_RECEIVE_ORDERED});
    f.now += SOTTO_MS(30);
    for (uint16_t i = 0; i < SOTTO_RECV_FRAMES + 10; i++, f.now += SOTTO_MS(20))
        feed_opus_in(&f, i, i * 960u);
    assert_int_equal(told(&f), 10);
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->data[2], 10);
    assert_int_equal(got->dropped, 10);
    sotto__received_free(got);
    assert_int_equal(feed_pull_all(&f), SOTTO_RECV_FRAMES - 1);
    feed_free(&f);
}

static void raw_packets_drop_the_oldest(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &(struct receiver_cfg){.is_video = true, .mode = SOTTO_RECEIVE_RTP});
    for (uint32_t i = 0; i < SOTTO_RECV_PACKETS + 5; i++) in(&f, i, false);
    assert_int_equal(told(&f), 5);
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->data[3], 5);
    assert_int_equal(got->dropped, 5);
    sotto__received_free(got);
    assert_int_equal(feed_pull_all(&f), SOTTO_RECV_PACKETS - 1);
    assert_int_equal(told(&f), 0);
    feed_free(&f);
}

static void frames_that_wait_are_bounded_by_bytes(void **state)
{
    struct feed f;
    uint64_t dropped = 0;
    (void)state;
    feed_init(&f, &video);
    for (uint32_t i = 0; i < 119; i++) { /* 50 KiB each, ten times that with a key frame now and then: not too many but too much */
        uint32_t seq = i * 400;
        struct feed_packet p = {.time = i * 3000, .payload = {0x7c}, .n = 1002};
        size_t n = 400;
        for (uint32_t k = 0; k < n; k++) {
            p.seq = (uint16_t)(seq + k);
            p.payload[1] = (uint8_t)((k == 0       ? 0x80
                                      : k + 1 == n ? 0x40
                                                   : 0) |
                                     (i % 40 == 0 ? 5 : 1));
            p.payload[0] = 0x7c;
            p.payload[2] = 0x88;
            p.marker = k + 1 == n;
            feed_in(&f, &feed_h264, &p);
            assert_true(f.r->n_bytes <= SOTTO_RECV_BYTES);
        }
        f.now += SOTTO_MS(30);
        dropped += told(&f);
    }
    assert_int_equal(dropped, 80); /* the third key frame made room */
    assert_int_equal(feed_pull_all(&f) + dropped, 119);
    feed_free(&f);
    assert_int_equal(sotto__mem_live(), 0);
}

/* Without a key frame all goes, and what comes next needs what went. */
static void held_frames_are_bounded_by_bytes_too(void **state)
{
    struct feed f;
    uint64_t dropped = 0;
    (void)state;
    feed_init(&f,
              &(struct receiver_cfg){.is_video = true, .pli = true, .target = SOTTO_SECONDS(4)});
    for (uint32_t i = 0; i < 600; i++) { /* 3.6 MB a second */
        struct feed_frame v = {
            .number = i, .needs = i % 500 ? (int64_t)i - 1 : -1, .time = i * 900, .n = 36000};
        feed_vp8_in(&f, &v, (uint16_t)(i * 40), 40);
        f.now += SOTTO_MS(5);
        assert_true(f.r->n_bytes <= SOTTO_RECV_BYTES);
        dropped += told(&f);
    }
    assert_in_range(dropped, 400, 499);
    feed_run(&f, f.now + SOTTO_SECONDS(5));
    assert_int_equal(f.frames, 100); /* the second key frame and what follows */
    assert_int_equal(f.dropped_sum, 500);
    feed_free(&f);
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_wait_until_they_are_due),
        cmocka_unit_test(a_new_target_counts_for_frames_that_wait),
        cmocka_unit_test(mad_times_hold_nothing_for_longer_than_the_target),
        cmocka_unit_test(a_slow_application_gets_the_newest_key_frame_and_what_follows),
        cmocka_unit_test(without_a_key_frame_it_waits_for_one),
        cmocka_unit_test(a_key_frame_that_was_taken_does_not_help),
        cmocka_unit_test(audio_drops_the_oldest),
        cmocka_unit_test(raw_packets_drop_the_oldest),
        cmocka_unit_test(frames_that_wait_are_bounded_by_bytes),
        cmocka_unit_test(held_frames_are_bounded_by_bytes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
