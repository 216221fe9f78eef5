/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_NEGO_H
#define FUZZ_NEGO_H
/* What the files of the sequence fuzzer share: fuzz_nego.c (descriptions), nego_calls.c (other operations), nego_world.c (the two peers,
 * descriptions that were made), nego_mutate.c (descriptions changed on their way), nego_snap.c (a state as numbers), nego_check.c (what
 * must hold after each step). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "peer/private.h"
#include "util/mem.h"

/* A broken property. */
_Noreturn void nego_failed(const char *file, int line, const char *what);
#define REQUIRE(claim)                                                                             \
    do {                                                                                           \
        if (!(claim)) nego_failed(__FILE__, __LINE__, #claim);                                     \
    } while (0)

enum { MAX_TEXTS = 12, MAX_CHANS = 8, MAX_SEEN = SOTTO_MAX_TRANSCEIVERS };

struct input {
    const uint8_t *p;
    size_t n;
};
uint8_t nego_next(struct input *in); /* 0 at the end */

struct text { /* a description that a side made and set or only made */
    char *sdp;
    int32_t type;
    int author; /* which side; -1: the input itself */
    int id;
};

struct seen { /* a transceiver as it was before a step */
    const struct transceiver *t;
    uint64_t id;
    int32_t direction;
    bool stopping, has_track;
};

struct side {
    int index;
    struct net_host *host;
    struct peer *peer;
    struct ice_box box;
    struct egress egress;
    struct transport_shared shared;
    struct channel *chans[MAX_CHANS]; /* handles of the application */
    int cl, cr, pl, pr;               /* ids of the descriptions: a model of what the peer should hold; 0 none */
    size_t n_media;                   /* of the last description that was agreed on */
    struct seen seen[MAX_SEEN];
    size_t n_seen;
};

struct world {
    struct net *net;
    struct side side[2];
    struct text texts[MAX_TEXTS]; /* the youngest first */
    int last_id;
    bool dirty;    /* once something other than what the sides made was agreed on: they need not agree any more */
    bool lost;     /* candidates of one side that the other side did not get, or cannot use */
    bool failing;  /* the next call has an allocation that fails, or no entropy */
    bool talks;    /* packets pass: connections come up */
    bool lean;     /* one codec for each transceiver, which makes it fast; else all */
    int64_t base;  /* blocks that are alive without peers */
    struct input in;
};

static inline sotto_us nego_now(const struct world *w)
{
    return w->net->now;
}

/* nego_world.c */
void nego_open(struct world *w, const uint8_t *data, size_t size);
void nego_close(struct world *w);
void nego_run(struct world *w, sotto_us span);
void nego_take(struct world *w, struct side *s, size_t n, bool forward); /* n events */
int nego_record(struct world *w, int author, int32_t type, const char *sdp); /* gives it an id */
const struct text *nego_text(const struct world *w, size_t back);            /* NULL: not so many */
const struct text *nego_text_of(const struct world *w, int author, size_t back);
struct transceiver *nego_pick(struct side *s, size_t i); /* of the set, else of those that are gone; NULL: none */

/* nego_mutate.c: another text, valid until the next call; NUL-terminated. */
const char *nego_mutate(struct world *w, const char *sdp, size_t count);

/* nego_snap.c */
enum snap_part {
    SNAP_STATE,      /* signaling, connection, gathering, ICE, closed */
    SNAP_LOCAL,      /* current local description */
    SNAP_REMOTE,     /* current remote description */
    SNAP_PENDING,    /* pending descriptions */
    SNAP_NEGOTIATED, /* transceivers: what descriptions say */
    SNAP_WANTED,     /* transceivers: what the application says */
    SNAP_SENDING,    /* encodings and the transaction */
    SNAP_DATA,       /* data section, channels */
    SNAP_TRANSPORT,  /* credentials of what runs */
    SNAP_NEEDED,
    SNAP_EVENTS, /* how many are queued */
    SNAP_PARTS
};
struct snap {
    uint64_t part[SNAP_PARTS];
};
void nego_snap(struct side *s, struct snap *ret);
/* Aborts and names the part that differs; but: bits 1 << SNAP_… that may. */
void nego_same(struct side *s, const struct snap *before, unsigned but, const char *call);

/* nego_calls.c */
/* Around each call that may fail: what is armed fails in it, and after a failure the rest is as before. */
struct call {
    struct snap before;
    const char *name;
    size_t needed;
};
struct call nego_begin(struct world *w, struct side *s, const char *name);
/* r: what it returned, and is returned. but: what may differ even after a failure. */
int nego_end(struct world *w, struct side *s, struct call *c, unsigned but, int r);
void nego_call(struct world *w, struct side *s, unsigned op); /* that is no description */

/* nego_check.c */
void nego_check(struct world *w, struct side *s); /* after each step */
/* fresh: made just now. An older one may be set too, and is within what the application wished then (W3C). */
void nego_check_text(struct side *s, const char *sdp, bool is_offer, bool fresh);
void nego_check_agreement(struct world *w, int offerer);
void nego_check_wishes(struct side *s); /* a description changed no wish of the application; by seen */
void nego_see(struct side *s);
bool nego_in_sync(const struct world *w); /* both are stable, with the same descriptions */
void nego_judge(struct world *w);         /* sets dirty */
size_t nego_needed(const struct side *s); /* how many NEGOTIATION_NEEDED are queued */

#endif
