/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_HTTP_WORKER_H
#define SOTTO_EXTRA_HTTP_WORKER_H
/*
 * The thread that HTTP and waiting happen in. It tells the application's by sotto_ctx_post(); of its functions none blocks but
 * wait and free. One request at a time: send, then take once it is done.
 */
#include "extra/http.h"
#include "sotto/ctx.h"

struct http_worker;

/* code, p: of the posts. cfg as sotto__http_new(). 0, or SOTTO_E_NOMEM, _SYS, _UNSUPPORTED. */
int sotto__http_worker_new(const struct http_cfg *cfg, sotto_ctx *c, uint32_t code, void *p,
                           struct http_worker **ret);
void sotto__http_worker_free(struct http_worker *w); /* nullable; what is under way is cancelled */

/* For requests from now on; NULL: none. Any thread. 0, or SOTTO_E_NOMEM. */
int sotto__http_worker_set_token(struct http_worker *w, const char *token);
uint64_t sotto__http_worker_token_serial(struct http_worker *w); /* how often it was set */
/* Moved. false: one is under way, or was not taken: it is freed. */
bool sotto__http_worker_send(struct http_worker *w, struct http_request *r);
bool sotto__http_worker_is_busy(struct http_worker *w);
void sotto__http_worker_cancel(struct http_worker *w); /* its result says SOTTO_E_CLOSED */
bool sotto__http_worker_take(struct http_worker *w, struct http_result *ret);
void sotto__http_worker_wake_at(struct http_worker *w, sotto_us at); /* a post then; SOTTO_NEVER: none */
void sotto__http_worker_seen(struct http_worker *w); /* the application has taken a post: the next may come */
bool sotto__http_worker_wait(struct http_worker *w, sotto_us until); /* for a result to take; false: none */

#endif
