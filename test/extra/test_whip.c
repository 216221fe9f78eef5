/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parsers of the WHIP and WHEP client, and what can be wrong in a configuration. The whole client against a server: test/whip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "extra/whip_answer.h"
#include "extra/whip_frag.h"
#include "extra/whip_priv.h"
#include "extra/whip_url.h"
#include "util/mem.h"
#include "util/time.h"

static struct str text(const char *s)
{
    return sotto__str(s);
}

/* proves: S02 S33 A21 */
static void urls_are_https_or_of_this_host(void **state)
{
    static const struct {
        const char *url;
        int result;
    } cases[] = {
        {"https://example.com", 0},
        {"HTTPS://Example.COM:8443/whip?room=1#x", 0},
        {"https://192.0.2.1/", 0},
        {"https://[2001:db8::1]:443/x", 0},
        {"http://localhost/whip", 0},
        {"http://LOCALHOST:80", 0},
        {"http://127.1.2.3:1/", 0},
        {"http://[::1]:8080/", 0},
        {"http://example.com/", SOTTO_E_ACCESS},
        {"http://localhost.example.com/", SOTTO_E_ACCESS},
        {"http://127.0.0.1.example.com/", SOTTO_E_ACCESS},
        {"http://128.0.0.1/", SOTTO_E_ACCESS},
        {"http://0.0.0.0/", SOTTO_E_ACCESS},
        {"http://[::]/", SOTTO_E_ACCESS},
        {"http://[::ffff:127.0.0.1]/", SOTTO_E_ACCESS},
        {"file:///etc/passwd", SOTTO_E_ACCESS},
        {"ftp://example.com/", SOTTO_E_ACCESS},
        {"javascript:alert(1)", SOTTO_E_ACCESS},
        {"", SOTTO_E_SYNTAX},
        {"example.com", SOTTO_E_SYNTAX},
        {"https://", SOTTO_E_SYNTAX},
        {"https:///path", SOTTO_E_SYNTAX},
        {"https://user@example.com/", SOTTO_E_SYNTAX},
        {"https://user:word@example.com/", SOTTO_E_SYNTAX},
        {"https://exam ple.com/", SOTTO_E_SYNTAX},
        {"https://example.com/\r\nX: y", SOTTO_E_SYNTAX},
        {"https://example.com\\@evil/", SOTTO_E_SYNTAX},
        {"https://example%2ecom/", SOTTO_E_SYNTAX},
        {"https://127.1/", SOTTO_E_SYNTAX},
        {"https://2130706433/", SOTTO_E_SYNTAX},
        {"https://0x7f.0.0.1/", SOTTO_E_SYNTAX},
        {"https://1.2.3.4.5/", SOTTO_E_SYNTAX},
        {"https://127.0.0.1./", SOTTO_E_SYNTAX},
        {"https://example.com:0/", SOTTO_E_SYNTAX},
        {"https://example.com:65536/", SOTTO_E_SYNTAX},
        {"https://example.com:/", SOTTO_E_SYNTAX},
        {"https://example.com:1:2/", SOTTO_E_SYNTAX},
        {"https://[::1/", SOTTO_E_SYNTAX},
        {"https://[::1]x/", SOTTO_E_SYNTAX},
        {"https://[fe80::1%25eth0]/", SOTTO_E_SYNTAX},
    };
    struct whip_url url;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int r = sotto__whip_url_parse(text(cases[i].url), &url);
        if (r != cases[i].result) fail_msg("%s: %d", cases[i].url, r);
    }
}

static void a_url_of_the_limit_is_read_and_a_longer_one_is_not(void **state)
{
    static char url[SOTTO_MAX_WHIP_URL + 2];
    struct whip_url ret;
    (void)state;
    memset(url, 'a', SOTTO_MAX_WHIP_URL + 1);
    memcpy(url, "https://h/", 10);
    url[SOTTO_MAX_WHIP_URL] = '\0';
    assert_int_equal(sotto__whip_url_parse(text(url), &ret), 0);
    url[SOTTO_MAX_WHIP_URL] = 'a';
    assert_int_equal(sotto__whip_url_parse(text(url), &ret), SOTTO_E_LIMIT);
}

/* proves: S03 A21 */
static void references_mean_what_rfc_3986_says(void **state)
{
    static const struct {
        const char *base, *ref, *url; /* url NULL: none */
    } cases[] = {
        {"https://a/b/c/d?q", "g", "https://a/b/c/g"},
        {"https://a/b/c/d?q", "./g", "https://a/b/c/g"},
        {"https://a/b/c/d?q", "g/", "https://a/b/c/g/"},
        {"https://a/b/c/d?q", "/g", "https://a/g"},
        {"https://a/b/c/d?q", "//g", "https://g"},
        {"https://a/b/c/d?q", "?y", "https://a/b/c/d?y"},
        {"https://a/b/c/d?q", "g?y#s", "https://a/b/c/g?y"},
        {"https://a/b/c/d?q", "", "https://a/b/c/d?q"},
        {"https://a/b/c/d?q", "../g", "https://a/b/g"},
        {"https://a/b/c/d?q", "../../g", "https://a/g"},
        {"https://a/b/c/d?q", "../../../../g", "https://a/g"},
        {"https://a/b/c/d?q", ".", "https://a/b/c/"},
        {"https://a/b/c/d?q", "..", "https://a/b/"},
        {"https://a/b/c/d?q", "g?../x", "https://a/b/c/g?../x"},
        {"https://a", "g", "https://a/g"},
        {"https://a?q", "/g", "https://a/g"},
        {"https://a/whip", "https://a:443/x", "https://a:443/x"},
        {"https://a/whip", "http://127.0.0.1/x", "http://127.0.0.1/x"},
        {"https://a/whip", "http://b/x", NULL},
        {"https://a/whip", "file:///x", NULL},
        {"https://a/whip", "data:text/plain,x", NULL},
        {"https://a/whip", "//", NULL},
        {"https://a/whip", "a b", NULL},
        {"https://a/whip", "//u@b/", NULL},
    };
    char url[SOTTO_MAX_WHIP_URL + 1];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int r = sotto__whip_url_resolve(cases[i].base, text(cases[i].ref), url);
        if (!cases[i].url && r == 0) fail_msg("%s became %s", cases[i].ref, url);
        if (cases[i].url && (r < 0 || strcmp(url, cases[i].url) != 0))
            fail_msg("%s: %d %s", cases[i].ref, r, r < 0 ? "" : url);
    }
}

/* proves: S03 */
static void origins_are_scheme_host_and_port(void **state)
{
    static const struct {
        const char *a, *b;
        bool is_same;
    } cases[] = {
        {"https://a/x", "https://A:443/y?z", true},
        {"http://localhost", "http://LocalHost:80/", true},
        {"https://a/", "https://a:444/", false},
        {"https://a/", "https://b/", false},
        {"https://a/", "https://a.b/", false},
        {"https://localhost:1/", "http://localhost:1/", false},
        {"https://[::1]/", "https://[::2]/", false},
        {"x", "x", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (sotto__whip_url_same_origin(cases[i].a, cases[i].b) != cases[i].is_same)
            fail_msg("%s %s", cases[i].a, cases[i].b);
}

/* proves: A21 */
static void entity_tags_are_quoted_or_one_word(void **state)
{
    static const struct {
        const char *etag;
        bool is_one;
    } cases[] = {
        {"\"xyzzy\"", true},     {"W/\"x\"", true}, {"\"\"", true},          {"*", true},
        {"plain", true},         {"", false},       {"\"a", false},          {"a\"", false},
        {"\"a\"b\"", false},     {"a b", false},    {"\"a\", \"b\"", false}, {"\"\x7f\"", false},
        {"\"\xc3\xa4\"", false},
    };
    char longest[SOTTO_MAX_WHIP_ETAG + 2];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (sotto__whip_is_etag(text(cases[i].etag)) != cases[i].is_one)
            fail_msg("%s", cases[i].etag);
    memset(longest, 'a', sizeof longest);
    assert_true(sotto__whip_is_etag((struct str){longest, SOTTO_MAX_WHIP_ETAG}));
    assert_false(sotto__whip_is_etag((struct str){longest, SOTTO_MAX_WHIP_ETAG + 1}));
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    static const struct {
        const char *value, *date;
        int64_t seconds; /* < 0: neither */
    } cases[] = {
        {"0", "", 0},
        {"120", "", 120},
        {"3600", "", 3600},
        {"3601", "", 3600},
        {"99999999999999999999999", "", 3600},
        {"-1", "", -1},
        {"1.5", "", -1},
        {"", "", -1},
        {"soon", "", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", 30},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 09:00:00 GMT", 0},
        {"Tue, 01 Mar 2016 00:00:10 GMT", "Mon, 29 Feb 2016 23:59:50 GMT", 20},
        {"Wed, 01 Mar 2017 00:00:10 GMT", "Tue, 28 Feb 2017 23:59:50 GMT", 20},
        {"Fri, 01 Jan 2021 00:00:01 GMT", "Thu, 31 Dec 2020 23:59:59 GMT", 2},
        {"Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 31 Dec 2020 23:59:59 GMT", 3600},
        {"Sun, 06 Nvo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", -1},
        {"Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", -1},
        {"Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:07 GMT", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sotto_us us = sotto__whip_retry_after(text(cases[i].value), text(cases[i].date));
        if (us != (cases[i].seconds < 0 ? -1 : SOTTO_SECONDS(cases[i].seconds)))
            fail_msg("%s: %lld", cases[i].value, (long long)us);
    }
}

static int parse(const char *head, struct whip_answer *a)
{
    const char *why;
    return sotto__whip_answer_parse(text(head), STR("body"), a, &why);
}

static void an_answer_is_read_field_by_field(void **state)
{
    struct whip_answer a;
    (void)state;
    assert_int_equal(parse("HTTP/1.1 201 Created\r\ncontent-TYPE: Application/SDP; x=y\r\n"
                           "Location:  /s/1 \r\nETag: \"1\"\r\nRetry-After: 2\r\n"
                           "Link: <https://x/>; rel=other, <stun:a>; rel=\"ice-server\"\r\n"
                           "Link: <turns:b?transport=tcp>; rel=\"ice-server\"; username=\"u\\\"\"; "
                           "credential=\"p;,\"; credential-type=\"password\"\r\n\r\n",
                           &a),
                     0);
    assert_int_equal(a.status, 201);
    assert_true(sotto__str_ieq(a.type, STR("application/sdp")));
    assert_true(sotto__str_eq(a.location, STR("/s/1")));
    assert_true(sotto__str_eq(a.etag, STR("\"1\"")));
    assert_true(sotto__str_eq(a.body, STR("body")));
    assert_int_equal(a.retry_after, SOTTO_SECONDS(2));
    assert_int_equal(a.n_servers, 2);
    assert_string_equal(a.servers[0].url, "stun:a");
    assert_null(a.servers[0].username);
    assert_string_equal(a.servers[1].url, "turns:b?transport=tcp");
    assert_string_equal(a.servers[1].username, "u\"");
    assert_string_equal(a.servers[1].credential, "p;,");
    sotto__whip_answer_free(&a);
}

static void what_is_said_of_users_of_a_stun_server_is_not_kept(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 201 X\r\nLink: <stun:a>; rel=\"ice-server\"; username=\"u\"\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a>; rel=\"ice-server\"; credential=\"p\"\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a>; rel=ice-server; username=u; credential=p\r\n\r\n",
    };
    struct whip_answer a;
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        assert_int_equal(parse(heads[i], &a), 0);
        assert_int_equal(a.n_servers, 1);
        assert_true(!a.servers[0].username && !a.servers[0].credential);
        sotto__whip_answer_free(&a);
    }
}

/* proves: A21 */
static void answers_that_break_a_rule_are_none(void **state)
{
    static const char *const bad[] = {
        "",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/2 201\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 2010\r\n\r\n",
        "HTTP/1.1 199 X\r\n\r\n",
        "HTTP/1.1 201 X\r\nno colon\r\n\r\n",
        "HTTP/1.1 201 X\r\n: value\r\n\r\n",
        "HTTP/1.1 201 X\r\nA B: value\r\n\r\n",
        "HTTP/1.1 201 X\r\n folded: value\r\n\r\n",
        "HTTP/1.1 201 X\r\nA: \x01\r\n\r\n",
        "HTTP/1.1 201 X\r\nLocation: a\r\nlocation: b\r\n\r\n",
        "HTTP/1.1 201 X\r\nETag: a\r\nETag: b\r\n\r\n",
        "HTTP/1.1 201 X\r\nETag: \"\r\n\r\n",
        "HTTP/1.1 201 X\r\nContent-Type: a\r\nContent-Type: a\r\n\r\n",
        "HTTP/1.1 201 X\r\nContent-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: stun:a\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a>; rel=\"ice-server\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a>; rel=\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a>; =x\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a> x\r\n\r\n",
        "HTTP/1.1 201 X\r\nLink: <stun:a>; rel=\"x\\\r\n\r\n",
    };
    struct whip_answer a;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i], &a) != SOTTO_E_PROTO) fail_msg("%s", bad[i]);
    assert_int_equal(parse("HTTP/1.1 201 X\r\nContent-Encoding: identity\r\n\r\n", &a), 0);
}

static void ice_servers_that_are_none_are_passed_over(void **state)
{
    static const char *const links[] = {
        "<https://x/>; rel=\"ice-server\"",
        "<turn:x>; rel=\"ice-server\"",
        "<turn:x>; rel=\"ice-server\"; username=u",
        "<turn:x>; rel=\"ice-server\"; username=u; credential=c; credential-type=oauth",
        "<stun:x>; rel=\"alternate\"",
        "<stun:x>",
        "<stun:x>; rel=\"ice-server-but-so-long-that-it-is-none-of-ours\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        struct whip_answer a;
        char head[256];
        snprintf(head, sizeof head, "HTTP/1.1 201 X\r\nLink: %s\r\n\r\n", links[i]);
        assert_int_equal(parse(head, &a), 0);
        assert_int_equal(a.n_servers, 0);
        sotto__whip_answer_free(&a);
    }
}

/* proves: A21 */
static void ice_servers_are_as_many_as_the_limit(void **state)
{
    char head[2048] = "HTTP/1.1 201 X\r\n";
    struct whip_answer a;
    (void)state;
    size_t n = strlen(head);
    for (size_t i = 0; i < SOTTO_MAX_WHIP_SERVERS; i++)
        n +=
            (size_t)snprintf(head + n, sizeof head - n, "Link: <stun:a%zu>; rel=ice-server\r\n", i);
    assert_int_equal(parse(head, &a), 0);
    assert_int_equal(a.n_servers, SOTTO_MAX_WHIP_SERVERS);
    sotto__whip_answer_free(&a);
    snprintf(head + n, sizeof head - n, "Link: <stun:b>; rel=ice-server\r\n");
    assert_int_equal(parse(head, &a), SOTTO_E_PROTO);
}

static const char description[] =
    "v=0\r\na=group:BUNDLE 0 1\r\na=ice-options:trickle\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\na=candidate:1 x\r\n"
    "a=candidate:2 y\r\na=end-of-candidates\r\na=sendonly\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\na=candidate:9 z\r\n";

static void a_fragment_has_the_ice_part_of_the_first_section(void **state)
{
    struct buf out;
    bool is_complete;
    (void)state;
    assert_int_equal(sotto__whip_frag_count(text(description), &is_complete), 2);
    assert_true(is_complete);
    sotto__buf_init(&out, 4096);
    assert_int_equal(sotto__whip_frag_write(text(description), 1, &out), 0);
    char *frag = sotto__buf_take_string(&out);
    assert_string_equal(frag, "a=ice-options:trickle\r\na=group:BUNDLE 0 1\r\n"
                              "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
                              "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\na=candidate:2 y\r\n"
                              "a=end-of-candidates\r\n");
    sotto__free(frag);
    sotto__buf_init(&out, 4096);
    assert_int_equal(sotto__whip_frag_write(STR("v=0\r\nm=audio 9 x 0\r\n"), 0, &out), SOTTO_E_SDP);
    sotto__buf_free(&out);
}

static void a_fragment_replaces_the_ice_part_and_nothing_else(void **state)
{
    static const char frag[] =
        "a=ice-lite\r\na=ice-ufrag:wxyz\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n"
        "a=fingerprint:sha-256 00\r\nm=audio 9 x 0\r\na=candidate:3 w\r\n"
        "m=video 9 x 0\r\na=candidate:4 v\r\na=ice-ufrag:evil\r\n";
    struct buf out;
    const char *why;
    (void)state;
    sotto__buf_init(&out, 4096);
    assert_int_equal(sotto__whip_frag_apply(text(description), text(frag), &out, &why), 0);
    char *sdp = sotto__buf_take_string(&out);
    assert_string_equal(sdp, "v=0\r\na=group:BUNDLE 0 1\r\na=ice-options:trickle\r\n"
                             "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:wxyz\r\n"
                             "a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\na=sendonly\r\na=candidate:3 w\r\n"
                             "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:wxyz\r\n"
                             "a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n");
    sotto__free(sdp);
}

/* proves: A21 */
static void fragments_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "a=ice-ufrag:wxyz\r\n",
        "a=ice-ufrag:abc\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n",
        "a=ice-ufrag:wxyz\r\na=ice-pwd:short\r\n",
        "a=ice-ufrag:w yz\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n",
        "a=ice-ufrag:wxyz\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\na=candidate:\r1\r\n",
    };
    char many[4096] = "a=ice-ufrag:wxyz\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n";
    struct buf out;
    const char *why;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sotto__buf_init(&out, 4096);
        if (sotto__whip_frag_apply(text(description), text(bad[i]), &out, &why) != SOTTO_E_PROTO)
            fail_msg("%s", bad[i]);
        sotto__buf_free(&out);
    }
    for (unsigned i = 0; i < SOTTO_MAX_REMOTE_CANDIDATES; i++) strcat(many, "a=candidate:1 x\r\n");
    sotto__buf_init(&out, 65536);
    assert_int_equal(sotto__whip_frag_apply(text(description), text(many), &out, &why), 0);
    sotto__buf_free(&out);
    strcat(many, "a=candidate:1 x\r\n");
    sotto__buf_init(&out, 65536);
    assert_int_equal(sotto__whip_frag_apply(text(description), text(many), &out, &why),
                     SOTTO_E_PROTO);
    sotto__buf_free(&out);
}

static void unknown_statuses_mean_what_their_class_means(void **state)
{
    (void)state;
    assert_true(sotto__whip_meaning(499, false).is_final);
    assert_false(sotto__whip_meaning(599, false).is_final);
    assert_int_equal(sotto__whip_meaning(399, false).error, SOTTO_E_PROTO);
    assert_int_equal(sotto__whip_meaning(299, false).error, SOTTO_E_PROTO);
    assert_true(sotto__whip_meaning(404, false).is_final);
    assert_false(sotto__whip_meaning(404, true).is_final);
}

/* proves: S02 S04 */
static void what_is_wrong_in_a_configuration_is_said_at_once(void **state)
{
#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    static const sotto_encoding nine[9] = {{.size = sizeof *nine}};
    static const struct {
        sotto_whip_config cfg;
        int result;
    } cases[] = {
        {{.url = NULL}, SOTTO_E_INVAL},
        {{.url = "http://example.com/"}, SOTTO_E_ACCESS},
        {{.url = "https://a/", .token = ""}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .token = "a b"}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .token = "a\r\nX: y"}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .token = "=a"}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .pin = ""}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .pin = "/etc/key.pem"}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .pin = PIN ";"}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .pin = "sha256//AAAA="}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .pin = PIN, .ca_file = "/nonexistent"}, SOTTO_E_ACCESS},
        {{.url = "https://a/", .proxy = "socks5://p:1"}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .proxy = "http://u:p@p:1"}, SOTTO_E_SYNTAX},
        {{.url = "http://127.0.0.1/", .proxy = "http://p:1"}, SOTTO_E_SYNTAX},
        {{.url = "https://a/", .no_audio = true, .no_video = true}, SOTTO_E_RANGE},
        {{.url = "https://a/", .first = -1}, SOTTO_E_RANGE},
        {{.url = "https://a/", .first = SOTTO_SECONDS(9), .longest = SOTTO_SECONDS(8)},
         SOTTO_E_RANGE},
        {{.url = "https://a/", .longest = SOTTO_SECONDS(86401)}, SOTTO_E_RANGE},
        {{.url = "https://a/", .n_encodings = 1}, SOTTO_E_INVAL},
        {{.url = "https://a/", .encodings = nine, .n_encodings = 9}, SOTTO_E_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sotto_whip w = {.ctx = NULL};
        sotto_whip_config cfg = cases[i].cfg;
        cfg.size = sizeof cfg;
        int r = sotto__whip_configure(&w, &cfg);
        if (r != cases[i].result) fail_msg("case %zu: %d", i, r);
        sotto__whip_unconfigure(&w);
    }
}

static void a_token_of_the_limit_is_taken_and_a_longer_one_is_not(void **state)
{
    static char token[SOTTO_MAX_WHIP_TOKEN + 2];
    (void)state;
    memset(token, 'a', SOTTO_MAX_WHIP_TOKEN + 1);
    sotto_whip_config cfg = {.size = sizeof cfg,
                             .url = "https://a/",
                             .token = token,
                             .no_audio = true,
                             .no_video = true};
    sotto_whip w = {.ctx = NULL};
    assert_int_equal(sotto__whip_configure(&w, &cfg), SOTTO_E_LIMIT);
    token[SOTTO_MAX_WHIP_TOKEN] = '\0';
    assert_int_equal(sotto__whip_configure(&w, &cfg), SOTTO_E_RANGE); /* the next thing that is wrong */
}

static int run_all(void)
{
    sotto_ctx_config ctx_cfg = {.size = sizeof ctx_cfg, .no_thread = true};
    sotto_whip_config cfg = {
        .size = sizeof cfg, .url = "http://127.0.0.1:9/", .token = "t", .pin = PIN};
    sotto_whip_news news = {.size = sizeof news};
    sotto_ctx *ctx;
    sotto_whip *w;
    int r = sotto_ctx_new(&ctx_cfg, &ctx);
    if (r < 0) return r;
    r = sotto_whip_publish(ctx, &cfg, &w);
    if (r == 0) {
        r = sotto_whip_next(w, &news);
        assert_int_equal(r, 1);
        assert_int_equal(news.state, SOTTO_WHIP_NEW);
        assert_non_null(news.audio);
        assert_non_null(news.video);
        sotto_whip_stop(w);
        sotto_whip_free(w);
    }
    sotto_ctx_free(ctx);
    return r;
}

static void when_memory_ends_nothing_is_lost(void **state)
{
    (void)state;
    assert_int_equal(run_all(), 1); /* what libraries keep for good */
    int64_t live = sotto__mem_live();
    int r = SOTTO_E_NOMEM;
    for (uint64_t n = 1; r != 1; n++) {
        sotto__mem_fail_at(n);
        r = run_all();
        if (!sotto__mem_failed()) assert_int_equal(r, 1);
        sotto__mem_fail_at(0);
        assert_true(sotto__mem_live() <= live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_https_or_of_this_host),
        cmocka_unit_test(a_url_of_the_limit_is_read_and_a_longer_one_is_not),
        cmocka_unit_test(references_mean_what_rfc_3986_says),
        cmocka_unit_test(origins_are_scheme_host_and_port),
        cmocka_unit_test(entity_tags_are_quoted_or_one_word),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(an_answer_is_read_field_by_field),
        cmocka_unit_test(what_is_said_of_users_of_a_stun_server_is_not_kept),
        cmocka_unit_test(answers_that_break_a_rule_are_none),
        cmocka_unit_test(ice_servers_that_are_none_are_passed_over),
        cmocka_unit_test(ice_servers_are_as_many_as_the_limit),
        cmocka_unit_test(a_fragment_has_the_ice_part_of_the_first_section),
        cmocka_unit_test(a_fragment_replaces_the_ice_part_and_nothing_else),
        cmocka_unit_test(fragments_that_are_none_are_refused),
        cmocka_unit_test(unknown_statuses_mean_what_their_class_means),
        cmocka_unit_test(what_is_wrong_in_a_configuration_is_said_at_once),
        cmocka_unit_test(a_token_of_the_limit_is_taken_and_a_longer_one_is_not),
        cmocka_unit_test(when_memory_ends_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
