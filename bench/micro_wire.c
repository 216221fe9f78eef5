/* SPDX-License-Identifier: BSD-2-Clause */
/* util and wire: what every packet passes. Packets of 1,200 bytes with the extensions that browsers negotiate; frames of 12 kB. */
#include "micro.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/bytes.h"
#include "util/map.h"
#include "wire/demux.h"
#include "wire/payload.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"
#include "wire/rtp_ext.h"
#include "wire/twcc.h"

/* ---- map ---- */

enum { MAP_KEYS = 1000 };

static void *map_open(size_t n)
{
    struct map *m = micro_alloc(1, sizeof *m);
    (void)n;
    for (uint64_t i = 1; i <= MAP_KEYS; i++)
        micro_expect(sotto__map_put(m, i * 7919, m) == 0, "map");
    return m;
}

static void map_get(void *state, size_t i)
{
    micro_expect(sotto__map_get(state, (i % MAP_KEYS + 1) * 7919) != NULL, "map");
}

static void map_close(void *state)
{
    sotto__map_free(state);
    free(state);
}

const struct micro micro_util[] = {{"map get", 10000, map_open, map_get, map_close}, {0}};

/* ---- RTP ---- */

enum { PACKET = 1200, FRAME = 12000, PAYLOAD = 1100 };

static const uint8_t ids[EXT_COUNT] = {
    [EXT_MID] = 1, [EXT_ABS_SEND] = 2, [EXT_TWCC] = 3, [EXT_RID] = 4};
static const struct ext_values values = {
    .has = 1u << EXT_MID | 1u << EXT_ABS_SEND | 1u << EXT_TWCC,
    .mid = {"0", 1},
    .abs_send = 0x123456,
    .twcc = 4711,
};

struct rtp_state {
    uint8_t packet[PACKET];
    struct rtp rtp;
};

static void *rtp_open(size_t n)
{
    struct rtp_state *s = micro_alloc(1, sizeof *s);
    struct rtp rtp = {.pt = 96, .seq = 1, .time = 2, .ssrc = 3, .has_ext = true};
    (void)n;
    micro_fill(s->packet, sizeof s->packet);
    sotto__rtp_write(&rtp, s->packet);
    micro_expect(sotto__ext_write(ids, &values, s->packet + RTP_HEADER, 100) > 0, "extensions");
    micro_expect(sotto__rtp_parse(s->packet, PACKET, &s->rtp) == 0, "packet");
    return s;
}

static void demux(void *state, size_t i)
{
    struct rtp_state *s = state;
    s->packet[1] = (uint8_t)(96 + (i & 1));
    micro_keep(sotto__demux(s->packet, PACKET));
}

static void rtp_parse(void *state, size_t i)
{
    struct rtp_state *s = state;
    (void)i;
    micro_expect(sotto__rtp_parse(s->packet, PACKET, &s->rtp) == 0, "packet");
}

static void rtp_write(void *state, size_t i)
{
    struct rtp_state *s = state;
    s->rtp.seq = (uint16_t)i;
    sotto__rtp_write(&s->rtp, s->packet);
}

static void ext_read(void *state, size_t i)
{
    struct rtp_state *s = state;
    struct ext_values v;
    (void)i;
    sotto__ext_read(&s->rtp, ids, &v);
    micro_expect(v.twcc == 4711, "extensions");
}

static void ext_write(void *state, size_t i)
{
    struct rtp_state *s = state;
    (void)i;
    micro_expect(sotto__ext_write(ids, &values, s->packet + RTP_HEADER, 100) > 0, "extensions");
}

/* ---- transport-wide feedback: 100 packets, two of them lost ---- */

struct twcc_state {
    struct twcc t;
    uint8_t bytes[PACKET];
    size_t n;
};

static void *twcc_open(size_t n)
{
    struct twcc_state *s = micro_alloc(1, sizeof *s);
    struct writer w = sotto__writer(s->bytes, sizeof s->bytes);
    (void)n;
    s->t = (struct twcc){.ssrc = 1, .media_ssrc = 2, .base_seq = 5, .n = 100, .base_time = 77};
    for (int i = 0; i < 100; i++)
        s->t.status[i] = (struct twcc_status){i != 30 && i != 60, i % 8 ? 1 : 40};
    sotto__twcc_write(&w, &s->t);
    micro_expect(!w.bad, "feedback");
    s->n = w.n;
    return s;
}

static void twcc_parse(void *state, size_t i)
{
    struct twcc_state *s = state;
    struct rtcp r;
    size_t at = 0;
    (void)i;
    micro_expect(sotto__rtcp_check(s->bytes, s->n, true) == 0, "feedback");
    micro_expect(sotto__rtcp_next(s->bytes, s->n, &at, &r) == 1, "feedback");
    micro_expect(sotto__twcc_parse(&r, &s->t) == 0, "feedback");
}

static void twcc_write(void *state, size_t i)
{
    struct twcc_state *s = state;
    struct writer w = sotto__writer(s->bytes, sizeof s->bytes);
    (void)i;
    sotto__twcc_write(&w, &s->t);
    micro_keep(w.n);
}

/* ---- H.264 ---- */

static const struct codec h264 = {.id = CODEC_H264,
                                  .name = "H264",
                                  .clock = 90000,
                                  .channels = 1,
                                  .pt = 102,
                                  .apt = -1,
                                  .params = {.packetization = 1}};

struct frame_state {
    uint8_t frame[FRAME];
    uint8_t bytes[32][PAYLOAD];
    struct payload_piece pieces[32];
    size_t n;
    struct split_state state;
};

static size_t split(struct frame_state *s)
{
    struct split k;
    size_t n = 0, len;
    micro_expect(sotto__split_init(&k, &h264, &s->state, s->frame, FRAME, PAYLOAD, true) == 0,
                 "frame");
    while ((len = sotto__split_next(&k, s->bytes[n])) > 0) {
        s->pieces[n] = (struct payload_piece){s->bytes[n], len};
        n++;
    }
    return n;
}

static void *frame_open(size_t n)
{
    static const uint8_t head[] = {0,    0,    0,    1,    0x67, 0x42, 0xe0, 0x1f, 0xda,
                                   0x02, 0x80, 0xf6, 0x80, 0,    0,    0,    1,    0x68,
                                   0xce, 0x3c, 0x80, 0,    0,    0,    1,    0x65, 0x88};
    struct frame_state *s = micro_alloc(1, sizeof *s);
    (void)n;
    for (size_t i = 0; i < FRAME; i++) s->frame[i] = (uint8_t)(4 + i % 251);
    memcpy(s->frame, head, sizeof head);
    s->n = split(s);
    return s;
}

static void h264_split(void *state, size_t i)
{
    (void)i;
    micro_expect(split(state) > 9, "frame");
}

static void h264_peek(void *state, size_t i)
{
    struct frame_state *s = state;
    const struct payload_piece *k = &s->pieces[i % s->n];
    struct payload_info info;
    micro_expect(sotto__payload_peek(CODEC_H264, k->p, k->n, &info) == 0, "payload");
}

static void h264_join(void *state, size_t i)
{
    struct frame_state *s = state;
    struct buf out;
    (void)i;
    sotto__buf_init(&out, 1 << 20);
    micro_expect(sotto__payload_join(CODEC_H264, s->pieces, s->n, &out) == 0, "frame");
    sotto__buf_free(&out);
}

const struct micro micro_wire[] = {
    {"demux", 10000, rtp_open, demux, free},
    {"rtp parse", 10000, rtp_open, rtp_parse, free},
    {"rtp write", 10000, rtp_open, rtp_write, free},
    {"rtp extensions read", 10000, rtp_open, ext_read, free},
    {"rtp extensions write", 10000, rtp_open, ext_write, free},
    {"twcc parse, 100 packets", 1000, twcc_open, twcc_parse, free},
    {"twcc write, 100 packets", 1000, twcc_open, twcc_write, free},
    {"H.264 split, 12 kB", 500, frame_open, h264_split, free},
    {"H.264 peek", 5000, frame_open, h264_peek, free},
    {"H.264 join, 12 kB", 500, frame_open, h264_join, free},
    {0},
};
