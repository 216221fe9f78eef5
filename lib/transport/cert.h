/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_CERT_H
#define SOTTO_TRANSPORT_CERT_H
/* A private key and its certificate. Immutable after it is made, so contexts may share it; counted in its own atomic. */
#include "sotto/base.h"
#include "util/buf.h"
#include "wire/sdp_attr.h"

struct cert; /* X509 and EVP_PKEY, known to cert.c and dtls.c only */

int sotto__cert_generate(struct cert **ret, int64_t unix_now);           /* P-256, 30 days (from a day before now: clocks differ) */
int sotto__cert_generate_days(struct cert **ret, int64_t unix_now, int days); /* the same, for that long from a day before now */
int sotto__cert_from_pem(const char *pem, size_t n, struct cert **ret, sotto_error *err);
/* What stands at URIs of OpenSSL's stores. key_uri NULL: both stand at cert_uri; pass NULL: none. cert_uri.c */
int sotto__cert_from_uri(const char *cert_uri, const char *key_uri, const char *pass,
                         struct cert **ret, sotto_error *err);
/* yours: sotto__free; SOTTO_E_ACCESS: the key does not leave where it is */
int sotto__cert_to_pem(const struct cert *c, char **ret);
void sotto__cert_fingerprint(const struct cert *c, struct sdp_fingerprint *ret); /* sha-256 */
void sotto__cert_base64(const struct cert *c, struct buf *out);         /* the DER; appended, out->err tells */
int64_t sotto__cert_expires(const struct cert *c);                       /* unix seconds */
struct cert_about {
    char key[16];                  /* "P-256", "RSA-2048"; "" another one */
    int64_t not_before, not_after; /* unix seconds */
};
bool sotto__cert_about(const struct cert *c, struct cert_about *ret);    /* false: no memory */
struct cert *sotto__cert_ref(struct cert *c);
void sotto__cert_unref(struct cert *c);                                  /* NULL is fine */
/* "sha-256 AB:CD:…"; out holds 8 + 3 × 64 + 16 bytes at most: 224. */
void sotto__fingerprint_text(const struct sdp_fingerprint *f, char out[static 224]);
/* RFC 8122 §5.1 on a set of fingerprints: false if none is of a hash that we accept (sha-256, sha-384, sha-512). */
bool sotto__fingerprints_usable(const struct sdp_fingerprint *f, size_t n);

#endif
