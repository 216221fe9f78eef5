/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_PEER_SECURITY_H
#define SOTTO_PEER_SECURITY_H
/* The security report: what the connection knows of itself. What the configuration and the libraries have to say api/ adds in place. */
#include "peer/peer.h"
#include "sotto/security.h"

#define SECURITY_RISKS 32u     /* more than there are fields with a note */
#define SECURITY_LIBRARIES 5u
#define SECURITY_HOLES 64u     /* more than the table has */
#define SECURITY_VERSION 64u   /* bytes of a package's version */

struct security_block { /* one allocation; what the report points to stands behind it */
    sotto_security report;
    sotto_security_counter counters[ATTACK_COUNT];
    sotto_security_risk risks[SECURITY_RISKS];
    sotto_security_library libraries[SECURITY_LIBRARIES];
    sotto_security_hole holes[SECURITY_HOLES];
    char packages[SECURITY_LIBRARIES][SECURITY_VERSION];
    char addresses[]; /* an array of sotto_security_address, then their texts */
};

/* All but risks and libraries, which are empty. *ret is yours: sotto__free. 0 or SOTTO_E_NOMEM. */
int sotto__peer_security(struct peer *p, sotto_us now, struct security_block **ret);

#endif
