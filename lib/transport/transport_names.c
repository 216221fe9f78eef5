/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Candidates of a remote that have a name for multicast DNS instead of an address (the mDNS draft, §3.2): they wait here while the
 * context's agent asks, then go to the generation of ICE that they belong to, if it is still there. And our own, which a privacy mode
 * (RFC 8828 §5.2) hides behind such names. In: candidates, answers. Out: candidates with addresses; names that nobody answered are as if
 * they had not come. Does not know how names are asked for.
 * answers: S30 H034
 */
#include <stdio.h>
#include <string.h>

#include "sotto/pc.h"
#include "transport/transport_priv.h"
#include "util/mem.h"
#include "wire/mdns.h"

struct transport_named {
    struct node node;
    bool done_after;    /* it was the remote's last one, or one of the last */
    struct candidate c; /* with the generation as its ufrag */
};

static struct transport_named *named_of(struct node *n)
{
    return CONTAINER_OF(n, struct transport_named, node);
}

bool sotto__transport_takes_name(const struct transport *t, const struct candidate *c)
{
    /* relays do not reach into the local network; and a question would show it us */
    return t->shared->mdns && !t->relay_only && c->type == CANDIDATE_HOST &&
           sotto__mdns_is_local(sotto__str(c->name));
}

int sotto__transport_ask_name(struct transport *t, const char *ufrag, const struct candidate *c,
                              sotto_us now)
{
    if (!t->shared->mdns || t->n_named == SOTTO_MAX_NAMED_REMOTES) return 0; /* one fewer to try */
    struct transport_named *x = sotto__calloc(1, sizeof *x);
    if (!x) return SOTTO_E_NOMEM;
    x->c = *c;
    snprintf(x->c.ufrag, sizeof x->c.ufrag, "%s", ufrag);
    int r = sotto__mdns_agent_ask(t->shared->mdns, now, sotto__str(c->name), t->allow_loopback,
                                  t->owner);
    if (r < 0) {
        sotto__free(x);
        return r;
    }
    t->uses_names = true;
    sotto__list_push(&t->named, &x->node);
    t->n_named++;
    return 0;
}

bool sotto__transport_tells(struct transport *t, sotto_us now, const struct candidate *c,
                            char name[static MDNS_LOCAL])
{
    name[0] = '\0';
    if (c->type != CANDIDATE_HOST || t->privacy < SOTTO_PRIVACY_DEFAULT_ROUTE) return true;
    if (t->privacy != SOTTO_PRIVACY_DEFAULT_ROUTE)
        return t->privacy == SOTTO_PRIVACY_PUBLIC && !sotto__address_is_private(&c->addr);
    if (!t->shared->mdns) return false;
    t->uses_names = true;
    return sotto__mdns_agent_hide(t->shared->mdns, now, &c->addr, t->owner, name) == 0;
}

bool sotto__transport_done_waits(struct transport *t, const char *ufrag)
{
    bool waits = false;
    for (struct node *n = t->named.next; n != &t->named; n = n->next)
        if (strcmp(named_of(n)->c.ufrag, ufrag) == 0) waits = named_of(n)->done_after = true;
    return waits;
}

void sotto__transport_named(struct transport *t, sotto_us now, const char *name,
                            const struct address *addr)
{
    for (struct node *n = t->named.next, *next; n != &t->named; n = next) {
        struct transport_named *x = named_of(n);
        next = n->next;
        if (!sotto__str_ieq(sotto__str(x->c.name), sotto__str(name))) continue;
        sotto__list_remove(n);
        t->n_named--;
        uint16_t port = x->c.addr.port;
        x->c.addr = *addr;
        x->c.addr.port = port;
        /* one that ICE cannot take is one fewer to try */
        if (addr->family != 0) (void)sotto__transport_add_candidate(t, x->c.ufrag, &x->c, now);
        if (x->done_after) sotto__transport_remote_done(t, x->c.ufrag, now);
        sotto__free(x);
    }
}

void sotto__transport_drop_names(struct transport *t)
{
    struct node *n;
    if (!t->uses_names) return;
    t->uses_names = false;
    if (t->shared->mdns) sotto__mdns_agent_forget(t->shared->mdns, t->owner);
    if (t->shared->resolver) sotto__resolver_forget(t->shared->resolver, t->owner);
    t->naming = 0;
    while ((n = sotto__list_pop(&t->named))) sotto__free(named_of(n));
    t->n_named = 0;
}
