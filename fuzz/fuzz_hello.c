/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__dtls_hello_check. Property: a hello that passes names DTLS 1.2, its random is the one of the message, and a second
 * reader, written here from RFC 5246 §7.4.1 in another way, finds in it a suite of ours and the extension for the extended master
 * secret; a refusal names a reason; none of this changes with what follows in memory (the copy is as long as the message: ASan).
 * proves: H082 H083 H084
 */
#include <stdlib.h>
#include <string.h>

#include "require.h"
#include "transport/dtls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t number(const uint8_t *p, size_t bytes)
{
    size_t v = 0;
    for (size_t i = 0; i < bytes; i++) v = v << 8 | p[i];
    return v;
}

static bool is_ours(size_t suite)
{
    static const size_t ours[] = {0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (ours[i] == suite) return true;
    return false;
}

/* Where the vector with a length of `bytes` bytes at `at` ends; 0: beyond the message. */
static size_t after(size_t n, const uint8_t *p, size_t at, size_t bytes)
{
    if (at == 0 || at > n || n - at < bytes) return 0;
    size_t len = number(p + at, bytes);
    return n - at - bytes < len ? 0 : at + bytes + len;
}

static bool has_extension(const uint8_t *p, size_t n, size_t at, size_t type)
{
    if (after(n, p, at, 2) == 0) return false;
    size_t end = at + 2 + number(p + at, 2);
    for (at += 2; at != 0 && at + 4 <= end; at = after(end, p, at + 2, 2))
        if (number(p + at, 2) == type) return true;
    return false;
}

static bool second_reader(bool from_server, const uint8_t *p, size_t n)
{
    if (n < 35) return false;
    size_t at = after(n, p, 34, 1); /* version, random; the session's id */
    if (at == 0) return false;
    bool suite = false, plain = false; /* plain: without compression */
    if (from_server) {
        if (n - at < 3) return false;
        plain = p[at + 2] == 0;
        suite = is_ours(number(p + at, 2));
        at += 3;
    } else {
        at = after(n, p, at, 1); /* the cookie */
        size_t end = after(n, p, at, 2);
        if (end == 0) return false;
        for (size_t i = at + 2; i + 2 <= end; i += 2) suite = suite || is_ours(number(p + i, 2));
        at = after(n, p, end, 1); /* compression */
        for (size_t i = end + 1; i < at; i++) plain = plain || p[i] == 0;
    }
    return suite && plain && at != 0 && has_extension(p, n, at, 23);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char none[] = "";
    if (size == 0) return 0;
    bool from_server = data[0] & 1;
    size_t n = size - 1;
    uint8_t *p = malloc(n ? n : 1), random[32] = {0};
    require(p != NULL);
    memcpy(p, data + 1, n);
    const char *why = none;
    bool good = sotto__dtls_hello_check(from_server, p, n, random, &why);
    if (good) {
        require(why == none && n >= 34 && p[0] == 0xfe && p[1] == 0xfd);
        require(memcmp(random, p + 2, 32) == 0);
        require(second_reader(from_server, p, n));
    } else {
        require(why != none && why[0] != '\0');
    }
    free(p);
    return 0;
}
