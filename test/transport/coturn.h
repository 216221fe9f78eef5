/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_COTURN_H
#define SOTTO_TEST_COTURN_H
/* A TURN server (Debian's coturn) on 127.0.0.1: started here, ended by its pid; it dies with the test. */
#include "transport/ice.h"

#define COTURN_PASSWORD "turn-password"
#define COTURN_SECRET "shared-secret"

struct coturn_with { /* nullable: all of it */
    const char *cert, *key; /* PEM files: it takes TLS at a port of its own */
    bool has_secret;        /* it takes time-limited credentials only, made with COTURN_SECRET */
};

bool coturn_start(void); /* false, with a message: it is not installed, or did not start */
bool coturn_start_with(const struct coturn_with *with);
void coturn_stop(void);
/* To be used with this credential; views of static text. */
struct ice_server coturn_server(enum ice_server_kind kind, const char *credential);
int coturn_socket(int type, uint16_t *ret_port); /* a socket of ours on 127.0.0.1, any port */

#endif
