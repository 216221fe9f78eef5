/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handshakes under a flood: calls by real libnice, DTLS and SCTP in a network namespace of their own, while somebody sends to each side, a
 * thousand times a second, what the other one might say: alerts, hellos, fragments of 16 MB, plain data, and its own words altered. With
 * SOTTO_LONG=1 there are 1,000 calls, of which 999 must come up, else 60, and all.
 */
#include <arpa/inet.h>
#include <pthread.h>

#include "api/ctx.h"
#include "call.h"
#include "forger.h"
#include "peer/private.h"
#include "transport/dtls_int.h"

#define RATE 1000
#define LATE_MS 30000

static struct forger forger;

struct tally {
    int calls, up;
    sotto_us total, longest;
    struct dtls_stats dtls;
};

static void give(struct call_side *from, struct call_side *to, sotto_sdp_type type)
{
    char *sdp;
    assert_int_equal(sotto_pc_set_local_description(from->pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(from->pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(to->pc, type, sdp, NULL), 0);
    sotto_free(sdp);
}

/* The port of the one candidate that this host has, while events go their way. */
static void take_events(struct call *c)
{
    sotto_event *e;
    while (sotto_ctx_wait(c->a.ctx, 1000, &e) == 1) {
        if (e->type == SOTTO_EV_CANDIDATE && strstr(e->u.candidate.line, "10.77.0.1 ")) {
            int side = e->user == &c->a ? 0 : 1;
            forger.port[side] =
                (unsigned)strtoul(strstr(e->u.candidate.line, "10.77.0.1 ") + 10, NULL, 10);
        }
        call_event(e);
    }
}

static void add_stats(struct tally *t, const struct call_side *s)
{
    struct dtls_stats d = {0};
    if (s->pc->peer->transport.dtls) sotto__dtls_get_stats(s->pc->peer->transport.dtls, &d);
    t->dtls.rebuilds += d.rebuilds;
    t->dtls.records_dropped += d.records_dropped;
}

static bool call_up(struct call *c, sotto_ctx *ctx)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true, .interface = "sotto0"};
    sotto_us end = sotto_now() + LATE_MS * 1000LL;
    forger.port[0] = forger.port[1] = 0;
    call_new(c, ctx, ctx);
    assert_int_equal(sotto_pc_set_config(c->a.pc, &cfg), 0);
    assert_int_equal(sotto_pc_set_config(c->b.pc, &cfg), 0);
    give(&c->a, &c->b, SOTTO_SDP_OFFER);
    take_events(c);
    give(&c->b, &c->a, SOTTO_SDP_ANSWER);
    while (!(c->a.open && c->b.open) && sotto_now() < end) take_events(c);
    return c->a.open && c->b.open;
}

static void one_call(sotto_ctx *ctx, struct tally *t)
{
    struct call c;
    sotto_us begin = sotto_now();
    t->up += call_up(&c, ctx);
    sotto_us took = sotto_now() - begin;
    t->calls++;
    t->total += took;
    if (took > t->longest) t->longest = took;
    add_stats(t, &c.a);
    add_stats(t, &c.b);
    if (!c.a.open || !c.b.open) {
        char *why;
        if (sotto_pc_explain(c.a.pc, &why) == 0) fputs(why, stderr), sotto_free(why);
    }
    call_free(&c);
}

/* proves: H063 H064 H065 H066 H067 H068 H069 H070 H072 */
static void handshakes_complete_under_a_flood(void **state)
{
    (void)state;
    int calls = getenv("SOTTO_LONG") ? 1000 : 60;
    struct tally t = {.calls = 0};
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    pthread_t thread;
    sotto_ctx *ctx;
    forger = (struct forger){.rate = RATE, .seed = 0x5eed};
    inet_pton(AF_INET, "10.77.0.1", &forger.address);
    assert_true(forger_open(&forger));
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    assert_int_equal(pthread_create(&thread, NULL, forger_run, &forger), 0);
    for (int i = 0; i < calls; i++) one_call(ctx, &t);
    forger.is_over = true;
    pthread_join(thread, NULL);
    forger_close(&forger);
    sotto_ctx_free(ctx);
    printf("%d of %d calls came up, in %.0f ms, at most %.0f ms; %llu forged datagrams\n", t.up,
           t.calls, (double)t.total / 1e3 / t.calls, (double)t.longest / 1e3,
           (unsigned long long)forger.sent);
    printf("DTLS dropped %llu records and began anew %llu times\n",
           (unsigned long long)t.dtls.records_dropped, (unsigned long long)t.dtls.rebuilds);
    assert_true(t.dtls.records_dropped > (uint64_t)calls); /* else nothing was proven */
    assert_true(t.calls - t.up <= calls / 1000);
}

/* ---- a running call ---- */

#define JUNK_RATE 25000 /* to each side */
#define MESSAGE_BYTES 2500
#define SPAN_US 2000000

/* Bytes that arrive while 8 Mbit/s are offered for a while. */
static double goodput(struct call *c)
{
    static const uint8_t message[MESSAGE_BYTES];
    sotto_us begin = sotto_now(), next = begin;
    size_t before = c->b.bytes;
    sotto_event *e;
    while (sotto_now() < begin + SPAN_US) {
        for (; next <= sotto_now(); next += MESSAGE_BYTES)
            if (sotto_dc_send(c->a.dc, message, sizeof message, false) < 0) break;
        if (sotto_ctx_wait(c->a.ctx, 1000, &e) == 1) call_event(e);
        while (sotto_ctx_next(c->a.ctx, &e) == 1) call_event(e);
    }
    return (double)(c->b.bytes - before);
}

static void junk_costs_little(bool from_elsewhere)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    pthread_t thread;
    sotto_ctx *ctx;
    struct call c;
    forger = (struct forger){
        .rate = 0, .seed = 0x5eed, .is_junk = true, .from_elsewhere = from_elsewhere};
    inet_pton(AF_INET, "10.77.0.1", &forger.address);
    assert_true(forger_open(&forger));
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    call_up(&c, ctx);
    assert_int_equal(pthread_create(&thread, NULL, forger_run, &forger), 0);
    double quiet = goodput(&c);
    forger.rate = JUNK_RATE;
    double loud = goodput(&c);
    forger.is_over = true;
    pthread_join(thread, NULL);
    printf("%s: %.1f of %.1f kB arrived under %.0f junk datagrams a second: %.1f %%\n",
           from_elsewhere ? "from elsewhere" : "from the peer's address", loud / 1e3, quiet / 1e3,
           (double)forger.sent / (SPAN_US / 1e6), 100 * loud / quiet);
    assert_true(loud >= 0.9 * quiet);
    forger_close(&forger);
    call_free(&c);
    sotto_ctx_free(ctx);
}

static void a_running_call_stands_junk_from_both_places(void **state)
{
    (void)state;
    junk_costs_little(true);
    junk_costs_little(false);
}

static int without_ipv6(void **state)
{
    (void)state;
    FILE *f = fopen("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w");
    if (f) {
        fputs("1\n", f);
        fclose(f);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes_complete_under_a_flood),
        cmocka_unit_test(a_running_call_stands_junk_from_both_places),
    };
    return cmocka_run_group_tests_name("flood", tests, without_ipv6, NULL);
}
