/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commanded peer's data channels: jobs that send many messages, flows of numbered messages, and what is done with those that
 * arrive: sent back, counted, reported, or checked for gaps. Order, length and content go into a hash that page.js computes too.
 */
#include "peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW_BYTES 64

/* Order and length of messages count too. */
static uint32_t hash_message(uint32_t h, const uint8_t *p, size_t n)
{
    size_t i = 0;
    h = (h ^ (uint32_t)n) * 16777619u;
    for (; i + 4 <= n; i += 4) {
        uint32_t w = (uint32_t)p[i] | (uint32_t)p[i + 1] << 8 | (uint32_t)p[i + 2] << 16 |
                     (uint32_t)p[i + 3] << 24;
        h = (h ^ w) * 16777619u;
    }
    for (; i < n; i++) h = (h ^ p[i]) * 16777619u;
    return h;
}

/* Message k of a send job: the number, then a pattern. Text is ASCII. */
static void fill_message(uint8_t *p, size_t n, uint64_t k, bool text)
{
    for (size_t i = 0; i < n && i < 4; i++)
        p[i] = text ? (uint8_t)('a' + (k >> 4 * i & 15)) : (uint8_t)(k >> 8 * i);
}

static int chan_of(sotto_dc *dc)
{
    return (int)((intptr_t)sotto_dc_get_user(dc) - 1);
}

static int add_chan(sotto_dc *dc, int conn)
{
    if (n_chans == MAX_DCS) {
        fputs("peer: too many channels\n", stderr);
        exit(1);
    }
    chans[n_chans] = (struct chan){.dc = dc, .conn = conn};
    n_chans++;
    sotto_dc_set_user(dc, (void *)(intptr_t)n_chans);
    return (int)n_chans - 1;
}

/* --- sending -------------------------------------------------------------------------------------------------------- */

/* Goes on with a send job until it is done or the channel is full; WRITABLE comes then. */
static void pump(int i)
{
    struct chan *c = &chans[i];
    while (c->out_left > 0) {
        fill_message(c->out, c->out_size, c->out_done, c->out_text);
        int r = sotto_dc_send(c->dc, c->out, c->out_size, c->out_text);
        if (r == SOTTO_E_AGAIN) return;
        if (r < 0) {
            report("send", r);
            c->out_left = 0;
            return;
        }
        c->out_hash = hash_message(c->out_hash, c->out, c->out_size);
        c->out_done++;
        c->out_left--;
    }
    if (!c->out) return;
    printf("sent\t%d\t%" PRIu64 "\t%" PRIu32 "\n", i, c->out_done, c->out_hash);
    free(c->out);
    c->out = NULL;
}

void do_send(int i, char **f, int n_f)
{
    struct chan *c = &chans[i];
    size_t size = strtoul(f[3], NULL, 10);
    (void)n_f;
    free(c->out);
    c->out = malloc(size + 1);
    if (!c->out) exit(1);
    c->out_size = size;
    c->out_left = strtoull(f[4], NULL, 10);
    c->out_done = 0;
    c->out_hash = 0;
    c->out_text = strcmp(f[2], "text") == 0;
    for (size_t k = 0; k < size; k++) c->out[k] = (uint8_t)(c->out_text ? 'a' + k % 26 : k * 7);
    pump(i);
}

void do_say(int i, char **f, int n_f)
{
    int r = sotto_dc_send(chans[i].dc, f[2], strlen(f[2]), true);
    (void)n_f;
    if (r < 0) report(f[0], r);
}

void do_close(int i, char **f, int n_f)
{
    int r = sotto_dc_close(chans[i].dc);
    (void)n_f;
    if (r < 0) report(f[0], r);
}

void do_count(int i, char **f, int n_f)
{
    (void)f;
    (void)n_f;
    printf("count\t%d\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\n", i, chans[i].messages,
           chans[i].bytes, chans[i].hash);
}

void do_open(int n, char **f, int n_f)
{
    sotto_dc_config cfg = {.size = sizeof cfg};
    sotto_dc *dc;
    int r;
    for (int i = 3; i < n_f; i++) {
        unsigned long v = strchr(f[i], '=') ? strtoul(strchr(f[i], '=') + 1, NULL, 10) : 0;
        if (strcmp(f[i], "unordered") == 0) cfg.unordered = true;
        if (strncmp(f[i], "protocol=", 9) == 0) cfg.protocol = f[i] + 9;
        if (strncmp(f[i], "rtx=", 4) == 0) cfg.reliability = SOTTO_DC_MAX_RETRANSMITS;
        if (strncmp(f[i], "life=", 5) == 0) cfg.reliability = SOTTO_DC_MAX_LIFETIME;
        if (strncmp(f[i], "id=", 3) == 0) {
            cfg.negotiated = true;
            cfg.id = (uint16_t)v;
        } else if (cfg.reliability && cfg.limit == 0) {
            cfg.limit = (uint32_t)v;
        }
    }
    r = sotto_pc_create_data_channel(conns[n].pc, f[2], &cfg, &dc);
    if (r < 0)
        report("open", r);
    else
        printf("dc\t%d\n", add_chan(dc, n));
}

/* --- flows of numbered messages --------------------------------------------------------------------------------------- */

void do_flow(int i, char **f, int n_f)
{
    long ms = strtol(f[2], NULL, 10);
    (void)n_f;
    chans[i].flow_every = ms * 1000;
    chans[i].flow_due = sotto_now();
    if (ms == 0) printf("flow\t%d\t%" PRIu32 "\n", i, chans[i].flow_sent);
}

static void flow_send(int i)
{
    struct chan *c = &chans[i];
    uint8_t message[FLOW_BYTES] = {0};
    fill_message(message, sizeof message, c->flow_sent, false);
    int r = sotto_dc_send(c->dc, message, sizeof message, false);
    if (r == 0)
        c->flow_sent++;
    else if (r != SOTTO_E_AGAIN)
        report("flow", r);
    if (r < 0 && r != SOTTO_E_AGAIN) c->flow_every = 0;
}

sotto_us flow_next(sotto_us now)
{
    sotto_us next = -1;
    for (size_t i = 0; i < n_chans; i++) {
        struct chan *c = &chans[i];
        if (c->flow_every == 0 || !c->dc) continue;
        if (c->flow_due <= now) {
            flow_send((int)i);
            c->flow_due = now + c->flow_every;
        }
        if (next < 0 || c->flow_due < next) next = c->flow_due;
    }
    return next;
}

static void check_number(int i, const uint8_t *p, size_t n)
{
    uint32_t got =
        n < 4 ? UINT32_MAX
              : (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    if (got != (uint32_t)chans[i].messages)
        printf("gap\t%d\t%" PRIu32 "\t%" PRIu64 "\n", i, got, chans[i].messages);
}

/* --- events --------------------------------------------------------------------------------------------------------- */

/* Sends the held message, or this one, back. Returns whether `e` was kept. */
static bool echo(struct conn *c, sotto_event *e)
{
    sotto_event *m = c->held ? c->held : e;
    int r =
        sotto_dc_send(m->u.message.dc, m->u.message.data, m->u.message.len, m->u.message.is_text);
    if (r != SOTTO_E_AGAIN && m == c->held) sotto_event_free(m);
    c->held = r == SOTTO_E_AGAIN ? m : NULL;
    sotto_pc_set_reading(c->pc, !c->held);
    return c->held == e;
}

static bool on_message(struct conn *c, int i, sotto_event *e)
{
    const uint8_t *p = e->u.message.data;
    size_t n = e->u.message.len;
    if (c->mode == 'n') check_number(i, p, n);
    chans[i].messages++;
    chans[i].bytes += n;
    chans[i].hash = hash_message(chans[i].hash, p, n);
    if (c->mode == 'r')
        printf("msg\t%d\t%s\t%zu\t%" PRIu32 "\n", i, e->u.message.is_text ? "text" : "bin", n,
               hash_message(0, p, n));
    return c->mode == 'e' && echo(c, e);
}

static void on_channel(int n, sotto_dc *dc)
{
    uint32_t limit = 0;
    int i = add_chan(dc, n), reliability = sotto_dc_reliability(dc, &limit);
    printf("channel\t%d\t%d", n, i);
    write_field(sotto_dc_label(dc));
    write_field(sotto_dc_protocol(dc));
    printf("\t%d\t%d\t%" PRIu32 "\t%d\n", sotto_dc_unordered(dc), reliability, limit,
           sotto_dc_id(dc));
}

static void on_closed(struct conn *c, int i, const sotto_event *e)
{
    printf("closed\t%d\t%d\n", i, e->u.channel.error);
    free(chans[i].out);
    chans[i].out = NULL;
    chans[i].out_left = 0;
    chans[i].dc = NULL;
    if (c->held) echo(c, c->held);
    sotto_dc_free(e->u.channel.dc);
}

bool on_data_event(int n, sotto_event *e)
{
    struct conn *c = &conns[n];
    switch (e->type) {
    case SOTTO_EV_CHANNEL: on_channel(n, e->u.channel.dc); break;
    case SOTTO_EV_OPEN: printf("open\t%d\n", chan_of(e->u.channel.dc)); break;
    case SOTTO_EV_MESSAGE: return on_message(c, chan_of(e->u.message.dc), e);
    case SOTTO_EV_WRITABLE:
        if (c->held) echo(c, c->held);
        pump(chan_of(e->u.channel.dc));
        break;
    case SOTTO_EV_CLOSING: printf("closing\t%d\n", chan_of(e->u.channel.dc)); break;
    case SOTTO_EV_CLOSED: on_closed(c, chan_of(e->u.channel.dc), e); break;
    default: break;
    }
    return false;
}
