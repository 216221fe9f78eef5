/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading RTCP: every packet with bytes laid out as its RFC does, and hostile compounds: H101, H102, H103, H108, RTP-16. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/mem.h"
#include "wire/rtcp.h"

static int check_exact(const uint8_t *p, size_t n, bool reduced)
{
    uint8_t *exact = sotto__memdup(p, n); /* so that ASan sees a byte read too far */
    assert_non_null(exact);
    int code = sotto__rtcp_check(exact, n, reduced);
    sotto__free(exact);
    return code;
}

/* The only packet of p. */
static struct rtcp read_one(const uint8_t *p, size_t n)
{
    struct rtcp r, more;
    size_t at = 0;
    assert_int_equal(check_exact(p, n, true), 0);
    assert_int_equal(sotto__rtcp_next(p, n, &at, &r), 1);
    assert_int_equal(sotto__rtcp_next(p, n, &at, &more), 0);
    return r;
}

/* RFC 3550 §6.4.1: SR with one block; §6.5: SDES with CNAME; §6.6: BYE with a reason. */
static const uint8_t compound[] = {
    0x81, 200, 0,    12,   1, 2, 3, 4,  0xe0, 0,    0,   1,   0x80, 0, 0,    0,    0,    1,
    0,    0,   0,    0,    0, 9, 0, 0,  4,    0,    5,   6,   7,    8, 0x40, 0xff, 0xff, 0xfe,
    0,    2,   0x12, 0x34, 0, 0, 0, 33, 0xab, 0xcd, 0,   1,   0,    1, 0,    0,    0x81, 202,
    0,    3,   1,    2,    3, 4, 1, 4,  'm',  'e',  '@', 'x', 0,    0, 0x82, 203,  0,    4,
    1,    2,   3,    4,    9, 9, 9, 9,  4,    'd',  'o', 'n', 'e',  0, 0,    0};

static void rtcp_reads_a_compound_of_sr_sdes_and_bye(void **state)
{
    (void)state;
    struct rtcp r;
    struct rtcp_block b;
    struct str cname;
    uint32_t ssrc;
    size_t at = 0;
    assert_int_equal(check_exact(compound, sizeof compound, false), 0);
    assert_int_equal(sotto__rtcp_next(compound, sizeof compound, &at, &r), 1);
    assert_true(r.type == RTCP_SR && r.ssrc == 0x01020304 && r.n == 1);
    assert_true(r.ntp == 0xe000000180000000u);
    assert_true(r.rtp_time == 0x10000 && r.packets == 9 && r.octets == 1024);
    sotto__rtcp_block(&r, 0, &b);
    assert_true(b.ssrc == 0x05060708 && b.fraction == 64 && b.lost == -2);
    assert_true(b.highest == 0x21234 && b.jitter == 33 && b.lsr == 0xabcd0001 && b.dlsr == 65536);
    assert_int_equal(sotto__rtcp_next(compound, sizeof compound, &at, &r), 1);
    assert_true(r.type == RTCP_SDES && r.n == 1);
    assert_true(sotto__rtcp_cname(&r, 0, &ssrc, &cname));
    assert_true(ssrc == 0x01020304 && sotto__str_eq(cname, STR("me@x")));
    assert_int_equal(sotto__rtcp_next(compound, sizeof compound, &at, &r), 1);
    assert_true(r.type == RTCP_BYE && r.n == 2 && r.ssrc == 0x01020304);
    assert_int_equal(sotto__rtcp_bye(&r, 1), 0x09090909);
    assert_int_equal(sotto__rtcp_next(compound, sizeof compound, &at, &r), 0);
}

static void rtcp_reads_what_chromium_sends(void **state)
{
    (void)state;
    static const uint8_t p[] = {
        0x80, 0xc8, 0,    6,    0x97, 0x98, 0xc2, 0xd9, 0xee, 0xab, 0x86, 0xf2, 0xde, 0xfb,
        0xf4, 0x01, 0x10, 0xd0, 0x36, 0xb1, 0,    0,    0,    13,   0,    0,    0x2e, 0x2d,
        0x81, 0xca, 0,    6,    0x97, 0x98, 0xc2, 0xd9, 1,    0x10, 'W',  'B',  'k',  'O',
        'w',  'C',  'u',  'H',  'O',  'e',  '/',  'G',  '/',  'T',  'B',  '7',  0,    0};
    struct rtcp r;
    struct str cname;
    uint32_t ssrc;
    size_t at = 0;
    assert_int_equal(check_exact(p, sizeof p, false), 0);
    assert_int_equal(sotto__rtcp_next(p, sizeof p, &at, &r), 1);
    assert_true(r.type == RTCP_SR && r.ssrc == 0x9798c2d9 && r.n == 0);
    assert_true(r.packets == 13 && r.octets == 11821 && r.rtp_time == 0x10d036b1);
    assert_true(r.ntp >> 32 == 0xeeab86f2);
    assert_int_equal(sotto__rtcp_next(p, sizeof p, &at, &r), 1);
    assert_true(sotto__rtcp_cname(&r, 0, &ssrc, &cname));
    assert_true(ssrc == 0x9798c2d9 && sotto__str_eq(cname, STR("WBkOwCuHOe/G/TB7")));
}

/* proves: RTP-03 */
static void rtcp_wants_a_report_first_unless_reduced(void **state)
{
    (void)state;
    static const uint8_t pli[] = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    static const uint8_t rr[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 206,
                                 0,    2,   0, 0, 0, 1, 0, 0, 0,    2};
    assert_int_equal(check_exact(pli, sizeof pli, false), SOTTO_E_SYNTAX);
    assert_int_equal(check_exact(pli, sizeof pli, true), 0);
    assert_int_equal(check_exact(rr, sizeof rr, false), 0);
}

/* proves: H101 */
static void rtcp_h101_refuses_every_compound_that_is_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof compound; n++)
        assert_int_equal(check_exact(compound, n, false), n == 52 || n == 68 ? 0 : SOTTO_E_SYNTAX);
    assert_int_equal(sotto__rtcp_check(NULL, 0, true), SOTTO_E_SYNTAX);
}

struct hostile {
    const char *what;
    uint8_t bytes[64];
    size_t n;
    int want;
};

static void judge(const struct hostile *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int code = check_exact(cases[i].bytes, cases[i].n, true);
        if (code != cases[i].want) fail_msg("%s: %d", cases[i].what, code);
        for (size_t cut = 1; cut < cases[i].n; cut++)
            if (cut % 4 != 0)
                assert_int_equal(check_exact(cases[i].bytes, cut, true), SOTTO_E_SYNTAX);
    }
}

/* proves: H101 */
static void rtcp_h101_drops_the_whole_of_a_bad_compound(void **state)
{
    (void)state;
    static const struct hostile cases[] = {
        {"an empty RR", {0x80, 201, 0, 1, 0, 0, 0, 1}, 8, 0},
        {"version 1", {0x40, 201, 0, 1, 0, 0, 0, 1}, 8, SOTTO_E_SYNTAX},
        {"version 0 in the second",
         {0x80, 201, 0, 1, 0, 0, 0, 1, 0x00, 201, 0, 1, 0, 0, 0, 1},
         16,
         SOTTO_E_SYNTAX},
        {"length beyond the packet", {0x80, 201, 0, 2, 0, 0, 0, 1}, 8, SOTTO_E_SYNTAX},
        {"length 65535", {0x80, 201, 0xff, 0xff, 0, 0, 0, 1}, 8, SOTTO_E_SYNTAX},
        {"length 0: no room for the SSRC", {0x80, 201, 0, 0, 0x80, 201, 0, 0}, 8, SOTTO_E_SYNTAX},
        {"length 0 of a type that we do not know", {0x80, 210, 0, 0, 0x80, 210, 0, 0}, 8, 0},
        {"SR below its fields", {0x80, 200, 0, 5, 0, 0, 0, 1}, 24, SOTTO_E_SYNTAX},
        {"SR with a block that lacks a word", {0x81, 200, 0, 11, 0, 0, 0, 1}, 48, SOTTO_E_SYNTAX},
        {"31 blocks, one is there", {0x9f, 201, 0, 7, 0, 0, 0, 1}, 32, SOTTO_E_SYNTAX},
        {"an extension of a profile behind the blocks",
         {0x80, 201, 0, 2, 0, 0, 0, 1, 1, 2, 3, 4},
         12,
         0},
        {"padding in the last", {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4}, 12, 0},
        {"padding in one before",
         {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 201, 0, 1, 0, 0, 0, 1},
         20,
         SOTTO_E_SYNTAX},
        {"padding of 0", {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}, 12, SOTTO_E_SYNTAX},
        {"padding of 3", {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3}, 12, SOTTO_E_SYNTAX},
        {"padding over the SSRC", {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 8}, 12, SOTTO_E_SYNTAX},
        {"padding beyond the packet",
         {0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 12},
         12,
         SOTTO_E_SYNTAX},
        {"padding without a body", {0xa0, 201, 0, 0}, 4, SOTTO_E_SYNTAX},
        {"padding over a block", {0xa1, 201, 0, 7, 0, 0, 0, 1, [31] = 4}, 32, SOTTO_E_SYNTAX},
    };
    judge(cases, sizeof cases / sizeof *cases);
}

/* proves: H102 */
static void rtcp_h102_drops_lists_that_overrun(void **state)
{
    (void)state;
    static const struct hostile cases[] = {
        {"SDES of no chunk", {0x80, 202, 0, 0}, 4, 0},
        {"SDES of a chunk that is not there", {0x81, 202, 0, 0}, 4, SOTTO_E_SYNTAX},
        {"a chunk of an SSRC alone", {0x81, 202, 0, 1, 0, 0, 0, 1}, 8, SOTTO_E_SYNTAX},
        {"a chunk without items", {0x81, 202, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}, 12, 0},
        {"items not ended", {0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 'a', 'b'}, 12, SOTTO_E_SYNTAX},
        {"an item beyond the end", {0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 'a', 0}, 12, SOTTO_E_SYNTAX},
        {"a second chunk half there",
         {0x82, 202, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2},
         16,
         SOTTO_E_SYNTAX},
        {"BYE of 31, none there", {0x9f, 203, 0, 0}, 4, SOTTO_E_SYNTAX},
        {"BYE of none", {0x80, 203, 0, 0}, 4, 0},
        {"BYE whose reason overruns",
         {0x81, 203, 0, 2, 0, 0, 0, 1, 4, 'b', 'y', 'e'},
         12,
         SOTTO_E_SYNTAX},
        {"BYE with a reason", {0x81, 203, 0, 2, 0, 0, 0, 1, 3, 'b', 'y', 'e'}, 12, 0},
        {"XR without an SSRC", {0x80, 207, 0, 0}, 4, SOTTO_E_SYNTAX},
        {"XR without blocks", {0x80, 207, 0, 1, 0, 0, 0, 1}, 8, 0},
        {"XR whose block overruns", {0x80, 207, 0, 2, 0, 0, 0, 1, 9, 0, 0, 1}, 12, SOTTO_E_SYNTAX},
        {"RRTR of one word",
         {0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0, 0},
         16,
         SOTTO_E_SYNTAX},
        {"DLRR of half an entry", {0x80, 207, 0, 4, 0, 0, 0, 1, 5, 0, 0, 2}, 20, SOTTO_E_SYNTAX},
        {"APP without a name", {0x80, 204, 0, 1, 0, 0, 0, 1}, 8, SOTTO_E_SYNTAX},
    };
    judge(cases, sizeof cases / sizeof *cases);
}

/* proves: RTP-16 */
static void rtcp_16_drops_malformed_feedback(void **state)
{
    (void)state;
    static const struct hostile cases[] = {
        {"PLI without a media SSRC", {0x81, 206, 0, 1, 0, 0, 0, 1}, 8, SOTTO_E_SYNTAX},
        {"NACK without entries", {0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2}, 12, SOTTO_E_SYNTAX},
        {"FIR without entries", {0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}, 12, SOTTO_E_SYNTAX},
        {"FIR of half an entry",
         {0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2},
         16,
         SOTTO_E_SYNTAX},
        {"TMMBR without entries", {0x83, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}, 12, SOTTO_E_SYNTAX},
        {"TMMBN without entries: the empty set", {0x84, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}, 12, 0},
        {"TMMBN of half an entry", {0x84, 205, 0, 3, 0, 0, 0, 1}, 16, SOTTO_E_SYNTAX},
        {"REMB without numbers",
         {0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B'},
         16,
         SOTTO_E_SYNTAX},
        {"REMB of one SSRC that is not there",
         {0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 0, 0, 1},
         20,
         SOTTO_E_SYNTAX},
        {"REMB with one SSRC too many",
         {0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0, 0, 1},
         24,
         SOTTO_E_SYNTAX},
        {"another application's feedback",
         {0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 'A', 'B', 'C', 'D'},
         16,
         0},
        {"transport-wide feedback below its head",
         {0x8f, 205, 0, 3, 0, 0, 0, 1},
         16,
         SOTTO_E_SYNTAX},
        {"feedback that nobody knows", {0x9e, 205, 0, 2, 0, 0, 0, 1}, 12, 0},
    };
    judge(cases, sizeof cases / sizeof *cases);
}

static void rtcp_reads_nack_pli_and_fir(void **state)
{
    (void)state;
    static const uint8_t nack[] = {0x81, 205, 0,    4,    0,    0, 0, 1, 0, 0,
                                   0,    2,   0xff, 0xfe, 0x80, 1, 0, 9, 0, 0};
    static const uint8_t pli[] = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    static const uint8_t fir[] = {0x84, 206, 0, 4, 0, 0, 0,   1, 0, 0,
                                  0,    0,   0, 0, 0, 7, 200, 0, 0, 0};
    uint16_t pid, blp;
    uint32_t ssrc;
    uint8_t seq;
    struct rtcp r = read_one(nack, sizeof nack);
    assert_true(r.type == RTCP_NACK && r.ssrc == 1 && r.media_ssrc == 2 && r.n == 2);
    sotto__rtcp_nack(&r, 0, &pid, &blp);
    assert_true(pid == 0xfffe && blp == 0x8001);
    sotto__rtcp_nack(&r, 1, &pid, &blp);
    assert_true(pid == 9 && blp == 0);
    r = read_one(pli, sizeof pli);
    assert_true(r.type == RTCP_PLI && r.ssrc == 1 && r.media_ssrc == 2);
    r = read_one(fir, sizeof fir);
    assert_true(r.type == RTCP_FIR && r.n == 1 && r.media_ssrc == 0);
    sotto__rtcp_fir(&r, 0, &ssrc, &seq);
    assert_true(ssrc == 7 && seq == 200);
}

static void rtcp_counts_more_than_255_nack_entries(void **state)
{
    (void)state;
    static uint8_t nack[12 + 4 * 300] = {0x81, 205, (2 + 300) >> 8, (2 + 300) & 0xff};
    struct rtcp r = read_one(nack, sizeof nack);
    assert_int_equal(r.n, 300);
}

/* proves: H108 */
static void rtcp_h108_reads_rates_up_to_their_ends(void **state)
{
    (void)state;
    static const struct {
        uint8_t exponent;
        uint32_t mantissa;
        uint64_t want;
    } cases[] = {{0, 0, 0},
                 {0, 0x3ffff, 0x3ffff},
                 {6, 0x3ffff, 0xffffc0},
                 {63, 0, 0},
                 {62, 1, 1ULL << 62},
                 {63, 1, INT64_MAX},
                 {45, 0x3ffff, (uint64_t)0x3ffff << 45},
                 {46, 0x3ffff, INT64_MAX},
                 {63, 0x3ffff, INT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t v = (uint32_t)cases[i].exponent << 18 | cases[i].mantissa;
        uint8_t remb[] = {0x8f,
                          206,
                          0,
                          5,
                          0,
                          0,
                          0,
                          1,
                          0,
                          0,
                          0,
                          0,
                          'R',
                          'E',
                          'M',
                          'B',
                          1,
                          (uint8_t)(v >> 16),
                          (uint8_t)(v >> 8),
                          (uint8_t)v,
                          0,
                          0,
                          0,
                          9};
        struct rtcp r = read_one(remb, sizeof remb);
        assert_true(r.type == RTCP_REMB && r.n == 1 && r.bps == cases[i].want);
        assert_int_equal(sotto__rtcp_remb_ssrc(&r, 0), 9);
    }
}

static void rtcp_reads_tmmbr_and_tmmbn(void **state)
{
    (void)state;
    /* exponent 2, mantissa 0x1ffff, overhead 0x1ff; exponent 63, mantissa 2 */
    static const uint8_t tmmbr[] = {0x83, 205,  0,    6,    0,    0, 0, 1, 0, 0,    0, 0, 0,   0, 0,
                                    7,    0x0b, 0xff, 0xff, 0xff, 0, 0, 0, 8, 0xfc, 0, 4, 0x28};
    uint8_t tmmbn[sizeof tmmbr];
    uint32_t ssrc;
    uint64_t bps;
    uint16_t overhead;
    struct rtcp r = read_one(tmmbr, sizeof tmmbr);
    assert_true(r.type == RTCP_TMMBR && r.n == 2);
    sotto__rtcp_tmmbr(&r, 0, &ssrc, &bps, &overhead);
    assert_true(ssrc == 7 && bps == 0x7fffc && overhead == 0x1ff);
    sotto__rtcp_tmmbr(&r, 1, &ssrc, &bps, &overhead);
    assert_true(ssrc == 8 && bps == INT64_MAX && overhead == 40);
    memcpy(tmmbn, tmmbr, sizeof tmmbr);
    tmmbn[0] = 0x84;
    assert_int_equal(read_one(tmmbn, sizeof tmmbn).type, RTCP_TMMBN);
}

/* proves: H102 */
static void rtcp_gives_each_block_of_an_extended_report(void **state)
{
    (void)state;
    static const uint8_t xr[] = {0x80, 207, 0, 10, 0, 0, 0,    1,   4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7,
                                 8,    99,  0, 0,  0, 5, 0,    0,   3, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0,
                                 0,    7,   5, 0,  0, 0, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    static const enum rtcp_type want[] = {RTCP_XR_RRTR, RTCP_OTHER, RTCP_XR_DLRR, RTCP_XR_DLRR,
                                          RTCP_PLI};
    struct rtcp r;
    size_t at = 0;
    assert_int_equal(check_exact(xr, sizeof xr, true), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(sotto__rtcp_next(xr, sizeof xr, &at, &r), 1);
        assert_int_equal(r.type, want[i]);
        assert_int_equal(r.ssrc, 1);
        if (i == 0) assert_true(r.ntp == 0x0102030405060708u);
        if (i == 3) assert_int_equal(r.n, 0);
        if (i != 2) continue;
        struct rtcp_dlrr d;
        assert_int_equal(r.n, 1);
        sotto__rtcp_dlrr(&r, 0, &d);
        assert_true(d.ssrc == 9 && d.lrr == 8 && d.dlrr == 7);
    }
    assert_int_equal(sotto__rtcp_next(xr, sizeof xr, &at, &r), 0);
    assert_int_equal(sotto__rtcp_next(xr, sizeof xr, &at, &r), 0); /* the end stays the end */
}

static void rtcp_finds_the_cname_of_each_chunk(void **state)
{
    (void)state;
    static const uint8_t sdes[] = {0x83, 202, 0,   10, 0, 0, 0, 1, 2, 1, 'n', 1,   2, 'c', 'n',
                                   1,    1,   'x', 0,  0, 0, 0, 0, 2, 2, 1,   'n', 0, 0,   0,
                                   0,    3,   1,   0,  0, 0, 0, 0, 0, 0, 0,   0,   0, 0};
    uint32_t ssrc = 0;
    struct str cname;
    struct rtcp r = read_one(sdes, sizeof sdes);
    assert_int_equal(r.n, 3);
    assert_true(sotto__rtcp_cname(&r, 0, &ssrc, &cname));
    assert_true(ssrc == 1 && sotto__str_eq(cname, STR("cn"))); /* the first of two */
    assert_false(sotto__rtcp_cname(&r, 1, &ssrc, &cname));
    assert_int_equal(ssrc, 2);
    assert_true(sotto__rtcp_cname(&r, 2, &ssrc, &cname));
    assert_true(ssrc == 3 && cname.n == 0);
}

/* proves: H103 */
static void rtcp_h103_reads_the_ends_of_a_block(void **state)
{
    (void)state;
    uint8_t rr[32] = {0x81, 201, 0, 7};
    static const int32_t lost[][2] = {{0x7fffff, 8388607}, {0x800000, -8388608}, {0xffffff, -1}};
    struct rtcp_block b;
    memset(rr + 4, 0xff, sizeof rr - 4);
    for (size_t i = 0; i < 3; i++) {
        rr[13] = (uint8_t)(lost[i][0] >> 16), rr[14] = (uint8_t)(lost[i][0] >> 8);
        rr[15] = (uint8_t)lost[i][0];
        struct rtcp r = read_one(rr, sizeof rr);
        sotto__rtcp_block(&r, 0, &b);
        assert_int_equal(b.lost, lost[i][1]);
        assert_true(b.fraction == 255 && b.jitter == UINT32_MAX && b.highest == UINT32_MAX);
    }
}

static void rtcp_leaves_padding_out_of_the_body(void **state)
{
    (void)state;
    static const uint8_t nack[] = {0xa1, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2,
                                   0,    5,   0, 0, 0, 0, 0, 0, 0, 0, 0, 8};
    struct rtcp r = read_one(nack, sizeof nack);
    assert_true(r.type == RTCP_NACK && r.n == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rtcp_reads_a_compound_of_sr_sdes_and_bye),
        cmocka_unit_test(rtcp_reads_what_chromium_sends),
        cmocka_unit_test(rtcp_wants_a_report_first_unless_reduced),
        cmocka_unit_test(rtcp_h101_refuses_every_compound_that_is_cut),
        cmocka_unit_test(rtcp_h101_drops_the_whole_of_a_bad_compound),
        cmocka_unit_test(rtcp_h102_drops_lists_that_overrun),
        cmocka_unit_test(rtcp_16_drops_malformed_feedback),
        cmocka_unit_test(rtcp_reads_nack_pli_and_fir),
        cmocka_unit_test(rtcp_counts_more_than_255_nack_entries),
        cmocka_unit_test(rtcp_h108_reads_rates_up_to_their_ends),
        cmocka_unit_test(rtcp_reads_tmmbr_and_tmmbn),
        cmocka_unit_test(rtcp_gives_each_block_of_an_extended_report),
        cmocka_unit_test(rtcp_finds_the_cname_of_each_chunk),
        cmocka_unit_test(rtcp_h103_reads_the_ends_of_a_block),
        cmocka_unit_test(rtcp_leaves_padding_out_of_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
