/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of STUN and TURN servers: asked for when a generation of ICE starts, which gathers at once with what has an address, and takes the
 * others as their addresses come; until then gathering is not over. In: what the context's resolver found. Out: servers with addresses, or
 * that one has none (icecandidateerror with 701, as W3C WebRTC §4.8.2 has it for a server that cannot be reached). Does not know DNS.
 */
#include <string.h>

#include "sotto/pc.h"
#include "transport/transport_priv.h"

#define NO_ANSWER 701

_Static_assert(SOTTO_MAX_ICE_SERVERS <= 8, "bits of naming, wanted and unnamed");

static const char not_asked[] = "names are not asked for here, or there are too many";

uint8_t sotto__transport_ask_servers(struct transport *t, sotto_us now)
{
    uint8_t named = 0;
    for (size_t i = 0; i < t->n_servers; i++) {
        struct ice_server *s = &t->servers[i];
        uint8_t bit = (uint8_t)(1u << i);
        if (!s->host) continue;
        named |= bit;
        if (t->naming & bit) continue;
        s->addr.family = s->second.family = 0;
        int r = t->shared->resolver
                    ? sotto__resolver_ask(t->shared->resolver, now, s->host, t->owner)
                    : SOTTO_E_UNSUPPORTED;
        if (r == 0)
            t->naming |= bit, t->uses_names = true;
        else
            t->not_named = not_asked;
    }
    return named;
}

/* Of two families that which a NAT is asked about comes first, or that which is not broken in silence: resolver.h. */
void sotto__transport_resolved(struct transport *t, const struct resolver_out *in)
{
    const struct address *best = in->is_v6_best ? &in->v6 : &in->v4;
    const struct address *other = in->is_v6_best ? &in->v4 : &in->v6;
    for (size_t i = 0; i < t->n_servers; i++) {
        struct ice_server *s = &t->servers[i];
        if (!(t->naming & 1u << i) || strcmp(s->host, in->name) != 0) continue;
        t->naming &= (uint8_t) ~(1u << i);
        uint16_t port = s->addr.port;
        s->addr = *best, s->second = *other;
        s->addr.port = s->second.port = port;
        if (best->family == 0) t->not_named = in->text;
    }
}

/* Of one generation: the servers whose names were asked for, and are not any more. */
static void take_names(struct transport *t, struct transport_generation *g, sotto_us now)
{
    const struct ice_ops *ops = t->shared->ice_ops;
    uint8_t done = g->wanted & (uint8_t)~t->naming;
    if (g->is_replaced) { /* t->servers are others by now */
        g->wanted = 0;
        if (g->ice) ops->servers(g->ice, NULL, 0, true, now);
        return;
    }
    if (done == 0 || !g->ice) return;
    for (size_t i = 0; i < g->n_servers; i++) {
        if (!(done & 1u << i)) continue;
        g->servers[i].addr = t->servers[i].addr;
        g->servers[i].second = t->servers[i].second;
        if (t->servers[i].addr.family == 0) g->unnamed |= (uint8_t)(1u << i);
    }
    g->wanted &= (uint8_t)~done;
    ops->servers(g->ice, t->servers, t->n_servers, g->wanted == 0, now);
}

void sotto__transport_take_names(struct transport *t, sotto_us now)
{
    struct transport_generation *generations[] = {&t->live, &t->next};
    for (size_t i = 0; i < 2; i++)
        if (generations[i]->wanted) take_names(t, generations[i], now);
}

bool sotto__transport_servers_news(struct transport *t, struct transport_out *out)
{
    struct transport_generation *generations[] = {&t->live, &t->next};
    for (size_t k = 0; k < 2; k++) {
        struct transport_generation *g = generations[k];
        for (size_t i = 0; g->unnamed && i < g->n_servers; i++) {
            if (!(g->unnamed & 1u << i)) continue;
            g->unnamed &= (uint8_t) ~(1u << i);
            *out = (struct transport_out){.type = TRANSPORT_OUT_SERVER,
                                          .ufrag = g->ufrag,
                                          .server = &g->servers[i],
                                          .code = NO_ANSWER,
                                          .text = t->not_named ? t->not_named : "no address"};
            return true;
        }
    }
    t->servers_busy = t->live.wanted != 0 || t->next.wanted != 0;
    return false;
}

sotto_us sotto__transport_servers_due(const struct transport *t)
{
    const struct transport_generation *generations[] = {&t->live, &t->next};
    for (size_t i = 0; i < 2; i++) {
        const struct transport_generation *g = generations[i];
        if (g->unnamed || (g->wanted & ~t->naming) || (g->wanted && g->is_replaced)) return 0;
    }
    return SOTTO_NEVER;
}
