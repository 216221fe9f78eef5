/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the peer is: its certificate against the fingerprints of its description (RFC 8122 §5.1, RFC 8827 §6.5) and those that the
 * application accepts, and whether its key is good enough. Runs inside the handshake, before anything is signed with the keys or
 * given up, and again at its end. Chain, names and dates say nothing here and are not read. What it refuses ends the connection with
 * an alert. Also what people can compare to find somebody in the middle: a hash of both certificates and the keys (RFC 9266).
 * answers: S05 S18 S28 DTLS-21 H007 H008 H009 H027 H059 H060 H061 H080 H089
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "transport/dtls_int.h"
#include "util/enc.h"
#include "util/mem.h"

#define DOUBT SOTTO_MS(500)

static const EVP_MD *hash_of(int strength)
{
    return strength == 3 ? EVP_sha512() : strength == 2 ? EVP_sha384() : EVP_sha256();
}

/* RFC 8122 §5.1: only the strongest hash of the set counts, and any one fingerprint of that hash. */
static const struct sdp_fingerprint *strongest(const struct dtls *d)
{
    const struct sdp_fingerprint *best = NULL;
    for (size_t i = 0; i < d->n_fingerprints; i++) {
        int s = sotto__fingerprint_strength(&d->fingerprints[i]);
        if (s > (best ? sotto__fingerprint_strength(best) : 0)) best = &d->fingerprints[i];
    }
    return best;
}

static bool is_named(const struct dtls *d, const struct sdp_fingerprint *is)
{
    bool match = false;
    for (size_t i = 0; i < d->n_fingerprints; i++)
        if (d->fingerprints[i].n_bytes == is->n_bytes &&
            strcmp(d->fingerprints[i].hash, is->hash) == 0)
            match |= sotto__equal_ct(d->fingerprints[i].bytes, is->bytes, is->n_bytes);
    return match;
}

static bool digest(const struct sdp_fingerprint *like, const uint8_t *der, size_t n,
                   struct sdp_fingerprint *ret)
{
    unsigned len = 0;
    *ret = *like;
    return EVP_Digest(der, n, ret->bytes, &len, hash_of(sotto__fingerprint_strength(like)), NULL) ==
               1 &&
           len == like->n_bytes;
}

bool sotto__dtls_is_named(const struct dtls *d, const uint8_t *der, size_t n)
{
    const struct sdp_fingerprint *named = strongest(d);
    struct sdp_fingerprint is;
    return named && digest(named, der, n, &is) && is_named(d, &is);
}

/* RFC 5246 §7.4.2 */
bool sotto__dtls_first_certificate(const uint8_t *p, size_t n, const uint8_t **der, size_t *len)
{
    struct reader r = sotto__reader(p, n);
    sotto__read_u24(&r); /* of the list */
    *len = sotto__read_u24(&r);
    *der = sotto__read_view(&r, *len);
    return *der != NULL;
}

static bool is_pinned(const struct sdp_fingerprint *pins, size_t n_pins, const uint8_t *der,
                      size_t n)
{
    bool match = false;
    struct sdp_fingerprint is = {.hash = ""};
    for (size_t i = 0; i < n_pins; i++) { /* mostly of one hash, so it is made once */
        if (strcmp(is.hash, pins[i].hash) != 0 && !digest(&pins[i], der, n, &is)) return false;
        match |=
            pins[i].n_bytes == is.n_bytes && sotto__equal_ct(pins[i].bytes, is.bytes, is.n_bytes);
    }
    return match;
}

int sotto__dtls_set_pins(struct dtls *d, const struct sdp_fingerprint *pins, size_t n)
{
    if (d->connected && !is_pinned(pins, n, d->agreed.peer, d->agreed.n_peer))
        return SOTTO_E_ACCESS;
    d->pins = pins, d->n_pins = n;
    return 0;
}

bool sotto__dtls_is_pinned(const struct dtls *d)
{
    return d->connected && d->n_pins > 0; /* or it would not be connected */
}

int sotto__dtls_code(const struct dtls *d, uint8_t out[static DTLS_CODE])
{
    static const char label[] = "sotto verification code 1"; /* another way to make it has another number */
    struct sdp_fingerprint ours = {.hash = "sha-256", .n_bytes = 32}, theirs = ours;
    uint8_t all[sizeof label - 1 + 32 + 32 + DTLS_BINDING], *at = all + sizeof label - 1;
    unsigned len = 0;
    if (!d->connected) return SOTTO_E_STATE;
    sotto__cert_fingerprint(d->cert, &ours);
    if (!digest(&theirs, d->agreed.peer, d->agreed.n_peer, &theirs)) return SOTTO_E_NOMEM;
    memcpy(all, label, sizeof label - 1);
    memcpy(at, d->client ? ours.bytes : theirs.bytes, 32);
    memcpy(at + 32, d->client ? theirs.bytes : ours.bytes, 32);
    bool ok = sotto__dtls_binding(d->agreed.secrets, at + 64) &&
              EVP_Digest(all, sizeof all, out, &len, EVP_sha512(), NULL) == 1 && len == DTLS_CODE;
    sotto__wipe(all, sizeof all);
    return ok ? 0 : SOTTO_E_NOMEM;
}

bool sotto__dtls_verify(struct dtls *d, const uint8_t *der, size_t n)
{
    const struct sdp_fingerprint *named = strongest(d);
    struct sdp_fingerprint is;
    char a[224], b[224];
    if (!named || n == 0 || !digest(named, der, n, &is)) {
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer's certificate could not be compared");
        return false;
    }
    sotto__fingerprint_text(&is, a);
    if (is_named(d, &is)) {
        if (d->n_pins == 0 || is_pinned(d->pins, d->n_pins, der, n)) return true;
        sotto__dtls_die(d, SOTTO_E_PROTO,
                        "the peer's certificate is %s, which is none of those that are accepted",
                        a);
        return false;
    }
    d->stats.certificates++;
    sotto__fingerprint_text(named, b);
    sotto__dtls_die(d, SOTTO_E_PROTO, "the peer's certificate is %s, its description says %s", a,
                    b);
    return false;
}

/*
 * A Certificate in the clear that is not the peer's would end the handshake, and anybody can send one: it is dropped, so that the
 * right one may still come. What comes for half a second, and after our flight went out again, is the peer's own mistake. Our own
 * certificate is a reflection.
 */
bool sotto__dtls_screen(struct dtls *d, const uint8_t *p, size_t n)
{
    enum { HEADERS = 13 + 12, CERTIFICATE = 11 };
    struct sdp_fingerprint is, own;
    const uint8_t *der;
    size_t len;
    if (p[0] != DTLS_HANDSHAKE || p[13] != CERTIFICATE || n < HEADERS) return true;
    bool any = sotto__dtls_first_certificate(p + HEADERS, n - HEADERS, &der, &len);
    if (any && (d->n_fingerprints == 0 || sotto__dtls_is_named(d, der, len))) return true;
    sotto__cert_fingerprint(d->cert, &own);
    bool reflected =
        any && digest(&own, der, len, &is) && memcmp(is.bytes, own.bytes, own.n_bytes) == 0;
    if (!reflected && d->strange_cert && d->guard.repeats > 0 && d->now - d->strange_at >= DOUBT) {
        if (!any) sotto__dtls_die(d, SOTTO_E_PROTO, "the peer has no certificate");
        return true; /* the callback below refuses any other, aloud */
    }
    if (!reflected && !d->strange_cert) d->strange_cert = true, d->strange_at = d->now;
    d->guard.hint = "the peer's certificate is not the one of its description";
    d->stats.certificates++;
    sotto__dtls_guard_refuse(&d->guard);
    return false;
}

static bool verify_x509(struct dtls *d, const X509 *peer)
{
    unsigned char *der = NULL;
    int n = i2d_X509(peer, &der);
    bool ok = sotto__dtls_verify(d, der, n > 0 ? (size_t)n : 0);
    OPENSSL_free(der);
    return ok;
}

int sotto__dtls_verify_cb(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct dtls *d = ssl ? SSL_get_app_data(ssl) : NULL;
    X509 *peer = X509_STORE_CTX_get0_cert(store);
    const char *why = "no certificate";
    (void)arg;
    if (!d) return 0;
    if (peer) why = sotto__cert_key_refused(X509_get0_pubkey(peer), true);
    if (why) sotto__dtls_die(d, SOTTO_E_PROTO, "the peer's certificate has %s", why);
    /* not known yet: dtls.c compares when they are, and until then gives nothing up */
    if (!why && (d->n_fingerprints == 0 || verify_x509(d, peer))) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* bad_certificate */
    return 0;
}
