/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DTLS 1.2 (RFC 6347) for one transport: the five verbs, sealing and opening of records, and the way from "handshake done" to
 * "connected", on which the fingerprint stands. In: datagrams, fingerprints, messages to seal; out: datagrams, plaintext,
 * the end. The handshake and its repair are dtls_handshake.c's, the filter of plaintext records dtls_guard.c's, the keys of the
 * others dtls_record.c's: once the handshake is done, there is no OpenSSL connection any more.
 * answers: H077
 */
#include "transport/dtls.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "transport/dtls_int.h"
#include "util/cold.h"
#include "util/mem.h"
#include "util/secret.h"

enum { CLOSE_NOTIFY = 0, WARNING = 1, FINISHED = 20 }; /* RFC 5246 §7.2, §7.4 */

COLD void sotto__dtls_die(struct dtls *d, int error, const char *fmt, ...)
{
    char reason[640];
    va_list ap;
    if (d->dead) return;
    d->dead = error;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    d->reason = sotto__strdup(reason);
    SOTTO_LOG(d->log, 2, "dtls", "%s", reason);
}

COLD int sotto__dtls_new(struct dtls **ret, const struct dtls_cfg *cfg, sotto_us now)
{
    struct dtls *d = sotto__calloc(1, sizeof *d);
    if (!d) return SOTTO_E_NOMEM;
    d->ctx = cfg->ctx, d->log = cfg->log, d->client = cfg->client;
    d->cert = sotto__cert_ref(cfg->cert);
    d->now = now, d->deadline = sotto__after(now, SOTTO_MAX_DTLS_US);
    d->timer = SOTTO_NEVER;
    d->proof_at = now - SOTTO_SECONDS(1);
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

COLD void sotto__dtls_free(struct dtls *d)
{
    if (!d) return;
    SSL_free(d->ssl);
    sotto__dtls_guard_free(&d->guard);
    sotto__dtls_layer_free(&d->layer);
    sotto__secret_free(d->agreed.secrets);
    sotto__free(d->agreed.peer);
    sotto__free(d->fingerprints);
    sotto__free(d->reason);
    sotto__free(d->hint);
    sotto__buf_free(&d->out);
    sotto__wipe(d->plain.p, d->plain.cap);
    sotto__buf_free(&d->plain);
    sotto__buf_free(&d->early);
    sotto__buf_free(&d->transcript.all);
    sotto__cert_unref(d->cert);
    sotto__free(d);
}

/* A record of our own for next(). */
static void send_record(struct dtls *d, uint8_t type, const uint8_t *p, size_t n,
                        const uint8_t *before, size_t n_before)
{
    uint8_t dgram[128];
    if (n_before > 0) memcpy(dgram, before, n_before);
    int len = sotto__dtls_layer_seal(&d->layer, type, p, n, dgram + n_before);
    if (len > 0) sotto__dtls_queue(d, dgram, n_before + (size_t)len);
}

/* RFC 5246 §7.2.1: the answer to a close_notify is a close_notify. */
COLD static void say_goodbye(struct dtls *d)
{
    static const uint8_t goodbye[] = {WARNING, CLOSE_NOTIFY};
    if (!d->finished || d->closing) return;
    d->closing = true;
    if (d->layer.seal) send_record(d, DTLS_ALERT, goodbye, sizeof goodbye, NULL, 0);
}

static void take_alert(struct dtls *d, const uint8_t *p, size_t n)
{
    if (n != 2) {
        d->stats.records_dropped++;
    } else if (p[1] == CLOSE_NOTIFY) {
        d->closed = true;
        say_goodbye(d);
    } else if (p[0] != WARNING) {
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer ended the DTLS connection with an alert: %s",
                        SSL_alert_desc_string_long(p[1]));
    } else if (++d->warnings > SOTTO_MAX_DTLS_WARNINGS) {
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer sent one alert after another");
    }
}

/* RFC 6347 §4.2.4: a server's ChangeCipherSpec and Finished may have been lost as long as the client repeats its own. Under new
 * sequence numbers, or a peer that knows the old ones would take them for replays. */
static void repeat_flight(struct dtls *d)
{
    uint8_t ccs[DTLS_HEADER + 1], finished[12 + sizeof d->agreed.finished];
    struct writer w = sotto__writer(ccs, sizeof ccs);
    uint64_t seq = d->sent.plain_seq++;
    sotto__write_u8(&w, DTLS_CCS);
    sotto__write_u16(&w, 0xfefd);
    sotto__write_u32(&w, (uint32_t)(seq >> 32)); /* epoch 0 and the upper bits */
    sotto__write_u32(&w, (uint32_t)seq);
    sotto__write_u16(&w, 1);
    sotto__write_u8(&w, 1);
    w = sotto__writer(finished, sizeof finished);
    sotto__write_u8(&w, FINISHED);
    sotto__write_be(&w, sizeof d->agreed.finished, 3);
    sotto__write_u16(&w, d->sent.message);
    sotto__write_be(&w, 0, 3);
    sotto__write_be(&w, sizeof d->agreed.finished, 3);
    sotto__write_bytes(&w, d->agreed.finished, sizeof d->agreed.finished);
    send_record(d, DTLS_HANDSHAKE, finished, sizeof finished, ccs, sizeof ccs);
}

static void take_handshake(struct dtls *d, const uint8_t *p, size_t n)
{
    d->stats.records_dropped++; /* a repeated Finished, or a wish to renegotiate: RFC 8827 §6.5 has none of that */
    if (!d->client && !d->closing && n > 0 && p[0] == FINISHED) repeat_flight(d);
}

/* One protected record, opened in place: how many bytes behind its head are data. */
static size_t open_record(struct dtls *d, uint8_t *p, size_t n)
{
    const uint8_t *text = p + d->layer.head;
    int r = sotto__dtls_layer_open(&d->layer, p, n);
    if (r < 0) {
        if (r != DTLS_FORGED) d->stats.records_dropped++;
        if (d->layer.forged >= SOTTO_MAX_DTLS_FORGED)
            sotto__dtls_die(d, SOTTO_E_PROTO, "too many records were forged");
        return 0;
    }
    switch (p[0]) {
    case DTLS_APPDATA: d->warnings = 0; return (size_t)r;
    case DTLS_ALERT: take_alert(d, text, (size_t)r); break;
    case DTLS_HANDSHAKE: take_handshake(d, text, (size_t)r); break;
    default: d->stats.records_dropped++; break;
    }
    return 0;
}

/* … and what it holds waits for next(). */
static void open_and_keep(struct dtls *d, const uint8_t *p, size_t n)
{
    if (d->plain_at == d->plain.n) d->plain_at = d->plain.n = 0;
    if (!sotto__buf_reserve(&d->plain, 2 + n)) { /* nobody takes what is here, or no memory: lost, SCTP repeats it */
        d->plain.err = 0;
        d->stats.records_dropped++;
        return;
    }
    uint8_t *to = d->plain.p + d->plain.n;
    memcpy(to + 2, p, n);
    size_t got = open_record(d, to + 2, n);
    if (got == 0) return;
    memmove(to + 2, to + 2 + d->layer.head, got);
    to[0] = (uint8_t)(got >> 8), to[1] = (uint8_t)got;
    d->plain.n += 2 + got;
}

COLD static void hold(struct dtls *d, const struct dtls_record *r)
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

COLD void sotto__dtls_try_connect(struct dtls *d)
{
    if (!d->finished || d->connected || d->dead || d->closing || d->n_fingerprints == 0) return;
    if (!sotto__dtls_verify(d, d->agreed.peer, d->agreed.n_peer)) {
        say_goodbye(d);
        return;
    }
    d->connected = true;
    SOTTO_LOG(d->log, 3, "dtls", "connected as %s: DTLS 1.2, %s", d->client ? "client" : "server",
              d->agreed.suite);
    for (size_t at = 0; at < d->early.n;) {
        size_t n = sotto__get_u16(d->early.p + at);
        if (!d->closed && !d->dead) open_and_keep(d, d->early.p + at + 2, n);
        at += 2 + n;
    }
    sotto__buf_free(&d->early);
}

/* After the handshake: nothing in the clear matters any more, and what the peer repeats of it is no forgery. */
static void take_protected(struct dtls *d, const struct dtls_record *r)
{
    if (r->epoch != 1 || d->closed)
        d->stats.records_dropped++;
    else if (d->connected || r->type == DTLS_HANDSHAKE)
        open_and_keep(d, r->p, r->n);
    else
        hold(d, r);
}

static void take_record(struct dtls *d, const struct dtls_record *r)
{
    d->stats.records_in++;
    if (d->finished) {
        take_protected(d, r);
        return;
    }
    switch (sotto__dtls_guard_check(&d->guard, d->now, r)) {
    case GUARD_DROP: break;
    case GUARD_HOLD: hold(d, r); break;
    case GUARD_OPEN: break; /* once all of the datagram is there: its messages fit each other */
    case GUARD_FEED:
        sotto__dtls_pump(d);
        if (d->finished)
            take_protected(d, r);
        else if (!d->broken && !d->dead)
            sotto__dtls_feed(d, r->p, r->n);
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
    if (!d->closing) sotto__dtls_pump(d);
    if (d->broken) sotto__dtls_run_timers(d);
    return 0;
}

bool sotto__dtls_open(struct dtls *d, sotto_us now, struct dtls_datagram *in, struct dtls_out *out)
{
    struct dtls_record r;
    if (!d->connected_told || d->plain_at < d->plain.n) { /* what came before goes first */
        sotto__dtls_input(d, now, in->p, in->n);
        in->n = 0;
        return false;
    }
    d->now = now;
    while (!d->dead && in->n > 0) {
        struct reader left = sotto__reader(in->p, in->n);
        if (!sotto__dtls_guard_split(&left, &r)) {
            d->stats.records_dropped++;
            break;
        }
        uint8_t *rec = in->p;
        in->p += r.n, in->n = left.n;
        d->stats.records_in++;
        if (r.epoch != 1 || d->closed) {
            d->stats.records_dropped++;
            continue;
        }
        size_t n = open_record(d, rec, r.n);
        if (n == 0) continue;
        *out = (struct dtls_out){DTLS_OUT_DATA, rec + d->layer.head, n};
        return true;
    }
    in->n = 0;
    return false;
}

/* What a connection needs for its handshake, and seldom after it, is not kept for that. */
static void release(struct dtls *d, struct buf *b)
{
    b->n = 0;
    if (!d->connected_told || b->cap == 0) return;
    sotto__wipe(b->p, b->cap);
    sotto__buf_free(b);
    sotto__buf_init(b, SOTTO_MAX_DTLS_QUEUE);
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
    d->out_at = 0;
    release(d, &d->out);
    if (tell(d->connected, &d->connected_told, out, DTLS_OUT_CONNECTED)) return 1;
    if (take(&d->plain, &d->plain_at, out, DTLS_OUT_DATA)) return 1; /* what came before the end counts */
    d->plain_at = 0;
    release(d, &d->plain);
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

COLD int sotto__dtls_set_fingerprints(struct dtls *d, const struct sdp_fingerprint *f, size_t n)
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
    if (!(d->fingerprints = sotto__memdup(f, n * sizeof *f))) return SOTTO_E_NOMEM;
    d->n_fingerprints = n;
    sotto__dtls_try_connect(d);
    return 0;
}

int sotto__dtls_seal(struct dtls *d, const uint8_t *p, size_t n, uint8_t *out, size_t cap)
{
    if (!d->connected || d->dead || d->closing) return SOTTO_E_STATE;
    if (n == 0) return SOTTO_E_INVAL;
    if (n > DTLS_LARGEST || cap < n + SOTTO_DTLS_OVERHEAD) return SOTTO_E_TOO_BIG;
    int r = sotto__dtls_layer_seal(&d->layer, DTLS_APPDATA, p, n, out);
    if (r > 0) return r;
    sotto__dtls_die(d, SOTTO_E_PROTO, "sealing failed: %s",
                    r == SOTTO_E_LIMIT ? "the sequence numbers are used up" : "no memory");
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
    if (d->reason) return d->reason;
    return d->dead ? "there was no memory to say why" : "";
}

int sotto__dtls_export(struct dtls *d, const char *label, uint8_t *out, size_t n)
{
    if (!d->connected || d->dead) return SOTTO_E_STATE;
    return sotto__dtls_prf(d->agreed.secrets, label, false, out, n) ? 0 : SOTTO_E_STATE;
}

uint16_t sotto__dtls_srtp_profile(const struct dtls *d)
{
    return d->connected ? d->agreed.srtp_profile : 0;
}

size_t sotto__dtls_record_limit(const struct dtls *d)
{
    return d ? d->record_limit : 0;
}

bool sotto__dtls_is_client(const struct dtls *d)
{
    return d->client;
}

bool sotto__dtls_get_info(const struct dtls *d, struct dtls_info *ret, struct buf *base64)
{
    if (!d->connected) return false;
    ret->version = d->agreed.version;
    ret->cipher = d->agreed.suite;
    ret->group = sotto__dtls_group_name(d->agreed.group);
    sotto__cert_describe(d->agreed.peer, d->agreed.n_peer, &ret->certificate, base64);
    return true;
}

void sotto__dtls_get_stats(const struct dtls *d, struct dtls_stats *ret)
{
    *ret = d->stats;
    ret->forged += d->guard.forged + d->layer.forged;
    ret->records_dropped += d->guard.forged + d->guard.dropped + d->layer.forged;
}

COLD size_t sotto__dtls_bytes(const struct dtls *d)
{
    const struct dtls_guard *g = &d->guard;
    size_t n = sotto__mem_size(d) + sotto__mem_size(d->out.p) + sotto__mem_size(d->plain.p) +
               sotto__mem_size(d->early.p) + sotto__mem_size(d->transcript.all.p) +
               sotto__mem_size(d->agreed.peer) + sotto__mem_size(g->out) +
               sotto__mem_size(g->other.p) + sotto__mem_size(g->hvr) +
               sotto__mem_size(d->fingerprints) + sotto__mem_size(d->reason) +
               sotto__mem_size(d->hint);
    for (size_t i = 0; i < DTLS_GUARD_MESSAGES; i++) n += sotto__mem_size(g->msg[i].p);
    return n;
}
