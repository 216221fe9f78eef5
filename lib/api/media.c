/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of media.h but sotto_capabilities(), and the shell of a transceiver: one for each that was given out, made when it is
 * first. It stays until it is given back, which only a transceiver without a future can be, or until the context goes.
 */
#include "sotto/media.h"

#include <string.h>

#include "api/ctx.h"
#include "util/mem.h"

/* ---- shells ---- */

void sotto__media_unref(sotto_transceiver *t)
{
    if (atomic_fetch_sub(&t->refs, 1) != 1) return;
    sotto__pc_unref(t->pc);
    sotto__guard_unref(t->guard);
    t->magic = MAGIC_DEAD;
    sotto__free(t);
}

static sotto_transceiver *bind(sotto_transceiver *s, sotto_pc *pc, struct transceiver *t,
                               void *user)
{
    s->magic = MAGIC_TRANSCEIVER;
    s->kind = t->kind;
    atomic_init(&s->refs, 1);
    s->guard = sotto__guard_ref(pc->guard);
    s->pc = pc;
    atomic_fetch_add(&pc->refs, 1);
    s->transceiver = t;
    s->user = user;
    t->shell = s;
    sotto__list_push(&pc->ctx->transceivers, &s->all);
    return s;
}

int sotto__media_shell(sotto_pc *pc, struct transceiver *t, sotto_transceiver **ret)
{
    sotto_transceiver *s = t->shell;
    if (!s) {
        s = sotto__calloc(1, sizeof *s);
        if (!s) return SOTTO_E_NOMEM;
        bind(s, pc, t, pc->user);
    }
    *ret = s;
    return 0;
}

void sotto__media_detach(sotto_transceiver *t)
{
    t->transceiver = NULL;
}

static int check(const sotto_transceiver *t)
{
    return t && t->magic == MAGIC_TRANSCEIVER ? 0 : SOTTO_E_INVAL;
}

int sotto__media_enter(sotto_transceiver *t, struct peer **ret)
{
    int r = check(t);
    if (r == 0) r = sotto__pc_enter(t->pc, ret);
    if (r < 0 || t->transceiver) return r;
    sotto__pc_leave(t->pc);
    return SOTTO_E_CLOSED;
}

/* 0 and locked, whether or not there is a transceiver any more; to be unlocked with its guard. */
static int look(const sotto_transceiver *t)
{
    int r = check(t);
    if (r == 0) r = sotto__guard_check(t->guard);
    if (r == 0) sotto__guard_lock(t->guard);
    return r;
}

/* ---- reading arguments ---- */

static int check_texts(const char *const *items, size_t n)
{
    if (n > 0 && !items) return SOTTO_E_INVAL;
    if (n > SOTTO_MAX_STREAM_IDS) return SOTTO_E_RANGE;
    for (size_t i = 0; i < n; i++)
        if (!items[i]) return SOTTO_E_INVAL;
    return 0;
}

/* An array of public structs: the first one's size is the stride. */
static int read_items(const void *items, size_t n, size_t known, void *to)
{
    const uint8_t *at = items;
    uint8_t *out = to;
    uint32_t stride;
    if (n == 0) return 0;
    if (!items) return SOTTO_E_INVAL;
    memcpy(&stride, at, sizeof stride);
    for (size_t i = 0; i < n; i++, at += stride, out += known) {
        if (memcmp(at, &stride, sizeof stride) != 0) return SOTTO_E_INVAL;
        int r = sotto__config_copy(at, known, known, out);
        if (r < 0) return r;
    }
    return 0;
}

static int read_config(const sotto_transceiver_config *cfg, sotto_transceiver_config *ret,
                       sotto_encoding encodings[static SOTTO_MAX_RIDS])
{
    int r = sotto__config_copy(cfg, sizeof *ret, sizeof *ret, ret);
    if (r == 0) r = check_texts(ret->streams, ret->n_streams);
    if (r == 0 && ret->n_encodings > SOTTO_MAX_RIDS) r = SOTTO_E_RANGE;
    if (r == 0) r = read_items(ret->encodings, ret->n_encodings, sizeof *encodings, encodings);
    ret->encodings = encodings;
    return r;
}

/* ---- of the connection ---- */

SOTTO_API int sotto_pc_add_transceiver(sotto_pc *pc, sotto_kind kind,
                                       const sotto_transceiver_config *cfg, sotto_transceiver **ret)
{
    struct peer *peer;
    struct transceiver *t;
    sotto_transceiver_config all;
    sotto_encoding encodings[SOTTO_MAX_RIDS];
    if (!ret) return SOTTO_E_INVAL;
    int r = read_config(cfg, &all, encodings);
    if (r == 0) r = sotto__srtp_start(); /* slow the first time: not under the lock */
    if (r == 0) r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto_transceiver *shell = sotto__calloc(1, sizeof *shell);
    r = shell ? sotto__transceiver_add(peer, sotto__now(pc->ctx), kind, &all, &t) : SOTTO_E_NOMEM;
    if (r == 0)
        *ret = bind(shell, pc, t, all.user ? all.user : pc->user);
    else
        sotto__free(shell);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_add_track(sotto_pc *pc, sotto_kind kind, const char *const *streams,
                                 size_t n_streams, sotto_transceiver **ret)
{
    struct peer *peer;
    struct transceiver *t;
    if (!ret) return SOTTO_E_INVAL;
    int r = check_texts(streams, n_streams);
    if (r == 0) r = sotto__srtp_start();
    if (r == 0) r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    sotto_transceiver *shell = sotto__calloc(1, sizeof *shell); /* before anything changes */
    r = shell
            ? sotto__transceiver_add_track(peer, sotto__now(pc->ctx), kind, streams, n_streams, &t)
            : SOTTO_E_NOMEM;
    if (r == 0 && !t->shell) {
        bind(shell, pc, t, pc->user);
        shell = NULL;
    }
    if (r == 0) *ret = t->shell;
    sotto__free(shell);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_remove_track(sotto_pc *pc, sotto_transceiver *t)
{
    struct peer *peer;
    int r = check(t);
    if (r == 0) r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    if (t->pc != pc)
        r = SOTTO_E_ACCESS;
    else if (!t->transceiver)
        r = SOTTO_E_CLOSED;
    else
        r = sotto__transceiver_remove_track(peer, sotto__now(pc->ctx), t->transceiver);
    sotto__pc_leave(pc);
    return r;
}

SOTTO_API int sotto_pc_get_transceivers(sotto_pc *pc, sotto_transceiver **items, size_t n_items)
{
    struct peer *peer;
    sotto_transceiver *all[SOTTO_MAX_TRANSCEIVERS];
    size_t n = 0;
    if (!items && n_items > 0) return SOTTO_E_INVAL;
    int r = sotto__pc_enter(pc, &peer);
    if (r < 0) return r;
    for (struct transceiver *t = NULL; r == 0 && (t = sotto__transceiver_next(peer, t)); n++)
        if (n < n_items) r = sotto__media_shell(pc, t, &all[n]);
    for (size_t i = 0; r == 0 && i < n && i < n_items; i++) items[i] = all[i];
    sotto__pc_leave(pc);
    return r < 0 ? r : (int)n;
}

/* ---- of a transceiver ---- */

SOTTO_API int sotto_transceiver_kind(const sotto_transceiver *t)
{
    return check(t) == 0 ? t->kind : SOTTO_E_INVAL;
}

SOTTO_API int sotto_transceiver_mid(const sotto_transceiver *t, char *mid, size_t n)
{
    if (check(t) < 0 || !mid) return SOTTO_E_INVAL;
    if (n < SOTTO_MAX_MID + 1) return SOTTO_E_RANGE;
    int r = look(t);
    if (r < 0) return r;
    mid[0] = '\0';
    if (t->transceiver) memcpy(mid, t->transceiver->mid, sizeof t->transceiver->mid);
    sotto__guard_unlock(t->guard);
    return 0;
}

SOTTO_API sotto_direction sotto_transceiver_get_direction(const sotto_transceiver *t)
{
    int r = look(t);
    if (r < 0) return r;
    r = t->transceiver ? sotto__transceiver_direction(t->transceiver) : SOTTO_DIR_STOPPED;
    sotto__guard_unlock(t->guard);
    return r;
}

SOTTO_API sotto_direction sotto_transceiver_current_direction(const sotto_transceiver *t)
{
    int r = look(t);
    if (r < 0) return r;
    r = t->transceiver ? sotto__transceiver_current(t->transceiver) : SOTTO_DIR_STOPPED;
    sotto__guard_unlock(t->guard);
    return r;
}

SOTTO_API int sotto_transceiver_set_direction(sotto_transceiver *t, sotto_direction direction)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__transceiver_set_direction(peer, sotto__now(t->pc->ctx), t->transceiver, direction);
    sotto__pc_leave(t->pc);
    return r;
}

SOTTO_API int sotto_transceiver_stop(sotto_transceiver *t)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__transceiver_stop(peer, sotto__now(t->pc->ctx), t->transceiver);
    sotto__pc_leave(t->pc);
    return r;
}

/* Whether its handle may be given back: nothing will come of it any more. */
static bool is_over(const sotto_transceiver *t)
{
    sotto_pc_state s;
    if (!t->transceiver || t->transceiver->removed) return true;
    sotto__peer_get_state(t->pc->peer, &s);
    return s.signaling == SOTTO_SIGNALING_CLOSED;
}

SOTTO_API void sotto_transceiver_free(sotto_transceiver *t)
{
    if (look(t) < 0) return;
    if (!is_over(t)) {
        sotto__guard_unlock(t->guard);
        return;
    }
    bool is_handle = sotto__list_linked(&t->all); /* no: freed before, and an event holds it */
    sotto__list_remove(&t->all);
    if (t->transceiver) {
        struct transceiver *gone = t->transceiver;
        t->transceiver = NULL;
        sotto__transceiver_give_back(t->pc->peer, gone);
        sotto__pc_leave(t->pc);
    } else {
        sotto__guard_unlock(t->guard);
    }
    if (is_handle) sotto__media_unref(t);
}

SOTTO_API int sotto_transceiver_set_streams(sotto_transceiver *t, const char *const *streams,
                                            size_t n_streams)
{
    struct peer *peer;
    int r = check_texts(streams, n_streams);
    if (r == 0) r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__transceiver_set_streams(peer, sotto__now(t->pc->ctx), t->transceiver, streams,
                                       n_streams);
    sotto__pc_leave(t->pc);
    return r;
}

/* ---- parameters and codecs ---- */

SOTTO_API int sotto_transceiver_get_parameters(sotto_transceiver *t, sotto_send_parameters **ret)
{
    struct peer *peer;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__transceiver_get_parameters(peer, t->transceiver, ret);
    sotto__pc_leave(t->pc);
    return r;
}

SOTTO_API int sotto_transceiver_set_parameters(sotto_transceiver *t,
                                               const sotto_send_parameters *params)
{
    struct peer *peer;
    sotto_send_parameters all;
    sotto_encoding encodings[SOTTO_MAX_RIDS];
    if (!params) return SOTTO_E_INVAL;
    int r = sotto__config_copy(params, sizeof all, sizeof all, &all);
    if (r == 0 && all.n_encodings <= SOTTO_MAX_RIDS) /* more than any has: found out below */
        r = read_items(all.encodings, all.n_encodings, sizeof *encodings, encodings);
    all.encodings = encodings;
    if (r == 0) r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__transceiver_set_parameters(peer, sotto__now(t->pc->ctx), t->transceiver, &all);
    sotto__pc_leave(t->pc);
    return r;
}

static int read_codecs(const sotto_codec *items, size_t n, sotto_codec *ret)
{
    int r = read_items(items, n, sizeof *ret, ret);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!ret[i].mime) return SOTTO_E_INVAL;
        if (!ret[i].fmtp) ret[i].fmtp = "";
    }
    return r;
}

SOTTO_API int sotto_transceiver_set_codec_preferences(sotto_transceiver *t,
                                                      const sotto_codec *items, size_t n)
{
    struct peer *peer;
    sotto_codec all[SOTTO_MAX_CODECS];
    if (n > SOTTO_MAX_CODECS) return SOTTO_E_LIMIT;
    int r = read_codecs(items, n, all);
    if (r == 0) r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__transceiver_set_preferences(peer, t->transceiver, all, n);
    sotto__pc_leave(t->pc);
    return r;
}

SOTTO_API int sotto_transceiver_get_codec_preferences(sotto_transceiver *t, sotto_codecs **ret)
{
    struct peer *peer;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__codecs_public(t->kind, &t->transceiver->prefs, NULL, 0, ret);
    sotto__pc_leave(t->pc);
    return r;
}

SOTTO_API int sotto_transceiver_codec(sotto_transceiver *t, sotto_codecs **ret)
{
    struct peer *peer;
    const char *uris[EXT_COUNT];
    size_t n = 0;
    if (!ret) return SOTTO_E_INVAL;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    const struct transceiver *x = t->transceiver;
    for (int i = 0; i < EXT_COUNT; i++)
        if (x->exts.id[i] != 0) uris[n++] = sotto__ext_uri((enum ext_id)i);
    r = x->send.n > 0 ? sotto__codecs_public(t->kind, &x->send, uris, n, ret) : SOTTO_E_STATE;
    sotto__pc_leave(t->pc);
    return r;
}

/* ---- user ---- */

SOTTO_API void *sotto_transceiver_get_user(const sotto_transceiver *t)
{
    if (look(t) < 0) return NULL;
    void *user = t->user;
    sotto__guard_unlock(t->guard);
    return user;
}

SOTTO_API int sotto_transceiver_set_user(sotto_transceiver *t, void *user)
{
    int r = look(t);
    if (r < 0) return r;
    t->user = user;
    sotto__guard_unlock(t->guard);
    return 0;
}
