/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `sotto demo`: serves a page that calls this program. One thread: a loop over the descriptors of the web server, of the context
 * and of the signals that end it. Calls are in demo_call.c, requests in demo_http.c, the page in page.html.
 */
#include "demo.h"

#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    const char *bind;
    uint16_t port;
    bool verbose;
    struct source_options from;
    struct demo_media media;
    bool e2ee;
    uint8_t key[DEMO_KEY];
};

static int usage(FILE *to)
{
    fputs(
        "usage: sotto demo [--port N] [--bind ADDRESS] [--camera DEVICE] [--file FILE]…\n"
        "                  [--record DIR] [--size WxH] [--fps N] [--e2ee] [--verbose]\n"
        "\n"
        "Serves a page that makes a peer connection to this program: open its address in a\n"
        "browser. It shows a moving picture with a clock and plays a beep each second, both\n"
        "made and encoded here, and can send the browser's camera and microphone back.\n"
        "\n"
        "  --port N         TCP port of the page (8080; 0: any free one)\n"
        "  --bind ADDRESS   where to listen (127.0.0.1). A numeric address of this machine.\n"
        "                   There is no password: whoever reaches the address can use the demo,\n"
        "                   sees the camera and fills the directory of --record.\n"
        "  --camera DEVICE  instead of the picture: a V4L2 camera, such as /dev/video0, that\n"
        "                   gives I420, NV12, YUYV or H.264\n"
        "  --file FILE      instead of the picture: H.264 (Annex B, without B-frames), or VP8,\n"
        "                   VP9 or AV1 in IVF; instead of the sound: Opus in Ogg. Again and again\n"
        "                   at its own speed. Once for each kind.\n"
        "  --record DIR     write what browsers send into files there: IVF, H.264 (Annex B),\n"
        "                   Ogg. Files that exist are left alone.\n"
        "  --size WxH       of the picture (640x360), and asked of a camera\n"
        "  --fps N          pictures a second (30)\n"
        "  --e2ee           seal picture and sound from end to end (SFrame), under a new key that\n"
        "                   is in the page's address behind the #, which a browser keeps\n"
        "  --verbose        what the library logs, on standard error\n"
        "  --help           this text\n"
        "\n"
        "GET / gives the page. POST /offer takes an offer and gives the answer with all\n"
        "candidates, both application/sdp. Requests that name another host or come from another\n"
        "site get 403.\n",
        to);
    return to == stdout ? 0 : 2;
}

/* Takes one option. Returns -1 to go on, else the exit code. */
static int take(struct options *o, int c)
{
    int32_t n;
    int r = options_source(&o->from, c, optarg);
    if (r != 3) return r;
    switch (c) {
    case 'h': return usage(stdout);
    case 'b': o->bind = optarg; return -1;
    case 'v': o->verbose = true; return -1;
    case 'e': o->e2ee = true; return -1;
    case 'r': o->media.record = optarg; return -1;
    case 'p':
        if (!options_number(optarg, 0, 65535, '\0', &n)) return options_wrong("port", optarg);
        o->port = (uint16_t)n;
        return -1;
    default: return usage(stderr);
    }
}

/* Returns -1 to go on, else the exit code. */
static int parse(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {SOURCE_OPTIONS,
                                          {"port", required_argument, NULL, 'p'},
                                          {"bind", required_argument, NULL, 'b'},
                                          {"record", required_argument, NULL, 'r'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"e2ee", no_argument, NULL, 'e'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c, code = -1;
    while (code < 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) code = take(o, c);
    return code < 0 && optind < argc ? usage(stderr) : code;
}

/* Opens what media comes from and goes to. Returns 0, or -1 with a sentence on standard error. */
static int open_media(struct options *o)
{
    if (options_open(&o->from) < 0) return -1;
    o->media.sources = &o->from.sources;
    if (o->media.record && mkdir(o->media.record, 0777) < 0 && errno != EEXIST) {
        fprintf(stderr, "sotto demo: %s: %s\n", o->media.record, strerror(errno));
        return -1;
    }
    return 0;
}

static bool is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
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

/* Serves until a signal comes. Returns the exit code. */
static int start(struct options *o, sotto_ctx *ctx, int signals)
{
    struct demo_calls *calls = demo_calls_new(ctx, is_loopback(o->bind), &o->media);
    struct demo_http *http = calls ? demo_http_new(o->bind, o->port, calls) : NULL;
    int code = 1;
    if (calls && o->e2ee) demo_calls_protect(calls, o->key);
    if (http) {
        bool v6 = strchr(o->bind, ':') != NULL;
        printf("sotto demo: http://%s%s%s:%u/%s", v6 ? "[" : "", o->bind, v6 ? "]" : "",
               demo_http_port(http), o->e2ee ? "#e2ee=" : "");
        for (size_t i = 0; i < DEMO_KEY && o->e2ee; i++) printf("%02x", o->key[i]);
        putchar('\n');
        fflush(stdout);
        code = serve(ctx, http, calls, signals);
    } else {
        fprintf(stderr, "sotto demo: cannot listen on %s port %u: %s\n", o->bind, o->port,
                errno ? strerror(errno) : "not a numeric address of this machine");
    }
    if (calls) demo_calls_end(calls);
    demo_http_free(http);
    free(calls);
    return code;
}

int tools_demo(int argc, char **argv)
{
    struct options o = {.bind = "127.0.0.1", .port = 8080, .from = SOURCE_DEFAULTS};
    sotto_ctx *ctx = NULL;
    int code = parse(argc, argv, &o), signals, r;
    if (code >= 0) return code;
    code = 1;
    signals = options_signals(false); /* before there are threads: they block these signals too */
    r = signals >= 0 && getrandom(o.key, sizeof o.key, 0) == (ssize_t)sizeof o.key
            ? tools_context(o.verbose, &ctx)
            : SOTTO_E_SYS;
    if (r < 0)
        fprintf(stderr, "sotto demo: cannot start: %s\n", sotto_strerror(r));
    else if (open_media(&o) == 0)
        code = start(&o, ctx, signals);
    sotto_ctx_free(ctx);
    options_close(&o.from);
    if (signals >= 0) close(signals);
    return code;
}
