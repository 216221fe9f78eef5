/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_NET_WATCH_H
#define SOTTO_TRANSPORT_NET_WATCH_H
/* Tells when the addresses of this host that may be offered have changed: another network, a new address, an interface that went. */
#include "util/limits.h"
#include "util/time.h"
#include "wire/candidate.h"

struct net_watch { /* all-zero but for fd -1 is the zero state */
    int fd;
    sotto_us look_at; /* SOTTO_NEVER: nothing has happened */
    sotto_us first;   /* when the oldest news came that was not looked at */
    size_t n;
    struct address addresses[SOTTO_MAX_LOCAL_ADDRESSES]; /* as they were last */
};

int sotto__net_watch_open(struct net_watch *w); /* 0; SOTTO_E_SYS: nothing is watched */
void sotto__net_watch_close(struct net_watch *w);
void sotto__net_watch_ready(struct net_watch *w, sotto_us now); /* fd is readable */
sotto_us sotto__net_watch_due(const struct net_watch *w);
/* When due: true if the addresses are others than before; w->addresses has them. */
bool sotto__net_watch_changed(struct net_watch *w, sotto_us now);
bool sotto__net_watch_has(const struct net_watch *w, const struct address *a); /* without its port */

#endif
