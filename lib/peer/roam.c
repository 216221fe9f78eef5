/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a change of this host's network means for one connection: NETWORK_CHANGED, consent asked for at once, and an ICE restart
 * (RFC 8445 §9) as the application would want it where the path in use lost its address, a connection without a path may find one, or the
 * default route moved. The restart begins as ever with NEGOTIATION_NEEDED; it waits while another negotiation runs, and for a while after
 * the one before. In: what the watch saw (net_watch.h), how long the host slept; out: events. Knows nothing of netlink.
 * answers: A13
 */
#include "peer/private.h"
#include "transport/net_watch.h"

#define CONSENT SOTTO_SECONDS(30) /* RFC 7675 §5.1: older consent is none */
#define GRACE SOTTO_SECONDS(1)    /* what was negotiated meanwhile may find its path */

static bool is_loopback(const struct address *a)
{
    if (a->family == 4) return a->ip[0] == 127;
    for (size_t i = 0; i < 15; i++)
        if (a->ip[i] != 0) return false;
    return a->ip[15] == 1;
}

/* Another generation would have an address. Where nothing is watched, one must try. */
static bool can_gather(const struct peer *p, const struct net_look *is)
{
    for (size_t i = 0; i < is->n; i++)
        if (p->transport.allow_loopback || !is_loopback(&is->addresses[i])) return true;
    return p->transport.shared->watch->fd < 0;
}

/* The default route that the path's packets take leaves from another address than theirs. */
static bool is_passed_by(const struct peer *p, const struct net_look *is,
                         const struct ice_pair *pair)
{
    bool relayed = pair->local.type == CANDIDATE_RELAY;
    if (p->transport.interface) return false;
    if (is_loopback(&pair->base)) return relayed && p->roam.routes != 0; /* TURN over TCP goes through us */
    size_t v6 = pair->base.family == 6;
    return (p->roam.routes & 1u << v6) && !sotto__net_same_ip(&pair->base, &is->route[v6]);
}

static bool needs_restart(const struct peer *p, bool is_new)
{
    const struct net_watch *w = p->transport.shared->watch;
    const struct net_look *is = &w->is;
    struct ice_pair pair;
    bool is_up = p->ice == SOTTO_ICE_CONNECTED || p->ice == SOTTO_ICE_COMPLETED;
    if (!can_gather(p, is)) return false; /* later, when there is one */
    if (!sotto__transport_pair(&p->transport, &pair)) return is_new;
    if (!is_up && is_new) return true;
    if (w->fd < 0 || pair.base.family == 0) return false;
    bool is_gone = is->n < NET_WATCH_ADDRESSES && !sotto__net_look_has(is, &pair.base);
    return is_gone || is_passed_by(p, is, &pair);
}

/* As sotto_pc_restart_ice(). Should the application have failed at the offer before, it hears of it anew. */
static void restart(struct peer *p, sotto_us now)
{
    SOTTO_LOG(p->transport.shared->log, SOTTO_LOG_INFO, "ice",
              "the network has changed: ICE begins anew");
    p->roam = (struct roam){.is_off = p->roam.is_off, .last = now};
    sotto__events_not_needed(p);
    p->negotiation_needed = false;
    sotto__peer_restart_ice(p, now); /* only a closed one refuses */
}

static void want_restart(struct peer *p, sotto_us now)
{
    bool is_busy = p->signaling != SOTTO_SIGNALING_STABLE;
    sotto_us at = p->roam.last ? sotto__after(p->roam.last, SOTTO_RESTART_EVERY_US) : now;
    if (p->roam.is_off) return;
    if (is_busy && at < now + GRACE) at = now + GRACE;
    if (at <= now)
        restart(p, now);
    else
        p->roam.at = at;
}

sotto_us sotto__roam_due(const struct peer *p)
{
    bool waits = p->roam.at != 0 && p->signaling == SOTTO_SIGNALING_STABLE;
    return waits ? p->roam.at : SOTTO_NEVER;
}

void sotto__roam_run(struct peer *p, sotto_us now)
{
    if (now < sotto__roam_due(p)) return;
    p->roam.at = 0;
    if (needs_restart(p, true)) want_restart(p, now);
}

bool sotto__peer_gathers(const struct peer *p)
{
    return !p->closed && p->transport.live.ice;
}

static void changed(struct peer *p, sotto_us now, sotto_us slept, bool needs)
{
    sotto__events_network(p, now, needs);
    sotto__transport_woke(&p->transport, slept, now);
    if (needs) want_restart(p, now);
}

void sotto__peer_moved(struct peer *p, sotto_us now)
{
    const struct net_watch *w = p->transport.shared->watch;
    bool is_new = false;
    if (!sotto__peer_gathers(p)) return;
    for (size_t i = 0; i < w->is.n && !is_new; i++)
        is_new = !sotto__net_look_has(&w->was, &w->is.addresses[i]);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const struct address *was = &w->was.route[v6], *is = &w->is.route[v6];
        if (was->family != 0 && is->family != 0 && !sotto__net_same_ip(was, is))
            p->roam.routes |= (uint8_t)(1u << v6);
    }
    changed(p, now, 0, needs_restart(p, is_new));
}

void sotto__peer_slept(struct peer *p, sotto_us now, sotto_us slept)
{
    struct ice_pair pair;
    if (!sotto__peer_gathers(p)) return;
    bool over = slept >= CONSENT && sotto__transport_pair(&p->transport, &pair);
    changed(p, now, slept, over);
}
