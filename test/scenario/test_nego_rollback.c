/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rollback, of a local offer, of a remote one, and of ours by the remote's (implicit): transceivers, mids, streams, encodings, ICE
 * and DTLS are what they were when the state was last stable (RFC 9429 §5.7; W3C §4.4.1.5).
 */
#include "nego.h"
#include "nego_sdp.h"
#include "util/mem.h"

/* Audio from both sides and a channel, connected. */
static struct nego *call(void)
{
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_connect(n);
    nego_forget(&n->a), nego_forget(&n->b);
    return n;
}

static void goes_on(struct nego *n)
{
    nego_send(nego_find(&n->a, "c"));
    nego_send(nego_find(&n->b, "c"));
    nego_run(n, SOTTO_SECONDS(1));
    assert_true(nego_is_whole(n, "c"));
    assert_true(nego_is_connected(n, NULL));
}

/* ---- of a local offer ---- */

static void a_rolled_back_first_offer_takes_the_mids_back(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, "s");
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_RECVONLY, NULL);
    nego_channel(&n->a, "c");
    nego_offer(&n->a);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/none; 1 video recvonly/none");
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none; - video recvonly/none");
    assert_null(nego_local(&n->a));
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_NONE);
    nego_free(n);
}

static void after_a_rollback_the_next_offer_has_all_sections_and_connects(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    for (int i = 0; i < 3; i++) {
        nego_offer(&n->a);
        nego_run(n, SOTTO_MS(20));
        nego_rollback(&n->a);
    }
    nego_exchange(&n->a);
    nego_connect(n);
    nego_expect_agreement(n);
    nego_free(n);
}

static void the_version_rises_over_a_rollback(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    unsigned long long last = 0;
    nego_track(&n->a, SOTTO_AUDIO, "s");
    for (int i = 0; i < 4; i++) {
        unsigned long long id, version;
        char *origin = sdp_value(n, nego_offer(&n->a), SDP_SESSION, "o=- ");
        assert_int_equal(sscanf(origin, "%llu %llu", &id, &version), 2);
        assert_true(i == 0 || version > last);
        last = version;
        nego_rollback(&n->a);
    }
    nego_free(n);
}

static void a_rolled_back_second_offer_leaves_the_call_as_it_was(void **state)
{
    (void)state;
    struct nego *n = call();
    char *before = nego_snapshot(&n->a);
    nego_offer(&n->a);
    nego_rollback(&n->a);
    assert_string_equal(nego_snapshot(&n->a), before);
    goes_on(n);
    nego_free(n);
}

static void what_was_added_before_a_rolled_back_offer_stays_without_a_mid(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_track(&n->a, SOTTO_VIDEO, "v");
    nego_offer(&n->a);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/sendrecv; 2 video sendrecv/none");
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "0 audio sendrecv/sendrecv; - video sendrecv/none");
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    goes_on(n);
    nego_free(n);
}

static void what_the_application_wants_stays_over_a_rollback(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = nego_at(&n->a, 0);
    nego_direct(&n->a, t, SOTTO_DIR_RECVONLY);
    nego_streams(&n->a, t, "other");
    nego_offer(&n->a);
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "0 audio recvonly/sendrecv");
    nego_direct(&n->a, t, SOTTO_DIR_SENDRECV);
    assert_true(strncmp(sdp_value(n, nego_make_offer(&n->a), 0, "a=msid:"), "other ", 6) == 0);
    nego_free(n);
}

static void a_stop_is_not_taken_back_by_a_rollback(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_offer(&n->a);
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "0 audio stopped/sendrecv");
    sdp_expect(n, nego_make_offer(&n->a), "0 audio rejected; 1 application");
    nego_free(n);
}

static void a_recycled_section_is_rejected_again_after_a_rollback(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->a, nego_at(&n->a, 0));
    nego_exchange(&n->a);
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "v");
    sdp_expect(n, nego_offer(&n->a), "2 video sendrecv; 1 application");
    nego_rollback(&n->a);
    assert_string_equal(nego_mid(&n->a, t), "-");
    sdp_expect(n, nego_local(&n->a), "0 audio rejected; 1 application");
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    goes_on(n);
    nego_free(n);
}

static void a_rolled_back_ice_restart_leaves_the_credentials(void **state)
{
    (void)state;
    struct nego *n = call();
    char *before = nego_text(n, "%s", nego_transport(&n->a).local_ufrag);
    nego_set_local(&n->a, SOTTO_SDP_OFFER, nego_make_restart(&n->a));
    nego_run(n, SOTTO_MS(100));
    nego_rollback(&n->a);
    assert_string_equal(nego_transport(&n->a).local_ufrag, before);
    assert_string_equal(sdp_value(n, nego_make_offer(&n->a), 0, "a=ice-ufrag:"), before);
    goes_on(n);
    nego_exchange(&n->b);
    goes_on(n);
    nego_free(n);
}

static void channels_wait_over_a_rollback_and_open_later(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    struct nego_chan *c = nego_channel(&n->a, "c");
    nego_offer(&n->a);
    nego_rollback(&n->a);
    nego_run(n, SOTTO_SECONDS(1));
    assert_false(c->closed);
    assert_int_equal(sotto_dc_state(c->dc), SOTTO_DC_CONNECTING);
    nego_exchange(&n->a);
    nego_connect(n);
    assert_true(c->open);
    nego_free(n);
}

static void a_text_with_a_rollback_is_ignored(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_offer(&n->a);
    nego_set_local(&n->a, SOTTO_SDP_ROLLBACK, "anything at all");
    assert_int_equal(nego_signaling(&n->a), SOTTO_SIGNALING_STABLE);
    nego_free(n);
}

static void an_offer_made_before_a_rollback_cannot_be_set_after_it(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    char *old = nego_make_offer(&n->a);
    nego_set_local(&n->a, SOTTO_SDP_OFFER, old);
    nego_rollback(&n->a);
    nego_refuse_local(&n->a, SOTTO_SDP_OFFER, old, SOTTO_E_MODIFICATION);
    nego_set_local(&n->a, SOTTO_SDP_OFFER, nego_make_offer(&n->a));
    nego_free(n);
}

static void nothing_of_the_old_generation_is_told_after_a_rollback(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    char *old = sdp_value(n, nego_offer(&n->a), 0, "a=ice-ufrag:");
    nego_rollback(&n->a);
    n->a.n_candidates = 0;
    nego_run(n, SOTTO_SECONDS(1));
    assert_int_equal(n->a.n_candidates, 0);
    char *fresh = sdp_value(n, nego_offer(&n->a), 0, "a=ice-ufrag:");
    assert_string_not_equal(old, fresh); /* the remote may know the old ones */
    nego_run(n, SOTTO_SECONDS(1));
    assert_true(n->a.n_candidates > 0);
    assert_string_equal(n->a.last_ufrag, fresh);
    nego_free(n);
}

/* ---- of a remote offer ---- */

static void what_a_rolled_back_offer_made_is_gone(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video"}, {"data"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    sotto_transceiver *t = nego_at(&n->a, 0);
    nego_expect_transceivers(&n->a, "0 audio recvonly/none; 1 video recvonly/none");
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "");
    assert_string_equal(nego_mid(&n->a, t), "-");
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_INACTIVE), SOTTO_E_STATE);
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_NONE);
    assert_null(nego_remote(&n->a));
    sotto_transceiver_free(t);
    nego_free(n);
}

static void a_track_that_joined_a_rolled_back_offer_stays_without_a_mid(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}}};
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect_transceivers(&n->a, "0 audio sendrecv/none");
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    assert_string_equal(strchr(sdp_summary(n, nego_make_offer(&n->a)), ' '), " audio sendrecv");
    nego_free(n);
}

static void what_add_track_took_of_a_rolled_back_offer_stays(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"audio"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, "mine");
    assert_ptr_equal(t, nego_at(&n->a, 0));
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "- audio sendrecv/none");
    assert_ptr_equal(t, nego_at(&n->a, 0));
    char *offer = nego_make_offer(&n->a);
    assert_true(strncmp(sdp_value(n, offer, 0, "a=msid:"), "mine ", 5) == 0);
    nego_free(n);
}

static void a_direction_set_on_what_the_remote_made_does_not_keep_it(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_direct(&n->a, nego_at(&n->a, 0), SOTTO_DIR_SENDRECV);
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "");
    nego_free(n);
}

static void a_rolled_back_second_remote_offer_leaves_the_call_as_it_was(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_track(&n->b, SOTTO_VIDEO, "v");
    nego_direct(&n->b, nego_at(&n->b, 0), SOTTO_DIR_INACTIVE);
    char *before = nego_snapshot(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_make_offer(&n->b));
    nego_expect_transceivers(&n->a, "0 audio sendrecv/sendrecv; 2 video recvonly/none");
    nego_rollback(&n->a);
    assert_string_equal(nego_snapshot(&n->a), before);
    nego_expect(&n->a, "removed 0 r; track 2 v; removed - v; track 0 r");
    goes_on(n);
    nego_free(n);
}

static void a_rolled_back_remote_restart_leaves_the_call_as_it_was(void **state)
{
    (void)state;
    struct nego *n = call();
    char *before = nego_snapshot(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_make_restart(&n->b));
    nego_run(n, SOTTO_MS(100));
    nego_rollback(&n->a);
    assert_string_equal(nego_snapshot(&n->a), before);
    goes_on(n);
    nego_free(n);
}

static void a_transceiver_that_a_rolled_back_offer_stopped_stays_stopped(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_stop(&n->b, nego_at(&n->b, 0));
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_make_offer(&n->b));
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "0 audio stopped/stopped");
    nego_free(n);
}

static void encodings_that_a_rolled_back_offer_asked_for_are_gone(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {
        .s = {{"video", .extra = "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n"}}};
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    sotto_send_parameters *params = NULL;
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    assert_int_equal(sotto_transceiver_get_parameters(t, &params), 0);
    assert_int_equal(params->n_encodings, 2);
    assert_string_equal(params->encodings[0].rid, "h");
    assert_true(params->encodings[0].scale == 2 && params->encodings[1].scale == 1);
    sotto_free(params);
    nego_rollback(&n->a);
    assert_int_equal(sotto_transceiver_get_parameters(t, &params), 0);
    assert_int_equal(params->n_encodings, 1);
    assert_null(params->encodings[0].rid);
    sotto_free(params);
    nego_free(n);
}

static void a_remote_that_is_rolled_back_can_offer_something_else(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"data"}}}, q = {.s = {{"video", .mid = "x"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_rollback(&n->a);
    q.version = 5, q.ufrag = "Other";
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &q)), "x video recvonly");
    nego_free(n);
}

static void an_answer_after_a_rollback_is_refused(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    nego_rollback(&n->a);
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, answer, SOTTO_E_STATE);
    nego_free(n);
}

/* ---- implicit ---- */

static void the_remotes_offer_rolls_ours_back(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_VIDEO, "v");
    nego_offer(&n->a);
    n->a.watch = NEGO_SIGNALING | NEGO_TRACKS;
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_offer(&n->b));
    nego_expect_transceivers(&n->a, "- audio sendrecv/none; 0 video recvonly/none");
    assert_null(nego_description(&n->a, true, SOTTO_DESC_PENDING, NULL));
    nego_expect(&n->a, "have-remote-offer; track 0 v");
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, nego_answer(&n->a));
    nego_connect(n);
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    nego_free(n);
}

static void our_track_joins_the_section_of_the_offer_that_won(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_offer(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_offer(&n->b));
    nego_expect_transceivers(&n->a, "0 audio sendrecv/none");
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, nego_answer(&n->a));
    nego_expect_transceivers(&n->b, "0 audio sendrecv/sendrecv");
    nego_connect(n);
    nego_free(n);
}

static void an_implicit_rollback_in_a_call_keeps_the_traffic(void **state)
{
    (void)state;
    struct nego *n = call();
    for (int i = 0; i < 10; i++) {
        struct nego_side *loser = i % 2 ? &n->a : &n->b, *winner = nego_other(loser);
        assert_int_equal(sotto_pc_restart_ice(loser->pc), 0);
        nego_offer(loser);
        nego_send(nego_find(loser, "c"));
        char *offer = nego_offer(winner);
        nego_set_remote(loser, SOTTO_SDP_OFFER, offer);
        nego_set_remote(winner, SOTTO_SDP_ANSWER, nego_answer(loser));
        goes_on(n);
        nego_exchange(loser); /* the restart that it still wants */
        goes_on(n);
        nego_expect_agreement(n);
    }
    nego_free(n);
}

static void a_bad_offer_does_not_roll_ours_back(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    char *offer = nego_offer(&n->a);
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER,
                       sdp_drop_all(n, nego_make_offer(&n->b), "a=fingerprint"), SOTTO_E_SDP);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, offer));
    nego_connect(n);
    nego_free(n);
}

/* ---- storms ---- */

/* proves: H021 */
static void a_storm_of_rollbacks_with_media_costs_no_memory(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_track(&n->a, SOTTO_VIDEO, "v");
    nego_track(&n->b, SOTTO_VIDEO, "w");
    int64_t live = 0;
    for (int i = 0; i < 2000; i++) {
        char *theirs = NULL;
        assert_int_equal(sotto_pc_create_offer(n->b.pc, NULL, &theirs), 0);
        nego_set_local(&n->a, SOTTO_SDP_IMPLICIT, NULL);
        if (i % 3) nego_rollback(&n->a);
        nego_set_remote(&n->a, SOTTO_SDP_OFFER, theirs); /* implicit, if ours is pending */
        nego_rollback(&n->a);
        sotto_free(theirs);
        nego_forget(&n->a);
        for (size_t k = 0; k < n->n_kept; k++) free(n->kept[k]);
        n->n_kept = 0;
        if (i == 100) live = sotto__mem_live();
    }
    assert_true(sotto__mem_live() <= live + 300);
    assert_true(n->net->live_ices <= 4);
    nego_exchange(&n->b);
    nego_expect_agreement(n);
    goes_on(n);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_TEST(&u, a_rolled_back_first_offer_takes_the_mids_back);
    NEGO_TEST(&u, after_a_rollback_the_next_offer_has_all_sections_and_connects);
    NEGO_TEST(&u, the_version_rises_over_a_rollback);
    NEGO_TEST(&u, a_rolled_back_second_offer_leaves_the_call_as_it_was);
    NEGO_TEST(&u, what_was_added_before_a_rolled_back_offer_stays_without_a_mid);
    NEGO_TEST(&u, what_the_application_wants_stays_over_a_rollback);
    NEGO_TEST(&u, a_stop_is_not_taken_back_by_a_rollback);
    NEGO_TEST(&u, a_recycled_section_is_rejected_again_after_a_rollback);
    NEGO_TEST(&u, a_rolled_back_ice_restart_leaves_the_credentials);
    NEGO_TEST(&u, channels_wait_over_a_rollback_and_open_later);
    NEGO_TEST(&u, a_text_with_a_rollback_is_ignored);
    NEGO_TEST(&u, an_offer_made_before_a_rollback_cannot_be_set_after_it);
    NEGO_TEST(&u, nothing_of_the_old_generation_is_told_after_a_rollback);
    NEGO_TEST(&u, what_a_rolled_back_offer_made_is_gone);
    NEGO_TEST(&u, a_track_that_joined_a_rolled_back_offer_stays_without_a_mid);
    NEGO_TEST(&u, what_add_track_took_of_a_rolled_back_offer_stays);
    NEGO_TEST(&u, a_direction_set_on_what_the_remote_made_does_not_keep_it);
    NEGO_TEST(&u, a_rolled_back_second_remote_offer_leaves_the_call_as_it_was);
    NEGO_TEST(&u, a_rolled_back_remote_restart_leaves_the_call_as_it_was);
    NEGO_TEST(&u, a_transceiver_that_a_rolled_back_offer_stopped_stays_stopped);
    NEGO_TEST(&u, encodings_that_a_rolled_back_offer_asked_for_are_gone);
    NEGO_TEST(&u, a_remote_that_is_rolled_back_can_offer_something_else);
    NEGO_TEST(&u, an_answer_after_a_rollback_is_refused);
    NEGO_TEST(&u, the_remotes_offer_rolls_ours_back);
    NEGO_TEST(&u, our_track_joins_the_section_of_the_offer_that_won);
    NEGO_TEST(&u, an_implicit_rollback_in_a_call_keeps_the_traffic);
    NEGO_TEST(&u, a_bad_offer_does_not_roll_ours_back);
    NEGO_TEST(&u, a_storm_of_rollbacks_with_media_costs_no_memory);
    return nego_suite_run(&u, "negotiation: rollback");
}
