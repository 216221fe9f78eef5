/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signatures of the other end, checked before OpenSSL sees what they stand under: it ends a handshake at the first that is wrong, and who
 * reads the packets can send their like with some bytes changed. A server's is in its ServerKeyExchange and covers both randoms
 * (RFC 8422 §5.4), a client's is its CertificateVerify, over all messages so far (RFC 5246 §7.4.8). In: messages that the guard holds; out:
 * whether they may go on. What does not prove itself is dropped, the peer repeats its own. Asked only once something was forged: nothing
 * here is in the way of a handshake that nobody disturbs. OpenSSL checks all of it again.
 * answers: H066 H068 H070
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "transport/dtls_int.h"
#include "util/bytes.h"

#define EVERY SOTTO_MS(1) /* a flood of flights must not cost a signature each … */
#define AT_ONCE 16        /* … but for the first of them */

/* RFC 8446 §4.2.3 has these numbers for TLS 1.2, too: what dtls_ctx.c offers. */
static const struct scheme {
    uint16_t number;
    const char *hash;
    int padding; /* of RSA; 0: ECDSA */
} schemes[] = {
    {0x0403, "SHA2-256", 0},
    {0x0503, "SHA2-384", 0},
    {0x0603, "SHA2-512", 0},
    {0x0401, "SHA2-256", RSA_PKCS1_PADDING},
    {0x0501, "SHA2-384", RSA_PKCS1_PADDING},
    {0x0601, "SHA2-512", RSA_PKCS1_PADDING},
    {0x0804, "SHA2-256", RSA_PKCS1_PSS_PADDING},
    {0x0805, "SHA2-384", RSA_PKCS1_PSS_PADDING},
    {0x0806, "SHA2-512", RSA_PKCS1_PSS_PADDING},
};

enum { HEADER = 12, CLIENT_KEY_EXCHANGE = 16 };

struct signature {
    uint16_t scheme;
    const uint8_t *p;
    size_t n;
};

static bool read_signature(struct reader *in, struct signature *ret)
{
    ret->scheme = sotto__read_u16(in);
    ret->n = sotto__read_u16(in);
    ret->p = sotto__read_view(in, ret->n);
    return !in->bad && in->n == 0;
}

/* Over the first n bytes at p, then the other m at q. */
static bool verify(EVP_PKEY *key, const struct signature *s, const uint8_t *p, size_t n,
                   const uint8_t *q, size_t m)
{
    const struct scheme *is = NULL;
    EVP_PKEY_CTX *options;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (schemes[i].number == s->scheme) is = &schemes[i];
    if (!is || EVP_PKEY_is_a(key, is->padding == 0 ? "EC" : "RSA") != 1) return false;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md &&
              EVP_DigestVerifyInit_ex(md, &options, is->hash, sotto__dtls_library(), NULL, key,
                                      NULL) == 1 &&
              (is->padding == 0 || EVP_PKEY_CTX_set_rsa_padding(options, is->padding) == 1) &&
              (is->padding != RSA_PKCS1_PSS_PADDING ||
               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1) &&
              EVP_DigestVerifyUpdate(md, p, n) == 1 && EVP_DigestVerifyUpdate(md, q, m) == 1 &&
              EVP_DigestVerifyFinal(md, s->p, s->n) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

/* The certificate of a Certificate message: yours; NULL: it is none, or not one that the description names. */
static X509 *read_certificate(const struct dtls *d, const uint8_t *p, size_t n)
{
    const uint8_t *der = NULL;
    size_t len = 0;
    if (!sotto__dtls_first_certificate(p, n, &der, &len) || !sotto__dtls_is_named(d, der, len))
        return NULL;
    X509 *x = X509_new_ex(sotto__dtls_library(), NULL);
    if (x && !d2i_X509(&x, &der, (long)len)) return NULL; /* it frees what it was given */
    return x;
}

static bool check(const struct dtls *d, const uint8_t *cert, size_t n_cert,
                  const struct signature *s, const uint8_t *p, size_t n, const uint8_t *q, size_t m)
{
    X509 *x = read_certificate(d, cert, n_cert);
    EVP_PKEY *key = x ? X509_get0_pubkey(x) : NULL;
    bool ok = key && !sotto__cert_key_refused(key, true) && verify(key, s, p, n, q, m);
    X509_free(x);
    ERR_clear_error();
    return ok;
}

/* ServerHello, Certificate, ServerKeyExchange. */
static bool server_proves_itself(const struct dtls *d)
{
    const struct guard_message *m = d->guard.msg;
    struct reader in = sotto__reader(m[2].p, m[2].len);
    uint8_t randoms[64];
    struct signature s;
    if (m[0].len < 34) return false;
    sotto__read_u8(&in); /* named_curve, its number */
    sotto__read_u16(&in);
    sotto__read_view(&in, sotto__read_u8(&in)); /* the point */
    size_t n = m[2].len - in.n;
    if (!read_signature(&in, &s) || SSL_get_client_random(d->ssl, randoms, 32) != 32) return false;
    memcpy(randoms + 32, m[0].p + 2, 32);
    return check(d, m[1].p, m[1].len, &s, randoms, sizeof randoms, m[2].p, n);
}

/* ClientKeyExchange, CertificateVerify; the Certificate before them is the last message of the transcript. */
static bool client_proves_itself(const struct dtls *d)
{
    const struct guard_message *m = d->guard.msg;
    struct buf all;
    struct signature s;
    struct reader in = sotto__reader(m[3].p, m[3].len);
    uint8_t head[HEADER];
    size_t at = d->transcript.last + HEADER;
    if (d->transcript.all.err || at > d->transcript.all.n) return true; /* no memory for it: as if nobody looked */
    sotto__buf_init(&all, HEADER + SOTTO_MAX_HANDSHAKE_MESSAGE);
    sotto__dtls_message_head(head, CLIENT_KEY_EXCHANGE, 2, m[2].len);
    sotto__buf_add(&all, head, HEADER);
    sotto__buf_add(&all, m[2].p, m[2].len);
    bool ok = all.err || (read_signature(&in, &s) &&
                          check(d, d->transcript.all.p + at, d->transcript.all.n - at, &s,
                                d->transcript.all.p, d->transcript.all.n, all.p, all.n));
    sotto__buf_free(&all);
    return ok;
}

/* A server's transcript, as if no message was fragmented; what is repeated is in it once. Its own messages come in order. */
void sotto__dtls_transcribe(struct dtls *d, bool ours, const uint8_t *p, size_t n)
{
    struct dtls_transcript *t = &d->transcript;
    struct reader in = sotto__reader(p, n);
    uint8_t head[HEADER], type = sotto__read_u8(&in);
    uint32_t len = sotto__read_u24(&in);
    uint16_t number = sotto__read_u16(&in);
    uint32_t off = sotto__read_u24(&in);
    sotto__read_u24(&in);
    if (d->client || in.bad) return;
    if (off == 0 && (!ours || number == t->next)) {
        t->last = t->all.n;
        t->left = len;
        if (ours) t->next++;
        sotto__dtls_message_head(head, type, number, len);
        sotto__buf_add(&t->all, head, HEADER);
    } else if (number + 1 != t->next || off != len - t->left) {
        return;
    }
    if (in.n > t->left) return;
    sotto__buf_add(&t->all, in.p, in.n);
    t->left -= (uint32_t)in.n;
}

/* Of two that do not fit each other the older one goes: the newer one may be the beginning of the right ones. */
static void drop_older(struct dtls *d, size_t a, size_t b)
{
    const struct guard_message *m = d->guard.msg;
    sotto__dtls_guard_drop(&d->guard, m[a].order < m[b].order ? a : b);
}

static bool may_look(struct dtls *d)
{
    sotto_us from = d->now - AT_ONCE * EVERY;
    if (d->proof_at < from) d->proof_at = from;
    if (d->proof_at + EVERY > d->now) return false;
    d->proof_at += EVERY;
    return true;
}

bool sotto__dtls_waits_for_proof(struct dtls *d)
{
    struct dtls_guard *g = &d->guard;
    bool is_asked = d->n_fingerprints > 0 && (g->forged > 0 || d->stats.rebuilds > 0);
    size_t first = g->client ? 0 : 2, last = g->client ? 2 : 3;
    if (!is_asked || g->next != first || g->hvr) return false;
    for (size_t i = first; i <= last; i++)
        if (!sotto__dtls_guard_has(g, i)) return true;
    if (!may_look(d)) return true;
    if (g->client ? server_proves_itself(d) : client_proves_itself(d)) return false;
    drop_older(d, first, last);
    g->hint = "the peer's handshake messages do not fit each other";
    return true;
}
