/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_ICE_DRIVE_H
#define SOTTO_TEST_ICE_DRIVE_H
/* Drives real ICE objects with poll(), as the loop of a context does, and records what they yield. The clock: still_clock.h. */
#include <netinet/in.h>
#include <stdbool.h>

#include "sotto/pc.h"
#include "transport/ice.h"

#define END_STATES 32

struct end {
    struct ice *ice;
    struct ice_box box;
    struct ice_cfg cfg;
    struct end *peer; /* NULL: candidates are only kept */
    char ufrag[9], pwd[25];
    struct candidate candidates[64];
    size_t candidate_servers[64]; /* who gave them */
    size_t n_candidates;
    int gathered, selections;
    int32_t states[END_STATES];
    sotto_us state_at[END_STATES];
    size_t n_states;
    struct {
        size_t server;
        int32_t code;
        char text[128];
        struct address local;
    } errors[END_STATES];
    size_t n_errors;
    size_t packets, bytes;
    size_t wanted; /* for those who wait for packets */
    uint8_t last[2048]; /* the start of the last packet */
    size_t last_n;
    uint32_t next_number; /* of packets that carry one: see drive_send */
    bool out_of_order;
    bool is_stopped; /* is not driven any more, as a machine that was switched off */
};

sotto_us drive_now(void);
void end_init(struct end *e, const char *ufrag, bool controlling); /* cfg: loopback only */
int end_open(struct end *e);                                       /* init */
void end_free(struct end *e);
int32_t end_state(const struct end *e);
bool end_saw(const struct end *e, int32_t state);
sotto_us end_when(const struct end *e, int32_t state); /* -1: never */
void pair_introduce(struct end *a, struct end *b);     /* credentials both ways; candidates go over as they come */
/* Drive until done(arg) or for at most ms milliseconds; whether done() was true. done NULL: for the whole time. */
bool drive(struct end **ends, size_t n, bool (*done)(void *), void *arg, int ms);
/* n datagrams of size bytes that carry numbers from first on; what send() said. */
int drive_send(struct end *e, uint32_t first, size_t n, size_t size);
bool pair_is_connected(void *pair); /* struct end *[2]: both have a pair */

int stranger(struct sockaddr_in *where); /* a UDP socket on 127.0.0.1, any port */
void send_raw(int fd, const struct end *to, const void *p, size_t n);
/* A connectivity check of `from` to `to`, as libnice itself writes it, nominating if `from` is controlling; its length. */
size_t make_check(const struct end *from, const struct end *to, uint8_t out[static 512]);

#endif
