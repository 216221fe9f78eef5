/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of `sotto demo`: one peer connection for each browser that came.
 * Channels by their label: "chat" and "ping" are echoed; "bulk" carries the throughput runs. There the page sends text: "down N"
 * and gets N seconds of blocks, then "sent BYTES"; "up", blocks, "done" and gets "received BYTES MICROSECONDS". On "media" the page gets
 * each second what came of its camera and microphone, as JSON.
 * Sending stops at SOTTO_E_AGAIN and goes on at WRITABLE, so a slow page costs no memory.
 */
#include "demo.h"

#include <sotto/e2ee.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call {
    struct call *next;
    struct echo echo;
    struct call_media *media;
    sotto_dc *reports;        /* the channel "media", open; NULL: none */
    sotto_us report_at;       /* the next one */
    void *request;     /* waits for the answer; NULL afterwards */
    sotto_us deadline; /* to be connected by then; NEVER afterwards */
    int32_t connection;
    sotto_dc *down;    /* a download runs on it; NULL: none */
    bool more;         /* there is room for more of it: feed at the next turn */
    sotto_us down_end; /* of the download */
    uint64_t down_bytes;
    uint64_t up_bytes; /* of the upload, from its first block on */
    sotto_us up_start, up_last;
};

struct demo_calls {
    sotto_ctx *ctx;
    bool allow_loopback;
    struct demo_media *media;
    const uint8_t *key; /* of end-to-end encryption; NULL: there is none */
    struct call *first;
    size_t n;
    uint8_t block[DEMO_BLOCK];
};

#define NEVER INT64_MAX

struct demo_calls *demo_calls_new(sotto_ctx *ctx, bool allow_loopback, struct demo_media *media)
{
    struct demo_calls *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->ctx = ctx;
    d->allow_loopback = allow_loopback;
    d->media = media;
    for (size_t i = 0; i < sizeof d->block; i++) d->block[i] = (uint8_t)(i * 31);
    return d;
}

void demo_calls_protect(struct demo_calls *d, const uint8_t *key)
{
    d->key = key;
}

/* What goes out has the key ids 0, for sound, and 1; what comes has those that the page chose anew for itself. */
static int protect(const struct demo_calls *d, sotto_pc *pc, uint64_t kid)
{
    sotto_transceiver *all[16];
    int n = sotto_pc_get_transceivers(pc, all, 16), r = kid >= 2 ? 0 : SOTTO_E_ACCESS;
    for (int i = 0; i < n && i < 16 && r == 0; i++) {
        sotto_e2ee_key key = {.size = sizeof key, .key = d->key, .key_len = DEMO_KEY};
        uint64_t is_video = sotto_transceiver_kind(all[i]) == SOTTO_VIDEO;
        key.kid = is_video;
        r = sotto_transceiver_add_e2ee_key(all[i], SOTTO_E2EE_SEND, &key);
        key.kid = kid + is_video;
        if (r == 0) r = sotto_transceiver_add_e2ee_key(all[i], SOTTO_E2EE_RECEIVE, &key);
    }
    return n < 0 ? n : r;
}

static void drop(struct demo_calls *d, struct call *c)
{
    struct call **p = &d->first;
    while (*p != c) p = &(*p)->next;
    *p = c->next;
    d->n--;
    if (c->request) demo_http_answer(c->request, NULL);
    call_media_free(c->media); /* its threads end before their connection does */
    echo_free(&c->echo);
    sotto_pc_free(c->echo.pc); /* frees its channels too, and drops its events */
    free(c);
}

void demo_calls_end(struct demo_calls *d)
{
    while (d->first) drop(d, d->first);
}

int demo_calls_offer(struct demo_calls *d, const char *offer, uint64_t kid, void *request,
                     sotto_error *err)
{
    sotto_pc_config cfg = {.size = sizeof cfg, .allow_loopback = d->allow_loopback};
    struct call *c;
    int r;
    if (d->n >= DEMO_MAX_CALLS) return SOTTO_E_LIMIT;
    c = calloc(1, sizeof *c);
    if (!c) return SOTTO_E_NOMEM;
    r = sotto_pc_new(d->ctx, &cfg, &c->echo.pc);
    if (r >= 0) r = sotto_pc_set_remote_description(c->echo.pc, SOTTO_SDP_OFFER, offer, err);
    if (r >= 0 && d->key) r = protect(d, c->echo.pc, kid);
    if (r >= 0) {
        c->media = call_media_new(d->media, c->echo.pc);
        r = c->media ? sotto_pc_set_local_description(c->echo.pc, SOTTO_SDP_IMPLICIT, NULL, err)
                     : SOTTO_E_NOMEM;
    }
    if (r < 0) {
        call_media_free(c->media);
        sotto_pc_free(c->echo.pc);
        free(c);
        return r;
    }
    c->request = request;
    c->deadline = sotto_now() + DEMO_CONNECT_US;
    c->next = d->first;
    d->first = c;
    d->n++;
    return 0;
}

void demo_calls_gone(struct demo_calls *d, const void *request)
{
    for (struct call *c = d->first; c; c = c->next)
        if (c->request == request) c->request = NULL;
}

/* The download: blocks until the buffer is full or the time is over, a few each turn so that other calls get theirs. */
static void feed(struct demo_calls *d, struct call *c)
{
    char line[64];
    int r = 0, left = 64;
    c->more = false;
    while (sotto_now() < c->down_end && r == 0) {
        if (left-- == 0) {
            c->more = true;
            return;
        }
        r = sotto_dc_send(c->down, d->block, sizeof d->block, false);
        if (r == 0) c->down_bytes += sizeof d->block;
    }
    snprintf(line, sizeof line, "sent %" PRIu64, c->down_bytes);
    if (r == 0) r = sotto_dc_send(c->down, line, strlen(line), true);
    if (r != SOTTO_E_AGAIN) c->down = NULL; /* else SOTTO_EV_WRITABLE comes */
}

/* A report that does not fit into the buffer now is left out: the next one says more. */
static void report(struct call *c, sotto_us now)
{
    char line[2048];
    size_t n = call_media_report(c->media, line, sizeof line);
    if (n > 0) sotto_dc_send(c->reports, line, n, true);
    c->report_at = now + DEMO_REPORT_US;
}

sotto_us demo_calls_tick(struct demo_calls *d, sotto_us now)
{
    sotto_us due = NEVER;
    for (struct call *c = d->first, *next; c; c = next) {
        next = c->next;
        if (c->deadline <= now) {
            drop(d, c);
            continue;
        }
        if (c->more) feed(d, c);
        if (c->more) due = now;
        if (c->reports && c->report_at <= now) report(c, now);
        if (c->reports && c->report_at < due) due = c->report_at;
        if (c->deadline < due) due = c->deadline;
    }
    return due;
}

static void send_text(sotto_dc *dc, const char *text)
{
    int r = sotto_dc_send(dc, text, strlen(text), true);
    if (r < 0 && r != SOTTO_E_CLOSED)
        fprintf(stderr, "sotto demo: a line was not sent: %s\n", sotto_strerror(r));
}

static void on_bulk(struct demo_calls *d, struct call *c, const sotto_event *e)
{
    const char *text = (const char *)e->u.message.data;
    char line[96];
    if (!e->u.message.is_text) {
        c->up_last = e->at;
        if (c->up_bytes == 0) c->up_start = e->at;
        c->up_bytes += e->u.message.len;
    } else if (strncmp(text, "down ", 5) == 0 && !c->down) {
        long seconds = strtol(text + 5, NULL, 10);
        if (seconds < 1 || seconds > DEMO_MAX_RUN_S) seconds = 1;
        c->down = e->u.message.dc;
        c->down_bytes = 0;
        c->down_end = sotto_now() + seconds * 1000000LL;
        feed(d, c);
    } else if (strcmp(text, "up") == 0) {
        c->up_bytes = 0;
    } else if (strcmp(text, "done") == 0) {
        snprintf(line, sizeof line, "received %" PRIu64 " %" PRId64, c->up_bytes,
                 c->up_last - c->up_start);
        send_text(e->u.message.dc, line);
    }
}

static bool on_message(struct demo_calls *d, struct call *c, sotto_event *e)
{
    if (strcmp(sotto_dc_label(e->u.message.dc), "bulk") != 0) return echo_message(&c->echo, e);
    on_bulk(d, c, e);
    return false;
}

static void on_closed(struct call *c, sotto_dc *dc)
{
    if (c->down == dc) {
        c->down = NULL;
        c->more = false;
    }
    if (c->reports == dc) c->reports = NULL;
    echo_retry(&c->echo);
    sotto_dc_free(dc);
}

static void on_open(struct call *c, sotto_dc *dc)
{
    if (strcmp(sotto_dc_label(dc), "chat") == 0)
        send_text(dc, "Hello. I am a C program; I send back what you write.");
    if (strcmp(sotto_dc_label(dc), "media") == 0) {
        c->reports = dc;
        c->report_at = sotto_now();
    }
}

/* Returns false when the call is over. */
static bool on_state(struct call *c, const sotto_event *e)
{
    char *sdp = NULL;
    c->connection = e->u.state.connection;
    if (c->request && e->u.state.gathering == SOTTO_GATHERING_COMPLETE) {
        int r = sotto_pc_local_description(c->echo.pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp);
        demo_http_answer(c->request, r == 1 ? sdp : NULL);
        c->request = NULL;
        sotto_free(sdp);
    }
    if (c->connection == SOTTO_CONNECTION_CONNECTED) {
        c->deadline = NEVER;
        call_media_connected(c->media);
    }
    if (c->connection == SOTTO_CONNECTION_FAILED) tools_explain(c->echo.pc);
    return c->connection != SOTTO_CONNECTION_FAILED && c->connection != SOTTO_CONNECTION_CLOSED;
}

void demo_calls_event(struct demo_calls *d, sotto_event *e)
{
    struct call *c = d->first;
    bool kept = false, over = false;
    while (c && c->echo.pc != e->pc) c = c->next;
    if (c) {
        switch (e->type) {
        case SOTTO_EV_STATE: over = !on_state(c, e); break;
        case SOTTO_EV_OPEN: on_open(c, e->u.channel.dc); break;
        case SOTTO_EV_MESSAGE: kept = on_message(d, c, e); break;
        case SOTTO_EV_WRITABLE:
            echo_retry(&c->echo);
            if (c->down == e->u.channel.dc) feed(d, c);
            break;
        case SOTTO_EV_CLOSED: on_closed(c, e->u.channel.dc); break;
        default: call_media_event(c->media, e); break;
        }
    }
    if (!kept) sotto_event_free(e);
    if (over) drop(d, c);
}
