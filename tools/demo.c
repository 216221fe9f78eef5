/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `sotto demo`: serves a page that calls this program. One thread: a loop over the descriptors of the web server, of the context
 * and of the signals that end it. Calls are in demo_call.c, requests in demo_http.c, the page in page.html.
 */
#include "demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct options {
    const char *bind;
    uint16_t port;
    bool verbose;
};

static int usage(FILE *to)
{
    fputs("usage: sotto demo [--port N] [--bind ADDRESS] [--verbose]\n"
          "\n"
          "Serves a page that makes a peer connection to this program: open its address in a "
          "browser.\n"
          "\n"
          "  --port N        TCP port of the page (8080; 0: any free one)\n"
          "  --bind ADDRESS  where to listen (127.0.0.1). A numeric address of this machine. There "
          "is no\n"
          "                  password: whoever reaches the address can use the demo.\n"
          "  --verbose       what the library logs, on standard error\n"
          "  --help          this text\n"
          "\n"
          "GET / gives the page. POST /offer takes an offer and gives the answer with all "
          "candidates,\n"
          "both application/sdp. Requests that name another host or come from another site get "
          "403.\n",
          to);
    return to == stdout ? 0 : 2;
}

/* Returns -1 to go on, else the exit code. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {{"port", required_argument, NULL, 'p'},
                                          {"bind", required_argument, NULL, 'b'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    char *end;
    int c;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 'h') return usage(stdout);
        if (c == 'b') o->bind = optarg;
        if (c == 'v') o->verbose = true;
        if (c == 'p') {
            unsigned long n = strtoul(optarg, &end, 10);
            if (*end || end == optarg || n > 65535) {
                fprintf(stderr, "sotto demo: '%s' is no port\n", optarg);
                return 2;
            }
            o->port = (uint16_t)n;
        }
        if (c == '?') return usage(stderr);
    }
    return optind == argc ? -1 : usage(stderr);
}

static bool is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static int signal_fd(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC) : -1;
}

/* How long poll may sleep: until the web server or a call has something to do. */
static int sleep_ms(const struct demo_http *http, sotto_us due)
{
    sotto_us left = due == INT64_MAX ? -1 : due - sotto_now();
    int ms = demo_http_timeout(http);
    if (due == INT64_MAX) return ms;
    left = left < 0 ? 0 : (left + 999) / 1000;
    return ms < 0 || left < ms ? (int)left : ms;
}

static int serve(sotto_ctx *ctx, struct demo_http *http, struct demo_calls *calls, int signals)
{
    struct pollfd fds[3] = {{.fd = demo_http_fd(http), .events = POLLIN},
                            {.fd = sotto_ctx_fd(ctx), .events = POLLIN},
                            {.fd = signals, .events = POLLIN}};
    sotto_us due = INT64_MAX;
    sotto_event *e;
    int r = 0;
    while (!fds[2].revents) {
        if (poll(fds, 3, sleep_ms(http, due)) < 0 && errno != EINTR) break;
        for (int i = 0; i < 256 && (r = sotto_ctx_next(ctx, &e)) == 1; i++)
            demo_calls_event(calls, e);
        if (r < 0) {
            fprintf(stderr, "sotto demo: no more events: %s\n", sotto_strerror(r));
            return 1;
        }
        demo_http_run(http); /* after the events: they may have answered a request that waits */
        due = demo_calls_tick(calls, sotto_now());
    }
    return 0;
}

int tools_demo(int argc, char **argv)
{
    struct options o = {.bind = "127.0.0.1", .port = 8080};
    struct demo_calls *calls = NULL;
    struct demo_http *http = NULL;
    sotto_ctx *ctx = NULL;
    int code = parse(argc, argv, &o), signals, r;
    if (code >= 0) return code;
    code = 1;
    signals = signal_fd();
    r = tools_context(o.verbose, &ctx);
    if (r >= 0) calls = demo_calls_new(ctx, is_loopback(o.bind));
    if (calls) http = demo_http_new(o.bind, o.port, calls);
    if (http && signals >= 0) {
        bool v6 = strchr(o.bind, ':') != NULL;
        printf("sotto demo: http://%s%s%s:%u/\n", v6 ? "[" : "", o.bind, v6 ? "]" : "",
               demo_http_port(http));
        fflush(stdout);
        code = serve(ctx, http, calls, signals);
    } else if (r < 0) {
        fprintf(stderr, "sotto demo: cannot start: %s\n", sotto_strerror(r));
    } else {
        fprintf(stderr, "sotto demo: cannot listen on %s port %u: %s\n", o.bind, o.port,
                errno ? strerror(errno) : "not a numeric address of this machine");
    }
    if (calls) demo_calls_end(calls);
    demo_http_free(http);
    free(calls);
    sotto_ctx_free(ctx);
    if (signals >= 0) close(signals);
    return code;
}
