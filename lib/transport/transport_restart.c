/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generations of ICE of one transport (RFC 8445 §9), make before break: `next` gathers and checks with credentials and
 * sockets of its own while `live` carries the data. With its first pair it becomes the live one; the replaced one still receives
 * for a while what is on its way, then says its goodbyes. Out: the state shown for all of them together, as W3C WebRTC §5.6.4
 * wants it over a restart. Knows nothing of DTLS but whether the association moves along.
 * answers: H058
 */
#include <string.h>

#include "sotto/pc.h"
#include "transport/transport_priv.h"
#include "util/mem.h"

#define PATH_ANSWERS SOTTO_MS(300) /* or in twice its round trip; if it does not, another generation need not be patient */
#define DRAIN SOTTO_SECONDS(3) /* the remote switches by itself; RFC 8445 §8.3 has candidates freed after as long */

static bool is_up(int32_t state)
{
    return state == SOTTO_ICE_CONNECTED || state == SOTTO_ICE_COMPLETED;
}

/* The state of the one that carries the data, or should. ICE tells of the pair before it tells of the state; after a restart no step
 * back is shown between the two. */
static int32_t carried(const struct transport *t)
{
    const struct transport_generation *g = t->carrier.ice ? &t->carrier : &t->live;
    if (g->is_restart && g->selected && g->state < SOTTO_ICE_CONNECTED) return SOTTO_ICE_CONNECTED;
    return g->state;
}

/* Whether the path carries data still: while it may, the next generation is patient. */
static void ask_path(struct transport *t, sotto_us now)
{
    const struct transport_generation *path = sotto__transport_path(t);
    const struct ice_ops *ops = t->shared->ice_ops;
    t->asked_path = 0;
    if (!path || !ops->woke || !ops->heard || !ops->hurry) return;
    ops->woke(path->ice, 0, now);
    t->asked_path = now;
}

static sotto_us path_answers_by(const struct transport *t)
{
    struct ice_pair pair = {.rtt = 0};
    (void)sotto__transport_pair(t, &pair);
    return sotto__after(t->asked_path, 2 * pair.rtt > PATH_ANSWERS ? 2 * pair.rtt : PATH_ANSWERS);
}

void sotto__transport_look_after_path(struct transport *t, sotto_us now)
{
    const struct transport_generation *path = sotto__transport_path(t);
    if (t->asked_path == 0 || now < path_answers_by(t)) return;
    if (t->next.ice && (!path || t->shared->ice_ops->heard(path->ice) < t->asked_path))
        t->shared->ice_ops->hurry(t->next.ice, now);
    t->asked_path = 0;
}

int sotto__transport_start_generation(struct transport *t, struct transport_generation *g,
                                      sotto_us now)
{
    const struct ice_ops *ops = t->shared->ice_ops;
    struct ice_cfg cfg = {
        .controlling = t->controlling,
        /* Chromium drops for good a pair that our check shows it before our answer does, if its old one still works */
        .is_patient = g != &t->live && !t->controlling && is_up(t->live.state),
        .relay_only = t->relay_only,
        .allow_loopback = t->allow_loopback,
        .default_route =
            t->privacy == SOTTO_PRIVACY_DEFAULT_ROUTE || t->privacy == SOTTO_PRIVACY_PUBLIC,
        .no_fast_path = t->shared->no_fast_path,
        .ufrag = g->ufrag,
        .pwd = g->pwd,
        .port_min = t->port_min,
        .port_max = t->port_max,
        .interface = t->interface,
        .external = {t->external[0], t->external[1]},
        .servers = t->servers,
        .n_servers = t->n_servers,
        .ca_file = t->ca_file,
        .box = t->shared->box,
        .log = t->shared->log,
        .world = t->shared->world,
    };
    struct ice_server *servers;
    struct ice *ice = NULL;
    int r = sotto__transport_copy_servers(t->servers, t->n_servers, false, &servers);
    if (r < 0) return r;
    uint8_t wanted = sotto__transport_ask_servers(t, now);
    cfg.more_servers = wanted != 0;
    r = ops->init(&ice, &cfg, now);
    if (r < 0) {
        sotto__transport_free_servers(servers, t->n_servers);
        return r;
    }
    g->ice = ice;
    g->servers = servers, g->n_servers = t->n_servers;
    g->state = SOTTO_ICE_NEW;
    if (cfg.is_patient) ask_path(t, now);
    r = ops->gather(ice, now);
    t->no_port = r == SOTTO_E_LIMIT;
    if (t->no_port) r = SOTTO_E_NETWORK;
    if (r == 0) {
        g->wanted = wanted, g->is_replaced = false;
        t->servers_busy = t->servers_busy || wanted != 0;
        return 0;
    }
    ops->free(ice);
    sotto__transport_empty(g);
    return r;
}

int sotto__transport_start(struct transport *t, bool controlling, sotto_us now)
{
    if (t->live.ice) return SOTTO_E_STATE;
    t->controlling = controlling;
    return sotto__transport_start_generation(t, &t->live, now);
}

static void flush(struct transport *t, const struct ice *ice, sotto_us now)
{
    if (t->shared->egress->ice == ice) sotto__egress_flush(t->shared->egress, now);
}

static void free_retired(struct transport *t, size_t i)
{
    t->shared->ice_ops->free(t->retired[i]);
    t->retired[i] = NULL;
    t->drain_until[i] = 0;
}

static void close_retired(struct transport *t, size_t i, sotto_us now)
{
    if (!t->retired[i] || t->drain_until[i] == 0) return;
    t->drain_until[i] = 0;
    t->shared->ice_ops->close(t->retired[i], now);
}

void sotto__transport_empty(struct transport_generation *g)
{
    sotto__transport_free_servers(g->servers, g->n_servers);
    g->servers = NULL;
    g->n_servers = 0;
    g->ice = NULL;
    sotto__free(g->remote_ufrag);
    g->remote_ufrag = NULL;
    g->selected = g->is_restart = g->is_replaced = false;
    g->unnamed = g->wanted = 0;
    g->state = SOTTO_ICE_NEW;
}

/* Nothing is freed before the next turn, but for want of room: a generation that starts in the same call would get the numbers of the
 * descriptors that were closed, and the loop would take them for the old ones. */
void sotto__transport_retire(struct transport *t, struct transport_generation *g, bool drain,
                             sotto_us now)
{
    struct ice *ice = g->ice;
    sotto__transport_keep_refused(t, ice);
    sotto__transport_empty(g);
    if (!ice) return;
    flush(t, ice, now);
    for (size_t i = 0; i < 2; i++) close_retired(t, i, now);
    if (t->retired[0] && t->retired[1]) free_retired(t, 1); /* cut short */
    if (t->retired[0]) {
        t->retired[1] = t->retired[0];
        t->drain_until[1] = 0;
    }
    t->retired[0] = ice;
    t->drain_until[0] = sotto__after(now, DRAIN);
    if (!drain) close_retired(t, 0, now);
}

bool sotto__transport_next_retired(struct transport *t, size_t i, sotto_us now,
                                   struct packet *packet)
{
    struct ice_out out;
    while (t->retired[i] && t->shared->ice_ops->next(t->retired[i], now, &out) == 1)
        if (t->drain_until[i] != 0 && out.type == ICE_OUT_PACKET) {
            *packet = out.packet;
            return true;
        }
    if (now >= t->drain_until[i]) close_retired(t, i, now);
    if (t->retired[i] && t->shared->ice_ops->closed(t->retired[i])) free_retired(t, i);
    return false;
}

void sotto__transport_unstart(struct transport *t, sotto_us now)
{
    if (!t->live.remote_ufrag) sotto__transport_retire(t, &t->live, false, now);
}

int sotto__transport_renew(struct transport *t)
{
    return t->live.ice ? SOTTO_E_STATE : sotto__transport_credentials(&t->live);
}

const struct transport_generation *sotto__transport_prepared(const struct transport *t)
{
    return t->spare.ufrag[0] || t->next.remote_ufrag ? &t->spare : &t->next;
}

int sotto__transport_prepare(struct transport *t)
{
    struct transport_generation *g =
        sotto__transport_prepared(t) == &t->spare ? &t->spare : &t->next;
    return g->ufrag[0] ? 0 : sotto__transport_credentials(g);
}

/* Another one overtakes the restart that has no pair yet. */
static int overtake(struct transport *t, sotto_us now)
{
    struct transport_generation g = t->spare;
    int r = sotto__transport_start_generation(t, &g, now);
    if (r == 0) {
        sotto__transport_replace(t, now);
        t->next = g;
        sotto__wipe(&t->spare, sizeof t->spare);
    }
    sotto__wipe(&g, sizeof g);
    return r;
}

int sotto__transport_restart(struct transport *t, sotto_us now)
{
    const struct transport_generation *g = sotto__transport_prepared(t);
    if (!t->live.ice || g->ufrag[0] == '\0') return SOTTO_E_STATE;
    if (g->ice) return 0;
    int r = g == &t->spare ? overtake(t, now) : sotto__transport_start_generation(t, &t->next, now);
    if (r == 0) t->lost_before = !is_up(carried(t));
    return r;
}

void sotto__transport_forget(struct transport *t, sotto_us now)
{
    sotto__transport_retire(t, &t->next, false, now);
    sotto__wipe(&t->next, sizeof t->next);
    sotto__wipe(&t->spare, sizeof t->spare);
}

static void take_place(struct transport *t)
{
    t->live = t->next;
    t->live.is_restart = true;
    t->dtls_moves = false;
    sotto__wipe(&t->next, sizeof t->next);
}

void sotto__transport_switch(struct transport *t, sotto_us now)
{
    bool same = !t->dtls_moves; /* else nobody could open what is on its way */
    sotto__transport_retire(t, &t->live, same && t->live.selected, now);
    sotto__transport_drop_carrier(t, same, now); /* last: the one to be listened to, if there is one */
    take_place(t);
}

void sotto__transport_drop_carrier(struct transport *t, bool drain, sotto_us now)
{
    sotto__transport_retire(t, &t->carrier, drain, now);
    sotto__wipe(&t->carrier, sizeof t->carrier);
}

void sotto__transport_replace(struct transport *t, sotto_us now)
{
    if (!t->next.ice) return;
    if (t->dtls_moves) sotto__transport_drop_carrier(t, false, now); /* of an association that ended */
    if (t->live.selected && !t->dtls_moves)
        t->carrier = t->live; /* there is no other: a live one with a pair has retired it */
    else
        sotto__transport_retire(t, &t->live, false, now);
    take_place(t);
}

const struct transport_generation *sotto__transport_path(const struct transport *t)
{
    if (t->carrier.ice) return &t->carrier;
    return t->live.selected ? &t->live : NULL;
}

void sotto__transport_stop_draining(struct transport *t, sotto_us now)
{
    for (size_t i = 0; i < 2; i++) close_retired(t, i, now);
}

/* Of those that have no pair yet: one that checks counts more than one that waits, and that more than one that failed. */
static int32_t hoped_for(const struct transport *t)
{
    int32_t live = t->carrier.ice ? t->live.state : SOTTO_ICE_FAILED;
    int32_t next = t->next.ice ? t->next.state : SOTTO_ICE_FAILED;
    if (live == SOTTO_ICE_FAILED || next == SOTTO_ICE_FAILED) return (live < next ? live : next);
    return live == SOTTO_ICE_NEW ? next : live;
}

int32_t sotto__transport_ice_state(const struct transport *t)
{
    int32_t now = carried(t);
    if (!t->next.ice && !t->carrier.ice) return now;
    int32_t hope = hoped_for(t);
    if (hope == SOTTO_ICE_FAILED) /* the restart did; what there was may go on */
        return is_up(now) || now == SOTTO_ICE_DISCONNECTED ? now : SOTTO_ICE_FAILED;
    if (is_up(now)) return SOTTO_ICE_CONNECTED;
    if (now == SOTTO_ICE_NEW) return hope;
    if (t->lost_before || hope != SOTTO_ICE_NEW) return SOTTO_ICE_CHECKING;
    return now; /* lost since, and the remote has not answered: nothing is being checked */
}

/* A generation by number, or what was retired. */
static struct ice *ice_at(const struct transport *t, size_t i)
{
    const struct transport_generation *g[] = {&t->live, &t->next, &t->carrier};
    return i < 3 ? g[i]->ice : t->retired[i - 3];
}

sotto_us sotto__transport_ice_due(const struct transport *t)
{
    sotto_us due = t->servers_busy ? sotto__transport_servers_due(t) : SOTTO_NEVER;
    if (t->asked_path != 0) due = sotto__earlier(due, path_answers_by(t));
    for (size_t i = 0; i < 5; i++)
        if (ice_at(t, i)) due = sotto__earlier(due, t->shared->ice_ops->due(ice_at(t, i)));
    for (size_t i = 0; i < 2; i++) {
        if (t->retired[i] && t->drain_until[i] != 0) due = sotto__earlier(due, t->drain_until[i]);
        if (t->retired[i] && t->shared->ice_ops->closed(t->retired[i])) return 0; /* to be freed */
    }
    return due;
}

int sotto__transport_fds(struct transport *t, struct sotto_fd *out, int max)
{
    int n = 0;
    for (size_t i = 0; i < 5; i++) {
        struct ice *ice = ice_at(t, i);
        t->watched[i].ice = ice;
        t->watched[i].first = n;
        t->watched[i].n = ice ? t->shared->ice_ops->fds(ice, out + n, max - n) : 0;
        n += t->watched[i].n;
    }
    return n;
}

void sotto__transport_ready(struct transport *t, int slot, short revents)
{
    for (size_t i = 0; i < 5; i++) {
        int at = slot - t->watched[i].first;
        if (at < 0 || at >= t->watched[i].n) continue;
        for (size_t k = 0; k < 5; k++) /* it may have moved since, or be gone */
            if (ice_at(t, k) && ice_at(t, k) == t->watched[i].ice)
                t->shared->ice_ops->ready(ice_at(t, k), at, revents);
        return;
    }
}

void sotto__transport_woke(struct transport *t, sotto_us slept, sotto_us now)
{
    for (size_t i = 0; i < 3; i++) /* those that were retired ask nobody */
        if (ice_at(t, i) && t->shared->ice_ops->woke)
            t->shared->ice_ops->woke(ice_at(t, i), slept, now);
}

struct ice *sotto__transport_detach(struct transport *t, sotto_us now)
{
    struct transport_generation *generations[] = {&t->live, &t->next, &t->carrier};
    struct ice *ice = NULL;
    t->more = false;
    for (size_t i = 0; !ice && i < 3; i++) {
        ice = generations[i]->ice;
        sotto__transport_keep_refused(t, ice);
        sotto__transport_empty(generations[i]);
    }
    for (size_t i = 0; !ice && i < 2; i++) {
        ice = t->retired[i];
        t->retired[i] = NULL;
        t->drain_until[i] = 0;
    }
    if (!ice) return NULL;
    flush(t, ice, now);
    t->shared->ice_ops->close(ice, now); /* again for one that closes already: nothing */
    return ice;
}
