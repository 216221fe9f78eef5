/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/enc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* proves: A24 */
static void equal_looks_at_every_byte(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(sotto__equal_ct(a, b, 32));
    assert_true(sotto__equal_ct(a, b, 0));
    for (int i = 0; i < 32; i++)
        for (int bit = 0; bit < 8; bit++) {
            b[i] ^= (uint8_t)(1 << bit);
            assert_false(sotto__equal_ct(a, b, 32));
            b[i] ^= (uint8_t)(1 << bit);
        }
}

static void hex_digits_are_these_22_characters(void **state)
{
    (void)state;
    int digits = 0;
    for (int c = -128; c < 128; c++) digits += sotto__hex_digit((char)c) >= 0;
    assert_int_equal(digits, 22);
    assert_int_equal(sotto__hex_digit('0'), 0);
    assert_int_equal(sotto__hex_digit('9'), 9);
    assert_int_equal(sotto__hex_digit('a'), 10);
    assert_int_equal(sotto__hex_digit('F'), 15);
    assert_int_equal(sotto__hex_digit('g'), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_looks_at_every_byte),
        cmocka_unit_test(hex_digits_are_these_22_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
