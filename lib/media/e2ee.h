/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_E2EE_H
#define SOTTO_MEDIA_E2EE_H
/*
 * End-to-end keys of one transceiver or data channel, both directions (RFC 9605): bytes are sealed under the key that sends, and opened
 * under the one that they name, once. A direction that was made end-to-end stays so. Frames of codecs: e2ee_frame.h.
 */
#include "sotto/e2ee.h"
#include "util/list.h"
#include "wire/sframe.h"

struct e2ee;

struct e2ee_order { /* of one stream whose frames come in order, so that its counters must too; zero at first */
    uint64_t step;    /* that opened the last one, by its number; 0: none has been opened */
    uint64_t counter; /* of that one */
};

int sotto__e2ee_new(struct e2ee **ret); /* neither direction is end-to-end. 0, SOTTO_E_NOMEM */
void sotto__e2ee_free(struct e2ee *e);  /* NULL is fine */
void sotto__e2ee_end(struct e2ee *e);   /* without keys from now on; what was counted stays */
size_t sotto__e2ee_bytes(const struct e2ee *e); /* of memory; NULL: 0 */

/* As the functions of e2ee.h. direction is SOTTO_E2EE_SEND or _RECEIVE; require: or both. key: its size was read. */
int sotto__e2ee_add(struct e2ee *e, int32_t direction, const sotto_e2ee_key *key);
int sotto__e2ee_remove(struct e2ee *e, int32_t direction, uint64_t kid);
int sotto__e2ee_use(struct e2ee *e, uint64_t kid);
int sotto__e2ee_ratchet(struct e2ee *e);
void sotto__e2ee_require(struct e2ee *e, int32_t directions);
bool sotto__e2ee_is_required(const struct e2ee *e, int32_t direction); /* e NULL: no */
bool sotto__e2ee_has_key(const struct e2ee *e, int32_t direction); /* e NULL: no */
void sotto__e2ee_get_stats(const struct e2ee *e, int32_t direction, sotto_e2ee_stats *ret); /* but for size */

/* One SFrame of p into out, which has p.n + SFRAME_OVERHEAD bytes. 0 and its length; SOTTO_E_ACCESS there is no key (counted),
 * SOTTO_E_LIMIT its counters were all used, SOTTO_E_FORKED, SOTTO_E_SYS. */
int sotto__e2ee_seal(struct e2ee *e, struct sframe_bytes metadata, struct sframe_bytes p,
                     uint8_t *out, size_t *ret_n);
/* p is one SFrame; out: p.n bytes, or p itself. 0 and the length, or SOTTO_E_PROTO: it is to be dropped, and was counted.
 * order NULL: there is none. */
int sotto__e2ee_open(struct e2ee *e, struct e2ee_order *order, struct sframe_bytes metadata,
                     struct sframe_bytes p, uint8_t *out, size_t *ret_n);
void sotto__e2ee_refuse(struct e2ee *e); /* received, and no SFrame at all: counted as bad */

/* Dropped ones that the application is to be told of now: 1, SOTTO_WARN_E2EE_* and how many. */
int sotto__e2ee_tell(struct e2ee *e, sotto_us now, int32_t *ret_code, uint64_t *ret_count);
const char *sotto__e2ee_text(int32_t code); /* of such a warning */
sotto_us sotto__e2ee_due(const struct e2ee *e); /* when there is something to be told; e NULL: never */

#endif
