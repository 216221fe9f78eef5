/* SPDX-License-Identifier: BSD-2-Clause */
#include "media/nack.h"

#include "feed.h"

static void begin(struct nack *k)
{
    sotto__nack_init(k);
    sotto__nack_set_rtt(k, SOTTO_MS(80));
    assert_int_equal(sotto__nack_packet(k, 0, 100), NACK_NEW);
}

static void nothing_is_missing_in_order(void **state)
{
    struct nack k;
    uint16_t seqs[4];
    (void)state;
    begin(&k);
    for (int64_t seq = 101; seq < 70000; seq++)
        assert_int_equal(sotto__nack_packet(&k, seq, seq), NACK_NEW);
    assert_int_equal(sotto__nack_due(&k), SOTTO_NEVER);
    assert_int_equal(sotto__nack_next(&k, SOTTO_SECONDS(9), seqs, 4), 0);
    assert_null(k.items); /* nor is memory used */
    sotto__nack_free(&k);
}

static void a_gap_is_asked_for_after_a_moment_and_again_after_a_round_trip(void **state)
{
    struct nack k;
    uint16_t seqs[4];
    (void)state;
    begin(&k);
    assert_int_equal(sotto__nack_packet(&k, 1000, 103), NACK_NEW);
    sotto_us due = sotto__nack_due(&k);
    assert_in_range(due, 1000 + SOTTO_MS(9), 1000 + SOTTO_MS(10));
    assert_int_equal(sotto__nack_next(&k, due - 1, seqs, 4), 0);
    assert_int_equal(sotto__nack_next(&k, due, seqs, 4), 2);
    assert_int_equal(seqs[0], 101);
    assert_int_equal(seqs[1], 102);
    assert_int_equal(sotto__nack_since(&k, 101), 1000);
    sotto_us again = sotto__nack_due(&k);
    assert_in_range(again - due, SOTTO_MS(80), SOTTO_MS(120));
    assert_int_equal(sotto__nack_packet(&k, again - 1, 102), NACK_REPAIRED);
    assert_int_equal(sotto__nack_since(&k, 102), -1);
    assert_int_equal(sotto__nack_next(&k, again, seqs, 4), 1);
    assert_int_equal(seqs[0], 101);
    sotto__nack_free(&k);
}

static void it_backs_off_and_gives_up(void **state)
{
    struct nack k;
    uint16_t seq;
    sotto_us at[NACK_MAX_ASKED];
    unsigned asked = 0;
    (void)state;
    begin(&k);
    sotto__nack_packet(&k, 0, 102);
    for (sotto_us due; (due = sotto__nack_due(&k)) != SOTTO_NEVER;) {
        size_t n = sotto__nack_next(&k, due, &seq, 1);
        if (n == 0) break;
        assert_true(asked < NACK_MAX_ASKED);
        at[asked++] = due;
    }
    assert_int_equal(asked, NACK_MAX_ASKED);
    assert_int_equal(k.n, 0);
    assert_true(at[asked - 1] - at[asked - 3] > 2 * (at[4] - at[2]));
    assert_int_equal(sotto__nack_packet(&k, SOTTO_SECONDS(9), 101), NACK_UNKNOWN);
    sotto__nack_free(&k);
}

static void what_comes_by_itself_is_not_asked_for_and_teaches_patience(void **state)
{
    struct nack k;
    (void)state;
    begin(&k);
    sotto__nack_packet(&k, 0, 102);
    assert_int_equal(sotto__nack_packet(&k, SOTTO_MS(30), 101), NACK_FILLED);
    assert_int_equal(sotto__nack_due(&k), SOTTO_NEVER);
    sotto__nack_packet(&k, SOTTO_MS(40), 104);
    assert_true(sotto__nack_due(&k) > SOTTO_MS(40 + 30)); /* it waits as long as that took */
    sotto_us taught = k.reordering;
    for (int64_t seq = 105; seq < 10000; seq++) sotto__nack_packet(&k, SOTTO_MS(seq), seq);
    assert_true(k.reordering < taught / 2); /* … and forgets it in time */
    for (int64_t seq = 10001; seq < 20000; seq += 2) {
        sotto__nack_packet(&k, SOTTO_MS(seq), seq);
        sotto__nack_packet(&k, SOTTO_MS(seq + 500), seq - 1);
    }
    assert_int_equal(k.reordering, SOTTO_MS(100)); /* at most */
    sotto__nack_free(&k);
}

static void a_packet_that_comes_soon_after_the_question_is_no_answer(void **state)
{
    struct nack k;
    uint16_t seq;
    (void)state;
    begin(&k);
    sotto__nack_packet(&k, 0, 102);
    assert_int_equal(sotto__nack_next(&k, SOTTO_MS(10), &seq, 1), 1);
    assert_int_equal(sotto__nack_packet(&k, SOTTO_MS(20), 101), NACK_FILLED);
    assert_in_range(k.reordering, SOTTO_MS(20), SOTTO_MS(30));
    sotto__nack_free(&k);
}

static void the_round_trip_is_learned_from_answers_until_it_is_given(void **state)
{
    struct nack k;
    uint16_t seq;
    (void)state;
    sotto__nack_init(&k);
    sotto__nack_packet(&k, 0, 1);
    for (int64_t i = 0; i < 40; i++) {
        sotto_us now = SOTTO_SECONDS(i);
        sotto__nack_packet(&k, now, 3 + 2 * i);
        assert_int_equal(sotto__nack_next(&k, now + SOTTO_MS(20), &seq, 1), 1);
        sotto__nack_packet(&k, now + SOTTO_MS(20 + 60), 2 + 2 * i);
    }
    assert_in_range(k.rtt, SOTTO_MS(55), SOTTO_MS(65));
    sotto__nack_set_rtt(&k, SOTTO_MS(300));
    sotto__nack_packet(&k, SOTTO_SECONDS(50), 100);
    assert_int_equal(k.rtt, SOTTO_MS(300));
    sotto__nack_set_rtt(&k, 0); /* not known: stays */
    assert_int_equal(k.rtt, SOTTO_MS(300));
    sotto__nack_free(&k);
}

static void a_gap_of_the_limit_is_asked_for_and_one_more_is_not(void **state)
{
    struct nack k;
    uint16_t seqs[SOTTO_MAX_NACKS];
    (void)state;
    begin(&k);
    assert_int_equal(sotto__nack_packet(&k, 0, 101 + SOTTO_MAX_NACKS), NACK_NEW);
    assert_int_equal(sotto__nack_next(&k, SOTTO_SECONDS(1), seqs, SOTTO_MAX_NACKS),
                     SOTTO_MAX_NACKS);
    assert_int_equal(seqs[SOTTO_MAX_NACKS - 1], 100 + SOTTO_MAX_NACKS);
    assert_int_equal(sotto__nack_packet(&k, 0, 103 + SOTTO_MAX_NACKS), NACK_TOO_MANY);
    assert_int_equal(k.n, 0);
    assert_int_equal(sotto__nack_packet(&k, 0, 105 + SOTTO_MAX_NACKS), NACK_NEW); /* it goes on */
    assert_int_equal(k.n, 1);
    assert_int_equal(sotto__nack_packet(&k, 0, 106 + 2 * SOTTO_MAX_NACKS), NACK_TOO_MANY);
    sotto__nack_free(&k);
}

static void more_than_fit_into_one_packet_are_asked_for_in_turns(void **state)
{
    struct nack k;
    uint16_t seqs[10];
    (void)state;
    begin(&k);
    sotto__nack_packet(&k, 0, 116); /* 15 are missing */
    assert_int_equal(sotto__nack_next(&k, SOTTO_MS(10), seqs, 10), 10);
    assert_true(sotto__nack_due(&k) <= SOTTO_MS(10));
    assert_int_equal(sotto__nack_next(&k, SOTTO_MS(10), seqs, 10), 5);
    assert_int_equal(seqs[0], 111);
    assert_int_equal(sotto__nack_next(&k, SOTTO_MS(10), seqs, 10), 0);
    sotto__nack_free(&k);
}

static void what_is_not_needed_is_forgotten(void **state)
{
    struct nack k;
    (void)state;
    begin(&k);
    sotto__nack_packet(&k, 0, 110);
    sotto__nack_forget(&k, 105);
    assert_int_equal(k.n, 5);
    assert_int_equal(sotto__nack_since(&k, 104), -1);
    assert_int_equal(sotto__nack_since(&k, 105), 0);
    sotto__nack_before(&k, 7, 90, 93);
    assert_int_equal(k.n, 8);
    assert_int_equal(sotto__nack_since(&k, 92), 7);
    sotto__nack_restart(&k, 1000);
    assert_int_equal(k.n, 0);
    assert_int_equal(sotto__nack_packet(&k, 0, 1001), NACK_NEW);
    assert_int_equal(k.n, 0);
    sotto__nack_free(&k);
}

static void without_memory_a_gap_is_too_large(void **state)
{
    struct nack k;
    (void)state;
    begin(&k);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__nack_packet(&k, 0, 103), NACK_TOO_MANY);
    assert_true(sotto__mem_failed());
    assert_int_equal(sotto__nack_packet(&k, 0, 105), NACK_NEW);
    assert_int_equal(k.n, 1);
    sotto__mem_fail_at(1);
    sotto__nack_before(&k, 0, 50, 80); /* more than fits: none of them */
    assert_true(sotto__mem_failed());
    assert_int_equal(k.n, 1);
    sotto__nack_free(&k);
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing_in_order),
        cmocka_unit_test(a_gap_is_asked_for_after_a_moment_and_again_after_a_round_trip),
        cmocka_unit_test(it_backs_off_and_gives_up),
        cmocka_unit_test(what_comes_by_itself_is_not_asked_for_and_teaches_patience),
        cmocka_unit_test(a_packet_that_comes_soon_after_the_question_is_no_answer),
        cmocka_unit_test(the_round_trip_is_learned_from_answers_until_it_is_given),
        cmocka_unit_test(a_gap_of_the_limit_is_asked_for_and_one_more_is_not),
        cmocka_unit_test(more_than_fit_into_one_packet_are_asked_for_in_turns),
        cmocka_unit_test(what_is_not_needed_is_forgotten),
        cmocka_unit_test(without_memory_a_gap_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
