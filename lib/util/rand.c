/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entropy: OpenSSL's generator, which reseeds itself after fork. A failure is reported, never papered over.
 * answers: A17
 */
#include "util/rand.h"

#include <openssl/rand.h>
#include <stdatomic.h>

#include "sotto/base.h"

static atomic_int must_fail;

int sotto__rand(void *p, size_t n)
{
    if (n > INT32_MAX || atomic_load_explicit(&must_fail, memory_order_relaxed)) return SOTTO_E_SYS;
    return RAND_bytes(p, (int)n) == 1 ? 0 : SOTTO_E_SYS;
}

int sotto__rand_u64(uint64_t *ret)
{
    return sotto__rand(ret, sizeof *ret);
}

int sotto__rand_ice(char *out, size_t n)
{
    /* RFC 8839 §5.4: ice-char is ALPHA / DIGIT / "+" / "/": 64 of them, so that a random byte maps without bias */
    static const char ice_char[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int r = sotto__rand(out, n);
    if (r < 0) return r;
    for (size_t i = 0; i < n; i++) out[i] = ice_char[(uint8_t)out[i] & 63];
    out[n] = '\0';
    return 0;
}

void sotto__rand_fail(int yes)
{
    atomic_store(&must_fail, yes);
}
