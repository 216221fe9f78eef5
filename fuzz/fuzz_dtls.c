/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: the DTLS record filter, and a handshake behind it, in both roles. Property: what the filter lets through are whole handshake
 * messages, each position of the flight once and in order, and little memory is held; bytes from somebody without keys, who sees what
 * the honest send before it arrives, never give data, never connect to anyone but the peer of the fingerprints, and when he falls
 * silent the honest handshake completes, with the same keys at both ends, and data passes both ways.
 * proves: H063 H064 H065 H066 H067 H068 H069 H070 H072 H074 H075 H079
 */
#include <string.h>
#include <sys/time.h>

#include "require.h"
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
        require(n > 13 && n == 13u + sotto__get_u16(p + 11) && seq == *last);
        require(p[0] == DTLS_HANDSHAKE || (p[0] == DTLS_CCS && n == 14 && p[13] == 1));
        *last = seq + 1;
        if (p[0] != DTLS_HANDSHAKE) continue;
        require(memcmp(p + 14, p + 22, 3) == 0 && p[19] == 0 && p[20] == 0 && p[21] == 0);      /* whole */
        require(n == 25 + ((size_t)p[14] << 16 | (size_t)p[15] << 8 | p[16]));
        require(++*messages <= DTLS_GUARD_MESSAGES + 1);
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
            require(r.n <= n && r.n >= 13);
            if (sotto__dtls_guard_check(&g, now, &r) == GUARD_FEED) require(r.epoch == 1);
            check_output(&g, &last, &messages);
        }
        if (to) g.repeats++;
        if (g.rebuild) sotto__dtls_guard_restart(&g), last = messages = 0;
        size_t held = g.other.len;
        for (size_t i = 0; i < DTLS_GUARD_MESSAGES; i++) held += g.msg[i].len;
        require(held <= 40 * 1024);
    }
    sotto__dtls_guard_free(&g);
}

static struct dtls_ctx *ctx;
static struct cert *cert[2];

enum { KEPT = 8, MOST = 2048 };

/* Two honest ends, and a forger who sees what they send before it arrives, but cannot stop it. */
struct world {
    struct dtls *d[2];
    struct reader in;
    struct {
        uint8_t p[MOST];
        size_t n;
    } kept[2][KEPT]; /* what is, or was, on its way to either end */
    size_t sent[2], arrived[2];
    bool connected[2], dead[2];
    size_t data[2];
};

static void arrive(struct world *w, int to)
{
    for (; w->arrived[to] < w->sent[to]; w->arrived[to]++) {
        size_t i = w->arrived[to] % KEPT;
        sotto__dtls_input(w->d[to], now, w->kept[to][i].p, w->kept[to][i].n);
    }
}

static void speak(struct world *w, int from)
{
    struct dtls_out out;
    int r;
    while ((r = sotto__dtls_next(w->d[from], now, &out)) == 1) {
        int to = 1 - from;
        require(out.type != DTLS_OUT_CLOSED);
        if (out.type == DTLS_OUT_CONNECTED) w->connected[from] = true;
        if (out.type == DTLS_OUT_DATA) {
            require(w->connected[from]);
            w->data[from]++;
        }
        if (out.type != DTLS_OUT_PACKET) continue;
        if (w->sent[to] - w->arrived[to] == KEPT) arrive(w, to);
        require(out.n <= sizeof w->kept[to][0].p);
        size_t i = w->sent[to]++ % KEPT;
        memcpy(w->kept[to][i].p, out.p, out.n);
        w->kept[to][i].n = out.n;
    }
    if (r < 0) w->dead[from] = true;
}

static void pass_time(struct world *w, sotto_us span)
{
    now += span;
    for (int i = 0; i < 2; i++) arrive(w, i), speak(w, i);
}

/* What was seen, changed and cut as the bytes at p say, to either end. */
static void alter(struct world *w, int to, const uint8_t *p, size_t n)
{
    struct reader r = sotto__reader(p, n);
    uint8_t copy[MOST], how = sotto__read_u8(&r);
    int of = how & 1 ? 1 - to : to;
    size_t i = (how >> 1) % KEPT, len = w->kept[of][i].n;
    memcpy(copy, w->kept[of][i].p, len);
    if (how & 0x80) len = len * sotto__read_u8(&r) / 255;
    while (len > 0 && r.n > 0 && !r.bad) {
        uint16_t at = sotto__read_u16(&r);
        copy[at % len] ^= sotto__read_u8(&r);
    }
    sotto__dtls_input(w->d[to], now, copy, len);
}

/* One operation: its length with two bits of what it is and one of to whom. */
static bool operate(struct world *w)
{
    const uint8_t *p;
    size_t n;
    int to;
    bool is_copy = w->in.n > 0 && (w->in.p[0] & 0x40);
    if (!chunk(&w->in, &to, &p, &n)) return false;
    if (n == 0)
        pass_time(w, SOTTO_MS(50));
    else if (is_copy)
        alter(w, to, p, n);
    else
        sotto__dtls_input(w->d[to], now, p, n);
    speak(w, to);
    return true;
}

/* The forger has said all: the honest get through, and data after it. */
static void completes(struct world *w)
{
    uint8_t out[1 + SOTTO_DTLS_OVERHEAD], key[2][16];
    for (int i = 0; i < 600 && !(w->connected[0] && w->connected[1]); i++)
        pass_time(w, SOTTO_MS(50));
    require(w->connected[0] && w->connected[1] && !w->dead[0] && !w->dead[1]);
    for (int i = 0; i < 2; i++) {
        require(sotto__dtls_export(w->d[i], "x", key[i], sizeof key[i]) == 0);
        require(sotto__dtls_reason(w->d[i])[0] == '\0' && w->data[i] == 0);
    }
    require(memcmp(key[0], key[1], sizeof key[0]) == 0);
    for (int i = 0; i < 2; i++) {
        int n = sotto__dtls_seal(w->d[i], (const uint8_t *)"", 1, out, sizeof out);
        require(n > 0);
        sotto__dtls_input(w->d[1 - i], now, out, (size_t)n);
        speak(w, 1 - i);
        require(w->data[1 - i] == 1);
    }
}

static void whole_handshake(struct reader in, bool right)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.in = in;
    for (int i = 0; i < 2; i++) {
        struct dtls_cfg cfg = {.ctx = ctx, .cert = cert[i], .client = i == 0};
        struct sdp_fingerprint f;
        require(sotto__dtls_new(&w.d[i], &cfg, now) == 0);
        sotto__cert_fingerprint(cert[right ? 1 - i : i], &f); /* wrong: the peer shows another one */
        require(sotto__dtls_set_fingerprints(w.d[i], &f, 1) == 0);
    }
    speak(&w, 0);
    while (operate(&w)) {
    }
    if (right) {
        completes(&w);
    } else {
        pass_time(&w, SOTTO_SECONDS(2));
        require(!w.connected[0] && !w.connected[1] && w.data[0] + w.data[1] == 0);
        require(sotto__dtls_export(w.d[0], "x", (uint8_t[8]){0}, 8) < 0);
    }
    for (int i = 0; i < 2; i++) sotto__dtls_free(w.d[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (!ctx) {
        require(sotto__dtls_ctx_new(&ctx) == 0);
        for (int i = 0; i < 2; i++) require(sotto__cert_generate(&cert[i], 1800000000) == 0);
    }
    if (n == 0) return 0;
    struct reader in = sotto__reader(p + 1, n - 1);
    if (p[0] & 2)
        whole_handshake(in, (p[0] & 1) == 0);
    else
        filter_alone(in, p[0] & 1);
    return 0;
}
