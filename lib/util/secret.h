/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_SECRET_H
#define SOTTO_UTIL_SECRET_H
/*
 * Memory for keys and passwords: on pages of its own, which are not written into a core dump, are kept out of swap as far as the
 * process may, are empty in a forked child, and have pages without access around them. Zeroed when it is given and when it is taken
 * back. Not for pointers: leak checkers do not look into it.
 */
#include <stdbool.h>
#include <stddef.h>

/* n bytes, 1…SOTTO_MAX_SECRET, aligned to 64; NULL: no memory. In a forked child they read as zero. */
void *sotto__secret_new(size_t n);
/* The same, but a forked child has them too: for what belongs to no context, and is of use there. */
void *sotto__secret_new_kept(size_t n);
/* For as long as the process lives: not counted as memory that is to be given back. Empty in a forked child. */
void *sotto__secret_for_good(size_t n);
void *sotto__secret_dup(const void *p, size_t n);
char *sotto__secret_strdup(const char *s);
void sotto__secret_free(void *p); /* wipes all of it; NULL is fine */
size_t sotto__secret_size(const void *p); /* bytes that it takes; NULL: 0 */
bool sotto__secret_has(const void *p); /* whether it points into such memory */

#endif
