/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that does everything, in an order that a seed shuffles: data of all kinds, calls, reports, renegotiations, ICE restarts,
 * an application that stops reading, channels that come and go, losses, outages and idle stretches. 72 hours with SOTTO_LONG=1, else some
 * minutes. After each round all that was sent on reliable channels has come, the connection is as it was, and so is the memory.
 * SOTTO_SEED=N plays another order.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "media.h"
#include "util/mem.h"

enum { ORDERED, UNORDERED, ONCE, BRIEF, KINDS, GUESTS = 5 };
/* What the memory may differ by, from round to round: what streams keep follows what they met last. */
enum { SPARE_BLOCKS = 64, SPARE_BYTES = 512 * 1024 };

/* ONCE: never sent again. BRIEF: sent again for 300 ms. */
static const struct {
    const char *label;
    sotto_dc_config cfg;
} kinds[KINDS] = {
    {"ordered", {.priority = SOTTO_PRIORITY_HIGH}},
    {"unordered", {.unordered = true}},
    {"once", {.reliability = SOTTO_DC_MAX_RETRANSMITS, .limit = 0}},
    {"brief", {.unordered = true, .reliability = SOTTO_DC_MAX_LIFETIME, .limit = 300}},
};

struct mix {
    struct media *m;
    struct pair *p;
    uint64_t rng;
    bool is_long;
    struct chan *c[KINDS][2];
    uint64_t messages, channels, calls, frames, offers, restarts, outages, reports, lost;
};

static uint32_t below(struct mix *x, uint32_t n)
{
    return (uint32_t)(net_random(&x->rng) % n);
}

static void set_link(struct mix *x, sotto_us delay, double loss)
{
    struct net_link link = {.delay_us = delay,
                            .jitter_us = delay / 4,
                            .loss = loss,
                            .reorder = loss,
                            .reorder_us = SOTTO_MS(5)};
    net_link_both(x->p->net, x->p->side[0].host, x->p->side[1].host, &link);
}

static void run(struct mix *x, sotto_us span)
{
    media_run(x->m, span);
}

/* Messages of up to `size` bytes each way, `every` so often. */
static void chat(struct mix *x, int kind, int n, uint32_t size, sotto_us every)
{
    for (int i = 0; i < n; i++) {
        for (int side = 0; side < 2; side++) {
            int r = chan_number(x->c[kind][side], 8 + below(x, size - 7));
            assert_true(r == 0 || r == SOTTO_E_AGAIN);
            x->messages += r == 0;
        }
        run(x, every);
    }
}

/* Some that go as fast as they can. */
static void begin_bulk(struct mix *x, int kind)
{
    for (int side = 0; side < 2; side++) {
        uint64_t n = 5 + below(x, 30);
        chan_bulk(x->c[kind][side], x->c[kind][side]->bulk_left + n, 1000 + below(x, 99000));
        x->messages += n;
    }
}

/* ---- what it does ---- */

static void moves_much(struct mix *x)
{
    begin_bulk(x, ORDERED);
    begin_bulk(x, UNORDERED);
    run(x, SOTTO_SECONDS(2));
}

static void chats(struct mix *x)
{
    for (int kind = 0; kind < KINDS; kind++) chat(x, kind, 30, 1500, SOTTO_MS(20));
}

static void loses(struct mix *x)
{
    set_link(x, SOTTO_MS(10 + below(x, 60)), 0.005 * (1 + below(x, 10)));
    begin_bulk(x, ORDERED);
    for (int kind = 0; kind < KINDS; kind++) chat(x, kind, 30, 5000, SOTTO_MS(20));
    set_link(x, SOTTO_MS(15), 0);
}

static void calls(struct mix *x)
{
    uint64_t before[2];
    for (int side = 0; side < 2; side++) before[side] = x->m->side[side].in[MEDIA_VIDEO].frames;
    set_link(x, SOTTO_MS(10 + below(x, 40)), 0.002 * below(x, 10));
    media_resume(x->m);
    for (int i = 0; i < (x->is_long ? 60 : 8); i++) {
        if (i % 4 == 3) begin_bulk(x, UNORDERED);
        run(x, SOTTO_SECONDS(1) + below(x, 1000000));
    }
    set_link(x, SOTTO_MS(15), 0);
    media_drain(x->m, SOTTO_SECONDS(2));
    x->calls++;
    for (int side = 0; side < 2; side++) {
        uint64_t came = x->m->side[side].in[MEDIA_VIDEO].frames - before[side];
        assert_true(came > 150);
        x->frames += came;
    }
}

static void looks(struct mix *x)
{
    for (int side = 0; side < 2; side++) {
        sotto_stats *s;
        char *json;
        assert_int_equal(sotto_pc_get_stats(x->p->side[side].pc, NULL, &s), 0);
        assert_true(s->n > 10);
        assert_non_null(sotto_stats_find(s, "candidate-pair"));
        sotto_free(s);
        assert_int_equal(sotto_pc_get_stats_json(x->p->side[side].pc, &json), 0);
        assert_true(strlen(json) > 1000);
        sotto_free(json);
        x->reports++;
    }
}

static void offer(struct mix *x, int side)
{
    assert_int_equal(pair_offer(x->p, side), 0);
    run(x, SOTTO_SECONDS(1));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(x->p->side[i].set_error, 0);
        assert_int_equal(side_state(&x->p->side[i]).signaling, SOTTO_SIGNALING_STABLE);
    }
    x->offers++;
}

/* A third track comes and goes. */
static void renegotiates(struct mix *x)
{
    int side = (int)below(x, 2);
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = SOTTO_DIR_SENDRECV};
    sotto_transceiver *mine, *all[8];
    sotto_kind kind = below(x, 2) ? SOTTO_AUDIO : SOTTO_VIDEO;
    sotto_pc *pc = x->p->side[side].pc, *other = x->p->side[1 - side].pc;
    begin_bulk(x, ORDERED);
    assert_int_equal(sotto_pc_add_transceiver(pc, kind, &cfg, &mine), 0);
    offer(x, side);
    assert_int_equal(sotto_pc_get_transceivers(other, all, 8), MEDIA_KINDS + 1);
    assert_int_equal(sotto_transceiver_set_direction(mine, SOTTO_DIR_RECVONLY), 0);
    offer(x, side);
    assert_int_equal(sotto_transceiver_stop(mine), 0);
    offer(x, side);
    sotto_transceiver_free(mine); /* the handles */
    sotto_transceiver_free(all[MEDIA_KINDS]);
    assert_int_equal(sotto_pc_get_transceivers(pc, NULL, 0), MEDIA_KINDS);
    assert_int_equal(sotto_pc_get_transceivers(other, NULL, 0), MEDIA_KINDS);
}

static void restarts_ice(struct mix *x)
{
    int side = (int)below(x, 2);
    begin_bulk(x, ORDERED);
    begin_bulk(x, UNORDERED);
    x->p->side[0].told_all = x->p->side[1].told_all = false; /* of this generation */
    assert_int_equal(sotto_pc_restart_ice(x->p->side[side].pc), 0);
    offer(x, side);
    run(x, SOTTO_SECONDS(4));
    assert_true(x->p->side[0].told_all && x->p->side[1].told_all);
    x->restarts++;
}

static void reads_late(struct mix *x)
{
    struct side *s = &x->p->side[below(x, 2)];
    begin_bulk(x, ORDERED);
    begin_bulk(x, UNORDERED);
    s->deaf = true;
    run(x, SOTTO_SECONDS(1 + below(x, 5)));
    s->deaf = false;
    run(x, SOTTO_SECONDS(1));
}

static void is_cut_off(struct mix *x)
{
    begin_bulk(x, ORDERED);
    run(x, SOTTO_MS(50));
    net_set_down(x->p->net, x->p->side[0].host, x->p->side[1].host, true);
    run(x, SOTTO_MS(500 + below(x, 4000)));
    net_set_down(x->p->net, x->p->side[0].host, x->p->side[1].host, false);
    run(x, SOTTO_SECONDS(2));
    x->outages++;
}

static bool is_closed(struct pair *p, void *arg)
{
    struct chan **g = arg;
    (void)p;
    return g[0]->phase == CHAN_CLOSED && g[1]->phase == CHAN_CLOSED;
}

static bool has_come(struct pair *p, void *arg)
{
    struct chan **g = arg;
    (void)p;
    return g[1]->n_in == g[0]->n_out && g[0]->n_in == g[1]->n_out;
}

static void opens_and_closes(struct mix *x)
{
    struct chan *g[GUESTS][2];
    uint32_t n = 1 + below(x, GUESTS);
    for (uint32_t i = 0; i < n; i++) {
        char label[24];
        snprintf(label, sizeof label, "guest %u", i);
        const sotto_dc_config cfg = {.unordered = below(x, 2)};
        assert_true(pair_open_channel(x->p, (int)below(x, 2), label, &cfg, g[i]));
        for (int k = 0; k < 5; k++)
            for (int side = 0; side < 2; side++)
                assert_int_equal(chan_number(g[i][side], 8 + below(x, 20000)), 0);
        x->channels++;
    }
    for (uint32_t i = 0; i < n; i++) {
        assert_true(pair_until(x->p, SOTTO_SECONDS(60), has_come, g[i]));
        assert_int_equal(sotto_dc_close(g[i][below(x, 2)]->dc), 0);
        assert_true(pair_until(x->p, SOTTO_SECONDS(60), is_closed, g[i]));
        for (int side = 0; side < 2; side++) {
            assert_int_equal(g[i][side]->error, 0);
            chan_free(g[i][side]);
        }
    }
}

static void idles(struct mix *x)
{
    run(x, x->is_long ? SOTTO_SECONDS(60 + below(x, 600)) : SOTTO_SECONDS(15));
}

static void (*const doings[])(struct mix *) = {
    moves_much,   chats,        loses,      calls,      looks,
    renegotiates, restarts_ice, reads_late, is_cut_off, opens_and_closes,
    idles,
};
enum { DOINGS = sizeof doings / sizeof *doings };

/* ---- rounds ---- */

static bool all_came(struct pair *p, void *arg)
{
    struct mix *x = arg;
    (void)p;
    for (int kind = ORDERED; kind <= UNORDERED; kind++)
        if (x->c[kind][0]->bulk_left > 0 || x->c[kind][1]->bulk_left > 0 ||
            !has_come(p, x->c[kind]))
            return false;
    return true;
}

static void check_channels(struct mix *x)
{
    assert_true(pair_until(x->p, SOTTO_SECONDS(120), all_came, x));
    run(x, SOTTO_SECONDS(20)); /* what had a time to live has outlived it, what was measured is forgotten */
    for (int to = 0; to < 2; to++) {
        assert_true(chan_same(x->c[ORDERED][1 - to], x->c[ORDERED][to]));
        assert_true(x->c[UNORDERED][1 - to]->bytes_out == x->c[UNORDERED][to]->bytes_in);
        assert_int_equal(x->c[ORDERED][to]->n_disorder + x->c[ONCE][to]->n_disorder, 0);
        for (int kind = ONCE; kind < KINDS; kind++) {
            assert_true(x->c[kind][to]->n_in <= x->c[kind][1 - to]->n_out);
            x->lost += x->c[kind][1 - to]->n_out - x->c[kind][to]->n_in;
            x->c[kind][1 - to]->n_out = x->c[kind][to]->n_in = 0;
            x->c[kind][to]->next_number = 0;
            free(x->c[kind][to]->seen);
            x->c[kind][to]->seen = NULL;
        }
    }
}

/* An outage may show, nothing else does. */
static void check_states(struct mix *x, bool was_cut_off)
{
    for (int i = 0; i < 2; i++) {
        struct side *s = &x->p->side[i];
        for (size_t k = 0; k < s->n_states; k++)
            assert_true(s->states[k].connection == SOTTO_CONNECTION_CONNECTED ||
                        (was_cut_off && s->states[k].connection == SOTTO_CONNECTION_DISCONNECTED));
        s->n_states = 0;
        sotto_pc_state now = side_state(s);
        assert_int_equal(now.connection, SOTTO_CONNECTION_CONNECTED);
        assert_int_equal(now.gathering, SOTTO_GATHERING_COMPLETE);
        assert_int_equal(now.signaling, SOTTO_SIGNALING_STABLE);
        for (int kind = 0; kind < KINDS; kind++) assert_int_equal(x->c[kind][i]->phase, CHAN_OPEN);
    }
}

static void play_round(struct mix *x)
{
    int order[DOINGS];
    for (int i = 0; i < DOINGS; i++) order[i] = i;
    for (int i = DOINGS - 1; i > 0; i--) {
        int k = (int)below(x, (uint32_t)i + 1), other = order[k];
        order[k] = order[i], order[i] = other;
    }
    for (int i = 0; i < DOINGS; i++) {
        doings[order[i]](x);
        check_states(x, doings[order[i]] == is_cut_off);
    }
    check_channels(x);
    check_states(x, false);
}

static struct mix *mix_new(uint64_t seed)
{
    static const struct media_opt opt = {.video_bytes = 2500, .key_bytes = 8000};
    struct mix *x = calloc(1, sizeof *x);
    const char *is_long = getenv("SOTTO_LONG");
    assert_non_null(x);
    x->rng = seed;
    x->is_long = is_long && strcmp(is_long, "1") == 0;
    x->m = media_new(seed, &opt);
    x->p = x->m->pair;
    media_drain(x->m, SOTTO_SECONDS(1));
    assert_non_null(side_channel(&x->p->side[0], "first", NULL));
    assert_int_equal(pair_offer(x->p, 0), 0);
    for (int kind = 0; kind < KINDS; kind++)
        assert_true(
            pair_open_channel(x->p, kind % 2, kinds[kind].label, &kinds[kind].cfg, x->c[kind]));
    for (int i = 0; i < 2; i++) x->p->side[i].n_states = 0;
    return x;
}

static void report(const struct mix *x, sotto_us span, int rounds)
{
    print_message(
        "%.1f h in %d rounds: %d messages, %d lost of those that may be; %d channels, %d calls "
        "with %d video frames, %d offers, %d restarts, %d outages, %d reports\n",
        (double)span / 3600e6, rounds, (int)x->messages, (int)x->lost, (int)x->channels,
        (int)x->calls, (int)x->frames, (int)x->offers, (int)x->restarts, (int)x->outages,
        (int)x->reports);
}

static void days_of_everything_change_nothing(void **state)
{
    (void)state;
    const char *seed = getenv("SOTTO_SEED");
    struct mix *x = mix_new(seed ? strtoull(seed, NULL, 10) : 1);
    sotto_us begin = x->p->net->now;
    sotto_us end = begin + (x->is_long ? SOTTO_SECONDS(72 * 3600) : SOTTO_SECONDS(300));
    int rounds = 0, warm = x->is_long ? 60 : 1;
    int64_t blocks = 0, most = 0; /* while it warms up, and then */
    size_t bytes = 0;
    for (; rounds < warm; rounds++) {
        play_round(x);
        if (sotto__mem_live() > blocks) blocks = sotto__mem_live();
        if (mallinfo2().uordblks > bytes) bytes = mallinfo2().uordblks;
    }
    for (; x->p->net->now < end; rounds++) {
        play_round(x);
        if (sotto__mem_live() > most) most = sotto__mem_live();
        assert_true(most <= blocks + SPARE_BLOCKS);
        assert_true(mallinfo2().uordblks <= bytes + SPARE_BYTES); /* a sanitizer says 0 */
    }
    report(x, x->p->net->now - begin, rounds);
    print_message("at most %d blocks of memory in the first %d rounds, %d in those after it; %ld "
                  "bytes more at the end\n",
                  (int)blocks, warm, (int)most, (long)(mallinfo2().uordblks - bytes));
    media_free(x->m);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(days_of_everything_change_nothing)};
    return cmocka_run_group_tests_name("mixed", tests, NULL, NULL);
}
