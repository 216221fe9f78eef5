/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codecs through whole negotiations: what we offer, what is answered to offers of every kind, preferences, payload types over the
 * bundle, feedback, header extensions (RFC 9429 §5.2.1, §5.3.1; RFC 9143 §9–10; RFC 6184, 7587, 5761; SDP-15, SDP-18 to SDP-20,
 * SDP-28 to SDP-30).
 */
#include "nego.h"
#include "nego_sdp.h"

/* "PT NAME" of each rtpmap, in the order of the m= line. */
static char *codecs(struct nego *n, const char *sdp, int section)
{
    char *m = sdp_value(n, sdp, section, "m="), *text = nego_text(n, "%s", "");
    char *fmts = strstr(m, " RTP/") ? strstr(m, " RTP/") + 5 : strstr(m, "SAVPF ") + 6;
    for (char *at = fmts; *at;) {
        size_t len = strcspn(at, " ");
        char *pt = nego_text(n, "%.*s", (int)len, at);
        char *name = sdp_value(n, sdp, section, nego_text(n, "a=rtpmap:%s ", pt));
        text = nego_text(n, "%s%s%s=%s", text, text[0] ? " " : "", pt, name ? name : "?");
        at += len + (at[len] == ' ');
    }
    return text;
}

static bool has_codec(struct nego *n, const char *sdp, int section, const char *name)
{
    return strstr(codecs(n, sdp, section), nego_text(n, "=%s", name)) != NULL;
}

/* ---- what we offer ---- */

static const struct {
    const char *name;
    int32_t kind;
    const char *codec;
} offered[] = {
    {"opus_is_offered", SOTTO_AUDIO, "opus/48000/2"},
    {"pcmu_is_offered", SOTTO_AUDIO, "PCMU/8000"},
    {"pcma_is_offered", SOTTO_AUDIO, "PCMA/8000"},
    {"telephone_event_is_offered", SOTTO_AUDIO, "telephone-event/"},
    {"red_is_offered", SOTTO_AUDIO, "red/48000/2"},
    {"vp8_is_offered", SOTTO_VIDEO, "VP8/90000"},
    {"vp9_is_offered", SOTTO_VIDEO, "VP9/90000"},
    {"h264_is_offered", SOTTO_VIDEO, "H264/90000"},
    {"h265_is_offered", SOTTO_VIDEO, "H265/90000"},
    {"av1_is_offered", SOTTO_VIDEO, "AV1/90000"},
    {"rtx_is_offered", SOTTO_VIDEO, "rtx/90000"},
};

static void is_offered(void **state)
{
    const struct {
        const char *name;
        int32_t kind;
        const char *codec;
    } *row = *state;
    struct nego *n = nego_alone();
    nego_add(&n->a, row->kind, SOTTO_DIR_SENDRECV, NULL);
    assert_true(has_codec(n, nego_offer(&n->a), 0, row->codec));
    nego_free(n);
}

/* proves: SDP-15 */
static void payload_types_mean_one_codec_in_the_whole_offer(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char meaning[128][128] = {{0}};
    for (int i = 0; i < 6; i++)
        nego_add(&n->a, i % 2 ? SOTTO_AUDIO : SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    char *offer = nego_offer(&n->a);
    for (int i = 0; i < 6; i++) {
        char *list = codecs(n, offer, i);
        for (char *at = list; *at; at += strcspn(at, " "), at += *at == ' ') {
            int pt = (int)strtol(at, NULL, 10);
            char *fmtp = sdp_value(n, offer, i, nego_text(n, "a=fmtp:%d ", pt));
            char *what = nego_text(n, "%.*s %s", (int)strcspn(at, " "), at, fmtp ? fmtp : "");
            assert_true(pt == 0 || pt == 8 || (pt >= 96 && pt < 128) || (pt >= 35 && pt < 64));
            if (meaning[pt][0]) assert_string_equal(meaning[pt], what);
            snprintf(meaning[pt], sizeof meaning[pt], "%s", what);
        }
    }
    nego_free(n);
}

static void payload_types_stay_over_offers(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_exchange(&n->a);
    char *before = codecs(n, nego_local(&n->a), 0);
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_exchange(&n->a);
    assert_string_equal(codecs(n, nego_local(&n->a), 0), before);
    nego_exchange(&n->b);
    assert_string_equal(codecs(n, nego_local(&n->b), 0), before);
    nego_free(n);
}

/* ---- what we answer ---- */

#define AUDIO(fmts, lines)                                                                         \
    {                                                                                              \
        .s = { {"m=audio 9 UDP/TLS/RTP/SAVPF " fmts, .extra = "a=rtcp-mux\r\n" lines} }            \
    }
#define VIDEO(fmts, lines)                                                                         \
    {                                                                                              \
        .s = { {"m=video 9 UDP/TLS/RTP/SAVPF " fmts, .extra = "a=rtcp-mux\r\n" lines} }            \
    }
#define H264(pt, params) "a=rtpmap:" pt " H264/90000\r\na=fmtp:" pt " " params "\r\n"

static const struct {
    const char *name;
    struct paper offer;
    const char *want; /* of codecs(), NULL: rejected */
} answers[] = {
    {"an_answer_keeps_the_numbers_and_the_order_of_the_offer",
     AUDIO("8 120 0", "a=rtpmap:120 opus/48000/2\r\n"), "8=PCMA/8000 120=opus/48000/2 0=PCMU/8000"},
    {"static_payload_types_need_no_rtpmap", AUDIO("0 8", ""), "0=PCMU/8000 8=PCMA/8000"},
    {"unknown_codecs_are_left_out",
     AUDIO("9 103 111", "a=rtpmap:9 G722/8000\r\na=rtpmap:103 ISAC/16000\r\na=rtpmap:111 "
                        "opus/48000/2\r\n"),
     "111=opus/48000/2"},
    {"codecs_are_named_without_regard_to_case", AUDIO("111", "a=rtpmap:111 OPUS/48000/2\r\n"),
     "111=opus/48000/2"},
    {"opus_at_another_rate_is_refused", AUDIO("111", "a=rtpmap:111 opus/16000/2\r\n"), NULL},
    {"opus_with_one_channel_is_refused", AUDIO("111", "a=rtpmap:111 opus/48000\r\n"), NULL},
    {"telephone_events_alone_are_refused", AUDIO("101", "a=rtpmap:101 telephone-event/8000\r\n"),
     NULL},
    {"a_section_without_a_codec_in_common_is_rejected",
     VIDEO("100", "a=rtpmap:100 theora/90000\r\n"), NULL},
    {"rtx_without_what_it_repeats_is_left_out",
     VIDEO("96 97", "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=99\r\n"),
     "96=VP8/90000"},
    /* proves: H015 */
    {"rtx_that_repeats_itself_is_left_out",
     VIDEO("96 97", "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=97\r\n"),
     "96=VP8/90000"},
    {"rtx_alone_is_refused", VIDEO("97", "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=97\r\n"), NULL},
    {"payload_types_of_rtcp_are_left_out",
     AUDIO("64 95 111",
           "a=rtpmap:64 opus/48000/2\r\na=rtpmap:95 opus/48000/2\r\na=rtpmap:111 opus/48000/2\r\n"),
     "111=opus/48000/2"},
    {"a_section_with_payload_types_of_rtcp_alone_is_rejected",
     AUDIO("72", "a=rtpmap:72 opus/48000/2\r\n"), NULL},
    {"h264_with_packetization_mode_1_is_taken",
     VIDEO("102",
           H264("102", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")),
     "102=H264/90000"},
    {"h264_with_packetization_mode_0_is_taken",
     VIDEO("102", H264("102", "packetization-mode=0;profile-level-id=42e01f")), "102=H264/90000"},
    {"h264_without_packetization_mode_means_0",
     VIDEO("102", H264("102", "profile-level-id=42e01f")), "102=H264/90000"},
    {"h264_with_packetization_mode_2_is_refused",
     VIDEO("102", H264("102", "packetization-mode=2;profile-level-id=42e01f")), NULL},
    {"h264_with_a_profile_that_is_no_hex_is_refused",
     VIDEO("102", H264("102", "packetization-mode=1;profile-level-id=zz")), NULL},
    {"vp9_profile_0_is_taken", VIDEO("98", "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\n"),
     "98=VP9/90000"},
    {"av1_is_taken",
     VIDEO("45", "a=rtpmap:45 AV1/90000\r\na=fmtp:45 level-idx=5;profile=0;tier=0\r\n"),
     "45=AV1/90000"},
};

static void is_answered(void **state)
{
    const struct {
        const char *name;
        struct paper offer;
        const char *want;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = row->offer;
    p.s[1] = (struct paper_section){"data"}; /* so that something is left if the other is rejected */
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_int_equal(sdp_is_rejected(n, answer, 0), row->want == NULL);
    assert_false(sdp_is_rejected(n, answer, 1));
    if (row->want) assert_string_equal(codecs(n, answer, 0), row->want);
    assert_int_equal(nego_count_transceivers(&n->a), row->want != NULL);
    nego_free(n);
}

static void a_payload_type_with_two_meanings_in_a_bundle_is_not_taken_twice(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"m=audio 9 UDP/TLS/RTP/SAVPF 111",
                             .extra = "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"},
                            {"m=video 9 UDP/TLS/RTP/SAVPF 111",
                             .extra = "a=rtcp-mux\r\na=rtpmap:111 VP8/90000\r\n"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_false(sdp_is_rejected(n, answer, 0));
    assert_true(sdp_is_rejected(n, answer, 1));
    nego_free(n);
}

/* proves: H014 */
static void a_number_beyond_127_is_never_a_payload_type(void **state)
{
    (void)state;
    static const char *const fmts[] = {"128 111", "-1 111", "4294967296 111", "x 111"};
    for (size_t i = 0; i < sizeof fmts / sizeof *fmts; i++) {
        struct nego *n = nego_alone();
        char *m = nego_text(n, "m=audio 9 UDP/TLS/RTP/SAVPF %s", fmts[i]);
        struct paper p = {.s = {{m, .extra = "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"}}};
        int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
        assert_true(r == 0 || r == SOTTO_E_SYNTAX);
        if (r == 0) assert_string_equal(codecs(n, nego_answer(&n->a), 0), "111=opus/48000/2");
        nego_free(n);
    }
}

/* ---- preferences ---- */

static void prefer(sotto_transceiver *t, int32_t kind, const char *const *mimes, size_t n)
{
    sotto_codecs *all = NULL;
    sotto_codec items[16];
    size_t k = 0;
    assert_int_equal(sotto_capabilities(kind, &all), 0);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < all->n; j++)
            if (strcasecmp(all->items[j].mime, mimes[i]) == 0) {
                items[k++] = all->items[j];
                break;
            }
    assert_int_equal(k, n);
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, items, n), 0);
    sotto_free(all);
}

static const char *const swapped[] = {"audio/PCMA", "audio/opus"};

static void codec_preferences_order_the_offer(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    char *all = codecs(n, nego_make_offer(&n->a), 0);
    prefer(t, SOTTO_AUDIO, swapped, 2);
    char *some = codecs(n, nego_make_offer(&n->a), 0);
    assert_int_equal(sdp_count(some, "="), 2);
    assert_true(strstr(some, "PCMA") < strstr(some, "opus"));
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, NULL, 0), 0);
    assert_int_equal(sdp_count(codecs(n, nego_make_offer(&n->a), 0), "="), sdp_count(all, "="));
    nego_free(n);
}

static void codec_preferences_order_the_answer(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"audio"}}}; /* 111 opus, 0 PCMU, 8 PCMA */
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    prefer(nego_at(&n->a, 0), SOTTO_AUDIO, swapped, 2);
    assert_string_equal(codecs(n, nego_answer(&n->a), 0), "8=PCMA/8000 111=opus/48000/2");
    nego_free(n);
}

static void codec_preferences_without_rtx_disable_it(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    static const char *const vp8[] = {"video/VP8"}, *const both[] = {"video/VP8", "video/rtx"};
    sotto_transceiver *t = nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    prefer(t, SOTTO_VIDEO, vp8, 1);
    assert_false(has_codec(n, nego_make_offer(&n->a), 0, "rtx"));
    prefer(t, SOTTO_VIDEO, both, 2);
    assert_true(has_codec(n, nego_make_offer(&n->a), 0, "rtx"));
    nego_free(n);
}

static void codec_preferences_that_the_offer_lacks_reject_the_section(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    static const char *const av1[] = {"video/AV1"};
    struct paper p = {.s = {{"video"}, {"data"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    prefer(nego_at(&n->a, 0), SOTTO_VIDEO, av1, 1);
    sdp_expect(n, nego_answer(&n->a), "0 video rejected; 1 application");
    nego_free(n);
}

/* RFC 7587 §7.1: it is in the descriptions of who asks, and in what the other one is to send; again and again. */
static void stereo_is_asked_for(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    const sotto_codec c = {.size = sizeof c,
                           .mime = "audio/opus",
                           .clock_hz = 48000,
                           .channels = 2,
                           .fmtp = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"};
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, &c, 1), 0);
    for (int i = 0; i < 4; i++) {
        sotto_codecs *sent = NULL, *back = NULL;
        nego_exchange(i % 2 == 0 ? &n->a : &n->b);
        assert_int_equal(sotto_transceiver_codec(nego_at(&n->b, 0), &sent), 0);
        assert_string_equal(sent->items[0].fmtp, c.fmtp);
        assert_int_equal(sotto_transceiver_codec(t, &back), 0);
        assert_string_equal(back->items[0].fmtp, "minptime=10;useinbandfec=1");
        sotto_free(sent);
        sotto_free(back);
    }
    nego_free(n);
}

static void codecs_that_nobody_has_cannot_be_preferred(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    sotto_codec c = {.size = sizeof c, .mime = "video/theora", .clock_hz = 90000, .fmtp = ""};
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, &c, 1), SOTTO_E_MODIFICATION);
    c.mime = "audio/opus";
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, &c, 1), SOTTO_E_MODIFICATION);
    c.mime = "video/rtx";
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, &c, 1), SOTTO_E_MODIFICATION);
    assert_true(has_codec(n, nego_make_offer(&n->a), 0, "VP8"));
    nego_free(n);
}

static void preferences_of_both_sides_meet(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    static const char *const some[] = {"video/VP9", "video/VP8"}, *const one[] = {"video/VP8"};
    sotto_transceiver *t = nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    prefer(t, SOTTO_VIDEO, some, 2);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    prefer(nego_at(&n->b, 0), SOTTO_VIDEO, one, 1);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    sotto_codecs *c = NULL;
    assert_int_equal(sotto_transceiver_codec(t, &c), 0);
    assert_int_equal(c->n, 1);
    assert_string_equal(c->items[0].mime, "video/VP8");
    sotto_free(c);
    nego_free(n);
}

/* ---- what was negotiated ---- */

static void the_codecs_that_were_negotiated_are_told_with_the_remotes_numbers(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    sotto_codecs *c = NULL;
    assert_int_equal(sotto_transceiver_codec(t, &c), SOTTO_E_STATE);
    char *answer = paper_answer(n, nego_offer(&n->a));
    assert_int_equal(sotto_transceiver_codec(t, &c), SOTTO_E_STATE);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_int_equal(sotto_transceiver_codec(t, &c), 0);
    char *first = codecs(n, answer, 0);
    assert_string_equal(c->items[0].mime, "audio/opus");
    assert_int_equal(c->items[0].payload_type, strtol(first, NULL, 10));
    assert_true(c->items[0].clock_hz == 48000 && c->items[0].channels == 2);
    assert_true(c->n_extensions > 0);
    sotto_free(c);
    nego_free(n);
}

static void an_answer_with_fewer_codecs_narrows_what_is_sent(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    char *answer = paper_answer(n, nego_offer(&n->a));
    sotto_codecs *c = NULL;
    answer = sdp_set(n, answer, 0, "m=", "m=audio 9 UDP/TLS/RTP/SAVPF 8");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_int_equal(sotto_transceiver_codec(t, &c), 0);
    assert_int_equal(c->n, 1);
    assert_int_equal(c->items[0].payload_type, 8);
    sotto_free(c);
    nego_free(n);
}

static void a_pending_offer_does_not_change_what_is_sent(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add(&n->a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, NULL);
    nego_exchange(&n->a);
    char *before = nego_snapshot(&n->a);
    prefer(t, SOTTO_AUDIO, swapped, 1);
    nego_offer(&n->a);
    sotto_codecs *c = NULL;
    assert_int_equal(sotto_transceiver_codec(t, &c), 0);
    assert_string_equal(c->items[0].mime, "audio/opus");
    sotto_free(c);
    nego_rollback(&n->a);
    assert_int_equal(sotto_transceiver_set_codec_preferences(t, NULL, 0), 0);
    assert_string_equal(nego_snapshot(&n->a), before);
    nego_free(n);
}

/* ---- feedback, extensions, bandwidth ---- */

static void feedback_is_what_both_have(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = VIDEO("96", "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack "
                                 "pli\r\na=rtcp-fb:96 nack rpsi\r\na=rtcp-fb:96 foo bar\r\n");
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_true(sdp_has(n, answer, 0, "a=rtcp-fb:96 nack\r\n"));
    assert_true(sdp_has(n, answer, 0, "a=rtcp-fb:96 nack pli"));
    assert_int_equal(sdp_count(answer, "a=rtcp-fb:"), 2);
    nego_free(n);
}

/* proves: SDP-18 RTP-03 */
static void rtcp_of_reduced_size_is_offered_and_answered_only_if_offered(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"video"}}};
    nego_add(&n->a, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    char *offer = nego_make_offer(&n->a);
    assert_true(sdp_has(n, offer, 0, "a=rtcp-rsize") && sdp_has(n, offer, 0, "a=rtcp-mux"));
    char *with = paper_write(n, &p);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, with);
    assert_int_equal(sdp_count(nego_make_answer(&n->a), "a=rtcp-rsize"), 1);
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, sdp_drop(n, with, 0, "a=rtcp-rsize"));
    assert_int_equal(sdp_count(nego_make_answer(&n->a), "a=rtcp-rsize"), 0);
    nego_free(n);
}

static const struct {
    const char *name, *lines, *want, *gone; /* a line of the answer; one that it must not have */
} extensions[] = {
    /* proves: SDP-16 */
    {"an_extension_is_answered_with_its_id", "a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
     "a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid", NULL},
    {"an_unknown_extension_is_not_answered", "a=extmap:7 urn:x:y\r\n", NULL, "a=extmap:7"},
    {"an_extension_with_id_0_is_not_answered", "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
     NULL, "a=extmap:0"},
    /* proves: SDP-19 */
    {"an_extension_with_id_15_is_not_answered",
     "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", NULL, "a=extmap:15"},
    {"an_extension_with_id_300_is_not_answered",
     "a=extmap:300 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", NULL, "a=extmap:300"},
    {"two_byte_ids_are_answered",
     "a=extmap-allow-mixed\r\na=extmap:20 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
     "a=extmap:20 urn:ietf:params:rtp-hdrext:sdes:mid", NULL},
    {"mixed_lengths_are_allowed_if_the_offer_allows_them", "a=extmap-allow-mixed\r\n",
     "a=extmap-allow-mixed", NULL},
    {"a_sendonly_extension_is_answered_recvonly",
     "a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
     "a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:sdes:mid", NULL},
};

static void extension(void **state)
{
    const struct {
        const char *name, *lines, *want, *gone;
    } *row = *state;
    struct nego *n = nego_alone();
    char *extra = nego_text(n, "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n%s", row->lines);
    struct paper p = {.s = {{"m=video 9 UDP/TLS/RTP/SAVPF 96", .extra = extra}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    if (row->want)
        assert_true(sdp_has(n, answer, 0, row->want) || sdp_has(n, answer, SDP_SESSION, row->want));
    if (row->gone) assert_false(sdp_has(n, answer, 0, row->gone));
    nego_free(n);
}

static void ids_of_extensions_mean_one_thing_in_the_whole_offer(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char meaning[256][160] = {{0}};
    for (int i = 0; i < 4; i++)
        nego_add(&n->a, i % 2 ? SOTTO_AUDIO : SOTTO_VIDEO, SOTTO_DIR_SENDRECV, NULL);
    nego_add_rids(&n->a, "h,l");
    char *offer = nego_offer(&n->a);
    int found = 0;
    for (char *at = offer; (at = strstr(at, "a=extmap:")); found++) {
        at += strlen("a=extmap:");
        long id = strtol(at, NULL, 10);
        char *uri = nego_text(n, "%.*s", (int)strcspn(strchr(at, ' '), "\r"), strchr(at, ' '));
        assert_true(id >= 1 && id <= 14);
        if (meaning[id][0]) assert_string_equal(meaning[id], uri);
        snprintf(meaning[id], sizeof meaning[id], "%s", uri);
    }
    assert_true(found > 15);
    nego_free(n);
}

static const struct {
    const char *name, *line;
} bandwidths[] = {
    /* proves: SDP-33 */
    {"a_bandwidth_of_0_is_taken", "b=AS:0"},
    /* proves: SDP-33 */
    {"a_bandwidth_of_32_bits_is_taken", "b=AS:4294967295"},
    {"a_bandwidth_beyond_64_bits_does_no_harm", "b=TIAS:99999999999999999999999"},
    {"an_unknown_bandwidth_is_ignored", "b=XX:1"},
};

static void bandwidth(void **state)
{
    const struct {
        const char *name, *line;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {.s = {{"video"}}};
    nego_track(&n->a, SOTTO_VIDEO, "s");
    char *offer = paper_write(n, &p), *c = "c=IN IP4 0.0.0.0";
    int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER,
                            sdp_set(n, offer, 0, "c=", nego_text(n, "%s\r\n%s", c, row->line)));
    assert_true(r == 0 || (r == SOTTO_E_SYNTAX && strstr(row->line, "9999"))); /* no number */
    if (r == 0) sdp_expect(n, nego_answer(&n->a), "0 video sendrecv");
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, offered, is_offered);
    NEGO_TEST(&u, payload_types_mean_one_codec_in_the_whole_offer);
    NEGO_TEST(&u, payload_types_stay_over_offers);
    NEGO_ROWS(&u, answers, is_answered);
    NEGO_TEST(&u, a_payload_type_with_two_meanings_in_a_bundle_is_not_taken_twice);
    NEGO_TEST(&u, a_number_beyond_127_is_never_a_payload_type);
    NEGO_TEST(&u, codec_preferences_order_the_offer);
    NEGO_TEST(&u, codec_preferences_order_the_answer);
    NEGO_TEST(&u, codec_preferences_without_rtx_disable_it);
    NEGO_TEST(&u, codec_preferences_that_the_offer_lacks_reject_the_section);
    NEGO_TEST(&u, stereo_is_asked_for);
    NEGO_TEST(&u, codecs_that_nobody_has_cannot_be_preferred);
    NEGO_TEST(&u, preferences_of_both_sides_meet);
    NEGO_TEST(&u, the_codecs_that_were_negotiated_are_told_with_the_remotes_numbers);
    NEGO_TEST(&u, an_answer_with_fewer_codecs_narrows_what_is_sent);
    NEGO_TEST(&u, a_pending_offer_does_not_change_what_is_sent);
    NEGO_TEST(&u, feedback_is_what_both_have);
    NEGO_TEST(&u, rtcp_of_reduced_size_is_offered_and_answered_only_if_offered);
    NEGO_ROWS(&u, extensions, extension);
    NEGO_TEST(&u, ids_of_extensions_mean_one_thing_in_the_whole_offer);
    NEGO_ROWS(&u, bandwidths, bandwidth);
    return nego_suite_run(&u, "negotiation: media");
}
