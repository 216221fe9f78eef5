/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Much data in one go over each of the three ways of a datagram: past libnice, through it, and over a relay of a real TURN server. Every
 * byte is checked, and the memory stays flat. SOTTO_LONG=1: 10 GB each, else 30 MB. The argument, if there is one, is the test to run.
 */
#include <unistd.h>

#include "../transport/coturn_tls.h"
#include "api/ctx.h"
#include "call.h"
#include "peer/private.h"
#include "util/mem.h"

enum { LARGEST = 200000 };

static uint64_t total(void)
{
    return getenv("SOTTO_LONG") ? 10000000000u : 30000000u;
}

/* The bytes at a place of the stream that is sent: any loss, repetition or exchange shows. */
static void fill(uint64_t at, uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (at + i) * 0x9e3779b97f4a7c15u;
        words[i] = x ^ x >> 29;
    }
}

static size_t length_of(uint64_t message)
{
    static const size_t lengths[] = {65536, 8, 1000, 16384, LARGEST, 1200, 64, 40000};
    return lengths[message % (sizeof lengths / sizeof *lengths)];
}

struct stream {
    uint64_t messages, bytes;
    uint64_t words[LARGEST / 8];
};

static void check(struct stream *in, const sotto_event *e)
{
    size_t n = length_of(in->messages++);
    assert_int_equal(e->u.message.len, n);
    fill(in->bytes / 8, in->words, n / 8);
    assert_memory_equal(e->u.message.data, in->words, n);
    in->bytes += n;
}

static void send_some(struct call *c, struct stream *out)
{
    int r = 0;
    assert_int_equal(sotto_ctx_batch(c->a.ctx, true), 0);
    for (int i = 0; i < 64 && out->bytes < total() && r == 0; i++) {
        size_t n = length_of(out->messages);
        fill(out->bytes / 8, out->words, n / 8);
        r = sotto_dc_send(c->a.dc, out->words, n, false);
        assert_true(r == 0 || r == SOTTO_E_AGAIN);
        if (r == 0) out->messages++, out->bytes += n;
    }
    assert_int_equal(sotto_ctx_batch(c->a.ctx, false), 0);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
#define SANITIZED 1 /* what was freed stays resident for a while */
#else
#define SANITIZED 0
#endif

struct memory {
    int64_t blocks;
    long resident_kib;
};

static struct memory look(void)
{
    struct memory m = {.blocks = sotto__mem_live()};
    long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
    fclose(file);
    m.resident_kib = resident * (sysconf(_SC_PAGESIZE) / 1024);
    return m;
}

/* Since a tenth had come. */
static void assert_flat(const struct memory *then, sotto_us begin)
{
    struct memory now = look();
    double s = (double)(sotto_now() - begin) / 1e6;
    print_message("%.0f MB in %.1f s: %.1f MB/s; %lld blocks of memory, %lld at a tenth; resident "
                  "memory grew by %ld KiB\n",
                  (double)total() / 1e6, s, (double)total() / 1e6 / s, (long long)now.blocks,
                  (long long)then->blocks, now.resident_kib - then->resident_kib);
    assert_true(now.blocks <= then->blocks + 20);
    if (!SANITIZED) assert_true(now.resident_kib - then->resident_kib < 8192);
}

static void all_arrives(struct call *c)
{
    struct memory then = {0};
    struct stream *out = calloc(1, sizeof *out), *in = calloc(1, sizeof *in);
    sotto_us begin = sotto_now(), deadline = begin + 60000000;
    assert_non_null(out);
    assert_non_null(in);
    while (in->bytes < total()) {
        uint64_t before = in->bytes;
        sotto_event *e;
        send_some(c, out);
        for (int i = 0; i < 64 && sotto_ctx_wait(c->a.ctx, i == 0 ? 1000 : 0, &e) == 1; i++) {
            if (e->type == SOTTO_EV_MESSAGE) check(in, e);
            call_event(e);
        }
        if (in->bytes > before) deadline = sotto_now() + 60000000;
        if (then.blocks == 0 && in->bytes > total() / 10) then = look();
        assert_true(sotto_now() < deadline);
        assert_false(c->a.closed || c->b.closed);
    }
    assert_int_equal(in->messages, out->messages);
    assert_flat(&then, begin);
    free(out);
    free(in);
}

static enum candidate_type type_of_pair(const sotto_pc *pc)
{
    struct ice_pair pair = {.rtt = 0};
    assert_true(sotto__transport_pair(&pc->peer->transport, &pair));
    return pair.local.type;
}

static sotto_ctx *make(bool no_fast_path)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true, .no_fast_path = no_fast_path};
    sotto_ctx *ctx;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    return ctx;
}

static void over_a_direct_path(bool no_fast_path)
{
    sotto_ctx *ctx = make(no_fast_path);
    struct call c;
    call_new(&c, ctx, ctx);
    call_connect(&c);
    assert_int_not_equal(type_of_pair(c.a.pc), CANDIDATE_RELAY);
    all_arrives(&c);
    call_free(&c);
    sotto_ctx_free(ctx);
}

static void past_libnice(void **state)
{
    (void)state;
    over_a_direct_path(false);
}

static void through_libnice(void **state)
{
    (void)state;
    over_a_direct_path(true);
}

/* Of the pair in use: the statistics and the explanation say how the relay is reached. */
static void is_told(sotto_pc *pc, const char *protocol)
{
    char *json, *text, want[40];
    snprintf(want, sizeof want, "\"relayProtocol\":\"%s\"", protocol);
    assert_int_equal(sotto_pc_get_stats_json(pc, &json), 0);
    assert_int_equal(sotto_pc_explain(pc, &text), 0);
    if (!strstr(json, want)) fail_msg("no %s in %s", want, json);
    assert_non_null(strstr(text, "Connected (relay "));
    sotto_free(json);
    sotto_free(text);
}

static void over_relays(enum ice_server_kind kind, const char *where, const char *query)
{
    struct ice_server s = coturn_server(kind, COTURN_PASSWORD);
    char url[64];
    snprintf(url, sizeof url, "%s:%u%s", where, s.addr.port, query);
    sotto_ice_server server = {
        .size = sizeof server, .url = url, .username = s.username, .credential = s.credential};
    sotto_pc_config cfg = {.size = sizeof cfg,
                           .allow_loopback = true,
                           .ice_servers = &server,
                           .n_ice_servers = 1,
                           .ice_transport_policy = SOTTO_ICE_POLICY_RELAY,
                           .ca_file = tls_ca_file()};
    sotto_ctx *ctx = make(false);
    struct call c;
    call_new(&c, ctx, ctx);
    assert_int_equal(sotto_pc_set_config(c.a.pc, &cfg), 0);
    assert_int_equal(sotto_pc_set_config(c.b.pc, &cfg), 0);
    call_connect(&c);
    assert_int_equal(type_of_pair(c.a.pc), CANDIDATE_RELAY);
    is_told(c.a.pc, kind == ICE_SERVER_TURN_TLS   ? "tls"
                    : kind == ICE_SERVER_TURN_TCP ? "tcp"
                                                  : "udp");
    all_arrives(&c);
    call_free(&c);
    sotto_ctx_free(ctx);
}

/* proves: S23 */
static void over_a_relay(void **state)
{
    (void)state;
    over_relays(ICE_SERVER_TURN_UDP, "turn:127.0.0.1", "?transport=udp");
}

/* proves: S23 */
static void over_a_relay_by_tcp(void **state)
{
    (void)state;
    over_relays(ICE_SERVER_TURN_TCP, "turn:127.0.0.1", "?transport=tcp");
}

/* proves: S23 */
static void over_a_relay_by_tls(void **state)
{
    (void)state;
    over_relays(ICE_SERVER_TURN_TLS, "turns:localhost", "");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_libnice),        cmocka_unit_test(through_libnice),
        cmocka_unit_test(over_a_relay),        cmocka_unit_test(over_a_relay_by_tcp),
        cmocka_unit_test(over_a_relay_by_tls),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("paths", tests, coturn_tls_start, coturn_tls_stop);
}
