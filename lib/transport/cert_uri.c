/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identities that stand where a URI of OpenSSL says (OSSL_STORE): "file:" and what the providers know that the application or openssl.cnf
 * has loaded, such as "pkcs11:" or a TPM's "handle:". In: URIs, a pass phrase or PIN; out: a certificate whose key may stay where it is,
 * for a handshake only signs with it. The terminal is never asked for anything. Knows nothing of connections.
 * answers: S28
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <string.h>

#include "transport/cert.h"
#include "transport/dtls_int.h"
#include "util/error.h"

static int give_pass(char *to, int room, int is_written, void *pass)
{
    size_t n = pass ? strlen(pass) : 0;
    (void)is_written;
    if (!pass || room < 0 || n > (size_t)room) return -1;
    memcpy(to, pass, n);
    return (int)n;
}

/* The first object of this type (OSSL_STORE_INFO_*), into x or key; false: the store cannot be opened. */
static bool look(const char *uri, const char *pass, int type, X509 **x, EVP_PKEY **key)
{
    UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(give_pass, 0);
    OSSL_STORE_CTX *store =
        ui ? OSSL_STORE_open(uri, ui, (void *)(uintptr_t)pass, NULL, NULL) : NULL;
    if (store) (void)OSSL_STORE_expect(store, type); /* those that cannot choose give all */
    for (unsigned i = 0; store && i < SOTTO_MAX_STORE_OBJECTS && !*x && !*key; i++) {
        if (OSSL_STORE_eof(store)) break;
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (!info || OSSL_STORE_INFO_get_type(info) != type) {
            /* something that cannot be read, or of another type */
        } else if (type == OSSL_STORE_INFO_CERT) {
            *x = OSSL_STORE_INFO_get1_CERT(info);
        } else {
            *key = OSSL_STORE_INFO_get1_PKEY(info);
        }
        OSSL_STORE_INFO_free(info);
    }
    bool is_open = store != NULL;
    OSSL_STORE_close(store);
    UI_destroy_method(ui);
    return is_open;
}

static int read_both(const char *cert_uri, const char *key_uri, const char *pass, X509 **x,
                     EVP_PKEY **key, sotto_error *err)
{
    EVP_PKEY *no_key = NULL;
    X509 *no_cert = NULL;
    if (!look(cert_uri, pass, OSSL_STORE_INFO_CERT, x, &no_key))
        return sotto__error(err, SOTTO_E_ACCESS, 0, "the certificate's URI cannot be opened");
    if (!*x) return sotto__error(err, SOTTO_E_SYNTAX, 0, "there is no certificate at its URI");
    if (!look(key_uri, pass, OSSL_STORE_INFO_PKEY, &no_cert, key))
        return sotto__error(err, SOTTO_E_ACCESS, 0, "the key's URI cannot be opened");
    if (!*key)
        return sotto__error(err, SOTTO_E_ACCESS, 0,
                            "there is no private key at its URI, or the pass phrase is another");
    if (X509_check_private_key(*x, *key) != 1)
        return sotto__error(err, SOTTO_E_SYNTAX, 0, "the key does not belong to the certificate");
    const char *why = sotto__cert_key_refused(X509_get0_pubkey(*x), false);
    return why ? sotto__error(err, SOTTO_E_UNSUPPORTED, 0, "%s", why) : 0;
}

/* A key of hardware has no private number to be read. */
static bool is_sealed(const EVP_PKEY *key)
{
    BIGNUM *private = NULL;
    const char *name = EVP_PKEY_is_a(key, "EC") ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_RSA_D;
    bool is_read = EVP_PKEY_get_bn_param(key, name, &private) == 1;
    BN_clear_free(private);
    return !is_read;
}

int sotto__cert_from_uri(const char *cert_uri, const char *key_uri, const char *pass,
                         struct cert **ret, sotto_error *err)
{
    X509 *x = NULL;
    EVP_PKEY *key = NULL;
    ERR_clear_error();
    int r = read_both(cert_uri, key_uri ? key_uri : cert_uri, pass, &x, &key, err);
    if (r == 0 && (r = sotto__cert_wrap(x, key, ret)) < 0)
        (void)sotto__error(err, r, 0, "no memory");
    if (r == 0) {
        (*ret)->is_sealed = is_sealed(key);
    } else {
        X509_free(x);
        EVP_PKEY_free(key);
    }
    ERR_clear_error();
    return r;
}
