/* SPDX-License-Identifier: BSD-2-Clause */
/* Lip sync groups of offers and answers. */
#include "lines.h"
#include "peer/section_sync.h"

static void transceivers_of_one_stream_are_a_group(void **state)
{
    (void)state; /* RFC 9429 §5.2.1 */
    struct duo *d = duo_new(1);
    add_streams(d, &d->a, SOTTO_AUDIO, "s", NULL);
    add_streams(d, &d->a, SOTTO_VIDEO, "other", NULL);
    add_streams(d, &d->a, SOTTO_VIDEO, "s", NULL);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    HAS_N(sdp, -1, "a=group:LS", 1);
    HAS(sdp, -1, "a=group:LS 0 2");
    sotto__free(sdp);
    duo_free(d);
}

static void groups_that_meet_are_one(void **state)
{
    (void)state; /* RFC 5888: a section stands in one group of a kind */
    struct duo *d = duo_new(1);
    add_streams(d, &d->a, SOTTO_AUDIO, "s", NULL);
    add_streams(d, &d->a, SOTTO_VIDEO, "t", NULL);
    add_streams(d, &d->a, SOTTO_AUDIO, "u", NULL);
    add_streams(d, &d->a, SOTTO_VIDEO, "s", "t");
    add_streams(d, &d->a, SOTTO_VIDEO, "u", NULL);
    char *sdp = offer_of(&d->a);
    HAS_N(sdp, -1, "a=group:LS", 2);
    HAS(sdp, -1, "a=group:LS 0 1 3");
    HAS(sdp, -1, "a=group:LS 2 4");
    sotto__free(sdp);
    duo_free(d);
}

static void who_sends_nothing_follows_the_offered_groups_and_keeps_them(void **state)
{
    (void)state; /* RFC 9429 §5.3.1, and §5.2.2 for the later offer of the other side */
    struct duo *d = duo_new(1);
    struct transceiver *t = add_streams(d, &d->a, SOTTO_AUDIO, "s", NULL);
    add_streams(d, &d->a, SOTTO_VIDEO, "s", NULL);
    add_streams(d, &d->a, SOTTO_VIDEO, "s", NULL);
    duo_signal(d);
    char *sdp = local_text(&d->b);
    HAS(sdp, -1, "a=group:LS 0 1 2");
    sotto__free(sdp);
    sdp = offer_of(&d->b);
    HAS(sdp, -1, "a=group:LS 0 1 2");
    sotto__free(sdp);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t);
    duo_signal(d);
    sdp = offer_of(&d->b);
    HAS(sdp, -1, "a=group:LS 1 2");
    sotto__free(sdp);
    duo_free(d);
}

static void set_streams(struct duo *d, struct transceiver *t, const char *stream)
{
    assert_int_equal(sotto__transceiver_set_streams(d->b.peer, duo_now(d), t, &stream, 1), 0);
}

static void an_answer_groups_what_shares_a_stream_of_its_own(void **state)
{
    (void)state; /* the example of RFC 9429 §5.3.1 */
    struct duo *d = duo_new(1);
    for (int i = 0; i < 3; i++) add_streams(d, &d->a, SOTTO_AUDIO, "s", NULL);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    char *sdp = local_text(&d->a);
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_OFFER, sdp), 0);
    sotto__free(sdp);
    struct transceiver *t[3];
    for (int i = 0; i < 3; i++) t[i] = sotto__transceiver_at(d->b.peer, i);
    set_streams(d, t[0], "one");
    sdp = answer_of(&d->b); /* the others have none and do not mind */
    HAS(sdp, -1, "a=group:LS 0 1 2");
    sotto__free(sdp);
    set_streams(d, t[1], "two");
    set_streams(d, t[2], "two");
    sdp = answer_of(&d->b);
    HAS(sdp, -1, "a=group:LS 1 2");
    sotto__free(sdp);
    set_streams(d, t[2], "three");
    sdp = answer_of(&d->b);
    HAS_NO(sdp, -1, "a=group:LS");
    sotto__free(sdp);
    duo_free(d);
}

static struct sdp *with_groups(const char *one, const char *two)
{
    struct sdp *sdp;
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "group:%s", one), 0);
    assert_int_equal(sotto__sdp_add(sdp, &sdp->s, 'a', "group:%s", two), 0);
    return sdp;
}

static void expect_groups(struct sdp *sdp, const char *one, const char *two)
{
    const struct sdp_line *line;
    const char *want[] = {one, two, NULL};
    size_t at = 0, n = 0;
    while ((line = sotto__sdp_next_attr(&sdp->s, &at, "group"))) {
        assert_non_null(want[n]);
        assert_true(sotto__str_eq(line->value, sotto__str(want[n++])));
    }
    assert_null(want[n]);
    sotto__sdp_free(sdp);
}

static void only_members_that_the_other_description_grouped_are_grouped(void **state)
{
    (void)state;
    struct strings none = {0};
    struct sync_member members[] = {{STR("a"), &none},
                                    {STR("b"), &none},
                                    {STR("c"), &none},
                                    {STR("d"), &none},
                                    {STR("e"), &none}};
    struct sdp *other = with_groups("LS b gone d", "LS a e"), *sdp;
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__section_sync_offer(sdp, members, 5, other), 0);
    expect_groups(sdp, "LS a e", "LS b d");
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__section_sync_answer(sdp, members, 5, other), 0);
    expect_groups(sdp, "LS b d", "LS a e");
    sotto__sdp_free(other);
    other = with_groups("BUNDLE a b c", "LS a gone");
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__section_sync_offer(sdp, members, 5, other), 0);
    assert_int_equal(sotto__section_sync_answer(sdp, members, 5, other), 0);
    expect_groups(sdp, NULL, NULL);
    sotto__sdp_free(other);
}

static void the_stream_that_most_have_decides(void **state)
{
    (void)state;
    char *one = "one", *two = "two", *both[] = {"one", "two"};
    struct strings s1 = {&one, 1}, s2 = {&two, 1}, s12 = {both, 2};
    struct sync_member members[] = {
        {STR("a"), &s1}, {STR("b"), &s2}, {STR("c"), &s12}, {STR("d"), &s2}, {STR("x"), &s1}};
    struct sdp *other = with_groups("LS a b c d", "LS x y"), *sdp;
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__section_sync_answer(sdp, members, 5, other), 0);
    expect_groups(sdp, "LS b c d", NULL);
    sotto__sdp_free(other);
}

static void a_rejected_section_is_in_no_group(void **state)
{
    static const char offer[] =
        OFFER_HEAD "a=group:BUNDLE 0 1 2\r\na=group:LS 0 1 2\r\n" AUDIO("0") AUDIO("1") AUDIO("2");
    (void)state;
    struct duo *d = duo_new(1);
    sotto_codec pcma = {
        .size = sizeof pcma, .mime = "audio/PCMA", .clock_hz = 8000, .channels = 1, .fmtp = ""};
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, offer), 0);
    struct transceiver *t = sotto__transceiver_at(d->a.peer, 1);
    assert_int_equal(sotto__transceiver_set_preferences(d->a.peer, t, &pcma, 1), 0);
    char *sdp = answer_of(&d->a);
    HAS(sdp, -1, "a=group:BUNDLE 0 2");
    HAS(sdp, -1, "a=group:LS 0 2");
    sotto__free(sdp);
    duo_free(d);
}

static void an_answer_to_an_offer_without_groups_has_none(void **state)
{
    static const char sdp[] = OFFER_HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0") AUDIO("1");
    (void)state;
    struct duo *d = duo_new(1);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    char *text = answer_of(&d->a);
    HAS_NO(text, -1, "a=group:LS");
    sotto__free(text);
    duo_free(d);
}

static void every_section_can_be_in_one_group(void **state)
{
    (void)state;
    struct sync_member members[SOTTO_MAX_SDP_MEDIA];
    char mids[SOTTO_MAX_SDP_MEDIA][SOTTO_MAX_MID + 1];
    char *name = "s";
    struct strings streams = {&name, 1};
    struct sdp *sdp;
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    for (size_t i = 0; i < SOTTO_MAX_SDP_MEDIA; i++) {
        memset(mids[i], 'm', SOTTO_MAX_MID);
        snprintf(mids[i] + SOTTO_MAX_MID - 2, 3, "%02zu", i);
        members[i] = (struct sync_member){sotto__str(mids[i]), &streams};
    }
    assert_int_equal(sotto__section_sync_offer(sdp, members, SOTTO_MAX_SDP_MEDIA, NULL), 0);
    const struct sdp_line *line = sotto__sdp_attr(&sdp->s, "group");
    struct sdp_group group;
    assert_int_equal(sotto__sdp_group(line->value, &group), 0);
    assert_int_equal(group.n_mids, SOTTO_MAX_SDP_MEDIA);
    sotto__sdp_free(sdp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transceivers_of_one_stream_are_a_group),
        cmocka_unit_test(groups_that_meet_are_one),
        cmocka_unit_test(who_sends_nothing_follows_the_offered_groups_and_keeps_them),
        cmocka_unit_test(an_answer_groups_what_shares_a_stream_of_its_own),
        cmocka_unit_test(only_members_that_the_other_description_grouped_are_grouped),
        cmocka_unit_test(the_stream_that_most_have_decides),
        cmocka_unit_test(a_rejected_section_is_in_no_group),
        cmocka_unit_test(an_answer_to_an_offer_without_groups_has_none),
        cmocka_unit_test(every_section_can_be_in_one_group),
    };
    return cmocka_run_group_tests_name("section_sync", tests, NULL, NULL);
}
