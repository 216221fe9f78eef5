/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VP9 in RTP (RFC 9628). Out: one layer in non-flexible mode with picture ids of 15 bits; a superframe stays whole; on key frames a
 * scalability structure tells the size, which the frame's header says. In: any descriptor; several spatial layers of a picture become
 * one superframe, lowest layer first, with the index that decoders look for (VP9 bitstream specification, annex B). Whether a frame is
 * disposable is never certain here: even one that refreshes no reference lends its motion vectors to the next.
 * answers: H135
 */
#include "sotto/base.h"
#include "wire/payload_int.h"

enum { /* descriptor: RFC 9628 §4.2 */
    I = 0x80, /* picture id */
    P = 0x40, /* predicted from earlier pictures */
    L = 0x20, /* layer indices */
    F = 0x10, /* flexible mode */
    B = 0x08, /* begins a layer's frame */
    E = 0x04, /* ends it */
    V = 0x02, /* scalability structure */
    M = 0x80, /* the picture id has 15 bits */
    MORE = 0x01, /* of P_DIFF: another one follows */
    D = 0x01, /* of the layer indices: predicted from a lower layer */
    Y = 0x10, /* of the structure: sizes */
    G = 0x08  /* … : picture group */
};
enum { HEAD = 3, STRUCTURE = 5, MAX_P_DIFF = 3 };

/* ---- the frame's header: VP9 bitstream specification §6.2 ---- */

struct bits {
    const uint8_t *p;
    size_t n, at; /* bits */
    bool bad;
};

static uint32_t read_bits(struct bits *b, unsigned n)
{
    uint32_t v = 0;
    for (; n > 0; n--, b->at++) {
        if (b->at >= b->n) {
            b->bad = true;
            return 0;
        }
        v = v << 1 | ((unsigned)b->p[b->at / 8] >> (7 - b->at % 8) & 1);
    }
    return v;
}

static void skip_color_config(struct bits *b, unsigned profile)
{
    enum { RGB = 7 };
    if (profile >= 2) read_bits(b, 1); /* bit depth */
    bool is_rgb = read_bits(b, 3) == RGB;
    if (!is_rgb) read_bits(b, 1); /* range */
    if (profile & 1) read_bits(b, is_rgb ? 1 : 3); /* subsampling, reserved */
}

struct header {
    bool is_key;
    uint16_t width, height; /* of a key frame, less one */
};

/* False: it is not the beginning of a frame. */
static bool read_header(const uint8_t *p, size_t n, struct header *ret)
{
    struct bits b = {.p = p, .n = n * 8};
    struct header h = {false, 0, 0};
    if (read_bits(&b, 2) != 2) return false;
    unsigned profile = read_bits(&b, 1);
    profile |= read_bits(&b, 1) << 1;
    if (profile == 3 && read_bits(&b, 1)) return false;
    bool shows_existing = read_bits(&b, 1);
    h.is_key = !shows_existing && !read_bits(&b, 1);
    if (h.is_key) {
        read_bits(&b, 2); /* show_frame, error_resilient_mode */
        if (read_bits(&b, 24) != 0x498342) return false;
        skip_color_config(&b, profile);
        h.width = (uint16_t)read_bits(&b, 16);
        h.height = (uint16_t)read_bits(&b, 16);
    }
    *ret = h;
    return !b.bad;
}

bool sotto__vp9_is_key(const uint8_t *p, size_t n)
{
    struct header h;
    return read_header(p, n, &h) && h.is_key;
}

/* ---- sending ---- */

/* Width and height are 16 bits here and up to 65536 in VP9: the largest cannot be told and goes as 65535. */
static uint16_t size_less_one(uint16_t v)
{
    return v == UINT16_MAX ? v : (uint16_t)(v + 1);
}

int sotto__split_vp9_init(struct split *s, struct split_state *state)
{
    struct header h;
    if (!read_header(s->p, s->n, &h)) return SOTTO_E_SYNTAX;
    uint16_t id = state->picture_id & 0x7fff;
    state->picture_id = (id + 1) & 0x7fff;
    struct writer w = sotto__writer(s->u.vpx.head, sizeof s->u.vpx.head);
    sotto__write_u8(&w, (uint8_t)(I | B | (h.is_key ? V : P)));
    sotto__write_u16(&w, (uint16_t)(M << 8 | id));
    if (h.is_key) {
        sotto__write_u8(&w, Y); /* one spatial layer, no picture group */
        sotto__write_u16(&w, size_less_one(h.width));
        sotto__write_u16(&w, size_less_one(h.height));
    }
    s->u.vpx.n_head = w.n;
    s->left = s->n;
    return 0;
}

void sotto__split_vp9_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes)
{
    size_t first = s->u.vpx.n_head;
    *ret_packets = sotto__pieces_of(s->left, s->max - first, s->max - HEAD);
    *ret_bytes = s->left + first + (*ret_packets - 1) * HEAD;
}

size_t sotto__split_vp9_next(struct split *s, uint8_t *out)
{
    if (s->left == 0) return 0;
    size_t n_head = s->u.vpx.n_head;
    size_t n = sotto__piece_size(s->left, s->max - n_head, s->max - HEAD);
    memcpy(out, s->u.vpx.head, n_head);
    memcpy(out + n_head, s->p + (s->n - s->left), n);
    s->left -= n;
    if (s->left == 0) out[0] |= E;
    s->u.vpx.head[0] &= (uint8_t) ~(B | V);
    s->u.vpx.n_head = HEAD;
    return n_head + n;
}

/* ---- receiving ---- */

struct descriptor {
    size_t n;
    uint8_t flags;
    int32_t picture_id;
    bool is_long;
    uint8_t temporal, spatial;
    bool from_lower; /* predicted from a lower layer of the same picture */
};

/* RFC 9628 §4.2.1. */
static void read_structure(struct reader *r)
{
    uint8_t first = sotto__read_u8(r);
    if (first & Y) sotto__read_view(r, 4 * ((first >> 5) + (size_t)1));
    unsigned pictures = first & G ? sotto__read_u8(r) : 0;
    for (unsigned i = 0; i < pictures && !r->bad; i++)
        sotto__read_view(r, sotto__read_u8(r) >> 2 & 3); /* R: how many P_DIFF */
}

static void read_differences(struct reader *r)
{
    for (int i = 0; i < MAX_P_DIFF; i++)
        if (!(sotto__read_u8(r) & MORE)) return;
    r->bad = true; /* a fourth one is announced */
}

/* False: truncated, more than it may hold, or nothing behind it. */
static bool read_descriptor(const uint8_t *p, size_t n, struct descriptor *ret)
{
    struct reader r = sotto__reader(p, n);
    struct descriptor d = {.flags = sotto__read_u8(&r), .picture_id = -1};
    if (d.flags & I) {
        d.picture_id = sotto__read_u8(&r);
        d.is_long = d.picture_id & M;
        if (d.is_long) d.picture_id = (d.picture_id & 0x7f) << 8 | sotto__read_u8(&r);
    }
    if (d.flags & L) {
        uint8_t layer = sotto__read_u8(&r);
        d.temporal = layer >> 5;
        d.spatial = layer >> 1 & 7;
        d.from_lower = layer & D;
        if (!(d.flags & F)) sotto__read_u8(&r); /* TL0PICIDX */
    }
    if ((d.flags & F) && !(d.flags & I)) return false; /* differences of what? */
    if ((d.flags & F) && (d.flags & P)) read_differences(&r);
    if (d.flags & V) read_structure(&r);
    if (r.bad || r.n == 0) return false;
    d.n = n - r.n;
    *ret = d;
    return true;
}

int sotto__peek_vp9(const uint8_t *p, size_t n, struct payload_info *ret)
{
    struct descriptor d;
    if (!read_descriptor(p, n, &d)) return SOTTO_E_SYNTAX;
    bool starts = (d.flags & B) && !d.from_lower;
    *ret = (struct payload_info){
        .starts = starts,
        .may_end = d.flags & E,
        .is_key = starts && !(d.flags & P) && sotto__vp9_is_key(p + d.n, n - d.n),
        .may_be_key = starts && !(d.flags & P),
        .picture_id = d.picture_id,
        .picture_id_long = d.is_long,
        .temporal = d.temporal,
    };
    return 0;
}

/* The index of a superframe: VP9 bitstream specification, annex B.2. */
void sotto__vp9_add_index(struct buf *out, const struct payload_layers *layers)
{
    size_t largest = 0;
    for (size_t i = 0; i < layers->n; i++)
        if (layers->sizes[i] > largest) largest = layers->sizes[i];
    unsigned width = 1;
    while (largest >> 8 * width > 0) width++;
    uint8_t marker = (uint8_t)(0xc0 | (width - 1) << 3 | (layers->n - 1));
    sotto__buf_add(out, &marker, 1);
    for (size_t i = 0; i < layers->n; i++)
        for (unsigned k = 0; k < width; k++)
            sotto__buf_add(out, &(uint8_t){(uint8_t)(layers->sizes[i] >> 8 * k)}, 1);
    sotto__buf_add(out, &marker, 1);
}

int sotto__join_vp9_layers(const struct payload_piece *pieces, size_t n, struct buf *out,
                           struct payload_layers *ret)
{
    struct payload_layers layers = {.n = 0};
    int spatial = -1;     /* of the last layer */
    bool is_open = false; /* it has not ended */
    for (size_t i = 0; i < n; i++) {
        struct descriptor d;
        if (!read_descriptor(pieces[i].p, pieces[i].n, &d)) return SOTTO_E_SYNTAX;
        bool begins = d.flags & B;
        if (begins == is_open || (begins ? d.spatial <= spatial : d.spatial != spatial))
            return SOTTO_E_SYNTAX;
        if (begins) layers.n++;
        spatial = d.spatial;
        is_open = !(d.flags & E);
        layers.sizes[layers.n - 1] += pieces[i].n - d.n;
        sotto__buf_add(out, pieces[i].p + d.n, pieces[i].n - d.n);
    }
    if (is_open) return SOTTO_E_SYNTAX;
    *ret = layers;
    return out->err;
}

int sotto__join_vp9(const struct payload_piece *pieces, size_t n, struct buf *out)
{
    struct payload_layers layers;
    int r = sotto__join_vp9_layers(pieces, n, out, &layers);
    if (r == 0 && layers.n > 1) sotto__vp9_add_index(out, &layers);
    return r == 0 ? out->err : r;
}
