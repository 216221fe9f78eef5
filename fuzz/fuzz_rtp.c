/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__rtp_parse, sotto__ext_read and their writers. The first byte chooses how ids are negotiated, the rest is a packet.
 * Property: the parts of a packet are disjoint and fill it; write(parse(x)) has the same header and the same extension values, in the size
 * that sotto__ext_size says; one byte less room is refused. And a second walker of RFC 8285, written another way, finds the same
 * transport-wide number.
 */
#include <stdlib.h>

#include "util/limits.h"
#include "wire/rtp_ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_parts(const struct rtp *r, const uint8_t *p, size_t n)
{
    require(r->n_header >= RTP_HEADER + 4u * r->n_csrc);
    require(r->n_header + r->n_payload + r->n_padding == n);
    require(r->payload == p + r->n_header && r->csrc == p + RTP_HEADER);
    if (r->has_ext)
        require(r->ext + r->n_ext == r->payload && r->n_ext % 4 == 0);
    else
        require(r->n_ext == 0 && r->n_header == RTP_HEADER + 4u * r->n_csrc);
}

static void require_same(const struct ext_values *a, const struct ext_values *b)
{
    require(a->has == b->has && a->abs_send == b->abs_send && a->abs_capture == b->abs_capture);
    require(sotto__str_eq(a->mid, b->mid) && sotto__str_eq(a->rid, b->rid));
    require(sotto__str_eq(a->rrid, b->rrid) && a->has_capture_offset == b->has_capture_offset);
    require(a->capture_offset == b->capture_offset && a->twcc == b->twcc && a->voice == b->voice);
    require(a->audio_level == b->audio_level && a->rotation == b->rotation);
    require(a->playout_min == b->playout_min && a->playout_max == b->playout_max);
    require(a->n_dependency == b->n_dependency);
    require(a->n_dependency == 0 || memcmp(a->dependency, b->dependency, a->n_dependency) == 0);
}

static void require_valid(const struct ext_values *v)
{
    require(v->has < 1u << EXT_COUNT);
    require(v->mid.n <= SOTTO_MAX_MID && v->rid.n <= SOTTO_MAX_RID && v->rrid.n <= SOTTO_MAX_RID);
    require(!(v->has & 1u << EXT_MID) == (v->mid.n == 0));
    require(v->audio_level < 128 && v->rotation < 4 && v->abs_send < 1u << 24);
    require(v->playout_min < 4096 && v->playout_max < 4096 && v->n_dependency < 256);
}

static void require_writes(const uint8_t ids[EXT_COUNT], const struct ext_values *v)
{
    uint8_t out[EXT_COUNT * 257 + 8];
    struct ext_values again;
    size_t n = sotto__ext_size(ids, v);
    require(n <= sizeof out && n % 4 == 0);
    require(sotto__ext_write(ids, v, out, n) == (int)n);
    if (n == 0) {
        require(v->has == 0);
        return;
    }
    require(sotto__ext_write(ids, v, out, n - 1) < 0);
    struct rtp r = {.has_ext = true, .ext_profile = (uint16_t)(out[0] << 8 | out[1])};
    r.ext = out + 4, r.n_ext = n - 4;
    sotto__ext_read(&r, ids, &again);
    require_same(v, &again);
}

/* The first element of two bytes with this id; -1: there is none. */
static int reference(const struct rtp *r, uint8_t id)
{
    bool is_short = r->ext_profile == 0xbede;
    if (!r->has_ext || id == 0 || (!is_short && r->ext_profile >> 4 != 0x100)) return -1;
    for (size_t i = 0; i < r->n_ext;) {
        if (r->ext[i] == 0) {
            i++;
            continue;
        }
        size_t head = is_short ? 1 : 2, is = is_short ? r->ext[i] >> 4 : r->ext[i];
        if (i + head > r->n_ext || (is_short && is % 15 == 0)) break;
        size_t n = is_short ? (r->ext[i] & 15) + 1u : r->ext[i + 1];
        if (i + head + n > r->n_ext) break;
        if (is == id && n == 2) return r->ext[i + head] << 8 | r->ext[i + head + 1];
        i += head + n;
    }
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t ids[EXT_COUNT], header[RTP_HEADER];
    struct rtp r, same;
    struct ext_values v;
    if (size == 0) return 0;
    for (int i = 0; i < EXT_COUNT; i++) ids[i] = (uint8_t)(data[0] + i); /* each once; one may be 0: none */
    data++, size--;
    if (sotto__rtp_parse(data, size, &r) < 0) return 0;
    require_parts(&r, data, size);
    sotto__rtp_write(&r, header);
    require((header[0] | 0x2f) == (data[0] | 0x2f) && memcmp(header + 1, data + 1, 11) == 0);
    sotto__ext_read(&r, ids, &v);
    require_valid(&v);
    int number = reference(&r, ids[EXT_TWCC]);
    require(v.has & 1u << EXT_TWCC ? v.twcc == number : number < 0);
    require_writes(ids, &v);
    same = r;
    if (sotto__rtp_unwrap_rtx(&same, 96, 7) < 0)
        require(r.n_payload < 2);
    else
        require(same.payload + same.n_payload == r.payload + r.n_payload && same.pt == 96);
    return 0;
}
