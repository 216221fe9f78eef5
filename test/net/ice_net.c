/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE over the virtual network: the second implementation of struct ice_ops. It keeps the behaviour of RFC 8445 that the layers
 * above can see: candidates with a delay, pairs, checks that only the right password answers, peer-reflexive remotes, aggressive
 * nomination, role conflicts, keepalive checks and the states that follow from silence. Its messages are its own (the first
 * byte is that of STUN), and there are no servers. Time comes in as an argument; what it sends goes into test/net.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "sotto/pc.h"
#include "util/mem.h"

#define MAX_PAIRS 128
#define MAX_STATES 8
#define TA_US SOTTO_MS(5)            /* between two new checks */
#define FIRST_RETRY_US SOTTO_MS(100) /* doubling up to MAX_RETRY_US */
#define MAX_RETRY_US SOTTO_MS(1600)
#define MAX_TRIES 8
#define FAIL_US SOTTO_SECONDS(7) /* nothing answered so long after the remote's last candidate */
#define KEEPALIVE_US SOTTO_SECONDS(5)
#define KEEPALIVE_RETRY_US SOTTO_MS(250)
#define SILENT_US SOTTO_SECONDS(8)
#define DEAD_US SOTTO_SECONDS(30)

enum { REQUEST = 0, RESPONSE = 1 };
enum { FLAG_CONTROLLING = 1, FLAG_USE = 2 };
enum pair_state { PAIR_WAITING, PAIR_CHECKING, PAIR_SUCCEEDED, PAIR_FAILED };

struct pair {
    size_t local; /* socket */
    struct address remote;
    uint64_t priority;
    enum pair_state state;
    int tries;
    sotto_us check_at;
    uint64_t txid;
    bool heard; /* a good request came from there */
    bool use;   /* controlled: the remote nominated it */
    bool nominated;
};

struct ice {
    struct net_host *host;
    struct log *log;
    bool controlling, relay_only, allow_loopback, gathering, gathered, gathered_told, done,
        is_closed;
    uint16_t port_min, port_max;
    uint64_t tie;
    char ufrag[257], pwd[257], remote_ufrag[257], remote_pwd[257];
    struct net_socket sockets[NET_MAX_ADDRESSES];
    size_t n_sockets, n_told;
    struct candidate candidates[NET_MAX_ADDRESSES];
    sotto_us gather_at;
    struct remote {
        struct address addr;
        uint32_t priority;
        bool prflx;
    } remotes[SOTTO_MAX_REMOTE_CANDIDATES + SOTTO_MAX_PRFLX];
    size_t n_remotes, n_prflx;
    struct pair pairs[MAX_PAIRS];
    size_t n_pairs;
    struct pair *selected;
    bool selected_told;
    sotto_us fresh_at; /* credentials, a remote candidate or the end of them came */
    sotto_us next_new; /* pacing */
    sotto_us answered_at, keepalive_at;
    int32_t state, before; /* before: the state that DISCONNECTED interrupted */
    int32_t states[MAX_STATES];
    size_t n_states;
    struct net_datagram *current;
    char text[128];
};

static void set_state(struct ice *ice, int32_t state)
{
    if (ice->state == state) return;
    ice->state = state;
    if (ice->n_states == MAX_STATES) abort(); /* next() is called often enough in every test */
    ice->states[ice->n_states++] = state;
}

/* ---- messages ---- */

static uint64_t mac(const char *key, const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *key; key++) h = (h ^ (uint8_t)*key) * 0x100000001b3u;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h ^ (h >> 29);
}

static void put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v = v << 8 | p[i];
    return v;
}

#define HEAD 22 /* type, flags, txid 8, tie 8, priority 4 */

static void send_message(struct ice *ice, size_t socket, const struct address *to, uint8_t type,
                         uint64_t txid)
{
    uint8_t m[HEAD + 2 * 257 + 8] = {type, 0};
    size_t n = HEAD;
    if (ice->controlling) m[1] = FLAG_CONTROLLING | FLAG_USE;
    put64(m + 2, txid);
    put64(m + 10, ice->tie);
    uint32_t priority = 110u << 24 | (65535u - (uint32_t)socket) << 8 | 255;
    m[18] = (uint8_t)(priority >> 24), m[19] = (uint8_t)(priority >> 16),
    m[20] = (uint8_t)(priority >> 8), m[21] = (uint8_t)priority;
    if (type == REQUEST)
        n += (size_t)snprintf((char *)m + n, sizeof m - n, "%s:%s", ice->remote_ufrag, ice->ufrag);
    put64(m + n, mac(type == REQUEST ? ice->remote_pwd : ice->pwd, m, n));
    net_send(&ice->sockets[socket], to, m, n + 8);
}

/* ---- pairs ---- */

static uint64_t pair_priority(const struct ice *ice, size_t local, uint32_t remote)
{
    uint64_t mine = 126u << 24 | (65535u - (uint32_t)local) << 8 | 255;
    uint64_t g = ice->controlling ? mine : remote, d = ice->controlling ? remote : mine;
    return ((g < d ? g : d) << 32) + 2 * (g > d ? g : d) + (g > d); /* RFC 8445 §6.1.2.3 */
}

static struct pair *pair_find(struct ice *ice, size_t local, const struct address *remote)
{
    for (size_t i = 0; i < ice->n_pairs; i++)
        if (ice->pairs[i].local == local && sotto__address_eq(&ice->pairs[i].remote, remote))
            return &ice->pairs[i];
    return NULL;
}

static struct pair *pair_add(struct ice *ice, size_t local, const struct remote *r)
{
    struct pair *p = pair_find(ice, local, &r->addr);
    if (p || ice->n_pairs == MAX_PAIRS || ice->sockets[local].addr.family != r->addr.family)
        return p;
    p = &ice->pairs[ice->n_pairs++];
    *p = (struct pair){.local = local,
                       .remote = r->addr,
                       .priority = pair_priority(ice, local, r->priority),
                       .txid = net_random(&ice->host->net->rng)};
    return p;
}

static bool knows_remote(const struct ice *ice)
{
    return ice->remote_ufrag[0] != '\0';
}

static void pair_remotes(struct ice *ice)
{
    for (size_t r = 0; r < ice->n_remotes; r++)
        for (size_t s = 0; s < ice->n_sockets; s++)
            if (!ice->remotes[r].prflx) pair_add(ice, s, &ice->remotes[r]);
    if (ice->state == SOTTO_ICE_NEW && knows_remote(ice) && ice->n_pairs > 0)
        set_state(ice, SOTTO_ICE_CHECKING);
}

static void select_best(struct ice *ice, sotto_us now)
{
    struct pair *best = ice->selected;
    for (size_t i = 0; i < ice->n_pairs; i++) {
        struct pair *p = &ice->pairs[i];
        if (p->state == PAIR_SUCCEEDED && p->nominated && (!best || p->priority > best->priority))
            best = p;
    }
    if (best != ice->selected) {
        ice->selected = best;
        ice->selected_told = false;
        ice->answered_at = now;
        ice->keepalive_at = now + KEEPALIVE_US;
        if (ice->state <= SOTTO_ICE_CHECKING) set_state(ice, SOTTO_ICE_CONNECTED);
    }
    if (ice->state != SOTTO_ICE_CONNECTED) return;
    for (size_t i = 0; i < ice->n_pairs; i++)
        if (ice->pairs[i].state <= PAIR_CHECKING &&
            ice->pairs[i].priority > ice->selected->priority)
            return;
    set_state(ice, SOTTO_ICE_COMPLETED);
}

static void check(struct ice *ice, struct pair *p, sotto_us now)
{
    p->state = PAIR_CHECKING;
    if (p->tries == MAX_TRIES) {
        p->state = PAIR_FAILED;
        return;
    }
    sotto_us wait = FIRST_RETRY_US << (p->tries < 4 ? p->tries : 4);
    p->check_at = now + (wait < MAX_RETRY_US ? wait : MAX_RETRY_US);
    p->tries++;
    send_message(ice, p->local, &p->remote, REQUEST, p->txid);
}

static struct pair *next_waiting(struct ice *ice)
{
    struct pair *best = NULL;
    for (size_t i = 0; i < ice->n_pairs; i++)
        if (ice->pairs[i].state == PAIR_WAITING &&
            (!best || ice->pairs[i].priority > best->priority))
            best = &ice->pairs[i];
    return best;
}

/* A pair below the selected one needs no more checks. */
static bool pair_matters(const struct ice *ice, const struct pair *p)
{
    return !ice->selected || p->priority > ice->selected->priority;
}

/* ---- what comes in ---- */

static struct pair *learn(struct ice *ice, size_t socket, const struct address *from,
                          uint32_t priority)
{
    struct pair *p = pair_find(ice, socket, from);
    if (p) return p;
    for (size_t i = 0; i < ice->n_remotes; i++)
        if (sotto__address_eq(&ice->remotes[i].addr, from))
            return pair_add(ice, socket, &ice->remotes[i]);
    if (ice->n_prflx == SOTTO_MAX_PRFLX) return NULL;
    ice->n_prflx++;
    ice->remotes[ice->n_remotes] = (struct remote){*from, priority, true};
    return pair_add(ice, socket, &ice->remotes[ice->n_remotes++]);
}

/* RFC 8445 §7.3.1.1, without the 487: the other side sees our checks, which begin anew to carry the nomination. */
static void switch_role(struct ice *ice)
{
    ice->controlling = !ice->controlling;
    for (size_t i = 0; i < ice->n_pairs; i++)
        if (!ice->pairs[i].nominated) ice->pairs[i].state = PAIR_WAITING, ice->pairs[i].tries = 0;
}

static void handle_request(struct ice *ice, size_t socket, const struct net_datagram *d,
                           sotto_us now)
{
    const uint8_t *m = d->p;
    char expect[2 * 257];
    size_t n = (size_t)snprintf(expect, sizeof expect, "%s:%s", ice->ufrag, ice->remote_ufrag);
    size_t name = d->n - HEAD - 8;
    if (knows_remote(ice) ? name != n : name < n) return;
    if (memcmp(m + HEAD, expect, n) != 0 || get64(m + d->n - 8) != mac(ice->pwd, m, d->n - 8))
        return;
    bool controlling = m[1] & FLAG_CONTROLLING;
    if (controlling == ice->controlling && (ice->tie < get64(m + 10)) == ice->controlling)
        switch_role(ice);
    send_message(ice, socket, &d->from, RESPONSE, get64(m + 2));
    uint32_t priority =
        (uint32_t)m[18] << 24 | (uint32_t)m[19] << 16 | (uint32_t)m[20] << 8 | m[21];
    struct pair *p = learn(ice, socket, &d->from, priority);
    if (!p) return;
    p->heard = true;
    if (m[1] & FLAG_USE) p->use = true;
    if (p->state == PAIR_SUCCEEDED) {
        if (p->use) p->nominated = true;
    } else if (p->state != PAIR_CHECKING || p->check_at > now + FIRST_RETRY_US) { /* §7.3.1.4 */
        p->state = PAIR_WAITING, p->tries = 0;
        if (knows_remote(ice)) check(ice, p, now);
    }
    pair_remotes(ice);
    select_best(ice, now);
}

static void handle_response(struct ice *ice, size_t socket, const struct net_datagram *d,
                            sotto_us now)
{
    struct pair *p = pair_find(ice, socket, &d->from);
    if (!p || get64(d->p + 2) != p->txid || p->tries == 0) return;
    if (get64(d->p + d->n - 8) != mac(ice->remote_pwd, d->p, d->n - 8)) return;
    if (p->state != PAIR_SUCCEEDED) {
        p->state = PAIR_SUCCEEDED;
        if (ice->controlling || p->use) p->nominated = true;
    }
    if (p == ice->selected) {
        ice->answered_at = now;
        ice->keepalive_at = now + KEEPALIVE_US;
        if (ice->state == SOTTO_ICE_DISCONNECTED) set_state(ice, ice->before);
    }
    select_best(ice, now);
}

static bool is_validated(struct ice *ice, size_t socket, const struct address *from)
{
    struct pair *p = pair_find(ice, socket, from);
    return p && (p->heard || p->state == PAIR_SUCCEEDED);
}

/* ---- the seam ---- */

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
    ice->port_min = cfg->port_min, ice->port_max = cfg->port_max;
    snprintf(ice->ufrag, sizeof ice->ufrag, "%s", cfg->ufrag);
    snprintf(ice->pwd, sizeof ice->pwd, "%s", cfg->pwd);
    ice->tie = net_random(&ice->host->net->rng);
    ice->host->net->live_ices++;
    *ret = ice;
    return 0;
}

static int net_gather(struct ice *ice, sotto_us now)
{
    struct net_host *h = ice->host;
    for (size_t i = 0; i < h->n_addresses && !ice->relay_only; i++) {
        struct address a = h->addresses[i];
        a.port = 1;
        if (!sotto__address_usable(&a, ice->allow_loopback)) continue;
        if (net_bind(&ice->sockets[ice->n_sockets], h, &a, ice->port_min, ice->port_max) < 0)
            continue;
        struct candidate *c = &ice->candidates[ice->n_sockets];
        snprintf(c->foundation, sizeof c->foundation, "%zu", ice->n_sockets + 1);
        c->component = 1;
        c->priority = 126u << 24 | (65535u - (uint32_t)ice->n_sockets) << 8 | 255;
        c->addr = ice->sockets[ice->n_sockets++].addr;
    }
    if (ice->n_sockets == 0 && !ice->relay_only) return SOTTO_E_NETWORK;
    ice->gathering = true;
    ice->gather_at = now + h->gather_us;
    pair_remotes(ice);
    return 0;
}

static int net_set_remote(struct ice *ice, const char *ufrag, const char *pwd, sotto_us now)
{
    snprintf(ice->remote_ufrag, sizeof ice->remote_ufrag, "%s", ufrag);
    snprintf(ice->remote_pwd, sizeof ice->remote_pwd, "%s", pwd);
    ice->fresh_at = now;
    pair_remotes(ice);
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
    ice->remotes[ice->n_remotes++] = (struct remote){c->addr, c->priority, false};
    ice->fresh_at = now;
    pair_remotes(ice);
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

static bool wants_new_check(struct ice *ice)
{
    return next_waiting(ice) != NULL;
}

static bool may_check(const struct ice *ice)
{
    return ice->gathering && knows_remote(ice) && !ice->is_closed && ice->state != SOTTO_ICE_FAILED;
}

static void run_keepalive(struct ice *ice, sotto_us now)
{
    if (now >= ice->keepalive_at) {
        ice->keepalive_at = now + KEEPALIVE_RETRY_US;
        send_message(ice, ice->selected->local, &ice->selected->remote, REQUEST,
                     ice->selected->txid);
    }
    sotto_us silent = now - ice->answered_at;
    if (silent >= DEAD_US) {
        set_state(ice, SOTTO_ICE_FAILED);
    } else if (silent >= SILENT_US && ice->state != SOTTO_ICE_DISCONNECTED) {
        ice->before = ice->state;
        set_state(ice, SOTTO_ICE_DISCONNECTED);
    }
}

static void run_timers(struct ice *ice, sotto_us now)
{
    if (ice->gathering && !ice->gathered && now >= ice->gather_at && ice->n_told == ice->n_sockets)
        ice->gathered = true;
    if (!may_check(ice)) return;
    for (size_t i = 0; i < ice->n_pairs; i++) {
        struct pair *p = &ice->pairs[i];
        if (p->state == PAIR_CHECKING && now >= p->check_at) {
            if (pair_matters(ice, p))
                check(ice, p, now);
            else
                p->state = PAIR_FAILED;
        }
    }
    if (now >= ice->next_new && wants_new_check(ice)) {
        struct pair *p = next_waiting(ice);
        if (pair_matters(ice, p))
            check(ice, p, now);
        else
            p->state = PAIR_FAILED;
        ice->next_new = now + TA_US;
    }
    if (ice->selected) {
        run_keepalive(ice, now);
        select_best(ice, now);
    } else if (ice->done && now >= ice->fresh_at + FAIL_US) {
        set_state(ice, SOTTO_ICE_FAILED);
    }
}

/* One thing that waits to be told: true filled. */
static bool tell(struct ice *ice, sotto_us now, struct ice_out *out)
{
    if (ice->gathering && ice->n_told < ice->n_sockets && now >= ice->gather_at) {
        out->type = ICE_OUT_CANDIDATE;
        out->candidate = &ice->candidates[ice->n_told++];
        ice->gather_at = now + ice->host->gather_us;
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

/* One datagram: true if it is data to be given up. */
static bool handle(struct ice *ice, size_t socket, const struct net_datagram *d, sotto_us now)
{
    if (d->n == 0) return false;
    if (d->p[0] > 3) return is_validated(ice, socket, &d->from);
    if (d->n >= HEAD + 8 && d->p[0] == REQUEST) handle_request(ice, socket, d, now);
    if (d->n == HEAD + 8 && d->p[0] == RESPONSE) handle_response(ice, socket, d, now);
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
        if (handle(ice, s - 1, d, now)) {
            ice->current = d;
            out->type = ICE_OUT_PACKET;
            out->packet = (struct packet){d->p, d->n};
            return 1;
        }
        free(d);
    }
}

static sotto_us check_due(const struct ice *ice)
{
    sotto_us due = SOTTO_NEVER;
    for (size_t i = 0; i < ice->n_pairs; i++) {
        const struct pair *p = &ice->pairs[i];
        if (p->state == PAIR_CHECKING) due = sotto__earlier(due, p->check_at);
        if (p->state == PAIR_WAITING) due = sotto__earlier(due, ice->next_new);
    }
    if (ice->selected) {
        due = sotto__earlier(due, ice->keepalive_at);
        due = sotto__earlier(due, ice->answered_at +
                                      (ice->state == SOTTO_ICE_DISCONNECTED ? DEAD_US : SILENT_US));
    } else if (ice->done) {
        due = sotto__earlier(due, ice->fresh_at + FAIL_US);
    }
    return due;
}

static sotto_us net_ice_due(const struct ice *ice)
{
    if (ice->is_closed) return SOTTO_NEVER;
    if (ice->n_states > 0 || (ice->selected && !ice->selected_told)) return ice->host->net->now;
    for (size_t s = 0; s < ice->n_sockets; s++)
        if (!sotto__list_empty(&ice->sockets[s].inbox)) return ice->host->net->now;
    sotto_us due = ice->gathering && !ice->gathered_told ? ice->gather_at : SOTTO_NEVER;
    return may_check(ice) ? sotto__earlier(due, check_due(ice)) : due;
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
    sotto__free_secret(ice, sizeof *ice);
}

bool net_ice_address(const struct ice *ice, struct address *ret)
{
    if (ice->n_sockets == 0) return false;
    *ret = ice->sockets[0].addr;
    return true;
}

const struct ice_ops sotto__ice_net = {
    .init = net_init,
    .gather = net_gather,
    .set_remote = net_set_remote,
    .add_remote = net_add_remote,
    .remote_done = net_remote_done,
    .send = net_send_packets,
    .next = net_next,
    .due = net_ice_due,
    .fds = net_fds,
    .ready = net_ready,
    .selected = net_selected,
    .close = net_close,
    .closed = net_closed,
    .free = net_ice_free,
};
