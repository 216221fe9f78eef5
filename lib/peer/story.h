/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_STORY_H
#define SOTTO_PEER_STORY_H
/* What a connection went through, for sotto_pc_explain(): when each step was reached, and what stood in the way. Bounded. */
#include <stdbool.h>
#include <stdint.h>

#include "util/limits.h"
#include "util/time.h"

struct peer;
struct candidate;
struct transport_out;

enum moment {
    MOMENT_LOCAL,     /* a description of ours was set */
    MOMENT_REMOTE,    /* one of the remote */
    MOMENT_GATHERING, /* ICE began */
    MOMENT_GATHERED,  /* all candidates of the first generation are known */
    MOMENT_CHECKING,
    MOMENT_PAIR,      /* the first one */
    MOMENT_HANDSHAKE, /* DTLS began */
    MOMENT_SECURE,    /* the remote's certificate is the one that it announced */
    MOMENT_DATA,      /* data channels can carry */
    MOMENT_FRAME,     /* the first one was given to the application */
    MOMENT_OVER,      /* failed or closed */
    MOMENTS
};

enum refusal { /* why a candidate of the remote is not used */
    REFUSED_TCP,
    REFUSED_NAME,
    REFUSED_ADDRESS,
    REFUSALS
};

struct story_server { /* an error of a STUN or TURN server */
    char *url, *text; /* owned */
    int32_t code;
    sotto_us at;
};

struct story {
    sotto_us reached[MOMENTS]; /* µs after the connection was made, plus one; 0: not yet */
    sotto_us lost;             /* the same, of the loss that lasts; 0: none does */
    unsigned losses;
    unsigned refused[REFUSALS];
    char *failure; /* of DTLS, owned; NULL: none */
    struct story_server *servers; /* SOTTO_MAX_STORY_SERVERS; NULL: none */
    size_t n_servers;
};

void sotto__story_free(struct peer *p);
void sotto__story_update(struct peer *p, sotto_us now); /* the states may have changed */
void sotto__story_reached(struct peer *p, sotto_us now, enum moment m);
void sotto__story_refused(struct peer *p, const struct candidate *c);
/* An error of a server, a failure of DTLS; copied as far as there is memory and room. */
void sotto__story_trouble(struct peer *p, sotto_us now, const struct transport_out *t);

#endif
