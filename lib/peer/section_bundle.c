/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which sections share one transport (RFC 9143 §7), and whether an answer or a later offer fits what was described before
 * (RFC 3264 §6, §8; RFC 9429 §5.8).
 * In come sections that were read, out go choices and errors. Knows no state: who is on the transport already is an argument.
 * answers: H005
 */
#include "peer/section.h"
#include "util/error.h"

/* ---- groups ---- */

static void group_one(struct sections *s, const struct sdp_group *group, int32_t number)
{
    const struct section *first = NULL;
    for (size_t place = 0; place < group->n_mids; place++) {
        for (size_t i = 0; i < s->n; i++) {
            struct section *one = &s->items[i];
            if (!sotto__str_eq(one->mid, group->mids[place])) continue;
            if (place == 0) first = one;
            one->group = number, one->group_place = (int32_t)place;
            one->group_first = first ? first->m : NULL;
        }
    }
}

void sotto__sections_group(const struct sdp *sdp, struct sections *s)
{
    const struct sdp_line *line;
    struct sdp_group group;
    int32_t number = 0;
    size_t at = 0;
    while ((line = sotto__sdp_next_attr(&sdp->s, &at, "group"))) {
        if (sotto__sdp_group(line->value, &group) < 0) continue; /* checked by the parser */
        if (!sotto__str_eq(group.semantics, STR("BUNDLE"))) continue;
        group_one(s, &group, number++);
    }
}

static bool can_be_chosen(const struct section *s)
{
    return !s->rejected && !s->unusable;
}

/* The section that says which group is ours: the first live one that is there still, else the first that can be accepted. */
static const struct section *anchor(const struct sections *offer, const struct str *live,
                                    size_t n_live, bool *is_live)
{
    for (size_t i = 0; i < n_live; i++) {
        const struct section *s = sotto__section_by_mid(offer, live[i]);
        if (!s || s->rejected) continue;
        *is_live = true;
        return s;
    }
    for (size_t i = 0; i < offer->n; i++)
        if (can_be_chosen(&offer->items[i])) return &offer->items[i];
    return NULL;
}

/* The first of the group that can carry the others. In a first offer one without a port cannot (RFC 9143 §7.3.1); later all of them
 * may be so but one that we may reject (RFC 8843), and they have a transport. */
static const struct section *tagged_of(const struct sections *offer, const bool *chosen,
                                       bool is_live)
{
    const struct section *tagged = NULL;
    for (size_t i = 0; i < offer->n; i++) {
        const struct section *s = &offer->items[i];
        if (!chosen[i] || (s->bundle_only && !is_live)) continue;
        if (!tagged || s->group_place < tagged->group_place) tagged = s;
    }
    return tagged;
}

int32_t sotto__bundle_choose(const struct sections *offer, const struct str *live, size_t n_live,
                             bool chosen[SOTTO_MAX_SDP_MEDIA])
{
    bool is_live = false;
    const struct section *ours = anchor(offer, live, n_live, &is_live);
    for (size_t i = 0; i < offer->n; i++) {
        const struct section *s = &offer->items[i];
        bool with_us = s == ours || (ours && ours->group >= 0 && s->group == ours->group);
        chosen[i] = with_us && can_be_chosen(s);
    }
    const struct section *tagged = tagged_of(offer, chosen, is_live);
    for (size_t i = 0; i < offer->n && !tagged; i++) chosen[i] = false;
    return tagged ? tagged->index : -1;
}

/* ---- answers ---- */

static const char *kind_name(const struct section *s)
{
    static const char *const names[] = {"other", "audio", "video", "data"};
    return names[s->kind];
}

static int fail(sotto_error *err, const struct section *s, const char *why)
{
    return sotto__error(err, SOTTO_E_SDP, s->m->number, "section %d (%s) %s", s->index,
                        kind_name(s), why);
}

static int check_answered(const struct section *offered, const struct section *answered,
                          sotto_error *err)
{
    if (!sotto__str_eq(offered->m->kind, answered->m->kind))
        return fail(err, answered, "is of another kind than in the offer");
    if (!sotto__str_ieq(offered->m->proto, answered->m->proto))
        return fail(err, answered, "has another protocol than in the offer");
    if (answered->mid.n > 0 && !sotto__str_eq(offered->mid, answered->mid))
        return fail(err, answered, "has another mid than in the offer");
    if (answered->rejected) return 0;
    if (offered->rejected) return fail(err, answered, "is accepted, but the offer rejects it");
    return answered->unusable ? fail(err, answered, answered->unusable) : 0;
}

/* RFC 9429 §5.11 would also have an error for rtcp-fb that the offer has not. Browsers answer so; codecs.c takes what both have. */
int sotto__sections_check_answer(const struct sections *offer, const struct sections *answer,
                                 sotto_error *err)
{
    if (offer->n != answer->n)
        return sotto__error(err, SOTTO_E_SDP, 0, "the answer has %zu sections, the offer %zu",
                            answer->n, offer->n);
    for (size_t i = 0; i < offer->n; i++) {
        int r = check_answered(&offer->items[i], &answer->items[i], err);
        if (r < 0) return r;
    }
    return 0;
}

int sotto__bundle_check_answer(const struct sections *offer, const struct sections *answer,
                               int32_t *ret_tagged, sotto_error *err)
{
    const struct section *first = NULL, *tagged = NULL;
    for (size_t i = 0; i < answer->n && i < offer->n; i++) {
        const struct section *s = &answer->items[i];
        if (s->rejected) continue;
        if (first && (s->group < 0 || s->group != first->group))
            return fail(err, s, "is accepted, but not in one BUNDLE group with the others");
        if (first && (offer->items[i].group < 0 ||
                      offer->items[i].group != offer->items[first->index].group))
            return fail(err, s, "is bundled with sections that were not offered with it");
        if (!first) first = s;
        if (!tagged || s->group_place < tagged->group_place) tagged = s;
    }
    *ret_tagged = tagged ? tagged->index : -1;
    return 0;
}

/* ---- later offers ---- */

/* A mid that stood at another index would be two transceivers to us and to them. */
static int check_moved(const struct sections *before, const struct section *s, sotto_error *err)
{
    const struct section *other = sotto__section_by_mid(before, s->mid);
    return other && other->index != s->index ? fail(err, s, "has the mid of another section") : 0;
}

int sotto__sections_check_reoffer(const struct sections *before, const struct sections *offer,
                                  sotto_error *err)
{
    if (offer->n < before->n)
        return sotto__error(err, SOTTO_E_SDP, 0, "the offer has %zu sections; there were %zu",
                            offer->n, before->n);
    for (size_t i = 0; i < offer->n; i++) {
        const struct section *s = &offer->items[i];
        const struct section *old = i < before->n ? &before->items[i] : NULL;
        int r = check_moved(before, s, err);
        if (r < 0) return r;
        if (!old || old->rejected) continue; /* new, or recycled: RFC 3264 §8.1 */
        if (!sotto__str_eq(s->m->kind, old->m->kind)) return fail(err, s, "was of another kind");
        if (s->mid.n > 0 && old->mid.n > 0 && !sotto__str_eq(s->mid, old->mid))
            return fail(err, s, "had another mid");
    }
    return 0;
}
