/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_TURN_TLS_STREAM_H
#define SOTTO_TRANSPORT_TURN_TLS_STREAM_H
/* A connection to a server, with TLS or without: what turn_tls.c reads and writes. Nothing blocks. */
#include <openssl/ssl.h>

#include "transport/turn_tls.h"

#define TURN_STREAM_WHY 112

struct turn_stream { /* zero but for fd -1: none */
    int fd;
    struct address local; /* it leaves from; family 0: not known */
    SSL *ssl;          /* NULL: plain TCP */
    bool is_connected; /* TCP is */
    bool is_open;      /* TLS is too: data can go */
    bool wants_write;  /* TLS waits for room, and not for bytes */
    char why[TURN_STREAM_WHY];     /* it failed */
};

/* All of them: 0 and more as said, or SOTTO_E_NETWORK, and why[] is filled. */
int sotto__turn_stream_connect(struct turn_stream *s, const struct turn_tls_cfg *to);
int sotto__turn_stream_open(struct turn_stream *s, const struct turn_tls_cfg *to); /* 1 open, 0 not yet */
int sotto__turn_stream_read(struct turn_stream *s, uint8_t *p, size_t n); /* bytes, 0 none yet; the end is a failure */
int sotto__turn_stream_write(struct turn_stream *s, const uint8_t *p, size_t n); /* bytes, 0 no room */
bool sotto__turn_stream_has_more(const struct turn_stream *s); /* read and not taken: poll() does not tell */
void sotto__turn_stream_close(struct turn_stream *s); /* with a goodbye; as before connect, why[] stays */

int sotto__turn_socket(const struct address *a); /* non-blocking TCP of its family; -1 */

#endif
