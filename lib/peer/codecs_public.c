/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Codecs as the public API has them: lists to one block that the application frees, and preferences to a list (W3C WebRTC
 * setCodecPreferences and its codec dictionary match). A block holds the structure, the arrays and the texts, in this order.
 * Pointers come checked by api/. Knows no payload type numbers: preferences have none.
 */
#include <stdio.h>

#include "peer/codecs.h"
#include "peer/codecs_int.h"
#include "util/limits.h"
#include "util/mem.h"

/* ---- list → block ---- */

struct texts { /* where the texts of a block go */
    char *p;
};

static const char *put(struct texts *t, const char *a, const char *b)
{
    char *start = t->p;
    size_t n = strlen(a), m = strlen(b);
    memcpy(start, a, n);
    memcpy(start + n, b, m + 1);
    t->p += n + m + 1;
    return start;
}

int sotto__codecs_public(sotto_kind kind, const struct codec_list *l, const char *const *uris,
                         size_t n_uris, sotto_codecs **ret)
{
    const char *prefix = kind == SOTTO_AUDIO ? "audio/" : "video/";
    size_t bytes = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct codec *c = &l->items[i];
        bytes += strlen(prefix) + strlen(c->name) + 1 + (c->fmtp ? strlen(c->fmtp) : 0) + 1;
    }
    for (size_t i = 0; i < n_uris; i++) bytes += strlen(uris[i]) + 1;
    struct block {
        sotto_codecs head;
        sotto_codec items[];
    } *block = sotto__malloc(sizeof *block + l->n * sizeof *block->items +
                             n_uris * sizeof(const char *) + bytes);
    if (!block) return SOTTO_E_NOMEM;
    const char **extensions = (const char **)(void *)(block->items + l->n);
    struct texts t = {(char *)(extensions + n_uris)};
    for (size_t i = 0; i < l->n; i++) {
        const struct codec *c = &l->items[i];
        block->items[i] = (sotto_codec){
            .size = sizeof(sotto_codec),
            .mime = put(&t, prefix, c->name),
            .clock_hz = c->clock,
            .channels = kind == SOTTO_AUDIO ? c->channels : 0,
            .fmtp = put(&t, c->fmtp ? c->fmtp : "", ""),
            .payload_type = c->pt == PT_NONE ? -1 : c->pt,
        };
    }
    for (size_t i = 0; i < n_uris; i++) extensions[i] = put(&t, uris[i], "");
    block->head = (sotto_codecs){sizeof(sotto_codecs), l->n, block->items, extensions, n_uris};
    *ret = &block->head;
    return 0;
}

/* ---- preferences → list ---- */

static bool is_mime(sotto_kind kind, const struct codec *c, const char *mime)
{
    struct str s = sotto__str(mime), kind_name, name;
    return sotto__str_cut(s, '/', &kind_name, &name) &&
           sotto__str_ieq(kind_name, kind == SOTTO_AUDIO ? STR("audio") : STR("video")) &&
           sotto__str_ieq(name, sotto__str(c->name));
}

static bool same_params(const struct codec_params *a, const struct codec_params *b)
{
    return a->profile == b->profile && a->h264_iop == b->h264_iop && a->level == b->level &&
           a->tier == b->tier && a->packetization == b->packetization &&
           a->asymmetric == b->asymmetric && a->fec == b->fec;
}

/* Codec dictionary match with asymmetric parameters. Of RTX and RED the text names payload types, which count for nothing here; what Opus
 * asks for (RFC 7587 §7) is the application's choice. *ret: the capability with that. */
static bool is_capability(sotto_kind kind, const struct codec *cap, const sotto_codec *wanted,
                          struct codec *ret)
{
    struct codec c = *ret = *cap;
    const char *fmtp = wanted->fmtp ? wanted->fmtp : "";
    uint32_t channels = kind == SOTTO_AUDIO ? cap->channels : 0;
    if (!wanted->mime || !is_mime(kind, cap, wanted->mime) || wanted->clock_hz != cap->clock ||
        wanted->channels != channels)
        return false;
    if (cap->id == CODEC_RTX || cap->id == CODEC_RED) return true;
    if (!cap->fmtp || !*fmtp) return !cap->fmtp && !*fmtp;
    if (cap->id == CODEC_DTMF) return strcmp(fmtp, cap->fmtp) == 0;
    if (!sotto__codec_parse(&c, sotto__str(fmtp)) || !same_params(&c.params, &cap->params))
        return false;
    *ret = sotto__codec_preferred(cap, &c);
    return true;
}

int sotto__codecs_from_public(sotto_kind kind, const sotto_codec *items, size_t n,
                              struct codec_list *ret)
{
    struct codec_list caps, l = {0};
    bool taken[SOTTO_MAX_CODECS] = {0};
    if (n > SOTTO_MAX_CODECS) return SOTTO_E_LIMIT;
    int r = sotto__codecs_capabilities(kind, &caps);
    if (r < 0) return r;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct codec wanted;
        size_t c = 0;
        while (c < caps.n && !is_capability(kind, &caps.items[c], &items[i], &wanted)) c++;
        if (c == caps.n)
            r = SOTTO_E_MODIFICATION;
        else if (!taken[c])
            r = sotto__codecs_push_ours(&l, &wanted);
        if (r == 0) taken[c] = true;
    }
    if (r == 0 && n > 0 && !sotto__codecs_usable(&l)) r = SOTTO_E_MODIFICATION;
    sotto__codecs_free(&caps);
    if (r < 0) {
        sotto__codecs_free(&l);
        return r;
    }
    *ret = l;
    return 0;
}
