/* SPDX-License-Identifier: BSD-2-Clause */
/* Tree → text: CRLF everywhere, unknown lines in their place, m-lines put together anew, and a buffer that is too small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/limits.h"
#include "util/mem.h"
#include "wire/sdp.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

static void assert_rewritten(const char *in, const char *want)
{
    struct sdp *sdp = NULL;
    struct buf out;
    assert_int_equal(sotto__sdp_parse(in, strlen(in), &sdp, NULL), 0);
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    sotto__sdp_write(sdp, &out);
    char *text = sotto__buf_take_string(&out);
    assert_non_null(text);
    assert_string_equal(text, want);
    sotto__free(text);
    sotto__sdp_free(sdp);
}

/* proves: SDP-31 */
static void written_lines_end_with_crlf(void **state) /* SDP-31 */
{
    (void)state;
    assert_rewritten("v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\r\nt=0 0\nm=audio 9 X 0",
                     HEAD "m=audio 9 X 0\r\n");
    assert_rewritten(HEAD "\r\n\r\n", HEAD);
}

static void written_lines_are_the_ones_read(void **state)
{
    (void)state;
    static const char *const same[] = {
        HEAD,
        HEAD "X=unknown\r\na=\x21:\r\na=flag\r\na=empty:\r\na=tab:\t x \r\nm=video 0/3 A/B/C 1 "
             "x-2\r\nq=\r\na=z:1:2\r\n",
        HEAD "a=\x61:gr\xc3\xbc\xc3\x9f\r\nm=x 65535 y z\r\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) assert_rewritten(same[i], same[i]);
}

static void written_m_lines_have_single_blanks_and_plain_numbers(void **state)
{
    (void)state;
    assert_rewritten(HEAD "m=audio  009/01   X   0  1 \r\n", HEAD "m=audio 9 X 0 1\r\n");
}

static void writing_into_a_small_buffer_is_a_limit_error(void **state)
{
    (void)state;
    static const char text[] = HEAD "m=audio 9/2 X 0 1\r\na=x:y\r\n";
    struct sdp *sdp = NULL;
    assert_int_equal(sotto__sdp_parse(text, sizeof text - 1, &sdp, NULL), 0);
    for (size_t max = 0; max + 1 < sizeof text; max++) {
        struct buf out;
        sotto__buf_init(&out, max);
        sotto__sdp_write(sdp, &out);
        assert_int_equal(out.err, SOTTO_E_LIMIT);
        sotto__buf_free(&out);
    }
    sotto__sdp_free(sdp);
}

static void writing_without_memory_is_an_error_and_no_leak(void **state)
{
    (void)state;
    static const char text[] = HEAD "m=audio 9 X 0\r\n";
    struct sdp *sdp = NULL;
    struct buf out;
    assert_int_equal(sotto__sdp_parse(text, sizeof text - 1, &sdp, NULL), 0);
    int64_t before = sotto__mem_live();
    sotto__mem_fail_at(1);
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    sotto__sdp_write(sdp, &out);
    assert_int_equal(out.err, SOTTO_E_NOMEM);
    assert_true(sotto__mem_failed());
    sotto__mem_fail_at(0);
    sotto__buf_free(&out);
    assert_int_equal(sotto__mem_live(), before);
    sotto__sdp_free(sdp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_lines_end_with_crlf),
        cmocka_unit_test(written_lines_are_the_ones_read),
        cmocka_unit_test(written_m_lines_have_single_blanks_and_plain_numbers),
        cmocka_unit_test(writing_into_a_small_buffer_is_a_limit_error),
        cmocka_unit_test(writing_without_memory_is_an_error_and_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
