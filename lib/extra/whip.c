/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of whip.h: WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-04) for an application that has its event loop. They check
 * their arguments and run the phases of whip_run.c in the caller's thread; HTTP is in the worker's. Knows the public API only.
 * answers: S01 S02 S03 S27 S33
 */
#include "extra/config.h"
#include "extra/whip_priv.h"

#include <string.h>
#include <unistd.h>

#include "util/mem.h"

static int check(const sotto_whip *w)
{
    if (!w) return SOTTO_E_INVAL;
    if (w->owner != getpid()) return SOTTO_E_FORKED;
    return sotto_ctx_next_many(w->ctx, NULL, 0) == SOTTO_E_STATE ? SOTTO_E_STATE : 0; /* a log sink */
}

static void free_all(sotto_whip *w)
{
    sotto__http_worker_free(w->worker);
    sotto__whip_free_pc(w);
    sotto_pc_free(w->pc);
    sotto__whip_set_text(&w->offer, (struct str){NULL, 0});
    sotto__whip_set_text(&w->answer, (struct str){NULL, 0});
    sotto__whip_set_text(&w->etag, (struct str){NULL, 0});
    sotto__whip_set_text(&w->session, (struct str){NULL, 0});
    sotto__free(w->orphan);
    sotto__whip_unconfigure(w);
    sotto__free(w);
}

static int start(sotto_ctx *c, const sotto_whip_config *cfg, bool is_play, sotto_whip **ret)
{
    if (!c || !cfg || !ret) return SOTTO_E_INVAL;
    sotto_whip *w = sotto__calloc(1, sizeof *w);
    if (!w) return SOTTO_E_NOMEM;
    w->owner = getpid();
    w->ctx = c;
    w->is_play = is_play;
    int r = sotto__whip_configure(w, cfg);
    if (r == 0) r = sotto__whip_make_pc(w);
    if (r == 0) r = sotto__http_worker_new(&w->trust, c, WHIP_POST_CODE, w, &w->worker);
    if (r == 0) r = sotto__http_worker_set_token(w->worker, cfg->token);
    if (r < 0) {
        free_all(w);
        return r;
    }
    w->phase = WHIP_FRESH;
    sotto__whip_tell(w, SOTTO_WHIP_NEW);
    sotto__http_worker_wake_at(w->worker, sotto_now());
    *ret = w;
    return 0;
}

SOTTO_API int sotto_whip_publish(sotto_ctx *c, const sotto_whip_config *cfg, sotto_whip **ret)
{
    return start(c, cfg, false, ret);
}

SOTTO_API int sotto_whep_play(sotto_ctx *c, const sotto_whip_config *cfg, sotto_whip **ret)
{
    return start(c, cfg, true, ret);
}

SOTTO_API int sotto_whip_handle(sotto_whip *w, const sotto_event *e)
{
    if (!e) return SOTTO_E_INVAL;
    int r = check(w);
    if (r < 0) return r;
    if (e->type == SOTTO_EV_USER) {
        if (e->u.post.code != WHIP_POST_CODE || e->u.post.p != w) return 0;
        sotto__http_worker_seen(w->worker);
        return 1;
    }
    if (!e->pc || e->pc != w->pc) return 0;
    switch (e->type) {
    case SOTTO_EV_NETWORK_CHANGED: /* told to the application as well */
        if (e->u.network.needs_restart) w->wants_restart = true;
        return 1;
    case SOTTO_EV_STATE:
    case SOTTO_EV_CANDIDATE:
    case SOTTO_EV_CANDIDATE_ERROR:
    case SOTTO_EV_NEGOTIATION_NEEDED: return 1;
    default: return 0;
    }
}

SOTTO_API int sotto_whip_next(sotto_whip *w, sotto_whip_news *ret)
{
    if (!ret) return SOTTO_E_INVAL;
    int r = check(w);
    if (r == 0) r = sotto__extra_check(ret, sizeof *ret);
    if (r < 0) return r;
    if (!w->has_news) {
        sotto__whip_free_pc(w);
        sotto__whip_run(w, sotto_now());
    }
    sotto__http_worker_wake_at(w->worker, w->has_news ? sotto_now() : sotto__whip_due(w));
    if (!w->has_news) return 0;
    sotto__extra_fill(ret, &w->news, sizeof w->news);
    w->has_news = false;
    return 1;
}

SOTTO_API int sotto_whip_set_token(sotto_whip *w, const char *token)
{
    int r = check(w);
    if (r < 0) return r;
    if (token && strlen(token) > SOTTO_MAX_WHIP_TOKEN) return SOTTO_E_LIMIT;
    if (token && !sotto__whip_is_token(token)) return SOTTO_E_SYNTAX;
    return sotto__http_worker_set_token(w->worker, token);
}

SOTTO_API int sotto_whip_retry(sotto_whip *w)
{
    int r = check(w);
    if (r < 0) return r;
    if (w->phase >= WHIP_STOP_POST) return SOTTO_E_STATE;
    sotto__whip_again(w, sotto_now());
    sotto__http_worker_wake_at(w->worker, sotto_now());
    return 0;
}

SOTTO_API int sotto_whip_stop(sotto_whip *w)
{
    int r = check(w);
    if (r < 0) return r;
    sotto__whip_begin_stop(w, sotto_now());
    sotto__http_worker_wake_at(w->worker, sotto_now());
    return 0;
}

SOTTO_API void sotto_whip_free(sotto_whip *w)
{
    if (check(w) < 0) return;
    sotto__whip_free_pc(w);
    sotto__whip_begin_stop(w, sotto_now());
    while (w->phase != WHIP_END) {
        w->has_news = false;
        sotto__whip_run(w, sotto_now());
        if (w->phase != WHIP_END) sotto__http_worker_wait(w->worker, w->deadline);
    }
    free_all(w);
}
