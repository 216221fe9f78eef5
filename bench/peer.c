/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The measures of one WebRTC stack as a program: the same contract for every stack that is compared.
 *     peer a|b bulk SIZE SECS    peer a|b ping SIZE SECS    peer setup N    peer scale N IDLE
 *     peer a|b rtp RATE SECS     peer a|b frame SIZE SECS   peer opus SECS
 *     peer a|b hold 0 SECS       peer cores CONTEXTS SECS [RATE]
 * a and b are two processes, a offers; see pipe.c for the signaling lines. Each role ends with one line "R {json}".
 * The environment variable HIGH is the send queue's high-water mark in bytes.
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

static int usage(void)
{
    fputs("usage: peer a|b bulk SIZE SECS | peer a|b ping SIZE SECS | peer a|b rtp RATE SECS | "
          "peer a|b frame SIZE SECS |\n       peer a|b hold 0 SECS | peer setup N | peer scale N "
          "IDLE | "
          "peer cores CONTEXTS SECS [RATE] | peer opus SECS\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    if (argc < 3) return usage();
    if (strcmp(argv[1], "setup") == 0)
        return bench_setup((size_t)bench_number(argv[2], 1, 1000000));
    if (strcmp(argv[1], "scale") == 0 && argc > 3)
        return bench_scale((size_t)bench_number(argv[2], 1, 2048),
                           (double)bench_number(argv[3], 0, 86400));
    if (strcmp(argv[1], "cores") == 0 && argc > 3)
        return bench_cores((size_t)bench_number(argv[2], 1, 64),
                           (double)bench_number(argv[3], 1, 86400),
                           argc > 4 ? (double)bench_number(argv[4], 0, 1000000) : 0);
    if (strcmp(argv[1], "opus") == 0) return bench_opus((double)bench_number(argv[2], 1, 86400));
    bool offers = strcmp(argv[1], "a") == 0;
    if (argc < 5 || (!offers && strcmp(argv[1], "b") != 0)) return usage();
    size_t size = (size_t)bench_number(argv[3], 0, 1L << 24);
    double seconds = (double)bench_number(argv[4], 1, 86400);
    if (strcmp(argv[2], "bulk") == 0) return bench_bulk(offers, size, seconds);
    if (strcmp(argv[2], "ping") == 0) return bench_ping(offers, size, seconds);
    if (strcmp(argv[2], "rtp") == 0) return bench_rtp(offers, (long)size, seconds);
    if (strcmp(argv[2], "hold") == 0) return bench_hold(offers, seconds);
    if (strcmp(argv[2], "frame") == 0) return bench_frame(offers, size, seconds);
    return usage();
}
