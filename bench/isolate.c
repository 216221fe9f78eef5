/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isolate: what it costs to have the Opus decoder in a process of its own, beside the same in this one: time and processor of a frame of
 * 20 ms, memory of the process, time until it can decode. isolate PATH FRAMES; ends with a line "R {json}".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { FRAMES = 960, PACKETS = 100, STARTS = 21 };

static uint8_t packets[PACKETS][SOTTO_OPUS_MAX_PACKET];
static int sizes[PACKETS];

static void make_packets(void)
{
    sotto_opus_encoder *e;
    int16_t pcm[FRAMES];
    bench_check(sotto_opus_encoder_new(NULL, &e), "encoder");
    for (int i = 0; i < PACKETS; i++) {
        for (int k = 0; k < FRAMES; k++) {
            double t = (i * FRAMES + k) / 48000.0, v = 0;
            for (int h = 1; h <= 10; h++) v += sin(2 * M_PI * 150 * h * t) / h;
            pcm[k] = (int16_t)(5000 * v * (1 + 0.5 * sin(2 * M_PI * 3 * t)) / 2);
        }
        sizes[i] = sotto_opus_encode(e, pcm, FRAMES, packets[i], sizeof packets[i]);
        bench_check(sizes[i], "encode");
    }
    sotto_opus_encoder_free(e);
}

static double clock_us(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static sotto_opus_decoder *open_at(const char *path)
{
    sotto_opus_decoder *d;
    sotto_opus_decoder_config c = {
        .size = sizeof c, .isolate_decoder = path != NULL, .decoder_path = path};
    bench_check(sotto_opus_decoder_open(&c, &d), "decoder");
    return d;
}

static sotto_isolation fate(const sotto_opus_decoder *d)
{
    sotto_isolation i = {.size = sizeof i};
    bench_check(sotto_opus_decoder_get_isolation(d, &i), "isolation");
    return i;
}

/* What the process has for itself, in kilobytes: its own pages and those shared with us; not its libraries'. */
static long own_kb(int pid)
{
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "RssAnon:", 8) == 0 || strncmp(line, "RssShmem:", 9) == 0)
            kb += strtol(line + 9, NULL, 10);
    if (f) fclose(f);
    return kb;
}

/* Microseconds of a frame: the median of the time that it takes, and the processor of both processes. */
static void decode_all(const char *path, size_t n, double *ret_us, double *ret_cpu, long *ret_kb)
{
    double *times = calloc(n, sizeof *times);
    sotto_opus_decoder *d = open_at(path);
    clockid_t theirs = CLOCK_PROCESS_CPUTIME_ID;
    int16_t pcm[FRAMES];
    if (!times) bench_check(SOTTO_E_NOMEM, "memory");
    if (path) clock_getcpuclockid(fate(d).pid, &theirs);
    double cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID) + (path ? clock_us(theirs) : 0);
    for (size_t i = 0; i < n; i++) {
        double start = clock_us(CLOCK_MONOTONIC);
        size_t k = i % PACKETS;
        bench_check(sotto_opus_decode(d, packets[k], (size_t)sizes[k], pcm, FRAMES), "decode");
        times[i] = clock_us(CLOCK_MONOTONIC) - start;
    }
    *ret_cpu =
        (clock_us(CLOCK_PROCESS_CPUTIME_ID) + (path ? clock_us(theirs) : 0) - cpu) / (double)n;
    *ret_us = bench_quantile(times, n, 0.5);
    *ret_kb = path ? own_kb(fate(d).pid) : 0;
    if (path && fate(d).deaths > 0) bench_check(SOTTO_E_SYS, "the decoder process"); /* not what is measured */
    sotto_opus_decoder_free(d);
    free(times);
}

int main(int argc, char **argv)
{
    double here, here_cpu, there, there_cpu, starts[STARTS];
    long kb;
    if (argc < 3) return 2;
    size_t n = (size_t)bench_number(argv[2], 1, 1000000);
    make_packets();
    decode_all(NULL, n, &here, &here_cpu, &kb);
    decode_all(argv[1], n, &there, &there_cpu, &kb);
    for (int i = 0; i < STARTS; i++) {
        sotto_opus_decoder *d = open_at(argv[1]);
        starts[i] = (double)fate(d).restart_us;
        sotto_opus_decoder_free(d);
    }
    printf("R "
           "{\"here_us\":%.1f,\"here_cpu_us\":%.1f,\"us\":%.1f,\"cpu_us\":%.1f,\"kb\":%ld,\"start_"
           "us\":%.0f,\"fail\":0}\n",
           here, here_cpu, there, there_cpu, kb, bench_quantile(starts, STARTS, 0.5));
    return 0;
}
