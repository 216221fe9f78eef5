/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_SRTP_ORACLE_H
#define SOTTO_TEST_SRTP_ORACLE_H
/*
 * SRTP made a second time, out of OpenSSL's primitives and the formulas of RFC 3711 and RFC 7714: what libsrtp makes is compared with
 * it. Only sealing, and only packets that are well-formed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/srtp.h"

struct oracle { /* the keys of one direction */
    enum srtp_profile profile;
    size_t n_key, n_salt;
    uint8_t key[32], salt[14], auth[20];                /* RTP */
    uint8_t rtcp_key[32], rtcp_salt[14], rtcp_auth[20]; /* RTCP */
};

/* RFC 3711 §4.3.1 and §4.3.3 */
void oracle_derive(const uint8_t *master_key, size_t n_key, const uint8_t *master_salt,
                   size_t n_salt, uint8_t label, uint8_t *out, size_t n);
/* keys: as sotto__srtp_new() takes them; whose: 0 the client's, 1 the server's. */
void oracle_init(struct oracle *o, enum srtp_profile profile, const uint8_t *keys, size_t whose);
/* In place; the new length. index: 48 bits, of which the low 16 are in the packet. */
size_t oracle_rtp(const struct oracle *o, uint64_t index, uint8_t *p, size_t n);
size_t oracle_rtcp(const struct oracle *o, uint32_t index, uint8_t *p, size_t n);
/* The same with E = 0: authentic, not encrypted. */
size_t oracle_plain_rtcp(const struct oracle *o, uint32_t index, uint8_t *p, size_t n);

/* What both ends' tests begin with: keys that are all different, the two ends, a plain packet of n bytes (12 or more; 8 or more). */
extern const enum srtp_profile oracle_profiles[3];
void oracle_pair(enum srtp_profile profile, struct srtp **client, struct srtp **server);
const uint8_t *oracle_keys(void);
size_t oracle_make_rtp(uint8_t *p, uint32_t ssrc, uint16_t seq, size_t n);
size_t oracle_make_rtcp(uint8_t *p, uint32_t ssrc, size_t n);
uint64_t oracle_random(void);

#endif
