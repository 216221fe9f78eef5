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
#include "transport/sctp.h"

/* What a transport shares with the others of its context. */
struct transport_shared {
    const struct ice_ops *ice_ops;
    void *world; /* for ice_ops */
    struct ice_box *box;
    struct egress *egress;
    struct dtls_ctx *dtls_ctx;
    struct log *log;
    int wake_fd; /* see sctp.h */
};

struct transport_cfg {                     /* borrowed for init; strings and servers are copied */
    const struct transport_shared *shared; /* outlives the transport */
    struct cert *cert;                     /* counted */
    bool relay_only, allow_loopback;
    uint16_t port_min, port_max;
    const char *interface;
    const struct ice_server *servers;
    size_t n_servers;
    uint32_t max_message_size;
    uint16_t streams_out, streams_in;
};

/* What the remote description says of the transport. */
struct transport_remote {
    char ufrag[SOTTO_MAX_UFRAG + 1], pwd[SOTTO_MAX_PWD + 1];
    struct sdp_fingerprint fingerprints[SOTTO_MAX_FINGERPRINTS];
    size_t n_fingerprints;
    bool dtls_client; /* our role: true if the remote is passive */
    bool has_data;    /* an association is wanted */
    uint16_t sctp_port_local, sctp_port_remote;
};

enum transport_out_type {
    TRANSPORT_OUT_CANDIDATE, /* a local candidate */
    TRANSPORT_OUT_GATHERED,  /* no more of them */
    TRANSPORT_OUT_ICE,       /* ice_state changed */
    TRANSPORT_OUT_DTLS,      /* dtls_state changed; with FAILED: error and reason */
    TRANSPORT_OUT_SCTP_UP,   /* streams */
    TRANSPORT_OUT_SCTP_DOWN  /* error; messages that had arrived can still be pulled */
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
    const struct candidate *candidate; /* view, valid until the next call */
    int32_t ice_state;                 /* SOTTO_ICE_* */
    enum transport_dtls_state dtls_state;
    uint16_t streams_out;
    int error;
    const char *reason;
};

struct transport_early { /* datagrams that came before the handshake could run */
    uint8_t *p;
    size_t n;
};

struct transport {
    const struct transport_shared *shared;
    struct ice *ice; /* NULL: not started, or detached */
    struct dtls *dtls;
    struct sctp *sctp;
    struct cert *cert;
    char ufrag[9], pwd[25]; /* ours: 48 and 144 bits (RFC 8445 §5.3 asks for 24 and 128) */
    bool relay_only, allow_loopback;
    uint16_t port_min, port_max;
    char *interface;
    struct ice_server *servers;
    size_t n_servers;
    uint32_t max_message_size;
    uint16_t streams_out, streams_in;
    struct transport_remote remote;
    bool has_remote;
    enum transport_dtls_state dtls_state;
    bool selected; /* ICE has a pair */
    bool more;     /* the last next() stopped with datagrams left */
    int budget;    /* datagrams that this turn may still take */
    struct transport_early early[SOTTO_MAX_EARLY_RECORDS];
    size_t n_early, early_bytes;
};

int sotto__transport_init(struct transport *t,
                          const struct transport_cfg *cfg); /* 0, SOTTO_E_NOMEM, SOTTO_E_SYS */
/* Open the sockets and gather. 0 or as ice init and gather; on failure it can be tried again. */
int sotto__transport_start(struct transport *t, bool controlling, sotto_us now);
/* Once; after start. 0, or as ice set_remote. */
int sotto__transport_set_remote(struct transport *t, const struct transport_remote *remote,
                                sotto_us now);
int sotto__transport_add_candidate(struct transport *t, const struct candidate *c, sotto_us now);
void sotto__transport_remote_done(struct transport *t, sotto_us now);

void sotto__transport_turn(struct transport *t); /* a new turn begins: 64 datagrams */
int sotto__transport_next(struct transport *t, sotto_us now,
                          struct transport_out *out); /* 1 filled, 0 nothing (or t->more) */
/* The same without looking at the network: seals and queues what calls from above produced. */
int sotto__transport_drain(struct transport *t, sotto_us now, struct transport_out *out);
sotto_us sotto__transport_due(const struct transport *t);
int sotto__transport_fds(const struct transport *t, struct sotto_fd *out, int max);
void sotto__transport_ready(struct transport *t, int slot, short revents);

/* Goodbyes: SCTP ABORT and DTLS close_notify go into the egress. No data afterwards. */
void sotto__transport_close(struct transport *t, sotto_us now);
/* Takes the ice object away, closing; the caller drives it until closed(). NULL: there is none. */
struct ice *sotto__transport_detach(struct transport *t, sotto_us now);
/* New credentials for the next start(), after detach(). 0 or SOTTO_E_SYS. */
int sotto__transport_renew(struct transport *t);
void sotto__transport_free(struct transport *t);

#endif
