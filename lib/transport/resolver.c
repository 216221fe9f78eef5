/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS for the names of servers, on c-ares: it reads the machine's configuration, asks for A and AAAA, and sorts what comes by RFC 6724. In:
 * names; out: the best address of each family, so that who has both can take IPv4 where that is what a NAT must be shown, and IPv6 where
 * there is nothing else (RFC 8421 §4). Its sockets are polled with the others of the context; its callback only fills in the query. c-ares
 * reads the clock itself; how long a name may take is ours. Knows nothing of STUN.
 */
#include "transport/resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sotto/ctx.h"
#include "util/mem.h"

#define FIRST_TRY_MS 1000 /* then twice as long, of each DNS server */
#define TRIES 3

struct resolver_query {
    struct node node;
    struct resolver *home;
    bool running;      /* c-ares holds it */
    bool done;         /* told, or to be told */
    sotto_us until;    /* not done: given up then; done: forgotten then */
    struct address v4, v6;
    bool is_v6_best;
    const char *text;  /* static */
    char name[];
};

struct resolver_ask {
    struct node node;
    void *owner;
    struct resolver_query *query;
};

static struct resolver_query *query_of(struct node *n)
{
    return CONTAINER_OF(n, struct resolver_query, node);
}

static struct resolver_ask *ask_of(struct node *n)
{
    return CONTAINER_OF(n, struct resolver_ask, node);
}

void sotto__resolver_init(struct resolver *r, const struct resolver_cfg *cfg)
{
    *r = (struct resolver){.cfg = *cfg, .due = SOTTO_NEVER};
    sotto__list_init(&r->queries);
    sotto__list_init(&r->asks);
}

/* ---- c-ares ---- */

static void take_nodes(struct resolver_query *q, const struct ares_addrinfo_node *node)
{
    for (; node; node = node->ai_next) {
        struct address a = {.family = node->ai_family == AF_INET6 ? 6 : 4};
        struct address *to = a.family == 6 ? &q->v6 : &q->v4;
        if (to->family != 0) continue; /* the first is the best */
        if (node->ai_family == AF_INET6)
            memcpy(a.ip, &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr,
                   16);
        else if (node->ai_family == AF_INET)
            memcpy(a.ip, &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr, 4);
        else
            continue;
        *to = a;
    }
}

/* A socket that is connected has a route; nothing is sent. */
static bool has_route(const struct address *a)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    memcpy(&to.sin_addr, a->ip, 4);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&to, sizeof to) == 0;
    if (fd >= 0) close(fd);
    return has;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct resolver_query *q = arg;
    (void)timeouts;
    q->running = false;
    q->home->n_running--;
    if (!q->done && status == ARES_SUCCESS && result) take_nodes(q, result->nodes);
    q->is_v6_best = q->v6.family != 0 && (q->v4.family == 0 || !has_route(&q->v4));
    if (!q->done) q->text = status == ARES_SUCCESS ? "no address" : ares_strerror(status);
    if (result) ares_freeaddrinfo(result);
    if (q->done) return; /* too late */
    q->done = true;
    q->until = 0; /* from the next turn on it is kept for a while */
}

/* Without ares_library_init(): that counts its calls without a lock, and does nothing more on Linux. */
static int open_channel(struct resolver *r)
{
    struct ares_options options = {.timeout = FIRST_TRY_MS, .tries = TRIES};
    ares_channel channel;
    if (r->channel) return 0;
    int e = ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (e == ARES_SUCCESS && r->cfg.servers) {
        e = ares_set_servers_ports_csv(channel, r->cfg.servers);
        if (e != ARES_SUCCESS) ares_destroy(channel);
    }
    if (e != ARES_SUCCESS) return e == ARES_ENOMEM ? SOTTO_E_NOMEM : SOTTO_E_SYS;
    r->channel = channel;
    return 0;
}

static void close_channel(struct resolver *r)
{
    if (!r->channel) return;
    ares_destroy(r->channel); /* calls back for what is on its way */
    r->channel = NULL;
    r->due = SOTTO_NEVER;
}

static void process(struct resolver *r)
{
    ares_socket_t sockets[SOTTO_MAX_RESOLVER_FDS];
    int bits = ares_getsock(r->channel, sockets, SOTTO_MAX_RESOLVER_FDS);
    for (int i = 0; i < SOTTO_MAX_RESOLVER_FDS; i++) {
        bool in = ARES_GETSOCK_READABLE(bits, i), out = ARES_GETSOCK_WRITABLE(bits, i);
        if (in || out)
            ares_process_fd(r->channel, in ? sockets[i] : ARES_SOCKET_BAD,
                            out ? sockets[i] : ARES_SOCKET_BAD);
    }
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what has timed out */
}

/* ---- queries ---- */

static void drop_query(struct resolver *r, struct resolver_query *q)
{
    sotto__list_remove(&q->node);
    sotto__free(q);
    r->n_queries--;
}

static struct resolver_query *find_query(struct resolver *r, const char *name)
{
    for (struct node *n = r->queries.next; n != &r->queries; n = n->next)
        if (strcmp(query_of(n)->name, name) == 0) return query_of(n);
    return NULL;
}

static int new_query(struct resolver *r, sotto_us now, const char *name,
                     struct resolver_query **ret)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    size_t n = strlen(name) + 1;
    if (r->n_queries == SOTTO_MAX_RESOLVER_NAMES) return SOTTO_E_LIMIT;
    int e = open_channel(r);
    if (e < 0) return e;
    struct resolver_query *q = sotto__calloc(1, sizeof *q + n);
    if (!q) return SOTTO_E_NOMEM;
    *q = (struct resolver_query){
        .home = r, .running = true, .until = sotto__after(now, SOTTO_RESOLVE_US)};
    memcpy(q->name, name, n);
    sotto__list_push(&r->queries, &q->node);
    r->n_queries++;
    r->n_running++;
    ares_getaddrinfo(r->channel, q->name, NULL, &hints, on_answer, q); /* may call back at once */
    *ret = q;
    return 0;
}

int sotto__resolver_ask(struct resolver *r, sotto_us now, const char *name, void *owner)
{
    if (r->n_asks == SOTTO_MAX_RESOLVER_ASKS) return SOTTO_E_LIMIT;
    struct resolver_ask *ask = sotto__calloc(1, sizeof *ask);
    if (!ask) return SOTTO_E_NOMEM;
    struct resolver_query *q = find_query(r, name);
    int e = q ? 0 : new_query(r, now, name, &q);
    if (e < 0) {
        sotto__free(ask);
        return e;
    }
    *ask = (struct resolver_ask){.owner = owner, .query = q};
    sotto__list_push(&r->asks, &ask->node);
    r->n_asks++;
    r->has_input = r->is_busy = true; /* new sockets are to be looked at, or it is answered already */
    return 0;
}

/* Those whose time is over: given up, or found long enough ago. */
static void age(struct resolver *r, sotto_us now)
{
    for (struct node *n = r->queries.next, *next; n != &r->queries; n = next) {
        struct resolver_query *q = query_of(n);
        next = n->next;
        if (q->done && q->until == 0) {
            bool found = q->v4.family != 0 || q->v6.family != 0;
            q->until = sotto__after(now, found ? SOTTO_RESOLVER_KEEP_US : 0);
        }
        if (!q->done && now >= q->until) {
            q->done = true; /* c-ares may hold it for longer */
            q->text = "no answer in time";
            q->until = now;
        }
    }
}

/* Queries that nobody waits for, and whose answer is old. */
static void forget_old(struct resolver *r, sotto_us now)
{
    for (struct node *n = r->queries.next, *next; n != &r->queries; n = next) {
        struct resolver_query *q = query_of(n);
        bool used = q->running || now < q->until;
        next = n->next;
        for (struct node *a = r->asks.next; a != &r->asks && !used; a = a->next)
            used = ask_of(a)->query == q;
        if (!used) drop_query(r, q);
    }
}

/* ---- the verbs ---- */

static void look_at_time(struct resolver *r, sotto_us now)
{
    struct timeval room, *left = r->channel ? ares_timeout(r->channel, NULL, &room) : NULL;
    r->due =
        left ? sotto__after(now, SOTTO_SECONDS(left->tv_sec) + left->tv_usec + 1000) : SOTTO_NEVER;
    for (struct node *n = r->queries.next; n != &r->queries; n = n->next) {
        const struct resolver_query *q = query_of(n);
        if (!q->done || !q->running) r->due = sotto__earlier(r->due, q->until);
    }
}

int sotto__resolver_next(struct resolver *r, sotto_us now, struct resolver_out *out)
{
    if (r->channel && (r->has_input || now >= r->due)) process(r);
    r->has_input = false;
    age(r, now);
    for (struct node *n = r->asks.next; n != &r->asks; n = n->next) {
        struct resolver_ask *ask = ask_of(n);
        const struct resolver_query *q = ask->query;
        if (!q->done) continue;
        *out = (struct resolver_out){.owner = ask->owner,
                                     .name = q->name,
                                     .v4 = q->v4,
                                     .v6 = q->v6,
                                     .is_v6_best = q->is_v6_best,
                                     .text = q->text};
        sotto__list_remove(&ask->node);
        sotto__free(ask);
        r->n_asks--;
        return 1;
    }
    if (r->n_running == 0) close_channel(r);
    forget_old(r, now);
    look_at_time(r, now);
    r->is_busy = r->n_queries > 0;
    return 0;
}

sotto_us sotto__resolver_due(const struct resolver *r)
{
    return r->has_input ? 0 : r->due;
}

int sotto__resolver_fds(const struct resolver *r, struct sotto_fd *out, int max)
{
    ares_socket_t sockets[SOTTO_MAX_RESOLVER_FDS];
    int n = 0, bits = r->channel ? ares_getsock(r->channel, sockets, SOTTO_MAX_RESOLVER_FDS) : 0;
    for (int i = 0; i < SOTTO_MAX_RESOLVER_FDS && n < max; i++) {
        short events = 0;
        if (ARES_GETSOCK_READABLE(bits, i)) events |= POLLIN;
        if (ARES_GETSOCK_WRITABLE(bits, i)) events |= POLLOUT;
        if (events) out[n++] = (struct sotto_fd){sockets[i], events};
    }
    return n;
}

void sotto__resolver_ready(struct resolver *r)
{
    r->has_input = true;
}

void sotto__resolver_forget(struct resolver *r, const void *owner)
{
    for (struct node *n = r->asks.next, *next; n != &r->asks; n = next) {
        next = n->next;
        if (ask_of(n)->owner != owner) continue;
        sotto__list_remove(n);
        sotto__free(ask_of(n));
        r->n_asks--;
    }
}

void sotto__resolver_free(struct resolver *r)
{
    struct node *n;
    if (!r->asks.next) return;
    close_channel(r);
    while ((n = sotto__list_pop(&r->asks))) sotto__free(ask_of(n));
    while ((n = sotto__list_pop(&r->queries))) sotto__free(query_of(n));
    *r = (struct resolver){0};
}
