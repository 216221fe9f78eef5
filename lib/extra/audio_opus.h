/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_AUDIO_OPUS_H
#define SOTTO_EXTRA_AUDIO_OPUS_H
/* The Opus decoder itself, in this process: what sotto_opus_decoder and playout stand on, and what the child of isolate.h runs. */
#include <stddef.h>
#include <stdint.h>

#define OPUS_STEP 120        /* frames: 2.5 ms, what all durations of Opus are made of */
#define OPUS_MAX_FRAMES 5760 /* of a packet: 120 ms, RFC 6716 §3.2.5 */

struct opus_state;
int sotto__opus_new(int channels, struct opus_state **ret);
void sotto__opus_free(struct opus_state *o);
/* As sotto_opus_decode() and sotto_opus_decode_fec(), whose arguments were looked at. They allocate nothing. */
int sotto__opus_decode(struct opus_state *o, const uint8_t *p, size_t len, int16_t *pcm,
                       size_t cap);
int sotto__opus_decode_fec(struct opus_state *o, const uint8_t *p, size_t len, int16_t *pcm,
                           size_t frames);

#endif
