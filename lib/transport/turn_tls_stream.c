/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One TCP connection to a TURN server, and TLS over it: 1.2 or later, with forward secrecy and AEAD only, the name or the address of the
 * server checked against its certificate (RFC 9525), the chain against the system's authorities or the application's. There is no way
 * around these checks. In: address and name; out: bytes, or in words why there are none. Does not know what is in the bytes.
 * answers: S04 H054
 */
#include "transport/turn_tls_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20" /* of TLS 1.2; all of 1.3 are so */

#define KEPT 4u                              /* files of authorities */

struct trust { /* in what a file holds, as it was read last */
    char path[256];
    struct stat file;
    SSL_CTX *ctx; /* NULL: a free place */
};

static struct {
    pthread_once_t once, ctx_once;
    BIO_METHOD *bio;
    SSL_CTX *ctx; /* that believes the system's authorities, which takes 40 ms to read; NULL: it could not be made */
    pthread_mutex_t mutex; /* of `kept`; held for no longer than it takes to look there */
    struct trust kept[KEPT];
    unsigned next; /* the place that is used anew */
} library = {
    .once = PTHREAD_ONCE_INIT, .ctx_once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- sockets ---- */

uint32_t sotto__turn_sockaddr(const struct address *a, void *to)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(a->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    memcpy(&v4.sin_addr, a->ip, 4);
    memcpy(&v6.sin6_addr, a->ip, 16);
    if (a->family == 4) memcpy(to, &v4, sizeof v4);
    if (a->family == 6) memcpy(to, &v6, sizeof v6);
    return a->family == 4 ? sizeof v4 : sizeof v6;
}

int sotto__turn_socket(const struct address *a)
{
    return socket(a->family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                  0);
}

static void note_local(struct turn_stream *s)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = {.v6 = {0}};
    socklen_t n = sizeof a;
    if (getsockname(s->fd, &a.sa, &n) != 0) return;
    if (a.sa.sa_family == AF_INET) {
        s->local = (struct address){.family = 4, .port = ntohs(a.v4.sin_port)};
        memcpy(s->local.ip, &a.v4.sin_addr, 4);
    } else if (a.sa.sa_family == AF_INET6) {
        s->local = (struct address){.family = 6, .port = ntohs(a.v6.sin6_port)};
        memcpy(s->local.ip, &a.v6.sin6_addr, 16);
    }
}

static int fail(struct turn_stream *s, const char *what, const char *why)
{
    snprintf(s->why, sizeof s->why, "%s: %s", what, why);
    return SOTTO_E_NETWORK;
}

static int fail_errno(struct turn_stream *s, const char *what)
{
    char text[64] = "";
    return fail(s, what, strerror_r(errno, text, sizeof text));
}

/* OpenSSL's own BIO of a socket raises SIGPIPE. */
static int bio_read(BIO *bio, char *p, int n)
{
    const struct turn_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t r = recv(s->fd, p, n > 0 ? (size_t)n : 0, 0);
    if (r < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    return (int)r;
}

static int bio_write(BIO *bio, const char *p, int n)
{
    const struct turn_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t r = send(s->fd, p, n > 0 ? (size_t)n : 0, MSG_NOSIGNAL);
    if (r < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return (int)r;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *p)
{
    (void)bio, (void)num, (void)p;
    return cmd == BIO_CTRL_FLUSH;
}

/* ---- TLS ---- */

static SSL_CTX *make_ctx(const char *ca_file)
{
    SSL_CTX *c = SSL_CTX_new(TLS_client_method());
    if (!c) return NULL;
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_security_level(c, 2); /* 112 bits: RSA 2048 */
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) && SSL_CTX_set_cipher_list(c, SUITES) &&
        (ca_file ? SSL_CTX_load_verify_file(c, ca_file) : SSL_CTX_set_default_verify_paths(c)))
        return c;
    SSL_CTX_free(c);
    return NULL;
}

static void start_ctx(void)
{
    library.ctx = make_ctx(NULL);
}

static void start(void)
{
    library.bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sotto stream");
    if (library.bio && BIO_meth_set_read(library.bio, bio_read) &&
        BIO_meth_set_write(library.bio, bio_write) && BIO_meth_set_ctrl(library.bio, bio_ctrl))
        return;
    BIO_meth_free(library.bio);
    library.bio = NULL;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Counted; file NULL: as it was read last. NULL: it is not kept. */
static SSL_CTX *find_kept(const char *path, const struct stat *file)
{
    SSL_CTX *found = NULL;
    (void)pthread_mutex_lock(&library.mutex);
    for (unsigned i = 0; i < KEPT && !found; i++) {
        const struct trust *t = &library.kept[i];
        if (!t->ctx || strcmp(t->path, path) != 0 || (file && !is_same_file(file, &t->file)))
            continue;
        found = t->ctx;
        SSL_CTX_up_ref(found);
    }
    (void)pthread_mutex_unlock(&library.mutex);
    return found;
}

/* In the place of what was read from there before, or else of the oldest. */
static void keep(const char *path, const struct stat *file, SSL_CTX *ctx)
{
    size_t n = strlen(path);
    if (n >= sizeof library.kept->path) return; /* is read each time */
    SSL_CTX_up_ref(ctx);
    (void)pthread_mutex_lock(&library.mutex);
    unsigned at = 0;
    while (at < KEPT && strcmp(library.kept[at].path, path) != 0) at++;
    if (at == KEPT) at = library.next++ % KEPT;
    SSL_CTX *old = library.kept[at].ctx;
    library.kept[at].file = *file;
    library.kept[at].ctx = ctx;
    memcpy(library.kept[at].path, path, n + 1);
    (void)pthread_mutex_unlock(&library.mutex);
    SSL_CTX_free(old);
}

/* is_anew: if the application's authorities have changed since they were read, they are read again. */
static SSL_CTX *ctx_of(const char *ca_file, bool is_anew)
{
    struct stat file = {0};
    (void)pthread_once(&library.once, start);
    if (!ca_file) {
        (void)pthread_once(&library.ctx_once, start_ctx);
        if (library.ctx) SSL_CTX_up_ref(library.ctx);
        return library.ctx;
    }
    SSL_CTX *c = is_anew ? NULL : find_kept(ca_file, NULL);
    if (c) return c;
    if (stat(ca_file, &file) != 0) return NULL;
    c = find_kept(ca_file, &file);
    if (c) return c;
    c = make_ctx(ca_file);
    if (c) keep(ca_file, &file, c);
    return c;
}

int sotto__turn_tls_check(const char *ca_file)
{
    SSL_CTX *c = ctx_of(ca_file, true);
    SSL_CTX_free(c);
    ERR_clear_error();
    return c ? 0 : SOTTO_E_ACCESS;
}

static bool demand_name(SSL *ssl, const struct turn_tls_cfg *to)
{
    X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (to->host)
        return SSL_set_tlsext_host_name(ssl, to->host) &&
               X509_VERIFY_PARAM_set1_host(p, to->host, 0);
    return X509_VERIFY_PARAM_set1_ip(p, to->addr.ip, to->addr.family == 4 ? 4 : 16);
}

static int begin_tls(struct turn_stream *s, const struct turn_tls_cfg *to)
{
    SSL_CTX *c = ctx_of(to->ca_file, false);
    s->ssl = c ? SSL_new(c) : NULL;
    SSL_CTX_free(c);
    BIO *bio = s->ssl && library.bio ? BIO_new(library.bio) : NULL;
    if (bio) {
        BIO_set_data(bio, s);
        BIO_set_init(bio, 1);
        SSL_set_bio(s->ssl, bio, bio);
        SSL_set_connect_state(s->ssl);
        if (demand_name(s->ssl, to)) return 0;
    }
    ERR_clear_error();
    return fail(s, "TLS", !c && to->ca_file ? "the file of authorities cannot be read" : "OpenSSL");
}

/* What OpenSSL said of r: 0 again, or a failure. */
static int tls_result(struct turn_stream *s, int r)
{
    int error = SSL_get_error(s->ssl, r);
    s->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (s->wants_write || error == SSL_ERROR_WANT_READ) return 0;
    long verified = SSL_get_verify_result(s->ssl);
    unsigned long e = ERR_peek_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    ERR_clear_error();
    SSL_set_quiet_shutdown(s->ssl, 1); /* nothing more may be sent: SSL_shutdown(3) */
    if (verified != X509_V_OK)
        return fail(s, "TLS: certificate refused", X509_verify_cert_error_string(verified));
    return fail(s, "TLS", reason ? reason : "the server closed the connection");
}

/* ---- the connection ---- */

int sotto__turn_stream_connect(struct turn_stream *s, const struct turn_tls_cfg *to)
{
    int one = 1;
    struct sockaddr_storage where = {0};
    socklen_t size = sotto__turn_sockaddr(&to->addr, &where);
    *s = (struct turn_stream){.fd = sotto__turn_socket(&to->addr)};
    if (s->fd < 0) return fail_errno(s, "socket");
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* media is not to wait */
    if (to->interface && setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, to->interface,
                                    (socklen_t)strlen(to->interface)) != 0)
        return fail_errno(s, "interface");
    if (connect(s->fd, (struct sockaddr *)&where, size) != 0 && errno != EINPROGRESS)
        return fail_errno(s, "connect");
    note_local(s);
    return 0;
}

int sotto__turn_stream_open(struct turn_stream *s, const struct turn_tls_cfg *to)
{
    if (!s->is_connected) {
        struct sockaddr_storage where = {0};
        socklen_t size = sotto__turn_sockaddr(&to->addr, &where);
        if (connect(s->fd, (struct sockaddr *)&where, size) != 0 && errno != EISCONN) /* how it went */
            return errno == EALREADY || errno == EINPROGRESS ? 0 : fail_errno(s, "connect");
        s->is_connected = true;
        if (to->is_tls && begin_tls(s, to) < 0) return SOTTO_E_NETWORK;
    }
    if (s->ssl && !s->is_open) {
        ERR_clear_error(); /* the application's may lie there */
        int r = SSL_do_handshake(s->ssl);
        if (r != 1) return tls_result(s, r);
    }
    s->is_open = true;
    s->wants_write = false;
    return 1;
}

int sotto__turn_stream_read(struct turn_stream *s, uint8_t *p, size_t n)
{
    if (s->ssl) {
        size_t got;
        ERR_clear_error();
        return SSL_read_ex(s->ssl, p, n, &got) == 1 ? (int)got : tls_result(s, 0);
    }
    ssize_t r = recv(s->fd, p, n, 0);
    if (r > 0) return (int)r;
    if (r < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    return r < 0 ? fail_errno(s, "TCP") : fail(s, "TCP", "the server closed the connection");
}

int sotto__turn_stream_write(struct turn_stream *s, const uint8_t *p, size_t n)
{
    if (s->ssl) {
        size_t put;
        ERR_clear_error();
        return SSL_write_ex(s->ssl, p, n, &put) == 1 ? (int)put : tls_result(s, 0);
    }
    ssize_t r = send(s->fd, p, n, MSG_NOSIGNAL);
    if (r >= 0) return (int)r;
    return errno == EAGAIN || errno == EINTR ? 0 : fail_errno(s, "TCP");
}

bool sotto__turn_stream_has_more(const struct turn_stream *s)
{
    return s->ssl && SSL_pending(s->ssl) > 0;
}

void sotto__turn_stream_close(struct turn_stream *s)
{
    if (s->ssl && s->is_open) (void)SSL_shutdown(s->ssl);
    SSL_free(s->ssl);
    ERR_clear_error();
    if (s->fd >= 0) close(s->fd);
    s->ssl = NULL;
    s->fd = -1;
    s->is_connected = s->is_open = s->wants_write = false;
}
