/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_PAYLOAD_INT_H
#define SOTTO_WIRE_PAYLOAD_INT_H
/*
 * What the files of the payload formats share: payload.c calls these, nobody else does. For each format F:
 *   split_F_init   s has codec, p, n ≥ 1, max (100 … 65535) and is_key; left and u are zero. 0, SOTTO_E_SYNTAX, SOTTO_E_TOO_BIG
 *   split_F_bound  as sotto__split_bound()
 *   split_F_next   as sotto__split_next()
 *   peek_F         n ≥ 1; ret comes in as zero but for picture_id -1 and is thrown away on an error. 0, SOTTO_E_SYNTAX
 *   join_F         n ≥ 1 pieces, of any length, 0 too, with any bytes; appends freely: the caller takes back what was added when it
 *                  fails, and looks at out->err itself. 0, SOTTO_E_SYNTAX, or out->err
 *   F_is_key       any bytes, n 0 too
 */
#include <string.h>

#include "util/bytes.h"
#include "wire/payload.h"

#define PAYLOAD_FORMAT(f)                                                                          \
    int sotto__split_##f##_init(struct split *s, struct split_state *state);                       \
    void sotto__split_##f##_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes);  \
    size_t sotto__split_##f##_next(struct split *s, uint8_t *out);                                 \
    int sotto__peek_##f(const uint8_t *p, size_t n, struct payload_info *ret);                     \
    int sotto__join_##f(const struct payload_piece *pieces, size_t n, struct buf *out);            \
    bool sotto__##f##_is_key(const uint8_t *p, size_t n);

PAYLOAD_FORMAT(vp8)
PAYLOAD_FORMAT(vp9)
PAYLOAD_FORMAT(av1)
PAYLOAD_FORMAT(h264)
PAYLOAD_FORMAT(h265)

int sotto__join_vp9_layers(const struct payload_piece *pieces, size_t n, struct buf *out,
                           struct payload_layers *ret); /* without an index behind them */
void sotto__vp9_add_index(struct buf *out, const struct payload_layers *layers);

/* ---- audio: one packet a frame ---- */

int sotto__split_audio_init(struct split *s);
void sotto__split_audio_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes);
size_t sotto__split_audio_next(struct split *s, uint8_t *out);
int sotto__peek_audio(enum codec_id id, const uint8_t *p, size_t n, struct payload_info *ret);
int sotto__join_audio(const struct payload_piece *pieces, size_t n, struct buf *out);

/* ---- NAL units: payload_nal.c, for H264 (header of 1 byte) and H265 (2 bytes) ---- */

struct nal_reader {
    const uint8_t *p;
    size_t n, at;
    bool lengths; /* 4-byte lengths as in MP4, not start codes */
};
/* Tells the two forms apart. 0, or SOTTO_E_SYNTAX it is neither. */
int sotto__nal_open(struct nal_reader *r, const uint8_t *p, size_t n, size_t head);
bool sotto__nal_next(struct nal_reader *r, struct payload_piece *ret); /* a NAL unit, n ≥ 1; false: no more */
/* The header of the next unit, without looking for its end; at an empty unit what stands behind it. NULL: no more. */
const uint8_t *sotto__nal_next_head(struct nal_reader *r, size_t head);
void sotto__nal_add(struct buf *out, const uint8_t *p, size_t n); /* with a start code before it */

enum nal_form {
    NAL_SINGLE,    /* the unit as it is */
    NAL_AGGREGATE, /* payload header, then 16-bit length and unit, twice or more */
    NAL_FRAGMENT   /* payload header, fragment header, a part of the unit without its header */
};
struct nal_packet {
    enum nal_form form;
    const uint8_t *unit; /* of a fragment: the unit it is of */
    bool starts, ends;   /* of a fragment */
};
/* How the units of the frame will lie in packets, without writing them: s->u.nal has lengths and alone (neither aggregates nor fragments,
 * and no unit above max) and is else zero; each unit is told, in order, then the end. 0, or SOTTO_E_SYNTAX there was none. */
void sotto__nal_plan_unit(struct split *s, size_t head, const struct payload_piece *unit);
int sotto__nal_plan_end(struct split *s);
/* Writes all of a packet but the headers that its form has of its own. */
size_t sotto__nal_split_next(struct split *s, size_t head, uint8_t *out, struct nal_packet *ret);

/* VP8 and VP9 cut a frame anywhere: as few pieces as there can be, all of about the same size. This one has room for `now` bytes, each
 * later one for `later` ≥ now. */
static inline size_t sotto__pieces_of(size_t left, size_t now, size_t later)
{
    return left <= now ? 1 : 1 + (left - now + later - 1) / later;
}
static inline size_t sotto__piece_size(size_t left, size_t now, size_t later)
{
    size_t pieces = sotto__pieces_of(left, now, later);
    size_t even = left / pieces + (left % pieces > 0);
    return even < now ? even : now;
}

#endif
