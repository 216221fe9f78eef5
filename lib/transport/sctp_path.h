/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_SCTP_PATH_H
#define SOTTO_TRANSPORT_SCTP_PATH_H
/* The size of an association's packets: for sctp*.c only. All under the stack's lock, but for due. */
#include "transport/pmtu.h"

struct sctp;

struct sctp_path {
    struct pmtu search;
    uint64_t nonce;   /* of the probes of this path */
    size_t limit;     /* what is larger is cut, if it can be */
    bool exact;       /* SCTP_MAXSEG fills packets of that size to the last byte */
    size_t step;      /* what usrsctp takes for the MTU */
    sotto_us bulk_since;
    size_t bulk;      /* bytes of messages since then */
    bool stalled;     /* the oldest outstanding packet, a large one, was sent again */
};

bool sotto__sctp_path_init(struct sctp *s); /* before the association begins; false: usrsctp refuses */
void sotto__sctp_path_sent(struct sctp *s, sotto_us now, size_t n); /* a message of n bytes was accepted */
void sotto__sctp_path_turn(struct sctp *s, sotto_us now);           /* timers; probes into the outbox */
sotto_us sotto__sctp_path_due(const struct sctp *s);
/* The body of a HEARTBEAT ACK; true: it was for a probe, and usrsctp shall not see it. */
bool sotto__sctp_path_answer(struct sctp *s, sotto_us now, const uint8_t *body, size_t n);
/* A packet of usrsctp's, written over, to the outbox in as many as it takes. */
void sotto__sctp_path_output(struct sctp *s, uint8_t *p, size_t n);

#endif
