/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This host's addresses given to libnice, and what priorities the remote is told for them (RFC 8445 §5.1.2.1, RFC 8421). libnice ranks
 * by where an address stands among all of the host, which is no order of families, and ends the process at the 64th: so hosts with very
 * many addresses offer the first ones, and no relays. Within a family its order is kept, so that both ends rank pairs alike. And the
 * address that a 1:1 NAT gives this host, as a reflexive candidate. In: ice_addr.c's list; out: libnice's candidates, ranked anew.
 * answers: S22 H050
 */
#include <nice/interfaces.h>
#include <stdio.h>
#include <string.h>

#include "transport/ice_addr.h"
#include "transport/ice_nice.h"

#define HOST_PREFERENCE 126u /* RFC 8445 §5.1.2.2 */
#define REFLEXIVE_PREFERENCE 100u
/* libnice's own hosts have 120: with less, a remote's candidates rank pairs by what the remote told. */
#define MAX_REMOTE_PREFERENCE 118u

/* libnice's list of all addresses of this host: the first ones of it that are any; how many places it has. */
static guint list_host(struct address out[static SOTTO_MAX_HOST_ADDRESSES])
{
    GList *all = nice_interfaces_get_local_ips(TRUE);
    guint n = 0;
    for (GList *l = all; l; l = l->next, n++) {
        if (n >= SOTTO_MAX_HOST_ADDRESSES) continue;
        out[n] = (struct address){.family = 0};
        (void)sotto__address_parse(sotto__str(l->data), &out[n]); /* one with a zone is not offered anyway */
    }
    g_list_free_full(all, g_free);
    return n;
}

/* To libnice, with its place there; one that it does not look at, as of a bridge, comes behind all others. */
static void add(struct ice *ice, const struct address *a, const struct address *host, guint n_host)
{
    bool v6 = a->family == 6;
    NiceAddress own;
    guint at = 0;
    while (at < n_host && !sotto__address_eq(&host[at], a)) at++;
    sotto__nice_from_address(a, &own);
    nice_agent_add_local_address(ice->agent, &own);
    ice->ranks[v6] |= UINT64_C(1) << at;
    if (!ice->has_family[v6]) ice->external_base[v6] = *a;
    ice->has_family[v6] = true;
}

int sotto__nice_add_locals(struct ice *ice)
{
    struct address locals[SOTTO_MAX_LOCAL_ADDRESSES], host[SOTTO_MAX_HOST_ADDRESSES];
    struct ice_local_filter filter = {ice->interface, ice->allow_loopback, ice->default_route,
                                      .n_among = SOTTO_MAX_HOST_ADDRESSES};
    guint n_host = list_host(host);
    if (n_host >= SOTTO_MAX_HOST_ADDRESSES) {
        SOTTO_LOG(ice->log, SOTTO_LOG_WARNING, "ice",
                  "this host has %u addresses: some are left out, and relays", n_host);
        ice->no_relays = true;
        nice_agent_forget_relays(ice->agent, ice->stream, NICE_COMPONENT);
        filter.among = host;
        ice->is_crowded = true;
        n_host = SOTTO_MAX_HOST_ADDRESSES;
    }
    /* one socket an address, and one more for each TURN server over TCP, and two of ours: all of them must be watched */
    size_t max = (SOTTO_MAX_ICE_FDS - 8 - 2 * ice->may_turn_tcp) / (1 + ice->may_turn_tcp);
    int n = sotto__ice_local_addresses(
        &filter, locals, max < SOTTO_MAX_LOCAL_ADDRESSES ? max : SOTTO_MAX_LOCAL_ADDRESSES);
    for (int i = 0; i < n; i++) add(ice, &locals[i], host, n_host);
    return n == 0 ? SOTTO_E_NETWORK : n;
}

static guint32 rank(const struct ice *ice, const NiceCandidate *c, guint type)
{
    bool v6 = nice_address_ip_version(&c->addr) == 6;
    guint at = c->priority >> 8 & 63; /* libnice's place of the base */
    uint64_t before = at == 63 ? 0 : ice->ranks[v6] >> (at + 1);
    guint places = 2u * (guint)__builtin_popcountll(before) + !v6;
    return type << 24 | (65535u - places) << 8 | (256u - NICE_COMPONENT);
}

void sotto__nice_rank(const struct ice *ice, NiceCandidate *c)
{
    if (c->type == NICE_CANDIDATE_TYPE_HOST) c->priority = rank(ice, c, HOST_PREFERENCE);
    if (c->type == NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE)
        c->priority = rank(ice, c, REFLEXIVE_PREFERENCE);
}

uint32_t sotto__nice_remote_rank(uint32_t told)
{
    const uint32_t max = MAX_REMOTE_PREFERENCE << 24;
    return told >= max ? max | (told & 0xffffff) : told;
}

NiceCandidate *sotto__nice_external(const struct ice *ice, const NiceCandidate *c)
{
    struct address own, told;
    sotto__nice_to_address(&c->addr, &own);
    bool v6 = own.family == 6;
    if (c->type != NICE_CANDIDATE_TYPE_HOST || ice->external[v6].family == 0) return NULL;
    if (memcmp(own.ip, ice->external_base[v6].ip, sizeof own.ip) != 0) return NULL;
    NiceCandidate *ret = nice_candidate_copy(c);
    ret->type = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
    told = ice->external[v6];
    told.port = own.port;
    sotto__nice_from_address(&told, &ret->addr);
    snprintf(ret->foundation, sizeof ret->foundation, "nat%d", v6 ? 6 : 4);
    sotto__nice_rank(ice, ret);
    return ret;
}

bool sotto__nice_is_external(const struct ice *ice, const struct candidate *c)
{
    const struct address *e = &ice->external[c->addr.family == 6];
    return c->type == CANDIDATE_SRFLX && e->family == c->addr.family &&
           memcmp(e->ip, c->addr.ip, sizeof e->ip) == 0;
}
