/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transport that becomes as new, because the first offer was rolled back, or no media section stands on it any more (W3C WebRTC 1.0
 * §4.4.1.5 closes it then). What it was configured with stays. The remote is not told: it has read the same description, and a
 * goodbye of DTLS could overtake it.
 */
#include "sotto/pc.h"
#include "transport/transport_priv.h"
#include "util/mem.h"

void sotto__transport_reset(struct transport *t, sotto_us now)
{
    sotto__transport_forget(t, now);
    sotto__transport_drop_carrier(t, false, now);
    sotto__transport_retire(t, &t->live, false, now);
    sotto__wipe(&t->live, sizeof t->live);
    sotto__transport_drop_names(t);
    sotto__transport_free_sctp(t);
    sotto__transport_free_dtls(t);
    sotto__transport_drop_early(t);
    sotto__transport_end_media(t);
    sotto__transport_free_remote(t->remote);
    t->remote = NULL;
    t->dtls_state = TRANSPORT_DTLS_NEW;
    t->has_remote = t->has_data = t->wants_media = t->sctp_up = t->sctp_over = false;
    t->dtls_moves = t->dtls_ended = t->lost_before = false;
    t->ice_told = SOTTO_ICE_NEW;
}
