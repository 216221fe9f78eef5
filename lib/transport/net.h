/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_NET_H
#define SOTTO_TRANSPORT_NET_H
/*
 * The seam to sockets for datagrams to groups: mDNS's. Behind it Linux (net_linux.c), or what a test makes up. Nothing of it blocks. A
 * descriptor is whatever the implementation gave; Linux's can be polled.
 */
#include "wire/candidate.h"

struct net_interface {
    unsigned index;
    bool has[2]; /* addresses of IPv4, IPv6 */
};

struct net_origin { /* of a datagram */
    struct address addr;
    unsigned interface; /* that it came in by */
    bool is_far;        /* a router may have brought it: it was not sent to a group, nor has it all of its 255 hops */
};

struct net_ops {
    /* Those that are up and know multicast, loopback not among them; how many, or SOTTO_E_SYS. */
    int (*interfaces)(void *world, struct net_interface *out, size_t max);
    /* A socket for this port, which it shares with others of the host, and for datagrams that do not leave the link. Or SOTTO_E_SYS. */
    int (*open)(void *world, uint8_t family, uint16_t port);
    void (*join)(void *world, int fd, const struct address *group, unsigned interface); /* twice is fine */
    /* false: it did not leave. One to a single host goes to the link only. */
    bool (*send)(void *world, int fd, const struct address *to, unsigned interface,
                 const uint8_t *p, size_t n);
    /* Bytes of one, 0: there is none now. */
    size_t (*receive)(void *world, int fd, struct net_origin *from, uint8_t *p, size_t cap);
    void (*close)(void *world, int fd);
};

extern const struct net_ops sotto__net_linux;

#endif
