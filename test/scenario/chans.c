/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channels of the harness: takes events, checks that their order is as event.h promises, and keeps the accounts of what was
 * sent and what came.
 */
#include "chans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Order counts: the sum of two messages differs from the sum of the same two the other way round. */
static uint64_t add_up(uint64_t sum, const uint8_t *p, size_t n, bool is_text)
{
    uint64_t h = sum ^ (n * 2 + is_text + 1) * 0x9e3779b97f4a7c15u;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    for (; n > 0; p++, n--) h = (h ^ *p) * 0x100000001b3u;
    return h;
}

static struct chan *chan_new(struct side *s, sotto_dc *dc)
{
    struct chan *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->side = s;
    c->dc = dc;
    sotto__list_push(&s->chans, &c->node);
    return c;
}

static struct chan *chan_of(struct side *s, const sotto_dc *dc)
{
    for (struct node *n = s->chans.next; n != &s->chans; n = n->next) {
        struct chan *c = CONTAINER_OF(n, struct chan, node);
        if (c->dc == dc) return c;
    }
    return NULL;
}

struct chan *side_find(struct side *s, const char *label)
{
    for (struct node *n = s->chans.next; n != &s->chans; n = n->next) {
        struct chan *c = CONTAINER_OF(n, struct chan, node);
        if (c->dc && c->phase != CHAN_CLOSED && strcmp(sotto_dc_label(c->dc), label) == 0) return c;
    }
    return NULL;
}

int side_try_channel(struct side *s, const char *label, const sotto_dc_config *cfg,
                     struct chan **ret)
{
    struct chan *c = chan_new(s, NULL);
    sotto_dc_config own = cfg ? *cfg : (sotto_dc_config){0};
    own.size = sizeof own;
    own.user = c;
    int r = sotto_pc_create_data_channel(s->pc, label, &own, &c->dc);
    if (r < 0) {
        chan_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

struct chan *side_channel(struct side *s, const char *label, const sotto_dc_config *cfg)
{
    struct chan *c = NULL;
    return side_try_channel(s, label, cfg, &c) == 0 ? c : NULL;
}

void chan_free(struct chan *c)
{
    sotto_dc_free(c->dc);
    sotto__list_remove(&c->node);
    if (c->side->newest == c) c->side->newest = NULL;
    free(c->last);
    free(c->seen);
    free(c);
}

/* ---- sending ---- */

int chan_send(struct chan *c, const void *p, size_t n, bool is_text)
{
    int r = sotto_dc_send(c->dc, p, n, is_text);
    if (r == 0) {
        c->n_out++;
        c->bytes_out += n;
        c->sum_out = add_up(c->sum_out, p, n, is_text);
    }
    if (r == SOTTO_E_AGAIN) c->owes_ready = true;
    return r;
}

int chan_number(struct chan *c, size_t n)
{
    static uint8_t bytes[16 * 1024 * 1024];
    static size_t filled;
    if (n > sizeof bytes || n < 8) abort();
    for (; filled < n; filled++) bytes[filled] = (uint8_t)(filled * 131 >> 3);
    uint64_t number = c->n_out;
    memcpy(bytes, &number, 8);
    return chan_send(c, bytes, n, false);
}

static void pump(struct chan *c)
{
    while (c->bulk_left > 0 && c->phase == CHAN_OPEN) {
        int r = chan_number(c, c->bulk_size);
        if (r == SOTTO_E_AGAIN || r == SOTTO_E_NOMEM) return;
        CHECK(r == 0 || r == SOTTO_E_CLOSED);
        c->bulk_left--;
    }
}

void chan_bulk(struct chan *c, uint64_t messages, size_t size)
{
    c->bulk_left = messages;
    c->bulk_size = size;
    pump(c);
}

bool chan_same(const struct chan *from, const struct chan *to)
{
    return from->n_out == to->n_in && from->bytes_out == to->bytes_in &&
           from->sum_out == to->sum_in;
}

/* ---- events ---- */

static void note_number(struct chan *c, uint64_t number)
{
    if (number >= 65536) return;
    if (!c->seen && !(c->seen = calloc(1, 65536 / 8))) abort();
    CHECK(!(c->seen[number / 8] & 1 << number % 8));
    c->seen[number / 8] |= (uint8_t)(1 << number % 8);
}

static void take_message(struct chan *c, const sotto_event *e)
{
    size_t n = e->u.message.len;
    const uint8_t *p = e->u.message.data;
    CHECK(p && p[n] == 0);
    CHECK(c->phase == CHAN_OPEN);
    c->n_in++;
    c->bytes_in += n;
    c->sum_in = add_up(c->sum_in, p, n, e->u.message.is_text);
    if (n >= 8 && !e->u.message.is_text) {
        uint64_t number;
        memcpy(&number, p, 8);
        note_number(c, number);
        if (number < c->next_number)
            c->n_disorder++;
        else
            c->next_number = number + 1;
    }
    free(c->last);
    c->last = malloc(n + 1);
    if (!c->last) abort();
    memcpy(c->last, p, n + 1);
    c->last_len = n;
    c->last_text = e->u.message.is_text;
    if (c->is_echo) {
        int r = chan_send(c, p, n, e->u.message.is_text);
        CHECK(r == 0 || r == SOTTO_E_AGAIN || r == SOTTO_E_CLOSED || r == SOTTO_E_NOMEM);
    }
}

static void take_channel_event(struct chan *c, const sotto_event *e)
{
    CHECK(c->phase != CHAN_CLOSED); /* nothing comes after CLOSED */
    switch (e->type) {
    case SOTTO_EV_OPEN:
        CHECK(c->phase == CHAN_NEW);
        c->phase = CHAN_OPEN;
        break;
    case SOTTO_EV_CLOSING: CHECK(c->n_closing++ == 0); break;
    case SOTTO_EV_CLOSED:
        CHECK(e->u.channel.reason != NULL);
        CHECK(sotto_dc_state(c->dc) == SOTTO_DC_CLOSED);
        c->phase = CHAN_CLOSED;
        c->error = e->u.channel.error;
        break;
    case SOTTO_EV_WRITABLE:
        CHECK(c->owes_ready); /* exactly once after AGAIN */
        c->owes_ready = false;
        c->n_writable++;
        pump(c);
        break;
    case SOTTO_EV_BUFFERED_LOW: c->n_low++; break;
    default: break;
    }
}

static void take_new_channel(struct side *s, const sotto_event *e)
{
    CHECK(chan_of(s, e->u.channel.dc) == NULL);
    struct chan *c = chan_new(s, e->u.channel.dc);
    c->is_remote = true;
    c->is_echo = s->echo;
    s->newest = c;
    CHECK(sotto_dc_set_user(c->dc, c) == 0);
}

static void take_state(struct side *s, const sotto_event *e)
{
    sotto_pc_state st = {sizeof st, e->u.state.connection, e->u.state.ice, e->u.state.gathering,
                         e->u.state.signaling};
    CHECK(s->n_states < SIDE_STATES);
    s->state_at[s->n_states] = e->at;
    s->states[s->n_states++] = st;
    if (st.signaling == SOTTO_SIGNALING_CLOSED) s->is_closed = true; /* sotto_pc_close */
}

static void take(struct side *s, const sotto_event *e)
{
    CHECK(!s->is_closed); /* nothing comes after the closed STATE */
    CHECK(e->type < 32);
    s->n_events[e->type]++;
    if (s->pair->opt.take) s->pair->opt.take(s, e, s->pair->opt.user);
    sotto_dc *dc = NULL;
    switch (e->type) {
    case SOTTO_EV_STATE: take_state(s, e); return;
    case SOTTO_EV_CANDIDATE: pair_tell_candidate(s, e); return;
    case SOTTO_EV_CHANNEL: take_new_channel(s, e); return;
    case SOTTO_EV_MESSAGE: dc = e->u.message.dc; break;
    case SOTTO_EV_OPEN:
    case SOTTO_EV_CLOSING:
    case SOTTO_EV_CLOSED:
    case SOTTO_EV_WRITABLE:
    case SOTTO_EV_BUFFERED_LOW: dc = e->u.channel.dc; break;
    default: return;
    }
    struct chan *c = chan_of(s, dc);
    CHECK(c != NULL); /* a freed handle gets no events */
    CHECK(e->user == c);
    if (e->type == SOTTO_EV_MESSAGE)
        take_message(c, e);
    else
        take_channel_event(c, e);
}

void side_take_events(struct side *s)
{
    sotto_event *e;
    bool was_state = false;
    sotto_pc *of = NULL;
    if (s->deaf) return;
    for (;;) {
        int r = sotto_ctx_next(s->ctx, &e);
        if (r == SOTTO_E_NOMEM) continue; /* it stays queued */
        CHECK(r == 0 || r == 1);
        if (r == 0) return;
        CHECK(e->at <= s->pair->net->now);
        /* they would have merged; a rollback takes candidates away from between them */
        CHECK(s->rolls_back || !(was_state && e->type == SOTTO_EV_STATE && e->pc == of));
        was_state = e->type == SOTTO_EV_STATE;
        of = e->pc;
        if (e->pc == s->pc)
            take(s, e);
        else if (s->pair->opt.one_context && e->pc == s->pair->side[1].pc)
            take(&s->pair->side[1], e);
        sotto_event_free(e);
    }
}
