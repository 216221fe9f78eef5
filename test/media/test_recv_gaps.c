/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"
#include "media/recv_state.h"

static const struct receiver_cfg video = {.is_video = true, .nack = true, .pli = true};
static const struct receiver_cfg ordered = {.nack = true, .mode = SOTTO_RECEIVE_ORDERED};

static struct feed_frame frame(uint32_t number, int64_t needs)
{
    return (struct feed_frame){.number = number, .needs = needs, .time = number * 3000, .n = 100};
}

static void in(struct feed *f, uint32_t number, int64_t needs)
{
    struct feed_frame v = frame(number, needs);
    feed_vp8_in(f, &v, (uint16_t)number, 1);
}

/* How long until something can be pulled; at most that long. */
static sotto_us until_ready(struct feed *f, sotto_us most)
{
    struct receiver_out out;
    sotto_us since = f->now;
    for (;;) {
        while (sotto__receiver_next(f->r, f->now, &out) == 1) {
            f->nacks += out.type == RECEIVER_OUT_NACK;
            f->plis += out.type == RECEIVER_OUT_KEYFRAME;
        }
        if (sotto__receiver_ready(f->r)) break;
        sotto_us due = sotto__receiver_due(f->r);
        assert_true(due > f->now);
        if (due > since + most) return most + 1;
        f->now = due;
    }
    return f->now - since;
}

static void begin(struct feed *f, const struct receiver_cfg *cfg)
{
    feed_init(f, cfg);
    sotto__receiver_set_rtt(f->r, SOTTO_MS(50));
}

static void playout_waits_sixty_milliseconds_for_a_packet(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &ordered);
    feed_opus_in(&f, 0, 0);
    until_ready(&f, SOTTO_MS(50));
    assert_int_equal(feed_pull_all(&f), 1);
    feed_opus_in(&f, 2, 1920);
    assert_in_range(until_ready(&f, SOTTO_SECONDS(1)), SOTTO_MS(59), SOTTO_MS(61));
    assert_true(f.nacks > 0);
    assert_int_equal(feed_pull_all(&f), 1);
    assert_int_equal(f.dropped_sum, 1);
    feed_opus_in(&f, 4, 3 * 960); /* and is content with what comes in time */
    f.now += SOTTO_MS(40);
    feed_opus_in(&f, 3, 2 * 960);
    assert_int_equal(feed_pull_all(&f), 2);
    assert_int_equal(f.dropped_sum, 1);
    feed_free(&f);
}

static void without_repairs_it_waits_for_reordering_only(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &(struct receiver_cfg){.mode = SOTTO_RECEIVE_ORDERED});
    feed_opus_in(&f, 0, 0);
    until_ready(&f, SOTTO_MS(50));
    feed_pull_all(&f);
    feed_opus_in(&f, 2, 1920);
    assert_in_range(until_ready(&f, SOTTO_SECONDS(1)), SOTTO_MS(19), SOTTO_MS(21));
    feed_pull_all(&f);
    feed_opus_in(&f, 4, 4 * 960);
    f.now += SOTTO_MS(15);
    feed_opus_in(&f, 3, 3 * 960); /* so that is what this path does */
    assert_int_equal(feed_pull_all(&f), 2);
    feed_opus_in(&f, 6, 6 * 960);
    assert_in_range(until_ready(&f, SOTTO_SECONDS(1)), SOTTO_MS(30), SOTTO_MS(40));
    feed_free(&f);
}

static void held_audio_waits_until_the_next_packet_is_due(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &(struct receiver_cfg){.nack = true, .target = SOTTO_MS(400)});
    feed_opus_in(&f, 0, 0);
    until_ready(&f, SOTTO_SECONDS(1));
    feed_pull_all(&f);
    feed_opus_in(&f, 2, 48 * 1000); /* a second after the first, which came 400 ms ago */
    f.now += SOTTO_MS(600);
    sotto_us wait = until_ready(&f, SOTTO_SECONDS(2));
    assert_in_range(wait, 0, SOTTO_MS(401));
    assert_int_equal(feed_pull_all(&f), 1);
    assert_int_equal(f.dropped_sum, 1);
    feed_free(&f);
}

static void a_repaired_gap_loses_nothing(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    in(&f, 0, -1);
    in(&f, 2, 1);
    in(&f, 3, 2);
    assert_int_equal(feed_pull_all(&f), 1);
    f.now += SOTTO_MS(300);
    in(&f, 1, 0);
    assert_int_equal(feed_pull_all(&f), 3);
    assert_int_equal(f.dropped_sum, 0);
    feed_free(&f);
}

static void a_gap_is_waited_for_a_second_and_a_key_frame_is_asked_for_before(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    in(&f, 0, -1);
    feed_pull_all(&f);
    in(&f, 2, 1);
    sotto_us since = f.now;
    assert_int_equal(until_ready(&f, SOTTO_MS(149)), SOTTO_MS(149) + 1);
    assert_int_equal(f.plis, 0);
    f.now = since + SOTTO_MS(150);
    until_ready(&f, 0);
    assert_int_equal(f.plis, 1);
    assert_true(f.r->n_bytes > 0);
    feed_run(&f, since + SOTTO_SECONDS(1));
    assert_int_equal(f.r->n_bytes, 0); /* given up */
    assert_int_equal(feed_stats(&f).frames_dropped, 2);
    feed_free(&f);
}

static void a_repair_makes_the_request_needless(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    in(&f, 0, -1);
    in(&f, 2, 1);
    feed_run(&f, f.now + SOTTO_MS(140));
    in(&f, 1, 0);
    feed_run(&f, f.now + SOTTO_SECONDS(5));
    assert_int_equal(f.plis, 0);
    assert_int_equal(f.frames, 3);
    feed_free(&f);
}

static void a_whole_key_frame_beyond_a_gap_is_taken_when_it_is_due(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &(struct receiver_cfg){
                  .is_video = true, .nack = true, .pli = true, .target = SOTTO_MS(100)});
    in(&f, 0, -1);
    until_ready(&f, SOTTO_SECONDS(1));
    feed_pull_all(&f);
    in(&f, 2, 1);
    in(&f, 3, -1); /* 100 ms after the first, which came 100 ms ago */
    in(&f, 4, 3);
    sotto_us wait = until_ready(&f, SOTTO_SECONDS(1));
    assert_in_range(wait, SOTTO_MS(50), SOTTO_MS(101));
    feed_run(&f, f.now + SOTTO_MS(150));
    assert_int_equal(f.frames, 3);
    assert_int_equal(f.dropped_sum, 2);
    feed_free(&f);
}

static void a_whole_key_frame_is_taken_at_once_if_all_else_is_stopped(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    for (uint32_t i = 0; i < 3; i++) in(&f, i + 1, i);
    feed_run(&f, f.now + SOTTO_MS(100));
    in(&f, 5, 4); /* 4 is missing */
    struct feed_frame v = frame(6, -1);
    for (size_t i = 0; i < 3; i++) { /* backwards */
        struct feed_packet p = feed_vp8_packet(&v, 6, 2 - i, 3);
        assert_int_equal(feed_pull_all(&f), 0);
        feed_in(&f, &feed_vp8, &p);
    }
    assert_int_equal(feed_pull_all(&f), 1);
    assert_int_equal(f.dropped_sum, 5);
    feed_free(&f);
}

static void a_key_frame_with_a_gap_of_its_own_is_waited_for(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    in(&f, 0, -1);
    feed_pull_all(&f);
    struct feed_frame v = frame(3, -1);
    for (size_t i = 0; i < 3; i++) {
        struct feed_packet p = feed_vp8_packet(&v, 3, i, 3);
        if (i != 1) feed_in(&f, &feed_vp8, &p);
    }
    assert_true(until_ready(&f, SOTTO_MS(300)) > SOTTO_MS(300));
    struct feed_packet p = feed_vp8_packet(&v, 3, 1, 3);
    feed_in(&f, &feed_vp8, &p);
    until_ready(&f, 0);
    assert_int_equal(feed_pull_all(&f), 1);
    feed_free(&f);
}

static void h264_needs_what_came_before_a_key_frame(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        struct feed f;
        begin(&f, &video);
        struct feed_packet p = {
            .seq = 0, .time = 0, .marker = true, .payload = {0x65, 0x88, 3, 4}, .n = 4};
        feed_in(&f, &feed_h264, &p);
        f.now += SOTTO_MS(30);
        until_ready(&f, 0);
        assert_int_equal(feed_pull_all(&f), 1);
        p.seq = 5, p.time = 9000;
        feed_in(&f, &feed_h264, &p); /* has it more slices? */
        p.seq = 4, p.time = 6000;
        if (before) feed_in(&f, &feed_h264, &p);
        sotto_us wait = until_ready(&f, SOTTO_MS(200));
        assert_int_equal(wait <= SOTTO_MS(200), before);
        if (!before) { /* it was worth waiting */
            for (p.seq = 1; p.seq <= 4; p.seq++) {
                p.time = p.seq * 1000u;
                feed_in(&f, &feed_h264, &p);
            }
            assert_int_equal(feed_pull_all(&f), 5);
        }
        feed_free(&f);
    }
}

/* Its packets come backwards: the parameter sets, which belong to it, last. */
static void a_key_frame_is_whole_with_all_that_is_before_its_picture(void **state)
{
    static const uint8_t units[] = {0x67, 0x68, 0x65};
    struct feed f;
    (void)state;
    begin(&f, &video);
    struct feed_packet p = {.marker = true, .payload = {0x65, 0x88, 3, 4}, .n = 4};
    feed_in(&f, &feed_h264, &p);
    f.now += SOTTO_MS(30);
    until_ready(&f, 0);
    assert_int_equal(feed_pull_all(&f), 1);
    for (uint16_t i = 2; i < 3; i--) {
        assert_true(until_ready(&f, SOTTO_MS(20)) > SOTTO_MS(20));
        p = (struct feed_packet){.seq = (uint16_t)(5 + i),
                                 .time = 9000,
                                 .marker = i == 2,
                                 .payload = {units[i], 0x88, 3, 4},
                                 .n = 4};
        feed_in(&f, &feed_h264, &p);
    }
    assert_true(until_ready(&f, SOTTO_MS(100)) <= SOTTO_MS(100));
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->n, 3 * (4 + 4));
    sotto__received_free(got);
    feed_free(&f);
}

/* A frame that nobody needs is worth waiting for until it is due, with repairs or without. */
static void a_gap_in_a_frame_that_nobody_needs_ends_when_it_is_due(void **state)
{
    struct feed f;
    (void)state;
    for (int last = 0; last < 2; last++) { /* the packet in the middle, or the last one */
        begin(&f, &video);
        in(&f, 0, -1);
        feed_pull_all(&f);
        struct feed_frame v = frame(1, 0), w = frame(4, 0);
        v.disposable = true;
        w.number = 2;
        for (size_t i = 0; i < 3; i++) {
            struct feed_packet p = feed_vp8_packet(&v, 1, i, 3);
            if (i != 1 + (size_t)last) feed_in(&f, &feed_vp8, &p);
        }
        feed_vp8_in(&f, &w, 4, 1);
        assert_in_range(until_ready(&f, SOTTO_SECONDS(2)), 0, SOTTO_MS(50));
        assert_int_equal(feed_pull_all(&f), 1);
        feed_free(&f);
    }
}

static void a_gap_in_a_frame_that_is_needed_is_waited_for(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    in(&f, 0, -1);
    feed_pull_all(&f);
    struct feed_frame v = frame(1, 0), w = frame(2, 1);
    struct feed_packet p = feed_vp8_packet(&v, 1, 0, 2);
    feed_in(&f, &feed_vp8, &p);
    feed_vp8_in(&f, &w, 3, 1); /* picture ids follow, but the end of 1 is missing */
    assert_true(until_ready(&f, SOTTO_MS(500)) > SOTTO_MS(500));
    p = feed_vp8_packet(&v, 1, 1, 2);
    feed_in(&f, &feed_vp8, &p);
    assert_int_equal(feed_pull_all(&f), 2);
    feed_free(&f);
}

static void nobody_asks_before_a_frame_is_missed(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &(struct receiver_cfg){
                  .is_video = true, .nack = true, .pli = true, .target = SOTTO_MS(600)});
    in(&f, 0, -1);
    in(&f, 2, 1); /* due 67 ms after the first */
    feed_run(&f, f.now + SOTTO_MS(650));
    assert_int_equal(f.plis, 0);
    feed_run(&f, f.now + SOTTO_MS(50));
    assert_int_equal(f.plis, 1);
    feed_free(&f);
}

static void a_key_frame_that_is_arriving_is_not_asked_for_again(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    in(&f, 1, 0);
    feed_run(&f, f.now + SOTTO_MS(50));
    assert_int_equal(f.plis, 1);
    struct feed_frame v = frame(3, -1); /* 2 is missing */
    sotto_us since = f.now;
    for (size_t i = 0; i < 38; i++) {
        struct feed_packet p = feed_vp8_packet(&v, 3, i, 40);
        feed_in(&f, &feed_vp8, &p);
        feed_run(&f, f.now + SOTTO_MS(10));
    }
    assert_int_equal(f.plis, 1);
    feed_run(&f, since + SOTTO_MS(400));
    assert_int_equal(f.plis, 2); /* not for ever */
    feed_free(&f);
}

static void lost_padding_is_no_loss(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    struct feed_frame v = frame(0, -1), w = frame(1, 0), x = frame(2, 1);
    feed_vp8_in(&f, &v, 0, 2);
    feed_vp8_in(&f, &w, 5, 2); /* picture ids follow */
    assert_int_equal(feed_pull_all(&f), 2);
    feed_padding_in(&f, &feed_vp8, 8, 6000);
    feed_vp8_in(&f, &x, 9, 2);
    feed_run(&f, f.now + SOTTO_SECONDS(2));
    assert_int_equal(f.frames, 3);
    assert_int_equal(f.dropped_sum, 0);
    feed_free(&f);
}

static void a_gap_too_large_to_be_repaired_asks_for_a_key_frame_at_once(void **state)
{
    struct feed f;
    (void)state;
    begin(&f, &video);
    in(&f, 0, -1);
    in(&f, SOTTO_MAX_NACKS + 2, SOTTO_MAX_NACKS + 1); /* one more than may be asked for */
    feed_run(&f, f.now);
    assert_int_equal(f.plis, 1);
    assert_int_equal(f.nacks, 0);
    in(&f, SOTTO_MAX_NACKS + 3, -1);
    feed_run(&f, f.now);
    assert_int_equal(f.frames, 2);
    assert_int_equal(f.dropped_sum, SOTTO_MAX_NACKS + 2);
    feed_free(&f);
}

/* H100, all of it: jumps of 30000 of numbers or times every few packets. It neither stops nor holds more than a second. */
/* proves: H100 */
static void a_stream_that_jumps_all_the_time_neither_stops_nor_piles_up(void **state)
{
    struct feed f;
    uint32_t seed = 7, number = 0, time = 0;
    uint16_t seq = 0;
    (void)state;
    begin(&f, &(struct receiver_cfg){.is_video = true, .nack = true, .pli = true, .target = -1});
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        if (seed >> 26 == 0) seq = (uint16_t)(seq + 30000);
        if (seed >> 26 == 1) seq = (uint16_t)(seq - 30000);
        if (seed >> 26 == 2) time += 0x40000000;
        if (seed >> 26 == 3) time -= 90000 * 100;
        struct feed_frame v = frame(number, i % 10 ? (int64_t)number - 1 : -1);
        v.time = time += 3000;
        feed_vp8_in(&f, &v, seq, 2);
        seq = (uint16_t)(seq + 2);
        number++;
        feed_run(&f, f.now + SOTTO_MS(33));
        assert_true(f.r->n_bytes < 35 * 700);
    }
    assert_true(f.frames > 12000);
    assert_true(f.longest_gap < SOTTO_MS(1500));
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(playout_waits_sixty_milliseconds_for_a_packet),
        cmocka_unit_test(without_repairs_it_waits_for_reordering_only),
        cmocka_unit_test(held_audio_waits_until_the_next_packet_is_due),
        cmocka_unit_test(a_repaired_gap_loses_nothing),
        cmocka_unit_test(a_gap_is_waited_for_a_second_and_a_key_frame_is_asked_for_before),
        cmocka_unit_test(a_repair_makes_the_request_needless),
        cmocka_unit_test(a_whole_key_frame_beyond_a_gap_is_taken_when_it_is_due),
        cmocka_unit_test(a_whole_key_frame_is_taken_at_once_if_all_else_is_stopped),
        cmocka_unit_test(a_key_frame_with_a_gap_of_its_own_is_waited_for),
        cmocka_unit_test(h264_needs_what_came_before_a_key_frame),
        cmocka_unit_test(a_key_frame_is_whole_with_all_that_is_before_its_picture),
        cmocka_unit_test(a_gap_in_a_frame_that_nobody_needs_ends_when_it_is_due),
        cmocka_unit_test(a_gap_in_a_frame_that_is_needed_is_waited_for),
        cmocka_unit_test(nobody_asks_before_a_frame_is_missed),
        cmocka_unit_test(a_key_frame_that_is_arriving_is_not_asked_for_again),
        cmocka_unit_test(lost_padding_is_no_loss),
        cmocka_unit_test(a_gap_too_large_to_be_repaired_asks_for_a_key_frame_at_once),
        cmocka_unit_test(a_stream_that_jumps_all_the_time_neither_stops_nor_piles_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
