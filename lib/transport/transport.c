/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE, DTLS and SCTP wired together: the verbs. In: what the remote description says, turns of the loop; out: state changes and
 * candidates for peer/. Datagrams are taken from every generation of ICE, sent over the live one. The handshake starts on its
 * first selected pair. transport_config.c: what it is made of; transport_restart.c: generations; transport_data.c: DTLS and
 * SCTP. Does not know channels or SDP.
 */
#include "transport/transport.h"

#include <stdio.h>
#include <string.h>

#include "sotto/pc.h"
#include "transport/transport_priv.h"
#include "util/cold.h"
#include "util/mem.h"

#define TURN_DATAGRAMS 64 /* then waiters are let in: architecture, one lock */

static bool is_of(const struct transport_generation *g, const char *remote_ufrag)
{
    return g->remote_ufrag && strcmp(g->remote_ufrag, remote_ufrag) == 0;
}

static int tell_remote(struct transport *t, struct transport_generation *g,
                       const struct transport_remote *remote, sotto_us now)
{
    char *ufrag = sotto__strdup(remote->ufrag);
    if (!ufrag) return SOTTO_E_NOMEM;
    if (t->shared->egress->ice == g->ice) sotto__egress_flush(t->shared->egress, now);
    int r = t->shared->ice_ops->set_remote(g->ice, remote->ufrag, remote->pwd, now);
    if (r < 0) {
        sotto__free(ufrag);
        return r;
    }
    sotto__free(g->remote_ufrag);
    g->remote_ufrag = ufrag;
    g->selected = false;
    return 0;
}

COLD int sotto__transport_set_remote(struct transport *t, const struct transport_remote *remote,
                                     sotto_us now)
{
    bool is_next = t->next.ice && !is_of(&t->live, remote->ufrag);
    struct transport_generation *g = is_next ? &t->next : &t->live;
    struct transport_kept *kept;
    if (!g->ice) return SOTTO_E_STATE;
    int r = sotto__transport_keep_remote(remote, &kept);
    if (r < 0) return r;
    if (!is_of(g, remote->ufrag)) r = tell_remote(t, g, remote, now);
    if (r < 0) {
        sotto__transport_free_remote(kept);
        return r;
    }
    sotto__transport_free_remote(t->remote);
    t->remote = kept;
    t->has_remote = true;
    if (remote->new_dtls) sotto__transport_new_dtls(t, is_next, now);
    return 0;
}

/* The generation that this remote ufrag belongs to; NULL: none any more. */
COLD static struct transport_generation *of_remote(struct transport *t, const char *ufrag)
{
    struct transport_generation *generations[] = {&t->next, &t->live};
    for (size_t i = 0; i < 2; i++) {
        struct transport_generation *g = generations[i];
        if (!g->ice || !g->remote_ufrag) continue;
        if (!ufrag || ufrag[0] == '\0' || is_of(g, ufrag)) return g;
    }
    return NULL;
}

int sotto__transport_add_candidate(struct transport *t, const char *ufrag,
                                   const struct candidate *c, sotto_us now)
{
    struct transport_generation *g = of_remote(t, ufrag);
    if (!g) return 0;
    if (c->addr.family == 0) return sotto__transport_ask_name(t, g->remote_ufrag, c, now);
    return t->shared->ice_ops->add_remote(g->ice, c, now);
}

void sotto__transport_remote_done(struct transport *t, const char *ufrag, sotto_us now)
{
    struct transport_generation *g = of_remote(t, ufrag);
    if (g && !sotto__transport_done_waits(t, g->remote_ufrag))
        t->shared->ice_ops->remote_done(g->ice, now);
}

bool sotto__transport_pair(const struct transport *t, struct ice_pair *ret)
{
    const struct transport_generation *g = sotto__transport_path(t);
    return g && t->shared->ice_ops->pair(g->ice, ret);
}

static int say_ice(struct transport *t, struct transport_out *out)
{
    int32_t state = sotto__transport_ice_state(t);
    if (state == t->ice_told) return 0;
    t->ice_told = state;
    *out = (struct transport_out){.type = TRANSPORT_OUT_ICE, .ice_state = state};
    return 1;
}

/* What needs no network. */
static int news(struct transport *t, sotto_us now, struct transport_out *out)
{
    return say_ice(t, out) || (t->servers_busy && sotto__transport_servers_news(t, out)) ||
           sotto__transport_news(t, now, out);
}

/* g NULL: of a retired ICE. */
static int take_packet(struct transport *t, sotto_us now, const struct transport_generation *g,
                       const struct packet *packet, struct transport_out *out)
{
    t->budget--;
    return sotto__transport_take(t, now, g, packet, out) || sotto__transport_news(t, now, out);
}

/* One output of ICE; 1: out is filled. */
static int from_ice(struct transport *t, sotto_us now, struct transport_generation *g,
                    const struct ice_out *in, struct transport_out *out)
{
    switch (in->type) {
    case ICE_OUT_CANDIDATE:
        *out = (struct transport_out){
            .type = TRANSPORT_OUT_CANDIDATE, .candidate = in->candidate, .ufrag = g->ufrag};
        if (in->server < g->n_servers) out->server = &g->servers[in->server];
        return 1;
    case ICE_OUT_GATHERED:
        *out = (struct transport_out){.type = TRANSPORT_OUT_GATHERED, .ufrag = g->ufrag};
        return 1;
    case ICE_OUT_SERVER:
        if (in->server >= g->n_servers) return 0;
        *out = (struct transport_out){.type = TRANSPORT_OUT_SERVER,
                                      .ufrag = g->ufrag,
                                      .server = &g->servers[in->server],
                                      .code = in->code,
                                      .text = in->text};
        if (!t->relay_only && t->privacy < SOTTO_PRIVACY_DEFAULT_ROUTE) out->local = in->local;
        return 1;
    case ICE_OUT_STATE: g->state = in->state; return say_ice(t, out);
    case ICE_OUT_SELECTED:
        if (t->stats.pair_changes++ > 0) t->at_pair = t->stats;
        g->selected = true;
        if (g == &t->next) sotto__transport_switch(t, now);
        if (g == &t->live) sotto__transport_drop_carrier(t, true, now);
        return news(t, now, out);
    case ICE_OUT_PACKET: return take_packet(t, now, g, &in->packet, out);
    }
    return 0;
}

/* One output of one of the ICE objects, the oldest first: what comes there was sent first. False: none of them has any. */
static bool take_one(struct transport *t, sotto_us now, struct transport_out *out, int *filled)
{
    struct transport_generation *generations[] = {NULL, NULL, &t->carrier, &t->live, &t->next};
    for (int tries = 0; tries < 5; tries++, t->at = (t->at + 1) % 5) {
        struct transport_generation *g = generations[t->at];
        struct ice_out in = {.type = ICE_OUT_PACKET};
        bool is = g ? g->ice && t->shared->ice_ops->next(g->ice, now, &in) == 1
                    : sotto__transport_next_retired(t, 1 - t->at, now, &in.packet);
        if (!is) continue;
        *filled = g ? from_ice(t, now, g, &in, out) : take_packet(t, now, NULL, &in.packet, out);
        return true;
    }
    return false;
}

void sotto__transport_turn(struct transport *t)
{
    t->at = t->more ? (t->at + 1) % 5 : 0; /* one that had a whole turn lets the others in */
    t->budget = TURN_DATAGRAMS;
    t->more = false;
}

int sotto__transport_next(struct transport *t, sotto_us now, struct transport_out *out)
{
    int filled = 0;
    if (t->servers_busy) sotto__transport_take_names(t, now);
    if (t->asked_path != 0) sotto__transport_look_after_path(t, now);
    if (news(t, now, out)) return 1;
    while (t->budget > 0) {
        if (!take_one(t, now, out, &filled)) return sotto__transport_drain_sctp(t, now, out);
        if (filled) return 1;
    }
    t->more = t->live.ice || t->next.ice;
    return sotto__transport_drain_sctp(t, now, out);
}

int sotto__transport_drain(struct transport *t, sotto_us now, struct transport_out *out)
{
    return news(t, now, out) || sotto__transport_drain_sctp(t, now, out);
}

sotto_us sotto__transport_due(const struct transport *t)
{
    if (t->more || sotto__transport_data_pending(t) || sotto__transport_ice_state(t) != t->ice_told)
        return 0;
    sotto_us due = sotto__transport_ice_due(t);
    if (t->dtls && t->dtls_state != TRANSPORT_DTLS_FAILED)
        due = sotto__earlier(due, sotto__dtls_due(t->dtls));
    if (t->sctp) due = sotto__earlier(due, sotto__sctp_due(t->sctp));
    return due;
}

COLD void sotto__transport_free(struct transport *t)
{
    if (!t || !t->shared) return;
    const struct ice_ops *ops = t->shared->ice_ops;
    sotto__transport_drop_names(t);
    struct ice *all[] = {t->live.ice, t->next.ice, t->carrier.ice, t->retired[0], t->retired[1]};
    sotto__sctp_free(t->sctp);
    sotto__dtls_free(t->dtls);
    for (size_t i = 0; i < 5; i++)
        if (all[i]) ops->free(all[i]);
    sotto__transport_empty(&t->live);
    sotto__transport_empty(&t->next);
    sotto__transport_empty(&t->carrier);
    sotto__transport_free_remote(t->remote);
    sotto__transport_drop_early(t);
    sotto__transport_end_media(t);
    sotto__transport_free_config(t);
    sotto__free(t->pins);
    sotto__cert_unref(t->cert);
    sotto__wipe(t, sizeof *t);
}
