/* SPDX-License-Identifier: BSD-2-Clause */
/* media: a session that sends and receives packets of 1,200 bytes with the extensions that browsers negotiate, and its parts alone. */
#include "micro.h"

#include <stdlib.h>
#include <string.h>

#include "media/session.h"

enum { PACKET = 1200, PACKET_US = 500, FRAME_PACKETS = 10, CLOCK = 90000 };

static struct codec codecs[] = {{.id = CODEC_H264,
                                 .name = "H264",
                                 .clock = CLOCK,
                                 .channels = 1,
                                 .pt = 102,
                                 .apt = -1,
                                 .feedback = FEEDBACK_NACK | FEEDBACK_PLI,
                                 .params = {.packetization = 1}}};
static const struct codec_list list = {codecs, 1, 1};
static const uint8_t ids[EXT_COUNT] = {[EXT_MID] = 1, [EXT_ABS_SEND] = 2, [EXT_TWCC] = 3};

struct session_state {
    struct session s;
    struct line line;
    uint8_t packet[PACKET];
    size_t n_head, frames;
};

static struct session_state *session_open(bool sends, bool simulcast)
{
    static const char *const rids[] = {"lo", "mid", "hi"};
    struct session_state *s = micro_alloc(1, sizeof *s);
    struct line cfg = {.kind = SOTTO_VIDEO,
                       .mid = "0",
                       .sends = sends,
                       .receives = !sends,
                       .send = &list,
                       .recv = &list,
                       .ids = ids,
                       .max_bps = UINT64_MAX,
                       .n_outgoing = simulcast ? 3 : 1};
    for (size_t i = 0; simulcast && i < 3; i++) cfg.outgoing[i].rid = rids[i];
    micro_expect(sotto__session_init(&s->s, "cname", 0, MICRO_T0) == 0, "session");
    s->s.can_send = true;
    sotto__session_configure(&s->s, MICRO_T0, &s->line, &cfg);
    micro_fill(s->packet, sizeof s->packet);
    return s;
}

static void session_close(void *state)
{
    struct session_state *s = state;
    sotto__session_remove(&s->s, &s->line);
    sotto__session_free(&s->s);
    free(s);
}

/* Takes all that it says; how many packets of media. */
static size_t take(struct session_state *s, sotto_us now)
{
    struct session_out out;
    size_t n = 0;
    while (sotto__session_next(&s->s, now, &out) == 1) n += out.type == SESSION_OUT_RTP;
    return n;
}

/* ---- out ---- */

static void *out_open(size_t n)
{
    (void)n;
    return session_open(true, false);
}

static void packet_out(void *state, size_t i)
{
    struct session_state *s = state;
    struct rtp rtp = {.pt = 102, .seq = (uint16_t)i, .time = (uint32_t)i * 30};
    sotto_us now = MICRO_T0 + (sotto_us)i * PACKET_US;
    sotto__rtp_write(&rtp, s->packet);
    micro_expect(sotto__session_send_rtp(&s->s, now, &s->line, s->packet, PACKET) == 0, "packet");
    micro_expect(take(s, now) == 1, "departure");
}

static void *outgoing_open(size_t n)
{
    static const uint8_t key[] = {0, 0, 0, 1, 0x65, 0x88, 0x80, 0x10};
    struct session_state *s = session_open(true, true);
    (void)n;
    for (int i = 0; i < 3; i++) { /* an encoding has its SSRC from its first frame on */
        sotto_frame f = {.size = sizeof f, .data = key, .len = sizeof key, .is_key = true};
        f.payload_kind = 1, f.payload_type = 102, f.rid = s->line.outgoing[i].rid;
        micro_expect(sotto__session_send_frame(&s->s, MICRO_T0, &s->line, &f) == 0, "frame");
    }
    take(s, MICRO_T0 + SOTTO_SECONDS(1));
    return s;
}

static void outgoing(void *state, size_t i)
{
    struct session_state *s = state;
    struct line *line;
    uint32_t ssrc = s->line.outgoing[i % 3].ssrc;
    micro_expect(sotto__session_outgoing(&s->s, ssrc, &line) != NULL, "encoding");
}

/* ---- in ---- */

static void *in_open(size_t n)
{
    struct session_state *s = session_open(false, false);
    struct ext_values values = {.has = 1u << EXT_MID | 1u << EXT_TWCC, .mid = {"0", 1}};
    struct rtp rtp = {.pt = 102, .ssrc = 77, .has_ext = true};
    (void)n;
    sotto__rtp_write(&rtp, s->packet);
    int k = sotto__ext_write(ids, &values, s->packet + RTP_HEADER, 100);
    micro_expect(k > 0, "extensions");
    s->n_head = RTP_HEADER + (size_t)k;
    return s;
}

/* The next packet of a video of key frames, ten packets each: the first slice is cut into ten. */
static void next_packet(struct session_state *s, size_t i)
{
    size_t part = i % FRAME_PACKETS;
    uint32_t time = (uint32_t)(i / FRAME_PACKETS) * (CLOCK / 200);
    uint8_t *p = s->packet, *payload = s->packet + s->n_head;
    p[1] = (uint8_t)(part == FRAME_PACKETS - 1 ? 0x80 | 102 : 102);
    p[2] = (uint8_t)(i >> 8), p[3] = (uint8_t)i;
    for (int k = 0; k < 4; k++) p[4 + k] = (uint8_t)(time >> (24 - 8 * k));
    payload[0] = 0x7c; /* FU-A: RFC 6184 §5.8 */
    payload[1] = (uint8_t)(5 | (part == 0 ? 0x80 : 0) | (part == FRAME_PACKETS - 1 ? 0x40 : 0));
}

static void packet_in(void *state, size_t i)
{
    struct session_state *s = state;
    sotto_us now = MICRO_T0 + (sotto_us)i * PACKET_US, capture;
    struct line *line;
    const char *rid;
    struct received *f;
    next_packet(s, i);
    sotto__session_rtp(&s->s, now, s->packet, PACKET);
    take(s, now);
    for (; (f = sotto__session_pull(&s->s, now, &line, &rid, &capture)); s->frames++)
        sotto__received_free(f);
}

static void in_close(void *state)
{
    micro_expect(((struct session_state *)state)->frames > 0, "no frames");
    session_close(state);
}

static void *recv_open(size_t n)
{
    struct receiver_cfg cfg = {.is_video = true, .nack = true, .pli = true, .target = 0};
    struct receiver *r;
    (void)n;
    micro_expect(sotto__receiver_new(&r, &cfg) == 0, "receiver");
    return r;
}

/* A packet that is a whole frame. */
static void recv_input(void *state, size_t i)
{
    static uint8_t packet[PACKET] = {0x80, 102, [RTP_HEADER] = 0x65};
    struct rtp rtp = {.marker = true, .pt = 102, .seq = (uint16_t)i, .time = (uint32_t)i * 45};
    struct ext_values none = {0};
    struct received *f;
    sotto_us now = MICRO_T0 + (sotto_us)i * PACKET_US;
    rtp.n_header = RTP_HEADER, rtp.payload = packet + RTP_HEADER,
    rtp.n_payload = PACKET - RTP_HEADER;
    sotto__receiver_input(state, now, &rtp, &none, &codecs[0], false, packet, PACKET);
    while ((f = sotto__receiver_pull(state, now))) sotto__received_free(f);
}

static void recv_close(void *state)
{
    struct receiver_stats stats;
    sotto__receiver_get_stats(state, &stats);
    micro_expect(stats.frames > 0 && stats.discarded == 0, "frames");
    sotto__receiver_free(state);
}

/* ---- parts ---- */

static void *jitter_open(size_t n)
{
    struct jitter *j = micro_alloc(1, sizeof *j);
    (void)n;
    sotto__jitter_init(j, -1);
    return j;
}

static void jitter_frame(void *state, size_t i)
{
    uint32_t time = (uint32_t)i * 3000;
    sotto_us at = MICRO_T0 + (sotto_us)i * 33333 + (sotto_us)(i * 7919 % 5000);
    sotto__jitter_frame(state, at, time, CLOCK, 0);
    micro_keep((uint64_t)sotto__jitter_due(state, time));
}

static void *arrivals_open(size_t n)
{
    (void)n;
    return micro_alloc(1, sizeof(struct arrivals));
}

static void arrival(void *state, size_t i)
{
    sotto__arrivals_packet(state, MICRO_T0 + (sotto_us)i * PACKET_US, (uint16_t)i);
}

static void arrivals_close(void *state)
{
    sotto__arrivals_free(state);
    free(state);
}

static void *departures_open(size_t n)
{
    (void)n;
    return micro_alloc(1, sizeof(struct departures));
}

static void departure(void *state, size_t i)
{
    micro_keep(sotto__departures_packet(state, MICRO_T0 + (sotto_us)i * PACKET_US, PACKET));
}

static void departures_close(void *state)
{
    sotto__departures_free(state);
    free(state);
}

const struct micro micro_media[] = {
    {"session: packet out", 2000, out_open, packet_out, session_close},
    {"session: encoding of an SSRC", 5000, outgoing_open, outgoing, session_close},
    {"session: packet in", 2000, in_open, packet_in, in_close},
    {"recv input: a frame of one packet", 2000, recv_open, recv_input, recv_close},
    {"jitter: a frame", 2000, jitter_open, jitter_frame, free},
    {"arrival: a packet in", 500, arrivals_open, arrival, arrivals_close},
    {"arrival: a packet out", 500, departures_open, departure, departures_close},
    {0},
};
