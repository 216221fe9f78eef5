/* SPDX-License-Identifier: BSD-2-Clause */
/* The resolver against a DNS server of our own on loopback, which does as it is told: answers, refusals, silence, lies. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/resolver.h"
#include "util/bytes.h"
#include "util/mem.h"

enum mood { ANSWERS, ONLY_V4, ONLY_V6, NOT_FOUND, FAILS, SILENT, GARBAGE };

struct rig {
    struct resolver r;
    int fd; /* the server's */
    char servers[32];
    enum mood mood;
    size_t questions;
    char last[256]; /* name that was asked for */
    sotto_us begun;
};

static sotto_us clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return SOTTO_SECONDS(t.tv_sec) + t.tv_nsec / 1000;
}

static struct rig *rig_new(enum mood mood)
{
    struct rig *g = calloc(1, sizeof *g);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    g->mood = mood;
    g->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(g->fd >= 0 && bind(g->fd, (struct sockaddr *)&at, n) == 0);
    assert_int_equal(getsockname(g->fd, (struct sockaddr *)&at, &n), 0);
    snprintf(g->servers, sizeof g->servers, "127.0.0.1:%u", ntohs(at.sin_port));
    sotto__resolver_init(&g->r, &(struct resolver_cfg){.servers = g->servers});
    g->begun = clock_now();
    return g;
}

static void rig_free(struct rig *g)
{
    sotto__resolver_free(&g->r);
    close(g->fd);
    free(g);
}

/* The name of a question as text; the bytes that it and its type take. */
static size_t read_question(const uint8_t *p, size_t n, char *name, uint16_t *type)
{
    size_t at = 12, used = 0;
    while (at < n && p[at] != 0) {
        size_t label = p[at++];
        if (used > 0) name[used++] = '.';
        memcpy(name + used, p + at, label);
        used += label, at += label;
    }
    name[used] = '\0';
    *type = sotto__get_u16(p + at + 1);
    return at + 5;
}

static void add_address(struct writer *w, uint16_t type, uint8_t last)
{
    static const uint8_t v6[15] = {0x20, 1, 0xd, 0xb8};
    sotto__write_u16(w, 0xc00c);
    sotto__write_u16(w, type);
    sotto__write_u16(w, 1);
    sotto__write_u32(w, 60);
    sotto__write_u16(w, type == 1 ? 4 : 16);
    if (type == 1)
        sotto__write_bytes(w, "\xc0\x00\x02", 3);
    else
        sotto__write_bytes(w, v6, 15);
    sotto__write_u8(w, last);
}

static void serve(struct rig *g)
{
    uint8_t in[512], out[512];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(g->fd, in, sizeof in, 0, (struct sockaddr *)&from, &len);
    uint16_t type;
    if (n < 17) return;
    size_t end = read_question(in, (size_t)n, g->last, &type);
    bool has = (type == 1 && g->mood != ONLY_V6) || (type == 28 && g->mood != ONLY_V4);
    struct writer w = sotto__writer(out, sizeof out);
    g->questions++;
    if (g->mood == SILENT) return;
    if (g->mood > ONLY_V6) has = false;
    sotto__write_bytes(&w, in, 2);
    sotto__write_u16(&w, (uint16_t)(0x8180 | (g->mood == NOT_FOUND ? 3
                                              : g->mood == FAILS   ? 2
                                                                   : 0)));
    sotto__write_u16(&w, 1);
    sotto__write_u16(&w, g->mood == GARBAGE ? 9 : has ? 2 : 0);
    sotto__write_u32(&w, 0);
    sotto__write_bytes(&w, in + 12, end - 12);
    if (has) {
        add_address(&w, type, 7);
        add_address(&w, type, 8);
    }
    assert_false(w.bad);
    sendto(g->fd, out, w.n, 0, (struct sockaddr *)&from, len);
}

/* Until something comes out, or ms are over. */
static bool wait_for(struct rig *g, struct resolver_out *out, int ms)
{
    sotto_us until = clock_now() + SOTTO_MS(ms);
    for (;;) {
        struct pollfd p[20];
        struct sotto_fd fds[18];
        sotto_us now = clock_now();
        if (sotto__resolver_next(&g->r, now, out) == 1) return true;
        if (now >= until) return false;
        int n = sotto__resolver_fds(&g->r, fds, 18);
        sotto_us due = sotto__earlier(sotto__resolver_due(&g->r), until);
        for (int i = 0; i < n; i++) p[i] = (struct pollfd){fds[i].fd, fds[i].events, 0};
        p[n] = (struct pollfd){g->fd, POLLIN, 0};
        int wait = due <= now ? 0 : (int)((due - now) / 1000) + 1;
        poll(p, (nfds_t)n + 1, wait);
        for (int i = 0; i < n; i++)
            if (p[i].revents) sotto__resolver_ready(&g->r);
        if (p[n].revents) serve(g);
    }
}

static void ask(struct rig *g, const char *name, void *owner)
{
    assert_int_equal(sotto__resolver_ask(&g->r, clock_now(), name, owner), 0);
}

static void both_families_are_found_the_best_of_each(void **state)
{
    static const struct {
        enum mood mood;
        bool v4, v6;
    } rows[] = {{ANSWERS, true, true}, {ONLY_V4, true, false}, {ONLY_V6, false, true}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rig *g = rig_new(rows[i].mood);
        struct resolver_out out;
        char text[46];
        ask(g, "turn.example.org", g);
        assert_true(wait_for(g, &out, 20000));
        assert_ptr_equal(out.owner, g);
        assert_string_equal(out.name, "turn.example.org");
        assert_int_equal(out.v4.family, rows[i].v4 ? 4 : 0);
        assert_int_equal(out.v6.family, rows[i].v6 ? 6 : 0);
        if (rows[i].v4)
            assert_true(strncmp(sotto__address_text(&out.v4, text), "192.0.2.", 8) == 0);
        if (rows[i].v6)
            assert_true(strncmp(sotto__address_text(&out.v6, text), "2001:db8::", 10) == 0);
        assert_int_equal(out.v4.port, 0);
        rig_free(g);
    }
}

static void nothing_is_open_when_nothing_is_asked(void **state)
{
    struct rig *g = rig_new(ANSWERS);
    struct resolver_out out;
    struct sotto_fd fds[4];
    (void)state;
    assert_false(wait_for(g, &out, 0));
    assert_true(sotto__resolver_due(&g->r) == SOTTO_NEVER && !g->r.is_busy);
    ask(g, "a.example.org", g);
    assert_true(wait_for(g, &out, 20000));
    assert_false(wait_for(g, &out, 0));
    assert_int_equal(sotto__resolver_fds(&g->r, fds, 4), 0);
    assert_true(g->r.is_busy); /* the answer is kept … */
    sotto__resolver_next(&g->r, clock_now() + SOTTO_RESOLVER_KEEP_US, &out);
    assert_true(sotto__resolver_due(&g->r) == SOTTO_NEVER && !g->r.is_busy); /* … for a while */
    rig_free(g);
}

static void what_is_known_or_on_its_way_is_not_asked_again(void **state)
{
    struct rig *g = rig_new(ONLY_V4);
    struct resolver_out out;
    int a, b, c;
    (void)state;
    ask(g, "turn.example.org", &a);
    ask(g, "turn.example.org", &b);
    assert_true(wait_for(g, &out, 20000));
    assert_ptr_equal(out.owner, &a);
    assert_true(wait_for(g, &out, 20000));
    assert_ptr_equal(out.owner, &b);
    size_t questions = g->questions;
    g->mood = SILENT;
    ask(g, "turn.example.org", &c);
    assert_true(wait_for(g, &out, 0));
    assert_true(out.owner == &c && out.v4.family == 4);
    assert_int_equal(g->questions, questions);
    rig_free(g);
}

static void a_name_that_is_not_there_says_so(void **state)
{
    static const enum mood moods[] = {NOT_FOUND, FAILS, GARBAGE};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rig *g = rig_new(moods[i]);
        struct resolver_out out;
        ask(g, "nowhere.example.org", g);
        assert_true(wait_for(g, &out, 20000));
        assert_true(out.v4.family == 0 && out.v6.family == 0);
        assert_true(out.text && out.text[0]);
        assert_false(wait_for(g, &out, 1));
        assert_int_equal(g->r.n_queries, 0); /* a failure is not kept */
        rig_free(g);
    }
}

static void a_silent_server_is_given_up_in_time(void **state)
{
    struct rig *g = rig_new(SILENT);
    struct resolver_out out;
    (void)state;
    ask(g, "turn.example.org", g);
    assert_true(wait_for(g, &out, 60000));
    sotto_us took = clock_now() - g->begun;
    assert_true(took >= SOTTO_RESOLVE_US - SOTTO_MS(1));
    assert_int_equal(out.v4.family, 0);
    assert_string_equal(out.text, "no answer in time");
    assert_true(g->questions >= 2); /* it was asked again */
    rig_free(g); /* c-ares still holds the question */
}

static void an_owner_that_goes_is_not_told(void **state)
{
    struct rig *g = rig_new(ANSWERS);
    struct resolver_out out;
    int a, b;
    (void)state;
    ask(g, "turn.example.org", &a);
    ask(g, "turn.example.org", &b);
    sotto__resolver_forget(&g->r, &a);
    assert_true(wait_for(g, &out, 20000));
    assert_ptr_equal(out.owner, &b);
    assert_false(wait_for(g, &out, 0));
    rig_free(g);
}

static void names_beyond_the_limit_are_refused(void **state)
{
    struct rig *g = rig_new(SILENT);
    char name[32];
    (void)state;
    for (unsigned i = 0; i < SOTTO_MAX_RESOLVER_NAMES; i++) {
        snprintf(name, sizeof name, "n%u.example.org", i);
        ask(g, name, g);
    }
    assert_int_equal(sotto__resolver_ask(&g->r, clock_now(), "more.example.org", g), SOTTO_E_LIMIT);
    for (unsigned i = SOTTO_MAX_RESOLVER_NAMES; i < SOTTO_MAX_RESOLVER_ASKS; i++)
        ask(g, "n1.example.org", g);
    assert_int_equal(sotto__resolver_ask(&g->r, clock_now(), "n1.example.org", g), SOTTO_E_LIMIT);
    rig_free(g);
}

static void without_memory_nothing_is_asked_and_nothing_leaks(void **state)
{
    int64_t live = sotto__mem_live();
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct rig *g = rig_new(ONLY_V4);
        struct resolver_out out;
        sotto__mem_fail_at(n);
        int e = sotto__resolver_ask(&g->r, clock_now(), "turn.example.org", g);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(e, failed ? SOTTO_E_NOMEM : 0);
        assert_true(wait_for(g, &out, failed ? 0 : 20000) == !failed);
        rig_free(g);
        if (!failed) break;
    }
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_are_found_the_best_of_each),
        cmocka_unit_test(nothing_is_open_when_nothing_is_asked),
        cmocka_unit_test(what_is_known_or_on_its_way_is_not_asked_again),
        cmocka_unit_test(a_name_that_is_not_there_says_so),
        cmocka_unit_test(a_silent_server_is_given_up_in_time),
        cmocka_unit_test(an_owner_that_goes_is_not_told),
        cmocka_unit_test(names_beyond_the_limit_are_refused),
        cmocka_unit_test(without_memory_nothing_is_asked_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
