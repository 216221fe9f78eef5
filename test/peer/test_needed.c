/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The negotiation-needed flag of W3C WebRTC 1.0 §4.7.3: each step of "check if negotiation is needed" true and false, and when "update"
 * sets, clears and tells it.
 */
#include "bare.h"

/* A peer with one transceiver of audio that is negotiated as the two texts say. */
static struct peer *negotiated(int32_t direction, int32_t type, const char *local,
                               const char *remote, struct transceiver **ret)
{
    struct peer *p = bare_new();
    *ret = bare_add(p, SOTTO_AUDIO, direction);
    bare_associate(*ret, "0", 0);
    bare_describe(&p->current_local, type, &local, 1);
    bare_describe(&p->current_remote, type == SOTTO_SDP_OFFER ? SOTTO_SDP_ANSWER : SOTTO_SDP_OFFER,
                  &remote, 1);
    bare_needed(p);
    p->negotiation_needed = false;
    return p;
}

/* ---- check, steps 1 to 4 ---- */

static void an_empty_connection_needs_nothing(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    assert_false(sotto__needed_check(p));
    bare_free(p);
}

static void step_2_a_wanted_ice_restart_needs_it(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    p->restart_wanted = true;
    assert_true(sotto__needed_check(p));
    p->restart_wanted = false;
    assert_false(sotto__needed_check(p));
    bare_free(p);
}

static void step_4_a_data_channel_needs_a_section_that_was_negotiated(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    p->n_channels = 1;
    assert_true(sotto__needed_check(p));
    p->data_negotiated = true;
    assert_false(sotto__needed_check(p));
    p->data_negotiated = false;
    p->n_closed = 1; /* all that were created are closed again */
    assert_false(sotto__needed_check(p));
    bare_free(p);
}

/* ---- step 5 ---- */

static void step_5_1_a_stopping_one_needs_it_until_it_is_stopped(void **state)
{
    (void)state;
    struct transceiver *t;
    struct peer *p = negotiated(SOTTO_DIR_SENDRECV, SOTTO_SDP_OFFER, "audio sendrecv 0 -",
                                "audio sendrecv 0 -", &t);
    assert_false(sotto__needed_check(p));
    t->stopping = true;
    assert_true(sotto__needed_check(p));
    bare_free(p);
}

static void step_5_2_one_without_a_section_in_the_current_local_description_needs_it(void **state)
{
    (void)state;
    struct transceiver *t;
    struct peer *p = negotiated(SOTTO_DIR_SENDRECV, SOTTO_SDP_OFFER, "audio sendrecv 0 -",
                                "audio sendrecv 0 -", &t);
    assert_false(sotto__needed_check(p));
    struct transceiver *more = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_INACTIVE);
    assert_true(sotto__needed_check(p));
    bare_associate(more, "1", 1); /* with a pending description only: not with the current one */
    assert_true(sotto__needed_check(p));
    static const char *const two[] = {"audio sendrecv 0 -", "video inactive 1 -"};
    bare_describe(&p->current_local, SOTTO_SDP_OFFER, two, 2);
    bare_describe(&p->current_remote, SOTTO_SDP_ANSWER, two, 2);
    assert_false(sotto__needed_check(p));
    bare_free(p);
}

static void step_5_2_a_section_is_found_by_mid_and_by_place_if_it_has_none(void **state)
{
    (void)state;
    static const struct {
        const char *mid;
        int32_t index;
        const char *local;
        bool needed;
    } cases[] = {
        {"0", 0, "audio sendrecv 0 -", false},    {"0", 5, "audio sendrecv 0 -", false}, /* the mid counts */
        {"made", 0, "audio sendrecv - -", false}, /* no mid in the section: the place counts */
        {"made", 1, "audio sendrecv - -", true},  {"made", -1, "audio sendrecv - -", true},
        {"0", 0, "audio sendrecv 1 -", true}, /* recycled for another */
        {"", 0, "audio sendrecv - -", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transceiver *t;
        struct peer *p =
            negotiated(SOTTO_DIR_SENDRECV, SOTTO_SDP_OFFER, cases[i].local, cases[i].local, &t);
        bare_associate(t, cases[i].mid, cases[i].index);
        if (sotto__needed_check(p) != cases[i].needed) fail_msg("case %zu", i);
        bare_free(p);
    }
}

static void step_5_3_1_streams_that_differ_from_the_msid_lines_need_it(void **state)
{
    (void)state;
    static const struct {
        int32_t direction;
        const char *streams[3];
        size_t n;
        const char *local;
        bool needed;
    } cases[] = {
        {SOTTO_DIR_SENDRECV, {0}, 0, "audio sendrecv 0 -", false},
        {SOTTO_DIR_SENDRECV, {0}, 0, "audio sendrecv 0", true}, /* not a single msid line */
        {SOTTO_DIR_SENDRECV, {"a"}, 1, "audio sendrecv 0 a", false},
        {SOTTO_DIR_SENDONLY, {"a"}, 1, "audio sendonly 0 a", false},
        {SOTTO_DIR_SENDRECV, {"a"}, 1, "audio sendrecv 0 b", true},
        {SOTTO_DIR_SENDRECV, {"a"}, 1, "audio sendrecv 0 -", true},
        {SOTTO_DIR_SENDRECV, {0}, 0, "audio sendrecv 0 a", true},
        {SOTTO_DIR_SENDONLY, {"a"}, 1, "audio sendonly 0 a b", true}, /* their number */
        {SOTTO_DIR_SENDRECV, {"a", "b"}, 2, "audio sendrecv 0 a", true},
        {SOTTO_DIR_SENDRECV, {"a", "b"}, 2, "audio sendrecv 0 b a", false}, /* a set */
        {SOTTO_DIR_RECVONLY, {"a"}, 1, "audio recvonly 0", false}, /* it does not send */
        {SOTTO_DIR_INACTIVE, {"a"}, 1, "audio inactive 0 b", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transceiver *t;
        struct peer *p = negotiated(cases[i].direction, SOTTO_SDP_OFFER, cases[i].local,
                                    "audio sendrecv 0 -", &t);
        assert_int_equal(sotto__strings_copy(cases[i].streams, cases[i].n, &t->streams), 0);
        if (sotto__needed_check(p) != cases[i].needed) fail_msg("case %zu: %s", i, cases[i].local);
        bare_free(p);
    }
}

/* Directions of the local section, the remote one as it is written, and the transceiver that need nothing; all others do. */
static void step_5_3_2_after_our_offer_its_or_the_answered_direction_must_be_wanted(void **state)
{
    (void)state;
    for (int32_t ours = SOTTO_DIR_SENDRECV; ours <= SOTTO_DIR_INACTIVE; ours++)
        for (int32_t theirs = SOTTO_DIR_SENDRECV; theirs <= SOTTO_DIR_INACTIVE; theirs++)
            for (int32_t want = SOTTO_DIR_SENDRECV; want <= SOTTO_DIR_INACTIVE; want++) {
                char local[32], remote[32];
                struct transceiver *t;
                snprintf(local, sizeof local, "audio %s 0 -", sotto__direction_name(ours));
                snprintf(remote, sizeof remote, "audio %s 0 -", sotto__direction_name(theirs));
                struct peer *p = negotiated(want, SOTTO_SDP_OFFER, local, remote, &t);
                bool fits = want == ours || want == sotto__direction_reverse(theirs);
                if (sotto__needed_check(p) == fits) fail_msg("%d: %s, %s", want, local, remote);
                bare_free(p);
            }
}

static void step_5_3_3_after_our_answer_it_must_be_what_would_be_answered_now(void **state)
{
    (void)state;
    static const struct {
        int32_t want;
        const char *offered, *answered;
        bool needed;
    } cases[] = {
        {SOTTO_DIR_SENDRECV, "sendrecv", "sendrecv", false},
        {SOTTO_DIR_SENDRECV, "sendonly", "recvonly", false}, /* more is not offered */
        {SOTTO_DIR_RECVONLY, "sendonly", "recvonly", false},
        {SOTTO_DIR_SENDONLY, "sendonly", "recvonly", true},
        {SOTTO_DIR_INACTIVE, "sendonly", "recvonly", true},
        {SOTTO_DIR_SENDRECV, "sendrecv", "recvonly", true}, /* more was offered than answered */
        {SOTTO_DIR_SENDRECV, "recvonly", "sendonly", false},
        {SOTTO_DIR_RECVONLY, "recvonly", "sendonly", true},
        {SOTTO_DIR_RECVONLY, "recvonly", "inactive", false},
        {SOTTO_DIR_SENDRECV, "inactive", "inactive", false},
        {SOTTO_DIR_INACTIVE, "inactive", "inactive", false},
        {SOTTO_DIR_INACTIVE, "sendrecv", "inactive", false},
        {SOTTO_DIR_SENDRECV, "sendrecv", "inactive", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char local[32], remote[32];
        struct transceiver *t;
        snprintf(local, sizeof local, "audio %s 0 -", cases[i].answered);
        snprintf(remote, sizeof remote, "audio %s 0 -", cases[i].offered);
        struct peer *p = negotiated(cases[i].want, SOTTO_SDP_ANSWER, local, remote, &t);
        if (sotto__needed_check(p) != cases[i].needed) fail_msg("case %zu", i);
        bare_free(p);
    }
}

static void a_direction_may_stand_for_the_session_or_be_missing(void **state)
{
    (void)state;
    static const struct {
        const char *session, *media;
        int32_t want;
    } cases[] = {
        {"", "", SOTTO_DIR_SENDRECV},
        {"a=recvonly\r\n", "", SOTTO_DIR_SENDONLY},
        {"a=recvonly\r\n", "a=sendonly\r\n", SOTTO_DIR_RECVONLY},
    };
    for (size_t i = 0; i < 3; i++) {
        char text[512];
        struct transceiver *t;
        struct peer *p = negotiated(cases[i].want, SOTTO_SDP_OFFER, "audio inactive 0 -",
                                    "audio inactive 0 -", &t);
        assert_true(sotto__needed_check(p));
        int n = snprintf(text, sizeof text,
                         "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n%s"
                         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n%s",
                         cases[i].session, cases[i].media);
        sotto__sdp_free(p->current_remote.sdp);
        assert_int_equal(sotto__sdp_parse(text, (size_t)n, &p->current_remote.sdp, NULL), 0);
        if (sotto__needed_check(p)) fail_msg("case %zu", i);
        bare_free(p);
    }
}

static void step_5_4_a_stopped_one_needs_it_until_a_side_has_rejected_its_section(void **state)
{
    (void)state;
    static const struct {
        const char *local, *remote;
        bool needed;
    } cases[] = {
        {"audio sendrecv 0 -", "audio sendrecv 0 -", true},
        {"audio !inactive 0", "audio sendrecv 0 -", false},
        {"audio sendrecv 0 -", "audio !inactive 0", false},
        {"audio !inactive 0", "audio !inactive 0", false},
        {"audio sendrecv 9 -", "audio sendrecv 0 -", false}, /* not associated any more */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transceiver *t;
        struct peer *p =
            negotiated(SOTTO_DIR_SENDRECV, SOTTO_SDP_OFFER, cases[i].local, cases[i].remote, &t);
        sotto__transceiver_stopped(p, t);
        if (sotto__needed_check(p) != cases[i].needed) fail_msg("case %zu", i);
        bare_free(p);
    }
}

static void step_5_4_a_bundle_only_section_is_not_rejected(void **state)
{
    (void)state;
    static const char text[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                               "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
                               "a=bundle-only\r\na=sendrecv\r\n";
    struct transceiver *t;
    struct peer *p = negotiated(SOTTO_DIR_SENDRECV, SOTTO_SDP_OFFER, "audio sendrecv 0 -",
                                "audio sendrecv 0 -", &t);
    sotto__sdp_free(p->current_local.sdp);
    assert_int_equal(sotto__sdp_parse(text, sizeof text - 1, &p->current_local.sdp, NULL), 0);
    sotto__transceiver_stopped(p, t);
    assert_true(sotto__needed_check(p));
    bare_free(p);
}

static void step_5_looks_at_each_transceiver(void **state)
{
    (void)state;
    static const char *const two[] = {"audio sendrecv 0 -", "video sendrecv 1 -"};
    struct peer *p = bare_new();
    struct transceiver *a = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    struct transceiver *b = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    bare_associate(a, "0", 0);
    bare_associate(b, "1", 1);
    bare_describe(&p->current_local, SOTTO_SDP_OFFER, two, 2);
    bare_describe(&p->current_remote, SOTTO_SDP_ANSWER, two, 2);
    assert_false(sotto__needed_check(p));
    b->direction = SOTTO_DIR_INACTIVE;
    assert_true(sotto__needed_check(p));
    bare_free(p);
}

/* ---- update ---- */

static void update_does_nothing_on_a_closed_connection(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    p->restart_wanted = p->closed = true;
    sotto__needed_update(p, NOW);
    assert_false(p->negotiation_needed);
    assert_int_equal(bare_needed(p), 0);
    bare_free(p);
}

static void update_does_nothing_unless_the_state_is_stable(void **state)
{
    (void)state;
    for (int32_t s = SOTTO_SIGNALING_HAVE_LOCAL_OFFER; s <= SOTTO_SIGNALING_CLOSED; s++) {
        struct peer *p = bare_new();
        p->signaling = s;
        p->restart_wanted = true;
        sotto__needed_update(p, NOW);
        assert_false(p->negotiation_needed);
        p->negotiation_needed = true;
        p->restart_wanted = false;
        sotto__needed_update(p, NOW);
        assert_true(p->negotiation_needed); /* looked at again when stable */
        assert_int_equal(bare_needed(p), 0);
        bare_free(p);
    }
}

static void update_takes_an_event_back_that_was_not_taken_in_stable(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    p->restart_wanted = true;
    sotto__needed_update(p, NOW);
    p->signaling = SOTTO_SIGNALING_HAVE_LOCAL_OFFER;
    sotto__needed_update(p, NOW);
    assert_int_equal(bare_needed(p), 0);
    bare_free(p);
}

static void update_clears_the_flag_and_takes_the_event_back(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    p->restart_wanted = true;
    sotto__needed_update(p, NOW);
    assert_true(p->negotiation_needed);
    p->restart_wanted = false;
    sotto__needed_update(p, NOW);
    assert_false(p->negotiation_needed);
    assert_int_equal(bare_needed(p), 0);
    bare_free(p);
}

static void update_tells_once_until_the_flag_was_cleared(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    p->restart_wanted = true;
    for (int i = 0; i < 3; i++) sotto__needed_update(p, NOW);
    assert_int_equal(bare_needed(p), 1);
    sotto__needed_update(p, NOW);
    assert_int_equal(bare_needed(p), 0);
    p->restart_wanted = false;
    sotto__needed_update(p, NOW);
    p->restart_wanted = true;
    sotto__needed_update(p, NOW);
    assert_int_equal(bare_needed(p), 1);
    bare_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_connection_needs_nothing),
        cmocka_unit_test(step_2_a_wanted_ice_restart_needs_it),
        cmocka_unit_test(step_4_a_data_channel_needs_a_section_that_was_negotiated),
        cmocka_unit_test(step_5_1_a_stopping_one_needs_it_until_it_is_stopped),
        cmocka_unit_test(step_5_2_one_without_a_section_in_the_current_local_description_needs_it),
        cmocka_unit_test(step_5_2_a_section_is_found_by_mid_and_by_place_if_it_has_none),
        cmocka_unit_test(step_5_3_1_streams_that_differ_from_the_msid_lines_need_it),
        cmocka_unit_test(step_5_3_2_after_our_offer_its_or_the_answered_direction_must_be_wanted),
        cmocka_unit_test(step_5_3_3_after_our_answer_it_must_be_what_would_be_answered_now),
        cmocka_unit_test(a_direction_may_stand_for_the_session_or_be_missing),
        cmocka_unit_test(step_5_4_a_stopped_one_needs_it_until_a_side_has_rejected_its_section),
        cmocka_unit_test(step_5_4_a_bundle_only_section_is_not_rejected),
        cmocka_unit_test(step_5_looks_at_each_transceiver),
        cmocka_unit_test(update_does_nothing_on_a_closed_connection),
        cmocka_unit_test(update_does_nothing_unless_the_state_is_stable),
        cmocka_unit_test(update_takes_an_event_back_that_was_not_taken_in_stable),
        cmocka_unit_test(update_clears_the_flag_and_takes_the_event_back),
        cmocka_unit_test(update_tells_once_until_the_flag_was_cleared),
    };
    return cmocka_run_group_tests_name("needed", tests, NULL, NULL);
}
