/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * H.264 as a byte stream (ITU-T H.264 Annex B). The reader cuts it into access units (§7.4.1.2.3): each comes with its start codes, as
 * sotto_frame wants it. Times come from the rate that the sequence parameter set gives, else 30 frames a second; the format has none of
 * its own. The writer puts access units one behind the other.
 */
#include "media_file.h"

#include <string.h>

/* Where the next 00 00 01 begins, or n. */
static size_t find_start(const uint8_t *p, size_t n, size_t from)
{
    static const uint8_t code[3] = {0, 0, 1};
    const uint8_t *at = from < n ? memmem(p + from, n - from, code, sizeof code) : NULL;
    return at ? (size_t)(at - p) : n;
}

/* Whether a NAL unit can only be the first of an access unit, if one with a slice went before. */
static bool begins_unit(const uint8_t *nal, size_t n)
{
    int type = nal[0] & 0x1f;
    if (type == 1 || type == 5) return n > 1 && (nal[1] & 0x80); /* first_mb_in_slice is 0 */
    return (type >= 6 && type <= 9) || (type >= 14 && type <= 18);
}

/* The access unit at `at`: returns where it ends; at: there is none, for nothing with a slice follows. */
static size_t unit_end(const struct media_reader *r, size_t at, bool *is_key)
{
    bool has_slice = false;
    size_t start = find_start(r->data, r->n, at);
    *is_key = false;
    while (start < r->n) {
        size_t nal = start + 3, next = find_start(r->data, r->n, nal);
        int type = nal < r->n ? r->data[nal] & 0x1f : 0;
        if (nal < r->n && has_slice && begins_unit(r->data + nal, next - nal))
            return start > at && r->data[start - 1] == 0 ? start - 1 : start;
        if (type == 1 || type == 5) has_slice = true;
        if (type == 5) *is_key = true;
        start = next;
    }
    return has_slice ? r->n : at;
}

int file_h264_open(struct media_reader *r)
{
    struct h264_sequence s = {0};
    size_t start = find_start(r->data, r->n, 0);
    bool found = false;
    r->kind = SOTTO_VIDEO;
    r->mime = "video/H264";
    r->why = "H.264 without a sequence parameter set";
    while (start < r->n && !found) {
        size_t nal = start + 3, next = find_start(r->data, r->n, nal);
        if (nal < r->n && (r->data[nal] & 0x1f) == 7)
            found = codec_h264_sequence(r->data + nal, next - nal, &s);
        start = next;
    }
    if (!found) return SOTTO_E_SYNTAX;
    r->width = s.width;
    r->height = s.height;
    r->units = s.frames > 0 ? s.frames : 30;
    r->per_us = s.frames > 0 ? s.per_us : 1000000;
    return 0;
}

int file_h264_next(struct media_reader *r, struct media_unit *ret)
{
    size_t from = r->at, end;
    end = unit_end(r, from, &ret->is_key);
    if (end == from) return 0;
    if (end - from > SOTTO_MAX_FRAME) {
        r->why = "an access unit is too long";
        return SOTTO_E_SYNTAX;
    }
    ret->data = r->data + from;
    ret->len = end - from;
    ret->at_us = (int64_t)((double)r->index * (double)r->per_us / (double)r->units);
    ret->duration_us = r->per_us / r->units > 0 ? r->per_us / r->units : 1;
    r->at = end;
    return 1;
}

int file_h264_put(struct media_writer *w, const uint8_t *data, size_t len, bool is_key)
{
    if (!w->begun && !is_key) return 0;
    w->begun = true;
    return fwrite(data, 1, len, w->file) == len ? 1 : SOTTO_E_SYS;
}
