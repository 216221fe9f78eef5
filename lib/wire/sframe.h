/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_SFRAME_H
#define SOTTO_WIRE_SFRAME_H
/*
 * SFrame (RFC 9605): its header, keys out of base keys, frames sealed and opened by the five suites. Which counters were used, which
 * were seen and which key is whose is the caller's matter.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SFRAME_MAX_HEADER = 17,
    SFRAME_MAX_TAG = 16,
    SFRAME_OVERHEAD = SFRAME_MAX_HEADER + SFRAME_MAX_TAG,
    SFRAME_MAX_BASE = 64, /* bytes of a base key */
    SFRAME_ID = 16
};

struct sframe_header {
    uint64_t kid, counter;
    size_t n; /* bytes */
};
int sotto__sframe_header_parse(const uint8_t *p, size_t n, struct sframe_header *ret); /* 0, SOTTO_E_SYNTAX */
size_t sotto__sframe_header_write(uint64_t kid, uint64_t counter,
                                  uint8_t out[SFRAME_MAX_HEADER]); /* bytes */

struct sframe_bytes { /* borrowed */
    const uint8_t *p;
    size_t n;
};

bool sotto__sframe_knows(int32_t cipher); /* one of SOTTO_SFRAME_* */

/* What seals, or opens, under one kid; holds what is derived, not the base key. */
struct sframe_key;
/* base: 1…SFRAME_MAX_BASE bytes. cipher is known. 0, SOTTO_E_NOMEM, SOTTO_E_SYS. */
int sotto__sframe_key_new(struct sframe_key **ret, int32_t cipher, uint64_t kid,
                          struct sframe_bytes base, bool seals);
void sotto__sframe_key_free(struct sframe_key *k); /* NULL is fine */
uint64_t sotto__sframe_key_kid(const struct sframe_key *k);
/* Equal for keys that must not share a counter, derived from them one way. */
const uint8_t *sotto__sframe_key_id(const struct sframe_key *k);

/* Header, ciphertext and tag of p into out, which has p.n + SFRAME_OVERHEAD bytes and does not overlap. The length; 0: it failed. */
size_t sotto__sframe_seal(struct sframe_key *k, uint64_t counter, struct sframe_bytes metadata,
                          struct sframe_bytes p, uint8_t *out);
/* p: a whole SFrame whose header is h; out: p.n bytes, without overlap, or p itself: in place. 0 and *ret_n, or SOTTO_E_PROTO: not
 * sealed with this key, or changed since; then nothing of it is in out. */
int sotto__sframe_open(struct sframe_key *k, const struct sframe_header *h,
                       struct sframe_bytes metadata, struct sframe_bytes p, uint8_t *out,
                       size_t *ret_n);

/* The next base key of the sender's ratchet (§5.1); in and out may be the same. 0 and its length, or SOTTO_E_SYS. */
int sotto__sframe_ratchet(int32_t cipher, struct sframe_bytes base, uint8_t out[SFRAME_MAX_BASE],
                          size_t *ret_n);

/* Known answers of all suites (RFC 9605 appendix C): 0, SOTTO_E_NOMEM, SOTTO_E_SYS: not ours to be used. */
int sotto__sframe_selftest(void);

#endif
