/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is heard while a decoder process is away: the last 10 ms to and fro, so that there is no seam, silent after 60 ms; and then a rise
 * within 5 ms, so that there is no click. In: PCM, or that there is none; out: PCM. It runs in the audio thread: no call of the
 * system, no allocation.
 */
#include <math.h>
#include <string.h>

#include "extra/isolate.h"

#define FALL (1.0F / 2880)
#define RISE (1.0F / 240)

void sotto__isolate_fade_init(struct isolate_fade *f, int channels)
{
    memset(f, 0, sizeof *f);
    f->channels = channels;
    f->gain = 1;
}

static void keep(struct isolate_fade *f, const int16_t *pcm, size_t n)
{
    const size_t wide = (size_t)f->channels, kept = (size_t)f->n;
    size_t old = n < ISOLATE_KEPT ? ISOLATE_KEPT - n : 0;
    if (old > kept) old = kept;
    if (n > ISOLATE_KEPT) {
        pcm += (n - ISOLATE_KEPT) * wide;
        n = ISOLATE_KEPT;
    }
    memmove(f->kept, f->kept + (kept - old) * wide, old * wide * sizeof *pcm);
    memcpy(f->kept + old * wide, pcm, n * wide * sizeof *pcm);
    f->n = (int)(old + n);
    f->at = f->n - 1;
    f->step = -1;
}

void sotto__isolate_fade_in(struct isolate_fade *f, int16_t *pcm, size_t n)
{
    int16_t *end = pcm + n * (size_t)f->channels;
    for (int16_t *at = pcm; at < end && f->gain < 1;) {
        for (int c = 0; c < f->channels; c++, at++) *at = (int16_t)lrintf((float)*at * f->gain);
        f->gain = fminf(f->gain + RISE, 1);
    }
    if (n > 0) keep(f, pcm, n);
}

/* To and fro over what is kept. */
static const int16_t *next(struct isolate_fade *f)
{
    const int16_t *p = f->kept + f->at * f->channels;
    if (f->at + f->step < 0 || f->at + f->step >= f->n) f->step = -f->step;
    if (f->at + f->step >= 0 && f->at + f->step < f->n) f->at += f->step;
    return p;
}

size_t sotto__isolate_fade_out(struct isolate_fade *f, int16_t *pcm, size_t n)
{
    const size_t wide = (size_t)f->channels;
    size_t i = 0;
    if (f->n == 0) f->gain = 0;
    for (; i < n && f->gain > 0; i++) {
        const int16_t *last = next(f);
        f->gain = fmaxf(f->gain - FALL, 0);
        for (size_t c = 0; c < wide; c++)
            pcm[i * wide + c] = (int16_t)lrintf((float)last[c] * f->gain);
    }
    memset(pcm + i * wide, 0, (n - i) * wide * sizeof *pcm);
    return n - i;
}
