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

static int check_stats(const sotto_e2ee_stats *ret, sotto_e2ee_stats *known)
{
    if (!ret) return SOTTO_E_INVAL;
    return sotto__config_copy(ret, sizeof *known, offsetof(sotto_e2ee_stats, old), known);
}

/* Whose keys: a transceiver's or a channel's, as the application has it. */
struct owner {
    bool is_channel;
    sotto_transceiver *t;
    sotto_dc *dc;
};

static struct owner of(sotto_transceiver *t)
{
    return (struct owner){.t = t};
}

static struct owner of_dc(sotto_dc *dc)
{
    return (struct owner){.is_channel = true, .dc = dc};
}

struct entered {
    sotto_pc *pc;
    struct peer *peer;
    struct e2ee_place at;
};

/* 0 and locked, to be left by sotto__pc_leave(). */
static int enter(struct owner o, struct entered *ret)
{
    int r = o.is_channel ? sotto__dc_enter(o.dc, &ret->peer) : sotto__media_enter(o.t, &ret->peer);
    if (r < 0) return r;
    ret->pc = o.is_channel ? o.dc->pc : o.t->pc;
    ret->at = o.is_channel ? (struct e2ee_place){.channel = o.dc->channel}
                           : (struct e2ee_place){.transceiver = o.t->transceiver};
    return 0;
}

static int add(struct owner o, int32_t direction, const sotto_e2ee_key *key)
{
    struct entered in;
    sotto_e2ee_key all;
    int r = read_key(key, &all);
    if (r == 0) r = enter(o, &in);
    if (r < 0) return r;
    r = sotto__peer_e2ee_add(in.peer, sotto__now(in.pc->ctx), &in.at, direction, &all);
    sotto__pc_leave(in.pc);
    return r;
}

static int drop(struct owner o, int32_t direction, uint64_t kid)
{
    struct entered in;
    int r = enter(o, &in);
    if (r < 0) return r;
    r = sotto__peer_e2ee_remove(in.peer, &in.at, direction, kid);
    sotto__pc_leave(in.pc);
    return r;
}

static int use(struct owner o, uint64_t kid)
{
    struct entered in;
    int r = enter(o, &in);
    if (r < 0) return r;
    r = sotto__peer_e2ee_use(in.peer, &in.at, kid);
    sotto__pc_leave(in.pc);
    return r;
}

static int ratchet(struct owner o)
{
    struct entered in;
    int r = enter(o, &in);
    if (r < 0) return r;
    r = sotto__peer_e2ee_ratchet(in.peer, &in.at);
    sotto__pc_leave(in.pc);
    return r;
}

static int require(struct owner o, int32_t direction)
{
    struct entered in;
    int r = enter(o, &in);
    if (r < 0) return r;
    r = sotto__peer_e2ee_require(in.peer, sotto__now(in.pc->ctx), &in.at, direction);
    sotto__pc_leave(in.pc);
    return r;
}

static int get_stats(struct owner o, int32_t direction, sotto_e2ee_stats *ret)
{
    struct entered in;
    sotto_e2ee_stats known;
    int r = check_stats(ret, &known);
    if (r == 0) r = enter(o, &in);
    if (r < 0) return r;
    sotto_e2ee_stats all = {.size = known.size};
    r = sotto__peer_e2ee_get_stats(in.peer, &in.at, direction, &all);
    if (r == 0) memcpy(ret, &all, known.size < sizeof all ? known.size : sizeof all);
    sotto__pc_leave(in.pc);
    return r;
}

/* ---- the functions ---- */

COLD SOTTO_API int sotto_transceiver_add_e2ee_key(sotto_transceiver *t, int32_t direction,
                                                  const sotto_e2ee_key *key)
{
    return add(of(t), direction, key);
}

COLD SOTTO_API int sotto_transceiver_remove_e2ee_key(sotto_transceiver *t, int32_t direction,
                                                     uint64_t kid)
{
    return drop(of(t), direction, kid);
}

COLD SOTTO_API int sotto_transceiver_use_e2ee_key(sotto_transceiver *t, uint64_t kid)
{
    return use(of(t), kid);
}

COLD SOTTO_API int sotto_transceiver_ratchet_e2ee(sotto_transceiver *t)
{
    return ratchet(of(t));
}

COLD SOTTO_API int sotto_transceiver_require_e2ee(sotto_transceiver *t, int32_t direction)
{
    return require(of(t), direction);
}

COLD SOTTO_API int sotto_transceiver_get_e2ee_stats(sotto_transceiver *t, int32_t direction,
                                                    sotto_e2ee_stats *ret)
{
    return get_stats(of(t), direction, ret);
}

COLD SOTTO_API int sotto_dc_add_e2ee_key(sotto_dc *dc, int32_t direction, const sotto_e2ee_key *key)
{
    return add(of_dc(dc), direction, key);
}

COLD SOTTO_API int sotto_dc_remove_e2ee_key(sotto_dc *dc, int32_t direction, uint64_t kid)
{
    return drop(of_dc(dc), direction, kid);
}

COLD SOTTO_API int sotto_dc_use_e2ee_key(sotto_dc *dc, uint64_t kid)
{
    return use(of_dc(dc), kid);
}

COLD SOTTO_API int sotto_dc_ratchet_e2ee(sotto_dc *dc)
{
    return ratchet(of_dc(dc));
}

COLD SOTTO_API int sotto_dc_require_e2ee(sotto_dc *dc, int32_t direction)
{
    return require(of_dc(dc), direction);
}

COLD SOTTO_API int sotto_dc_get_e2ee_stats(sotto_dc *dc, int32_t direction, sotto_e2ee_stats *ret)
{
    return get_stats(of_dc(dc), direction, ret);
}
