/* SPDX-License-Identifier: BSD-2-Clause */
/* What answers look like: which sections are accepted, their bundle and directions (RFC 9429 §5.3, RFC 9143 §7.3). */
#include "lines.h"

/* ---- which sections are accepted ---- */

static void each_section_is_answered_in_its_place(void **state)
{
    static const char offer[] = HEAD_OF("a t v d")
        SOUND("a", CREDENTIALS) "m=text 9 RTP/AVP 0\r\n" CREDENTIALS "a=mid:t\r\n" VIDEO(
            "v", BARE) "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" BARE
                       "a=mid:d\r\na=sctp-port:5000\r\n";
    (void)state; /* SDP-12 */
    struct duo *d = duo_new(2);
    char *sdp = answer_to(d, &d->a, offer);
    HAS(sdp, -1, "a=group:BUNDLE a v d");
    HAS(sdp, 0, "m=audio 9 UDP/TLS/RTP/SAVPF 111 0");
    HAS(sdp, 1, "m=text 0 RTP/AVP 0");
    HAS(sdp, 1, "a=mid:t");
    HAS(sdp, 2, "m=video 9 UDP/TLS/RTP/SAVPF 96");
    HAS(sdp, 3, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
    for (int i = 0; i < 4; i++) {
        HAS_N(sdp, i, "a=ice-ufrag:", i != 1);
        HAS_N(sdp, i, "a=ice-pwd:", i != 1);
        HAS_N(sdp, i, "a=fingerprint:", i != 1);
        HAS_N(sdp, i, "a=tls-id:", i != 1);
        HAS_N(sdp, i, "a=setup:active$", i != 1);
        HAS_N(sdp, i, "a=rtcp-mux$", i == 0 || i == 2);
        HAS_NO(sdp, i, "a=rtcp-mux-only");
        HAS_NO(sdp, i, "a=rtcp:");
    }
    sotto__free(sdp);
    duo_free(d);
}

/* proves: RTP-12 */
static void without_a_bundle_one_section_is_accepted(void **state)
{
    static const char offer[] =
        OFFER_HEAD ODD("x", CREDENTIALS) SOUND("a", CREDENTIALS) VIDEO("v", CREDENTIALS) DATA("d");
    (void)state; /* SDP-14: one transport, nothing half-alive */
    struct duo *d = duo_new(2);
    char *sdp = answer_to(d, &d->a, offer);
    HAS_NO(sdp, -1, "a=group");
    HAS_N(sdp, 0, "m=audio 0 ", 1);
    HAS_N(sdp, 1, "m=audio 9 ", 1);
    HAS_N(sdp, 2, "m=video 0 ", 1);
    HAS_N(sdp, 3, "m=application 0 ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void of_several_groups_one_is_accepted(void **state)
{
    static const char offer[] =
        OFFER_HEAD "a=group:BUNDLE b a\r\na=group:BUNDLE v d\r\n" SOUND("a", BARE)
            SOUND("b", CREDENTIALS) VIDEO("v", CREDENTIALS) DATA("d");
    (void)state;
    struct duo *d = duo_new(2);
    char *sdp = answer_to(d, &d->a, offer);
    HAS_N(sdp, -1, "a=group", 1);
    HAS(sdp, -1, "a=group:BUNDLE b a"); /* in the order of the offer's group: the first is the tagged one */
    HAS_N(sdp, 2, "m=video 0 ", 1);
    HAS_N(sdp, 3, "m=application 0 ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void a_section_outside_the_group_is_rejected(void **state)
{
    static const char offer[] =
        HEAD_OF("a d") SOUND("a", CREDENTIALS) VIDEO("v", CREDENTIALS) DATA("d");
    (void)state;
    struct duo *d = duo_new(2);
    char *sdp = answer_to(d, &d->a, offer);
    HAS(sdp, -1, "a=group:BUNDLE a d");
    HAS_N(sdp, 1, "m=video 0 ", 1);
    HAS(sdp, 1, "a=inactive");
    sotto__free(sdp);
    duo_free(d);
}

static void a_section_without_rtcp_mux_is_rejected(void **state)
{
    static const char offer[] = HEAD_OF("a v") "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" CREDENTIALS
                                               "a=mid:a\r\n" VIDEO("v", CREDENTIALS);
    (void)state; /* SDP-17 */
    struct duo *d = duo_new(2);
    char *sdp = answer_to(d, &d->a, offer);
    HAS(sdp, -1, "a=group:BUNDLE v");
    HAS_N(sdp, 0, "m=audio 0 ", 1);
    HAS_N(sdp, 1, "m=video 9 ", 1);
    HAS_N(sdp, 1, "a=ice-ufrag:", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void the_profile_is_the_offers(void **state)
{
    static const struct {
        const char *proto;
        bool accepted;
    } cases[] = {{"UDP/TLS/RTP/SAVPF", true},  {"UDP/TLS/RTP/SAVP", true},
                 {"TCP/DTLS/RTP/SAVPF", true}, {"TCP/DTLS/RTP/SAVP", true},
                 {"RTP/SAVPF", true},          {"RTP/SAVP", true},
                 {"UDP/BFCP", false},          {"UDP/DTLS/SCTP", false}};
    (void)state; /* SDP-11, RFC 9429 §5.1.2: with a fingerprint the profile has no effect */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char offer[2048], line[128];
        struct duo *d = duo_new(2);
        snprintf(offer, sizeof offer, "%sm=audio 9 %s 0\r\n%sa=mid:0\r\na=rtcp-mux\r\n", OFFER_HEAD,
                 cases[i].proto, CREDENTIALS);
        char *sdp = answer_to(d, &d->a, offer);
        snprintf(line, sizeof line, "m=audio %d %s 0$", cases[i].accepted ? 9 : 0, cases[i].proto);
        HAS_N(sdp, 0, line, 1);
        sotto__free(sdp);
        duo_free(d);
    }
}

static void a_payload_type_of_two_meanings_costs_the_second(void **state)
{
    static const char offer[] =
        HEAD_OF("a b v") SOUND("a", CREDENTIALS) "m=audio 9 UDP/TLS/RTP/SAVPF 111 8\r\n" BARE
                                                 "a=mid:b\r\na=rtcp-mux\r\n"
                                                 "a=rtpmap:111 PCMU/8000\r\n"
                                                 "m=video 9 UDP/TLS/RTP/SAVPF 111\r\n" BARE
                                                 "a=mid:v\r\na=rtcp-mux\r\n"
                                                 "a=rtpmap:111 VP8/90000\r\n";
    (void)state; /* SDP-15 */
    struct duo *d = duo_new(2);
    char *sdp = answer_to(d, &d->a, offer);
    HAS(sdp, 0, "m=audio 9 UDP/TLS/RTP/SAVPF 111 0");
    HAS(sdp, 1, "m=audio 9 UDP/TLS/RTP/SAVPF 8");
    HAS(sdp, 2, "m=video 0 UDP/TLS/RTP/SAVPF 111");
    HAS(sdp, -1, "a=group:BUNDLE a b");
    sotto__free(sdp);
    duo_free(d);
}

static void write_many(char *offer, size_t cap, unsigned n)
{
    size_t at = (size_t)snprintf(offer, cap, "%sa=group:BUNDLE", OFFER_HEAD);
    for (unsigned i = 0; i < n; i++) at += (size_t)snprintf(offer + at, cap - at, " m%u", i);
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(offer + at, cap - at,
                               "%sm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n%sa=mid:m%u\r\na=rtcp-mux\r\n",
                               i == 0 ? "\r\n" : "", i == 0 ? CREDENTIALS : BARE, i);
    assert_true(at < cap);
}

static void more_sections_than_there_are_transceivers_are_rejected(void **state)
{
    (void)state; /* H018: one past SOTTO_MAX_TRANSCEIVERS */
    struct duo *d = duo_new(2);
    char *offer = calloc(1, SOTTO_MAX_SDP);
    write_many(offer, SOTTO_MAX_SDP, SOTTO_MAX_SDP_MEDIA);
    char *sdp = answer_to(d, &d->a, offer);
    assert_int_equal(count_sections(sdp), SOTTO_MAX_SDP_MEDIA);
    HAS_N(sdp, SOTTO_MAX_TRANSCEIVERS - 1, "m=audio 9 ", 1);
    HAS_N(sdp, SOTTO_MAX_TRANSCEIVERS, "m=audio 0 ", 1);
    sotto__free(sdp);
    free(offer);
    duo_free(d);
}

static void preferences_decide_what_there_is_in_common(void **state)
{
    static const char offer[] = HEAD_OF("a v") SOUND("a", CREDENTIALS) VIDEO("v", BARE);
    (void)state;
    struct duo *d = duo_new(2);
    struct transceiver *sound, *picture;
    sotto_codec pcmu = {
        .size = sizeof pcmu, .mime = "audio/PCMU", .clock_hz = 8000, .channels = 1, .fmtp = ""};
    sotto_codec vp9 = {
        .size = sizeof vp9, .mime = "video/VP9", .clock_hz = 90000, .fmtp = "profile-id=0"};
    sotto__transceiver_add_track(d->a.peer, duo_now(d), SOTTO_AUDIO, NULL, 0, &sound);
    sotto__transceiver_add_track(d->a.peer, duo_now(d), SOTTO_VIDEO, NULL, 0, &picture);
    assert_int_equal(sotto__transceiver_set_preferences(d->a.peer, sound, &pcmu, 1), 0);
    assert_int_equal(sotto__transceiver_set_preferences(d->a.peer, picture, &vp9, 1), 0);
    char *sdp = answer_to(d, &d->a, offer);
    HAS(sdp, 0, "m=audio 9 UDP/TLS/RTP/SAVPF 0");
    HAS(sdp, 1, "m=video 0 UDP/TLS/RTP/SAVPF 96");
    sotto__free(sdp);
    duo_free(d);
}

static void nothing_is_accepted_of_an_offer_without_anything_usable(void **state)
{
    static const char offer[] = HEAD_OF("x") ODD("x", CREDENTIALS);
    (void)state;
    struct duo *d = duo_new(3);
    char *sdp = settle(d, &d->a, offer);
    HAS_NO(sdp, -1, "a=group");
    HAS(sdp, 0, "m=audio 0 UDP/TLS/RTP/SAVPF 99");
    HAS_NO(sdp, 0, "a=ice-ufrag");
    assert_null(d->a.peer->transport.live.ice);
    sotto__free(sdp);
    duo_free(d);
}

static void only_the_first_usable_data_section_is_accepted(void **state)
{
    static const char offer[] =
        HEAD_OF("old one two") "m=application 9 DTLS/SCTP 5000\r\n" TRANSPORT
                               "a=mid:old\r\n" DATA("one") DATA("two");
    (void)state; /* SDP-22 */
    struct duo *d = duo_new(3);
    char *sdp = settle(d, &d->a, offer);
    assert_string_equal(d->a.peer->data_mid, "one");
    HAS(sdp, 0, "m=application 0 DTLS/SCTP 5000");
    HAS(sdp, 1, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
    HAS(sdp, 2, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel");
    sotto__free(sdp);
    duo_free(d);
}

static void without_mids_the_answer_has_none(void **state)
{
    static const char offer[] = OFFER_HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" CREDENTIALS
                                           "a=rtcp-mux\r\nm=video 9 RTP/SAVPF 96\r\n" CREDENTIALS
                                           "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";
    (void)state;
    struct duo *d = duo_new(3);
    char *sdp = settle(d, &d->a, offer);
    HAS_N(sdp, 0, "m=audio 9 ", 1);
    HAS_N(sdp, 1, "m=video 0 ", 1);
    HAS_NO(sdp, 0, "a=mid");
    HAS_NO(sdp, 1, "a=mid");
    sotto__free(sdp);
    duo_free(d);
}

static void the_answer_to_an_offer_without_mids_has_candidates(void **state)
{
    static const char offer[] = OFFER_HEAD
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TRANSPORT "a=sctp-port:5000\r\n";
    (void)state;
    struct duo *d = duo_new(6);
    sotto__free(settle(d, &d->a, offer));
    duo_run(d, SOTTO_MS(500));
    char *sdp = local_text(&d->a);
    assert_true(count_lines(sdp, 0, "a=candidate:") > 0);
    sotto__free(sdp);
    duo_free(d);
}

/* ---- bundle-only, and the tagged section ---- */

static const char bundle_only[] = "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                  "c=IN IP4 0.0.0.0\r\na=bundle-only\r\na=mid:d\r\n";

static void a_bundle_only_section_is_accepted_with_the_candidates_of_its_bundle(void **state)
{
    static const char host[] = "a=candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host\r\n";
    (void)state; /* browsers' bundlePolicy max-bundle: RFC 9143 §6 */
    char offer[4096];
    struct duo *d = duo_new(5);
    snprintf(offer, sizeof offer, "%s%s%s%s", HEAD_OF("a d"), SOUND("a", CREDENTIALS), host,
             bundle_only);
    char *sdp = settle(d, &d->a, offer);
    HAS_N(sdp, 0, "m=audio 9 ", 1);
    HAS_N(sdp, 1, "m=application 9 ", 1);
    HAS_NO(sdp, 1, "a=bundle-only");
    assert_int_equal(d->a.peer->n_remote_candidates, 1);
    sotto__free(sdp);
    /* alone, it has nothing to be bundled with */
    snprintf(offer, sizeof offer, "%s%s%s", OFFER_HEAD, ODD("a", CREDENTIALS), bundle_only);
    sdp = settle(d, &d->b, offer);
    HAS_N(sdp, 1, "m=application 0 ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void bundle_only_sections_fall_with_the_one_that_has_a_port(void **state)
{
    (void)state; /* RFC 9143 §7.3.1: none of them can carry the transport */
    char offer[4096];
    struct transceiver *t;
    sotto_codec pcma = {
        .size = sizeof pcma, .mime = "audio/PCMA", .clock_hz = 8000, .channels = 1, .fmtp = ""};
    struct duo *d = duo_new(5);
    snprintf(offer, sizeof offer, "%s%s%s", HEAD_OF("a d"), ODD("a", CREDENTIALS), bundle_only);
    char *sdp = settle(d, &d->a, offer);
    HAS_N(sdp, 0, "m=audio 0 ", 1);
    HAS_N(sdp, 1, "m=application 0 ", 1);
    HAS_NO(sdp, -1, "a=group");
    sotto__free(sdp);
    /* the same if it is our preferences that leave nothing in common */
    sotto__transceiver_add_track(d->b.peer, duo_now(d), SOTTO_AUDIO, NULL, 0, &t);
    assert_int_equal(sotto__transceiver_set_preferences(d->b.peer, t, &pcma, 1), 0);
    snprintf(offer, sizeof offer, "%s%s%s", HEAD_OF("a d"), SOUND("a", CREDENTIALS), bundle_only);
    sdp = settle(d, &d->b, offer);
    HAS_N(sdp, 0, "m=audio 0 ", 1);
    HAS_N(sdp, 1, "m=application 0 ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void
the_transport_of_a_first_answer_moves_on_when_the_first_section_is_rejected(void **state)
{
    static const char offer[] =
        HEAD_OF("x v a") ODD("x", CREDENTIALS) SOUND("a", CREDENTIALS) VIDEO("v", CREDENTIALS);
    (void)state; /* RFC 9143 §7.3.1: to the next one that the group names */
    struct duo *d = duo_new(5);
    char *sdp = answer_to(d, &d->a, offer);
    HAS(sdp, -1, "a=group:BUNDLE v a");
    HAS_NO(sdp, 0, "a=ice-ufrag:");
    sotto__free(sdp);
    duo_free(d);
}

static void a_later_offer_whose_tagged_section_is_rejected_is_rejected_whole(void **state)
{
    static const char first[] = HEAD_OF("a v") SOUND("a", CREDENTIALS) VIDEO("v", BARE);
    static const char moved[] = HEAD_OF("v a") SOUND("a", BARE) VIDEO("v", CREDENTIALS);
    static const char later[] = HEAD_OF("a v") ODD("a", CREDENTIALS) VIDEO("v", BARE);
    (void)state; /* RFC 9143 §7.3.3, RFC 9429 §5.3.1 */
    struct duo *d = duo_new(5);
    sotto__free(settle(d, &d->a, first));
    char *sdp = answer_to(d, &d->a, moved);
    HAS(sdp, -1, "a=group:BUNDLE v a");
    sotto__free(sdp);
    sdp = answer_to(d, &d->a, later);
    HAS_NO(sdp, -1, "a=group");
    HAS_N(sdp, 0, "m=audio 0 ", 1);
    HAS_N(sdp, 1, "m=video 0 ", 1);
    sotto__free(sdp);
    /* whether its codecs are unknown or unwanted */
    sotto_codec pcma = {
        .size = sizeof pcma, .mime = "audio/PCMA", .clock_hz = 8000, .channels = 1, .fmtp = ""};
    struct transceiver *t = sotto__transceiver_at(d->a.peer, 0);
    assert_int_equal(sotto__transceiver_set_preferences(d->a.peer, t, &pcma, 1), 0);
    sdp = answer_to(d, &d->a, moved); /* it is not the tagged one here */
    HAS(sdp, -1, "a=group:BUNDLE v");
    sotto__free(sdp);
    sdp = answer_to(d, &d->a, first);
    HAS_NO(sdp, -1, "a=group");
    sotto__free(sdp);
    duo_free(d);
}

static void a_section_that_leaves_the_bundle_is_rejected(void **state)
{
    static const char first[] = HEAD_OF("a v") SOUND("a", CREDENTIALS) VIDEO("v", BARE);
    static const char later[] = HEAD_OF("a") SOUND("a", CREDENTIALS) VIDEO("v", CREDENTIALS);
    (void)state; /* RFC 9143 §7.5.2: it would need a transport of its own */
    struct duo *d = duo_new(5);
    sotto__free(settle(d, &d->a, first));
    char *sdp = answer_to(d, &d->a, later);
    HAS(sdp, -1, "a=group:BUNDLE a");
    HAS_N(sdp, 0, "m=audio 9 ", 1);
    HAS_N(sdp, 1, "m=video 0 ", 1);
    sotto__free(sdp);
    duo_free(d);
}

/* ---- directions ---- */

/* proves: SDP-27 */
static void the_direction_is_what_both_want(void **state)
{
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    static const char *const want[4][4] = {
        /* offered down, ours across: sendrecv, sendonly, recvonly, inactive */
        {"sendrecv", "sendonly", "recvonly", "inactive"},
        {"recvonly", "inactive", "recvonly", "inactive"},
        {"sendonly", "sendonly", "inactive", "inactive"},
        {"inactive", "inactive", "inactive", "inactive"}};
    (void)state; /* SDP-27: RFC 3264 §6.1 */
    for (int offered = 0; offered < 4; offered++)
        for (int ours = 0; ours < 4; ours++) {
            char offer[2048], line[32];
            struct duo *d = duo_new(5);
            snprintf(offer, sizeof offer, "%sa=%s\r\n", OFFER_HEAD SOUND("0", CREDENTIALS),
                     names[offered]);
            assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, offer), 0);
            struct transceiver *t = sotto__transceiver_at(d->a.peer, 0);
            sotto__transceiver_set_direction(d->a.peer, duo_now(d), t, ours);
            char *sdp = answer_of(&d->a);
            bool sends = want[offered][ours][0] == 's';
            snprintf(line, sizeof line, "a=%s$", want[offered][ours]);
            HAS_N(sdp, 0, line, 1);
            HAS_N(sdp, 0, "a=msid:- ", sotto__direction_sends(ours)); /* RFC 9429 §5.3.1 */
            HAS_N(sdp, 0, "a=ssrc:", sends);
            sotto__free(sdp);
            duo_free(d);
        }
}

static void a_stopping_transceiver_is_answered_but_takes_no_part(void **state)
{
    (void)state; /* W3C stop(): it does not affect createAnswer() */
    struct duo *d = duo_new(5);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    duo_signal(d);
    sotto__transceiver_stop(d->b.peer, duo_now(d), sotto__transceiver_at(d->b.peer, 0));
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    char *offer = local_text(&d->a);
    char *sdp = answer_to(d, &d->b, offer);
    HAS_N(sdp, 0, "m=audio 9 ", 1);
    HAS(sdp, 0, "a=inactive");
    HAS(sdp, -1, "a=group:BUNDLE 0 1");
    sotto__free(sdp);
    sotto__free(offer);
    duo_free(d);
}

static void a_section_that_the_offer_rejects_stays_rejected(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    struct transceiver *t = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    duo_signal(d);
    sotto__transceiver_stop(d->a.peer, duo_now(d), t);
    duo_signal(d);
    char *sdp = local_text(&d->b);
    HAS_N(sdp, 0, "m=audio 0 ", 1);
    HAS_N(sdp, 1, "m=video ", 1);
    HAS(sdp, -1, "a=group:BUNDLE 1");
    sotto__free(sdp);
    duo_free(d);
}

static void a_stream_that_was_named_stays_named(void **state)
{
    (void)state; /* RFC 9429 §5.3.2 */
    struct duo *d = duo_new(5);
    struct transceiver *t;
    const char *stream = "mine";
    sotto__transceiver_add_track(d->b.peer, duo_now(d), SOTTO_AUDIO, &stream, 1, &t);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    duo_signal(d);
    sotto__transceiver_set_direction(d->b.peer, duo_now(d), t, SOTTO_DIR_RECVONLY);
    duo_signal(d);
    char *sdp = local_text(&d->b);
    HAS(sdp, 0, "a=recvonly");
    HAS_N(sdp, 0, "a=msid:mine ", 1);
    HAS_NO(sdp, 0, "a=ssrc");
    sotto__free(sdp);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_section_is_answered_in_its_place),
        cmocka_unit_test(without_a_bundle_one_section_is_accepted),
        cmocka_unit_test(of_several_groups_one_is_accepted),
        cmocka_unit_test(a_section_outside_the_group_is_rejected),
        cmocka_unit_test(a_section_without_rtcp_mux_is_rejected),
        cmocka_unit_test(the_profile_is_the_offers),
        cmocka_unit_test(a_payload_type_of_two_meanings_costs_the_second),
        cmocka_unit_test(more_sections_than_there_are_transceivers_are_rejected),
        cmocka_unit_test(preferences_decide_what_there_is_in_common),
        cmocka_unit_test(nothing_is_accepted_of_an_offer_without_anything_usable),
        cmocka_unit_test(only_the_first_usable_data_section_is_accepted),
        cmocka_unit_test(without_mids_the_answer_has_none),
        cmocka_unit_test(the_answer_to_an_offer_without_mids_has_candidates),
        cmocka_unit_test(a_bundle_only_section_is_accepted_with_the_candidates_of_its_bundle),
        cmocka_unit_test(bundle_only_sections_fall_with_the_one_that_has_a_port),
        cmocka_unit_test(
            the_transport_of_a_first_answer_moves_on_when_the_first_section_is_rejected),
        cmocka_unit_test(a_later_offer_whose_tagged_section_is_rejected_is_rejected_whole),
        cmocka_unit_test(a_section_that_leaves_the_bundle_is_rejected),
        cmocka_unit_test(the_direction_is_what_both_want),
        cmocka_unit_test(a_stopping_transceiver_is_answered_but_takes_no_part),
        cmocka_unit_test(a_section_that_the_offer_rejects_stays_rejected),
        cmocka_unit_test(a_stream_that_was_named_stays_named),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
