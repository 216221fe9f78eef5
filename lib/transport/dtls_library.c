/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of OpenSSL in which certificates are made and handshakes run: a library context of the process, apart from the application's.
 * OpenSSL 3 asks every decoder and every type of key that its providers have whether it is the right one, for each certificate that it
 * reads: some hundred, a fifth of a millisecond. So this context knows one provider, which is the default one with fewer of them. In:
 * nothing, not even openssl.cnf; out: the context. Keys and certificates of other contexts may be used in it, private keys that stay in
 * their hardware too.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <string.h>

#include "transport/dtls_int.h"

#define MAX_PICKED 8
#define MAX_FUNCTIONS 48 /* of a key type */
#define OPERATIONS (sizeof operations / sizeof *operations)

/* What is left of each operation: algorithms by the first of their names, of those with this in their properties. */
static const struct operation {
    int id;
    const char *property;
    const char *names[5];
} operations[] = {
    {OSSL_OP_KEYMGMT, "", {"EC", "RSA", "X25519"}},
    {OSSL_OP_DECODER, ",input=der,structure=SubjectPublicKeyInfo", {"EC", "RSA"}},
    {OSSL_OP_ENCODER, ",structure=PrivateKeyInfo", {"EC", "RSA"}},
    {OSSL_OP_DIGEST, "", {"SHA1", "SHA2-256", "SHA2-384", "SHA2-512"}},
    {OSSL_OP_CIPHER, "", {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"}},
    {OSSL_OP_MAC, "", {"HMAC"}},
    {OSSL_OP_KDF, "", {"TLS1-PRF"}},
    {OSSL_OP_KEYEXCH, "", {"ECDH", "X25519"}},
    {OSSL_OP_SIGNATURE, "", {"ECDSA", "RSA"}},
    {OSSL_OP_RAND, "", {"CTR-DRBG", "SEED-SRC"}},
};

static struct {
    pthread_once_t once;
    OSSL_PROVIDER *whole; /* OpenSSL's default provider, in a library context of its own */
    OSSL_ALGORITHM picked[OPERATIONS][MAX_PICKED]; /* each ends with an empty one */
    OSSL_DISPATCH keys[2][MAX_FUNCTIONS];          /* of EC, of RSA: as they are but for import */
    OSSL_FUNC_keymgmt_import_fn *import[2];        /* … as it is */
    OSSL_LIB_CTX *ctx;
} library = {.once = PTHREAD_ONCE_INIT};

/* An algorithm's names stand between colons. */
static bool is_picked(const struct operation *o, const OSSL_ALGORITHM *a)
{
    size_t n = strcspn(a->algorithm_names, ":");
    for (size_t i = 0; i < 5 && o->names[i]; i++)
        if (strlen(o->names[i]) == n && memcmp(a->algorithm_names, o->names[i], n) == 0)
            return strstr(a->property_definition, o->property) != NULL;
    return false;
}

/*
 * A private key of hardware belongs to another provider. OpenSSL first asks ours to take it over, and some (tpm2-openssl) then hand out its
 * public half as if it were all: signing would fail. Refused, it is asked to sign where it is.
 */
static int import_whole(unsigned which, void *key, int selection, const OSSL_PARAM params[],
                        const char *private)
{
    bool is_asked = (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
    if (is_asked && !OSSL_PARAM_locate_const(params, private)) return 0;
    return library.import[which](key, selection, params);
}

static int import_ec(void *key, int selection, const OSSL_PARAM params[])
{
    return import_whole(0, key, selection, params, OSSL_PKEY_PARAM_PRIV_KEY);
}

static int import_rsa(void *key, int selection, const OSSL_PARAM params[])
{
    return import_whole(1, key, selection, params, OSSL_PKEY_PARAM_RSA_D);
}

static void guard_import(unsigned which, OSSL_ALGORITHM *a)
{
    OSSL_DISPATCH *to = library.keys[which];
    size_t n = 0;
    while (a->implementation[n].function_id != 0) n++;
    if (n >= MAX_FUNCTIONS) return; /* an OpenSSL that has grown so much keeps its own */
    memcpy(to, a->implementation, n * sizeof *to);
    for (size_t i = 0; i < n; i++) {
        if (to[i].function_id != OSSL_FUNC_KEYMGMT_IMPORT) continue;
        library.import[which] = OSSL_FUNC_keymgmt_import(&to[i]);
        to[i].function = which == 0 ? (void (*)(void))import_ec : (void (*)(void))import_rsa;
    }
    a->implementation = to;
}

static void pick(const struct operation *o, OSSL_ALGORITHM *to)
{
    int no_cache = 0;
    size_t n = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(library.whole, o->id, &no_cache);
    for (; a && a->algorithm_names && n + 1 < MAX_PICKED; a++)
        if (is_picked(o, a)) to[n++] = *a;
    for (size_t i = 0; o->id == OSSL_OP_KEYMGMT && i < n; i++) {
        if (strncmp(to[i].algorithm_names, "EC:", 3) == 0) guard_import(0, &to[i]);
        if (strncmp(to[i].algorithm_names, "RSA:", 4) == 0) guard_import(1, &to[i]);
    }
}

static const OSSL_ALGORITHM *query(void *provider, int id, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    for (size_t i = 0; i < OPERATIONS; i++)
        if (operations[i].id == id) return library.picked[i];
    return NULL;
}

static int capabilities(void *provider, const char *capability, OSSL_CALLBACK *found, void *arg)
{
    (void)provider;
    return OSSL_PROVIDER_get_capabilities(library.whole, capability, found, arg);
}

static int start_provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                          const OSSL_DISPATCH **ret, void **provider)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities},
        {0, NULL},
    };
    (void)handle, (void)core;
    *ret = functions;
    *provider = OSSL_PROVIDER_get0_provider_ctx(library.whole); /* what its algorithms expect */
    return 1;
}

static void start(void)
{
    OSSL_LIB_CTX *around = OSSL_LIB_CTX_new(), *ctx = OSSL_LIB_CTX_new();
    library.whole = around ? OSSL_PROVIDER_load(around, "default") : NULL;
    for (size_t i = 0; library.whole && i < OPERATIONS; i++)
        pick(&operations[i], library.picked[i]);
    if (library.whole && ctx && OSSL_PROVIDER_add_builtin(ctx, "sotto", start_provider) &&
        OSSL_PROVIDER_load(ctx, "sotto")) {
        library.ctx = ctx;
        return;
    }
    OSSL_LIB_CTX_free(ctx); /* then OpenSSL's own has to do */
    ERR_clear_error();
}

OSSL_LIB_CTX *sotto__dtls_library(void)
{
    (void)pthread_once(&library.once, start);
    return library.ctx;
}
