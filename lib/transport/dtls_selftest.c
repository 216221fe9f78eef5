/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known answers: SHA-256 (FIPS 180-4, "abc"), AES-128-GCM (NIST test case 1 and 2), CRC32c (RFC 3720 B.4), fresh keys and entropy.
 */
#include "transport/dtls_selftest.h"

#include <openssl/evp.h>
#include <string.h>

#include "transport/cert.h"
#include "transport/sctp.h"
#include "util/rand.h"

static int check_sha256(void)
{
    static const uint8_t want[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                     0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                     0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                     0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t got[32];
    unsigned n = 0;
    if (EVP_Digest("abc", 3, got, &n, EVP_sha256(), NULL) != 1 || n != 32) return SOTTO_E_SYS;
    return memcmp(got, want, 32) == 0 ? 0 : SOTTO_E_SYS;
}

static int check_gcm(void)
{
    static const uint8_t zero[16];
    static const uint8_t want[32] = {0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92,
                                     0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78,
                                     0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd,
                                     0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57, 0xbd, 0xdf};
    uint8_t got[32];
    int n = 0, m = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (!c) return SOTTO_E_NOMEM;
    bool ok = EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, zero, zero) == 1 &&
              EVP_EncryptUpdate(c, got, &n, zero, 16) == 1 && n == 16 &&
              EVP_EncryptFinal_ex(c, got + 16, &m) == 1 && m == 0 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, got + 16) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok && memcmp(got, want, 32) == 0 ? 0 : SOTTO_E_SYS;
}

static int check_entropy(void)
{
    uint64_t a[4], b[4];
    if (sotto__rand(a, sizeof a) < 0 || sotto__rand(b, sizeof b) < 0) return SOTTO_E_SYS;
    return memcmp(a, b, sizeof a) != 0 ? 0 : SOTTO_E_SYS;
}

static int check_keys(void)
{
    struct cert *c;
    struct sdp_fingerprint f;
    int r = sotto__cert_generate(&c, 1700000000);
    if (r < 0) return r;
    sotto__cert_fingerprint(c, &f);
    sotto__cert_unref(c);
    return f.n_bytes == 32 ? 0 : SOTTO_E_SYS;
}

int sotto__selftest(void)
{
    int r = check_entropy();
    if (r == 0) r = check_sha256();
    if (r == 0) r = check_gcm();
    if (r == 0) r = check_keys();
    if (r == 0 && sotto__crc32c(0, "123456789", 9) != 0xe3069283u) r = SOTTO_E_SYS;
    return r;
}
