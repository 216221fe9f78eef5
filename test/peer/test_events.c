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

static void a_reader_who_never_reads_costs_a_bounded_ring_and_learns_the_last_state(void **state)
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
        cmocka_unit_test(a_reader_who_never_reads_costs_a_bounded_ring_and_learns_the_last_state),
        cmocka_unit_test(each_failing_allocation_of_a_peer_ends_cleanly),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
