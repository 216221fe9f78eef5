/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending past libnice, over the selected pair's own UDP socket: runs of packets that are equal in size go out as one message each, cut
 * by the kernel or the device (UDP_SEGMENT), and all messages of a batch by one sendmmsg(). In: a batch of packets; out: how many of
 * them left. What one system refuses another takes: a run that fails goes out packet by packet, so that nothing is lost by having been in
 * it. Over relays and TCP there is no socket to be had, and libnice sends. Does not know what is in the packets.
 */
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/ice_nice.h"
#include "util/cold.h"

#define MESSAGES 64u
#define PACKETS 128u          /* of one system call */
#define RUN_PACKETS 64u       /* UDP_MAX_SEGMENTS of the first kernels that have it */
#define RUN_BYTES 65000u      /* below what a UDP datagram holds, with IPv4 and with IPv6 */
#define CONTROL CMSG_SPACE(sizeof(uint16_t))

/* One system call's messages; only what is used is written. */
struct batch {
    struct mmsghdr messages[MESSAGES];
    struct iovec parts[PACKETS];
    uint8_t sizes[MESSAGES]; /* packets of each message */
    union {
        uint8_t bytes[CONTROL];
        struct cmsghdr align;
    } control[MESSAGES];
};

COLD static bool set_whole(int fd, bool whole)
{
    int type = 0, domain = 0;
    int v4 = whole ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
    int v6 = whole ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT;
    socklen_t n = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_DGRAM) return false;
    n = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) != 0) return false;
    if (domain == AF_INET) return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4) == 0;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6) == 0;
}

COLD static void set_all(struct ice *ice, bool whole)
{
    GPtrArray *sockets = nice_agent_get_sockets(ice->agent, ice->stream, NICE_COMPONENT);
    for (guint i = 0; sockets && i < sockets->len; i++)
        (void)set_whole(g_socket_get_fd(g_ptr_array_index(sockets, i)), whole); /* sotto__nice_whole() tells */
    if (sockets) g_ptr_array_unref(sockets);
}

COLD void sotto__nice_never_fragment(struct ice *ice)
{
    set_all(ice, true);
}

/* Kernels before 4.18 ignore the control message, and would send a run as one datagram. */
static bool can_segment(int fd)
{
    int size = 0;
    socklen_t n = sizeof size;
    return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &n) == 0;
}

void sotto__nice_path_forget(struct ice *ice)
{
    g_clear_object(&ice->path.socket);
    ice->path.is_stale = true;
}

/* Again for each pair: the socket goes with the local candidate. */
static void find_path(struct ice *ice)
{
    struct nice_path *p = &ice->path;
    sotto__nice_path_forget(ice);
    p->is_stale = false;
    if (!ice->pair_remote) return;
    memset(&p->to, 0, sizeof p->to);
    nice_address_copy_to_sockaddr(&ice->pair_remote->addr, &p->to.sa);
    p->to_size = p->to.sa.sa_family == AF_INET ? sizeof p->to.v4 : sizeof p->to.v6;
    p->socket = nice_agent_get_selected_socket(ice->agent, ice->stream, NICE_COMPONENT);
    if (!p->socket) return;
    p->no_runs = !can_segment(g_socket_get_fd(p->socket));
    (void)set_whole(g_socket_get_fd(p->socket), true); /* another pair of it may have been otherwise */
}

int sotto__nice_path_fd(struct ice *ice)
{
    if (ice->path.is_stale) find_path(ice);
    return ice->path.socket ? g_socket_get_fd(ice->path.socket) : -1; /* -1 too if libnice closed it */
}

COLD bool sotto__nice_whole(struct ice *ice, bool whole)
{
    int fd = sotto__nice_path_fd(ice);
    if (fd < 0 && !whole) set_all(ice, false); /* by libnice, from any of them */
    return fd >= 0 && set_whole(fd, whole);
}

/* How many of these packets make up the next message: equal in size, but for a last one that is shorter. A run that is too long for one
 * message is cut into equal parts. */
static size_t run_length(const struct packet *p, size_t n)
{
    size_t size = p[0].n, k = 1;
    size_t most = size == 0 ? 1 : RUN_BYTES / size;
    if (most > RUN_PACKETS) most = RUN_PACKETS;
    if (most < 2) return 1;
    while (k < n && p[k].n == size) k++;
    if (k < n && p[k].n > 0 && p[k].n < size) k++;
    size_t messages = (k + most - 1) / most;
    return (k + messages - 1) / messages;
}

static void segment(struct msghdr *m, uint8_t *control, size_t size)
{
    uint16_t value = (uint16_t)size;
    m->msg_control = control;
    m->msg_controllen = CONTROL;
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(c), &value, sizeof value);
}

/* The packets at p, of which the first `alone` are not to be in runs; how many messages. */
static unsigned fill(struct batch *b, struct nice_path *path, const struct packet *p, size_t n,
                     size_t alone)
{
    unsigned count = 0;
    if (n > PACKETS) n = PACKETS;
    for (size_t at = 0; at < n && count < MESSAGES; count++) {
        size_t run = path->no_runs || at < alone ? 1 : run_length(p + at, n - at);
        struct msghdr *m = &b->messages[count].msg_hdr;
        *m = (struct msghdr){.msg_name = &path->to,
                             .msg_namelen = path->to_size,
                             .msg_iov = &b->parts[at],
                             .msg_iovlen = run};
        if (run > 1) segment(m, b->control[count].bytes, p[at].n);
        b->sizes[count] = (uint8_t)run;
        for (size_t end = at + run; at < end; at++)
            b->parts[at] = (struct iovec){(void *)(uintptr_t)p[at].p, p[at].n};
    }
    return count;
}

enum verdict { AGAIN, ALONE, SKIP, STOP };

/* What becomes of a message of `run` packets that the system refused. */
static enum verdict judge(struct nice_path *path, int error, size_t run)
{
    switch (error) {
    case EINTR: return AGAIN;
    case EAGAIN: /* the socket's buffer is full, and will be for the others */
    case EBADF:
    case ENOTSOCK: return STOP;
    case ENOBUFS:
    case ENOMEM: return run > 1 ? ALONE : STOP; /* memory for a small one may be there */
    case EMSGSIZE: return run > 1 ? ALONE : SKIP;
    case EIO: /* the device makes no checksums, or the packets are to be encrypted below */
    case EINVAL:
    case EOPNOTSUPP:
    case ENOPROTOOPT:
        if (run > 1) path->no_runs = true;
        return run > 1 ? ALONE : SKIP;
    default: return SKIP; /* a firewall, no route, the device is down: the others are tried */
    }
}

size_t sotto__nice_send_past(struct ice *ice, int fd, const struct packet *p, size_t n)
{
    struct batch b;
    size_t sent = 0, at = 0, alone = 0; /* packets before `alone` go by themselves */
    bool was_refused = false;
    while (at < n) {
        unsigned count = fill(&b, &ice->path, p + at, n - at, alone > at ? alone - at : 0);
        int r = sendmmsg(fd, b.messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
        for (int i = 0; i < r; i++) sent += b.sizes[i], at += b.sizes[i];
        if (r > 0) continue;
        int error = r < 0 ? errno : EAGAIN;
        if (error == ECONNREFUSED && !was_refused) { /* of an earlier packet: saying so has cleared it */
            was_refused = true;
            continue;
        }
        enum verdict v = judge(&ice->path, error, b.sizes[0]);
        if (v == STOP) break;
        if (v == ALONE) alone = at + b.sizes[0];
        if (v == SKIP) at += b.sizes[0];
    }
    return sent;
}
