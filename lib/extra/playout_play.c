/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device hears next: the next packet if it is there, else what the FEC of a later one has, else what the decoder makes up, which
 * fades after 100 ms; and stretching towards the target delay. Audio that the sender did not send (DTX) is made up as well, but is no loss.
 * In: the queue; out: PCM, counters. It is called by the audio thread only, and uses nothing that could make that wait.
 */
#include <math.h>
#include <string.h>

#include "extra/playout.h"

#define FADE_FROM (100 * PLAYOUT_MS)  /* of a gap */
#define FADE_TO (250 * PLAYOUT_MS)
#define NOISE_FROM (2000 * PLAYOUT_MS) /* the same where it was quiet: the background goes on meanwhile */
#define RISE 240                       /* frames in which audio is back after a fade: 5 ms */
#define UNSURE (500 * PLAYOUT_MS)      /* DTX says something every 400 ms */
#define QUIET 520.0F                   /* root mean square: -36 dB */
#define TOO_LONG (10 * PLAYOUT_MS)     /* above the target before it is made shorter */
#define TOO_SHORT (5 * PLAYOUT_MS)     /* below */
#define URGENT (80 * PLAYOUT_MS)       /* off the target: less alike will do */
#define PAUSE (80 * PLAYOUT_MS)        /* between two stretches */
#define RETRY (20 * PLAYOUT_MS)
#define PATIENCE 50                    /* tries at most, each of which asks for less */
#define KEPT PLAYOUT_MAX_STRETCH

int64_t sotto__playout_held(const sotto_playout *p)
{
    return p->queue.frames + (int64_t)p->n;
}

int64_t sotto__playout_wait(const sotto_playout *p)
{
    int64_t playing = p->at + p->ahead - (int64_t)p->n;
    return sotto__playout_delay_of(&p->delay, playing, p->now);
}

/* Room for `frames` behind what is there; what was given stays as far as stretching wants it. */
static int16_t *room(sotto_playout *p, size_t frames)
{
    const size_t wide = (size_t)p->channels;
    if (p->first + p->n + frames > PLAYOUT_ROOM) {
        memmove(p->pcm, p->pcm + (p->first - KEPT) * wide, (KEPT + p->n) * wide * sizeof *p->pcm);
        p->first = KEPT;
    }
    return p->pcm + (p->first + p->n) * wide;
}

static float loudness(const int16_t *pcm, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += (float)pcm[i] * (float)pcm[i];
    return sqrtf(sum / (float)n);
}

/* The gain goes to `to`, `step` a frame. */
static void ramp(sotto_playout *p, int16_t *pcm, int32_t frames, float to, float step)
{
    float gain = p->gap.gain;
    if (gain >= 1 && to >= 1) return;
    for (int32_t i = 0; i < frames; i++) {
        gain = gain < to ? fminf(gain + step, to) : fmaxf(gain - step, to);
        for (int c = 0; c < p->channels; c++, pcm++) *pcm = (int16_t)lrintf((float)*pcm * gain);
    }
    p->gap.gain = gain;
}

/* Counts frames that were made up because of a loss. */
static void count_loss(sotto_playout *p, int64_t frames)
{
    if (frames <= 0 || !p->decoded) return; /* before the first packet there is nothing to lose */
    p->counts.concealed += (uint64_t)frames;
    if (!p->gap.counted) p->counts.events++;
    p->gap.counted = true;
}

static void count_pending(sotto_playout *p)
{
    count_loss(p, p->gap.pending);
    p->gap.pending = 0;
}

static void make_up(sotto_playout *p, int32_t frames, bool lost)
{
    struct playout_gap *gap = &p->gap;
    int16_t *out = room(p, (size_t)frames);
    bool noise = p->decoder.codec == PLAYOUT_OPUS && (p->quiet || !lost);
    int64_t from = noise ? NOISE_FROM : FADE_FROM;
    if (!p->decoded || gap->gain <= 0) {
        memset(out, 0, (size_t)frames * (size_t)p->channels * sizeof *out);
        if (lost && p->decoded) p->counts.silent += (uint64_t)frames;
    } else {
        sotto__playout_conceal(&p->decoder, frames, out);
        if (gap->run >= from) ramp(p, out, frames, 0, 1.0F / (FADE_TO - FADE_FROM));
    }
    gap->run += frames;
    p->n += (size_t)frames;
}

/* Nothing is there. Whether something is missing the next packet will tell. */
static void starve(sotto_playout *p)
{
    bool may_be_dtx = p->tells_loss || p->quiet;
    make_up(p, PLAYOUT_STEP, !may_be_dtx || p->gap.run > UNSURE);
    p->ahead += PLAYOUT_STEP;
    p->gap.pending += PLAYOUT_STEP;
    if (!may_be_dtx || p->gap.run > UNSURE) count_pending(p);
}

/* Whether what is missing before s was lost. One that tells nothing of loss may not know; silence is then taken for DTX. */
static bool is_loss(const sotto_playout *p, const struct playout_slot *s)
{
    return s->after_loss || !(p->tells_loss || p->quiet);
}

/* A gap of `missing` frames before s: one step of it. */
static void fill_gap(sotto_playout *p, const struct playout_slot *s, int64_t missing)
{
    int32_t fec = sotto__playout_fec_frames(s);
    bool lost = is_loss(p, s);
    int64_t step = p->packet_frames < 2 * PLAYOUT_STEP ? PLAYOUT_STEP : 2 * PLAYOUT_STEP;
    int64_t too_much = sotto__playout_wait(p) - p->delay.target;
    if (lost && fec > 0) sotto__playout_delay_lost(&p->delay, fec, p->now);
    if (lost) count_pending(p);
    if (too_much > TOO_LONG && p->gap.run >= PLAYOUT_STEP && p->decoded) {
        p->at += too_much < missing ? too_much : missing; /* the cheapest way to be shorter */
        return;
    }
    if (p->decoded && fec == missing &&
        sotto__playout_recover(&p->decoder, s, fec, room(p, (size_t)fec))) {
        int16_t *out = room(p, (size_t)fec);
        ramp(p, out, fec, 1, 1.0F / RISE);
        p->n += (size_t)fec;
        p->at += fec;
        p->counts.recovered += (uint64_t)fec;
        return;
    }
    if (fec > 0 && missing > fec) missing -= fec;
    if (step > missing) step = (missing + PLAYOUT_GRAIN - 1) / PLAYOUT_GRAIN * PLAYOUT_GRAIN;
    make_up(p, (int32_t)step, lost);
    if (lost) count_loss(p, step);
    p->at += step;
}

/* One that begins a little before its time, as stamps may, is played whole. */
static void decode_first(sotto_playout *p)
{
    const struct playout_slot *s = p->queue.items[0];
    int16_t *out = room(p, (size_t)s->frames);
    p->packet_frames = s->frames;
    p->at = s->at;
    if (p->decoder.codec != s->codec) p->gap.gain = 0;
    if (sotto__playout_decode(&p->decoder, s, out)) {
        p->quiet = loudness(out, (size_t)s->frames * (size_t)p->channels) < QUIET;
        ramp(p, out, s->frames, 1, 1.0F / RISE);
        p->n += (size_t)s->frames;
        p->gap = (struct playout_gap){.gain = p->gap.gain};
        p->decoded = true;
    } else {
        make_up(p, s->frames, true);
        count_loss(p, s->frames);
    }
    p->at += s->frames;
    sotto__playout_drop_first(p);
}

/* What came while p->ahead frames were made up: it begins where it belongs, or at once if that is over. */
static void end_starving(sotto_playout *p, const struct playout_slot *s)
{
    if (s->at <= p->at || is_loss(p, s)) count_pending(p); /* it was only late, or there was a loss */
    p->gap.pending = 0;
    int64_t gap = s->at - p->at;
    p->at += gap < p->ahead ? (gap > 0 ? gap : 0) : p->ahead;
    p->ahead = 0;
}

/* Beyond the maximum the oldest goes. */
static void skip(sotto_playout *p)
{
    bool skipped = false;
    while (p->queue.n > 1 &&
           sotto__playout_held(p) > p->delay.max + p->queue.items[p->queue.n - 1]->frames) {
        p->at = p->queue.items[0]->at + p->queue.items[0]->frames;
        p->ahead = 0;
        p->counts.dropped++;
        sotto__playout_drop_first(p);
        skipped = true;
    }
    if (skipped && p->decoder.codec != PLAYOUT_OPUS)
        sotto__playout_narrow_splice(&p->decoder.narrow);
}

/* Makes at least one frame more. */
static void produce(sotto_playout *p)
{
    while (p->queue.n > 0 && p->queue.items[0]->at + p->queue.items[0]->frames <= p->at) {
        p->counts.late++; /* a packet that another one covers */
        sotto__playout_drop_first(p);
    }
    if (p->queue.n == 0) {
        starve(p);
        return;
    }
    const struct playout_slot *s = p->queue.items[0];
    if (p->ahead > 0) end_starving(p, s);
    if (s->at <= p->at)
        decode_first(p);
    else
        fill_gap(p, s, s->at - p->at);
}

static bool can_decode(const sotto_playout *p)
{
    return p->queue.n > 0 && p->ahead == 0 && p->queue.items[0]->at <= p->at &&
           p->queue.items[0]->at + p->queue.items[0]->frames > p->at;
}

static void stretch(sotto_playout *p)
{
    int64_t off = sotto__playout_wait(p) - p->delay.target;
    bool is_long = off > TOO_LONG, is_short = off < -TOO_SHORT;
    if (p->now < p->stretch_at || (!is_long && !is_short) || p->gap.run > 0) return;
    int64_t size = off > 0 ? off : -off;
    float likeness = 0.95F - 0.01F * (float)p->stretch_tries;
    if (p->quiet || size > URGENT) likeness = 0.4F;
    size_t most = size < PLAYOUT_MAX_STRETCH / 3 ? PLAYOUT_MAX_STRETCH / 3 : (size_t)size, done;
    if (most > PLAYOUT_MAX_STRETCH) most = PLAYOUT_MAX_STRETCH;
    if (is_long) {
        while (p->n < most + PLAYOUT_FADE && can_decode(p)) decode_first(p);
        int16_t *pcm = p->pcm + p->first * (size_t)p->channels;
        done = sotto__playout_shorten(pcm, p->n, p->channels, most, likeness);
        p->n -= done;
        p->counts.removed += done;
    } else {
        room(p, most);
        int16_t *pcm = p->pcm + p->first * (size_t)p->channels;
        done = sotto__playout_lengthen(pcm, p->n, p->channels, most, likeness);
        p->n += done;
        p->counts.inserted += done;
    }
    p->stretch_at = p->now + (done > 0 && size < URGENT ? PAUSE : RETRY);
    p->stretch_tries = done > 0 ? 0 : p->stretch_tries + (p->stretch_tries < PATIENCE);
}

void sotto__playout_play(sotto_playout *p, int16_t *out, size_t n)
{
    const size_t wide = (size_t)p->channels;
    sotto__playout_arrivals(p);
    if (p->started) {
        skip(p);
        while (p->n < n) produce(p);
        stretch(p);
        while (p->n < n) produce(p);
        memcpy(out, p->pcm + p->first * wide, n * wide * sizeof *out);
        p->first += n;
        p->n -= n;
    } else {
        memset(out, 0, n * wide * sizeof *out);
    }
    p->now += (int64_t)n;
    p->counts.played += n;
}
