/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_STORY_H
#define SOTTO_PEER_STORY_H
/* What a connection went through, for sotto_pc_explain(): when each step was reached, and what stood in the way. Bounded. */
#include <stdbool.h>
#include <stdint.h>

#include "util/limits.h"
#include "util/time.h"

#define FAMILY_BIT(family) ((uint8_t)((family) == 6 ? 2 : 1))

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
    MOMENT_MESSAGE,   /* the first one was given to the application */
    MOMENT_FRAME,     /* the same of media */
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

enum path_change { /* after the first pair */
    CHANGE_LOST,    /* the remote stopped to answer */
    CHANGE_FOUND,   /* and answers again */
    CHANGE_PAIR,    /* another one carries the data */
    CHANGE_RESTART, /* of ICE: another generation began */
    CHANGES
};

struct story_change {
    sotto_us at;
    enum path_change what;
};

struct story {
    sotto_us reached[MOMENTS]; /* µs after the connection was made, plus one; 0: not yet */
    sotto_us lost;             /* the same, of the loss that lasts; 0: none does */
    unsigned losses;
    unsigned refused[REFUSALS];
    char *failure; /* of DTLS, owned; NULL: none */
    bool no_address; /* gathering could not begin, last time */
    unsigned silent; /* of the remote's candidates: those whose names nobody answered for */
    uint8_t families[2]; /* of addresses that could be used, ours and the remote's: FAMILY_BIT() of each */
    uint64_t seen; /* of the peer's states: hash, so that nothing is done while none changes */
    uint32_t n_pairs;
    bool is_restarting;
    struct story_change *changes; /* the last SOTTO_MAX_STORY_CHANGES; NULL: none */
    size_t n_changes;
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
