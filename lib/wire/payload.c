/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payload formats by codec: a frame is split into the payloads of packets, payloads are looked at one by one and joined to the frame.
 * Checks what all formats have in common, keeps the promise that a failed join leaves no trace, and calls the format.
 */
#include "wire/payload.h"

#include "wire/payload_int.h"

int sotto__split_init(struct split *s, const struct codec *codec, struct split_state *state,
                      const uint8_t *frame, size_t n, size_t max, bool is_key)
{
    if (max > UINT16_MAX) max = UINT16_MAX; /* no packet is larger; lengths in aggregates have 16 bits */
    *s = (struct split){.codec = codec, .p = frame, .n = n, .max = max, .is_key = is_key};
    if (n == 0) return SOTTO_E_SYNTAX;
    switch (codec->id) {
    case CODEC_OPUS:
    case CODEC_PCMU:
    case CODEC_PCMA:
    case CODEC_DTMF: return sotto__split_audio_init(s);
    case CODEC_VP8: return sotto__split_vp8_init(s, state);
    case CODEC_VP9: return sotto__split_vp9_init(s, state);
    case CODEC_H264: return sotto__split_h264_init(s, state);
    case CODEC_H265: return sotto__split_h265_init(s, state);
    case CODEC_AV1: return sotto__split_av1_init(s, state);
    case CODEC_RED:
    case CODEC_RTX: break; /* around payloads of other codecs */
    }
    return SOTTO_E_SYNTAX;
}

/* H264, H265 and AV1 are sealed inside of their own structure. */
int sotto__split_init_sealed(struct split *s, const struct codec *codec, struct split_state *state,
                             const uint8_t *frame, size_t n, const uint8_t *sealed, size_t n_sealed,
                             size_t max, bool is_key)
{
    bool is_vpx = codec->id == CODEC_VP8 || codec->id == CODEC_VP9;
    if (!is_vpx) return sotto__split_init(s, codec, state, sealed, n_sealed, max, is_key);
    int r = sotto__split_init(s, codec, state, frame, n, max, is_key);
    if (r < 0) return r;
    s->p = sealed;
    s->n = s->left = n_sealed;
    return 0;
}

void sotto__split_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes)
{
    switch (s->codec->id) {
    case CODEC_VP8: sotto__split_vp8_bound(s, ret_packets, ret_bytes); break;
    case CODEC_VP9: sotto__split_vp9_bound(s, ret_packets, ret_bytes); break;
    case CODEC_H264: sotto__split_h264_bound(s, ret_packets, ret_bytes); break;
    case CODEC_H265: sotto__split_h265_bound(s, ret_packets, ret_bytes); break;
    case CODEC_AV1: sotto__split_av1_bound(s, ret_packets, ret_bytes); break;
    default: sotto__split_audio_bound(s, ret_packets, ret_bytes);
    }
}

size_t sotto__split_next(struct split *s, uint8_t *out)
{
    switch (s->codec->id) {
    case CODEC_VP8: return sotto__split_vp8_next(s, out);
    case CODEC_VP9: return sotto__split_vp9_next(s, out);
    case CODEC_H264: return sotto__split_h264_next(s, out);
    case CODEC_H265: return sotto__split_h265_next(s, out);
    case CODEC_AV1: return sotto__split_av1_next(s, out);
    default: return sotto__split_audio_next(s, out);
    }
}

bool sotto__frame_is_key(enum codec_id id, const uint8_t *p, size_t n)
{
    switch (id) {
    case CODEC_VP8: return sotto__vp8_is_key(p, n);
    case CODEC_VP9: return sotto__vp9_is_key(p, n);
    case CODEC_H264: return sotto__h264_is_key(p, n);
    case CODEC_H265: return sotto__h265_is_key(p, n);
    case CODEC_AV1: return sotto__av1_is_key(p, n);
    default: return false;
    }
}

static int peek(enum codec_id id, const uint8_t *p, size_t n, struct payload_info *ret)
{
    switch (id) {
    case CODEC_OPUS:
    case CODEC_PCMU:
    case CODEC_PCMA:
    case CODEC_DTMF: return sotto__peek_audio(id, p, n, ret);
    case CODEC_VP8: return sotto__peek_vp8(p, n, ret);
    case CODEC_VP9: return sotto__peek_vp9(p, n, ret);
    case CODEC_H264: return sotto__peek_h264(p, n, ret);
    case CODEC_H265: return sotto__peek_h265(p, n, ret);
    case CODEC_AV1: return sotto__peek_av1(p, n, ret);
    case CODEC_RED:
    case CODEC_RTX: break;
    }
    return SOTTO_E_SYNTAX;
}

int sotto__payload_peek(enum codec_id id, const uint8_t *p, size_t n, struct payload_info *ret)
{
    struct payload_info info = {.picture_id = -1};
    if (n == 0) return SOTTO_E_SYNTAX;
    int r = peek(id, p, n, &info);
    if (r == 0) *ret = info;
    return r;
}

static int join(enum codec_id id, const struct payload_piece *pieces, size_t n, struct buf *out,
                struct payload_layers *layers)
{
    if (layers && id == CODEC_VP9) return sotto__join_vp9_layers(pieces, n, out, layers);
    switch (id) {
    case CODEC_OPUS:
    case CODEC_PCMU:
    case CODEC_PCMA:
    case CODEC_DTMF: return sotto__join_audio(pieces, n, out);
    case CODEC_VP8: return sotto__join_vp8(pieces, n, out);
    case CODEC_VP9: return sotto__join_vp9(pieces, n, out);
    case CODEC_H264: return sotto__join_h264(pieces, n, out);
    case CODEC_H265: return sotto__join_h265(pieces, n, out);
    case CODEC_AV1: return sotto__join_av1(pieces, n, out);
    case CODEC_RED:
    case CODEC_RTX: break;
    }
    return SOTTO_E_SYNTAX;
}

/* A frame is about as large as its payloads: room for them spares growing step by step. */
static void reserve(const struct payload_piece *pieces, size_t n, struct buf *out)
{
    size_t sum = 0, room = out->max - out->n;
    for (size_t i = 0; i < n && sum <= room; i++)
        sum = pieces[i].n > room - sum ? room + 1 : sum + pieces[i].n;
    if (sum <= room) sotto__buf_reserve(out, sum);
}

static int join_into(enum codec_id id, const struct payload_piece *pieces, size_t n,
                     struct buf *out, struct payload_layers *layers)
{
    const size_t before = out->n;
    if (out->err) return out->err;
    if (n == 0) return SOTTO_E_SYNTAX;
    reserve(pieces, n, out);
    int r = join(id, pieces, n, out, layers);
    if (out->err) r = out->err;
    if (r < 0) out->n = before, out->err = 0;
    return r;
}

int sotto__payload_join(enum codec_id id, const struct payload_piece *pieces, size_t n,
                        struct buf *out)
{
    return join_into(id, pieces, n, out, NULL);
}

int sotto__payload_join_sealed(enum codec_id id, const struct payload_piece *pieces, size_t n,
                               struct buf *out, struct payload_layers *ret)
{
    struct payload_layers layers = {.n = 0};
    const size_t before = out->n;
    int r = join_into(id, pieces, n, out, &layers);
    if (r < 0) return r;
    if (layers.n == 0) layers = (struct payload_layers){.n = 1, .sizes = {out->n - before}};
    *ret = layers;
    return 0;
}

int sotto__payload_end_layers(struct buf *out, const struct payload_layers *layers)
{
    if (layers->n > 1) sotto__vp9_add_index(out, layers);
    return out->err;
}
