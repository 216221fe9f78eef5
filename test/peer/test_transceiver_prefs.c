/* SPDX-License-Identifier: BSD-2-Clause */
/* setCodecPreferences, step by step; without memory; and the limit. */
#include "bare.h"

#define CODEC(type, hz, ch, params)                                                                \
    {                                                                                              \
        .size = sizeof(sotto_codec), .mime = type, .clock_hz = hz, .channels = ch, .fmtp = params, \
        .payload_type = -1                                                                         \
    }

/* What the library gives for a kind, in one block. */
static sotto_codecs *capabilities(sotto_kind kind)
{
    struct codec_list all;
    sotto_codecs *ret;
    assert_int_equal(sotto__codecs_capabilities(kind, &all), 0);
    assert_int_equal(sotto__codecs_public(kind, &all, NULL, 0, &ret), 0);
    sotto__codecs_free(&all);
    return ret;
}

static void no_preferences_are_the_default_again(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    sotto_codecs *all = capabilities(SOTTO_AUDIO);
    assert_int_equal(sotto__transceiver_set_preferences(p, t, all->items, all->n), 0);
    assert_int_equal(t->prefs.n, all->n);
    assert_int_equal(sotto__transceiver_set_preferences(p, t, NULL, 0), 0);
    assert_int_equal(t->prefs.n, 0);
    sotto__free(all);
    bare_free(p);
}

static void preferences_keep_their_order_and_need_no_negotiation(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    const sotto_codec two[] = {CODEC("AUDIO/pcmu", 8000, 1, ""), CODEC("audio/PCMA", 8000, 1, "")};
    bare_needed(p);
    p->negotiation_needed = false;
    assert_int_equal(sotto__transceiver_set_preferences(p, t, two, 2), 0);
    assert_int_equal(t->prefs.n, 2);
    assert_int_equal(t->prefs.items[0].id, CODEC_PCMU);
    assert_int_equal(t->prefs.items[1].id, CODEC_PCMA);
    assert_false(p->negotiation_needed);
    bare_free(p);
}

static void duplicates_are_removed_and_the_first_stays(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    const sotto_codec three[] = {CODEC("audio/PCMA", 8000, 1, ""), CODEC("audio/PCMU", 8000, 1, ""),
                                 CODEC("audio/pcma", 8000, 1, "")};
    assert_int_equal(sotto__transceiver_set_preferences(p, t, three, 3), 0);
    assert_int_equal(t->prefs.n, 2);
    assert_int_equal(t->prefs.items[0].id, CODEC_PCMA);
    assert_int_equal(t->prefs.items[1].id, CODEC_PCMU);
    bare_free(p);
}

static void a_codec_that_is_no_capability_is_refused(void **state)
{
    (void)state;
    static const sotto_codec bad[] = {
        CODEC("audio/none", 8000, 1, ""),  CODEC("video/VP8", 90000, 0, ""),
        CODEC("audio/PCMU", 16000, 1, ""), CODEC("audio/PCMU", 8000, 2, ""),
        CODEC("PCMU", 8000, 1, ""),        CODEC("", 8000, 1, ""),
    };
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    const sotto_codec good = CODEC("audio/PCMA", 8000, 1, "");
    assert_int_equal(sotto__transceiver_set_preferences(p, t, &good, 1), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const sotto_codec two[] = {good, bad[i]};
        assert_int_equal(sotto__transceiver_set_preferences(p, t, two, 2), SOTTO_E_MODIFICATION);
        assert_int_equal(t->prefs.n, 1); /* as before */
        assert_int_equal(t->prefs.items[0].id, CODEC_PCMA);
    }
    bare_free(p);
}

/* The capabilities that carry no media by themselves. */
static size_t helpers(const sotto_codecs *all, sotto_codec ret[static SOTTO_MAX_CODECS])
{
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        const char *name = strchr(all->items[i].mime, '/') + 1;
        if (strcmp(name, "rtx") == 0 || strcmp(name, "red") == 0 ||
            strcmp(name, "telephone-event") == 0)
            ret[n++] = all->items[i];
    }
    return n;
}

static void only_codecs_that_carry_no_media_are_refused(void **state)
{
    (void)state;
    for (sotto_kind kind = SOTTO_AUDIO; kind <= SOTTO_VIDEO; kind++) {
        struct peer *p = bare_new();
        struct transceiver *t = bare_add(p, kind, SOTTO_DIR_SENDRECV);
        sotto_codec some[SOTTO_MAX_CODECS];
        sotto_codecs *all = capabilities(kind);
        size_t n = helpers(all, some);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(sotto__transceiver_set_preferences(p, t, &some[i], 1),
                             SOTTO_E_MODIFICATION);
        if (kind == SOTTO_AUDIO) assert_true(n >= 2);
        assert_int_equal(t->prefs.n, 0);
        sotto__free(all);
        bare_free(p);
    }
}

static void preferences_are_refused_when_closed_and_above_the_limit(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    sotto_codec many[SOTTO_MAX_CODECS + 1];
    for (size_t i = 0; i <= SOTTO_MAX_CODECS; i++)
        many[i] = (sotto_codec)CODEC("audio/PCMU", 8000, 1, "");
    assert_int_equal(sotto__transceiver_set_preferences(p, t, many, SOTTO_MAX_CODECS + 1),
                     SOTTO_E_LIMIT);
    assert_int_equal(sotto__transceiver_set_preferences(p, t, many, SOTTO_MAX_CODECS), 0);
    assert_int_equal(t->prefs.n, 1);
    p->closed = true;
    assert_int_equal(sotto__transceiver_set_preferences(p, t, NULL, 0), SOTTO_E_CLOSED);
    bare_free(p);
}

static void preferences_of_a_stopped_one_are_refused(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    const sotto_codec one = CODEC("audio/PCMU", 8000, 1, "");
    sotto__transceiver_stopped(p, t);
    assert_int_equal(sotto__transceiver_set_preferences(p, t, &one, 1), SOTTO_E_STATE);
    assert_int_equal(t->prefs.n, 0);
    bare_free(p);
}

static void without_memory_the_preferences_stay(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    sotto_codecs *all = capabilities(SOTTO_VIDEO);
    assert_int_equal(sotto__transceiver_set_preferences(p, t, all->items, 1), 0);
    int r = SOTTO_E_NOMEM;
    for (uint64_t n = 1; r == SOTTO_E_NOMEM; n++) {
        int64_t live = sotto__mem_live();
        sotto__mem_fail_at(n);
        r = sotto__transceiver_set_preferences(p, t, all->items, all->n);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        assert_int_equal(t->prefs.n, failed ? 1 : all->n);
        if (failed) assert_int_equal(sotto__mem_live(), live);
    }
    sotto__free(all);
    bare_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_preferences_are_the_default_again),
        cmocka_unit_test(preferences_keep_their_order_and_need_no_negotiation),
        cmocka_unit_test(duplicates_are_removed_and_the_first_stays),
        cmocka_unit_test(a_codec_that_is_no_capability_is_refused),
        cmocka_unit_test(only_codecs_that_carry_no_media_are_refused),
        cmocka_unit_test(preferences_are_refused_when_closed_and_above_the_limit),
        cmocka_unit_test(preferences_of_a_stopped_one_are_refused),
        cmocka_unit_test(without_memory_the_preferences_stay),
    };
    return cmocka_run_group_tests_name("transceiver_prefs", tests, NULL, NULL);
}
