/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protected records of DTLS 1.2: key expansion (RFC 5246 §6.3), AES-GCM (RFC 5288) and ChaCha20-Poly1305 (RFC 7905), the replay window
 * (RFC 6347 §4.1.2.6). In: plaintexts and records; out: the other ones. One cipher context a direction holds its key for ever; a
 * record brings only its nonce. No sequence number is sealed twice. Knows neither what a record means nor what to do about a bad one.
 */
#include "transport/dtls_record.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "sotto/base.h"
#include "util/bytes.h"
#include "util/limits.h"
#include "util/mem.h"

enum { AAD = 13, IV = 12, SALT = 4, EXPLICIT = 8 };

#define WINDOW_BITS (64u * DTLS_WINDOW_WORDS)

bool sotto__dtls_prf(const struct dtls_secrets *s, const char *label, bool server_first,
                     uint8_t *out, size_t n)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
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
        OSSL_PARAM_construct_end()};
    bool ok = ctx && EVP_KDF_derive(ctx, out, n, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    if (!ok) ERR_clear_error();
    return ok;
}

static const EVP_CIPHER *cipher_of(enum dtls_cipher c)
{
    switch (c) {
    case DTLS_AES_128_GCM: return EVP_aes_128_gcm();
    case DTLS_AES_256_GCM: return EVP_aes_256_gcm();
    case DTLS_CHACHA20_POLY1305: break;
    }
    return EVP_chacha20_poly1305();
}

static bool way_init(struct dtls_way *w, const EVP_CIPHER *cipher, const uint8_t *key,
                     const uint8_t *iv, size_t n_iv, bool seals)
{
    memcpy(w->iv, iv, n_iv);
    w->ctx = EVP_CIPHER_CTX_new();
    return w->ctx && EVP_CipherInit_ex(w->ctx, cipher, NULL, key, NULL, seals) == 1;
}

int sotto__dtls_layer_init(struct dtls_layer *l, const struct dtls_secrets *s, bool client,
                           uint64_t seq, uint64_t nonce)
{
    bool gcm = s->cipher != DTLS_CHACHA20_POLY1305;
    size_t n_key = s->cipher == DTLS_AES_128_GCM ? 16 : 32, n_iv = gcm ? SALT : IV;
    const EVP_CIPHER *cipher = cipher_of(s->cipher);
    uint8_t block[2 * (32 + IV)]; /* both keys, then both nonces: the client's first */
    const uint8_t *iv = block + 2 * n_key;
    size_t ours = client ? 0 : 1, theirs = 1 - ours;
    *l =
        (struct dtls_layer){.seq = seq, .nonce = nonce, .head = DTLS_HEADER + (gcm ? EXPLICIT : 0)};
    bool ok = sotto__dtls_prf(s, "key expansion", true, block, 2 * (n_key + n_iv)) &&
              way_init(&l->seal, cipher, block + ours * n_key, iv + ours * n_iv, n_iv, true) &&
              way_init(&l->open, cipher, block + theirs * n_key, iv + theirs * n_iv, n_iv, false);
    sotto__wipe(block, sizeof block);
    if (ok) return 0;
    sotto__dtls_layer_free(l);
    ERR_clear_error();
    return SOTTO_E_NOMEM;
}

void sotto__dtls_layer_free(struct dtls_layer *l)
{
    EVP_CIPHER_CTX_free(l->seal.ctx);
    EVP_CIPHER_CTX_free(l->open.ctx);
    sotto__wipe(l, sizeof *l);
}

static void put_be(uint8_t *p, uint64_t v, size_t n)
{
    while (n-- > 0) p[n] = (uint8_t)v, v >>= 8;
}

uint64_t sotto__dtls_sequence(const uint8_t *rec)
{
    return (uint64_t)sotto__get_u16(rec + 5) << 32 | sotto__get_u32(rec + 7);
}

/* RFC 5246 §6.2.3.3: epoch and sequence number, type, version, length of the plaintext. */
static void make_aad(uint8_t aad[static AAD], const uint8_t *rec, size_t n)
{
    memcpy(aad, rec + 3, 8);
    memcpy(aad + 8, rec, 3);
    put_be(aad + 11, n, 2);
}

static void make_nonce(const struct dtls_layer *l, const struct dtls_way *w, const uint8_t *rec,
                       uint8_t nonce[static IV])
{
    memcpy(nonce, w->iv, IV);
    if (l->head > DTLS_HEADER) {
        memcpy(nonce + SALT, rec + DTLS_HEADER, EXPLICIT); /* RFC 5288 §3 */
        return;
    }
    for (size_t i = 0; i < 8; i++) nonce[SALT + i] ^= rec[3 + i]; /* RFC 7905 §2: epoch and sequence number */
}

int sotto__dtls_layer_seal(struct dtls_layer *l, uint8_t type, const uint8_t *p, size_t n,
                           uint8_t *out)
{
    uint8_t aad[AAD], nonce[IV];
    int len = 0, end = 0;
    EVP_CIPHER_CTX *c = l->seal.ctx;
    if (l->seq > SOTTO_MAX_DTLS_SEQUENCE) return SOTTO_E_LIMIT;
    out[0] = type, out[1] = 0xfe, out[2] = 0xfd;
    put_be(out + 3, 1, 2);
    put_be(out + 5, l->seq, 6);
    put_be(out + 11, n + l->head - DTLS_HEADER + DTLS_TAG, 2);
    if (l->head > DTLS_HEADER) put_be(out + DTLS_HEADER, l->seq + l->nonce, EXPLICIT);
    l->seq++; /* whatever comes now: never again */
    make_aad(aad, out, n);
    make_nonce(l, &l->seal, out, nonce);
    uint8_t *to = out + l->head;
    if (EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(c, NULL, &len, aad, AAD) != 1 ||
        EVP_EncryptUpdate(c, to, &len, p, (int)n) != 1 || len != (int)n ||
        EVP_EncryptFinal_ex(c, to + n, &end) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, DTLS_TAG, to + n) != 1) {
        ERR_clear_error();
        return SOTTO_E_SYS;
    }
    return (int)(l->head + n + DTLS_TAG);
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

int sotto__dtls_layer_open(struct dtls_layer *l, const uint8_t *rec, size_t n, uint8_t *to)
{
    uint8_t aad[AAD], nonce[IV], tag[DTLS_TAG];
    int len = 0, end = 0;
    EVP_CIPHER_CTX *c = l->open.ctx;
    if (n < l->head + DTLS_TAG || n > l->head + DTLS_LARGEST + DTLS_TAG || rec[1] != 0xfe ||
        rec[2] != 0xfd || rec[3] != 0 || rec[4] != 1)
        return DTLS_MALFORMED;
    uint64_t seq = sotto__dtls_sequence(rec);
    if (is_seen(l, seq)) return DTLS_REPLAYED;
    n -= l->head + DTLS_TAG;
    make_aad(aad, rec, n);
    make_nonce(l, &l->open, rec, nonce);
    memcpy(tag, rec + l->head + n, DTLS_TAG);
    if (EVP_DecryptInit_ex(c, NULL, NULL, NULL, nonce) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, DTLS_TAG, tag) != 1 ||
        EVP_DecryptUpdate(c, NULL, &len, aad, AAD) != 1 ||
        EVP_DecryptUpdate(c, to, &len, rec + l->head, (int)n) != 1 || len != (int)n ||
        EVP_DecryptFinal_ex(c, to + n, &end) != 1) {
        l->forged++;
        ERR_clear_error();
        return DTLS_FORGED;
    }
    sotto__dtls_layer_mark(l, seq);
    return (int)n;
}
