/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__sender_*, history, pacer: frames, packets, events, NACKs, rates and failing allocations in any order. Property: no number
 * of an SSRC is used for two different packets (AES-GCM), those of frames leave in order and without a gap, a repair has the bytes of the
 * original, the pacer gives a packet when it is due and not before, the history keeps its bounds, all memory comes back.
 */
#include <stdlib.h>
#include <string.h>

#include "media/history.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VIDEO, AUDIO, RAW, SENDERS };
#define RTX_BIT 0x80u /* in SSRCs */

static const struct codec codecs[] = {
    {.id = CODEC_VP8, .name = "VP8", .clock = 90000, .channels = 1, .pt = 96, .apt = -1},
    {.id = CODEC_OPUS, .name = "opus", .clock = 48000, .channels = 2, .pt = 111, .apt = -1},
    {.id = CODEC_VP8, .name = "VP8", .clock = 90000, .channels = 1, .pt = 96, .apt = -1}};

struct number { /* what is known of the last packet under it */
    uint32_t life; /* of the stream; another one: it was not used in this */
    uint64_t packet, payload;
};

struct stream { /* what left under one SSRC */
    uint32_t life;
    bool started;
    uint16_t highest;
    struct number numbers[65536];
};

struct world {
    const uint8_t *p;
    size_t n;
    sotto_us now;
    struct pacer pacer;
    struct sender *senders[SENDERS];
    struct stream streams[SENDERS], repairs[SENDERS];
    uint8_t ids[EXT_COUNT], rtx_pt;
    uint16_t twcc, raw_seq;
};

static void require(bool claim)
{
    if (!claim) abort();
}

static unsigned next(struct world *w, unsigned limit) /* 0 … limit - 1 */
{
    unsigned v = 0;
    for (int i = 0; i < 2 && w->n > 0; i++, w->n--) v = v << 8 | *w->p++;
    return v % limit;
}

static uint64_t hash(uint64_t h, const uint8_t *p, size_t n) /* of the first bytes and the length */
{
    h ^= n << 8;
    for (size_t i = 0; i < n && i < 100; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* ---- departures ---- */

/* The number is new, and everything half the circle away is forgotten. */
static void use(struct stream *k, uint16_t seq, bool in_order, uint64_t packet, uint64_t payload)
{
    if (in_order && k->started) require(seq == (uint16_t)(k->highest + 1));
    if (!k->started) k->highest = (uint16_t)(seq - 1);
    k->started = true;
    while ((int16_t)(seq - k->highest) > 0) k->numbers[(uint16_t)(++k->highest + 32768)].life = 0;
    require(k->numbers[seq].life != k->life);
    k->numbers[seq] = (struct number){k->life, packet, payload};
}

static void check(struct world *w, int who, const struct departure *d,
                  const struct sent_packet *pkt)
{
    struct rtp rtp;
    uint64_t packet = hash(hash(1, d->head, d->n_head), d->payload, d->n_payload);
    uint64_t payload = hash(1, d->payload, d->n_payload);
    struct stream *k = &w->streams[who];
    uint8_t head[SENDER_MAX_HEADER + 2];
    memcpy(head, d->head, d->n_head);
    require(sotto__rtp_parse(head, d->n_head, &rtp) == 0 && rtp.ssrc == d->ssrc);
    const struct number *original = &k->numbers[(uint16_t)pkt->seq];
    if (!d->is_repair) {
        use(k, rtp.seq, who != RAW, packet, payload);
        require(d->n_head + d->n_payload <= SOTTO_MTU + 64);
        return;
    }
    require(original->life == k->life && original->payload == payload);
    if (d->again) {
        require(rtp.seq == (uint16_t)pkt->seq && original->packet == packet);
        return;
    }
    require(d->ssrc & RTX_BIT && rtp.n_payload == 2);
    require((rtp.payload[0] << 8 | rtp.payload[1]) == (uint16_t)pkt->seq);
    use(&w->repairs[who], rtp.seq, true, packet, payload);
}

static void depart(struct world *w, struct sent_packet *pkt)
{
    struct departure d;
    struct ext_values v = {.has = 1u << EXT_MID | 1u << EXT_TWCC, .mid = STR("0")};
    int who = 0;
    while (w->senders[who] != pkt->sender) who++;
    v.twcc = w->twcc++;
    if (!sotto__sender_depart(pkt->sender, w->now, pkt, w->ids, &v, w->rtx_pt, &d)) return;
    check(w, who, &d, pkt);
}

static void run(struct world *w, sotto_us until)
{
    for (sotto_us due; (due = sotto__pacer_due(&w->pacer)) <= until;) {
        if (due > w->now) {
            require(!sotto__pacer_next(&w->pacer, due - 1));
            w->now = due;
        }
        struct sent_packet *pkt = sotto__pacer_next(&w->pacer, w->now);
        require(pkt);
        depart(w, pkt);
    }
    w->now = until;
    require(!sotto__pacer_next(&w->pacer, until));
}

/* ---- what happens ---- */

static void make(struct world *w, int who)
{
    uint32_t ssrc = (uint32_t)who + 1;
    bool has_rtx = who != AUDIO && next(w, 2);
    sotto__mem_fail_at(0);
    sotto__sender_free(w->senders[who], &w->pacer);
    require(sotto__sender_new(&w->senders[who], who != AUDIO, ssrc, has_rtx ? ssrc | RTX_BIT : 0) ==
            0);
    w->senders[who]->seq = next(w, 2) ? 65500 : 0;
    w->senders[who]->rtx_seq = next(w, 2) ? 65500 : 0;
    w->senders[who]->time_base = 0;
    w->streams[who].life++, w->streams[who].started = false;
    w->repairs[who].life++, w->repairs[who].started = false;
}

static void frame(struct world *w, int who)
{
    static uint8_t bytes[70000];
    unsigned kind = next(w, 8);
    sotto_frame f = {.size = sizeof f, .data = bytes, .is_key = kind & 1};
    f.len = who == AUDIO ? 1 + next(w, 1300) : 3 + next(w, 65535);
    if (kind & 2) f.capture_us = w->now + (sotto_us)next(w, 65535) * 100 - 3000000;
    if (kind & 4) f.time_kind = SOTTO_TIME_RTP, f.rtp_time = next(w, 65535) * 65535;
    f.audio_level_kind = kind & 1, f.rotation = (int32_t)next(w, 4) * 90;
    if (kind & 2) f.dependency = bytes, f.dependency_len = next(w, SOTTO_MAX_DEPENDENCY + 1);
    memset(bytes, (int)next(w, 256), f.len < 64 ? f.len : 64);
    bytes[0] = kind & 1 ? 0x10 : 0x11;
    if (kind & 1) memcpy(bytes + 3, "\x9d\x01\x2a", 3);
    if (who == AUDIO) bytes[0] = 15 << 3;
    (void)sotto__sender_frame(w->senders[who], w->now, &codecs[who], &f, &w->pacer);
}

static void raw(struct world *w)
{
    static const uint8_t payload[1200];
    struct rtp rtp = {.pt = 96, .time = next(w, 65535), .payload = payload};
    unsigned step = next(w, 4);
    rtp.n_payload = 1 + next(w, 1100);
    if (step == 0)
        rtp.seq = (uint16_t)next(w, 65535);
    else
        rtp.seq = w->raw_seq = (uint16_t)(w->raw_seq + step);
    (void)sotto__sender_rtp(w->senders[RAW], w->now, &codecs[RAW], &rtp, &w->pacer);
}

static void act(struct world *w)
{
    int who = (int)next(w, SENDERS);
    struct sender *s = w->senders[who];
    switch (next(w, 11)) {
    case 0:
    case 1: frame(w, VIDEO); break;
    case 2: frame(w, AUDIO); break;
    case 3: raw(w); break;
    case 4: run(w, w->now + next(w, 65535) * (next(w, 50) ? 1 : 100)); break;
    case 5:
    case 6:
        sotto__sender_nack(s, w->now, (uint16_t)(s->seq - 1 - next(w, 100)),
                           (uint16_t)next(w, 65535), next(w, 65535), &w->pacer);
        break;
    case 7: sotto__pacer_set_rate(&w->pacer, next(w, 65535) * 100u); break;
    case 8:
        (void)sotto__sender_event(w->senders[AUDIO], w->now, &codecs[AUDIO], (uint8_t[4]){1}, 4,
                                  next(w, 65535), next(w, 2), &w->pacer);
        break;
    case 9:
        w->rtx_pt = next(w, 2) ? 97 : PT_NONE;
        w->ids[EXT_MID + next(w, EXT_COUNT)] = (uint8_t)next(w, 20);
        break;
    case 10:
        if (next(w, 8) == 0)
            make(w, who);
        else
            sotto__mem_fail_at(1 + next(w, 2));
        break;
    }
}

static void check_bounds(const struct world *w)
{
    for (int i = 0; i < SENDERS; i++) {
        const struct history *h = w->senders[i]->history;
        if (sotto__list_empty(&h->frames) || h->frames.next == h->frames.prev) continue;
        const struct sent_frame *oldest = CONTAINER_OF(h->frames.next, struct sent_frame, all);
        require(oldest->unsent > 0 || h->n_packets <= 2 * SOTTO_HISTORY_PACKETS);
        require(oldest->unsent > 0 ||
                h->n_bytes <= SOTTO_HISTORY_BYTES + 2 * SOTTO_MAX_PACER_BYTES);
    }
    for (int c = 0; c < PACER_CLASSES; c++)
        require(w->pacer.bytes[c] <= SOTTO_MAX_PACER_BYTES + 100000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t live = sotto__mem_live();
    static struct world world;
    struct world *w = &world;
    memset(w->senders, 0, sizeof w->senders);
    memset(w->ids, 0, sizeof w->ids);
    w->p = data, w->n = size, w->now = SOTTO_SECONDS(1), w->rtx_pt = 97;
    sotto__pacer_init(&w->pacer);
    for (int i = 0; i < SENDERS; i++) make(w, i);
    w->raw_seq = 65000;
    while (w->n > 0) {
        act(w);
        check_bounds(w);
    }
    sotto__mem_fail_at(0);
    sotto__pacer_set_rate(&w->pacer, 0);
    run(w, w->now + SOTTO_SECONDS(10));
    for (int i = 0; i < PACER_CLASSES; i++) require(w->pacer.packets[i] == 0);
    for (int i = 0; i < SENDERS; i++) sotto__sender_free(w->senders[i], &w->pacer);
    require(sotto__mem_live() == live);
    return 0;
}
