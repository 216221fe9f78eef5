/* SPDX-License-Identifier: BSD-2-Clause */
/* VP9 payloads: descriptors of RFC 9628 §4.2 and its hostile ones (H135), layers, what is written, and frames of libvpx. */
#include "payload_video.h"

#define OK 0
#define BAD SOTTO_E_SYNTAX

/* Headers of frames, VP9 bitstream specification §6.2: a key frame of profile 0, 640×480; an inter frame. */
#define KEY_0 0x82, 0x49, 0x83, 0x42, 0x00, 0x27, 0xf0, 0x1d, 0xf0
#define INTER 0x86
static const uint8_t key_0[] = {KEY_0};

/* proves: H135 */
static void vp9_reads_every_descriptor(void **state)
{
    (void)state;
    static const struct {
        uint8_t p[24];
        size_t n;
        bool starts, may_end, is_key;
        int32_t picture_id;
        bool is_long;
        int32_t temporal;
    } t[] = {
        {{0x00, INTER}, 2, false, false, false, -1, false, 0},
        {{0x08, INTER}, 2, true, false, false, -1, false, 0},
        {{0x04, INTER}, 2, false, true, false, -1, false, 0},
        {{0x0d, INTER}, 2, true, true, false, -1, false, 0}, /* Z */
        {{0x80, 0x7f, INTER}, 3, false, false, false, 0x7f, false, 0},
        {{0x80, 0x92, 0x34, INTER}, 4, false, false, false, 0x1234, true, 0},
        {{0xc8, 0xff, 0xff, INTER}, 4, true, false, false, 0x7fff, true, 0},
        {{0x88, 0x80, 0x00, KEY_0}, 12, true, false, true, 0, true, 0},
        {{0xc8, 0x80, 0x00, KEY_0}, 12, true, false, false, 0, true, 0}, /* P: it is predicted */
        {{0x88, 0x01, INTER, 0x00}, 4, true, false, false, 1, false, 0}, /* intra-only is no key */
        {{0xa8, 0x05, 0x60, 0x33, KEY_0}, 13, true, false, true, 5, false, 3}, /* TL0PICIDX */
        {{0xac, 0x05, 0xe1, 0x33, KEY_0}, 13, false, true, false, 5, false, 7}, /* D: not the first */
        {{0xa8, 0x05, 0x04, 0x33, KEY_0}, 13, true, false, true, 5, false, 0}, /* layer 2 alone */
        {{0xb8, 0x05, 0x20, KEY_0}, 12, true, false, true, 5, false, 1}, /* F: no TL0PICIDX */
        {{0xd8, 0x05, 0x02, INTER}, 4, true, false, false, 5, false, 0}, /* one P_DIFF */
        {{0xd8, 0x05, 0x03, 0x05, 0x06, INTER}, 6, true, false, false, 5, false, 0}, /* three */
        {{0xfc, 0x85, 0x39, 0xa0, 0x03, 0x04, INTER}, 7, true, true, false, 0x539, true, 5},
        {{0x0a, 0x00, KEY_0}, 11, true, false, true, -1, false, 0}, /* SS, empty */
        {{0x0a, 0x10, 2, 128, 1, 224, KEY_0}, 15, true, false, true, -1, false, 0}, /* 640×480 */
        {{0x0a, 0x30, 1, 64, 0, 240, 2, 128, 1, 224, KEY_0}, 19, true, false, true, -1, false, 0},
        {{0x0a, 0x08, 0, KEY_0}, 12, true, false, true, -1, false, 0}, /* N_G 0 */
        {{0x0a, 0x08, 3, 0x04, 1, 0x28, 1, 2, 0x5c, 1, 2, 3, KEY_0},
         21,
         true,
         false,
         true,
         -1,
         false,
         0},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct payload_info info;
        assert_int_equal(video_peek(CODEC_VP9, t[i].p, t[i].n, &info), 0);
        assert_int_equal(info.starts, t[i].starts);
        assert_int_equal(info.may_end, t[i].may_end);
        assert_int_equal(info.is_key, t[i].is_key);
        assert_int_equal(info.picture_id, t[i].picture_id);
        assert_int_equal(info.picture_id_long, t[i].is_long);
        assert_int_equal(info.temporal, t[i].temporal);
        assert_false(info.disposable);
        size_t n_frame = t[i].p[t[i].n - 1] == 0xf0 ? sizeof key_0 : i == 9 ? 2 : 1;
        for (size_t n = 0; n <= t[i].n - n_frame; n++) /* H135: truncated at each byte */
            assert_int_equal(video_peek(CODEC_VP9, t[i].p, n, &info), BAD);
        for (size_t n = t[i].n - n_frame + 1; n < t[i].n; n++) {
            assert_int_equal(video_peek(CODEC_VP9, t[i].p, n, &info), 0);
            assert_false(info.is_key);
        }
    }
}

/* proves: H135 */
static void vp9_refuses_a_fourth_difference_and_flexible_mode_without_ids(void **state)
{
    (void)state; /* H135: P_DIFF > 3 */
    struct payload_info info;
    static const uint8_t four[] = {0xd8, 0x05, 0x03, 0x05, 0x07, 0x08, INTER};
    static const uint8_t no_id[] = {0x58, 0x02, INTER};
    assert_int_equal(video_peek(CODEC_VP9, four, sizeof four, &info), BAD);
    assert_int_equal(rig_join_one(CODEC_VP9, four, sizeof four), BAD);
    assert_int_equal(video_peek(CODEC_VP9, no_id, sizeof no_id, &info), BAD);
}

/* proves: H135 */
static void vp9_reads_a_structure_of_8_layers_and_255_pictures(void **state)
{
    (void)state; /* H135: SS with 8 layers, N_G 255 */
    uint8_t p[2 + 32 + 1 + 255 * 4 + 1];
    size_t n = 0;
    struct payload_info info;
    p[n++] = 0x0a;
    p[n++] = 7 << 5 | 0x18;
    memset(p + n, 0xff, 32), n += 32;
    p[n++] = 255;
    for (int i = 0; i < 255; i++) {
        p[n++] = (uint8_t)((i & 7) << 5 | 3 << 2);
        for (int k = 0; k < 3; k++) p[n++] = (uint8_t)(i + k);
    }
    p[n++] = INTER;
    assert_int_equal(n, sizeof p);
    assert_int_equal(video_peek(CODEC_VP9, p, n, &info), 0);
    assert_true(info.starts);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(video_peek(CODEC_VP9, p, cut, &info), BAD);
}

/* ---- sending ---- */

static uint8_t *make_frame(size_t n, bool is_key)
{
    uint8_t *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(i * 2654435761u >> 13);
    p[0] = INTER;
    if (is_key) memcpy(p, key_0, sizeof key_0);
    return p;
}

static void vp9_writes_size_on_key_frames_and_P_on_others(void **state)
{
    (void)state;
    const struct codec codec = {.id = CODEC_VP9};
    struct split_state stream = {.picture_id = 0x7fff};
    struct rig_packets packets;
    uint8_t *key = make_frame(200, true);
    uint8_t *inter = make_frame(200, false);
    assert_int_equal(rig_split(&codec, &stream, key, 200, 110, true, &packets), 0);
    assert_int_equal(packets.n, 2);
    assert_memory_equal(packets.items[0].p, "\x8a\xff\xff\x10\x02\x80\x01\xe0", 8);
    assert_memory_equal(packets.items[1].p, "\x84\xff\xff", 3);
    assert_memory_equal(packets.items[0].p + 8, key, packets.items[0].n - 8);
    rig_free(&packets);
    assert_int_equal(rig_split(&codec, &stream, inter, 200, 100, false, &packets), 0);
    assert_int_equal(packets.n, 3);
    assert_memory_equal(packets.items[0].p, "\xc8\x80\x00", 3); /* the id wrapped: H135 */
    assert_memory_equal(packets.items[1].p, "\xc0\x80\x00", 3);
    assert_memory_equal(packets.items[2].p, "\xc4\x80\x00", 3);
    rig_free(&packets);
    assert_int_equal(rig_split(&codec, &stream, inter, 97, 100, false, &packets), 0);
    assert_int_equal(packets.n, 1);
    assert_memory_equal(packets.items[0].p, "\xcc\x80\x01", 3);
    rig_free(&packets);
    free(key);
    free(inter);
}

/* Writes bits as the uncompressed header has them. */
static void put(uint8_t *p, size_t *at, unsigned n, uint32_t v)
{
    for (; n > 0; n--, ++*at)
        if (v >> (n - 1) & 1) p[*at / 8] |= (uint8_t)(0x80 >> *at % 8);
}

static void vp9_finds_the_size_in_every_profile(void **state)
{
    (void)state;
    for (unsigned profile = 0; profile < 4; profile++)
        for (unsigned space = 0; space < 8; space++) {
            uint8_t p[16] = {0};
            size_t at = 0;
            put(p, &at, 2, 2);
            put(p, &at, 1, profile & 1);
            put(p, &at, 1, profile >> 1);
            if (profile == 3) put(p, &at, 1, 0);
            put(p, &at, 4, 2); /* not existing, key, shown, not error resilient */
            put(p, &at, 24, 0x498342);
            if (profile >= 2) put(p, &at, 1, 1);
            put(p, &at, 3, space);
            if (space != 7) put(p, &at, 1, 1);
            if (profile & 1) put(p, &at, space == 7 ? 1 : 3, 0);
            put(p, &at, 16, space == 5 ? 65535 : 1919);
            put(p, &at, 16, 1079);
            const struct codec codec = {.id = CODEC_VP9};
            struct split_state stream = {0};
            struct rig_packets packets;
            for (size_t n = 0; n < (at + 7) / 8; n++)
                assert_int_equal(video_split_result(CODEC_VP9, p, n), BAD);
            assert_int_equal(rig_split(&codec, &stream, p, sizeof p, 100, true, &packets), 0);
            assert_memory_equal(packets.items[0].p + 4,
                                space == 5 ? "\xff\xff\x04\x38" : "\x07\x80\x04\x38", 4);
            rig_free(&packets);
        }
}

static void vp9_refuses_what_is_no_frame(void **state)
{
    (void)state;
    static const uint8_t reserved[] = {0xb8, 0x00}; /* profile 3 and the bit after it */
    static const uint8_t existing[] = {0x88};
    uint8_t bad[sizeof key_0];
    assert_int_equal(video_split_result(CODEC_VP9, key_0, 0), BAD);
    assert_int_equal(video_split_result(CODEC_VP9, (const uint8_t *)"\x46", 1), BAD);
    assert_int_equal(video_split_result(CODEC_VP9, reserved, 2), BAD);
    assert_int_equal(video_split_result(CODEC_VP9, existing, 1), OK); /* show_existing_frame */
    assert_false(sotto__frame_is_key(CODEC_VP9, existing, 1));
    for (size_t i = 1; i < 4; i++) {
        memcpy(bad, key_0, sizeof bad);
        bad[i] ^= 1;
        assert_int_equal(video_split_result(CODEC_VP9, bad, sizeof bad), BAD);
    }
    assert_false(sotto__frame_is_key(CODEC_VP9, NULL, 0));
}

static void vp9_joins_what_it_split_around_every_edge(void **state)
{
    (void)state;
    for (size_t max = 100; max <= 102; max++)
        for (size_t n = 9; n < 5 * max; n++)
            for (int key = 0; key < 2; key++) {
                uint8_t *frame = make_frame(n, key);
                size_t head = key ? 5 : 0;
                size_t packets = video_round_trip(CODEC_VP9, frame, n, max, key);
                assert_int_equal(packets, (n + head + max - 4) / (max - 3));
                free(frame);
            }
    for (size_t n = 1; n < 9; n++)
        video_round_trip(CODEC_VP9, (const uint8_t[9]){INTER}, n, 100, 0);
}

static void vp9_splits_eight_mebibytes(void **state)
{
    (void)state;
    const size_t n = 8u * 1024 * 1024;
    uint8_t *frame = make_frame(n, true);
    assert_int_equal(video_round_trip(CODEC_VP9, frame, n, 1140, true), (n + 5 + 1136) / 1137);
    video_round_trip(CODEC_VP9, frame, n, 100, true);
    free(frame);
}

/* ---- receiving ---- */

static void vp9_joins_layers_to_a_superframe(void **state)
{
    (void)state;
    static const struct {
        struct video_piece pieces[8];
        int result;
        size_t n;
        uint8_t frame[32];
    } t[] = {
        {{{2, {0x0c, 'a'}}}, OK, 1, "a"},
        {{{2, {0x08, 'a'}}, {2, {0x00, 'b'}}, {2, {0x04, 'c'}}}, OK, 3, "abc"},
        /* two layers, flexible mode; three in two packets each, non-flexible */
        {{{4, {0xbc, 1, 0x00, 'a'}}, {4, {0xbc, 1, 0x03, 'b'}}},
         OK,
         6,
         {'a', 'b', 0xc1, 1, 1, 0xc1}},
        {{{4, {0x28, 0x00, 0, 'a'}},
          {5, {0x24, 0x00, 0, 'b', 'c'}},
          {4, {0x28, 0x03, 0, 'd'}},
          {4, {0x24, 0x03, 0, 'e'}},
          {4, {0x28, 0x05, 0, 'f'}},
          {4, {0x24, 0x05, 0, 'g'}}},
         OK,
         12,
         {'a', 'b', 'c', 'd', 'e', 'f', 'g', 0xc2, 3, 2, 2, 0xc2}},
        {{{4, {0x2c, 0x04, 0, 'a'}}}, OK, 1, "a"}, /* only layer 2 was sent */
        {{{4, {0x2c, 0x04, 0, 'a'}}, {4, {0x2c, 0x02, 0, 'b'}}}, BAD, 0, ""}, /* going down */
        {{{4, {0x2c, 0x02, 0, 'a'}}, {4, {0x2c, 0x02, 0, 'b'}}}, BAD, 0, ""}, /* twice */
        {{{2, {0x0c, 'a'}}, {2, {0x0c, 'b'}}}, BAD, 0, ""},                   /* no layers, twice */
        {{{2, {0x08, 'a'}}}, BAD, 0, ""},                                     /* no end */
        {{{2, {0x04, 'a'}}}, BAD, 0, ""},                                     /* no beginning */
        {{{2, {0x0c, 'a'}}, {2, {0x04, 'b'}}}, BAD, 0, ""},
        {{{2, {0x08, 'a'}}, {2, {0x0c, 'b'}}}, BAD, 0, ""},
        {{{4, {0x28, 0x00, 0, 'a'}}, {4, {0x24, 0x02, 0, 'b'}}}, BAD, 0, ""}, /* another's end */
        {{{2, {0x08, 'a'}}, {1, {0x04}}}, BAD, 0, ""},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        video_assert_join(CODEC_VP9, t[i].pieces, t[i].result, t[i].frame, t[i].n);
}

static void vp9_index_of_8_layers_has_sizes_as_wide_as_needed(void **state)
{
    (void)state;
    static const size_t largest[] = {255, 256, 65535, 65536};
    static const unsigned width[] = {1, 2, 2, 3};
    for (size_t k = 0; k < 4; k++) {
        struct payload_piece pieces[8];
        size_t total = 0;
        for (size_t i = 0; i < 8; i++) {
            size_t n = i == 5 ? largest[k] : i + 1;
            uint8_t *p = calloc(3 + n, 1);
            p[0] = 0x2c;
            p[1] = (uint8_t)(i << 1);
            pieces[i] = (struct payload_piece){p, 3 + n};
            total += n;
        }
        struct buf out;
        sotto__buf_init(&out, RIG_MAX_FRAME);
        assert_int_equal(sotto__payload_join(CODEC_VP9, pieces, 8, &out), 0);
        assert_int_equal(out.n, total + 2 + 8 * width[k]);
        uint8_t marker = (uint8_t)(0xc7 | (width[k] - 1) << 3);
        assert_int_equal(out.p[total], marker);
        assert_int_equal(out.p[out.n - 1], marker);
        for (size_t i = 0; i < 8; i++) {
            size_t size = 0;
            for (unsigned b = width[k]; b > 0; b--)
                size = size << 8 | out.p[total + 1 + i * width[k] + b - 1];
            assert_int_equal(size, i == 5 ? largest[k] : i + 1);
            free((void *)(uintptr_t)pieces[i].p);
        }
        sotto__buf_free(&out);
    }
}

static void vp9_frames_of_libvpx_survive(void **state)
{
    (void)state;
    struct ivf f = ivf_open(FIXTURES "/media/vp9.ivf");
    const uint8_t *p;
    size_t n, frames = 0, superframes = 0;
    for (; ivf_next(&f, &p, &n); frames++) {
        for (size_t max = 100; max < 1300; max += 173)
            video_round_trip(CODEC_VP9, p, n, max, frames % 20 == 0);
        video_join_survives(CODEC_VP9, p, n);
        superframes += (p[n - 1] & 0xe0) == 0xc0; /* with hidden frames */
    }
    assert_int_equal(frames, 24);
    assert_int_equal(superframes, 3);
    free(f.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vp9_reads_every_descriptor),
        cmocka_unit_test(vp9_refuses_a_fourth_difference_and_flexible_mode_without_ids),
        cmocka_unit_test(vp9_reads_a_structure_of_8_layers_and_255_pictures),
        cmocka_unit_test(vp9_writes_size_on_key_frames_and_P_on_others),
        cmocka_unit_test(vp9_finds_the_size_in_every_profile),
        cmocka_unit_test(vp9_refuses_what_is_no_frame),
        cmocka_unit_test(vp9_joins_what_it_split_around_every_edge),
        cmocka_unit_test(vp9_splits_eight_mebibytes),
        cmocka_unit_test(vp9_joins_layers_to_a_superframe),
        cmocka_unit_test(vp9_index_of_8_layers_has_sizes_as_wide_as_needed),
        cmocka_unit_test(vp9_frames_of_libvpx_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
