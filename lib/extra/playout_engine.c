/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Playout without its public face: what sotto_playout does when the decoder is in this process, and what the child process of isolate.h
 * does when it is not. One thread puts packets into the ring (playout_ring.c), another pulls PCM: there they are sorted
 * (playout_queue.c), held as long as the jitter wants (playout_delay.c), decoded and concealed (playout_decode.c, playout_narrow.c),
 * stretched (playout_stretch.c) and played (playout_play.c). It reads no clock: time is what packets say and what the device takes.
 */
#include "extra/playout.h"

#include <string.h>

#include "util/mem.h"

#define MORE_SLOTS 128     /* beside one for each 10 ms that may be held: what comes between two pulls */
#define SHORT_GAP (100 * PLAYOUT_MS)

int sotto__playout_init(sotto_playout *p, const sotto_playout_config *c)
{
    unsigned slots = MORE_SLOTS + (unsigned)(c->max_delay / 10000);
    size_t pcm = PLAYOUT_ROOM * (size_t)c->channels * sizeof *p->pcm;
    memset(p, 0, sizeof *p);
    p->channels = c->channels;
    p->packet_frames = 2 * PLAYOUT_STEP;
    p->gap.gain = 1;
    p->first = PLAYOUT_MAX_STRETCH;
    sotto__playout_delay_init(&p->delay, c->min_delay * PLAYOUT_MS / 1000,
                              c->max_delay * PLAYOUT_MS / 1000);
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

void sotto__playout_release(sotto_playout *p)
{
    sotto__playout_ring_free(&p->ring);
    sotto__playout_decoder_free(&p->decoder);
    sotto__free(p->queue.items);
    sotto__free(p->pcm);
}

int sotto__playout_add(sotto_playout *p, const struct playout_packet *packet)
{
    struct playout_slot *s = sotto__playout_ring_reserve(&p->ring);
    if (!s) return SOTTO_E_AGAIN;
    s->codec = packet->codec;
    s->frames = packet->frames;
    s->rtp_time = packet->rtp_time;
    s->after_loss = packet->after_loss;
    s->received = packet->received;
    s->len = packet->len;
    memcpy(s->data, packet->data, packet->len);
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

void sotto__playout_take(sotto_playout *p, int16_t *pcm, size_t frames)
{
    for (size_t done = 0; done < frames;) {
        size_t n = frames - done < PLAYOUT_STEP ? frames - done : PLAYOUT_STEP;
        sotto__playout_play(p, pcm + done * (size_t)p->channels, n);
        done += n;
    }
    show(p);
}

void sotto__playout_read(const sotto_playout *p, sotto_playout_stats *s)
{
    s->frames_played = READ(played);
    s->frames_concealed = READ(concealed);
    s->frames_silent = READ(silent);
    s->concealment_events = READ(events);
    s->frames_recovered = READ(recovered);
    s->frames_inserted = READ(inserted);
    s->frames_removed = READ(removed);
    s->packets_late = READ(late);
    s->packets_dropped = READ(dropped);
    s->delay = READ(delay);
    s->target = READ(target);
    s->drift_ppm = (double)READ(drift_ppb) / 1000;
}
