/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs and checks of ICE over the virtual network: its messages, which are its own (the first byte is that of STUN), what a
 * good one means, nomination, role conflicts, keepalives and the states that follow from silence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ice_net.h"

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

void net_ice_set_state(struct ice *ice, int32_t state)
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

bool net_ice_knows_remote(const struct ice *ice)
{
    return ice->remote_ufrag[0] != '\0';
}

void net_ice_pair_remotes(struct ice *ice)
{
    for (size_t r = 0; r < ice->n_remotes; r++)
        for (size_t s = 0; s < ice->n_sockets; s++)
            if (!ice->remotes[r].prflx) pair_add(ice, s, &ice->remotes[r]);
    if (ice->state == SOTTO_ICE_NEW && net_ice_knows_remote(ice) && ice->n_pairs > 0)
        net_ice_set_state(ice, SOTTO_ICE_CHECKING);
}

void net_ice_forget_remote(struct ice *ice)
{
    ice->selected = NULL;
    ice->selected_told = ice->done = false;
    ice->n_pairs = ice->n_remotes = ice->n_prflx = 0;
    sotto__ice_tally_clear(&ice->tally);
    if (ice->state != SOTTO_ICE_NEW) net_ice_set_state(ice, SOTTO_ICE_CHECKING);
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
        if (ice->state <= SOTTO_ICE_CHECKING) net_ice_set_state(ice, SOTTO_ICE_CONNECTED);
    }
    if (ice->state != SOTTO_ICE_CONNECTED) return;
    for (size_t i = 0; i < ice->n_pairs; i++)
        if (ice->pairs[i].state <= PAIR_CHECKING &&
            ice->pairs[i].priority > ice->selected->priority)
            return;
    net_ice_set_state(ice, SOTTO_ICE_COMPLETED);
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
    p->sent_at = now;
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
    if (net_ice_knows_remote(ice) ? name != n : name < n) return;
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
        if (net_ice_knows_remote(ice)) check(ice, p, now);
    }
    net_ice_pair_remotes(ice);
    select_best(ice, now);
}

static void handle_response(struct ice *ice, size_t socket, const struct net_datagram *d,
                            sotto_us now)
{
    struct pair *p = pair_find(ice, socket, &d->from);
    if (!p || get64(d->p + 2) != p->txid || p->tries == 0) return;
    if (get64(d->p + d->n - 8) != mac(ice->remote_pwd, d->p, d->n - 8)) return;
    p->rtt = now - p->sent_at;
    if (p->state != PAIR_SUCCEEDED) {
        p->state = PAIR_SUCCEEDED;
        if (ice->controlling || p->use) p->nominated = true;
    }
    if (p == ice->selected) {
        ice->answered_at = now;
        ice->keepalive_at = now + KEEPALIVE_US;
        if (ice->state == SOTTO_ICE_DISCONNECTED) net_ice_set_state(ice, ice->before);
    }
    select_best(ice, now);
}

/* As of the same message of STUN, while there is no pair. */
static void tally(struct ice *ice, const struct net_datagram *d)
{
    const uint8_t stun[20] = {d->p[0] == RESPONSE, 1};
    if (!ice->selected) sotto__ice_tally_note(&ice->tally, &d->from, stun, sizeof stun);
}

static bool is_validated(struct ice *ice, size_t socket, const struct address *from)
{
    struct pair *p = pair_find(ice, socket, from);
    return p && (p->heard || p->state == PAIR_SUCCEEDED);
}

bool net_ice_handle(struct ice *ice, size_t socket, const struct net_datagram *d, sotto_us now)
{
    if (d->n == 0) return false;
    if (d->p[0] > 3) return is_validated(ice, socket, &d->from);
    tally(ice, d);
    if (d->n >= HEAD + 8 && d->p[0] == REQUEST) handle_request(ice, socket, d, now);
    if (d->n == HEAD + 8 && d->p[0] == RESPONSE) handle_response(ice, socket, d, now);
    return false;
}

static bool wants_new_check(struct ice *ice)
{
    return next_waiting(ice) != NULL;
}

bool net_ice_may_check(const struct ice *ice)
{
    return ice->gathering && net_ice_knows_remote(ice) && !ice->is_closed &&
           ice->state != SOTTO_ICE_FAILED;
}

static void run_keepalive(struct ice *ice, sotto_us now)
{
    if (now >= ice->keepalive_at) {
        ice->keepalive_at = now + KEEPALIVE_RETRY_US;
        ice->selected->sent_at = now;
        send_message(ice, ice->selected->local, &ice->selected->remote, REQUEST,
                     ice->selected->txid);
    }
    sotto_us silent = now - ice->answered_at;
    if (silent >= DEAD_US) {
        net_ice_set_state(ice, SOTTO_ICE_FAILED);
    } else if (silent >= SILENT_US && ice->state != SOTTO_ICE_DISCONNECTED) {
        ice->before = ice->state;
        net_ice_set_state(ice, SOTTO_ICE_DISCONNECTED);
    }
}

void net_ice_run_checks(struct ice *ice, sotto_us now)
{
    if (!net_ice_may_check(ice)) return;
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
        net_ice_set_state(ice, SOTTO_ICE_FAILED);
    }
}

sotto_us net_ice_check_due(const struct ice *ice)
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
