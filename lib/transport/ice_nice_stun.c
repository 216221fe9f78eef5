/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STUN servers asked for reflexive addresses (RFC 8489 §6, RFC 8445 §5.1.1.2), from libnice's own sockets and past it: it knows one server
 * only, must know it before it gathers, asks in the manner of RFC 3489, which some servers do not answer, and takes whatever they say.
 * Checks leave from the socket of the host in any case, so libnice need not know of these candidates. In: servers; answers, which
 * ice_nice_server.c finds in the sockets before libnice reads them. Out: candidates, among those that libnice reports.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/mem.h"
#include "util/rand.h"

#define PACE SOTTO_MS(5)       /* RFC 8445 §14.2: between new ones */
#define FIRST_WAIT SOTTO_MS(250)
#define SENDINGS 5u            /* each is waited for twice as long as the one before … */
#define LAST_WAIT SOTTO_MS(1000) /* … but the last */
#define SRFLX_PREFERENCE 100u  /* RFC 8445 §5.1.2.2 */
#define FOUNDATIONS 1000u      /* from here on: libnice counts from 1 */

struct nice_query {
    GSocket *socket; /* counted */
    size_t server;
    struct address to;
    struct address base, mapped; /* mapped: family 0: none yet */
    uint8_t id[STUN_ID];
    unsigned n_sent, n_moves;
    sotto_us at; /* when it is sent again, or given up; SOTTO_NEVER: it is over */
};

static void end_query(struct nice_query *q)
{
    q->at = SOTTO_NEVER;
}

static bool base_of(GSocket *socket, struct address *ret)
{
    struct sockaddr_storage where = {0};
    socklen_t n = sizeof where;
    NiceAddress a;
    if (getsockname(g_socket_get_fd(socket), (struct sockaddr *)&where, &n) != 0) return false;
    if (where.ss_family != AF_INET && where.ss_family != AF_INET6) return false;
    nice_address_init(&a);
    nice_address_set_from_sockaddr(&a, (struct sockaddr *)&where);
    sotto__nice_to_address(&a, ret);
    bool is_link_local = ret->family == 6 ? ret->ip[0] == 0xfe && (ret->ip[1] & 0xc0) == 0x80
                                          : ret->ip[0] == 169 && ret->ip[1] == 254;
    return !is_link_local;
}

void sotto__nice_local_of(const struct ice *ice, const struct nice_server *s, struct address *ret)
{
    GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, NICE_COMPONENT);
    *ret = s->tls ? *sotto__turn_tls_local(s->tls) : (struct address){.family = 0};
    for (guint i = 0; sockets && !s->tls && i < sockets->len && ret->family == 0; i++) {
        struct address a;
        if (base_of(g_ptr_array_index(sockets, i), &a) && a.family == s->addr.family) *ret = a;
    }
    if (sockets) g_ptr_array_unref(sockets);
}

static bool is_udp(GSocket *socket)
{
    return g_socket_get_socket_type(socket) == G_SOCKET_TYPE_DATAGRAM;
}

/* False: no room, or no entropy. */
static bool add_query(struct ice *ice, size_t server, GSocket *socket, sotto_us now)
{
    const struct address *to = &ice->servers[server].addr;
    struct address base;
    if (!is_udp(socket) || !base_of(socket, &base) || base.family != to->family) return true;
    if (ice->n_queries == SOTTO_MAX_STUN_QUERIES) return false;
    struct nice_query *more =
        sotto__realloc(ice->queries, (ice->n_queries + 1) * sizeof *ice->queries);
    if (!more) return false;
    ice->queries = more;
    struct nice_query *q = &more[ice->n_queries];
    *q = (struct nice_query){.server = server, .to = *to, .base = base};
    if (sotto__rand(q->id, sizeof q->id) < 0) return false;
    q->socket = g_object_ref(socket);
    q->at = sotto__after(now, PACE * (sotto_us)ice->n_queries);
    ice->n_queries++;
    return true;
}

void sotto__nice_stun_ask(struct ice *ice, size_t server, sotto_us now)
{
    GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, NICE_COMPONENT);
    struct nice_server *s = &ice->servers[server];
    bool fits = sockets != NULL;
    for (guint i = 0; fits && i < sockets->len; i++)
        fits = add_query(ice, server, g_ptr_array_index(sockets, i), now);
    if (sockets) g_ptr_array_unref(sockets);
    if (fits) return;
    s->code = 701;
    snprintf(s->text, sizeof s->text, "not asked: too much is asked already");
}

static void send_query(struct nice_query *q, sotto_us now)
{
    uint8_t bytes[STUN_HEAD];
    struct sockaddr_storage where = {0};
    socklen_t n = sotto__turn_sockaddr(&q->to, &where);
    sotto_us wait = q->n_sent + 1 == SENDINGS ? LAST_WAIT : FIRST_WAIT << q->n_sent;
    if (q->n_sent++ == SENDINGS || g_socket_is_closed(q->socket)) {
        end_query(q);
        return;
    }
    sotto__stun_request(q->id, bytes);
    /* one that the system does not send is as one that is lost */
    (void)sendto(g_socket_get_fd(q->socket), bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
                 (const struct sockaddr *)&where, n);
    q->at = sotto__after(now, wait);
}

void sotto__nice_stun_turn(struct ice *ice, sotto_us now)
{
    for (size_t i = 0; i < ice->n_queries; i++)
        if (now >= ice->queries[i].at) send_query(&ice->queries[i], now);
}

sotto_us sotto__nice_stun_due(const struct ice *ice)
{
    sotto_us due = SOTTO_NEVER;
    for (size_t i = 0; i < ice->n_queries; i++) due = sotto__earlier(due, ice->queries[i].at);
    return due;
}

/* ---- answers ---- */

bool sotto__nice_stun_is_ours(const struct ice *ice, const struct address *mapped, size_t *server)
{
    for (size_t i = 0; i < ice->n_queries; i++)
        if (sotto__address_eq(&ice->queries[i].mapped, mapped)) {
            *server = ice->queries[i].server;
            return true;
        }
    return false;
}

/* Of libnice, which learns it from an allocation, or the host's. Its priority, else 0. */
static uint32_t find_local(const struct ice *ice, const struct address *a)
{
    GSList *all = nice_agent_get_local_candidates(ice->agent, ice->stream, NICE_COMPONENT);
    uint32_t priority = 0;
    for (GSList *i = all; i && priority == 0; i = i->next) {
        const NiceCandidate *c = i->data;
        struct address its;
        sotto__nice_to_address(&c->addr, &its);
        bool counts =
            c->type == NICE_CANDIDATE_TYPE_HOST || c->type == NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
        if (counts && sotto__address_eq(&its, a)) priority = c->priority;
    }
    g_slist_free_full(all, (GDestroyNotify)nice_candidate_free);
    return priority;
}

static void offer(struct ice *ice, struct nice_query *q, const struct address *mapped)
{
    size_t server;
    bool is_known = sotto__nice_stun_is_ours(ice, mapped, &server) || find_local(ice, mapped) != 0;
    uint32_t host = find_local(ice, &q->base);
    struct candidate c = {.component = NICE_COMPONENT,
                          .type = CANDIDATE_SRFLX,
                          .priority = SRFLX_PREFERENCE << 24 | (host & 0xffffff),
                          .addr = *mapped};
    snprintf(c.foundation, sizeof c.foundation, "%u", FOUNDATIONS + (unsigned)q->server);
    q->mapped = *mapped;
    if (is_known || ice->gathered || ice->n_locals == SOTTO_MAX_LOCAL_CANDIDATES) return;
    if (sotto__nice_is_external(ice, &c)) return;
    NiceCandidate *n = sotto__nice_from_candidate(ice, &c);
    sotto__nice_rank(ice, n);
    ice->locals = g_slist_append(ice->locals, n);
    ice->n_locals++;
}

static void take_error(struct ice *ice, struct nice_query *q, const struct stun_answer *a,
                       sotto_us now)
{
    bool moves = a->code == 300 && a->alternate.family == q->to.family &&
                 sotto__address_usable(&a->alternate, ice->allow_loopback) &&
                 q->n_moves < SOTTO_MAX_TURN_ALTERNATES;
    if (!moves) {
        end_query(q);
        return;
    }
    q->to = a->alternate; /* RFC 8489 §10 */
    q->n_moves++;
    q->n_sent = 0;
    q->at = now;
}

static void take_answer(struct ice *ice, struct nice_query *q, const struct stun_answer *a,
                        sotto_us now)
{
    struct nice_server *s = &ice->servers[q->server];
    if (a->is_error) {
        sotto__nice_server_answer(s, a);
        take_error(ice, q, a, now);
        return;
    }
    end_query(q);
    bool is_sound = !a->is_strange && a->mapped.family == q->base.family &&
                    sotto__address_usable(&a->mapped, ice->allow_loopback);
    if (is_sound) {
        sotto__nice_server_answer(s, a);
        offer(ice, q, &a->mapped);
        return;
    }
    s->code = 701;
    snprintf(s->text, sizeof s->text, "it names no address that we could have");
}

bool sotto__nice_stun_hear(struct ice *ice, int fd, const struct address *from, const uint8_t *p,
                           size_t n)
{
    struct stun_answer a;
    for (size_t i = 0; i < ice->n_queries; i++) {
        struct nice_query *q = &ice->queries[i];
        if (q->at == SOTTO_NEVER || q->n_sent == 0 || !sotto__address_eq(&q->to, from) ||
            g_socket_get_fd(q->socket) != fd || !sotto__stun_is_of(p, n, q->id))
            continue;
        if (sotto__stun_answer(p, n, &a) && a.method == STUN_BINDING)
            take_answer(ice, q, &a, ice->loop->now);
        return true;
    }
    return false;
}

void sotto__nice_stun_free(struct ice *ice)
{
    for (size_t i = 0; i < ice->n_queries; i++) g_object_unref(ice->queries[i].socket);
    sotto__free(ice->queries);
    ice->queries = NULL;
    ice->n_queries = 0;
}
