/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a description means (RFC 9429 §5.9–5.11; W3C WebRTC 1.0 §4.4.1.5 "set a session description"): a plan is read and checked, with
 * everything allocated that it needs; then the transport does what can fail; then the plan is carried out, which cannot fail. The
 * transceivers' part is in apply_sections.c, the transport's in apply_transport.c, rollback in apply_rollback.c.
 */
#include "peer/apply.h"

#include <stdio.h>

#include "peer/policy.h"
#include "util/error.h"
#include "util/mem.h"

bool sotto__plan_is_answer(const struct plan *plan)
{
    return sotto__jsep_is_answer(plan->d->type);
}

void sotto__plan_free(struct plan *plan)
{
    if (!plan) return;
    for (size_t i = 0; plan->items && i < plan->here.n; i++)
        sotto__plan_item_free(plan->p, &plan->items[i]);
    sotto__free(plan->items);
    sotto__free(plan->tls_id);
    sotto__sections_free(&plan->here);
    sotto__sections_free(&plan->offer);
    sotto__sections_free(&plan->live_local);
    sotto__free(plan);
}

/* The description that both sides agreed on last: what it rejected is free to be recycled. */
static const struct sdp *agreed(const struct peer *p)
{
    return p->current_local.type == SOTTO_SDP_ANSWER ? p->current_local.sdp : p->current_remote.sdp;
}

static int check_remote_offer(struct plan *plan, sotto_error *err)
{
    struct sections before = {0};
    /* W3C: an offer that replaces a pending one is judged as if that had been answered */
    const struct sdp *pending = plan->p->pending_remote.sdp;
    const struct sdp *last = pending ? pending : agreed(plan->p);
    if (!last) return 0;
    int r = sotto__sections_read(last, &before, err);
    if (r == 0) r = sotto__sections_check_reoffer(&before, &plan->here, err);
    sotto__sections_free(&before);
    return r;
}

static int read_offer(struct plan *plan, sotto_error *err)
{
    const struct description *offer =
        plan->local ? &plan->p->pending_remote : &plan->p->pending_local;
    int r = sotto__sections_read(offer->sdp, &plan->offer, err);
    if (r == 0 && plan->local) (void)sotto__policy_sections(plan->p, &plan->offer, false); /* counted when it came */
    return r;
}

/* Mids of the sections that stand on our transport already. */
static int read_live(struct plan *plan, sotto_error *err)
{
    struct peer *p = plan->p;
    if (!p->transport.has_remote || !agreed(p)) return 0;
    int r = sotto__sections_read(agreed(p), &plan->live_local, err);
    for (size_t i = 0; r == 0 && i < plan->live_local.n; i++)
        if (!plan->live_local.items[i].rejected)
            plan->live[plan->n_live++] = plan->live_local.items[i].mid;
    return r;
}

static int read_plan(struct plan *plan, sotto_error *err)
{
    bool answer = sotto__plan_is_answer(plan);
    int r = sotto__sections_read(plan->d->sdp, &plan->here, err);
    if (r == 0 && !plan->local)
        plan->p->transport.attacks.n[ATTACK_POLICY_SECTION] +=
            sotto__policy_sections(plan->p, &plan->here, answer);
    if (r == 0 && answer) r = read_offer(plan, err);
    if (r == 0 && !plan->local)
        r = answer ? sotto__sections_check_answer(&plan->offer, &plan->here, err)
                   : check_remote_offer(plan, err);
    if (r == 0) r = read_live(plan, err);
    if (r == 0) r = sotto__plan_read_transport(plan, err);
    return r == 0 ? sotto__plan_items(plan, err) : r;
}

static int make_room(const struct plan *plan, sotto_error *err)
{
    int r = sotto__events_reserve(plan->p, sotto__plan_notes(plan->items, plan->here.n));
    if (r == SOTTO_E_LIMIT)
        return sotto__error(err, r, 0, "too many events of tracks wait to be taken");
    return r < 0 ? sotto__error(err, r, 0, "no memory") : 0;
}

int sotto__plan_new(struct peer *p, struct description *d, bool local, struct plan **ret,
                    sotto_error *err)
{
    struct plan *plan = sotto__calloc(1, sizeof *plan);
    if (!plan) return sotto__error(err, SOTTO_E_NOMEM, 0, "no memory");
    plan->p = p;
    plan->d = d;
    plan->local = local;
    plan->data = plan->tagged = plan->own_tagged = -1;
    plan->rolls_back =
        !local && p->signaling == SOTTO_SIGNALING_HAVE_LOCAL_OFFER && d->type == SOTTO_SDP_OFFER;
    int r = read_plan(plan, err);
    if (r == 0) r = make_room(plan, err);
    if (r < 0) {
        sotto__plan_free(plan);
        return r;
    }
    *ret = plan;
    return 0;
}

/* ---- carrying it out ---- */

static void move_description(struct description *to, struct description *from)
{
    sotto__description_free(to);
    *to = *from;
    *from = (struct description){0};
}

static void place_description(struct plan *plan)
{
    struct peer *p = plan->p;
    bool local = plan->local;
    if (plan->d->type != SOTTO_SDP_ANSWER) {
        move_description(local ? &p->pending_local : &p->pending_remote, plan->d);
        return;
    }
    /* offer and answer are both here: they become the current ones */
    move_description(local ? &p->current_local : &p->current_remote, plan->d);
    move_description(local ? &p->current_remote : &p->current_local,
                     local ? &p->pending_remote : &p->pending_local);
    sotto__description_free(local ? &p->pending_local : &p->pending_remote);
}

static int32_t state_after(const struct plan *plan)
{
    switch (plan->d->type) {
    case SOTTO_SDP_OFFER:
        return plan->local ? SOTTO_SIGNALING_HAVE_LOCAL_OFFER : SOTTO_SIGNALING_HAVE_REMOTE_OFFER;
    case SOTTO_SDP_PRANSWER:
        return plan->local ? SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER
                           : SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER;
    default: return SOTTO_SIGNALING_STABLE;
    }
}

/* W3C: what was to be restarted was, once a description of ours has other credentials. */
static void settle_restart(struct peer *p)
{
    struct str now_used = sotto__jsep_ufrag(p->current_local.sdp);
    bool replaced = true;
    for (size_t i = 0; i < 2; i++)
        if (p->replace_ufrag[i][0] && sotto__str_eq(now_used, sotto__str(p->replace_ufrag[i])))
            replaced = false;
    if (replaced) p->restart_wanted = false;
    if (!sotto__str_eq(now_used, sotto__str(p->gathered_ufrag))) p->reconfigured = false;
    p->remote_restart = false;
}

static void commit_data(struct plan *plan, sotto_us now)
{
    struct peer *p = plan->p;
    const struct section *s = plan->data >= 0 ? &plan->here.items[plan->data] : NULL;
    if (s && (p->data_index != plan->data || (p->data_has_own_mid && s->mid.n))) {
        p->data_has_own_mid = s->mid.n == 0;
        sotto__plan_take_mid(p, s, p->data_mid);
        p->data_index = plan->data;
    }
    if (!sotto__plan_is_answer(plan)) return;
    bool final = plan->d->type == SOTTO_SDP_ANSWER;
    if (plan->data_accepted) {
        const struct section *remote = plan->local ? &plan->offer.items[plan->data] : s;
        p->remote_max_message = remote->max_message;
        sotto__channel_assign_ids(p, now);
        sotto__peer_begin_data(p, now, remote->sctp_port);
        if (final) p->data_negotiated = true;
    } else if (final) {
        bool was = p->data_negotiated;
        p->data_negotiated = false;
        p->data_mid[0] = '\0';
        p->data_index = -1;
        if (was)
            sotto__peer_end_data(p, now);
        else if (plan->data >= 0)
            sotto__channel_all_down(p, now, SOTTO_E_SDP, "the remote rejected data channels");
    }
}

static void queue_notes(struct plan *plan, sotto_us now)
{
    struct peer *p = plan->p;
    for (size_t i = 0; i < plan->here.n; i++) {
        struct note *n = plan->items[i].removed;
        plan->items[i].removed = NULL;
        if (n) sotto__events_note(p, now, SOTTO_EV_TRACK_REMOVED, n);
    }
    for (size_t i = 0; i < plan->here.n; i++) {
        struct note *n = plan->items[i].added;
        plan->items[i].added = NULL;
        if (n) sotto__events_note(p, now, SOTTO_EV_TRACK, n);
    }
}

void sotto__plan_commit(struct plan *plan, sotto_us now)
{
    struct peer *p = plan->p;
    bool final = plan->d->type == SOTTO_SDP_ANSWER;
    if (plan->rolls_back) sotto__apply_rollback_local(p, now);
    sotto__plan_commit_items(plan);
    sotto__plan_commit_transport(plan, now);
    commit_data(plan, now);
    if (p->transport_unused && !p->sctp_ends) sotto__peer_reset_transport(p, now);
    p->signaling = state_after(plan);
    place_description(plan);
    if (final) {
        p->data_was_associated = p->data_mid[0] != '\0';
        settle_restart(p);
        sotto__peer_prune_candidates(p);
        p->negotiation_needed = false; /* W3C: cleared, then checked anew */
        sotto__events_not_needed(p);
    }
    sotto__media_sync(p, now);
    sotto__peer_update(p, now);
    sotto__events_state(p, now);
    queue_notes(plan, now);
    sotto__needed_update(p, now);
}
