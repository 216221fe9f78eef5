/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of WHIP or WHEP for test/whip/suite.py: publishes a made-up picture and silence, or plays. Arguments: publish|play URL, then
 * name=value: token, ca, pin, proxy, attempts, first, longest, server, simulcast (anything), and the times of struct whip_times in ms.
 * Standard output: a line for each piece of news, "frames AUDIO VIDEO" ten times a second where something came. Standard input:
 * "token T", "stop", "retry", "restart", "quit".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "extra/whip_priv.h"
#include "sotto/sotto.h"
#include "util/time.h"

static struct client {
    sotto_ctx *ctx;
    sotto_whip *w;
    sotto_whip_config cfg;
    sotto_pc_config pc;
    sotto_ice_server server;
    sotto_encoding encodings[2];
    struct whip_times times; /* those that are not 0 */
    sotto_transceiver *audio, *video;
    bool is_play, is_over, has_key;
    long n_audio, n_video;
} c;

static const char *const names[] = {"",           "new",      "connecting", "connected",
                                    "restarting", "retrying", "refused",    "ended"};

static void read_argument(char *text)
{
    char *value = strchr(text, '=');
    if (!value) exit(2);
    *value++ = '\0';
    sotto_us ms = SOTTO_MS(strtol(value, NULL, 10));
    if (!strcmp(text, "token")) c.cfg.token = value;
    if (!strcmp(text, "ca")) c.cfg.ca_file = value;
    if (!strcmp(text, "pin")) c.cfg.pin = value;
    if (!strcmp(text, "proxy")) c.cfg.proxy = value;
    if (!strcmp(text, "attempts")) c.cfg.attempts = (uint32_t)strtoul(value, NULL, 10);
    if (!strcmp(text, "first")) c.cfg.first = ms;
    if (!strcmp(text, "longest")) c.cfg.longest = ms;
    if (!strcmp(text, "server")) {
        c.server = (sotto_ice_server){.size = sizeof c.server, .url = value};
        c.pc.ice_servers = &c.server;
        c.pc.n_ice_servers = 1;
    }
    if (!strcmp(text, "simulcast")) {
        c.encodings[0] = (sotto_encoding){.size = sizeof *c.encodings, .rid = "hi"};
        c.encodings[1] = (sotto_encoding){.size = sizeof *c.encodings, .rid = "lo"};
        c.cfg.encodings = c.encodings;
        c.cfg.n_encodings = 2;
    }
    if (!strcmp(text, "request")) c.times.request = ms;
    if (!strcmp(text, "gather")) c.times.gather = ms;
    if (!strcmp(text, "connect")) c.times.connect = ms;
    if (!strcmp(text, "patience")) c.times.patience = ms;
    if (!strcmp(text, "stop")) c.times.stop = ms;
    if (!strcmp(text, "calm")) c.times.calm = ms;
}

static void set_times(void)
{
    const struct whip_times *t = &c.times;
    if (t->request) c.w->times.request = t->request;
    if (t->gather) c.w->times.gather = t->gather;
    if (t->connect) c.w->times.connect = t->connect;
    if (t->patience) c.w->times.patience = t->patience;
    if (t->stop) c.w->times.stop = t->stop;
    if (t->calm) c.w->times.calm = t->calm;
}

static void take_news(void)
{
    sotto_whip_news n = {.size = sizeof n};
    while (sotto_whip_next(c.w, &n) == 1) {
        printf("news %s %d %d %lld %s\n", names[n.state], n.error, n.status,
               (long long)(n.wait / 1000), n.reason);
        c.audio = n.state == SOTTO_WHIP_CONNECTED ? n.audio : NULL;
        c.video = n.state == SOTTO_WHIP_CONNECTED ? n.video : NULL;
        c.has_key = false;
        if (n.state == SOTTO_WHIP_ENDED) c.is_over = true;
    }
}

static void send_frames(void)
{
    static uint8_t picture[4000] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00};
    static const uint8_t silence[] = {0xf8, 0xff, 0xfe};
    sotto_frame f = {.size = sizeof f, .data = silence, .len = sizeof silence};
    if (c.is_play) return;
    if (c.audio) sotto_transceiver_send_frame(c.audio, &f);
    f = (sotto_frame){.size = sizeof f, .data = picture, .len = sizeof picture, .is_key = true};
    for (size_t i = 0; c.video && (i == 0 || i < c.cfg.n_encodings); i++) {
        f.rid = c.encodings[i].rid; /* NULL without simulcast */
        sotto_transceiver_send_frame(c.video, &f);
    }
}

static void take_event(sotto_event *e)
{
    sotto_whip_handle(c.w, e);
    if (e->type == SOTTO_EV_FRAME && sotto_transceiver_kind(e->u.frame.transceiver) == SOTTO_AUDIO)
        c.n_audio++;
    else if (e->type == SOTTO_EV_FRAME)
        c.n_video++;
    sotto_event_free(e);
}

static void take_command(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (!strncmp(line, "token ", 6)) sotto_whip_set_token(c.w, line + 6);
    if (!strcmp(line, "stop")) sotto_whip_stop(c.w);
    if (!strcmp(line, "retry")) sotto_whip_retry(c.w);
    if (!strcmp(line, "restart")) c.w->wants_restart = true;
    if (!strcmp(line, "quit")) c.is_over = true;
}

static void loop(void)
{
    char text[8192];
    long told = 0;
    sotto_us next = 0, tell = 0;
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    while (!c.is_over) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = sotto_ctx_fd(c.ctx), .events = POLLIN}};
        sotto_event *e;
        poll(fds, 2, 20);
        if (fds[0].revents) {
            ssize_t n = read(STDIN_FILENO, text, sizeof text - 1);
            if (n == 0) c.is_over = true;
            text[n > 0 ? n : 0] = '\0';
            if (n > 0) take_command(text);
        }
        while (sotto_ctx_next(c.ctx, &e) == 1) take_event(e);
        take_news();
        sotto_us now = sotto_now();
        if (now >= next) {
            next = now + SOTTO_MS(20);
            send_frames();
        }
        if (now >= tell && c.n_audio + c.n_video > told) {
            tell = now + SOTTO_MS(100);
            told = c.n_audio + c.n_video;
            printf("frames %ld %ld\n", c.n_audio, c.n_video);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    c.is_play = !strcmp(argv[1], "play");
    c.pc = (sotto_pc_config){.size = sizeof c.pc, .allow_loopback = true, .interface = "lo"};
    c.cfg = (sotto_whip_config){.size = sizeof c.cfg, .url = argv[2], .pc = &c.pc};
    for (int i = 3; i < argc; i++) read_argument(argv[i]);
    if (sotto_ctx_new(NULL, &c.ctx) < 0) return 1;
    int r =
        c.is_play ? sotto_whep_play(c.ctx, &c.cfg, &c.w) : sotto_whip_publish(c.ctx, &c.cfg, &c.w);
    if (r < 0) {
        printf("error %d %s\n", r, sotto_strerror(r));
        sotto_ctx_free(c.ctx);
        return 0;
    }
    set_times();
    loop();
    sotto_us before = sotto_now();
    sotto_whip_free(c.w);
    printf("freed %lld\n", (long long)((sotto_now() - before) / 1000));
    sotto_ctx_free(c.ctx);
    return 0;
}
