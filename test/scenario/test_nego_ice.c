/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE in negotiation: credentials, restarts by either side and under traffic, candidates of every kind of section and generation,
 * roles, ice-lite, trickle, changes of the configuration (RFC 8839, 8840, 8445 §9; RFC 9429 §4.1.18–4.1.19, §5.2.2, §5.3.2).
 */
#include "nego.h"
#include "nego_sdp.h"

#define LINE "candidate:1 1 udp 2122260223 192.0.2.77 5000 typ host"

static struct nego *call_with(const struct nego_opt *o)
{
    struct nego *n = nego_new(o);
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_connect(n);
    nego_forget(&n->a), nego_forget(&n->b);
    return n;
}

static struct nego *call(void)
{
    return call_with(NULL);
}

static char *ufrag_of(struct nego_side *s)
{
    return sdp_value(s->n, nego_local(s), 0, "a=ice-ufrag:");
}

static char *pwd_of(struct nego_side *s)
{
    return sdp_value(s->n, nego_local(s), 0, "a=ice-pwd:");
}

/* Both use the credentials of their newest descriptions. */
static bool is_moved(struct nego *n, void *unused)
{
    (void)unused;
    sotto_transport_info a = nego_transport(&n->a), b = nego_transport(&n->b);
    return strcmp(a.local_ufrag, ufrag_of(&n->a)) == 0 &&
           strcmp(b.local_ufrag, ufrag_of(&n->b)) == 0 &&
           strcmp(a.remote_ufrag, b.local_ufrag) == 0 &&
           strcmp(b.remote_ufrag, a.local_ufrag) == 0 && nego_is_connected(n, NULL);
}

static bool is_whole(struct nego *n, void *unused)
{
    (void)unused;
    return nego_is_whole(n, "c");
}

static void goes_on(struct nego *n)
{
    nego_send(nego_find(&n->a, "c"));
    nego_send(nego_find(&n->b, "c"));
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_whole, NULL));
}

/* ---- restarts ---- */

enum by { OFFERER, ANSWERER, OPTION };

static const struct {
    const char *name;
    enum by by;
} restarts[] = {
    {"the_first_offerer_can_restart_ice", OFFERER},
    {"the_first_answerer_can_restart_ice", ANSWERER},
    {"the_option_of_create_offer_restarts_ice", OPTION},
};

static void restart(void **state)
{
    const struct {
        const char *name;
        enum by by;
    } *row = *state;
    struct nego *n = call();
    struct nego_side *s = row->by == ANSWERER ? &n->b : &n->a, *o = nego_other(s);
    char *u = ufrag_of(s), *p = pwd_of(s), *ou = ufrag_of(o), *op = pwd_of(o);
    char *tls = sdp_value(n, nego_local(s), 0, "a=tls-id:");
    if (row->by != OPTION) assert_int_equal(sotto_pc_restart_ice(s->pc), 0);
    char *offer = row->by == OPTION ? nego_make_restart(s) : nego_make_offer(s);
    nego_set_local(s, SOTTO_SDP_OFFER, offer);
    nego_set_remote(s, SOTTO_SDP_ANSWER, nego_answer_to(o, nego_local(s)));
    assert_string_not_equal(ufrag_of(s), u);
    assert_string_not_equal(pwd_of(s), p);
    assert_string_not_equal(ufrag_of(o), ou);
    assert_string_not_equal(pwd_of(o), op);
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_moved, NULL));
    assert_int_equal(nego_transport(s).dtls, SOTTO_DTLS_CONNECTED);
    assert_string_equal(sdp_value(n, nego_local(s), 0, "a=tls-id:"), tls);
    goes_on(n);
    nego_free(n);
}

static void an_offer_without_a_restart_keeps_the_credentials_of_both(void **state)
{
    (void)state;
    struct nego *n = call();
    char *u = ufrag_of(&n->a), *p = pwd_of(&n->a), *ou = ufrag_of(&n->b), *op = pwd_of(&n->b);
    nego_track(&n->b, SOTTO_VIDEO, "v");
    nego_exchange(&n->b);
    assert_string_equal(ufrag_of(&n->a), u);
    assert_string_equal(pwd_of(&n->a), p);
    assert_string_equal(ufrag_of(&n->b), ou);
    assert_string_equal(pwd_of(&n->b), op);
    nego_free(n);
}

struct meter { /* DTLS and SCTP never leave connected; a message each way at each look */
    size_t looks;
};

static bool keep_talking(struct nego *n, void *arg)
{
    struct meter *m = arg;
    assert_int_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED);
    assert_int_equal(nego_transport(&n->b).dtls, SOTTO_DTLS_CONNECTED);
    assert_int_equal(nego_transport(&n->a).sctp, SOTTO_SCTP_CONNECTED);
    if (m->looks++ % 4 == 0) {
        nego_send(nego_find(&n->a, "c"));
        nego_send(nego_find(&n->b, "c"));
    }
    return is_moved(n, NULL);
}

static void restart_often(const struct net_link *link, int times)
{
    struct nego *n = call();
    struct meter m = {0};
    bool client = nego_transport(&n->a).is_dtls_client;
    if (link) net_link_both(n->net, n->a.host, n->b.host, link);
    for (int i = 0; i < times; i++) {
        struct nego_side *s = i % 3 ? &n->a : &n->b;
        char *before = ufrag_of(s);
        assert_int_equal(sotto_pc_restart_ice(s->pc), 0);
        nego_exchange(s);
        assert_string_not_equal(ufrag_of(s), before);
        assert_true(nego_until(n, SOTTO_SECONDS(30), keep_talking, &m));
        for (size_t k = 0; k < n->n_kept; k++) free(n->kept[k]);
        n->n_kept = 0;
        n->a.n_candidates = n->b.n_candidates = 0;
    }
    assert_true(nego_until(n, SOTTO_SECONDS(30), is_whole, NULL));
    assert_true(nego_find(&n->a, "c")->sent > (uint64_t)times);
    assert_int_equal(nego_transport(&n->a).is_dtls_client, client);
    assert_true(n->net->live_ices <= 6); /* old generations go */
    nego_free(n);
}

static void a_hundred_restarts_under_traffic_lose_nothing_and_keep_dtls(void **state)
{
    (void)state;
    restart_often(NULL, 100);
}

static void restarts_over_a_lossy_link_lose_nothing(void **state)
{
    (void)state;
    struct net_link link = {.loss = 0.1, .delay_us = SOTTO_MS(30), .jitter_us = SOTTO_MS(10)};
    restart_often(&link, 20);
}

static void two_restarts_in_a_row_end_on_the_second(void **state)
{
    (void)state;
    struct nego *n = call();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
        nego_exchange(&n->a);
    }
    assert_true(nego_until(n, SOTTO_SECONDS(20), is_moved, NULL));
    goes_on(n);
    nego_free(n);
}

static void data_flows_on_the_old_path_until_the_new_one_works(void **state)
{
    (void)state;
    struct nego *n = call();
    n->a.mute_candidates = n->b.mute_candidates = true; /* the new generation finds no pair */
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    char *offer = sdp_drop_all(n, nego_offer(&n->a), "a=candidate:");
    char *answer = sdp_drop_all(n, nego_answer_to(&n->b, offer), "a=candidate:");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    for (int i = 0; i < 3; i++) {
        nego_run(n, SOTTO_SECONDS(1));
        goes_on(n);
    }
    assert_false(is_moved(n, NULL));
    nego_free(n);
}

static void a_restart_recovers_a_call_whose_path_died(void **state)
{
    (void)state;
    struct nego *n = call();
    net_set_down(n->net, n->a.host, n->b.host, true);
    nego_run(n, SOTTO_SECONDS(15));
    assert_int_not_equal(nego_connection(&n->a), SOTTO_CONNECTION_CONNECTED);
    net_set_down(n->net, n->a.host, n->b.host, false);
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_exchange(&n->a);
    assert_true(nego_until(n, SOTTO_SECONDS(20), is_moved, NULL));
    goes_on(n);
    nego_free(n);
}

static void a_restart_gathers_again_and_tells_its_candidates_and_their_end(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_run(n, SOTTO_SECONDS(1));
    size_t ends = n->a.n_ends, candidates = n->a.n_candidates;
    assert_true(ends == 1 && candidates > 0);
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_exchange(&n->a);
    sotto_pc_state st = {.size = sizeof st};
    assert_int_equal(sotto_pc_get_state(n->a.pc, &st), 0);
    assert_int_equal(st.gathering, SOTTO_GATHERING_GATHERING);
    nego_run(n, SOTTO_SECONDS(1));
    assert_int_equal(sotto_pc_get_state(n->a.pc, &st), 0);
    assert_int_equal(st.gathering, SOTTO_GATHERING_COMPLETE);
    assert_int_equal(n->a.n_ends, ends + 1);
    assert_true(n->a.n_candidates > candidates);
    assert_string_equal(n->a.last_ufrag, ufrag_of(&n->a));
    nego_free(n);
}

static void a_restart_adds_a_section_in_the_same_offer(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_track(&n->a, SOTTO_VIDEO, "v");
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_exchange(&n->a);
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_moved, NULL));
    nego_expect_agreement(n);
    goes_on(n);
    nego_free(n);
}

static void a_provisional_answer_starts_the_new_generation(void **state)
{
    (void)state;
    struct nego *n = call();
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    nego_set_local(&n->b, SOTTO_SDP_PRANSWER, NULL);
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER, nego_local(&n->b));
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_moved, NULL));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    nego_run(n, SOTTO_SECONDS(1));
    assert_true(is_moved(n, NULL));
    goes_on(n);
    nego_free(n);
}

/* ---- candidates ---- */

static const struct {
    const char *name, *line, *mid;
    int32_t mline;
    const char *ufrag;
    int want;
} candidates[] = {
    {"a_candidate_is_taken_by_mid", LINE, "0", -1, NULL, 0},
    {"a_candidate_is_taken_by_index", LINE, NULL, 1, NULL, 0},
    {"the_mid_goes_before_the_index", LINE, "0", 9, NULL, 0},
    {"a_candidate_of_a_bundled_section_is_taken", LINE, "1", -1, NULL, 0},
    {"a_candidate_of_an_unknown_mid_is_refused", LINE, "9", 0, NULL, SOTTO_E_SDP},
    {"a_candidate_of_a_section_that_is_not_there_is_refused", LINE, NULL, 2, NULL, SOTTO_E_SDP},
    {"a_candidate_of_no_section_is_invalid", LINE, NULL, -1, NULL, SOTTO_E_INVAL},
    {"a_candidate_of_an_old_ufrag_is_dropped", LINE, "0", -1, "old1", 0},
    {"a_line_that_is_no_candidate_is_refused", "candidate:1 1 udp", "0", -1, NULL, SOTTO_E_SYNTAX},
    {"the_end_of_a_section_is_taken", "", "0", -1, NULL, 0},
    {"the_end_of_an_unknown_section_is_refused", "", "9", -1, NULL, SOTTO_E_SDP},
    {"the_end_of_an_old_generation_is_dropped", "", "0", -1, "old1", 0},
};

static void candidate(void **state)
{
    const struct {
        const char *name, *line, *mid;
        int32_t mline;
        const char *ufrag;
        int want;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"data"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    char *before = nego_snapshot(&n->a);
    int r = nego_add_candidate(&n->a, row->line, row->mid, row->mline, row->ufrag);
    if (r != row->want) print_error("%d: %s\n", r, n->a.err.reason);
    assert_int_equal(r, row->want);
    bool kept = r == 0 && !row->ufrag;
    if (!kept) assert_string_equal(nego_snapshot(&n->a), before);
    char *remote = nego_remote(&n->a);
    assert_int_equal(sdp_count(remote, "a=" LINE), kept && row->line[0]);
    assert_int_equal(strstr(remote, "a=end-of-candidates") != NULL, kept && !row->line[0]);
    nego_free(n);
}

static void a_candidate_before_any_remote_description_is_refused(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    assert_int_equal(nego_add_candidate(&n->a, LINE, "0", 0, NULL), SOTTO_E_STATE);
    nego_offer(&n->a);
    assert_int_equal(nego_add_candidate(&n->a, LINE, "0", 0, NULL), SOTTO_E_STATE);
    nego_free(n);
}

static void the_end_of_all_candidates_is_taken(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}, {"data"}}};
    assert_int_equal(sotto_pc_add_ice_candidate(n->a.pc, NULL, NULL), SOTTO_E_STATE);
    nego_answer_to(&n->a, paper_write(n, &p));
    assert_int_equal(sotto_pc_add_ice_candidate(n->a.pc, NULL, NULL), 0);
    assert_non_null(strstr(nego_remote(&n->a), "a=end-of-candidates"));
    nego_free(n);
}

static void candidates_of_the_pending_description_are_taken_before_the_answer(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_track(&n->b, SOTTO_VIDEO, "v");
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, nego_make_restart(&n->b));
    char *ufrag = sdp_value(n, nego_remote(&n->a), 0, "a=ice-ufrag:");
    assert_int_equal(nego_add_candidate(&n->a, LINE, "2", -1, ufrag), 0); /* the new section */
    assert_int_equal(sdp_count(nego_remote(&n->a), "a=" LINE), 1);
    nego_rollback(&n->a);
    assert_int_equal(sdp_count(nego_remote(&n->a), "a=" LINE), 0);
    assert_int_equal(nego_add_candidate(&n->a, LINE, "2", -1, ufrag), SOTTO_E_SDP);
    nego_free(n);
}

static void candidates_of_the_generation_before_do_no_harm(void **state)
{
    (void)state;
    struct nego *n = call();
    char *old = ufrag_of(&n->b);
    assert_int_equal(sotto_pc_restart_ice(n->b.pc), 0);
    nego_exchange(&n->b);
    for (int i = 0; i < 200; i++) assert_int_equal(nego_add_candidate(&n->a, LINE, "0", 0, old), 0);
    assert_int_equal(sdp_count(nego_remote(&n->a), "a=" LINE), 0);
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_moved, NULL));
    goes_on(n);
    nego_free(n);
}

static void each_generation_has_room_for_64_candidates(void **state)
{
    (void)state;
    struct nego *n = call();
    n->a.mute_candidates = n->b.mute_candidates = true;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(sotto_pc_restart_ice(n->b.pc), 0);
        char *offer = sdp_drop_all(n, nego_offer(&n->b), "a=candidate:");
        nego_set_remote(&n->b, SOTTO_SDP_ANSWER, nego_answer_to(&n->a, offer));
        int taken = 0;
        for (int i = 0; i < 100; i++) {
            char *line = nego_text(n, "candidate:1 1 udp 1 198.51.100.%d 9 typ host", i);
            int r = nego_add_candidate(&n->a, line, "0", 0, NULL);
            assert_true(r == 0 || r == SOTTO_E_LIMIT);
            taken += r == 0;
        }
        assert_int_equal(taken, SOTTO_MAX_REMOTE_CANDIDATES);
        nego_run(n, SOTTO_SECONDS(1));
    }
    nego_free(n);
}

static void our_candidates_stand_in_the_tagged_section(void **state)
{
    (void)state;
    struct nego *n = call();
    nego_run(n, SOTTO_SECONDS(1));
    char *local = nego_local(&n->a);
    assert_true(sdp_has(n, local, 0, "a=candidate:"));
    assert_true(sdp_has(n, local, 0, "a=end-of-candidates"));
    assert_false(sdp_has(n, local, 1, "a=candidate:"));
    nego_free(n);
}

static void candidates_of_a_remote_without_trickle_come_in_its_description(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    n->a.mute_candidates = n->b.mute_candidates = true;
    nego_offer(&n->a);
    nego_run(n, SOTTO_SECONDS(1));
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, sdp_drop_all(n, nego_local(&n->a), "a=ice-options"));
    assert_int_equal(sotto_pc_can_trickle(n->b.pc), 0);
    nego_answer(&n->b);
    nego_run(n, SOTTO_SECONDS(1));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, sdp_drop_all(n, nego_local(&n->b), "a=ice-options"));
    assert_int_equal(sotto_pc_can_trickle(n->a.pc), 0);
    nego_connect(n);
    nego_free(n);
}

static void trickle_is_known_with_the_remote_description(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}}}, f = {.firefox = true, .s = {{"audio"}}};
    assert_int_equal(sotto_pc_can_trickle(n->a.pc), SOTTO_E_STATE);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    assert_int_equal(sotto_pc_can_trickle(n->a.pc), 1);
    nego_rollback(&n->a);
    assert_int_equal(sotto_pc_can_trickle(n->a.pc), SOTTO_E_STATE);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &f)); /* at session level */
    assert_int_equal(sotto_pc_can_trickle(n->a.pc), 1);
    p.no_trickle = true, p.version++;
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    assert_int_equal(sotto_pc_can_trickle(n->a.pc), 0);
    nego_free(n);
}

/* ---- roles ---- */

static void the_offerer_controls_and_stays_so(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c");
    assert_int_equal(nego_transport(&n->a).ice_role, SOTTO_ICE_ROLE_UNKNOWN);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    assert_int_equal(nego_transport(&n->a).ice_role, SOTTO_ICE_ROLE_CONTROLLING);
    assert_int_equal(nego_transport(&n->b).ice_role, SOTTO_ICE_ROLE_CONTROLLED);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    nego_connect(n);
    nego_exchange(&n->b); /* another offerer changes nothing */
    assert_int_equal(nego_transport(&n->a).ice_role, SOTTO_ICE_ROLE_CONTROLLING);
    assert_int_equal(nego_transport(&n->b).ice_role, SOTTO_ICE_ROLE_CONTROLLED);
    nego_free(n);
}

static void who_answers_an_ice_lite_remote_controls(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.lite = true, .s = {{"audio"}, {"data"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_int_equal(nego_transport(&n->a).ice_role, SOTTO_ICE_ROLE_CONTROLLING);
    assert_int_equal(sdp_count(answer, "a=ice-lite"), 0);
    nego_free(n);
}

static const struct {
    const char *name, *setup, *want;
} setups[] = {
    {"an_actpass_offer_is_answered_active", "actpass", "active"},
    {"an_active_offer_is_answered_passive", "active", "passive"},
    {"a_passive_offer_is_answered_active", "passive", "active"},
};

static void setup(void **state)
{
    const struct {
        const char *name, *setup, *want;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.setup = row->setup, .s = {{"audio"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(sdp_value(n, answer, 0, "a=setup:"), row->want);
    nego_free(n);
}

static void an_offer_without_setup_is_taken_as_actpass(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}}};
    char *answer = nego_answer_to(&n->a, sdp_drop(n, paper_write(n, &p), 0, "a=setup:"));
    char *role = sdp_value(n, answer, 0, "a=setup:");
    assert_true(strcmp(role, "active") == 0 || strcmp(role, "passive") == 0);
    nego_free(n);
}

static void roles_of_dtls_stay_over_offers_of_either_side(void **state)
{
    (void)state;
    struct nego *n = call();
    bool client = nego_transport(&n->b).is_dtls_client;
    for (int i = 0; i < 4; i++) {
        struct nego_side *s = i % 2 ? &n->a : &n->b, *o = nego_other(s);
        char *offer = nego_offer(s);
        assert_string_equal(sdp_value(n, offer, 0, "a=setup:"), "actpass");
        char *answer = nego_answer_to(o, offer);
        bool active = strcmp(sdp_value(n, answer, 0, "a=setup:"), "active") == 0;
        assert_int_equal(active, o == &n->b ? client : !client);
        nego_set_remote(s, SOTTO_SDP_ANSWER, answer);
        goes_on(n);
    }
    assert_int_equal(nego_transport(&n->b).is_dtls_client, client);
    nego_free(n);
}

/* Firefox says active after each ICE restart, whatever it is: the association that goes on knows its roles. */
static void an_answer_with_the_other_role_changes_no_roles_in_a_call(void **state)
{
    (void)state;
    struct nego *n = call();
    bool client = nego_transport(&n->a).is_dtls_client;
    char *answer = nego_answer_to(&n->b, nego_offer(&n->a));
    bool active = strcmp(sdp_value(n, answer, 0, "a=setup:"), "active") == 0;
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER,
                    sdp_replace(n, answer, active ? "a=setup:active" : "a=setup:passive",
                                active ? "a=setup:passive" : "a=setup:active"));
    assert_int_equal(nego_transport(&n->a).is_dtls_client, client);
    goes_on(n);
    assert_int_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED);
    nego_free(n);
}

static void an_offer_with_the_other_role_is_refused_in_a_call(void **state)
{
    (void)state;
    struct nego *n = call();
    bool client = nego_transport(&n->a).is_dtls_client;
    char *offer = nego_make_offer(&n->b);
    const char *theirs = client ? "a=setup:passive" : "a=setup:active";
    const char *ours = client ? "a=setup:active" : "a=setup:passive";
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, sdp_replace(n, offer, "a=setup:actpass", ours),
                       SOTTO_E_SDP);
    nego_answer_to(&n->a, sdp_replace(n, offer, "a=setup:actpass", theirs));
    assert_int_equal(nego_transport(&n->a).is_dtls_client, client);
    nego_free(n);
}

/* ---- fingerprints and tls-id ---- */

static void tls_ids_stay_while_the_association_lives(void **state)
{
    (void)state;
    struct nego *n = call();
    char *a = sdp_value(n, nego_local(&n->a), 0, "a=tls-id:");
    char *b = sdp_value(n, nego_local(&n->b), 0, "a=tls-id:");
    assert_true(a && b && strcmp(a, b) != 0 && strlen(a) >= 20);
    for (int i = 0; i < 3; i++) {
        nego_exchange(i % 2 ? &n->a : &n->b);
        assert_string_equal(sdp_value(n, nego_local(&n->a), 0, "a=tls-id:"), a);
        assert_string_equal(sdp_value(n, nego_local(&n->b), 0, "a=tls-id:"), b);
    }
    nego_free(n);
}

static void another_fingerprint_with_an_ice_restart_begins_a_new_association(void **state)
{
    (void)state;
    struct nego *n = call();
    char *ours = sdp_value(n, nego_local(&n->a), 0, "a=tls-id:");
    struct paper p = {.s = {{"audio"}, {"data"}}, .tls_id = "00112233445566778899aabb"};
    char *offer = paper_write(n, &p);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, offer);
    assert_int_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED); /* until the answer */
    char *answer = nego_answer(&n->a);
    assert_string_not_equal(sdp_value(n, answer, 0, "a=tls-id:"), ours);
    nego_run(n, SOTTO_MS(100));
    assert_int_not_equal(nego_transport(&n->a).dtls, SOTTO_DTLS_CONNECTED);
    nego_free(n);
}

static void a_rolled_back_new_association_leaves_the_old_one(void **state)
{
    (void)state;
    struct nego *n = call();
    char *before = nego_snapshot(&n->a);
    struct paper p = {.s = {{"audio"}, {"data"}}, .tls_id = "00112233445566778899aabb"};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_rollback(&n->a);
    assert_string_equal(nego_snapshot(&n->a), before);
    goes_on(n);
    nego_free(n);
}

/* The remote application starts anew and takes the call over: another certificate, the same sections. */
static void a_remote_that_begins_anew_is_followed(void **state)
{
    (void)state;
    struct nego *n = call();
    struct nego_side *b = &n->b;
    nego_forget(b);
    sotto_dc_free(b->chans[0].dc);
    b->n_chans = 0;
    sotto_pc_free(b->pc);
    sotto_pc_config c = {.size = sizeof c};
    assert_int_equal(sotto_pc_new(b->ctx, &c, &b->pc), 0);
    nego_track(b, SOTTO_AUDIO, "r");
    nego_channel(b, "again");
    nego_exchange(b);
    assert_true(nego_until(n, SOTTO_SECONDS(30), nego_is_connected, NULL));
    nego_run(n, SOTTO_SECONDS(2));
    assert_true(nego_find(b, "again")->open);
    assert_non_null(nego_find(&n->a, "again"));
    assert_true(nego_find(&n->a, "c")->closed);
    nego_free(n);
}

/* ---- the configuration ---- */

static const struct {
    const char *name;
    int field;
    int want;
    bool restarts;
} configs[] = {
    {"the_same_configuration_is_taken_and_restarts_nothing", 0, 0, false},
    {"other_servers_restart_ice_in_the_next_offer", 1, 0, true},
    {"another_transport_policy_restarts_ice_in_the_next_offer", 2, 0, true},
    {"other_ports_restart_ice_in_the_next_offer", 3, 0, true},
    {"another_bundle_policy_is_refused", 4, SOTTO_E_MODIFICATION, false},
    {"another_message_size_is_refused", 5, SOTTO_E_MODIFICATION, false},
    {"other_channels_are_refused", 6, SOTTO_E_MODIFICATION, false},
    {"another_loopback_rule_is_refused", 7, SOTTO_E_MODIFICATION, false},
};

static void configure(void **state)
{
    const struct {
        const char *name;
        int field;
        int want;
        bool restarts;
    } *row = *state;
    struct nego *n = call();
    sotto_ice_server server = {
        .size = sizeof server, .url = "turn:192.0.2.200:3478", .username = "u", .credential = "p"};
    sotto_pc_config c = {.size = sizeof c, .user = &n->a};
    if (row->field == 1 || row->field == 2) c.ice_servers = &server, c.n_ice_servers = 1;
    if (row->field == 2) c.ice_transport_policy = SOTTO_ICE_POLICY_RELAY;
    if (row->field == 3) c.port_min = 40000, c.port_max = 41000;
    if (row->field == 4) c.bundle_policy = SOTTO_BUNDLE_MAX_BUNDLE;
    if (row->field == 5) c.max_message_size = 4096;
    if (row->field == 6) c.max_channels = 4096;
    if (row->field == 7) c.allow_loopback = true;
    char *before = ufrag_of(&n->a), *snapshot = nego_snapshot(&n->a);
    assert_int_equal(sotto_pc_set_config(n->a.pc, &c), row->want);
    assert_string_equal(nego_snapshot(&n->a), snapshot); /* nothing happens at once */
    char *after = sdp_value(n, nego_make_offer(&n->a), 0, "a=ice-ufrag:");
    assert_int_equal(strcmp(before, after) != 0, row->restarts);
    goes_on(n);
    nego_free(n);
}

static void ports_of_a_new_configuration_are_used_after_the_restart(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_pc_config c = {.size = sizeof c, .user = &n->a, .port_min = 40000, .port_max = 40010};
    assert_int_equal(sotto_pc_set_config(n->a.pc, &c), 0);
    nego_exchange(&n->a);
    assert_true(nego_until(n, SOTTO_SECONDS(20), is_moved, NULL));
    nego_run(n, SOTTO_SECONDS(1));
    char *line = sdp_value(n, nego_local(&n->a), 0, "a=candidate:");
    int port = 0;
    assert_int_equal(sscanf(line, "%*s %*s %*s %*s %*s %d", &port), 1);
    assert_true(port >= 40000 && port <= 40010);
    goes_on(n);
    nego_free(n);
}

static void a_changed_configuration_restarts_once(void **state)
{
    (void)state;
    struct nego *n = call();
    sotto_pc_config c = {.size = sizeof c, .user = &n->a, .port_min = 40000, .port_max = 41000};
    assert_int_equal(sotto_pc_set_config(n->a.pc, &c), 0);
    nego_exchange(&n->a);
    assert_true(nego_until(n, SOTTO_SECONDS(20), is_moved, NULL));
    char *after = ufrag_of(&n->a);
    assert_string_equal(sdp_value(n, nego_make_offer(&n->a), 0, "a=ice-ufrag:"), after);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, restarts, restart);
    NEGO_TEST(&u, an_offer_without_a_restart_keeps_the_credentials_of_both);
    NEGO_TEST(&u, a_hundred_restarts_under_traffic_lose_nothing_and_keep_dtls);
    NEGO_TEST(&u, restarts_over_a_lossy_link_lose_nothing);
    NEGO_TEST(&u, two_restarts_in_a_row_end_on_the_second);
    NEGO_TEST(&u, data_flows_on_the_old_path_until_the_new_one_works);
    NEGO_TEST(&u, a_restart_recovers_a_call_whose_path_died);
    NEGO_TEST(&u, a_restart_gathers_again_and_tells_its_candidates_and_their_end);
    NEGO_TEST(&u, a_restart_adds_a_section_in_the_same_offer);
    NEGO_TEST(&u, a_provisional_answer_starts_the_new_generation);
    NEGO_ROWS(&u, candidates, candidate);
    NEGO_TEST(&u, a_candidate_before_any_remote_description_is_refused);
    NEGO_TEST(&u, the_end_of_all_candidates_is_taken);
    NEGO_TEST(&u, candidates_of_the_pending_description_are_taken_before_the_answer);
    NEGO_TEST(&u, candidates_of_the_generation_before_do_no_harm);
    NEGO_TEST(&u, each_generation_has_room_for_64_candidates);
    NEGO_TEST(&u, our_candidates_stand_in_the_tagged_section);
    NEGO_TEST(&u, candidates_of_a_remote_without_trickle_come_in_its_description);
    NEGO_TEST(&u, trickle_is_known_with_the_remote_description);
    NEGO_TEST(&u, the_offerer_controls_and_stays_so);
    NEGO_TEST(&u, who_answers_an_ice_lite_remote_controls);
    NEGO_ROWS(&u, setups, setup);
    NEGO_TEST(&u, an_offer_without_setup_is_taken_as_actpass);
    NEGO_TEST(&u, roles_of_dtls_stay_over_offers_of_either_side);
    NEGO_TEST(&u, an_answer_with_the_other_role_changes_no_roles_in_a_call);
    NEGO_TEST(&u, an_offer_with_the_other_role_is_refused_in_a_call);
    NEGO_TEST(&u, tls_ids_stay_while_the_association_lives);
    NEGO_TEST(&u, another_fingerprint_with_an_ice_restart_begins_a_new_association);
    NEGO_TEST(&u, a_rolled_back_new_association_leaves_the_old_one);
    NEGO_TEST(&u, a_remote_that_begins_anew_is_followed);
    NEGO_ROWS(&u, configs, configure);
    NEGO_TEST(&u, ports_of_a_new_configuration_are_used_after_the_restart);
    NEGO_TEST(&u, a_changed_configuration_restarts_once);
    return nego_suite_run(&u, "negotiation: ice");
}
