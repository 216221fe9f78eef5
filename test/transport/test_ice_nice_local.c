/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which addresses of a host become candidates, and in what order of preference: in a network namespace of the test's own (test/netns),
 * to whose interface it adds addresses of each kind by ip(8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ice_drive.h"
#include "transport/ice_nice.h"

static struct end alice;

static void run(const char *command)
{
    if (system(command) != 0) fail_msg("%s", command);
}

/* Gathers on all interfaces but loopback, or as `cfg` says; what gather() said. */
static int gather(const struct ice_cfg *cfg)
{
    struct end *one[] = {&alice};
    end_init(&alice, "alice", true);
    alice.cfg.allow_loopback = false;
    alice.cfg.interface = NULL;
    if (cfg) alice.cfg = *cfg;
    alice.cfg.controlling = true;
    assert_int_equal(end_open(&alice), 0);
    int r = sotto__ice_nice.gather(alice.ice, drive_now());
    if (r == 0) drive(one, 1, NULL, NULL, 3000);
    return r;
}

static int end(void **state)
{
    (void)state;
    end_free(&alice);
    return 0;
}

static const struct candidate *find(const char *address)
{
    char text[46];
    for (size_t i = 0; i < alice.n_candidates; i++)
        if (strcmp(sotto__address_text(&alice.candidates[i].addr, text), address) == 0)
            return &alice.candidates[i];
    return NULL;
}

static uint32_t priority(const char *address)
{
    const struct candidate *c = find(address);
    if (!c) fail_msg("no candidate of %s", address);
    return c->priority;
}

/* proves: ICE-15 */
static void only_what_may_be_offered_is_offered_ice_15(void **state)
{
    static const char *const never[] = {"2001:db8:77::de", "fec0::7",   "169.254.7.7",
                                        "::ffff:10.0.0.9", "127.0.0.1", "::1"};
    (void)state;
    run("ip address add 2001:db8:77::de/64 dev sotto0 preferred_lft 0 nodad");
    run("ip address add fec0::7/64 dev sotto0 nodad");
    run("ip address add 169.254.7.7/16 dev sotto0");
    run("ip address add 2001:db8:77::7/64 dev sotto0 nodad");
    assert_int_equal(gather(NULL), 0);
    assert_int_equal(alice.gathered, 1);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (find(never[i])) fail_msg("%s", never[i]);
    for (size_t i = 0; i < alice.n_candidates; i++) {
        assert_int_equal(alice.candidates[i].type, CANDIDATE_HOST);
        assert_int_equal(alice.candidates[i].related.family, 0);
        assert_false(alice.candidates[i].addr.ip[0] == 0xfe);
    }
    assert_true(find("10.77.0.1") && find("fd77::1") && find("2001:db8:77::7"));
    assert_int_equal(alice.n_candidates, 3);
    run("ip address flush dev sotto0 to fec0::/10; ip address del 169.254.7.7/16 dev sotto0");
}

/* proves: ICE-15 */
static void a_temporary_address_stands_for_the_stable_one_ice_15(void **state)
{
    size_t temporary = 0;
    (void)state;
    run("echo 2 >/proc/sys/net/ipv6/conf/sotto0/use_tempaddr");
    run("ip address add 2001:db8:99::1/64 dev sotto0 mngtmpaddr nodad");
    for (int i = 0;
         i < 50 &&
         system("ip -6 address show dev sotto0 temporary -tentative | grep -q 2001:db8:99:");
         i++)
        usleep(100000);
    assert_int_equal(gather(NULL), 0);
    assert_null(find("2001:db8:99::1"));
    for (size_t i = 0; i < alice.n_candidates; i++)
        temporary += memcmp(alice.candidates[i].addr.ip, "\x20\x01\x0d\xb8\x00\x99", 6) == 0;
    assert_int_equal(temporary, 1);
    run("ip address del 2001:db8:99::1/64 dev sotto0");
    run("echo 0 >/proc/sys/net/ipv6/conf/sotto0/use_tempaddr; ip -6 address flush dev sotto0 "
        "temporary");
}

/* proves: ICE-15 */
static void the_families_take_turns_rfc_8421(void **state)
{
    (void)state;
    run("ip address add 10.77.0.2/24 dev sotto0; ip address add 203.0.113.7/24 dev sotto0");
    assert_int_equal(gather(NULL), 0);
    assert_int_equal(alice.n_candidates, 5); /* two of IPv6, three of IPv4 */
    const struct candidate *sorted[8] = {NULL};
    for (size_t i = 0; i < alice.n_candidates; i++) {
        size_t at = 0;
        for (size_t k = 0; k < alice.n_candidates; k++)
            at += alice.candidates[k].priority > alice.candidates[i].priority;
        assert_null(sorted[at]); /* no two are alike: RFC 8445 §5.1.2 */
        sorted[at] = &alice.candidates[i];
        assert_int_equal(alice.candidates[i].priority >> 24, 126);
        assert_int_equal(alice.candidates[i].priority & 255, 255);
    }
    static const uint8_t families[] = {6, 4, 6, 4, 4};
    for (size_t i = 0; i < 5; i++) assert_int_equal(sorted[i]->addr.family, families[i]);
    run("ip address del 10.77.0.2/24 dev sotto0; ip address del 203.0.113.7/24 dev sotto0");
}

static void a_remote_ranks_below_all_hosts_of_libnice_and_keeps_its_order(void **state)
{
    (void)state;
    alice.ice = NULL;
    const uint32_t told[] = {1, 30u << 24, 100u << 24 | 7, 117u << 24 | 0xffffff};
    for (size_t i = 0; i < 4; i++) assert_int_equal(sotto__nice_remote_rank(told[i]), told[i]);
    assert_true(sotto__nice_remote_rank(126u << 24 | 9) > told[3]);
    assert_true(sotto__nice_remote_rank(126u << 24 | 9) > sotto__nice_remote_rank(126u << 24 | 8));
    assert_true(sotto__nice_remote_rank(INT32_MAX) < 119u << 24);
}

/* libnice ends the process where an address is the 64th of its host. */
/* proves: H044 */
static void a_host_with_hundreds_of_addresses_offers_some(void **state)
{
    struct ice_server turn = {.kind = ICE_SERVER_TURN_UDP,
                              .addr = {4, {10, 77, 0, 99}, 3478},
                              .username = (char *)(uintptr_t) "u",
                              .credential = (char *)(uintptr_t) "p",
                              .url = (char *)(uintptr_t) "turn:10.77.0.99"};
    struct ice_cfg cfg = {.servers = &turn, .n_servers = 1};
    (void)state;
    run("for i in $(seq 1 254); do echo address add 10.88.1.$i/32 dev sotto0; "
        "echo address add 2001:db8:88::$i/128 dev sotto0 nodad; done | ip -batch -");
    assert_int_equal(gather(&cfg), 0);
    assert_int_equal(alice.gathered, 1);
    assert_true(alice.n_candidates >= 1 && alice.n_candidates <= SOTTO_MAX_LOCAL_ADDRESSES);
    run("ip address flush dev sotto0 to 10.88.1.0/24; ip -6 address flush dev sotto0 to "
        "2001:db8:88::/64");
}

static void an_address_of_a_nat_stands_beside_the_default_routes(void **state)
{
    struct ice_cfg cfg = {
        .external = {{4, {198, 51, 100, 9}, 0}, {6, {0x20, 1, 0xd, 0xb8, [15] = 9}, 0}}};
    char text[46];
    size_t n = 0;
    (void)state;
    run("ip address add 10.88.0.1/24 dev sotto0");
    assert_int_equal(gather(&cfg), 0);
    for (size_t i = 0; i < alice.n_candidates; i++) {
        const struct candidate *c = &alice.candidates[i];
        if (c->type == CANDIDATE_HOST) continue;
        bool v6 = c->addr.family == 6;
        const struct candidate *own = find(v6 ? "fd77::1" : "10.77.0.1");
        if (v6 && (!own || own->addr.port != c->addr.port)) own = find("2001:db8:77::7");
        n++;
        assert_int_equal(c->type, CANDIDATE_SRFLX);
        assert_string_equal(sotto__address_text(&c->addr, text),
                            v6 ? "2001:db8::9" : "198.51.100.9");
        assert_int_equal(c->addr.port, own->addr.port);
        assert_int_equal(c->related.family, 0); /* told as 0.0.0.0 */
        assert_int_equal(c->priority >> 24, 100);
    }
    assert_int_equal(n, 2);
    assert_non_null(find("10.88.0.1"));
    assert_true(priority("198.51.100.9") < priority("2001:db8::9"));
    run("ip address del 10.88.0.1/24 dev sotto0");
}

static void nothing_of_a_nat_is_told_where_only_relays_are(void **state)
{
    struct ice_cfg cfg = {.relay_only = true, .external = {{4, {198, 51, 100, 9}, 0}}};
    (void)state;
    assert_int_equal(gather(&cfg), 0);
    assert_int_equal(alice.n_candidates, 0);
}

static void an_interface_is_chosen_by_its_name(void **state)
{
    struct ice_cfg cfg = {.interface = "other0"}, nowhere = {.interface = "nosuch0"};
    (void)state;
    run("ip link add other0 type veth peer name other1; ip address add 192.0.2.77/24 dev other0; "
        "ip link set other0 up; ip link set other1 up");
    assert_int_equal(gather(&cfg), 0);
    assert_int_equal(alice.n_candidates, 1);
    assert_non_null(find("192.0.2.77"));
    end_free(&alice);
    assert_int_equal(gather(&nowhere), SOTTO_E_NETWORK);
    run("ip link del other0");
}

static void no_free_port_of_the_range_is_an_error(void **state)
{
    struct ice_cfg cfg = {.interface = "sotto0", .port_min = 40000, .port_max = 40001};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fds[2];
    (void)state;
    for (uint16_t i = 0; i < 2; i++) { /* of both families */
        fds[i] = socket(AF_INET6, SOCK_DGRAM, 0);
        any.sin6_port = htons((uint16_t)(40000 + i));
        assert_int_equal(bind(fds[i], (struct sockaddr *)&any, sizeof any), 0);
    }
    assert_int_equal(gather(&cfg), SOTTO_E_LIMIT);
    end_free(&alice);
    close(fds[1]);
    assert_int_equal(gather(&cfg), 0);
    assert_true(alice.n_candidates >= 1);
    for (size_t i = 0; i < alice.n_candidates; i++)
        assert_int_equal(alice.candidates[i].addr.port, 40001);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(only_what_may_be_offered_is_offered_ice_15, end),
        cmocka_unit_test_teardown(a_temporary_address_stands_for_the_stable_one_ice_15, end),
        cmocka_unit_test_teardown(the_families_take_turns_rfc_8421, end),
        cmocka_unit_test(a_remote_ranks_below_all_hosts_of_libnice_and_keeps_its_order),
        cmocka_unit_test_teardown(a_host_with_hundreds_of_addresses_offers_some, end),
        cmocka_unit_test_teardown(an_address_of_a_nat_stands_beside_the_default_routes, end),
        cmocka_unit_test_teardown(nothing_of_a_nat_is_told_where_only_relays_are, end),
        cmocka_unit_test_teardown(an_interface_is_chosen_by_its_name, end),
        cmocka_unit_test_teardown(no_free_port_of_the_range_is_an_error, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
