/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One transport: offers with one group, several, none or partial ones, bundle-only sections, sections without RTP/RTCP multiplexing
 * or of other profiles; what cannot share the transport is rejected, never half alive (RFC 9143, RFC 9429 §5.1.2, §5.3.1; SDP-11,
 * SDP-12, SDP-14, SDP-17).
 */
#include "nego.h"
#include "nego_sdp.h"

static const struct offer {
    const char *name;
    struct paper p;
    const char *want, *group;
} offers[] = {
    {"sections_of_one_group_are_all_taken",
     {.s = {{"audio"}, {"video"}, {"data"}}},
     "0 audio recvonly; 1 video recvonly; 2 application",
     "0 1 2"},
    {"without_a_group_the_first_section_is_taken",
     {.no_bundle = true, .s = {{"audio"}, {"video"}, {"data"}}},
     "0 audio recvonly; 1 video rejected; 2 application rejected",
     ""},
    {"without_a_group_the_first_section_that_can_be_used_is_taken",
     {.no_bundle = true, .s = {{"audio", .rejected = true}, {"video"}, {"data"}}},
     "0 audio rejected; 1 video recvonly; 2 application rejected",
     ""},
    {"a_data_section_alone_needs_no_group",
     {.no_bundle = true, .s = {{"data"}}},
     "0 application",
     ""},
    {"a_section_beside_the_group_is_rejected",
     {.s = {{"audio"}, {"video"}, {"data", .alone = true}}},
     "0 audio recvonly; 1 video recvonly; 2 application rejected",
     "0 1"},
    {"a_group_beside_the_first_section_is_rejected",
     {.s = {{"audio", .alone = true}, {"video"}, {"data"}}},
     "0 audio recvonly; 1 video rejected; 2 application rejected",
     ""},
    {"a_bundle_only_section_is_taken_with_a_port",
     {.s = {{"audio"}, {"video", .bundle_only = true}, {"data", .bundle_only = true}}},
     "0 audio recvonly; 1 video recvonly; 2 application",
     "0 1 2"},
    {"a_bundle_only_section_beside_the_group_is_rejected",
     {.s = {{"audio"}, {"video", .bundle_only = true, .alone = true}}},
     "0 audio recvonly; 1 video rejected",
     "0"},
    {"a_rejected_first_section_leaves_the_group_to_the_others",
     {.s = {{"audio", .rejected = true}, {"video"}, {"data"}}},
     "0 audio rejected; 1 video recvonly; 2 application",
     "1 2"},
    {"a_section_without_rtcp_mux_is_rejected",
     {.s = {{"audio"}, {"video", .no_mux = true, .alone = true}, {"data"}}},
     "0 audio recvonly; 1 video rejected; 2 application",
     "0 2"},
    {"without_rtcp_mux_and_without_a_group_data_is_taken",
     {.no_bundle = true, .s = {{"audio", .no_mux = true}, {"data"}}},
     "0 audio rejected; 1 application",
     ""},
    {"firefox_offers_are_taken_whole",
     {.firefox = true, .s = {{"audio"}, {"video"}, {"data"}}},
     "0 audio recvonly; 1 video recvonly; 2 application",
     "0 1 2"},
    /* proves: SDP-12 */
    {"an_unknown_kind_of_media_is_rejected",
     {.s = {{"audio"}, {"m=hologram 9 UDP/TLS/RTP/SAVPF 100", .extra = "a=rtcp-mux\r\n"}}},
     "0 audio recvonly; 1 hologram rejected",
     "0"},
    {"the_kind_text_is_rejected",
     {.s = {{"audio"}, {"m=text 9 RTP/AVP 98"}}},
     "0 audio recvonly; 1 text rejected",
     "0"},
};

static void offer(void **state)
{
    const struct offer *row = *state;
    struct nego *n = nego_alone();
    char *answer = nego_answer_to(&n->a, paper_write(n, &row->p));
    sdp_expect(n, answer, row->want);
    char *group = sdp_bundle(n, answer);
    if (row->group[0] || group[0]) { /* a lone section may stand in a group only if it was offered so */
        if (row->group[0]) assert_string_equal(group, row->group);
        if (!row->group[0]) assert_true(row->p.no_bundle == false && strlen(group) == 1);
    }
    for (int i = 0; i < sdp_sections(answer); i++) {
        assert_false(sdp_has(n, answer, i, "a=bundle-only"));
        char *mid = nego_text(n, " %s ", sdp_value(n, answer, i, "a=mid:"));
        if (sdp_is_rejected(n, answer, i)) assert_null(strstr(nego_text(n, " %s ", group), mid));
    }
    for (size_t i = 0; i < nego_count_transceivers(&n->a); i++) { /* none is half alive */
        sotto_transceiver *t = nego_at(&n->a, i);
        assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_RECVONLY);
    }
    nego_free(n);
}

#define PROFILE(name, profile, taken)                                                              \
    {                                                                                              \
        name, "m=audio 9 " profile " 0", taken                                                     \
    }

static const struct {
    const char *name, *m;
    bool taken;
} profiles[] = {
    /* proves: SDP-11 */
    PROFILE("udp_tls_rtp_savpf_is_taken", "UDP/TLS/RTP/SAVPF", true),
    /* proves: SDP-11 */
    PROFILE("tcp_dtls_rtp_savpf_is_taken", "TCP/DTLS/RTP/SAVPF", true),
    /* proves: SDP-11 */
    PROFILE("rtp_savpf_is_taken", "RTP/SAVPF", true),
    PROFILE("udp_tls_rtp_savp_is_taken", "UDP/TLS/RTP/SAVP", true),
    /* proves: H013 SDP-11 */
    PROFILE("rtp_avp_is_rejected", "RTP/AVP", false),
    /* proves: SDP-11 */
    PROFILE("rtp_avpf_is_rejected", "RTP/AVPF", false),
    /* proves: SDP-11 */
    PROFILE("a_profile_that_does_not_exist_is_rejected", "UDP/TLS/RTP/XYZ", false),
};

static void profile(void **state)
{
    const struct {
        const char *name, *m;
        bool taken;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"data"}, {row->m, .extra = "a=rtcp-mux\r\n"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_int_equal(sdp_is_rejected(n, answer, 1), !row->taken);
    char *m = sdp_value(n, answer, 1, "m=audio "); /* the profile of the offer stands in the answer */
    assert_string_equal(strchr(m, ' '), strchr(row->m + strlen("m=audio "), ' '));
    nego_free(n);
}

static void of_two_groups_the_first_is_taken(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video"}, {"audio"}, {"data"}}};
    char *text = sdp_set(n, paper_write(n, &p), SDP_SESSION, "a=group:BUNDLE",
                         "a=group:BUNDLE 0 1\r\na=group:BUNDLE 2 3");
    char *answer = nego_answer_to(&n->a, text);
    sdp_expect(n, answer,
               "0 audio recvonly; 1 video recvonly; 2 audio rejected; "
               "3 application rejected");
    assert_string_equal(sdp_bundle(n, answer), "0 1");
    nego_free(n);
}

static void credentials_of_a_bundled_section_do_not_count(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video"}}};
    char *text = sdp_set(n, paper_write(n, &p), 1, "a=ice-ufrag:", "a=ice-ufrag:Other");
    text = sdp_set(n, text, 1, "a=fingerprint:",
                   "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:"
                   "0A:0B:0C:0D:0E:0F:10:11:12:13");
    sdp_expect(n, nego_answer_to(&n->a, text), "0 audio recvonly; 1 video recvonly");
    assert_string_equal(nego_transport(&n->a).remote_ufrag, PAPER_UFRAG);
    nego_free(n);
}

static void other_groups_do_not_matter(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"video"}}};
    char *text = sdp_put(n, paper_write(n, &p), SDP_SESSION, "a=group:LS 0 1\r\na=group:FID 0");
    sdp_expect(n, nego_answer_to(&n->a, text), "0 audio recvonly; 1 video recvonly");
    nego_free(n);
}

/* ---- our offers ---- */

static const struct {
    const char *name;
    int32_t policy;
} policies[] = {
    {"the_balanced_policy_connects", SOTTO_BUNDLE_BALANCED},
    {"the_policy_max_compat_connects", SOTTO_BUNDLE_MAX_COMPAT},
    {"the_policy_max_bundle_connects", SOTTO_BUNDLE_MAX_BUNDLE},
};

static void policy(void **state)
{
    const struct {
        const char *name;
        int32_t policy;
    } *row = *state;
    struct nego_opt o = {.a = {.bundle_policy = row->policy}};
    struct nego *n = nego_new(&o);
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "t");
    nego_channel(&n->a, "c");
    char *text = nego_offer(&n->a);
    assert_string_equal(sdp_bundle(n, text), "0 1 2 3");
    assert_false(sdp_has(n, text, 0, "a=bundle-only"));
    for (int i = 1; i < 4 && row->policy == SOTTO_BUNDLE_MAX_BUNDLE; i++)
        assert_true(sdp_has(n, text, i, "a=bundle-only"));
    for (int i = 0; i < 4; i++) assert_false(sdp_is_rejected(n, text, i));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer_to(&n->b, text));
    nego_connect(n);
    nego_expect_agreement(n);
    nego_exchange(&n->b);
    nego_exchange(&n->a);
    nego_expect_agreement(n);
    assert_int_equal(nego_count_transceivers(&n->b), 3);
    nego_free(n);
}

/* ---- answers to our offers ---- */

static struct nego *offered_three(char **ret_answer)
{
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_channel(&n->a, "c");
    *ret_answer = paper_answer(n, nego_offer(&n->a));
    return n;
}

static void an_answer_may_take_a_part_of_the_group(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        char *answer;
        struct nego *n = offered_three(&answer);
        nego_set_remote(&n->a, SOTTO_SDP_ANSWER, sdp_reject(n, answer, i));
        assert_int_equal(nego_count_transceivers(&n->a), i < 2 ? 1 : 2);
        nego_free(n);
    }
}

static void an_answer_with_one_section_needs_no_group(void **state)
{
    (void)state;
    char *answer;
    struct nego *n = offered_three(&answer);
    answer = sdp_reject(n, sdp_reject(n, answer, 1), 2);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, sdp_drop(n, answer, SDP_SESSION, "a=group:BUNDLE"));
    assert_int_equal(nego_count_transceivers(&n->a), 1);
    nego_free(n);
}

static void an_answer_that_rejects_everything_leaves_nothing(void **state)
{
    (void)state;
    char *answer;
    struct nego *n = offered_three(&answer);
    for (int i = 0; i < 3; i++) answer = sdp_reject(n, answer, i);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, sdp_drop(n, answer, SDP_SESSION, "a=group:BUNDLE"));
    assert_int_equal(nego_count_transceivers(&n->a), 0);
    assert_int_equal(nego_signaling(&n->a), SOTTO_SIGNALING_STABLE);
    nego_run(n, SOTTO_SECONDS(1));
    nego_track(&n->a, SOTTO_AUDIO, "again");
    nego_offer(&n->a);
    nego_free(n);
}

/* proves: RTP-12 */
static void an_answer_with_a_section_beside_the_group_is_refused(void **state)
{
    (void)state;
    char *answer;
    struct nego *n = offered_three(&answer);
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER,
                       sdp_set(n, answer, SDP_SESSION, "a=group:BUNDLE", "a=group:BUNDLE 0 1"),
                       SOTTO_E_SDP);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    nego_free(n);
}

static void an_answer_whose_group_has_another_order_is_taken(void **state)
{
    (void)state;
    char *answer;
    struct nego *n = offered_three(&answer);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER,
                    sdp_set(n, answer, SDP_SESSION, "a=group:BUNDLE", "a=group:BUNDLE 2 0 1"));
    nego_free(n);
}

static void an_answer_that_keeps_bundle_only_means_rejected(void **state)
{
    (void)state;
    char *answer;
    struct nego *n = offered_three(&answer);
    answer = sdp_put(n, sdp_reject(n, answer, 1), 1, "a=bundle-only");
    int r = nego_try_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_true(r == 0 || r == SOTTO_E_SDP);
    if (r == 0) assert_int_equal(nego_count_transceivers(&n->a), 1);
    nego_free(n);
}

/* ---- in a call ---- */

static void a_section_added_beside_the_group_is_rejected_and_the_call_goes_on(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_connect(n);
    nego_track(&n->b, SOTTO_AUDIO, "s");
    char *text =
        sdp_set(n, nego_make_offer(&n->b), SDP_SESSION, "a=group:BUNDLE", "a=group:BUNDLE 0");
    if (sdp_has(n, text, 1, "a=bundle-only")) {
        text = sdp_drop(n, text, 1, "a=bundle-only");
        text = sdp_replace(n, text, "m=audio 0 ", "m=audio 9 ");
    }
    sdp_expect(n, nego_answer_to(&n->a, text), "0 application; 1 audio rejected");
    assert_int_equal(nego_count_transceivers(&n->a), 0);
    nego_send(nego_find(&n->a, "c"));
    nego_run(n, SOTTO_SECONDS(1));
    assert_true(nego_is_whole(n, "c"));
    nego_free(n);
}

static void a_group_that_is_gone_leaves_the_section_that_carries_the_transport(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_exchange(&n->a); /* 0 audio; 1 application */
    nego_connect(n);
    nego_set_local(&n->b, SOTTO_SDP_OFFER, nego_make_offer(&n->b));
    char *text = sdp_drop(n, nego_local(&n->b), SDP_SESSION, "a=group:BUNDLE");
    for (int i = 0; i < 2; i++)
        if (sdp_has(n, text, i, "a=bundle-only")) text = sdp_drop(n, text, i, "a=bundle-only");
    int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, text);
    assert_true(r == 0 || r == SOTTO_E_SDP);
    nego_run(n, SOTTO_SECONDS(1));
    assert_int_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, offers, offer);
    NEGO_ROWS(&u, profiles, profile);
    NEGO_TEST(&u, of_two_groups_the_first_is_taken);
    NEGO_TEST(&u, credentials_of_a_bundled_section_do_not_count);
    NEGO_TEST(&u, other_groups_do_not_matter);
    NEGO_ROWS(&u, policies, policy);
    NEGO_TEST(&u, an_answer_may_take_a_part_of_the_group);
    NEGO_TEST(&u, an_answer_with_one_section_needs_no_group);
    NEGO_TEST(&u, an_answer_that_rejects_everything_leaves_nothing);
    NEGO_TEST(&u, an_answer_with_a_section_beside_the_group_is_refused);
    NEGO_TEST(&u, an_answer_whose_group_has_another_order_is_taken);
    NEGO_TEST(&u, an_answer_that_keeps_bundle_only_means_rejected);
    NEGO_TEST(&u, a_section_added_beside_the_group_is_rejected_and_the_call_goes_on);
    NEGO_TEST(&u, a_group_that_is_gone_leaves_the_section_that_carries_the_transport);
    return nego_suite_run(&u, "negotiation: bundle");
}
