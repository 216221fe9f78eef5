/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_TRANSCEIVER_H
#define SOTTO_PEER_TRANSCEIVER_H
/*
 * Transceivers: RTCRtpTransceiver with sender and receiver as one object, and what applications do with them (W3C WebRTC 1.0 §5.4).
 * Negotiation changes them in apply.c; api/ reads the fields.
 */
#include "media/session.h"
#include "peer/codecs.h"
#include "peer/exts.h"
#include "sotto/media.h"
#include "util/limits.h"
#include "util/list.h"
#include "util/time.h"

struct peer;

struct strings { /* owned texts */
    char **items;
    size_t n;
};
int sotto__strings_copy(const char *const *items, size_t n, struct strings *ret); /* one block: 0 or SOTTO_E_NOMEM */
int sotto__strings_from(const struct str *items, size_t n, struct strings *ret);
void sotto__strings_free(struct strings *s);
bool sotto__strings_have(const struct strings *s, const char *text);

struct encoding {
    char *rid; /* owned, NULL: none */
    bool inactive;
    uint32_t max_bps;
    double scale; /* video: ≥ 1; audio: 0 */
};
struct encodings {
    struct encoding *items; /* one block with the rids */
    size_t n;
};
int sotto__encodings_copy(const struct encodings *from, struct encodings *ret);
/* From rids, for a simulcast that the remote asks to be sent: scale 2^(n-1-i). */
int sotto__encodings_from_rids(const struct str *rids, size_t n, struct encodings *ret);
void sotto__encodings_free(struct encodings *e);

/* What the application gave, checked. Stream ids, each once: 0, SOTTO_E_SYNTAX, SOTTO_E_RANGE too many, SOTTO_E_NOMEM. */
int sotto__streams_read(const char *const *items, size_t n, struct strings *ret);
/* W3C addTransceiver sendEncodings validation steps, and the default for none: 0 or as above. */
int sotto__encodings_read(sotto_kind kind, const sotto_encoding *items, size_t n,
                          struct encodings *ret);

struct transceiver {
    struct node all;  /* in peer.transceivers (order of creation), or, once removed, in peer.gone */
    uint64_t id;      /* unique in the connection */
    sotto_kind kind;
    int32_t direction, current, fired; /* SOTTO_DIR_*; current and fired NONE before; direction is never STOPPED */
    bool stopping, stopped, removed;
    bool by_add_track;   /* made by add_track, or one was attached by it: JSEP's "added by addTrack" */
    bool by_remote;      /* made by the pending remote offer: a rollback takes it away unless by_add_track */
    bool was_associated; /* had its section when the state was last stable */
    bool has_sent;       /* current was once sendrecv or sendonly */

    /* association: apply.c */
    char mid[SOTTO_MAX_MID + 1];       /* "" none */
    char draft_mid[SOTTO_MAX_MID + 1]; /* in the last offer that was made; "" none */
    bool has_own_mid;                  /* the section has none: ours stands for it */
    int32_t mline_index;               /* -1 none */

    /* sender */
    bool has_track;
    char track_id[37];       /* msid-appdata: a UUID */
    struct strings streams;  /* W3C AssociatedMediaStreamIds */
    struct encodings encodings;
    struct encodings stable_encodings; /* LastStableRidlessSendEncodings; items NULL: null */
    uint64_t transaction;    /* LastReturnedParameters; 0: null */
    struct codec_list prefs; /* empty: default */
    uint32_t ssrc, rtx_ssrc; /* of the first encoding */

    /* receiver */
    struct strings remote_streams, stable_streams;

    /* negotiated, at the last answer */
    struct codec_list send;  /* first: what is sent; the remote's payload types */
    struct codec_list recv;  /* our payload types */
    struct ext_set exts;
    uint64_t max_bps;        /* remote's cap, UINT64_MAX none */
    bool rtcp_rsize;

    struct line line; /* its streams: media.c */

    struct { /* events of media that are pending: media_events.c */
        struct node pending; /* in peer.pending_media, while bits != 0 */
        uint64_t since;      /* event number at which it became pending */
        sotto_us at;
        uint32_t bits;       /* 1 << SOTTO_EV_… */
        uint8_t keys, bitrates; /* encodings that KEYFRAME_NEEDED and TARGET_BITRATE are about */
        char tones[16];      /* DTMF_TONE; those beyond are not told */
        size_t n_tones;
    } k;

    uint32_t noted; /* notes of events that name it: with a handle or a note it is kept when it is removed */
    void *shell;   /* api's handle, NULL: not given out yet */
    uint32_t n_transactions; /* how many there were */
};

/* What api/ checked: sizes, pointers; grammar and ranges are checked here. */
int sotto__transceiver_add(struct peer *p, sotto_us now, sotto_kind kind,
                           const sotto_transceiver_config *cfg,
                           struct transceiver **ret); /* cfg nullable, sizes already read; W3C addTransceiver */
int sotto__transceiver_add_track(struct peer *p, sotto_us now, sotto_kind kind,
                                 const char *const *streams, size_t n_streams,
                                 struct transceiver **ret);
int sotto__transceiver_remove_track(struct peer *p, sotto_us now, struct transceiver *t);
int sotto__transceiver_set_direction(struct peer *p, sotto_us now, struct transceiver *t,
                                     int32_t direction);
/* W3C stop(). One that has no section and is in no offer that was made is removed at once, and freed if nobody has its handle. */
int sotto__transceiver_stop(struct peer *p, sotto_us now, struct transceiver *t);
int sotto__transceiver_set_streams(struct peer *p, sotto_us now, struct transceiver *t,
                                   const char *const *streams, size_t n_streams);
int sotto__transceiver_get_parameters(struct peer *p, struct transceiver *t,
                                      sotto_send_parameters **ret);
int sotto__transceiver_set_parameters(struct peer *p, sotto_us now, struct transceiver *t,
                                      const sotto_send_parameters *params);
int sotto__transceiver_set_preferences(struct peer *p, struct transceiver *t,
                                       const sotto_codec *items, size_t n);
int32_t sotto__transceiver_direction(const struct transceiver *t); /* as the application reads it */
int32_t sotto__transceiver_current(const struct transceiver *t);
struct transceiver *sotto__transceiver_next(struct peer *p, struct transceiver *after); /* of the set; NULL: the first, at the end */
struct transceiver *sotto__transceiver_next_gone(struct peer *p, struct transceiver *after); /* of the removed ones */
/* The application gives the handle of one back that was removed, or whose connection is closed: no event names it any more. */
void sotto__transceiver_give_back(struct peer *p, struct transceiver *t);
/* The handle was given back, or a note of it went: a removed one without either is freed. */
void sotto__transceiver_release(struct peer *p, struct transceiver *t);

/* For apply.c. new: not in the set yet, free with _free or link with _link. SOTTO_E_NOMEM, SOTTO_E_SYS. */
int sotto__transceiver_new(struct peer *p, sotto_kind kind, int32_t direction,
                           struct transceiver **ret);
void sotto__transceiver_link(struct peer *p, struct transceiver *t);
/* W3C "stop the RTCRtpTransceiver": stopped for good. It stays in the set until the answer. */
void sotto__transceiver_stopped(struct peer *p, struct transceiver *t);
/* Out of the set; it is freed if nobody has its handle and no note names it; else it is in peer.gone until release. */
void sotto__transceiver_remove(struct peer *p, struct transceiver *t);
/* Removes those that are stopping without a section and in no offer that was made: there is nothing to be negotiated. */
void sotto__transceivers_sweep(struct peer *p);
void sotto__transceiver_free(struct transceiver *t); /* NULL is fine; in no list any more */
void sotto__transceivers_free(struct peer *p); /* all of a peer */
struct transceiver *sotto__transceiver_at(struct peer *p, int32_t mline_index); /* associated with this section; NULL: none */
struct transceiver *sotto__transceiver_by_draft(struct peer *p, struct str mid); /* of the set; NULL: none */

#endif
