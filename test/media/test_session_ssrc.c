/* SPDX-License-Identifier: BSD-2-Clause */
/* The remote uses an SSRC of ours (RTP-01; RFC 3550 §8.2, RFC 8834 §4.8). */
#include "session_rig.h"

#define LOST 0x12345678u

/* A call whose video is received too, and has sent for a second. */
static struct call *talking(size_t n_rids)
{
    struct call *c = call_new(n_rids);
    struct line cfg = c->video;
    cfg.receives = true;
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    stream(c, SOTTO_SECONDS(1));
    return c;
}

static void hear_rtp(struct call *c, uint32_t ssrc, uint16_t seq)
{
    uint8_t p[60] = {0};
    struct rtp rtp = {.pt = 96, .seq = seq, .time = 3000u * seq, .ssrc = ssrc, .marker = true};
    sotto__rtp_write(&rtp, p);
    p[RTP_HEADER] = 0x10;
    sotto__session_rtp(&c->s, c->now, p, sizeof p);
}

static void hear_sr(struct call *c, uint32_t ssrc, const struct outgoing *about)
{
    uint8_t p[200];
    struct writer w = sotto__writer(p, sizeof p);
    struct rtcp_sr sr = {.ssrc = ssrc, .ntp = 1, .rtp_time = 2};
    struct rtcp_block b = {.ssrc = about ? about->ssrc : 0, .fraction = 64};
    sotto__rtcp_write_sr(&w, &sr, &b, about ? 1 : 0);
    hear(c, &w);
}

/* That the last RTCP packet is a goodbye to these, said by the first of them; 0: there is no second. */
static void assert_said_bye(const struct call *c, uint32_t first, uint32_t second)
{
    struct rtcp r;
    uint32_t ssrc;
    struct str cname;
    assert_int_equal(find(c, RTCP_RR, &r), 1);
    assert_int_equal(r.ssrc, first);
    assert_int_equal(find(c, RTCP_SDES, &r), 1);
    assert_true(sotto__rtcp_cname(&r, 0, &ssrc, &cname));
    assert_int_equal(ssrc, first);
    assert_int_equal(find(c, RTCP_BYE, &r), 1);
    assert_int_equal(r.n, second ? 2 : 1);
    assert_int_equal(sotto__rtcp_bye(&r, 0), first);
    if (second) assert_int_equal(sotto__rtcp_bye(&r, 1), second);
}

static void a_stream_whose_ssrc_the_remote_has_goes_on_under_another(void **state)
{
    (void)state;
    for (int by = 0; by < 3; by++) { /* RTP under that of media, under that of repairs, a report */
        struct call *c = talking(0);
        struct outgoing *o = &c->video.outgoing[0];
        uint32_t ssrc = o->ssrc, rtx = o->rtx_ssrc, audio = c->audio.outgoing[0].ssrc;
        unsigned keys = c->keys;
        assert_true(ssrc && rtx && c->byes == 0 && c->ssrcs == 0);
        if (by == 2)
            hear_sr(c, ssrc, NULL);
        else
            hear_rtp(c, by ? rtx : ssrc, 7);
        assert_int_equal(sotto__session_due(&c->s), 0);
        run(c, c->now);
        assert_int_equal(c->byes, 1);
        assert_said_bye(c, ssrc, rtx);
        assert_int_equal(c->ssrcs, 1); /* descriptions are to say so */
        assert_true(o->ssrc && o->ssrc != ssrc && o->ssrc != rtx && o->ssrc != audio);
        assert_true(o->rtx_ssrc && o->rtx_ssrc != rtx && o->rtx_ssrc != ssrc);
        assert_true(o->rtx_ssrc != o->ssrc && o->rtx_ssrc != audio);
        assert_int_equal(c->audio.outgoing[0].ssrc, audio);
        run(c, c->now + SOTTO_KEY_REQUEST_US); /* the remote has to begin anew */
        assert_int_equal(c->keys, keys + 1);
        size_t n = c->n_rtp;
        uint32_t now_has = o->ssrc;
        stream(c, SOTTO_SECONDS(2));
        for (size_t i = n; i < c->n_rtp; i++)
            assert_true(c->rtp[i].rtp.ssrc == now_has || c->rtp[i].rtp.ssrc == audio);
        assert_int_equal(o->ssrc, now_has);
        assert_int_equal(c->ssrcs, 1);
        assert_int_equal(c->byes, 1);
        if (by < 2) assert_non_null(sotto__session_source(&c->s, by ? rtx : ssrc)); /* it is theirs */
        assert_int_equal(c->s.stats.looped, 0);
        hear_report(c, o, 0); /* counters begin anew with the stream */
        assert_false(o->breaker.open);
        call_free(c);
    }
}

static void a_loop_is_given_way_to_once(void **state)
{
    (void)state;
    struct call *c = talking(0);
    struct outgoing *o = &c->video.outgoing[0];
    uint64_t unroutable = c->s.stats.unroutable;
    hear_rtp(c, o->ssrc, 1);
    stream(c, SOTTO_SECONDS(1));
    uint32_t ssrc = o->ssrc;
    for (uint16_t i = 0; i < 20; i++) { /* it came along */
        hear_rtp(c, o->ssrc, i);
        hear_sr(c, o->ssrc, NULL);
        stream(c, SOTTO_SECONDS(5));
    }
    assert_int_equal(o->ssrc, ssrc);
    assert_null(sotto__session_source(&c->s, ssrc));
    assert_int_equal(c->byes, 1);
    assert_int_equal(c->s.stats.looped, 40);
    assert_int_equal(c->s.stats.unroutable, unroutable);
    stream(c, SOTTO_LOOP_US - SOTTO_SECONDS(6)); /* as long as it lasts */
    hear_rtp(c, o->ssrc, 30);
    assert_int_equal(o->ssrc, ssrc);
    stream(c, SOTTO_LOOP_US); /* that was long ago */
    hear_rtp(c, o->ssrc, 31);
    run(c, c->now);
    assert_true(o->ssrc != ssrc);
    assert_int_equal(c->byes, 2);
    call_free(c);
}

static void each_layer_changes_alone(void **state)
{
    (void)state;
    struct call *c = talking(3);
    struct outgoing *o = c->video.outgoing;
    for (int k = 1; k < 3; k++) assert_int_equal(send_video(c, o[k].rid, 100, true), 0);
    run(c, c->now + 50000);
    uint32_t first = o[0].ssrc, second = o[1].ssrc, rtx = o[1].rtx_ssrc, third = o[2].ssrc;
    hear_rtp(c, second, 1);
    run(c, c->now);
    assert_said_bye(c, second, rtx);
    assert_int_equal(c->ssrcs, 0); /* it is in no description */
    assert_int_equal(send_video(c, o[1].rid, 100, true), 0);
    assert_true(o[1].ssrc != 0 && o[1].ssrc != second);
    assert_true(o[0].ssrc == first && o[2].ssrc == third);
    call_free(c);
}

static void the_ssrc_of_reports_changes_too(void **state)
{
    (void)state;
    struct call *c = call_new(0); /* nothing was sent */
    uint32_t ssrc = c->s.ssrc;
    hear_sr(c, ssrc, NULL);
    run(c, c->now);
    assert_said_bye(c, ssrc, 0);
    assert_true(c->s.ssrc != 0 && c->s.ssrc != ssrc);
    assert_int_equal(c->ssrcs, 0);
    call_free(c);
}

static void before_there_are_keys_no_goodbye_is_said(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    c->s.can_send = false;
    hear_sr(c, c->s.ssrc, NULL);
    run(c, c->now + SOTTO_SECONDS(20)); /* and nothing spins */
    assert_int_equal(c->byes, 0);
    c->s.can_send = true;
    run(c, c->now);
    assert_int_equal(c->byes, 1);
    call_free(c);
}

static void a_described_ssrc_that_the_remote_had_first_is_not_used(void **state)
{
    (void)state;
    for (int rtx = 0; rtx < 2; rtx++) {
        struct call *c = call_new(0);
        struct outgoing *o = &c->video.outgoing[0];
        struct line cfg = c->video;
        cfg.receives = true;
        cfg.outgoing[0].ssrc = rtx ? 4711 : LOST;
        cfg.outgoing[0].rtx_ssrc = rtx ? LOST : 4711;
        sotto__session_configure(&c->s, c->now, &c->video, &cfg);
        hear_rtp(c, LOST, 1);
        assert_non_null(sotto__session_source(&c->s, LOST));
        assert_int_equal(send_video(c, NULL, 100, true), 0);
        run(c, c->now);
        assert_true(o->ssrc != LOST && o->rtx_ssrc != LOST && o->ssrc && o->rtx_ssrc);
        assert_int_equal(c->ssrcs, 1);
        assert_int_equal(c->byes, 0); /* nothing was sent under it */
        call_free(c);
    }
}

static void what_others_say_of_their_own_changes_nothing(void **state)
{
    (void)state;
    struct call *c = talking(0);
    uint32_t ssrc = c->video.outgoing[0].ssrc, reports = c->s.ssrc;
    hear_rtp(c, THEM, 1);
    hear_sr(c, THEM, &c->video.outgoing[0]);
    hear_rtp(c, 0, 1); /* an SSRC like any other */
    stream(c, SOTTO_SECONDS(1));
    assert_int_equal(c->video.outgoing[0].ssrc, ssrc);
    assert_int_equal(c->s.ssrc, reports);
    assert_int_equal(c->byes, 0);
    call_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_whose_ssrc_the_remote_has_goes_on_under_another),
        cmocka_unit_test(a_loop_is_given_way_to_once),
        cmocka_unit_test(each_layer_changes_alone),
        cmocka_unit_test(the_ssrc_of_reports_changes_too),
        cmocka_unit_test(before_there_are_keys_no_goodbye_is_said),
        cmocka_unit_test(a_described_ssrc_that_the_remote_had_first_is_not_used),
        cmocka_unit_test(what_others_say_of_their_own_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
