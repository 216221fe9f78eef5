/* SPDX-License-Identifier: BSD-2-Clause */
/* Consent of a selected pair (RFC 7675): who is asked when, what counts as an answer, what becomes of the state. */
#include <stdlib.h>
#include <string.h>

#include "answerer.h"

/* proves: ICE-11 */
static void a_peer_is_asked_every_four_to_six_seconds_in_both_roles(void **state)
{
    struct ice_pair pair;
    (void)state;
    for (int role = 0; role < 2; role++) {
        set_up(role == 1);
        assert_in_range(ops->due(alice.ice) - drive_now(), SOTTO_MS(3900), SOTTO_MS(6000));
        pass(300, WELL);
        assert_in_range(asked, 50, 75);
        for (unsigned i = 1; i < asked; i++) /* as seen in steps of 100 ms */
            assert_in_range(asked_at[i] - asked_at[i - 1], SOTTO_MS(3900), SOTTO_MS(6100));
        assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
        assert_false(end_saw(&alice, SOTTO_ICE_DISCONNECTED));
        assert_true(ops->pair(alice.ice, &pair));
        assert_int_equal(pair.asked, asked);
        assert_in_range(pair.answered, asked - 1, asked);
        assert_in_range(pair.rtt, SOTTO_MS(90), SOTTO_MS(110)); /* the answer is read in the next step */
        assert_in_range(pair.rtt_total / (sotto_us)pair.answered, SOTTO_MS(90), SOTTO_MS(110));
        tear_down();
    }
}

static void pauses_in_the_data_do_not_make_it_more_often_than_every_four(void **state)
{
    static const uint8_t data[20] = {0x80};
    (void)state;
    set_up(true);
    for (int i = 0; i < 60; i++) {
        send_raw(fd, &alice, data, sizeof data);
        pass_ms(1700, WELL);
    }
    assert_true(asked > 15);
    for (unsigned i = 1; i < asked; i++)
        assert_true(asked_at[i] - asked_at[i - 1] >= SOTTO_MS(3900));
    tear_down();
}

/* The state since then, and how long after. */
static long shown_after(sotto_us start, int32_t shown)
{
    for (size_t i = 0; i < alice.n_states; i++)
        if (alice.state_at[i] >= start && alice.states[i] == shown)
            return (long)((alice.state_at[i] - start) / 1000);
    return -1;
}

/* At any place of the rhythm of requests. */
/* proves: H051 */
static void a_path_that_carried_data_is_lost_after_five_seconds_and_back_at_once(void **state)
{
    static const uint8_t data[20] = {0x80};
    (void)state;
    for (int phase = 0; phase < 6000; phase += 700) {
        set_up(phase % 1400 == 0);
        for (int ms = 0; ms < 10000 + phase; ms += 100) {
            send_raw(fd, &alice, data, sizeof data);
            pass_ms(100, WELL);
        }
        sotto_us cut = now_ahead();
        pass(12, NOT);
        assert_in_range(shown_after(cut, SOTTO_ICE_DISCONNECTED), 4800, 7000);
        sotto_us mended = now_ahead();
        pass(3, WELL);
        assert_in_range(shown_after(mended, SOTTO_ICE_CONNECTED), 0, 1300);
        assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
        tear_down();
    }
}

static void three_seconds_without_a_path_change_nothing(void **state)
{
    (void)state;
    set_up(true);
    for (int i = 0; i < 40; i++) {
        pass_ms(2900, NOT);
        pass_ms(7000 + 100 * i, WELL);
    }
    assert_false(end_saw(&alice, SOTTO_ICE_DISCONNECTED));
    tear_down();
}

/* The puppet asks now and then, as a peer does. */
/* proves: ICE-10 */
static void an_idle_hour_with_loss_and_late_answers_changes_no_state(void **state)
{
    uint8_t check[512];
    (void)state;
    set_up(true);
    srand(1);
    for (int i = 0; i < 720; i++) {
        if (!is_lost(BADLY)) send_raw(fd, &alice, check, make_check(&puppet, &alice, check));
        pass(5, BADLY);
    }
    assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
    assert_false(end_saw(&alice, SOTTO_ICE_DISCONNECTED));
    assert_in_range(asked, 600, 2400);
    tear_down();
}

static long failed_after(void)
{
    sotto_us at = end_when(&alice, SOTTO_ICE_FAILED);
    return at < 0 ? -1 : (long)((at - (now_ahead() - ahead)) / 1000);
}

/* proves: H051 H052 */
static void what_is_no_proof_is_no_consent(void **state)
{
    static const enum manner bad[] = {NOT,        WITHOUT_INTEGRITY, WITH_ANOTHER_KEY,
                                      TO_ANOTHER, WITH_AN_ERROR,     FROM_ANOTHER};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set_up(true);
        pass(34, bad[i]);
        assert_true(asked >= 4);
        assert_in_range(failed_after(), 28000, 30300);
        tear_down();
    }
}

/* They are a sign of life, which shows that the network carries; whether the peer wants our packets they do not say. */
/* proves: H052 */
static void data_alone_is_no_consent(void **state)
{
    static const uint8_t data[20] = {0x80};
    (void)state;
    set_up(true);
    for (int i = 0; i < 34; i++) {
        send_raw(fd, &alice, data, sizeof data);
        pass(1, NOT);
    }
    assert_in_range(failed_after(), 28000, 30300);
    tear_down();
}

static void lost_answers_are_made_up_for_by_later_ones(void **state)
{
    (void)state;
    set_up(true);
    for (int i = 0; i < 5; i++) {
        pass(16, NOT);
        pass(7, TWICE);
    }
    assert_int_equal(end_saw(&alice, SOTTO_ICE_FAILED), 0);
    assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
    tear_down();
}

/* proves: H051 ICE-11 */
static void nothing_is_sent_when_it_has_ended(void **state)
{
    static uint8_t data[20] = {0x80};
    struct packet p = {data, sizeof data};
    (void)state;
    set_up(true);
    sotto_us start = now_ahead();
    pass(6, NOT);
    assert_int_equal(ops->send(alice.ice, &p, 1, start + SOTTO_SECONDS(29)), 1);
    assert_int_equal(ops->send(alice.ice, &p, 1, start + SOTTO_MS(30001)), SOTTO_E_STATE); /* before any turn */
    pass(26, NOT);
    assert_int_equal(end_state(&alice), SOTTO_ICE_FAILED);
    asked = 0;
    pass(60, WELL);
    assert_int_equal(asked, 0); /* nor asked for any more */
    tear_down();
}

/* Another network, or a sleep: the clock of the ice stood still. */
static void a_host_that_woke_asks_at_once_and_has_lost_consent_after_30_seconds(void **state)
{
    static const struct {
        sotto_us slept;
        enum manner how;
        int32_t shown;
    } rows[] = {{0, WELL, SOTTO_ICE_COMPLETED},
                {SOTTO_SECONDS(20), WELL, SOTTO_ICE_COMPLETED},
                {SOTTO_SECONDS(20), NOT, SOTTO_ICE_FAILED}, /* 12 s later */
                {SOTTO_SECONDS(30), WELL, SOTTO_ICE_FAILED}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up(i % 2 == 0);
        pass_ms(200, WELL);
        unsigned before = asked;
        ops->woke(alice.ice, rows[i].slept, now_ahead());
        pass_ms(500, rows[i].how);
        assert_int_equal(asked > before, rows[i].slept < SOTTO_SECONDS(30));
        if (rows[i].slept < SOTTO_SECONDS(30))
            assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
        pass(12, rows[i].how);
        assert_int_equal(end_state(&alice), rows[i].shown);
        tear_down();
    }
}

/* A conflict that only the peer sees: the next request has the other role, and if it is the same again the end is as without answers. */
/* proves: ICE-06 */
static void an_error_of_the_role_changes_it_for_the_next_request(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        set_up(role == 1);
        while (asked == 0) pass_ms(100, WITH_ANOTHER_ROLE);
        assert_int_equal(asked_as_controlling, role == 1);
        while (asked == 1) pass_ms(100, WELL);
        assert_int_equal(asked_as_controlling, role == 0);
        pass(60, WELL);
        assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
        assert_int_equal(asked_as_controlling, role == 0);
        pass(34, WITH_ANOTHER_ROLE);
        assert_int_equal(end_state(&alice), SOTTO_ICE_FAILED);
        tear_down();
    }
}

static void the_peer_s_requests_are_answered(void **state)
{
    uint8_t check[512];
    (void)state;
    for (int role = 0; role < 2; role++) {
        set_up(role == 1);
        for (unsigned i = 1; i <= 10; i++) {
            pass(1, WELL);
            send_raw(fd, &alice, check, make_check(&puppet, &alice, check));
            turn();
            turn(); /* the first may have read an answer that came before it */
            serve(WELL);
            assert_int_equal(answered, i);
        }
        tear_down();
    }
}

/* proves: H040 */
static void a_request_with_a_wrong_key_or_name_is_not(void **state)
{
    uint8_t check[512];
    struct end other;
    (void)state;
    set_up(true);
    other = alice;
    other.pwd[0] ^= 1;
    pass(1, WELL);
    send_raw(fd, &alice, check, make_check(&puppet, &other, check));
    pass(1, WELL);
    other = puppet;
    other.ufrag[5] ^= 1;
    send_raw(fd, &alice, check, make_check(&other, &alice, check));
    pass(1, WELL);
    assert_int_equal(answered, 0);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_asked_every_four_to_six_seconds_in_both_roles),
        cmocka_unit_test(pauses_in_the_data_do_not_make_it_more_often_than_every_four),
        cmocka_unit_test(a_path_that_carried_data_is_lost_after_five_seconds_and_back_at_once),
        cmocka_unit_test(three_seconds_without_a_path_change_nothing),
        cmocka_unit_test(an_idle_hour_with_loss_and_late_answers_changes_no_state),
        cmocka_unit_test(what_is_no_proof_is_no_consent),
        cmocka_unit_test(data_alone_is_no_consent),
        cmocka_unit_test(lost_answers_are_made_up_for_by_later_ones),
        cmocka_unit_test(nothing_is_sent_when_it_has_ended),
        cmocka_unit_test(a_host_that_woke_asks_at_once_and_has_lost_consent_after_30_seconds),
        cmocka_unit_test(an_error_of_the_role_changes_it_for_the_next_request),
        cmocka_unit_test(the_peer_s_requests_are_answered),
        cmocka_unit_test(a_request_with_a_wrong_key_or_name_is_not),
    };
    return cmocka_run_group_tests_name("ice_nice_consent", tests, NULL, NULL);
}
