/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server of `sotto demo`: GET / gives the page, POST /offer takes an offer and gives the answer.
 * Only requests that name this very address are served: a page of another site could else, by a name of its own that
 * resolves to this machine (DNS rebinding) or by a cross-site request, make calls here. Knows nothing of calls but their offer.
 */
#include "demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

struct demo_http {
    struct MHD_Daemon *daemon;
    struct demo_calls *calls;
    uint16_t port;
    int resumed; /* turns to be run at once: MHD_get_timeout does not count resumed requests */
};

/* One request. */
struct request {
    struct demo_http *server;
    struct MHD_Connection *http;
    struct MHD_Response *reply; /* of a suspended POST, when its answer has come; owned */
    unsigned status;            /* of reply */
    bool begun;
    size_t n;
    char body[DEMO_MAX_OFFER + 1];
};

/* --- who may ask ---------------------------------------------------------------------------------------------------- */

/* Whether `host` ("name:port", case-insensitive) is the address at which this request arrived. */
static bool is_own_host(const char *host, const char *address, bool loopback, uint16_t port)
{
    const char *names[4] = {address, loopback ? "localhost" : NULL, loopback ? "127.0.0.1" : NULL,
                            loopback ? "[::1]" : NULL};
    char whole[96];
    for (size_t i = 0; i < 4; i++) {
        if (!names[i]) continue;
        snprintf(whole, sizeof whole, "%s:%u", names[i], port);
        if (strcasecmp(host, whole) == 0) return true;
        if (port == 80 && strcasecmp(host, names[i]) == 0) return true;
    }
    return false;
}

/* The local address of a connection as it stands in a URL. False: not known. */
static bool local_address(struct MHD_Connection *http, char *out, size_t cap, bool *loopback)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    char text[INET6_ADDRSTRLEN];
    if (!i || getsockname(i->connect_fd, (struct sockaddr *)&a, &n) != 0) return false;
    if (a.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a;
        if (!inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text)) return false;
        *loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
        snprintf(out, cap, "%s", text);
        return true;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a;
    if (a.ss_family != AF_INET6 || !inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text))
        return false;
    *loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    snprintf(out, cap, "[%s]", text);
    return true;
}

struct headers {
    const char *address;
    bool loopback;
    uint16_t port;
    int hosts, bad;
};

/* Every Host and Origin counts: of two Hosts a proxy could have believed the other one. */
static enum MHD_Result check_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    struct headers *h = cls;
    (void)kind;
    if (!value) value = "";
    if (strcasecmp(key, "Host") == 0) {
        h->hosts++;
        if (!is_own_host(value, h->address, h->loopback, h->port)) h->bad++;
    } else if (strcasecmp(key, "Origin") == 0) {
        if (strncmp(value, "http://", 7) != 0 ||
            !is_own_host(value + 7, h->address, h->loopback, h->port))
            h->bad++;
    } else if (strcasecmp(key, "Sec-Fetch-Site") == 0) {
        if (strcmp(value, "same-origin") != 0 && strcmp(value, "none") != 0) h->bad++;
    }
    return MHD_YES;
}

static bool may_ask(const struct demo_http *s, struct MHD_Connection *http)
{
    char address[INET6_ADDRSTRLEN + 2];
    struct headers h = {.address = address, .port = s->port};
    if (!local_address(http, address, sizeof address, &h.loopback)) return false;
    MHD_get_connection_values(http, MHD_HEADER_KIND, check_header, &h);
    return h.hosts == 1 && h.bad == 0;
}

/* --- answering ------------------------------------------------------------------------------------------------------ */

static void add_headers(struct MHD_Response *r, const char *type)
{
    MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "X-Frame-Options", "DENY");
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
}

static enum MHD_Result send_response(struct MHD_Connection *http, unsigned status,
                                     struct MHD_Response *r)
{
    enum MHD_Result ok = r ? MHD_queue_response(http, status, r) : MHD_NO;
    if (r) MHD_destroy_response(r);
    return ok;
}

static struct MHD_Response *make_text(const char *text)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
                                                             MHD_RESPMEM_MUST_COPY);
    if (!r) return NULL;
    add_headers(r, "text/plain; charset=utf-8");
    MHD_add_response_header(r, "Content-Security-Policy",
                            "default-src 'none'; frame-ancestors 'none'");
    return r;
}

static enum MHD_Result send_error(struct MHD_Connection *http, unsigned status, const char *text)
{
    struct MHD_Response *r = make_text(text);
    if (r && status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, "Allow", strncmp(text, "POST", 4) == 0 ? "POST" : "GET, HEAD");
    return send_response(http, status, r);
}

/* The page with a fresh nonce in place of each @NONCE@: its own script and style are all that may run. */
static enum MHD_Result send_page(struct MHD_Connection *http)
{
    static const char mark[] = "@NONCE@";
    char nonce[33] = "", policy[320];
    uint8_t random[16];
    struct MHD_Response *r;
    char *page = malloc(demo_page_size + 1024), *to = page;
    const char *from = demo_page, *at;
    if (!page || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        free(page);
        return MHD_NO;
    }
    for (size_t i = 0; i < sizeof random; i++) snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    for (int i = 0; i < 8 && (at = strstr(from, mark)); i++) { /* 8 × (32 − 7) < 1024 */
        memcpy(to, from, (size_t)(at - from));
        to += at - from;
        memcpy(to, nonce, 32);
        to += 32;
        from = at + strlen(mark);
    }
    memcpy(to, from, demo_page_size - (size_t)(from - demo_page));
    to += demo_page_size - (size_t)(from - demo_page);
    r = MHD_create_response_from_buffer((size_t)(to - page), page, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        free(page);
        return MHD_NO;
    }
    add_headers(r, "text/html; charset=utf-8");
    snprintf(policy, sizeof policy,
             "default-src 'none'; script-src 'nonce-%s' 'self'; worker-src 'self'; style-src "
             "'nonce-%s'; connect-src 'self'; "
             "img-src data:; "
             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
             nonce, nonce);
    MHD_add_response_header(r, "Content-Security-Policy", policy);
    return send_response(http, MHD_HTTP_OK, r);
}

/* The only script beside the page's: it holds nothing secret, nor what is not in the source. */
static enum MHD_Result send_module(struct MHD_Connection *http)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        demo_sframe_size, (void *)(uintptr_t)demo_sframe, MHD_RESPMEM_PERSISTENT);
    if (!r) return MHD_NO;
    add_headers(r, "text/javascript; charset=utf-8");
    MHD_add_response_header(r, "Content-Security-Policy", "default-src 'none'");
    return send_response(http, MHD_HTTP_OK, r);
}

void demo_http_answer(void *request, const char *sdp)
{
    struct request *q = request;
    if (sdp) {
        q->reply = MHD_create_response_from_buffer(strlen(sdp), (void *)(uintptr_t)sdp,
                                                   MHD_RESPMEM_MUST_COPY);
        if (q->reply) add_headers(q->reply, "application/sdp");
        q->status = MHD_HTTP_OK;
    } else {
        q->reply = make_text("the call failed before it was answered\n");
        q->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    q->server->resumed = 2; /* one takes it up, one sends */
    MHD_resume_connection(q->http);
}

/* --- the request ---------------------------------------------------------------------------------------------------- */

static bool is_sdp(struct MHD_Connection *http)
{
    static const char type[] = "application/sdp";
    const char *v = MHD_lookup_connection_value(http, MHD_HEADER_KIND, "Content-Type");
    size_t n = sizeof type - 1;
    return v && strncasecmp(v, type, n) == 0 && strchr("; \t", v[n]); /* the NUL is in there too */
}

static bool says_too_long(struct MHD_Connection *http)
{
    const char *v = MHD_lookup_connection_value(http, MHD_HEADER_KIND, "Content-Length");
    return v && strtoull(v, NULL, 10) > DEMO_MAX_OFFER;
}

static enum MHD_Result take_offer(struct demo_http *s, struct MHD_Connection *http,
                                  struct request *q)
{
    sotto_error err = {.size = sizeof err};
    const char *kid;
    char text[256];
    int r;
    if (q->n > DEMO_MAX_OFFER)
        return send_error(http, MHD_HTTP_CONTENT_TOO_LARGE, "the offer is too long\n");
    if (memchr(q->body, '\0', q->n))
        return send_error(http, MHD_HTTP_BAD_REQUEST, "an offer is text\n");
    q->body[q->n] = '\0';
    kid = MHD_lookup_connection_value(http, MHD_GET_ARGUMENT_KIND, "kid");
    r = demo_calls_offer(s->calls, q->body, kid ? strtoull(kid, NULL, 10) : 0, q, &err);
    if (r >= 0) {
        MHD_suspend_connection(http);
        return MHD_YES;
    }
    snprintf(text, sizeof text, "%s%s%s\n", sotto_strerror(r), err.reason[0] ? ": " : "",
             err.reason);
    if (r == SOTTO_E_ACCESS)
        return send_error(http, MHD_HTTP_FORBIDDEN,
                          "this demo is encrypted from end to end: open its whole address\n");
    if (r == SOTTO_E_SYNTAX || r == SOTTO_E_SDP || r == SOTTO_E_MODIFICATION || err.reason[0])
        return send_error(http, MHD_HTTP_BAD_REQUEST, text);
    return send_error(http, MHD_HTTP_SERVICE_UNAVAILABLE, text);
}

/* What is wrong with the head of the request; 0 nothing. */
static unsigned refuse(struct demo_http *s, struct MHD_Connection *http, const char *url,
                       const char *method, const char **why)
{
    bool is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!may_ask(s, http)) {
        *why = "this server answers only to its own address\n";
        return MHD_HTTP_FORBIDDEN;
    }
    if (strcmp(url, "/") == 0 || strcmp(url, "/sframe.mjs") == 0) {
        *why = "GET only\n";
        return is_read ? 0 : MHD_HTTP_METHOD_NOT_ALLOWED;
    }
    if (strcmp(url, "/offer") != 0) {
        *why = "there is /, /sframe.mjs and /offer\n";
        return MHD_HTTP_NOT_FOUND;
    }
    *why = "POST only\n";
    if (strcmp(method, "POST") != 0) return MHD_HTTP_METHOD_NOT_ALLOWED;
    *why = "an offer has the type application/sdp\n";
    if (!is_sdp(http)) return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    *why = "the offer is too long\n";
    return says_too_long(http) ? MHD_HTTP_CONTENT_TOO_LARGE : 0;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *http, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *n_data, void **own)
{
    struct demo_http *s = cls;
    struct request *q = *own;
    const char *why;
    unsigned status;
    (void)version;
    if (!q) {
        q = *own = calloc(1, sizeof *q);
        if (!q) return MHD_NO;
        q->http = http;
        q->server = s;
    }
    if (q->reply) {
        status = q->status;
        struct MHD_Response *reply = q->reply;
        q->reply = NULL;
        return send_response(http, status, reply);
    }
    if (!q->begun) {
        q->begun = true;
        status = refuse(s, http, url, method, &why);
        if (status) return send_error(http, status, why);
        return MHD_YES;
    }
    if (*n_data > 0) {
        size_t room = sizeof q->body - q->n, n = *n_data < room ? *n_data : room;
        memcpy(q->body + q->n, data, n); /* one byte above the limit is kept: too long */
        q->n += n;
        *n_data = 0;
        return MHD_YES;
    }
    if (strcmp(url, "/sframe.mjs") == 0) return send_module(http);
    return strcmp(url, "/") == 0 ? send_page(http) : take_offer(s, http, q);
}

static void on_completed(void *cls, struct MHD_Connection *http, void **own,
                         enum MHD_RequestTerminationCode why)
{
    struct demo_http *s = cls;
    struct request *q = *own;
    (void)http;
    (void)why;
    if (!q) return;
    demo_calls_gone(s->calls, q);
    if (q->reply) MHD_destroy_response(q->reply);
    free(q);
    *own = NULL;
}

/* --- the server ----------------------------------------------------------------------------------------------------- */

struct demo_http *demo_http_new(const char *address, uint16_t port, struct demo_calls *calls)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM},
                    *to = NULL;
    struct demo_http *s = calloc(1, sizeof *s);
    const union MHD_DaemonInfo *info;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    if (!s || getaddrinfo(address, service, &hints, &to) != 0) {
        errno = 0; /* not the system's fault: no numeric address */
        free(s);
        return NULL;
    }
    s->calls = calls;
    if (to->ai_family == AF_INET6) flags |= MHD_USE_IPv6;
    s->daemon =
        MHD_start_daemon(flags, port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, to->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, DEMO_MAX_HTTP, MHD_OPTION_CONNECTION_TIMEOUT,
                         20u, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, s, MHD_OPTION_END);
    freeaddrinfo(to);
    info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    s->port = info ? info->port : port;
    if (s->daemon) return s;
    free(s);
    return NULL;
}

void demo_http_free(struct demo_http *h)
{
    if (!h) return;
    MHD_run(h->daemon); /* answers that calls gave when they ended */
    MHD_stop_daemon(h->daemon);
    free(h);
}

int demo_http_fd(const struct demo_http *h)
{
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return i ? i->epoll_fd : -1;
}

int demo_http_timeout(const struct demo_http *h)
{
    MHD_UNSIGNED_LONG_LONG ms;
    if (h->resumed > 0) return 0;
    if (MHD_get_timeout(h->daemon, &ms) != MHD_YES) return -1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

void demo_http_run(struct demo_http *h)
{
    if (h->resumed > 0) h->resumed--;
    MHD_run(h->daemon);
}

uint16_t demo_http_port(const struct demo_http *h)
{
    return h->port;
}
