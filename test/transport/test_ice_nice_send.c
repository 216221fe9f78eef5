/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending past libnice: what one system call is asked to do, and what becomes of a batch when the system refuses a part of it. */
#include <errno.h>
#include <linux/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ice_drive.h"
#include "transport/ice_nice.h"

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice, bob;
static struct end *both[2] = {&alice, &bob};

/* What sendmmsg() was asked, and what it shall say. */
static struct {
    int calls;
    size_t messages, runs;
    size_t first_run[8]; /* packets of the first messages of the last call */
    int fail_at, error;  /* that call, from 1 on, and those that follow, `times` in all */
    int times;
    bool only_runs; /* fail whatever begins with a run */
    int most;       /* messages of a call; 0: all */
    bool zero_options; /* getsockopt() knows no UDP_SEGMENT */
} wire;

int __real_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *n);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n);

int __wrap_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    bool is_run = m[0].msg_hdr.msg_iovlen > 1;
    wire.calls++;
    wire.messages += n;
    for (unsigned i = 0; i < n; i++) {
        if (i < 8) wire.first_run[i] = m[i].msg_hdr.msg_iovlen;
        assert_int_equal(m[i].msg_hdr.msg_iovlen > 1, m[i].msg_hdr.msg_controllen > 0);
        if (m[i].msg_hdr.msg_iovlen > 1) wire.runs++;
    }
    if (wire.times > 0 && wire.calls >= wire.fail_at && (is_run || !wire.only_runs)) {
        wire.times--;
        errno = wire.error;
        return -1;
    }
    if (wire.most > 0 && n > (unsigned)wire.most) n = (unsigned)wire.most;
    return __real_sendmmsg(fd, m, n, flags);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
    if (wire.zero_options && level == IPPROTO_UDP && name == UDP_SEGMENT) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return __real_getsockopt(fd, level, name, value, n);
}

static int make_two(void **state)
{
    (void)state;
    memset(&wire, 0, sizeof wire);
    end_init(&alice, "alice", true);
    end_init(&bob, "bob42", false);
    alice.cfg.no_fast_path = false;
    bob.cfg.no_fast_path = true; /* its socket is a large one */
    return 0;
}

static int free_two(void **state)
{
    (void)state;
    end_free(&alice);
    end_free(&bob);
    return 0;
}

static void connect_two(void)
{
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(end_open(&bob), 0);
    pair_introduce(&alice, &bob);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->gather(bob.ice, drive_now()), 0);
    assert_true(drive(both, 2, pair_is_connected, both, 1000));
}

static bool bob_has(void *n)
{
    return bob.packets >= *(size_t *)n;
}

static void expect_at_bob(size_t n)
{
    assert_true(drive(both, 2, bob_has, &n, 1000));
    drive(both, 2, NULL, NULL, 20);
    assert_int_equal(bob.packets, n);
}

static uint8_t bytes[130][2048];

/* Packets of these sizes; ends with 0. */
static int send_sizes(const size_t *sizes)
{
    struct packet p[130];
    size_t n = 0;
    for (; sizes[n]; n++) {
        uint32_t number = (uint32_t)n;
        memset(bytes[n], 0x80, sizeof bytes[n]);
        memcpy(bytes[n] + 1, &number, sizeof number);
        p[n] = (struct packet){bytes[n], sizes[n]};
    }
    return ops->send(alice.ice, p, n, drive_now());
}

static void packets_of_one_size_leave_as_one_message(void **state)
{
    static const struct {
        size_t sizes[9];
        size_t runs[8];
    } cases[] = {
        {{100}, {1}},
        {{100, 100}, {2}},
        {{100, 100, 99}, {3}},
        {{100, 99, 99}, {2, 1}},
        {{99, 100, 100, 7, 7}, {1, 3, 1}},
        {{5, 6, 7, 8}, {1, 1, 1, 1}},
        {{1200, 1200, 1200, 30, 1200, 1200, 31}, {4, 3}},
    };
    (void)state;
    connect_two();
    size_t all = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = 0, messages = 0;
        while (cases[i].sizes[n]) n++;
        while (messages < 8 && cases[i].runs[messages]) messages++;
        wire.calls = 0;
        wire.messages = 0;
        assert_int_equal(send_sizes(cases[i].sizes), n);
        assert_int_equal(wire.calls, 1);
        assert_int_equal(wire.messages, messages);
        for (size_t k = 0; k < messages; k++) assert_int_equal(wire.first_run[k], cases[i].runs[k]);
        expect_at_bob(all += n);
    }
}

static void a_long_run_is_cut_into_equal_messages(void **state)
{
    static const struct {
        size_t n, size, runs[4];
    } cases[] = {
        {64, 100, {64}},       {65, 100, {33, 32}},       {52, 1250, {52}},    {53, 1250, {27, 26}},
        {104, 1250, {52, 52}}, {105, 1250, {35, 35, 35}}, {128, 10, {64, 64}},
    };
    (void)state;
    connect_two();
    size_t all = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t sizes[130] = {0};
        for (size_t k = 0; k < cases[i].n; k++) sizes[k] = cases[i].size;
        memset(wire.first_run, 0, sizeof wire.first_run);
        assert_int_equal(send_sizes(sizes), cases[i].n);
        for (size_t k = 0; k < 4; k++) assert_int_equal(wire.first_run[k], cases[i].runs[k]);
        expect_at_bob(all += cases[i].n);
    }
}

static void more_than_one_call_takes_go_out_in_several(void **state)
{
    (void)state;
    connect_two();
    wire.most = 1;
    assert_int_equal(send_sizes((const size_t[]){100, 100, 200, 200, 300, 5, 6, 0}), 7);
    assert_int_equal(wire.calls, 4);
    expect_at_bob(7);
    assert_false(bob.out_of_order);
    wire.most = 0;
    assert_int_equal(drive_send(&alice, 7, 256, 400), 256);
    expect_at_bob(7 + 256);
    assert_false(bob.out_of_order);
}

/* Of three that are equal and a single one: what is sent when the first call is refused so many times. */
/* proves: A09 */
static void each_error_loses_what_it_must_and_no_more(void **state)
{
    static const struct {
        int error, times;
        bool only_runs;
        int sent, calls;
        bool no_runs;
    } cases[] = {
        {EINTR, 1, false, 4, 2, false},        {EINTR, 5, false, 4, 6, false},
        {EAGAIN, 1, false, 0, 1, false},       {EBADF, 1, false, 0, 1, false},
        {ENOTSOCK, 1, false, 0, 1, false},     {ENOBUFS, 1, false, 4, 2, false}, /* there was memory for small ones */
        {ENOBUFS, 2, false, 0, 2, false},      {ENOMEM, 1, false, 4, 2, false},
        {EMSGSIZE, 1, true, 4, 2, false},      {EMSGSIZE, 2, false, 3, 3, false}, /* and the first one alone is too large, too */
        {EIO, 100, true, 4, 2, true},          {EINVAL, 100, true, 4, 2, true},
        {EOPNOTSUPP, 100, true, 4, 2, true},   {ENOPROTOOPT, 100, true, 4, 2, true},
        {EINVAL, 2, false, 3, 3, true},        {ECONNREFUSED, 1, false, 4, 2, false},
        {ECONNREFUSED, 2, false, 1, 3, false}, {EPERM, 1, false, 1, 2, false},
        {EPERM, 100, false, 0, 2, false},      {ENETUNREACH, 1, false, 1, 2, false},
        {EHOSTUNREACH, 1, false, 1, 2, false}, {ENETDOWN, 1, false, 1, 2, false},
        {EACCES, 1, false, 1, 2, false},       {EADDRNOTAVAIL, 1, false, 1, 2, false},
        {EPIPE, 1, false, 1, 2, false},
    };
    (void)state;
    connect_two();
    size_t all = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        alice.ice->path.is_stale = true; /* found anew: with runs */
        memset(&wire, 0, sizeof wire);
        wire.fail_at = 1;
        wire.error = cases[i].error;
        wire.times = cases[i].times;
        wire.only_runs = cases[i].only_runs;
        assert_int_equal(send_sizes((const size_t[]){100, 100, 100, 200, 0}), cases[i].sent);
        assert_int_equal(wire.calls, cases[i].calls);
        assert_int_equal(alice.ice->path.no_runs, cases[i].no_runs);
        wire.times = 0;
        all += (size_t)cases[i].sent;
        expect_at_bob(all);
    }
}

static void an_error_in_the_middle_leaves_the_order_as_it_was(void **state)
{
    (void)state;
    connect_two();
    wire.most = 1;
    wire.fail_at = 2; /* the first run is out */
    wire.error = EIO;
    wire.times = 100;
    wire.only_runs = true;
    assert_int_equal(send_sizes((const size_t[]){100, 100, 200, 200, 300, 300, 0}), 6);
    expect_at_bob(6);
    assert_false(bob.out_of_order);
    assert_true(alice.ice->path.no_runs);
}

static void a_kernel_without_runs_is_found_out_before_it_joins_packets(void **state)
{
    (void)state;
    wire.zero_options = true;
    connect_two();
    assert_int_equal(send_sizes((const size_t[]){100, 100, 100, 0}), 3);
    assert_int_equal(wire.runs, 0);
    assert_int_equal(wire.messages, 3);
    expect_at_bob(3);
}

static void the_setting_leaves_all_to_libnice(void **state)
{
    (void)state;
    alice.cfg.no_fast_path = bob.cfg.no_fast_path = true;
    connect_two();
    assert_int_equal(drive_send(&alice, 0, 100, 1200), 100);
    assert_int_equal(wire.calls, 0);
    expect_at_bob(100);
    assert_true(sotto__ice_nice.whole(alice.ice, false)); /* that is about its sockets, too */
}

static void another_remote_forgets_the_path(void **state)
{
    (void)state;
    connect_two();
    assert_int_equal(send_sizes((const size_t[]){100, 0}), 1);
    assert_int_equal(ops->set_remote(alice.ice, "other", "other-pwd-0123456789abcd", drive_now()),
                     0);
    assert_int_equal(send_sizes((const size_t[]){100, 0}), SOTTO_E_STATE);
    assert_null(alice.ice->path.socket);
    ops->close(bob.ice, drive_now());
    assert_null(bob.ice->path.socket);
}

static int discovery(int fd)
{
    int value = -1, domain = 0;
    socklen_t n = sizeof value;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n), 0);
    n = sizeof value;
    assert_int_equal(getsockopt(fd, domain == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                                domain == AF_INET ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &value,
                                &n),
                     0);
    return value;
}

static void nothing_is_fragmented_unless_it_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_false(ops->whole(alice.ice, true)); /* no pair */
    GPtrArray *sockets = nice_agent_get_sockets(alice.ice->agent, alice.ice->stream, 1);
    assert_true(sockets->len > 0);
    for (guint i = 0; i < sockets->len; i++)
        assert_int_equal(discovery(g_socket_get_fd(g_ptr_array_index(sockets, i))),
                         IP_PMTUDISC_PROBE);
    g_ptr_array_unref(sockets);
    end_free(&alice);
    make_two(NULL);
    connect_two();
    int fd = sotto__nice_path_fd(alice.ice);
    assert_int_equal(discovery(fd), IP_PMTUDISC_PROBE);
    assert_true(ops->whole(alice.ice, false));
    assert_int_equal(discovery(fd), IP_PMTUDISC_DONT);
    alice.ice->path.is_stale = true; /* another pair goes whole */
    assert_int_equal(sotto__nice_path_fd(alice.ice), fd);
    assert_int_equal(discovery(fd), IP_PMTUDISC_PROBE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_of_one_size_leave_as_one_message, make_two,
                                        free_two),
        cmocka_unit_test_setup_teardown(a_long_run_is_cut_into_equal_messages, make_two, free_two),
        cmocka_unit_test_setup_teardown(more_than_one_call_takes_go_out_in_several, make_two,
                                        free_two),
        cmocka_unit_test_setup_teardown(each_error_loses_what_it_must_and_no_more, make_two,
                                        free_two),
        cmocka_unit_test_setup_teardown(an_error_in_the_middle_leaves_the_order_as_it_was, make_two,
                                        free_two),
        cmocka_unit_test_setup_teardown(a_kernel_without_runs_is_found_out_before_it_joins_packets,
                                        make_two, free_two),
        cmocka_unit_test_setup_teardown(the_setting_leaves_all_to_libnice, make_two, free_two),
        cmocka_unit_test_setup_teardown(another_remote_forgets_the_path, make_two, free_two),
        cmocka_unit_test_setup_teardown(nothing_is_fragmented_unless_it_is_asked_for, make_two,
                                        free_two),
    };
    return cmocka_run_group_tests_name("ice_nice_send", tests, NULL, NULL);
}
