/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The function of policy.h: a policy is checked and copied here; what it means for descriptions, channels and candidates is in
 * lib/peer/policy.c.
 *
 * answers: S31
 */
#include <string.h>

#include "api/ctx.h"
#include "peer/policy.h"
#include "util/mem.h"

#define REFUSE_ALL                                                                                 \
    (SOTTO_REFUSE_HOST | SOTTO_REFUSE_SRFLX | SOTTO_REFUSE_RELAY | SOTTO_REFUSE_PRIVATE |          \
     SOTTO_REFUSE_PUBLIC)

static bool is_allow(int32_t a)
{
    return a >= SOTTO_ALLOW_ALL && a <= SOTTO_ALLOW_NONE;
}

static int check(const sotto_policy *w)
{
    if (!is_allow(w->audio) || !is_allow(w->video) || w->refuse_candidates & ~(uint32_t)REFUSE_ALL)
        return SOTTO_E_RANGE;
    if (w->n_codecs > 0 && !w->codecs) return SOTTO_E_INVAL;
    if (w->n_codecs > POLICY_CODECS) return SOTTO_E_LIMIT;
    for (size_t i = 0; i < w->n_codecs; i++) {
        if (!w->codecs[i]) return SOTTO_E_INVAL;
        size_t n = strnlen(w->codecs[i], POLICY_CODEC);
        if (n == 0 || n == POLICY_CODEC) return SOTTO_E_RANGE;
    }
    return 0;
}

/* 0: the library's own limit; NONE: none. */
static uint32_t count(uint32_t n)
{
    return n == 0 ? UINT32_MAX : n == SOTTO_POLICY_NONE ? 0 : n;
}

static int make(const sotto_policy *from, struct policy **ret)
{
    struct policy *w = sotto__calloc(1, sizeof *w + from->n_codecs * POLICY_CODEC);
    if (!w) return SOTTO_E_NOMEM;
    w->audio = from->audio;
    w->video = from->video;
    w->no_data = from->no_data;
    w->max_sections = count(from->max_sections);
    w->max_channels = count(from->max_channels);
    w->max_candidates = count(from->max_candidates);
    w->refuse_candidates = from->refuse_candidates;
    w->max_send_bps = from->max_send_bps ? from->max_send_bps : UINT64_MAX;
    w->max_receive_bps = from->max_receive_bps;
    w->any_codec = from->codecs == NULL;
    w->n_codecs = from->n_codecs;
    for (size_t i = 0; i < w->n_codecs; i++)
        memcpy(w->codecs[i], from->codecs[i], strlen(from->codecs[i]));
    *ret = w;
    return 0;
}

SOTTO_API int sotto_pc_set_policy(sotto_pc *pc, const sotto_policy *policy)
{
    struct peer *peer;
    struct policy *made = NULL;
    sotto_pc_state state;
    sotto_policy w;
    int r = policy
                ? sotto__config_copy(policy, sizeof w, offsetof(sotto_policy, max_candidates), &w)
                : 0;
    if (r == 0 && policy) r = check(&w);
    if (r == 0 && policy) r = make(&w, &made);
    if (r == 0) r = sotto__pc_enter(pc, &peer);
    if (r < 0) {
        sotto__free(made);
        return r;
    }
    sotto__peer_get_state(peer, &state);
    bool closed = state.signaling == SOTTO_SIGNALING_CLOSED;
    if (closed)
        sotto__free(made);
    else
        sotto__peer_set_policy(peer, made);
    sotto__pc_leave(pc);
    return closed ? SOTTO_E_CLOSED : 0;
}
