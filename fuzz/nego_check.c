/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold after each step of the sequence fuzzer: which descriptions exist in which signaling state, places and mids of sections
 * and transceivers, our own texts, who may send, when a negotiation is needed, and that two sides that heard all of each other agree.
 */
#include "nego.h"
#include "wire/sdp_attr.h"

/* ---- states ---- */

static int type_of(const struct description *d)
{
    return d->sdp ? d->type : 0;
}

static void check_state(const struct side *s)
{
    const struct peer *p = s->peer;
    int local = type_of(&p->pending_local), remote = type_of(&p->pending_remote);
    switch (p->signaling) {
    case SOTTO_SIGNALING_STABLE: REQUIRE(!local && !remote); break;
    case SOTTO_SIGNALING_HAVE_LOCAL_OFFER: REQUIRE(local == SOTTO_SDP_OFFER && !remote); break;
    case SOTTO_SIGNALING_HAVE_REMOTE_OFFER: REQUIRE(!local && remote == SOTTO_SDP_OFFER); break;
    case SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER:
        REQUIRE(local == SOTTO_SDP_PRANSWER && remote == SOTTO_SDP_OFFER);
        break;
    case SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER:
        REQUIRE(local == SOTTO_SDP_OFFER && remote == SOTTO_SDP_PRANSWER);
        break;
    default: REQUIRE(p->signaling == SOTTO_SIGNALING_CLOSED && p->closed);
    }
    local = type_of(&p->current_local), remote = type_of(&p->current_remote);
    REQUIRE((local == 0) == (remote == 0) && (local == 0 || local != remote));
    REQUIRE((s->cl != 0) == (local != 0) && (s->cr != 0) == (remote != 0));
    REQUIRE((s->pl != 0) == (p->pending_local.sdp != NULL));
    REQUIRE((s->pr != 0) == (p->pending_remote.sdp != NULL));
}

size_t nego_needed(const struct side *s)
{
    const struct peer *p = s->peer;
    size_t n = 0;
    for (size_t i = 0; i < p->n_controls; i++)
        n += p->controls[(p->control_head + i) % SOTTO_MAX_PC_EVENTS].type ==
             SOTTO_EV_NEGOTIATION_NEEDED;
    return n;
}

static void check_needed(const struct side *s)
{
    struct peer *p = s->peer;
    size_t n = nego_needed(s);
    bool decides = p->signaling == SOTTO_SIGNALING_STABLE; /* else it is decided later */
    REQUIRE(n <= 1);
    REQUIRE(!decides || p->negotiation_needed || !sotto__needed_check(p));
    REQUIRE(n == 0 || (p->negotiation_needed && !p->closed));
    REQUIRE(p->n_controls <= SOTTO_MAX_PC_EVENTS && p->n_gone <= SOTTO_MAX_GONE_TRANSCEIVERS);
    REQUIRE(p->n_transceivers <= SOTTO_MAX_TRANSCEIVERS);
}

/* ---- places ---- */

static struct str mid_at(const struct sdp *sdp, size_t i)
{
    const struct sdp_line *line =
        sdp && i < sdp->n_media ? sotto__sdp_attr(&sdp->media[i].s, "mid") : NULL;
    return line ? line->value : (struct str){NULL, 0};
}

static bool stands(const struct peer *p, const char *mid, int32_t index)
{
    const struct sdp *const all[] = {p->pending_local.sdp, p->pending_remote.sdp,
                                     p->current_local.sdp, p->current_remote.sdp};
    for (size_t i = 0; i < 4; i++) {
        if (!all[i] || (size_t)index >= all[i]->n_media) continue;
        struct str there = mid_at(all[i], (size_t)index);
        if (there.n == 0 || sotto__str_eq(there, sotto__str(mid))) return true;
    }
    return false;
}

static void check_places(const struct side *s)
{
    struct peer *p = s->peer;
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));) {
        REQUIRE(!t->removed && (t->mline_index >= 0) == (t->mid[0] != '\0'));
        if (t->mline_index < 0 || p->closed) continue;
        REQUIRE(stands(p, t->mid, t->mline_index));
        for (struct transceiver *o = t; (o = sotto__transceiver_next(p, o));)
            REQUIRE(o->mline_index != t->mline_index && strcmp(o->mid, t->mid) != 0);
        REQUIRE(p->data_index != t->mline_index);
    }
    REQUIRE((p->data_index >= 0) == (p->data_mid[0] != '\0') || p->data_index >= 0);
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next_gone(p, t));)
        REQUIRE(t->removed && t->stopped && t->mline_index < 0);
}

static void check_growth(struct side *s)
{
    const struct peer *p = s->peer;
    if (!p->current_local.sdp) return;
    REQUIRE(p->current_local.sdp->n_media == p->current_remote.sdp->n_media);
    REQUIRE(p->current_local.sdp->n_media >= s->n_media);
    s->n_media = p->current_local.sdp->n_media;
}

/* ---- who may send ---- */

static int32_t direction_at(const struct sdp *sdp, int32_t index)
{
    const struct sdp_section *const places[] = {&sdp->media[index].s, &sdp->s};
    if (sdp->media[index].port == 0 && !sotto__sdp_attr(&sdp->media[index].s, "bundle-only"))
        return SOTTO_DIR_INACTIVE;
    for (size_t i = 0; i < 2; i++)
        for (int32_t d = SOTTO_DIR_SENDRECV; d <= SOTTO_DIR_INACTIVE; d++)
            if (sotto__sdp_attr(places[i], sotto__direction_name(d))) return d;
    return SOTTO_DIR_SENDRECV;
}

/* Nothing is sent that our own description did not allow; the descriptions are within the application's wishes: check_text. */
static void check_sending(const struct side *s)
{
    struct peer *p = s->peer;
    bool provisional = p->signaling == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER ||
                       p->signaling == SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER;
    const struct sdp *local = provisional ? p->pending_local.sdp : p->current_local.sdp;
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));) {
        bool takes = t->current == SOTTO_DIR_NONE || sotto__direction_receives(t->current);
        bool settled = p->signaling == SOTTO_SIGNALING_STABLE; /* else the remote's offer may bring tracks */
        REQUIRE(!settled || takes || t->stopped || !sotto__direction_receives(t->fired));
        if (!sotto__direction_sends(t->current)) continue;
        REQUIRE(t->has_sent && !t->stopped && local && t->mline_index >= 0);
        REQUIRE((size_t)t->mline_index < local->n_media);
        REQUIRE(sotto__direction_sends(direction_at(local, t->mline_index)));
    }
}

void nego_see(struct side *s)
{
    s->n_seen = 0;
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(s->peer, t));)
        s->seen[s->n_seen++] = (struct seen){t, t->id, t->direction, t->stopping, t->has_track};
}

void nego_check_wishes(struct side *s)
{
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(s->peer, t));) {
        const struct seen *was = NULL;
        for (size_t i = 0; i < s->n_seen && !was; i++)
            if (s->seen[i].t == t && s->seen[i].id == t->id) was = &s->seen[i];
        if (t->stopping) continue;
        REQUIRE(t->direction == (was ? was->direction : SOTTO_DIR_RECVONLY));
        REQUIRE(t->has_track == (was && was->has_track));
        REQUIRE(was || t->by_remote);
    }
}

void nego_check(struct world *w, struct side *s)
{
    check_state(s);
    check_needed(s);
    check_places(s);
    check_growth(s);
    check_sending(s);
    REQUIRE(sotto__mem_live() < w->base + 60000);
}

/* ---- our own texts ---- */

struct numbers { /* what a number means in a bundle */
    struct str means[256];
};

/* "96 VP8/90000": the number, and what follows it. */
static bool split(struct str value, uint64_t *number, struct str *rest)
{
    struct str left;
    sotto__str_cut(value, ' ', &left, rest);
    return sotto__str_u64(left, 255, number);
}

static bool same_meaning(struct numbers *all, const struct sdp_section *s, const char *name)
{
    const struct sdp_line *line;
    struct str rest;
    uint64_t number;
    for (size_t at = 0; (line = sotto__sdp_next_attr(s, &at, name));) {
        if (!split(line->value, &number, &rest)) continue;
        struct str *slot = &all->means[number];
        if (slot->p && !sotto__str_ieq(*slot, rest)) return false;
        *slot = rest;
    }
    return true;
}

/* Of parameters only in our own offers: a remote's section may lack the line that another one has, and each is answered for itself. */
static bool numbers_are_unique(const struct sdp *sdp, bool with_params)
{
    struct numbers maps = {0}, params = {0}, exts = {0};
    for (size_t i = 0; i < sdp->n_media; i++) {
        const struct sdp_media *m = &sdp->media[i];
        if (m->port == 0 && !sotto__sdp_attr(&m->s, "bundle-only")) continue;
        if (!same_meaning(&maps, &m->s, "rtpmap") || !same_meaning(&exts, &m->s, "extmap"))
            return false;
        if (with_params && !same_meaning(&params, &m->s, "fmtp")) return false;
    }
    return true;
}

static void check_characters(const char *sdp)
{
    for (const uint8_t *p = (const uint8_t *)sdp; *p; p++) {
        if (*p == '\r') REQUIRE(p[1] == '\n');
        if (*p == '\n') REQUIRE(p > (const uint8_t *)sdp && p[-1] == '\r');
        REQUIRE(*p >= 0x20 || *p == '\r' || *p == '\n');
    }
    REQUIRE(!strstr(sdp, "x-injected")); /* the name of an attribute in the dictionary of nego_mutate.c */
}

static void check_directions(struct side *s, const struct sections *all, bool is_offer)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct section *x = &all->items[i];
        if (x->rejected || (x->kind != SECTION_AUDIO && x->kind != SECTION_VIDEO)) continue;
        struct transceiver *t = sotto__transceiver_at(s->peer, (int32_t)i);
        if (!t) t = sotto__transceiver_by_draft(s->peer, x->mid);
        REQUIRE(t && !t->stopped &&
                (int)t->kind == (x->kind == SECTION_AUDIO ? SOTTO_AUDIO : SOTTO_VIDEO));
        if (is_offer) REQUIRE(x->direction == t->direction);
        REQUIRE(!sotto__direction_sends(x->direction) || sotto__direction_sends(t->direction));
    }
}

static void check_against_agreed(struct side *s, const struct sections *all)
{
    const struct peer *p = s->peer;
    struct sections before;
    sotto_error err = {.size = sizeof err};
    bool answered = sotto__jsep_is_answer(p->current_local.type); /* what an answer rejected is free */
    const struct sdp *agreed = answered ? p->current_local.sdp : p->current_remote.sdp;
    if (!agreed) return;
    REQUIRE(sotto__sections_read(agreed, &before, &err) == 0);
    REQUIRE(sotto__sections_check_reoffer(&before, all, &err) == 0);
    sotto__sections_free(&before);
}

void nego_check_text(struct side *s, const char *sdp, bool is_offer, bool fresh)
{
    struct sdp *tree;
    struct sections all;
    sotto_error err = {.size = sizeof err};
    check_characters(sdp);
    int r = sotto__sdp_parse(sdp, strlen(sdp), &tree, &err);
    if (r == 0) r = sotto__sections_read(tree, &all, &err);
    if (r < 0) fprintf(stderr, "%s\nline %d: %s\n", sdp, err.line, err.reason);
    REQUIRE(r == 0);
    for (size_t i = 0; i < all.n; i++) {
        REQUIRE(!all.items[i].unusable);
        REQUIRE(!is_offer || all.items[i].rejected || all.items[i].mid.n > 0);
    }
    const struct sdp *offer = s->peer->pending_remote.sdp;
    if (!offer && !is_offer) offer = s->peer->current_remote.sdp; /* the answer was set already */
    REQUIRE(numbers_are_unique(tree, is_offer) ||
            (!is_offer && offer && !numbers_are_unique(offer, false)));
    if (fresh) check_directions(s, &all, is_offer);
    if (is_offer) check_against_agreed(s, &all);
    if (!is_offer && offer) REQUIRE(all.n == offer->n_media);
    sotto__sections_free(&all);
    sotto__sdp_free(tree);
}

/* ---- both sides ---- */

bool nego_in_sync(const struct world *w)
{
    const struct side *a = &w->side[0], *b = &w->side[1];
    return a->peer->signaling == SOTTO_SIGNALING_STABLE &&
           b->peer->signaling == SOTTO_SIGNALING_STABLE && a->cl == b->cr && a->cr == b->cl;
}

/* b answered what a still waits to hear. */
static bool waits(const struct side *a, const struct side *b)
{
    return a->pl && a->pl == b->cr;
}

void nego_judge(struct world *w)
{
    const struct side *a = &w->side[0], *b = &w->side[1];
    bool agree = a->cl == b->cr && a->cr == b->cl;
    if (!agree && !waits(a, b) && !waits(b, a)) w->dirty = true;
    if (a->peer->closed || b->peer->closed) w->dirty = true;
}

/* What the one sends first, the other takes by that number; extensions have the same ids. */
static void check_codecs(const struct transceiver *from, const struct transceiver *to)
{
    bool found = false;
    REQUIRE(from->send.n > 0);
    for (size_t i = 0; i < to->recv.n; i++)
        found = found || (to->recv.items[i].pt == from->send.items[0].pt &&
                          to->recv.items[i].id == from->send.items[0].id);
    REQUIRE(found);
    REQUIRE(memcmp(from->exts.id, to->exts.id, sizeof from->exts.id) == 0);
}

void nego_check_agreement(struct world *w, int offerer)
{
    struct peer *a = w->side[0].peer, *b = w->side[1].peer;
    for (size_t i = 0; i < a->current_local.sdp->n_media; i++) {
        struct str mid = mid_at(a->current_local.sdp, i);
        REQUIRE(sotto__str_eq(mid, mid_at(b->current_local.sdp, i)));
        struct transceiver *ta = sotto__transceiver_at(a, (int32_t)i);
        struct transceiver *tb = sotto__transceiver_at(b, (int32_t)i);
        REQUIRE((ta != NULL) == (tb != NULL));
        REQUIRE((a->data_index == (int32_t)i) == (b->data_index == (int32_t)i));
        if (!ta) continue;
        REQUIRE(ta->kind == tb->kind && strcmp(ta->mid, tb->mid) == 0);
        REQUIRE(ta->current == sotto__direction_reverse(tb->current));
        check_codecs(ta, tb);
        check_codecs(tb, ta);
    }
    REQUIRE(strcmp(a->data_mid, b->data_mid) == 0);
    REQUIRE(a->data_negotiated == b->data_negotiated);
    REQUIRE(!sotto__needed_check(w->side[offerer].peer));
}
