/* SPDX-License-Identifier: BSD-2-Clause */
#include "media/recv.h"

#include "feed.h"
#include "media/report.h"

static const struct receiver_cfg audio = {
    .nack = true, .mode = SOTTO_RECEIVE_ORDERED, .target = -1};
static const struct receiver_cfg audio_frames = {.nack = true, .target = -1};
static const struct receiver_cfg video = {.is_video = true, .nack = true, .pli = true};
static const struct receiver_cfg raw = {
    .is_video = true, .nack = true, .pli = true, .mode = SOTTO_RECEIVE_RTP};

static struct feed_frame frame(uint32_t number)
{
    return (struct feed_frame){
        .number = number, .needs = (int64_t)number - 1, .time = number * 3000, .n = 100};
}

static struct feed_frame key(uint32_t number)
{
    struct feed_frame v = frame(number);
    v.needs = -1;
    return v;
}

/* Opus packets of these numbers, 20 ms apart; what comes out is compared. */
static void require_opus(struct feed *f, uint16_t seq, uint64_t dropped)
{
    struct received *got = feed_pull(f);
    assert_non_null(got);
    assert_int_equal(got->n, 3);
    assert_int_equal(got->data[1] << 8 | got->data[2], seq);
    assert_int_equal(got->dropped, dropped);
    sotto__received_free(got);
}

static void audio_comes_out_in_order_with_all_that_is_known(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &audio);
    f.ext.has = 1u << EXT_AUDIO_LEVEL | 1u << EXT_ABS_CAPTURE;
    f.ext.audio_level = 33;
    f.ext.voice = true;
    f.ext.abs_capture = sotto__ntp(SOTTO_SECONDS(7));
    feed_opus_in(&f, 7, 960);
    sotto_us came = f.now;
    feed_run(&f, f.now + SOTTO_MS(19));
    assert_int_equal(f.frames, 0); /* others could have been before the first */
    f.now += SOTTO_MS(1);
    struct receiver_out out;
    assert_int_equal(sotto__receiver_next(f.r, f.now, &out), 0);
    assert_true(sotto__receiver_ready(f.r));
    struct received *got = feed_pull(&f);
    assert_non_null(got);
    assert_int_equal(got->codec, CODEC_OPUS);
    assert_int_equal(got->pt, 111);
    assert_int_equal(got->time, 960);
    assert_int_equal(got->clock, 48000);
    assert_int_equal(got->duration, 960);
    assert_int_equal(got->at, came);
    assert_true(got->has_level && got->voice && !got->is_packet && !got->is_key);
    assert_int_equal(got->audio_level, 33);
    assert_in_range(got->capture_sent, SOTTO_SECONDS(7) - 1, SOTTO_SECONDS(7) + 1);
    sotto__received_free(got);
    assert_false(sotto__receiver_ready(f.r));
    feed_opus_in(&f, 8, 1920);
    assert_true(sotto__receiver_ready(f.r)); /* later ones at once */
    require_opus(&f, 8, 0);
    feed_free(&f);
}

static void duplicates_and_late_packets_are_counted_and_dropped(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &audio);
    static const uint16_t in[] = {10, 11, 11, 10, 13, 13, 12, 12};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) feed_opus_in(&f, in[i], in[i] * 960u);
    feed_run(&f, f.now + SOTTO_MS(100));
    feed_opus_in(&f, 15, 15 * 960);
    feed_run(&f, f.now + SOTTO_MS(100)); /* 14 is given up */
    feed_opus_in(&f, 14, 14 * 960);
    feed_opus_in(&f, 14, 14 * 960);
    feed_run(&f, f.now + SOTTO_MS(100));
    struct receiver_stats s = feed_stats(&f);
    assert_int_equal(f.frames, 5);
    assert_int_equal(f.dropped_sum, 1);
    assert_int_equal(s.duplicates, 5);
    assert_int_equal(s.late, 1);
    assert_int_equal(s.discarded, 1);
    assert_int_equal(s.packets, 11);
    assert_int_equal(s.bytes, 33);
    assert_int_equal(s.header_bytes, 11 * 12);
    assert_int_equal(s.emitted, 5);
    feed_free(&f);
}

static void packets_before_the_first_one_are_taken_for_a_moment(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &audio);
    feed_opus_in(&f, 2, 2 * 960);
    f.now += SOTTO_MS(5);
    feed_opus_in(&f, 0, 0);
    assert_null(feed_pull(&f));
    f.now += SOTTO_MS(5);
    feed_opus_in(&f, 65535, 0u - 960);
    f.now += SOTTO_MS(5);
    feed_opus_in(&f, 1, 960);
    f.now += SOTTO_MS(6);
    feed_opus_in(&f, 3, 3 * 960);
    static const uint16_t want[] = {65535, 0, 1, 2, 3};
    for (size_t i = 0; i < 5; i++) require_opus(&f, want[i], 0);
    feed_opus_in(&f, 65534, 0u - 1920);
    assert_int_equal(feed_stats(&f).late, 1);
    feed_free(&f);
}

static void what_is_missing_before_the_first_is_asked_for(void **state)
{
    struct feed f;
    struct receiver_out out;
    (void)state;
    feed_init(&f, &audio);
    feed_opus_in(&f, 3, 3 * 960);
    feed_opus_in(&f, 0, 0);
    f.now += SOTTO_MS(15);
    assert_int_equal(sotto__receiver_next(f.r, f.now, &out), 1);
    assert_int_equal(out.type, RECEIVER_OUT_NACK);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.seqs[0], 1);
    assert_int_equal(out.seqs[1], 2);
    feed_free(&f);
}

static void sequence_numbers_and_times_wrap(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &audio);
    uint16_t seq = 65500;
    uint32_t time = 0xfffff000;
    feed_opus_in(&f, seq, time);
    f.now += SOTTO_MS(20);
    for (unsigned i = 1; i < 200000; i++) {
        feed_opus_in(&f, (uint16_t)(seq + i), time + i * 960);
        f.now += 20000;
        feed_pull_all(&f);
    }
    assert_int_equal(f.frames, 200000);
    assert_int_equal(f.dropped_sum, 0);
    feed_free(&f);
}

/* H100: the stream goes on somewhere else. At most the packets that prove it are held back, none is lost. */
/* proves: H100 */
static void a_jump_of_sequence_numbers_is_followed_after_three_packets(void **state)
{
    static const int jumps[] = {30000, -30000, 256, -256, -300, 5000, 32767, -32768};
    (void)state;
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        struct feed f;
        feed_init(&f, &audio);
        uint16_t seq = 1000;
        for (unsigned k = 0; k < 300; k++, f.now += SOTTO_MS(20)) {
            feed_opus_in(&f, seq++, 5000 + k * 960);
            feed_pull_all(&f);
        }
        feed_run(&f, f.now + SOTTO_MS(20));
        uint64_t before = f.frames;
        assert_int_equal(before, 300);
        seq = (uint16_t)(seq + jumps[i]);
        for (unsigned k = 0; k < 3; k++) feed_opus_in(&f, seq++, 99 * 960 * 5000 + k * 960);
        feed_pull_all(&f);
        assert_int_equal(f.frames, before + 3);
        feed_opus_in(&f, seq++, 99 * 960 * 5000 + 3 * 960);
        feed_pull_all(&f);
        assert_int_equal(f.frames, before + 4);
        feed_free(&f);
    }
}

/* proves: H100 */
static void a_stray_packet_or_two_change_nothing(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &audio);
    for (uint16_t seq = 0; seq < 1000; seq++, f.now += SOTTO_MS(20)) {
        feed_opus_in(&f, (uint16_t)(1000 + seq), seq * 960u);
        feed_opus_in(&f, (uint16_t)(40000 + 3 * seq), seq * 960u); /* never in a row */
        if (seq % 10 == 0) feed_opus_in(&f, (uint16_t)(40001 + 3 * seq), seq * 960u);
        feed_pull_all(&f);
    }
    feed_run(&f, f.now + SOTTO_MS(20));
    assert_int_equal(f.frames, 1000);
    assert_int_equal(f.dropped_sum, 0);
    feed_free(&f);
    assert_int_equal(sotto__mem_live(), 0);
}

static void repairs_from_afar_do_not_make_a_sequence(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &audio);
    feed_opus_in(&f, 1000, 0);
    f.now += SOTTO_MS(30);
    for (uint16_t i = 0; i < 10; i++) {
        struct feed_packet p = {
            .seq = (uint16_t)(30000 + i), .repair = true, .payload = {0x78, 1, 2}, .n = 3};
        feed_in(&f, &feed_opus, &p);
    }
    feed_opus_in(&f, 1001, 960);
    assert_int_equal(feed_pull_all(&f), 2);
    assert_int_equal(feed_stats(&f).discarded, 10);
    assert_int_equal(feed_stats(&f).repair_packets, 0);
    feed_free(&f);
}

/* A restart a little below: all numbers were seen before, but the times are of another line. */
static void a_restart_just_below_is_no_flood_of_duplicates(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    for (uint32_t i = 0; i < 500; i++, f.now += SOTTO_MS(33)) {
        struct feed_frame v = i ? frame(i) : key(i);
        feed_vp8_in(&f, &v, (uint16_t)i, 1);
        feed_run(&f, f.now);
    }
    assert_int_equal(f.frames, 500);
    for (uint32_t i = 0; i < 100; i++, f.now += SOTTO_MS(33)) {
        struct feed_frame v = i ? frame(1000 + i) : key(1000 + i);
        v.time = 0x77000000 + i * 3000;
        feed_vp8_in(&f, &v, (uint16_t)(300 + i), 1);
        feed_run(&f, f.now);
    }
    assert_int_equal(f.frames, 600);
    assert_int_equal(f.plis, 0);
    feed_free(&f);
}

/* What was seen of the numbers of one window ago says nothing of the same places in this one. */
static void gaps_are_gaps_in_every_window(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &audio);
    for (uint32_t i = 0; i < 10 * SOTTO_RECV_PACKETS; i++) {
        if (i % 2039 != 2038) feed_opus_in(&f, (uint16_t)i, i * 960);
        feed_run(&f, f.now + SOTTO_MS(20));
    }
    feed_run(&f, f.now + SOTTO_MS(100));
    assert_int_equal(f.frames + f.dropped_sum, 10 * SOTTO_RECV_PACKETS);
    assert_int_equal(f.dropped_sum, 10);
    assert_int_equal(feed_stats(&f).duplicates, 0);
    feed_free(&f);
}

static void padding_counts_and_belongs_to_no_frame(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    struct feed_frame v = key(0), w = frame(1);
    struct feed_packet p;
    feed_padding_in(&f, &feed_vp8, 9, 0);
    feed_vp8_in(&f, &v, 10, 2);
    feed_padding_in(&f, &feed_vp8, 12, 0);
    feed_padding_in(&f, &feed_vp8, 13, 0);
    p = feed_vp8_packet(&w, 14, 0, 2);
    feed_in(&f, &feed_vp8, &p);
    feed_padding_in(&f, &feed_vp8, 15, 777);
    p = feed_vp8_packet(&w, 15, 1, 2);
    feed_in(&f, &feed_vp8, &p);
    feed_run(&f, f.now + SOTTO_MS(100));
    assert_int_equal(f.frames, 2);
    assert_int_equal(f.dropped_sum, 0);
    assert_int_equal(feed_stats(&f).packets, 8);
    assert_int_equal(feed_stats(&f).header_bytes, 8 * 12 + 4 * 200);
    feed_free(&f);
}

/* ---- mode RTP ---- */

static void raw_packets_come_as_they_are_once(void **state)
{
    struct feed f;
    static const uint16_t in[] = {5, 7, 7, 6, 5, 40000, 40001, 40000, 7};
    static const uint16_t want[] = {5, 7, 6, 40000, 40001, 7};
    (void)state;
    feed_init(&f, &raw);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) feed_opus_in(&f, in[i], 100);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct received *got = feed_pull(&f);
        assert_non_null(got);
        assert_true(got->is_packet);
        assert_int_equal(got->n, RTP_HEADER + 3);
        assert_int_equal(got->data[2] << 8 | got->data[3], want[i]);
        assert_int_equal(got->time, 100);
        sotto__received_free(got);
    }
    assert_null(feed_pull(&f));
    feed_run(&f, f.now + SOTTO_SECONDS(1));
    assert_int_equal(f.nacks + f.plis, 0); /* no repair */
    sotto__receiver_want_key(f.r);
    feed_run(&f, f.now + SOTTO_MS(1));
    assert_int_equal(f.plis, 1); /* but what the application asks for */
    feed_free(&f);
}

static void the_mode_can_change_at_any_packet(void **state)
{
    struct feed f;
    struct receiver_cfg cfg = video;
    (void)state;
    feed_init(&f, &video);
    uint16_t seq = 0;
    for (uint32_t i = 0; i < 300; i++, seq = (uint16_t)(seq + 3)) {
        struct feed_frame v = i % 30 ? frame(i) : key(i);
        feed_vp8_in(&f, &v, seq, 3);
        if (i % 7 == 6) { /* in the middle of things */
            cfg.mode = (int32_t)(i / 7 % 3);
            sotto__receiver_configure(f.r, f.now, &cfg);
        }
        feed_run(&f, f.now + SOTTO_MS(33));
    }
    assert_true(f.frames > 300 && f.keys >= 6);
    feed_free(&f);
    assert_int_equal(sotto__mem_live(), 0);
}

/* ---- requests ---- */

static void key_frames_are_asked_for_once_in_a_while_until_one_comes(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    sotto__receiver_set_rtt(f.r, SOTTO_MS(400)); /* 600 ms between */
    feed_run(&f, f.now + SOTTO_SECONDS(5));
    assert_int_equal(f.plis, 0); /* nothing came yet */
    for (uint32_t i = 0; i < 300; i++) {
        struct feed_frame v = frame(i + 1);
        feed_vp8_in(&f, &v, (uint16_t)i, 1);
        feed_run(&f, f.now + SOTTO_MS(10));
    }
    assert_in_range(f.plis, 5, 6);
    struct feed_frame v = key(301);
    feed_vp8_in(&f, &v, 300, 1);
    feed_run(&f, f.now + SOTTO_SECONDS(5));
    assert_in_range(f.plis, 5, 6);
    assert_int_equal(f.frames, 1);
    assert_int_equal(f.dropped_sum, 300);
    for (int i = 0; i < 100; i++) {
        sotto__receiver_want_key(f.r);
        feed_run(&f, f.now + SOTTO_MS(10));
    }
    assert_in_range(f.plis, 7, 8); /* the application no oftener */
    assert_int_equal(feed_stats(&f).plis, f.plis);
    feed_free(&f);
}

static void who_does_not_understand_requests_gets_none(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &(struct receiver_cfg){.is_video = true});
    for (uint32_t i = 0; i < 300; i += 2) {
        struct feed_frame v = frame(i);
        feed_vp8_in(&f, &v, (uint16_t)i, 1);
        feed_run(&f, f.now + SOTTO_MS(10));
    }
    sotto__receiver_want_key(f.r);
    feed_run(&f, f.now + SOTTO_SECONDS(5));
    assert_int_equal(f.nacks + f.plis, 0);
    feed_free(&f);
}

/* ---- limits and memory ---- */

static void packets_that_wait_are_bounded_by_number(void **state)
{
    struct feed f;
    (void)state;
    feed_init(&f, &video);
    struct feed_frame v = key(0);
    feed_vp8_in(&f, &v, 0, 1);
    int64_t before = sotto__mem_live();
    for (uint32_t i = 2; i < SOTTO_RECV_PACKETS + 1; i++) { /* 1 is missing */
        v = frame(i);
        feed_vp8_in(&f, &v, (uint16_t)i, 1);
    }
    assert_in_range(sotto__mem_live() - before, SOTTO_RECV_PACKETS - 1, SOTTO_RECV_PACKETS + 1);
    v = frame(SOTTO_RECV_PACKETS + 1);
    feed_vp8_in(&f, &v, SOTTO_RECV_PACKETS + 1, 1); /* no room: 1 is given up, and all that needs it */
    assert_true(sotto__mem_live() - before <= 4);
    feed_free(&f);
}

static void packets_that_wait_are_bounded_by_bytes(void **state)
{
    struct feed f;
    static uint8_t payload[60000] = {0x90, 0, 0x10};
    (void)state;
    feed_init(&f, &video);
    int64_t before = sotto__mem_live();
    for (uint16_t seq = 0; seq < 2000; seq++) { /* 120 MB without an end, with a gap or without */
        struct rtp rtp = {.pt = 96,
                          .seq = (uint16_t)(seq + (seq > 100)),
                          .time = 1,
                          .payload = payload,
                          .n_payload = sizeof payload,
                          .n_header = RTP_HEADER};
        sotto__receiver_input(f.r, f.now, &rtp, &f.ext, &feed_vp8, false, NULL, 0);
        assert_true(sotto__mem_live() - before <= (int64_t)(SOTTO_RECV_BYTES / sizeof payload) + 2);
        payload[0] = 0x80;
    }
    feed_free(&f);
}

/* Two frames in packets out of order, a repair, a jump, audio, mode RTP: with each allocation failing in turn. */
static void main_path(void)
{
    struct feed f;
    struct receiver *r;
    static const int modes[] = {SOTTO_RECEIVE_FRAMES, SOTTO_RECEIVE_ORDERED, SOTTO_RECEIVE_RTP};
    for (size_t m = 0; m < 6; m++) {
        struct receiver_cfg cfg = m < 3 ? video : audio_frames;
        cfg.mode = modes[m % 3];
        memset(&f, 0, sizeof f);
        f.last = -1;
        f.now = SOTTO_SECONDS(1);
        if (sotto__receiver_new(&r, &cfg) < 0) continue;
        f.r = r;
        for (uint32_t i = 0; i < 30; i++) {
            struct feed_frame v = i % 10 ? frame(i) : key(i);
            uint16_t seq = (uint16_t)(3 * (i ^ 1) + (i >= 20 ? 30000 : 0)); /* frames change places in twos */
            v = (i ^ 1) % 10 ? frame(i ^ 1) : key(i ^ 1);
            if (i == 7) continue;
            if (m < 3)
                feed_vp8_in(&f, &v, seq, 3);
            else
                feed_opus_in(&f, seq / 3, seq * 320u);
            feed_run(&f, f.now + SOTTO_MS(33));
        }
        feed_free(&f);
    }
}

static void memory_may_end_anywhere(void **state)
{
    uint64_t n = 0;
    (void)state;
    do {
        sotto__mem_fail_at(++n);
        main_path();
        assert_int_equal(sotto__mem_live(), 0);
    } while (sotto__mem_failed());
    assert_true(n > 200);
    sotto__mem_fail_at(0);
}

static void nothing_is_a_receiver_too(void **state)
{
    (void)state;
    sotto__receiver_free(NULL);
    sotto__received_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_comes_out_in_order_with_all_that_is_known),
        cmocka_unit_test(duplicates_and_late_packets_are_counted_and_dropped),
        cmocka_unit_test(packets_before_the_first_one_are_taken_for_a_moment),
        cmocka_unit_test(what_is_missing_before_the_first_is_asked_for),
        cmocka_unit_test(sequence_numbers_and_times_wrap),
        cmocka_unit_test(a_jump_of_sequence_numbers_is_followed_after_three_packets),
        cmocka_unit_test(a_stray_packet_or_two_change_nothing),
        cmocka_unit_test(repairs_from_afar_do_not_make_a_sequence),
        cmocka_unit_test(a_restart_just_below_is_no_flood_of_duplicates),
        cmocka_unit_test(gaps_are_gaps_in_every_window),
        cmocka_unit_test(padding_counts_and_belongs_to_no_frame),
        cmocka_unit_test(raw_packets_come_as_they_are_once),
        cmocka_unit_test(the_mode_can_change_at_any_packet),
        cmocka_unit_test(key_frames_are_asked_for_once_in_a_while_until_one_comes),
        cmocka_unit_test(who_does_not_understand_requests_gets_none),
        cmocka_unit_test(packets_that_wait_are_bounded_by_number),
        cmocka_unit_test(packets_that_wait_are_bounded_by_bytes),
        cmocka_unit_test(memory_may_end_anywhere),
        cmocka_unit_test(nothing_is_a_receiver_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
