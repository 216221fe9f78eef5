/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_EXTS_H
#define SOTTO_PEER_EXTS_H
/* RTP header extensions in descriptions (RFC 8285): reading, offering, answering. Ids are the same in the whole bundle
 * (RFC 9143 §10.1.2). */
#include "sotto/media.h"
#include "wire/rtp_ext.h"
#include "wire/sdp.h"

struct ext_set { /* of one section */
    uint8_t id[EXT_COUNT];      /* 0: not there */
    uint8_t direction[EXT_COUNT]; /* SOTTO_DIR_* as written by who wrote it; SENDRECV without */
    bool allow_mixed;           /* a=extmap-allow-mixed here or at session level (RFC 8285 §6) */
    bool simulcast;             /* a=simulcast stands in the section */
    uint32_t foreign[8];        /* ids of the session level that are for extensions we do not know: see struct ext_map */
};

const char *sotto__ext_uri(enum ext_id id);
/* Those of a section that we know; ids 1–14, and 16–255 (two-byte form); an id or URI that is there twice: its first; 0 and 15 never. */
void sotto__exts_read(const struct sdp *sdp, const struct sdp_media *m, sotto_kind kind,
                      struct ext_set *ret);
/* The ids of the bundle: EXT_COUNT numbers, 0 free. Takes in those of a section; one that contradicts the bundle is dropped from the set.
 * foreign: ids that the remote uses for extensions we do not know (256 bits): they are not given to ours. */
struct ext_map {
    uint8_t id[EXT_COUNT];
    uint32_t foreign[8];
};
void sotto__exts_claim(struct ext_map *map, const struct sdp_media *m, struct ext_set *set);
/* What we offer for a kind; simulcast: RID and RRID too. Free ids, lowest first, enter the map. */
void sotto__exts_offer(sotto_kind kind, bool simulcast, struct ext_map *map, struct ext_set *ret);
/* The offered ones that we support; directions turned round; RID and RRID only if the offer has simulcast. */
void sotto__exts_answer(const struct ext_set *offered, sotto_kind kind, struct ext_set *ret);
/* Those in both, with the ids. */
void sotto__exts_common(const struct ext_set *local, const struct ext_set *remote,
                        struct ext_set *ret);
int sotto__exts_write(const struct ext_set *set, struct sdp *sdp, struct sdp_media *m); /* a=extmap lines, a=extmap-allow-mixed */

#endif
