/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_TLS_KIT_H
#define SOTTO_TEST_TLS_KIT_H
/* An authority and the certificates of servers, good and bad, made for the test and written where it says. */
#include <openssl/ssl.h>

enum tls_cert {
    TLS_GOOD,        /* turn.example.org, localhost and 127.0.0.1, by the authority */
    TLS_EXPIRED,     /* the same until yesterday */
    TLS_EARLY,       /* the same from tomorrow on */
    TLS_WRONG_NAME,  /* other.example.org */
    TLS_SELF_SIGNED, /* the right name, by itself */
    TLS_OTHER_CA,    /* the right name, by another authority of the same name */
    TLS_NO_CA,       /* the right name, by a certificate of the authority's that is none itself */
    TLS_IN_SUBJECT,  /* the right name as the subject only: RFC 9525 §6.3 */
    TLS_WILDCARD,    /* *.example.org */
    TLS_WEAK,        /* a key of 1024 bits */
    TLS_CERTS
};

void tls_kit_start(void); /* makes a directory and all of them in it */
void tls_kit_stop(void);
const char *tls_ca_file(void);
const char *tls_file(enum tls_cert c);     /* the certificate, PEM */
const char *tls_key_file(enum tls_cert c); /* its key */
SSL_CTX *tls_server_ctx(enum tls_cert c, int max_version); /* yours */

#endif
