/* SPDX-License-Identifier: BSD-2-Clause */
/* transport: records of DTLS between two ends that shook hands, packets of SRTP. What is to be opened was sealed beforehand. */
#include "micro.h"

#include <stdlib.h>
#include <string.h>

#include "transport/dtls.h"
#include "transport/srtp.h"
#include "util/bytes.h"
#include "wire/rtp.h"

enum { SMALL = 1200, LARGE = 16384 };

/* ---- DTLS ---- */

struct dtls_state {
    struct dtls_ctx *ctx;
    struct cert *certs[2];
    struct dtls *ends[2];
    size_t size;       /* of a message */
    size_t room;       /* of a record */
    uint8_t *records;  /* sealed by end 0 */
    size_t *lengths;
    uint8_t message[LARGE];
};

/* One end's packets to the other until it has none; how many ends are connected. */
static int carry(struct dtls_state *s, int from)
{
    struct dtls_out out;
    int connected = 0;
    while (sotto__dtls_next(s->ends[from], MICRO_T0, &out) == 1) {
        if (out.type == DTLS_OUT_CONNECTED) connected++;
        if (out.type != DTLS_OUT_PACKET) continue;
        uint8_t copy[2048];
        size_t n = out.n;
        micro_expect(n <= sizeof copy, "record");
        memcpy(copy, out.p, n);
        micro_expect(sotto__dtls_input(s->ends[1 - from], MICRO_T0, copy, n) == 0, "handshake");
    }
    return connected;
}

static struct dtls_state *dtls_open_pair(size_t size, size_t n)
{
    struct dtls_state *s = micro_alloc(1, sizeof *s);
    struct sdp_fingerprint f;
    int connected = 0;
    micro_expect(sotto__dtls_ctx_new(&s->ctx) == 0, "context");
    for (int i = 0; i < 2; i++) {
        micro_expect(sotto__cert_generate(&s->certs[i], 1700000000) == 0, "certificate");
        struct dtls_cfg cfg = {.ctx = s->ctx, .cert = s->certs[i], .client = i == 0};
        micro_expect(sotto__dtls_new(&s->ends[i], &cfg, MICRO_T0) == 0, "end");
    }
    for (int i = 0; i < 2; i++) {
        sotto__cert_fingerprint(s->certs[1 - i], &f);
        micro_expect(sotto__dtls_set_fingerprints(s->ends[i], &f, 1) == 0, "fingerprint");
    }
    for (int i = 0; i < 100 && connected < 2; i++) connected += carry(s, i % 2);
    micro_expect(connected == 2, "no handshake");
    micro_fill(s->message, sizeof s->message);
    s->size = size, s->room = size + SOTTO_DTLS_OVERHEAD;
    s->records = micro_alloc(n, s->room);
    s->lengths = micro_alloc(n, sizeof *s->lengths);
    return s;
}

static void seal(void *state, size_t i)
{
    struct dtls_state *s = state;
    int n = sotto__dtls_seal(s->ends[0], s->message, s->size, s->records + i * s->room, s->room);
    micro_expect(n > 0, "seal");
    s->lengths[i] = (size_t)n;
}

static void open_one(void *state, size_t i)
{
    struct dtls_state *s = state;
    struct dtls_out out;
    struct dtls_datagram in = {s->records + i * s->room, s->lengths[i]};
    micro_expect(sotto__dtls_open(s->ends[1], MICRO_T0, &in, &out) && out.n == s->size, "open");
}

static void *seal_small(size_t n)
{
    return dtls_open_pair(SMALL, n);
}

static void *seal_large(size_t n)
{
    return dtls_open_pair(LARGE, n);
}

static void *sealed(struct dtls_state *s, size_t n)
{
    for (size_t i = 0; i < n; i++) seal(s, i);
    return s;
}

static void *open_small(size_t n)
{
    return sealed(seal_small(n), n);
}

static void *open_large(size_t n)
{
    return sealed(seal_large(n), n);
}

static void dtls_close(void *state)
{
    struct dtls_state *s = state;
    for (int i = 0; i < 2; i++) {
        sotto__dtls_free(s->ends[i]);
        sotto__cert_unref(s->certs[i]);
    }
    sotto__dtls_ctx_free(s->ctx);
    free(s->records), free(s->lengths), free(s);
}

/* ---- SRTP ---- */

enum { ROOM = SMALL + SOTTO_SRTP_OVERHEAD };

struct srtp_state {
    struct srtp *ends[2];
    uint8_t *packets; /* each with ROOM bytes */
    size_t *lengths;
};

static struct srtp_state *srtp_open(enum srtp_profile profile, size_t n)
{
    struct srtp_state *s = micro_alloc(1, sizeof *s);
    uint8_t keys[SOTTO_SRTP_MAX_KEY_MATERIAL];
    micro_fill(keys, sizeof keys);
    for (int i = 0; i < 2; i++)
        micro_expect(sotto__srtp_new(&s->ends[i], profile, i == 0, keys, NULL) == 0, "srtp");
    s->packets = micro_alloc(n, ROOM);
    s->lengths = micro_alloc(n, sizeof *s->lengths);
    for (size_t i = 0; i < n; i++) {
        struct rtp rtp = {.pt = 96, .seq = (uint16_t)i, .time = (uint32_t)i * 3000, .ssrc = 1};
        sotto__rtp_write(&rtp, s->packets + i * ROOM);
    }
    return s;
}

static void protect(void *state, size_t i)
{
    struct srtp_state *s = state;
    int n = sotto__srtp_protect(s->ends[0], s->packets + i * ROOM, SMALL);
    micro_expect(n > SMALL, "protect");
    s->lengths[i] = (size_t)n;
}

static void unprotect(void *state, size_t i)
{
    struct srtp_state *s = state;
    int n = sotto__srtp_unprotect(s->ends[1], MICRO_T0, s->packets + i * ROOM, s->lengths[i]);
    micro_expect(n == SMALL, "unprotect");
}

static void *protect_gcm(size_t n)
{
    return srtp_open(SRTP_PROFILE_AEAD_AES_128_GCM, n);
}

static void *protect_sha1(size_t n)
{
    return srtp_open(SRTP_PROFILE_AES128_CM_SHA1_80, n);
}

static void *protected(struct srtp_state *s, size_t n)
{
    for (size_t i = 0; i < n; i++) protect(s, i);
    return s;
}

static void *unprotect_gcm(size_t n)
{
    return protected(protect_gcm(n), n);
}

static void *unprotect_sha1(size_t n)
{
    return protected(protect_sha1(n), n);
}

static void srtp_close(void *state)
{
    struct srtp_state *s = state;
    for (int i = 0; i < 2; i++) sotto__srtp_free(s->ends[i]);
    free(s->packets), free(s->lengths), free(s);
}

const struct micro micro_crypto[] = {
    {"dtls seal, 1,200 B", 500, seal_small, seal, dtls_close},
    {"dtls open, 1,200 B", 500, open_small, open_one, dtls_close},
    {"dtls seal, 16 kB", 100, seal_large, seal, dtls_close},
    {"dtls open, 16 kB", 100, open_large, open_one, dtls_close},
    {"srtp protect, AES-GCM, 1,200 B", 500, protect_gcm, protect, srtp_close},
    {"srtp unprotect, AES-GCM, 1,200 B", 500, unprotect_gcm, unprotect, srtp_close},
    {"srtp protect, HMAC-SHA1, 1,200 B", 500, protect_sha1, protect, srtp_close},
    {"srtp unprotect, HMAC-SHA1, 1,200 B", 500, unprotect_sha1, unprotect, srtp_close},
    {0},
};
