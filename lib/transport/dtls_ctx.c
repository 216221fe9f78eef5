/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all DTLS connections of one context share: DTLS 1.2 (RFC 8996), AEAD suites with ephemeral keys, groups and
 * signatures (RFC 8827 §6.5). Everything that the host's openssl.cnf could change is set here, so that a connection is the
 * same on every machine, and nothing of it can be switched off. Certificates belong to the connections.
 * answers: S29 H062 H082 H083
 */
#include <openssl/err.h>
#include <openssl/srtp.h>

#include "transport/dtls_int.h"
#include "util/mem.h"

#define SUITES                                                                                     \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SIGNATURES                                                                                 \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"         \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"
/* TLS 1.2 ties the curves of certificates to this list, too: P-521 is for those */
#define GROUPS "X25519:P-256:P-384:P-521"
#define PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"

#define RECORD_SIZE_LIMIT 28u

/* RFC 8449 §4: we take records of any length. The peer's answer goes to sotto__dtls_limit_cb. */
static int say_limit(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                     size_t *n, X509 *x, size_t index, int *alert, void *arg)
{
    static const unsigned char most[2] = {0x40, 0x00};
    (void)ssl, (void)type, (void)context, (void)x, (void)index, (void)alert, (void)arg;
    *out = most, *n = sizeof most;
    return 1;
}

/* An OpenSSL that does this itself does not tell us the peer's limit: then it stays unknown. */
static bool exchange_limits(SSL_CTX *c)
{
    return SSL_extension_supported(RECORD_SIZE_LIMIT) ||
           SSL_CTX_add_custom_ext(c, RECORD_SIZE_LIMIT,
                                  SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO, say_limit,
                                  NULL, NULL, sotto__dtls_limit_cb, NULL);
}

static bool configure(SSL_CTX *c)
{
    uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                       SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE |
                       SSL_OP_SINGLE_ECDH_USE;
    SSL_CTX_clear_options(c, SSL_CTX_get_options(c));
    SSL_CTX_set_options(c, options);
    SSL_CTX_set_security_level(c, 2); /* 112 bits: RSA 2048 */
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(c, 1);
    SSL_CTX_set_max_cert_list(c, SOTTO_MAX_HANDSHAKE_MESSAGE);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(c, sotto__dtls_verify_cb, NULL);
    return SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) &&
           SSL_CTX_set_max_proto_version(c, DTLS1_2_VERSION) &&
           SSL_CTX_set_cipher_list(c, SUITES) && SSL_CTX_set1_groups_list(c, GROUPS) &&
           SSL_CTX_set1_sigalgs_list(c, SIGNATURES) &&
           SSL_CTX_set1_client_sigalgs_list(c, SIGNATURES) && exchange_limits(c) &&
           (!SOTTO_HAS_MEDIA || SSL_CTX_set_tlsext_use_srtp(c, PROFILES) == 0);
}

int sotto__dtls_ctx_new(struct dtls_ctx **ret)
{
    struct dtls_ctx *c = sotto__calloc(1, sizeof *c);
    if (!c) return SOTTO_E_NOMEM;
    c->ssl = SSL_CTX_new_ex(sotto__dtls_library(), NULL, DTLS_method());
    c->bio = sotto__dtls_bio_method();
    if (!c->ssl || !c->bio || !configure(c->ssl)) {
        sotto__dtls_ctx_free(c);
        ERR_clear_error();
        return SOTTO_E_SYS;
    }
    *ret = c;
    return 0;
}

void sotto__dtls_ctx_free(struct dtls_ctx *c)
{
    if (!c) return;
    SSL_CTX_free(c->ssl);
    BIO_meth_free(c->bio);
    sotto__free(c);
}
