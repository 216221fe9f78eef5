/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of media.h that move media: check the arguments, lock, call peer/, unlock.
 */
#include <string.h>

#include "api/ctx.h"
#include "sotto/media.h"

/* Of a batch only its end concerns the loop. */
static void leave(sotto_pc *pc, sotto_us now)
{
    sotto_ctx *c = pc->ctx;
    if (!c->batching) {
        sotto__pc_leave(pc);
        return;
    }
    if (!sotto__list_linked(&pc->batch)) {
        sotto__list_push(&c->batch, &pc->batch);
        c->n_batch++; /* so that it has an end */
    }
    sotto__ctx_leave_batch(c, now);
}

static int read_frame(const sotto_frame *f, sotto_frame *ret)
{
    if (!f) return SOTTO_E_INVAL;
    int r = sotto__config_copy(f, sizeof *ret, offsetof(sotto_frame, rid), ret);
    if (r < 0) return r;
    if (!ret->data || ret->len == 0) return SOTTO_E_INVAL;
    if (ret->len > SOTTO_MAX_FRAME) return SOTTO_E_TOO_BIG;
    if (ret->time_kind != SOTTO_TIME_CAPTURE && ret->time_kind != SOTTO_TIME_RTP)
        return SOTTO_E_RANGE;
    if (ret->payload_kind < 0 || ret->payload_kind > 1) return SOTTO_E_RANGE;
    if (ret->audio_level_kind < 0 || ret->audio_level_kind > 1) return SOTTO_E_RANGE;
    if (ret->audio_level_kind && (ret->audio_level < 0 || ret->audio_level > 127))
        return SOTTO_E_RANGE;
    if (ret->rotation < 0 || ret->rotation > 270 || ret->rotation % 90 != 0) return SOTTO_E_RANGE;
    if (ret->dependency_len > SOTTO_MAX_DEPENDENCY) return SOTTO_E_RANGE;
    if (ret->dependency_len > 0 && !ret->dependency) return SOTTO_E_INVAL;
    return 0;
}

SOTTO_API int sotto_transceiver_send_frame(sotto_transceiver *t, const sotto_frame *f)
{
    struct peer *peer;
    sotto_frame all;
    int r = read_frame(f, &all);
    if (r == 0) r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    sotto_us now = sotto__now(t->pc->ctx);
    r = sotto__media_send_frame(peer, now, t->transceiver, &all);
    leave(t->pc, now);
    return r;
}

SOTTO_API int sotto_transceiver_send_rtp(sotto_transceiver *t, const void *rtp, size_t len)
{
    struct peer *peer;
    if (!rtp) return SOTTO_E_INVAL;
    if (len > SOTTO_MAX_RTP) return SOTTO_E_TOO_BIG;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    sotto_us now = sotto__now(t->pc->ctx);
    r = sotto__media_send_rtp(peer, now, t->transceiver, rtp, len);
    leave(t->pc, now);
    return r;
}

SOTTO_API int sotto_transceiver_request_keyframe(sotto_transceiver *t, const char *rid)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__media_request_key(peer, sotto__now(t->pc->ctx), t->transceiver, rid);
    sotto__pc_leave(t->pc);
    return r;
}

SOTTO_API int sotto_transceiver_set_receive_mode(sotto_transceiver *t, int32_t mode)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__media_set_mode(peer, sotto__now(t->pc->ctx), t->transceiver, mode);
    sotto__pc_leave(t->pc);
    return r;
}

SOTTO_API int sotto_transceiver_set_jitter_target(sotto_transceiver *t, sotto_us target_us)
{
    struct peer *peer;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__media_set_target(peer, sotto__now(t->pc->ctx), t->transceiver, target_us);
    sotto__pc_leave(t->pc);
    return r;
}

SOTTO_API sotto_us sotto_transceiver_get_jitter_target(const sotto_transceiver *t)
{
    struct peer *peer;
    sotto_transceiver *it = (sotto_transceiver *)(uintptr_t)t; /* locking is no change that shows */
    int r = sotto__media_enter(it, &peer);
    if (r < 0) return r;
    sotto_us target = t->transceiver->line.target;
    sotto__pc_leave(t->pc);
    return target;
}

SOTTO_API int sotto_transceiver_insert_dtmf(sotto_transceiver *t, const char *tones,
                                            int32_t duration_ms, int32_t gap_ms)
{
    struct peer *peer;
    if (!tones) return SOTTO_E_INVAL;
    int r = sotto__media_enter(t, &peer);
    if (r < 0) return r;
    r = sotto__media_dtmf(peer, sotto__now(t->pc->ctx), t->transceiver, tones,
                          duration_ms ? duration_ms : 100, gap_ms ? gap_ms : 70);
    sotto__pc_leave(t->pc);
    return r;
}
