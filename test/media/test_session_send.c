/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending in a session: simulcast, what feedback does (RTP-01 … RTP-08, H104, H106, H108), reports, the circuit breaker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "media/history.h"
#include "media/session.h"
#include "util/mem.h"

#define T0 SOTTO_SECONDS(1000)
#define NTP_OFFSET (SOTTO_SECONDS(1) * 4000000000LL)
#define THEM 0x99999999u /* the remote's SSRC */
#define PACKETS 4000u

static struct codec video_codecs[] = {
    {.id = CODEC_VP8, .name = "VP8", .clock = 90000, .channels = 1, .pt = 96, .apt = -1},
    {.id = CODEC_RTX, .name = "rtx", .clock = 90000, .channels = 1, .pt = 97, .apt = 96}};
static struct codec audio_codecs[] = {
    {.id = CODEC_OPUS, .name = "opus", .clock = 48000, .channels = 2, .pt = 111, .apt = -1}};
static const struct codec_list video_list = {video_codecs, 2, 2}, audio_list = {audio_codecs, 1, 1};
static const uint8_t ids[EXT_COUNT] = {
    [EXT_MID] = 1, [EXT_RID] = 2, [EXT_RRID] = 3, [EXT_ABS_SEND] = 4, [EXT_TWCC] = 5};

struct out_packet {
    sotto_us at;
    uint8_t bytes[1500];
    size_t n;
    struct rtp rtp;
    struct ext_values ext;
    bool is_repair;
};

struct call {
    struct session s;
    struct line video, audio;
    sotto_us now;
    struct out_packet *rtp; /* those that left, the first PACKETS of them */
    size_t n_rtp;
    uint64_t rtp_bytes, repair_bytes;
    uint8_t rtcp[SOTTO_MTU]; /* the last */
    size_t n_rtcp;
    uint64_t rtcp_packets, rtcp_bytes, byes;
    uint64_t limits, limit_bps; /* TMMBN: how many, what the last one says */
    uint32_t limit_of;
    sotto_us rtcp_at[400];
    unsigned keys, bitrates, breakers;
    const struct outgoing *key_for;
    int64_t live;
    uint8_t frame[60000];
};

static void configure(struct call *c, size_t n_rids, bool sends)
{
    static const char *const rids[] = {"lo", "mid", "hi"};
    struct line cfg = {.kind = SOTTO_VIDEO,
                       .mid = "v",
                       .sends = sends,
                       .send = &video_list,
                       .recv = &video_list,
                       .ids = ids,
                       .max_bps = UINT64_MAX,
                       .n_outgoing = n_rids ? n_rids : 1};
    for (size_t i = 0; i < n_rids; i++) cfg.outgoing[i].rid = rids[i];
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    cfg = (struct line){.kind = SOTTO_AUDIO, .mid = "a", .sends = sends, .n_outgoing = 1};
    cfg.send = cfg.recv = &audio_list, cfg.ids = ids, cfg.max_bps = UINT64_MAX;
    sotto__session_configure(&c->s, c->now, &c->audio, &cfg);
}

static struct call *call_new(size_t n_rids)
{
    struct call *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->live = sotto__mem_live();
    c->now = T0;
    c->rtp = calloc(PACKETS, sizeof *c->rtp);
    assert_non_null(c->rtp);
    assert_int_equal(sotto__session_init(&c->s, "a-cname", NTP_OFFSET, T0), 0);
    configure(c, n_rids, true);
    c->s.can_send = true;
    return c;
}

static void call_free(struct call *c)
{
    sotto__session_remove(&c->s, &c->video);
    sotto__session_remove(&c->s, &c->audio);
    sotto__session_free(&c->s);
    assert_int_equal(sotto__mem_live(), c->live);
    free(c->rtp);
    free(c);
}

static void take_rtp(struct call *c, const struct departure *d)
{
    c->rtp_bytes += d->n_head + d->n_payload;
    if (d->is_repair) c->repair_bytes += d->n_payload;
    if (c->n_rtp == PACKETS) return;
    struct out_packet *k = &c->rtp[c->n_rtp++];
    k->at = c->now, k->is_repair = d->is_repair;
    k->n = d->n_head + d->n_payload;
    assert_true(k->n <= SOTTO_MTU - 16);
    memcpy(k->bytes, d->head, d->n_head);
    memcpy(k->bytes + d->n_head, d->payload, d->n_payload);
    assert_int_equal(sotto__rtp_parse(k->bytes, k->n, &k->rtp), 0);
    sotto__ext_read(&k->rtp, ids, &k->ext);
}

static void take_rtcp(struct call *c, const struct session_out *out)
{
    struct rtcp r;
    size_t at = 0;
    if (c->rtcp_packets < 400) c->rtcp_at[c->rtcp_packets] = c->now;
    c->rtcp_packets++, c->rtcp_bytes += out->n;
    c->n_rtcp = out->n;
    memcpy(c->rtcp, out->p, out->n);
    assert_int_equal(sotto__rtcp_check(out->p, out->n, false), 0);
    for (size_t i = 0; sotto__rtcp_next(out->p, out->n, &at, &r) == 1; i++) {
        if (i == 0) assert_true(r.type == RTCP_SR || r.type == RTCP_RR); /* RTP-03 */
        c->byes += r.type == RTCP_BYE;
        if (r.type != RTCP_TMMBN) continue;
        uint16_t overhead;
        assert_int_equal(r.n, 1);
        sotto__rtcp_tmmbr(&r, 0, &c->limit_of, &c->limit_bps, &overhead);
        assert_int_equal(overhead, 40);
        c->limits++;
    }
}

static void take(struct call *c, const struct session_out *out)
{
    switch (out->type) {
    case SESSION_OUT_RTP: take_rtp(c, out->departure); break;
    case SESSION_OUT_RTCP: take_rtcp(c, out); break;
    case SESSION_OUT_KEYFRAME:
        assert_ptr_equal(out->line, &c->video);
        c->key_for = out->outgoing;
        c->keys++;
        break;
    case SESSION_OUT_BITRATE: c->bitrates++; break;
    case SESSION_OUT_BREAKER: c->breakers++; break;
    default: fail_msg("unexpected: %d", (int)out->type);
    }
}

static void run(struct call *c, sotto_us until)
{
    struct session_out out;
    for (;;) {
        while (sotto__session_next(&c->s, c->now, &out) == 1) take(c, &out);
        sotto_us due = sotto__session_due(&c->s);
        if (due > until) break;
        assert_true(due > c->now); /* else it would spin */
        c->now = due;
    }
    c->now = until;
}

static int send_video(struct call *c, const char *rid, size_t n, bool is_key)
{
    memset(c->frame, 0x55, n);
    c->frame[0] = is_key ? 0x10 : 0x11;
    if (is_key) memcpy(c->frame + 3, "\x9d\x01\x2a", 3);
    sotto_frame f = {.size = sizeof f, .data = c->frame, .len = n, .rid = rid, .is_key = is_key};
    f.capture_us = c->now;
    return sotto__session_send_frame(&c->s, c->now, &c->video, &f);
}

static int send_audio(struct call *c)
{
    static const uint8_t packet[80] = {15 << 3, 1, 2, 3};
    sotto_frame f = {.size = sizeof f, .data = packet, .len = sizeof packet};
    f.capture_us = c->now;
    return sotto__session_send_frame(&c->s, c->now, &c->audio, &f);
}

/* Video at 30 and audio at 50 a second, about 1 Mbit/s. */
static void stream(struct call *c, sotto_us span)
{
    sotto_us video = c->now, audio = c->now, end = c->now + span;
    while (c->now < end) {
        if (c->now >= video) {
            int r = send_video(c, c->video.outgoing[0].rid, 4000, video % 60 == 0);
            assert_true(r == 0 || r == SOTTO_E_AGAIN);
            video += 33333;
        }
        if (c->now >= audio) {
            int r = send_audio(c);
            assert_true(r == 0 || r == SOTTO_E_AGAIN);
            audio += 20000;
        }
        run(c, sotto__earlier(video, audio));
    }
}

/* ---- what the remote says ---- */

static void hear(struct call *c, struct writer *w)
{
    assert_false(w->bad);
    sotto__session_rtcp(&c->s, c->now, w->p, w->n);
}

static struct writer begin(uint8_t *p, size_t cap)
{
    struct writer w = sotto__writer(p, cap);
    sotto__rtcp_write_rr(&w, THEM, NULL, 0);
    return w;
}

static void hear_report(struct call *c, const struct outgoing *o, uint8_t fraction)
{
    uint8_t p[200];
    struct writer w = sotto__writer(p, sizeof p);
    struct rtcp_block b = {.ssrc = o->ssrc, .fraction = fraction};
    b.highest = fraction == 255 ? 0 : (uint32_t)o->sender->seq;
    sotto__rtcp_write_rr(&w, THEM, &b, 1);
    hear(c, &w);
}

static void hear_pli(struct call *c, uint32_t ssrc)
{
    uint8_t p[200];
    struct writer w = begin(p, sizeof p);
    sotto__rtcp_write_pli(&w, THEM, ssrc);
    hear(c, &w);
}

static void hear_fir(struct call *c, uint32_t ssrc, uint8_t seq)
{
    uint8_t p[200];
    struct writer w = begin(p, sizeof p);
    sotto__rtcp_write_fir(&w, THEM, ssrc, seq);
    hear(c, &w);
}

static void hear_nack(struct call *c, uint32_t ssrc, const uint16_t *seqs, size_t n)
{
    uint8_t p[400];
    struct writer w = begin(p, sizeof p);
    sotto__rtcp_write_nack(&w, THEM, ssrc, seqs, n);
    hear(c, &w);
}

/* RFC 5104 §4.2.1: exponent, mantissa, overhead. */
static void hear_tmmbr(struct call *c, uint32_t ssrc, uint32_t exp, uint32_t mantissa)
{
    uint8_t p[200];
    struct writer w = begin(p, sizeof p);
    sotto__write_u8(&w, 0x80 | 3), sotto__write_u8(&w, 205), sotto__write_u16(&w, 4);
    sotto__write_u32(&w, THEM), sotto__write_u32(&w, 0);
    sotto__write_u32(&w, ssrc), sotto__write_u32(&w, exp << 26 | mantissa << 9 | 40);
    hear(c, &w);
}

/* The packets of that type in the last RTCP packet: how many; the last one in ret. */
static size_t find(const struct call *c, enum rtcp_type type, struct rtcp *ret)
{
    struct rtcp r;
    size_t at = 0, n = 0;
    while (sotto__rtcp_next(c->rtcp, c->n_rtcp, &at, &r) == 1)
        if (r.type == type) *ret = r, n++;
    return n;
}

/* ---- simulcast ---- */

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

/* ---- requests: RTP-08, H106 ---- */

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

/* ---- H104 ---- */

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

/* ---- reports: RTP-02, RTP-03, RTP-04 ---- */

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

/* ---- RTP-06: the circuit breaker ---- */

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

/* ---- configuration ---- */

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
        cmocka_unit_test(a_storm_of_requests_is_one_key_frame_in_half_a_second),
        cmocka_unit_test(a_fir_is_obeyed_once_and_only_by_its_stream),
        cmocka_unit_test(a_limit_of_the_remote_is_told_answered_and_has_a_floor),
        cmocka_unit_test(a_storm_of_nacks_is_bounded_by_what_is_sent),
        cmocka_unit_test(every_stream_is_reported_under_the_one_cname),
        cmocka_unit_test(audio_and_video_stay_in_sync_for_days),
        cmocka_unit_test(rtcp_stays_below_5_percent_and_says_goodbye),
        cmocka_unit_test(media_that_nobody_receives_is_held_back),
        cmocka_unit_test(streams_of_encodings_that_stay_go_on),
        cmocka_unit_test(what_was_held_goes_on_with_a_key_frame),
        cmocka_unit_test(a_number_of_an_ssrc_is_never_used_by_a_second_sender),
        cmocka_unit_test(without_memory_a_frame_is_refused_and_the_next_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
