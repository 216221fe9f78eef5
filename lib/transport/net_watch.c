/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches the addresses of this host by a route socket (rtnetlink(7)): what the kernel says is only a reason to look again, for the rules
 * of which addresses are offered are those of ice_addr.c. Changes come in flocks (an interface goes, its addresses, another comes): it
 * is looked at when they have been quiet for a moment, or have gone on for long. In: a readable socket, the time; out: changed or not.
 */
#include "transport/net_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/ice_addr.h"

#define QUIET SOTTO_MS(200)
#define LONGEST SOTTO_SECONDS(2)
#define READS 64 /* messages of one turn; the rest is there at the next */

static void look(struct net_watch *w)
{
    const struct ice_local_filter all = {.allow_loopback = true};
    int n = sotto__ice_local_addresses(&all, w->addresses, SOTTO_MAX_LOCAL_ADDRESSES);
    w->n = n > 0 ? (size_t)n : 0;
}

int sotto__net_watch_open(struct net_watch *w)
{
    struct sockaddr_nl to = {.nl_family = AF_NETLINK,
                             .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    w->look_at = SOTTO_NEVER;
    w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (w->fd < 0 || bind(w->fd, (const struct sockaddr *)(const void *)&to, sizeof to) < 0) {
        sotto__net_watch_close(w);
        return SOTTO_E_SYS;
    }
    look(w);
    return 0;
}

void sotto__net_watch_close(struct net_watch *w)
{
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
}

/* What was lost because its buffer was full (ENOBUFS) is news, too. */
void sotto__net_watch_ready(struct net_watch *w, sotto_us now)
{
    uint8_t message[64]; /* cut: nobody reads it */
    for (int i = 0; i < READS; i++)
        if (recv(w->fd, message, sizeof message, MSG_DONTWAIT) <= 0) break;
    if (w->look_at == SOTTO_NEVER) w->first = now;
    w->look_at = sotto__earlier(sotto__after(now, QUIET), sotto__after(w->first, LONGEST));
}

sotto_us sotto__net_watch_due(const struct net_watch *w)
{
    return w->fd < 0 ? SOTTO_NEVER : w->look_at;
}

bool sotto__net_watch_has(const struct net_watch *w, const struct address *a)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->addresses[i].family == a->family &&
            memcmp(w->addresses[i].ip, a->ip, a->family == 4 ? 4 : 16) == 0)
            return true;
    return false;
}

bool sotto__net_watch_changed(struct net_watch *w, sotto_us now)
{
    struct net_watch before = *w;
    if (sotto__net_watch_due(w) > now) return false;
    w->look_at = SOTTO_NEVER;
    look(w);
    bool same = before.n == w->n;
    for (size_t i = 0; same && i < w->n; i++)
        same = sotto__net_watch_has(&before, &w->addresses[i]);
    return !same;
}
