/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handle of a certificate. Needs no context and no lock: what it names never changes.
 */
#include "sotto/cert.h"

#include <time.h>

#include "api/ctx.h"
#include "util/error.h"
#include "util/mem.h"

struct sotto_cert {
    uint32_t magic;
    struct cert *cert;
};

struct cert *sotto__cert_of(const sotto_cert *c)
{
    return c && c->magic == MAGIC_CERT ? c->cert : NULL;
}

/* Wraps it; the certificate is given up on failure. */
static int wrap(struct cert *cert, sotto_cert **ret)
{
    sotto_cert *c = sotto__malloc(sizeof *c);
    if (!c) {
        sotto__cert_unref(cert);
        return SOTTO_E_NOMEM;
    }
    *c = (struct sotto_cert){MAGIC_CERT, cert};
    *ret = c;
    return 0;
}

SOTTO_API int sotto_cert_generate(sotto_cert **ret)
{
    struct cert *cert;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__cert_generate(&cert, (int64_t)time(NULL));
    return r < 0 ? r : wrap(cert, ret);
}

SOTTO_API int sotto_cert_from_pem(const char *pem, size_t len, sotto_cert **ret,
                                  sotto_error *reterr)
{
    struct cert *cert;
    if (!pem || !ret) return sotto__error(reterr, SOTTO_E_INVAL, 0, "an argument is missing");
    int r = sotto__cert_from_pem(pem, len, &cert, reterr);
    return r < 0 ? r : wrap(cert, ret);
}

SOTTO_API int sotto_cert_generate_days(int32_t days, sotto_cert **ret)
{
    struct cert *cert;
    if (!ret) return SOTTO_E_INVAL;
    if (days < 1 || days > SOTTO_MAX_CERT_DAYS) return SOTTO_E_RANGE;
    int r = sotto__cert_generate_days(&cert, (int64_t)time(NULL), days + 1);
    return r < 0 ? r : wrap(cert, ret);
}

SOTTO_API int sotto_cert_from_uri(const char *cert_uri, const char *key_uri, const char *pass,
                                  sotto_cert **ret, sotto_error *reterr)
{
    struct cert *cert;
    if (!cert_uri || !ret) return sotto__error(reterr, SOTTO_E_INVAL, 0, "an argument is missing");
    int r = sotto__cert_from_uri(cert_uri, key_uri, pass, &cert, reterr);
    if (r < 0) return r;
    r = wrap(cert, ret);
    return r < 0 ? sotto__error(reterr, r, 0, "no memory") : 0;
}

SOTTO_API int sotto_cert_to_pem(const sotto_cert *cert, char **ret_pem)
{
    const struct cert *c = sotto__cert_of(cert);
    return c && ret_pem ? sotto__cert_to_pem(c, ret_pem) : SOTTO_E_INVAL;
}

SOTTO_API int sotto_cert_fingerprint(const sotto_cert *cert, char **ret)
{
    const struct cert *c = sotto__cert_of(cert);
    struct sdp_fingerprint f;
    char text[224];
    if (!c || !ret) return SOTTO_E_INVAL;
    sotto__cert_fingerprint(c, &f);
    sotto__fingerprint_text(&f, text);
    char *copy = sotto__strdup(text);
    if (!copy) return SOTTO_E_NOMEM;
    *ret = copy;
    return 0;
}

SOTTO_API int64_t sotto_cert_expires(const sotto_cert *cert)
{
    const struct cert *c = sotto__cert_of(cert);
    return c ? sotto__cert_expires(c) : SOTTO_E_INVAL;
}

SOTTO_API void sotto_cert_free(sotto_cert *cert)
{
    if (!sotto__cert_of(cert)) return;
    sotto__cert_unref(cert->cert);
    cert->magic = MAGIC_DEAD;
    sotto__free(cert);
}
