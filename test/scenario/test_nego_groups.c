/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BUNDLE groups in calls that carry data: groups that are partial, several, missing, shrink and grow; the section that carries the
 * transport rejected or stopped by either side. After each: what was accepted is on the one transport, the rest has port 0, and data
 * goes on (RFC 9143 §7, SDP-14).
 */
#include "nego_more.h"

/* ---- an offer changed on its way ---- */

static char *set_port(struct nego *n, const char *sdp, int section, int port)
{
    char *m = sdp_value(n, sdp, section, "m="), *rest = strchr(strchr(m, ' ') + 1, ' ');
    return sdp_set(n, sdp, section,
                   "m=", nego_text(n, "m=%.*s %d%s", (int)strcspn(m, " "), m, port, rest));
}

/* With these groups ("0 1|2"), each section with a port and none of them bundle-only: as a remote with several transports offers. */
static char *regroup(struct nego *n, const char *offer, const char *groups)
{
    char *text = sdp_drop(n, offer, SDP_SESSION, "a=group:BUNDLE"), *copy = strdup(groups);
    for (char *at = copy, *end; at && *at; at = end) {
        end = strchr(at, '|');
        if (end) *end++ = '\0';
        text = sdp_put(n, text, SDP_SESSION, nego_text(n, "a=group:BUNDLE %s", at));
    }
    free(copy);
    for (int i = 0; i < sdp_sections(text); i++) {
        if (!sdp_has(n, text, i, "a=bundle-only")) continue;
        text = set_port(n, text, i, 9);
        text = sdp_drop(n, text, i, "a=bundle-only");
    }
    return text;
}

static void fill(struct nego *n)
{
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_channel(&n->a, "c");
}

static const struct {
    const char *name, *groups, *want;
    bool data;
} firsts[] = {
    /* proves: SDP-14 */
    {"one_group", "0 1 2", "0 audio recvonly; 1 video recvonly; 2 application", true},
    {"a_group_of_two_of_three", "0 2", "0 audio recvonly; 1 video rejected; 2 application", true},
    /* proves: SDP-14 */
    {"a_group_without_the_first_section", "1 2",
     "0 audio recvonly; 1 video rejected; 2 application rejected", false},
    {"a_group_that_names_data_first", "2 0 1", "0 audio recvonly; 1 video recvonly; 2 application",
     true},
    /* proves: SDP-14 */
    {"two_groups", "0 2|1", "0 audio recvonly; 1 video rejected; 2 application", true},
    {"two_groups_the_other_way_round", "1|2 0", "0 audio recvonly; 1 video rejected; 2 application",
     true},
    {"three_groups", "2|1|0", "0 audio recvonly; 1 video rejected; 2 application rejected", false},
    /* proves: SDP-14 */
    {"no_group", "", "0 audio recvonly; 1 video rejected; 2 application rejected", false},
    {"a_group_of_one", "0", "0 audio recvonly; 1 video rejected; 2 application rejected", false},
};

static void is_answered_as_far_as_one_transport_goes(void **state)
{
    const struct {
        const char *name, *groups, *want;
        bool data;
    } *row = *state;
    struct nego *n = nego_pair();
    fill(n);
    char *answer = nego_answer_to(&n->b, regroup(n, nego_offer(&n->a), row->groups));
    sdp_expect(n, answer, row->want);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_one_transport(n);
    if (row->data) more_expect_data(n);
    if (!row->data) assert_true(nego_find(&n->a, "c")->closed);
    assert_int_equal(nego_count_transceivers(&n->a), nego_count_transceivers(&n->b));
    for (int i = 0; i < 2; i++) { /* and what was accepted stays so */
        nego_exchange(i ? &n->a : &n->b);
        more_expect_one_transport(n);
        if (row->data) more_expect_data(n);
    }
    nego_channel(&n->b, "d"); /* data can be added, or is there */
    nego_add(&n->b, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, "w");
    nego_exchange(&n->b);
    more_expect_one_transport(n);
    nego_send(nego_find(&n->b, "d"));
    nego_run(n, SOTTO_MS(500));
    assert_true(nego_is_whole(n, "d") && nego_find(&n->a, "d")->received == 1);
    nego_free(n);
}

/* ---- RTP/RTCP multiplexing: of the tagged section for all (RFC 8859 §5.3, RFC 9143 §7.1.3) ---- */

static const struct {
    const char *name;
    int without[4]; /* sections that have no a=rtcp-mux, -1 at the end */
    const char *groups, *want;
} muxes[] = {
    {"rtcp_mux_of_the_tagged_section_is_enough",
     {1, -1},
     "0 1 2",
     "0 audio recvonly; 1 video recvonly; 2 application"},
    /* proves: SDP-17 */
    {"rtcp_mux_nowhere_leaves_data",
     {0, 1, -1},
     "2 0 1",
     "0 audio rejected; 1 video rejected; 2 application"},
    {"rtcp_mux_nowhere_and_no_group_leaves_data",
     {0, 1, -1},
     "",
     "0 audio rejected; 1 video rejected; 2 application"},
    /* proves: SDP-17 */
    {"rtcp_mux_missing_in_the_tagged_section_leaves_the_others",
     {0, -1},
     "0 1 2",
     "0 audio rejected; 1 video recvonly; 2 application"},
    {"rtcp_mux_missing_beside_the_group",
     {1, -1},
     "0 2",
     "0 audio recvonly; 1 video rejected; 2 application"},
};

static void mux_is_answered(void **state)
{
    const struct {
        const char *name;
        int without[4];
        const char *groups, *want;
    } *row = *state;
    struct nego *n = nego_pair();
    fill(n);
    char *offer = regroup(n, nego_offer(&n->a), row->groups);
    for (int i = 0; row->without[i] >= 0; i++)
        offer = sdp_drop(n, offer, row->without[i], "a=rtcp-mux");
    char *answer = nego_answer_to(&n->b, offer);
    sdp_expect(n, answer, row->want);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_free(n);
}

/* ---- odd groups of remotes on paper ---- */

/* proves: SDP-14 */
static void a_first_section_that_is_bundle_only_leaves_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .bundle_only = true}, {"data", .bundle_only = true}}};
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &p)),
               "0 audio rejected; 1 application rejected");
    assert_int_equal(nego_count_transceivers(&n->a), 0);
    nego_free(n);
}

/* RFC 9143 §6: that is no use of bundle-only which means anything. */
static void a_bundle_only_section_that_is_named_first_is_rejected(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .bundle_only = true}, {"data"}, {"video"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    sdp_expect(n, answer, "0 audio rejected; 1 application; 2 video recvonly");
    assert_string_equal(sdp_bundle(n, answer), "1 2");
    nego_free(n);
}

static void port_0_without_bundle_only_is_rejected_though_the_group_names_it(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video", .bundle_only = true}, {"data"}}};
    char *offer = sdp_drop(n, paper_write(n, &p), 1, "a=bundle-only");
    char *answer = nego_answer_to(&n->a, offer);
    sdp_expect(n, answer, "0 audio recvonly; 1 video rejected; 2 application");
    assert_string_equal(sdp_bundle(n, answer), "0 2");
    nego_free(n);
}

/* Its candidates have no mid either. */
static void pass_by_index(struct nego_side *s, const sotto_candidate *c, void *user)
{
    (void)user;
    int r = nego_add_candidate(nego_other(s), c->line, NULL, 0, c->ufrag);
    assert_true(r == 0 || r == SOTTO_E_STATE);
}

static void without_mids_the_first_section_works_alone(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    n->a.on_candidate = pass_by_index, n->b.on_candidate = pass_by_index;
    nego_channel(&n->a, "c");
    char *offer = regroup(n, nego_make_offer(&n->a), "");
    char *answer = nego_answer_to(&n->b, sdp_drop(n, offer, 0, "a=mid:"));
    assert_false(sdp_is_rejected(n, answer, 0));
    assert_false(sdp_has(n, answer, 0, "a=mid:"));
    nego_offer(&n->a); /* now each has a description of the other before there is a candidate */
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    nego_free(n);
}

/* ---- answers to our groups ---- */

typedef char *(*change_fn)(struct nego *n, const char *answer);

static char *in_two_groups(struct nego *n, const char *answer)
{
    return sdp_set(n, answer, SDP_SESSION, "a=group:BUNDLE",
                   "a=group:BUNDLE 0 2\r\na=group:BUNDLE 1");
}

static char *without_data(struct nego *n, const char *answer)
{
    return sdp_set(n, answer, SDP_SESSION, "a=group:BUNDLE", "a=group:BUNDLE 0 1");
}

static char *with_a_stranger(struct nego *n, const char *answer)
{
    return sdp_set(n, answer, SDP_SESSION, "a=group:BUNDLE", "a=group:BUNDLE 0 1 2 3");
}

static char *twice_the_same(struct nego *n, const char *answer)
{
    return sdp_set(n, answer, SDP_SESSION, "a=group:BUNDLE", "a=group:BUNDLE 0 1 2 1");
}

static char *without_group(struct nego *n, const char *answer)
{
    return sdp_drop(n, answer, SDP_SESSION, "a=group:BUNDLE");
}

static char *with_other_semantics(struct nego *n, const char *answer)
{
    return sdp_set(n, answer, SDP_SESSION, "a=group:BUNDLE", "a=group:LS 0 1 2");
}

static const struct {
    const char *name;
    change_fn change;
    int want;
} answers[] = {
    /* proves: SDP-14 */
    {"an_answer_in_two_groups_is_refused", in_two_groups, SOTTO_E_SDP},
    {"an_answer_with_data_beside_the_group_is_refused", without_data, SOTTO_E_SDP},
    {"an_answer_whose_group_names_a_stranger_is_refused", with_a_stranger, SOTTO_E_SYNTAX},
    {"an_answer_whose_group_names_a_mid_twice_is_refused", twice_the_same, SOTTO_E_SYNTAX},
    {"an_answer_of_three_sections_without_a_group_is_refused", without_group, SOTTO_E_SDP},
    {"an_answer_with_a_group_of_another_kind_is_refused", with_other_semantics, SOTTO_E_SDP},
};

static void answer_is_refused(void **state)
{
    const struct {
        const char *name;
        change_fn change;
        int want;
    } *row = *state;
    struct nego *n = nego_pair();
    fill(n);
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, row->change(n, answer), row->want);
    nego_refuse_remote(&n->a, SOTTO_SDP_PRANSWER, row->change(n, answer), row->want);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_exchange(&n->b); /* and the same in a call */
    answer = nego_answer_to(&n->b, nego_offer(&n->a));
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, row->change(n, answer), row->want);
    more_expect_data(n);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    nego_free(n);
}

/* RFC 8843 answered bundled sections with port 0 and bundle-only. */
static void an_answer_in_the_words_of_rfc_8843_is_accepted(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    fill(n);
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    answer = sdp_replace(n, answer, "m=video 9 ", "m=video 0 ");
    answer = sdp_put(n, answer, 1, "a=bundle-only");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    more_expect_one_transport(n);
    more_expect_data(n);
    assert_int_equal(nego_count_transceivers(&n->a), 2);
    nego_free(n);
}

/* ---- groups over re-offers ---- */

static struct nego *call(void)
{
    struct nego *n = nego_pair();
    fill(n);
    nego_exchange(&n->a);
    more_expect_one_transport(n);
    more_expect_data(n);
    return n;
}

static const struct {
    const char *name, *groups, *want;
    bool data;
} laters[] = {
    {"a_group_that_loses_video", "0 2", "0 audio sendonly; 1 video rejected; 2 application", true},
    /* proves: SDP-14 */
    {"a_group_that_loses_its_first_section", "1 2",
     "0 audio sendonly; 1 video rejected; 2 application rejected", false},
    {"a_group_in_another_order", "2 1 0", "0 audio sendonly; 1 video sendonly; 2 application",
     true},
    {"a_group_that_falls_apart", "", "0 audio sendonly; 1 video rejected; 2 application rejected",
     false},
    {"a_group_that_becomes_two", "0 2|1", "0 audio sendonly; 1 video rejected; 2 application",
     true},
};

static void later_group_is_answered(void **state)
{
    const struct {
        const char *name, *groups, *want;
        bool data;
    } *row = *state;
    struct nego *n = call();
    char *offer = regroup(n, nego_offer(&n->b), row->groups);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, offer);
    nego_rollback(&n->a); /* which is undone first */
    more_expect_data(n);
    char *answer = nego_answer_to(&n->a, offer);
    sdp_expect(n, answer, row->want);
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, answer);
    more_expect_one_transport(n);
    if (row->data) more_expect_data(n);
    nego_track(&n->a, SOTTO_VIDEO, "again"); /* it grows again */
    nego_exchange(&n->a);
    more_expect_one_transport(n);
    if (row->data) more_expect_data(n);
    int rejected = strcmp(row->groups, "2 1 0") == 0 ? 0 : 1;
    assert_int_equal(sdp_is_rejected(n, nego_local(&n->a), 1), 0);
    assert_int_equal(nego_count_transceivers(&n->b), rejected ? 2 : 3);
    nego_free(n);
}

/* RFC 8843 offered so in a call. */
static void bundled_sections_without_ports_in_a_call_are_accepted(void **state)
{
    (void)state;
    struct nego *n = call();
    char *offer = nego_offer(&n->b);
    for (int i = 1; i < 3; i++) offer = sdp_put(n, set_port(n, offer, i, 0), i, "a=bundle-only");
    char *answer = nego_answer_to(&n->a, offer);
    sdp_expect(n, answer, "0 audio sendonly; 1 video sendonly; 2 application");
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, answer);
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_free(n);
}

/* RFC 9143 §7.3.3: who rejects the tagged section rejects the bundle. Nothing is half alive, and a new call can begin. */
static void rejecting_the_tagged_section(struct nego *n, struct nego_side *who)
{
    struct nego_side *other = nego_other(who);
    more_prefer(other, nego_at(other, 0), "PCMU");
    more_prefer(who, nego_at(who, 0), "PCMA");
    nego_exchange(other);
    sdp_expect(n, nego_local(who), "0 audio rejected; 1 video rejected; 2 application rejected");
    assert_true(nego_find(&n->a, "c")->closed && nego_find(&n->b, "c")->closed);
    struct nego_side *sides[] = {who, other};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nego_signaling(sides[i]), SOTTO_SIGNALING_STABLE);
        nego_expect_transceivers(sides[i], "");
    }
    nego_run(n, SOTTO_SECONDS(2));
    nego_track(who, SOTTO_VIDEO, "new"); /* takes a place */
    nego_channel(who, "d");
    nego_exchange(who);
    more_expect_one_transport(n);
    nego_connect(n);
    nego_send(nego_find(&n->a, "d"));
    nego_run(n, SOTTO_MS(500));
    assert_true(nego_is_whole(n, "d") && nego_find(&n->b, "d")->received == 1);
}

/* proves: SDP-14 */
static void a_tagged_section_that_the_remote_rejects_later_takes_all_with_it(void **state)
{
    (void)state;
    struct nego *n = call();
    rejecting_the_tagged_section(n, &n->b);
    nego_free(n);
}

static void a_tagged_section_that_we_reject_later_takes_all_with_it(void **state)
{
    (void)state;
    struct nego *n = call();
    rejecting_the_tagged_section(n, &n->a);
    nego_free(n);
}

/* W3C: it is stopping only, and its section inactive, until it was negotiated. */
static void a_tagged_section_that_the_answerer_stops_meanwhile_leaves_the_call(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_offer(&n->b));
    nego_stop(&n->a, nego_at(&n->a, 0));
    char *answer = nego_answer(&n->a);
    assert_false(sdp_is_rejected(n, answer, 0));
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, answer);
    more_expect_data(n);
    nego_exchange(&n->a);
    more_expect_one_transport(n);
    more_expect_data(n);
    assert_int_equal(nego_count_transceivers(&n->b), 1);
    nego_free(n);
}

/* Which sections stop, in this order, by whom; after each the call goes on, and then all come back. */
static const struct {
    const char *name, *order, *by;
} stops[] = {
    {"the_tagged_section_stops_and_comes_back", "0", "a"},
    {"the_tagged_section_is_stopped_by_the_answerer_and_comes_back", "0", "b"},
    {"the_second_section_stops_and_comes_back", "1", "a"},
    {"all_media_stops_from_the_first_on", "01", "aa"},
    {"all_media_stops_from_the_last_on", "10", "aa"},
    {"all_media_is_stopped_by_both_in_turn", "01", "ba"},
    {"all_media_is_stopped_by_the_answerer", "10", "bb"},
};

static sotto_transceiver *by_mid(struct nego_side *s, const char *mid)
{
    for (size_t i = 0; i < nego_count_transceivers(s); i++)
        if (strcmp(nego_mid(s, nego_at(s, i)), mid) == 0) return nego_at(s, i);
    fail_msg("no transceiver of mid %s", mid);
    return NULL;
}

static void sections_stop(void **state)
{
    const struct {
        const char *name, *order, *by;
    } *row = *state;
    struct nego *n = call();
    for (size_t i = 0; row->order[i]; i++) {
        struct nego_side *s = row->by[i] == 'a' ? &n->a : &n->b;
        nego_stop(s, by_mid(s, nego_text(n, "%c", row->order[i])));
        nego_exchange(s);
        more_expect_one_transport(n);
        more_expect_data(n);
        nego_exchange(nego_other(s));
        more_expect_one_transport(n);
        more_expect_data(n);
    }
    for (size_t i = 0; row->order[i]; i++) {
        struct nego_side *s = row->by[i] == 'a' ? &n->b : &n->a;
        nego_add(s, i ? SOTTO_AUDIO : SOTTO_VIDEO, SOTTO_DIR_SENDRECV, "back");
        nego_exchange(s);
        more_expect_one_transport(n);
        more_expect_data(n);
    }
    assert_int_equal(sdp_sections(nego_local(&n->a)), 3);
    assert_int_equal(nego_count_transceivers(&n->a), 2);
    assert_int_equal(nego_count_transceivers(&n->b), 2);
    nego_expect_agreement(n);
    nego_free(n);
}

static void a_group_grows_to_twelve_sections_and_shrinks_to_one(void **state)
{
    (void)state;
    struct nego *n = call();
    for (int i = 0; i < 9; i++) {
        struct nego_side *s = i % 2 ? &n->a : &n->b;
        nego_add(s, i % 3 ? SOTTO_VIDEO : SOTTO_AUDIO, SOTTO_DIR_SENDONLY, "m");
        nego_exchange(i % 4 < 2 ? s : nego_other(s));
        if (nego_count_transceivers(&n->a) != nego_count_transceivers(&n->b)) nego_exchange(s);
        more_expect_one_transport(n);
    }
    assert_int_equal(sdp_sections(nego_local(&n->a)), 12);
    more_expect_data(n);
    while (nego_count_transceivers(&n->a) > 0) {
        nego_stop(&n->a, nego_at(&n->a, 0));
        nego_exchange(&n->a);
        more_expect_one_transport(n);
    }
    more_expect_data(n);
    assert_int_equal(sdp_sections(nego_local(&n->a)), 12);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, firsts, is_answered_as_far_as_one_transport_goes);
    NEGO_ROWS(&u, muxes, mux_is_answered);
    NEGO_TEST(&u, a_first_section_that_is_bundle_only_leaves_nothing);
    NEGO_TEST(&u, a_bundle_only_section_that_is_named_first_is_rejected);
    NEGO_TEST(&u, port_0_without_bundle_only_is_rejected_though_the_group_names_it);
    NEGO_TEST(&u, without_mids_the_first_section_works_alone);
    NEGO_ROWS(&u, answers, answer_is_refused);
    NEGO_TEST(&u, an_answer_in_the_words_of_rfc_8843_is_accepted);
    NEGO_ROWS(&u, laters, later_group_is_answered);
    NEGO_TEST(&u, bundled_sections_without_ports_in_a_call_are_accepted);
    NEGO_TEST(&u, a_tagged_section_that_the_remote_rejects_later_takes_all_with_it);
    NEGO_TEST(&u, a_tagged_section_that_we_reject_later_takes_all_with_it);
    NEGO_TEST(&u, a_tagged_section_that_the_answerer_stops_meanwhile_leaves_the_call);
    NEGO_ROWS(&u, stops, sections_stop);
    NEGO_TEST(&u, a_group_grows_to_twelve_sections_and_shrinks_to_one);
    return nego_suite_run(&u, "negotiation: groups");
}
