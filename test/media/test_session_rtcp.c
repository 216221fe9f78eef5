/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports of a session: CNAME, synchronisation, bandwidth, goodbye (RTP-02, RTP-03, RTP-04). */
#include "session_rig.h"

/* ---- reports: RTP-02, RTP-03, RTP-04 ---- */

/* proves: RTP-02 RTP-03 */
static void every_stream_is_reported_under_the_one_cname(void **state)
{
    (void)state;
    struct rtcp r;
    uint32_t ssrc;
    struct str cname;
    struct call *c = call_new(3);
    for (int k = 0; k < 3; k++)
        assert_int_equal(send_video(c, c->video.outgoing[k].rid, 100, true), 0);
    assert_int_equal(send_audio(c), 0);
    run(c, c->now + SOTTO_SECONDS(3));
    assert_int_equal(find(c, RTCP_SR, &r), 4);
    assert_int_equal(find(c, RTCP_SDES, &r), 1);
    assert_int_equal(r.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(sotto__rtcp_cname(&r, i, &ssrc, &cname));
        assert_true(sotto__str_eq(cname, STR("a-cname")));
        assert_non_null(sotto__session_outgoing(&c->s, ssrc, NULL));
    }
    call_free(c);
}

/* The moment, in µs since 1900, that an RTP time of a stream stands for by its last report. */
static sotto_us moment(const struct call *c, uint32_t ssrc, uint32_t time, uint32_t clock)
{
    struct rtcp r;
    size_t at = 0;
    while (sotto__rtcp_next(c->rtcp, c->n_rtcp, &at, &r) == 1)
        if (r.type == RTCP_SR && r.ssrc == ssrc)
            return sotto__ntp_us(r.ntp) + (int64_t)(int32_t)(time - r.rtp_time) * 1000000 / clock;
    return 0;
}

/* Reports let the receiver bring audio and video together (RFC 3550 §6.4.1), however long the call: a minute of every three hours. */
static void audio_and_video_stay_in_sync_for_days(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    for (int part = 0; part < 24; part++) {
        for (int i = 0; i < 20; i++) {
            stream(c, SOTTO_SECONDS(3));
            hear_report(c, &c->video.outgoing[0], 0);
            hear_report(c, &c->audio.outgoing[0], 0);
        }
        c->n_rtcp = 0;
        while (c->n_rtcp == 0 || moment(c, c->audio.outgoing[0].ssrc, 0, 48000) == 0)
            stream(c, SOTTO_MS(100));
        c->n_rtp = 0;
        sotto_us captured = c->now;
        assert_int_equal(send_video(c, NULL, 100, true), 0);
        assert_int_equal(send_audio(c), 0);
        run(c, c->now + 1);
        assert_int_equal(c->n_rtp, 2);
        for (size_t i = 0; i < 2; i++) {
            bool is_audio = c->rtp[i].rtp.pt == 111;
            sotto_us at =
                moment(c, c->rtp[i].rtp.ssrc, c->rtp[i].rtp.time, is_audio ? 48000 : 90000);
            assert_in_range(at - NTP_OFFSET - captured + 5000, 0, 10000);
        }
        run(c, c->now + SOTTO_SECONDS(3 * 3600 - 60));
    }
    call_free(c);
}

/* proves: RTP-04 */
static void rtcp_stays_below_5_percent_and_says_goodbye(void **state)
{
    (void)state;
    struct rtcp r;
    struct call *c = call_new(0);
    for (int i = 0; i < 600; i++) {
        stream(c, SOTTO_SECONDS(1));
        hear_report(c, &c->video.outgoing[0], 0);
        hear_report(c, &c->audio.outgoing[0], 0);
    }
    assert_true(c->rtcp_bytes < c->rtp_bytes / 20);
    assert_true(c->rtcp_packets > 100);
    sotto_us least = SOTTO_NEVER, most = 0;
    for (size_t i = 10; i < c->rtcp_packets && i < 400; i++) {
        sotto_us gap = c->rtcp_at[i] - c->rtcp_at[i - 1];
        if (gap < least) least = gap;
        if (gap > most) most = gap;
    }
    assert_true(most > least + least / 2); /* RFC 3550 §6.3.1: 0.5 to 1.5 of the interval */
    c->byes = 0;
    sotto__session_bye(&c->s);
    run(c, c->now);
    assert_int_equal(c->byes, 1);
    assert_int_equal(find(c, RTCP_BYE, &r), 1);
    assert_int_equal(r.n, 2);
    call_free(c);
}

/* RFC 5506: where both have agreed, and then for feedback alone. */
/* proves: SDP-18 RTP-03 */
static void feedback_goes_without_a_report_only_where_that_was_negotiated(void **state)
{
    (void)state;
    for (int rsize = 0; rsize < 2; rsize++) {
        struct call *c = call_new(0);
        c->rsize = rsize;
        configure(c, 0, true);
        stream(c, SOTTO_MS(200));
        uint64_t reports = c->rtcp_packets;
        hear_tmmbr(c, c->video.outgoing[0].ssrc, 3, 100000);
        run(c, c->now + SOTTO_MS(100));
        assert_int_equal(c->rtcp_packets, reports + 1); /* the answer, at once */
        assert_int_equal(c->limits, 1);
        assert_int_equal(c->reduced, rsize);
        call_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stream_is_reported_under_the_one_cname),
        cmocka_unit_test(audio_and_video_stay_in_sync_for_days),
        cmocka_unit_test(feedback_goes_without_a_report_only_where_that_was_negotiated),
        cmocka_unit_test(rtcp_stays_below_5_percent_and_says_goodbye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
