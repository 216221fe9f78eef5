/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policy before trust: a description of the remote, after it was read and before anything is made of it, is narrowed to what an application
 * allows; what is left of it nobody else can tell from a smaller description. So is each channel and candidate of the remote when it comes.
 * In: the policy, sections, channels, candidates; out: yes, no, or less. Counting is for the callers.
 *
 * answers: S31
 */
#include "peer/policy.h"

#include <string.h>

#include "peer/codecs_int.h"
#include "peer/private.h"
#include "util/mem.h"

/* The latest: for what comes one by one. */
static const struct policy *latest(const struct peer *p)
{
    return p->has_next_policy ? p->next_policy : p->policy;
}

static bool offer_waits(const struct peer *p)
{
    return p->signaling == SOTTO_SIGNALING_HAVE_REMOTE_OFFER ||
           p->signaling == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER;
}

void sotto__peer_set_policy(struct peer *p, struct policy *policy)
{
    if (p->has_next_policy) sotto__free(p->next_policy);
    p->next_policy = policy;
    p->has_next_policy = true;
    if (!offer_waits(p)) sotto__policy_begin(p);
}

void sotto__policy_begin(struct peer *p)
{
    if (!p->has_next_policy) return;
    sotto__free(p->policy);
    p->policy = p->next_policy;
    p->next_policy = NULL;
    p->has_next_policy = false;
}

void sotto__policy_free(struct peer *p)
{
    sotto__policy_begin(p);
    sotto__free(p->policy);
    p->policy = NULL;
}

/* ---- codecs ---- */

static bool allows_codec(const struct policy *w, const struct codec *c)
{
    if (w->any_codec || c->id == CODEC_RTX) return true; /* which goes with what it repeats */
    for (size_t i = 0; i < w->n_codecs; i++)
        if (sotto__str_ieq(sotto__str(w->codecs[i]), sotto__str(c->name))) return true;
    return false;
}

static void filter(const struct policy *w, struct codec_list *list)
{
    for (size_t i = list->n; i > 0; i--)
        if (!allows_codec(w, &list->items[i - 1])) sotto__codecs_remove(list, i - 1);
    sotto__codecs_prune(list);
}

void sotto__policy_codecs(const struct peer *p, struct codec_list *list)
{
    bool any = false;
    for (size_t i = 0; p->policy && i < list->n; i++) {
        struct codec_list one = {.items = &list->items[i], .n = 1, .cap = 1};
        any = any || (allows_codec(p->policy, &list->items[i]) && sotto__codecs_usable(&one));
    }
    if (any) filter(p->policy, list);
}

/* ---- directions ---- */

/* From our side. */
static int32_t allowed(const struct policy *w, sotto_kind kind)
{
    static const int32_t directions[] = {[SOTTO_ALLOW_ALL] = SOTTO_DIR_SENDRECV,
                                         [SOTTO_ALLOW_SEND] = SOTTO_DIR_SENDONLY,
                                         [SOTTO_ALLOW_RECEIVE] = SOTTO_DIR_RECVONLY,
                                         [SOTTO_ALLOW_NONE] = SOTTO_DIR_INACTIVE};
    return directions[kind == SOTTO_AUDIO ? w->audio : w->video];
}

int32_t sotto__policy_direction(const struct peer *p, sotto_kind kind, int32_t direction)
{
    return p->policy ? sotto__direction_and(direction, allowed(p->policy, kind)) : direction;
}

uint64_t sotto__policy_receive_bps(const struct peer *p)
{
    return p->policy ? p->policy->max_receive_bps : 0;
}

/* ---- sections ---- */

static const char *narrow_media(const struct policy *w, struct section *s, bool is_answer)
{
    sotto_kind kind = s->kind == SECTION_AUDIO ? SOTTO_AUDIO : SOTTO_VIDEO;
    int32_t ours = allowed(w, kind);
    int32_t left = sotto__direction_and(s->direction, sotto__direction_reverse(ours));
    if (ours == SOTTO_DIR_INACTIVE) return "is of a kind that the policy does not allow";
    if (left != s->direction && (is_answer || left == SOTTO_DIR_INACTIVE))
        return "has a direction that the policy does not allow";
    s->direction = left;
    filter(w, &s->codecs);
    if (!sotto__codecs_usable(&s->codecs)) return "has no codec that the policy allows";
    if (w->max_send_bps < s->max_bps) s->max_bps = w->max_send_bps;
    return NULL;
}

size_t sotto__policy_sections(const struct peer *p, struct sections *s, bool is_answer)
{
    const struct policy *w = p->policy;
    size_t n_used = 0, n_refused = 0;
    for (size_t i = 0; w && i < s->n; i++) {
        struct section *one = &s->items[i];
        const char *why = NULL;
        if (one->rejected || one->unusable) continue;
        if (n_used == w->max_sections)
            why = "is one more than the policy allows";
        else if (one->kind == SECTION_DATA)
            why = w->no_data ? "is of a kind that the policy does not allow" : NULL;
        else if (one->kind != SECTION_OTHER)
            why = narrow_media(w, one, is_answer);
        one->unusable = why;
        n_refused += why != NULL;
        n_used += !why;
    }
    return n_refused;
}

/* ---- channels, candidates ---- */

bool sotto__policy_takes_channel(const struct peer *p, size_t n)
{
    const struct policy *w = latest(p);
    return !w || (!w->no_data && n < w->max_channels);
}

bool sotto__policy_takes_candidate(const struct peer *p, const struct candidate *c)
{
    static const uint32_t kinds[] = {[CANDIDATE_HOST] = SOTTO_REFUSE_HOST,
                                     [CANDIDATE_SRFLX] = SOTTO_REFUSE_SRFLX,
                                     [CANDIDATE_PRFLX] = SOTTO_REFUSE_SRFLX,
                                     [CANDIDATE_RELAY] = SOTTO_REFUSE_RELAY};
    const struct policy *w = latest(p);
    if (!w) return true;
    bool is_private = c->addr.family == 0 || sotto__address_is_private(&c->addr); /* a name hides one */
    uint32_t is = kinds[c->type] | (is_private ? SOTTO_REFUSE_PRIVATE : SOTTO_REFUSE_PUBLIC);
    return (w->refuse_candidates & is) == 0 && p->n_remote_candidates < w->max_candidates;
}
