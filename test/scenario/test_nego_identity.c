/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is at the other end: which sets of fingerprints connect (RFC 8122 §5.1), identities that change or are swapped on the way, answers of
 * other sessions, text of applications and remotes that would like to be lines (H009, H021 to H028; SDP-04, 05, 07, 24).
 */
#include "nego_more.h"

#define WRONG_256 PAPER_PRINT
#define BYTES16 "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F"
#define WRONG_384 "sha-384 " BYTES16 ":" BYTES16 ":" BYTES16
#define WRONG_512 "sha-512 " BYTES16 ":" BYTES16 ":" BYTES16 ":" BYTES16
#define WRONG_1 "sha-1 " BYTES16 ":10:11:12:13"

/* ---- sets of fingerprints ---- */

static const struct {
    const char *name;
    const char *prints[4]; /* "=": the right one, "lower": in small letters, "name": its hash in capitals */
    bool connects;
} sets[] = {
    /* proves: SDP-07 */
    {"sdp_07_the_right_one_connects", {"="}, true},
    /* proves: SDP-07 */
    {"sdp_07_a_wrong_one_does_not", {WRONG_256}, false},
    /* proves: SDP-07 */
    {"sdp_07_a_wrong_one_before_the_right_one_of_the_same_hash_connects", {WRONG_256, "="}, true},
    {"sdp_07_a_wrong_one_after_the_right_one_of_the_same_hash_connects", {"=", WRONG_256}, true},
    /* proves: SDP-07 */
    {"sdp_07_a_wrong_sha_1_beside_the_right_one_is_ignored", {WRONG_1, "="}, true},
    {"sdp_07_md5_beside_the_right_one_is_ignored", {"md5 " BYTES16, "="}, true},
    {"sdp_07_an_unknown_hash_beside_the_right_one_is_ignored", {"sha-3 " BYTES16, "="}, true},
    /* proves: H009 */
    {"h009_a_right_sha_256_does_not_heal_a_wrong_sha_384", {WRONG_384, "="}, false},
    /* proves: H009 */
    {"h009_a_right_sha_256_does_not_heal_a_wrong_sha_512", {"=", WRONG_512}, false},
    {"h009_a_weak_one_does_not_heal_two_wrong_ones", {WRONG_256, WRONG_1}, false},
    {"sdp_07_small_letters_connect", {"lower"}, true},
    {"sdp_07_the_name_of_the_hash_has_no_case", {"name"}, true},
};

static char *print_of(struct nego *n, const char *what, const char *right)
{
    char *text = nego_text(n, "%s", strchr(what, ' ') ? what : right);
    bool lower = strcmp(what, "lower") == 0;
    size_t hash = strcspn(text, " ");
    for (size_t i = 0; text[i]; i++) {
        if (lower && i > hash && text[i] >= 'A' && text[i] <= 'F') text[i] = (char)(text[i] + 32);
        if (strcmp(what, "name") == 0 && i < hash && text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 32);
    }
    return text;
}

static void set_connects(void **state)
{
    const struct {
        const char *name;
        const char *prints[4];
        bool connects;
    } *row = *state;
    for (int answers = 0; answers < 2; answers++) { /* the set stands in the offer, or in the answer */
        struct nego *n = nego_pair();
        nego_channel(&n->a, "c");
        char *offer = nego_offer(&n->a), *answer = NULL, **bad = answers ? &answer : &offer;
        if (answers) answer = nego_answer_to(&n->b, offer);
        char *right = sdp_value(n, *bad, 0, "a=fingerprint:");
        *bad = sdp_drop(n, *bad, 0, "a=fingerprint:");
        for (int i = 0; i < 4 && row->prints[i]; i++)
            *bad = sdp_put(n, *bad, 0,
                           nego_text(n, "a=fingerprint:%s", print_of(n, row->prints[i], right)));
        if (!answers) answer = nego_answer_to(&n->b, offer);
        nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
        if (row->connects) {
            more_expect_data(n);
        } else {
            assert_false(nego_until(n, SOTTO_SECONDS(15), nego_is_connected, NULL));
            struct nego_side *judge = answers ? &n->a : &n->b;
            assert_int_equal(nego_transport(judge).dtls, SOTTO_DTLS_FAILED);
            assert_int_equal(nego_connection(judge), SOTTO_CONNECTION_FAILED);
            struct nego_chan *c = nego_find(judge, "c");
            assert_true(!c || (!c->open && c->received == 0));
        }
        nego_free(n);
    }
}

/* ---- in a call ---- */

static struct nego *call(void)
{
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    more_expect_data(n);
    return n;
}

static const struct {
    const char *name, *begin, *line;
    int want;
} changes[] = {
    /* proves: H023 SDP-05 */
    {"h023_another_fingerprint_without_an_ice_restart_is_refused",
     "a=fingerprint:", "a=fingerprint:" PAPER_PRINT, SOTTO_E_MODIFICATION},
    /* proves: SDP-05 */
    {"sdp_05_a_fingerprint_of_another_hash_without_an_ice_restart_is_refused",
     "a=fingerprint:", "a=fingerprint:" WRONG_384, SOTTO_E_MODIFICATION},
    /* proves: SDP-04 */
    {"sdp_04_another_tls_id_without_an_ice_restart_is_refused",
     "a=tls-id:", "a=tls-id:0123456789012345678901234567890123456789", SOTTO_E_MODIFICATION},
    /* proves: SDP-24 */
    {"sdp_24_another_ufrag_with_the_old_password_is_refused",
     "a=ice-ufrag:", "a=ice-ufrag:another1", SOTTO_E_SDP},
    /* proves: SDP-24 */
    {"sdp_24_another_password_with_the_old_ufrag_is_refused",
     "a=ice-pwd:", "a=ice-pwd:another1another1another1", SOTTO_E_SDP},
    /* proves: SDP-24 */
    {"sdp_24_an_ufrag_of_3_is_refused", "a=ice-ufrag:", "a=ice-ufrag:abc", SOTTO_E_SYNTAX},
    /* proves: SDP-24 */
    {"sdp_24_a_password_of_21_is_refused", "a=ice-pwd:", "a=ice-pwd:012345678901234567890",
     SOTTO_E_SYNTAX},
    {"sdp_24_an_ufrag_with_a_blank_is_refused", "a=ice-ufrag:", "a=ice-ufrag:ab cd",
     SOTTO_E_SYNTAX},
};

static void change_is_refused(void **state)
{
    const struct {
        const char *name, *begin, *line;
        int want;
    } *row = *state;
    struct nego *n = call();
    char *offer = nego_offer(&n->b), *bad = offer;
    for (int i = 0; i < 2; i++)
        if (sdp_has(n, bad, i, row->begin)) bad = sdp_set(n, bad, i, row->begin, row->line);
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, bad, row->want);
    more_expect_data(n);
    char *answer = nego_answer_to(&n->a, offer);
    bad = answer;
    for (int i = 0; i < 2; i++)
        if (sdp_has(n, bad, i, row->begin)) bad = sdp_set(n, bad, i, row->begin, row->line);
    nego_refuse_remote(&n->b, SOTTO_SDP_ANSWER, bad, row->want);
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    nego_free(n);
}

/* proves: H021 */
static void h021_answers_and_offers_out_of_order_change_nothing(void **state)
{
    (void)state;
    struct nego *n = call();
    char *offer = nego_remote(&n->b), *answer = nego_local(&n->b);
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, answer, SOTTO_E_STATE);
    nego_refuse_remote(&n->a, SOTTO_SDP_PRANSWER, answer, SOTTO_E_STATE);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, offer); /* its own first one again: nothing new */
    nego_refuse_remote(&n->b, SOTTO_SDP_ANSWER, answer, SOTTO_E_STATE);
    nego_rollback(&n->b);
    more_expect_data(n);
    for (int i = 0; i < 300; i++) { /* a storm; ten thousand are in test_signaling.c */
        nego_set_remote(&n->b, SOTTO_SDP_OFFER, offer);
        nego_rollback(&n->b);
    }
    more_expect_data(n);
    nego_free(n);
}

/* proves: H022 */
static void h022_sections_less_or_in_another_order_are_refused(void **state)
{
    (void)state;
    struct nego *n = call();
    char *offer = nego_offer(&n->b), *swapped = sdp_swap_sections(n, offer, 0, 1);
    char *less = sdp_set(n, sdp_drop_section(n, offer, 1), SDP_SESSION, "a=group:BUNDLE",
                         "a=group:BUNDLE 0");
    char *none = sdp_drop(n, sdp_section(n, offer, SDP_SESSION), SDP_SESSION, "a=group:BUNDLE");
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, swapped, SOTTO_E_SDP);
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, less, SOTTO_E_SDP);
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, none, SOTTO_E_SDP);
    more_expect_data(n);
    nego_free(n);
}

/* proves: H024 S36 */
static void h024_an_offer_that_asks_for_more_does_not_make_us_send(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDONLY, "s");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_direct(&n->a, nego_at(&n->a, 0), SOTTO_DIR_SENDRECV);
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    assert_true(sdp_has(n, answer, 0, "a=recvonly"));
    assert_false(sdp_has(n, answer, 0, "a=ssrc:"));
    nego_expect_transceivers(&n->b, "0 audio recvonly/recvonly");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    nego_free(n);
}

/* ---- text ---- */

/* proves: H025 */
static void h025_no_text_of_an_application_becomes_a_line(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    static const char *const ids[] = {"s\r\na=evil:1", "s\na=evil:1", "s t", "", "-", "s\x7f"};
    char *before = nego_snapshot(&n->a);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        sotto_transceiver *t = NULL;
        sotto_encoding e[2] = {{.size = sizeof e[0], .rid = ids[i]},
                               {.size = sizeof e[1], .rid = "x"}};
        sotto_transceiver_config c = {.size = sizeof c, .encodings = e, .n_encodings = 2};
        assert_int_equal(sotto_pc_add_track(n->a.pc, SOTTO_AUDIO, &ids[i], 1, &t), SOTTO_E_SYNTAX);
        if (strcmp(ids[i], "-") != 0)
            assert_int_equal(sotto_pc_add_transceiver(n->a.pc, SOTTO_VIDEO, &c, &t),
                             SOTTO_E_SYNTAX);
    }
    assert_string_equal(nego_snapshot(&n->a), before);
    nego_track(&n->a, SOTTO_AUDIO, "%n%s%d");
    nego_channel(&n->a, "c\r\na=evil:%n");
    char *offer = nego_offer(&n->a);
    assert_null(strstr(offer, "evil"));
    assert_true(sdp_has(n, offer, 0, "a=msid:%n%s%d "));
    nego_free(n);
}

/* proves: H025 A20 */
static void h025_a_label_of_odd_characters_arrives_as_it_is(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    const char *label = "c\r\na=evil:%n%s\x01\xc3\xa9";
    nego_channel(&n->a, label);
    nego_exchange(&n->a);
    nego_connect(n);
    assert_non_null(nego_find(&n->b, label));
    nego_free(n);
}

/* ---- those in the middle ---- */

static char *stats_of(struct nego_side *s)
{
    char *json = NULL;
    assert_int_equal(sotto_pc_get_stats_json(s->pc, &json), 0);
    char *kept = nego_text(s->n, "%s", json);
    sotto_free(json);
    return kept;
}

/* The bytes of the fingerprint that a side describes itself by. */
static const char *own_print(struct nego_side *s)
{
    return strchr(sdp_value(s->n, nego_local(s), 0, "a=fingerprint:"), ' ') + 1;
}

/*
 * Who swaps the fingerprints both ways has two calls; what is left to the ends is to compare what they see (a short authentication
 * string does it for people). So each end must be able to tell which certificate the other one has.
 */
/* proves: H027 */
static void h027_both_ends_can_see_the_certificate_of_the_other(void **state)
{
    (void)state;
    struct nego *n = call(), *middle = call();
    assert_non_null(strstr(stats_of(&n->a), own_print(&n->b)));
    assert_non_null(strstr(stats_of(&n->b), own_print(&n->a)));
    /* two calls with somebody in the middle: what the ends see differs */
    assert_null(strstr(stats_of(&n->a), own_print(&middle->b)));
    assert_null(strstr(stats_of(&middle->b), own_print(&n->a)));
    nego_free(middle);
    nego_free(n);
}

/* proves: H027 */
static void h027_a_fingerprint_swapped_one_way_ends_in_failure(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    char *offer = nego_offer(&n->a);
    char *swapped = sdp_set(n, offer, 0, "a=fingerprint:", "a=fingerprint:" PAPER_PRINT);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, swapped));
    assert_false(nego_until(n, SOTTO_SECONDS(15), nego_is_connected, NULL));
    assert_int_equal(nego_connection(&n->b), SOTTO_CONNECTION_FAILED);
    assert_false(nego_find(&n->a, "c")->open);
    nego_free(n);
}

/* proves: H028 */
static void h028_an_old_answer_of_this_session_is_refused(void **state)
{
    (void)state;
    struct nego *n = call();
    char *old = nego_local(&n->b);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_make_restart(&n->a)); /* only to have a new one */
    nego_rollback(&n->b);
    nego_track(&n->a, SOTTO_VIDEO, "s");
    char *offer = nego_offer(&n->a);
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, old, SOTTO_E_SDP); /* a section less */
    char *answer = nego_answer_to(&n->b, offer);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    nego_free(n);
}

/* proves: H028 */
static void h028_an_answer_of_another_session_is_refused_in_a_call(void **state)
{
    (void)state;
    struct nego *n, *other = call();
    char *stolen = strdup(nego_local(&other->b));
    nego_free(other);
    n = call();
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, stolen, SOTTO_E_SDP); /* a restart that nobody asked for */
    more_expect_data(n);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    free(stolen);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, sets, set_connects);
    NEGO_ROWS(&u, changes, change_is_refused);
    NEGO_TEST(&u, h021_answers_and_offers_out_of_order_change_nothing);
    NEGO_TEST(&u, h022_sections_less_or_in_another_order_are_refused);
    NEGO_TEST(&u, h024_an_offer_that_asks_for_more_does_not_make_us_send);
    NEGO_TEST(&u, h025_no_text_of_an_application_becomes_a_line);
    NEGO_TEST(&u, h025_a_label_of_odd_characters_arrives_as_it_is);
    NEGO_TEST(&u, h027_both_ends_can_see_the_certificate_of_the_other);
    NEGO_TEST(&u, h027_a_fingerprint_swapped_one_way_ends_in_failure);
    NEGO_TEST(&u, h028_an_old_answer_of_this_session_is_refused);
    NEGO_TEST(&u, h028_an_answer_of_another_session_is_refused_in_a_call);
    return nego_suite_run(&u, "negotiation: identity");
}
