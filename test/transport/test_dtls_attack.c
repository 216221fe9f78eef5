/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forged datagrams from somebody who can write the peer's address on an envelope, but has no keys: one of them, at every moment of
 * a handshake, or a thousand a second. The handshake must come through.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dtls_pair.h"
#include "util/bytes.h"
#include "util/limits.h"
#include "util/mem.h"

enum kind { /* H063–H070: the eight datagrams of which each one ends a handshake of OpenSSL alone, or stalls it */
    FATAL_ALERT,
    NULL_CIPHER_HELLO,
    HUGE_FRAGMENT,
    BAD_SERVER_HELLO,
    PLAIN_DATA,
    VERIFY_REQUEST,
    ALTERED_FRAGMENT,
    /* and more that a forger who reads the packets can do */
    OTHER_CLIENT_HELLO,
    EARLY_CCS,
    FAR_SEQUENCE,
    EMPTY_CERTIFICATE,
    HELLO_DONE_FIRST,
    FUTURE_EPOCH,
    FORGED_FINISHED,
    HELLO_REQUEST,
    KINDS
};
static const char *const kind_name[KINDS] = {
    "fatal alert",        "NULL-cipher hello",  "16 MB fragment",    "bad ServerHello", "plain data",
    "HelloVerifyRequest", "altered fragment",   "other ClientHello", "early CCS",       "far sequence number",
    "empty Certificate",  "ServerHelloDone",    "future epoch",      "forged Finished", "HelloRequest"};

struct attack {
    enum kind kind;
    int target; /* end */
    unsigned at; /* before the datagram of this number on the wire; flood: ignored */
    sotto_us delay;
    unsigned seen;
    uint8_t hello[1500]; /* the client's, as it was seen */
    size_t n_hello;
};

static size_t record(uint8_t *out, uint8_t type, uint16_t epoch, uint64_t seq, const uint8_t *p, size_t n)
{
    struct writer w = sotto__writer(out, 2048);
    sotto__write_u8(&w, type);
    sotto__write_u16(&w, 0xfefd);
    sotto__write_u16(&w, epoch);
    sotto__write_u16(&w, (uint16_t)(seq >> 32));
    sotto__write_u32(&w, (uint32_t)seq);
    sotto__write_u16(&w, (uint16_t)n);
    sotto__write_bytes(&w, p, n);
    return w.n;
}

static size_t handshake(uint8_t *out, uint8_t type, uint32_t len, uint16_t seq, uint32_t off, const uint8_t *p, size_t n,
                        uint64_t record_seq)
{
    uint8_t body[1600];
    struct writer w = sotto__writer(body, sizeof body);
    sotto__write_u8(&w, type);
    sotto__write_be(&w, len, 3);
    sotto__write_u16(&w, seq);
    sotto__write_be(&w, off, 3);
    sotto__write_be(&w, (uint32_t)n, 3);
    sotto__write_bytes(&w, p, n);
    return record(out, 22, 0, record_seq, body, w.n);
}

/* A ClientHello of one suite: version, random, no session, no cookie, suites, null compression, extended master secret,
 * groups, signature algorithms. */
static size_t client_hello(struct pair *p, uint8_t *out, uint16_t suite)
{
    static const uint8_t extensions[] = {0, 22, 0, 23, 0, 0, 0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4};
    struct writer w = sotto__writer(out, 256);
    sotto__write_u16(&w, 0xfefd);
    for (int i = 0; i < 4; i++) {
        uint64_t r = pair_random(p);
        sotto__write_bytes(&w, &r, 8);
    }
    sotto__write_u16(&w, 0);
    sotto__write_u16(&w, 2);
    sotto__write_u16(&w, suite);
    sotto__write_u16(&w, 0x0100);
    sotto__write_bytes(&w, extensions, sizeof extensions);
    return w.n;
}

static size_t server_hello(struct pair *p, uint8_t *out, uint16_t suite)
{
    uint8_t random[32];
    struct writer w = sotto__writer(out, 256);
    for (int i = 0; i < 32; i++) random[i] = (uint8_t)pair_random(p);
    sotto__write_u16(&w, 0xfefd);
    sotto__write_bytes(&w, random, 32);
    sotto__write_u8(&w, 0);
    sotto__write_u16(&w, suite);
    sotto__write_u8(&w, 0);
    return w.n;
}

static size_t altered_fragment(struct pair *p, const struct attack *a, uint8_t *out, uint64_t seq)
{
    uint8_t part[100];
    for (size_t i = 0; i < sizeof part; i++) part[i] = (uint8_t)pair_random(p);
    if (a->n_hello < 25 + sizeof part) return handshake(out, 1, 200, 0, 0, part, sizeof part, seq);
    uint32_t len = (uint32_t)a->hello[14] << 16 | sotto__get_u16(a->hello + 15);
    memcpy(part, a->hello + 25, sizeof part);
    part[40 + pair_random(p) % 50] ^= 0x55;
    return handshake(out, 1, len, 0, 0, part, sizeof part, seq);
}

static size_t forge(struct pair *p, const struct attack *a, uint8_t *out)
{
    static const uint8_t alert[] = {2, 40}, ccs[] = {1}, none[] = {0, 0, 0};
    static const uint8_t hvr[] = {0xfe, 0xff, 8, 1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t body[256] = {0};
    uint64_t seq = pair_random(p) % 8;
    switch (a->kind) {
    case FATAL_ALERT: return record(out, 21, 0, seq, alert, 2);
    case NULL_CIPHER_HELLO: return handshake(out, 1, 67, 0, 0, body, client_hello(p, body, 0x0002), seq);
    case HUGE_FRAGMENT: return handshake(out, a->target ? 1 : 2, 0xffffff, 0, 0, body, 100, seq);
    case BAD_SERVER_HELLO: return handshake(out, 2, 38, 0, 0, body, server_hello(p, body, 0x0001), seq);
    case PLAIN_DATA: return record(out, 23, 0, seq, body, 100);
    case VERIFY_REQUEST: return handshake(out, 3, sizeof hvr, 0, 0, hvr, sizeof hvr, seq);
    case ALTERED_FRAGMENT: return altered_fragment(p, a, out, seq);
    case OTHER_CLIENT_HELLO: {
        size_t n = client_hello(p, body, 0xc02b);
        return handshake(out, 1, (uint32_t)n, 0, 0, body, n, seq);
    }
    case EARLY_CCS: return record(out, 20, 0, seq, ccs, 1);
    case FAR_SEQUENCE: return record(out, 20, 0, 0xffffffffffffu, ccs, 1);
    case EMPTY_CERTIFICATE: return handshake(out, 16, 3, 1, 0, none, 3, seq);
    case HELLO_DONE_FIRST: return handshake(out, 14, 0, 1, 0, NULL, 0, seq);
    case FUTURE_EPOCH: return record(out, 22, 2, seq, body, 100);
    case FORGED_FINISHED: return record(out, 22, 1, seq, body, 48);
    case HELLO_REQUEST: return handshake(out, 0, 0, 0, 0, NULL, 0, seq);
    default: return 0;
    }
}

static void inject(struct pair *p, const struct attack *a, sotto_us delay)
{
    uint8_t dgram[2048];
    size_t n = forge(p, a, dgram);
    pair_send(p, a->target, dgram, n, delay);
}

static bool inject_once(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    struct attack *a = p->tap_arg;
    if (from == 0 && a->n_hello == 0 && n <= sizeof a->hello) memcpy(a->hello, dgram, a->n_hello = n);
    if (a->seen++ == a->at) inject(p, a, a->delay);
    return true;
}

/* One forged datagram in one handshake over an ordinary link. */
static bool survives(enum kind kind, int target, unsigned at, uint64_t seed, uint64_t *rebuilds)
{
    struct pair p;
    struct dtls_stats s;
    pair_init(&p, seed * 1000 + at);
    struct attack a = {.kind = kind, .target = target, .at = at};
    a.delay = (sotto_us)(pair_random(&p) % SOTTO_MS(25));
    p.tap = inject_once, p.tap_arg = &a;
    if (seed % 4 == 3) p.jitter = SOTTO_MS(15), p.loss = 5;
    bool ok = pair_run_until_connected(&p, SOTTO_SECONDS(10)) && pair_talks(&p);
    for (int i = 0; i < 2; i++) {
        sotto__dtls_get_stats(p.end[i].d, &s);
        *rebuilds += s.rebuilds;
    }
    pair_free(&p);
    return ok;
}

static void one_forged_datagram_at_any_flight_does_not_end_a_handshake(void **state)
{
    (void)state;
    const uint64_t seeds = getenv("SOTTO_TEST_LONG") ? 1000 : 25;
    unsigned worst = 100;
    for (int kind = 0; kind < KINDS; kind++) {
        for (int target = 0; target < 2; target++) {
            unsigned ok = 0, all = 0;
            uint64_t rebuilds = 0;
            for (unsigned at = 0; at < 4; at++)
                for (uint64_t seed = 1; seed <= seeds; seed++, all++) ok += survives(kind, target, at, seed, &rebuilds);
            print_message("%-20s to the %s: %u of %u survive, %u rebuilds\n", kind_name[kind], target ? "server" : "client",
                          ok, all, (unsigned)rebuilds);
            if (ok * 100 / all < worst) worst = ok * 100 / all;
        }
    }
    assert_true(worst >= 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_forged_datagram_at_any_flight_does_not_end_a_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
