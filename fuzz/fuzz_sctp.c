/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: an association that is up, and usrsctp behind its filter, against a peer that sends anything. The input is a list of
 * operations; numbers that must fit to have an effect (tag, TSN, reset number) are given relative to the right ones.
 * Property: no call fails but as its header says; UP and DOWN come at most once, nothing but packets after DOWN; memory stays
 * below 8 MB and is all given back; a virtual minute takes no more than 10,000 packets of ours.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "sotto/data.h"
#include "transport/sctp.h"
#include "util/bytes.h"
#include "util/mem.h"

#define STREAMS_IN 80

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sotto_us now = 1000000000;

/* usrsctp's clock is ours */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv,
                                                        void *restrict tz)
{
    (void)tz;
    tv->tv_sec = (time_t)(now / 1000000), tv->tv_usec = (suseconds_t)(now % 1000000);
    return 0;
}

static void require(bool claim)
{
    if (!claim) abort();
}

struct world {
    struct sctp *peer, *s; /* the peer only makes the handshake */
    bool up, down;
    uint8_t tag[4];
    uint32_t tsn, victim_tsn, reset_seq;
    uint64_t packets;
};

static void learn(struct world *w, bool from_peer, const uint8_t *p, size_t n)
{
    if (from_peer && p[12] != 1) memcpy(w->tag, p + 4, 4);
    if ((p[12] == 1 || p[12] == 2) && n >= 32) {
        uint32_t tsn = sotto__get_u32(p + 28);
        if (from_peer)
            w->tsn = w->reset_seq = tsn;
        else
            w->victim_tsn = tsn;
    }
}

/* What the victim has to say; to the peer during the handshake. */
static void drain(struct world *w, bool handshake)
{
    struct sctp_out out;
    while (sotto__sctp_next(w->s, now, &out) > 0) {
        if (out.type == SCTP_OUT_UP) require(!w->up && !w->down), w->up = true;
        if (out.type == SCTP_OUT_DOWN) require(!w->down), w->down = true;
        if (out.type != SCTP_OUT_PACKET) continue;
        w->packets++;
        require(out.n >= 12 && out.n <= 16384);
        learn(w, false, out.p, out.n);
        if (handshake) require(sotto__sctp_input(w->peer, now, out.p, out.n) == 0);
    }
}

static void connect_both(struct world *w)
{
    struct sctp_cfg cfg = {.local_port = 5000,
                           .remote_port = 5000,
                           .streams_out = 40,
                           .streams_in = STREAMS_IN,
                           .max_message_size = 65536};
    require(sotto__sctp_new(&w->peer, &cfg, now) == 0 && sotto__sctp_new(&w->s, &cfg, now) == 0);
    for (int i = 0; i < 20; i++) {
        struct sctp_out out;
        while (sotto__sctp_next(w->peer, now, &out) > 0) {
            if (out.type != SCTP_OUT_PACKET) continue;
            learn(w, true, out.p, out.n);
            require(sotto__sctp_input(w->s, now, out.p, out.n) == 0);
        }
        drain(w, true);
        now += 1000;
    }
    require(w->up);
    sotto__sctp_free(w->peer);
}

static void feed(struct world *w, const uint8_t *chunks, size_t n)
{
    uint8_t *p = malloc(12 + n); /* exact, for ASan */
    require(p != NULL);
    memcpy(p, "\x13\x88\x13\x88", 4);
    memcpy(p + 4, w->tag, 4);
    memset(p + 8, 0, 4);
    if (n > 0) memcpy(p + 12, chunks, n);
    require(sotto__sctp_input(w->s, now, p, 12 + n) == 0);
    free(p);
}

static int32_t delta(struct reader *r) /* mostly small */
{
    uint8_t b = sotto__read_u8(r);
    if (b == 0x80) return (int32_t)sotto__read_u32(r);
    return b < 0x80 ? b : (int32_t)b - 256;
}

static void feed_data(struct world *w, struct reader *r)
{
    uint8_t b[1400];
    struct writer out = sotto__writer(b, sizeof b);
    unsigned count = 1 + sotto__read_u8(r) % 8;
    for (unsigned i = 0; i < count; i++) {
        uint8_t flags = sotto__read_u8(r), size = sotto__read_u8(r);
        w->tsn += (uint32_t)delta(r);
        size_t n = size < 0xf0 ? size : 1000;
        static const uint8_t zero[1004];
        if (out.n + 16 + n + 4 > sizeof b) break;
        sotto__write_u8(&out, 0), sotto__write_u8(&out, flags),
            sotto__write_u16(&out, (uint16_t)(16 + n));
        sotto__write_u32(&out, w->tsn), sotto__write_u16(&out, sotto__read_u8(r) % 17);
        sotto__write_u16(&out, (uint16_t)delta(r)), sotto__write_u32(&out, 53);
        sotto__write_bytes(&out, zero, (n + 3) & ~(size_t)3);
    }
    feed(w, b, out.n);
}

static void feed_control(struct world *w, struct reader *r)
{
    uint8_t b[600];
    struct writer out = sotto__writer(b, sizeof b);
    unsigned kind = sotto__read_u8(r) % 5, n = sotto__read_u8(r) % 16;
    switch (kind) {
    case 0: /* SACK */
        sotto__write_u16(&out, 0x0300), sotto__write_u16(&out, (uint16_t)(16 + 4 * n));
        sotto__write_u32(&out, w->victim_tsn + (uint32_t)delta(r)),
            sotto__write_u32(&out, (uint32_t)delta(r) * 1000u);
        sotto__write_u16(&out, (uint16_t)n), sotto__write_u16(&out, 0);
        for (unsigned i = 0, at = 1; i < n; i++) {
            at += 1u + sotto__read_u8(r) % 8, sotto__write_u16(&out, (uint16_t)at);
            at += sotto__read_u8(r) % 8, sotto__write_u16(&out, (uint16_t)at);
        }
        break;
    case 1: /* FORWARD-TSN */
        w->tsn += (uint32_t)delta(r);
        sotto__write_u16(&out, 0xc000), sotto__write_u16(&out, (uint16_t)(8 + 4 * n)),
            sotto__write_u32(&out, w->tsn);
        for (unsigned i = 0; i < n; i++)
            sotto__write_u16(&out, sotto__read_u8(r) % 17),
                sotto__write_u16(&out, (uint16_t)delta(r));
        break;
    case 2: /* reset */
        sotto__write_u16(&out, 0x8200), sotto__write_u16(&out, (uint16_t)(20 + 2 * n));
        sotto__write_u16(&out, 13), sotto__write_u16(&out, (uint16_t)(16 + 2 * n));
        sotto__write_u32(&out, w->reset_seq += (uint32_t)(delta(r) % 3)),
            sotto__write_u32(&out, w->victim_tsn - 1);
        sotto__write_u32(&out, w->tsn + (uint32_t)delta(r));
        for (unsigned i = 0; i < n; i++) sotto__write_u16(&out, sotto__read_u8(r) % 17);
        break;
    case 3: /* answer to a reset */
        sotto__write_u32(&out, 0x82000010), sotto__write_u32(&out, 0x0010000c);
        sotto__write_u32(&out, w->victim_tsn + (uint32_t)delta(r)), sotto__write_u32(&out, n);
        break;
    default: /* HEARTBEAT */
        sotto__write_u16(&out, 0x0400), sotto__write_u16(&out, (uint16_t)(8 + n));
        sotto__write_u16(&out, 1), sotto__write_u16(&out, (uint16_t)(4 + n));
        sotto__write_bytes(&out, "0123456789abcdef", n);
    }
    feed(w, b, out.n);
}

static void use(struct world *w, struct reader *r)
{
    static const uint8_t message[5000];
    uint8_t how = sotto__read_u8(r);
    struct sctp_send_opt opt = {.sid = how % 16,
                                .ppid = 53,
                                .unordered = how & 16,
                                .reliability = (how >> 5) % 3,
                                .limit = how & 3};
    size_t n = how & 128 ? sizeof message : 10;
    if (how == 0xff) {
        int code = sotto__sctp_reset(w->s, now, sotto__read_u8(r) % 17);
        require(code == 0 || code == SOTTO_E_AGAIN || code == SOTTO_E_STATE ||
                code == SOTTO_E_INVAL);
        return;
    }
    bool writable = sotto__sctp_writable(w->s, n);
    int code = sotto__sctp_send(w->s, now, &opt, message, n);
    require(code == 0 || code == SOTTO_E_AGAIN || code == SOTTO_E_STATE);
    require(code != SOTTO_E_AGAIN || !writable);
}

static void pull(struct world *w)
{
    struct sctp_msg m;
    int code = 1;
    for (int i = 0; i < 100 && (code = sotto__sctp_pull(w->s, now, &m)) > 0; i++) {
        require(m.sid < STREAMS_IN && m.len <= 65536 &&
                (m.type != SCTP_MSG_DATA || (m.len > 0 && m.data[m.len] == 0)));
        sotto__free(m.data);
    }
    require(code >= 0 || code == SOTTO_E_PROTO);
}

static void step(struct world *w, struct reader *r)
{
    switch (sotto__read_u8(r) % 7) {
    case 0: { /* chunks as they come */
        size_t n = sotto__read_u8(r);
        if (n > r->n) n = r->n;
        feed(w, sotto__read_view(r, n), n);
        break;
    }
    case 1:
    case 2: feed_data(w, r); break;
    case 3: feed_control(w, r); break;
    case 4: now += 10000LL << sotto__read_u8(r) % 10; break;
    case 5: pull(w); break;
    default: use(w, r);
    }
    drain(w, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.up = false};
    int64_t live = sotto__mem_live();
    size_t heap = mallinfo2().uordblks;
    now += 10000000;
    connect_both(&w);
    struct reader r = sotto__reader(data, size);
    for (int i = 0; i < 500 && r.n > 0 && !r.bad; i++) {
        step(&w, &r);
        require(mallinfo2().uordblks < heap + 8 * 1024 * 1024);
    }
    uint64_t packets = w.packets;
    for (int i = 0; i < 600; i++) {
        now += 100000;
        drain(&w, false);
    }
    require(w.packets - packets < 10000);
    pull(&w);
    if (size % 2) sotto__sctp_close(w.s, now);
    sotto__sctp_free(w.s);
    require(sotto__mem_live() == live);
    return 0;
}
