/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of a peer as one number for each part of it, so that "a failed call changes nothing" is quick to check. What an application
 * cannot see, as credentials of a generation that has not begun, is left out.
 */
#include "nego.h"

struct hash {
    uint64_t h;
};

static void add(struct hash *h, const void *p, size_t n)
{
    const uint8_t *at = p;
    uint64_t x;
    for (; n >= 8; n -= 8, at += 8) {
        memcpy(&x, at, 8);
        h->h = (h->h ^ x) * 0x9e3779b97f4a7c15u;
        h->h ^= h->h >> 29;
    }
    x = (uint64_t)n << 56;
    memcpy(&x, at, n);
    h->h = (h->h ^ x ^ (uint64_t)n << 56) * 0x9e3779b97f4a7c15u;
    h->h ^= h->h >> 29;
}

static void number(struct hash *h, uint64_t x)
{
    add(h, &x, sizeof x);
}

static void view(struct hash *h, struct str s)
{
    number(h, s.n);
    if (s.n > 0) add(h, s.p, s.n);
}

static void text(struct hash *h, const char *s)
{
    view(h, sotto__str(s ? s : "\1none"));
}

static void strings(struct hash *h, const struct strings *s)
{
    number(h, s->n);
    for (size_t i = 0; i < s->n; i++) text(h, s->items[i]);
}

static void lines(struct hash *h, const struct sdp_section *s)
{
    number(h, s->n_lines);
    for (size_t i = 0; i < s->n_lines; i++) {
        number(h, (uint64_t)s->lines[i].type);
        view(h, s->lines[i].name);
        view(h, s->lines[i].value);
    }
}

static uint64_t description(const struct description *d)
{
    struct hash h = {(uint64_t)d->type};
    if (!d->sdp) return 0;
    lines(&h, &d->sdp->s);
    for (size_t i = 0; i < d->sdp->n_media; i++) {
        const struct sdp_media *m = &d->sdp->media[i];
        view(&h, m->kind);
        view(&h, m->proto);
        number(&h, m->port);
        for (size_t k = 0; k < m->n_fmts; k++) view(&h, m->fmts[k]);
        lines(&h, &m->s);
    }
    return h.h;
}

static void codecs(struct hash *h, const struct codec_list *l)
{
    number(h, l->n);
    for (size_t i = 0; i < l->n; i++) {
        number(h, (uint64_t)l->items[i].id << 32 | l->items[i].pt);
        number(h, (uint64_t)l->items[i].apt << 32 | l->items[i].feedback);
        text(h, l->items[i].fmtp);
    }
}

static void encodings(struct hash *h, const struct encodings *e)
{
    number(h, e->n);
    for (size_t i = 0; i < e->n; i++) {
        text(h, e->items[i].rid);
        number(h, (uint64_t)e->items[i].max_bps << 1 | e->items[i].inactive);
        add(h, &e->items[i].scale, sizeof e->items[i].scale);
    }
}

static void one(struct transceiver *t, struct hash *negotiated, struct hash *wanted,
                struct hash *sending)
{
    number(negotiated, t->id << 4 | (uint64_t)t->stopped << 1 | t->has_sent);
    text(negotiated, t->mid);
    number(negotiated, (uint64_t)(uint32_t)t->mline_index << 32 | (uint32_t)t->current);
    number(negotiated,
           (uint64_t)(uint32_t)t->fired << 32 | (uint64_t)t->was_associated << 1 | t->by_remote);
    strings(negotiated, &t->remote_streams);
    codecs(negotiated, &t->send);
    codecs(negotiated, &t->recv);
    add(negotiated, t->exts.id, sizeof t->exts.id);
    number(negotiated, t->max_bps);
    number(negotiated, t->rtcp_rsize);
    number(wanted,
           t->id << 4 | (uint64_t)t->stopping << 2 | (uint64_t)t->has_track << 1 | t->by_add_track);
    number(wanted, (uint64_t)(uint32_t)t->direction << 32 | t->ssrc);
    text(wanted, t->track_id);
    strings(wanted, &t->streams);
    codecs(wanted, &t->prefs);
    number(sending, t->transaction);
    encodings(sending, &t->encodings);
}

static void generation(struct hash *h, const struct transport_generation *g)
{
    number(h, g->ice != NULL);
    if (!g->ice) return;
    text(h, g->ufrag);
    text(h, g->pwd);
    text(h, g->remote_ufrag ? g->remote_ufrag : "");
}

static uint64_t transport(const struct peer *p)
{
    const struct transport *t = &p->transport;
    struct hash h = {t->has_remote};
    generation(&h, &t->live);
    generation(&h, &t->next);
    text(&h, t->remote ? t->remote->ufrag : "");
    text(&h, t->remote ? t->remote->pwd : "");
    number(&h, t->remote ? t->remote->n_fingerprints : 0);
    number(&h, p->role_known ? 1u + p->dtls_client : 0);
    number(&h, p->ice_role_known ? 1u + p->controlling : 0);
    number(&h, t->has_data);
    text(&h, p->remote_tls_id ? p->remote_tls_id : "");
    number(&h, t->dtls_state);
    return h.h;
}

static uint64_t data(struct peer *p)
{
    struct hash h = {(uint64_t)p->data_index};
    text(&h, p->data_mid);
    number(&h, p->data_negotiated);
    for (struct channel *c = NULL; (c = sotto__peer_next_channel(p, c));) {
        number(&h, c->number);
        number(&h, (uint64_t)(uint32_t)c->state << 32 | (uint32_t)c->id);
    }
    return h.h;
}

static uint64_t events(const struct peer *p)
{
    struct hash h = {p->n_controls};
    for (const struct node *n = p->pending.next; n && n != &p->pending; n = n->next)
        number(&h, CONTAINER_OF(n, struct channel, k.pending)->k.bits);
    return h.h;
}

void nego_snap(struct side *s, struct snap *ret)
{
    struct peer *p = s->peer;
    struct hash state = {0}, negotiated = {0}, wanted = {0}, sending = {0};
    struct hash pending = {description(&p->pending_local)};
    number(&pending, description(&p->pending_remote));
    number(&state, (uint64_t)(uint32_t)p->signaling << 32 | (uint32_t)p->connection);
    number(&state, (uint64_t)(uint32_t)p->gathering << 32 | (uint32_t)p->ice);
    number(&state, p->closed);
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        one(t, &negotiated, &wanted, &sending);
    *ret = (struct snap){{[SNAP_STATE] = state.h,
                          [SNAP_LOCAL] = description(&p->current_local),
                          [SNAP_REMOTE] = description(&p->current_remote),
                          [SNAP_PENDING] = pending.h,
                          [SNAP_NEGOTIATED] = negotiated.h,
                          [SNAP_WANTED] = wanted.h,
                          [SNAP_SENDING] = sending.h,
                          [SNAP_DATA] = data(p),
                          [SNAP_TRANSPORT] = transport(p),
                          [SNAP_NEEDED] = p->negotiation_needed,
                          [SNAP_EVENTS] = events(p)}};
}

void nego_same(struct side *s, const struct snap *before, unsigned but, const char *call)
{
    static const char *const names[SNAP_PARTS] = {
        "states", "local",     "remote",       "pending",   "negotiated",
        "wanted", "encodings", "data section", "transport", "negotiation-needed",
        "events"};
    struct snap after;
    nego_snap(s, &after);
    for (unsigned i = 0; i < SNAP_PARTS; i++) {
        if (but & 1u << i || before->part[i] == after.part[i]) continue;
        fprintf(stderr, "side %d: %s was to change nothing, but changed: %s\n", s->index, call,
                names[i]);
        abort();
    }
}
