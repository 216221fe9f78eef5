/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto_opus_decode, _decode_fec, _packet_frames. Property: a packet that has a duration is decoded to exactly that, at most 5760
 * frames; any other is refused by all three; nothing is written behind what is returned; concealment works after either.
 */
#include <stdlib.h>
#include <string.h>

#include "sotto/audio.h"

#define MAX_FRAMES 5760
#define GUARD 0x5a

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

/* As many packets as the input has: each is preceded by its length in two bytes, what is left over is the last. */
static const uint8_t *next_packet(const uint8_t **at, size_t *left, size_t *len)
{
    if (*left < 2) return NULL;
    size_t n = (size_t)((*at)[0] << 8 | (*at)[1]);
    const uint8_t *p = *at + 2;
    *left -= 2;
    *len = n < *left ? n : *left;
    *at += 2 + *len;
    *left -= *len;
    return p;
}

static void one_packet(sotto_opus_decoder *d, int channels, const uint8_t *p, size_t len)
{
    static int16_t pcm[(MAX_FRAMES + 1) * 2];
    int frames = sotto_opus_packet_frames(p, len);
    require(frames == SOTTO_E_SYNTAX || (frames >= 120 && frames <= MAX_FRAMES));
    int fec = sotto_opus_decode_fec(d, p, len, pcm, 960);
    require(frames < 0 ? fec == frames : fec == 960);
    memset(pcm, GUARD, sizeof pcm);
    size_t cap = frames > 0 ? (size_t)frames : MAX_FRAMES;
    int r = sotto_opus_decode(d, p, len, pcm, cap);
    require(r == frames);
    const uint8_t *behind = (const uint8_t *)(pcm + cap * (size_t)channels);
    for (size_t i = 0; i < 2 * (size_t)channels; i++) require(behind[i] == GUARD);
    require(frames < 0 || sotto_opus_decode(d, p, len, pcm, cap - 1) == SOTTO_E_TOO_BIG);
    require(sotto_opus_decode(d, NULL, 0, pcm, 480) == 480);
}

/* By either function; returns its channels, 0: there is none. */
static int open_decoder(uint8_t how, sotto_opus_decoder **ret)
{
    sotto_isolation where = {.size = sizeof where};
    sotto_opus_decoder_config cfg = {.size = sizeof cfg, .channels = how >> 1};
    bool is_wrong = cfg.channels > 2;
    int r = how & 1 || is_wrong ? sotto_opus_decoder_open(&cfg, ret)
                                : sotto_opus_decoder_new(cfg.channels, ret);
    if (is_wrong || (cfg.channels == 0 && !(how & 1))) {
        require(r == SOTTO_E_RANGE && !*ret);
        return 0;
    }
    require(r == 0 && *ret && sotto_opus_decoder_get_isolation(*ret, &where) == 0);
    require(where.state == SOTTO_ISOLATION_NONE && where.deaths == 0 && where.pid == 0);
    return cfg.channels ? cfg.channels : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_opus_decoder *d = NULL;
    const uint8_t *p;
    size_t len;
    if (size == 0) return 0;
    int channels = open_decoder(data[0], &d);
    if (channels == 0) return 0;
    data++, size--;
    for (int i = 0; i < 16 && (p = next_packet(&data, &size, &len)); i++)
        one_packet(d, channels, p, len);
    sotto_opus_decoder_free(d);
    return 0;
}
