/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How large a picture is, from the bits of a key frame: VP8 (RFC 6386 §9.1), VP9 (bitstream specification §6.2), AV1 (§5.5 sequence
 * header) and H.264 (§7.3.2.1 sequence parameter set). For the headers of files; decodes nothing else. The bits may be anything.
 */
#include "media_file.h"

#include <string.h>

/* --- bits ----------------------------------------------------------------------------------------------------------- */

struct bits {
    const uint8_t *p;
    size_t n, at; /* at: in bits */
    bool is_over; /* read beyond the end: zeros came */
};

static uint32_t get(struct bits *b, unsigned count)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < count; i++) {
        if (b->at / 8 >= b->n) {
            b->is_over = true;
            return 0;
        }
        v = v << 1 | ((unsigned)b->p[b->at / 8] >> (7 - b->at % 8) & 1u);
        b->at++;
    }
    return v;
}

/* Exp-Golomb, H.264 §9.1; AV1's uvlc is the same. */
static uint32_t get_ue(struct bits *b)
{
    unsigned zeros = 0;
    while (zeros < 32 && !b->is_over && get(b, 1) == 0) zeros++;
    if (b->is_over || zeros >= 32) {
        b->is_over = true;
        return 0;
    }
    return (uint32_t)((1u << zeros) - 1 + get(b, zeros));
}

/* --- VP8, VP9 ------------------------------------------------------------------------------------------------------- */

static bool vp8_size(const uint8_t *p, size_t n, int32_t *width, int32_t *height)
{
    if (n < 10 || p[0] & 1 || p[3] != 0x9d || p[4] != 0x01 || p[5] != 0x2a) return false;
    *width = (p[6] | p[7] << 8) & 0x3fff;
    *height = (p[8] | p[9] << 8) & 0x3fff;
    return *width > 0 && *height > 0;
}

/* The start of the uncompressed header. Returns the profile, or -1: no key frame. */
static int vp9_key(struct bits *b)
{
    uint32_t low, profile;
    if (get(b, 2) != 2) return -1;
    low = get(b, 1);
    profile = get(b, 1) << 1 | low;
    if (profile == 3 && get(b, 1)) return -1;
    if (get(b, 1) || get(b, 1)) return -1; /* shows an existing frame; is not a key frame */
    return b->is_over ? -1 : (int)profile;
}

static bool vp9_size(const uint8_t *p, size_t n, int32_t *width, int32_t *height)
{
    struct bits b = {.p = p, .n = n};
    int profile = vp9_key(&b);
    if (profile < 0) return false;
    get(&b, 2); /* show_frame, error_resilient_mode */
    if (get(&b, 24) != 0x498342) return false;
    if (profile >= 2) get(&b, 1); /* ten_or_twelve_bit */
    if (get(&b, 3) != 7) {        /* not CS_RGB */
        get(&b, 1);               /* color_range */
        if (profile == 1 || profile == 3) get(&b, 3);
    } else if (profile == 1 || profile == 3) {
        get(&b, 1);
    }
    *width = (int32_t)get(&b, 16) + 1;
    *height = (int32_t)get(&b, 16) + 1;
    return !b.is_over;
}

/* --- AV1 ------------------------------------------------------------------------------------------------------------ */

/* The sequence header in a temporal unit: its payload, or NULL. */
static const uint8_t *av1_sequence(const uint8_t *p, size_t n, size_t *ret)
{
    while (n > 0) {
        size_t header = p[0] & 4 ? 2 : 1, len = 0, i = header;
        int type = p[0] >> 3 & 15;
        unsigned shift = 0;
        if (n < header) return NULL;
        if (p[0] & 2) { /* obu_has_size_field: leb128 */
            do {
                if (i >= n || shift > 28) return NULL;
                len |= (size_t)(p[i] & 0x7f) << shift;
                shift += 7;
            } while (p[i++] & 0x80);
        } else {
            len = n - header;
        }
        if (len > n - i) return NULL;
        if (type == 1) {
            *ret = len;
            return p + i;
        }
        p += i + len;
        n -= i + len;
    }
    return NULL;
}

/* timing_info() and decoder_model_info(): returns buffer_delay_length_minus_1 + 1, 0 without. */
static unsigned av1_timing(struct bits *b)
{
    unsigned n;
    get(b, 32);
    get(b, 32);
    if (get(b, 1)) get_ue(b);
    if (!get(b, 1)) return 0;
    n = get(b, 5) + 1;
    get(b, 32);
    get(b, 5);
    get(b, 5);
    return n;
}

static bool av1_size(const uint8_t *p, size_t n, int32_t *width, int32_t *height)
{
    size_t len = 0;
    const uint8_t *header = av1_sequence(p, n, &len);
    struct bits b = {.p = header, .n = len};
    unsigned delay = 0, w_bits, h_bits, points;
    bool has_display;
    if (!header) return false;
    get(&b, 4);        /* seq_profile, still_picture */
    if (get(&b, 1)) {  /* reduced_still_picture_header */
        get(&b, 5);
    } else {
        if (get(&b, 1)) delay = av1_timing(&b);
        has_display = get(&b, 1);
        points = get(&b, 5) + 1;
        for (unsigned i = 0; i < points && !b.is_over; i++) {
            get(&b, 12);
            if (get(&b, 5) > 7) get(&b, 1);
            if (delay > 0 && get(&b, 1)) {
                get(&b, delay);
                get(&b, delay);
                get(&b, 1);
            }
            if (has_display && get(&b, 1)) get(&b, 4);
        }
    }
    w_bits = get(&b, 4) + 1;
    h_bits = get(&b, 4) + 1;
    *width = (int32_t)get(&b, w_bits) + 1;
    *height = (int32_t)get(&b, h_bits) + 1;
    return !b.is_over;
}

bool codec_is_key(const char *fourcc, const uint8_t *p, size_t n)
{
    struct bits b = {.p = p, .n = n};
    size_t len;
    if (strcmp(fourcc, "VP80") == 0) return n > 0 && !(p[0] & 1);
    if (strcmp(fourcc, "VP90") == 0) return vp9_key(&b) >= 0;
    return av1_sequence(p, n, &len) != NULL;
}

bool codec_size(const char *fourcc, const uint8_t *p, size_t n, int32_t *width, int32_t *height)
{
    if (strcmp(fourcc, "VP80") == 0) return vp8_size(p, n, width, height);
    if (strcmp(fourcc, "VP90") == 0) return vp9_size(p, n, width, height);
    return av1_size(p, n, width, height);
}

/* --- H.264 ---------------------------------------------------------------------------------------------------------- */

static void pass_scaling_lists(struct bits *b, unsigned lists)
{
    for (unsigned i = 0; i < lists && !b->is_over; i++) {
        unsigned size = i < 6 ? 16 : 64;
        int64_t last = 8, next = 8;
        if (!get(b, 1)) continue;
        for (unsigned j = 0; j < size && next != 0 && !b->is_over; j++) {
            uint32_t code = get_ue(b);
            int64_t delta = (int64_t)(code / 2 + code % 2);
            next = (last + (code % 2 ? delta : -delta) + 256) & 255;
            if (next != 0) last = next;
        }
    }
}

static bool has_chroma_format(uint32_t profile)
{
    static const uint8_t high[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    for (size_t i = 0; i < sizeof high; i++)
        if (profile == high[i]) return true;
    return false;
}

/* vui_parameters() up to the rate: two fields a frame. */
static void read_vui(struct bits *b, struct h264_sequence *s)
{
    uint32_t units, scale;
    if (get(b, 1) && get(b, 8) == 255) get(b, 32); /* aspect_ratio */
    if (get(b, 1)) get(b, 1);                      /* overscan */
    if (get(b, 1)) {                               /* video_signal_type */
        get(b, 4);
        if (get(b, 1)) get(b, 24);
    }
    if (get(b, 1)) { /* chroma_loc_info */
        get_ue(b);
        get_ue(b);
    }
    if (!get(b, 1)) return;
    units = get(b, 32);
    scale = get(b, 32);
    if (b->is_over || units == 0 || scale / 2 / units > 240 || scale / units == 0) return;
    s->frames = scale;
    s->per_us = 2000000LL * units;
}

/* Over what lies between profile and picture size. Returns chroma_format_idc. */
static uint32_t pass_to_size(struct bits *b)
{
    uint32_t profile = get(b, 8), chroma = 1, type, cycle;
    get(b, 16); /* constraints, level */
    get_ue(b);
    if (has_chroma_format(profile)) {
        chroma = get_ue(b);
        if (chroma == 3) get(b, 1);
        get_ue(b); /* bit depths */
        get_ue(b);
        get(b, 1);
        if (get(b, 1)) pass_scaling_lists(b, chroma == 3 ? 12 : 8);
    }
    get_ue(b); /* log2_max_frame_num */
    type = get_ue(b);
    if (type == 0) get_ue(b);
    if (type == 1) {
        get(b, 1);
        get_ue(b);
        get_ue(b);
        cycle = get_ue(b);
        for (uint32_t i = 0; i < cycle && !b->is_over; i++) get_ue(b);
    }
    get_ue(b); /* max_num_ref_frames */
    get(b, 1);
    return chroma;
}

bool codec_h264_sequence(const uint8_t *nal, size_t n, struct h264_sequence *ret)
{
    uint8_t raw[256]; /* without emulation prevention; scaling lists of all kinds fit */
    struct bits b = {.p = raw};
    struct h264_sequence s = {0};
    uint32_t chroma, frame_only, w, h, crop[4] = {0};
    for (size_t i = 1, zeros = 0; i < n && b.n < sizeof raw; i++) {
        bool is_prevention = zeros >= 2 && nal[i] == 3;
        zeros = nal[i] == 0 ? zeros + 1 : 0;
        if (!is_prevention) raw[b.n++] = nal[i];
    }
    chroma = pass_to_size(&b);
    w = get_ue(&b) + 1;
    h = get_ue(&b) + 1;
    frame_only = get(&b, 1);
    if (!frame_only) get(&b, 1);
    get(&b, 1);
    if (get(&b, 1))
        for (int i = 0; i < 4; i++) crop[i] = get_ue(&b);
    if (b.is_over || w > 1024 || h > 1024 || chroma > 3) return false;
    for (int i = 0; i < 4; i++)
        if (crop[i] > 16384) return false;
    s.width =
        (int32_t)(w * 16) - (int32_t)((crop[0] + crop[1]) * (chroma == 1 || chroma == 2 ? 2 : 1));
    s.height = (int32_t)(h * 16 * (2 - frame_only)) -
               (int32_t)((crop[2] + crop[3]) * (chroma == 1 ? 2 : 1) * (2 - frame_only));
    if (s.width <= 0 || s.height <= 0) return false;
    if (get(&b, 1)) read_vui(&b, &s);
    *ret = s;
    return true;
}
