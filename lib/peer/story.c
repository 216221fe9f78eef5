/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes down what a connection went through: the first time that each step was reached, errors of servers, a failed handshake, candidates
 * that were refused. In: the peer's states, after each change; out: struct story, which explain.c reads. Judges nothing.
 */
#include "peer/story.h"

#include <string.h>

#include "peer/private.h"
#include "util/mem.h"

static sotto_us since(const struct peer *p, sotto_us now)
{
    return now - p->born + 1;
}

void sotto__story_reached(struct peer *p, sotto_us now, enum moment m)
{
    if (p->story.reached[m] == 0) p->story.reached[m] = since(p, now);
}

/* The last ones stay; without memory none does. */
static void add_change(struct peer *p, sotto_us now, enum path_change what)
{
    struct story *s = &p->story;
    if (!s->changes) s->changes = sotto__calloc(SOTTO_MAX_STORY_CHANGES, sizeof *s->changes);
    if (!s->changes) return;
    if (s->n_changes == SOTTO_MAX_STORY_CHANGES)
        memmove(s->changes, s->changes + 1, --s->n_changes * sizeof *s->changes);
    s->changes[s->n_changes++] = (struct story_change){since(p, now), what};
}

static void follow_path(struct peer *p, sotto_us now)
{
    struct story *s = &p->story;
    const struct transport *t = &p->transport;
    bool is_restarting = t->next.ice != NULL;
    if (is_restarting && !s->is_restarting) add_change(p, now, CHANGE_RESTART);
    s->is_restarting = is_restarting;
    if (t->stats.pair_changes != s->n_pairs && s->n_pairs > 0) add_change(p, now, CHANGE_PAIR);
    s->n_pairs = t->stats.pair_changes;
}

static void follow_losses(struct peer *p, sotto_us now)
{
    struct story *s = &p->story;
    bool is_lost = p->ice == SOTTO_ICE_DISCONNECTED || p->ice == SOTTO_ICE_FAILED;
    if (is_lost && s->lost == 0 && s->reached[MOMENT_PAIR] > 0) {
        s->lost = since(p, now);
        s->losses++;
        add_change(p, now, CHANGE_LOST);
    }
    if (is_lost || s->lost == 0) return;
    s->lost = 0;
    add_change(p, now, CHANGE_FOUND);
}

/* This is called in every turn, and most bring nothing. */
static bool is_news(struct peer *p)
{
    const struct transport *t = &p->transport;
    bool local = p->pending_local.sdp || p->current_local.sdp,
         remote = p->pending_remote.sdp || p->current_remote.sdp;
    unsigned states = (unsigned)p->ice | (unsigned)p->gathering << 4 | (unsigned)p->dtls << 8 |
                      (unsigned)p->connection << 12;
    unsigned flags = (unsigned)p->closed | (unsigned)p->ended << 1 | (unsigned)p->sctp_up << 2 |
                     (unsigned)local << 3 | (unsigned)remote << 4 |
                     (unsigned)(t->next.ice != NULL) << 5;
    uint64_t seen = (uint64_t)t->stats.pair_changes << 32 | states << 8 | flags;
    bool is_new = seen != p->story.seen;
    p->story.seen = seen;
    return is_new;
}

void sotto__story_update(struct peer *p, sotto_us now)
{
    if (!is_news(p)) return;
    const bool is[MOMENTS] = {
        [MOMENT_LOCAL] = p->pending_local.sdp || p->current_local.sdp,
        [MOMENT_REMOTE] = p->pending_remote.sdp || p->current_remote.sdp,
        [MOMENT_GATHERING] = p->gathering != SOTTO_GATHERING_NEW,
        [MOMENT_GATHERED] = p->gathering == SOTTO_GATHERING_COMPLETE,
        [MOMENT_CHECKING] = p->ice != SOTTO_ICE_NEW && p->ice != SOTTO_ICE_CLOSED,
        [MOMENT_PAIR] = p->ice == SOTTO_ICE_CONNECTED || p->ice == SOTTO_ICE_COMPLETED,
        [MOMENT_HANDSHAKE] =
            p->dtls == TRANSPORT_DTLS_CONNECTING || p->dtls == TRANSPORT_DTLS_CONNECTED,
        [MOMENT_SECURE] = p->dtls == TRANSPORT_DTLS_CONNECTED,
        [MOMENT_DATA] = p->sctp_up,
        [MOMENT_OVER] = p->closed || p->ended || p->connection == SOTTO_CONNECTION_FAILED,
    };
    for (enum moment m = 0; m < MOMENTS; m++)
        if (is[m]) sotto__story_reached(p, now, m);
    follow_path(p, now);
    follow_losses(p, now);
}

void sotto__story_refused(struct peer *p, const struct candidate *c)
{
    enum refusal why = c->is_tcp ? REFUSED_TCP : c->name[0] ? REFUSED_NAME : REFUSED_ADDRESS;
    p->story.refused[why]++;
}

static void add_server(struct peer *p, sotto_us now, const struct transport_out *t)
{
    struct story *s = &p->story;
    if (!s->servers) s->servers = sotto__calloc(SOTTO_MAX_STORY_SERVERS, sizeof *s->servers);
    if (!s->servers || s->n_servers == SOTTO_MAX_STORY_SERVERS) return;
    struct story_server *e = &s->servers[s->n_servers];
    *e = (struct story_server){.url = sotto__strdup(t->server->url ? t->server->url : ""),
                               .text = sotto__strdup(t->text ? t->text : ""),
                               .code = t->code,
                               .at = since(p, now)};
    if (e->url && e->text) {
        s->n_servers++;
        return;
    }
    sotto__free(e->url);
    sotto__free(e->text);
}

void sotto__story_trouble(struct peer *p, sotto_us now, const struct transport_out *t)
{
    if (t->type == TRANSPORT_OUT_SERVER) add_server(p, now, t);
    if (t->type != TRANSPORT_OUT_DTLS || !t->reason) return;
    sotto__free(p->story.failure);
    p->story.failure = sotto__strdup(t->reason);
}

void sotto__story_free(struct peer *p)
{
    struct story *s = &p->story;
    for (size_t i = 0; i < s->n_servers; i++) {
        sotto__free(s->servers[i].url);
        sotto__free(s->servers[i].text);
    }
    sotto__free(s->servers);
    sotto__free(s->failure);
    sotto__free(s->changes);
    *s = (struct story){.n_servers = 0};
}
