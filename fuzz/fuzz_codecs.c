/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: the codecs of media sections (lib/peer/codecs*.c); the input is the m= sections of one bundle. Property: what is read is
 * sound (numbers once each, none of RTCP's, RTX and RED with what they repeat) and reads back the same when written; an answer is
 * part of its offer; the next offer keeps the answer's numbers, and all sections agree on what a number means.
 */
#include <stdlib.h>

#include "peer/codecs.h"
#include "peer/codecs_int.h"
#include "util/limits.h"
#include "util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static void require_sound(const struct codec_list *l)
{
    bool seen[128] = {0};
    require(l->n <= SOTTO_MAX_CODECS && (l->n == 0 || sotto__codecs_usable(l)));
    for (size_t i = 0; i < l->n; i++) {
        const struct codec *c = &l->items[i];
        require(c->pt < 128 && (c->pt < 64 || c->pt > 95) && !seen[c->pt]);
        require(!c->fmtp || strlen(c->fmtp) <= SOTTO_MAX_FMTP);
        seen[c->pt] = true;
        if (c->id != CODEC_RTX && c->id != CODEC_RED) continue;
        const struct codec *of = sotto__codecs_by_pt(l, c->apt);
        require(of && sotto__codec_is_media(of) && of->clock == c->clock);
    }
}

static void require_same(const struct codec_list *a, const struct codec_list *b)
{
    require(a->n == b->n);
    for (size_t i = 0; i < a->n; i++) {
        const struct codec *c = &a->items[i], *d = &b->items[i];
        require(sotto__codec_same(c, d) && c->pt == d->pt && c->feedback == d->feedback);
        require(c->params.level == d->params.level && c->params.max_bps == d->params.max_bps);
        require(strcmp(c->fmtp ? c->fmtp : "", d->fmtp ? d->fmtp : "") == 0);
    }
}

static void require_written_back(sotto_kind kind, const struct codec_list *l)
{
    struct sdp *sdp;
    struct sdp_media *m;
    struct codec_list again;
    struct buf fmts;
    if (l->n == 0) return;
    sotto__buf_init(&fmts, 4 * SOTTO_MAX_CODECS);
    require(sotto__codecs_fmts(l, &fmts) == 0);
    require(sotto__sdp_new(&sdp) == 0);
    require(sotto__sdp_add_media(sdp, STR("x"), 9, STR("x"),
                                 (struct str){(const char *)fmts.p, fmts.n}, &m) == 0);
    require(sotto__codecs_write(l, sdp, m) == 0);
    require(sotto__codecs_read(m, kind, &again) == 0);
    require_same(l, &again);
    sotto__codecs_free(&again);
    sotto__sdp_free(sdp);
    sotto__buf_free(&fmts);
}

static void require_next_offer(sotto_kind kind, const struct codec_list *answer,
                               const struct sdp_media *m, struct pt_map *map)
{
    struct codec_list next;
    struct pt_map later = *map;
    sotto__codecs_reserve(&later, m);
    int r = sotto__codecs_offer(kind, NULL, answer, &later, &next);
    if (r == SOTTO_E_LIMIT) require(answer->n == 0);
    if (r < 0) return;
    require_sound(&next);
    for (size_t i = 0; i < next.n; i++)
        require(sotto__codec_same(&later.used[next.items[i].pt], &next.items[i]));
    for (size_t i = 0; i < answer->n; i++) {
        const struct codec *c = sotto__codecs_by_pt(&next, answer->items[i].pt);
        require(!c || sotto__codec_same(c, &answer->items[i]));
    }
    require_written_back(kind, &next);
    sotto__codecs_free(&next);
}

static void try_section(const struct sdp_media *m, struct pt_map *map)
{
    sotto_kind kind = sotto__str_eq(m->kind, STR("audio")) ? SOTTO_AUDIO : SOTTO_VIDEO;
    struct codec_list offer, answer, send;
    require(sotto__codecs_read(m, kind, &offer) == 0);
    require_sound(&offer);
    require_written_back(kind, &offer);
    sotto__codecs_claim(map, &offer);
    require_sound(&offer);
    require(sotto__codecs_answer(kind, NULL, &offer, &answer) == 0);
    require_sound(&answer);
    require(answer.n == offer.n); /* all that was read is supported */
    for (size_t i = 0; i < answer.n; i++) {
        require(sotto__codec_same(&offer.items[i], &answer.items[i]));
        require(answer.items[i].pt == offer.items[i].pt);
        require((answer.items[i].feedback & ~offer.items[i].feedback) == 0);
    }
    require_written_back(kind, &answer);
    require(sotto__codecs_common(&answer, &offer, &send) == 0);
    require(send.n == answer.n);
    require_next_offer(kind, &answer, m, map);
    sotto__codecs_free(&offer);
    sotto__codecs_free(&answer);
    sotto__codecs_free(&send);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    struct pt_map map = {0};
    struct sdp *sdp;
    if (size > SOTTO_MAX_SDP - sizeof head) return 0;
    char *text = sotto__malloc(sizeof head + size);
    require(text != NULL);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + sizeof head - 1, data, size);
    if (sotto__sdp_parse(text, sizeof head - 1 + size, &sdp, NULL) == 0) {
        for (size_t i = 0; i < sdp->n_media; i++) try_section(&sdp->media[i], &map);
        sotto__sdp_free(sdp);
    }
    sotto__free(text);
    require(sotto__mem_live() == 0);
    return 0;
}
