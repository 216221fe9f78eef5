/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds for the payloads of every codec: what is refused before a format looks at it, and that failures leave no trace. */
#include "payload_rig.h"

static const enum codec_id formats[] = {CODEC_OPUS, CODEC_PCMU, CODEC_PCMA, CODEC_DTMF, CODEC_VP8,
                                        CODEC_VP9,  CODEC_H264, CODEC_H265, CODEC_AV1};
static const enum codec_id around[] = {CODEC_RED, CODEC_RTX};
enum { N_FORMATS = sizeof formats / sizeof *formats };

static void what_only_carries_other_payloads_has_no_frames(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x78, 0, 0, 0, 1, 0x65, 0x88};
    for (size_t i = 0; i < 2; i++) {
        const struct codec codec = {.id = around[i]};
        struct split_state split_state = {0};
        struct payload_info info;
        struct split s;
        assert_int_equal(
            sotto__split_init(&s, &codec, &split_state, bytes, sizeof bytes, 1140, true),
            SOTTO_E_SYNTAX);
        assert_int_equal(sotto__payload_peek(around[i], bytes, sizeof bytes, &info),
                         SOTTO_E_SYNTAX);
        assert_int_equal(rig_join_one(around[i], bytes, sizeof bytes), SOTTO_E_SYNTAX);
        assert_false(sotto__frame_is_key(around[i], bytes, sizeof bytes));
    }
}

static void nothing_is_neither_a_frame_nor_a_payload(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++) {
        const struct codec codec = {.id = formats[i], .params = {.packetization = 1}};
        struct split_state split_state = {0};
        struct payload_info info = {.temporal = 77};
        struct payload_piece empty = {(const uint8_t *)"", 0};
        struct buf out;
        struct split s;
        assert_int_equal(
            sotto__split_init(&s, &codec, &split_state, (const uint8_t *)"", 0, 1140, true),
            SOTTO_E_SYNTAX);
        assert_int_equal(sotto__payload_peek(formats[i], (const uint8_t *)"", 0, &info),
                         SOTTO_E_SYNTAX);
        assert_int_equal(info.temporal, 77);
        sotto__buf_init(&out, 100);
        assert_int_equal(sotto__payload_join(formats[i], &empty, 1, &out), SOTTO_E_SYNTAX);
        assert_int_equal(sotto__payload_join(formats[i], &empty, 0, &out), SOTTO_E_SYNTAX);
        assert_int_equal(out.n, 0);
        assert_false(sotto__frame_is_key(formats[i], (const uint8_t *)"", 0));
        sotto__buf_free(&out);
    }
}

/* What a retransmission of 2 or 3 bytes holds: peek and join read no byte too far and agree. */
static void h105_payloads_of_one_byte_are_read_within_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++)
        for (unsigned byte = 0; byte < 256; byte++) {
            const uint8_t one = (uint8_t)byte, *p = rig_copy(&one, 1);
            struct payload_info info;
            int peeked = sotto__payload_peek(formats[i], p, 1, &info);
            int joined = rig_join_one(formats[i], p, 1);
            assert_true(peeked == 0 || peeked == SOTTO_E_SYNTAX);
            assert_true(joined == 0 || joined == SOTTO_E_SYNTAX);
            if (formats[i] != CODEC_OPUS && formats[i] != CODEC_DTMF && peeked < 0)
                assert_int_equal(joined, SOTTO_E_SYNTAX);
            free((void *)(uintptr_t)p);
        }
}

/* One payload of each format that is a frame. */
static const struct {
    const char *p;
    size_t n;
} whole[N_FORMATS] = {
    {"\x78\xff\xfe", 3},
    {"\xd5", 1},
    {"\xd5", 1},
    {"\x01\x0a\0\xa0", 4},
    {"\x10\x31\x02\x00\x9d", 5},
    {"\x0c\x86\x00\x40\x92", 5},
    {"\x41\x9a", 2},
    {"\x02\x01\xd0", 3},
    {"\x10\x30\x12\x34", 4},
};

static void a_join_that_fails_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++) {
        struct payload_piece pieces[3] = {{(const uint8_t *)whole[i].p, whole[i].n}, {0}, {0}};
        struct buf out;
        sotto__buf_init(&out, 64);
        sotto__buf_add(&out, "before", 6);
        assert_int_equal(sotto__payload_join(formats[i], pieces, 1, &out), 0);
        assert_true(out.n > 6);
        out.n = 6;
        pieces[1] = (struct payload_piece){(const uint8_t *)"", 0};
        assert_int_equal(sotto__payload_join(formats[i], pieces, 2, &out), SOTTO_E_SYNTAX);
        assert_int_equal(out.n, 6);
        assert_int_equal(out.err, 0);
        assert_memory_equal(out.p, "before", 6);
        sotto__buf_free(&out);
    }
}

static void a_frame_above_the_maximum_of_the_buffer_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++) {
        struct payload_piece piece = {(const uint8_t *)whole[i].p, whole[i].n};
        struct buf out;
        sotto__buf_init(&out, 64);
        assert_int_equal(sotto__payload_join(formats[i], &piece, 1, &out), 0);
        size_t n = out.n;
        sotto__buf_free(&out);
        sotto__buf_init(&out, n);
        assert_int_equal(sotto__payload_join(formats[i], &piece, 1, &out), 0);
        sotto__buf_free(&out);
        sotto__buf_init(&out, n - 1);
        assert_int_equal(sotto__payload_join(formats[i], &piece, 1, &out), SOTTO_E_LIMIT);
        assert_int_equal(out.n, 0);
        assert_int_equal(out.err, 0);
        sotto__buf_free(&out);
    }
}

static void a_buffer_that_already_failed_stays_so(void **state)
{
    (void)state;
    struct payload_piece piece = {(const uint8_t *)"\x41\x9a", 2};
    struct buf out;
    sotto__buf_init(&out, 4);
    sotto__buf_add(&out, "12345", 5);
    assert_int_equal(sotto__payload_join(CODEC_H264, &piece, 1, &out), SOTTO_E_LIMIT);
    assert_int_equal(out.err, SOTTO_E_LIMIT);
    sotto__buf_free(&out);
}

/* The room that is made beforehand is a guess; one above the maximum is not made. */
static void pieces_above_the_maximum_get_no_room_beforehand(void **state)
{
    (void)state;
    static const uint8_t middle[1000] = {0x7c, 0x05};
    struct payload_piece pieces[3] = {{middle, 1000}, {middle, 1000}, {middle, 1000}};
    struct buf out;
    sotto__buf_init(&out, 2999);
    assert_int_equal(sotto__payload_join(CODEC_H264, pieces, 3, &out), SOTTO_E_SYNTAX);
    assert_int_equal(out.cap, 0);
    sotto__buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_carries_other_payloads_has_no_frames),
        cmocka_unit_test(nothing_is_neither_a_frame_nor_a_payload),
        cmocka_unit_test(h105_payloads_of_one_byte_are_read_within_it),
        cmocka_unit_test(a_join_that_fails_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_frame_above_the_maximum_of_the_buffer_is_refused),
        cmocka_unit_test(a_buffer_that_already_failed_stays_so),
        cmocka_unit_test(pieces_above_the_maximum_get_no_room_beforehand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
