/* SPDX-License-Identifier: BSD-2-Clause */
/* URLs of STUN and TURN servers: RFC 7064 §3.1, RFC 7065 §3.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/ice_url.h"

static const struct row {
    const char *text;
    int want;
    enum ice_scheme scheme;
    bool is_tcp;
    const char *host;
    uint8_t family;
    uint16_t port;
} rows[] = {
    /* the examples of the two RFCs */
    {"stun:example.org", 0, ICE_URL_STUN, false, "example.org", 0, 3478},
    {"stuns:example.org", 0, ICE_URL_STUNS, true, "example.org", 0, 5349},
    {"stun:example.org:8000", 0, ICE_URL_STUN, false, "example.org", 0, 8000},
    {"turn:example.org", 0, ICE_URL_TURN, false, "example.org", 0, 3478},
    {"turns:example.org", 0, ICE_URL_TURNS, true, "example.org", 0, 5349},
    {"turn:example.org:8000", 0, ICE_URL_TURN, false, "example.org", 0, 8000},
    {"turn:example.org?transport=udp", 0, ICE_URL_TURN, false, "example.org", 0, 3478},
    {"turn:example.org?transport=tcp", 0, ICE_URL_TURN, true, "example.org", 0, 3478},
    {"turns:example.org?transport=tcp", 0, ICE_URL_TURNS, true, "example.org", 0, 5349},
    /* addresses */
    {"stun:192.0.2.1", 0, ICE_URL_STUN, false, "192.0.2.1", 4, 3478},
    {"turns:192.0.2.1:443", 0, ICE_URL_TURNS, true, "192.0.2.1", 4, 443},
    {"stun:[2001:db8::1]", 0, ICE_URL_STUN, false, "2001:db8::1", 6, 3478},
    {"turns:[2001:db8::1]:443?transport=tcp", 0, ICE_URL_TURNS, true, "2001:db8::1", 6, 443},
    {"turn:[::ffff:192.0.2.1]:1", 0, ICE_URL_TURN, false, "::ffff:192.0.2.1", 6, 1},
    /* either case */
    {"STUN:Example.ORG", 0, ICE_URL_STUN, false, "Example.ORG", 0, 3478},
    {"TurnS:a?TRANSPORT=TCP", 0, ICE_URL_TURNS, true, "a", 0, 5349},
    {"turn:localhost:65535?transport=UDP", 0, ICE_URL_TURN, false, "localhost", 0, 65535},
    {"turn:xn--bcher-kva.example", 0, ICE_URL_TURN, false, "xn--bcher-kva.example", 0, 3478},
    /* what has no meaning here */
    {"turns:example.org?transport=udp", SOTTO_E_UNSUPPORTED},
    {"turn:example.org?transport=sctp", SOTTO_E_UNSUPPORTED},
    {"turn:example.org?transport=x-a.b_c~d", SOTTO_E_UNSUPPORTED},
    /* the grammar */
    {"", SOTTO_E_SYNTAX},
    {"stun", SOTTO_E_SYNTAX},
    {"stun:", SOTTO_E_SYNTAX},
    {":example.org", SOTTO_E_SYNTAX},
    {"http:example.org", SOTTO_E_SYNTAX},
    {"stunx:example.org", SOTTO_E_SYNTAX},
    {" stun:example.org", SOTTO_E_SYNTAX},
    {"stun:example.org ", SOTTO_E_SYNTAX},
    {"stun://example.org", SOTTO_E_SYNTAX},
    {"stun:example.org/", SOTTO_E_SYNTAX},
    {"stun:user@example.org", SOTTO_E_SYNTAX},
    {"stun:example.org#x", SOTTO_E_SYNTAX},
    {"stun:example.org?transport=udp", SOTTO_E_SYNTAX}, /* RFC 7064 has none */
    {"stuns:example.org?transport=tcp", SOTTO_E_SYNTAX},
    {"stun:example.org?", SOTTO_E_SYNTAX},
    {"turn:example.org?", SOTTO_E_SYNTAX},
    {"turn:example.org?transport", SOTTO_E_SYNTAX},
    {"turn:example.org?transport=", SOTTO_E_SYNTAX},
    {"turn:example.org?transport=u dp", SOTTO_E_SYNTAX},
    {"turn:example.org?transport=udp&x=1", SOTTO_E_SYNTAX},
    {"turn:example.org?transport=udp?transport=tcp", SOTTO_E_SYNTAX},
    {"turn:example.org?x=udp", SOTTO_E_SYNTAX},
    {"turn:?transport=udp", SOTTO_E_SYNTAX},
    {"stun:example.org:", SOTTO_E_SYNTAX},
    {"stun:example.org:0", SOTTO_E_SYNTAX},
    {"stun:example.org:65536", SOTTO_E_SYNTAX},
    {"stun:example.org:-1", SOTTO_E_SYNTAX},
    {"stun:example.org:+1", SOTTO_E_SYNTAX},
    {"stun:example.org:1:2", SOTTO_E_SYNTAX},
    {"stun:example.org:99999999999999999999999", SOTTO_E_SYNTAX},
    {"stun::3478", SOTTO_E_SYNTAX},
    {"stun:2001:db8::1", SOTTO_E_SYNTAX},
    {"stun:[2001:db8::1", SOTTO_E_SYNTAX},
    {"stun:[]", SOTTO_E_SYNTAX},
    {"stun:[2001:db8::1]3478", SOTTO_E_SYNTAX},
    {"stun:[2001:db8::1]:", SOTTO_E_SYNTAX},
    {"stun:[2001:db8::1]x:3478", SOTTO_E_SYNTAX},
    {"stun:[192.0.2.1]", SOTTO_E_SYNTAX},
    {"stun:[v1.x]", SOTTO_E_SYNTAX},
    {"stun:[fe80::1%eth0]", SOTTO_E_SYNTAX},
    {"stun:[fe80::1%25eth0]", SOTTO_E_SYNTAX},
    /* names that no resolver takes, or takes for something else */
    {"stun:127.1", SOTTO_E_SYNTAX},
    {"stun:2130706433", SOTTO_E_SYNTAX},
    {"stun:0x7f000001", SOTTO_E_SYNTAX},
    {"stun:256.0.0.1", SOTTO_E_SYNTAX},
    {"stun:a..b", SOTTO_E_SYNTAX},
    {"stun:.a", SOTTO_E_SYNTAX},
    {"stun:b\xc3\xbc"
     "cher.example",
     SOTTO_E_SYNTAX},
    {"stun:b%C3%BCcher.example", SOTTO_E_SYNTAX},
};

static void urls_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct ice_url url, untouched;
        memset(&url, 0x5a, sizeof url);
        memcpy(&untouched, &url, sizeof url);
        int got = sotto__ice_url_parse(sotto__str(r->text), &url);
        if (got != r->want) fail_msg("%s: %d", r->text, got);
        if (got < 0) {
            assert_memory_equal(&url, &untouched, sizeof url);
            continue;
        }
        bool same = url.scheme == r->scheme && url.is_tcp == r->is_tcp &&
                    url.addr.family == r->family && url.addr.port == r->port &&
                    sotto__str_eq(url.host, sotto__str(r->host));
        if (!same) fail_msg("%s is read as something else", r->text);
    }
}

static void the_address_is_the_one_that_is_written(void **state)
{
    (void)state;
    struct ice_url url;
    assert_int_equal(sotto__ice_url_parse(STR("turns:[2001:db8::5]:9"), &url), 0);
    assert_memory_equal(url.addr.ip, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05", 16);
    assert_int_equal(sotto__ice_url_parse(STR("turn:198.51.100.7"), &url), 0);
    assert_memory_equal(url.addr.ip, "\xc6\x33\x64\x07", 4);
}

static void a_name_has_at_most_255_bytes(void **state)
{
    (void)state;
    char text[5 + 256 + 1] = "stun:";
    struct ice_url url;
    for (size_t i = 0; i < 256; i++) text[5 + i] = i % 64 == 63 ? '.' : 'a';
    text[5 + 255] = '\0';
    assert_int_equal(sotto__ice_url_parse(sotto__str(text), &url), 0);
    assert_int_equal(url.host.n, 255);
    text[5 + 127] = 'a'; /* a label of more than 63 */
    assert_int_equal(sotto__ice_url_parse(sotto__str(text), &url), SOTTO_E_SYNTAX);
    text[5 + 127] = '.';
    text[5 + 255] = 'a'; /* a name of 256 */
    assert_int_equal(sotto__ice_url_parse(sotto__str(text), &url), SOTTO_E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(the_address_is_the_one_that_is_written),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
    };
    return cmocka_run_group_tests_name("ice_url", tests, NULL, NULL);
}
