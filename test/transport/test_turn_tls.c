/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands between libnice and a TURN server over TCP or TLS, alone: the test is libnice on one side and the server on the other.
 * With libnice itself and with real certificates: test_turn_bad.c, test_ice_turn.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../open_fds.h"
#include "transport/turn_tls.h"
#include "util/mem.h"

static struct turn_tls *t;
static int listener, server, nices; /* the server's two, and libnice's socket */
static sotto_us now;

#define REQUEST                                                                                    \
    "\x00\x03\x00\x00\x21\x12\xa4\x42"                                                             \
    "request-0001"
#define SUCCESS                                                                                    \
    "\x01\x03\x00\x08\x21\x12\xa4\x42"                                                             \
    "request-0001\x00\x0d\x00\x04\x00\x00\x02\x58" /* for ten minutes */

static int open_socket(int family, struct sockaddr_storage *where, socklen_t *len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    *len = family == AF_INET ? sizeof v4 : sizeof v6;
    memset(where, 0, sizeof *where);
    memcpy(where, family == AF_INET ? (void *)&v4 : (void *)&v6, *len);
    assert_true(fd >= 0);
    return fd;
}

static struct address open_server(int family)
{
    struct sockaddr_storage where;
    socklen_t len;
    struct address a = {.family = family == AF_INET ? 4 : 6};
    listener = open_socket(family, &where, &len);
    assert_int_equal(bind(listener, (struct sockaddr *)&where, len), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&where, &len), 0);
    a.port = ntohs(((struct sockaddr_in *)&where)->sin_port);
    if (a.family == 4)
        memcpy(a.ip, "\x7f\0\0\1", 4);
    else
        a.ip[15] = 1;
    return a;
}

/* To the port that libnice is told. */
static int dial(void)
{
    struct sockaddr_storage where;
    socklen_t len;
    const struct address *to = sotto__turn_tls_port(t);
    int fd = open_socket(to->family == 4 ? AF_INET : AF_INET6, &where, &len);
    ((struct sockaddr_in *)&where)->sin_port = htons(to->port);
    (void)connect(fd, (struct sockaddr *)&where, len);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    poll(&p, 1, 1000);
    if (p.revents == POLLOUT) return fd;
    close(fd);
    return -1;
}

static void make(int family)
{
    struct turn_tls_cfg cfg = {.addr = open_server(family), .allow_loopback = true};
    server = nices = -1;
    now = SOTTO_SECONDS(100);
    assert_int_equal(sotto__turn_tls_new(&t, &cfg), 0);
}

static int turn(void)
{
    struct stun_answer a;
    int r, n = 0;
    while ((r = sotto__turn_tls_next(t, now, &a)) == 1) n++;
    return r < 0 ? r : n;
}

/* Up to there, where bytes go both ways. */
static void join(void)
{
    nices = dial();
    assert_true(nices >= 0);
    sotto__turn_tls_start(t, now);
    for (int i = 0; i < 1000 && (server < 0 || sotto__turn_tls_waits(t)); i++) {
        poll(NULL, 0, 1);
        sotto__turn_tls_accept(t, &nices, 1);
        if (server < 0) server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    assert_true(server >= 0);
    for (int i = 0; i < 5; i++) assert_int_equal(turn(), 0);
}

static int end_all(void **state)
{
    (void)state;
    sotto__turn_tls_free(t);
    t = NULL;
    close(listener);
    if (server >= 0) close(server);
    if (nices >= 0) close(nices);
    return 0;
}

static void say(int fd, const char *p, size_t n)
{
    assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* What arrives there within a moment; -1: the end. */
static ssize_t hear(int fd, void *p, size_t n)
{
    ssize_t r = -1;
    for (int i = 0; i < 200; i++) {
        turn();
        r = recv(fd, p, n, 0);
        if (r > 0) return r;
        if (r == 0 || errno != EAGAIN) return -1;
        poll(NULL, 0, 1);
    }
    return 0;
}

static void hear_this(int fd, const char *p, size_t n)
{
    char got[256];
    size_t have = 0;
    while (have < n) {
        ssize_t r = hear(fd, got + have, sizeof got - have);
        assert_true(r > 0);
        have += (size_t)r;
    }
    assert_int_equal(have, n);
    assert_memory_equal(got, p, n);
}

#define TEXT(s) s, sizeof(s) - 1

static void allocate(void)
{
    say(nices, TEXT(REQUEST));
    hear_this(server, TEXT(REQUEST));
    say(server, TEXT(SUCCESS));
    hear_this(nices, TEXT(SUCCESS));
}

static void bytes_go_both_ways_over_both_families(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    for (int i = 0; i < 2; i++) {
        make(families[i]);
        assert_int_equal(sotto__turn_tls_port(t)->family, families[i] == AF_INET ? 4 : 6);
        assert_false(sotto__address_usable(sotto__turn_tls_port(t), false)); /* a loopback one */
        join();
        allocate();
        say(nices, TEXT("\x40\x00\x00\x03"
                        "abc\0"));
        hear_this(server, TEXT("\x40\x00\x00\x03"
                               "abc\0"));
        end_all(state);
    }
    make(AF_INET);
}

/* proves: H055 */
static void only_a_socket_of_ours_is_let_in(void **state)
{
    (void)state;
    char c;
    make(AF_INET);
    int early = dial(), own = dial(), late = dial(); /* another user knows the port, and is quicker */
    nices = own;
    sotto__turn_tls_start(t, now);
    poll(NULL, 0, 5);
    assert_true(sotto__turn_tls_accept(t, &own, 1));
    assert_false(sotto__turn_tls_waits(t));
    assert_int_equal(dial(), -1); /* nobody else ever */
    server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(server >= 0);
    turn();
    send(early, REQUEST, 20, MSG_NOSIGNAL), send(late, REQUEST, 20, MSG_NOSIGNAL);
    assert_int_equal(hear(early, &c, 1), -1);
    assert_int_equal(hear(late, &c, 1), -1);
    assert_int_equal(hear(server, &c, 1), 0);
    close(early), close(late);
    allocate(); /* ours goes on */
}

static void a_port_that_nobody_takes_is_closed(void **state)
{
    (void)state;
    int32_t code;
    make(AF_INET);
    int stranger = dial(), none = -1;
    sotto__turn_tls_start(t, now);
    poll(NULL, 0, 5);
    assert_false(sotto__turn_tls_accept(t, &none, 0));
    assert_int_equal(sotto__turn_tls_due(t), now + SOTTO_TURN_CONNECT_US);
    now += SOTTO_TURN_CONNECT_US;
    turn();
    now += SOTTO_TURN_ALLOCATE_US;
    assert_int_equal(turn(), SOTTO_E_CLOSED);
    assert_string_equal(sotto__turn_tls_why(t, &code), "no local address of its family");
    assert_false(sotto__turn_tls_waits(t));
    assert_int_equal(dial(), -1);
    assert_int_equal(sotto__turn_tls_due(t), SOTTO_NEVER);
    close(stranger);
}

static void frames_arrive_whole_however_they_come(void **state)
{
    (void)state;
    static const char frames[] = SUCCESS "\x40\x00\x00\x05"
                                         "hello\0\0\0"
                                         "\x00\x17\x00\x04\x21\x12\xa4\x42"
                                         "indication-1data";
    size_t got = 0;
    make(AF_INET);
    join();
    for (size_t i = 0; i < sizeof frames - 1; i++) {
        char bytes[64];
        say(server, frames + i, 1);
        poll(NULL, 0, 1);
        turn();
        ssize_t r = recv(nices, bytes, sizeof bytes, 0);
        if (r <= 0) continue;
        assert_memory_equal(bytes, frames + got, (size_t)r);
        got += (size_t)r;
        assert_true(got == 28 || got == 40 || got == 64);
    }
    assert_int_equal(got, sizeof frames - 1);
}

/* proves: H053 */
static void a_frame_that_is_too_large_is_lost_and_the_next_arrives(void **state)
{
    (void)state;
    static char big[4 + SOTTO_MAX_TURN_FRAME] = "\x40";
    static const size_t sizes[] = {SOTTO_MAX_TURN_FRAME - 4, SOTTO_MAX_TURN_FRAME - 3};
    static char got[sizeof big];
    make(AF_INET);
    join();
    for (int i = 0; i < 2; i++) {
        size_t have = 0;
        big[2] = (char)(sizes[i] >> 8), big[3] = (char)sizes[i];
        say(server, big, 4 + (sizes[i] + 3) / 4 * 4);
        say(server, TEXT(SUCCESS));
        for (ssize_t r; (r = hear(nices, got + have, sizeof got - have)) > 0 && have < 20;)
            have += (size_t)r;
        if (i == 0) assert_true(have > 20);
        if (i == 1) assert_memory_equal(got, SUCCESS, 20);
        for (; have > 20 && hear(nices, got, sizeof got) > 0;) continue;
    }
}

static void what_is_no_frame_ends_it(void **state)
{
    (void)state;
    int32_t code;
    make(AF_INET);
    join();
    allocate();
    say(server, TEXT("\x80\x00"));
    char c;
    assert_int_equal(hear(nices, &c, 1), -1);
    assert_int_equal(turn(), SOTTO_E_CLOSED);
    assert_string_equal(sotto__turn_tls_why(t, &code), "the server does not speak TURN");
    assert_int_equal(hear(server, &c, 1), -1);
}

/* How much goes in when nobody reads at the other end. */
static size_t fill(int fd, const char *p, size_t n)
{
    size_t sum = 0;
    for (int quiet = 0; quiet < 20;) {
        ssize_t r = send(fd, p + sum % n, n - sum % n, MSG_NOSIGNAL);
        if (r > 0) sum += (size_t)r;
        quiet = r > 0 ? 0 : quiet + 1;
        if (r < 0) poll(NULL, 0, 1);
        turn();
    }
    return sum;
}

static size_t drain(int fd)
{
    static char bytes[65536];
    size_t sum = 0;
    for (ssize_t r; (r = hear(fd, bytes, sizeof bytes)) > 0;) sum += (size_t)r;
    return sum;
}

static void buffers_are_bounded_and_nothing_is_lost(void **state)
{
    (void)state;
    static char frame[1204] = "\x40\x00\x04\xb0";
    int small = 8192;
    make(AF_INET);
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    join();
    allocate();
    setsockopt(server, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    size_t memory = sotto__turn_tls_bytes(t);
    size_t in = fill(nices, frame, sizeof frame);
    struct sotto_fd fds[4];
    assert_in_range(in, SOTTO_TURN_BUFFER, 8 * 1024 * 1024);
    assert_int_equal(sotto__turn_tls_fds(t, fds, 4), 1); /* libnice is not read any more */
    assert_int_equal(fds[0].events, POLLIN | POLLOUT);
    assert_int_equal(drain(server), in);
    in = fill(server, frame, sizeof frame);
    assert_int_equal(sotto__turn_tls_fds(t, fds, 4), 1); /* nor is the server */
    assert_int_equal(fds[0].events & POLLOUT, POLLOUT);
    assert_int_equal(sotto__turn_tls_bytes(t), memory);
    assert_int_equal(drain(nices), in / sizeof frame * sizeof frame); /* whole ones */
}

static void what_the_server_said_before_it_closed_arrives(void **state)
{
    (void)state;
    int32_t code;
    char c;
    make(AF_INET);
    join();
    allocate();
    say(server, TEXT("\x40\x00\x00\x04last"));
    shutdown(server, SHUT_WR);
    hear_this(nices, TEXT("\x40\x00\x00\x04last"));
    assert_int_equal(hear(nices, &c, 1), -1);
    assert_string_equal(sotto__turn_tls_why(t, &code), "TCP: the server closed the connection");
    assert_int_equal(code, 701);
}

static void when_libnice_closes_the_server_hears_of_it(void **state)
{
    (void)state;
    int32_t code;
    char c;
    make(AF_INET);
    join();
    allocate();
    say(nices, TEXT("\x40\x00\x00\x04last"));
    close(nices);
    nices = -1;
    hear_this(server, TEXT("\x40\x00\x00\x04last"));
    assert_int_equal(hear(server, &c, 1), -1);
    sotto__turn_tls_why(t, &code);
    assert_int_equal(code, 0); /* no failure of the server's */
}

/* 400 with the transaction of the request: libnice would wait for ever for the end of a connection. */
static void a_request_that_cannot_be_carried_is_refused(void **state)
{
    (void)state;
#define REFUSAL                                                                                    \
    "\x01\x13\x00\x08\x21\x12\xa4\x42"                                                             \
    "request-0001\x00\x09\x00\x04\x00\x00\x04\x00"
    make(AF_INET);
    close(listener);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* nobody listens there */
    nices = dial();
    say(nices, TEXT(REQUEST));
    sotto__turn_tls_start(t, now);
    poll(NULL, 0, 5);
    assert_true(sotto__turn_tls_accept(t, &nices, 1));
    assert_int_equal(turn(), SOTTO_E_CLOSED);
    hear_this(nices, TEXT(REFUSAL));
    say(nices, TEXT(REQUEST));
    hear_this(nices, TEXT(REFUSAL));
    close(nices);
    nices = -1;
    poll(NULL, 0, 5);
    turn();
    struct sotto_fd fds[2];
    assert_int_equal(sotto__turn_tls_fds(t, fds, 2), 0);
}

/* H053: to a service of this very host, which our address may open where others' are shut out. */
static void an_alternate_server_on_this_host_is_not_met(void **state)
{
    (void)state;
    int32_t code;
    char c;
    struct turn_tls_cfg cfg = {.addr = open_server(AF_INET)};
    server = nices = -1;
    now = SOTTO_SECONDS(100);
    assert_int_equal(sotto__turn_tls_new(&t, &cfg), 0);
    join();
    say(nices, TEXT(REQUEST));
    hear_this(server, TEXT(REQUEST));
    say(server, TEXT("\x01\x13\x00\x14\x21\x12\xa4\x42"
                     "request-0001\x00\x09\x00\x04\x00\x00\x03\x00"
                     "\x80\x23\x00\x08\x00\x01\x00\x16\x7f\x00\x00\x01"));
    hear_this(nices, TEXT(REFUSAL));
    assert_int_equal(turn(), SOTTO_E_CLOSED);
    assert_string_equal(sotto__turn_tls_why(t, &code),
                        "sent to an address that is none of a server");
    assert_int_equal(code, 300);
    assert_int_equal(hear(server, &c, 1), -1);
}

static void each_step_has_its_time(void **state)
{
    int32_t code;
    make(AF_INET);
    join();
    assert_int_equal(sotto__turn_tls_due(t), now + SOTTO_TURN_ALLOCATE_US);
    now += SOTTO_TURN_ALLOCATE_US - 1;
    assert_int_equal(turn(), 0);
    now++;
    assert_int_equal(turn(), SOTTO_E_CLOSED);
    assert_string_equal(sotto__turn_tls_why(t, &code), "no answer");
    assert_int_equal(code, 701);
    end_all(state);
    make(AF_INET);
    join();
    allocate();
    assert_int_equal(sotto__turn_tls_due(t), SOTTO_NEVER);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    char host[] = "turn.example.org", file[] = "/ca.pem", lo[] = "lo";
    struct turn_tls_cfg cfg = {.addr = open_server(AF_INET),
                               .host = host,
                               .ca_file = file,
                               .interface = lo,
                               .is_tls = true};
    int fds = open_fds();
    int64_t live = sotto__mem_live();
    server = nices = -1;
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = sotto__turn_tls_new(&t, &cfg);
        if (!sotto__mem_failed()) {
            assert_int_equal(r, 0);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(sotto__mem_live(), live);
        assert_int_equal(open_fds(), fds);
        t = NULL;
    }
    sotto__mem_fail_at(0);
    assert_true(sotto__turn_tls_bytes(t) >= 2 * SOTTO_TURN_BUFFER);
    assert_int_equal(sotto__turn_tls_bytes(NULL), 0);
}

static void authorities_that_cannot_be_read_are_told(void **state)
{
    (void)state;
    make(AF_INET);
    assert_int_equal(sotto__turn_tls_check("/nowhere.pem"), SOTTO_E_ACCESS);
    assert_int_equal(sotto__turn_tls_check("/dev/null"), SOTTO_E_ACCESS);
    assert_int_equal(sotto__turn_tls_check(NULL), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, end_all)
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_both_ways_over_both_families),
        TEST(only_a_socket_of_ours_is_let_in),
        TEST(a_port_that_nobody_takes_is_closed),
        TEST(frames_arrive_whole_however_they_come),
        TEST(a_frame_that_is_too_large_is_lost_and_the_next_arrives),
        TEST(what_is_no_frame_ends_it),
        TEST(buffers_are_bounded_and_nothing_is_lost),
        TEST(what_the_server_said_before_it_closed_arrives),
        TEST(when_libnice_closes_the_server_hears_of_it),
        TEST(a_request_that_cannot_be_carried_is_refused),
        TEST(an_alternate_server_on_this_host_is_not_met),
        TEST(each_step_has_its_time),
        TEST(every_allocation_may_fail),
        TEST(authorities_that_cannot_be_read_are_told),
    };
    return cmocka_run_group_tests_name("turn_tls", tests, NULL, NULL);
}
