/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_APPLY_H
#define SOTTO_PEER_APPLY_H
/* A plan: what a description is going to do, with everything that can fail already done. Shared by the files of apply_*.c. */
#include "peer/private.h"

struct plan_item { /* of one media section */
    struct transceiver *t; /* NULL: none: data, or nothing that we take part in */
    bool fresh;            /* made by this plan, not in the set yet */
    bool stops;            /* W3C "stop the RTCRtpTransceiver" */
    bool accepted;         /* answers: the section is in use */
    int32_t direction;     /* from our side */
    bool has_tracks;       /* streams and fired direction change: W3C "process remote tracks" */
    int32_t fired;         /* what the remote says, from our side */
    struct strings streams;
    struct note *added, *removed;
    bool has_encodings; /* they replace the transceiver's */
    struct encodings encodings;
    bool has_codecs; /* answers */
    struct codec_list send, recv;
    struct ext_set exts;
    uint64_t max_bps;
    bool rtcp_rsize;
    struct line_remote remotes[SOTTO_MAX_SECTION_SSRCS];
    size_t n_remotes;
};

struct plan {
    struct peer *p;
    struct description *d;
    bool local, rolls_back;
    struct sections here;  /* of d */
    struct sections offer; /* of the offer, if d is an answer */
    struct plan_item *items;
    struct str live[SOTTO_MAX_SDP_MEDIA]; /* mids of sections on our transport */
    size_t n_live;
    bool chosen[SOTTO_MAX_SDP_MEDIA]; /* remote offers: BUNDLE lets us take it */
    int32_t data;                     /* index of the data section that is meant, -1 none */
    bool data_accepted;
    bool any_accepted;

    /* transport */
    struct sections live_local;  /* holds what live points into */
    const struct sdp *remote;    /* the description that desc is of */
    int32_t tagged;              /* index of the remote's section that counts, -1 none */
    struct transport_desc desc;
    bool starts, restarts, sets_remote; /* what plan_transport does */
    bool remote_restart, new_dtls, dtls_client;
    char next_tls_id[33];
    char *tls_id; /* the remote's, for the peer; NULL: none */
    int32_t own_tagged; /* index of our section that candidates belong to, -1: as before */
};

/* apply_sections.c */
int sotto__plan_items(struct plan *plan, sotto_error *err);
void sotto__plan_item_free(struct peer *p, struct plan_item *i);
void sotto__plan_commit_items(struct plan *plan);
int sotto__plan_tracks(struct plan_item *i, int32_t direction, const struct strings *streams);
void sotto__plan_commit_tracks(struct plan_item *i);
void sotto__plan_take_mid(struct peer *p, const struct section *s,
                          char mid[SOTTO_MAX_MID + 1]); /* or one of our own */
bool sotto__plan_is_answer(const struct plan *plan);
size_t sotto__plan_notes(const struct plan_item *items, size_t n); /* events of tracks that they bring */

/* apply_transport.c */
int sotto__plan_read_transport(struct plan *plan, sotto_error *err);
void sotto__plan_commit_transport(struct plan *plan, sotto_us now);
void sotto__apply_rollback_transport(struct peer *p, sotto_us now); /* of a local offer */

/* apply_rollback.c */
void sotto__apply_rollback_local(struct peer *p, sotto_us now); /* transceivers, data, transport; cannot fail */

#endif
