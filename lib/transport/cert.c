/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys and self-signed certificates (RFC 8827 §6.5), their PEM text (RFC 7468) and fingerprints (RFC 8122 §5).
 * In: the date, or PEM text; out: a counted, immutable certificate with its private key. A certificate serves
 * its fingerprint only: names, chains and dates are never looked at by the peer. Knows nothing of connections.
 * answers: S28
 */
#include "transport/cert.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "transport/dtls_int.h"
#include "util/error.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/secret.h"

#define DAY 86400

static int64_t unix_time(const ASN1_TIME *t)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, secs = 0;
    int ok = epoch && ASN1_TIME_diff(&days, &secs, epoch, t);
    ASN1_TIME_free(epoch);
    return ok ? (int64_t)days * DAY + secs : 0;
}

int sotto__cert_wrap(X509 *x, EVP_PKEY *key, struct cert **ret)
{
    struct cert *c = sotto__calloc(1, sizeof *c);
    unsigned n = 0;
    if (!c) return SOTTO_E_NOMEM;
    memcpy(c->fingerprint.hash, "sha-256", sizeof "sha-256");
    if (!X509_digest(x, EVP_sha256(), c->fingerprint.bytes, &n)) {
        sotto__free(c);
        return SOTTO_E_SYS;
    }
    c->fingerprint.n_bytes = n;
    c->expires = unix_time(X509_get0_notAfter(x));
    c->x509 = x, c->key = key;
    atomic_init(&c->refs, 1);
    *ret = c;
    return 0;
}

/* RFC 8827 §6.5 wants no link between two connections: number and name are random, and nothing else is in it. */
static int name_it(X509 *x)
{
    uint8_t serial[16], name[8];
    char cn[2 * sizeof name + 1];
    int r = sotto__rand(serial, sizeof serial);
    if (r == 0) r = sotto__rand(name, sizeof name);
    if (r < 0) return r;
    for (size_t i = 0; i < sizeof name; i++) snprintf(cn + 2 * i, 3, "%02x", name[i]);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* RFC 5280 §4.1.2.2: positive, and of one length */
    BIGNUM *bn = BN_bin2bn(serial, sizeof serial, NULL);
    X509_NAME *subject = X509_NAME_new();
    bool ok = bn && subject && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) &&
              X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1,
                                         -1, 0) &&
              X509_set_subject_name(x, subject) && X509_set_issuer_name(x, subject);
    BN_free(bn);
    X509_NAME_free(subject);
    return ok ? 0 : SOTTO_E_SYS;
}

/* X509_set_pubkey() would look for an encoder of the key, and then for its decoder. */
static bool set_key(X509 *x, EVP_PKEY *key)
{
    unsigned char *point = NULL;
    size_t n = EVP_PKEY_get1_encoded_public_key(key, &point);
    if (n > 0 &&
        X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                               V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1), point, (int)n))
        return true;
    OPENSSL_free(point);
    return false;
}

static X509 *read_der(const uint8_t *der, size_t n)
{
    X509 *x = X509_new_ex(sotto__dtls_library(), NULL);
    if (x && !d2i_X509(&x, &der, (long)n)) return NULL; /* it frees what it was given */
    return x;
}

/* Read back, so that it has its key. */
static X509 *reread(const X509 *made)
{
    unsigned char *der = NULL;
    int n = i2d_X509(made, &der);
    X509 *x = n > 0 ? read_der(der, (size_t)n) : NULL;
    OPENSSL_free(der);
    return x;
}

/* By days: in seconds it could be more than a time_t of 32 bits holds. */
static X509 *make(EVP_PKEY *key, int64_t unix_now, int days)
{
    X509 *ret = NULL, *x = X509_new_ex(sotto__dtls_library(), NULL);
    if (x && name_it(x) == 0 && X509_set_version(x, X509_VERSION_3) &&
        ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)unix_now, -1, 0) &&
        ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)unix_now, days - 1, 0) && set_key(x, key) &&
        X509_sign(x, key, EVP_sha256()))
        ret = reread(x);
    X509_free(x);
    return ret;
}

int sotto__cert_generate(struct cert **ret, int64_t unix_now)
{
    return sotto__cert_generate_days(ret, unix_now, 30);
}

int sotto__cert_generate_days(struct cert **ret, int64_t unix_now, int days)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(sotto__dtls_library(), NULL, "EC", "P-256");
    X509 *x = key ? make(key, unix_now, days) : NULL;
    int r = x ? sotto__cert_wrap(x, key, ret) : SOTTO_E_SYS;
    if (r == 0) (*ret)->is_generated = true;
    if (r < 0) {
        EVP_PKEY_free(key);
        X509_free(x);
        ERR_clear_error();
    }
    return r;
}

/* The key pair of a certificate, from its private half. */
static EVP_PKEY *make_key(const X509 *x, const uint8_t *secret)
{
    const ASN1_BIT_STRING *point = X509_get0_pubkey_bitstr(x);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(sotto__dtls_library(), "EC", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *private = BN_secure_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    if (point && ctx && build && private && BN_bin2bn(secret, P256_BYTES, private) &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point->data,
                                         (size_t)point->length) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, private))
        params = OSSL_PARAM_BLD_to_param(build);
    if (!params || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) <= 0)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(private);
    return key;
}

int sotto__cert_open(const struct cert *c, X509 **x, EVP_PKEY **key)
{
    if (c->x509) {
        if (!X509_up_ref(c->x509)) return SOTTO_E_SYS;
        if (EVP_PKEY_up_ref(c->key)) {
            *x = c->x509, *key = c->key;
            return 0;
        }
        X509_free(c->x509);
        return SOTTO_E_SYS;
    }
    X509 *made = read_der(c->packed, c->n_packed);
    EVP_PKEY *made_key = made ? make_key(made, c->secret) : NULL;
    if (!made_key) {
        X509_free(made);
        ERR_clear_error();
        return SOTTO_E_SYS;
    }
    *x = made, *key = made_key;
    return 0;
}

static bool write_packed(const struct cert *c, uint8_t *secret, uint8_t *p)
{
    BIGNUM *private = NULL;
    bool ok = EVP_PKEY_get_bn_param(c->key, OSSL_PKEY_PARAM_PRIV_KEY, &private) &&
              BN_bn2binpad(private, secret, P256_BYTES) == P256_BYTES;
    BN_clear_free(private);
    return ok && i2d_X509(c->x509, &p) > 0;
}

void sotto__cert_pack(struct cert *c)
{
    int n = c->x509 && c->is_generated ? i2d_X509(c->x509, NULL) : 0;
    uint8_t *p = n > 0 ? sotto__malloc((size_t)n) : NULL;
    uint8_t *secret = p ? sotto__secret_new_kept(P256_BYTES) : NULL; /* a certificate belongs to no context */
    if (secret && write_packed(c, secret, p)) {
        X509_free(c->x509);
        EVP_PKEY_free(c->key);
        c->x509 = NULL, c->key = NULL;
        c->packed = p, c->n_packed = (size_t)n, c->secret = secret;
    } else {
        sotto__secret_free(secret);
        sotto__free(p);
    }
    ERR_clear_error();
}

/* One PEM block into *x or *key. NULL, or why not. */
static const char *read_block(const char *name, const char *header, const uint8_t *der, long n,
                              X509 **x, EVP_PKEY **key)
{
    const uint8_t *at = der;
    if (strcmp(name, PEM_STRING_X509) == 0) {
        if (*x) return "more than one certificate";
        *x = d2i_X509(NULL, &at, n);
        return *x ? NULL : "the certificate cannot be read";
    }
    if (strstr(name, "PRIVATE KEY") == NULL) return NULL; /* "EC PARAMETERS" and the like */
    if (strcmp(name, PEM_STRING_PKCS8) == 0 || strstr(header, "ENCRYPTED"))
        return "the private key is encrypted";
    if (*key) return "more than one private key";
    if (strcmp(name, PEM_STRING_ECPRIVATEKEY) == 0)
        *key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, n);
    else if (strcmp(name, PEM_STRING_RSA) == 0)
        *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, n);
    else
        *key = d2i_AutoPrivateKey(NULL, &at, n);
    return *key ? NULL : "the private key cannot be read";
}

static const char *read_blocks(const char *pem, size_t n, X509 **x, EVP_PKEY **key)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)n);
    const char *why = bio ? NULL : "out of memory";
    while (!why) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long len = 0;
        if (!PEM_read_bio(bio, &name, &header, &der, &len)) {
            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) why = "not PEM text";
            break;
        }
        why = read_block(name, header, der, len, x, key);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)len);
    }
    BIO_free(bio);
    if (!why && !*x) why = "no CERTIFICATE block";
    if (!why && !*key) why = "no PRIVATE KEY block";
    if (!why && X509_check_private_key(*x, *key) != 1)
        why = "the key does not belong to the certificate";
    ERR_clear_error();
    return why;
}

int sotto__cert_from_pem(const char *pem, size_t n, struct cert **ret, sotto_error *err)
{
    X509 *x = NULL;
    EVP_PKEY *key = NULL;
    if (n == 0 || n > SOTTO_MAX_PEM)
        return sotto__error(err, SOTTO_E_SYNTAX, 0, "PEM text of %zu bytes", n);
    const char *why = read_blocks(pem, n, &x, &key);
    int r = why ? SOTTO_E_SYNTAX : 0;
    if (!why && (why = sotto__cert_key_refused(key, false))) r = SOTTO_E_UNSUPPORTED;
    if (r == 0 && (r = sotto__cert_wrap(x, key, ret)) < 0) why = "out of memory";
    if (r < 0) {
        X509_free(x);
        EVP_PKEY_free(key);
        return sotto__error(err, r, 0, "%s", why);
    }
    return 0;
}

static bool ec_refused(const EVP_PKEY *key, bool p521)
{
    static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1"};
    char name[32] = "";
    int is_explicit = 1;
    /* written-out curve parameters cost time to check and hide weak curves: only names are taken */
    if (!EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                &is_explicit) ||
        is_explicit)
        return true;
    if (!EVP_PKEY_get_group_name(key, name, sizeof name, NULL)) return true;
    for (size_t i = 0; i < (p521 ? 3 : 2); i++)
        if (strcmp(name, curves[i]) == 0) return false;
    return true;
}

const char *sotto__cert_key_refused(const EVP_PKEY *key, bool p521)
{
    const char *why = NULL;
    int type = key ? EVP_PKEY_get_base_id(key) : 0;
    if (type == EVP_PKEY_EC) {
        if (ec_refused(key, p521)) why = "an EC key of a curve that is not accepted";
    } else if (type == EVP_PKEY_RSA) {
        BIGNUM *e = NULL;
        int bits = EVP_PKEY_get_bits(key);
        if (bits < 2048 || bits > 8192) why = "an RSA key outside 2048 to 8192 bits";
        /* a verification costs as the length of the exponent does */
        else if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) || BN_num_bits(e) > 64)
            why = "an RSA key with an excessive exponent";
        BN_free(e);
    } else {
        why = "a key that is neither EC nor RSA";
    }
    ERR_clear_error();
    return why;
}

int sotto__cert_to_pem(const struct cert *c, char **ret)
{
    X509 *x = NULL;
    EVP_PKEY *key = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    int r = SOTTO_E_NOMEM;
    if (c->is_sealed) {
        BIO_free(bio);
        return SOTTO_E_ACCESS;
    }
    if (bio && sotto__cert_open(c, &x, &key) == 0 && PEM_write_bio_X509(bio, x) &&
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
        long n = BIO_get_mem_data(bio, &text);
        char *copy = n > 0 ? sotto__strndup(text, (size_t)n) : NULL;
        if (copy) *ret = copy, r = 0;
    }
    X509_free(x);
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    return r;
}

void sotto__cert_fingerprint(const struct cert *c, struct sdp_fingerprint *ret)
{
    *ret = c->fingerprint;
}

void sotto__cert_describe(const uint8_t *der, size_t n, struct sdp_fingerprint *ret,
                          struct buf *out)
{
    unsigned len = 0;
    *ret = (struct sdp_fingerprint){.hash = "sha-256"};
    if (n > 0 && EVP_Digest(der, n, ret->bytes, &len, EVP_sha256(), NULL) == 1) {
        size_t room = (n + 2) / 3 * 4 + 1; /* with the NUL that OpenSSL adds */
        ret->n_bytes = len;
        if (sotto__buf_reserve(out, room))
            out->n += (size_t)EVP_EncodeBlock(out->p + out->n, der, (int)n);
    } else if (!out->err) {
        out->err = SOTTO_E_NOMEM;
    }
    ERR_clear_error();
}

void sotto__cert_base64(const struct cert *c, struct buf *out)
{
    struct sdp_fingerprint known;
    unsigned char *der = NULL;
    int n = c->x509 ? i2d_X509(c->x509, &der) : 0;
    if (c->x509)
        sotto__cert_describe(der, n > 0 ? (size_t)n : 0, &known, out);
    else
        sotto__cert_describe(c->packed, c->n_packed, &known, out);
    OPENSSL_free(der);
}

int64_t sotto__cert_expires(const struct cert *c)
{
    return c->expires;
}

struct cert *sotto__cert_ref(struct cert *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void sotto__cert_unref(struct cert *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    sotto__secret_free(c->secret);
    sotto__free(c->packed);
    sotto__free(c);
}

void sotto__fingerprint_text(const struct sdp_fingerprint *f, char out[static 224])
{
    static const char hex[] = "0123456789ABCDEF";
    int at = snprintf(out, 224, "%.15s ", f->hash); /* 16, 191 and the NUL fit */
    size_t n = f->n_bytes <= sizeof f->bytes ? f->n_bytes : sizeof f->bytes;
    for (size_t i = 0; i < n; i++) {
        if (i > 0) out[at++] = ':';
        out[at++] = hex[f->bytes[i] >> 4];
        out[at++] = hex[f->bytes[i] & 15];
    }
    out[at] = '\0';
}

int sotto__fingerprint_strength(const struct sdp_fingerprint *f)
{
    /* RFC 8122 §5: md2, md5 and sha-1 are known to other implementations, and too weak for us */
    static const struct {
        const char *hash;
        size_t n;
    } known[] = {{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(f->hash, known[i].hash) == 0 && f->n_bytes == known[i].n) return (int)i + 1;
    return 0;
}

bool sotto__fingerprints_usable(const struct sdp_fingerprint *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sotto__fingerprint_strength(&f[i]) > 0) return true;
    return false;
}
