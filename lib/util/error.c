/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling in a sotto_error: the one place that honours its size field.
 */
#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sotto__error(sotto_error *err, int code, int line, const char *fmt, ...)
{
    sotto_error full = {.code = code, .line = line};
    va_list ap;
    if (!err || err->size < sizeof err->size) return code;
    full.size = err->size;
    va_start(ap, fmt);
    vsnprintf(full.reason, sizeof full.reason, fmt, ap);
    va_end(ap);
    memcpy(err, &full, err->size < sizeof full ? err->size : sizeof full);
    return code;
}
