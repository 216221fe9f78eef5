/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_DCEP_H
#define SOTTO_WIRE_DCEP_H
/* The Data Channel Establishment Protocol: RFC 8832. */
#include "sotto/base.h"
#include "util/str.h"

#define DCEP_ACK 0x02 /* §8.2.1 */
#define DCEP_OPEN 0x03

/* Payload protocol identifiers: RFC 8831 §8; 52 and 54 are the deprecated partial ones. */
enum ppid {
    PPID_DCEP = 50,
    PPID_TEXT = 51,
    PPID_BINARY_PARTIAL = 52,
    PPID_BINARY = 53,
    PPID_TEXT_PARTIAL = 54,
    PPID_TEXT_EMPTY = 56,
    PPID_BINARY_EMPTY = 57
};

struct dcep {
    uint8_t type; /* DCEP_OPEN or DCEP_ACK; the rest is of OPEN */
    bool unordered;
    int32_t reliability; /* SOTTO_DC_RELIABLE … as in data.h: 0 reliable, 1 retransmits, 2 lifetime */
    uint32_t limit;
    uint16_t priority;
    struct str label,
        protocol; /* views of the input; valid UTF-8; may hold NUL: the caller refuses that */
};

/* 0, or SOTTO_E_PROTO: not a message of RFC 8832 (unknown type or channel type, lengths that do not add up, no UTF-8). */
int sotto__dcep_parse(const uint8_t *p, size_t n, struct dcep *ret);
/* Bytes written, or SOTTO_E_LIMIT: label or protocol above 65535 bytes or cap too small. Needs 12 + both lengths. */
int sotto__dcep_write(const struct dcep *d, uint8_t *out, size_t cap);

#endif
