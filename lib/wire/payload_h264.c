/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * H.264 in RTP: RFC 6184, packetization-mode 0 (one NAL unit a packet) and 1 (also STAP-A and FU-A). The interleaved packets of mode 2
 * (STAP-B, MTAP, FU-B) are never negotiated and are refused.
 * An access unit comes in, with start codes or lengths, and goes out as payloads, and back, with start codes of 4 bytes. Knows the
 * header of a NAL unit and nothing behind it: no parameter set is parsed here.
 * answers: H132 H133
 */
#include "util/bytes.h"
#include "wire/payload_int.h"

/* nal_unit_type: H.264 table 7-1, RFC 6184 table 1 */
enum { SLICE = 1, IDR = 5, SPS = 7, DELIMITER = 9, LAST_TYPE = 23, STAP_A = 24, FU_A = 28 };
enum { FORBIDDEN = 0x80, REF = 0x60, TYPE = 0x1f, FU_START = 0x80, FU_END = 0x40 };

static unsigned type_of(uint8_t head)
{
    return head & TYPE;
}

/* Types 0 and 24…31 are not H.264's; as a packet they would be something else. */
static bool is_unit(uint8_t head)
{
    return (head & FORBIDDEN) == 0 && type_of(head) >= SLICE && type_of(head) <= LAST_TYPE;
}

/* ---- sending ---- */

int sotto__split_h264_init(struct split *s, struct split_state *state)
{
    (void)state;
    struct nal_reader r;
    struct payload_piece unit;
    if (sotto__nal_open(&r, s->p, s->n, 1) < 0) return SOTTO_E_SYNTAX;
    s->u.nal.lengths = r.lengths;
    s->u.nal.alone = s->codec->params.packetization == 0;
    while (sotto__nal_next(&r, &unit)) {
        if (!is_unit(unit.p[0])) return SOTTO_E_SYNTAX;
        if (s->u.nal.alone && unit.n > s->max) return SOTTO_E_TOO_BIG;
        sotto__nal_plan_unit(s, 1, &unit);
    }
    return sotto__nal_plan_end(s);
}

void sotto__split_h264_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes)
{
    *ret_packets = s->u.nal.packets, *ret_bytes = s->u.nal.bytes;
}

/* §5.7: the reference bits are the highest of those within. */
static uint8_t stap_head(const uint8_t *p, size_t n)
{
    uint8_t ref = 0;
    for (size_t at = 0; at < n; at += 2u + sotto__get_u16(p + at))
        if ((p[at + 2] & REF) > ref) ref = p[at + 2] & REF;
    return ref | STAP_A;
}

size_t sotto__split_h264_next(struct split *s, uint8_t *out)
{
    struct nal_packet packet;
    size_t n = sotto__nal_split_next(s, 1, out, &packet);
    if (packet.form == NAL_AGGREGATE) {
        out[0] = stap_head(out + 1, n - 1);
    } else if (packet.form == NAL_FRAGMENT) { /* §5.8 */
        out[0] = (packet.unit[0] & REF) | FU_A;
        out[1] = (uint8_t)((packet.starts ? FU_START : 0) | (packet.ends ? FU_END : 0) |
                           type_of(packet.unit[0]));
    }
    return n;
}

/* A key frame for a decoder that knows nothing yet: an IDR picture, whose slices all are (H.264 §7.4.1.2.4), so the first one tells. One
 * that recovers step by step (SEI recovery point) is none: browsers start at IDR only. */
bool sotto__h264_is_key(const uint8_t *p, size_t n)
{
    struct nal_reader r;
    const uint8_t *head;
    if (sotto__nal_open(&r, p, n, 1) < 0) return false;
    while ((head = sotto__nal_next_head(&r, 1)))
        if (type_of(*head) >= SLICE && type_of(*head) <= IDR) return type_of(*head) == IDR;
    return false;
}

/* ---- receiving ---- */

struct seen { /* in the units of a packet */
    bool any, first, key, ref, slice;
};

static void see(struct seen *seen, uint8_t head)
{
    unsigned type = type_of(head);
    if (!seen->any) seen->first = type == DELIMITER || type == SPS;
    seen->any = true;
    seen->key |= type == IDR || type == SPS;
    seen->ref |= (head & REF) != 0;
    seen->slice |= type >= SLICE && type <= IDR;
}

static int peek_stap(const uint8_t *p, size_t n, struct seen *seen)
{
    struct reader r = sotto__reader(p + 1, n - 1);
    do {
        size_t len = sotto__read_u16(&r);
        const uint8_t *unit = sotto__read_view(&r, len);
        if (!unit || len == 0 || !is_unit(unit[0])) return SOTTO_E_SYNTAX;
        see(seen, unit[0]);
    } while (r.n > 0);
    return 0;
}

static int peek_fu(const uint8_t *p, size_t n, struct payload_info *ret, struct seen *seen)
{
    if (n < 3) return SOTTO_E_SYNTAX;
    uint8_t head = (p[0] & REF) | (p[1] & TYPE);
    ret->starts = (p[1] & FU_START) != 0;
    ret->may_end = (p[1] & FU_END) != 0;
    if (!is_unit(head) || (ret->starts && ret->may_end)) return SOTTO_E_SYNTAX; /* §5.8: never both */
    see(seen, head);
    return 0;
}

int sotto__peek_h264(const uint8_t *p, size_t n, struct payload_info *ret)
{
    struct seen seen = {0};
    ret->starts = ret->may_end = true;
    if ((p[0] & FORBIDDEN) != 0) return SOTTO_E_SYNTAX;
    if (type_of(p[0]) == STAP_A) {
        if (peek_stap(p, n, &seen) < 0) return SOTTO_E_SYNTAX;
    } else if (type_of(p[0]) == FU_A) {
        if (peek_fu(p, n, ret, &seen) < 0) return SOTTO_E_SYNTAX;
    } else {
        if (!is_unit(p[0])) return SOTTO_E_SYNTAX;
        see(&seen, p[0]);
    }
    ret->is_first = seen.first && ret->starts;
    ret->is_key = seen.key;
    ret->disposable = seen.slice && !seen.ref; /* H.264 §7.4.1: 0 for one slice, 0 for all of the picture */
    return 0;
}

static void add_stap(const uint8_t *p, size_t n, struct buf *out)
{
    struct reader r = sotto__reader(p + 1, n - 1);
    while (r.n > 0) {
        size_t len = sotto__read_u16(&r);
        sotto__nal_add(out, sotto__read_view(&r, len), len);
    }
}

int sotto__join_h264(const struct payload_piece *pieces, size_t n, struct buf *out)
{
    bool open = false; /* a fragmented unit is */
    uint8_t head = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = pieces[i].p;
        struct payload_info info = {0};
        if (pieces[i].n == 0 || sotto__peek_h264(p, pieces[i].n, &info) < 0) return SOTTO_E_SYNTAX;
        if (type_of(p[0]) != FU_A) {
            if (open) return SOTTO_E_SYNTAX;
            if (type_of(p[0]) == STAP_A) {
                add_stap(p, pieces[i].n, out);
            } else {
                sotto__nal_add(out, p, pieces[i].n);
            }
            continue;
        }
        uint8_t of = (p[0] & REF) | (p[1] & TYPE);
        if (info.starts == open || (open && of != head)) return SOTTO_E_SYNTAX;
        head = of;
        if (info.starts) sotto__nal_add(out, &head, 1);
        sotto__buf_add(out, p + 2, pieces[i].n - 2);
        open = !info.may_end;
    }
    return open ? SOTTO_E_SYNTAX : out->err;
}
