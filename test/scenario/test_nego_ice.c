/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE and DTLS in negotiation: credentials, restarts by either side and under traffic, roles, ice-lite, fingerprints and tls-id
 * (RFC 8839, 8842, 8445 §9; RFC 9429 §5.2.2, §5.3.2).
 */
#include "nego_ice.h"

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

/* proves: ICE-13 */
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

/* proves: ICE-01 */
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

/* proves: H010 */
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

/* proves: SDP-04 */
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

/* proves: SDP-04 */
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
    return nego_suite_run(&u, "negotiation: ice");
}
