/* SPDX-License-Identifier: BSD-2-Clause */
/* Transceivers: the W3C algorithms addTrack and removeTrack, step by step. */
#include "bare.h"

static const char *const one_stream[] = {"s1"};

/* ---- addTrack ---- */

static void add_track_refuses_a_closed_connection_and_a_wrong_kind(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add_track(p, NOW, 7, NULL, 0, &t), SOTTO_E_RANGE);
    p->closed = true;
    assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, NULL, 0, &t),
                     SOTTO_E_CLOSED);
    assert_int_equal(p->n_transceivers, 0);
    bare_free(p);
}

static void add_track_makes_a_sendrecv_transceiver_when_none_can_be_reused(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, one_stream, 1, &t), 0);
    assert_int_equal(t->direction, SOTTO_DIR_SENDRECV);
    assert_true(t->has_track && t->by_add_track);
    assert_int_equal(t->streams.n, 1);
    assert_string_equal(t->streams.items[0], "s1");
    assert_int_equal(p->n_transceivers, 1);
    assert_int_equal(bare_needed(p), 1);
    bare_free(p);
}

static void add_track_reuses_a_sender_only_if_all_four_criteria_hold(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        sotto_kind kind;
        bool has_track, stopping, has_sent, reused;
    } cases[] = {
        {"all hold", SOTTO_AUDIO, false, false, false, true},
        {"it has a track", SOTTO_AUDIO, true, false, false, false},
        {"another kind", SOTTO_VIDEO, false, false, false, false},
        {"stopping", SOTTO_AUDIO, false, true, false, false},
        {"it was used to send", SOTTO_AUDIO, false, false, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer *p = bare_new();
        struct transceiver *t = bare_add(p, cases[i].kind, SOTTO_DIR_RECVONLY), *got;
        bare_associate(t, "0", 0);
        t->has_track = cases[i].has_track;
        t->stopping = cases[i].stopping;
        t->has_sent = cases[i].has_sent;
        assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, NULL, 0, &got), 0);
        if ((got == t) != cases[i].reused) fail_msg("%s", cases[i].why);
        assert_int_equal(p->n_transceivers, cases[i].reused ? 1 : 2);
        bare_free(p);
    }
}

static void add_track_takes_the_first_that_can_be_reused(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *got;
    bare_add(p, SOTTO_VIDEO, SOTTO_DIR_RECVONLY);
    struct transceiver *first = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_RECVONLY);
    struct transceiver *second = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_RECVONLY);
    assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, NULL, 0, &got), 0);
    assert_ptr_equal(got, first);
    assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, NULL, 0, &got), 0);
    assert_ptr_equal(got, second);
    bare_free(p);
}

static void a_reused_sender_gets_the_track_its_streams_and_a_sending_direction(void **state)
{
    (void)state;
    static const int32_t becomes[] = {[SOTTO_DIR_SENDRECV] = SOTTO_DIR_SENDRECV,
                                      [SOTTO_DIR_SENDONLY] = SOTTO_DIR_SENDONLY,
                                      [SOTTO_DIR_RECVONLY] = SOTTO_DIR_SENDRECV,
                                      [SOTTO_DIR_INACTIVE] = SOTTO_DIR_SENDONLY};
    const char *const streams[] = {"new", "new"};
    for (int32_t d = SOTTO_DIR_SENDRECV; d <= SOTTO_DIR_INACTIVE; d++) {
        struct peer *p = bare_new();
        struct transceiver *t = bare_add(p, SOTTO_AUDIO, d), *got;
        assert_int_equal(sotto__transceiver_set_streams(p, NOW, t, one_stream, 1), 0);
        t->has_track = false; /* as after replaceTrack(null), or before a track came */
        bare_needed(p);
        p->negotiation_needed = false;
        assert_int_equal(sotto__transceiver_add_track(p, NOW, SOTTO_AUDIO, streams, 2, &got), 0);
        assert_ptr_equal(got, t);
        assert_true(t->has_track && t->by_add_track);
        assert_int_equal(t->streams.n, 1); /* the old ones are gone; one that is there twice is added once */
        assert_string_equal(t->streams.items[0], "new");
        assert_int_equal(t->direction, becomes[d]);
        assert_int_equal(bare_needed(p), 1);
        bare_free(p);
    }
}

/* ---- removeTrack ---- */

static void remove_track_refuses_a_closed_connection(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    p->closed = true;
    assert_int_equal(sotto__transceiver_remove_track(p, NOW, t), SOTTO_E_CLOSED);
    assert_true(t->has_track);
    bare_free(p);
}

static void remove_track_leaves_stopping_removed_and_trackless_ones_alone(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    static int handle;
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_associate(t, "0", 0);
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    assert_int_equal(sotto__transceiver_remove_track(p, NOW, t), 0);
    assert_true(t->has_track);
    struct transceiver *gone = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    gone->shell = &handle;
    sotto__transceiver_remove(p, gone); /* as a rollback does, which stops it too */
    assert_int_equal(sotto__transceiver_remove_track(p, NOW, gone), 0);
    assert_true(gone->has_track);
    struct transceiver *trackless = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    trackless->has_track = false;
    assert_int_equal(sotto__transceiver_remove_track(p, NOW, trackless), 0);
    assert_int_equal(trackless->direction, SOTTO_DIR_SENDRECV);
    bare_free(p);
}

static void remove_track_takes_the_track_and_the_sending_part_of_the_direction(void **state)
{
    (void)state;
    static const int32_t becomes[] = {[SOTTO_DIR_SENDRECV] = SOTTO_DIR_RECVONLY,
                                      [SOTTO_DIR_SENDONLY] = SOTTO_DIR_INACTIVE,
                                      [SOTTO_DIR_RECVONLY] = SOTTO_DIR_RECVONLY,
                                      [SOTTO_DIR_INACTIVE] = SOTTO_DIR_INACTIVE};
    for (int32_t d = SOTTO_DIR_SENDRECV; d <= SOTTO_DIR_INACTIVE; d++) {
        struct peer *p = bare_new();
        struct transceiver *t = bare_add(p, SOTTO_AUDIO, d);
        t->has_track = true;
        bare_needed(p);
        p->negotiation_needed = false;
        assert_int_equal(sotto__transceiver_remove_track(p, NOW, t), 0);
        assert_false(t->has_track);
        assert_int_equal(t->direction, becomes[d]);
        assert_int_equal(bare_needed(p), 1);
        assert_int_equal(p->n_transceivers, 1);
        bare_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_track_refuses_a_closed_connection_and_a_wrong_kind),
        cmocka_unit_test(add_track_makes_a_sendrecv_transceiver_when_none_can_be_reused),
        cmocka_unit_test(add_track_reuses_a_sender_only_if_all_four_criteria_hold),
        cmocka_unit_test(add_track_takes_the_first_that_can_be_reused),
        cmocka_unit_test(a_reused_sender_gets_the_track_its_streams_and_a_sending_direction),
        cmocka_unit_test(remove_track_refuses_a_closed_connection),
        cmocka_unit_test(remove_track_leaves_stopping_removed_and_trackless_ones_alone),
        cmocka_unit_test(remove_track_takes_the_track_and_the_sending_part_of_the_direction),
    };
    return cmocka_run_group_tests_name("transceiver_track", tests, NULL, NULL);
}
