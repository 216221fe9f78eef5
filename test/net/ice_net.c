/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE over the virtual network: the second implementation of struct ice_ops. It keeps the behaviour of RFC 8445 that the layers
 * above can see: candidates with a delay, pairs, checks that only the right password answers, peer-reflexive remotes, aggressive
 * nomination, role conflicts, keepalive checks and the states that follow from silence. Its messages are its own (the first
 * byte is that of STUN). Servers give no candidates, but can fail. Time comes in as an argument; what it sends goes into test/net.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ice_net.h"
#include "util/mem.h"

static int net_init(struct ice **ret, const struct ice_cfg *cfg, sotto_us now)
{
    (void)now;
    struct ice *ice = sotto__calloc(1, sizeof *ice);
    if (!ice) return SOTTO_E_NOMEM;
    ice->host = cfg->world;
    ice->log = cfg->log;
    ice->controlling = cfg->controlling;
    ice->relay_only = cfg->relay_only;
    ice->allow_loopback = cfg->allow_loopback;
    memcpy(ice->external, cfg->external, sizeof ice->external);
    ice->port_min = cfg->port_min, ice->port_max = cfg->port_max;
    snprintf(ice->ufrag, sizeof ice->ufrag, "%s", cfg->ufrag);
    snprintf(ice->pwd, sizeof ice->pwd, "%s", cfg->pwd);
    ice->n_servers = cfg->n_servers;
    ice->more_servers = cfg->more_servers;
    ice->tie = net_random(&ice->host->net->rng);
    ice->host->net->live_ices++;
    *ret = ice;
    return 0;
}

static int net_gather(struct ice *ice, sotto_us now)
{
    struct net_host *h = ice->host;
    bool is_full = false;
    for (size_t i = 0; i < h->n_addresses && !ice->relay_only; i++) {
        struct address a = h->addresses[i];
        a.port = 1;
        if (!sotto__address_usable(&a, ice->allow_loopback)) continue;
        if (net_bind(&ice->sockets[ice->n_sockets], h, &a, ice->port_min, ice->port_max) < 0) {
            is_full = true;
            continue;
        }
        struct candidate *c = &ice->candidates[ice->n_sockets];
        snprintf(c->foundation, sizeof c->foundation, "%zu", ice->n_sockets + 1);
        c->component = 1;
        c->priority = 126u << 24 | (65535u - (uint32_t)ice->n_sockets) << 8 | 255;
        c->addr = ice->sockets[ice->n_sockets++].addr;
    }
    if (ice->n_sockets == 0 && !ice->relay_only) return is_full ? SOTTO_E_LIMIT : SOTTO_E_NETWORK;
    ice->gathering = true;
    ice->gather_at = now + h->gather_us;
    net_ice_pair_remotes(ice);
    return 0;
}

static void net_servers(struct ice *ice, const struct ice_server *servers, size_t n, bool is_last,
                        sotto_us now)
{
    (void)servers, (void)n, (void)now;
    if (is_last) ice->more_servers = false;
}

static int net_set_remote(struct ice *ice, const char *ufrag, const char *pwd, sotto_us now)
{
    if (net_ice_knows_remote(ice) && strcmp(ice->remote_ufrag, ufrag) != 0)
        net_ice_forget_remote(ice);
    snprintf(ice->remote_ufrag, sizeof ice->remote_ufrag, "%s", ufrag);
    snprintf(ice->remote_pwd, sizeof ice->remote_pwd, "%s", pwd);
    ice->fresh_at = now;
    net_ice_pair_remotes(ice);
    return 0;
}

static int net_add_remote(struct ice *ice, const struct candidate *c, sotto_us now)
{
    for (size_t i = 0; i < ice->n_remotes; i++)
        if (sotto__address_eq(&ice->remotes[i].addr, &c->addr)) {
            ice->remotes[i].prflx = false;
            return 0;
        }
    if (ice->n_remotes - ice->n_prflx >= SOTTO_MAX_REMOTE_CANDIDATES) return SOTTO_E_LIMIT;
    (void)sotto__ice_tally_add(&ice->tally, c); /* without memory it tells of one fewer */
    ice->remotes[ice->n_remotes++] = (struct remote){c->addr, c->priority, false};
    ice->fresh_at = now;
    net_ice_pair_remotes(ice);
    return 0;
}

static void net_remote_done(struct ice *ice, sotto_us now)
{
    if (!ice->done) ice->fresh_at = now;
    ice->done = true;
}

static int net_send_packets(struct ice *ice, const struct packet *pkts, size_t n, sotto_us now)
{
    (void)now;
    if (!ice->selected || ice->state == SOTTO_ICE_FAILED || ice->is_closed) return SOTTO_E_STATE;
    int sent = 0;
    for (size_t i = 0; i < n; i++) {
        if (pkts[i].n > NET_MAX_PAYLOAD) continue;
        net_send(&ice->sockets[ice->selected->local], &ice->selected->remote, pkts[i].p, pkts[i].n);
        sent++;
    }
    return sent;
}

static void run_timers(struct ice *ice, sotto_us now)
{
    if (ice->gathering && !ice->gathered && now >= ice->gather_at &&
        ice->n_told == ice->n_sockets && !ice->more_servers)
        ice->gathered = true;
    net_ice_run_checks(ice, now);
}

/* What a 1:1 NAT makes of the candidate that was told last: once for each family. */
static bool tell_external(struct ice *ice, struct ice_out *out)
{
    const struct candidate *own = &ice->candidates[ice->n_told > 0 ? ice->n_told - 1 : 0];
    struct address *external = &ice->external[own->addr.family == 6];
    if (ice->n_told == 0 || external->family == 0) return false;
    ice->told = *own;
    ice->told.type = CANDIDATE_SRFLX;
    ice->told.addr = *external;
    ice->told.addr.port = own->addr.port;
    external->family = 0;
    out->type = ICE_OUT_CANDIDATE;
    out->candidate = &ice->told;
    return true;
}

/* One thing that waits to be told: true filled. */
static bool tell(struct ice *ice, sotto_us now, struct ice_out *out)
{
    if (tell_external(ice, out)) return true;
    if (ice->gathering && ice->n_told < ice->n_sockets && now >= ice->gather_at) {
        out->type = ICE_OUT_CANDIDATE;
        out->candidate = &ice->candidates[ice->n_told++];
        out->server = SIZE_MAX;
        ice->gather_at = now + ice->host->gather_us;
        return true;
    }
    if (ice->gathered && ice->host->server_code && ice->n_servers_told < ice->n_servers) {
        out->type = ICE_OUT_SERVER;
        out->server = ice->n_servers_told++;
        out->code = ice->host->server_code;
        out->text = ice->host->server_text;
        return true;
    }
    if (ice->gathered && !ice->gathered_told) {
        out->type = ICE_OUT_GATHERED;
        return ice->gathered_told = true;
    }
    if (ice->selected && !ice->selected_told) {
        out->type = ICE_OUT_SELECTED;
        return ice->selected_told = true;
    }
    if (ice->n_states > 0) {
        out->type = ICE_OUT_STATE;
        out->state = ice->states[0];
        memmove(ice->states, ice->states + 1, --ice->n_states * sizeof ice->states[0]);
        return true;
    }
    return false;
}

static int net_next(struct ice *ice, sotto_us now, struct ice_out *out)
{
    *out = (struct ice_out){0};
    free(ice->current);
    ice->current = NULL;
    if (ice->is_closed) return 0;
    run_timers(ice, now);
    for (;;) {
        if (tell(ice, now, out)) return 1;
        struct net_datagram *d = NULL;
        size_t s = 0;
        for (; s < ice->n_sockets && !d; s++) d = net_receive(&ice->sockets[s]);
        if (!d) return 0;
        if (net_ice_handle(ice, s - 1, d, now)) {
            ice->current = d;
            out->type = ICE_OUT_PACKET;
            out->packet = (struct packet){d->p, d->n};
            return 1;
        }
        free(d);
    }
}

static sotto_us net_ice_due(const struct ice *ice)
{
    if (ice->is_closed) return SOTTO_NEVER;
    if (ice->n_states > 0 || (ice->selected && !ice->selected_told)) return ice->host->net->now;
    for (size_t s = 0; s < ice->n_sockets; s++)
        if (!sotto__list_empty(&ice->sockets[s].inbox)) return ice->host->net->now;
    bool is_due = ice->gathering && !ice->gathered_told &&
                  (ice->n_told < ice->n_sockets || !ice->more_servers);
    sotto_us due = is_due ? ice->gather_at : SOTTO_NEVER;
    return net_ice_may_check(ice) ? sotto__earlier(due, net_ice_check_due(ice)) : due;
}

static int net_fds(const struct ice *ice, struct sotto_fd *out, int max)
{
    (void)ice, (void)out, (void)max;
    return 0;
}

static void net_ready(struct ice *ice, int slot, short revents)
{
    (void)ice, (void)slot, (void)revents;
}

static const char *net_selected(const struct ice *ice)
{
    return ice->selected ? "virtual" : "";
}

static bool net_pair(const struct ice *ice, struct ice_pair *ret)
{
    const struct pair *p = ice->selected;
    if (!p) return false;
    *ret = (struct ice_pair){
        .local = ice->candidates[p->local], .base = ice->sockets[p->local].addr, .rtt = p->rtt};
    for (size_t i = 0; i < ice->n_remotes; i++) {
        const struct remote *r = &ice->remotes[i];
        if (!sotto__address_eq(&r->addr, &p->remote)) continue;
        ret->remote = (struct candidate){.component = 1,
                                         .priority = r->priority,
                                         .addr = r->addr,
                                         .type = r->prflx ? CANDIDATE_PRFLX : CANDIDATE_HOST};
    }
    return true;
}

static void net_woke(struct ice *ice, sotto_us slept, sotto_us now)
{
    if (slept >= SOTTO_SECONDS(30)) ice->answered_at -= slept;
    ice->keepalive_at = now;
}

static bool net_whole(struct ice *ice, bool whole)
{
    for (size_t i = 0; i < ice->n_sockets; i++) ice->sockets[i].fragments = !whole;
    return true;
}

static void net_close(struct ice *ice, sotto_us now)
{
    (void)now;
    ice->is_closed = true;
    for (size_t i = 0; i < ice->n_sockets; i++) net_unbind(&ice->sockets[i]);
}

static bool net_closed(const struct ice *ice)
{
    return ice->is_closed;
}

static void net_ice_free(struct ice *ice)
{
    if (!ice) return;
    net_close(ice, 0);
    free(ice->current);
    ice->host->net->live_ices--;
    sotto__ice_tally_free(&ice->tally);
    sotto__free_secret(ice, sizeof *ice);
}

static const struct ice_tally *net_tally(const struct ice *ice)
{
    return &ice->tally;
}

static size_t net_ice_bytes(const struct ice *ice)
{
    return sotto__mem_size(ice) + sotto__mem_size(ice->tally.items);
}

bool net_ice_address(const struct ice *ice, struct address *ret)
{
    if (ice->n_sockets == 0) return false;
    *ret = ice->sockets[0].addr;
    return true;
}

const struct ice_ops sotto__ice_net = {
    .init = net_init,
    .servers = net_servers,
    .gather = net_gather,
    .set_remote = net_set_remote,
    .add_remote = net_add_remote,
    .remote_done = net_remote_done,
    .send = net_send_packets,
    .whole = net_whole,
    .next = net_next,
    .due = net_ice_due,
    .fds = net_fds,
    .ready = net_ready,
    .selected = net_selected,
    .pair = net_pair,
    .woke = net_woke,
    .close = net_close,
    .closed = net_closed,
    .free = net_ice_free,
    .bytes = net_ice_bytes,
    .tally = net_tally,
};
