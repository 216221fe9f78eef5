/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names over a real link: one side in a network namespace of its own answers for its addresses, the other asks, beside a socket that
 * has the port already. Needs root, or runs inside test/netns. Time is the real one.
 */
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/mdns_agent.h"
#include "wire/mdns.h"

static sotto_us clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return SOTTO_SECONDS(t.tv_sec) + t.tv_nsec / 1000;
}

static void shell(const char *command)
{
    if (system(command) != 0) fail_msg("%s", command);
}

/* Drives the agent until something comes out, or `wire` has something to say, or the time is over. */
static bool drive(struct mdns_agent *a, struct mdns_out *out, int wire, int ms)
{
    sotto_us until = clock_now() + SOTTO_MS(ms);
    for (;;) {
        struct pollfd p[3] = {{.fd = wire, .events = POLLIN}};
        struct sotto_fd fds[2];
        sotto_us now = clock_now();
        if (sotto__mdns_agent_next(a, now, out) == 1) return true;
        if (now >= until) return false;
        int n = sotto__mdns_agent_fds(a, fds, 2);
        for (int i = 0; i < n; i++) p[i + 1] = (struct pollfd){fds[i].fd, fds[i].events, 0};
        sotto_us due = sotto__earlier(sotto__mdns_agent_due(a), until);
        if (poll(p, (nfds_t)n + 1, due <= now ? 0 : (int)((due - now) / 1000) + 1) < 0)
            return false;
        for (int i = 0; i < n; i++)
            if (p[i + 1].revents) sotto__mdns_agent_ready(a);
        if (p[0].revents) return false;
    }
}

/* The other side: answers until it is told to end. */
static int answerer(int wire)
{
    static const struct address own[2] = {{4, {10, 79, 0, 2}, 0}, {6, {0xfd, 0x79, [15] = 2}, 0}};
    char go, names[2][MDNS_LOCAL];
    struct mdns_agent a;
    struct mdns_out out;
    if (unshare(CLONE_NEWNET) != 0) return 2;
    if (write(wire, "n", 1) != 1 || read(wire, &go, 1) != 1) return 3;
    sotto__mdns_agent_init(&a, &(struct mdns_cfg){.ops = &sotto__net_linux});
    for (int i = 0; i < 2; i++)
        if (sotto__mdns_agent_hide(&a, clock_now(), &own[i], &a, names[i]) < 0) return 4;
    if (write(wire, names, sizeof names) != sizeof names) return 5;
    bool odd = drive(&a, &out, wire, 60000);
    sotto__mdns_agent_free(&a);
    return odd ? 6 : 0;
}

static int listener(void) /* as an Avahi has it */
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(5353)};
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    return fd;
}

static void must_find(struct mdns_agent *a, int wire, const char *name, const char *address)
{
    struct mdns_out out;
    char text[46];
    assert_int_equal(sotto__mdns_agent_ask(a, clock_now(), sotto__str(name), false, a), 0);
    assert_true(drive(a, &out, wire, 10000));
    assert_string_equal(sotto__address_text(&out.addr, text), address);
}

/* A question to the other host alone, as from a host that is so many routers away; whether it is answered. */
static bool is_answered(const char *name, const char *to, int hops)
{
    bool v6 = strchr(to, ':') != NULL;
    struct address a = {.family = 0};
    uint8_t bytes[MDNS_MESSAGE];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    struct mdns_question q = {.type = MDNS_ANY};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5353)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(5353)};
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(sotto__address_parse(sotto__str(to), &a), 0);
    memcpy(&in.sin_addr, a.ip, 4);
    memcpy(&in6.sin6_addr, a.ip, 16);
    snprintf(q.name, sizeof q.name, "%s", name);
    sotto__mdns_begin(&w, 7, false);
    sotto__mdns_add_question(&w, &q);
    assert_int_equal(v6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops)
                        : setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops),
                     0);
    assert_int_equal(sendto(fd, w.p, w.n, 0, v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
                            v6 ? sizeof in6 : sizeof in),
                     w.n);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool is = poll(&p, 1, hops == 255 ? 10000 : 300) == 1;
    close(fd);
    return is;
}

static void names_are_found_over_a_link_with_both_families(void **state)
{
    char c, names[2][MDNS_LOCAL], command[1024];
    int wire[2], status;
    struct mdns_agent a;
    struct mdns_out out;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, wire), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(wire[0]);
        _exit(answerer(wire[1]));
    }
    close(wire[1]);
    assert_int_equal(read(wire[0], &c, 1), 1);
    snprintf(command, sizeof command,
             "PATH=$PATH:/usr/sbin:/sbin; ip link add mn0 type veth peer name mn1 netns %d && "
             "ip address add 10.79.0.1/24 dev mn0 && ip address add fd79::1/64 dev mn0 nodad && "
             "ip link set mn0 up && nsenter --net=/proc/%d/ns/net sh -c '"
             "ip address add 10.79.0.2/24 dev mn1 && ip address add fd79::2/64 dev mn1 nodad && "
             "ip link set mn1 up && ip link set lo up'",
             (int)pid, (int)pid);
    shell(command);
    int beside = listener();
    assert_int_equal(write(wire[0], "g", 1), 1);
    assert_int_equal(read(wire[0], names, sizeof names), sizeof names);
    sotto__mdns_agent_init(&a, &(struct mdns_cfg){.ops = &sotto__net_linux});
    must_find(&a, wire[0], names[0], "10.79.0.2");
    must_find(&a, wire[0], names[1], "fd79::2");
    for (int v6 = 0; v6 < 2; v6++) {
        const char *to = v6 ? "fd79::2" : "10.79.0.2";
        assert_true(is_answered(names[v6], to, 255));
        assert_false(is_answered(names[v6], to, 254)); /* RFC 6762 §11 */
    }
    close(beside);
    must_find(&a, wire[0], names[0], "10.79.0.2"); /* the link has just heard it: the answer is for us alone */
    assert_int_equal(sotto__mdns_agent_ask(&a, clock_now(), STR("nobody.local"), false, &a), 0);
    assert_true(drive(&a, &out, wire[0], 10000));
    assert_int_equal(out.addr.family, 0);
    sotto__mdns_agent_free(&a);
    assert_int_equal(write(wire[0], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(wire[0]);
}

static void a_host_without_a_network_has_no_interfaces(void **state)
{
    struct net_interface found[SOTTO_MAX_MDNS_INTERFACES];
    int status;
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (unshare(CLONE_NEWNET) != 0) _exit(2);
        _exit(sotto__net_linux.interfaces(NULL, found, SOTTO_MAX_MDNS_INTERFACES) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_over_a_link_with_both_families),
        cmocka_unit_test(a_host_without_a_network_has_no_interfaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
