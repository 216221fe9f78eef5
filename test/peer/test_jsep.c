/* SPDX-License-Identifier: BSD-2-Clause */
/* The signaling state machine: every state with every description, rollback, renegotiation, what answers look like. */
#include "texts.h"

static const char offer[] = OFFER_HEAD "a=group:BUNDLE 0\r\n" DATA("0") "a=setup:actpass\r\n";
static const char answer[] = OFFER_HEAD "a=group:BUNDLE 0\r\n" DATA("0") "a=setup:active\r\n";

/* Brings a fresh side into a state. */
static void enter_state(struct duo *d, int32_t state)
{
    duo_open(&d->a, "x");
    if (state == SOTTO_SIGNALING_HAVE_LOCAL_OFFER || state == SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER)
        assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    if (state == SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER)
        assert_int_equal(remote(d, &d->a, SOTTO_SDP_PRANSWER, answer), 0);
    if (state == SOTTO_SIGNALING_HAVE_REMOTE_OFFER || state == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER)
        assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, offer), 0);
    if (state == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER)
        assert_int_equal(local(d, &d->a, SOTTO_SDP_PRANSWER), 0);
    if (state == SOTTO_SIGNALING_CLOSED) sotto__peer_close(d->a.peer, duo_now(d));
    assert_int_equal(d->a.peer->signaling, state);
}

#define S SOTTO_SIGNALING_STABLE
#define LO SOTTO_SIGNALING_HAVE_LOCAL_OFFER
#define RO SOTTO_SIGNALING_HAVE_REMOTE_OFFER
#define LP SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER
#define RP SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER

/* proves: SDP-25 */
static void every_state_takes_what_w3c_allows_and_nothing_else(void **state)
{
    /* the state after, or an error; columns: local offer, pranswer, answer, rollback; remote the same */
    static const int32_t table[6][8] = {
        [S] = {LO, SOTTO_E_STATE, SOTTO_E_STATE, SOTTO_E_STATE, RO, SOTTO_E_STATE, SOTTO_E_STATE,
               SOTTO_E_STATE},
        [LO] = {LO, SOTTO_E_STATE, SOTTO_E_STATE, S, RO, RP, S, S},
        [RO] = {SOTTO_E_STATE, LP, S, S, RO, SOTTO_E_STATE, SOTTO_E_STATE, S},
        [LP] = {SOTTO_E_STATE, LP, S, SOTTO_E_STATE, SOTTO_E_STATE, SOTTO_E_STATE, SOTTO_E_STATE,
                SOTTO_E_STATE},
        [RP] = {SOTTO_E_STATE, SOTTO_E_STATE, SOTTO_E_STATE, SOTTO_E_STATE, SOTTO_E_STATE, RP, S,
                SOTTO_E_STATE},
        [SOTTO_SIGNALING_CLOSED] = {SOTTO_E_CLOSED, SOTTO_E_CLOSED, SOTTO_E_CLOSED, SOTTO_E_CLOSED,
                                    SOTTO_E_CLOSED, SOTTO_E_CLOSED, SOTTO_E_CLOSED, SOTTO_E_CLOSED},
    };
    (void)state;
    for (int32_t from = 0; from < 6; from++)
        for (int32_t column = 0; column < 8; column++) {
            struct duo *d = duo_new(1);
            int32_t type = SOTTO_SDP_OFFER + column % 4, want = table[from][column];
            enter_state(d, from);
            int r = column < 4 ? local(d, &d->a, type)
                               : remote(d, &d->a, type, type == SOTTO_SDP_OFFER ? offer : answer);
            int32_t got = r < 0 ? r : d->a.peer->signaling;
            if (got != want)
                fail_msg("state %d, column %d: %d instead of %d", from, column, got, want);
            if (r < 0) assert_int_equal(d->a.peer->signaling, from);
            duo_free(d);
        }
}

static void a_bad_answer_leaves_the_offer_pending(void **state)
{
    static const struct {
        const char *sdp;
        int code;
    } bad[] = {
        {OFFER_HEAD, SOTTO_E_SDP},                                          /* H013: no m-line */
        {OFFER_HEAD DATA("0") "a=setup:active\r\n" DATA("1"), SOTTO_E_SDP}, /* one too many */
        {OFFER_HEAD DATA("7") "a=setup:active\r\n", SOTTO_E_SDP},           /* another mid */
        {OFFER_HEAD AUDIO("0"), SOTTO_E_SDP},                               /* another kind */
        {OFFER_HEAD DATA("0") "a=setup:actpass\r\n", SOTTO_E_SDP},          /* H011 */
        {OFFER_HEAD DATA("0"), SOTTO_E_SDP},                                /* no role */
        {"v=0\r\nx", SOTTO_E_SYNTAX},
        {OFFER_HEAD
         "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
         "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:active\r\n",
         SOTTO_E_SDP}, /* H007: no fingerprint */
    };
    (void)state;
    struct duo *d = duo_new(5);
    duo_open(&d->a, "x");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int r = remote(d, &d->a, SOTTO_SDP_ANSWER, bad[i].sdp);
        if (r != bad[i].code) fail_msg("answer %zu: %d", i, r);
        assert_int_equal(d->a.peer->signaling, LO);
    }
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, answer), 0);
    duo_free(d);
}

static void an_answer_that_rejects_data_closes_the_channels(void **state)
{
    static const char no[] = OFFER_HEAD
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n";
    (void)state;
    struct duo *d = duo_new(6);
    struct channel *c = duo_open(&d->a, "x");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, no), 0);
    assert_int_equal(c->state, SOTTO_DC_CLOSED);
    assert_int_equal(c->k.error, SOTTO_E_SDP);
    duo_free(d);
}

/* proves: H021 */
static void ten_thousand_rollbacks_leave_nothing_behind(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    duo_open(&d->a, "x");
    int64_t live = 0;
    for (int i = 0; i < 10000; i++) { /* H021 */
        assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
        if (i % 2)
            assert_int_equal(local(d, &d->a, SOTTO_SDP_ROLLBACK), 0);
        else
            assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, offer), 0);
        if (i % 2 == 0) assert_int_equal(remote(d, &d->a, SOTTO_SDP_ROLLBACK, NULL), 0);
        while (sotto__peer_has_event(d->a.peer)) sotto__peer_pop(d->a.peer);
        if (i == 9) live = sotto__mem_live();
    }
    assert_true(sotto__mem_live() <= live + 8);
    assert_int_equal(d->a.peer->signaling, S);
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    duo_free(d);
}

/* proves: H023 */
static void a_live_connection_refuses_another_identity_and_goes_on(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    duo_connect(d);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_OFFER), 0);
    char *text = local_text(&d->b), *hit = strstr(text, "a=fingerprint:sha-256 ") + 22;
    *hit = *hit == '0' ? '1' : '0';
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, text), SOTTO_E_MODIFICATION); /* H023 */
    *hit = *hit == '0' ? '1' : '0';
    sotto__free(text);
    text = local_text(&d->b);
    hit = strstr(text, "a=ice-pwd:") + 10;
    *hit = *hit == 'a' ? 'b' : 'a';
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, text),
                     SOTTO_E_SDP); /* SDP-24: one of both */
    sotto__free(text);
    assert_int_equal(d->a.peer->signaling, S);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_ROLLBACK), 0);
    assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d),
                                         sotto__peer_next_channel(d->a.peer, NULL), "on", 2, true),
                     0);
    duo_run(d, SOTTO_MS(100));
    assert_memory_equal(d->b.last, "on", 2);
    duo_free(d);
}

static void a_live_connection_is_renegotiated_without_a_change(void **state)
{
    (void)state;
    struct duo *d = duo_new(9);
    duo_open(&d->a, "x");
    duo_run(d, 0);
    assert_int_equal(d->a.n_events[SOTTO_EV_NEGOTIATION_NEEDED], 1);
    for (int i = 0; i < 3; i++) {
        duo_signal(d);
        duo_run(d, SOTTO_SECONDS(1));
        duo_open(&d->a, "another");
    }
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    assert_int_equal(d->a.n_events[SOTTO_EV_NEGOTIATION_NEEDED], 1);
    duo_free(d);
}

static void an_offer_that_drops_data_ends_the_channels_after_their_messages(void **state)
{
    (void)state; /* RFC 8841 §10.4 */
    struct duo *d = duo_new(10);
    duo_connect(d);
    d->b.paused = true;
    assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d),
                                         sotto__peer_next_channel(d->a.peer, NULL), "last", 4,
                                         true),
                     0);
    duo_run(d, SOTTO_MS(100));
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    char *text = local_text(&d->a), *port = strstr(text, "m=application ") + 14;
    size_t digits = strspn(port, "0123456789");
    *port = '0';
    memmove(port + 1, port + digits, strlen(port + digits) + 1);
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_OFFER, text), 0);
    sotto__free(text);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_IMPLICIT), 0);
    duo_run(d, SOTTO_MS(100));
    assert_int_equal(d->b.remote->state, SOTTO_DC_OPEN); /* its message waits */
    d->b.paused = false;
    duo_run(d, SOTTO_MS(100));
    assert_memory_equal(d->b.last, "last", 4);
    assert_int_equal(d->b.n_events[SOTTO_EV_CLOSED], 1);
    assert_int_equal(d->b.closed_error, 0);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_takes_what_w3c_allows_and_nothing_else),
        cmocka_unit_test(a_bad_answer_leaves_the_offer_pending),
        cmocka_unit_test(an_answer_that_rejects_data_closes_the_channels),
        cmocka_unit_test(ten_thousand_rollbacks_leave_nothing_behind),
        cmocka_unit_test(a_live_connection_refuses_another_identity_and_goes_on),
        cmocka_unit_test(a_live_connection_is_renegotiated_without_a_change),
        cmocka_unit_test(an_offer_that_drops_data_ends_the_channels_after_their_messages),
    };
    return cmocka_run_group_tests_name("jsep", tests, NULL, NULL);
}
