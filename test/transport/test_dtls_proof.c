/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Somebody who reads the packets of a handshake and sends their like with some bytes changed: what is covered by a signature costs nothing,
 * and the rest is over within seconds. With each kind of key that a peer may have, and OpenSSL alone at the other end, the signatures are
 * the right ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "dtls_pair.h"
#include "transport/dtls_int.h"
#include "util/bytes.h"

enum { SERVER_HELLO = 2, SERVER_KEY = 12, CERTIFICATE_VERIFY = 15, CLIENT_KEY = 16 };

static const uint8_t alert[] = {DTLS_ALERT, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 2, 40};

static void say_alert(struct pair *p, int to)
{
    pair_send(p, to, alert, sizeof alert, 0);
}

static uint64_t rebuilds(const struct pair *p, int who)
{
    struct dtls_stats s;
    sotto__dtls_get_stats(p->end[who].d, &s);
    return s.rebuilds;
}

static void signatures_of_every_key_are_right(void **state)
{
    (void)state;
    static const struct {
        const char *curve; /* NULL: RSA */
        const char *schemes;
    } cases[] = {{"P-256", "ECDSA+SHA256"}, {"P-256", "ECDSA+SHA512"}, {"P-384", "ECDSA+SHA384"},
                 {"P-521", "ECDSA+SHA512"}, {NULL, "RSA-PSS+SHA256"},  {NULL, "RSA-PSS+SHA384"},
                 {NULL, "RSA-PSS+SHA512"},  {NULL, "RSA+SHA256"},      {NULL, "RSA+SHA384"},
                 {NULL, "RSA+SHA512"}};
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const char *curve = cases[i / 2].curve;
        int who = (int)(i % 2), ours = 1 - who;
        char schemes[64];
        SSL_CTX *ctx = pair_openssl_ctx();
        struct pair p;
        /* and what we sign with; OpenSSL sends no certificate that is signed otherwise */
        bool ours_too = strcmp(cases[i / 2].schemes, "ECDSA+SHA256") != 0;
        bool rsa_too = !curve && strcmp(cases[i / 2].schemes, "RSA+SHA256") != 0;
        snprintf(schemes, sizeof schemes, "%s%s%s", cases[i / 2].schemes,
                 ours_too ? ":ECDSA+SHA256" : "", rsa_too ? ":RSA+SHA256" : "");
        assert_true(SSL_CTX_set1_sigalgs_list(ctx, schemes));
        if (!curve) EVP_PKEY_up_ref(rsa);
        pair_init_without_fingerprints(&p, i + 1);
        pair_use_openssl(&p, who, ctx, pair_cert(curve ? EVP_EC_gen(curve) : rsa, UNIX_NOW, 0));
        pair_know(&p, ours);
        struct dtls *d = p.end[ours].d;
        sotto_us begin = pair_clock;
        say_alert(&p, ours); /* something was forged: from now on they are asked for */
        if (!pair_run_until_connected(&p, SOTTO_SECONDS(2)) || !pair_talks(&p))
            fail_msg("%s %s as end %d: %s", curve ? curve : "RSA", cases[i / 2].schemes, who,
                     sotto__dtls_reason(d));
        assert_int_equal(rebuilds(&p, ours), 0);
        assert_true(d->proof_at >= begin - SOTTO_SECONDS(1) + SOTTO_MS(1)); /* … and were looked at */
        pair_free(&p);
    }
    EVP_PKEY_free(rsa);
}

struct altering {
    uint8_t type; /* of the message that is altered */
    int times;
};

/* Before the datagram that has this message the same one comes, with a byte of that changed: of a hello its random. */
static bool alter(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    struct altering *a = p->tap_arg;
    struct reader in = sotto__reader(dgram, n);
    struct dtls_record r;
    uint8_t copy[2048];
    while (sotto__dtls_guard_split(&in, &r)) {
        if (r.type != DTLS_HANDSHAKE || r.epoch != 0 || r.p[DTLS_HEADER] != a->type) continue;
        memcpy(copy, dgram, n);
        copy[(size_t)(r.p - dgram) + (a->type == SERVER_HELLO ? 13 + 12 + 8 : r.n - 1)] ^= 1;
        pair_send(p, 1 - from, copy, n, p->delay - SOTTO_MS(1));
        a->times++;
    }
    return true;
}

/* proves: H066 H068 H072 */
static void what_a_signature_covers_cannot_be_altered(void **state)
{
    (void)state;
    static const uint8_t types[] = {SERVER_HELLO, SERVER_KEY, CLIENT_KEY, CERTIFICATE_VERIFY};
    for (size_t i = 0; i < sizeof types; i++) {
        struct pair p;
        struct altering a = {.type = types[i]};
        pair_init(&p, i + 1);
        p.tap = alter, p.tap_arg = &a;
        for (int who = 0; who < 2; who++) say_alert(&p, who);
        if (!pair_run_until_connected(&p, SOTTO_MS(49))) /* nothing is sent twice */
            fail_msg("message %d", types[i]);
        assert_true(a.times == 1 && pair_talks(&p));
        assert_int_equal(rebuilds(&p, 0) + rebuilds(&p, 1), 0);
        pair_free(&p);
    }
}

/* OpenSSL repeats a flight by itself, when it is given a record at the right time. */
static void a_flight_that_goes_out_again_is_counted_under_a_flood(void **state)
{
    (void)state;
    struct pair p;
    uint8_t finished[DTLS_HEADER + 48] = {
        DTLS_HANDSHAKE, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 48};
    pair_init(&p, 1);
    pair_run(&p, SOTTO_MS(5));
    p.blackhole = 0;
    for (int ms = 0; ms < 300; ms++) {
        pair_send(&p, 1, finished, sizeof finished, 0);
        pair_run(&p, SOTTO_MS(1));
    }
    assert_true(p.end[1].d->guard.repeats >= 3);
    p.blackhole = -1;
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(5)) && pair_talks(&p));
    pair_free(&p);
}

/* proves: H072 */
static void a_client_whose_server_has_forgotten_it_begins_anew(void **state)
{
    (void)state;
    for (int forged = 0; forged < 2; forged++) {
        struct pair p;
        pair_init(&p, 1);
        for (int i = 0; i < (forged ? 16 : 15); i++) say_alert(&p, 0);
        pair_run(&p, SOTTO_MS(15)); /* the hello is there … */
        p.blackhole = 1;            /* … and nothing more */
        pair_run(&p, SOTTO_SECONDS(2));
        assert_int_equal(rebuilds(&p, 0), forged); /* a bad path and a peer's mistakes are no reason */
        p.blackhole = -1;
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(10)) && pair_talks(&p));
        pair_free(&p);
    }
}

/* ---- a thousand a second, of all kinds, with the others' own words altered ---- */

struct flood {
    uint8_t seen[2][1500]; /* the last handshake datagram of each */
    size_t n[2];
};

static bool listen_in(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    struct flood *f = p->tap_arg;
    if (n > 60 && n <= sizeof f->seen[0] && dgram[0] == DTLS_HANDSHAKE && dgram[4] == 0)
        memcpy(f->seen[from], dgram, f->n[from] = n);
    return true;
}

static void send_one(struct pair *p, const struct flood *f, int as)
{
    static const uint8_t verify[] = {DTLS_HANDSHAKE,
                                     0xfe,
                                     0xfd,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     1,
                                     0,
                                     23,
                                     3,
                                     0,
                                     0,
                                     11,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     11,
                                     0xfe,
                                     0xff,
                                     8,
                                     1,
                                     2,
                                     3,
                                     4,
                                     5,
                                     6,
                                     7,
                                     8};
    uint8_t copy[1500] = {DTLS_HANDSHAKE, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 48};
    uint64_t kind = pair_random(p) % 8;
    size_t n = f->n[as];
    if (kind == 0) pair_send(p, 1 - as, verify, sizeof verify, 0);
    if (kind == 1) pair_send(p, 1 - as, copy, DTLS_HEADER + 48, 0);
    if (kind < 4 || n == 0) return;
    memcpy(copy, f->seen[as], n);
    if (kind == 4 && copy[DTLS_HEADER] < 3) /* a hello with another random, else as it was */
        for (size_t i = 27; i < 59; i++) copy[i] = (uint8_t)pair_random(p);
    else
        for (int i = 0; i < 3; i++) copy[25 + pair_random(p) % (n - 25)] ^= (uint8_t)(1 + i);
    pair_send(p, 1 - as, copy, n, 0);
}

/* proves: H063 H066 H067 H069 H070 H072 */
static void altered_words_do_not_hold_a_handshake_up(void **state)
{
    (void)state;
    int calls = getenv("SOTTO_LONG") ? 1000 : 40;
    sotto_us longest = 0;
    for (int i = 0; i < calls; i++) {
        struct pair p;
        struct flood f = {.n = {0}};
        pair_init(&p, (uint64_t)i + 1);
        p.tap = listen_in, p.tap_arg = &f, p.delay = SOTTO_MS(1 + i % 20);
        sotto_us begin = pair_clock;
        while (!(p.end[0].connected && p.end[1].connected)) {
            for (int as = 0; as < 2; as++) send_one(&p, &f, as);
            pair_run_until_connected(&p, SOTTO_MS(1));
            if (p.end[0].error || p.end[1].error || pair_clock - begin > SOTTO_SECONDS(20))
                fail_msg("call %d: %s | %s", i, sotto__dtls_reason(p.end[0].d),
                         sotto__dtls_reason(p.end[1].d));
        }
        if (pair_clock - begin > longest) longest = pair_clock - begin;
        pair_free(&p);
    }
    print_message("%d of %d calls, the last to come up after %d ms\n", calls, calls,
                  (int)(longest / 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_every_key_are_right),
        cmocka_unit_test(what_a_signature_covers_cannot_be_altered),
        cmocka_unit_test(a_flight_that_goes_out_again_is_counted_under_a_flood),
        cmocka_unit_test(a_client_whose_server_has_forgotten_it_begins_anew),
        cmocka_unit_test(altered_words_do_not_hold_a_handshake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
