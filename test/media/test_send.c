/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames become packets: numbers, times, markers, extensions, spreading, refusals. Repairs: test_send_repair.c. */
#include "send_rig.h"
#include "util/rand.h"

/* ---- RTP-01: beginnings ---- */

/* proves: RTP-01 */
static void beginnings_are_random_and_numbers_begin_below_32768(void **state)
{
    (void)state;
    struct sender *all[200];
    uint32_t seqs = 0, times = 0, pictures = 0, rtx = 0;
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(sotto__sender_new(&all[i], true, 1, 2), 0);
        assert_in_range(all[i]->seq, 0, 32767);
        assert_in_range(all[i]->rtx_seq, 0, 32767);
        assert_in_range(all[i]->split.picture_id, 0, 32767);
        for (size_t k = 0; k < i; k++) {
            seqs += all[i]->seq == all[k]->seq;
            rtx += all[i]->rtx_seq == all[k]->rtx_seq;
            times += all[i]->time_base == all[k]->time_base;
            pictures += all[i]->split.picture_id == all[k]->split.picture_id;
        }
        assert_true(all[i]->seq != all[i]->rtx_seq || i > 0);
    }
    assert_true(seqs < 20 && rtx < 20 && pictures < 20); /* 0.6 expected */
    assert_int_equal(times, 0);
    for (size_t i = 0; i < 200; i++) sotto__sender_free(all[i], NULL);
}

static void without_randomness_or_memory_there_is_no_sender(void **state)
{
    (void)state;
    struct sender *s = NULL;
    int64_t live = sotto__mem_live();
    sotto__rand_fail(1);
    assert_int_equal(sotto__sender_new(&s, true, 1, 0), SOTTO_E_SYS);
    sotto__rand_fail(0);
    for (uint64_t n = 1; n <= 2; n++) {
        sotto__mem_fail_at(n);
        assert_int_equal(sotto__sender_new(&s, true, 1, 0), SOTTO_E_NOMEM);
        assert_true(sotto__mem_failed());
    }
    sotto__mem_fail_at(0);
    assert_null(s);
    assert_int_equal(sotto__mem_live(), live);
    sotto__sender_free(NULL, NULL);
}

/* ---- frames ---- */

static void assert_joined(const struct left *k, size_t n, const uint8_t *frame, size_t len)
{
    struct payload_piece *pieces = calloc(n, sizeof *pieces);
    struct buf out;
    assert_non_null(pieces);
    sotto__buf_init(&out, SOTTO_MAX_FRAME);
    for (size_t i = 0; i < n; i++) {
        pieces[i] = (struct payload_piece){k[i].rtp.payload, k[i].rtp.n_payload};
        assert_int_equal(k[i].rtp.seq, (uint16_t)(k[0].rtp.seq + i));
        assert_int_equal(k[i].rtp.time, k[0].rtp.time);
        assert_int_equal(k[i].rtp.pt, 96);
        assert_int_equal(k[i].rtp.ssrc, 0x11111111);
        assert_int_equal(k[i].rtp.marker, i == n - 1); /* the last of a video frame */
        assert_true(k[i].n <= SOTTO_MTU - 16);
        assert_true(k[i].rtp.n_payload <= SOTTO_MAX_RTP_PAYLOAD);
    }
    assert_int_equal(sotto__payload_join(CODEC_VP8, pieces, n, &out), 0);
    assert_int_equal(out.n, len);
    assert_memory_equal(out.p, frame, len);
    sotto__buf_free(&out);
    free(pieces);
}

static void a_frame_leaves_as_packets_that_join_to_it(void **state)
{
    static const size_t sizes[] = {10, 1136, 1137, 5000, 50000, 800000, SOTTO_MAX_FRAME};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct rig r;
        rig_start(&r, true, 0);
        assert_int_equal(rig_send(&r, sizes[i], true), 0);
        int64_t after_one = sotto__mem_live();
        rig_run(&r, T0 + 100000);
        assert_int_equal(after_one - r.live, 3); /* sender, history, one block */
        assert_int_equal(r.n, (sizes[i] + 1135) / 1136);
        assert_joined(r.left, r.n, r.frame, sizes[i]);
        rig_end(&r);
    }
}

static void numbers_go_on_from_frame_to_frame_and_wrap(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    r.s->seq = 65530;
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(rig_send(&r, 3000, i == 0), 0);
        rig_run(&r, r.now + 33333);
    }
    assert_int_equal(r.n, 30);
    for (size_t i = 0; i < r.n; i++) assert_int_equal(r.left[i].rtp.seq, (uint16_t)(65530 + i));
    rig_end(&r);
}

static void a_large_frame_is_spread_over_the_distance_of_frames(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    for (size_t i = 0; i < 40; i++) { /* 50 frames a second */
        size_t before = r.n;
        sotto_us began = r.now;
        assert_int_equal(rig_send(&r, i % 2 ? 50000 : 4000, i == 0), 0);
        rig_run(&r, r.now + 20000);
        assert_true(i < 30 || sotto__pacer_due(&r.pacer) > r.now);
        if (i % 2 == 0 || i < 30) continue;
        for (size_t k = before; k < r.n; k++) {
            sotto_us even = (sotto_us)(k - before) * 20000 / 45;
            assert_in_range(r.left[k].at - began + 5000, even + 5000 - PACER_SLOT_US, even + 7000);
        }
    }
    assert_in_range(r.s->interval, 19900, 20400);
    rig_end(&r);
}

static void a_small_frame_leaves_at_once(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    assert_int_equal(rig_send(&r, 4 * 1136, true), 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, 4);
    assert_int_equal(rig_send(&r, 4 * 1136 + 1, false), 0);
    rig_run(&r, r.now);
    assert_in_range(r.n, 5, 8);
    rig_end(&r);
}

static void a_frame_is_never_overtaken_by_the_next(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    for (size_t i = 0; i < 30; i++) { /* two at a time, and too early */
        assert_int_equal(rig_send(&r, i % 3 ? 1000 : 60000, i == 0), 0);
        assert_int_equal(rig_send(&r, i % 2 ? 30000 : 100, false), 0);
        rig_run(&r, r.now + 7000);
    }
    rig_run(&r, r.now + SOTTO_SECONDS(1));
    for (size_t i = 1; i < r.n; i++)
        assert_int_equal(r.left[i].rtp.seq, (uint16_t)(r.left[i - 1].rtp.seq + 1));
    rig_end(&r);
}

/* ---- what is not taken ---- */

static void when_the_pacer_is_full_only_a_key_frame_is_taken_then(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    sotto__pacer_set_rate(&r.pacer, 1000000);
    assert_int_equal(rig_send(&r, SOTTO_MAX_PACER_BYTES, true), 0); /* an empty queue takes any */
    assert_int_equal(rig_send(&r, 100, false), SOTTO_E_AGAIN);
    assert_true(r.s->needs_key);
    rig_run(&r, r.now + SOTTO_SECONDS(10));
    struct sender before = *r.s;
    assert_int_equal(rig_send(&r, 100, false), SOTTO_E_AGAIN); /* there is room, but it is no key frame */
    before.stats.frames_refused++;
    assert_memory_equal(&before, r.s, sizeof before);
    sotto_frame f = rig_video(&r, 100, true);
    f.is_key = false; /* forgotten: its bytes say so too */
    assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
    assert_int_equal(rig_send(&r, 100, false), 0);
    assert_int_equal(r.s->stats.frames_refused, 2);
    assert_int_equal(r.s->stats.frames, 3);
    assert_int_equal(r.s->stats.key_frames, 2);
    rig_end(&r);
}

static void a_bad_frame_changes_nothing(void **state)
{
    (void)state;
    static const uint8_t descriptor[SOTTO_MAX_DEPENDENCY + 1];
    struct rig r;
    rig_start(&r, true, 0);
    assert_int_equal(rig_send(&r, 3000, true), 0);
    struct sender before = *r.s;
    sotto_frame f = rig_video(&r, 2, false);
    assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), SOTTO_E_SYNTAX);
    f = rig_video(&r, 3000, false);
    f.dependency = descriptor, f.dependency_len = sizeof descriptor;
    assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), SOTTO_E_RANGE);
    assert_memory_equal(&before, r.s, sizeof before);
    rig_end(&r);
}

static void a_frame_without_memory_changes_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    assert_int_equal(rig_send(&r, 3000, true), 0);
    for (uint64_t n = 1;; n++) {
        struct sender before = *r.s;
        struct pacer pacer = r.pacer;
        sotto__mem_fail_at(n);
        int result = rig_send(&r, 30000, false);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(result, 0);
            assert_int_equal(n, 2); /* one allocation a frame */
            break;
        }
        assert_int_equal(result, SOTTO_E_NOMEM);
        assert_memory_equal(&before, r.s, sizeof before);
        assert_memory_equal(&pacer, &r.pacer, sizeof pacer);
    }
    rig_run(&r, r.now + 50000);
    assert_int_equal(r.n, 3 + 27);
    rig_end(&r);
}

static void what_waits_goes_with_its_sender(void **state)
{
    (void)state;
    struct rig r;
    struct sender *other;
    rig_start(&r, true, 0);
    assert_int_equal(sotto__sender_new(&other, true, 5, 0), 0);
    sotto_frame f = rig_video(&r, 50000, true);
    assert_int_equal(sotto__sender_frame(other, r.now, &vp8, &f, &r.pacer), 0);
    assert_int_equal(rig_send(&r, 50000, true), 0);
    sotto__sender_free(other, &r.pacer);
    rig_run(&r, r.now + 50000);
    assert_int_equal(r.n, 45);
    rig_end(&r);
}

/* ---- times ---- */

/* Ticks of capture times of 30 frames a second, rounded to µs, for days: each within half a tick, so that distances are exact. */
static void video_times_neither_drift_nor_jitter_in_days(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    uint32_t first = sotto__sender_time(r.s, T0, 90000);
    for (int64_t i = 0; i < (int64_t)40 * 86400 * 30; i += 9973) { /* beyond two wraps of 13 hours each, and many */
        sotto_us capture = T0 + (i * 1000000 + 15) / 30;
        assert_int_equal(sotto__sender_time(r.s, capture, 90000), (uint32_t)(first + i * 3000));
    }
    for (int64_t i = 0; i < 5000; i++) {
        sotto_frame f = rig_video(&r, 20, i == 0);
        r.now = f.capture_us = T0 + (i * 1000000 + 15) / 30;
        assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
        rig_run(&r, r.now);
        assert_int_equal(r.left[i].rtp.time, (uint32_t)(first + i * 3000));
    }
    rig_end(&r);
}

static void every_time_of_an_application_has_a_time(void **state)
{
    static const sotto_us odd[] = {-1, -999999, -1000001, INT64_MIN, INT64_MAX, 1, 0};
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        sotto_frame f = rig_video(&r, 20, true);
        f.capture_us = odd[i];
        assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
        assert_int_equal(sotto__sender_time(r.s, odd[i] ? odd[i] : r.now, 90000), r.s->last_time);
    }
    uint32_t zero = sotto__sender_time(r.s, 0, 90000);
    assert_int_equal(sotto__sender_time(r.s, -1000000, 90000), zero - 90000);
    assert_int_equal(sotto__sender_time(r.s, -500000, 90000), zero - 45000);
    rig_end(&r);
}

static void frames_of_one_moment_have_times_of_their_own(void **state)
{
    static const sotto_us captured[] = {0, 0, 0, 33333, 100000, 66667, 133333}; /* then frames that are reordered */
    static const uint32_t ticks[] = {0, 1, 2, 3000, 9000, 6000, 12000};
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    for (size_t i = 0; i < 7; i++) {
        sotto_frame f = rig_video(&r, 20, i == 0);
        f.capture_us = T0 + captured[i];
        assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
        rig_run(&r, r.now + 1000);
        assert_int_equal((uint32_t)(r.left[i].rtp.time - r.left[0].rtp.time), ticks[i]);
    }
    rig_end(&r);
}

static void rtp_times_of_the_application_pass_and_reports_fit_them(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    for (uint32_t i = 0; i < 100; i++) {
        sotto_frame f = rig_video(&r, 20, i == 0);
        f.time_kind = SOTTO_TIME_RTP;
        f.rtp_time = 0xffff0000u + i * 3003;
        f.capture_us = r.now - 5000;
        assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
        rig_run(&r, r.now);
        assert_int_equal(r.left[i].rtp.time, f.rtp_time);
        assert_int_equal(sotto__sender_time(r.s, f.capture_us, 90000), f.rtp_time);
        assert_int_equal(sotto__sender_time(r.s, r.now, 90000), f.rtp_time + 450);
        r.now += 33367;
    }
    rig_end(&r);
}

/* ---- audio ---- */

static void audio_times_go_on_by_samples_while_capture_times_jitter(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, false, 0);
    srand(3);
    for (uint32_t i = 0; i < 5000; i++) {
        sotto_us captured = T0 + (sotto_us)i * 20000;
        r.now = captured + 20000;
        assert_int_equal(rig_audio(&r, captured + (i ? rand() % 8000 - 4000 : 0)), 0);
        rig_run(&r, r.now);
        assert_int_equal(r.left[i].rtp.time, (uint32_t)(r.left[0].rtp.time + i * 960));
        assert_int_equal(r.left[i].rtp.marker, i == 0);
        int32_t off = (int32_t)(sotto__sender_time(r.s, captured, 48000) - r.left[i].rtp.time);
        assert_in_range(off + 48, 0, 96); /* reports: within 1 ms */
    }
    rig_end(&r);
}

/* 1,000 ppm for an hour: 3.6 s. No gap is heard, and reports carry the difference. */
static void a_sound_card_with_another_clock_leaves_no_gap(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct rig r;
        rig_start(&r, false, 0);
        for (uint32_t i = 0; i < 3600 * 50; i++) {
            sotto_us captured = T0 + (sotto_us)i * (20000 + sign * 20);
            r.now = captured;
            r.n = 0;
            assert_int_equal(rig_audio(&r, captured), 0);
            rig_run(&r, r.now);
            assert_int_equal(r.left[0].rtp.marker, i == 0);
            int32_t off = (int32_t)(sotto__sender_time(r.s, captured, 48000) - r.left[0].rtp.time);
            assert_in_range(off + 96, 0, 192); /* 2 ms */
        }
        rig_end(&r);
    }
}

static void silence_keeps_time_going_and_ends_with_a_marker(void **state)
{
    static const uint32_t pauses[] = {0, 1, 20, 400, 3000, 90000000}; /* packets that are not sent: up to 20 days */
    (void)state;
    struct rig r;
    rig_start(&r, false, 0);
    sotto_us capture = T0;
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        for (uint32_t k = 0; k < 3; k++, capture += 20000) {
            r.now = capture;
            assert_int_equal(rig_audio(&r, capture), 0);
            rig_run(&r, r.now);
            const struct left *at = &r.left[r.n - 1];
            assert_int_equal(at->rtp.time, (uint32_t)(r.left[0].rtp.time +
                                                      (uint64_t)(capture - T0) / 20000 * 960));
            assert_int_equal(at->rtp.marker, k == 0 && (i == 0 || pauses[i - 1] > 0));
        }
        capture += (sotto_us)pauses[i] * 20000;
    }
    rig_end(&r);
}

static void audio_in_bursts_goes_on_and_a_new_clock_begins_anew(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, false, 0);
    for (uint32_t i = 0; i < 500; i++) { /* five at once, none with a capture time */
        r.now = T0 + (sotto_us)(i / 5) * 100000;
        assert_int_equal(rig_audio(&r, 0), 0);
        rig_run(&r, r.now);
        assert_int_equal(r.left[i].rtp.time, (uint32_t)(r.left[0].rtp.time + i * 960));
    }
    assert_int_equal(rig_audio(&r, r.now - SOTTO_SECONDS(5)), 0); /* the application's clock went back */
    rig_run(&r, r.now);
    assert_true((int32_t)(r.left[500].rtp.time - r.left[499].rtp.time) < -4 * 48000);
    assert_true(r.left[500].rtp.marker);
    rig_end(&r);
}

/* ---- extensions ---- */

static void negotiate(struct rig *r)
{
    for (uint8_t i = 0; i < EXT_COUNT; i++) r->ids[i] = (uint8_t)(i + 1);
    r->values.has = 1u << EXT_MID | 1u << EXT_RID | 1u << EXT_TWCC;
    r->values.mid = STR("video0"), r->values.rid = STR("hi"), r->values.twcc = 77;
}

static struct ext_values values_of(const struct rig *r, size_t i)
{
    struct ext_values v;
    sotto__ext_read(&r->left[i].rtp, r->ids, &v);
    return v;
}

static void extensions_stand_on_the_packets_that_they_are_for(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, true, 0);
    negotiate(&r);
    sotto_frame f = rig_video(&r, 3000, false);
    f.rotation = 270;
    f.dependency = "dependency", f.dependency_len = 10;
    assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
    rig_run(&r, r.now);
    assert_int_equal(r.n, 3);
    for (size_t i = 0; i < 3; i++) {
        struct ext_values v = values_of(&r, i);
        assert_true(sotto__str_eq(v.mid, STR("video0")) && sotto__str_eq(v.rid, STR("hi")));
        assert_int_equal(v.twcc, 77);
        assert_int_equal(!!(v.has & 1u << EXT_DEPENDENCY), i == 0);
        assert_int_equal(!!(v.has & 1u << EXT_ORIENTATION), i == 2);
        assert_int_equal(v.has & 1u << EXT_AUDIO_LEVEL, 0);
        if (i == 0) assert_memory_equal(v.dependency, "dependency", v.n_dependency);
        if (i == 2) assert_int_equal(v.rotation, 3);
    }
    static const struct { /* told while it is not 0, when it becomes 0 again, and on each key frame */
        int rotation;
        bool is_key, told;
    } rows[] = {{270, false, true}, {0, false, true}, {0, false, false}, {0, true, true}};
    for (size_t i = 0; i < 4; i++) {
        f = rig_video(&r, 100, rows[i].is_key);
        f.rotation = rows[i].rotation;
        assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
        rig_run(&r, r.now);
        assert_int_equal(!!(values_of(&r, 3 + i).has & 1u << EXT_ORIENTATION), rows[i].told);
    }
    rig_end(&r);
}

/* proves: RTP-11 */
static void the_level_of_audio_is_on_its_packet(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, false, 0);
    negotiate(&r);
    sotto_frame f = {.size = sizeof f, .data = "\x78", .len = 1, .audio_level_kind = 1};
    f.audio_level = 42, f.has_voice = true;
    assert_int_equal(sotto__sender_frame(r.s, r.now, &opus, &f, &r.pacer), 0);
    f.audio_level_kind = 0;
    assert_int_equal(sotto__sender_frame(r.s, r.now, &opus, &f, &r.pacer), 0);
    rig_run(&r, r.now);
    struct ext_values v = values_of(&r, 0);
    assert_true(v.has & 1u << EXT_AUDIO_LEVEL && v.voice && v.audio_level == 42);
    assert_false(values_of(&r, 1).has & 1u << EXT_AUDIO_LEVEL);
    rig_end(&r);
}

static void packets_stay_below_the_path_however_long_the_extensions(void **state)
{
    (void)state;
    char mid[64], rid[255], dependency[SOTTO_MAX_DEPENDENCY];
    struct rig r;
    rig_start(&r, true, 0x22222222);
    negotiate(&r);
    memset(mid, 'm', sizeof mid), memset(rid, 'r', sizeof rid), memset(dependency, 7, 64);
    r.values.mid = (struct str){mid, sizeof mid}, r.values.rid = (struct str){rid, sizeof rid};
    sotto__sender_expect(r.s, r.ids, &r.values);
    for (size_t i = 0; i < 10; i++) {
        sotto_frame f = rig_video(&r, 9000, i == 0);
        f.dependency = dependency, f.dependency_len = sizeof dependency;
        assert_int_equal(sotto__sender_frame(r.s, r.now, &vp8, &f, &r.pacer), 0);
        rig_run(&r, r.now + 60000);
        for (size_t k = r.n - 1; k > 0 && !r.left[k - 1].rtp.marker; k--)
            assert_in_range(r.left[k].n, 1000, SOTTO_MTU - 16 - 2);
        sotto__sender_nack(r.s, r.now, r.left[r.n - 1].rtp.seq, 0, 0, &r.pacer);
        rig_run(&r, r.now);
        assert_true(r.left[r.n - 1].is_repair && r.left[r.n - 1].n <= SOTTO_MTU - 16);
        assert_int_equal(values_of(&r, r.n - 1).rrid.n, sizeof rid);
    }
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beginnings_are_random_and_numbers_begin_below_32768),
        cmocka_unit_test(without_randomness_or_memory_there_is_no_sender),
        cmocka_unit_test(a_frame_leaves_as_packets_that_join_to_it),
        cmocka_unit_test(numbers_go_on_from_frame_to_frame_and_wrap),
        cmocka_unit_test(a_large_frame_is_spread_over_the_distance_of_frames),
        cmocka_unit_test(a_small_frame_leaves_at_once),
        cmocka_unit_test(a_frame_is_never_overtaken_by_the_next),
        cmocka_unit_test(when_the_pacer_is_full_only_a_key_frame_is_taken_then),
        cmocka_unit_test(a_bad_frame_changes_nothing),
        cmocka_unit_test(a_frame_without_memory_changes_nothing),
        cmocka_unit_test(what_waits_goes_with_its_sender),
        cmocka_unit_test(video_times_neither_drift_nor_jitter_in_days),
        cmocka_unit_test(every_time_of_an_application_has_a_time),
        cmocka_unit_test(frames_of_one_moment_have_times_of_their_own),
        cmocka_unit_test(rtp_times_of_the_application_pass_and_reports_fit_them),
        cmocka_unit_test(audio_times_go_on_by_samples_while_capture_times_jitter),
        cmocka_unit_test(a_sound_card_with_another_clock_leaves_no_gap),
        cmocka_unit_test(silence_keeps_time_going_and_ends_with_a_marker),
        cmocka_unit_test(audio_in_bursts_goes_on_and_a_new_clock_begins_anew),
        cmocka_unit_test(extensions_stand_on_the_packets_that_they_are_for),
        cmocka_unit_test(the_level_of_audio_is_on_its_packet),
        cmocka_unit_test(packets_stay_below_the_path_however_long_the_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
