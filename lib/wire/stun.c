/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of STUN and TURN servers: what address they see of us (RFC 8489 §14.1, §14.2), and as far as an application wants to know why
 * there is no candidate: ERROR-CODE (§14.8), ALTERNATE-SERVER and ALTERNATE-DOMAIN (§14.15, §14.16). The question for that address. And
 * where frames of TURN over a stream end. In: bytes of a server; out: views. Does not check integrity or fingerprint: libnice does that
 * with what it acts upon, and to the question for our address there is none.
 * answers: H053
 */
#include "wire/stun.h"

#include "util/bytes.h"

#define CLASS_SUCCESS 0x0100u
#define CLASS_ERROR 0x0110u
#define COOKIE 0x2112a442u
#define MAPPED_ADDRESS 0x0001u
#define XOR_MAPPED_ADDRESS 0x0020u
#define LIFETIME 0x000du
#define LAST_ASSIGNED 0x002au /* of those that must be understood: RFC 8489 §18.3 and what came after it */
#define OPTIONAL 0x8000u      /* from here on they need not be */
#define ERROR_CODE 0x0009u
#define ALTERNATE_SERVER 0x8023u
#define ALTERNATE_DOMAIN 0x8003u

/* The hundreds in three bits, the rest in a byte of 0…99, then the reason. */
static void read_error(struct reader value, struct stun_answer *ret)
{
    uint32_t word = sotto__read_u32(&value);
    int32_t hundreds = word >> 8 & 7, rest = word & 0xff;
    if (value.bad || hundreds < 3 || hundreds > 6 || rest > 99) return;
    ret->code = 100 * hundreds + rest;
    ret->reason = (struct str){(const char *)value.p, value.n};
}

/* Family and port, then the address: §14.1. False: neither IPv4 nor IPv6. */
static bool read_address(struct reader value, struct address *ret)
{
    uint16_t family = sotto__read_u16(&value) & 0xff, port = sotto__read_u16(&value);
    size_t n = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (n == 0 || value.n != n) return false;
    *ret = (struct address){.family = n == 4 ? 4 : 6, .port = port};
    memcpy(ret->ip, value.p, n);
    return true;
}

/* So that no NAT on the way changes what looks like an address of its own. key: cookie and transaction, as they stand in the message. */
static void unmask(struct address *a, const uint8_t key[static 16])
{
    a->port ^= sotto__get_u16(key);
    for (size_t i = 0; i < (a->family == 4 ? 4u : 16u); i++) a->ip[i] ^= key[i];
}

static void read_attribute(uint16_t type, struct reader value, const uint8_t key[static 16],
                           struct stun_answer *ret)
{
    struct str text = {(const char *)value.p, value.n};
    if (type > LAST_ASSIGNED && type < OPTIONAL) ret->is_strange = true;
    if (ret->is_error) {
        if (type == ERROR_CODE) read_error(value, ret);
        if (type == ALTERNATE_SERVER) (void)read_address(value, &ret->alternate);
        if (type == ALTERNATE_DOMAIN && sotto__host_name_ok(text)) ret->domain = text;
        return;
    }
    if (type == LIFETIME && value.n == 4) ret->lifetime = sotto__read_u32(&value);
    if (type == MAPPED_ADDRESS && ret->mapped.family == 0) (void)read_address(value, &ret->mapped);
    if (type == XOR_MAPPED_ADDRESS && read_address(value, &ret->mapped)) unmask(&ret->mapped, key);
}

bool sotto__stun_answer(const uint8_t *p, size_t n, struct stun_answer *ret)
{
    struct reader r = sotto__reader(p, n);
    unsigned type = sotto__read_u16(&r), length = sotto__read_u16(&r), class = type & 0x0110u;
    const uint8_t *key = sotto__read_view(&r, 16); /* cookie and transaction */
    if (r.bad || length != r.n || type > 0x3fff) return false;
    if (class != CLASS_SUCCESS && class != CLASS_ERROR) return false;
    *ret = (struct stun_answer){.method = (uint16_t)(type & 0x3eefu), /* without the class: §5 */
                                .is_error = class == CLASS_ERROR};
    while (r.n >= 4) {
        uint16_t attribute = sotto__read_u16(&r);
        size_t size = sotto__read_u16(&r);
        const uint8_t *value = sotto__read_view(&r, size);
        if (!value) break;
        read_attribute(attribute, sotto__reader(value, size), key, ret);
        sotto__read_view(&r, (4 - size % 4) % 4);
    }
    return true;
}

void sotto__stun_request(const uint8_t id[static STUN_ID], uint8_t out[static STUN_HEAD])
{
    struct writer w = sotto__writer(out, STUN_HEAD);
    sotto__write_u16(&w, STUN_BINDING);
    sotto__write_u16(&w, 0);
    sotto__write_u32(&w, COOKIE);
    sotto__write_bytes(&w, id, STUN_ID);
}

bool sotto__stun_is_of(const uint8_t *p, size_t n, const uint8_t id[static STUN_ID])
{
    return n >= STUN_HEAD && sotto__get_u32(p + 4) == COOKIE && memcmp(p + 8, id, STUN_ID) == 0;
}

void sotto__stun_reason(struct str reason, char *out, size_t cap)
{
    size_t used = 0;
    for (size_t i = 0; i < reason.n && used + 1 < cap; i++)
        out[used++] = reason.p[i] >= 0x20 && reason.p[i] < 0x7f ? reason.p[i] : '?';
    out[used] = '\0';
}

size_t sotto__stun_frame(const uint8_t *p, size_t n)
{
    if (n > 0 && p[0] > 0x7f) return SIZE_MAX;
    if (n < 4) return 0;
    size_t size = sotto__get_u16(p + 2);
    if (p[0] >= 0x40) return 4 + (size + 3) / 4 * 4;
    return size % 4 == 0 ? 20 + size : SIZE_MAX;
}
