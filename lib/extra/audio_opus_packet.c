/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an Opus packet says of itself (RFC 6716 §3): how many frames it has, of which duration, and whether their lengths fill it. In: a
 * packet of anybody; out: its duration. By code of our own, since it runs in this process even where the decoder does not. It decodes
 * nothing.
 * answers: H131
 */
#include "extra/audio_opus.h"

#include <limits.h>

#include "sotto/audio.h"

#define MAX_FRAME 1275 /* bytes: §3.2.1 */

struct reader {
    const uint8_t *p;
    size_t n;
};

/* The length of a frame in one or two bytes: §3.2.1. */
static bool read_length(struct reader *r, size_t *ret)
{
    if (r->n < 1) return false;
    if (r->p[0] < 252) {
        *ret = r->p[0];
        r->p++, r->n--;
        return true;
    }
    if (r->n < 2) return false;
    *ret = r->p[0] + 4 * (size_t)r->p[1];
    r->p += 2, r->n -= 2;
    return true;
}

/* Of one frame, table 2 of §3.1: SILK 10 to 60 ms, hybrid 10 and 20 ms, CELT 2.5 to 20 ms. */
static int frame_duration(unsigned config)
{
    static const int16_t silk[] = {480, 960, 1920, 2880};
    if (config < 12) return silk[config & 3];
    if (config < 16) return silk[config & 1];
    return OPUS_STEP << (config & 3);
}

/* What is left are n frames of one length. */
static bool equal_frames(const struct reader *r, size_t n)
{
    return r->n % n == 0 && r->n / n <= MAX_FRAME;
}

/* Code 2: the length of the first of two is told. */
static bool two_frames(struct reader *r)
{
    size_t first;
    return read_length(r, &first) && first <= r->n && r->n - first <= MAX_FRAME;
}

/* Padding: each 255 says 254 bytes and that another length follows: §3.2.5. */
static bool drop_padding(struct reader *r)
{
    uint8_t byte;
    do {
        if (r->n < 1) return false;
        byte = *r->p;
        r->p++, r->n--;
        size_t pad = byte == 255 ? 254 : byte;
        if (r->n < pad) return false;
        r->n -= pad;
    } while (byte == 255);
    return true;
}

/* Code 3: a byte says how many, whether there is padding, and whether lengths are told. */
static bool many_frames(struct reader *r, int duration, size_t *ret_n)
{
    if (r->n < 1) return false;
    unsigned head = *r->p;
    size_t n = head & 63;
    r->p++, r->n--;
    if (n == 0 || (int)n * duration > OPUS_MAX_FRAMES) return false;
    if ((head & 0x40) && !drop_padding(r)) return false;
    *ret_n = n;
    if (!(head & 0x80)) return equal_frames(r, n);
    size_t told = 0;
    for (size_t i = 1; i < n; i++) {
        size_t length;
        if (!read_length(r, &length) || length > r->n) return false;
        told += length;
    }
    return told <= r->n && r->n - told <= MAX_FRAME;
}

SOTTO_API int sotto_opus_packet_frames(const uint8_t *p, size_t len)
{
    if (!p) return SOTTO_E_INVAL;
    if (len == 0 || len > INT_MAX) return SOTTO_E_SYNTAX;
    struct reader r = {p + 1, len - 1};
    int duration = frame_duration(p[0] >> 3);
    size_t n = 1;
    bool ok = false;
    switch (p[0] & 3) {
    case 0: ok = r.n <= MAX_FRAME; break;
    case 1: ok = equal_frames(&r, n = 2); break;
    case 2: ok = two_frames(&r), n = 2; break;
    default: ok = many_frames(&r, duration, &n); break;
    }
    return ok ? (int)n * duration : SOTTO_E_SYNTAX;
}
