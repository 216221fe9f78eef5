/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP and SRTCP with AES-GCM (RFC 7714): the keys of a session out of the master key and salt (RFC 3711 §4.3.1 and §4.3.3, RFC 7714
 * §11), packets sealed and opened in place. In: packets whose header was checked, and their index; out: the same packets. Each context
 * of OpenSSL holds its key for ever and gets a nonce for each packet, as parameter: a new beginning would ask for all others before.
 * Half of libsrtp's time, which has a session of NSS for each packet. Knows no sources and no replays, and not which indexes were used.
 * answers: S34
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "transport/srtp_priv.h"
#include "util/cold.h"
#include "util/mem.h"

enum { MAX_KEY = 32, IV = 12, TAG = 16, RTCP_HEAD = 8, RTCP_TRAILER = 4 };
enum { LABEL_KEY = 0, LABEL_SALT = 2, LABEL_RTCP = 3 /* added, of RTCP */ };

/* What AES in counter mode makes of zeros, from the salt and what the key is for. */
COLD static bool derive(const uint8_t *master, size_t n_key, const uint8_t *salt, int label,
                        uint8_t *out, size_t n)
{
    uint8_t counter[16] = {0};
    int len;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *aes = n_key == MAX_KEY ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    memcpy(counter, salt, IV); /* of 96 bits, then 16 zeros: RFC 7714 §11 */
    counter[7] ^= (uint8_t)label;
    memset(out, 0, n);
    bool ok = c && EVP_EncryptInit_ex(c, aes, NULL, master, counter) == 1 &&
              EVP_EncryptUpdate(c, out, &len, out, (int)n) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

COLD static bool make_key(struct srtp_gcm_key *k, const uint8_t *master, size_t n_key,
                          const uint8_t *salt, int label, bool seals)
{
    uint8_t key[MAX_KEY];
    const EVP_CIPHER *aes = n_key == MAX_KEY ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
    k->context = EVP_CIPHER_CTX_new();
    bool ok = k->context && derive(master, n_key, salt, label + LABEL_KEY, key, n_key) &&
              derive(master, n_key, salt, label + LABEL_SALT, k->salt, sizeof k->salt) &&
              EVP_CipherInit_ex(k->context, aes, NULL, key, NULL, seals) == 1;
    sotto__wipe(key, sizeof key);
    return ok;
}

COLD int sotto__srtp_gcm_init(struct srtp_gcm *g, const uint8_t *master, size_t n_key,
                              const uint8_t *salt, bool seals)
{
    if (make_key(&g->rtp, master, n_key, salt, 0, seals) &&
        make_key(&g->rtcp, master, n_key, salt, LABEL_RTCP, seals))
        return 0;
    ERR_clear_error();
    sotto__srtp_gcm_free(g);
    return SOTTO_E_SYS;
}

void sotto__srtp_gcm_free(struct srtp_gcm *g)
{
    EVP_CIPHER_CTX_free(g->rtp.context);
    EVP_CIPHER_CTX_free(g->rtcp.context);
    sotto__wipe(g, sizeof *g);
}

/* RFC 7714 §8.1 and §9.1: two zeros, SSRC, index; with the salt. tag: to be compared; NULL: one is to be made. A size of -1 is
 * OpenSSL's word for the whole nonce, as of EVP_CTRL_AEAD_SET_IV_FIXED. */
static bool begin(const struct srtp_gcm_key *k, uint32_t ssrc, uint64_t index, uint8_t *tag)
{
    uint8_t iv[IV];
    memcpy(iv, k->salt, sizeof iv);
    for (int i = 0; i < 4; i++) iv[2 + i] ^= (uint8_t)(ssrc >> 8 * (3 - i));
    for (int i = 0; i < 6; i++) iv[6 + i] ^= (uint8_t)(index >> 8 * (5 - i));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, iv, SIZE_MAX),
        tag ? (OSSL_PARAM)OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, TAG)
            : (OSSL_PARAM)OSSL_PARAM_END,
        OSSL_PARAM_END};
    return EVP_CIPHER_CTX_set_params(k->context, params) == 1;
}

/* EVP_Cipher() has the least to do for a call. It says how many bytes it took, or less than 0. */
static bool add(EVP_CIPHER_CTX *c, const uint8_t *head, size_t n)
{
    return EVP_Cipher(c, NULL, head, (unsigned)n) >= 0;
}

/* The text in place, n may be 0, and the end: sealing makes a tag, opening compares the one that was set. */
static bool finish(EVP_CIPHER_CTX *c, uint8_t *text, size_t n)
{
    return (n == 0 || EVP_Cipher(c, text, text, (unsigned)n) >= 0) &&
           EVP_Cipher(c, text, NULL, 0) >= 0;
}

static bool seal(EVP_CIPHER_CTX *c, uint8_t *text, size_t n)
{
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, text + n, TAG),
                           OSSL_PARAM_END};
    return finish(c, text, n) && EVP_CIPHER_CTX_get_params(c, params) == 1;
}

int sotto__srtp_gcm_seal(struct srtp_gcm *g, uint32_t ssrc, uint64_t index, uint8_t *p, size_t head,
                         size_t n)
{
    EVP_CIPHER_CTX *c = g->rtp.context;
    if (begin(&g->rtp, ssrc, index, NULL) && add(c, p, head) && seal(c, p + head, n - head))
        return (int)(n + TAG);
    ERR_clear_error();
    return SOTTO_E_SYS;
}

int sotto__srtp_gcm_open(struct srtp_gcm *g, uint32_t ssrc, uint64_t index, uint8_t *p, size_t head,
                         size_t n)
{
    EVP_CIPHER_CTX *c = g->rtp.context;
    if (begin(&g->rtp, ssrc, index, p + n - TAG) && add(c, p, head) &&
        finish(c, p + head, n - head - TAG))
        return (int)(n - TAG);
    ERR_clear_error();
    return SOTTO_E_PROTO;
}

/* RFC 7714 §9.2: the trailer, E and the index, is authentic too, but stands behind the tag. */
int sotto__srtp_gcm_seal_rtcp(struct srtp_gcm *g, uint32_t ssrc, uint32_t index, uint8_t *p,
                              size_t n)
{
    EVP_CIPHER_CTX *c = g->rtcp.context;
    uint8_t *trailer = p + n + TAG;
    for (int i = 0; i < RTCP_TRAILER; i++)
        trailer[i] = (uint8_t)((index | 1u << 31) >> 8 * (3 - i));
    if (begin(&g->rtcp, ssrc, index, NULL) && add(c, p, RTCP_HEAD) &&
        add(c, trailer, RTCP_TRAILER) && seal(c, p + RTCP_HEAD, n - RTCP_HEAD))
        return (int)(n + TAG + RTCP_TRAILER);
    ERR_clear_error();
    return SOTTO_E_SYS;
}

int sotto__srtp_gcm_open_rtcp(struct srtp_gcm *g, uint32_t ssrc, uint32_t index, uint8_t *p,
                              size_t n)
{
    EVP_CIPHER_CTX *c = g->rtcp.context;
    size_t plain = n - TAG - RTCP_TRAILER;
    if (begin(&g->rtcp, ssrc, index, p + plain) && add(c, p, RTCP_HEAD) &&
        add(c, p + n - RTCP_TRAILER, RTCP_TRAILER) && finish(c, p + RTCP_HEAD, plain - RTCP_HEAD))
        return (int)plain;
    ERR_clear_error();
    return SOTTO_E_PROTO;
}
