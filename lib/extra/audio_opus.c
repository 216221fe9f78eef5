/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opus (RFC 6716) by libopus: encoder and decoder of audio.h. In: PCM at 48 kHz, packets of anybody; out: packets of one RTP payload
 * (RFC 7587), PCM, concealment, frames recovered from in-band FEC. A packet is parsed before libopus decodes it, so that a malformed
 * one changes nothing. It knows neither RTP nor time.
 */
#include "sotto/audio.h"

#include <limits.h>
#include <opus/opus.h>

#include "extra/config.h"
#include "util/mem.h"

#define RATE 48000
#define MIN_BPS 6000
#define MAX_BPS 510000
#define STEP 120         /* frames: 2.5 ms, what all durations of Opus are made of */
#define MAX_FRAMES 5760  /* of a packet: 120 ms, RFC 6716 §3.2.5 */
#define MAX_PARTS 48     /* frames of a packet: 120 ms / 2.5 ms */

struct sotto_opus_encoder {
    OpusEncoder *opus; /* behind this struct, in the same block */
    int32_t frame_ms;
    bool dtx;
    bool is_speech_with_fec;
};

struct sotto_opus_decoder {
    OpusDecoder *opus; /* the same */
};

/* A struct of ours and a state of libopus behind it, aligned for anything. */
static void *new_with_state(size_t own, int state, void **ret_state)
{
    size_t offset = (own + 15) / 16 * 16;
    uint8_t *block = (uint8_t *)sotto__calloc(1, offset + (size_t)state);
    if (block) *ret_state = block + offset;
    return block;
}

static int check_config(const sotto_opus_config *c)
{
    bool frame_ok = c->frame_ms == 0 || c->frame_ms == 10 || c->frame_ms == 20 ||
                    c->frame_ms == 40 || c->frame_ms == 60;
    if (c->channels < 0 || c->channels > 2 || !frame_ok) return SOTTO_E_RANGE;
    if (c->bps != 0 && (c->bps < MIN_BPS || c->bps > MAX_BPS)) return SOTTO_E_RANGE;
    if (c->application < SOTTO_OPUS_VOIP || c->application > SOTTO_OPUS_LOW_DELAY)
        return SOTTO_E_RANGE;
    if (c->complexity_kind < 0 || c->complexity_kind > 1) return SOTTO_E_RANGE;
    if (c->complexity_kind == 1 && (c->complexity < 0 || c->complexity > 10)) return SOTTO_E_RANGE;
    return 0;
}

static int set_up(sotto_opus_encoder *e, const sotto_opus_config *c, int channels)
{
    static const int applications[] = {OPUS_APPLICATION_VOIP, OPUS_APPLICATION_AUDIO,
                                       OPUS_APPLICATION_RESTRICTED_LOWDELAY};
    int r = opus_encoder_init(e->opus, RATE, channels, applications[c->application]);
    if (r == OPUS_OK)
        r = opus_encoder_ctl(e->opus, OPUS_SET_BITRATE(c->bps ? c->bps : 32000 * channels));
    if (r == OPUS_OK) r = opus_encoder_ctl(e->opus, OPUS_SET_DTX(c->dtx));
    if (r == OPUS_OK) r = opus_encoder_ctl(e->opus, OPUS_SET_INBAND_FEC(!c->no_fec));
    if (r == OPUS_OK && c->complexity_kind == 1)
        r = opus_encoder_ctl(e->opus, OPUS_SET_COMPLEXITY(c->complexity));
    return r == OPUS_OK ? 0 : SOTTO_E_UNSUPPORTED;
}

SOTTO_API int sotto_opus_encoder_new(const sotto_opus_config *cfg, sotto_opus_encoder **ret)
{
    sotto_opus_config c;
    void *state = NULL;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__extra_copy(cfg, sizeof c, &c);
    if (r == 0) r = check_config(&c);
    if (r < 0) return r;
    int channels = c.channels ? c.channels : 1;
    sotto_opus_encoder *e =
        (sotto_opus_encoder *)new_with_state(sizeof *e, opus_encoder_get_size(channels), &state);
    if (!e) return SOTTO_E_NOMEM;
    e->opus = (OpusEncoder *)state;
    e->frame_ms = c.frame_ms ? c.frame_ms : 20;
    e->dtx = c.dtx;
    e->is_speech_with_fec = c.application == SOTTO_OPUS_VOIP && !c.no_fec;
    r = set_up(e, &c, channels);
    if (r < 0) {
        sotto__free(e);
        return r;
    }
    *ret = e;
    return 0;
}

SOTTO_API void sotto_opus_encoder_free(sotto_opus_encoder *e)
{
    sotto__free(e);
}

SOTTO_API int sotto_opus_encode(sotto_opus_encoder *e, const int16_t *pcm, size_t frames,
                                uint8_t *out, size_t cap)
{
    if (!e || !pcm || !out) return SOTTO_E_INVAL;
    if (frames != (size_t)e->frame_ms * (RATE / 1000)) return SOTTO_E_RANGE;
    /* libopus makes a packet fit by spending less; below the least bitrate what it makes is no audio any more */
    if (cap < (size_t)e->frame_ms * MIN_BPS / 8000) return SOTTO_E_TOO_BIG;
    if (cap > SOTTO_OPUS_MAX_PACKET) cap = SOTTO_OPUS_MAX_PACKET;
    int n = opus_encode(e->opus, pcm, (int)frames, out, (opus_int32)cap);
    if (n < 0) return n == OPUS_BUFFER_TOO_SMALL ? SOTTO_E_TOO_BIG : SOTTO_E_INVAL;
    return e->dtx && n <= 2 ? 0 : n; /* opus_encode(): two bytes or less need not be sent */
}

SOTTO_API int sotto_opus_encoder_set_bitrate(sotto_opus_encoder *e, int32_t bps)
{
    if (!e) return SOTTO_E_INVAL;
    if (bps < MIN_BPS || bps > MAX_BPS) return SOTTO_E_RANGE;
    return opus_encoder_ctl(e->opus, OPUS_SET_BITRATE(bps)) == OPUS_OK ? 0 : SOTTO_E_RANGE;
}

SOTTO_API int sotto_opus_encoder_set_loss(sotto_opus_encoder *e, double loss)
{
    if (!e) return SOTTO_E_INVAL;
    if (!(loss >= 0 && loss <= 1)) return SOTTO_E_RANGE; /* NaN is in no range */
    opus_int32 percent = (opus_int32)(loss * 100 + 0.5);
    if (percent == 0 && loss > 0) percent = 1; /* some loss is worth some FEC */
    int r = opus_encoder_ctl(e->opus, OPUS_SET_PACKET_LOSS_PERC(percent));
    /* what libopus takes for music has no FEC, and a voice that sings is music to it */
    if (r == OPUS_OK && e->is_speech_with_fec)
        r = opus_encoder_ctl(e->opus, OPUS_SET_SIGNAL(percent > 0 ? OPUS_SIGNAL_VOICE : OPUS_AUTO));
    return r == OPUS_OK ? 0 : SOTTO_E_RANGE;
}

SOTTO_API int sotto_opus_decoder_new(int32_t channels, sotto_opus_decoder **ret)
{
    void *state = NULL;
    if (!ret) return SOTTO_E_INVAL;
    if (channels != 1 && channels != 2) return SOTTO_E_RANGE;
    sotto_opus_decoder *d =
        (sotto_opus_decoder *)new_with_state(sizeof *d, opus_decoder_get_size(channels), &state);
    if (!d) return SOTTO_E_NOMEM;
    d->opus = (OpusDecoder *)state;
    if (opus_decoder_init(d->opus, RATE, channels) != OPUS_OK) {
        sotto__free(d);
        return SOTTO_E_RANGE;
    }
    *ret = d;
    return 0;
}

SOTTO_API void sotto_opus_decoder_free(sotto_opus_decoder *d)
{
    sotto__free(d);
}

SOTTO_API int sotto_opus_packet_frames(const uint8_t *p, size_t len)
{
    const unsigned char *parts[MAX_PARTS];
    opus_int16 sizes[MAX_PARTS];
    if (!p) return SOTTO_E_INVAL;
    if (len == 0 || len > INT_MAX) return SOTTO_E_SYNTAX;
    int n = opus_packet_parse(p, (opus_int32)len, NULL, parts, sizes, NULL);
    if (n <= 0) return SOTTO_E_SYNTAX;
    int frames = n * opus_packet_get_samples_per_frame(p, RATE);
    return frames <= MAX_FRAMES ? frames : SOTTO_E_SYNTAX;
}

/* What libopus says when it could not decode what it had parsed: its state is then of no use. */
static int decoded(sotto_opus_decoder *d, int n)
{
    if (n >= 0) return n;
    opus_decoder_ctl(d->opus, OPUS_RESET_STATE);
    return SOTTO_E_SYNTAX;
}

static bool is_duration(size_t frames)
{
    return frames >= STEP && frames <= MAX_FRAMES && frames % STEP == 0;
}

SOTTO_API int sotto_opus_decode(sotto_opus_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                                size_t cap)
{
    if (!d || !pcm || (!p && len > 0)) return SOTTO_E_INVAL;
    if (!p) {
        if (!is_duration(cap)) return SOTTO_E_RANGE;
        return decoded(d, opus_decode(d->opus, NULL, 0, pcm, (int)cap, 0));
    }
    int frames = sotto_opus_packet_frames(p, len);
    if (frames < 0) return frames;
    if ((size_t)frames > cap) return SOTTO_E_TOO_BIG;
    return decoded(d, opus_decode(d->opus, p, (opus_int32)len, pcm, frames, 0));
}

SOTTO_API int sotto_opus_decode_fec(sotto_opus_decoder *d, const uint8_t *p, size_t len,
                                    int16_t *pcm, size_t frames)
{
    if (!d || !p || !pcm) return SOTTO_E_INVAL;
    if (!is_duration(frames)) return SOTTO_E_RANGE;
    int r = sotto_opus_packet_frames(p, len);
    if (r < 0) return r;
    return decoded(d, opus_decode(d->opus, p, (opus_int32)len, pcm, (int)frames, 1));
}
