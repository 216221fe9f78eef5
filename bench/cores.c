/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several contexts, each run by a thread of its own: a pair of connections in it sends messages of 64 KiB from one to the other. They
 * share nothing, so that as many cores as there are contexts should carry as many times as much.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE = 65536 };

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    double seconds;
    unsigned long long bytes;
};

/* Until the buffer is full. */
static void send_some(sotto_ctx *ctx, struct bench_pair *p)
{
    static const uint8_t message[MESSAGE];
    int r;
    sotto_ctx_batch(ctx, true);
    do r = sotto_dc_send(p->a.dc, message, sizeof message, false);
    while (r == 0);
    sotto_ctx_batch(ctx, false);
    if (r != SOTTO_E_AGAIN) bench_check(r, "send");
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct bench_pair p;
    sotto_ctx *ctx = bench_context();
    if (!bench_pair_connect(ctx, &p)) bench_check(SOTTO_E_NETWORK, "not connected in time");
    pthread_barrier_wait(w->start);
    send_some(ctx, &p);
    for (sotto_us end = sotto_now() + (sotto_us)(w->seconds * 1e6); sotto_now() < end;) {
        sotto_event *e;
        if (sotto_ctx_wait(ctx, end - sotto_now(), &e) != 1) continue;
        bool is_writable = e->type == SOTTO_EV_WRITABLE;
        if (e->type == SOTTO_EV_MESSAGE) w->bytes += e->u.message.len;
        sotto_event_free(e);
        if (is_writable) send_some(ctx, &p);
    }
    sotto_ctx_free(ctx);
    return NULL;
}

int bench_cores(size_t contexts, double seconds)
{
    struct worker *all = calloc(contexts, sizeof *all);
    pthread_barrier_t start;
    unsigned long long bytes = 0;
    if (!all || pthread_barrier_init(&start, NULL, (unsigned)contexts) != 0) return 1;
    for (size_t i = 0; i < contexts; i++) {
        all[i] = (struct worker){.start = &start, .seconds = seconds};
        if (pthread_create(&all[i].thread, NULL, work, &all[i]) != 0) return 1;
    }
    for (size_t i = 0; i < contexts; i++) {
        pthread_join(all[i].thread, NULL);
        bytes += all[i].bytes;
    }
    printf(
        "R "
        "{\"role\":\"s\",\"contexts\":%zu,\"bytes\":%llu,\"secs\":%.3f,\"cpu\":%.6f,\"fail\":0}\n",
        contexts, bytes, seconds, bench_cpu());
    pthread_barrier_destroy(&start);
    free(all);
    return 0;
}
