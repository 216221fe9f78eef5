/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading codecs of a media section and writing them (SDP-28, SDP-29, H014, H015 of the security list). */
#include "codecs_kit.h"

struct row {
    const char *media, *want;
};

static void read_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct codec_list l = kit_read(rows[i].media);
        if (strcmp(kit_text(&l), rows[i].want) != 0) fail_msg("row %zu: %s", i, kit_text(&l));
        kit_assert_sound(&l);
        sotto__codecs_free(&l);
    }
}

static void audio_is_read_as_far_as_we_support_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {AUDIO_M "111 0 8\r\na=rtpmap:111 opus/48000/2\r\n", "111:opus 0:PCMU 8:PCMA"},
        {AUDIO_M "8 0\r\na=rtpmap:0 PCMU/8000/1\r\n", "8:PCMA 0:PCMU"},
        {AUDIO_M "0 8\r\na=rtpmap:0 G722/8000\r\n", "8:PCMA"}, /* what it says counts */
        {AUDIO_M "0 8\r\na=rtpmap:8 G722/8000\r\n", "0:PCMU"},
        {AUDIO_M "96\r\na=rtpmap:96 PcmU/8000\r\n", "96:PCMU"}, /* names without case; a number of its own */
        {AUDIO_M "9 13 96\r\na=rtpmap:9 G722/8000\r\na=rtpmap:13 CN/8000\r\n", ""},
        {AUDIO_M "9 3 18\r\n", ""}, /* other static ones */
        {AUDIO_M "111\r\n", ""},    /* no rtpmap */
        {VIDEO_M "0 8\r\n", ""},    /* audio in a video section */
        {AUDIO_M "96\r\na=rtpmap:96 VP8/90000\r\n", ""},
        /* opus is always 48000/2: RFC 7587 §7 */
        {AUDIO_M "96 97 98 99\r\na=rtpmap:96 opus/16000\r\na=rtpmap:97 opus/48000/1\r\n"
                 "a=rtpmap:98 opus/48000\r\na=rtpmap:99 opus/16000/2\r\n",
         ""},
        /* red: RFC 2198; of audio, of opus, of nothing else */
        {AUDIO_M "63 111\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
                 "a=fmtp:63 111/111\r\n",
         "63:red/111 111:opus"},
        {AUDIO_M "63 111\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
                 "a=fmtp:63 111/111/111\r\n",
         "63:red/111 111:opus"},
        {AUDIO_M "63 111\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n", "111:opus"},
        {AUDIO_M "63 111 0\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
                 "a=fmtp:63 111/0\r\n",
         "111:opus 0:PCMU"},
        {AUDIO_M "63 0\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 0/0\r\n", "0:PCMU"},
        {AUDIO_M "63 111\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
                 "a=fmtp:63 63/63\r\n",
         "111:opus"},
        {AUDIO_M "111 97\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:97 rtx/90000\r\n"
                 "a=fmtp:97 apt=111\r\n",
         "111:opus"},
        /* telephone-event: with a codec of its clock */
        {AUDIO_M "111 110 126\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000"
                 "\r\na=rtpmap:126 telephone-event/8000\r\n",
         "111:opus 110:telephone-event"},
        {AUDIO_M "0 110\r\na=rtpmap:110 telephone-event/16000\r\n", "0:PCMU"},
    };
    read_rows(rows, sizeof rows / sizeof *rows);
}

static void video_is_read_as_far_as_we_support_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {VIDEO_M "98 96\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:98 VP9/90000\r\n", "98:VP9 96:VP8"},
        {VIDEO_M "96 118\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:118 red/90000\r\n", "96:VP8"},
        /* profiles that we have not */
        {VIDEO_M "96 97 98 99\r\na=rtpmap:96 VP9/90000\r\na=fmtp:96 profile-id=1\r\n"
                 "a=rtpmap:97 AV1/90000\r\na=fmtp:97 profile=1\r\n"
                 "a=rtpmap:98 H265/90000\r\na=fmtp:98 profile-id=2\r\n"
                 "a=rtpmap:99 H264/90000\r\na=fmtp:99 packetization-mode=0;"
                 "profile-level-id=64001f\r\n",
         ""},
        {VIDEO_M "96 97 98 99\r\na=rtpmap:96 VP9/90000\r\na=fmtp:96 profile-id=2\r\n"
                 "a=rtpmap:97 AV1/90000\r\na=rtpmap:98 H265/90000\r\na=rtpmap:99 H264/90000\r\n",
         "96:VP9 97:AV1 98:H265 99:H264"},
        {VIDEO_M "98\r\na=rtpmap:98 H265/90000\r\na=fmtp:98 tx-mode=MRST\r\n", ""},
        {VIDEO_M "98\r\na=rtpmap:98 H265/90000\r\na=fmtp:98 profile-space=1\r\n", ""},
        {VIDEO_M "98\r\na=rtpmap:98 H265/90000\r\na=fmtp:98 tier-flag=1\r\n", ""},
    };
    read_rows(rows, sizeof rows / sizeof *rows);
}

static void payload_types_of_rtcp_or_without_sense_are_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *media, *want;
    } rows[] = {
        {VIDEO_M "63 64 80 95 96\r\na=rtpmap:63 VP8/90000\r\na=rtpmap:64 VP8/90000\r\n"
                 "a=rtpmap:80 VP8/90000\r\na=rtpmap:95 VP8/90000\r\na=rtpmap:96 VP9/90000\r\n",
         "63:VP8 96:VP9"},
        {VIDEO_M "127 128 255 -1 4294967296 4294967392 x 096\r\na=rtpmap:127 VP8/90000\r\n"
                 "a=rtpmap:128 VP8/90000\r\na=rtpmap:255 VP8/90000\r\na=rtpmap:-1 VP8/90000\r\n"
                 "a=rtpmap:4294967296 VP8/90000\r\n",
         "127:VP8"},
        /* twice the same: once; two meanings: none */
        {VIDEO_M "96 96\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:96 vp8/90000\r\n", "96:VP8"},
        {VIDEO_M "96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:96 VP9/90000\r\n"
                 "a=rtpmap:97 VP9/90000\r\n",
         "97:VP9"},
        {AUDIO_M "0 96\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:96 opus/48000\r\n", "0:PCMU"},
        {VIDEO_M "96\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 VP9/90000\r\n", "96:VP8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codec_list l = kit_read(rows[i].media);
        if (strcmp(kit_text(&l), rows[i].want) != 0) fail_msg("row %zu: %s", i, kit_text(&l));
        sotto__codecs_free(&l);
    }
}

static void rtx_without_what_it_repeats_is_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *fmtp, *want;
    } rows[] = {
        {"a=fmtp:97 apt=96\r\n", "96:VP8 97:rtx/96"},
        {"a=fmtp:97 rtx-time=3000; APT=96\r\n", "96:VP8 97:rtx/96"},
        {"a=fmtp:97 apt=96\r\na=fmtp:97 apt=100\r\n", "96:VP8 97:rtx/96"}, /* the first line */
        {"a=fmtp:97 apt=100\r\na=fmtp:97 apt=96\r\n", "96:VP8"},
        {"", "96:VP8"},
        {"a=fmtp:97 apt=97\r\n", "96:VP8"},                       /* itself */
        {"a=fmtp:97 apt=98\r\na=fmtp:98 apt=97\r\n", "96:VP8"},   /* a loop */
        {"a=fmtp:97 apt=98\r\na=fmtp:98 apt=96\r\n", "96:VP8 98:rtx/96"}, /* a chain */
        {"a=fmtp:97 apt=96\r\na=fmtp:98 apt=96\r\n", "96:VP8 97:rtx/96"}, /* the first */
        {"a=fmtp:97 apt=99\r\n", "96:VP8"},  /* ulpfec */
        {"a=fmtp:97 apt=100\r\n", "96:VP8"}, /* nothing */
        {"a=fmtp:97 apt=128\r\n", "96:VP8"},
        {"a=fmtp:97 apt=-1\r\n", "96:VP8"},
        {"a=fmtp:97 apt=\r\n", "96:VP8"},
        {"a=fmtp:97 apt\r\n", "96:VP8"},
        {"a=fmtp:97 apt=18446744073709551712\r\n", "96:VP8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char media[512];
        snprintf(media, sizeof media,
                 VIDEO_M "96 97 98 99\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
                         "a=rtpmap:98 rtx/90000\r\na=rtpmap:99 ulpfec/90000\r\n%s",
                 rows[i].fmtp);
        struct codec_list l = kit_read(media);
        if (strcmp(kit_text(&l), rows[i].want) != 0) fail_msg("row %zu: %s", i, kit_text(&l));
        sotto__codecs_free(&l);
    }
}

static void bad_parameters_cost_the_codec(void **state)
{
    (void)state;
    static const struct {
        const char *name, *fmtp;
        bool taken;
    } rows[] = {
        {"H264", "packetization-mode=1;profile-level-id=42e01f", true},
        {"H264", "profile-level-id=zz", false},
        {"H264", "profile-level-id=42e01", false},
        {"H264", "profile-level-id=42e01f0", false},
        {"H264", "profile-level-id=42e0zz", false},
        {"H264", "profile-level-id=", false},
        {"H264", "profile-level-id=42e000", false}, /* no such level */
        {"H264", "profile-level-id=42e0ff", false},
        {"H264", "profile-level-id=42E01F;packetization-mode=2", false},
        {"H264", "profile-level-id=42E01F;packetization-mode=256", false},
        {"H264", "profile-level-id=42E01F;packetization-mode=-1", false},
        {"H264", "profile-level-id=42E01F;packetization-mode=", false},
        {"VP9", "profile-id=4", false},
        {"VP9", "profile-id=256", false},
        {"VP9", "profile-id=x", false},
        {"VP9", "max-fs=12288;max-fr=60", true},
        {"AV1", "profile=0;level-idx=32", false},
        {"AV1", "tier=2", false},
        {"AV1", "level-idx=31;tier=1", true},
        {"H265", "level-id=256", false},
        {"H265", "profile-id=32", false},
        {"H265", "tx-mode=srst", true},
        {"VP8", "%n%s%n;;;=;=", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char media[256];
        snprintf(media, sizeof media, VIDEO_M "96\r\na=rtpmap:96 %s/90000\r\na=fmtp:96 %s\r\n",
                 rows[i].name, rows[i].fmtp);
        struct codec_list l = kit_read(media);
        if (l.n != rows[i].taken) fail_msg("row %zu", i);
        if (l.n) assert_string_equal(l.items[0].fmtp, rows[i].fmtp);
        sotto__codecs_free(&l);
    }
}

static void absent_parameters_are_what_their_rfc_says(void **state)
{
    (void)state;
    struct codec_list l =
        kit_read(VIDEO_M "96 97 98 99\r\na=rtpmap:96 VP9/90000\r\na=rtpmap:97 AV1/90000\r\n"
                         "a=rtpmap:98 H265/90000\r\na=rtpmap:99 H264/90000\r\n");
    assert_int_equal(l.n, 4);
    assert_int_equal(l.items[0].params.profile, 0);
    assert_int_equal(l.items[1].params.profile, 0);
    assert_int_equal(l.items[1].params.level, 5);
    assert_int_equal(l.items[1].params.tier, 0);
    assert_int_equal(l.items[2].params.profile, 1);
    assert_int_equal(l.items[2].params.level, 93);
    assert_int_equal(l.items[3].params.profile, 0x42);
    assert_int_equal(l.items[3].params.h264_iop, 0);
    assert_int_equal(l.items[3].params.level, 10);
    assert_int_equal(l.items[3].params.packetization, 0);
    assert_false(l.items[3].params.asymmetric);
    for (size_t i = 0; i < l.n; i++) assert_null(l.items[i].fmtp);
    sotto__codecs_free(&l);
}

/* proves: SDP-29 */
static void opus_parameters_are_clamped_to_their_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *fmtp;
        bool stereo, sends_stereo, fec, dtx;
        uint32_t max_bps, max_playback_hz;
    } rows[] = {
        {"minptime=10;useinbandfec=1", false, false, true, false, 0, 0},
        {"stereo=1; sprop-stereo=1;usedtx=1", true, true, false, true, 0, 0},
        {"stereo=0;sprop-stereo=0;usedtx=0;useinbandfec=0", false, false, false, false, 0, 0},
        {"stereo=7;usedtx=yes;useinbandfec=", false, false, false, false, 0, 0},
        {"maxaveragebitrate=64000;maxplaybackrate=16000", .max_bps = 64000,
         .max_playback_hz = 16000},
        {"maxaveragebitrate=1;maxplaybackrate=1", .max_bps = 6000, .max_playback_hz = 8000},
        {"maxaveragebitrate=6000;maxplaybackrate=8000", .max_bps = 6000, .max_playback_hz = 8000},
        {"maxaveragebitrate=510000;maxplaybackrate=48000", .max_bps = 510000,
         .max_playback_hz = 48000},
        {"maxaveragebitrate=510001;maxplaybackrate=48001", .max_bps = 510000,
         .max_playback_hz = 48000},
        {"maxaveragebitrate=4294967296;maxplaybackrate=18446744073709551615", .max_bps = 510000,
         .max_playback_hz = 48000},
        {"maxaveragebitrate=18446744073709551616;maxplaybackrate=-1", .max_bps = 0},
        {"maxaveragebitrate=0;maxplaybackrate=0", .max_bps = 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char media[256];
        snprintf(media, sizeof media,
                 AUDIO_M "111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 %s\r\n", rows[i].fmtp);
        struct codec_list l = kit_read(media);
        assert_int_equal(l.n, 1);
        const struct codec_params *p = &l.items[0].params;
        if (p->stereo != rows[i].stereo || p->sends_stereo != rows[i].sends_stereo ||
            p->fec != rows[i].fec || p->dtx != rows[i].dtx || p->max_bps != rows[i].max_bps ||
            p->max_playback_hz != rows[i].max_playback_hz)
            fail_msg("row %zu", i);
        sotto__codecs_free(&l);
    }
}

static void feedback_is_read_for_its_payload_type_or_for_all(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        uint32_t vp8, vp9;
    } rows[] = {
        {"a=rtcp-fb:96 nack\r\n", FEEDBACK_NACK, 0},
        {"a=rtcp-fb:96 nack pli\r\na=rtcp-fb:98 ccm fir\r\n", FEEDBACK_PLI, FEEDBACK_FIR},
        {"a=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\n", FEEDBACK_REMB | FEEDBACK_TWCC,
         0},
        {"a=rtcp-fb:* nack\r\na=rtcp-fb:98 NACK PLI\r\n", FEEDBACK_NACK,
         FEEDBACK_NACK | FEEDBACK_PLI},
        {"a=rtcp-fb:96 nack rpsi\r\na=rtcp-fb:96 ccm tmmbr\r\na=rtcp-fb:96 trr-int 100\r\n", 0, 0},
        {"a=rtcp-fb:100 nack\r\na=rtcp-fb:128 nack\r\na=rtcp-fb:x nack\r\na=rtcp-fb:96\r\n", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char media[512];
        snprintf(media, sizeof media,
                 VIDEO_M "96 97 98\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
                         "a=fmtp:97 apt=96\r\na=rtpmap:98 VP9/90000\r\n%s",
                 rows[i].lines);
        struct codec_list l = kit_read(media);
        assert_int_equal(l.n, 3);
        if (l.items[0].feedback != rows[i].vp8 || l.items[2].feedback != rows[i].vp9)
            fail_msg("row %zu: %u %u", i, l.items[0].feedback, l.items[2].feedback);
        assert_int_equal(l.items[1].feedback, 0); /* rtx has none of its own */
        sotto__codecs_free(&l);
    }
}

static void parameters_may_be_as_long_as_the_limit_and_not_one_more(void **state)
{
    (void)state;
    for (size_t over = 0; over < 2; over++) {
        char text[SOTTO_MAX_FMTP + 128];
        size_t head = (size_t)snprintf(text, sizeof text,
                                       VIDEO_M "96\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 ");
        memset(text + head, 'x', SOTTO_MAX_FMTP + over);
        memcpy(text + head + SOTTO_MAX_FMTP + over, "\r\n", 3);
        struct codec_list l = kit_read(text);
        assert_int_equal(l.n, over ? 0 : 1);
        if (l.n) assert_int_equal(strlen(l.items[0].fmtp), SOTTO_MAX_FMTP);
        sotto__codecs_free(&l);
    }
}

static void as_many_codecs_as_the_limit_are_read_and_not_one_more(void **state)
{
    (void)state;
    static const int counts[] = {SOTTO_MAX_CODECS, SOTTO_MAX_CODECS + 1};
    for (size_t row = 0; row < 2; row++) {
        char text[8192];
        size_t n = (size_t)snprintf(text, sizeof text, AUDIO_M "0");
        for (int i = 1; i < counts[row]; i++) /* 1…63 and then 96 and on */
            n += (size_t)snprintf(text + n, sizeof text - n, " %d", i < 64 ? i : i + 32);
        for (int i = 1; i < counts[row]; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "\r\na=rtpmap:%d PCMU/8000",
                                  i < 64 ? i : i + 32);
        snprintf(text + n, sizeof text - n, "\r\n");
        struct codec_list l = kit_read(text);
        assert_int_equal(l.n, SOTTO_MAX_CODECS);
        kit_assert_sound(&l);
        sotto__codecs_free(&l);
    }
}

static void what_is_written_is_read_as_the_same(void **state)
{
    (void)state;
    struct codec_list a = kit_read(
        VIDEO_M "96 97 102 39\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
                "a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
                "a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;"
                "profile-level-id=42e01f;sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==\r\n"
                "a=rtcp-fb:102 ccm fir\r\na=rtpmap:39 AV1/90000\r\na=rtcp-fb:39 transport-cc\r\n");
    assert_int_equal(a.n, 4);
    struct codec_list b = kit_round(SOTTO_VIDEO, &a);
    kit_assert_same(&a, &b);
    sotto__codecs_free(&a);
    sotto__codecs_free(&b);
}

static void lines_stand_in_one_form(void **state)
{
    (void)state;
    struct codec_list l = kit_read(
        AUDIO_M "111 63 110\r\na=rtpmap:111 OPUS/48000/2\r\na=fmtp:111 stereo=1\r\n"
                "a=rtcp-fb:111 transport-cc\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
                "a=rtcp-fb:9 nack\r\na=rtpmap:110 telephone-event/48000\r\n");
    struct sdp *sdp;
    struct sdp_media *m;
    struct buf out;
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("audio"), 9, STR("x"), STR("111"), &m), 0);
    assert_int_equal(sotto__codecs_write(&l, sdp, m), 0);
    sotto__buf_init(&out, 4096);
    sotto__sdp_write(sdp, &out);
    char *text = sotto__buf_take_string(&out);
    assert_non_null(text);
    assert_string_equal(text, "m=audio 9 x 111\r\n"
                              "a=rtpmap:111 opus/48000/2\r\n"
                              "a=rtcp-fb:111 transport-cc\r\n"
                              "a=fmtp:111 stereo=1\r\n"
                              "a=rtpmap:63 red/48000/2\r\n"
                              "a=fmtp:63 111/111\r\n"
                              "a=rtpmap:110 telephone-event/48000\r\n");
    sotto__free(text);
    sotto__sdp_free(sdp);
    sotto__codecs_free(&l);
}

static void an_application_cannot_bring_in_a_line(void **state)
{
    (void)state;
    struct codec_list l = {0};
    struct sdp *sdp;
    struct sdp_media *m;
    const struct codec vp8 = {CODEC_VP8, "VP8", 90000, 1, 96, -1};
    assert_int_equal(sotto__codecs_push(&l, &vp8, "x\r\na=y", 6), 0);
    assert_int_equal(sotto__sdp_new(&sdp), 0);
    assert_int_equal(sotto__sdp_add_media(sdp, STR("video"), 9, STR("x"), STR("96"), &m), 0);
    assert_int_equal(sotto__codecs_write(&l, sdp, m), SOTTO_E_SYNTAX);
    sotto__sdp_free(sdp);
    sotto__codecs_free(&l);
}

static void numbers_beyond_the_buffer_are_an_error(void **state)
{
    (void)state;
    struct codec_list l = kit_read(AUDIO_M "0 8\r\n");
    struct buf out;
    sotto__buf_init(&out, 2);
    assert_int_equal(sotto__codecs_fmts(&l, &out), SOTTO_E_LIMIT);
    sotto__buf_free(&out);
    sotto__codecs_free(&l);
}

static struct sdp *section;

static int read_it(void)
{
    struct codec_list l;
    int r = sotto__codecs_read(&section->media[0], SOTTO_AUDIO, &l);
    if (r == 0) sotto__codecs_free(&l);
    return r;
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    section = kit_sdp(AUDIO_M "111 0 8 9\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=1\r\n");
    kit_fail_each(read_it);
    sotto__sdp_free(section);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_is_read_as_far_as_we_support_it),
        cmocka_unit_test(video_is_read_as_far_as_we_support_it),
        cmocka_unit_test(payload_types_of_rtcp_or_without_sense_are_left_out),
        cmocka_unit_test(rtx_without_what_it_repeats_is_left_out),
        cmocka_unit_test(bad_parameters_cost_the_codec),
        cmocka_unit_test(absent_parameters_are_what_their_rfc_says),
        cmocka_unit_test(opus_parameters_are_clamped_to_their_ranges),
        cmocka_unit_test(feedback_is_read_for_its_payload_type_or_for_all),
        cmocka_unit_test(parameters_may_be_as_long_as_the_limit_and_not_one_more),
        cmocka_unit_test(as_many_codecs_as_the_limit_are_read_and_not_one_more),
        cmocka_unit_test(what_is_written_is_read_as_the_same),
        cmocka_unit_test(lines_stand_in_one_form),
        cmocka_unit_test(an_application_cannot_bring_in_a_line),
        cmocka_unit_test(numbers_beyond_the_buffer_are_an_error),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("codecs_text", tests, NULL, NULL);
}
