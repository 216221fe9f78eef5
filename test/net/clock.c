/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual wall clock. OpenSSL's DTLS timers and usrsctp's round-trip times read gettimeofday(), which an executable may
 * define for every library that it loads; this one tells the virtual network's time. Linked into scenario executables and
 * fuzzers only.
 */
#include <stdatomic.h>
#include <sys/time.h>

#include "net.h"

#define EPOCH_SECONDS 1700000000

static atomic_int_least64_t clock_us = 1000000;

void net_clock_set(sotto_us now)
{
    if (now > atomic_load(&clock_us)) atomic_store(&clock_us, now);
}

sotto_us net_clock(void)
{
    return atomic_load(&clock_us);
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv,
                                                        void *restrict tz)
{
    (void)tz;
    sotto_us now = atomic_load(&clock_us);
    tv->tv_sec = (time_t)(EPOCH_SECONDS + now / 1000000);
    tv->tv_usec = (suseconds_t)(now % 1000000);
    return 0;
}
