/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending in a session: simulcast, header extensions, packets of the application's own. */
#include "session_rig.h"

/* ---- simulcast ---- */

/* proves: SDP-16 */
static void three_rids_are_three_streams_with_their_names(void **state)
{
    static const char *const rids[] = {"lo", "mid", "hi"};
    (void)state;
    struct call *c = call_new(3);
    size_t count[3] = {0};
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < 3; k++) assert_int_equal(send_video(c, rids[k], 1000u << k, i == 0), 0);
        run(c, c->now + 33333);
    }
    run(c, c->now + 100000);
    for (int k = 0; k < 3; k++) {
        const struct outgoing *o = &c->video.outgoing[k];
        uint16_t next = 0;
        for (size_t i = 0; i < c->n_rtp; i++) {
            const struct out_packet *p = &c->rtp[i];
            if (p->rtp.ssrc != o->ssrc) continue;
            assert_true(sotto__str_eq(p->ext.rid, sotto__str(rids[k])));
            assert_true(sotto__str_eq(p->ext.mid, STR("v")));
            if (count[k]++) assert_int_equal(p->rtp.seq, next);
            next = (uint16_t)(p->rtp.seq + 1);
        }
        for (int j = 0; j < k; j++) { /* RTP-01: nothing of one is that of another */
            const struct outgoing *other = &c->video.outgoing[j];
            assert_true(o->ssrc != other->ssrc && o->rtx_ssrc != other->rtx_ssrc);
            assert_true(o->ssrc != other->rtx_ssrc && o->rtx_ssrc != other->ssrc);
            assert_true(o->sender->time_base != other->sender->time_base);
        }
    }
    assert_int_equal(count[0], 20);
    assert_int_equal(count[1], 40);
    assert_int_equal(count[2], 80);
    assert_int_equal(send_video(c, "no", 100, true), SOTTO_E_RANGE);
    for (size_t i = 1; i < c->n_rtp; i++) /* transport-wide numbers have no gap */
        assert_int_equal(c->rtp[i].ext.twcc, (uint16_t)(c->rtp[i - 1].ext.twcc + 1));
    call_free(c);
}

static void a_repair_of_a_layer_names_it_as_repaired(void **state)
{
    (void)state;
    struct call *c = call_new(3);
    assert_int_equal(send_video(c, "hi", 2000, true), 0);
    run(c, c->now + 50000);
    size_t n = c->n_rtp;
    const struct outgoing *o = &c->video.outgoing[2];
    uint16_t seq = c->rtp[0].rtp.seq;
    hear_nack(c, o->ssrc, &seq, 1);
    run(c, c->now);
    assert_int_equal(c->n_rtp, n + 1);
    struct out_packet *again = &c->rtp[n];
    assert_int_equal(again->rtp.ssrc, o->rtx_ssrc);
    assert_int_equal(again->rtp.pt, 97);
    assert_true(sotto__str_eq(again->ext.rrid, STR("hi")));
    assert_int_equal(again->ext.has & 1u << EXT_RID, 0);
    assert_int_equal(sotto__rtp_unwrap_rtx(&again->rtp, 96, o->ssrc), 0); /* RTP-07 */
    assert_int_equal(again->rtp.seq, seq);
    assert_memory_equal(again->rtp.payload, c->rtp[0].rtp.payload, c->rtp[0].rtp.n_payload);
    hear_nack(c, o->rtx_ssrc, &seq, 1); /* of the repair stream itself: nothing */
    hear_nack(c, 12345, &seq, 1);       /* RTP-16: of nobody */
    run(c, c->now + 50000);
    assert_int_equal(c->n_rtp, n + 1);
    call_free(c);
}

/* Any rid and mid that descriptions allow: also the first packets fit. */
static void the_longest_names_fit_from_the_first_packet_on(void **state)
{
    (void)state;
    char rid[SOTTO_MAX_RID + 1];
    struct call *c = call_new(0);
    struct line cfg = c->video;
    memset(rid, 'r', sizeof rid - 1), rid[sizeof rid - 1] = 0;
    memset(cfg.mid, 'm', sizeof cfg.mid - 1);
    cfg.outgoing[0].rid = rid;
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    assert_int_equal(send_video(c, rid, 5000, true), 0);
    run(c, c->now + 50000); /* sizes: take_rtp */
    assert_in_range(c->n_rtp, 6, 9);
    call_free(c);
}

/* ---- packets of the application's own ---- */

/* A packet with a RID element under id 2, or without. */
static size_t raw_packet(uint8_t *p, uint16_t seq, uint8_t pt, const char *rid)
{
    static const uint8_t no_ids[EXT_COUNT] = {[EXT_RID] = 2};
    struct ext_values v = {.has = rid ? 1u << EXT_RID : 0};
    struct rtp rtp = {.seq = seq, .pt = pt, .time = 90000u * seq, .ssrc = 0xdead, .marker = true};
    rtp.has_ext = rid != NULL;
    if (rid) v.rid = sotto__str(rid);
    sotto__rtp_write(&rtp, p);
    int n = sotto__ext_write(no_ids, &v, p + RTP_HEADER, 100);
    assert_true(n >= 0);
    memcpy(p + RTP_HEADER + n, "raw payload", 11);
    return RTP_HEADER + (size_t)n + 11;
}

static int send_raw(struct call *c, uint16_t seq, uint8_t pt, const char *rid)
{
    uint8_t p[200];
    size_t n = raw_packet(p, seq, pt, rid);
    return sotto__session_send_rtp(&c->s, c->now, &c->video, p, n);
}

static void raw_packets_keep_what_is_theirs_and_get_what_is_ours(void **state)
{
    (void)state;
    struct call *c = call_new(3);
    assert_int_equal(send_raw(c, 40000, 96, "hi"), 0);
    assert_int_equal(send_raw(c, 40001, 96, NULL), 0); /* the first encoding */
    assert_int_equal(send_raw(c, 40002, 96, "no"), SOTTO_E_RANGE);
    assert_int_equal(send_raw(c, 40002, 97, "hi"), SOTTO_E_RANGE); /* RTX is ours */
    assert_int_equal(send_raw(c, 40002, 100, "hi"), SOTTO_E_RANGE);
    assert_int_equal(send_raw(c, 40000, 96, "hi"), SOTTO_E_RANGE); /* a number twice */
    run(c, c->now);
    assert_int_equal(c->n_rtp, 2);
    static const struct {
        uint16_t seq;
        int encoding;
        const char *rid;
    } want[] = {{40000, 2, "hi"}, {40001, 0, "lo"}};
    for (size_t i = 0; i < 2; i++) {
        const struct out_packet *k = &c->rtp[i];
        assert_int_equal(k->rtp.seq, want[i].seq);
        assert_int_equal(k->rtp.time, 90000u * want[i].seq);
        assert_int_equal(k->rtp.pt, 96);
        assert_true(k->rtp.marker);
        assert_int_equal(k->rtp.ssrc, c->video.outgoing[want[i].encoding].ssrc);
        assert_true(sotto__str_eq(k->ext.rid, sotto__str(want[i].rid)));
        assert_true(sotto__str_eq(k->ext.mid, STR("v")));
        assert_int_equal(k->rtp.n_payload, 11);
        assert_memory_equal(k->rtp.payload, "raw payload", 11);
    }
    run(c, c->now + SOTTO_SECONDS(2)); /* they are reported: RFC 3550 §6.4 */
    struct rtcp r;
    assert_int_equal(find(c, RTCP_SR, &r), 2);
    call_free(c);
}

static void what_is_no_rtp_packet_is_not_sent(void **state)
{
    (void)state;
    uint8_t p[200];
    struct call *c = call_new(0);
    size_t n = raw_packet(p, 5, 96, NULL);
    for (size_t cut = 0; cut <= RTP_HEADER; cut++)
        assert_int_equal(sotto__session_send_rtp(&c->s, c->now, &c->video, p, cut), SOTTO_E_SYNTAX);
    p[0] |= 0x20, p[n - 1] = 1; /* padding */
    assert_int_equal(sotto__session_send_rtp(&c->s, c->now, &c->video, p, n), SOTTO_E_SYNTAX);
    p[0] = 0x40; /* version 1 */
    assert_int_equal(sotto__session_send_rtp(&c->s, c->now, &c->video, p, n), SOTTO_E_SYNTAX);
    p[0] = 0x80;
    c->s.can_send = false; /* RTP before keys */
    assert_int_equal(sotto__session_send_rtp(&c->s, c->now, &c->video, p, n), SOTTO_E_STATE);
    run(c, c->now + SOTTO_SECONDS(1));
    assert_int_equal(c->n_rtp, 0);
    call_free(c);
}

static void without_memory_a_frame_is_refused_and_the_next_goes(void **state)
{
    (void)state;
    struct call *c = call_new(0);
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = send_video(c, NULL, 3000, true);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            assert_int_equal(n, 4);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
    }
    run(c, c->now + 50000);
    assert_int_equal(c->n_rtp, 3);
    call_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_rids_are_three_streams_with_their_names),
        cmocka_unit_test(a_repair_of_a_layer_names_it_as_repaired),
        cmocka_unit_test(the_longest_names_fit_from_the_first_packet_on),
        cmocka_unit_test(raw_packets_keep_what_is_theirs_and_get_what_is_ours),
        cmocka_unit_test(what_is_no_rtp_packet_is_not_sent),
        cmocka_unit_test(without_memory_a_frame_is_refused_and_the_next_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
