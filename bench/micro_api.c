/* SPDX-License-Identifier: BSD-2-Clause */
/* api: calls and turns of two connected peers over the virtual network; messages of 64 bytes. */
#include "micro.h"

#include "world.h"

enum { MESSAGE = 64, AHEAD = 1000 };

static void *world_open(size_t n)
{
    struct bench_world *w = bench_world_new();
    (void)n;
    bench_world_connect(w, false);
    bench_world_run(w, SOTTO_SECONDS(2));
    return w;
}

static void world_close(void *state)
{
    bench_world_free(state);
}

static void send_one(void *state, size_t i)
{
    static const uint8_t message[MESSAGE];
    struct bench_world *w = state;
    (void)i;
    bench_world_check(sotto_dc_send(w->side[0].dc, message, MESSAGE, false), "send");
}

static void *batch_open(size_t n)
{
    struct bench_world *w = world_open(n);
    sotto_ctx_batch(w->side[0].ctx, true);
    return w;
}

static void *waiting_open(size_t n)
{
    struct bench_world *w = batch_open(n);
    micro_expect(n <= AHEAD, "too many messages for the window");
    for (size_t i = 0; i < n; i++) send_one(w, i);
    sotto_ctx_batch(w->side[0].ctx, false);
    w->side[1].is_deaf = true;
    bench_world_run(w, SOTTO_SECONDS(1));
    return w;
}

static void take_one(void *state, size_t i)
{
    struct bench_world *w = state;
    sotto_event *e = NULL;
    (void)i;
    micro_expect(sotto_ctx_next(w->side[1].ctx, &e) == 1 && e->type == SOTTO_EV_MESSAGE, "message");
    sotto_event_free(e);
}

/* A message each way, with all that the two contexts do for it. */
static void round_trip(void *state, size_t i)
{
    static const uint8_t message[MESSAGE];
    struct bench_world *w = state;
    for (int from = 0; from < 2; from++) {
        struct world_side *to = &w->side[1 - from];
        uint64_t before = to->messages;
        sotto_us end = w->net->now + SOTTO_SECONDS(1);
        bench_world_check(sotto_dc_send(w->side[from].dc, message, MESSAGE, false), "send");
        while (to->messages == before && w->net->now < end) bench_world_step(w, end);
        micro_expect(to->messages == before + 1, "message");
    }
    (void)i;
}

static void idle_turn(void *state, size_t i)
{
    struct bench_world *w = state;
    (void)i;
    bench_world_check(sotto_ctx_run(w->side[0].ctx, 0), "turn");
}

static void short_call(void *state, size_t i)
{
    struct bench_world *w = state;
    sotto_pc_state s = {.size = sizeof s};
    (void)i;
    bench_world_check(sotto_pc_get_state(w->side[0].pc, &s), "state");
}

static void *locked_open(size_t n)
{
    struct bench_world *w = world_open(n);
    bench_world_check(sotto__ctx_enter(w->side[0].ctx), "lock");
    return w;
}

static void touch(void *state, size_t i)
{
    struct bench_world *w = state;
    (void)i;
    sotto__loop_touch(w->side[0].ctx, w->side[0].pc);
}

static void locked_close(void *state)
{
    struct bench_world *w = state;
    sotto__ctx_leave(w->side[0].ctx);
    bench_world_free(w);
}

const struct micro micro_api[] = {
    {"message sent, 64 B", 500, world_open, send_one, world_close},
    {"message sent in a batch, 64 B", 500, batch_open, send_one, world_close},
    {"message taken, 64 B", 100, waiting_open, take_one, world_close},
    {"round trip, 64 B", 200, world_open, round_trip, world_close},
    {"turn with nothing to do", 1000, world_open, idle_turn, world_close},
    {"call that asks for the state", 1000, world_open, short_call, world_close},
    {"loop touch", 2000, locked_open, touch, locked_close},
    {0},
};
