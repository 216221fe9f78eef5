/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_API_FORGER_H
#define TEST_API_FORGER_H
/*
 * Somebody on the way between two hosts: he reads their packets, and sends others with their addresses on the envelope, by raw sockets in
 * a network namespace of the test's own. He has no keys. A thread, paced by poll().
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct forger {
    uint32_t address;            /* of both hosts, in network order */
    atomic_uint port[2];         /* of their sockets; 0: not known yet */
    atomic_bool is_over;
    atomic_uint_least64_t sent;
    atomic_uint rate;            /* datagrams a second to each side */
    uint64_t seed;
    bool is_junk;                /* no handshakes: bytes of all kinds */
    bool from_elsewhere;         /* from a third port instead of the peer's */
    int raw, sniffer;
    uint8_t seen[2][1500];       /* the last plain handshake record of each side's */
    size_t n_seen[2];
};

bool forger_open(struct forger *f); /* false: no raw sockets here */
void *forger_run(void *forger);     /* until is_over */
void forger_close(struct forger *f);

#endif
