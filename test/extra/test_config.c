/* SPDX-License-Identifier: BSD-2-Clause */
#include "extra/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/base.h"
#include "util/limits.h"

struct known {
    uint32_t size;
    int32_t a, b;
};

struct newer {
    struct known first;
    int32_t c;
};

static void a_struct_of_the_same_size_is_copied(void **state)
{
    (void)state;
    struct known in = {sizeof in, 1, 2}, out;
    assert_int_equal(sotto__extra_copy(&in, sizeof out, &out), 0);
    assert_memory_equal(&in, &out, sizeof in);
}

static void no_struct_is_all_zero(void **state)
{
    (void)state;
    struct known zero = {0}, out = {1, 2, 3};
    assert_int_equal(sotto__extra_copy(NULL, sizeof out, &out), 0);
    assert_memory_equal(&out, &zero, sizeof out);
}

/* proves: S17 */
static void fields_that_an_older_caller_does_not_have_are_zero(void **state)
{
    (void)state;
    struct known in = {offsetof(struct known, b), 1, 2}, out = {9, 9, 9};
    assert_int_equal(sotto__extra_copy(&in, sizeof out, &out), 0);
    assert_int_equal(out.a, 1);
    assert_int_equal(out.b, 0);
}

static void a_newer_caller_may_leave_what_we_do_not_know_at_zero(void **state)
{
    (void)state;
    struct newer in = {{sizeof in, 1, 2}, 0};
    struct known out;
    assert_int_equal(sotto__extra_copy(&in, sizeof out, &out), 0);
    assert_int_equal(out.b, 2);
    in.c = 1 << 30;
    assert_int_equal(sotto__extra_copy(&in, sizeof out, &out), SOTTO_E_UNSUPPORTED);
}

static void a_size_that_was_never_set_is_refused(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 3, SOTTO_MAX_STRUCT + 1, UINT32_MAX};
    static uint8_t large[SOTTO_MAX_STRUCT];
    struct known out;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memcpy(large, &sizes[i], sizeof sizes[i]);
        assert_int_equal(sotto__extra_copy(large, sizeof out, &out), SOTTO_E_INVAL);
    }
    memcpy(large, &(uint32_t){SOTTO_MAX_STRUCT}, 4);
    assert_int_equal(sotto__extra_copy(large, sizeof out, &out), 0);
}

static void only_what_has_room_is_filled_and_the_size_stays(void **state)
{
    (void)state;
    const struct known from = {77, 1, 2};
    struct newer to = {{sizeof to, 0, 0}, 5};
    sotto__extra_fill(&to, &from, sizeof from);
    assert_int_equal(to.first.size, sizeof to);
    assert_int_equal(to.first.b, 2);
    assert_int_equal(to.c, 5);
    struct known small = {offsetof(struct known, b), 0, 3};
    sotto__extra_fill(&small, &from, sizeof from);
    assert_int_equal(small.a, 1);
    assert_int_equal(small.b, 3);
    struct known least = {4, 8, 3};
    sotto__extra_fill(&least, &from, sizeof from);
    assert_int_equal(least.a, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_struct_of_the_same_size_is_copied),
        cmocka_unit_test(no_struct_is_all_zero),
        cmocka_unit_test(fields_that_an_older_caller_does_not_have_are_zero),
        cmocka_unit_test(a_newer_caller_may_leave_what_we_do_not_know_at_zero),
        cmocka_unit_test(a_size_that_was_never_set_is_refused),
        cmocka_unit_test(only_what_has_room_is_filled_and_the_size_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
