/* SPDX-License-Identifier: BSD-2-Clause */
/* What answers look like. */
#include "texts.h"

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

static void only_the_first_usable_data_section_is_accepted(void **state)
{
    static const char sdp[] = OFFER_HEAD "m=application 9 DTLS/SCTP 5000\r\n" TRANSPORT
                                         "a=mid:old\r\n" DATA("one") DATA("two");
    (void)state; /* SDP-22 */
    struct duo *d = duo_new(3);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    assert_string_equal(d->a.peer->mid, "one");
    char *text = local_text(&d->a);
    assert_non_null(strstr(text, "m=application 0 DTLS/SCTP 5000\r\n"));
    assert_non_null(strstr(text, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    sotto__free(text);
    duo_free(d);
}

static void a_bundle_only_data_section_is_accepted_with_the_candidates_of_its_bundle(void **state)
{
    static const char host[] = "a=candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host\r\n";
    static const char data[] = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                               "c=IN IP4 0.0.0.0\r\na=bundle-only\r\na=mid:d\r\n";
    (void)state; /* browsers' bundlePolicy max-bundle: RFC 9143 §6 */
    char sdp[4096];
    struct duo *d = duo_new(5);
    snprintf(sdp, sizeof sdp, "%sa=group:BUNDLE a d\r\n%s%s%s", OFFER_HEAD, AUDIO("a"), host, data);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    char *text = local_text(&d->a);
    assert_null(strstr(text, "m=application 0 "));
    assert_int_equal(d->a.peer->n_remote_candidates, 1);
    sotto__free(text);
    /* alone, it has nothing to be bundled with */
    snprintf(sdp, sizeof sdp, "%s%s%s", OFFER_HEAD, AUDIO("a"), data);
    assert_int_equal(remote(d, &d->b, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->b, SOTTO_SDP_IMPLICIT), 0);
    text = local_text(&d->b);
    assert_non_null(strstr(text, "m=application 0 "));
    sotto__free(text);
    duo_free(d);
}

static void the_answer_to_an_offer_without_mids_has_candidates(void **state)
{
    static const char sdp[] = OFFER_HEAD
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TRANSPORT "a=sctp-port:5000\r\n";
    (void)state;
    struct duo *d = duo_new(6);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    duo_run(d, SOTTO_MS(500));
    char *text = local_text(&d->a);
    assert_non_null(strstr(text, "a=candidate:"));
    sotto__free(text);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_sections_are_rejected_and_data_accepted),
        cmocka_unit_test(an_offer_without_data_is_answered_with_nothing),
        cmocka_unit_test(the_role_is_the_complement_of_the_offered_one),
        cmocka_unit_test(only_the_first_usable_data_section_is_accepted),
        cmocka_unit_test(a_bundle_only_data_section_is_accepted_with_the_candidates_of_its_bundle),
        cmocka_unit_test(the_answer_to_an_offer_without_mids_has_candidates),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
