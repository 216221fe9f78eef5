/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Opus decoder (RFC 6716) by libopus. In: packets of anybody; out: PCM, concealment, frames recovered from in-band FEC. A packet is
 * parsed before libopus decodes it, so that a malformed one changes nothing. It knows neither RTP nor time, nor in which process it is.
 */
#include "extra/audio_opus.h"

#include <opus/opus.h>

#include "sotto/audio.h"
#include "util/mem.h"

struct opus_state {
    OpusDecoder *opus; /* behind this struct, in the same block */
};

#define OFFSET ((sizeof(struct opus_state) + 15) / 16 * 16) /* aligned for anything */

int sotto__opus_new(int channels, struct opus_state **ret)
{
    uint8_t *block = (uint8_t *)sotto__calloc(1, OFFSET + (size_t)opus_decoder_get_size(channels));
    if (!block) return SOTTO_E_NOMEM;
    struct opus_state *o = (struct opus_state *)(void *)block;
    o->opus = (OpusDecoder *)(void *)(block + OFFSET);
    if (opus_decoder_init(o->opus, 48000, channels) != OPUS_OK) {
        sotto__free(o);
        return SOTTO_E_RANGE;
    }
    *ret = o;
    return 0;
}

void sotto__opus_free(struct opus_state *o)
{
    sotto__free(o);
}

/* What libopus says when it could not decode what was parsed: its state is then of no use. */
static int decoded(struct opus_state *o, int n)
{
    if (n >= 0) return n;
    opus_decoder_ctl(o->opus, OPUS_RESET_STATE);
    return SOTTO_E_SYNTAX;
}

int sotto__opus_decode(struct opus_state *o, const uint8_t *p, size_t len, int16_t *pcm, size_t cap)
{
    if (!p) return decoded(o, opus_decode(o->opus, NULL, 0, pcm, (int)cap, 0));
    int frames = sotto_opus_packet_frames(p, len);
    if (frames < 0) return SOTTO_E_SYNTAX;
    if ((size_t)frames > cap) return SOTTO_E_TOO_BIG;
    return decoded(o, opus_decode(o->opus, p, (opus_int32)len, pcm, frames, 0));
}

int sotto__opus_decode_fec(struct opus_state *o, const uint8_t *p, size_t len, int16_t *pcm,
                           size_t frames)
{
    if (sotto_opus_packet_frames(p, len) < 0) return SOTTO_E_SYNTAX;
    return decoded(o, opus_decode(o->opus, p, (opus_int32)len, pcm, (int)frames, 1));
}
