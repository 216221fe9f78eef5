/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_SCENARIO_MEDIA_H
#define TEST_SCENARIO_MEDIA_H
/*
 * A call: the two applications of pair.h send each other audio (Opus, 20 ms) and video (VP8 as far as its frame headers go, 30 frames a
 * second) and check what comes. What a frame holds follows from its number, and its number from its RTP time: so every frame that
 * is received is compared bit for bit, a frame that needs one that was not received is a failure, and so is one that comes twice or out of
 * order. Audio may also be a real tone and go through sotto_playout to a loudspeaker, where silence is looked for.
 */
#include "pair.h"

enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO, MEDIA_KINDS };

struct media_opt {
    size_t video_bytes;       /* of a frame, about; 0: 5000 */
    size_t key_bytes;         /* of a key frame; 0: 25000 */
    sotto_us key_every;       /* 0: only the first, and when one is asked for */
    bool off[2][MEDIA_KINDS]; /* what a side does not send */
    uint32_t rtp_time[MEDIA_KINDS]; /* of frame 0 */
    bool plays;               /* audio is a tone, and is played */
    bool no_rtx;
    sotto_us signal_us;       /* pair_opt */
    int32_t required;         /* what side 0 wants to know of the other: verify.h */
};

struct media_in { /* what one side received of one kind */
    int64_t last;      /* number of the last frame; -1: none */
    uint64_t frames, keys, missing, bytes;
    uint64_t most;     /* missing in a row */
    uint64_t dropped;  /* as the frames say */
    sotto_us last_at;  /* when it was handed over; 0: none since media_measure() */
    sotto_us longest;  /* between two that were handed over */
    sotto_us latest;   /* from capture to being handed over, the longest */
    uint64_t captures; /* frames whose capture time is known */
    sotto_us capture_error; /* of the last one: what it says less what is true */
};

struct media_out {
    int64_t next; /* number of the next frame */
    uint64_t frames, refused, keys, asked; /* asked: KEYFRAME_NEEDED */
    bool wants_key;
};

struct media_speaker { /* pulls 10 ms at a time */
    sotto_playout *playout;
    sotto_us next_at, quiet, longest_quiet;
    uint64_t pulls;
};

struct media_side {
    sotto_transceiver *t[MEDIA_KINDS];
    int32_t pt[MEDIA_KINDS];
    struct media_in in[MEDIA_KINDS];
    struct media_out out[MEDIA_KINDS];
    struct media_speaker speaker;
};

#define MEDIA_TONE_FRAMES 50 /* a second, then it begins again: the phase fits */
struct media_packet {
    size_t n;
    uint8_t p[256];
};

struct media {
    struct pair *pair;
    struct media_opt opt;
    struct media_side side[2];
    sotto_us begin; /* capture time of frame 0 */
    bool stopped;   /* nothing is sent any more */
    struct media_packet *tone;
    uint8_t *sent, *expected; /* frames */
};

struct media *media_new(uint64_t seed, const struct media_opt *opt); /* connected, over a good link */
void media_run(struct media *m, sotto_us span);                      /* sends and receives */
void media_drain(struct media *m, sotto_us span); /* sends nothing more: what is on its way arrives */
void media_resume(struct media *m); /* after that: with the frames that are due next, what was not sent meanwhile is missing */
void media_measure(struct media *m); /* from now on: gaps, delays, quiet and counters */
void media_free(struct media *m);

/* Lets n datagrams of media in a row be lost each way, `every` on the average. every 0: none. The struct lives as long as it is used. */
struct media_bursts {
    size_t n, left[2];
    double chance; /* that one begins with a datagram */
    uint64_t rng, lost, begun;
};
void media_set_bursts(struct media *m, struct media_bursts *b, uint64_t seed, size_t n,
                      double chance);

/* Watches the sequence numbers of the video of side 0, and loses a part of all datagrams. */
struct media_wraps {
    uint32_t ssrc; /* that of the first large packet */
    uint16_t highest;
    uint64_t wraps;
    uint64_t lost_near, old_near; /* within 50 of a wrap: lost; sent though a later one was sent before */
    uint64_t rng;
    double loss;
};
void media_watch_wraps(struct media *m, struct media_wraps *w, uint64_t seed, double loss);

#endif
