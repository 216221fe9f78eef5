/* SPDX-License-Identifier: BSD-2-Clause */
/* AV1 payloads: aggregation headers, OBU elements and leb128 of the RTP specification of AOM and hostile ones (H135), what is written,
 * and temporal units of libaom and SVT-AV1. */
#include "payload_video.h"

#define OK 0
#define BAD SOTTO_E_SYNTAX

/* OBU headers as in files (with a size) and on the wire (without). AV1 bitstream specification §5.3. */
enum {
    SIZED = 0x02,
    EXT = 0x04,
    SEQ = 1 << 3,
    TD = 2 << 3,
    HEADER = 3 << 3,
    TILES = 4 << 3,
    META = 5 << 3,
    FRAME = 6 << 3,
    LIST = 8 << 3,
    PADDING = 15 << 3
};
#define KEY_BITS 0x10   /* of a frame header: KEY_FRAME, shown */
#define INTER_BITS 0x30 /* INTER_FRAME, shown */

static void av1_reads_every_aggregation_header(void **state)
{
    (void)state;
    static const struct {
        uint8_t p[16];
        size_t n;
        bool starts, may_end, is_key;
        int32_t temporal;
    } t[] = {
        {{0x10, FRAME, INTER_BITS}, 3, true, true, false, 0},
        {{0x90, 1}, 2, false, true, false, 0},
        {{0x50, FRAME, INTER_BITS}, 3, true, false, false, 0},
        {{0xd0, 1}, 2, false, false, false, 0},
        {{0x00, 2, FRAME, INTER_BITS}, 4, true, true, false, 0},
        {{0x20, 2, SEQ, 0, FRAME, KEY_BITS}, 6, true, true, true, 0},
        {{0x28, 2, SEQ, 0, FRAME, KEY_BITS}, 6, true, true, true, 0},
        {{0x20, 2, SEQ, 0, FRAME, INTER_BITS}, 6, true, true, false, 0}, /* repeated: no key */
        {{0x20, 2, SEQ, 0, FRAME, 0x00}, 6, true, true, false, 0},       /* a key that is not shown */
        {{0x20, 2, SEQ, 0, FRAME, 0x90}, 6, true, true, false, 0},       /* shows an existing one */
        {{0x20, 2, SEQ, 0x08, FRAME, 0xff}, 6, true, true, true, 0},     /* reduced still picture */
        {{0x18, SEQ, 0}, 3, true, true, true, 0},
        {{0x10, SEQ, 0}, 3, true, true, false, 0}, /* N says it, or the frame does */
        {{0x18, META, 0}, 3, true, true, true, 0}, /* the sequence header may come later */
        {{0x10, FRAME, KEY_BITS}, 3, true, true, false, 0}, /* of no use without one */
        {{0x30, 1, TD, 2, SEQ, 0, HEADER, KEY_BITS}, 8, true, true, true, 0},
        {{0x00, 2, SEQ, 0, 2, META, 9, 1, PADDING, 2, FRAME, KEY_BITS}, 12, true, true, true, 0},
        {{0x20, 3, SEQ | SIZED, 1, 0, FRAME | SIZED, 1, KEY_BITS}, 8, true, true, true, 0},
        {{0x10, FRAME | EXT, 0x68, INTER_BITS}, 4, true, true, false, 3},
        {{0x00, 2, FRAME | EXT, 0xe0}, 4, true, true, false, 7},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct payload_info info;
        assert_int_equal(video_peek(CODEC_AV1, t[i].p, t[i].n, &info), 0);
        assert_int_equal(info.starts, t[i].starts);
        assert_int_equal(info.may_end, t[i].may_end);
        assert_int_equal(info.is_key, t[i].is_key);
        assert_int_equal(info.temporal, t[i].temporal);
        assert_int_equal(info.picture_id, -1);
        assert_false(info.disposable);
    }
}

/* proves: H135 */
static void av1_refuses_broken_packets(void **state)
{
    (void)state;
    static const struct {
        uint8_t p[16];
        size_t n;
    } t[] = {
        {{0x00}, 0},
        {{0x00}, 1}, /* nothing in it */
        {{0x10}, 1},
        {{0x20}, 1},
        {{0x00, 0}, 2},                  /* an element of 0 bytes */
        {{0x00, 3, FRAME, 0}, 4},        /* longer than the rest */
        {{0x00, 2, FRAME, 0, 1}, 5},     /* the second one too */
        {{0x00, 1, FRAME, 0x80}, 4},     /* a length that does not end */
        {{0x20, 2, FRAME, 0}, 4},        /* W 2, but one element */
        {{0x30, 1, FRAME, 1, FRAME}, 5}, /* W 3, but two */
        {{0x20, 3, FRAME, 0}, 4},
        {{0x20, 0, FRAME, 0}, 4},
        /* leb128 of 9 and 10 bytes, and above 32 bits: H135 */
        {{0x00, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, FRAME, 0}, 12},
        {{0x00, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, FRAME, 0}, 13},
        {{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, FRAME, 0}, 13},
        {{0x00, 0x80, 0x80, 0x80, 0x80, 0x10, FRAME, 0}, 8},
        {{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, FRAME, 0}, 11},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct payload_info info;
        assert_int_equal(video_peek(CODEC_AV1, t[i].p, t[i].n, &info), BAD);
        assert_int_equal(rig_join_one(CODEC_AV1, t[i].p, t[i].n), BAD);
    }
}

/* proves: H135 */
static void av1_reads_leb128_of_up_to_8_bytes(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 9; n++) {
        uint8_t p[12] = {0};
        struct payload_info info;
        memset(p + 1, 0x80, n - 1);
        p[1] |= 2;
        p[n + 1] = FRAME;
        p[n + 2] = INTER_BITS;
        assert_int_equal(video_peek(CODEC_AV1, p, n + 3, &info), n <= 8 ? OK : BAD);
    }
}

static void av1_joins_elements_and_fragments(void **state)
{
    (void)state;
    static const struct {
        struct video_piece pieces[8];
        int result;
        size_t n;
        uint8_t frame[32];
    } t[] = {
        {{{3, {0x10, FRAME, 'a'}}}, OK, 3, {FRAME | SIZED, 1, 'a'}},
        {{{2, {0x10, FRAME}}}, OK, 2, {FRAME | SIZED, 0}},
        {{{8, {0x20, 2, SEQ, 's', FRAME | EXT, 0x20, 'a', 'b'}}},
         OK,
         8,
         {SEQ | SIZED, 1, 's', FRAME | EXT | SIZED, 0x20, 2, 'a', 'b'}},
        {{{5, {0x50, FRAME, 'a', 'b', 'c'}}, {3, {0xd0, 'd', 'e'}}, {2, {0x90, 'f'}}},
         OK,
         8,
         {FRAME | SIZED, 6, 'a', 'b', 'c', 'd', 'e', 'f'}},
        /* the end of one and the beginning of another in one packet, and W 0 */
        {{{3, {0x50, META, 'm'}}, {6, {0xc0, 1, 'n', 2, FRAME, 'a'}}, {3, {0xa0, 1, 'b'}}},
         BAD,
         0,
         ""},
        {{{3, {0x50, META, 'm'}}, {6, {0xc0, 1, 'n', 2, FRAME, 'a'}}, {2, {0x90, 'b'}}},
         OK,
         8,
         {META | SIZED, 2, 'm', 'n', FRAME | SIZED, 2, 'a', 'b'}},
        /* header, extension and size field apart */
        {{{2, {0x50, FRAME | EXT | SIZED}},
          {2, {0xd0, 0x28}},
          {2, {0xd0, 0x81}},
          {2, {0xd0, 0x00}},
          {2, {0x90, 'a'}}},
         OK,
         4,
         {FRAME | EXT | SIZED, 0x28, 1, 'a'}},
        {{{4, {0x10, FRAME | SIZED, 1, 'a'}}}, OK, 3, {FRAME | SIZED, 1, 'a'}},
        {{{4, {0x10, FRAME | SIZED, 2, 'a'}}}, BAD, 0, ""}, /* its size is not that of the element */
        {{{5, {0x10, FRAME | SIZED, 1, 'a', 'b'}}}, BAD, 0, ""},
        {{{12, {0x10, FRAME | SIZED, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 'a'}}},
         BAD,
         0,
         ""}, /* leb128 of 9 bytes: H135 */
        {{{2, {0x10, FRAME | SIZED}}}, BAD, 0, ""}, /* a size is announced: H135 */
        {{{2, {0x10, FRAME | EXT}}}, BAD, 0, ""},
        {{{3, {0x10, 0x80 | FRAME, 'a'}}}, BAD, 0, ""}, /* forbidden bit */
        /* temporal delimiters and tile lists are dropped */
        {{{7, {0x30, 1, TD, 2, LIST, 'l', FRAME}}}, OK, 2, {FRAME | SIZED, 0}},
        {{{2, {0x10, TD}}}, BAD, 0, ""}, /* and nothing is left */
        {{{2, {0x50, LIST}}, {2, {0x90, 'l'}}, {2, {0x10, FRAME}}}, OK, 2, {FRAME | SIZED, 0}},
        {{{3, {0x90, FRAME, 'a'}}}, BAD, 0, ""}, /* fragments that do not fit together */
        {{{3, {0x50, FRAME, 'a'}}}, BAD, 0, ""},
        {{{3, {0x50, FRAME, 'a'}}, {3, {0x10, FRAME, 'b'}}}, BAD, 0, ""},
        {{{3, {0x10, FRAME, 'a'}}, {3, {0x90, FRAME, 'b'}}}, BAD, 0, ""},
        {{{3, {0x10, FRAME, 'a'}}, {1, {0x10}}}, BAD, 0, ""},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        video_assert_join(CODEC_AV1, t[i].pieces, t[i].result, t[i].frame, t[i].n);
}

/* ---- sending ---- */

struct maker {
    uint8_t *p;
    size_t n, cap;
};

static void add_obu(struct maker *m, uint8_t head, int ext, uint8_t first, size_t n)
{
    assert_true(m->n + n + 12 <= m->cap);
    m->p[m->n++] = (uint8_t)(head | SIZED | (ext >= 0 ? EXT : 0));
    if (ext >= 0) m->p[m->n++] = (uint8_t)ext;
    size_t left = n;
    for (; left >= 0x80; left >>= 7) m->p[m->n++] = (uint8_t)(left | 0x80);
    m->p[m->n++] = (uint8_t)left;
    for (size_t i = 0; i < n; i++) m->p[m->n++] = i == 0 ? first : (uint8_t)(i * 2654435761u >> 13);
}

static struct maker make(size_t cap)
{
    struct maker m = {malloc(cap), 0, cap};
    assert_non_null(m.p);
    return m;
}

static void av1_writes_elements_without_sizes_and_N_once(void **state)
{
    (void)state;
    const struct codec codec = {.id = CODEC_AV1};
    struct split_state stream = {0};
    struct rig_packets packets;
    struct maker m = make(512);
    add_obu(&m, TD, -1, 0, 0);
    add_obu(&m, SEQ, -1, 0, 3);
    add_obu(&m, FRAME, -1, KEY_BITS, 150);
    assert_int_equal(rig_split(&codec, &stream, m.p, m.n, 100, true, &packets), 0);
    assert_int_equal(packets.n, 2);
    assert_memory_equal(packets.items[0].p, "\x68\x04\x08\x00", 4); /* Y, W 2, N; sequence header */
    assert_int_equal(packets.items[0].p[6], FRAME);
    assert_int_equal(packets.items[0].n, 100);
    assert_int_equal(packets.items[1].p[0], 0x90); /* Z, W 1 */
    assert_int_equal(packets.items[1].n, 1 + 151 - 94);
    rig_free(&packets);

    m.n = 0; /* four elements: all have lengths */
    for (int i = 0; i < 3; i++) add_obu(&m, META, -1, 'm', 2);
    add_obu(&m, FRAME, -1, INTER_BITS, 2);
    assert_int_equal(rig_split(&codec, &stream, m.p, m.n, 100, false, &packets), 0);
    assert_int_equal(packets.n, 1);
    assert_int_equal(packets.items[0].n, 1 + 4 * 4);
    assert_int_equal(packets.items[0].p[0], 0);
    rig_free(&packets);
    free(m.p);
}

static void av1_keeps_frames_and_layers_in_packets_of_their_own(void **state)
{
    (void)state;
    static const struct {
        uint8_t head;
        int ext;
    } obus[][4] = {
        {{FRAME, -1}, {FRAME, -1}},
        {{HEADER, -1}, {HEADER, -1}},
        {{TILES, -1}, {SEQ, -1}},
        {{FRAME, -1}, {META, -1}, {FRAME, -1}},
        {{FRAME, 0x00}, {TILES, 0x08}}, /* spatial layer 1 */
        {{META, 0x20}, {FRAME, 0x00}},  /* temporal layer 1 */
        {{SEQ, -1}, {META, 0x20}, {FRAME, 0x20}, {TILES, 0x20}},
        {{HEADER, -1}, {TILES, -1}, {TILES, -1}, {PADDING, -1}},
    };
    static const size_t expected[] = {2, 2, 2, 2, 2, 2, 1, 1};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct maker m = make(128);
        for (size_t k = 0; k < 4 && obus[i][k].head; k++)
            add_obu(&m, obus[i][k].head, obus[i][k].ext, INTER_BITS, 3);
        assert_int_equal(video_round_trip(CODEC_AV1, m.p, m.n, 100, false), expected[i]);
        free(m.p);
    }
}

static void av1_takes_an_OBU_without_size_at_the_end_only(void **state) /* H135 */
{
    (void)state;
    static const uint8_t last[] = {SEQ | SIZED, 1, 0, FRAME, KEY_BITS, 5};
    static const uint8_t sized[] = {SEQ | SIZED, 1, 0, FRAME | SIZED, 2, KEY_BITS, 5};
    const struct codec codec = {.id = CODEC_AV1};
    struct split_state stream = {0};
    struct rig_packets packets;
    assert_int_equal(rig_split(&codec, &stream, last, sizeof last, 100, true, &packets), 0);
    rig_assert_joins_to(CODEC_AV1, &packets, sized, sizeof sized);
    rig_assert_peeks(CODEC_AV1, &packets, true);
    rig_free(&packets);
}

static void av1_writes_sizes_in_the_fewest_bytes(void **state)
{
    (void)state;
    static const uint8_t wide[] = {FRAME | SIZED, 0x82, 0x80, 0x80, 0x00, INTER_BITS, 5};
    static const uint8_t narrow[] = {FRAME | SIZED, 2, INTER_BITS, 5};
    const struct codec codec = {.id = CODEC_AV1};
    struct split_state stream = {0};
    struct rig_packets packets;
    assert_int_equal(rig_split(&codec, &stream, wide, sizeof wide, 100, false, &packets), 0);
    rig_assert_joins_to(CODEC_AV1, &packets, narrow, sizeof narrow);
    rig_free(&packets);
}

static void av1_refuses_what_is_no_temporal_unit(void **state)
{
    (void)state;
    static const struct {
        uint8_t p[12];
        size_t n;
        int result;
    } t[] = {
        {{0}, 0, BAD},
        {{TD | SIZED, 0}, 2, BAD}, /* nothing to send */
        {{TD | SIZED, 0, LIST | SIZED, 1, 0}, 5, BAD},
        {{FRAME | SIZED, 2, 0}, 3, BAD},
        {{FRAME | SIZED}, 1, BAD},
        {{FRAME | EXT}, 1, BAD},
        {{FRAME | EXT | SIZED, 0}, 2, BAD},
        {{FRAME | SIZED, 0x80}, 2, BAD},
        {{FRAME | SIZED, 0, 0x80}, 3, BAD}, /* forbidden bit */
        {{FRAME | SIZED, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 10, BAD}, /* 9 bytes */
        {{FRAME | SIZED, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 9, OK},
        {{FRAME | SIZED, 0xff, 0xff, 0xff, 0xff, 0x7f, 0}, 7, BAD},
        {{TD | SIZED, 0, FRAME | SIZED, 0}, 4, OK},
        {{FRAME}, 1, OK},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        assert_int_equal(video_split_result(CODEC_AV1, t[i].p, t[i].n), t[i].result);
        assert_false(sotto__frame_is_key(CODEC_AV1, t[i].p, t[i].n));
    }
}

static void av1_joins_what_it_split_around_every_edge(void **state)
{
    (void)state;
    for (size_t max = 100; max <= 102; max++)
        for (size_t before = 0; before < 6; before++)
            for (size_t n = 1; n < 3 * max; n++) {
                struct maker m = make(2048);
                add_obu(&m, SEQ, -1, 0, 10);
                for (size_t i = 0; i < before; i++) add_obu(&m, META, -1, 'm', n % 17);
                add_obu(&m, FRAME, 0x08, KEY_BITS, n);
                add_obu(&m, TILES, 0x08, 't', 2 * n / 3);
                video_round_trip(CODEC_AV1, m.p, m.n, max, true);
                free(m.p);
            }
    for (size_t max = 120; max < 150; max++) /* lengths of one byte and of two */
        for (size_t n = 100; n < 300; n++) {
            struct maker m = make(2048);
            for (int i = 0; i < 5; i++) add_obu(&m, META, -1, 'm', n);
            video_round_trip(CODEC_AV1, m.p, m.n, max, false);
            free(m.p);
        }
}

static void av1_splits_eight_mebibytes(void **state)
{
    (void)state;
    const size_t n = 8u * 1024 * 1024 - 64;
    struct maker m = make(n + 64);
    add_obu(&m, SEQ, -1, 0, 10);
    add_obu(&m, FRAME, -1, KEY_BITS, n - 64);
    video_round_trip(CODEC_AV1, m.p, m.n, 1140, true);
    video_round_trip(CODEC_AV1, m.p, m.n, 100, true);
    m.n = 0; /* the smallest OBUs */
    while (m.n + 16 < n) add_obu(&m, META, -1, 0, 0);
    video_round_trip(CODEC_AV1, m.p, m.n, 1140, false);
    free(m.p);
}

/* Temporal units as encoders write them: a temporal delimiter first, which is not sent. */
static size_t round_trip_file(const char *path, size_t *ret_keys)
{
    struct ivf f = ivf_open(path);
    const uint8_t *p;
    size_t n, frames = 0;
    for (*ret_keys = 0; ivf_next(&f, &p, &n); frames++) {
        assert_memory_equal(p, "\x12\x00", 2);
        bool is_key = sotto__frame_is_key(CODEC_AV1, p, n);
        *ret_keys += is_key;
        p += 2, n -= 2;
        for (size_t max = 100; max < 1300; max += 173)
            video_round_trip(CODEC_AV1, p, n, max, is_key);
        video_join_survives(CODEC_AV1, p, n);
    }
    free(f.file);
    return frames;
}

static void av1_temporal_units_of_encoders_survive(void **state)
{
    (void)state;
    size_t keys;
    assert_int_equal(round_trip_file(FIXTURES "/media/av1.ivf", &keys), 8);
    assert_int_equal(keys, 1);
    assert_int_equal(round_trip_file(FIXTURES "/media/av1_hidden.ivf", &keys), 8);
    assert_int_equal(keys, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(av1_reads_every_aggregation_header),
        cmocka_unit_test(av1_refuses_broken_packets),
        cmocka_unit_test(av1_reads_leb128_of_up_to_8_bytes),
        cmocka_unit_test(av1_joins_elements_and_fragments),
        cmocka_unit_test(av1_writes_elements_without_sizes_and_N_once),
        cmocka_unit_test(av1_keeps_frames_and_layers_in_packets_of_their_own),
        cmocka_unit_test(av1_takes_an_OBU_without_size_at_the_end_only),
        cmocka_unit_test(av1_writes_sizes_in_the_fewest_bytes),
        cmocka_unit_test(av1_refuses_what_is_no_temporal_unit),
        cmocka_unit_test(av1_joins_what_it_split_around_every_edge),
        cmocka_unit_test(av1_splits_eight_mebibytes),
        cmocka_unit_test(av1_temporal_units_of_encoders_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
