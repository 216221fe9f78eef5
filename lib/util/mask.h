/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_UTIL_MASK_H
#define SOTTO_UTIL_MASK_H
/*
 * Masks for what names a person or a host: short tokens like "ip4-4f2a91c3", made with a key of the process. The same thing has the same
 * mask in one process, so that lines can be compared, and another one in every other process, so that nobody can look it up.
 */
#include <stddef.h>
#include <stdint.h>

#define MASK 32 /* bytes of one, with its NUL */

/* "kind-" and 8 hex digits; of nothing (n 0): "". kind: at most 16 characters. Returns out. */
const char *sotto__mask(const char *kind, const void *p, size_t n, char out[static MASK]);
const char *sotto__mask_string(const char *kind, const char *s, char out[static MASK]);
/* A numeric address or a name: "ip4-…", "ip6-…", "host-…". */
const char *sotto__mask_address(const char *address, char out[static MASK]);
uint64_t sotto__mask_hash(const uint64_t k[static 2], const void *p, size_t n); /* SipHash-2-4 */
/* Text for people: IPv4 and IPv6 addresses in it, names that end in ".local", and hosts in the URLs of servers are masked. Cut to cap. */
void sotto__mask_text(const char *text, char *out, size_t cap);

#endif
