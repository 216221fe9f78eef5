/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of data.h, and the shell of a channel: it copies what never changes, so that a bare noun needs no lock.
 */
#include "sotto/data.h"

#include "api/ctx.h"
#include "util/cold.h"
#include "util/mem.h"

void sotto__dc_unref(sotto_dc *dc)
{
    if (atomic_fetch_sub(&dc->refs, 1) != 1) return;
    sotto__pc_unref(dc->pc);
    sotto__guard_unref(dc->guard);
    sotto__free(dc->label);
    sotto__free(dc->protocol);
    dc->magic = MAGIC_DEAD;
    sotto__free(dc);
}

int sotto__dc_new(sotto_pc *pc, struct channel *ch, void *user, sotto_dc **ret)
{
    sotto_dc *dc = sotto__calloc(1, sizeof *dc);
    if (!dc) return SOTTO_E_NOMEM;
    dc->label = sotto__strdup(ch->label);
    dc->protocol = sotto__strdup(ch->protocol);
    if (!dc->label || !dc->protocol) {
        sotto__free(dc->label);
        sotto__free(dc->protocol);
        sotto__free(dc);
        return SOTTO_E_NOMEM;
    }
    dc->magic = MAGIC_DC;
    atomic_init(&dc->refs, 1);
    dc->guard = sotto__guard_ref(pc->guard);
    dc->pc = pc;
    atomic_fetch_add(&pc->refs, 1);
    dc->channel = ch;
    dc->unordered = ch->unordered;
    dc->negotiated = ch->negotiated;
    dc->reliability = ch->reliability;
    dc->priority = ch->priority;
    dc->limit = ch->limit;
    dc->id = -1;
    dc->user = user;
    ch->shell = dc;
    sotto__list_push(&pc->ctx->dcs, &dc->all);
    *ret = dc;
    return 0;
}

void sotto__dc_detach(sotto_dc *dc)
{
    dc->id = dc->channel->id;
    dc->buffered = (int64_t)dc->channel->buffered;
    dc->low = (int64_t)dc->channel->buffered_low;
    dc->channel = NULL;
}

static int check(const sotto_dc *dc)
{
    return dc && dc->magic == MAGIC_DC ? 0 : SOTTO_E_INVAL;
}

int sotto__dc_enter(sotto_dc *dc, struct peer **ret)
{
    int r = check(dc);
    if (r == 0) r = sotto__pc_enter(dc->pc, ret);
    if (r < 0 || dc->channel) return r;
    sotto__pc_leave(dc->pc);
    return SOTTO_E_CLOSED;
}

SOTTO_API int sotto_dc_send(sotto_dc *dc, const void *data, size_t len, bool is_text)
{
    struct peer *peer;
    if (!data && len > 0) return SOTTO_E_INVAL;
    int r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    sotto_ctx *c = dc->pc->ctx;
    sotto_us now = sotto__now(c);
    if (!c->batching || len > SOTTO_BATCHED_MESSAGE) {
        r = sotto__channel_send(peer, now, dc->channel, data, len, is_text);
        if (!c->batching) sotto__egress_flush(&c->egress, now); /* it leaves before what can wait is done */
        sotto__pc_leave(dc->pc);
        return r;
    }
    r = sotto__channel_send_later(peer, now, dc->channel, data, len, is_text);
    if (r == 0) c->n_batch++;
    if (r == 0 && !sotto__list_linked(&dc->pc->batch)) sotto__list_push(&c->batch, &dc->pc->batch);
    sotto__ctx_leave_batch(c, now); /* nothing of the connection changed that the loop must know */
    return r;
}

COLD SOTTO_API int sotto_dc_close(sotto_dc *dc)
{
    struct peer *peer;
    int r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r == SOTTO_E_CLOSED ? 0 : r;
    sotto__channel_close(peer, sotto__now(dc->pc->ctx), dc->channel);
    sotto__pc_leave(dc->pc);
    return 0;
}

COLD SOTTO_API void sotto_dc_free(sotto_dc *dc)
{
    if (check(dc) < 0 || sotto__guard_check(dc->guard) < 0) return;
    sotto__guard_lock(dc->guard);
    bool is_handle = sotto__list_linked(&dc->all); /* no: freed before, and an event holds it */
    sotto__list_remove(&dc->all);
    if (dc->channel) {
        struct channel *ch = dc->channel;
        sotto__dc_detach(dc);
        sotto__channel_release(dc->pc->peer, sotto__now(dc->pc->ctx), ch);
        sotto__pc_leave(dc->pc);
    } else {
        sotto__guard_unlock(dc->guard);
    }
    if (is_handle) sotto__dc_unref(dc);
}

SOTTO_API const char *sotto_dc_label(const sotto_dc *dc)
{
    return check(dc) == 0 ? dc->label : NULL;
}

SOTTO_API const char *sotto_dc_protocol(const sotto_dc *dc)
{
    return check(dc) == 0 ? dc->protocol : NULL;
}

SOTTO_API int sotto_dc_unordered(const sotto_dc *dc)
{
    return check(dc) == 0 ? dc->unordered : SOTTO_E_INVAL;
}

SOTTO_API int sotto_dc_reliability(const sotto_dc *dc, uint32_t *ret_limit)
{
    if (check(dc) < 0) return SOTTO_E_INVAL;
    if (ret_limit) *ret_limit = dc->limit;
    return dc->reliability;
}

SOTTO_API int sotto_dc_negotiated(const sotto_dc *dc)
{
    return check(dc) == 0 ? dc->negotiated : SOTTO_E_INVAL;
}

SOTTO_API int sotto_dc_priority(const sotto_dc *dc)
{
    return check(dc) == 0 ? dc->priority : SOTTO_E_INVAL;
}

/* What can change is read under the lock, from the channel or from what it left behind. */
struct snapshot {
    int32_t id, state;
    int64_t buffered, low;
};

static int look(const sotto_dc *dc, struct snapshot *ret)
{
    int r = check(dc);
    if (r == 0) r = sotto__guard_check(dc->guard);
    if (r < 0) return r;
    sotto__guard_lock(dc->guard);
    const struct channel *ch = dc->channel;
    *ret = (struct snapshot){dc->id, SOTTO_DC_CLOSED, dc->buffered, dc->low};
    if (ch)
        *ret =
            (struct snapshot){ch->id, ch->state, (int64_t)ch->buffered, (int64_t)ch->buffered_low};
    sotto__guard_unlock(dc->guard);
    return 0;
}

SOTTO_API int sotto_dc_id(const sotto_dc *dc)
{
    struct snapshot s;
    int r = look(dc, &s);
    if (r < 0) return r;
    return s.id < 0 ? SOTTO_E_STATE : s.id;
}

SOTTO_API int sotto_dc_state(const sotto_dc *dc)
{
    struct snapshot s;
    int r = look(dc, &s);
    return r < 0 ? r : s.state;
}

SOTTO_API int64_t sotto_dc_buffered_amount(const sotto_dc *dc)
{
    struct snapshot s;
    int r = look(dc, &s);
    return r < 0 ? r : s.buffered;
}

SOTTO_API int64_t sotto_dc_get_buffered_low(const sotto_dc *dc)
{
    struct snapshot s;
    int r = look(dc, &s);
    return r < 0 ? r : s.low;
}

COLD SOTTO_API int sotto_dc_set_buffered_low(sotto_dc *dc, uint64_t bytes)
{
    struct peer *peer;
    int r = sotto__dc_enter(dc, &peer);
    if (r < 0) return r;
    if (bytes > INT64_MAX) bytes = INT64_MAX;
    sotto__channel_set_low(peer, sotto__now(dc->pc->ctx), dc->channel, bytes);
    sotto__pc_leave(dc->pc);
    return 0;
}

SOTTO_API void *sotto_dc_get_user(const sotto_dc *dc)
{
    if (check(dc) < 0 || sotto__guard_check(dc->guard) < 0) return NULL;
    sotto__guard_lock(dc->guard);
    void *user = dc->user;
    sotto__guard_unlock(dc->guard);
    return user;
}

SOTTO_API int sotto_dc_set_user(sotto_dc *dc, void *user)
{
    int r = check(dc);
    if (r == 0) r = sotto__guard_check(dc->guard);
    if (r < 0) return r;
    sotto__guard_lock(dc->guard);
    dc->user = user;
    sotto__guard_unlock(dc->guard);
    return 0;
}
