/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_STUN_H
#define SOTTO_WIRE_STUN_H
/* What a STUN or TURN server answers (RFC 8489), the question for a reflexive address, and frames of TURN over a stream (RFC 8656). */
#include "wire/candidate.h"

#define STUN_BINDING 0x001u
#define STUN_ALLOCATE 0x003u
#define STUN_HEAD 20u /* bytes */
#define STUN_ID 12u   /* bytes of a transaction's id */

struct stun_answer {
    uint16_t method;
    bool is_error;
    int32_t code;             /* of an error: 300…699; 0: it has none */
    struct str reason;        /* view: a stranger's bytes */
    struct address alternate; /* ALTERNATE-SERVER; family 0: none */
    struct str domain;        /* ALTERNATE-DOMAIN, a view: a host name; empty: none */
    struct address mapped;    /* of a success: XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS; family 0: none */
    uint32_t lifetime;        /* of a success: LIFETIME in seconds; 0: none */
    bool is_strange;          /* it holds what must be understood, and is not: RFC 8489 §6.3.3 */
};

/* A whole message → struct. False: it is none, or neither a success nor an error. The transaction is not looked at. */
bool sotto__stun_answer(const uint8_t *p, size_t n, struct stun_answer *ret);
/* A Binding request without attributes. */
void sotto__stun_request(const uint8_t id[static STUN_ID], uint8_t out[static STUN_HEAD]);
/* Whether a whole message is of that transaction. */
bool sotto__stun_is_of(const uint8_t *p, size_t n, const uint8_t id[static STUN_ID]);
/* Only what can be printed, ended by NUL, cut to fit. */
void sotto__stun_reason(struct str reason, char *out, size_t cap);
/*
 * The length of the frame at p with its padding: a STUN message or ChannelData (RFC 8656 §12.5). 0: not known yet;
 * SIZE_MAX: it is neither.
 */
size_t sotto__stun_frame(const uint8_t *p, size_t n);

#endif
