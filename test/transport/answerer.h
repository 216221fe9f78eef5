/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_ANSWERER_H
#define SOTTO_TEST_ANSWERER_H
/* A peer of STUN functions alone, which answers as the test says, and a clock that runs ahead of libnice's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ice_drive.h"

enum manner {
    WELL,
    NOT,
    WITHOUT_INTEGRITY,
    WITH_ANOTHER_KEY,
    TO_ANOTHER,
    WITH_AN_ERROR,
    WITH_ANOTHER_ROLE, /* 487 */
    FROM_ANOTHER,      /* another socket */
    TWICE,
    BEHIND_DATA, /* with data before and after it */
    BADLY        /* 5 % are lost each way, and answers a second late at most */
};

#define ANSWERER_ASKED 2048

extern const struct ice_ops *const ops;
extern struct end alice, puppet; /* the puppet has credentials and a socket, but no ice */
extern int fd;                   /* its socket */
extern int other_fd;             /* another one, once move_away() was called; then all comes from there … */
extern bool is_first_dead;       /* … and what comes to the first one is lost; otherwise it answers, too */
extern sotto_us ahead;
extern unsigned asked, answered; /* requests and answers of alice that the puppet saw */
extern sotto_us asked_at[ANSWERER_ASKED];
extern bool asked_as_controlling; /* the last one */

sotto_us now_ahead(void);
bool is_lost(enum manner how); /* a datagram of the puppet's */
void set_up(bool controlling); /* connected; alice's role */
void tear_down(void);
void move_away(void);
void turn(void);                   /* of alice */
void serve(enum manner how);       /* what waits at the puppet */
void pass_ms(int ms, enum manner how); /* in steps of 100 ms */
void pass(int seconds, enum manner how);

#endif
