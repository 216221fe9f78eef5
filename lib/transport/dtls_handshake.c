/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handshake of one DTLS connection, its timers and its repair. Retransmission is OpenSSL's (RFC 6347 §4.2.4): only it can
 * repeat the protected part of a flight. It counts in wall-clock time, so `due` is translated into our own time after each call,
 * and a clock that was set back is noticed. What makes OpenSSL give up before the keys are proven may come from a forger: then
 * the object is made anew, a limited number of times, until SOTTO_MAX_DTLS_US is over. Once the handshake is done the object, tens of
 * kilobytes, is freed: what it agreed on stays, and from then on all records are ours. Knows nothing of application data.
 * answers: S35 H072 H085 H087 H088
 */
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "transport/dtls_int.h"
#include "util/mem.h"
#include "util/secret.h"

/* RFC 6347 §4.2.4.1 says 1 s and double, for want of knowledge of the path, which ICE has just tried. With 30 % loss and half as
 * much again each time, 99 % of handshakes are done within 3 s; with double, 95 %. */
#define FIRST_TIMEOUT_US 50000u
#define LONGEST_TIMEOUT_US 2000000u
#define CLOCK_JUMPED SOTTO_SECONDS(4)
#define LONGEST_GAP SOTTO_SECONDS(1) /* between two rebuilds: 32 of them then last as long as a handshake may */
#define COOKIE_TIMEOUTS 6u
#define FLIGHT_TIMEOUTS 5u /* 658 ms */
#define MANY_FORGED 16u    /* no peer's mistakes: many another server ends a handshake at a second hello */
#define TRANSCRIPT_BYTES (SOTTO_MAX_DTLS_HELLO + 3 * SOTTO_MAX_HANDSHAKE_MESSAGE)
#define CERT_OWNERS 2 /* us, and the transport that we are of: a certificate of nobody else */

static unsigned next_timeout(SSL *ssl, unsigned us)
{
    (void)ssl;
    if (us == 0) return FIRST_TIMEOUT_US;
    return us < LONGEST_TIMEOUT_US / 3 * 2 ? us / 2 * 3 : LONGEST_TIMEOUT_US;
}

static bool use_cert(SSL *ssl, const struct cert *c)
{
    X509 *x = NULL;
    EVP_PKEY *key = NULL;
    bool ok = sotto__cert_open(c, &x, &key) == 0 && SSL_use_certificate(ssl, x) &&
              SSL_use_PrivateKey(ssl, key);
    X509_free(x);
    EVP_PKEY_free(key);
    return ok;
}

int sotto__dtls_ssl_new(struct dtls *d)
{
    SSL *ssl = SSL_new(d->ctx->ssl);
    BIO *bio = ssl ? BIO_new(d->ctx->bio) : NULL;
    if (!bio || !use_cert(ssl, d->cert) || !SSL_set_mtu(ssl, SOTTO_MTU)) {
        BIO_free(bio);
        SSL_free(ssl);
        ERR_clear_error();
        return SOTTO_E_SYS;
    }
    BIO_set_data(bio, d);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, d);
    DTLS_set_timer_cb(ssl, next_timeout);
    if (d->client)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    SSL_free(d->ssl);
    d->ssl = ssl;
    d->sent = (struct dtls_sent){0};
    sotto__buf_free(&d->transcript.all);
    d->transcript = (struct dtls_transcript){.last = 0};
    sotto__buf_init(&d->transcript.all, TRANSCRIPT_BYTES);
    d->record_limit = 0;
    return 0;
}

/* RFC 8449 §4. A record of ours is as long as a packet that all paths carry, so that less is of no use. */
int sotto__dtls_limit_cb(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                         size_t n, X509 *x, size_t index, int *alert, void *arg)
{
    struct dtls *d = SSL_get_app_data(ssl);
    (void)type, (void)context, (void)x, (void)index, (void)arg;
    unsigned limit = n == 2 ? sotto__get_u16(in) : 0;
    *alert = n == 2 ? SSL_AD_ILLEGAL_PARAMETER : SSL_AD_DECODE_ERROR;
    if (limit < SOTTO_MTU) return 0;
    d->record_limit = (uint16_t)limit;
    return 1;
}

/* OpenSSL cannot go on: begin anew, but not more often than the limit of rebuilds allows for the whole time. */
static void give_up(struct dtls *d)
{
    sotto_us at = d->stats.rebuilds == 0 ? d->now : sotto__after(d->rebuilt_at, d->rebuild_gap);
    if (d->broken) return;
    d->broken = true;
    d->rebuild_at = at > d->now ? at : d->now;
    d->timer = SOTTO_NEVER;
}

static void sync_timer(struct dtls *d)
{
    struct timeval left;
    d->timer = SOTTO_NEVER;
    if (d->finished || d->broken || DTLSv1_get_timeout(d->ssl, &left) != 1) return;
    sotto_us us = SOTTO_SECONDS(left.tv_sec) + left.tv_usec;
    d->timer = sotto__after(d->now, us);
    if (us > CLOCK_JUMPED) give_up(d); /* the wall clock was set back: this timer would not run out */
}

static bool cipher_known(const SSL_CIPHER *c, enum dtls_cipher *ret)
{
    switch (SSL_CIPHER_get_cipher_nid(c)) {
    case NID_aes_128_gcm: *ret = DTLS_AES_128_GCM; return true;
    case NID_aes_256_gcm: *ret = DTLS_AES_256_GCM; return true;
    case NID_chacha20_poly1305: *ret = DTLS_CHACHA20_POLY1305; return true;
    default: return false;
    }
}

static bool keep_secrets(SSL *ssl, struct dtls_secrets *s)
{
    const SSL_CIPHER *c = SSL_get_current_cipher(ssl);
    const EVP_MD *md = SSL_CIPHER_get_handshake_digest(c);
    s->sha384 = EVP_MD_is_a(md, "SHA384");
    return cipher_known(c, &s->cipher) && (s->sha384 || EVP_MD_is_a(md, "SHA256")) &&
           SSL_SESSION_get_master_key(SSL_get_session(ssl), s->master, sizeof s->master) ==
               sizeof s->master &&
           SSL_get_client_random(ssl, s->client_random, 32) == 32 &&
           SSL_get_server_random(ssl, s->server_random, 32) == 32;
}

static bool keep_peer(SSL *ssl, struct dtls_agreed *a)
{
    X509 *peer = SSL_get0_peer_certificate(ssl);
    unsigned char *der = NULL;
    int n = peer ? i2d_X509(peer, &der) : 0;
    if (n > 0) a->peer = sotto__memdup(der, (size_t)n);
    if (a->peer) a->n_peer = (size_t)n;
    OPENSSL_free(der);
    return n <= 0 || a->peer;
}

/* Our own records begin where OpenSSL's end. */
static void keep(struct dtls *d)
{
    struct dtls_agreed *a = &d->agreed;
    const SRTP_PROTECTION_PROFILE *srtp = SSL_get_selected_srtp_profile(d->ssl);
    a->version = (uint16_t)SSL_version(d->ssl);
    a->suite = SSL_CIPHER_standard_name(SSL_get_current_cipher(d->ssl));
    a->srtp_profile = srtp ? (uint16_t)srtp->id : 0;
    a->group = (uint16_t)SSL_get_negotiated_group(d->ssl);
    a->secrets = sotto__secret_new(sizeof *a->secrets);
    if (!a->secrets) {
        sotto__dtls_die(d, SOTTO_E_NOMEM, "no memory for the keys of the connection");
        return;
    }
    bool known = keep_secrets(d->ssl, a->secrets) &&
                 SSL_get_finished(d->ssl, a->finished, sizeof a->finished) == sizeof a->finished;
    if (!known || (a->secrets->cipher != DTLS_CHACHA20_POLY1305 && d->sent.odd_nonce))
        sotto__dtls_die(d, SOTTO_E_PROTO, "nothing can be sealed with what was agreed on");
    else if (!keep_peer(d->ssl, a) || sotto__dtls_layer_init(&d->layer, a->secrets, d->client,
                                                             d->sent.seq, d->sent.nonce) < 0)
        sotto__dtls_die(d, SOTTO_E_NOMEM, "no memory for the keys of the connection");
    else if (!a->peer)
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer has no certificate");
}

static void finish(struct dtls *d)
{
    d->finished = true;
    d->timer = SOTTO_NEVER;
    sotto__dtls_guard_finish(&d->guard);
    if (SSL_version(d->ssl) != DTLS1_2_VERSION)
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer does not speak DTLS 1.2");
    else if (SSL_get_extms_support(d->ssl) != 1) /* RFC 7627 §5.3; RFC 8827 asks for it through RFC 9325 */
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer lacks the extended master secret");
    else
        keep(d);
    SSL_free(d->ssl);
    d->ssl = NULL;
    sotto__buf_free(&d->transcript.all);
    if (atomic_load(&d->cert->refs) <= CERT_OWNERS) sotto__cert_pack(d->cert);
    sotto__dtls_try_connect(d);
}

static void set_hint(struct dtls *d, const char *what, const char *why)
{
    char hint[128];
    snprintf(hint, sizeof hint, "%s%s", what, why);
    sotto__free(d->hint);
    d->hint = sotto__strdup(hint);
}

void sotto__dtls_hint(const struct dtls *d, char out[static DTLS_HINT])
{
    const struct dtls_guard *g = &d->guard;
    bool is_alert = !d->hint && g->alert != 0;
    const char *hint = d->hint ? d->hint : g->hint;
    snprintf(out, DTLS_HINT, "%s%s%s", hint ? hint : "", is_alert ? ": " : "",
             is_alert ? SSL_alert_desc_string_long(g->alert) : "");
}

static void failed(struct dtls *d, int r)
{
    int err = SSL_get_error(d->ssl, r);
    if (err == SSL_ERROR_WANT_READ) return;
    unsigned long error = ERR_peek_last_error();
    const char *why = ERR_reason_error_string(error);
    if (ERR_GET_REASON(error) != SSL_R_READ_TIMEOUT_EXPIRED) /* OpenSSL counts to 12; silence blames nobody */
        set_hint(d, "the handshake failed: ", why ? why : "unknown error");
    if (!d->dead) give_up(d);
}

static void step(struct dtls *d)
{
    ERR_clear_error();
    int r = SSL_do_handshake(d->ssl);
    d->n_in = 0;
    if (r == 1)
        finish(d);
    else
        failed(d, r);
    ERR_clear_error();
    sync_timer(d);
}

static void retransmit(struct dtls *d)
{
    ERR_clear_error();
    long r = DTLSv1_handle_timeout(d->ssl);
    if (r > 0) {
        d->guard.repeats++;
        d->timeouts++;
    } else if (r < 0) {
        failed(d, -1);
    }
    /* a server that follows a forgery has forgotten this handshake; a path that is only slow gets more time each time */
    if (d->client && d->guard.next == DTLS_GUARD_MESSAGES && d->guard.forged >= MANY_FORGED &&
        d->timeouts >= FLIGHT_TIMEOUTS + d->unanswered) {
        d->unanswered++;
        set_hint(d, "nobody answers the last flight", "");
        give_up(d);
    }
    /* our second hello carries a cookie that nobody answers: the request for it was forged */
    if (d->guard.hvr_fed && d->guard.next == 0 && d->timeouts >= COOKIE_TIMEOUTS) {
        set_hint(d, "nobody answers the cookie", "");
        give_up(d);
    }
    ERR_clear_error();
    sync_timer(d);
}

/* OpenSSL repeats a flight by itself when it reads within 15 ms of the time, and tells nobody. */
static bool is_due(SSL *ssl)
{
    struct timeval left;
    return DTLSv1_get_timeout(ssl, &left) == 1 && left.tv_sec == 0 && left.tv_usec == 0;
}

void sotto__dtls_feed(struct dtls *d, const uint8_t *p, size_t n)
{
    bool is_protected = p[0] == DTLS_HANDSHAKE && sotto__get_u16(p + 3) == 1;
    uint64_t seq = sotto__dtls_sequence(p); /* of the guard's buffer nothing is left when the handshake is done */
    if (is_due(d->ssl)) retransmit(d);
    if (d->broken || d->dead) return;
    d->in = p, d->n_in = n;
    step(d);
    /* it completed the handshake: the peer's Finished, which is not to be opened again */
    if (d->finished && !d->dead && is_protected) sotto__dtls_layer_mark(&d->layer, seq);
}

void sotto__dtls_pump(struct dtls *d)
{
    const uint8_t *p;
    size_t n;
    while (!d->finished && !d->broken && !d->dead && !sotto__dtls_waits_for_proof(d) &&
           sotto__dtls_guard_next(&d->guard, d->now, &p, &n)) {
        if (!sotto__dtls_screen(d, p, n)) continue;
        d->timeouts = 0;
        if (p[0] == DTLS_HANDSHAKE)
            sotto__dtls_transcribe(d, false, p + DTLS_HEADER, n - DTLS_HEADER);
        sotto__dtls_feed(d, p, n);
        if (d->broken && !d->client && d->guard.next == 1)
            sotto__dtls_guard_refuse_hello(&d->guard);
    }
    if (d->guard.rebuild && !d->finished && !d->broken && !d->dead) {
        set_hint(d, "hellos of two handshakes came from one address", "");
        give_up(d);
    }
}

static void start(struct dtls *d)
{
    d->started = true;
    if (d->client)
        step(d);
    else
        sotto__dtls_pump(d);
}

static void rebuild(struct dtls *d)
{
    if (d->stats.rebuilds >= SOTTO_MAX_DTLS_REBUILDS) {
        sotto__dtls_die(d, SOTTO_E_PROTO, "begun anew %u times; %s", SOTTO_MAX_DTLS_REBUILDS,
                        d->hint ? d->hint : "");
        return;
    }
    if (sotto__dtls_ssl_new(d) < 0) {
        sotto__dtls_die(d, SOTTO_E_NOMEM, "no memory to begin the handshake anew");
        return;
    }
    SOTTO_LOG(d->log, 2, "dtls", "handshake begun anew; %s", d->hint ? d->hint : "");
    d->stats.rebuilds++;
    d->rebuilt_at = d->now;
    d->rebuild_gap =
        d->rebuild_gap == 0 ? FIRST_TIMEOUT_US : sotto__earlier(2 * d->rebuild_gap, LONGEST_GAP);
    d->broken = d->strange_cert = false;
    d->timeouts = 0;
    sotto__dtls_guard_restart(&d->guard);
    start(d);
}

void sotto__dtls_run_timers(struct dtls *d)
{
    if (d->dead || d->finished || d->closing) return;
    if (d->now >= d->deadline) {
        char hint[DTLS_HINT];
        sotto__dtls_hint(d, hint);
        if (hint[0])
            sotto__dtls_die(d, SOTTO_E_PROTO, "no handshake in time; %s", hint);
        else
            sotto__dtls_die(d, SOTTO_E_NETWORK, "no answer to the handshake in time");
        return;
    }
    if (!d->started) start(d);
    if (d->broken && d->now >= d->rebuild_at) rebuild(d);
    if (!d->broken && d->now >= d->timer) retransmit(d);
}
