/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_FUZZ_WHIP_WORKER_H
#define SOTTO_FUZZ_WHIP_WORKER_H
/* In the place of lib/extra/http_worker.c: no thread and no HTTP, what a server says is given by whoever fuzzes. */
#include "extra/http_worker.h"

struct http_worker {
    sotto_ctx *ctx;
    uint32_t code;
    void *p;
    uint64_t serial;
    struct http_request request;
    struct http_result result;
    bool has_request, has_result, is_cancelled, is_posted, must_post;
    sotto_us wake_at;
};

extern struct http_worker *whip_worker; /* NULL: none lives */
/* Of the fuzzer: a request goes out. */
void whip_asked(const struct http_request *r);
/* Of the fuzzer: time goes on to that, if it is not there yet. */
void whip_pass(sotto_us until);
/* What is due: posts, and the end of what was cancelled. */
void whip_worker_tick(void);
sotto_us whip_worker_due(void);
/* The result of the request under way. error 0: head and body are the answer; url NULL: where the request went. */
void whip_worker_reply(int error, const char *url, struct str head, struct str body);

#endif
