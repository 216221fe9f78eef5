/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an application does between two steps of a negotiation: between making a description and setting it, between offers that
 * follow each other without an answer, between provisional and final answers (W3C §4.4.1.5; RFC 9429 §5.2.2, §5.3.2).
 */
#include "nego.h"
#include "nego_sdp.h"

/* Audio from both sides, answered. */
static struct nego *call(void)
{
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->b, SOTTO_AUDIO, "r");
    nego_exchange(&n->a);
    nego_forget(&n->a), nego_forget(&n->b);
    return n;
}

/* ---- between making an offer and setting it ---- */

enum what { ADD, STOP, DIRECTION, STREAMS, REMOVE, CHANNEL, PREFERENCES };

static void make(struct nego_side *s, enum what what)
{
    static const char *const streams[] = {"other"};
    sotto_transceiver *t = nego_at(s, 0);
    switch (what) {
    case ADD: nego_add(s, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL); return;
    case STOP: nego_stop(s, t); return;
    case DIRECTION: nego_direct(s, t, SOTTO_DIR_INACTIVE); return;
    case STREAMS: assert_int_equal(sotto_transceiver_set_streams(t, streams, 1), 0); return;
    case REMOVE: nego_remove(s, t); return;
    case CHANNEL: nego_channel(s, "c"); return;
    case PREFERENCES: {
        sotto_codecs *c = NULL;
        assert_int_equal(sotto_capabilities(SOTTO_AUDIO, &c), 0);
        assert_int_equal(sotto_transceiver_set_codec_preferences(t, c->items, 1), 0);
        sotto_free(c);
        return;
    }
    }
}

static const struct {
    const char *name;
    enum what what;
    const char *sections; /* of the offer after the next one */
} between[] = {
    {"a_transceiver_added_after_the_offer_was_made_waits_for_the_next", ADD,
     "0 audio sendrecv; 1 video sendrecv"},
    {"a_stop_after_the_offer_was_made_waits_for_the_next", STOP, "0 audio rejected"},
    {"a_direction_set_after_the_offer_was_made_waits_for_the_next", DIRECTION, "0 audio inactive"},
    {"streams_set_after_the_offer_was_made_wait_for_the_next", STREAMS, "0 audio sendrecv"},
    {"a_track_removed_after_the_offer_was_made_waits_for_the_next", REMOVE, "0 audio recvonly"},
    {"a_channel_opened_after_the_offer_was_made_waits_for_the_next", CHANNEL,
     "0 audio sendrecv; 1 application"},
    {"preferences_set_after_the_offer_was_made_wait_for_the_next", PREFERENCES, "0 audio sendrecv"},
};

static void change_before_setting(void **state)
{
    const struct {
        const char *name;
        enum what what;
        const char *sections;
    } *row = *state;
    struct nego *n = call();
    n->a.watch = NEGO_NEEDED;
    char *offer = nego_make_offer(&n->a);
    make(&n->a, row->what);
    nego_forget(&n->a);
    nego_set_local(&n->a, SOTTO_SDP_OFFER, offer); /* it is the last one that was made */
    sdp_expect(n, nego_local(&n->a), "0 audio sendrecv");
    nego_expect(&n->a, "");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, nego_local(&n->a)));
    nego_expect(&n->a, row->what == PREFERENCES ? "" : "needed");
    sdp_expect(n, nego_make_offer(&n->a), row->sections);
    nego_exchange(&n->a);
    nego_expect(&n->a, "");
    if (row->what != STOP) nego_expect_agreement(n);
    nego_free(n);
}

static void what_changed_since_the_offer_was_made_is_in_an_implicit_one(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_make_offer(&n->a);
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    nego_set_local(&n->a, SOTTO_SDP_OFFER, NULL);
    sdp_expect(n, nego_local(&n->a), "0 audio sendrecv; 1 video sendrecv");
    nego_free(n);
}

/* ---- between making an answer and setting it ---- */

static void a_direction_set_after_the_answer_was_made_waits(void **state)
{
    (void)state;
    struct nego *n = call();
    n->b.watch = NEGO_NEEDED;
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    char *answer = nego_make_answer(&n->b);
    nego_direct(&n->b, nego_at(&n->b, 0), SOTTO_DIR_INACTIVE);
    nego_set_local(&n->b, SOTTO_SDP_ANSWER, answer);
    sdp_expect(n, nego_local(&n->b), "0 audio sendrecv");
    nego_expect_transceivers(&n->b, "0 audio inactive/sendrecv");
    nego_expect(&n->b, "needed");
    nego_free(n);
}

static void a_track_removed_before_the_answer_is_not_in_it(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_remove(&n->b, nego_at(&n->b, 0));
    sdp_expect(n, nego_answer(&n->b), "0 audio recvonly");
    nego_expect(&n->b, "");
    nego_free(n);
}

static void
what_changed_between_a_provisional_and_the_final_answer_is_in_the_final_one(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_set_local(&n->b, SOTTO_SDP_PRANSWER, NULL);
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER, nego_local(&n->b));
    nego_direct(&n->b, nego_at(&n->b, 0), SOTTO_DIR_SENDONLY);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    nego_expect_transceivers(&n->a, "0 audio sendrecv/recvonly");
    nego_expect_transceivers(&n->b, "0 audio sendonly/sendonly");
    nego_expect_agreement(n);
    nego_free(n);
}

/* ---- offers that follow each other ---- */

static void a_second_local_offer_replaces_the_first(void **state)
{
    (void)state;
    struct nego *n = call();
    char *first = nego_offer(&n->a);
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    char *second = nego_offer(&n->a);
    sdp_expect(n, second, "0 audio sendrecv; 1 video sendrecv");
    char *early = nego_answer_to(&n->b, first);
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER, early, SOTTO_E_SDP); /* a section is missing */
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, second));
    nego_expect_agreement(n);
    nego_free(n);
}

static void two_local_offers_are_rolled_back_at_once(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    nego_offer(&n->a);
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_offer(&n->a);
    nego_rollback(&n->a);
    nego_expect_transceivers(
        &n->a, "0 audio sendrecv/sendrecv; - video sendrecv/none; - audio sendrecv/none");
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    nego_free(n);
}

static void two_remote_offers_are_rolled_back_at_once(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    nego_answer_to(&n->a, paper_write(n, &p));
    nego_forget(&n->a);
    p.version++, p.s[0].msid = "u t", p.s[1] = (struct paper_section){"video", .msid = "v t"};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    p.version++, p.s[0].msid = "w t", p.s[2] = (struct paper_section){"audio", .msid = "x t"};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect(&n->a, "removed 0 s; track 0 u; track 1 v; removed 0 u; track 0 w; track 2 x");
    nego_rollback(&n->a);
    nego_expect_transceivers(&n->a, "0 audio recvonly/recvonly");
    nego_expect(&n->a, "removed 0 w; removed - v; removed - x; track 0 s");
    nego_free(n);
}

static void a_second_remote_offer_must_fit_the_first(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video"}}}, q = {.version = 1, .s = {{"audio"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &q), SOTTO_E_SDP);
    sdp_expect(n, nego_answer(&n->a), "0 audio recvonly; 1 video recvonly");
    nego_free(n);
}

static void a_second_remote_offer_can_reject_what_the_first_brought(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}, {"video", .msid = "s v"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    p.version++, p.s[1].rejected = true;
    nego_forget(&n->a);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_expect(&n->a, "removed 1 s");
    sdp_expect(n, nego_answer(&n->a), "0 audio recvonly; 1 video rejected");
    nego_expect_transceivers(&n->a, "0 audio recvonly/recvonly");
    nego_free(n);
}

static void an_offer_can_follow_an_answer_at_once(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    for (int i = 0; i < 6; i++) { /* before ICE and DTLS are done */
        nego_add(i % 2 ? &n->a : &n->b, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
        nego_exchange(i % 2 ? &n->a : &n->b);
        nego_expect_agreement(n);
        nego_run(n, SOTTO_MS(7));
    }
    nego_connect(n);
    nego_expect_agreement(n);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, between, change_before_setting);
    NEGO_TEST(&u, what_changed_since_the_offer_was_made_is_in_an_implicit_one);
    NEGO_TEST(&u, a_direction_set_after_the_answer_was_made_waits);
    NEGO_TEST(&u, a_track_removed_before_the_answer_is_not_in_it);
    NEGO_TEST(&u, what_changed_between_a_provisional_and_the_final_answer_is_in_the_final_one);
    NEGO_TEST(&u, a_second_local_offer_replaces_the_first);
    NEGO_TEST(&u, two_local_offers_are_rolled_back_at_once);
    NEGO_TEST(&u, two_remote_offers_are_rolled_back_at_once);
    NEGO_TEST(&u, a_second_remote_offer_must_fit_the_first);
    NEGO_TEST(&u, a_second_remote_offer_can_reject_what_the_first_brought);
    NEGO_TEST(&u, an_offer_can_follow_an_answer_at_once);
    return nego_suite_run(&u, "negotiation: between");
}
