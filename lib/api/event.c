/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: which connection is next, and making the event when the application takes it. Control events come first, then one message
 * of the connection at the head, which goes to the tail: constant time, no scan. Allocation happens here, and only here; without
 * memory the event stays queued.
 * answers: S09 A01
 */
#include "sotto/event.h"

#include <stdio.h>
#include <string.h>

#include "api/ctx.h"
#include "util/mask.h"
#include "util/mem.h"

#define SPARE_LEAST (SOTTO_MAX_RID + 1u) /* what an event of a frame carries */
#define SPARE_MOST 2048u                 /* … of a packet */

bool sotto__event_waits(const sotto_ctx *c)
{
    return c->n_posts > 0 || !sotto__list_empty(&c->control) || !sotto__list_empty(&c->data) ||
           !sotto__list_empty(&c->media);
}

static void list(struct node *head, struct node *n, bool wanted)
{
    if (!wanted)
        sotto__list_remove(n);
    else if (!sotto__list_linked(n))
        sotto__list_push(head, n);
}

void sotto__events_listed(sotto_ctx *c, sotto_pc *pc)
{
    list(&c->control, &pc->control, sotto__peer_has_event(pc->peer));
    list(&c->data, &pc->data, sotto__peer_has_message(pc->peer));
    list(&c->media, &pc->media, sotto__peer_has_media(pc->peer));
}

/* The memory of an event that was freed serves the next one: those who take and free one after the other need no other. */
struct full_event *sotto__event_new(struct guard *g, size_t text)
{
    struct full_event *f = text <= SPARE_MOST ? atomic_exchange(&g->spare, NULL) : NULL;
    size_t room = f ? f->room : 0;
    if (!f || room < text) {
        sotto__free(f);
        room = text > SPARE_LEAST ? text : SPARE_LEAST;
        f = sotto__malloc(sizeof *f + room);
    }
    if (!f) return NULL;
    memset(f, 0, offsetof(struct full_event, frame));
    f->room = room;
    return f;
}

void sotto__event_drop(struct guard *g, struct full_event *f)
{
    void *none = NULL;
    if (f->room <= SPARE_MOST && g && atomic_compare_exchange_strong(&g->spare, &none, f)) return;
    sotto__free(f);
}

static void name_objects(struct full_event *f, sotto_pc *pc, sotto_dc *dc, sotto_transceiver *t)
{
    f->e.pc = pc;
    f->e.user = dc ? dc->user : t ? t->user : pc->user;
    f->dc = dc;
    f->transceiver = t;
    if (dc) atomic_fetch_add(&dc->refs, 1); /* whose shells hold that of the connection */
    if (t) atomic_fetch_add(&t->refs, 1);
    if (!dc && !t) atomic_fetch_add(&pc->refs, 1);
}

static int take_post(sotto_ctx *c, sotto_event **ret)
{
    struct full_event *f = sotto__event_new(c->guard, 0);
    if (!f) return SOTTO_E_NOMEM;
    const struct post *p = &c->posts[c->post_head];
    f->e.type = SOTTO_EV_USER;
    f->e.at = p->at;
    f->e.u.post.code = p->code;
    f->e.u.post.p = p->p;
    c->post_head = (c->post_head + 1) % SOTTO_MAX_POSTS;
    c->n_posts--;
    *ret = &f->e;
    return 1;
}

static const char *put_text(struct full_event *f, size_t *used, const char *text)
{
    char *to = f->text + *used;
    size_t n = strlen(text) + 1;
    memcpy(to, text, n);
    *used += n;
    return to;
}

static int fill_candidate(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    size_t used = 0;
    if (!p->line) return SOTTO_E_NOMEM;
    struct full_event *f =
        sotto__event_new(pc->guard, strlen(p->line) + strlen(p->mid) + strlen(p->ufrag) + 3);
    if (!f) return SOTTO_E_NOMEM;
    f->e.u.candidate.line = put_text(f, &used, p->line);
    f->e.u.candidate.mid = put_text(f, &used, p->mid);
    f->e.u.candidate.ufrag = put_text(f, &used, p->ufrag);
    f->e.u.candidate.mline_index = p->mline_index;
    *ret = f;
    return 0;
}

static int fill_warning(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    size_t used = 0;
    struct full_event *f = sotto__event_new(pc->guard, strlen(p->text) + 1);
    if (!f) return SOTTO_E_NOMEM;
    f->e.u.warning.code = p->code;
    f->e.u.warning.count = p->count;
    f->e.u.warning.text = put_text(f, &used, p->text);
    *ret = f;
    return 0;
}

#define ERROR_TEXT 1024 /* above the longest URL and what is kept of a server's words */
static int fill_candidate_error(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    size_t used = 0;
    char address[46] = "";
    char masked[3][ERROR_TEXT];
    const char *all[] = {p->url, p->text, address};
    if (p->local.family != 0) sotto__address_text(&p->local, address);
    for (int i = 1; i < 3 && !pc->ctx->log.shows; i++) { /* the URL is the application's own, and says which server */
        sotto__mask_text(all[i], masked[i], ERROR_TEXT);
        all[i] = masked[i];
    }
    struct full_event *f =
        sotto__event_new(pc->guard, strlen(all[0]) + strlen(all[1]) + strlen(all[2]) + 3);
    if (!f) return SOTTO_E_NOMEM;
    f->e.u.candidate_error.url = put_text(f, &used, all[0]);
    f->e.u.candidate_error.text = put_text(f, &used, all[1]);
    f->e.u.candidate_error.address = put_text(f, &used, all[2]);
    f->e.u.candidate_error.port = p->local.port;
    f->e.u.candidate_error.code = p->code;
    *ret = f;
    return 0;
}

static int fill_track(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    static const struct strings none = {NULL, 0};
    const struct strings *streams = p->streams ? p->streams : &none;
    struct full_event *f = sotto__event_new(pc->guard, 0);
    if (!f) return SOTTO_E_NOMEM;
    int r = sotto__strings_copy((const char *const *)streams->items, streams->n, &f->streams);
    if (r == 0) r = sotto__media_shell(pc, p->transceiver, &f->e.u.track.transceiver);
    if (r < 0) {
        sotto__strings_free(&f->streams);
        sotto__event_drop(pc->guard, f);
        return r;
    }
    f->e.u.track.streams = (const char *const *)f->streams.items;
    f->e.u.track.n_streams = f->streams.n;
    *ret = f;
    return 0;
}

static int fill_channel(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    struct full_event *f = sotto__event_new(pc->guard, 0);
    if (!f) return SOTTO_E_NOMEM;
    sotto_dc *dc = p->channel->shell;
    int r = dc ? 0 : sotto__dc_new(pc, p->channel, pc->user, &dc);
    if (r < 0) {
        sotto__event_drop(pc->guard, f);
        return r;
    }
    f->e.u.channel.dc = dc;
    f->e.u.channel.error = p->error;
    f->e.u.channel.reason = p->reason;
    *ret = f;
    return 0;
}

static int fill_state(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    struct full_event *f = sotto__event_new(pc->guard, 0);
    if (!f) return SOTTO_E_NOMEM;
    f->e.u.state.connection = p->state.connection;
    f->e.u.state.ice = p->state.ice;
    f->e.u.state.gathering = p->state.gathering;
    f->e.u.state.signaling = p->state.signaling;
    *ret = f;
    return 0;
}

static int fill_network(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    struct full_event *f = sotto__event_new(pc->guard, 0);
    if (!f) return SOTTO_E_NOMEM;
    f->e.u.network.needs_restart = p->code != 0;
    *ret = f;
    return 0;
}

static int fill_verified(sotto_pc *pc, struct full_event **ret, const struct peer_event *p)
{
    struct full_event *f = sotto__event_new(pc->guard, 0);
    if (!f) return SOTTO_E_NOMEM;
    f->e.u.verified.level = p->level;
    f->e.u.verified.is_enough = p->is_enough;
    *ret = f;
    return 0;
}

static int take_control(sotto_ctx *c, sotto_event **ret)
{
    sotto_pc *pc = CONTAINER_OF(c->control.next, struct sotto_pc, control);
    struct full_event *f;
    struct peer_event p;
    int r;
    sotto__peer_peek(pc->peer, &p);
    switch (p.type) {
    case SOTTO_EV_CANDIDATE: r = fill_candidate(pc, &f, &p); break;
    case SOTTO_EV_WARNING: r = fill_warning(pc, &f, &p); break;
    case SOTTO_EV_CANDIDATE_ERROR: r = fill_candidate_error(pc, &f, &p); break;
    case SOTTO_EV_TRACK:
    case SOTTO_EV_TRACK_REMOVED:
    case SOTTO_EV_MUTE:
    case SOTTO_EV_UNMUTE: r = fill_track(pc, &f, &p); break;
    case SOTTO_EV_KEYFRAME_NEEDED:
    case SOTTO_EV_TARGET_BITRATE:
    case SOTTO_EV_DTMF_TONE: r = sotto__event_fill_media(pc, &p, &f); break;
    case SOTTO_EV_NETWORK_CHANGED: r = fill_network(pc, &f, &p); break;
    case SOTTO_EV_VERIFIED: r = fill_verified(pc, &f, &p); break;
    case SOTTO_EV_STATE:
    case SOTTO_EV_NEGOTIATION_NEEDED: r = fill_state(pc, &f, &p); break;
    default: r = fill_channel(pc, &f, &p); break;
    }
    if (r < 0) return r;
    f->e.type = p.type;
    f->e.at = p.at;
    name_objects(f, pc, p.channel ? p.channel->shell : NULL,
                 p.transceiver ? p.transceiver->shell : NULL);
    sotto__peer_pop(pc->peer);
    sotto__list_remove(&pc->control); /* to the tail, if there is more */
    sotto__events_listed(c, pc);
    *ret = &f->e;
    return 1;
}

static int take_message(sotto_ctx *c, sotto_pc *pc, sotto_event **ret)
{
    struct peer_message m;
    struct full_event *f = sotto__event_new(c->guard, 0);
    if (!f) return SOTTO_E_NOMEM;
    int r = sotto__peer_pull(pc->peer, sotto__now(c), &m);
    sotto__list_remove(&pc->data);
    if (r == 1 && m.was_ready)
        sotto__events_listed(c, pc);
    else
        sotto__loop_touch(c, pc);
    if (r != 1) {
        sotto__event_drop(c->guard, f);
        return r;
    }
    f->e.type = SOTTO_EV_MESSAGE;
    f->e.at = m.at;
    f->data = m.data;
    f->e.u.message.dc = m.channel->shell;
    f->e.u.message.data = m.data;
    f->e.u.message.len = m.len;
    f->e.u.message.is_text = m.is_text;
    name_objects(f, pc, m.channel->shell, NULL);
    *ret = &f->e;
    return 1;
}

static int take_media(sotto_ctx *c, sotto_pc *pc, sotto_event **ret)
{
    struct full_event *f;
    int r = sotto__event_take_media(c, pc, &f);
    if (r < 0) return r;
    sotto__list_remove(&pc->media);
    sotto__events_listed(c, pc); /* what is due has not changed */
    if (r == 0) return 0;
    name_objects(f, pc, NULL, f->e.u.frame.transceiver);
    *ret = &f->e;
    return 1;
}

/* Messages and media in turn. */
static int take_data(sotto_ctx *c, sotto_event **ret)
{
    bool media = sotto__list_empty(&c->data) || (c->media_is_next && !sotto__list_empty(&c->media));
    c->media_is_next = !media;
    if (media) return take_media(c, CONTAINER_OF(c->media.next, struct sotto_pc, media), ret);
    return take_message(c, CONTAINER_OF(c->data.next, struct sotto_pc, data), ret);
}

int sotto__event_take(sotto_ctx *c, sotto_event **ret)
{
    for (;;) {
        if (c->n_posts > 0) return take_post(c, ret);
        if (!sotto__list_empty(&c->control)) return take_control(c, ret);
        if (sotto__list_empty(&c->data) && sotto__list_empty(&c->media)) return 0;
        int r = take_data(c, ret);
        if (r != 0) return r;
    }
}

SOTTO_API void sotto_event_free(sotto_event *e)
{
    struct full_event *f = (struct full_event *)e;
    if (!f) return;
    sotto_pc *pc = f->e.pc;
    sotto_dc *dc = f->dc;
    sotto_transceiver *t = f->transceiver;
    sotto__strings_free(&f->streams);
    sotto__free(f->data);
    sotto__received_free(f->received);
    sotto__event_drop(pc ? pc->guard : NULL, f);
    if (dc) sotto__dc_unref(dc); /* last: the guard is theirs */
    if (t) sotto__media_unref(t);
    if (pc && !dc && !t) sotto__pc_unref(pc);
}
