/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer that goes on from another address, as behind a NAT that forgot it; and one that only says so. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answerer.h"
#include "sotto/pc.h"

static void check_from(int which)
{
    uint8_t check[512];
    send_raw(which, &alice, check, make_check(&puppet, &alice, check));
}

static unsigned port_of(int which)
{
    struct sockaddr_in at;
    socklen_t n = sizeof at;
    assert_int_equal(getsockname(which, (struct sockaddr *)&at, &n), 0);
    return ntohs(at.sin_port);
}

static unsigned remote_port(void)
{
    struct ice_pair pair;
    assert_true(ops->pair(alice.ice, &pair));
    return pair.remote.addr.port;
}

static int data_at(int which)
{
    uint8_t in[600];
    int n = 0;
    for (ssize_t k; (k = recv(which, in, sizeof in, MSG_DONTWAIT)) > 0;) n += in[0] == 0x80;
    return n;
}

/* libnice would select the better of two pairs by itself: here the checks say that the other address is no better. */
/* proves: A14 */
static void a_peer_that_moved_is_followed_within_a_second(void **state)
{
    uint8_t data[20] = {0x80};
    struct packet p = {data, sizeof data};
    (void)state;
    for (int role = 0; role < 2; role++) {
        set_up(role == 1);
        pass(20, WELL);
        move_away();
        is_first_dead = true;
        check_from(other_fd);
        pass_ms(1200, WELL);
        assert_int_equal(remote_port(), port_of(other_fd));
        assert_int_equal(ops->send(alice.ice, &p, 1, now_ahead()), 1);
        assert_int_equal(data_at(other_fd), 1);
        pass(60, WELL);
        assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
        assert_false(end_saw(&alice, SOTTO_ICE_DISCONNECTED));
        tear_down();
    }
}

static void one_that_still_answers_from_where_it_was_is_not(void **state)
{
    (void)state;
    set_up(true);
    move_away();
    for (int i = 0; i < 20; i++) {
        check_from(other_fd);
        pass_ms(1700, WELL);
        assert_int_equal(remote_port(), port_of(fd));
    }
    tear_down();
}

static void an_address_where_nobody_answers_gets_a_few_requests_and_nothing_else(void **state)
{
    uint8_t data[20] = {0x80};
    struct packet p = {data, sizeof data};
    (void)state;
    set_up(true);
    pass(6, WELL);
    move_away();
    check_from(other_fd);
    turn();
    int silent = other_fd;
    other_fd = -1; /* is not served */
    for (int i = 0; i < 280; i++) {
        pass_ms(100, NOT);
        (void)ops->send(alice.ice, &p, 1, now_ahead());
    }
    assert_int_equal(remote_port(), port_of(fd));
    uint8_t in[600];
    int requests = 0;
    for (ssize_t n; (n = recv(silent, in, sizeof in, MSG_DONTWAIT)) > 0;) {
        assert_int_not_equal(in[0], 0x80);
        requests += in[0] == 0 && in[1] == 1;
    }
    assert_in_range(requests, 1, 20); /* with libnice's own */
    close(silent);
    pass(10, NOT);
    assert_int_equal(end_state(&alice), SOTTO_ICE_FAILED); /* 30 s after the last answer, as without it */
    tear_down();
}

static void what_is_no_proof_moves_nothing(void **state)
{
    static const enum manner bad[] = {WITHOUT_INTEGRITY, WITH_ANOTHER_KEY, TO_ANOTHER,
                                      WITH_AN_ERROR, FROM_ANOTHER};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set_up(true);
        move_away();
        check_from(other_fd);
        pass(4, bad[i]);
        assert_int_equal(remote_port(), port_of(fd));
        tear_down();
    }
}

/* The peer's own fault, and its own connection: the rest is as before. */
static void who_jumps_between_addresses_moves_it_once_a_second_at_most(void **state)
{
    (void)state;
    set_up(false);
    pass(6, WELL);
    int selections = 0;
    move_away();
    int sockets[2] = {fd, other_fd};
    for (int i = 0; i < 100; i++) { /* ten seconds; it answers at the other one only */
        unsigned before = remote_port();
        fd = sockets[i % 2], other_fd = sockets[1 - i % 2];
        is_first_dead = true;
        check_from(other_fd);
        pass_ms(100, WELL);
        selections += remote_port() != before;
    }
    assert_true(selections <= 10);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_moved_is_followed_within_a_second),
        cmocka_unit_test(one_that_still_answers_from_where_it_was_is_not),
        cmocka_unit_test(an_address_where_nobody_answers_gets_a_few_requests_and_nothing_else),
        cmocka_unit_test(what_is_no_proof_moves_nothing),
        cmocka_unit_test(who_jumps_between_addresses_moves_it_once_a_second_at_most),
    };
    return cmocka_run_group_tests_name("ice_nice_move", tests, NULL, NULL);
}
