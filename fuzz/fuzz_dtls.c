/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: the DTLS record filter, and a handshake behind it. Property: what the filter lets through are whole handshake messages, each
 * position of the flight once and in order, and little memory is held; bytes from somebody without keys never give data, never close
 * a connection that stands, and never connect to anyone but the peer of the fingerprints. */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "transport/dtls.h"
#include "transport/dtls_guard.h"

static sotto_us now = 1000000;

/* OpenSSL's timers: virtual, so that a run can be repeated. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv,
                                                        void *restrict tz)
{
    (void)tz;
    tv->tv_sec = 1800000000 + now / 1000000, tv->tv_usec = now % 1000000;
    return 0;
}

static void must(bool claim)
{
    if (!claim) abort();
}

/* The input is a list of datagrams: two bytes of length each, of which the first bit says to whom. */
static bool chunk(struct reader *in, int *to, const uint8_t **p, size_t *n)
{
    if (in->n < 2) return false;
    uint16_t head = sotto__read_u16(in);
    *to = head >> 15;
    *n = head & 0x7ff;
    if (*n > in->n) *n = in->n;
    *p = sotto__read_view(in, *n);
    return true;
}

static void check_output(struct dtls_guard *g, uint64_t *last, unsigned *messages)
{
    const uint8_t *p;
    size_t n;
    while (sotto__dtls_guard_next(g, now, &p, &n)) {
        uint64_t seq = (uint64_t)sotto__get_u16(p + 5) << 32 | sotto__get_u32(p + 7);
        must(n > 13 && n == 13u + sotto__get_u16(p + 11) && seq == *last);
        must(p[0] == DTLS_HANDSHAKE || (p[0] == DTLS_CCS && n == 14 && p[13] == 1));
        *last = seq + 1;
        if (p[0] != DTLS_HANDSHAKE) continue;
        must(memcmp(p + 14, p + 22, 3) == 0 && p[19] == 0 && p[20] == 0 && p[21] == 0);      /* whole */
        must(n == 25 + ((size_t)p[14] << 16 | (size_t)p[15] << 8 | p[16]));
        must(++*messages <= DTLS_GUARD_MESSAGES + 1);
    }
}

static void filter_alone(struct reader in, bool client)
{
    struct dtls_guard g;
    const uint8_t *p;
    size_t n;
    int to;
    uint64_t last = 0;
    unsigned messages = 0;
    if (sotto__dtls_guard_init(&g, client) < 0) return;
    while (chunk(&in, &to, &p, &n)) {
        struct reader dgram = sotto__reader(p, n);
        struct dtls_record r;
        now += SOTTO_MS(10);
        while (sotto__dtls_guard_split(&dgram, &r)) {
            must(r.n <= n && r.n >= 13);
            if (sotto__dtls_guard_check(&g, now, &r) == GUARD_FEED) must(r.epoch == 1);
            check_output(&g, &last, &messages);
        }
        if (to) g.retransmitted = true;
        if (g.rebuild) sotto__dtls_guard_restart(&g), last = messages = 0;
        size_t held = g.other.len;
        for (size_t i = 0; i < DTLS_GUARD_MESSAGES; i++) held += g.msg[i].len;
        must(held <= 40 * 1024);
    }
    sotto__dtls_guard_free(&g);
}

static struct dtls_ctx *ctx;
static struct cert *cert[2];

static void drain(struct dtls *d[2], bool connected[2])
{
    struct dtls_out out;
    for (int i = 0; i < 2; i++) {
        while (sotto__dtls_next(d[i], now, &out) == 1) {
            must(out.type != DTLS_OUT_DATA && out.type != DTLS_OUT_CLOSED);
            if (out.type == DTLS_OUT_CONNECTED) connected[i] = true;
            if (out.type == DTLS_OUT_PACKET) sotto__dtls_input(d[1 - i], now, out.p, out.n);
        }
    }
}

static void whole_handshake(struct reader in, bool right)
{
    struct dtls *d[2] = {NULL};
    bool connected[2] = {false};
    const uint8_t *p;
    size_t n;
    int to;
    for (int i = 0; i < 2; i++) {
        struct dtls_cfg cfg = {.ctx = ctx, .cert = cert[i], .client = i == 0};
        struct sdp_fingerprint f;
        must(sotto__dtls_new(&d[i], &cfg, now) == 0);
        sotto__cert_fingerprint(cert[right ? 1 - i : i], &f); /* wrong: the peer shows another one */
        must(sotto__dtls_set_fingerprints(d[i], &f, 1) == 0);
    }
    while (chunk(&in, &to, &p, &n)) {
        struct dtls_out out;
        if (n > 0) sotto__dtls_input(d[to], now, p, n);
        /* one datagram of the honest peers between two of the forger's; an empty one lets them speak and time pass */
        if (sotto__dtls_next(d[to], now, &out) == 1 && out.type == DTLS_OUT_PACKET)
            sotto__dtls_input(d[1 - to], now, out.p, out.n);
        else if (n == 0)
            now += SOTTO_MS(50), drain(d, connected);
    }
    bool stands = sotto__dtls_export(d[0], "x", (uint8_t[8]){0}, 8) == 0;
    must(right || !stands);
    drain(d, connected);
    must(right || (!connected[0] && !connected[1]));
    if (stands) must(sotto__dtls_reason(d[0])[0] == '\0');
    for (int i = 0; i < 2; i++) sotto__dtls_free(d[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (!ctx) {
        must(sotto__dtls_ctx_new(&ctx) == 0);
        for (int i = 0; i < 2; i++) must(sotto__cert_generate(&cert[i], 1800000000) == 0);
    }
    if (n == 0) return 0;
    struct reader in = sotto__reader(p + 1, n - 1);
    if (p[0] & 2)
        whole_handshake(in, (p[0] & 1) == 0);
    else
        filter_alone(in, p[0] & 1);
    return 0;
}
