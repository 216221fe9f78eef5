/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_API_CALL_H
#define TEST_API_CALL_H
/* A call between two connections over this machine's loopback, by real libnice, through the public API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/sotto.h"

struct call_side {
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_dc *dc; /* a: made here; b: taken with CHANNEL */
    struct call_side *other;
    size_t n_events[32], n_messages, bytes;
    bool connected, completed, open, closed; /* completed: its ICE */
    char last[64];
};

struct call {
    struct call_side a, b;
};

/* Contexts are the caller's; ctx_a and ctx_b may be the same. */
void call_new(struct call *c, sotto_ctx *ctx_a, sotto_ctx *ctx_b);
void call_free(struct call *c);
void call_event(sotto_event *e); /* handles and frees one event; user is the side */
bool call_run(struct call *c, const bool *until, int ms); /* takes events of both until it is true; false: time is over */
void call_offer_and_answer(struct call *c); /* a calls b */
void call_connect(struct call *c);          /* … and both channels are open */

#endif
