/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_BUF_H
#define SOTTO_UTIL_BUF_H
/* A growable buffer with a maximum, set at init. Errors stick: append freely, ask buf.err once. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *p;
    size_t n;   /* used */
    size_t cap; /* allocated */
    size_t max;
    int err; /* 0, SOTTO_E_NOMEM or SOTTO_E_LIMIT */
};

void sotto__buf_init(struct buf *b, size_t max);
bool sotto__buf_reserve(struct buf *b, size_t more); /* room for `more` bytes beyond n, or err is set */
void sotto__buf_add(struct buf *b, const void *p, size_t n);
void sotto__buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sotto__buf_vaddf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
char *sotto__buf_take_string(struct buf *b); /* moved to the caller with a NUL after it; NULL if err; buf is empty then */
void sotto__buf_free(struct buf *b);         /* as zero state: may be init again */

#endif
