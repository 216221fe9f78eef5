/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DTLS 1.2 (RFC 6347) for one transport: the five verbs, sealing and opening of records, and the way from "handshake done" to
 * "connected", on which the fingerprint stands. In: datagrams, fingerprints, messages to seal; out: datagrams, plaintext,
 * the end. The handshake and its repair are dtls_handshake.c's, the filter of plaintext records dtls_guard.c's.
 */
#include "transport/dtls.h"

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "transport/dtls_int.h"
#include "util/mem.h"

#define LARGEST_RECORD 16384u

void sotto__dtls_die(struct dtls *d, int error, const char *fmt, ...)
{
    va_list ap;
    if (d->dead) return;
    d->dead = error;
    va_start(ap, fmt);
    vsnprintf(d->reason, sizeof d->reason, fmt, ap);
    va_end(ap);
    SOTTO_LOG(d->log, 2, "dtls", "%s", d->reason);
}

int sotto__dtls_new(struct dtls **ret, const struct dtls_cfg *cfg, sotto_us now)
{
    struct dtls *d = sotto__calloc(1, sizeof *d);
    if (!d) return SOTTO_E_NOMEM;
    d->ctx = cfg->ctx, d->log = cfg->log, d->client = cfg->client;
    d->cert = sotto__cert_ref(cfg->cert);
    d->now = now, d->deadline = sotto__after(now, SOTTO_MAX_DTLS_US);
    d->timer = SOTTO_NEVER;
    sotto__buf_init(&d->out, SOTTO_MAX_DTLS_QUEUE);
    sotto__buf_init(&d->plain, SOTTO_MAX_DTLS_QUEUE);
    sotto__buf_init(&d->early, SOTTO_MAX_EARLY_BYTES);
    int r = sotto__dtls_guard_init(&d->guard, d->client);
    if (r == 0) r = sotto__dtls_ssl_new(d);
    if (r < 0) {
        sotto__dtls_free(d);
        return r;
    }
    *ret = d;
    return 0;
}

void sotto__dtls_free(struct dtls *d)
{
    if (!d) return;
    SSL_free(d->ssl);
    sotto__dtls_guard_free(&d->guard);
    sotto__buf_free(&d->out);
    sotto__wipe(d->plain.p, d->plain.cap);
    sotto__buf_free(&d->plain);
    sotto__buf_free(&d->early);
    sotto__cert_unref(d->cert);
    sotto__free(d);
}

/* RFC 5246 §7.2.1: the answer to a close_notify is a close_notify. */
static void say_goodbye(struct dtls *d)
{
    if (!d->finished || d->closing) return;
    d->closing = true;
    ERR_clear_error();
    SSL_shutdown(d->ssl);
    ERR_clear_error();
}

static void read_failed(struct dtls *d, int r)
{
    int err = SSL_get_error(d->ssl, r);
    unsigned long why = ERR_peek_last_error();
    if (err == SSL_ERROR_ZERO_RETURN) {
        d->closed = true;
        say_goodbye(d);
    } else if (err == SSL_ERROR_SSL && why != 0) {
        const char *text = ERR_reason_error_string(why);
        sotto__dtls_die(d, SOTTO_E_PROTO, "the DTLS connection broke: %s",
                        text ? text : "unknown error");
    } else {
        d->stats.records_dropped++; /* a forgery, a replay, or a repeated Finished that OpenSSL answered */
    }
    ERR_clear_error();
}

/* One protected record after the handshake: its plaintext waits for next(). */
static void open_record(struct dtls *d, const uint8_t *p, size_t n)
{
    if (d->closed || d->dead) return;
    if (d->plain_at == d->plain.n) d->plain_at = d->plain.n = 0;
    if (!sotto__buf_reserve(&d->plain, 2 + n)) { /* nobody takes what is here, or no memory: lost, SCTP repeats it */
        d->plain.err = 0;
        d->stats.records_dropped++;
        return;
    }
    uint8_t *to = d->plain.p + d->plain.n;
    d->in = p, d->n_in = n;
    if (ERR_peek_error() != 0) ERR_clear_error(); /* or SSL_get_error() would blame this record; to look is cheaper */
    int r = SSL_read(d->ssl, to + 2, (int)n); /* a plaintext is shorter than its record */
    d->n_in = 0;
    if (r > 0) {
        to[0] = (uint8_t)(r >> 8), to[1] = (uint8_t)r;
        d->plain.n += 2 + (size_t)r;
    } else {
        read_failed(d, r);
    }
}

static void hold(struct dtls *d, const struct dtls_record *r)
{
    uint8_t len[2] = {(uint8_t)(r->n >> 8), (uint8_t)r->n};
    if (d->n_early >= SOTTO_MAX_EARLY_RECORDS || !sotto__buf_reserve(&d->early, 2 + r->n)) {
        d->early.err = 0;
        d->stats.records_dropped++;
        return;
    }
    sotto__buf_add(&d->early, len, 2);
    sotto__buf_add(&d->early, r->p, r->n);
    d->n_early++;
}

void sotto__dtls_try_connect(struct dtls *d)
{
    if (!d->finished || d->connected || d->dead || d->closing || d->n_fingerprints == 0) return;
    X509 *peer = SSL_get0_peer_certificate(d->ssl);
    if (!peer) {
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer has no certificate");
        return;
    }
    if (!sotto__dtls_verify(d, peer)) {
        say_goodbye(d);
        return;
    }
    d->connected = true;
    SOTTO_LOG(d->log, 3, "dtls", "connected as %s: %s, %s", d->client ? "client" : "server",
              SSL_get_version(d->ssl), SSL_get_cipher_name(d->ssl));
    for (size_t at = 0; at < d->early.n;) {
        size_t n = sotto__get_u16(d->early.p + at);
        open_record(d, d->early.p + at + 2, n);
        at += 2 + n;
    }
    sotto__buf_free(&d->early);
}

static void take_record(struct dtls *d, const struct dtls_record *r)
{
    d->stats.records_in++;
    switch (sotto__dtls_guard_check(&d->guard, d->now, r)) {
    case GUARD_DROP: break;
    case GUARD_HOLD: hold(d, r); break;
    case GUARD_OPEN: sotto__dtls_pump(d); break;
    case GUARD_FEED:
        if (!d->finished)
            sotto__dtls_feed(d, r->p, r->n);
        else if (d->connected || r->type == DTLS_HANDSHAKE)
            open_record(d, r->p, r->n);
        else
            hold(d, r);
        break;
    }
}

int sotto__dtls_input(struct dtls *d, sotto_us now, const uint8_t *p, size_t n)
{
    struct reader in = sotto__reader(p, n);
    struct dtls_record r;
    d->now = now;
    if (!d->finished) sotto__dtls_run_timers(d);
    while (!d->dead && sotto__dtls_guard_split(&in, &r)) {
        if (d->broken || (d->closing && !d->finished))
            d->stats.records_dropped++;
        else
            take_record(d, &r);
    }
    if (in.n > 0) d->stats.records_dropped++;
    if (d->broken) sotto__dtls_run_timers(d);
    return 0;
}

static bool take(const struct buf *b, size_t *at, struct dtls_out *out, enum dtls_out_type type)
{
    if (*at >= b->n) return false;
    size_t n = sotto__get_u16(b->p + *at);
    *out = (struct dtls_out){type, b->p + *at + 2, n};
    *at += 2 + n;
    return true;
}

static bool tell(bool is, bool *told, struct dtls_out *out, enum dtls_out_type type)
{
    if (!is || *told) return false;
    *told = true;
    *out = (struct dtls_out){.type = type};
    return true;
}

int sotto__dtls_next(struct dtls *d, sotto_us now, struct dtls_out *out)
{
    d->now = now;
    if (!d->finished) sotto__dtls_run_timers(d);
    if (take(&d->out, &d->out_at, out, DTLS_OUT_PACKET)) return 1;
    d->out_at = d->out.n = 0;
    if (tell(d->connected, &d->connected_told, out, DTLS_OUT_CONNECTED)) return 1;
    if (take(&d->plain, &d->plain_at, out, DTLS_OUT_DATA)) return 1; /* what came before the end counts */
    d->plain_at = d->plain.n = 0;
    if (d->dead) return d->dead;
    return tell(d->closed, &d->closed_told, out, DTLS_OUT_CLOSED);
}

sotto_us sotto__dtls_due(const struct dtls *d)
{
    if (d->out_at < d->out.n || d->plain_at < d->plain.n) return d->now;
    if (d->connected != d->connected_told) return d->now;
    if (d->dead) return SOTTO_NEVER;
    if (d->closed != d->closed_told) return d->now;
    if (d->finished || d->closing) return SOTTO_NEVER;
    if (d->client && !d->started) return d->now;
    return sotto__earlier(d->deadline, d->broken ? d->rebuild_at : d->timer);
}

int sotto__dtls_set_fingerprints(struct dtls *d, const struct sdp_fingerprint *f, size_t n)
{
    if (n > SOTTO_MAX_FINGERPRINTS) return SOTTO_E_LIMIT;
    if (!sotto__fingerprints_usable(f, n)) return SOTTO_E_INVAL;
    if (d->n_fingerprints > 0) {
        if (d->n_fingerprints != n) return SOTTO_E_STATE;
        for (size_t i = 0; i < n; i++)
            if (f[i].n_bytes != d->fingerprints[i].n_bytes ||
                strcmp(f[i].hash, d->fingerprints[i].hash) != 0 ||
                memcmp(f[i].bytes, d->fingerprints[i].bytes, f[i].n_bytes) != 0)
                return SOTTO_E_STATE;
        return 0;
    }
    memcpy(d->fingerprints, f, n * sizeof *f);
    d->n_fingerprints = n;
    sotto__dtls_try_connect(d);
    return 0;
}

int sotto__dtls_seal(struct dtls *d, const uint8_t *p, size_t n, uint8_t *out, size_t cap)
{
    if (!d->connected || d->dead || d->closing) return SOTTO_E_STATE;
    if (n == 0) return SOTTO_E_INVAL;
    if (n > LARGEST_RECORD || cap < n + SOTTO_DTLS_OVERHEAD) return SOTTO_E_TOO_BIG;
    d->seal_to = out, d->seal_cap = cap, d->seal_n = 0;
    int r = SSL_write(d->ssl, p, (int)n);
    d->seal_to = NULL;
    if (r == (int)n) return (int)d->seal_n;
    sotto__dtls_die(d, SOTTO_E_PROTO, "sealing failed");
    ERR_clear_error();
    return SOTTO_E_STATE;
}

void sotto__dtls_close(struct dtls *d, sotto_us now)
{
    d->now = now;
    if (d->dead || d->closing) return;
    say_goodbye(d);
    d->closing = true;
}

const char *sotto__dtls_reason(const struct dtls *d)
{
    return d->reason;
}

int sotto__dtls_export(struct dtls *d, const char *label, uint8_t *out, size_t n)
{
    if (!d->connected || d->dead) return SOTTO_E_STATE;
    ERR_clear_error();
    bool ok = SSL_export_keying_material(d->ssl, out, n, label, strlen(label), NULL, 0, 0) == 1;
    ERR_clear_error();
    return ok ? 0 : SOTTO_E_STATE;
}

uint16_t sotto__dtls_srtp_profile(const struct dtls *d)
{
    const SRTP_PROTECTION_PROFILE *p = d->connected ? SSL_get_selected_srtp_profile(d->ssl) : NULL;
    return p ? (uint16_t)p->id : 0;
}

bool sotto__dtls_is_client(const struct dtls *d)
{
    return d->client;
}

bool sotto__dtls_get_info(const struct dtls *d, struct dtls_info *ret, struct buf *base64)
{
    X509 *peer = d->connected ? SSL_get0_peer_certificate(d->ssl) : NULL;
    if (!peer) return false;
    ret->version = (uint16_t)SSL_version(d->ssl);
    ret->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(d->ssl));
    sotto__cert_describe(peer, &ret->certificate, base64);
    return true;
}

void sotto__dtls_get_stats(const struct dtls *d, struct dtls_stats *ret)
{
    *ret = d->stats;
    ret->forged += d->guard.forged;
    ret->records_dropped += d->guard.forged + d->guard.dropped;
}
