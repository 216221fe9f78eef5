/* SPDX-License-Identifier: BSD-2-Clause */
/* The kit of the receiver's tests: see feed.h. */
#include "feed.h"

#include "util/bytes.h"

const struct codec feed_vp8 = {
    .id = CODEC_VP8, .name = "VP8", .clock = 90000, .channels = 1, .pt = 96, .apt = -1};
const struct codec feed_opus = {
    .id = CODEC_OPUS, .name = "opus", .clock = 48000, .channels = 2, .pt = 111, .apt = -1};
const struct codec feed_h264 = {
    .id = CODEC_H264, .name = "H264", .clock = 90000, .channels = 1, .pt = 102, .apt = -1};

void feed_init(struct feed *f, const struct receiver_cfg *cfg)
{
    memset(f, 0, sizeof *f);
    f->now = SOTTO_SECONDS(1000);
    f->last = -1;
    assert_int_equal(sotto__receiver_new(&f->r, cfg), 0);
}

void feed_free(struct feed *f)
{
    sotto__receiver_free(f->r);
    f->r = NULL;
}

struct receiver_stats feed_stats(const struct feed *f)
{
    struct receiver_stats stats;
    sotto__receiver_get_stats(f->r, &stats);
    return stats;
}

void feed_in(struct feed *f, const struct codec *codec, const struct feed_packet *p)
{
    uint8_t packet[RTP_HEADER + sizeof p->payload];
    struct rtp rtp = {.marker = p->marker,
                      .pt = codec->pt,
                      .seq = p->seq,
                      .time = p->time,
                      .ssrc = 1,
                      .n_payload = p->n,
                      .n_padding = p->n == 0 ? 200 : 0,
                      .n_header = RTP_HEADER};
    sotto__rtp_write(&rtp, packet);
    memcpy(packet + RTP_HEADER, p->payload, p->n);
    rtp.payload = packet + RTP_HEADER;
    sotto__receiver_input(f->r, f->now, &rtp, &f->ext, codec, p->repair, packet, RTP_HEADER + p->n);
}

void feed_opus_in(struct feed *f, uint16_t seq, uint32_t time)
{
    struct feed_packet p = {.seq = seq, .time = time, .n = 3};
    p.payload[0] = 0x78; /* CELT, 20 ms, mono, one frame */
    p.payload[1] = (uint8_t)(seq >> 8), p.payload[2] = (uint8_t)seq;
    feed_in(f, &feed_opus, &p);
}

void feed_padding_in(struct feed *f, const struct codec *codec, uint16_t seq, uint32_t time)
{
    struct feed_packet p = {.seq = seq, .time = time};
    feed_in(f, codec, &p);
}

/* ---- VP8 ---- */

void feed_frame_bytes(const struct feed_frame *v, uint8_t *out)
{
    struct writer w = sotto__writer(out, FEED_BODY);
    uint8_t tag[4] = {v->needs < 0 ? 0x10 : 0x11, 0, 0, 0x9d}; /* RFC 6386 §9.1 */
    sotto__write_bytes(&w, tag, sizeof tag);
    sotto__write_u16(&w, 0x012a);
    sotto__write_u32(&w, v->number);
    sotto__write_u32(&w, (uint32_t)v->needs);
    sotto__write_u16(&w, (uint16_t)v->n);
    for (size_t i = FEED_BODY; i < v->n; i++) out[i] = (uint8_t)(v->number * 7 + i);
}

struct feed_packet feed_vp8_packet(const struct feed_frame *v, uint16_t seq, size_t i, size_t n)
{
    static uint8_t bytes[0x10000]; /* of the last frame: all its packets ask for it */
    static struct feed_frame last;
    struct feed_packet p = {.seq = (uint16_t)(seq + i), .time = v->time, .marker = i + 1 == n};
    size_t from = v->n * i / n, to = v->n * (i + 1) / n;
    struct writer w = sotto__writer(p.payload, sizeof p.payload);
    if (v->number != last.number || v->needs != last.needs || v->n != last.n)
        feed_frame_bytes(v, bytes);
    last = *v;
    sotto__write_u8(&w, (uint8_t)(0x80 | (v->disposable ? 0x20 : 0) | (i == 0 ? 0x10 : 0)));
    sotto__write_u8(&w, v->no_ids ? 0x20 : 0xa0); /* I, T */
    if (!v->no_ids) sotto__write_u16(&w, (uint16_t)(0x8000 | (v->number & 0x7fff)));
    sotto__write_u8(&w, (uint8_t)(v->temporal << 6));
    sotto__write_bytes(&w, bytes + from, to - from);
    assert_false(w.bad);
    p.n = w.n;
    return p;
}

void feed_vp8_in(struct feed *f, const struct feed_frame *v, uint16_t seq, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct feed_packet p = feed_vp8_packet(v, seq, i, n);
        feed_in(f, &feed_vp8, &p);
    }
}

/* ---- what comes out ---- */

static void check_vp8(struct feed *f, const struct received *got)
{
    uint8_t want[0x10000];
    assert_true(got->n >= FEED_BODY);
    struct feed_frame v = {.number = sotto__get_u32(got->data + 6),
                           .needs = (int32_t)sotto__get_u32(got->data + 10),
                           .n = sotto__get_u16(got->data + 14)};
    assert_int_equal(got->n, v.n);
    feed_frame_bytes(&v, want);
    assert_memory_equal(got->data, want, v.n);
    assert_int_equal(got->is_key, v.needs < 0);
    assert_true((int64_t)v.number > f->last);
    if (v.needs >= 0) assert_true(f->shown[v.needs & 0x7fff]);
    for (int64_t i = f->last + 1; i < (int64_t)v.number; i++) f->shown[i & 0x7fff] = false;
    f->shown[v.number & 0x7fff] = true;
    f->last = v.number;
}

struct received *feed_pull(struct feed *f)
{
    struct received *got = sotto__receiver_pull(f->r, f->now);
    if (!got) return NULL;
    assert_true(got->due <= f->now && got->first_at <= got->at && got->at <= f->now);
    if (got->codec == CODEC_VP8 && !got->is_packet) check_vp8(f, got);
    f->frames++;
    f->keys += got->is_key;
    f->dropped_sum += got->dropped;
    if (f->last_at && f->now - f->last_at > f->longest_gap) f->longest_gap = f->now - f->last_at;
    f->last_at = f->now;
    return got;
}

size_t feed_pull_all(struct feed *f)
{
    size_t n = 0;
    for (struct received *got; (got = feed_pull(f)); n++) sotto__received_free(got);
    return n;
}

void feed_run(struct feed *f, sotto_us until)
{
    struct receiver_out out;
    feed_pull_all(f);
    for (;;) {
        sotto_us due = sotto__receiver_due(f->r);
        if (due > until) break;
        if (due > f->now) f->now = due;
        for (int turns = 0; sotto__receiver_next(f->r, f->now, &out) == 1; turns++) {
            assert_true(turns < 100);
            if (out.type == RECEIVER_OUT_NACK) f->nacks += out.n;
            if (out.type == RECEIVER_OUT_KEYFRAME) f->plis++;
            if (out.type == RECEIVER_OUT_DROPPED) f->dropped_told += out.count;
        }
        assert_true(sotto__receiver_due(f->r) > f->now); /* it may not ask to be called again at once */
        feed_pull_all(f);
    }
    f->now = until;
}
