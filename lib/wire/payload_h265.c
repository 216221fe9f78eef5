/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * H.265 in RTP: RFC 7798 with tx-mode SRST and without decoding order numbers (sprop-max-don-diff 0, which is the default): single NAL
 * units, aggregation packets and fragmentation units. PACI packets are refused: nothing that is negotiated has a use for them.
 * An access unit comes in, with start codes or lengths, and goes out as payloads, and back, with start codes of 4 bytes. Knows the
 * header of a NAL unit and nothing behind it: no parameter set is parsed here.
 * answers: H135
 */
#include "util/bytes.h"
#include "wire/payload_int.h"

/* nal_unit_type: H.265 table 7-1, RFC 7798 §4.4 */
enum {
    BLA_W_LP = 16,
    CRA = 21,
    VPS = 32,
    SPS = 33,
    DELIMITER = 35,
    LAST_TYPE = 47,
    AP = 48,
    FU = 49
};
enum { HEAD = 2, FORBIDDEN = 0x80, LAYER_TOP = 0x01, LAYER = 0xf8, TID = 0x07 };
enum { FU_START = 0x80, FU_END = 0x40, FU_TYPE = 0x3f };

static unsigned type_of(const uint8_t *p)
{
    return (p[0] >> 1) & 0x3f;
}

/* Types 48…63 are not H.265's; as a packet they would be something else. TemporalId plus 1 is never 0. */
static bool is_unit(const uint8_t *p, size_t n)
{
    return n >= HEAD && (p[0] & FORBIDDEN) == 0 && type_of(p) <= LAST_TYPE && (p[1] & TID) != 0;
}

/* ---- sending ---- */

int sotto__split_h265_init(struct split *s, struct split_state *state)
{
    (void)state;
    struct nal_reader r;
    struct payload_piece unit;
    if (sotto__nal_open(&r, s->p, s->n, HEAD) < 0) return SOTTO_E_SYNTAX;
    s->u.nal.lengths = r.lengths;
    while (sotto__nal_next(&r, &unit)) {
        if (!is_unit(unit.p, unit.n)) return SOTTO_E_SYNTAX;
        sotto__nal_plan_unit(s, HEAD, &unit);
    }
    return sotto__nal_plan_end(s);
}

void sotto__split_h265_bound(const struct split *s, size_t *ret_packets, size_t *ret_bytes)
{
    *ret_packets = s->u.nal.packets, *ret_bytes = s->u.nal.bytes;
}

/* The payload header is a NAL unit's header with another type: §4.4.2, §4.4.3 */
static void write_head(uint8_t *out, unsigned type, unsigned layer, unsigned tid)
{
    out[0] = (uint8_t)(type << 1 | layer >> 5);
    out[1] = (uint8_t)((layer << 3 & LAYER) | tid);
}

static unsigned layer_of(const uint8_t *p)
{
    return (unsigned)((p[0] & LAYER_TOP) << 5 | p[1] >> 3);
}

/* §4.4.2: layer and TID are the lowest of those within. */
static void write_ap_head(uint8_t *out, size_t n)
{
    unsigned layer = 63, tid = 7;
    for (size_t at = HEAD; at < n; at += 2u + sotto__get_u16(out + at)) {
        const uint8_t *unit = out + at + 2;
        if (layer_of(unit) < layer) layer = layer_of(unit);
        if ((unit[1] & TID) < tid) tid = unit[1] & TID;
    }
    write_head(out, AP, layer, tid);
}

size_t sotto__split_h265_next(struct split *s, uint8_t *out)
{
    struct nal_packet packet;
    size_t n = sotto__nal_split_next(s, HEAD, out, &packet);
    if (packet.form == NAL_AGGREGATE) {
        write_ap_head(out, n);
    } else if (packet.form == NAL_FRAGMENT) {
        write_head(out, FU, layer_of(packet.unit), packet.unit[1] & TID);
        out[HEAD] = (uint8_t)((packet.starts ? FU_START : 0) | (packet.ends ? FU_END : 0) |
                              type_of(packet.unit));
    }
    return n;
}

static bool is_random_access(unsigned type)
{
    return type >= BLA_W_LP && type <= CRA;
}

/* A key frame is an IRAP picture: IDR, BLA or CRA; all its slices are of one type (H.265 §7.4.2.2). */
bool sotto__h265_is_key(const uint8_t *p, size_t n)
{
    struct nal_reader r;
    const uint8_t *head;
    if (sotto__nal_open(&r, p, n, HEAD) < 0) return false;
    while ((head = sotto__nal_next_head(&r, HEAD)))
        if (is_unit(head, HEAD) && type_of(head) < VPS) return is_random_access(type_of(head));
    return false;
}

/* ---- receiving ---- */

static void see(struct payload_info *ret, unsigned type, bool first)
{
    ret->is_first |= first && (type == DELIMITER || type == VPS);
    ret->is_key |= is_random_access(type) || type == VPS || type == SPS;
}

static int peek_ap(const uint8_t *p, size_t n, struct payload_info *ret)
{
    struct reader r = sotto__reader(p + HEAD, n - HEAD);
    bool first = true;
    do {
        size_t len = sotto__read_u16(&r);
        const uint8_t *unit = sotto__read_view(&r, len);
        if (!unit || !is_unit(unit, len)) return SOTTO_E_SYNTAX;
        see(ret, type_of(unit), first);
        first = false;
    } while (r.n > 0);
    return 0;
}

/* The header of the unit whose fragment this is. */
static void fragmented_head(const uint8_t *p, uint8_t head[HEAD])
{
    write_head(head, p[HEAD] & FU_TYPE, layer_of(p), p[1] & TID);
}

static int peek_fu(const uint8_t *p, size_t n, struct payload_info *ret)
{
    uint8_t head[HEAD];
    if (n < HEAD + 2) return SOTTO_E_SYNTAX;
    fragmented_head(p, head);
    ret->starts = (p[HEAD] & FU_START) != 0;
    ret->may_end = (p[HEAD] & FU_END) != 0;
    if (!is_unit(head, HEAD) || (ret->starts && ret->may_end)) return SOTTO_E_SYNTAX;
    see(ret, type_of(head), ret->starts);
    return 0;
}

/* Disposable is never said: what no picture of its own sub-layer needs (types 0, 2, … 14) a higher one may. */
int sotto__peek_h265(const uint8_t *p, size_t n, struct payload_info *ret)
{
    if (n < HEAD || (p[0] & FORBIDDEN) != 0 || (p[1] & TID) == 0) return SOTTO_E_SYNTAX;
    ret->starts = ret->may_end = true;
    ret->temporal = (p[1] & TID) - 1;
    if (type_of(p) == AP) return peek_ap(p, n, ret);
    if (type_of(p) == FU) return peek_fu(p, n, ret);
    see(ret, type_of(p), true);
    return is_unit(p, n) ? 0 : SOTTO_E_SYNTAX;
}

static void add_ap(const uint8_t *p, size_t n, struct buf *out)
{
    struct reader r = sotto__reader(p + HEAD, n - HEAD);
    while (r.n > 0) {
        size_t len = sotto__read_u16(&r);
        sotto__nal_add(out, sotto__read_view(&r, len), len);
    }
}

int sotto__join_h265(const struct payload_piece *pieces, size_t n, struct buf *out)
{
    bool open = false; /* a fragmented unit is */
    uint8_t head[HEAD] = {0}, of[HEAD];
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = pieces[i].p;
        struct payload_info info = {0};
        if (pieces[i].n == 0 || sotto__peek_h265(p, pieces[i].n, &info) < 0) return SOTTO_E_SYNTAX;
        if (type_of(p) != FU) {
            if (open) return SOTTO_E_SYNTAX;
            if (type_of(p) == AP) {
                add_ap(p, pieces[i].n, out);
            } else {
                sotto__nal_add(out, p, pieces[i].n);
            }
            continue;
        }
        fragmented_head(p, of);
        if (info.starts == open || (open && memcmp(of, head, HEAD) != 0)) return SOTTO_E_SYNTAX;
        memcpy(head, of, HEAD);
        if (info.starts) sotto__nal_add(out, head, HEAD);
        sotto__buf_add(out, p + HEAD + 1, pieces[i].n - HEAD - 1);
        open = !info.may_end;
    }
    return open ? SOTTO_E_SYNTAX : out->err;
}
