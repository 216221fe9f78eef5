/* SPDX-License-Identifier: BSD-2-Clause */
/* See stage.h. Packets that are on their way stand in a list sorted by when they arrive. */
#include "stage.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ON_THE_WAY 1024

struct packet {
    sotto_us arrives;
    uint32_t rtp_time;
    uint64_t dropped;
    size_t len;
    uint8_t data[SOTTO_OPUS_MAX_PACKET];
};

struct sender {
    sotto_opus_encoder *opus;
    struct packet way[ON_THE_WAY];
    int n;
    uint64_t dropped;
    int64_t numbers; /* of packets */
};

uint64_t stage_random(struct stage *s)
{
    if (!s->seed) s->seed = 0x9e3779b97f4a7c15;
    s->seed ^= s->seed << 13;
    s->seed ^= s->seed >> 7;
    s->seed ^= s->seed << 17;
    return s->seed;
}

double stage_chance(struct stage *s)
{
    return (double)(stage_random(s) >> 11) / 9007199254740992.0;
}

double stage_sound(enum stage_sound sound, int64_t at)
{
    double t = (double)(at % (48000 * 60)) / 48000, v = 0;
    if (sound == STAGE_TONE) return 0.4 * sin(2 * M_PI * 440 * t);
    if (sound == STAGE_TALK && fmod(t, 4) > 2) return 0;
    double pitch = 140 + 20 * sin(2 * M_PI * 0.5 * t);
    double phase = 2 * M_PI * 140 * t - 40 * cos(2 * M_PI * 0.5 * t);
    for (int h = 1; h * pitch < 3000; h++) v += sin(h * phase) / h;
    return 0.15 * v * (1 + 0.4 * sin(2 * M_PI * 3 * t));
}

static size_t encode_narrow(const struct stage *s, int64_t at, int frames, uint8_t *out)
{
    int16_t pcm[960];
    int n = frames / 6;
    for (int i = 0; i < n; i++) pcm[i] = (int16_t)lrint(32000 * stage_sound(s->sound, at + 6 * i));
    return (size_t)(strcmp(s->mime, "audio/PCMU") == 0 ? sotto_pcmu_encode(pcm, (size_t)n, out)
                                                       : sotto_pcma_encode(pcm, (size_t)n, out));
}

static size_t encode(const struct stage *s, struct sender *from, int64_t at, int frames,
                     uint8_t *out)
{
    int16_t pcm[2880 * 2];
    if (!from->opus) return encode_narrow(s, at, frames, out);
    for (int i = 0; i < frames; i++)
        for (int c = 0; c < s->channels; c++)
            pcm[i * s->channels + c] = (int16_t)lrint(32000 * stage_sound(s->sound, at + i));
    int n = sotto_opus_encode(from->opus, pcm, (size_t)frames, out, SOTTO_OPUS_MAX_PACKET);
    assert_true(n >= 0);
    return (size_t)n;
}

static void add(struct sender *from, const struct packet *p)
{
    assert_true(from->n < ON_THE_WAY);
    int i = from->n++;
    for (; i > 0 && from->way[i - 1].arrives > p->arrives; i--) from->way[i] = from->way[i - 1];
    from->way[i] = *p;
}

/* Everything that was sent until now goes on its way. */
static void send(struct stage *s, struct sender *from)
{
    const int frames = s->frame_ms * 48;
    for (;; s->sent++) {
        sotto_us at = (sotto_us)((double)(s->sent + 1) * s->frame_ms * 1000 * (1 - s->ppm / 1e6));
        if (at > s->now) return;
        struct packet p;
        p.len = encode(s, from, s->sent * frames, frames, p.data);
        uint32_t ticks = (uint32_t)(s->sent * (from->opus ? frames : frames / 6));
        p.rtp_time = s->first_time + ticks;
        if (s->stamp) p.rtp_time = s->stamp(s, s->sent, p.rtp_time);
        if (p.len == 0) continue; /* DTX */
        sotto_us delay = s->network ? s->network(s, from->numbers, at) : 0;
        from->numbers++;
        if (delay == STAGE_LOST) {
            s->lost++;
            from->dropped++;
            continue;
        }
        p.arrives = at + delay;
        p.dropped = s->tells_loss ? from->dropped : 0;
        from->dropped = 0;
        add(from, &p);
    }
}

static void deliver(struct stage *s, struct sender *from)
{
    int n = 0;
    for (; n < from->n && from->way[n].arrives <= s->now; n++) {
        const struct packet *p = &from->way[n];
        sotto_frame f = {.size = sizeof f,
                         .data = p->data,
                         .len = p->len,
                         .mime = s->mime,
                         .rtp_time = p->rtp_time,
                         .received_us = p->arrives + 1000000,
                         .dropped = p->dropped};
        assert_int_equal(sotto_playout_put(s->playout, &f), 0);
    }
    from->n -= n;
    memmove(from->way, from->way + n, (size_t)from->n * sizeof from->way[0]);
}

static void measure(struct stage *s, const int16_t *pcm)
{
    for (size_t i = 0; i < s->pull; i++) {
        double v = pcm[i * (size_t)s->channels];
        s->zeros = v == 0 ? s->zeros + 1 : 0;
        if (s->now < s->warm_up) s->zeros = 0;
        if (s->zeros > s->most_zeros) s->most_zeros = s->zeros;
        double bend = fabs(v - 2 * s->last[1] + s->last[0]);
        if (s->now >= s->warm_up && bend > s->roughest) s->roughest = bend;
        s->last[0] = s->last[1];
        s->last[1] = v;
        if (s->now >= s->warm_up) s->energy += v * v, s->heard++;
    }
    s->stats.size = sizeof s->stats;
    assert_int_equal(sotto_playout_get_stats(s->playout, &s->stats), 0);
    if (s->now < s->warm_up) return;
    sotto_us off = s->stats.delay - s->stats.target;
    if (off > s->most_above) s->most_above = off;
    if (-off > s->most_below) s->most_below = -off;
    if (s->stats.target > s->highest_target) s->highest_target = s->stats.target;
}

void stage_run(struct stage *s)
{
    static struct sender from;
    int16_t pcm[5760 * 2];
    from = (struct sender){0};
    if (!s->mime) s->mime = "audio/opus";
    if (!s->channels) s->channels = 1;
    if (!s->frame_ms) s->frame_ms = 20;
    if (!s->pull) s->pull = 480;
    if (!s->warm_up) s->warm_up = 2000000;
    sotto_opus_config oc = {.size = sizeof oc,
                            .channels = s->channels,
                            .frame_ms = s->frame_ms,
                            .bps = s->bps,
                            .dtx = s->dtx};
    if (strcmp(s->mime, "audio/opus") == 0) {
        assert_int_equal(sotto_opus_encoder_new(&oc, &from.opus), 0);
        assert_int_equal(sotto_opus_encoder_set_loss(from.opus, s->reported_loss), 0);
    }
    sotto_playout_config pc = {.size = sizeof pc,
                               .channels = s->channels,
                               .min_delay = s->min_delay,
                               .max_delay = s->max_delay};
    assert_int_equal(sotto_playout_new(&pc, &s->playout), 0);
    for (double pulled = 0; pulled < s->seconds * 48000; pulled += (double)s->pull) {
        s->now = (sotto_us)(pulled * 1000 / 48);
        send(s, &from);
        deliver(s, &from);
        assert_int_equal(sotto_playout_pull(s->playout, pcm, s->pull), s->pull);
        measure(s, pcm);
        if (s->hear) s->hear(s, pcm, s->pull);
    }
    if (s->heard) s->energy /= (double)s->heard;
    sotto_playout_free(s->playout);
    sotto_opus_encoder_free(from.opus);
}
