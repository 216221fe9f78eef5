/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets to PCM at 48 kHz: Opus by libopus, PCMU and PCMA by G.711 and the resampler; concealment and recovery from
 * in-band FEC behind one face. All memory is there from the beginning. In: slots of the ring; out: PCM. Which packet is due is not its
 * business.
 */
#include <string.h>

#include "extra/playout.h"
#include "util/mem.h"

#define SILK_FRAME 960 /* 20 ms */

int sotto__playout_decoder_init(struct playout_decoder *d, int channels)
{
    d->channels = channels;
    d->codec = PLAYOUT_OPUS;
    sotto__playout_narrow_init(&d->narrow);
    return sotto__opus_new(channels, &d->opus);
}

void sotto__playout_decoder_free(struct playout_decoder *d)
{
    sotto__opus_free(d->opus);
}

static bool decode_g711(struct playout_decoder *d, const struct playout_slot *s, int16_t *out)
{
    int16_t pcm8[PLAYOUT_MAX_FRAMES / 6];
    if (s->codec == PLAYOUT_PCMU)
        sotto_pcmu_decode(s->data, s->len, pcm8);
    else
        sotto_pcma_decode(s->data, s->len, pcm8);
    sotto__playout_narrow_play(&d->narrow, pcm8, s->len, out, d->channels);
    return true;
}

bool sotto__playout_decode(struct playout_decoder *d, const struct playout_slot *s, int16_t *out)
{
    d->codec = s->codec;
    if (s->codec != PLAYOUT_OPUS) return decode_g711(d, s, out);
    return sotto__opus_decode(d->opus, s->data, s->len, out, (size_t)s->frames) == s->frames;
}

/*
 * A SILK frame begins with a flag of voice activity for each of its 20 ms and then the flag for "low bitrate redundancy", for the
 * middle channel and after it for the side (RFC 6716 §4.2.3); these are coded with even odds: the first bits are they.
 */
static bool has_redundancy(const uint8_t *frame, int32_t frames, bool stereo)
{
    unsigned parts = frames > SILK_FRAME ? (unsigned)(frames / SILK_FRAME) : 1;
    return (frame[0] >> (7 - parts) & 1) || (stereo && (frame[0] >> (6 - 2 * parts) & 1));
}

int32_t sotto__playout_fec_frames(const struct playout_slot *s)
{
    static const int32_t silk[] = {480, 960, 1920, 2880}; /* RFC 6716 table 2 */
    unsigned config = s->data[0] >> 3, code = s->data[0] & 3;
    if (s->codec != PLAYOUT_OPUS || config >= 16) return 0; /* CELT has none */
    int32_t frames = config < 12 ? silk[config & 3] : silk[config & 1];
    size_t head = 1; /* where the first frame begins: §3.2 */
    if (code == 2) head = s->len > 1 && s->data[1] >= 252 ? 3 : 2;
    if (code == 3) {
        if (s->len < 2) return 0;
        size_t at = 2, lengths = s->data[1] & 0x80 ? (size_t)(s->data[1] & 63) - 1 : 0;
        if (s->data[1] & 0x40) /* padding */
            while (at < s->len && s->data[at++] == 255) continue;
        for (; lengths > 0 && at < s->len; lengths--) at += s->data[at] >= 252 ? 2 : 1;
        head = at;
    }
    if (head >= s->len) return 0;
    return has_redundancy(s->data + head, frames, s->data[0] & 4) ? frames : 0;
}

bool sotto__playout_recover(struct playout_decoder *d, const struct playout_slot *s, int32_t frames,
                            int16_t *out)
{
    return sotto__opus_decode_fec(d->opus, s->data, s->len, out, (size_t)frames) == frames;
}

void sotto__playout_conceal(struct playout_decoder *d, int32_t frames, int16_t *out)
{
    if (d->codec != PLAYOUT_OPUS)
        sotto__playout_narrow_conceal(&d->narrow, (size_t)frames / 6, out, d->channels);
    else if (sotto__opus_decode(d->opus, NULL, 0, out, (size_t)frames) != frames)
        memset(out, 0, (size_t)frames * (size_t)d->channels * sizeof *out);
}
