/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_MDNS_H
#define SOTTO_WIRE_MDNS_H
/*
 * DNS messages (RFC 1035 §4) as multicast DNS uses them (RFC 6762 §18) for the host names of ICE candidates: questions for addresses,
 * and records with them. Names are texts without the final dot, in lower case; one with other bytes than letters, digits, '-' and '_'
 * reads as "", which is nobody's.
 */
#include "util/bytes.h"
#include "util/str.h"
#include "wire/candidate.h"

#define MDNS_NAME 256 /* bytes of a name as text, with its NUL: RFC 1035 §3.1 */
#define MDNS_MESSAGE 512 /* bytes that a message of ours has at most: one name and its records */

enum mdns_type { MDNS_A = 1, MDNS_AAAA = 28, MDNS_NSEC = 47, MDNS_ANY = 255 };

struct mdns_question {
    char name[MDNS_NAME];
    uint16_t type;
    bool is_internet; /* class IN or ANY */
    bool unicast;     /* RFC 6762 §5.4: an answer to the asker alone is welcome */
};

struct mdns_record {
    char name[MDNS_NAME];
    uint16_t type;
    bool is_internet;     /* class IN */
    bool is_authority;    /* of the section that says nothing to us */
    bool flush;           /* RFC 6762 §10.2: these are all of its name and type */
    uint32_t ttl;         /* seconds */
    struct address addr;  /* A, AAAA; family 0: of another type */
    bool has_a, has_aaaa; /* NSEC: whether there are such records */
};

struct mdns_reader {
    const uint8_t *p; /* the message */
    size_t n, at;
    uint16_t id;
    bool is_response;
    uint16_t questions;  /* not read yet */
    uint16_t records[3]; /* not read yet: answers, authority, additional */
};

/* Begin to read: 0, or SOTTO_E_PROTO (too short; not a standard query or its answer, or with an error code). */
int sotto__mdns_open(struct mdns_reader *m, const uint8_t *p, size_t n);
/* The next one: 1 filled, 0 there are no more, SOTTO_E_PROTO: the rest cannot be read. All questions come before the first record. */
int sotto__mdns_next_question(struct mdns_reader *m, struct mdns_question *ret);
int sotto__mdns_next_record(struct mdns_reader *m, struct mdns_record *ret);

/* Write: begin, then questions, then records (into the answer section). w->bad: it did not fit, or a name cannot be written. */
void sotto__mdns_begin(struct writer *w, uint16_t id, bool is_response);
void sotto__mdns_add_question(struct writer *w, const struct mdns_question *q);
void sotto__mdns_add_record(struct writer *w, const struct mdns_record *r); /* A, AAAA or NSEC */

/* Whether a candidate's host name is one for multicast DNS: one label and ".local" (mDNS draft §3.2.1). */
bool sotto__mdns_is_local(struct str name);
/* A new name: a random UUID (version 4) and ".local". 0 or SOTTO_E_SYS. */
int sotto__mdns_make_name(char out[static 43]);

#endif
