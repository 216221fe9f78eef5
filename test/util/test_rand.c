/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/base.h"

static void two_draws_differ(void **state)
{
    (void)state;
    uint64_t a = 0, b = 0;
    assert_int_equal(sotto__rand_u64(&a), 0);
    assert_int_equal(sotto__rand_u64(&b), 0);
    assert_true(a != b);
}

/* proves: ICE-02 */
static void ice_text_uses_every_ice_char_and_no_other(void **state)
{
    (void)state;
    char text[4097];
    int seen[256] = {0}, kinds = 0;
    assert_int_equal(sotto__rand_ice(text, 4096), 0);
    assert_int_equal(strlen(text), 4096);
    for (int i = 0; i < 4096; i++) seen[(uint8_t)text[i]] = 1;
    for (int c = 0; c < 256; c++) kinds += seen[c];
    assert_int_equal(kinds, 64); /* a character is missing with probability 64 × e^-64 */
    assert_int_equal(
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), 4096);
}

/* proves: ICE-02 A17 */
static void without_entropy_there_is_an_error(void **state)
{
    (void)state;
    uint64_t v;
    char text[5];
    sotto__rand_fail(1);
    assert_int_equal(sotto__rand_u64(&v), SOTTO_E_SYS);
    assert_int_equal(sotto__rand_ice(text, 4), SOTTO_E_SYS);
    sotto__rand_fail(0);
    assert_int_equal(sotto__rand_u64(&v), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_draws_differ),
        cmocka_unit_test(ice_text_uses_every_ice_char_and_no_other),
        cmocka_unit_test(without_entropy_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
