/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the peer is: its certificate against the fingerprints of its description (RFC 8122 §5.1, RFC 8827 §6.5), and whether
 * its key is good enough. Runs inside the handshake, before anything is signed with the keys or given up, and again at its
 * end. Chain, names and dates say nothing here and are not read. What it refuses ends the connection with an alert.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "transport/dtls_int.h"
#include "util/enc.h"

static const EVP_MD *hash_of(int strength)
{
    return strength == 3 ? EVP_sha512() : strength == 2 ? EVP_sha384() : EVP_sha256();
}

bool sotto__dtls_verify(struct dtls *d, X509 *peer)
{
    struct sdp_fingerprint is = {0};
    const struct sdp_fingerprint *named = NULL;
    char a[224], b[224];
    unsigned n = 0;
    int strongest = 0;
    bool match = false;
    for (size_t i = 0; i < d->n_fingerprints; i++) {
        int s = sotto__fingerprint_strength(&d->fingerprints[i]);
        if (s > strongest) strongest = s, named = &d->fingerprints[i];
    }
    if (!named || !X509_digest(peer, hash_of(strongest), is.bytes, &n) || n != named->n_bytes) {
        sotto__dtls_die(d, SOTTO_E_PROTO, "the peer's certificate could not be compared");
        return false;
    }
    memcpy(is.hash, named->hash, sizeof is.hash);
    is.n_bytes = n;
    for (size_t i = 0; i < d->n_fingerprints; i++)
        if (sotto__fingerprint_strength(&d->fingerprints[i]) == strongest)
            match |= sotto__equal_ct(d->fingerprints[i].bytes, is.bytes, n);
    if (match) return true;
    sotto__fingerprint_text(&is, a);
    sotto__fingerprint_text(named, b);
    sotto__dtls_die(d, SOTTO_E_PROTO, "the peer's certificate is %s, its description says %s", a, b);
    return false;
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
    if (!why && (d->n_fingerprints == 0 || sotto__dtls_verify(d, peer))) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* bad_certificate */
    return 0;
}
