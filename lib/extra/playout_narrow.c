/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Audio at 8 kHz: brought to 48 kHz by a polyphase low-pass filter (windowed sinc, 3.4 kHz kept, its images 60 dB down), and concealed in
 * gaps, as G.711 has no decoder that could: the last pitch period is repeated, and blended into what comes after the gap. In: 16-bit PCM
 * at 8 kHz, mono; out: PCM at 48 kHz in as many channels as wanted. How long a gap is and when it fades is decided elsewhere.
 */
#include <math.h>
#include <string.h>

#include "extra/playout.h"
#include "util/cold.h"

#define PHASES 6
#define BETA 5.65      /* of the Kaiser window: 60 dB */
#define CUTOFF 0.98    /* of 4 kHz */
#define MIN_LAG 40     /* samples: 5 ms. Twice a shorter period fits as well */
#define ALIKE 160      /* samples that are compared */
#define BLEND 40       /* samples over which a gap ends, or a step is made even */

static double bessel0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 30; k++) sum += term *= x * x / 4 / k / k;
    return sum;
}

COLD void sotto__playout_narrow_init(struct playout_narrow *w)
{
    const double half = PHASES * PLAYOUT_TAPS / 2.0;
    memset(w, 0, sizeof *w);
    for (int phase = 0; phase < PHASES; phase++) {
        double sum = 0, taps[PLAYOUT_TAPS];
        for (int k = 0; k < PLAYOUT_TAPS; k++) {
            double t = k * PHASES + phase - half + 0.5, x = t * CUTOFF / PHASES, r = t / half;
            taps[k] = sin(M_PI * x) / (M_PI * x) * bessel0(BETA * sqrt(1 - r * r));
            sum += taps[k];
        }
        for (int k = 0; k < PLAYOUT_TAPS; k++) w->taps[phase][k] = (float)(taps[k] / sum);
    }
}

static int16_t to_int16(float v)
{
    return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : lrintf(v));
}

/* Plays what is at the end of the past: sample i of it goes through the filter with those before it. */
static void resample(struct playout_narrow *w, size_t n8, int16_t *out, int channels)
{
    for (size_t i = PLAYOUT_PAST - n8; i < PLAYOUT_PAST; i++)
        for (int phase = 0; phase < PHASES; phase++) {
            float sum = 0;
            for (size_t k = 0; k < PLAYOUT_TAPS; k++)
                sum += w->taps[phase][k] * (float)w->past[i - k];
            for (int c = 0; c < channels; c++) *out++ = to_int16(sum);
        }
}

static void play(struct playout_narrow *w, const int16_t *pcm8, size_t n8, int16_t *out,
                 int channels)
{
    const size_t most = PLAYOUT_PAST - PLAYOUT_TAPS;
    while (n8 > 0) {
        size_t n = n8 < most ? n8 : most;
        memmove(w->past, w->past + n, (PLAYOUT_PAST - n) * sizeof *w->past);
        memcpy(w->past + PLAYOUT_PAST - n, pcm8, n * sizeof *pcm8);
        resample(w, n, out, channels);
        pcm8 += n;
        n8 -= n;
        out += n * PHASES * (size_t)channels;
    }
}

/* The lag at which the newest samples are most like older ones. */
static unsigned find_lag(const int16_t *past)
{
    const int16_t *new = past + PLAYOUT_PAST - ALIKE;
    float best = 0;
    unsigned lag = PLAYOUT_MAX_LAG;
    for (unsigned l = MIN_LAG; l <= PLAYOUT_MAX_LAG; l++) {
        float both = 0, energy = 1;
        for (size_t i = 0; i < ALIKE; i++) {
            float a = new[i], b = new[(ptrdiff_t)i - (ptrdiff_t)l];
            both += a * b;
            energy += b * b;
        }
        float likeness = both > 0 ? both * both / energy : 0;
        if (likeness > best) {
            best = likeness;
            lag = l;
        }
    }
    return lag;
}

static void begin_gap(struct playout_narrow *w)
{
    const int16_t *end = w->past + PLAYOUT_PAST;
    w->lag = find_lag(w->past);
    memcpy(w->cycle, end - w->lag, w->lag * sizeof *w->cycle);
    unsigned blend = w->lag / 4; /* the end of the cycle goes over into what was before its beginning */
    for (unsigned i = 0; i < blend; i++) {
        float share = (float)(i + 1) / (float)blend;
        int16_t *c = &w->cycle[w->lag - blend + i];
        *c = to_int16((1 - share) * (float)*c +
                      share * (float)end[(ptrdiff_t)i - (ptrdiff_t)(w->lag + blend)]);
    }
    w->phase = 0;
    w->step = (float)end[-1] - (float)end[-1 - (ptrdiff_t)w->lag];
    w->in_gap = true;
}

static int16_t next_made_up(struct playout_narrow *w)
{
    float v = (float)w->cycle[w->phase] + w->step;
    w->phase = (w->phase + 1) % w->lag;
    w->step *= 0.9F;
    return to_int16(v);
}

void sotto__playout_narrow_conceal(struct playout_narrow *w, size_t n8, int16_t *out, int channels)
{
    int16_t made[PLAYOUT_MAX_FRAMES / PHASES];
    if (!w->in_gap) begin_gap(w);
    for (size_t i = 0; i < n8; i++) made[i] = next_made_up(w);
    play(w, made, n8, out, channels);
}

void sotto__playout_narrow_splice(struct playout_narrow *w)
{
    if (!w->in_gap) begin_gap(w);
}

void sotto__playout_narrow_play(struct playout_narrow *w, int16_t *pcm8, size_t n8, int16_t *out,
                                int channels)
{
    size_t blend = n8 < BLEND ? n8 : BLEND;
    for (size_t i = 0; w->in_gap && i < blend; i++) {
        float share = (float)(i + 1) / (float)(blend + 1);
        pcm8[i] = to_int16(share * (float)pcm8[i] + (1 - share) * (float)next_made_up(w));
    }
    w->in_gap = false;
    play(w, pcm8, n8, out, channels);
}
