/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of supported codecs and lists of them. */
#include "codecs_kit.h"

static void audio_is_supported_in_the_order_of_offers(void **state)
{
    (void)state;
    struct codec_list l;
    assert_int_equal(sotto__codecs_supported(SOTTO_AUDIO, &l), 0);
    assert_string_equal(kit_text(&l),
                        "-1:opus -1:red -1:PCMU -1:PCMA -1:telephone-event -1:telephone-event");
    assert_int_equal(l.items[0].channels, 2);
    assert_string_equal(l.items[0].fmtp, "minptime=10;useinbandfec=1");
    assert_null(l.items[1].fmtp);
    assert_int_equal(l.items[4].clock, 48000);
    assert_int_equal(l.items[5].clock, 8000);
    assert_string_equal(l.items[5].fmtp, "0-16");
    sotto__codecs_free(&l);
    assert_int_equal(l.n, 0);
}

static void video_is_supported_in_the_order_of_offers(void **state)
{
    (void)state;
    static const char *const fmtps[] = {
        "",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
        "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f",
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f",
        "profile-id=0",
        "profile-id=2",
        "level-idx=5;profile=0;tier=0",
        "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST",
    };
    struct codec_list l;
    assert_int_equal(sotto__codecs_supported(SOTTO_VIDEO, &l), 0);
    assert_string_equal(kit_text(&l), "-1:VP8 -1:H264 -1:H264 -1:H264 -1:H264 -1:H264 -1:H264 "
                                      "-1:VP9 -1:VP9 -1:AV1 -1:H265");
    assert_int_equal(l.n, sizeof fmtps / sizeof *fmtps);
    for (size_t i = 0; i < l.n; i++) {
        assert_string_equal(l.items[i].fmtp ? l.items[i].fmtp : "", fmtps[i]);
        assert_int_equal(l.items[i].feedback, 31);
        for (size_t j = 0; j < l.n; j++) /* no two are the same */
            assert_int_equal(sotto__codec_matches(&l.items[i], &l.items[j]), i == j);
    }
    sotto__codecs_free(&l);
}

static void capabilities_name_rtx_once_and_for_video_only(void **state)
{
    (void)state;
    struct codec_list l;
    assert_int_equal(sotto__codecs_capabilities(SOTTO_VIDEO, &l), 0);
    assert_int_equal(l.n, 12);
    assert_int_equal(l.items[11].id, CODEC_RTX);
    assert_int_equal(l.items[11].apt, -1);
    sotto__codecs_free(&l);
    assert_int_equal(sotto__codecs_capabilities(SOTTO_AUDIO, &l), 0);
    assert_false(sotto__codecs_have(&l, CODEC_RTX));
    assert_true(sotto__codecs_have(&l, CODEC_RED));
    sotto__codecs_free(&l);
}

static void copies_own_their_texts(void **state)
{
    (void)state;
    struct codec_list a, b, none = {0};
    assert_int_equal(sotto__codecs_supported(SOTTO_AUDIO, &a), 0);
    assert_int_equal(sotto__codecs_copy(&a, &b), 0);
    assert_ptr_not_equal(a.items[0].fmtp, b.items[0].fmtp);
    kit_assert_same(&a, &b);
    sotto__codecs_free(&a);
    assert_string_equal(b.items[0].fmtp, "minptime=10;useinbandfec=1");
    sotto__codecs_free(&b);
    assert_int_equal(sotto__codecs_copy(&none, &b), 0);
    assert_int_equal(b.n, 0);
    sotto__codecs_free(&b);
}

static void only_codecs_that_carry_media_are_usable(void **state)
{
    (void)state;
    struct codec_list l = {0};
    assert_false(sotto__codecs_usable(&l));
    struct codec_list prefs = PREFS(SOTTO_AUDIO, "red", "telephone-event");
    assert_int_equal(prefs.n, 3);
    assert_false(sotto__codecs_usable(&prefs));
    assert_int_equal(sotto__codecs_push_ours(&prefs, &sotto__codec_rtx), 0);
    assert_false(sotto__codecs_usable(&prefs));
    sotto__codecs_free(&prefs);
    prefs = PREFS(SOTTO_AUDIO, "telephone-event", "PCMA");
    assert_true(sotto__codecs_usable(&prefs));
    sotto__codecs_free(&prefs);
}

static void prune_takes_out_what_has_no_codec_of_its_own(void **state)
{
    (void)state;
    const struct codec opus = {CODEC_OPUS, "opus", 48000, 2, 111, -1},
                       red = {CODEC_RED, "red", 48000, 2, 63, 111},
                       pcmu = {CODEC_PCMU, "PCMU", 8000, 1, 0, -1},
                       dtmf = {CODEC_DTMF, "telephone-event", 8000, 1, 126, -1},
                       dtmf48 = {CODEC_DTMF, "telephone-event", 48000, 1, 110, -1};
    struct codec_list l = {0};
    const struct codec *const all[] = {&red, &dtmf, &opus, &dtmf48, &pcmu};
    for (size_t i = 0; i < 5; i++) assert_int_equal(sotto__codecs_push(&l, all[i], "x", 1), 0);
    sotto__codecs_prune(&l);
    assert_string_equal(kit_text(&l), "63:red/111 126:telephone-event 111:opus "
                                      "110:telephone-event 0:PCMU");
    sotto__codecs_remove(&l, 2); /* opus: red and the events of 48 kHz go with it */
    sotto__codecs_prune(&l);
    assert_string_equal(kit_text(&l), "126:telephone-event 0:PCMU");
    sotto__codecs_remove(&l, 1);
    sotto__codecs_prune(&l);
    assert_int_equal(l.n, 0);
    assert_null(l.items); /* who frees only lists that have something leaks nothing */
}

static int make_and_copy(void)
{
    struct codec_list a, b;
    int r = sotto__codecs_capabilities(SOTTO_VIDEO, &a);
    if (r < 0) return r;
    r = sotto__codecs_copy(&a, &b);
    sotto__codecs_free(&a);
    if (r == 0) sotto__codecs_free(&b);
    return r;
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    kit_fail_each(make_and_copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_is_supported_in_the_order_of_offers),
        cmocka_unit_test(video_is_supported_in_the_order_of_offers),
        cmocka_unit_test(capabilities_name_rtx_once_and_for_video_only),
        cmocka_unit_test(copies_own_their_texts),
        cmocka_unit_test(only_codecs_that_carry_media_are_usable),
        cmocka_unit_test(prune_takes_out_what_has_no_codec_of_its_own),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("codecs", tests, NULL, NULL);
}
