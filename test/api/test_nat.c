/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine as clouds have them: behind a 1:1 NAT (nftables), with an address of its own that means nothing elsewhere. Three network
 * namespaces: the machine, its router, and the one of the test (test/netns), where the other side is. Needs nft.
 */
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "call.h"

#define INSIDE "10.9.0.2"
#define OUTSIDE "203.0.113.9"

static int home = -1, cloud = -1, router = -1;

static int here(void)
{
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void enter(int space)
{
    assert_int_equal(setns(space, CLONE_NEWNET), 0);
}

static int make_space(void)
{
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    int fd = here();
    enter(home);
    return fd;
}

/* In that namespace. */
static void run(int space, const char *command)
{
    char all[2048];
    int n = snprintf(all, sizeof all, "PATH=$PATH:/usr/sbin:/sbin; %s", command);
    assert_true(n > 0 && (size_t)n < sizeof all);
    enter(space);
    int r = system(all);
    enter(home);
    if (r != 0) fail_msg("%s", command);
}

static void link_to(int from, int to, const char *name, const char *other)
{
    char command[256];
    snprintf(command, sizeof command, "ip link add %s type veth peer name %s netns /proc/%d/fd/%d",
             name, other, (int)getpid(), to);
    run(from, command);
}

static int make_world(void **state)
{
    (void)state;
    home = here();
    cloud = make_space();
    router = make_space();
    link_to(router, cloud, "lan", "eth0");
    link_to(router, home, "wan", "wan0");
    run(cloud, "ip link set lo up; ip address add 10.9.0.2/24 dev eth0; ip link set eth0 up");
    run(router, "echo 1 >/proc/sys/net/ipv4/ip_forward; ip address add 10.9.0.1/24 dev lan; "
                "ip address add 203.0.113.1/24 dev wan; ip address add 203.0.113.9/32 dev wan; "
                "ip link set lan up; ip link set wan up");
    run(cloud, "ip route replace default via 10.9.0.1");
    run(router, "echo 'table ip nat {"
                " chain pre { type nat hook prerouting priority -100; ip daddr 203.0.113.9 dnat to "
                "10.9.0.2; };"
                " chain post { type nat hook postrouting priority 100; ip saddr 10.9.0.2 oifname "
                "wan snat to 203.0.113.9; };"
                " }' | nft -f -");
    run(home, "ip address add 203.0.113.2/24 dev wan0; ip link set wan0 up");
    return 0;
}

/* The type of the remote candidate that the other side has selected. */
static void expect_remote(struct call *c, const char *type, bool by_address)
{
    char *json;
    assert_int_equal(sotto_pc_get_stats_json(c->b.pc, &json), 0);
    const char *at = strstr(json, "\"remote-candidate\"");
    assert_non_null(at);
    if (!strstr(at, type) || (strstr(at, OUTSIDE) != NULL) != by_address) fail_msg("%s", json);
    sotto_free(json);
}

static void connect_from(int32_t privacy, const char *external, const char *type)
{
    struct call c = {.a = {.other = &c.b}, .b = {.other = &c.a}};
    sotto_pc_config of_a = {.size = sizeof of_a,
                            .privacy_mode = privacy,
                            .external_address = external,
                            .user = &c.a},
                    of_b = {.size = sizeof of_b, .interface = "wan0", .user = &c.b};
    sotto_dc_config dc = {.size = sizeof dc, .user = &c.a};
    char *sdp;
    enter(cloud); /* sockets are made by who calls, and by the context's thread */
    assert_int_equal(sotto_ctx_new(NULL, &c.a.ctx), 0);
    assert_int_equal(sotto_pc_new(c.a.ctx, &of_a, &c.a.pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(c.a.pc, "call", &dc, &c.a.dc), 0);
    assert_int_equal(sotto_pc_set_local_description(c.a.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    enter(home);
    sotto_ctx_config open = {.size = sizeof open, .show_addresses = true};
    assert_int_equal(sotto_ctx_new(&open, &c.b.ctx), 0);
    assert_int_equal(sotto_pc_new(c.b.ctx, &of_b, &c.b.pc), 0);
    assert_int_equal(sotto_pc_local_description(c.a.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(c.b.pc, SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto_free(sdp);
    assert_int_equal(sotto_pc_set_local_description(c.b.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(c.b.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(c.a.pc, SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto_free(sdp);
    assert_true(call_run(&c, &c.a.open, 60000));
    assert_true(call_run(&c, &c.b.open, 60000));
    assert_int_equal(sotto_pc_local_description(c.a.pc, 0, NULL, &sdp), 1);
    assert_true((strstr(sdp, OUTSIDE) != NULL) == (external != NULL));
    assert_true((strstr(sdp, INSIDE) != NULL) == (privacy == SOTTO_PRIVACY_OFF));
    sotto_free(sdp);
    call_run(&c, &c.a.completed, 5000);
    expect_remote(&c, type, external != NULL);
    call_free(&c);
    sotto_ctx_free(c.a.ctx);
    sotto_ctx_free(c.b.ctx);
}

static void a_machine_behind_a_1_1_nat_is_reached_by_the_address_that_it_tells(void **state)
{
    (void)state;
    connect_from(SOTTO_PRIVACY_OFF, OUTSIDE, "\"candidateType\":\"srflx\"");
}

static void it_need_not_tell_its_own(void **state)
{
    (void)state;
    connect_from(SOTTO_PRIVACY_DEFAULT_ROUTE, OUTSIDE, "\"candidateType\":\"srflx\"");
    connect_from(SOTTO_PRIVACY_PUBLIC, OUTSIDE, "\"candidateType\":\"srflx\"");
}

static void without_it_the_other_side_must_be_reached_first(void **state)
{
    (void)state;
    connect_from(SOTTO_PRIVACY_OFF, NULL, "\"candidateType\":\"prflx\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_behind_a_1_1_nat_is_reached_by_the_address_that_it_tells),
        cmocka_unit_test(it_need_not_tell_its_own),
        cmocka_unit_test(without_it_the_other_side_must_be_reached_first),
    };
    return cmocka_run_group_tests(tests, make_world, NULL);
}
