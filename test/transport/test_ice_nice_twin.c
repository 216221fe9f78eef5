/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving past libnice: what goes which way, when, and what becomes of it as pairs and traffic change. */
#include <linux/filter.h>
#include <linux/udp.h>
#include <string.h>
#include <unistd.h>

#include "../open_fds.h"
#include "twin_kit.h"

/* Whether the kernel gives it trains. */
static int joins(const struct end *e)
{
    int yes = -1;
    socklen_t n = sizeof yes;
    assert_int_equal(getsockopt(twin_fd(e), IPPROTO_UDP, UDP_GRO, &yes, &n), 0);
    return yes;
}

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Over a pair of this family from now on. */
static void choose(struct end *e, int family)
{
    const struct candidate *local = NULL, *remote = NULL;
    for (size_t i = 0; i < e->n_candidates; i++)
        if (e->candidates[i].addr.family == family) local = &e->candidates[i];
    for (size_t i = 0; i < e->peer->n_candidates; i++)
        if (e->peer->candidates[i].addr.family == family) remote = &e->peer->candidates[i];
    assert_true(local && remote);
    assert_true(nice_agent_set_selected_pair(e->ice->agent, e->ice->stream, 1, local->foundation,
                                             remote->foundation));
}

static bool has_ipv6(void)
{
    for (size_t i = 0; i < alice.n_candidates; i++)
        if (alice.candidates[i].addr.family == 6) return true;
    return false;
}

static void many_datagrams_open_one_and_few_do_not(void **state)
{
    (void)state;
    connect_ends(&alice, &bob);
    pass(&alice, &bob, WORTH - 1, 100);
    assert_null(bob.ice->twin);
    assert_null(bob.box.train);
    pass(&alice, &bob, 1, 100);
    assert_non_null(bob.ice->twin);
    assert_null(alice.ice->twin); /* it has got nothing */
    pass(&alice, &bob, 250, 1200);
    assert_false(bob.out_of_order);
    assert_int_equal(bob.box.dropped, 0);
}

static void what_came_before_it_opened_is_read_first(void **state)
{
    (void)state;
    connect_ends(&alice, &bob);
    pass(&alice, &bob, WORTH - 1, 100);
    wire.first = bob.next_number + 1, wire.late = 20; /* … before libnice's socket has a twin, and after */
    size_t had = bob.packets;
    assert_int_equal(drive_send(&alice, bob.next_number, 1, 100), 1);
    expect(&alice, &bob, had + 41);
    assert_int_equal(wire.late, 0);
    assert_non_null(bob.ice->twin);
    assert_false(bob.out_of_order);
    pass(&alice, &bob, 20, 100);
    assert_false(bob.out_of_order);
}

static void a_train_is_read_at_once(void **state)
{
    (void)state;
    connect_with_twin();
    wire.calls = 0;
    pass(&alice, &bob, 250, 1201); /* of an odd size: not aligned */
    assert_in_range(wire.calls, 1, 3);
    assert_false(bob.out_of_order);
    bob.next_number = 0;
    for (size_t i = 0; i < 40; i++) pass(&alice, &bob, 1 + i % 3, 5 + i * 50);
    assert_false(bob.out_of_order);
}

static void data_goes_to_the_twin_and_stun_to_libnice(void **state)
{
    uint8_t check[512];
    (void)state;
    connect_with_twin();
    for (int i = 0; i < 2; i++) {
        drive(both, 2, NULL, NULL, 20);
        int from = sotto__nice_path_fd(alice.ice), own = twin_fd(&bob);
        int nice = sotto__nice_path_fd(bob.ice);
        const union nice_sockaddr *to = &alice.ice->path.to;
        socklen_t size = alice.ice->path.to_size;
        static const uint8_t firsts[][2] = {{20}, {63}, {128}, {255}};
        static const uint8_t others[][2] = {{0}, {3}, {4}, {19}, {64}, {79}, {127}};
        for (size_t k = 0; k < sizeof firsts / sizeof *firsts; k++) {
            assert_int_equal(sendto(from, firsts[k], 2, 0, &to->sa, size), 2);
            assert_true(is_readable(own));
            assert_false(is_readable(nice));
            drive(both, 2, NULL, NULL, 2);
        }
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
            assert_int_equal(sendto(from, others[k], 2, 0, &to->sa, size), 2);
            assert_true(is_readable(nice));
            assert_false(is_readable(own));
            drive(both, 2, NULL, NULL, 2);
        }
        assert_int_equal(sendto(from, "", 0, 0, &to->sa, size), 0);
        assert_false(is_readable(own));
        size_t n = make_check(&alice, &bob, check);
        assert_int_equal(sendto(from, check, n, 0, &to->sa, size), n);
        assert_true(is_readable(nice));
        assert_false(is_readable(own));
        if (!has_ipv6()) break;
        choose(&alice, i == 0 && to->sa.sa_family == AF_INET ? 6 : 4);
        choose(&bob, i == 0 && to->sa.sa_family == AF_INET ? 6 : 4);
        pass(&alice, &bob, 3, 100);
        if (!bob.ice->twin) open_twin_of(&alice, &bob);
    }
}

/* proves: ICE-07 */
static void strangers_get_nothing_to_the_twin_or_through(void **state)
{
    struct sockaddr_in where;
    int fd;
    (void)state;
    connect_with_twin();
    fd = stranger(&where);
    for (int i = 0; i < 20; i++) send_raw(fd, &bob, "\x80 hello", 7);
    assert_false(is_readable(twin_fd(&bob)));
    pass(&alice, &bob, 10, 100);
    assert_non_null(bob.ice->twin);
    close(fd);
}

/* proves: ICE-08 */
static void a_pair_of_another_socket_takes_the_twin_along(void **state)
{
    (void)state;
    connect_with_twin();
    if (!has_ipv6()) return;
    size_t had = bob.packets;
    int family = alice.ice->path.to.sa.sa_family == AF_INET ? 4 : 6;
    for (int i = 0; i < 6; i++) {
        family = 10 - family;
        struct nice_twin *old = bob.ice->twin;
        assert_int_equal(drive_send(&alice, 0, 100, 300), 100); /* wait in the old one */
        choose(&alice, family);
        assert_int_equal(drive_send(&alice, 100, 100, 300), 100); /* wait in libnice's */
        if (i < 3 || i == 4) choose(&bob, family);
        expect(&alice, &bob, had += 200);
        if (i >= 3 && i != 4) choose(&bob, family);
        pass(&alice, &bob, 10, 100);
        had += 10;
        assert_non_null(bob.ice->twin);
        assert_ptr_not_equal(bob.ice->twin, old);
        assert_false(is_readable(twin_fd(&bob)));
    }
    assert_int_equal(bob.box.dropped, 0);
}

/* proves: ICE-08 */
static void another_remote_at_the_same_socket_moves_the_filter(void **state)
{
    (void)state;
    connect_with_twin();
    struct nice_twin *twin = bob.ice->twin;
    NiceCandidate *remote = bob.ice->pair_remote;
    nice_address_set_port(&remote->addr, nice_address_get_port(&remote->addr) ^ 1);
    assert_int_equal(drive_send(&alice, bob.next_number, 50, 100), 50); /* wait for the twin */
    bob.ice->path.is_stale = true;
    expect(&alice, &bob, bob.packets + 50);
    assert_ptr_equal(bob.ice->twin, twin);
    pass(&alice, &bob, 50, 100); /* by libnice now */
    assert_ptr_equal(bob.ice->twin, twin);
    nice_address_set_port(&remote->addr, nice_address_get_port(&remote->addr) ^ 1);
    bob.ice->path.is_stale = true;
    pass(&alice, &bob, 50, 100);
    wire.calls = 0;
    pass(&alice, &bob, 50, 100);
    assert_int_not_equal(wire.calls, 0);
    assert_ptr_equal(bob.ice->twin, twin);
}

static void a_filter_that_was_taken_off_loses_no_data_and_no_checks(void **state)
{
    (void)state;
    connect_with_twin();
    uint8_t check[512];
    int none = 0;
    size_t n = make_check(&alice, &bob, check);
    assert_int_equal(
        setsockopt(twin_fd(&bob), SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof none), 0);
    for (int i = 0; i < 5; i++) { /* the kernel sorts by the addresses now: all to one of the two */
        pass(&alice, &bob, 20, 500);
        assert_int_equal(sendto(sotto__nice_path_fd(alice.ice), check, n, 0, &alice.ice->path.to.sa,
                                alice.ice->path.to_size),
                         n);
        drive(both, 2, NULL, NULL, 5);
    }
    assert_int_equal(sendto(sotto__nice_path_fd(alice.ice), check, n, 0, &alice.ice->path.to.sa,
                            alice.ice->path.to_size),
                     n);
    assert_true(is_readable(sotto__nice_path_fd(bob.ice))); /* libnice sees the checks again, one way or the other */
    pass(&alice, &bob, 20, 500);
}

static void what_comes_before_the_filter_is_sorted_when_it_is_read(void **state)
{
    (void)state;
    connect_with_twin();
    /* as if the kernel had put it there: all goes to the twin */
    struct sock_filter all = {BPF_RET | BPF_K, 0, 0, 1};
    struct sock_fprog program = {1, &all};
    struct sockaddr_in where;
    int fd = stranger(&where);
    assert_int_equal(
        setsockopt(twin_fd(&bob), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program),
        0);
    send_raw(fd, &bob, "\x80 not yours", 11);
    if (alice.ice->path.to.sa.sa_family == AF_INET) assert_true(is_readable(twin_fd(&bob)));
    pass(&alice, &bob, 10, 200); /* of which nothing is lost, but the twin is no more */
    if (alice.ice->path.to.sa.sa_family == AF_INET) assert_null(bob.ice->twin);
    pass(&alice, &bob, 10, 200);
    close(fd);
}

static void stun_within_a_train_is_dropped_alone(void **state)
{
    (void)state;
    connect_with_twin();
    wire.stun_at = 3;
    size_t had = bob.packets;
    assert_int_equal(drive_send(&alice, 0, 20, 300), 20);
    expect(&alice, &bob, had + 19);
    assert_int_equal(wire.stun_at, 0);
    assert_non_null(bob.ice->twin);
    assert_int_equal(joins(&bob), 0); /* when it is repeated it comes alone */
    pass(&alice, &bob, 20, 300);
    assert_non_null(bob.ice->twin);
    struct ice_out out;
    while (ops->next(bob.ice, drive_now() + SOTTO_SECONDS(9), &out) == 1) continue;
    assert_int_equal(joins(&bob), 0);
    assert_int_equal(drive_send(&alice, 0, 1, 300), 1);
    ops->ready(bob.ice, twin_slot(&bob), POLLIN);
    while (ops->next(bob.ice, drive_now() + SOTTO_SECONDS(9), &out) == 1) continue;
    while (ops->next(bob.ice, drive_now() + SOTTO_SECONDS(11), &out) == 1) continue;
    assert_int_equal(joins(&bob), 1);
}

static void silence_closes_it_and_traffic_opens_it_again(void **state)
{
    struct ice_out out;
    (void)state;
    connect_with_twin();
    int fds = open_fds();
    sotto_us now = drive_now();
    assert_true(ops->due(bob.ice) <= now + QUIET);
    while (ops->next(bob.ice, now + QUIET - SOTTO_SECONDS(1), &out) == 1) continue;
    assert_non_null(bob.ice->twin);
    bob.ice->path.not_before = 0;
    while (ops->next(bob.ice, now + QUIET + SOTTO_SECONDS(1), &out) == 1) continue;
    assert_null(bob.ice->twin);
    assert_null(bob.box.train);
    assert_int_equal(open_fds(), fds - 1);
    pass(&alice, &bob, 250, 100);
    assert_null(bob.ice->twin); /* not so soon */
    bob.ice->path.not_before = 0;
    open_twin_of(&alice, &bob);
}

static void traffic_keeps_it_open(void **state)
{
    struct ice_out out;
    (void)state;
    connect_with_twin();
    sotto_us now = drive_now();
    for (int i = 0; i < 4; i++) { /* of a clock of ours: the peer, who stays in the real time, answers none of five requests */
        assert_int_equal(drive_send(&alice, 0, 2, 100), 2);
        int slot = twin_slot(&bob);
        ops->ready(bob.ice, slot, POLLIN);
        now += SOTTO_SECONDS(4);
        int packets = 0;
        while (ops->next(bob.ice, now, &out) == 1) {
            if (out.type == ICE_OUT_PACKET) packets++;
            if (out.type == ICE_OUT_STATE) assert_int_not_equal(out.state, SOTTO_ICE_DISCONNECTED);
        }
        assert_int_equal(packets, 2);
    }
    assert_non_null(bob.ice->twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_datagrams_open_one_and_few_do_not),
        TEST(what_came_before_it_opened_is_read_first),
        TEST(a_train_is_read_at_once),
        TEST(data_goes_to_the_twin_and_stun_to_libnice),
        TEST(strangers_get_nothing_to_the_twin_or_through),
        TEST(a_pair_of_another_socket_takes_the_twin_along),
        TEST(another_remote_at_the_same_socket_moves_the_filter),
        TEST(a_filter_that_was_taken_off_loses_no_data_and_no_checks),
        TEST(what_comes_before_the_filter_is_sorted_when_it_is_read),
        TEST(stun_within_a_train_is_dropped_alone),
        TEST(silence_closes_it_and_traffic_opens_it_again),
        TEST(traffic_keeps_it_open),
    };
    return cmocka_run_group_tests_name("ice_nice_twin", tests, NULL, NULL);
}
