/* SPDX-License-Identifier: BSD-2-Clause */
/* What feedback does: requests for key frames, limits, NACKs (RTP-07, RTP-08, H104, H106, H108), the circuit breaker (RTP-06). */
#include "session_rig.h"

/* ---- requests: RTP-08, H106 ---- */

/* proves: H106 RTP-08 */
static void a_storm_of_requests_is_one_key_frame_in_half_a_second(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    stream(c, SOTTO_MS(100));
    const struct outgoing *o = &c->video.outgoing[0];
    c->keys = 0;
    for (int ms = 0; ms < 2000; ms++) {
        hear_pli(c, o->ssrc);
        hear_fir(c, o->ssrc, (uint8_t)ms);
        run(c, c->now + SOTTO_MS(1));
    }
    assert_in_range(c->keys, 4, 5);
    assert_ptr_equal(c->key_for, o);
    assert_int_equal(o->sender->stats.plis, 2000);
    assert_int_equal(o->sender->stats.firs, 2000);
    call_free(c);
}

/* proves: RTP-08 RTP-16 */
static void a_fir_is_obeyed_once_and_only_by_its_stream(void **state)
{
    (void)state;
    struct call *c = call_new(3);
    for (int k = 0; k < 3; k++)
        assert_int_equal(send_video(c, c->video.outgoing[k].rid, 100, true), 0);
    assert_int_equal(send_audio(c), 0);
    run(c, c->now + SOTTO_SECONDS(1));
    c->keys = 0;
    hear_fir(c, c->video.outgoing[1].ssrc, 7);
    run(c, c->now + SOTTO_SECONDS(1));
    assert_int_equal(c->keys, 1);
    assert_ptr_equal(c->key_for, &c->video.outgoing[1]);
    for (int i = 0; i < 5; i++) { /* RFC 5104 §4.3.1.2: repetitions */
        hear_fir(c, c->video.outgoing[1].ssrc, 7);
        run(c, c->now + SOTTO_SECONDS(1));
    }
    assert_int_equal(c->keys, 1);
    hear_pli(c, 4711);                       /* RTP-16: of nobody */
    hear_pli(c, c->video.outgoing[0].rtx_ssrc); /* of repairs */
    hear_pli(c, c->audio.outgoing[0].ssrc);  /* sound has no key frames */
    hear_fir(c, c->audio.outgoing[0].ssrc, 1);
    run(c, c->now + SOTTO_SECONDS(1));
    assert_int_equal(c->keys, 1);
    call_free(c);
}

/* proves: H108 RTP-08 */
static void a_limit_of_the_remote_is_told_answered_and_has_a_floor(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct outgoing *o = &c->video.outgoing[0];
    stream(c, SOTTO_MS(200));
    c->bitrates = 0;
    hear_tmmbr(c, o->ssrc, 3, 100000); /* 800 kbit/s */
    run(c, c->now + SOTTO_SECONDS(1));
    assert_int_equal(c->bitrates, 1);
    assert_int_equal(o->told_bps, 800000);
    assert_int_equal(c->limits, 1);
    assert_int_equal(c->limit_of, THEM);
    assert_int_equal(c->limit_bps, 800000);
    static const struct {
        uint32_t exp, mantissa;
    } hostile[] = {{0, 0}, {0, 1}, {63, 0}}; /* H108 */
    for (size_t i = 0; i < 3; i++) {
        hear_tmmbr(c, o->ssrc, hostile[i].exp, hostile[i].mantissa);
        run(c, c->now + SOTTO_SECONDS(1));
        assert_int_equal(o->told_bps, SOTTO_MIN_TARGET_BPS);
    }
    hear_tmmbr(c, o->ssrc, 63, 0x1ffff);
    run(c, c->now + SOTTO_SECONDS(1));
    assert_int_equal(o->told_bps, SOTTO_DEFAULT_VIDEO_BPS);
    call_free(c);
}

static void hear_remb(struct call *c, uint32_t ssrc, uint64_t bps)
{
    uint8_t p[200];
    struct writer w = begin(p, sizeof p);
    sotto__rtcp_write_remb(&w, THEM, bps, &ssrc, 1);
    hear(c, &w);
}

/* proves: H108 RTP-16 */
static void an_estimate_of_the_remote_is_shared_by_the_layers(void **state)
{
    (void)state;
    struct call *c = call_new(3);
    for (int k = 0; k < 3; k++)
        assert_int_equal(send_video(c, c->video.outgoing[k].rid, 100, true), 0);
    assert_int_equal(send_audio(c), 0);
    run(c, c->now + SOTTO_MS(100));
    uint64_t audio = c->audio.outgoing[0].told_bps;
    static const struct {
        uint64_t bps, each;
    } rows[] = {{900000, 300000},
                {0, SOTTO_MIN_TARGET_BPS}, /* H108 */
                {UINT64_MAX >> 1, SOTTO_DEFAULT_VIDEO_BPS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        hear_remb(c, c->video.outgoing[1].ssrc, rows[i].bps);
        run(c, c->now + SOTTO_MS(10));
        for (int k = 0; k < 3; k++) assert_int_equal(c->video.outgoing[k].told_bps, rows[i].each);
        hear_remb(c, 4711, 50000); /* RTP-16: of nobody */
        run(c, c->now + SOTTO_MS(10));
        assert_int_equal(c->video.outgoing[0].told_bps, rows[i].each);
        assert_int_equal(c->audio.outgoing[0].told_bps, audio);
    }
    call_free(c);
}

/* ---- H104 ---- */

/* proves: H104 */
static void a_storm_of_nacks_is_bounded_by_what_is_sent(void **state)
{
    (void)state;
    uint16_t seqs[31 * 17];
    struct call *c = call_new(0);
    struct outgoing *o = &c->video.outgoing[0];
    for (int ms = 0; ms < 3000; ms++) {
        if (ms % 33 == 0) assert_int_equal(send_video(c, NULL, 10000, ms == 0), 0);
        run(c, c->now + SOTTO_MS(1));
        for (size_t i = 0; i < 31 * 17; i++)
            seqs[i] = (uint16_t)((uint64_t)o->sender->seq - 31 * 17 + i);
        hear_nack(c, o->ssrc, seqs, 31 * 17);
    }
    uint64_t media = c->rtp_bytes - c->repair_bytes;
    assert_true(c->repair_bytes <
                media * (SOTTO_REPAIR_PERCENT + 2) / 100 + 3 * SOTTO_REPAIR_FLOOR);
    assert_true(c->repair_bytes > media / 4);
    call_free(c);
}

/* Sound has no RTX here: the bytes of the first time, and no transport-wide number is lost for it. */
static void without_rtx_the_original_goes_again(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    const struct outgoing *o = &c->audio.outgoing[0];
    stream(c, SOTTO_MS(500));
    size_t n = c->n_rtp, first = n;
    while (c->rtp[--first].rtp.pt != 111) {
    }
    uint16_t next = (uint16_t)(c->rtp[n - 1].ext.twcc + 1), seq = c->rtp[first].rtp.seq;
    run(c, c->now + SOTTO_MS(20));
    hear_nack(c, o->ssrc, &seq, 1);
    run(c, c->now);
    assert_int_equal(c->n_rtp, n + 1);
    assert_true(c->rtp[n].is_repair && c->rtp[n].again);
    assert_int_equal(c->rtp[n].n, c->rtp[first].n);
    assert_memory_equal(c->rtp[n].bytes, c->rtp[first].bytes, c->rtp[n].n);
    assert_int_equal(send_audio(c), 0);
    run(c, c->now);
    assert_int_equal(c->rtp[n + 1].ext.twcc, next);
    call_free(c);
}

/* ---- RTP-06: the circuit breaker ---- */

/* proves: H109 RTP-06 */
static void media_that_nobody_receives_is_held_back(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct outgoing *o = &c->video.outgoing[0];
    stream(c, SOTTO_SECONDS(5));
    for (int i = 0; i < 60 && !o->breaker.open; i++) { /* they hear of us and see nothing */
        hear_report(c, o, 255);
        hear_report(c, &c->audio.outgoing[0], 0);
        stream(c, SOTTO_SECONDS(1));
    }
    assert_true(o->breaker.open);
    assert_int_equal(c->breakers, 1);
    c->n_rtp = 0;
    assert_int_equal(send_video(c, NULL, 100, true), SOTTO_E_AGAIN);
    uint16_t seq = (uint16_t)(o->sender->seq - 1);
    hear_nack(c, o->ssrc, &seq, 1); /* not even again */
    stream(c, SOTTO_MS(500));
    for (size_t i = 0; i < c->n_rtp; i++) assert_int_equal(c->rtp[i].rtp.pt, 111); /* sound goes on */
    assert_true(c->n_rtp > 20);
    c->keys = 0;
    run(c, o->breaker.until + SOTTO_SECONDS(1));
    assert_false(o->breaker.open);
    assert_int_equal(c->keys, 1); /* it goes on with a key frame */
    assert_int_equal(send_video(c, NULL, 100, true), 0);
    call_free(c);
}

static void media_that_was_held_back_without_a_path_goes_on_with_one(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    struct outgoing *o = &c->video.outgoing[0];
    stream(c, SOTTO_SECONDS(5));
    for (int i = 0; i < 60 && !o->breaker.open; i++) stream(c, SOTTO_SECONDS(1));
    assert_true(o->breaker.open);
    assert_int_equal(send_video(c, NULL, 100, true), SOTTO_E_AGAIN);
    c->keys = 0;
    sotto__session_path(&c->s, c->now);
    run(c, c->now + SOTTO_MS(1));
    assert_false(o->breaker.open);
    assert_int_equal(c->keys, 1);
    assert_int_equal(send_video(c, NULL, 100, true), 0);
    call_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_of_requests_is_one_key_frame_in_half_a_second),
        cmocka_unit_test(a_fir_is_obeyed_once_and_only_by_its_stream),
        cmocka_unit_test(a_limit_of_the_remote_is_told_answered_and_has_a_floor),
        cmocka_unit_test(an_estimate_of_the_remote_is_shared_by_the_layers),
        cmocka_unit_test(a_storm_of_nacks_is_bounded_by_what_is_sent),
        cmocka_unit_test(without_rtx_the_original_goes_again),
        cmocka_unit_test(media_that_nobody_receives_is_held_back),
        cmocka_unit_test(media_that_was_held_back_without_a_path_goes_on_with_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
