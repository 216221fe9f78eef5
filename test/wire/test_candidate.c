/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Candidate lines and addresses: what is accepted, what is refused (the attacks H030 to H037 of the security list), and
 * what comes back when it is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "sotto/pc.h"
#include "util/mem.h"
#include "wire/candidate.h"

static int parse(const char *text, struct candidate *ret)
{
    return sotto__candidate_parse(sotto__str(text), ret, NULL);
}

static void assert_written(const struct candidate *c, const char *want)
{
    struct buf out;
    sotto__buf_init(&out, 4096);
    sotto__candidate_write(c, &out);
    char *text = sotto__buf_take_string(&out);
    assert_non_null(text);
    assert_string_equal(text, want);
    sotto__free(text);
}

/* proves: ICE-20 */
static void candidate_fills_every_field(void **state)
{
    (void)state;
    struct candidate c;
    char text[46];
    assert_int_equal(
        parse(
            "candidate:a+/9 256 TCP 2147483647 2001:db8::1 65535 typ srflx raddr 10.0.0.1 rport 0 "
            "tcptype so generation 0 ufrag abcd network-id 1",
            &c),
        0);
    assert_string_equal(c.foundation, "a+/9");
    assert_int_equal(c.component, 256);
    assert_true(c.is_tcp);
    assert_int_equal(c.priority, 2147483647);
    assert_int_equal(c.addr.family, 6);
    assert_string_equal(sotto__address_text(&c.addr, text), "2001:db8::1");
    assert_int_equal(c.addr.port, 65535);
    assert_int_equal(c.type, CANDIDATE_SRFLX);
    assert_int_equal(c.tcp, CANDIDATE_TCP_SO);
    assert_int_equal(c.related.family, 4);
    assert_string_equal(sotto__address_text(&c.related, text), "10.0.0.1");
    assert_int_equal(c.related.port, 0);
    assert_string_equal(c.ufrag, "abcd");
    assert_string_equal(c.name, "");
}

/* proves: H033 */
static void candidate_keeps_a_host_name_and_does_not_resolve_it(void **state)
{
    (void)state;
    struct candidate c;
    assert_int_equal(parse("candidate:1 1 udp 1 a0b1-c2.local 9 typ host", &c), 0);
    assert_int_equal(c.addr.family, 0);
    assert_int_equal(c.addr.port, 9);
    assert_string_equal(c.name, "a0b1-c2.local");
}

/* Each line as browsers and others write it, and as we write it again. */
static void candidate_survives_a_round_trip(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host generation 0 network-id 1 "
         "network-cost 999",
         "candidate:1 1 UDP 2130706431 192.0.2.1 5000 typ host"},
        {"a=candidate:1 1 UDP 1 2001:DB8::1 9 typ host",
         "candidate:1 1 UDP 1 2001:db8::1 9 typ host"},
        {"candidate:2 1 tcp 1 10.0.0.1 9 typ host tcptype active",
         "candidate:2 1 TCP 1 10.0.0.1 9 typ host tcptype active"},
        {"candidate:2 1 tcp 1 10.0.0.1 9 typ host tcptype passive",
         "candidate:2 1 TCP 1 10.0.0.1 9 typ host tcptype passive"},
        {"candidate:s 1 UDP 1 192.0.2.1 9 typ srflx raddr 10.0.0.1 rport 7",
         "candidate:s 1 UDP 1 192.0.2.1 9 typ srflx raddr 10.0.0.1 rport 7"},
        {"candidate:r 1 UDP 1 192.0.2.1 9 typ relay",
         "candidate:r 1 UDP 1 192.0.2.1 9 typ relay raddr 0.0.0.0 rport 0"},
        {"candidate:r 1 UDP 1 192.0.2.1 9 typ relay raddr :: rport 9",
         "candidate:r 1 UDP 1 192.0.2.1 9 typ relay raddr 0.0.0.0 rport 0"},
        {"candidate:r 1 UDP 1 192.0.2.1 9 typ srflx raddr x.local rport 9",
         "candidate:r 1 UDP 1 192.0.2.1 9 typ srflx raddr 0.0.0.0 rport 0"},
        {"candidate:p 1 UDP 1 192.0.2.1 9 typ prflx", "candidate:p 1 UDP 1 192.0.2.1 9 typ prflx"},
        {"CANDIDATE", NULL},
        {"candidate:1 1 UdP 1 x.local 9 TYP HOST ufrag abcd",
         "candidate:1 1 UDP 1 x.local 9 typ host ufrag abcd"},
        {"candidate:AZaz09+/ 1 UDP 1 AZaz09-.x 1 typ host",
         "candidate:AZaz09+/ 1 UDP 1 AZaz09-.x 1 typ host"},
        {"candidate:1 1 UDP 1 a 9 typ host", "candidate:1 1 UDP 1 a 9 typ host"},
        {"candidate:1  1 UDP 1 10.0.0.1  9 typ host   a  b  ",
         "candidate:1 1 UDP 1 10.0.0.1 9 typ host"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct candidate c, again;
        int r = parse(cases[i].in, &c);
        assert_int_equal(r, cases[i].out ? 0 : SOTTO_E_SYNTAX);
        if (r < 0) continue;
        assert_written(&c, cases[i].out);
        assert_int_equal(parse(cases[i].out, &again), 0);
        assert_written(&again, cases[i].out);
    }
}

static void assert_refused(const char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct candidate c;
        memset(&c, 0x5a, sizeof c);
        sotto_error err = {.size = sizeof err};
        int r = sotto__candidate_parse(sotto__str(lines[i]), &c, &err);
        if (r != SOTTO_E_SYNTAX) fail_msg("\"%s\": %d", lines[i], r);
        if (err.code != r || !err.reason[0]) fail_msg("\"%s\": no reason", lines[i]);
        for (size_t k = 0; k < sizeof c; k++)
            if (((uint8_t *)&c)[k] != 0x5a) fail_msg("\"%s\": wrote its output", lines[i]);
    }
}
#define ASSERT_REFUSED(...)                                                                        \
    do {                                                                                           \
        static const char *const lines[] = {__VA_ARGS__};                                          \
        assert_refused(lines, sizeof lines / sizeof *lines);                                       \
    } while (0)

/* proves: H030 ICE-20 */
static void candidate_refuses_numbers_outside_their_range(void **state) /* H030 */
{
    (void)state;
    ASSERT_REFUSED(
        "candidate:1 1 UDP 1 10.0.0.1 0 typ host", "candidate:1 1 UDP 1 10.0.0.1 -1 typ host",
        "candidate:1 1 UDP 1 10.0.0.1 65536 typ host",
        "candidate:1 1 UDP 1 10.0.0.1 99999 typ host",
        "candidate:1 1 UDP 1 10.0.0.1 000009 typ host", "candidate:1 1 UDP 1 10.0.0.1 +9 typ host",
        "candidate:1 1 UDP 0 10.0.0.1 9 typ host",
        "candidate:1 1 UDP 2147483648 10.0.0.1 9 typ host",
        "candidate:1 1 UDP 4294967297 10.0.0.1 9 typ host",
        "candidate:1 1 UDP 99999999999 10.0.0.1 9 typ host",
        "candidate:1 1 UDP 00000000001 10.0.0.1 9 typ host",
        "candidate:1 1 UDP -1 10.0.0.1 9 typ host", "candidate:1 0 UDP 1 10.0.0.1 9 typ host",
        "candidate:1 257 UDP 1 10.0.0.1 9 typ host", "candidate:1 999 UDP 1 10.0.0.1 9 typ host",
        "candidate:1 0001 UDP 1 10.0.0.1 9 typ host",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ srflx raddr 10.0.0.1 rport 65536",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ srflx raddr 10.0.0.1 rport x");
}

/* proves: H030 ICE-20 */
static void candidate_refuses_long_and_foreign_foundations(void **state) /* H030 */
{
    (void)state;
    struct candidate c;
    assert_int_equal(
        parse("candidate:12345678901234567890123456789012 1 UDP 1 10.0.0.1 9 typ host", &c), 0);
    assert_int_equal(strlen(c.foundation), 32);
    ASSERT_REFUSED("candidate:123456789012345678901234567890123 1 UDP 1 10.0.0.1 9 typ host",
                   "candidate: 1 UDP 1 10.0.0.1 9 typ host",
                   "candidate:a-b 1 UDP 1 10.0.0.1 9 typ host",
                   "candidate:%n%s 1 UDP 1 10.0.0.1 9 typ host");
}

/* proves: H032 */
static void candidate_refuses_what_is_no_address(void **state) /* H032 */
{
    (void)state;
    char line[400];
    ASSERT_REFUSED(
        "candidate:1 1 UDP 1 fe80::1%eth0 9 typ host",
        "candidate:1 1 UDP 1 fe80::1%25eth0 9 typ host",
        "candidate:1 1 UDP 1 10.0.0.1%1 9 typ host", "candidate:1 1 UDP 1 [2001:db8::1] 9 typ host",
        "candidate:1 1 UDP 1 1:2:3:4:5:6:7:8:9 9 typ host",
        "candidate:1 1 UDP 1 10.0.0.256 9 typ host", "candidate:1 1 UDP 1 10.1 9 typ host",
        "candidate:1 1 UDP 1 2130706433 9 typ host", "candidate:1 1 UDP 1 0x7f.1 9 typ host",
        "candidate:1 1 UDP 1 0x7f000001 9 typ host", "candidate:1 1 UDP 1 010.0.0.1 9 typ host",
        "candidate:1 1 UDP 1 x.0x7f 9 typ host", "candidate:1 1 UDP 1 a_b.local 9 typ host",
        "candidate:1 1 UDP 1 a.9 9 typ host", "candidate:1 1 UDP 1 a.0 9 typ host",
        "candidate:1 1 UDP 1 a..local 9 typ host", "candidate:1 1 UDP 1 .local 9 typ host",
        "candidate:1 1 UDP 1 a.local. 9 typ host", "candidate:1 1 UDP 1 a/b 9 typ host",
        "candidate:1 1 UDP 1 ::1%lo.local 9 typ host",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ srflx raddr fe80::1%eth0 rport 9",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ srflx raddr 10.1 rport 9");
    snprintf(line, sizeof line, "candidate:1 1 UDP 1 %0300d.local 9 typ host", 0);
    ASSERT_REFUSED("candidate:1 1 UDP 1  9 typ host");
    struct candidate c;
    assert_int_equal(parse(line, &c), SOTTO_E_SYNTAX);
}

/* proves: H032 */
static void candidate_takes_a_name_of_255_bytes_and_not_of_256(void **state)
{
    (void)state;
    static const char label[] =
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"; /* 63 */
    struct candidate c;
    char line[400];
    snprintf(line, sizeof line, "candidate:1 1 UDP 1 %s.%s.%s.%s 9 typ host", label, label, label,
             label);
    assert_int_equal(parse(line, &c), 0);
    assert_int_equal(strlen(c.name), 255);
    snprintf(line, sizeof line, "candidate:1 1 UDP 1 %s.%s.%s.%.61s.a9 9 typ host", label, label,
             label, label);
    assert_int_equal(parse(line, &c), SOTTO_E_SYNTAX);
    snprintf(line, sizeof line, "candidate:1 1 UDP 1 x%s.local 9 typ host", label);
    assert_int_equal(parse(line, &c), SOTTO_E_SYNTAX);
}

/* proves: H036 */
static void candidate_refuses_tcp_without_tcptype(void **state) /* H036 */
{
    (void)state;
    ASSERT_REFUSED("candidate:1 1 TCP 1 10.0.0.1 9 typ host",
                   "candidate:1 1 TCP 1 10.0.0.1 9 typ host tcptype",
                   "candidate:1 1 TCP 1 10.0.0.1 9 typ host tcptype none",
                   "candidate:1 1 ssltcp 1 10.0.0.1 9 typ host tcptype passive");
}

/* proves: H037 */
static void candidate_follows_the_grammar_for_types_and_extensions(void **state) /* H037 */
{
    (void)state;
    struct candidate c;
    assert_int_equal(parse("candidate:1 1 UDP 1 10.0.0.1 9 typ relay", &c), 0);
    assert_int_equal(c.related.family, 0);
    assert_int_equal(parse("candidate:1 1 UDP 1 10.0.0.1 9 typ host tcptype nonsense", &c), 0);
    assert_int_equal(c.tcp, CANDIDATE_TCP_NONE);
    ASSERT_REFUSED(
        "candidate:1 1 UDP 1 10.0.0.1 9 typ unknown", "candidate:1 1 UDP 1 10.0.0.1 9 typ",
        "candidate:1 1 UDP 1 10.0.0.1 9 host", "candidate:1 1 UDP 1 10.0.0.1 9", "candidate:", "",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host junk",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host raddr 10.0.0.1 raddr 10.0.0.2",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host ufrag abcd ufrag abcd",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host ufrag abc",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host ufrag ab:cd", "1 1 UDP 1 10.0.0.1 9 typ host",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host\r\n", "candidate:1 1 UDP 1 10.0.0.1\t9 typ host",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host x \xc3\xbc",
        "candidate:1 1 UDP 1 10.0.0.1 9 typ host x \x7f");
}

/* proves: H037 */
static void candidate_refuses_a_nul_inside(void **state)
{
    (void)state;
    struct candidate c;
    assert_int_equal(
        sotto__candidate_parse(STR("candidate:1 1 UDP 1 10.0.0.1\0 9 typ host"), &c, NULL),
        SOTTO_E_SYNTAX);
    assert_int_equal(sotto__candidate_parse((struct str){NULL, 0}, &c, NULL), SOTTO_E_SYNTAX);
}

static void candidate_of_512_bytes_passes_and_of_513_is_a_limit_error(void **state)
{
    (void)state;
    struct candidate c;
    sotto_error err = {.size = sizeof err};
    char line[SOTTO_MAX_CANDIDATE + 2];
    int n = snprintf(line, sizeof line, "candidate:1 1 UDP 1 10.0.0.1 9 typ host x ");
    memset(line + n, 'y', sizeof line - (size_t)n);
    assert_int_equal(sotto__candidate_parse((struct str){line, SOTTO_MAX_CANDIDATE}, &c, &err), 0);
    assert_int_equal(sotto__candidate_parse((struct str){line, SOTTO_MAX_CANDIDATE + 1}, &c, &err),
                     SOTTO_E_LIMIT);
    assert_non_null(strstr(err.reason, "513"));
}

static void candidate_error_quotes_its_input_escaped(void **state) /* H025 */
{
    (void)state;
    struct candidate c;
    sotto_error err = {.size = sizeof err};
    assert_int_equal(sotto__candidate_parse(STR("candidate:\r\n%n\x1b[2J"), &c, &err),
                     SOTTO_E_SYNTAX);
    assert_non_null(strstr(err.reason, "\\x0d\\x0a%n\\x1b[2J"));
    for (const char *p = err.reason; *p; p++) assert_true(*p >= 0x20 && *p < 0x7f);
}

static void candidate_holds_the_longest_ufrag(void **state)
{
    (void)state;
    struct candidate c;
    char line[SOTTO_MAX_CANDIDATE];
    char ufrag[258];
    memset(ufrag, 'u', sizeof ufrag);
    ufrag[256] = '\0';
    snprintf(line, sizeof line, "candidate:1 1 UDP 1 10.0.0.1 9 typ host ufrag %s", ufrag);
    assert_int_equal(parse(line, &c), 0);
    assert_string_equal(c.ufrag, ufrag);
    ufrag[256] = 'u', ufrag[257] = '\0';
    snprintf(line, sizeof line, "candidate:1 1 UDP 1 10.0.0.1 9 typ host ufrag %s", ufrag);
    assert_int_equal(parse(line, &c), SOTTO_E_SYNTAX);
}

static void address_survives_a_round_trip_and_keeps_its_port(void **state)
{
    (void)state;
    static const char *const good[] = {"0.0.0.0",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "2001:db8::8:800:200c:417a",
                                       "::ffff:192.0.2.1",
                                       "1234:5678:9abc:def0:1234:5678:9abc:def0"};
    static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4 ",
        " ::1",
        ":::",
        "12345::",
        "g::",
        "fe80::1%lo",
        "[::1]",
        "1234:5678:9abc:def0:1234:5678:123.123.123.1234",
        "1234:5678:9abc:def0:1234:5678:9abc:def0:1234:5678:9abc:def0"};
    char text[46];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct address a = {.port = 7};
        assert_int_equal(sotto__address_parse(sotto__str(good[i]), &a), 0);
        assert_int_equal(a.port, 7);
        assert_string_equal(sotto__address_text(&a, text), good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct address a = {.family = 9};
        if (sotto__address_parse(sotto__str(bad[i]), &a) != SOTTO_E_SYNTAX) fail_msg("%s", bad[i]);
        assert_int_equal(a.family, 9);
    }
    struct address none = {0};
    assert_string_equal(sotto__address_text(&none, text), "");
    assert_int_equal(sotto__address_parse(STR("1.2.3.4\0x"), &none), SOTTO_E_SYNTAX);
}

static void address_eq_compares_family_port_and_the_bytes_in_use(void **state)
{
    (void)state;
    struct address a = {.family = 4, .ip = {1, 2, 3, 4}, .port = 5}, b = a;
    b.ip[4] = 9; /* behind an IPv4 address */
    assert_true(sotto__address_eq(&a, &b));
    b.family = 6;
    assert_false(sotto__address_eq(&a, &b));
    b = a, b.port = 6;
    assert_false(sotto__address_eq(&a, &b));
    b = a, b.ip[3] = 0;
    assert_false(sotto__address_eq(&a, &b));
    a.family = b.family = 6, b = a, b.ip[15] = 1;
    assert_false(sotto__address_eq(&a, &b));
}

static void private_addresses_are_those_of_one_network(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"9.255.255.255", false},    {"10.0.0.0", true},
        {"10.255.255.255", true},    {"11.0.0.0", false},
        {"100.63.255.255", false},   {"100.64.0.0", true},
        {"100.127.255.255", true},   {"100.128.0.0", false},
        {"127.0.0.1", true},         {"172.15.255.255", false},
        {"172.16.0.0", true},        {"172.31.255.255", true},
        {"172.32.0.0", false},       {"192.167.0.1", false},
        {"192.168.0.1", true},       {"192.169.0.1", false},
        {"8.8.8.8", false},          {"fc00::1", true},
        {"fdff::1", true},           {"fe00::1", false},
        {"2001:db8::1", false},      {"::1", true},
        {"169.253.0.1", false},      {"169.254.0.1", true},
        {"169.255.0.1", false},      {"fe7f::1", false},
        {"fe80::1", true},           {"feff::1", true},
        {"ff00::1", false},          {"64:ff9b::a01:203", true}, /* 10.1.2.3 behind NAT64 … */
        {"64:ff9b::808:808", false}, {"64:ff9b:1::808:808", true}, /* RFC 8215 */
        {"2002:a01:203::1", true},   {"2002:808:808::1", false}, /* … and 6to4 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a;
        assert_int_equal(sotto__address_parse(sotto__str(rows[i].text), &a), 0);
        if (sotto__address_is_private(&a) != rows[i].is) fail_msg("%s", rows[i].text);
    }
}

static void services_that_tell_clouds_secrets_are_no_peers(void **state) /* H031 */
{
    static const struct {
        const char *text;
        bool usable;
    } cases[] = {
        {"169.254.169.254", false}, {"100.100.100.200", false}, {"100.100.100.201", true},
        {"168.63.129.16", false},   {"168.63.129.17", true},    {"192.0.0.192", false},
        {"fd00:ec2::254", false},   {"fd00:ec2::1", false},     {"fd00:ec2:1::254", true},
        {"fd20:ce::254", false},    {"fd20:ce:1::254", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a = {.port = 80};
        assert_int_equal(sotto__address_parse(sotto__str(cases[i].text), &a), 0);
        for (int loopback = 0; loopback < 2; loopback++)
            if (sotto__address_usable(&a, loopback == 1) != cases[i].usable)
                fail_msg("%s", cases[i].text);
    }
}

/* proves: H031 H032 S19 */
static void address_is_usable_only_where_a_peer_can_be(void **state) /* H031, H032, F7 */
{
    (void)state;
    static const struct {
        const char *text;
        bool usable, with_loopback;
    } cases[] = {
        {"192.0.2.1", true, true},
        {"10.0.0.1", true, true},
        {"172.16.0.1", true, true},
        {"192.168.1.1", true, true},
        {"100.64.0.1", true, true},
        {"1.0.0.0", true, true},
        {"127.0.0.1", false, true},
        {"127.255.255.255", false, true},
        {"0.0.0.0", false, false},
        {"0.1.2.3", false, false},
        {"169.254.169.254", false, false},
        {"169.253.0.1", true, true},
        {"169.255.0.1", true, true},
        {"223.255.255.255", true, true},
        {"224.0.0.1", false, false},
        {"239.255.255.255", false, false},
        {"240.0.0.1", false, false},
        {"255.255.255.255", false, false},
        {"2001:db8::1", true, true},
        {"fd77::1", true, true},
        {"::1", false, true},
        {"::2", false, false},
        {"::", false, false},
        {"::127.0.0.1", false, false},
        {"fe80::1", false, false},
        {"febf::1", false, false},
        {"fec0::1", true, true},
        {"ff02::1", false, false},
        {"::ffff:192.0.2.1", false, false},
        {"::ffff:127.0.0.1", false, false},
        {"::fffe:1.2.3.4", true, true},
        {"::ff:1.2.3.4", true, true},
        {"::ff00:1.2.3.4", true, true},
        {"2001:db8::ff:0:1", true, true},
        {"2001:db8::ff00:0:1", true, true},
        {"2001:db8::ffff:1.2.3.4", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a = {.port = 9};
        assert_int_equal(sotto__address_parse(sotto__str(cases[i].text), &a), 0);
        if (sotto__address_usable(&a, false) != cases[i].usable) fail_msg("%s", cases[i].text);
        if (sotto__address_usable(&a, true) != cases[i].with_loopback)
            fail_msg("%s with loopback", cases[i].text);
        a.port = 0;
        assert_false(sotto__address_usable(&a, true));
    }
    struct address name = {.port = 9};
    assert_false(sotto__address_usable(&name, true));
}

/* NAT64, and 6to4: loopback is never reached so. */
/* proves: H031 */
static void address_behind_a_gateway_is_judged_by_its_ipv4(void **state)
{
    static const struct {
        const char *text;
        bool usable;
    } cases[] = {
        {"64:ff9b::192.0.2.1", true},        {"64:ff9b::169.254.169.254", false},
        {"64:ff9b::100.100.100.200", false}, {"64:ff9b::127.0.0.1", false},
        {"64:ff9b::224.0.0.1", false},       {"64:ff9b::", false},
        {"64:ff9b::1:127.0.0.1", true},      {"2002:c000:201::1", true},
        {"2002:a9fe:a9fe::1", false},        {"2002:7f00:1::1", false},
        {"2002:ffff:ffff::1", false},        {"2003:7f00:1::1", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address a = {.port = 9};
        assert_int_equal(sotto__address_parse(sotto__str(cases[i].text), &a), 0);
        for (int loopback = 0; loopback < 2; loopback++)
            if (sotto__address_usable(&a, loopback == 1) != cases[i].usable)
                fail_msg("%s", cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidate_fills_every_field),
        cmocka_unit_test(candidate_keeps_a_host_name_and_does_not_resolve_it),
        cmocka_unit_test(candidate_survives_a_round_trip),
        cmocka_unit_test(candidate_refuses_numbers_outside_their_range),
        cmocka_unit_test(candidate_refuses_long_and_foreign_foundations),
        cmocka_unit_test(candidate_refuses_what_is_no_address),
        cmocka_unit_test(candidate_takes_a_name_of_255_bytes_and_not_of_256),
        cmocka_unit_test(candidate_refuses_tcp_without_tcptype),
        cmocka_unit_test(candidate_follows_the_grammar_for_types_and_extensions),
        cmocka_unit_test(candidate_refuses_a_nul_inside),
        cmocka_unit_test(candidate_of_512_bytes_passes_and_of_513_is_a_limit_error),
        cmocka_unit_test(candidate_error_quotes_its_input_escaped),
        cmocka_unit_test(candidate_holds_the_longest_ufrag),
        cmocka_unit_test(address_survives_a_round_trip_and_keeps_its_port),
        cmocka_unit_test(address_eq_compares_family_port_and_the_bytes_in_use),
        cmocka_unit_test(private_addresses_are_those_of_one_network),
        cmocka_unit_test(services_that_tell_clouds_secrets_are_no_peers),
        cmocka_unit_test(address_is_usable_only_where_a_peer_can_be),
        cmocka_unit_test(address_behind_a_gateway_is_judged_by_its_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
