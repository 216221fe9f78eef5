/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much is known of the remote, and whether that is what the application requires: until then neither media nor messages pass. In:
 * the state of DTLS, certificates that are accepted, the user's word on the code; out: the level, its event, the gate that media.c,
 * receive.c and peer.c ask. While the gate is shut the association of data stands, but nothing is read from it, so that its window
 * closes; media is opened and dropped. A new DTLS association begins without trust.
 * answers: S05 S18 S28 H027
 */
#include <string.h>

#include "peer/private.h"
#include "peer/verify.h"
#include "sotto/verify.h"
#include "util/error.h"

int32_t sotto__peer_verification(const struct peer *p)
{
    return p->verify.level;
}

bool sotto__peer_closed(const struct peer *p)
{
    return p->closed;
}

int32_t sotto__peer_required_verification(const struct peer *p)
{
    return p->verify.required;
}

uint64_t sotto__peer_unverified(const struct peer *p)
{
    return p->verify.dropped;
}

bool sotto__verify_is_open(const struct peer *p)
{
    return p->verify.level >= p->verify.required;
}

/* What an association brought that has ended since is the application's, if the gate was open for it. */
bool sotto__verify_can_read(const struct peer *p)
{
    return sotto__verify_is_open(p) || (p->sctp_up && p->transport.sctp_over);
}

static void set_level(struct peer *p, sotto_us now, int32_t level)
{
    p->verify.level = level;
    sotto__events_verified(p, now); /* before OPEN of the channels */
    if (!p->verify.data_waits || !sotto__verify_is_open(p)) return;
    sotto__peer_data_up(p, now, p->verify.streams);
}

void sotto__verify_dtls(struct peer *p, sotto_us now)
{
    if (p->dtls == TRANSPORT_DTLS_NEW || p->dtls == TRANSPORT_DTLS_CONNECTING) {
        p->verify.was_read = p->verify.data_waits = false;
        set_level(p, now, SOTTO_VERIFY_NONE);
    } else if (p->dtls == TRANSPORT_DTLS_CONNECTED && sotto__dtls_is_pinned(p->transport.dtls)) {
        set_level(p, now, SOTTO_VERIFY_PINNED);
    } /* ended: what has arrived is of whom it was */
}

/* A hash that no fingerprint of the description has says nothing: then the certificate itself decides. */
static bool is_refused(const struct sdp_fingerprint *pins, size_t n_pins,
                       const struct sdp_fingerprint *f, size_t n)
{
    bool is_refused = false;
    for (size_t i = 0; i < n_pins * n; i++) {
        const struct sdp_fingerprint *pin = &pins[i / n], *named = &f[i % n];
        if (pin->n_bytes != named->n_bytes || strcmp(pin->hash, named->hash) != 0) continue;
        if (memcmp(pin->bytes, named->bytes, pin->n_bytes) == 0) return false;
        is_refused = true;
    }
    return is_refused;
}

int sotto__verify_described(const struct peer *p, const struct sdp_fingerprint *f, size_t n,
                            sotto_error *err)
{
    if (!is_refused(p->transport.pins, p->transport.n_pins, f, n)) return 0;
    return sotto__error(err, SOTTO_E_ACCESS, 0,
                        "the fingerprint of the description is none of those that are accepted");
}

int sotto__peer_verification_code(struct peer *p, uint8_t out[static DTLS_CODE])
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (p->dtls != TRANSPORT_DTLS_CONNECTED) return SOTTO_E_STATE;
    int r = sotto__dtls_code(p->transport.dtls, out);
    if (r == 0) p->verify.was_read = true;
    return r;
}

int sotto__peer_remote_fingerprint(const struct peer *p, struct sdp_fingerprint *ret)
{
    struct dtls_info info;
    struct buf der;
    if (p->closed) return SOTTO_E_CLOSED;
    if (p->dtls != TRANSPORT_DTLS_CONNECTED) return SOTTO_E_STATE;
    sotto__buf_init(&der, SOTTO_MAX_PEM);
    bool known = sotto__dtls_get_info(p->transport.dtls, &info, &der);
    int r = !known ? SOTTO_E_STATE : der.err ? SOTTO_E_NOMEM : 0;
    sotto__buf_free(&der);
    if (r == 0) *ret = info.certificate;
    return r;
}

/* What the gate held back goes on. */
static void go_on(struct peer *p, sotto_us now)
{
    sotto__receive(p, now);
    sotto__media_run(p, now);
    sotto__sendq_pump(p, now);
    sotto__peer_drain(p, now);
    sotto__peer_update(p, now);
}

int sotto__peer_confirm(struct peer *p, sotto_us now)
{
    if (p->closed) return SOTTO_E_CLOSED;
    if (p->dtls != TRANSPORT_DTLS_CONNECTED || !p->verify.was_read) return SOTTO_E_STATE;
    set_level(p, now, SOTTO_VERIFY_CONFIRMED);
    go_on(p, now);
    return 0;
}

/* An offer that is not answered yet is looked at again when it is. */
static bool is_described_otherwise(const struct peer *p, const struct sdp_fingerprint *pins,
                                   size_t n)
{
    const struct transport_kept *r = p->transport.remote;
    return r && is_refused(pins, n, r->fingerprints, r->n_fingerprints);
}

int sotto__peer_set_pins(struct peer *p, sotto_us now, const struct sdp_fingerprint *pins, size_t n,
                         sotto_error *err)
{
    if (p->closed) return sotto__error(err, SOTTO_E_CLOSED, 0, "the connection is closed");
    if (is_described_otherwise(p, pins, n))
        return sotto__error(err, SOTTO_E_ACCESS, 0, "the remote description names none of them");
    int r = sotto__transport_set_pins(&p->transport, pins, n);
    if (r == SOTTO_E_ACCESS)
        return sotto__error(err, r, 0, "the remote's certificate is none of them");
    if (r < 0) return sotto__error(err, r, 0, "no memory");
    if (p->dtls != TRANSPORT_DTLS_CONNECTED || p->verify.level >= SOTTO_VERIFY_PINNED) return 0;
    set_level(p, now, SOTTO_VERIFY_PINNED);
    go_on(p, now);
    return 0;
}
