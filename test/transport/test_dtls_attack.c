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
#include "transport/dtls_int.h"
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
    BAD_KEY_EXCHANGE,
    HELLO_DONE_FIRST,
    FUTURE_EPOCH,
    FORGED_FINISHED,
    HELLO_REQUEST,
    OTHER_SERVER_HELLO,
    OTHER_CERTIFICATE,
    KINDS
};
static const char *const kind_name[KINDS] = {
    "fatal alert",      "NULL-cipher hello",   "16 MB fragment",   "bad ServerHello",
    "plain data",       "HelloVerifyRequest",  "altered fragment", "other ClientHello",
    "early CCS",        "far sequence number", "bad key exchange", "ServerHelloDone",
    "future epoch",     "forged Finished",     "HelloRequest",     "other ServerHello",
    "other Certificate"};

struct attack {
    enum kind kind;
    int target; /* end */
    unsigned at; /* before the datagram of this number on the wire; flood: ignored */
    sotto_us delay;
    unsigned seen;
    uint8_t hello[1500]; /* the client's, as it was seen */
    size_t n_hello;
};

static size_t record(uint8_t *out, uint8_t type, uint16_t epoch, uint64_t seq, const uint8_t *p,
                     size_t n)
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

static size_t handshake(uint8_t *out, uint8_t type, uint32_t len, uint16_t seq, uint32_t off,
                        const uint8_t *p, size_t n, uint64_t record_seq)
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
    static const uint8_t extensions[] = {0, 22, 0, 23, 0, 0, 0, 10, 0, 4, 0, 2,
                                         0, 29, 0, 13, 0, 6, 0, 4,  4, 3, 8, 4};
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
    case NULL_CIPHER_HELLO:
        return handshake(out, 1, 67, 0, 0, body, client_hello(p, body, 0x0002), seq);
    case HUGE_FRAGMENT: return handshake(out, a->target ? 1 : 2, 0xffffff, 0, 0, body, 100, seq);
    case BAD_SERVER_HELLO:
        return handshake(out, 2, 38, 0, 0, body, server_hello(p, body, 0x0001), seq);
    case PLAIN_DATA: return record(out, 23, 0, seq, body, 100);
    case VERIFY_REQUEST: return handshake(out, 3, sizeof hvr, 0, 0, hvr, sizeof hvr, seq);
    case ALTERED_FRAGMENT: return altered_fragment(p, a, out, seq);
    case OTHER_CLIENT_HELLO: {
        size_t n = client_hello(p, body, 0xc02b);
        return handshake(out, 1, (uint32_t)n, 0, 0, body, n, seq);
    }
    case EARLY_CCS: return record(out, 20, 0, seq, ccs, 1);
    case FAR_SEQUENCE: return record(out, 20, 0, 0xffffffffffffu, ccs, 1);
    case BAD_KEY_EXCHANGE: return handshake(out, 16, 3, 1, 0, none, 3, seq);
    case HELLO_DONE_FIRST: return handshake(out, 14, 0, 1, 0, NULL, 0, seq);
    case FUTURE_EPOCH: return record(out, 22, 2, seq, body, 100);
    case FORGED_FINISHED: return record(out, 22, 1, seq, body, 48);
    case HELLO_REQUEST: return handshake(out, 0, 0, 0, 0, NULL, 0, seq);
    case OTHER_SERVER_HELLO: {
        static const uint8_t extensions[] = {0, 9, 0xff, 1, 0, 1, 0, 0, 23, 0, 0};
        size_t n = server_hello(p, body, 0xc02b);
        memcpy(body + n, extensions, sizeof extensions);
        n += sizeof extensions;
        return handshake(out, 2, (uint32_t)n, 0, 0, body, n, seq);
    }
    case OTHER_CERTIFICATE: {
        uint8_t certificate[1200], *at = certificate + 6;
        X509 *x;
        EVP_PKEY *key;
        assert_int_equal(sotto__cert_open(p->end[a->target].cert, &x, &key), 0);
        int n = i2d_X509(x, &at); /* any but the one that is expected */
        X509_free(x);
        EVP_PKEY_free(key);
        certificate[40] ^= 1;
        certificate[0] = certificate[3] = 0;
        certificate[1] = (uint8_t)((n + 3) >> 8), certificate[2] = (uint8_t)(n + 3);
        certificate[4] = (uint8_t)(n >> 8), certificate[5] = (uint8_t)n;
        return handshake(out, 11, (uint32_t)n + 6, 1, 0, certificate, (size_t)n + 6, seq);
    }
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
    if (from == 0 && a->n_hello == 0 && n <= sizeof a->hello)
        memcpy(a->hello, dgram, a->n_hello = n);
    if (a->seen++ == a->at) inject(p, a, a->delay);
    return true;
}

/* The client's hello in two fragments, as browsers send it. */
static void send_in_two(struct pair *p, const uint8_t *dgram, size_t n)
{
    uint8_t part[1500];
    uint32_t len = (uint32_t)(n - 25), half = len / 2;
    size_t part_n = handshake(part, 1, len, 0, 0, dgram + 25, half, dgram[10]);
    pair_send(p, 1, part, part_n, p->delay);
    part_n = handshake(part, 1, len, 0, half, dgram + 25 + half, len - half, dgram[10]);
    pair_send(p, 1, part, part_n, p->delay + SOTTO_MS(2));
}

static bool inject_into_fragments(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    inject_once(p, from, dgram, n);
    if (from != 0 || dgram[0] != 22 || dgram[13] != 1) return true;
    send_in_two(p, dgram, n);
    return false;
}

enum setting { OURS, FRAGMENTED, WITH_OPENSSL };

/* One forged datagram in one handshake over an ordinary link; with OpenSSL alone at the other end, which does not begin anew, the
 * forger aims at us. */
static bool survives(enum kind kind, int target, unsigned at, uint64_t seed, enum setting setting,
                     uint64_t *rebuilds)
{
    struct pair p;
    struct dtls_stats s;
    pair_init(&p, seed * 1000 + at);
    if (setting == WITH_OPENSSL) {
        SSL_CTX *ctx = pair_openssl_ctx();
        struct cert *cert = pair_cert(EVP_EC_gen("P-256"), UNIX_NOW, 0);
        pair_free(&p);
        pair_init_without_fingerprints(&p, seed * 1000 + at);
        pair_use_openssl(&p, 1 - target, ctx, cert);
        pair_know(&p, target);
    }
    struct attack a = {.kind = kind, .target = target, .at = at};
    a.delay = (sotto_us)(pair_random(&p) % SOTTO_MS(25));
    p.tap = setting == FRAGMENTED ? inject_into_fragments : inject_once, p.tap_arg = &a;
    if (seed % 4 == 3) p.jitter = SOTTO_MS(15), p.loss = 5;
    bool ok = pair_run_until_connected(&p, SOTTO_SECONDS(20)) && pair_talks(&p);
    for (int i = 0; i < 2; i++) {
        if (!p.end[i].d) continue;
        sotto__dtls_get_stats(p.end[i].d, &s);
        *rebuilds += s.rebuilds;
    }
    pair_free(&p);
    return ok;
}

static unsigned table(enum setting setting, const char *title, int kinds, uint64_t seeds)
{
    unsigned worst = 100;
    for (int kind = 0; kind < kinds; kind++) {
        for (int target = 0; target < 2; target++) {
            unsigned ok = 0, all = 0;
            uint64_t rebuilds = 0;
            for (unsigned at = 0; at < 4; at++)
                for (uint64_t seed = 1; seed <= seeds; seed++, all++)
                    ok += survives((enum kind)kind, target, at, seed, setting, &rebuilds);
            if (ok < all || rebuilds > 0)
                print_message("%s: %-20s to the %s: %u of %u survive, %u rebuilds\n", title,
                              kind_name[kind], target ? "server" : "client", ok, all,
                              (unsigned)rebuilds);
            if (ok * 100 / all < worst) worst = ok * 100 / all;
        }
    }
    return worst;
}

static uint64_t seeds(uint64_t quick, uint64_t thorough)
{
    return getenv("SOTTO_LONG") ? thorough : quick;
}

/* proves: H063 H064 H065 H066 H067 H068 H069 H070 */
static void one_forged_datagram_at_any_flight_does_not_end_a_handshake(void **state) /* H063–H070 */
{
    (void)state;
    assert_true(table(OURS, "ours", EARLY_CCS, seeds(13, 250)) >= 99);
    assert_true(table(OURS, "ours", KINDS, seeds(3, 250)) >= 99);
}

/* proves: H063 */
static void nor_does_it_when_the_hello_comes_in_fragments(void **state) /* H063–H070, H074 */
{
    (void)state;
    assert_true(table(FRAGMENTED, "fragments", EARLY_CCS, seeds(6, 250)) >= 99);
}

/* proves: H063 */
static void nor_with_a_peer_that_does_not_begin_anew(void **state) /* H063–H070 */
{
    (void)state;
    assert_true(table(WITH_OPENSSL, "OpenSSL", EARLY_CCS, seeds(6, 250)) >= 99);
    table(WITH_OPENSSL, "OpenSSL", KINDS, seeds(1, 50)); /* what it takes to read the packets: told, not asserted */
}

/* proves: H069 */
static void a_cookie_that_a_forger_asked_for_twice_is_given_up(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    struct attack a = {.kind = VERIFY_REQUEST, .target = 0};
    p.blackhole = 1;
    pair_run(&p, SOTTO_MS(10));
    for (int i = 0; i < 2; i++) {
        inject(&p, &a, 0);
        pair_run(&p, SOTTO_MS(200)); /* the hello goes again */
    }
    p.blackhole = -1;
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(10)) && pair_talks(&p));
    pair_free(&p);
}

/* A datagram of every kind in turn, to both ends, a thousand a second. With hellos that could be the peer's, no handshake gets on;
 * then the wrong certificate must not come, too: a peer that shows nothing but that for half a second is refused. */
static void flood(struct pair *p, sotto_us span, bool valid_hellos)
{
    struct attack a = {.kind = FATAL_ALERT};
    for (sotto_us t = 0; t < span; t += SOTTO_MS(1)) {
        bool hello;
        a.target = (int)(pair_random(p) % 2);
        do {
            a.kind = (enum kind)(pair_random(p) % KINDS);
            hello = a.kind == OTHER_CLIENT_HELLO || a.kind == OTHER_SERVER_HELLO;
        } while (valid_hellos ? a.kind == OTHER_CERTIFICATE : hello);
        inject(p, &a, 0);
        pair_run(p, SOTTO_MS(1));
    }
}

/* proves: H072 */
static void a_handshake_completes_soon_after_a_flood(void **state) /* H072 */
{
    (void)state;
    unsigned during = 0, all = 0;
    for (uint64_t seed = 1; seed <= seeds(2, 50); seed++, all++) {
        struct pair p;
        struct dtls_stats s;
        pair_init(&p, seed);
        flood(&p, SOTTO_SECONDS(10), seed % 2);
        during += p.end[0].connected && p.end[1].connected;
        if (!pair_run_until_connected(&p, SOTTO_SECONDS(5)))
            fail_msg("seed %u: %s | %s", (unsigned)seed, sotto__dtls_reason(p.end[0].d),
                     sotto__dtls_reason(p.end[1].d));
        assert_true(pair_talks(&p));
        for (int i = 0; i < 2; i++) {
            sotto__dtls_get_stats(p.end[i].d, &s);
            assert_true(s.rebuilds <= SOTTO_MAX_DTLS_REBUILDS);
            assert_true(s.forged > 0 && s.records_dropped > 1000);
        }
        pair_free(&p);
    }
    print_message("1000 forged a second: %u of %u connect during the flood, the others after it\n",
                  during, all);
}

/* proves: H078 H079 */
static void after_the_handshake_forgeries_change_nothing(void **state) /* H075, H078, H079 */
{
    (void)state;
    struct pair p;
    pair_init(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    flood(&p, SOTTO_SECONDS(5), true);
    assert_true(pair_talks(&p));
    assert_int_equal(p.end[0].messages + p.end[1].messages, 2);
    assert_int_equal(p.end[0].closed + p.end[1].closed, 0);
    pair_free(&p);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* Fragments, messages and epochs that fill whatever may be filled, in the middle of a handshake and after it. */
static void stuff(struct pair *p, struct dtls *d, unsigned n)
{
    static uint8_t body[1100];
    uint8_t dgram[2048];
    for (unsigned i = 0; i < n; i++) {
        uint64_t r = pair_random(p);
        size_t len = 0;
        uint64_t seq = r >> 20 & 0xffffff;
        switch (r % 5) {
        case 0: len = record(dgram, 22, 1, seq, body, 40 + r % 200); break;
        case 1: len = record(dgram, 22, (uint16_t)(2 + r % 100), seq, body, 1000); break;
        case 2:
            len = handshake(dgram, (uint8_t)(r >> 8), 16000, (uint16_t)(r >> 16 & 7),
                            (uint32_t)(r >> 24 & 0x3fff), body, 1000, seq);
            break;
        case 3:
            len = handshake(dgram, 1, 8000, 0, (uint32_t)(r >> 24 & 0x1fff), body, 1, seq);
            break;
        default: len = record(dgram, 23, 1, seq, body, 1000); break;
        }
        sotto__dtls_input(d, pair_clock, dgram, len);
    }
}

/* proves: H074 H075 */
static void no_flood_makes_memory_grow(void **state) /* H074, H075, H076 */
{
    (void)state;
    for (int connected = 0; connected < 2; connected++) {
        struct pair p;
        pair_init(&p, 1);
        pair_run(&p, connected ? SOTTO_SECONDS(1) : SOTTO_MS(15));
        for (int i = 0; i < 2; i++) {
            stuff(&p, p.end[i].d, 1000);
            size_t before = heap();
            stuff(&p, p.end[i].d, 100000);
            assert_true(heap() <= before + 64 * 1024);
        }
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(10)));
        assert_true(pair_talks(&p));
        pair_free(&p);
    }
}

static void short_and_broken_datagrams_are_dropped(void **state) /* H056, H076 */
{
    (void)state;
    struct pair p;
    uint8_t dgram[64];
    pair_init(&p, 1);
    for (int round = 0; round < 2; round++) {
        for (int first = 0; first < 256; first++) {
            for (size_t n = 0; n <= 40; n++) {
                for (size_t i = 0; i < n; i++) dgram[i] = (uint8_t)pair_random(&p);
                if (n > 0) dgram[0] = (uint8_t)first;
                if (n > 13)
                    dgram[1] = 0xfe, dgram[2] = 0xfd, dgram[3] = 0, dgram[4] = (uint8_t)(n & 1),
                    dgram[11] = 0, dgram[12] = (uint8_t)(n - 13);
                sotto__dtls_input(p.end[0].d, pair_clock, dgram, n);
                sotto__dtls_input(p.end[1].d, pair_clock, dgram, n);
            }
        }
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(2)));
        assert_true(pair_talks(&p));
    }
    pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_forged_datagram_at_any_flight_does_not_end_a_handshake),
        cmocka_unit_test(nor_does_it_when_the_hello_comes_in_fragments),
        cmocka_unit_test(nor_with_a_peer_that_does_not_begin_anew),
        cmocka_unit_test(a_cookie_that_a_forger_asked_for_twice_is_given_up),
        cmocka_unit_test(a_handshake_completes_soon_after_a_flood),
        cmocka_unit_test(after_the_handshake_forgeries_change_nothing),
        cmocka_unit_test(no_flood_makes_memory_grow),
        cmocka_unit_test(short_and_broken_datagrams_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
