/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptions: the tree that comes out, browsers' own, what is refused and in which line (H004 to H008, H014 to H020,
 * H025 of the security list). Limits: test_sdp_limits.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/limits.h"
#include "util/mem.h"
#include "wire/sdp.h"
#include "wire/sdp_attr.h"

#define TOP "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n"
#define HEAD TOP "t=0 0\r\n"                                      /* 4 lines */
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

static struct sdp *parsed(const char *text)
{
    struct sdp *sdp = NULL;
    sotto_error err = {.size = sizeof err};
    if (sotto__sdp_parse(text, strlen(text), &sdp, &err) < 0)
        fail_msg("line %d: %s", err.line, err.reason);
    return sdp;
}

struct verdict {
    const char *text;
    int code;
    int32_t line; /* of the error */
};

static void assert_verdicts(const struct verdict *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t line = 0;
        int r = parse_bytes(sotto__str(cases[i].text), &line);
        if (r != cases[i].code || (r < 0 && line != cases[i].line))
            fail_msg("case %zu gives %d in line %d:\n%s", i, r, line, cases[i].text);
    }
}
#define ASSERT_VERDICTS(cases) assert_verdicts(cases, sizeof(cases) / sizeof *(cases))

/* ---- the tree ---- */

static void sdp_becomes_a_tree_of_sections_and_lines(void **state)
{
    (void)state;
    struct sdp *sdp =
        parsed("v=0\r\no=me 4 18446744073709551615 IN IP6 ::1\r\ns=a name\r\nt=0 "
               "0\r\na=flag\r\na=key:va:lue\r\n"
               "m=audio 5004/2 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=empty:\r\n" DATA
               "x=own\r\n");
    assert_true(sotto__str_eq(sdp->origin.username, STR("me")));
    assert_true(sotto__str_eq(sdp->origin.address, STR("::1")));
    assert_int_equal(sdp->origin.session_id, 4);
    assert_true(sdp->origin.version == UINT64_MAX);
    assert_int_equal(sdp->s.n_lines, 6);
    assert_int_equal(sdp->s.lines[2].type, 's');
    assert_true(sotto__str_eq(sdp->s.lines[2].value, STR("a name")));
    assert_null(sdp->s.lines[4].value.p);
    assert_true(sotto__str_eq(sdp->s.lines[4].name, STR("flag")));
    assert_true(sotto__str_eq(sdp->s.lines[5].name, STR("key")));
    assert_true(sotto__str_eq(sdp->s.lines[5].value, STR("va:lue")));
    assert_int_equal(sdp->s.lines[5].number, 6);
    assert_int_equal(sdp->n_media, 2);
    const struct sdp_media *m = &sdp->media[0];
    assert_true(sotto__str_eq(m->kind, STR("audio")));
    assert_true(sotto__str_eq(m->proto, STR("UDP/TLS/RTP/SAVPF")));
    assert_int_equal(m->port, 5004);
    assert_int_equal(m->n_ports, 2);
    assert_int_equal(m->number, 7);
    assert_int_equal(m->n_fmts, 2);
    assert_true(sotto__str_eq(m->fmts[1], STR("0")));
    assert_int_equal(m->s.lines[0].type, 'c');
    assert_non_null(m->s.lines[1].value.p);
    assert_int_equal(m->s.lines[1].value.n, 0);
    assert_int_equal(sdp->media[1].n_ports, 1);
    assert_int_equal(sdp->media[1].s.lines[0].type, 'x');
    assert_int_equal(sdp->media[1].s.lines[0].number, 11);
    sotto__sdp_free(sdp);
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

static void assert_reads_and_writes(const char *name, struct str text)
{
    struct sdp *sdp = NULL;
    struct buf out;
    sotto_error err = {.size = sizeof err};
    if (sotto__sdp_parse(text.p, text.n, &sdp, &err) < 0)
        fail_msg("%s:%d: %s", name, err.line, err.reason);
    sotto__buf_init(&out, SOTTO_MAX_SDP);
    sotto__sdp_write(sdp, &out);
    assert_int_equal(out.err, 0);
    if (!sotto__str_eq((struct str){(char *)out.p, out.n}, text))
        fail_msg("%s comes back changed", name);
    for (size_t i = 0; i < sdp->n_media; i++) {
        for (size_t k = 0; k < sdp->media[i].s.n_lines; k++) {
            const struct sdp_line *line = &sdp->media[i].s.lines[k];
            const char *why;
            if (line->type == 'a' && sotto__sdp_attr_check(line->name, line->value, &why) < 0)
                fail_msg("%s:%d: %s", name, line->number, why);
        }
    }
    sotto__buf_free(&out);
    sotto__sdp_free(sdp);
}

/* proves: SDP-34 */
static void sdp_of_browsers_is_read_whole_and_comes_back_byte_for_byte(void **state)
{
    (void)state;
    DIR *dir = opendir(FIXTURES "/sdp");
    assert_non_null(dir);
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".sdp")) continue;
        struct str text = read_fixture(FIXTURES "/sdp", entry->d_name);
        assert_reads_and_writes(entry->d_name, text);
        sotto__free((char *)(uintptr_t)text.p);
        n++;
    }
    closedir(dir);
    assert_true(n >= 134);
}

/* proves: SDP-31 */
static void sdp_lines_end_with_crlf_or_lf(void **state) /* SDP-31 */
{
    (void)state;
    static const struct verdict cases[] = {
        {"v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n", 0, 0},
        {"v=0\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\nt=0 0\r\nm=audio 9 X 0\n", 0, 0},
        {TOP "t=0 0", 0, 0},
        {HEAD "m=audio 9 X 0", 0, 0},
        {HEAD "\r\n", 0, 0},
        {HEAD "\n\r\n\n", 0, 0},
        {HEAD "\r\na=x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "\r\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "\n\r", SOTTO_E_SYNTAX, 5},
        {HEAD "a=x\ra=y\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a=x\r", SOTTO_E_SYNTAX, 5},
        {HEAD "a=x\r\r\n", SOTTO_E_SYNTAX, 5},
    };
    ASSERT_VERDICTS(cases);
}

/* proves: H004 */
static void sdp_refuses_control_characters_and_foreign_encodings(void **state) /* H004 */
{
    (void)state;
    char text[] = HEAD "a=x:?\r\n";
    char *hole = strchr(text, '?');
    for (int c = 0; c < 256; c++) {
        int32_t line;
        if (c == '\n') continue; /* ends the line, and an empty one may be the last */
        *hole = (char)c;
        bool fine = c == '\t' || (c >= 0x20 && c < 0x7f);
        int r = parse_bytes((struct str){text, sizeof text - 1}, &line);
        if ((r == 0) != fine) fail_msg("byte %d gives %d", c, r);
        if (r < 0) assert_int_equal(line, 5);
    }
    int32_t line;
    assert_int_equal(parse_bytes(STR("\xef\xbb\xbf" HEAD), &line), SOTTO_E_SYNTAX);
    assert_int_equal(line, 1);
    assert_int_equal(parse_bytes(STR(HEAD "a=x:gr\xc3\xbc\xc3\x9f\r\n"), NULL), 0);
    assert_int_equal(parse_bytes(STR("v=0\0\r\n"), NULL), SOTTO_E_SYNTAX);
}

/* ---- the grammar ---- */

static void sdp_begins_with_version_origin_name_and_has_a_time(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {HEAD, 0, 0},
        {"", SOTTO_E_SYNTAX, 0},
        {"\r\n", SOTTO_E_SYNTAX, 1},
        {"v=0\r\n", SOTTO_E_SYNTAX, 1},
        {"v=1\r\no=- 1 2 IN IP4 x\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 1},
        {"v=00\r\no=- 1 2 IN IP4 x\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 1},
        {"V=0\r\no=- 1 2 IN IP4 x\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 1},
        {"m=audio 9 X 0\r\n", SOTTO_E_SYNTAX, 1},
        {"a=x\r\n" HEAD, SOTTO_E_SYNTAX, 1},
        {"v=0\r\ns=-\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 3},
        {"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nm=audio 9 X 0\r\n", SOTTO_E_SYNTAX, 3},
        {TOP, SOTTO_E_SYNTAX, 3},
        {TOP "m=audio 9 X 0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "m=audio 9 X 0\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "s=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "a=x\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "c=IN IP4 0.0.0.0\r\nt=0 0\r\n", 0, 0},
        {HEAD "c=IN IP4 0.0.0.0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "v=0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "s=-\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "o=- 1 2 IN IP4 127.0.0.1\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a=x\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 6},
        {TOP "r=1 2 3\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "z=1 2\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "k=x\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 4},
        {HEAD "a=x\r\nr=1 2 3\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD "a=x\r\nz=1 2\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD "t=1 2\r\nr=1 2 3\r\nz=1 2\r\nt=3 4\r\nk=x\r\n", 0, 0},
        {TOP "i=x\r\nu=x\r\ne=x\r\np=x\r\nc=IN IP4 1.2.3.4\r\nb=AS:1\r\nt=0 0\r\n", 0, 0},
        {TOP "e=x\r\nu=x\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 5},
        {"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=\r\nt=0 0\r\n", 0, 0},
    };
    ASSERT_VERDICTS(cases);
}

static void sdp_lines_are_a_letter_and_an_equals_sign(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {HEAD "Y=unknown types are kept\r\n", 0, 0},
        {HEAD "y=\r\nA=\r\nZ=\r\n", 0, 0},
        {HEAD "@=x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "[=x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "`=x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "{=x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a", SOTTO_E_SYNTAX, 5},
        {HEAD "a\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "ax=1\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "=\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "1=x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD " a=x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a =x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a=\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a=:x\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a=x y:z\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a=x:\r\n", 0, 0},
    };
    ASSERT_VERDICTS(cases);
}

static void sdp_checks_origin_time_and_connection(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {"v=0\r\no=- 1 2 IN IP4\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=- 1 2 IN IP4 a b\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=- x 2 IN IP4 a\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=- 1 -2 IN IP4 a\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=- 18446744073709551616 2 IN IP4 a\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=- 1 2 ( IP4 a\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=- 1 2 IN ( a\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {"v=0\r\no=\r\ns=-\r\nt=0 0\r\n", SOTTO_E_SYNTAX, 2},
        {TOP "t=0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "t=0 0 0\r\n", SOTTO_E_SYNTAX, 4},
        {TOP "t=0 x\r\n", SOTTO_E_SYNTAX, 4},
        {HEAD DATA "c=IN IP4 1.2.3.4\r\nc=IN IP6 ::1\r\n", 0, 0},
        {HEAD DATA "c=IN IP4\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD DATA "c=IN IP4 1.2.3.4 x\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD DATA "c=\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD DATA "b=AS:4294967295\r\nb=TIAS:99999999999999999999\r\n", 0, 0}, /* H019: nobody allocates by it */
    };
    ASSERT_VERDICTS(cases);
}

static void sdp_checks_m_lines(void **state)
{
    (void)state;
    static const struct verdict cases[] = {
        {HEAD "m=audio 0 RTP/AVP 0 128 -1 4294967296 0\r\n", 0, 0}, /* H014: such formats cost the m-line, later */
        {HEAD "m=audio 65535/65535 X 0\r\n", 0, 0},
        {HEAD "m=audio 65536 X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio -1 X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9/0 X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9/65536 X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9/ X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio /1 X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9 X\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=au:dio 9 X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9 X//Y 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9 /X 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9 X/ 0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "m=audio 9 X 0 (\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD DATA "v=0\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD DATA "o=- 1 2 IN IP4 127.0.0.1\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD DATA "t=0 0\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD DATA "a=x\r\nc=IN IP4 0.0.0.0\r\ni=x\r\nk=x\r\nb=X:1\r\nw=unknown\r\n", 0, 0},
    };
    ASSERT_VERDICTS(cases);
}

/* ---- attributes ---- */

static void sdp_fails_for_a_bad_attribute_of_session_or_transport(void **state) /* H007, H008, H010 */
{
    (void)state;
    static const char *const bad[] = {"fingerprint",
                                      "fingerprint:",
                                      "fingerprint:sha-256 AA",
                                      "fingerprint:sha-1 zz",
                                      "setup",
                                      "setup:maybe",
                                      "ice-ufrag:abc",
                                      "ice-ufrag:ab c",
                                      "ice-pwd:short",
                                      "ice-pwd",
                                      "mid",
                                      "mid:",
                                      "mid:a b",
                                      "mid:(",
                                      "group",
                                      "group:",
                                      "group:BUNDLE (",
                                      "sctp-port:0",
                                      "sctp-port:65536",
                                      "sctp-port:",
                                      "max-message-size:",
                                      "max-message-size:x",
                                      "max-message-size:--1",
                                      "max-message-size:1 ",
                                      "tls-id",
                                      "tls-id:1234567890123456789",
                                      "tls-id:1234567890123456789 0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        int32_t line;
        snprintf(text, sizeof text, HEAD "a=%s\r\n" DATA, bad[i]);
        if (parse_bytes(sotto__str(text), &line) != SOTTO_E_SYNTAX || line != 5)
            fail_msg("session: %s", bad[i]);
        snprintf(text, sizeof text, HEAD DATA "a=x\r\na=%s\r\n", bad[i]);
        if (parse_bytes(sotto__str(text), &line) != SOTTO_E_SYNTAX || line != 7)
            fail_msg("media: %s", bad[i]);
    }
}

static void sdp_keeps_bad_attributes_of_media_and_bad_candidates(void **state) /* H014 to H018, H026 */
{
    (void)state;
    static const char *const bad[] = {"rtpmap",
                                      "rtpmap:128 x/1",
                                      "rtpmap:-1 x/1",
                                      "rtpmap:4294967296 x/1",
                                      "fmtp:",
                                      "fmtp",
                                      "rtcp-fb:x",
                                      "extmap:0 x",
                                      "extmap:300 x",
                                      "rid:~ send",
                                      "rid:a sideways",
                                      "simulcast:~~~;,,",
                                      "ssrc:4294967296 cname:x",
                                      "ssrc:x",
                                      "ssrc-group:FID x",
                                      "ssrc-group:FID",
                                      "msid:",
                                      "msid:a b c",
                                      "candidate:",
                                      "candidate:1 1 UDP 1 10.0.0.1 0 typ host"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        const char *why = NULL;
        snprintf(text, sizeof text, HEAD AUDIO "a=%s\r\n", bad[i]);
        struct sdp *sdp = parsed(text);
        const struct sdp_line *line = &sdp->media[0].s.lines[0];
        assert_int_equal(line->number, 6);
        if (sotto__sdp_attr_check(line->name, line->value, &why) != SOTTO_E_SYNTAX || !why)
            fail_msg("%s", bad[i]);
        sotto__sdp_free(sdp);
    }
}

static void sdp_takes_any_max_message_size(void **state) /* H020 */
{
    (void)state;
    static const struct verdict cases[] = {
        {HEAD DATA "a=max-message-size:0\r\n", 0, 0},
        {HEAD DATA "a=max-message-size:-1\r\n", 0, 0},
        {HEAD DATA "a=max-message-size:18446744073709551616\r\n", 0, 0},
    };
    ASSERT_VERDICTS(cases);
}

/* proves: H006 */
static void sdp_refuses_what_may_stand_once_and_stands_twice(void **state) /* H006 */
{
    (void)state;
    static const char *const single[] = {"ice-ufrag:abcd",
                                         "ice-pwd:abcdefghijklmnopqrstuv",
                                         "setup:actpass",
                                         "sctp-port:5000",
                                         "mid:0",
                                         "max-message-size:7",
                                         "tls-id:12345678901234567890"};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        char text[512];
        int32_t line;
        snprintf(text, sizeof text, HEAD DATA "a=%s\r\na=x\r\na=%s\r\n", single[i], single[i]);
        if (parse_bytes(sotto__str(text), &line) != SOTTO_E_SYNTAX || line != 8)
            fail_msg("%s in media", single[i]);
        snprintf(text, sizeof text, HEAD "a=%s\r\na=%s\r\n", single[i], single[i]);
        if (parse_bytes(sotto__str(text), &line) != SOTTO_E_SYNTAX || line != 6)
            fail_msg("%s in session", single[i]);
        if (strncmp(single[i], "mid", 3) == 0) continue; /* elsewhere it may stand again, but for mids */
        snprintf(text, sizeof text, HEAD "a=%s\r\n" DATA "a=%s\r\n" AUDIO "a=%s\r\n", single[i],
                 single[i], single[i]);
        if (parse_bytes(sotto__str(text), &line) != 0) fail_msg("%s once in each", single[i]);
    }
}

static void sdp_refuses_mids_and_bundles_that_contradict_each_other(void **state) /* H005 */
{
    (void)state;
    static const struct verdict cases[] = {
        {HEAD "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n" DATA "a=mid:1\r\n", 0, 0},
        {HEAD "a=group:BUNDLE\r\n" AUDIO "a=mid:0\r\n", 0, 0},
        {HEAD "a=group:BUNDLE 0\r\na=group:BUNDLE 1\r\n" AUDIO "a=mid:0\r\n" DATA "a=mid:1\r\n", 0,
         0},
        {HEAD "a=group:LS 0 7\r\n" AUDIO "a=mid:0\r\n", 0, 0}, /* only BUNDLE decides about transports */
        {HEAD AUDIO AUDIO, 0, 0},
        {HEAD AUDIO "a=mid:0\r\n" DATA "a=mid:0\r\n", SOTTO_E_SYNTAX, 8},
        {HEAD "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n", SOTTO_E_SYNTAX, 5},
        {HEAD "a=group:BUNDLE 0\r\n" AUDIO, SOTTO_E_SYNTAX, 5},
        {HEAD "a=x\r\na=group:BUNDLE 0 0\r\n" AUDIO "a=mid:0\r\n", SOTTO_E_SYNTAX, 6},
        {HEAD "a=group:BUNDLE 0\r\na=group:BUNDLE 0\r\n" AUDIO "a=mid:0\r\n", SOTTO_E_SYNTAX, 6},
    };
    ASSERT_VERDICTS(cases);
}

static void sdp_error_names_line_and_escaped_input(void **state) /* H025 */
{
    (void)state;
    struct sdp *sdp;
    sotto_error err = {.size = sizeof err};
    static const char text[] = HEAD DATA "a=setup:%n%s\x1b[31m\r\n";
    assert_int_equal(sotto__sdp_parse(text, sizeof text - 1, &sdp, &err), SOTTO_E_SYNTAX);
    assert_int_equal(err.line, 6);
    assert_non_null(strstr(err.reason, "\"a=setup:%n%s\\x1b[31m\""));
    assert_int_equal(sotto__sdp_parse(text, sizeof text - 1, &sdp, NULL), SOTTO_E_SYNTAX);
}

static void sdp_error_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "begins with v=0"},
        {"\xef\xbb\xbf" HEAD, "byte order mark"},
        {HEAD DATA "a=mid:0\r\na=mid:0\r\n", "already"},
        {HEAD "s=-\r\n", "already"},
        {TOP, "t= is missing"},
        {HEAD "a=\r\n", "name is not a token"},
        {HEAD "\r\na=x\r\n", "an empty line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sdp *sdp;
        sotto_error err = {.size = sizeof err};
        assert_int_equal(sotto__sdp_parse(cases[i].text, strlen(cases[i].text), &sdp, &err),
                         SOTTO_E_SYNTAX);
        if (!strstr(err.reason, cases[i].reason)) fail_msg("%s", err.reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sdp_becomes_a_tree_of_sections_and_lines),
        cmocka_unit_test(sdp_of_browsers_is_read_whole_and_comes_back_byte_for_byte),
        cmocka_unit_test(sdp_lines_end_with_crlf_or_lf),
        cmocka_unit_test(sdp_refuses_control_characters_and_foreign_encodings),
        cmocka_unit_test(sdp_begins_with_version_origin_name_and_has_a_time),
        cmocka_unit_test(sdp_lines_are_a_letter_and_an_equals_sign),
        cmocka_unit_test(sdp_checks_origin_time_and_connection),
        cmocka_unit_test(sdp_checks_m_lines),
        cmocka_unit_test(sdp_fails_for_a_bad_attribute_of_session_or_transport),
        cmocka_unit_test(sdp_keeps_bad_attributes_of_media_and_bad_candidates),
        cmocka_unit_test(sdp_takes_any_max_message_size),
        cmocka_unit_test(sdp_refuses_what_may_stand_once_and_stands_twice),
        cmocka_unit_test(sdp_refuses_mids_and_bundles_that_contradict_each_other),
        cmocka_unit_test(sdp_error_names_line_and_escaped_input),
        cmocka_unit_test(sdp_error_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
