/* SPDX-License-Identifier: BSD-2-Clause */
/* Associations without a path: nothing is counted then, all of it arrives afterwards; and an end when the peer stays silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "transport/sctp_priv.h"
#include "util/mem.h"
#include "util/time.h"

#define MINUTE SOTTO_SECONDS(60)
enum { MESSAGES = 40, SIZE = 20000 };

static const struct link_cfg lan = {.delay = SOTTO_MS(1)};

static void set_path(struct pair *p, bool is)
{
    p->link.down = !is;
    sotto__sctp_set_reachable(p->a.s, p->now, is);
    sotto__sctp_set_reachable(p->b.s, p->now, is);
}

static void begin(struct pair *p)
{
    pair_open(p, &lan);
    pair_connect(p);
}

static void send_all(struct pair *p)
{
    uint8_t data[SIZE];
    for (int i = 0; i < MESSAGES; i++) {
        memset(data, i, sizeof data);
        assert_int_equal(side_send(p, &p->a, 3, data, sizeof data), 0);
    }
}

static bool has_all(struct pair *p)
{
    return p->b.n_inbox >= MESSAGES;
}

static void check_all(struct pair *p)
{
    uint8_t want[SIZE];
    assert_int_equal(p->b.n_inbox, MESSAGES);
    for (int i = 0; i < MESSAGES; i++) {
        memset(want, i, sizeof want);
        assert_int_equal(p->b.inbox[i].len, SIZE);
        assert_memory_equal(p->b.inbox[i].data, want, SIZE);
    }
}

static bool a_down(struct pair *p)
{
    return p->a.down;
}

static void outages_of_any_length_lose_nothing_and_end_at_once(void **state)
{
    (void)state;
    static const sotto_us spans[] = {SOTTO_SECONDS(7), MINUTE, 10 * MINUTE, 120 * MINUTE};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        struct pair p;
        begin(&p);
        send_all(&p);
        pair_run(&p, SOTTO_MS(3));
        p.link.down = true;
        pair_run(&p, SOTTO_SECONDS(5)); /* ICE needs that long to notice */
        set_path(&p, false);
        pair_run(&p, spans[i] - SOTTO_SECONDS(5));
        assert_false(p.a.down || p.b.down);
        set_path(&p, true);
        sotto_us back = p.now;
        assert_true(pair_run_until(&p, SOTTO_SECONDS(2), has_all));
        print_message("    %d s: all there after %d ms\n", (int)(spans[i] / 1000000),
                      (int)((p.now - back) / 1000));
        assert_in_range(p.now - back, 0, SOTTO_MS(300));
        check_all(&p);
        pair_run(&p, 5 * MINUTE);
        assert_false(p.a.down || p.b.down);
        pair_close(&p);
    }
}

static void an_idle_association_waits_too(void **state)
{
    (void)state;
    struct pair p;
    begin(&p);
    pair_run(&p, SOTTO_SECONDS(1));
    set_path(&p, false);
    pair_run(&p, 60 * MINUTE);
    set_path(&p, true);
    assert_true(p.a.s->outage.is_lenient && p.b.s->outage.is_lenient);
    pair_run(&p, 10 * MINUTE);
    assert_false(p.a.down || p.b.down);
    assert_false(p.a.s->outage.is_lenient || p.b.s->outage.is_lenient); /* heartbeats were answered */
    send_all(&p);
    assert_true(pair_run_until(&p, SOTTO_SECONDS(2), has_all));
    check_all(&p);
    pair_close(&p);
}

static void a_second_outage_right_after_the_first_is_as_the_first(void **state)
{
    (void)state;
    struct pair p;
    begin(&p);
    send_all(&p);
    for (int i = 0; i < 20; i++) {
        set_path(&p, false);
        pair_run(&p, 2 * MINUTE);
        set_path(&p, true);
        pair_run(&p, SOTTO_MS(i));
        assert_false(p.a.down || p.b.down);
    }
    assert_true(pair_run_until(&p, SOTTO_SECONDS(5), has_all));
    check_all(&p);
    pair_close(&p);
}

/* ICE has a path again, SCTP's packets do not arrive. */
static void a_peer_that_stays_silent_after_an_outage_ends_it_within_its_time(void **state)
{
    (void)state;
    for (int in_flight = 0; in_flight < 2; in_flight++) {
        struct pair p;
        begin(&p);
        if (in_flight) send_all(&p);
        set_path(&p, false);
        pair_run(&p, 10 * MINUTE);
        set_path(&p, true);
        p.link.down = true;
        if (!in_flight) {
            pair_run(&p, MINUTE);
            assert_false(p.a.down);
            send_all(&p);
        }
        sotto_us start = p.now;
        assert_true(pair_run_until(&p, 3 * MINUTE, a_down));
        print_message("    after %.1f s\n", (double)(p.now - start) / 1e6);
        assert_in_range(p.now - start, 55 * 1000000, (in_flight ? 62 : 122) * 1000000);
        assert_int_equal(p.a.error, SOTTO_E_NETWORK);
        pair_close(&p);
    }
}

/* Whatever a SACK says, somebody is there: it is usrsctp's to find out whether that gets on. */
static void a_peer_that_says_anything_has_another_minute(void **state)
{
    (void)state;
    struct pair p;
    begin(&p);
    send_all(&p);
    set_path(&p, false);
    pair_run(&p, 10 * MINUTE);
    set_path(&p, true);
    p.link.down = true;
    pair_run(&p, MINUTE / 2);
    p.a.s->outage.answered = true; /* as sctp_input.c does */
    sotto_us start = p.now;
    assert_true(pair_run_until(&p, 3 * MINUTE, a_down));
    assert_in_range(p.now - start, 85 * 1000000, 95 * 1000000);
    pair_close(&p);
}

/* A reader that pauses acknowledges nothing new, but it answers. */
static void a_paused_reader_is_no_silent_one(void **state)
{
    (void)state;
    struct pair p;
    uint8_t data[SIZE] = {0};
    begin(&p);
    p.b.reading = false;
    for (int i = 0; i < 500; i++) { /* more than the window */
        if (side_send(&p, &p.a, 3, data, sizeof data) < 0) break;
        pair_run(&p, SOTTO_MS(5));
    }
    set_path(&p, false);
    pair_run(&p, 5 * MINUTE);
    set_path(&p, true);
    pair_run(&p, 10 * MINUTE);
    assert_false(p.a.down || p.b.down);
    p.b.reading = true;
    pair_run(&p, MINUTE);
    assert_int_equal(p.b.n_inbox, p.b.messages);
    assert_true(p.b.n_inbox > MESSAGES);
    pair_close(&p);
}

static void a_handshake_waits_too(void **state)
{
    (void)state;
    struct pair p;
    struct link_cfg link = {.delay = SOTTO_MS(1), .down = true};
    pair_open(&p, &link);
    pair_run(&p, SOTTO_SECONDS(5));
    set_path(&p, false);
    pair_run(&p, 10 * MINUTE);
    assert_false(p.a.down || p.b.down);
    set_path(&p, true);
    pair_run(&p, SOTTO_MS(100));
    assert_true(p.a.up && p.b.up);
    send_all(&p);
    assert_true(pair_run_until(&p, SOTTO_SECONDS(2), has_all));
    pair_run(&p, 2 * MINUTE);
    assert_false(p.a.down || p.b.down);
    pair_close(&p);
}

static void what_ends_during_an_outage_is_given_back(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    struct pair p;
    begin(&p);
    send_all(&p);
    set_path(&p, false);
    pair_run(&p, MINUTE);
    sotto__sctp_close(p.a.s, p.now);
    sotto__sctp_set_reachable(p.a.s, p.now, true); /* of no use any more */
    pair_collect(&p); /* its ABORT */
    assert_int_equal(sotto__sctp_due(p.a.s), SOTTO_NEVER);
    pair_close(&p);
    assert_int_equal(sotto__mem_live(), live);
}

/* Without memory for what was repeated last, usrsctp's timer has to do. */
static void without_memory_it_takes_longer(void **state)
{
    (void)state;
    struct pair p;
    begin(&p);
    send_all(&p);
    pair_run(&p, SOTTO_MS(3));
    p.link.down = true;
    for (int n = 1; n < 40; n++) {
        if (n == 5) set_path(&p, false);
        sotto__mem_fail_at((uint64_t)n);
        pair_run(&p, SOTTO_SECONDS(5));
        sotto__mem_fail_at(0);
    }
    set_path(&p, true);
    assert_true(pair_run_until(&p, SOTTO_SECONDS(6), has_all));
    check_all(&p);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outages_of_any_length_lose_nothing_and_end_at_once),
        cmocka_unit_test(an_idle_association_waits_too),
        cmocka_unit_test(a_second_outage_right_after_the_first_is_as_the_first),
        cmocka_unit_test(a_peer_that_stays_silent_after_an_outage_ends_it_within_its_time),
        cmocka_unit_test(a_peer_that_says_anything_has_another_minute),
        cmocka_unit_test(a_paused_reader_is_no_silent_one),
        cmocka_unit_test(a_handshake_waits_too),
        cmocka_unit_test(what_ends_during_an_outage_is_given_back),
        cmocka_unit_test(without_memory_it_takes_longer),
    };
    return cmocka_run_group_tests_name("sctp_outage", tests, NULL, NULL);
}
