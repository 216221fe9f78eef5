/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_TWIN_KIT_H
#define SOTTO_TEST_TWIN_KIT_H
/* Two ends on loopback whose data goes past libnice, and what the system is made to say to them. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ice_drive.h"
#include "transport/ice_nice.h"

#define WORTH 200
#define QUIET SOTTO_SECONDS(10)

struct wire {
    int calls;
    int error, times; /* of recvmmsg() */
    int setting;      /* setsockopt() of it on a socket fails */
    bool no_bind;
    size_t late;    /* datagrams that alice sends before bob's twin is bound, and as many once it sorts; 0: none */
    uint32_t first; /* their numbers */
    int stun_at; /* the segment of the next train of that many that becomes STUN; 0: none */
};

extern struct wire wire;
extern struct end alice, bob;
extern struct end *both[2];
extern const struct ice_ops *const ops;

int make_two(void **state); /* for a test to begin with */
int free_two(void **state);
void connect_ends(struct end *a, struct end *b);
void expect(struct end *a, struct end *b, size_t n); /* b has had that many, and no more come */
void pass(struct end *a, struct end *b, size_t n, size_t size); /* from a to b, so many more */
void open_twin_of(struct end *a, struct end *b);
void connect_with_twin(void); /* alice and bob; his is open */
int twin_fd(const struct end *e);
int twin_slot(const struct end *e);

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_two, free_two)

#endif
