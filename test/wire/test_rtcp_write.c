/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing RTCP: the bytes of each packet, what does not fit, and that the reader reads what was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/rtcp.h"

static uint8_t out[4096];

static struct writer fresh(void)
{
    memset(out, 0xee, sizeof out);
    return sotto__writer(out, sizeof out);
}

static void assert_bytes(const struct writer *w, const uint8_t *want, size_t n)
{
    assert_false(w->bad);
    assert_int_equal(w->n, n);
    assert_memory_equal(out, want, n);
}

/* The only packet that was written. */
static struct rtcp read_back(const struct writer *w)
{
    struct rtcp r;
    size_t at = 0;
    assert_false(w->bad);
    assert_int_equal(sotto__rtcp_check(out, w->n, true), 0);
    assert_int_equal(sotto__rtcp_next(out, w->n, &at, &r), 1);
    return r;
}

static void rtcp_write_makes_the_compound_of_rfc_3550(void **state)
{
    (void)state;
    static const uint8_t want[] = {
        0x81, 200, 0,    12,   1, 2, 3, 4,  0xe0, 0,    0,   1,   0x80, 0, 0,    0,    0,    1,
        0,    0,   0,    0,    0, 9, 0, 0,  4,    0,    5,   6,   7,    8, 0x40, 0xff, 0xff, 0xfe,
        0,    2,   0x12, 0x34, 0, 0, 0, 33, 0xab, 0xcd, 0,   1,   0,    1, 0,    0,    0x81, 202,
        0,    3,   1,    2,    3, 4, 1, 4,  'm',  'e',  '@', 'x', 0,    0, 0x82, 203,  0,    2,
        1,    2,   3,    4,    9, 9, 9, 9,  0x80, 201,  0,   1,   1,    2, 3,    4};
    static const uint32_t ssrcs[] = {0x01020304, 0x09090909};
    struct writer w = fresh();
    struct rtcp_sr sr = {0x01020304, 0xe000000180000000u, 0x10000, 9, 1024};
    struct rtcp_block b = {.ssrc = 0x05060708,
                           .fraction = 64,
                           .lost = -2,
                           .highest = 0x21234,
                           .jitter = 33,
                           .lsr = 0xabcd0001,
                           .dlsr = 65536};
    sotto__rtcp_write_sr(&w, &sr, &b, 1);
    sotto__rtcp_write_sdes(&w, ssrcs, 1, STR("me@x"));
    sotto__rtcp_write_bye(&w, ssrcs, 2);
    sotto__rtcp_write_rr(&w, ssrcs[0], NULL, 0);
    assert_bytes(&w, want, sizeof want);
}

static void rtcp_write_ends_every_cname_with_a_zero(void **state)
{
    (void)state;
    static const uint32_t ssrcs[] = {1, 2};
    for (size_t n = 0; n <= RTCP_MAX_CNAME; n++) {
        char text[RTCP_MAX_CNAME];
        struct str cname;
        uint32_t ssrc;
        memset(text, 'c', sizeof text);
        struct writer w = fresh();
        sotto__rtcp_write_sdes(&w, ssrcs, 2, (struct str){text, n});
        struct rtcp r = read_back(&w);
        assert_true(r.type == RTCP_SDES && r.n == 2);
        assert_true(sotto__rtcp_cname(&r, 1, &ssrc, &cname));
        assert_true(ssrc == 2 && cname.n == n && out[8 + 2 + n] == 0);
    }
}

static void rtcp_write_refuses_more_than_five_bits_count(void **state)
{
    (void)state;
    static const uint32_t ssrcs[32];
    static const struct rtcp_block blocks[32];
    static const struct rtcp_sr sr;
    static const char text[256];
    for (size_t n = 31; n <= 32; n++) {
        struct writer w[4] = {fresh(), fresh(), fresh(), fresh()};
        sotto__rtcp_write_sr(&w[0], &sr, blocks, n);
        sotto__rtcp_write_rr(&w[1], 1, blocks, n);
        sotto__rtcp_write_sdes(&w[2], ssrcs, n, STR("x"));
        sotto__rtcp_write_bye(&w[3], ssrcs, n);
        for (size_t i = 0; i < 4; i++) assert_int_equal(w[i].bad, n > RTCP_MAX_BLOCKS);
    }
    struct writer w = fresh();
    sotto__rtcp_write_sdes(&w, ssrcs, 1, (struct str){text, 256});
    assert_true(w.bad);
}

static void rtcp_write_packs_nacks_into_pairs(void **state)
{
    (void)state;
    static const struct {
        uint16_t seqs[20];
        size_t n, entries;
        uint16_t want[4][2];
    } cases[] = {
        {{5}, 1, 1, {{5, 0}}},
        {{5, 6}, 2, 1, {{5, 1}}},
        {{5, 21}, 2, 1, {{5, 0x8000}}},
        {{5, 22}, 2, 2, {{5, 0}, {22, 0}}},
        {{0xffff, 0, 1}, 3, 1, {{0xffff, 3}}},
        {{5, 5, 6}, 3, 1, {{5, 1}}},
        {{9, 5}, 2, 2, {{9, 0}, {5, 0}}},
        {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
         20,
         2,
         {{1, 0xffff}, {18, 3}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct writer w = fresh();
        sotto__rtcp_write_nack(&w, 1, 2, cases[i].seqs, cases[i].n);
        struct rtcp r = read_back(&w);
        assert_true(r.type == RTCP_NACK && r.ssrc == 1 && r.media_ssrc == 2);
        assert_int_equal(r.n, cases[i].entries);
        for (size_t e = 0; e < r.n; e++) {
            uint16_t pid, blp;
            sotto__rtcp_nack(&r, e, &pid, &blp);
            assert_true(pid == cases[i].want[e][0] && blp == cases[i].want[e][1]);
        }
    }
    struct writer w = fresh();
    sotto__rtcp_write_nack(&w, 1, 2, NULL, 0); /* a packet without entries would be malformed */
    assert_true(w.n == 0 && !w.bad);
}

static void rtcp_write_asks_for_key_frames(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x84, 206, 0, 4,
                                   0,    0,   0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 9,    0,   0, 0};
    struct writer w = fresh();
    sotto__rtcp_write_pli(&w, 1, 2);
    sotto__rtcp_write_fir(&w, 1, 2, 9);
    assert_bytes(&w, want, sizeof want);
}

static void rtcp_write_rounds_rates_down(void **state)
{
    (void)state;
    static const uint32_t ssrcs[] = {7, 8};
    static const struct {
        uint64_t bps, remb, tmmbn;
    } cases[] = {{0, 0, 0},
                 {0x1ffff, 0x1ffff, 0x1ffff},
                 {0x3ffff, 0x3ffff, 0x3fffe},
                 {0x40001, 0x40000, 0x40000},
                 {1234567, 1234560, 1234560},
                 {INT64_MAX, (uint64_t)0x3ffff << 45, (uint64_t)0x1ffff << 46}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t ssrc;
        uint64_t bps;
        uint16_t overhead;
        struct writer w = fresh();
        sotto__rtcp_write_remb(&w, 1, cases[i].bps, ssrcs, 2);
        struct rtcp r = read_back(&w);
        assert_true(r.type == RTCP_REMB && r.n == 2 && r.bps == cases[i].remb);
        assert_int_equal(sotto__rtcp_remb_ssrc(&r, 1), 8);
        w = fresh();
        sotto__rtcp_write_tmmbn(&w, 1, 7, cases[i].bps, 40);
        r = read_back(&w);
        assert_true(r.type == RTCP_TMMBN && r.n == 1);
        sotto__rtcp_tmmbr(&r, 0, &ssrc, &bps, &overhead);
        assert_true(ssrc == 7 && bps == cases[i].tmmbn && overhead == 40);
    }
    struct writer w = fresh();
    sotto__rtcp_write_tmmbn(&w, 1, 0, 0, 0);
    assert_int_equal(read_back(&w).n, 0);
    static const uint32_t many[256];
    w = fresh();
    sotto__rtcp_write_remb(&w, 1, 1, many, 256);
    assert_true(w.bad);
}

static void rtcp_write_makes_extended_reports(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x80, 207, 0, 4, 0, 0,    0,   1, 4, 0, 0, 2, 1, 2, 3,
                                   4,    5,   6, 7, 8, 0x80, 207, 0, 5, 0, 0, 0, 1, 5, 0,
                                   0,    3,   0, 0, 0, 9,    0,   0, 0, 8, 0, 0, 0, 7};
    static const struct rtcp_dlrr item = {9, 8, 7};
    struct writer w = fresh();
    sotto__rtcp_write_rrtr(&w, 1, 0x0102030405060708u);
    sotto__rtcp_write_dlrr(&w, 1, &item, 1);
    assert_bytes(&w, want, sizeof want);
}

static void write_kind(struct writer *w, int kind)
{
    static const uint32_t ssrcs[] = {1, 2};
    static const uint16_t seqs[] = {1, 50};
    static const struct rtcp_block blocks[2];
    static const struct rtcp_dlrr items[2];
    static const struct rtcp_sr sr;
    switch (kind) {
    case 0: sotto__rtcp_write_sr(w, &sr, blocks, 2); break;
    case 1: sotto__rtcp_write_rr(w, 1, blocks, 2); break;
    case 2: sotto__rtcp_write_sdes(w, ssrcs, 2, STR("name")); break;
    case 3: sotto__rtcp_write_bye(w, ssrcs, 2); break;
    case 4: sotto__rtcp_write_nack(w, 1, 2, seqs, 2); break;
    case 5: sotto__rtcp_write_pli(w, 1, 2); break;
    case 6: sotto__rtcp_write_fir(w, 1, 2, 3); break;
    case 7: sotto__rtcp_write_remb(w, 1, 5, ssrcs, 2); break;
    case 8: sotto__rtcp_write_tmmbn(w, 1, 2, 5, 4); break;
    case 9: sotto__rtcp_write_rrtr(w, 1, 2); break;
    default: sotto__rtcp_write_dlrr(w, 1, items, 2); break;
    }
}

static void rtcp_write_says_when_it_does_not_fit(void **state)
{
    (void)state;
    for (int kind = 0; kind <= 10; kind++) {
        struct writer w = fresh();
        write_kind(&w, kind);
        size_t n = w.n;
        assert_true(!w.bad && n >= 12 && n % 4 == 0);
        assert_int_equal(sotto__rtcp_check(out, n, true), 0);
        for (size_t cap = 0; cap < n; cap++) {
            w = sotto__writer(out, cap);
            write_kind(&w, kind);
            assert_true(w.bad);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rtcp_write_makes_the_compound_of_rfc_3550),
        cmocka_unit_test(rtcp_write_ends_every_cname_with_a_zero),
        cmocka_unit_test(rtcp_write_refuses_more_than_five_bits_count),
        cmocka_unit_test(rtcp_write_packs_nacks_into_pairs),
        cmocka_unit_test(rtcp_write_asks_for_key_frames),
        cmocka_unit_test(rtcp_write_rounds_rates_down),
        cmocka_unit_test(rtcp_write_makes_extended_reports),
        cmocka_unit_test(rtcp_write_says_when_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
