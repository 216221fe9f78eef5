/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * End-to-end keys of transceivers and data channels: calls of the application go to the keys of one of them, messages are sealed and
 * opened (docs/reference/end-to-end.md), and what all of them came to is told of the whole connection. In: keys, messages; out: sealed and
 * opened messages, warnings. Knows no cryptography and no codecs.
 *
 * answers: S24 S25
 */
#include <string.h>

#include "peer/private.h"
#include "peer/stats.h"
#include "sotto/security.h"
#include "util/cold.h"
#include "util/mem.h"

/* ---- what was dropped, of the whole connection ---- */

static void add_counts(const struct e2ee *e, struct e2ee_counts *sum)
{
    sotto_e2ee_stats s;
    if (!e) return;
    sotto__e2ee_get_stats(e, SOTTO_E2EE_RECEIVE, &s);
    sum->forged += s.bad;
    sum->replayed += s.replayed + s.old;
    sum->unknown_key += s.no_key;
}

COLD void sotto__e2ee_gone(struct peer *p, const struct e2ee *e)
{
    add_counts(e, &p->e2ee_gone);
}

COLD void sotto__peer_e2ee_counts(struct peer *p, struct e2ee_counts *ret)
{
    *ret = p->e2ee_gone;
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));)
        add_counts(t->line.e2ee, ret);
    for (struct channel *c = NULL; (c = sotto__peer_next_channel(p, c));) add_counts(c->e2ee, ret);
}

/* What is negotiated, by direction: with and without keys. */
struct census {
    size_t sealed, clear;
};

static void take(struct census *n, const struct e2ee *e, int32_t direction)
{
    if (sotto__e2ee_has_key(e, direction))
        n->sealed++;
    else
        n->clear++;
}

COLD int32_t sotto__peer_e2ee_state(struct peer *p)
{
    struct census n = {0, 0};
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(p, t));) {
        if (t->line.sends) take(&n, t->line.e2ee, SOTTO_E2EE_SEND);
        if (t->line.receives) take(&n, t->line.e2ee, SOTTO_E2EE_RECEIVE);
    }
    for (struct channel *c = NULL; (c = sotto__peer_next_channel(p, c));) {
        if (c->state == SOTTO_DC_CLOSED) continue;
        take(&n, c->e2ee, SOTTO_E2EE_SEND);
        take(&n, c->e2ee, SOTTO_E2EE_RECEIVE);
    }
    if (n.sealed == 0) return SOTTO_E2EE_NONE;
    return n.clear > 0 ? SOTTO_E2EE_PART : SOTTO_E2EE_ALL;
}

COLD void sotto__stats_e2ee(struct stats_build *b, const struct e2ee *e, int32_t direction)
{
    sotto_e2ee_stats s;
    if (!sotto__e2ee_is_required(e, direction)) return;
    sotto__e2ee_get_stats(e, direction, &s);
    if (direction == SOTTO_E2EE_SEND) {
        sotto__stats_int(b, "sottoE2eeSealed", s.passed);
        sotto__stats_int(b, "sottoE2eeRefused", s.no_key);
        return;
    }
    sotto__stats_int(b, "sottoE2eeOpened", s.passed);
    sotto__stats_int(b, "sottoE2eeUnknownKey", s.no_key);
    sotto__stats_int(b, "sottoE2eeBad", s.bad);
    sotto__stats_int(b, "sottoE2eeReplayed", s.replayed + s.old);
}

/* ---- calls of the application ---- */

static struct e2ee **slot_of(const struct e2ee_place *at)
{
    return at->channel ? &at->channel->e2ee : &at->transceiver->line.e2ee;
}

/* 0, or why keys cannot be changed here. */
static int check(const struct peer *p, const struct e2ee_place *at, int32_t directions)
{
    if (p->closed ||
        (at->channel ? at->channel->state == SOTTO_DC_CLOSED : at->transceiver->removed))
        return SOTTO_E_CLOSED;
    if (directions <= 0 || directions > (SOTTO_E2EE_SEND | SOTTO_E2EE_RECEIVE))
        return SOTTO_E_RANGE;
    bool raw = !at->channel && at->transceiver->line.mode == SOTTO_RECEIVE_RTP;
    return raw && (directions & SOTTO_E2EE_RECEIVE) ? SOTTO_E_STATE : 0;
}

static void changed(struct peer *p, sotto_us now, const struct e2ee_place *at)
{
    if (at->channel)
        sotto__receive_unseal_held(p, now, at->channel);
    else
        sotto__session_e2ee_changed(p->session, now, &at->transceiver->line);
}

COLD int sotto__peer_e2ee_add(struct peer *p, sotto_us now, const struct e2ee_place *at,
                              int32_t direction, const sotto_e2ee_key *key)
{
    struct e2ee **e = slot_of(at), *made = NULL;
    int r = direction == (SOTTO_E2EE_SEND | SOTTO_E2EE_RECEIVE) ? SOTTO_E_RANGE
                                                                : check(p, at, direction);
    if (r == 0 && !*e) r = sotto__e2ee_new(&made);
    if (r == 0) r = sotto__e2ee_add(made ? made : *e, direction, key);
    if (r < 0) {
        sotto__e2ee_free(made);
        return r;
    }
    if (made) *e = made;
    changed(p, now, at);
    return 0;
}

COLD int sotto__peer_e2ee_require(struct peer *p, sotto_us now, const struct e2ee_place *at,
                                  int32_t directions)
{
    struct e2ee **e = slot_of(at);
    int r = check(p, at, directions);
    if (r == 0 && !*e) r = sotto__e2ee_new(e);
    if (r < 0) return r;
    sotto__e2ee_require(*e, directions);
    changed(p, now, at);
    return 0;
}

COLD int sotto__peer_e2ee_remove(struct peer *p, const struct e2ee_place *at, int32_t direction,
                                 uint64_t kid)
{
    struct e2ee *e = *slot_of(at);
    if (p->closed) return SOTTO_E_CLOSED;
    if (direction != SOTTO_E2EE_SEND && direction != SOTTO_E2EE_RECEIVE) return SOTTO_E_RANGE;
    return e ? sotto__e2ee_remove(e, direction, kid) : SOTTO_E_RANGE;
}

COLD int sotto__peer_e2ee_use(struct peer *p, const struct e2ee_place *at, uint64_t kid)
{
    struct e2ee *e = *slot_of(at);
    if (p->closed) return SOTTO_E_CLOSED;
    return e ? sotto__e2ee_use(e, kid) : SOTTO_E_RANGE;
}

COLD int sotto__peer_e2ee_ratchet(struct peer *p, const struct e2ee_place *at)
{
    struct e2ee *e = *slot_of(at);
    if (p->closed) return SOTTO_E_CLOSED;
    return e ? sotto__e2ee_ratchet(e) : SOTTO_E_STATE;
}

COLD int sotto__peer_e2ee_get_stats(const struct peer *p, const struct e2ee_place *at,
                                    int32_t direction, sotto_e2ee_stats *ret)
{
    const struct e2ee *e = *slot_of(at);
    if (p->closed) return SOTTO_E_CLOSED;
    if (direction != SOTTO_E2EE_SEND && direction != SOTTO_E2EE_RECEIVE) return SOTTO_E_RANGE;
    if (e) sotto__e2ee_get_stats(e, direction, ret);
    return 0;
}

/* ---- messages: one byte, whether it is text, in front of the SFrame ---- */

int sotto__channel_seal(struct channel *c, const void *data, size_t n, bool is_text, uint8_t **ret,
                        size_t *ret_n)
{
    uint8_t *out = sotto__malloc(1 + n + SFRAME_OVERHEAD);
    if (!out) return SOTTO_E_NOMEM;
    out[0] = is_text;
    struct sframe_bytes p = {n ? data : out, n};
    int r = sotto__e2ee_seal(c->e2ee, (struct sframe_bytes){out, 1}, p, out + 1, ret_n);
    if (r < 0) {
        sotto__free(out);
        return r;
    }
    ++*ret_n;
    *ret = out;
    return 0;
}

static void tell(struct peer *p, sotto_us now, struct channel *c)
{
    int32_t code;
    uint64_t count;
    if (sotto__e2ee_tell(c->e2ee, now, &code, &count))
        sotto__events_warning(p, now, code, sotto__e2ee_text(code), count);
}

bool sotto__channel_unseal(struct peer *p, sotto_us now, struct channel *c, struct peer_message *m)
{
    struct sframe_bytes kind = {m->data, 1}, sealed = {m->data + 1, m->len - 1};
    size_t n = 0;
    int r = SOTTO_E_PROTO;
    if (m->is_text || m->len < 2 || m->data[0] > 1)
        sotto__e2ee_refuse(c->e2ee);
    else
        r = sotto__e2ee_open(c->e2ee, c->unordered ? NULL : &c->order, kind, sealed, m->data + 1,
                             &n);
    if (r < 0) {
        tell(p, now, c);
        return false;
    }
    m->is_text = m->data[0];
    memmove(m->data, m->data + 1, n);
    m->data[n] = 0;
    m->len = n;
    return true;
}
