/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of STUN and TURN servers, read as far as an application wants to know why there is no candidate: ERROR-CODE (RFC 8489 §14.8),
 * ALTERNATE-SERVER and ALTERNATE-DOMAIN (§14.15, §14.16). And where frames of TURN over a stream end. In: bytes of a server; out: views.
 * Does not check integrity, fingerprint or transaction: libnice does that with what it acts upon.
 */
#include "wire/stun.h"

#include "util/bytes.h"

#define CLASS_SUCCESS 0x0100u
#define CLASS_ERROR 0x0110u
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

/* Family and port, then the address: as MAPPED-ADDRESS, §14.1. */
static void read_alternate(struct reader value, struct stun_answer *ret)
{
    uint16_t family = sotto__read_u16(&value) & 0xff, port = sotto__read_u16(&value);
    size_t n = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (n == 0 || value.n != n) return;
    ret->alternate = (struct address){.family = n == 4 ? 4 : 6, .port = port};
    memcpy(ret->alternate.ip, value.p, n);
}

static void read_attribute(uint16_t type, struct reader value, struct stun_answer *ret)
{
    struct str text = {(const char *)value.p, value.n};
    if (type == ERROR_CODE) read_error(value, ret);
    if (type == ALTERNATE_SERVER) read_alternate(value, ret);
    if (type == ALTERNATE_DOMAIN && sotto__host_name_ok(text)) ret->domain = text;
}

bool sotto__stun_answer(const uint8_t *p, size_t n, struct stun_answer *ret)
{
    struct reader r = sotto__reader(p, n);
    unsigned type = sotto__read_u16(&r), length = sotto__read_u16(&r), class = type & 0x0110u;
    sotto__read_view(&r, 16); /* cookie and transaction */
    if (r.bad || length != r.n || type > 0x3fff) return false;
    if (class != CLASS_SUCCESS && class != CLASS_ERROR) return false;
    *ret = (struct stun_answer){.method = (uint16_t)(type & 0x3eefu), /* without the class: §5 */
                                .is_error = class == CLASS_ERROR};
    while (ret->is_error && r.n >= 4) {
        uint16_t attribute = sotto__read_u16(&r);
        size_t size = sotto__read_u16(&r);
        const uint8_t *value = sotto__read_view(&r, size);
        if (!value) break;
        read_attribute(attribute, sotto__reader(value, size), ret);
        sotto__read_view(&r, (4 - size % 4) % 4);
    }
    return true;
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
