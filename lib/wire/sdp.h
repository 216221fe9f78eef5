/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_SDP_H
#define SOTTO_WIRE_SDP_H
/*
 * The tree of a session description (RFC 8866): sections of lines, as they stand in the text. A tree owns its bytes; every
 * struct str in it is a view that lives as long as the tree. Unknown lines stay where they are and are written back.
 * Typed readers of attributes are in sdp_attr.h.
 */
#include "sotto/base.h"
#include "util/buf.h"
#include "util/str.h"

struct sdp_line {
    char type;        /* 'a', 'c', 'b', … */
    int32_t number;   /* in the text, 1-based; 0: added by sotto__sdp_add */
    struct str name;  /* type 'a': before the ':'; else empty */
    struct str value; /* type 'a': after the ':', value.p NULL without ':'; else all after '=' */
};

struct sdp_section {
    struct sdp_line *lines; /* in order; without the m= line */
    size_t n_lines, cap;
};

struct sdp_media {
    struct sdp_section s;
    struct str kind;  /* "audio", "application", … */
    struct str proto; /* "UDP/DTLS/SCTP", … */
    uint16_t port;
    uint16_t n_ports; /* "port/n": 1 without */
    struct str *fmts;
    size_t n_fmts;
    int32_t number; /* line of the m= */
};

struct sdp_origin { /* o= */
    struct str username, address;
    uint64_t session_id, version;
};

struct sdp {
    struct sdp_section s; /* v, o, s, t … a, all session lines in order */
    struct sdp_origin origin;
    struct sdp_media *media;
    size_t n_media, cap_media;
    struct sdp_chunk *chunks; /* storage of the strings: private to sdp_tree.c */
};

/*
 * Text → tree. Checks the grammar of RFC 8866, the limits, of every attribute of session and transport its value (sdp_attr.h), that
 * none of them stands twice where one is meant, and that mids and BUNDLE groups agree. A bad value in an attribute of media or in a
 * candidate is left to its reader. Lines end with CRLF or LF, the last with nothing if it likes; empty ones may follow it.
 * 0 and *ret (yours: sotto__sdp_free), or SOTTO_E_SYNTAX, SOTTO_E_LIMIT, SOTTO_E_NOMEM with err filled.
 */
int sotto__sdp_parse(const char *text, size_t n, struct sdp **ret, sotto_error *err);
void sotto__sdp_free(struct sdp *sdp);
size_t sotto__sdp_bytes(const struct sdp *sdp); /* of memory; NULL: 0 */

/*
 * Building: an empty tree; a line at the end of a section; an m= section at the end. Strings are copied. 0 or SOTTO_E_NOMEM, _LIMIT,
 * or SOTTO_E_SYNTAX: no text may bring in a line of its own, so control characters and broken UTF-8 are refused. Type 'o' fills
 * sdp->origin.
 */
int sotto__sdp_new(struct sdp **ret);
int sotto__sdp_add(struct sdp *sdp, struct sdp_section *s, char type, const char *fmt, ...)
    __attribute__((format(printf, 4, 5))); /* type 'a': the text is name[:value] and is split at the first ':' */
int sotto__sdp_add_media(struct sdp *sdp, struct str kind, uint16_t port, struct str proto,
                         struct str fmts,
                         struct sdp_media **ret); /* fmts: space-separated. *ret is valid until the next m-line is added */

/* Tree → text with CRLF. out is appended to; its err tells. */
void sotto__sdp_write(const struct sdp *sdp, struct buf *out);

/* First attribute of that name at or after line *at of the section (start with *at = 0), which moves behind it; NULL: none. */
const struct sdp_line *sotto__sdp_next_attr(const struct sdp_section *s, size_t *at,
                                            const char *name);
const struct sdp_line *sotto__sdp_attr(const struct sdp_section *s,
                                       const char *name); /* the first; NULL: none */
/* In the media section, else in the session section (RFC 8859 inheritance of transport attributes). */
const struct sdp_line *sotto__sdp_attr_or_session(const struct sdp *sdp, const struct sdp_media *m,
                                                  const char *name);

#endif
