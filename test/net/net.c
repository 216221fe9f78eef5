/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual network: a heap of datagrams in flight, ordered by arrival, and the rules of each link. In: datagrams of bound
 * sockets and injected ones. Out: datagrams in sockets' inboxes when the clock reaches their arrival. Knows nothing of ICE.
 */
#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "transport/net_watch.h"
#include "util/limits.h"

static unsigned made; /* networks */

static void *must(void *p)
{
    if (!p) abort();
    return p;
}

bool net_chance(uint64_t *state, double p)
{
    if (p <= 0) return false;
    return (double)(net_random(state) >> 11) < p * 9007199254740992.0; /* 2^53 */
}

static sotto_us random_us(uint64_t *state, sotto_us max)
{
    return max <= 0 ? 0 : (sotto_us)(net_random(state) % (uint64_t)(max + 1));
}

struct net *net_new(uint64_t seed)
{
    struct net *net = must(calloc(1, sizeof *net));
    net->rng = seed * 2654435761u + 1;
    net_chance_seed(net->rng + ((uint64_t)++made << 40)); /* no two sessions of a process are the same */
    net->now = net_clock() + SOTTO_SECONDS(1); /* one clock for the process: usrsctp's does not go back */
    net_clock_set(net->now);
    sotto__list_init(&net->sockets);
    return net;
}

void net_free(struct net *net)
{
    if (!net) return;
    for (size_t i = 0; i < net->n_heap; i++) free(net->heap[i]);
    for (int i = 0; i < net->n_hosts; i++) free(net->hosts[i]);
    free(net->heap);
    free(net);
}

static void set_addresses(struct net_host *h, const char *addresses)
{
    struct str rest = sotto__str(addresses), one, after;
    h->n_addresses = 0;
    for (bool more = addresses[0] != '\0'; more; rest = after) {
        more = sotto__str_cut(rest, ',', &one, &after);
        if (h->n_addresses == NET_MAX_ADDRESSES) abort();
        if (sotto__address_parse(one, &h->addresses[h->n_addresses++])) abort();
    }
}

struct net_host *net_host_new(struct net *net, const char *addresses)
{
    if (net->n_hosts == NET_MAX_HOSTS) abort();
    struct net_host *h = must(calloc(1, sizeof *h));
    h->net = net;
    h->index = net->n_hosts;
    h->gather_us = SOTTO_MS(1);
    h->next_port = 10000;
    set_addresses(h, addresses);
    net->hosts[net->n_hosts++] = h;
    for (int i = 0; i < net->n_hosts; i++)
        net->links[i][h->index].delay_us = net->links[h->index][i].delay_us = SOTTO_MS(5);
    return h;
}

struct net_link *net_link(struct net *net, const struct net_host *from, const struct net_host *to)
{
    return &net->links[from->index][to->index];
}

void net_link_both(struct net *net, const struct net_host *a, const struct net_host *b,
                   const struct net_link *set)
{
    *net_link(net, a, b) = *set;
    *net_link(net, b, a) = *set;
}

void net_set_down(struct net *net, const struct net_host *a, const struct net_host *b, bool down)
{
    net_link(net, a, b)->down = net_link(net, b, a)->down = down;
}

/* the heap */

static bool earlier(const struct net_datagram *a, const struct net_datagram *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct net *net, struct net_datagram *d)
{
    if (net->n_heap == net->cap_heap) {
        net->cap_heap = net->cap_heap ? net->cap_heap * 2 : 64;
        net->heap = must(realloc(net->heap, net->cap_heap * sizeof *net->heap));
    }
    size_t i = net->n_heap++;
    for (; i > 0 && earlier(d, net->heap[(i - 1) / 2]); i = (i - 1) / 2)
        net->heap[i] = net->heap[(i - 1) / 2];
    net->heap[i] = d;
}

static struct net_datagram *heap_pop(struct net *net)
{
    struct net_datagram *top = net->heap[0], *last = net->heap[--net->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= net->n_heap) break;
        if (child + 1 < net->n_heap && earlier(net->heap[child + 1], net->heap[child])) child++;
        if (!earlier(net->heap[child], last)) break;
        net->heap[i] = net->heap[child];
        i = child;
    }
    if (net->n_heap > 0) net->heap[i] = last;
    return top;
}

sotto_us net_due(const struct net *net)
{
    return net->n_heap > 0 ? net->heap[0]->at : SOTTO_NEVER;
}

static bool has_address(const struct net_host *h, const struct address *a)
{
    for (size_t i = 0; i < h->n_addresses; i++)
        if (h->addresses[i].family == a->family && memcmp(h->addresses[i].ip, a->ip, 16) == 0)
            return true;
    return false;
}

void net_host_move(struct net_host *h, const char *addresses)
{
    set_addresses(h, addresses);
    h->moves++;
    for (struct node *n = h->net->sockets.next; n != &h->net->sockets; n = n->next) {
        struct net_socket *s = CONTAINER_OF(n, struct net_socket, node);
        if (s->host == h) s->gone = !has_address(h, &s->addr);
    }
}

/* its watch */

static int watch_open(void *world)
{
    struct net_host *h = world;
    h->seen = h->moves;
    return h->index;
}

static bool watch_news(void *world, int fd)
{
    struct net_host *h = world;
    bool any = h->seen != h->moves;
    (void)fd;
    h->seen = h->moves;
    return any;
}

static void watch_look(void *world, struct net_look *ret)
{
    const struct net_host *h = world;
    for (size_t i = 0; i < h->n_addresses; i++) {
        struct address *route = &ret->route[h->addresses[i].family == 6];
        ret->addresses[ret->n++] = h->addresses[i];
        if (route->family == 0) *route = h->addresses[i]; /* the first one of each family */
    }
}

static void watch_close(void *world, int fd)
{
    (void)world, (void)fd;
}

const struct net_watch_ops net_watch_host = {watch_open, watch_news, watch_look, watch_close};

static struct net_socket *socket_of(struct net *net, const struct address *to)
{
    for (struct node *n = net->sockets.next; n != &net->sockets; n = n->next) {
        struct net_socket *s = CONTAINER_OF(n, struct net_socket, node);
        if (sotto__address_eq(&s->addr, to)) return s;
    }
    return NULL;
}

static void deliver(struct net *net, struct net_datagram *d)
{
    struct net_socket *s = socket_of(net, &d->to);
    if (!s || s->gone) {
        net->count.nowhere++;
        free(d);
    } else if (s->inbox_bytes + d->n > SOTTO_SOCKET_BUFFER) {
        net->count.overflow++;
        free(d);
    } else {
        net->count.delivered++;
        s->inbox_bytes += d->n;
        sotto__list_push(&s->inbox, &d->node);
    }
}

void net_advance(struct net *net, sotto_us t)
{
    if (t > net->now) net->now = t;
    net_clock_set(net->now);
    while (net->n_heap > 0 && net->heap[0]->at <= net->now) deliver(net, heap_pop(net));
}

sotto_us net_now(void *user)
{
    return ((struct net_host *)user)->net->now;
}

sotto_us net_boot(void *user)
{
    return net_now(user) + ((struct net_host *)user)->slept_us;
}

/* sending */

static struct net_datagram *datagram_new(struct net *net, const struct address *from,
                                         const struct address *to, const void *p, size_t n)
{
    struct net_datagram *d = must(calloc(1, sizeof *d + n + 1));
    d->order = net->orders++;
    d->from = *from, d->to = *to;
    d->n = n;
    if (n > 0) memcpy(d->p, p, n);
    return d;
}

void net_inject(struct net *net, const struct address *from, const struct address *to,
                const void *p, size_t n, sotto_us delay)
{
    struct net_datagram *d = datagram_new(net, from, to, p, n);
    d->injected = true;
    d->at = net->now + delay;
    net->count.injected++;
    heap_push(net, d);
}

static struct net_host *host_of(struct net *net, const struct address *a)
{
    for (int i = 0; i < net->n_hosts; i++)
        for (size_t k = 0; k < net->hosts[i]->n_addresses; k++) {
            struct address own = net->hosts[i]->addresses[k];
            own.port = a->port;
            if (sotto__address_eq(&own, a)) return net->hosts[i];
        }
    return NULL;
}

/* When a datagram of n bytes that enters the link now comes out; SOTTO_NEVER: lost. */
static sotto_us pass_link(struct net *net, struct net_link *l, size_t n, bool fragments)
{
    if (l->down || net_chance(&net->rng, l->loss)) {
        net->count.lost++;
        return SOTTO_NEVER;
    }
    if (l->mtu && n > l->mtu && !fragments) {
        net->count.too_big++;
        return SOTTO_NEVER;
    }
    if (l->mtu && n > l->mtu) net->count.fragmented++;
    sotto_us out = net->now;
    if (l->rate_bps) {
        sotto_us start = l->busy_until > net->now ? l->busy_until : net->now;
        uint64_t waiting = (uint64_t)(start - net->now) * l->rate_bps / 8000000;
        if (l->queue_bytes && waiting + n > l->queue_bytes) {
            net->count.queue_full++;
            return SOTTO_NEVER;
        }
        out = l->busy_until = start + (sotto_us)(((uint64_t)n + 28) * 8000000 / l->rate_bps);
    }
    sotto_us at = out + l->delay_us + random_us(&net->rng, l->jitter_us);
    if (net_chance(&net->rng, l->reorder)) return at + random_us(&net->rng, l->reorder_us);
    if (at < l->last_arrival) at = l->last_arrival;
    l->last_arrival = at;
    return at;
}

void net_send(struct net_socket *s, const struct address *to, const void *p, size_t n)
{
    struct net *net = s->host->net;
    if (s->gone) {
        net->count.nowhere++;
        return;
    }
    net->count.sent++;
    net->count.bytes += n;
    struct net_datagram *d = datagram_new(net, &s->addr, to, p, n);
    if (net->tap && net->tap(net, d, net->tap_user) == NET_DROP) {
        net->count.tapped++;
        free(d);
        return;
    }
    struct net_host *host = host_of(net, &d->to); /* a tap may be a NAT */
    if (!host) {
        net->count.nowhere++;
        free(d);
        return;
    }
    struct net_link *l = net_link(net, s->host, host);
    d->at = pass_link(net, l, d->n, s->fragments);
    if (d->at == SOTTO_NEVER) {
        free(d);
        return;
    }
    if (net_chance(&net->rng, l->duplicate)) {
        struct net_datagram *twin = datagram_new(net, &d->from, &d->to, d->p, d->n);
        twin->at = d->at + random_us(&net->rng, SOTTO_MS(20));
        heap_push(net, twin);
    }
    heap_push(net, d);
}

/* sockets */

static bool taken(struct net *net, const struct address *a)
{
    return socket_of(net, a) != NULL;
}

int net_bind(struct net_socket *s, struct net_host *host, const struct address *addr, uint16_t min,
             uint16_t max)
{
    s->addr = *addr;
    if (min || max) {
        uint32_t port = min ? min : 1;
        while (port <= max && (s->addr.port = (uint16_t)port, taken(host->net, &s->addr))) port++;
        if (port > max) return SOTTO_E_NETWORK;
    } else {
        do {
            if (host->next_port < 10000) host->next_port = 10000;
            s->addr.port = host->next_port++;
        } while (taken(host->net, &s->addr));
    }
    s->host = host;
    s->inbox_bytes = 0;
    s->fragments = s->gone = false;
    sotto__list_init(&s->inbox);
    sotto__list_push(&host->net->sockets, &s->node);
    host->net->live_sockets++;
    return 0;
}

void net_unbind(struct net_socket *s)
{
    if (!s->host) return;
    for (struct net_datagram *d; (d = net_receive(s));) free(d);
    sotto__list_remove(&s->node);
    s->host->net->live_sockets--;
    s->host = NULL;
}

struct net_datagram *net_receive(struct net_socket *s)
{
    struct node *n = sotto__list_pop(&s->inbox);
    if (!n) return NULL;
    struct net_datagram *d = CONTAINER_OF(n, struct net_datagram, node);
    s->inbox_bytes -= d->n;
    return d;
}
