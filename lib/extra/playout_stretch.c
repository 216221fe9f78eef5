/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making audio a little shorter or longer without changing its pitch: a piece as long as one or some pitch periods is taken out or played
 * twice, at the lag where the two places are most alike, and they are blended over 10 ms (the idea of WSOLA). In: PCM at 48 kHz; out: it,
 * in place, and by how many frames it changed: 0 if no two places were alike enough. When it is worth doing is not decided here.
 */
#include <math.h>
#include <string.h>

#include "extra/playout.h"

#define LEAST 120 /* frames: 2.5 ms */
#define COARSE 4  /* one of so many frames is looked at to find the lag roughly */

struct place {
    size_t lag;
    float likeness; /* -1 … 1 */
};

static void mix(const int16_t *pcm, size_t n, int channels, float *out)
{
    for (size_t i = 0; i < n; i++, pcm += channels)
        out[i] = (float)pcm[0] + (channels > 1 ? (float)pcm[1] : 0);
}

/* How alike n frames from a and from b are: their correlation, 1 for two silences. */
static float compare(const float *a, const float *b, size_t n, size_t step)
{
    float ab = 0, aa = 1, bb = 1;
    for (size_t i = 0; i < n; i += step) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    if (aa < (float)n && bb < (float)n) return 1;
    return ab / sqrtf(aa * bb);
}

/* The best lag for which `a` and, `sign` lags from it, the other place are alike. */
static struct place find(const float *a, size_t n, size_t most, ptrdiff_t sign)
{
    struct place best = {0, -1}, fine = {0, -1};
    for (size_t lag = LEAST; lag <= most; lag++) {
        float likeness = compare(a, a + sign * (ptrdiff_t)lag, n, COARSE);
        if (likeness > best.likeness) best = (struct place){lag, likeness};
    }
    size_t from = best.lag > LEAST + 2 ? best.lag - 2 : LEAST;
    for (size_t lag = from; lag <= best.lag + 2 && lag <= most; lag++) {
        float likeness = compare(a, a + sign * (ptrdiff_t)lag, n, 1);
        if (likeness > fine.likeness) fine = (struct place){lag, likeness};
    }
    return fine;
}

/* n frames: a goes over into b; out may be a. */
static void blend(const int16_t *a, const int16_t *b, int16_t *out, size_t n, int channels)
{
    for (size_t i = 0; i < n; i++) {
        float share = (float)(i + 1) / (float)(n + 1);
        for (int c = 0; c < channels; c++, a++, b++, out++)
            *out = (int16_t)lrintf((1 - share) * (float)*a + share * (float)*b);
    }
}

size_t sotto__playout_shorten(int16_t *pcm, size_t n, int channels, size_t most, float likeness)
{
    float mono[PLAYOUT_MAX_STRETCH + PLAYOUT_FADE];
    const size_t wide = (size_t)channels;
    if (most > PLAYOUT_MAX_STRETCH) most = PLAYOUT_MAX_STRETCH;
    if (most < LEAST || n < most + PLAYOUT_FADE) return 0;
    mix(pcm, most + PLAYOUT_FADE, channels, mono);
    struct place p = find(mono, PLAYOUT_FADE, most, 1);
    if (p.likeness < likeness) return 0;
    blend(pcm, pcm + p.lag * wide, pcm, PLAYOUT_FADE, channels);
    int16_t *hole = pcm + PLAYOUT_FADE * wide;
    memmove(hole, hole + p.lag * wide, (n - PLAYOUT_FADE - p.lag) * wide * sizeof *pcm);
    return p.lag;
}

size_t sotto__playout_lengthen(int16_t *pcm, size_t n, int channels, size_t most, float likeness)
{
    float mono[PLAYOUT_MAX_STRETCH + PLAYOUT_FADE];
    int16_t again[(PLAYOUT_MAX_STRETCH + PLAYOUT_FADE) * 2];
    const size_t wide = (size_t)channels;
    if (most > PLAYOUT_MAX_STRETCH) most = PLAYOUT_MAX_STRETCH;
    size_t fade = n < PLAYOUT_FADE ? n : PLAYOUT_FADE;
    if (most < LEAST || fade < LEAST) return 0;
    mix(pcm - most * wide, most + fade, channels, mono);
    struct place p = find(mono + most, fade, most, -1);
    if (p.likeness < likeness) return 0;
    /* what was played `lag` ago comes again: blended with what comes now, and then it goes on by itself */
    memcpy(again, pcm - p.lag * wide, (p.lag + fade) * wide * sizeof *pcm);
    size_t overlap = fade < p.lag ? fade : p.lag;
    memmove(pcm + p.lag * wide, pcm, n * wide * sizeof *pcm);
    blend(pcm + p.lag * wide, again, again, overlap, channels);
    memcpy(pcm, again, p.lag * wide * sizeof *pcm);
    return p.lag;
}
