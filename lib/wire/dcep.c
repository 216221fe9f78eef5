/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages of the Data Channel Establishment Protocol: DATA_CHANNEL_OPEN and _ACK (RFC 8832 §5, §8.2).
 * Bytes of one user message come in, a struct with views into them goes out, and back. Knows nothing of streams, of parity
 * or of which channels exist: that is the channel table's.
 * answers: H122
 */
#include "wire/dcep.h"

#include "sotto/data.h"
#include "util/bytes.h"
#include "util/limits.h"

#define UNORDERED 0x80 /* §5.1: the top bit of the channel type */

static int parse_open(struct reader *r, struct dcep *d)
{
    uint8_t type = sotto__read_u8(r);
    d->priority = sotto__read_u16(r);
    d->limit = sotto__read_u32(r);
    size_t n_label = sotto__read_u16(r), n_protocol = sotto__read_u16(r);
    const uint8_t *label = sotto__read_view(r, n_label),
                  *protocol = sotto__read_view(r, n_protocol);
    if (r->bad || r->n > 0) return SOTTO_E_PROTO;
    d->unordered = (type & UNORDERED) != 0;
    d->reliability = type & ~UNORDERED;
    if (d->reliability > SOTTO_DC_MAX_LIFETIME) return SOTTO_E_PROTO;
    if (d->reliability == SOTTO_DC_RELIABLE) d->limit = 0; /* §5.1: to be ignored */
    if (!sotto__utf8_ok(label, n_label) || !sotto__utf8_ok(protocol, n_protocol))
        return SOTTO_E_PROTO;
    d->label = (struct str){(const char *)label, n_label};
    d->protocol = (struct str){(const char *)protocol, n_protocol};
    return 0;
}

int sotto__dcep_parse(const uint8_t *p, size_t n, struct dcep *ret)
{
    struct reader r = sotto__reader(p, n);
    struct dcep d = {.type = sotto__read_u8(&r)};
    /* bytes behind an ACK's type are let pass: older pions send four in all */
    int code = r.bad                 ? SOTTO_E_PROTO
               : d.type == DCEP_OPEN ? parse_open(&r, &d)
               : d.type == DCEP_ACK  ? 0
                                     : SOTTO_E_PROTO;
    if (code == 0) *ret = d;
    return code;
}

int sotto__dcep_write(const struct dcep *d, uint8_t *out, size_t cap)
{
    struct writer w = sotto__writer(out, cap);
    if (d->label.n > SOTTO_MAX_LABEL || d->protocol.n > SOTTO_MAX_LABEL) return SOTTO_E_LIMIT;
    sotto__write_u8(&w, d->type);
    if (d->type == DCEP_OPEN) {
        sotto__write_u8(&w, (uint8_t)(d->reliability | (d->unordered ? UNORDERED : 0)));
        sotto__write_u16(&w, d->priority);
        sotto__write_u32(&w, d->reliability == SOTTO_DC_RELIABLE ? 0 : d->limit);
        sotto__write_u16(&w, (uint16_t)d->label.n);
        sotto__write_u16(&w, (uint16_t)d->protocol.n);
        sotto__write_bytes(&w, d->label.p, d->label.n);
        sotto__write_bytes(&w, d->protocol.p, d->protocol.n);
    }
    return w.bad ? SOTTO_E_LIMIT : (int)w.n;
}
