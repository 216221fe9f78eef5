/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sotto_opus_decoder, where libopus runs in a decoder process (isolate_process.c): one question at a time, whose answer is waited for. In:
 * packets of anybody, parsed here first; out: as many frames as asked for, those of the child or, when it died or hangs, concealed.
 * answers: S11 H136
 */
#include <string.h>

#include "extra/isolate_process.h"
#include "util/mem.h"

struct isolate_decoder {
    struct isolate_process process;
    struct isolate_fade fade;
    int channels;
};

int sotto__isolate_decoder_new(int channels, const char *path, struct isolate_decoder **ret)
{
    struct isolate_setup setup = {.kind = ISOLATE_DECODER, .channels = channels};
    struct isolate_decoder *d = (struct isolate_decoder *)sotto__calloc(1, sizeof *d);
    if (!d) return SOTTO_E_NOMEM;
    d->channels = channels;
    sotto__isolate_fade_init(&d->fade, channels);
    int r = sotto__isolate_open(&d->process, &setup, path);
    if (r < 0) {
        sotto__isolate_decoder_free(d);
        return r;
    }
    *ret = d;
    return 0;
}

void sotto__isolate_decoder_free(struct isolate_decoder *d)
{
    if (!d) return;
    sotto__isolate_close(&d->process);
    sotto__free(d);
}

/* The frames that were asked for: all of them, or the child did not do as it should. */
static int answer(struct isolate_decoder *d, int16_t *pcm, int frames)
{
    int r = atomic_load_explicit(&d->process.out->result, memory_order_relaxed);
    if (r == SOTTO_E_SYNTAX) return r; /* libopus would not have what our parser let pass */
    if (r != frames) return SOTTO_E_SYS;
    memcpy(pcm, d->process.out->pcm, (size_t)(frames * d->channels) * sizeof *pcm);
    sotto__isolate_fade_in(&d->fade, pcm, (size_t)frames);
    return frames;
}

static int ask(struct isolate_decoder *d, uint32_t what, const uint8_t *p, size_t len, int16_t *pcm,
               size_t frames)
{
    struct isolate_request *q = &d->process.in->u.request;
    int r = sotto__isolate_watch(&d->process, sotto_now(), false);
    if (r < 0) return r;
    q->what = what;
    q->frames = (uint32_t)frames;
    q->len = (uint32_t)len;
    if (len > 0) memcpy(q->data, p, len);
    sotto__isolate_ring(&d->process);
    if (sotto__isolate_wait(&d->process, ISOLATE_HANG_US)) {
        r = answer(d, pcm, (int)frames);
        if (r != SOTTO_E_SYS) return r;
        sotto__isolate_watch(&d->process, sotto_now(), true);
    }
    sotto__isolate_fade_out(&d->fade, pcm, frames);
    return (int)frames;
}

int sotto__isolate_decode(struct isolate_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                          size_t cap)
{
    if (!p) return ask(d, ISOLATE_CONCEAL, NULL, 0, pcm, cap);
    int frames = sotto_opus_packet_frames(p, len);
    if (frames < 0) return frames;
    if ((size_t)frames > cap || len > ISOLATE_MAX_DATA) return SOTTO_E_TOO_BIG;
    return ask(d, ISOLATE_DECODE, p, len, pcm, (size_t)frames);
}

int sotto__isolate_decode_fec(struct isolate_decoder *d, const uint8_t *p, size_t len, int16_t *pcm,
                              size_t frames)
{
    int r = sotto_opus_packet_frames(p, len);
    if (r < 0) return r;
    if (len > ISOLATE_MAX_DATA) return SOTTO_E_TOO_BIG;
    return ask(d, ISOLATE_FEC, p, len, pcm, frames);
}

void sotto__isolate_decoder_tell(const struct isolate_decoder *d, sotto_isolation *ret)
{
    sotto__isolate_tell(&d->process, ret);
}
