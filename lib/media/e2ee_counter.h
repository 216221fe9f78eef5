/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_E2EE_COUNTER_H
#define SOTTO_MEDIA_E2EE_COUNTER_H
/*
 * Which counters were used to send under which key, in the whole process: one used twice would break AES in counter mode and GCM. Keys are
 * told apart by what was derived from them. Has a mutex of its own, as nothing else may know of other contexts' keys.
 */
#include <stdint.h>

#include "wire/sframe.h"

struct counter;

/* The one of a key, the same for all that send under it; from `least` on. 0, SOTTO_E_NOMEM, SOTTO_E_SYS; SOTTO_E_FORKED: the parent of this
 * process has it too; SOTTO_E_RANGE: least is the last one. */
int sotto__counter_get(const uint8_t id[SFRAME_ID], uint64_t least, struct counter **ret);
void sotto__counter_put(struct counter *c); /* it is not forgotten; NULL is fine */
/* 0 and a counter that nobody else gets; SOTTO_E_LIMIT: all were used; SOTTO_E_FORKED. */
int sotto__counter_next(struct counter *c, uint64_t *ret);

#endif
