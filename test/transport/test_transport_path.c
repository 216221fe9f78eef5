/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole transports on loopback, whose data goes past libnice, while all that can go wrong there does: the system refuses to send or to
 * receive with every errno that it has for it, the selected pair changes, the filter is taken off the twin, ICE restarts. No message is
 * lost. Seconds of it; with SOTTO_LONG an hour.
 */
#include <errno.h>
#include <sys/socket.h>

#include "../open_fds.h"
#include "couple.h"
#include "still_clock.h"
#include "transport/ice_nice.h"
#include "util/mem.h"

static const int send_errors[] = {EINTR,         EAGAIN, ENOBUFS,     ENOMEM,       EMSGSIZE,
                                  EIO,           EINVAL, EOPNOTSUPP,  ENOPROTOOPT,  ECONNREFUSED,
                                  EPERM,         EACCES, ENETUNREACH, EHOSTUNREACH, ENETDOWN,
                                  EADDRNOTAVAIL, EPIPE,  EFAULT};
static const int read_errors[] = {EINTR,    EAGAIN,      ENOMEM,   ENOBUFS,      ECONNREFUSED,
                                  ENETDOWN, ENETUNREACH, EMSGSIZE, EHOSTUNREACH, EPROTO,
                                  EBADF,    EFAULT,      EINVAL,   EIO,          ENOTCONN};
static struct {
    bool on;
    uint64_t state; /* of the generator: each run does the same, as far as the clock lets it */
    uint32_t refused, cut, unread, reads, switches, detached;
} trouble;

int __real_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t);
int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t);

static uint32_t below(uint32_t n)
{
    trouble.state = trouble.state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(trouble.state >> 33) % n;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    if (trouble.on && below(40) == 0) {
        trouble.refused++;
        errno = send_errors[below(sizeof send_errors / sizeof *send_errors)];
        return -1;
    }
    if (trouble.on && n > 1 && below(20) == 0) {
        trouble.cut++;
        n = 1;
    }
    return __real_sendmmsg(fd, m, n, flags);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t)
{
    if (trouble.on && below(40) == 0) {
        trouble.unread++;
        errno = read_errors[below(sizeof read_errors / sizeof *read_errors)];
        return -1;
    }
    trouble.reads++;
    return __real_recvmmsg(fd, m, n, flags, t);
}

/* Any pair of the two generations that fit together. */
static void switch_pair(struct party *p)
{
    struct ice *ice = p->t.live.ice, *other = p->other->t.live.ice;
    if (!ice || !other || !ice->pair_local || !other->pair_local) return;
    GSList *locals = nice_agent_get_local_candidates(ice->agent, ice->stream, NICE_COMPONENT);
    GSList *remotes = nice_agent_get_remote_candidates(ice->agent, ice->stream, NICE_COMPONENT);
    if (locals && remotes) {
        NiceCandidate *l = g_slist_nth_data(locals, below(g_slist_length(locals)));
        NiceCandidate *r = g_slist_nth_data(remotes, below(g_slist_length(remotes)));
        if (nice_address_ip_version(&l->addr) == nice_address_ip_version(&r->addr) &&
            nice_agent_set_selected_pair(ice->agent, ice->stream, NICE_COMPONENT, l->foundation,
                                         r->foundation))
            trouble.switches++;
    }
    g_slist_free_full(locals, (GDestroyNotify)nice_candidate_free);
    g_slist_free_full(remotes, (GDestroyNotify)nice_candidate_free);
}

/* Traffic is worth a twin again at once: it need not be waited for. */
static void hurry(struct party *p)
{
    if (p->t.live.ice) p->t.live.ice->path.not_before = 0;
}

static void detach_filter(struct party *p)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    struct ice *ice = p->t.live.ice;
    int none = 0;
    if (!ice || !ice->twin) return;
    int n = p->shared.ice_ops->fds(ice, fds, SOTTO_MAX_ICE_FDS);
    if (setsockopt(fds[n - 1].fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof none) == 0)
        trouble.detached++;
}

static void make_trouble(struct couple *c, int round)
{
    struct party *p = round % 2 ? &c->a : &c->b;
    trouble.on = true;
    hurry(&c->a);
    hurry(&c->b);
    if (round % 3 == 0) switch_pair(p);
    if (round % 7 == 0) detach_filter(p);
    if (round % 20 == 19) {
        couple_restart(c, false);
        assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(60)));
    }
    couple_run(c, SOTTO_MS(10 + (int)below(40)));
}

/* How much of it there is in a time depends on the pairs that chance selects. */
static bool is_enough(const struct couple *c)
{
    bool past = !getenv("SOTTO_NO_FAST_PATH");
    return c->a.n_received > 300 &&
           (!past || (trouble.reads > 50 && trouble.refused > 3 && trouble.unread > 0 &&
                      trouble.detached > 0 && trouble.switches > 0));
}

static void nothing_is_lost_whatever_happens_below(void **state)
{
    (void)state;
    struct couple *c = couple_new(0, true);
    couple_connect(c);
    couple_run(c, SOTTO_MS(200));
    int fds = open_fds();
    memset(&trouble, 0, sizeof trouble);
    trouble.state = 5;
    c->a.size = c->b.size = 12000;
    c->a.every = c->b.every = SOTTO_MS(1);
    sotto_us end = couple_now(c) + (getenv("SOTTO_LONG") ? SOTTO_SECONDS(3600) : SOTTO_SECONDS(5));
    sotto_us latest = end + SOTTO_SECONDS(30);
    for (int round = 1; couple_now(c) < (is_enough(c) ? end : latest); round++) {
        make_trouble(c, round);
        c->a.n_ice = c->b.n_ice = 0; /* there is no end to them */
        c->a.n_candidates = c->b.n_candidates = 0;
        assert_int_equal(c->a.n_dtls, 2);
        assert_int_equal(c->a.n_down + c->b.n_down, 0);
    }
    trouble.on = false;
    c->a.every = c->b.every = 0;
    /* The pair of the last switch may be one that was never checked: libnice takes nothing from it, and no agent would select it. */
    couple_restart(c, false);
    assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(60)));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(60)));
    assert_true(is_enough(c));
    print_message(
        "%u messages, %u reads; refused %u, cut %u, unread %u, switched %u, detached %u\n",
        c->a.n_received + c->b.n_received, trouble.reads, trouble.refused, trouble.cut,
        trouble.unread, trouble.switches, trouble.detached);
    assert_int_equal(c->a.box.dropped + c->b.box.dropped, 0);
    couple_run(c, SOTTO_MS(3100)); /* what was replaced is no more */
    for (int i = 0; i < 2; i++) sotto__nice_twin_close(i ? c->a.t.live.ice : c->b.t.live.ice);
    assert_int_equal(open_fds(), fds);
    couple_free(c);
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    still_clock_run(); /* how much happens in its seconds is up to the machine: is_enough() */
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_whatever_happens_below)};
    return cmocka_run_group_tests_name("transport_path", tests, NULL, NULL);
}
