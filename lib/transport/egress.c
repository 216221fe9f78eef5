/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The batch of outgoing datagrams of a context. In: sealed packets, written in place. Out: one ice send() per batch. What the
 * socket does not take is lost, as on any network, and counted.
 * answers: S08 A09
 */
#include "transport/egress.h"

uint8_t *sotto__egress_reserve(struct egress *e, const struct ice_ops *ops, struct ice *ice,
                               size_t n, sotto_us now)
{
    bool full = e->n == SOTTO_EGRESS_PACKETS || SOTTO_EGRESS_BYTES - e->used < n;
    if (e->ice && (e->ice != ice || full)) sotto__egress_flush(e, now);
    e->ops = ops;
    e->ice = ice;
    return e->bytes + e->used;
}

void sotto__egress_commit(struct egress *e, size_t n)
{
    e->packets[e->n++] = (struct packet){e->bytes + e->used, n};
    e->used += (n + 7) & ~(size_t)7; /* SRTP wants packets to be aligned, and works on them here; SOTTO_EGRESS_BYTES is a multiple */
}

void sotto__egress_flush(struct egress *e, sotto_us now)
{
    if (e->ice && e->n > 0) {
        int sent = e->ops->send(e->ice, e->packets, e->n, now);
        size_t gone = sent > 0 ? (size_t)sent : 0;
        e->sent += gone;
        e->dropped += e->n - gone;
    }
    e->ice = NULL;
    e->n = e->used = 0;
}
