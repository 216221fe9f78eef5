/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The measures between two processes. bulk: a sends messages of one size as fast as its buffer takes them; b counts from its
 * first message on. ping: a sends one message, waits for it to come back, and so on. hold: nothing. Each ends with a line "R {json}".
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bulk_send(struct bench_link *l, size_t size, double seconds)
{
    uint8_t *data = calloc(1, size ? size : 1);
    struct bench_window w = bench_window_open(seconds);
    sotto_us stop = w.end + 400000; /* b's window ends later */
    unsigned long long sent = 0;
    bool reported = false;
    if (!data) return 1;
    while (sotto_now() < stop) {
        int r = 0;
        sotto_ctx_batch(l->ctx, true);
        for (int i = 0; i < 256 && r == 0; i++)
            if ((r = sotto_dc_send(l->dc, data, size, false)) == 0) sent++;
        sotto_ctx_batch(l->ctx, false);
        if (r < 0 && r != SOTTO_E_AGAIN) bench_check(r, "send");
        for (bool writable = false; !writable;) {
            sotto_event *e = bench_next_event(l, r == SOTTO_E_AGAIN ? stop : 0);
            writable = !e || e->type == SOTTO_EV_WRITABLE;
            sotto_event_free(e);
        }
        if (!reported && sotto_now() >= w.end) {
            bench_report("a", w, 0, 0, sent);
            reported = true;
        }
    }
    if (!reported) bench_report("a", w, 0, 0, sent);
    free(data);
    for (sotto_us end = sotto_now() + 10000000; sotto_now() < end;)
        sotto_event_free(bench_next_event(l, end));
    return 0;
}

static int bulk_receive(struct bench_link *l, double seconds)
{
    struct bench_window w = {0};
    unsigned long long bytes = 0, msgs = 0;
    sotto_us end = sotto_now() + 20000000;
    bool reported = false;
    while (sotto_now() < end) {
        sotto_event *e = bench_next_event(l, msgs && !reported ? w.end : end);
        if (e && e->type == SOTTO_EV_MESSAGE) {
            if (msgs++ == 0) {
                w = bench_window_open(seconds);
                end = w.end + 10000000;
            }
            bytes += e->u.message.len;
        }
        sotto_event_free(e);
        if (msgs && !reported && sotto_now() >= w.end) {
            bench_report("b", w, bytes, msgs, 0);
            reported = true;
        }
    }
    return reported ? 0 : 1;
}

int bench_bulk(bool offers, size_t size, double seconds)
{
    struct bench_link l = {0};
    bench_link_open(&l, offers, false);
    int code = offers ? bulk_send(&l, size, seconds) : bulk_receive(&l, seconds);
    sotto_ctx_free(l.ctx);
    return code;
}

#define MAX_ROUND_TRIPS 2000000

static int ping_ask(struct bench_link *l, size_t size, double seconds)
{
    double *us = malloc(MAX_ROUND_TRIPS * sizeof *us);
    uint8_t *data = calloc(1, size ? size : 1);
    sotto_us settle = sotto_now() + 200000;
    size_t n = 0;
    if (!us || !data) return 1;
    while (sotto_now() < settle) sotto_event_free(bench_next_event(l, settle));
    struct bench_window w = bench_window_open(seconds);
    sotto_us sent = sotto_now();
    bench_check(sotto_dc_send(l->dc, data, size, false), "send");
    while (sotto_now() < w.end && n < MAX_ROUND_TRIPS) {
        sotto_event *e = bench_next_event(l, w.end);
        if (e && e->type == SOTTO_EV_MESSAGE) {
            sotto_us now = sotto_now();
            us[n++] = (double)(now - sent);
            sent = now;
            bench_check(sotto_dc_send(l->dc, data, size, false), "send");
        }
        sotto_event_free(e);
    }
    double cpu = bench_cpu() - w.cpu, p50 = bench_quantile(us, n, .5),
           p99 = bench_quantile(us, n, .99);
    printf(
        "R "
        "{\"role\":\"a\",\"n\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu\":%.6f,\"rss_kb\":%ld}\n",
        n, p50, p99, cpu, bench_rss_kb() - (long)(n * sizeof *us / 1024));
    fflush(stdout);
    free(us);
    free(data);
    for (sotto_us end = sotto_now() + 10000000; sotto_now() < end;)
        sotto_event_free(bench_next_event(l, end));
    return 0;
}

static int ping_answer(struct bench_link *l, double seconds)
{
    struct bench_window w = bench_window_open(seconds + .2);
    bool reported = false;
    while (sotto_now() < w.end + 10000000) {
        sotto_event *e = bench_next_event(l, reported ? w.end + 10000000 : w.end);
        if (e && e->type == SOTTO_EV_MESSAGE)
            bench_check(
                sotto_dc_send(l->dc, e->u.message.data, e->u.message.len, e->u.message.is_text),
                "send");
        sotto_event_free(e);
        if (!reported && sotto_now() >= w.end) {
            printf(
                "R "
                "{\"role\":\"b\",\"n\":0,\"p50_us\":0,\"p99_us\":0,\"cpu\":%.6f,\"rss_kb\":%ld}\n",
                bench_cpu() - w.cpu, bench_rss_kb());
            fflush(stdout);
            reported = true;
        }
    }
    return 0;
}

int bench_ping(bool offers, size_t size, double seconds)
{
    struct bench_link l = {0};
    bench_link_open(&l, offers, false);
    int code = offers ? ping_ask(&l, size, seconds) : ping_answer(&l, seconds);
    sotto_ctx_free(l.ctx);
    return code;
}

int bench_hold(bool offers, double seconds)
{
    struct bench_link l = {0};
    bench_link_open(&l, offers, false);
    for (sotto_us end = sotto_now() + (sotto_us)(seconds * 1e6); sotto_now() < end;)
        sotto_event_free(bench_next_event(&l, end));
    printf("R {\"role\":\"%s\",\"dirty_kb\":%ld,\"rss_kb\":%ld}\n", offers ? "a" : "b",
           bench_dirty_kb(), bench_rss_kb());
    fflush(stdout);
    for (sotto_us end = sotto_now() + 10000000; sotto_now() < end;)
        sotto_event_free(bench_next_event(&l, end));
    sotto_ctx_free(l.ctx);
    return 0;
}
