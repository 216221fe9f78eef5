/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_FUZZ_CLOCK_H
#define SOTTO_FUZZ_CLOCK_H
/* The clock of a target that drives a library which asks the system for the time: it stands still until the target moves it. For the one
 * file of a target. */
#include <dlfcn.h>
#include <time.h>

#include "util/time.h"

static sotto_us now = SOTTO_SECONDS(1000);

/* GLib, libnice, c-ares and OpenSSL ask for it, too. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *ret)
{
    static int (*real)(clockid_t, struct timespec *);
    if (id == CLOCK_MONOTONIC) {
        *ret = sotto__timespec(now);
        return 0;
    }
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    return real(id, ret);
}

#endif
