/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opus (RFC 6716) for audio.h: the encoder by libopus, and the face of the decoder, which is in this process (audio_opus_state.c) or in
 * another (isolate_decoder.c). In: PCM at 48 kHz, packets of anybody; out: packets of one RTP payload (RFC 7587), PCM, concealment,
 * frames recovered from in-band FEC. It knows neither RTP nor time.
 */
#include "extra/library.h"
#include "sotto/audio.h"

#include <opus/opus.h>

#include "extra/audio_opus.h"
#include "extra/config.h"
#include "extra/isolate.h"
#include "util/mem.h"

#define RATE 48000
#define MIN_BPS 6000
#define MAX_BPS 510000

struct sotto_opus_encoder {
    OpusEncoder *opus; /* behind this struct, in the same block */
    int32_t frame_ms;
    bool dtx;
    bool is_speech_with_fec;
};

struct sotto_opus_decoder { /* one of the two */
    struct opus_state *opus;
    struct isolate_decoder *isolated;
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

static int check_decoder_config(const sotto_opus_decoder_config *cfg,
                                sotto_opus_decoder_config *ret)
{
    int r = sotto__extra_copy(cfg, sizeof *ret, ret);
    if (r < 0) return r;
    if (ret->channels < 0 || ret->channels > 2) return SOTTO_E_RANGE;
    if (ret->channels == 0) ret->channels = 1;
    return ret->decoder_path && !ret->isolate_decoder ? SOTTO_E_INVAL : 0;
}

SOTTO_API int sotto_opus_decoder_open(const sotto_opus_decoder_config *cfg,
                                      sotto_opus_decoder **ret)
{
    sotto_opus_decoder_config c;
    if (!ret) return SOTTO_E_INVAL;
    int r = check_decoder_config(cfg, &c);
    if (r < 0) return r;
    sotto_opus_decoder *d = (sotto_opus_decoder *)sotto__calloc(1, sizeof *d);
    if (!d) return SOTTO_E_NOMEM;
    if (c.isolate_decoder)
        r = sotto__isolate_decoder_new(c.channels, c.decoder_path, &d->isolated);
    else
        r = sotto__opus_new(c.channels, &d->opus);
    if (r < 0) {
        sotto__free(d);
        return r;
    }
    *ret = d;
    return 0;
}

SOTTO_API int sotto_opus_decoder_new(int32_t channels, sotto_opus_decoder **ret)
{
    sotto_opus_decoder_config c = {.size = sizeof c, .channels = channels};
    if (!ret) return SOTTO_E_INVAL;
    return channels == 0 ? SOTTO_E_RANGE : sotto_opus_decoder_open(&c, ret);
}

SOTTO_API void sotto_opus_decoder_free(sotto_opus_decoder *d)
{
    if (!d) return;
    sotto__isolate_decoder_free(d->isolated);
    sotto__opus_free(d->opus);
    sotto__free(d);
}

SOTTO_API int sotto_opus_decoder_get_isolation(const sotto_opus_decoder *d, sotto_isolation *ret)
{
    sotto_isolation all = {.size = sizeof all, .state = SOTTO_ISOLATION_NONE};
    if (!d || !ret) return SOTTO_E_INVAL;
    int r = sotto__extra_check(ret, sizeof all);
    if (r < 0) return r;
    if (d->isolated) sotto__isolate_decoder_tell(d->isolated, &all);
    sotto__extra_fill(ret, &all, sizeof all);
    return 0;
}

static bool is_duration(size_t frames)
{
    return frames >= OPUS_STEP && frames <= OPUS_MAX_FRAMES && frames % OPUS_STEP == 0;
}

SOTTO_API int sotto_opus_decode(sotto_opus_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                                size_t cap)
{
    if (!d || !pcm || (!p && len > 0)) return SOTTO_E_INVAL;
    if (!p && !is_duration(cap)) return SOTTO_E_RANGE;
    if (!d->isolated) return sotto__opus_decode(d->opus, p, len, pcm, cap);
    return sotto__isolate_decode(d->isolated, p, len, pcm, cap);
}

SOTTO_API int sotto_opus_decode_fec(sotto_opus_decoder *d, const uint8_t *p, size_t len,
                                    int16_t *pcm, size_t frames)
{
    if (!d || !p || !pcm) return SOTTO_E_INVAL;
    if (!is_duration(frames)) return SOTTO_E_RANGE;
    if (!d->isolated) return sotto__opus_decode_fec(d->opus, p, len, pcm, frames);
    return sotto__isolate_decode_fec(d->isolated, p, len, pcm, frames);
}

const char *sotto__opus_library_version(void)
{
    return opus_get_version_string();
}
