/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a report says of DTLS beside what packets need: the group's name, dates and key of certificates, the version of OpenSSL. In: what is
 * left of a handshake; out: texts and numbers. Certificates are read here, each time, as nothing else wants to know: keeping that would
 * cost memory in every connection.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <time.h>

#include "transport/dtls_int.h"

/* IANA's names of what our handshakes offer. */
const char *sotto__dtls_group_name(uint16_t nid)
{
    switch (nid) {
    case NID_X25519: return "x25519";
    case NID_X9_62_prime256v1: return "secp256r1";
    case NID_secp384r1: return "secp384r1";
    case NID_secp521r1: return "secp521r1";
    case NID_X448: return "x448";
    default: return "";
    }
}

const char *sotto__dtls_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static int64_t unix_time(const ASN1_TIME *t)
{
    struct tm tm;
    return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void name_key(const EVP_PKEY *key, struct cert_about *ret)
{
    if (!key) return;
    if (EVP_PKEY_is_a(key, "RSA")) {
        snprintf(ret->key, sizeof ret->key, "RSA-%d", EVP_PKEY_get_bits(key));
    } else if (EVP_PKEY_is_a(key, "EC")) {
        int bits = EVP_PKEY_get_bits(key);
        if (bits == 256 || bits == 384 || bits == 521)
            snprintf(ret->key, sizeof ret->key, "P-%d", bits);
    }
}

static void read_certificate(const X509 *x, struct cert_about *ret)
{
    *ret = (struct cert_about){.not_before = unix_time(X509_get0_notBefore(x)),
                               .not_after = unix_time(X509_get0_notAfter(x))};
    name_key(X509_get0_pubkey(x), ret);
    ERR_clear_error();
}

bool sotto__cert_about(const struct cert *c, struct cert_about *ret)
{
    X509 *x = NULL;
    EVP_PKEY *key = NULL;
    if (sotto__cert_open(c, &x, &key) < 0) return false;
    read_certificate(x, ret);
    X509_free(x);
    EVP_PKEY_free(key);
    return true;
}

bool sotto__dtls_about_peer(const struct dtls *d, struct cert_about *ret)
{
    const unsigned char *der = d->agreed.peer;
    X509 *x = d->connected ? d2i_X509(NULL, &der, (long)d->agreed.n_peer) : NULL;
    if (!x) {
        ERR_clear_error();
        return false;
    }
    read_certificate(x, ret);
    X509_free(x);
    return true;
}
