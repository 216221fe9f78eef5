/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches the addresses of this host by a route socket (rtnetlink(7)): what the kernel says is only a reason to look again, for the rules
 * of which addresses are offered are those of ice_addr.c. Changes come in flocks (an interface goes, its addresses, another comes): it
 * is looked at when they have been quiet for a moment, or have gone on for long. In: a readable socket, the time; out: changed or not.
 */
#include "transport/net_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/ice_addr.h"

#define QUIET SOTTO_MS(200)
#define LONGEST SOTTO_SECONDS(2)
#define READS 64 /* messages of one turn; the rest is there at the next */

/* ---- Linux ---- */

static int linux_open(void *world)
{
    struct sockaddr_nl to = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                          RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    (void)world;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (const struct sockaddr *)(const void *)&to, sizeof to) == 0) return fd;
    close(fd);
    return -1;
}

/* What was lost because its buffer was full (ENOBUFS) is news, too. */
static bool linux_news(void *world, int fd)
{
    uint8_t message[64]; /* cut: nobody reads it */
    int i = 0;
    (void)world;
    while (i < READS && (recv(fd, message, sizeof message, MSG_DONTWAIT) >= 0 || errno == ENOBUFS))
        i++;
    return i > 0;
}

static void linux_look(void *world, struct net_look *ret)
{
    const struct ice_local_filter all = {.allow_loopback = true}, route = {.default_route = true};
    struct address found[2];
    (void)world;
    int n = sotto__ice_local_addresses(&all, ret->addresses, NET_WATCH_ADDRESSES);
    ret->n = n > 0 ? (size_t)n : 0;
    n = sotto__ice_local_addresses(&route, found, 2);
    for (int i = 0; i < n; i++) ret->route[found[i].family == 6] = found[i];
}

static void linux_close(void *world, int fd)
{
    (void)world;
    close(fd);
}

const struct net_watch_ops sotto__net_watch_linux = {linux_open, linux_news, linux_look,
                                                     linux_close};

/* ---- the watch ---- */

static void look(struct net_watch *w)
{
    w->is = (struct net_look){.n = 0};
    w->ops->look(w->world, &w->is);
}

int sotto__net_watch_open(struct net_watch *w, const struct net_watch_ops *ops, void *world)
{
    *w = (struct net_watch){.ops = ops, .world = world, .look_at = SOTTO_NEVER};
    w->fd = ops->open(world);
    if (w->fd < 0) return SOTTO_E_SYS;
    look(w);
    return 0;
}

void sotto__net_watch_close(struct net_watch *w)
{
    if (w->fd >= 0) w->ops->close(w->world, w->fd);
    w->fd = -1;
}

void sotto__net_watch_soon(struct net_watch *w, sotto_us now)
{
    if (w->fd < 0) return;
    if (w->look_at == SOTTO_NEVER) w->first = now;
    w->look_at = sotto__earlier(sotto__after(now, QUIET), sotto__after(w->first, LONGEST));
}

void sotto__net_watch_ready(struct net_watch *w, sotto_us now)
{
    if (w->fd >= 0 && w->ops->news(w->world, w->fd)) sotto__net_watch_soon(w, now);
}

sotto_us sotto__net_watch_due(const struct net_watch *w)
{
    return w->fd < 0 ? SOTTO_NEVER : w->look_at;
}

bool sotto__net_same_ip(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

bool sotto__net_look_has(const struct net_look *l, const struct address *a)
{
    for (size_t i = 0; i < l->n; i++)
        if (sotto__net_same_ip(&l->addresses[i], a)) return true;
    return false;
}

bool sotto__net_watch_changed(struct net_watch *w, sotto_us now)
{
    if (sotto__net_watch_due(w) > now) return false;
    w->look_at = SOTTO_NEVER;
    w->was = w->is;
    look(w);
    bool same = w->was.n == w->is.n && sotto__net_same_ip(&w->was.route[0], &w->is.route[0]) &&
                sotto__net_same_ip(&w->was.route[1], &w->is.route[1]);
    for (size_t i = 0; same && i < w->is.n; i++)
        same = sotto__net_look_has(&w->was, &w->is.addresses[i]);
    return !same;
}
