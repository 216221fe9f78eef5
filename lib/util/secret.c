/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for secrets: arenas of equal slots, each mapped between two pages that nobody may touch, with MADV_DONTDUMP (core dumps),
 * MADV_WIPEONFORK (forked children) and mlock (swap; as much as RLIMIT_MEMLOCK leaves). What the kernel does not know it does not do:
 * then the memory is as any other. Which slots are used is written elsewhere, so that a child that sees its arenas emptied can still
 * give them back. Bounded by the number of arenas. Counted with all other memory, and made to fail with it. Knows nothing of what is
 * stored.
 * answers: S35 A23
 */
#include "util/secret.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/cold.h"
#include "util/limits.h"
#include "util/mem.h"

#define SMALLEST 64u
#define WORD 64u
#define WORDS (SOTTO_SECRET_ARENA / SMALLEST / WORD)

struct arena {
    uint8_t *p; /* NULL: not mapped */
    uint32_t slot, n, used; /* bytes of one, how many, how many of them are given */
    bool is_kept; /* by a forked child */
    uint64_t taken[WORDS];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct arena arenas[SOTTO_MAX_SECRET_ARENAS];
static size_t n_arenas;

static void enter(void)
{
    pthread_mutex_lock(&mutex);
}

static void leave(void)
{
    pthread_mutex_unlock(&mutex);
}

/* A child must not find the mutex locked by a thread that it does not have. */
static void start(void)
{
    (void)pthread_atfork(enter, leave, leave);
}

COLD static bool map(struct arena *a, uint32_t slot, bool is_kept)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = SOTTO_SECRET_ARENA + 2 * page;
    uint8_t *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return false;
    if (mprotect(p + page, SOTTO_SECRET_ARENA, PROT_READ | PROT_WRITE) != 0) {
        munmap(p, n);
        return false;
    }
    p += page;
    (void)madvise(p, SOTTO_SECRET_ARENA, MADV_DONTDUMP);
    if (!is_kept) (void)madvise(p, SOTTO_SECRET_ARENA, MADV_WIPEONFORK);
    (void)mlock2(p, SOTTO_SECRET_ARENA, MLOCK_ONFAULT); /* only what is used counts */
    *a = (struct arena){.p = p, .slot = slot, .n = SOTTO_SECRET_ARENA / slot, .is_kept = is_kept};
    return true;
}

static struct arena *with_room(uint32_t slot, bool is_kept)
{
    for (size_t i = 0; i < n_arenas; i++) {
        struct arena *a = &arenas[i];
        if (a->slot == slot && a->is_kept == is_kept && a->used < a->n) return a;
    }
    if (n_arenas == SOTTO_MAX_SECRET_ARENAS || !map(&arenas[n_arenas], slot, is_kept)) return NULL;
    return &arenas[n_arenas++];
}

static void *take(struct arena *a)
{
    for (uint32_t i = 0; i < a->n; i++) {
        uint64_t bit = 1ULL << i % WORD;
        if (a->taken[i / WORD] == UINT64_MAX) i |= WORD - 1; /* a word without room: on to the next one */
        if (a->taken[i / WORD] & bit) continue;
        a->taken[i / WORD] |= bit;
        a->used++;
        return a->p + (size_t)i * a->slot;
    }
    return NULL;
}

static uint32_t slot_of(size_t n)
{
    uint32_t slot = SMALLEST;
    while (slot < n) slot *= 2;
    return slot;
}

static void *find(size_t n, bool is_kept)
{
    if (n == 0 || n > SOTTO_MAX_SECRET) return NULL;
    (void)pthread_once(&once, start);
    enter();
    struct arena *a = with_room(slot_of(n), is_kept);
    void *p = a ? take(a) : NULL;
    leave();
    return p;
}

static void *get(size_t n, bool is_kept)
{
    if (n > SOTTO_MAX_SECRET || !sotto__mem_count(slot_of(n))) return NULL;
    void *p = find(n, is_kept);
    if (!p) sotto__mem_uncount(slot_of(n));
    return p;
}

void *sotto__secret_for_good(size_t n)
{
    return find(n, false);
}

void *sotto__secret_new(size_t n)
{
    return get(n, false);
}

void *sotto__secret_new_kept(size_t n)
{
    return get(n, true);
}

void *sotto__secret_dup(const void *p, size_t n)
{
    void *copy = sotto__secret_new(n);
    if (copy) memcpy(copy, p, n);
    return copy;
}

char *sotto__secret_strdup(const char *s)
{
    return sotto__secret_dup(s, strlen(s) + 1);
}

static struct arena *arena_of(const void *p)
{
    uintptr_t at = (uintptr_t)p;
    for (size_t i = 0; i < n_arenas; i++)
        if (at - (uintptr_t)arenas[i].p < SOTTO_SECRET_ARENA) return &arenas[i];
    return NULL;
}

void sotto__secret_free(void *p)
{
    if (!p) return;
    enter();
    struct arena *a = arena_of(p);
    assert(a);
    size_t i = (size_t)((uint8_t *)p - a->p) / a->slot, n = a->slot;
    sotto__wipe(p, n);
    a->taken[i / WORD] &= ~(1ULL << i % WORD);
    a->used--;
    leave();
    sotto__mem_uncount(n);
}

size_t sotto__secret_size(const void *p)
{
    enter();
    const struct arena *a = p ? arena_of(p) : NULL;
    size_t n = a ? a->slot : 0;
    leave();
    return n;
}

bool sotto__secret_has(const void *p)
{
    enter();
    bool has = arena_of(p) != NULL;
    leave();
    return has;
}
