/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sotto_reconnect of reconnect.h: when a connection is to restart ICE (RFC 8445 §9), with back-off. In: the states that events tell, and
 * the time; out: calls of sotto_pc_restart_ice(), and what the application's signaling has to repeat. Knows the public API only.
 */
#include "sotto/reconnect.h"

#include "extra/config.h"
#include "util/mem.h"
#include "util/rand.h"
#include "util/time.h"

#define PATIENCE SOTTO_SECONDS(2)
#define FIRST SOTTO_SECONDS(2)
#define LONGEST SOTTO_SECONDS(30)
#define MAX_PATIENCE SOTTO_SECONDS(3600)
#define MAX_WAIT SOTTO_SECONDS(86400)

struct sotto_reconnect {
    sotto_pc *pc;
    sotto_reconnect_config cfg; /* defaults filled in */
    sotto_us at;                /* of the next attempt; SOTTO_NEVER */
    sotto_us wait;              /* after it */
    uint32_t attempts;          /* since it was connected */
    uint64_t random;
    bool is_asked; /* for the next attempt, whatever the state is */
    bool is_over;
};

static int read_config(const sotto_reconnect_config *cfg, sotto_reconnect_config *ret)
{
    int r = sotto__extra_copy(cfg, sizeof *ret, ret);
    if (r < 0) return r;
    if (ret->patience < 0 || ret->patience > MAX_PATIENCE) return SOTTO_E_RANGE;
    if (ret->first < 0 || ret->longest < 0 || ret->longest > MAX_WAIT) return SOTTO_E_RANGE;
    if (ret->patience == 0) ret->patience = PATIENCE;
    if (ret->longest == 0) ret->longest = ret->first > LONGEST ? ret->first : LONGEST;
    if (ret->first == 0) ret->first = ret->longest < FIRST ? ret->longest : FIRST;
    return ret->first <= ret->longest ? 0 : SOTTO_E_RANGE;
}

static void calm(sotto_reconnect *r)
{
    r->at = SOTTO_NEVER;
    r->wait = r->cfg.first;
    r->attempts = 0;
    r->is_asked = false;
}

SOTTO_API int sotto_reconnect_new(sotto_pc *pc, const sotto_reconnect_config *cfg,
                                  sotto_reconnect **ret)
{
    sotto_reconnect_config c;
    uint64_t random;
    if (!pc || !ret) return SOTTO_E_INVAL;
    int r = read_config(cfg, &c);
    if (r == 0) r = sotto__rand_u64(&random);
    if (r < 0) return r;
    sotto_reconnect *it = sotto__calloc(1, sizeof *it);
    if (!it) return SOTTO_E_NOMEM;
    it->pc = pc;
    it->cfg = c;
    it->random = random | 1; /* 0 would stay 0 */
    calm(it);
    *ret = it;
    return 0;
}

SOTTO_API void sotto_reconnect_free(sotto_reconnect *r)
{
    sotto__free(r);
}

SOTTO_API int sotto_reconnect_handle(sotto_reconnect *r, const sotto_event *e)
{
    if (!r || !e) return SOTTO_E_INVAL;
    if (e->pc != r->pc || r->is_over) return 0;
    if (e->type == SOTTO_EV_NETWORK_CHANGED && e->u.network.needs_restart) {
        sotto_reconnect_now(r, e->at);
        return 1;
    }
    if (e->type != SOTTO_EV_STATE) return 0;
    switch (e->u.state.connection) {
    case SOTTO_CONNECTION_CONNECTED: calm(r); break;
    case SOTTO_CONNECTION_DISCONNECTED:
        if (r->at == SOTTO_NEVER) r->at = sotto__after(e->at, r->cfg.patience);
        break;
    case SOTTO_CONNECTION_FAILED: /* the waits between attempts stay as they are */
        if (r->attempts == 0) r->at = e->at;
        break;
    case SOTTO_CONNECTION_CLOSED:
        r->is_over = true;
        r->at = SOTTO_NEVER;
        break;
    default: break;
    }
    return 1;
}

SOTTO_API void sotto_reconnect_now(sotto_reconnect *r, sotto_us now)
{
    if (!r || r->is_over) return;
    r->at = now;
    r->wait = r->cfg.first;
    r->is_asked = true;
}

SOTTO_API sotto_us sotto_reconnect_due(const sotto_reconnect *r)
{
    return r ? r->at : SOTTO_NEVER;
}

/* A number of xorshift64*: which client comes when is no secret. */
static uint64_t next_random(sotto_reconnect *r)
{
    r->random ^= r->random >> 12;
    r->random ^= r->random << 25;
    r->random ^= r->random >> 27;
    return r->random * UINT64_C(2685821657736338717);
}

/* The wait that follows, from 0.8 to 1.2 times what it says; the one after it is twice as long. */
static sotto_us next_wait(sotto_reconnect *r)
{
    uint64_t fifth = (uint64_t)r->wait / 5;
    sotto_us wait = r->wait - (sotto_us)fifth + (sotto_us)(next_random(r) % (2 * fifth + 1));
    r->wait = r->wait > r->cfg.longest / 2 ? r->cfg.longest : 2 * r->wait;
    return wait;
}

static int attempt(sotto_reconnect *r, bool is_asked)
{
    sotto_pc_state state = {.size = sizeof state};
    int e = sotto_pc_get_state(r->pc, &state);
    if (e < 0) return e;
    if (state.connection == SOTTO_CONNECTION_CONNECTED && !is_asked &&
        state.signaling == SOTTO_SIGNALING_STABLE) { /* make before break: no state has told of it */
        calm(r);
        return SOTTO_RECONNECT_WAIT;
    }
    if (state.signaling == SOTTO_SIGNALING_HAVE_LOCAL_OFFER) return SOTTO_RECONNECT_RESEND;
    if (state.signaling != SOTTO_SIGNALING_STABLE) return SOTTO_RECONNECT_WAIT; /* the remote is at it */
    e = sotto_pc_restart_ice(r->pc);
    return e < 0 ? e : SOTTO_RECONNECT_RESTARTED;
}

SOTTO_API int sotto_reconnect_run(sotto_reconnect *r, sotto_us now)
{
    if (!r) return SOTTO_E_INVAL;
    if (r->at > now) return SOTTO_RECONNECT_WAIT;
    if (r->cfg.attempts > 0 && r->attempts >= r->cfg.attempts) {
        r->is_over = true;
        r->at = SOTTO_NEVER;
        return SOTTO_E_LIMIT;
    }
    bool is_asked = r->is_asked;
    r->is_asked = false;
    r->attempts++;
    r->at = sotto__after(now, next_wait(r));
    return attempt(r, is_asked);
}
