/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a sender is told: stream ids, encodings, parameters, codec preferences (W3C WebRTC 1.0 §5.1, §5.2, §5.4; RFC 8830, RFC 8851). In:
 * what the application gave, sizes already read; out: owned copies in the transceiver, or an error and nothing changed. Knows nothing
 * of descriptions.
 */
#include <math.h>
#include <string.h>

#include "peer/private.h"
#include "util/mem.h"
#include "wire/sdp_attr.h"

/* ---- texts ---- */

int sotto__strings_from(const struct str *items, size_t n, struct strings *ret)
{
    size_t bytes = n * sizeof(char *);
    *ret = (struct strings){0};
    if (n == 0) return 0;
    for (size_t i = 0; i < n; i++) bytes += items[i].n + 1;
    char **block = sotto__malloc(bytes);
    if (!block) return SOTTO_E_NOMEM;
    char *at = (char *)(block + n);
    for (size_t i = 0; i < n; i++) {
        if (items[i].n > 0) memcpy(at, items[i].p, items[i].n);
        at[items[i].n] = '\0';
        block[i] = at;
        at += items[i].n + 1;
    }
    *ret = (struct strings){block, n};
    return 0;
}

int sotto__strings_copy(const char *const *items, size_t n, struct strings *ret)
{
    size_t bytes = n * sizeof(char *);
    *ret = (struct strings){0};
    if (n == 0) return 0;
    for (size_t i = 0; i < n; i++) bytes += strlen(items[i]) + 1;
    char **block = sotto__malloc(bytes);
    if (!block) return SOTTO_E_NOMEM;
    char *at = (char *)(block + n);
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(items[i]) + 1;
        block[i] = memcpy(at, items[i], size);
        at += size;
    }
    *ret = (struct strings){block, n};
    return 0;
}

void sotto__strings_free(struct strings *s)
{
    sotto__free(s->items);
    *s = (struct strings){0};
}

bool sotto__strings_have(const struct strings *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->items[i], text) == 0) return true;
    return false;
}

static bool holds(const struct str *items, size_t n, struct str s)
{
    for (size_t i = 0; i < n; i++)
        if (sotto__str_eq(items[i], s)) return true;
    return false;
}

int sotto__streams_read(const char *const *items, size_t n, struct strings *ret)
{
    struct str once[SOTTO_MAX_STREAM_IDS];
    size_t n_once = 0;
    *ret = (struct strings){0};
    if (n > SOTTO_MAX_STREAM_IDS) return SOTTO_E_RANGE;
    for (size_t i = 0; i < n; i++) {
        struct str id = sotto__str(items[i]);
        /* RFC 8830 §2: a token of at most 64; "-" says that there is no stream */
        if (id.n > SOTTO_MAX_STREAM_ID || !sotto__sdp_is_token(id) || sotto__str_eq(id, STR("-")))
            return SOTTO_E_SYNTAX;
        if (!holds(once, n_once, id)) once[n_once++] = id;
    }
    return sotto__strings_from(once, n_once, ret);
}

/* ---- encodings ---- */

/* One block of items with rids behind them. from: n of them, their rids are borrowed. */
static int own(const struct encoding *from, size_t n, struct encodings *ret)
{
    size_t bytes = n * sizeof *from;
    *ret = (struct encodings){0};
    if (n == 0) return 0;
    for (size_t i = 0; i < n; i++) bytes += from[i].rid ? strlen(from[i].rid) + 1 : 0;
    struct encoding *block = sotto__malloc(bytes);
    if (!block) return SOTTO_E_NOMEM;
    char *at = (char *)(block + n);
    for (size_t i = 0; i < n; i++) {
        block[i] = from[i];
        if (!from[i].rid) continue;
        size_t size = strlen(from[i].rid) + 1;
        block[i].rid = memcpy(at, from[i].rid, size);
        at += size;
    }
    *ret = (struct encodings){block, n};
    return 0;
}

int sotto__encodings_copy(const struct encodings *from, struct encodings *ret)
{
    return own(from->items, from->n, ret);
}

int sotto__encodings_from_rids(const struct str *rids, size_t n, struct encodings *ret)
{
    struct encoding all[SOTTO_MAX_RIDS];
    struct strings texts;
    *ret = (struct encodings){0};
    if (n > SOTTO_MAX_RIDS) n = SOTTO_MAX_RIDS;
    int r = sotto__strings_from(rids, n, &texts);
    if (r < 0) return r;
    for (size_t i = 0; i < n; i++)
        all[i] = (struct encoding){.rid = texts.items[i], .scale = (double)(1u << (n - 1 - i))};
    r = own(all, n, ret);
    sotto__strings_free(&texts);
    return r;
}

void sotto__encodings_free(struct encodings *e)
{
    sotto__free(e->items);
    *e = (struct encodings){0};
}

static bool rid_is_ok(const char *rid) /* RFC 8851 §10, RFC 8852 §3 */
{
    size_t n = strlen(rid);
    if (n == 0 || n > SOTTO_MAX_RID) return false;
    return strspn(rid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

/* addTransceiver sendEncodings validation, step 1: grammar; all or none; no two the same. */
static int check_rids(const sotto_encoding *items, size_t n)
{
    size_t with = 0;
    for (size_t i = 0; i < n; i++) {
        if (!items[i].rid) continue;
        if (!rid_is_ok(items[i].rid)) return SOTTO_E_SYNTAX;
        with++;
        for (size_t k = 0; k < i; k++)
            if (items[k].rid && strcmp(items[k].rid, items[i].rid) == 0) return SOTTO_E_SYNTAX;
    }
    return with == 0 || with == n ? 0 : SOTTO_E_SYNTAX;
}

static bool scale_is_ok(double scale)
{
    return isfinite(scale) && scale >= 1.0;
}

int sotto__encodings_read(sotto_kind kind, const sotto_encoding *items, size_t n,
                          struct encodings *ret)
{
    struct encoding all[SOTTO_MAX_RIDS];
    bool scaled = false;
    *ret = (struct encodings){0};
    if (n > SOTTO_MAX_RIDS) return SOTTO_E_RANGE;
    int r = check_rids(items, n);
    if (r < 0) return r;
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct encoding){.rid = (char *)(uintptr_t)items[i].rid, /* borrowed until own() */
                                   .inactive = items[i].inactive,
                                   .max_bps = items[i].max_bps,
                                   .scale = kind == SOTTO_VIDEO ? items[i].scale : 0}; /* audio: scales are removed */
        if (all[i].scale == 0) continue;
        if (!scale_is_ok(all[i].scale)) return SOTTO_E_RANGE;
        scaled = true;
    }
    if (n == 0) all[n++] = (struct encoding){0}; /* create an RTCRtpSender: one default encoding */
    if (kind == SOTTO_AUDIO) n = 1; /* maxN; there is no simulcast of audio: trimmed from the tail */
    for (size_t i = 0; i < n && kind == SOTTO_VIDEO; i++) {
        if (all[i].scale == 0) all[i].scale = scaled ? 1.0 : (double)(1u << (n - 1 - i));
    }
    if (n == 1) all[0].rid = NULL; /* a lone one has no rid */
    return own(all, n, ret);
}

/* ---- getParameters, setParameters ---- */

int sotto__transceiver_get_parameters(struct peer *p, struct transceiver *t,
                                      sotto_send_parameters **ret)
{
    (void)p;
    const struct encodings *e = &t->encodings;
    size_t bytes = sizeof **ret + e->n * sizeof(sotto_encoding);
    for (size_t i = 0; i < e->n; i++) bytes += e->items[i].rid ? strlen(e->items[i].rid) + 1 : 0;
    sotto_send_parameters *s = sotto__calloc(1, bytes);
    if (!s) return SOTTO_E_NOMEM;
    sotto_encoding *items = (sotto_encoding *)(s + 1);
    char *at = (char *)(items + e->n);
    for (size_t i = 0; i < e->n; i++) {
        const struct encoding *x = &e->items[i];
        items[i] = (sotto_encoding){.size = sizeof *items,
                                    .inactive = x->inactive,
                                    .max_bps = x->max_bps,
                                    .scale = x->scale};
        if (!x->rid) continue;
        size_t size = strlen(x->rid) + 1;
        items[i].rid = memcpy(at, x->rid, size);
        at += size;
    }
    /* The same as long as nothing was set and no description came; else a new one, which no other transceiver has. */
    if (t->transaction == 0) t->transaction = t->id << 32 | ++t->n_transactions;
    s->size = sizeof *s;
    s->transaction = t->transaction;
    s->encodings = items;
    s->n_encodings = e->n;
    *ret = s;
    return 0;
}

/* setParameters validation steps. */
static int check_parameters(const struct transceiver *t, const sotto_send_parameters *params)
{
    const struct encodings *e = &t->encodings;
    if (params->transaction != t->transaction || params->n_encodings != e->n)
        return SOTTO_E_MODIFICATION;
    for (size_t i = 0; i < e->n; i++) { /* re-ordered, or another rid */
        const char *was = e->items[i].rid, *is = params->encodings[i].rid;
        if (!was != !is || (was && strcmp(was, is) != 0)) return SOTTO_E_MODIFICATION;
    }
    for (size_t i = 0; i < e->n && t->kind == SOTTO_VIDEO; i++) {
        double scale = params->encodings[i].scale;
        if (scale != 0 && !scale_is_ok(scale)) return SOTTO_E_RANGE;
    }
    return 0;
}

int sotto__transceiver_set_parameters(struct peer *p, sotto_us now, struct transceiver *t,
                                      const sotto_send_parameters *params)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (t->stopping || t->transaction == 0) return SOTTO_E_STATE;
    int r = check_parameters(t, params);
    if (r < 0) return r;
    for (size_t i = 0; i < t->encodings.n; i++) {
        const sotto_encoding *from = &params->encodings[i];
        struct encoding *to = &t->encodings.items[i];
        to->inactive = from->inactive;
        to->max_bps = from->max_bps;
        to->scale = t->kind == SOTTO_AUDIO ? 0 : from->scale == 0 ? 1.0 : from->scale;
    }
    t->transaction = 0;
    sotto__media_sync(p, now);
    return 0;
}

/* ---- setCodecPreferences ---- */

int sotto__transceiver_set_preferences(struct peer *p, struct transceiver *t,
                                       const sotto_codec *items, size_t n)
{
    struct codec_list list = {0};
    if (p->closed) return SOTTO_E_CLOSED;
    if (t->stopping) return SOTTO_E_STATE; /* W3C takes them, and does nothing with them */
    if (n > SOTTO_MAX_CODECS) return SOTTO_E_LIMIT;
    if (n > 0) {
        int r = sotto__codecs_from_public(t->kind, items, n, &list);
        if (r == 0 && !sotto__codecs_usable(&list)) r = SOTTO_E_MODIFICATION;
        if (r < 0) {
            sotto__codecs_free(&list);
            return r;
        }
    }
    sotto__codecs_free(&t->prefs);
    t->prefs = list;
    return 0;
}
