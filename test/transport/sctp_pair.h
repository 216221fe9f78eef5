/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_SCTP_PAIR_H
#define SOTTO_TEST_SCTP_PAIR_H
/*
 * Two associations and a link between them in virtual time: loss, delay, jitter (which reorders), rate and queue, all from
 * a seed. gettimeofday is interposed, since usrsctp measures round trips and lifetimes with it. Each side has an inbox of
 * what was pulled.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/sctp.h"

struct link_cfg {
    uint64_t seed;
    double loss;           /* 0…1 */
    sotto_us delay, jitter;
    int64_t rate_bps;      /* 0: no limit */
    size_t queue;          /* packets; 0: no limit */
    size_t mtu;            /* of an SCTP packet; what is larger is lost, unless it may be fragmented; 0: no limit */
    bool down;             /* everything is lost */
};

struct flight { /* a packet on its way */
    sotto_us at;
    uint64_t order;
    uint8_t to;
    uint8_t *p;
    size_t n;
};

struct side {
    struct sctp *s;
    bool up, down, reading;
    int error, pull_error;
    uint16_t streams_out;
    uint64_t packets, bytes; /* sent */
    size_t largest;
    uint64_t probes, fragmented, too_big; /* packets: to be kept whole; that came through in fragments; that were lost */
    sotto_us busy_until;     /* the link's transmitter */
    size_t queued;
    struct sctp_msg *inbox;
    size_t n_inbox, cap_inbox;
    bool discard;            /* count and check only, see on_msg */
    uint64_t messages, message_bytes;
    void (*on_msg)(struct side *side, const struct sctp_msg *m);
    void *arg;
};

struct pair {
    sotto_us now;
    struct link_cfg link;
    struct side a, b;
    struct flight *flights;
    size_t n_flights, cap_flights;
    uint64_t order, rng;
    /* sees each packet before the link; false: swallow it */
    bool (*tap)(struct pair *p, int from, const uint8_t *packet, size_t n);
    void *arg;
};

/* A tap: neither end says that it knows RE-CONFIG (RFC 6525). */
bool tap_without_reconfig(struct pair *p, int from, const uint8_t *packet, size_t n);
void pair_cfg(struct sctp_cfg *cfg);                     /* ports 5000, default streams and sizes, no eventfd */
void pair_open(struct pair *p, const struct link_cfg *link); /* both new, not yet connected */
void pair_open_cfg(struct pair *p, const struct link_cfg *link, const struct sctp_cfg *a,
                   const struct sctp_cfg *b);
void pair_connect(struct pair *p);                       /* runs until both are up, or fails */
void pair_step(struct pair *p);                          /* to the next event, at most 100 ms */
void pair_run(struct pair *p, sotto_us span);
bool pair_run_until(struct pair *p, sotto_us span, bool (*done)(struct pair *));
void pair_collect(struct pair *p);                       /* what is out goes on the link; pulls where reading */
void pair_inject(struct pair *p, struct side *to, const uint8_t *packet, size_t n);
void pair_close(struct pair *p);
void side_clear(struct side *s);                         /* empties the inbox */
uint64_t pair_random(struct pair *p);
int side_send(struct pair *p, struct side *s, uint16_t sid, const void *data, size_t n);
void test_clock_set(sotto_us now);
sotto_us test_clock(void);
void test_wall_step(sotto_us by); /* the wall clock is set while the monotonic one goes on */

#endif
