/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/base.h"
#include "util/mem.h"

static void it_grows_and_keeps_what_was_added(void **state)
{
    (void)state;
    struct buf b;
    sotto__buf_init(&b, 100000);
    for (int i = 0; i < 10000; i++) sotto__buf_addf(&b, "%d,", i % 10);
    assert_int_equal(b.err, 0);
    assert_int_equal(b.n, 20000);
    for (size_t i = 0; i < 10000; i++) assert_int_equal(b.p[2 * i], '0' + (int)(i % 10));
    char *s = sotto__buf_take_string(&b);
    assert_int_equal(strlen(s), 20000);
    assert_null(b.p);
    sotto__free(s);
    assert_int_equal(sotto__mem_live(), 0);
}

static void it_stops_one_past_its_maximum_and_says_so(void **state)
{
    (void)state;
    struct buf b;
    sotto__buf_init(&b, 10);
    sotto__buf_add(&b, "0123456789", 10);
    assert_int_equal(b.err, 0);
    sotto__buf_add(&b, "x", 1);
    assert_int_equal(b.err, SOTTO_E_LIMIT);
    sotto__buf_add(&b, "", 0); /* the error sticks */
    assert_int_equal(b.err, SOTTO_E_LIMIT);
    assert_int_equal(b.n, 10);
    assert_null(sotto__buf_take_string(&b));
    assert_int_equal(sotto__mem_live(), 0);
}

static void a_string_as_long_as_the_maximum_can_be_taken(void **state)
{
    (void)state;
    struct buf b;
    sotto__buf_init(&b, 10);
    sotto__buf_add(&b, "0123456789", 10);
    char *s = sotto__buf_take_string(&b);
    assert_string_equal(s, "0123456789");
    sotto__free(s);
}

static void an_empty_one_gives_the_empty_string(void **state)
{
    (void)state;
    struct buf b;
    sotto__buf_init(&b, 10);
    char *s = sotto__buf_take_string(&b);
    assert_string_equal(s, "");
    sotto__free(s);
    sotto__buf_free(&b);
    sotto__buf_free(NULL);
}

static void no_memory_sticks_and_nothing_leaks(void **state)
{
    (void)state;
    struct buf b;
    sotto__buf_init(&b, 10000);
    sotto__buf_add(&b, "abc", 3);
    sotto__mem_fail_at(1);
    sotto__buf_addf(&b, "%1000d", 1);
    assert_true(sotto__mem_failed());
    assert_int_equal(b.err, SOTTO_E_NOMEM);
    assert_int_equal(b.n, 3);
    assert_null(sotto__buf_take_string(&b));
    assert_int_equal(sotto__mem_live(), 0);
}

static void a_size_near_the_largest_number_does_not_wrap(void **state)
{
    (void)state;
    struct buf b;
    sotto__buf_init(&b, SIZE_MAX);
    sotto__buf_add(&b, "abc", 3);
    assert_false(sotto__buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.err, SOTTO_E_LIMIT);
    sotto__buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_and_keeps_what_was_added),
        cmocka_unit_test(it_stops_one_past_its_maximum_and_says_so),
        cmocka_unit_test(a_string_as_long_as_the_maximum_can_be_taken),
        cmocka_unit_test(an_empty_one_gives_the_empty_string),
        cmocka_unit_test(no_memory_sticks_and_nothing_leaks),
        cmocka_unit_test(a_size_near_the_largest_number_does_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
