/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_SDP_TREE_H
#define SOTTO_WIRE_SDP_TREE_H
/* What sdp_parse.c needs of the tree beside sdp.h. */
#include "wire/sdp.h"

char *sotto__sdp_store(struct sdp *sdp,
                       size_t n); /* n bytes that live as long as the tree; NULL: no memory */
int sotto__sdp_push_line(struct sdp_section *s, const struct sdp_line *line);
/* value: behind "m=", stored in the tree already. *ret is valid until the next one. *why is a static text on failure. */
int sotto__sdp_push_media(struct sdp *sdp, struct str value, int32_t number, struct sdp_media **ret,
                          const char **why);
void sotto__sdp_fit(struct sdp *sdp); /* gives back what its arrays have beyond what stands in them */
bool sotto__sdp_origin_parse(struct str value, struct sdp_origin *ret);
void sotto__sdp_split(struct str value,
                      struct sdp_line *line);     /* at the first ':', into name and value */
const char *sotto__sdp_bad_text(struct str text); /* NULL: fit for a line; else why not */

#endif
