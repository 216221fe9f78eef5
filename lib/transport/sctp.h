/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_SCTP_H
#define SOTTO_TRANSPORT_SCTP_H
/*
 * SCTP over DTLS (RFC 8261) for one transport: usrsctp behind a pull interface. usrsctp is process-global: a leaf mutex inside
 * sctp.c is held around every call into it, and nothing of that shows here. In: packets; out: packets, messages, stream resets.
 */
#include <stdatomic.h>

#include "sotto/base.h"
#include "util/limits.h"
#include "util/log.h"
#include "util/time.h"

/*
 * What the associations of one loop share; lives longer than they do. The timers of usrsctp are the process's, so they are the loop's
 * business, not that of each association: whoever comes first ticks for all. All zero but for fd is the start.
 */
struct sctp_home {
    int fd; /* an eventfd of the loop, written when another loop's work concerns one of these; -1: none (virtual time) */
    size_t n; /* associations */
    size_t n_awake; /* … that may wait for another timer than that of heartbeats */
    sotto_us busy_until;
    struct sctp *woken; /* those that have something to do because of a timer or of another's work; under the stack's lock */
    atomic_bool has_woken;
};
sotto_us sotto__sctp_home_due(const struct sctp_home *h);
void sotto__sctp_home_tick(struct sctp_home *h, sotto_us now); /* if it is due */
/* The next one that was woken: its owner; NULL: no more. */
void *sotto__sctp_home_next(struct sctp_home *h);

struct sctp_cfg {
    uint16_t local_port, remote_port;
    uint16_t streams_out, streams_in; /* 1…65535 */
    uint32_t max_message_size;        /* to be received */
    struct sctp_home *home;           /* nullable: an association without a loop ticks by itself */
    void *owner;                      /* for sotto__sctp_home_next() */
    struct log *log;
};

enum sctp_out_type {
    SCTP_OUT_PACKET, /* one SCTP packet to be sealed and sent */
    SCTP_OUT_UP,     /* the association is up; streams_out: what was negotiated */
    SCTP_OUT_DOWN    /* it ended: reason; messages that had arrived can still be pulled; once */
};

enum sctp_whole {
    SCTP_ANY,      /* fits the path */
    SCTP_WHOLE,    /* a probe: it shall be lost if it does not fit */
    SCTP_FRAGMENTS /* made for a larger path than the present one: the network may fragment it, or it will never arrive */
};

struct sctp_out {
    enum sctp_out_type type;
    const uint8_t *p; /* view, valid until the next call on this sctp */
    size_t n;
    enum sctp_whole whole; /* PACKET */
    uint16_t streams_out;
    int error; /* DOWN: 0 the peer shut down or aborted in order, SOTTO_E_PROTO, SOTTO_E_NETWORK */
};

enum sctp_msg_type {
    SCTP_MSG_DATA,      /* a user message */
    SCTP_MSG_RESET_IN,  /* the peer reset its outgoing stream `sid`: nothing more comes on it */
    SCTP_MSG_RESET_OUT  /* our outgoing reset of `sid` is done, or denied (`denied`) */
};

struct sctp_msg {
    enum sctp_msg_type type;
    uint16_t sid;
    uint32_t ppid;
    bool denied;
    uint8_t *data; /* DATA: yours: sotto__free; a NUL follows that len does not count */
    size_t len;
};

struct sctp_send_opt {
    uint16_t sid;
    uint32_t ppid;
    bool unordered;
    int32_t reliability; /* SOTTO_DC_RELIABLE … */
    uint32_t limit;
};

struct sctp;
/* new: associates from both sides at once (RFC 8841 §9.3); 0, SOTTO_E_NOMEM, SOTTO_E_SYS. */
int sotto__sctp_new(struct sctp **ret, const struct sctp_cfg *cfg, sotto_us now);
int sotto__sctp_input(struct sctp *s, sotto_us now, const uint8_t *p, size_t n); /* hostile packets are dropped and counted; 0 */
int sotto__sctp_next(struct sctp *s, sotto_us now, struct sctp_out *out); /* 1 filled, 0 nothing. Also ticks usrsctp when due */
sotto_us sotto__sctp_due(const struct sctp *s);
void sotto__sctp_free(struct sctp *s); /* without an ABORT on the wire unless sotto__sctp_close came before; NULL is fine */

/* The next message or reset, in the order of arrival: 1 filled, 0 nothing, SOTTO_E_NOMEM (it stays), SOTTO_E_PROTO (a message above
 * max_message_size: the association is aborted). Not pulling closes the window. */
int sotto__sctp_pull(struct sctp *s, sotto_us now, struct sctp_msg *out);
/* What pull() would do: 1 give a message that was read before, 0 find nothing, -1 look. Changes nothing. */
int sotto__sctp_ready(const struct sctp *s);
/* Queue one message whole: 0, SOTTO_E_AGAIN the backlog is full (room: sotto__sctp_writable), SOTTO_E_STATE not up, SOTTO_E_NOMEM.
 * len 0 is not SCTP's: the caller sends one zero byte with an EMPTY ppid. */
int sotto__sctp_send(struct sctp *s, sotto_us now, const struct sctp_send_opt *opt,
                     const uint8_t *p, size_t n);
bool sotto__sctp_writable(const struct sctp *s, size_t n); /* whether a message of n bytes would be taken now */
/* Reset our outgoing stream after what is queued on it: RFC 6525. 0, SOTTO_E_AGAIN (one is under way: kept and done later by the
 * module itself, so the caller need not repeat), SOTTO_E_STATE. RESET_OUT follows. */
int sotto__sctp_reset(struct sctp *s, sotto_us now, uint16_t sid);
/* Abort: the ABORT packet comes by next(); then free. */
void sotto__sctp_close(struct sctp *s, sotto_us now);

/* Packets take another path from now on. most: it may carry larger ones than SOTTO_MTU allows for, up to that many bytes, and probes
 * go whole or not at all; 0, and before the first call: none is ever larger. */
void sotto__sctp_set_path(struct sctp *s, size_t most);

/* Whether ICE has a path. While it has none, the association waits; afterwards it ends if the peer does not answer for a minute. */
void sotto__sctp_set_reachable(struct sctp *s, sotto_us now, bool reachable);

struct sctp_stats {
    uint64_t packets_in, packets_dropped, outbox_dropped, messages_in, messages_out;
    uint64_t oversize; /* messages longer than max_message_size: each ended the association */
    uint32_t rwnd_peer, cwnd, rtt_us, packet_size; /* packet_size: the largest that the path is known to carry */
};
/* Of memory that is ours; and of messages that were sent and that usrsctp holds until they are acknowledged. */
size_t sotto__sctp_bytes(const struct sctp *s, size_t *ret_queued);
void sotto__sctp_get_stats(const struct sctp *s, struct sctp_stats *ret);

const char *sotto__sctp_library_version(void); /* that this one was built with: usrsctp does not tell */

/* CRC32c (RFC 9260 appendix A) in hardware where there is some: crc32c.c. Start with crc 0. */
uint32_t sotto__crc32c(uint32_t crc, const void *p, size_t n);

#endif
