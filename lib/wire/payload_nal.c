/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NAL units, for H264 and H265: finding them in a frame, and laying them out in packets as RFC 6184 §5.6-5.8 and RFC 7798 §4.4 both
 * do it: small units that follow each other share a packet, a large one is cut into fragments of nearly the same size.
 * A frame comes in with start codes (Annex B of both standards) or with lengths of 4 bytes (ISO/IEC 14496-15); bytes of packets go
 * out, without the headers that differ. Knows the length of a unit's header, but not what stands in it, except its first bit.
 * answers: H134
 */
#include <string.h>

#include "util/bytes.h"
#include "wire/payload_int.h"

/* Where the next 00 00 01 begins, or n. */
static size_t find_start_code(const uint8_t *p, size_t n, size_t at)
{
    while (at < n && n - at >= 3) {
        const uint8_t *zero = memchr(p + at, 0, n - at - 2);
        if (!zero) return n;
        at = (size_t)(zero - p);
        while (n - at >= 3 && p[at] == 0) {
            if (p[at + 1] != 0) {
                at += 2;
            } else if (p[at + 2] == 1) {
                return at;
            } else {
                at += p[at + 2] == 0 ? 1 : 3;
            }
        }
    }
    return n;
}

/* A unit of 1 byte cannot be the first of a frame, so 00 00 00 01 is a start code. 00 00 01 may also begin a length of 256…511. */
static size_t leading_zeros(const uint8_t *p, size_t n)
{
    size_t zeros = 0;
    while (zeros < n && p[zeros] == 0) zeros++;
    return zeros < n && p[zeros] == 1 ? zeros : 0;
}

/* Whether lengths lead from unit to unit exactly to the end. The first bit of each unit is 0, and so is, with two bytes of header, the
 * top bit of the layer: behind a start code of 3 bytes a slice or a header of H265 has a 1 there, so that it is not taken for this. */
static bool has_lengths(const uint8_t *p, size_t n, size_t head)
{
    const uint8_t zeros = head == 2 ? 0x81 : 0x80;
    size_t at = 0;
    while (n - at >= 4) {
        size_t len = sotto__get_u32(p + at);
        at += 4;
        if (len == 0 || len > n - at || (p[at] & zeros) != 0) return false;
        at += len;
    }
    return n > 0 && at == n;
}

int sotto__nal_open(struct nal_reader *r, const uint8_t *p, size_t n, size_t head)
{
    size_t zeros = leading_zeros(p, n);
    *r = (struct nal_reader){p, n, 0, false};
    if (zeros <= 2) r->lengths = has_lengths(p, n, head);
    return zeros >= 2 || r->lengths ? 0 : SOTTO_E_SYNTAX;
}

static bool next_by_length(struct nal_reader *r, struct payload_piece *ret)
{
    if (r->at == r->n) return false;
    size_t len = sotto__get_u32(r->p + r->at);
    *ret = (struct payload_piece){r->p + r->at + 4, len};
    r->at += 4 + len;
    return true;
}

bool sotto__nal_next(struct nal_reader *r, struct payload_piece *ret)
{
    if (r->lengths) return next_by_length(r, ret);
    if (r->at == 0) r->at = find_start_code(r->p, r->n, 0);
    while (r->at < r->n) {
        size_t from = r->at + 3, to = find_start_code(r->p, r->n, from);
        r->at = to;
        while (to > from && r->p[to - 1] == 0) to--; /* zero_byte, trailing_zero_8bits: of no unit */
        *ret = (struct payload_piece){r->p + from, to - from};
        if (to > from) return true;
    }
    return false;
}

const uint8_t *sotto__nal_next_head(struct nal_reader *r, size_t head)
{
    struct payload_piece unit;
    if (r->lengths) {
        while (next_by_length(r, &unit))
            if (unit.n >= head) return unit.p;
        return NULL;
    }
    r->at = find_start_code(r->p, r->n, r->at);
    if (r->n - r->at < 3 + head) return NULL;
    r->at += 3;
    return r->p + r->at;
}

void sotto__nal_add(struct buf *out, const uint8_t *p, size_t n)
{
    static const uint8_t start_code[4] = {0, 0, 0, 1};
    sotto__buf_add(out, start_code, sizeof start_code);
    sotto__buf_add(out, p, n);
}

/* ---- packets ---- */

/* The last unit, often all there is, is not searched again for its end. */
static void take_next_unit(struct split *s)
{
    struct nal_reader r = {s->p, s->n, s->u.nal.next, s->u.nal.lengths};
    struct payload_piece unit = {s->p + s->u.nal.last, s->u.nal.last_end - s->u.nal.last};
    s->u.nal.unit = s->u.nal.end = 0;
    if (r.at == 0 && !r.lengths) r.at = find_start_code(r.p, r.n, 0);
    if (!r.lengths && r.at + 3 == s->u.nal.last) {
        r.at = r.n;
    } else if (!sotto__nal_next(&r, &unit)) {
        return;
    }
    s->u.nal.unit = (size_t)(unit.p - s->p);
    s->u.nal.end = s->u.nal.unit + unit.n;
    s->u.nal.next = r.at;
}

void sotto__nal_plan_unit(struct split *s, size_t head, const struct payload_piece *unit)
{
    if (unit->n > s->max) {
        size_t part = s->max - head - 1, n = (unit->n - head + part - 1) / part;
        s->u.nal.packets += n, s->u.nal.bytes += unit->n - head + n * (head + 1);
        s->u.nal.filled = s->max;
    } else if (!s->u.nal.alone && s->u.nal.packets > 0 && s->u.nal.filled < s->max &&
               unit->n + 2 <= s->max - s->u.nal.filled) {
        s->u.nal.filled += unit->n + 2, s->u.nal.bytes += unit->n + 2;
    } else {
        s->u.nal.packets++, s->u.nal.bytes += head + 2 + unit->n;
        s->u.nal.filled = head + 2 + unit->n;
    }
    s->u.nal.last = (size_t)(unit->p - s->p);
    s->u.nal.last_end = s->u.nal.last + unit->n;
}

int sotto__nal_plan_end(struct split *s)
{
    if (s->u.nal.packets == 0) return SOTTO_E_SYNTAX;
    take_next_unit(s);
    return 0;
}

static size_t write_fragment(struct split *s, size_t head, uint8_t *out, struct nal_packet *ret)
{
    size_t part = s->max - head - 1, unit = s->u.nal.unit;
    ret->form = NAL_FRAGMENT;
    ret->unit = s->p + unit;
    ret->starts = s->u.nal.at == 0;
    if (ret->starts) s->u.nal.at = unit + head;
    size_t left = s->u.nal.end - s->u.nal.at, packets = (left + part - 1) / part;
    size_t n = (left + packets - 1) / packets;
    memcpy(out + head + 1, s->p + s->u.nal.at, n);
    s->u.nal.at += n;
    ret->ends = s->u.nal.at == s->u.nal.end;
    if (ret->ends) {
        s->u.nal.at = 0;
        take_next_unit(s);
    }
    return head + 1 + n;
}

static size_t write_aggregate(struct split *s, size_t head, uint8_t *out, struct nal_packet *ret)
{
    const struct payload_piece first = {s->p + s->u.nal.unit, s->u.nal.end - s->u.nal.unit};
    struct writer w = sotto__writer(out, s->max);
    take_next_unit(s);
    size_t n = s->u.nal.end - s->u.nal.unit, filled = head + 2 + first.n;
    if (s->u.nal.alone || n == 0 || filled >= s->max || n + 2 > s->max - filled) {
        ret->form = NAL_SINGLE;
        sotto__write_bytes(&w, first.p, first.n);
        return w.n;
    }
    ret->form = NAL_AGGREGATE;
    w.n = head;
    sotto__write_u16(&w, (uint16_t)first.n);
    sotto__write_bytes(&w, first.p, first.n);
    for (; n > 0 && n + 2 <= s->max - w.n; n = s->u.nal.end - s->u.nal.unit) {
        sotto__write_u16(&w, (uint16_t)n);
        sotto__write_bytes(&w, s->p + s->u.nal.unit, n);
        take_next_unit(s);
    }
    return w.n;
}

size_t sotto__nal_split_next(struct split *s, size_t head, uint8_t *out, struct nal_packet *ret)
{
    *ret = (struct nal_packet){NAL_SINGLE, NULL, true, true};
    size_t n = s->u.nal.end - s->u.nal.unit;
    if (n == 0) return 0;
    return n > s->max ? write_fragment(s, head, out, ret) : write_aggregate(s, head, out, ret);
}
