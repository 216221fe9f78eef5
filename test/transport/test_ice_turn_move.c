/* SPDX-License-Identifier: BSD-2-Clause */
/* As test_ice_nice_move.c, over a relay of coturn's: a peer that goes on from another address, and one that only says so. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answerer.h"
#include "coturn_tls.h"
#include "sotto/pc.h"
#include "still_clock.h"

#define LONG_MS 30000 /* this only ends what hangs */

static struct end *only[1] = {&alice};

static int start_it(void **state)
{
    still_clock_run();
    return coturn_tls_start(state);
}

static bool is_gathered(void *arg)
{
    (void)arg;
    return alice.gathered > 0;
}

static void check_from(int which)
{
    uint8_t check[512];
    send_raw(which, &alice, check, make_check(&puppet, &alice, check));
}

/* In time as it is. */
static void go_on(int ms, enum manner how)
{
    sotto_us end = drive_now() + SOTTO_MS(ms);
    while (drive_now() < end) {
        drive(only, 1, NULL, NULL, 5);
        serve(how);
    }
}

static void set_up_over(enum ice_server_kind kind, bool controlling)
{
    struct ice_server s = coturn_server(kind, COTURN_PASSWORD);
    struct sockaddr_in at;
    struct candidate c = {.component = 1,
                          .priority = 2000000000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    end_init(&alice, "alice", controlling);
    end_init(&puppet, "puppet", !controlling);
    alice.cfg.relay_only = true;
    alice.cfg.servers = &s;
    alice.cfg.n_servers = 1;
    alice.cfg.ca_file = tls_ca_file();
    assert_int_equal(end_open(&alice), 0);
    fd = stranger(&at);
    c.addr.port = ntohs(at.sin_port);
    assert_int_equal(ops->set_remote(alice.ice, puppet.ufrag, puppet.pwd, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_true(drive(only, 1, is_gathered, NULL, LONG_MS));
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    sotto_us end = drive_now() + SOTTO_MS(LONG_MS);
    while (end_state(&alice) != SOTTO_ICE_COMPLETED && drive_now() < end) {
        go_on(20, WELL);
        check_from(fd);
    }
    assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
    go_on(20, WELL);
}

static unsigned port_of(int which)
{
    struct sockaddr_in at;
    socklen_t n = sizeof at;
    assert_int_equal(getsockname(which, (struct sockaddr *)&at, &n), 0);
    return ntohs(at.sin_port);
}

static struct ice_pair pair(void)
{
    struct ice_pair ret;
    assert_true(ops->pair(alice.ice, &ret));
    return ret;
}

static int data_at(int which)
{
    uint8_t in[600];
    int n = 0;
    for (ssize_t k; (k = recv(which, in, sizeof in, MSG_DONTWAIT)) > 0;) n += in[0] == 0x80;
    return n;
}

static int data_within_a_second(void)
{
    uint8_t data[20] = {0x80};
    struct packet p = {data, sizeof data};
    int got = 0;
    for (int i = 0; i < 50 && got == 0; i++) {
        (void)ops->send(alice.ice, &p, 1, drive_now());
        drive(only, 1, NULL, NULL, 20);
        got = data_at(other_fd);
    }
    return got;
}

static void follow(enum ice_server_kind kind, bool controlling)
{
    set_up_over(kind, controlling);
    move_away();
    is_first_dead = true;
    for (int k = 0; k < 2; k++) { /* and again from there */
        sotto_us moved = drive_now(), end = moved + SOTTO_MS(LONG_MS);
        while (pair().remote.addr.port != port_of(other_fd) && drive_now() < end) {
            check_from(other_fd);
            go_on(200, WELL);
        }
        assert_int_equal(pair().remote.addr.port, port_of(other_fd));
        assert_int_equal(pair().remote.type, CANDIDATE_PRFLX);
        assert_int_equal(pair().local.type, CANDIDATE_RELAY);
        print_message("followed after %ld ms\n", (long)((drive_now() - moved) / 1000));
        assert_true(data_within_a_second() > 0);
        go_on(1100, WELL);
        assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
        if (k == 1) break;
        close(fd);
        fd = other_fd;
        move_away();
    }
    assert_false(end_saw(&alice, SOTTO_ICE_DISCONNECTED));
    tear_down();
}

static void a_peer_that_moved_is_followed_without_a_restart(void **state)
{
    static const enum ice_server_kind kinds[] = {ICE_SERVER_TURN_UDP, ICE_SERVER_TURN_TCP,
                                                 ICE_SERVER_TURN_TLS};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int role = 0; role < 2; role++) follow(kinds[i], role == 1);
}

static void one_that_still_answers_from_where_it_was_is_not(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        set_up_over(ICE_SERVER_TURN_UDP, role == 1);
        move_away();
        for (int i = 0; i < 3; i++) {
            check_from(other_fd);
            go_on(1100, WELL);
            assert_int_equal(pair().remote.addr.port, port_of(fd));
        }
        tear_down();
    }
}

static void what_is_no_proof_moves_nothing(void **state)
{
    static const enum manner bad[] = {NOT, WITHOUT_INTEGRITY, WITH_ANOTHER_KEY, FROM_ANOTHER};
    uint8_t data[20] = {0x80};
    struct packet p = {data, sizeof data};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set_up_over(ICE_SERVER_TURN_UDP, i % 2 == 1);
        move_away();
        is_first_dead = true;
        for (int k = 0; k < 20; k++) {
            check_from(other_fd);
            go_on(100, bad[i]);
            (void)ops->send(alice.ice, &p, 1, drive_now());
        }
        assert_int_equal(pair().remote.addr.port, port_of(fd));
        assert_int_equal(data_at(other_fd), 0);
        tear_down();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_moved_is_followed_without_a_restart),
        cmocka_unit_test(one_that_still_answers_from_where_it_was_is_not),
        cmocka_unit_test(what_is_no_proof_moves_nothing),
    };
    return cmocka_run_group_tests_name("ice_turn_move", tests, start_it, coturn_tls_stop);
}
