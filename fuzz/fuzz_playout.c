/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto_playout_*, and the encoders and decoders beside it, as a list of operations: frames of Opus and G.711 that are encoded
 * here, or are any bytes, with any times, gaps and losses; pulls; encoders of any configuration.
 * Property: a pull gives what was asked for and writes nothing behind it; what was played is what was pulled, and no more is concealed
 * or silent than was played; counters never go back; the delay stays within what was configured; each refusal is one of those that the
 * header names; an encoder gives packets that last as long as its frames; nothing is left.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "sotto/audio.h"
#include "util/bytes.h"
#include "util/mem.h"
#include "util/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FRAMES = 5760, GUARD = 0x5a, STEPS = 120 };

struct world {
    struct reader in;
    sotto_playout *out;
    sotto_opus_encoder *enc;
    sotto_opus_config opus;
    size_t channels;
    sotto_us longest, received;
    uint32_t rtp;
    uint64_t played;
    sotto_playout_stats last;
};

static void new_encoder(struct world *w)
{
    uint8_t how = sotto__read_u8(&w->in), more = sotto__read_u8(&w->in);
    static const int32_t lengths[] = {0, 10, 20, 40, 60, 30, -1, 61};
    sotto_opus_config c = {.size = sizeof c,
                           .channels = how & 3,
                           .frame_ms = lengths[how >> 2 & 7],
                           .application = how >> 5 & 3,
                           .dtx = how & 128,
                           .no_fec = more & 1,
                           .complexity_kind = more & 2 ? 1 : 0,
                           .complexity = more >> 2 & 15,
                           .bps = more & 64 ? (int32_t)sotto__read_u32(&w->in) : 0};
    sotto_opus_encoder *e = NULL;
    int r = sotto_opus_encoder_new(&c, &e);
    require(r == 0 ? e != NULL : r == SOTTO_E_RANGE && !e);
    if (r < 0) return;
    sotto_opus_encoder_free(w->enc);
    w->enc = e, w->opus = c;
    r = sotto_opus_encoder_set_bitrate(e, (int32_t)sotto__read_u16(&w->in) * 16);
    require(r == 0 || r == SOTTO_E_RANGE);
    r = sotto_opus_encoder_set_loss(e, sotto__read_u8(&w->in) / 128.0);
    require(r == 0 || r == SOTTO_E_RANGE);
}

static void put(struct world *w, const char *mime, const uint8_t *p, size_t n, uint32_t ticks)
{
    uint8_t how = sotto__read_u8(&w->in);
    sotto_frame f = {.size = sizeof f, .data = p, .len = n, .mime = mime};
    f.rtp_time = w->rtp;
    f.received_us = w->received;
    f.dropped = how & 1 ? how >> 4 : 0;
    int r = sotto_playout_put(w->out, &f);
    require(r == 0 || r == SOTTO_E_AGAIN || r == SOTTO_E_SYNTAX || r == SOTTO_E_TOO_BIG ||
            r == SOTTO_E_UNSUPPORTED || r == SOTTO_E_INVAL || r == SOTTO_E_RANGE);
    w->rtp += ticks * (how & 2 ? 2 : 1);
    if (how & 4) w->rtp += sotto__read_u32(&w->in);
    w->received += SOTTO_MS(how & 8 ? sotto__read_u8(&w->in) : 20);
}

/* A tone, or noise, as the encoder of now makes it. */
static void put_encoded(struct world *w)
{
    static int16_t pcm[2 * MAX_FRAMES];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET], pitch = sotto__read_u8(&w->in);
    if (!w->enc) return;
    size_t frames = 48u * (size_t)(w->opus.frame_ms ? w->opus.frame_ms : 20);
    size_t channels = w->opus.channels ? (size_t)w->opus.channels : 1;
    for (size_t i = 0; i < frames * channels; i++)
        pcm[i] = pitch == 0 ? 0 : (int16_t)(8000 * sin((double)i * pitch / 1000));
    int n = sotto_opus_encode(w->enc, pcm, frames, packet, sizeof packet);
    require(n >= 0 && n <= (int)sizeof packet);
    require(sotto_opus_encode(w->enc, pcm, frames + 1, packet, sizeof packet) == SOTTO_E_RANGE);
    if (n == 0) return;
    require(sotto_opus_packet_frames(packet, (size_t)n) == (int)frames);
    put(w, "audio/opus", packet, (size_t)n, (uint32_t)frames);
}

static void put_raw(struct world *w)
{
    static const char *const mimes[] = {"audio/opus", "audio/PCMU", "audio/PCMA", "audio/opus",
                                        "video/VP8",  "audio/pcmu", NULL,         ""};
    uint8_t how = sotto__read_u8(&w->in);
    size_t n = how & 128 ? sotto__read_u16(&w->in) % 1600 : (how >> 3 & 15u) * 4u;
    if (n > w->in.n) n = w->in.n;
    const uint8_t *p = sotto__read_view(&w->in, n);
    uint8_t *copy = malloc(n ? n : 1);
    require(copy != NULL);
    if (p && n > 0) memcpy(copy, p, n);
    put(w, mimes[how & 7], p ? copy : NULL, n, (uint32_t)n);
    free(copy);
}

static void put_g711(struct world *w)
{
    int16_t pcm[320], back[320];
    uint8_t bytes[320], how = sotto__read_u8(&w->in);
    bool is_a = how & 1;
    for (size_t i = 0; i < 320; i++) pcm[i] = (int16_t)(sin((double)i * how / 300) * 12000);
    require((is_a ? sotto_pcma_encode(pcm, 320, bytes) : sotto_pcmu_encode(pcm, 320, bytes)) ==
            320);
    require((is_a ? sotto_pcma_decode(bytes, 320, back) : sotto_pcmu_decode(bytes, 320, back)) ==
            320);
    for (size_t i = 0; i < 320; i++) require(abs(pcm[i] - back[i]) <= 8 + abs(pcm[i]) / 16);
    put(w, is_a ? "audio/PCMA" : "audio/PCMU", bytes, how & 2 ? 160 : 320, how & 2 ? 160 : 320);
}

static void look(struct world *w)
{
    sotto_playout_stats s = {.size = sizeof s};
    sotto_isolation where = {.size = sizeof where};
    char *json = NULL;
    require(sotto_playout_get_isolation(w->out, &where) == 0);
    require(where.state == SOTTO_ISOLATION_NONE && where.deaths == 0 && where.pid == 0);
    require(sotto_playout_get_stats(w->out, &s) == 0);
    require(s.frames_played == w->played && s.frames_concealed <= s.frames_played);
    require(s.frames_silent <= s.frames_concealed && s.delay >= 0 && s.target >= 0);
    require(s.target <= w->longest);
    require(isfinite(s.drift_ppm) && s.frames_concealed >= w->last.frames_concealed);
    require(s.packets_late >= w->last.packets_late && s.packets_dropped >= w->last.packets_dropped);
    require(s.concealment_events >= w->last.concealment_events);
    require(sotto_playout_get_stats_json(w->out, &json) == 0 && json[0] == '{');
    sotto__free(json);
    w->last = s;
}

static void pull(struct world *w)
{
    static int16_t pcm[2 * MAX_FRAMES + 2];
    uint16_t v = sotto__read_u16(&w->in);
    size_t frames = v & 0x8000 ? v % 6000u : 480;
    memset(pcm, GUARD, sizeof pcm);
    int r = sotto_playout_pull(w->out, pcm, frames);
    require(frames >= 1 && frames <= MAX_FRAMES ? r == (int)frames : r == SOTTO_E_RANGE);
    const uint8_t *behind = (const uint8_t *)(pcm + (r > 0 ? (size_t)r : 0) * w->channels);
    for (size_t i = 0; i < 4; i++) require(behind[i] == GUARD);
    if (r > 0) w->played += (uint64_t)r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.in = sotto__reader(data, size), .last = {.size = sizeof w.last}};
    uint8_t how = sotto__read_u8(&w.in);
    sotto_playout_config c = {.size = sizeof c, .channels = how & 3};
    if (how & 4) c.min_delay = SOTTO_MS(sotto__read_u16(&w.in) % 4500);
    if (how & 8) c.max_delay = SOTTO_MS(sotto__read_u16(&w.in) % 4500);
    int64_t live = sotto__mem_live();
    int r = sotto_playout_new(&c, &w.out);
    require(r == 0 ? w.out != NULL : r == SOTTO_E_RANGE && !w.out);
    if (r < 0) return 0;
    w.channels = c.channels ? (size_t)c.channels : 1;
    w.longest = c.max_delay                   ? c.max_delay
                : c.min_delay > SOTTO_MS(500) ? c.min_delay
                                              : SOTTO_MS(500);
    w.rtp = how & 16 ? 0xffffe000u : 0;
    for (int i = 0; i < STEPS && w.in.n > 0; i++) {
        switch (sotto__read_u8(&w.in) % 8) {
        case 0: new_encoder(&w); break;
        case 1:
        case 2: put_encoded(&w); break;
        case 3: put_raw(&w); break;
        case 4: put_g711(&w); break;
        case 5: look(&w); break;
        default: pull(&w);
        }
    }
    look(&w);
    sotto_opus_encoder_free(w.enc);
    sotto_playout_free(w.out);
    require(sotto__mem_live() == live);
    return 0;
}
