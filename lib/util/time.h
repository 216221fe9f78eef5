/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_TIME_H
#define SOTTO_UTIL_TIME_H
/* Times are sotto_us, monotonic, and arguments: only lib/api/loop.c reads the clock. */
#include <stdint.h>
#include <time.h>

#include "sotto/base.h"

#define SOTTO_NEVER INT64_MAX
#define SOTTO_MS(n) ((sotto_us)(n)*1000)
#define SOTTO_SECONDS(n) ((sotto_us)(n)*1000000)

static inline sotto_us sotto__earlier(sotto_us a, sotto_us b)
{
    return a < b ? a : b;
}

static inline sotto_us sotto__after(sotto_us now, sotto_us span) /* never wraps */
{
    return now > SOTTO_NEVER - span ? SOTTO_NEVER : now + span;
}

/* For the kernel. Where time_t has 32 bits, 68 years are the longest. */
static inline struct timespec sotto__timespec(sotto_us t)
{
    sotto_us seconds = t / 1000000;
    if (sizeof(time_t) < sizeof seconds && seconds > INT32_MAX) seconds = INT32_MAX;
    return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)(t % 1000000 * 1000)};
}

#endif
