/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signaling state machine (RFC 9429 §4.1, §5.5–5.11; W3C WebRTC 1.0 §4.4.1.5) for descriptions whose only used section is data.
 * In: descriptions of either side; out: the transport started and told of the remote, events. Everything that can fail is done
 * before anything is changed. Texts are made by offer.c and answer.c, read by apply.c.
 */
#include <stdio.h>
#include <string.h>

#include "peer/private.h"
#include "util/error.h"
#include "util/mem.h"

void sotto__description_free(struct description *d)
{
    sotto__sdp_free(d->sdp);
    *d = (struct description){0};
}

static void move_description(struct description *to, struct description *from)
{
    sotto__description_free(to);
    *to = *from;
    *from = (struct description){0};
}

struct description *sotto__jsep_remote(struct peer *p)
{
    return p->pending_remote.sdp ? &p->pending_remote : &p->current_remote;
}

static bool is_answer(int32_t type)
{
    return type == SOTTO_SDP_ANSWER || type == SOTTO_SDP_PRANSWER;
}

/* ---- negotiation needed: W3C §4.7.3 ---- */

void sotto__jsep_check_needed(struct peer *p, sotto_us now)
{
    bool needed = !p->closed && !p->data_negotiated && p->n_channels > p->n_closed;
    if (!needed) {
        p->negotiation_needed = false;
        sotto__events_not_needed(p);
    } else if (p->signaling == SOTTO_SIGNALING_STABLE && !p->negotiation_needed) {
        p->negotiation_needed = true;
        sotto__events_needed(p, now);
    }
}

/* ---- making texts ---- */

/* The o= version goes up by one whenever the text differs from the last one that was made: RFC 9429 §5.2.2. */
static int make(struct peer *p, bool answer, char **ret)
{
    int (*const maker)(struct peer *, uint64_t, char **) =
        answer ? sotto__answer_make : sotto__offer_make;
    const char *last = p->last_is_answer ? p->last_answer : p->last_offer;
    uint64_t version = p->version;
    char *text, *kept;
    int r = maker(p, version, &text);
    if (r == 0 && last && strcmp(last, text) != 0) {
        sotto__free(text);
        r = maker(p, ++version, &text);
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
    p->last_is_answer = answer;
    p->version = version;
    *ret = text;
    return 0;
}

int sotto__peer_create_offer(struct peer *p, char **ret_sdp)
{
    return p->closed ? SOTTO_E_CLOSED : make(p, false, ret_sdp);
}

int sotto__peer_create_answer(struct peer *p, char **ret_sdp)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (p->signaling != SOTTO_SIGNALING_HAVE_REMOTE_OFFER &&
        p->signaling != SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER)
        return SOTTO_E_STATE;
    return make(p, true, ret_sdp);
}

/* ---- transitions ---- */

static void set_state(struct peer *p, sotto_us now, int32_t state)
{
    p->signaling = state;
    if (state == SOTTO_SIGNALING_STABLE) {
        p->negotiation_needed = false;
        sotto__events_not_needed(p);
    }
    sotto__peer_update(p, now);
    sotto__jsep_check_needed(p, now);
}

static void forget_first_offer(struct peer *p, sotto_us now)
{
    if (!p->transport.ice || p->transport.has_remote) return;
    sotto__peer_reset_transport(p, now);
    p->mid[0] = '\0';
}

/* Texts made before name credentials that are no longer ours. */
static void forget_texts(struct peer *p)
{
    sotto__free(p->last_offer);
    sotto__free(p->last_answer);
    p->last_offer = p->last_answer = NULL;
    p->version++;
}

static int rollback_local(struct peer *p, sotto_us now)
{
    if (!p->transport.has_remote) {
        int r = sotto__transport_renew(&p->transport);
        if (r < 0) return r;
        forget_texts(p);
    }
    forget_first_offer(p, now);
    if (!p->data_negotiated) p->mid[0] = '\0';
    sotto__description_free(&p->pending_local);
    return 0;
}

static int rollback(struct peer *p, sotto_us now, int32_t from, sotto_error *err)
{
    if (p->signaling != from)
        return sotto__error(err, SOTTO_E_STATE, 0, "there is no such offer to be rolled back");
    if (from == SOTTO_SIGNALING_HAVE_LOCAL_OFFER) {
        int r = rollback_local(p, now);
        if (r < 0) return sotto__error(err, r, 0, "no entropy");
    } else {
        sotto__description_free(&p->pending_remote);
    }
    set_state(p, now, SOTTO_SIGNALING_STABLE);
    return 0;
}

static int start_transport(struct peer *p, sotto_us now, bool controlling, sotto_error *err)
{
    if (p->transport.ice) return 0;
    int r = sotto__transport_start(&p->transport, controlling, now);
    if (r < 0) return sotto__error(err, r, 0, "no candidates can be gathered");
    p->gathering = SOTTO_GATHERING_GATHERING;
    return 0;
}

static void set_mid(struct peer *p, const struct sdp_media *m, int32_t index)
{
    const struct sdp_line *mid = sotto__sdp_attr(&m->s, "mid");
    snprintf(p->mid, sizeof p->mid, "%.*s", mid ? (int)mid->value.n : 0, mid ? mid->value.p : "");
    p->mline_index = index;
}

static int apply_local_offer(struct peer *p, sotto_us now, struct description *d, sotto_error *err)
{
    int32_t index;
    const struct sdp_media *m = sotto__jsep_data_section(d->sdp, "", &index);
    int r = m ? start_transport(p, now, true, err) : 0;
    if (r < 0) return r;
    if (m) set_mid(p, m, index);
    move_description(&p->pending_local, d);
    set_state(p, now, SOTTO_SIGNALING_HAVE_LOCAL_OFFER);
    return 0;
}

/* Offer and answer are both here: they become the current ones. */
static void settle(struct peer *p, sotto_us now, struct description *answer, bool local, bool data)
{
    move_description(local ? &p->current_local : &p->current_remote, answer);
    move_description(local ? &p->current_remote : &p->current_local,
                     local ? &p->pending_remote : &p->pending_local);
    sotto__description_free(local ? &p->pending_local : &p->pending_remote);
    if (p->data_negotiated && !data && !p->sctp_down) {
        p->sctp_down = true; /* RFC 8841 §10.4: port 0 ends it; receive tells the channels, after their messages */
        p->down_error = 0;
        p->down_reason = "data channels were ended by negotiation";
        sotto__receive(p, now);
    }
    p->data_negotiated = data;
    set_state(p, now, SOTTO_SIGNALING_STABLE);
}

static void commit_answer(struct peer *p, sotto_us now, struct description *d, bool local,
                          bool data)
{
    if (d->type == SOTTO_SDP_ANSWER) {
        settle(p, now, d, local, data);
        return;
    }
    move_description(local ? &p->pending_local : &p->pending_remote, d);
    set_state(p, now,
              local ? SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER : SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER);
}

static int apply_local_answer(struct peer *p, sotto_us now, struct description *d, sotto_error *err)
{
    struct remote_params remote;
    int r = sotto__apply_read(p, p->pending_remote.sdp, true, &remote, err);
    if (r < 0) return r;
    if (remote.media && !p->transport.has_remote) {
        r = start_transport(p, now, remote.lite, err);
        if (r < 0) return r;
        set_mid(p, remote.media, remote.index);
        r = sotto__apply_remote(p, &remote, remote.setup != SDP_SETUP_ACTIVE, now);
        if (r < 0) {
            forget_first_offer(p, now);
            return sotto__error(err, r, 0, "the transport does not take the remote's credentials");
        }
    }
    commit_answer(p, now, d, true, remote.media != NULL);
    return 0;
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
    int r = make(p, answer, made);
    *ret = *made;
    return r < 0 ? sotto__error(err, r, 0, "no description can be made") : 0;
}

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

int sotto__peer_set_local(struct peer *p, sotto_us now, int32_t type, const char *sdp,
                          sotto_error *err)
{
    const char *text;
    char *made;
    if (p->closed) return sotto__error(err, SOTTO_E_CLOSED, 0, "the connection is closed");
    if (type == SOTTO_SDP_ROLLBACK) return rollback(p, now, SOTTO_SIGNALING_HAVE_LOCAL_OFFER, err);
    if (type == SOTTO_SDP_IMPLICIT) type = implicit_type(p->signaling);
    if (!local_allowed(p->signaling, type))
        return sotto__error(err, SOTTO_E_STATE, 0, "not in this signaling state");
    int r = local_text(p, is_answer(type), sdp, &text, &made, err);
    if (r < 0) return r;
    struct description d = {.type = type};
    r = sotto__sdp_parse(text, strlen(text), &d.sdp, err);
    sotto__free(made);
    if (r == 0)
        r = type == SOTTO_SDP_OFFER ? apply_local_offer(p, now, &d, err)
                                    : apply_local_answer(p, now, &d, err);
    sotto__description_free(&d);
    return r;
}

/* ---- remote ---- */

static bool same_mid(const struct sdp_media *a, const struct sdp_media *b)
{
    const struct sdp_line *x = sotto__sdp_attr(&a->s, "mid"), *y = sotto__sdp_attr(&b->s, "mid");
    return !x || !y || sotto__str_eq(x->value, y->value);
}

/* RFC 3264 §8: sections keep their place; a rejected one may be recycled. */
static int check_sections(const struct sdp *sdp, const struct sdp *before, bool answer,
                          sotto_error *err)
{
    if (!before) return 0;
    if (sdp->n_media < before->n_media || (answer && sdp->n_media != before->n_media))
        return sotto__error(err, SOTTO_E_SDP, 0, "it has %zu m-lines where %zu are needed",
                            sdp->n_media, before->n_media);
    for (size_t i = 0; i < before->n_media; i++) {
        const struct sdp_media *m = &sdp->media[i], *b = &before->media[i];
        if (b->port == 0 && !answer) continue;
        if (!sotto__str_eq(m->kind, b->kind) || !same_mid(m, b))
            return sotto__error(err, SOTTO_E_SDP, m->number,
                                "m-line %zu is another one than before", i + 1);
    }
    return 0;
}

static int apply_remote_offer(struct peer *p, sotto_us now, struct description *d, sotto_error *err)
{
    struct remote_params remote;
    int r = check_sections(d->sdp, p->current_remote.sdp, false, err);
    if (r == 0) r = sotto__apply_read(p, d->sdp, true, &remote, err);
    if (r == 0) r = sotto__apply_check_same(p, &remote, err);
    if (r == 0 && p->signaling == SOTTO_SIGNALING_HAVE_LOCAL_OFFER) {
        r = rollback_local(p, now);
        if (r < 0) return sotto__error(err, r, 0, "no entropy");
    }
    if (r < 0) return r;
    move_description(&p->pending_remote, d);
    set_state(p, now, SOTTO_SIGNALING_HAVE_REMOTE_OFFER);
    return 0;
}

static int apply_remote_answer(struct peer *p, sotto_us now, struct description *d,
                               sotto_error *err)
{
    struct remote_params remote;
    bool before = p->data_negotiated;
    int r = check_sections(d->sdp, p->pending_local.sdp, true, err);
    if (r == 0) r = sotto__apply_read(p, d->sdp, false, &remote, err);
    if (r == 0) r = sotto__apply_check_same(p, &remote, err);
    if (r < 0) return r;
    if (remote.media && p->transport.ice && !p->transport.has_remote) {
        r = sotto__apply_remote(p, &remote, remote.setup == SDP_SETUP_PASSIVE, now);
        if (r < 0) return sotto__error(err, r, 0, "the transport does not take the credentials");
    }
    commit_answer(p, now, d, false, remote.media != NULL);
    if (!remote.media && !before && p->signaling == SOTTO_SIGNALING_STABLE)
        sotto__channel_all_down(p, now, SOTTO_E_SDP, "the remote rejected data channels");
    sotto__jsep_check_needed(p, now);
    return 0;
}

int sotto__peer_set_remote(struct peer *p, sotto_us now, int32_t type, const char *sdp,
                           sotto_error *err)
{
    if (p->closed) return sotto__error(err, SOTTO_E_CLOSED, 0, "the connection is closed");
    if (type == SOTTO_SDP_ROLLBACK) return rollback(p, now, SOTTO_SIGNALING_HAVE_REMOTE_OFFER, err);
    if (!remote_allowed(p->signaling, type))
        return sotto__error(err, SOTTO_E_STATE, 0, "not in this signaling state");
    struct description d = {.type = type};
    int r = sotto__sdp_parse(sdp, strnlen(sdp, SOTTO_MAX_SDP + 1), &d.sdp, err);
    if (r == 0)
        r = type == SOTTO_SDP_OFFER ? apply_remote_offer(p, now, &d, err)
                                    : apply_remote_answer(p, now, &d, err);
    sotto__description_free(&d);
    if (r == 0) sotto__peer_drain(p, now);
    return r;
}
