/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_PMTU_H
#define SOTTO_TRANSPORT_PMTU_H
/*
 * How large packets may be on a path: Datagram Packetization Layer Path MTU Discovery, RFC 8899. Only probes are believed, never
 * ICMP. In: that bulk data waits, which probes came back, that data is lost again and again. Out: probes to be sent, and `size`,
 * which is safe at any time. Sizes are bytes of SCTP packets.
 */
#include <stdbool.h>
#include <stddef.h>

#include "util/limits.h"
#include "util/time.h"

/*
 * The largest SCTP packet within SOTTO_MTU bytes of UDP payload: DTLS 1.2 with AES-GCM adds 37 (13 header, 8 nonce, 16 tag), rounded
 * down to a multiple of 4. RFC 8899 §5.1.2: BASE_PLPMTU, and MIN_PLPMTU too.
 */
#define PMTU_BASE 1160u
/*
 * MAX_PLPMTU: hardly less than a DTLS record holds. With DTLS and TURN around it it is within 16,384 bytes, all that coturn takes of a
 * datagram: what was sent on loopback, and is repeated over a relay after another restart, must get through.
 */
#define PMTU_LIMIT 16256u
#define PMTU_ETHERNET 1432u /* what fits 1,500 bytes with IPv4 */

enum pmtu_state {
    PMTU_OFF,       /* a path that is not searched */
    PMTU_IDLE,      /* nobody needs more than PMTU_BASE yet */
    PMTU_CONFIRM,   /* RFC 8899 §5.2 Base: does the base size pass, and are probes answered at all? */
    PMTU_SEARCH,    /* §5.2 Searching */
    PMTU_COMPLETE,  /* §5.2 Search Complete */
    PMTU_SUSPECT    /* §4.3: does what passed once still pass? */
};

struct pmtu {
    enum pmtu_state state;
    unsigned end;          /* of the sizes of the table that may be used */
    size_t size;           /* that may be used */
    unsigned low, high;    /* in the table of sizes: passes; does not, or one past the end */
    unsigned top;          /* the largest that was probed on this path */
    unsigned probing;      /* the size in question */
    unsigned tries;        /* probes of it that were sent */
    bool in_flight, wanted;
    sotto_us sent_at, deadline, rtt; /* rtt 0: not known */
    sotto_us search_at;    /* not before: RFC 8899 §5.1.1 PMTU_RAISE_TIMER */
    sotto_us trust_until;  /* suspicion was answered */
};

/* Another path: nothing is known of it. most: never more than that; 0: not searched, for probes make no sense. */
void sotto__pmtu_init(struct pmtu *m, size_t most);
/* Bulk data waits: larger packets would be worth something. Never searched without it. */
void sotto__pmtu_want(struct pmtu *m, sotto_us now);
/* The oldest packet that is not acknowledged was sent again, and it is larger than PMTU_BASE. */
void sotto__pmtu_stalled(struct pmtu *m, sotto_us now);
/* A probe of this size came through; one that was never sent is ignored. */
void sotto__pmtu_acked(struct pmtu *m, sotto_us now, size_t size);
/* The size of a probe to be sent now; 0: none. Also runs due timers. */
size_t sotto__pmtu_next(struct pmtu *m, sotto_us now);
sotto_us sotto__pmtu_due(const struct pmtu *m);
/* Whether `size` is as large as it gets for the time being: bulk data went over the path, and no search goes on. */
bool sotto__pmtu_settled(const struct pmtu *m);

#endif
