/* SPDX-License-Identifier: BSD-2-Clause */
/* A library built with -Dwhip=disabled: no function of whip.h does anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sotto/whip.h"

static void every_function_says_that_it_is_not_supported(void **state)
{
    (void)state;
    sotto_whip *w = NULL;
    sotto_whip_config cfg = {.size = sizeof cfg, .url = "https://example.com/"};
    sotto_whip_news news = {.size = sizeof news};
    const int results[] = {
        sotto_whip_publish(NULL, &cfg, &w),
        sotto_whep_play(NULL, &cfg, &w),
        sotto_whip_handle(w, NULL),
        sotto_whip_next(w, &news),
        sotto_whip_set_token(w, NULL),
        sotto_whip_retry(w),
        sotto_whip_stop(w),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        assert_int_equal(results[i], SOTTO_E_UNSUPPORTED);
    sotto_whip_free(w);
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_says_that_it_is_not_supported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
