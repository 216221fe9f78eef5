/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP header extensions (RFC 8285 §4): walks the elements of a packet in either form and fills the values that we know, by the ids that
 * were negotiated; and writes such values as one block. The forms of the elements: MID RFC 9143 §15, RID RFC 8852 §3, audio level
 * RFC 6464 §3, orientation 3GPP TS 26.114 §7.4.5; the rest by the pages at their URIs.
 * Whether an extension may be sent at all, and what a MID means, is not known here.
 * answers: H098
 */
#include "wire/rtp_ext.h"

#include <string.h>

#include "util/bytes.h"
#include "util/limits.h"
#include "wire/sdp_attr.h"

#define ONE_BYTE 0xbede
#define TWO_BYTE 0x1000  /* and 4 bits for the application: RFC 8285 §4.3 */
#define MAX_SHORT 16u    /* bytes of an element in the one-byte form */
#define MAX_SHORT_ID 14u /* in that form: 15 ends the reading */
#define MAX_ELEMENT 255u

static uint32_t get_u24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)sotto__get_u32(p) << 32 | sotto__get_u32(p + 4);
}

static bool is_rid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-' || c == '_'))
            return false;
    }
    return s.n > 0 && s.n <= SOTTO_MAX_RID;
}

static bool read_text(const uint8_t *p, size_t n, enum ext_id id, struct str *ret)
{
    struct str s = {(const char *)p, n};
    bool ok = id == EXT_MID ? s.n <= SOTTO_MAX_MID && sotto__sdp_is_token(s) : is_rid(s);
    if (ok) *ret = s;
    return ok;
}

static bool read_capture(const uint8_t *p, size_t n, struct ext_values *v)
{
    if (n != 8 && n != 16) return false;
    v->has_capture_offset = n == 16;
    v->abs_capture = get_u64(p);
    v->capture_offset = v->has_capture_offset ? (int64_t)get_u64(p + 8) : 0;
    return true;
}

static bool read_playout(const uint8_t *p, size_t n, struct ext_values *v)
{
    if (n != 3) return false;
    v->playout_min = (uint16_t)(get_u24(p) >> 12);
    v->playout_max = get_u24(p) & 0xfff;
    return true;
}

/* One element: whether it had its own form. */
static bool read_value(const uint8_t *p, size_t n, enum ext_id id, struct ext_values *v)
{
    switch (id) {
    case EXT_MID: return read_text(p, n, id, &v->mid);
    case EXT_RID: return read_text(p, n, id, &v->rid);
    case EXT_RRID: return read_text(p, n, id, &v->rrid);
    case EXT_ABS_CAPTURE: return read_capture(p, n, v);
    case EXT_PLAYOUT_DELAY: return read_playout(p, n, v);
    case EXT_ABS_SEND:
        if (n == 3) v->abs_send = get_u24(p);
        return n == 3;
    case EXT_TWCC:
        if (n == 2) v->twcc = sotto__get_u16(p);
        return n == 2;
    case EXT_AUDIO_LEVEL:
        if (n == 1) v->voice = p[0] >> 7, v->audio_level = p[0] & 0x7f;
        return n == 1;
    case EXT_ORIENTATION:
        if (n == 1) v->rotation = p[0] & 3;
        return n == 1;
    case EXT_DEPENDENCY: v->dependency = p, v->n_dependency = n; return n > 0;
    case EXT_COUNT: break;
    }
    return false;
}

static void take_element(const uint8_t *p, size_t n, uint8_t id, const uint8_t ids[EXT_COUNT],
                         struct ext_values *ret)
{
    for (int ext = 0; ext < EXT_COUNT; ext++) {
        if (ids[ext] != id) continue;
        if (!(ret->has & 1u << ext) && read_value(p, n, (enum ext_id)ext, ret))
            ret->has |= 1u << ext;
        return;
    }
}

void sotto__ext_read(const struct rtp *rtp, const uint8_t ids[EXT_COUNT], struct ext_values *ret)
{
    const uint8_t *p = rtp->ext;
    bool one_byte = rtp->ext_profile == ONE_BYTE;
    *ret = (struct ext_values){0};
    if (!rtp->has_ext || (!one_byte && (rtp->ext_profile & 0xfff0) != TWO_BYTE)) return;
    for (size_t left = rtp->n_ext, n; left > 0; p += n, left -= n) {
        uint8_t id = *p++;
        left--, n = 0;
        if (id == 0) continue; /* padding; in the one-byte form with a length of 0 too */
        if (one_byte) {
            n = (id & 0x0fu) + 1u, id >>= 4;
            if (id == 0 || id == 15) return; /* §4.2: nothing behind it counts */
        } else {
            if (left == 0) return;
            n = *p++, left--;
        }
        if (n > left) return;
        take_element(p, n, id, ids, ret);
    }
}

/* ---- writing ---- */

static size_t element_size(enum ext_id id, const struct ext_values *v) /* 0: nothing to say */
{
    if (!(v->has & 1u << id)) return 0;
    switch (id) {
    case EXT_MID: return v->mid.n;
    case EXT_RID: return v->rid.n;
    case EXT_RRID: return v->rrid.n;
    case EXT_ABS_SEND: return 3;
    case EXT_ABS_CAPTURE: return v->has_capture_offset ? 16 : 8;
    case EXT_TWCC: return 2;
    case EXT_AUDIO_LEVEL: return 1;
    case EXT_ORIENTATION: return 1;
    case EXT_PLAYOUT_DELAY: return 3;
    case EXT_DEPENDENCY: return v->n_dependency;
    case EXT_COUNT: break;
    }
    return 0;
}

static uint8_t *put(uint8_t *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)(v >> 8 * (n - 1 - i));
    return to + n;
}

static uint8_t *put_bytes(uint8_t *to, const void *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}

/* Where the next one goes. */
static uint8_t *write_value(uint8_t *to, enum ext_id id, const struct ext_values *v)
{
    switch (id) {
    case EXT_MID: return put_bytes(to, v->mid.p, v->mid.n);
    case EXT_RID: return put_bytes(to, v->rid.p, v->rid.n);
    case EXT_RRID: return put_bytes(to, v->rrid.p, v->rrid.n);
    case EXT_ABS_SEND: return put(to, v->abs_send, 3);
    case EXT_ABS_CAPTURE:
        to = put(to, v->abs_capture, 8);
        return v->has_capture_offset ? put(to, (uint64_t)v->capture_offset, 8) : to;
    case EXT_TWCC: return put(to, v->twcc, 2);
    case EXT_AUDIO_LEVEL:
        return put(to, (uint8_t)((v->voice ? 0x80 : 0) | (v->audio_level & 0x7f)), 1);
    case EXT_ORIENTATION: return put(to, v->rotation & 3, 1);
    case EXT_PLAYOUT_DELAY:
        return put(to, (v->playout_min & 0xfffu) << 12 | (v->playout_max & 0xfffu), 3);
    case EXT_DEPENDENCY: return put_bytes(to, v->dependency, v->n_dependency);
    case EXT_COUNT: break;
    }
    return to;
}

/* The lowest id among the bits of *left, which is taken out; EXT_COUNT: there is none. */
static int next_id(uint32_t *left)
{
    if (*left == 0) return EXT_COUNT;
    int id = __builtin_ctz(*left);
    *left &= *left - 1;
    return id;
}

/* Bytes of the elements with their heads, without padding; whether the one-byte form carries them, and any form. */
static size_t measure(const uint8_t ids[EXT_COUNT], const struct ext_values *v, bool *one_byte,
                      bool *fits)
{
    size_t bytes = 0, elements = 0;
    uint32_t left = v->has;
    *one_byte = *fits = true;
    for (int id; (id = next_id(&left)) < EXT_COUNT;) {
        size_t n = ids[id] ? element_size((enum ext_id)id, v) : 0;
        if (n == 0) continue;
        if (ids[id] > MAX_SHORT_ID || n > MAX_SHORT) *one_byte = false;
        if (n > MAX_ELEMENT) *fits = false;
        bytes += n, elements++;
    }
    return bytes + elements * (*one_byte ? 1 : 2);
}

static size_t block_size(size_t bytes)
{
    return bytes > 0 ? 4 + (bytes + 3) / 4 * 4 : 0;
}

size_t sotto__ext_size(const uint8_t ids[EXT_COUNT], const struct ext_values *v)
{
    bool one_byte, fits;
    return block_size(measure(ids, v, &one_byte, &fits));
}

int sotto__ext_write(const uint8_t ids[EXT_COUNT], const struct ext_values *v, uint8_t *out,
                     size_t cap)
{
    bool one_byte, fits;
    size_t bytes = measure(ids, v, &one_byte, &fits), size = block_size(bytes);
    uint32_t left = v->has;
    if (size == 0) return 0;
    if (!fits || size > cap) return SOTTO_E_TOO_BIG;
    uint8_t *to = put(put(out, one_byte ? ONE_BYTE : TWO_BYTE, 2), (size - 4) / 4, 2);
    for (int id; (id = next_id(&left)) < EXT_COUNT;) {
        size_t n = ids[id] ? element_size((enum ext_id)id, v) : 0;
        if (n == 0) continue;
        if (one_byte)
            *to++ = (uint8_t)((size_t)ids[id] << 4 | (n - 1));
        else
            *to++ = ids[id], *to++ = (uint8_t)n;
        to = write_value(to, (enum ext_id)id, v);
    }
    while (to < out + size) *to++ = 0;
    return (int)size;
}
