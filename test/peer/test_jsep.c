/* SPDX-License-Identifier: BSD-2-Clause */
/* The signaling state machine: every state with every description, rollback, renegotiation, what answers look like. */
#include "duo.h"

#define OFFER_HEAD "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define TRANSPORT                                                                                  \
    "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"               \
    "a=fingerprint:sha-256 "                                                                       \
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:"   \
    "1E:1F\r\n"
#define DATA(mid)                                                                                  \
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TRANSPORT "a=mid:" mid                  \
    "\r\na=sctp-port:5000\r\n"
#define AUDIO(mid)                                                                                 \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n" TRANSPORT "a=mid:" mid                                 \
    "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"

static int remote(struct duo *d, struct duo_side *s, int32_t type, const char *sdp)
{
    sotto_error err = {.size = sizeof err};
    return sotto__peer_set_remote(s->peer, duo_now(d), type, sdp, &err);
}

static int local(struct duo *d, struct duo_side *s, int32_t type)
{
    return sotto__peer_set_local(s->peer, duo_now(d), type, NULL, NULL);
}

static char *local_text(struct duo_side *s)
{
    char *sdp = NULL;
    assert_int_equal(sotto__peer_local_description(s->peer, SOTTO_DESC_EFFECTIVE, NULL, &sdp), 1);
    return sdp;
}

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

static void every_state_takes_what_w3c_allows_and_nothing_else(void **state)
{
    /* the state after, or an error; columns: local offer, pranswer, answer, rollback; remote the same */
    static const int32_t table[6][8] = {
        [S] = {LO, SOTTO_E_STATE, SOTTO_E_STATE, SOTTO_E_STATE, RO, SOTTO_E_STATE, SOTTO_E_STATE,
               SOTTO_E_STATE},
        [LO] = {LO, SOTTO_E_STATE, SOTTO_E_STATE, S, RO, RP, S, SOTTO_E_STATE},
        [RO] = {SOTTO_E_STATE, LP, S, SOTTO_E_STATE, RO, SOTTO_E_STATE, SOTTO_E_STATE, S},
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

static void media_sections_are_rejected_and_data_accepted(void **state)
{
    static const char sdp[] = OFFER_HEAD "a=group:BUNDLE a v d\r\n" AUDIO("a") AUDIO("v") DATA("d");
    (void)state;
    struct duo *d = duo_new(2);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    char *text = local_text(&d->a);
    assert_non_null(strstr(text, "a=group:BUNDLE d\r\n"));
    assert_non_null(strstr(text, "m=audio 0 UDP/TLS/RTP/SAVPF 111 0\r\n"));
    assert_non_null(strstr(text, "a=mid:d\r\n"));
    assert_non_null(strstr(text, "a=setup:active\r\n"));
    assert_int_equal(d->a.peer->mline_index, 2);
    sotto__free(text);
    duo_free(d);
}

static void an_offer_without_data_is_answered_with_nothing(void **state)
{
    static const char sdp[] = OFFER_HEAD AUDIO("0");
    (void)state;
    struct duo *d = duo_new(3);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    char *text = local_text(&d->a);
    assert_non_null(strstr(text, "m=audio 0 "));
    assert_null(strstr(text, "group:BUNDLE"));
    assert_null(d->a.peer->transport.ice);
    sotto__free(text);
    duo_free(d);
}

static void the_role_is_the_complement_of_the_offered_one(void **state)
{
    static const char active[] = OFFER_HEAD DATA("0") "a=setup:active\r\n";
    static const char passive[] = OFFER_HEAD DATA("0") "a=setup:passive\r\n";
    static const char hold[] = OFFER_HEAD DATA("0") "a=setup:holdconn\r\n";
    (void)state;
    struct duo *d = duo_new(4);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, hold), SOTTO_E_SDP);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, active), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    assert_false(d->a.peer->dtls_client);
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_OFFER, passive), 0);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_IMPLICIT), 0);
    assert_true(d->b.peer->dtls_client);
    duo_free(d);
}

static void a_bad_answer_leaves_the_offer_pending(void **state)
{
    static const struct {
        const char *sdp;
        int code;
    } bad[] = {
        {OFFER_HEAD, SOTTO_E_SDP},                                              /* H013: no m-line */
        {OFFER_HEAD DATA("0") "a=setup:active\r\n" DATA("1"), SOTTO_E_SDP},     /* one too many */
        {OFFER_HEAD DATA("7") "a=setup:active\r\n", SOTTO_E_SDP},               /* another mid */
        {OFFER_HEAD AUDIO("0"), SOTTO_E_SDP},                                   /* another kind */
        {OFFER_HEAD DATA("0") "a=setup:actpass\r\n", SOTTO_E_SDP},              /* H011 */
        {OFFER_HEAD DATA("0"), SOTTO_E_SDP},                                    /* no role */
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
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, text), SOTTO_E_SDP); /* SDP-24: one of both */
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

static void the_version_goes_up_only_when_the_text_changes(void **state)
{
    (void)state;
    struct duo *d = duo_new(10);
    char *one, *two, *three;
    assert_int_equal(sotto__peer_create_offer(d->a.peer, &one), 0);
    assert_int_equal(sotto__peer_create_offer(d->a.peer, &two), 0);
    assert_string_equal(one, two);
    uint64_t version = d->a.peer->version;
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_create_offer(d->a.peer, &three), 0);
    assert_int_equal(d->a.peer->version, version + 1);
    assert_null(strstr(one, "m=application"));
    assert_non_null(strstr(three, "a=setup:actpass\r\n"));
    assert_int_equal(sotto__peer_set_local(d->a.peer, 0, SOTTO_SDP_OFFER, one, NULL),
                     SOTTO_E_MODIFICATION);
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), SOTTO_SDP_OFFER, three, NULL), 0);
    sotto__free(one);
    sotto__free(two);
    sotto__free(three);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_takes_what_w3c_allows_and_nothing_else),
        cmocka_unit_test(media_sections_are_rejected_and_data_accepted),
        cmocka_unit_test(an_offer_without_data_is_answered_with_nothing),
        cmocka_unit_test(the_role_is_the_complement_of_the_offered_one),
        cmocka_unit_test(a_bad_answer_leaves_the_offer_pending),
        cmocka_unit_test(an_answer_that_rejects_data_closes_the_channels),
        cmocka_unit_test(ten_thousand_rollbacks_leave_nothing_behind),
        cmocka_unit_test(a_live_connection_refuses_another_identity_and_goes_on),
        cmocka_unit_test(a_live_connection_is_renegotiated_without_a_change),
        cmocka_unit_test(the_version_goes_up_only_when_the_text_changes),
    };
    return cmocka_run_group_tests_name("jsep", tests, NULL, NULL);
}
