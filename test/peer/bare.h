/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_PEER_BARE_H
#define TEST_PEER_BARE_H
/* A peer without a transport, for the unit tests of transceivers: stable, with an empty set and an empty queue of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer/private.h"
#include "util/mem.h"
#include "util/rand.h"

#define NOW SOTTO_SECONDS(1)

struct peer *bare_new(void);
void bare_free(struct peer *p);
/* Descriptions as texts: m-sections, one string each ("audio sendrecv 0 s1 s2": kind, direction, mid, stream ids; "-" for a=msid:-; a
 * direction with "!" before it: port 0). */
void bare_describe(struct description *d, int32_t type, const char *const *sections, size_t n);
struct transceiver *bare_add(struct peer *p, sotto_kind kind, int32_t direction); /* no stream */
void bare_associate(struct transceiver *t, const char *mid, int32_t index);
size_t bare_needed(struct peer *p); /* NEGOTIATION_NEEDED events; takes all events */
void bare_note(struct peer *p, struct transceiver *t); /* a TRACK event that names it */

#endif
