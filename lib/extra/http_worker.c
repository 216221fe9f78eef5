/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread for HTTP: takes one request at a time, asks once more where a token is refused, and follows redirections of a POST to
 * where they may lead (RFC 9725 §4.5; RFC 9110 §15.4). In: requests, the token, a time to wake the application; out: results, and
 * sotto_ctx_post(). The token goes to the origin that it was given for: a redirection elsewhere is followed without it.
 * answers: S01 S03 A21
 */
#include "extra/http_worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "extra/whip_answer.h"
#include "extra/whip_url.h"
#include "util/limits.h"
#include "util/mem.h"
#include "util/secret.h"
#include "util/time.h"

#define POST_AGAIN SOTTO_MS(20) /* where the context's queue of posts is full, or a log sink set the token */
#define SLICE SOTTO_MS(1000)

struct http_worker {
    struct http *http; /* the thread's, but for sotto__http_wake() */
    sotto_ctx *ctx;
    uint32_t code;
    void *p;
    pthread_t thread;
    pthread_mutex_t lock; /* for all that follows */
    pthread_cond_t changed;
    char *token;
    uint64_t token_serial;
    struct http_request request;
    struct http_result result;
    sotto_us wake_at, post_at; /* post_at: when it is tried again */
    bool has_request, is_running, has_result, is_cancelled, must_post, is_posted, must_quit;
};

/* With the lock held. The application hears of it once, until it has looked. */
static void post(struct http_worker *w)
{
    if (w->is_posted) return;
    w->must_post = sotto_ctx_post(w->ctx, w->code, w->p) < 0;
    w->is_posted = !w->must_post;
    w->post_at = w->must_post ? sotto__after(sotto_now(), POST_AGAIN) : SOTTO_NEVER;
}

/* With the lock held: what is due; until when there is nothing. */
static sotto_us tick(struct http_worker *w)
{
    sotto_us now = sotto_now();
    if (w->wake_at <= now) {
        w->wake_at = SOTTO_NEVER;
        post(w);
    }
    if (w->must_post && w->post_at <= now) post(w);
    return sotto__earlier(w->wake_at, w->must_post ? w->post_at : SOTTO_NEVER);
}

/* One request and its answer; the token as it is now. */
static void transfer(struct http_worker *w, const struct http_request *r, sotto_us until,
                     struct http_result *out)
{
    bool is_over = false;
    char *token = NULL;
    sotto_us left = until - sotto_now(), due;
    sotto__http_result_free(out);
    pthread_mutex_lock(&w->lock);
    bool is_short = r->with_token && w->token && !(token = sotto__secret_strdup(w->token));
    pthread_mutex_unlock(&w->lock);
    int e = is_short ? SOTTO_E_NOMEM : sotto__http_begin(w->http, r, token, left);
    if (e < 0) {
        out->error = e;
        snprintf(out->reason, sizeof out->reason, "%s", sotto_strerror(e));
    } else {
        while (!is_over) {
            pthread_mutex_lock(&w->lock);
            due = tick(w);
            is_over = w->is_cancelled || w->must_quit;
            pthread_mutex_unlock(&w->lock);
            sotto_us wait = due == SOTTO_NEVER ? SLICE : due - sotto_now();
            if (!is_over)
                is_over = sotto__http_poll(w->http, wait < 0 ? 0 : wait < SLICE ? wait : SLICE);
        }
        sotto__http_end(w->http, out);
    }
    sotto__secret_free(token);
}

uint64_t sotto__http_worker_token_serial(struct http_worker *w)
{
    pthread_mutex_lock(&w->lock);
    uint64_t serial = w->token_serial;
    pthread_mutex_unlock(&w->lock);
    return serial;
}

/* The status of what came, and where it points to; 0: nothing that can be read (that is for whoever takes the result). */
static int look(const struct http_result *out, struct str *location)
{
    struct whip_answer a;
    const char *why;
    if (out->error < 0 || sotto__whip_answer_parse(out->head, out->body, &a, &why) < 0) return 0;
    int status = a.status;
    *location = a.location; /* a view of the result's */
    sotto__whip_answer_free(&a);
    return status;
}

static bool refuse(struct http_result *out, int error, const char *why)
{
    sotto__http_result_free(out);
    out->error = error;
    snprintf(out->reason, sizeof out->reason, "%s", why);
    return false;
}

/* Whether to go on with r, which then has the new URL. */
static bool follow(struct http_request *r, const char *origin, struct str location, uint32_t n,
                   struct http_result *out)
{
    char url[SOTTO_MAX_WHIP_URL + 1];
    if (n >= SOTTO_MAX_WHIP_REDIRECTS)
        return refuse(out, SOTTO_E_PROTO, "the server redirects too often");
    if (location.n == 0) return refuse(out, SOTTO_E_PROTO, "the server redirects to nowhere");
    int e = sotto__whip_url_resolve(r->url, location, url);
    if (e < 0)
        return refuse(out, SOTTO_E_PROTO, "the server redirects to what may not be followed");
    if (sotto__str_starts(sotto__str(r->url), STR("https:")) !=
        sotto__str_starts(sotto__str(url), STR("https:")))
        return refuse(out, SOTTO_E_PROTO, "the server redirects from https to http, or back");
    char *copy = sotto__strdup(url);
    if (!copy) return refuse(out, SOTTO_E_NOMEM, "no memory");
    sotto__free(r->url);
    r->url = copy;
    r->with_token = r->with_token && sotto__whip_url_same_origin(origin, url);
    return true;
}

static bool has_token(struct http_worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool yes = w->token != NULL;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

static void exchange(struct http_worker *w, struct http_request *r, struct http_result *out)
{
    sotto_us until = sotto__after(sotto_now(), r->limit);
    char *origin = sotto__strdup(r->url);
    bool was_asked = false;
    uint32_t n = 0;
    struct str location = {NULL, 0};
    if (!origin) {
        refuse(out, SOTTO_E_NOMEM, "no memory");
        return;
    }
    for (;;) {
        transfer(w, r, until, out);
        int status = look(out, &location);
        if ((status == 401 || status == 403) && r->with_token && !was_asked && has_token(w)) {
            was_asked = true; /* once, with the token as it is by now */
            continue;
        }
        if ((status != 307 && status != 308) || r->method != HTTP_POST) break;
        if (!follow(r, origin, location, n++, out)) break;
    }
    sotto__free(origin);
    out->url = r->url;
    r->url = NULL;
}

static void serve(struct http_worker *w)
{
    struct http_request r = w->request;
    struct http_result out = {0};
    w->request = (struct http_request){0};
    w->has_request = false;
    w->is_running = true;
    pthread_mutex_unlock(&w->lock);
    exchange(w, &r, &out);
    sotto__http_request_free(&r);
    pthread_mutex_lock(&w->lock);
    w->is_running = false;
    w->is_cancelled = false;
    w->result = out;
    w->has_result = true;
    post(w);
    pthread_cond_broadcast(&w->changed);
}

static void *run(void *user)
{
    struct http_worker *w = user;
    pthread_mutex_lock(&w->lock);
    while (!w->must_quit) {
        sotto_us due = tick(w);
        if (w->has_request) {
            serve(w);
        } else if (due == SOTTO_NEVER) {
            pthread_cond_wait(&w->changed, &w->lock);
        } else {
            struct timespec t = sotto__timespec(due);
            pthread_cond_timedwait(&w->changed, &w->lock, &t);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* The thread takes none of the application's signals. */
static int start(struct http_worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int e = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e == 0 ? 0 : SOTTO_E_SYS;
}

int sotto__http_worker_new(const struct http_cfg *cfg, sotto_ctx *c, uint32_t code, void *p,
                           struct http_worker **ret)
{
    struct http_worker *w = sotto__calloc(1, sizeof *w);
    pthread_condattr_t attr;
    if (!w) return SOTTO_E_NOMEM;
    w->ctx = c;
    w->code = code;
    w->p = p;
    w->wake_at = w->post_at = SOTTO_NEVER;
    int e = sotto__http_new(cfg, &w->http);
    if (e < 0) {
        sotto__free(w);
        return e;
    }
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&w->lock, NULL);
    e = start(w);
    if (e < 0) {
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->changed);
        sotto__http_free(w->http);
        sotto__free(w);
        return e;
    }
    *ret = w;
    return 0;
}

void sotto__http_worker_free(struct http_worker *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->must_quit = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    sotto__http_wake(w->http);
    pthread_join(w->thread, NULL);
    sotto__http_free(w->http);
    sotto__http_request_free(&w->request);
    sotto__http_result_free(&w->result);
    sotto__secret_free(w->token);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    sotto__free(w);
}

int sotto__http_worker_set_token(struct http_worker *w, const char *token)
{
    char *copy = token ? sotto__secret_strdup(token) : NULL;
    if (token && !copy) return SOTTO_E_NOMEM;
    pthread_mutex_lock(&w->lock);
    char *old = w->token;
    w->token = copy;
    w->token_serial++;
    post(w); /* it may be what is waited for; and wake_at is the application's thread's alone */
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    sotto__secret_free(old);
    return 0;
}

bool sotto__http_worker_send(struct http_worker *w, struct http_request *r)
{
    pthread_mutex_lock(&w->lock);
    bool is_free = !w->has_request && !w->is_running && !w->has_result;
    if (is_free) {
        w->request = *r;
        w->has_request = true;
        w->is_cancelled = false;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    if (is_free)
        *r = (struct http_request){0};
    else
        sotto__http_request_free(r);
    return is_free;
}

bool sotto__http_worker_is_busy(struct http_worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool yes = w->has_request || w->is_running || w->has_result;
    pthread_mutex_unlock(&w->lock);
    return yes;
}

void sotto__http_worker_cancel(struct http_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->is_cancelled = w->has_request || w->is_running;
    pthread_mutex_unlock(&w->lock);
    sotto__http_wake(w->http);
}

bool sotto__http_worker_take(struct http_worker *w, struct http_result *ret)
{
    pthread_mutex_lock(&w->lock);
    bool yes = w->has_result;
    if (yes) {
        *ret = w->result;
        w->result = (struct http_result){0};
        w->has_result = false;
    }
    pthread_mutex_unlock(&w->lock);
    return yes;
}

void sotto__http_worker_wake_at(struct http_worker *w, sotto_us at)
{
    pthread_mutex_lock(&w->lock);
    bool is_new = w->wake_at != at;
    w->wake_at = at;
    if (is_new) pthread_cond_broadcast(&w->changed);
    bool is_running = w->is_running;
    pthread_mutex_unlock(&w->lock);
    if (is_new && is_running) sotto__http_wake(w->http);
}

void sotto__http_worker_seen(struct http_worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->is_posted = false;
    pthread_mutex_unlock(&w->lock);
}

bool sotto__http_worker_wait(struct http_worker *w, sotto_us until)
{
    struct timespec t = sotto__timespec(until);
    int e = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->has_result && e == 0) e = pthread_cond_timedwait(&w->changed, &w->lock, &t);
    bool yes = w->has_result;
    pthread_mutex_unlock(&w->lock);
    return yes;
}
