/* SPDX-License-Identifier: BSD-2-Clause */
/* See coturn.h. */
#include "coturn.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TURNSERVER "/usr/bin/turnserver"
#define USER "sotto"

static pid_t server;
static uint16_t server_port, tls_port;

int coturn_socket(int type, uint16_t *ret_port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof where;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
    *ret_port = ntohs(where.sin_port);
    return fd;
}

#define MAX_ARGS 32

struct args {
    char text[MAX_ARGS][128];
    char *at[MAX_ARGS + 1];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct args *a, const char *fmt, ...)
{
    va_list ap;
    if (a->n == MAX_ARGS) _exit(126);
    va_start(ap, fmt);
    vsnprintf(a->text[a->n], sizeof a->text[0], fmt, ap);
    va_end(ap);
    a->at[a->n] = a->text[a->n];
    a->at[++a->n] = NULL;
}

static void run_server(const struct coturn_with *with)
{
    static const char *const always[] = {TURNSERVER,
                                         "-n",
                                         "--no-cli",
                                         "--no-dtls",
                                         "--listening-ip=127.0.0.1",
                                         "--relay-ip=127.0.0.1",
                                         "--allow-loopback-peers",
                                         "--lt-cred-mech",
                                         "--realm=test",
                                         "--log-file=/dev/null",
                                         "--pidfile=/dev/null",
                                         "--relay-threads=1"};
    static struct args a;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves no server */
    int null = open("/dev/null", O_RDWR);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) add(&a, "%s", always[i]);
    add(&a, "--listening-port=%u", server_port);
    if (with->cert) {
        add(&a, "--tls-listening-port=%u", tls_port);
        add(&a, "--cert=%s", with->cert);
        add(&a, "--pkey=%s", with->key);
    } else {
        add(&a, "--no-tls");
    }
    add(&a, "--userdb=%s", with->has_secret ? ":memory:" : "/dev/null"); /* secrets may stand there, too: it must be one */
    if (with->has_secret) {
        add(&a, "--use-auth-secret");
        add(&a, "--static-auth-secret=%s", COTURN_SECRET);
    } else {
        add(&a, "--user=%s:%s", USER, COTURN_PASSWORD);
    }
    dup2(null, 0), dup2(null, 1), dup2(null, 2);
    execv(TURNSERVER, a.at);
    _exit(127);
}

static bool server_answers(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_port = htons(port);
    bool ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return ok;
}

bool coturn_start(void)
{
    static const struct coturn_with plain = {.cert = NULL};
    return coturn_start_with(&plain);
}

bool coturn_start_with(const struct coturn_with *with)
{
    if (access(TURNSERVER, X_OK) != 0) {
        print_error("%s is missing: install Debian's package coturn\n", TURNSERVER);
        return false;
    }
    int first = coturn_socket(SOCK_STREAM, &server_port);
    close(coturn_socket(SOCK_STREAM, &tls_port));
    close(first);
    server = fork();
    if (server == 0) run_server(with);
    for (int i = 0; i < 500; i++) {
        if (server_answers(server_port) && (!with->cert || server_answers(tls_port))) return true;
        if (waitpid(server, NULL, WNOHANG) == server) break;
        poll(NULL, 0, 20);
    }
    print_error("%s did not start on port %u\n", TURNSERVER, server_port);
    return false;
}

void coturn_stop(void)
{
    if (server <= 0) return;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    server = 0;
}

struct ice_server coturn_server(enum ice_server_kind kind, const char *credential)
{
    static char user[] = USER, word[64];
    snprintf(word, sizeof word, "%s", credential ? credential : "");
    uint16_t port = kind == ICE_SERVER_TURN_TLS ? tls_port : server_port;
    return (struct ice_server){.kind = kind,
                               .addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = port},
                               .username = user,
                               .credential = word};
}
