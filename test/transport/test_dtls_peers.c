/* SPDX-License-Identifier: BSD-2-Clause */
/* Peers that are not ours: OpenSSL as other stacks use it, good and bad, and the first flights of real browsers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>

#include "dtls_pair.h"
#include "transport/dtls_int.h"
#include "util/bytes.h"
#include "util/mem.h"

static struct cert *new_cert(bool rsa)
{
    static EVP_PKEY *rsa_key; /* one for all tests: making it takes long */
    if (!rsa) return pair_cert(EVP_EC_gen("P-256"), UNIX_NOW, 0);
    if (!rsa_key) rsa_key = EVP_RSA_gen(2048);
    EVP_PKEY_up_ref(rsa_key);
    return pair_cert(rsa_key, UNIX_NOW, 0);
}

static void with_openssl(struct pair *p, int who, SSL_CTX *ctx, struct cert *cert)
{
    pair_init_without_fingerprints(p, 1);
    pair_use_openssl(p, who, ctx, cert);
    if (cert) pair_know(p, 1 - who);
}

/* proves: S29 */
static void every_suite_of_ours_connects_in_both_roles(void **state) /* DTLS-02 */
{
    (void)state;
    static const char *const suites[] = {
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"};
    for (size_t i = 0; i < 6; i++) {
        for (int who = 0; who < 2; who++) {
            struct pair p;
            SSL_CTX *ctx = pair_openssl_ctx();
            bool rsa = strstr(suites[i], "ECDSA") == NULL;
            SSL_CTX_set_cipher_list(ctx, suites[i]);
            with_openssl(&p, who, ctx, new_cert(rsa && who == 1));
            if (rsa && who == 0) { /* the server's key makes the suite: ours */
                sotto__dtls_free(p.end[1].d);
                sotto__cert_unref(p.end[1].cert);
                p.end[1].cert = new_cert(true);
                struct dtls_cfg cfg = {.ctx = p.ctx, .cert = p.end[1].cert, .client = false};
                assert_int_equal(sotto__dtls_new(&p.end[1].d, &cfg, pair_clock), 0);
                pair_know(&p, 1);
            }
            if (!pair_run_until_connected(&p, SOTTO_SECONDS(2))) fail_msg("%s %d", suites[i], who);
            assert_true(pair_talks(&p));
            assert_string_equal(SSL_get_cipher_name(p.end[who].ssl), suites[i]);
            pair_free(&p);
        }
    }
}

enum trouble { OLD_VERSION, NO_EMS, NO_CERT, NOT_ASKED, SHA1_ONLY, NO_GROUP, SUITES };

static SSL_CTX *bad_ctx(enum trouble t, const char *suites)
{
    SSL_CTX *c = pair_openssl_ctx();
    if (t == OLD_VERSION)
        SSL_CTX_set_min_proto_version(c, DTLS1_VERSION),
            SSL_CTX_set_max_proto_version(c, DTLS1_VERSION);
    if (t == NO_EMS) SSL_CTX_set_options(c, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    if (t == SHA1_ONLY) {
        assert_true(SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA1"));
        assert_true(SSL_CTX_set1_client_sigalgs_list(c, "ECDSA+SHA1"));
    }
    if (t == NO_GROUP) assert_true(SSL_CTX_set1_groups_list(c, "secp256k1:brainpoolP256r1"));
    if (suites) assert_true(SSL_CTX_set_cipher_list(c, suites));
    return c;
}

static unsigned psk_secret(SSL *ssl, const char *hint, char *id, unsigned max_id,
                           unsigned char *psk, unsigned max_psk)
{
    (void)ssl, (void)hint, (void)max_psk;
    snprintf(id, max_id, "peer");
    memset(psk, 7, 16);
    return 16;
}

/* proves: S29 H062 H082 H083 */
static void weak_peers_do_not_connect(void **state) /* DTLS-01, DTLS-02, DTLS-04, DTLS-11, H062, H082, H083 */
{
    (void)state;
    static const struct {
        const char *name;
        enum trouble trouble;
        const char *suites;
        int only; /* as this end; -1: both */
        bool rsa;
    } cases[] = {
        {"DTLS 1.0", OLD_VERSION, "ALL:@SECLEVEL=0", -1, false},
        {"no extended master secret", NO_EMS, NULL, -1, false},
        {"no certificate", NO_CERT, NULL, 0, false},
        {"a server that asks for none", NOT_ASKED, NULL, 1, false},
        {"SHA-1 signatures", SHA1_ONLY, "ALL:@SECLEVEL=0", -1, false},
        {"no common group", NO_GROUP, NULL, 0, false},
        {"NULL", SUITES, "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", -1, false},
        {"anonymous", SUITES, "AECDH-AES128-SHA:ADH-AES128-GCM-SHA256:@SECLEVEL=0", -1, false},
        {"RSA key exchange", SUITES, "AES128-GCM-SHA256:@SECLEVEL=0", -1, true},
        {"CBC", SUITES, "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0", -1, false},
        {"CCM", SUITES, "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0", -1, false},
        {"DHE", SUITES, "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", -1, true},
        {"PSK", SUITES, "PSK-AES128-GCM-SHA256:@SECLEVEL=0", -1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int who = 0; who < 2; who++) {
            struct pair p;
            if (cases[i].only >= 0 && cases[i].only != who) continue;
            SSL_CTX *ctx = bad_ctx(cases[i].trouble, cases[i].suites);
            SSL_CTX_set_psk_client_callback(ctx, psk_secret);
            with_openssl(&p, who, ctx, cases[i].trouble == NO_CERT ? NULL : new_cert(cases[i].rsa));
            if (cases[i].trouble == NO_CERT) {
                struct sdp_fingerprint f;
                sotto__cert_fingerprint(p.end[1].cert, &f);
                f.bytes[0] ^= 1;
                sotto__dtls_set_fingerprints(p.end[1].d, &f, 1);
            }
            if (cases[i].trouble == NOT_ASKED)
                SSL_set_verify(p.end[who].ssl, SSL_VERIFY_NONE, NULL);
            pair_run(&p, SOTTO_MAX_DTLS_US);
            if (p.end[1 - who].connected || p.end[who].connected)
                fail_msg("%s as end %d connected", cases[i].name, who);
            int error = p.end[1 - who].error;
            if (error != SOTTO_E_PROTO && !(error == SOTTO_E_NETWORK && who == 1))
                fail_msg("%s as end %d: %d", cases[i].name, who, error);
            pair_free(&p);
        }
    }
}

static int cookie_make(SSL *ssl, unsigned char *cookie, unsigned *n)
{
    (void)ssl;
    memset(cookie, 0x5a, *n = 20);
    return 1;
}

static int cookie_check(SSL *ssl, const unsigned char *cookie, unsigned n)
{
    (void)ssl;
    return n == 20 && cookie[0] == 0x5a;
}

static void a_server_that_wants_a_cookie_gets_it(void **state)
{
    (void)state;
    for (unsigned loss = 0; loss <= 30; loss += 30) {
        struct pair p;
        SSL_CTX *ctx = pair_openssl_ctx();
        SSL_CTX_set_options(ctx, SSL_OP_COOKIE_EXCHANGE);
        SSL_CTX_set_cookie_generate_cb(ctx, cookie_make);
        SSL_CTX_set_cookie_verify_cb(ctx, cookie_check);
        with_openssl(&p, 1, ctx, new_cert(false));
        p.loss = loss;
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(10)));
        pair_run(&p, SOTTO_SECONDS(3));
        assert_true(pair_talks(&p));
        pair_free(&p);
    }
}

/* OpenSSL gives up when its renegotiation is refused: its alert does not arrive. */
static bool only_the_first(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    int *left = p->tap_arg;
    (void)dgram, (void)n;
    return !p->end[from].ssl || --*left >= 0;
}

/* proves: H073 */
static void renegotiation_is_refused_and_changes_no_key(void **state) /* H073, DTLS-03 */
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        struct pair p;
        uint8_t before[16], after[16];
        with_openssl(&p, who, pair_openssl_ctx(), new_cert(false));
        assert_true(pair_run_until_connected(&p, SOTTO_SECONDS(2)));
        assert_true(pair_talks(&p));
        assert_int_equal(sotto__dtls_export(p.end[1 - who].d, "x", before, 16), 0);
        int left = 1;
        p.tap = only_the_first, p.tap_arg = &left;
        SSL_renegotiate(p.end[who].ssl); /* a ClientHello under protection, or a HelloRequest */
        SSL_do_handshake(p.end[who].ssl);
        pair_run(&p, SOTTO_SECONDS(2));
        assert_int_equal(p.end[1 - who].connected, 1);
        assert_int_equal(p.end[1 - who].error, 0);
        assert_int_equal(sotto__dtls_export(p.end[1 - who].d, "x", after, 16), 0);
        assert_memory_equal(before, after, 16);
        pair_free(&p);
    }
}

static size_t browser_flight(const char *browser, uint8_t dgram[2][1500], size_t n[2])
{
    size_t i;
    for (i = 0; i < 2; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/dtls/%s-clienthello-%zu.bin", FIXTURES, browser, i + 1);
        FILE *f = fopen(path, "rb");
        if (!f) fail_msg("%s", path);
        n[i] = fread(dgram[i], 1, 1500, f);
        fclose(f);
    }
    return i;
}

/* What the server answers: the types of the handshake messages, in order. */
static size_t answer(struct dtls *d, uint8_t *types, size_t max)
{
    struct dtls_out out;
    struct dtls_record rec;
    size_t n = 0;
    while (sotto__dtls_next(d, pair_clock, &out) == 1) {
        assert_int_equal(out.type, DTLS_OUT_PACKET);
        assert_true(out.n <= SOTTO_MTU);
        struct reader r = sotto__reader(out.p, out.n);
        while (sotto__dtls_guard_split(&r, &rec)) {
            assert_int_equal(rec.type, DTLS_HANDSHAKE);
            if (n < max && (n == 0 || types[n - 1] != rec.p[13])) types[n++] = rec.p[13];
        }
    }
    return n;
}

/* proves: S29 H084 */
static void browsers_hellos_in_any_order_get_a_whole_flight(void **state) /* H084, DTLS-20 */
{
    (void)state;
    static const char *const browsers[] = {"chromium", "firefox"};
    static const int orders[][4] = {
        {0, 1, -1}, {1, 0, -1}, {0, 0, 1, 1}, {1, 1, 0, -1}, {0, 0, 0, 1}};
    static const uint8_t whole[] = {2, 11, 12, 13, 14};
    for (size_t b = 0; b < 2; b++) {
        for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
            struct pair p;
            uint8_t dgram[2][1500], types[8];
            size_t n[2];
            pair_init(&p, 1);
            browser_flight(browsers[b], dgram, n);
            for (int i = 0; i < 4 && orders[o][i] >= 0; i++)
                sotto__dtls_input(p.end[1].d, pair_clock, dgram[orders[o][i]], n[orders[o][i]]);
            assert_int_equal(answer(p.end[1].d, types, 8), 5);
            assert_memory_equal(types, whole, 5);
            pair_free(&p);
        }
    }
}

/* The hello of a flight, cut into `parts` fragments of equal size, each in a datagram of its own. */
static size_t cut(const uint8_t *hello, size_t n, size_t parts, uint8_t out[4][1500],
                  size_t out_n[4])
{
    size_t size = (n + parts - 1) / parts;
    for (size_t i = 0, off = 0; i < parts; i++, off += size) {
        struct writer w = sotto__writer(out[i], 1500);
        size_t len = off + size <= n ? size : n - off;
        static const uint8_t head[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0};
        sotto__write_bytes(&w, head, sizeof head);
        sotto__write_u8(&w, (uint8_t)i);
        sotto__write_u16(&w, (uint16_t)(len + 12));
        sotto__write_u8(&w, 1);
        sotto__write_be(&w, (uint32_t)n, 3);
        sotto__write_u16(&w, 0);
        sotto__write_be(&w, (uint32_t)off, 3);
        sotto__write_be(&w, (uint32_t)len, 3);
        sotto__write_bytes(&w, hello + off, len);
        out_n[i] = w.n;
    }
    return parts;
}

/* proves: H084 */
static void three_fragments_in_every_order_and_twice_get_a_whole_flight(void **state) /* DTLS-20 */
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    uint8_t dgram[2][1500], hello[3000], part[4][1500], types[8];
    size_t n[2], part_n[4], len = 0;
    browser_flight("chromium", dgram, n);
    for (int i = 0; i < 2; i++) {
        memcpy(hello + len, dgram[i] + 25, n[i] - 25);
        len += n[i] - 25;
    }
    cut(hello, len, 3, part, part_n);
    for (int o = 0; o < 6; o++) {
        for (int times = 1; times <= 2; times++) {
            struct pair p;
            pair_init(&p, 1);
            for (int i = 0; i < 3 * times; i++)
                sotto__dtls_input(p.end[1].d, pair_clock, part[orders[o][i / times]],
                                  part_n[orders[o][i / times]]);
            assert_int_equal(answer(p.end[1].d, types, 8), 5);
            pair_free(&p);
        }
    }
}

/* A record under the peer's keys that OpenSSL's interface would not send: RFC 5288 by hand. */
struct sealer {
    uint8_t key[16], iv[4];
    uint64_t seq;
};

static void sealer_init(struct sealer *s, SSL *client)
{
    uint8_t secret[48], randoms[64], block[40];
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
    char md[] = "SHA256", label[] = "key expansion";
    SSL_SESSION_get_master_key(SSL_get_session(client), secret, sizeof secret);
    SSL_get_server_random(client, randoms, 32);
    SSL_get_client_random(client, randoms + 32, 32);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, md, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, sizeof secret),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, randoms, sizeof randoms),
        OSSL_PARAM_construct_end()};
    assert_int_equal(EVP_KDF_derive(c, block, sizeof block, params), 1);
    memcpy(s->key, block, 16);
    memcpy(s->iv, block + 32, 4);
    s->seq = 1000;
    EVP_KDF_CTX_free(c);
    EVP_KDF_free(kdf);
}

static size_t seal_by_hand(struct sealer *s, uint8_t type, const uint8_t *p, size_t n, uint8_t *out)
{
    uint8_t nonce[12], aad[13];
    struct writer w = sotto__writer(out, 2048), a = sotto__writer(aad, sizeof aad);
    int len;
    sotto__write_u16(&a, 1);
    sotto__write_u16(&a, 0);
    sotto__write_u32(&a, (uint32_t)s->seq++);
    memcpy(nonce, s->iv, 4);
    memcpy(nonce + 4, aad, 8);
    sotto__write_u8(&w, type);
    sotto__write_u16(&w, 0xfefd);
    sotto__write_bytes(&w, aad, 8);
    sotto__write_u16(&w, (uint16_t)(n + 24));
    sotto__write_bytes(&w, nonce + 4, 8);
    sotto__write_u8(&a, type);
    sotto__write_u16(&a, 0xfefd);
    sotto__write_u16(&a, (uint16_t)n);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, s->key, nonce);
    EVP_EncryptUpdate(c, NULL, &len, aad, 13);
    EVP_EncryptUpdate(c, out + w.n, &len, p, (int)n);
    EVP_EncryptFinal_ex(c, out + w.n + len, &len);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + w.n + n);
    EVP_CIPHER_CTX_free(c);
    return w.n + n + 16;
}

static void connected_to_openssl_client(struct pair *p, struct sealer *s)
{
    SSL_CTX *ctx = pair_openssl_ctx();
    SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256");
    with_openssl(p, 0, ctx, new_cert(false));
    assert_true(pair_run_until_connected(p, SOTTO_SECONDS(2)));
    assert_true(pair_talks(p));
    sealer_init(s, p->end[0].ssl);
}

/* proves: H077 */
static void a_flood_of_protected_warnings_ends_the_connection(void **state) /* H077 */
{
    (void)state;
    struct pair p;
    struct sealer s;
    static const uint8_t warning[] = {1, 90};
    uint8_t dgram[100];
    struct dtls_out out;
    connected_to_openssl_client(&p, &s);
    size_t n = seal_by_hand(&s, 23, (const uint8_t *)"by hand", 7, dgram);
    sotto__dtls_input(p.end[1].d, pair_clock, dgram, n);
    assert_int_equal(sotto__dtls_next(p.end[1].d, pair_clock, &out), 1);
    assert_int_equal(out.n, 7);
    int i;
    sotto__dtls_input(p.end[1].d, pair_clock, dgram,
                      seal_by_hand(&s, 23, (const uint8_t *)"before it", 9, dgram));
    for (i = 0; i < 10000; i++) {
        n = seal_by_hand(&s, 21, warning, 2, dgram);
        sotto__dtls_input(p.end[1].d, pair_clock, dgram, n);
        if (p.end[1].d->dead) break;
    }
    assert_true(i <= 16);
    size_t before = p.end[1].n_data;
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.end[1].error, SOTTO_E_PROTO);
    assert_int_equal(p.end[1].n_data, before + 9); /* what came before the end is given up, then the end */
    pair_free(&p);
}

static void a_protected_fatal_alert_ends_the_connection(void **state)
{
    (void)state;
    struct pair p;
    struct sealer s;
    static const uint8_t fatal[] = {2, 80};
    uint8_t dgram[100];
    connected_to_openssl_client(&p, &s);
    sotto__dtls_input(p.end[1].d, pair_clock, dgram, seal_by_hand(&s, 21, fatal, 2, dgram));
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.end[1].error, SOTTO_E_PROTO);
    assert_non_null(strstr(sotto__dtls_reason(p.end[1].d), "alert"));
    pair_free(&p);
}

/* proves: H076 */
static void strange_protected_records_do_no_harm(void **state)
{
    (void)state;
    struct pair p;
    struct sealer s;
    uint8_t dgram[2048], body[1000] = {0};
    connected_to_openssl_client(&p, &s);
    for (int type = 20; type < 26; type++) {
        if (type == 21) continue;
        for (size_t n = 0; n < 3; n++) {
            size_t len = seal_by_hand(&s, (uint8_t)type, body, n, dgram);
            sotto__dtls_input(p.end[1].d, pair_clock, dgram, len);
        }
    }
    body[0] = 1, body[3] = 200; /* the beginning of a ClientHello, again and again: H073, H074 */
    for (int i = 0; i < 1000; i++)
        sotto__dtls_input(p.end[1].d, pair_clock, dgram, seal_by_hand(&s, 22, body, 100, dgram));
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.end[1].connected, 1);
    assert_true(p.end[1].error == 0 || p.end[1].error == SOTTO_E_PROTO); /* the authenticated peer may end it, no more */
    pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_of_ours_connects_in_both_roles),
        cmocka_unit_test(weak_peers_do_not_connect),
        cmocka_unit_test(a_server_that_wants_a_cookie_gets_it),
        cmocka_unit_test(renegotiation_is_refused_and_changes_no_key),
        cmocka_unit_test(browsers_hellos_in_any_order_get_a_whole_flight),
        cmocka_unit_test(three_fragments_in_every_order_and_twice_get_a_whole_flight),
        cmocka_unit_test(a_flood_of_protected_warnings_ends_the_connection),
        cmocka_unit_test(a_protected_fatal_alert_ends_the_connection),
        cmocka_unit_test(strange_protected_records_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
