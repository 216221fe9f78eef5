/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consent of the selected pair (RFC 7675 §5.1) past libnice, whose checks cost an idle connection ten times as much and end for good
 * after 200 lost ones. Over the pair's own socket a Binding request leaves now and then; its answer, and the peer's requests, are taken
 * from the head of the queue of that socket before libnice reads it. What is not exactly what belongs to a settled pair is left there for
 * libnice. In: turns, and a socket that is readable; out: when the peer last consented. Only over a direct pair of UDP, and where no TURN
 * server could give another: there libnice's own checks go on.
 */
#include <stdio.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/bytes.h"
#include "util/mem.h"
#include "util/rand.h"

#define LEAST SOTTO_MS(5000) /* RFC 7675 §5.1: 5 s, by a random factor of 0.8 to 1.2; here the upper half of it */
#define SPREAD_MS 900u
#define ENDS SOTTO_SECONDS(30)
#define MAX_STUN 600u
#define QUIET SOTTO_MS(200) /* after data, libnice answers what comes between it: a look at each datagram would cost more */
#define PEER_REFLEXIVE (110u << 24) /* RFC 8445 §5.1.2.2 */
#define REQUEST 0x0001u
#define RESPONSE 0x0101u

struct stun_in {
    uint8_t bytes[MAX_STUN];
    size_t n;
    union {
        struct sockaddr sa;
        struct sockaddr_storage any;
        union nice_sockaddr is;
    } from;
    socklen_t from_size;
};

static bool is_on(const struct ice *ice)
{
    return ice->consent.is_own && ice->consent.remote_pwd && ice->pair_local && !ice->is_dead &&
           !ice->is_deaf && !ice->close_called && ice->path.socket;
}

int sotto__nice_consent_init(struct ice *ice, bool is_controlling)
{
    struct nice_consent *c = &ice->consent;
    c->is_own = ice->n_turn == 0 && !ice->no_fast_path;
    c->is_controlling = is_controlling;
    if (c->is_own) g_object_set(ice->agent, "keepalive-conncheck", FALSE, NULL);
    return sotto__rand_u64(&c->tie);
}

void sotto__nice_consent_free(struct ice *ice)
{
    char *pwd = ice->consent.remote_pwd;
    if (pwd) sotto__free_secret(pwd, strlen(pwd));
    ice->consent.remote_pwd = NULL;
}

void sotto__nice_consent_remote(struct ice *ice, char *pwd)
{
    sotto__nice_consent_free(ice);
    ice->consent.remote_pwd = pwd;
}

/* Data will come by libnice's socket for good, and often hide the answers from us. */
void sotto__nice_consent_leave(struct ice *ice)
{
    if (!ice->consent.is_own) return;
    ice->consent.is_own = ice->is_kept = false;
    g_object_set(ice->agent, "keepalive-conncheck", TRUE, NULL);
}

void sotto__nice_consent_begin(struct ice *ice, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    c->given = now;
    c->at = sotto__nice_moment(now, LEAST, SPREAD_MS, (uint16_t)c->tie);
    c->is_waiting = false;
}

static void init_stun(StunAgent *a)
{
    stun_agent_init(a, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

static void send_to_peer(struct ice *ice, const uint8_t *p, size_t n)
{
    /* one that does not leave is as one that the network lost */
    (void)sendto(g_socket_get_fd(ice->path.socket), p, n, MSG_DONTWAIT | MSG_NOSIGNAL,
                 &ice->path.to.sa, ice->path.to_size);
}

static void ask(struct ice *ice)
{
    struct nice_consent *c = &ice->consent;
    StunAgent agent;
    StunMessage message;
    uint8_t bytes[MAX_STUN], name[2 * SOTTO_MAX_UFRAG + 2];
    int n = snprintf((char *)name, sizeof name, "%s:%s", ice->remote_ufrag, ice->ufrag);
    uint32_t priority = PEER_REFLEXIVE | (ice->pair_local->priority & 0xffffff);
    init_stun(&agent);
    size_t len = stun_usage_ice_conncheck_create(
        &agent, &message, bytes, sizeof bytes, name, (size_t)n, (const uint8_t *)c->remote_pwd,
        strlen(c->remote_pwd), c->is_controlling, c->is_controlling, priority, c->tie, NULL,
        STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    if (len == 0) return;
    stun_message_id(&message, c->id);
    c->is_waiting = true;
    send_to_peer(ice, bytes, len);
}

void sotto__nice_consent_turn(struct ice *ice, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    if (!is_on(ice) || now < c->at) return;
    ask(ice);
    c->at = sotto__nice_moment(now, LEAST, SPREAD_MS, sotto__get_u16(c->id + 14));
}

sotto_us sotto__nice_consent_due(const struct ice *ice)
{
    if (!is_on(ice)) return SOTTO_NEVER;
    return sotto__earlier(ice->consent.at, sotto__after(ice->consent.given, ENDS));
}

bool sotto__nice_consent_ended(const struct ice *ice, sotto_us now)
{
    return is_on(ice) && now - ice->consent.given >= ENDS;
}

/* The name of a request to us by this peer; then it is our password that it must know. */
static bool know_name(StunAgent *agent, StunMessage *m, uint8_t *name, uint16_t n, uint8_t **pwd,
                      size_t *n_pwd, void *user)
{
    struct ice *ice = user;
    size_t ours = strlen(ice->ufrag), theirs = strlen(ice->remote_ufrag);
    (void)agent, (void)m;
    if (!name || n != ours + 1 + theirs || memcmp(name, ice->ufrag, ours) != 0 ||
        name[ours] != ':' || memcmp(name + ours + 1, ice->remote_ufrag, theirs) != 0)
        return false;
    *pwd = (uint8_t *)ice->pwd;
    *n_pwd = strlen(ice->pwd);
    return true;
}

/* Of a pair that is settled a request changes nothing, unless the roles are others than thought. */
static bool answer(struct ice *ice, struct stun_in *in)
{
    struct nice_consent *c = &ice->consent;
    StunAgent agent;
    StunMessage request, message;
    uint8_t bytes[MAX_STUN];
    size_t n = sizeof bytes;
    if (ice->nice_state != NICE_COMPONENT_STATE_READY) return false;
    init_stun(&agent);
    if (stun_agent_validate(&agent, &request, in->bytes, in->n, know_name, ice) !=
        STUN_VALIDATION_SUCCESS)
        return false;
    bool controls = stun_message_has_attribute(&request, STUN_ATTRIBUTE_ICE_CONTROLLING);
    if (controls == c->is_controlling) {
        c->is_controlling = !controls; /* as libnice will find, or say */
        return false;
    }
    bool role = c->is_controlling;
    if (stun_usage_ice_conncheck_create_reply(
            &agent, &request, &message, bytes, &n, &in->from.any, in->from_size, &role, c->tie,
            STUN_USAGE_ICE_COMPATIBILITY_RFC5245) != STUN_USAGE_ICE_RETURN_SUCCESS ||
        n == 0)
        return false;
    send_to_peer(ice, bytes, n);
    return true;
}

/* Success alone is consent: an error is as no answer. */
static bool accept_answer(struct ice *ice, struct stun_in *in, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    StunAgent agent;
    StunMessage message;
    if (!c->is_waiting || memcmp(in->bytes + 4, c->id, sizeof c->id) != 0) return false;
    init_stun(&agent);
    StunAgentSavedIds *sent = &agent.sent_ids[0];
    memset(sent, 0, sizeof *sent);
    memcpy(sent->id, c->id, sizeof c->id);
    sent->method = STUN_BINDING;
    sent->key = (uint8_t *)c->remote_pwd;
    sent->key_len = strlen(c->remote_pwd);
    sent->valid = true;
    StunValidationStatus status =
        stun_agent_validate(&agent, &message, in->bytes, in->n, NULL, NULL);
    if (status != STUN_VALIDATION_SUCCESS && status != STUN_VALIDATION_UNKNOWN_ATTRIBUTE)
        return false;
    c->is_waiting = false;
    c->given = now;
    return true;
}

/* False: it is for libnice. */
static bool take_head(struct ice *ice, int fd, sotto_us now)
{
    struct stun_in in;
    in.from_size = sizeof in.from;
    ssize_t n = recvfrom(fd, in.bytes, sizeof in.bytes, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT,
                         &in.from.sa, &in.from_size);
    if (n < 0) return true; /* nothing is there */
    in.n = (size_t)n;
    if (in.n < 20 || in.n > sizeof in.bytes ||
        !sotto__nice_same_address(&in.from.is, &ice->path.to))
        return false;
    unsigned type = sotto__get_u16(in.bytes);
    bool is_ours =
        (type == REQUEST && answer(ice, &in)) || (type == RESPONSE && accept_answer(ice, &in, now));
    if (!is_ours) return false;
    ice->heard = now;
    return recv(fd, in.bytes, 1, MSG_DONTWAIT) >= 0;
}

void sotto__nice_consent_listen(struct ice *ice, sotto_us now)
{
    struct nice_loop *l = ice->loop;
    if (!is_on(ice) || (!ice->consent.is_waiting && now - ice->heard < QUIET)) return;
    int fd = g_socket_get_fd(ice->path.socket);
    for (gint i = 0; i < l->n; i++) {
        if (l->fds[i].fd != fd || !(l->fds[i].revents & G_IO_IN)) continue;
        if (take_head(ice, fd, now)) sotto__nice_loop_read(l, i); /* poll() will say if there is more */
    }
}

void sotto__nice_woke(struct ice *ice, sotto_us slept, sotto_us now)
{
    ice->consent.given -= slept;
    ice->heard -= slept;
    ice->consent.at = now;
}
