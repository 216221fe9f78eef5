/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void it_fills_and_returns_the_code(void **state)
{
    (void)state;
    sotto_error e = {.size = sizeof e};
    assert_int_equal(sotto__error(&e, SOTTO_E_SYNTAX, 7, "no %s here", "port"), SOTTO_E_SYNTAX);
    assert_int_equal(e.code, SOTTO_E_SYNTAX);
    assert_int_equal(e.line, 7);
    assert_int_equal(e.size, sizeof e);
    assert_string_equal(e.reason, "no port here");
}

static void nobody_needs_to_listen(void **state)
{
    (void)state;
    assert_int_equal(sotto__error(NULL, SOTTO_E_SDP, 0, "x"), SOTTO_E_SDP);
}

static void a_long_reason_is_cut_and_ended(void **state)
{
    (void)state;
    sotto_error e = {.size = sizeof e};
    sotto__error(&e, SOTTO_E_SDP, 0, "%500s", "x");
    assert_int_equal(strlen(e.reason), sizeof e.reason - 1);
}

static void it_writes_no_further_than_the_size_says(void **state)
{
    (void)state;
    for (uint32_t size = 0; size <= sizeof(sotto_error); size++) {
        union {
            sotto_error e;
            uint8_t bytes[sizeof(sotto_error)];
        } u;
        memset(u.bytes, 0xa5, sizeof u.bytes);
        u.e.size = size;
        sotto__error(&u.e, SOTTO_E_SDP, 3, "reason");
        assert_int_equal(u.e.size, size);
        for (size_t i = size < 4 ? 4 : size; i < sizeof u.bytes; i++)
            assert_int_equal(u.bytes[i], 0xa5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fills_and_returns_the_code),
        cmocka_unit_test(nobody_needs_to_listen),
        cmocka_unit_test(a_long_reason_is_cut_and_ended),
        cmocka_unit_test(it_writes_no_further_than_the_size_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
