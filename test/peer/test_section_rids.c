/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulcast as it is read: a=simulcast with a=rid, restrictions, alternatives, limits. */
#include "sections.h"

#include "util/buf.h"

static void print_rids(const struct rid_list *l, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < l->n; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s%.*s", i > 0 ? " " : "",
                              l->items[i].paused ? "~" : "", (int)l->items[i].id.n,
                              l->items[i].id.p);
}

static void rids_stand_in_the_order_of_simulcast(void **state) /* SDP-20 */
{
    (void)state;
    static const struct {
        const char *lines, *send, *recv;
    } cases[] = {
        {"a=rid:h send\r\na=rid:l send\r\na=simulcast:send l;h\r\n", "l h", ""},
        {"a=rid:1 recv\r\na=rid:2 recv\r\na=simulcast:recv 1;~2\r\n", "", "1 ~2"},
        {"a=rid:1 recv\r\na=rid:2 send\r\na=simulcast:recv 1 send 2\r\n", "2", "1"},
        {"a=rid:a send\r\na=rid:b send\r\na=rid:c send\r\na=simulcast:send a,b;~c,a\r\n", "a ~c",
         ""},
        {"a=rid:a send x-new=1\r\na=rid:b send\r\na=simulcast:send a,~b\r\n", "~b", ""},
        {"a=rid:a send x-new=1\r\na=rid:b send\r\na=simulcast:send a;b\r\n", "b", ""},
        {"a=rid:a send pt=96\r\na=rid:b send pt=97\r\na=simulcast:send a;b\r\n", "a", ""},
        {"a=rid:a send pt=97,96\r\na=rid:b send pt=\r\na=simulcast:send a;b\r\n", "a", ""},
        {"a=rid:a send pt=96;max-width=1280;max-height=720;max-fps=29.97;max-fs=3600;max-br=1;"
         "max-pps=9;max-bpp=0.1\r\na=simulcast:send a\r\n",
         "a", ""},
        {"a=rid:a send max-width=12.5\r\na=simulcast:send a\r\n", "", ""},
        {"a=rid:a send max-width\r\na=simulcast:send a\r\n", "", ""},
        {"a=rid:a send max-fps=1.\r\na=simulcast:send a\r\n", "", ""},
        {"a=rid:a send depend=b\r\na=rid:b send\r\na=simulcast:send a;b\r\n", "b", ""},
        {"a=rid:a recv\r\na=rid:b send\r\na=simulcast:send a;b\r\n", "b", ""}, /* wrong way */
        {"a=rid:a send\r\na=rid:a recv\r\na=simulcast:send a\r\n", "a", ""},   /* the first */
        {"a=rid:a send\r\na=simulcast:send a;a\r\n", "a", ""},
        {"a=rid:a send\r\n", "", ""},               /* nobody names it */
        {"a=rid:a send\r\na=simulcast:send\r\n", "", ""}, /* H017: lines that are none */
        {"a=simulcast:~~~;,,\r\n", "", ""},
        {"a=simulcast:send ~~~;,,\r\n", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reading r;
        char text[2048], send[200], recv[200];
        snprintf(text, sizeof text, TOP KEYS VIDEO "%s", cases[i].lines);
        read_good(&r, text);
        print_rids(&r.s.items[0].send, send, sizeof send);
        print_rids(&r.s.items[0].recv, recv, sizeof recv);
        if (strcmp(send, cases[i].send) != 0 || strcmp(recv, cases[i].recv) != 0)
            fail_msg("\"%s\" \"%s\" of %s", send, recv, cases[i].lines);
        reading_free(&r);
    }
}

static void rids_of_simulcast_have_their_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "a=simulcast:send a\r\n", "a=rid:a send\r\na=simulcast:send a;b\r\n",
        "a=rid:a send\r\na=simulcast:send a,b\r\n", "a=rid:a both\r\na=simulcast:send a\r\n",
        "a=rid:a send\r\na=simulcast:send a recv ~b\r\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct reading r;
        char text[2048];
        snprintf(text, sizeof text, TOP KEYS "%s%s", i % 2 ? VIDEO : AUDIO, lines[i]);
        read_text(&r, text);
        if (r.r != SOTTO_E_SDP || !strstr(r.err.reason, "a=rid") || r.err.line != 9)
            fail_msg("%s: %d, line %d, %s", lines[i], r.r, r.err.line, r.err.reason);
        reading_free(&r);
    }
}

/* n lines and a list of n: the limits of what is used, and of what is looked at. */
static size_t rids_read(size_t n_lines, size_t n_named)
{
    struct reading r;
    struct buf text;
    sotto__buf_init(&text, SOTTO_MAX_SDP);
    sotto__buf_addf(&text, TOP KEYS VIDEO);
    for (size_t i = 0; i < n_lines; i++) sotto__buf_addf(&text, "a=rid:%zu send\r\n", i);
    sotto__buf_addf(&text, "a=simulcast:send ");
    for (size_t i = 0; i < n_named; i++) sotto__buf_addf(&text, "%s%zu", i > 0 ? ";" : "", i);
    sotto__buf_addf(&text, "\r\n");
    assert_int_equal(text.err, 0);
    read_bytes(&r, (char *)text.p, text.n);
    assert_int_equal(r.r, 0);
    size_t used = r.s.items[0].send.n;
    reading_free(&r);
    sotto__buf_free(&text);
    return used;
}

static void rids_are_8_at_most_of_32_that_are_looked_at(void **state) /* H017 */
{
    (void)state;
    assert_int_equal(rids_read(SOTTO_MAX_RIDS, SOTTO_MAX_RIDS), SOTTO_MAX_RIDS);
    assert_int_equal(rids_read(SOTTO_MAX_RIDS + 1, SOTTO_MAX_RIDS + 1), SOTTO_MAX_RIDS);
    assert_int_equal(rids_read(SOTTO_MAX_RID_LINES, SOTTO_MAX_RID_LINES), SOTTO_MAX_RIDS);
    assert_int_equal(rids_read(SOTTO_MAX_RID_LINES + 1, 3), 0);
    assert_int_equal(rids_read(1500, 1200), 0);
}

static void rids_that_stand_twice_count_once(void **state)
{
    (void)state;
    struct reading r;
    struct buf text;
    sotto__buf_init(&text, SOTTO_MAX_SDP);
    sotto__buf_addf(&text, TOP KEYS VIDEO "a=simulcast:send a\r\n");
    for (unsigned i = 0; i <= SOTTO_MAX_RID_LINES; i++) sotto__buf_addf(&text, "a=rid:a send\r\n");
    read_bytes(&r, (char *)text.p, text.n);
    assert_int_equal(r.s.items[0].send.n, 1);
    reading_free(&r);
    sotto__buf_free(&text);
}

static void rids_of_audio_are_not_used(void **state)
{
    (void)state;
    struct reading r;
    read_good(&r, TOP KEYS AUDIO "a=rid:a send\r\na=simulcast:send a\r\n");
    assert_int_equal(r.s.items[0].send.n, 0);
    reading_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rids_stand_in_the_order_of_simulcast),
        cmocka_unit_test(rids_of_simulcast_have_their_lines),
        cmocka_unit_test(rids_are_8_at_most_of_32_that_are_looked_at),
        cmocka_unit_test(rids_that_stand_twice_count_once),
        cmocka_unit_test(rids_of_audio_are_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
