/* SPDX-License-Identifier: BSD-2-Clause */
/* Configurations of connections and the URLs of ICE servers. */
#include <unistd.h>

#include "api/ctx.h"
#include "call.h"

static void servers_are_urls(void **state)
{
    static const struct {
        const char *url;
        int want;
    } rows[] = {
        {"stun:192.0.2.1", 0},
        {"stun:192.0.2.1:3478", 0},
        {"STUN:[2001:db8::1]:3478", 0},
        {"stun:[2001:db8::1]", 0},
        {"turn:192.0.2.1?transport=udp", 0},
        {"turn:192.0.2.1:443?transport=tcp", 0},
        {"turns:192.0.2.1", 0},
        {"stuns:192.0.2.1", 0},
        {"turns:turn.example.org", 0},
        {"stun:stun.example.org", 0},
        {"turn:192.0.2.1?transport=sctp", SOTTO_E_UNSUPPORTED},
        {"stun:192.0.2.1?transport=udp", SOTTO_E_SYNTAX},
        {"stun:192.0.2.1:0", SOTTO_E_SYNTAX},
        {"stun:192.0.2.1:65536", SOTTO_E_SYNTAX},
        {"stun:192.0.2.1:", SOTTO_E_SYNTAX},
        {"stun:", SOTTO_E_SYNTAX},
        {"stun:[2001:db8::1", SOTTO_E_SYNTAX},
        {"stun:host/path", SOTTO_E_SYNTAX},
        {"stun:user@192.0.2.1", SOTTO_E_SYNTAX},
        {"turn:192.0.2.1#x?transport=udp", SOTTO_E_SYNTAX},
        {"http://192.0.2.1", SOTTO_E_SYNTAX},
        {"", SOTTO_E_SYNTAX},
        {NULL, SOTTO_E_INVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_ice_server s = {
            .size = sizeof s, .url = rows[i].url, .username = "u", .credential = "p"};
        sotto_pc_config cfg = {.size = sizeof cfg, .ice_servers = &s, .n_ice_servers = 1};
        struct pc_config out;
        int r = sotto__config_read(&cfg, &out);
        if (r != rows[i].want) fail_msg("%s: %d", rows[i].url, r);
        if (r == 0) sotto__config_free(&out);
    }
    sotto_ice_server bare = {.size = sizeof bare, .url = "turn:192.0.2.1"};
    sotto_pc_config cfg = {.size = sizeof cfg, .ice_servers = &bare, .n_ice_servers = 1};
    struct pc_config out;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_ACCESS);
    cfg.n_ice_servers = SOTTO_MAX_ICE_SERVERS + 1;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_LIMIT);
}

static void external_addresses_are_numeric_and_one_of_a_family(void **state)
{
    static const struct {
        const char *text;
        int want;
        bool v4, v6;
    } rows[] = {
        {NULL, 0, false, false},
        {"203.0.113.9", 0, true, false},
        {"2001:db8::9", 0, false, true},
        {"203.0.113.9,2001:db8::9", 0, true, true},
        {"2001:db8::9,203.0.113.9", 0, true, true},
        {"10.1.2.3", 0, true, false}, /* a NAT within a company */
        {"", SOTTO_E_SYNTAX, false, false},
        {",", SOTTO_E_SYNTAX, false, false},
        {"203.0.113.9,", SOTTO_E_SYNTAX, false, false},
        {"203.0.113.9, 2001:db8::9", SOTTO_E_SYNTAX, false, false},
        {"203.0.113.9:5000", SOTTO_E_SYNTAX, false, false},
        {"host.example.org", SOTTO_E_SYNTAX, false, false},
        {"203.0.113.9,203.0.113.10", SOTTO_E_RANGE, false, false},
        {"203.0.113.9,2001:db8::9,203.0.113.9", SOTTO_E_RANGE, false, false},
        {"127.0.0.1", SOTTO_E_RANGE, false, false},
        {"0.0.0.0", SOTTO_E_RANGE, false, false},
        {"169.254.169.254", SOTTO_E_RANGE, false, false},
        {"224.0.0.1", SOTTO_E_RANGE, false, false},
        {"fe80::1", SOTTO_E_RANGE, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_pc_config cfg = {.size = sizeof cfg, .external_address = rows[i].text};
        struct pc_config out;
        int r = sotto__config_read(&cfg, &out);
        if (r != rows[i].want) fail_msg("row %zu: %d", i, r);
        if (r < 0) continue;
        assert_true((out.peer.transport.external[0].family == 4) == rows[i].v4);
        assert_true((out.peer.transport.external[1].family == 6) == rows[i].v6);
        sotto__config_free(&out);
    }
}

static void ranges_are_checked_and_zero_is_the_default(void **state)
{
    static const struct {
        sotto_pc_config cfg;
        int want;
    } rows[] = {
        {{0}, 0},
        {{.ice_transport_policy = 2}, SOTTO_E_RANGE},
        {{.ice_transport_policy = -1}, SOTTO_E_RANGE},
        {{.bundle_policy = 3}, SOTTO_E_RANGE},
        {{.privacy_mode = 1}, 0},
        {{.privacy_mode = 4}, 0},
        {{.privacy_mode = 5}, SOTTO_E_RANGE},
        {{.privacy_mode = -1}, SOTTO_E_RANGE},
        {{.port_min = 5000, .port_max = 4999}, SOTTO_E_RANGE},
        {{.port_max = 4999}, SOTTO_E_RANGE},
        {{.port_min = 5000, .port_max = 5000}, 0},
        {{.max_message_size = SOTTO_MAX_MESSAGE}, 0},
        {{.max_message_size = SOTTO_MAX_MESSAGE + 1}, SOTTO_E_RANGE},
        {{.max_channels = 65534}, 0},
        {{.max_channels = 65535}, SOTTO_E_RANGE},
        {{.n_ice_servers = 1}, SOTTO_E_INVAL},
    };
    struct pc_config out;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sotto_pc_config cfg = rows[i].cfg;
        cfg.size = sizeof cfg;
        int r = sotto__config_read(&cfg, &out);
        if (r != rows[i].want) fail_msg("row %zu: %d", i, r);
    }
    assert_int_equal(sotto__config_read(NULL, &out), 0);
    assert_int_equal(out.peer.transport.streams_out, SOTTO_STREAMS_OUT);
    assert_int_equal(out.peer.transport.streams_in, 2 * SOTTO_STREAMS_OUT);
    assert_int_equal(out.peer.transport.max_message_size, SOTTO_DEFAULT_MESSAGE);
    assert_int_equal(out.peer.max_buffered, SOTTO_DEFAULT_BUFFERED);
}

/* proves: S17 */
static void sizes_and_tails_are_honoured(void **state)
{
    (void)state;
    struct {
        sotto_pc_config cfg;
        uint8_t tail[8];
    } big = {.cfg = {.size = sizeof big, .allow_loopback = true}};
    struct pc_config out;
    assert_int_equal(sotto__config_read(&big.cfg, &out), 0);
    assert_true(out.peer.transport.allow_loopback);
    big.tail[0] = 1;
    assert_int_equal(sotto__config_read(&big.cfg, &out), SOTTO_E_UNSUPPORTED);
    big.cfg.size = offsetof(sotto_pc_config, allow_loopback); /* an older program: no such field */
    assert_int_equal(sotto__config_read(&big.cfg, &out), 0);
    assert_false(out.peer.transport.allow_loopback);
    big.cfg.size--;
    assert_int_equal(sotto__config_read(&big.cfg, &out), SOTTO_E_INVAL);
    big.cfg.size = SOTTO_MAX_STRUCT + 1; /* never set: nothing behind it is read */
    assert_int_equal(sotto__config_read(&big.cfg, &out), SOTTO_E_INVAL);
}

static void the_first_servers_size_is_the_stride(void **state)
{
    (void)state;
    struct {
        sotto_ice_server s;
        uint8_t tail[16];
    } wide[2] = {{.s = {.size = sizeof wide[0], .url = "stun:192.0.2.1"}},
                 {.s = {.size = sizeof wide[0], .url = "stun:192.0.2.2:5"}}};
    sotto_pc_config cfg = {.size = sizeof cfg, .ice_servers = &wide[0].s, .n_ice_servers = 2};
    struct pc_config out;
    assert_int_equal(sotto__config_read(&cfg, &out), 0);
    assert_int_equal(out.peer.transport.n_servers, 2);
    assert_int_equal(out.servers[0].addr.port, 3478);
    assert_int_equal(out.servers[1].addr.port, 5);
    assert_string_equal(out.servers[1].url, "stun:192.0.2.2:5"); /* as it was written, copied */
    assert_ptr_not_equal(out.servers[1].url, wide[1].s.url);
    sotto__config_free(&out);
    wide[1].tail[3] = 1;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_UNSUPPORTED);
    wide[1].tail[3] = 0;
    wide[1].s.size = sizeof wide[1].s;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_INVAL);
    wide[0].s.size = 4;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_INVAL);
}

static void a_name_and_password_of_a_turn_server_are_bounded(void **state)
{
    (void)state;
    char longest[514];
    memset(longest, 'a', 513);
    longest[513] = '\0';
    sotto_ice_server s = {
        .size = sizeof s, .url = "turn:192.0.2.1", .username = longest + 1, .credential = "p"};
    sotto_pc_config cfg = {.size = sizeof cfg, .ice_servers = &s, .n_ice_servers = 1};
    struct pc_config out;
    assert_int_equal(sotto__config_read(&cfg, &out), 0);
    sotto__config_free(&out);
    s.username = longest;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_LIMIT);
    s.username = "u", s.credential = longest;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_LIMIT);
}

static void authorities_are_read_at_once_and_named_again(void **state)
{
    (void)state;
    char path[] = "/tmp/sotto-ca-XXXXXX", *pem;
    sotto_cert *cert;
    sotto_pc_config cfg = {.size = sizeof cfg, .ca_file = "/nowhere/ca.pem"};
    struct pc_config out;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_ACCESS);
    int fd = mkstemp(path);
    cfg.ca_file = path;
    assert_int_equal(sotto__config_read(&cfg, &out), SOTTO_E_ACCESS); /* it is empty */
    assert_int_equal(sotto_cert_generate(&cert), 0);
    assert_int_equal(sotto_cert_to_pem(cert, &pem), 0);
    assert_int_equal(write(fd, pem, strlen(pem)), (ssize_t)strlen(pem));
    assert_int_equal(sotto__config_read(&cfg, &out), 0);
    assert_string_equal(out.peer.transport.ca_file, path);
    sotto__config_free(&out);
    cfg.size = offsetof(sotto_pc_config, ca_file); /* an older program: no such field */
    assert_int_equal(sotto__config_read(&cfg, &out), 0);
    assert_null(out.peer.transport.ca_file);
    sotto_free(pem);
    sotto_cert_free(cert);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_urls),
        cmocka_unit_test(external_addresses_are_numeric_and_one_of_a_family),
        cmocka_unit_test(ranges_are_checked_and_zero_is_the_default),
        cmocka_unit_test(sizes_and_tails_are_honoured),
        cmocka_unit_test(authorities_are_read_at_once_and_named_again),
        cmocka_unit_test(the_first_servers_size_is_the_stride),
        cmocka_unit_test(a_name_and_password_of_a_turn_server_are_bounded),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
