/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the server said to each request (RFC 9725 §4; draft-ietf-wish-whep-04 §4): the session and its answer, counter-offers,
 * candidates taken or not, restarts done or not. In: a result of the worker; out: the next phase. Results that nobody waits for any
 * more are dropped.
 * answers: S01 A21
 */
#include "extra/whip_priv.h"
#include "extra/whip_url.h"

#include <string.h>

#include "util/mem.h"
#include "util/time.h"

#define MAX_TRICKLE_FAILURES 2
#define MAX_RESTARTS 3
#define PAUSE SOTTO_SECONDS(2) /* before a PATCH that was not taken is tried again */

static struct whip_loss loss_of(int error, const char *reason, bool is_final)
{
    return (struct whip_loss){
        .error = error, .reason = reason, .retry_after = -1, .is_final = is_final};
}

static void lose_status(sotto_whip *w, const struct whip_answer *a, sotto_us now)
{
    struct whip_meaning m = sotto__whip_meaning(a->status, w->is_play);
    struct whip_loss loss = loss_of(m.error, m.text, m.is_final);
    loss.status = a->status;
    loss.retry_after = a->retry_after;
    sotto__whip_lose(w, loss, now);
}

/* The session is of the origin that gave the answer; w->session and w->etag are filled. */
static int take_session(sotto_whip *w, const struct http_result *r, const struct whip_answer *a,
                        const char **why)
{
    char url[SOTTO_MAX_WHIP_URL + 1];
    *why = "the server did not say where the session is";
    if (a->location.n == 0) return SOTTO_E_PROTO;
    *why = "the session's address is malformed, or is another server's";
    if (sotto__whip_url_resolve(r->url, a->location, url) < 0) return SOTTO_E_PROTO;
    if (!sotto__whip_url_same_origin(r->url, url)) return SOTTO_E_PROTO;
    *why = "no memory";
    int e = sotto__whip_set_text(&w->session, sotto__str(url));
    return e < 0 ? e : sotto__whip_set_text(&w->etag, a->etag);
}

static bool is_sdp(const struct whip_answer *a)
{
    return sotto__str_ieq(a->type, STR("application/sdp")) && a->body.n > 0 &&
           !memchr(a->body.p, '\0', a->body.n);
}

static void lose_sdp(sotto_whip *w, int error, const sotto_error *err, sotto_us now)
{
    bool is_ours = error == SOTTO_E_NOMEM || error == SOTTO_E_SYS || error == SOTTO_E_NETWORK;
    (void)err; /* quotes the description, which is for nobody else */
    sotto__whip_lose(w,
                     loss_of(is_ours ? error : SOTTO_E_SDP,
                             is_ours ? sotto_strerror(error)
                                     : "the server's description does not fit what was offered",
                             !is_ours),
                     now);
}

static void take_counter(sotto_whip *w, const struct whip_answer *a, sotto_us now)
{
    sotto_error err = {.size = sizeof err};
    int e = sotto__whip_take_counter(w, a, &err);
    if (e < 0) {
        lose_sdp(w, e, &err, now);
        return;
    }
    w->was_accepted = true;
    w->phase = WHIP_COUNTER;
    w->deadline = sotto__after(now, w->times.gather);
}

static void take_offer(sotto_whip *w, const struct http_result *r, const struct whip_answer *a,
                       sotto_us now)
{
    sotto_error err = {.size = sizeof err};
    const char *why;
    bool is_counter = a->status == 406 && w->is_play && is_sdp(a) && a->location.n > 0;
    if (a->status != 201 && !is_counter) {
        lose_status(w, a, now);
        return;
    }
    int e = take_session(w, r, a, &why);
    if (e == 0 && !is_sdp(a)) {
        e = SOTTO_E_PROTO;
        why = "the server's answer is no description";
    }
    if (e < 0) {
        sotto__whip_lose(w, loss_of(e, why, e == SOTTO_E_PROTO), now);
        return;
    }
    if (is_counter) {
        take_counter(w, a, now);
        return;
    }
    e = sotto__whip_accept(w, a, &err);
    if (e < 0) {
        lose_sdp(w, e, &err, now);
        return;
    }
    w->was_accepted = true;
    w->phase = WHIP_UP;
    w->deadline = sotto__after(now, w->times.connect);
    sotto__whip_tell(w, SOTTO_WHIP_CONNECTING);
}

/* The server has our answer to its offer. */
static void take_answered(sotto_whip *w, const struct whip_answer *a, sotto_us now)
{
    if (a->status < 200 || a->status > 299) {
        lose_status(w, a, now);
        return;
    }
    if (a->etag.n && sotto__whip_set_text(&w->etag, a->etag) < 0) {
        sotto__whip_lose(w, loss_of(SOTTO_E_NOMEM, "no memory", false), now);
        return;
    }
    w->phase = WHIP_UP;
    w->deadline = sotto__after(now, w->times.connect);
    sotto__whip_tell(w, SOTTO_WHIP_CONNECTING);
}

/* The session is no more: nothing to delete. */
static void lose_gone(sotto_whip *w, int status, sotto_us now)
{
    struct whip_loss loss = loss_of(SOTTO_E_NETWORK, "the server has ended the session", false);
    loss.status = status;
    sotto__free(w->session);
    w->session = NULL;
    sotto__whip_lose(w, loss, now);
}

/* a: nullable. */
static sotto_us pause_of(const struct whip_answer *a)
{
    return a && a->retry_after > PAUSE ? a->retry_after : PAUSE;
}

static void take_trickle(sotto_whip *w, int status, const struct whip_answer *a, sotto_us now)
{
    if (status >= 200 && status <= 299) {
        w->n_trickled = w->n_trickling;
        w->is_end_told = w->is_end_trickling;
        w->trickle_failures = 0;
        return;
    }
    if (status == 404 || status == 410) {
        lose_gone(w, status, now);
        return;
    }
    if (status == 401 || status == 403) {
        lose_status(w, a, now);
        return;
    }
    bool is_for_now = status == 0 || status >= 500 || status == 408 || status == 429;
    if (status != 501 && is_for_now && ++w->trickle_failures < MAX_TRICKLE_FAILURES) {
        w->trickle_at = sotto__after(now, pause_of(a));
        return;
    }
    if (status == 501 || (!is_for_now && status != 412)) w->has_trickle = false;
    w->n_trickled = SIZE_MAX; /* no more of this generation */
    w->is_end_told = true;
}

static void took_restart(sotto_whip *w, const struct whip_answer *a, sotto_us now)
{
    sotto_error err = {.size = sizeof err};
    const char *why = "the server's answer to the restart of ICE is no description";
    int e = SOTTO_E_PROTO;
    if (sotto__str_ieq(a->type, STR("application/trickle-ice-sdpfrag")) && a->body.n > 0)
        e = sotto__whip_take_restart(w, a, &err, &why);
    if (e == 0) e = sotto__whip_set_text(&w->etag, a->etag);
    if (e < 0) {
        sotto__whip_lose(w, loss_of(e, why, false), now);
        return;
    }
    w->n_trickled = w->n_trickling;
    w->is_end_told = w->is_end_trickling;
    w->trickle_failures = 0;
    w->phase = WHIP_UP;
    w->deadline = sotto__after(now, w->times.connect);
}

static void take_restart(sotto_whip *w, int status, const struct whip_answer *a, sotto_us now)
{
    bool is_for_now = status == 0 || status == 408 || status == 429 || status == 500 ||
                      status == 502 || status == 503 || status == 504;
    if (status == 200) {
        took_restart(w, a, now);
    } else if (status == 404 || status == 410) {
        lose_gone(w, status, now);
    } else if (status == 401 || status == 403) {
        lose_status(w, a, now);
    } else if (status == 412 && !w->was_quoted) { /* some take it as RFC 9725 prints it */
        w->was_quoted = true;
        w->phase = WHIP_REGATHER;
        w->deadline = now;
    } else if (is_for_now && pause_of(a) < w->times.connect && ++w->restarts < MAX_RESTARTS) {
        w->phase = WHIP_REGATHER;
        w->deadline = sotto__after(now, pause_of(a));
    } else {
        struct whip_loss loss = loss_of(SOTTO_E_NETWORK, "ICE could not be restarted", false);
        loss.status = status;
        if (a) loss.retry_after = a->retry_after;
        sotto__whip_lose(w, loss, now);
    }
}

static void dispatch(sotto_whip *w, enum whip_request asked, const struct http_result *r,
                     const struct whip_answer *a, sotto_us now)
{
    int status = a ? a->status : 0;
    switch (asked) {
    case WHIP_OPTIONS: /* what it said does not matter if there are no servers in it */
        if (w->phase != WHIP_ASK) break;
        if (a && status >= 200 && status <= 299) sotto__whip_take_servers(w, a);
        w->phase = WHIP_FRESH;
        break;
    case WHIP_OFFER:
        if (w->phase == WHIP_POST) take_offer(w, r, a, now);
        break;
    case WHIP_ANSWER:
        if (w->phase == WHIP_COUNTER) take_answered(w, a, now);
        break;
    case WHIP_TRICKLE:
        if (w->phase == WHIP_UP) take_trickle(w, status, a, now);
        break;
    case WHIP_ICE:
        if (w->phase == WHIP_RESTART) take_restart(w, status, a, now);
        break;
    default: break; /* DELETE: whatever it was, it is over */
    }
}

/* Stopped while the offer was under way: what came of it is ended. */
static void take_unwanted(sotto_whip *w, const struct http_result *r, const struct whip_answer *a)
{
    const char *why;
    w->phase = WHIP_STOP;
    if (!a || (a->status != 201 && a->status != 406)) return;
    if (take_session(w, r, a, &why) < 0) return;
    w->orphan = w->session;
    w->session = NULL;
}

void sotto__whip_take(sotto_whip *w, struct http_result *r, sotto_us now)
{
    struct whip_answer a = {0};
    const char *why = r->reason;
    enum whip_request asked = w->asked;
    int e = r->error;
    w->asked = WHIP_NONE;
    if (e == 0) e = sotto__whip_answer_parse(r->head, r->body, &a, &why);
    if (w->phase == WHIP_STOP_POST)
        take_unwanted(w, r, e == 0 ? &a : NULL);
    else if (e < 0 && ((asked == WHIP_OFFER && w->phase == WHIP_POST) ||
                       (asked == WHIP_ANSWER && w->phase == WHIP_COUNTER)))
        sotto__whip_lose(w, loss_of(e, why, e == SOTTO_E_PROTO), now);
    else
        dispatch(w, asked, r, e == 0 ? &a : NULL, now);
    sotto__whip_answer_free(&a);
}
