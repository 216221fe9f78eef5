/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transceivers and their media sections: adding, tracks, directions, streams, the order of m-lines and mids (W3C §5.1, §5.4;
 * RFC 9429 §5.2, §5.3, §5.10). Stopping and recycling are in test_nego_stop.c.
 */
#include "nego.h"
#include "nego_sdp.h"

/* ---- adding ---- */

static void a_new_transceiver_has_no_mid_and_no_current_direction(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    nego_free(n);
}

static const struct {
    const char *name;
    int32_t direction;
    const char *want, *transceiver;
} offered[] = {
    {"a_sendrecv_transceiver_is_offered_sendrecv", SOTTO_DIR_SENDRECV, "0 video sendrecv",
     "0 video sendrecv/none"},
    {"a_sendonly_transceiver_is_offered_sendonly", SOTTO_DIR_SENDONLY, "0 video sendonly",
     "0 video sendonly/none"},
    {"a_recvonly_transceiver_is_offered_recvonly", SOTTO_DIR_RECVONLY, "0 video recvonly",
     "0 video recvonly/none"},
    {"an_inactive_transceiver_is_offered_inactive", SOTTO_DIR_INACTIVE, "0 video inactive",
     "0 video inactive/none"},
};

static void is_offered(void **state)
{
    const struct {
        const char *name;
        int32_t direction;
        const char *want, *transceiver;
    } *row = *state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_VIDEO, row->direction, NULL);
    sdp_expect(n, nego_offer(&n->a), row->want);
    nego_expect_transceivers(&n->a, row->transceiver);
    nego_free(n);
}

static void a_mid_comes_with_the_local_offer_not_with_making_it(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    char *offer = nego_make_offer(&n->a);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    nego_set_local(&n->a, SOTTO_SDP_OFFER, offer);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/none");
    assert_string_equal(sdp_value(n, offer, 0, "a=mid:"), "0");
    nego_free(n);
}

static void sections_stand_in_the_order_of_adding_and_data_last(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_channel(&n->a, "c");
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_RECVONLY, NULL);
    char *offer = nego_offer(&n->a);
    sdp_expect(n, offer, "0 audio sendrecv; 1 video sendrecv; 2 audio recvonly; 3 application");
    assert_string_equal(sdp_bundle(n, offer), "0 1 2 3");
    nego_free(n);
}

static void media_comes_after_a_data_section_that_was_negotiated_before(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    sdp_expect(n, nego_make_offer(&n->a), "0 application; 1 audio sendrecv");
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    nego_free(n);
}

static const struct {
    const char *name;
    sotto_transceiver_config cfg;
    int32_t kind;
    int want;
} wrong[] = {
    {"a_kind_that_does_not_exist_is_refused", {.size = 0}, 3, SOTTO_E_RANGE},
    {"the_direction_stopped_is_refused", {.direction = SOTTO_DIR_STOPPED}, 1, SOTTO_E_RANGE},
    {"the_direction_none_is_refused", {.direction = SOTTO_DIR_NONE}, 1, SOTTO_E_RANGE},
    {"a_stream_id_with_a_blank_is_refused",
     {.streams = (const char *const[]){"a b"}, .n_streams = 1},
     1,
     SOTTO_E_SYNTAX},
    {"an_empty_stream_id_is_refused",
     {.streams = (const char *const[]){""}, .n_streams = 1},
     1,
     SOTTO_E_SYNTAX},
    {"a_stream_id_of_65_bytes_is_refused",
     {.streams = (const char *const[]){"0123456789012345678901234567890123456789012345678901234567"
                                       "8901234"},
      .n_streams = 1},
     1,
     SOTTO_E_SYNTAX},
    {"a_stream_id_with_a_line_end_is_refused",
     {.streams = (const char *const[]){"x\r\na=crypto:1"}, .n_streams = 1},
     1,
     SOTTO_E_SYNTAX},
    {"nine_streams_are_too_many",
     {.streams = (const char *const[]){"a", "b", "c", "d", "e", "f", "g", "h", "i"},
      .n_streams = 9},
     1,
     SOTTO_E_RANGE},
    {"two_encodings_with_one_rid_are_refused",
     {.encodings = (const sotto_encoding[]){{.size = sizeof(sotto_encoding), .rid = "a"},
                                            {.size = sizeof(sotto_encoding), .rid = "a"}},
      .n_encodings = 2},
     2,
     SOTTO_E_SYNTAX},
    {"encodings_of_which_one_has_no_rid_are_refused",
     {.encodings = (const sotto_encoding[]){{.size = sizeof(sotto_encoding), .rid = "a"},
                                            {.size = sizeof(sotto_encoding)}},
      .n_encodings = 2},
     2,
     SOTTO_E_SYNTAX},
    {"a_rid_that_breaks_its_grammar_is_refused",
     {.encodings = (const sotto_encoding[]){{.size = sizeof(sotto_encoding), .rid = "a;b"},
                                            {.size = sizeof(sotto_encoding), .rid = "c"}},
      .n_encodings = 2},
     2,
     SOTTO_E_SYNTAX},
    {"a_scale_below_one_is_refused",
     {.encodings = (const sotto_encoding[]){{.size = sizeof(sotto_encoding), .scale = 0.5}},
      .n_encodings = 1},
     2,
     SOTTO_E_RANGE},
};

static void adding_is_refused(void **state)
{
    const struct {
        const char *name;
        sotto_transceiver_config cfg;
        int32_t kind;
        int want;
    } *row = *state;
    struct nego *n = nego_alone();
    sotto_transceiver_config cfg = row->cfg;
    sotto_transceiver *t = NULL;
    char *before = nego_snapshot(&n->a);
    cfg.size = sizeof cfg;
    assert_int_equal(sotto_pc_add_transceiver(n->a.pc, row->kind, &cfg, &t), row->want);
    assert_null(t);
    assert_string_equal(nego_snapshot(&n->a), before);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void there_is_room_for_63_transceivers_and_data(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = NULL;
    for (int i = 0; i < 63; i++) nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    assert_int_equal(sotto_pc_add_transceiver(n->a.pc, SOTTO_AUDIO, NULL, &t), SOTTO_E_LIMIT);
    assert_int_equal(sotto_pc_add_track(n->a.pc, SOTTO_VIDEO, NULL, 0, &t), SOTTO_E_LIMIT);
    nego_channel(&n->a, "c");
    assert_int_equal(sdp_sections(nego_offer(&n->a)), 64);
    nego_free(n);
}

/* The longest descriptions that two of us can exchange are within the limits of both. */
static void sixty_three_videos_with_simulcast_and_data_are_negotiated(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    for (int i = 0; i < 63; i++) nego_add_rids(&n->a, "high,medium,low");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    nego_connect(n);
    assert_int_equal(nego_count_transceivers(&n->b), 63);
    nego_run(n, SOTTO_SECONDS(1));
    for (size_t i = 0; i < 63; i++) nego_direct(&n->b, nego_at(&n->b, i), SOTTO_DIR_SENDRECV);
    nego_exchange(&n->b);
    nego_expect_agreement(n);
    nego_free(n);
}

/* ---- tracks ---- */

static void add_track_makes_a_sendrecv_transceiver(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    char *offer = nego_offer(&n->a);
    assert_true(strncmp(sdp_value(n, offer, 0, "a=msid:"), "s ", 2) == 0);
    nego_free(n);
}

static const struct {
    const char *name;
    int32_t before, after;
} taken[] = {
    {"add_track_takes_a_recvonly_transceiver_and_makes_it_sendrecv", SOTTO_DIR_RECVONLY,
     SOTTO_DIR_SENDRECV},
    {"add_track_takes_an_inactive_transceiver_and_makes_it_sendonly", SOTTO_DIR_INACTIVE,
     SOTTO_DIR_SENDONLY},
};

static void add_track_takes(void **state)
{
    const struct {
        const char *name;
        int32_t before, after;
    } *row = *state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_VIDEO, row->before, NULL);
    assert_ptr_equal(nego_track(&n->a, SOTTO_VIDEO, "s"), t);
    assert_int_equal(sotto_transceiver_get_direction(t), row->after);
    assert_int_equal(nego_count_transceivers(&n->a), 1);
    nego_free(n);
}

static void add_track_leaves_a_transceiver_of_the_other_kind(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_RECVONLY, NULL);
    nego_track(&n->a, SOTTO_AUDIO, NULL);
    nego_expect_transceivers(&n->a, "- video recvonly/none; - audio sendrecv/none");
    nego_free(n);
}

static void add_track_leaves_a_transceiver_that_has_a_track(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    sotto_transceiver *u = nego_track(&n->a, SOTTO_AUDIO, NULL);
    assert_ptr_not_equal(t, u);
    assert_ptr_not_equal(nego_track(&n->a, SOTTO_AUDIO, NULL), u);
    assert_int_equal(nego_count_transceivers(&n->a), 3);
    nego_free(n);
}

static void add_track_leaves_a_transceiver_that_was_used_to_send(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_exchange(&n->a);
    nego_remove(&n->a, t);
    nego_exchange(&n->a);
    assert_ptr_not_equal(nego_track(&n->a, SOTTO_AUDIO, "s"), t);
    nego_expect_transceivers(&n->a, "0 audio recvonly/inactive; - audio sendrecv/none");
    nego_free(n);
}

static void add_track_leaves_a_stopped_transceiver(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_RECVONLY, NULL);
    nego_exchange(&n->a); /* it has a section, so that it is stopping for a while */
    nego_stop(&n->a, t);
    assert_ptr_not_equal(nego_track(&n->a, SOTTO_AUDIO, NULL), t);
    nego_expect_transceivers(&n->a, "0 audio stopped/inactive; - audio sendrecv/none");
    nego_free(n);
}

static void add_track_takes_the_first_of_several(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_RECVONLY, NULL);
    sotto_transceiver *first = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_RECVONLY, NULL);
    sotto_transceiver *second = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_INACTIVE, NULL);
    assert_ptr_equal(nego_track(&n->a, SOTTO_AUDIO, NULL), first);
    assert_ptr_equal(nego_track(&n->a, SOTTO_AUDIO, NULL), second);
    nego_free(n);
}

static void add_track_takes_a_transceiver_whose_track_was_removed_before_it_sent(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_remove(&n->a, t);
    nego_expect_transceivers(&n->a, "- audio recvonly/none");
    assert_ptr_equal(nego_track(&n->a, SOTTO_AUDIO, "u,w"), t);
    char *offer = nego_offer(&n->a);
    assert_int_equal(sdp_count(offer, "a=msid:u "), 1);
    assert_int_equal(sdp_count(offer, "a=msid:w "), 1);
    assert_int_equal(sdp_count(offer, "a=msid:s "), 0);
    nego_free(n);
}

static void add_track_takes_the_transceiver_that_a_remote_offer_made(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_expect_transceivers(&n->b, "0 audio recvonly/none");
    assert_ptr_equal(nego_track(&n->b, SOTTO_AUDIO, "r"), nego_at(&n->b, 0));
    char *answer = nego_answer(&n->b);
    sdp_expect(n, answer, "0 audio sendrecv");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/sendrecv");
    nego_expect_transceivers(&n->b, "0 audio sendrecv/sendrecv");
    nego_free(n);
}

static const struct {
    const char *name;
    int32_t before, after;
} removed[] = {
    {"remove_track_makes_sendrecv_recvonly", SOTTO_DIR_SENDRECV, SOTTO_DIR_RECVONLY},
    {"remove_track_makes_sendonly_inactive", SOTTO_DIR_SENDONLY, SOTTO_DIR_INACTIVE},
    {"remove_track_without_a_track_leaves_recvonly", SOTTO_DIR_RECVONLY, SOTTO_DIR_RECVONLY},
    {"remove_track_without_a_track_leaves_inactive", SOTTO_DIR_INACTIVE, SOTTO_DIR_INACTIVE},
};

static void remove_track_changes_the_direction(void **state)
{
    const struct {
        const char *name;
        int32_t before, after;
    } *row = *state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, row->before, NULL);
    for (int i = 0; i < 2; i++) { /* twice does nothing more */
        nego_remove(&n->a, t);
        assert_int_equal(sotto_transceiver_get_direction(t), row->after);
    }
    assert_int_equal(nego_count_transceivers(&n->a), 1);
    nego_free(n);
}

static void remove_track_refuses_the_transceiver_of_another_connection(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, NULL);
    assert_int_equal(sotto_pc_remove_track(n->b.pc, t), SOTTO_E_ACCESS);
    assert_int_equal(sotto_pc_remove_track(n->a.pc, NULL), SOTTO_E_INVAL);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    nego_free(n);
}

static void remove_track_of_a_stopped_transceiver_does_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, NULL);
    nego_stop(&n->a, t);
    nego_forget(&n->a);
    nego_remove(&n->a, t);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void remove_track_of_a_rolled_back_transceiver_does_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, NULL);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    sotto_transceiver *t = nego_at(&n->b, 0);
    nego_rollback(&n->b);
    nego_forget(&n->b);
    nego_remove(&n->b, t);
    nego_expect(&n->b, "");
    nego_expect_transceivers(&n->b, "");
    sotto_transceiver_free(t);
    nego_free(n);
}

/* ---- the direction ---- */

static void a_direction_takes_effect_by_negotiation_only(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_exchange(&n->a);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/sendonly");
    nego_direct(&n->a, t, SOTTO_DIR_INACTIVE);
    nego_expect_transceivers(&n->a, "0 audio inactive/sendonly");
    nego_exchange(&n->a);
    nego_expect_transceivers(&n->a, "0 audio inactive/inactive");
    nego_expect_transceivers(&n->b, "0 audio recvonly/inactive");
    nego_free(n);
}

static const struct {
    const char *name;
    int32_t direction;
} no_direction[] = {
    {"a_direction_cannot_be_set_to_stopped", SOTTO_DIR_STOPPED},
    {"a_direction_cannot_be_set_to_none", SOTTO_DIR_NONE},
    {"a_direction_cannot_be_set_to_a_number_beyond", 5},
};

static void direction_is_refused(void **state)
{
    const struct {
        const char *name;
        int32_t direction;
    } *row = *state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_forget(&n->a);
    assert_int_equal(sotto_transceiver_set_direction(t, row->direction), SOTTO_E_RANGE);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    nego_expect(&n->a, "");
    nego_free(n);
}

#define OFFERED_WANTED(o, w, O, W)                                                                 \
    {                                                                                              \
        "offered_" #o "_wanted_" #w, SOTTO_DIR_##O, SOTTO_DIR_##W                                  \
    }

static const struct {
    const char *name;
    int32_t offered, wanted; /* each as its own side says it */
} crossed[] = {
    OFFERED_WANTED(sendrecv, sendrecv, SENDRECV, SENDRECV),
    OFFERED_WANTED(sendrecv, sendonly, SENDRECV, SENDONLY),
    OFFERED_WANTED(sendrecv, recvonly, SENDRECV, RECVONLY),
    OFFERED_WANTED(sendrecv, inactive, SENDRECV, INACTIVE),
    OFFERED_WANTED(sendonly, sendrecv, SENDONLY, SENDRECV),
    OFFERED_WANTED(sendonly, sendonly, SENDONLY, SENDONLY),
    OFFERED_WANTED(sendonly, recvonly, SENDONLY, RECVONLY),
    OFFERED_WANTED(sendonly, inactive, SENDONLY, INACTIVE),
    OFFERED_WANTED(recvonly, sendrecv, RECVONLY, SENDRECV),
    OFFERED_WANTED(recvonly, sendonly, RECVONLY, SENDONLY),
    OFFERED_WANTED(recvonly, recvonly, RECVONLY, RECVONLY),
    OFFERED_WANTED(recvonly, inactive, RECVONLY, INACTIVE),
    OFFERED_WANTED(inactive, sendrecv, INACTIVE, SENDRECV),
    OFFERED_WANTED(inactive, sendonly, INACTIVE, SENDONLY),
    OFFERED_WANTED(inactive, recvonly, INACTIVE, RECVONLY),
    OFFERED_WANTED(inactive, inactive, INACTIVE, INACTIVE),
};

/* SDP-27: what both allow, and each side sees it from its own place. */
/* proves: SDP-27 */
static void directions_meet(void **state)
{
    const struct {
        const char *name;
        int32_t offered, wanted;
    } *row = *state;
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    bool out = (row->offered == SOTTO_DIR_SENDRECV || row->offered == SOTTO_DIR_SENDONLY) &&
               (row->wanted == SOTTO_DIR_SENDRECV || row->wanted == SOTTO_DIR_RECVONLY);
    bool back = (row->offered == SOTTO_DIR_SENDRECV || row->offered == SOTTO_DIR_RECVONLY) &&
                (row->wanted == SOTTO_DIR_SENDRECV || row->wanted == SOTTO_DIR_SENDONLY);
    int a = out && back ? 0 : out ? 1 : back ? 2 : 3, b = a == 1 ? 2 : a == 2 ? 1 : a;
    struct nego *n = nego_pair();
    nego_add(&n->a, SOTTO_AUDIO, row->offered, "s");
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_direct(&n->b, nego_at(&n->b, 0), row->wanted);
    char *answer = nego_answer(&n->b);
    sdp_expect(n, answer, nego_text(n, "0 audio %s", names[b]));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect_transceivers(&n->a, nego_text(n, "0 audio %s/%s", names[row->offered], names[a]));
    nego_expect_transceivers(&n->b, nego_text(n, "0 audio %s/%s", names[row->wanted], names[b]));
    nego_free(n);
}

static void a_provisional_answer_sets_the_current_direction(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_direct(&n->b, nego_at(&n->b, 0), SOTTO_DIR_INACTIVE);
    char *pranswer = nego_make_answer(&n->b);
    nego_set_local(&n->b, SOTTO_SDP_PRANSWER, pranswer);
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER, pranswer);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/inactive");
    nego_expect_transceivers(&n->b, "0 audio inactive/inactive");
    nego_direct(&n->b, nego_at(&n->b, 0), SOTTO_DIR_SENDRECV);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    nego_expect_transceivers(&n->a, "0 audio sendrecv/sendrecv");
    nego_expect_transceivers(&n->b, "0 audio sendrecv/sendrecv");
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_TEST(&u, a_new_transceiver_has_no_mid_and_no_current_direction);
    NEGO_ROWS(&u, offered, is_offered);
    NEGO_TEST(&u, a_mid_comes_with_the_local_offer_not_with_making_it);
    NEGO_TEST(&u, sections_stand_in_the_order_of_adding_and_data_last);
    NEGO_TEST(&u, media_comes_after_a_data_section_that_was_negotiated_before);
    NEGO_ROWS(&u, wrong, adding_is_refused);
    NEGO_TEST(&u, there_is_room_for_63_transceivers_and_data);
    NEGO_TEST(&u, sixty_three_videos_with_simulcast_and_data_are_negotiated);
    NEGO_TEST(&u, add_track_makes_a_sendrecv_transceiver);
    NEGO_ROWS(&u, taken, add_track_takes);
    NEGO_TEST(&u, add_track_leaves_a_transceiver_of_the_other_kind);
    NEGO_TEST(&u, add_track_leaves_a_transceiver_that_has_a_track);
    NEGO_TEST(&u, add_track_leaves_a_transceiver_that_was_used_to_send);
    NEGO_TEST(&u, add_track_leaves_a_stopped_transceiver);
    NEGO_TEST(&u, add_track_takes_the_first_of_several);
    NEGO_TEST(&u, add_track_takes_a_transceiver_whose_track_was_removed_before_it_sent);
    NEGO_TEST(&u, add_track_takes_the_transceiver_that_a_remote_offer_made);
    NEGO_ROWS(&u, removed, remove_track_changes_the_direction);
    NEGO_TEST(&u, remove_track_refuses_the_transceiver_of_another_connection);
    NEGO_TEST(&u, remove_track_of_a_stopped_transceiver_does_nothing);
    NEGO_TEST(&u, remove_track_of_a_rolled_back_transceiver_does_nothing);
    NEGO_TEST(&u, a_direction_takes_effect_by_negotiation_only);
    NEGO_ROWS(&u, no_direction, direction_is_refused);
    NEGO_ROWS(&u, crossed, directions_meet);
    NEGO_TEST(&u, a_provisional_answer_sets_the_current_direction);
    return nego_suite_run(&u, "negotiation: transceivers");
}
