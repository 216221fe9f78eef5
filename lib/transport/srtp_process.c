/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is once a process: libsrtp's start, and the mark by which a forked child is known. A child has the keys and the packet
 * numbers of its parent, and would seal other packets under the same numbers. The kernel empties the page with the mark in every
 * child (madvise(2), MADV_WIPEONFORK), however it was forked; to look at it costs a load a packet. Where a kernel does not know that
 * (before 4.14), the process number stands in. Knows nothing of packets.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "transport/srtp_priv.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int started = SOTTO_E_SYS;
static _Atomic uint64_t *page; /* NULL: the kernel does not wipe */
static _Atomic uint64_t counter;

static void make_page(void)
{
    size_t n = (size_t)sysconf(_SC_PAGESIZE);
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return;
    if (madvise(p, n, MADV_WIPEONFORK) == 0)
        page = p;
    else
        munmap(p, n);
}

static void start(void)
{
    make_page();
    if (srtp_init() == srtp_err_status_ok) started = 0;
}

int sotto__srtp_start(void)
{
    pthread_once(&once, start);
    return started;
}

uint64_t sotto__srtp_process(void)
{
    if (!page) return (uint64_t)getpid();
    uint64_t mark = atomic_load_explicit(page, memory_order_relaxed);
    if (mark != 0) return mark;
    uint64_t fresh = atomic_fetch_add(&counter, 1) + 1; /* the child goes on counting where its parent was */
    return atomic_compare_exchange_strong(page, &mark, fresh) ? fresh : mark;
}

const char *sotto__srtp_library_version(void)
{
    return srtp_get_version_string();
}
