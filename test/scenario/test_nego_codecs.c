/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codecs in negotiation: what is answered to what is offered (RFC 9429 §5.3.1; RFC 6184, 7798, 9628, 7587, 4588, 2198, 4733), the
 * order that applications prefer, numbers of payload types over the bundle and over the life of a connection, feedback.
 */
#include "nego_more.h"

/* ---- what is answered ---- */

struct answered {
    const char *name, *kind, *formats, *lines; /* offered */
    const char *want;                          /* formats of the answer; NULL: port 0 */
    const char *has, *has_not;                 /* lines of the answer */
};

#define VP8 "rtpmap:96 VP8/90000"
#define RTX "rtpmap:97 rtx/90000|fmtp:97 apt=96"
#define OPUS "rtpmap:111 opus/48000/2"
#define H264_FMTP(name, fmtp, want, has)                                                           \
    {                                                                                              \
        name, "video", "102", "rtpmap:102 H264/90000|fmtp:102 " fmtp, want, has, NULL              \
    }
#define H265_FMTP(name, fmtp, want, has)                                                           \
    {                                                                                              \
        name, "video", "49", "rtpmap:49 H265/90000|fmtp:49 " fmtp, want, has, NULL                 \
    }

/* SDP-30: RFC 6184 §8.2.2. */
static const struct answered h264[] = {
    /* proves: SDP-30 */
    H264_FMTP("h264_constrained_baseline_in_mode_1",
              "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", "102",
              "a=fmtp:102 "
              "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"),
    H264_FMTP("h264_constrained_baseline_in_mode_0", "packetization-mode=0;profile-level-id=42e01f",
              "102", "a=fmtp:102 packetization-mode=0;profile-level-id=42e01f\r\n"),
    /* proves: SDP-30 */
    H264_FMTP("h264_without_a_mode_is_mode_0", "profile-level-id=42e01f", "102",
              "a=fmtp:102 packetization-mode=0;profile-level-id=42e01f\r\n"),
    /* proves: SDP-30 */
    H264_FMTP("h264_in_mode_2_is_not_supported", "packetization-mode=2;profile-level-id=42e01f",
              NULL, NULL),
    H264_FMTP("h264_baseline", "packetization-mode=1;profile-level-id=42001f", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=42001f\r\n"),
    H264_FMTP("h264_main", "packetization-mode=1;profile-level-id=4d001f", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=4d001f\r\n"),
    H264_FMTP("h264_main_in_mode_0_is_not_ours", "packetization-mode=0;profile-level-id=4d001f",
              NULL, NULL),
    H264_FMTP("h264_high", "packetization-mode=1;profile-level-id=64001f", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=64001f\r\n"),
    H264_FMTP("h264_high_10_is_not_supported", "packetization-mode=1;profile-level-id=6e001f", NULL,
              NULL),
    /* proves: SDP-30 */
    H264_FMTP("h264_main_with_set_0_is_constrained_baseline",
              "packetization-mode=1;profile-level-id=4de01f", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=4de01f\r\n"),
    /* proves: SDP-30 */
    H264_FMTP("h264_level_5_2_without_asymmetry_is_answered_with_ours",
              "packetization-mode=1;profile-level-id=42e034", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n"),
    /* proves: SDP-30 */
    H264_FMTP("h264_level_1_1_without_asymmetry_stays",
              "packetization-mode=1;profile-level-id=42e00b", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=42e00b\r\n"),
    /* proves: SDP-30 */
    H264_FMTP("h264_level_1_1_with_asymmetry_is_answered_with_ours",
              "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e00b", "102",
              "a=fmtp:102 "
              "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"),
    H264_FMTP("h264_asymmetry_of_0_is_none",
              "level-asymmetry-allowed=0;packetization-mode=1;profile-level-id=42e00b", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=42e00b\r\n"),
    /* proves: SDP-30 */
    H264_FMTP("h264_without_a_profile_is_baseline_level_1", "packetization-mode=1", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=42000a\r\n"),
    H264_FMTP("h264_in_capitals_is_the_same", "packetization-mode=1;profile-level-id=42E01F", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n"),
    H264_FMTP("h264_of_another_order_of_parameters",
              "profile-level-id=42e01f;sprop-parameter-sets=Z0IA,aM4;packetization-mode=1", "102",
              "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n"),
    H264_FMTP("h264_with_a_profile_that_is_no_hex", "profile-level-id=zz", NULL, NULL),
    H264_FMTP("h264_with_a_profile_of_five_digits", "profile-level-id=42e01", NULL, NULL),
    {"h264_twice_is_two_codecs_in_their_order", "video", "103 102",
     "rtpmap:102 H264/90000|fmtp:102 packetization-mode=1;profile-level-id=42e01f|"
     "rtpmap:103 H264/90000|fmtp:103 packetization-mode=0;profile-level-id=42e01f",
     "103 102", "a=fmtp:102 packetization-mode=1|a=fmtp:103 packetization-mode=0", NULL},
    {"h264_beside_one_that_is_not_supported", "video", "102 103",
     "rtpmap:102 H264/90000|fmtp:102 packetization-mode=1;profile-level-id=f4001f|"
     "rtpmap:103 H264/90000|fmtp:103 packetization-mode=1;profile-level-id=42e01f",
     "103", NULL, "a=rtpmap:102"},
};

static const struct answered video[] = {
    {"vp8_with_its_rtx", "video", "96 97", VP8 "|" RTX, "96 97", "a=fmtp:97 apt=96\r\n", NULL},
    /* proves: H015 */
    {"rtx_whose_codec_is_not_there_is_dropped", "video", "96 97",
     VP8 "|rtpmap:97 rtx/90000|fmtp:97 apt=98", "96", NULL, "a=rtpmap:97"},
    {"rtx_whose_codec_is_not_supported_goes_with_it", "video", "96 97 98 99",
     VP8 "|" RTX "|rtpmap:98 theora/90000|rtpmap:99 rtx/90000|fmtp:99 apt=98", "96 97", NULL,
     "a=rtpmap:99"},
    {"rtx_without_apt_is_dropped", "video", "96 97", VP8 "|rtpmap:97 rtx/90000", "96", NULL,
     "a=rtpmap:97"},
    {"rtx_before_its_codec", "video", "97 96", VP8 "|" RTX, "97 96", NULL, NULL},
    {"rtx_alone_is_no_video", "video", "97", "rtpmap:97 rtx/90000|fmtp:97 apt=96", NULL, NULL,
     NULL},
    {"rtx_with_a_time_keeps_apt", "video", "96 97",
     VP8 "|rtpmap:97 rtx/90000|fmtp:97 apt=96;rtx-time=3000", "96 97", "a=fmtp:97 apt=96", NULL},
    {"vp9_without_a_profile_is_profile_0", "video", "98", "rtpmap:98 VP9/90000", "98",
     "a=fmtp:98 profile-id=0\r\n", NULL},
    {"vp9_of_profile_2", "video", "100", "rtpmap:100 VP9/90000|fmtp:100 profile-id=2", "100",
     "a=fmtp:100 profile-id=2\r\n", NULL},
    {"vp9_of_profile_1_is_not_supported", "video", "98 96",
     VP8 "|rtpmap:98 VP9/90000|fmtp:98 profile-id=1", "96", NULL, "a=rtpmap:98"},
    {"av1_without_parameters_is_profile_0", "video", "45", "rtpmap:45 AV1/90000", "45",
     "a=fmtp:45 level-idx=5;profile=0;tier=0\r\n", NULL},
    {"av1_of_profile_1_is_not_supported", "video", "45 96",
     VP8 "|rtpmap:45 AV1/90000|fmtp:45 level-idx=5;profile=1;tier=0", "96", NULL, "a=rtpmap:45"},
    {"av1_of_the_old_name_is_not_the_same", "video", "45 96", VP8 "|rtpmap:45 AV1X/90000", "96",
     NULL, NULL},
    H265_FMTP("h265_main", "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST", "49",
              "a=fmtp:49 level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST\r\n"),
    H265_FMTP("h265_of_a_lower_level_is_answered_with_that", "level-id=60;profile-id=1", "49",
              "a=fmtp:49 level-id=60"),
    H265_FMTP("h265_of_a_higher_level_is_answered_with_ours", "level-id=180;profile-id=1", "49",
              "a=fmtp:49 level-id=93"),
    H265_FMTP("h265_main_10_is_not_supported", "level-id=93;profile-id=2", NULL, NULL),
    H265_FMTP("h265_of_the_high_tier_is_not_supported", "level-id=93;profile-id=1;tier-flag=1",
              NULL, NULL),
    H265_FMTP("h265_over_several_streams_is_not_supported", "level-id=93;profile-id=1;tx-mode=MRST",
              NULL, NULL),
    {"names_of_codecs_have_no_case", "video", "96", "rtpmap:96 vp8/90000", "96",
     "a=rtpmap:96 VP8/90000\r\n", NULL},
    {"vp8_with_another_clock_is_not_vp8", "video", "96", "rtpmap:96 VP8/48000", NULL, NULL, NULL},
    {"nothing_in_common", "video", "96 97", "rtpmap:96 theora/90000|rtpmap:97 ulpfec/90000", NULL,
     NULL, NULL},
    {"audio_in_a_video_section_is_nothing", "video", "111", OPUS, NULL, NULL, NULL},
    {"a_format_without_an_rtpmap_is_dropped", "video", "96 120", VP8, "96", NULL, NULL},
    {"one_number_for_two_codecs_is_dropped", "video", "96 98",
     VP8 "|rtpmap:96 VP9/90000|rtpmap:98 VP9/90000", "98", NULL, "a=rtpmap:96"},
    {"an_rtpmap_that_the_m_line_has_not_is_not_offered", "video", "96", VP8 "|rtpmap:98 VP9/90000",
     "96", NULL, "a=rtpmap:98"},
    {"formats_are_answered_in_the_order_of_the_offer", "video", "98 45 96 49",
     VP8 "|rtpmap:98 VP9/90000|rtpmap:45 AV1/90000|rtpmap:49 H265/90000", "98 45 96 49", NULL,
     NULL},
};

static const struct answered audio[] = {
    /* proves: SDP-29 */
    {"opus", "audio", "111", OPUS "|fmtp:111 minptime=10;useinbandfec=1", "111",
     "a=rtpmap:111 opus/48000/2\r\n|a=fmtp:111 minptime=10;useinbandfec=1\r\n", NULL},
    /* proves: SDP-29 */
    {"opus_with_parameters_of_its_receiver", "audio", "111",
     OPUS "|fmtp:111 stereo=1;sprop-stereo=1;maxaveragebitrate=510000;maxplaybackrate=16000;cbr=1",
     "111", "a=rtpmap:111 opus/48000/2\r\n", "a=fmtp:111 stereo"},
    {"opus_with_parameters_that_are_nonsense", "audio", "111",
     OPUS "|fmtp:111 maxaveragebitrate=-1;maxplaybackrate=99999999999999999999;stereo=x", "111",
     "a=rtpmap:111 opus/48000/2\r\n", NULL},
    /* proves: SDP-29 */
    {"opus_at_16_khz_is_not_opus", "audio", "111", "rtpmap:111 opus/16000/2", NULL, NULL, NULL},
    /* proves: SDP-29 */
    {"opus_with_one_channel_is_not_opus", "audio", "111", "rtpmap:111 opus/48000", NULL, NULL,
     NULL},
    {"pcmu_and_pcma_by_their_numbers_alone", "audio", "8 0", "ptime:20", "8 0",
     "a=rtpmap:8 PCMA/8000\r\n|a=rtpmap:0 PCMU/8000\r\n", NULL},
    {"pcmu_with_another_number", "audio", "96", "rtpmap:96 PCMU/8000", "96", NULL, NULL},
    {"number_0_that_says_it_is_something_else", "audio", "0 111", OPUS "|rtpmap:0 G722/8000", "111",
     NULL, NULL},
    {"telephone_event_beside_opus", "audio", "111 110",
     OPUS "|rtpmap:110 telephone-event/48000|fmtp:110 0-15", "111 110",
     "a=rtpmap:110 telephone-event/48000\r\n", NULL},
    {"telephone_event_alone_is_no_audio", "audio", "101", "rtpmap:101 telephone-event/8000", NULL,
     NULL, NULL},
    {"telephone_event_of_a_clock_that_no_codec_has", "audio", "111 101",
     OPUS "|rtpmap:101 telephone-event/8000", "111", NULL, "a=rtpmap:101"},
    {"telephone_event_at_16_khz_is_dropped", "audio", "111 101",
     OPUS "|rtpmap:101 telephone-event/16000", "111", NULL, NULL},
    {"red_of_opus", "audio", "111 63", OPUS "|rtpmap:63 red/48000/2|fmtp:63 111/111", "111 63",
     "a=fmtp:63 111/111\r\n", NULL},
    {"red_of_what_is_not_there", "audio", "111 63", OPUS "|rtpmap:63 red/48000/2|fmtp:63 112/112",
     "111", NULL, "a=rtpmap:63"},
    {"red_of_two_codecs", "audio", "111 0 63",
     OPUS "|rtpmap:0 PCMU/8000|rtpmap:63 red/48000/2|fmtp:63 111/0", "111 0", NULL, NULL},
    {"red_alone_is_no_audio", "audio", "63", "rtpmap:63 red/48000/2|fmtp:63 111/111", NULL, NULL,
     NULL},
    {"comfort_noise_and_g722_are_dropped", "audio", "9 13 111", OPUS, "111", NULL, NULL},
    {"nothing_in_common_in_audio", "audio", "9 3", "rtpmap:9 G722/8000|rtpmap:3 GSM/8000", NULL,
     NULL, NULL},
};

/* RFC 4585 §4.2: what both have; for audio and for retransmission less is ours. */
static const struct answered feedback[] = {
    {"feedback_is_what_both_have", "video", "96",
     VP8 "|rtcp-fb:96 nack|rtcp-fb:96 ccm tmmbr|rtcp-fb:96 nack rpsi", "96",
     "a=rtcp-fb:96 nack\r\n",
     "a=rtcp-fb:96 nack pli|a=rtcp-fb:96 ccm|a=rtcp-fb:96 goog-remb|a=rtcp-fb:96 transport-cc"},
    {"feedback_of_all_is_that_of_each", "video", "96 98",
     VP8 "|rtpmap:98 VP9/90000|rtcp-fb:* nack pli|rtcp-fb:98 ccm fir", "96 98",
     "a=rtcp-fb:96 nack pli|a=rtcp-fb:98 nack pli|a=rtcp-fb:98 ccm fir", "a=rtcp-fb:96 ccm"},
    {"feedback_that_was_not_offered_is_not_answered", "video", "96", VP8, "96", NULL, "a=rtcp-fb:"},
    {"all_feedback_of_video", "video", "96",
     VP8 "|rtcp-fb:96 nack|rtcp-fb:96 nack pli|rtcp-fb:96 ccm fir|rtcp-fb:96 goog-remb|"
         "rtcp-fb:96 transport-cc",
     "96",
     "a=rtcp-fb:96 nack\r\n|a=rtcp-fb:96 nack pli|a=rtcp-fb:96 ccm fir|a=rtcp-fb:96 goog-remb|"
     "a=rtcp-fb:96 transport-cc",
     NULL},
    {"feedback_of_rtx_is_none", "video", "96 97", VP8 "|" RTX "|rtcp-fb:97 nack", "96 97", NULL,
     "a=rtcp-fb:97"},
    {"feedback_of_a_number_that_is_not_there", "video", "96", VP8 "|rtcp-fb:99 nack", "96", NULL,
     "a=rtcp-fb:99"},
    {"feedback_of_opus", "audio", "111",
     OPUS "|rtcp-fb:111 transport-cc|rtcp-fb:111 nack|rtcp-fb:111 ccm fir", "111",
     "a=rtcp-fb:111 transport-cc|a=rtcp-fb:111 nack", "a=rtcp-fb:111 ccm"},
};

static void is_answered(void **state)
{
    const struct answered *row = *state;
    struct nego *n = nego_alone();
    char *answer = nego_answer_to(&n->a, more_offer(n, row->kind, row->formats, row->lines));
    assert_int_equal(sdp_is_rejected(n, answer, 0), row->want == NULL);
    assert_false(sdp_is_rejected(n, answer, 1)); /* the rest goes on */
    if (!row->want) {
        assert_string_equal(sdp_bundle(n, answer), "1");
        nego_expect_transceivers(&n->a, "");
    } else {
        assert_string_equal(more_formats(n, answer, 0), row->want);
        assert_string_equal(sdp_bundle(n, answer), "0 1");
        more_expect_lines(n, answer, 0, row->has, true);
        more_expect_lines(n, answer, 0, row->has_not, false);
        assert_non_null(
            strstr(more_codec_names(&n->a, nego_at(&n->a, 0)), more_names(n, answer, 0)));
    }
    nego_free(n);
}

/* ---- what applications prefer ---- */

static const struct {
    const char *name;
    int32_t kind;
    const char *a, *b; /* "": the default */
    const char *offer, *answer; /* names in the m-lines; NULL: not looked at; answer "-": port 0 */
} preferred[] = {
    {"an_offer_in_the_preferred_order", SOTTO_VIDEO, "VP9/profile-id=0 VP8", "", "VP9 VP8",
     "VP9 VP8"},
    {"an_offer_with_one_codec", SOTTO_VIDEO, "AV1", "", "AV1", "AV1"},
    {"rtx_goes_with_each_codec_that_is_preferred", SOTTO_VIDEO, "AV1 VP8 rtx", "",
     "AV1 rtx VP8 rtx", "AV1 rtx VP8 rtx"},
    {"an_answer_in_the_preferred_order", SOTTO_VIDEO, "", "H265 AV1 VP8", NULL, "H265 AV1 VP8"},
    {"an_answer_in_another_order_than_the_offer", SOTTO_VIDEO, "VP8 AV1 H265", "H265 VP8",
     "VP8 AV1 H265", "H265 VP8"},
    {"both_prefer_and_one_is_common", SOTTO_VIDEO, "VP8 AV1", "AV1 H265", "VP8 AV1", "AV1"},
    {"both_prefer_and_nothing_is_common", SOTTO_VIDEO, "VP8", "AV1", "VP8", "-"},
    {"profiles_of_one_codec_are_different_preferences", SOTTO_VIDEO,
     "H264/packetization-mode=0;profile-level-id=42e01f",
     "H264/packetization-mode=1;profile-level-id=42e01f", "H264", "-"},
    {"profiles_in_the_preferred_order", SOTTO_VIDEO, "VP9/profile-id=2 VP9/profile-id=0", "",
     "VP9 VP9", "VP9 VP9"},
    {"retransmission_that_one_side_does_not_want", SOTTO_VIDEO, "VP8 rtx", "VP8", "VP8 rtx", "VP8"},
    {"audio_in_the_preferred_order", SOTTO_AUDIO, "PCMA opus", "", "PCMA opus", "PCMA opus"},
    {"audio_without_telephone_event_and_red", SOTTO_AUDIO, "", "opus PCMU", NULL, "opus PCMU"},
    {"red_needs_its_codec", SOTTO_AUDIO, "red opus", "", "red opus", "red opus"},
    {"audio_with_nothing_common", SOTTO_AUDIO, "PCMU", "PCMA", "PCMU", "-"},
};

static void preferences_meet(void **state)
{
    const struct {
        const char *name;
        int32_t kind;
        const char *a, *b, *offer, *answer;
    } *row = *state;
    struct nego *n = nego_pair();
    nego_channel(&n->a, "c"); /* section 0, so that something is left if the other one is rejected */
    nego_exchange(&n->a);
    sotto_transceiver *t = nego_track(&n->a, row->kind, "s");
    more_prefer(&n->a, t, row->a);
    char *offer = nego_offer(&n->a);
    if (row->offer) assert_string_equal(more_names(n, offer, 1), row->offer);
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, offer);
    more_prefer(&n->b, nego_at(&n->b, 0), row->b);
    char *answer = nego_answer(&n->b);
    bool rejected = strcmp(row->answer, "-") == 0;
    assert_int_equal(sdp_is_rejected(n, answer, 1), rejected);
    if (!rejected) assert_string_equal(more_names(n, answer, 1), row->answer);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    if (!rejected) /* who sends sends what the other side put first */
        assert_string_equal(more_codec_names(&n->a, t), row->answer);
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_free(n);
}

static void both_sides_send_by_one_set_of_codecs_and_numbers(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_track(&n->b, SOTTO_VIDEO, "r");
    more_prefer(&n->a, t, "H265 VP8 AV1 rtx");
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    more_prefer(&n->b, nego_at(&n->b, 0), "AV1 VP8 rtx");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    char *mine = more_codecs(&n->a, t), *theirs = more_codecs(&n->b, nego_at(&n->b, 0));
    assert_true(strncmp(mine, theirs, 3) != 0); /* each begins with what the other one put first */
    assert_string_equal(more_codec_names(&n->a, t), "AV1 rtx VP8 rtx");
    assert_string_equal(more_codec_names(&n->b, nego_at(&n->b, 0)), "VP8 rtx AV1 rtx");
    for (char *at = mine; at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        assert_non_null(strstr(theirs, nego_text(n, "%.*s", (int)strcspn(at, " "), at)));
    nego_free(n);
}

static void preferences_can_be_changed_between_offers_and_numbers_stay(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_exchange(&n->a);
    char *first = nego_local(&n->a);
    int vp8 = more_pt(n, first, 0, "VP8"), av1 = more_pt(n, first, 0, "AV1");
    more_prefer(&n->a, t, "AV1 VP8");
    nego_exchange(&n->a);
    assert_string_equal(more_formats(n, nego_local(&n->a), 0), nego_text(n, "%d %d", av1, vp8));
    more_prefer(&n->a, t, "");
    nego_exchange(&n->a);
    char *last = nego_local(&n->a);
    assert_int_equal(more_pt(n, last, 0, "VP8"), vp8);
    assert_int_equal(more_pt(n, last, 0, "AV1"), av1);
    assert_int_equal(sdp_count(more_names(n, last, 0), "H264"),
                     sdp_count(more_names(n, first, 0), "H264"));
    nego_free(n);
}

static void preferences_need_no_negotiation(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_exchange(&n->a);
    nego_forget(&n->a);
    char *before = more_codecs(&n->a, t);
    more_prefer(&n->a, t, "VP8");
    nego_run(n, SOTTO_MS(100));
    nego_expect(&n->a, "");
    assert_string_equal(more_codecs(&n->a, t), before); /* what was negotiated holds */
    nego_free(n);
}

static const struct {
    const char *name;
    int32_t kind;
    const char *names;
} useless[] = {
    {"a_preference_for_rtx_alone_is_refused", SOTTO_VIDEO, "rtx"},
    {"a_preference_for_red_alone_is_refused", SOTTO_AUDIO, "red"},
    {"a_preference_for_telephone_event_alone_is_refused", SOTTO_AUDIO, "telephone-event"},
};

static void preference_is_refused(void **state)
{
    const struct {
        const char *name;
        int32_t kind;
        const char *names;
    } *row = *state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_track(&n->a, row->kind, "s");
    char *before = nego_snapshot(&n->a);
    assert_int_equal(more_try_prefer(&n->a, t, row->names), SOTTO_E_MODIFICATION);
    assert_string_equal(nego_snapshot(&n->a), before);
    nego_free(n);
}

static void a_rejected_section_leaves_a_live_call_alone(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    nego_track(&n->a, SOTTO_AUDIO, "s");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    more_expect_data(n);
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    more_prefer(&n->a, t, "VP8");
    nego_set_remote(&n->b, SOTTO_SDP_OFFER, nego_offer(&n->a));
    more_prefer(&n->b, nego_at(&n->b, 1), "AV1");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, nego_answer(&n->b));
    assert_int_equal(nego_count_transceivers(&n->a), 1);
    assert_int_equal(nego_count_transceivers(&n->b), 1);
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, h264, is_answered);
    NEGO_ROWS(&u, video, is_answered);
    NEGO_ROWS(&u, audio, is_answered);
    NEGO_ROWS(&u, feedback, is_answered);
    NEGO_ROWS(&u, preferred, preferences_meet);
    NEGO_TEST(&u, both_sides_send_by_one_set_of_codecs_and_numbers);
    NEGO_TEST(&u, preferences_can_be_changed_between_offers_and_numbers_stay);
    NEGO_TEST(&u, preferences_need_no_negotiation);
    NEGO_ROWS(&u, useless, preference_is_refused);
    NEGO_TEST(&u, a_rejected_section_leaves_a_live_call_alone);
    return nego_suite_run(&u, "negotiation: codecs");
}
