/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates made in advance. A key and its certificate cost a connection a tenth of its set-up, and each connection gets its own (W3C
 * WebRTC 1.0 §4.4.1.1). So a context that makes connections keeps a few, which its loop makes when it has nothing else to do. In: what
 * sotto_pc_new() takes, idle moments of the loop. Out: certificates that nobody has used. The first connection of a context makes its own,
 * as most contexts have no other.
 */
#include "api/ctx.h"
#include "transport/cert.h"

#define FRESH (28 * 86400) /* seconds that must be left of 29 days */

int sotto__spare_take(sotto_ctx *c, int64_t unix_now, struct cert **ret)
{
    struct cert *cert = NULL;
    sotto__guard_lock(c->guard);
    if (c->spare.n > 0) cert = c->spare.certs[--c->spare.n];
    if (c->spare.is_used) c->spare.wanted = SPARE_CERTS;
    c->spare.is_used = true;
    sotto__guard_unlock(c->guard);
    if (cert && sotto__cert_expires(cert) - unix_now >= FRESH) {
        *ret = cert;
        return 0;
    }
    sotto__cert_unref(cert);
    return sotto__cert_generate(ret, unix_now);
}

bool sotto__spare_wanted(const sotto_ctx *c)
{
    return c->spare.n < c->spare.wanted && !c->in_world;
}

void sotto__spare_put(sotto_ctx *c, struct cert *cert)
{
    if (!cert)
        c->spare.wanted = 0; /* the loop shall sleep, not try and try again */
    else if (c->spare.n < SPARE_CERTS)
        c->spare.certs[c->spare.n++] = cert;
    else
        sotto__cert_unref(cert);
}

void sotto__spare_free(sotto_ctx *c)
{
    while (c->spare.n > 0) sotto__cert_unref(c->spare.certs[--c->spare.n]);
}
