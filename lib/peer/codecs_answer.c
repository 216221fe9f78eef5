/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codecs of an answered section, and those that may be sent once offer and answer are there (RFC 9429 §5.3.1, §5.11).
 * Lists as sotto__codecs_read gives them come in, lists with texts of their own go out. Payload types are the offer's.
 * Knows neither maps of numbers nor sections: an offer that contradicts itself was cleaned by claim before.
 */
#include "peer/codecs.h"
#include "peer/codecs_int.h"

/* What an answer to this offered codec says; ours is the entry of the table, for RTX itself. */
static int push_answer(struct codec_list *l, const struct codec *ours, const struct codec *offered)
{
    struct codec c = *ours;
    uint32_t can = ours->feedback | (ours->id == CODEC_OPUS ? FEEDBACK_NACK : 0);
    c.pt = offered->pt, c.apt = offered->apt;
    c.feedback = can & offered->feedback;
    c.params = sotto__codec_answer(ours, offered);
    return sotto__codecs_push_ours(l, &c);
}

static int answer_in_offered_order(sotto_kind kind, const struct codec_list *offered,
                                   struct codec_list *l)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < offered->n; i++) {
        const struct codec *c = &offered->items[i];
        const struct codec *ours =
            c->id == CODEC_RTX ? &sotto__codec_rtx : sotto__codecs_ours(kind, c);
        if (ours) r = push_answer(l, ours, c);
    }
    return r;
}

static int answer_in_preferred_order(sotto_kind kind, const struct codec_list *prefs,
                                     const struct codec_list *offered, struct codec_list *l)
{
    bool with_rtx = kind == SOTTO_VIDEO && sotto__codecs_have(prefs, CODEC_RTX);
    int r = 0;
    for (size_t p = 0; p < prefs->n; p++) {
        const struct codec *known = sotto__codecs_ours(kind, &prefs->items[p]);
        if (!known) continue; /* RTX */
        struct codec ours = sotto__codec_preferred(known, &prefs->items[p]);
        for (size_t i = 0; r == 0 && i < offered->n; i++) {
            const struct codec *c = &offered->items[i];
            if (!sotto__codec_matches(&ours, c) || sotto__codecs_by_pt(l, c->pt)) continue;
            r = push_answer(l, &ours, c);
            for (size_t j = 0; r == 0 && with_rtx && j < offered->n; j++)
                if (offered->items[j].id == CODEC_RTX && offered->items[j].apt == c->pt)
                    r = push_answer(l, &sotto__codec_rtx, &offered->items[j]);
        }
    }
    return r;
}

int sotto__codecs_answer(sotto_kind kind, const struct codec_list *prefs,
                         const struct codec_list *offered, struct codec_list *ret)
{
    struct codec_list l = {0};
    int r = prefs && prefs->n > 0 ? answer_in_preferred_order(kind, prefs, offered, &l)
                                  : answer_in_offered_order(kind, offered, &l);
    if (r < 0) {
        sotto__codecs_free(&l);
        return r;
    }
    sotto__codecs_prune(&l);
    *ret = l;
    return 0;
}

/* The local codec that stands for the remote one: of RTX and RED, that which repeats the same codec. */
static const struct codec *counterpart(const struct codec_list *local,
                                       const struct codec_list *remote, const struct codec *c)
{
    const struct codec *of = sotto__codecs_by_pt(remote, c->apt);
    for (size_t i = 0; i < local->n; i++) {
        const struct codec *mine = &local->items[i];
        const struct codec *mine_of = sotto__codecs_by_pt(local, mine->apt);
        if (!sotto__codec_matches(mine, c)) continue;
        if (c->apt < 0 || (of && mine_of && sotto__codec_matches(mine_of, of))) return mine;
    }
    return NULL;
}

int sotto__codecs_common(const struct codec_list *local, const struct codec_list *remote,
                         struct codec_list *ret)
{
    struct codec_list l = {0};
    for (size_t i = 0; i < remote->n; i++) {
        struct codec c = remote->items[i];
        const struct codec *mine = counterpart(local, remote, &c);
        if (!mine) continue;
        c.feedback &= mine->feedback;
        int r = sotto__codecs_push(&l, &c, c.fmtp, c.fmtp ? strlen(c.fmtp) : 0);
        if (r < 0) {
            sotto__codecs_free(&l);
            return r;
        }
    }
    sotto__codecs_prune(&l);
    *ret = l;
    return 0;
}
