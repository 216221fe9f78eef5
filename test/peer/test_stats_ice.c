/* SPDX-License-Identifier: BSD-2-Clause */
/* The ICE part of statistics over the virtual network: pairs and candidates, over an ICE restart, and what is kept back. */
#include "report.h"

static void check_candidate(const sotto_stat *c, const char *address, const char *ufrag,
                            uint16_t port)
{
    assert_string_equal(report_text(c, "address"), address);
    assert_int_equal(report_int(c, "port"), port);
    assert_string_equal(report_text(c, "protocol"), "udp");
    assert_string_equal(report_text(c, "candidateType"), "host");
    assert_true(report_int(c, "priority") > 0);
    assert_string_equal(report_text(c, "usernameFragment"), ufrag);
    assert_string_not_equal(report_text(c, "foundation"), "");
    assert_false(report_has(c, "relatedAddress") || report_has(c, "relatedPort") ||
                 report_has(c, "tcpType") || report_has(c, "url"));
}

static void the_selected_pair_names_its_two_candidates(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_connect(d);
    const struct transport *a = &d->a.peer->transport, *b = &d->b.peer->transport;
    sotto_stats *s = report(&d->a);
    const sotto_stat *pair = report_one(s, "candidate-pair");
    assert_string_equal(report_text(pair, "state"), "succeeded");
    assert_int_equal(sotto_stat_member_of(pair, "nominated")->v.i, 1);
    const sotto_stat_member *rtt = sotto_stat_member_of(pair, "currentRoundTripTime");
    assert_non_null(rtt);
    assert_true(rtt->v.d >= 0.010 && rtt->v.d < 0.1); /* 5 ms each way */
    check_candidate(report_refer(s, pair, "localCandidateId"), "192.0.2.1", a->live.ufrag,
                    d->a.peer->candidates[0].addr.port);
    check_candidate(report_refer(s, pair, "remoteCandidateId"), "192.0.2.2", b->live.ufrag,
                    d->b.peer->candidates[0].addr.port);
    assert_int_equal(report_count(s, "local-candidate"), 1);
    assert_int_equal(report_count(s, "remote-candidate"), 1);
    sotto__free(s);
    duo_free(d);
}

static void an_ice_restart_brings_new_candidates_and_another_pair(void **state)
{
    (void)state;
    struct duo *d = duo_new(13);
    duo_connect(d);
    struct channel *x = sotto__peer_next_channel(d->a.peer, NULL);
    report_send(d, &d->a, x, 5000, 10);
    sotto_stats *before = report(&d->a);
    assert_int_equal(sotto__peer_restart_ice(d->a.peer, duo_now(d)), 0);
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(3));
    report_send(d, &d->a, x, 100, 1);
    sotto_stats *s = report(&d->a);
    const sotto_stat *old = report_one(before, "candidate-pair"),
                     *pair = report_one(s, "candidate-pair");
    const sotto_stat *told = report_one(before, "transport"), *t = report_one(s, "transport");
    assert_string_not_equal(pair->id, old->id);
    assert_null(sotto_stats_by_id(s, report_text(old, "localCandidateId")));
    assert_null(sotto_stats_by_id(s, report_text(old, "remoteCandidateId")));
    assert_int_equal(report_count(s, "local-candidate") + report_count(s, "remote-candidate"), 2);
    assert_string_equal(t->id, told->id);
    assert_string_not_equal(report_text(t, "iceLocalUsernameFragment"),
                            report_text(told, "iceLocalUsernameFragment"));
    assert_true(report_int(t, "selectedCandidatePairChanges") >
                report_int(told, "selectedCandidatePairChanges"));
    assert_true(report_int(t, "bytesSent") > report_int(told, "bytesSent")); /* goes on */
    assert_true(report_int(pair, "bytesSent") > 0 && report_int(pair, "bytesSent") < 10000);
    sotto__free(s);
    sotto__free(before);
    duo_free(d);
}

/* ---- candidates ---- */

static void a_remote_that_was_never_signalled_has_no_address(void **state)
{
    (void)state;
    struct duo *d = duo_new(14);
    d->a.mute = true;
    duo_connect(d);
    sotto_stats *s = report(&d->b);
    const sotto_stat *remote =
        report_refer(s, report_one(s, "candidate-pair"), "remoteCandidateId");
    assert_string_equal(report_text(remote, "candidateType"), "prflx");
    assert_false(report_has(remote, "address"));
    assert_null(strstr(remote->id, "192.0.2.1"));
    assert_int_equal(report_int(remote, "port"), d->a.peer->candidates[0].addr.port);
    assert_string_equal(report_text(remote, "usernameFragment"), d->a.peer->transport.live.ufrag);
    sotto__free(s);
    /* once the application gives it, it is shown */
    char line[128];
    snprintf(line, sizeof line, "candidate:1 1 udp 2130706431 192.0.2.1 %u typ host",
             d->a.peer->candidates[0].addr.port);
    sotto_candidate c = {.size = sizeof c, .line = line, .mid = d->b.peer->data_mid};
    assert_int_equal(sotto__peer_add_candidate(d->b.peer, duo_now(d), &c, NULL), 0);
    s = report(&d->b);
    remote = report_refer(s, report_one(s, "candidate-pair"), "remoteCandidateId");
    assert_string_equal(report_text(remote, "address"), "192.0.2.1");
    assert_string_equal(report_text(remote, "foundation"), "1");
    assert_int_equal(report_count(s, "remote-candidate"), 1);
    sotto__free(s);
    duo_free(d);
}

static void reflexive_and_relayed_candidates_tell_what_they_are_related_to(void **state)
{
    (void)state;
    struct duo *d = duo_new(15);
    duo_connect(d);
    report_local_candidate(d, CANDIDATE_SRFLX);
    report_candidate(
        d, "candidate:2 1 udp 99 2001:db8::7 6000 typ relay raddr 203.0.113.9 rport 7000");
    report_candidate(
        d, "candidate:2 1 udp 99 2001:db8::7 6000 typ relay raddr 203.0.113.9 rport 7000");
    report_candidate(d, "candidate:3 1 tcp 99 192.0.2.7 9 typ host tcptype active");
    report_candidate(d, "candidate:4 1 udp 99 deadbeef.local 6000 typ host");
    sotto_stats *s = report(&d->a);
    const sotto_stat *local = NULL, *remote = NULL;
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->items[i].type, "local-candidate") == 0) local = &s->items[i];
        if (strcmp(s->items[i].type, "remote-candidate") == 0) remote = &s->items[i];
    }
    assert_int_equal(report_count(s, "local-candidate"), 2);
    assert_string_equal(report_text(local, "candidateType"), "srflx");
    assert_string_equal(report_text(local, "address"), "198.51.100.7");
    assert_string_equal(report_text(local, "relatedAddress"), "192.0.2.1");
    assert_int_equal(report_int(local, "relatedPort"), 5000);
    assert_int_equal(report_int(local, "priority"), 77);
    assert_int_equal(report_count(s, "remote-candidate"), 2); /* once; TCP and names are never used */
    assert_string_equal(report_text(remote, "candidateType"), "relay");
    assert_string_equal(report_text(remote, "address"), "2001:db8::7");
    assert_string_equal(report_text(remote, "relatedAddress"), "203.0.113.9");
    assert_int_equal(report_int(remote, "relatedPort"), 7000);
    assert_int_equal(report_int(remote, "port"), 6000);
    sotto__free(s);
    duo_free(d);
}

/* As a description may hold it. */
static void add_line(struct duo *d, const char *line)
{
    struct sdp *sdp = d->a.peer->current_remote.sdp;
    assert_int_equal(sotto__sdp_add(sdp, &sdp->media[0].s, 'a', "%s", line), 0);
}

/* With these servers, by kind: what a local candidate of a type tells of the one it comes from; NULL: nothing. */
static void check_server(const char *kinds, enum candidate_type type, const char *url,
                         const char *protocol)
{
    struct duo *d = duo_new(18);
    struct peer_cfg cfg;
    struct ice_server servers[4] = {0};
    char urls[4][8];
    for (size_t i = 0; kinds[i]; i++) {
        snprintf(urls[i], sizeof urls[i], "%zu", i);
        servers[i].kind = (enum ice_server_kind)(kinds[i] - '0');
        servers[i].url = urls[i];
    }
    sotto__peer_get_config(d->a.peer, &cfg);
    cfg.transport.servers = servers;
    cfg.transport.n_servers = strlen(kinds);
    assert_int_equal(sotto__peer_configure(d->a.peer, &cfg.transport, true), 0);
    duo_connect(d);
    report_local_candidate(d, type);
    sotto_stats *s = report(&d->a);
    for (size_t i = 0; i < s->n; i++) {
        const sotto_stat *o = &s->items[i];
        bool ours = strcmp(o->type, "local-candidate") == 0 && report_int(o, "port") == 4000;
        assert_int_equal(report_has(o, "url"), ours && url);
        assert_int_equal(report_has(o, "relayProtocol"), ours && protocol);
        if (ours && url) assert_string_equal(report_text(o, "url"), url);
        if (ours && protocol) assert_string_equal(report_text(o, "relayProtocol"), protocol);
    }
    sotto__free(s);
    duo_free(d);
}

static void the_server_of_a_candidate_is_named_if_it_can_be_one_only(void **state)
{
    (void)state; /* 0 STUN, 1 STUN over TLS, 2 TURN over UDP, 3 TURN over TCP, 4 TURN over TLS */
    check_server("", CANDIDATE_SRFLX, NULL, NULL);
    check_server("0", CANDIDATE_SRFLX, "0", NULL);
    check_server("01", CANDIDATE_SRFLX, "0", NULL); /* which gives none */
    check_server("0", CANDIDATE_PRFLX, NULL, NULL);
    check_server("00", CANDIDATE_SRFLX, NULL, NULL);
    check_server("02", CANDIDATE_SRFLX, NULL, NULL); /* a TURN server gives them, too */
    check_server("02", CANDIDATE_RELAY, "1", "udp");
    check_server("30", CANDIDATE_RELAY, "0", "tcp");
    check_server("14", CANDIDATE_RELAY, "1", "tls");
    check_server("033", CANDIDATE_RELAY, NULL, "tcp");
    check_server("23", CANDIDATE_RELAY, NULL, NULL);
}

static void candidates_of_a_description_that_ice_does_not_use_are_not_listed(void **state)
{
    (void)state;
    struct duo *d = duo_new(17);
    duo_connect(d);
    add_line(d, "candidate:5 1 tcp 99 192.0.2.7 9000 typ host tcptype passive");
    add_line(d, "candidate:5 2 udp 99 192.0.2.7 9001 typ host");
    add_line(d, "candidate:5 1 udp 99 a.local 9002 typ host");
    add_line(d, "candidate:5 1 udp 99 127.0.0.1 9003 typ host");
    add_line(d, "candidate:5 1 udp 99 192.0.2.7 9004 typ host ufrag other");
    add_line(d, "candidate:junk");
    add_line(d, "candidate");
    sotto_stats *s = report(&d->a);
    assert_int_equal(report_count(s, "remote-candidate"), 1);
    sotto__free(s);
    add_line(d, "candidate:5 1 udp 99 192.0.2.7 9005 typ host");
    s = report(&d->a);
    assert_int_equal(report_count(s, "remote-candidate"), 2);
    sotto__free(s);
    duo_free(d);
}

static void no_more_remote_candidates_are_listed_than_are_taken(void **state)
{
    (void)state;
    struct duo *d = duo_new(16);
    char line[128];
    duo_connect(d);
    for (int i = 0; i < SOTTO_MAX_REMOTE_CANDIDATES + 1; i++) {
        snprintf(line, sizeof line, "candidate:%d 1 udp 99 192.0.2.2 %d typ host", i, 20000 + i);
        sotto_candidate c = {.size = sizeof c, .line = line, .mid = d->a.peer->data_mid};
        sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL);
    }
    sotto_stats *s = report(&d->a);
    assert_int_equal(report_count(s, "remote-candidate"), SOTTO_MAX_REMOTE_CANDIDATES);
    sotto__free(s);
    duo_free(d);
}

static void every_row_of_the_page_was_seen(void **state)
{
    static const char *const types[] = {"candidate-pair", "local-candidate", "remote-candidate"};
    (void)state; /* the last test: the others have reported everything there is */
    report_must_have_shown(types, sizeof types / sizeof *types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_selected_pair_names_its_two_candidates),
        cmocka_unit_test(an_ice_restart_brings_new_candidates_and_another_pair),
        cmocka_unit_test(a_remote_that_was_never_signalled_has_no_address),
        cmocka_unit_test(reflexive_and_relayed_candidates_tell_what_they_are_related_to),
        cmocka_unit_test(the_server_of_a_candidate_is_named_if_it_can_be_one_only),
        cmocka_unit_test(candidates_of_a_description_that_ice_does_not_use_are_not_listed),
        cmocka_unit_test(no_more_remote_candidates_are_listed_than_are_taken),
        cmocka_unit_test(every_row_of_the_page_was_seen),
    };
    return cmocka_run_group_tests(tests, report_read_page, NULL);
}
