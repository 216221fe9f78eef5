/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_WHIP_FRAG_H
#define SOTTO_EXTRA_WHIP_FRAG_H
/* Pieces of descriptions (application/trickle-ice-sdpfrag, RFC 8840), made of whole ones and put into them. */
#include "util/buf.h"
#include "util/str.h"

/* How many candidates the first section of a description has, and whether no more will come. */
size_t sotto__whip_frag_count(struct str sdp, bool *is_complete);

/* The ICE part of our description: candidates from the from-th on. 0, or SOTTO_E_SDP nothing to make it of; SOTTO_E_NOMEM. */
int sotto__whip_frag_write(struct str sdp, size_t from, struct buf *out);

/* The remote's description with the ICE part of a fragment in place of its own. 0, or SOTTO_E_PROTO with why; SOTTO_E_NOMEM,
 * SOTTO_E_LIMIT. */
int sotto__whip_frag_apply(struct str sdp, struct str frag, struct buf *out, const char **why);

#endif
