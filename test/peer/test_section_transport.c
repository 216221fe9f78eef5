/* SPDX-License-Identifier: BSD-2-Clause */
/* ICE and DTLS of a description: where they stand, which fingerprints are taken, which roles. */
#include "sections.h"

#include "util/buf.h"

#define HEX20 HEX16 ":00:11:22:33"
#define HEX48 HEX32 ":" HEX16
#define HEX64 HEX32 ":" HEX32
#define ANSWER_KEYS UFRAG PWD PRINT "a=setup:active\r\n"

static int read_desc(const char *text, size_t tagged, bool is_offer, struct transport_desc *ret,
                     sotto_error *err)
{
    struct reading r;
    read_good(&r, text);
    memset(ret, 0x5a, sizeof *ret);
    *err = (sotto_error){.size = sizeof *err};
    int result = sotto__transport_desc_read(r.sdp, &r.s.items[tagged], is_offer, ret, err);
    if (result < 0) /* outputs are written on success only */
        for (size_t i = 0; i < sizeof *ret; i++) assert_int_equal(((uint8_t *)ret)[i], 0x5a);
    assert_int_equal(err->code, result);
    reading_free(&r);
    return result;
}

static void desc_holds_what_the_transport_needs(void **state)
{
    (void)state;
    struct transport_desc d;
    sotto_error err;
    assert_int_equal(
        read_desc(TOP DATA KEYS
                  "a=tls-id:91bbf309c0990a6bec11\r\na=ice-options:trickle renomination\r\n",
                  0, true, &d, &err),
        0);
    assert_string_equal(d.t.ufrag, "abcd");
    assert_string_equal(d.t.pwd, "0123456789012345678901");
    assert_int_equal(d.t.n_fingerprints, 1);
    assert_string_equal(d.t.fingerprints[0].hash, "sha-256");
    assert_int_equal(d.t.fingerprints[0].bytes[31], 0xff);
    assert_int_equal(d.setup, SDP_SETUP_ACTPASS);
    assert_string_equal(d.tls_id, "91bbf309c0990a6bec11");
    assert_true(d.trickle);
    assert_false(d.lite || d.done || d.t.dtls_client || d.t.new_dtls);
}

/* ---- places ---- */

#define UFRAG_OF(name) "a=ice-ufrag:" name "\r\n"

static void desc_is_of_the_section_else_its_group_else_the_session(void **state) /* SDP-09 */
{
    (void)state;
    static const char pair[] = PWD PRINT;
    static const struct {
        const char *group, *session, *first, *second;
        const char *ufrag; /* of the second */
    } cases[] = {
        {"", UFRAG_OF("sess"), UFRAG_OF("1111"), UFRAG_OF("2222"), "2222"},
        {GROUP("1 2"), UFRAG_OF("sess"), UFRAG_OF("1111"), UFRAG_OF("2222"), "2222"},
        {GROUP("1 2"), UFRAG_OF("sess"), UFRAG_OF("1111"), "", "1111"},
        {GROUP("1 2"), UFRAG_OF("sess"), "", "", "sess"},
        {GROUP("1 2"), "", UFRAG_OF("1111"), "", "1111"},
        {"", UFRAG_OF("sess"), UFRAG_OF("1111"), "", "sess"},
        {GROUP("2 1"), UFRAG_OF("sess"), UFRAG_OF("1111"), "", "sess"}, /* it is the tagged one */
        {GROUP("1") GROUP("2"), UFRAG_OF("sess"), UFRAG_OF("1111"), "", "sess"},
        {"a=group:LS 1 2\r\n", UFRAG_OF("sess"), UFRAG_OF("1111"), "", "sess"},
        {GROUP("") GROUP("1 2"), "", UFRAG_OF("1111"), "", "1111"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transport_desc d;
        sotto_error err;
        char text[2048];
        snprintf(text, sizeof text, TOP "%s%s%s" AUDIO MID("1") "%s" DATA MID("2") "%s",
                 cases[i].group, pair, cases[i].session, cases[i].first, cases[i].second);
        assert_int_equal(read_desc(text, 1, true, &d, &err), 0);
        if (strcmp(d.t.ufrag, cases[i].ufrag) != 0) fail_msg("case %zu: %s", i, d.t.ufrag);
    }
}

static void desc_is_of_its_own_group_among_several(void **state)
{
    (void)state;
    struct transport_desc d;
    sotto_error err;
    assert_int_equal(read_desc(TOP "a=group:LS 1 2\r\n" GROUP("1") GROUP("3 2")
                                   PWD PRINT AUDIO MID("1") UFRAG_OF("1111") DATA MID("2")
                                       AUDIO MID("3") UFRAG_OF("3333"),
                               1, true, &d, &err),
                     0);
    assert_string_equal(d.t.ufrag, "3333");
}

static void desc_of_a_rejected_tagged_section_serves_its_group(void **state) /* RFC 9143 §7.1.3 */
{
    (void)state;
    struct transport_desc d;
    struct reading r;
    sotto_error err;
    bool chosen[SOTTO_MAX_SDP_MEDIA];
    static const char text[] = TOP GROUP("0 1") "m=audio 9 RTP/AVP 0\r\n" MID("0") KEYS
        "a=tls-id:91bbf309c0990a6bec11\r\na=end-of-candidates\r\n"
        "a=ice-options:trickle\r\n" DATA MID("1");
    read_good(&r, text);
    assert_int_equal(sotto__bundle_choose(&r.s, NULL, 0, chosen), 1);
    const struct sdp_line *line = sotto__section_transport_attr(r.sdp, &r.s.items[1], "ice-ufrag");
    assert_non_null(line);
    assert_int_equal(line->number, 8);
    assert_null(sotto__section_transport_attr(r.sdp, &r.s.items[1], "candidate"));
    reading_free(&r);
    assert_int_equal(read_desc(text, 1, true, &d, &err), 0);
    assert_string_equal(d.t.ufrag, "abcd");
    assert_string_equal(d.tls_id, "91bbf309c0990a6bec11");
    assert_true(d.trickle && d.done);
}

/* ---- fingerprints ---- */

#define S1 "a=fingerprint:sha-1 " HEX20 "\r\n"
#define S2 PRINT
#define S3 "a=fingerprint:sha-384 " HEX48 "\r\n"
#define S5 "a=fingerprint:sha-512 " HEX64 "\r\n"
#define M5 "a=fingerprint:md5 " HEX16 "\r\n"
#define M2 "a=fingerprint:md2 " HEX16 "\r\n"
#define XX "a=fingerprint:shake-256 AB:CD\r\n"
#define LOUD "a=fingerprint:SHA-256 " HEX32 "\r\n"

/* proves: SDP-07 */
static void desc_takes_a_set_of_fingerprints_if_one_is_strong(void **state) /* SDP-07, H008, H009 */
{
    (void)state;
    static const struct {
        const char *session, *media;
        size_t n; /* 0: refused */
    } sets[] = {
        {"", S2, 1},    {"", LOUD, 1},  {"", S3, 1},          {"", S5, 1}, {"", S2 S3 S5, 3},
        {"", S1 S2, 2}, {"", M5 S2, 2}, {"", XX S2, 2},       {"", S1, 0}, {"", M5, 0},
        {"", M2, 0},    {"", XX, 0},    {"", S1 M5 M2 XX, 0}, {S2, "", 1}, {S2 S5, "", 2},
        {S1, "", 0},    {S1, S2, 1},    {S2 S2 S2, S5, 1}, /* the section's replace the session's, also … */
        {S2, S1, 0},    {S2, XX, 0},       /* … when they are worse */
        {"", S2 S2, 2},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct transport_desc d;
        sotto_error err;
        char text[4096];
        snprintf(text, sizeof text, TOP "%s" DATA UFRAG PWD "%s", sets[i].session, sets[i].media);
        int r = read_desc(text, 0, true, &d, &err);
        if (r != (sets[i].n > 0 ? 0 : SOTTO_E_SDP)) fail_msg("set %zu: %d", i, r);
        if (r == 0 && d.t.n_fingerprints != sets[i].n)
            fail_msg("set %zu: %zu", i, d.t.n_fingerprints);
        if (r < 0 && !strstr(err.reason, "sha-256")) fail_msg("set %zu: %s", i, err.reason);
    }
}

static void desc_holds_8_fingerprints(void **state)
{
    (void)state;
    struct transport_desc d;
    sotto_error err;
    static const char text[] = TOP DATA UFRAG PWD S2 S2 S2 S2 S2 S2 S2 S2;
    assert_int_equal(read_desc(text, 0, true, &d, &err), 0);
    assert_int_equal(d.t.n_fingerprints, SOTTO_MAX_FINGERPRINTS);
    struct sdp *sdp = NULL;
    static const char more[] = TOP DATA UFRAG PWD S2 S2 S2 S2 S2 S2 S2 S2 S2; /* the parser refuses it */
    assert_int_equal(sotto__sdp_parse(more, sizeof more - 1, &sdp, NULL), SOTTO_E_LIMIT);
}

/* A tree that was not parsed is not trusted either. */
static void desc_refuses_what_the_parser_would_have(void **state)
{
    (void)state;
    static const struct {
        const char *add;
        size_t times;
        int want;
    } cases[] = {{"fingerprint:sha-256 " HEX32, 9, SOTTO_E_LIMIT},
                 {"fingerprint:sha-256 zz", 1, SOTTO_E_SYNTAX},
                 {"setup:never", 1, SOTTO_E_SDP}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transport_desc d;
        struct sdp *sdp = NULL;
        struct sdp_media *m = NULL;
        struct section s = {.group = -1};
        assert_int_equal(sotto__sdp_new(&sdp), 0);
        assert_int_equal(
            sotto__sdp_add_media(sdp, STR("application"), 9, STR("UDP/DTLS/SCTP"), STR("x"), &m),
            0);
        sotto__sdp_add(sdp, &m->s, 'a', "ice-ufrag:abcd");
        sotto__sdp_add(sdp, &m->s, 'a', "ice-pwd:0123456789012345678901");
        for (size_t k = 0; k < cases[i].times; k++)
            assert_int_equal(sotto__sdp_add(sdp, &m->s, 'a', "%s", cases[i].add), 0);
        if (i == 2) sotto__sdp_add(sdp, &m->s, 'a', "fingerprint:sha-256 " HEX32);
        s.m = m;
        if (sotto__transport_desc_read(sdp, &s, true, &d, NULL) != cases[i].want)
            fail_msg("case %zu", i);
        sotto__sdp_free(sdp);
    }
}

/* ---- sizes of credentials ---- */

/* proves: SDP-24 */
static void desc_takes_credentials_up_to_256(void **state) /* SDP-24 */
{
    (void)state;
    static const struct {
        int ufrag, pwd;
        bool fine;
    } sizes[] = {{4, 22, true},    {3, 22, false},    {4, 21, false},
                 {256, 256, true}, {257, 256, false}, {256, 257, false}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct transport_desc d;
        struct sdp *sdp = NULL;
        sotto_error err;
        char text[2048];
        snprintf(text, sizeof text, TOP DATA PRINT "a=ice-ufrag:%0*d\r\na=ice-pwd:%0*d\r\n",
                 sizes[i].ufrag, 7, sizes[i].pwd, 8);
        if (!sizes[i].fine) {
            assert_int_equal(sotto__sdp_parse(text, strlen(text), &sdp, NULL), SOTTO_E_SYNTAX);
            continue;
        }
        assert_int_equal(read_desc(text, 0, true, &d, &err), 0);
        assert_int_equal(strlen(d.t.ufrag), sizes[i].ufrag);
        assert_int_equal(strlen(d.t.pwd), sizes[i].pwd);
        assert_int_equal(d.t.ufrag[sizes[i].ufrag - 1], '7');
    }
}

/* ---- setup ---- */

/* proves: SDP-03 */
static void desc_knows_which_roles_may_stand_where(void **state) /* SDP-03, H010, H011 */
{
    (void)state;
    static const struct {
        const char *line;
        bool in_offer, in_answer;
        enum sdp_setup setup;
    } cases[] = {{"", true, false, SDP_SETUP_ACTPASS},
                 {"a=setup:actpass\r\n", true, false, SDP_SETUP_ACTPASS},
                 {"a=setup:active\r\n", true, true, SDP_SETUP_ACTIVE},
                 {"a=setup:passive\r\n", true, true, SDP_SETUP_PASSIVE},
                 {"a=setup:holdconn\r\n", false, false, SDP_SETUP_HOLDCONN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int offer = 0; offer < 2; offer++) {
            struct transport_desc d;
            sotto_error err;
            char text[1024];
            bool fine = offer ? cases[i].in_offer : cases[i].in_answer;
            snprintf(text, sizeof text, TOP DATA UFRAG PWD PRINT "%s", cases[i].line);
            int r = read_desc(text, 0, offer, &d, &err);
            if (r != (fine ? 0 : SOTTO_E_SDP)) fail_msg("%s in %d", cases[i].line, offer);
            if (fine) assert_int_equal(d.setup, cases[i].setup);
            if (!fine) assert_non_null(strstr(err.reason, "a=setup"));
        }
    }
}

/* ---- ICE ---- */

static void desc_says_how_candidates_come(void **state)
{
    (void)state;
    static const struct {
        const char *session, *media;
        bool trickle, lite, done;
    } cases[] = {
        {"", "", false, false, true},
        {"a=ice-options:trickle\r\n", "", true, false, false},
        {"", "a=ice-options:ice2 trickle\r\n", true, false, false},
        {"", "a=ice-options:trickles\r\n", false, false, true},
        {"a=ice-options:trickle\r\n", "a=end-of-candidates\r\n", true, false, true},
        {"a=ice-options:trickle\r\na=end-of-candidates\r\n", "", true, false, true},
        {"a=ice-lite\r\n", "", false, true, true},
        {"", "a=ice-lite\r\n", false, false, true}, /* RFC 8839 §5.3: a session's attribute */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct transport_desc d;
        sotto_error err;
        char text[1024];
        snprintf(text, sizeof text, TOP "%s" DATA ANSWER_KEYS "%s", cases[i].session,
                 cases[i].media);
        assert_int_equal(read_desc(text, 0, false, &d, &err), 0);
        if (d.trickle != cases[i].trickle || d.lite != cases[i].lite || d.done != cases[i].done)
            fail_msg("case %zu: %d %d %d", i, d.trickle, d.lite, d.done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(desc_holds_what_the_transport_needs),
        cmocka_unit_test(desc_is_of_the_section_else_its_group_else_the_session),
        cmocka_unit_test(desc_is_of_its_own_group_among_several),
        cmocka_unit_test(desc_of_a_rejected_tagged_section_serves_its_group),
        cmocka_unit_test(desc_takes_a_set_of_fingerprints_if_one_is_strong),
        cmocka_unit_test(desc_holds_8_fingerprints),
        cmocka_unit_test(desc_refuses_what_the_parser_would_have),
        cmocka_unit_test(desc_takes_credentials_up_to_256),
        cmocka_unit_test(desc_knows_which_roles_may_stand_where),
        cmocka_unit_test(desc_says_how_candidates_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
