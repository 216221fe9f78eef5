/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequence parameter sets of H.264 whose bits lie (H134): sizes beyond all limits, numbers without an end, sets that are cut anywhere. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "media_file.h"

struct set {
    uint8_t p[128];
    size_t at; /* in bits */
};

static void put(struct set *s, unsigned count, uint32_t v)
{
    while (count-- > 0) {
        if (v >> count & 1) s->p[s->at / 8] |= (uint8_t)(0x80 >> s->at % 8);
        s->at++;
    }
}

/* Exp-Golomb, H.264 §9.1. */
static void put_ue(struct set *s, uint32_t v)
{
    unsigned bits = 0;
    while (((uint64_t)v + 1) >> (bits + 1)) bits++;
    put(s, bits, 0);
    put(s, 1, 1);
    put(s, bits, (v + 1) & (uint32_t)((1ull << bits) - 1));
}

/* Baseline, of w by h macroblocks. Frame numbers, order counts and references as given. */
static struct set make(uint32_t w, uint32_t h, uint32_t frame_num, uint32_t order, uint32_t refs)
{
    struct set s = {0};
    put(&s, 8, 0x67);
    put(&s, 24, 0x42e01f);
    put_ue(&s, 0);
    put_ue(&s, frame_num);
    put_ue(&s, order);
    if (order == 0) put_ue(&s, 4);
    put_ue(&s, refs);
    put(&s, 1, 0);
    put_ue(&s, w - 1);
    put_ue(&s, h - 1);
    put(&s, 5, 0x19); /* frames only, 8x8, no cropping, no VUI, the stop bit */
    return s;
}

/* In a block of just this size: ASan sees one byte too far. */
static bool read_set(const uint8_t *p, size_t n, struct h264_sequence *ret)
{
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, p, n);
    bool is_read = codec_h264_sequence(exact, n, ret);
    free(exact);
    return is_read;
}

/* proves: H134 */
static void h134_sizes_beyond_the_limit_are_refused(void **state)
{
    static const struct {
        uint32_t w, h;
        bool is_read;
    } rows[] = {{80, 45, true},        {1, 1, true},           {1024, 1024, true},
                {1025, 1, false},      {1, 1025, false},       {4096, 4096, false},
                {65535, 65535, false}, {UINT32_MAX, 1, false}, {1, UINT32_MAX, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct h264_sequence q = {0};
        struct set s = make(rows[i].w, rows[i].h, 0, 2, 1);
        assert_int_equal(read_set(s.p, (s.at + 7) / 8, &q), rows[i].is_read);
        if (!rows[i].is_read) continue;
        assert_int_equal(q.width, 16 * rows[i].w);
        assert_int_equal(q.height, 16 * rows[i].h);
    }
}

/* proves: H134 */
static void h134_numbers_without_an_end_are_refused(void **state)
{
    struct h264_sequence q;
    (void)state;
    struct set s = make(80, 45, UINT32_MAX - 1, 2, UINT32_MAX - 1); /* the largest that 31 zeros say */
    assert_true(read_set(s.p, (s.at + 7) / 8, &q));
    for (size_t zeros = 1; zeros < 100; zeros++) {
        uint8_t p[128] = {0x67, 0x42, 0xe0, 0x1f};
        memset(p + 4 + zeros, 0xff, sizeof p - 4 - zeros);
        bool is_read = read_set(p, sizeof p, &q);
        if (zeros >= 4) assert_false(is_read); /* 32 zero bits and more are no number */
    }
    s = (struct set){0};
    put(&s, 32, 0x6742e01f);
    put_ue(&s, 0);
    put_ue(&s, 0);
    put_ue(&s, 1); /* order counts of a cycle */
    put(&s, 1, 0);
    put_ue(&s, 0);
    put_ue(&s, 0);
    put_ue(&s, UINT32_MAX - 1); /* so many follow */
    assert_false(read_set(s.p, sizeof s.p, &q));
}

/* proves: H134 */
static void h134_a_set_that_is_cut_anywhere_is_refused(void **state)
{
    struct h264_sequence q;
    struct set s = make(80, 45, 300, 0, 4);
    size_t n = (s.at + 7) / 8;
    (void)state;
    assert_true(read_set(s.p, n, &q));
    for (size_t less = 0; less + 1 < n; less++) assert_false(read_set(s.p, less, &q));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h134_sizes_beyond_the_limit_are_refused),
        cmocka_unit_test(h134_numbers_without_an_end_are_refused),
        cmocka_unit_test(h134_a_set_that_is_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests_name("codec size", tests, NULL, NULL);
}
