/* SPDX-License-Identifier: BSD-2-Clause */
/* What a new configuration means for the streams of a section: they go on, rest, end. */
#include "session_rig.h"
#include "util/rand.h"

static void streams_of_encodings_that_stay_go_on(void **state)
{
    (void)state;
    struct call *c = call_new(3);
    for (int k = 0; k < 3; k++)
        assert_int_equal(send_video(c, c->video.outgoing[k].rid, 3000, true), 0);
    run(c, c->now + 50000);
    const struct sender *lo = c->video.outgoing[0].sender;
    int64_t seq = lo->seq;
    size_t n = c->n_rtp;
    configure(c, 1, true);
    assert_ptr_equal(c->video.outgoing[0].sender, lo);
    assert_int_equal(send_video(c, "hi", 100, true), SOTTO_E_RANGE);
    assert_int_equal(send_video(c, "lo", 100, false), 0);
    run(c, c->now + 50000);
    assert_int_equal(c->n_rtp, n + 1);
    assert_int_equal(c->rtp[n].rtp.seq, (uint16_t)seq);
    call_free(c);
}

static void what_was_held_goes_on_with_a_key_frame(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    stream(c, SOTTO_SECONDS(1));
    assert_int_equal(send_video(c, NULL, 50000, false), 0);
    configure(c, 0, false);
    assert_int_equal(send_video(c, NULL, 100, true), SOTTO_E_STATE);
    size_t n = c->n_rtp;
    run(c, c->now + SOTTO_SECONDS(1));
    assert_int_equal(c->n_rtp, n); /* nothing leaves that is not negotiated */
    c->keys = 0;
    configure(c, 0, true);
    run(c, c->now + SOTTO_MS(10));
    assert_int_equal(c->keys, 1);
    call_free(c);
}

/* proves: RTP-01 */
static void a_number_of_an_ssrc_is_never_used_by_a_second_sender(void **state)
{
    (void)state;
    struct call *c = call_new(1);
    struct line cfg = c->video;
    cfg.outgoing[0] = (struct outgoing){.rid = "other", .ssrc = 0x1234, .rtx_ssrc = 0x1235};
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    assert_int_equal(send_video(c, "other", 100, true), 0);
    run(c, c->now + SOTTO_MS(10));
    assert_int_equal(c->rtp[0].rtp.ssrc, 0x1234);
    cfg.outgoing[0].rid = "new"; /* its sender is another one */
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    assert_int_equal(send_video(c, "new", 100, true), 0);
    run(c, c->now + SOTTO_MS(10));
    assert_int_equal(c->n_rtp, 2);
    assert_true(c->rtp[1].rtp.ssrc != 0x1234 && c->rtp[1].rtp.ssrc != 0x1235);
    assert_true(c->video.outgoing[0].rtx_ssrc != 0x1234 && c->video.outgoing[0].rtx_ssrc != 0x1235);
    call_free(c);
}

/* Every section has its own streams, and leaves nothing behind when it goes. */
static void a_section_that_is_removed_takes_its_streams_and_packets_along(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    assert_int_equal(send_video(c, NULL, 50000, true), 0);
    assert_int_equal(send_audio(c), 0);
    sotto__session_remove(&c->s, &c->video);
    run(c, c->now + SOTTO_MS(100));
    assert_int_equal(c->n_rtp, 1);
    assert_int_equal(c->rtp[0].rtp.pt, 111);
    for (int i = 0; i < PACER_CLASSES; i++) assert_int_equal(c->s.pacer.packets[i], 0);
    assert_int_equal(send_video(c, NULL, 100, true), SOTTO_E_STATE);
    configure(c, 0, true); /* another one in its place */
    assert_int_equal(send_video(c, NULL, 100, true), 0);
    run(c, c->now + SOTTO_MS(100));
    assert_int_equal(c->n_rtp, 2);
    call_free(c);
}

/* An encoding that rests takes frames and sends none; then it goes on with a key frame. */
static void an_encoding_that_rests_sends_nothing(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    stream(c, SOTTO_SECONDS(1));
    struct line cfg = c->video;
    cfg.outgoing[0].inactive = true;
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    run(c, c->now + SOTTO_MS(100));
    size_t n = c->n_rtp;
    assert_int_equal(send_video(c, NULL, 100, true), 0);
    run(c, c->now + SOTTO_MS(100));
    assert_int_equal(c->n_rtp, n);
    assert_int_equal(c->video.outgoing[0].told_bps, 0);
    c->keys = 0;
    cfg.outgoing[0].inactive = false;
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    run(c, c->now + SOTTO_SECONDS(1));
    assert_int_equal(c->keys, 1);
    assert_int_equal(send_video(c, NULL, 100, true), 0);
    run(c, c->now + SOTTO_MS(100));
    assert_int_equal(c->n_rtp, n + 1);
    call_free(c);
}

static void without_randomness_there_is_no_session(void **state)
{
    (void)state;
    struct session s;
    sotto__rand_fail(1);
    assert_int_equal(sotto__session_init(&s, "c", 0, T0), SOTTO_E_SYS);
    sotto__rand_fail(0);
    sotto__session_free(&s);
    s = (struct session){0};
    sotto__session_free(&s); /* the zero state */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_of_encodings_that_stay_go_on),
        cmocka_unit_test(what_was_held_goes_on_with_a_key_frame),
        cmocka_unit_test(a_number_of_an_ssrc_is_never_used_by_a_second_sender),
        cmocka_unit_test(a_section_that_is_removed_takes_its_streams_and_packets_along),
        cmocka_unit_test(an_encoding_that_rests_sends_nothing),
        cmocka_unit_test(without_randomness_there_is_no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
