/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_SEND_RIG_H
#define SOTTO_TEST_SEND_RIG_H
/* A sender and a pacer in virtual time, and what left, packet by packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "media/history.h"
#include "util/mem.h"

#define T0 SOTTO_SECONDS(1000)
#define RIG_PACKETS 20000u

static const struct codec vp8 = {
    .id = CODEC_VP8, .name = "VP8", .clock = 90000, .channels = 1, .pt = 96, .apt = -1};
static const struct codec opus = {
    .id = CODEC_OPUS, .name = "opus", .clock = 48000, .channels = 2, .pt = 111, .apt = -1};

struct left { /* a packet that left */
    sotto_us at;
    uint8_t bytes[1500];
    size_t n;
    struct rtp rtp;
    bool is_repair, again;
};

struct rig {
    struct sender *s;
    struct pacer pacer;
    uint8_t ids[EXT_COUNT], rtx_pt;
    struct ext_values values; /* for every packet */
    sotto_us now;
    struct left *left;
    size_t n;
    size_t refused; /* not to be sent again */
    int64_t live;
    uint8_t *frame; /* of the last video() */
};

static void rig_start(struct rig *r, bool is_video, uint32_t rtx_ssrc)
{
    *r = (struct rig){.now = T0, .live = sotto__mem_live()};
    r->rtx_pt = rtx_ssrc ? 97 : PT_NONE;
    r->left = calloc(RIG_PACKETS, sizeof *r->left);
    r->frame = calloc(1, SOTTO_MAX_FRAME);
    assert_true(r->left && r->frame);
    sotto__pacer_init(&r->pacer);
    assert_int_equal(sotto__sender_new(&r->s, is_video, 0x11111111, rtx_ssrc), 0);
}

static void rig_end(struct rig *r)
{
    sotto__sender_free(r->s, &r->pacer);
    for (size_t i = 0; i < PACER_CLASSES; i++) assert_int_equal(r->pacer.packets[i], 0);
    assert_int_equal(sotto__mem_live(), r->live);
    free(r->left);
    free(r->frame);
}

static void rig_depart(struct rig *r, struct sent_packet *pkt)
{
    struct ext_values values = r->values;
    struct departure d;
    if (!sotto__sender_depart(r->s, r->now, pkt, r->ids, &values, r->rtx_pt, &d)) {
        r->refused++;
        return;
    }
    assert_true(r->n < RIG_PACKETS);
    struct left *k = &r->left[r->n++];
    k->at = r->now, k->is_repair = d.is_repair, k->again = d.again;
    k->n = d.n_head + d.n_payload;
    assert_true(k->n <= sizeof k->bytes);
    memcpy(k->bytes, d.head, d.n_head);
    memcpy(k->bytes + d.n_head, d.payload, d.n_payload);
    assert_int_equal(sotto__rtp_parse(k->bytes, k->n, &k->rtp), 0);
    assert_int_equal(k->rtp.ssrc, d.ssrc);
}

/* All that leaves until then. */
static void rig_run(struct rig *r, sotto_us until)
{
    for (;;) {
        struct sent_packet *pkt;
        while ((pkt = sotto__pacer_next(&r->pacer, r->now))) rig_depart(r, pkt);
        sotto_us due = sotto__pacer_due(&r->pacer);
        if (due > until) break;
        assert_true(due > r->now);
        r->now = due;
    }
    r->now = until;
}

/* A VP8 frame of n bytes. */
static sotto_frame rig_video(struct rig *r, size_t n, bool is_key)
{
    static uint32_t random = 1;
    for (size_t i = 0; i < n; i++) r->frame[i] = (uint8_t)((random = random * 69069 + 1) >> 24);
    r->frame[0] = is_key ? 0x10 : 0x11;
    if (is_key) memcpy(r->frame + 3, "\x9d\x01\x2a", 3);
    return (sotto_frame){.size = sizeof(sotto_frame),
                         .data = r->frame,
                         .len = n,
                         .capture_us = r->now,
                         .is_key = is_key};
}

static int rig_send(struct rig *r, size_t n, bool is_key)
{
    sotto_frame f = rig_video(r, n, is_key);
    return sotto__sender_frame(r->s, r->now, &vp8, &f, &r->pacer);
}

/* 20 ms of Opus, captured then. */
static int rig_audio(struct rig *r, sotto_us capture)
{
    static const uint8_t packet[40] = {15 << 3, 1, 2, 3};
    sotto_frame f = {.size = sizeof f, .data = packet, .len = sizeof packet, .capture_us = capture};
    return sotto__sender_frame(r->s, r->now, &opus, &f, &r->pacer);
}

#endif
