/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Candidates of every kind of section and generation, trickle, servers that fail, and changes of the configuration (RFC 8840;
 * RFC 9429 §4.1.18–4.1.19; W3C addIceCandidate(), setConfiguration()).
 */
#include "nego_ice.h"

#define LINE "candidate:1 1 udp 2122260223 192.0.2.77 5000 typ host"

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

/* proves: H039 */
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

/* proves: H038 */
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

/* proves: H029 */
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

static struct nego *with_servers(int32_t policy)
{
    static const sotto_ice_server servers[] = {
        {.size = sizeof(sotto_ice_server), .url = "stun:192.0.2.200:3478"},
        {.size = sizeof(sotto_ice_server),
         .url = "turn:192.0.2.201:3478",
         .username = "u",
         .credential = "p"}};
    struct nego_opt o = {
        .a = {.ice_servers = servers, .n_ice_servers = 2, .ice_transport_policy = policy}};
    struct nego *n = nego_new(&o);
    nego_channel(&n->a, "c");
    n->a.watch = NEGO_ERRORS;
    nego_forget(&n->a);
    return n;
}

static void servers_that_fail_are_told_once_a_generation_and_harm_nothing(void **state)
{
    (void)state;
    struct nego *n = with_servers(SOTTO_ICE_POLICY_ALL);
    n->a.host->server_code = 701, n->a.host->server_text = "no answer";
    nego_exchange(&n->a);
    nego_connect(n);
    nego_run(n, SOTTO_SECONDS(1));
    nego_expect(&n->a, "error 701 stun:192.0.2.200:3478; error 701 turn:192.0.2.201:3478");
    n->a.host->server_code = 401, n->a.host->server_text = "Unauthorized";
    assert_int_equal(sotto_pc_restart_ice(n->a.pc), 0);
    nego_exchange(&n->a);
    assert_true(nego_until(n, SOTTO_SECONDS(10), is_moved, NULL));
    nego_run(n, SOTTO_SECONDS(1));
    nego_expect(&n->a, "error 401 stun:192.0.2.200:3478; error 401 turn:192.0.2.201:3478");
    goes_on(n);
    nego_free(n);
}

static void a_configuration_reads_back_as_it_was_given(void **state)
{
    (void)state;
    struct nego *n = with_servers(SOTTO_ICE_POLICY_ALL);
    sotto_pc_config *c = NULL;
    assert_int_equal(sotto_pc_get_config(n->a.pc, &c), 0);
    assert_int_equal(c->n_ice_servers, 2);
    assert_string_equal(c->ice_servers[1].url, "turn:192.0.2.201:3478");
    assert_string_equal(c->ice_servers[1].credential, "p");
    assert_int_equal(sotto_pc_set_config(n->a.pc, c), 0);
    nego_exchange(&n->a);
    nego_connect(n);
    char *before = ufrag_of(&n->a);
    assert_int_equal(sotto_pc_set_config(n->a.pc, c), 0); /* the same: no restart */
    assert_string_equal(sdp_value(n, nego_make_offer(&n->a), 0, "a=ice-ufrag:"), before);
    sotto_free(c);
    nego_free(n);
}

static void relay_only_tells_no_address_of_this_host(void **state)
{
    (void)state;
    struct nego *n = with_servers(SOTTO_ICE_POLICY_RELAY);
    nego_offer(&n->a);
    nego_run(n, SOTTO_SECONDS(2));
    assert_int_equal(sdp_count(nego_local(&n->a), "typ host"), 0);
    assert_int_equal(sdp_count(nego_local(&n->a), "192.0.2.1 "), 0);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, candidates, candidate);
    NEGO_TEST(&u, a_candidate_before_any_remote_description_is_refused);
    NEGO_TEST(&u, the_end_of_all_candidates_is_taken);
    NEGO_TEST(&u, candidates_of_the_pending_description_are_taken_before_the_answer);
    NEGO_TEST(&u, candidates_of_the_generation_before_do_no_harm);
    NEGO_TEST(&u, each_generation_has_room_for_64_candidates);
    NEGO_TEST(&u, our_candidates_stand_in_the_tagged_section);
    NEGO_TEST(&u, candidates_of_a_remote_without_trickle_come_in_its_description);
    NEGO_TEST(&u, trickle_is_known_with_the_remote_description);
    NEGO_ROWS(&u, configs, configure);
    NEGO_TEST(&u, ports_of_a_new_configuration_are_used_after_the_restart);
    NEGO_TEST(&u, a_changed_configuration_restarts_once);
    NEGO_TEST(&u, servers_that_fail_are_told_once_a_generation_and_harm_nothing);
    NEGO_TEST(&u, a_configuration_reads_back_as_it_was_given);
    NEGO_TEST(&u, relay_only_tells_no_address_of_this_host);
    return nego_suite_run(&u, "negotiation: candidates");
}
