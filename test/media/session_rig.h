/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_SESSION_RIG_H
#define SOTTO_TEST_SESSION_RIG_H
/* A session that sends video and audio in virtual time, what leaves it, and what the remote may say. */
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
    bool is_repair, again;
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
    unsigned keys, bitrates, breakers, ssrcs;
    const struct outgoing *key_for;
    int64_t live;
    bool rsize; /* negotiated; configure() again */
    uint64_t reduced; /* packets of RTCP without a report */
    uint8_t frame[60000];
};

static inline void configure(struct call *c, size_t n_rids, bool sends)
{
    static const char *const rids[] = {"lo", "mid", "hi"};
    struct line cfg = {.kind = SOTTO_VIDEO,
                       .mid = "v",
                       .sends = sends,
                       .rsize = c->rsize,
                       .send = &video_list,
                       .recv = &video_list,
                       .ids = ids,
                       .max_bps = UINT64_MAX,
                       .n_outgoing = n_rids ? n_rids : 1};
    for (size_t i = 0; i < n_rids; i++) cfg.outgoing[i].rid = rids[i];
    sotto__session_configure(&c->s, c->now, &c->video, &cfg);
    cfg = (struct line){.kind = SOTTO_AUDIO, .mid = "a", .sends = sends, .n_outgoing = 1};
    cfg.send = cfg.recv = &audio_list, cfg.ids = ids, cfg.max_bps = UINT64_MAX,
    cfg.rsize = c->rsize;
    sotto__session_configure(&c->s, c->now, &c->audio, &cfg);
}

static inline struct call *call_new(size_t n_rids)
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

static inline void call_free(struct call *c)
{
    sotto__session_remove(&c->s, &c->video);
    sotto__session_remove(&c->s, &c->audio);
    sotto__session_free(&c->s);
    assert_int_equal(sotto__mem_live(), c->live);
    free(c->rtp);
    free(c);
}

static inline void take_rtp(struct call *c, const struct departure *d)
{
    c->rtp_bytes += d->n_head + d->n_payload;
    if (d->is_repair) c->repair_bytes += d->n_payload;
    if (c->n_rtp == PACKETS) return;
    struct out_packet *k = &c->rtp[c->n_rtp++];
    k->at = c->now, k->is_repair = d->is_repair, k->again = d->again;
    k->n = d->n_head + d->n_payload;
    assert_true(k->n <= SOTTO_MTU - 16);
    memcpy(k->bytes, d->head, d->n_head);
    memcpy(k->bytes + d->n_head, d->payload, d->n_payload);
    assert_int_equal(sotto__rtp_parse(k->bytes, k->n, &k->rtp), 0);
    sotto__ext_read(&k->rtp, ids, &k->ext);
}

static inline void take_rtcp(struct call *c, const struct session_out *out)
{
    struct rtcp r;
    size_t at = 0;
    if (c->rtcp_packets < 400) c->rtcp_at[c->rtcp_packets] = c->now;
    c->rtcp_packets++, c->rtcp_bytes += out->n;
    c->n_rtcp = out->n;
    memcpy(c->rtcp, out->p, out->n);
    assert_int_equal(sotto__rtcp_check(out->p, out->n, c->rsize), 0);
    for (size_t i = 0; sotto__rtcp_next(out->p, out->n, &at, &r) == 1; i++) {
        bool is_report = r.type == RTCP_SR || r.type == RTCP_RR;
        if (i == 0) assert_true(is_report || c->rsize); /* RTP-03 */
        if (i == 0) c->reduced += !is_report;
        c->byes += r.type == RTCP_BYE;
        if (r.type != RTCP_TMMBN) continue;
        uint16_t overhead;
        assert_int_equal(r.n, 1);
        sotto__rtcp_tmmbr(&r, 0, &c->limit_of, &c->limit_bps, &overhead);
        assert_int_equal(overhead, 40);
        c->limits++;
    }
}

static inline void take(struct call *c, const struct session_out *out)
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
    case SESSION_OUT_UNMUTE: break;
    case SESSION_OUT_SSRC:
        assert_ptr_equal(out->outgoing, &c->video.outgoing[0]);
        c->ssrcs++;
        break;
    default: fail_msg("unexpected: %d", (int)out->type);
    }
}

static inline void run(struct call *c, sotto_us until)
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

static inline int send_video(struct call *c, const char *rid, size_t n, bool is_key)
{
    memset(c->frame, 0x55, n);
    c->frame[0] = is_key ? 0x10 : 0x11;
    if (is_key) memcpy(c->frame + 3, "\x9d\x01\x2a", 3);
    sotto_frame f = {.size = sizeof f, .data = c->frame, .len = n, .rid = rid, .is_key = is_key};
    f.capture_us = c->now;
    return sotto__session_send_frame(&c->s, c->now, &c->video, &f);
}

static inline int send_audio(struct call *c)
{
    static const uint8_t packet[80] = {15 << 3, 1, 2, 3};
    sotto_frame f = {.size = sizeof f, .data = packet, .len = sizeof packet};
    f.capture_us = c->now;
    return sotto__session_send_frame(&c->s, c->now, &c->audio, &f);
}

/* Video at 30 and audio at 50 a second, about 1 Mbit/s. */
static inline void stream(struct call *c, sotto_us span)
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

static inline void hear(struct call *c, struct writer *w)
{
    assert_false(w->bad);
    sotto__session_rtcp(&c->s, c->now, w->p, w->n);
}

static inline struct writer begin(uint8_t *p, size_t cap)
{
    struct writer w = sotto__writer(p, cap);
    sotto__rtcp_write_rr(&w, THEM, NULL, 0);
    return w;
}

static inline void hear_report(struct call *c, const struct outgoing *o, uint8_t fraction)
{
    uint8_t p[200];
    struct writer w = sotto__writer(p, sizeof p);
    struct rtcp_block b = {.ssrc = o->ssrc, .fraction = fraction};
    b.highest = fraction == 255 ? 0 : (uint32_t)o->sender->seq;
    sotto__rtcp_write_rr(&w, THEM, &b, 1);
    hear(c, &w);
}

static inline void hear_pli(struct call *c, uint32_t ssrc)
{
    uint8_t p[200];
    struct writer w = begin(p, sizeof p);
    sotto__rtcp_write_pli(&w, THEM, ssrc);
    hear(c, &w);
}

static inline void hear_fir(struct call *c, uint32_t ssrc, uint8_t seq)
{
    uint8_t p[200];
    struct writer w = begin(p, sizeof p);
    sotto__rtcp_write_fir(&w, THEM, ssrc, seq);
    hear(c, &w);
}

static inline void hear_nack(struct call *c, uint32_t ssrc, const uint16_t *seqs, size_t n)
{
    uint8_t p[400];
    struct writer w = begin(p, sizeof p);
    sotto__rtcp_write_nack(&w, THEM, ssrc, seqs, n);
    hear(c, &w);
}

/* RFC 5104 §4.2.1: exponent, mantissa, overhead. */
static inline void hear_tmmbr(struct call *c, uint32_t ssrc, uint32_t exp, uint32_t mantissa)
{
    uint8_t p[200];
    struct writer w = begin(p, sizeof p);
    sotto__write_u8(&w, 0x80 | 3), sotto__write_u8(&w, 205), sotto__write_u16(&w, 4);
    sotto__write_u32(&w, THEM), sotto__write_u32(&w, 0);
    sotto__write_u32(&w, ssrc), sotto__write_u32(&w, exp << 26 | mantissa << 9 | 40);
    hear(c, &w);
}

/* The packets of that type in the last RTCP packet: how many; the last one in ret. */
static inline size_t find(const struct call *c, enum rtcp_type type, struct rtcp *ret)
{
    struct rtcp r;
    size_t at = 0, n = 0;
    while (sotto__rtcp_next(c->rtcp, c->n_rtcp, &at, &r) == 1)
        if (r.type == type) *ret = r, n++;
    return n;
}

#endif
