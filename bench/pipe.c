/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to another process. Signaling lines on standard output and input: "D\t<offer|answer>\t<sdp, newlines as \n>"
 * and "C\t<mid>\t<candidate>". The context has no thread: the measuring loop runs it, so that there are no hand-offs.
 */
#include "bench.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_US 15000000

static char input[1 << 20];
static size_t n_input;

static void write_sdp(const char *type, const char *sdp)
{
    printf("D\t%s\t", type);
    for (const char *p = sdp; *p; p++) {
        if (*p == '\n')
            fputs("\\n", stdout);
        else if (*p != '\r')
            putchar(*p);
    }
    putchar('\n');
    fflush(stdout);
}

static void describe(struct bench_link *l, const char *type)
{
    char *sdp = NULL;
    bench_check(sotto_pc_set_local_description(l->pc, SOTTO_SDP_IMPLICIT, NULL, NULL),
                "local description");
    bench_check(sotto_pc_local_description(l->pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp), "description");
    write_sdp(type, sdp);
    sotto_free(sdp);
}

static void on_line(struct bench_link *l, char *line)
{
    char *second = strchr(line, '\t'), *third = second ? strchr(second + 1, '\t') : NULL;
    sotto_error err = {.size = sizeof err};
    int r;
    if (!third) return;
    *third++ = '\0';
    second++;
    if (line[0] == 'C') {
        sotto_candidate c = {.size = sizeof c, .line = third, .mid = second};
        if (strncmp(third, "a=", 2) == 0) c.line = third + 2;
        bench_check(sotto_pc_add_ice_candidate(l->pc, &c, NULL), "candidate");
    } else if (line[0] == 'D') {
        char *to = third;
        for (const char *p = third; *p; p++) {
            bool newline = p[0] == '\\' && p[1] == 'n';
            *to++ = newline ? '\n' : *p;
            p += newline;
        }
        *to = '\0';
        r = sotto_pc_set_remote_description(
            l->pc, *second == 'o' ? SOTTO_SDP_OFFER : SOTTO_SDP_ANSWER, third, &err);
        bench_check(r, err.reason[0] ? err.reason : "remote description");
        if (*second == 'o') describe(l, "answer");
    }
}

static void read_lines(struct bench_link *l)
{
    ssize_t n = read(STDIN_FILENO, input + n_input, sizeof input - 1 - n_input);
    char *start = input, *end;
    if (n <= 0) exit(1); /* the other side is gone */
    n_input += (size_t)n;
    input[n_input] = '\0';
    while ((end = strchr(start, '\n'))) {
        *end = '\0';
        on_line(l, start);
        start = end + 1;
    }
    n_input -= (size_t)(start - input);
    memmove(input, start, n_input);
}

static void on_event(struct bench_link *l, const sotto_event *e)
{
    if (e->type == SOTTO_EV_CANDIDATE && e->u.candidate.line[0]) {
        printf("C\t%s\t%s\n", e->u.candidate.mid, e->u.candidate.line);
        fflush(stdout);
    } else if (e->type == SOTTO_EV_CHANNEL) {
        l->dc = e->u.channel.dc;
    } else if (e->type == SOTTO_EV_TRACK) {
        l->video = e->u.track.transceiver;
    } else if (e->type == SOTTO_EV_OPEN) {
        l->open = true;
    } else if (e->type == SOTTO_EV_STATE && e->u.state.connection == SOTTO_CONNECTION_CONNECTED) {
        l->open = l->video != NULL;
    } else if (e->type == SOTTO_EV_STATE && e->u.state.connection == SOTTO_CONNECTION_FAILED) {
        bench_check(SOTTO_E_NETWORK, "connection");
    }
}

static void add(struct bench_link *l, bool media)
{
    sotto_transceiver_config cfg = {.size = sizeof cfg, .direction = SOTTO_DIR_SENDONLY};
    if (media)
        bench_check(sotto_pc_add_transceiver(l->pc, SOTTO_VIDEO, &cfg, &l->video), "transceiver");
    else
        bench_check(sotto_pc_create_data_channel(l->pc, "b", NULL, &l->dc), "channel");
}

static sotto_event *taken(struct bench_link *l, int r, sotto_event *e)
{
    if (r < 0) bench_check(r, "wait");
    if (r == 0) return NULL;
    if (e->type == SOTTO_EV_CLOSED ||
        (e->type == SOTTO_EV_STATE && e->u.state.connection >= SOTTO_CONNECTION_FAILED)) {
        sotto_event_free(e);
        sotto_ctx_free(l->ctx);
        exit(0); /* the other side is done */
    }
    return e;
}

sotto_event *bench_next_event(struct bench_link *l, sotto_us end)
{
    sotto_us left = end - sotto_now();
    sotto_event *e = NULL;
    int r = sotto_ctx_wait(l->ctx, left > 0 ? left : 0, &e);
    return taken(l, r, e);
}

sotto_event *bench_more_event(struct bench_link *l)
{
    sotto_event *e = NULL;
    int r = sotto_ctx_next(l->ctx, &e);
    return taken(l, r, e);
}

void bench_link_open(struct bench_link *l, bool offers, bool media)
{
    sotto_ctx_config ctx = {.size = sizeof ctx, .no_thread = true};
    sotto_pc_config cfg = {.size = sizeof cfg};
    const char *high = getenv("HIGH");
    sotto_us end = sotto_now() + CONNECT_US;
    sotto_event *e;
    ctx.no_fast_path = getenv("SOTTO_NO_FAST_PATH") != NULL; /* for comparison */
    if (high) cfg.max_buffered_bytes = (uint32_t)bench_number(high, 1, 1L << 30);
    bench_check(sotto_ctx_new(&ctx, &l->ctx), "context");
    bench_check(sotto_pc_new(l->ctx, &cfg, &l->pc), "connection");
    if (offers) {
        add(l, media);
        describe(l, "offer");
    }
    while (!l->open) {
        struct pollfd fds[2] = {{.fd = sotto_ctx_fd(l->ctx), .events = POLLIN},
                                {.fd = STDIN_FILENO, .events = POLLIN}};
        poll(fds, 2, 100);
        if (fds[1].revents) read_lines(l);
        bench_check(sotto_ctx_run(l->ctx, 0), "turn");
        while (!l->open && sotto_ctx_next(l->ctx, &e) == 1) {
            on_event(l, e);
            sotto_event_free(e);
        }
        if (sotto_now() > end) bench_check(SOTTO_E_NETWORK, "not connected in time");
    }
}
