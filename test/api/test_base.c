/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors, names, versions and known answers. */
#include "call.h"

static void every_error_has_a_text_and_a_name(void **state)
{
    (void)state;
    for (int code = -17; code <= -1; code++) {
        assert_true(strlen(sotto_strerror(code)) > 5);
        assert_string_not_equal(sotto_strerror(code), "unknown error");
        assert_true(strlen(sotto_error_w3c(code)) > 5);
    }
    assert_string_equal(sotto_strerror(-18), "unknown error");
    assert_string_equal(sotto_strerror(0), "success");
    assert_string_equal(sotto_error_w3c(3), "");
    assert_string_equal(sotto_error_w3c(SOTTO_E_STATE), "InvalidStateError");
}

static void the_clock_goes_on_and_the_machine_is_sound(void **state)
{
    (void)state;
    sotto_us before = sotto_now();
    assert_int_equal(sotto_selftest(), 0);
    assert_true(sotto_now() > before);
    assert_int_equal(strspn(sotto_version(), "0123456789."), strlen(sotto_version()));
    sotto_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_text_and_a_name),
        cmocka_unit_test(the_clock_goes_on_and_the_machine_is_sound),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
