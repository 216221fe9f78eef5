/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_DTLS_INT_H
#define SOTTO_TRANSPORT_DTLS_INT_H
/* What cert.c and the dtls_*.c files share: nobody else includes this. */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#include "transport/cert.h"
#include "transport/dtls.h"
#include "transport/dtls_guard.h"
#include "transport/dtls_record.h"
#include "util/buf.h"

/* dtls_library.c: where certificates are made and handshakes run; NULL: OpenSSL's default. */
OSSL_LIB_CTX *sotto__dtls_library(void);

struct cert {
    X509 *x509; /* NULL: packed */
    EVP_PKEY *key;
    uint8_t *packed; /* its DER */
    size_t n_packed;
    uint8_t *secret; /* P256_BYTES of the private key, in secret memory */
    struct sdp_fingerprint fingerprint; /* sha-256 */
    int64_t expires;
    bool is_generated;
    bool is_sealed; /* the key can sign, but cannot be had */
    atomic_int refs;
};

#define P256_BYTES 32u /* of a private key */

/* Takes x and key on success only. */
int sotto__cert_wrap(X509 *x, EVP_PKEY *key, struct cert **ret);
/* For one handshake: yours, X509_free and EVP_PKEY_free; 0 or SOTTO_E_SYS. */
int sotto__cert_open(const struct cert *c, X509 **x, EVP_PKEY **key);
/* Who alone has this certificate needs it no more: of one that was generated only what open() can make it of is kept, as OpenSSL's form
 * takes ten times that. Without memory nothing changes. */
void sotto__cert_pack(struct cert *c);
/* Why a public key is not accepted: static text; NULL: it is. P-521 only from peers. */
const char *sotto__cert_key_refused(const EVP_PKEY *key, bool p521);
/* DER: its base64 is appended to out, its sha-256 is in ret. */
void sotto__cert_describe(const uint8_t *der, size_t n, struct sdp_fingerprint *ret,
                          struct buf *out);
int sotto__fingerprint_strength(const struct sdp_fingerprint *f); /* higher is stronger; 0: not accepted */

struct dtls_ctx {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
};

struct dtls_sent { /* what OpenSSL has sent in this handshake: our own records go on from there */
    uint64_t plain_seq, seq; /* of the next record of epoch 0, of epoch 1 */
    uint64_t nonce;          /* GCM: explicit nonce less sequence number */
    bool odd_nonce;          /* that difference was not always the same */
    uint16_t message;        /* number of the next handshake message */
};

struct dtls_transcript { /* a server's: all messages of this handshake so far */
    struct buf all;
    size_t last;   /* where the last one begins */
    uint32_t left; /* bytes that are missing of it */
    uint16_t next; /* number of our next one */
};

struct dtls_agreed { /* what is left of a handshake that is done */
    struct dtls_secrets *secrets; /* in secret memory */
    uint16_t version, srtp_profile; /* 0: none */
    uint16_t group; /* OpenSSL's number; 0: not known */
    const char *suite;
    uint8_t finished[12]; /* ours: RFC 5246 §7.4.9 */
    uint8_t *peer;        /* its certificate: DER */
    size_t n_peer;
};

struct dtls {
    struct dtls_ctx *ctx;
    struct cert *cert;
    struct log *log;
    bool client;

    SSL *ssl; /* of the handshake; NULL once it is done */
    struct dtls_guard guard;
    struct dtls_sent sent;
    uint16_t record_limit; /* the peer's, of this handshake; 0: it did not say */
    struct dtls_agreed agreed; /* from here on: once it is done */
    struct dtls_layer layer;
    unsigned warnings; /* alerts, since the last data */
    const uint8_t *in; /* the record that the BIO gives to OpenSSL next */
    size_t n_in;
    struct buf out, plain; /* datagrams to send, plaintexts to give up: two bytes of length before each */
    size_t out_at, plain_at;
    struct buf early; /* ciphertexts that wait for the handshake or the fingerprints */
    size_t n_early;

    struct sdp_fingerprint *fingerprints;
    size_t n_fingerprints; /* 0: not known yet */
    const struct sdp_fingerprint *pins; /* borrowed */
    size_t n_pins;                      /* 0: any certificate of the description */

    bool started;      /* a client's first flight is out */
    bool broken;       /* OpenSSL gave up: rebuild at rebuild_at */
    bool finished;     /* the handshake is done */
    bool connected;    /* and the peer is the one of the fingerprints */
    bool connected_told, closed, closed_told, closing;
    bool strange_cert; /* a Certificate came that is not the one of the fingerprints */
    unsigned timeouts; /* of the flight in the air */
    unsigned unanswered; /* last flights that were given up */
    struct dtls_transcript transcript;
    sotto_us proof_at; /* the next signature may be looked at a millisecond after it */
    sotto_us now;      /* of the call under way */
    sotto_us deadline, timer, rebuild_at;
    sotto_us strange_at;
    sotto_us rebuilt_at, rebuild_gap; /* the last time; the least span to the next */
    int dead; /* 0 or SOTTO_E_* */
    char *reason, *hint; /* why it died; what stood in its way before. NULL: nothing */
    struct dtls_stats stats;
};

BIO_METHOD *sotto__dtls_bio_method(void); /* NULL: no memory */
void sotto__dtls_queue(struct dtls *d, const uint8_t *p, size_t n); /* a datagram for next() */
int sotto__dtls_limit_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                         size_t n, X509 *x, size_t index, int *alert, void *arg);
int sotto__dtls_verify_cb(X509_STORE_CTX *store, void *arg);
/* Whether the peer's certificate is one of the fingerprints'; false: dead, with the reason. */
bool sotto__dtls_verify(struct dtls *d, const uint8_t *der, size_t n);
/* Whether OpenSSL may have this record of the guard's: false for a Certificate that looks forged. */
bool sotto__dtls_screen(struct dtls *d, const uint8_t *p, size_t n);
/* Whether these bytes are a certificate of the fingerprints. */
bool sotto__dtls_is_named(const struct dtls *d, const uint8_t *der, size_t n);
/* Of a Certificate message: a view; false: there is none in it. */
bool sotto__dtls_first_certificate(const uint8_t *p, size_t n, const uint8_t **der, size_t *len);
/* dtls_proof.c */
void sotto__dtls_transcribe(struct dtls *d, bool ours, const uint8_t *p, size_t n); /* a message or fragment */
/* What the guard has must wait: for the signature that covers it, or because that is wrong. */
bool sotto__dtls_waits_for_proof(struct dtls *d);
/* dtls_handshake.c */
int sotto__dtls_ssl_new(struct dtls *d); /* in place of the old one; 0 or SOTTO_E_SYS */
void sotto__dtls_feed(struct dtls *d, const uint8_t *p, size_t n); /* one record, during the handshake */
void sotto__dtls_pump(struct dtls *d); /* what the guard lets through */
void sotto__dtls_run_timers(struct dtls *d);
/* dtls_about.c: as IANA has it; "" unknown */
const char *sotto__dtls_group_name(uint16_t nid);
/* dtls.c */
void sotto__dtls_try_connect(struct dtls *d);
void sotto__dtls_die(struct dtls *d, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
