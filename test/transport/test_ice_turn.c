/* SPDX-License-Identifier: BSD-2-Clause */
/* Relays: libnice against coturn (Debian's turnserver), see coturn.h. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "../open_fds.h"
#include "coturn_tls.h"
#include "ice_drive.h"
#include "still_clock.h"
#include "transport/ice_nice.h"
#include "util/limits.h"

#define LONG_MS 60000 /* this only ends what hangs */

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice, bob, carol, dave, erin, frank;
static struct end *both[2] = {&alice, &bob};

static int start_it(void **state)
{
    still_clock_run();
    return coturn_tls_start(state);
}

static int free_all(void **state)
{
    (void)state;
    end_free(&alice), end_free(&bob), end_free(&carol), end_free(&dave);
    end_free(&erin), end_free(&frank);
    return 0;
}

static void open_end(struct end *e, const char *ufrag, bool controlling, bool relay_only,
                     const struct ice_server *s)
{
    end_init(e, ufrag, controlling);
    e->cfg.relay_only = relay_only;
    e->cfg.servers = s;
    e->cfg.n_servers = 1;
    e->cfg.ca_file = tls_ca_file();
    assert_int_equal(end_open(e), 0);
}

static bool alice_is_gathered(void *arg)
{
    (void)arg;
    return alice.gathered > 0;
}

static bool has_relay(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < alice.n_candidates; i++)
        if (alice.candidates[i].type == CANDIDATE_RELAY) return true;
    return false;
}

static bool both_have_100(void *arg)
{
    (void)arg;
    return alice.packets >= 100 && bob.packets >= 100;
}

static void connect_relays(struct end *a, struct end *b, const struct ice_server *s)
{
    struct end *two[2] = {a, b};
    open_end(a, "alice", true, true, s);
    open_end(b, "bob42", false, true, s);
    pair_introduce(a, b);
    sotto_us start = drive_now();
    assert_int_equal(ops->gather(a->ice, start), 0);
    assert_int_equal(ops->gather(b->ice, start), 0);
    assert_true(drive(two, 2, pair_is_connected, two, LONG_MS));
    print_message("relay to relay: %ld ms from gather to pair, %s\n",
                  (long)((drive_now() - start) / 1000), ops->selected(a->ice));
    for (int k = 0; k < 2; k++) {
        assert_true(two[k]->n_candidates > 0);
        for (size_t i = 0; i < two[k]->n_candidates; i++) { /* nothing of this host is offered */
            assert_int_equal(two[k]->candidates[i].type, CANDIDATE_RELAY);
            assert_int_equal(two[k]->candidates[i].related.family, 0);
            assert_false(two[k]->candidates[i].is_tcp);
        }
    }
}

static void exchange_over_relays(enum ice_server_kind kind)
{
    struct ice_server s = coturn_server(kind, COTURN_PASSWORD);
    connect_relays(&alice, &bob, &s);
    for (uint32_t i = 0; i < 100; i += 10) {
        assert_int_equal(drive_send(&alice, i, 10, 1000), 10);
        assert_int_equal(drive_send(&bob, i, 10, 1000), 10);
        drive(both, 2, NULL, NULL, 5);
    }
    assert_true(drive(both, 2, both_have_100, NULL, LONG_MS));
    assert_int_equal(alice.bytes, 100 * 1000);
    assert_false(alice.out_of_order || bob.out_of_order);
}

/* proves: ICE-16 */
static void relays_over_udp_carry_data(void **state)
{
    (void)state;
    exchange_over_relays(ICE_SERVER_TURN_UDP);
}

/* By libnice, for there is no socket to be had of a relayed pair: all that it may send from. */
static void what_goes_to_a_relay_may_be_fragmented_if_that_is_asked_for(void **state)
{
    (void)state;
    struct ice_server s = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD);
    connect_relays(&alice, &bob, &s);
    static const int wanted[] = {IP_PMTUDISC_PROBE, IP_PMTUDISC_DONT};
    for (int k = 0; k < 2; k++) {
        if (k == 0) sotto__nice_never_fragment(alice.ice);
        if (k == 1) assert_false(ops->whole(alice.ice, false));
        GPtrArray *sockets = nice_agent_get_sockets(alice.ice->agent, alice.ice->stream, 1);
        size_t seen = 0;
        for (guint i = 0; i < sockets->len; i++) {
            GSocket *socket = g_ptr_array_index(sockets, i);
            int value = -1;
            socklen_t n = sizeof value;
            if (g_socket_get_socket_type(socket) != G_SOCKET_TYPE_DATAGRAM ||
                g_socket_get_family(socket) != G_SOCKET_FAMILY_IPV4)
                continue;
            int fd = g_socket_get_fd(socket);
            assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, &n), 0);
            assert_int_equal(value, wanted[k]);
            seen++;
        }
        assert_true(seen > 0);
        g_ptr_array_unref(sockets);
    }
}

/* proves: ICE-16 */
static void relays_over_tcp_carry_data(void **state)
{
    (void)state;
    exchange_over_relays(ICE_SERVER_TURN_TCP);
}

/* proves: ICE-16 */
static void relays_over_tls_carry_data(void **state)
{
    (void)state;
    exchange_over_relays(ICE_SERVER_TURN_TLS);
}

static bool bob_has_all(void *arg)
{
    (void)arg;
    return bob.bytes >= bob.wanted;
}

/* Two megabytes through both proxies and the server, at the pace that the buffers between them allow: none is out of order. */
static void a_bulk_over_tls_arrives_in_order(void **state)
{
    (void)state;
    struct ice_server s = coturn_server(ICE_SERVER_TURN_TLS, COTURN_PASSWORD);
    connect_relays(&alice, &bob, &s);
    uint32_t sent = 0;
    for (int round = 0; round < 4000 && sent < 1700; round++) {
        int n = drive_send(&alice, sent, sent + 10 <= 1700 ? 10 : 1700 - sent, 1200);
        assert_in_range(n, 0, 10);
        sent += (uint32_t)n;
        drive(both, 2, NULL, NULL, 1);
        bob.wanted = (sent > 40 ? sent - 40 : 0) * 1200;
        assert_true(drive(both, 2, bob_has_all, NULL, 3000)); /* TURN over UDP at the far end loses what is too much at once */
    }
    bob.wanted = 1700u * 1200u;
    assert_true(drive(both, 2, bob_has_all, NULL, 3000));
    assert_false(bob.out_of_order);
}

/* However much waits in front of the answers. */
static void a_bulk_does_not_hide_consent(void **state)
{
    static const enum ice_server_kind kinds[] = {ICE_SERVER_TURN_UDP, ICE_SERVER_TURN_TLS};
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct ice_server s = coturn_server(kinds[k], COTURN_PASSWORD);
        struct ice_pair pair;
        connect_relays(&alice, &bob, &s);
        sotto_us end = drive_now() + SOTTO_SECONDS(8);
        for (uint32_t sent = 0; drive_now() < end; sent += 40) {
            (void)drive_send(&alice, sent, 40, 1200);
            drive(both, 2, NULL, NULL, 1);
        }
        assert_true(bob.packets > 1000);
        for (int i = 0; i < 2; i++) {
            assert_true(ops->pair(both[i]->ice, &pair));
            print_message("%u of %u answered, %zu packets\n", (unsigned)pair.answered,
                          (unsigned)pair.asked, both[i]->packets);
            assert_true(pair.answered >= 1);
            assert_false(end_saw(both[i], SOTTO_ICE_DISCONNECTED));
        }
        free_all(NULL);
    }
}

static void a_relay_is_offered_beside_the_host(void **state)
{
    struct ice_server s = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD);
    (void)state;
    open_end(&alice, "alice", true, false, &s);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_true(drive(both, 1, alice_is_gathered, NULL, LONG_MS));
    assert_true(has_relay(NULL));
    assert_int_equal(alice.n_errors, 0); /* the first 401 asks for the credentials */
    assert_true(alice.candidates[0].type == CANDIDATE_HOST);
    for (size_t i = 0; i < alice.n_candidates; i++)
        assert_int_equal(alice.candidates[i].related.family, 0);
}

static bool bob_is_gathered(void *arg)
{
    (void)arg;
    return bob.gathered > 0;
}

static bool alice_is_completed(void *arg)
{
    (void)arg;
    return end_state(&alice) == SOTTO_ICE_COMPLETED;
}

/* Servers whose names are found once the hosts have long connected: they join, and whose the candidate is is known. */
static void servers_join_a_connection_that_is_up(void **state)
{
    (void)state;
    char name[] = "turn.example.org";
    struct ice_server known[3], now[3] = {{.host = name}, {.host = name}, {.host = name}};
    for (unsigned i = 0; i < 3; i++) {
        now[i].kind = known[i].kind = (enum ice_server_kind)(ICE_SERVER_TURN_UDP + i);
        known[i] = coturn_server(known[i].kind, COTURN_PASSWORD);
        known[i].host = name;
    }
    end_init(&alice, "alice", true), end_init(&bob, "bob42", false);
    alice.cfg.ca_file = bob.cfg.ca_file = tls_ca_file();
    alice.cfg.servers = bob.cfg.servers = now, alice.cfg.n_servers = bob.cfg.n_servers = 3;
    alice.cfg.more_servers = bob.cfg.more_servers = true;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(end_open(&bob), 0);
    pair_introduce(&alice, &bob);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->gather(bob.ice, drive_now()), 0);
    assert_true(drive(both, 2, pair_is_connected, both, LONG_MS));
    assert_true(drive(both, 2, alice_is_completed, NULL, LONG_MS));
    for (unsigned k = 0; k < 3; k++) {
        unsigned i = 2 - k;
        size_t before = alice.n_candidates;
        now[i] = known[i];
        assert_int_equal(alice.gathered + bob.gathered, 0);
        ops->servers(alice.ice, now, 3, k == 2, drive_now());
        ops->servers(bob.ice, now, 3, k == 2, drive_now());
        if (k > 0) continue; /* a relay of the same server: libnice gives it back */
        assert_true(drive(both, 2, has_relay, NULL, LONG_MS));
        assert_int_equal(alice.n_candidates, before + 1);
        assert_int_equal(alice.candidate_servers[before], i);
    }
    assert_true(drive(both, 2, alice_is_gathered, NULL, LONG_MS));
    assert_true(drive(both, 2, bob_is_gathered, NULL, LONG_MS));
    assert_int_equal(alice.n_errors + bob.n_errors, 0);
    assert_true(drive(both, 2, alice_is_completed, NULL, LONG_MS));
    assert_false(end_saw(&alice, SOTTO_ICE_DISCONNECTED) || end_saw(&bob, SOTTO_ICE_FAILED));
    assert_int_equal(drive_send(&alice, 0, 10, 1000), 10);
    bob.wanted = 10 * 1000;
    assert_true(drive(both, 2, bob_has_all, NULL, LONG_MS));
}

/* Relays only: nothing else is there to carry, until the name is found. */
static void relays_of_servers_with_names_carry_data(void **state)
{
    (void)state;
    char name[] = "turn.example.org";
    for (enum ice_server_kind k = ICE_SERVER_TURN_UDP; k <= ICE_SERVER_TURN_TLS; k++) {
        struct ice_server known = coturn_server(k, COTURN_PASSWORD),
                          unknown = {.kind = k, .host = name};
        struct end *ends[2] = {&alice, &bob};
        known.host = name;
        for (int i = 0; i < 2; i++) {
            end_init(ends[i], i ? "bob42" : "alice", i == 0);
            ends[i]->cfg.relay_only = ends[i]->cfg.more_servers = true;
            ends[i]->cfg.ca_file = tls_ca_file();
            ends[i]->cfg.servers = &unknown, ends[i]->cfg.n_servers = 1;
            assert_int_equal(end_open(ends[i]), 0);
        }
        pair_introduce(&alice, &bob);
        for (int i = 0; i < 2; i++) assert_int_equal(ops->gather(ends[i]->ice, drive_now()), 0);
        drive(both, 2, NULL, NULL, 100);
        assert_true(alice.n_candidates == 0 && alice.gathered == 0);
        for (int i = 0; i < 2; i++) ops->servers(ends[i]->ice, &known, 1, true, drive_now());
        assert_true(drive(both, 2, pair_is_connected, both, LONG_MS));
        assert_int_equal(drive_send(&alice, 0, 10, 1000), 10);
        bob.wanted = 10 * 1000;
        assert_true(drive(both, 2, bob_has_all, NULL, LONG_MS));
        end_free(&alice), end_free(&bob);
    }
}

/* A server that did not answer would hold gathering up for 5 s. */
static void a_stun_server_is_asked(void **state)
{
    struct ice_server s = coturn_server(ICE_SERVER_STUN, NULL);
    (void)state;
    open_end(&alice, "alice", true, false, &s);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(alice.gathered, 0);
    assert_true(drive(both, 1, alice_is_gathered, NULL, 4500));
    assert_true(alice.n_candidates >= 1); /* without a NAT the reflexive address is the host's, and dropped */
    assert_int_equal(alice.n_errors, 0);
}

static void a_wrong_credential_gives_no_relay(void **state)
{
    struct ice_server s = coturn_server(ICE_SERVER_TURN_UDP, "not-the-password");
    (void)state;
    open_end(&alice, "alice", true, true, &s);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_true(drive(both, 1, alice_is_gathered, NULL, LONG_MS));
    assert_int_equal(alice.n_candidates, 0);
    assert_int_equal(alice.n_errors, 1);
    assert_int_equal(alice.errors[0].code, 401);
    assert_string_equal(alice.errors[0].text, "Unauthorized");
}

/* The remote's candidates come before gathering, as an answerer has them: whatever arrives there must come from the relay. */
/* proves: ICE-18 */
static void under_relay_only_no_check_leaves_from_the_host(void **state)
{
    struct ice_server s = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD);
    struct candidate c = {.component = 1,
                          .priority = 1000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    struct sockaddr_in from = {0};
    socklen_t len = sizeof from;
    uint8_t bytes[600];
    int fd = coturn_socket(SOCK_DGRAM, &c.addr.port), n = 0;
    (void)state;
    open_end(&alice, "alice", true, true, &s);
    assert_int_equal(ops->set_remote(alice.ice, "nobody", "nobody-0123456789abcdefg", drive_now()),
                     0);
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_true(drive(both, 1, has_relay, NULL, LONG_MS));
    drive(both, 1, NULL, NULL, 1500);
    for (; recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &len) > 0; n++)
        assert_int_equal(ntohs(from.sin_port), alice.candidates[0].addr.port);
    assert_true(n > 0);
    close(fd);
}

static bool carol_has_failed(void *arg)
{
    (void)arg;
    return end_state(&carol) == SOTTO_ICE_FAILED;
}

static bool alice_is_closed(void *arg)
{
    (void)arg;
    return ops->closed(alice.ice);
}

static bool goodbye_is_quick(enum ice_server_kind kind)
{
    int fds = open_fds();
    struct ice_server s = coturn_server(kind, COTURN_PASSWORD);
    connect_relays(&alice, &bob, &s);
    sotto_us start = drive_now();
    ops->close(alice.ice, start);
    assert_false(ops->closed(alice.ice));
    assert_true(drive(both, 1, alice_is_closed, NULL, LONG_MS));
    sotto_us closed = drive_now();
    end_free(&alice);
    end_free(&bob); /* without a close: says goodbye by itself */
    sotto_us freed = drive_now();
    print_message("goodbye: %ld ms, and %ld ms\n", (long)((closed - start) / 1000),
                  (long)((freed - closed) / 1000));
    assert_int_equal(open_fds(), fds);
    return closed - start <= SOTTO_MS(500) && freed - closed <= SOTTO_MS(200);
}

static void close_says_goodbye_quickly(void **state)
{
    (void)state;
    for (enum ice_server_kind k = ICE_SERVER_TURN_UDP; k <= ICE_SERVER_TURN_TLS; k++) {
        bool is_quick = false; /* a busy machine spoils what is measured, but not each time */
        for (int i = 0; i < 10 && !is_quick; i++) is_quick = goodbye_is_quick(k);
        assert_true(is_quick);
    }
}

/* Through each kind of relay, and past libnice's own checks. */
/* proves: ICE-17 */
static void an_idle_relay_stays_up_and_consent_over_it_ends(void **state)
{
    struct ice_server udp = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD),
                      tcp = coturn_server(ICE_SERVER_TURN_TCP, COTURN_PASSWORD),
                      tls = coturn_server(ICE_SERVER_TURN_TLS, COTURN_PASSWORD);
    struct end *all[6] = {&alice, &bob, &carol, &dave, &erin, &frank};
    (void)state;
    connect_relays(&alice, &bob, &udp);
    connect_relays(&carol, &dave, &tcp);
    connect_relays(&erin, &frank, &tls);
    drive(all, 6, NULL, NULL, 14000);
    for (int i = 0; i < 6; i++) {
        struct ice_pair pair;
        assert_false(end_saw(all[i], SOTTO_ICE_DISCONNECTED));
        assert_int_equal(end_state(all[i]), SOTTO_ICE_COMPLETED);
        assert_true(ops->pair(all[i]->ice, &pair));
        assert_true(pair.answered >= 2 && pair.asked <= pair.answered + 1);
        assert_in_range(pair.rtt, 1, SOTTO_MS(500));
    }
    sotto_us gone = drive_now();
    for (int i = 1; i < 6; i += 2) all[i]->is_stopped = true;
    drive(all, 6, NULL, NULL, 31000);
    for (int i = 0; i < 6; i += 2) {
        assert_in_range(end_when(all[i], SOTTO_ICE_DISCONNECTED) - gone, SOTTO_MS(3500),
                        SOTTO_MS(10500));
        assert_in_range(end_when(all[i], SOTTO_ICE_FAILED) - gone, SOTTO_SECONDS(23),
                        SOTTO_MS(30200));
    }
}

/* It ends the server. Free without close: half a second; libnice by itself would take 39 s. */
static bool free_is_quick(void)
{
    int fds = open_fds();
    struct ice_server udp = coturn_server(ICE_SERVER_TURN_UDP, COTURN_PASSWORD),
                      tcp = coturn_server(ICE_SERVER_TURN_TLS, COTURN_PASSWORD);
    struct end *tcp_end = &carol;
    connect_relays(&alice, &bob, &udp);
    connect_relays(&carol, &dave, &tcp);
    coturn_stop();
    sotto_us stopped = drive_now();
    assert_true(drive(&tcp_end, 1, carol_has_failed, NULL, LONG_MS)); /* the end of a TCP connection is seen at once */
    assert_int_equal(carol.states[carol.n_states - 2], SOTTO_ICE_DISCONNECTED);
    sotto_us start = drive_now();
    ops->close(alice.ice, start);
    assert_in_range(alice.ice->close_by - start, 0, SOTTO_MS(1000));
    assert_true(drive(both, 1, alice_is_closed, NULL, LONG_MS));
    sotto_us closed = drive_now();
    assert_true(closed - start >= SOTTO_MS(100));
    end_free(&alice);
    end_free(&bob);
    sotto_us udp_free = drive_now();
    end_free(&carol);
    end_free(&dave);
    sotto_us all_free = drive_now();
    print_message("dead server: seen after %ld ms, free without close took %ld and %ld ms\n",
                  (long)((start - stopped) / 1000), (long)((udp_free - closed) / 1000),
                  (long)((all_free - closed) / 1000));
    assert_int_equal(open_fds(), fds);
    return start - stopped <= SOTTO_MS(2000) && closed - start <= SOTTO_MS(1100) &&
           udp_free - closed <= SOTTO_MS(600) && all_free - closed <= SOTTO_MS(1200);
}

static void a_dead_server_does_not_hold_up_close_or_free(void **state)
{
    (void)state;
    bool is_quick = free_is_quick();
    for (int i = 0; i < 9 && !is_quick; i++) {
        assert_true(coturn_start());
        is_quick = free_is_quick();
    }
    assert_true(is_quick);
}

/* The way of coturn's use-auth-secret: the name is the time of its end, the password is made of name and secret. */
static void time_limited_credentials_are_taken_until_they_end(void **state)
{
    (void)state;
    static const struct coturn_with secret = {.has_secret = true};
    assert_true(coturn_start_with(&secret));
    for (int is_over = 0; is_over < 2; is_over++) {
        struct ice_server s = coturn_server(ICE_SERVER_TURN_UDP, NULL);
        char name[64], password[64];
        uint8_t hash[20];
        unsigned n = 0;
        int len =
            snprintf(name, sizeof name, "%lld:sotto", (long long)time(NULL) + (is_over ? -60 : 60));
        HMAC(EVP_sha1(), COTURN_SECRET, (int)strlen(COTURN_SECRET), (uint8_t *)name, (size_t)len,
             hash, &n);
        EVP_EncodeBlock((uint8_t *)password, hash, (int)n);
        s.username = name, s.credential = password;
        open_end(&alice, "alice", true, true, &s);
        assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
        assert_true(drive(both, 1, alice_is_gathered, NULL, LONG_MS));
        assert_int_equal(has_relay(NULL), !is_over);
        assert_int_equal(alice.n_errors, is_over);
        if (is_over) assert_int_equal(alice.errors[0].code, 401);
        end_free(&alice);
    }
    coturn_stop();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, free_all)
    const struct CMUnitTest tests[] = {
        TEST(relays_over_udp_carry_data),
        TEST(what_goes_to_a_relay_may_be_fragmented_if_that_is_asked_for),
        TEST(relays_over_tcp_carry_data),
        TEST(relays_over_tls_carry_data),
        TEST(a_bulk_over_tls_arrives_in_order),
        TEST(a_bulk_does_not_hide_consent),
        TEST(a_relay_is_offered_beside_the_host),
        TEST(servers_join_a_connection_that_is_up),
        TEST(relays_of_servers_with_names_carry_data),
        TEST(a_stun_server_is_asked),
        TEST(a_wrong_credential_gives_no_relay),
        TEST(under_relay_only_no_check_leaves_from_the_host),
        TEST(close_says_goodbye_quickly),
        TEST(an_idle_relay_stays_up_and_consent_over_it_ends),
        TEST(a_dead_server_does_not_hold_up_close_or_free),
        TEST(time_limited_credentials_are_taken_until_they_end),
    };
    return cmocka_run_group_tests(tests, start_it, coturn_tls_stop);
}
