/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TURN servers that fail in every way, and certificates that are not to be believed, with real libnice in between (H053, H054 of the
 * threat catalogue, S04): each is refused with words, in bounded time, and costs nothing of what is beside it. The argument, if there
 * is one, is the test to run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../open_fds.h"
#include "bad_turn.h"
#include "ice_drive.h"
#include "tls_kit.h"
#include "transport/turn_tls.h"
#include "util/limits.h"

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice;
static struct end *one[] = {&alice};

static int start_kit(void **state)
{
    (void)state;
    tls_kit_start();
    return 0;
}

static int stop_kit(void **state)
{
    (void)state;
    tls_kit_stop();
    return 0;
}

static int free_alice(void **state)
{
    (void)state;
    end_free(&alice);
    return 0;
}

struct run {
    struct bad_turn *b;
    size_t n;
};

static bool is_gathered(void *arg)
{
    struct run *r = arg;
    for (size_t i = 0; i < r->n; i++) bad_turn_step(&r->b[i]);
    return alice.gathered > 0;
}

/* Gathers with these servers; how long it took. */
static int gather(struct bad_turn *b, struct ice_server *s, size_t n, int ms)
{
    struct run r = {b, n};
    sotto_us start = drive_now();
    end_init(&alice, "alice", true);
    alice.cfg.servers = s, alice.cfg.n_servers = n;
    alice.cfg.ca_file = tls_ca_file();
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    while (!drive(one, 1, is_gathered, &r, 5))
        if (drive_now() - start > SOTTO_MS(ms)) fail_msg("not gathered after %d ms", ms);
    return (int)((drive_now() - start) / 1000);
}

static char host[] = "turn.example.org";

static void one_error(const char *what, int32_t code, const char *text)
{
    if (alice.n_errors != 1 || alice.errors[0].code != code ||
        strcmp(alice.errors[0].text, text) != 0)
        fail_msg("%s: %zu errors, %d \"%s\"", what, alice.n_errors, (int)alice.errors[0].code,
                 alice.errors[0].text);
    for (size_t i = 0; i < alice.n_candidates; i++)
        assert_int_equal(alice.candidates[i].type, CANDIDATE_HOST);
}

/* proves: H054 S04 */
static void certificates_are_checked(void **state)
{
    (void)state;
#define REFUSED "TLS: certificate refused: "
    static const struct {
        enum tls_cert cert;
        char *host;
        int max_version;
        int32_t code;
        const char *text;
    } rows[] = {
        {TLS_GOOD, host, 0, 486, "Allocation Quota Reached"},
        {TLS_GOOD, host, TLS1_2_VERSION, 486, "Allocation Quota Reached"},
        {TLS_GOOD, NULL, 0, 486, "Allocation Quota Reached"}, /* by its address */
        {TLS_WILDCARD, host, 0, 486, "Allocation Quota Reached"},
        {TLS_EXPIRED, host, 0, 701, REFUSED "certificate has expired"},
        {TLS_EARLY, host, 0, 701, REFUSED "certificate is not yet valid"},
        {TLS_WRONG_NAME, host, 0, 701, REFUSED "hostname mismatch"},
        {TLS_WRONG_NAME, NULL, 0, 701, REFUSED "IP address mismatch"},
        {TLS_IN_SUBJECT, host, 0, 701, REFUSED "hostname mismatch"},
        {TLS_WILDCARD, NULL, 0, 701, REFUSED "IP address mismatch"},
        {TLS_SELF_SIGNED, host, 0, 701, REFUSED "self-signed certificate"},
        {TLS_OTHER_CA, host, 0, 701, REFUSED "certificate signature failure"},
        {TLS_NO_CA, host, 0, 701, REFUSED "invalid CA certificate"},
        {TLS_WEAK, host, TLS1_2_VERSION, 701, REFUSED "EE certificate key too weak"},
        {TLS_GOOD, host, TLS1_1_VERSION, 701, "TLS: tlsv1 alert protocol version"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bad_turn b = {.act = BAD_ERROR, .code = 486, .reason = "Allocation Quota Reached"};
        struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_TLS);
        s.host = rows[i].host;
        b.ctx = tls_server_ctx(rows[i].cert, rows[i].max_version);
        int ms = gather(&b, &s, 1, 5000);
        print_message("row %zu: %d ms, %d %s\n", i, ms, (int)alice.errors[0].code,
                      alice.errors[0].text);
        one_error(rows[i].text, rows[i].code, rows[i].text);
        assert_int_equal(b.n_connections, 1);
        if (rows[i].code == 701) assert_int_equal(b.n_requests, 0); /* no user name for strangers */
        bool is_read = rows[i].max_version != TLS1_1_VERSION; /* else the server did not come to it */
        assert_string_equal(b.sni, is_read && rows[i].host ? rows[i].host : "");
        end_free(&alice);
        bad_turn_close(&b);
    }
}

/* proves: H054 S04 */
static void the_systems_authorities_do_not_know_ours(void **state)
{
    (void)state;
    struct bad_turn b = {.act = BAD_ERROR, .code = 486};
    struct run r = {&b, 1};
    struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_TLS);
    b.ctx = tls_server_ctx(TLS_GOOD, 0);
    end_init(&alice, "alice", true);
    alice.cfg.servers = &s, alice.cfg.n_servers = 1;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    for (int i = 0; i < 400 && !drive(one, 1, is_gathered, &r, 5);) i++;
    one_error("system", 701, REFUSED "unable to get local issuer certificate");
    bad_turn_close(&b);
}

/* proves: H054 S04 */
static void a_file_of_authorities_that_is_gone_lets_nobody_in(void **state)
{
    (void)state;
    struct bad_turn b = {.act = BAD_ERROR, .code = 486};
    struct run r = {&b, 1};
    struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_TLS);
    b.ctx = tls_server_ctx(TLS_GOOD, 0);
    end_init(&alice, "alice", true);
    alice.cfg.servers = &s, alice.cfg.n_servers = 1;
    alice.cfg.ca_file = "/nowhere/ca.pem";
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    for (int i = 0; i < 400 && !drive(one, 1, is_gathered, &r, 5);) i++;
    one_error("gone", 701, "TLS: the file of authorities cannot be read");
    assert_int_equal(b.n_shaken, 0);
    bad_turn_close(&b);
}

static void copy_file(const char *from, const char *to)
{
    char text[16384];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    assert_true(in && out);
    size_t n = fread(text, 1, sizeof text, in);
    assert_int_equal(fwrite(text, 1, n, out), n);
    fclose(in);
    fclose(out);
}

/* What a server with a good certificate says, whose authority is in that file. */
static void ask_with(const char *ca_file, int32_t code, const char *text)
{
    struct bad_turn b = {.act = BAD_ERROR, .code = 486, .reason = "Quota"};
    struct run r = {&b, 1};
    struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_TLS);
    b.ctx = tls_server_ctx(TLS_GOOD, 0);
    end_init(&alice, "alice", true);
    alice.cfg.servers = &s, alice.cfg.n_servers = 1;
    alice.cfg.ca_file = ca_file;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    for (int i = 0; i < 400 && !drive(one, 1, is_gathered, &r, 5);) i++;
    one_error(ca_file, code, text);
    end_free(&alice);
    bad_turn_close(&b);
}

/* Not under the lock, and not for each connection: when they are named (sotto_pc_new), and then again only if they have changed. */
static void authorities_are_read_when_they_are_named(void **state)
{
    (void)state;
    char path[] = "/tmp/sotto-ca-XXXXXX", more[6][sizeof path + 2];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    copy_file(tls_ca_file(), path);
    assert_int_equal(sotto__turn_tls_check(path), 0);
    unlink(path);
    ask_with(path, 486, "Quota");
    assert_int_equal(sotto__turn_tls_check(path), SOTTO_E_ACCESS); /* named again */
    copy_file(tls_file(TLS_SELF_SIGNED), path);
    assert_int_equal(sotto__turn_tls_check(path), 0);
    ask_with(path, 701, REFUSED "unable to get local issuer certificate");
    copy_file(tls_ca_file(), path);
    assert_int_equal(sotto__turn_tls_check(path), 0);
    ask_with(path, 486, "Quota");
    for (int i = 0; i < 6; i++) { /* of many files the oldest are forgotten, and read again */
        snprintf(more[i], sizeof more[i], "%s-%d", path, i);
        copy_file(tls_ca_file(), more[i]);
        assert_int_equal(sotto__turn_tls_check(more[i]), 0);
    }
    ask_with(path, 486, "Quota");
    unlink(more[0]), unlink(more[5]);
    ask_with(more[5], 486, "Quota");
    ask_with(more[0], 701, "TLS: the file of authorities cannot be read");
    for (int i = 1; i < 5; i++) unlink(more[i]);
    unlink(path);
}

/* What each kind of failure is called, and how long it may take: ms. */
static const struct {
    enum bad_turn_act act;
    int32_t code;
    const char *reason;
    int32_t want;
    const char *text, *udp_text; /* udp_text NULL: not over UDP */
    int ms;
} failures[] = {
    {BAD_ERROR, 400, "Bad Request", 400, "Bad Request", "Bad Request", 3000},
    {BAD_ERROR, 401, "Unauthorized", 401, "Unauthorized", "Unauthorized", 3000},
    {BAD_ERROR, 403, "Forbidden", 403, "Forbidden", NULL, 3000},
    {BAD_ERROR, 420, "Unknown Attribute", 420, "Unknown Attribute", NULL, 3000},
    {BAD_ERROR, 437, "Mismatch", 437, "Mismatch", NULL, 3000},
    {BAD_ERROR, 441, "Wrong Credentials", 441, "Wrong Credentials", NULL, 3000},
    {BAD_ERROR, 442, "Unsupported Transport", 442, "Unsupported Transport", NULL, 3000},
    {BAD_ERROR, 486, "Quota\n\x1b[31m", 486, "Quota??[31m", "Quota??[31m", 9000}, /* over UDP it is not believed, but told */
    {BAD_ERROR, 500, "", 500, "", NULL, 3000},
    {BAD_ERROR, 508, "Insufficient Capacity", 508, "Insufficient Capacity", NULL, 3000},
    {BAD_STALE, 0, "Stale Nonce", 438, "Stale Nonce", "Stale Nonce", 9000},
    {BAD_GARBAGE, 0, NULL, 701, "the server does not speak TURN", "no answer", 9000},
    {BAD_HUGE, 486, "Quota", 701, "no answer", NULL, 9000},
    {BAD_CLOSE, 0, NULL, 701, "TCP: the server closed the connection", NULL, 3000},
    {BAD_SLOW, 486, "slow", 701, "no answer", NULL, 9000},
    {BAD_SILENT, 0, NULL, 701, "no answer", "no answer", 9000},
};

static void fail_over(enum ice_server_kind kind)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct bad_turn b = {
            .act = failures[i].act, .code = failures[i].code, .reason = failures[i].reason};
        const char *text = kind == ICE_SERVER_TURN_UDP ? failures[i].udp_text : failures[i].text;
        if (!text) continue;
        if (kind == ICE_SERVER_TURN_TLS && b.act == BAD_CLOSE)
            text = "TLS: the server closed the connection";
        struct ice_server s = bad_turn_open(&b, kind);
        if (kind == ICE_SERVER_TURN_TLS) b.ctx = tls_server_ctx(TLS_GOOD, 0);
        int ms = gather(&b, &s, 1, failures[i].ms);
        print_message("%zu: %d ms, %zu requests\n", i, ms, b.n_requests);
        one_error(text, failures[i].want, text);
        assert_in_range(b.n_requests, 1, 12);
        end_free(&alice);
        bad_turn_close(&b);
    }
}

/* proves: H053 ICE-17 */
static void every_failure_over_udp_has_its_words(void **state)
{
    (void)state;
    fail_over(ICE_SERVER_TURN_UDP);
}

/* proves: H053 */
static void every_failure_over_tcp_has_its_words(void **state)
{
    (void)state;
    fail_over(ICE_SERVER_TURN_TCP);
}

/* proves: H053 */
static void every_failure_over_tls_has_its_words(void **state)
{
    (void)state;
    fail_over(ICE_SERVER_TURN_TLS);
}

static void tls_that_never_finishes_ends_in_time(void **state)
{
    (void)state;
    struct bad_turn b = {.act = BAD_DEAF};
    struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_TLS);
    int ms = gather(&b, &s, 1, 7000);
    assert_in_range(ms, SOTTO_TURN_CONNECT_US / 1000, SOTTO_TURN_CONNECT_US / 1000 + 240);
    one_error("deaf", 701, "TLS: no answer");
    bad_turn_close(&b);
}

static void a_server_without_tls_is_told_from_one_with(void **state)
{
    (void)state;
    struct bad_turn b = {.act = BAD_GARBAGE};
    struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_TLS);
    gather(&b, &s, 1, 7000); /* it takes our hello for something else, and waits for more */
    assert_int_equal(alice.n_errors, 1);
    assert_int_equal(alice.errors[0].code, 701);
    assert_int_equal(b.n_requests, 0);
    bad_turn_close(&b);
}

static void a_closed_port_is_refused_at_once(void **state)
{
    (void)state;
    struct bad_turn b = {.act = BAD_DEAF};
    for (enum ice_server_kind k = ICE_SERVER_TURN_TCP; k <= ICE_SERVER_TURN_TLS; k++) {
        struct ice_server s = bad_turn_open(&b, k);
        bad_turn_close(&b);
        b.listener = -1;
        struct run r = {&b, 0};
        end_init(&alice, "alice", true);
        alice.cfg.servers = &s, alice.cfg.n_servers = 1;
        assert_int_equal(end_open(&alice), 0);
        assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
        assert_true(drive(one, 1, is_gathered, &r, 1000));
        one_error("closed", 701, "connect: Connection refused");
        end_free(&alice);
    }
}

/* Each answer begins libnice's patience anew: a few of them, each 3 s late, would take it 18 s. */
/* proves: H053 */
static void a_server_cannot_hold_the_end_of_gathering_for_long(void **state)
{
    (void)state;
    struct bad_turn b = {.act = BAD_STALE, .late_ms = 3000, .reason = "Stale Nonce"};
    struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_UDP);
    int ms = gather(&b, &s, 1, 10000);
    assert_in_range(ms, SOTTO_MAX_GATHER_US / 1000, SOTTO_MAX_GATHER_US / 1000 + 1000);
    one_error("late", 438, "Stale Nonce");
    bad_turn_close(&b);
}

/* A silent one, one that is refused, and one that works as far as it goes: each has its own words, and the host is offered at once. */
static void servers_do_not_wait_for_each_other(void **state)
{
    (void)state;
    int fds = open_fds();
    struct bad_turn b[3] = {
        {.act = BAD_SILENT}, {.act = BAD_ERROR, .code = 486, .reason = "Quota"}, {.act = BAD_DEAF}};
    struct ice_server s[3] = {bad_turn_open(&b[0], ICE_SERVER_TURN_TCP),
                              bad_turn_open(&b[1], ICE_SERVER_TURN_TLS),
                              bad_turn_open(&b[2], ICE_SERVER_TURN_TLS)};
    b[1].ctx = tls_server_ctx(TLS_GOOD, 0);
    struct run r = {b, 3};
    end_init(&alice, "alice", true);
    alice.cfg.servers = s, alice.cfg.n_servers = 3;
    alice.cfg.ca_file = tls_ca_file();
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    for (int i = 0; i < 40; i++) drive(one, 1, is_gathered, &r, 5);
    assert_true(alice.n_candidates > 0);
    assert_int_equal(b[1].n_requests, 1); /* has had its say while the others are silent */
    for (int i = 0; i < 2000 && !alice.gathered; i++) drive(one, 1, is_gathered, &r, 5);
    assert_int_equal(alice.gathered, 1);
    assert_int_equal(alice.n_errors, 3);
    assert_int_equal(alice.errors[0].code, 701);
    assert_int_equal(alice.errors[1].code, 486);
    assert_string_equal(alice.errors[2].text, "TLS: no answer");
    end_free(&alice);
    for (int i = 0; i < 3; i++) bad_turn_close(&b[i]);
    assert_int_equal(open_fds(), fds);
}

/* proves: ICE-17 */
static void an_alternate_server_is_met_with_tls_and_under_its_name(void **state)
{
    (void)state;
    static const struct {
        enum tls_cert cert;
        const char *domain; /* that the first one names */
        int32_t code;
        const char *text;
    } rows[] = {
        {TLS_GOOD, NULL, 486, "the second"},
        {TLS_WRONG_NAME, NULL, 701, REFUSED "hostname mismatch"},
        {TLS_WRONG_NAME, "other.example.org", 486, "the second"},
        {TLS_SELF_SIGNED, NULL, 701, REFUSED "self-signed certificate"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bad_turn b[2] = {{.act = BAD_MOVE, .domain = rows[i].domain},
                                {.act = BAD_ERROR, .code = 486, .reason = "the second"}};
        struct ice_server s = bad_turn_open(&b[0], ICE_SERVER_TURN_TLS);
        struct ice_server t = bad_turn_open(&b[1], ICE_SERVER_TURN_TLS);
        struct run r = {b, 2};
        s.host = host;
        b[0].alternate = t.addr;
        b[0].ctx = tls_server_ctx(TLS_GOOD, 0), b[1].ctx = tls_server_ctx(rows[i].cert, 0);
        end_init(&alice, "alice", true);
        alice.cfg.servers = &s, alice.cfg.n_servers = 1;
        alice.cfg.ca_file = tls_ca_file();
        assert_int_equal(end_open(&alice), 0);
        assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
        for (int k = 0; k < 600 && !alice.gathered; k++) drive(one, 1, is_gathered, &r, 5);
        one_error(rows[i].text, rows[i].code, rows[i].text);
        assert_int_equal(b[1].n_connections, 1);
        assert_int_equal(b[1].n_requests, rows[i].code == 486);
        assert_string_equal(b[1].sni, rows[i].domain ? rows[i].domain : host);
        end_free(&alice);
        bad_turn_close(&b[0]), bad_turn_close(&b[1]);
    }
}

/* proves: H053 */
static void servers_that_send_to_each_other_are_left(void **state)
{
    (void)state;
    for (enum ice_server_kind k = ICE_SERVER_TURN_UDP; k <= ICE_SERVER_TURN_TLS; k++) {
        struct bad_turn b = {.act = BAD_MOVE, .reason = "elsewhere"};
        struct ice_server s = bad_turn_open(&b, k);
        b.alternate = s.addr;
        if (k == ICE_SERVER_TURN_TLS) b.ctx = tls_server_ctx(TLS_GOOD, 0);
        gather(&b, &s, 1, 9000);
        assert_int_equal(alice.n_errors, 1);
        assert_int_equal(alice.errors[0].code, 300);
        assert_in_range(b.n_requests, 1, SOTTO_MAX_TURN_ALTERNATES + 8);
        end_free(&alice);
        bad_turn_close(&b);
    }
}

/* H053: a server sends us to a port of this host, which a connection that may not use the loopback never asks. */
/* proves: H053 S19 */
static void nobody_is_sent_to_this_hosts_own_services(void **state)
{
    (void)state;
    static const struct address where[] = {{4, {127, 0, 0, 1}, 22},
                                           {4, {169, 254, 169, 254}, 80},
                                           {4, {224, 0, 0, 1}, 3478},
                                           {4, {0}, 3478},
                                           {4, {192, 0, 2, 1}, 0}};
    for (size_t i = 1; i < sizeof where / sizeof *where; i++)
        for (enum ice_server_kind k = ICE_SERVER_TURN_UDP; k <= ICE_SERVER_TURN_TCP; k++) {
            struct bad_turn b = {.act = BAD_MOVE, .alternate = where[i], .reason = "there"};
            struct ice_server s = bad_turn_open(&b, k);
            gather(&b, &s, 1, 9000);
            assert_int_equal(alice.n_errors, 1);
            assert_int_equal(alice.errors[0].code, 300);
            end_free(&alice);
            bad_turn_close(&b);
        }
}

static bool is_closed(void *arg)
{
    struct run *r = arg;
    for (size_t i = 0; i < r->n; i++) bad_turn_step(&r->b[i]);
    return ops->closed(alice.ice);
}

static void close_alice(struct bad_turn *b)
{
    struct run r = {b, 1};
    ops->close(alice.ice, drive_now());
    for (int i = 0; i < 400 && !drive(one, 1, is_closed, &r, 5);) i++;
    end_free(&alice);
}

static size_t n_relays(void)
{
    size_t n = 0;
    for (size_t i = 0; i < alice.n_candidates; i++)
        n += alice.candidates[i].type == CANDIDATE_RELAY;
    return n;
}

/* H050, H053, ICE-17: what it takes for a relay to be one, and to be believed. */
enum { UDP = 1, STREAM = 2, ALL = 3 };
#define UNHEARD "Unauthorized" /* its last words */
#define UNBELIEVED "its allocation was not believed"
static const struct {
    struct bad_turn_grant grant;
    int by; /* kinds of transport that it goes over */
    bool gives;
    const char *text;
} allocations[] = {
    {{.lifetime = 0}, ALL, true, NULL},
    {{.open = true}, ALL, false, UNBELIEVED}, /* without credentials: libnice takes none of those */
    {{.lifetime = SOTTO_MIN_TURN_LIFETIME}, ALL, true, NULL},
    {{.lifetime = 1}, UDP, false, UNHEARD}, /* 0: libnice would go on to use what it freed */
    {{.lifetime = 1}, STREAM, false, "an allocation that ends at once"},
    {{.lifetime = 1, .open = true}, UDP, false, "no answer"},
    {{.lifetime = SOTTO_MIN_TURN_LIFETIME - 1}, UDP, false, UNHEARD},
    {{.lifetime = SOTTO_MIN_TURN_LIFETIME - 1}, STREAM, false, "an allocation that ends at once"},
    {{.lifetime = -1}, UDP, false, UNHEARD},
    {{.lifetime = -1}, STREAM, false, "an allocation that ends at once"},
    {{.other_id = true}, ALL, false, UNBELIEVED},
    {{.other_source = true}, UDP, true, NULL}, /* it has the password: RFC 8489 §9.2.5 */
    {{.other_source = true, .wrong_integrity = true}, UDP, false, UNHEARD},
    {{.without_integrity = true}, ALL, false, UNBELIEVED},
    {{.wrong_integrity = true}, ALL, false, UNBELIEVED},
    {{.relayed = {4, {0}, 5000}}, ALL, false, "it relays from no address that could be"},
    {{.relayed = {4, {224, 0, 0, 1}, 5000}}, ALL, false, "it relays from no address that could be"},
    {{.relayed = {4, {169, 254, 169, 254}, 80}},
     ALL,
     false,
     "it relays from no address that could be"},
    {{.relayed = {4, {198, 51, 100, 7}, 0}}, ALL, false, "it relays from no address that could be"},
};

static void allocations_are_looked_at(void **state)
{
    (void)state;
    int fds = 0;
    for (size_t i = 0; i < sizeof allocations / sizeof *allocations; i++)
        for (enum ice_server_kind k = ICE_SERVER_TURN_UDP; k <= ICE_SERVER_TURN_TLS; k++) {
            struct bad_turn b = {.act = BAD_GRANT, .grant = allocations[i].grant};
            if (!(allocations[i].by & (k == ICE_SERVER_TURN_UDP ? UDP : STREAM))) continue;
            struct ice_server s = bad_turn_open(&b, k);
            if (k == ICE_SERVER_TURN_TLS) b.ctx = tls_server_ctx(TLS_GOOD, 0);
            int ms = gather(&b, &s, 1, 9000);
            print_message("%zu by %d: %d ms, %zu relays, %zu errors: %d %s\n", i, k, ms, n_relays(),
                          alice.n_errors, (int)alice.errors[0].code, alice.errors[0].text);
            assert_int_equal(n_relays(), allocations[i].gives);
            assert_int_equal(alice.n_errors, !allocations[i].gives);
            if (allocations[i].text) assert_string_equal(alice.errors[0].text, allocations[i].text);
            close_alice(&b);
            bad_turn_close(&b);
            if (fds == 0) fds = open_fds(); /* what is opened once is open */
            assert_int_equal(open_fds(), fds);
        }
}

static void realms_and_nonces_of_any_length_are_taken_or_not(void **state)
{
    (void)state; /* RFC 8489 §14.9, §14.10: up to 763 bytes */
    static const size_t lengths[] = {128, 763, 764, 1500, 10000, 30000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (enum ice_server_kind k = ICE_SERVER_TURN_UDP; k <= ICE_SERVER_TURN_TCP; k++) {
            struct bad_turn b = {.act = BAD_LONG, .n_long = lengths[i]};
            struct ice_server s = bad_turn_open(&b, k);
            int ms = gather(&b, &s, 1, 9000);
            print_message("%zu by %d: %d ms, %zu requests: %d %s\n", lengths[i], k, ms,
                          b.n_requests, (int)alice.errors[0].code, alice.errors[0].text);
            assert_int_equal(alice.n_errors, 1);
            assert_int_equal(n_relays(), 0);
            assert_in_range(b.n_requests, 1, 12);
            end_free(&alice);
            bad_turn_close(&b);
        }
}

static void stuns_is_not_asked_and_says_so(void **state)
{
    (void)state;
    struct bad_turn b = {.act = BAD_ERROR, .code = 486};
    struct ice_server s = bad_turn_open(&b, ICE_SERVER_TURN_TLS);
    s.kind = ICE_SERVER_STUN_TLS;
    int ms = gather(&b, &s, 1, 1000);
    assert_in_range(ms, 0, 500);
    one_error("stuns", 701, "not asked: stuns gives no address for UDP");
    assert_int_equal(b.n_connections, 0);
    bad_turn_close(&b);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_teardown(f, free_alice)
    const struct CMUnitTest tests[] = {
        TEST(certificates_are_checked),
        TEST(the_systems_authorities_do_not_know_ours),
        TEST(a_file_of_authorities_that_is_gone_lets_nobody_in),
        TEST(authorities_are_read_when_they_are_named),
        TEST(every_failure_over_udp_has_its_words),
        TEST(every_failure_over_tcp_has_its_words),
        TEST(every_failure_over_tls_has_its_words),
        TEST(tls_that_never_finishes_ends_in_time),
        TEST(a_server_without_tls_is_told_from_one_with),
        TEST(a_closed_port_is_refused_at_once),
        TEST(a_server_cannot_hold_the_end_of_gathering_for_long),
        TEST(servers_do_not_wait_for_each_other),
        TEST(an_alternate_server_is_met_with_tls_and_under_its_name),
        TEST(servers_that_send_to_each_other_are_left),
        TEST(nobody_is_sent_to_this_hosts_own_services),
        TEST(allocations_are_looked_at),
        TEST(realms_and_nonces_of_any_length_are_taken_or_not),
        TEST(stuns_is_not_asked_and_says_so),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("turn_bad", tests, start_kit, stop_kit);
}
