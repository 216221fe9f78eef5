/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_PEER_H
#define SOTTO_PEER_PEER_H
/*
 * The W3C object model of one peer connection: single-threaded, no I/O of its own. lib/api calls it under the context's lock.
 */
#include "peer/transceiver.h"
#include "sotto/data.h"
#include "sotto/pc.h"
#include "transport/transport.h"
#include "util/list.h"

struct peer;

struct peer_cfg { /* borrowed for new; what it points to is copied */
    struct transport_cfg transport; /* shared outlives the peer; max_message_size and streams are filled in by the caller */
    sotto_us now, ntp_offset; /* ntp_offset: added to a time it gives µs since 1900 */
    uint32_t max_buffered; /* send queue of one channel, bytes */
    uint16_t max_channels; /* ids below it may be used: transport.streams_out */
    bool no_auto_restart;  /* see roam.c */
    int32_t required_verification; /* SOTTO_VERIFY_*: see verify.c */
};

/* One data channel. api/ reads the fields; peer/ writes them. It dies when it is closed and its handle was released. */
struct channel {
    char *label, *protocol;             /* ended by NUL, which they do not contain */
    bool unordered, negotiated, remote; /* remote: opened by the other side */
    int32_t reliability, priority;      /* SOTTO_DC_*, SOTTO_PRIORITY_* (never DEFAULT) */
    uint32_t limit;
    int32_t id;    /* -1: not known yet */
    int32_t state; /* SOTTO_DC_* */
    uint64_t buffered, buffered_low;
    void *shell;   /* api's handle, NULL before CHANNEL was taken */
    bool released; /* no handle any more: no events */
    uint64_t number; /* unique in the connection: ids are used again */
    uint64_t messages_out, bytes_out; /* of the application, as given to SCTP */
    uint64_t messages_in, bytes_in;   /* as given to the application */
    struct e2ee *e2ee;                /* NULL: it was never made end-to-end */
    struct e2ee_order order;          /* … of what came */
    struct channel_private {
        struct node all;     /* in peer.channels */
        struct node pending; /* in peer.pending, while bits != 0 */
        uint64_t since;      /* event number at which it became pending */
        sotto_us at;         /* when */
        uint32_t bits;       /* 1 << SOTTO_EV_… that are pending */
        int32_t error;       /* of CLOSED */
        const char *reason;
        bool open_sent, acked, reset_sent, reset_done, reset_in, want_writable, closing_queue;
        size_t want_size;     /* of the message that was refused with AGAIN */
        struct node ready;    /* in the send queue's round, while messages wait */
        struct node messages; /* struct sendq_message */
        size_t n_messages;
        int64_t deficit;
    } k;
};

struct peer_event { /* views, valid until pop */
    uint32_t type; /* SOTTO_EV_*, but for MESSAGE and USER */
    sotto_us at;
    struct sotto_pc_state state;
    const char *line, *mid, *ufrag; /* CANDIDATE */
    int32_t mline_index;
    struct channel *channel;
    int32_t error;      /* CLOSED */
    const char *reason; /* CLOSED: static */
    int32_t code;       /* WARNING, CANDIDATE_ERROR */
    const char *text;
    const char *url;    /* CANDIDATE_ERROR */
    struct address local; /* CANDIDATE_ERROR: family 0 none */
    struct transceiver *transceiver; /* TRACK, TRACK_REMOVED, MUTE, UNMUTE */
    const struct strings *streams;
    const char *rid; /* KEYFRAME_NEEDED, TARGET_BITRATE: NULL none */
    uint64_t bps, count; /* TARGET_BITRATE; WARNING */
    sotto_us rtt;
    double loss;
    char tone; /* DTMF_TONE */
    int32_t level;  /* VERIFIED */
    bool is_enough; /* VERIFIED */
};

struct peer_message {
    struct channel *channel;
    sotto_us at;
    uint8_t *data; /* moved: sotto__free; followed by a NUL */
    size_t len;
    bool is_text;
    bool was_opened; /* end-to-end */
    bool was_ready; /* it and the next one had been read before: descriptors and deadlines are as they were */
};

struct peer_media { /* of SOTTO_EV_FRAME, SOTTO_EV_RTP */
    struct transceiver *transceiver;
    struct received *received; /* moved: sotto__received_free */
    const char *rid;           /* view, valid until the next call on the peer; NULL: none */
    sotto_us capture;          /* 0: not known */
};

int sotto__peer_new(struct peer **ret, const struct peer_cfg *cfg);
/* Frees all channels too; call close and detach_ice first, and tell the channels' shells. */
void sotto__peer_free(struct peer *p);
void sotto__peer_close(struct peer *p, sotto_us now); /* twice is fine */
struct ice *sotto__peer_detach_ice(struct peer *p,
                                   sotto_us now); /* after close: to be driven until closed(); NULL: none */
struct channel *sotto__peer_next_channel(struct peer *p,
                                         struct channel *after); /* NULL: the first; NULL at the end */

/* Runs everything that is ready or due. 1: it stopped after a full turn with work left, call again before any other peer of the
 * context; 0: done. */
int sotto__peer_next(struct peer *p, sotto_us now);
sotto_us sotto__peer_due(const struct peer *p);
int sotto__peer_fds(struct peer *p, struct sotto_fd *out, int max);
void sotto__peer_ready(struct peer *p, int slot, short revents);

/* The functions of pc.h, with arguments checked for NULL only. */
int sotto__peer_create_offer(struct peer *p, sotto_us now, bool ice_restart, char **ret_sdp);
int sotto__peer_create_answer(struct peer *p, char **ret_sdp);
int sotto__peer_set_local(struct peer *p, sotto_us now, int32_t type, const char *sdp,
                          sotto_error *err);
int sotto__peer_set_remote(struct peer *p, sotto_us now, int32_t type, const char *sdp,
                           sotto_error *err);
int sotto__peer_local_description(struct peer *p, int32_t which, int32_t *ret_type, char **ret_sdp);
int sotto__peer_remote_description(struct peer *p, int32_t which, int32_t *ret_type,
                                   char **ret_sdp);
int sotto__peer_add_candidate(struct peer *p, sotto_us now, const sotto_candidate *cand,
                              sotto_error *err); /* cand NULL: end */
/* What came of a name that a candidate of the remote has. */
void sotto__peer_named(struct peer *p, sotto_us now, const char *name, const struct address *addr);
void sotto__peer_resolved(struct peer *p, const struct resolver_out *out); /* … of a server's */
int sotto__peer_can_trickle(const struct peer *p);
int sotto__peer_restart_ice(struct peer *p, sotto_us now);
bool sotto__peer_gathers(const struct peer *p); /* ICE has begun, so this host's addresses matter */
/* The addresses of this host have changed, as transport.shared->watch has seen; it slept for that long. */
void sotto__peer_moved(struct peer *p, sotto_us now);
void sotto__peer_slept(struct peer *p, sotto_us now, sotto_us slept);
/* Servers, policy, ports and interface of cfg. restart: one of them differs from before. 0, SOTTO_E_CLOSED, SOTTO_E_NOMEM. */
int sotto__peer_configure(struct peer *p, const struct transport_cfg *cfg, bool restart);
void sotto__peer_get_config(const struct peer *p, struct peer_cfg *ret); /* as it stands now: views */
void sotto__peer_get_transport(const struct peer *p, sotto_transport_info *ret);
void sotto__peer_get_state(const struct peer *p, sotto_pc_state *ret); /* size is left alone */
void sotto__peer_set_reading(struct peer *p, sotto_us now, bool on);

/* Data channels. */
int sotto__peer_open_channel(struct peer *p, sotto_us now, const char *label,
                             const sotto_dc_config *cfg, struct channel **ret);
int sotto__channel_send(struct peer *p, sotto_us now, struct channel *c, const void *data, size_t n,
                        bool is_text);
/* The same, but a message that is taken only waits, so that SCTP gets several at once: sotto__peer_send_waiting() follows soon. */
int sotto__channel_send_later(struct peer *p, sotto_us now, struct channel *c, const void *data,
                              size_t n, bool is_text);
void sotto__peer_send_waiting(struct peer *p, sotto_us now);
void sotto__channel_close(struct peer *p, sotto_us now, struct channel *c);
void sotto__channel_release(struct peer *p, sotto_us now,
                            struct channel *c); /* the handle is gone: c may be freed at once */
void sotto__channel_set_low(struct peer *p, sotto_us now, struct channel *c, uint64_t bytes);

/* Events, in order; messages come after control events. */
bool sotto__peer_has_event(const struct peer *p);
bool sotto__peer_has_message(const struct peer *p);            /* false while reading is off */
void sotto__peer_peek(struct peer *p, struct peer_event *out); /* only if has_event */
void sotto__peer_pop(struct peer *p);                          /* drops what peek showed */
int sotto__peer_pull(struct peer *p, sotto_us now, struct peer_message *out); /* 1 filled, 0 none */

/* End-to-end keys: as the functions of e2ee.h. e2ee.c */
struct e2ee_place { /* one of the two */
    struct transceiver *transceiver;
    struct channel *channel;
};
int sotto__peer_e2ee_add(struct peer *p, sotto_us now, const struct e2ee_place *at,
                         int32_t direction, const sotto_e2ee_key *key);
int sotto__peer_e2ee_require(struct peer *p, sotto_us now, const struct e2ee_place *at,
                             int32_t directions);
int sotto__peer_e2ee_remove(struct peer *p, const struct e2ee_place *at, int32_t direction,
                            uint64_t kid);
int sotto__peer_e2ee_use(struct peer *p, const struct e2ee_place *at, uint64_t kid);
int sotto__peer_e2ee_ratchet(struct peer *p, const struct e2ee_place *at);
/* ret is zero but for its size */
int sotto__peer_e2ee_get_stats(const struct peer *p, const struct e2ee_place *at, int32_t direction,
                               sotto_e2ee_stats *ret);
int32_t sotto__peer_e2ee_state(struct peer *p); /* SOTTO_E2EE_NONE, PART, ALL of security.h */
struct e2ee_counts { /* received and dropped; they never go back */
    uint64_t forged, replayed, unknown_key;
};
void sotto__peer_e2ee_counts(struct peer *p, struct e2ee_counts *ret);

/* Media: as the functions of media.h, arguments checked for NULL and sizes. media.c */
int sotto__media_send_frame(struct peer *p, sotto_us now, struct transceiver *t,
                            const sotto_frame *f);
int sotto__media_send_rtp(struct peer *p, sotto_us now, struct transceiver *t, const uint8_t *rtp,
                          size_t n);
int sotto__media_request_key(struct peer *p, sotto_us now, struct transceiver *t, const char *rid);
int sotto__media_set_mode(struct peer *p, sotto_us now, struct transceiver *t, int32_t mode);
int sotto__media_set_target(struct peer *p, sotto_us now, struct transceiver *t, sotto_us target);
int sotto__media_dtmf(struct peer *p, sotto_us now, struct transceiver *t, const char *tones,
                      int32_t duration_ms, int32_t gap_ms);
bool sotto__peer_has_media(const struct peer *p);
int sotto__peer_pull_media(struct peer *p, sotto_us now, struct peer_media *out); /* 1 filled, 0 none */

#endif
