/* SPDX-License-Identifier: BSD-2-Clause */
/* See stun_kit.h. Lengths in headers are those of what follows, as each attribute that is added counts them anew. */
#include "stun_kit.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "util/bytes.h"

#define COOKIE 0x2112a442u
#define HEADER 20u

static void put_u16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_u32(uint8_t *p, uint32_t v)
{
    put_u16(p, v >> 16);
    put_u16(p + 2, v & 0xffff);
}

static void set_length(uint8_t *p, size_t all)
{
    put_u16(p + 2, all - HEADER);
}

void stun_begin(struct stun_text *s, unsigned type, const uint8_t id[static 12])
{
    s->n = HEADER;
    put_u16(s->bytes, type);
    put_u32(s->bytes + 4, COOKIE);
    memcpy(s->bytes + 8, id, 12);
    set_length(s->bytes, s->n);
}

void stun_add(struct stun_text *s, unsigned attribute, const void *p, size_t n)
{
    size_t padded = (n + 3) & ~(size_t)3;
    if (s->n + 4 + padded > sizeof s->bytes) return;
    put_u16(s->bytes + s->n, attribute);
    put_u16(s->bytes + s->n + 2, n);
    memset(s->bytes + s->n + 4, 0, padded);
    if (n > 0) memcpy(s->bytes + s->n + 4, p, n);
    s->n += 4 + padded;
    set_length(s->bytes, s->n);
}

void stun_add_u32(struct stun_text *s, unsigned attribute, uint32_t value)
{
    uint8_t bytes[4];
    put_u32(bytes, value);
    stun_add(s, attribute, bytes, sizeof bytes);
}

void stun_add_u64(struct stun_text *s, unsigned attribute, uint64_t value)
{
    uint8_t bytes[8];
    put_u32(bytes, (uint32_t)(value >> 32));
    put_u32(bytes + 4, (uint32_t)value);
    stun_add(s, attribute, bytes, sizeof bytes);
}

void stun_add_error(struct stun_text *s, int code)
{
    uint8_t bytes[6] = {0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100), 'n', 'o'};
    stun_add(s, STUN_ERROR_CODE, bytes, sizeof bytes);
}

void stun_add_mapped(struct stun_text *s, const struct sockaddr_in *a)
{
    uint8_t bytes[8] = {0, 1};
    put_u16(bytes + 2, ntohs(a->sin_port) ^ (COOKIE >> 16));
    put_u32(bytes + 4, ntohl(a->sin_addr.s_addr) ^ COOKIE);
    stun_add(s, STUN_MAPPED, bytes, sizeof bytes);
}

/* Of the bytes before the attribute, with the length that the message has with it (RFC 8489 §14.5). */
static void integrity(const uint8_t *p, size_t n, const char *key, uint8_t out[static 20])
{
    uint8_t copy[STUN_LARGEST];
    unsigned size = 20;
    memcpy(copy, p, n);
    set_length(copy, n + 24);
    HMAC(EVP_sha1(), key, (int)strlen(key), copy, n, out, &size);
}

void stun_sign(struct stun_text *s, const char *key, size_t n)
{
    uint8_t hash[20];
    integrity(s->bytes, s->n, key, hash);
    stun_add(s, STUN_INTEGRITY, hash, n < sizeof hash ? n : sizeof hash);
}

static uint32_t fingerprint(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc ^ 0x5354554eu;
}

void stun_finger(struct stun_text *s)
{
    set_length(s->bytes, s->n + 8);
    stun_add_u32(s, STUN_FINGER, fingerprint(s->bytes, s->n));
}

const uint8_t *stun_look(const uint8_t *p, size_t n, unsigned attribute, size_t *ret_n)
{
    for (size_t at = HEADER; at + 4 <= n;) {
        size_t len = sotto__get_u16(p + at + 2);
        if (at + 4 + len > n) return NULL;
        if (sotto__get_u16(p + at) == attribute) {
            if (ret_n) *ret_n = len;
            return p + at + 4;
        }
        at += 4 + ((len + 3) & ~(size_t)3);
    }
    return NULL;
}

unsigned stun_type(const uint8_t *p, size_t n)
{
    return n < HEADER || p[0] > 3 || sotto__get_u32(p + 4) != COOKIE ? 0xffff : sotto__get_u16(p);
}

int stun_code(const uint8_t *p, size_t n)
{
    size_t len;
    const uint8_t *v = stun_look(p, n, STUN_ERROR_CODE, &len);
    return v && len >= 4 ? v[2] * 100 + v[3] : 0;
}

bool stun_is_signed(const uint8_t *p, size_t n, const char *key)
{
    uint8_t hash[20];
    if (n < HEADER + 32 || n > STUN_LARGEST) return false;
    size_t body = n - 32;
    integrity(p, body, key, hash);
    return sotto__get_u32(p + body) == (STUN_INTEGRITY << 16 | 20) &&
           memcmp(p + body + 4, hash, sizeof hash) == 0 &&
           sotto__get_u32(p + body + 24) == ((uint32_t)STUN_FINGER << 16 | 4) &&
           sotto__get_u32(p + body + 28) == fingerprint(p, body + 24);
}
