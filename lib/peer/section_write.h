/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_SECTION_WRITE_H
#define SOTTO_PEER_SECTION_WRITE_H
/* What the texts of offers and answers share: the session's head, the lines of a media section, BUNDLE groups. */
#include "peer/private.h"

/* The lines of category IDENTICAL and TRANSPORT (RFC 8859): the same in each section that is in use. */
struct transport_text {
    const struct transport_generation *ice;
    const char *setup, *tls_id;
    bool first; /* no answer has settled RTCP yet: a=rtcp and a=rtcp-mux-only (RFC 9429 §5.2.1) */
};

struct section_text {
    struct str mid;     /* empty: no line */
    uint16_t port;
    bool bundle_only;
    struct str proto;
    struct str fmt;     /* data only */
    const struct transport_text *transport;
    /* audio and video */
    uint64_t max_bps;   /* b=TIAS: what may be sent to us; 0: no line */
    const struct transceiver *t;
    int32_t direction;
    const struct codec_list *codecs;
    const struct ext_set *exts;
    bool rtcp_rsize, msid, ssrc;
    struct rid_list send, recv; /* a=rid lines */
    bool simulcast;             /* and a=simulcast of them */
};

/* v=, o=, s=, t=. */
int sotto__section_write_head(const struct peer *p, struct sdp *sdp, uint64_t version);
/* a=ice-options of the session: the words that apply; none: no line. */
int sotto__section_write_options(struct sdp *sdp, bool trickle, bool ice2);
int sotto__section_write_data(const struct peer *p, struct sdp *sdp, const struct section_text *x);
int sotto__section_write_media(const struct peer *p, struct sdp *sdp, const struct section_text *x);
/* A section that is not used: port 0, and what it needs to be recognised. */
int sotto__section_write_rejected(struct sdp *sdp, const struct sdp_media *like);
/* a=group:semantics with these mids, if there are any. */
int sotto__section_write_group(struct sdp *sdp, const char *semantics, const struct str *mids,
                               size_t n);
/* The tree as a text, if r is 0; the tree is freed in any case. *ret is yours. 0, r, SOTTO_E_NOMEM, SOTTO_E_LIMIT. */
int sotto__section_write_end(struct sdp *sdp, int r, char **ret);

/* The generation whose credentials a description carries: of a restart, else the one that was negotiated last. */
const struct transport_generation *sotto__section_ice(const struct peer *p, bool restart);
/* The rids of a sender's encodings; inactive ones are paused. */
void sotto__section_own_rids(const struct transceiver *t, struct rid_list *ret);
/* Whether section i of a description is there and in use. */
bool sotto__section_is_used(const struct sdp *sdp, size_t i);
/* The mid of section i; empty: it has none. */
struct str sotto__section_mid(const struct sdp *sdp, size_t i);
/* Mids of the sections that both current descriptions have in use: those that are on the transport. Views. */
size_t sotto__section_live_mids(const struct peer *p, struct str mids[SOTTO_MAX_SDP_MEDIA]);

#endif
