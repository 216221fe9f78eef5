/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the harness does in a cmocka program when a promise is broken: says which, and fails the running test.
 */
#include "cmocka_all.h"
#include "pair.h"

_Noreturn void pair_failed(const char *file, int line, const char *what)
{
    print_error("broken: %s\n", what);
    _fail(file, line);
    abort(); /* _fail jumps */
}
