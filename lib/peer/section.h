/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_SECTION_H
#define SOTTO_PEER_SECTION_H
/*
 * A description, read: each media section as numbers and lists, and which of them can stand on one transport (RFC 9143). Reading checks
 * what RFC 9429 §5.8 wants checked; it changes nothing and knows no state. Views live as long as the tree.
 */
#include "peer/codecs.h"
#include "peer/exts.h"
#include "sotto/base.h"
#include "transport/transport.h"
#include "util/limits.h"
#include "wire/sdp_attr.h"

enum section_kind { SECTION_OTHER, SECTION_AUDIO, SECTION_VIDEO, SECTION_DATA };

struct rid { /* a=rid that a=simulcast names: RFC 8851, 8853 */
    struct str id;
    bool paused;
};

struct rid_list { /* in the order of a=simulcast; of alternatives the first */
    struct rid items[SOTTO_MAX_RIDS];
    size_t n;
};

struct section {
    const struct sdp_media *m;
    int32_t index;
    enum section_kind kind;
    struct str mid;        /* empty: none */
    bool rejected;         /* port 0, and not bundle-only */
    bool bundle_only;
    const char *unusable;  /* static, "has no a=rtcp-mux": why it cannot be accepted whatever the rest says; NULL: it can */
    int32_t group;         /* number of its BUNDLE group in the description, -1: in none */
    int32_t group_place;   /* 0 …: where the group names it; the first is the tagged one */
    const struct sdp_media *group_first; /* the section that the group names first; NULL: in none */
    /* audio and video */
    int32_t direction;     /* SOTTO_DIR_*, as written */
    struct codec_list codecs;
    struct ext_set exts;
    struct rid_list send, recv; /* simulcast, as written; empty: none */
    struct str streams[SOTTO_MAX_STREAM_IDS]; /* of a=msid without "-"; of a=ssrc:… msid where there is no a=msid */
    size_t n_streams;
    bool has_msid;         /* any a=msid or ssrc msid at all, "-" included */
    bool rtcp_mux, rtcp_rsize;
    uint64_t max_bps;      /* b=TIAS, else b=AS as RFC 9429 §5.10 converts it; UINT64_MAX: no limit */
    uint32_t ptime_ms, maxptime_ms; /* 0: none */
    uint32_t ssrcs[SOTTO_MAX_SECTION_SSRCS]; /* a=ssrc, each once */
    size_t n_ssrcs;
    uint32_t rtx_of[SOTTO_MAX_SECTION_SSRCS]; /* ssrcs[i] is repeated by this one (a=ssrc-group:FID, RFC 5576 §4.2); 0: none */
    /* data */
    uint16_t sctp_port;
    uint64_t max_message;  /* UINT64_MAX: any size */
};

struct sections {
    struct section *items;
    size_t n;
};

/* Reads all sections. Errors (err filled, nothing to free): SOTTO_E_SDP of what RFC 9429 §5.8 refuses (simulcast that names an unknown
 * rid, no ICE credentials, no fingerprint, …), SOTTO_E_LIMIT, SOTTO_E_NOMEM. Bad lines of codecs, rids, ssrcs and extensions cost
 * only themselves. */
int sotto__sections_read(const struct sdp *sdp, struct sections *ret, sotto_error *err);
void sotto__sections_free(struct sections *s);
const struct section *sotto__section_by_mid(const struct sections *s, struct str mid); /* NULL: none; an empty mid: none */

/*
 * Which sections of a remote offer share the one transport. live: mids of sections that are on it already. The group that holds any of
 * them is ours, without a group only that section; if none of them is left: as if nothing were live. Nothing live: the group of the
 * first usable section, without a group only that section. chosen[i]: section i can be accepted as far as BUNDLE goes. Returns the index
 * of the tagged section: the first chosen one in the order of the group (that is not bundle-only, if nothing is live); -1: none can be
 * accepted.
 */
int32_t sotto__bundle_choose(const struct sections *offer, const struct str *live, size_t n_live,
                             bool chosen[SOTTO_MAX_SDP_MEDIA]);
/* A remote answer: every accepted section is in one group, which is part of the offered one, or it is the only one (RFC 9143 §7.3).
 * *ret_tagged: index of the section whose transport attributes count, -1: none accepted. 0, or SOTTO_E_SDP with err filled. */
int sotto__bundle_check_answer(const struct sections *offer, const struct sections *answer,
                               int32_t *ret_tagged, sotto_error *err);

/*
 * A remote answer against our offer (RFC 3264 §6, RFC 9429 §5.8): as many sections, of the same kinds, protocols and mids (an answer may
 * have none), nothing accepted that was not offered or that cannot be used. Port 0 with a=bundle-only is accepted: so answered those who
 * went by RFC 8843 (RFC 9143 §7.4.1). 0, or SOTTO_E_SDP with err filled.
 */
int sotto__sections_check_answer(const struct sections *offer, const struct sections *answer,
                                 sotto_error *err);
/* A later offer against what was negotiated before (RFC 3264 §8): sections are never fewer, keep kind and mid unless they were rejected
 * before, and no mid moves to another index. 0, or SOTTO_E_SDP with err filled. */
int sotto__sections_check_reoffer(const struct sections *before, const struct sections *offer,
                                  sotto_error *err);

/* ICE and DTLS of a description: of the section, else of the first one in its group (RFC 9143 §7.1.3), else of the session (RFC 8859). */
struct transport_desc {
    struct transport_remote t;   /* ufrag, pwd, fingerprints; SCTP and role are left zero */
    enum sdp_setup setup;
    char tls_id[SOTTO_MAX_TLS_ID + 1]; /* "" none */
    bool lite, trickle, done;    /* done: a=end-of-candidates, or no trickle */
};
/* is_offer: a=setup may be missing or actpass. 0, or SOTTO_E_SDP, SOTTO_E_LIMIT with err filled. */
int sotto__transport_desc_read(const struct sdp *sdp, const struct section *tagged, bool is_offer,
                               struct transport_desc *ret, sotto_error *err);

/* A line of transport in the same order of places; NULL: none. For ufrags of candidates, end-of-candidates. */
const struct sdp_line *sotto__section_transport_attr(const struct sdp *sdp, const struct section *s,
                                                     const char *name);

/* Of sections_read: the groups of sections whose mids were read (section_bundle.c); simulcast, after the codecs (section_rids.c). */
void sotto__sections_group(const struct sdp *sdp, struct sections *s);
int sotto__section_read_rids(struct section *s, sotto_error *err);

int32_t sotto__direction_reverse(int32_t direction);              /* SENDONLY ↔ RECVONLY */
int32_t sotto__direction_and(int32_t a, int32_t b);               /* what both allow, from one point of view: RFC 3264 §6.1 */
int32_t sotto__direction_make(bool sends, bool receives);
bool sotto__direction_sends(int32_t direction);    /* SENDRECV, SENDONLY */
bool sotto__direction_receives(int32_t direction); /* SENDRECV, RECVONLY */
const char *sotto__direction_name(int32_t direction); /* "sendrecv", … */

#endif
