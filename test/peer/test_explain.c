/* SPDX-License-Identifier: BSD-2-Clause */
/* What sotto_pc_explain() says at each place where a connection can stand, over the virtual network. */
#include "duo.h"
#include "peer/explain.h"

static const char *member(const sotto_stat *o, const char *name)
{
    for (size_t i = 0; i < o->n_members; i++)
        if (strcmp(o->members[i].name, name) == 0) return o->members[i].v.s;
    return "";
}

static double time_of(const sotto_stat *o, const char *name) /* -1: it is not there */
{
    for (size_t i = 0; i < o->n_members; i++)
        if (strcmp(o->members[i].name, name) == 0) return o->members[i].v.d;
    return -1;
}

static const sotto_stat *object(const sotto_stats *s, const char *id)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i].id, id) == 0) return &s->items[i];
    return NULL;
}

static sotto_stats *explain(struct duo *d, struct duo_side *s)
{
    sotto_stats *r;
    assert_int_equal(sotto__peer_explain(s->peer, duo_now(d), 1.7e12, &r), 0);
    assert_string_equal(r->items[0].type, "sotto-explanation");
    return r;
}

/* The stage is this one, and the text has these words: sentence and advice. */
static void expect(struct duo *d, struct duo_side *s, const char *stage, const char *words,
                   const char *advice)
{
    sotto_stats *r = explain(d, s);
    char *text;
    assert_string_equal(member(&r->items[0], "stage"), stage);
    if (!strstr(member(&r->items[0], "sentence"), words))
        fail_msg("'%s' is not in: %s", words, member(&r->items[0], "sentence"));
    if (!strstr(member(&r->items[0], "advice"), advice))
        fail_msg("'%s' is not in: %s", advice, member(&r->items[0], "advice"));
    if (!advice[0]) assert_string_equal(member(&r->items[0], "advice"), "");
    assert_int_equal(sotto__explain_text(r, &text), 0);
    assert_non_null(strstr(text, words));
    sotto__free(text);
    sotto__free(r);
    s->log.shows = false;
    r = explain(d, s);
    assert_int_equal(sotto__explain_text(r, &text), 0);
    assert_null(strstr(text, "192.0.2.")); /* the hosts' */
    assert_null(strstr(text, "t.example"));
    s->log.shows = true;
    sotto__free(text);
    sotto__free(r);
}

static void offer(struct duo *d, struct duo_side *from, struct duo_side *to)
{
    char *sdp;
    assert_int_equal(sotto__peer_set_local(from->peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    assert_int_equal(sotto__peer_local_description(from->peer, 0, NULL, &sdp), 1);
    assert_int_equal(sotto__peer_set_remote(to->peer, duo_now(d), SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto__free(sdp);
}

static void what_signaling_owes_is_said(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    expect(d, &d->a, "signaling", "Nothing was negotiated", "Make an offer");
    duo_open(&d->a, "x");
    offer(d, &d->a, &d->b);
    duo_run(d, SOTTO_MS(12340));
    expect(d, &d->a, "signaling", "has been set for 12.3 s, and none of the remote", "signaling");
    expect(d, &d->b, "signaling", "has been set for 12.3 s, and it has no answer", "Make one.");
    duo_free(d);
}

static void give(struct duo *d, const char *line)
{
    const sotto_candidate c = {.size = sizeof c, .line = line, .mid = "0"};
    assert_int_equal(sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL), 0);
}

static void candidates_that_are_missing_or_of_no_use_are_counted(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    d->b.mute = true;
    net_set_down(d->net, d->a.host, d->b.host, true);
    duo_open(&d->a, "x");
    duo_signal(d);
    duo_run(d, SOTTO_MS(20));
    expect(d, &d->a, "candidates", "has named no address since its description was set 20 ms ago",
           "Does the signaling carry candidates?");
    give(d, "candidate:1 1 tcp 99 203.0.113.7 9 typ host tcptype active");
    give(d, "candidate:1 1 udp 99 11111111-2222-4333-8444-555555555555.local 4000 typ host");
    give(d, "candidate:1 1 udp 99 224.0.0.1 4000 typ host");
    give(d, "candidate:2 1 udp 98 127.0.0.1 4000 typ host");
    give(d, "candidate:1 2 udp 98 203.0.113.7 4001 typ host"); /* RTCP's, of no interest */
    expect(d, &d->a, "candidates", "1 by TCP, 1 behind a name, 2 that nothing is sent to",
           "allow_loopback");
    sotto_stats *r = explain(d, &d->a);
    assert_non_null(object(r, "E-refused-tcp"));
    assert_string_equal(member(object(r, "E-refused-name"), "reason"), "name");
    sotto__free(r);
    duo_free(d);
}

static void checks_without_success_name_what_is_missing(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    duo_open(&d->a, "x");
    net_set_down(d->net, d->a.host, d->b.host, true);
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(3));
    expect(d, &d->a, "checking",
           "Pairs of 1 addresses of ours and 1 of the remote have been checked for ",
           "There is no TURN server");
    duo_run(d, SOTTO_SECONDS(60));
    expect(d, &d->a, "failed", "No pair of 1 addresses", "There is no TURN server");
    duo_free(d);
}

static void what_servers_said_stands_in_it_unharmed_and_harmless(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct ice_server server = {.kind = ICE_SERVER_TURN_UDP,
                                .url = (char *)"turn:t.example",
                                .username = (char *)"u",
                                .credential = (char *)"c"};
    struct peer_cfg cfg;
    sotto__peer_get_config(d->a.peer, &cfg);
    cfg.transport.servers = &server, cfg.transport.n_servers = 1;
    assert_int_equal(sotto__peer_configure(d->a.peer, &cfg.transport, false), 0);
    d->a.host->server_code = 401, d->a.host->server_text = "Go \033[2Jaway";
    net_set_down(d->net, d->a.host, d->b.host, true);
    duo_open(&d->a, "x");
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(3));
    expect(d, &d->a, "checking", "without success", "turn:t.example said 401");
    sotto_stats *r = explain(d, &d->a);
    char *text;
    assert_string_equal(member(object(r, "E-server-0"), "errorText"), "Go \033[2Jaway");
    assert_int_equal(sotto__explain_text(r, &text), 0);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "turn:t.example: 401 Go "));
    sotto__free(text);
    sotto__free(r);
    duo_free(d);
}

static void a_connection_that_is_up_says_over_what_and_how_fast(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    duo_connect(d);
    expect(d, &d->a, "connected", " after the first description.", "");
    sotto_stats *r = explain(d, &d->a);
    static const char *const phases[] = {"E-signaling", "E-gathering", "E-checking", "E-dtls",
                                         "E-data"};
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        const sotto_stat *ph = object(r, phases[i]);
        assert_non_null(ph);
        assert_true(time_of(ph, "begun") >= 0 && time_of(ph, "duration") >= 0);
        assert_true(time_of(ph, "begun") + time_of(ph, "duration") < 1);
    }
    assert_true(time_of(object(r, "E-dtls"), "duration") >= 0.010); /* two times there and back, 5 ms each way */
    assert_null(object(r, "E-media"));
    sotto__free(r);
    duo_free(d);
}

static void a_path_that_is_lost_and_found_is_counted(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    duo_connect(d);
    net_set_down(d->net, d->a.host, d->b.host, true);
    duo_run(d, SOTTO_SECONDS(12));
    expect(d, &d->a, "disconnected", "The remote has not answered for ", "sotto_pc_restart_ice()");
    net_set_down(d->net, d->a.host, d->b.host, false);
    duo_run(d, SOTTO_SECONDS(12));
    expect(d, &d->a, "connected", "lost and found again 1 times", "");
    net_set_down(d->net, d->a.host, d->b.host, true);
    duo_run(d, SOTTO_SECONDS(90));
    expect(d, &d->a, "failed", "The path was lost", "sotto_pc_restart_ice()");
    duo_free(d);
}

/* Each address of the remote has its row: what came from there, and, of the selected one, the round trip. */
static void what_came_of_each_address_is_listed(void **state)
{
    (void)state;
    struct duo *d = duo_new(11);
    char *text;
    duo_connect(d);
    const sotto_candidate c = {
        .size = sizeof c, .line = "candidate:1 1 udp 99 203.0.113.7 4000 typ host", .mid = "0"};
    assert_int_equal(sotto__peer_add_candidate(d->a.peer, duo_now(d), &c, NULL), 0);
    net_set_down(d->net, d->a.host, d->b.host, true);
    duo_run(d, SOTTO_SECONDS(12));
    sotto_stats *r = explain(d, &d->a);
    const sotto_stat *first = object(r, "E-check-0"), *second = object(r, "E-check-1");
    assert_non_null(first);
    assert_non_null(second);
    assert_string_equal(member(first, "state"), "selected");
    assert_true(time_of(first, "currentRoundTripTime") >= 0.010);
    assert_string_equal(member(second, "state"), "silent");
    assert_string_equal(member(second, "address"), "203.0.113.7");
    assert_string_equal(member(object(r, "E-change-0"), "what"), "lost");
    assert_int_equal(sotto__explain_text(r, &text), 0);
    assert_non_null(strstr(text, "\nselected         1 "));
    assert_non_null(strstr(text, "\nsilent           1     0       0      0    0 203.0.113.7\n"));
    assert_non_null(strstr(text, "\nlost "));
    sotto__free(text);
    sotto__free(r);
    duo_free(d);
}

static void the_end_is_told_apart_from_the_remotes(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    duo_connect(d);
    sotto__peer_close(d->a.peer, duo_now(d));
    duo_run(d, SOTTO_SECONDS(1));
    expect(d, &d->a, "closed", "closed here", "");
    expect(d, &d->b, "closed", "The remote has closed", "");
    duo_free(d);
}

/* Swaps two digits of the fingerprint in b's answer. */
static void another_certificate_than_announced_is_named(void **state)
{
    (void)state;
    struct duo *d = duo_new(9);
    char *sdp;
    duo_open(&d->a, "x");
    offer(d, &d->a, &d->b);
    assert_int_equal(sotto__peer_set_local(d->b.peer, duo_now(d), SOTTO_SDP_IMPLICIT, NULL, NULL),
                     0);
    assert_int_equal(sotto__peer_local_description(d->b.peer, 0, NULL, &sdp), 1);
    char *digit = strstr(sdp, "a=fingerprint:sha-256 ");
    assert_non_null(digit);
    digit += strlen("a=fingerprint:sha-256 ");
    *digit = *digit == 'A' ? 'B' : 'A';
    assert_int_equal(sotto__peer_set_remote(d->a.peer, duo_now(d), SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto__free(sdp);
    duo_run(d, SOTTO_SECONDS(2));
    expect(d, &d->a, "failed", "could not be secured: the peer's certificate is ", "An attack");
    duo_free(d);
}

static void memory_that_ends_is_an_error_and_no_more(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    duo_connect(d);
    int64_t live = sotto__mem_live();
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        sotto_stats *r = NULL;
        char *text = NULL;
        sotto__mem_fail_at(n);
        int e = sotto__peer_explain(d->a.peer, duo_now(d), 0, &r);
        if (e == 0) e = sotto__explain_text(r, &text);
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(e, failed ? SOTTO_E_NOMEM : 0);
        sotto__free(text);
        sotto__free(r);
        assert_int_equal(sotto__mem_live(), live);
    }
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_signaling_owes_is_said),
        cmocka_unit_test(candidates_that_are_missing_or_of_no_use_are_counted),
        cmocka_unit_test(checks_without_success_name_what_is_missing),
        cmocka_unit_test(what_servers_said_stands_in_it_unharmed_and_harmless),
        cmocka_unit_test(a_connection_that_is_up_says_over_what_and_how_fast),
        cmocka_unit_test(a_path_that_is_lost_and_found_is_counted),
        cmocka_unit_test(what_came_of_each_address_is_listed),
        cmocka_unit_test(the_end_is_told_apart_from_the_remotes),
        cmocka_unit_test(another_certificate_than_announced_is_named),
        cmocka_unit_test(memory_that_ends_is_an_error_and_no_more),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
