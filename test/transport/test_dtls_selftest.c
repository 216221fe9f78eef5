/* SPDX-License-Identifier: BSD-2-Clause */
/* The known answers hold on this machine, and a machine without entropy is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sotto/base.h"
#include "transport/dtls_selftest.h"
#include "util/rand.h"

static void the_machine_is_sound(void **state)
{
    (void)state;
    assert_int_equal(sotto__selftest(), 0);
    assert_int_equal(sotto_selftest(), 0); /* this, and what SRTP knows */
}

static void missing_entropy_is_told(void **state)
{
    (void)state;
    sotto__rand_fail(1);
    assert_int_equal(sotto__selftest(), SOTTO_E_SYS);
    sotto__rand_fail(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_is_sound),
        cmocka_unit_test(missing_entropy_is_told),
    };
    return cmocka_run_group_tests_name("selftest", tests, NULL, NULL);
}
