/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections and contexts that are freed while answers are outstanding: of name servers, STUN and TURN servers by UDP, TCP and TLS, and
 * of hosts that are asked for by multicast. Nobody answers in a network namespace of its own (test/netns).
 */
#include "../open_fds.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"

/* What is outstanding lasts longer than this: a TCP connection to nobody a minute or more, a name 4 s, a request of TURN 8 s. */
#define AT_ONCE 3000000

static const struct pending {
    const char *what, *url;
    int32_t policy, privacy;
} pending[] = {
    {"a name of a server", "stun:stun.example.invalid", SOTTO_ICE_POLICY_ALL, SOTTO_PRIVACY_OFF},
    {"a name of a relay", "turns:turn.example.invalid", SOTTO_ICE_POLICY_RELAY, SOTTO_PRIVACY_OFF},
    {"STUN", "stun:10.77.0.2", SOTTO_ICE_POLICY_ALL, SOTTO_PRIVACY_OFF},
    {"TURN by UDP", "turn:10.77.0.2", SOTTO_ICE_POLICY_RELAY, SOTTO_PRIVACY_OFF},
    {"TURN by TCP", "turn:10.77.0.2?transport=tcp", SOTTO_ICE_POLICY_RELAY, SOTTO_PRIVACY_OFF},
    {"TURN by TLS", "turns:10.77.0.2", SOTTO_ICE_POLICY_RELAY, SOTTO_PRIVACY_OFF},
    {"names by multicast", "stun:10.77.0.2", SOTTO_ICE_POLICY_ALL, SOTTO_PRIVACY_DEFAULT_ROUTE},
};
enum { N = sizeof pending / sizeof *pending };

/* A call of two that nobody brings together, which have asked for all of this. */
static void ask(struct call *c, sotto_ctx *ctx, const struct pending *p)
{
    sotto_ice_server server = {
        .size = sizeof server, .url = p->url, .username = "u", .credential = "p"};
    sotto_pc_config cfg = {.size = sizeof cfg,
                           .ice_servers = &server,
                           .n_ice_servers = 1,
                           .ice_transport_policy = p->policy,
                           .privacy_mode = p->privacy,
                           .user = &c->a};
    const sotto_candidate name = {
        .size = sizeof name,
        .line = "candidate:1 1 udp 1 0b1c22d8-1b1c-4000-8000-000000000001.local 5000 typ host",
        .mid = "0"};
    call_new(c, ctx, ctx);
    sotto_dc_free(c->a.dc), sotto_pc_free(c->a.pc);
    assert_int_equal(sotto_pc_new(ctx, &cfg, &c->a.pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(c->a.pc, "call", NULL, &c->a.dc), 0);
    call_offer_and_answer(c);
    assert_int_equal(sotto_pc_add_ice_candidate(c->a.pc, &name, NULL), 0);
}

/* So many milliseconds later, the connections first or the context with all in it. Returns whether something was outstanding. */
static bool free_after(const struct pending *p, int ms, bool alone)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = ms % 2 == 1};
    sotto_ctx *ctx;
    struct call c;
    sotto_event *e;
    assert_int_equal(both_ways_ctx(&cfg, &ctx), 0);
    ask(&c, ctx, p);
    for (sotto_us end = sotto_now() + ms * 1000; sotto_now() < end;)
        if (sotto_ctx_wait(ctx, 1000, &e) == 1) sotto_event_free(e); /* they never hear of each other */
    sotto_pc_state s = {.size = sizeof s};
    assert_int_equal(sotto_pc_get_state(c.a.pc, &s), 0);
    bool was_asking = s.gathering == SOTTO_GATHERING_GATHERING;
    sotto_us start = sotto_now();
    if (alone) {
        call_free(&c);
        if (sotto_now() - start > AT_ONCE) fail_msg("%s: freeing it waited", p->what);
        while (sotto_ctx_next(ctx, &e) == 1) sotto_event_free(e);
        start = sotto_now();
    }
    sotto_ctx_free(ctx);
    if (sotto_now() - start > AT_ONCE) fail_msg("%s: freeing the context waited", p->what);
    return was_asking;
}

/* proves: A06 */
static void whatever_is_outstanding_is_freed_at_once(void **state)
{
    static const int moments[] = {0, 1, 5, 40, 300};
    (void)state;
    for (size_t i = 0; i < N; i++) free_after(&pending[i], 5, true); /* what the process keeps is made */
    int64_t live = sotto__mem_live();
    int fds = open_fds();
    for (size_t i = 0; i < N; i++) {
        bool was_asking = false;
        for (size_t k = 0; k < sizeof moments / sizeof *moments; k++) {
            was_asking |= free_after(&pending[i], moments[k], true);
            was_asking |= free_after(&pending[i], moments[k], false);
            if (sotto__mem_live() != live) fail_msg("%s leaves memory", pending[i].what);
            if (open_fds() != fds) fail_msg("%s leaves a descriptor", pending[i].what);
        }
        bool has_name = strstr(pending[i].url, "example") != NULL; /* a name server may refuse at once */
        if (!was_asking && !has_name) fail_msg("%s: nothing was outstanding", pending[i].what);
    }
}

/* The context goes on until what was asked for them has been given up: names after 4 s.
 * proves: A06 */
static void what_is_given_up_later_finds_nobody(void **state)
{
    static struct call calls[N];
    sotto_ctx *ctx;
    sotto_event *e;
    (void)state;
    int64_t live = sotto__mem_live();
    assert_int_equal(both_ways_ctx(NULL, &ctx), 0);
    for (size_t i = 0; i < N; i++) ask(&calls[i], ctx, &pending[i]);
    for (sotto_us end = sotto_now() + 300000; sotto_now() < end;)
        if (sotto_ctx_wait(ctx, 10000, &e) == 1) sotto_event_free(e);
    for (size_t i = 0; i < N; i++) call_free(&calls[i]);
    for (sotto_us end = sotto_now() + 6000000; sotto_now() < end;)
        if (sotto_ctx_wait(ctx, 100000, &e) == 1) sotto_event_free(e);
    sotto_ctx_free(ctx);
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_outstanding_is_freed_at_once),
        cmocka_unit_test(what_is_given_up_later_finds_nobody),
    };
    return cmocka_run_group_tests_name("pending", tests, NULL, NULL);
}
