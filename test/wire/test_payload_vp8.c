/* SPDX-License-Identifier: BSD-2-Clause */
/* VP8 payloads: descriptors of RFC 7741 §4.2 and its hostile ones (H135), what is written, and frames of libvpx and of Chromium. */
#include "payload_video.h"

#define OK 0
#define BAD SOTTO_E_SYNTAX

/* proves: H135 RTP-15 */
static void vp8_reads_every_descriptor(void **state)
{
    (void)state;
    static const struct {
        uint8_t p[8];
        size_t n;
        bool starts, is_key, disposable;
        int32_t picture_id;
        bool is_long;
        int32_t temporal;
    } t[] = {
        {{0x10, 0x00}, 2, true, true, false, -1, false, 0},
        {{0x10, 0x01}, 2, true, false, false, -1, false, 0},
        {{0x00, 0x00}, 2, false, false, false, -1, false, 0},
        {{0x30, 0x01}, 2, true, false, true, -1, false, 0},
        {{0x20, 0x01}, 2, false, false, true, -1, false, 0},
        {{0x13, 0x00}, 2, false, false, false, -1, false, 0}, /* start of partition 3 */
        {{0x58, 0x00}, 2, true, true, false, -1, false, 0},   /* reserved bits */
        {{0x90, 0x00, 0x00}, 3, true, true, false, -1, false, 0},
        {{0x90, 0x0f, 0x00}, 3, true, true, false, -1, false, 0}, /* reserved bits */
        {{0x90, 0x80, 0x11, 0x00}, 4, true, true, false, 0x11, false, 0}, /* RFC 7741 §4.5.1 */
        {{0x90, 0x80, 0x7f, 0x00}, 4, true, true, false, 0x7f, false, 0},
        {{0x90, 0x80, 0x92, 0x34, 0x01}, 5, true, false, false, 0x1234, true, 0},
        {{0x90, 0x80, 0xff, 0xff, 0x01}, 5, true, false, false, 0x7fff, true, 0},
        {{0x90, 0x80, 0x80, 0x00, 0x01}, 5, true, false, false, 0, true, 0},
        {{0x90, 0x40, 0x80, 0x01}, 4, true, false, false, -1, false, 0}, /* L alone */
        {{0x90, 0x20, 0xc0, 0x01}, 4, true, false, false, -1, false, 3}, /* T */
        {{0x90, 0x10, 0xdf, 0x01}, 4, true, false, false, -1, false, 0}, /* K: no TID in it */
        {{0x80, 0x30, 0x60, 0x01}, 4, false, false, false, -1, false, 1},
        {{0xb0, 0xf0, 0x85, 0x39, 0x07, 0xa2, 0x01}, 7, true, false, true, 0x539, true, 2},
        {{0xb0, 0xf0, 0x39, 0x07, 0xa2, 0x01}, 6, true, false, true, 0x39, false, 2},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct payload_info info;
        assert_int_equal(video_peek(CODEC_VP8, t[i].p, t[i].n, &info), 0);
        assert_int_equal(info.starts, t[i].starts);
        assert_true(info.may_end);
        assert_int_equal(info.is_key, t[i].is_key);
        assert_int_equal(info.disposable, t[i].disposable);
        assert_int_equal(info.picture_id, t[i].picture_id);
        assert_int_equal(info.picture_id_long, t[i].is_long);
        assert_int_equal(info.temporal, t[i].temporal);
        for (size_t n = 0; n < t[i].n; n++) /* H135: truncated at each byte */
            assert_int_equal(video_peek(CODEC_VP8, t[i].p, n, &info), BAD);
    }
}

static void vp8_refuses_X_without_bytes(void **state) /* H135 */
{
    (void)state;
    struct payload_info info = {.temporal = 77};
    for (unsigned first = 0; first < 256; first++)
        for (unsigned ext = 0; ext < 256; ext++) {
            const uint8_t p[2] = {(uint8_t)first, (uint8_t)ext};
            assert_int_equal(video_peek(CODEC_VP8, p, 1, &info), BAD);
            assert_int_equal(video_peek(CODEC_VP8, p, 2, &info), first & 0x80 ? BAD : OK);
            if (first & 0x80) assert_int_equal(rig_join_one(CODEC_VP8, p, 2), BAD);
        }
    info.temporal = 77;
    assert_int_equal(video_peek(CODEC_VP8, (const uint8_t *)"\x90", 1, &info), BAD);
    assert_int_equal(info.temporal, 77); /* untouched */
}

/* A key frame of 16×16 as far as its header goes: RFC 6386 §9.1. */
static const uint8_t key_head[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x10, 0x00, 0x10, 0x00};

static uint8_t *make_frame(size_t n, bool is_key)
{
    uint8_t *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(i * 2654435761u >> 13);
    p[0] |= 1;
    if (is_key) memcpy(p, key_head, sizeof key_head);
    return p;
}

static void vp8_writes_picture_ids_of_15_bits_and_S_once(void **state)
{
    (void)state;
    const struct codec codec = {.id = CODEC_VP8};
    struct split_state stream = {.picture_id = 0x1234};
    struct rig_packets packets;
    uint8_t *frame = make_frame(201, true);
    assert_int_equal(rig_split(&codec, &stream, frame, 200, 104, true, &packets), 0);
    assert_int_equal(packets.n, 2);
    assert_memory_equal(packets.items[0].p, "\x90\x80\x92\x34", 4);
    assert_memory_equal(packets.items[1].p, "\x80\x80\x92\x34", 4);
    assert_int_equal(packets.items[0].n, 104);
    assert_int_equal(packets.items[1].n, 104);
    assert_memory_equal(packets.items[0].p + 4, frame, 100);
    assert_memory_equal(packets.items[1].p + 4, frame + 100, 100);
    assert_int_equal(stream.picture_id, 0x1235);
    rig_free(&packets);
    assert_int_equal(rig_split(&codec, &stream, frame, 201, 104, true, &packets), 0);
    assert_int_equal(packets.n, 3); /* one byte more: a third, and all about as large */
    for (size_t i = 0; i < 3; i++) assert_int_equal(packets.items[i].n, 4 + 67);
    rig_free(&packets);
    free(frame);
}

/* proves: H135 RTP-15 */
static void vp8_picture_ids_wrap_after_7fff(void **state) /* H135 */
{
    (void)state;
    const struct codec codec = {.id = CODEC_VP8};
    struct split_state stream = {.picture_id = 0xfffe}; /* random: the top bit is not used */
    uint8_t *frame = make_frame(50, false);
    static const int32_t expected[] = {0x7ffe, 0x7fff, 0, 1};
    for (size_t i = 0; i < 4; i++) {
        struct rig_packets packets;
        struct payload_info info;
        assert_int_equal(rig_split(&codec, &stream, frame, 50, 100, false, &packets), 0);
        assert_int_equal(
            sotto__payload_peek(CODEC_VP8, packets.items[0].p, packets.items[0].n, &info), 0);
        assert_int_equal(info.picture_id, expected[i]);
        assert_true(info.picture_id_long);
        rig_free(&packets);
    }
    free(frame);
}

static void vp8_joins_what_it_split_around_every_edge(void **state)
{
    (void)state;
    for (size_t max = 100; max <= 102; max++)
        for (size_t n = 10; n < 5 * max; n++) {
            uint8_t *frame = make_frame(n, n % 2);
            size_t packets = video_round_trip(CODEC_VP8, frame, n, max, n % 2);
            assert_int_equal(packets, (n + max - 5) / (max - 4));
            free(frame);
        }
    for (size_t n = 3; n < 10; n++) {
        uint8_t *frame = make_frame(n, false);
        video_round_trip(CODEC_VP8, frame, n, 1140, false);
        free(frame);
    }
}

static void vp8_splits_eight_mebibytes(void **state)
{
    (void)state;
    const size_t n = 8u * 1024 * 1024;
    uint8_t *frame = make_frame(n, true);
    assert_int_equal(video_round_trip(CODEC_VP8, frame, n, 1140, true), (n + 1135) / 1136);
    assert_int_equal(video_round_trip(CODEC_VP8, frame, n, 100, true), (n + 95) / 96);
    free(frame);
}

static void vp8_refuses_what_is_no_frame(void **state)
{
    (void)state;
    static const uint8_t inter[] = {0x11, 0x02, 0x00};
    uint8_t key[sizeof key_head];
    assert_int_equal(video_split_result(CODEC_VP8, inter, 0), BAD);
    assert_int_equal(video_split_result(CODEC_VP8, inter, 2), BAD);
    assert_int_equal(video_split_result(CODEC_VP8, inter, 3), OK);
    assert_int_equal(video_split_result(CODEC_VP8, key_head, 9), BAD);
    assert_int_equal(video_split_result(CODEC_VP8, key_head, 10), OK);
    for (size_t i = 3; i < 6; i++) { /* the start code */
        memcpy(key, key_head, sizeof key);
        key[i] ^= 1;
        assert_int_equal(video_split_result(CODEC_VP8, key, sizeof key), BAD);
        assert_false(sotto__frame_is_key(CODEC_VP8, key, sizeof key));
    }
    assert_false(sotto__frame_is_key(CODEC_VP8, NULL, 0));
}

/* proves: H135 */
static void vp8_joins_only_what_begins_once_and_first(void **state)
{
    (void)state;
    static const struct {
        struct video_piece pieces[4];
        int result;
        const char *frame;
    } t[] = {
        {{{2, "\x10"
              "a"}},
         OK,
         "a"},
        {{{2, "\x00"
              "a"}},
         BAD,
         ""}, /* no beginning */
        {{{2, "\x10"
              "a"},
          {2, "\x00"
              "b"},
          {4, "\x80\x80\x11"
              "c"}},
         OK,
         "abc"},
        {{{2, "\x10"
              "a"},
          {2, "\x10"
              "b"}},
         BAD,
         ""}, /* two frames */
        {{{2, "\x10"
              "a"},
          {2, "\x11"
              "b"},
          {2, "\x02"
              "c"}},
         OK,
         "abc"}, /* partitions apart */
        {{{2, "\x11"
              "a"}},
         BAD,
         ""}, /* begins with partition 1 */
        {{{2, "\x10"
              "a"},
          {1, "\x00"}},
         BAD,
         ""}, /* nothing in it */
        {{{2, "\x10"
              "a"},
          {3, "\x80\x80\x11"}},
         BAD,
         ""},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        video_assert_join(CODEC_VP8, t[i].pieces, t[i].result, (const uint8_t *)t[i].frame,
                          strlen(t[i].frame));
}

static void vp8_frames_of_libvpx_survive(void **state)
{
    (void)state;
    struct ivf f = ivf_open(FIXTURES "/media/vp8.ivf");
    const uint8_t *p;
    size_t n, frames = 0;
    for (; ivf_next(&f, &p, &n); frames++) {
        for (size_t max = 100; max < 1300; max += 173)
            video_round_trip(CODEC_VP8, p, n, max, frames % 8 == 0);
        video_join_survives(CODEC_VP8, p, n);
    }
    assert_int_equal(frames, 9);
    free(f.file);
}

/* Three packets of a key frame and one of the next as Chromium sent them, each with its length in two bytes before it. */
/* proves: RTP-15 */
static void vp8_packets_of_chromium_are_joined(void **state)
{
    (void)state;
    size_t n;
    uint8_t *file = rig_read_file(FIXTURES "/media/vp8_chromium.packets", &n);
    struct payload_piece pieces[4];
    struct payload_info info[4];
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        pieces[i].n = (size_t)file[at] << 8 | file[at + 1];
        pieces[i].p = file + at + 2;
        at += 2 + pieces[i].n;
        assert_true(at <= n);
        assert_int_equal(sotto__payload_peek(CODEC_VP8, pieces[i].p, pieces[i].n, &info[i]), 0);
        assert_int_equal(info[i].picture_id, i < 3 ? 0x5b5d : 0x5b5e);
        assert_int_equal(info[i].starts, i == 0 || i == 3);
        assert_int_equal(info[i].is_key, i == 0);
    }
    assert_int_equal(at, n);
    struct buf out;
    sotto__buf_init(&out, RIG_MAX_FRAME);
    assert_int_equal(sotto__payload_join(CODEC_VP8, pieces, 3, &out), 0);
    assert_int_equal(out.n, pieces[0].n + pieces[1].n + pieces[2].n - 12);
    assert_true(sotto__frame_is_key(CODEC_VP8, out.p, out.n));
    assert_memory_equal(out.p + 6, "\x80\x02\xe0\x01", 4); /* 640×480 */
    sotto__buf_free(&out);
    sotto__buf_init(&out, RIG_MAX_FRAME);
    assert_int_equal(sotto__payload_join(CODEC_VP8, pieces, 4, &out), BAD);
    assert_int_equal(sotto__payload_join(CODEC_VP8, pieces + 1, 2, &out), BAD);
    sotto__buf_free(&out);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vp8_reads_every_descriptor),
        cmocka_unit_test(vp8_refuses_X_without_bytes),
        cmocka_unit_test(vp8_writes_picture_ids_of_15_bits_and_S_once),
        cmocka_unit_test(vp8_picture_ids_wrap_after_7fff),
        cmocka_unit_test(vp8_joins_what_it_split_around_every_edge),
        cmocka_unit_test(vp8_splits_eight_mebibytes),
        cmocka_unit_test(vp8_refuses_what_is_no_frame),
        cmocka_unit_test(vp8_joins_only_what_begins_once_and_first),
        cmocka_unit_test(vp8_frames_of_libvpx_survive),
        cmocka_unit_test(vp8_packets_of_chromium_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
