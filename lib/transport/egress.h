/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_EGRESS_H
#define SOTTO_TRANSPORT_EGRESS_H
/*
 * The batch of outgoing datagrams of a context: what one call or one turn produces goes out together, at unlock. It holds packets of
 * one ice at a time; adding for another one flushes first.
 */
#include "transport/ice.h"

#define SOTTO_EGRESS_PACKETS 104 /* of 1,250 bytes: two messages of 65,000, which a kernel cuts */
#define SOTTO_EGRESS_BYTES (136u * 1024) /* eight of the largest: a DTLS record */

struct egress {
    const struct ice_ops *ops;
    struct ice *ice; /* NULL: empty */
    struct packet packets[SOTTO_EGRESS_PACKETS];
    size_t n, used;
    uint64_t sent, dropped;
    uint8_t bytes[SOTTO_EGRESS_BYTES];
};

/* Room for one packet of at most n bytes (n ≤ SOTTO_EGRESS_BYTES), flushing if need be; fill it, then commit the true length. */
uint8_t *sotto__egress_reserve(struct egress *e, const struct ice_ops *ops, struct ice *ice,
                               size_t n, sotto_us now);
void sotto__egress_commit(struct egress *e, size_t n);
void sotto__egress_flush(struct egress *e, sotto_us now);

#endif
