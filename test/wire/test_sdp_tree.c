/* SPDX-License-Identifier: BSD-2-Clause */
/* Building a description line by line, writing it, and finding attributes in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "util/limits.h"
#include "util/mem.h"
#include "wire/sdp.h"

/* Builds a small answer; <0: the first failure, which leaves what is there intact. */
static int build(struct sdp *sdp)
{
    struct sdp_media *m = NULL;
    int r = sotto__sdp_add(sdp, &sdp->s, 'v', "0");
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 'o', "- %u %u IN IP4 127.0.0.1", 77u, 3u);
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 's', "-");
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 't', "0 0");
    if (r == 0) r = sotto__sdp_add(sdp, &sdp->s, 'a', "group:BUNDLE %s", "0");
    if (r == 0)
        r = sotto__sdp_add_media(sdp, STR("application"), 9, STR("UDP/DTLS/SCTP"),
                                 STR("webrtc-datachannel"), &m);
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'c', "IN IP4 0.0.0.0");
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "mid:0");
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "rtcp-mux");
    if (r == 0) r = sotto__sdp_add(sdp, &m->s, 'a', "x:a:b");
    return r;
}

static const char built[] =
    "v=0\r\no=- 77 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=rtcp-mux\r\na=x:a:b\r\n";

static void assert_writes(const struct sdp *sdp, const char *want)
{
    struct buf out;
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    sotto__sdp_write(sdp, &out);
    char *text = sotto__buf_take_string(&out);
    assert_non_null(text);
    assert_string_equal(text, want);
    sotto__free(text);
}

static struct sdp *empty(void)
{
    struct sdp *sdp = NULL;
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    return sdp;
}

static void tree_is_written_as_it_was_built_and_parses(void **state)
{
    (void)state;
    struct sdp *sdp = empty(), *again = NULL;
    assert_int_equal(build(sdp), 0);
    assert_writes(sdp, built);
    assert_int_equal(sdp->origin.session_id, 77);
    assert_int_equal(sdp->origin.version, 3);
    assert_int_equal(sdp->media[0].n_ports, 1);
    assert_true(sotto__str_eq(sdp->media[0].s.lines[3].name, STR("x")));
    assert_true(sotto__str_eq(sdp->media[0].s.lines[3].value, STR("a:b")));
    assert_null(sdp->media[0].s.lines[2].value.p);
    assert_int_equal(sotto__sdp_parse(built, sizeof built - 1, &again, NULL), 0);
    assert_writes(again, built);
    sotto__sdp_free(again);
    sotto__sdp_free(sdp);
}

static void tree_survives_every_allocation_failing(void **state)
{
    (void)state;
    int64_t before = sotto__mem_live();
    int r = SOTTO_E_NOMEM;
    uint64_t n = 0;
    while (r == SOTTO_E_NOMEM) {
        struct sdp *sdp = NULL;
        sotto__mem_fail_at(++n);
        r = sotto__sdp_new(&sdp);
        if (r == 0) r = build(sdp);
        assert_int_equal(r < 0, sotto__mem_failed());
        if (sdp && r < 0) { /* what was there before the failure can still be written */
            struct buf out;
            sotto__buf_init(&out, SOTTO_MAX_SDP);
            sotto__sdp_write(sdp, &out);
            assert_int_equal(out.err, 0);
            assert_memory_equal(built, out.n ? (void *)out.p : (void *)"", out.n);
            sotto__buf_free(&out);
        }
        sotto__sdp_free(sdp);
        assert_int_equal(sotto__mem_live(), before);
    }
    sotto__mem_fail_at(0);
    assert_int_equal(r, 0);
    assert_true(n > 4);
}

static void tree_keeps_strings_in_place_while_it_grows(void **state)
{
    (void)state;
    struct sdp *sdp = empty();
    char text[64];
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "key%u:value of %u", i, i), 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "value of %u", i);
        assert_true(sotto__str_eq(sdp->s.lines[i].value, sotto__str(text)));
    }
    sotto__sdp_free(sdp);
}

static void tree_lets_no_text_bring_in_a_line_of_its_own(void **state) /* H025 */
{
    (void)state;
    static const char *const bad[] = {"msid:x\r\na=setup:active",
                                      "msid:x\n",
                                      "msid:\r",
                                      "msid:\x1b[1m",
                                      "msid:\xff",
                                      "msid:\x7f",
                                      "ms id:x",
                                      "",
                                      ":x"};
    struct sdp *sdp = empty();
    struct sdp_media *m = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (sotto__sdp_add(sdp, &sdp->s, 'a', "%s", bad[i]) != SOTTO_E_SYNTAX)
            fail_msg("case %zu", i);
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 's', "a\r\nb"), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'o', "not an origin"), SOTTO_E_SYNTAX);
    assert_int_equal(sdp->s.n_lines, 0);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("a b"), 9, STR("X"), STR("0"), &m),
                     SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("a"), 9, STR("X\r\n"), STR("0"), &m),
                     SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("a"), 9, STR("X"), STR("0\r\na=b"), &m),
                     SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("a"), 9, STR("X"), STR(""), &m), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("a"), 9, STR(""), STR("0"), &m), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_add_media(sdp, (struct str){0}, 9, STR("X"), STR("0"), &m),
                     SOTTO_E_SYNTAX);
    assert_int_equal(sdp->n_media, 0);
    sotto__sdp_free(sdp);
}

static void tree_takes_what_the_limits_allow_and_not_more(void **state)
{
    (void)state;
    struct sdp *sdp = empty();
    struct sdp_media *m = NULL;
    char text[SOTTO_MAX_SDP_LINE];
    for (size_t i = 0; i < SOTTO_MAX_SDP_LINES; i++)
        assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "x"), 0);
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "x"), SOTTO_E_LIMIT);
    for (size_t i = 0; i < SOTTO_MAX_SDP_MEDIA; i++)
        assert_int_equal(sotto__sdp_add_media(sdp, STR("audio"), 9, STR("X"), STR("0"), &m), 0);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("audio"), 9, STR("X"), STR("0"), &m),
                     SOTTO_E_LIMIT);
    m = &sdp->media[0];
    memset(text, 'x', sizeof text);
    text[SOTTO_MAX_SDP_LINE - 2] = '\0';
    assert_int_equal(sotto__sdp_add(sdp, &m->s, 'a', "%s", text), 0);
    text[SOTTO_MAX_SDP_LINE - 2] = 'x', text[SOTTO_MAX_SDP_LINE - 1] = '\0';
    assert_int_equal(sotto__sdp_add(sdp, &m->s, 'a', "%s", text), SOTTO_E_LIMIT);
    sotto__sdp_free(sdp);
    sdp = empty();
    for (size_t i = 0; i < SOTTO_MAX_SDP_FMTS + 1; i++) text[2 * i] = '1', text[2 * i + 1] = ' ';
    struct str fmts = {text, 2 * SOTTO_MAX_SDP_FMTS};
    assert_int_equal(sotto__sdp_add_media(sdp, STR("audio"), 9, STR("X"), fmts, &m), 0);
    assert_int_equal(m->n_fmts, SOTTO_MAX_SDP_FMTS);
    fmts.n += 2;
    assert_int_equal(sotto__sdp_add_media(sdp, STR("audio"), 9, STR("X"), fmts, &m), SOTTO_E_LIMIT);
    fmts = (struct str){text, SOTTO_MAX_SDP_LINE};
    assert_int_equal(sotto__sdp_add_media(sdp, STR("audio"), 9, STR("X"), fmts, &m), SOTTO_E_LIMIT);
    assert_int_equal(sdp->n_media, 1);
    sotto__sdp_free(sdp);
}

static void attributes_are_found_in_order_and_by_their_whole_name(void **state)
{
    (void)state;
    struct sdp *sdp = empty();
    static const char *const lines[] = {"a:1", "ab:2", "a:3", "a", "A:4"};
    size_t at = 0;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "%s", lines[i]), 0);
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'x', "a"), 0);
    assert_ptr_equal(sotto__sdp_attr(&sdp->s, "a"), &sdp->s.lines[0]);
    assert_ptr_equal(sotto__sdp_attr(&sdp->s, "ab"), &sdp->s.lines[1]);
    assert_null(sotto__sdp_attr(&sdp->s, "abc"));
    assert_null(sotto__sdp_attr(&sdp->s, ""));
    assert_ptr_equal(sotto__sdp_next_attr(&sdp->s, &at, "a"), &sdp->s.lines[0]);
    assert_ptr_equal(sotto__sdp_next_attr(&sdp->s, &at, "a"), &sdp->s.lines[2]);
    assert_ptr_equal(sotto__sdp_next_attr(&sdp->s, &at, "a"), &sdp->s.lines[3]);
    assert_null(sotto__sdp_next_attr(&sdp->s, &at, "a"));
    assert_null(sotto__sdp_next_attr(&sdp->s, &at, "a"));
    sotto__sdp_free(sdp);
}

static void attributes_of_the_session_count_where_the_media_has_none(void **state) /* SDP-09 */
{
    (void)state;
    struct sdp *sdp = empty();
    struct sdp_media *m = NULL;
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "setup:actpass"), 0);
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "ice-ufrag:sess"), 0);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("audio"), 9, STR("X"), STR("0"), &m), 0);
    assert_int_equal(sotto__sdp_add(sdp, &m->s, 'a', "setup:active"), 0);
    assert_true(sotto__str_eq(sotto__sdp_attr_or_session(sdp, m, "setup")->value, STR("active")));
    assert_true(sotto__str_eq(sotto__sdp_attr_or_session(sdp, m, "ice-ufrag")->value, STR("sess")));
    assert_true(
        sotto__str_eq(sotto__sdp_attr_or_session(sdp, NULL, "setup")->value, STR("actpass")));
    assert_null(sotto__sdp_attr_or_session(sdp, m, "ice-pwd"));
    sotto__sdp_free(sdp);
}

static void a_parsed_tree_takes_no_more_than_what_stands_in_it(void **state)
{
    (void)state;
    static const char text[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=one\r\n"
                               "m=audio 9 X 0 8\r\na=mid:0\r\na=two\r\na=three:3\r\n";
    struct sdp *sdp;
    assert_int_equal(sotto__sdp_parse(text, sizeof text - 1, &sdp, NULL), 0);
    const struct sdp_media *m = &sdp->media[0];
    assert_int_equal(sdp->s.cap, sdp->s.n_lines);
    assert_int_equal(m->s.cap, 3);
    assert_int_equal(sdp->cap_media, 1);
    size_t least = sizeof *sdp + 8 * sizeof *m->s.lines + sizeof *m + 2 * sizeof *m->fmts;
    assert_in_range(sotto__sdp_bytes(sdp), least + sizeof text - 1, least + sizeof text + 6 * 24);
    /* what comes later finds its room */
    for (int i = 0; i < 100; i++)
        assert_int_equal(sotto__sdp_add(sdp, &sdp->media[0].s, 'a', "candidate:%d", i), 0);
    assert_int_equal(m->s.n_lines, 103);
    assert_true(sotto__str_eq(sotto__sdp_attr(&m->s, "candidate")->value, STR("0")));
    assert_true(sotto__str_eq(sotto__sdp_attr(&m->s, "mid")->value, STR("0")));
    sotto__sdp_free(sdp);
    assert_int_equal(sotto__sdp_bytes(NULL), 0);
}

static void free_of_nothing_is_fine(void **state)
{
    (void)state;
    sotto__sdp_free(NULL);
    sotto__sdp_free(empty());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_is_written_as_it_was_built_and_parses),
        cmocka_unit_test(tree_survives_every_allocation_failing),
        cmocka_unit_test(tree_keeps_strings_in_place_while_it_grows),
        cmocka_unit_test(tree_lets_no_text_bring_in_a_line_of_its_own),
        cmocka_unit_test(tree_takes_what_the_limits_allow_and_not_more),
        cmocka_unit_test(attributes_are_found_in_order_and_by_their_whole_name),
        cmocka_unit_test(attributes_of_the_session_count_where_the_media_has_none),
        cmocka_unit_test(a_parsed_tree_takes_no_more_than_what_stands_in_it),
        cmocka_unit_test(free_of_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
