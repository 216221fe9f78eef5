/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Privacy modes on a real network interface (test/netns makes it): host addresses behind mDNS names, found again by the other side;
 * what is told, and what is not. And names of servers. Time is the real one.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "call.h"

#include "transport/mdns_agent.h"

#define HOME "10.77.0.1" /* test/netns */
#define HOME6 "fd77::1"

struct told { /* what a side's descriptions and candidates were */
    char text[8192];
    size_t n_names, n_numbers;
};

static void side_new(struct call_side *s, sotto_ctx *ctx, int32_t privacy)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .privacy_mode = privacy, .user = s};
    s->ctx = ctx;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &s->pc), 0);
}

static void names_new(struct call *c, sotto_ctx *a, sotto_ctx *b, int32_t of_a, int32_t of_b)
{
    *c = (struct call){0};
    c->a.other = &c->b;
    c->b.other = &c->a;
    side_new(&c->a, a, of_a);
    side_new(&c->b, b, of_b);
    sotto_dc_config dc = {.size = sizeof dc, .user = &c->a};
    assert_int_equal(sotto_pc_create_data_channel(c->a.pc, "call", &dc, &c->a.dc), 0);
}

static void describe(sotto_pc *pc, struct told *t)
{
    char *sdp;
    *t = (struct told){.n_names = 0};
    assert_int_equal(sotto_pc_local_description(pc, 0, NULL, &sdp), 1);
    snprintf(t->text, sizeof t->text, "%s", sdp);
    sotto_free(sdp);
    for (const char *at = t->text; (at = strstr(at, "a=candidate:")); at++) {
        const char *end = strchr(at, '\r'), *name = strstr(at, ".local ");
        if (name && name < end)
            t->n_names++;
        else
            t->n_numbers++;
    }
}

static sotto_ctx *ctx_new(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .show_addresses = true}; /* what is hidden is hidden then, too */
    sotto_ctx *c;
    assert_int_equal(sotto_ctx_new(&cfg, &c), 0);
    return c;
}

static void sides_of_two_contexts_find_each_other_by_names(void **state)
{
    sotto_ctx *a = ctx_new(), *b = ctx_new();
    struct told told;
    struct call c;
    char *json;
    (void)state;
    names_new(&c, a, b, SOTTO_PRIVACY_DEFAULT_ROUTE, SOTTO_PRIVACY_DEFAULT_ROUTE);
    call_connect(&c);
    for (int i = 0; i < 2; i++) {
        describe(i == 0 ? c.a.pc : c.b.pc, &told);
        assert_true(told.n_names >= 1 && told.n_numbers == 0);
        assert_null(strstr(told.text, HOME));
        assert_null(strstr(told.text, HOME6));
        assert_int_equal(sotto_pc_get_stats_json(i == 0 ? c.a.pc : c.b.pc, &json), 0);
        assert_non_null(strstr(json, "candidate-pair"));
        assert_null(strstr(json, HOME));
        assert_null(strstr(json, HOME6));
        sotto_free(json);
    }
    call_free(&c);
    sotto_ctx_free(a);
    sotto_ctx_free(b);
}

static void sides_of_one_context_find_each_other_by_names(void **state)
{
    sotto_ctx *a = ctx_new();
    struct told told;
    struct call c;
    (void)state;
    names_new(&c, a, a, SOTTO_PRIVACY_DEFAULT_ROUTE, SOTTO_PRIVACY_OFF);
    call_connect(&c);
    describe(c.a.pc, &told);
    assert_true(told.n_names >= 1 && told.n_numbers == 0);
    describe(c.b.pc, &told);
    assert_true(told.n_names == 0 && told.n_numbers >= 1);
    call_free(&c);
    sotto_ctx_free(a);
}

/* Gathers; what it then tells. */
static void gather(int32_t privacy, struct told *told)
{
    sotto_ctx *ctx = ctx_new();
    struct call c;
    sotto_event *e;
    bool done = false;
    names_new(&c, ctx, ctx, privacy, 0);
    assert_int_equal(sotto_pc_set_local_description(c.a.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    while (!done) {
        assert_int_equal(sotto_ctx_wait(ctx, SOTTO_MS(10000), &e), 1);
        done = e->type == SOTTO_EV_CANDIDATE && e->u.candidate.line[0] == '\0';
        if (e->type == SOTTO_EV_CANDIDATE && privacy >= SOTTO_PRIVACY_DEFAULT_ROUTE)
            assert_null(strstr(e->u.candidate.line, HOME));
        sotto_event_free(e);
    }
    describe(c.a.pc, told);
    call_free(&c);
    sotto_ctx_free(ctx);
}

/* proves: ICE-18 */
static void each_mode_tells_what_rfc_8828_lets_it(void **state)
{
    struct told told;
    (void)state;
    gather(SOTTO_PRIVACY_OFF, &told);
    assert_true(told.n_numbers >= 1 && told.n_names == 0 && strstr(told.text, HOME));
    gather(SOTTO_PRIVACY_ALL, &told);
    assert_true(told.n_numbers >= 1 && told.n_names == 0 && strstr(told.text, HOME));
    gather(SOTTO_PRIVACY_DEFAULT_ROUTE, &told);
    assert_true(told.n_numbers == 0 && told.n_names >= 1);
    assert_non_null(strstr(told.text, "c=IN IP4 0.0.0.0"));
    gather(SOTTO_PRIVACY_PUBLIC, &told);
    assert_true(told.n_numbers == 0 && told.n_names == 0); /* there is no server, and all are private */
    gather(SOTTO_PRIVACY_PROXY, &told);
    assert_true(told.n_numbers == 0 && told.n_names == 0);
}

/* In this namespace DNS answers nobody; "localhost" stands in /etc/hosts. */
static void names_of_servers_are_asked_for_and_hold_nothing_up(void **state)
{
    static const struct {
        const char *url;
        bool is_known;
    } rows[] = {{"stun:localhost:9", true}, {"stun:nowhere.invalid", false}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sotto_ice_server server = {.size = sizeof server, .url = rows[i].url};
        sotto_pc_config cfg = {.size = sizeof cfg, .ice_servers = &server, .n_ice_servers = 1};
        sotto_ctx *ctx = ctx_new();
        sotto_pc *pc;
        sotto_dc *dc;
        sotto_event *e;
        bool done = false, refused = false, has_host = false;
        assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
        assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
        assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
        while (!done) {
            assert_int_equal(sotto_ctx_wait(ctx, SOTTO_MS(20000), &e), 1);
            if (e->type == SOTTO_EV_CANDIDATE_ERROR) {
                refused = true;
                assert_int_equal(e->u.candidate_error.code, 701);
                assert_string_equal(e->u.candidate_error.url, rows[i].url);
                assert_true((strcmp(e->u.candidate_error.text, "no answer") == 0) ==
                            rows[i].is_known);
            }
            if (e->type == SOTTO_EV_CANDIDATE) {
                if (strstr(e->u.candidate.line, HOME)) has_host = true;
                done = e->u.candidate.line[0] == '\0';
            }
            sotto_event_free(e);
        }
        assert_true(refused && has_host);
        sotto_dc_free(dc);
        sotto_pc_free(pc);
        sotto_ctx_free(ctx);
    }
}

/* What the name is found to be by somebody in the namespace of the calling thread. */
static struct address ask_for(const char *name)
{
    struct mdns_agent a;
    struct mdns_out out = {.addr = {.family = 0}};
    sotto__mdns_agent_init(&a, &(struct mdns_cfg){.ops = &sotto__net_linux});
    assert_int_equal(sotto__mdns_agent_ask(&a, sotto_now(), sotto__str(name), false, &a), 0);
    while (sotto__mdns_agent_next(&a, sotto_now(), &out) == 0) {
        struct sotto_fd fds[2];
        struct pollfd p[2];
        int n = sotto__mdns_agent_fds(&a, fds, 2);
        for (int i = 0; i < n; i++) p[i] = (struct pollfd){.fd = fds[i].fd, .events = POLLIN};
        if (poll(p, (nfds_t)n, 20) > 0) sotto__mdns_agent_ready(&a);
    }
    sotto__mdns_agent_free(&a);
    return out.addr;
}

static void a_name_is_answered_on_an_interface_that_came_later(void **state)
{
    sotto_ctx *ctx = ctx_new();
    struct told told;
    struct call c;
    sotto_event *e;
    char command[512], text[46], name[MDNS_LOCAL] = "";
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    (void)state;
    names_new(&c, ctx, ctx, SOTTO_PRIVACY_DEFAULT_ROUTE, 0);
    assert_int_equal(sotto_pc_set_local_description(c.a.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    for (bool done = false; !done;) {
        assert_int_equal(sotto_ctx_wait(ctx, SOTTO_MS(10000), &e), 1);
        done = e->type == SOTTO_EV_CANDIDATE && e->u.candidate.line[0] == '\0';
        sotto_event_free(e);
    }
    describe(c.a.pc, &told);
    assert_int_equal(sscanf(strstr(told.text, "a=candidate:"), "%*s %*s %*s %*s %71s", name), 1);
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    int there = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    snprintf(command, sizeof command,
             "PATH=$PATH:/usr/sbin:/sbin; ip link add late0 type veth peer name late1 netns "
             "/proc/%d/fd/%d && ip address add 10.78.0.1/24 dev late0 && ip link set late0 up",
             (int)getpid(), there);
    assert_int_equal(system(command), 0);
    assert_int_equal(setns(there, CLONE_NEWNET), 0);
    assert_int_equal(system("PATH=$PATH:/usr/sbin:/sbin; ip address add 10.78.0.2/24 dev late1 && "
                            "ip link set late1 up"),
                     0);
    struct address found = ask_for(name);
    assert_int_equal(setns(home, CLONE_NEWNET), 0);
    sotto__address_text(&found, text);
    assert_true(strcmp(text, HOME) == 0 || strcmp(text, HOME6) == 0);
    call_free(&c);
    sotto_ctx_free(ctx);
    assert_int_equal(system("PATH=$PATH:/usr/sbin:/sbin; ip link del late0"), 0);
    close(there);
    close(home);
}

static void a_mode_that_is_none_is_refused(void **state)
{
    sotto_ctx *ctx = ctx_new();
    sotto_pc *pc;
    (void)state;
    for (int32_t mode = -1; mode <= 5; mode += 6) {
        sotto_pc_config cfg = {.size = sizeof cfg, .privacy_mode = mode};
        assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), SOTTO_E_RANGE);
    }
    sotto_ctx_free(ctx);
}

static void the_configuration_is_read_back(void **state)
{
    sotto_ctx *ctx = ctx_new();
    sotto_pc_config cfg = {.size = sizeof cfg, .privacy_mode = SOTTO_PRIVACY_PUBLIC}, *is;
    sotto_pc *pc;
    (void)state;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &pc), 0);
    assert_int_equal(sotto_pc_get_config(pc, &is), 0);
    assert_int_equal(is->privacy_mode, SOTTO_PRIVACY_PUBLIC);
    is->privacy_mode = SOTTO_PRIVACY_DEFAULT_ROUTE;
    assert_int_equal(sotto_pc_set_config(pc, is), 0);
    sotto_free(is);
    assert_int_equal(sotto_pc_get_config(pc, &is), 0);
    assert_int_equal(is->privacy_mode, SOTTO_PRIVACY_DEFAULT_ROUTE);
    sotto_free(is);
    sotto_pc_free(pc);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sides_of_two_contexts_find_each_other_by_names),
        cmocka_unit_test(sides_of_one_context_find_each_other_by_names),
        cmocka_unit_test(each_mode_tells_what_rfc_8828_lets_it),
        cmocka_unit_test(names_of_servers_are_asked_for_and_hold_nothing_up),
        cmocka_unit_test(a_name_is_answered_on_an_interface_that_came_later),
        cmocka_unit_test(a_mode_that_is_none_is_refused),
        cmocka_unit_test(the_configuration_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
