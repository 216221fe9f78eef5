/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_ICE_H
#define SOTTO_TRANSPORT_ICE_H
/*
 * The seam to ICE. Behind it sockets and timers are real (ice_nice.c: libnice opens its own) or virtual (test/net); above it
 * nothing else touches the network. All calls are made under the context's lock.
 */
#include "sotto/base.h"
#include "transport/ice_tally.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/time.h"
#include "wire/candidate.h"

struct ice; /* one generation of one transport */

/* Datagrams that one dispatch brought; one per context, drained by ice next() before another ice is dispatched. */
struct ice_box {
    uint8_t *bytes;   /* records: struct ice_box_head, then the datagram, padded to 8 */
    size_t head, n, cap;
    uint64_t dropped; /* overflow beyond SOTTO_ICE_BOX */
    struct ice_train *train; /* what reads many datagrams at once: ice_nice_twin.c; NULL: nobody does */
};
void sotto__ice_box_free(struct ice_box *b);

enum ice_server_kind { /* those behind STUN_TLS relay */
    ICE_SERVER_STUN,
    ICE_SERVER_STUN_TLS, /* is not asked: what it sees is no address for UDP */
    ICE_SERVER_TURN_UDP,
    ICE_SERVER_TURN_TCP,
    ICE_SERVER_TURN_TLS
};
struct ice_server {
    enum ice_server_kind kind;
    struct address addr;         /* family 0: of `host`, and not known yet */
    struct address second;       /* of `host`, of the other family; family 0: none */
    char *host;                  /* nullable: its name, which a certificate must have; borrowed for init */
    char *username, *credential; /* TURN; borrowed for init */
    char *url;                   /* as configured: for error events; borrowed for init */
};

struct ice_cfg { /* borrowed for init */
    bool controlling;
    bool is_patient; /* another generation carries the data: for a second, or until hurry(), we check only what the remote has checked */
    bool relay_only;
    bool allow_loopback;
    bool default_route; /* only the addresses that it uses, unless an interface is named */
    bool no_fast_path; /* sotto_ctx_config */
    const char *ufrag, *pwd; /* ours */
    uint16_t port_min, port_max;
    const char *interface; /* nullable */
    struct address external[2]; /* of this host behind a 1:1 NAT, IPv4 and IPv6, port 0: told as a reflexive candidate; family 0: none */
    const struct ice_server *servers;
    size_t n_servers;
    bool more_servers; /* names of some are asked for: gathering is not over before servers() says that there are no more */
    const char *ca_file; /* nullable: of TURN over TLS; NULL: the system's authorities */
    struct ice_box *box; /* outlives the ice */
    struct log *log;     /* nullable; outlives the ice */
    void *world;         /* test/net's; NULL for libnice */
};

/* The packets of one send: one datagram each. */
struct packet {
    const uint8_t *p;
    size_t n;
};

enum ice_out_type {
    ICE_OUT_CANDIDATE, /* a local candidate, in `candidate` */
    ICE_OUT_GATHERED,  /* no more local candidates */
    ICE_OUT_STATE,     /* `state` */
    ICE_OUT_SELECTED,  /* a pair can carry data: the first one, or another from now on */
    ICE_OUT_SERVER,    /* a server gave an error or no answer: server, code, text */
    ICE_OUT_PACKET     /* a datagram that is not STUN, from a validated source */
};

struct ice_out {
    enum ice_out_type type;
    int32_t state; /* SOTTO_ICE_NEW … SOTTO_ICE_FAILED */
    const struct candidate *candidate; /* views, valid until the next call on this ice */
    struct packet packet; /* whoever takes it may write over it; if it is not aligned to 8 bytes, also over those before it until there */
    size_t server;    /* index in ice_cfg.servers; of a candidate: who gave it, as many as there are or more: not known, or none */
    struct address local; /* SERVER: where it was asked from; family 0: not known */
    int32_t code;     /* STUN error code; 701: no answer */
    const char *text; /* of the error */
};

struct ice_pair { /* the selected one */
    struct candidate local, remote;
    struct address base; /* of this host, that its packets leave from, to a relay too; family 0: not known */
    sotto_us rtt; /* last round trip of a check of consent; 0: not known */
    sotto_us rtt_total;       /* all of them … */
    uint64_t asked, answered; /* … and how many there were, since the beginning of ICE */
};

struct ice_refused { /* since the beginning of this ICE */
    uint64_t filtered;  /* datagrams that its sockets did not let in: by the filter, or for want of room */
    uint64_t conflicts; /* of roles, as the peer's answers said */
};

struct ice_ops {
    /* Opens nothing yet but what only this process can reach. 0, SOTTO_E_NOMEM, SOTTO_E_SYS. */
    int (*init)(struct ice **ret, const struct ice_cfg *cfg, sotto_us now);
    /* Of the servers that were given to init some have addresses now that had none; is_last: no others ever will. Those whose time is
     * over, and those that were given with an address before, are left alone. */
    void (*servers)(struct ice *ice, const struct ice_server *servers, size_t n, bool is_last,
                    sotto_us now);
    /* Open sockets and gather; once. 0, or SOTTO_E_NETWORK no usable local address, SOTTO_E_LIMIT no free port, SOTTO_E_SYS. */
    int (*gather)(struct ice *ice, sotto_us now);
    /* The remote's credentials. Again with others (another answer to the same offer): all that was learnt of the remote before is
     * forgotten, checks begin anew. Candidates may be added before or after. Under relay_only the implementation holds
     * remote candidates back until gathering is done. */
    int (*set_remote)(struct ice *ice, const char *ufrag, const char *pwd, sotto_us now);
    /* A numeric UDP candidate that passed sotto__address_usable. 0, SOTTO_E_LIMIT, SOTTO_E_NOMEM. */
    int (*add_remote)(struct ice *ice, const struct candidate *c, sotto_us now);
    /* No more remote candidates: FAILED may now be final. */
    void (*remote_done)(struct ice *ice, sotto_us now);
    /* On the selected pair, in order; what the socket does not take is dropped, as on any network. How many went out, or
     * SOTTO_E_STATE without a pair. */
    int (*send)(struct ice *ice, const struct packet *pkts, size_t n, sotto_us now);
    /* Nullable. From now on what is sent on the selected pair goes whole or not at all, whatever routers have told (what is too large for
     * the interface is lost); or, `whole` false, the network may fragment it. A pair that is selected anew goes whole. False: this is not
     * in its power here (a relay, TCP): nothing larger than SOTTO_MTU shall be sent then. */
    bool (*whole)(struct ice *ice, bool whole);
    /* Runs what is ready or due, then: 1 filled, 0 nothing. */
    int (*next)(struct ice *ice, sotto_us now, struct ice_out *out);
    sotto_us (*due)(const struct ice *ice);
    /* Descriptors to be watched now (they change with every call); how many, at most max. */
    int (*fds)(const struct ice *ice, struct sotto_fd *out, int max);
    /* poll() said `revents` of descriptor `slot` as numbered by the last fds(); next() then dispatches. */
    void (*ready)(struct ice *ice, int slot, short revents);
    /* Nullable. The network of this host has changed, or it slept for that long while `now` stood still: the peer's consent is that much
     * older, and is asked for at once. */
    void (*woke)(struct ice *ice, sotto_us slept, sotto_us now);
    /* Nullable. When the peer last gave a sign of life over the selected pair. */
    sotto_us (*heard)(const struct ice *ice);
    /* Nullable. What is_patient waited for is of no use: all candidates are checked now. */
    void (*hurry)(struct ice *ice, sotto_us now);
    /* Text of the selected pair for humans, masked: "host udp 10.0.x.x → …"; "" without one. */
    const char *(*selected)(const struct ice *ice);
    /* The selected pair; false: there is none. */
    bool (*pair)(const struct ice *ice, struct ice_pair *ret);
    /* Begin an orderly close (TURN goodbyes); then drive with next/due/fds until closed() is true, at most about 1 s, then free. */
    void (*close)(struct ice *ice, sotto_us now);
    bool (*closed)(const struct ice *ice);
    void (*free)(struct ice *ice); /* NULL is fine; any state */
    size_t (*bytes)(const struct ice *ice); /* of memory that is ours, not libnice's */
    void (*refused)(const struct ice *ice, struct ice_refused *ret); /* nullable */
    const struct ice_tally *(*tally)(const struct ice *ice); /* nullable: what checks came to, before there was a pair; a view */
};

extern const struct ice_ops sotto__ice_nice;
const char *sotto__nice_library_version(void); /* that this one was built with: libnice does not tell */

/* For implementations: put a datagram of `owner` in the box; take the oldest one (a view until the next put or take). */
void sotto__ice_box_put(struct ice_box *b, const struct ice *owner, const uint8_t *p, size_t n);
bool sotto__ice_box_take(struct ice_box *b, const struct ice *owner, struct packet *out);

#endif
