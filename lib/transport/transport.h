/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_TRANSPORT_H
#define SOTTO_TRANSPORT_TRANSPORT_H
/*
 * The encrypted path of one BUNDLE group: ICE, DTLS and SCTP wired together; the only way in and out for packets. Nothing is given
 * up, and no state says connected, before the remote's certificate was verified.
 */
#include "transport/dtls.h"
#include "transport/egress.h"
#include "transport/ice.h"
#include "transport/mdns_agent.h"
#include "transport/resolver.h"
#include "transport/sctp.h"
#include "transport/srtp.h"
#include "util/attack.h"

/* What a transport shares with the others of its context. */
struct transport_shared {
    const struct ice_ops *ice_ops;
    void *world; /* for ice_ops */
    struct ice_box *box;
    struct egress *egress;
    struct dtls_ctx *dtls_ctx;
    struct log *log;
    struct sctp_home *sctp_home; /* NULL: there is no loop */
    struct mdns_agent *mdns;     /* NULL: names of candidates are not resolved */
    struct resolver *resolver;   /* NULL: nor are those of servers */
    const struct net_watch *watch; /* NULL: this host's addresses are not watched */
    bool no_fast_path;
};

struct transport_cfg {                     /* borrowed for init; strings and servers are copied */
    const struct transport_shared *shared; /* outlives the transport */
    struct cert *cert;                     /* counted */
    bool relay_only, allow_loopback;
    uint8_t privacy; /* SOTTO_PRIVACY_* */
    uint16_t port_min, port_max;
    const char *interface;
    struct address external[2]; /* see ice.h */
    const char *ca_file; /* nullable: see ice.h */
    const struct ice_server *servers;
    size_t n_servers;
    uint32_t max_message_size;
    uint16_t streams_out, streams_in;
    void *owner; /* see sctp.h */
    const struct sdp_fingerprint *pins; /* see sotto__dtls_set_pins() */
    size_t n_pins;
};

/* What the remote description says of the transport. */
struct transport_remote {
    char ufrag[SOTTO_MAX_UFRAG + 1], pwd[SOTTO_MAX_PWD + 1];
    struct sdp_fingerprint fingerprints[SOTTO_MAX_FINGERPRINTS];
    size_t n_fingerprints;
    bool dtls_client; /* our role: true if the remote is passive */
    bool new_dtls;    /* the running association ends, one with these fingerprints begins: RFC 8842 §5 */
};

/* One ICE generation of ours. */
struct transport_generation {
    struct ice *ice; /* NULL: not started, or detached */
    char ufrag[9], pwd[25]; /* ours: 48 and 144 bits (RFC 8445 §5.3 asks for 24 and 128); next: "" before prepare */
    char *remote_ufrag; /* owned; NULL before set_remote */
    bool selected;   /* it has a pair */
    int32_t state;   /* SOTTO_ICE_*: its own */
    bool is_restart; /* it was `next` once */
    struct ice_server *servers; /* it was started with: kind, address, host and url, for error events */
    size_t n_servers;
    uint8_t wanted;     /* servers, by bit, whose names are asked for */
    bool is_replaced;   /* … and of which nobody will be told, as there are others now */
    uint8_t unnamed;    /* servers, by bit, whose names were not found, as is to be told */
};

struct transport_kept { /* of a struct transport_remote: one block */
    const char *ufrag, *pwd;
    bool dtls_client;
    size_t n_fingerprints;
    struct sdp_fingerprint fingerprints[];
};

struct transport_stats { /* since the beginning */
    uint64_t packets_sent, packets_received, bytes_sent, bytes_received; /* datagrams that are not ICE's */
    uint32_t pair_changes;
};

enum transport_out_type {
    TRANSPORT_OUT_CANDIDATE, /* a local candidate */
    TRANSPORT_OUT_GATHERED,  /* no more of them */
    TRANSPORT_OUT_SERVER,    /* server, code, text: of icecandidateerror */
    TRANSPORT_OUT_ICE,       /* ice_state changed */
    TRANSPORT_OUT_DTLS,      /* dtls_state changed; with FAILED: error and reason */
    TRANSPORT_OUT_SCTP_UP,   /* streams */
    TRANSPORT_OUT_SCTP_DOWN, /* error; messages that had arrived can still be pulled */
    TRANSPORT_OUT_RTP,       /* packet: decrypted and authenticated */
    TRANSPORT_OUT_RTCP       /* packet: the same, a compound or reduced-size packet */
};

enum transport_dtls_state { /* RTCDtlsTransportState */
    TRANSPORT_DTLS_NEW,
    TRANSPORT_DTLS_CONNECTING,
    TRANSPORT_DTLS_CONNECTED,
    TRANSPORT_DTLS_CLOSED,
    TRANSPORT_DTLS_FAILED
};

struct transport_out {
    enum transport_out_type type;
    const struct candidate *candidate; /* view, valid until the next call; its own ufrag is not set */
    const char *ufrag;                 /* CANDIDATE, GATHERED: ours, of the generation; view */
    const struct ice_server *server;   /* view; of a candidate: who gave it, NULL: not known, or none */
    struct address local;              /* SERVER: where it was asked from; family 0: not known, or nobody is to know it */
    int32_t code;
    const char *text;
    int32_t ice_state;                 /* SOTTO_ICE_* */
    enum transport_dtls_state dtls_state;
    uint16_t streams_out;
    int error;
    const char *reason;
    struct packet packet; /* RTP, RTCP: view, valid until the next call on the transport */
};

struct transport_early { /* datagrams that came before the handshake could run */
    uint8_t *p;
    size_t n;
};

struct transport {
    const struct transport_shared *shared;
    struct node named; /* struct transport_named: candidates of the remote that wait for their addresses */
    size_t n_named;
    bool uses_names; /* the agent of the context knows us */
    uint8_t naming;  /* servers, by bit, whose names are asked for */
    bool no_port;          /* gathering failed last for want of a free one in the range */
    bool servers_busy;     /* a generation waits for names, or has news of them */
    const char *not_named; /* static: why the last one that was not found was not */
    struct transport_generation live; /* as negotiated last; data goes over it once it has a pair */
    struct transport_generation next; /* of an ICE restart: gathers and checks; becomes live with its first pair */
    struct transport_generation spare; /* credentials of a restart that would overtake `next` */
    struct ice *retired[2]; /* replaced, the newest first: they receive what is on its way, then close */
    struct dtls *dtls;
    struct sctp *sctp;
    struct cert *cert;
    bool controlling;
    struct transport_stats stats;
    struct transport_stats at_pair; /* as they were when the pair in use was selected; 0 for the first */
    bool relay_only, allow_loopback;
    uint8_t privacy;
    uint16_t port_min, port_max;
    char *interface, *ca_file;
    struct address external[2];
    struct ice_server *servers;
    size_t n_servers;
    uint32_t max_message_size;
    uint16_t streams_out, streams_in;
    void *owner;
    struct transport_kept *remote; /* the last one that was set; NULL: none */
    bool has_remote;
    enum transport_dtls_state dtls_state;
    bool has_data; /* an association is wanted */
    uint16_t sctp_port_local, sctp_port_remote;
    bool more;     /* the last next() stopped with datagrams left */
    int budget;    /* datagrams that this turn may still take */
    struct transport_early early[SOTTO_MAX_EARLY_RECORDS];
    size_t n_early, early_bytes;
    sotto_us drain_until[2]; /* a retired ICE still receives; 0: it closes */
    sotto_us asked_path; /* whether it is alive, for the patience of `next`; 0: that is known, or nobody wants to know */
    bool lost_before; /* the live generation was without connection when the restart began */
    int32_t ice_told; /* the state shown last */
    bool dtls_moves;  /* the new DTLS association belongs to `next` */
    bool dtls_ended;  /* by set_remote, and not told yet */
    bool sctp_up;     /* UP was told, DOWN was not */
    bool sctp_over;   /* the association ended with its DTLS; only what has arrived counts */
    unsigned at;      /* which ICE has its turn: 0 and 1 retired, 2 carrier, 3 live, 4 next */
    struct {
        struct ice *ice;
        int first, n; /* slots of the last fds() */
    } watched[5];
    struct { /* the one that `sctp` was told of last */
        const struct sctp *sctp; /* compared only */
        const struct ice *ice;
        uint32_t pair;           /* stats.pair_changes then */
        bool is_searched;        /* for the size of packets that it carries */
        bool fragments;          /* the network may fragment what is sent */
    } path;
    struct sdp_fingerprint *pins; /* owned; NULL: none */
    size_t n_pins;
    struct srtp *srtp;    /* NULL: no keys */
    bool wants_media;     /* begin_media was called */
    struct transport_early *early_media; /* SOTTO_MAX_EARLY_MEDIA: RTP and RTCP that came before the keys; NULL: none */
    size_t n_early_media, early_media_at, early_media_bytes; /* early_media_at: given up since there are keys */
    struct attacks attacks; /* of what is gone already; peer/ adds what it refuses itself */
    struct transport_generation carrier; /* carries the data while `live` has no pair yet: see sotto__transport_replace */
};

int sotto__transport_init(struct transport *t,
                          const struct transport_cfg *cfg); /* 0, SOTTO_E_NOMEM, SOTTO_E_SYS */
/* The certificates that are accepted from the next DTLS association on; copied. One that is up uses one of them, or: SOTTO_E_ACCESS.
 * SOTTO_E_NOMEM. Nothing has changed then. */
int sotto__transport_set_pins(struct transport *t, const struct sdp_fingerprint *pins, size_t n);
/* What may change later: servers, policy, ports, interface. Copied. Used by the next start or restart. 0 or SOTTO_E_NOMEM. */
int sotto__transport_configure(struct transport *t, const struct transport_cfg *cfg);
/* Open the sockets of the live generation and gather. 0 or as ice init and gather; on failure it can be tried again. */
int sotto__transport_start(struct transport *t, bool controlling, sotto_us now);
/* Undoes start, as long as no remote was set: the ICE goes to the retired ones. Credentials stay until renew. */
void sotto__transport_unstart(struct transport *t, sotto_us now);
/* New credentials for the live generation, while it is not started. 0 or SOTTO_E_SYS. */
int sotto__transport_renew(struct transport *t);

/* As new, but configured as it is; without credentials until renew. Nobody is told. */
void sotto__transport_reset(struct transport *t, sotto_us now);

/* ICE restart (RFC 8445 §9), make before break: the next generation gathers and checks while the live one carries data; with its first
 * pair it becomes the live one, and the old one is closed. DTLS and SCTP do not notice. */
/* Credentials for the next restart, unless they are there: in `next`, or in `spare` while that one waits for its pair. 0, SOTTO_E_SYS. */
int sotto__transport_prepare(struct transport *t);
const struct transport_generation *sotto__transport_prepared(const struct transport *t); /* the one that prepare fills */
/* Prepared; gathers. 0, or as start. While one runs already: nothing; for another one, forget it and prepare anew. */
int sotto__transport_restart(struct transport *t, sotto_us now);
void sotto__transport_forget(struct transport *t, sotto_us now); /* rolled back: the next generation goes, with its credentials */

/* Another restart begins before the next generation has a pair: it becomes the live one all the same, if there is one. What was live
 * carries the data until one of its successors has a pair. */
void sotto__transport_replace(struct transport *t, sotto_us now);

/* The remote's side: of the next generation if one gathers and the ufrag is not the live one's, else of the live one. The first time,
 * or with another ufrag than before (an answer that follows a pranswer of somebody else). new_dtls: see transport_remote. 0 or as ice
 * set_remote; nothing changed then. */
int sotto__transport_set_remote(struct transport *t, const struct transport_remote *remote,
                                sotto_us now);
/* ufrag: the remote's, of the generation; one that is no longer used is ignored. 0 or as ice add_remote, or as
 * sotto__mdns_agent_ask(). */
int sotto__transport_add_candidate(struct transport *t, const char *ufrag,
                                   const struct candidate *c, sotto_us now);
void sotto__transport_remote_done(struct transport *t, const char *ufrag, sotto_us now);
/* A host candidate with a name for multicast DNS can be added: it is asked for, and its address goes to ICE when it is known. */
bool sotto__transport_takes_name(const struct transport *t, const struct candidate *c);
/* What a host candidate of ours is told as, by its privacy mode: false: it is not told. name: "" as it is, else this instead of its
 * address, which is answered for from now on. */
bool sotto__transport_tells(struct transport *t, sotto_us now, const struct candidate *c,
                            char name[static MDNS_LOCAL]);
/* What came of a server's name. */
void sotto__transport_resolved(struct transport *t, const struct resolver_out *in);
/* The answer for one of them; family 0: there is none. */
void sotto__transport_named(struct transport *t, sotto_us now, const char *name,
                            const struct address *addr);

/* Data: an association begins as soon as DTLS is up; ends (ABORT to the remote; what was not pulled is lost, and no DOWN is told). Each
 * does nothing if it is so already. */
int sotto__transport_begin_data(struct transport *t, uint16_t local_port, uint16_t remote_port,
                                sotto_us now);
void sotto__transport_end_data(struct transport *t, sotto_us now);

/* Media: there are sections of it, so the DTLS association must agree on an SRTP profile (RFC 5764 §4.1), or it fails. Asked again it does
 * nothing. 0; of an association that is up already: SOTTO_E_STATE it has no profile, or as sotto__srtp_new(). */
int sotto__transport_begin_media(struct transport *t, sotto_us now);
/* One packet of media, given as two parts that lie anywhere (the second may be empty): sealed and queued for this turn's batch. What the
 * network does not take is lost as on any network. 0, or SOTTO_E_STATE no keys yet, or no path, or the number was used; SOTTO_E_TOO_BIG
 * above SOTTO_MAX_MEDIA_PACKET; SOTTO_E_CLOSED the keys have served their life (RFC 3711 §9.2); else as sotto__srtp_protect(). */
int sotto__transport_send_rtp(struct transport *t, sotto_us now, const uint8_t *head, size_t n_head,
                              const uint8_t *payload, size_t n_payload);
/* A packet that was sent before, once more: the same to the last bit, or it does not go (SOTTO_E_STATE): sotto__srtp_protect_again(). */
int sotto__transport_send_rtp_again(struct transport *t, sotto_us now, const uint8_t *head,
                                    size_t n_head, const uint8_t *payload, size_t n_payload);
int sotto__transport_send_rtcp(struct transport *t, sotto_us now, const uint8_t *p, size_t n);
bool sotto__transport_has_media_keys(const struct transport *t);
/* A remote's SSRC is not used any more (BYE, or replaced): see sotto__srtp_forget(). */
void sotto__transport_forget_ssrc(struct transport *t, uint32_t ssrc);

struct transport_bytes { /* of memory that is ours */
    size_t ice, dtls, srtp, sctp;
    size_t sctp_queued; /* of messages that are not acknowledged yet: usrsctp holds them */
};
void sotto__transport_bytes(const struct transport *t, struct transport_bytes *ret);

/* All that was refused since the beginning. */
void sotto__transport_attacks(const struct transport *t, struct attacks *ret);

bool sotto__transport_pair(const struct transport *t, struct ice_pair *ret); /* selected; false: none */
/* The network of this host has changed, or it slept: see ice woke. */
void sotto__transport_woke(struct transport *t, sotto_us slept, sotto_us now);

void sotto__transport_turn(struct transport *t); /* a new turn begins: 64 datagrams */
int sotto__transport_next(struct transport *t, sotto_us now,
                          struct transport_out *out); /* 1 filled, 0 nothing (or t->more) */
/* The same without looking at the network: seals and queues what calls from above produced. */
int sotto__transport_drain(struct transport *t, sotto_us now, struct transport_out *out);
sotto_us sotto__transport_due(const struct transport *t);
int sotto__transport_fds(struct transport *t, struct sotto_fd *out, int max);
void sotto__transport_ready(struct transport *t, int slot, short revents);

/* Goodbyes: SCTP ABORT and DTLS close_notify go into the egress. No data afterwards. */
void sotto__transport_close(struct transport *t, sotto_us now);
/* Takes an ice object away, closing; the caller drives it until closed(). Call until NULL: live, next and retired ones. */
struct ice *sotto__transport_detach(struct transport *t, sotto_us now);
void sotto__transport_free(struct transport *t);

#endif
