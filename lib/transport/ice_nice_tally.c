/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What came of libnice's checks, which it does not tell: until there is a pair, the next datagram of each socket is looked at before
 * libnice reads it, and counted (ice_tally.c) unless a server sent it and no other. What queues up behind it is not seen, so that the
 * numbers are the least that came. In: sockets that are readable; out: the tally.
 */
#include "transport/ice_nice.h"

static bool is_server(const struct ice *ice, const struct address *a)
{
    for (size_t i = 0; i < 2 * ice->n_servers; i++) {
        const struct nice_server *s = &ice->servers[i];
        bool gives_relays = s->kind > ICE_SERVER_STUN_TLS && ice->n_relay > 0;
        if (!gives_relays && sotto__address_eq(a, &s->addr)) return true;
    }
    return false;
}

void sotto__nice_tally(struct ice *ice)
{
    const struct nice_loop *l = ice->loop;
    for (gint i = 0; i < l->n; i++) {
        uint8_t bytes[1500];
        size_t n = sizeof bytes;
        struct address from;
        if ((l->fds[i].revents & G_IO_IN) && sotto__nice_head(l->fds[i].fd, &from, bytes, &n) &&
            !is_server(ice, &from)) {
            sotto__ice_tally_note(&ice->tally, &from, bytes, n);
            sotto__nice_note_conflict(ice, bytes, n);
        }
    }
}
