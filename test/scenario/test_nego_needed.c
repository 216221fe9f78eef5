/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NEGOTIATION_NEEDED: exactly when W3C's "check if negotiation is needed" says so, once for any number of changes, in stable only,
 * and not at all if the need is gone before the event was taken (W3C §4.7).
 */
#include "nego.h"
#include "nego_sdp.h"

/* Audio from both sides, answered; nobody needs anything. */
static struct nego *call(void)
{
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_exchange(&n->a);
    n->a.watch = n->b.watch = NEGO_NEEDED;
    nego_forget(&n->a), nego_forget(&n->b);
    return n;
}

static void nothing_is_needed_at_first(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_run(n, SOTTO_SECONDS(1));
    nego_expect(&n->a, "");
    nego_free(n);
}

/* Each of these, in a call, asks once, and after a negotiation there is nothing left to ask. */
enum what {
    ADD_AUDIO,
    ADD_INACTIVE,
    ADD_TRACK,
    REMOVE_TRACK,
    DIRECTION,
    STREAMS,
    MORE_STREAMS,
    NO_STREAMS,
    STOP,
    FIRST_CHANNEL,
    RESTART,
    TWO_THINGS,
    HUNDRED_THINGS,
    SAME_DIRECTION,
    SAME_STREAMS,
    SAME_STREAMS_TWICE,
    PREFERENCES,
    PARAMETERS,
    READING,
    CREATE_OFFER,
    REMOVE_NOTHING,
    SAME_CONFIG
};

static const struct {
    const char *name;
    enum what what;
    const char *want;
} changes[] = {
    {"adding_a_transceiver_needs_negotiation", ADD_AUDIO, "needed"},
    {"adding_an_inactive_transceiver_needs_negotiation", ADD_INACTIVE, "needed"},
    {"adding_a_track_needs_negotiation", ADD_TRACK, "needed"},
    {"removing_a_track_needs_negotiation", REMOVE_TRACK, "needed"},
    {"another_direction_needs_negotiation", DIRECTION, "needed"},
    {"other_streams_need_negotiation", STREAMS, "needed"},
    {"one_more_stream_needs_negotiation", MORE_STREAMS, "needed"},
    {"no_stream_any_more_needs_negotiation", NO_STREAMS, "needed"},
    {"stopping_needs_negotiation", STOP, "needed"},
    {"the_first_channel_needs_negotiation", FIRST_CHANNEL, "needed"},
    {"an_ice_restart_needs_negotiation", RESTART, "needed"},
    {"two_changes_need_one_negotiation", TWO_THINGS, "needed"},
    {"a_hundred_changes_need_one_negotiation", HUNDRED_THINGS, "needed"},
    {"the_same_direction_needs_nothing", SAME_DIRECTION, ""},
    {"the_same_streams_need_nothing", SAME_STREAMS, ""},
    {"a_stream_named_twice_needs_nothing", SAME_STREAMS_TWICE, ""},
    {"codec_preferences_need_nothing", PREFERENCES, ""},
    {"parameters_of_a_sender_need_nothing", PARAMETERS, ""},
    {"reading_states_needs_nothing", READING, ""},
    {"making_an_offer_needs_nothing", CREATE_OFFER, ""},
    {"removing_no_track_needs_nothing", REMOVE_NOTHING, ""},
    {"the_same_configuration_needs_nothing", SAME_CONFIG, ""},
};

static void set_same_parameters(sotto_transceiver *t)
{
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    p->encodings[0].max_bps = 100000;
    p->encodings[0].inactive = true;
    assert_int_equal(sotto_transceiver_set_parameters(t, p), 0);
    sotto_free(p);
}

static void prefer_one(sotto_transceiver *t)
{
    sotto_codecs *c = NULL;
    assert_int_equal(sotto_capabilities(SOTTO_AUDIO, &c), 0);
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, c->items, 1), 0);
    sotto_free(c);
}

static void make(struct nego_side *s, enum what what)
{
    sotto_transceiver *t = nego_at(s, 0);
    switch (what) {
    case ADD_AUDIO: nego_add(s, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL); break;
    case ADD_INACTIVE: nego_add(s, SOTTO_VIDEO, SOTTO_DIR_INACTIVE, NULL); break;
    case ADD_TRACK: nego_track(s, SOTTO_VIDEO, NULL); break;
    case REMOVE_TRACK: nego_remove(s, t); break;
    case DIRECTION: nego_direct(s, t, SOTTO_DIR_INACTIVE); break;
    case STREAMS: nego_streams(s, t, "other"); break;
    case MORE_STREAMS: nego_streams(s, t, s->index == 0 ? "s,x" : "r,x"); break;
    case NO_STREAMS: nego_streams(s, t, NULL); break;
    case STOP: nego_stop(s, t); break;
    case FIRST_CHANNEL: nego_channel(s, "c"); break;
    case RESTART: assert_int_equal(sotto_pc_restart_ice(s->pc), 0); break;
    case TWO_THINGS:
        nego_channel(s, "c");
        nego_add(s, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
        break;
    case HUNDRED_THINGS:
        for (int i = 0; i < 98; i++)
            nego_direct(s, t, i % 2 ? SOTTO_DIR_RECVONLY : SOTTO_DIR_INACTIVE);
        nego_channel(s, "c");
        nego_stop(s, t);
        break;
    case SAME_DIRECTION: nego_direct(s, t, SOTTO_DIR_SENDRECV); break;
    case SAME_STREAMS: nego_streams(s, t, s->index == 0 ? "s" : "r"); break;
    case SAME_STREAMS_TWICE: nego_streams(s, t, s->index == 0 ? "s,s" : "r,r"); break;
    case PREFERENCES: prefer_one(t); break;
    case PARAMETERS: set_same_parameters(t); break;
    case READING: nego_snapshot(s); break;
    case CREATE_OFFER: nego_make_offer(s); break;
    case REMOVE_NOTHING:
        nego_remove(s, t);
        nego_exchange(s);
        nego_forget(s);
        nego_remove(s, t);
        break;
    case SAME_CONFIG: {
        sotto_pc_config *c = NULL;
        assert_int_equal(sotto_pc_get_config(s->pc, &c), 0);
        assert_int_equal(sotto_pc_set_config(s->pc, c), 0);
        sotto_free(c);
        break;
    }
    }
}

static void change_in_a_call(void **state)
{
    const struct {
        const char *name;
        enum what what;
        const char *want;
    } *row = *state;
    for (int side = 0; side < 2; side++) { /* the offerer's and the answerer's view differ */
        struct nego *n = call();
        struct nego_side *s = side ? &n->b : &n->a;
        make(s, row->what);
        nego_run(n, SOTTO_MS(100));
        nego_expect(s, row->want);
        nego_exchange(s);
        nego_run(n, SOTTO_MS(100));
        nego_expect(s, "");
        nego_expect(nego_other(s), "");
        nego_free(n);
    }
}

static void a_change_while_an_offer_is_pending_is_told_after_the_answer(void **state)
{
    const struct {
        const char *name;
        enum what what;
        const char *want;
    } *row = *state;
    struct nego *n = call();
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    make(&n->a, row->what);
    nego_run(n, SOTTO_MS(100));
    nego_expect(&n->a, "");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_expect(&n->a, "needed");
    nego_exchange(&n->a);
    nego_expect(&n->a, "");
    nego_free(n);
}

static const struct {
    const char *name;
    enum what what;
    const char *want;
} pending[] = {
    {"a_transceiver_added_during_an_offer_is_told_after_the_answer", ADD_AUDIO, "needed"},
    {"a_track_removed_during_an_offer_is_told_after_the_answer", REMOVE_TRACK, "needed"},
    {"a_direction_changed_during_an_offer_is_told_after_the_answer", DIRECTION, "needed"},
    {"streams_changed_during_an_offer_are_told_after_the_answer", STREAMS, "needed"},
    {"a_stop_during_an_offer_is_told_after_the_answer", STOP, "needed"},
    {"a_channel_opened_during_an_offer_is_told_after_the_answer", FIRST_CHANNEL, "needed"},
    {"a_restart_asked_for_during_an_offer_is_told_after_the_answer", RESTART, "needed"},
};

static void a_remote_offer_pending_keeps_our_change_until_stable(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_track(&n->b, SOTTO_VIDEO, NULL);
    nego_run(n, SOTTO_MS(100));
    nego_expect(&n->b, "");
    nego_answer(&n->b);
    nego_expect(&n->b, "needed");
    nego_free(n);
}

static void a_second_channel_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "one");
    nego_expect(&n->a, "needed");
    nego_channel(&n->a, "two");
    nego_expect(&n->a, "");
    nego_exchange(&n->a);
    nego_channel(&n->a, "three");
    nego_channel(&n->b, "four");
    nego_run(n, SOTTO_SECONDS(1));
    nego_expect(&n->a, "");
    nego_expect(&n->b, "");
    nego_free(n);
}

static void a_change_that_is_taken_back_before_the_event_is_taken_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = nego_at(&n->a, 0);
    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_INACTIVE), 0);
    assert_int_equal(sotto_transceiver_set_direction(t, SOTTO_DIR_SENDRECV), 0);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void after_a_change_was_taken_back_the_next_one_is_told_again(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = nego_at(&n->a, 0);
    nego_direct(&n->a, t, SOTTO_DIR_INACTIVE);
    nego_expect(&n->a, "needed");
    nego_direct(&n->a, t, SOTTO_DIR_SENDRECV);
    nego_expect(&n->a, "");
    nego_direct(&n->a, t, SOTTO_DIR_RECVONLY);
    nego_expect(&n->a, "needed");
    nego_free(n);
}

static void an_offer_that_is_set_before_the_event_is_taken_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = NULL;
    assert_int_equal(sotto_pc_add_track(n->a.pc, SOTTO_AUDIO, NULL, 0, &t), 0);
    assert_int_equal(sotto_pc_set_local_description(n->a.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, nego_local(&n->a)));
    nego_expect(&n->a, "");
    nego_free(n);
}

static void a_track_that_joined_the_remote_offer_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_expect(&n->b, "needed");
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_forget(&n->b);
    nego_answer(&n->b);
    nego_expect(&n->b, "");
    nego_free(n);
}

static void
a_transceiver_that_the_remote_offer_had_no_place_for_is_told_after_the_answer(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->b, SOTTO_VIDEO, "r");
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_forget(&n->b);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    nego_expect(&n->b, "needed");
    nego_exchange(&n->b);
    nego_expect(&n->b, "");
    nego_free(n);
}

static const struct {
    const char *name, *direction;
} narrow[] = {
    {"an_answer_that_only_receives_needs_no_more_negotiation", "recvonly"},
    {"an_answer_that_only_sends_needs_no_more_negotiation", "sendonly"},
    {"an_inactive_answer_needs_no_more_negotiation", "inactive"},
};

static void narrow_answer(void **state)
{
    const struct {
        const char *name, *direction;
    } *row = *state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, "s");
    char *answer = paper_answer(n, nego_offer(&n->a));
    n->a.watch = NEGO_NEEDED;
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER,
                    sdp_set(n, answer, 0, "a=sendrecv", nego_text(n, "a=%s", row->direction)));
    nego_expect(&n->a, "");
    nego_free(n);
}

static void wanting_more_than_was_offered_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .direction = "sendonly"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_direct(&n->a, nego_at(&n->a, 0), SOTTO_DIR_SENDRECV); /* of sendonly comes recvonly */
    nego_forget(&n->a);
    n->a.watch = NEGO_NEEDED;
    char *answer = nego_answer(&n->a);
    sdp_expect(n, answer, "0 audio recvonly");
    assert_true(sdp_has(n, answer, 0, "a=msid:")); /* of the transceiver's direction, not the section's */
    nego_expect(&n->a, "");
    nego_free(n);
}

static void wanting_what_was_answered_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, "s");
    char *answer = paper_answer(n, nego_offer(&n->a));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, sdp_set(n, answer, 0, "a=sendrecv", "a=recvonly"));
    nego_forget(&n->a);
    nego_direct(&n->a, t, SOTTO_DIR_SENDONLY); /* offered was sendrecv, answered is this */
    nego_expect(&n->a, "");
    nego_direct(&n->a, t, SOTTO_DIR_RECVONLY);
    nego_expect(&n->a, "needed");
    nego_free(n);
}

static void an_event_that_nobody_took_is_not_told_between_offer_and_answer(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = NULL;
    char *offer = nego_offer(&n->b);
    assert_int_equal(sotto_pc_add_track(n->a.pc, SOTTO_VIDEO, NULL, 0, &t), 0); /* queued */
    assert_int_equal(sotto_pc_set_remote_description(n->a.pc, SOTTO_SDP_OFFER, offer, NULL), 0);
    nego_expect(&n->a, "");
    nego_answer(&n->a);
    nego_expect(&n->a, "needed");
    nego_free(n);
}

static void a_rolled_back_offer_is_needed_again(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    for (int i = 0; i < 5; i++) {
        nego_expect(&n->a, "needed");
        nego_offer(&n->a);
        nego_expect(&n->a, "");
        nego_rollback(&n->a);
    }
    nego_expect(&n->a, "needed");
    nego_free(n);
}

static void a_rolled_back_offer_without_news_is_not_needed_again(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_offer(&n->a);
    nego_rollback(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_offer(&n->b));
    nego_rollback(&n->a);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void what_an_implicit_rollback_took_back_is_needed_after_the_answer(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_track(&n->a, SOTTO_VIDEO, "v");
    nego_expect(&n->a, "needed");
    nego_offer(&n->a);
    char *theirs = nego_offer(&n->b);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, theirs);
    nego_expect(&n->a, "");
    nego_set_remote(&n->b, SOTTO_SDP_ANSWER, nego_answer(&n->a));
    nego_expect(&n->a, "needed");
    nego_exchange(&n->a);
    nego_expect(&n->a, "");
    nego_expect_agreement(n);
    nego_free(n);
}

/* ---- restart ---- */

static void a_restart_before_the_first_description_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_run(n, SOTTO_MS(100));
    nego_expect(&n->a, "");
    nego_free(n);
}

static void a_restart_that_was_asked_for_twice_is_told_once(void **state)
{
    (void)state;
    struct nego *n = call();
    for (int i = 0; i < 3; i++) assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_expect(&n->a, "needed");
    nego_free(n);
}

static void a_restart_by_the_option_of_create_offer_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_make_restart(&n->a);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void a_restart_that_the_remote_made_satisfies_ours(void **state)
{
    (void)state;
    struct nego *n = call();
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_expect(&n->a, "needed");
    assert_int_equal(sotto_pc_restart_ice(n->b.pc), 0);
    nego_exchange(&n->b); /* a's answer has new credentials: the old ones are replaced */
    nego_expect(&n->a, "");
    nego_free(n);
}

static void an_answer_without_new_credentials_leaves_the_restart_needed(void **state)
{
    (void)state;
    struct nego *n = call();
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_expect(&n->a, "needed");
    nego_exchange(&n->b); /* no restart: a's answer keeps the old ones */
    nego_expect(&n->a, "needed");
    nego_exchange(&n->a);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void a_rolled_back_restart_is_needed_again(void **state)
{
    (void)state;
    struct nego *n = call();
    char *before = nego_text(n, "%s", nego_transport(&n->a).local_ufrag);
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_expect(&n->a, "needed");
    nego_offer(&n->a);
    nego_rollback(&n->a);
    nego_expect(&n->a, "needed");
    assert_string_not_equal(sdp_value(n, nego_offer(&n->a), 0, "a=ice-ufrag:"), before);
    nego_free(n);
}

/* ---- the end ---- */

static void a_closed_connection_needs_nothing(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_transceiver *t = NULL;
    assert_int_equal(sotto_pc_add_track(n->a.pc, SOTTO_VIDEO, NULL, 0, &t), 0);
    sotto_pc_close(n->a.pc);
    nego_run(n, SOTTO_SECONDS(1));
    nego_expect(&n->a, "");
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_TEST(&u, nothing_is_needed_at_first);
    NEGO_ROWS(&u, changes, change_in_a_call);
    NEGO_ROWS(&u, pending, a_change_while_an_offer_is_pending_is_told_after_the_answer);
    NEGO_TEST(&u, a_remote_offer_pending_keeps_our_change_until_stable);
    NEGO_TEST(&u, a_second_channel_needs_nothing);
    NEGO_TEST(&u, a_change_that_is_taken_back_before_the_event_is_taken_needs_nothing);
    NEGO_TEST(&u, after_a_change_was_taken_back_the_next_one_is_told_again);
    NEGO_TEST(&u, an_offer_that_is_set_before_the_event_is_taken_needs_nothing);
    NEGO_TEST(&u, a_track_that_joined_the_remote_offer_needs_nothing);
    NEGO_TEST(&u, a_transceiver_that_the_remote_offer_had_no_place_for_is_told_after_the_answer);
    NEGO_ROWS(&u, narrow, narrow_answer);
    NEGO_TEST(&u, wanting_more_than_was_offered_needs_nothing);
    NEGO_TEST(&u, wanting_what_was_answered_needs_nothing);
    NEGO_TEST(&u, an_event_that_nobody_took_is_not_told_between_offer_and_answer);
    NEGO_TEST(&u, a_rolled_back_offer_is_needed_again);
    NEGO_TEST(&u, a_rolled_back_offer_without_news_is_not_needed_again);
    NEGO_TEST(&u, what_an_implicit_rollback_took_back_is_needed_after_the_answer);
    NEGO_TEST(&u, a_restart_before_the_first_description_needs_nothing);
    NEGO_TEST(&u, a_restart_that_was_asked_for_twice_is_told_once);
    NEGO_TEST(&u, a_restart_by_the_option_of_create_offer_needs_nothing);
    NEGO_TEST(&u, a_restart_that_the_remote_made_satisfies_ours);
    NEGO_TEST(&u, an_answer_without_new_credentials_leaves_the_restart_needed);
    NEGO_TEST(&u, a_rolled_back_restart_is_needed_again);
    NEGO_TEST(&u, a_closed_connection_needs_nothing);
    return nego_suite_run(&u, "negotiation: needed");
}
