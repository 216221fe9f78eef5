/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A playout whose work is done in a decoder process (isolate_process.c): packets go into the memory that is shared, PCM lies there when
 * the device wants it, since the child makes more than it was asked for. The thread that puts also watches the child. In: packets that
 * were checked, frames wanted; out: PCM, or what isolate_fade.c makes of the last. Nothing that the child says is believed: places are
 * checked against our own count, PCM may be any, what it counted is cut to what can be, and what cannot be ends it.
 * answers: S11 H136
 */
#include <string.h>

#include "extra/isolate_process.h"
#include "util/mem.h"

#define LOAD(x) atomic_load_explicit(&(x), memory_order_relaxed)
#define ADD(x, n) atomic_fetch_add_explicit(&(x), (n), memory_order_relaxed)

struct isolate_playout {
    struct isolate_process process;
    int channels;
    sotto_us max_delay;
    sotto_ctx *ctx;
    void *tag;
    uint32_t code;
    bool is_told;
    /* the thread that puts */
    uint32_t put;
    atomic_bool fed; /* one came */
    atomic_uint_least64_t packets; /* that were put; `put` without end */
    atomic_uint_least64_t before[ISOLATE_COUNTS]; /* what children counted that are no more */
    atomic_uint_least64_t lost;                   /* packets that they held */
    /* the one that pulls */
    uint64_t given;
    uint32_t largest;
    bool is_missing;
    struct isolate_fade fade;
    atomic_uint_least64_t played, concealed, silent, events;
};

/* ---- making it ---- */
int sotto__isolate_playout_new(const sotto_playout_config *c, void *tag,
                               struct isolate_playout **ret)
{
    struct isolate_setup setup = {ISOLATE_PLAYOUT, c->channels, c->min_delay, c->max_delay};
    struct isolate_playout *i = (struct isolate_playout *)sotto__calloc(1, sizeof *i);
    if (!i) return SOTTO_E_NOMEM;
    i->channels = c->channels;
    i->max_delay = c->max_delay;
    i->ctx = c->ctx;
    i->code = c->ctx_code;
    i->tag = tag;
    sotto__isolate_fade_init(&i->fade, c->channels);
    int r = sotto__isolate_open(&i->process, &setup, c->decoder_path);
    if (r < 0) {
        sotto__isolate_playout_free(i);
        return r;
    }
    *ret = i;
    return 0;
}

void sotto__isolate_playout_free(struct isolate_playout *i)
{
    if (!i) return;
    sotto__isolate_close(&i->process);
    sotto__free(i);
}

/* ---- what the child counted, cut to what can be ---- */
static uint64_t most_of(const struct isolate_playout *i, int which)
{
    bool is_packets = which == ISOLATE_LATE || which == ISOLATE_DROPPED;
    return is_packets ? LOAD(i->packets) : LOAD(i->process.in->given) + PLAYOUT_ROOM + ISOLATE_RING;
}

static uint64_t count(const struct isolate_playout *i, int which)
{
    uint64_t most = most_of(i, which), n = LOAD(i->process.out->counts[which]);
    return LOAD(i->before[which]) + (n < most ? n : most);
}

static int64_t within(int64_t n, int64_t least, int64_t most)
{
    return n < least ? least : n > most ? most : n;
}

/* What playout_engine.c tells at most. */
static sotto_us longest_delay(const struct isolate_playout *i)
{
    return i->max_delay + PLAYOUT_MAX_FRAMES * 1000 / PLAYOUT_MS;
}

static bool is_within(int64_t n, int64_t most)
{
    return n >= 0 && n <= most;
}

/* ---- the thread that puts ---- */
/* The child was replaced: the new one begins with what is put next, and counts anew. */
static void forget(struct isolate_playout *i, const uint64_t counted[static ISOLATE_COUNTS],
                   uint32_t held)
{
    for (int k = 0; k < ISOLATE_COUNTS; k++) atomic_store(&i->before[k], counted[k]);
    ADD(i->lost, held);
}

/* Once; a full queue is tried again. */
static void tell_off(struct isolate_playout *i)
{
    if (i->ctx && !i->is_told) i->is_told = sotto_ctx_post(i->ctx, i->code, i->tag) == 0;
}

/* Whether what the child says of itself is impossible. What it took and made is compared with what we say of it after that was read, so
 * that it cannot have known more. */
static bool lies(const struct isolate_playout *i, uint32_t held)
{
    const struct isolate_out *out = i->process.out;
    uint64_t made = atomic_load_explicit(&out->made, memory_order_acquire);
    uint64_t given = LOAD(i->process.in->given), pull = LOAD(i->process.in->pull);
    bool lie = held > ISOLATE_SLOTS || made > given + pull + ISOLATE_AHEAD + PLAYOUT_STEP;
    for (int k = 0; k < ISOLATE_COUNTS; k++) lie |= LOAD(out->counts[k]) > most_of(i, k);
    lie |= !is_within(LOAD(out->delay), longest_delay(i));
    return lie || !is_within(LOAD(out->target), i->max_delay);
}

static int watch(struct isolate_playout *i)
{
    uint64_t counted[ISOLATE_COUNTS];
    uint32_t held = i->put - LOAD(i->process.out->taken);
    for (int k = 0; k < ISOLATE_COUNTS; k++) counted[k] = count(i, k);
    i->process.first = i->put;
    int r = sotto__isolate_watch(&i->process, sotto_now(), lies(i, held));
    if (r == 1 || r == SOTTO_E_CLOSED) /* when it is off already, that is nothing */
        forget(i, counted, held < ISOLATE_SLOTS ? held : ISOLATE_SLOTS);
    if (r == SOTTO_E_CLOSED) tell_off(i);
    return r < 0 ? r : 0;
}

int sotto__isolate_put(struct isolate_playout *i, const struct playout_packet *packet)
{
    int r = watch(i);
    if (r < 0) return r;
    uint32_t held = i->put - atomic_load_explicit(&i->process.out->taken, memory_order_acquire);
    if (held >= ISOLATE_SLOTS) {
        sotto__isolate_ring(&i->process);
        return SOTTO_E_AGAIN;
    }
    struct isolate_slot *s = &i->process.in->u.slots[i->put % ISOLATE_SLOTS];
    s->codec = (int32_t)packet->codec;
    s->frames = packet->frames;
    s->rtp_time = packet->rtp_time;
    s->after_loss = packet->after_loss;
    s->received = packet->received;
    s->len = (uint32_t)packet->len;
    memcpy(s->data, packet->data, packet->len);
    ADD(i->packets, 1); /* before the child can count it */
    atomic_store_explicit(&i->process.in->put, ++i->put, memory_order_release);
    atomic_store_explicit(&i->fed, true, memory_order_relaxed);
    sotto__isolate_ring(&i->process);
    return 0;
}

/* ---- the one that pulls: no lock, no call of the system ---- */
/* How many frames from the next on are there. */
static size_t available(const struct isolate_playout *i, size_t wanted)
{
    uint64_t made = atomic_load_explicit(&i->process.out->made, memory_order_acquire);
    uint64_t n = made > i->given ? made - i->given : 0;
    return n < wanted ? (size_t)n : wanted;
}

static void copy(const struct isolate_playout *i, int16_t *pcm, size_t frames)
{
    const size_t wide = (size_t)i->channels, at = (size_t)(i->given % ISOLATE_RING);
    const int16_t *ring = i->process.out->pcm;
    size_t head = ISOLATE_RING - at < frames ? ISOLATE_RING - at : frames;
    memcpy(pcm, ring + at * wide, head * wide * sizeof *pcm);
    memcpy(pcm + head * wide, ring, (frames - head) * wide * sizeof *pcm);
}

void sotto__isolate_pull(struct isolate_playout *i, int16_t *pcm, size_t frames)
{
    size_t n = available(i, frames), missing = frames - n;
    copy(i, pcm, n);
    sotto__isolate_fade_in(&i->fade, pcm, n);
    size_t silent = sotto__isolate_fade_out(&i->fade, pcm + n * (size_t)i->channels, missing);
    if (missing > 0 && LOAD(i->fed)) {
        ADD(i->concealed, missing);
        ADD(i->silent, silent);
        if (!i->is_missing) ADD(i->events, 1);
    }
    i->is_missing = missing > 0;
    i->given += frames;
    ADD(i->played, frames);
    if (frames > i->largest) {
        i->largest = (uint32_t)frames;
        atomic_store_explicit(&i->process.in->pull, i->largest, memory_order_relaxed);
    }
    atomic_store_explicit(&i->process.in->given, i->given, memory_order_release);
}

/* ---- anyone ---- */
void sotto__isolate_read(const struct isolate_playout *i, sotto_playout_stats *s)
{
    const struct isolate_out *out = i->process.out;
    const sotto_us ahead = (LOAD(i->process.in->pull) + ISOLATE_AHEAD) * INT64_C(1000) / PLAYOUT_MS;
    sotto_isolation isolation;
    sotto__isolate_tell(&i->process, &isolation);
    s->frames_played = LOAD(i->played);
    s->frames_concealed = count(i, ISOLATE_CONCEALED) + LOAD(i->concealed);
    s->frames_silent = count(i, ISOLATE_SILENT) + LOAD(i->silent);
    s->concealment_events = count(i, ISOLATE_EVENTS) + LOAD(i->events);
    s->frames_recovered = count(i, ISOLATE_RECOVERED);
    s->frames_inserted = count(i, ISOLATE_INSERTED);
    s->frames_removed = count(i, ISOLATE_REMOVED);
    s->packets_late = count(i, ISOLATE_LATE);
    s->packets_dropped = count(i, ISOLATE_DROPPED) + LOAD(i->lost);
    s->delay = within(LOAD(out->delay), 0, longest_delay(i)) + ahead;
    s->target = within(LOAD(out->target), 0, i->max_delay);
    s->drift_ppm = (double)within(LOAD(out->drift_ppb), -1000000000, 1000000000) / 1000;
    s->isolation = isolation.state;
    s->decoder_deaths = isolation.deaths;
}

void sotto__isolate_playout_tell(const struct isolate_playout *i, sotto_isolation *ret)
{
    sotto__isolate_tell(&i->process, ret);
}
