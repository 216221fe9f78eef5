/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts, for each address of a remote, the checks that came from there and the answers to ours (RFC 8445 §7, RFC 8489 §5), also where
 * a TURN server passed them on (RFC 8656 §11.6). In: datagrams that somebody saw before libnice read them, which are not all; out:
 * numbers for people to read. Verifies nothing: what a stranger forges here misleads the reader of an explanation, and no more.
 * answers: H026 H029
 */
#include "transport/ice_tally.h"

#include "sotto/pc.h"
#include "util/bytes.h"
#include "util/limits.h"
#include "util/mem.h"
#include "wire/stun.h"

#define MORE 4u /* places that are added at a time */
#define BINDING_REQUEST 0x0001u
#define DATA_INDICATION 0x0017u
#define HEAD 20u
#define XOR_PEER_ADDRESS 0x0012u
#define DATA 0x0013u

static struct ice_tried *find(const struct ice_tally *t, const struct address *a)
{
    for (size_t i = 0; i < t->n; i++)
        if (sotto__address_eq(&t->items[i].addr, a)) return &t->items[i];
    return NULL;
}

static struct ice_tried *append(struct ice_tally *t, const struct address *a)
{
    if (t->n == t->cap) {
        struct ice_tried *more = sotto__realloc(t->items, (t->cap + MORE) * sizeof *more);
        if (!more) return NULL;
        t->items = more;
        t->cap += MORE;
    }
    t->items[t->n] = (struct ice_tried){.addr = *a};
    return &t->items[t->n++];
}

int sotto__ice_tally_add(struct ice_tally *t, const struct candidate *c)
{
    struct ice_tried *e = find(t, &c->addr);
    if (e && e->is_named && !c->name[0]) e->is_hidden = false; /* it was told as it is, too */
    if (e && e->is_named) return 0;
    if (t->n_named == SOTTO_MAX_REMOTE_CANDIDATES) return SOTTO_E_LIMIT;
    if (!e) e = append(t, &c->addr);
    if (!e) return SOTTO_E_NOMEM;
    e->is_named = true;
    e->is_hidden = c->name[0] != '\0';
    t->n_named++;
    return 1;
}

/* XORed with the cookie and the transaction: RFC 8489 §14.2. */
static bool read_peer(struct reader value, const uint8_t *message, struct address *ret)
{
    uint16_t family = sotto__read_u16(&value) & 0xff, port = sotto__read_u16(&value);
    size_t n = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (n == 0 || value.n != n) return false;
    *ret = (struct address){.family = n == 4 ? 4 : 6,
                            .port = (uint16_t)(port ^ sotto__get_u16(message + 4))};
    for (size_t i = 0; i < n; i++) ret->ip[i] = value.p[i] ^ message[4 + i];
    return true;
}

static void note_relayed(struct ice_tally *t, const uint8_t *p, size_t n)
{
    struct reader r = sotto__reader(p + HEAD, n - HEAD);
    struct address peer = {.family = 0};
    const uint8_t *data = NULL;
    size_t n_data = 0;
    while (r.n >= 4) {
        uint16_t attribute = sotto__read_u16(&r);
        size_t size = sotto__read_u16(&r);
        const uint8_t *value = sotto__read_view(&r, size);
        if (!value) break;
        if (attribute == XOR_PEER_ADDRESS) read_peer(sotto__reader(value, size), p, &peer);
        if (attribute == DATA) data = value, n_data = size;
        sotto__read_view(&r, (4 - size % 4) % 4);
    }
    bool is_check = n_data >= HEAD && sotto__get_u16(data) != DATA_INDICATION;
    if (is_check && peer.family != 0) sotto__ice_tally_note(t, &peer, data, n_data);
}

void sotto__ice_tally_note(struct ice_tally *t, const struct address *from, const uint8_t *p,
                           size_t n)
{
    struct stun_answer a;
    unsigned type = n >= HEAD ? sotto__get_u16(p) : UINT16_MAX;
    if (type == DATA_INDICATION) {
        note_relayed(t, p, n);
        return;
    }
    bool is_answer = sotto__stun_answer(p, n, &a) && a.method == STUN_BINDING;
    if (type != BINDING_REQUEST && !is_answer) return;
    struct ice_tried *e = find(t, from);
    if (!e && t->n - t->n_named < SOTTO_MAX_TALLY_STRANGERS) e = append(t, from);
    if (!e) return;
    if (!is_answer) e->asked++;
    if (is_answer && !a.is_error) e->answers++;
    if (is_answer && a.is_error) e->errors++, e->code = (uint16_t)a.code;
}

void sotto__ice_tally_clear(struct ice_tally *t)
{
    t->n = t->n_named = 0;
}

void sotto__ice_tally_free(struct ice_tally *t)
{
    sotto__free(t->items);
    *t = (struct ice_tally){.n = 0};
}
