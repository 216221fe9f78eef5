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

/* proves: S13 */
static void the_machine_is_sound(void **state)
{
    (void)state;
    assert_int_equal(sotto__selftest(), 0);
    assert_int_equal(sotto_selftest(), 0); /* this, and what SRTP knows */
}

/* proves: S13 */
static void missing_entropy_is_told(void **state)
{
    (void)state;
    sotto__rand_fail(1);
    assert_int_equal(sotto__selftest(), SOTTO_E_SYS);
    sotto__rand_fail(0);
}

/* proves: S13 */
static void each_known_answer_that_is_altered_is_seen(void **state)
{
    (void)state;
    assert_int_equal(sotto__selftest_by(&sotto__known_answers), 0);
    for (size_t at = 0; at < sizeof sotto__known_answers; at++) {
        struct known_answers altered = sotto__known_answers;
        size_t rest = offsetof(struct known_answers, records) + 2 * KNOWN_RECORD + 34;
        if (at >= rest && at < rest + KNOWN_RECORD - 34) continue; /* that record is shorter */
        size_t end = offsetof(struct known_answers, crc32c) + 4;
        if (at >= end || (at >= offsetof(struct known_answers, fingerprint) + 32 && at < end - 4))
            continue; /* padding */
        ((uint8_t *)&altered)[at] ^= 1;
        if (sotto__selftest_by(&altered) != SOTTO_E_SYS) fail_msg("byte %zu", at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_is_sound),
        cmocka_unit_test(missing_entropy_is_told),
        cmocka_unit_test(each_known_answer_that_is_altered_is_seen),
    };
    return cmocka_run_group_tests_name("selftest", tests, NULL, NULL);
}
