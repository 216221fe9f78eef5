/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: the whole receive path of media with valid keys: SRTP, session, receivers, reports. A remote that has the keys sends what it
 * likes. Property: sources, memory and answers are bounded; what is pulled is not empty and belongs to a section that receives; all that
 * is said is RTCP that our own reader takes; freeing leaves nothing behind.
 */
#include <stdlib.h>
#include <string.h>

#include "media/session.h"
#include "transport/srtp.h"
#include "util/mem.h"
#include "util/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PACKET 1500u
#define MAX_LIVE 60000 /* blocks: 2 lines, sources and the packets that wait */

static const struct codec video_codecs[] = {
    {.id = CODEC_VP8, .clock = 90000, .pt = 96, .apt = -1, .feedback = 31},
    {.id = CODEC_RTX, .clock = 90000, .pt = 97, .apt = 96},
    {.id = CODEC_H264, .clock = 90000, .pt = 102, .apt = -1, .feedback = 31},
    {.id = CODEC_RTX, .clock = 90000, .pt = 103, .apt = 97}, /* of RTX: to be dropped */
    {.id = CODEC_VP9, .clock = 90000, .pt = 98, .apt = -1, .feedback = 31},
    {.id = CODEC_AV1, .clock = 90000, .pt = 45, .apt = -1, .feedback = 31},
};
static const struct codec audio_codecs[] = {
    {.id = CODEC_OPUS, .clock = 48000, .pt = 111, .apt = -1, .channels = 2},
    {.id = CODEC_RED, .clock = 48000, .pt = 63, .apt = 111, .channels = 2},
    {.id = CODEC_DTMF, .clock = 48000, .pt = 110, .apt = -1},
};
static const uint8_t ids[EXT_COUNT] = {
    [EXT_MID] = 4, [EXT_RID] = 10, [EXT_RRID] = 11, [EXT_ABS_SEND] = 2, [EXT_TWCC] = 3};

struct world {
    struct session s;
    struct line audio, video;
    struct codec_list audio_list, video_list;
    struct srtp *remote, *local;
    sotto_us now;
    uint32_t ssrcs[2]; /* of ours, once something was sent */
};

static void require(bool claim)
{
    if (!claim) abort();
}

static void set_up(struct world *w)
{
    uint8_t keys[128];
    memset(keys, 7, sizeof keys);
    for (size_t i = 0; i < sizeof keys; i++) keys[i] = (uint8_t)(i * 13 + 1);
    memset(w, 0, sizeof *w);
    w->now = SOTTO_SECONDS(1000);
    require(sotto__srtp_new(&w->remote, SRTP_PROFILE_AEAD_AES_128_GCM, true, keys, NULL) == 0);
    require(sotto__srtp_new(&w->local, SRTP_PROFILE_AEAD_AES_128_GCM, false, keys, NULL) == 0);
    require(sotto__session_init(&w->s, "cname", SOTTO_SECONDS(2208988800), w->now) == 0);
    w->audio_list = (struct codec_list){.items = (struct codec *)(uintptr_t)audio_codecs, .n = 3};
    w->video_list = (struct codec_list){.items = (struct codec *)(uintptr_t)video_codecs, .n = 6};
    struct line cfg = {.kind = SOTTO_AUDIO,
                       .mid = "a",
                       .sends = true,
                       .receives = true,
                       .send = &w->audio_list,
                       .recv = &w->audio_list,
                       .ids = ids,
                       .max_bps = UINT64_MAX,
                       .n_outgoing = 1};
    cfg.outgoing[0].ssrc = 0x1111;
    w->audio.target = w->video.target = -1;
    sotto__session_configure(&w->s, w->now, &w->audio, &cfg);
    cfg.kind = SOTTO_VIDEO;
    memcpy(cfg.mid, "v", 2);
    cfg.send = cfg.recv = &w->video_list;
    cfg.outgoing[0].ssrc = 0x2222;
    cfg.outgoing[0].rtx_ssrc = 0x2223;
    cfg.remotes[0] = (struct line_remote){0x5555, 0x5556};
    cfg.n_remotes = 1;
    sotto__session_configure(&w->s, w->now, &w->video, &cfg);
    w->s.can_send = true;
}

static void say_something(struct world *w)
{
    static const uint8_t vp8[3000] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01};
    sotto_frame f = {
        .size = sizeof f, .data = vp8, .len = sizeof vp8, .is_key = true, .capture_us = w->now};
    int r = sotto__session_send_frame(&w->s, w->now, &w->video, &f);
    require(r == 0 || r == SOTTO_E_AGAIN);
}

static void drain(struct world *w)
{
    struct session_out out;
    size_t said = 0;
    while (sotto__session_next(&w->s, w->now, &out) == 1) {
        require(++said < 5000);
        if (out.type == SESSION_OUT_RTCP) require(sotto__rtcp_check(out.p, out.n, true) == 0);
        if (out.type == SESSION_OUT_RTP)
            require(out.departure->n_head + out.departure->n_payload <= SOTTO_MTU);
        if (out.type == SESSION_OUT_FORGET) sotto__srtp_forget(w->local, out.ssrc);
    }
    require(sotto__session_due(&w->s) > w->now); /* nothing more to be done now */
}

static void pull(struct world *w)
{
    struct line *line;
    const char *rid;
    sotto_us capture;
    struct received *f;
    while ((f = sotto__session_pull(&w->s, w->now, &line, &rid, &capture))) {
        require(f->n > 0 && (line == &w->audio || line == &w->video));
        sotto__received_free(f);
    }
}

static void take(struct world *w, bool rtcp, const uint8_t *p, size_t n)
{
    uint8_t *packet = malloc(MAX_PACKET + SOTTO_SRTP_OVERHEAD);
    require(packet != NULL);
    memcpy(packet, p, n);
    int r = rtcp ? sotto__srtp_protect_rtcp(w->remote, packet, n)
                 : sotto__srtp_protect(w->remote, packet, n);
    if (r > 0)
        r = rtcp ? sotto__srtp_unprotect_rtcp(w->local, w->now, packet, (size_t)r)
                 : sotto__srtp_unprotect(w->local, w->now, packet, (size_t)r);
    uint8_t *exact = r > 0 ? malloc((size_t)r) : NULL; /* of its size, for ASan to see the end */
    if (exact) {
        memcpy(exact, packet, (size_t)r);
        if (rtcp)
            sotto__session_rtcp(&w->s, w->now, exact, (size_t)r);
        else
            sotto__session_rtp(&w->s, w->now, exact, (size_t)r);
    }
    free(exact);
    free(packet);
}

/* Records: how, milliseconds, two bytes of length, the packet. */
static size_t step(struct world *w, const uint8_t *p, size_t n)
{
    if (n < 4) return n;
    uint8_t how = p[0];
    size_t len = (size_t)(p[2] << 8 | p[3]) % (MAX_PACKET + 1);
    if (len > n - 4) len = n - 4;
    w->now += SOTTO_MS(p[1]);
    if (how & 4) say_something(w);
    if (how & 8)
        sotto__session_set_mode(&w->s, w->now, &w->video, how >> 6 & 1 ? 2 : how >> 5 & 1, -1);
    take(w, how & 1, p + 4, len);
    drain(w);
    if (how & 2) pull(w);
    require(w->s.n_sources <= SOTTO_MAX_SSRCS);
    require(sotto__mem_live() < MAX_LIVE);
    return 4 + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = malloc(sizeof *w);
    int64_t live = sotto__mem_live();
    require(w != NULL);
    set_up(w);
    for (size_t at = 0; at < size;) at += step(w, data + at, size - at);
    pull(w);
    sotto__session_bye(&w->s);
    drain(w);
    sotto__session_remove(&w->s, &w->audio);
    sotto__session_remove(&w->s, &w->video);
    sotto__session_free(&w->s);
    sotto__srtp_free(w->local);
    sotto__srtp_free(w->remote);
    require(sotto__mem_live() == live);
    free(w);
    return 0;
}
