/* SPDX-License-Identifier: BSD-2-Clause */
/* Which format parameters make two codecs the same, and what an answer says (SDP-30 of the security list). */
#include "codecs_kit.h"

static struct codec h264(const char *fmtp)
{
    struct codec c = {CODEC_H264, "H264", 90000, 1, 96, -1};
    if (!sotto__codec_parse(&c, sotto__str(fmtp))) fail_msg("%s", fmtp);
    return c;
}

#define ID(hex) "packetization-mode=1;profile-level-id=" hex
#define ASYM(hex) "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" hex

static void h264_profiles_are_those_of_table_5(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {ID("42e01f"), ID("42e01f"), true},
        {ID("42e01f"), ID("42C00A"), true},  /* set0, set1; another level, capitals */
        {ID("42e01f"), ID("42401f"), true},  /* set1 alone is enough */
        {ID("42e01f"), ID("42f00b"), true},  /* level 1b */
        {ID("42e01f"), ID("4d801f"), true},  /* main with set0 */
        {ID("42e01f"), ID("4df01f"), true},
        {ID("42e01f"), ID("58c01f"), true},  /* extended with set0 and set1 */
        {ID("42e01f"), ID("42001f"), false}, /* baseline */
        {ID("42e01f"), ID("58801f"), false},
        {ID("42e01f"), ID("4d001f"), false},
        {ID("42e01f"), ID("64001f"), false},
        {ID("42e01f"), ID("42e11f"), false}, /* reserved bits are in no profile */
        {ID("42e01f"), ID("42e41f"), false},
        {ID("42001f"), ID("42001f"), true},
        {ID("42001f"), ID("42a01f"), true},
        {ID("42001f"), ID("58801f"), true}, /* extended with set0 */
        {ID("42001f"), ID("58001f"), false},
        {ID("4d001f"), ID("4d401f"), true},
        {ID("4d001f"), ID("4d201f"), false}, /* set2: extended too */
        {ID("4d001f"), ID("4d801f"), false}, /* constrained baseline */
        {ID("64001f"), ID("640028"), true},
        {ID("64001f"), ID("640c1f"), false}, /* constrained high is another one */
        {ID("64001f"), ID("64101f"), false},
        {ID("6e001f"), ID("6e001f"), false}, /* high 10: unknown to us, the same as nothing */
        {ID("f4001f"), ID("f4001f"), false},
        {ID("42e01f"), "profile-level-id=42e01f", false}, /* mode 0 */
        {"packetization-mode=0;profile-level-id=42e01f", "profile-level-id=42e01f", true},
        {"profile-level-id=42000a", "", true}, /* baseline, level 1, mode 0 without anything */
        {"profile-level-id=42e00a", "", false},
        {ASYM("42e01f"), ID("42e01f"), true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codec a = h264(rows[i].a), b = h264(rows[i].b);
        if (sotto__codec_matches(&a, &b) != rows[i].same ||
            sotto__codec_matches(&b, &a) != rows[i].same)
            fail_msg("row %zu: %s, %s", i, rows[i].a, rows[i].b);
    }
}

static void h264_answers_with_the_level_that_asymmetry_allows(void **state)
{
    (void)state;
    static const struct {
        const char *ours, *offered, *answer;
    } rows[] = {
        {ASYM("42e01f"), ASYM("42e01f"), ASYM("42e01f")},
        {ASYM("42e01f"), ASYM("42e034"), ASYM("42e01f")}, /* ours, below theirs */
        {ASYM("42e01f"), ASYM("42e00a"), ASYM("42e01f")}, /* ours, above theirs */
        {ASYM("42e01f"), ID("42e034"), ID("42e01f")},     /* no asymmetry: the lower one */
        {ASYM("42e01f"), ID("42e00d"), ID("42e00d")},
        {ID("42e01f"), ASYM("42e00d"), ID("42e00d")},
        {ID("42e01f"), ID("42e034"), ID("42e01f")},
        {ASYM("42e01f"), ID("42f00b"), ID("42f00b")}, /* 1b is below 3.1 */
        {ASYM("42e01f"), ASYM("42f00b"), ASYM("42e01f")},
        {ASYM("42e00b"), ID("42f00b"), ID("42f00b")}, /* … and below 1.1 */
        {ASYM("42e00a"), ID("42f00b"), ID("42e00a")}, /* … and above 1 */
        {ASYM("42f00b"), ID("42e00c"), ID("42f00b")}, /* ours is 1b: the flag is set */
        {ASYM("42e01f"), ID("4d801f"), ID("4d801f")}, /* the profile in the words of the offer */
        {ASYM("42e01f"), ASYM("42401f"), ASYM("42401f")},
        {ASYM("64001f"), ASYM("640009"), ASYM("64001f")}, /* high has 9 for 1b */
        {ASYM("64001f"), ID("640009"), ID("640009")},
        {ASYM("64000b"), ID("640009"), ID("640009")},
        {ASYM("64000a"), ID("640009"), ID("64000a")},
        {ASYM("42001f"), "", "packetization-mode=0;profile-level-id=42000a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[CODEC_FMTP_TEXT];
        struct codec a = h264(rows[i].ours), b = h264(rows[i].offered);
        b.params = sotto__codec_answer(&a, &b);
        sotto__codec_format(&b, text);
        if (strcmp(text, rows[i].answer) != 0) fail_msg("row %zu: %s", i, text);
    }
}

static void other_codecs_differ_by_name_clock_channels_and_profile(void **state)
{
    (void)state;
    const struct {
        struct codec a, b;
        bool same;
    } rows[] = {
        {{CODEC_OPUS, "", 48000, 2}, {CODEC_OPUS, "", 48000, 2, .params = {.fec = true}}, true},
        {{CODEC_OPUS, "", 48000, 2}, {CODEC_OPUS, "", 48000, 1}, false},
        {{CODEC_PCMU, "", 8000, 1}, {CODEC_PCMA, "", 8000, 1}, false},
        {{CODEC_DTMF, "", 8000, 1}, {CODEC_DTMF, "", 48000, 1}, false},
        {{CODEC_VP8, "", 90000, 1}, {CODEC_VP8, "", 90000, 1, .feedback = 3}, true},
        {{CODEC_VP9, "", 90000, 1}, {CODEC_VP9, "", 90000, 1, .params = {2}}, false},
        {{CODEC_VP9, "", 90000, 1}, {CODEC_AV1, "", 90000, 1}, false},
        {{CODEC_AV1, "", 90000, 1}, {CODEC_AV1, "", 90000, 1, .params = {1}}, false},
        {{CODEC_AV1, "", 90000, 1},
         {CODEC_AV1, "", 90000, 1, .params = {.level = 8, .tier = 1}},
         true},
        {{CODEC_H265, "", 90000, 1}, {CODEC_H265, "", 90000, 1, .params = {.level = 9}}, true},
        {{CODEC_H265, "", 90000, 1}, {CODEC_H265, "", 90000, 1, .params = {.tier = 1}}, false},
        {{CODEC_H265, "", 90000, 1}, {CODEC_H265, "", 90000, 1, .params = {2}}, false},
        {{CODEC_RTX, "", 90000, 1, 97, 96}, {CODEC_RTX, "", 90000, 1, 99, 98}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (sotto__codec_matches(&rows[i].a, &rows[i].b) != rows[i].same) fail_msg("row %zu", i);
}

static void rtx_and_red_are_the_same_only_for_the_same_number(void **state)
{
    (void)state;
    struct codec a = {CODEC_RTX, "rtx", 90000, 1, 97, 96}, b = a;
    assert_true(sotto__codec_same(&a, &b));
    b.apt = 98;
    assert_false(sotto__codec_same(&a, &b));
    a.id = b.id = CODEC_RED;
    assert_false(sotto__codec_same(&a, &b));
    b.apt = 96;
    assert_true(sotto__codec_same(&a, &b));
}

static void h265_answers_with_the_lower_level_and_av1_with_ours(void **state)
{
    (void)state;
    struct codec ours = {CODEC_H265, "H265", 90000, 1, .params = {1, .level = 93}}, offered = ours;
    offered.params.level = 156;
    assert_int_equal(sotto__codec_answer(&ours, &offered).level, 93);
    offered.params.level = 60;
    assert_int_equal(sotto__codec_answer(&ours, &offered).level, 60);
    ours.id = offered.id = CODEC_AV1;
    assert_int_equal(sotto__codec_answer(&ours, &offered).level, 93);
    ours.id = offered.id = CODEC_OPUS;
    ours.params.fec = true, offered.params.stereo = true;
    assert_false(sotto__codec_answer(&ours, &offered).stereo); /* each side says what it receives */
    assert_true(sotto__codec_answer(&ours, &offered).fec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h264_profiles_are_those_of_table_5),
        cmocka_unit_test(h264_answers_with_the_level_that_asymmetry_allows),
        cmocka_unit_test(other_codecs_differ_by_name_clock_channels_and_profile),
        cmocka_unit_test(rtx_and_red_are_the_same_only_for_the_same_number),
        cmocka_unit_test(h265_answers_with_the_lower_level_and_av1_with_ours),
    };
    return cmocka_run_group_tests_name("codecs_match", tests, NULL, NULL);
}
