/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void ieq_ignores_the_case_of_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(sotto__str_ieq(STR("UDP/dtls/SCTP"), STR("udp/DTLS/sctp")));
    assert_false(sotto__str_ieq(STR("a"), STR("ab")));
    assert_false(sotto__str_ieq(STR("@"), STR("`"))); /* 32 apart, but no letters */
    assert_false(sotto__str_ieq(STR("\xc4"), STR("\xe4")));
}

static void eq_of_empty_views_needs_no_pointer(void **state)
{
    (void)state;
    assert_true(sotto__str_eq((struct str){NULL, 0}, STR("")));
    assert_true(sotto__str_eq(sotto__str(NULL), STR("")));
    assert_false(sotto__str_eq(STR("a"), STR("")));
}

static void starts_with_a_prefix(void **state)
{
    (void)state;
    assert_true(sotto__str_starts(STR("candidate:1"), STR("candidate:")));
    assert_true(sotto__str_starts(STR("x"), (struct str){NULL, 0}));
    assert_false(sotto__str_starts(STR("cand"), STR("candidate:")));
}

static void trim_takes_blanks_off_both_ends(void **state)
{
    (void)state;
    assert_true(sotto__str_eq(sotto__str_trim(STR(" \t a b \t")), STR("a b")));
    assert_true(sotto__str_eq(sotto__str_trim(STR(" \t ")), STR("")));
}

static void cut_splits_at_the_first_separator(void **state)
{
    (void)state;
    struct str left, right;
    assert_true(sotto__str_cut(STR("a:b:c"), ':', &left, &right));
    assert_true(sotto__str_eq(left, STR("a")) && sotto__str_eq(right, STR("b:c")));
    assert_true(sotto__str_cut(STR(":"), ':', &left, &right));
    assert_true(left.n == 0 && right.n == 0);
    assert_false(sotto__str_cut(STR("abc"), ':', &left, &right));
    assert_true(sotto__str_eq(left, STR("abc")) && right.n == 0);
    assert_false(sotto__str_cut((struct str){NULL, 0}, ':', &left, &right));
}

static void word_walks_over_runs_of_spaces(void **state)
{
    (void)state;
    struct str rest = STR("  one two  three ");
    assert_true(sotto__str_eq(sotto__str_word(&rest), STR("one")));
    assert_true(sotto__str_eq(sotto__str_word(&rest), STR("two")));
    assert_true(sotto__str_eq(sotto__str_word(&rest), STR("three")));
    assert_int_equal(sotto__str_word(&rest).n, 0);
    assert_int_equal(sotto__str_word(&rest).n, 0);
}

static void u64_takes_decimal_digits_up_to_a_maximum(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max, value;
        bool ok;
    } rows[] = {
        {"0", 0, 0, true},
        {"007", 7, 7, true},
        {"65535", 65535, 65535, true},
        {"65536", 65535, 0, false},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
        {"18446744073709551616", UINT64_MAX, 0, false},
        {"99999999999999999999", UINT64_MAX, 0, false},
        {"000000000000000000001", UINT64_MAX, 0, false}, /* 21 digits */
        {"", 9, 0, false},
        {"-1", 9, 0, false},
        {"+1", 9, 0, false},
        {" 1", 9, 0, false},
        {"1a", 99, 0, false},
        {"0x1", 99, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 77;
        if (sotto__str_u64(sotto__str(rows[i].text), rows[i].max, &value) != rows[i].ok ||
            value != (rows[i].ok ? rows[i].value : 77))
            fail_msg("row %s", rows[i].text);
    }
}

static void utf8_follows_rfc_3629(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"", true},
        {"twelve bytes", true},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", true}, /* the edges of what is allowed */
        {"eightby\xc3\xa4teseight", true},                  /* across a word */
        {"\x80", false},                                    /* a continuation alone */
        {"\xc0\x80", false},                                /* overlong NUL */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},     /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf0\x8f\xbf\xbf", false}, /* overlong */
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xc3", false}, /* cut off */
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
        {"\xe2\x28\xa1", false},
        {"\xe2\x82\x28", false},
        {"eightbyt\xff", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (sotto__utf8_ok((const uint8_t *)rows[i].text, strlen(rows[i].text)) != rows[i].ok)
            fail_msg("row %zu", i);
    assert_true(sotto__utf8_ok((const uint8_t *)"a\0b", 3)); /* NUL is a character */
}

static void escape_shows_every_byte_and_always_ends(void **state)
{
    (void)state;
    char out[32];
    sotto__str_escape(STR("a=b\r\n\\\xff"), out, sizeof out);
    assert_string_equal(out, "a=b\\x0d\\x0a\\x5c\\xff");
    for (size_t cap = 1; cap <= sizeof out; cap++) {
        memset(out, '#', sizeof out);
        sotto__str_escape(STR("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"), out, cap);
        assert_non_null(memchr(out, '\0', cap));
        for (size_t i = cap; i < sizeof out; i++) assert_int_equal(out[i], '#');
    }
    assert_non_null(strstr(out, "..."));
}

static void line_walks_over_both_ends_of_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {"a", "", "b\rc", "last"};
    struct str rest = STR("a\r\n\nb\rc\r\nlast"), line;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_true(sotto__str_line(&rest, &line));
        assert_true(sotto__str_eq(line, sotto__str(lines[i])));
    }
    assert_false(sotto__str_line(&rest, &line));
    rest = STR("ended\n");
    assert_true(sotto__str_line(&rest, &line) && !sotto__str_line(&rest, &line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ieq_ignores_the_case_of_ascii_letters_only),
        cmocka_unit_test(eq_of_empty_views_needs_no_pointer),
        cmocka_unit_test(starts_with_a_prefix),
        cmocka_unit_test(trim_takes_blanks_off_both_ends),
        cmocka_unit_test(cut_splits_at_the_first_separator),
        cmocka_unit_test(word_walks_over_runs_of_spaces),
        cmocka_unit_test(line_walks_over_both_ends_of_lines),
        cmocka_unit_test(u64_takes_decimal_digits_up_to_a_maximum),
        cmocka_unit_test(utf8_follows_rfc_3629),
        cmocka_unit_test(escape_shows_every_byte_and_always_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
