/* SPDX-License-Identifier: BSD-2-Clause */
#include "transport/cert.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "transport/dtls_int.h"
#include "util/limits.h"
#include "util/mem.h"
#include "util/rand.h"

#define NOW 1800000000

enum form { PKCS8, TRADITIONAL, ENCRYPTED };

static X509 *certificate_of(EVP_PKEY *key, const EVP_MD *md, long not_after)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(x, name);
    ASN1_TIME_set(X509_getm_notBefore(x), 0);
    ASN1_TIME_set(X509_getm_notAfter(x), not_after);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, md) > 0);
    return x;
}

/* PEM text of both, in malloc's memory. */
static char *pem_of(X509 *x, EVP_PKEY *key, enum form form, bool key_first)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p, *text;
    for (int i = 0; i < 2; i++) {
        if ((i == 0) != key_first && x) assert_true(PEM_write_bio_X509(bio, x));
        if ((i == 0) != key_first || !key) continue;
        if (form == PKCS8)
            assert_true(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
        if (form == TRADITIONAL)
            assert_true(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL));
        if (form == ENCRYPTED)
            assert_true(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), "secret", 6,
                                                      NULL, NULL));
    }
    long n = BIO_get_mem_data(bio, &p);
    text = calloc(1, (size_t)n + 1);
    memcpy(text, p, (size_t)n);
    BIO_free(bio);
    return text;
}

static void a_new_certificate_is_p256_and_lasts_30_days_from_yesterday(void **state)
{
    (void)state;
    struct cert *c;
    int days, secs;
    assert_int_equal(sotto__cert_generate(&c, NOW), 0);
    assert_int_equal(EVP_PKEY_get_base_id(c->key), EVP_PKEY_EC);
    assert_int_equal(EVP_PKEY_get_bits(c->key), 256);
    assert_int_equal(sotto__cert_expires(c), NOW + 29 * 86400);
    ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(c->x509), X509_get0_notAfter(c->x509));
    assert_int_equal(days, 30);
    assert_int_equal(X509_check_private_key(c->x509, c->key), 1);
    assert_int_equal(X509_verify(c->x509, c->key), 1);
    sotto__cert_unref(c);
}

/* proves: S30 */
static void two_new_certificates_share_no_value(void **state) /* DTLS-13 */
{
    (void)state;
    struct cert *a, *b;
    struct sdp_fingerprint fa, fb;
    assert_int_equal(sotto__cert_generate(&a, NOW), 0);
    assert_int_equal(sotto__cert_generate(&b, NOW), 0);
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(a->x509), X509_get0_serialNumber(b->x509)), 0);
    assert_int_not_equal(
        X509_NAME_cmp(X509_get_subject_name(a->x509), X509_get_subject_name(b->x509)), 0);
    assert_int_not_equal(EVP_PKEY_eq(a->key, b->key), 1);
    sotto__cert_fingerprint(a, &fa);
    sotto__cert_fingerprint(b, &fb);
    assert_memory_not_equal(fa.bytes, fb.bytes, 32);
    sotto__cert_unref(a);
    sotto__cert_unref(b);
}

/* proves: A17 */
static void without_entropy_no_certificate_is_made(void **state)
{
    (void)state;
    struct cert *c = NULL;
    sotto__rand_fail(1);
    assert_int_equal(sotto__cert_generate(&c, NOW), SOTTO_E_SYS);
    sotto__rand_fail(0);
    assert_null(c);
}

static void the_fingerprint_is_upper_hex_with_colons(void **state) /* SDP-06 */
{
    (void)state;
    struct cert *c;
    struct sdp_fingerprint f;
    char text[224];
    assert_int_equal(sotto__cert_generate(&c, NOW), 0);
    sotto__cert_fingerprint(c, &f);
    sotto__fingerprint_text(&f, text);
    assert_int_equal(strlen(text), 8 + 32 * 3 - 1);
    assert_memory_equal(text, "sha-256 ", 8);
    for (size_t i = 8; text[i]; i++)
        assert_true((i - 8) % 3 == 2
                        ? text[i] == ':'
                        : isdigit((unsigned char)text[i]) || (text[i] >= 'A' && text[i] <= 'F'));
    f = (struct sdp_fingerprint){"sha-512", {0xab}, 64};
    sotto__fingerprint_text(&f, text);
    assert_int_equal(strlen(text), 8 + 64 * 3 - 1);
    sotto__cert_unref(c);
}

static void base64_is_what_stands_in_the_pem_text(void **state)
{
    (void)state;
    struct cert *c;
    struct buf b;
    char *pem;
    assert_int_equal(sotto__cert_generate(&c, NOW), 0);
    assert_int_equal(sotto__cert_to_pem(c, &pem), 0);
    sotto__buf_init(&b, SOTTO_MAX_PEM);
    sotto__buf_add(&b, ">", 1);
    sotto__cert_base64(c, &b);
    assert_int_equal(b.err, 0);
    assert_int_equal(b.p[0], '>'); /* appended */
    const char *p = strchr(pem, '\n');
    for (size_t at = 1; at < b.n; p++)
        if (*p != '\n') assert_int_equal(*p, b.p[at++]);
    assert_memory_equal(p, "\n-----END CERTIFICATE", 21);
    sotto__buf_free(&b);
    sotto__buf_init(&b, 10); /* no room: the buffer says so */
    sotto__cert_base64(c, &b);
    assert_int_equal(b.err, SOTTO_E_LIMIT);
    sotto__buf_free(&b);
    sotto__free(pem);
    sotto__cert_unref(c);
}

static void a_certificate_survives_its_pem_text(void **state)
{
    (void)state;
    struct cert *a, *b;
    struct sdp_fingerprint fa, fb;
    char *pem;
    assert_int_equal(sotto__cert_generate(&a, NOW), 0);
    assert_int_equal(sotto__cert_to_pem(a, &pem), 0);
    assert_int_equal(sotto__cert_from_pem(pem, strlen(pem), &b, NULL), 0);
    sotto__cert_fingerprint(a, &fa);
    sotto__cert_fingerprint(b, &fb);
    assert_memory_equal(fa.bytes, fb.bytes, 32);
    assert_int_equal(EVP_PKEY_eq(a->key, b->key), 1);
    assert_int_equal(sotto__cert_expires(a), sotto__cert_expires(b));
    sotto__free(pem);
    sotto__cert_unref(a);
    sotto__cert_unref(b);
}

static void keys_are_read_in_every_usual_form_and_order(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(2048)};
    for (size_t i = 0; i < 3; i++) {
        X509 *x = certificate_of(keys[i], EVP_sha256(), NOW);
        for (int form = PKCS8; form <= TRADITIONAL; form++) {
            for (int key_first = 0; key_first < 2; key_first++) {
                struct cert *c;
                char *pem = pem_of(x, keys[i], (enum form)form, key_first);
                assert_int_equal(sotto__cert_from_pem(pem, strlen(pem), &c, NULL), 0);
                assert_int_equal(sotto__cert_expires(c), NOW);
                sotto__cert_unref(c);
                free(pem);
            }
        }
        X509_free(x);
        EVP_PKEY_free(keys[i]);
    }
}

static void expect_refused(X509 *x, EVP_PKEY *key, enum form form, int code, const char *reason)
{
    struct cert *c = NULL;
    sotto_error err = {.size = sizeof err};
    char *pem = pem_of(x, key, form, false);
    assert_int_equal(sotto__cert_from_pem(pem, strlen(pem), &c, &err), code);
    assert_null(c);
    assert_int_equal(err.code, code);
    if (!strstr(err.reason, reason)) fail_msg("\"%s\" instead of \"%s\"", err.reason, reason);
    free(pem);
}

static void incomplete_and_foreign_keys_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *x = certificate_of(key, EVP_sha256(), NOW);
    expect_refused(x, other, PKCS8, SOTTO_E_SYNTAX, "does not belong");
    expect_refused(x, NULL, PKCS8, SOTTO_E_SYNTAX, "no PRIVATE KEY");
    expect_refused(NULL, key, PKCS8, SOTTO_E_SYNTAX, "no CERTIFICATE");
    expect_refused(x, key, ENCRYPTED, SOTTO_E_SYNTAX, "encrypted"); /* and nobody is asked for a password: this does not hang */
    X509_free(x);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void an_encrypted_traditional_key_is_refused_without_asking(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = certificate_of(key, EVP_sha256(), NOW);
    BIO *bio = BIO_new(BIO_s_mem());
    struct cert *c = NULL;
    sotto_error err = {.size = sizeof err};
    char *p;
    PEM_write_bio_X509(bio, x);
    PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_128_cbc(),
                                         (const unsigned char *)"secret", 6, NULL, NULL);
    long n = BIO_get_mem_data(bio, &p);
    assert_int_equal(sotto__cert_from_pem(p, (size_t)n, &c, &err), SOTTO_E_SYNTAX);
    assert_non_null(strstr(err.reason, "encrypted"));
    BIO_free(bio);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void weak_and_strange_keys_are_unsupported(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = {EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"), EVP_EC_gen("P-521"),
                        EVP_EC_gen("P-224"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        bool ed = i == 4;
        X509 *x = certificate_of(keys[i], ed ? NULL : EVP_sha256(), NOW);
        expect_refused(x, keys[i], PKCS8, SOTTO_E_UNSUPPORTED, "key");
        X509_free(x);
        EVP_PKEY_free(keys[i]);
    }
}

static void a_key_with_written_out_curve_parameters_is_unsupported(void **state)
{
    (void)state;
    EVP_PKEY *named = EVP_EC_gen("P-256");
    EVP_PKEY_set_utf8_string_param(named, OSSL_PKEY_PARAM_EC_ENCODING,
                                   OSSL_PKEY_EC_ENCODING_EXPLICIT);
    X509 *x = certificate_of(named, EVP_sha256(), NOW);
    expect_refused(x, named, PKCS8, SOTTO_E_UNSUPPORTED, "curve");
    X509_free(x);
    EVP_PKEY_free(named);
}

static void garbage_is_no_pem(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x",
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct cert *c = NULL;
        assert_int_equal(sotto__cert_from_pem(texts[i], strlen(texts[i]), &c, NULL),
                         SOTTO_E_SYNTAX);
        assert_null(c);
    }
}

static void text_above_the_limit_is_not_even_read(void **state)
{
    (void)state;
    struct cert *a, *c = NULL;
    char *pem, *big = malloc(SOTTO_MAX_PEM + 1);
    assert_int_equal(sotto__cert_generate(&a, NOW), 0);
    assert_int_equal(sotto__cert_to_pem(a, &pem), 0);
    memset(big, '\n', SOTTO_MAX_PEM + 1);
    memcpy(big, pem, strlen(pem));
    assert_int_equal(sotto__cert_from_pem(big, SOTTO_MAX_PEM + 1, &c, NULL), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__cert_from_pem(big, 0, &c, NULL), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__cert_from_pem(big, SOTTO_MAX_PEM, &c, NULL), 0);
    sotto__cert_unref(c);
    sotto__cert_unref(a);
    sotto__free(pem);
    free(big);
}

static void two_certificates_in_one_text_are_refused(void **state)
{
    (void)state;
    struct cert *a, *c = NULL;
    char *pem, *twice;
    assert_int_equal(sotto__cert_generate(&a, NOW), 0);
    assert_int_equal(sotto__cert_to_pem(a, &pem), 0);
    size_t n = strlen(pem);
    twice = malloc(2 * n);
    memcpy(twice, pem, n);
    memcpy(twice + n, pem, n);
    assert_int_equal(sotto__cert_from_pem(twice, 2 * n, &c, NULL), SOTTO_E_SYNTAX);
    free(twice);
    sotto__free(pem);
    sotto__cert_unref(a);
}

static void references_keep_a_certificate(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    struct cert *c;
    assert_int_equal(sotto__cert_generate(&c, NOW), 0);
    assert_ptr_equal(sotto__cert_ref(c), c);
    sotto__cert_unref(c);
    assert_int_equal(sotto__cert_expires(c), NOW + 29 * 86400);
    sotto__cert_unref(c);
    sotto__cert_unref(NULL);
    assert_int_equal(sotto__mem_live(), live);
}

/* Packed: what OpenSSL made of it is gone, and it is the same certificate. */
static void a_packed_certificate_is_what_it_was(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    struct cert *c;
    struct buf before, after;
    struct sdp_fingerprint f;
    X509 *x, *y;
    EVP_PKEY *key, *packed;
    char *pem[2];
    assert_int_equal(sotto__cert_generate(&c, NOW), 0);
    sotto__buf_init(&before, SOTTO_MAX_PEM), sotto__buf_init(&after, SOTTO_MAX_PEM);
    sotto__cert_base64(c, &before);
    assert_int_equal(sotto__cert_to_pem(c, &pem[0]), 0);
    assert_int_equal(sotto__cert_open(c, &x, &key), 0);
    sotto__cert_pack(c);
    assert_null(c->x509);
    sotto__cert_pack(c);
    sotto__cert_base64(c, &after);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.p, after.p, after.n);
    assert_int_equal(sotto__cert_to_pem(c, &pem[1]), 0);
    assert_string_equal(pem[0], pem[1]);
    assert_int_equal(sotto__cert_open(c, &y, &packed), 0);
    assert_int_equal(X509_cmp(x, y), 0);
    assert_int_equal(X509_check_private_key(y, packed), 1);
    assert_int_equal(EVP_PKEY_eq(key, packed), 1);
    sotto__cert_fingerprint(c, &f);
    assert_int_equal(f.n_bytes, 32);
    X509_free(x), X509_free(y);
    EVP_PKEY_free(key), EVP_PKEY_free(packed);
    for (int i = 0; i < 2; i++) sotto__free(pem[i]);
    sotto__buf_free(&before), sotto__buf_free(&after);
    sotto__cert_unref(c);
    assert_int_equal(sotto__mem_live(), live);
}

static void a_certificate_of_the_application_or_without_memory_is_not_packed(void **state)
{
    (void)state;
    struct cert *a, *b;
    char *pem;
    assert_int_equal(sotto__cert_generate(&a, NOW), 0);
    assert_int_equal(sotto__cert_to_pem(a, &pem), 0);
    assert_int_equal(sotto__cert_from_pem(pem, strlen(pem), &b, NULL), 0);
    sotto__cert_pack(b);
    assert_non_null(b->x509);
    sotto__mem_fail_at(1);
    sotto__cert_pack(a);
    assert_true(sotto__mem_failed());
    sotto__mem_fail_at(0);
    assert_non_null(a->x509);
    sotto__free(pem);
    sotto__cert_unref(a);
    sotto__cert_unref(b);
}

static void fingerprints_of_weak_or_unknown_hashes_are_not_usable(void **state) /* SDP-07, H008 */
{
    (void)state;
    static const struct {
        const char *hash;
        size_t n;
        bool usable;
    } cases[] = {{"sha-1", 20, false},   {"md5", 16, false},      {"md2", 16, false},
                 {"sha-224", 28, false}, {"sha-256", 32, true},   {"sha-384", 48, true},
                 {"sha-512", 64, true},  {"sha-256", 31, false},  {"sha-256", 64, false},
                 {"", 0, false},         {"sha-3-512", 64, false}};
    struct sdp_fingerprint all[11] = {0};
    for (size_t i = 0; i < 11; i++) {
        struct sdp_fingerprint f = {.n_bytes = cases[i].n};
        memcpy(f.hash, cases[i].hash, strlen(cases[i].hash) + 1);
        assert_int_equal(sotto__fingerprints_usable(&f, 1), cases[i].usable);
        all[i] = f;
    }
    assert_true(sotto__fingerprints_usable(all, 11));
    assert_false(sotto__fingerprints_usable(all, 4));
    assert_false(sotto__fingerprints_usable(NULL, 0));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        struct cert *a = NULL, *b = NULL;
        char *pem = NULL;
        sotto__mem_fail_at(n);
        int r = sotto__cert_generate(&a, NOW);
        if (r == 0) r = sotto__cert_to_pem(a, &pem);
        if (r == 0) r = sotto__cert_from_pem(pem, strlen(pem), &b, NULL);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        sotto__free(pem);
        sotto__cert_unref(a);
        sotto__cert_unref(b);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_certificate_is_p256_and_lasts_30_days_from_yesterday),
        cmocka_unit_test(two_new_certificates_share_no_value),
        cmocka_unit_test(without_entropy_no_certificate_is_made),
        cmocka_unit_test(the_fingerprint_is_upper_hex_with_colons),
        cmocka_unit_test(base64_is_what_stands_in_the_pem_text),
        cmocka_unit_test(a_certificate_survives_its_pem_text),
        cmocka_unit_test(keys_are_read_in_every_usual_form_and_order),
        cmocka_unit_test(incomplete_and_foreign_keys_are_refused),
        cmocka_unit_test(an_encrypted_traditional_key_is_refused_without_asking),
        cmocka_unit_test(weak_and_strange_keys_are_unsupported),
        cmocka_unit_test(a_key_with_written_out_curve_parameters_is_unsupported),
        cmocka_unit_test(garbage_is_no_pem),
        cmocka_unit_test(text_above_the_limit_is_not_even_read),
        cmocka_unit_test(two_certificates_in_one_text_are_refused),
        cmocka_unit_test(references_keep_a_certificate),
        cmocka_unit_test(a_packed_certificate_is_what_it_was),
        cmocka_unit_test(a_certificate_of_the_application_or_without_memory_is_not_packed),
        cmocka_unit_test(fingerprints_of_weak_or_unknown_hashes_are_not_usable),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
