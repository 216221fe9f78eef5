/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_MEM_H
#define SOTTO_UTIL_MEM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *sotto__malloc(size_t n);            /* NULL: no memory; n 0 gives a unique pointer */
void *sotto__calloc(size_t n, size_t size);
void *sotto__realloc(void *p, size_t n);  /* on NULL the old block stays */
void *sotto__trim(void *p, size_t n);      /* a block made smaller: never fails, may move */
void sotto__mem_fresh(size_t n);           /* the next block of n bytes, if another library leaves it empty, takes no memory */
void sotto__free(void *p);                /* NULL is fine */
void *sotto__memdup(const void *p, size_t n);
char *sotto__strndup(const char *p, size_t n); /* NUL-terminated copy of n bytes */
char *sotto__strdup(const char *s);
void sotto__wipe(void *p, size_t n);      /* for secrets: not optimised away */
void sotto__free_secret(void *p, size_t n); /* wipe, then free */

/* For memory that does not come from malloc(): n bytes are counted as a block; false: it is to fail. And are not any more. */
bool sotto__mem_count(size_t n);
void sotto__mem_uncount(size_t n);

size_t sotto__mem_size(const void *p);    /* bytes of a block, as the allocator counts them; NULL: 0 */

/* For tests: the n-th allocation from now on (1 = the next) fails once; 0 = none. Counts in all threads. */
void sotto__mem_fail_at(uint64_t n);
bool sotto__mem_failed(void);    /* whether that allocation was reached */
uint64_t sotto__mem_calls(void); /* how often a block was asked for, or a larger one */
int64_t sotto__mem_live(void);   /* blocks allocated and not freed */
void sotto__mem_weigh(void);     /* from now on their bytes are counted too: … */
int64_t sotto__mem_bytes(void);  /* … allocated less freed since */

#endif
