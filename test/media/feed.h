/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_MEDIA_FEED_H
#define TEST_MEDIA_FEED_H
/*
 * A receiver in virtual time, and packets made by hand for it: VP8 (RFC 7741 §4.2) whose frames say which number they have and which
 * earlier frame they need, Opus, H.264. What comes out is checked by feed_pull(): order, bytes, and that what a frame needs was handed
 * over.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */
#include "media/recv.h"
#include "util/mem.h"

#define FEED_HEAD 6u  /* bytes of the VP8 descriptor: X, I with 15 bits, T */
#define FEED_BODY 16u /* bytes of a frame that say what it is: the least that a frame has */

extern const struct codec feed_vp8, feed_opus, feed_h264;

struct feed {
    struct receiver *r;
    sotto_us now;
    struct ext_values ext; /* of the next packets */
    /* what came out */
    uint64_t frames, keys, dropped_sum, dropped_told, nacks, plis;
    int64_t last;       /* number of the last frame; -1: none */
    bool shown[0x8000]; /* numbers of frames, modulo */
    sotto_us last_at, longest_gap;
};

struct feed_packet {
    uint16_t seq;
    uint32_t time;
    bool marker, repair;
    uint8_t payload[1200];
    size_t n;
};

struct feed_frame { /* VP8 */
    uint32_t number; /* its picture id too */
    int64_t needs;   /* frame without which it cannot be decoded; -1: key frame */
    uint32_t time;
    uint8_t temporal;
    bool disposable, no_ids;
    size_t n;        /* bytes, ≥ FEED_BODY */
};

void feed_init(struct feed *f, const struct receiver_cfg *cfg);
void feed_free(struct feed *f);
void feed_in(struct feed *f, const struct codec *codec, const struct feed_packet *p);
/* One packet by hand: the number also fills the payload. */
void feed_opus_in(struct feed *f, uint16_t seq, uint32_t time);
void feed_padding_in(struct feed *f, const struct codec *codec, uint16_t seq, uint32_t time);
/* Its bytes, which depend on its number alone but for the head. */
void feed_frame_bytes(const struct feed_frame *v, uint8_t *out);
/* Packet i of a frame in n packets, the first of which has number seq. */
struct feed_packet feed_vp8_packet(const struct feed_frame *v, uint16_t seq, size_t i, size_t n);
void feed_vp8_in(struct feed *f, const struct feed_frame *v, uint16_t seq, size_t n); /* all of them */
void feed_run(struct feed *f, sotto_us until); /* next() as its due says; frames are pulled and checked */
struct received *feed_pull(struct feed *f); /* the next frame, checked; NULL: none. Free it */
size_t feed_pull_all(struct feed *f);       /* how many */
struct receiver_stats feed_stats(const struct feed *f);

#endif
