/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_PRIVATE_H
#define SOTTO_PEER_PRIVATE_H
/* What the files of peer/ share. */
#include "peer/peer.h"
#include "peer/section.h"
#include "peer/story.h"
#include "peer/transceiver.h"
#include "sotto/event.h"
#include "util/map.h"
#include "wire/sdp.h"

struct description {
    int32_t type;    /* SOTTO_SDP_OFFER, PRANSWER, ANSWER */
    struct sdp *sdp; /* NULL: there is none. Of the remote: with the candidates that were added */
};

struct control { /* an event of the connection itself */
    uint64_t number;
    sotto_us at;
    uint32_t type;
    int32_t code;
    sotto_pc_state state;
    uint16_t candidate; /* slot of the local candidate, or END_OF_CANDIDATES */
    char ufrag[9];      /* CANDIDATE: the generation */
    const char *text;   /* static */
    uint64_t count;    /* WARNING */
    struct note *note; /* owned, TRACK, TRACK_REMOVED, CANDIDATE_ERROR: what was allocated before anything was changed */
};

struct note {
    struct transceiver *transceiver;
    struct strings streams;
    char *url, *text; /* CANDIDATE_ERROR; owned */
    struct address local; /* CANDIDATE_ERROR; family 0: not told */
    int32_t code;
};

struct roam { /* ICE restarts because this host's network changed: roam.c */
    bool is_off;
    uint8_t routes; /* bits: the default route of IPv4, of IPv6 moved since the last one */
    sotto_us last;  /* when the last one was; 0: never */
    sotto_us at;    /* when it is looked whether another one is needed; 0: never */
};

struct verify { /* what is known of the remote: verify.c */
    int32_t required, level, told; /* SOTTO_VERIFY_*; told: as last queued */
    bool was_read;     /* the code of this DTLS association */
    bool data_waits;   /* the association of data is up, but what is known does not suffice */
    uint16_t streams;  /* … it has */
    uint64_t dropped;  /* packets of media */
};

struct local_candidate { /* what one of ours has of a struct candidate; component 1, UDP */
    char ufrag[9];       /* of which generation; "" free */
    char foundation[33];
    uint32_t priority;
    enum candidate_type type;
    uint8_t server; /* who gave it: its place among those of the generation, from 1; 0: not known, or none */
    struct address addr, related;
    char *name; /* owned: what hides addr; NULL: nothing does */
};

struct peer {
    struct transport transport;
    uint32_t max_buffered, max_message_size;
    uint16_t max_channels;
    bool closed;

    /* jsep */
    int32_t signaling; /* SOTTO_SIGNALING_* */
    struct description current_local, pending_local, current_remote, pending_remote;
    char *last_offer, *last_answer; /* as created last, while they may be applied; NULL: none */
    uint64_t last_text;             /* hash of the younger of all that were made; 0: none */
    uint64_t session_id, version;
    char cname[17]; /* RFC 7022: random, of this connection */
    char *remote_tls_id; /* owned; NULL: none */
    char tls_id[33], next_tls_id[33]; /* next: "" unless the remote's offer begins a new DTLS association */
    bool negotiation_needed;
    bool ice_role_known, controlling; /* once there was an offer */
    bool restart_wanted;              /* W3C LocalIceCredentialsToReplace is not empty */
    char replace_ufrag[2][9];         /* … it holds those of the current and of the then pending description; "" none */
    bool remote_restart;              /* the pending remote offer is an ICE restart: our answer has new credentials */
    bool sctp_ends;                   /* data was ended by negotiation: the association goes when its messages were read */
    bool transport_unused;            /* every section was rejected: it is reset as soon as its messages were read */
    bool reconfigured;                /* servers or policy changed: the next offer is an ICE restart */
    char gathered_ufrag[9];           /* … it replaces this one, which was gathered with the old ones */

    struct policy *policy;      /* owned; NULL: none */
    struct policy *next_policy; /* owned; set while an offer of the remote waits for its answer */
    bool has_next_policy;

    /* media sections */
    struct node transceivers; /* W3C's set, in order of creation */
    struct node gone;         /* stopped or rolled back, their handles are still held */
    size_t n_transceivers, n_gone;
    uint64_t last_transceiver; /* id */
    uint64_t next_mid;         /* mids below it were used, or looked at, as numbers */
    struct ext_map exts;       /* ids of header extensions: for the connection's life (browsers want no id to change its meaning) */
    char data_mid[SOTTO_MAX_MID + 1], data_draft_mid[SOTTO_MAX_MID + 1]; /* of the data section; "" none */
    int32_t data_index;        /* -1 none */
    bool data_has_own_mid; /* its section has none: ours stands for it */
    bool data_was_associated, data_negotiated; /* negotiated: accepted by both at the last answer */
    char tagged_mid[SOTTO_MAX_MID + 1]; /* the section that candidates are told for; "" none */
    int32_t tagged_index;

    /* states */
    int32_t connection, ice, gathering;
    bool ended; /* the remote closed in order: connection is CLOSED */
    enum transport_dtls_state dtls;
    sotto_pc_state told; /* as last queued */

    /* local candidates */
    struct local_candidate *candidates; /* slots */
    size_t n_candidates, cap_candidates; /* slots in use at the beginning */
    char gathered[2][9];          /* generations that have all theirs, the younger first */
    size_t n_remote_candidates;

    /* data */
    bool sctp_up, sctp_down, reading;
    bool role_known, dtls_client; /* of DTLS */
    int down_error;
    const char *down_reason;
    uint64_t remote_max_message; /* UINT64_MAX: any size */
    uint16_t streams;            /* ids below it may be used, once the association is up */
    struct node channels;        /* all */
    size_t n_channels, n_closed;
    uint64_t last_channel;                   /* number */
    uint64_t channels_opened, channels_left; /* how often one entered and left the state open */
    struct map by_id;
    struct peer_message held; /* channel NULL: none */
    struct node round;        /* channels with queued messages */

    struct session *session; /* media; NULL before the first transceiver */
    sotto_us born, ntp_offset; /* for it */
    uint64_t reflected;     /* packets of our own that came back, as told */
    struct story story;     /* for sotto_pc_explain() */
    struct roam roam;
    struct verify verify;
    struct e2ee_counts e2ee_gone; /* of transceivers and channels that are gone */
    bool told_no_srtp;      /* media was negotiated where there are no keys for it */

    /* events */
    struct control *controls; /* in order, from control_head on; at most SOTTO_MAX_PC_EVENTS */
    size_t control_head, n_controls, cap_controls;
    struct node pending; /* channels with events */
    struct node pending_media; /* transceivers with events of media */
    uint64_t events;     /* numbers them */
    char *line;          /* of the candidate that peek showed last */
};

#define END_OF_CANDIDATES UINT16_MAX
#define DATA_PORT 5000 /* of SCTP, ours */

static inline void sotto__peer_attacked(struct peer *p, enum attack what)
{
    p->transport.attacks.n[what]++;
}

/* events.c */
int sotto__events_init(struct peer *p);
void sotto__events_free(struct peer *p);
void sotto__events_state(struct peer *p, sotto_us now); /* if a state changed since it was told */
void sotto__events_needed(struct peer *p, sotto_us now);
void sotto__events_not_needed(struct peer *p);
void sotto__events_candidate(struct peer *p, sotto_us now, uint16_t slot, const char *ufrag);
void sotto__events_drop_candidates(struct peer *p, const char *ufrag); /* of a generation; NULL: all */
/* count: how many; those of a kind that waits already are added up. */
void sotto__events_warning(struct peer *p, sotto_us now, int32_t code, const char *text,
                           uint64_t count);
void sotto__events_network(struct peer *p, sotto_us now, bool needs_restart); /* those that wait are merged */
void sotto__events_verified(struct peer *p, sotto_us now); /* if the level changed since it was told; the last one that waits is told */
void sotto__events_media(struct peer *p, sotto_us now, struct transceiver *t, uint32_t type);
void sotto__events_drop_media(struct transceiver *t, uint32_t bits);
/* note is moved; false: the queue is full, it was freed. */
bool sotto__events_note(struct peer *p, sotto_us now, uint32_t type, struct note *note);
/* Room for n notes, and what a description may bring beside them: 0, SOTTO_E_LIMIT, SOTTO_E_NOMEM. */
int sotto__events_reserve(struct peer *p, size_t n);
void sotto__events_drop_transceiver(struct peer *p, const struct transceiver *t); /* its handle is given back */
void sotto__note_free(struct peer *p, struct note *note); /* NULL is fine */
void sotto__events_channel(struct peer *p, sotto_us now, struct channel *c, uint32_t type);
void sotto__events_drop_channel(struct channel *c, uint32_t bits);

/* peer.c */
void sotto__peer_update(struct peer *p,
                        sotto_us now); /* folds the transports' states into the connection's */
void sotto__peer_drain(struct peer *p,
                       sotto_us now); /* what a call from above produced goes to the egress */
void sotto__peer_begin_data(struct peer *p, sotto_us now, uint16_t remote_port); /* negotiated; does nothing if it runs */
void sotto__peer_end_data(struct peer *p, sotto_us now); /* negotiated to its end: the association goes when its messages were read */
void sotto__peer_data_up(struct peer *p, sotto_us now, uint16_t streams); /* the association is up */
void sotto__peer_reset_transport(struct peer *p, sotto_us now); /* nothing stands on it any more: as new */
void sotto__peer_forget_candidates(struct peer *p, const char *ufrag); /* of a generation that goes; NULL: all */
void sotto__peer_prune_candidates(struct peer *p); /* of generations that are gone */
void sotto__peer_candidate(const struct local_candidate *from, struct candidate *ret);

/* jsep.c */
void sotto__description_free(struct description *d);
struct description *sotto__jsep_remote(struct peer *p); /* the effective one; sdp NULL: none */
bool sotto__jsep_is_answer(int32_t type); /* or pranswer */
struct str sotto__jsep_ufrag(const struct sdp *sdp); /* of the section that candidates go to, else of the session; empty: none */

/* verify.c */
bool sotto__verify_is_open(const struct peer *p); /* what is required is reached: media and messages may pass */
bool sotto__verify_can_read(const struct peer *p); /* … of the association that there is */
void sotto__verify_dtls(struct peer *p, sotto_us now); /* p->dtls has changed */
/* A remote description with these is refused: SOTTO_E_ACCESS. */
int sotto__verify_described(const struct peer *p, const struct sdp_fingerprint *f, size_t n,
                            sotto_error *err);

/* roam.c */
sotto_us sotto__roam_due(const struct peer *p);
void sotto__roam_run(struct peer *p, sotto_us now);

/* needed.c: W3C §4.7.3 */
void sotto__needed_update(struct peer *p, sotto_us now); /* "update the negotiation-needed flag", at the end of each operation */
bool sotto__needed_check(struct peer *p);                /* "check if negotiation is needed" */

/* offer.c, answer.c: text of a description; *ret is yours. They change nothing but draft mids. 0, SOTTO_E_NOMEM, SOTTO_E_LIMIT. */
/* restart: with prepared credentials */
int sotto__offer_make(struct peer *p, bool restart, uint64_t version, char **ret);
int sotto__answer_make(struct peer *p, uint64_t version, char **ret); /* to pending_remote; with prepared credentials if remote_restart */

/* apply.c: what descriptions mean for transceivers, data and transport. plan_new reads and checks all and allocates; plan_transport is the
 * last step that can fail; commit cannot. Free a plan in any case. */
struct plan;
int sotto__plan_new(struct peer *p, struct description *d, bool local, struct plan **ret,
                    sotto_error *err);
int sotto__plan_transport(struct plan *plan, sotto_us now, sotto_error *err);
void sotto__plan_commit(struct plan *plan, sotto_us now); /* moves the description to its place; state and events too */
void sotto__plan_free(struct plan *plan);                 /* NULL is fine */
/* Of the pending local or remote description: 0, SOTTO_E_NOMEM, SOTTO_E_SYS. */
int sotto__apply_rollback(struct peer *p, sotto_us now, bool local, sotto_error *err);

/* describe.c */
/* The section of a description that candidates stand in: the first of its bundle that is in use; -1: none. */
int32_t sotto__describe_tagged(const struct sdp *sdp);
void sotto__describe_apply_candidates(struct peer *p, const struct sdp *sdp,
                                      const struct sdp *before, sotto_us now);

/* media.c */
int sotto__media_open(struct peer *p); /* there is a session: 0, SOTTO_E_NOMEM, SOTTO_E_SYS */
void sotto__media_free(struct peer *p);
void sotto__media_sync(struct peer *p, sotto_us now); /* the session does what transceivers negotiated; after each change of them */
void sotto__media_run(struct peer *p, sotto_us now);  /* what is due goes to the transport and to the events */
void sotto__media_close(struct peer *p, sotto_us now); /* goodbyes */
void sotto__media_path(struct peer *p, sotto_us now); /* ICE is connected again */
void sotto__media_packet(struct peer *p, sotto_us now, const struct transport_out *t);

/* sendq.c */
int sotto__sendq_push(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid,
                      const void *data, size_t n);
int sotto__sendq_now(struct peer *p, sotto_us now, struct channel *c, uint32_t ppid,
                     const void *data, size_t n);
void sotto__sendq_pump(struct peer *p, sotto_us now);
void sotto__sendq_clear(struct channel *c);
size_t sotto__sendq_bytes(const struct channel *c); /* of memory */

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

/* e2ee.c */
void sotto__e2ee_gone(struct peer *p, const struct e2ee *e); /* it is about to be freed; NULL is fine */
/* The sealed message: yours. 0, SOTTO_E_NOMEM, or as sotto__e2ee_seal(). */
int sotto__channel_seal(struct channel *c, const void *data, size_t n, bool is_text, uint8_t **ret,
                        size_t *ret_n);
/* data becomes what was sealed; false: it is to be dropped. */
bool sotto__channel_unseal(struct peer *p, sotto_us now, struct channel *c, struct peer_message *m);

/* receive.c */
void sotto__receive_unseal_held(struct peer *p, sotto_us now, struct channel *c); /* it has keys now */
void sotto__receive(struct peer *p, sotto_us now); /* reads ahead until a user message is held */
void sotto__receive_drop_held(struct peer *p);

#endif
