/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_WHIP_ANSWER_H
#define SOTTO_EXTRA_WHIP_ANSWER_H
/* What a server's answer says: the fields of its header that WHIP and WHEP give a meaning. */
#include "sotto/base.h"
#include "util/limits.h"
#include "util/str.h"

struct whip_server {
    char *url, *username, *credential; /* the latter nullable; each ended by NUL, in `text` of the answer */
};

/* Views of head and body, but for the servers. */
struct whip_answer {
    int status;
    struct str type;     /* "application/sdp" without parameters; "" none */
    struct str location; /* "" none */
    struct str etag;     /* as it goes into If-Match; "" none */
    sotto_us retry_after; /* < 0: none */
    struct str body;
    struct whip_server servers[SOTTO_MAX_WHIP_SERVERS]; /* rel="ice-server" */
    size_t n_servers;
    char *text; /* what the servers point into, in memory for secrets; NULL: there are none */
};

/* head: the status line and the fields, lines ended by CR LF or LF; the views live as long as it does.
 * Returns 0, or SOTTO_E_PROTO with why (static) something that must not be; SOTTO_E_NOMEM. */
int sotto__whip_answer_parse(struct str head, struct str body, struct whip_answer *ret,
                             const char **why);
void sotto__whip_answer_free(struct whip_answer *a); /* zero state is fine */

/* The parts, for tests. */
bool sotto__whip_is_etag(struct str s);
/* Seconds, or a date (RFC 9110 §5.6.7) against the one of the server's clock; at most an hour. < 0: neither. */
sotto_us sotto__whip_retry_after(struct str value, struct str date);

#endif
