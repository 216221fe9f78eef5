/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_CONFIG_H
#define SOTTO_EXTRA_CONFIG_H
/* Structs of the caller that begin with their size, as the extras read and fill them. */
#include <stddef.h>

/* 0, or why p (not NULL) cannot be read or filled: INVAL its size is none, UNSUPPORTED it asks for what we do not know. */
int sotto__extra_check(const void *p, size_t known);

/* Copies p into `to`, `known` bytes large; what p does not have becomes zero. p NULL: all zero. As above on error. */
int sotto__extra_copy(const void *p, size_t known, void *to);

/* Fills p, which was checked, with as much of `from` as it has room for; its size stays. */
void sotto__extra_fill(void *p, const void *from, size_t known);

#endif
