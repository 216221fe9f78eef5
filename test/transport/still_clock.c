/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See still_clock.h. clock_gettime() is interposed for the whole process, as GLib reads it. Datagrams of loopback arrive while they are
 * sent; should the kernel be late once, a short rest by the real clock lets them come before time goes on.
 */
#include "still_clock.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "util/time.h"

#define REST_US 2000
#define SOME 100     /* polls at one moment: somebody waits for the next one (libnice's consent ends after its time, not at it) */
#define MANY 1000000 /* … and nobody ever waits for longer */

static sotto_us now = SOTTO_SECONDS(100000); /* any moment but the first */
static bool is_real;
static long rest = REST_US;

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *ret)
{
    static int (*real)(clockid_t, struct timespec *);
    if (id == CLOCK_MONOTONIC && !is_real) {
        *ret = sotto__timespec(now);
        return 0;
    }
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    return real(id, ret);
}

sotto_us still_clock_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (sotto_us)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void still_clock_rest(long us)
{
    rest = us;
}

void still_clock_run(void)
{
    is_real = true;
}

int still_clock_poll(struct pollfd *fds, nfds_t n, sotto_us until)
{
    static unsigned at_once;
    sotto_us left = until - still_clock_now();
    sotto_us wait = left <= 0 ? 0 : is_real || left < rest ? left : rest;
    struct timespec ts = sotto__timespec(wait);
    int ready = ppoll(fds, n, &ts, NULL);
    if (is_real) return ready;
    if (ready == 0 && left > 0) now = until, at_once = 0;
    if (++at_once % SOME == 0) now++;
    if (at_once > MANY) {
        at_once = 0;
        fail_msg("time stands still");
    }
    return ready;
}
