/* SPDX-License-Identifier: BSD-2-Clause */
#include "dtls_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "transport/dtls_int.h"
#include "util/bytes.h"
#include "util/mem.h"

sotto_us pair_clock = 1000000;
sotto_us pair_wall_shift;

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv,
                                                        void *restrict tz)
{
    sotto_us wall = (sotto_us)UNIX_NOW * 1000000 + pair_clock + pair_wall_shift;
    (void)tz;
    tv->tv_sec = (time_t)(wall / 1000000), tv->tv_usec = (suseconds_t)(wall % 1000000);
    return 0;
}

uint64_t pair_random(struct pair *p)
{
    p->rng ^= p->rng << 13, p->rng ^= p->rng >> 7, p->rng ^= p->rng << 17;
    return p->rng;
}

static void end_init(struct pair *p, int who)
{
    struct end *e = &p->end[who];
    assert_int_equal(sotto__cert_generate(&e->cert, UNIX_NOW), 0);
    struct dtls_cfg cfg = {.ctx = p->ctx, .cert = e->cert, .client = who == 0};
    assert_int_equal(sotto__dtls_new(&e->d, &cfg, pair_clock), 0);
}

void pair_init_without_fingerprints(struct pair *p, uint64_t seed)
{
    *p = (struct pair){
        .rng = seed * 0x9e3779b97f4a7c15u + 1, .delay = SOTTO_MS(10), .blackhole = -1};
    pair_wall_shift = 0;
    assert_int_equal(sotto__dtls_ctx_new(&p->ctx), 0);
    end_init(p, 0);
    end_init(p, 1);
}

void pair_know(struct pair *p, int who)
{
    struct sdp_fingerprint f;
    if (!p->end[1 - who].cert) return;
    sotto__cert_fingerprint(p->end[1 - who].cert, &f);
    if (p->end[who].d) assert_int_equal(sotto__dtls_set_fingerprints(p->end[who].d, &f, 1), 0);
}

void pair_init(struct pair *p, uint64_t seed)
{
    pair_init_without_fingerprints(p, seed);
    pair_know(p, 0);
    pair_know(p, 1);
}

struct cert *pair_cert(EVP_PKEY *key, int64_t not_after, size_t extra)
{
    struct cert *c = sotto__calloc(1, sizeof *c);
    unsigned n = 0;
    X509 *x = X509_new();
    assert_true(c && x && key);
    X509_set_version(x, X509_VERSION_3);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"x", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    ASN1_TIME_set(X509_getm_notBefore(x), 0);
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after);
    X509_set_pubkey(x, key);
    if (extra > 0) {
        ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
        uint8_t *bytes = calloc(1, extra);
        ASN1_OCTET_STRING_set(s, bytes, (int)extra);
        X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, s);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
        ASN1_OCTET_STRING_free(s);
        free(bytes);
    }
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    memcpy(c->fingerprint.hash, "sha-256", 8);
    X509_digest(x, EVP_sha256(), c->fingerprint.bytes, &n);
    c->fingerprint.n_bytes = n;
    c->x509 = x, c->key = key;
    c->expires = not_after;
    atomic_init(&c->refs, 1);
    return c;
}

SSL_CTX *pair_openssl_ctx(void)
{
    SSL_CTX *c = SSL_CTX_new(DTLS_method());
    assert_non_null(c);
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU);
    return c;
}

static int accept_any(X509_STORE_CTX *store, void *arg)
{
    (void)store, (void)arg;
    return 1;
}

void pair_use_openssl(struct pair *p, int who, SSL_CTX *ctx, struct cert *cert)
{
    struct end *e = &p->end[who];
    sotto__dtls_free(e->d);
    sotto__cert_unref(e->cert);
    e->d = NULL, e->cert = cert, e->ssl_ctx = ctx;
    SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    e->ssl = SSL_new(ctx);
    assert_non_null(e->ssl);
    if (cert)
        assert_true(SSL_use_certificate(e->ssl, cert->x509) &&
                    SSL_use_PrivateKey(e->ssl, cert->key));
    SSL_set_mtu(e->ssl, 1200);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(e->ssl, in, out);
    if (who == 0)
        SSL_set_connect_state(e->ssl);
    else
        SSL_set_accept_state(e->ssl);
}

void pair_free(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        sotto__dtls_free(p->end[i].d);
        sotto__cert_unref(p->end[i].cert);
        SSL_free(p->end[i].ssl);
        SSL_CTX_free(p->end[i].ssl_ctx);
    }
    for (size_t i = 0; i < p->n_air; i++) free(p->air[i].p);
    free(p->air);
    sotto__dtls_ctx_free(p->ctx);
}

void pair_send(struct pair *p, int to, const uint8_t *dgram, size_t n, sotto_us delay)
{
    if (p->n_air == p->cap_air) {
        p->cap_air = p->cap_air ? 2 * p->cap_air : 64;
        p->air = realloc(p->air, p->cap_air * sizeof *p->air);
        assert_non_null(p->air);
    }
    struct flying f = {pair_clock + delay, p->order++, to, n, malloc(n + 1)};
    assert_non_null(f.p);
    memcpy(f.p, dgram, n);
    p->air[p->n_air++] = f;
}

static void leave(struct pair *p, int from, const uint8_t *dgram, size_t n)
{
    struct end *e = &p->end[from];
    e->sent++;
    if (!e->connected && n > e->largest) e->largest = n;
    if (p->tap && !p->tap(p, from, dgram, n)) return;
    if (p->blackhole == 1 - from || pair_random(p) % 100 < p->loss) return;
    for (int copies = pair_random(p) % 100 < p->dup ? 2 : 1; copies > 0; copies--) {
        sotto_us extra = p->jitter ? (sotto_us)(pair_random(p) % (uint64_t)p->jitter) : 0;
        pair_send(p, 1 - from, dgram, n, p->delay + extra);
    }
}

static void got(struct end *e, const uint8_t *data, size_t n)
{
    e->messages++;
    if (n > sizeof e->data - e->n_data) return;
    memcpy(e->data + e->n_data, data, n);
    e->n_data += n;
}

static void drain_ours(struct pair *p, int who)
{
    struct end *e = &p->end[who];
    struct dtls_out out;
    int r = 0;
    while ((r = sotto__dtls_next(e->d, pair_clock, &out)) == 1) {
        if (out.type == DTLS_OUT_PACKET) leave(p, who, out.p, out.n);
        if (out.type == DTLS_OUT_CONNECTED) e->connected++;
        if (out.type == DTLS_OUT_CLOSED) e->closed++;
        if (out.type == DTLS_OUT_DATA) {
            assert_int_equal(e->connected, 1); /* never before */
            got(e, out.p, out.n);
        }
    }
    if (r < 0) e->error = r;
}

/* OpenSSL alone, with its own timers; each record leaves as a datagram of its own. */
static void drain_openssl(struct pair *p, int who)
{
    struct end *e = &p->end[who];
    static uint8_t buf[1 << 20];
    int r;
    if (!e->ssl_failed) {
        if (!e->ssl_done && DTLSv1_handle_timeout(e->ssl) < 0) e->ssl_failed = true;
        r = SSL_do_handshake(e->ssl); /* 1 also when it was done before */
        if (r == 1 && !e->ssl_done)
            e->ssl_done = true, e->connected++;
        else if (!e->ssl_done)
            e->ssl_failed = SSL_get_error(e->ssl, r) != SSL_ERROR_WANT_READ;
        while (e->ssl_done && (r = SSL_read(e->ssl, buf, sizeof buf)) > 0) got(e, buf, (size_t)r);
        if (e->ssl_done && SSL_get_error(e->ssl, r) == SSL_ERROR_ZERO_RETURN)
            e->ssl_closed = true;
        else if (e->ssl_done && SSL_get_error(e->ssl, r) != SSL_ERROR_WANT_READ)
            e->ssl_failed = true;
    }
    int n = BIO_read(SSL_get_wbio(e->ssl), buf, sizeof buf);
    for (int at = 0; n - at >= 13;) {
        size_t len = 13 + (size_t)sotto__get_u16(buf + at + 11);
        leave(p, who, buf + at, len);
        at += (int)len;
    }
}

static void drain(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->end[i].d)
            drain_ours(p, i);
        else
            drain_openssl(p, i);
    }
}

static void arrive(struct pair *p, struct flying f)
{
    struct end *e = &p->end[f.to];
    if (e->d) {
        sotto__dtls_input(e->d, pair_clock, f.p, f.n);
        drain_ours(p, f.to);
    } else {
        BIO_write(SSL_get_rbio(e->ssl), f.p, (int)f.n);
        drain_openssl(p, f.to);
        (void)BIO_reset(SSL_get_rbio(e->ssl));
    }
    free(f.p);
}

static sotto_us next_time(const struct pair *p, size_t *first)
{
    sotto_us t = SOTTO_NEVER;
    *first = p->n_air;
    for (size_t i = 0; i < p->n_air; i++)
        if (*first == p->n_air || p->air[i].at < p->air[*first].at ||
            (p->air[i].at == p->air[*first].at && p->air[i].order < p->air[*first].order))
            *first = i;
    if (*first < p->n_air) t = p->air[*first].at;
    for (int i = 0; i < 2; i++) {
        struct timeval left;
        const struct end *e = &p->end[i];
        sotto_us due = e->d ? sotto__dtls_due(e->d) : SOTTO_NEVER;
        if (!e->d && !e->ssl_failed && !e->ssl_done && DTLSv1_get_timeout(e->ssl, &left))
            due = pair_clock + SOTTO_SECONDS(left.tv_sec) + left.tv_usec;
        if (due < t) t = due, *first = p->n_air;
    }
    return t;
}

static bool step(struct pair *p, sotto_us until)
{
    size_t first;
    drain(p);
    sotto_us t = next_time(p, &first);
    if (t > until) {
        pair_clock = until;
        return false;
    }
    if (t > pair_clock) pair_clock = t;
    if (first < p->n_air) {
        struct flying f = p->air[first];
        p->air[first] = p->air[--p->n_air];
        arrive(p, f);
    }
    return true;
}

void pair_run(struct pair *p, sotto_us span)
{
    sotto_us until = pair_clock + span;
    while (step(p, until)) {
    }
}

bool pair_run_until_connected(struct pair *p, sotto_us span)
{
    sotto_us until = pair_clock + span;
    while (!(p->end[0].connected && p->end[1].connected) && step(p, until)) {
    }
    return p->end[0].connected && p->end[1].connected;
}

static void say(struct pair *p, int who, const char *text)
{
    struct end *e = &p->end[who];
    uint8_t buf[256];
    if (!e->d) {
        SSL_write(e->ssl, text, (int)strlen(text)); /* leaves with the next drain */
        return;
    }
    int n = sotto__dtls_seal(e->d, (const uint8_t *)text, strlen(text), buf, sizeof buf);
    if (n > 0) leave(p, who, buf, (size_t)n);
}

bool pair_talks(struct pair *p)
{
    unsigned loss = p->loss;
    bool ok = true;
    p->loss = 0;
    for (int i = 0; i < 2; i++) {
        const char *text = i == 0 ? "from the client" : "from the server";
        struct end *to = &p->end[1 - i];
        size_t before = to->n_data;
        say(p, i, text);
        pair_run(p, SOTTO_MS(200));
        ok = ok && to->n_data == before + strlen(text) &&
             memcmp(to->data + before, text, strlen(text)) == 0;
    }
    p->loss = loss;
    return ok;
}
