/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_CERT_H
#define SOTTO_CERT_H
/**
 * @file cert.h
 * RTCCertificate: the key that proves a peer to be the one that its SDP names.
 */
#include <sotto/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A private key with its self-signed certificate. Immutable; may serve several connections at once, in any thread. */
typedef struct sotto_cert sotto_cert;

/**
 * Make a new P-256 key and a self-signed certificate, valid for 30 days, with random serial number and name.
 * A connection without sotto_pc_config.cert makes its own: one certificate for several connections links them to each other.
 * @param ret  yours: sotto_cert_free().
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_NOMEM, SOTTO_E_SYS (no entropy).
 * About 0.3 ms of CPU; any thread. Source: RFC 8827 §6.5, W3C RTCPeerConnection.generateCertificate().
 */
SOTTO_API int sotto_cert_generate(sotto_cert **ret);

/**
 * Read a certificate and its private key from PEM text.
 * @param pem     borrowed, `len` bytes: one CERTIFICATE and one PRIVATE KEY block (PKCS#8, SEC1 or PKCS#1, not encrypted:
 *                sotto_cert_from_uri() reads encrypted ones), in any order, at most 64 KiB.
 * @param ret     yours: sotto_cert_free().
 * @param reterr  nullable, filled on failure.
 * @return 0, or  SOTTO_E_SYNTAX       not PEM, a block is missing, or the key does not belong to the certificate
 *                SOTTO_E_UNSUPPORTED  the key is neither EC (P-256, P-384) nor RSA of 2048 to 8192 bits
 *                SOTTO_E_INVAL, SOTTO_E_NOMEM
 * Security: whoever reads this key can pose as this peer until the certificate is replaced.
 */
SOTTO_API int sotto_cert_from_pem(const char *pem, size_t len, sotto_cert **ret,
                                  sotto_error *reterr);

/** Most days that sotto_cert_generate_days() takes: a hundred years. */
#define SOTTO_MAX_CERT_DAYS 36500

/**
 * Make a key and a certificate that is valid for longer: the identity of a device, kept as PEM, whose fingerprint others allow-list.
 * @param days  from now, 1 to SOTTO_MAX_CERT_DAYS.
 * @param ret   yours: sotto_cert_free().
 * @return 0, or SOTTO_E_RANGE, SOTTO_E_INVAL, SOTTO_E_NOMEM, SOTTO_E_SYS (no entropy).
 * Security: whoever sees it twice knows that it is the same device. Not for people.
 */
SOTTO_API int sotto_cert_generate_days(int32_t days, sotto_cert **ret);

/**
 * Read a certificate and its private key from where URIs of OpenSSL say: "file:/etc/camera.pem", or what its providers know, such as
 * "pkcs11:…" or "handle:0x81000001" of a TPM. Providers are loaded by openssl.cnf, or by the application into OpenSSL's default library
 * context. A key that cannot leave its hardware serves: it only signs. May block as long as that hardware does: not in a hurry; and a
 * context whose connections use such a key waits for it in each handshake, so that it deserves one of its own.
 * @param cert_uri  borrowed: the first certificate there is taken.
 * @param key_uri   borrowed, nullable: the same as cert_uri. The first private key there is taken.
 * @param pass      borrowed, nullable: pass phrase of an encrypted key, or PIN. Without one an encrypted key is refused; the terminal is
 *                  never asked.
 * @param ret       yours: sotto_cert_free().
 * @param reterr    nullable, filled on failure.
 * @return 0, or  SOTTO_E_ACCESS       a URI cannot be opened, e.g. for want of its provider; there is no key, or `pass` is wrong
 *                SOTTO_E_SYNTAX       there is no certificate, or the key does not belong to it
 *                SOTTO_E_UNSUPPORTED  as sotto_cert_from_pem()
 *                SOTTO_E_INVAL, SOTTO_E_NOMEM
 * Security: a URI of somebody else makes OpenSSL open what he wants: take none from the network.
 */
SOTTO_API int sotto_cert_from_uri(const char *cert_uri, const char *key_uri, const char *pass,
                                  sotto_cert **ret, sotto_error *reterr);

/**
 * Write certificate and private key as PEM text that sotto_cert_from_pem() reads.
 * @param ret_pem  yours: sotto_free().
 * @return 0, or SOTTO_E_ACCESS the key cannot leave its hardware; SOTTO_E_INVAL, SOTTO_E_NOMEM.
 * Security: the text holds the private key, unencrypted.
 */
SOTTO_API int sotto_cert_to_pem(const sotto_cert *cert, char **ret_pem);

/**
 * The fingerprint as in SDP: "sha-256 AB:CD:…" (RFC 8122 §5).
 * @param ret  yours: sotto_free().
 * @return 0, or SOTTO_E_INVAL, SOTTO_E_NOMEM.
 */
SOTTO_API int sotto_cert_fingerprint(const sotto_cert *cert, char **ret);

/**
 * When the certificate ends to be valid.
 * @return seconds since 1970-01-01 UTC, or SOTTO_E_INVAL. A certificate that has ended is refused by sotto_pc_new().
 */
SOTTO_API int64_t sotto_cert_expires(const sotto_cert *cert);

/**
 * Free the handle; connections made with it keep what they need.
 * @param cert  nullable.
 */
SOTTO_API void sotto_cert_free(sotto_cert *cert);

#ifdef __cplusplus
}
#endif
#endif
