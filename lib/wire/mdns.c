/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of multicast DNS, as far as host names of ICE candidates need them: RFC 1035 §4, RFC 6762 §18, NSEC by RFC 4034 §4.1 as
 * RFC 6762 §6.1 uses it, names of the mDNS draft for ICE. Bytes of one datagram come in, questions and records go out one by one,
 * and back; nothing is allocated. Compression pointers must point backwards, so each name comes to an end. Knows no socket, no time and
 * no cache.
 */
#include "wire/mdns.h"

#include <stdio.h>

#include "util/rand.h"

#define HEADER 12u
#define IS_RESPONSE 0x8000u
#define AUTHORITATIVE 0x0400u
#define MUST_BE_ZERO 0x780fu /* opcode and rcode: RFC 6762 §18.3, §18.11 */
#define CLASS_IN 1u
#define CLASS_ANY 255u
#define TOP_BIT 0x8000u /* of a class: QU of a question, cache-flush of a record */

/* ---- reading ---- */

int sotto__mdns_open(struct mdns_reader *m, const uint8_t *p, size_t n)
{
    struct reader r = sotto__reader(p, n);
    struct mdns_reader is = {.p = p, .n = n, .at = HEADER, .id = sotto__read_u16(&r)};
    uint16_t flags = sotto__read_u16(&r);
    is.is_response = (flags & IS_RESPONSE) != 0;
    is.questions = sotto__read_u16(&r);
    for (int i = 0; i < 3; i++) is.records[i] = sotto__read_u16(&r);
    if (r.bad || (flags & MUST_BE_ZERO)) return SOTTO_E_PROTO;
    *m = is;
    return 0;
}

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The name at m->at, which moves behind it. RFC 1035 §4.1.4. */
static bool read_name(struct mdns_reader *m, char out[MDNS_NAME])
{
    size_t at = m->at, limit = m->at, used = 0, total = 0;
    bool jumped = false, plain = true;
    for (;;) {
        if (at >= m->n) return false;
        size_t n = m->p[at++];
        if (n >= 0xc0) {
            if (at >= m->n) return false;
            size_t to = (n & 0x3f) << 8 | m->p[at++];
            if (!jumped) m->at = at;
            if (to >= limit) return false; /* only to where this name has not been yet */
            jumped = true;
            at = limit = to;
            continue;
        }
        if (n > 63 || m->n - at < n || (total += n + 1) > 255) return false;
        if (n == 0) break;
        if (used > 0) out[used++] = '.';
        for (size_t i = 0; i < n; i++) {
            out[used++] = lower(m->p[at++]);
            if (!is_plain(out[used - 1])) plain = false;
        }
    }
    if (!jumped) m->at = at;
    out[plain ? used : 0] = '\0';
    return true;
}

static bool read_fields(struct mdns_reader *m, struct reader *ret, size_t n)
{
    if (m->n - m->at < n) return false;
    *ret = sotto__reader(m->p + m->at, n);
    m->at += n;
    return true;
}

int sotto__mdns_next_question(struct mdns_reader *m, struct mdns_question *ret)
{
    struct mdns_question q;
    struct reader r;
    if (m->questions == 0) return 0;
    if (!read_name(m, q.name) || !read_fields(m, &r, 4)) return SOTTO_E_PROTO;
    q.type = sotto__read_u16(&r);
    uint16_t class = sotto__read_u16(&r);
    q.unicast = (class & TOP_BIT) != 0;
    class &= (uint16_t)~TOP_BIT;
    q.is_internet = class == CLASS_IN || class == CLASS_ANY;
    m->questions--;
    *ret = q;
    return 1;
}

/* The next domain name, then a bitmap of types in windows: only the first one, of the types below 256, is looked at. */
static bool read_nsec(struct mdns_reader *m, size_t end, struct mdns_record *ret)
{
    char next[MDNS_NAME];
    struct mdns_reader data = *m;
    data.n = end; /* what it points to lies before */
    if (!read_name(&data, next) || end - data.at < 2) return false;
    const uint8_t *window = m->p + data.at;
    size_t n = window[1];
    if (window[0] != 0) return true;
    if (n == 0 || n > 32 || end - data.at - 2 < n) return false;
    ret->has_a = window[2] & 0x40;
    ret->has_aaaa = n > 3 && (window[5] & 0x08);
    return true;
}

static bool read_data(struct mdns_reader *m, size_t n, struct mdns_record *ret)
{
    size_t size = ret->type == MDNS_A ? 4 : ret->type == MDNS_AAAA ? 16 : 0;
    if (ret->type == MDNS_NSEC) return read_nsec(m, m->at + n, ret);
    if (size == 0) return true;
    if (n != size) return false;
    ret->addr.family = size == 4 ? 4 : 6;
    memcpy(ret->addr.ip, m->p + m->at, size);
    return true;
}

int sotto__mdns_next_record(struct mdns_reader *m, struct mdns_record *ret)
{
    struct mdns_record rec = {.ttl = 0};
    struct mdns_question skipped;
    struct reader r;
    int section = 0;
    while (m->questions > 0)
        if (sotto__mdns_next_question(m, &skipped) < 0) return SOTTO_E_PROTO;
    while (section < 3 && m->records[section] == 0) section++;
    if (section == 3) return 0;
    if (!read_name(m, rec.name) || !read_fields(m, &r, 10)) return SOTTO_E_PROTO;
    rec.type = sotto__read_u16(&r);
    uint16_t class = sotto__read_u16(&r);
    rec.flush = (class & TOP_BIT) != 0;
    rec.is_internet = (class & ~TOP_BIT) == CLASS_IN;
    rec.is_authority = section == 1;
    rec.ttl = sotto__read_u32(&r);
    size_t n = sotto__read_u16(&r);
    if (m->n - m->at < n || !read_data(m, n, &rec)) return SOTTO_E_PROTO;
    m->at += n;
    m->records[section]--;
    *ret = rec;
    return 1;
}

/* ---- writing ---- */

void sotto__mdns_begin(struct writer *w, uint16_t id, bool is_response)
{
    sotto__write_u16(w, id);
    sotto__write_u16(w, is_response ? IS_RESPONSE | AUTHORITATIVE : 0); /* RFC 6762 §18.4 */
    for (int i = 0; i < 4; i++) sotto__write_u16(w, 0);
}

/* One more of what this field of the header counts. */
static void count(struct writer *w, size_t field)
{
    if (!w->bad && ++w->p[field + 1] == 0) w->p[field]++;
}

static void write_name(struct writer *w, const char *name)
{
    struct str label, rest = sotto__str(name);
    if (rest.n > 253) w->bad = true; /* RFC 1035 §3.1: 255 with the first length and the root */
    do {
        sotto__str_cut(rest, '.', &label, &rest);
        if (label.n == 0 || label.n > 63) w->bad = true;
        sotto__write_u8(w, (uint8_t)label.n);
        sotto__write_bytes(w, label.p, label.n);
    } while (rest.p);
    sotto__write_u8(w, 0);
}

void sotto__mdns_add_question(struct writer *w, const struct mdns_question *q)
{
    write_name(w, q->name);
    sotto__write_u16(w, q->type);
    sotto__write_u16(w, q->unicast ? TOP_BIT | CLASS_IN : CLASS_IN);
    count(w, 4);
}

static void write_nsec(struct writer *w, const struct mdns_record *r)
{
    const uint8_t bitmap[4] = {r->has_a ? 0x40 : 0, 0, 0, r->has_aaaa ? 0x08 : 0};
    size_t n = r->has_aaaa ? 4 : 1; /* RFC 4034 §4.1.2: without the zeros at its end */
    write_name(w, r->name);
    sotto__write_u8(w, 0);
    sotto__write_u8(w, (uint8_t)n);
    sotto__write_bytes(w, bitmap, n);
}

void sotto__mdns_add_record(struct writer *w, const struct mdns_record *r)
{
    write_name(w, r->name);
    sotto__write_u16(w, r->type);
    sotto__write_u16(w, r->flush ? TOP_BIT | CLASS_IN : CLASS_IN);
    sotto__write_u32(w, r->ttl);
    size_t at = w->n;
    sotto__write_u16(w, 0);
    if (r->type == MDNS_NSEC)
        write_nsec(w, r);
    else
        sotto__write_bytes(w, r->addr.ip, r->type == MDNS_A ? 4 : 16);
    count(w, 6);
    if (w->bad) return;
    size_t n = w->n - at - 2;
    w->p[at] = (uint8_t)(n >> 8), w->p[at + 1] = (uint8_t)n;
}

/* ---- names ---- */

bool sotto__mdns_is_local(struct str name)
{
    struct str label, rest;
    return sotto__str_cut(name, '.', &label, &rest) && label.n > 0 && label.n <= 63 &&
           sotto__str_ieq(rest, STR("local"));
}

int sotto__mdns_make_name(char out[static 43])
{
    uint8_t b[16];
    size_t at = 0;
    int r = sotto__rand(b, sizeof b);
    if (r < 0) return r;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 4122 §4.4: random */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof b; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        at += (size_t)snprintf(out + at, 43 - at, dash ? "-%02x" : "%02x", b[i]);
    }
    memcpy(out + at, ".local", 7);
    return 0;
}
