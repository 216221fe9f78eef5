/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_PRIVATE_H
#define SOTTO_PEER_PRIVATE_H
/* What the files of peer/ share. */
#include "peer/peer.h"
#include "sotto/event.h"
#include "util/map.h"
#include "wire/sdp.h"

struct description {
    int32_t type;    /* SOTTO_SDP_OFFER, PRANSWER, ANSWER */
    struct sdp *sdp; /* NULL: there is none. Of the remote: with the candidates that were added */
};

struct control { /* an event of the connection itself */
    uint32_t type;
    uint64_t number;
    sotto_us at;
    sotto_pc_state state;
    size_t candidate; /* index of the local candidate; n_candidates at the time of the end: END_OF_CANDIDATES */
    int32_t code;
    const char *text; /* static */
};

struct peer {
    struct transport transport;
    uint32_t max_buffered, max_message_size;
    uint16_t max_channels;
    bool closed;

    /* jsep */
    int32_t signaling; /* SOTTO_SIGNALING_* */
    struct description current_local, pending_local, current_remote, pending_remote;
    char *last_offer, *last_answer; /* as created last; NULL: none */
    bool last_is_answer;            /* which of them is the younger */
    uint64_t session_id, version;
    char tls_id[33];
    char mid[SOTTO_MAX_MID + 1]; /* of the data section that the transport belongs to; "" before */
    int32_t mline_index;
    bool negotiation_needed;
    bool data_negotiated; /* a data section was accepted by both */

    /* states */
    int32_t connection, ice, gathering;
    bool ended; /* the remote closed in order: connection is CLOSED */
    enum transport_dtls_state dtls;
    sotto_pc_state told; /* as last queued */

    /* local candidates */
    struct candidate *candidates;
    size_t n_candidates;
    size_t n_remote_candidates;
    struct ice *retired; /* of a rolled-back offer, closing */
    int n_fds; /* of the transport, at the last sotto__peer_fds; those of retired follow */

    /* data */
    bool sctp_up, sctp_down, reading;
    bool role_known, dtls_client;
    int down_error;
    const char *down_reason;
    uint64_t remote_max_message; /* UINT64_MAX: any size */
    uint16_t streams;            /* ids below it may be used, once the association is up */
    struct node channels;        /* all */
    size_t n_channels, n_closed;
    struct map by_id;
    struct peer_message held; /* channel NULL: none */
    struct node round;        /* channels with queued messages */

    /* events */
    struct control *controls; /* ring of SOTTO_MAX_PC_EVENTS */
    size_t control_head, n_controls;
    struct node pending; /* channels with events */
    uint64_t events;     /* numbers them */
    char *line;          /* of the candidate that peek showed last */
};

#define END_OF_CANDIDATES SIZE_MAX

/* events.c */
int sotto__events_init(struct peer *p);
void sotto__events_free(struct peer *p);
void sotto__events_state(struct peer *p, sotto_us now); /* if a state changed since it was told */
void sotto__events_needed(struct peer *p, sotto_us now);
void sotto__events_not_needed(struct peer *p);
void sotto__events_candidate(struct peer *p, sotto_us now, size_t index);
void sotto__events_drop_candidates(struct peer *p);
void sotto__events_warning(struct peer *p, sotto_us now, int32_t code, const char *text);
void sotto__events_channel(struct peer *p, sotto_us now, struct channel *c, uint32_t type);
void sotto__events_drop_channel(struct channel *c, uint32_t bits);

/* peer.c */
void sotto__peer_update(struct peer *p,
                        sotto_us now); /* folds the transports' states into the connection's */
void sotto__peer_drain(struct peer *p,
                       sotto_us now); /* what a call from above produced goes to the egress */
void sotto__peer_reset_transport(struct peer *p, sotto_us now); /* of a rolled-back offer */

/* jsep.c */
void sotto__description_free(struct description *d);
struct description *sotto__jsep_remote(struct peer *p); /* the effective one; sdp NULL: none */
void sotto__jsep_check_needed(struct peer *p, sotto_us now);
const struct sdp_media *sotto__jsep_data_section(const struct sdp *sdp, const char *mid,
                                                 int32_t *ret_index);

/* offer.c, answer.c: text of a description; *ret is yours */
int sotto__offer_make(struct peer *p, uint64_t version, char **ret);
int sotto__answer_make(struct peer *p, uint64_t version, char **ret);
int sotto__offer_head(struct peer *p, struct sdp *sdp, uint64_t version);
int sotto__offer_data(struct peer *p, struct sdp *sdp, const char *mid, const char *setup);
int sotto__offer_rejected(struct sdp *sdp, const struct sdp_media *like);
int sotto__offer_text(struct sdp *sdp, int r, char **ret); /* frees sdp; r < 0: just that */

/* apply.c */
struct remote_params {
    struct transport_remote t;
    enum sdp_setup setup;
    uint64_t max_message;
    const struct sdp *sdp;         /* what was read */
    const struct sdp_media *media; /* NULL: no usable data section */
    int32_t index;
    bool lite, trickle, done;
};
bool sotto__apply_usable_data(const struct sdp_media *m);
/* Reads and checks the transport of a remote description; is_offer: of an offer. 0 or an error with err filled. */
int sotto__apply_read(struct peer *p, const struct sdp *sdp, bool is_offer,
                      struct remote_params *ret, sotto_error *err);
int sotto__apply_check_same(struct peer *p, const struct remote_params *r, sotto_error *err);
/* The negotiation of a data section is done: gives the transport what it needs. */
int sotto__apply_remote(struct peer *p, const struct remote_params *r, bool dtls_client,
                        sotto_us now);
struct str sotto__apply_ufrag(const struct sdp *sdp, const struct sdp_media *m);
void sotto__apply_candidate(struct peer *p, struct str text, sotto_us now);

/* sendq.c */
int sotto__sendq_push(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid,
                      const void *data, size_t n);
int sotto__sendq_now(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid,
                     const void *data, size_t n);
void sotto__sendq_pump(struct peer *p, sotto_us now);
void sotto__sendq_clear(struct channel *c);

/* channel.c */
struct channel *sotto__channel_new(struct peer *p, struct str label, struct str protocol);
int sotto__channel_set_id(struct peer *p, struct channel *c, int32_t id);
void sotto__channel_assign_ids(struct peer *p, sotto_us now);
void sotto__channel_all_up(struct peer *p, sotto_us now);
void sotto__channel_all_down(struct peer *p, sotto_us now, int error, const char *reason);
void sotto__channel_open(struct peer *p, sotto_us now, struct channel *c);
void sotto__channel_closing(struct peer *p, sotto_us now, struct channel *c, int error,
                            const char *reason);
void sotto__channel_after_queue(struct peer *p, sotto_us now,
                                struct channel *c); /* its queue became empty */
void sotto__channel_check_closed(struct peer *p, sotto_us now, struct channel *c);
void sotto__channel_finish(struct peer *p, sotto_us now, struct channel *c, int error,
                           const char *reason);
void sotto__channel_free(struct peer *p, struct channel *c);

/* receive.c */
void sotto__receive(struct peer *p, sotto_us now); /* reads ahead until a user message is held */
void sotto__receive_drop_held(struct peer *p);

#endif
