/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of control events, merging of states, and bounds. */
#include "duo.h"

static uint32_t next_type(struct peer *p)
{
    struct peer_event e;
    if (!sotto__peer_has_event(p)) return 0;
    sotto__peer_peek(p, &e);
    sotto__peer_pop(p);
    return e.type;
}

static void events_come_in_the_order_in_which_they_arose(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    struct peer *p = d->a.peer;
    struct channel *c = duo_open(&d->a, "x");
    while (next_type(p)) continue;
    sotto__events_warning(p, 1, SOTTO_WARN_CHANNEL_REFUSED, "one", 0);
    sotto__events_channel(p, 2, c, SOTTO_EV_CLOSED);
    sotto__events_channel(p, 3, c, SOTTO_EV_OPEN);
    sotto__events_warning(p, 4, SOTTO_WARN_REMOTE_CANDIDATES, "two", 0);
    sotto__events_warning(p, 5, SOTTO_WARN_REMOTE_CANDIDATES, "again: merged", 0);
    assert_int_equal(next_type(p), SOTTO_EV_WARNING);
    assert_int_equal(next_type(p), SOTTO_EV_OPEN); /* of one channel: OPEN before CLOSED */
    assert_int_equal(next_type(p), SOTTO_EV_CLOSED);
    assert_int_equal(next_type(p), SOTTO_EV_WARNING);
    assert_int_equal(next_type(p), 0);
    duo_free(d);
}

static void warnings_of_a_kind_are_one_and_their_counts_add_up(void **state)
{
    (void)state;
    struct peer_event e;
    struct duo *d = duo_new(1);
    struct peer *p = d->a.peer;
    sotto__events_warning(p, 1, SOTTO_WARN_FRAMES_DROPPED, "dropped", 3);
    sotto__events_warning(p, 2, SOTTO_WARN_FRAMES_DROPPED, "dropped", 39);
    sotto__peer_peek(p, &e);
    assert_int_equal(e.type, SOTTO_EV_WARNING);
    assert_int_equal(e.count, 42);
    sotto__peer_pop(p);
    assert_int_equal(next_type(p), 0);
    duo_free(d);
}

/* What waits of a transceiver is told in one order, and between the events that came before and after. */
static void events_of_media_are_told_in_their_place(void **state)
{
    (void)state;
    struct peer_event e;
    struct duo *d = duo_new(1);
    struct peer *p = d->a.peer;
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(
                         p, 0, SOTTO_VIDEO,
                         &(sotto_transceiver_config){.size = sizeof(sotto_transceiver_config)}, &t),
                     0);
    while (next_type(p)) continue;
    sotto__events_warning(p, 1, SOTTO_WARN_CHANNEL_REFUSED, "before", 0);
    t->line.n_outgoing = 2;
    t->k.keys = 3;
    sotto__events_media(p, 2, t, SOTTO_EV_KEYFRAME_NEEDED);
    sotto__events_media(p, 3, t, SOTTO_EV_UNMUTE);
    sotto__events_media(p, 3, t, SOTTO_EV_MUTE); /* they cancel each other */
    memcpy(t->k.tones, "1#", t->k.n_tones = 2);
    sotto__events_media(p, 3, t, SOTTO_EV_DTMF_TONE);
    sotto__events_warning(p, 4, SOTTO_WARN_REMOTE_CANDIDATES, "after", 0);
    assert_int_equal(next_type(p), SOTTO_EV_WARNING);
    assert_int_equal(next_type(p), SOTTO_EV_KEYFRAME_NEEDED); /* of either encoding */
    assert_int_equal(next_type(p), SOTTO_EV_KEYFRAME_NEEDED);
    for (const char *tone = "1#"; *tone; tone++) {
        sotto__peer_peek(p, &e);
        assert_int_equal(e.type, SOTTO_EV_DTMF_TONE);
        assert_int_equal(e.tone, *tone);
        sotto__peer_pop(p);
    }
    assert_int_equal(next_type(p), SOTTO_EV_WARNING);
    assert_int_equal(next_type(p), 0);
    t->line.n_outgoing = 0;
    duo_free(d);
}

static void a_state_merges_only_with_the_last_queued_event(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    struct peer *p = d->a.peer;
    for (int32_t i = 1; i <= 3; i++) p->ice = i, sotto__events_state(p, i);
    assert_int_equal(next_type(p), SOTTO_EV_STATE);
    assert_int_equal(next_type(p), 0);
    p->ice = 4, sotto__events_state(p, 4);
    sotto__events_warning(p, 4, SOTTO_WARN_CHANNEL_REFUSED, "between", 0);
    p->ice = 5, sotto__events_state(p, 5);
    assert_int_equal(next_type(p), SOTTO_EV_STATE);
    assert_int_equal(next_type(p), SOTTO_EV_WARNING);
    assert_int_equal(next_type(p), SOTTO_EV_STATE);
    p->ice = SOTTO_ICE_NEW;
    duo_free(d);
}

static void a_reader_who_never_reads_costs_a_bounded_queue_and_learns_the_last_state(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    struct peer *p = d->a.peer;
    struct peer_event e = {0};
    for (int i = 0; i < 100000; i++) {
        p->ice = i % 5, sotto__events_state(p, i);
        sotto__events_candidate(p, i, END_OF_CANDIDATES, "abcd");
    }
    p->ice = 3, sotto__events_state(p, 1);
    assert_true(p->n_controls <= SOTTO_MAX_PC_EVENTS);
    while (sotto__peer_has_event(p)) {
        struct peer_event one;
        sotto__peer_peek(p, &one);
        if (one.type == SOTTO_EV_STATE) e = one;
        sotto__peer_pop(p);
    }
    assert_int_equal(e.state.ice, 3);
    p->ice = SOTTO_ICE_NEW;
    duo_free(d);
}

static void queue_candidates(struct peer *p, bool fail)
{
    for (uint16_t i = 0; i < 100; i++) {
        if (fail) sotto__mem_fail_at(1);
        sotto__events_candidate(p, i, END_OF_CANDIDATES, "abcd");
    }
    sotto__mem_fail_at(0);
}

/* How many candidates come out, in the order in which they went in. */
static int take_candidates(struct peer *p)
{
    struct peer_event e;
    sotto_us last = -1;
    int n = 0;
    for (; sotto__peer_has_event(p); sotto__peer_pop(p)) {
        sotto__peer_peek(p, &e);
        if (e.type != SOTTO_EV_CANDIDATE) continue;
        assert_true(e.at > last);
        last = e.at;
        n++;
    }
    return n;
}

static void the_queue_grows_with_what_waits_and_is_given_back(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct peer *p = d->a.peer;
    size_t first = p->cap_controls;
    queue_candidates(p, false);
    for (int i = 0; i < 60; i++) sotto__peer_pop(p); /* places at its beginning are used again */
    for (int i = 0; i < 60; i++) sotto__events_candidate(p, 100 + i, END_OF_CANDIDATES, "abcd");
    assert_true(p->cap_controls < 200);
    assert_int_equal(take_candidates(p), 100);
    assert_int_equal(p->cap_controls, first);
    duo_free(d);
}

static void one_failure_of_memory_loses_no_event(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    struct peer *p = d->a.peer;
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        for (uint16_t i = 0; i < 100; i++) sotto__events_candidate(p, i, END_OF_CANDIDATES, "abcd");
        int got = take_candidates(p);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(got, 100);
        if (!failed) break;
    }
    duo_free(d);
}

static void without_memory_the_queue_keeps_what_it_has(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    struct peer *p = d->a.peer;
    size_t first = p->cap_controls;
    queue_candidates(p, true);
    assert_int_equal(p->n_controls, first);
    p->ice = 4;
    sotto__events_state(p, 1);
    assert_int_equal(take_candidates(p), (int)first);
    assert_int_equal(p->told.ice, 4);
    p->ice = SOTTO_ICE_NEW;
    duo_free(d);
}

static void a_state_that_finds_no_place_is_told_later(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    struct peer *p = d->a.peer;
    struct peer_event e;
    for (int i = 0; i < 4; i++) queue_candidates(p, false);
    p->ice = SOTTO_ICE_CHECKING;
    sotto__peer_update(p, 1);
    assert_int_equal(p->n_controls, SOTTO_MAX_PC_EVENTS);
    while (sotto__peer_has_event(p)) sotto__peer_pop(p);
    sotto__peer_update(p, 2); /* as each turn does */
    assert_true(sotto__peer_has_event(p));
    sotto__peer_peek(p, &e);
    assert_int_equal(e.type, SOTTO_EV_STATE);
    assert_int_equal(e.state.ice, SOTTO_ICE_CHECKING);
    p->ice = SOTTO_ICE_NEW;
    duo_free(d);
}

static void room_for_notes_has_a_limit(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    struct peer *p = d->a.peer;
    size_t kept = 2 * SOTTO_MAX_LOCAL_CANDIDATES + 16;
    size_t most = SOTTO_MAX_PC_EVENTS - kept - p->n_controls;
    assert_int_equal(sotto__events_reserve(p, most), 0);
    assert_true(p->cap_controls >= p->n_controls + most);
    assert_int_equal(sotto__events_reserve(p, most + 1), SOTTO_E_LIMIT);
    assert_int_equal(sotto__events_reserve(p, 0), 0);
    sotto__events_warning(p, 0, 1, "", 0);
    sotto__peer_pop(p); /* empty: it is small again */
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__events_reserve(p, 20), SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    duo_free(d);
}

static void each_failing_allocation_of_a_peer_ends_cleanly(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    struct peer_cfg cfg = {.transport = {.shared = &d->a.shared,
                                         .cert = d->a.cert,
                                         .interface = "eth0",
                                         .max_message_size = 1000,
                                         .streams_out = 4,
                                         .streams_in = 8},
                           .max_buffered = 1000,
                           .max_channels = 4};
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        struct peer *p;
        sotto__mem_fail_at(n);
        int r = sotto__peer_new(&p, &cfg);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            sotto__peer_free(p);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_int_equal(sotto__mem_live(), live);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_the_order_in_which_they_arose),
        cmocka_unit_test(warnings_of_a_kind_are_one_and_their_counts_add_up),
        cmocka_unit_test(events_of_media_are_told_in_their_place),
        cmocka_unit_test(a_state_merges_only_with_the_last_queued_event),
        cmocka_unit_test(a_reader_who_never_reads_costs_a_bounded_queue_and_learns_the_last_state),
        cmocka_unit_test(the_queue_grows_with_what_waits_and_is_given_back),
        cmocka_unit_test(one_failure_of_memory_loses_no_event),
        cmocka_unit_test(without_memory_the_queue_keeps_what_it_has),
        cmocka_unit_test(a_state_that_finds_no_place_is_told_later),
        cmocka_unit_test(room_for_notes_has_a_limit),
        cmocka_unit_test(each_failing_allocation_of_a_peer_ends_cleanly),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
