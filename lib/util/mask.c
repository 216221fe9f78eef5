/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Masks: SipHash-2-4 (Aumasson and Bernstein, 2012) under a random key of the process, of which 32 bits are shown. In: addresses, names,
 * text; out: tokens. The key is made at first use, lies in memory that a core dump leaves out and that is empty in a forked child, which
 * makes its own. Without entropy a mask says only that something is there. Knows how an address looks, not what a line means.
 * answers: S26 S30
 */
#include "util/mask.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util/mem.h"
#include "util/rand.h"
#include "util/secret.h"
#include "util/str.h"

struct key {
    uint64_t is_made; /* zero in a child that was forked */
    uint64_t k[2];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct key *key;

static void enter(void)
{
    pthread_mutex_lock(&mutex);
}

static void leave(void)
{
    pthread_mutex_unlock(&mutex);
}

static void start(void)
{
    (void)pthread_atfork(enter, leave, leave);
}

static uint64_t turn(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static void mix(uint64_t v[static 4], int rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1], v[1] = turn(v[1], 13) ^ v[0], v[0] = turn(v[0], 32);
        v[2] += v[3], v[3] = turn(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = turn(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = turn(v[1], 17) ^ v[2], v[2] = turn(v[2], 32);
    }
}

uint64_t sotto__mask_hash(const uint64_t k[static 2], const void *p, size_t n)
{
    const uint8_t *at = p;
    uint64_t v[4] = {k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d,
                     k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573};
    for (size_t i = 0; i <= n / 8; i++) { /* the last word: what is left, and the length */
        size_t len = i < n / 8 ? 8 : n % 8;
        uint64_t m = i < n / 8 ? 0 : (uint64_t)n << 56;
        for (size_t j = 0; j < len; j++) m |= (uint64_t)at[8 * i + j] << 8 * j;
        v[3] ^= m;
        mix(v, 2);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    mix(v, 4);
    uint64_t sum = v[0] ^ v[1] ^ v[2] ^ v[3];
    sotto__wipe(v, sizeof v); /* the rounds can be run backwards, to the key */
    return sum;
}

/* Under the process's key, which is copied nowhere: a core dump has the stack. */
static bool hash(const void *p, size_t n, uint32_t *ret)
{
    (void)pthread_once(&once, start);
    enter();
    if (!key) key = sotto__secret_for_good(sizeof *key);
    if (key && !key->is_made) key->is_made = sotto__rand(key->k, sizeof key->k) == 0;
    bool ok = key && key->is_made;
    if (ok) *ret = (uint32_t)sotto__mask_hash(key->k, p, n);
    leave();
    return ok;
}

const char *sotto__mask(const char *kind, const void *p, size_t n, char out[static MASK])
{
    uint32_t number;
    out[0] = '\0';
    if (n == 0) return out;
    if (hash(p, n, &number))
        snprintf(out, MASK, "%.16s-%08x", kind, (unsigned)number);
    else
        snprintf(out, MASK, "%.16s-hidden", kind);
    return out;
}

const char *sotto__mask_string(const char *kind, const char *s, char out[static MASK])
{
    return sotto__mask(kind, s, strlen(s), out);
}

const char *sotto__mask_address(const char *address, char out[static MASK])
{
    uint8_t raw[16];
    const char *kind = inet_pton(AF_INET, address, raw) == 1    ? "ip4"
                       : inet_pton(AF_INET6, address, raw) == 1 ? "ip6"
                                                                : "host";
    return sotto__mask_string(kind, address, out);
}

/* ---- text ---- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == ':' || c == '-' || c == '_' || c == '%';
}

struct sink {
    char *p;
    size_t n, cap;
};

static void put(struct sink *o, const char *p, size_t n)
{
    size_t room = o->cap - o->n - 1;
    if (n > room) n = room;
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

static void put_mask(struct sink *o, const char *kind, const char *p, size_t n)
{
    char token[MASK];
    sotto__mask(kind, p, n, token);
    put(o, token, strlen(token));
}

/* How many bytes at p are an IPv4 address, which ends where no digit follows; 0: none. */
static size_t ip4_at(const char *p, size_t n)
{
    char text[16];
    uint8_t raw[4];
    size_t len = 0;
    while (len < n && len < sizeof text && ((p[len] >= '0' && p[len] <= '9') || p[len] == '.'))
        len++;
    while (len > 0 && p[len - 1] == '.') len--; /* of the sentence */
    if (len < 7 || len == sizeof text) return 0;
    memcpy(text, p, len);
    text[len] = '\0';
    return inet_pton(AF_INET, text, raw) == 1 ? len : 0;
}

/* The same of an IPv6 address, with what may stand behind it in a sentence cut off. */
static size_t ip6_at(const char *p, size_t n)
{
    char text[INET6_ADDRSTRLEN + 1];
    uint8_t raw[16];
    size_t len = strcspn(p, "%");
    if (len > n) len = n;
    for (; len >= 2 && len < sizeof text; len--) {
        memcpy(text, p, len);
        text[len] = '\0';
        if (inet_pton(AF_INET6, text, raw) == 1) return len;
        if (p[len - 1] != '.' && p[len - 1] != ':') break;
    }
    return 0;
}

/* Names and schemes are the same in either case. */
static bool is_name(const char *p, size_t n)
{
    static const struct str tail = {".local", 6};
    return n > tail.n && sotto__str_ieq((struct str){p + n - tail.n, tail.n}, tail);
}

/* "turn:" and the like: how many bytes of the word come before the host. */
static size_t scheme_of(const char *p, size_t n)
{
    static const char *const schemes[] = {"stun:", "stuns:", "turn:", "turns:", "http:", "https:"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        struct str scheme = sotto__str(schemes[i]);
        if (n >= scheme.n && sotto__str_ieq((struct str){p, scheme.n}, scheme)) return scheme.n;
    }
    return 0;
}

/* A host, its port is left; true: one was there. */
static size_t put_host(struct sink *o, const char *p, size_t n, bool is_url)
{
    size_t len = ip6_at(p, n);
    const char *kind = "ip6", *colon = memchr(p, ':', n);
    if (len == 0) {
        size_t name = colon ? (size_t)(colon - p) : n;
        while (name > 0 && p[name - 1] == '.') name--;
        len = ip4_at(p, n);
        kind = "ip4";
        if (len < name && (is_url || is_name(p, name))) len = name, kind = "host"; /* 192.0.2.7.example.org */
    }
    if (len > 0) put_mask(o, kind, p, len);
    return len;
}

static void put_word(struct sink *o, const char *p, size_t n, bool *is_url)
{
    while (n > 0) {
        size_t scheme = scheme_of(p, n), len;
        put(o, p, scheme);
        p += scheme, n -= scheme;
        *is_url = *is_url || scheme > 0;
        len = n > 0 ? put_host(o, p, n, *is_url) : 0;
        if (n > 0) *is_url = false;
        if (len == 0) { /* an address may begin behind a colon or a hyphen: "from:192.0.2.1" */
            size_t next = 0;
            while (next < n && p[next] != ':' && p[next] != '-' && p[next] != '_') next++;
            len = next < n ? next + 1 : n;
            put(o, p, len);
        }
        p += len, n -= len;
    }
}

void sotto__mask_text(const char *text, char *out, size_t cap)
{
    struct sink o = {out, 0, cap};
    bool is_url = false;
    if (cap == 0) return;
    while (*text) {
        size_t n = 0;
        while (is_word(text[n])) n++;
        if (n > 0) {
            put_word(&o, text, n, &is_url);
        } else { /* the host of "https://host" or "turn:[…" follows */
            if (*text != '/' && *text != '[' && *text != '@') is_url = false;
            put(&o, text, n = 1);
        }
        text += n;
    }
    out[o.n] = '\0';
}
