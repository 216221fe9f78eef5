/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcurl as it is used: which addresses plain http may go to, and that a request can be ended from outside. With servers: test/whip.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "extra/http_worker.h"
#include "sotto/event.h"
#include "util/mem.h"
#include "util/time.h"

/* proves: S02 A21 */
static void plain_http_goes_to_loopback_addresses_whatever_a_name_has_become(void **state)
{
    static const struct {
        const char *address;
        bool is_loopback;
    } cases[] = {{"127.0.0.1", true},
                 {"127.255.255.254", true},
                 {"128.0.0.1", false},
                 {"10.0.0.1", false},
                 {"0.0.0.0", false},
                 {"169.254.169.254", false},
                 {"::1", true},
                 {"::", false},
                 {"::ffff:10.0.0.1", false},
                 {"::ffff:127.0.0.1", false},
                 {"fe80::1", false},
                 {"2001:db8::1", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is_v4 = inet_pton(AF_INET, cases[i].address, &v4.sin_addr) == 1;
        if (!is_v4) assert_int_equal(inet_pton(AF_INET6, cases[i].address, &v6.sin6_addr), 1);
        const struct sockaddr *a =
            is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
        if (sotto__http_is_loopback(a) != cases[i].is_loopback) fail_msg("%s", cases[i].address);
    }
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    assert_false(sotto__http_is_loopback(&unix_socket));
}

/* A server that takes the connection and says nothing. */
static int listen_silently(char *url, size_t n)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(url, n, "http://127.0.0.1:%u/", (unsigned)ntohs(a.sin_port));
    return fd;
}

static struct http_worker *begin(sotto_ctx *c, const char *url)
{
    static const struct http_cfg cfg = {.ca_file = NULL};
    struct http_request r = {
        .method = HTTP_POST, .type = "application/sdp", .limit = SOTTO_SECONDS(30)};
    struct http_worker *w;
    assert_int_equal(sotto__http_worker_new(&cfg, c, 7, &w, &w), 0);
    r.url = sotto__strdup(url);
    r.body = sotto__strdup("v=0\r\n");
    assert_true(sotto__http_worker_send(w, &r));
    return w;
}

static void a_request_can_be_ended_and_its_result_says_so(void **state)
{
    char url[64];
    sotto_ctx *c;
    struct http_result result = {0};
    struct http_request more = {0};
    (void)state;
    int fd = listen_silently(url, sizeof url);
    assert_int_equal(sotto_ctx_new(NULL, &c), 0);
    struct http_worker *w = begin(c, url);
    assert_true(sotto__http_worker_is_busy(w));
    assert_false(sotto__http_worker_take(w, &result));
    assert_false(sotto__http_worker_send(w, &more)); /* one at a time */
    sotto__http_worker_cancel(w);
    assert_true(sotto__http_worker_wait(w, sotto_now() + SOTTO_SECONDS(10)));
    assert_true(sotto__http_worker_take(w, &result));
    assert_int_equal(result.error, SOTTO_E_CLOSED);
    sotto__http_result_free(&result);
    sotto__http_worker_free(w);
    sotto_ctx_free(c);
    close(fd);
}

/* proves: S02 A21 */
static void nothing_connects_to_another_host_by_plain_http(void **state)
{
    struct http_result result = {0};
    sotto_ctx *c;
    (void)state;
    assert_int_equal(sotto_ctx_new(NULL, &c), 0);
    struct http_worker *w = begin(c, "http://192.0.2.1:9/"); /* as if a name had led there */
    assert_true(sotto__http_worker_wait(w, sotto_now() + SOTTO_SECONDS(10)));
    assert_true(sotto__http_worker_take(w, &result));
    assert_int_equal(result.error, SOTTO_E_PROTO);
    sotto__http_result_free(&result);
    sotto__http_worker_free(w);
    sotto_ctx_free(c);
}

static void a_worker_goes_with_its_request_under_way(void **state)
{
    char url[64];
    sotto_ctx *c;
    (void)state;
    int fd = listen_silently(url, sizeof url);
    assert_int_equal(sotto_ctx_new(NULL, &c), 0);
    struct http_worker *w = begin(c, url);
    sotto_us before = sotto_now();
    sotto__http_worker_free(w);
    assert_true(sotto_now() - before < SOTTO_SECONDS(3));
    sotto_ctx_free(c);
    close(fd);
}

/* In place of the C library's, for libcurl too: a name server that lets everybody wait, until it is told to end. */
static atomic_bool is_answered;
static atomic_int n_asked, n_left;

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret)
{
    static const struct timespec slice = {0, 1000000};
    (void)name, (void)service, (void)hints;
    *ret = NULL;
    atomic_fetch_add(&n_asked, 1);
    while (!atomic_load(&is_answered)) nanosleep(&slice, NULL);
    atomic_fetch_add(&n_left, 1);
    return EAI_NONAME;
}

static void wait_for(atomic_int *n, int wanted)
{
    static const struct timespec slice = {0, 1000000};
    for (int i = 0; i < 20000 && atomic_load(n) < wanted; i++) nanosleep(&slice, NULL);
    assert_true(atomic_load(n) >= wanted);
}

/* proves: A21 */
static void a_name_server_that_does_not_answer_keeps_nobody_waiting(void **state)
{
    struct http_result result = {0};
    sotto_ctx *c;
    (void)state;
    assert_int_equal(sotto_ctx_new(NULL, &c), 0);
    struct http_worker *w = begin(c, "https://example.com/");
    wait_for(&n_asked, 1);
    sotto__http_worker_cancel(w);
    assert_true(sotto__http_worker_wait(w, sotto_now() + SOTTO_SECONDS(20)));
    assert_true(sotto__http_worker_take(w, &result));
    assert_int_equal(result.error, SOTTO_E_CLOSED);
    sotto__http_result_free(&result);
    sotto__http_worker_free(w);
    assert_int_equal(atomic_load(&n_left), 0);
    sotto_ctx_free(c);
    atomic_store(&is_answered, true); /* what waits gives its memory back */
    wait_for(&n_left, 1);
}

static void the_application_is_woken_at_the_time_that_was_said(void **state)
{
    static const struct http_cfg cfg = {.ca_file = NULL};
    sotto_ctx *c;
    sotto_event *e;
    struct http_worker *w;
    (void)state;
    assert_int_equal(sotto_ctx_new(NULL, &c), 0);
    assert_int_equal(sotto__http_worker_new(&cfg, c, 7, &w, &w), 0);
    sotto_us before = sotto_now();
    sotto__http_worker_wake_at(w, before + SOTTO_MS(50));
    assert_int_equal(sotto_ctx_wait(c, SOTTO_SECONDS(10), &e), 1);
    assert_true(sotto_now() - before >= SOTTO_MS(50));
    assert_int_equal(e->type, SOTTO_EV_USER);
    assert_int_equal(e->u.post.code, 7);
    sotto_event_free(e);
    sotto__http_worker_free(w);
    sotto_ctx_free(c);
}

/* Whoever replaces it may be another thread than the one that says when to be woken. */
static void a_new_token_is_told_whatever_the_other_thread_says_then(void **state)
{
    static const struct http_cfg cfg = {.ca_file = NULL};
    sotto_ctx *c;
    sotto_event *e;
    struct http_worker *w;
    (void)state;
    assert_int_equal(sotto_ctx_new(NULL, &c), 0);
    assert_int_equal(sotto__http_worker_new(&cfg, c, 7, &w, &w), 0);
    assert_int_equal(sotto__http_worker_set_token(w, "t"), 0);
    sotto__http_worker_wake_at(w, SOTTO_NEVER);
    assert_int_equal(sotto_ctx_wait(c, SOTTO_SECONDS(20), &e), 1);
    assert_int_equal(e->type, SOTTO_EV_USER);
    sotto_event_free(e);
    sotto__http_worker_free(w);
    sotto_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_http_goes_to_loopback_addresses_whatever_a_name_has_become),
        cmocka_unit_test(a_request_can_be_ended_and_its_result_says_so),
        cmocka_unit_test(nothing_connects_to_another_host_by_plain_http),
        cmocka_unit_test(a_worker_goes_with_its_request_under_way),
        cmocka_unit_test(a_name_server_that_does_not_answer_keeps_nobody_waiting),
        cmocka_unit_test(the_application_is_woken_at_the_time_that_was_said),
        cmocka_unit_test(a_new_token_is_told_whatever_the_other_thread_says_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
