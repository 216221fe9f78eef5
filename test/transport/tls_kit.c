/* SPDX-License-Identifier: BSD-2-Clause */
/* See tls_kit.h. */
#include "tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY 86400L

static char dir[] = "/tmp/sotto-tls-XXXXXX";
static char paths[2 * TLS_CERTS + 1][64];

struct recipe {
    const char *subject, *names; /* names NULL: none */
    long from, to;               /* days from now */
    bool is_ca;
};

static void extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_true(X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

/* By signer, named as issuer; signer NULL: by itself. */
static X509 *make(const struct recipe *r, EVP_PKEY *key, const char *issuer, EVP_PKEY *signer)
{
    static long serial;
    X509 *x = X509_new();
    X509_NAME *name = X509_NAME_new(), *by = X509_NAME_new();
    const char *cn = issuer ? issuer : r->subject;
    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                           (const unsigned char *)r->subject, -1, -1, 0));
    assert_true(
        X509_NAME_add_entry_by_txt(by, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0));
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_set_subject_name(x, name), X509_set_issuer_name(x, by);
    X509_gmtime_adj(X509_getm_notBefore(x), r->from * DAY);
    X509_gmtime_adj(X509_getm_notAfter(x), r->to * DAY);
    X509_set_pubkey(x, key);
    extend(x, NID_basic_constraints, r->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (r->names) extend(x, NID_subject_alt_name, r->names);
    assert_true(X509_sign(x, signer ? signer : key, EVP_sha256()));
    X509_NAME_free(name), X509_NAME_free(by);
    return x;
}

static const char *save(size_t at, const char *name, X509 *x, X509 *more, EVP_PKEY *key)
{
    snprintf(paths[at], sizeof paths[at], "%s/%s.pem", dir, name);
    FILE *f = fopen(paths[at], "w");
    assert_non_null(f);
    if (x) assert_true(PEM_write_X509(f, x));
    if (more) assert_true(PEM_write_X509(f, more));
    if (key) assert_true(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    return paths[at];
}

#define NAMES "DNS:turn.example.org,DNS:localhost,IP:127.0.0.1"
static const struct recipe authority = {"Test Authority", NULL, -2, 30, true};
static const struct recipe recipes[TLS_CERTS] = {
    [TLS_GOOD] = {"good", NAMES, -1, 30, false},
    [TLS_EXPIRED] = {"expired", NAMES, -2, -1, false},
    [TLS_EARLY] = {"early", NAMES, 1, 30, false},
    [TLS_WRONG_NAME] = {"wrong", "DNS:other.example.org,IP:127.0.0.2", -1, 30, false},
    [TLS_SELF_SIGNED] = {"self", NAMES, -1, 30, false},
    [TLS_OTHER_CA] = {"other", NAMES, -1, 30, false},
    [TLS_NO_CA] = {"no ca", NAMES, -1, 30, false},
    [TLS_IN_SUBJECT] = {"turn.example.org", NULL, -1, 30, false},
    [TLS_WILDCARD] = {"wildcard", "DNS:*.example.org", -1, 30, false},
    [TLS_WEAK] = {"weak", NAMES, -1, 30, false},
};

static void make_one(enum tls_cert c, EVP_PKEY *ca_key, EVP_PKEY *good_key, X509 *good)
{
    static const char *const names[TLS_CERTS] = {"good",  "expired", "early",   "wrong",    "self",
                                                 "other", "no_ca",   "subject", "wildcard", "weak"};
    char key_name[32];
    EVP_PKEY *stranger = EVP_EC_gen("P-256");
    EVP_PKEY *key = c == TLS_WEAK ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256"), *signer = ca_key;
    const char *issuer = authority.subject;
    if (c == TLS_GOOD) EVP_PKEY_free(key), key = good_key, EVP_PKEY_up_ref(key);
    if (c == TLS_SELF_SIGNED) issuer = NULL, signer = NULL;
    if (c == TLS_OTHER_CA) signer = stranger;
    if (c == TLS_NO_CA) issuer = recipes[TLS_GOOD].subject, signer = good_key;
    X509 *x = c == TLS_GOOD ? good : make(&recipes[c], key, issuer, signer);
    save(c, names[c], x, c == TLS_NO_CA ? good : NULL, NULL);
    snprintf(key_name, sizeof key_name, "%s_key", names[c]);
    save((size_t)TLS_CERTS + c, key_name, NULL, NULL, key);
    if (c != TLS_GOOD) X509_free(x);
    EVP_PKEY_free(key), EVP_PKEY_free(stranger);
}

void tls_kit_start(void)
{
    assert_non_null(mkdtemp(dir));
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *good_key = EVP_EC_gen("P-256");
    X509 *ca = make(&authority, ca_key, NULL, NULL);
    X509 *good = make(&recipes[TLS_GOOD], good_key, authority.subject, ca_key);
    save((size_t)2 * TLS_CERTS, "ca", ca, NULL, NULL);
    for (int c = 0; c < TLS_CERTS; c++) make_one((enum tls_cert)c, ca_key, good_key, good);
    X509_free(ca), X509_free(good);
    EVP_PKEY_free(ca_key), EVP_PKEY_free(good_key);
}

void tls_kit_stop(void)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i][0]) unlink(paths[i]);
    rmdir(dir);
}

const char *tls_ca_file(void)
{
    return paths[2 * TLS_CERTS];
}

const char *tls_file(enum tls_cert c)
{
    return paths[c];
}

const char *tls_key_file(enum tls_cert c)
{
    return paths[TLS_CERTS + c];
}

SSL_CTX *tls_server_ctx(enum tls_cert c, int max_version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(ctx, 0); /* a server may be as weak as it likes */
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, max_version);
    assert_true(SSL_CTX_use_certificate_chain_file(ctx, tls_file(c)));
    assert_true(SSL_CTX_use_PrivateKey_file(ctx, tls_key_file(c), SSL_FILETYPE_PEM));
    return ctx;
}
