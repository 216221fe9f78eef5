/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of the attributes of session and transport, good and bad, and the table by which the parser checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "wire/sdp_attr.h"

#define HEX20 "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33"
#define HEX32 HEX20 ":44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"

static void fingerprint_reads_hash_and_bytes(void **state)
{
    (void)state;
    struct sdp_fingerprint f;
    assert_int_equal(sotto__sdp_fingerprint(STR("SHA-256 " HEX32), &f), 0);
    assert_string_equal(f.hash, "sha-256");
    assert_int_equal(f.n_bytes, 32);
    for (size_t i = 0; i < 32; i++) assert_int_equal(f.bytes[i], (i % 16) * 0x11);
    assert_int_equal(sotto__sdp_fingerprint(STR("sha-1 " HEX20), &f), 0);
    assert_int_equal(f.n_bytes, 20);
    assert_int_equal(sotto__sdp_fingerprint(STR("sha-512 " HEX32 ":" HEX32), &f), 0);
    assert_int_equal(f.n_bytes, 64);
}

static void
fingerprint_of_an_unknown_hash_is_read_so_that_a_known_one_beside_it_counts(void **state)
{
    (void)state;
    struct sdp_fingerprint f;
    assert_int_equal(sotto__sdp_fingerprint(STR("shake-999 AB:CD"), &f), 0);
    assert_string_equal(f.hash, "shake-999");
    assert_int_equal(f.n_bytes, 2);
}

static void fingerprint_of_a_known_hash_has_its_number_of_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *hash;
        size_t n;
    } known[] = {{"md2", 16},     {"md5", 16},     {"sha-1", 20},   {"sha-224", 28},
                 {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}, {"other", 0}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        for (size_t n = 1; n <= 65; n++) {
            struct sdp_fingerprint f;
            char text[256];
            int used = snprintf(text, sizeof text, "%s A0", known[i].hash);
            for (size_t k = 1; k < n; k++)
                used += snprintf(text + used, sizeof text - (size_t)used, ":%02zx", k);
            int want = n <= 64 && (known[i].n == 0 || known[i].n == n) ? 0 : SOTTO_E_SYNTAX;
            if (sotto__sdp_fingerprint(sotto__str(text), &f) != want)
                fail_msg("%s of %zu", known[i].hash, n);
            if (want == 0) assert_int_equal(f.bytes[n - 1], n == 1 ? 0xa0 : n - 1);
        }
    }
}

static void fingerprint_refuses_bad_hex_and_wrong_lengths(void **state) /* H008 */
{
    (void)state;
    static const char *const bad[] = {"",
                                      "sha-256",
                                      "sha-256 ",
                                      " " HEX32,
                                      "sha-256 " HEX20,
                                      "sha-256 " HEX32 ":",
                                      "sha-256 :" HEX32,
                                      "sha-256 " HEX32 ":00",
                                      "sha-256 " HEX32 " x",
                                      "sha-1 " HEX32,
                                      "md5 " HEX20,
                                      "x A",
                                      "x AAA",
                                      "x AA:",
                                      "x AA:B",
                                      "x AA-BB",
                                      "x AABB",
                                      "x GG",
                                      "x -1",
                                      "x AA::BB",
                                      "(x) AA",
                                      "a-name-of-16-ch. AA",
                                      "sha-256:" HEX32,
                                      "x " HEX32 ":" HEX32 ":00"};
    struct sdp_fingerprint f = {.n_bytes = 99};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (sotto__sdp_fingerprint(sotto__str(bad[i]), &f) != SOTTO_E_SYNTAX)
            fail_msg("%s", bad[i]);
    assert_int_equal(f.n_bytes, 99);
}

static void setup_knows_four_roles(void **state)
{
    (void)state;
    enum sdp_setup setup;
    assert_int_equal(sotto__sdp_setup(STR("actpass"), &setup), 0);
    assert_int_equal(setup, SDP_SETUP_ACTPASS);
    assert_int_equal(sotto__sdp_setup(STR("active"), &setup), 0);
    assert_int_equal(setup, SDP_SETUP_ACTIVE);
    assert_int_equal(sotto__sdp_setup(STR("Passive"), &setup), 0);
    assert_int_equal(setup, SDP_SETUP_PASSIVE);
    assert_int_equal(sotto__sdp_setup(STR("holdconn"), &setup), 0);
    assert_int_equal(setup, SDP_SETUP_HOLDCONN);
    static const char *const bad[] = {"", "act", "active ", "actpass passive", "none"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (sotto__sdp_setup(sotto__str(bad[i]), &setup) != SOTTO_E_SYNTAX) fail_msg("%s", bad[i]);
}

static void tls_id_is_20_to_255_of_its_characters(void **state) /* RFC 8842 §4 */
{
    (void)state;
    char text[257];
    struct str id;
    for (size_t n = 0; n <= 256; n++) {
        memset(text, 'a', n);
        int want = n >= 20 && n <= 255 ? 0 : SOTTO_E_SYNTAX;
        if (sotto__sdp_tls_id((struct str){text, n}, &id) != want) fail_msg("%zu bytes", n);
    }
    for (int c = 0; c < 256; c++) {
        bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '+' || c == '/' || c == '-' || c == '_';
        memset(text, 'Z', 20);
        text[19] = (char)c;
        if ((sotto__sdp_tls_id((struct str){text, 20}, &id) == 0) != fine) fail_msg("byte %d", c);
    }
    assert_int_equal(sotto__sdp_tls_id(STR("abcdefghijklmnop+/-_"), &id), 0);
    assert_true(sotto__str_eq(id, STR("abcdefghijklmnop+/-_")));
}

static void group_lists_its_mids(void **state)
{
    (void)state;
    struct sdp_group g;
    assert_int_equal(sotto__sdp_group(STR("BUNDLE 0 audio_1 2"), &g), 0);
    assert_true(sotto__str_eq(g.semantics, STR("BUNDLE")));
    assert_int_equal(g.n_mids, 3);
    assert_true(sotto__str_eq(g.mids[1], STR("audio_1")));
    assert_int_equal(sotto__sdp_group(STR("BUNDLE"), &g), 0);
    assert_int_equal(g.n_mids, 0);
    assert_int_equal(sotto__sdp_group(STR(""), &g), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_group(STR("BUNDLE (0)"), &g), SOTTO_E_SYNTAX);
    assert_int_equal(sotto__sdp_group(STR("BUN:DLE 0"), &g), SOTTO_E_SYNTAX);
}

static void group_of_65_mids_is_a_limit_error(void **state)
{
    (void)state;
    struct sdp_group g;
    char text[2 + 2 * (SOTTO_MAX_SDP_MEDIA + 1)] = "X";
    for (size_t i = 0; i <= SOTTO_MAX_SDP_MEDIA; i++) text[1 + 2 * i] = ' ', text[2 + 2 * i] = 'm';
    assert_int_equal(sotto__sdp_group((struct str){text, 1 + 2 * SOTTO_MAX_SDP_MEDIA}, &g), 0);
    assert_int_equal(g.n_mids, SOTTO_MAX_SDP_MEDIA);
    assert_int_equal(sotto__sdp_group((struct str){text, 3 + 2 * SOTTO_MAX_SDP_MEDIA}, &g),
                     SOTTO_E_LIMIT);
}

static void sctp_port_is_1_to_65535(void **state)
{
    (void)state;
    uint16_t port;
    assert_int_equal(sotto__sdp_sctp_port(STR("1"), &port), 0);
    assert_int_equal(port, 1);
    assert_int_equal(sotto__sdp_sctp_port(STR("65535"), &port), 0);
    assert_int_equal(port, 65535);
    static const char *const bad[] = {"", "0", "65536", "-1", "5000 ", "0x10", "70536"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (sotto__sdp_sctp_port(sotto__str(bad[i]), &port) != SOTTO_E_SYNTAX)
            fail_msg("%s", bad[i]);
}

/* proves: H020 */
static void max_message_size_clamps_what_is_too_large_or_negative(void **state) /* H020 */
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t want;
    } cases[] = {
        {"0", 0},
        {"262144", 262144},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709551616", UINT64_MAX},
        {"999999999999999999999999999999999999", UINT64_MAX},
        {"000000000000000000000000000065536", 65536},
        {"000000000000000000000000000000000", 0},
        {"-1", SOTTO_DEFAULT_REMOTE_MESSAGE},
        {"-18446744073709551616", SOTTO_DEFAULT_REMOTE_MESSAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t size = 7;
        assert_int_equal(sotto__sdp_max_message_size(sotto__str(cases[i].text), &size), 0);
        if (size != cases[i].want) fail_msg("%s", cases[i].text);
    }
    static const char *const bad[] = {"", "-", "x", "1x", "--1", "+1", "1e9", " 1", "1 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t size;
        if (sotto__sdp_max_message_size(sotto__str(bad[i]), &size) != SOTTO_E_SYNTAX)
            fail_msg("%s", bad[i]);
    }
}

static void ice_credentials_are_ice_chars_within_their_lengths(void **state) /* SDP-24 */
{
    (void)state;
    char text[258];
    struct str out;
    memset(text, '+', sizeof text);
    for (size_t n = 0; n < sizeof text; n++) {
        struct str s = {text, n};
        assert_int_equal(sotto__sdp_ice_ufrag(s, &out), n >= 4 && n <= 256 ? 0 : SOTTO_E_SYNTAX);
        assert_int_equal(sotto__sdp_ice_pwd(s, &out), n >= 22 && n <= 256 ? 0 : SOTTO_E_SYNTAX);
    }
    for (int c = 0; c < 256; c++) {
        text[3] = (char)c;
        bool fine = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    c == '+' || c == '/';
        assert_int_equal(sotto__sdp_ice_ufrag((struct str){text, 8}, &out),
                         fine ? 0 : SOTTO_E_SYNTAX);
        assert_int_equal(sotto__sdp_ice_pwd((struct str){text, 30}, &out),
                         fine ? 0 : SOTTO_E_SYNTAX);
    }
}

static void ice_option_is_found_as_a_whole_word(void **state)
{
    (void)state;
    assert_true(sotto__sdp_ice_option(STR("trickle"), "trickle"));
    assert_true(sotto__sdp_ice_option(STR("ice2 trickle renomination"), "trickle"));
    assert_false(sotto__sdp_ice_option(STR("trickles xtrickle"), "trickle"));
    assert_false(sotto__sdp_ice_option(STR(""), "trickle"));
}

static void token_is_rfc_8866s(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[2] = {'x', (char)c};
        bool fine = c == 0x21 || (c >= 0x23 && c <= 0x27) || c == 0x2a || c == 0x2b || c == 0x2d ||
                    c == 0x2e || (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) ||
                    (c >= 0x5e && c <= 0x7e);
        if (sotto__sdp_is_token((struct str){text, 2}) != fine) fail_msg("byte %d", c);
    }
    assert_false(sotto__sdp_is_token(STR("")));
}

static void attr_check_knows_which_attributes_are_required(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bad;
        bool required;
    } cases[] = {
        {"fingerprint", "x", true}, {"setup", "x", true},
        {"group", "", true},        {"mid", "", true},
        {"ice-ufrag", "x", true},   {"ice-pwd", "x", true},
        {"sctp-port", "x", true},   {"max-message-size", "x", true},
        {"candidate", "x", false},  {"rtpmap", "x", false},
        {"fmtp", "", false},        {"rtcp-fb", "x", false},
        {"extmap", "x", false},     {"rid", "x", false},
        {"simulcast", "x", false},  {"ssrc", "x", false},
        {"ssrc-group", "x", false}, {"msid", "(", false},
        {"tls-id", "x", true},      {"ptime", "x", false},
        {"maxptime", "x", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why = NULL;
        struct str name = sotto__str(cases[i].name);
        assert_int_equal(sotto__sdp_attr_check(name, sotto__str(cases[i].bad), &why),
                         SOTTO_E_SYNTAX);
        assert_non_null(why);
        assert_int_equal(sotto__sdp_attr_check(name, (struct str){0}, &why), SOTTO_E_SYNTAX); /* no value at all */
        if (sotto__sdp_attr_required(name) != cases[i].required) fail_msg("%s", cases[i].name);
    }
    const char *why = NULL;
    assert_int_equal(sotto__sdp_attr_check(STR("x-unknown"), STR("\xff"), &why), 0);
    assert_int_equal(sotto__sdp_attr_check(STR("Setup"), STR("x"), &why), 0); /* names are case-sensitive */
    assert_false(sotto__sdp_attr_required(STR("x-unknown")));
    assert_null(why);
}

static void attr_check_bounds_a_candidate(void **state)
{
    (void)state;
    const char *why;
    char text[600] = "1 1 UDP 1 10.0.0.1 9 typ host x ";
    size_t n = strlen(text);
    memset(text + n, 'y', sizeof text - n);
    assert_int_equal(sotto__sdp_attr_check(STR("candidate"), (struct str){text, 502}, &why), 0);
    assert_int_equal(sotto__sdp_attr_check(STR("candidate"), (struct str){text, 503}, &why),
                     SOTTO_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprint_reads_hash_and_bytes),
        cmocka_unit_test(
            fingerprint_of_an_unknown_hash_is_read_so_that_a_known_one_beside_it_counts),
        cmocka_unit_test(fingerprint_of_a_known_hash_has_its_number_of_bytes),
        cmocka_unit_test(fingerprint_refuses_bad_hex_and_wrong_lengths),
        cmocka_unit_test(setup_knows_four_roles),
        cmocka_unit_test(tls_id_is_20_to_255_of_its_characters),
        cmocka_unit_test(group_lists_its_mids),
        cmocka_unit_test(group_of_65_mids_is_a_limit_error),
        cmocka_unit_test(sctp_port_is_1_to_65535),
        cmocka_unit_test(max_message_size_clamps_what_is_too_large_or_negative),
        cmocka_unit_test(ice_credentials_are_ice_chars_within_their_lengths),
        cmocka_unit_test(ice_option_is_found_as_a_whole_word),
        cmocka_unit_test(token_is_rfc_8866s),
        cmocka_unit_test(attr_check_knows_which_attributes_are_required),
        cmocka_unit_test(attr_check_bounds_a_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
