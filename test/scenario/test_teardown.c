/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Closing and freeing at every moment of a connection's life, and every allocation failing once on the way: nothing is left,
 * nothing crashes, and the other side comes to an end of its own.
 */
#include "cmocka_all.h"
#include "pair.h"
#include "util/mem.h"

/* A connection under way with a bit of everything; stops at the given moment. */
static struct pair *begin(uint64_t seed, sotto_us moment)
{
    struct pair_opt o = {.signal_us = SOTTO_MS(5)};
    struct pair *p = pair_new(seed, &o);
    p->side[1].echo = true;
    struct chan *c = side_channel(&p->side[0], "c", NULL);
    sotto_dc_config cfg = {.unordered = true};
    assert_non_null(side_channel(&p->side[0], "d", &cfg));
    assert_int_equal(pair_offer(p, 0), 0);
    sotto_us end = p->net->now + moment;
    while (p->net->now < end) {
        if (c->phase == CHAN_OPEN && c->n_out < 30) chan_number(c, 8000);
        pair_step(p, sotto__earlier(end, p->net->now + SOTTO_MS(1)));
    }
    return p;
}

static void closing_at_every_moment_ends_both_sides(void **state)
{
    (void)state;
    for (int i = 0; i < pair_seeds(60); i++) {
        struct pair *p = begin((uint64_t)i, SOTTO_MS(i * 3 % 180) + i * 37 % 1000);
        sotto_pc_close(p->side[i % 2].pc);
        pair_run(p, SOTTO_SECONDS(i % 7 == 0 ? 90 : 1));
        assert_true(p->side[i % 2].is_closed);
        pair_free(p);
    }
}

static void freeing_at_a_hundred_random_moments_leaves_nothing(void **state)
{
    (void)state;
    uint64_t rng = 7;
    for (int i = 0; i < pair_seeds(100); i++) {
        struct pair *p = begin((uint64_t)i, (sotto_us)(net_random(&rng) % 250000));
        struct side *s = &p->side[i % 2];
        if (i % 3 == 0) { /* the context with everything in it, handles first or last */
            pair_free(p);
            continue;
        }
        sotto_pc_free(s->pc);
        s->pc = NULL;
        for (int k = 0; k < 20; k++) pair_step(p, p->net->now + SOTTO_MS(50));
        pair_free(p);
    }
}

static void handles_outlive_their_connection_and_its_events(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(1, NULL, a);
    struct side *s = &p->side[0];
    sotto_event *e = NULL;
    s->deaf = true;
    chan_send(a[1], "kept", 4, true);
    for (int k = 0; k < 50; k++) pair_step(p, p->net->now + SOTTO_MS(10));
    assert_int_equal(sotto_ctx_next(s->ctx, &e), 1);
    assert_int_equal(e->type, SOTTO_EV_MESSAGE);
    sotto_pc_free(s->pc);
    s->pc = NULL;
    sotto_pc_state st = {.size = sizeof st};
    assert_int_equal(sotto_pc_get_state(e->pc, &st), 0);
    assert_int_equal(st.connection, SOTTO_CONNECTION_CLOSED);
    assert_int_equal(sotto_dc_send(e->u.message.dc, "x", 1, true), SOTTO_E_CLOSED);
    assert_int_equal(sotto_dc_state(e->u.message.dc), SOTTO_DC_CLOSED);
    assert_int_equal(sotto_pc_create_offer(e->pc, NULL, &(char *){NULL}), SOTTO_E_CLOSED);
    while (!sotto__list_empty(&s->chans)) chan_free(CONTAINER_OF(s->chans.next, struct chan, node));
    sotto_ctx_free(s->ctx);
    s->ctx = NULL;
    assert_memory_equal(e->u.message.data, "kept", 5);
    sotto_event_free(e);
    pair_free(p);
}

static void many_connections_one_after_another_leave_nothing(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    for (int i = 0; i < pair_seeds(100); i++) {
        struct chan *a[2];
        struct pair *p = pair_connected((uint64_t)i, NULL, a);
        chan_send(a[0], "x", 1, true);
        pair_run(p, SOTTO_MS(50));
        assert_true(chan_same(a[0], a[1]));
        sotto_pc_close(p->side[i % 2].pc);
        pair_run(p, SOTTO_MS(50));
        pair_free(p);
        assert_int_equal(sotto__mem_live(), live);
    }
}

/* ---- every allocation failing once ---- */

static bool is_clean(int r)
{
    return r >= 0 || r == SOTTO_E_NOMEM || r == SOTTO_E_CLOSED || r == SOTTO_E_STATE ||
           r == SOTTO_E_AGAIN;
}

/* connect, send, close; tells whether everything went well */
static bool whole_run(struct pair *p)
{
    struct chan *c = NULL, *d = NULL;
    p->side[1].echo = true;
    assert_true(is_clean(side_try_channel(&p->side[0], "c", NULL, &c)));
    if (!c) return false;
    int r = pair_offer(p, 0);
    assert_true(is_clean(r));
    pair_run(p, SOTTO_MS(150));
    if (c->phase == CHAN_OPEN) assert_true(is_clean(chan_number(c, 50000)));
    if (c->phase == CHAN_OPEN) assert_true(is_clean(chan_send(c, "text", 4, true)));
    if (c->dc && c->phase == CHAN_OPEN)
        assert_true(is_clean(side_try_channel(&p->side[1], "back", NULL, &d)));
    pair_run(p, SOTTO_MS(200));
    bool good = c->n_in == 2 && d && d->phase == CHAN_OPEN;
    if (c->dc) sotto_dc_close(c->dc);
    pair_run(p, SOTTO_MS(100));
    good = good && c->phase == CHAN_CLOSED;
    sotto_pc_close(p->side[0].pc);
    pair_run(p, SOTTO_MS(100));
    return good;
}

static void every_allocation_failing_once_gives_a_clean_error(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    uint64_t n = 1;
    int survived = 0;
    for (;; n++) {
        struct pair *p = NULL;
        struct pair_opt o = {.no_trickle = n % 2};
        sotto__mem_fail_at(n);
        int r = pair_try_new(1, &o, &p);
        if (r < 0) assert_true(r == SOTTO_E_NOMEM || r == SOTTO_E_SYS);
        bool good = r == 0 && whole_run(p);
        bool hit = sotto__mem_failed();
        sotto__mem_fail_at(0);
        pair_free(p);
        if (sotto__mem_live() != live)
            fail_msg("allocation %d failed: %d blocks are left", (int)n,
                     (int)(sotto__mem_live() - live));
        if (!hit) {
            assert_true(good);
            break;
        }
        survived += good;
    }
    print_message("%d allocations failed in turn, %d runs did all their work nevertheless\n",
                  (int)n - 1, survived);
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_at_every_moment_ends_both_sides),
        cmocka_unit_test(freeing_at_a_hundred_random_moments_leaves_nothing),
        cmocka_unit_test(handles_outlive_their_connection_and_its_events),
        cmocka_unit_test(many_connections_one_after_another_leave_nothing),
        cmocka_unit_test(every_allocation_failing_once_gives_a_clean_error),
    };
    return cmocka_run_group_tests_name("teardown", tests, NULL, NULL);
}
