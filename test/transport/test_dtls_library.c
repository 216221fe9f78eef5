/* SPDX-License-Identifier: BSD-2-Clause */
/* The library context in which certificates are made and read. */
#include <openssl/err.h>
#include <openssl/provider.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "transport/dtls_int.h"
#include "util/mem.h"
#include "util/rand.h"

/* A certificate of another library: its DER. */
static int make_certificate(EVP_PKEY *key, unsigned char **der)
{
    X509 *x = X509_new();
    assert_non_null(key);
    assert_true(X509_set_version(x, X509_VERSION_3));
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), time(NULL)));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), time(NULL) + 1000));
    assert_true(X509_set_pubkey(x, key));
    const EVP_MD *md = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    assert_true(X509_sign(x, key, md) > 0);
    int n = i2d_X509(x, der);
    X509_free(x);
    EVP_PKEY_free(key);
    return n;
}

static bool is_read(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int n = make_certificate(key, &der);
    const unsigned char *at = der;
    X509 *x = X509_new_ex(sotto__dtls_library(), NULL);
    assert_non_null(d2i_X509(&x, &at, n));
    bool has_key = X509_get0_pubkey(x) != NULL;
    X509_free(x);
    OPENSSL_free(der);
    ERR_clear_error();
    return has_key;
}

static void keys_of_the_two_accepted_kinds_are_read(void **state)
{
    (void)state;
    assert_true(is_read(EVP_EC_gen("P-256")));
    assert_true(is_read(EVP_EC_gen("P-384")));
    assert_true(is_read(EVP_EC_gen("P-521")));
    assert_true(is_read(EVP_RSA_gen(2048)));
}

static void keys_of_other_kinds_are_not(void **state)
{
    (void)state;
    assert_false(is_read(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")));
}

static void it_is_one_and_not_the_applications(void **state)
{
    (void)state;
    assert_non_null(sotto__dtls_library());
    assert_ptr_equal(sotto__dtls_library(), sotto__dtls_library());
    assert_true(OSSL_PROVIDER_available(sotto__dtls_library(), "sotto"));
    assert_false(OSSL_PROVIDER_available(sotto__dtls_library(), "default"));
    assert_false(OSSL_PROVIDER_available(NULL, "sotto"));
}

/* What the application or its openssl.cnf asks for itself does not reach it. */
static void properties_of_the_application_do_not_matter(void **state)
{
    struct dtls_ctx *ctx;
    struct cert *cert;
    uint8_t byte;
    (void)state;
    assert_int_equal(sotto__rand(&byte, 1), 0); /* OpenSSL's own generator comes from the application's context */
    assert_true(EVP_set_default_properties(NULL, "provider=none"));
    assert_int_equal(sotto__cert_generate(&cert, time(NULL)), 0);
    assert_int_equal(sotto__dtls_ctx_new(&ctx), 0);
    sotto__dtls_ctx_free(ctx);
    sotto__cert_unref(cert);
    assert_true(EVP_set_default_properties(NULL, ""));
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_two_accepted_kinds_are_read),
        cmocka_unit_test(keys_of_other_kinds_are_not),
        cmocka_unit_test(it_is_one_and_not_the_applications),
        cmocka_unit_test(properties_of_the_application_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
