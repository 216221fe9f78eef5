/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_COTURN_H
#define SOTTO_TEST_COTURN_H
/* A TURN server (Debian's coturn) on 127.0.0.1: started here, ended by its pid; it dies with the test. */
#include "transport/ice.h"

#define COTURN_PASSWORD "turn-password"

bool coturn_start(void); /* false, with a message: it is not installed, or did not start */
void coturn_stop(void);
/* To be used with this credential; views of static text. */
struct ice_server coturn_server(enum ice_server_kind kind, const char *credential);
int coturn_socket(int type, uint16_t *ret_port); /* a socket of ours on 127.0.0.1, any port */

#endif
