/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that forks while it has calls: the child may use none of its parent's objects and harms none, and what it executes finds no
 * descriptor but 0, 1 and 2. In a network namespace of its own, with a TURN server, so that everything that opens one does.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../transport/coturn.h"
#include "../transport/tls_kit.h"
#include "call.h"

static const char *myself;

/* ---- what an executed program finds ---- */

/* This program, executed: 0 if it has only 0, 1 and 2 and the directory that it reads. */
static int list_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    const struct dirent *e;
    int n = 0;
    while (d && (e = readdir(d))) {
        char path[300], to[200];
        int fd = e->d_name[0] == '.' ? -1 : (int)strtol(e->d_name, NULL, 10);
        if (fd <= 2 || fd == dirfd(d)) continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(path, to, sizeof to - 1);
        to[len > 0 ? len : 0] = '\0';
        fprintf(stderr, "descriptor %d: %s\n", fd, to);
        n++;
    }
    closedir(d);
    return d && n == 0 ? 0 : 1;
}

static void executed_program_finds_none(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execl(myself, myself, "list", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static sotto_ctx *make_ctx(void)
{
    sotto_ctx_config cfg = {.size = sizeof cfg};
    sotto_ctx *ctx;
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    return ctx;
}

static void with_servers(enum ice_server_kind kind, const char *where, const char *query)
{
    struct ice_server s = coturn_server(kind, COTURN_PASSWORD);
    char url[64];
    snprintf(url, sizeof url, "%s:%u%s", where, s.addr.port, query);
    sotto_ice_server servers[2] = {
        {.size = sizeof servers[0], .url = url, .username = s.username, .credential = s.credential},
        {.size = sizeof servers[0], .url = "stun:stun.example.invalid"}};
    sotto_pc_config cfg = {.size = sizeof cfg,
                           .allow_loopback = true,
                           .ice_servers = servers,
                           .n_ice_servers = 2,
                           .privacy_mode = SOTTO_PRIVACY_DEFAULT_ROUTE,
                           .ca_file = tls_ca_file()};
    sotto_ctx *ctx = make_ctx();
    struct call c;
    call_new(&c, ctx, ctx);
    sotto_pc_free(c.a.pc);
    sotto_dc_free(c.a.dc);
    cfg.user = &c.a;
    assert_int_equal(sotto_pc_new(ctx, &cfg, &c.a.pc), 0);
    sotto_dc_config dc = {.size = sizeof dc, .user = &c.a};
    assert_int_equal(sotto_pc_create_data_channel(c.a.pc, "call", &dc, &c.a.dc), 0);
    assert_int_equal(sotto_pc_set_local_description(c.a.pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
    for (int i = 0; i < 20; i++) { /* while sockets come and go */
        bool never = false;
        call_run(&c, &never, 5);
        executed_program_finds_none();
    }
    call_connect(&c);
    executed_program_finds_none();
    call_free(&c);
    sotto_ctx_free(ctx);
}

/* proves: A15 */
static void nothing_is_inherited_by_what_is_executed(void **state)
{
    (void)state;
    with_servers(ICE_SERVER_TURN_UDP, "turn:127.0.0.1", "?transport=udp");
    with_servers(ICE_SERVER_TURN_TCP, "turn:127.0.0.1", "?transport=tcp");
    with_servers(ICE_SERVER_TURN_TLS, "turns:127.0.0.1", "?transport=tcp");
}

/* ---- a child that goes on with its parent's objects ---- */

#define EXPECT(call)                                                                               \
    do {                                                                                           \
        int got = (call);                                                                          \
        if (got != SOTTO_E_FORKED) {                                                               \
            fprintf(stderr, "%s: %d\n", #call, got);                                               \
            bad++;                                                                                 \
        }                                                                                          \
    } while (0)

static int try_connection(struct call *c, sotto_transceiver *t)
{
    int bad = 0;
    char *text;
    sotto_stats *stats;
    sotto_dc *dc;
    sotto_pc *pc = c->a.pc;
    sotto_transceiver *more;
    sotto_pc_config *cfg;
    sotto_sdp_type type;
    sotto_candidate cand = {.size = sizeof cand, .line = ""};
    sotto_transport_info info = {.size = sizeof info};
    sotto_frame frame = {.size = sizeof frame, .data = (const uint8_t *)"x", .len = 1};
    EXPECT(sotto_pc_create_offer(pc, NULL, &text));
    EXPECT(sotto_pc_create_answer(pc, &text));
    EXPECT(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL));
    EXPECT(sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, "v=0\r\n", NULL));
    EXPECT(sotto_pc_local_description(pc, 0, &type, &text));
    EXPECT(sotto_pc_remote_description(pc, 0, &type, &text));
    EXPECT(sotto_pc_add_ice_candidate(pc, &cand, NULL));
    EXPECT(sotto_pc_restart_ice(pc));
    EXPECT(sotto_pc_set_config(pc, NULL));
    EXPECT(sotto_pc_get_config(pc, &cfg));
    EXPECT(sotto_pc_get_transport(pc, &info));
    EXPECT(sotto_pc_can_trickle(pc));
    EXPECT(sotto_pc_set_reading(pc, false));
    EXPECT(sotto_pc_create_data_channel(pc, "x", NULL, &dc));
    EXPECT(sotto_pc_add_transceiver(pc, SOTTO_AUDIO, NULL, &more));
    EXPECT(sotto_pc_get_stats(pc, NULL, &stats));
    EXPECT(sotto_pc_get_stats_json(pc, &text));
    EXPECT(sotto_pc_explain(pc, &text));
    EXPECT(sotto_pc_explain_json(pc, &text));
    EXPECT(sotto_dc_send(c->a.dc, "x", 1, true));
    EXPECT(sotto_dc_close(c->a.dc));
    EXPECT(sotto_transceiver_send_frame(t, &frame));
    EXPECT(sotto_transceiver_set_direction(t, SOTTO_DIR_INACTIVE));
    EXPECT(sotto_transceiver_stop(t));
    return bad;
}

static int try_all(struct call *c, sotto_transceiver *t)
{
    sotto_event *e;
    sotto_pc *pc;
    int bad = try_connection(c, t);
    EXPECT(sotto_ctx_next(c->a.ctx, &e));
    EXPECT(sotto_ctx_next_many(c->a.ctx, &e, 1));
    EXPECT(sotto_ctx_wait(c->a.ctx, 0, &e));
    EXPECT(sotto_ctx_batch(c->a.ctx, true));
    EXPECT(sotto_ctx_post(c->a.ctx, 1, NULL));
    EXPECT(sotto_pc_new(c->a.ctx, NULL, &pc));
    sotto_pc_close(c->a.pc); /* these say nothing, and do nothing to the parent */
    sotto_dc_free(c->a.dc);
    sotto_pc_free(c->a.pc);
    sotto_ctx_free(c->a.ctx);
    return bad;
}

/* One of its own works: a child is not shut out. */
static int call_of_its_own(void)
{
    sotto_ctx *ctx = make_ctx();
    struct call c;
    call_new(&c, ctx, ctx);
    call_connect(&c);
    call_free(&c);
    sotto_ctx_free(ctx);
    return 0;
}

/* proves: A15 */
static void a_child_is_told_that_it_is_one_and_its_parent_is_not_touched(void **state)
{
    (void)state;
    sotto_ctx *ctx = make_ctx();
    sotto_transceiver *t;
    struct call c;
    int status = 0;
    call_new(&c, ctx, ctx);
    assert_int_equal(sotto_pc_add_transceiver(c.a.pc, SOTTO_AUDIO, NULL, &t), 0);
    call_connect(&c);
    pid_t child = fork();
    if (child == 0) _exit(try_all(&c, t) + call_of_its_own() == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    bool never = false;
    assert_int_equal(sotto_dc_send(c.a.dc, "still here", 10, true), 0);
    for (int i = 0; i < 1000 && c.b.n_messages == 0; i++) call_run(&c, &never, 10);
    assert_int_equal(c.b.n_messages, 1);
    assert_string_equal(c.b.last, "still here");
    call_free(&c);
    sotto_ctx_free(ctx);
}

static int begin(void **state)
{
    (void)state;
    tls_kit_start();
    struct coturn_with with = {.cert = tls_file(TLS_GOOD), .key = tls_key_file(TLS_GOOD)};
    return coturn_start_with(&with) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    coturn_stop();
    tls_kit_stop();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_inherited_by_what_is_executed),
        cmocka_unit_test(a_child_is_told_that_it_is_one_and_its_parent_is_not_touched),
    };
    if (argc == 2 && strcmp(argv[1], "list") == 0) return list_descriptors();
    myself = "/proc/self/exe";
    close_range(3, ~0u, 0); /* whoever started us may have left some open */
    return cmocka_run_group_tests_name("forks", tests, begin, end);
}
