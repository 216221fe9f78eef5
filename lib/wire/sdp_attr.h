/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_SDP_ATTR_H
#define SOTTO_WIRE_SDP_ATTR_H
/* Values of attributes, typed. Each reader takes the text after "a=name:" and returns 0 or SOTTO_E_SYNTAX / SOTTO_E_LIMIT, nothing else. */
#include "sotto/base.h"
#include "util/limits.h"
#include "util/str.h"

struct sdp_fingerprint { /* RFC 8122 §5 */
    char hash[16];       /* lower case: "sha-256" */
    uint8_t bytes[64];
    size_t n_bytes;
};
int sotto__sdp_fingerprint(struct str value, struct sdp_fingerprint *ret);

enum sdp_setup { SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE, SDP_SETUP_HOLDCONN }; /* RFC 4145 §4 */
int sotto__sdp_setup(struct str value, enum sdp_setup *ret);

struct sdp_group { /* RFC 5888 §5 */
    struct str semantics;
    struct str mids[SOTTO_MAX_SDP_MEDIA];
    size_t n_mids;
};
int sotto__sdp_group(struct str value, struct sdp_group *ret);

struct sdp_rtpmap { /* RFC 8866 §6.6 */
    uint8_t pt;
    struct str name;
    uint32_t clock;
    uint8_t channels; /* 1 without */
};
int sotto__sdp_rtpmap(struct str value, struct sdp_rtpmap *ret);

struct sdp_fmtp { /* "96 key=value;key=value", or a text without keys as RFC 4733's "0-16" */
    struct str fmt;
    struct str params;
};
int sotto__sdp_fmtp(struct str value, struct sdp_fmtp *ret);
bool sotto__sdp_fmtp_param(const struct sdp_fmtp *f, const char *key,
                           struct str *ret); /* key of either case */

struct sdp_rtcp_fb {        /* RFC 4585 §4.2 */
    int pt;                 /* -1: "*" */
    struct str type, param; /* "nack", "pli"; param empty without */
};
int sotto__sdp_rtcp_fb(struct str value, struct sdp_rtcp_fb *ret);

struct sdp_extmap { /* RFC 8285 §5 */
    uint16_t id;
    struct str direction, uri, attributes; /* direction empty without */
};
int sotto__sdp_extmap(struct str value, struct sdp_extmap *ret);

struct sdp_rid { /* RFC 8851 §10 */
    struct str id;
    bool recv;
    struct str restrictions; /* "pt=96;max-width=…" or empty */
};
int sotto__sdp_rid(struct str value, struct sdp_rid *ret);

struct sdp_simulcast {     /* RFC 8853 §5.1: "send a;b,~c recv …" */
    struct str send, recv; /* the lists as they stand; empty: not there */
};
int sotto__sdp_simulcast(struct str value, struct sdp_simulcast *ret);

struct sdp_ssrc { /* RFC 5576 §4.1 */
    uint32_t ssrc;
    struct str attribute, value;
};
int sotto__sdp_ssrc(struct str value, struct sdp_ssrc *ret);

struct sdp_ssrc_group { /* RFC 5576 §4.2 */
    struct str semantics;
    uint32_t ssrcs[16];
    size_t n_ssrcs;
};
int sotto__sdp_ssrc_group(struct str value, struct sdp_ssrc_group *ret);

struct sdp_msid { /* RFC 8830 §2 */
    struct str id, appdata;
};
int sotto__sdp_msid(struct str value, struct sdp_msid *ret);

struct sdp_bandwidth { /* b= line, RFC 8866 §5.8: "AS:500" */
    struct str type;
    uint64_t value; /* larger than 64 bits: UINT64_MAX */
};
int sotto__sdp_bandwidth(struct str value, struct sdp_bandwidth *ret);
/* a=ptime, a=maxptime: RFC 8866 §6.4: milliseconds, not 0; a fraction is cut off, but nothing becomes 0 by that */
int sotto__sdp_ptime(struct str value, uint32_t *ret_ms);

int sotto__sdp_tls_id(struct str value, struct str *ret);     /* RFC 8842 §4: 20…255 of its characters */
int sotto__sdp_sctp_port(struct str value, uint16_t *ret); /* RFC 8841 §5.1: 1…65535 */
/* RFC 8841 §6.1; 0: any size; larger than 64 bits: UINT64_MAX; negative: SOTTO_DEFAULT_REMOTE_MESSAGE, as if it were not there */
int sotto__sdp_max_message_size(struct str value, uint64_t *ret);
int sotto__sdp_ice_ufrag(struct str value, struct str *ret); /* RFC 8839 §5.4: 4…256 ice-char */
int sotto__sdp_ice_pwd(struct str value, struct str *ret);   /* 22…256 ice-char */
bool sotto__sdp_ice_option(struct str value, const char *option); /* whether the list names it */
bool sotto__sdp_is_token(struct str s);                           /* RFC 8866 §9 */
bool sotto__sdp_is_ice_chars(struct str s, size_t min,
                             size_t max); /* RFC 8839 §5.1, and that many of them */

/*
 * Check the value of a known attribute; 0 also for unknown ones. *why is a static text. The parser refuses a description for
 * those that are required: the attributes of session and transport. Those of media (rtpmap, ssrc, …) and candidates cost only
 * their own line: whoever reads them skips what does not parse.
 */
int sotto__sdp_attr_check(struct str name, struct str value, const char **why);
bool sotto__sdp_attr_required(struct str name);

#endif
