/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TOOLS_DEMO_H
#define SOTTO_TOOLS_DEMO_H
/*
 * The parts of `sotto demo`: the loop (demo.c), the web server (demo_http.c), the calls (demo_call.c) in one thread; the media of the
 * calls (demo_media.h) has threads of its own.
 */
#include "demo_media.h"
#include "tools.h"

#define DEMO_MAX_CALLS 64u /* at a time; beyond: 503 */
#define DEMO_MAX_OFFER (64u * 1024) /* bytes of a POST; browsers send less than 4 KiB */
#define DEMO_MAX_HTTP 128u /* HTTP connections at a time */
#define DEMO_CONNECT_US (30 * 1000000LL) /* a call that is not connected by then is dropped */
#define DEMO_BLOCK (64u * 1024)          /* bytes of a message of the throughput run */
#define DEMO_MAX_RUN_S 30                /* seconds of the longest throughput run */
#define DEMO_KEY 32u                      /* bytes of the key of --e2ee */
#define DEMO_REPORT_US 1000000LL         /* between reports of what came, on the channel "media" */

struct demo_calls;
struct demo_http;

/* demo_call.c */
struct demo_calls *demo_calls_new(sotto_ctx *ctx, bool allow_loopback,
                                  struct demo_media *media); /* NULL: no memory; freed with free() */
/* From now on the media of each call is sealed from end to end under this key: borrowed, DEMO_KEY bytes. */
void demo_calls_protect(struct demo_calls *d, const uint8_t *key);
void demo_calls_end(struct demo_calls *d);              /* closes every call */
void demo_calls_event(struct demo_calls *d, sotto_event *e); /* moved */
/* Goes on with throughput runs and drops what is overdue; returns when to come again, INT64_MAX never. */
sotto_us demo_calls_tick(struct demo_calls *d, sotto_us now);
/* Answer an offer: 0, and demo_http_answer() is called with `request` later, or SOTTO_E_*. */
/* kid: where media is sealed, the key ids of the page: this one for its sound, the next for its picture; 0: it has none. */
int demo_calls_offer(struct demo_calls *d, const char *offer, uint64_t kid, void *request,
                     sotto_error *err);
void demo_calls_gone(struct demo_calls *d, const void *request); /* it is over: do not answer it */

/* demo_http.c */
struct demo_http *demo_http_new(const char *address, uint16_t port, struct demo_calls *calls);
void demo_http_free(struct demo_http *h);
int demo_http_fd(const struct demo_http *h);
int demo_http_timeout(const struct demo_http *h); /* milliseconds; -1: none */
void demo_http_run(struct demo_http *h);
uint16_t demo_http_port(const struct demo_http *h);    /* the real one when 0 was asked for */
void demo_http_answer(void *request, const char *sdp); /* sdp NULL: the call failed */

/* The page, made from page.html when building. */
extern const char demo_page[];
extern const size_t demo_page_size;
/* The module of docs/examples/e2ee, made likewise. */
extern const char demo_sframe[];
extern const size_t demo_sframe_size;

#endif
