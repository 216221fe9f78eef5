/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SFrame (RFC 9605): headers read and written (§4.3), keys and salts out of base keys (§4.4.2), the suites of §4.5 on OpenSSL: AES-GCM,
 * and AES in counter mode with a shortened HMAC, which is compared in constant time. In: plaintext, counter, metadata; out: a frame as it
 * is sent, and back. Knows no replays, no ratchet beyond its one step, and not which counters were used.
 *
 * answers: S25 H137
 */
#include "wire/sframe.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <string.h>

#include "sotto/e2ee.h"
#include "util/cold.h"
#include "util/enc.h"
#include "util/mem.h"

enum { NONCE = 12, MAX_HASH = 64, MAX_KEY = 48, CTR_KEY = 16, IV = 16 };

struct suite {
    uint8_t n_hash, n_key, n_tag; /* Nh, Nk, Nt */
    bool is_gcm;
};

static const struct suite suites[] = {
    [SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_80] = {32, 48, 10, false},
    [SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_64] = {32, 48, 8, false},
    [SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_32] = {32, 48, 4, false},
    [SOTTO_SFRAME_AES_128_GCM_SHA256_128] = {32, 16, 16, true},
    [SOTTO_SFRAME_AES_256_GCM_SHA512_128] = {64, 32, 16, true},
};

struct sframe_key {
    const struct suite *suite;
    uint64_t kid;
    EVP_CIPHER_CTX *aes;
    EVP_MAC_CTX *mac; /* NULL: GCM has its own */
    uint8_t salt[NONCE];
    uint8_t id[SFRAME_ID];
    bool seals;
};

bool sotto__sframe_knows(int32_t cipher)
{
    return cipher >= SOTTO_SFRAME_AES_128_CTR_HMAC_SHA256_80 &&
           cipher <= SOTTO_SFRAME_AES_256_GCM_SHA512_128;
}

/* ---- the header: §4.3 ---- */

static size_t put_be(uint64_t v, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(v >> 8 * (n - 1 - i));
    return n;
}

static size_t bytes_of(uint64_t v)
{
    size_t n = 1;
    while (v >>= 8) n++;
    return n;
}

/* Three bits of the first byte: the value, or 8 and how many bytes follow, less one. */
static unsigned compact(uint64_t v)
{
    return v < 8 ? (unsigned)v : (unsigned)(8 | (bytes_of(v) - 1));
}

size_t sotto__sframe_header_write(uint64_t kid, uint64_t counter, uint8_t out[SFRAME_MAX_HEADER])
{
    size_t n = 1;
    out[0] = (uint8_t)(compact(kid) << 4 | compact(counter));
    if (kid >= 8) n += put_be(kid, bytes_of(kid), out + n);
    if (counter >= 8) n += put_be(counter, bytes_of(counter), out + n);
    return n;
}

static bool read_compact(unsigned bits, const uint8_t *p, size_t n, size_t *at, uint64_t *ret)
{
    uint64_t v = bits & 7;
    if (bits & 8) {
        size_t len = (bits & 7) + 1;
        if (n - *at < len) return false;
        v = 0;
        for (size_t i = 0; i < len; i++) v = v << 8 | p[*at + i];
        *at += len;
        if (v < 8 || bytes_of(v) != len) return false; /* "MUST be encoded with the minimum number of bytes" */
    }
    *ret = v;
    return true;
}

int sotto__sframe_header_parse(const uint8_t *p, size_t n, struct sframe_header *ret)
{
    struct sframe_header h = {.n = 1};
    if (n < 1 || !read_compact((unsigned)p[0] >> 4, p, n, &h.n, &h.kid) ||
        !read_compact(p[0] & 15, p, n, &h.n, &h.counter))
        return SOTTO_E_SYNTAX;
    *ret = h;
    return 0;
}

/* ---- keys: RFC 5869, §4.4.2 ---- */

static const EVP_MD *hash_of(const struct suite *s)
{
    return s->n_hash == MAX_HASH ? EVP_sha512() : EVP_sha256();
}

static bool hmac(const struct suite *s, const uint8_t *key, size_t n_key, const uint8_t *p,
                 size_t n, uint8_t out[MAX_HASH])
{
    return HMAC(hash_of(s), key, (int)n_key, p, n, out, NULL) != NULL;
}

static bool extract(const struct suite *s, struct sframe_bytes base, uint8_t out[MAX_HASH])
{
    static const uint8_t no_salt[1];
    return hmac(s, no_salt, 0, base.p, base.n, out);
}

/* HKDF-Expand of at most two blocks. */
static bool expand(const struct suite *s, const uint8_t secret[MAX_HASH], const uint8_t *label,
                   size_t n_label, uint8_t *out, size_t n)
{
    uint8_t block[MAX_HASH], info[MAX_HASH + 64];
    size_t before = 0;
    bool ok = n_label < 64;
    for (uint8_t i = 1; ok && n > 0; i++) {
        size_t part = n < s->n_hash ? n : s->n_hash;
        memcpy(info, block, before);
        memcpy(info + before, label, n_label);
        info[before + n_label] = i;
        ok = hmac(s, secret, s->n_hash, info, before + n_label + 1, block);
        memcpy(out, block, ok ? part : 0);
        out += part, n -= part;
        before = s->n_hash;
    }
    sotto__wipe(block, sizeof block);
    sotto__wipe(info, sizeof info);
    return ok;
}

/* Under "name + KID + cipher_suite". */
static bool derive(const struct suite *s, const uint8_t secret[MAX_HASH], const char *name,
                   uint64_t kid, uint8_t *out, size_t n)
{
    uint8_t label[64];
    size_t len = strlen(name);
    memcpy(label, name, len);
    len += put_be(kid, 8, label + len);
    len += put_be((uint64_t)(s - suites), 2, label + len);
    return expand(s, secret, label, len, out, n);
}

static bool set_key(struct sframe_key *k, const uint8_t key[MAX_KEY])
{
    const EVP_CIPHER *aes = !k->suite->is_gcm       ? EVP_aes_128_ctr()
                            : k->suite->n_key == 32 ? EVP_aes_256_gcm()
                                                    : EVP_aes_128_gcm();
    char sha256[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, sizeof sha256 - 1), OSSL_PARAM_END};
    k->aes = EVP_CIPHER_CTX_new();
    if (!k->aes || EVP_CipherInit_ex(k->aes, aes, NULL, key, NULL, k->seals) != 1) return false;
    if (k->suite->is_gcm) return true;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    k->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* the context counts it too */
    return k->mac && EVP_MAC_init(k->mac, key + CTR_KEY, k->suite->n_hash, params) == 1;
}

COLD int sotto__sframe_key_new(struct sframe_key **ret, int32_t cipher, uint64_t kid,
                               struct sframe_bytes base, bool seals)
{
    uint8_t secret[MAX_HASH], key[MAX_KEY];
    struct sframe_key *k = sotto__calloc(1, sizeof *k);
    if (!k) return SOTTO_E_NOMEM;
    k->suite = &suites[cipher];
    k->kid = kid, k->seals = seals;
    bool ok = extract(k->suite, base, secret) &&
              derive(k->suite, secret, "SFrame 1.0 Secret key ", kid, key, k->suite->n_key) &&
              derive(k->suite, secret, "SFrame 1.0 Secret salt ", kid, k->salt, sizeof k->salt) &&
              derive(k->suite, secret, "sotto identity ", kid, k->id, sizeof k->id) &&
              set_key(k, key);
    sotto__wipe(secret, sizeof secret);
    sotto__wipe(key, sizeof key);
    if (!ok) {
        ERR_clear_error();
        sotto__sframe_key_free(k);
        return SOTTO_E_SYS;
    }
    *ret = k;
    return 0;
}

void sotto__sframe_key_free(struct sframe_key *k)
{
    if (!k) return;
    EVP_CIPHER_CTX_free(k->aes); /* both wipe their keys */
    EVP_MAC_CTX_free(k->mac);
    sotto__free_secret(k, sizeof *k);
}

uint64_t sotto__sframe_key_kid(const struct sframe_key *k)
{
    return k->kid;
}

const uint8_t *sotto__sframe_key_id(const struct sframe_key *k)
{
    return k->id;
}

COLD int sotto__sframe_ratchet(int32_t cipher, struct sframe_bytes base,
                               uint8_t out[SFRAME_MAX_BASE], size_t *ret_n)
{
    static const uint8_t label[] = "SFrame 1.0 Ratchet";
    const struct suite *s = &suites[cipher];
    uint8_t secret[MAX_HASH];
    bool ok =
        extract(s, base, secret) && expand(s, secret, label, sizeof label - 1, out, s->n_hash);
    sotto__wipe(secret, sizeof secret);
    if (!ok) {
        ERR_clear_error();
        return SOTTO_E_SYS;
    }
    *ret_n = s->n_hash;
    return 0;
}

/* ---- frames ---- */

/* §4.4.3: the salt, and the counter over its end. */
static void make_iv(const struct sframe_key *k, uint64_t counter, uint8_t iv[IV])
{
    memset(iv, 0, IV); /* of CTR: four zeros behind it */
    memcpy(iv, k->salt, NONCE);
    for (size_t i = 0; i < 8; i++) iv[NONCE - 1 - i] ^= (uint8_t)(counter >> 8 * i);
}

/* §4.5.1: of n bytes of ciphertext. */
static bool ctr_tag(struct sframe_key *k, const uint8_t iv[IV], struct sframe_bytes header,
                    struct sframe_bytes metadata, const uint8_t *p, size_t n, uint8_t out[MAX_HASH])
{
    uint8_t lengths[24 + NONCE];
    size_t n_out;
    put_be(header.n + metadata.n, 8, lengths);
    put_be(n, 8, lengths + 8);
    put_be(k->suite->n_tag, 8, lengths + 16);
    memcpy(lengths + 24, iv, NONCE);
    return EVP_MAC_init(k->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(k->mac, lengths, sizeof lengths) == 1 &&
           EVP_MAC_update(k->mac, header.p, header.n) == 1 &&
           (metadata.n == 0 || EVP_MAC_update(k->mac, metadata.p, metadata.n) == 1) &&
           EVP_MAC_update(k->mac, p, n) == 1 && EVP_MAC_final(k->mac, out, &n_out, MAX_HASH) == 1;
}

static bool aes_ctr(struct sframe_key *k, const uint8_t iv[IV], struct sframe_bytes p, uint8_t *out)
{
    int n;
    return EVP_CipherInit_ex(k->aes, NULL, NULL, NULL, iv, -1) == 1 &&
           (p.n == 0 || EVP_CipherUpdate(k->aes, out, &n, p.p, (int)p.n) == 1);
}

/* tag: set before when it opens, made when it seals. */
static bool aes_gcm(struct sframe_key *k, const uint8_t iv[IV], struct sframe_bytes header,
                    struct sframe_bytes metadata, struct sframe_bytes p, uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *c = k->aes;
    uint8_t end[IV];
    int n;
    if (EVP_CipherInit_ex(c, NULL, NULL, NULL, iv, -1) != 1) return false;
    if (!k->seals && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, SFRAME_MAX_TAG, tag) != 1)
        return false;
    if (EVP_CipherUpdate(c, NULL, &n, header.p, (int)header.n) != 1 ||
        (metadata.n > 0 && EVP_CipherUpdate(c, NULL, &n, metadata.p, (int)metadata.n) != 1) ||
        (p.n > 0 && EVP_CipherUpdate(c, out, &n, p.p, (int)p.n) != 1) ||
        EVP_CipherFinal_ex(c, end, &n) != 1)
        return false;
    return !k->seals || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, SFRAME_MAX_TAG, tag) == 1;
}

size_t sotto__sframe_seal(struct sframe_key *k, uint64_t counter, struct sframe_bytes metadata,
                          struct sframe_bytes p, uint8_t *out)
{
    uint8_t iv[IV], tag[MAX_HASH];
    struct sframe_bytes header = {out, sotto__sframe_header_write(k->kid, counter, out)};
    uint8_t *text = out + header.n;
    make_iv(k, counter, iv);
    bool ok = k->seals && (k->suite->is_gcm ? aes_gcm(k, iv, header, metadata, p, text, tag)
                                            : aes_ctr(k, iv, p, text) &&
                                                  ctr_tag(k, iv, header, metadata, text, p.n, tag));
    if (!ok) {
        ERR_clear_error();
        return 0;
    }
    memcpy(text + p.n, tag, k->suite->n_tag);
    return header.n + p.n + k->suite->n_tag;
}

int sotto__sframe_open(struct sframe_key *k, const struct sframe_header *h,
                       struct sframe_bytes metadata, struct sframe_bytes p, uint8_t *out,
                       size_t *ret_n)
{
    uint8_t iv[IV], tag[MAX_HASH];
    const struct suite *s = k->suite;
    if (k->seals || h->kid != k->kid || p.n < h->n + s->n_tag) return SOTTO_E_PROTO;
    struct sframe_bytes header = {p.p, h->n}, text = {p.p + h->n, p.n - h->n - s->n_tag};
    uint8_t *to = out == p.p ? out + h->n : out; /* OpenSSL wants exactly the same place, or another one */
    make_iv(k, h->counter, iv);
    bool ok;
    if (s->is_gcm) {
        memcpy(tag, text.p + text.n, SFRAME_MAX_TAG);
        ok = aes_gcm(k, iv, header, metadata, text, to, tag);
        if (!ok) sotto__wipe(to, text.n);
    } else {
        ok = ctr_tag(k, iv, header, metadata, text.p, text.n, tag) &&
             sotto__equal_ct(tag, text.p + text.n, s->n_tag) && aes_ctr(k, iv, text, to);
    }
    if (!ok) {
        ERR_clear_error();
        return SOTTO_E_PROTO;
    }
    if (to != out) memmove(out, to, text.n);
    *ret_n = text.n;
    return 0;
}

/* ---- known answers ---- */

enum { ANSWER = 42, TEXT = 21 };
static const uint8_t answers[][ANSWER] = {
    /* RFC 9605 appendix C.3: KID 0x123, counter 0x4567 */
    {0x99, 0x01, 0x23, 0x45, 0x67, 0x44, 0x94, 0x08, 0xb6, 0xf4, 0x90, 0x08,
     0x61, 0x65, 0xb9, 0xd6, 0xf6, 0x2b, 0x24, 0xae, 0x1a, 0x59, 0xa5, 0x64,
     0x86, 0xb4, 0xae, 0x8e, 0xd0, 0x36, 0xb8, 0x89, 0x12, 0xe2, 0x4f, 0x11},
    {0x99, 0x01, 0x23, 0x45, 0x67, 0x3f, 0x31, 0x43, 0x8d, 0xb4, 0xd0, 0x94,
     0x34, 0xe4, 0x3a, 0xfa, 0x0f, 0x8a, 0x2f, 0x00, 0x86, 0x7a, 0x2b, 0xe0,
     0x85, 0x04, 0x6a, 0x9f, 0x5c, 0xb4, 0xf1, 0x01, 0xd6, 0x07},
    {0x99, 0x01, 0x23, 0x45, 0x67, 0x17, 0xfc, 0x8a, 0xf2, 0x8a, 0x5a, 0x69, 0x5a, 0xfc, 0xfc,
     0x6c, 0x8d, 0xf6, 0x35, 0x8a, 0x17, 0xe2, 0x6b, 0x2f, 0xcb, 0x3b, 0xae, 0x32, 0xe4, 0x43},
    {0x99, 0x01, 0x23, 0x45, 0x67, 0xb7, 0x41, 0x2c, 0x25, 0x13, 0xa1, 0xb6, 0x6d, 0xbb,
     0x48, 0x84, 0x1b, 0xba, 0xf1, 0x7f, 0x59, 0x87, 0x51, 0x17, 0x6a, 0xd8, 0x47, 0x68,
     0x1a, 0x69, 0xc6, 0xd0, 0xb0, 0x91, 0xc0, 0x70, 0x18, 0xce, 0x4a, 0xdb, 0x34, 0xeb},
    {0x99, 0x01, 0x23, 0x45, 0x67, 0x94, 0xf5, 0x09, 0xd3, 0x6e, 0x9b, 0xea, 0xcb, 0x0e,
     0x26, 0x1d, 0x99, 0xc7, 0xd1, 0xe9, 0x72, 0xf1, 0xfe, 0xd7, 0x87, 0xd4, 0x04, 0x9f,
     0x17, 0xca, 0x21, 0x35, 0x3c, 0x1c, 0xc2, 0x4d, 0x56, 0xce, 0xab, 0xce, 0xd2, 0x79},
};

static int check_suite(int32_t cipher, const uint8_t *answer)
{
    static const uint8_t base[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const char text[] = "draft-ietf-sframe-enc", metadata[] = "IETF SFrame WG";
    struct sframe_bytes p = {(const uint8_t *)text, TEXT},
                        about = {(const uint8_t *)metadata, sizeof metadata - 1};
    uint8_t out[TEXT + SFRAME_OVERHEAD], back[sizeof out];
    struct sframe_key *seals = NULL, *opens = NULL;
    struct sframe_header h;
    size_t n_back = 0;
    int r = sotto__sframe_key_new(&seals, cipher, 0x123, (struct sframe_bytes){base, 16}, true);
    if (r == 0)
        r = sotto__sframe_key_new(&opens, cipher, 0x123, (struct sframe_bytes){base, 16}, false);
    if (r == 0) {
        size_t n = sotto__sframe_seal(seals, 0x4567, about, p, out);
        bool ok = n == 5u + TEXT + suites[cipher].n_tag && memcmp(out, answer, n) == 0 &&
                  sotto__sframe_header_parse(out, n, &h) == 0 &&
                  sotto__sframe_open(opens, &h, about, (struct sframe_bytes){out, n}, back,
                                     &n_back) == 0 &&
                  n_back == TEXT && memcmp(back, text, TEXT) == 0;
        out[5] ^= 1; /* and what was changed does not open */
        if (!ok ||
            sotto__sframe_open(opens, &h, about, (struct sframe_bytes){out, n}, back, &n_back) == 0)
            r = SOTTO_E_SYS;
    }
    sotto__sframe_key_free(seals);
    sotto__sframe_key_free(opens);
    return r;
}

COLD int sotto__sframe_selftest(void)
{
    for (int32_t i = 0; i < 5; i++) {
        int r = check_suite(i + 1, answers[i]);
        if (r < 0) return r;
    }
    return 0;
}
