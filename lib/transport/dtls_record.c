/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protected records of DTLS 1.2: key expansion (RFC 5246 §6.3), AES-GCM (RFC 5288) and ChaCha20-Poly1305 (RFC 7905), the replay window
 * (RFC 6347 §4.1.2.6). In: plaintexts and records; out: the other ones. One cipher context a direction holds its key for ever, and
 * takes a whole record in one call: half the time of a call for each of nonce, header, text and tag. No sequence number is sealed
 * twice. Knows neither what a record means nor what to do about a bad one.
 * answers: H073 H075 H076 H086
 */
#include "transport/dtls_record.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "sotto/base.h"
#include "transport/dtls_int.h"
#include "util/bytes.h"
#include "util/cold.h"
#include "util/limits.h"
#include "util/mem.h"

enum { AAD = 13, IV = 12, SALT = 4, EXPLICIT = 8, EPOCH = 1 };

static void put_be(uint8_t *p, uint64_t v, size_t n)
{
    while (n-- > 0) p[n] = (uint8_t)v, v >>= 8;
}

/* tail: what follows the randoms. */
COLD static bool prf(const struct dtls_secrets *s, const char *label, bool server_first,
                     const char *tail, size_t n_tail, uint8_t *out, size_t n)
{
    EVP_KDF *kdf = EVP_KDF_fetch(sotto__dtls_library(), "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    const uint8_t *first = server_first ? s->server_random : s->client_random;
    const uint8_t *second = server_first ? s->client_random : s->server_random;
    const char *md = s->sha384 ? "SHA384" : "SHA256"; /* OpenSSL's parameters are not const, but it only reads these */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)md, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)(uintptr_t)s->master,
                                          sizeof s->master),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)label,
                                          strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)first, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)second, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)(uintptr_t)tail, n_tail),
        OSSL_PARAM_construct_end()};
    if (n_tail == 0) params[5] = OSSL_PARAM_construct_end();
    bool ok = ctx && EVP_KDF_derive(ctx, out, n, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (!ok) ERR_clear_error();
    return ok;
}

COLD bool sotto__dtls_prf(const struct dtls_secrets *s, const char *label, bool server_first,
                          uint8_t *out, size_t n)
{
    return prf(s, label, server_first, "", 0, out, n);
}

/* RFC 9266 §2 has a context of no bytes, which is not the same as none: RFC 5705 §4 puts its length behind the randoms. */
COLD bool sotto__dtls_binding(const struct dtls_secrets *s, uint8_t out[static DTLS_BINDING])
{
    static const char no_bytes[2] = {0, 0};
    return prf(s, "EXPORTER-Channel-Binding", false, no_bytes, sizeof no_bytes, out, DTLS_BINDING);
}

/* iv makes OpenSSL seal and open whole records in one call, as its own connections do. */
COLD static bool way_init(EVP_CIPHER_CTX **ret, const EVP_CIPHER *cipher, const uint8_t *key,
                          uint8_t iv[static IV], int n_iv, bool seals)
{
    *ret = EVP_CIPHER_CTX_new();
    return *ret && EVP_CipherInit_ex(*ret, cipher, NULL, key, NULL, seals) == 1 &&
           EVP_CIPHER_CTX_ctrl(*ret, EVP_CTRL_AEAD_SET_IV_FIXED, n_iv, iv) == 1;
}

COLD int sotto__dtls_layer_init(struct dtls_layer *l, const struct dtls_secrets *s, bool client,
                                uint64_t seq, uint64_t nonce)
{
    bool gcm = s->cipher != DTLS_CHACHA20_POLY1305;
    size_t n_key = s->cipher == DTLS_AES_128_GCM ? 16 : 32, n_iv = gcm ? SALT : IV;
    static const char *const names[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(sotto__dtls_library(), names[s->cipher], NULL);
    uint8_t block[2 * (32 + IV)], iv[2][IV] = {{0}}; /* both keys, then both nonces: the client's first */
    size_t ours = client ? 0 : 1, theirs = 1 - ours;
    *l =
        (struct dtls_layer){.seq = seq, .nonce = nonce, .head = DTLS_HEADER + (gcm ? EXPLICIT : 0)};
    bool ok = cipher && sotto__dtls_prf(s, "key expansion", true, block, 2 * (n_key + n_iv));
    for (size_t i = 0; ok && i < 2; i++) memcpy(iv[i], block + 2 * n_key + i * n_iv, n_iv);
    if (gcm) put_be(iv[ours] + SALT, seq + nonce, EXPLICIT);
    /* a length of -1: all of it, to be counted up with each record; else OpenSSL would begin somewhere else */
    ok = ok && way_init(&l->seal, cipher, block + ours * n_key, iv[ours], gcm ? -1 : IV, true) &&
         way_init(&l->open, cipher, block + theirs * n_key, iv[theirs], (int)n_iv, false);
    EVP_CIPHER_free(cipher);
    sotto__wipe(block, sizeof block);
    sotto__wipe(iv, sizeof iv);
    if (ok) return 0;
    sotto__dtls_layer_free(l);
    ERR_clear_error();
    return SOTTO_E_NOMEM;
}

void sotto__dtls_layer_free(struct dtls_layer *l)
{
    EVP_CIPHER_CTX_free(l->seal);
    EVP_CIPHER_CTX_free(l->open);
    sotto__wipe(l, sizeof *l);
}

uint64_t sotto__dtls_sequence(const uint8_t *rec)
{
    return (uint64_t)sotto__get_u16(rec + 5) << 32 | sotto__get_u32(rec + 7);
}

/* One record in place, its body of n bytes with nonce and tag (RFC 5246 §6.2.3.3). OpenSSL takes the lengths of these off again. */
static bool crypt(EVP_CIPHER_CTX *c, uint8_t *rec, size_t n, bool seals)
{
    uint8_t aad[AAD];
    int len = 0;
    memcpy(aad, rec + 3, 8); /* epoch and sequence number */
    memcpy(aad + 8, rec, 3);
    put_be(aad + 11, seals ? n - DTLS_TAG : n, 2);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, aad, sizeof aad), OSSL_PARAM_END};
    return EVP_CIPHER_CTX_set_params(c, params) == 1 &&
           EVP_CipherUpdate(c, rec + DTLS_HEADER, &len, rec + DTLS_HEADER, (int)n) == 1;
}

int sotto__dtls_layer_seal(struct dtls_layer *l, uint8_t type, const uint8_t *p, size_t n,
                           uint8_t *out)
{
    uint8_t nonce[EXPLICIT];
    size_t n_body = l->head - DTLS_HEADER + n + DTLS_TAG;
    if (l->seq > SOTTO_MAX_DTLS_SEQUENCE) return SOTTO_E_LIMIT;
    put_be(nonce, l->seq + l->nonce, EXPLICIT);
    out[0] = type, out[1] = 0xfe, out[2] = 0xfd;
    put_be(out + 3, EPOCH, 2);
    put_be(out + 5, l->seq, 6);
    put_be(out + 11, n_body, 2);
    l->seq++; /* whatever comes now: never again */
    if (p != out + l->head) memcpy(out + l->head, p, n);
    if (!crypt(l->seal, out, n_body, true) ||
        (l->head > DTLS_HEADER && memcmp(out + DTLS_HEADER, nonce, EXPLICIT) != 0)) {
        l->seq = SOTTO_MAX_DTLS_SEQUENCE + 1;
        ERR_clear_error();
        return SOTTO_E_SYS;
    }
    return (int)(DTLS_HEADER + n_body);
}

static bool is_seen(const struct dtls_layer *l, uint64_t seq)
{
    if (seq >= l->next) return false;
    if (l->next - seq > DTLS_WINDOW) return true;
    return l->seen[seq / 64 % DTLS_WINDOW_WORDS] >> (seq % 64) & 1;
}

void sotto__dtls_layer_mark(struct dtls_layer *l, uint64_t seq)
{
    if (seq >= l->next) {
        uint64_t word = l->next == 0 ? 0 : (l->next - 1) / 64, last = seq / 64;
        if (last - word > DTLS_WINDOW_WORDS) word = last - DTLS_WINDOW_WORDS;
        while (word < last) l->seen[++word % DTLS_WINDOW_WORDS] = 0;
        l->next = seq + 1;
    }
    l->seen[seq / 64 % DTLS_WINDOW_WORDS] |= (uint64_t)1 << (seq % 64);
}

int sotto__dtls_layer_open(struct dtls_layer *l, uint8_t *rec, size_t n)
{
    if (n < l->head + DTLS_TAG || n > l->head + DTLS_LARGEST + DTLS_TAG || rec[1] != 0xfe ||
        rec[2] != 0xfd || sotto__get_u16(rec + 3) != EPOCH ||
        sotto__get_u16(rec + 11) != n - DTLS_HEADER)
        return DTLS_MALFORMED;
    uint64_t seq = sotto__dtls_sequence(rec);
    if (is_seen(l, seq)) return DTLS_REPLAYED;
    if (!crypt(l->open, rec, n - DTLS_HEADER, false)) {
        l->forged++;
        ERR_clear_error();
        return DTLS_FORGED;
    }
    sotto__dtls_layer_mark(l, seq);
    return (int)(n - l->head - DTLS_TAG);
}
