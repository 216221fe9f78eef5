/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopping transceivers, rejected sections, recycling them, the order of m-lines, and mids (W3C §5.4 stop(); RFC 9429 §5.2.2,
 * §5.3.1, §5.10).
 */
#include "nego.h"
#include "nego_sdp.h"

/* audio and video in a call; the transceivers of both sides are nego_at(…, 0) and nego_at(…, 1). */
static struct nego *call(void)
{
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_track(&n->b, SOTTO_VIDEO, "r");
    nego_exchange(&n->a);
    nego_expect_transceivers(&n->b, "0 audio sendrecv/sendrecv; 1 video sendrecv/sendrecv");
    nego_forget(&n->a), nego_forget(&n->b);
    return n;
}

/* ---- stopping ---- */

static void stop_is_seen_at_once_and_negotiated_later(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_expect_transceivers(&n->a, "0 audio stopped/sendrecv; 1 video sendrecv/sendrecv");
    char *offer = nego_offer(&n->a);
    sdp_expect(n, offer, "0 audio rejected; 1 video sendrecv");
    assert_string_equal(sdp_bundle(n, offer), "1");
    nego_expect_transceivers(&n->a, "0 audio stopped/sendrecv; 1 video sendrecv/sendrecv");
    nego_free(n);
}

static void a_stopped_transceiver_is_gone_on_both_sides_after_the_answer(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = nego_at(&n->a, 0), *u = nego_at(&n->b, 0);
    nego_stop(&n->a, t);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_expect_transceivers(&n->b, "0 audio stopped/stopped; 1 video sendrecv/sendrecv");
    char *answer = nego_answer(&n->b);
    sdp_expect(n, answer, "0 audio rejected; 1 video sendrecv");
    nego_expect_transceivers(&n->b, "1 video sendrecv/sendrecv");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect_transceivers(&n->a, "1 video sendrecv/sendrecv");
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_current_direction(u), SOTTO_DIR_STOPPED);
    nego_expect_agreement(n);
    nego_free(n);
}

static void msid_lines_leave_a_section_that_is_stopped(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    assert_false(sdp_has(n, nego_make_offer(&n->a), 0, "a=msid:"));
    nego_free(n);
}

static void stopping_twice_does_nothing_more(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = nego_at(&n->a, 0);
    nego_stop(&n->a, t);
    nego_expect(&n->a, "needed");
    nego_stop(&n->a, t);
    nego_expect(&n->a, "");
    nego_exchange(&n->a);
    nego_forget(&n->a);
    nego_stop(&n->a, t);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void a_stopped_transceiver_cannot_be_changed(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = nego_at(&n->a, 0);
    const char *const streams[] = {"x"};
    for (int i = 0; i < 2; i++) { /* stopping, then stopped */
        if (i == 0) nego_stop(&n->a, t);
        assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_SENDRECV), SOTTO_E_STATE);
        assert_int_equal(sotto_transceiver_set_streams(t, streams, 1), SOTTO_E_STATE);
        assert_int_equal(sotto_transceiver_set_codec_preferences(t, NULL, 0), SOTTO_E_STATE);
        nego_exchange(&n->a);
    }
    nego_free(n);
}

static void a_transceiver_that_was_stopped_before_it_had_a_section_gets_none(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, NULL);
    nego_track(&n->a, SOTTO_AUDIO, NULL);
    nego_stop(&n->a, t);
    char *offer = nego_offer(&n->a);
    assert_int_equal(sdp_sections(offer), 1);
    assert_int_equal(sdp_count(offer, "m=video"), 0);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, offer));
    nego_forget(&n->a);
    nego_run(n, SOTTO_SECONDS(1));
    nego_expect(&n->a, ""); /* it does not ask for negotiation for ever */
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    nego_free(n);
}

static void stopping_does_not_touch_the_answer_but_the_next_offer(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_stop(&n->b, nego_at(&n->b, 0));
    nego_expect(&n->b, ""); /* not in stable */
    char *answer = nego_answer(&n->b);
    sdp_expect(n, answer, "0 audio inactive; 1 video sendrecv");
    nego_expect(&n->b, "removed 0 s; needed");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/inactive; 1 video sendrecv/sendrecv");
    nego_exchange(&n->b);
    nego_expect_transceivers(&n->a, "1 video sendrecv/sendrecv");
    nego_expect_transceivers(&n->b, "1 video sendrecv/sendrecv");
    nego_free(n);
}

static void an_answer_with_port_0_stops_our_transceiver(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, NULL);
    nego_track(&n->a, SOTTO_VIDEO, NULL);
    char *answer = sdp_reject(n, paper_answer(n, nego_offer(&n->a)), 0);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect_transceivers(&n->a, "1 video sendrecv/sendrecv");
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
    nego_forget(&n->a);
    nego_free(n);
}

static void a_provisional_answer_with_port_0_stops_and_the_answer_removes(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, NULL);
    nego_track(&n->a, SOTTO_VIDEO, NULL);
    char *answer = sdp_reject(n, paper_answer(n, nego_offer(&n->a)), 0);
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER, answer);
    nego_expect_transceivers(&n->a, "0 audio stopped/stopped; 1 video sendrecv/sendrecv");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect_transceivers(&n->a, "1 video sendrecv/sendrecv");
    nego_free(n);
}

static void a_section_that_is_offered_rejected_makes_no_transceiver_that_stays(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video", .rejected = true}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    sdp_expect(n, nego_answer(&n->a), "0 audio recvonly; 1 video rejected");
    nego_expect_transceivers(&n->a, "0 audio recvonly/recvonly");
    nego_free(n);
}

static void all_sections_can_be_stopped_and_the_call_goes_on_with_new_ones(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_connect(n);
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_stop(&n->a, nego_at(&n->a, 1));
    nego_exchange(&n->a);
    nego_expect_transceivers(&n->a, "");
    nego_expect_transceivers(&n->b, "");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    nego_connect(n);
    nego_free(n);
}

static void the_tagged_section_moves_on_when_the_first_is_stopped(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_connect(n);
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_exchange(&n->a);
    assert_string_equal(sdp_bundle(n, nego_local(&n->a)), "1 2");
    nego_send(nego_find(&n->a, "c"));
    nego_run(n, SOTTO_SECONDS(1));
    assert_true(nego_is_whole(n, "c"));
    nego_free(n);
}

static void the_handle_of_a_stopped_transceiver_can_be_given_back(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = nego_at(&n->a, 0), *living = nego_at(&n->a, 1);
    sotto_transceiver_free(living); /* of a living one it does nothing */
    nego_stop(&n->a, t);
    nego_exchange(&n->a);
    nego_forget(&n->a);
    sotto_transceiver_free(t);
    nego_expect_transceivers(&n->a, "1 video sendrecv/sendrecv");
    assert_ptr_equal(nego_at(&n->a, 0), living);
    nego_free(n);
}

/* ---- recycling ---- */

static void a_stopped_section_is_recycled_for_any_kind_with_a_new_mid(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_exchange(&n->a);
    nego_track(&n->a, SOTTO_VIDEO, "t");
    char *offer = nego_offer(&n->a);
    sdp_expect(n, offer, "2 video sendrecv; 1 video sendrecv");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, offer));
    nego_expect_transceivers(&n->b, "1 video sendrecv/sendrecv; 2 video recvonly/recvonly");
    nego_expect_agreement(n);
    nego_free(n);
}

static void a_stopped_section_stays_rejected_while_nobody_needs_it(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 1));
    nego_exchange(&n->a);
    for (int i = 0; i < 3; i++) {
        nego_exchange(i % 2 ? &n->a : &n->b);
        sdp_expect(n, nego_local(&n->a), "0 audio sendrecv; 1 video rejected");
        sdp_expect(n, nego_local(&n->b), "0 audio sendrecv; 1 video rejected");
    }
    nego_free(n);
}

static void the_other_side_can_recycle_the_section_too(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_exchange(&n->a);
    nego_track(&n->b, SOTTO_AUDIO, "n");
    nego_exchange(&n->b);
    char *summary = sdp_summary(n, nego_local(&n->b));
    assert_int_equal(sdp_sections(nego_local(&n->b)), 2);
    assert_null(strstr(summary, "rejected"));
    nego_expect_agreement(n);
    nego_free(n);
}

static void rejected_sections_are_recycled_from_the_first(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_stop(&n->a, nego_at(&n->a, 1));
    nego_exchange(&n->a);
    nego_track(&n->a, SOTTO_AUDIO, "n");
    sdp_expect(n, nego_offer(&n->a), "2 audio sendrecv; 1 video rejected");
    nego_free(n);
}

static void a_section_is_not_recycled_before_its_end_was_negotiated(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_track(&n->a, SOTTO_AUDIO, "n");
    sdp_expect(n, nego_offer(&n->a), "0 audio rejected; 1 video sendrecv; 2 audio sendrecv");
    nego_free(n);
}

static void the_number_of_sections_does_not_grow_by_adding_and_stopping(void **state)
{
    (void)state;
    struct nego *n = call();
    for (int i = 0; i < 80; i++) {
        struct nego_side *s = i % 3 ? &n->a : &n->b;
        sotto_transceiver *t = nego_track(s, i % 2 ? SOTTO_AUDIO : SOTTO_VIDEO, "x");
        nego_exchange(s);
        nego_stop(s, t);
        nego_exchange(i % 2 ? &n->a : &n->b); /* either side's offer brings it */
        if (i % 2 == (s == &n->a)) continue;
        nego_exchange(s);
        for (size_t k = nego_count_transceivers(&n->a); k < 2; k++) fail();
    }
    nego_exchange(&n->a);
    nego_exchange(&n->b);
    assert_true(sdp_sections(nego_local(&n->a)) <= 4);
    nego_expect_agreement(n);
    nego_free(n);
}

static void a_remote_that_recycles_replaces_the_transceiver(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video", .msid = "s t"}}};
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version++, p.s[1].rejected = true;
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version++, p.s[1] = (struct paper_section){"audio", .mid = "new", .msid = "z t"};
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect(&n->a, "track new z");
    sdp_expect(n, nego_answer(&n->a), "0 audio recvonly; new audio recvonly");
    nego_expect_transceivers(&n->a, "0 audio recvonly/recvonly; new audio recvonly/recvonly");
    nego_free(n);
}

/* ---- order and mids ---- */

static void what_the_answerer_adds_comes_behind_in_its_own_offer(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_add(&n->b, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_exchange(&n->a);
    nego_expect_transceivers(&n->b, "- video sendrecv/none; 0 audio recvonly/recvonly");
    sdp_expect(n, nego_make_offer(&n->b), "0 audio recvonly; 1 video sendrecv");
    nego_exchange(&n->b);
    nego_expect_agreement(n);
    nego_free(n);
}

static const struct {
    const char *name, *direction;
    bool track, joined;
} meeting[] = {
    {"a_track_joins_a_sendrecv_section_of_its_kind", "sendrecv", true, true},
    {"a_track_joins_a_recvonly_section_of_its_kind", "recvonly", true, true},
    {"a_track_does_not_join_a_sendonly_section", "sendonly", true, false},
    {"a_track_does_not_join_an_inactive_section", "inactive", true, false},
    {"what_add_transceiver_made_joins_no_section_of_a_remote", "sendrecv", false, false},
};

static void joins_a_remote_section(void **state)
{
    const struct {
        const char *name, *direction;
        bool track, joined;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .direction = row->direction}}};
    sotto_transceiver *t = row->track ? nego_track(&n->a, SOTTO_AUDIO, NULL)
                                      : nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    assert_string_equal(nego_mid(&n->a, t), row->joined ? "0" : "-");
    assert_int_equal(nego_count_transceivers(&n->a), row->joined ? 1 : 2);
    nego_free(n);
}

static void tracks_join_sections_in_the_order_of_adding(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"video"}, {"audio"}, {"audio"}, {"video"}}};
    nego_track(&n->a, SOTTO_AUDIO, "x");
    nego_track(&n->a, SOTTO_AUDIO, "y");
    nego_track(&n->a, SOTTO_VIDEO, "z");
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect_transceivers(&n->a, "1 audio sendrecv/none; 2 audio sendrecv/none; "
                                    "0 video sendrecv/none; 3 video recvonly/none");
    nego_free(n);
}

static void mids_of_the_remote_are_kept_and_ours_avoid_them(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .mid = "1"}, {"video", .mid = "foo"}, {"data", .mid = "0"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(sdp_bundle(n, answer), "1 foo 0");
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    char *offer = nego_offer(&n->a), *mid = sdp_value(n, offer, 3, "a=mid:");
    assert_int_equal(sdp_sections(offer), 4);
    assert_string_not_equal(mid, "0");
    assert_string_not_equal(mid, "1");
    assert_string_not_equal(mid, "foo");
    nego_free(n);
}

static void a_remote_without_mids_gets_sections_that_work(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .mid = ""}}, .no_bundle = true};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_int_equal(sdp_sections(answer), 1);
    assert_false(sdp_is_rejected(n, answer, 0));
    assert_string_not_equal(nego_mid(&n->a, nego_at(&n->a, 0)), "-");
    nego_free(n);
}

static void a_mid_is_never_used_again(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    char *seen = nego_text(n, "%s", " ");
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_exchange(&n->a);
    for (int i = 0; i < 30; i++) {
        sotto_transceiver *t = nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
        nego_exchange(&n->a);
        char *mid = nego_text(n, " %s ", nego_mid(&n->a, t));
        assert_null(strstr(seen, mid));
        seen = nego_text(n, "%s%s", seen, mid);
        nego_stop(&n->a, t);
        nego_exchange(&n->a);
    }
    assert_int_equal(sdp_sections(nego_local(&n->a)), 2);
    nego_free(n);
}

static void transceivers_are_listed_in_the_order_of_creation(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, NULL);
    nego_add(&n->b, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    nego_exchange(&n->a);
    nego_exchange(&n->b);
    nego_expect_transceivers(&n->b, "1 video sendrecv/sendonly; 0 audio recvonly/recvonly");
    nego_expect_transceivers(&n->a, "0 audio sendrecv/sendonly; 1 video recvonly/recvonly");
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_TEST(&u, stop_is_seen_at_once_and_negotiated_later);
    NEGO_TEST(&u, a_stopped_transceiver_is_gone_on_both_sides_after_the_answer);
    NEGO_TEST(&u, msid_lines_leave_a_section_that_is_stopped);
    NEGO_TEST(&u, stopping_twice_does_nothing_more);
    NEGO_TEST(&u, a_stopped_transceiver_cannot_be_changed);
    NEGO_TEST(&u, a_transceiver_that_was_stopped_before_it_had_a_section_gets_none);
    NEGO_TEST(&u, stopping_does_not_touch_the_answer_but_the_next_offer);
    NEGO_TEST(&u, an_answer_with_port_0_stops_our_transceiver);
    NEGO_TEST(&u, a_provisional_answer_with_port_0_stops_and_the_answer_removes);
    NEGO_TEST(&u, a_section_that_is_offered_rejected_makes_no_transceiver_that_stays);
    NEGO_TEST(&u, all_sections_can_be_stopped_and_the_call_goes_on_with_new_ones);
    NEGO_TEST(&u, the_tagged_section_moves_on_when_the_first_is_stopped);
    NEGO_TEST(&u, the_handle_of_a_stopped_transceiver_can_be_given_back);
    NEGO_TEST(&u, a_stopped_section_is_recycled_for_any_kind_with_a_new_mid);
    NEGO_TEST(&u, a_stopped_section_stays_rejected_while_nobody_needs_it);
    NEGO_TEST(&u, the_other_side_can_recycle_the_section_too);
    NEGO_TEST(&u, rejected_sections_are_recycled_from_the_first);
    NEGO_TEST(&u, a_section_is_not_recycled_before_its_end_was_negotiated);
    NEGO_TEST(&u, the_number_of_sections_does_not_grow_by_adding_and_stopping);
    NEGO_TEST(&u, a_remote_that_recycles_replaces_the_transceiver);
    NEGO_TEST(&u, what_the_answerer_adds_comes_behind_in_its_own_offer);
    NEGO_ROWS(&u, meeting, joins_a_remote_section);
    NEGO_TEST(&u, tracks_join_sections_in_the_order_of_adding);
    NEGO_TEST(&u, mids_of_the_remote_are_kept_and_ours_avoid_them);
    NEGO_TEST(&u, a_remote_without_mids_gets_sections_that_work);
    NEGO_TEST(&u, a_mid_is_never_used_again);
    NEGO_TEST(&u, transceivers_are_listed_in_the_order_of_creation);
    return nego_suite_run(&u, "negotiation: stop");
}
