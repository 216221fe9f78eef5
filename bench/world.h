/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_BENCH_WORLD_H
#define SOTTO_BENCH_WORLD_H
/* Two contexts over the virtual network and its clock, for programs whose instructions are counted: nothing in a run depends on time. */
#include "api/ctx.h"
#include "net.h"
#include "sotto/sotto.h"

struct world_side {
    struct world world;
    struct net_host *host;
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_dc *dc;             /* open; NULL: not yet */
    sotto_transceiver *video; /* NULL: none */
    bool is_writable;         /* WRITABLE came since it was set to false */
    bool is_connected;
    bool is_deaf;             /* its events are not taken */
    uint64_t messages, frames, bytes; /* taken so far */
};

struct bench_world {
    struct net *net;
    struct world_side side[2];
};

struct bench_world *bench_world_new(void); /* ends the process if it cannot */
void bench_world_free(struct bench_world *w);
/* New connections in the same contexts, with a channel or with a video section of side 0, until they are open. */
void bench_world_connect(struct bench_world *w, bool media);
void bench_world_disconnect(struct bench_world *w);
/* Takes all that is there to be taken, then moves the clock to what is due next, at most to `end`. */
void bench_world_step(struct bench_world *w, sotto_us end);
void bench_world_run(struct bench_world *w, sotto_us span);
int32_t bench_world_payload_type(struct bench_world *w, const char *mime); /* of side 0's section */
/* Ends the process with 1 and `what` if r is below 0. */
void bench_world_check(int r, const char *what);

#endif
