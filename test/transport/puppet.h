/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_PUPPET_H
#define SOTTO_TEST_PUPPET_H
/*
 * A peer that knows the credentials and says what the test wants it to say: a plain socket on loopback, on any of its addresses, against
 * one real ICE object, `alice`. The clock is still_clock.h's.
 */
#include "ice_drive.h"
#include "stun_kit.h"

struct mail {
    uint8_t bytes[STUN_LARGEST];
    size_t n;
    struct sockaddr_in from;
    struct in_addr to; /* the address of loopback that it came to */
};

struct puppet {
    struct end alice;
    char ufrag[9], pwd[25];
    int fd;
    struct sockaddr_in at;
    bool controls;     /* … as its checks say */
    uint64_t tie;
    uint32_t priority; /* of its checks */
    /* what came of alice */
    unsigned requests, successes, errors, others, signed_well;
    bool is_controlling; /* as its last request said … */
    unsigned turned;     /* … and how often that was another than before */
    int code;                                 /* of the last error */
    size_t largest, bytes;                    /* of a datagram; of all */
    sotto_us first, last, closest;            /* requests: when they came, and the least time between two */
    struct mail kept;                         /* the last request to another address than `at` that was not answered */
    uint8_t ids;                              /* of our own requests, counted */
};

struct reply {
    int code;             /* 0: success; -1: none */
    bool is_unsigned;     /* without integrity */
    bool has_other_key;
    bool has_other_id;
    int fd;               /* 0: the puppet's, and from where the request came to */
    struct sockaddr_in mapped; /* family 0: where the request came from */
};

void puppet_open(struct puppet *p, bool alice_controls);
void puppet_introduce(struct puppet *p); /* its candidate is told to alice */
void puppet_close(struct puppet *p);
/* What waits at the puppet, answered as `how` says; how many requests. */
int puppet_answer(struct puppet *p, const struct reply *how);
void puppet_answer_kept(struct puppet *p, const struct reply *how);
/* Runs alice and the puppet for so long; how many requests came. */
int puppet_play(struct puppet *p, const struct reply *how, int ms);
struct sockaddr_in puppet_target(const struct puppet *p); /* alice's address: of 127.0.0.1, if there is no other */
void puppet_send(const struct puppet *p, int fd, const struct stun_text *s);
/* From that address of loopback, through the puppet's socket. */
void puppet_send_from(const struct puppet *p, uint32_t address, const struct stun_text *s);
/* A request of alice's user name; signed and whole if `is_whole`, else more can be added. */
void puppet_request(struct puppet *p, struct stun_text *s, bool nominates, bool is_whole);
void puppet_nominate(struct puppet *p);
void puppet_connect(struct puppet *p); /* by the rules, until alice is COMPLETED; then counts from 0 */
void puppet_forget(struct puppet *p);  /* counts from 0 */

#endif
