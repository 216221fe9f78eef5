/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: one receiver, driven by a script of packets, times and calls. Property: what it holds is bounded in bytes and number; its due
 * time moves on once next() has nothing more; frames come out when they are due, in order of their due times, none of them empty, the
 * first one of video a key frame; each packet that came is counted once at most; freeing it leaves no memory behind.
 */
#include <stdlib.h>
#include <string.h>

#include "media/recv.h"
#include "media/recv_state.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct codec codecs[] = {
    {.id = CODEC_VP8, .clock = 90000, .pt = 96},   {.id = CODEC_VP9, .clock = 90000, .pt = 98},
    {.id = CODEC_H264, .clock = 90000, .pt = 102}, {.id = CODEC_H265, .clock = 90000, .pt = 104},
    {.id = CODEC_AV1, .clock = 90000, .pt = 106},  {.id = CODEC_OPUS, .clock = 48000, .pt = 111},
    {.id = CODEC_PCMU, .clock = 8000, .pt = 0},
};

struct script {
    const uint8_t *p;
    size_t n;
    struct receiver *r;
    struct receiver_cfg cfg;
    sotto_us now, last_due;
    bool retimed; /* due times began anew */
    uint64_t frames, inputs;
    uint16_t seq;
    uint32_t time;
};

static void require(bool claim)
{
    if (!claim) abort();
}

static uint8_t byte(struct script *s)
{
    if (s->n == 0) return 0;
    s->n--;
    return *s->p++;
}

static void input(struct script *s, uint8_t op)
{
    static uint8_t packet[RTP_HEADER + 8 + 1400];
    const struct codec *codec = s->cfg.is_video ? &codecs[byte(s) % 5] : &codecs[5 + byte(s) % 2];
    struct ext_values ext = {.has = op & 0x10 ? 1u << EXT_DEPENDENCY | 1u << EXT_ORIENTATION : 0,
                             .dependency = packet,
                             .n_dependency = 1 + byte(s) % SOTTO_MAX_DEPENDENCY};
    size_t n = byte(s), head = n < 8 ? n : 8;
    if (op & 0x20 && n > 0) n = 1400;
    memset(packet, 7, sizeof packet);
    for (size_t i = 0; i < head; i++) packet[RTP_HEADER + i] = byte(s);
    struct rtp rtp = {.marker = op & 0x40,
                      .pt = codec->pt,
                      .seq = s->seq,
                      .time = s->time,
                      .payload = packet + RTP_HEADER,
                      .n_payload = n,
                      .n_header = RTP_HEADER};
    sotto__receiver_input(s->r, s->now, &rtp, &ext, codec, op & 0x80, packet, RTP_HEADER + n);
    s->inputs++;
}

static void configure(struct script *s)
{
    static const sotto_us targets[] = {-1, 0, SOTTO_MS(50), SOTTO_SECONDS(4)};
    uint8_t b = byte(s);
    s->cfg.mode = b % 3;
    s->cfg.nack = b & 4;
    s->cfg.pli = b & 8;
    s->cfg.target = targets[b >> 4 & 3];
    if (s->r) sotto__receiver_configure(s->r, s->now, &s->cfg);
    s->retimed = true;
}

static void pull(struct script *s)
{
    struct received *f;
    while ((f = sotto__receiver_pull(s->r, s->now))) {
        require(f->due <= s->now && f->n > 0 && f->data);
        require(s->retimed || f->due >= s->last_due);
        if (!f->is_packet && s->cfg.is_video && s->frames == 0) require(f->is_key);
        s->frames += !f->is_packet;
        s->last_due = f->due;
        s->retimed = false;
        sotto__received_free(f);
    }
    require(!sotto__receiver_ready(s->r));
}

static void turn(struct script *s)
{
    struct receiver_out out;
    for (int i = 0; sotto__receiver_next(s->r, s->now, &out) == 1; i++) {
        require(i < 100);
        if (out.type == RECEIVER_OUT_NACK)
            require(out.n > 0 && out.n <= RECEIVER_MAX_NACK && s->cfg.nack);
        if (out.type == RECEIVER_OUT_KEYFRAME) require(s->cfg.pli);
        if (out.type == RECEIVER_OUT_DROPPED) require(out.count > 0);
    }
    require(sotto__receiver_due(s->r) > s->now);
}

static void check(const struct script *s)
{
    struct receiver_stats stats;
    sotto__receiver_get_stats(s->r, &stats);
    require(s->r->n_bytes <= SOTTO_RECV_BYTES);
    require(s->r->n_queued <= SOTTO_RECV_PACKETS + 1);
    require(s->r->highest - s->r->next < (int64_t)s->r->window);
    require(stats.packets <= s->inputs && stats.late <= stats.discarded);
}

static void step(struct script *s)
{
    uint8_t op = byte(s);
    switch (op & 0x0f) {
    case 0: s->now += SOTTO_MS(byte(s)); break;
    case 1: s->seq = (uint16_t)(s->seq + (int8_t)byte(s)); break;
    case 2: s->seq = (uint16_t)(byte(s) << 8 | byte(s)); break;
    case 3: s->time += (uint32_t)byte(s) * 300; break;
    case 4: s->time = (uint32_t)byte(s) << 24 | byte(s); break;
    case 5: turn(s); break;
    case 6: pull(s); break;
    case 7: configure(s); break;
    case 8: sotto__receiver_want_key(s->r); break;
    case 9: sotto__receiver_set_rtt(s->r, SOTTO_MS(byte(s))); break;
    case 10:
        s->time += 3000; /* the next frame */
        s->now += SOTTO_MS(33);
        input(s, op);
        s->seq++;
        break;
    case 11: input(s, op); break; /* again */
    default: input(s, op); s->seq++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script s = {.p = data, .n = size, .now = SOTTO_SECONDS(10), .last_due = INT64_MIN};
    int64_t before = sotto__mem_live();
    s.cfg.is_video = byte(&s) & 1;
    configure(&s);
    if (sotto__receiver_new(&s.r, &s.cfg) < 0) return 0;
    while (s.n > 0) {
        step(&s);
        check(&s);
    }
    turn(&s);
    s.now += SOTTO_SECONDS(10);
    turn(&s);
    pull(&s);
    sotto__receiver_free(s.r);
    require(sotto__mem_live() == before);
    return 0;
}
