/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_EXTRA_STAGE_H
#define SOTTO_TEST_EXTRA_STAGE_H
/*
 * A sender, a network and a device around a sotto_playout, in virtual time: audio goes through the real encoder, packets come when the
 * network says, the device pulls by its own clock, and what it hears is measured.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sotto/audio.h"

#define STAGE_LOST INT64_MIN

struct stage;

enum stage_sound { STAGE_TONE, STAGE_VOICE, STAGE_TALK /* a voice with pauses */ };

struct stage {
    /* the scene; 0 is the default */
    const char *mime; /* opus */
    enum stage_sound sound;
    int channels, frame_ms, bps;
    bool dtx;
    double reported_loss; /* to the encoder */
    bool tells_loss;      /* frames carry `dropped` */
    sotto_us min_delay, max_delay;
    double seconds;
    double ppm;           /* by which the sender's clock is faster than the device's */
    size_t pull;          /* frames; 480 */
    uint32_t first_time;  /* RTP */
    sotto_us (*network)(struct stage *s, int64_t packet, sotto_us sent); /* delay, or STAGE_LOST; NULL: 0 */
    uint32_t (*stamp)(struct stage *s, int64_t packet, uint32_t rtp_time); /* changes the RTP time; NULL: not */
    sotto_us warm_up;     /* after which the extremes count; 2 s */
    uint64_t seed;
    void (*hear)(struct stage *s, const int16_t *pcm, size_t frames);
    void *user;

    /* what was seen */
    sotto_playout *playout;
    sotto_playout_stats stats;
    sotto_us now;
    int64_t sent, lost;
    int64_t zeros, most_zeros; /* frames of digital silence in a row */
    double roughest;           /* largest second difference */
    double last[2];
    double energy;             /* of all that was heard after the warm-up, mean square */
    int64_t heard;
    sotto_us most_above, most_below; /* delay against target, after the warm-up */
    sotto_us highest_target;
};

void stage_run(struct stage *s); /* asserts that pull gives what was asked for */
uint64_t stage_random(struct stage *s);      /* xorshift */
double stage_chance(struct stage *s);        /* 0 … 1 */
/* sound at frame `at` of 48 kHz, -1 … 1 */
double stage_sound(enum stage_sound sound, int64_t at);

#endif
