/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consent of the selected pair (RFC 7675 §5.1), and whether its path is alive: of every pair, by ourselves. libnice's checks cost an idle
 * connection ten times as much and end for good after 200 lost ones: it sends none. Every 4 to 6 s a Binding request with an id of its own
 * leaves; over a direct pair by its socket, over a relay as libnice sends data. A success that carries one of the last ids and the
 * integrity of the remote's password is consent, anything else is not; 30 s after the last one nothing is sent any more. In: turns, and
 * sockets that are readable, before libnice reads them; out: when the peer last consented, whether the path is lost, round trips.
 * answers: H051 H052
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/bytes.h"
#include "util/mem.h"
#include "util/rand.h"

#define LEAST SOTTO_MS(4000) /* RFC 7675 §5.1: 5 s, by a random factor of 0.8 to 1.2; and never less */
#define SPREAD_MS 1900u
#define ENDS SOTTO_SECONDS(30)
#define LOST SOTTO_SECONDS(5)
#define ONE_WAY SOTTO_SECONDS(15) /* the peer is heard, but does not answer: perhaps it is only busy */
#define PAUSE SOTTO_MS(1000) /* in the data: a request leaves early */
#define STEADY SOTTO_SECONDS(2) /* data without a gap for so long … */
#define STOP SOTTO_MS(500) /* … and then none for so long */
#define FIRST_LEAST SOTTO_MS(300) /* before the first repetition */
#define FIRST_MOST SOTTO_MS(1000)
#define FIRST_UNKNOWN SOTTO_MS(500) /* no round trip was seen yet */
#define QUICK SOTTO_MS(200)
#define SLOW SOTTO_MS(500)
#define IN_VAIN SOTTO_MS(1000)
#define SURE 6u                  /* requests without an answer … */
#define SURE_AFTER SOTTO_MS(1000) /* … the last of them for this long */
#define SHORT_CUT SOTTO_MS(3500) /* of an idle pair: nobody knows how long before the first request it began */
#define LATE SOTTO_SECONDS(10)   /* older requests are not answered any more */
#define LOOK_FOR SOTTO_SECONDS(2) /* … and this long after the last one, answers are looked for behind data */
#define MAX_PEEK 2048u /* of a datagram; more of it comes in parts */
#define MAX_STREAM (2u * SOTTO_TURN_BUFFER) /* what turn_tls.c passes on in a turn, at most */
#define MAX_PEEKS 256  /* datagrams of a socket at a time */
#define QUIET SOTTO_MS(200) /* after data, libnice answers what comes between it: a look at each datagram would cost more */
#define PEER_REFLEXIVE (110u << 24) /* RFC 8445 §5.1.2.2 */
#define REQUEST 0x0001u
#define RESPONSE 0x0101u
#define ERROR_RESPONSE 0x0111u

struct stun_in {
    uint8_t bytes[NICE_MAX_STUN];
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
    return ice->consent.remote_pwd && ice->pair_local && !ice->is_dead && !ice->is_deaf &&
           !ice->close_called;
}

int sotto__nice_consent_fd(const struct ice *ice)
{
    return ice->path.socket && !ice->no_fast_path ? g_socket_get_fd(ice->path.socket) : -1;
}

int sotto__nice_consent_init(struct ice *ice, bool is_controlling)
{
    ice->consent.is_controlling = is_controlling;
    return sotto__rand_u64(&ice->consent.tie);
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

/*
 * ---- when ----
 * What tells a lost packet from a lost path: a request without an answer is repeated (as connectivity checks are, RFC 8445 §14.3): after
 * two round trips, then every 200 ms, from the sixth on every 500 ms. If that sixth one has had no answer for a second, and nothing at
 * all was heard for 5 s, or no answer for 15 s, the pair is DISCONNECTED (without data not before 3.5 s of such requests). An answer
 * makes it CONNECTED again; till then the asking goes on every second. So that 5 s are kept where data crossed, the next request leaves
 * early: when none came for a second and the last request is 4 s old; after data without gaps, 500 ms after it stopped. With 5 % of loss
 * each way all six are lost once in a million times, and then the peer's own requests are still heard.
 */

static void plan(struct nice_consent *c, sotto_us now, uint16_t random)
{
    c->last = now;
    c->at = sotto__nice_moment(now, LEAST, SPREAD_MS, random);
}

static void forget_asked(struct nice_consent *c)
{
    for (size_t i = 0; i < NICE_ASKED; i++) c->asked[i].at = 0;
    c->tries = 0;
}

void sotto__nice_consent_begin(struct ice *ice, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    c->given = now;
    c->rtt = 0;
    ice->move.is_on = false;
    forget_asked(c);
    plan(c, now, (uint16_t)c->tie);
}

static sotto_us until_first_repetition(const struct nice_consent *c)
{
    sotto_us wait = 2 * c->rtt;
    if (wait == 0) return FIRST_UNKNOWN;
    if (wait < FIRST_LEAST) return FIRST_LEAST;
    return wait < FIRST_MOST ? wait : FIRST_MOST;
}

static sotto_us later(sotto_us a, sotto_us b)
{
    return a > b ? a : b;
}

/* Since the last answer, or just before it: if there is no more of it that is a sign. */
static bool had_data(const struct ice *ice)
{
    return ice->data != 0 && ice->data + PAUSE > ice->consent.given;
}

/* When the next request leaves. */
static sotto_us ask_at(const struct ice *ice)
{
    const struct nice_consent *c = &ice->consent;
    if (c->tries == 0) {
        if (!had_data(ice)) return c->at;
        bool was_steady = ice->data > c->given && ice->data - ice->steady >= STEADY;
        sotto_us early =
            was_steady ? ice->heard + STOP : later(c->last + LEAST, ice->heard + PAUSE);
        return sotto__earlier(c->at, early);
    }
    if (c->tries == 1) return c->last + until_first_repetition(c);
    if (c->tries < SURE) return c->last + QUICK;
    if (ice->state == SOTTO_ICE_DISCONNECTED)
        return c->last + (ice->heard > c->last ? SLOW : IN_VAIN);
    return c->last + SLOW;
}

/* When a pair that goes on as it does now is lost. */
static sotto_us lost_at(const struct ice *ice)
{
    const struct nice_consent *c = &ice->consent;
    if (!is_on(ice) || c->tries < SURE) return SOTTO_NEVER;
    sotto_us sure = had_data(ice) ? c->sure_at : later(c->sure_at, c->since + SHORT_CUT);
    return later(sure, sotto__earlier(ice->heard + LOST, c->since + ONE_WAY));
}

bool sotto__nice_consent_lost(const struct ice *ice, sotto_us now)
{
    return now >= lost_at(ice);
}

sotto_us sotto__nice_consent_due(const struct ice *ice)
{
    if (!is_on(ice)) return SOTTO_NEVER;
    sotto_us due = sotto__earlier(ask_at(ice), sotto__after(ice->consent.given, ENDS));
    return ice->state == SOTTO_ICE_DISCONNECTED ? due : sotto__earlier(due, lost_at(ice));
}

bool sotto__nice_consent_ended(const struct ice *ice, sotto_us now)
{
    return is_on(ice) && now - ice->consent.given >= ENDS;
}

/* ---- asking ---- */

static void init_stun(StunAgent *a)
{
    stun_agent_init(a, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

/* One that does not leave is as one that the network lost. */
static void send_to_peer(struct ice *ice, const uint8_t *p, size_t n)
{
    int fd = sotto__nice_consent_fd(ice);
    if (fd >= 0) {
        (void)sendto(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, &ice->path.to.sa, ice->path.to_size);
        return;
    }
    if (ice->n_turn_tcp > 0) ice->loop->stale = true; /* a queue may form, and a source for it */
    (void)nice_agent_send(ice->agent, ice->stream, NICE_COMPONENT, (guint)n, (const gchar *)p);
}

static void note_asked(struct nice_consent *c, struct nice_asked *a, sotto_us now)
{
    a->at = now;
    c->n_asked++;
    if (c->tries++ == 0) c->since = now;
    if (c->tries == SURE) c->sure_at = now + SURE_AFTER;
    if (c->tries == 1 || now >= c->at) plan(c, now, sotto__get_u16(a->id + 14));
    c->last = now;
}

size_t sotto__nice_request(const struct ice *ice, struct nice_asked *asked,
                           uint8_t bytes[static NICE_MAX_STUN])
{
    const struct nice_consent *c = &ice->consent;
    StunAgent agent;
    StunMessage message;
    uint8_t name[2 * SOTTO_MAX_UFRAG + 2];
    int n = snprintf((char *)name, sizeof name, "%s:%s", ice->remote_ufrag, ice->ufrag);
    uint32_t priority = PEER_REFLEXIVE | (ice->pair_local->priority & 0xffffff);
    init_stun(&agent);
    size_t len = stun_usage_ice_conncheck_create(
        &agent, &message, bytes, NICE_MAX_STUN, name, (size_t)n, (const uint8_t *)c->remote_pwd,
        strlen(c->remote_pwd), c->is_controlling, c->is_controlling, priority, c->tie, NULL,
        STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    if (len > 0) stun_message_id(&message, asked->id);
    return len;
}

static void ask(struct ice *ice, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    struct nice_asked *a = &c->asked[c->n_asked % NICE_ASKED];
    uint8_t bytes[NICE_MAX_STUN];
    size_t n = sotto__nice_request(ice, a, bytes);
    if (n == 0) {
        plan(c, now, 0);
        return;
    }
    note_asked(c, a, now);
    send_to_peer(ice, bytes, n);
    sotto__nice_move_ask(ice);
}

void sotto__nice_consent_turn(struct ice *ice, sotto_us now)
{
    if (!is_on(ice)) return;
    sotto__nice_move_turn(ice, now);
    if (now >= ask_at(ice)) ask(ice, now);
}

void sotto__nice_consent_hurry(struct ice *ice, sotto_us now)
{
    if (ice->consent.tries == 0) ice->consent.at = now;
}

/* ---- the peer's requests ---- */

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

bool sotto__nice_is_request(struct ice *ice, const uint8_t *p, size_t n)
{
    StunAgent agent;
    StunMessage request;
    init_stun(&agent);
    return stun_agent_validate(&agent, &request, p, n, know_name, ice) == STUN_VALIDATION_SUCCESS;
}

/* Of a pair that is settled a request changes nothing, unless the roles are others than thought. */
static bool answer(struct ice *ice, struct stun_in *in)
{
    struct nice_consent *c = &ice->consent;
    StunAgent agent;
    StunMessage request, message;
    uint8_t bytes[NICE_MAX_STUN];
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

/*
 * ---- answers ----
 * At the head of a direct pair's socket they, and the peer's requests, are taken; anywhere else (behind data, within what a relay
 * forwards, in a stream) they are looked for by their id, and left for libnice, which drops them.
 */

static bool is_valid(const struct ice *ice, const struct nice_asked *a, const uint8_t *p, size_t n,
                     StunMessage *ret)
{
    StunAgent agent;
    init_stun(&agent);
    StunAgentSavedIds *sent = &agent.sent_ids[0];
    memset(sent, 0, sizeof *sent);
    memcpy(sent->id, a->id, sizeof a->id);
    sent->method = STUN_BINDING;
    sent->key = (uint8_t *)ice->consent.remote_pwd;
    sent->key_len = strlen(ice->consent.remote_pwd);
    sent->valid = true;
    StunValidationStatus status = stun_agent_validate(&agent, ret, p, n, NULL, NULL);
    return (status == STUN_VALIDATION_SUCCESS || status == STUN_VALIDATION_UNKNOWN_ATTRIBUTE) &&
           stun_message_has_attribute(ret, STUN_ATTRIBUTE_MESSAGE_INTEGRITY);
}

bool sotto__nice_is_success(const struct ice *ice, const struct nice_asked *asked, const uint8_t *p,
                            size_t n)
{
    StunMessage message;
    return asked->at != 0 && sotto__get_u16(p) == RESPONSE &&
           memcmp(p + 4, asked->id, sizeof asked->id) == 0 && is_valid(ice, asked, p, n, &message);
}

static void give(struct ice *ice, struct nice_asked *a, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    c->rtt = later(now - a->at, 1);
    c->rtt_total += c->rtt;
    c->n_answered++;
    c->given = ice->heard = now;
    c->tries = 0;
    sotto__nice_move_stay(ice, a->at);
    a->at = 0;
}

/* Success alone is consent. Of errors that of the role is heard, once for each request (RFC 8445 §7.2.5.1): the next one has the other. */
static bool accept_answer(struct ice *ice, struct nice_asked *a, const uint8_t *p, size_t n,
                          sotto_us now)
{
    StunMessage message;
    int code = 0;
    unsigned type = sotto__get_u16(p);
    if ((type != RESPONSE && type != ERROR_RESPONSE) || !is_valid(ice, a, p, n, &message))
        return false;
    if (type == RESPONSE) {
        give(ice, a, now);
    } else {
        if (stun_message_find_error(&message, &code) != STUN_MESSAGE_RETURN_SUCCESS ||
            code != STUN_ERROR_ROLE_CONFLICT)
            return false;
        ice->consent.is_controlling = !ice->consent.is_controlling;
        a->at = 0;
    }
    return true;
}

static bool is_awaited(const struct nice_asked *a, sotto_us now)
{
    return a->at != 0 && now - a->at < LATE;
}

static bool accept_any(struct ice *ice, const uint8_t *p, size_t n, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    for (size_t i = 0; i < NICE_ASKED; i++)
        if (is_awaited(&c->asked[i], now) &&
            memcmp(p + 4, c->asked[i].id, sizeof c->asked[i].id) == 0)
            return accept_answer(ice, &c->asked[i], p, n, now);
    return false;
}

/* Answers anywhere within these bytes. The id is of 96 random bits and its answer is authenticated: it needs no frame to be known by. */
static void find_answers(struct ice *ice, const uint8_t *p, size_t n, sotto_us now)
{
    struct nice_consent *c = &ice->consent;
    for (size_t i = 0; i < NICE_ASKED; i++) {
        struct nice_asked *a = &c->asked[i];
        if (!is_awaited(a, now)) continue;
        const uint8_t *at = memmem(p, n, a->id, sizeof a->id);
        if (!at || at - p < 4) continue;
        size_t left = n - (size_t)(at - 4 - p), size = 20u + sotto__get_u16(at - 2);
        if (size <= left) (void)accept_answer(ice, a, at - 4, size, now);
    }
}

/* What came from elsewhere while the path may be dead. */
static void look_at_another(struct ice *ice, const union nice_sockaddr *from, const uint8_t *p,
                            size_t n, sotto_us now)
{
    if (sotto__get_u16(p) == REQUEST && sotto__nice_is_request(ice, p, n))
        sotto__nice_move_seen(ice, from, now);
    sotto__nice_move_answer(ice, from, p, n);
}

/* Looks through all that waits in a socket of datagrams, without taking anything. */
static void look_through(struct ice *ice, int fd, sotto_us now)
{
    int from_start = 0, as_before = -1;
    uint8_t bytes[MAX_PEEK];
    union nice_sockaddr from;
    bool is_direct = ice->path.socket && g_socket_get_fd(ice->path.socket) == fd;
    bool is_all = setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &from_start, sizeof from_start) == 0;
    for (int i = 0; i < (is_all ? MAX_PEEKS : 1); i++) {
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT, &from.sa, &size);
        if (n < 0) break;
        if (!is_direct || sotto__nice_same_address(&from, &ice->path.to))
            find_answers(ice, bytes, (size_t)n, now);
        else if (n >= 20)
            look_at_another(ice, &from, bytes, (size_t)n, now);
    }
    if (is_all) (void)setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &as_before, sizeof as_before); /* as above */
}

/* The same of the stream from what is between a server and libnice. */
static void look_through_stream(struct ice *ice, int fd, sotto_us now)
{
    uint8_t *bytes = sotto__malloc(MAX_STREAM);
    if (!bytes) return;
    ssize_t n = recv(fd, bytes, MAX_STREAM, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) find_answers(ice, bytes, (size_t)n, now);
    sotto__free(bytes);
}

static void look_for_answers(struct ice *ice, int fd, sotto_us now)
{
    int type = 0;
    socklen_t n = sizeof type;
    if (ice->consent.tries == 0 || now - ice->consent.last >= LOOK_FOR) return;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0) return; /* GLib's own */
    if (type == SOCK_DGRAM)
        look_through(ice, fd, now);
    else
        look_through_stream(ice, fd, now);
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
    bool is_ours = sotto__get_u16(in.bytes) == REQUEST ? answer(ice, &in)
                                                       : accept_any(ice, in.bytes, in.n, now);
    if (!is_ours) return false;
    ice->heard = now;
    return recv(fd, in.bytes, 1, MSG_DONTWAIT) >= 0;
}

void sotto__nice_consent_listen(struct ice *ice, sotto_us now)
{
    struct nice_loop *l = ice->loop;
    if (!is_on(ice) || (ice->consent.tries == 0 && now - ice->heard < QUIET)) return;
    int direct = sotto__nice_consent_fd(ice);
    for (gint i = 0; i < l->n; i++) {
        int fd = l->fds[i].fd;
        if (!(l->fds[i].revents & G_IO_IN) || i == l->wake) continue;
        if (fd == direct && !ice->move.is_on && take_head(ice, fd, now))
            sotto__nice_loop_read(l, i); /* poll() will say if there is more */
        else
            look_for_answers(ice, fd, now);
    }
}

void sotto__nice_woke(struct ice *ice, sotto_us slept, sotto_us now)
{
    ice->consent.given -= slept;
    if (slept >= ENDS) ice->heard -= slept; /* else it is disconnected if the answer does not come, not before it can */
    ice->consent.at = now;
}
