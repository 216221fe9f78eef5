/* SPDX-License-Identifier: BSD-2-Clause */
/* Codecs of answers, and what both sides can do: by table, with the browsers' own descriptions, and by chance with a seed. */
#include <dirent.h>

#include "codecs_kit.h"

static struct codec_list answer(sotto_kind kind, const struct codec_list *prefs,
                                const struct codec_list *offered)
{
    struct codec_list l;
    assert_int_equal(sotto__codecs_answer(kind, prefs, offered, &l), 0);
    kit_assert_sound(&l);
    for (size_t i = 0; i < l.n; i++) {
        const struct codec *c = &l.items[i], *o = sotto__codecs_by_pt(offered, c->pt);
        assert_non_null(o);
        assert_true(sotto__codec_same(o, c));
        assert_int_equal(c->feedback & ~o->feedback, 0);
    }
    return l;
}

static struct codec_list common(const struct codec_list *local, const struct codec_list *remote)
{
    struct codec_list l;
    assert_int_equal(sotto__codecs_common(local, remote, &l), 0);
    kit_assert_sound(&l);
    return l;
}

#define OPUS "a=rtpmap:111 opus/48000/2\r\n"
#define RED "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
#define DTMF "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"
#define VP8 "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
#define VP9 "a=rtpmap:98 VP9/90000\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"
#define BOTH VIDEO_M "96 97 98 99\r\n" VP8 VP9

static void answers_follow_the_offer_or_the_preferences(void **state)
{
    (void)state;
    const struct {
        const char *offer;
        struct codec_list prefs;
        const char *want;
    } rows[] = {
        {AUDIO_M "111 63 0 8 110 126\r\n" OPUS RED DTMF,
         {0},
         "111:opus 63:red/111 0:PCMU 8:PCMA 110:telephone-event 126:telephone-event"},
        {AUDIO_M "8 126 63 111\r\n" OPUS RED DTMF,
         {0},
         "8:PCMA 126:telephone-event 63:red/111 111:opus"},
        {AUDIO_M "111 63 0 126\r\n" OPUS RED DTMF, PREFS(SOTTO_AUDIO, "PCMU", "opus"),
         "0:PCMU 111:opus"},
        {AUDIO_M "111 63 0 126\r\n" OPUS RED DTMF,
         PREFS(SOTTO_AUDIO, "red", "PCMU", "telephone-event"), "0:PCMU 126:telephone-event"},
        {AUDIO_M "111 63\r\n" OPUS RED, PREFS(SOTTO_AUDIO, "red", "opus"), "63:red/111 111:opus"},
        {AUDIO_M "111\r\n" OPUS, PREFS(SOTTO_AUDIO, "PCMU"), ""},
        {AUDIO_M "9\r\n", {0}, ""},
        {BOTH, {0}, "96:VP8 97:rtx/96 98:VP9 99:rtx/98"},
        {VIDEO_M "97 99 98 96\r\n" VP8 VP9, {0}, "97:rtx/96 99:rtx/98 98:VP9 96:VP8"},
        {BOTH, PREFS(SOTTO_VIDEO, "VP9", "VP8", "rtx"), "98:VP9 99:rtx/98 96:VP8 97:rtx/96"},
        {BOTH, PREFS(SOTTO_VIDEO, "rtx", "VP9"), "98:VP9 99:rtx/98"},
        {BOTH, PREFS(SOTTO_VIDEO, "VP8"), "96:VP8"},
        {BOTH, PREFS(SOTTO_VIDEO, "VP8", "VP9", "VP8"), "96:VP8 98:VP9"},
        {BOTH, PREFS(SOTTO_VIDEO, "H265", "AV1", "rtx"), ""},
        /* one codec under two numbers: both */
        {VIDEO_M "96 100\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:100 VP8/90000\r\n",
         PREFS(SOTTO_VIDEO, "VP8"), "96:VP8 100:VP8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_kind kind = rows[i].offer[2] == 'a' ? SOTTO_AUDIO : SOTTO_VIDEO;
        struct codec_list offered = kit_read(rows[i].offer), prefs = rows[i].prefs;
        struct codec_list l = answer(kind, &prefs, &offered);
        if (strcmp(kit_text(&l), rows[i].want) != 0) fail_msg("row %zu: %s", i, kit_text(&l));
        sotto__codecs_free(&l);
        sotto__codecs_free(&offered);
        sotto__codecs_free(&prefs);
    }
}

static void answers_have_our_parameters_within_the_offer(void **state)
{
    (void)state;
    static const struct {
        const char *offer, *fmtp; /* of 96 */
    } rows[] = {
        {AUDIO_M "96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1;maxplaybackrate=8000\r\n",
         "minptime=10;useinbandfec=1"},
        {AUDIO_M "0 96\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n", "0-16"},
        {VIDEO_M "96\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 max-fs=12288;max-fr=60\r\n", ""},
        {VIDEO_M "96\r\na=rtpmap:96 VP9/90000\r\n", "profile-id=0"},
        {VIDEO_M "96\r\na=rtpmap:96 VP9/90000\r\na=fmtp:96 profile-id=2\r\n", "profile-id=2"},
        {VIDEO_M "96\r\na=rtpmap:96 AV1/90000\r\na=fmtp:96 level-idx=19;tier=1\r\n",
         "level-idx=5;profile=0;tier=0"},
        {VIDEO_M "96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 level-id=180;tx-mode=SRST\r\n",
         "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST"},
        {VIDEO_M "96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 level-id=60\r\n",
         "level-id=60;profile-id=1;tier-flag=0;tx-mode=SRST"},
        {VIDEO_M "96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42E034\r\n",
         "packetization-mode=0;profile-level-id=42e01f"},
        {VIDEO_M "96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 level-asymmetry-allowed=1;"
                 "packetization-mode=1;profile-level-id=42001f;sprop-parameter-sets=Z0IACg==\r\n",
         "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"},
        {VIDEO_M "97 96\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:96 rtx/90000\r\n"
                 "a=fmtp:96 apt=97;rtx-time=3000\r\n",
         "apt=97"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_kind kind = rows[i].offer[2] == 'a' ? SOTTO_AUDIO : SOTTO_VIDEO;
        struct codec_list offered = kit_read(rows[i].offer), l = answer(kind, NULL, &offered);
        assert_non_null(sotto__codecs_by_pt(&l, 96));
        if (strcmp(kit_fmtp(&l, 96), rows[i].fmtp) != 0)
            fail_msg("row %zu: %s", i, kit_fmtp(&l, 96));
        sotto__codecs_free(&l);
        sotto__codecs_free(&offered);
    }
}

static void what_opus_asks_for_is_answered(void **state)
{
    (void)state;
    static const char stereo[] = "minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=96000";
    struct codec_list offered = kit_read(AUDIO_M "111\r\n" OPUS "a=fmtp:111 usedtx=1\r\n");
    struct codec_list prefs = kit_opus(stereo), l = answer(SOTTO_AUDIO, &prefs, &offered);
    assert_string_equal(kit_fmtp(&l, 111), stereo);
    struct codec_list sent = common(&l, &offered);
    assert_string_equal(kit_fmtp(&sent, 111), "usedtx=1"); /* what the remote asks for */
    sotto__codecs_free(&offered);
    sotto__codecs_free(&prefs);
    sotto__codecs_free(&l);
    sotto__codecs_free(&sent);
}

static void feedback_is_what_both_have(void **state)
{
    (void)state;
    static const struct {
        const char *offer;
        uint32_t want; /* of 96 */
    } rows[] = {
        {AUDIO_M "96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:* transport-cc\r\n", FEEDBACK_TWCC},
        {AUDIO_M "96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 nack\r\n", FEEDBACK_NACK},
        {AUDIO_M "96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 nack pli\r\n", 0},
        {AUDIO_M "96\r\na=rtpmap:96 PCMU/8000\r\na=rtcp-fb:96 nack\r\n"
                 "a=rtcp-fb:96 transport-cc\r\n",
         FEEDBACK_TWCC},
        {VIDEO_M "96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 ccm fir\r\n",
         FEEDBACK_NACK | FEEDBACK_FIR},
        {VIDEO_M "96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:97 nack\r\n", 0},
        {VIDEO_M "96 97\r\na=rtpmap:97 VP8/90000\r\na=rtpmap:96 rtx/90000\r\na=fmtp:96 apt=97\r\n"
                 "a=rtcp-fb:* nack\r\n",
         0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_kind kind = rows[i].offer[2] == 'a' ? SOTTO_AUDIO : SOTTO_VIDEO;
        struct codec_list offered = kit_read(rows[i].offer), l = answer(kind, NULL, &offered);
        assert_non_null(sotto__codecs_by_pt(&l, 96));
        if (sotto__codecs_by_pt(&l, 96)->feedback != rows[i].want) fail_msg("row %zu", i);
        sotto__codecs_free(&l);
        sotto__codecs_free(&offered);
    }
}

static void common_codecs_are_the_remotes_without_what_we_have_not(void **state)
{
    (void)state;
    static const struct {
        const char *local, *remote, *want;
    } rows[] = {
        {BOTH, BOTH, "96:VP8 97:rtx/96 98:VP9 99:rtx/98"},
        {BOTH, VIDEO_M "98 99 96\r\n" VP8 VP9, "98:VP9 99:rtx/98 96:VP8"}, /* the remote's order */
        {VIDEO_M "96 98 99\r\n" VP8 VP9, BOTH, "96:VP8 98:VP9 99:rtx/98"},
        /* other numbers: RTX goes with the codec, not with the number */
        {VIDEO_M "98 99 96\r\n" VP8 VP9,
         VIDEO_M "40 41 42 43\r\na=rtpmap:40 VP8/90000\r\na=rtpmap:41 rtx/90000\r\n"
                 "a=fmtp:41 apt=40\r\na=rtpmap:42 VP9/90000\r\na=rtpmap:43 rtx/90000\r\n"
                 "a=fmtp:43 apt=42\r\n",
         "40:VP8 42:VP9 43:rtx/42"},
        {BOTH, VIDEO_M "96\r\na=rtpmap:96 AV1/90000\r\n", ""},
        {AUDIO_M "111 63 110\r\n" OPUS RED DTMF, AUDIO_M "111 126\r\n" OPUS DTMF, "111:opus"},
        {AUDIO_M "111 110\r\n" OPUS DTMF, AUDIO_M "111 63 110\r\n" OPUS RED DTMF,
         "111:opus 110:telephone-event"},
        {AUDIO_M "111 63\r\n" OPUS RED,
         AUDIO_M "50 51\r\na=rtpmap:50 opus/48000/2\r\na=rtpmap:51 red/48000/2\r\n"
                 "a=fmtp:51 50/50\r\n",
         "50:opus 51:red/50"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codec_list local = kit_read(rows[i].local), remote = kit_read(rows[i].remote);
        struct codec_list l = common(&local, &remote);
        if (strcmp(kit_text(&l), rows[i].want) != 0) fail_msg("row %zu: %s", i, kit_text(&l));
        sotto__codecs_free(&l);
        sotto__codecs_free(&local);
        sotto__codecs_free(&remote);
    }
}

static void common_codecs_have_the_remotes_parameters(void **state)
{
    (void)state;
    struct codec_list local = kit_read(AUDIO_M "111\r\n" OPUS "a=rtcp-fb:111 transport-cc\r\n");
    struct codec_list remote =
        kit_read(AUDIO_M "96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 transport-cc\r\n"
                         "a=rtcp-fb:96 nack\r\na=fmtp:96 maxaveragebitrate=20000;stereo=1\r\n");
    struct codec_list l = common(&local, &remote);
    assert_string_equal(kit_text(&l), "96:opus");
    assert_int_equal(l.items[0].feedback, FEEDBACK_TWCC);
    assert_int_equal(l.items[0].params.max_bps, 20000);
    assert_true(l.items[0].params.stereo);
    assert_string_equal(l.items[0].fmtp, "maxaveragebitrate=20000;stereo=1");
    sotto__codecs_free(&l);
    sotto__codecs_free(&local);
    sotto__codecs_free(&remote);
}

/* ---- what browsers write ---- */

/* A section that we can read is answered; the answer reads as itself, and is what both have. Returns what the answer has. */
static size_t try_section(const char *file, const struct sdp_media *m, struct pt_map *map)
{
    sotto_kind kind = sotto__str_eq(m->kind, STR("audio")) ? SOTTO_AUDIO : SOTTO_VIDEO;
    struct codec_list offered;
    assert_int_equal(sotto__codecs_read(m, kind, &offered), 0);
    size_t read = offered.n;
    sotto__codecs_claim(map, &offered);
    if (offered.n != read) fail_msg("%s: its numbers contradict each other", file);
    struct codec_list l = answer(kind, NULL, &offered), again = kit_round(kind, &l);
    if (!sotto__codecs_usable(&l)) fail_msg("%s: nothing in common", file);
    kit_assert_same(&l, &again);
    struct codec_list send = common(&l, &offered);
    assert_int_equal(send.n, l.n);
    struct codec_list next; /* our next offer keeps all numbers, and the order */
    struct pt_map later = *map;
    sotto__codecs_reserve(&later, m);
    assert_int_equal(sotto__codecs_offer(kind, NULL, &l, &later, &next), 0);
    kit_assert_sound(&next);
    for (size_t i = 0; i < l.n; i++) {
        assert_int_equal(next.items[i].pt, l.items[i].pt);
        assert_true(sotto__codec_same(&next.items[i], &l.items[i]));
    }
    size_t n = l.n;
    sotto__codecs_free(&offered);
    sotto__codecs_free(&l);
    sotto__codecs_free(&again);
    sotto__codecs_free(&send);
    sotto__codecs_free(&next);
    return n;
}

static struct sdp *read_file(const char *name)
{
    static char text[SOTTO_MAX_SDP];
    char path[512];
    struct sdp *sdp;
    sotto_error err = {.size = sizeof err};
    snprintf(path, sizeof path, FIXTURES "/sdp/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    if (sotto__sdp_parse(text, n, &sdp, &err) < 0) fail_msg("%s: %s", name, err.reason);
    return sdp;
}

static void all_sections_of_browsers_are_answered(void **state)
{
    (void)state;
    DIR *dir = opendir(FIXTURES "/sdp");
    size_t files = 0, sections = 0, codecs = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct pt_map map = {0};
        if (!strstr(entry->d_name, ".sdp")) continue;
        struct sdp *sdp = read_file(entry->d_name);
        for (size_t i = 0; i < sdp->n_media; i++) {
            if (sotto__str_eq(sdp->media[i].kind, STR("application")) || sdp->media[i].port == 0)
                continue;
            codecs += try_section(entry->d_name, &sdp->media[i], &map);
            sections++;
        }
        sotto__sdp_free(sdp);
        files++;
    }
    closedir(dir);
    assert_true(files >= 130 && sections >= 150 && codecs >= 10 * sections / 2);
}

static void offers_of_browsers_are_answered_in_full(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t section;
        const char *want;
    } rows[] = {
        {"chromium-offer-avd-nocand.sdp", 0,
         "111:opus 63:red/111 0:PCMU 8:PCMA 110:telephone-event 126:telephone-event"},
        {"chromium-offer-avd-nocand.sdp", 1,
         "96:VP8 97:rtx/96 102:H264 103:rtx/102 104:H264 107:rtx/104 108:H264 109:rtx/108 "
         "114:H264 115:rtx/114 116:H264 117:rtx/116 45:AV1 46:rtx/45 98:VP9 99:rtx/98 100:VP9 "
         "101:rtx/100"}, /* all but red, ulpfec and main profile in mode 0 */
        {"firefox-offer-avd-nocand.sdp", 0, "109:opus 0:PCMU 8:PCMA 101:telephone-event"},
        {"firefox-offer-avd-nocand.sdp", 1,
         "120:VP8 124:rtx/120 121:VP9 125:rtx/121 99:AV1 100:rtx/99"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sdp *sdp = read_file(rows[i].file);
        sotto_kind kind = rows[i].section == 0 ? SOTTO_AUDIO : SOTTO_VIDEO;
        struct codec_list offered;
        assert_int_equal(sotto__codecs_read(&sdp->media[rows[i].section], kind, &offered), 0);
        struct codec_list l = answer(kind, NULL, &offered);
        assert_string_equal(kit_text(&l), rows[i].want);
        sotto__codecs_free(&l);
        sotto__codecs_free(&offered);
        sotto__sdp_free(sdp);
    }
}

/* ---- by chance ---- */

static uint32_t chance(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % n;
}

/* Some of what can be preferred, in any order. */
static struct codec_list some_prefs(sotto_kind kind, uint64_t *seed)
{
    struct codec_list caps, l = {0};
    assert_int_equal(sotto__codecs_capabilities(kind, &caps), 0);
    while (caps.n > 0) {
        size_t i = chance(seed, (uint32_t)caps.n);
        if (chance(seed, 2)) assert_int_equal(sotto__codecs_push_ours(&l, &caps.items[i]), 0);
        sotto__codecs_remove(&caps, i);
    }
    sotto__codecs_free(&caps);
    if (!sotto__codecs_usable(&l)) sotto__codecs_free(&l);
    return l;
}

/* Whether every number in the list means what it meant. */
static void assert_same_meaning(struct pt_map *history, const struct codec_list *l)
{
    struct codec_list copy;
    assert_int_equal(sotto__codecs_copy(l, &copy), 0);
    sotto__codecs_claim(history, &copy);
    assert_int_equal(copy.n, l->n);
    sotto__codecs_free(&copy);
}

/* Two sides with changing preferences negotiate one section; now one offers, now the other. */
static void negotiate(uint64_t seed)
{
    sotto_kind kind = chance(&seed, 2) ? SOTTO_AUDIO : SOTTO_VIDEO;
    struct codec_list before = {0};
    struct pt_map history = {0};
    for (int round = 0; round < 8; round++) {
        struct codec_list a = some_prefs(kind, &seed), b = some_prefs(kind, &seed);
        struct pt_map map = history;
        struct codec_list offered, answered, read_offer, read_answer, to_offerer, to_answerer;
        assert_int_equal(sotto__codecs_offer(kind, &a, &before, &map, &offered), 0);
        kit_assert_sound(&offered);
        assert_same_meaning(&history, &offered);
        read_offer = kit_round(kind, &offered);
        kit_assert_same(&offered, &read_offer);
        answered = answer(kind, &b, &read_offer);
        read_answer = answered.n > 0 ? kit_round(kind, &answered) : (struct codec_list){0};
        kit_assert_same(&answered, &read_answer);
        to_answerer = common(&offered, &read_answer);
        to_offerer = common(&answered, &read_offer);
        assert_int_equal(to_answerer.n, answered.n); /* both sides see the same codecs */
        assert_int_equal(to_offerer.n, answered.n);
        for (size_t i = 0; i < to_offerer.n; i++)
            assert_non_null(sotto__codecs_by_pt(&to_answerer, to_offerer.items[i].pt));
        if (answered.n > 0) sotto__codecs_free(&before);
        if (answered.n > 0) before = answered; /* else the section was rejected */
        struct codec_list *const done[] = {&a,           &b,           &offered,   &read_offer,
                                           &read_answer, &to_answerer, &to_offerer};
        for (size_t i = 0; i < sizeof done / sizeof *done; i++) sotto__codecs_free(done[i]);
    }
    sotto__codecs_free(&before);
}

static void any_preferences_lead_to_lists_that_agree(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) negotiate(seed);
}

static struct codec_list offered_list, preferred;

static int make_answers(void)
{
    struct codec_list a, b;
    int r = sotto__codecs_answer(SOTTO_VIDEO, NULL, &offered_list, &a);
    if (r < 0) return r;
    r = sotto__codecs_common(&a, &offered_list, &b);
    sotto__codecs_free(&a);
    if (r < 0) return r;
    sotto__codecs_free(&b);
    r = sotto__codecs_answer(SOTTO_VIDEO, &preferred, &offered_list, &a);
    if (r == 0) sotto__codecs_free(&a);
    return r;
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    offered_list = kit_read(BOTH);
    preferred = PREFS(SOTTO_VIDEO, "VP9", "VP8", "rtx");
    kit_fail_each(make_answers);
    sotto__codecs_free(&offered_list);
    sotto__codecs_free(&preferred);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_follow_the_offer_or_the_preferences),
        cmocka_unit_test(answers_have_our_parameters_within_the_offer),
        cmocka_unit_test(what_opus_asks_for_is_answered),
        cmocka_unit_test(feedback_is_what_both_have),
        cmocka_unit_test(common_codecs_are_the_remotes_without_what_we_have_not),
        cmocka_unit_test(common_codecs_have_the_remotes_parameters),
        cmocka_unit_test(all_sections_of_browsers_are_answered),
        cmocka_unit_test(offers_of_browsers_are_answered_in_full),
        cmocka_unit_test(any_preferences_lead_to_lists_that_agree),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("codecs_answer", tests, NULL, NULL);
}
