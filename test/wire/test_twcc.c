/* SPDX-License-Identifier: BSD-2-Clause */
/* Transport-wide feedback: every kind of chunk and delta, writing what is read, hostile counts and lengths: H107, RTP-16. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/mem.h"
#include "wire/twcc.h"

static struct twcc t, again;

/* Parses the entries of a feedback packet: sequence number, count, time and so on. */
static int parse(const uint8_t *p, size_t n)
{
    uint8_t *exact = sotto__memdup(p, n); /* so that ASan sees a byte read too far */
    assert_non_null(exact);
    struct rtcp r = {.type = RTCP_TWCC, .ssrc = 1, .media_ssrc = 2, .body = exact, .n_body = n};
    int code = sotto__twcc_parse(&r, &t);
    sotto__free(exact);
    return code;
}

static void assert_status(size_t i, bool received, int32_t delta)
{
    if (t.status[i].received != received || t.status[i].delta != delta)
        fail_msg("status %zu: %d %d", i, t.status[i].received, t.status[i].delta);
}

static void twcc_reads_runs_and_vectors(void **state)
{
    (void)state;
    static const uint8_t p[] = {0xff, 0xfe, 0, 21, 0xff, 0xff, 0xff, 77, /* from 65534, 21 packets, time -1 */
                                0x20, 0x02,                              /* two small deltas */
                                0x00, 0x03,                              /* three lost */
                                0xa0, 0x01,                              /* of 14, the 1st and the last with small deltas */
                                0xd8, 0x00,                              /* of 7, a small and a large one; only two count */
                                4,    255,  1, 2,  9,    0xff, 0x9c};
    assert_int_equal(parse(p, sizeof p), 0);
    assert_true(t.ssrc == 1 && t.media_ssrc == 2 && t.base_seq == 0xfffe && t.n == 21);
    assert_true(t.base_time == -1 && t.count == 77);
    assert_status(0, true, 4);
    assert_status(1, true, 255);
    for (size_t i = 2; i < 5; i++) assert_status(i, false, 0);
    assert_status(5, true, 1);
    for (size_t i = 6; i < 18; i++) assert_status(i, false, 0);
    assert_status(18, true, 2);
    assert_status(19, true, 9);
    assert_status(20, true, -100);
}

static void twcc_reads_a_run_of_large_deltas(void **state)
{
    (void)state;
    static const uint8_t p[] = {0, 1,    0,    2,    0x7f, 0xff, 0xff,
                                0, 0x40, 0x02, 0x7f, 0xff, 0x80, 0x00};
    assert_int_equal(parse(p, sizeof p), 0);
    assert_int_equal(t.base_time, 0x7fffff);
    assert_status(0, true, 32767);
    assert_status(1, true, -32768);
}

/* proves: H107 */
static void twcc_h107_judges_hostile_feedback(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t bytes[20];
        size_t n;
        int want;
    } cases[] = {
        {"nothing", {0}, 0, SOTTO_E_SYNTAX},
        {"a head that is cut", {0, 1, 0, 1, 0, 0, 0}, 7, SOTTO_E_SYNTAX},
        {"no packets", {0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 10, SOTTO_E_SYNTAX},
        {"65535 packets in few bytes",
         {0, 1, 0xff, 0xff, 0, 0, 0, 0, 0x20, 1, 0},
         11,
         SOTTO_E_SYNTAX},
        {"1025 lost ones", {0, 1, 4, 1, 0, 0, 0, 0, 0x04, 0x01}, 10, SOTTO_E_SYNTAX},
        {"1024 lost ones", {0, 1, 4, 0, 0, 0, 0, 0, 0x04, 0x00}, 10, 0},
        {"a run beyond the count", {0, 1, 0, 1, 0, 0, 0, 0, 0x20, 2, 0, 0}, 12, SOTTO_E_SYNTAX},
        {"the longest run", {0, 1, 0, 1, 0, 0, 0, 0, 0x1f, 0xff}, 10, SOTTO_E_SYNTAX},
        {"runs of nothing, then the end",
         {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
         14,
         SOTTO_E_SYNTAX},
        {"a run of nothing, then one", {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 12, 0},
        {"no chunks", {0, 1, 0, 1, 0, 0, 0, 0}, 8, SOTTO_E_SYNTAX},
        {"half a chunk", {0, 1, 0, 1, 0, 0, 0, 0, 0x20}, 9, SOTTO_E_SYNTAX},
        {"the reserved symbol in a run",
         {0, 1, 0, 1, 0, 0, 0, 0, 0x60, 1, 0, 0, 0, 0},
         14,
         SOTTO_E_SYNTAX},
        {"the reserved symbol in a vector",
         {0, 1, 0, 1, 0, 0, 0, 0, 0xf0, 0, 0, 0, 0, 0},
         14,
         SOTTO_E_SYNTAX},
        {"the reserved symbol behind the last", {0, 1, 0, 1, 0, 0, 0, 0, 0xd3, 0xff, 5}, 11, 0},
        {"a small delta that is not there", {0, 1, 0, 1, 0, 0, 0, 0, 0x20, 1}, 10, SOTTO_E_SYNTAX},
        {"half a large delta", {0, 1, 0, 1, 0, 0, 0, 0, 0x40, 1, 5}, 11, SOTTO_E_SYNTAX},
        {"a large delta", {0, 1, 0, 1, 0, 0, 0, 0, 0x40, 1, 5, 5}, 12, 0},
        {"14 deltas, 2 there", {0, 1, 0, 14, 0, 0, 0, 0, 0xbf, 0xff, 5, 5}, 12, SOTTO_E_SYNTAX},
        {"zero padding behind", {0, 1, 0, 1, 0, 0, 0, 0, 0x20, 1, 5, 0}, 12, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        t.n = 4242;
        int code = parse(cases[i].bytes, cases[i].n);
        if (code != cases[i].want) fail_msg("%s: %d", cases[i].what, code);
        if (code < 0) assert_int_equal(t.n, 4242); /* nothing was written */
    }
}

/* ---- writing ---- */

static uint8_t out[4096];

static size_t written(size_t cap) /* entries of t, read again; 0: it does not fit */
{
    struct writer w = sotto__writer(out, cap);
    struct rtcp r;
    size_t at = 0;
    sotto__twcc_write(&w, &t);
    if (w.bad) return 0;
    assert_int_equal(sotto__rtcp_check(out, w.n, true), 0);
    assert_int_equal(sotto__rtcp_next(out, w.n, &at, &r), 1);
    assert_int_equal(r.type, RTCP_TWCC);
    assert_int_equal(sotto__twcc_parse(&r, &again), 0);
    assert_true(again.ssrc == t.ssrc && again.media_ssrc == t.media_ssrc && again.n == t.n);
    assert_true(again.base_seq == t.base_seq && again.base_time == t.base_time);
    assert_int_equal(again.count, t.count);
    for (size_t i = 0; i < t.n; i++) {
        assert_int_equal(again.status[i].received, t.status[i].received);
        assert_int_equal(again.status[i].delta, t.status[i].delta);
    }
    return w.n;
}

static void fill(const char *symbols) /* '.' lost, 's' small, 'l' large */
{
    t = (struct twcc){.ssrc = 1, .media_ssrc = 2, .base_seq = 3, .base_time = -2, .count = 4};
    for (; symbols[t.n]; t.n++)
        t.status[t.n] = (struct twcc_status){symbols[t.n] != '.', symbols[t.n] == 's'   ? 7
                                                                  : symbols[t.n] == 'l' ? -7
                                                                                        : 0};
}

static void twcc_writes_the_bytes_of_the_draft(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x8f, 205,  0, 6,    0,    0, 0,    1,    0,    0,
                                   0,    2,    0, 3,    0,    5, 0xff, 0xff, 0xfe, 4,
                                   0xd8, 0x00, 7, 0xff, 0xf9, 0, 0,    0};
    fill("sl...");
    assert_int_equal(written(sizeof out), sizeof want);
    assert_memory_equal(out, want, sizeof want);
}

static void twcc_writes_few_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *symbols;
        size_t chunks;
    } cases[] = {
        {"s", 1},
        {".", 1},
        {"l", 1},
        {"ssssssssssssssssssssssssssssss", 1},
        {".s.s.s.s.s.s.s", 1},
        {".s.s.s.s.s.s.s.", 2},
        {"s.s.s.s.s", 1},
        {"s.s.s.l", 1},
        {"s.s.s.ll", 2},
        {"lllllllllllllll", 1},
        {"llllllllls", 2},
        {"..............s", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes = 20 + 2 * cases[i].chunks;
        fill(cases[i].symbols);
        for (const char *s = cases[i].symbols; *s; s++) bytes += *s == 's' ? 1 : *s == 'l' ? 2 : 0;
        assert_int_equal(written(sizeof out), (bytes + 3) / 4 * 4);
    }
}

static void twcc_writes_what_it_reads_whatever_the_pattern(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (unsigned round = 0; round < 300; round++) {
        t = (struct twcc){.ssrc = 9, .base_seq = 0xfff0, .base_time = -0x800000, .count = 255};
        t.n = (uint16_t)(1 + round * 37 % TWCC_MAX_STATUS);
        for (size_t i = 0; i < t.n; i++) {
            random = random * 1664525 + 1013904223;
            uint32_t kind = random >> 28, stay = random >> 24 & 15;
            if (i > 0 && stay > round % 16)
                t.status[i] = t.status[i - 1];
            else if (kind < 5)
                t.status[i].received = false;
            else
                t.status[i] = (struct twcc_status){true, kind < 11 ? (int32_t)(random >> 8 & 255)
                                                                   : (int16_t)(random >> 4)};
        }
        assert_true(written(sizeof out) > 0);
    }
}

static void twcc_refuses_what_the_format_cannot_say(void **state)
{
    (void)state;
    static const struct {
        uint16_t n;
        int32_t delta;
        bool fits;
    } cases[] = {{0, 0, false},
                 {1, 0, true},
                 {TWCC_MAX_STATUS, 0, true},
                 {TWCC_MAX_STATUS + 1, 0, false},
                 {1, 32767, true},
                 {1, 32768, false},
                 {1, -32768, true},
                 {1, -32769, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fill("");
        t.n = cases[i].n;
        t.status[0] = (struct twcc_status){true, cases[i].delta};
        assert_int_equal(written(sizeof out) > 0, cases[i].fits);
    }
}

static void twcc_says_when_it_does_not_fit(void **state)
{
    (void)state;
    fill("s.l.s.l.s.l.s.l");
    size_t n = written(sizeof out);
    for (size_t cap = 0; cap < n; cap++) assert_int_equal(written(cap), 0);
    assert_int_equal(written(n), n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twcc_reads_runs_and_vectors),
        cmocka_unit_test(twcc_reads_a_run_of_large_deltas),
        cmocka_unit_test(twcc_h107_judges_hostile_feedback),
        cmocka_unit_test(twcc_writes_the_bytes_of_the_draft),
        cmocka_unit_test(twcc_writes_few_chunks),
        cmocka_unit_test(twcc_writes_what_it_reads_whatever_the_pattern),
        cmocka_unit_test(twcc_refuses_what_the_format_cannot_say),
        cmocka_unit_test(twcc_says_when_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
