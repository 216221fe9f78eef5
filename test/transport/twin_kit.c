/* SPDX-License-Identifier: BSD-2-Clause */
/* See twin_kit.h. */
#include "twin_kit.h"

#include <errno.h>
#include <linux/udp.h>
#include <string.h>

const struct ice_ops *const ops = &sotto__ice_nice;
struct end alice, bob;
struct end *both[2] = {&alice, &bob};
struct wire wire;

int __real_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t);
int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __real_bind(int fd, const struct sockaddr *to, socklen_t n);
int __wrap_bind(int fd, const struct sockaddr *to, socklen_t n);

/* What the network may do to a train, though loopback does not. */
static void spoil(struct mmsghdr *m)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr);
    int size;
    if (!c || c->cmsg_type != UDP_GRO) return;
    memcpy(&size, CMSG_DATA(c), sizeof size);
    if ((unsigned)(size * wire.stun_at) >= m->msg_len) return;
    ((uint8_t *)m->msg_hdr.msg_iov->iov_base)[size * wire.stun_at] = 0x01;
    wire.stun_at = 0;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t)
{
    wire.calls++;
    if (wire.times > 0) {
        wire.times--;
        errno = wire.error;
        return -1;
    }
    int r = __real_recvmmsg(fd, m, n, flags, t);
    for (int i = 0; i < r && wire.stun_at; i++) spoil(&m[i]);
    return r;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
    if (level == SOL_SOCKET && wire.setting == name) {
        errno = ENOPROTOOPT;
        return -1;
    }
    int r = __real_setsockopt(fd, level, name, value, n);
    if (level == SOL_SOCKET && name == SO_ATTACH_REUSEPORT_CBPF && wire.late > 0) {
        drive_send(&alice, wire.first, wire.late, 300);
        wire.late = 0;
    }
    return r;
}

int __wrap_bind(int fd, const struct sockaddr *to, socklen_t n)
{
    if (wire.no_bind && to->sa_family != AF_UNIX) {
        errno = EADDRINUSE;
        return -1;
    }
    if (wire.late > 0 && to->sa_family != AF_UNIX) {
        drive_send(&alice, wire.first, wire.late, 300);
        wire.first += (uint32_t)wire.late;
    }
    return __real_bind(fd, to, n);
}

int make_two(void **state)
{
    (void)state;
    memset(&wire, 0, sizeof wire);
    end_init(&alice, "alice", true);
    end_init(&bob, "bob42", false);
    alice.cfg.no_fast_path = bob.cfg.no_fast_path = false;
    return 0;
}

int free_two(void **state)
{
    (void)state;
    end_free(&alice);
    end_free(&bob);
    assert_null(alice.box.train);
    assert_null(bob.box.train);
    return 0;
}

void connect_ends(struct end *a, struct end *b)
{
    struct end *ends[2] = {a, b};
    assert_int_equal(end_open(a), 0);
    assert_int_equal(end_open(b), 0);
    pair_introduce(a, b);
    assert_int_equal(ops->gather(a->ice, drive_now()), 0);
    assert_int_equal(ops->gather(b->ice, drive_now()), 0);
    assert_true(drive(ends, 2, pair_is_connected, ends, 1000));
    drive(ends, 2, NULL, NULL, 50); /* the best pair */
}

static bool has_packets(void *end)
{
    const struct end *e = end;
    return e->packets >= e->wanted;
}

void expect(struct end *a, struct end *b, size_t n)
{
    struct end *ends[2] = {a, b};
    b->wanted = n;
    if (!drive(ends, 2, has_packets, b, 1000)) assert_int_equal(b->packets, n);
    drive(ends, 2, NULL, NULL, 10);
    assert_int_equal(b->packets, n);
}

/* From a to b, so many more. */
void pass(struct end *a, struct end *b, size_t n, size_t size)
{
    size_t had = b->packets;
    assert_int_equal(drive_send(a, b->next_number, n, size), n);
    expect(a, b, had + n);
}

void open_twin_of(struct end *a, struct end *b)
{
    for (int i = 0; i < 4 && !b->ice->twin; i++) pass(a, b, 100, 100);
    assert_non_null(b->ice->twin);
}

void connect_with_twin(void)
{
    connect_ends(&alice, &bob);
    open_twin_of(&alice, &bob);
}

/* Its descriptor: behind those of libnice's context. */
int twin_fd(const struct end *e)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    int n = ops->fds(e->ice, fds, SOTTO_MAX_ICE_FDS);
    assert_non_null(e->ice->twin);
    return fds[n - 1].fd;
}

int twin_slot(const struct end *e)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    return ops->fds(e->ice, fds, SOTTO_MAX_ICE_FDS) - 1;
}
