/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_SECTION_SYNC_H
#define SOTTO_PEER_SECTION_SYNC_H
/* a=group:LS: which sections are to be played in step (RFC 5888 §7, RFC 9429 §5.2.1 to §5.3.1). */
#include "peer/transceiver.h"
#include "wire/sdp.h"

struct sync_member { /* a section of audio or video that is in use */
    struct str mid;
    const struct strings *streams; /* of its transceiver */
};

/* Groups of an offer: those who share a stream, and who shared a group in the last answer (NULL: none). n: SOTTO_MAX_SDP_MEDIA at most. */
int sotto__section_sync_offer(struct sdp *sdp, const struct sync_member *members, size_t n,
                              const struct sdp *last);
/* Groups of an answer: of each offered one those who share a stream of ours, or have none. */
int sotto__section_sync_answer(struct sdp *sdp, const struct sync_member *members, size_t n,
                               const struct sdp *offer);

#endif
