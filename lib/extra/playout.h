/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_PLAYOUT_H
#define SOTTO_EXTRA_PLAYOUT_H
/*
 * What the files of playout share. Everything is counted in frames at 48 kHz, which are samples per channel. There are three lines of time:
 * `at` is a packet's place in the sender's audio (its RTP time, unwrapped), `received` is when it came, by our clock, and `now` is
 * how many frames the device has taken, by its clock. The thread that puts uses the producer's half of the ring and nothing else here.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "extra/audio_opus.h"
#include "sotto/audio.h"
#include "util/limits.h"

#define PLAYOUT_MS 48           /* frames of a millisecond */
#define PLAYOUT_STEP 480        /* frames that are made and given at a time */
#define PLAYOUT_MAX_FRAMES 5760 /* of a packet, and of a pull: 120 ms */
#define PLAYOUT_GRAIN 120       /* 2.5 ms: what Opus conceals in */

enum playout_codec { PLAYOUT_OPUS, PLAYOUT_PCMU, PLAYOUT_PCMA };

/* ---- the ring: slots go from the producer to the consumer and back ---- */
struct playout_slot {
    enum playout_codec codec;
    int32_t frames;
    uint32_t rtp_time;
    bool after_loss;  /* packets are missing just before it */
    int64_t received; /* frames of our clock */
    int64_t at;       /* the consumer's */
    size_t len;
    uint8_t data[SOTTO_MAX_AUDIO_PACKET];
};

struct playout_packet { /* what is put; all of it was checked */
    enum playout_codec codec;
    int32_t frames;
    uint32_t rtp_time;
    bool after_loss;
    int64_t received;
    size_t len; /* at most SOTTO_MAX_AUDIO_PACKET */
    const uint8_t *data;
};

struct playout_lane { /* numbers of slots; one thread adds, one takes */
    atomic_uint added, taken;
    uint16_t *items; /* size of the ring */
};

struct playout_ring {
    struct playout_slot *slots;
    unsigned n;
    struct playout_lane full, empty;
};

int sotto__playout_ring_init(struct playout_ring *r, unsigned n);
void sotto__playout_ring_free(struct playout_ring *r);
struct playout_slot *sotto__playout_ring_reserve(struct playout_ring *r); /* producer; NULL: full */
void sotto__playout_ring_put(struct playout_ring *r, struct playout_slot *s); /* producer: one that was reserved */
struct playout_slot *sotto__playout_ring_take(struct playout_ring *r); /* consumer; NULL: empty */
void sotto__playout_ring_give(struct playout_ring *r, struct playout_slot *s); /* consumer: done with */

/* ---- how long to hold: jitter, and the difference of the clocks ---- */
#define PLAYOUT_BINS 256      /* of lateness, 4 ms each */
#define PLAYOUT_INTERVALS 8   /* of the device's time, over which packets are looked at */
#define PLAYOUT_DRIFTS 32     /* blocks of two seconds, later of four, eight and sixteen */

struct playout_least { /* smallest values of intervals of the device's time */
    int64_t value[PLAYOUT_INTERVALS], interval[PLAYOUT_INTERVALS]; /* newest first */
    unsigned n;
};

struct playout_drift { /* by how much the sender is ahead of the device, and when */
    int64_t now, ahead;
};

struct playout_delay {
    int64_t min, max;            /* frames */
    float lateness[PLAYOUT_BINS]; /* shares of the packets that came so much later than the fastest */
    unsigned n_packets;          /* until the memory is full */
    struct playout_least transit; /* received - at */
    struct playout_least wall;   /* received - now */
    int64_t target;              /* frames */
    int64_t loss_until;          /* now: until then FEC is worth waiting for */
    int32_t loss_frames;         /* … and takes so long */
    bool in_block;                /* of drift: */
    int64_t block_now, block_length, block_transit, block_wall; /* when it began; the least of both in it */
    struct playout_drift drifts[PLAYOUT_DRIFTS];
    unsigned n_drifts;
    double drift_ppm;
};

void sotto__playout_delay_init(struct playout_delay *d, int64_t min, int64_t max);
/* A packet came. */
void sotto__playout_delay_seen(struct playout_delay *d, int64_t at, int64_t received, int64_t now);
/* One came too late to be played: its received - at. */
void sotto__playout_delay_late(struct playout_delay *d, int64_t transit);
/* The sender began another line of time: what was known of the old one is of no use. */
void sotto__playout_delay_restart(struct playout_delay *d);
/* A loss that FEC of `frames` a packet could cure: packets are held so much longer for a while. */
void sotto__playout_delay_lost(struct playout_delay *d, int32_t frames, int64_t now);
/* How long a packet that was not late would wait before it is played, if `at` is played now. */
int64_t sotto__playout_delay_of(const struct playout_delay *d, int64_t at, int64_t now);

/* ---- 8 kHz to 48 kHz, and what G.711 has instead of a decoder that conceals ---- */
#define PLAYOUT_TAPS 24
#define PLAYOUT_PAST 480 /* samples at 8 kHz: 60 ms */
#define PLAYOUT_MAX_LAG 160

struct playout_narrow {
    float taps[6][PLAYOUT_TAPS];
    int16_t past[PLAYOUT_PAST];      /* what was played last, newest at the end */
    int16_t cycle[PLAYOUT_MAX_LAG];  /* one pitch period of it, which is repeated in a gap */
    unsigned lag, phase;
    bool in_gap;
    float step; /* between what was played and the cycle: made even over a short while */
};

void sotto__playout_narrow_init(struct playout_narrow *w);
/* n8 samples become 6 × n8 frames, the same in each channel. */
void sotto__playout_narrow_play(struct playout_narrow *w, int16_t *pcm8, size_t n8, int16_t *out,
                                int channels);
void sotto__playout_narrow_conceal(struct playout_narrow *w, size_t n8, int16_t *out, int channels);
void sotto__playout_narrow_splice(struct playout_narrow *w); /* what comes next does not continue what was */

/* ---- decoding ---- */
struct playout_decoder {
    int channels;
    enum playout_codec codec; /* of the last packet */
    struct opus_state *opus;
    struct playout_narrow narrow;
};

int sotto__playout_decoder_init(struct playout_decoder *d, int channels);
void sotto__playout_decoder_free(struct playout_decoder *d);
/* All of a packet; false: it could not be decoded, nothing was written. */
bool sotto__playout_decode(struct playout_decoder *d, const struct playout_slot *s, int16_t *out);
/* Frames before the packet that its in-band FEC has; 0: it has none. RFC 6716 §2.1.7. */
int32_t sotto__playout_fec_frames(const struct playout_slot *s);
bool sotto__playout_recover(struct playout_decoder *d, const struct playout_slot *s, int32_t frames,
                            int16_t *out);
/* frames: a multiple of PLAYOUT_GRAIN. */
void sotto__playout_conceal(struct playout_decoder *d, int32_t frames, int16_t *out);

/* ---- stretching: pcm is the next frame to be played, n frames lie from there on ---- */
#define PLAYOUT_MAX_STRETCH 720 /* 15 ms: a pitch period of 67 Hz */
#define PLAYOUT_FADE 480        /* frames over which two places are blended */
/* Take out at most `most` frames, where what follows is alike by at least `likeness` (0 … 1). Returns how many; needs n of most and
 * PLAYOUT_FADE. */
size_t sotto__playout_shorten(int16_t *pcm, size_t n, int channels, size_t most, float likeness);
/* Put in at most `most` frames made of what was played just before pcm, where PLAYOUT_MAX_STRETCH frames lie; there is room behind. */
size_t sotto__playout_lengthen(int16_t *pcm, size_t n, int channels, size_t most, float likeness);

/* ---- the whole ---- */
/* frames that sotto_playout.pcm has */
#define PLAYOUT_ROOM (2 * PLAYOUT_MAX_STRETCH + 3 * PLAYOUT_MAX_FRAMES)
#define PLAYOUT_RECENT 32
#define PLAYOUT_LATE_RUN 8

struct playout_counts { /* the consumer's; published after each pull */
    uint64_t played, concealed, silent, events, recovered, inserted, removed, late, dropped;
};

struct playout_queue { /* packets that wait, by `at` */
    struct playout_slot **items;
    unsigned n;
    int64_t frames; /* of all of them */
};

struct playout_seen {
    uint32_t rtp_time, digest;
};

struct playout_line { /* RTP times as `at` */
    bool known;
    enum playout_codec codec;
    int64_t ticks;  /* of the last packet, unwrapped */
    int64_t offset; /* frames */
    struct playout_seen recent[PLAYOUT_RECENT]; /* what came, to know what comes twice */
    unsigned n_recent, next_recent;
};

struct playout_gap { /* what is played instead of what is not there */
    int64_t run;     /* frames since the last packet */
    int64_t pending; /* of them: whether they are lost or were never sent is not known yet */
    bool counted;    /* as an event */
    float gain;      /* how loud it is by now */
};

struct isolate_playout;

struct sotto_playout {
    int channels;
    struct isolate_playout *isolated; /* of isolate.h: where all else happens; NULL: here */
    atomic_uint_least64_t refused;    /* what could not be put; the producer's */
    struct playout_ring ring;
    /* the consumer's */
    struct playout_queue queue;
    struct playout_line line;
    struct playout_delay delay;
    struct playout_decoder decoder;
    struct playout_counts counts;
    struct playout_gap gap;
    int64_t now;      /* frames given to the device */
    int64_t at;       /* what is to be decoded next */
    int64_t ahead;    /* frames made up beyond it, while nothing came */
    bool started;     /* a packet came */
    bool decoded;     /* one was decoded */
    bool quiet;       /* the last one was about silence */
    bool tells_loss;  /* packets say whether others are missing before them */
    int32_t packet_frames; /* of the last packet */
    unsigned late_run;     /* packets too late since one was in time */
    int64_t late_by[PLAYOUT_LATE_RUN]; /* received - at of the last of them */
    int64_t stretch_at;    /* now: when stretching is tried again */
    unsigned stretch_tries; /* without finding a place */
    int16_t *pcm;     /* made and not given, and PLAYOUT_MAX_STRETCH frames before it */
    size_t first, n;  /* of it, in frames */
    /* for everyone */
    struct {
        atomic_uint_least64_t played, concealed, silent, events, recovered, inserted, removed, late,
            dropped;
        atomic_int_least64_t delay, target, drift_ppb;
    } shown;
};

/* playout_engine.c. init: `c` is valid, its defaults filled in; after an error release() is legal, and needed. */
int sotto__playout_init(sotto_playout *p, const sotto_playout_config *c);
void sotto__playout_release(sotto_playout *p); /* what is in it */
int sotto__playout_add(sotto_playout *p, const struct playout_packet *packet); /* or AGAIN */
void sotto__playout_take(sotto_playout *p, int16_t *pcm, size_t frames);
void sotto__playout_read(const sotto_playout *p, sotto_playout_stats *s); /* all but its size */
/* playout_queue.c: takes what is in the ring. */
void sotto__playout_arrivals(sotto_playout *p);
void sotto__playout_drop_first(sotto_playout *p); /* of the queue, which has one; it goes back to the ring */
/* playout_play.c: n frames, at most PLAYOUT_STEP, to out. */
void sotto__playout_play(sotto_playout *p, int16_t *out, size_t n);
int64_t sotto__playout_held(const sotto_playout *p); /* frames of audio that is there */
int64_t sotto__playout_wait(const sotto_playout *p); /* frames: sotto__playout_delay_of() what is played now */

#endif
