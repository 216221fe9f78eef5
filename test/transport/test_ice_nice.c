/* SPDX-License-Identifier: BSD-2-Clause */
/* Real libnice and real sockets on loopback; what takes long is in test_ice_slow.c. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../open_fds.h"
#include "ice_drive.h"
#include "transport/ice_addr.h"
#include "util/limits.h"
#include "util/mem.h"

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice, bob;
static struct end *both[2] = {&alice, &bob};

static int make_two(void **state)
{
    (void)state;
    end_init(&alice, "alice", true);
    end_init(&bob, "bob42", false);
    return 0;
}

static int free_two(void **state)
{
    (void)state;
    end_free(&alice);
    end_free(&bob);
    return 0;
}

static void open_two(void)
{
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(end_open(&bob), 0);
}

static void gather_two(void)
{
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->gather(bob.ice, drive_now()), 0);
}

static void connect_two(void)
{
    open_two();
    pair_introduce(&alice, &bob);
    gather_two();
    assert_true(drive(both, 2, pair_is_connected, both, 1000));
}

static bool both_completed(void *arg)
{
    (void)arg;
    return end_state(&alice) == SOTTO_ICE_COMPLETED && end_state(&bob) == SOTTO_ICE_COMPLETED;
}

static bool bob_has_packets(void *n)
{
    return bob.packets >= *(size_t *)n;
}

static bool alice_has_packets(void *n)
{
    return alice.packets >= *(size_t *)n;
}

static bool both_gathered(void *arg)
{
    (void)arg;
    return alice.gathered && bob.gathered;
}

static void two_ends_connect_within_a_second_and_exchange_data(void **state)
{
    size_t want;
    (void)state;
    connect_two();
    assert_int_equal(alice.gathered, 1);
    assert_int_equal(drive_send(&alice, 0, 32, 1200), 32);
    want = 32;
    assert_true(drive(both, 2, bob_has_packets, &want, 1000));
    assert_int_equal(bob.bytes, 32 * 1200);
    assert_false(bob.out_of_order);
    assert_int_equal(drive_send(&bob, 0, 1, 77), 1);
    want = 1;
    assert_true(drive(both, 2, alice_has_packets, &want, 1000));
    assert_int_equal(alice.last_n, 77);
    assert_int_equal(drive_send(&bob, 1, 100, 1200), 100); /* more than one chunk */
    want = 101;
    assert_true(drive(both, 2, alice_has_packets, &want, 1000));
    assert_false(alice.out_of_order);
    assert_int_equal(alice.box.dropped + bob.box.dropped, 0);
}

static void *drive_a_little(void *arg)
{
    (void)arg;
    drive(both, 2, NULL, NULL, 5);
    return NULL;
}

/* One after the other, as under a lock: sources attached in one thread are dispatched in another. */
static void every_call_may_come_from_another_thread(void **state)
{
    pthread_t thread;
    (void)state;
    open_two();
    pair_introduce(&alice, &bob);
    gather_two();
    for (int i = 0; i < 200 && !both_completed(NULL); i++) {
        assert_int_equal(pthread_create(&thread, NULL, drive_a_little, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_true(both_completed(NULL));
    assert_int_equal(drive_send(&alice, 0, 8, 100), 8);
    assert_int_equal(pthread_create(&thread, NULL, drive_a_little, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bob.packets, 8);
}

static void one_refused_packet_does_not_stop_the_others(void **state)
{
    static uint8_t big[70000];
    struct packet packets[3] = {
        {(const uint8_t *)"\x80one", 4}, {big, sizeof big}, {(const uint8_t *)"\x80two", 4}};
    size_t want = 2;
    (void)state;
    connect_two();
    assert_int_equal(ops->send(alice.ice, packets, 3, drive_now()), 2);
    assert_true(drive(both, 2, bob_has_packets, &want, 1000));
    assert_memory_equal(bob.last, "\x80two", 4);
    assert_int_equal(ops->send(alice.ice, &packets[1], 1, drive_now()), 0);
}

static void states_pass_checking_and_connected_before_completed(void **state)
{
    static const int32_t want[] = {SOTTO_ICE_CHECKING, SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED};
    (void)state;
    connect_two();
    assert_true(drive(both, 2, both_completed, NULL, 1000));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(alice.states[i], want[i]);
        assert_int_equal(bob.states[i], want[i]);
    }
}

static void candidates_are_udp_hosts_of_component_one_that_name_no_other_address(void **state)
{
    (void)state;
    open_two();
    gather_two();
    assert_true(drive(both, 2, both_gathered, NULL, 1000));
    assert_true(alice.n_candidates >= 1); /* ::1 may be missing on this machine */
    for (size_t i = 0; i < alice.n_candidates; i++) {
        const struct candidate *c = &alice.candidates[i];
        assert_false(c->is_tcp);
        assert_int_equal(c->component, 1);
        assert_int_equal(c->type, CANDIDATE_HOST);
        assert_int_equal(c->related.family, 0);
        assert_int_not_equal(c->addr.port, 0);
        assert_true(c->foundation[0] != '\0' && c->priority > 0);
    }
    assert_int_equal(end_state(&alice), SOTTO_ICE_NEW);
}

static void a_peer_without_candidates_is_found_by_its_checks(void **state)
{
    (void)state;
    open_two();
    pair_introduce(&alice, &bob);
    bob.peer = NULL; /* alice is told nothing */
    gather_two();
    assert_true(drive(both, 2, pair_is_connected, both, 1000));
    assert_non_null(strstr(ops->selected(alice.ice), "prflx"));
}

static void candidates_and_credentials_may_come_before_gathering(void **state)
{
    (void)state;
    open_two();
    assert_int_equal(ops->gather(bob.ice, drive_now()), 0);
    assert_true(drive(both, 2, NULL, NULL, 20) || bob.gathered == 1);
    for (size_t i = 0; i < bob.n_candidates; i++)
        assert_int_equal(ops->add_remote(alice.ice, &bob.candidates[i], drive_now()), 0);
    pair_introduce(&alice, &bob);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), SOTTO_E_STATE);
    assert_true(drive(both, 2, pair_is_connected, both, 1000));
}

static void a_wrong_password_never_connects(void **state)
{
    (void)state;
    open_two();
    alice.peer = &bob, bob.peer = &alice;
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, "wrong-0123456789abcdefgh", drive_now()),
                     0);
    assert_int_equal(ops->set_remote(bob.ice, alice.ufrag, "wrong-0123456789abcdefgh", drive_now()),
                     0);
    gather_two();
    assert_false(drive(both, 2, pair_is_connected, both, 1500));
    assert_int_equal(end_state(&alice), SOTTO_ICE_CHECKING);
    assert_string_equal(ops->selected(alice.ice), "");
    assert_int_equal(drive_send(&alice, 0, 1, 100), SOTTO_E_STATE);
}

/* proves: H029 */
static void remote_candidates_are_bounded(void **state)
{
    struct candidate c = {.component = 1,
                          .priority = 1,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    (void)state;
    open_two();
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, bob.pwd, drive_now()), 0);
    for (uint16_t i = 0; i < SOTTO_MAX_REMOTE_CANDIDATES; i++) {
        c.addr.port = (uint16_t)(2000 + i);
        assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
        assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0); /* the same again counts once */
    }
    c.addr.port = 3000;
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), SOTTO_E_LIMIT);
}

/* proves: H031 H036 */
static void candidates_that_cannot_be_used_are_ignored(void **state)
{
    struct candidate c = {
        .component = 1, .priority = 1, .addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = 9}};
    (void)state;
    open_two();
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, bob.pwd, drive_now()), 0);
    for (int i = 0; i < 2 * SOTTO_MAX_REMOTE_CANDIDATES; i++) {
        struct candidate other = c;
        other.addr.port = (uint16_t)(2000 + i);
        if (i % 3 == 0) other.is_tcp = true, other.tcp = CANDIDATE_TCP_PASSIVE;
        if (i % 3 == 1) other.component = 2;
        if (i % 3 == 2) other.addr.family = 0, snprintf(other.name, sizeof other.name, "x.local");
        assert_int_equal(ops->add_remote(alice.ice, &other, drive_now()), 0);
    }
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(both, 1, NULL, NULL, 50);
    assert_int_equal(end_state(&alice), SOTTO_ICE_NEW); /* nothing to check */
}

static void relay_only_without_a_server_offers_nothing_and_sends_nothing(void **state)
{
    struct sockaddr_in where;
    uint8_t bytes[512];
    int fd = stranger(&where);
    struct candidate c = {.component = 1,
                          .priority = 1000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    (void)state;
    c.addr.port = ntohs(where.sin_port);
    alice.cfg.relay_only = true;
    open_two();
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, bob.pwd, drive_now()), 0);
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(both, 1, NULL, NULL, 700); /* the first check would go after 5 ms, its repetition after 500 */
    assert_int_equal(alice.gathered, 1);
    assert_int_equal(alice.n_candidates, 0);
    assert_true(recv(fd, bytes, sizeof bytes, 0) < 0);
    assert_int_equal(end_state(&alice), SOTTO_ICE_CHECKING);
    ops->remote_done(alice.ice, drive_now());
    drive(both, 1, NULL, NULL, 10);
    assert_int_equal(end_state(&alice), SOTTO_ICE_FAILED);
    close(fd);
}

/* The reason for the test above: what libnice would do without relay_only. */
static void without_relay_only_the_candidate_is_checked(void **state)
{
    struct sockaddr_in where;
    uint8_t bytes[512];
    int fd = stranger(&where);
    struct candidate c = {.component = 1,
                          .priority = 1000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    (void)state;
    c.addr.port = ntohs(where.sin_port);
    open_two();
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, bob.pwd, drive_now()), 0);
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(both, 1, NULL, NULL, 100);
    assert_true(recv(fd, bytes, sizeof bytes, 0) > 20);
    close(fd);
}

static void the_port_range_is_kept_and_can_run_out(void **state)
{
    struct sockaddr_in where;
    int fd = stranger(&where);
    uint16_t port = ntohs(where.sin_port);
    (void)state;
    close(fd);
    alice.cfg.port_min = alice.cfg.port_max = bob.cfg.port_min = bob.cfg.port_max = port;
    open_two();
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(both, 1, NULL, NULL, 20);
    assert_true(alice.n_candidates > 0);
    for (size_t i = 0; i < alice.n_candidates; i++)
        assert_int_equal(alice.candidates[i].addr.port, port);
    assert_int_equal(ops->gather(bob.ice, drive_now()), SOTTO_E_LIMIT);
    assert_int_equal(bob.n_candidates, 0);
}

static void an_unknown_interface_has_no_addresses(void **state)
{
    (void)state;
    alice.cfg.interface = "nosuch0";
    open_two();
    assert_int_equal(ops->gather(alice.ice, drive_now()), SOTTO_E_NETWORK);
}

/* proves: H055 ICE-07 H071 */
static void stun_and_strangers_do_not_reach_the_application(void **state)
{
    static const uint8_t like_stun[32] = {0, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42};
    struct sockaddr_in where;
    struct packet p = {like_stun, sizeof like_stun};
    int fd = stranger(&where);
    (void)state;
    connect_two();
    assert_int_equal(ops->send(bob.ice, &p, 1, drive_now()), 1); /* from a valid source, but no STUN that holds */
    for (int first = 0; first < 256; first++) {
        uint8_t bytes[64] = {(uint8_t)first};
        send_raw(fd, &alice, bytes, (size_t)(first % 60));
    }
    send_raw(fd, &alice, like_stun, sizeof like_stun);
    drive(both, 2, NULL, NULL, 50);
    assert_int_equal(alice.packets, 0);
    assert_int_equal(drive_send(&bob, 0, 1, 40), 1);
    drive(both, 2, NULL, NULL, 50);
    assert_int_equal(alice.packets, 1);
    close(fd);
}

/* proves: H044 */
static void too_many_peer_reflexive_sources_end_the_connection(void **state)
{
    uint8_t check[512];
    int fds[SOTTO_MAX_PRFLX + 1];
    struct sockaddr_in where;
    (void)state;
    open_two();
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, bob.pwd, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(both, 1, NULL, NULL, 10);
    for (size_t i = 0; i < SOTTO_MAX_PRFLX + 1; i++) {
        fds[i] = stranger(&where);
        size_t n = make_check(&bob, &alice, check);
        assert_true(n > 0);
        send_raw(fds[i], &alice, check, n);
        drive(both, 1, NULL, NULL, 1);
        if (i + 1 == SOTTO_MAX_PRFLX) assert_int_not_equal(end_state(&alice), SOTTO_ICE_FAILED);
    }
    drive(both, 1, NULL, NULL, 10);
    assert_int_equal(end_state(&alice), SOTTO_ICE_FAILED);
    struct sotto_fd watched[SOTTO_MAX_ICE_FDS];
    assert_int_equal(ops->fds(alice.ice, watched, SOTTO_MAX_ICE_FDS), 0); /* no socket is read any more */
    for (size_t i = 0; i < SOTTO_MAX_PRFLX + 1; i++) close(fds[i]);
}

static int largest_receive_buffer(const struct end *e)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    int n = ops->fds(e->ice, fds, SOTTO_MAX_ICE_FDS), most = 0;
    for (int i = 0; i < n; i++) {
        int size = 0;
        socklen_t len = sizeof size;
        if (getsockopt(fds[i].fd, SOL_SOCKET, SO_RCVBUF, &size, &len) == 0 && size > most)
            most = size;
    }
    return most;
}

/* A full large socket of checks from ever new addresses would keep libnice busy for a minute; a full small one does not. */
/* proves: H044 */
static void receive_buffers_grow_only_where_nothing_else_receives(void **state)
{
    (void)state;
    open_two();
    gather_two();
    drive(both, 2, NULL, NULL, 10);
    int before = largest_receive_buffer(&alice);
    pair_introduce(&alice, &bob);
    for (size_t i = 0; i < alice.n_candidates; i++)
        assert_int_equal(ops->add_remote(bob.ice, &alice.candidates[i], drive_now()), 0);
    assert_true(drive(both, 2, pair_is_connected, both, 1000));
    drive(both, 2, NULL, NULL, 10);
    assert_true(before > 0);
    int after = largest_receive_buffer(&alice);
    if (alice.cfg.no_fast_path)
        assert_true(after > before);
    else
        assert_in_range(after, 1, 2 * SOTTO_SMALL_SOCKET); /* the twin has its own */
}

static void descriptors_fit_and_are_few(void **state)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    (void)state;
    open_two();
    gather_two();
    int n = ops->fds(alice.ice, fds, SOTTO_MAX_ICE_FDS);
    assert_in_range(n, 2, 3); /* GLib's eventfd and a socket for each of 127.0.0.1 and ::1 */
    assert_int_equal(ops->fds(alice.ice, fds, 1), 1);
    ops->ready(alice.ice, -1, POLLIN); /* a slot of an older list */
    ops->ready(alice.ice, 70, POLLIN);
}

static void the_selected_pair_is_told_masked(void **state)
{
    (void)state;
    connect_two();
    const char *text = ops->selected(alice.ice);
    assert_non_null(strstr(text, "host udp "));
    assert_non_null(strstr(text, " → "));
    assert_null(strstr(text, "127.0.0.1"));
    assert_null(strstr(text, "::1"));
}

/* proves: ICE-12 */
static void close_ends_everything_at_once(void **state)
{
    (void)state;
    connect_two();
    assert_int_equal(drive_send(&bob, 0, 5, 100), 5);
    ops->close(alice.ice, drive_now());
    assert_int_equal(drive_send(&alice, 0, 1, 100), SOTTO_E_STATE);
    drive(both, 2, NULL, NULL, 20);
    assert_int_equal(alice.packets, 0);
    assert_true(ops->closed(alice.ice));
}

static void close_and_free_empty_the_box_of_what_is_theirs(void **state)
{
    static const uint8_t bytes[3] = {0x80};
    const struct ice *a, *b;
    struct packet p;
    (void)state;
    open_two();
    a = alice.ice, b = bob.ice;
    sotto__ice_box_put(&alice.box, a, bytes, 3);
    sotto__ice_box_put(&bob.box, b, bytes, 3);
    ops->close(alice.ice, drive_now());
    assert_false(sotto__ice_box_take(&alice.box, a, &p));
    ops->free(bob.ice); /* a later ice may get this address */
    bob.ice = NULL;
    assert_false(sotto__ice_box_take(&bob.box, b, &p));
}

/* Stages: 0 init … 8 closed. Nothing of any of them is left in the table of descriptors or in util/mem. */
static void freeing_at_every_stage_leaves_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++)
        for (int stage = 0; stage < 9; stage++) {
            int fds = open_fds();
            int64_t live = sotto__mem_live();
            make_two(NULL);
            open_two();
            if (stage >= 1) pair_introduce(&alice, &bob);
            if (stage >= 2) gather_two();
            if (stage >= 3) drive(both, 2, NULL, NULL, 1);
            if (stage >= 4) drive(both, 2, pair_is_connected, both, 1000);
            if (stage >= 5) drive_send(&alice, 0, 64, 1000);
            if (stage >= 6) drive(both, 2, NULL, NULL, 5);
            if (stage >= 7) ops->close(alice.ice, drive_now());
            if (stage >= 8) drive(both, 2, NULL, NULL, 5);
            free_two(NULL);
            ops->free(NULL);
            if (round > 0) assert_int_equal(open_fds(), fds); /* the first round may open what GLib keeps */
            assert_int_equal(sotto__mem_live(), live);
        }
}

static void every_failing_allocation_is_reported(void **state)
{
    int64_t live = sotto__mem_live();
    int failures = 0;
    (void)state;
    for (uint64_t n = 1;; n++) {
        int fds = open_fds();
        make_two(NULL);
        sotto__mem_fail_at(n);
        int r = end_open(&alice);
        if (r == 0) r = ops->gather(alice.ice, drive_now());
        if (r == 0) drive(both, 1, NULL, NULL, 5);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        free_two(NULL);
        assert_int_equal(open_fds(), fds);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
        failures++;
    }
    assert_true(failures >= 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_two, free_two)
    const struct CMUnitTest tests[] = {
        TEST(two_ends_connect_within_a_second_and_exchange_data),
        TEST(every_call_may_come_from_another_thread),
        TEST(one_refused_packet_does_not_stop_the_others),
        TEST(states_pass_checking_and_connected_before_completed),
        TEST(candidates_are_udp_hosts_of_component_one_that_name_no_other_address),
        TEST(a_peer_without_candidates_is_found_by_its_checks),
        TEST(candidates_and_credentials_may_come_before_gathering),
        TEST(a_wrong_password_never_connects),
        TEST(remote_candidates_are_bounded),
        TEST(candidates_that_cannot_be_used_are_ignored),
        TEST(relay_only_without_a_server_offers_nothing_and_sends_nothing),
        TEST(without_relay_only_the_candidate_is_checked),
        TEST(the_port_range_is_kept_and_can_run_out),
        TEST(an_unknown_interface_has_no_addresses),
        TEST(stun_and_strangers_do_not_reach_the_application),
        TEST(too_many_peer_reflexive_sources_end_the_connection),
        TEST(receive_buffers_grow_only_where_nothing_else_receives),
        TEST(descriptors_fit_and_are_few),
        TEST(the_selected_pair_is_told_masked),
        TEST(close_ends_everything_at_once),
        TEST(close_and_free_empty_the_box_of_what_is_theirs),
        cmocka_unit_test(freeing_at_every_stage_leaves_nothing),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
