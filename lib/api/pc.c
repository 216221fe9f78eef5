/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of pc.h: check the arguments, lock, call peer/, unlock. And the shell of a connection: what the application holds
 * lives until it is freed and no event names it; the objects behind it go at once.
 * answers: A05
 */
#include "sotto/pc.h"

#include <string.h>
#include <time.h>

#include "api/ctx.h"
#include "sotto/data.h"
#include "util/error.h"
#include "util/mem.h"
#include "util/str.h"

int sotto__pc_enter(sotto_pc *pc, struct peer **ret)
{
    if (!pc || pc->magic != MAGIC_PC) return SOTTO_E_INVAL;
    int r = sotto__guard_check(pc->guard);
    if (r < 0) return r;
    sotto__guard_lock(pc->guard);
    if (!pc->peer) {
        sotto__guard_unlock(pc->guard);
        return SOTTO_E_CLOSED;
    }
    *ret = pc->peer;
    return 0;
}

void sotto__pc_leave(sotto_pc *pc)
{
    sotto_ctx *c = pc->ctx;
    sotto__loop_touch(c, pc);
    sotto__ctx_leave(c);
}

void sotto__pc_unref(sotto_pc *pc)
{
    if (atomic_fetch_sub(&pc->refs, 1) != 1) return;
    sotto__guard_unref(pc->guard);
    pc->magic = MAGIC_DEAD;
    sotto__free(pc);
}

/* All generations say their goodbyes in the loop. */
static void close_ices(sotto_ctx *c, struct peer *peer, sotto_us now)
{
    struct ice *ice;
    while ((ice = sotto__peer_detach_ice(peer, now))) sotto__loop_close_ice(c, ice, now);
}

void sotto__pc_end(sotto_pc *pc)
{
    sotto_ctx *c = pc->ctx;
    struct peer *peer = pc->peer;
    sotto_us now = sotto__now(c);
    sotto__peer_close(peer, now);
    for (struct channel *ch = NULL; (ch = sotto__peer_next_channel(peer, ch));)
        if (ch->shell) sotto__dc_detach(ch->shell);
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next(peer, t));)
        if (t->shell) sotto__media_detach(t->shell);
    for (struct transceiver *t = NULL; (t = sotto__transceiver_next_gone(peer, t));)
        if (t->shell) sotto__media_detach(t->shell);
    sotto__loop_forget(c, pc);
    close_ices(c, peer, now);
    sotto__peer_free(peer);
    pc->peer = NULL;
    sotto__list_remove(&pc->all);
    sotto__map_del(&c->by_id, pc->id);
    c->n_pcs--;
}

static int add_to_context(sotto_ctx *c, sotto_pc *pc)
{
    if (c->n_pcs >= c->max_pcs) return SOTTO_E_LIMIT;
    int r = sotto__loop_reserve(c);
    pc->id = ++c->last_id;
    if (r == 0) r = sotto__map_put(&c->by_id, pc->id, pc);
    if (r < 0) return r;
    pc->ctx = c;
    pc->guard = sotto__guard_ref(c->guard);
    sotto__list_push(&c->pcs, &pc->all);
    c->n_pcs++;
    return 0;
}

/* What is slow (keys) is made before the lock is taken. */
static int make_pc(sotto_ctx *c, struct pc_config *cfg, void *user, sotto_pc **ret)
{
    sotto_pc *pc = sotto__calloc(1, sizeof *pc);
    if (!pc) return SOTTO_E_NOMEM;
    pc->magic = MAGIC_PC;
    atomic_init(&pc->refs, 1);
    pc->user = user;
    pc->due = SOTTO_NEVER;
    pc->cert = cfg->cert;
    pc->bundle_policy = cfg->bundle_policy;
    cfg->peer.transport.shared = &c->shared;
    cfg->peer.transport.owner = pc;
    cfg->peer.now = sotto__now(c);
    cfg->peer.ntp_offset = sotto__ntp_offset(c);
    int r = sotto__peer_new(&pc->peer, &cfg->peer);
    if (r == 0) {
        r = sotto__ctx_enter(c);
        if (r == 0) {
            r = add_to_context(c, pc);
            sotto__ctx_leave(c);
        }
    }
    if (r < 0) {
        sotto__peer_free(pc->peer);
        sotto__free(pc);
        return r;
    }
    *ret = pc;
    return 0;
}

static void *user_of(const sotto_pc_config *cfg)
{
    return cfg && cfg->size >= offsetof(sotto_pc_config, user) + sizeof(void *) ? cfg->user : NULL;
}

SOTTO_API int sotto_pc_new(sotto_ctx *c, const sotto_pc_config *cfg, sotto_pc **ret)
{
    struct pc_config all;
    struct cert *made = NULL;
    if (!c || c->magic != MAGIC_CTX || !ret) return SOTTO_E_INVAL;
    int r = sotto__guard_check(c->guard);
    if (r == 0) r = sotto__config_read(cfg, &all);
    if (r < 0) return r;
    if (!all.peer.transport.cert) {
        r = sotto__spare_take(c, (int64_t)time(NULL), &made);
        all.peer.transport.cert = made;
    }
    if (r == 0) r = make_pc(c, &all, user_of(cfg), ret);
    sotto__cert_unref(made);
    sotto__config_free(&all);
    return r;
}

SOTTO_API void sotto_pc_close(sotto_pc *pc)
{
    struct peer *peer;
    if (sotto__pc_enter(pc, &peer) < 0) return;
    sotto_us now = sotto__now(pc->ctx);
    sotto__peer_close(peer, now);
    /* nothing reads its sockets any more */
    close_ices(pc->ctx, peer, now);
    sotto__pc_leave(pc);
}

SOTTO_API void sotto_pc_free(sotto_pc *pc)
{
    struct peer *peer;
    if (sotto__pc_enter(pc, &peer) < 0) return; /* also when it was freed, and an event holds it */
    sotto_ctx *c = pc->ctx;
    sotto__pc_end(pc);
    sotto__ctx_leave(c);
    sotto__pc_unref(pc);
}

SOTTO_API int sotto_pc_create_offer(sotto_pc *pc, const sotto_offer_options *opt, char **ret_sdp)
{
    struct peer *peer = NULL;
    sotto_offer_options all;
    if (!ret_sdp) return SOTTO_E_INVAL;
    int r = sotto__config_copy(opt, sizeof all, offsetof(sotto_offer_options, ice_restart), &all);
    if (r == 0) r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_create_offer(peer, sotto__now(pc->ctx), all.ice_restart, ret_sdp);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_create_answer(sotto_pc *pc, char **ret_sdp)
{
    struct peer *peer;
    if (!ret_sdp) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_create_answer(peer, ret_sdp);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_set_local_description(sotto_pc *pc, sotto_sdp_type type, const char *sdp,
                                             sotto_error *reterr)
{
    struct peer *peer;
    if (type < SOTTO_SDP_IMPLICIT || type > SOTTO_SDP_ROLLBACK)
        return sotto__error(reterr, SOTTO_E_RANGE, 0, "no such type of description");
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return sotto__error(reterr, r, 0, "%s", sotto_strerror(r));
    r = sotto__peer_set_local(peer, sotto__now(pc->ctx), type, sdp, reterr);
    sotto__pc_leave(pc);
    return r;
}

static bool has_media(const char *sdp)
{
    return strstr(sdp, "m=audio") || strstr(sdp, "m=video");
}

SOTTO_API int sotto_pc_set_remote_description(sotto_pc *pc, sotto_sdp_type type, const char *sdp,
                                              sotto_error *reterr)
{
    struct peer *peer = NULL;
    if (type < SOTTO_SDP_OFFER || type > SOTTO_SDP_ROLLBACK)
        return sotto__error(reterr, SOTTO_E_RANGE, 0, "no such type of remote description");
    if (!sdp && type != SOTTO_SDP_ROLLBACK)
        return sotto__error(reterr, SOTTO_E_INVAL, 0, "the description is missing");
    int r = sdp && has_media(sdp) ? sotto__srtp_start() : 0; /* slow the first time: not under the lock */
    if (r == 0) r = sotto__pc_enter(pc, &peer);
    if (r < 0) return sotto__error(reterr, r, 0, "%s", sotto_strerror(r));
    r = sotto__peer_set_remote(peer, sotto__now(pc->ctx), type, sdp, reterr);
    sotto__pc_leave(pc);
    return r;
}

typedef int (*describe_fn)(struct peer *p, int32_t which, int32_t *ret_type, char **ret_sdp);

static int describe(sotto_pc *pc, sotto_sdp_which which, sotto_sdp_type *ret_type, char **ret_sdp,
                    describe_fn fn)
{
    struct peer *peer;
    if (which < SOTTO_DESC_EFFECTIVE || which > SOTTO_DESC_PENDING) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = fn(peer, which, ret_type, ret_sdp);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_local_description(sotto_pc *pc, sotto_sdp_which which,
                                         sotto_sdp_type *ret_type, char **ret_sdp)
{
    return describe(pc, which, ret_type, ret_sdp, sotto__peer_local_description);
}

SOTTO_API int sotto_pc_remote_description(sotto_pc *pc, sotto_sdp_which which,
                                          sotto_sdp_type *ret_type, char **ret_sdp)
{
    return describe(pc, which, ret_type, ret_sdp, sotto__peer_remote_description);
}

SOTTO_API int sotto_pc_add_ice_candidate(sotto_pc *pc, const sotto_candidate *cand,
                                         sotto_error *reterr)
{
    struct peer *peer;
    sotto_candidate all;
    int r = sotto__config_copy(cand, sizeof all, sizeof all, &all);
    if (r < 0 || (cand && !all.line))
        return sotto__error(reterr, r < 0 ? r : SOTTO_E_INVAL, 0, "a bad sotto_candidate");
    r = sotto__pc_enter(pc, &peer);
    if (r < 0) return sotto__error(reterr, r, 0, "%s", sotto_strerror(r));
    r = sotto__peer_add_candidate(peer, sotto__now(pc->ctx), cand ? &all : NULL, reterr);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_can_trickle(sotto_pc *pc)
{
    struct peer *peer;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_can_trickle(peer);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_restart_ice(sotto_pc *pc)
{
    struct peer *peer;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    r = sotto__peer_restart_ice(peer, sotto__now(pc->ctx));
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_get_state(sotto_pc *pc, sotto_pc_state *ret)
{
    sotto_pc_state s = {.connection = SOTTO_CONNECTION_CLOSED,
                        .ice = SOTTO_ICE_CLOSED,
                        .signaling = SOTTO_SIGNALING_CLOSED};
    struct peer *peer;
    if (!ret || ret->size < sizeof ret->size) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0 && r != SOTTO_E_CLOSED) return r;
    if (r == 0) {
        sotto__peer_get_state(peer, &s);
        sotto__pc_leave(pc);
    }
    s.size = ret->size;
    memcpy(ret, &s, ret->size < sizeof s ? ret->size : sizeof s);
    return 0;
}

SOTTO_API int sotto_pc_set_reading(sotto_pc *pc, bool on)
{
    struct peer *peer;
    sotto_pc_state s;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto__peer_get_state(peer, &s);
    if (s.signaling == SOTTO_SIGNALING_CLOSED)
        r = SOTTO_E_CLOSED;
    else
        sotto__peer_set_reading(peer, sotto__now(pc->ctx), on);
    sotto__pc_leave(pc);
    return r;
}

static int read_dc_config(const sotto_dc_config *cfg, const char *label, sotto_dc_config *ret)
{
    int r = sotto__config_copy(cfg, sizeof *ret, sizeof *ret, ret);
    if (r < 0) return r;
    if (!ret->protocol) ret->protocol = "";
    size_t n = strlen(label), m = strlen(ret->protocol);
    if (n > SOTTO_MAX_LABEL || m > SOTTO_MAX_LABEL) return SOTTO_E_LIMIT;
    if (!sotto__utf8_ok((const uint8_t *)label, n) ||
        !sotto__utf8_ok((const uint8_t *)ret->protocol, m))
        return SOTTO_E_SYNTAX;
    if (ret->reliability < SOTTO_DC_RELIABLE || ret->reliability > SOTTO_DC_MAX_LIFETIME ||
        ret->priority < SOTTO_PRIORITY_DEFAULT || ret->priority > SOTTO_PRIORITY_HIGH ||
        ret->limit > UINT16_MAX || (ret->negotiated && ret->id == SOTTO_MAX_STREAMS))
        return SOTTO_E_RANGE;
    return 0;
}

SOTTO_API int sotto_pc_create_data_channel(sotto_pc *pc, const char *label,
                                           const sotto_dc_config *cfg, sotto_dc **ret)
{
    struct peer *peer;
    sotto_dc_config all;
    struct channel *ch;
    if (!ret) return SOTTO_E_INVAL;
    if (!label) label = "";
    int r = read_dc_config(cfg, label, &all);
    if (r == 0) r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto_us now = sotto__now(pc->ctx);
    r = sotto__peer_open_channel(peer, now, label, &all, &ch);
    if (r == 0) {
        r = sotto__dc_new(pc, ch, all.user, ret);
        if (r < 0) sotto__channel_release(peer, now, ch);
    }
    sotto__pc_leave(pc);
    return r;
}
