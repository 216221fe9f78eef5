/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions at their limits and one past, floods of lines (H001 to H003 of the security list), and no memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "util/limits.h"
#include "util/mem.h"
#include "wire/sdp.h"

#define HEAD "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"    /* 4 lines */
#define DATA "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" /* the 5th */
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"

static int parse_bytes(struct str text, int32_t *line)
{
    struct sdp *sdp = NULL;
    sotto_error err = {.size = sizeof err};
    char *exact = sotto__memdup(text.p, text.n); /* so that ASan sees a byte read too far */
    assert_non_null(exact);
    int r = sotto__sdp_parse(exact, text.n, &sdp, &err);
    sotto__free(exact);
    assert_int_equal(r < 0, sdp == NULL);
    if (r < 0 && (err.code != r || !err.reason[0])) fail_msg("no reason");
    if (line) *line = err.line;
    sotto__sdp_free(sdp);
    return r;
}

static void repeat(struct buf *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) sotto__buf_add(b, text, strlen(text));
}

/* head, then text so many times: what comes out, and in which line. */
static int parse_repeated(const char *head, const char *text, size_t times, int32_t *line)
{
    struct buf b;
    sotto__buf_init(&b, 64u << 20);
    repeat(&b, head, 1);
    repeat(&b, text, times);
    assert_int_equal(b.err, 0);
    int r = parse_bytes((struct str){(char *)b.p, b.n}, line);
    sotto__buf_free(&b);
    return r;
}

/* proves: H003 */
static void sdp_limits_hold_and_one_past_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *head, *text;
        size_t max;
        int32_t line; /* of the error */
    } cases[] = {
        {HEAD, AUDIO, SOTTO_MAX_SDP_MEDIA, 4 + SOTTO_MAX_SDP_MEDIA + 1},
        {HEAD, "a=x\r\n", SOTTO_MAX_SDP_LINES - 4, SOTTO_MAX_SDP_LINES + 1},
        {HEAD AUDIO, "a=x\r\n", SOTTO_MAX_SDP_LINES, 5 + SOTTO_MAX_SDP_LINES + 1},
        {HEAD "m=audio 9 X 0", " 1", SOTTO_MAX_SDP_FMTS - 1, 5},
        {HEAD DATA, "a=fingerprint:x AA\r\n", SOTTO_MAX_FINGERPRINTS,
         5 + SOTTO_MAX_FINGERPRINTS + 1}, /* H008 */
        {HEAD DATA "a=x:", "x", SOTTO_MAX_SDP_LINE - 4, 6},
        {HEAD DATA "a=mid:", "x", SOTTO_MAX_MID, 6},
        {HEAD "a=group:X", " x", SOTTO_MAX_SDP_MEDIA, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t line;
        int r = parse_repeated(cases[i].head, cases[i].text, cases[i].max, &line);
        if (r != 0) fail_msg("case %zu at its limit: %d in line %d", i, r, line);
        r = parse_repeated(cases[i].head, cases[i].text, cases[i].max + 1, &line);
        if (r != SOTTO_E_LIMIT || line != cases[i].line)
            fail_msg("case %zu one past: %d in line %d", i, r, line);
    }
}

/* 256 KiB in lines of 1024 bytes; with LF the text is shorter than what would be written, which counts too. */
static void sdp_of_256_kib_passes_and_one_byte_more_is_refused(void **state)
{
    (void)state;
    char *text = sotto__malloc(SOTTO_MAX_SDP + 2);
    assert_non_null(text);
    size_t n = strlen(HEAD);
    memcpy(text, HEAD, n);
    while (n < SOTTO_MAX_SDP) {
        size_t line = SOTTO_MAX_SDP - n < 2048 ? SOTTO_MAX_SDP - n : 1024;
        memset(text + n, 'x', line);
        memcpy(text + n, "a=", 2);
        memcpy(text + n + line - 2, "\r\n", 2);
        n += line;
    }
    assert_int_equal(parse_bytes((struct str){text, SOTTO_MAX_SDP}, NULL), 0);
    text[SOTTO_MAX_SDP - 1] = 'x';
    text[SOTTO_MAX_SDP - 2] = 'x';
    int32_t line;
    assert_int_equal(parse_bytes((struct str){text, SOTTO_MAX_SDP}, &line), SOTTO_E_LIMIT); /* its CRLF comes on top */
    assert_true(line > 200);
    assert_int_equal(parse_bytes((struct str){text, SOTTO_MAX_SDP + 1}, &line), SOTTO_E_LIMIT);
    assert_int_equal(line, 0);
    sotto__free(text);
}

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* proves: H001 H002 */
static void sdp_bombs_are_refused_fast(void **state) /* H001, H002, H003 */
{
    (void)state;
    static const struct {
        const char *head, *text;
        size_t times;
    } bombs[] = {
        {HEAD, "a=x:0123456789\r\n", 655360}, /* 10 MB */
        {HEAD, AUDIO, 100000},
        {HEAD DATA, "a=x\r\n", 1000000},
        {HEAD "a=", "x", 1 << 20},
        {HEAD, "m=x 0 X 0\n", 25000}, /* these below 256 KiB */
        {HEAD DATA, "a=x\n", 60000},
        {HEAD "m=audio 9 X", " 1", 4000},
        {HEAD DATA, "a=fingerprint:x AA\n", 12000},
        {HEAD, "\r\n", 130000},
    };
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        struct buf b;
        sotto__buf_init(&b, 64u << 20);
        repeat(&b, bombs[i].head, 1);
        repeat(&b, bombs[i].text, bombs[i].times);
        double spent = 1e9;
        int r = 0;
        for (int k = 0; k < 5; k++) { /* a machine that is interrupted is not so each time */
            struct sdp *sdp = NULL;
            double start = milliseconds();
            r = sotto__sdp_parse((char *)b.p, b.n, &sdp, NULL);
            double once = milliseconds() - start;
            if (once < spent) spent = once;
            sotto__sdp_free(sdp);
        }
        bool blank = bombs[i].text[0] == '\r'; /* empty lines at the end are fine, if they fit */
        if (r != (blank ? 0 : SOTTO_E_LIMIT) || spent > 200)
            fail_msg("bomb %zu: %d after %.1f ms", i, r, spent);
        if (b.n > SOTTO_MAX_SDP && spent > 1)
            fail_msg("bomb %zu: %.3f ms, and needs no look", i, spent);
        sotto__buf_free(&b);
    }
}

/* All that the limits allow, where every m-line has a mid and one group names them all. */
static void sdp_of_64_bundled_m_lines_passes(void **state)
{
    (void)state;
    struct buf b;
    sotto__buf_init(&b, SOTTO_MAX_SDP);
    sotto__buf_addf(&b, HEAD "a=group:BUNDLE");
    for (unsigned i = 0; i < SOTTO_MAX_SDP_MEDIA; i++) sotto__buf_addf(&b, " %u", i);
    sotto__buf_addf(&b, "\r\n");
    for (unsigned i = 0; i < SOTTO_MAX_SDP_MEDIA; i++) sotto__buf_addf(&b, AUDIO "a=mid:%u\r\n", i);
    assert_int_equal(parse_bytes((struct str){(char *)b.p, b.n}, NULL), 0);
    sotto__buf_free(&b);
}

static struct str read_fixture(const char *dir, const char *name)
{
    char path[512];
    struct str text = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    char *bytes = sotto__malloc(SOTTO_MAX_SDP);
    assert_non_null(file);
    assert_non_null(bytes);
    text = (struct str){bytes, fread(bytes, 1, SOTTO_MAX_SDP, file)};
    fclose(file);
    return text;
}

static void sdp_survives_every_allocation_failing(void **state)
{
    (void)state;
    int64_t before = sotto__mem_live();
    struct str text = read_fixture(FIXTURES "/sdp", "chromium-offer-multi.sdp");
    int64_t with_text = sotto__mem_live();
    int r = SOTTO_E_NOMEM;
    size_t n = 0;
    while (r == SOTTO_E_NOMEM) {
        struct sdp *sdp = NULL;
        sotto_error err = {.size = sizeof err};
        sotto__mem_fail_at(++n);
        r = sotto__sdp_parse(text.p, text.n, &sdp, &err);
        assert_int_equal(r < 0, sotto__mem_failed());
        if (r < 0) assert_int_equal(err.code, SOTTO_E_NOMEM);
        if (r < 0) assert_non_null(strstr(err.reason, "out of memory"));
        sotto__sdp_free(sdp);
        assert_int_equal(sotto__mem_live(), with_text);
    }
    sotto__mem_fail_at(0);
    assert_int_equal(r, 0);
    assert_true(n > 10);
    sotto__free((char *)(uintptr_t)text.p);
    assert_int_equal(sotto__mem_live(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sdp_limits_hold_and_one_past_is_refused),
        cmocka_unit_test(sdp_of_256_kib_passes_and_one_byte_more_is_refused),
        cmocka_unit_test(sdp_bombs_are_refused_fast),
        cmocka_unit_test(sdp_of_64_bundled_m_lines_passes),
        cmocka_unit_test(sdp_survives_every_allocation_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
