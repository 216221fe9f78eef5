/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ClientHello and ServerHello (RFC 5246 §7.4.1, RFC 6347 §4.2.1), read as far as the policy needs: version, cipher suites,
 * compression and the extended master secret (RFC 7627). In: the body of one message; out: yes, or why not. OpenSSL reads it
 * again and decides; this only keeps away what would make it give up.
 * answers: S29
 */
#include "transport/dtls_hello.h"

#include <string.h>

#include "util/bytes.h"

enum { DTLS_1_2 = 0xfefd, EXTENDED_MASTER_SECRET = 23 };

static bool suite_ours(uint32_t suite)
{
    switch (suite) {
    case 0xc02b: /* ECDHE_ECDSA, ECDHE_RSA with AES_128_GCM */
    case 0xc02f:
    case 0xc02c: /* AES_256_GCM */
    case 0xc030:
    case 0xcca9: /* CHACHA20_POLY1305 */
    case 0xcca8: return true;
    default: return false;
    }
}

static struct reader vector(struct reader *r, size_t len_bytes)
{
    size_t n = sotto__read_be(r, len_bytes);
    const uint8_t *p = sotto__read_view(r, n);
    return sotto__reader(p, p ? n : 0);
}

static bool refuse(const char **why, const char *text)
{
    *why = text;
    return false;
}

static bool any_suite(struct reader suites)
{
    bool found = false;
    while (suites.n >= 2) found |= suite_ours(sotto__read_u16(&suites));
    return found && suites.n == 0;
}

static bool has_extended_master_secret(struct reader *hello)
{
    bool found = false;
    if (hello->n == 0) return false;
    struct reader all = vector(hello, 2);
    while (all.n > 0 && !all.bad) {
        uint16_t type = sotto__read_u16(&all);
        struct reader body = vector(&all, 2);
        found |= type == EXTENDED_MASTER_SECRET && body.n == 0;
    }
    return found && !all.bad && !hello->bad && hello->n == 0;
}

bool sotto__dtls_hello_check(bool from_server, const uint8_t *p, size_t n,
                             uint8_t random[static 32], const char **why)
{
    struct reader r = sotto__reader(p, n);
    bool suite, compression;
    uint16_t version = sotto__read_u16(&r);
    const uint8_t *their_random = sotto__read_view(&r, 32);
    struct reader session = vector(&r, 1);
    if (from_server) {
        suite = suite_ours(sotto__read_u16(&r));
        compression = sotto__read_u8(&r) == 0;
    } else {
        vector(&r, 1); /* a cookie: nobody asked for one */
        suite = any_suite(vector(&r, 2));
        struct reader methods = vector(&r, 1);
        compression = methods.n > 0 && memchr(methods.p, 0, methods.n) != NULL;
    }
    if (r.bad || session.n > 32) return refuse(why, "the peer's hello cannot be read");
    if (version != DTLS_1_2) return refuse(why, "the peer does not speak DTLS 1.2");
    if (!suite) return refuse(why, "no cipher suite in common");
    if (!compression) return refuse(why, "the peer insists on compression");
    if (!has_extended_master_secret(&r))
        return refuse(why, "the peer lacks the extended master secret");
    memcpy(random, their_random, 32);
    return true;
}
