/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of consent that stand behind data in their socket: found by SO_PEEK_OFF, which an emulator of processors does not pass on. */
#include "answerer.h"

static void an_answer_between_data_is_found(void **state)
{
    struct ice_pair pair;
    (void)state;
    set_up(true);
    pass(120, BEHIND_DATA);
    assert_true(asked >= 20);
    assert_true(ops->pair(alice.ice, &pair));
    assert_true(pair.answered >= asked - 1);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_between_data_is_found),
    };
    return cmocka_run_group_tests_name("ice_nice_peek", tests, NULL, NULL);
}
