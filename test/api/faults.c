/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See faults.h. These names stand before those of the C library for every shared object, as those of the program come first; the C
 * library's own are found behind them.
 */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SHOWN __attribute__((visibility("default")))

struct faults faults;

/* sendmsg(2), udp(7), ip(7), ipv6(7), and what firewalls and devices give. */
static const int send_errnos[] = {
    EINTR,      EAGAIN,       ENOBUFS,     ENOMEM,  EMSGSIZE,      EIO,          EINVAL,
    EOPNOTSUPP, ENOPROTOOPT,  EPERM,       EACCES,  ENETUNREACH,   EHOSTUNREACH, ENETDOWN,
    EHOSTDOWN,  ENONET,       EPIPE,       EFAULT,  EADDRNOTAVAIL, EAFNOSUPPORT, ECONNREFUSED,
    EALREADY,   EDESTADDRREQ, ECONNRESET,  EISCONN, ENOTCONN,      ETIMEDOUT,    EPROTO,
    EBADF,      ENOTSOCK,     ECONNABORTED};
/* recvmsg(2) and the errors of earlier packets. */
static const int read_errnos[] = {
    EINTR,    EAGAIN,       ENOMEM,    ENOBUFS,   ECONNREFUSED, ENETDOWN, ENETUNREACH,
    EMSGSIZE, EHOSTUNREACH, EPROTO,    EBADF,     EFAULT,       EINVAL,   EIO,
    ENOTCONN, ENOTSOCK,     EHOSTDOWN, ETIMEDOUT, EACCES,       EPERM,    ECONNRESET};
/* What libnice gives a socket up for. */
static const int fatal_errnos[] = {EBADF, ENOTSOCK, EIO, ENOTCONN, EFAULT, EINVAL};
#define COUNT(a) ((unsigned)(sizeof(a) / sizeof *(a)))

uint32_t faults_below(uint32_t n)
{
    faults.state = faults.state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(faults.state >> 33) % n;
}

unsigned faults_kinds(bool of_sends)
{
    return of_sends ? COUNT(send_errnos) : COUNT(read_errnos);
}

unsigned faults_used(bool of_sends)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FAULTS_ERRNOS; i++)
        n += (of_sends ? faults.sent_errnos : faults.read_errnos)[i] > 0;
    return n;
}

/* The function of that name behind ours. */
static void *real(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);
    if (!f) abort();
    return f;
}

static bool is_ip(int fd)
{
    int domain = 0;
    socklen_t n = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
           (domain == AF_INET || domain == AF_INET6);
}

/* Whether this call is to fail; errno says with what. */
static bool refuses(int fd)
{
    faults.sends++;
    if (!faults.on || faults_below(faults.every) != 0 || !is_ip(fd)) return false;
    unsigned i = (unsigned)(faults.refused++ % COUNT(send_errnos)); /* each in turn */
    faults.sent_errnos[i]++;
    errno = send_errnos[i];
    return true;
}

/* Whether it is a check of a lane that is blocked. */
static bool is_blocked(int fd, const struct msghdr *m)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } local;
    socklen_t n = sizeof local;
    const uint8_t *first =
        m->msg_iovlen > 0 && m->msg_iov[0].iov_len > 0 ? m->msg_iov[0].iov_base : NULL;
    if (faults.blocked == 0 || !first || *first > 3 || getsockname(fd, &local.sa, &n) != 0)
        return false;
    if (local.sa.sa_family == AF_INET)
        return faults.blocked >> (ntohl(local.v4.sin_addr.s_addr) >> 8 & 1) & 1;
    return local.sa.sa_family == AF_INET6 &&
           faults.blocked >> (2 + (local.v6.sin6_addr.s6_addr[3] & 1)) & 1;
}

SHOWN ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    static ssize_t (*next)(int, const struct msghdr *, int);
    if (!next) *(void **)&next = real("sendmsg");
    if (is_blocked(fd, m)) {
        size_t all = 0;
        for (size_t i = 0; i < m->msg_iovlen; i++) all += m->msg_iov[i].iov_len;
        return (ssize_t)all;
    }
    return refuses(fd) ? -1 : next(fd, m, flags);
}

SHOWN int sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    static int (*next)(int, struct mmsghdr *, unsigned, int);
    if (!next) *(void **)&next = real("sendmmsg");
    if (n > 0 && is_blocked(fd, &m[0].msg_hdr)) return (int)n;
    if (refuses(fd)) return -1;
    if (faults.on && n > 1 && faults_below(faults.every) == 0) {
        faults.cut++;
        n = 1 + faults_below(n - 1);
    }
    return next(fd, m, n, flags);
}

/* libnice's: it survives being told that nothing is there. */
SHOWN ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    static ssize_t (*next)(int, struct msghdr *, int);
    if (!next) *(void **)&next = real("recvmsg");
    if (faults.breaks && is_ip(fd)) {
        faults.breaks = false;
        faults.broken++;
        errno = fatal_errnos[faults_below(COUNT(fatal_errnos))];
        return -1;
    }
    if (faults.on && faults_below(faults.every) == 0 && is_ip(fd)) {
        errno = faults_below(2) ? EINTR : EAGAIN;
        return -1;
    }
    return next(fd, m, flags);
}

SHOWN int recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t)
{
    static int (*next)(int, struct mmsghdr *, unsigned, int, struct timespec *);
    if (!next) *(void **)&next = real("recvmmsg");
    faults.reads++;
    if (faults.on && faults_below(faults.every) == 0 && is_ip(fd)) {
        unsigned i = (unsigned)(faults.unread++ % COUNT(read_errnos));
        faults.read_errnos[i]++;
        errno = read_errnos[i];
        return -1;
    }
    return next(fd, m, n, flags, t);
}
