/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a description means for the one transport (RFC 9429 §5.9–5.11; RFC 8839 §4.4 ICE restart; RFC 8842 §5 DTLS): is it the first one,
 * an ICE restart, a new DTLS association, or nothing new? Reading checks what may change and what may not; plan_transport does what
 * can fail; committing notes the result.
 * answers: H023 H028
 */
#include <stdio.h>
#include <string.h>

#include "peer/apply.h"
#include "util/error.h"
#include "util/mem.h"
#include "util/rand.h"

/* ---- reading ---- */

static bool same_fingerprints(const struct transport_remote *a, const struct transport_kept *b)
{
    return a->n_fingerprints == b->n_fingerprints &&
           memcmp(a->fingerprints, b->fingerprints, a->n_fingerprints * sizeof *a->fingerprints) ==
               0;
}

/* Whether the remote's credentials are new: both or none (RFC 8839 §5.4). */
static int check_credentials(const struct plan *plan, bool *ret_new, sotto_error *err)
{
    const struct transport_kept *old = plan->p->transport.remote;
    const struct transport_remote *t = &plan->desc.t;
    bool ufrag = strcmp(old->ufrag, t->ufrag) != 0, pwd = strcmp(old->pwd, t->pwd) != 0;
    *ret_new = ufrag && pwd;
    if (ufrag == pwd) return 0;
    return sotto__error(err, SOTTO_E_SDP, 0, "only one of ice-ufrag and ice-pwd has changed");
}

/* A local answer is about the remote's offer. */
static bool reads_offer(const struct plan *plan)
{
    return plan->local || !sotto__plan_is_answer(plan);
}

/* RFC 8842 §5: another fingerprint or tls-id means another DTLS association, which needs new ICE credentials. */
static int check_dtls(struct plan *plan, bool new_ice, sotto_error *err)
{
    struct peer *p = plan->p;
    const char *tls_id = plan->desc.tls_id;
    bool other_id = tls_id[0] && p->remote_tls_id && strcmp(tls_id, p->remote_tls_id) != 0;
    plan->new_dtls = other_id || !same_fingerprints(&plan->desc.t, p->transport.remote);
    if (plan->new_dtls && !new_ice)
        return sotto__error(err, SOTTO_E_MODIFICATION, 0,
                            "the %s of a live connection may change with an ICE restart only",
                            other_id ? "tls-id" : "fingerprint");
    bool contradicts = (plan->desc.setup == SDP_SETUP_ACTIVE && p->dtls_client) ||
                       (plan->desc.setup == SDP_SETUP_PASSIVE && !p->dtls_client);
    /* in an answer the roles of an association that goes on do not count: Firefox says active after each ICE restart */
    if (!plan->new_dtls && reads_offer(plan) && p->role_known && contradicts)
        return sotto__error(err, SOTTO_E_SDP, 0,
                            "a=setup contradicts the roles of the live connection");
    return 0;
}

static int read_desc(struct plan *plan, const struct sdp *sdp, const struct sections *sections,
                     bool is_offer, sotto_error *err)
{
    plan->remote = sdp;
    int r =
        sotto__transport_desc_read(sdp, &sections->items[plan->tagged], is_offer, &plan->desc, err);
    if (r == 0)
        r = sotto__verify_described(plan->p, plan->desc.t.fingerprints, plan->desc.t.n_fingerprints,
                                    err);
    if (r < 0 || !plan->desc.tls_id[0]) return r;
    plan->tls_id = sotto__strdup(plan->desc.tls_id);
    return plan->tls_id ? 0 : sotto__error(err, SOTTO_E_NOMEM, 0, "no memory");
}

static int read_remote_offer(struct plan *plan, sotto_error *err)
{
    bool new_ice = false;
    plan->tagged = sotto__bundle_choose(&plan->here, plan->live, plan->n_live, plan->chosen);
    if (plan->tagged < 0) return 0;
    int r = read_desc(plan, plan->d->sdp, &plan->here, true, err);
    if (r < 0 || !plan->p->transport.has_remote) return r;
    r = check_credentials(plan, &new_ice, err);
    if (r == 0) r = check_dtls(plan, new_ice, err);
    plan->remote_restart = new_ice;
    return r;
}

/* A text of ours that names credentials which no generation has yet. */
static bool begins_restart(const struct plan *plan)
{
    const struct transport_generation *g = sotto__transport_prepared(&plan->p->transport);
    return !g->ice && g->ufrag[0] &&
           sotto__str_eq(sotto__jsep_ufrag(plan->d->sdp), sotto__str(g->ufrag));
}

static void read_local_offer(struct plan *plan)
{
    const struct transport *t = &plan->p->transport;
    plan->own_tagged = sotto__describe_tagged(plan->d->sdp);
    plan->starts = plan->own_tagged >= 0 && !t->live.ice;
    plan->restarts = !plan->starts && begins_restart(plan);
}

/* The DTLS association that there is goes on. */
static bool keeps_roles(const struct plan *plan)
{
    return plan->p->transport.has_remote && plan->p->role_known && !plan->new_dtls;
}

static int read_local_answer(struct plan *plan, sotto_error *err)
{
    struct peer *p = plan->p;
    bool new_ice = true;
    plan->own_tagged = sotto__describe_tagged(plan->d->sdp);
    if (plan->own_tagged < 0) return 0;
    plan->tagged = plan->own_tagged; /* RFC 9143 §7.3.1: of the offered addresses, that of our tagged section */
    int r = read_desc(plan, p->pending_remote.sdp, &plan->offer, true, err);
    if (r == 0 && p->transport.has_remote) {
        r = check_credentials(plan, &new_ice, err);
        if (r == 0) r = check_dtls(plan, new_ice, err);
        plan->restarts = new_ice && begins_restart(plan);
    }
    plan->starts = !p->transport.live.ice;
    plan->sets_remote = new_ice;
    if (keeps_roles(plan)) {
        plan->dtls_client = p->dtls_client;
    } else {
        const struct sdp_media *m = &plan->d->sdp->media[plan->own_tagged];
        const struct sdp_line *setup = sotto__sdp_attr_or_session(plan->d->sdp, m, "setup");
        plan->dtls_client = setup && sotto__str_eq(setup->value, STR("active"));
    }
    return r;
}

static int check_answered_restart(const struct plan *plan, bool new_ice, sotto_error *err)
{
    const struct peer *p = plan->p;
    /* a generation that was negotiated may still be without a pair: then the offer named it, but asked for nothing */
    bool asked = p->transport.next.ice && !p->transport.next.remote_ufrag;
    bool other = p->signaling == SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER;
    if (asked && !new_ice && !other)
        return sotto__error(err, SOTTO_E_SDP, 0,
                            "an ICE restart was answered with old credentials");
    if (!asked && new_ice && !other)
        return sotto__error(err, SOTTO_E_SDP, 0,
                            "new ICE credentials in the answer to an offer without ICE restart");
    return 0;
}

static int read_remote_answer(struct plan *plan, sotto_error *err)
{
    struct peer *p = plan->p;
    bool new_ice = true;
    int r = sotto__bundle_check_answer(&plan->offer, &plan->here, &plan->tagged, err);
    if (r < 0 || plan->tagged < 0) return r;
    r = read_desc(plan, plan->d->sdp, &plan->here, false, err);
    if (r == 0 && p->transport.has_remote) {
        r = check_credentials(plan, &new_ice, err);
        if (r == 0) r = check_dtls(plan, new_ice, err);
        if (r == 0) r = check_answered_restart(plan, new_ice, err);
    }
    plan->sets_remote = new_ice;
    plan->dtls_client = keeps_roles(plan) ? p->dtls_client : plan->desc.setup == SDP_SETUP_PASSIVE;
    return r;
}

int sotto__plan_read_transport(struct plan *plan, sotto_error *err)
{
    if (sotto__plan_is_answer(plan))
        return plan->local ? read_local_answer(plan, err) : read_remote_answer(plan, err);
    if (!plan->local) return read_remote_offer(plan, err);
    read_local_offer(plan);
    return 0;
}

/* ---- what can fail ---- */

static int tell_why(const struct transport *t, int r, sotto_error *err)
{
    if (r == SOTTO_E_NETWORK && t->no_port && t->port_max != 0)
        return sotto__error(err, r, 0, "no address has a free port from %u to %u", t->port_min,
                            t->port_max);
    if (r == SOTTO_E_NETWORK && t->interface)
        return sotto__error(err, r, 0, "interface %.32s is not up, or has no address to be offered",
                            t->interface);
    if (r == SOTTO_E_NETWORK)
        return sotto__error(err, r, 0, "this host has no address to be offered");
    return sotto__error(err, r, 0, "no candidates can be gathered");
}

static int start(struct plan *plan, sotto_us now, sotto_error *err)
{
    struct peer *p = plan->p;
    bool controlling = p->ice_role_known ? p->controlling : plan->local;
    int r = 0;
    if (plan->starts) r = sotto__transport_start(&p->transport, controlling, now);
    if (r == 0 && plan->restarts) {
        r = sotto__transport_prepare(&p->transport);
        if (r == 0) r = sotto__transport_restart(&p->transport, now);
    }
    p->story.no_address = r == SOTTO_E_NETWORK;
    return r < 0 ? tell_why(&p->transport, r, err) : 0;
}

static void undo_start(struct plan *plan, sotto_us now)
{
    if (plan->starts) sotto__transport_unstart(&plan->p->transport, now);
    if (plan->restarts) sotto__transport_forget(&plan->p->transport, now);
}

/* A tls-id for the answer to a new DTLS association. */
static int prepare_answer(struct plan *plan, sotto_error *err)
{
    int r = plan->new_dtls ? sotto__rand_ice(plan->next_tls_id, sizeof plan->next_tls_id - 1) : 0;
    return r < 0 ? sotto__error(err, r, 0, "no entropy") : 0;
}

int sotto__plan_transport(struct plan *plan, sotto_us now, sotto_error *err)
{
    struct peer *p = plan->p;
    if (!plan->local && !sotto__plan_is_answer(plan)) return prepare_answer(plan, err);
    int r = start(plan, now, err);
    if (r < 0 || !plan->sets_remote) return r;
    struct transport_remote t = plan->desc.t;
    t.dtls_client = plan->dtls_client;
    t.new_dtls = plan->new_dtls;
    r = sotto__transport_set_remote(&p->transport, &t, now);
    if (r == 0) return 0;
    undo_start(plan, now);
    return sotto__error(err, r, 0, "the transport does not take the remote's credentials");
}

/* ---- commit ---- */

static void commit_remote(struct plan *plan, sotto_us now)
{
    struct peer *p = plan->p;
    const struct sdp *before = plan->sets_remote ? NULL : p->current_remote.sdp;
    if (plan->sets_remote) {
        p->dtls_client = plan->dtls_client;
        p->role_known = true;
        p->n_remote_candidates = p->story.silent = 0;
        p->remote_restart = false; /* done: a final answer after a provisional one keeps the credentials */
        sotto__free(p->remote_tls_id);
        p->remote_tls_id = plan->tls_id;
        plan->tls_id = NULL;
        if (plan->new_dtls && p->next_tls_id[0])
            memcpy(p->tls_id, p->next_tls_id, sizeof p->tls_id);
        p->next_tls_id[0] = '\0';
    }
    sotto__describe_apply_candidates(p, plan->remote, before, now);
    if (plan->desc.done) sotto__transport_remote_done(&p->transport, plan->desc.t.ufrag, now);
}

static void commit_tagged(struct plan *plan)
{
    struct peer *p = plan->p;
    if (plan->own_tagged < 0) return;
    struct str mid = plan->here.items[plan->own_tagged].mid;
    snprintf(p->tagged_mid, sizeof p->tagged_mid, "%.*s", (int)mid.n, mid.p ? mid.p : "");
    p->tagged_index = plan->own_tagged;
}

static void choose_role(struct plan *plan)
{
    struct peer *p = plan->p;
    if (p->ice_role_known || sotto__plan_is_answer(plan)) return;
    if (plan->local ? plan->own_tagged < 0 : plan->tagged < 0) return;
    p->ice_role_known = true;
    p->controlling = plan->local || plan->desc.lite; /* RFC 8445 §6.1.1 */
}

void sotto__plan_commit_transport(struct plan *plan, sotto_us now)
{
    struct peer *p = plan->p;
    bool answer = sotto__plan_is_answer(plan);
    choose_role(plan);
    commit_tagged(plan);
    if (plan->starts || plan->restarts) p->gathering = SOTTO_GATHERING_GATHERING;
    if (!answer && !plan->local) {
        p->remote_restart = plan->remote_restart;
        memcpy(p->next_tls_id, plan->next_tls_id, sizeof p->next_tls_id);
    }
    if (answer && plan->tagged >= 0) commit_remote(plan, now);
    /* W3C: a transport that no section uses any more is closed; the next one is new */
    if (plan->d->type == SOTTO_SDP_ANSWER && !plan->any_accepted && plan->here.n > 0)
        p->transport_unused = true;
}

void sotto__apply_rollback_transport(struct peer *p, sotto_us now)
{
    if (p->transport.has_remote) {
        if (!p->transport.next.ice || p->transport.next.remote_ufrag) return; /* it restarted nothing */
        sotto__peer_forget_candidates(p, p->transport.next.ufrag);
        sotto__transport_forget(&p->transport, now);
        p->gathering = SOTTO_GATHERING_COMPLETE;
        return;
    }
    sotto__peer_reset_transport(p, now); /* its credentials were told already: the next ones are others */
}
