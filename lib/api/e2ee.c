/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of e2ee.h: check the arguments, lock, call peer/, unlock.
 *
 * answers: S25
 */
#include "sotto/e2ee.h"

#include "api/ctx.h"
#include "util/cold.h"
#include "util/mem.h"

static int read_key(const sotto_e2ee_key *key, sotto_e2ee_key *ret)
{
    if (!key) return SOTTO_E_INVAL;
    int r = sotto__config_copy(key, sizeof *ret, offsetof(sotto_e2ee_key, ratchet_bits), ret);
    return r == 0 && !ret->key ? SOTTO_E_INVAL : r;
}

/* What is asked for, of a transceiver or of a channel. */
static int add(sotto_pc *pc, struct peer *p, struct e2ee_place at, int32_t direction,
               const sotto_e2ee_key *key)
{
    return sotto__peer_e2ee_add(p, sotto__now(pc->ctx), &at, direction, key);
}

static int require(sotto_pc *pc, struct peer *p, struct e2ee_place at, int32_t direction)
{
    return sotto__peer_e2ee_require(p, sotto__now(pc->ctx), &at, direction);
}

static int get_stats(struct peer *p, struct e2ee_place at, int32_t direction,
                     const sotto_e2ee_stats *known, sotto_e2ee_stats *ret)
{
    sotto_e2ee_stats all = {.size = known->size};
    int r = sotto__peer_e2ee_get_stats(p, &at, direction, &all);
    if (r == 0) memcpy(ret, &all, known->size < sizeof all ? known->size : sizeof all);
    return r;
}

static int check_stats(const sotto_e2ee_stats *ret, sotto_e2ee_stats *known)
{
    if (!ret) return SOTTO_E_INVAL;
    return sotto__config_copy(ret, sizeof *known, offsetof(sotto_e2ee_stats, old), known);
}

/* ---- transceivers ---- */

static struct e2ee_place of(const sotto_transceiver *t)
{
    return (struct e2ee_place){.transceiver = t->transceiver};
}

COLD SOTTO_API int sotto_transceiver_add_e2ee_key(sotto_transceiver *t, int32_t direction,
                                                  const sotto_e2ee_key *key)
{
    struct peer *peer;
    sotto_e2ee_key all;
    int r = read_key(key, &all);
    if (r == 0) r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = add(t->pc, peer, of(t), direction, &all);
    sotto__pc_leave(t->pc);
    return r;
}

COLD SOTTO_API int sotto_transceiver_remove_e2ee_key(sotto_transceiver *t, int32_t direction,
                                                     uint64_t kid)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    struct e2ee_place at = of(t);
    r = sotto__peer_e2ee_remove(peer, &at, direction, kid);
    sotto__pc_leave(t->pc);
    return r;
}

COLD SOTTO_API int sotto_transceiver_use_e2ee_key(sotto_transceiver *t, uint64_t kid)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    struct e2ee_place at = of(t);
    r = sotto__peer_e2ee_use(peer, &at, kid);
    sotto__pc_leave(t->pc);
    return r;
}

COLD SOTTO_API int sotto_transceiver_ratchet_e2ee(sotto_transceiver *t)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    struct e2ee_place at = of(t);
    r = sotto__peer_e2ee_ratchet(peer, &at);
    sotto__pc_leave(t->pc);
    return r;
}

COLD SOTTO_API int sotto_transceiver_require_e2ee(sotto_transceiver *t, int32_t direction)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = require(t->pc, peer, of(t), direction);
    sotto__pc_leave(t->pc);
    return r;
}

COLD SOTTO_API int sotto_transceiver_get_e2ee_stats(sotto_transceiver *t, int32_t direction,
                                                    sotto_e2ee_stats *ret)
{
    struct peer *peer;
    sotto_e2ee_stats known;
    int r = check_stats(ret, &known);
    if (r == 0) r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = get_stats(peer, of(t), direction, &known, ret);
    sotto__pc_leave(t->pc);
    return r;
}

/* ---- data channels ---- */

static struct e2ee_place of_dc(const sotto_dc *dc)
{
    return (struct e2ee_place){.channel = dc->channel};
}

COLD SOTTO_API int sotto_dc_add_e2ee_key(sotto_dc *dc, int32_t direction, const sotto_e2ee_key *key)
{
    struct peer *peer;
    sotto_e2ee_key all;
    int r = read_key(key, &all);
    if (r == 0) r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    r = add(dc->pc, peer, of_dc(dc), direction, &all);
    sotto__pc_leave(dc->pc);
    return r;
}

COLD SOTTO_API int sotto_dc_remove_e2ee_key(sotto_dc *dc, int32_t direction, uint64_t kid)
{
    struct peer *peer;
    int r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    struct e2ee_place at = of_dc(dc);
    r = sotto__peer_e2ee_remove(peer, &at, direction, kid);
    sotto__pc_leave(dc->pc);
    return r;
}

COLD SOTTO_API int sotto_dc_use_e2ee_key(sotto_dc *dc, uint64_t kid)
{
    struct peer *peer;
    int r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    struct e2ee_place at = of_dc(dc);
    r = sotto__peer_e2ee_use(peer, &at, kid);
    sotto__pc_leave(dc->pc);
    return r;
}

COLD SOTTO_API int sotto_dc_ratchet_e2ee(sotto_dc *dc)
{
    struct peer *peer;
    int r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    struct e2ee_place at = of_dc(dc);
    r = sotto__peer_e2ee_ratchet(peer, &at);
    sotto__pc_leave(dc->pc);
    return r;
}

COLD SOTTO_API int sotto_dc_require_e2ee(sotto_dc *dc, int32_t direction)
{
    struct peer *peer;
    int r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    r = require(dc->pc, peer, of_dc(dc), direction);
    sotto__pc_leave(dc->pc);
    return r;
}

COLD SOTTO_API int sotto_dc_get_e2ee_stats(sotto_dc *dc, int32_t direction, sotto_e2ee_stats *ret)
{
    struct peer *peer;
    sotto_e2ee_stats known;
    int r = check_stats(ret, &known);
    if (r == 0) r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    r = get_stats(peer, of_dc(dc), direction, &known, ret);
    sotto__pc_leave(dc->pc);
    return r;
}
