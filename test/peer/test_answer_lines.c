/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in the sections of answers: roles, ICE options, RTCP, extensions (RFC 9429 §5.3, RFC 8842 §5.3). */
#include "lines.h"

static void the_role_is_the_complement_of_the_offered_one(void **state)
{
    static const struct {
        const char *offered, *answered; /* NULL: the offer is refused */
    } cases[] = {{"", "active"},
                 {"a=setup:actpass\r\n", "active"},
                 {"a=setup:active\r\n", "passive"},
                 {"a=setup:passive\r\n", "active"},
                 {"a=setup:holdconn\r\n", NULL}};
    (void)state; /* SDP-03 */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char offer[2048];
        struct duo *d = duo_new(4);
        snprintf(offer, sizeof offer, "%s%s%s", OFFER_HEAD, DATA("0"), cases[i].offered);
        if (!cases[i].answered) {
            assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, offer), SOTTO_E_SDP);
        } else {
            char *sdp = settle(d, &d->a, offer);
            assert_string_equal(line_value(sdp, 0, "a=setup:"), cases[i].answered);
            assert_true(d->a.peer->dtls_client == (cases[i].answered[0] == 'a'));
            sotto__free(sdp);
        }
        duo_free(d);
    }
}

static void roles_stay_while_the_association_lives(void **state)
{
    (void)state; /* RFC 8842 §5.3: whoever offers */
    struct duo *d = duo_new(4);
    duo_connect(d);
    char *sdp = local_text(&d->b);
    HAS(sdp, 0, "a=setup:active");
    char *tls_id = strdup(line_value(sdp, 0, "a=tls-id:"));
    sotto__free(sdp);
    signal_from(d, &d->b, &d->a);
    sdp = local_text(&d->a);
    HAS(sdp, 0, "a=setup:passive");
    sotto__free(sdp);
    duo_signal(d);
    sdp = local_text(&d->b);
    HAS(sdp, 0, "a=setup:active");
    assert_string_equal(line_value(sdp, 0, "a=tls-id:"), tls_id);
    sotto__free(sdp);
    free(tls_id);
    duo_free(d);
}

static void ice_options_are_those_of_the_offer(void **state)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"a=ice-options:trickle\r\n", "trickle"},
                                           {"a=ice-options:ice2 trickle x\r\n", "trickle ice2"},
                                           {"a=ice-options:ice2\r\n", "ice2"},
                                           {"a=ice-options:renomination\r\n", ""}};
    (void)state; /* SDP-23, RFC 9429 §5.3.1 */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char offer[2048];
        struct duo *d = duo_new(4);
        snprintf(offer, sizeof offer, "%s%s%s", OFFER_HEAD, i % 2 ? cases[i][0] : "", DATA("0"));
        if (i % 2 == 0) strcat(offer, cases[i][0]); /* of the section */
        char *sdp = answer_to(d, &d->a, offer);
        assert_string_equal(line_value(sdp, -1, "a=ice-options:"), cases[i][1]);
        HAS_N(sdp, -1, "a=ice-options", cases[i][1][0] != '\0');
        HAS_NO(sdp, 0, "a=ice-options");
        sotto__free(sdp);
        duo_free(d);
    }
}

static void rtcp_rsize_is_answered_where_it_was_offered(void **state)
{
    static const char offer[] =
        HEAD_OF("a b") SOUND("a", CREDENTIALS) "a=rtcp-rsize\r\n" SOUND("b", BARE);
    (void)state; /* SDP-18 */
    struct duo *d = duo_new(4);
    char *sdp = answer_to(d, &d->a, offer);
    HAS(sdp, 0, "a=rtcp-rsize");
    HAS_NO(sdp, 1, "a=rtcp-rsize");
    sotto__free(sdp);
    duo_free(d);
}

static void extensions_are_answered_with_the_offers_ids(void **state)
{
    static const char offer[] = HEAD_OF("a v") SOUND(
        "a", CREDENTIALS) "a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                          "a=extmap:2/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
                          "a=extmap:3 urn:example:unheard-of\r\n" VIDEO(
                              "v", BARE) "a=extmap:9 urn:3gpp:video-orientation\r\n" /* contradicts the first */
                                         "a=extmap:200 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    (void)state; /* SDP-19 */
    struct duo *d = duo_new(4);
    char *sdp = answer_to(d, &d->a, offer);
    HAS_N(sdp, 0, "a=extmap:", 2);
    HAS(sdp, 0, "a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid");
    HAS(sdp, 0, "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level");
    HAS_NO(sdp, 1, "a=extmap:");
    HAS_NO(sdp, 0, "a=extmap-allow-mixed");
    sotto__free(sdp);
    duo_free(d);
}

static void answers_survive_every_failing_allocation(void **state)
{
    static const char offer[] = HEAD_OF("a v d") "a=group:LS a v\r\n" SOUND("a", CREDENTIALS)
        VIDEO("v", BARE) "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n" DATA("d");
    (void)state;
    struct duo *d = duo_new(4);
    char *want = answer_to(d, &d->a, offer), *sdp = NULL;
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = sotto__answer_make(d->a.peer, d->a.peer->version, &sdp);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (!failed) break;
        assert_int_equal(r, SOTTO_E_NOMEM);
        assert_int_equal(sotto__mem_live(), live);
    }
    assert_string_equal(sdp, want);
    HAS(sdp, 1, "a=simulcast:recv 1;2");
    sotto__free(sdp);
    sotto__free(want);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_role_is_the_complement_of_the_offered_one),
        cmocka_unit_test(roles_stay_while_the_association_lives),
        cmocka_unit_test(ice_options_are_those_of_the_offer),
        cmocka_unit_test(rtcp_rsize_is_answered_where_it_was_offered),
        cmocka_unit_test(extensions_are_answered_with_the_offers_ids),
        cmocka_unit_test(answers_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("answer_lines", tests, NULL, NULL);
}
