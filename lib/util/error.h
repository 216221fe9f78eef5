/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_ERROR_H
#define SOTTO_UTIL_ERROR_H
#include "sotto/base.h"
/* Fill a nullable sotto_error as far as its size says and return code: `return sotto__error(err, SOTTO_E_SYNTAX, 7, "…")`. */
int sotto__error(sotto_error *err, int code, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#endif
