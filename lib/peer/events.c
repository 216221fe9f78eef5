/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control events of one connection: a bounded queue for the connection's own, and bits on an intrusive list for its channels, merged
 * by number into the order in which they arose. The queue grows before it is full, so that no failure of memory loses an event unless it
 * lasts, and is given back when it is empty. Messages are not here: receive.c.
 */
#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "util/mem.h"

/* Places that are kept for the connection's own events: notes wait until there are more. */
#define KEPT (2 * SOTTO_MAX_LOCAL_CANDIDATES + 16)
#define FIRST 8u /* places at first, and while nothing waits */
#define AHEAD 4u /* with fewer free ones it grows */

/* The order in which the bits of one channel are told. */
static const uint32_t channel_order[] = {SOTTO_EV_CHANNEL,      SOTTO_EV_OPEN,    SOTTO_EV_WRITABLE,
                                         SOTTO_EV_BUFFERED_LOW, SOTTO_EV_CLOSING, SOTTO_EV_CLOSED};

static bool resize(struct peer *p, size_t cap)
{
    if (cap > SOTTO_MAX_PC_EVENTS) cap = SOTTO_MAX_PC_EVENTS;
    struct control *to = sotto__realloc(p->controls, cap * sizeof *to);
    if (!to) return false;
    p->controls = to;
    p->cap_controls = cap;
    return true;
}

int sotto__events_init(struct peer *p)
{
    sotto__list_init(&p->pending);
    sotto__list_init(&p->pending_media);
    return resize(p, FIRST) ? 0 : SOTTO_E_NOMEM;
}

static struct control *control_at(const struct peer *p, size_t i)
{
    return &p->controls[p->control_head + i];
}

/* Whether there is a place for one more. */
static bool make_room(struct peer *p)
{
    if (p->control_head + p->n_controls == p->cap_controls) {
        memmove(p->controls, control_at(p, 0), p->n_controls * sizeof *p->controls);
        p->control_head = 0;
    }
    if (p->n_controls + AHEAD > p->cap_controls && p->cap_controls < SOTTO_MAX_PC_EVENTS)
        (void)resize(p, p->cap_controls * 2); /* while there are places it may fail */
    return p->n_controls < p->cap_controls;
}

void sotto__note_free(struct peer *p, struct note *note)
{
    if (!note) return;
    struct transceiver *t = note->transceiver;
    sotto__strings_free(&note->streams);
    sotto__free(note->url);
    sotto__free(note->text);
    sotto__free(note);
    if (!t) return;
    t->noted--;
    sotto__transceiver_release(p, t);
}

void sotto__events_free(struct peer *p)
{
    for (size_t i = 0; p->controls && i < p->n_controls; i++)
        sotto__note_free(p, control_at(p, i)->note);
    sotto__free(p->controls);
    sotto__free(p->line);
    p->controls = NULL;
    p->line = NULL;
}

static struct control *push(struct peer *p, sotto_us now, uint32_t type)
{
    if (!make_room(p)) return NULL;
    struct control *c = control_at(p, p->n_controls++);
    *c = (struct control){.type = type, .number = ++p->events, .at = now};
    return c;
}

/* The STATE to merge into: the last queued event; or, when the queue is almost full, the last STATE in it. */
static struct control *mergeable(struct peer *p)
{
    bool crowded = p->n_controls + KEPT > SOTTO_MAX_PC_EVENTS || !make_room(p);
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
    struct control *c = mergeable(p);
    if (!c) c = push(p, now, SOTTO_EV_STATE);
    if (!c) return; /* without memory: the next turn tries again */
    c->state = p->told = s;
    c->at = now;
}

void sotto__events_needed(struct peer *p, sotto_us now)
{
    push(p, now, SOTTO_EV_NEGOTIATION_NEEDED);
}

typedef bool (*control_test)(const struct control *c, const void *arg);

static void remove_those(struct peer *p, control_test test, const void *arg)
{
    size_t kept = 0, n = p->n_controls;
    for (size_t i = 0; i < n; i++) {
        struct control *c = control_at(p, i);
        struct note *note = c->note;
        if (!test(c, arg)) {
            *control_at(p, kept++) = *c;
        } else if (note) {
            c->note = NULL;
            sotto__note_free(p, note);
        }
    }
    p->n_controls = kept;
}

static bool is_type(const struct control *c, const void *type)
{
    return c->type == *(const uint32_t *)type;
}

void sotto__events_not_needed(struct peer *p)
{
    static const uint32_t type = SOTTO_EV_NEGOTIATION_NEEDED;
    remove_those(p, is_type, &type);
}

void sotto__events_candidate(struct peer *p, sotto_us now, uint16_t slot, const char *ufrag)
{
    struct control *c = push(p, now, SOTTO_EV_CANDIDATE);
    if (!c) return;
    c->candidate = slot;
    snprintf(c->ufrag, sizeof c->ufrag, "%s", ufrag);
}

static bool is_candidate(const struct control *c, const void *ufrag)
{
    return c->type == SOTTO_EV_CANDIDATE && (!ufrag || strcmp(c->ufrag, ufrag) == 0);
}

void sotto__events_drop_candidates(struct peer *p, const char *ufrag)
{
    remove_those(p, is_candidate, ufrag);
}

int sotto__events_reserve(struct peer *p, size_t n)
{
    size_t want = p->n_controls + n;
    if (n == 0) return 0;
    if (want + KEPT > SOTTO_MAX_PC_EVENTS) return SOTTO_E_LIMIT;
    want += 2 * AHEAD;
    return p->control_head + want <= p->cap_controls || resize(p, p->control_head + want)
               ? 0
               : SOTTO_E_NOMEM;
}

bool sotto__events_note(struct peer *p, sotto_us now, uint32_t type, struct note *note)
{
    struct control *c = push(p, now, type);
    if (c)
        c->note = note;
    else
        sotto__note_free(p, note);
    return c != NULL;
}

static bool names_transceiver(const struct control *c, const void *t)
{
    return c->note && c->note->transceiver == t;
}

void sotto__events_drop_transceiver(struct peer *p, const struct transceiver *t)
{
    remove_those(p, names_transceiver, t);
}

void sotto__events_warning(struct peer *p, sotto_us now, int32_t code, const char *text,
                           uint64_t count)
{
    struct control *c = NULL;
    for (size_t i = 0; i < p->n_controls && !c; i++) /* one of a kind at a time: a flood of refusals is one warning */
        if (control_at(p, i)->type == SOTTO_EV_WARNING && control_at(p, i)->code == code)
            c = control_at(p, i);
    if (!c) c = push(p, now, SOTTO_EV_WARNING);
    if (c) c->code = code, c->text = text, c->count += count;
}

void sotto__events_network(struct peer *p, sotto_us now, bool needs_restart)
{
    struct control *c = NULL;
    for (size_t i = 0; i < p->n_controls && !c; i++)
        if (control_at(p, i)->type == SOTTO_EV_NETWORK_CHANGED) c = control_at(p, i);
    if (!c) c = push(p, now, SOTTO_EV_NETWORK_CHANGED);
    if (c) c->code |= needs_restart;
}

void sotto__events_verified(struct peer *p, sotto_us now)
{
    struct control *c = NULL;
    if (p->verify.told == p->verify.level) return;
    for (size_t i = 0; i < p->n_controls && !c; i++)
        if (control_at(p, i)->type == SOTTO_EV_VERIFIED) c = control_at(p, i);
    if (!c) c = push(p, now, SOTTO_EV_VERIFIED);
    if (!c) return; /* without memory: the next turn tries again */
    c->code = p->verify.told = p->verify.level;
    c->count = sotto__verify_is_open(p);
}

static void list_media(struct peer *p, sotto_us now, struct transceiver *t)
{
    if (sotto__list_linked(&t->k.pending)) return;
    t->k.since = ++p->events;
    t->k.at = now;
    sotto__list_push(&p->pending_media, &t->k.pending);
}

/* MUTE and UNMUTE that nobody has taken yet cancel each other. */
void sotto__events_media(struct peer *p, sotto_us now, struct transceiver *t, uint32_t type)
{
    uint32_t other = type == SOTTO_EV_MUTE     ? SOTTO_EV_UNMUTE
                     : type == SOTTO_EV_UNMUTE ? SOTTO_EV_MUTE
                                               : 0;
    if (other && (t->k.bits & 1u << other)) {
        sotto__events_drop_media(t, 1u << other);
        return;
    }
    list_media(p, now, t);
    t->k.bits |= 1u << type;
}

void sotto__events_drop_media(struct transceiver *t, uint32_t bits)
{
    t->k.bits &= ~bits;
    if (t->k.bits == 0) sotto__list_remove(&t->k.pending);
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
    return p->n_controls > 0 || !sotto__list_empty(&p->pending) ||
           !sotto__list_empty(&p->pending_media);
}

static struct channel *head_channel(const struct peer *p)
{
    if (sotto__list_empty(&p->pending)) return NULL;
    return CONTAINER_OF(p->pending.next, struct channel, k.pending);
}

static struct transceiver *head_transceiver(const struct peer *p)
{
    if (sotto__list_empty(&p->pending_media)) return NULL;
    return CONTAINER_OF(p->pending_media.next, struct transceiver, k.pending);
}

/* The channel or the transceiver whose turn it is; neither: it is the queue's. */
static void next_object(const struct peer *p, struct channel **c, struct transceiver **t)
{
    uint64_t own = p->n_controls > 0 ? control_at(p, 0)->number : UINT64_MAX;
    *c = head_channel(p);
    *t = head_transceiver(p);
    if (*c && (*c)->k.since > own) *c = NULL;
    if (*t && (*t)->k.since > own) *t = NULL;
    if (!*c || !*t) return;
    if ((*c)->k.since < (*t)->k.since)
        *t = NULL;
    else
        *c = NULL;
}

/* The order in which the bits of one transceiver are told. */
static const uint32_t media_order[] = {SOTTO_EV_UNMUTE, SOTTO_EV_MUTE, SOTTO_EV_KEYFRAME_NEEDED,
                                       SOTTO_EV_TARGET_BITRATE, SOTTO_EV_DTMF_TONE};

static uint32_t next_media_bit(const struct transceiver *t)
{
    for (size_t i = 0; i < sizeof media_order / sizeof *media_order; i++)
        if (t->k.bits & 1u << media_order[i]) return media_order[i];
    return 0;
}

static size_t lowest(uint8_t mask)
{
    size_t i = 0;
    while (i < 7 && !(mask & 1u << i)) i++;
    return i;
}

/* An encoding that is not there any more is told as the first: whoever acts on it does no harm. */
static const struct outgoing *outgoing_at(const struct transceiver *t, uint8_t mask)
{
    size_t i = lowest(mask);
    return &t->line.outgoing[i < t->line.n_outgoing ? i : 0];
}

static void peek_media(const struct peer *p, struct transceiver *t, struct peer_event *out)
{
    uint32_t type = next_media_bit(t);
    *out = (struct peer_event){.type = type, .at = t->k.at, .transceiver = t};
    if (type == SOTTO_EV_KEYFRAME_NEEDED) out->rid = outgoing_at(t, t->k.keys)->rid;
    if (type == SOTTO_EV_DTMF_TONE) out->tone = t->k.tones[0];
    if (type != SOTTO_EV_TARGET_BITRATE) return;
    const struct outgoing *o = outgoing_at(t, t->k.bitrates);
    out->rid = o->rid;
    out->bps = o->told_bps;
    out->loss = o->told_loss;
    out->rtt = p->session->rtt;
}

static void pop_media(struct transceiver *t)
{
    uint32_t type = next_media_bit(t);
    if (type == SOTTO_EV_KEYFRAME_NEEDED && (t->k.keys &= (uint8_t)(t->k.keys - 1))) return;
    if (type == SOTTO_EV_TARGET_BITRATE && (t->k.bitrates &= (uint8_t)(t->k.bitrates - 1))) return;
    if (type == SOTTO_EV_DTMF_TONE && --t->k.n_tones > 0) {
        memmove(t->k.tones, t->k.tones + 1, t->k.n_tones);
        return;
    }
    sotto__events_drop_media(t, 1u << type);
}

static uint32_t next_bit(const struct channel *c)
{
    for (size_t i = 0; i < sizeof channel_order / sizeof *channel_order; i++)
        if (c->k.bits & 1u << channel_order[i]) return channel_order[i];
    return 0;
}

static void peek_candidate(struct peer *p, const struct control *c, struct peer_event *out)
{
    out->mid = p->tagged_mid;
    out->mline_index = p->tagged_index;
    out->ufrag = c->ufrag;
    out->line = "";
    if (c->candidate == END_OF_CANDIDATES) return;
    struct candidate with;
    struct buf text;
    sotto__peer_candidate(&p->candidates[c->candidate], &with);
    memcpy(with.ufrag, c->ufrag, sizeof c->ufrag);
    sotto__buf_init(&text, SOTTO_MAX_CANDIDATE);
    sotto__candidate_write(&with, &text);
    sotto__free(p->line);
    p->line = sotto__buf_take_string(&text);
    out->line = p->line; /* NULL: no memory, the event stays */
}

void sotto__peer_peek(struct peer *p, struct peer_event *out)
{
    struct channel *ch;
    struct transceiver *t;
    next_object(p, &ch, &t);
    if (t) {
        peek_media(p, t, out);
        return;
    }
    if (ch) {
        *out = (struct peer_event){.type = next_bit(ch),
                                   .at = ch->k.at,
                                   .channel = ch,
                                   .error = ch->k.error,
                                   .reason = ch->k.reason ? ch->k.reason : ""};
        return;
    }
    const struct control *c = control_at(p, 0);
    *out = (struct peer_event){.type = c->type,
                               .at = c->at,
                               .state = c->state,
                               .code = c->code,
                               .count = c->count,
                               .text = c->text};
    if (c->type == SOTTO_EV_CANDIDATE) peek_candidate(p, c, out);
    if (c->type == SOTTO_EV_VERIFIED) out->level = c->code, out->is_enough = c->count != 0;
    if (!c->note) return;
    out->transceiver = c->note->transceiver;
    out->streams = &c->note->streams;
    if (c->type != SOTTO_EV_CANDIDATE_ERROR) return;
    out->url = c->note->url;
    out->local = c->note->local;
    out->text = c->note->text;
    out->code = c->note->code;
}

void sotto__peer_pop(struct peer *p)
{
    struct channel *ch;
    struct transceiver *t;
    next_object(p, &ch, &t);
    if (t) {
        pop_media(t);
        return;
    }
    if (ch) {
        sotto__events_drop_channel(ch, 1u << next_bit(ch));
        return;
    }
    struct note *note = control_at(p, 0)->note;
    control_at(p, 0)->note = NULL;
    p->control_head++;
    if (--p->n_controls == 0) {
        p->control_head = 0;
        if (p->cap_controls > FIRST) {
            p->controls = sotto__trim(p->controls, FIRST * sizeof *p->controls);
            p->cap_controls = FIRST;
        }
    }
    sotto__free(p->line);
    p->line = NULL;
    sotto__note_free(p, note);
}
