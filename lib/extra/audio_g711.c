/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ITU-T G.711: PCMU (mu-law, table 2) and PCMA (A-law, table 1), a byte a sample. In: 16-bit PCM of which mu-law keeps 14 bits and
 * A-law 13; out: the bytes as they stand in RTP (RFC 3551 §4.5.14), even bits of A-law inverted, all bits of mu-law. Negative numbers are
 * taken by their ones' complement, so that the decision values of both signs mirror each other. It does not know of sample rates.
 */
#include "sotto/audio.h"

#include <limits.h>

#define MU_BIAS 33       /* 14-bit steps: with it the segments begin at powers of two */
#define MU_CLIP 8191     /* 14 bits, with the bias */
#define A_INVERT 0x55    /* even bits: G.711 §3.2, table 1a note 2 */

/* Position of the highest bit set; x > 0. */
static int high_bit(unsigned x)
{
    int n = 0;
    while (x >>= 1) n++;
    return n;
}

static uint8_t mu_encode(int16_t sample)
{
    unsigned magnitude = (unsigned)(sample < 0 ? ~sample : sample) / 4 + MU_BIAS;
    if (magnitude > MU_CLIP) magnitude = MU_CLIP;
    int segment = high_bit(magnitude) - 5; /* 33 … 8191: 0 … 7 */
    unsigned code = (unsigned)segment << 4 | ((magnitude >> (segment + 1)) & 15);
    return (uint8_t) ~(code | (sample < 0 ? 0x80u : 0));
}

static int16_t mu_decode(uint8_t byte)
{
    unsigned code = (uint8_t)~byte;
    int magnitude = (int)((2 * (code & 15) + MU_BIAS) << (code >> 4 & 7)) - MU_BIAS;
    return (int16_t)(code & 0x80 ? -4 * magnitude : 4 * magnitude);
}

static uint8_t a_encode(int16_t sample)
{
    unsigned magnitude = (unsigned)(sample < 0 ? ~sample : sample) / 16; /* 0 … 2047 */
    int segment = magnitude < 16 ? 0 : high_bit(magnitude) - 3;
    unsigned step = segment == 0 ? magnitude : magnitude >> (segment - 1) & 15;
    unsigned code = (unsigned)segment << 4 | step | (sample < 0 ? 0 : 0x80u);
    return (uint8_t)(code ^ A_INVERT);
}

static int16_t a_decode(uint8_t byte)
{
    unsigned code = byte ^ A_INVERT, segment = code >> 4 & 7;
    int magnitude = (int)(2 * (code & 15) + 1); /* the middle of the step */
    if (segment > 0) magnitude = (magnitude + 32) << (segment - 1);
    return (int16_t)(code & 0x80 ? 8 * magnitude : -8 * magnitude);
}

SOTTO_API int sotto_pcmu_encode(const int16_t *pcm, size_t n, uint8_t *out)
{
    if (!pcm || !out || n > INT_MAX) return SOTTO_E_INVAL;
    for (size_t i = 0; i < n; i++) out[i] = mu_encode(pcm[i]);
    return (int)n;
}

SOTTO_API int sotto_pcmu_decode(const uint8_t *p, size_t n, int16_t *pcm)
{
    if (!p || !pcm || n > INT_MAX) return SOTTO_E_INVAL;
    for (size_t i = 0; i < n; i++) pcm[i] = mu_decode(p[i]);
    return (int)n;
}

SOTTO_API int sotto_pcma_encode(const int16_t *pcm, size_t n, uint8_t *out)
{
    if (!pcm || !out || n > INT_MAX) return SOTTO_E_INVAL;
    for (size_t i = 0; i < n; i++) out[i] = a_encode(pcm[i]);
    return (int)n;
}

SOTTO_API int sotto_pcma_decode(const uint8_t *p, size_t n, int16_t *pcm)
{
    if (!p || !pcm || n > INT_MAX) return SOTTO_E_INVAL;
    for (size_t i = 0; i < n; i++) pcm[i] = a_decode(p[i]);
    return (int)n;
}
