/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IVF: a header of 32 bytes, then frames, each with its length and a time in ticks; all little-endian. VP8, VP9 and AV1 (one temporal
 * unit a frame). What is written has ticks of 1/90000 s, made from RTP times.
 */
#include "media_file.h"

#include <string.h>

#define HEADER 32u
#define FRAME_HEADER 12u

static uint32_t get_le(const uint8_t *p, size_t n)
{
    uint32_t v = 0;
    for (size_t i = n; i > 0; i--) v = v << 8 | p[i - 1];
    return v;
}

static void put_le(uint8_t *p, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t ticks_at(const uint8_t *frame)
{
    return (uint64_t)get_le(frame + 8, 4) << 32 | get_le(frame + 4, 4);
}

int file_ivf_open(struct media_reader *r)
{
    static const struct {
        char fourcc[5];
        const char *mime;
    } known[] = {{"VP80", "video/VP8"}, {"VP90", "video/VP9"}, {"AV01", "video/AV1"}};
    const uint8_t *p = r->data;
    r->kind = SOTTO_VIDEO;
    r->why = "an IVF header that makes no sense";
    if (r->n < HEADER || get_le(p + 4, 2) != 0) return SOTTO_E_SYNTAX;
    r->first = get_le(p + 6, 2);
    r->width = (int32_t)get_le(p + 12, 2);
    r->height = (int32_t)get_le(p + 14, 2);
    r->per_us = get_le(p + 16, 4);
    r->units = get_le(p + 20, 4);
    if (r->first < HEADER || r->per_us == 0 || r->units == 0) return SOTTO_E_SYNTAX;
    r->why = "an IVF file of another codec than VP8, VP9 and AV1";
    for (size_t i = 0; i < 3; i++)
        if (memcmp(p + 8, known[i].fourcc, 4) == 0) r->mime = known[i].mime;
    if (!r->mime) return SOTTO_E_SYNTAX;
    r->tick_step = 1;
    return 0;
}

static int64_t to_us(const struct media_reader *r, uint64_t ticks)
{
    double us = (double)ticks * (double)r->units * 1e6 / (double)r->per_us;
    return us < (double)MEDIA_MAX_SPAN_US ? (int64_t)us : -1;
}

int file_ivf_next(struct media_reader *r, struct media_unit *ret)
{
    static const char fourccs[3][5] = {"VP80", "VP90", "AV01"};
    const uint8_t *p = r->data + r->at;
    uint64_t ticks;
    size_t len = 0;
    while (r->at < r->n && len == 0) { /* encoders that skip a frame leave an empty one */
        p = r->data + r->at;
        r->why = "an IVF frame is cut off";
        if (r->n - r->at < FRAME_HEADER) return SOTTO_E_SYNTAX;
        len = get_le(p, 4);
        if (len > r->n - r->at - FRAME_HEADER || len > SOTTO_MAX_FRAME) return SOTTO_E_SYNTAX;
        r->at += FRAME_HEADER + len;
    }
    if (len == 0) return 0;
    r->why = "the times of an IVF file go back or are too far apart";
    ticks = ticks_at(p);
    if (r->index == 0) r->first_tick = r->last_tick = ticks;
    if (ticks < r->last_tick) return SOTTO_E_SYNTAX;
    ret->at_us = to_us(r, ticks - r->first_tick);
    if (ret->at_us < 0) return SOTTO_E_SYNTAX;
    if (ticks > r->last_tick) r->tick_step = ticks - r->last_tick;
    r->last_tick = ticks;
    ret->duration_us = to_us(r, r->tick_step);
    if (ret->duration_us < 0) return SOTTO_E_SYNTAX; /* one tick is days */
    if (ret->duration_us == 0) ret->duration_us = 1;
    ret->data = p + FRAME_HEADER;
    ret->len = len;
    for (size_t i = 0; i < 3; i++)
        if (strncmp(fourccs[i], (const char *)r->data + 8, 4) == 0)
            ret->is_key = codec_is_key(fourccs[i], ret->data, len);
    return 1;
}

/* The header. Its length is only known at the end: in ticks, as ffmpeg has it; where a tick is a frame that is their number. */
static int write_header(struct media_writer *w)
{
    uint8_t h[HEADER] = "DKIF";
    put_le(h + 6, 2, HEADER);
    memcpy(h + 8, w->fourcc, 4);
    put_le(h + 12, 2, (uint64_t)w->width);
    put_le(h + 14, 2, (uint64_t)w->height);
    put_le(h + 16, 4, 90000);
    put_le(h + 20, 4, 1);
    put_le(h + 24, 4, w->frames > 0 ? (uint64_t)(w->ticks + w->step) : 0);
    return fwrite(h, 1, sizeof h, w->file) == sizeof h ? 0 : SOTTO_E_SYS;
}

int file_ivf_put(struct media_writer *w, const uint8_t *data, size_t len, uint32_t rtp_time,
                 bool is_key)
{
    uint8_t h[FRAME_HEADER];
    int32_t step = (int32_t)(rtp_time - w->rtp);
    if (!w->begun) {
        if (!is_key) return 0;
        if (!codec_size(w->fourcc, data, len, &w->width, &w->height)) return SOTTO_E_SYNTAX;
        if (write_header(w) < 0) return SOTTO_E_SYS;
        w->begun = true;
    } else {
        w->step = step > 0 ? step : 1; /* times only go on: players complain of others */
        w->ticks += w->step;
    }
    w->rtp = rtp_time;
    put_le(h, 4, len);
    put_le(h + 4, 8, (uint64_t)w->ticks);
    if (fwrite(h, 1, sizeof h, w->file) != sizeof h) return SOTTO_E_SYS;
    return fwrite(data, 1, len, w->file) == len ? 1 : SOTTO_E_SYS;
}

int file_ivf_end(struct media_writer *w)
{
    if (!w->begun) return 0;
    return fseek(w->file, 0, SEEK_SET) == 0 ? write_header(w) : SOTTO_E_SYS;
}
