/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_WHIP_URL_H
#define SOTTO_EXTRA_WHIP_URL_H
/* URLs of WHIP endpoints and sessions: what may be asked, and of whom. */
#include "sotto/whip.h"
#include "util/str.h"

struct whip_url { /* views of the text */
    bool is_https;
    struct str host; /* as it was written, "[…]" for IPv6 */
    uint16_t port;   /* the scheme's where none was given */
    struct str path; /* with the query, without the fragment; "" as "/" */
};

/* 0, or SOTTO_E_SYNTAX; _LIMIT longer than SOTTO_MAX_WHIP_URL; _ACCESS another scheme, or http to another host than this one. */
int sotto__whip_url_parse(struct str text, struct whip_url *ret);

/* What `ref` of a server means that was asked for `base` (RFC 3986 §5.2), without fragment; out holds SOTTO_MAX_WHIP_URL + 1 bytes.
 * Errors as above. */
int sotto__whip_url_resolve(const char *base, struct str ref, char *out);

/* Scheme, host and port are the same; both can be read. */
bool sotto__whip_url_same_origin(const char *a, const char *b);

#endif
