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
static uint16_t server_port;

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

static void run_server(void)
{
    char port[32], login[64], config[] = "-n";
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves no server */
    int null = open("/dev/null", O_RDWR);
    snprintf(port, sizeof port, "--listening-port=%u", server_port);
    snprintf(login, sizeof login, "--user=%s:%s", USER, COTURN_PASSWORD);
    dup2(null, 0), dup2(null, 1), dup2(null, 2);
    execl(TURNSERVER, TURNSERVER, config, "--no-cli", "--no-tls", "--no-dtls",
          "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--allow-loopback-peers",
          "--lt-cred-mech", "--realm=test", login, port, "--log-file=/dev/null",
          "--pidfile=/dev/null", "--userdb=/dev/null", "--relay-threads=1", (char *)NULL);
    _exit(127);
}

static bool server_answers(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_port = htons(server_port);
    bool ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return ok;
}

bool coturn_start(void)
{
    if (access(TURNSERVER, X_OK) != 0) {
        print_error("%s is missing: install Debian's package coturn\n", TURNSERVER);
        return false;
    }
    close(coturn_socket(SOCK_STREAM, &server_port));
    server = fork();
    if (server == 0) run_server();
    for (int i = 0; i < 500; i++) {
        if (server_answers()) return true;
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
    return (struct ice_server){.kind = kind,
                               .addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = server_port},
                               .username = user,
                               .credential = word};
}
