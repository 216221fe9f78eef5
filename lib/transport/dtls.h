/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_DTLS_H
#define SOTTO_TRANSPORT_DTLS_H
/*
 * DTLS 1.2 (RFC 6347) for one transport: handshake in either role, records, verification of the peer's certificate against the
 * SDP's fingerprints, own timers. In: datagrams; out: datagrams, plaintext, and `connected`, which comes only after the fingerprint
 * was checked. Knows nothing of ICE or SCTP.
 */
#include "sotto/base.h"
#include "transport/cert.h"
#include "util/buf.h"
#include "util/limits.h"
#include "util/log.h"
#include "util/time.h"

struct dtls_ctx; /* one SSL_CTX per context */
int sotto__dtls_ctx_new(struct dtls_ctx **ret); /* 0, SOTTO_E_NOMEM, SOTTO_E_SYS */
void sotto__dtls_ctx_free(struct dtls_ctx *c);

struct dtls_cfg {
    struct dtls_ctx *ctx; /* outlives the dtls */
    struct cert *cert;    /* counted */
    bool client;          /* a=setup:active */
    struct log *log;      /* nullable */
};

enum dtls_out_type {
    DTLS_OUT_PACKET,    /* one datagram to send */
    DTLS_OUT_CONNECTED, /* handshake done and fingerprint verified; once, before any DATA */
    DTLS_OUT_DATA,      /* plaintext of one record */
    DTLS_OUT_CLOSED     /* the peer said close_notify: an orderly end; once */
};

struct dtls_out {
    enum dtls_out_type type;
    const uint8_t *p; /* view, valid until the next call on this dtls */
    size_t n;
};

struct dtls_stats { /* counters of what was refused */
    uint64_t records_in, records_dropped, rebuilds, forged;
    uint64_t certificates; /* that were not the one of the fingerprints */
};

struct dtls; /* allocated */
/* The five verbs. new: 0, SOTTO_E_NOMEM, SOTTO_E_SYS. A client sends its first flight at the first next(). */
int sotto__dtls_new(struct dtls **ret, const struct dtls_cfg *cfg, sotto_us now);
/* One datagram (one or more records), copied as needed. Never fails the connection because of forged bytes; 0 or SOTTO_E_NOMEM. */
int sotto__dtls_input(struct dtls *d, sotto_us now, const uint8_t *p, size_t n);
struct dtls_datagram { /* what is left of one */
    uint8_t *p;
    size_t n;
};
/* The same with a datagram that may be written over: data is opened where it lies. true: `out` has the next of it, a view into the
 * datagram; false: there is no more of it, next() has the rest. */
bool sotto__dtls_open(struct dtls *d, sotto_us now, struct dtls_datagram *in, struct dtls_out *out);
/* 1 filled, 0 nothing, < 0 dead for good: SOTTO_E_PROTO (fingerprint, certificate, no common cipher), SOTTO_E_NETWORK (no answer
 * within SOTTO_MAX_DTLS_US), SOTTO_E_NOMEM; sotto__dtls_reason says why. Also runs due timers. */
int sotto__dtls_next(struct dtls *d, sotto_us now, struct dtls_out *out);
sotto_us sotto__dtls_due(const struct dtls *d);
void sotto__dtls_free(struct dtls *d); /* NULL is fine */

/* The fingerprints of the remote description: copied. Before or during the handshake, or after it when the answer is late: until
 * then the connection is not CONNECTED and gives no data up. Again only with the same set (SOTTO_E_STATE). Also SOTTO_E_INVAL none of
 * a hash that we accept, SOTTO_E_LIMIT more than SOTTO_MAX_FINGERPRINTS, SOTTO_E_NOMEM. Call next() after it. */
int sotto__dtls_set_fingerprints(struct dtls *d, const struct sdp_fingerprint *f, size_t n);
/* The certificates that are accepted, beside those of the description: borrowed until it is called again or d is freed; n 0: any. A peer
 * that uses none of them does not become CONNECTED. One that is: SOTTO_E_ACCESS, and nothing has changed. */
int sotto__dtls_set_pins(struct dtls *d, const struct sdp_fingerprint *pins, size_t n);
bool sotto__dtls_is_pinned(const struct dtls *d); /* CONNECTED to one of these */
/* What both ends have in common, and nobody with two connections can have in both: a hash of both certificates, the client's first, and of
 * RFC 9266's channel binding. 0, SOTTO_E_STATE before CONNECTED, SOTTO_E_NOMEM. */
#define DTLS_CODE 64u
int sotto__dtls_code(const struct dtls *d, uint8_t out[static DTLS_CODE]);
/* Seal one message into one record in out; its length, or SOTTO_E_STATE before CONNECTED and after the end, SOTTO_E_INVAL n is 0,
 * SOTTO_E_TOO_BIG (n above 16384, or cap < n + SOTTO_DTLS_OVERHEAD). */
int sotto__dtls_seal(struct dtls *d, const uint8_t *p, size_t n, uint8_t *out, size_t cap);
#define SOTTO_DTLS_OVERHEAD 64u
/* Say close_notify: the packets come by next(). */
void sotto__dtls_close(struct dtls *d, sotto_us now);
const char *sotto__dtls_reason(const struct dtls *d); /* static or in d: why it died; "" while alive */
/* What has stood in the way of the handshake so far; "" nothing. */
#define DTLS_HINT 160u
void sotto__dtls_hint(const struct dtls *d, char out[static DTLS_HINT]);
/* Keying material (RFC 5705); 0 or SOTTO_E_STATE before CONNECTED. */
int sotto__dtls_export(struct dtls *d, const char *label, uint8_t *out, size_t n);
/* What the handshake agreed on, and the peer's certificate: the base64 of its DER is appended. false before CONNECTED. */
struct dtls_info {
    uint16_t version;   /* as on the wire: 0xfefd is DTLS 1.2 */
    const char *cipher; /* the name that IANA gave the suite; static */
    const char *group;  /* of the key exchange, as IANA has it; static, "" not known */
    struct sdp_fingerprint certificate; /* sha-256 */
};
bool sotto__dtls_get_info(const struct dtls *d, struct dtls_info *ret, struct buf *base64);
/* Of the peer's certificate: dtls_about.c. false before CONNECTED, and without memory. */
bool sotto__dtls_about_peer(const struct dtls *d, struct cert_about *ret);
const char *sotto__dtls_library_version(void); /* of OpenSSL, at run time */
/* The SRTP profile that the handshake agreed on, by its number in RFC 5764 §4.1.2; 0 before CONNECTED, and without one. */
uint16_t sotto__dtls_srtp_profile(const struct dtls *d);
/* The longest plaintext of a record that the peer takes (RFC 8449); 0: it did not say. */
size_t sotto__dtls_record_limit(const struct dtls *d);
bool sotto__dtls_is_client(const struct dtls *d);
size_t sotto__dtls_bytes(const struct dtls *d); /* of memory that is ours, not OpenSSL's */
void sotto__dtls_get_stats(const struct dtls *d, struct dtls_stats *ret);

#endif
