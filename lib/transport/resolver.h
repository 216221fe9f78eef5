/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_RESOLVER_H
#define SOTTO_TRANSPORT_RESOLVER_H
/*
 * Names of STUN and TURN servers by DNS, with what this machine is configured for: both families at once, without waiting. One per
 * context. Who asks for a name that is on its way, or was found just now, gets that answer.
 */
#include "util/fd.h"
#include "util/limits.h"
#include "util/list.h"
#include "util/log.h"
#include "util/time.h"
#include "wire/candidate.h"

struct resolver_cfg {
    const char *servers; /* nullable: "192.0.2.1:53,…" instead of the system's; outlives the resolver */
    struct log *log;     /* nullable; outlives the resolver */
};

struct resolver {
    struct resolver_cfg cfg;
    void *channel;       /* of c-ares; NULL: nothing is on its way */
    struct node queries; /* struct resolver_query: names on their way, and found */
    struct node asks;    /* struct resolver_ask */
    size_t n_queries, n_running, n_asks;
    bool has_input, is_busy; /* not busy: there is nothing to do, and no socket */
    sotto_us due;            /* of c-ares */
};

struct resolver_out {
    void *owner;
    const char *name;      /* as asked; a view, valid until the next call on the resolver */
    struct address v4, v6; /* the best of each family, port 0; family 0: none */
    bool is_v6_best;       /* there is no IPv4 address, or no way to it */
    const char *text;      /* with neither: why, for humans */
};

void sotto__resolver_init(struct resolver *r, const struct resolver_cfg *cfg);
/* next() tells what came of it, unless the owner is forgotten before. 0, SOTTO_E_LIMIT, SOTTO_E_NOMEM, SOTTO_E_SYS. */
int sotto__resolver_ask(struct resolver *r, sotto_us now, const char *name, void *owner);
void sotto__resolver_forget(struct resolver *r, const void *owner);
int sotto__resolver_next(struct resolver *r, sotto_us now, struct resolver_out *out); /* 1 filled, 0 nothing */
sotto_us sotto__resolver_due(const struct resolver *r);
int sotto__resolver_fds(const struct resolver *r, struct sotto_fd *out, int max);
void sotto__resolver_ready(struct resolver *r);
void sotto__resolver_free(struct resolver *r); /* zero state is fine */

#endif
