/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_BAD_TURN_H
#define SOTTO_TEST_BAD_TURN_H
/* A TURN server on 127.0.0.1 that does what the test says, over UDP, TCP or TLS, in steps that never block. */
#include <netinet/in.h>
#include <openssl/ssl.h>

#include "transport/ice.h"

enum bad_turn_act {
    BAD_SILENT,  /* takes requests */
    BAD_ERROR,   /* answers with code and reason */
    BAD_STALE,   /* 438 and a new nonce, without end */
    BAD_MOVE,    /* 300 to `alternate`, perhaps with `domain` */
    BAD_GARBAGE, /* bytes that are no TURN */
    BAD_HUGE,    /* an error with 60,000 bytes of attributes */
    BAD_CLOSE,   /* closes when it has a request */
    BAD_SLOW,    /* one byte of an answer for each step, and then no more */
    BAD_LONG,    /* 401 with a realm and a nonce of n_long bytes each */
    BAD_GRANT,   /* asks for credentials, then allocates: see grant */
    BAD_DEAF     /* takes connections and reads nothing: TLS never finishes */
};

struct bad_turn_grant { /* what is wrong with the allocation; nothing else is */
    struct address relayed; /* family 0: 198.51.100.7:5000 */
    int32_t lifetime;       /* 0: 600; less: none is told; else this, and 1 is 0 */
    bool is_strange;        /* something that must be understood, and is not */
    bool without_integrity, wrong_integrity, other_id, other_source, open; /* open: without asking for credentials */
};

struct bad_turn {
    enum bad_turn_act act;
    size_t n_long;
    struct bad_turn_grant grant;
    int32_t code;
    const char *reason;
    struct address alternate;
    const char *domain; /* nullable */
    SSL_CTX *ctx;       /* TLS; NULL: plain */
    bool is_udp;
    int late_ms;        /* over UDP: after a request; others that come meanwhile are lost */

    int listener, fd; /* -1: none */
    SSL *ssl;
    size_t n_connections, n_requests, n_shaken;
    uint8_t in[4096];
    size_t n_in;
    sotto_us answer_at; /* the request in `in`, from `from`; 0: none */
    struct sockaddr_in from; /* over UDP: of the last request */
    uint8_t slow[64];
    size_t n_slow, slow_at;
    char sni[64]; /* the name that the last client asked for */
};

/* Listens; the address of it, to be used as kind says. */
struct ice_server bad_turn_open(struct bad_turn *b, enum ice_server_kind kind);
void bad_turn_step(struct bad_turn *b);
void bad_turn_close(struct bad_turn *b);

#endif
