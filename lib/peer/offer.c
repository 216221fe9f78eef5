/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of an offer (RFC 9429 §5.2, RFC 9143 §7.2 and §7.5). First the places: sections that were described keep theirs, what was
 * rejected is recycled, the rest is appended, data last. Then the tagged section, which carries the one transport: it stays what the last
 * answer made it while that is possible, because browsers keep the transport with it. Then the text. In: the peer's state, of which only
 * draft mids change; out: text.
 * answers: S30
 */
#include <inttypes.h>
#include <stdio.h>

#include "peer/policy.h"
#include "peer/section_sync.h"
#include "peer/section_write.h"
#include "util/mem.h"

#define RTP_PROTO STR("UDP/TLS/RTP/SAVPF")

struct place { /* one m-line of the offer */
    struct transceiver *t; /* NULL: data, or nothing */
    bool data;
    bool live;       /* the section is on the transport already */
    const char *mid; /* of what is described; not of a rejected section */
};

struct offer {
    struct peer *p;
    struct sdp *sdp;
    const struct sdp *base; /* whose order of sections is kept; NULL: none */
    const struct sdp *last; /* the last answer; NULL: none */
    struct sections local, remote, drafted; /* current ones, and the pending local offer */
    struct place places[SOTTO_MAX_SDP_MEDIA];
    size_t n;
    int32_t tagged;  /* place, -1: none */
    bool subsequent; /* the bundle is there already: RFC 9143 §7.5 */
    struct pt_map pts;
    struct ext_map exts;
};

/* ---- mids ---- */

static bool has_mid(const struct sdp *sdp, const char *mid)
{
    for (size_t i = 0; sdp && i < sdp->n_media; i++)
        if (sotto__str_eq(sotto__section_mid(sdp, i), sotto__str(mid))) return true;
    return false;
}

/* own: the draft that asks, which is no obstacle to itself. */
static bool mid_is_taken(const struct peer *p, const char *mid, const char *own)
{
    const struct sdp *const all[] = {p->current_local.sdp, p->current_remote.sdp,
                                     p->pending_local.sdp, p->pending_remote.sdp};
    for (size_t i = 0; i < 4; i++)
        if (has_mid(all[i], mid)) return true;
    for (const struct node *n = p->transceivers.next; n != &p->transceivers; n = n->next) {
        const struct transceiver *t = CONTAINER_OF(n, struct transceiver, all);
        const char *has = t->mid[0] ? t->mid : t->draft_mid;
        if (has != own && strcmp(has, mid) == 0) return true;
    }
    const char *data = p->data_mid[0] ? p->data_mid : p->data_draft_mid;
    return data != own && strcmp(data, mid) == 0;
}

/* RFC 9429 §5.2.1: short, and telling nothing: numbers. One that an earlier offer proposed is proposed again while it is free. */
static const char *choose_mid(const struct peer *p, char draft[static SOTTO_MAX_MID + 1])
{
    if (draft[0] && !mid_is_taken(p, draft, draft)) return draft;
    uint64_t number = p->next_mid;
    do snprintf(draft, SOTTO_MAX_MID + 1, "%" PRIu64, number++);
    while (mid_is_taken(p, draft, draft));
    return draft;
}

/* ---- places ---- */

static bool is_over(const struct transceiver *t)
{
    return t->stopping || t->stopped;
}

/* Rejected in what was agreed on: another section may take the place (RFC 9429 §5.2.2). */
static bool can_be_recycled(const struct offer *o, size_t i)
{
    const struct sdp *local = o->p->current_local.sdp, *remote = o->p->current_remote.sdp;
    if (!local || !remote || i >= local->n_media || o->places[i].t || o->places[i].data)
        return false;
    return !sotto__section_is_used(local, i) || !sotto__section_is_used(remote, i);
}

/* A free place, else a new one; NULL: no m-line is left. */
static struct place *find_place(struct offer *o)
{
    for (size_t i = 0; i < o->n; i++)
        if (can_be_recycled(o, i)) return &o->places[i];
    return o->n < SOTTO_MAX_SDP_MEDIA ? &o->places[o->n++] : NULL;
}

static bool is_live(const struct offer *o, size_t i, const char *mid)
{
    const struct sdp *local = o->p->current_local.sdp, *remote = o->p->current_remote.sdp;
    return sotto__section_is_used(local, i) && sotto__section_is_used(remote, i) &&
           sotto__str_eq(sotto__section_mid(local, i), sotto__str(mid));
}

static void keep_places(struct offer *o)
{
    struct peer *p = o->p;
    o->n = o->base ? o->base->n_media : 0;
    for (size_t i = 0; i < o->n; i++) {
        struct place *place = &o->places[i];
        place->t = sotto__transceiver_at(p, (int32_t)i);
        place->data = p->data_index == (int32_t)i && sotto__section_is_used(o->base, i);
        place->mid = place->t ? place->t->mid : p->data_mid;
        place->live = (place->t || place->data) && is_live(o, i, place->mid);
    }
}

static int add_places(struct offer *o)
{
    struct peer *p = o->p;
    struct place *place;
    bool data = p->n_channels > p->n_closed;
    for (struct node *n = p->transceivers.next; n != &p->transceivers; n = n->next) {
        struct transceiver *t = CONTAINER_OF(n, struct transceiver, all);
        if (t->mline_index >= 0 || is_over(t)) continue;
        if (!(place = find_place(o))) return SOTTO_E_LIMIT;
        *place = (struct place){.t = t, .mid = choose_mid(p, t->draft_mid)};
    }
    for (size_t i = 0; i < o->n; i++) data = data && !o->places[i].data;
    if (!data) return 0;
    if (!(place = find_place(o))) return SOTTO_E_LIMIT;
    *place = (struct place){.data = true, .mid = choose_mid(p, p->data_draft_mid)};
    return 0;
}

/* ---- the tagged section ---- */

static bool is_wanted(const struct place *place)
{
    return place->data || (place->t && !is_over(place->t));
}

static int32_t wanted_by_mid(const struct offer *o, struct str mid)
{
    for (size_t i = 0; i < o->n; i++)
        if (is_wanted(&o->places[i]) && sotto__str_eq(sotto__str(o->places[i].mid), mid))
            return (int32_t)i;
    return -1;
}

/* The first of the negotiated bundle that goes on; -1: there is none. */
static int32_t find_negotiated(const struct offer *o)
{
    const struct sdp_line *line;
    struct sdp_group group;
    size_t at = 0;
    while (o->last && (line = sotto__sdp_next_attr(&o->last->s, &at, "group"))) {
        if (sotto__sdp_group(line->value, &group) < 0) continue;
        if (!sotto__str_eq(group.semantics, STR("BUNDLE"))) continue;
        for (size_t i = 0; i < group.n_mids; i++) {
            int32_t found = wanted_by_mid(o, group.mids[i]);
            if (found >= 0 && o->places[found].live) return found;
        }
    }
    return -1;
}

/* W3C "create an offer": the section of the first transceiver that is not stopped; without any, data. One on the transport goes first. */
static int32_t find_first(const struct offer *o, bool live)
{
    struct node *head = &o->p->transceivers;
    for (struct node *n = head->next; n != head; n = n->next)
        for (size_t i = 0; i < o->n; i++) {
            const struct place *place = &o->places[i];
            if (place->t != CONTAINER_OF(n, struct transceiver, all)) continue;
            if (is_wanted(place) && (place->live || !live)) return (int32_t)i;
        }
    for (size_t i = 0; i < o->n; i++)
        if (o->places[i].data && (o->places[i].live || !live)) return (int32_t)i;
    return -1;
}

static void choose_tagged(struct offer *o)
{
    o->tagged = find_negotiated(o);
    o->subsequent = o->tagged >= 0;
    if (o->tagged < 0) o->tagged = find_first(o, true);
    if (o->tagged < 0) o->tagged = find_first(o, false);
}

static int write_bundle(const struct offer *o)
{
    struct str mids[SOTTO_MAX_SDP_MEDIA];
    size_t n = 0;
    if (o->tagged >= 0) mids[n++] = sotto__str(o->places[o->tagged].mid);
    for (size_t i = 0; i < o->n; i++)
        if (is_wanted(&o->places[i]) && (int32_t)i != o->tagged)
            mids[n++] = sotto__str(o->places[i].mid);
    return sotto__section_write_group(o->sdp, "BUNDLE", mids, n);
}

static int write_sync(const struct offer *o)
{
    struct sync_member members[SOTTO_MAX_SDP_MEDIA];
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        const struct place *place = &o->places[i];
        if (place->t && is_wanted(place))
            members[n++] = (struct sync_member){sotto__str(place->mid), &place->t->streams};
    }
    return sotto__section_sync_offer(o->sdp, members, n, o->last);
}

/* ---- what was described before ---- */

static int read_before(struct offer *o)
{
    const struct peer *p = o->p;
    int r = 0;
    if (p->current_local.sdp) r = sotto__sections_read(p->current_local.sdp, &o->local, NULL);
    if (r == 0 && p->current_remote.sdp)
        r = sotto__sections_read(p->current_remote.sdp, &o->remote, NULL);
    if (r == 0 && p->pending_local.sdp)
        r = sotto__sections_read(p->pending_local.sdp, &o->drafted, NULL);
    return r;
}

/* Payload types of the bundle (RFC 9143 §10.1.2): they keep their meaning. */
static void claim(struct offer *o, struct sections *from, bool remote)
{
    for (size_t i = 0; i < from->n; i++) {
        struct section *s = &from->items[i];
        bool media = s->kind == SECTION_AUDIO || s->kind == SECTION_VIDEO;
        if (s->rejected || !media) continue;
        sotto__codecs_claim(&o->pts, &s->codecs);
        if (remote) sotto__codecs_reserve(&o->pts, s->m);
    }
}

/* What our last description says of this section; NULL: nothing. */
static const struct section *before(const struct offer *o, const struct place *place)
{
    const struct section *s = sotto__section_by_mid(&o->drafted, sotto__str(place->mid));
    return s ? s : sotto__section_by_mid(&o->local, sotto__str(place->mid));
}

static void move_codec(struct codec_list *to, struct codec_list *from, size_t i)
{
    to->items[to->n++] = from->items[i];
    for (from->n--; i < from->n; i++) from->items[i] = from->items[i + 1];
}

/* RFC 9429 §5.2.2: codecs stand in the order of the last answer, those that it left out behind them. */
static int order_codecs(const struct codec_list *own, const struct codec_list *answered,
                        struct codec_list *ret)
{
    struct codec_list rest, sorted = {0};
    int r = sotto__codecs_copy(own, &rest);
    if (r < 0) return r;
    sorted.items = sotto__calloc(rest.n + 1, sizeof *sorted.items);
    if (!sorted.items) {
        sotto__codecs_free(&rest);
        return SOTTO_E_NOMEM;
    }
    sorted.cap = rest.n + 1;
    for (size_t a = 0; a < answered->n; a++)
        for (size_t i = 0; i < rest.n; i++) {
            const struct codec *c = &rest.items[i];
            if (c->pt != answered->items[a].pt || c->id != answered->items[a].id) continue;
            move_codec(&sorted, &rest, i);
            break;
        }
    while (rest.n > 0) move_codec(&sorted, &rest, 0);
    sotto__codecs_free(&rest);
    *ret = sorted;
    return 0;
}

static int choose_codecs(struct offer *o, const struct place *place, const struct section *old,
                         struct codec_list *ret)
{
    const struct sections *answer = o->last == o->p->current_local.sdp ? &o->local : &o->remote;
    const struct section *answered =
        place->live ? sotto__section_by_mid(answer, sotto__str(place->mid)) : NULL;
    struct codec_list sorted = {0};
    int r = old && answered ? order_codecs(&old->codecs, &answered->codecs, &sorted) : 0;
    if (r == 0)
        r = sotto__codecs_offer(place->t->kind, &place->t->prefs,
                                sorted.n > 0 ? &sorted : (old ? &old->codecs : NULL), &o->pts, ret);
    sotto__codecs_free(&sorted);
    return r;
}

/* ---- sections ---- */

static void fill_transport(const struct offer *o, size_t i, struct section_text *x,
                           struct transport_text *transport)
{
    bool tagged = (int32_t)i == o->tagged;
    x->mid = sotto__str(o->places[i].mid);
    x->bundle_only = !tagged && !o->subsequent;
    x->port = x->bundle_only ? 0 : 9;
    x->transport = transport;
}

/* RFC 9429 §5.2.2: rids and simulcast stay what they were; that which we take from the remote too. */
static void fill_rids(const struct place *place, const struct section *old, struct section_text *x)
{
    if (old) x->recv = old->recv;
    if (sotto__direction_sends(place->t->direction) || (old && old->send.n > 0))
        sotto__section_own_rids(place->t, &x->send);
    x->simulcast = x->send.n > 1 || x->recv.n > 0;
}

/* RFC 9429 §5.2.2: a=rtcp-rsize only if the last answer had it. */
static bool wants_rsize(const struct offer *o, const struct place *place)
{
    const struct sections *answer = o->last == o->p->current_local.sdp ? &o->local : &o->remote;
    const struct section *s = sotto__section_by_mid(answer, sotto__str(place->mid));
    return !place->live || !s || s->rtcp_rsize;
}

static int write_media(struct offer *o, size_t i, struct transport_text *transport)
{
    const struct place *place = &o->places[i];
    const struct section *old = before(o, place);
    int32_t direction = sotto__policy_direction(o->p, place->t->kind, place->t->direction);
    bool sends = sotto__direction_sends(direction);
    struct codec_list codecs = {0};
    struct ext_set exts;
    struct section_text x = {.proto = RTP_PROTO,
                             .t = place->t,
                             .direction = direction,
                             .codecs = &codecs,
                             .exts = &exts,
                             .rtcp_rsize = wants_rsize(o, place),
                             .msid = sends || (old && old->has_msid)};
    fill_transport(o, i, &x, transport);
    transport->first = (int32_t)i == o->tagged && !place->live;
    fill_rids(place, old, &x);
    x.ssrc = sends && x.send.n < 2;
    int r = choose_codecs(o, place, old, &codecs);
    if (r < 0) return r;
    sotto__policy_codecs(o->p, &codecs);
    sotto__exts_offer(place->t->kind, x.simulcast, &o->exts, &exts);
    r = sotto__section_write_media(o->p, o->sdp, &x);
    sotto__codecs_free(&codecs);
    return r;
}

static int write_sections(struct offer *o, bool restart)
{
    const struct peer *p = o->p;
    int r = 0;
    for (size_t i = 0; r == 0 && i < o->n; i++) {
        struct transport_text transport = {
            .ice = sotto__section_ice(p, restart), .setup = "actpass", .tls_id = p->tls_id};
        struct section_text x = {.proto = STR("UDP/DTLS/SCTP"), .fmt = STR("webrtc-datachannel")};
        if (o->places[i].data) {
            fill_transport(o, i, &x, &transport);
            r = sotto__section_write_data(p, o->sdp, &x);
        } else if (is_wanted(&o->places[i])) {
            r = write_media(o, i, &transport);
        } else {
            r = sotto__section_write_rejected(o->sdp, &o->base->media[i]);
        }
    }
    return r;
}

static int write_offer(struct offer *o, bool restart, uint64_t version)
{
    struct peer *p = o->p;
    o->base = p->pending_local.sdp ? p->pending_local.sdp : p->current_local.sdp;
    o->last =
        sotto__jsep_is_answer(p->current_local.type) ? p->current_local.sdp : p->current_remote.sdp;
    int r = read_before(o);
    if (r < 0) return r;
    claim(o, &o->local, false);
    claim(o, &o->drafted, false);
    claim(o, &o->remote, true);
    keep_places(o);
    r = add_places(o);
    choose_tagged(o);
    if (r == 0) r = sotto__section_write_head(p, o->sdp, version);
    if (r == 0) r = sotto__section_write_options(o->sdp, true, true);
    if (r == 0) r = write_bundle(o);
    if (r == 0) r = write_sync(o);
    return r == 0 ? write_sections(o, restart) : r;
}

int sotto__offer_make(struct peer *p, bool restart, uint64_t version, char **ret)
{
    struct offer o = {.p = p, .exts = p->exts};
    int r = sotto__sdp_new(&o.sdp);
    if (r < 0) return r;
    r = write_offer(&o, restart, version);
    sotto__sections_free(&o.local);
    sotto__sections_free(&o.remote);
    sotto__sections_free(&o.drafted);
    return sotto__section_write_end(o.sdp, r, ret);
}
