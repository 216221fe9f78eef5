/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What needs tens of seconds with libnice, of a clock that does not wait for them: silence, failure, recovery, patience. All cases run
 * side by side in one loop, and each test reads what its pair went through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ice_drive.h"
#include "util/limits.h"

enum which {
    STEADY,    /* idle: stays up */
    GONE,      /* the peer is freed */
    UNPLUGGED, /* the peer is not driven any more, its socket stays */
    BACK,      /* the peer pauses for 14 s */
    TRAFFIC,   /* the peer answers no checks any more, but its data still comes */
    WRONG,     /* a wrong password, and no more candidates */
    OPEN_END,  /* a wrong password; more candidates may come */
    NOBODY,    /* no candidate and no check ever comes */
    LATE,      /* the first candidate comes after 30 s */
    PAIRS
};

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end ends[PAIRS][2];
static struct end *all[2 * PAIRS];
static size_t n_all;
static sotto_us started, cut;

static void open_pair(enum which w)
{
    char name[8];
    for (int i = 0; i < 2; i++) {
        struct end *e = &ends[w][i];
        snprintf(name, sizeof name, "p%02d%c", (int)w, 'a' + i);
        end_init(e, name, i == 0);
        assert_int_equal(end_open(e), 0);
        all[n_all++] = e;
    }
}

static void gather_pair(enum which w)
{
    for (int i = 0; i < 2; i++) assert_int_equal(ops->gather(ends[w][i].ice, drive_now()), 0);
}

static void start(void)
{
    for (int w = 0; w < PAIRS; w++) open_pair((enum which)w);
    for (int w = STEADY; w <= TRAFFIC; w++) pair_introduce(&ends[w][0], &ends[w][1]);
    for (int w = WRONG; w <= OPEN_END; w++)
        for (int i = 0; i < 2; i++) {
            ends[w][i].peer = &ends[w][1 - i];
            assert_int_equal(ops->set_remote(ends[w][i].ice, ends[w][1 - i].ufrag,
                                             "wrong-0123456789abcdefgh", drive_now()),
                             0);
        }
    for (int i = 0; i < 2; i++)
        assert_int_equal(ops->set_remote(ends[LATE][i].ice, ends[LATE][1 - i].ufrag,
                                         ends[LATE][1 - i].pwd, drive_now()),
                         0);
    assert_int_equal(
        ops->set_remote(ends[NOBODY][0].ice, "nobody", "nobody-0123456789abcdefg", drive_now()), 0);
    started = drive_now();
    for (int w = 0; w < PAIRS; w++) gather_pair((enum which)w);
}

static bool are_up(void *arg)
{
    (void)arg;
    for (int w = STEADY; w <= TRAFFIC; w++)
        if (end_state(&ends[w][0]) != SOTTO_ICE_COMPLETED ||
            end_state(&ends[w][1]) != SOTTO_ICE_COMPLETED)
            return false;
    return true;
}

/* For so many seconds, with a packet of TRAFFIC's bob every second: who is not driven gets no answers either, and may send so long only. */
static void run_for(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        drive(all, n_all, NULL, NULL, 1000);
        if (cut != 0 && drive_now() - cut > SOTTO_SECONDS(23)) continue;
        if (drive_send(&ends[TRAFFIC][1], 0, 1, 50) != 1) fail_msg("bob of TRAFFIC cannot send");
    }
}

static void give_late_candidates(void)
{
    for (size_t i = 0; i < ends[LATE][1].n_candidates; i++)
        assert_int_equal(
            ops->add_remote(ends[LATE][0].ice, &ends[LATE][1].candidates[i], drive_now()), 0);
}

static int run_all(void **state)
{
    (void)state;
    start();
    if (!drive(all, n_all, are_up, NULL, 3000)) return -1;
    ops->remote_done(ends[WRONG][0].ice, drive_now());
    run_for(5);
    cut = drive_now();
    end_free(&ends[GONE][1]);
    ends[UNPLUGGED][1].is_stopped = true;
    ends[BACK][1].is_stopped = true;
    ends[TRAFFIC][1].is_stopped = true;
    run_for(14);
    ends[BACK][1].is_stopped = false;
    run_for(11);
    give_late_candidates();
    run_for(28);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_all; i++) end_free(all[i]);
    return 0;
}

static long ms_after(sotto_us from, const struct end *e, int32_t state)
{
    sotto_us at = end_when(e, state);
    return at < 0 ? -1 : (long)((at - from) / 1000);
}

static void an_idle_connection_stays_up(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_false(end_saw(&ends[STEADY][i], SOTTO_ICE_DISCONNECTED));
        assert_int_equal(end_state(&ends[STEADY][i]), SOTTO_ICE_COMPLETED);
    }
}

static void expect_decline(const struct end *e, const char *name)
{
    long silent = ms_after(cut, e, SOTTO_ICE_DISCONNECTED),
         failed = ms_after(cut, e, SOTTO_ICE_FAILED);
    print_message("%s: disconnected after %ld ms, failed after %ld ms\n", name, silent, failed);
    assert_in_range(silent, 3000, 10000);
    assert_in_range(failed, 23000, 30500);
    assert_int_equal(end_state(e), SOTTO_ICE_FAILED);
}

static void a_peer_that_vanishes_is_disconnected_then_failed(void **state)
{
    (void)state;
    expect_decline(&ends[GONE][0], "peer freed");
    assert_int_equal(drive_send(&ends[GONE][0], 0, 1, 50), SOTTO_E_STATE);
}

static void a_peer_that_falls_silent_is_disconnected_then_failed(void **state)
{
    (void)state;
    expect_decline(&ends[UNPLUGGED][0], "peer silent");
}

static void a_peer_that_comes_back_is_connected_again(void **state)
{
    const struct end *e = &ends[BACK][0];
    (void)state;
    assert_true(end_saw(e, SOTTO_ICE_DISCONNECTED));
    assert_false(end_saw(e, SOTTO_ICE_FAILED));
    assert_int_equal(end_state(e), SOTTO_ICE_COMPLETED);
    assert_int_equal(drive_send(&ends[BACK][0], 0, 1, 50), 1);
}

/* Only answered checks show that the peer wants our packets. */
static void traffic_without_answers_is_a_path_that_is_lost_one_way(void **state)
{
    const struct end *e = &ends[TRAFFIC][0];
    (void)state;
    assert_in_range(ms_after(cut, e, SOTTO_ICE_DISCONNECTED), 14500, 22000);
    print_message("data without answers: failed after %ld ms\n",
                  ms_after(cut, e, SOTTO_ICE_FAILED));
    assert_in_range(ms_after(cut, e, SOTTO_ICE_FAILED), 23000, 30500);
    assert_true(e->packets > 20);
}

static void wrong_credentials_fail_once_no_more_candidates_come(void **state)
{
    long failed = ms_after(started, &ends[WRONG][0], SOTTO_ICE_FAILED);
    (void)state;
    print_message("wrong password: failed after %ld ms\n", failed);
    assert_in_range(failed, 3000, 15000);
    assert_int_equal(ends[WRONG][0].selections, 0);
}

/* proves: ICE-14 */
static void while_candidates_may_come_failure_waits_for_the_patience_of_rfc_8863(void **state)
{
    (void)state;
    assert_in_range(ms_after(started, &ends[OPEN_END][0], SOTTO_ICE_FAILED), 39500, 41000);
    assert_in_range(ms_after(started, &ends[NOBODY][0], SOTTO_ICE_FAILED), 39500, 41000);
}

/* proves: ICE-14 */
static void a_late_candidate_still_connects(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(end_state(&ends[LATE][i]), SOTTO_ICE_COMPLETED);
        assert_false(end_saw(&ends[LATE][i], SOTTO_ICE_FAILED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_stays_up),
        cmocka_unit_test(a_peer_that_vanishes_is_disconnected_then_failed),
        cmocka_unit_test(a_peer_that_falls_silent_is_disconnected_then_failed),
        cmocka_unit_test(a_peer_that_comes_back_is_connected_again),
        cmocka_unit_test(traffic_without_answers_is_a_path_that_is_lost_one_way),
        cmocka_unit_test(wrong_credentials_fail_once_no_more_candidates_come),
        cmocka_unit_test(while_candidates_may_come_failure_waits_for_the_patience_of_rfc_8863),
        cmocka_unit_test(a_late_candidate_still_connects),
    };
    return cmocka_run_group_tests(tests, run_all, free_all);
}
