/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One frame, one SFrame (RFC 9605): audio and VP9 as they are; VP8 behind its first bytes, which are authenticated; H264, H265 and AV1
 * whole, inside of one slice or OBU behind a copy of the parameter sets and of its beginning, so that payload formats, servers and browsers
 * find what they look for. That copy is nobody's truth: the receiver takes only what it opened. In: frames; out: bytes to be packetised,
 * and back. Knows no keys and no packets.
 *
 * answers: S25 H137
 */
#include "media/e2ee_frame.h"

#include "sotto/base.h"
#include "util/bytes.h"
#include "util/mem.h"
#include "wire/payload_int.h"

enum { SHOWN = 4, STOP = 0x80 }; /* bytes of a slice, or of an OBU, that are copied; what ends a NAL unit */

static const struct sframe_bytes nothing = {(const uint8_t *)"", 0};

static int seal_to(struct e2ee *e, struct sframe_bytes metadata, struct sframe_bytes p,
                   struct buf *out)
{
    size_t n;
    if (!sotto__buf_reserve(out, p.n + SFRAME_OVERHEAD)) return out->err;
    int r = sotto__e2ee_seal(e, metadata, p, out->p + out->n, &n);
    if (r == 0) out->n += n;
    return r;
}

/* Whose keys, and in which order they must come. */
struct opener {
    struct e2ee *e;
    struct e2ee_order *order;
};

static int open_to(const struct opener *by, struct sframe_bytes metadata, struct sframe_bytes p,
                   struct buf *out)
{
    size_t n;
    if (!sotto__buf_reserve(out, p.n + 1)) return out->err; /* nothing is no frame, but has a place, too */
    int r = sotto__e2ee_open(by->e, by->order, metadata, p, out->p + out->n, &n);
    if (r == 0) out->n += n;
    return r;
}

static int refuse(struct e2ee *e)
{
    sotto__e2ee_refuse(e);
    return SOTTO_E_PROTO;
}

/* ---- VP8 ---- */

static size_t vp8_head(struct sframe_bytes p)
{
    return p.n > 0 && !(p.p[0] & 1) ? 10 : 3;
}

static int seal_vp8(struct e2ee *e, struct sframe_bytes p, struct buf *out)
{
    struct sframe_bytes head = {p.p, vp8_head(p)};
    if (p.n < head.n) return SOTTO_E_SYNTAX;
    sotto__buf_add(out, head.p, head.n);
    if (out->err) return out->err;
    return seal_to(e, head, (struct sframe_bytes){p.p + head.n, p.n - head.n}, out);
}

static int open_vp8(const struct opener *by, struct sframe_bytes p, struct buf *out)
{
    struct sframe_bytes head = {p.p, vp8_head(p)};
    if (p.n < head.n) return refuse(by->e);
    sotto__buf_add(out, head.p, head.n);
    if (out->err) return out->err;
    return open_to(by, head, (struct sframe_bytes){p.p + head.n, p.n - head.n}, out);
}

/* ---- H264, H265 ---- */

static unsigned nal_type(enum codec_id id, uint8_t head)
{
    return id == CODEC_H264 ? head & 31 : head >> 1 & 63;
}

static bool is_slice(enum codec_id id, uint8_t head)
{
    unsigned type = nal_type(id, head);
    return id == CODEC_H264 ? type >= 1 && type <= 5 : type < 32;
}

static bool is_parameters(enum codec_id id, uint8_t head)
{
    unsigned type = nal_type(id, head);
    return id == CODEC_H264 ? type == 7 || type == 8 : type >= 32 && type <= 34;
}

static size_t nal_head(enum codec_id id)
{
    return id == CODEC_H264 ? 1 : 2;
}

/* Finds the first slice; parameter sets before it go to out. false: there is none. */
static bool first_slice(enum codec_id id, struct sframe_bytes p, struct buf *out,
                        struct payload_piece *ret)
{
    struct nal_reader r;
    if (sotto__nal_open(&r, p.p, p.n, nal_head(id)) < 0) return false;
    while (sotto__nal_next(&r, ret)) {
        if (ret->n < nal_head(id)) continue;
        if (is_slice(id, ret->p[0])) return true;
        if (out && is_parameters(id, ret->p[0])) sotto__nal_add(out, ret->p, ret->n);
    }
    return false;
}

/* With start codes, whichever form it came in. Its bytes are those of p, or scratch's. */
static int to_annex_b(enum codec_id id, struct sframe_bytes *p, struct buf *scratch)
{
    struct nal_reader r;
    struct payload_piece unit;
    if (sotto__nal_open(&r, p->p, p->n, nal_head(id)) < 0) return SOTTO_E_SYNTAX;
    if (!r.lengths) return 0;
    while (sotto__nal_next(&r, &unit)) sotto__nal_add(scratch, unit.p, unit.n);
    *p = (struct sframe_bytes){scratch->p, scratch->n};
    return scratch->err;
}

/* How many zeros p ends with. */
static unsigned zeros_before(const uint8_t *p, size_t n)
{
    unsigned zeros = 0;
    while (n > 0 && p[n - 1] == 0) zeros++, n--;
    return zeros;
}

/* Emulation prevention: H.264 §7.4.1, H.265 §7.4.2; after `zeros` zeros. */
static void escape(unsigned zeros, struct sframe_bytes p, struct buf *out)
{
    static const uint8_t prevention = 3;
    size_t from = 0;
    for (size_t i = 0; i < p.n; i++) {
        if (zeros >= 2 && p.p[i] <= 3) {
            sotto__buf_add(out, p.p + from, i - from);
            sotto__buf_add(out, &prevention, 1);
            from = i, zeros = 0;
        }
        zeros = p.p[i] == 0 ? zeros + 1 : 0;
    }
    sotto__buf_add(out, p.p + from, p.n - from);
}

static void unescape(unsigned zeros, struct sframe_bytes p, struct buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < p.n; i++) {
        if (zeros >= 2 && p.p[i] == 3) {
            sotto__buf_add(out, p.p + from, i - from);
            from = i + 1, zeros = 0;
        } else {
            zeros = p.p[i] == 0 ? zeros + 1 : 0;
        }
    }
    sotto__buf_add(out, p.p + from, p.n - from);
}

/* The beginning of the slice that the SFrame stands in. */
static void show_slice(enum codec_id id, const struct payload_piece *slice, struct buf *out)
{
    uint8_t shown[2 + SHOWN];
    size_t n = nal_head(id) + SHOWN, have = slice->n < n ? slice->n : n;
    memset(shown, STOP, sizeof shown);
    memcpy(shown, slice->p, have);
    sotto__nal_add(out, shown, n);
}

static int seal_nal(struct e2ee *e, enum codec_id id, struct sframe_bytes p, struct buf *out)
{
    static const uint8_t stop = STOP;
    struct payload_piece slice;
    struct buf scratch, sealed;
    sotto__buf_init(&scratch, SOTTO_MAX_FRAME);
    sotto__buf_init(&sealed, SOTTO_MAX_FRAME);
    int r = to_annex_b(id, &p, &scratch);
    if (r == 0 && !first_slice(id, p, out, &slice)) r = SOTTO_E_SYNTAX;
    if (r == 0) r = seal_to(e, nothing, p, &sealed);
    if (r == 0) {
        show_slice(id, &slice, out);
        sotto__buf_add(&sealed, &stop, 1);
        r = sealed.err;
    }
    if (r == 0) {
        sotto__buf_reserve(out, sealed.n);
        unsigned zeros = out->err ? 0 : zeros_before(out->p, out->n);
        escape(zeros, (struct sframe_bytes){sealed.p, sealed.n}, out);
        r = out->err;
    }
    sotto__buf_free(&scratch);
    sotto__buf_free(&sealed);
    return r;
}

static int open_nal(const struct opener *by, enum codec_id id, struct sframe_bytes p,
                    struct buf *out)
{
    size_t n_head = nal_head(id) + SHOWN;
    struct payload_piece slice;
    struct buf sealed;
    if (!first_slice(id, p, NULL, &slice) || slice.n <= n_head || slice.p[slice.n - 1] != STOP)
        return refuse(by->e);
    sotto__buf_init(&sealed, SOTTO_MAX_FRAME);
    sotto__buf_reserve(&sealed, slice.n - n_head);
    unescape(zeros_before(slice.p, n_head),
             (struct sframe_bytes){slice.p + n_head, slice.n - n_head - 1}, &sealed);
    int r = sealed.err;
    if (r == 0) r = open_to(by, nothing, (struct sframe_bytes){sealed.p, sealed.n}, out);
    sotto__buf_free(&sealed);
    return r;
}

/* ---- AV1: bitstream specification §5.3, §4.10.5 ---- */

enum { SEQUENCE_HEADER = 1, DELIMITER = 2, FRAME_HEADER = 3, FRAME = 6, REDUNDANT = 7, TILES = 8 };
enum { HAS_EXT = 4, HAS_SIZE = 2, MAX_LEB = 8 };

struct obu {
    uint8_t head[2];
    size_t n_head;
    const uint8_t *body;
    size_t n_body;
};

static unsigned obu_type(const struct obu *o)
{
    return o->head[0] >> 3 & 15;
}

static size_t read_leb(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < MAX_LEB; i++) {
        uint8_t b = sotto__read_u8(r);
        v |= (uint64_t)(b & 0x7f) << 7 * i;
        if (!(b & 0x80)) return v > SIZE_MAX ? SIZE_MAX : (size_t)v;
    }
    r->bad = true;
    return 0;
}

/* Only the last one may be without its size. false: the end, or r is bad. */
static bool next_obu(struct reader *r, struct obu *ret)
{
    if (r->n == 0) return false;
    struct obu o = {.n_head = 1};
    o.head[0] = sotto__read_u8(r);
    if (o.head[0] & HAS_EXT) o.head[o.n_head++] = sotto__read_u8(r);
    o.n_body = o.head[0] & HAS_SIZE ? read_leb(r) : r->n;
    o.body = sotto__read_view(r, o.n_body);
    *ret = o;
    return !r->bad;
}

static void add_obu_head(const struct obu *o, size_t n_body, struct buf *out)
{
    uint8_t bytes[2 + 5];
    size_t n = 0;
    bytes[n++] = o->head[0] | HAS_SIZE;
    if (o->n_head > 1) bytes[n++] = o->head[1];
    for (; n_body >= 0x80; n_body >>= 7) bytes[n++] = (uint8_t)(n_body | 0x80);
    bytes[n++] = (uint8_t)n_body;
    sotto__buf_add(out, bytes, n);
}

/* The temporal unit as it is received: each OBU with its size, without those that are not sent. What others are to see of it: its
 * sequence header, and *shown, which has the header and the first bytes of its first frame. */
static int read_unit(struct sframe_bytes p, struct buf *unit, struct buf *out, struct obu *shown,
                     uint8_t first[SHOWN])
{
    struct reader r = sotto__reader(p.p, p.n);
    struct obu o;
    bool found = false;
    while (next_obu(&r, &o)) {
        unsigned type = obu_type(&o);
        if (type == DELIMITER || type == TILES) continue;
        add_obu_head(&o, o.n_body, unit);
        sotto__buf_add(unit, o.body, o.n_body);
        if (type == SEQUENCE_HEADER && !found) {
            add_obu_head(&o, o.n_body, out);
            sotto__buf_add(out, o.body, o.n_body);
        }
        if (found || (type != FRAME && type != FRAME_HEADER && type != REDUNDANT)) continue;
        found = true;
        *shown = o;
        shown->head[0] = (uint8_t)(FRAME << 3 | (o.head[0] & HAS_EXT));
        memset(first, STOP, SHOWN);
        memcpy(first, o.body, o.n_body < SHOWN ? o.n_body : SHOWN);
    }
    if (r.bad || !found) return SOTTO_E_SYNTAX;
    return unit->err ? unit->err : out->err;
}

static int seal_av1(struct e2ee *e, struct sframe_bytes p, struct buf *out)
{
    struct buf unit, sealed;
    struct obu shown = {.n_head = 0};
    uint8_t first[SHOWN];
    sotto__buf_init(&unit, SOTTO_MAX_FRAME);
    sotto__buf_init(&sealed, SOTTO_MAX_FRAME);
    int r = read_unit(p, &unit, out, &shown, first);
    if (r == 0) r = seal_to(e, nothing, (struct sframe_bytes){unit.p, unit.n}, &sealed);
    if (r == 0) {
        add_obu_head(&shown, SHOWN + sealed.n, out);
        sotto__buf_add(out, first, SHOWN);
        sotto__buf_add(out, sealed.p, sealed.n);
        r = out->err;
    }
    sotto__buf_free(&unit);
    sotto__buf_free(&sealed);
    return r;
}

static int open_av1(const struct opener *by, struct sframe_bytes p, struct buf *out)
{
    struct reader r = sotto__reader(p.p, p.n);
    struct obu o;
    size_t found = 0; /* one for each layer that was sealed by itself */
    while (next_obu(&r, &o)) {
        if (obu_type(&o) != FRAME) continue;
        if (o.n_body < SHOWN) return refuse(by->e);
        struct sframe_bytes sealed = {o.body + SHOWN, o.n_body - SHOWN};
        int err = open_to(by, nothing, sealed, out);
        if (err) return err;
        found++;
    }
    return found ? 0 : refuse(by->e);
}

/* ---- by codec ---- */

static int seal_any(struct e2ee *e, enum codec_id id, struct sframe_bytes p, struct buf *out)
{
    switch (id) {
    case CODEC_OPUS:
    case CODEC_PCMU:
    case CODEC_PCMA:
    case CODEC_VP9: return seal_to(e, nothing, p, out);
    case CODEC_VP8: return seal_vp8(e, p, out);
    case CODEC_H264:
    case CODEC_H265: return seal_nal(e, id, p, out);
    case CODEC_AV1: return seal_av1(e, p, out);
    default: return SOTTO_E_UNSUPPORTED; /* tones, and what holds others */
    }
}

int sotto__e2ee_seal_frame(struct e2ee *e, enum codec_id id, struct sframe_bytes frame,
                           struct buf *out)
{
    int r = seal_any(e, id, frame, out);
    return out->err == SOTTO_E_LIMIT && r == out->err ? SOTTO_E_TOO_BIG : r;
}

int sotto__e2ee_open_frame(struct e2ee *e, struct e2ee_order *order, enum codec_id id,
                           struct sframe_bytes sealed, struct buf *out)
{
    const struct opener by = {e, order};
    switch (id) {
    case CODEC_OPUS:
    case CODEC_PCMU:
    case CODEC_PCMA:
    case CODEC_VP9: return open_to(&by, nothing, sealed, out);
    case CODEC_VP8: return open_vp8(&by, sealed, out);
    case CODEC_H264:
    case CODEC_H265: return open_nal(&by, id, sealed, out);
    case CODEC_AV1: return open_av1(&by, sealed, out);
    default: return refuse(e);
    }
}
