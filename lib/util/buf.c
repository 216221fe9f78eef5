/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growable byte buffer with a maximum. The first failure sticks, so that text can be written without asking each time.
 */
#include "util/buf.h"

#include <stdio.h>
#include <string.h>

#include "sotto/base.h"
#include "util/cold.h"
#include "util/mem.h"

void sotto__buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

bool sotto__buf_reserve(struct buf *b, size_t more)
{
    if (b->err) return false;
    if (more <= b->cap - b->n) return true;
    if (more > b->max || b->n > b->max - more) {
        b->err = SOTTO_E_LIMIT;
        return false;
    }
    size_t cap = b->cap ? b->cap * 2 : 256;
    if (cap < b->n + more) cap = b->n + more;
    if (cap > b->max) cap = b->max;
    uint8_t *p = sotto__realloc(b->p, cap);
    if (!p) {
        b->err = SOTTO_E_NOMEM;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void sotto__buf_add(struct buf *b, const void *p, size_t n)
{
    if (!sotto__buf_reserve(b, n) || n == 0) return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

COLD void sotto__buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0 && sotto__buf_reserve(b, (size_t)n + 1)) {
        vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

COLD void sotto__buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sotto__buf_vaddf(b, fmt, ap);
    va_end(ap);
}

COLD char *sotto__buf_take_string(struct buf *b)
{
    char *s = NULL;
    b->max = b->max < SIZE_MAX ? b->max + 1 : b->max;
    if (sotto__buf_reserve(b, 1)) {
        b->p[b->n] = '\0';
        s = (char *)b->p;
        b->p = NULL;
    }
    sotto__buf_free(b);
    return s;
}

void sotto__buf_free(struct buf *b)
{
    if (!b) return;
    sotto__free(b->p);
    *b = (struct buf){.max = b->max};
}
