/* SPDX-License-Identifier: BSD-2-Clause */
/* H.264 payloads of RFC 6184: the packets of its figures byte by byte, what encoders make, and hostile ones (H132, H133). */
#include "payload_rig.h"

static const struct codec mode1 = {.id = CODEC_H264, .params = {.packetization = 1}},
                          mode0 = {.id = CODEC_H264, .params = {.packetization = 0}};

static int peek(const void *p, size_t n, struct payload_info *ret)
{
    const uint8_t *copy = rig_copy(p, n);
    int r = sotto__payload_peek(CODEC_H264, copy, n, ret);
    free((void *)(uintptr_t)copy);
    return r;
}

/* ---- the bytes of the RFC ---- */

/* §5.7.1, figure 7: two units in a STAP-A; §5.6: one alone; §5.8: fragments. */
/* proves: RTP-15 */
static void sps_and_pps_share_a_packet_and_a_slice_is_cut_by_the_figures(void **state)
{
    (void)state;
    uint8_t frame[4 + 4 + 4 + 2 + 3 + 131] =
        "\0\0\0\1\x67\x42\xe0\x1f\0\0\0\1\x68\xce\0\0\1\x65\x88";
    for (size_t i = 19; i < sizeof frame; i++) frame[i] = (uint8_t)i;
    struct rig_packets packets;
    assert_int_equal(rig_split(&mode1, NULL, frame, sizeof frame, 100, true, &packets), 0);
    assert_int_equal(packets.n, 3);
    assert_int_equal(packets.items[0].n, 11);
    assert_memory_equal(packets.items[0].p, "\x78\0\4\x67\x42\xe0\x1f\0\2\x68\xce", 11);
    assert_int_equal(packets.items[1].n, 67);
    assert_memory_equal(packets.items[1].p, "\x7c\x85\x88\x13", 4); /* S, type 5 */
    assert_int_equal(packets.items[2].n, 67);
    assert_memory_equal(packets.items[2].p, "\x7c\x45", 2); /* E, type 5 */
    assert_memory_equal(packets.items[2].p + 2, frame + sizeof frame - 65, 65);
    rig_assert_peeks(CODEC_H264, &packets, true);
    rig_free(&packets);
}

static void the_middle_of_three_fragments_has_neither_bit(void **state)
{
    (void)state;
    uint8_t frame[4 + 250] = {0, 0, 0, 1, 0x41, 0x9a};
    struct rig_packets packets;
    struct payload_info info;
    memset(frame + 6, 0x33, sizeof frame - 6);
    assert_int_equal(rig_split(&mode1, NULL, frame, sizeof frame, 100, false, &packets), 0);
    assert_int_equal(packets.n, 3);
    for (size_t i = 0; i < 3; i++) {
        static const uint8_t heads[3] = {0x81, 0x01, 0x41};
        assert_int_equal(packets.items[i].p[0], 0x5c);
        assert_int_equal(packets.items[i].p[1], heads[i]);
        assert_int_equal(peek(packets.items[i].p, packets.items[i].n, &info), 0);
        assert_int_equal(info.starts, i == 0);
        assert_int_equal(info.may_end, i == 2);
    }
    rig_free(&packets);
}

static void a_stap_has_the_highest_reference_bits_within(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, second, stap;
    } rows[] = {{0x06, 0x65, 0x78},
                {0x65, 0x06, 0x78},
                {0x06, 0x01, 0x18},
                {0x21, 0x41, 0x58},
                {0x09, 0x21, 0x38}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t frame[] = {0, 0, 0, 1, rows[i].first, 0xf0, 0, 0, 0, 1, rows[i].second, 0x9a};
        struct rig_packets packets;
        assert_int_equal(rig_split(&mode1, NULL, frame, sizeof frame, 100, false, &packets), 0);
        assert_int_equal(packets.n, 1);
        assert_int_equal(packets.items[0].p[0], rows[i].stap);
        rig_free(&packets);
    }
}

/* §6.2 */
static void packetization_mode_0_has_one_unit_a_packet(void **state)
{
    (void)state;
    static const uint8_t frame[] = "\0\0\0\1\x67\x42\0\0\0\1\x68\xce\0\0\0\1\x65\x88";
    uint8_t large[4 + 101] = {0, 0, 0, 1, 0x65};
    struct rig_packets packets;
    assert_int_equal(rig_split(&mode0, NULL, frame, sizeof frame - 1, 100, true, &packets), 0);
    assert_int_equal(packets.n, 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(packets.items[i].n, 2);
    rig_assert_joins_to(CODEC_H264, &packets, frame, sizeof frame - 1);
    rig_free(&packets);
    memset(large + 5, 0x77, sizeof large - 5);
    assert_int_equal(rig_split(&mode0, NULL, large, sizeof large - 1, 100, true, &packets), 0);
    rig_free(&packets);
    assert_int_equal(rig_split(&mode0, NULL, large, sizeof large, 100, true, &packets),
                     SOTTO_E_TOO_BIG);
}

static void types_that_mean_packets_cannot_be_sent_as_units(void **state)
{
    (void)state;
    for (unsigned head = 0; head < 256; head++) {
        uint8_t frame[] = {0, 0, 0, 1, (uint8_t)head, 0x9a};
        unsigned type = head & 31;
        bool fine = head < 128 && type >= 1 && type <= 23;
        struct rig_packets packets;
        assert_int_equal(rig_split(&mode1, NULL, frame, sizeof frame, 100, false, &packets),
                         fine ? 0 : SOTTO_E_SYNTAX);
        rig_free(&packets);
    }
}

static void a_frame_is_key_by_its_idr_slice(void **state)
{
    (void)state;
    static const struct {
        const char *frame;
        size_t n;
        bool key;
    } rows[] = {
        {"\0\0\0\1\x65\x88", 6, true},
        {"\0\0\0\1\x67\x42\0\0\0\1\x68\xce\0\0\1\x65\x88", 17, true},
        {"\0\0\0\2\x09\xf0\0\0\0\2\x65\x88", 12, true},
        {"\0\0\0\1\x67\x42\0\0\0\1\x41\x9a", 12, false}, /* recovers step by step */
        {"\0\0\0\1\x41\x9a", 6, false},
        {"\0\0\0\1\x41\x65", 6, false},
        {"\0\0\0\1\x67\x42\0\0\0\1\x68\xce", 12, false}, /* no picture */
        {"\0\0\0\2\x67\x42", 6, false},
        {"\0\0\0\1\x41\x9a\0\0\1\x65\x88", 11, false}, /* the first slice tells */
        {"\x65", 1, false},
        {"", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(sotto__frame_is_key(CODEC_H264, (const uint8_t *)rows[i].frame, rows[i].n),
                         rows[i].key);
}

static void peek_knows_keys_and_what_nothing_refers_to(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        size_t n;
        bool key, disposable, first;
    } rows[] = {
        {"\x65\x88", 2, true, false},
        {"\x67\x42", 2, true, false, true}, /* parameter sets come before a key frame */
        {"\x68\xce", 2, false, false},
        {"\x41\x9a", 2, false, false},
        {"\x01\x9a", 2, false, true},
        {"\x06\x05", 2, false, false}, /* SEI and delimiters have no reference bits either */
        {"\x09\xf0", 2, false, false, true},
        {"\x78\0\2\x67\x42\0\2\x68\xce", 9, true, false, true},
        {"\x78\0\2\x68\xce\0\2\x67\x42", 9, true, false, false},
        {"\x78\0\2\x09\xf0\0\2\x65\x88", 9, true, false, true},
        {"\x18\0\2\x06\x05\0\2\x01\x9a", 9, false, true},
        {"\x18\0\2\x01\x9a\0\2\x06\x05", 9, false, true},
        {"\x58\0\2\x01\x9a\0\2\x41\x9a", 9, false, false},
        {"\x7c\x85\x88", 3, true, false},
        {"\x7c\x45\x88", 3, true, false},
        {"\x5c\x01\x88", 3, false, false},
        {"\x1c\x01\x88", 3, false, true},
        {"\x7c\x87\x42", 3, true, false, true},
        {"\x7c\x07\x42", 3, true, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct payload_info info;
        assert_int_equal(peek(rows[i].payload, rows[i].n, &info), 0);
        assert_int_equal(info.is_key, rows[i].key);
        assert_int_equal(info.disposable, rows[i].disposable);
        assert_int_equal(info.is_first, rows[i].first);
        assert_int_equal(info.picture_id, -1);
        assert_int_equal(info.temporal, 0);
    }
}

/* ---- encoders ---- */

/* Calls check for each access unit: they begin with a delimiter (type 9). */
static void for_each_access_unit(const char *path, void check(const uint8_t *p, size_t n))
{
    size_t n, from = 0, units = 0;
    uint8_t *p = rig_read_file(path, &n);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && (n - i < 5 || memcmp(p + i, "\0\0\0\1\x09", 5) != 0)) continue;
        check(p + from, i - from);
        from = i;
        units++;
    }
    assert_true(units >= 4);
    free(p);
}

/* The same units with start codes of 4 bytes, and with lengths, found by the slowest way there is. */
static size_t normalise(const uint8_t *p, size_t n, bool lengths, uint8_t *out)
{
    size_t used = 0, unit = 0;
    for (size_t i = 0; i < n;) {
        size_t code = n - i >= 4 && memcmp(p + i, "\0\0\0\1", 4) == 0 ? 4
                      : n - i >= 3 && memcmp(p + i, "\0\0\1", 3) == 0 ? 3
                                                                      : 0;
        if (code > 0) {
            memcpy(out + used, "\0\0\0\1", 4);
            used += 4, i += code, unit = used;
        } else {
            out[used++] = p[i++];
        }
        if (!lengths || unit == 0) continue;
        size_t len = used - unit;
        for (int k = 0; k < 4; k++) out[unit - 4 + (size_t)k] = (uint8_t)(len >> (24 - 8 * k));
    }
    return used;
}

static void check_access_unit(const uint8_t *p, size_t n)
{
    uint8_t *frame = malloc(2 * n), *lengths = malloc(2 * n);
    assert_true(frame && lengths);
    size_t n_frame = normalise(p, n, false, frame);
    assert_int_equal(normalise(p, n, true, lengths), n_frame);
    bool key = sotto__frame_is_key(CODEC_H264, p, n);
    for (size_t max = 100; max < 1500; max += 7) {
        struct rig_packets packets, same;
        assert_int_equal(rig_split(&mode1, NULL, p, n, max, key, &packets), 0);
        rig_assert_joins_to(CODEC_H264, &packets, frame, n_frame);
        rig_assert_peeks(CODEC_H264, &packets, key);
        assert_int_equal(rig_split(&mode1, NULL, lengths, n_frame, max, key, &same), 0);
        assert_int_equal(same.n, packets.n);
        for (size_t i = 0; i < same.n; i++) {
            assert_int_equal(same.items[i].n, packets.items[i].n);
            assert_memory_equal(same.items[i].p, packets.items[i].p, same.items[i].n);
        }
        rig_free(&packets);
        rig_free(&same);
    }
    free(frame);
    free(lengths);
}

/* proves: RTP-15 */
static void what_encoders_make_comes_back_from_any_size_of_packet(void **state)
{
    (void)state;
    for_each_access_unit(FIXTURES "/media/slices.h264", check_access_unit);
    for_each_access_unit(FIXTURES "/media/bframes.h264", check_access_unit);
}

static unsigned n_key, n_disposable, n_frames;

static void count_access_unit(const uint8_t *p, size_t n)
{
    struct rig_packets packets;
    bool disposable = false;
    assert_int_equal(rig_split(&mode1, NULL, p, n, 1140, false, &packets), 0);
    for (size_t i = 0; i < packets.n; i++) {
        struct payload_info info;
        assert_int_equal(peek(packets.items[i].p, packets.items[i].n, &info), 0);
        disposable |= info.disposable;
    }
    rig_free(&packets);
    n_frames++;
    n_key += sotto__frame_is_key(CODEC_H264, p, n);
    n_disposable += disposable;
}

static void key_and_disposable_frames_of_an_encoder_are_known(void **state)
{
    (void)state;
    n_key = n_disposable = n_frames = 0;
    for_each_access_unit(FIXTURES "/media/slices.h264", count_access_unit);
    assert_int_equal(n_frames, 8);
    assert_int_equal(n_key, 2);
    assert_int_equal(n_disposable, 0);
    for_each_access_unit(FIXTURES "/media/bframes.h264", count_access_unit);
    assert_int_equal(n_frames, 12);
    assert_int_equal(n_key, 3);
    assert_int_equal(n_disposable, 1); /* the B frame */
}

/* ---- hostile ---- */

struct bytes {
    const char *p;
    size_t n;
};

/* proves: H132 */
static void h132_fragments_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct bytes pieces[4];
        int result;
    } rows[] = {
        {{{"\x7c\x85\1", 3}, {"\x7c\x45\2", 3}}, 0},
        {{{"\x7c\x85\1", 3}, {"\x7c\x05\3", 3}, {"\x7c\x45\2", 3}}, 0},
        {{{"\x7c\x85\1", 3}, {"\x7c\x45\2", 3}, {"\x7c\x85\1", 3}, {"\x7c\x45\2", 3}}, 0},
        {{{"\x7c\x05\1", 3}, {"\x7c\x45\2", 3}}, SOTTO_E_SYNTAX},                     /* start-less */
        {{{"\x7c\x45\2", 3}}, SOTTO_E_SYNTAX},
        {{{"\x7c\x85\1", 3}}, SOTTO_E_SYNTAX},                                         /* end-less */
        {{{"\x7c\x85\1", 3}, {"\x7c\x05\2", 3}}, SOTTO_E_SYNTAX},
        {{{"\x7c\x85\1", 3}, {"\x7c\x85\1", 3}, {"\x7c\x45\2", 3}}, SOTTO_E_SYNTAX},   /* started twice */
        {{{"\x7c\x85\1", 3}, {"\x7c\x45\2", 3}, {"\x7c\x45\2", 3}}, SOTTO_E_SYNTAX},   /* ended twice */
        {{{"\x7c\xc5\1", 3}}, SOTTO_E_SYNTAX},                                         /* S and E */
        {{{"\x7c\x85\1", 3}, {"\x7c\x41\2", 3}}, SOTTO_E_SYNTAX},                      /* another type */
        {{{"\x7c\x85\1", 3}, {"\x5c\x45\2", 3}}, SOTTO_E_SYNTAX},                      /* other reference bits */
        {{{"\x7c\x85\1", 3}, {"\x41\x9a", 2}, {"\x7c\x45\2", 3}}, SOTTO_E_SYNTAX},     /* a unit in between */
        {{{"\x7c\x85\1", 3}, {"\x78\0\1\x41", 4}, {"\x7c\x45\2", 3}}, SOTTO_E_SYNTAX},
        {{{"\x7c\x85", 2}, {"\x7c\x45\2", 3}}, SOTTO_E_SYNTAX},                        /* headers only */
        {{{"\x7c", 1}}, SOTTO_E_SYNTAX},
        {{{"\x7c\x80\1", 3}, {"\x7c\x40\2", 3}}, SOTTO_E_SYNTAX},                      /* of type 0, 24, 28 */
        {{{"\x7c\x98\1", 3}, {"\x7c\x58\2", 3}}, SOTTO_E_SYNTAX},
        {{{"\x7c\x9c\1", 3}, {"\x7c\x5c\2", 3}}, SOTTO_E_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig_packets packets = {calloc(4, sizeof(struct payload_piece)), 0};
        struct buf out;
        for (; packets.n < 4 && rows[i].pieces[packets.n].n > 0; packets.n++)
            packets.items[packets.n] = (struct payload_piece){
                rig_copy((const uint8_t *)rows[i].pieces[packets.n].p, rows[i].pieces[packets.n].n),
                rows[i].pieces[packets.n].n};
        sotto__buf_init(&out, RIG_MAX_FRAME);
        sotto__buf_add(&out, "before", 6);
        assert_int_equal(sotto__payload_join(CODEC_H264, packets.items, packets.n, &out),
                         rows[i].result);
        assert_true(rows[i].result == 0 ? out.n > 6 : out.n == 6);
        assert_memory_equal(out.p, "before", 6);
        sotto__buf_free(&out);
        rig_free(&packets);
    }
}

/* proves: H132 */
static void h132_a_million_fragments_end_at_the_frame_limit(void **state)
{
    (void)state;
    const size_t n = 1000000;
    static const uint8_t start[12] = {0x7c, 0x85}, middle[12] = {0x7c, 0x05};
    struct payload_piece *pieces = malloc(n * sizeof *pieces);
    struct buf out;
    assert_non_null(pieces);
    for (size_t i = 0; i < n; i++) pieces[i] = (struct payload_piece){i ? middle : start, 12};
    sotto__buf_init(&out, 4u << 20);
    assert_int_equal(sotto__payload_join(CODEC_H264, pieces, n, &out), SOTTO_E_LIMIT);
    assert_int_equal(out.n, 0);
    assert_int_equal(out.err, 0);
    assert_true(out.cap <= 4u << 20);
    for (size_t i = 0; i < n; i++) pieces[i].p = middle;
    assert_int_equal(sotto__payload_join(CODEC_H264, pieces, n, &out), SOTTO_E_SYNTAX);
    sotto__buf_free(&out);
    free(pieces);
}

static void a_frame_of_exactly_the_limit_is_joined_and_one_byte_more_is_not(void **state)
{
    (void)state;
    uint8_t unit[100] = {0x41};
    const struct payload_piece piece = {unit, sizeof unit};
    struct buf out;
    sotto__buf_init(&out, 104);
    assert_int_equal(sotto__payload_join(CODEC_H264, &piece, 1, &out), 0);
    assert_int_equal(out.n, 104);
    sotto__buf_free(&out);
    sotto__buf_init(&out, 103);
    assert_int_equal(sotto__payload_join(CODEC_H264, &piece, 1, &out), SOTTO_E_LIMIT);
    assert_int_equal(out.n, 0);
    sotto__buf_free(&out);
}

/* proves: H133 */
static void h133_staps_whose_sizes_are_wrong_are_dropped(void **state)
{
    (void)state;
    static const struct bytes rows[] = {
        {"\x78", 1},
        {"\x78\0", 2},
        {"\x78\0\0", 3},                         /* size 0 */
        {"\x78\0\1\x65\0\0", 6},
        {"\x78\0\2\x65", 4},                     /* size > rest */
        {"\x78\xff\xff\x65\x88", 5},
        {"\x78\0\2\x67\x42\0", 6},               /* a tail of one byte */
        {"\x78\0\2\x67\x42\0\3\x68\xce", 9},
        {"\x78\0\4\x78\0\1\x65", 7},             /* nested */
        {"\x78\0\3\x7c\x85\1", 6},
        {"\x78\0\2\x60\x42", 5},                 /* type 0 */
        {"\x78\0\2\xe5\x88", 5},                 /* forbidden_zero_bit */
        {"\xf8\0\2\x65\x88", 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct payload_info info = {.temporal = 77};
        assert_int_equal(peek(rows[i].p, rows[i].n, &info), SOTTO_E_SYNTAX);
        assert_int_equal(info.temporal, 77);
        assert_int_equal(rig_join_one(CODEC_H264, (const uint8_t *)rows[i].p, rows[i].n),
                         SOTTO_E_SYNTAX);
    }
}

/* STAP-B, MTAP16, MTAP24, FU-B, PACSI and the undefined ones; with the forbidden bit, all. */
/* proves: H133 */
static void h133_packets_that_are_not_of_our_modes_are_dropped(void **state)
{
    (void)state;
    for (unsigned head = 0; head < 256; head++) {
        uint8_t payload[] = {(uint8_t)head, 0, 2, 0x65, 0x88};
        unsigned type = head & 31;
        struct payload_info info;
        bool fine = head < 128 && ((type >= 1 && type <= 23) || type == 24);
        assert_int_equal(peek(payload, sizeof payload, &info), fine ? 0 : SOTTO_E_SYNTAX);
        assert_int_equal(rig_join_one(CODEC_H264, payload, sizeof payload),
                         fine ? 0 : SOTTO_E_SYNTAX);
    }
}

static void nothing_joins_to_nothing(void **state)
{
    (void)state;
    static const struct payload_piece empty = {(const uint8_t *)"", 0};
    struct buf out;
    sotto__buf_init(&out, 100);
    assert_int_equal(sotto__payload_join(CODEC_H264, &empty, 0, &out), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__payload_join(CODEC_H264, &empty, 1, &out), SOTTO_E_SYNTAX);
    sotto__buf_free(&out);
}

static void joining_survives_every_failing_allocation(void **state)
{
    (void)state;
    static const uint8_t start[600] = {0x7c, 0x85}, end[600] = {0x7c, 0x45};
    const struct payload_piece pieces[2] = {{start, sizeof start}, {end, sizeof end}};
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        struct buf out;
        sotto__buf_init(&out, 4096);
        sotto__buf_add(&out, "x", 1);
        sotto__mem_fail_at(n);
        int r = sotto__payload_join(CODEC_H264, pieces, 2, &out);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        assert_int_equal(out.n, failed ? 1 : 1 + 5 + 2 * 598);
        assert_int_equal(out.err, 0);
        sotto__buf_free(&out);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
        assert_true(n < 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sps_and_pps_share_a_packet_and_a_slice_is_cut_by_the_figures),
        cmocka_unit_test(the_middle_of_three_fragments_has_neither_bit),
        cmocka_unit_test(a_stap_has_the_highest_reference_bits_within),
        cmocka_unit_test(packetization_mode_0_has_one_unit_a_packet),
        cmocka_unit_test(types_that_mean_packets_cannot_be_sent_as_units),
        cmocka_unit_test(a_frame_is_key_by_its_idr_slice),
        cmocka_unit_test(peek_knows_keys_and_what_nothing_refers_to),
        cmocka_unit_test(what_encoders_make_comes_back_from_any_size_of_packet),
        cmocka_unit_test(key_and_disposable_frames_of_an_encoder_are_known),
        cmocka_unit_test(h132_fragments_that_do_not_fit_together_are_refused),
        cmocka_unit_test(h132_a_million_fragments_end_at_the_frame_limit),
        cmocka_unit_test(a_frame_of_exactly_the_limit_is_joined_and_one_byte_more_is_not),
        cmocka_unit_test(h133_staps_whose_sizes_are_wrong_are_dropped),
        cmocka_unit_test(h133_packets_that_are_not_of_our_modes_are_dropped),
        cmocka_unit_test(nothing_joins_to_nothing),
        cmocka_unit_test(joining_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
