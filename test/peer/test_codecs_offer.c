/* SPDX-License-Identifier: BSD-2-Clause */
/* Payload types over a bundle and the codecs of offers (SDP-15, SDP-28 of the security list). */
#include "codecs_kit.h"

static struct codec_list offer(sotto_kind kind, const struct codec_list *prefs,
                               const struct codec_list *before, struct pt_map *map)
{
    struct codec_list l;
    assert_int_equal(sotto__codecs_offer(kind, prefs, before, map, &l), 0);
    kit_assert_sound(&l);
    for (size_t i = 0; i < l.n; i++) { /* the map says the same */
        assert_string_equal(map->used[l.items[i].pt].name, l.items[i].name);
        assert_true(sotto__codec_same(&map->used[l.items[i].pt], &l.items[i]));
    }
    return l;
}

static void assert_text(struct codec_list *l, const char *want)
{
    assert_string_equal(kit_text(l), want);
    sotto__codecs_free(l);
}

#define AUDIO_DEFAULT "96:opus 97:red/96 0:PCMU 8:PCMA 98:telephone-event 99:telephone-event"
#define VIDEO_DEFAULT                                                                              \
    "96:VP8 97:rtx/96 98:H264 99:rtx/98 100:H264 101:rtx/100 102:H264 103:rtx/102 104:H264 "       \
    "105:rtx/104 106:H264 107:rtx/106 108:H264 109:rtx/108 110:VP9 111:rtx/110 112:VP9 "           \
    "113:rtx/112 114:AV1 115:rtx/114 116:H265 117:rtx/116"

static void first_offers_number_from_96_on(void **state)
{
    (void)state;
    struct pt_map map = {0}, other = {0};
    struct codec_list l = offer(SOTTO_AUDIO, NULL, NULL, &map);
    assert_string_equal(kit_fmtp(&l, 97), "96/96");
    assert_string_equal(kit_fmtp(&l, 96), "minptime=10;useinbandfec=1");
    assert_int_equal(l.items[0].feedback, FEEDBACK_TWCC);
    assert_text(&l, AUDIO_DEFAULT);
    l = offer(SOTTO_VIDEO, NULL, NULL, &other);
    assert_string_equal(kit_fmtp(&l, 97), "apt=96");
    assert_string_equal(kit_fmtp(&l, 104),
                        "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f");
    assert_text(&l, VIDEO_DEFAULT);
    l = offer(SOTTO_VIDEO, NULL, NULL, &map); /* behind the audio, then below RTCP's */
    assert_string_equal(strrchr(kit_text(&l), ' '), " 121:rtx/120");
    sotto__codecs_free(&l);
}

static void a_second_offer_has_the_same_numbers(void **state)
{
    (void)state;
    struct pt_map map = {0}, again = {0};
    struct codec_list a = offer(SOTTO_VIDEO, NULL, NULL, &map);
    struct codec_list b = offer(SOTTO_VIDEO, NULL, NULL, &map); /* another section: the same map */
    struct codec_list c = offer(SOTTO_VIDEO, NULL, &a, &again); /* a later offer: its own map */
    struct codec_list d = offer(SOTTO_VIDEO, NULL, &a, &map);
    kit_assert_same(&a, &b);
    kit_assert_same(&a, &c);
    kit_assert_same(&a, &d);
    sotto__codecs_free(&a);
    sotto__codecs_free(&b);
    sotto__codecs_free(&c);
    sotto__codecs_free(&d);
}

static void what_was_there_keeps_its_number_and_its_place(void **state)
{
    (void)state;
    struct pt_map map = {0};
    struct codec_list before = kit_read(
        VIDEO_M "120 45 35 121\r\na=rtpmap:120 VP9/90000\r\na=rtpmap:121 rtx/90000\r\n"
                "a=fmtp:121 apt=120\r\na=rtpmap:45 AV1/90000\r\na=rtpmap:35 VP8/90000\r\n");
    struct codec_list l = offer(SOTTO_VIDEO, NULL, &before, &map);
    assert_text(&l, "120:VP9 45:AV1 35:VP8 121:rtx/120 96:rtx/45 97:rtx/35 98:H264 99:rtx/98 "
                    "100:H264 101:rtx/100 102:H264 103:rtx/102 104:H264 105:rtx/104 106:H264 "
                    "107:rtx/106 108:H264 109:rtx/108 110:VP9 111:rtx/110 112:H265 113:rtx/112");
    sotto__codecs_free(&before);

    struct pt_map other = {0}; /* RTX before what it repeats; static numbers; red first */
    before = kit_read(VIDEO_M "98 97\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:98 rtx/90000\r\n"
                              "a=fmtp:98 apt=97\r\n");
    struct codec_list prefs = PREFS(SOTTO_VIDEO, "VP9", "VP8", "rtx");
    l = offer(SOTTO_VIDEO, &prefs, &before, &other);
    assert_text(&l, "96:VP9 99:rtx/96 100:VP9 101:rtx/100 97:VP8 98:rtx/97");
    l = offer(SOTTO_VIDEO, NULL, &before, &other);
    assert_memory_equal(kit_text(&l), "98:rtx/97 97:VP8 102:H264", 25);
    sotto__codecs_free(&l);
    sotto__codecs_free(&before);
    sotto__codecs_free(&prefs);

    struct pt_map third = {0};
    before = kit_read(AUDIO_M "8 63 111\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
                              "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=1\r\n");
    l = offer(SOTTO_AUDIO, NULL, &before, &third);
    assert_string_equal(kit_fmtp(&l, 111), "minptime=10;useinbandfec=1"); /* ours, not theirs */
    assert_text(&l, "8:PCMA 63:red/111 111:opus 0:PCMU 96:telephone-event 97:telephone-event");
    sotto__codecs_free(&before);
}

static void a_codec_that_was_there_twice_is_offered_once(void **state)
{
    (void)state;
    struct pt_map map = {0};
    struct codec_list before =
        kit_read(VIDEO_M "100 101 96 97\r\na=rtpmap:100 VP8/90000\r\na=rtpmap:101 rtx/90000\r\n"
                         "a=fmtp:101 apt=100\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
                         "a=fmtp:97 apt=96\r\n");
    assert_int_equal(before.n, 4);
    struct codec_list l = offer(SOTTO_VIDEO, NULL, &before, &map);
    assert_memory_equal(kit_text(&l), "100:VP8 101:rtx/100 98:H264 99:rtx/98 102:H264", 46);
    sotto__codecs_free(&l);
    sotto__codecs_free(&before);
}

/* While the list is made RTX names places: small numbers of the remote must not be taken for them. */
static void numbers_as_small_as_places_are_not_mistaken(void **state)
{
    (void)state;
    struct pt_map map = {0};
    struct codec_list before =
        kit_read(VIDEO_M "2 3 4 5\r\na=rtpmap:2 VP8/90000\r\na=rtpmap:3 rtx/90000\r\n"
                         "a=fmtp:3 apt=2\r\na=rtpmap:4 VP9/90000\r\na=rtpmap:5 rtx/90000\r\n"
                         "a=fmtp:5 apt=4\r\n");
    struct codec_list l = offer(SOTTO_VIDEO, NULL, &before, &map);
    assert_memory_equal(kit_text(&l), "2:VP8 3:rtx/2 4:VP9 5:rtx/4 96:H264 97:rtx/96", 45);
    sotto__codecs_free(&l);
    sotto__codecs_free(&before);
}

#define MONO "minptime=10;useinbandfec=1"
#define STEREO MONO ";stereo=1;sprop-stereo=1"
/* … under a number of its own, for a number means one format in a bundle; where nobody else has it, under the one that it had. */
static void what_opus_asks_for_is_offered(void **state)
{
    (void)state;
    struct pt_map map = {0}, second = {0}, third = {0};
    struct codec_list stereo = kit_opus(STEREO), mono = kit_opus(MONO);
    struct codec_list a = offer(SOTTO_AUDIO, &mono, NULL, &map);
    struct codec_list b = offer(SOTTO_AUDIO, &stereo, NULL, &map);
    struct codec_list c = offer(SOTTO_AUDIO, &stereo, NULL, &map);
    assert_string_equal(kit_fmtp(&a, 96), MONO);
    assert_string_equal(kit_fmtp(&b, 97), STEREO);
    assert_string_equal(kit_fmtp(&c, 97), STEREO);
    assert_int_equal(a.n + b.n + c.n, 3);
    struct codec_list again = offer(SOTTO_AUDIO, &stereo, &b, &second);
    assert_string_equal(kit_fmtp(&again, 97), STEREO);
    struct codec_list changed = offer(SOTTO_AUDIO, &mono, &b, &third);
    assert_string_equal(kit_fmtp(&changed, 97), MONO);
    struct codec_list *all[] = {&a, &b, &c, &again, &changed, &stereo, &mono};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sotto__codecs_free(all[i]);
}

static void numbers_of_the_past_are_not_given_to_others(void **state)
{
    (void)state;
    struct pt_map map = {0};
    struct codec_list before =
        kit_read(VIDEO_M "96 97\r\na=rtpmap:96 VP9/90000\r\na=rtpmap:97 VP8/90000\r\n");
    struct codec_list prefs = PREFS(SOTTO_VIDEO, "VP8", "AV1");
    struct codec_list l = offer(SOTTO_VIDEO, &prefs, &before, &map);
    assert_text(&l, "97:VP8 98:AV1"); /* 96 was VP9 */
    sotto__codecs_free(&before);
    sotto__codecs_free(&prefs);

    struct pt_map reserved = {0}; /* nor those of codecs that only the remote knows */
    struct sdp *sdp = kit_sdp(VIDEO_M "96 97 x 0\r\na=rtpmap:96 ulpfec/90000\r\n");
    sotto__codecs_reserve(&reserved, &sdp->media[0]);
    prefs = PREFS(SOTTO_VIDEO, "VP8");
    l = offer(SOTTO_VIDEO, &prefs, NULL, &reserved);
    assert_text(&l, "98:VP8");
    sotto__codecs_free(&prefs);
    prefs = PREFS(SOTTO_AUDIO, "PCMU", "PCMA");
    l = offer(SOTTO_AUDIO, &prefs, NULL, &reserved);
    assert_text(&l, "99:PCMU 8:PCMA"); /* 0 means something else to them */
    sotto__codecs_free(&prefs);
    sotto__sdp_free(sdp);
}

static void preferences_choose_codecs_and_their_order(void **state)
{
    (void)state;
    const struct {
        sotto_kind kind;
        struct codec_list prefs;
        const char *want;
    } rows[] = {
        {SOTTO_VIDEO, PREFS(SOTTO_VIDEO, "AV1", "VP8"), "96:AV1 97:VP8"},
        {SOTTO_VIDEO, PREFS(SOTTO_VIDEO, "AV1", "rtx"), "96:AV1 97:rtx/96"},
        {SOTTO_VIDEO, PREFS(SOTTO_VIDEO, "rtx", "VP8", "H265"),
         "96:VP8 97:rtx/96 98:H265 99:rtx/98"},
        {SOTTO_AUDIO, PREFS(SOTTO_AUDIO, "PCMA", "opus"), "8:PCMA 96:opus"},
        {SOTTO_AUDIO, PREFS(SOTTO_AUDIO, "red", "opus"), "97:red/96 96:opus"},
        {SOTTO_AUDIO, PREFS(SOTTO_AUDIO, "red", "PCMA", "telephone-event"),
         "8:PCMA 96:telephone-event"},
        {SOTTO_VIDEO, PREFS(SOTTO_VIDEO, "VP8", "AV1", "VP8"), "96:VP8 97:AV1"},
        {SOTTO_AUDIO, {0}, AUDIO_DEFAULT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pt_map map = {0};
        struct codec_list l = offer(rows[i].kind, &rows[i].prefs, NULL, &map);
        if (strcmp(kit_text(&l), rows[i].want) != 0) fail_msg("row %zu: %s", i, kit_text(&l));
        sotto__codecs_free(&l);
        struct codec_list prefs = rows[i].prefs;
        sotto__codecs_free(&prefs);
    }
}

static void a_number_that_another_section_took_is_changed_with_its_rtx(void **state)
{
    (void)state;
    struct pt_map map = {0};
    struct codec_list audio = kit_read(AUDIO_M "96\r\na=rtpmap:96 opus/48000/2\r\n");
    struct codec_list before =
        kit_read(VIDEO_M "96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
                         "a=fmtp:97 apt=96\r\n");
    sotto__codecs_claim(&map, &audio);
    struct codec_list prefs = PREFS(SOTTO_VIDEO, "VP8", "rtx");
    struct codec_list l = offer(SOTTO_VIDEO, &prefs, &before, &map);
    assert_text(&l, "98:VP8 99:rtx/98"); /* 97 repeated 96 */
    sotto__codecs_free(&audio);
    sotto__codecs_free(&before);
    sotto__codecs_free(&prefs);
}

static void claim_takes_out_what_contradicts_the_bundle(void **state)
{
    (void)state;
    struct pt_map map = {0};
    static const struct {
        const char *media, *want;
    } rows[] = {
        {AUDIO_M "96 0\r\na=rtpmap:96 opus/48000/2\r\n", "96:opus 0:PCMU"},
        {VIDEO_M "96 97 98 99\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
                 "a=fmtp:97 apt=96\r\na=rtpmap:98 VP9/90000\r\na=rtpmap:99 rtx/90000\r\n"
                 "a=fmtp:99 apt=98\r\n",
         "98:VP9 99:rtx/98"}, /* 96 is opus, so its RTX goes too */
        {VIDEO_M "97 98 99\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:98 VP9/90000\r\n"
                 "a=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n",
         "97:VP8 98:VP9 99:rtx/98"}, /* 97 was not taken by the RTX that went */
        {VIDEO_M "97 98 99\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:98 VP9/90000\r\n"
                 "a=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=97\r\n",
         "97:VP8 98:VP9"}, /* RTX of another one */
        {VIDEO_M "98\r\na=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=2\r\n", ""},
        {AUDIO_M "96 0\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1\r\n", "96:opus 0:PCMU"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codec_list l = kit_read(rows[i].media);
        sotto__codecs_claim(&map, &l);
        if (strcmp(kit_text(&l), rows[i].want) != 0) fail_msg("row %zu: %s", i, kit_text(&l));
        sotto__codecs_free(&l);
    }
    for (int i = 0; i < 128; i++) assert_null(map.used[i].fmtp);
}

static void without_a_number_left_codecs_are_left_out(void **state)
{
    (void)state;
    struct pt_map full = {0};
    struct codec_list l, untouched = {.n = 77};
    char media[1024];
    size_t n = (size_t)snprintf(media, sizeof media, VIDEO_M "96");
    for (int pt = 35; pt < 128; pt++)
        if ((pt < 64 || pt > 96) && pt != 40 && pt != 50)
            n += (size_t)snprintf(media + n, sizeof media - n, " %d", pt);
    snprintf(media + n, sizeof media - n, "\r\n");
    struct sdp *sdp = kit_sdp(media);
    sotto__codecs_reserve(&full, &sdp->media[0]);
    l = offer(SOTTO_VIDEO, NULL, NULL, &full); /* two are left */
    assert_text(&l, "40:VP8 50:rtx/40");
    l = offer(SOTTO_AUDIO, NULL, NULL, &full); /* static ones need none */
    assert_text(&l, "0:PCMU 8:PCMA");
    struct codec_list prefs = PREFS(SOTTO_VIDEO, "AV1");
    l = untouched;
    assert_int_equal(sotto__codecs_offer(SOTTO_VIDEO, &prefs, NULL, &full, &l), SOTTO_E_LIMIT);
    assert_int_equal(l.n, 77);
    sotto__codecs_free(&prefs);
    prefs = PREFS(SOTTO_AUDIO, "opus", "red");
    assert_int_equal(sotto__codecs_offer(SOTTO_AUDIO, &prefs, NULL, &full, &l), SOTTO_E_LIMIT);
    sotto__codecs_free(&prefs);
    sotto__sdp_free(sdp);
}

static void all_numbers_are_given_out_before_the_limit(void **state)
{
    (void)state;
    struct pt_map map = {0};
    bool given[128] = {0};
    struct codec_list l, prefs = PREFS(SOTTO_VIDEO, "VP8");
    for (int i = 0; i < 61; i++) {
        l = offer(SOTTO_VIDEO, &prefs, NULL, &map);
        assert_int_equal(l.items[0].pt, i < 32 ? 96 + i : 35 + (i - 32));
        given[l.items[0].pt] = true;
        map.used[l.items[0].pt].id = CODEC_DTMF; /* means something else now */
        sotto__codecs_free(&l);
    }
    assert_int_equal(sotto__codecs_offer(SOTTO_VIDEO, &prefs, NULL, &map, &l), SOTTO_E_LIMIT);
    for (int pt = 0; pt < 128; pt++) assert_int_equal(given[pt], (pt >= 35 && pt < 64) || pt >= 96);
    sotto__codecs_free(&prefs);
}

static struct codec_list preferred, earlier;

static int make_offers(void)
{
    struct pt_map map = {0};
    struct codec_list l;
    int r = sotto__codecs_offer(SOTTO_VIDEO, NULL, &earlier, &map, &l);
    if (r < 0) return r;
    sotto__codecs_free(&l);
    r = sotto__codecs_offer(SOTTO_VIDEO, &preferred, &earlier, &map, &l);
    if (r == 0) sotto__codecs_free(&l);
    return r;
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    struct pt_map map = {0};
    preferred = PREFS(SOTTO_VIDEO, "VP8", "H264", "rtx");
    earlier = offer(SOTTO_VIDEO, NULL, NULL, &map);
    kit_fail_each(make_offers);
    sotto__codecs_free(&preferred);
    sotto__codecs_free(&earlier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_offers_number_from_96_on),
        cmocka_unit_test(a_second_offer_has_the_same_numbers),
        cmocka_unit_test(what_was_there_keeps_its_number_and_its_place),
        cmocka_unit_test(a_codec_that_was_there_twice_is_offered_once),
        cmocka_unit_test(numbers_as_small_as_places_are_not_mistaken),
        cmocka_unit_test(what_opus_asks_for_is_offered),
        cmocka_unit_test(numbers_of_the_past_are_not_given_to_others),
        cmocka_unit_test(preferences_choose_codecs_and_their_order),
        cmocka_unit_test(a_number_that_another_section_took_is_changed_with_its_rtx),
        cmocka_unit_test(claim_takes_out_what_contradicts_the_bundle),
        cmocka_unit_test(without_a_number_left_codecs_are_left_out),
        cmocka_unit_test(all_numbers_are_given_out_before_the_limit),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("codecs_offer", tests, NULL, NULL);
}
