/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of supported codecs, and lists of codecs. The order is that of offers: what every browser can do comes first
 * (RFC 7874 §3, RFC 7742 §5 name those that must be there). Comes in: nothing; goes out: lists that own their texts.
 * Knows which codecs need which others to make sense; neither descriptions nor payload type numbers.
 */
#include "peer/codecs.h"

#include "peer/codecs_int.h"
#include "util/mem.h"

#define VIDEO_FEEDBACK (FEEDBACK_NACK | FEEDBACK_PLI | FEEDBACK_FIR | FEEDBACK_REMB | FEEDBACK_TWCC)
#define AUDIO(codec_id, name, hz, channels, feedback)                                              \
    codec_id, name, hz, channels, PT_NONE, -1, feedback
#define VIDEO(codec_id, name) codec_id, name, 90000, 1, PT_NONE, -1, VIDEO_FEEDBACK
#define H264(idc, iop, mode)                                                                       \
    {                                                                                              \
        VIDEO(CODEC_H264, "H264"),                                                                 \
        {                                                                                          \
            idc, iop, 0x1f, .packetization = mode, .asymmetric = true                              \
        }                                                                                          \
    }

static const struct codec audio[] = {
    {AUDIO(CODEC_OPUS, "opus", 48000, 2, FEEDBACK_TWCC), {.fec = true}},
    {AUDIO(CODEC_RED, "red", 48000, 2, 0)},
    {AUDIO(CODEC_PCMU, "PCMU", 8000, 1, FEEDBACK_TWCC)},
    {AUDIO(CODEC_PCMA, "PCMA", 8000, 1, FEEDBACK_TWCC)},
    {AUDIO(CODEC_DTMF, "telephone-event", 48000, 1, 0)},
    {AUDIO(CODEC_DTMF, "telephone-event", 8000, 1, 0)},
};

static const struct codec video[] = {
    {VIDEO(CODEC_VP8, "VP8")},
    H264(0x42, 0xe0, 1), /* constrained baseline, level 3.1 */
    H264(0x42, 0xe0, 0),
    H264(0x42, 0x00, 1), /* baseline */
    H264(0x42, 0x00, 0),
    H264(0x4d, 0x00, 1), /* main */
    H264(0x64, 0x00, 1), /* high */
    {VIDEO(CODEC_VP9, "VP9"), {.profile = 0}},
    {VIDEO(CODEC_VP9, "VP9"), {.profile = 2}},
    {VIDEO(CODEC_AV1, "AV1"), {.profile = 0, .level = 5}},
    {VIDEO(CODEC_H265, "H265"), {.profile = 1, .level = 93}}, /* main, level 3.1 */
};

const struct codec sotto__codec_rtx = {CODEC_RTX, "rtx", 90000, 1, PT_NONE, -1, 0};

const struct codec *sotto__codecs_table(sotto_kind kind, size_t *ret_n)
{
    bool is_audio = kind == SOTTO_AUDIO;
    *ret_n = is_audio ? sizeof audio / sizeof *audio : sizeof video / sizeof *video;
    return is_audio ? audio : video;
}

const struct codec *sotto__codecs_ours(sotto_kind kind, const struct codec *c)
{
    size_t n;
    const struct codec *table = sotto__codecs_table(kind, &n);
    for (size_t i = 0; i < n; i++)
        if (sotto__codec_matches(&table[i], c)) return &table[i];
    return NULL;
}

int sotto__codecs_supported(sotto_kind kind, struct codec_list *ret)
{
    size_t n;
    const struct codec *table = sotto__codecs_table(kind, &n);
    struct codec_list l = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) r = sotto__codecs_push_ours(&l, &table[i]);
    if (r < 0) {
        sotto__codecs_free(&l);
        return r;
    }
    *ret = l;
    return 0;
}

int sotto__codecs_capabilities(sotto_kind kind, struct codec_list *ret)
{
    struct codec_list l;
    int r = sotto__codecs_supported(kind, &l);
    if (r < 0) return r;
    if (kind == SOTTO_VIDEO) r = sotto__codecs_push_ours(&l, &sotto__codec_rtx);
    if (r < 0) {
        sotto__codecs_free(&l);
        return r;
    }
    *ret = l;
    return 0;
}

/* ---- lists ---- */

void sotto__codecs_free(struct codec_list *l)
{
    for (size_t i = 0; i < l->n; i++) sotto__free(l->items[i].fmtp);
    sotto__free(l->items);
    *l = (struct codec_list){0};
}

int sotto__codecs_push(struct codec_list *l, const struct codec *c, const char *fmtp, size_t n)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        struct codec *items = sotto__realloc(l->items, cap * sizeof *items);
        if (!items) return SOTTO_E_NOMEM;
        l->items = items, l->cap = cap;
    }
    char *copy = fmtp ? sotto__strndup(fmtp, n) : NULL;
    if (fmtp && !copy) return SOTTO_E_NOMEM;
    l->items[l->n] = *c;
    l->items[l->n++].fmtp = copy;
    return 0;
}

int sotto__codecs_push_ours(struct codec_list *l, const struct codec *c)
{
    char text[CODEC_FMTP_TEXT];
    sotto__codec_format(c, text);
    return sotto__codecs_push(l, c, *text ? text : NULL, strlen(text));
}

int sotto__codecs_copy(const struct codec_list *from, struct codec_list *to)
{
    struct codec_list l = {0};
    for (size_t i = 0; i < from->n; i++) {
        const char *fmtp = from->items[i].fmtp;
        int r = sotto__codecs_push(&l, &from->items[i], fmtp, fmtp ? strlen(fmtp) : 0);
        if (r < 0) {
            sotto__codecs_free(&l);
            return r;
        }
    }
    *to = l;
    return 0;
}

void sotto__codecs_remove(struct codec_list *l, size_t i)
{
    sotto__free(l->items[i].fmtp);
    l->n--;
    memmove(&l->items[i], &l->items[i + 1], (l->n - i) * sizeof *l->items);
}

const struct codec *sotto__codecs_by_pt(const struct codec_list *l, int pt)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].pt == pt) return &l->items[i];
    return NULL;
}

bool sotto__codecs_have(const struct codec_list *l, enum codec_id id)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].id == id) return true;
    return false;
}

bool sotto__codec_is_media(const struct codec *c)
{
    return c->id != CODEC_RTX && c->id != CODEC_RED && c->id != CODEC_DTMF;
}

bool sotto__codecs_usable(const struct codec_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (sotto__codec_is_media(&l->items[i])) return true;
    return false;
}

static bool makes_sense(const struct codec_list *l, size_t i)
{
    const struct codec *c = &l->items[i];
    if (c->id == CODEC_DTMF) {
        for (size_t j = 0; j < l->n; j++)
            if (sotto__codec_is_media(&l->items[j]) && l->items[j].clock == c->clock) return true;
        return false;
    }
    if (c->id != CODEC_RTX && c->id != CODEC_RED) return true;
    for (size_t j = 0; j < i; j++)
        if (l->items[j].id == c->id && l->items[j].apt == c->apt) return false;
    const struct codec *of = sotto__codecs_by_pt(l, c->apt);
    return of && sotto__codec_is_media(of) && of->clock == c->clock;
}

void sotto__codecs_prune(struct codec_list *l)
{
    for (size_t i = l->n; i-- > 0;) /* from the end: of two RTX for the same the first stays */
        if (!makes_sense(l, i)) sotto__codecs_remove(l, i);
    if (l->n == 0) sotto__codecs_free(l); /* an empty list owns nothing */
}
