/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two contexts without a thread in a world of their own: descriptions and candidates are handed over at once, the clock jumps from
 * one deadline to the next. As little work of its own as possible: it is counted with the library's.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_US SOTTO_SECONDS(30)

void bench_world_check(int r, const char *what)
{
    if (r >= 0) return;
    fprintf(stderr, "bench: %s: %s\n", what, sotto_strerror(r));
    exit(1);
}

struct bench_world *bench_world_new(void)
{
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.2"};
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    struct bench_world *w = calloc(1, sizeof *w);
    if (!w) bench_world_check(SOTTO_E_NOMEM, "world");
    w->net = net_new(1);
    for (int i = 0; i < 2; i++) {
        struct world_side *s = &w->side[i];
        s->host = net_host_new(w->net, addresses[i]);
        s->world = (struct world){.now = net_now, .ice_ops = &sotto__ice_net, .user = s->host};
        bench_world_check(sotto__ctx_new_in(&s->world, &cfg, &s->ctx), "context");
    }
    struct net_link link = {.delay_us = SOTTO_MS(1), .mtu = 1472}; /* Ethernet's */
    net_link_both(w->net, w->side[0].host, w->side[1].host, &link);
    return w;
}

static void on_candidate(struct bench_world *w, int from, const sotto_event *e)
{
    sotto_candidate c = {.size = sizeof c, .line = e->u.candidate.line, .mid = e->u.candidate.mid};
    bench_world_check(sotto_pc_add_ice_candidate(w->side[1 - from].pc, &c, NULL), "candidate");
}

static void on_event(struct bench_world *w, int side, const sotto_event *e)
{
    struct world_side *s = &w->side[side];
    switch (e->type) {
    case SOTTO_EV_MESSAGE:
        s->messages++;
        s->bytes += e->u.message.len;
        break;
    case SOTTO_EV_FRAME:
        s->frames++;
        s->bytes += e->u.frame.frame->len;
        break;
    case SOTTO_EV_WRITABLE: s->is_writable = true; break;
    case SOTTO_EV_CANDIDATE: on_candidate(w, side, e); break;
    case SOTTO_EV_OPEN: s->is_connected = true; break;
    case SOTTO_EV_CHANNEL: s->dc = e->u.channel.dc; break;
    case SOTTO_EV_STATE:
        if (e->u.state.connection == SOTTO_CONNECTION_CONNECTED && !s->dc) s->is_connected = true;
        break;
    default: break;
    }
}

static void take_events(struct bench_world *w, int side)
{
    sotto_event *e;
    bench_world_check(sotto_ctx_run(w->side[side].ctx, 0), "turn");
    while (!w->side[side].is_deaf && sotto_ctx_next(w->side[side].ctx, &e) == 1) {
        on_event(w, side, e);
        sotto_event_free(e);
    }
}

/* Virtual sockets do not wake a context; a call on a connection makes it look at its deadline anew. */
static void touch(struct world_side *s)
{
    sotto_pc_state state = {.size = sizeof state};
    if (s->pc) bench_world_check(sotto_pc_get_state(s->pc, &state), "state");
}

void bench_world_step(struct bench_world *w, sotto_us end)
{
    sotto_us due = sotto__earlier(end, net_due(w->net));
    for (int i = 0; i < 2; i++) {
        touch(&w->side[i]);
        due = sotto__earlier(due, sotto__ctx_due(w->side[i].ctx));
    }
    net_advance(w->net, due);
    for (int i = 0; i < 2; i++) {
        touch(&w->side[i]);
        take_events(w, i);
    }
}

void bench_world_run(struct bench_world *w, sotto_us span)
{
    sotto_us end = w->net->now + span;
    while (w->net->now < end) bench_world_step(w, end);
}

static void describe(struct bench_world *w, int from, sotto_sdp_type type)
{
    char *sdp = NULL;
    sotto_pc *pc = w->side[from].pc;
    bench_world_check(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL), "local");
    bench_world_check(sotto_pc_local_description(pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp), "local");
    bench_world_check(sotto_pc_set_remote_description(w->side[1 - from].pc, type, sdp, NULL),
                      "remote");
    sotto_free(sdp);
}

void bench_world_connect(struct bench_world *w, bool media)
{
    sotto_transceiver_config video = {.size = sizeof video, .direction = SOTTO_DIR_SENDONLY};
    sotto_pc_config cfg = {.size = sizeof cfg};
    sotto_us end = w->net->now + CONNECT_US;
    for (int i = 0; i < 2; i++) {
        struct world_side *s = &w->side[i];
        bench_world_check(sotto_pc_new(s->ctx, &cfg, &s->pc), "connection");
    }
    if (media)
        bench_world_check(
            sotto_pc_add_transceiver(w->side[0].pc, SOTTO_VIDEO, &video, &w->side[0].video),
            "section");
    else
        bench_world_check(sotto_pc_create_data_channel(w->side[0].pc, "b", NULL, &w->side[0].dc),
                          "channel");
    describe(w, 0, SOTTO_SDP_OFFER);
    describe(w, 1, SOTTO_SDP_ANSWER);
    while (!w->side[0].is_connected || !w->side[1].is_connected) {
        if (w->net->now >= end) bench_world_check(SOTTO_E_NETWORK, "not connected in time");
        bench_world_step(w, end);
    }
}

void bench_world_disconnect(struct bench_world *w)
{
    for (int i = 0; i < 2; i++) {
        struct world_side *s = &w->side[i];
        sotto_dc_free(s->dc);
        sotto_transceiver_free(s->video);
        sotto_pc_free(s->pc);
        s->dc = NULL, s->video = NULL, s->pc = NULL, s->is_connected = false;
    }
    bench_world_run(w, SOTTO_MS(100));
}

void bench_world_free(struct bench_world *w)
{
    if (w->side[0].pc) bench_world_disconnect(w);
    for (int i = 0; i < 2; i++) sotto_ctx_free(w->side[i].ctx);
    net_free(w->net);
    free(w);
}

int32_t bench_world_payload_type(struct bench_world *w, const char *mime)
{
    sotto_codecs *codecs = NULL;
    int32_t pt = -1;
    bench_world_check(sotto_transceiver_codec(w->side[0].video, &codecs), "codecs");
    for (size_t i = 0; i < codecs->n && pt < 0; i++)
        if (strcmp(codecs->items[i].mime, mime) == 0) pt = codecs->items[i].payload_type;
    sotto_free(codecs);
    bench_world_check(pt, mime);
    return pt;
}
