/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_STUN_KIT_H
#define SOTTO_TEST_STUN_KIT_H
/* STUN messages (RFC 8489) written byte by byte, so that they can be wrong in any way, and looked into. Knows no libnice. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STUN_REQUEST_TYPE = 0x0001,
    STUN_INDICATION_TYPE = 0x0011,
    STUN_SUCCESS_TYPE = 0x0101,
    STUN_ERROR_TYPE = 0x0111,
    STUN_USERNAME = 0x0006,
    STUN_INTEGRITY = 0x0008,
    STUN_ERROR_CODE = 0x0009,
    STUN_UNKNOWN = 0x000a,
    STUN_MAPPED = 0x0020,
    STUN_PRIORITY = 0x0024,
    STUN_NOMINATION = 0x0025, /* USE-CANDIDATE */
    STUN_FINGER = 0x8028,
    STUN_CONTROLLED = 0x8029,
    STUN_CONTROLLING = 0x802a,
    STUN_LARGEST = 2048
};

struct stun_text {
    uint8_t bytes[STUN_LARGEST];
    size_t n;
};

void stun_begin(struct stun_text *s, unsigned type, const uint8_t id[static 12]);
void stun_add(struct stun_text *s, unsigned attribute, const void *p, size_t n); /* padded */
void stun_add_u32(struct stun_text *s, unsigned attribute, uint32_t value);
void stun_add_u64(struct stun_text *s, unsigned attribute, uint64_t value);
void stun_add_error(struct stun_text *s, int code);
void stun_add_mapped(struct stun_text *s, const struct sockaddr_in *a);
/* MESSAGE-INTEGRITY over what is there, of which `n` bytes are given: 20, unless it shall be wrong. */
void stun_sign(struct stun_text *s, const char *key, size_t n);
void stun_finger(struct stun_text *s); /* FINGERPRINT; the message is whole */

/* The value of the first attribute of this type; NULL: there is none. */
const uint8_t *stun_look(const uint8_t *p, size_t n, unsigned attribute, size_t *ret_n);
unsigned stun_type(const uint8_t *p, size_t n); /* 0xffff: not even a header */
int stun_code(const uint8_t *p, size_t n);      /* of an error; 0: it has none */
bool stun_is_signed(const uint8_t *p, size_t n, const char *key); /* and ends with its FINGERPRINT */

#endif
