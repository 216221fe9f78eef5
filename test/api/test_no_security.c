/* SPDX-License-Identifier: BSD-2-Clause */
/* A library built with -Dreport=disabled: its two functions are there, and say that they do nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sotto/sotto.h"

static void both_functions_say_that_they_are_not_supported(void **state)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_security *report = NULL;
    char *json = NULL;
    (void)state;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_get_security(pc, &report), SOTTO_E_UNSUPPORTED);
    assert_int_equal(sotto_pc_get_security_json(pc, &json), SOTTO_E_UNSUPPORTED);
    assert_null(report);
    assert_null(json);
    assert_int_equal(sotto_pc_get_security(NULL, &report), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_security_json(pc, NULL), SOTTO_E_INVAL);
    sotto_pc_free(pc);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_functions_say_that_they_are_not_supported),
    };
    return cmocka_run_group_tests_name("no_security", tests, NULL, NULL);
}
