/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of STUN and TURN servers, and frames of TURN over a stream. What is read of errors: test/transport/test_ice_server.c, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/stun.h"

#define HEAD "\x21\x12\xa4\x42sotto-sotto!"
#define E300 "\x00\x09\x00\x04\x00\x00\x03\x00"

static void answers_are_told_from_the_rest(void **state)
{
    (void)state;
#define BYTES(b) (const uint8_t *)b, sizeof b - 1
    static const struct {
        const uint8_t *p;
        size_t n;
        bool want, is_error;
        uint16_t method;
    } rows[] = {
        {BYTES("\x01\x01\x00\x00" HEAD), true, false, STUN_BINDING},
        {BYTES("\x01\x03\x00\x00" HEAD), true, false, STUN_ALLOCATE},
        {BYTES("\x01\x13\x00\x00" HEAD), true, true, STUN_ALLOCATE},
        {BYTES("\x3f\xff\x00\x00" HEAD), true, true, 0x3eef},
        {BYTES("\x00\x01\x00\x00" HEAD), false, false, 0}, /* a request */
        {BYTES("\x00\x17\x00\x00" HEAD), false, false, 0}, /* an indication */
        {BYTES("\x41\x01\x00\x00" HEAD), false, false, 0}, /* ChannelData */
        {BYTES("\x01\x01\x00\x04" HEAD), false, false, 0},
        {BYTES("\x01\x01\x00\x00" HEAD "xxxx"), false, false, 0},
        {BYTES("\x01\x01\x00\x00"), false, false, 0},
        {BYTES(""), false, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stun_answer a = {.method = 0};
        bool got = sotto__stun_answer(rows[i].p, rows[i].n, &a);
        if (got != rows[i].want || a.is_error != rows[i].is_error || a.method != rows[i].method)
            fail_msg("row %zu", i);
    }
}

static void an_alternate_server_has_an_address_and_perhaps_a_name(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *p;
        size_t n;
        uint8_t family;
        uint16_t port;
        const char *domain;
    } rows[] = {
        {BYTES("\x01\x13\x00\x14" HEAD E300 "\x80\x23\x00\x08\x00\x01\x00\x07\xc0\x00\x02\x01"), 4,
         7, ""},
        {BYTES("\x01\x13\x00\x20" HEAD E300 "\x80\x23\x00\x14\x00\x02\x0d\x96\x20\x01\x0d\xb8"
               "\0\0\0\0\0\0\0\0\0\0\0\x05"),
         6, 3478, ""},
        {BYTES("\x01\x13\x00\x1c" HEAD E300 "\x80\x23\x00\x08\x00\x01\x00\x07\xc0\x00\x02\x01"
               "\x80\x03\x00\x03"
               "a.b\0"),
         4, 7, "a.b"},
        {BYTES("\x01\x13\x00\x10" HEAD E300 "\x80\x03\x00\x04"
               "a/.b"),
         0, 0, ""}, /* no host name */
        {BYTES("\x01\x13\x00\x14" HEAD E300 "\x80\x23\x00\x08\x00\x03\x00\x07\xc0\x00\x02\x01"), 0,
         0, ""}, /* of no family */
        {BYTES("\x01\x13\x00\x14" HEAD E300 "\x80\x23\x00\x08\x00\x02\x00\x07\xc0\x00\x02\x01"), 0,
         0, ""}, /* of another length */
        {BYTES("\x01\x13\x00\x10" HEAD E300 "\x80\x23\x00\x03\x00\x01\x00\x00"), 0, 0, ""},
        {BYTES("\x01\x03\x00\x0c" HEAD "\x80\x23\x00\x08\x00\x01\x00\x07\xc0\x00\x02\x01"), 0, 0,
         ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stun_answer a;
        assert_true(sotto__stun_answer(rows[i].p, rows[i].n, &a));
        if (a.alternate.family != rows[i].family || a.alternate.port != rows[i].port ||
            !sotto__str_eq(a.domain, sotto__str(rows[i].domain)))
            fail_msg("row %zu: family %u port %u", i, a.alternate.family, a.alternate.port);
        assert_int_equal(a.code, a.is_error ? 300 : 0);
    }
}

static void reasons_can_be_printed_and_fit(void **state)
{
    (void)state;
    char out[6];
    sotto__stun_reason(STR("a\nb\xff"), out, sizeof out);
    assert_string_equal(out, "a?b?");
    sotto__stun_reason(STR("much too long"), out, sizeof out);
    assert_string_equal(out, "much ");
    sotto__stun_reason(STR(""), out, sizeof out);
    assert_string_equal(out, "");
}

/* proves: ICE-17 */
static void frames_end_where_their_padding_does(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *p;
        size_t n, want;
    } rows[] = {
        {BYTES(""), 0},
        {BYTES("\x00\x01\x00"), 0},
        {BYTES("\x00\x01\x00\x00"), 20},
        {BYTES("\x01\x13\x00\x08"), 28},
        {BYTES("\x01\x13\xff\xfc"), 20 + 0xfffc},
        {BYTES("\x01\x13\x00\x06"), SIZE_MAX}, /* RFC 8489 §5: a multiple of 4 */
        {BYTES("\x40\x00\x00\x00"), 4},
        {BYTES("\x40\x00\x00\x01"), 8},
        {BYTES("\x7f\xff\x00\x04"), 8},
        {BYTES("\x4f\xff\xff\xff"), 4 + 0x10000},
        {BYTES("\x80"), SIZE_MAX},
        {BYTES("\xff\x00\x00\x00"), SIZE_MAX},
        {BYTES("\x80\x00\x00"), SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (sotto__stun_frame(rows[i].p, rows[i].n) != rows[i].want) fail_msg("row %zu", i);
    for (unsigned c = 'A'; c <= 'Z'; c++) { /* what other protocols begin with is ChannelData, and ends the stream later */
        uint8_t text[4] = {(uint8_t)c, 'T', 'T', 'P'};
        assert_int_equal(sotto__stun_frame(text, sizeof text), 4 + 0x5450);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_told_from_the_rest),
        cmocka_unit_test(an_alternate_server_has_an_address_and_perhaps_a_name),
        cmocka_unit_test(reasons_can_be_printed_and_fit),
        cmocka_unit_test(frames_end_where_their_padding_does),
    };
    return cmocka_run_group_tests_name("stun", tests, NULL, NULL);
}
