/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_DTLS_RECORD_H
#define SOTTO_TRANSPORT_DTLS_RECORD_H
/*
 * The records of epoch 1 (RFC 6347 §4.1): sealed and opened with the keys of a handshake that is done. Needs no OpenSSL connection,
 * only what it agreed on. Nothing is allocated for a record.
 */
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_HEADER 13u
#define DTLS_TAG 16u
#define DTLS_LARGEST 16384u /* plaintext of a record: RFC 6347 §4.1 */

enum dtls_cipher { DTLS_AES_128_GCM, DTLS_AES_256_GCM, DTLS_CHACHA20_POLY1305 };

struct dtls_secrets { /* of one handshake */
    enum dtls_cipher cipher;
    bool sha384; /* the hash of the suite; else SHA-256 */
    uint8_t master[48], client_random[32], server_random[32];
};

/* RFC 5246 §5: n bytes of PRF(master, label, the two randoms in this order); false: OpenSSL has no memory. */
bool sotto__dtls_prf(const struct dtls_secrets *s, const char *label, bool server_first,
                     uint8_t *out, size_t n);
/* The channel binding of RFC 9266 §2: that of a handshake with the extended master secret, which ours all are. */
#define DTLS_BINDING 32u
bool sotto__dtls_binding(const struct dtls_secrets *s, uint8_t out[static DTLS_BINDING]);

#define DTLS_WINDOW_WORDS 16u
#define DTLS_WINDOW (64u * (DTLS_WINDOW_WORDS - 1)) /* sequence numbers behind the newest that are still taken */

struct dtls_layer {
    EVP_CIPHER_CTX *seal, *open;
    uint8_t head; /* bytes before the plaintext's place: the header, and of GCM the explicit nonce */
    uint64_t seq; /* of the next record that is sealed; above SOTTO_MAX_DTLS_SEQUENCE: no more */
    uint64_t nonce; /* GCM: an explicit nonce less its record's sequence number */
    uint64_t next;  /* above the newest sequence number that was opened */
    uint64_t seen[DTLS_WINDOW_WORDS]; /* bits by sequence number, a ring */
    uint64_t forged; /* records that did not open */
};

enum { /* what sotto__dtls_layer_open() gives beside lengths */
    DTLS_MALFORMED = -1,
    DTLS_REPLAYED = -2, /* or too old to tell */
    DTLS_FORGED = -3
};

/* Keys of a client or a server (RFC 5246 §6.3). seq and nonce go on where the handshake stopped, for what it sealed is under the same
 * keys. All-zero is the zero state. 0 or SOTTO_E_NOMEM. */
int sotto__dtls_layer_init(struct dtls_layer *l, const struct dtls_secrets *s, bool client,
                           uint64_t seq, uint64_t nonce);
void sotto__dtls_layer_free(struct dtls_layer *l); /* wipes; zero state is fine */
/* One record of n (≤ DTLS_LARGEST) bytes from p into out, which has room for n + head + DTLS_TAG. p: apart from out, or at out + head.
 * Its length, or SOTTO_E_LIMIT: the sequence numbers are used up; SOTTO_E_SYS. */
int sotto__dtls_layer_seal(struct dtls_layer *l, uint8_t type, const uint8_t *p, size_t n,
                           uint8_t *out);
/* Opens a record of n bytes where it lies: its plaintext begins at rec + head. That one's length, or one of the above, and the record is
 * worth nothing then. */
int sotto__dtls_layer_open(struct dtls_layer *l, uint8_t *rec, size_t n);
/* The record of this number was opened elsewhere. */
void sotto__dtls_layer_mark(struct dtls_layer *l, uint64_t seq);

uint64_t sotto__dtls_sequence(const uint8_t *rec); /* of a record, without the epoch */

#endif
