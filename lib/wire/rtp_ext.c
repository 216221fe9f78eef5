/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP header extensions (RFC 8285 §4): walks the elements of a packet in either form and fills the values that we know, by the ids that
 * were negotiated; and writes such values as one block. The forms of the elements: MID RFC 9143 §15, RID RFC 8852 §3, audio level
 * RFC 6464 §3, orientation 3GPP TS 26.114 §7.4.5; the rest by the pages at their URIs.
 * Whether an extension may be sent at all, and what a MID means, is not known here.
 */
#include "wire/rtp_ext.h"

#include "util/bytes.h"
#include "util/limits.h"
#include "wire/sdp_attr.h"

#define ONE_BYTE 0xbede
#define TWO_BYTE 0x1000  /* and 4 bits for the application: RFC 8285 §4.3 */
#define MAX_SHORT 16u    /* bytes of an element in the one-byte form */
#define MAX_SHORT_ID 14u /* in that form: 15 ends the reading */
#define MAX_ELEMENT 255u

static uint64_t read_u64(struct reader *r)
{
    uint64_t high = sotto__read_u32(r);
    return high << 32 | sotto__read_u32(r);
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

static bool read_text(struct reader *r, enum ext_id id, struct str *ret)
{
    struct str s = {(const char *)r->p, r->n};
    bool ok = id == EXT_MID ? s.n <= SOTTO_MAX_MID && sotto__sdp_is_token(s) : is_rid(s);
    if (ok) *ret = s;
    return ok && sotto__read_view(r, s.n);
}

static bool read_capture(struct reader *r, struct ext_values *v)
{
    if (r->n != 8 && r->n != 16) return false;
    v->has_capture_offset = r->n == 16;
    v->abs_capture = read_u64(r);
    v->capture_offset = v->has_capture_offset ? (int64_t)read_u64(r) : 0;
    return true;
}

static bool read_playout(struct reader *r, struct ext_values *v)
{
    if (r->n != 3) return false;
    uint32_t both = sotto__read_u24(r);
    v->playout_min = (uint16_t)(both >> 12);
    v->playout_max = both & 0xfff;
    return true;
}

/* One element, whose bytes are r: whether it had its own form. */
static bool read_value(struct reader *r, enum ext_id id, struct ext_values *v)
{
    uint8_t byte;
    switch (id) {
    case EXT_MID: return read_text(r, id, &v->mid);
    case EXT_RID: return read_text(r, id, &v->rid);
    case EXT_RRID: return read_text(r, id, &v->rrid);
    case EXT_ABS_CAPTURE: return read_capture(r, v);
    case EXT_PLAYOUT_DELAY: return read_playout(r, v);
    case EXT_ABS_SEND:
        if (r->n != 3) return false;
        v->abs_send = sotto__read_u24(r);
        return true;
    case EXT_TWCC:
        if (r->n != 2) return false;
        v->twcc = sotto__read_u16(r);
        return true;
    case EXT_AUDIO_LEVEL:
        if (r->n != 1) return false;
        byte = sotto__read_u8(r);
        v->voice = byte >> 7, v->audio_level = byte & 0x7f;
        return true;
    case EXT_ORIENTATION:
        if (r->n != 1) return false;
        v->rotation = sotto__read_u8(r) & 3;
        return true;
    case EXT_DEPENDENCY:
        if (r->n == 0) return false;
        v->dependency = r->p, v->n_dependency = r->n;
        return true;
    case EXT_COUNT: break;
    }
    return false;
}

static void take_element(struct reader element, uint8_t id, const uint8_t ids[EXT_COUNT],
                         struct ext_values *ret)
{
    for (int ext = 0; ext < EXT_COUNT; ext++) {
        if (ids[ext] != id) continue;
        if (!(ret->has & 1u << ext) && read_value(&element, (enum ext_id)ext, ret))
            ret->has |= 1u << ext;
        return;
    }
}

void sotto__ext_read(const struct rtp *rtp, const uint8_t ids[EXT_COUNT], struct ext_values *ret)
{
    struct reader r = sotto__reader(rtp->ext, rtp->n_ext);
    bool one_byte = rtp->ext_profile == ONE_BYTE;
    *ret = (struct ext_values){0};
    if (!rtp->has_ext || (!one_byte && (rtp->ext_profile & 0xfff0) != TWO_BYTE)) return;
    while (r.n > 0) {
        uint8_t id = sotto__read_u8(&r);
        if (id == 0) continue; /* padding; in the one-byte form with a length of 0 too */
        size_t n = one_byte ? (id & 0x0fu) + 1u : sotto__read_u8(&r);
        if (one_byte) id >>= 4;
        if (one_byte && (id == 0 || id == 15)) return; /* §4.2: nothing behind it counts */
        const uint8_t *p = sotto__read_view(&r, n);
        if (r.bad) return;
        take_element(sotto__reader(p, n), id, ids, ret);
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

static void write_u64(struct writer *w, uint64_t v)
{
    sotto__write_u32(w, (uint32_t)(v >> 32));
    sotto__write_u32(w, (uint32_t)v);
}

static void write_value(struct writer *w, enum ext_id id, const struct ext_values *v)
{
    switch (id) {
    case EXT_MID: sotto__write_bytes(w, v->mid.p, v->mid.n); break;
    case EXT_RID: sotto__write_bytes(w, v->rid.p, v->rid.n); break;
    case EXT_RRID: sotto__write_bytes(w, v->rrid.p, v->rrid.n); break;
    case EXT_ABS_SEND: sotto__write_be(w, v->abs_send, 3); break;
    case EXT_ABS_CAPTURE:
        write_u64(w, v->abs_capture);
        if (v->has_capture_offset) write_u64(w, (uint64_t)v->capture_offset);
        break;
    case EXT_TWCC: sotto__write_u16(w, v->twcc); break;
    case EXT_AUDIO_LEVEL:
        sotto__write_u8(w, (uint8_t)((v->voice ? 0x80 : 0) | (v->audio_level & 0x7f)));
        break;
    case EXT_ORIENTATION: sotto__write_u8(w, v->rotation & 3); break;
    case EXT_PLAYOUT_DELAY:
        sotto__write_be(w, (v->playout_min & 0xfffu) << 12 | (v->playout_max & 0xfffu), 3);
        break;
    case EXT_DEPENDENCY: sotto__write_bytes(w, v->dependency, v->n_dependency); break;
    case EXT_COUNT: break;
    }
}

/* The lowest id among the bits of *left, which is taken out; EXT_COUNT: there is none. */
static int next_id(uint32_t *left)
{
    if (*left == 0) return EXT_COUNT;
    int id = __builtin_ctz(*left);
    *left &= *left - 1;
    return id;
}

/* Bytes of the elements with their heads, without padding; whether the one-byte form carries them. */
static size_t measure(const uint8_t ids[EXT_COUNT], const struct ext_values *v, bool *one_byte)
{
    size_t bytes = 0, elements = 0;
    uint32_t left = v->has;
    *one_byte = true;
    for (int id; (id = next_id(&left)) < EXT_COUNT;) {
        size_t n = ids[id] ? element_size((enum ext_id)id, v) : 0;
        if (n == 0) continue;
        if (ids[id] > MAX_SHORT_ID || n > MAX_SHORT) *one_byte = false;
        bytes += n, elements++;
    }
    return bytes + elements * (*one_byte ? 1 : 2);
}

size_t sotto__ext_size(const uint8_t ids[EXT_COUNT], const struct ext_values *v)
{
    bool one_byte;
    size_t n = measure(ids, v, &one_byte);
    return n > 0 ? 4 + (n + 3) / 4 * 4 : 0;
}

int sotto__ext_write(const uint8_t ids[EXT_COUNT], const struct ext_values *v, uint8_t *out,
                     size_t cap)
{
    struct writer w = sotto__writer(out, cap);
    bool one_byte;
    size_t bytes = measure(ids, v, &one_byte);
    uint32_t left = v->has;
    if (bytes == 0) return 0;
    sotto__write_u16(&w, one_byte ? ONE_BYTE : TWO_BYTE);
    sotto__write_u16(&w, (uint16_t)((bytes + 3) / 4));
    for (int id; (id = next_id(&left)) < EXT_COUNT;) {
        size_t n = ids[id] ? element_size((enum ext_id)id, v) : 0;
        if (n == 0) continue;
        if (n > MAX_ELEMENT) return SOTTO_E_TOO_BIG;
        if (one_byte) {
            sotto__write_u8(&w, (uint8_t)((uint8_t)(ids[id] << 4) | (uint8_t)(n - 1)));
        } else {
            sotto__write_u8(&w, ids[id]);
            sotto__write_u8(&w, (uint8_t)n);
        }
        write_value(&w, (enum ext_id)id, v);
    }
    while (!w.bad && w.n % 4 != 0) sotto__write_u8(&w, 0);
    return w.bad ? SOTTO_E_TOO_BIG : (int)w.n;
}
