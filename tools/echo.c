/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `sotto echo`: one peer connection, signaled by standard input and output, that sends every message back.
 * In: an SDP offer up to end of file, or with --offer an answer up to end of file or an empty line. Out: the complete SDP with
 * all candidates, ended by an empty line. Exit code: 0 the remote closed the connection, 1 a failure, 2 wrong arguments.
 */
#include "tools.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
    sotto_ctx *ctx;
    struct echo echo;
    bool offer, loopback, verbose, explain;
    bool written; /* our description */
    bool over;
    int code;    /* of the process */
    char *input; /* room for TOOLS_MAX_SDP bytes, one too many, and a NUL */
    size_t n_input;
};

static void usage(FILE *to)
{
    fputs(
        "usage: sotto echo [--offer] [--loopback] [--explain] [--verbose]\n"
        "\n"
        "Reads an SDP offer from standard input up to end of file, writes the answer with all\n"
        "candidates to standard output, ended by an empty line, and then sends every message of\n"
        "every data channel back until the remote closes the connection.\n"
        "\n"
        "  --offer     open a channel labelled \"echo\", write an offer, then read the answer\n"
        "              (up to end of file or an empty line)\n"
        "  --loopback  also use 127.0.0.1 and ::1\n"
        "  --explain   at each change of state, how far the connection is and what it waits\n"
        "              for, on standard error; after a failure that is always written\n"
        "  --verbose   what the library logs, on standard error\n"
        "  --help      this text\n"
        "\n"
        "Exit code: 0 after the remote closed the connection; 1 after a failure, with its reason\n"
        "on standard error; 2 wrong arguments.\n",
        to);
}

static void fail(struct run *x, const char *what, int code, const sotto_error *err)
{
    if (x->over) return;
    if (err && err->reason[0] && err->line > 0)
        fprintf(stderr, "sotto echo: %s: line %d: %s\n", what, err->line, err->reason);
    else
        fprintf(stderr, "sotto echo: %s: %s\n", what,
                err && err->reason[0] ? err->reason : sotto_strerror(code));
    x->code = 1;
    x->over = true;
}

/* Once gathering is complete the description holds every candidate. */
static void write_description(struct run *x)
{
    char *sdp = NULL;
    int r = sotto_pc_local_description(x->echo.pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp);
    x->written = true;
    if (r != 1)
        fail(x, "no description", r, NULL);
    else if (printf("%s\n", sdp) < 0 || fflush(stdout) != 0)
        fail(x, "standard output cannot be written", SOTTO_E_SYS, NULL);
    sotto_free(sdp);
}

static void on_state(struct run *x, const sotto_event *e)
{
    if (!x->written && e->u.state.gathering == SOTTO_GATHERING_COMPLETE) write_description(x);
    if (e->u.state.connection == SOTTO_CONNECTION_CLOSED) x->over = true;
    if (e->u.state.connection == SOTTO_CONNECTION_FAILED)
        fail(x, "the connection failed", SOTTO_E_NETWORK, NULL);
    if (e->u.state.connection == SOTTO_CONNECTION_FAILED || x->explain) tools_explain(x->echo.pc);
}

static void on_event(struct run *x, sotto_event *e)
{
    bool kept = false;
    switch (e->type) {
    case SOTTO_EV_STATE: on_state(x, e); break;
    case SOTTO_EV_MESSAGE: kept = echo_message(&x->echo, e); break;
    case SOTTO_EV_WRITABLE: echo_retry(&x->echo); break;
    case SOTTO_EV_CLOSED:
        echo_retry(&x->echo);
        sotto_dc_free(e->u.channel.dc);
        break;
    case SOTTO_EV_WARNING: fprintf(stderr, "sotto echo: warning: %s\n", e->u.warning.text); break;
    default: break;
    }
    if (!kept) sotto_event_free(e);
}

/* One piece of standard input. Returns whether it ended, by end of file or by an empty line after text. */
static bool read_some(struct run *x)
{
    ssize_t n = read(STDIN_FILENO, x->input + x->n_input, TOOLS_MAX_SDP + 1 - x->n_input);
    if (n < 0) fail(x, "standard input cannot be read", SOTTO_E_SYS, NULL);
    if (n <= 0) return true;
    x->n_input += (size_t)n;
    x->input[x->n_input] = '\0';
    if (x->n_input > TOOLS_MAX_SDP) fail(x, "the description is too long", SOTTO_E_LIMIT, NULL);
    return x->over || strstr(x->input, "\n\n") || strstr(x->input, "\n\r\n");
}

static void read_answer(struct run *x)
{
    sotto_error err = {.size = sizeof err};
    int r;
    if (!read_some(x) || x->over) return;
    for (char *p = x->input; (p = strchr(p, '\n')); p++)
        if (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n')) p[1] = '\0';
    r = sotto_pc_set_remote_description(x->echo.pc, SOTTO_SDP_ANSWER, x->input, &err);
    x->offer = false; /* no more to be read */
    if (r < 0) fail(x, "the answer", r, &err);
}

/* Waits for events, and with --offer for the answer too. */
static void loop(struct run *x)
{
    struct pollfd fds[2] = {{.fd = sotto_ctx_fd(x->ctx), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    sotto_event *e;
    int r;
    while (!x->over) {
        poll(fds, x->offer && x->written ? 2 : 1, -1);
        if (x->offer && x->written && fds[1].revents) read_answer(x);
        while (!x->over && (r = sotto_ctx_next(x->ctx, &e)) != 0) {
            if (r < 0)
                fail(x, "no more events", r, NULL);
            else
                on_event(x, e);
        }
    }
}

static void start(struct run *x)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = x->loopback};
    sotto_error err = {.size = sizeof err};
    sotto_dc *dc; /* freed with its connection, or at its CLOSED */
    int r = tools_context(x->verbose, &x->ctx);
    if (r >= 0) r = sotto_pc_new(x->ctx, &cfg, &x->echo.pc);
    if (r >= 0 && x->offer) r = sotto_pc_create_data_channel(x->echo.pc, "echo", NULL, &dc);
    if (r < 0) {
        fail(x, "cannot start", r, NULL);
        return;
    }
    if (!x->offer) {
        while (x->n_input <= TOOLS_MAX_SDP) {
            ssize_t n = read(STDIN_FILENO, x->input + x->n_input, TOOLS_MAX_SDP + 1 - x->n_input);
            if (n <= 0) break;
            x->n_input += (size_t)n;
        }
        r = sotto_pc_set_remote_description(x->echo.pc, SOTTO_SDP_OFFER, x->input, &err);
        if (r < 0) fail(x, "the offer", r, &err);
    }
    if (!x->over) r = sotto_pc_set_local_description(x->echo.pc, SOTTO_SDP_IMPLICIT, NULL, &err);
    if (r < 0) fail(x, "the description", r, &err);
    if (r < 0 && x->echo.pc) tools_explain(x->echo.pc);
}

int tools_echo(int argc, char **argv)
{
    struct run x = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--offer") == 0) {
            x.offer = true;
        } else if (strcmp(argv[i], "--loopback") == 0) {
            x.loopback = true;
        } else if (strcmp(argv[i], "--explain") == 0) {
            x.explain = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            x.verbose = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            return 0;
        } else {
            fprintf(stderr, "sotto echo: unknown argument '%s'\n", argv[i]);
            usage(stderr);
            return 2;
        }
    }
    x.input = calloc(1, TOOLS_MAX_SDP + 2);
    if (!x.input) {
        fail(&x, "cannot start", SOTTO_E_NOMEM, NULL);
        return x.code;
    }
    start(&x);
    if (!x.over) loop(&x);
    if (x.echo.refused > 0)
        fprintf(stderr, "sotto echo: %llu messages were longer than the remote accepts\n",
                (unsigned long long)x.echo.refused);
    echo_free(&x.echo);
    sotto_ctx_free(x.ctx);
    free(x.input);
    return x.code;
}
