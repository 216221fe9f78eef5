/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_RAND_H
#define SOTTO_UTIL_RAND_H
#include <stddef.h>
#include <stdint.h>

int sotto__rand(void *p, size_t n);  /* 0, or SOTTO_E_SYS: no entropy, nothing may be made with p */
int sotto__rand_u64(uint64_t *ret);
int sotto__rand_ice(char *out, size_t n); /* n ice-chars and a NUL: out holds n + 1 bytes; 6 bits of entropy each */

/* For tests: whether entropy fails from now on. */
void sotto__rand_fail(int yes);

#endif
