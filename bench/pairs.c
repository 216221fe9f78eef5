/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The measures within one process: pairs of connections that exchange descriptions and candidates in memory.
 * setup: one pair after the other, until the channel is open on both sides. scale: many at the same time, and then nothing.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define CONNECT_US 15000000

static void on_event(const sotto_event *e)
{
    struct bench_end *x = e->user;
    sotto_candidate c = {.size = sizeof c, .line = e->u.candidate.line, .mid = e->u.candidate.mid};
    if (!x) return;
    if (e->type == SOTTO_EV_CANDIDATE)
        bench_check(sotto_pc_add_ice_candidate(x->other->pc, &c, NULL), "candidate");
    if (e->type == SOTTO_EV_CHANNEL) {
        x->dc = e->u.channel.dc;
        bench_check(sotto_dc_set_user(x->dc, x), "channel");
    }
    if (e->type == SOTTO_EV_OPEN) x->open = true;
}

static void signal_pair(struct bench_pair *p)
{
    char *sdp = NULL;
    bench_check(sotto_pc_set_local_description(p->a.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), "offer");
    bench_check(sotto_pc_local_description(p->a.pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp), "offer");
    bench_check(sotto_pc_set_remote_description(p->b.pc, SOTTO_SDP_OFFER, sdp, NULL),
                "remote offer");
    sotto_free(sdp);
    bench_check(sotto_pc_set_local_description(p->b.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), "answer");
    bench_check(sotto_pc_local_description(p->b.pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp), "answer");
    bench_check(sotto_pc_set_remote_description(p->a.pc, SOTTO_SDP_ANSWER, sdp, NULL),
                "remote answer");
    sotto_free(sdp);
}

bool bench_pair_connect(sotto_ctx *ctx, struct bench_pair *p)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .user = &p->a};
    sotto_dc_config dc = {.size = sizeof dc, .user = &p->a};
    sotto_us end = sotto_now() + CONNECT_US;
    sotto_event *e;
    p->a = (struct bench_end){.other = &p->b};
    p->b = (struct bench_end){.other = &p->a};
    bench_check(sotto_pc_new(ctx, &cfg, &p->a.pc), "connection");
    cfg.user = &p->b;
    bench_check(sotto_pc_new(ctx, &cfg, &p->b.pc), "connection");
    bench_check(sotto_pc_create_data_channel(p->a.pc, "x", &dc, &p->a.dc), "channel");
    signal_pair(p);
    while (!(p->a.open && p->b.open) && sotto_now() < end) {
        if (sotto_ctx_wait(ctx, 100000, &e) != 1) continue;
        on_event(e);
        sotto_event_free(e);
    }
    return p->a.open && p->b.open;
}

sotto_ctx *bench_context(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    struct rlimit r;
    sotto_ctx *ctx;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
    bench_check(sotto_ctx_new(&cfg, &ctx), "context");
    return ctx;
}

int bench_setup(size_t n)
{
    double *ms = calloc(n + 1, sizeof *ms), cpu = 0;
    sotto_ctx *ctx = bench_context();
    size_t fail = 0;
    if (!ms) return 1;
    for (size_t i = 0; i <= n; i++) { /* the first one warms up and does not count */
        struct bench_pair p;
        sotto_event *e;
        if (i == 1) cpu = bench_cpu();
        sotto_us start = sotto_now();
        bool ok = bench_pair_connect(ctx, &p);
        ms[i] = (double)(sotto_now() - start) / 1e3;
        if (!ok && i > 0) fail++;
        sotto_pc_free(p.a.pc);
        sotto_pc_free(p.b.pc);
        for (sotto_us end = sotto_now() + 20000; sotto_now() < end;)
            if (sotto_ctx_wait(ctx, end - sotto_now(), &e) == 1) sotto_event_free(e);
    }
    cpu = (bench_cpu() - cpu) / (double)n * 1e3;
    printf("R "
           "{\"role\":\"s\",\"n\":%zu,\"fail\":%zu,\"median_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%."
           "3f,\"min_ms\":%.3f,"
           "\"cpu_ms\":%.3f}\n",
           n, fail, bench_quantile(ms + 1, n, .5), bench_quantile(ms + 1, n, .9),
           bench_quantile(ms + 1, n, .99), bench_quantile(ms + 1, n, 0), cpu);
    fflush(stdout);
    sotto_ctx_free(ctx);
    free(ms);
    return 0;
}

static void rest(sotto_ctx *ctx, double seconds)
{
    sotto_event *e;
    for (sotto_us end = sotto_now() + (sotto_us)(seconds * 1e6); sotto_now() < end;)
        if (sotto_ctx_wait(ctx, end - sotto_now(), &e) == 1) {
            on_event(e);
            sotto_event_free(e);
        }
}

int bench_scale(size_t n, double idle)
{
    struct bench_pair *pairs = calloc(n, sizeof *pairs);
    sotto_ctx *ctx = bench_context();
    long rss = bench_rss_kb(), fds = bench_fds();
    double cpu = bench_cpu(), connect_cpu, connect_s;
    sotto_us start = sotto_now();
    size_t fail = 0;
    if (!pairs) return 1;
    for (size_t i = 0; i < n; i++) fail += !bench_pair_connect(ctx, &pairs[i]);
    connect_cpu = bench_cpu() - cpu;
    connect_s = (double)(sotto_now() - start) / 1e6;
    rest(ctx, 2);
    long rss_now = bench_rss_kb();
    cpu = bench_cpu();
    start = sotto_now();
    rest(ctx, idle);
    printf("R "
           "{\"role\":\"s\",\"pairs\":%zu,\"fail\":%zu,\"kb_per_pc\":%.1f,\"threads\":%ld,\"fds\":%"
           "ld,\"fds0\":%ld,"
           "\"idle_cpu_pct\":%.3f,\"connect_s\":%.3f,\"connect_cpu_s\":%.3f,\"rss_kb\":%ld}\n",
           n, fail, (double)(rss_now - rss) / 2 / (double)n, bench_threads(), bench_fds(), fds,
           idle > 0 ? (bench_cpu() - cpu) / ((double)(sotto_now() - start) / 1e6) * 100 : 0,
           connect_s, connect_cpu, rss_now);
    fflush(stdout);
    sotto_ctx_free(ctx);
    free(pairs);
    return 0;
}
