/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local consent: a remote can never make us send what the application did not choose to send (H024). Whatever it offers, answers,
 * rolls back or recycles, our directions, streams and encodings that send are the application's; without a track we answer recvonly.
 */
#include "nego.h"
#include "nego_sdp.h"

static bool sends(int32_t direction)
{
    return direction == SOTTO_DIR_SENDRECV || direction == SOTTO_DIR_SENDONLY;
}

static void nothing_sends(struct nego_side *s)
{
    for (size_t i = 0; i < nego_count_transceivers(s); i++) {
        assert_false(sends(sotto_transceiver_get_direction(nego_at(s, i))));
        assert_false(sends(sotto_transceiver_current_direction(nego_at(s, i))));
    }
}

static const struct {
    const char *name, *direction, *want;
} firsts[] = {
    {"a_sendrecv_offer_to_us_without_a_track_is_answered_recvonly", "sendrecv", "0 audio recvonly"},
    {"a_recvonly_offer_to_us_without_a_track_is_answered_inactive", "recvonly", "0 audio inactive"},
    {"a_sendonly_offer_to_us_without_a_track_is_answered_recvonly", "sendonly", "0 audio recvonly"},
    {"an_inactive_offer_to_us_without_a_track_is_answered_inactive", "inactive",
     "0 audio inactive"},
};

static void first(void **state)
{
    const struct {
        const char *name, *direction, *want;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .direction = row->direction, .msid = "s t"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    sdp_expect(n, answer, row->want);
    assert_false(sdp_has(n, answer, 0, "a=ssrc"));
    nothing_sends(&n->a);
    nego_free(n);
}

/* From each of our directions through each that the remote offers: ours stays, and what is sent is within it. */
#define OURS_UNDER(o, r, O)                                                                        \
    {                                                                                              \
        "our_" #o "_stays_under_a_remote_that_offers_" #r, SOTTO_DIR_##O, #r                       \
    }

static const struct {
    const char *name;
    int32_t ours;
    const char *theirs;
} held[] = {
    OURS_UNDER(inactive, sendrecv, INACTIVE), OURS_UNDER(inactive, recvonly, INACTIVE),
    OURS_UNDER(inactive, sendonly, INACTIVE), OURS_UNDER(recvonly, sendrecv, RECVONLY),
    OURS_UNDER(recvonly, recvonly, RECVONLY), OURS_UNDER(recvonly, inactive, RECVONLY),
    OURS_UNDER(sendonly, sendrecv, SENDONLY), OURS_UNDER(sendonly, sendonly, SENDONLY),
    OURS_UNDER(sendrecv, inactive, SENDRECV), OURS_UNDER(sendrecv, sendonly, SENDRECV),
};

static void hold(void **state)
{
    const struct {
        const char *name;
        int32_t ours;
        const char *theirs;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    sotto_transceiver *t = nego_at(&n->a, 0);
    nego_direct(&n->a, t, row->ours);
    nego_answer(&n->a);
    for (int i = 0; i < 3; i++) {
        p.version++;
        p.s[0].direction = i == 1 ? "inactive" : row->theirs;
        nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
        assert_int_equal(sotto_transceiver_get_direction(t), row->ours);
        nego_answer(&n->a);
        assert_int_equal(sotto_transceiver_get_direction(t), row->ours);
        bool may = sends(row->ours) && (strcmp(p.s[0].direction, "sendrecv") == 0 ||
                                        strcmp(p.s[0].direction, "recvonly") == 0);
        assert_int_equal(sends(sotto_transceiver_current_direction(t)), may);
    }
    nego_free(n);
}

static const struct {
    const char *name, *direction;
    int32_t want;
} answers[] = {
    {"an_answer_beyond_our_recvonly_offer_does_not_make_us_send", "recvonly", SOTTO_DIR_INACTIVE},
    {"an_answer_sendrecv_to_our_recvonly_offer_does_not_make_us_send", "sendrecv",
     SOTTO_DIR_RECVONLY},
};

static void answer_beyond(void **state)
{
    const struct {
        const char *name, *direction;
        int32_t want;
    } *row = *state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_RECVONLY, NULL);
    char *answer = paper_answer(n, nego_offer(&n->a));
    answer = sdp_set(n, answer, 0, "a=sendonly", nego_text(n, "a=%s", row->direction));
    int r = nego_try_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_true(r == 0 || r == SOTTO_E_SDP);
    nothing_sends(&n->a);
    if (r == 0) assert_int_equal(sotto_transceiver_current_direction(t), row->want);
    nego_free(n);
}

/* proves: S36 */
static void a_provisional_answer_does_not_make_us_send(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_INACTIVE, NULL);
    char *answer = paper_answer(n, nego_offer(&n->a));
    answer = sdp_set(n, answer, 0, "a=inactive", "a=sendrecv");
    int r = nego_try_remote(&n->a, SOTTO_SDP_PRANSWER, answer);
    assert_true(r == 0 || r == SOTTO_E_SDP);
    nothing_sends(&n->a);
    nego_free(n);
}

static void a_track_that_was_removed_is_not_sent_again_by_a_remote_offer(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_exchange(&n->a);
    nego_remove(&n->a, t);
    nego_exchange(&n->a);
    nothing_sends(&n->a);
    for (int i = 0; i < 5; i++) {
        nego_direct(&n->b, nego_at(&n->b, 0), i % 2 ? SOTTO_DIR_RECVONLY : SOTTO_DIR_SENDRECV);
        nego_exchange(&n->b);
        nothing_sends(&n->a);
    }
    nego_free(n);
}

static void a_stopped_transceiver_is_not_woken_by_a_remote_offer(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}, {"data"}}};
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_answer_to(&n->a, paper_write(n, &p));
    nego_stop(&n->a, t);
    p.version++;
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &p)), "0 audio inactive; 1 application");
    nothing_sends(&n->a);
    nego_free(n);
}

static void a_recycled_section_does_not_inherit_the_sender(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio", .msid = "s t"}, {"data"}}};
    nego_track(&n->a, SOTTO_AUDIO, "s");
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &p)), "0 audio sendrecv; 1 application");
    p.version++, p.s[0].rejected = true;
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version++, p.s[0] = (struct paper_section){"audio", .mid = "again", .msid = "s t"};
    sdp_expect(n, nego_answer_to(&n->a, paper_write(n, &p)), "again audio recvonly; 1 application");
    nothing_sends(&n->a);
    nego_free(n);
}

static void a_swap_of_the_mid_does_not_move_our_track(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"audio"}}};
    sotto_transceiver *t = nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(nego_mid(&n->a, t), "0");
    p.version++, p.s[0].mid = "1", p.s[1].mid = "0";
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p), SOTTO_E_SDP);
    nego_free(n);
}

static void a_request_for_simulcast_does_not_make_us_send(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {
        .s = {{"video", .extra = "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    sdp_expect(n, answer, "0 video recvonly");
    assert_int_equal(sdp_count(answer, "a=simulcast:send"), 0);
    nothing_sends(&n->a);
    nego_free(n);
}

/* proves: H024 */
static void many_new_sections_take_no_track_that_was_not_added(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"audio"}, {"audio"}, {"video"}, {"video"}}};
    nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, "mine"); /* waits for our own offer */
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    sdp_expect(n, answer,
               "0 audio recvonly; 1 audio recvonly; 2 audio recvonly; 3 video recvonly; "
               "4 video recvonly");
    nego_free(n);
}

/* proves: H012 S14 */
static void sdes_keys_are_refused_and_never_offered(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"m=audio 9 RTP/SAVPF 0",
                             .extra = "a=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                                      "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"}}};
    char *offer = sdp_drop_all(n, paper_write(n, &p), "a=fingerprint");
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, offer, SOTTO_E_SDP);
    nego_track(&n->a, SOTTO_AUDIO, "s");
    assert_int_equal(sdp_count(nego_offer(&n->a), "a=crypto"), 0);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, firsts, first);
    NEGO_ROWS(&u, held, hold);
    NEGO_ROWS(&u, answers, answer_beyond);
    NEGO_TEST(&u, a_provisional_answer_does_not_make_us_send);
    NEGO_TEST(&u, a_track_that_was_removed_is_not_sent_again_by_a_remote_offer);
    NEGO_TEST(&u, a_stopped_transceiver_is_not_woken_by_a_remote_offer);
    NEGO_TEST(&u, a_recycled_section_does_not_inherit_the_sender);
    NEGO_TEST(&u, a_swap_of_the_mid_does_not_move_our_track);
    NEGO_TEST(&u, a_request_for_simulcast_does_not_make_us_send);
    NEGO_TEST(&u, many_new_sections_take_no_track_that_was_not_added);
    NEGO_TEST(&u, sdes_keys_are_refused_and_never_offered);
    return nego_suite_run(&u, "negotiation: consent");
}
