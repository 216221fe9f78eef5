/* SPDX-License-Identifier: BSD-2-Clause */
/* H.265 payloads of RFC 7798: the packets of its figures byte by byte, what an encoder makes, and hostile ones ("H265 PACI short"). */
#include "payload_rig.h"

static const struct codec h265 = {.id = CODEC_H265};

static int peek(const void *p, size_t n, struct payload_info *ret)
{
    const uint8_t *copy = rig_copy(p, n);
    int r = sotto__payload_peek(CODEC_H265, copy, n, ret);
    free((void *)(uintptr_t)copy);
    return r;
}

/* ---- the bytes of the RFC ---- */

/* §4.4.2, figure 5: an AP without decoding order numbers; §4.4.3, figures 9 and 10: fragments. */
static void parameter_sets_share_a_packet_and_a_slice_is_cut_by_the_figures(void **state)
{
    (void)state;
    uint8_t frame[7 + 8 + 6 + 140] = "\0\0\0\1\x40\x01\x0c\0\0\0\1\x42\x01\x01\x05\0\0\0\1\x26\x01";
    for (size_t i = 21; i < sizeof frame; i++) frame[i] = (uint8_t)(i + 1);
    struct rig_packets packets;
    assert_int_equal(rig_split(&h265, NULL, frame, sizeof frame, 100, true, &packets), 0);
    assert_int_equal(packets.n, 3);
    assert_int_equal(packets.items[0].n, 13);
    assert_memory_equal(packets.items[0].p, "\x60\x01\0\3\x40\x01\x0c\0\4\x42\x01\x01\x05", 13);
    assert_int_equal(packets.items[1].n, 73);
    assert_memory_equal(packets.items[1].p, "\x62\x01\x93\x16", 4); /* type 49; S, type 19 */
    assert_int_equal(packets.items[2].n, 73);
    assert_memory_equal(packets.items[2].p, "\x62\x01\x53\x5c", 4); /* E, type 19 */
    rig_assert_joins_to(CODEC_H265, &packets, frame, sizeof frame);
    rig_assert_peeks(CODEC_H265, &packets, true);
    rig_free(&packets);
}

static void the_middle_of_three_fragments_has_neither_bit(void **state)
{
    (void)state;
    uint8_t frame[4 + 250] = {0, 0, 0, 1, 0x03, 0x0b}; /* TRAIL_R, layer 33, TID 2 */
    struct rig_packets packets;
    struct payload_info info;
    memset(frame + 6, 0x33, sizeof frame - 6);
    assert_int_equal(rig_split(&h265, NULL, frame, sizeof frame, 100, false, &packets), 0);
    assert_int_equal(packets.n, 3);
    for (size_t i = 0; i < 3; i++) {
        static const uint8_t heads[3] = {0x81, 0x01, 0x41};
        assert_memory_equal(packets.items[i].p, "\x63\x0b", 2);
        assert_int_equal(packets.items[i].p[2], heads[i]);
        assert_int_equal(peek(packets.items[i].p, packets.items[i].n, &info), 0);
        assert_int_equal(info.starts, i == 0);
        assert_int_equal(info.may_end, i == 2);
        assert_int_equal(info.temporal, 2);
    }
    rig_assert_joins_to(CODEC_H265, &packets, frame, sizeof frame);
    rig_free(&packets);
}

/* §4.4.2: of both the lowest. */
static void an_aggregate_has_the_lowest_layer_and_tid_within(void **state)
{
    (void)state;
    static const struct {
        uint8_t first[2], second[2], head[2];
    } rows[] = {
        {{0x02, 0x01}, {0x02, 0x01}, {0x60, 0x01}},
        {{0x02, 0x03}, {0x02, 0x02}, {0x60, 0x02}},
        {{0x02, 0x0b}, {0x02, 0x14}, {0x60, 0x0b}}, /* layers 1 and 2, TIDs 3 and 4 */
        {{0x03, 0x0c}, {0x02, 0xff}, {0x60, 0xfc}}, /* layers 33 and 31 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t frame[12] = {0, 0, 0, 1, rows[i].first[0],  rows[i].first[1],
                             0, 0, 0, 1, rows[i].second[0], rows[i].second[1]};
        struct rig_packets packets;
        assert_int_equal(rig_split(&h265, NULL, frame, sizeof frame, 100, false, &packets), 0);
        assert_int_equal(packets.n, 1);
        assert_memory_equal(packets.items[0].p, rows[i].head, 2);
        rig_free(&packets);
    }
}

static void what_is_no_unit_cannot_be_sent(void **state)
{
    (void)state;
    struct rig_packets packets;
    for (unsigned head = 0; head < 256; head++)
        for (unsigned tid = 0; tid < 8; tid++) {
            uint8_t frame[] = {0, 0, 0, 1, (uint8_t)head, (uint8_t)tid, 0x5a};
            bool fine = head < 128 && head >> 1 < 48 && tid > 0;
            assert_int_equal(rig_split(&h265, NULL, frame, sizeof frame, 100, false, &packets),
                             fine ? 0 : SOTTO_E_SYNTAX);
            rig_free(&packets);
        }
    assert_int_equal(
        rig_split(&h265, NULL, (const uint8_t *)"\0\0\0\1\x26", 5, 100, true, &packets),
        SOTTO_E_SYNTAX);
}

static void a_frame_is_key_by_its_random_access_picture(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 64; type++) {
        uint8_t frame[] = {0, 0, 0, 1, 0x46, 0x01, 0x50, 0, 0, 1, (uint8_t)(type << 1), 0x01, 0xaf};
        assert_int_equal(sotto__frame_is_key(CODEC_H265, frame, sizeof frame),
                         type >= 16 && type <= 21);
    }
    static const uint8_t sets[] = "\0\0\0\1\x40\x01\x0c\0\0\1\x42\x01\x01",
                         late[] = "\0\0\1\x02\x01\xd0\0\0\1\x26\x01\xaf",
                         empty[] = "\0\0\1\0\0\0\0\1\x26\x01\xaf";
    assert_false(sotto__frame_is_key(CODEC_H265, sets, sizeof sets - 1));
    assert_false(sotto__frame_is_key(CODEC_H265, late, sizeof late - 1)); /* the first slice tells */
    assert_true(sotto__frame_is_key(CODEC_H265, empty, sizeof empty - 1)); /* an empty unit is none */
    assert_false(sotto__frame_is_key(CODEC_H265, NULL, 0));
    assert_false(sotto__frame_is_key(CODEC_H265, (const uint8_t *)"\x26", 1));
}

static void peek_knows_keys_and_temporal_layers(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        size_t n;
        bool key;
        int temporal;
        bool first;
    } rows[] = {
        {"\x26\x01\xaf", 3, true, 0},
        {"\x2a\x01\xaf", 3, true, 0},                        /* CRA */
        {"\x40\x01\x0c", 3, true, 0, true},                        /* VPS and SPS come before a key frame */
        {"\x42\x01\x0c", 3, true, 0},
        {"\x44\x01\x0c", 3, false, 0},                       /* PPS */
        {"\x02\x01\xd0", 3, false, 0},
        {"\x02\x03\xd0", 3, false, 2},
        {"\x00\x01\xd0", 3, false, 0},                       /* TRAIL_N: a higher sub-layer may need it */
        {"\x60\x01\0\2\x46\x01\0\2\x26\x01", 10, true, 0, true},
        {"\x60\x01\0\2\x26\x01\0\2\x46\x01", 10, true, 0, false},
        {"\x46\x01\x50", 3, false, 0, true},
        {"\x62\x01\xa0\xaf", 4, true, 0, true},
        {"\x62\x01\x20\xaf", 4, true, 0, false},
        {"\x60\x02\0\2\x4e\x02\0\2\x02\x02", 10, false, 1},
        {"\x62\x01\x93\xaf", 4, true, 0},
        {"\x62\x03\x01\xaf", 4, false, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct payload_info info;
        assert_int_equal(peek(rows[i].payload, rows[i].n, &info), 0);
        assert_int_equal(info.is_key, rows[i].key);
        assert_int_equal(info.is_first, rows[i].first);
        assert_int_equal(info.temporal, rows[i].temporal);
        assert_int_equal(info.picture_id, -1);
        assert_false(info.disposable);
    }
}

/* ---- an encoder ---- */

/* The same units with start codes of 4 bytes; the encoder's parameter sets and slices have no zeros at their ends. */
static size_t normalise(const uint8_t *p, size_t n, uint8_t *out)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        if (n - i >= 3 && memcmp(p + i, "\0\0\1", 3) == 0 && (i == 0 || p[i - 1] != 0))
            out[used++] = 0;
        out[used++] = p[i++];
    }
    return used;
}

static unsigned n_frames, n_key;

static void check_access_unit(const uint8_t *p, size_t n)
{
    uint8_t *frame = malloc(2 * n);
    assert_non_null(frame);
    size_t n_frame = normalise(p, n, frame);
    bool key = sotto__frame_is_key(CODEC_H265, p, n);
    for (size_t max = 100; max < 1500; max += 3) {
        struct rig_packets packets;
        assert_int_equal(rig_split(&h265, NULL, p, n, max, key, &packets), 0);
        rig_assert_joins_to(CODEC_H265, &packets, frame, n_frame);
        rig_assert_peeks(CODEC_H265, &packets, key);
        rig_free(&packets);
    }
    n_frames++, n_key += key;
    free(frame);
}

static void what_an_encoder_makes_comes_back_from_any_size_of_packet(void **state)
{
    (void)state;
    size_t n, from = 0;
    uint8_t *p = rig_read_file(FIXTURES "/media/slices.h265", &n);
    n_frames = n_key = 0;
    for (size_t i = 1; i <= n; i++) { /* access unit delimiters (type 35) begin them */
        if (i < n && (n - i < 6 || memcmp(p + i, "\0\0\0\1\x46\x01", 6) != 0)) continue;
        check_access_unit(p + from, i - from);
        from = i;
    }
    assert_int_equal(n_frames, 6);
    assert_int_equal(n_key, 2); /* IDR and CRA */
    free(p);
}

/* ---- hostile ---- */

struct bytes {
    const char *p;
    size_t n;
};

static void fragments_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct bytes pieces[4];
        int result;
    } rows[] = {
        {{{"\x62\x01\x93\1", 4}, {"\x62\x01\x53\2", 4}}, 0},
        {{{"\x62\x01\x93\1", 4}, {"\x62\x01\x13\2", 4}, {"\x62\x01\x53\2", 4}}, 0},
        {{{"\x62\x01\x13\1", 4}, {"\x62\x01\x53\2", 4}}, SOTTO_E_SYNTAX},                     /* start-less */
        {{{"\x62\x01\x93\1", 4}}, SOTTO_E_SYNTAX},                                             /* end-less */
        {{{"\x62\x01\x93\1", 4}, {"\x62\x01\x93\1", 4}, {"\x62\x01\x53\2", 4}}, SOTTO_E_SYNTAX},
        {{{"\x62\x01\x93\1", 4}, {"\x62\x01\x53\1", 4}, {"\x62\x01\x53\2", 4}}, SOTTO_E_SYNTAX},
        {{{"\x62\x01\xd3\1", 4}}, SOTTO_E_SYNTAX},                                             /* S and E */
        {{{"\x62\x01\x93\1", 4}, {"\x62\x01\x41\2", 4}}, SOTTO_E_SYNTAX},                      /* another type */
        {{{"\x62\x01\x93\1", 4}, {"\x62\x02\x53\2", 4}}, SOTTO_E_SYNTAX},                      /* TID, layer */
        {{{"\x62\x01\x93\1", 4}, {"\x62\x09\x53\2", 4}}, SOTTO_E_SYNTAX},
        {{{"\x62\x01\x93\1", 4}, {"\x63\x01\x53\2", 4}}, SOTTO_E_SYNTAX},
        {{{"\x62\x01\x93\1", 4}, {"\x02\x01\xd0", 3}, {"\x62\x01\x53\2", 4}}, SOTTO_E_SYNTAX},
        {{{"\x62\x01\x93\1", 4}, {"\x60\x01\0\2\x02\x01", 6}, {"\x62\x01\x53\2", 4}},
         SOTTO_E_SYNTAX},
        {{{"\x62\x01\x93", 3}, {"\x62\x01\x53\2", 4}}, SOTTO_E_SYNTAX},                        /* headers only */
        {{{"\x62\x01", 2}}, SOTTO_E_SYNTAX},
        {{{"\x62", 1}}, SOTTO_E_SYNTAX},
        {{{"\x62\x01\xb0\1", 4}, {"\x62\x01\x70\2", 4}}, SOTTO_E_SYNTAX},                      /* of type 48, 49, 63 */
        {{{"\x62\x01\xb1\1", 4}, {"\x62\x01\x71\2", 4}}, SOTTO_E_SYNTAX},
        {{{"\x62\x01\xbf\1", 4}, {"\x62\x01\x7f\2", 4}}, SOTTO_E_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig_packets packets = {calloc(4, sizeof(struct payload_piece)), 0};
        struct buf out;
        for (; packets.n < 4 && rows[i].pieces[packets.n].n > 0; packets.n++)
            packets.items[packets.n] = (struct payload_piece){
                rig_copy((const uint8_t *)rows[i].pieces[packets.n].p, rows[i].pieces[packets.n].n),
                rows[i].pieces[packets.n].n};
        sotto__buf_init(&out, RIG_MAX_FRAME);
        assert_int_equal(sotto__payload_join(CODEC_H265, packets.items, packets.n, &out),
                         rows[i].result);
        assert_true(rows[i].result == 0 ? out.n > 0 : out.n == 0);
        sotto__buf_free(&out);
        rig_free(&packets);
    }
}

static void aggregates_whose_sizes_are_wrong_are_dropped(void **state)
{
    (void)state;
    static const struct bytes rows[] = {
        {"\x60", 1},
        {"\x60\x01", 2},
        {"\x60\x01\0", 3},
        {"\x60\x01\0\0", 4},
        {"\x60\x01\0\1\x26", 5},                         /* half a header */
        {"\x60\x01\0\3\x26\x01", 6},                     /* size > rest */
        {"\x60\x01\xff\xff\x26\x01", 6},
        {"\x60\x01\0\2\x26\x01\0", 7},                   /* a tail of one byte */
        {"\x60\x01\0\2\x26\x01\0\0", 8},
        {"\x60\x01\0\6\x60\x01\0\2\x26\x01", 10},        /* nested */
        {"\x60\x01\0\4\x62\x01\x93\1", 8},
        {"\x60\x01\0\2\x26\x00", 6},                     /* TID 0 */
        {"\x60\x00\0\2\x26\x01", 6},
        {"\x60\x01\0\2\xa6\x01", 6},                     /* forbidden_zero_bit */
        {"\xe0\x01\0\2\x26\x01", 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct payload_info info;
        assert_int_equal(peek(rows[i].p, rows[i].n, &info), SOTTO_E_SYNTAX);
        assert_int_equal(rig_join_one(CODEC_H265, (const uint8_t *)rows[i].p, rows[i].n),
                         SOTTO_E_SYNTAX);
    }
}

/* Type 50, from its first byte to one that is complete: §4.4.4. */
/* proves: H135 */
static void h265_paci_short_is_dropped(void **state)
{
    (void)state;
    static const uint8_t paci[] = {0x64, 0x01, 0x26, 0x00, 0x01, 0xaf, 0x5a, 0x5a};
    for (size_t n = 1; n <= sizeof paci; n++) {
        struct payload_info info;
        assert_int_equal(peek(paci, n, &info), SOTTO_E_SYNTAX);
        assert_int_equal(rig_join_one(CODEC_H265, paci, n), SOTTO_E_SYNTAX);
    }
}

static void packets_of_other_types_are_dropped(void **state)
{
    (void)state;
    for (unsigned head = 0; head < 256; head++) {
        uint8_t payload[] = {(uint8_t)head, 0x01, 0, 2, 0x26, 0x01};
        struct payload_info info;
        bool fragment = head >> 1 == 49, fine = head < 128 && head >> 1 <= 49;
        assert_int_equal(peek(payload, sizeof payload, &info), fine ? 0 : SOTTO_E_SYNTAX);
        assert_int_equal(rig_join_one(CODEC_H265, payload, sizeof payload),
                         fine && !fragment ? 0 : SOTTO_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameter_sets_share_a_packet_and_a_slice_is_cut_by_the_figures),
        cmocka_unit_test(the_middle_of_three_fragments_has_neither_bit),
        cmocka_unit_test(an_aggregate_has_the_lowest_layer_and_tid_within),
        cmocka_unit_test(what_is_no_unit_cannot_be_sent),
        cmocka_unit_test(a_frame_is_key_by_its_random_access_picture),
        cmocka_unit_test(peek_knows_keys_and_temporal_layers),
        cmocka_unit_test(what_an_encoder_makes_comes_back_from_any_size_of_packet),
        cmocka_unit_test(fragments_that_do_not_fit_together_are_refused),
        cmocka_unit_test(aggregates_whose_sizes_are_wrong_are_dropped),
        cmocka_unit_test(h265_paci_short_is_dropped),
        cmocka_unit_test(packets_of_other_types_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
