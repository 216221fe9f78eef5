/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What senders are told: stream ids and rids by their grammars, the W3C validation of sendEncodings, getParameters and setParameters with
 * their transactions, setCodecPreferences; each step, and without memory.
 */
#include <math.h>

#include "bare.h"

/* ---- texts ---- */

static void strings_are_copied_into_one_block(void **state)
{
    (void)state;
    const char *const items[] = {"one", "", "three"};
    const struct str views[] = {STR("one"), STR(""), STR("three")};
    int64_t live = sotto__mem_live();
    for (int from = 0; from < 2; from++) {
        struct strings s;
        assert_int_equal(
            from ? sotto__strings_from(views, 3, &s) : sotto__strings_copy(items, 3, &s), 0);
        assert_int_equal(s.n, 3);
        for (size_t i = 0; i < 3; i++) assert_string_equal(s.items[i], items[i]);
        assert_true(sotto__strings_have(&s, "three"));
        assert_false(sotto__strings_have(&s, "thre"));
        assert_int_equal(sotto__mem_live(), live + 1);
        sotto__strings_free(&s);
        assert_int_equal(s.n, 0);
        sotto__strings_free(&s); /* the zero state */
        assert_int_equal(sotto__strings_copy(NULL, 0, &s), 0);
        assert_null(s.items);
        sotto__mem_fail_at(1);
        assert_int_equal(from ? sotto__strings_from(views, 3, &s)
                              : sotto__strings_copy(items, 3, &s),
                         SOTTO_E_NOMEM);
        assert_null(s.items);
    }
    assert_int_equal(sotto__mem_live(), live);
}

static void stream_ids_follow_their_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int r;
    } cases[] = {
        {"a", 0},
        {"!#$%&'*+-.^_`{|}~", 0}, /* RFC 8866 token-char */
        {"0123456789012345678901234567890123456789012345678901234567890123", 0}, /* 64 */
        {"01234567890123456789012345678901234567890123456789012345678901234", SOTTO_E_SYNTAX},
        {"--", 0},
        {"-", SOTTO_E_SYNTAX},
        {"", SOTTO_E_SYNTAX},
        {"a b", SOTTO_E_SYNTAX},
        {"a\r\nb", SOTTO_E_SYNTAX},
        {"a:b", SOTTO_E_SYNTAX},
        {"\xc3\xa4", SOTTO_E_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strings s;
        if (sotto__streams_read(&cases[i].id, 1, &s) != cases[i].r) fail_msg("%s", cases[i].id);
        assert_int_equal(s.n, cases[i].r == 0);
        sotto__strings_free(&s);
    }
}

static void one_stream_id_more_than_the_limit_is_refused(void **state)
{
    (void)state;
    const char *ids[SOTTO_MAX_STREAM_IDS + 1];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    struct strings s;
    for (size_t i = 0; i <= SOTTO_MAX_STREAM_IDS; i++) ids[i] = names[i];
    assert_int_equal(sotto__streams_read(ids, SOTTO_MAX_STREAM_IDS, &s), 0);
    assert_int_equal(s.n, SOTTO_MAX_STREAM_IDS);
    sotto__strings_free(&s);
    assert_int_equal(sotto__streams_read(ids, SOTTO_MAX_STREAM_IDS + 1, &s), SOTTO_E_RANGE);
    assert_null(s.items);
}

/* ---- sendEncodings ---- */

static void a_rid_that_breaks_the_grammar_is_refused(void **state)
{
    (void)state;
    static char longest[SOTTO_MAX_RID + 2];
    memset(longest, 'r', SOTTO_MAX_RID + 1);
    const char *const bad[] = {"", "a b", "a.b", "a;b", "~a", "\xc3\xa4", longest};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const sotto_encoding two[] = {{.rid = "fine"}, {.rid = bad[i]}};
        struct encodings e;
        if (sotto__encodings_read(SOTTO_VIDEO, two, 2, &e) != SOTTO_E_SYNTAX)
            fail_msg("%s", bad[i]);
        assert_null(e.items);
    }
    longest[SOTTO_MAX_RID] = '\0';
    const sotto_encoding two[] = {{.rid = "AZaz09-_"}, {.rid = longest}};
    struct encodings e;
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, two, 2, &e), 0);
    assert_string_equal(e.items[1].rid, longest);
    sotto__encodings_free(&e);
}

static void some_encodings_with_and_some_without_rid_are_refused(void **state)
{
    (void)state;
    struct encodings e;
    const sotto_encoding a[] = {{.rid = "a"}, {.rid = NULL}};
    const sotto_encoding b[] = {{.rid = NULL}, {.rid = "a"}, {.rid = "b"}};
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, a, 2, &e), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, b, 3, &e), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__encodings_read(SOTTO_AUDIO, a, 2, &e), SOTTO_E_SYNTAX);
}

static void two_encodings_with_the_same_rid_are_refused(void **state)
{
    (void)state;
    struct encodings e;
    const sotto_encoding a[] = {{.rid = "a"}, {.rid = "b"}, {.rid = "a"}};
    const sotto_encoding cases[] = {{.rid = "a"}, {.rid = "A"}};
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, a, 3, &e), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, cases, 2, &e), 0); /* case counts */
    sotto__encodings_free(&e);
}

static void scales_of_audio_are_removed_before_they_are_checked(void **state)
{
    (void)state;
    struct encodings e;
    const sotto_encoding one = {.scale = 0.5, .max_bps = 7, .inactive = true};
    assert_int_equal(sotto__encodings_read(SOTTO_AUDIO, &one, 1, &e), 0);
    assert_true(e.items[0].scale == 0);
    assert_int_equal(e.items[0].max_bps, 7);
    assert_true(e.items[0].inactive);
    sotto__encodings_free(&e);
}

static void a_scale_below_one_is_refused(void **state)
{
    (void)state;
    const double bad[] = {0.999, -1, -0.001, (double)NAN, (double)INFINITY, -(double)INFINITY};
    struct encodings e;
    for (size_t i = 0; i < 6; i++) {
        const sotto_encoding two[] = {{.scale = 1}, {.scale = bad[i]}};
        assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, two, 2, &e), SOTTO_E_RANGE);
        assert_null(e.items);
    }
    const sotto_encoding one = {.scale = 1.0};
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, &one, 1, &e), 0);
    sotto__encodings_free(&e);
}

static void scales_that_are_missing_are_one_if_there_is_any(void **state)
{
    (void)state;
    struct encodings e;
    const sotto_encoding three[] = {{.rid = "a"}, {.rid = "b", .scale = 3.5}, {.rid = "c"}};
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, three, 3, &e), 0);
    assert_true(e.items[0].scale == 1.0);
    assert_true(e.items[1].scale == 3.5);
    assert_true(e.items[2].scale == 1.0);
    sotto__encodings_free(&e);
}

static void scales_are_powers_of_two_down_to_one_if_there_is_none(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (size_t n = 1; n <= SOTTO_MAX_RIDS; n++) {
        sotto_encoding all[SOTTO_MAX_RIDS] = {0};
        struct encodings e;
        for (size_t i = 0; i < n; i++) all[i].rid = names[i];
        assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, all, n, &e), 0);
        assert_int_equal(e.n, n);
        double scale = 1;
        for (size_t i = n; i > 0; i--, scale *= 2) assert_true(e.items[i - 1].scale == scale);
        sotto__encodings_free(&e);
    }
}

static void one_encoding_more_than_the_limit_is_refused_and_audio_keeps_the_first(void **state)
{
    (void)state;
    sotto_encoding all[SOTTO_MAX_RIDS + 1] = {{.max_bps = 5}};
    struct encodings e;
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, all, SOTTO_MAX_RIDS, &e), 0);
    sotto__encodings_free(&e);
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, all, SOTTO_MAX_RIDS + 1, &e),
                     SOTTO_E_RANGE);
    assert_int_equal(sotto__encodings_read(SOTTO_AUDIO, all, 3, &e), 0); /* maxN is 1: trimmed */
    assert_int_equal(e.n, 1);
    assert_int_equal(e.items[0].max_bps, 5);
    sotto__encodings_free(&e);
}

static void a_lone_encoding_loses_its_rid(void **state)
{
    (void)state;
    struct encodings e;
    const sotto_encoding two[] = {{.rid = "a"}, {.rid = "b"}};
    assert_int_equal(sotto__encodings_read(SOTTO_VIDEO, two, 1, &e), 0);
    assert_null(e.items[0].rid);
    assert_true(e.items[0].scale == 1.0);
    sotto__encodings_free(&e);
    assert_int_equal(sotto__encodings_read(SOTTO_AUDIO, two, 2, &e), 0); /* after trimming */
    assert_int_equal(e.n, 1);
    assert_null(e.items[0].rid);
    sotto__encodings_free(&e);
}

static void no_encodings_are_one_active_default_encoding(void **state)
{
    (void)state;
    struct encodings e;
    for (sotto_kind kind = SOTTO_AUDIO; kind <= SOTTO_VIDEO; kind++) {
        assert_int_equal(sotto__encodings_read(kind, NULL, 0, &e), 0);
        assert_int_equal(e.n, 1);
        assert_null(e.items[0].rid);
        assert_false(e.items[0].inactive);
        assert_int_equal(e.items[0].max_bps, 0);
        assert_true(e.items[0].scale == (kind == SOTTO_VIDEO ? 1.0 : 0.0));
        sotto__encodings_free(&e);
    }
}

static void encodings_are_copied_with_their_rids(void **state)
{
    (void)state;
    struct encoding items[] = {{.rid = (char[]){"lo"}, .inactive = true, .scale = 2},
                               {.rid = NULL, .max_bps = 3, .scale = 1}};
    struct encodings from = {items, 2}, to, empty = {0};
    int64_t live = sotto__mem_live();
    assert_int_equal(sotto__encodings_copy(&from, &to), 0);
    items[0].rid[0] = 'x';
    assert_string_equal(to.items[0].rid, "lo");
    assert_true(to.items[0].inactive && to.items[0].scale == 2);
    assert_null(to.items[1].rid);
    assert_int_equal(to.items[1].max_bps, 3);
    sotto__encodings_free(&to);
    assert_int_equal(sotto__encodings_copy(&empty, &to), 0);
    assert_null(to.items);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__encodings_copy(&from, &to), SOTTO_E_NOMEM);
    assert_null(to.items);
    assert_int_equal(sotto__mem_live(), live);
}

static void encodings_of_a_remote_simulcast_get_the_default_scales(void **state)
{
    (void)state;
    const struct str rids[] = {STR("q"), STR("h"), STR("f"), STR("4"), STR("5"),
                               STR("6"), STR("7"), STR("8"), STR("9")};
    struct encodings e;
    assert_int_equal(sotto__encodings_from_rids(rids, 3, &e), 0);
    assert_int_equal(e.n, 3);
    assert_string_equal(e.items[0].rid, "q");
    assert_string_equal(e.items[2].rid, "f");
    assert_true(e.items[0].scale == 4 && e.items[1].scale == 2 && e.items[2].scale == 1);
    sotto__encodings_free(&e);
    assert_int_equal(sotto__encodings_from_rids(rids, 9, &e), 0); /* no more than the limit */
    assert_int_equal(e.n, SOTTO_MAX_RIDS);
    sotto__encodings_free(&e);
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1; n <= 2; n++) {
        sotto__mem_fail_at(n);
        assert_int_equal(sotto__encodings_from_rids(rids, 3, &e), SOTTO_E_NOMEM);
        assert_true(sotto__mem_failed());
        assert_null(e.items);
    }
    sotto__mem_fail_at(0);
    assert_int_equal(sotto__mem_live(), live);
}

/* ---- getParameters, setParameters ---- */

static struct transceiver *simulcast(struct peer *p)
{
    const sotto_encoding two[] = {{.rid = "lo", .max_bps = 100}, {.rid = "hi", .inactive = true}};
    sotto_transceiver_config cfg = {.encodings = two, .n_encodings = 2};
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add(p, NOW, SOTTO_VIDEO, &cfg, &t), 0);
    return t;
}

static sotto_send_parameters *parameters(struct peer *p, struct transceiver *t)
{
    sotto_send_parameters *s;
    assert_int_equal(sotto__transceiver_get_parameters(p, t, &s), 0);
    return s;
}

static void get_parameters_gives_the_encodings_and_a_new_transaction(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = simulcast(p), *other = simulcast(p);
    sotto_send_parameters *s = parameters(p, t), *o = parameters(p, other);
    assert_int_equal(s->size, sizeof *s);
    assert_int_not_equal(s->transaction, 0);
    assert_int_not_equal(s->transaction, o->transaction);
    assert_int_equal(s->n_encodings, 2);
    assert_int_equal(s->encodings[0].size, sizeof *s->encodings);
    assert_string_equal(s->encodings[0].rid, "lo");
    assert_int_equal(s->encodings[0].max_bps, 100);
    assert_false(s->encodings[0].inactive);
    assert_true(s->encodings[0].scale == 2.0);
    assert_string_equal(s->encodings[1].rid, "hi");
    assert_true(s->encodings[1].inactive);
    sotto__free(s);
    sotto__free(o);
    bare_free(p);
}

static void get_parameters_twice_is_the_same_transaction(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = simulcast(p);
    sotto_send_parameters *a = parameters(p, t), *b = parameters(p, t);
    assert_true(a->transaction == b->transaction);
    t->transaction = 0; /* a description came */
    sotto_send_parameters *c = parameters(p, t);
    assert_true(a->transaction != c->transaction);
    sotto__free(a);
    sotto__free(b);
    sotto__free(c);
    bare_free(p);
}

static void set_parameters_changes_active_rate_and_scale(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = simulcast(p);
    bare_needed(p);
    p->negotiation_needed = false;
    sotto_send_parameters *s = parameters(p, t);
    s->encodings[0].inactive = true;
    s->encodings[0].max_bps = 55;
    s->encodings[0].scale = 8;
    s->encodings[1].inactive = false;
    s->encodings[1].scale = 0; /* missing: 1 */
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), 0);
    assert_true(t->encodings.items[0].inactive);
    assert_int_equal(t->encodings.items[0].max_bps, 55);
    assert_true(t->encodings.items[0].scale == 8.0);
    assert_false(t->encodings.items[1].inactive);
    assert_true(t->encodings.items[1].scale == 1.0);
    assert_false(p->negotiation_needed); /* it needs none */
    sotto_send_parameters *now = parameters(p, t);
    assert_int_equal(now->encodings[0].max_bps, 55);
    sotto__free(now);
    sotto__free(s);
    bare_free(p);
}

static void set_parameters_refuses_closed_stopping_and_what_was_not_read(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = simulcast(p);
    sotto_send_parameters *s = parameters(p, t);
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), 0);
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), SOTTO_E_STATE); /* set already */
    sotto__free(s);
    s = parameters(p, t);
    t->stopping = true;
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), SOTTO_E_STATE);
    t->stopping = false;
    t->transaction = 0; /* a description came */
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), SOTTO_E_STATE);
    t->transaction = s->transaction;
    p->closed = true;
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), SOTTO_E_CLOSED);
    sotto__free(s);
    bare_free(p);
}

enum change { OTHER_TRANSACTION, FEWER, MORE, REORDERED, OTHER_RID, NO_RID, LOW_SCALE };

static void make_change(sotto_send_parameters *s, enum change c)
{
    sotto_encoding first = s->encodings[0];
    switch (c) {
    case OTHER_TRANSACTION: s->transaction++; break;
    case FEWER: s->n_encodings--; break;
    case MORE: s->n_encodings++; break;
    case REORDERED: s->encodings[0] = s->encodings[1], s->encodings[1] = first; break;
    case OTHER_RID: s->encodings[1].rid = "other"; break;
    case NO_RID: s->encodings[0].rid = NULL; break;
    case LOW_SCALE: s->encodings[1].scale = 0.9; break;
    }
}

static void set_parameters_refuses_every_other_change_and_keeps_the_transaction(void **state)
{
    (void)state;
    static const int results[] = {[OTHER_TRANSACTION] = SOTTO_E_MODIFICATION,
                                  [FEWER] = SOTTO_E_MODIFICATION,
                                  [MORE] = SOTTO_E_MODIFICATION,
                                  [REORDERED] = SOTTO_E_MODIFICATION,
                                  [OTHER_RID] = SOTTO_E_MODIFICATION,
                                  [NO_RID] = SOTTO_E_MODIFICATION,
                                  [LOW_SCALE] = SOTTO_E_RANGE};
    for (enum change c = OTHER_TRANSACTION; c <= LOW_SCALE; c++) {
        struct peer *p = bare_new();
        struct transceiver *t = simulcast(p);
        sotto_send_parameters *s = parameters(p, t), *good = parameters(p, t);
        s->encodings[0].max_bps = 1;
        make_change(s, c);
        assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), results[c]);
        assert_int_equal(t->encodings.items[0].max_bps, 100); /* nothing changed */
        assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, good), 0);
        sotto__free(s);
        sotto__free(good);
        bare_free(p);
    }
}

static void set_parameters_refuses_a_rid_for_a_lone_one_and_ignores_scales_of_audio(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    sotto_send_parameters *s = parameters(p, t);
    assert_null(s->encodings[0].rid);
    s->encodings[0].rid = "new";
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), SOTTO_E_MODIFICATION);
    s->encodings[0].rid = NULL;
    s->encodings[0].scale = 0.5;
    assert_int_equal(sotto__transceiver_set_parameters(p, 0, t, s), 0);
    assert_true(t->encodings.items[0].scale == 0);
    sotto__free(s);
    bare_free(p);
}

static void without_memory_no_parameters_are_read_and_no_transaction_begins(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = simulcast(p);
    sotto_send_parameters *s = NULL;
    int64_t live = sotto__mem_live();
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__transceiver_get_parameters(p, t, &s), SOTTO_E_NOMEM);
    assert_null(s);
    assert_true(t->transaction == 0);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_copied_into_one_block),
        cmocka_unit_test(stream_ids_follow_their_grammar),
        cmocka_unit_test(one_stream_id_more_than_the_limit_is_refused),
        cmocka_unit_test(a_rid_that_breaks_the_grammar_is_refused),
        cmocka_unit_test(some_encodings_with_and_some_without_rid_are_refused),
        cmocka_unit_test(two_encodings_with_the_same_rid_are_refused),
        cmocka_unit_test(scales_of_audio_are_removed_before_they_are_checked),
        cmocka_unit_test(a_scale_below_one_is_refused),
        cmocka_unit_test(scales_that_are_missing_are_one_if_there_is_any),
        cmocka_unit_test(scales_are_powers_of_two_down_to_one_if_there_is_none),
        cmocka_unit_test(one_encoding_more_than_the_limit_is_refused_and_audio_keeps_the_first),
        cmocka_unit_test(a_lone_encoding_loses_its_rid),
        cmocka_unit_test(no_encodings_are_one_active_default_encoding),
        cmocka_unit_test(encodings_are_copied_with_their_rids),
        cmocka_unit_test(encodings_of_a_remote_simulcast_get_the_default_scales),
        cmocka_unit_test(get_parameters_gives_the_encodings_and_a_new_transaction),
        cmocka_unit_test(get_parameters_twice_is_the_same_transaction),
        cmocka_unit_test(set_parameters_changes_active_rate_and_scale),
        cmocka_unit_test(set_parameters_refuses_closed_stopping_and_what_was_not_read),
        cmocka_unit_test(set_parameters_refuses_every_other_change_and_keeps_the_transaction),
        cmocka_unit_test(set_parameters_refuses_a_rid_for_a_lone_one_and_ignores_scales_of_audio),
        cmocka_unit_test(without_memory_no_parameters_are_read_and_no_transaction_begins),
    };
    return cmocka_run_group_tests_name("transceiver_params", tests, NULL, NULL);
}
