/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of OpenSSL in which certificates are made and handshakes run: a library context of the process, apart from the application's.
 * OpenSSL 3 asks every decoder and every type of key that its providers have whether it is the right one, for each certificate that it
 * reads: some hundred, a fifth of a millisecond. So this context knows one provider, which is the default one with fewer of them. In:
 * nothing, not even openssl.cnf; out: the context. Keys and certificates of other contexts may be used in it.
 */
#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <string.h>

#include "transport/dtls_int.h"

#define MAX_PICKED 40

static struct {
    pthread_once_t once;
    OSSL_PROVIDER *whole; /* OpenSSL's default provider, in a library context of its own */
    OSSL_ALGORITHM keys[MAX_PICKED], readers[MAX_PICKED], writers[MAX_PICKED]; /* each ends with an empty one */
    OSSL_LIB_CTX *ctx;
} library = {.once = PTHREAD_ONCE_INIT};

/* An algorithm's names stand between colons; the first is known to be the short one. */
static bool is_one_of(const char *names, const char *const *list)
{
    size_t n = strcspn(names, ":");
    for (; *list; list++)
        if (strlen(*list) == n && memcmp(names, *list, n) == 0) return true;
    return false;
}

static void pick(OSSL_ALGORITHM *to, int operation, const char *const *names, const char *property)
{
    int no_cache = 0;
    size_t n = 0;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(library.whole, operation, &no_cache);
    for (; a && a->algorithm_names && n + 1 < MAX_PICKED; a++)
        if (is_one_of(a->algorithm_names, names) && strstr(a->property_definition, property))
            to[n++] = *a;
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT: return library.keys;
    case OSSL_OP_DECODER: return library.readers;
    case OSSL_OP_ENCODER: return library.writers;
    case OSSL_OP_STORE: return NULL;
    default: return OSSL_PROVIDER_query_operation(library.whole, operation, no_cache);
    }
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
    static const char *const keys[] = {"EC", "RSA", "X25519", NULL};
    static const char *const identities[] = {"EC", "RSA", NULL};
    OSSL_LIB_CTX *around = OSSL_LIB_CTX_new(), *ctx = OSSL_LIB_CTX_new();
    library.whole = around ? OSSL_PROVIDER_load(around, "default") : NULL;
    if (library.whole) {
        pick(library.keys, OSSL_OP_KEYMGMT, keys, "");
        pick(library.readers, OSSL_OP_DECODER, identities,
             ",input=der,structure=SubjectPublicKeyInfo");
        pick(library.writers, OSSL_OP_ENCODER, identities, "");
    }
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
