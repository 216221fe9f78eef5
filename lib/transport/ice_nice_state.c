/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libnice reports, and the states made of it. Its signals and its recv callback only copy into bounded places of the ice;
 * they never call out. libnice has no state for a peer that fell silent: whether the path of the selected pair is lost, for now or for
 * good, is told by our own requests (ice_nice_consent.c). They leave by the last sign of life: anything from the selected remote
 * address, STUN included. That an unauthenticated packet can put off DISCONNECTED is harmless, as the end counts authenticated answers.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/mask.h"

#define GAP SOTTO_MS(300) /* in data that is steady */
#define LISTEN_AFTER SOTTO_MS(500) /* nobody looks at what comes sooner after the last */

void sotto__nice_to_address(const NiceAddress *a, struct address *ret)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage any;
    } u = {.any = {0}};
    *ret = (struct address){0};
    nice_address_copy_to_sockaddr(a, &u.sa);
    if (u.sa.sa_family == AF_INET) {
        ret->family = 4;
        memcpy(ret->ip, &u.v4.sin_addr, 4);
        ret->port = ntohs(u.v4.sin_port);
    } else if (u.sa.sa_family == AF_INET6) {
        ret->family = 6;
        memcpy(ret->ip, &u.v6.sin6_addr, 16);
        ret->port = ntohs(u.v6.sin6_port);
    }
}

void sotto__nice_from_address(const struct address *a, NiceAddress *ret)
{
    nice_address_init(ret);
    if (a->family == 4)
        nice_address_set_ipv4(ret, (guint32)a->ip[0] << 24 | (guint32)a->ip[1] << 16 |
                                       (guint32)a->ip[2] << 8 | a->ip[3]);
    else
        nice_address_set_ipv6(ret, a->ip);
    nice_address_set_port(ret, a->port);
}

bool sotto__nice_to_candidate(const NiceCandidate *c, struct candidate *ret)
{
    static const enum candidate_type types[] = {
        [NICE_CANDIDATE_TYPE_HOST] = CANDIDATE_HOST,
        [NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE] = CANDIDATE_SRFLX,
        [NICE_CANDIDATE_TYPE_PEER_REFLEXIVE] = CANDIDATE_PRFLX,
        [NICE_CANDIDATE_TYPE_RELAYED] = CANDIDATE_RELAY,
    };
    if (c->transport != NICE_CANDIDATE_TRANSPORT_UDP || c->component_id != NICE_COMPONENT)
        return false;
    *ret = (struct candidate){
        .component = NICE_COMPONENT, .priority = c->priority, .type = types[c->type]};
    snprintf(ret->foundation, sizeof ret->foundation, "%s", c->foundation);
    sotto__nice_to_address(&c->addr, &ret->addr); /* related stays empty: it would name the host behind a NAT or a relay */
    return ret->addr.family != 0;
}

NiceCandidate *sotto__nice_from_candidate(const struct ice *ice, const struct candidate *c)
{
    static const NiceCandidateType types[] = {
        [CANDIDATE_HOST] = NICE_CANDIDATE_TYPE_HOST,
        [CANDIDATE_SRFLX] = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE,
        [CANDIDATE_PRFLX] = NICE_CANDIDATE_TYPE_PEER_REFLEXIVE,
        [CANDIDATE_RELAY] = NICE_CANDIDATE_TYPE_RELAYED,
    };
    NiceCandidate *n = nice_candidate_new(types[c->type]);
    n->stream_id = ice->stream;
    n->component_id = NICE_COMPONENT;
    n->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    n->priority = sotto__nice_remote_rank(c->priority);
    snprintf(n->foundation, sizeof n->foundation, "%s", c->foundation);
    sotto__nice_from_address(&c->addr, &n->addr);
    n->base_addr = n->addr;
    return n;
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer user)
{
    struct ice *ice = user;
    (void)agent, (void)stream, (void)component;
    ice->nice_state = (NiceComponentState)state;
}

static void on_candidate(NiceAgent *agent, NiceCandidate *c, gpointer user)
{
    struct ice *ice = user;
    struct candidate checked;
    (void)agent;
    if (c->type == NICE_CANDIDATE_TYPE_PEER_REFLEXIVE || !sotto__nice_to_candidate(c, &checked))
        return;
    sotto__nice_servers_gave(ice, &checked);
    size_t by;
    if (checked.type == CANDIDATE_SRFLX && sotto__nice_stun_is_ours(ice, &checked.addr, &by))
        return; /* is offered already */
    if (c->type != NICE_CANDIDATE_TYPE_HOST &&
        !sotto__address_usable(&checked.addr, ice->allow_loopback)) {
        sotto__nice_server_is_odd(ice, &checked);
        return; /* a server's answer may say anything */
    }
    if (ice->gathered) return; /* too late: the remote was told that there are no more */
    if (sotto__nice_is_external(ice, &checked)) return;
    NiceCandidate *all[2] = {nice_candidate_copy(c), sotto__nice_external(ice, c)};
    sotto__nice_rank(ice, all[0]);
    for (size_t i = 0; i < 2 && all[i]; i++) {
        if (ice->n_locals < SOTTO_MAX_LOCAL_CANDIDATES)
            ice->locals = g_slist_append(ice->locals, all[i]), ice->n_locals++;
        else
            nice_candidate_free(all[i]);
    }
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer user)
{
    struct ice *ice = user;
    (void)agent, (void)stream;
    ice->nice_gathered = true; /* see end_gathering() of ice_nice.c */
}

/* libnice does not know what STUN servers told us, and learns such an address from the peer. */
static void name_reflexive(struct ice *ice)
{
    struct address a;
    size_t by;
    sotto__nice_to_address(&ice->pair_local->addr, &a);
    if (ice->pair_local->type == NICE_CANDIDATE_TYPE_PEER_REFLEXIVE &&
        sotto__nice_stun_is_ours(ice, &a, &by))
        ice->pair_local->type = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
}

static void on_pair(NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                    NiceCandidate *remote, gpointer user)
{
    struct ice *ice = user;
    (void)agent, (void)stream, (void)component;
    if (!ice->pair_local) ice->heard = ice->loop->now;
    g_clear_pointer(&ice->pair_local, nice_candidate_free);
    g_clear_pointer(&ice->pair_remote, nice_candidate_free);
    ice->pair_local = nice_candidate_copy(local);
    name_reflexive(ice);
    ice->pair_remote = nice_candidate_copy(remote);
    sotto__nice_move_done(ice);
    ice->pair_changed = ice->path.is_stale = true;
    sotto__nice_consent_begin(ice, ice->loop->now);
}

/* A remote candidate that signalling did not bring: it sent an authenticated check. */
static void on_prflx(NiceAgent *agent, NiceCandidate *c, gpointer user)
{
    struct ice *ice = user;
    union nice_sockaddr from;
    (void)agent;
    ice->n_prflx++;
    memset(&from, 0, sizeof from);
    nice_address_copy_to_sockaddr(&c->addr, &from.sa);
    if (ice->pair_local) sotto__nice_move_seen(ice, &from, ice->loop->now);
}

void sotto__nice_note_data(struct ice *ice, sotto_us now)
{
    if (now - ice->data > GAP) ice->steady = now;
    ice->heard = ice->data = now;
}

void sotto__nice_recv(NiceAgent *agent, guint stream, guint component, guint n, gchar *p,
                      gpointer user)
{
    struct ice *ice = user;
    (void)agent, (void)stream, (void)component;
    if (n == 0 || (uint8_t)p[0] <= 3 || ice->close_called || ice->is_dead) return; /* libnice gives STUN up here that it could not verify */
    sotto__nice_note_data(ice, ice->loop->now);
    ice->path.came++;
    sotto__ice_box_put(ice->box, ice, (const uint8_t *)p, n);
}

void sotto__nice_connect_signals(struct ice *ice)
{
    g_signal_connect(ice->agent, "component-state-changed", G_CALLBACK(on_state), ice);
    g_signal_connect(ice->agent, "new-candidate-full", G_CALLBACK(on_candidate), ice);
    g_signal_connect(ice->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), ice);
    g_signal_connect(ice->agent, "new-selected-pair-full", G_CALLBACK(on_pair), ice);
    g_signal_connect(ice->agent, "new-remote-candidate-full", G_CALLBACK(on_prflx), ice);
}

static bool is_from_peer(const struct ice *ice, int fd)
{
    uint8_t first[4];
    union {
        struct sockaddr sa;
        struct sockaddr_storage any;
    } from;
    NiceAddress address;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT, &from.sa, &len);
    if (n < 2) return false;
    if (ice->pair_local->type == NICE_CANDIDATE_TYPE_RELAYED) /* ChannelData or a Data indication: RFC 8656 §11.6, §12.4 */
        return (first[0] & 0xc0) == 0x40 || (first[0] == 0x00 && first[1] == 0x17);
    if (len == 0 || (from.sa.sa_family != AF_INET && from.sa.sa_family != AF_INET6)) return false;
    nice_address_init(&address);
    nice_address_set_from_sockaddr(&address, &from.sa);
    return nice_address_equal_no_port(&address, &ice->pair_remote->addr) &&
           nice_address_get_port(&address) == nice_address_get_port(&ice->pair_remote->addr);
}

void sotto__nice_listen(struct ice *ice, sotto_us now)
{
    const struct nice_loop *l = ice->loop;
    if (!ice->pair_local || now - ice->heard < LISTEN_AFTER) return;
    if (sotto__nice_twin_waits(ice)) {
        ice->heard = now;
        return;
    }
    for (gint i = 0; i < l->n; i++)
        if ((l->fds[i].revents & G_IO_IN) && is_from_peer(ice, l->fds[i].fd)) {
            ice->heard = now;
            return;
        }
}

static int32_t die(struct ice *ice, const char *why)
{
    SOTTO_LOG(ice->log, SOTTO_LOG_WARNING, "ice", "failed: %s", why);
    ice->is_dead = true;
    return SOTTO_ICE_FAILED;
}

/* No pair yet: whether none is to be expected any more. A late candidate can still revive the connection. */
static bool is_hopeless(const struct ice *ice, sotto_us now)
{
    if (!ice->remote_set || !ice->gathered) return false;
    if (ice->patience != 0 && now >= ice->patience) return true;
    if (!ice->remote_done) return false;
    return ice->nice_state == NICE_COMPONENT_STATE_FAILED ||
           (ice->relay_only && ice->n_locals == 0);
}

static int32_t find_state(struct ice *ice, sotto_us now)
{
    if (ice->is_dead) return SOTTO_ICE_FAILED;
    if (ice->n_prflx > SOTTO_MAX_PRFLX) return die(ice, "the peer sends from too many addresses");
    if (ice->n_conflicts > SOTTO_MAX_CONFLICTS) return die(ice, "the peer takes neither role");
    if (ice->pair_local) {
        if (ice->nice_state == NICE_COMPONENT_STATE_FAILED)
            return die(ice, "the peer's checks and answers stopped");
        if (sotto__nice_consent_ended(ice, now)) return die(ice, "the peer's consent ended");
        if (sotto__nice_consent_lost(ice, now)) return SOTTO_ICE_DISCONNECTED;
        return ice->nice_state == NICE_COMPONENT_STATE_READY ? SOTTO_ICE_COMPLETED
                                                             : SOTTO_ICE_CONNECTED;
    }
    if (is_hopeless(ice, now)) return SOTTO_ICE_FAILED;
    bool has_peer = ice->tally.n_named > 0 || ice->n_prflx > 0 ||
                    ice->nice_state == NICE_COMPONENT_STATE_CONNECTING;
    bool had_one = ice->state != SOTTO_ICE_NEW; /* another remote took its place */
    return ice->remote_set && (has_peer || had_one) ? SOTTO_ICE_CHECKING : SOTTO_ICE_NEW;
}

/* libnice may pass several states in one dispatch; those above see them all. */
int32_t sotto__nice_state(struct ice *ice, sotto_us now)
{
    int32_t state = find_state(ice, now);
    bool is_up = state == SOTTO_ICE_CONNECTED || state == SOTTO_ICE_COMPLETED;
    bool was_up = ice->state == SOTTO_ICE_CONNECTED || ice->state == SOTTO_ICE_COMPLETED;
    if (was_up && state == SOTTO_ICE_FAILED) return SOTTO_ICE_DISCONNECTED;
    if (is_up && ice->state == SOTTO_ICE_NEW) return SOTTO_ICE_CHECKING;
    if (is_up && !was_up) return SOTTO_ICE_CONNECTED;
    return state;
}

sotto_us sotto__nice_state_due(const struct ice *ice)
{
    if (ice->is_dead || ice->pair_local) return SOTTO_NEVER; /* ice_nice_consent.c has it */
    sotto_us due =
        ice->patience != 0 && ice->state != SOTTO_ICE_FAILED ? ice->patience : SOTTO_NEVER;
    return ice->hold_until != 0 ? sotto__earlier(due, ice->hold_until) : due;
}

void sotto__nice_make_selected(struct ice *ice)
{
    static const char *const names[] = {"host", "srflx", "prflx", "relay"};
    const NiceCandidate *ends[2] = {ice->pair_local, ice->pair_remote};
    char masked[2][64], text[46];
    for (int i = 0; i < 2; i++) {
        struct address a;
        char mask[MASK];
        sotto__nice_to_address(&ends[i]->addr, &a);
        sotto__address_text(&a, text);
        snprintf(masked[i], sizeof masked[i], "%s udp %s", names[ends[i]->type],
                 sotto__mask_address(text, mask));
    }
    snprintf(ice->selected, sizeof ice->selected, "%s → %s", masked[0], masked[1]);
}
