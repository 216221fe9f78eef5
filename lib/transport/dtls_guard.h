/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_DTLS_GUARD_H
#define SOTTO_TRANSPORT_DTLS_GUARD_H
/*
 * The filter in front of the DTLS library. Before the keys are there, anybody who can forge a source address can put a plaintext
 * record into a handshake, and the library ends the handshake at the first one that it does not like. So the guard reads the
 * plaintext itself: it drops what no legitimate peer sends in this role and phase, puts messages together from their fragments,
 * and hands them on whole, once and in order, in records that it numbers anew.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/time.h"

enum { DTLS_CCS = 20, DTLS_ALERT = 21, DTLS_HANDSHAKE = 22, DTLS_APPDATA = 23 };

#define DTLS_GUARD_MESSAGES 5u /* the longest flight: ServerHello … ServerHelloDone */

#define DTLS_GUARD_MET 1024u     /* hellos that a server remembers: what a flood brings between two of the peer's */
#define DTLS_GUARD_FOLLOWED 32u  /* … and those that it followed */

struct dtls_record { /* one record of a datagram */
    uint8_t type;
    uint16_t epoch;
    const uint8_t *p; /* with its header */
    size_t n;
};

enum guard_verdict {
    GUARD_DROP,
    GUARD_FEED,   /* epoch 1: to the library as it is */
    GUARD_HOLD,   /* application data that came before its time */
    GUARD_OPEN    /* epoch 0: taken in; ask sotto__dtls_guard_next() what may go on */
};

struct guard_message { /* a handshake message that is being put together */
    uint8_t *p;        /* len bytes, then one bit for each that is there */
    uint32_t len, have;
    bool begun;
    uint64_t order; /* when it was whole, among others */
};

struct guard_met { /* hellos, by a hash of each */
    uint64_t name[DTLS_GUARD_MET]; /* that came */
    struct {
        uint64_t name;
        unsigned times;
    } followed[DTLS_GUARD_FOLLOWED]; /* and that a server turned to, or the library refused */
    size_t n_followed;
};

struct dtls_guard {
    bool client;
    bool done;           /* the handshake is over: nothing of epoch 0 matters any more */
    unsigned repeats;    /* how often our flight went out again since the last progress */
    bool hvr_seen, hvr_fed, hvr_banned;
    bool ccs_seen, ccs_fed;
    bool rebuild;        /* what came shows that the library follows a forgery: begin anew */
    uint16_t next;       /* position in the flight of the message to be handed on next */
    uint64_t seq;        /* of the next record handed on */
    uint64_t order;      /* of the next message that is whole */
    sotto_us fed_at;     /* when the hello was handed on */
    struct guard_message msg[DTLS_GUARD_MESSAGES];
    struct guard_message other; /* a hello that differs from the one handed on */
    uint64_t name;            /* a server's: of the hello that was handed on */
    uint8_t random[32];       /* of that hello */
    uint8_t other_random[32]; /* of the last complete one that differs */
    bool other_seen;
    bool is_wary;             /* a server that was misled once: hellos count from the second time on */
    struct guard_met *met;    /* NULL: none yet */
    uint8_t *out;        /* the record handed on */
    uint8_t *hvr;        /* a HelloVerifyRequest waits to be handed on; NULL: none */
    size_t hvr_n;
    uint64_t forged, dropped;
    const char *hint;    /* what the peer, or a forger, did wrong: static text; NULL */
    uint8_t alert;       /* … that it was: RFC 5246 §7.2; 0: none, or close_notify */
};

int sotto__dtls_guard_init(struct dtls_guard *g, bool client); /* 0 or SOTTO_E_NOMEM */
void sotto__dtls_guard_free(struct dtls_guard *g);             /* zero state is fine */
/* The library's object was made anew: forget what was handed on. A server keeps the hello that made it so. */
void sotto__dtls_guard_restart(struct dtls_guard *g);
void sotto__dtls_guard_finish(struct dtls_guard *g); /* the handshake is done: frees the buffers */

bool sotto__dtls_guard_split(struct reader *datagram, struct dtls_record *ret); /* the next record; false: no more */
enum guard_verdict sotto__dtls_guard_check(struct dtls_guard *g, sotto_us now,
                                           const struct dtls_record *r);
/* The next record for the library, a view until the next call on g; false: none, or a rebuild is wanted first. */
bool sotto__dtls_guard_next(struct dtls_guard *g, sotto_us now, const uint8_t **p, size_t *n);
bool sotto__dtls_guard_has(const struct dtls_guard *g, size_t position); /* whole, and not handed on yet */
void sotto__dtls_guard_drop(struct dtls_guard *g, size_t position);      /* that one is a forgery */
/* The 12 bytes before a message that is not fragmented. */
void sotto__dtls_message_head(uint8_t head[static 12], uint8_t type, uint16_t number, uint32_t len);
/* The library refuses the hello that next() just gave, and would again. */
void sotto__dtls_guard_refuse_hello(struct dtls_guard *g);
/* The handshake message that next() just gave is a forgery: wait for another one in its place. */
void sotto__dtls_guard_refuse(struct dtls_guard *g);

#endif
