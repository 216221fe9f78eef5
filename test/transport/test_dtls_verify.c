/* SPDX-License-Identifier: BSD-2-Clause */
/* Who the peer is: fingerprints known before, during and after the handshake, right and wrong; keys that are not good enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "dtls_pair.h"
#include "transport/dtls_int.h"
#include "util/bytes.h"
#include "util/mem.h"

static struct sdp_fingerprint fingerprint_of(const struct pair *p, int who, const char *hash,
                                             const EVP_MD *md, bool right)
{
    struct sdp_fingerprint f = {.n_bytes = 0};
    unsigned n = 0;
    X509 *x;
    EVP_PKEY *key;
    memcpy(f.hash, hash, strlen(hash) + 1);
    assert_int_equal(sotto__cert_open(p->end[who].cert, &x, &key), 0);
    X509_digest(x, md, f.bytes, &n);
    X509_free(x);
    EVP_PKEY_free(key);
    f.n_bytes = n;
    if (!right) f.bytes[n - 1] ^= 1;
    return f;
}

/* Notes a fatal bad_certificate in the clear. */
static bool note_alert(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    int *alerts = p->tap_arg;
    struct reader r = sotto__reader(dgram, n);
    struct dtls_record rec;
    while (sotto__dtls_guard_split(&r, &rec))
        if (rec.type == DTLS_ALERT && rec.epoch == 0 && rec.n == 15 && rec.p[13] == 2 &&
            rec.p[14] == 42)
            alerts[from]++;
    return true;
}

/* proves: H059 H060 */
static void a_wrong_fingerprint_ends_the_handshake_in_either_role(void **state) /* H059, H060, DTLS-05 */
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct pair p;
        int alerts[2] = {0};
        uint8_t key[16];
        char text[224];
        pair_init_without_fingerprints(&p, 1);
        struct sdp_fingerprint f = fingerprint_of(&p, 1 - who, "sha-256", EVP_sha256(), false);
        assert_int_equal(sotto__dtls_set_fingerprints(p.end[who].d, &f, 1), 0);
        pair_know(&p, 1 - who);
        p.tap = note_alert, p.tap_arg = alerts;
        pair_run(&p, SOTTO_SECONDS(2));
        assert_int_equal(p.end[who].connected, 0);
        assert_int_equal(p.end[who].error, SOTTO_E_PROTO);
        assert_int_equal(alerts[who], 1);
        sotto__fingerprint_text(&f, text);
        assert_non_null(strstr(sotto__dtls_reason(p.end[who].d), text)); /* what was promised, and what came */
        f.bytes[31] ^= 1;
        sotto__fingerprint_text(&f, text);
        assert_non_null(strstr(sotto__dtls_reason(p.end[who].d), text));
        assert_int_equal(sotto__dtls_export(p.end[who].d, "EXTRACTOR-dtls_srtp", key, 16),
                         SOTTO_E_STATE);
        assert_int_equal(p.end[0].n_data + p.end[1].n_data, 0);
        pair_free(&p);
    }
}

static void a_late_answer_lets_held_data_flow(void **state) /* DTLS-07 */
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct pair p;
        uint8_t key[16], buf[100];
        pair_init_without_fingerprints(&p, 1);
        pair_know(&p, 1 - who);
        pair_run(&p, SOTTO_SECONDS(1));
        assert_int_equal(p.end[who].connected, 0);
        assert_int_equal(p.end[1 - who].connected, 1);
        assert_int_equal(sotto__dtls_export(p.end[who].d, "x", key, 16), SOTTO_E_STATE);
        assert_int_equal(sotto__dtls_srtp_profile(p.end[who].d), 0);
        assert_int_equal(sotto__dtls_seal(p.end[who].d, key, 1, buf, sizeof buf), SOTTO_E_STATE);
        for (uint8_t i = 0; i < SOTTO_MAX_EARLY_RECORDS + 1; i++) {
            int n = sotto__dtls_seal(p.end[1 - who].d, &i, 1, buf, sizeof buf);
            pair_send(&p, who, buf, (size_t)n, 0);
        }
        pair_run(&p, SOTTO_SECONDS(40)); /* the answer takes its time: no deadline any more */
        assert_int_equal(p.end[who].error, 0);
        assert_int_equal(p.end[who].n_data, 0);
        pair_know(&p, who);
        pair_run(&p, SOTTO_MS(1));
        assert_int_equal(p.end[who].connected, 1);
        assert_int_equal(p.end[who].n_data, SOTTO_MAX_EARLY_RECORDS); /* one past the limit is lost */
        for (uint8_t i = 0; i < SOTTO_MAX_EARLY_RECORDS; i++)
            assert_int_equal(p.end[who].data[i], i);
        assert_true(pair_talks(&p));
        pair_free(&p);
    }
}

/* proves: H060 */
static void a_late_wrong_answer_ends_the_connection_without_a_byte(void **state) /* DTLS-07 */
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct pair p;
        uint8_t buf[100];
        pair_init_without_fingerprints(&p, 1);
        pair_know(&p, 1 - who);
        pair_run(&p, SOTTO_SECONDS(1));
        int n = sotto__dtls_seal(p.end[1 - who].d, (const uint8_t *)"secret", 6, buf, sizeof buf);
        pair_send(&p, who, buf, (size_t)n, 0);
        pair_run(&p, SOTTO_SECONDS(1));
        struct sdp_fingerprint f = fingerprint_of(&p, 1 - who, "sha-256", EVP_sha256(), false);
        assert_int_equal(sotto__dtls_set_fingerprints(p.end[who].d, &f, 1), 0);
        pair_run(&p, SOTTO_SECONDS(1));
        assert_int_equal(p.end[who].connected, 0);
        assert_int_equal(p.end[who].n_data, 0);
        assert_int_equal(p.end[who].error, SOTTO_E_PROTO);
        assert_int_equal(p.end[1 - who].closed, 1); /* the other one is told */
        assert_int_equal(sotto__dtls_export(p.end[who].d, "x", buf, 16), SOTTO_E_STATE);
        pair_free(&p);
    }
}

/* proves: H009 */
static void the_strongest_hash_of_a_set_decides(void **state) /* SDP-07, H009 */
{
    (void)state;
    static const struct {
        const char *name;
        struct {
            int bits;
            bool right;
        } set[4];
        bool connects;
    } cases[] = {
        {"sha-256 right", {{256, true}}, true},
        {"sha-384 right", {{384, true}}, true},
        {"sha-512 right", {{512, true}}, true},
        {"one of two right", {{256, false}, {256, true}}, true},
        {"both wrong", {{256, false}, {256, false}}, false},
        {"strong wrong, weak right", {{512, false}, {256, true}}, false},
        {"weak right, strong wrong", {{256, true}, {384, false}}, false},
        {"strong right, weak wrong", {{512, true}, {256, false}}, true},
        {"sha-1 right, sha-256 wrong", {{1, true}, {256, false}}, false},
        {"sha-1 wrong, sha-256 right", {{1, false}, {256, true}}, true},
        {"sha-1, sha-384 and two sha-512",
         {{1, true}, {384, false}, {512, false}, {512, true}},
         true},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct pair p;
        struct sdp_fingerprint set[4];
        size_t n = 0;
        pair_init_without_fingerprints(&p, c + 1);
        for (; n < 4 && cases[c].set[n].bits > 0; n++) {
            int bits = cases[c].set[n].bits;
            const char *hash = bits == 1     ? "sha-1"
                               : bits == 256 ? "sha-256"
                               : bits == 384 ? "sha-384"
                                             : "sha-512";
            const EVP_MD *md = bits == 1     ? EVP_sha1()
                               : bits == 256 ? EVP_sha256()
                               : bits == 384 ? EVP_sha384()
                                             : EVP_sha512();
            set[n] = fingerprint_of(&p, 1, hash, md, cases[c].set[n].right);
        }
        assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, set, n), 0);
        pair_know(&p, 1);
        pair_run(&p, SOTTO_SECONDS(2));
        if (p.end[0].connected != cases[c].connects) fail_msg("%s", cases[c].name);
        assert_int_equal(p.end[0].error, cases[c].connects ? 0 : SOTTO_E_PROTO);
        pair_free(&p);
    }
}

static void sets_that_cannot_be_used_are_refused(void **state) /* H008 */
{
    (void)state;
    struct pair p;
    struct sdp_fingerprint many[SOTTO_MAX_FINGERPRINTS + 1], f;
    pair_init_without_fingerprints(&p, 1);
    f = fingerprint_of(&p, 1, "sha-1", EVP_sha1(), true);
    assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, &f, 1), SOTTO_E_INVAL);
    assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, NULL, 0), SOTTO_E_INVAL);
    f = fingerprint_of(&p, 1, "sha-256", EVP_sha256(), true);
    for (size_t i = 0; i < SOTTO_MAX_FINGERPRINTS + 1; i++) many[i] = f;
    assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, many, SOTTO_MAX_FINGERPRINTS + 1),
                     SOTTO_E_LIMIT);
    assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, many, SOTTO_MAX_FINGERPRINTS), 0);
    assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, many, SOTTO_MAX_FINGERPRINTS),
                     0); /* the same: fine */
    assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, many, 1), SOTTO_E_STATE);
    many[3].bytes[0] ^= 1;
    assert_int_equal(sotto__dtls_set_fingerprints(p.end[0].d, many, SOTTO_MAX_FINGERPRINTS),
                     SOTTO_E_STATE);
    pair_know(&p, 1);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(1)));
    pair_free(&p);
}

/* Spoils the signature in the message of this type, each time that it passes. */
static bool spoil(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    uint8_t copy[1500];
    const int *type = p->tap_arg;
    struct reader r = sotto__reader(copy, n);
    struct dtls_record rec;
    memcpy(copy, dgram, n);
    while (sotto__dtls_guard_split(&r, &rec))
        if (rec.type == DTLS_HANDSHAKE && rec.epoch == 0 && rec.p[13] == *type)
            copy[rec.p + rec.n - 1 - copy] ^= 1;
    pair_send(p, 1 - from, copy, n, p->delay);
    return false;
}

/* proves: H061 H089 */
static void a_certificate_without_its_key_does_not_connect(void **state) /* H061 */
{
    (void)state;
    static const int types[] = {15, 12}; /* CertificateVerify, ServerKeyExchange */
    for (int i = 0; i < 2; i++) {
        struct pair p;
        int type = types[i];
        pair_init(&p, 1);
        p.tap = spoil, p.tap_arg = &type;
        pair_run(&p, SOTTO_MAX_DTLS_US);
        assert_int_equal(p.end[0].connected + p.end[1].connected, 0);
        assert_int_equal(p.end[i == 0 ? 1 : 0].error, SOTTO_E_PROTO);
        assert_non_null(strstr(sotto__dtls_reason(p.end[i == 0 ? 1 : 0].d), "signature"));
        struct dtls_stats stats;
        sotto__dtls_get_stats(p.end[i == 0 ? 1 : 0].d, &stats);
        print_message("%s: %u rebuilds, %s\n", i ? "client" : "server", (unsigned)stats.rebuilds,
                      sotto__dtls_reason(p.end[i == 0 ? 1 : 0].d));
        assert_true(stats.rebuilds <= SOTTO_MAX_DTLS_REBUILDS);
        pair_free(&p);
    }
}

static EVP_PKEY *explicit_p256(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
                                   OSSL_PKEY_EC_ENCODING_EXPLICIT);
    return key;
}

/* proves: H080 */
static void peers_keys_are_good_or_refused(void **state) /* DTLS-14, H080 */
{
    (void)state;
    struct {
        const char *name;
        EVP_PKEY *key;
        bool good;
    } cases[] = {{"P-256", EVP_EC_gen("P-256"), true},
                 {"P-384", EVP_EC_gen("P-384"), true},
                 {"P-521", EVP_EC_gen("P-521"), true},
                 {"RSA 2048", EVP_RSA_gen(2048), true},
                 {"RSA 1024", EVP_RSA_gen(1024), false},
                 {"secp256k1", EVP_EC_gen("secp256k1"), false},
                 {"P-224", EVP_EC_gen("P-224"), false},
                 {"explicit P-256", explicit_p256(), false},
                 {"Ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (i != 7) /* which shows only when it was read from a certificate */
            assert_int_equal(sotto__cert_key_refused(cases[i].key, true) == NULL, cases[i].good);
        if (i == 8) { /* X509_sign() wants a digest, and Ed25519 none */
            EVP_PKEY_free(cases[i].key);
            continue;
        }
        for (int who = 0; who < 2; who++) {
            struct pair p;
            pair_init_without_fingerprints(&p, 1);
            EVP_PKEY_up_ref(cases[i].key);
            SSL_CTX *ctx = pair_openssl_ctx();
            SSL_CTX_set1_groups_list(ctx, "P-256:P-384:P-521:secp256k1:P-224");
            pair_use_openssl(&p, who, ctx, pair_cert(cases[i].key, 86400, 0)); /* ended in 1970: not looked at */
            pair_know(&p, 1 - who);
            bool connected = pair_run_until_connected(&p, SOTTO_MAX_DTLS_US);
            if (connected != cases[i].good)
                fail_msg("%s as %s", cases[i].name, who ? "server" : "client");
            if (connected)
                assert_true(pair_talks(&p));
            else
                assert_int_equal(p.end[1 - who].error, SOTTO_E_PROTO);
            pair_free(&p);
        }
        EVP_PKEY_free(cases[i].key);
    }
}

static EVP_PKEY *public_rsa(int bits, int e_bits)
{
    BIGNUM *n = BN_new(), *e = BN_new();
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    BN_rand(e, e_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY_fromdata_init(c);
    assert_int_equal(EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_CTX_free(c);
    BN_free(n);
    BN_free(e);
    return key;
}

/* proves: H080 */
static void rsa_keys_that_cost_time_are_refused_before_they_do(void **state) /* H080 */
{
    (void)state;
    static const struct {
        int bits, e_bits;
        bool good;
    } cases[] = {{2047, 17, false},  {2048, 17, true}, {8192, 17, true},  {8193, 17, false},
                 {16384, 17, false}, {2048, 64, true}, {2048, 65, false}, {2048, 2040, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EVP_PKEY *key = public_rsa(cases[i].bits, cases[i].e_bits);
        int64_t least = INT64_MAX;
        for (int k = 0; k < 20; k++) { /* a machine that is interrupted is not so each time */
            struct timespec a, b;
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
            assert_int_equal(sotto__cert_key_refused(key, true) == NULL, cases[i].good);
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
            int64_t spent = (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
            if (spent < least) least = spent;
        }
        assert_true(least < 10000000);
        EVP_PKEY_free(key);
    }
    assert_non_null(sotto__cert_key_refused(NULL, true));
}

/* proves: H080 */
static void certificates_above_the_limit_are_refused(void **state) /* H080 */
{
    (void)state;
    static const struct {
        size_t extra;
        bool good;
    } cases[] = {{4000, true}, {15000, true}, {16100, false}, {60000, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int who = 0; who < 2; who++) {
            struct pair p;
            pair_init_without_fingerprints(&p, 1);
            pair_use_openssl(&p, who, pair_openssl_ctx(),
                             pair_cert(EVP_EC_gen("P-256"), UNIX_NOW, cases[i].extra));
            pair_know(&p, 1 - who);
            assert_int_equal(pair_run_until_connected(&p, SOTTO_MAX_DTLS_US), cases[i].good);
            if (!cases[i].good) assert_int_equal(p.end[1 - who].error, SOTTO_E_PROTO);
            pair_free(&p);
        }
    }
}

/* proves: H080 */
static void a_chain_of_a_hundred_certificates_is_refused(void **state) /* H080 */
{
    (void)state;
    struct pair p;
    pair_init_without_fingerprints(&p, 1);
    struct cert *cert = pair_cert(EVP_EC_gen("P-256"), UNIX_NOW, 0);
    pair_use_openssl(&p, 1, pair_openssl_ctx(), cert);
    for (int i = 0; i < 100; i++) assert_true(SSL_add1_chain_cert(p.end[1].ssl, cert->x509));
    pair_know(&p, 0);
    assert_false(pair_run_until_connected(&p, SOTTO_MAX_DTLS_US));
    assert_int_equal(p.end[0].error, SOTTO_E_PROTO);
    pair_free(&p);
}

/* ---- certificates that are accepted ---- */

/* proves: S05 S28 H027 */
static void a_peer_of_none_of_the_accepted_certificates_does_not_connect(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++)
        for (int late = 0; late < 2; late++) { /* pins known before the handshake, or only before its end */
            struct pair p;
            pair_init(&p, 70);
            struct sdp_fingerprint f[2] = {
                fingerprint_of(&p, 1 - who, "sha-256", EVP_sha256(), false),
                fingerprint_of(&p, 1 - who, "sha-512", EVP_sha512(), false)};
            if (late) pair_run(&p, p.delay);
            assert_int_equal(sotto__dtls_set_pins(p.end[who].d, f, 2), 0);
            assert_false(pair_run_until_connected(&p, SOTTO_SECONDS(40)));
            assert_int_equal(p.end[who].connected, 0);
            assert_int_equal(p.end[who].error, SOTTO_E_PROTO);
            assert_false(sotto__dtls_is_pinned(p.end[who].d));
            assert_non_null(strstr(sotto__dtls_reason(p.end[who].d), "none of those"));
            pair_free(&p);
        }
}

/* proves: S28 */
static void one_of_several_accepted_certificates_connects_of_any_hash(void **state)
{
    static const struct {
        const char *hash;
        const EVP_MD *(*md)(void);
    } hashes[] = {{"sha-256", EVP_sha256}, {"sha-384", EVP_sha384}, {"sha-512", EVP_sha512}};
    (void)state;
    for (size_t i = 0; i < 9; i++) { /* the right one is of hash i / 3, and stands at place i % 3 */
        struct pair p;
        pair_init(&p, 71);
        struct sdp_fingerprint f[3];
        for (size_t k = 0; k < 3; k++)
            f[k] = fingerprint_of(&p, 1, hashes[(i / 3 + k) % 3].hash, hashes[(i / 3 + k) % 3].md(),
                                  false);
        f[i % 3] = fingerprint_of(&p, 1, hashes[i / 3].hash, hashes[i / 3].md(), true);
        assert_int_equal(sotto__dtls_set_pins(p.end[0].d, f, 3), 0);
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(40)));
        assert_true(sotto__dtls_is_pinned(p.end[0].d));
        assert_false(sotto__dtls_is_pinned(p.end[1].d));
        pair_free(&p);
    }
}

/* proves: S28 */
static void a_connected_peer_is_accepted_later_or_not(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, 72);
    struct sdp_fingerprint right = fingerprint_of(&p, 1, "sha-256", EVP_sha256(), true),
                           wrong = fingerprint_of(&p, 1, "sha-256", EVP_sha256(), false);
    assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(40)));
    assert_int_equal(sotto__dtls_set_pins(p.end[0].d, &wrong, 1), SOTTO_E_ACCESS);
    assert_false(sotto__dtls_is_pinned(p.end[0].d));
    assert_int_equal(sotto__dtls_set_pins(p.end[0].d, &right, 1), 0);
    assert_true(sotto__dtls_is_pinned(p.end[0].d) && pair_talks(&p));
    pair_free(&p);
}

/* ---- what both ends have in common ---- */

/* The same made by OpenSSL alone: of its exporter (RFC 9266 §2: a context of no bytes) and its certificates. */
static void code_by_openssl(struct pair *p, SSL *ssl, uint8_t out[static DTLS_CODE])
{
    static const char label[] = "sotto verification code 1";
    static const char exporter[] = "EXPORTER-Channel-Binding";
    uint8_t binding[32];
    unsigned n;
    struct sdp_fingerprint client = fingerprint_of(p, 0, "sha-256", EVP_sha256(), true),
                           server = fingerprint_of(p, 1, "sha-256", EVP_sha256(), true);
    assert_int_equal(SSL_export_keying_material(ssl, binding, 32, exporter, sizeof exporter - 1,
                                                (const uint8_t *)"", 0, 1),
                     1);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    assert_true(EVP_DigestInit(md, EVP_sha512()) && EVP_DigestUpdate(md, label, sizeof label - 1) &&
                EVP_DigestUpdate(md, client.bytes, 32) && EVP_DigestUpdate(md, server.bytes, 32) &&
                EVP_DigestUpdate(md, binding, 32) && EVP_DigestFinal(md, out, &n));
    EVP_MD_CTX_free(md);
}

/* proves: S18 DTLS-21 */
static void the_code_is_made_of_the_channel_binding_and_both_certificates(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        uint8_t ours[DTLS_CODE], theirs[DTLS_CODE];
        struct pair p;
        pair_init_without_fingerprints(&p, 73);
        pair_use_openssl(&p, who, pair_openssl_ctx(), pair_cert(EVP_EC_gen("P-256"), UNIX_NOW, 0));
        pair_know(&p, 1 - who);
        assert_int_equal(sotto__dtls_code(p.end[1 - who].d, ours), SOTTO_E_STATE);
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(40)));
        assert_int_equal(sotto__dtls_code(p.end[1 - who].d, ours), 0);
        code_by_openssl(&p, p.end[who].ssl, theirs);
        assert_memory_equal(ours, theirs, DTLS_CODE);
        pair_free(&p);
    }
}

/* proves: S18 H089 */
static void the_code_is_another_with_the_same_certificates_and_other_keys(void **state)
{
    (void)state;
    uint8_t code[2][DTLS_CODE], theirs[DTLS_CODE];
    struct cert *kept[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        struct pair p;
        pair_init(&p, 74);
        for (int k = 0; k < 2 && i == 0; k++) kept[k] = sotto__cert_ref(p.end[k].cert);
        for (int k = 0; k < 2 && i == 1; k++) { /* again, as whom they were before */
            struct dtls_cfg cfg = {.ctx = p.ctx, .cert = kept[k], .client = k == 0};
            sotto__dtls_free(p.end[k].d);
            sotto__cert_unref(p.end[k].cert);
            p.end[k].cert = sotto__cert_ref(kept[k]);
            assert_int_equal(sotto__dtls_new(&p.end[k].d, &cfg, pair_clock), 0);
        }
        for (int k = 0; k < 2 && i == 1; k++) pair_know(&p, k);
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(40)));
        assert_int_equal(sotto__dtls_code(p.end[0].d, code[i]), 0);
        assert_int_equal(sotto__dtls_code(p.end[1].d, theirs), 0);
        assert_memory_equal(code[i], theirs, DTLS_CODE);
        pair_free(&p);
    }
    assert_memory_not_equal(code[0], code[1], DTLS_CODE);
    for (int k = 0; k < 2; k++) sotto__cert_unref(kept[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_fingerprint_ends_the_handshake_in_either_role),
        cmocka_unit_test(a_late_answer_lets_held_data_flow),
        cmocka_unit_test(a_late_wrong_answer_ends_the_connection_without_a_byte),
        cmocka_unit_test(the_strongest_hash_of_a_set_decides),
        cmocka_unit_test(sets_that_cannot_be_used_are_refused),
        cmocka_unit_test(a_certificate_without_its_key_does_not_connect),
        cmocka_unit_test(peers_keys_are_good_or_refused),
        cmocka_unit_test(rsa_keys_that_cost_time_are_refused_before_they_do),
        cmocka_unit_test(certificates_above_the_limit_are_refused),
        cmocka_unit_test(a_chain_of_a_hundred_certificates_is_refused),
        cmocka_unit_test(a_peer_of_none_of_the_accepted_certificates_does_not_connect),
        cmocka_unit_test(one_of_several_accepted_certificates_connects_of_any_hash),
        cmocka_unit_test(a_connected_peer_is_accepted_later_or_not),
        cmocka_unit_test(the_code_is_made_of_the_channel_binding_and_both_certificates),
        cmocka_unit_test(the_code_is_another_with_the_same_certificates_and_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
