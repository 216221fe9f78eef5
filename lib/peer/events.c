/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control events of one connection: a bounded ring for the connection's own, and bits on an intrusive list for its channels, merged
 * by number into the order in which they arose. Nothing is allocated when an event is queued. Messages are not here: receive.c.
 */
#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "util/mem.h"

/* The order in which the bits of one channel are told. */
static const uint32_t channel_order[] = {SOTTO_EV_CHANNEL,      SOTTO_EV_OPEN,    SOTTO_EV_WRITABLE,
                                         SOTTO_EV_BUFFERED_LOW, SOTTO_EV_CLOSING, SOTTO_EV_CLOSED};

int sotto__events_init(struct peer *p)
{
    sotto__list_init(&p->pending);
    p->controls = sotto__calloc(SOTTO_MAX_PC_EVENTS, sizeof *p->controls);
    return p->controls ? 0 : SOTTO_E_NOMEM;
}

void sotto__events_free(struct peer *p)
{
    sotto__free(p->controls);
    sotto__free(p->line);
    p->controls = NULL;
    p->line = NULL;
}

static struct control *control_at(const struct peer *p, size_t i)
{
    return &p->controls[(p->control_head + i) % SOTTO_MAX_PC_EVENTS];
}

static struct control *push(struct peer *p, sotto_us now, uint32_t type)
{
    if (p->n_controls == SOTTO_MAX_PC_EVENTS) return NULL;
    struct control *c = control_at(p, p->n_controls++);
    *c = (struct control){.type = type, .number = ++p->events, .at = now};
    return c;
}

/* The STATE to merge into: the last queued event; or, when the ring is almost full, the last STATE in it. */
static struct control *mergeable(struct peer *p)
{
    bool crowded = p->n_controls + SOTTO_MAX_LOCAL_CANDIDATES + 8 > SOTTO_MAX_PC_EVENTS;
    for (size_t i = p->n_controls; i > 0; i--) {
        struct control *c = control_at(p, i - 1);
        if (c->type == SOTTO_EV_STATE && (crowded || c->number == p->events)) return c;
        if (!crowded) return NULL;
    }
    return NULL;
}

void sotto__events_state(struct peer *p, sotto_us now)
{
    sotto_pc_state s = {.connection = p->connection,
                        .ice = p->ice,
                        .gathering = p->gathering,
                        .signaling = p->signaling};
    if (memcmp(&s, &p->told, sizeof s) == 0) return;
    p->told = s;
    struct control *c = mergeable(p);
    if (!c) c = push(p, now, SOTTO_EV_STATE);
    if (c) c->state = s, c->at = now;
}

void sotto__events_needed(struct peer *p, sotto_us now)
{
    push(p, now, SOTTO_EV_NEGOTIATION_NEEDED);
}

static void remove_type(struct peer *p, uint32_t type)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n_controls; i++)
        if (control_at(p, i)->type != type) *control_at(p, kept++) = *control_at(p, i);
    p->n_controls = kept;
}

void sotto__events_not_needed(struct peer *p)
{
    remove_type(p, SOTTO_EV_NEGOTIATION_NEEDED);
}

void sotto__events_candidate(struct peer *p, sotto_us now, size_t index)
{
    struct control *c = push(p, now, SOTTO_EV_CANDIDATE);
    if (c) c->candidate = index;
}

void sotto__events_drop_candidates(struct peer *p)
{
    remove_type(p, SOTTO_EV_CANDIDATE);
}

void sotto__events_warning(struct peer *p, sotto_us now, int32_t code, const char *text)
{
    for (size_t i = 0; i < p->n_controls; i++) /* one of a kind at a time: a flood of refusals is one warning */
        if (control_at(p, i)->type == SOTTO_EV_WARNING && control_at(p, i)->code == code) return;
    struct control *c = push(p, now, SOTTO_EV_WARNING);
    if (c) c->code = code, c->text = text;
}

void sotto__events_channel(struct peer *p, sotto_us now, struct channel *c, uint32_t type)
{
    if (c->released) return;
    if (c->k.bits == 0) {
        c->k.since = ++p->events;
        c->k.at = now;
        sotto__list_push(&p->pending, &c->k.pending);
    }
    c->k.bits |= 1u << type;
}

void sotto__events_drop_channel(struct channel *c, uint32_t bits)
{
    c->k.bits &= ~bits;
    if (c->k.bits == 0) sotto__list_remove(&c->k.pending);
}

bool sotto__peer_has_event(const struct peer *p)
{
    return p->n_controls > 0 || !sotto__list_empty(&p->pending);
}

static struct channel *head_channel(const struct peer *p)
{
    if (sotto__list_empty(&p->pending)) return NULL;
    return CONTAINER_OF(p->pending.next, struct channel, k.pending);
}

/* The channel whose turn it is; NULL: it is the ring's. */
static struct channel *next_channel(const struct peer *p)
{
    struct channel *c = head_channel(p);
    if (!c || p->n_controls == 0) return c;
    return c->k.since < control_at(p, 0)->number ? c : NULL;
}

static uint32_t next_bit(const struct channel *c)
{
    for (size_t i = 0; i < sizeof channel_order / sizeof *channel_order; i++)
        if (c->k.bits & 1u << channel_order[i]) return channel_order[i];
    return 0;
}

static void peek_candidate(struct peer *p, const struct control *c, struct peer_event *out)
{
    out->mid = p->mid;
    out->mline_index = p->mline_index;
    out->ufrag = p->transport.ufrag;
    out->line = "";
    if (c->candidate == END_OF_CANDIDATES) return;
    struct candidate with = p->candidates[c->candidate];
    struct buf text;
    snprintf(with.ufrag, sizeof with.ufrag, "%s", p->transport.ufrag);
    sotto__buf_init(&text, SOTTO_MAX_CANDIDATE);
    sotto__candidate_write(&with, &text);
    sotto__free(p->line);
    p->line = sotto__buf_take_string(&text);
    out->line = p->line; /* NULL: no memory, the event stays */
}

void sotto__peer_peek(struct peer *p, struct peer_event *out)
{
    struct channel *ch = next_channel(p);
    if (ch) {
        *out = (struct peer_event){.type = next_bit(ch),
                                   .at = ch->k.at,
                                   .channel = ch,
                                   .error = ch->k.error,
                                   .reason = ch->k.reason ? ch->k.reason : ""};
        return;
    }
    const struct control *c = control_at(p, 0);
    *out = (struct peer_event){
        .type = c->type, .at = c->at, .state = c->state, .code = c->code, .text = c->text};
    if (c->type == SOTTO_EV_CANDIDATE) peek_candidate(p, c, out);
}

void sotto__peer_pop(struct peer *p)
{
    struct channel *ch = next_channel(p);
    if (ch) {
        sotto__events_drop_channel(ch, 1u << next_bit(ch));
        return;
    }
    p->control_head = (p->control_head + 1) % SOTTO_MAX_PC_EVENTS;
    p->n_controls--;
}
