/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/ctx.h"

static struct log_line lines[SOTTO_MAX_LOG_LINES];

static void lines_come_out_in_order_with_their_module(void **state)
{
    (void)state;
    struct log ring = {.level = SOTTO_LOG_INFO, .lines = lines}, *l = &ring;
    struct log_line out;
    SOTTO_LOG(l, SOTTO_LOG_INFO, "dtls", "done as %s", "client");
    SOTTO_LOG(l, SOTTO_LOG_ERROR, "ice", "gone");
    SOTTO_LOG(l, SOTTO_LOG_DEBUG, "ice", "not wanted");
    SOTTO_LOG((struct log *)NULL, SOTTO_LOG_ERROR, "ice", "to nobody");
    assert_true(sotto__log_take(l, &out));
    assert_string_equal(out.text, "dtls: done as client");
    assert_int_equal(out.level, SOTTO_LOG_INFO);
    assert_true(sotto__log_take(l, &out));
    assert_string_equal(out.text, "ice: gone");
    assert_false(sotto__log_take(l, &out));
}

/* proves: A18 */
static void one_line_past_the_limit_is_counted_as_lost(void **state)
{
    (void)state;
    struct log l = {.level = SOTTO_LOG_INFO, .lines = lines};
    struct log_line out;
    for (uint32_t i = 0; i < SOTTO_MAX_LOG_LINES + 1; i++)
        sotto__log(&l, SOTTO_LOG_INFO, "x", "%u", i);
    assert_int_equal(l.lost, 1);
    for (uint32_t i = 0; i < SOTTO_MAX_LOG_LINES; i++) assert_true(sotto__log_take(&l, &out));
    assert_string_equal(out.text, "x: 255");
    assert_false(sotto__log_take(&l, &out));
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    struct log l = {.level = SOTTO_LOG_INFO, .lines = lines};
    struct log_line out;
    sotto__log(&l, SOTTO_LOG_INFO, "x", "%1000d", 1);
    assert_true(sotto__log_take(&l, &out));
    assert_int_equal(strlen(out.text), SOTTO_MAX_LOG_LINE - 1);
}

/* proves: S26 */
static void addresses_are_masked_unless_they_are_asked_for(void **state)
{
    (void)state;
    struct log l = {.level = SOTTO_LOG_INFO, .lines = lines};
    struct log_line out;
    sotto__log(&l, SOTTO_LOG_INFO, "ice", "pair %s", "192.0.2.77");
    assert_true(sotto__log_take(&l, &out));
    assert_memory_equal(out.text, "ice: pair ip4-", 14);
    assert_null(strstr(out.text, "192.0.2"));
    assert_false(sotto__log_shows(&l) || sotto__log_shows(NULL));
    l.shows = true;
    sotto__log(&l, SOTTO_LOG_INFO, "ice", "pair %s", "192.0.2.77");
    assert_true(sotto__log_take(&l, &out));
    assert_string_equal(out.text, "ice: pair 192.0.2.77");
    assert_true(sotto__log_shows(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_in_order_with_their_module),
        cmocka_unit_test(one_line_past_the_limit_is_counted_as_lost),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(addresses_are_masked_unless_they_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
