/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * micro [--count] [NAME…]: calls each hot function alone. Prints nanoseconds a call, the median of five runs; with --count it runs each
 * case once and prints how many calls that were: under callgrind bench/instructions divides by it. Counted is what happens inside
 * bench_counted(); it is found by its name, so it must keep it.
 */
#include "micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM = 16, ROUNDS = 5, TIMED = 8 }; /* calls before those that count; runs; times as many calls in each */

static volatile uint64_t kept;

void micro_keep(uint64_t v)
{
    kept = v;
}

void micro_expect(bool is_true, const char *what)
{
    if (is_true) return;
    fprintf(stderr, "micro: %s\n", what);
    exit(1);
}

void *micro_alloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    micro_expect(p != NULL, "no memory");
    return p;
}

void micro_fill(uint8_t *p, size_t n)
{
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
}

void bench_counted(const struct micro *m, void *state, size_t from, size_t to);

__attribute__((noinline)) void bench_counted(const struct micro *m, void *state, size_t from,
                                             size_t to)
{
    for (size_t i = from; i < to; i++) m->call(state, i);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds a call. */
static double run(const struct micro *m, size_t calls)
{
    void *state = m->open ? m->open(calls + WARM) : NULL;
    for (size_t i = 0; i < WARM; i++) m->call(state, i);
    double start = now_ns();
    bench_counted(m, state, WARM, calls + WARM);
    double ns = (now_ns() - start) / (double)calls;
    if (m->close) m->close(state);
    return ns;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct micro *m, bool counts)
{
    double ns[ROUNDS];
    if (counts) {
        run(m, m->calls);
        printf("R {\"name\":\"%s\",\"calls\":%zu}\n", m->name, m->calls);
    } else {
        for (int i = 0; i < ROUNDS; i++) ns[i] = run(m, m->calls * TIMED);
        qsort(ns, ROUNDS, sizeof *ns, compare);
        printf("R {\"name\":\"%s\",\"ns\":%.1f}\n", m->name, ns[ROUNDS / 2]);
    }
    fflush(stdout);
}

static bool is_wanted(const char *name, char **names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return n == 0;
}

int main(int argc, char **argv)
{
    static const struct micro *const tables[] = {
        micro_util, micro_wire, micro_sdp, micro_transport, micro_crypto, micro_media, micro_api};
    bool counts = argc > 1 && strcmp(argv[1], "--count") == 0;
    int found = 0;
    argc -= 1 + counts, argv += 1 + counts;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct micro *m = tables[t]; m->name; m++)
            if (is_wanted(m->name, argv, argc)) measure(m, counts), found++;
    micro_expect(found >= argc && found > 0, "no such function");
    return 0;
}
