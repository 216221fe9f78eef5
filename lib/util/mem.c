/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation: the one door to malloc for the whole library. Counts live blocks, and on request their bytes, and lets a test make the
 * n-th allocation fail. Knows nothing of what is stored.
 * answers: A10 A11
 */
#include "util/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static atomic_int_least64_t live;
static atomic_uint_least64_t calls;
static atomic_uint_least64_t fail_in; /* 0: never; 1: the next one */
static atomic_bool failed;
static atomic_bool weighs;
static atomic_int_least64_t bytes;

static bool must_fail(void)
{
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    uint64_t left = atomic_load_explicit(&fail_in, memory_order_relaxed);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&fail_in, &left, left - 1)) {
            if (left == 1) atomic_store(&failed, true);
            return left == 1;
        }
    }
    return false;
}

size_t sotto__mem_size(const void *p)
{
    return malloc_usable_size((void *)(uintptr_t)p);
}

static int64_t weight(const void *p)
{
    return atomic_load_explicit(&weighs, memory_order_relaxed) ? (int64_t)sotto__mem_size(p) : 0;
}

static void *count(void *p)
{
    if (!p) return NULL;
    atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    int64_t w = weight(p);
    if (w) atomic_fetch_add_explicit(&bytes, w, memory_order_relaxed);
    return p;
}

void *sotto__malloc(size_t n)
{
    return must_fail() ? NULL : count(malloc(n ? n : 1));
}

void *sotto__calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : count(calloc(n ? n : 1, size ? size : 1));
}

static void *resize(void *p, size_t n)
{
    int64_t before = weight(p);
    void *to = realloc(p, n ? n : 1);
    if (to && before) atomic_fetch_add_explicit(&bytes, weight(to) - before, memory_order_relaxed);
    return to;
}

void *sotto__realloc(void *p, size_t n)
{
    if (!p) return sotto__malloc(n);
    return must_fail() ? NULL : resize(p, n);
}

void *sotto__trim(void *p, size_t n)
{
    void *to = p ? resize(p, n) : NULL;
    return to ? to : p; /* it may stay as large as it was */
}

void sotto__free(void *p)
{
    if (!p) return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    int64_t w = weight(p);
    if (w) atomic_fetch_sub_explicit(&bytes, w, memory_order_relaxed);
    free(p);
}

static void add_bytes(int64_t n)
{
    if (atomic_load_explicit(&weighs, memory_order_relaxed))
        atomic_fetch_add_explicit(&bytes, n, memory_order_relaxed);
}

bool sotto__mem_count(size_t n)
{
    if (must_fail()) return false;
    atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    add_bytes((int64_t)n);
    return true;
}

void sotto__mem_uncount(size_t n)
{
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    add_bytes(-(int64_t)n);
}

void sotto__mem_fresh(size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *p = malloc(n);
    if (!p) return;
    uintptr_t skip = -(uintptr_t)p & (page - 1);
    if (n > skip + page) (void)madvise(p + skip, (n - skip) & ~(page - 1), MADV_DONTNEED);
    free(p);
}

void *sotto__memdup(const void *p, size_t n)
{
    void *copy = sotto__malloc(n);
    if (copy && n > 0) memcpy(copy, p, n);
    return copy;
}

char *sotto__strndup(const char *p, size_t n)
{
    char *copy = sotto__malloc(n + 1);
    if (!copy) return NULL;
    if (n > 0) memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

char *sotto__strdup(const char *s)
{
    return sotto__strndup(s, strlen(s));
}

void sotto__wipe(void *p, size_t n)
{
    if (p) explicit_bzero(p, n);
}

void sotto__free_secret(void *p, size_t n)
{
    sotto__wipe(p, n);
    sotto__free(p);
}

void sotto__mem_fail_at(uint64_t n)
{
    atomic_store(&failed, false);
    atomic_store(&fail_in, n);
}

bool sotto__mem_failed(void)
{
    return atomic_load(&failed);
}

uint64_t sotto__mem_calls(void)
{
    return atomic_load(&calls);
}

int64_t sotto__mem_live(void)
{
    return atomic_load(&live);
}

void sotto__mem_weigh(void)
{
    atomic_store(&weighs, true);
}

int64_t sotto__mem_bytes(void)
{
    return atomic_load(&bytes);
}
