/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TRACK and TRACK_REMOVED come exactly when W3C's "process remote tracks" says so, in its order: all removals before all additions,
 * sections in the order of the description (W3C §5.4, "processing remote MediaStreamTracks").
 */
#include "nego.h"
#include "nego_sdp.h"

/* ---- offers on paper ---- */

static const struct {
    const char *name;
    struct paper offer;
    const char *want;
} first[] = {
    {"an_offered_track_is_told_with_its_stream", {.s = {{"audio", .msid = "s t"}}}, "track 0 s"},
    /* proves: SDP-32 */
    {"a_track_without_msid_is_told_without_streams", {.s = {{"audio"}}}, "track 0 -"},
    {"a_track_with_msid_dash_is_told_without_streams",
     {.s = {{"audio", .msid = "- t"}}},
     "track 0 -"},
    {"a_track_of_two_streams_is_told_once_with_both",
     {.s = {{"audio", .msid = "s t", .extra = "a=msid:u t\r\n"}}},
     "track 0 s,u"},
    {"a_stream_that_is_named_twice_is_told_once",
     {.s = {{"audio", .msid = "s t", .extra = "a=msid:s t2\r\n"}}},
     "track 0 s"},
    {"a_sendonly_section_has_a_track",
     {.s = {{"audio", .direction = "sendonly", .msid = "s t"}}},
     "track 0 s"},
    {"a_recvonly_section_has_no_track",
     {.s = {{"audio", .direction = "recvonly", .msid = "s t"}}},
     ""},
    {"an_inactive_section_has_no_track",
     {.s = {{"audio", .direction = "inactive", .msid = "s t"}}},
     ""},
    {"a_rejected_section_has_no_track",
     {.s = {{"audio"}, {"video", .msid = "s t", .rejected = true}}},
     "track 0 -"},
    {"tracks_are_told_in_the_order_of_sections",
     {.s =
          {{"video", .msid = "s v"}, {"data"}, {"audio", .msid = "s a"}, {"video", .msid = "z w"}}},
     "track 0 s; track 2 s; track 3 z"},
    {"a_stream_id_of_firefox_is_told_with_its_braces",
     {.firefox = true, .s = {{"audio", .msid = "{418beaa9-afd1} {bb5170f3}"}}},
     "track 0 {418beaa9-afd1}"},
    {"a_stream_named_by_ssrc_lines_is_told",
     {.s = {{"audio", .extra = "a=ssrc:5 cname:c\r\na=ssrc:5 msid:q t\r\n"}}},
     "track 0 q"},
    {"a_data_section_has_no_track", {.s = {{"data"}}}, ""},
};

static void first_offer(void **state)
{
    const struct {
        const char *name;
        struct paper offer;
        const char *want;
    } *row = *state;
    struct nego *n = nego_alone();
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &row->offer));
    nego_expect(&n->a, row->want);
    nego_answer(&n->a);
    nego_expect(&n->a, "");
    nego_free(n);
}

static const struct {
    const char *name;
    struct paper_section before, after;
    const char *want;
} again[] = {
    {"the_same_offer_again_tells_nothing", {"audio", .msid = "s t"}, {"audio", .msid = "s t"}, ""},
    {"a_track_that_changes_its_stream_leaves_and_comes",
     {"audio", .msid = "s t"},
     {"audio", .msid = "u t"},
     "removed 0 s; track 0 u"},
    {"a_track_that_gets_another_stream_is_told_with_all",
     {"audio", .msid = "s t"},
     {"audio", .msid = "s t", .extra = "a=msid:u t\r\n"},
     "track 0 s,u"},
    {"a_track_that_leaves_one_of_two_streams_is_told_as_removed_from_it",
     {"audio", .msid = "s t", .extra = "a=msid:u t\r\n"},
     {"audio", .msid = "u t"},
     "removed 0 s"},
    {"a_track_that_gets_its_first_stream_is_told",
     {"audio"},
     {"audio", .msid = "s t"},
     "track 0 s"},
    {"a_track_that_leaves_its_only_stream_is_told_as_removed_from_it",
     {"audio", .msid = "s t"},
     {"audio"},
     "removed 0 s"},
    {"a_track_that_becomes_inactive_is_removed",
     {"audio", .msid = "s t"},
     {"audio", .direction = "inactive", .msid = "s t"},
     "removed 0 s"},
    {"a_track_that_becomes_recvonly_is_removed",
     {"audio", .msid = "s t"},
     {"audio", .direction = "recvonly"},
     "removed 0 s"},
    {"a_track_without_streams_that_becomes_inactive_is_removed",
     {"audio"},
     {"audio", .direction = "inactive"},
     "removed 0 -"},
    {"a_track_whose_section_is_rejected_is_removed",
     {"audio", .msid = "s t"},
     {"audio", .rejected = true},
     "removed 0 s"},
    {"a_section_that_begins_to_send_has_a_track",
     {"audio", .direction = "recvonly"},
     {"audio", .msid = "s t"},
     "track 0 s"},
    {"a_section_that_goes_from_sendrecv_to_sendonly_keeps_its_track",
     {"audio", .msid = "s t"},
     {"audio", .direction = "sendonly", .msid = "s t"},
     ""},
    {"the_order_of_streams_alone_tells_nothing",
     {"audio", .msid = "s t", .extra = "a=msid:u t\r\n"},
     {"audio", .msid = "u t", .extra = "a=msid:s t\r\n"},
     ""},
    {"the_id_of_the_track_alone_tells_nothing",
     {"audio", .msid = "s t"},
     {"audio", .msid = "s other"},
     ""},
};

static void change(const void *data, bool answered)
{
    const struct {
        const char *name;
        struct paper_section before, after;
        const char *want;
    } *row = data;
    struct nego *n = nego_alone();
    struct paper p = {.s = {row->before, {"video", .direction = "inactive"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    if (answered) nego_answer(&n->a);
    nego_forget(&n->a);
    p.version++, p.s[0] = row->after;
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect(&n->a, row->want);
    nego_free(n);
}

static void changed_offer(void **state)
{
    change(*state, true);
    change(*state, false); /* and back to back: as if an answer had been between */
}

static void removals_come_before_additions(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .direction = "inactive"},
                            {"audio", .msid = "x t"},
                            {"video", .msid = "y t"},
                            {"video", .direction = "inactive"}}};
    nego_answer_to(&n->a, paper_write(n, &p));
    nego_forget(&n->a);
    p.version++;
    p.s[0] = (struct paper_section){"audio", .msid = "new t"};
    p.s[1] = (struct paper_section){"audio", .direction = "inactive"};
    p.s[2] = (struct paper_section){"video", .msid = "z t"};
    p.s[3] = (struct paper_section){"video", .msid = "new t"};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect(&n->a, "removed 1 x; removed 2 y; track 0 new; track 2 z; track 3 new");
    nego_free(n);
}

static void a_direction_at_session_level_counts(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    char *offer = sdp_drop(n, paper_write(n, &p), 0, "a=sendrecv");
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, sdp_put(n, offer, SDP_SESSION, "a=recvonly"));
    nego_expect(&n->a, "");
    nego_free(n);
}

static void a_missing_direction_is_sendrecv(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, sdp_drop(n, paper_write(n, &p), 0, "a=sendrecv"));
    nego_expect(&n->a, "track 0 s");
    nego_free(n);
}

static void a_local_offer_tells_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_forget(&n->a);
    nego_offer(&n->a);
    nego_expect(&n->a, "");
    nego_rollback(&n->a);
    nego_expect(&n->a, "needed");
    nego_free(n);
}

static void a_refused_offer_tells_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}, {"video", .msid = "s t"}}};
    char *offer = sdp_drop_all(n, paper_write(n, &p), "a=fingerprint");
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, offer, SOTTO_E_SDP);
    nego_expect(&n->a, "");
    nego_free(n);
}

/* ---- answers ---- */

static char *answer_with(struct nego *n, const char *direction, const char *msid)
{
    char *answer = paper_answer(n, nego_local(&n->a));
    answer = sdp_set(n, answer, 0, "a=sendrecv", nego_text(n, "a=%s", direction));
    return msid ? sdp_put(n, answer, 0, nego_text(n, "a=msid:%s", msid)) : answer;
}

static struct nego *offered_audio(void)
{
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_offer(&n->a);
    nego_forget(&n->a);
    return n;
}

static const struct {
    const char *name, *direction, *want;
} answers[] = {
    {"the_track_of_a_sendrecv_answer_is_told", "sendrecv", "track 0 s"},
    {"the_track_of_a_sendonly_answer_is_told", "sendonly", "track 0 s"},
    {"a_recvonly_answer_has_no_track", "recvonly", ""},
    {"an_inactive_answer_has_no_track", "inactive", ""},
};

static void answered(void **state)
{
    const struct {
        const char *name, *direction, *want;
    } *row = *state;
    struct nego *n = offered_audio();
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer_with(n, row->direction, "s t"));
    nego_expect(&n->a, row->want);
    nego_free(n);
}

static void a_provisional_answer_tells_tracks_and_the_answer_only_what_differs(void **state)
{
    (void)state;
    struct nego *n = offered_audio();
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER, answer_with(n, "sendrecv", "s t"));
    nego_expect(&n->a, "track 0 s");
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER, answer_with(n, "sendrecv", "u t"));
    nego_expect(&n->a, "removed 0 s; track 0 u");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer_with(n, "sendrecv", "u t"));
    nego_expect(&n->a, "");
    nego_free(n);
}

static void a_track_that_the_provisional_answer_did_not_have_comes_with_the_answer(void **state)
{
    (void)state;
    struct nego *n = offered_audio();
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER, answer_with(n, "inactive", NULL));
    nego_expect(&n->a, "");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer_with(n, "sendrecv", "s t"));
    nego_expect(&n->a, "track 0 s");
    nego_free(n);
}

static void our_answer_that_does_not_receive_removes_the_track(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect(&n->a, "track 0 s");
    nego_direct(&n->a, nego_at(&n->a, 0), SOTTO_DIR_INACTIVE);
    nego_answer(&n->a);
    nego_expect(&n->a, "removed 0 s");
    nego_free(n);
}

static void our_provisional_answer_that_does_not_receive_removes_the_track(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_direct(&n->a, nego_at(&n->a, 0), SOTTO_DIR_SENDONLY);
    nego_forget(&n->a);
    nego_set_local(&n->a, SOTTO_SDP_PRANSWER, NULL);
    nego_expect(&n->a, "removed 0 s");
    nego_answer(&n->a);
    nego_expect(&n->a, "");
    nego_free(n);
}

/* ---- rollback ---- */

static void rolling_an_offer_back_removes_its_tracks(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    for (int i = 0; i < 3; i++) {
        nego_track(&n->a, SOTTO_AUDIO, NULL); /* keeps its transceiver: a rolled-back one has no mid */
        nego_forget(&n->a);
        n->a.watch = NEGO_TRACKS;
        nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
        nego_expect(&n->a, "track 0 s");
        nego_rollback(&n->a);
        nego_expect(&n->a, "removed - s");
    }
    nego_free(n);
}

static void rolling_a_second_offer_back_gives_the_streams_back(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}, {"video", .msid = "v t"}}};
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version++;
    p.s[0].msid = "u t";
    p.s[1].direction = "inactive";
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect(&n->a, "removed 0 s; removed 1 v; track 0 u");
    nego_rollback(&n->a);
    nego_expect(&n->a, "removed 0 u; track 0 s; track 1 v");
    nego_free(n);
}

static void the_rollback_of_our_offer_tells_no_tracks(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_exchange(&n->a);
    nego_forget(&n->a);
    nego_offer(&n->a);
    nego_rollback(&n->a);
    nego_expect(&n->a, "");
    nego_free(n);
}

/* ---- two sides ---- */

static struct nego *call(void)
{
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_exchange(&n->a);
    nego_expect(&n->a, "needed; track 0 r");
    nego_expect(&n->b, "needed; track 0 s");
    return n;
}

static void remove_track_removes_it_at_the_other_side(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_remove(&n->a, nego_at(&n->a, 0));
    nego_exchange(&n->a);
    nego_expect(&n->b, "removed 0 s");
    nego_expect(&n->a, "needed");
    nego_free(n);
}

static void set_streams_moves_the_track_at_the_other_side(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_streams(&n->a, nego_at(&n->a, 0), "x,y");
    nego_exchange(&n->a);
    nego_expect(&n->b, "removed 0 s; track 0 x,y");
    nego_streams(&n->a, nego_at(&n->a, 0), NULL);
    nego_exchange(&n->a);
    nego_expect(&n->b, "removed 0 x,y");
    nego_free(n);
}

static void stop_removes_the_tracks_of_both_sides(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_expect(&n->a, "needed");
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    n->b.watch = NEGO_TRACKS;
    nego_expect(&n->b, "removed 0 s");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect(&n->a, "removed 0 r");
    nego_free(n);
}

static void pausing_and_resuming_tells_a_track_each_time(void **state)
{
    (void)state;
    struct nego *n = call();
    for (int i = 0; i < 3; i++) {
        nego_direct(&n->a, nego_at(&n->a, 0), SOTTO_DIR_RECVONLY);
        nego_exchange(&n->a);
        nego_expect(&n->b, "removed 0 s");
        nego_direct(&n->a, nego_at(&n->a, 0), SOTTO_DIR_SENDRECV);
        nego_exchange(&n->a);
        nego_expect(&n->b, "track 0 s");
    }
    nego_expect(&n->a, "needed; needed; needed; needed; needed; needed");
    nego_free(n);
}

static void an_ice_restart_tells_no_tracks(void **state)
{
    (void)state;
    struct nego *n = call();
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_expect(&n->a, "needed");
    nego_exchange(&n->a);
    nego_expect(&n->a, "");
    nego_expect(&n->b, "");
    nego_free(n);
}

static void the_handle_of_a_track_event_is_the_one_that_is_listed(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    assert_int_equal(
        sotto_pc_set_remote_description(n->a.pc, SOTTO_SDP_OFFER, paper_write(n, &p), NULL), 0);
    sotto_event *e = NULL;
    sotto_transceiver *t = NULL;
    while (sotto_ctx_next(n->a.ctx, &e) == 1) {
        if (e->type == SOTTO_EV_TRACK) t = e->u.track.transceiver;
        sotto_event_free(e);
    }
    assert_non_null(t);
    assert_ptr_equal(nego_at(&n->a, 0), t);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, first, first_offer);
    NEGO_ROWS(&u, again, changed_offer);
    NEGO_TEST(&u, removals_come_before_additions);
    NEGO_TEST(&u, a_direction_at_session_level_counts);
    NEGO_TEST(&u, a_missing_direction_is_sendrecv);
    NEGO_TEST(&u, a_local_offer_tells_nothing);
    NEGO_TEST(&u, a_refused_offer_tells_nothing);
    NEGO_ROWS(&u, answers, answered);
    NEGO_TEST(&u, a_provisional_answer_tells_tracks_and_the_answer_only_what_differs);
    NEGO_TEST(&u, a_track_that_the_provisional_answer_did_not_have_comes_with_the_answer);
    NEGO_TEST(&u, our_answer_that_does_not_receive_removes_the_track);
    NEGO_TEST(&u, our_provisional_answer_that_does_not_receive_removes_the_track);
    NEGO_TEST(&u, rolling_an_offer_back_removes_its_tracks);
    NEGO_TEST(&u, rolling_a_second_offer_back_gives_the_streams_back);
    NEGO_TEST(&u, the_rollback_of_our_offer_tells_no_tracks);
    NEGO_TEST(&u, remove_track_removes_it_at_the_other_side);
    NEGO_TEST(&u, set_streams_moves_the_track_at_the_other_side);
    NEGO_TEST(&u, stop_removes_the_tracks_of_both_sides);
    NEGO_TEST(&u, pausing_and_resuming_tells_a_track_each_time);
    NEGO_TEST(&u, an_ice_restart_tells_no_tracks);
    NEGO_TEST(&u, the_handle_of_a_track_event_is_the_one_that_is_listed);
    return nego_suite_run(&u, "negotiation: tracks");
}
