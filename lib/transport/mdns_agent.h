/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_MDNS_AGENT_H
#define SOTTO_TRANSPORT_MDNS_AGENT_H
/*
 * Multicast DNS for the host names of ICE candidates (RFC 6762, draft-ietf-mmusic-mdns-ice-candidates): asks for those of remotes and
 * answers for those that hide our own addresses. One per context; it has sockets only while there is something to ask or to answer.
 */
#include "transport/net.h"
#include "util/fd.h"
#include "util/limits.h"
#include "util/list.h"
#include "util/log.h"
#include "util/time.h"

#define MDNS_LOCAL 72 /* bytes of a name with one label, ".local" and a NUL */

struct mdns_cfg {
    const struct net_ops *ops;
    void *world;     /* for ops */
    struct log *log; /* nullable; outlives the agent */
};

struct mdns_agent {
    struct mdns_cfg cfg;
    int fds[2]; /* -1: none */
    struct net_interface interfaces[SOTTO_MAX_MDNS_INTERFACES];
    size_t n_interfaces;
    sotto_us looked_at; /* when the interfaces were looked for */
    struct node asks;   /* struct mdns_ask: of remotes, in order */
    struct node names;  /* struct mdns_name: ours */
    size_t n_asks, n_names;
    bool is_busy; /* false: neither sockets nor anything to do */
    bool has_input, has_room; /* has_room: another name may be asked for now */
    sotto_us unicast_since; /* the second in which … */
    unsigned n_unicast;     /* … so many went out */
};

struct mdns_out { /* a name that was asked for is done with */
    void *owner;
    char name[MDNS_LOCAL]; /* in lower case */
    struct address addr;   /* port 0; family 0: nobody answered */
};

void sotto__mdns_agent_init(struct mdns_agent *a, const struct mdns_cfg *cfg);
/* Ask for a name of a remote; next() tells what came of it, unless the owner is forgotten before. 0, SOTTO_E_SYNTAX not one label and
 * ".local", SOTTO_E_LIMIT, SOTTO_E_NOMEM. */
int sotto__mdns_agent_ask(struct mdns_agent *a, sotto_us now, struct str name, bool allow_loopback,
                          void *owner);
/* Answer for an address of ours from now on by a new name; for one that this owner has a name for, that one. 0, SOTTO_E_LIMIT,
 * SOTTO_E_NOMEM, SOTTO_E_SYS no entropy. */
int sotto__mdns_agent_hide(struct mdns_agent *a, sotto_us now, const struct address *addr,
                           void *owner, char ret[static MDNS_LOCAL]);
void sotto__mdns_agent_forget(struct mdns_agent *a, const void *owner); /* what it asked, and its names */
int sotto__mdns_agent_next(struct mdns_agent *a, sotto_us now, struct mdns_out *out); /* 1 filled, 0 nothing */
sotto_us sotto__mdns_agent_due(const struct mdns_agent *a);
int sotto__mdns_agent_fds(const struct mdns_agent *a, struct sotto_fd *out, int max);
void sotto__mdns_agent_ready(struct mdns_agent *a); /* poll() reported one of them */
/* This host's interfaces or addresses are others now. */
void sotto__mdns_agent_moved(struct mdns_agent *a, sotto_us now);
void sotto__mdns_agent_free(struct mdns_agent *a);  /* zero state is fine */

#endif
