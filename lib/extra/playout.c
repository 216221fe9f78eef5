/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sotto_playout of audio.h: making it, its two ends and its counters. One thread puts packets into the ring (playout_ring.c), another pulls
 * PCM: there they are sorted (playout_queue.c), held as long as the jitter wants (playout_delay.c), decoded and concealed
 * (playout_decode.c, playout_narrow.c), stretched (playout_stretch.c) and played (playout_play.c). It reads no clock: time is what packets
 * say and what the device takes.
 */
#include "extra/playout.h"

#include <string.h>

#include "extra/config.h"
#include "util/mem.h"
#include "util/str.h"

#define DEFAULT_MIN 20000  /* microseconds */
#define DEFAULT_MAX 500000
#define MORE_SLOTS 128     /* beside one for each 10 ms that may be held: what comes between two pulls */
#define SHORT_GAP (100 * PLAYOUT_MS)
#define MAX_CLOCK (INT64_C(1) << 50) /* microseconds: 35 years */

static int64_t to_frames(sotto_us us)
{
    return us * PLAYOUT_MS / 1000;
}

static int read_config(const sotto_playout_config *cfg, sotto_playout_config *ret)
{
    int r = sotto__extra_copy(cfg, sizeof *ret, ret);
    if (r < 0) return r;
    if (ret->channels < 0 || ret->channels > 2 || ret->min_delay < 0 || ret->max_delay < 0)
        return SOTTO_E_RANGE;
    if (ret->min_delay > SOTTO_MAX_PLAYOUT_US || ret->max_delay > SOTTO_MAX_PLAYOUT_US)
        return SOTTO_E_RANGE;
    if (ret->channels == 0) ret->channels = 1;
    if (ret->max_delay == 0)
        ret->max_delay = ret->min_delay > DEFAULT_MAX ? ret->min_delay : DEFAULT_MAX;
    if (ret->min_delay == 0)
        ret->min_delay = ret->max_delay < DEFAULT_MIN ? ret->max_delay : DEFAULT_MIN;
    return ret->min_delay <= ret->max_delay ? 0 : SOTTO_E_RANGE;
}

static int init(sotto_playout *p, const sotto_playout_config *c)
{
    unsigned slots = MORE_SLOTS + (unsigned)(c->max_delay / 10000);
    size_t pcm = PLAYOUT_ROOM * (size_t)c->channels * sizeof *p->pcm;
    memset(p, 0, sizeof *p);
    p->channels = c->channels;
    p->packet_frames = 2 * PLAYOUT_STEP;
    p->gap.gain = 1;
    p->first = PLAYOUT_MAX_STRETCH;
    sotto__playout_delay_init(&p->delay, to_frames(c->min_delay), to_frames(c->max_delay));
    int r = sotto__playout_ring_init(&p->ring, slots);
    if (r == 0) r = sotto__playout_decoder_init(&p->decoder, c->channels);
    if (r < 0) return r;
    p->queue.items =
        (struct playout_slot **)sotto__calloc(p->ring.n, sizeof(struct playout_slot *));
    p->pcm = (int16_t *)sotto__malloc(pcm);
    if (!p->queue.items || !p->pcm) return SOTTO_E_NOMEM;
    memset(p->pcm, 0, pcm); /* touched: the audio thread is not to meet a page for the first time */
    return 0;
}

SOTTO_API int sotto_playout_new(const sotto_playout_config *cfg, sotto_playout **ret)
{
    sotto_playout_config c;
    if (!ret) return SOTTO_E_INVAL;
    int r = read_config(cfg, &c);
    if (r < 0) return r;
    sotto_playout *p = (sotto_playout *)sotto__malloc(sizeof *p);
    if (!p) return SOTTO_E_NOMEM;
    r = init(p, &c);
    if (r < 0) {
        sotto_playout_free(p);
        return r;
    }
    *ret = p;
    return 0;
}

SOTTO_API void sotto_playout_free(sotto_playout *p)
{
    if (!p) return;
    sotto__playout_ring_free(&p->ring);
    sotto__playout_decoder_free(&p->decoder);
    sotto__free(p->queue.items);
    sotto__free(p->pcm);
    sotto__free(p);
}

static int codec_of(const char *mime, enum playout_codec *ret)
{
    struct str name = sotto__str(mime);
    if (sotto__str_ieq(name, STR("audio/opus")))
        *ret = PLAYOUT_OPUS;
    else if (sotto__str_ieq(name, STR("audio/PCMU")))
        *ret = PLAYOUT_PCMU;
    else if (sotto__str_ieq(name, STR("audio/PCMA")))
        *ret = PLAYOUT_PCMA;
    else
        return SOTTO_E_UNSUPPORTED;
    return 0;
}

static int check_frame(const sotto_frame *f, enum playout_codec *ret_codec, int32_t *ret_frames)
{
    if (!f->data || f->len == 0 || !f->mime) return SOTTO_E_INVAL;
    int r = codec_of(f->mime, ret_codec);
    if (r < 0) return r;
    if (f->len > SOTTO_MAX_AUDIO_PACKET) return SOTTO_E_TOO_BIG;
    if (*ret_codec == PLAYOUT_OPUS) {
        r = sotto_opus_packet_frames((const uint8_t *)f->data, f->len);
        if (r < 0) return r;
        *ret_frames = r;
        return 0;
    }
    *ret_frames = (int32_t)f->len * 6;
    return *ret_frames <= PLAYOUT_MAX_FRAMES ? 0 : SOTTO_E_TOO_BIG;
}

static void refuse(sotto_playout *p)
{
    atomic_fetch_add_explicit(&p->refused, 1, memory_order_relaxed);
}

SOTTO_API int sotto_playout_put(sotto_playout *p, const sotto_frame *f)
{
    sotto_frame all;
    enum playout_codec codec = PLAYOUT_OPUS;
    int32_t frames = 0;
    if (!p || !f) return SOTTO_E_INVAL;
    int r = sotto__extra_copy(f, sizeof all, &all);
    if (r == 0) r = check_frame(&all, &codec, &frames);
    if (r < 0) {
        if (r == SOTTO_E_SYNTAX || r == SOTTO_E_TOO_BIG) refuse(p);
        return r;
    }
    struct playout_slot *s = sotto__playout_ring_reserve(&p->ring);
    if (!s) {
        refuse(p);
        return SOTTO_E_AGAIN;
    }
    sotto_us received = all.received_us < 0 ? 0 : all.received_us;
    s->codec = codec;
    s->frames = frames;
    s->rtp_time = all.rtp_time;
    s->after_loss = all.dropped > 0;
    s->received = to_frames(received < MAX_CLOCK ? received : MAX_CLOCK);
    s->len = all.len;
    memcpy(s->data, all.data, all.len);
    sotto__playout_ring_put(&p->ring, s);
    return 0;
}

#define SHOW(field, value) atomic_store_explicit(&p->shown.field, value, memory_order_relaxed)
#define READ(field) atomic_load_explicit(&p->shown.field, memory_order_relaxed)

static void show(sotto_playout *p)
{
    int64_t wait = sotto__playout_wait(p);
    SHOW(played, p->counts.played);
    SHOW(concealed, p->counts.concealed);
    SHOW(silent, p->counts.silent);
    SHOW(events, p->counts.events);
    SHOW(recovered, p->counts.recovered);
    SHOW(inserted, p->counts.inserted);
    SHOW(removed, p->counts.removed);
    SHOW(late, p->counts.late);
    SHOW(dropped, p->counts.dropped);
    if (wait < 0 || p->gap.run > SHORT_GAP) wait = sotto__playout_held(p); /* nothing comes: it says nothing */
    if (wait > p->delay.max + PLAYOUT_MAX_FRAMES) wait = p->delay.max + PLAYOUT_MAX_FRAMES;
    SHOW(delay, wait * 1000 / PLAYOUT_MS);
    SHOW(target, p->delay.target * 1000 / PLAYOUT_MS);
    SHOW(drift_ppb, (int64_t)(p->delay.drift_ppm * 1000));
}

SOTTO_API int sotto_playout_pull(sotto_playout *p, int16_t *pcm, size_t frames)
{
    if (!p || !pcm) return SOTTO_E_INVAL;
    if (frames == 0 || frames > PLAYOUT_MAX_FRAMES) return SOTTO_E_RANGE;
    for (size_t done = 0; done < frames;) {
        size_t n = frames - done < PLAYOUT_STEP ? frames - done : PLAYOUT_STEP;
        sotto__playout_play(p, pcm + done * (size_t)p->channels, n);
        done += n;
    }
    show(p);
    return (int)frames;
}

SOTTO_API int sotto_playout_get_stats(const sotto_playout *p, sotto_playout_stats *ret)
{
    sotto_playout_stats s = {.size = sizeof s};
    if (!p || !ret) return SOTTO_E_INVAL;
    int r = sotto__extra_check(ret, sizeof s);
    if (r < 0) return r;
    s.frames_played = READ(played);
    s.frames_concealed = READ(concealed);
    s.frames_silent = READ(silent);
    s.concealment_events = READ(events);
    s.frames_recovered = READ(recovered);
    s.frames_inserted = READ(inserted);
    s.frames_removed = READ(removed);
    s.packets_late = READ(late);
    s.packets_dropped = READ(dropped) + atomic_load_explicit(&p->refused, memory_order_relaxed);
    s.delay = READ(delay);
    s.target = READ(target);
    s.drift_ppm = (double)READ(drift_ppb) / 1000;
    sotto__extra_fill(ret, &s, sizeof s);
    return 0;
}
