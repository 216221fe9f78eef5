/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_API_FAULTS_H
#define TEST_API_FAULTS_H
/*
 * The system's answers to sendmsg(), sendmmsg(), recvmsg() and recvmmsg(), at times made up: for all that is in the process, libnice in
 * its shared library too. Programs that link faults.c have them; until `on` they pass everything on.
 */
#include <stdbool.h>
#include <stdint.h>

#define FAULTS_ERRNOS 40

struct faults {
    bool on;
    uint64_t state; /* of the generator: the seed */
    uint32_t every; /* one call in so many fails */
    unsigned blocked; /* bits of lanes whose checks (STUN) are lost */
    bool breaks;    /* the next recvmsg() of IP fails for good: libnice gives that socket up */
    uint64_t sends, reads;
    uint64_t refused, cut, unread, broken;            /* how often */
    uint64_t sent_errnos[FAULTS_ERRNOS], read_errnos[FAULTS_ERRNOS]; /* … and with which, as the lists have them */
};
extern struct faults faults;

/* By local address: 0 and 1 of IPv4, by the third byte; 2 and 3 of IPv6, by the second word. */
#define FAULTS_LANES 4

uint32_t faults_below(uint32_t n);    /* of the same generator */
unsigned faults_kinds(bool of_sends); /* how many errnos the list has */
unsigned faults_used(bool of_sends);  /* how many of them were given */

#endif
