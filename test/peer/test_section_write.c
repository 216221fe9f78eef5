/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in a section of audio or video: payload types, extensions, streams, rids, sources (RFC 9429 §5.2.1, §5.2.2). */
#include "lines.h"

/* ---- the bundle as a whole ---- */

/* Calls check with each line of the sections that begins so. */
static void each_line(const char *sdp, const char *prefix, void (*check)(const char *, void *),
                      void *with)
{
    char *copy = strdup(sdp);
    for (char *at = copy, *end; (end = strstr(at, "\r\n")); at = end + 2) {
        *end = '\0';
        if (strncmp(at, prefix, strlen(prefix)) == 0) check(at + strlen(prefix), with);
    }
    free(copy);
}

struct meanings {
    char of[256][160];
    int n;
};

static unsigned number_of(const char *value) /* that it begins with */
{
    uint64_t number;
    assert_true(sotto__str_u64((struct str){value, strspn(value, "0123456789")}, 255, &number));
    return (unsigned)number;
}

static void one_meaning(const char *value, void *with)
{
    struct meanings *m = with;
    unsigned number = number_of(value);
    const char *meaning = value + strcspn(value, " ");
    if (m->of[number][0])
        assert_string_equal(m->of[number], meaning);
    else
        snprintf(m->of[number], sizeof m->of[number], "%s", meaning), m->n++;
}

static void payload_type_is_ours(const char *value, void *with)
{
    unsigned pt = number_of(value);
    (void)with;
    assert_true(pt == 0 || pt == 8 || (pt >= 96 && pt <= 127) || (pt >= 35 && pt <= 63));
}

static void a_payload_type_means_the_same_in_all_sections_of_all_offers(void **state)
{
    (void)state; /* SDP-15, SDP-28, SDP-29: RFC 9143 §10.1.2, RFC 5761 §4 */
    struct duo *d = duo_new(3);
    struct meanings *maps = calloc(1, sizeof *maps), *params = calloc(1, sizeof *params);
    for (int round = 0; round < 3; round++) {
        add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
        add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
        char *sdp = offer_of(&d->a);
        each_line(sdp, "a=rtpmap:", one_meaning, maps);
        each_line(sdp, "a=fmtp:", one_meaning, params);
        each_line(sdp, "a=rtpmap:", payload_type_is_ours, NULL);
        assert_non_null(strstr(sdp, " opus/48000/2\r\n"));
        sotto__free(sdp);
        duo_signal(d);
    }
    assert_true(maps->n > 10);
    free(maps);
    free(params);
    duo_free(d);
}

static void the_answerer_takes_the_payload_types_over_into_its_own_offers(void **state)
{
    static const char sdp[] = OFFER_HEAD
        "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 97 96 100\r\n" TRANSPORT
        "a=mid:0\r\na=rtcp-mux\r\na=rtpmap:97 opus/48000/2\r\na=rtpmap:96 secret/8000\r\n"
        "a=rtpmap:100 PCMU/8000\r\n";
    (void)state;
    struct duo *d = duo_new(3);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_IMPLICIT), 0);
    add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    char *text = offer_of(&d->a);
    struct meanings *maps = calloc(1, sizeof *maps);
    each_line(text, "a=rtpmap:", one_meaning, maps);
    assert_string_equal(maps->of[97], " opus/48000/2");
    assert_string_equal(maps->of[96], ""); /* the remote's for something else */
    assert_string_equal(maps->of[100], " PCMU/8000");
    assert_int_equal(strncmp(line_value(text, 0, "m=audio 9 UDP/TLS/RTP/SAVPF "), "97 100 ", 7), 0);
    free(maps);
    sotto__free(text);
    duo_free(d);
}

static bool offers(const char *sdp, int section, const char *uri)
{
    char line[128], *text = section_text(sdp, section);
    snprintf(line, sizeof line, " %s\r\n", uri);
    bool has = strstr(text, line) != NULL;
    free(text);
    return has;
}

static bool offers_rids(const char *sdp, int section)
{
    return offers(sdp, section, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id") &&
           offers(sdp, section, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id");
}

static void an_extension_has_one_id_in_all_sections_of_all_offers(void **state)
{
    (void)state; /* SDP-16, SDP-19: RFC 8285 §5 */
    struct duo *d = duo_new(3);
    struct meanings *ids = calloc(1, sizeof *ids);
    for (int round = 0; round < 2; round++) {
        add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
        add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
        add_simulcast(d, &d->a, "lh");
        char *sdp = offer_of(&d->a);
        each_line(sdp, "a=extmap:", one_meaning, ids);
        for (int i = 0; i < count_sections(sdp); i++) {
            assert_true(offers(sdp, i, "urn:ietf:params:rtp-hdrext:sdes:mid"));
            HAS(sdp, i, "a=extmap-allow-mixed");
        }
        assert_false(offers_rids(sdp, 1));
        assert_true(offers_rids(sdp, 2));
        sotto__free(sdp);
        duo_signal(d);
    }
    for (int i = 15; i < 256; i++) assert_string_equal(ids->of[i], "");
    assert_string_equal(ids->of[0], "");
    free(ids);
    duo_free(d);
}

/* ---- directions and streams ---- */

static void the_direction_is_the_transceivers(void **state)
{
    static const char *const names[] = {"a=sendrecv$", "a=sendonly$", "a=recvonly$", "a=inactive$"};
    (void)state;
    struct duo *d = duo_new(3);
    for (int i = 0; i < 4; i++) add(d, &d->a, SOTTO_AUDIO, i);
    char *sdp = offer_of(&d->a);
    for (int i = 0; i < 4; i++)
        for (int n = 0; n < 4; n++) HAS_N(sdp, i, names[n], n == i);
    for (int i = 0; i < 4; i++) {
        bool sends = i < 2; /* only who sends says what */
        HAS_N(sdp, i, "a=msid:- ", sends);
        HAS_N(sdp, i, "a=ssrc:", sends);
        HAS(sdp, i, "a=maxptime:120");
    }
    sotto__free(sdp);
    duo_free(d);
}

static void streams_are_named_one_a_line(void **state)
{
    (void)state; /* RFC 8830 §2 */
    struct duo *d = duo_new(3);
    struct transceiver *t = add_streams(d, &d->a, SOTTO_VIDEO, "first", "second");
    char line[128];
    char *sdp = offer_of(&d->a);
    HAS_N(sdp, 0, "a=msid:", 2);
    snprintf(line, sizeof line, "a=msid:first %s$", t->track_id);
    HAS_N(sdp, 0, line, 1);
    snprintf(line, sizeof line, "a=msid:second %s$", t->track_id);
    HAS_N(sdp, 0, line, 1);
    HAS_NO(sdp, 0, "a=maxptime");
    sotto__free(sdp);
    duo_free(d);
}

static void streams_stay_when_sending_ends_and_follow_set_streams(void **state)
{
    (void)state; /* RFC 9429 §5.2.2; W3C setStreams() */
    static const char *const other[] = {"other"};
    struct duo *d = duo_new(3);
    struct transceiver *t = add_streams(d, &d->a, SOTTO_AUDIO, "one", NULL);
    struct transceiver *quiet = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_RECVONLY);
    duo_signal(d);
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), t, SOTTO_DIR_RECVONLY);
    char *sdp = offer_of(&d->a);
    HAS_N(sdp, 0, "a=msid:one ", 1);
    HAS_NO(sdp, 0, "a=ssrc");
    HAS_NO(sdp, 1, "a=msid:");
    sotto__free(sdp);
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), t, SOTTO_DIR_SENDRECV);
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), quiet, SOTTO_DIR_SENDRECV);
    sotto__transceiver_set_streams(d->a.peer, duo_now(d), t, other, 1);
    sdp = offer_of(&d->a);
    HAS_N(sdp, 0, "a=msid:", 1);
    HAS_N(sdp, 0, "a=msid:other ", 1);
    HAS_N(sdp, 1, "a=msid:- ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void sources_are_named_with_what_repeats_them(void **state)
{
    (void)state; /* RFC 5576 §4, RFC 4588 §8 */
    struct duo *d = duo_new(3);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    struct transceiver *t = add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDONLY);
    char line[128];
    char *sdp = offer_of(&d->a);
    assert_int_equal(strlen(d->a.peer->cname), 16);
    HAS_NO(sdp, 0, "a=ssrc-group");
    HAS_N(sdp, 0, "a=ssrc:", 1);
    snprintf(line, sizeof line, "a=ssrc-group:FID %u %u$", t->ssrc, t->rtx_ssrc);
    HAS_N(sdp, 1, line, 1);
    snprintf(line, sizeof line, "a=ssrc:%u cname:%s$", t->ssrc, d->a.peer->cname);
    HAS_N(sdp, 1, line, 1);
    snprintf(line, sizeof line, "a=ssrc:%u cname:%s$", t->rtx_ssrc, d->a.peer->cname);
    HAS_N(sdp, 1, line, 1);
    sotto__free(sdp);
    duo_free(d);
}

static void without_rtx_there_is_one_source(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    struct transceiver *t = add(d, &d->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    sotto_codec vp8 = {.size = sizeof vp8, .mime = "video/VP8", .clock_hz = 90000, .fmtp = ""};
    assert_int_equal(sotto__transceiver_set_preferences(d->a.peer, t, &vp8, 1), 0);
    char *sdp = offer_of(&d->a);
    assert_null(strchr(line_value(sdp, 0, "m=video 9 UDP/TLS/RTP/SAVPF "), ' '));
    HAS_N(sdp, 0, "a=ssrc:", 1);
    HAS_NO(sdp, 0, "a=ssrc-group");
    sotto__free(sdp);
    duo_free(d);
}

/* ---- simulcast ---- */

static void encodings_with_rids_are_offered_as_simulcast(void **state)
{
    (void)state; /* RFC 9429 §5.2.1, RFC 8853 §5.1: '~' is one that is not sent for the time being */
    struct duo *d = duo_new(3);
    struct transceiver *t = add_simulcast(d, &d->a, "qhf");
    t->encodings.items[1].inactive = true;
    char *sdp = offer_of(&d->a);
    HAS_N(sdp, 0, "a=rid:", 3);
    HAS(sdp, 0, "a=rid:q send");
    HAS(sdp, 0, "a=rid:h send");
    HAS(sdp, 0, "a=rid:f send");
    HAS(sdp, 0, "a=simulcast:send q;~h;f");
    HAS_NO(sdp, 0, "a=ssrc");
    sotto__free(sdp);
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), t, SOTTO_DIR_RECVONLY);
    sdp = offer_of(&d->a);
    HAS_NO(sdp, 0, "a=rid");
    HAS_NO(sdp, 0, "a=simulcast");
    sotto__free(sdp);
    duo_free(d);
}

static void a_negotiated_simulcast_stays_in_the_offers_of_both_sides(void **state)
{
    (void)state; /* RFC 9429 §5.2.2: a=rid and a=simulcast stay the same */
    struct duo *d = duo_new(3);
    struct transceiver *t = add_simulcast(d, &d->a, "qhf");
    t->encodings.items[0].inactive = true;
    duo_signal(d);
    char *sdp = local_text(&d->b);
    HAS(sdp, 0, "a=simulcast:recv q;h;f"); /* we pause nobody */
    HAS_N(sdp, 0, "a=rid:", 3);
    HAS(sdp, 0, "a=rid:f recv");
    sotto__free(sdp);
    sdp = offer_of(&d->b);
    HAS(sdp, 0, "a=simulcast:recv q;h;f");
    assert_true(offers_rids(sdp, 0));
    sotto__free(sdp);
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), t, SOTTO_DIR_RECVONLY);
    sdp = offer_of(&d->a);
    HAS(sdp, 0, "a=simulcast:send ~q;h;f");
    HAS(sdp, 0, "a=recvonly");
    sotto__free(sdp);
    signal_from(d, &d->b, &d->a);
    duo_free(d);
}

static void layers_of_a_pending_offer_stay_and_others_do_not_come_up(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    struct transceiver *sent = add_simulcast(d, &d->a, "ab");
    struct transceiver *quiet = add_simulcast(d, &d->a, "xy");
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), quiet, SOTTO_DIR_RECVONLY);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), sent, SOTTO_DIR_INACTIVE);
    char *sdp = offer_of(&d->a);
    HAS(sdp, 0, "a=inactive");
    HAS(sdp, 0, "a=simulcast:send a;b");
    HAS_N(sdp, 0, "a=msid:- ", 1);
    HAS_NO(sdp, 1, "a=rid");
    HAS_NO(sdp, 1, "a=simulcast");
    sotto__free(sdp);
    duo_free(d);
}

static void the_last_layer_keeps_its_rid_and_gets_a_source(void **state)
{
    static const char answer[] =
        OFFER_HEAD "a=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT
                   "a=mid:0\r\na=rtcp-mux\r\na=setup:active\r\na=rtpmap:96 VP8/90000\r\n"
                   "a=rid:b recv\r\na=simulcast:recv b\r\n";
    (void)state; /* RFC 9429 §5.2.1: a=simulcast from two on */
    struct duo *d = duo_new(3);
    struct transceiver *t = add_simulcast(d, &d->a, "abc");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, answer), 0);
    assert_int_equal(t->encodings.n, 1);
    char *sdp = offer_of(&d->a);
    HAS_N(sdp, 0, "a=rid:", 1);
    HAS(sdp, 0, "a=rid:b send");
    HAS_NO(sdp, 0, "a=simulcast");
    HAS_N(sdp, 0, "a=ssrc-group:FID ", 1);
    sotto__free(sdp);
    duo_free(d);
}

static void an_offer_to_receive_simulcast_is_answered_with_it(void **state)
{
    static const char sdp[] =
        OFFER_HEAD "a=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT
                   "a=mid:0\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n"
                   "a=rid:a recv\r\na=rid:b recv\r\na=rid:c recv\r\na=simulcast:recv a;b,c;~a\r\n"
                   "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n";
    (void)state; /* SDP-20; W3C "create an answer": first alternatives, each rid once */
    struct duo *d = duo_new(3);
    struct transceiver *t;
    assert_int_equal(sotto__transceiver_add_track(d->a.peer, duo_now(d), SOTTO_VIDEO, NULL, 0, &t),
                     0);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    char *text = answer_of(&d->a);
    HAS(text, 0, "a=sendonly");
    HAS(text, 0, "a=rid:a send");
    HAS(text, 0, "a=rid:b send");
    HAS_N(text, 0, "a=rid:", 2);
    HAS(text, 0, "a=simulcast:send a;b");
    HAS(text, 0, "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id");
    HAS_NO(text, 0, "a=ssrc");
    sotto__free(text);
    sotto__transceiver_set_direction(d->a.peer, duo_now(d), t, SOTTO_DIR_RECVONLY);
    text = answer_of(&d->a);
    HAS(text, 0, "a=inactive");
    HAS_NO(text, 0, "a=simulcast");
    sotto__free(text);
    duo_free(d);
}

static void layers_that_nobody_has_are_not_answered(void **state)
{
    static const char text[] = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT
                               "a=mid:0\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
                               "a=rid:a recv\r\na=rid:b recv\r\na=rid:x recv\r\n"
                               "a=extmap:6 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n";
    (void)state; /* W3C "create an answer": what is not in SendEncodings is left out */
    char sdp[4096];
    struct duo *d = duo_new(3);
    add_simulcast(d, &d->a, "abc");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    snprintf(sdp, sizeof sdp, "%sa=group:BUNDLE 0\r\n%sa=setup:active\r\na=simulcast:recv a;b\r\n",
             OFFER_HEAD, text);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, sdp), 0);
    snprintf(sdp, sizeof sdp,
             "%sa=group:BUNDLE 0\r\n%sa=setup:actpass\r\na=simulcast:recv x;b;a\r\n", OFFER_HEAD,
             text);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, sdp), 0);
    char *answer = answer_of(&d->a);
    HAS(answer, 0, "a=simulcast:send b;a");
    HAS_N(answer, 0, "a=rid:", 2);
    sotto__free(answer);
    duo_free(d);
}

/* ---- later offers ---- */

/* The remote takes PCMA first, and then opus under the number that it was offered; returns the list of formats that was offered. */
static const char *settle_audio(struct duo *d, struct transceiver *t)
{
    static char first[128];
    char answer[2048];
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    char *sdp = local_text(&d->a);
    snprintf(first, sizeof first, "%s", line_value(sdp, 0, "m=audio 9 UDP/TLS/RTP/SAVPF "));
    sotto__free(sdp);
    unsigned opus = number_of(first);
    snprintf(answer, sizeof answer,
             "%sa=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8 %u\r\n%sa=mid:0\r\n"
             "a=setup:active\r\na=rtcp-mux\r\na=rtpmap:%u opus/48000/2\r\n",
             OFFER_HEAD, opus, TRANSPORT, opus);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ANSWER, answer), 0);
    assert_int_equal(t->send.n, 2);
    return first;
}

static void codecs_stand_in_the_order_of_the_last_answer(void **state)
{
    (void)state; /* RFC 9429 §5.2.2; and a=rtcp-rsize only if that had it */
    struct duo *d = duo_new(3);
    char want[128];
    const char *first = settle_audio(d, add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV));
    struct str rest = sotto__str(first), opus = sotto__str_word(&rest), pt;
    snprintf(want, sizeof want, "8 %.*s", (int)opus.n, opus.p);
    while ((pt = sotto__str_word(&rest)).n > 0) /* what the answer left out comes behind */
        if (!sotto__str_eq(pt, STR("8")))
            snprintf(want + strlen(want), sizeof want - strlen(want), " %.*s", (int)pt.n, pt.p);
    add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    char *sdp = offer_of(&d->a);
    assert_string_equal(line_value(sdp, 0, "m=audio 9 UDP/TLS/RTP/SAVPF "), want);
    HAS_NO(sdp, 0, "a=rtcp-rsize");
    assert_string_equal(line_value(sdp, 1, "m=audio 9 UDP/TLS/RTP/SAVPF "), first);
    HAS(sdp, 1, "a=rtcp-rsize");
    sotto__free(sdp);
    duo_free(d);
}

static void preferences_come_before_the_order_of_the_last_answer(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    struct transceiver *t = add(d, &d->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    settle_audio(d, t);
    sotto_codec wanted[] = {
        {.size = sizeof *wanted, .mime = "audio/PCMU", .clock_hz = 8000, .channels = 1, .fmtp = ""},
        {.size = sizeof *wanted,
         .mime = "audio/PCMA",
         .clock_hz = 8000,
         .channels = 1,
         .fmtp = ""}};
    assert_int_equal(sotto__transceiver_set_preferences(d->a.peer, t, wanted, 2), 0);
    char *sdp = offer_of(&d->a);
    HAS(sdp, 0, "m=audio 9 UDP/TLS/RTP/SAVPF 0 8");
    sotto__free(sdp);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_type_means_the_same_in_all_sections_of_all_offers),
        cmocka_unit_test(the_answerer_takes_the_payload_types_over_into_its_own_offers),
        cmocka_unit_test(an_extension_has_one_id_in_all_sections_of_all_offers),
        cmocka_unit_test(the_direction_is_the_transceivers),
        cmocka_unit_test(streams_are_named_one_a_line),
        cmocka_unit_test(streams_stay_when_sending_ends_and_follow_set_streams),
        cmocka_unit_test(sources_are_named_with_what_repeats_them),
        cmocka_unit_test(without_rtx_there_is_one_source),
        cmocka_unit_test(encodings_with_rids_are_offered_as_simulcast),
        cmocka_unit_test(a_negotiated_simulcast_stays_in_the_offers_of_both_sides),
        cmocka_unit_test(layers_of_a_pending_offer_stay_and_others_do_not_come_up),
        cmocka_unit_test(the_last_layer_keeps_its_rid_and_gets_a_source),
        cmocka_unit_test(an_offer_to_receive_simulcast_is_answered_with_it),
        cmocka_unit_test(layers_that_nobody_has_are_not_answered),
        cmocka_unit_test(codecs_stand_in_the_order_of_the_last_answer),
        cmocka_unit_test(preferences_come_before_the_order_of_the_last_answer),
    };
    return cmocka_run_group_tests_name("section_write", tests, NULL, NULL);
}
