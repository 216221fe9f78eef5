/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several contexts, each run by a thread of its own: a pair of connections in it sends messages of 64 KiB from one to the other, at a rate
 * that leaves its core free at times or as fast as it goes. Of the library they share usrsctp's mutex only.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE = 65536 };

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    double seconds, rate; /* messages a second; 0: as fast as it goes */
    unsigned long long bytes;
};

/* n messages, or until the buffer is full; how many were sent. */
static unsigned long long send_some(sotto_ctx *ctx, struct bench_pair *p, unsigned long long n)
{
    static const uint8_t message[MESSAGE];
    unsigned long long sent = 0;
    int r = 0;
    sotto_ctx_batch(ctx, true);
    while (sent < n && (r = sotto_dc_send(p->a.dc, message, sizeof message, false)) == 0) sent++;
    sotto_ctx_batch(ctx, false);
    if (r != SOTTO_E_AGAIN) bench_check(r, "send");
    return sent;
}

static void run(struct worker *w, sotto_ctx *ctx, struct bench_pair *p)
{
    sotto_us start = sotto_now(), end = start + (sotto_us)(w->seconds * 1e6), now;
    unsigned long long sent = 0;
    bool is_writable = true;
    while ((now = sotto_now()) < end) {
        sotto_us next = end;
        unsigned long long due = UINT64_MAX;
        sotto_event *e;
        if (w->rate > 0) {
            due = (unsigned long long)((double)(now - start) / 1e6 * w->rate) + 1;
            next = start + (sotto_us)((double)due / w->rate * 1e6) + 1;
        }
        if (is_writable && due > sent) {
            unsigned long long n = send_some(ctx, p, due - sent);
            is_writable = n == due - sent;
            sent += n;
        }
        if (sotto_ctx_wait(ctx, next < end ? next - now : end - now, &e) != 1) continue;
        if (e->type == SOTTO_EV_WRITABLE) is_writable = true;
        if (e->type == SOTTO_EV_MESSAGE) w->bytes += e->u.message.len;
        sotto_event_free(e);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct bench_pair p;
    sotto_ctx *ctx = bench_context();
    if (!bench_pair_connect(ctx, &p)) bench_check(SOTTO_E_NETWORK, "not connected in time");
    pthread_barrier_wait(w->start);
    run(w, ctx, &p);
    sotto_ctx_free(ctx);
    return NULL;
}

int bench_cores(size_t contexts, double seconds, double rate)
{
    struct worker *all = calloc(contexts, sizeof *all);
    pthread_barrier_t start;
    unsigned long long bytes = 0;
    if (!all || pthread_barrier_init(&start, NULL, (unsigned)contexts + 1) != 0) return 1;
    for (size_t i = 0; i < contexts; i++) {
        all[i] = (struct worker){.start = &start, .seconds = seconds, .rate = rate};
        if (pthread_create(&all[i].thread, NULL, work, &all[i]) != 0) return 1;
    }
    pthread_barrier_wait(&start);
    double cpu = bench_cpu();
    for (size_t i = 0; i < contexts; i++) {
        pthread_join(all[i].thread, NULL);
        bytes += all[i].bytes;
    }
    printf(
        "R "
        "{\"role\":\"s\",\"contexts\":%zu,\"bytes\":%llu,\"secs\":%.3f,\"cpu\":%.6f,\"fail\":0}\n",
        contexts, bytes, seconds, bench_cpu() - cpu);
    pthread_barrier_destroy(&start);
    free(all);
    return 0;
}
