/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The media server of test/whip/suite.py, one connection: on standard input "offer N", "answer N", "make" (an offer that sends), each with
 * N bytes of SDP after it, or "close"; on standard output "sdp N" with N bytes after it, complete with candidates, "state S" and
 * "frames AUDIO VIDEO LOW", the last of them of the rid "lo". What it sends, where it does, is as in client.c.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sotto/sotto.h"

static struct media {
    sotto_ctx *ctx;
    sotto_pc *pc;
    bool is_over, waits; /* for candidates, to give the description */
    long n_audio, n_video, n_low;
    sotto_transceiver *send[2];
} m;

static void fail(const char *what, int code, const char *reason)
{
    printf("error %s %d %s\n", what, code, reason);
    m.is_over = true;
}

static void add_senders(void)
{
    static const sotto_kind kinds[] = {SOTTO_AUDIO, SOTTO_VIDEO};
    const char *stream = "s";
    sotto_transceiver_config cfg = {
        .size = sizeof cfg, .direction = SOTTO_DIR_SENDONLY, .streams = &stream, .n_streams = 1};
    for (int i = 0; i < 2; i++) sotto_pc_add_transceiver(m.pc, kinds[i], &cfg, &m.send[i]);
}

/* Where the offer wants to receive, we send. */
static void find_senders(void)
{
    sotto_transceiver *all[8];
    const char *stream = "s";
    int n = sotto_pc_get_transceivers(m.pc, all, 8);
    for (int i = 0; i < n && i < 2; i++) {
        m.send[i] = NULL;
        sotto_transceiver_set_direction(all[i], SOTTO_DIR_SENDRECV);
        sotto_transceiver_set_streams(all[i], &stream, 1);
        m.send[i] = all[i];
    }
}

static void read_sdp(const char *kind, char *sdp)
{
    sotto_error err = {.size = sizeof err};
    bool is_offer = !strcmp(kind, "offer");
    int r = sotto_pc_set_remote_description(m.pc, is_offer ? SOTTO_SDP_OFFER : SOTTO_SDP_ANSWER,
                                            sdp, &err);
    if (r < 0) {
        fail(kind, r, err.reason);
        return;
    }
    if (!is_offer) return;
    find_senders();
    r = sotto_pc_set_local_description(m.pc, SOTTO_SDP_ANSWER, NULL, &err);
    if (r < 0) fail("local", r, err.reason);
    m.waits = true;
}

static void make_offer(void)
{
    add_senders();
    sotto_pc_set_local_description(m.pc, SOTTO_SDP_OFFER, NULL, NULL);
    m.waits = true;
}

static void give_sdp(void)
{
    sotto_pc_state state = {.size = sizeof state};
    char *sdp;
    sotto_pc_get_state(m.pc, &state);
    if (!m.waits || state.gathering != SOTTO_GATHERING_COMPLETE) return;
    if (sotto_pc_local_description(m.pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp) != 1) return;
    m.waits = false;
    printf("sdp %zu\n%s", strlen(sdp), sdp);
    fflush(stdout);
    sotto_free(sdp);
}

static void take_event(sotto_event *e)
{
    static const char *const names[] = {"new",          "connecting", "connected",
                                        "disconnected", "failed",     "closed"};
    if (e->type == SOTTO_EV_STATE) printf("state %s\n", names[e->u.state.connection]);
    if (e->type == SOTTO_EV_FRAME && sotto_transceiver_kind(e->u.frame.transceiver) == SOTTO_AUDIO)
        m.n_audio++;
    else if (e->type == SOTTO_EV_FRAME)
        m.n_video++, m.n_low += e->u.frame.frame->rid && !strcmp(e->u.frame.frame->rid, "lo");
    fflush(stdout);
    sotto_event_free(e);
}

static void send_frames(void)
{
    static uint8_t picture[4000] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00};
    static const uint8_t silence[] = {0xf8, 0xff, 0xfe};
    for (int i = 0; i < 2; i++) {
        if (!m.send[i]) continue;
        sotto_frame f = {.size = sizeof f, .data = silence, .len = sizeof silence};
        if (sotto_transceiver_kind(m.send[i]) == SOTTO_VIDEO) {
            f.data = picture;
            f.len = sizeof picture;
            f.is_key = true;
        }
        sotto_transceiver_send_frame(m.send[i], &f);
    }
}

static void take_line(char *line)
{
    char kind[16];
    size_t n;
    if (!strncmp(line, "close", 5)) sotto_pc_close(m.pc);
    if (!strncmp(line, "make", 4)) make_offer();
    if (sscanf(line, "%15s %zu", kind, &n) != 2 || n > 100000) return;
    char *sdp = calloc(1, n + 1);
    if (!sdp || fread(sdp, 1, n, stdin) != n) exit(1);
    read_sdp(kind, sdp);
    free(sdp);
}

int main(int argc, char **argv)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = true, .interface = "lo"};
    if (argc > 1 && !strcmp(argv[1], "any")) cfg.interface = NULL; /* for who does not use lo */
    char line[64];
    long told = 0;
    setvbuf(stdin, NULL, _IONBF, 0);
    if (sotto_ctx_new(NULL, &m.ctx) < 0 || sotto_pc_new(m.ctx, &cfg, &m.pc) < 0) return 1;
    while (!m.is_over) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = sotto_ctx_fd(m.ctx), .events = POLLIN}};
        sotto_event *e;
        poll(fds, 2, 20);
        if (fds[0].revents) {
            if (fgets(line, sizeof line, stdin))
                take_line(line);
            else
                m.is_over = true;
        }
        while (sotto_ctx_next(m.ctx, &e) == 1) take_event(e);
        give_sdp();
        send_frames();
        if (m.n_audio + m.n_video > told + 10) {
            told = m.n_audio + m.n_video;
            printf("frames %ld %ld %ld\n", m.n_audio, m.n_video, m.n_low);
            fflush(stdout);
        }
    }
    sotto_ctx_free(m.ctx);
    return 0;
}
