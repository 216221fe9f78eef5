/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The measures of media. rtp: a sends RTP packets, RATE a second or, with 0, as fast as it can; b counts what comes. frame: a sends whole
 * H.264 frames, 60 a second, each a key frame; b takes them. Both between two processes, and end with a line "R {json}". opus: in one
 * process, coding and decoding in turn.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET (SOTTO_MAX_RTP < 1200u ? SOTTO_MAX_RTP : 1200u)
#define BATCH 64

static void run_until(struct bench_link *l, sotto_us end)
{
    sotto_event *e;
    do {
        e = bench_next_event(l, end);
        sotto_event_free(e);
    } while (e);
}

/* What was negotiated of that type, or the first of all. */
static int32_t payload_type(struct bench_link *l, const char *mime)
{
    sotto_codecs *codecs = NULL;
    int32_t pt = -1;
    bench_check(sotto_transceiver_codec(l->video, &codecs), "codecs");
    for (size_t i = 0; i < codecs->n; i++)
        if (pt < 0 && (!mime || strcmp(codecs->items[i].mime, mime) == 0))
            pt = codecs->items[i].payload_type;
    sotto_free(codecs);
    if (pt < 0) bench_check(SOTTO_E_UNSUPPORTED, mime);
    return pt;
}

/* How many packets are due. */
static unsigned long long due(struct bench_window w, long rate, unsigned long long sent)
{
    if (rate == 0) return BATCH;
    unsigned long long all = (unsigned long long)((sotto_now() - w.start) * rate / 1000000);
    return all > sent ? all - sent : 0;
}

static int rtp_send(struct bench_link *l, long rate, double seconds)
{
    static uint8_t packet[PACKET];
    uint16_t seq = 0;
    uint32_t time = 0;
    unsigned long long sent = 0;
    bool reported = false;
    packet[0] = 0x80, packet[1] = (uint8_t)payload_type(l, NULL);
    run_until(l, sotto_now() + 200000);
    struct bench_window w = bench_window_open(seconds);
    while (sotto_now() < w.end + 300000) { /* b's window ends later */
        unsigned long long n = due(w, rate, sent);
        sotto_ctx_batch(l->ctx, true);
        for (; n > 0; n--, sent++) {
            packet[2] = (uint8_t)(seq >> 8), packet[3] = (uint8_t)seq++;
            for (int i = 0; i < 4; i++) packet[4 + i] = (uint8_t)(time >> 8 * (3 - i));
            time += 30;
            bench_check(sotto_transceiver_send_rtp(l->video, packet, sizeof packet), "packet");
        }
        sotto_ctx_batch(l->ctx, false);
        if (!reported && sotto_now() >= w.end) {
            bench_report("a", w, 0, 0, sent);
            reported = true;
        }
        run_until(l, rate == 0 ? 0 : sotto_now() + 1000);
    }
    run_until(l, sotto_now() + 10000000);
    return 0;
}

/* Counts events of that type from the first one on: waits for one, then takes those that came with it. */
static int receive(struct bench_link *l, uint32_t type, double seconds)
{
    struct bench_window w = {0};
    unsigned long long bytes = 0, msgs = 0;
    sotto_us end = sotto_now() + 20000000;
    bool reported = false;
    while (sotto_now() < end) {
        sotto_event *e = bench_next_event(l, msgs && !reported ? w.end : end);
        for (int i = 1; e; e = i++ < BATCH ? bench_more_event(l) : NULL) {
            if (e->type == type) {
                if (msgs++ == 0) {
                    w = bench_window_open(seconds);
                    end = w.end + 10000000;
                }
                bytes += type == SOTTO_EV_RTP ? e->u.rtp.len : e->u.frame.frame->len;
            }
            sotto_event_free(e);
        }
        if (msgs && !reported && sotto_now() >= w.end) {
            bench_report("b", w, bytes, msgs, 0);
            reported = true;
        }
    }
    return reported ? 0 : 1;
}

int bench_rtp(bool offers, long rate, double seconds)
{
    struct bench_link l = {0};
    bench_link_open(&l, offers, true);
    if (!offers)
        bench_check(sotto_transceiver_set_receive_mode(l.video, SOTTO_RECEIVE_RTP), "mode");
    int code = offers ? rtp_send(&l, rate, seconds) : receive(&l, SOTTO_EV_RTP, seconds);
    sotto_ctx_free(l.ctx);
    return code;
}

/* Parameter sets and one slice that fills the rest. */
static uint8_t *make_frame(size_t size)
{
    static const uint8_t head[] = {0,    0,    0,    1,    0x67, 0x42, 0xe0, 0x1f, 0xda,
                                   0x02, 0x80, 0xf6, 0x80, 0,    0,    0,    1,    0x68,
                                   0xce, 0x3c, 0x80, 0,    0,    0,    1,    0x65, 0x88};
    uint8_t *p = malloc(size);
    if (!p || size < sizeof head) bench_check(SOTTO_E_RANGE, "frame");
    memcpy(p, head, sizeof head);
    for (size_t i = sizeof head; i < size; i++) p[i] = (uint8_t)(4 + i % 251);
    return p;
}

static int frame_send(struct bench_link *l, size_t size, double seconds)
{
    sotto_frame f = {.size = sizeof f, .len = size, .is_key = true, .payload_kind = 1};
    uint8_t *data = make_frame(size);
    unsigned long long sent = 0;
    bool reported = false;
    f.data = data;
    f.payload_type = payload_type(l, "video/H264");
    run_until(l, sotto_now() + 200000);
    struct bench_window w = bench_window_open(seconds);
    while (sotto_now() < w.end + 300000) {
        bench_check(sotto_transceiver_send_frame(l->video, &f), "frame");
        sent++;
        run_until(l, w.start + (sotto_us)sent * 1000000 / 60);
        if (!reported && sotto_now() >= w.end) {
            bench_report("a", w, 0, 0, sent);
            reported = true;
        }
    }
    free(data);
    run_until(l, sotto_now() + 10000000);
    return 0;
}

int bench_frame(bool offers, size_t size, double seconds)
{
    struct bench_link l = {0};
    bench_link_open(&l, offers, true);
    int code = offers ? frame_send(&l, size, seconds) : receive(&l, SOTTO_EV_FRAME, seconds);
    sotto_ctx_free(l.ctx);
    return code;
}

/* A voice, as far as an encoder can tell: tones that come and go, and noise. */
static void make_sound(int16_t *pcm, size_t frames, size_t at)
{
    static uint32_t noise = 1;
    for (size_t i = 0; i < frames; i++) {
        size_t t = at + i;
        uint32_t saw = (uint32_t)(t * 150 % 48000) * 8000u / 48000u;
        uint32_t loud = (uint32_t)(t % 24000 < 12000 ? t % 12000 : 12000 - t % 12000);
        noise = noise * 1664525u + 1013904223u;
        pcm[i] = (int16_t)((int32_t)(saw * loud / 12000u) - 4000 + (int32_t)(noise >> 24));
    }
}

int bench_opus(double seconds)
{
    enum { FRAMES = 960 };
    sotto_opus_config cfg = {.size = sizeof cfg};
    sotto_opus_encoder *e;
    sotto_opus_decoder *d;
    int16_t pcm[FRAMES], out[5760];
    uint8_t packet[SOTTO_OPUS_MAX_PACKET];
    double spent = 0;
    size_t at = 0;
    bench_check(sotto_opus_encoder_new(&cfg, &e), "encoder");
    bench_check(sotto_opus_decoder_new(1, &d), "decoder");
    while (spent < seconds) {
        double start = bench_cpu();
        for (int i = 0; i < 500; i++, at += FRAMES) {
            make_sound(pcm, FRAMES, at);
            int n = sotto_opus_encode(e, pcm, FRAMES, packet, sizeof packet);
            bench_check(n, "encode");
            bench_check(sotto_opus_decode(d, packet, (size_t)n, out, 5760), "decode");
        }
        spent += bench_cpu() - start;
    }
    printf("R {\"rt_factor\":%.1f,\"fail\":0}\n", (double)at / 48000 / spent);
    sotto_opus_encoder_free(e);
    sotto_opus_decoder_free(d);
    return 0;
}
