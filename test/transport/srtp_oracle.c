/* SPDX-License-Identifier: BSD-2-Clause */
#include "srtp_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "util/bytes.h"

const enum srtp_profile oracle_profiles[3] = {
    SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_PROFILE_AEAD_AES_256_GCM, SRTP_PROFILE_AES128_CM_SHA1_80};

uint64_t oracle_random(void)
{
    static uint64_t x = 0x9e3779b97f4a7c15u;
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    return x;
}

const uint8_t *oracle_keys(void)
{
    static uint8_t keys[SOTTO_SRTP_MAX_KEY_MATERIAL];
    for (size_t i = 0; i < sizeof keys; i++) keys[i] = (uint8_t)(i * 37 + 11);
    return keys;
}

void oracle_pair(enum srtp_profile profile, struct srtp **client, struct srtp **server)
{
    assert_int_equal(sotto__srtp_new(client, profile, true, oracle_keys(), NULL), 0);
    assert_int_equal(sotto__srtp_new(server, profile, false, oracle_keys(), NULL), 0);
}

static void fill(uint8_t *p, uint32_t ssrc, uint32_t seq, size_t from, size_t n)
{
    for (size_t i = from; i < n; i++) p[i] = (uint8_t)(i * 31 + seq * 7 + ssrc);
}

size_t oracle_make_rtp(uint8_t *p, uint32_t ssrc, uint16_t seq, size_t n)
{
    struct writer w = sotto__writer(p, 12);
    sotto__write_u16(&w, 0x8060), sotto__write_u16(&w, seq);
    sotto__write_u32(&w, seq * 3000u), sotto__write_u32(&w, ssrc);
    fill(p, ssrc, seq, 12, n);
    return n;
}

size_t oracle_make_rtcp(uint8_t *p, uint32_t ssrc, size_t n)
{
    struct writer w = sotto__writer(p, 8);
    sotto__write_u16(&w, 0x80c8), sotto__write_u16(&w, (uint16_t)(n / 4 - 1));
    sotto__write_u32(&w, ssrc);
    fill(p, ssrc, 0, 8, n);
    return n;
}

static void ctr(const uint8_t *key, size_t n_key, const uint8_t iv[16], uint8_t *p, size_t n)
{
    int len = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    assert_non_null(c);
    assert_int_equal(
        EVP_EncryptInit_ex(c, n_key == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, key, iv),
        1);
    assert_int_equal(EVP_EncryptUpdate(c, p, &len, p, (int)n), 1);
    EVP_CIPHER_CTX_free(c);
}

static void gcm(const struct oracle *o, const uint8_t *key, const uint8_t iv[12],
                const uint8_t *const aad[2], const size_t n_aad[2], uint8_t *p, size_t n,
                uint8_t tag[16])
{
    int len = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    assert_non_null(c);
    assert_int_equal(EVP_EncryptInit_ex(c, o->n_key == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(),
                                        NULL, key, iv),
                     1);
    for (int i = 0; i < 2; i++)
        if (n_aad[i] > 0)
            assert_int_equal(EVP_EncryptUpdate(c, NULL, &len, aad[i], (int)n_aad[i]), 1);
    if (n > 0) assert_int_equal(EVP_EncryptUpdate(c, p, &len, p, (int)n), 1);
    assert_int_equal(EVP_EncryptFinal_ex(c, p, &len), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, tag), 1);
    EVP_CIPHER_CTX_free(c);
}

void oracle_derive(const uint8_t *master_key, size_t n_key, const uint8_t *master_salt,
                   size_t n_salt, uint8_t label, uint8_t *out, size_t n)
{
    uint8_t iv[16] = {0};
    memcpy(iv, master_salt, n_salt); /* one of 96 bits is followed by 16 zeros: RFC 7714 §11 */
    iv[7] ^= label;
    memset(out, 0, n);
    ctr(master_key, n_key, iv, out, n);
}

void oracle_init(struct oracle *o, enum srtp_profile profile, const uint8_t *keys, size_t whose)
{
    bool cm = profile == SRTP_PROFILE_AES128_CM_SHA1_80;
    *o = (struct oracle){.profile = profile,
                         .n_key = profile == SRTP_PROFILE_AEAD_AES_256_GCM ? 32 : 16,
                         .n_salt = cm ? 14 : 12};
    const uint8_t *key = keys + whose * o->n_key;
    const uint8_t *salt = keys + 2 * o->n_key + whose * o->n_salt;
    oracle_derive(key, o->n_key, salt, o->n_salt, 0, o->key, o->n_key);
    oracle_derive(key, o->n_key, salt, o->n_salt, 1, o->auth, 20);
    oracle_derive(key, o->n_key, salt, o->n_salt, 2, o->salt, o->n_salt);
    oracle_derive(key, o->n_key, salt, o->n_salt, 3, o->rtcp_key, o->n_key);
    oracle_derive(key, o->n_key, salt, o->n_salt, 4, o->rtcp_auth, 20);
    oracle_derive(key, o->n_key, salt, o->n_salt, 5, o->rtcp_salt, o->n_salt);
}

static size_t header_size(const uint8_t *p)
{
    size_t n = 12 + 4u * (p[0] & 15);
    return p[0] & 0x10 ? n + 4 + 4u * sotto__get_u16(p + n + 2) : n;
}

static void put(uint8_t *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static void xor
    (uint8_t * to, const uint8_t *with, size_t n) {
        for (size_t i = 0; i < n; i++) to[i] ^= with[i];
    }

    static void hmac(const uint8_t key[20], const uint8_t *p, size_t n, uint8_t tag[20])
{
    unsigned len = 20;
    assert_non_null(HMAC(EVP_sha1(), key, 20, p, n, tag, &len));
}

size_t oracle_rtp(const struct oracle *o, uint64_t index, uint8_t *p, size_t n)
{
    size_t header = header_size(p);
    uint8_t iv[16] = {0}, tag[20], signed_bytes[2048 + 4];
    if (o->profile != SRTP_PROFILE_AES128_CM_SHA1_80) { /* RFC 7714 §8.1 */
        memcpy(iv + 2, p + 8, 4);
        put(iv + 6, index, 6);
        xor(iv, o->salt, 12);
        gcm(o, o->key, iv, (const uint8_t *const[]){p, p}, (const size_t[]){header, 0}, p + header,
            n - header, p + n);
        return n + 16;
    }
    memcpy(iv + 4, p + 8, 4); /* RFC 3711 §4.1.1 */
    put(iv + 8, index, 6);
    xor(iv, o->salt, 14);
    ctr(o->key, 16, iv, p + header, n - header);
    memcpy(signed_bytes, p, n);
    put(signed_bytes + n, index >> 16, 4);
    hmac(o->auth, signed_bytes, n + 4, tag);
    memcpy(p + n, tag, 10);
    return n + 10;
}

static size_t rtcp(const struct oracle *o, uint32_t trailer, uint8_t *p, size_t n)
{
    uint8_t iv[16] = {0}, tag[20], word[4];
    bool encrypted = trailer >> 31;
    put(word, trailer, 4);
    if (o->profile != SRTP_PROFILE_AES128_CM_SHA1_80) { /* RFC 7714 §9.1 */
        memcpy(iv + 2, p + 4, 4);
        put(iv + 8, trailer & 0x7fffffff, 4);
        xor(iv, o->rtcp_salt, 12);
        gcm(o, o->rtcp_key, iv, (const uint8_t *const[]){p, word},
            (const size_t[]){encrypted ? 8 : n, 4}, p + 8, encrypted ? n - 8 : 0, p + n);
        memcpy(p + n + 16, word, 4);
        return n + 20;
    }
    memcpy(iv + 4, p + 4, 4);
    put(iv + 10, trailer & 0x7fffffff, 4);
    xor(iv, o->rtcp_salt, 14);
    if (encrypted) ctr(o->rtcp_key, 16, iv, p + 8, n - 8);
    memcpy(p + n, word, 4);
    hmac(o->rtcp_auth, p, n + 4, tag);
    memcpy(p + n + 4, tag, 10);
    return n + 14;
}

size_t oracle_rtcp(const struct oracle *o, uint32_t index, uint8_t *p, size_t n)
{
    return rtcp(o, index | 0x80000000u, p, n);
}

size_t oracle_plain_rtcp(const struct oracle *o, uint32_t index, uint8_t *p, size_t n)
{
    return rtcp(o, index, p, n);
}
