/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a description means for transceivers and the data section: which transceiver a media section belongs to, directions, remote
 * streams and the events of tracks, encodings, codecs (RFC 9429 §5.10, §5.11; W3C WebRTC 1.0 §4.4.1.5, §5.1.1 "process remote
 * tracks"). Planning allocates, committing moves. A remote description never makes a transceiver send: what is negotiated is within
 * the direction that the application chose.
 * answers: S36 H022 H024
 */
#include <stdio.h>
#include <string.h>

#include "peer/apply.h"
#include "util/error.h"
#include "util/mem.h"

void sotto__plan_item_free(struct peer *p, struct plan_item *i)
{
    sotto__note_free(p, i->added);
    sotto__note_free(p, i->removed);
    if (i->fresh) sotto__transceiver_free(i->t);
    sotto__strings_free(&i->streams);
    sotto__encodings_free(&i->encodings);
    sotto__codecs_free(&i->send);
    sotto__codecs_free(&i->recv);
    *i = (struct plan_item){0};
}

/* ---- which transceiver ---- */

static struct transceiver *associated(const struct plan *plan, const struct section *s)
{
    struct transceiver *t = NULL;
    while ((t = sotto__transceiver_next(plan->p, t))) {
        if (t->mline_index < 0 || (plan->rolls_back && !t->was_associated)) continue;
        bool by_place = s->mid.n == 0 || t->has_own_mid;
        if (sotto__str_eq(s->mid, sotto__str(t->mid)) || (by_place && t->mline_index == s->index))
            return t;
    }
    return NULL;
}

static sotto_kind kind_of(const struct section *s)
{
    return s->kind == SECTION_AUDIO ? SOTTO_AUDIO : SOTTO_VIDEO;
}

static bool is_taken(const struct plan *plan, const struct transceiver *t)
{
    for (size_t i = 0; i < plan->here.n; i++)
        if (plan->items[i].t == t) return true;
    return false;
}

/* JSEP: the first one by addTrack that has no section; under a rollback those lose theirs that the rolled-back offer gave them. */
static struct transceiver *reusable(const struct plan *plan, const struct section *s)
{
    struct transceiver *t = NULL;
    if (!sotto__direction_receives(s->direction)) return NULL;
    while ((t = sotto__transceiver_next(plan->p, t))) {
        bool free_now = t->mline_index < 0 || (plan->rolls_back && !t->was_associated);
        if (free_now && t->by_add_track && !t->stopping && t->kind == kind_of(s) &&
            !is_taken(plan, t))
            return t;
    }
    return NULL;
}

static int find_for_offer(struct plan *plan, const struct section *s, struct plan_item *i,
                          size_t *n_fresh)
{
    struct peer *p = plan->p;
    i->t = associated(plan, s);
    if (i->t || s->rejected || s->unusable || !plan->chosen[s->index]) return 0;
    i->t = reusable(plan, s);
    if (i->t) return 0;
    if (p->n_transceivers + *n_fresh >= SOTTO_MAX_TRANSCEIVERS ||
        p->n_gone >= SOTTO_MAX_GONE_TRANSCEIVERS)
        return 0; /* the answer rejects the section */
    int r = sotto__transceiver_new(p, kind_of(s), SOTTO_DIR_RECVONLY, &i->t);
    if (r < 0) return r;
    i->fresh = true;
    ++*n_fresh;
    return 0;
}

/* ---- tracks ---- */

static bool any_missing(const struct strings *of, const struct strings *in)
{
    for (size_t i = 0; i < of->n; i++)
        if (!sotto__strings_have(in, of->items[i])) return true;
    return false;
}

/* All of these streams but those. */
static int make_note(struct transceiver *t, const struct strings *all,
                     const struct strings *without, struct note **ret)
{
    const char *kept[SOTTO_MAX_STREAM_IDS];
    size_t n = 0;
    struct note *note = sotto__calloc(1, sizeof *note);
    if (!note) return SOTTO_E_NOMEM;
    for (size_t i = 0; i < all->n && n < SOTTO_MAX_STREAM_IDS; i++)
        if (!without || !sotto__strings_have(without, all->items[i])) kept[n++] = all->items[i];
    int r = sotto__strings_copy(kept, n, &note->streams);
    if (r < 0) {
        sotto__free(note);
        return r;
    }
    note->transceiver = t;
    t->noted++;
    *ret = note;
    return 0;
}

int sotto__plan_tracks(struct plan_item *i, int32_t direction, const struct strings *streams)
{
    struct transceiver *t = i->t;
    bool receives = sotto__direction_receives(direction);
    bool received = sotto__direction_receives(t->fired);
    bool leaves = any_missing(&t->remote_streams, streams);
    bool joins = any_missing(streams, &t->remote_streams);
    int r = sotto__strings_copy((const char *const *)streams->items, streams->n, &i->streams);
    i->has_tracks = true;
    i->fired = direction;
    if (r == 0 && (leaves || (!receives && received)))
        r = make_note(t, &t->remote_streams, streams, &i->removed);
    if (r == 0 && ((receives && !received) || joins)) r = make_note(t, streams, NULL, &i->added);
    return r;
}

void sotto__plan_commit_tracks(struct plan_item *i)
{
    struct transceiver *t = i->t;
    sotto__strings_free(&t->remote_streams);
    t->remote_streams = i->streams;
    i->streams = (struct strings){0};
    t->fired = i->fired;
}

size_t sotto__plan_notes(const struct plan_item *items, size_t n)
{
    size_t notes = 0;
    for (size_t i = 0; i < n; i++) notes += (items[i].added ? 1u : 0) + (items[i].removed ? 1u : 0);
    return notes;
}

/* What the remote says of a section, from our side. */
static int32_t described(const struct section *s)
{
    return s->rejected ? SOTTO_DIR_INACTIVE : sotto__direction_reverse(s->direction);
}

static int remote_tracks(const struct section *s, int32_t direction, struct plan_item *i)
{
    struct strings streams = {0};
    int r = sotto__direction_receives(direction)
                ? sotto__strings_from(s->streams, s->n_streams, &streams)
                : 0;
    if (r == 0) r = sotto__plan_tracks(i, direction, &streams);
    sotto__strings_free(&streams);
    return r;
}

/* A local answer takes tracks away, but brings none: they came with the offer. */
static int local_tracks(int32_t direction, struct plan_item *i)
{
    static const struct strings none = {0};
    bool keeps = sotto__direction_receives(direction);
    return sotto__plan_tracks(i, direction, keeps ? &i->t->remote_streams : &none);
}

/* ---- encodings ---- */

/* The remote offers to receive simulcast: its layers become ours, unless the application has chosen its own. */
static int proposed_encodings(const struct section *s, struct plan_item *i)
{
    struct str rids[SOTTO_MAX_RIDS];
    size_t n = 0;
    const struct encodings *own = &i->t->encodings;
    if (s->recv.n == 0 || own->n != 1 || own->items[0].rid) return 0;
    for (size_t k = 0; k < s->recv.n; k++) {
        bool twice = false;
        for (size_t j = 0; j < n; j++) twice = twice || sotto__str_eq(rids[j], s->recv.items[k].id);
        if (!twice) rids[n++] = s->recv.items[k].id;
    }
    i->has_encodings = true;
    return sotto__encodings_from_rids(rids, n, &i->encodings);
}

static bool rid_stays(const struct rid_list *layers, const char *rid)
{
    for (size_t i = 0; rid && i < layers->n; i++)
        if (sotto__str_eq(layers->items[i].id, sotto__str(rid))) return true;
    return false;
}

/* An answer says which layers are left; none of ours: only the first. */
static int answered_encodings(const struct rid_list *layers, struct plan_item *i)
{
    struct encodings all = {0};
    size_t n = 0;
    if (i->t->encodings.n <= 1) return 0;
    int r = sotto__encodings_copy(&i->t->encodings, &all);
    if (r < 0) return r;
    for (size_t k = 0; k < all.n; k++)
        if (rid_stays(layers, all.items[k].rid)) all.items[n++] = all.items[k];
    all.n = n ? n : 1;
    i->encodings = all;
    i->has_encodings = true;
    return 0;
}

/* ---- answers ---- */

static bool repeats(const struct section *s, uint32_t ssrc)
{
    for (size_t i = 0; i < s->n_ssrcs; i++)
        if (s->rtx_of[i] == ssrc) return true;
    return false;
}

static void announced_ssrcs(const struct section *theirs, struct plan_item *i)
{
    for (size_t k = 0; k < theirs->n_ssrcs; k++)
        if (!repeats(theirs, theirs->ssrcs[k]))
            i->remotes[i->n_remotes++] = (struct line_remote){theirs->ssrcs[k], theirs->rtx_of[k]};
}

static int answered_codecs(const struct plan *plan, const struct section *ours,
                           const struct section *theirs, struct plan_item *i, sotto_error *err)
{
    int r = sotto__codecs_common(&ours->codecs, &theirs->codecs, &i->send);
    if (r == 0) r = sotto__codecs_common(&theirs->codecs, &ours->codecs, &i->recv);
    if (r < 0) return sotto__error(err, r, 0, "no memory");
    i->has_codecs = true;
    if (!sotto__codecs_usable(&i->send) && !plan->local)
        return sotto__error(err, SOTTO_E_SDP, theirs->m->number,
                            "the answer has no codec of the offer in this section");
    sotto__exts_common(&ours->exts, &theirs->exts, &i->exts);
    i->max_bps = theirs->max_bps;
    announced_ssrcs(theirs, i);
    i->rtcp_rsize = theirs->rtcp_rsize && ours->rtcp_rsize;
    return 0;
}

static int plan_answer(struct plan *plan, const struct section *s, struct plan_item *i,
                       sotto_error *err)
{
    const struct section *offered = &plan->offer.items[s->index];
    const struct section *ours = plan->local ? s : offered, *theirs = plan->local ? offered : s;
    int r;
    i->t = sotto__transceiver_at(plan->p, s->index);
    i->accepted = !s->rejected;
    if (i->accepted && s->unusable)
        return sotto__error(err, SOTTO_E_SDP, s->m->number, "%s", s->unusable);
    if (!i->t) return 0;
    int32_t direction = plan->local ? s->direction : described(s);
    /* within what the offer allowed, whatever the answer says */
    if (!plan->local) direction = sotto__direction_and(direction, offered->direction);
    if (!i->accepted) direction = SOTTO_DIR_INACTIVE;
    r = plan->local ? local_tracks(direction, i) : remote_tracks(s, direction, i);
    if (r < 0) return sotto__error(err, r, 0, "no memory");
    i->direction = direction;
    i->stops = !i->accepted;
    if (!i->accepted) return 0;
    /* who takes nothing for now says nothing of layers: they are there when the section is resumed */
    if (plan->local ? sotto__direction_sends(ours->direction)
                    : sotto__direction_receives(theirs->direction))
        r = answered_encodings(plan->local ? &ours->send : &theirs->recv, i);
    if (r < 0) return sotto__error(err, r, 0, "no memory");
    return answered_codecs(plan, ours, theirs, i, err);
}

/* ---- offers ---- */

static int plan_remote_offer(struct plan *plan, const struct section *s, struct plan_item *i,
                             size_t *n_fresh)
{
    int r = find_for_offer(plan, s, i, n_fresh);
    if (r < 0 || !i->t) return r;
    r = remote_tracks(s, described(s), i);
    if (r == 0) r = proposed_encodings(s, i);
    i->stops = s->rejected;
    return r;
}

static void plan_local_offer(struct plan *plan, const struct section *s, struct plan_item *i)
{
    i->t = associated(plan, s);
    if (!i->t) i->t = sotto__transceiver_by_draft(plan->p, s->mid);
}

/* ---- data ---- */

/* The section that is the data channels'; others of that kind are not taken. */
static void plan_data(struct plan *plan)
{
    struct peer *p = plan->p;
    bool known = p->data_mid[0] && (!plan->rolls_back || p->data_was_associated);
    for (size_t i = 0; i < plan->here.n && plan->data < 0; i++) {
        const struct section *s = &plan->here.items[i];
        if (s->kind != SECTION_DATA) continue;
        if (sotto__plan_is_answer(plan) || (known && (s->mid.n == 0 || p->data_has_own_mid))) {
            if ((int32_t)i == p->data_index) plan->data = (int32_t)i;
        } else if (known) {
            if (sotto__str_eq(s->mid, sotto__str(p->data_mid))) plan->data = (int32_t)i;
        } else if (plan->local ? sotto__str_eq(s->mid, sotto__str(p->data_draft_mid))
                               : !s->rejected && !s->unusable && plan->chosen[i]) {
            plan->data = (int32_t)i;
        }
    }
    if (plan->data >= 0 && sotto__plan_is_answer(plan))
        plan->data_accepted = !plan->here.items[plan->data].rejected;
}

int sotto__plan_items(struct plan *plan, sotto_error *err)
{
    size_t n_fresh = 0;
    int r = 0;
    plan->items = sotto__calloc(plan->here.n + 1, sizeof *plan->items);
    if (!plan->items) return sotto__error(err, SOTTO_E_NOMEM, 0, "no memory");
    plan_data(plan);
    for (size_t k = 0; r == 0 && k < plan->here.n; k++) {
        const struct section *s = &plan->here.items[k];
        struct plan_item *i = &plan->items[k];
        if (sotto__plan_is_answer(plan)) {
            if (s->kind == SECTION_AUDIO || s->kind == SECTION_VIDEO)
                r = plan_answer(plan, s, i, err);
            plan->any_accepted = plan->any_accepted || !s->rejected;
        } else if (s->kind == SECTION_AUDIO || s->kind == SECTION_VIDEO) {
            r = plan->local ? 0 : plan_remote_offer(plan, s, i, &n_fresh);
            if (plan->local) plan_local_offer(plan, s, i);
            if (r < 0) r = sotto__error(err, r, 0, "no memory");
        }
    }
    return r;
}

/* ---- commit ---- */

/* A section without a mid: W3C wants one for the transceiver all the same. */
void sotto__plan_take_mid(struct peer *p, const struct section *s, char mid[SOTTO_MAX_MID + 1])
{
    if (s->mid.n)
        snprintf(mid, SOTTO_MAX_MID + 1, "%.*s", (int)s->mid.n, s->mid.p);
    else
        snprintf(mid, SOTTO_MAX_MID + 1, "x%llu", (unsigned long long)p->next_mid++);
}

static void take_mid(struct peer *p, struct transceiver *t, const struct section *s)
{
    if (s->mid.n || !t->mid[0]) {
        t->has_own_mid = s->mid.n == 0;
        sotto__plan_take_mid(p, s, t->mid);
    }
    t->mline_index = s->index;
    t->draft_mid[0] = '\0';
}

static void commit_encodings(struct plan *plan, struct plan_item *i)
{
    struct transceiver *t = i->t;
    if (!sotto__plan_is_answer(plan) && !t->stable_encodings.items)
        t->stable_encodings = t->encodings; /* for a rollback */
    else
        sotto__encodings_free(&t->encodings);
    t->encodings = i->encodings;
    i->encodings = (struct encodings){0};
    t->transaction = 0;
}

static void commit_answer(struct plan *plan, struct plan_item *i)
{
    struct transceiver *t = i->t;
    bool final = plan->d->type == SOTTO_SDP_ANSWER;
    t->current = i->direction;
    if (sotto__direction_sends(t->current)) t->has_sent = true;
    if (i->has_codecs) {
        sotto__codecs_free(&t->send);
        sotto__codecs_free(&t->recv);
        t->send = i->send;
        t->recv = i->recv;
        i->send = i->recv = (struct codec_list){0};
        t->exts = i->exts;
        t->max_bps = i->max_bps;
        t->rtcp_rsize = i->rtcp_rsize;
        t->transaction = 0;
        memcpy(t->line.remotes, i->remotes, sizeof i->remotes);
        t->line.n_remotes = i->n_remotes;
    }
    if (!final) return;
    t->was_associated = true;
    t->by_remote = false;
    sotto__encodings_free(&t->stable_encodings);
    sotto__strings_free(&t->stable_streams);
    if (t->stopped) sotto__transceiver_remove(plan->p, t);
}

/* A transceiver that a pending offer stopped by rejecting its section, when the offer that replaces that one uses the place anew. */
static void clear_place(struct peer *p, const struct transceiver *t, int32_t index)
{
    struct transceiver *o = sotto__transceiver_at(p, index);
    if (o && o != t && o->stopped) sotto__transceiver_remove(p, o);
}

static void commit_item(struct plan *plan, size_t k)
{
    struct peer *p = plan->p;
    struct plan_item *i = &plan->items[k];
    struct transceiver *t = i->t;
    bool answer = sotto__plan_is_answer(plan);
    if (i->fresh) {
        t->by_remote = true;
        sotto__transceiver_link(p, t);
        i->fresh = false;
    }
    if (!answer) {
        clear_place(p, t, plan->here.items[k].index);
        take_mid(p, t, &plan->here.items[k]);
    }
    if (i->has_encodings) commit_encodings(plan, i);
    if (i->has_tracks) {
        if (!answer && p->signaling != SOTTO_SIGNALING_HAVE_REMOTE_OFFER) {
            sotto__strings_free(&t->stable_streams);
            t->stable_streams = t->remote_streams;
            t->remote_streams = (struct strings){0};
        }
        sotto__plan_commit_tracks(i);
    }
    if (i->stops && (!plan->local || plan->d->type == SOTTO_SDP_ANSWER))
        sotto__transceiver_stopped(p, t);
    if (answer) commit_answer(plan, i);
}

/* Mids and ids of header extensions that were seen are not given to others later. */
static void note_names(struct peer *p, struct sections *s)
{
    uint64_t number;
    for (size_t i = 0; i < s->n; i++) {
        struct section *one = &s->items[i];
        if (sotto__str_u64(one->mid, UINT32_MAX, &number) && number >= p->next_mid)
            p->next_mid = number + 1;
        if (one->kind == SECTION_AUDIO || one->kind == SECTION_VIDEO)
            sotto__exts_claim(&p->exts, one->m, &one->exts);
    }
}

static void clear_drafts(struct peer *p)
{
    struct transceiver *t = NULL;
    while ((t = sotto__transceiver_next(p, t))) t->draft_mid[0] = '\0';
    p->data_draft_mid[0] = '\0';
}

void sotto__plan_commit_items(struct plan *plan)
{
    for (size_t k = 0; k < plan->here.n; k++)
        if (plan->items[k].t) commit_item(plan, k);
    note_names(plan->p, &plan->here);
    clear_drafts(plan->p);
}
