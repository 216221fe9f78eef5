/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program sotto-decoder, which only a sotto in another process starts: descriptor 0 is the memory that they share. It makes all that it
 * needs, shuts itself in (isolate_cage.c), and from then on looks at packets: a whole playout (playout_engine.c), which it keeps ahead of
 * the device, or one Opus decoder that answers questions. In: struct isolate_in; out: struct isolate_out. It reads no clock.
 * answers: S11 H136
 */
#include "extra/isolate_child.h"

#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "extra/isolate_shared.h"

#define IDLE 400 /* looks in which the device took nothing: the next one is when the bell is rung */

struct child {
    const struct isolate_in *in;
    struct isolate_out *out;
    sotto_playout *playout;
    struct opus_state *opus;
    uint32_t taken;
    uint64_t made, given;
    unsigned idle;
};

enum { EXIT_MEMORY = 2, EXIT_SETUP = 3, EXIT_CAGE = 4 };

static bool map(struct child *c)
{
    struct stat s;
    if (fstat(0, &s) != 0 || s.st_size != (off_t)ISOLATE_SIZE) return false;
    void *in = mmap(NULL, ISOLATE_IN_SIZE, PROT_READ, MAP_SHARED, 0, 0);
    void *out = mmap(NULL, ISOLATE_SIZE - ISOLATE_IN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0,
                     (off_t)ISOLATE_IN_SIZE);
    if (in == MAP_FAILED || out == MAP_FAILED || close(0) != 0) return false;
    c->in = (const struct isolate_in *)in;
    c->out = (struct isolate_out *)out;
    return c->in->version == ISOLATE_VERSION;
}

static bool set_up(struct child *c)
{
    static sotto_playout playout;
    sotto_playout_config cfg = {
        .channels = c->in->channels, .min_delay = c->in->min_delay, .max_delay = c->in->max_delay};
    if (c->in->kind == ISOLATE_DECODER) return sotto__opus_new(c->in->channels, &c->opus) == 0;
    c->playout = &playout;
    c->taken = c->in->first;
    c->given = atomic_load(&c->in->given);
    c->made = c->given;
    return sotto__playout_init(c->playout, &cfg) == 0;
}

/* ---- playout ---- */
static void take_packets(struct child *c)
{
    uint32_t put = atomic_load_explicit(&c->in->put, memory_order_acquire);
    for (; c->taken != put; c->taken++) {
        const struct isolate_slot *s = &c->in->u.slots[c->taken % ISOLATE_SLOTS];
        struct playout_packet packet = {.codec = (enum playout_codec)s->codec,
                                        .frames = s->frames,
                                        .rtp_time = s->rtp_time,
                                        .after_loss = s->after_loss,
                                        .received = s->received,
                                        .len = s->len,
                                        .data = s->data};
        if (sotto__playout_add(c->playout, &packet) < 0) break; /* the device does not pull */
    }
    atomic_store_explicit(&c->out->taken, c->taken, memory_order_release);
}

/* Ahead of the device by the largest pull and some more; what it took meanwhile of somebody else is left out. */
static void play(struct child *c)
{
    int16_t pcm[PLAYOUT_STEP * 2];
    const size_t wide = (size_t)c->in->channels;
    uint64_t given = atomic_load_explicit(&c->in->given, memory_order_acquire);
    uint64_t pull = atomic_load_explicit(&c->in->pull, memory_order_relaxed);
    c->idle = given == c->given ? c->idle + 1 : 0;
    c->given = given;
    while (c->made < given + pull + ISOLATE_AHEAD) {
        size_t at = (size_t)(c->made % ISOLATE_RING), head = ISOLATE_RING - at;
        if (head > PLAYOUT_STEP) head = PLAYOUT_STEP;
        sotto__playout_take(c->playout, pcm, PLAYOUT_STEP);
        memcpy(c->out->pcm + at * wide, pcm, head * wide * sizeof *pcm);
        memcpy(c->out->pcm, pcm + head * wide, (PLAYOUT_STEP - head) * wide * sizeof *pcm);
        c->made += PLAYOUT_STEP;
        atomic_store_explicit(&c->out->made, c->made, memory_order_release);
    }
}

#define SHOW(which, value) atomic_store_explicit(&c->out->which, value, memory_order_relaxed)

static void show(struct child *c)
{
    sotto_playout_stats s;
    sotto__playout_read(c->playout, &s);
    SHOW(counts[ISOLATE_CONCEALED], s.frames_concealed);
    SHOW(counts[ISOLATE_SILENT], s.frames_silent);
    SHOW(counts[ISOLATE_EVENTS], s.concealment_events);
    SHOW(counts[ISOLATE_RECOVERED], s.frames_recovered);
    SHOW(counts[ISOLATE_INSERTED], s.frames_inserted);
    SHOW(counts[ISOLATE_REMOVED], s.frames_removed);
    SHOW(counts[ISOLATE_LATE], s.packets_late);
    SHOW(counts[ISOLATE_DROPPED], s.packets_dropped);
    SHOW(delay, s.delay);
    SHOW(target, s.target);
    SHOW(drift_ppb, (int64_t)(s.drift_ppm * 1000));
}

/* ---- the decoder alone ---- */
static void decode(struct child *c)
{
    const struct isolate_request *q = &c->in->u.request;
    int r;
    if (q->what == ISOLATE_FEC)
        r = sotto__opus_decode_fec(c->opus, q->data, q->len, c->out->pcm, q->frames);
    else
        r = sotto__opus_decode(c->opus, q->what == ISOLATE_CONCEAL ? NULL : q->data, q->len,
                               c->out->pcm, q->frames);
    atomic_store_explicit(&c->out->result, r, memory_order_relaxed);
}

/* ---- waiting ---- */
static void answer(struct child *c, uint32_t bell)
{
    atomic_store_explicit(&c->out->answered, bell, memory_order_release);
    isolate_futex(&c->out->answered, FUTEX_WAKE, INT_MAX, 0);
}

static void run_playout(struct child *c)
{
    for (uint32_t last = atomic_load(&c->in->bell) - 1;;) {
        uint32_t bell = atomic_load_explicit(&c->in->bell, memory_order_acquire);
        take_packets(c);
        play(c);
        show(c);
        if (bell != last) answer(c, bell);
        last = bell;
        isolate_futex(&c->in->bell, FUTEX_WAIT, bell, c->idle < IDLE ? ISOLATE_LOOK_NS : 0);
    }
}

static void run_decoder(struct child *c)
{
    for (uint32_t last = c->in->rung;;) { /* the first question may be there already */
        uint32_t bell = atomic_load_explicit(&c->in->bell, memory_order_acquire);
        if (bell != last) decode(c);
        last = bell;
        answer(c, bell);
        isolate_futex(&c->in->bell, FUTEX_WAIT, bell, 0);
    }
}

int main(void)
{
    struct child c = {0};
    if (!map(&c)) return EXIT_MEMORY;
    if (!set_up(&c)) return EXIT_SETUP;
    if (!sotto__isolate_cage(c.in->parent)) return EXIT_CAGE;
    if (c.playout)
        run_playout(&c);
    else
        run_decoder(&c);
    return 0;
}
