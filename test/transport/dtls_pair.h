/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_DTLS_PAIR_H
#define SOTTO_TEST_DTLS_PAIR_H
/*
 * Two ends of a DTLS connection, joined by a link with seed, loss, reordering and duplication, in virtual time: gettimeofday(),
 * which OpenSSL reads, is this file's. An end is a struct dtls, or OpenSSL alone as other stacks use it.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sotto/base.h"
#include "transport/dtls.h"

#define UNIX_NOW 1800000000

extern sotto_us pair_clock;      /* the virtual time: monotonic */
extern sotto_us pair_wall_shift; /* the wall clock's distance from it */

struct pair;
struct end {
    struct dtls *d;
    struct cert *cert;
    SSL *ssl; /* OpenSSL alone */
    SSL_CTX *ssl_ctx;
    bool ssl_done, ssl_failed, ssl_closed;
    int connected, closed, error; /* how often; what next() gave at last */
    uint8_t data[4096];           /* the plaintexts, one after the other */
    size_t n_data, messages;
    size_t sent;                  /* datagrams */
    size_t largest;               /* of them, until connected */
};

struct flying {
    sotto_us at;
    uint64_t order;
    int to;
    size_t n;
    uint8_t *p;
};

struct pair {
    struct end end[2]; /* 0 is the client */
    struct dtls_ctx *ctx;
    struct flying *air;
    size_t n_air, cap_air;
    uint64_t order, rng;
    sotto_us delay, jitter; /* jitter reorders */
    unsigned loss, dup;     /* per cent */
    int blackhole;          /* nothing arrives at this end; -1: none */
    /* sees each datagram before the link does; false: swallow it */
    bool (*tap)(struct pair *p, int from, const uint8_t *dgram, size_t n);
    void *tap_arg;
};

/* Both ends are ours and know each other's fingerprints, unless changed before the first run. */
void pair_init(struct pair *p, uint64_t seed);
void pair_init_without_fingerprints(struct pair *p, uint64_t seed);
/* End `who` becomes OpenSSL alone with this context (moved) and cert (nullable, moved); the other knows its fingerprint. */
void pair_use_openssl(struct pair *p, int who, SSL_CTX *ctx, struct cert *cert);
void pair_know(struct pair *p, int who); /* end `who` learns the other's fingerprint */
void pair_free(struct pair *p);

uint64_t pair_random(struct pair *p);
void pair_send(struct pair *p, int to, const uint8_t *dgram, size_t n, sotto_us delay); /* an injection: not lost */
void pair_run(struct pair *p, sotto_us span);
bool pair_run_until_connected(struct pair *p, sotto_us span); /* both */
bool pair_talks(struct pair *p); /* a message each way arrives */
/* A certificate of any key (moved), also one that the library would not make; extra: bytes of a comment in it. */
struct cert *pair_cert(EVP_PKEY *key, int64_t not_after, size_t extra);
SSL_CTX *pair_openssl_ctx(void); /* as a modern browser: DTLS 1.2 */

#endif
