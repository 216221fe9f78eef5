/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that executes others while it has calls: they find no descriptor but 0, 1 and 2. In a network namespace of its own, with a
 * TURN server, so that everything that opens one does. What a child may do with its parent's objects is in test_forked.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../transport/coturn_tls.h"
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_inherited_by_what_is_executed),
    };
    if (argc == 2 && strcmp(argv[1], "list") == 0) return list_descriptors();
    myself = "/proc/self/exe";
    close_range(3, ~0u, 0); /* whoever started us may have left some open */
    return cmocka_run_group_tests_name("forks", tests, coturn_tls_start, coturn_tls_stop);
}
