/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_BENCH_MICRO_H
#define SOTTO_BENCH_MICRO_H
/* One call of each hot function: tables by layer, run by micro.c. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MICRO_T0 1000000000 /* µs: when the cases without a clock of their own happen */

struct micro {
    const char *name;
    size_t calls;            /* that are counted */
    void *(*open)(size_t n); /* what n calls need; NULL: nothing */
    void (*call)(void *state, size_t i); /* i: 0…n-1, each once and in order */
    void (*close)(void *state);
};

/* Each ends with a name that is NULL. */
extern const struct micro micro_util[], micro_wire[], micro_sdp[], micro_transport[],
    micro_crypto[], micro_media[], micro_api[];

void *micro_alloc(size_t n, size_t size); /* zeros; ends the process if it cannot */
/* Ends the process with 1 and `what` if not. For what must not go unnoticed: a call that fails early is a fast one. */
void micro_expect(bool is_true, const char *what);
void micro_fill(uint8_t *p, size_t n); /* bytes that look random */
void micro_keep(uint64_t v);           /* as if v were used */

#endif
