/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Payload type numbers of a bundle, and the codecs of an offered section (RFC 9429 §5.2.1, §5.2.2). A number means one codec in
 * all sections (RFC 9143 §10.1.2) and keeps its meaning from one description to the next (RFC 3264 §8.3.2).
 * Preferences or defaults, the last description's list and the map of numbers come in; a list with numbers goes out, and they
 * are in the map. Knows no text but that of our own parameters.
 */
#include "peer/codecs.h"
#include "peer/codecs_int.h"

/* ---- the map ---- */

static void take(struct pt_map *map, const struct codec *c)
{
    map->used[c->pt] = *c;
    map->used[c->pt].fmtp = NULL;
}

static bool is_free(const struct pt_map *map, uint8_t pt)
{
    return pt < 128 && !map->used[pt].name;
}

static bool fits(const struct pt_map *map, const struct codec *c)
{
    return is_free(map, c->pt) || (c->pt < 128 && sotto__codec_same(&map->used[c->pt], c));
}

void sotto__codecs_claim(struct pt_map *map, struct codec_list *list)
{
    for (size_t i = 0; i < list->n;) {
        if (fits(map, &list->items[i]))
            i++;
        else
            sotto__codecs_remove(list, i);
    }
    sotto__codecs_prune(list);
    for (size_t i = 0; i < list->n; i++) take(map, &list->items[i]);
}

void sotto__codecs_reserve(struct pt_map *map, const struct sdp_media *m)
{
    uint64_t pt;
    for (size_t i = 0; i < m->n_fmts; i++)
        if (sotto__str_u64(m->fmts[i], 127, &pt) && is_free(map, (uint8_t)pt))
            map->used[pt] = (struct codec){.name = "", .pt = (uint8_t)pt, .apt = -1};
}

/* The i-th number in the order in which they are given out: RFC 3551's dynamic ones, then those below RTCP's (RFC 5761 §4); -1. */
static int number_at(int i)
{
    return i < 32 ? 96 + i : i < 61 ? 35 + (i - 32) : -1;
}

/* Sections of one offer that share a number ask for the same: browsers refuse a bundle where it is otherwise. */
static bool suits(const struct pt_map *map, const struct codec *c, uint8_t pt)
{
    return !map->given[pt] || sotto__codec_asks_same(&map->used[pt], c);
}

/* Gives c a number: the one that it asks for, that of the same codec in another section, its static one, a free one. */
static void give_number(struct pt_map *map, struct codec *c)
{
    bool done = fits(map, c) && suits(map, c, c->pt);
    for (int i = 0; !done && i < 128; i++) {
        if (!map->used[i].name || !sotto__codec_same(&map->used[i], c)) continue;
        if (!suits(map, c, (uint8_t)i)) continue;
        c->pt = (uint8_t)i;
        done = true;
    }
    if (!done && (c->id == CODEC_PCMU || c->id == CODEC_PCMA)) {
        c->pt = c->id == CODEC_PCMU ? 0 : 8;
        done = is_free(map, c->pt);
    }
    for (int i = 0; !done && number_at(i) >= 0; i++) {
        c->pt = (uint8_t)number_at(i);
        done = is_free(map, c->pt);
    }
    if (done) {
        take(map, c);
        map->given[c->pt] = true;
    } else {
        c->pt = PT_NONE;
    }
}

/* ---- the list of an offer ---- */

/* The one of the list that is the same codec, RTX and RED apart, whose apt this does not look at. */
static const struct codec *find(const struct codec_list *l, const struct codec *c)
{
    for (size_t i = 0; l && i < l->n; i++)
        if (sotto__codec_matches(c, &l->items[i])) return &l->items[i];
    return NULL;
}

/* The one of the list that repeats the payload type; NULL: none. */
static const struct codec *repeater(const struct codec_list *l, enum codec_id id, int pt)
{
    for (size_t i = 0; l && i < l->n; i++)
        if (l->items[i].id == id && l->items[i].apt == pt) return &l->items[i];
    return NULL;
}

/* While a list is made, apt of RTX is the place in the list of what it repeats, and pt the number that is asked for. */
static int push(struct codec_list *l, const struct codec *c, const struct codec *old)
{
    struct codec copy = *c;
    copy.pt = old ? old->pt : PT_NONE;
    return sotto__codecs_push(l, &copy, NULL, 0);
}

static int push_rtx(struct codec_list *l, const struct codec_list *before, size_t of)
{
    const struct codec *old = find(before, &l->items[of]);
    const struct codec *old_rtx = old ? repeater(before, CODEC_RTX, old->pt) : NULL;
    struct codec rtx = sotto__codec_rtx;
    rtx.apt = (int16_t)of;
    return push(l, &rtx, old_rtx);
}

static bool has_rtx(const struct codec_list *l, size_t of)
{
    return repeater(l, CODEC_RTX, (int)of) != NULL;
}

static int list_preferred(sotto_kind kind, const struct codec_list *prefs,
                          const struct codec_list *before, struct codec_list *l)
{
    bool with_rtx = kind == SOTTO_VIDEO && sotto__codecs_have(prefs, CODEC_RTX);
    int r = 0;
    for (size_t i = 0; r == 0 && i < prefs->n; i++) {
        const struct codec *ours = sotto__codecs_ours(kind, &prefs->items[i]);
        if (!ours || find(l, ours)) continue;
        struct codec wanted = sotto__codec_preferred(ours, &prefs->items[i]);
        r = push(l, &wanted, find(before, ours));
        if (r == 0 && with_rtx) r = push_rtx(l, before, l->n - 1);
    }
    return r;
}

/* What was there before, in its order. RTX may stand before what it repeats: place tells where that comes to stand. */
static int list_before(sotto_kind kind, const struct codec_list *before, struct codec_list *l)
{
    int16_t place[128];
    bool keep[128] = {0};
    int16_t n = 0;
    for (size_t i = 0; i < before->n && i < 128; i++) {
        const struct codec *c = &before->items[i], *ours = sotto__codecs_ours(kind, c);
        const struct codec *of = sotto__codecs_by_pt(before, c->apt);
        if (c->id == CODEC_RTX)
            keep[i] = of && sotto__codecs_ours(kind, of) && find(before, of) == of;
        else
            keep[i] = ours && find(before, ours) == c;
        if (keep[i] && c->pt < 128) place[c->pt] = n++;
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < before->n && i < 128; i++) {
        const struct codec *c = &before->items[i];
        struct codec rtx = sotto__codec_rtx;
        if (!keep[i]) continue;
        if (c->id == CODEC_RTX) rtx.apt = place[c->apt];
        r = push(l, c->id == CODEC_RTX ? &rtx : sotto__codecs_ours(kind, c), c);
    }
    return r;
}

static int list_default(sotto_kind kind, const struct codec_list *before, struct codec_list *l)
{
    size_t n;
    const struct codec *table = sotto__codecs_table(kind, &n);
    int r = before ? list_before(kind, before, l) : 0;
    size_t old = l->n;
    for (size_t i = 0; r == 0 && kind == SOTTO_VIDEO && i < old; i++)
        if (l->items[i].id != CODEC_RTX && !has_rtx(l, i)) r = push_rtx(l, before, i);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (find(l, &table[i])) continue;
        r = push(l, &table[i], NULL);
        if (r == 0 && kind == SOTTO_VIDEO) r = push_rtx(l, before, l->n - 1);
    }
    return r;
}

/* The number of a codec that goes with RED or telephone-event; PT_NONE: there is none. */
static uint8_t companion(const struct codec_list *l, const struct codec *c)
{
    for (size_t i = 0; i < l->n; i++)
        if (sotto__codec_is_media(&l->items[i]) && l->items[i].clock == c->clock &&
            l->items[i].pt != PT_NONE)
            return l->items[i].pt;
    return PT_NONE;
}

static void number_media(struct pt_map *map, struct codec_list *l)
{
    bool done[128] = {0};
    for (size_t i = 0; i < l->n && i < 128; i++) {
        struct codec *c = &l->items[i];
        if (!sotto__codec_is_media(c)) continue;
        give_number(map, c);
        for (size_t j = 0; j < l->n && j < 128; j++) {
            struct codec *rtx = &l->items[j];
            if (rtx->id != CODEC_RTX || done[j] || rtx->apt != (int16_t)i) continue;
            rtx->apt = c->pt;
            done[j] = true; /* from now on apt is no place any more */
            if (c->pt == PT_NONE)
                rtx->pt = PT_NONE;
            else
                give_number(map, rtx);
        }
    }
}

/* RED and telephone-event, once the others have their numbers. */
static void number_companions(struct pt_map *map, struct codec_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct codec *c = &l->items[i];
        if (c->id != CODEC_RED && c->id != CODEC_DTMF) continue;
        uint8_t of = companion(l, c);
        if (c->id == CODEC_RED) c->apt = of;
        if (of == PT_NONE)
            c->pt = PT_NONE;
        else
            give_number(map, c);
    }
}

/* Writes out what is used: ours, with a number, and with a text. */
static int finish(const struct codec_list *l, struct codec_list *ret)
{
    struct codec_list out = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->n; i++)
        if (l->items[i].pt != PT_NONE) r = sotto__codecs_push_ours(&out, &l->items[i]);
    if (r == 0) {
        sotto__codecs_prune(&out);
        if (!sotto__codecs_usable(&out)) r = SOTTO_E_LIMIT;
    }
    if (r < 0) {
        sotto__codecs_free(&out);
        return r;
    }
    *ret = out;
    return 0;
}

int sotto__codecs_offer(sotto_kind kind, const struct codec_list *prefs,
                        const struct codec_list *before, struct pt_map *map, struct codec_list *ret)
{
    struct codec_list l = {0};
    /* what the section had keeps its number even if it is not offered any more */
    for (size_t i = 0; before && i < before->n; i++)
        if (is_free(map, before->items[i].pt)) take(map, &before->items[i]);
    int r = prefs && prefs->n > 0 ? list_preferred(kind, prefs, before, &l)
                                  : list_default(kind, before, &l);
    if (r == 0) {
        number_media(map, &l);
        number_companions(map, &l);
        r = finish(&l, ret);
    }
    sotto__codecs_free(&l);
    return r;
}
