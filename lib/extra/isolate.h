/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_ISOLATE_H
#define SOTTO_EXTRA_ISOLATE_H
/*
 * The decoder in a process of its own: what the parent asks for. Behind it: isolate_process.c starts, watches and ends the child;
 * isolate_playout.c and isolate_decoder.c are playout and the Opus decoder seen from the parent; isolate_fade.c is what is heard
 * meanwhile. no_isolate.c stands in for all of them.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sotto/audio.h"

struct playout_packet;

/* ---- a playout whose decoders are isolated: as playout_engine.c ---- */
struct isolate_playout;
/* tag: u.post.p of the event. */
int sotto__isolate_playout_new(const sotto_playout_config *c, void *tag,
                               struct isolate_playout **ret);
void sotto__isolate_playout_free(struct isolate_playout *i);
int sotto__isolate_put(struct isolate_playout *i, const struct playout_packet *packet);
void sotto__isolate_pull(struct isolate_playout *i, int16_t *pcm, size_t frames);
void sotto__isolate_read(const struct isolate_playout *i, sotto_playout_stats *s);
void sotto__isolate_playout_tell(const struct isolate_playout *i, sotto_isolation *ret);

/* ---- an Opus decoder that is: as audio_opus_state.c ---- */
struct isolate_decoder;
int sotto__isolate_decoder_new(int channels, const char *path, struct isolate_decoder **ret);
void sotto__isolate_decoder_free(struct isolate_decoder *d);
int sotto__isolate_decode(struct isolate_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                          size_t cap);
int sotto__isolate_decode_fec(struct isolate_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                              size_t frames);
void sotto__isolate_decoder_tell(const struct isolate_decoder *d, sotto_isolation *ret);

/* ---- what is heard while the child is away: the last sound, to and fro, ever quieter ---- */
#define ISOLATE_KEPT 480 /* frames of it */

struct isolate_fade {
    int channels;
    float gain;   /* 1: nothing is missing */
    int at, step; /* the frame that comes next, and where it goes on from there */
    int n;        /* frames that are kept */
    int16_t kept[ISOLATE_KEPT * 2];
};

void sotto__isolate_fade_init(struct isolate_fade *f, int channels);
/* n frames that came: after a gap they become audible within 5 ms. Changes and keeps them. */
void sotto__isolate_fade_in(struct isolate_fade *f, int16_t *pcm, size_t n);
/* n frames that did not come. Returns how many of them are silence. */
size_t sotto__isolate_fade_out(struct isolate_fade *f, int16_t *pcm, size_t n);

#endif
