/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signaling state machine (RFC 9429 §4.1, §5.5–5.11; W3C WebRTC 1.0 §4.4.1.5): which description is legal in which state, making and
 * checking our own texts, rollback. In: descriptions of either side. What a description means is a plan, made and carried out by
 * apply.c: everything that can fail is done before anything is changed. Texts are made by offer.c and answer.c.
 * answers: H021 H028
 */
#include <stdio.h>
#include <string.h>

#include "peer/policy.h"
#include "peer/private.h"
#include "util/error.h"
#include "util/mem.h"

void sotto__description_free(struct description *d)
{
    sotto__sdp_free(d->sdp);
    *d = (struct description){0};
}

struct description *sotto__jsep_remote(struct peer *p)
{
    return p->pending_remote.sdp ? &p->pending_remote : &p->current_remote;
}

bool sotto__jsep_is_answer(int32_t type)
{
    return type == SOTTO_SDP_ANSWER || type == SOTTO_SDP_PRANSWER;
}

struct str sotto__jsep_ufrag(const struct sdp *sdp)
{
    const struct sdp_line *line = NULL;
    for (size_t i = 0; sdp && i < sdp->n_media && !line; i++)
        if (sdp->media[i].port != 0) line = sotto__sdp_attr(&sdp->media[i].s, "ice-ufrag");
    if (sdp && !line) line = sotto__sdp_attr(&sdp->s, "ice-ufrag");
    return line ? line->value : (struct str){NULL, 0};
}

/* ---- which description when ---- */

static bool local_allowed(int32_t state, int32_t type)
{
    if (type == SOTTO_SDP_OFFER)
        return state == SOTTO_SIGNALING_STABLE || state == SOTTO_SIGNALING_HAVE_LOCAL_OFFER;
    return state == SOTTO_SIGNALING_HAVE_REMOTE_OFFER ||
           state == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER;
}

static bool remote_allowed(int32_t state, int32_t type)
{
    if (type == SOTTO_SDP_OFFER) /* in have-local-offer: rolls back implicitly */
        return state == SOTTO_SIGNALING_STABLE || state == SOTTO_SIGNALING_HAVE_REMOTE_OFFER ||
               state == SOTTO_SIGNALING_HAVE_LOCAL_OFFER;
    return state == SOTTO_SIGNALING_HAVE_LOCAL_OFFER ||
           state == SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER;
}

static int32_t implicit_type(int32_t state)
{
    return state == SOTTO_SIGNALING_HAVE_REMOTE_OFFER ||
                   state == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER
               ? SOTTO_SDP_ANSWER
               : SOTTO_SDP_OFFER;
}

/* ---- making texts ---- */

static int make_text(struct peer *p, bool answer, bool restart, uint64_t version, char **ret)
{
    return answer ? sotto__answer_make(p, version, ret)
                  : sotto__offer_make(p, restart, version, ret);
}

/* W3C and RFC 9429 §4.1.8, §4.1.18: what makes an offer an ICE restart, unless the pending one is one already. */
static bool offer_restarts(const struct peer *p, bool asked)
{
    bool pending = p->transport.next.ice && !p->transport.next.remote_ufrag;
    return p->transport.has_remote && !pending && (asked || p->restart_wanted || p->reconfigured);
}

/* The credentials that a text is going to name. */
static int ready_credentials(struct peer *p, bool restart)
{
    if (restart) return sotto__transport_prepare(&p->transport);
    return p->transport.live.ufrag[0] ? 0 : sotto__transport_renew(&p->transport);
}

static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: of texts of our own */
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 0x100000001b3u;
    return h;
}

/* The o= version goes up by one whenever the text differs from the last one that was made: RFC 9429 §5.2.2. */
static int make(struct peer *p, bool answer, bool ice_restart, char **ret)
{
    uint64_t version = p->version;
    bool restart = answer ? p->remote_restart : offer_restarts(p, ice_restart);
    char *text = NULL, *kept;
    int r = ready_credentials(p, restart);
    if (r == 0) r = make_text(p, answer, restart, version, &text);
    if (r == 0 && p->last_text && p->last_text != hash(text)) {
        sotto__free(text);
        r = make_text(p, answer, restart, ++version, &text);
    }
    if (r < 0) return r;
    kept = sotto__strdup(text);
    if (!kept) {
        sotto__free(text);
        return SOTTO_E_NOMEM;
    }
    char **slot = answer ? &p->last_answer : &p->last_offer;
    sotto__free(*slot);
    *slot = kept;
    p->last_text = hash(text);
    p->version = version;
    *ret = text;
    return 0;
}

int sotto__peer_create_answer(struct peer *p, char **ret_sdp)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (p->signaling != SOTTO_SIGNALING_HAVE_REMOTE_OFFER &&
        p->signaling != SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER)
        return SOTTO_E_STATE;
    return make(p, true, false, ret_sdp);
}

/* Texts that were made before no longer say what is: they may not be applied (W3C: LastCreatedOffer and LastCreatedAnswer become ""). */
static void outdate_texts(struct peer *p)
{
    sotto__free(p->last_offer);
    sotto__free(p->last_answer);
    p->last_offer = p->last_answer = NULL;
}

/* The last negotiation left nothing on the transport, but messages that nobody has taken: the next one does not wait for them. */
static void finish_reset(struct peer *p, sotto_us now)
{
    if (!p->transport_unused) return;
    sotto__receive_drop_held(p);
    sotto__receive(p, now);
    if (p->transport_unused) sotto__peer_reset_transport(p, now);
}

int sotto__peer_create_offer(struct peer *p, sotto_us now, bool ice_restart, char **ret_sdp)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (!local_allowed(p->signaling, SOTTO_SDP_OFFER)) return SOTTO_E_STATE;
    finish_reset(p, now);
    return make(p, false, ice_restart, ret_sdp);
}

/* ---- transitions ---- */

/* Either side's call takes back the offer that is pending, whoever made it: RFC 9429 §5.7. */
static int rollback(struct peer *p, sotto_us now, sotto_error *err)
{
    bool local = p->signaling == SOTTO_SIGNALING_HAVE_LOCAL_OFFER;
    if (!local && p->signaling != SOTTO_SIGNALING_HAVE_REMOTE_OFFER)
        return sotto__error(err, SOTTO_E_STATE, 0, "there is no offer to be rolled back");
    int r = sotto__apply_rollback(p, now, local, err);
    if (r == 0) outdate_texts(p);
    return r;
}

/* The text that set_local is about: checks it, or makes it. *made is yours if not NULL. */
static int local_text(struct peer *p, bool answer, const char *sdp, const char **ret, char **made,
                      sotto_error *err)
{
    const char *last = answer ? p->last_answer : p->last_offer;
    *made = NULL;
    if (sdp && sdp[0]) {
        *ret = sdp;
        if (last && strcmp(last, sdp) == 0) return 0;
        return sotto__error(err, SOTTO_E_MODIFICATION, 0,
                            "this is not the text that was made last");
    }
    int r = make(p, answer, false, made);
    *ret = *made;
    return r < 0 ? sotto__error(err, r, 0, "no description can be made") : 0;
}

static int set(struct peer *p, sotto_us now, const char *text, size_t n, int32_t type, bool local,
               sotto_error *err)
{
    struct description d = {.type = type};
    struct plan *plan = NULL;
    finish_reset(p, now);
    int r = sotto__sdp_parse(text, n, &d.sdp, err);
    if (r == 0) r = sotto__plan_new(p, &d, local, &plan, err);
    if (r == 0) r = sotto__plan_transport(plan, now, err);
    if (r == 0) {
        sotto__plan_commit(plan, now);
        if (!local || type == SOTTO_SDP_ANSWER) outdate_texts(p);
    }
    sotto__plan_free(plan);
    sotto__description_free(&d);
    return r;
}

int sotto__peer_set_local(struct peer *p, sotto_us now, int32_t type, const char *sdp,
                          sotto_error *err)
{
    const char *text;
    char *made;
    if (p->closed) return sotto__error(err, SOTTO_E_CLOSED, 0, "the connection is closed");
    if (type == SOTTO_SDP_ROLLBACK) return rollback(p, now, err);
    if (type == SOTTO_SDP_IMPLICIT) type = implicit_type(p->signaling);
    finish_reset(p, now);
    if (!local_allowed(p->signaling, type))
        return sotto__error(err, SOTTO_E_STATE, 0, "not in this signaling state");
    int r = local_text(p, sotto__jsep_is_answer(type), sdp, &text, &made, err);
    if (r < 0) return r;
    r = set(p, now, text, strlen(text), type, true, err);
    sotto__free(made);
    if (r == 0) sotto__peer_drain(p, now);
    return r;
}

static void note_refused(struct peer *p, int error)
{
    if (error == SOTTO_E_MODIFICATION)
        sotto__peer_attacked(p, ATTACK_IDENTITY_CHANGED);
    else if (error == SOTTO_E_SYNTAX || error == SOTTO_E_SDP || error == SOTTO_E_LIMIT)
        sotto__peer_attacked(p, ATTACK_DESCRIPTION_REFUSED);
}

int sotto__peer_set_remote(struct peer *p, sotto_us now, int32_t type, const char *sdp,
                           sotto_error *err)
{
    if (p->closed) return sotto__error(err, SOTTO_E_CLOSED, 0, "the connection is closed");
    if (type == SOTTO_SDP_ROLLBACK) return rollback(p, now, err);
    if (!remote_allowed(p->signaling, type))
        return sotto__error(err, SOTTO_E_STATE, 0, "not in this signaling state");
    sotto__policy_begin(p);
    int r = set(p, now, sdp, strnlen(sdp, SOTTO_MAX_SDP + 1), type, false, err);
    if (r == 0) sotto__peer_drain(p, now);
    note_refused(p, r);
    return r;
}

int sotto__peer_restart_ice(struct peer *p, sotto_us now)
{
    if (p->closed) return SOTTO_E_CLOSED;
    struct str current = sotto__jsep_ufrag(p->current_local.sdp);
    struct str pending = sotto__jsep_ufrag(p->pending_local.sdp);
    if (current.n == 0 && pending.n == 0) return 0; /* no description of ours yet */
    snprintf(p->replace_ufrag[0], sizeof p->replace_ufrag[0], "%.*s", (int)current.n,
             current.n ? current.p : "");
    snprintf(p->replace_ufrag[1], sizeof p->replace_ufrag[1], "%.*s", (int)pending.n,
             pending.n ? pending.p : "");
    p->restart_wanted = true;
    sotto__needed_update(p, now);
    return 0;
}
