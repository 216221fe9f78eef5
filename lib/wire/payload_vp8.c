/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VP8 in RTP (RFC 7741). Out: a descriptor of 4 bytes with a picture id of 15 bits before each piece of the frame; partitions are not
 * cut apart, all is partition 0. In: any descriptor; a frame is what stands behind the descriptors, one after the other. What a frame
 * holds beyond its first bytes is not looked at, so N (no reference) is never set: only the encoder knows.
 * answers: H135
 */
#include "sotto/base.h"
#include "wire/payload_int.h"

enum { /* descriptor: RFC 7741 §4.2 */
    X = 0x80, /* extended */
    N = 0x20, /* no later frame needs it */
    S = 0x10, /* start of a partition */
    PID = 0x07,
    I = 0x80, /* picture id */
    L = 0x40, /* TL0PICIDX */
    T = 0x20, /* TID */
    K = 0x10, /* KEYIDX */
    M = 0x80  /* the picture id has 15 bits */
};
enum { HEAD = 4, MIN_FRAME = 3, MIN_KEY = 10 }; /* RFC 6386 §9.1: frame tag; start code and size of a key frame */

bool sotto__vp8_is_key(const uint8_t *p, size_t n)
{
    return n >= MIN_KEY && !(p[0] & 1) && p[3] == 0x9d && p[4] == 0x01 && p[5] == 0x2a;
}

/* ---- sending ---- */

int sotto__split_vp8_init(struct split *s, struct split_state *state)
{
    if (s->n < MIN_FRAME) return SOTTO_E_SYNTAX;
    if (!(s->p[0] & 1) && !sotto__vp8_is_key(s->p, s->n)) return SOTTO_E_SYNTAX;
    uint16_t id = state->picture_id & 0x7fff;
    state->picture_id = (id + 1) & 0x7fff;
    s->u.vpx.head[0] = X | S;
    s->u.vpx.head[1] = I;
    s->u.vpx.head[2] = (uint8_t)(M | id >> 8);
    s->u.vpx.head[3] = (uint8_t)id;
    s->left = s->n;
    return 0;
}

void sotto__split_vp8_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes)
{
    *ret_packets = sotto__pieces_of(s->left, s->max - HEAD, s->max - HEAD);
    *ret_bytes = s->left + *ret_packets * HEAD;
}

size_t sotto__split_vp8_next(struct split *s, uint8_t *out)
{
    if (s->left == 0) return 0;
    size_t n = sotto__piece_size(s->left, s->max - HEAD, s->max - HEAD);
    memcpy(out, s->u.vpx.head, HEAD);
    memcpy(out + HEAD, s->p + (s->n - s->left), n);
    s->u.vpx.head[0] = X;
    s->left -= n;
    return HEAD + n;
}

/* ---- receiving ---- */

struct descriptor {
    size_t n;
    bool starts; /* the frame: start of partition 0 */
    bool disposable;
    int32_t picture_id;
    bool is_long;
    int32_t temporal;
};

/* RFC 7741 §4.2. False: truncated, or nothing behind it. */
static bool read_descriptor(const uint8_t *p, size_t n, struct descriptor *ret)
{
    struct reader r = sotto__reader(p, n);
    struct descriptor d = {.picture_id = -1};
    uint8_t first = sotto__read_u8(&r);
    uint8_t ext = first & X ? sotto__read_u8(&r) : 0;
    d.starts = (first & S) && (first & PID) == 0;
    d.disposable = first & N;
    if (ext & I) {
        d.picture_id = sotto__read_u8(&r);
        d.is_long = d.picture_id & M;
        if (d.is_long) d.picture_id = (d.picture_id & 0x7f) << 8 | sotto__read_u8(&r);
    }
    if (ext & L) sotto__read_u8(&r);
    if (ext & (T | K)) {
        uint8_t layer = sotto__read_u8(&r);
        d.temporal = ext & T ? layer >> 6 : 0;
    }
    if (r.bad || r.n == 0) return false;
    d.n = n - r.n;
    *ret = d;
    return true;
}

int sotto__peek_vp8(const uint8_t *p, size_t n, struct payload_info *ret)
{
    struct descriptor d;
    if (!read_descriptor(p, n, &d)) return SOTTO_E_SYNTAX;
    *ret = (struct payload_info){
        .starts = d.starts,
        .may_end = true,
        .is_key = d.starts && !(p[d.n] & 1),
        .disposable = d.disposable,
        .picture_id = d.picture_id,
        .picture_id_long = d.is_long,
        .temporal = d.temporal,
    };
    return 0;
}

int sotto__join_vp8(const struct payload_piece *pieces, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        struct descriptor d;
        if (!read_descriptor(pieces[i].p, pieces[i].n, &d)) return SOTTO_E_SYNTAX;
        if (d.starts != (i == 0)) return SOTTO_E_SYNTAX;
        sotto__buf_add(out, pieces[i].p + d.n, pieces[i].n - d.n);
    }
    return out->err;
}
