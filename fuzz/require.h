/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_FUZZ_REQUIRE_H
#define SOTTO_FUZZ_REQUIRE_H
/* A property that must hold for every input: where it does not, its line and words are said, and the engine sees a crash. */
#include <stdio.h>
#include <stdlib.h>

#define require(claim)                                                                             \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #claim);                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
