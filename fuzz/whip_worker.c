/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of lib/extra/http_worker.h for fuzz_whip_session, as that file has them but for the thread: one request at a time, a post
 * that comes once until the application has looked.
 */
#include "whip_worker.h"

#include <stdio.h>
#include <string.h>

#include "require.h"
#include "util/mem.h"
#include "util/time.h"

struct http_worker *whip_worker;

static void post(struct http_worker *w)
{
    if (w->is_posted) return;
    int r = sotto_ctx_post(w->ctx, w->code, w->p);
    require(r == 0 || r == SOTTO_E_AGAIN);
    w->is_posted = r == 0;
    w->must_post = r != 0;
}

static void finish(struct http_worker *w)
{
    sotto__http_request_free(&w->request);
    w->has_request = w->is_cancelled = false;
    w->has_result = true;
    post(w);
}

void whip_worker_reply(int error, const char *url, struct str head, struct str body)
{
    struct http_worker *w = whip_worker;
    require(w && w->has_request && !w->has_result);
    w->result.error = error;
    w->result.url = sotto__strdup(url ? url : w->request.url);
    snprintf(w->result.reason, sizeof w->result.reason, "%s", error < 0 ? "it failed" : "");
    if (error == 0) {
        w->result.head = (struct str){sotto__strndup(head.p, head.n), head.n};
        w->result.body = (struct str){sotto__strndup(body.n ? body.p : "", body.n), body.n};
    }
    finish(w);
}

void whip_worker_tick(void)
{
    struct http_worker *w = whip_worker;
    if (!w) return;
    if (w->is_cancelled)
        whip_worker_reply(SOTTO_E_CLOSED, NULL, (struct str){NULL, 0}, (struct str){NULL, 0});
    bool is_due = w->wake_at <= sotto_now();
    if (is_due) w->wake_at = SOTTO_NEVER;
    if (is_due || w->must_post) post(w);
}

sotto_us whip_worker_due(void)
{
    return whip_worker ? whip_worker->wake_at : SOTTO_NEVER;
}

/* ---- http_worker.h ---- */

int sotto__http_worker_new(const struct http_cfg *cfg, sotto_ctx *c, uint32_t code, void *p,
                           struct http_worker **ret)
{
    struct http_worker *w = sotto__calloc(1, sizeof *w);
    (void)cfg;
    require(w && !whip_worker);
    *w = (struct http_worker){.ctx = c, .code = code, .p = p, .wake_at = SOTTO_NEVER};
    *ret = whip_worker = w;
    return 0;
}

void sotto__http_worker_free(struct http_worker *w)
{
    if (!w) return;
    sotto__http_request_free(&w->request);
    sotto__http_result_free(&w->result);
    sotto__free(w);
    whip_worker = NULL;
}

int sotto__http_worker_set_token(struct http_worker *w, const char *token)
{
    (void)token;
    w->serial++;
    w->wake_at = sotto_now();
    return 0;
}

uint64_t sotto__http_worker_token_serial(struct http_worker *w)
{
    return w->serial;
}

bool sotto__http_worker_send(struct http_worker *w, struct http_request *r)
{
    require(!w->has_request && !w->has_result); /* the helper asks one thing after the other */
    whip_asked(r);
    w->request = *r;
    w->has_request = true;
    w->is_cancelled = false;
    *r = (struct http_request){0};
    return true;
}

bool sotto__http_worker_is_busy(struct http_worker *w)
{
    return w->has_request || w->has_result;
}

void sotto__http_worker_cancel(struct http_worker *w)
{
    w->is_cancelled = w->has_request;
}

bool sotto__http_worker_take(struct http_worker *w, struct http_result *ret)
{
    bool yes = w->has_result;
    if (yes) {
        *ret = w->result;
        w->result = (struct http_result){0};
        w->has_result = false;
    }
    return yes;
}

void sotto__http_worker_wake_at(struct http_worker *w, sotto_us at)
{
    w->wake_at = at;
}

void sotto__http_worker_seen(struct http_worker *w)
{
    w->is_posted = false;
}

bool sotto__http_worker_wait(struct http_worker *w, sotto_us until)
{
    whip_worker_tick();
    if (!w->has_result) whip_pass(until);
    return w->has_result;
}
