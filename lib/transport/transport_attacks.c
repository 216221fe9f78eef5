/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the modules of one transport have refused, by kind of attack. Each counts for itself and dies with its association, generation or
 * keys, so what it had counted is kept here when it goes: the sums never go back. In: the counters of DTLS, SRTP, SCTP and ICE; out:
 * struct attacks. What peer/ refuses it adds itself. Judges nothing.
 */
#include "transport/transport_priv.h"

static void add_dtls(const struct dtls *d, struct attacks *to)
{
    struct dtls_stats s;
    if (!d) return;
    sotto__dtls_get_stats(d, &s);
    to->n[ATTACK_DTLS_FORGED] += s.forged;
    to->n[ATTACK_DTLS_DROPPED] += s.records_dropped - s.forged;
    to->n[ATTACK_DTLS_REBUILT] += s.rebuilds;
    to->n[ATTACK_DTLS_CERTIFICATE] += s.certificates;
}

static void add_sctp(const struct sctp *sctp, struct attacks *to)
{
    struct sctp_stats s;
    if (!sctp) return;
    sotto__sctp_get_stats(sctp, &s);
    to->n[ATTACK_SCTP_REFUSED] += s.packets_dropped;
    to->n[ATTACK_MESSAGE_OVERSIZE] += s.oversize;
}

static void add_ice(const struct transport *t, const struct ice *ice, struct attacks *to)
{
    struct ice_refused r = {0};
    if (!ice || !t->shared->ice_ops->refused) return;
    t->shared->ice_ops->refused(ice, &r);
    to->n[ATTACK_STUN_REFUSED] += r.filtered;
    to->n[ATTACK_ICE_CONFLICT] += r.conflicts;
}

void sotto__transport_free_dtls(struct transport *t)
{
    add_dtls(t->dtls, &t->attacks);
    sotto__dtls_free(t->dtls);
    t->dtls = NULL;
}

void sotto__transport_free_sctp(struct transport *t)
{
    add_sctp(t->sctp, &t->attacks);
    sotto__sctp_free(t->sctp);
    t->sctp = NULL;
}

void sotto__transport_keep_refused(struct transport *t, const struct ice *ice)
{
    add_ice(t, ice, &t->attacks);
}

void sotto__transport_attacks(const struct transport *t, struct attacks *ret)
{
    *ret = t->attacks;
    add_dtls(t->dtls, ret);
    sotto__transport_media_attacks(t, ret);
    add_sctp(t->sctp, ret);
    add_ice(t, t->live.ice, ret);
    add_ice(t, t->next.ice, ret);
    add_ice(t, t->carrier.ice, ret);
}
