/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_EXTRA_HTTP_H
#define SOTTO_EXTRA_HTTP_H
/* One HTTP request at a time, on libcurl: begin, poll until done, end. Belongs to the thread that uses it (http_worker.c). */
#include "sotto/base.h"
#include "util/str.h"

enum http_method { HTTP_OPTIONS, HTTP_POST, HTTP_PATCH, HTTP_DELETE };

/* Whom to trust, and the way there: borrowed, must outlive the client. Each is nullable. */
struct http_cfg {
    const char *ca_file;
    const char *pin;
    const char *proxy;
};

/* Owned by whoever holds it; zero state is fine. */
struct http_request {
    enum http_method method;
    char *url;        /* was allowed by sotto__whip_url_parse() */
    const char *type; /* static; NULL: no body */
    char *if_match;   /* nullable */
    char *body;       /* text; nullable */
    bool with_token;  /* whether the token may go along: to the origin of url, and to no other */
    sotto_us limit;   /* for all of it, redirections included */
};

struct http_result {
    int error;        /* 0, or SOTTO_E_*: there is no answer */
    char reason[160]; /* why */
    char *url;        /* where the answer came from */
    struct str head, body; /* allocated; as they came */
};

void sotto__http_request_free(struct http_request *r); /* wipes; zero state after */
void sotto__http_result_free(struct http_result *r);

struct http;
/* 0, or SOTTO_E_NOMEM; _UNSUPPORTED: libcurl is older, or with another TLS library, than what we know to be safe. */
int sotto__http_new(const struct http_cfg *cfg, struct http **ret);
void sotto__http_free(struct http *h);
/* r and token (nullable) must live until end. 0, or SOTTO_E_NOMEM. */
int sotto__http_begin(struct http *h, const struct http_request *r, const char *token,
                      sotto_us limit);
bool sotto__http_poll(struct http *h, sotto_us wait); /* waits at most so long; true: done */
void sotto__http_wake(struct http *h);                /* ends a wait of poll; any thread */
/* Fills out but for its url; before it is done: as cancelled. NOMEM is an error of out, too. */
void sotto__http_end(struct http *h, struct http_result *out);

struct sockaddr;
bool sotto__http_is_loopback(const struct sockaddr *a);

#endif
