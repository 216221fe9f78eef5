/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of STUN and TURN servers: asked for when a generation of ICE starts, which waits with gathering until they are all known, though
 * not for long; then it does without those that are missing. In: what the context's resolver found. Out: servers with addresses, or that
 * one has none (icecandidateerror with 701, as W3C WebRTC §4.8.2 has it for a server that cannot be reached). Does not know DNS.
 */
#include <string.h>

#include "sotto/pc.h"
#include "transport/transport_priv.h"

#define NO_ANSWER 701

_Static_assert(SOTTO_MAX_ICE_SERVERS <= 8, "bits of naming and unnamed");

bool sotto__transport_ask_servers(struct transport *t, sotto_us now)
{
    for (size_t i = 0; i < t->n_servers; i++) {
        struct ice_server *s = &t->servers[i];
        if (!s->host || (t->naming & 1u << i)) continue;
        s->addr.family = 0;
        int r = t->shared->resolver
                    ? sotto__resolver_ask(t->shared->resolver, now, s->host, t->owner)
                    : SOTTO_E_UNSUPPORTED;
        if (r == 0) {
            t->naming |= (uint8_t)(1u << i);
            t->uses_names = true;
        } else {
            t->not_named = "names are not asked for here, or there are too many";
        }
    }
    return t->naming != 0;
}

/* IPv4 where there is both: a NAT is asked about what peers need, and of two ways the one that is not broken in silence. */
void sotto__transport_resolved(struct transport *t, const struct resolver_out *in)
{
    const struct address *best = in->is_v6_best ? &in->v6 : &in->v4;
    for (size_t i = 0; i < t->n_servers; i++) {
        struct ice_server *s = &t->servers[i];
        if (!(t->naming & 1u << i) || strcmp(s->host, in->name) != 0) continue;
        t->naming &= (uint8_t) ~(1u << i);
        uint16_t port = s->addr.port;
        s->addr = *best;
        s->addr.port = port;
        if (best->family == 0) t->not_named = in->text;
    }
}

int sotto__transport_gather(struct transport *t, struct transport_generation *g, sotto_us now)
{
    const struct ice_ops *ops = t->shared->ice_ops;
    bool replaced = g->gather_by < 0, has_names = false;
    int r = 0;
    g->gather_by = 0;
    for (size_t i = 0; i < g->n_servers && !replaced; i++) {
        struct ice_server *s = &g->servers[i];
        if (!s->host) continue;
        has_names = true;
        s->addr = t->servers[i].addr;
        if (s->addr.family != 0) continue;
        g->unnamed |= (uint8_t)(1u << i);
        t->servers_busy = true;
    }
    if (has_names && ops->servers) r = ops->servers(g->ice, t->servers, t->n_servers);
    if (r == 0) r = ops->gather(g->ice, now);
    t->no_port = r == SOTTO_E_LIMIT;
    return t->no_port ? SOTTO_E_NETWORK : r;
}

void sotto__transport_gather_late(struct transport *t, sotto_us now)
{
    struct transport_generation *generations[] = {&t->live, &t->next};
    for (size_t i = 0; i < 2; i++) {
        struct transport_generation *g = generations[i];
        if (g->gather_by != 0 && (t->naming == 0 || now >= g->gather_by))
            g->is_barren = sotto__transport_gather(t, g, now) < 0;
    }
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
                                          .text =
                                              t->not_named ? t->not_named : "no answer of DNS yet"};
            return true;
        }
        if (!g->is_barren) continue;
        g->is_barren = false;
        g->state = SOTTO_ICE_FAILED;
        *out = (struct transport_out){.type = TRANSPORT_OUT_GATHERED, .ufrag = g->ufrag};
        return true;
    }
    t->servers_busy = t->live.gather_by != 0 || t->next.gather_by != 0;
    return false;
}

sotto_us sotto__transport_servers_due(const struct transport *t)
{
    const struct transport_generation *generations[] = {&t->live, &t->next};
    sotto_us due = SOTTO_NEVER;
    for (size_t i = 0; i < 2; i++) {
        const struct transport_generation *g = generations[i];
        if (g->unnamed || g->is_barren) return 0;
        if (g->gather_by != 0) due = sotto__earlier(due, t->naming == 0 ? 0 : g->gather_by);
    }
    return due;
}
