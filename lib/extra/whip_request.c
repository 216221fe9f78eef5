/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of WHIP and WHEP (RFC 9725 §4; draft-ietf-wish-whep-04): POST with the offer, PATCH with candidates, restarts and
 * answers, DELETE, and OPTIONS for ICE servers. In: the helper's state; out: requests to the worker. The token goes where the URL of
 * the configuration is, and not to another origin that a redirection led to.
 * answers: S03
 */
#include "extra/whip_frag.h"
#include "extra/whip_priv.h"
#include "extra/whip_url.h"

#include <string.h>

#include "util/mem.h"

#define TYPE_SDP "application/sdp"
#define TYPE_FRAG "application/trickle-ice-sdpfrag"

/* body: moved, nullable. */
static int send(sotto_whip *w, enum whip_request asked, const char *url, char *body,
                const char *match, sotto_us limit)
{
    static const struct {
        enum http_method method;
        const char *type;
    } kinds[] = {
        [WHIP_OPTIONS] = {HTTP_OPTIONS, NULL},  [WHIP_OFFER] = {HTTP_POST, TYPE_SDP},
        [WHIP_ANSWER] = {HTTP_PATCH, TYPE_SDP}, [WHIP_TRICKLE] = {HTTP_PATCH, TYPE_FRAG},
        [WHIP_ICE] = {HTTP_PATCH, TYPE_FRAG},   [WHIP_BYE] = {HTTP_DELETE, NULL},
    };
    struct http_request r = {
        .method = kinds[asked].method, .type = kinds[asked].type, .body = body, .limit = limit};
    r.url = sotto__strdup(url);
    r.if_match = match ? sotto__strdup(match) : NULL;
    r.with_token = sotto__whip_url_same_origin(url, w->url);
    if (!r.url || (match && !r.if_match)) {
        sotto__http_request_free(&r);
        return SOTTO_E_NOMEM;
    }
    w->token_serial = sotto__http_worker_token_serial(w->worker); /* or an earlier one: asked again then */
    if (!sotto__http_worker_send(w->worker, &r)) return SOTTO_E_STATE;
    w->asked = asked;
    return 0;
}

int sotto__whip_ask(sotto_whip *w)
{
    return send(w, WHIP_OPTIONS, w->url, NULL, NULL, w->times.request);
}

int sotto__whip_post(sotto_whip *w, const char *offer)
{
    char *body = sotto__strdup(offer);
    if (!body) return SOTTO_E_NOMEM;
    return send(w, WHIP_OFFER, w->url, body, NULL, w->times.request);
}

int sotto__whip_patch_answer(sotto_whip *w)
{
    char *body;
    int r = sotto__whip_local(w, &body);
    return r < 0 ? r : send(w, WHIP_ANSWER, w->session, body, NULL, w->times.request);
}

/* The fragment of our description; *complete: it says that no more come. */
static int make_fragment(sotto_whip *w, size_t from, char **ret, size_t *n, bool *is_complete)
{
    struct buf out;
    char *sdp;
    int r = sotto__whip_local(w, &sdp);
    if (r < 0) return r;
    *n = sotto__whip_frag_count(sotto__str(sdp), is_complete);
    sotto__buf_init(&out, SOTTO_MAX_WHIP_BODY);
    r = sotto__whip_frag_write(sotto__str(sdp), from, &out);
    sotto__free_secret(sdp, strlen(sdp));
    if (r < 0) {
        sotto__buf_free(&out);
        return r;
    }
    *ret = sotto__buf_take_string(&out);
    return *ret ? 0 : SOTTO_E_NOMEM;
}

int sotto__whip_trickle(sotto_whip *w)
{
    char *body;
    size_t n;
    bool is_complete;
    int r = make_fragment(w, w->n_trickled, &body, &n, &is_complete);
    if (r < 0) return r;
    if (n <= w->n_trickled && (w->is_end_told || !is_complete)) {
        sotto__free_secret(body, strlen(body));
        return 0;
    }
    r = send(w, WHIP_TRICKLE, w->session, body, w->etag, w->times.request);
    if (r < 0) return r;
    w->n_trickling = n;
    w->is_end_trickling = is_complete;
    return 0;
}

int sotto__whip_patch_restart(sotto_whip *w)
{
    char *body;
    size_t n;
    bool is_complete;
    int r = make_fragment(w, 0, &body, &n, &is_complete);
    if (r == 0)
        r = send(w, WHIP_ICE, w->session, body, w->was_quoted ? "\"*\"" : "*", w->times.request);
    if (r < 0) return r;
    w->n_trickling = n;
    w->is_end_trickling = is_complete;
    return 0;
}

int sotto__whip_delete(sotto_whip *w, char **session, sotto_us limit)
{
    int r = send(w, WHIP_BYE, *session, NULL, NULL, limit);
    sotto__free(*session);
    *session = NULL;
    return r;
}
