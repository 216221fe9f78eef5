/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcurl, and all that is known of it: which protocols, which TLS, what is never done (redirections, cookies, .netrc, proxies of the
 * environment, compression), and limits on what comes back. RFC 9110, RFC 9112; RFC 9325 for TLS. In: a request whose URL was allowed;
 * out: the header and the body as they came, or why not. It does not know what WHIP is, and it decides nothing about tokens.
 * answers: S02 S04 S27 S33 A21
 */
#include "extra/http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/limits.h"
#include "util/mem.h"
#include "util/secret.h"
#include "util/str.h"

#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2" /* of TLS 1.2; those of 1.3 are all of this kind */
#define MAX_LINES 4

struct http {
    const struct http_cfg *cfg;
    CURLM *multi;
    CURL *easy;                         /* NULL: nothing is under way */
    struct curl_slist lines[MAX_LINES]; /* of the request's header: not libcurl's copies, which nobody wipes */
    char *secret_line;
    char match_line[SOTTO_MAX_WHIP_ETAG + 16], type_line[64];
    struct buf head, body;
    uint32_t n_fields;
    size_t head_bytes; /* of interim answers too */
    bool is_plain, is_done;
    const char *broken; /* which limit was passed; static */
    CURLcode code;
    char text[CURL_ERROR_SIZE];
};

void sotto__http_request_free(struct http_request *r)
{
    if (r->body) sotto__free_secret(r->body, strlen(r->body));
    sotto__free(r->url);
    sotto__free(r->if_match);
    memset(r, 0, sizeof *r);
}

void sotto__http_result_free(struct http_result *r)
{
    sotto__free_secret((void *)r->head.p, r->head.n);
    sotto__free_secret((void *)r->body.p, r->body.n);
    sotto__free(r->url);
    memset(r, 0, sizeof *r);
}

bool sotto__http_is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, a, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, a, sizeof v6);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    return false;
}

/* Before it connects: what a name has become in the meantime cannot take us to another host. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct http *h = user;
    if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKET_BAD;
    if (h->is_plain && !sotto__http_is_loopback(&a->addr)) {
        h->broken = "a name of this host has the address of another one";
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t give_up(struct http *h, const char *why)
{
    h->broken = why;
    return CURL_WRITEFUNC_ERROR;
}

/* A line of the header at a time; an interim answer (1xx) is forgotten when the next one begins. */
static size_t take_head(char *p, size_t size, size_t n, void *user)
{
    struct http *h = user;
    n *= size;
    h->head_bytes += n;
    if (h->head_bytes > SOTTO_MAX_WHIP_HEAD || ++h->n_fields > SOTTO_MAX_WHIP_FIELDS)
        return give_up(h, "the header of the server's answer is too long");
    if (sotto__str_starts((struct str){p, n}, STR("HTTP/"))) h->head.n = 0;
    sotto__buf_add(&h->head, p, n);
    return h->head.err ? give_up(h, "no memory") : n;
}

static size_t take_body(char *p, size_t size, size_t n, void *user)
{
    struct http *h = user;
    n *= size;
    sotto__buf_add(&h->body, p, n);
    if (!h->body.err) return n;
    return give_up(h,
                   h->body.err == SOTTO_E_LIMIT ? "the server's answer is too long" : "no memory");
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_error;

/* It must be the OpenSSL that we are linked with: keep_keys() calls it. */
static bool is_our_openssl(const char *version)
{
    struct str s = sotto__str(version ? version : "");
    return sotto__str_starts(s, STR("OpenSSL/")) &&
           strcmp(s.p + 8, OpenSSL_version(OPENSSL_VERSION_STRING)) == 0;
}

static void start_library(void)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if (v->version_num < 0x075700 || !is_our_openssl(v->ssl_version))
        library_error = SOTTO_E_UNSUPPORTED;
    else if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        library_error = SOTTO_E_NOMEM;
}

int sotto__http_new(const struct http_cfg *cfg, struct http **ret)
{
    pthread_once(&library_once, start_library);
    if (library_error < 0) return library_error;
    struct http *h = sotto__calloc(1, sizeof *h);
    if (!h) return SOTTO_E_NOMEM;
    h->cfg = cfg;
    h->multi = curl_multi_init();
    if (!h->multi) {
        sotto__free(h);
        return SOTTO_E_NOMEM;
    }
    *ret = h;
    return 0;
}

static void close_transfer(struct http *h)
{
    if (h->easy) {
        curl_multi_remove_handle(h->multi, h->easy);
        curl_easy_cleanup(h->easy);
        h->easy = NULL;
    }
    sotto__secret_free(h->secret_line);
    h->secret_line = NULL;
    if (h->head.p) sotto__wipe(h->head.p, h->head.cap);
    if (h->body.p) sotto__wipe(h->body.p, h->body.cap);
    sotto__buf_free(&h->head);
    sotto__buf_free(&h->body);
}

void sotto__http_free(struct http *h)
{
    if (!h) return;
    close_transfer(h);
    curl_multi_cleanup(h->multi);
    sotto__free(h);
}

static void set(struct http *h, CURLoption option, const void *value)
{
    CURLcode e = curl_easy_setopt(h->easy, option, value);
    if (e != CURLE_OK) h->code = e;
}

static void set_number(struct http *h, CURLoption option, long value)
{
    CURLcode e = curl_easy_setopt(h->easy, option, value);
    if (e != CURLE_OK) h->code = e;
}

/* libcurl writes the secrets of each connection into the file that SSLKEYLOGFILE names; with them a capture of it, and so the token,
 * can be read. */
static CURLcode keep_keys(CURL *easy, void *ssl_ctx, void *user)
{
    (void)easy, (void)user;
    SSL_CTX_set_keylog_callback(ssl_ctx, NULL);
    return CURLE_OK;
}

static void set_trust(struct http *h)
{
    CURLcode e = curl_easy_setopt(h->easy, CURLOPT_SSL_CTX_FUNCTION, keep_keys);
    if (e != CURLE_OK) h->code = e;
    set_number(h, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set(h, CURLOPT_SSL_CIPHER_LIST, CIPHERS);
    set_number(h, CURLOPT_SSL_VERIFYPEER, 1);
    set_number(h, CURLOPT_SSL_VERIFYHOST, 2);
    if (h->cfg->ca_file) {
        set(h, CURLOPT_CAINFO, h->cfg->ca_file);
        set(h, CURLOPT_CAPATH, NULL); /* libcurl's own would be trusted as well */
    }
    if (h->cfg->pin) set(h, CURLOPT_PINNEDPUBLICKEY, h->cfg->pin);
    set(h, CURLOPT_PROTOCOLS_STR, h->is_plain ? "http" : "https");
    set_number(h, CURLOPT_FOLLOWLOCATION, 0);
    set_number(h, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    set_number(h, CURLOPT_UNRESTRICTED_AUTH, 0);
    set(h, CURLOPT_PROXY, h->cfg->proxy && !h->is_plain ? h->cfg->proxy : "");
    set(h, CURLOPT_NOPROXY, "");
    set_number(h, CURLOPT_HTTPPROXYTUNNEL, h->cfg->proxy && !h->is_plain);
    set_number(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
    set_number(h, CURLOPT_HEADEROPT, CURLHEADER_SEPARATE); /* the token is not for the proxy */
}

static void add_line(struct http *h, size_t *n, char *text)
{
    h->lines[*n] = (struct curl_slist){.data = text};
    if (*n > 0) h->lines[*n - 1].next = &h->lines[*n];
    ++*n;
}

static int set_lines(struct http *h, const struct http_request *r, const char *token)
{
    static char no_expect[] = "Expect:";
    static const char prefix[] = "Authorization: Bearer ";
    size_t n = 0;
    add_line(h, &n, no_expect);
    if (r->type) {
        snprintf(h->type_line, sizeof h->type_line, "Content-Type: %s", r->type);
        add_line(h, &n, h->type_line);
    }
    if (r->if_match) {
        snprintf(h->match_line, sizeof h->match_line, "If-Match: %s", r->if_match);
        add_line(h, &n, h->match_line);
    }
    if (r->with_token && token) {
        size_t length = strlen(token);
        h->secret_line = sotto__secret_new(sizeof prefix + length);
        if (!h->secret_line) return SOTTO_E_NOMEM;
        memcpy(h->secret_line, prefix, sizeof prefix - 1);
        memcpy(h->secret_line + sizeof prefix - 1, token, length + 1);
        add_line(h, &n, h->secret_line);
    }
    set(h, CURLOPT_HTTPHEADER, h->lines);
    return 0;
}

static void set_request(struct http *h, const struct http_request *r)
{
    static const char *const names[] = {"OPTIONS", "POST", "PATCH", "DELETE"};
    set(h, CURLOPT_URL, r->url);
    if (r->type) {
        set(h, CURLOPT_POSTFIELDS, r->body ? r->body : "");
        set_number(h, CURLOPT_POSTFIELDSIZE, r->body ? (long)strlen(r->body) : 0);
    }
    set(h, CURLOPT_CUSTOMREQUEST, names[r->method]);
    set(h, CURLOPT_USERAGENT, "sotto");
    set_number(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_number(h, CURLOPT_HTTP09_ALLOWED, 0);
    set_number(h, CURLOPT_HTTP_CONTENT_DECODING, 0);
    set_number(h, CURLOPT_MAXFILESIZE, SOTTO_MAX_WHIP_BODY);
    set_number(h, CURLOPT_NOSIGNAL, 1);
    set_number(h, CURLOPT_QUICK_EXIT, 1); /* who ends it does not wait until the name server has answered */
    set(h, CURLOPT_ERRORBUFFER, h->text);
    curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, take_head);
    set(h, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, take_body);
    set(h, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set(h, CURLOPT_OPENSOCKETDATA, h);
}

int sotto__http_begin(struct http *h, const struct http_request *r, const char *token,
                      sotto_us limit)
{
    close_transfer(h);
    h->easy = curl_easy_init();
    if (!h->easy) return SOTTO_E_NOMEM;
    sotto__buf_init(&h->head, SOTTO_MAX_WHIP_HEAD);
    sotto__buf_init(&h->body, SOTTO_MAX_WHIP_BODY);
    h->code = CURLE_OK;
    h->n_fields = 0;
    h->head_bytes = 0;
    h->is_done = false;
    h->broken = NULL;
    h->text[0] = '\0';
    h->is_plain = sotto__str_starts(sotto__str(r->url), STR("http:"));
    set_request(h, r);
    set_trust(h);
    set_number(h, CURLOPT_TIMEOUT_MS, (long)(limit / 1000 > 0 ? limit / 1000 : 1));
    int e = set_lines(h, r, token);
    if (e == 0 && h->code != CURLE_OK) /* an option that is not to be had: nothing goes out without it */
        e = h->code == CURLE_OUT_OF_MEMORY ? SOTTO_E_NOMEM : SOTTO_E_UNSUPPORTED;
    if (e == 0 && curl_multi_add_handle(h->multi, h->easy) != CURLM_OK) e = SOTTO_E_NOMEM;
    if (e < 0) close_transfer(h);
    return e;
}

bool sotto__http_poll(struct http *h, sotto_us wait)
{
    int running = 0, left;
    const CURLMsg *m;
    if (h->is_done) return true;
    CURLMcode e = curl_multi_perform(h->multi, &running);
    if (e == CURLM_OK && running > 0) {
        e = curl_multi_poll(h->multi, NULL, 0, (int)(wait / 1000), NULL);
        if (e == CURLM_OK) return false;
    }
    h->code = CURLE_OUT_OF_MEMORY;
    while ((m = curl_multi_info_read(h->multi, &left)))
        if (m->msg == CURLMSG_DONE) h->code = m->data.result;
    h->is_done = true;
    return true;
}

void sotto__http_wake(struct http *h)
{
    curl_multi_wakeup(h->multi);
}

static bool is_refused_by_proxy(const struct http *h)
{
    long status = 0;
    curl_easy_getinfo(h->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300;
}

static int error_of(const struct http *h, const char **reason)
{
    switch (h->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        *reason = "the server's certificate is not trusted, has ended or is another host's";
        return SOTTO_E_ACCESS;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        *reason = "the server has another key than the pinned one";
        return SOTTO_E_ACCESS;
    case CURLE_SSL_CACERT_BADFILE:
        *reason = "the file of the authorities cannot be read";
        return SOTTO_E_ACCESS;
    case CURLE_SSL_CONNECT_ERROR:
        *reason = "the server offers no TLS that is safe";
        return SOTTO_E_ACCESS;
    case CURLE_OUT_OF_MEMORY: *reason = "no memory"; return SOTTO_E_NOMEM;
    case CURLE_COULDNT_RESOLVE_HOST: *reason = "the server's name is not known"; break;
    case CURLE_COULDNT_RESOLVE_PROXY: *reason = "the proxy's name is not known"; break;
    case CURLE_COULDNT_CONNECT: *reason = "the server is not reached"; break;
    case CURLE_OPERATION_TIMEDOUT: *reason = "the server did not answer in time"; break;
    case CURLE_FILESIZE_EXCEEDED: *reason = "the server's answer is too long"; return SOTTO_E_PROTO;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_PARTIAL_FILE: *reason = "the server's answer is no HTTP"; return SOTTO_E_PROTO;
    default:
        *reason = is_refused_by_proxy(h) ? "the proxy does not lead to the server"
                                         : "the connection to the server was lost";
        break;
    }
    return SOTTO_E_NETWORK;
}

static struct str take(struct buf *b)
{
    size_t n = b->n;
    return (struct str){sotto__buf_take_string(b), n};
}

void sotto__http_end(struct http *h, struct http_result *out)
{
    const char *reason = "";
    out->error = 0;
    if (!h->is_done) {
        out->error = SOTTO_E_CLOSED;
        reason = "it was ended";
    } else if (h->broken) {
        out->error = strcmp(h->broken, "no memory") == 0 ? SOTTO_E_NOMEM : SOTTO_E_PROTO;
        reason = h->broken;
    } else if (h->code != CURLE_OK) {
        out->error = error_of(h, &reason);
    } else {
        out->head = take(&h->head);
        out->body = take(&h->body);
        if (!out->head.p || !out->body.p) {
            out->error = SOTTO_E_NOMEM;
            reason = "no memory";
        }
    }
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    close_transfer(h);
}
