/* SPDX-License-Identifier: BSD-2-Clause */
/* Identities behind URIs of OpenSSL: what "file:" has, with and without a pass phrase, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "transport/cert.h"
#include "transport/dtls_int.h"
#include "util/mem.h"

static char dir[] = "/tmp/sotto-uri-XXXXXX";

static const char *uri(const char *name)
{
    static char text[4][128];
    static unsigned at;
    char *to = text[at++ % 4];
    snprintf(to, 128, "file:%s/%s", dir, name);
    return to;
}

static void write_file(const char *name, X509 *x, EVP_PKEY *key, const char *pass)
{
    FILE *f = fopen(uri(name) + strlen("file:"), "w");
    assert_non_null(f);
    if (x) assert_true(PEM_write_X509(f, x));
    if (key)
        assert_true(PEM_write_PKCS8PrivateKey(f, key, pass ? EVP_aes_128_cbc() : NULL, pass,
                                              pass ? (int)strlen(pass) : 0, NULL, NULL));
    assert_int_equal(fclose(f), 0);
}

static X509 *certificate_of(EVP_PKEY *key)
{
    X509 *x = X509_new();
    ASN1_TIME_set(X509_getm_notBefore(x), 0);
    ASN1_TIME_set(X509_getm_notAfter(x), 2000000000);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static int write_files(void **state)
{
    EVP_PKEY *a = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"),
             *b = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"),
             *big = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521"),
             *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    X509 *x = certificate_of(a), *x_big = certificate_of(big), *x_rsa = certificate_of(rsa);
    (void)state;
    assert_non_null(mkdtemp(dir));
    write_file("both", x, a, NULL);
    write_file("cert", x, NULL, NULL);
    write_file("key", NULL, a, NULL);
    write_file("locked", NULL, a, "secret");
    write_file("other", NULL, b, NULL);
    write_file("p521", x_big, big, NULL);
    write_file("rsa", x_rsa, rsa, NULL);
    write_file("empty", NULL, NULL, NULL);
    X509_free(x), X509_free(x_big), X509_free(x_rsa);
    EVP_PKEY_free(a), EVP_PKEY_free(b), EVP_PKEY_free(big), EVP_PKEY_free(rsa);
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = {"both",  "cert", "key", "locked",
                                        "other", "p521", "rsa", "empty"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(uri(names[i]) + strlen("file:"));
    return rmdir(dir);
}

static const struct row {
    const char *cert, *key, *pass;
    int result;
} rows[] = {
    {"both", NULL, NULL, 0},
    {"cert", "key", NULL, 0},
    {"both", "both", NULL, 0},
    {"rsa", NULL, NULL, 0},
    {"cert", "locked", "secret", 0},
    {"cert", "locked", "Secret", SOTTO_E_ACCESS},
    {"cert", "locked", "", SOTTO_E_ACCESS},
    {"cert", "locked", NULL, SOTTO_E_ACCESS}, /* and nobody is asked at the terminal */
    {"cert", NULL, NULL, SOTTO_E_ACCESS},
    {"key", NULL, NULL, SOTTO_E_SYNTAX},
    {"empty", NULL, NULL, SOTTO_E_SYNTAX},
    {"cert", "other", NULL, SOTTO_E_SYNTAX},
    {"cert", "empty", NULL, SOTTO_E_ACCESS},
    {"nowhere", NULL, NULL, SOTTO_E_ACCESS},
    {"cert", "nowhere", NULL, SOTTO_E_ACCESS},
    {"p521", NULL, NULL, SOTTO_E_UNSUPPORTED},
};

/* proves: S28 */
static void what_stands_at_a_uri_is_an_identity_or_says_why_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct cert *c = NULL;
        char *pem = NULL;
        sotto_error e = {.size = sizeof e};
        int r = sotto__cert_from_uri(uri(row->cert), row->key ? uri(row->key) : NULL, row->pass, &c,
                                     &e);
        if (r != row->result) print_error("row %zu: %d %s\n", i, r, e.reason);
        assert_int_equal(r, row->result);
        assert_int_equal(e.code, row->result);
        if (r < 0) continue;
        assert_int_equal(sotto__cert_to_pem(c, &pem), 0);
        sotto__free(pem);
        sotto__cert_unref(c);
    }
}

static void a_scheme_that_no_provider_has_is_refused(void **state)
{
    struct cert *c = NULL;
    sotto_error e = {.size = sizeof e};
    (void)state;
    assert_int_equal(sotto__cert_from_uri("handle:0x81000001", NULL, NULL, &c, &e), SOTTO_E_ACCESS);
    assert_int_equal(sotto__cert_from_uri(uri("cert"), "pkcs11:object=x", NULL, &c, &e),
                     SOTTO_E_ACCESS);
    assert_string_equal(e.reason, "the key's URI cannot be opened");
}

static void a_key_that_stays_where_it_is_has_no_text(void **state)
{
    struct cert *c = NULL;
    char *pem = NULL;
    (void)state;
    assert_int_equal(sotto__cert_from_uri(uri("both"), NULL, NULL, &c, NULL), 0);
    c->is_sealed = true; /* as in hardware: the suite `install` has a real one */
    assert_int_equal(sotto__cert_to_pem(c, &pem), SOTTO_E_ACCESS);
    assert_null(pem);
    sotto__cert_unref(c);
}

static void without_memory_nothing_is_left(void **state)
{
    int64_t live = sotto__mem_live();
    int r = SOTTO_E_NOMEM;
    (void)state;
    for (uint64_t n = 1; r != 0; n++) {
        struct cert *c = NULL;
        sotto_error e = {.size = sizeof e};
        sotto__mem_fail_at(n);
        r = sotto__cert_from_uri(uri("both"), NULL, NULL, &c, &e);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        sotto__cert_unref(c);
        assert_true(sotto__mem_live() == live && n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_at_a_uri_is_an_identity_or_says_why_not),
        cmocka_unit_test(a_scheme_that_no_provider_has_is_refused),
        cmocka_unit_test(a_key_that_stays_where_it_is_has_no_text),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, write_files, remove_files);
}
