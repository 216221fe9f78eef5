/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_NET_WATCH_H
#define SOTTO_TRANSPORT_NET_WATCH_H
/* Tells when the addresses of this host that may be offered have changed: another network, a new address, an interface that went. */
#include "util/limits.h"
#include "util/time.h"
#include "wire/candidate.h"

#define NET_WATCH_ADDRESSES 64u /* more than libnice can use; of a host that has more, not all are known */

struct net_look { /* the addresses of this host that may be offered, without ports */
    size_t n;
    struct address addresses[NET_WATCH_ADDRESSES];
    struct address route[2]; /* what the default routes of IPv4 and IPv6 leave from; family 0: there is none */
};

/* The seam to where addresses change: the kernel, or test/net. */
struct net_watch_ops {
    int (*open)(void *world);           /* a descriptor; < 0: nothing can be watched */
    bool (*news)(void *world, int fd);  /* takes what it has to say; whether it had */
    void (*look)(void *world, struct net_look *ret);
    void (*close)(void *world, int fd);
};
extern const struct net_watch_ops sotto__net_watch_linux; /* its descriptor can be polled */

struct net_watch { /* all-zero but for fd -1 is the zero state */
    const struct net_watch_ops *ops;
    void *world;
    int fd;
    sotto_us look_at; /* SOTTO_NEVER: nothing has happened */
    sotto_us first;   /* when the oldest news came that was not looked at */
    struct net_look is, was; /* as it was looked at last, and before that */
};

/* 0; SOTTO_E_SYS: nothing is watched */
int sotto__net_watch_open(struct net_watch *w, const struct net_watch_ops *ops, void *world);
void sotto__net_watch_close(struct net_watch *w);
void sotto__net_watch_ready(struct net_watch *w, sotto_us now); /* fd is readable, or may be */
void sotto__net_watch_soon(struct net_watch *w, sotto_us now);  /* there is another reason to look */
sotto_us sotto__net_watch_due(const struct net_watch *w);
/* When due: true if the addresses, or the default routes', are others than before; w->is and w->was have them. */
bool sotto__net_watch_changed(struct net_watch *w, sotto_us now);
bool sotto__net_look_has(const struct net_look *l, const struct address *a); /* without its port */
bool sotto__net_same_ip(const struct address *a, const struct address *b);

#endif
