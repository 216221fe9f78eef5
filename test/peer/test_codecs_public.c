/* SPDX-License-Identifier: BSD-2-Clause */
/* Codecs as the public API has them, and preferences (W3C setCodecPreferences). */
#include "codecs_kit.h"

static void a_list_becomes_one_block(void **state)
{
    (void)state;
    static const char *const uris[] = {"urn:ietf:params:rtp-hdrext:sdes:mid", "x"};
    struct codec_list l =
        kit_read(AUDIO_M "111 0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=1\r\n");
    sotto_codecs *c;
    int64_t live = sotto__mem_live();
    assert_int_equal(sotto__codecs_public(SOTTO_AUDIO, &l, uris, 2, &c), 0);
    assert_true(sotto__mem_live() == live + 1);
    sotto__codecs_free(&l); /* nothing of the list is in the block */
    assert_int_equal(c->size, sizeof *c);
    assert_int_equal(c->n, 2);
    assert_int_equal(c->items[0].size, sizeof *c->items);
    assert_string_equal(c->items[0].mime, "audio/opus");
    assert_int_equal(c->items[0].clock_hz, 48000);
    assert_int_equal(c->items[0].channels, 2);
    assert_string_equal(c->items[0].fmtp, "stereo=1");
    assert_int_equal(c->items[0].payload_type, 111);
    assert_string_equal(c->items[1].mime, "audio/PCMU");
    assert_int_equal(c->items[1].channels, 1);
    assert_string_equal(c->items[1].fmtp, "");
    assert_int_equal(c->items[1].payload_type, 0);
    assert_int_equal(c->n_extensions, 2);
    assert_string_equal(c->extensions[0], uris[0]);
    assert_string_equal(c->extensions[1], uris[1]);
    sotto__free(c);
}

static void an_empty_list_is_a_block_too(void **state)
{
    (void)state;
    struct codec_list l = {0};
    sotto_codecs *c;
    assert_int_equal(sotto__codecs_public(SOTTO_VIDEO, &l, NULL, 0, &c), 0);
    assert_int_equal(c->n, 0);
    assert_int_equal(c->n_extensions, 0);
    sotto__free(c);
}

static sotto_codecs *capabilities(sotto_kind kind)
{
    struct codec_list l;
    sotto_codecs *c;
    assert_int_equal(sotto__codecs_capabilities(kind, &l), 0);
    assert_int_equal(sotto__codecs_public(kind, &l, NULL, 0, &c), 0);
    sotto__codecs_free(&l);
    return c;
}

static void all_capabilities_can_be_preferred_in_any_order(void **state)
{
    (void)state;
    for (sotto_kind kind = SOTTO_AUDIO; kind <= SOTTO_VIDEO; kind++) {
        sotto_codecs *c = capabilities(kind);
        sotto_codec items[SOTTO_MAX_CODECS];
        struct codec_list l;
        for (size_t i = 0; i < c->n; i++) items[i] = c->items[c->n - 1 - i];
        assert_int_equal(sotto__codecs_from_public(kind, items, c->n, &l), 0);
        assert_int_equal(l.n, c->n);
        for (size_t i = 0; i < l.n; i++) {
            assert_int_equal(c->items[i].payload_type, -1);
            assert_int_equal(c->items[i].channels == 0, kind == SOTTO_VIDEO);
            assert_string_equal(l.items[i].name, items[i].mime + 6);
            assert_string_equal(l.items[i].fmtp ? l.items[i].fmtp : "", items[i].fmtp);
            assert_int_equal(l.items[i].pt, PT_NONE);
        }
        sotto__codecs_free(&l);
        sotto__free(c);
    }
}

static void preferences_match_as_codec_dictionaries_do(void **state)
{
    (void)state;
    static const struct {
        sotto_codec codec;
        bool ok;
    } rows[] = {
        {{.mime = "video/VP8", .clock_hz = 90000, .fmtp = ""}, true},
        {{.mime = "VIDEO/vp8", .clock_hz = 90000}, true},
        {{.mime = "video/VP8", .clock_hz = 90000, .fmtp = "x=1"}, false},
        {{.mime = "video/VP8", .clock_hz = 48000}, false},
        {{.mime = "video/VP8", .clock_hz = 90000, .channels = 1}, false},
        {{.mime = "audio/VP8", .clock_hz = 90000}, false},
        {{.mime = "audio/opus", .clock_hz = 48000, .channels = 2, .fmtp = "useinbandfec=1"}, false},
        {{.mime = "video/VP", .clock_hz = 90000}, false},
        {{.mime = "VP8", .clock_hz = 90000}, false},
        {{.mime = "", .clock_hz = 90000}, false},
        {{.mime = NULL, .clock_hz = 90000}, false},
        {{.mime = "video/H266", .clock_hz = 90000}, false},
        {{.mime = "video/VP9", .clock_hz = 90000, .fmtp = "profile-id=0"}, true},
        {{.mime = "video/VP9", .clock_hz = 90000, .fmtp = " Profile-ID = 2 "}, true},
        {{.mime = "video/VP9", .clock_hz = 90000, .fmtp = "profile-id=1"}, false},
        {{.mime = "video/VP9", .clock_hz = 90000}, false}, /* one has parameters, the other not */
        {{.mime = "video/AV1", .clock_hz = 90000, .fmtp = "tier=0;profile=0;level-idx=5"}, true},
        {{.mime = "video/AV1", .clock_hz = 90000, .fmtp = "profile=0"}, true}, /* the rest is inferred */
        {{.mime = "video/AV1", .clock_hz = 90000, .fmtp = "level-idx=8"}, false},
        {{.mime = "video/H264",
          .clock_hz = 90000,
          .fmtp = "profile-level-id=42E01F;packetization-mode=1;level-asymmetry-allowed=1"},
         true},
        {{.mime = "video/H264",
          .clock_hz = 90000,
          .fmtp = "profile-level-id=42e01f;packetization-mode=1"},
         false}, /* no asymmetry */
        {{.mime = "video/H264",
          .clock_hz = 90000,
          .fmtp = "profile-level-id=42e034;packetization-mode=1;level-asymmetry-allowed=1"},
         false}, /* another level */
        {{.mime = "video/H264", .clock_hz = 90000, .fmtp = "profile-level-id=zz"}, false},
        {{.mime = "video/H265",
          .clock_hz = 90000,
          .fmtp = "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST"},
         true},
        {{.mime = "video/rtx", .clock_hz = 90000, .fmtp = "apt=96"}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sotto_codec items[] = {rows[i].codec,
                                     {.mime = "video/VP8", .clock_hz = 90000, .payload_type = 500}};
        struct codec_list l;
        int r = sotto__codecs_from_public(SOTTO_VIDEO, items, 2, &l);
        if (r != (rows[i].ok ? 0 : SOTTO_E_MODIFICATION)) fail_msg("row %zu: %d", i, r);
        if (r == 0) sotto__codecs_free(&l);
    }
}

static void audio_is_told_apart_by_clock_channels_and_events(void **state)
{
    (void)state;
    static const struct {
        sotto_codec codec;
        int want;
    } rows[] = {
        {{.mime = "audio/PCMU", .clock_hz = 8000, .channels = 1}, 0},
        {{.mime = "audio/PCMU", .clock_hz = 8000, .channels = 2}, SOTTO_E_MODIFICATION},
        {{.mime = "audio/opus",
          .clock_hz = 48000,
          .channels = 2,
          .fmtp = "useinbandfec=1;minptime=10"},
         0},
        {{.mime = "audio/opus", .clock_hz = 48000, .channels = 2, .fmtp = "usedtx=1"},
         SOTTO_E_MODIFICATION},
        {{.mime = "audio/opus", .clock_hz = 48000, .channels = 2}, SOTTO_E_MODIFICATION},
        {{.mime = "audio/opus", .clock_hz = 48000, .channels = 1, .fmtp = "useinbandfec=1"},
         SOTTO_E_MODIFICATION},
        /* these carry no media by themselves */
        {{.mime = "audio/red", .clock_hz = 48000, .channels = 2}, SOTTO_E_MODIFICATION},
        {{.mime = "audio/telephone-event", .clock_hz = 8000, .channels = 1, .fmtp = "0-16"},
         SOTTO_E_MODIFICATION},
        {{.mime = "audio/telephone-event", .clock_hz = 8000, .channels = 1, .fmtp = "0-15"},
         SOTTO_E_MODIFICATION},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct codec_list l;
        int r = sotto__codecs_from_public(SOTTO_AUDIO, &rows[i].codec, 1, &l);
        if (r != rows[i].want) fail_msg("row %zu: %d", i, r);
        if (r == 0) sotto__codecs_free(&l);
    }
}

/* RFC 7587 §7: what a receiver asks for is its choice, whatever the capabilities say. */
static void opus_can_be_preferred_with_what_it_asks_for(void **state)
{
    (void)state;
#define BASE "minptime=10;useinbandfec=1"
    static const struct {
        const char *fmtp, *want; /* NULL: refused */
    } rows[] = {
        {BASE, BASE},
        {BASE ";stereo=1", BASE ";stereo=1"},
        {BASE ";sprop-stereo=1", BASE ";sprop-stereo=1"},
        {"stereo=0;useinbandfec=1;usedtx=0", BASE},
        {"cbr=1; usedtx=1; stereo=1;useinbandfec=1", BASE ";stereo=1;usedtx=1;cbr=1"},
        {BASE ";maxaveragebitrate=64000;maxplaybackrate=16000",
         BASE ";maxplaybackrate=16000;maxaveragebitrate=64000"},
        {BASE ";maxaveragebitrate=99999999;maxplaybackrate=1", /* moved into their ranges */
         BASE ";maxplaybackrate=8000;maxaveragebitrate=510000"},
        {BASE ";stereo=1;sprop-stereo=1;usedtx=1;cbr=1;maxplaybackrate=48000;"
              "maxaveragebitrate=510000", /* the longest */
         BASE ";stereo=1;sprop-stereo=1;usedtx=1;cbr=1;maxplaybackrate=48000;"
              "maxaveragebitrate=510000"},
        {"stereo=1", NULL},
        {"useinbandfec=0;stereo=1", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const sotto_codec item = {
            .mime = "audio/opus", .clock_hz = 48000, .channels = 2, .fmtp = rows[i].fmtp};
        const sotto_codec twice[] = {
            item,
            {.mime = "audio/PCMU", .clock_hz = 8000, .channels = 1},
            {.mime = "audio/opus", .clock_hz = 48000, .channels = 2, .fmtp = BASE}};
        struct codec_list l;
        int r = sotto__codecs_from_public(SOTTO_AUDIO, twice, 3, &l);
        if (r != (rows[i].want ? 0 : SOTTO_E_MODIFICATION)) fail_msg("row %zu: %d", i, r);
        if (r < 0) continue;
        assert_int_equal(l.n, 2); /* the first of two counts */
        assert_string_equal(l.items[0].fmtp, rows[i].want);
        sotto__codecs_free(&l);
    }
}

static void events_match_by_their_text(void **state)
{
    (void)state;
    sotto_codec items[] = {
        {.mime = "audio/PCMU", .clock_hz = 8000, .channels = 1},
        {.mime = "audio/telephone-event", .clock_hz = 8000, .channels = 1, .fmtp = "0-16"}};
    struct codec_list l;
    assert_int_equal(sotto__codecs_from_public(SOTTO_AUDIO, items, 2, &l), 0);
    assert_int_equal(l.n, 2);
    sotto__codecs_free(&l);
    items[1].fmtp = "0-15";
    assert_int_equal(sotto__codecs_from_public(SOTTO_AUDIO, items, 2, &l), SOTTO_E_MODIFICATION);
}

static void duplicates_are_removed_and_none_is_the_default(void **state)
{
    (void)state;
    const sotto_codec items[] = {
        {.mime = "video/rtx", .clock_hz = 90000},
        {.mime = "video/VP8", .clock_hz = 90000},
        {.mime = "video/VP9", .clock_hz = 90000, .fmtp = "profile-id=0"},
        {.mime = "video/vp8", .clock_hz = 90000},
        {.mime = "video/rtx", .clock_hz = 90000, .fmtp = "apt=96"},
    };
    struct codec_list l;
    assert_int_equal(sotto__codecs_from_public(SOTTO_VIDEO, items, 5, &l), 0);
    assert_string_equal(kit_text(&l), "-1:rtx -1:VP8 -1:VP9");
    sotto__codecs_free(&l);
    assert_int_equal(sotto__codecs_from_public(SOTTO_VIDEO, NULL, 0, &l), 0);
    assert_int_equal(l.n, 0);
    assert_int_equal(sotto__codecs_from_public(SOTTO_VIDEO, items, 1, &l), SOTTO_E_MODIFICATION);
}

static void more_than_the_limit_is_refused(void **state)
{
    (void)state;
    sotto_codec items[SOTTO_MAX_CODECS + 1];
    struct codec_list l;
    for (size_t i = 0; i <= SOTTO_MAX_CODECS; i++)
        items[i] = (sotto_codec){.mime = "audio/PCMA", .clock_hz = 8000, .channels = 1};
    assert_int_equal(sotto__codecs_from_public(SOTTO_AUDIO, items, SOTTO_MAX_CODECS, &l), 0);
    assert_int_equal(l.n, 1);
    sotto__codecs_free(&l);
    assert_int_equal(sotto__codecs_from_public(SOTTO_AUDIO, items, SOTTO_MAX_CODECS + 1, &l),
                     SOTTO_E_LIMIT);
}

static int there_and_back(void)
{
    const sotto_codec items[] = {{.mime = "video/rtx", .clock_hz = 90000},
                                 {.mime = "video/VP9", .clock_hz = 90000, .fmtp = "profile-id=0"}};
    struct codec_list l;
    sotto_codecs *c;
    int r = sotto__codecs_from_public(SOTTO_VIDEO, items, 2, &l);
    if (r < 0) return r;
    r = sotto__codecs_public(SOTTO_VIDEO, &l, NULL, 0, &c);
    sotto__codecs_free(&l);
    if (r == 0) sotto__free(c);
    return r;
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    kit_fail_each(there_and_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_becomes_one_block),
        cmocka_unit_test(an_empty_list_is_a_block_too),
        cmocka_unit_test(all_capabilities_can_be_preferred_in_any_order),
        cmocka_unit_test(preferences_match_as_codec_dictionaries_do),
        cmocka_unit_test(audio_is_told_apart_by_clock_channels_and_events),
        cmocka_unit_test(opus_can_be_preferred_with_what_it_asks_for),
        cmocka_unit_test(events_match_by_their_text),
        cmocka_unit_test(duplicates_are_removed_and_none_is_the_default),
        cmocka_unit_test(more_than_the_limit_is_refused),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("codecs_public", tests, NULL, NULL);
}
