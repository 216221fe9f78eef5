/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public functions of statistics: which calls are refused, lookups, and that the JSON text is exactly what the report says,
 * read by a strict reader that knows nothing of the writer. What the objects hold is tested in test/peer/test_stats.c.
 */
#include <math.h>
#include <time.h>

#include "api/ctx.h"
#include "api/stats_json.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"
#include "util/str.h"

/* ---- a strict reader of JSON (RFC 8259): NUL-ended text, no white space, as it is written ---- */

static bool take(const char **p, const char *token)
{
    size_t n = strlen(token);
    if (strncmp(*p, token, n) != 0) return false;
    *p += n;
    return true;
}

static void must(const char **p, const char *token)
{
    if (!take(p, token)) fail_msg("%s wanted at %.40s", token, *p);
}

static unsigned hex4(const char **p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++, (*p)++) {
        const char *digits = "0123456789abcdef", *at = **p ? strchr(digits, **p) : NULL;
        assert_non_null(at);
        v = v * 16 + (unsigned)(at - digits);
    }
    return v;
}

static size_t put_utf8(char *to, unsigned c)
{
    assert_true(c < 0xd800 || (c > 0xdfff && c < 0x10000)); /* the writer needs no surrogates */
    assert_true(c != 0);
    if (c < 0x80) return (void)(to[0] = (char)c), 1;
    if (c < 0x800) return (void)(to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63))), 2;
    to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63));
    to[2] = (char)(0x80 | (c & 63));
    return 3;
}

/* malloc'ed */
static char *read_string(const char **p)
{
    char *text = malloc(strlen(*p) * 3 + 1);
    size_t n = 0;
    must(p, "\"");
    while (**p != '"') {
        unsigned char c = (unsigned char)**p;
        assert_true(c >= 0x20);
        if (take(p, "\\\"") || take(p, "\\\\"))
            text[n++] = (*p)[-1];
        else if (take(p, "\\u"))
            n += put_utf8(text + n, hex4(p));
        else if (c == '\\')
            fail_msg("a bad escape at %.20s", *p);
        else
            text[n++] = *(*p)++;
    }
    must(p, "\"");
    text[n] = '\0';
    assert_true(sotto__utf8_ok((uint8_t *)text, n));
    return text;
}

static void must_string(const char **p, const char *want)
{
    char *is = read_string(p);
    assert_string_equal(is, want);
    free(is);
}

/* -? int frac? exp? */
static double read_number(const char **p)
{
    const char *start = *p;
    take(p, "-");
    if (!take(p, "0")) assert_true(**p >= '1' && **p <= '9');
    while (**p >= '0' && **p <= '9') (*p)++;
    if (take(p, ".")) {
        assert_true(**p >= '0' && **p <= '9');
        while (**p >= '0' && **p <= '9') (*p)++;
    }
    if (take(p, "e")) {
        if (!take(p, "+")) take(p, "-");
        assert_true(**p >= '0' && **p <= '9');
        while (**p >= '0' && **p <= '9') (*p)++;
    }
    return strtod(start, NULL);
}

static void must_member(const char **p, const sotto_stat_member *m)
{
    char want[32];
    must(p, ",");
    must_string(p, m->name);
    must(p, ":");
    snprintf(want, sizeof want, "%lld", (long long)m->v.i);
    if (m->kind == SOTTO_STAT_INT)
        must(p, want);
    else if (m->kind == SOTTO_STAT_BOOL)
        must(p, m->v.i ? "true" : "false");
    else if (m->kind == SOTTO_STAT_TEXT)
        must_string(p, m->v.s);
    else if (!isfinite(m->v.d))
        must(p, "null");
    else
        assert_true(read_number(p) == m->v.d);
}

/* The text is this report and nothing else; same_time: timestamps too. */
static void must_be(const char *json, const sotto_stats *s, bool same_time)
{
    const char *p = json;
    must(&p, "{");
    for (size_t i = 0; i < s->n; i++) {
        const sotto_stat *o = &s->items[i];
        if (i > 0) must(&p, ",");
        must_string(&p, o->id);
        must(&p, ":{\"id\":");
        must_string(&p, o->id);
        must(&p, ",\"type\":");
        must_string(&p, o->type);
        must(&p, ",\"timestamp\":");
        double at = read_number(&p);
        assert_true(same_time ? at == o->timestamp : at >= o->timestamp);
        for (size_t k = 0; k < o->n_members; k++) must_member(&p, &o->members[k]);
        must(&p, "}");
    }
    must(&p, "}");
    assert_int_equal(*p, '\0');
}

/* ---- the tests ---- */

static sotto_ctx *new_ctx(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = false};
    sotto_ctx *c;
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    return c;
}

static void texts_of_any_kind_survive_json(void **state)
{
    static const char *const labels[] = {
        "",
        "\"",
        "\\",
        "\\\"\\\\u0041",
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10",
        "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f",
        "\xc2\x80\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf",
        "\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xef\xbf\xbf",
        "</script><!--",
        "{\"a\":[1,2]}",
    };
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_stats *s;
    char *json, *other;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        sotto_dc_config cfg = {.size = sizeof cfg, .protocol = labels[i]};
        sotto_dc *dc;
        assert_int_equal(sotto_pc_create_data_channel(pc, labels[i], &cfg, &dc), 0);
    }
    assert_int_equal(sotto_pc_get_stats(pc, NULL, &s), 0);
    assert_int_equal(s->n, 1 + sizeof labels / sizeof *labels + 1); /* the connection; its memory */
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        assert_string_equal(sotto_stat_member_of(&s->items[1 + i], "label")->v.s, labels[i]);
        assert_string_equal(sotto_stat_member_of(&s->items[1 + i], "protocol")->v.s, labels[i]);
    }
    assert_int_equal(sotto__stats_json(s, &json), 0);
    must_be(json, s, true);
    assert_int_equal(sotto_pc_get_stats_json(pc, &other), 0);
    must_be(other, s, false);
    sotto_free(json);
    sotto_free(other);
    sotto_free(s);
    sotto_ctx_free(ctx);
}

static char *json_of(const sotto_stat_member *members, size_t n)
{
    sotto_stat o = {.id = "I", .type = "t", .timestamp = 1.5, .members = members, .n_members = n};
    sotto_stats s = {.size = sizeof s, .items = &o, .n = 1};
    char *json;
    assert_int_equal(sotto__stats_json(&s, &json), 0);
    return json;
}

static void bytes_that_are_not_utf8_become_replacement_characters(void **state)
{
    static const struct {
        const char *bytes, *want;
    } table[] = {
        {"\xff", "\\ufffd"},
        {"a\x80z", "a\\ufffdz"},
        {"\xc3", "\\ufffd"},
        {"\xc3(", "\\ufffd("},
        {"\xc0\xaf", "\\ufffd\\ufffd"},
        {"\xe2\x82", "\\ufffd\\ufffd"},
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
        {"\xf5\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xf0\x9f\x98\"", "\\ufffd\\ufffd\\ufffd\\\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char want[128];
        sotto_stat_member m = {.name = "m", .kind = SOTTO_STAT_TEXT, .v.s = table[i].bytes};
        char *json = json_of(&m, 1);
        snprintf(want, sizeof want,
                 "{\"I\":{\"id\":\"I\",\"type\":\"t\",\"timestamp\":1.5,\"m\":\"%s\"}}",
                 table[i].want);
        assert_string_equal(json, want);
        sotto_free(json);
    }
}

static void random_bytes_make_valid_json(void **state)
{
    (void)state;
    uint64_t rng = 1;
    for (int round = 0; round < 3000; round++) {
        char bytes[24];
        size_t n = (size_t)round % sizeof bytes;
        for (size_t i = 0; i < n; i++) {
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            uint8_t c = (uint8_t)(rng >> 56);
            bytes[i] = (char)(c ? c : 1);
        }
        bytes[n] = '\0';
        sotto_stat_member m = {.name = "m", .kind = SOTTO_STAT_TEXT, .v.s = bytes};
        char *json = json_of(&m, 1);
        const char *p = strstr(json, "\"m\":") + 4;
        char *text = read_string(&p);
        assert_string_equal(p, "}}");
        if (sotto__utf8_ok((uint8_t *)bytes, n)) assert_string_equal(text, bytes);
        free(text);
        sotto_free(json);
    }
}

static void numbers_are_written_exactly(void **state)
{
    (void)state;
    static const int64_t ints[] = {0, 1, -1, INT64_MAX, INT64_MIN, 9007199254740993};
    static const double doubles[] = {0.1 + 0.2,
                                     0,
                                     0.1,
                                     1.0 / 3,
                                     1e300,
                                     5e-324,
                                     -2.5,
                                     1e21,
                                     100,
                                     1e-7,
                                     0.004999,
                                     1732345678901.234,
                                     (double)NAN,
                                     (double)INFINITY,
                                     -(double)INFINITY};
    enum { INTS = sizeof ints / sizeof *ints, DOUBLES = sizeof doubles / sizeof *doubles };
    sotto_stat_member m[INTS + DOUBLES + 2];
    for (size_t i = 0; i < INTS; i++)
        m[i] = (sotto_stat_member){.name = "i", .kind = SOTTO_STAT_INT, .v.i = ints[i]};
    for (size_t i = 0; i < DOUBLES; i++)
        m[INTS + i] =
            (sotto_stat_member){.name = "d", .kind = SOTTO_STAT_DOUBLE, .v.d = doubles[i]};
    m[INTS + DOUBLES] = (sotto_stat_member){.name = "b", .kind = SOTTO_STAT_BOOL, .v.i = 0};
    m[INTS + DOUBLES + 1] = (sotto_stat_member){.name = "b", .kind = SOTTO_STAT_BOOL, .v.i = 1};
    sotto_stat o = {.id = "I",
                    .type = "t",
                    .timestamp = 1732345678901.234,
                    .members = m,
                    .n_members = INTS + DOUBLES + 2};
    sotto_stats s = {.size = sizeof s, .items = &o, .n = 1};
    char *json;
    assert_int_equal(sotto__stats_json(&s, &json), 0);
    must_be(json, &s, true);
    assert_non_null(strstr(json, "\"timestamp\":1732345678901.234,")); /* no digits of noise */
    assert_non_null(strstr(json, "\"d\":0.1,"));
    assert_non_null(strstr(json, "\"d\":null,\"d\":null,\"d\":null,"));
    sotto_free(json);
}

static void the_locale_does_not_matter(void **state)
{
    static const char *const table[][2] = {
        {"1,5", "1.5"},
        {"-0,25e-07", "-0.25e-07"},
        {"1\xd9\xab"
         "5",
         "1.5"}, /* U+066B */
        {"1.5", "1.5"},
        {"17", "17"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf b;
        sotto__buf_init(&b, 100);
        sotto__stats_json_number(&b, table[i][0]);
        char *text = sotto__buf_take_string(&b);
        assert_string_equal(text, table[i][1]);
        sotto__free(text);
    }
}

static void an_empty_report_is_an_empty_object(void **state)
{
    (void)state;
    sotto_stats s = {.size = sizeof s};
    char *json;
    assert_int_equal(sotto__stats_json(&s, &json), 0);
    assert_string_equal(json, "{}");
    sotto_free(json);
}

static void a_call_reports_itself_at_both_ends(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    struct call c;
    sotto_stats *a, *b;
    char *json;
    call_new(&c, ctx, ctx);
    call_connect(&c);
    for (int i = 0; i < 5; i++) assert_int_equal(sotto_dc_send(c.a.dc, "hello", 5, true), 0);
    bool all = false;
    while (!all) {
        call_run(&c, &all, 20);
        all = c.b.n_messages == 5 && c.a.completed && c.b.completed; /* the pair is settled */
    }
    assert_int_equal(sotto_pc_get_stats(c.a.pc, NULL, &a), 0);
    assert_int_equal(sotto_pc_get_stats(c.b.pc, NULL, &b), 0);
    const sotto_stat *out = sotto_stats_find(a, "data-channel");
    const sotto_stat *in = sotto_stats_find(b, "data-channel");
    assert_int_equal(sotto_stat_member_of(out, "messagesSent")->v.i, 5);
    assert_int_equal(sotto_stat_member_of(out, "bytesSent")->v.i, 25);
    assert_int_equal(sotto_stat_member_of(in, "messagesReceived")->v.i, 5);
    assert_int_equal(sotto_stat_member_of(in, "bytesReceived")->v.i, 25);
    /* real libnice: the pair is there, and each end's candidate is the other's */
    const sotto_stat *pair = sotto_stats_find(a, "candidate-pair");
    assert_non_null(pair);
    const sotto_stat *local =
        sotto_stats_by_id(a, sotto_stat_member_of(pair, "localCandidateId")->v.s);
    const sotto_stat *far = sotto_stats_by_id(
        b, sotto_stat_member_of(sotto_stats_find(b, "candidate-pair"), "remoteCandidateId")->v.s);
    assert_int_equal(sotto_stat_member_of(local, "port")->v.i,
                     sotto_stat_member_of(far, "port")->v.i);
    assert_int_equal(
        sotto_stat_member_of(sotto_stats_find(a, "transport"), "selectedCandidatePairChanges")
                ->v.i > 0,
        1);
    assert_true(a->items[0].timestamp > 1.7e12 && b->items[0].timestamp >= a->items[0].timestamp);
    assert_int_equal(sotto__stats_json(a, &json), 0);
    must_be(json, a, true);
    sotto_free(json);
    sotto_free(a);
    sotto_free(b);
    call_free(&c);
    sotto_ctx_free(ctx);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc, *other;
    sotto_transceiver *t, *foreign;
    sotto_stats *s = NULL;
    char *json = NULL;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &other), 0);
    assert_int_equal(sotto_pc_add_transceiver(pc, SOTTO_AUDIO, NULL, &t), 0);
    assert_int_equal(sotto_pc_add_transceiver(other, SOTTO_AUDIO, NULL, &foreign), 0);
    assert_int_equal(sotto_pc_get_stats(NULL, NULL, &s), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_stats(pc, NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_stats_json(NULL, &json), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_stats_json(pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_stats((sotto_pc *)(void *)t, NULL, &s), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_stats(pc, (sotto_transceiver *)(void *)pc, &s), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_get_stats(pc, foreign, &s), SOTTO_E_ACCESS);
    assert_null(s);
    assert_null(json);
    assert_int_equal(sotto_pc_get_stats(pc, t, &s), 0);
    assert_int_equal(s->n, 0); /* it has no section */
    assert_null(sotto_stats_find(s, "transport"));
    sotto_free(s);
    sotto_ctx_free(ctx);
}

static void a_connection_explains_itself_in_words_and_as_json(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    struct call c;
    char *text = NULL, *json = NULL;
    const char *rest;
    call_new(&c, ctx, ctx);
    assert_int_equal(sotto_pc_explain(NULL, &text), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_explain(c.a.pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_explain_json(c.a.pc, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_explain(c.a.pc, &text), 0);
    assert_ptr_equal(strstr(text, "Nothing was negotiated"), text);
    sotto_free(text);
    call_connect(&c);
    assert_int_equal(sotto_pc_explain(c.a.pc, &text), 0);
    assert_ptr_equal(strstr(text, "Connected ("), text);
    assert_non_null(strstr(text, "\ndtls "));
    assert_int_equal(sotto_pc_explain_json(c.a.pc, &json), 0);
    rest = json;
    must(&rest, "{\"E\":{\"id\":\"E\",\"type\":\"sotto-explanation\",\"timestamp\":");
    assert_non_null(
        strstr(json, "\"stage\":\"connected\",\"isUp\":true,\"sentence\":\"Connected ("));
    assert_non_null(strstr(json, "\"type\":\"candidate-pair\""));
    sotto_free(json);
    sotto_free(text);
    sotto_pc_close(c.a.pc);
    assert_int_equal(sotto_pc_explain(c.a.pc, &text), 0);
    assert_ptr_equal(strstr(text, "The connection was closed here."), text);
    sotto_free(text);
    call_free(&c);
    sotto_ctx_free(ctx);
}

static void lookups_take_null_and_find_nothing(void **state)
{
    (void)state;
    sotto_stat_member m = {.name = "a", .kind = SOTTO_STAT_INT, .v.i = 1};
    sotto_stat o[2] = {{.id = "1", .type = "x", .members = &m, .n_members = 1},
                       {.id = "2", .type = "x"}};
    sotto_stats s = {.size = sizeof s, .items = o, .n = 2};
    assert_null(sotto_stats_find(NULL, "x"));
    assert_null(sotto_stats_find(&s, NULL));
    assert_null(sotto_stats_find(&s, "y"));
    assert_ptr_equal(sotto_stats_find(&s, "x"), &o[0]);
    assert_null(sotto_stats_by_id(NULL, "1"));
    assert_null(sotto_stats_by_id(&s, NULL));
    assert_null(sotto_stats_by_id(&s, "3"));
    assert_ptr_equal(sotto_stats_by_id(&s, "2"), &o[1]);
    assert_null(sotto_stat_member_of(NULL, "a"));
    assert_null(sotto_stat_member_of(&o[0], NULL));
    assert_null(sotto_stat_member_of(&o[1], "a"));
    assert_ptr_equal(sotto_stat_member_of(&o[0], "a"), &m);
}

static void a_closed_connection_reports_and_a_freed_one_does_not(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    sotto_pc *pc;
    sotto_dc *dc;
    sotto_event *e = NULL, *held = NULL;
    sotto_stats *s = NULL;
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "x", NULL, &dc), 0);
    assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    sotto_pc_close(pc);
    assert_int_equal(sotto_pc_get_stats(pc, NULL, &s), 0);
    assert_string_equal(sotto_stat_member_of(sotto_stats_find(s, "transport"), "iceState")->v.s,
                        "closed");
    sotto_free(s);
    while (sotto_ctx_next(ctx, &e) == 1) { /* one that keeps the shell alive */
        sotto_event_free(held);
        held = e;
    }
    assert_non_null(held);
    assert_ptr_equal(held->pc, pc);
    sotto_pc_free(pc);
    assert_int_equal(sotto_pc_get_stats(held->pc, NULL, &s), SOTTO_E_CLOSED);
    sotto_event_free(held);
    sotto_ctx_free(ctx);
}

/* proves: A19 */
static void polling_a_thousand_times_is_cheap(void **state)
{
    (void)state;
    sotto_ctx *ctx = new_ctx();
    struct call c;
    char *json;
    call_new(&c, ctx, ctx);
    call_connect(&c);
    int64_t live = sotto__mem_live();
    clock_t start = clock();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(sotto_pc_get_stats_json(c.a.pc, &json), 0);
        sotto_free(json);
    }
    long each = (long)((int64_t)(clock() - start) * 1000000 / CLOCKS_PER_SEC / 1000);
    print_message("%ld us of CPU for a report with JSON\n", each);
    assert_true(each < 5000); /* some 50 without sanitizers; the bound is for slow machines */
    assert_true(sotto__mem_live() <= live + 100); /* the call itself goes on */
    call_free(&c);
    sotto_ctx_free(ctx);
}

static void without_memory_nothing_leaks(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    sotto_ctx *ctx;
    sotto_pc *pc;
    sotto_dc *dc;
    assert_int_equal(both_ways_ctx(&cfg, &ctx), 0);
    assert_int_equal(sotto_pc_new(ctx, NULL, &pc), 0);
    assert_int_equal(sotto_pc_create_data_channel(pc, "label", NULL, &dc), 0);
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        char *json = NULL;
        sotto__mem_fail_at(n);
        int r = sotto_pc_get_stats_json(pc, &json);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) {
            assert_int_equal(r, 0);
            assert_true(n > 4);
            sotto_free(json);
            break;
        }
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_null(json);
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_int_equal(sotto__mem_live(), live);
    sotto_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_any_kind_survive_json),
        cmocka_unit_test(bytes_that_are_not_utf8_become_replacement_characters),
        cmocka_unit_test(random_bytes_make_valid_json),
        cmocka_unit_test(numbers_are_written_exactly),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(an_empty_report_is_an_empty_object),
        cmocka_unit_test(a_call_reports_itself_at_both_ends),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_connection_explains_itself_in_words_and_as_json),
        cmocka_unit_test(lookups_take_null_and_find_nothing),
        cmocka_unit_test(a_closed_connection_reports_and_a_freed_one_does_not),
        cmocka_unit_test(polling_a_thousand_times_is_cheap),
        cmocka_unit_test(without_memory_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
