/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's own figures, from getrusage and /proc, and small helpers. */
#include "bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

double bench_cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long number_in(const char *path, const char *key)
{
    FILE *f = fopen(path, "r");
    char line[256];
    long v = -1;
    if (!f) return -1;
    while (v < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0) v = strtol(line + strlen(key), NULL, 10);
    fclose(f);
    return v;
}

long bench_rss_kb(void)
{
    return number_in("/proc/self/status", "VmRSS:");
}

long bench_dirty_kb(void)
{
    return number_in("/proc/self/smaps_rollup", "Private_Dirty:");
}

long bench_threads(void)
{
    return number_in("/proc/self/status", "Threads:");
}

long bench_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    long n = 0;
    if (!d) return -1;
    while (readdir(d)) n++;
    closedir(d);
    return n - 3; /* ".", ".." and the directory itself */
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct bench_window bench_window_open(double seconds)
{
    struct bench_window w = {.cpu = bench_cpu(), .start = sotto_now()};
    w.end = w.start + (sotto_us)(seconds * 1e6);
    return w;
}

void bench_report(const char *role, struct bench_window w, unsigned long long bytes,
                  unsigned long long msgs, unsigned long long sent)
{
    printf("R "
           "{\"role\":\"%s\",\"bytes\":%llu,\"msgs\":%llu,\"sent\":%llu,\"secs\":%.6f,\"cpu\":%.6f,"
           "\"rss_kb\":%ld}\n",
           role, bytes, msgs, sent, (double)(sotto_now() - w.start) / 1e6, bench_cpu() - w.cpu,
           bench_rss_kb());
    fflush(stdout);
}

double bench_quantile(double *values, size_t n, double q)
{
    size_t i = (size_t)((double)n * q);
    if (n == 0) return 0;
    qsort(values, n, sizeof *values, compare);
    return values[i < n ? i : n - 1];
}

long bench_number(const char *text, long min, long max)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || n < min || n > max) { /* "3.0" is fine: run.py writes seconds so */
        fprintf(stderr, "peer: '%s' is not a number from %ld to %ld\n", text, min, max);
        exit(2);
    }
    return n;
}

void bench_check(int r, const char *what)
{
    if (r >= 0) return;
    fprintf(stderr, "peer: %s: %s\n", what, sotto_strerror(r));
    exit(1);
}
