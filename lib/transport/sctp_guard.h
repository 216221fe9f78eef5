/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_SCTP_GUARD_H
#define SOTTO_TRANSPORT_SCTP_GUARD_H
/*
 * The filter in front of usrsctp: only chunks that a data channel needs, each of exact shape, and only in the order that
 * leaves usrsctp's fragile paths (restart, address parameters, added streams, partial messages of mixed kinds) unreached.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * usrsctp's memory goes with the number of streams, so it begins with a few, though all are announced. It gets the others when one of
 * them is used, by a request and an answer (RFC 6525 §4.5) between it and us alone: sctp_streams.c. Requests behind that one have
 * numbers on the wire that are one less than usrsctp's.
 */
struct sctp_added {
    bool done;
    uint32_t at; /* the number of that request */
};

struct sctp_guard { /* all-zero plus ports, user_streams and window is the start */
    uint16_t local_port, remote_port;
    uint16_t user_streams; /* ids below it exist on the wire */
    uint16_t few;          /* streams that usrsctp has each way at first; 0: all */
    uint16_t streams_out;  /* with few: what is announced */
    bool all_in;           /* usrsctp has got all inbound ones */
    bool can_add;          /* the peer announced RE-CONFIG, else usrsctp does none */
    uint16_t peer_in;      /* streams that the peer takes */
    uint32_t own_tag;
    uint32_t next_request; /* the number of the peer's next */
    struct sctp_added in, out; /* requests of the peer's, of ours */
    uint32_t window;       /* that we announced last; UINT32_MAX at first */
    uint32_t beyond;       /* DATA chunks let in since it closed, less the messages that were taken */
    bool has_tag, has_cookie, settled, has_acked;
    uint32_t tag;          /* of the peer: the one in INIT or INIT ACK */
    uint32_t cookie_crc;   /* of the one COOKIE ECHO */
    size_t cookie_len;
    bool reset_open;       /* a reset request of the peer has no answer yet */
    uint32_t reset_seq, reset_done; /* the last one asked for; the last one that was done */
    uint32_t resets_unread; /* done, and their events not taken yet: the caller counts down */
    uint32_t cum_tsn;      /* of the peer: acknowledged by us, all before it arrived */
    uint32_t next_tsn;     /* of the peer: the one that comes next if nothing is missing */
    uint32_t acked;        /* of ours: all up to there, says the peer */
    bool gaps;             /* something is: our last SACK says so */
};

struct sctp_seen { /* what a good packet holds, for the caller */
    bool rewrite;      /* run sotto__sctp_guard_rewrite on it */
    bool too_much;     /* its DATA shall only be answered… */
    bool probe;        /* … but for the first chunk: the caller may set this */
    size_t data_len;   /* of the first DATA chunk, 0: none */
    bool closed, next; /* it came though our window is closed; it is the very next one */
    bool end;          /* ABORT or a step of SHUTDOWN */
    bool aborted;      /* ABORT */
    bool abort_proto;  /* … with a cause that blames us */
    bool acks;         /* SACK */
    bool advances;     /* … of more than before, and nothing is missing; it comes first */
    bool in_sequence;  /* it has DATA, each the very next one, and nothing is missing before it */
    bool other;        /* it has more than a SACK and then DATA */
    bool more;         /* it is about an inbound stream that usrsctp does not have yet */
    size_t cookie_end; /* of a COOKIE ECHO that others follow, 0: none */
    size_t last;       /* where its last chunk begins */
    size_t request, request_len; /* RE-CONFIG with a reset request: where, 0: none; holds from request_tsn on */
    uint32_t request_tsn;
    size_t answer, answer_len; /* HEARTBEAT ACK: where its body is, 0: none */
};

/* Whether usrsctp may see this packet; why not: a static text in *why (never NULL afterwards when false). */
bool sotto__sctp_guard_check(struct sctp_guard *g, const uint8_t *p, size_t n,
                             struct sctp_seen *seen, const char **why);
/*
 * In place, on a checked packet: complete unordered messages move to the shadow stream, which is usrsctp's alone; INIT and INIT ACK get
 * a number of streams that makes usrsctp have them; DATA beyond a closed window becomes a repetition of what came, which usrsctp
 * acknowledges; requests and answers of RE-CONFIG get usrsctp's numbers.
 */
void sotto__sctp_guard_rewrite(const struct sctp_guard *g, const struct sctp_seen *seen, uint8_t *p,
                               size_t n);
/* The stream and PPID on the wire for those that usrsctp reports. */
void sotto__sctp_guard_unshadow(uint16_t *sid, uint32_t *ppid);
/* Whether everything up to tsn has arrived and been acknowledged. */
bool sotto__sctp_guard_reached(const struct sctp_guard *g, uint32_t tsn);
/* Makes padding of the chunk at `at` of a checked packet. */
void sotto__sctp_guard_blank(uint8_t *p, size_t at);
/* A packet of ours on its way out: announces all streams in INIT and INIT ACK; notes what it acknowledges and which window it announces;
 * what is between usrsctp and us becomes padding. false: it was nothing else, and shall not leave. */
bool sotto__sctp_guard_output(struct sctp_guard *g, uint8_t *p, size_t n);

#endif
