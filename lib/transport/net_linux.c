/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux behind net.h: sockets that share their port (SO_REUSEADDR and SO_REUSEPORT, beside an Avahi and browsers), groups joined by
 * interface, the interface of each datagram by IP_PKTINFO and IPV6_PKTINFO, with 255 hops (RFC 6762 §11). In and out: datagrams. Knows
 * nothing of what is in them.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/net.h"

union net_sockaddr {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

union net_control { /* room for one struct in_pktinfo or in6_pktinfo and the number of hops, aligned */
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

static bool is_useful(const struct ifaddrs *i)
{
    const unsigned wanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
    return i->ifa_addr && (i->ifa_flags & (wanted | IFF_LOOPBACK)) == wanted &&
           (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

static int linux_interfaces(void *world, struct net_interface *out, size_t max)
{
    struct ifaddrs *all;
    size_t n = 0;
    (void)world;
    if (getifaddrs(&all) != 0) return SOTTO_E_SYS;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        unsigned index = is_useful(i) ? if_nametoindex(i->ifa_name) : 0;
        size_t at = 0;
        while (at < n && out[at].index != index) at++;
        if (index == 0 || at == max) continue;
        if (at == n) out[n++] = (struct net_interface){.index = index};
        out[at].has[i->ifa_addr->sa_family == AF_INET6] = true;
    }
    freeifaddrs(all);
    return (int)n;
}

static socklen_t to_sockaddr(const struct address *a, unsigned interface, union net_sockaddr *ret)
{
    *ret = (union net_sockaddr){0};
    if (a->family == 4) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(a->port);
        memcpy(&ret->v4.sin_addr, a->ip, 4);
        return sizeof ret->v4;
    }
    ret->v6.sin6_family = AF_INET6;
    ret->v6.sin6_port = htons(a->port);
    ret->v6.sin6_scope_id = interface;
    memcpy(&ret->v6.sin6_addr, a->ip, 16);
    return sizeof ret->v6;
}

static bool set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool configure(int fd, bool v6)
{
    if (!set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1))
        return false;
    if (v6)
        return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
               set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
               set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
               set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) &&
               set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255);
    return set(fd, IPPROTO_IP, IP_PKTINFO, 1) && set(fd, IPPROTO_IP, IP_RECVTTL, 1) &&
           set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255) && set(fd, IPPROTO_IP, IP_TTL, 255) &&
           set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

static int linux_open(void *world, uint8_t family, uint16_t port)
{
    union net_sockaddr any;
    const struct address all = {.family = family, .port = port};
    bool v6 = family == 6;
    (void)world;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return SOTTO_E_SYS;
    socklen_t n = to_sockaddr(&all, 0, &any);
    if (configure(fd, v6) && bind(fd, &any.sa, n) == 0) return fd;
    close(fd);
    return SOTTO_E_SYS;
}

static void linux_join(void *world, int fd, const struct address *group, unsigned interface)
{
    struct group_req req = {.gr_interface = interface};
    union net_sockaddr to;
    (void)world;
    socklen_t n = to_sockaddr(group, 0, &to);
    memcpy(&req.gr_group, &to, n);
    int level = group->family == 6 ? IPPROTO_IPV6 : IPPROTO_IP;
    /* it was joined before, or the interface has just gone: there is nothing to be done about either */
    (void)setsockopt(fd, level, MCAST_JOIN_GROUP, &req, sizeof req);
}

static bool is_group(const struct address *a)
{
    return a->family == 4 ? (a->ip[0] & 0xf0) == 0xe0 : a->ip[0] == 0xff;
}

static bool linux_send(void *world, int fd, const struct address *to, unsigned interface,
                       const uint8_t *p, size_t n)
{
    union net_sockaddr addr;
    union net_control control = {.room = {0}};
    struct in_pktinfo v4 = {.ipi_ifindex = (int)interface};
    struct in6_pktinfo v6 = {.ipi6_ifindex = interface};
    size_t size = to->family == 6 ? sizeof v6 : sizeof v4;
    (void)world;
    struct iovec iov = {(void *)(uintptr_t)p, n};
    struct msghdr m = {.msg_name = &addr,
                       .msg_namelen = to_sockaddr(to, interface, &addr),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = CMSG_SPACE(size)};
    control.head.cmsg_level = to->family == 6 ? IPPROTO_IPV6 : IPPROTO_IP;
    control.head.cmsg_type = to->family == 6 ? IPV6_PKTINFO : IP_PKTINFO;
    control.head.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.head), to->family == 6 ? (void *)&v6 : (void *)&v4, size);
    return sendmsg(fd, &m, MSG_NOSIGNAL | (is_group(to) ? 0 : MSG_DONTROUTE)) == (ssize_t)n;
}

static void from_sockaddr(const union net_sockaddr *from, struct address *ret)
{
    bool v6 = from->sa.sa_family == AF_INET6;
    *ret = (struct address){.family = v6 ? 6 : 4,
                            .port = ntohs(v6 ? from->v6.sin6_port : from->v4.sin_port)};
    if (v6)
        memcpy(ret->ip, &from->v6.sin6_addr, 16);
    else
        memcpy(ret->ip, &from->v4.sin_addr, 4);
}

/* What the control messages say: the interface, and whether it is from far. */
static void read_control(struct msghdr *m, struct net_origin *from)
{
    struct in_pktinfo v4;
    struct in6_pktinfo v6;
    struct address to = {.family = from->addr.family};
    int hops = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        bool is_v6 = c->cmsg_level == IPPROTO_IPV6;
        if (c->cmsg_type == (is_v6 ? IPV6_HOPLIMIT : IP_TTL)) {
            memcpy(&hops, CMSG_DATA(c), sizeof hops);
        } else if (is_v6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&v6, CMSG_DATA(c), sizeof v6);
            memcpy(to.ip, &v6.ipi6_addr, 16);
            from->interface = v6.ipi6_ifindex;
        } else if (!is_v6 && c->cmsg_type == IP_PKTINFO) {
            memcpy(&v4, CMSG_DATA(c), sizeof v4);
            memcpy(to.ip, &v4.ipi_addr, 4);
            from->interface = (unsigned)v4.ipi_ifindex;
        }
    }
    from->is_far = !is_group(&to) && hops != 255;
}

static size_t linux_receive(void *world, int fd, struct net_origin *from, uint8_t *p, size_t cap)
{
    union net_sockaddr addr;
    union net_control control;
    struct iovec iov = {p, cap};
    struct msghdr m = {.msg_name = &addr,
                       .msg_namelen = sizeof addr,
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    (void)world;
    ssize_t n = recvmsg(fd, &m, 0);
    if (n <= 0) return 0; /* EAGAIN; an error that ICMP brought is of no interest */
    *from = (struct net_origin){.interface = 0};
    from_sockaddr(&addr, &from->addr);
    read_control(&m, from);
    return (size_t)n;
}

static void linux_close(void *world, int fd)
{
    (void)world;
    close(fd);
}

const struct net_ops sotto__net_linux = {
    .interfaces = linux_interfaces,
    .open = linux_open,
    .join = linux_join,
    .send = linux_send,
    .receive = linux_receive,
    .close = linux_close,
};
