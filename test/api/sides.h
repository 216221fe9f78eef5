/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_API_SIDES_H
#define TEST_API_SIDES_H
/* Two connections of one context that negotiate by hand and are not connected: for what negotiation alone brings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/sotto.h"

struct sides {
    sotto_ctx *ctx;
    sotto_pc *a, *b; /* their user pointers are &a and &b */
};

void sides_new(struct sides *s);             /* nothing runs */
void sides_new_with_thread(struct sides *s); /* the context runs them */
void sides_free(struct sides *s);
void sides_offer(sotto_pc *from, sotto_pc *to);  /* set on both */
void sides_answer(sotto_pc *from, sotto_pc *to); /* set on both */
void sides_negotiate(sotto_pc *from, sotto_pc *to);
/* The first event of this type of pc; those before it, and those of the other, are dropped. NULL: none waits. */
sotto_event *sides_take(struct sides *s, sotto_pc *pc, uint32_t type);
size_t sides_drain(struct sides *s, sotto_pc *pc, uint32_t type); /* takes all events; how many of pc were of this type */
sotto_transceiver *sides_only(sotto_pc *pc); /* its one transceiver */

#endif
