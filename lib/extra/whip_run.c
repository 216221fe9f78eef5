/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a publication or a playback, phase by phase: offer, session, watching over it, ICE restarts (RFC 9725 §4.3.3), and the end.
 * In: the state of the connection, results of the worker, the time; out: the next phase, requests, at most one piece of news at a time.
 * answers: S27
 */
#include "extra/whip_frag.h"
#include "extra/whip_priv.h"

#include <string.h>

#include "util/mem.h"
#include "util/time.h"

static struct whip_loss loss_of(int error, const char *reason)
{
    return (struct whip_loss){.error = error, .reason = reason, .retry_after = -1};
}

/* A call of our own failed. */
static void lose_here(sotto_whip *w, int error, sotto_us now)
{
    sotto__whip_lose(w, loss_of(error, sotto_strerror(error)), now);
}

static bool is_idle(const sotto_whip *w)
{
    return w->asked == WHIP_NONE;
}

static void post(sotto_whip *w, const char *offer, sotto_us now)
{
    int r = sotto__whip_post(w, offer);
    if (r < 0)
        lose_here(w, r, now);
    else
        w->phase = WHIP_POST;
}

/* The offer goes out at once, and candidates after it; but not to a server that does not take them so, nor where the application's
 * ICE servers make it possible to gather first. */
static bool begin(sotto_whip *w, sotto_us now)
{
    bool is_own = w->pc_config->n_ice_servers > 0;
    int r = 0;
    if (w->has_trickle && !is_own) {
        r = sotto__whip_make_offer(w);
        if (r == 0) {
            post(w, w->offer, now);
            return true;
        }
    } else if (!is_own && !w->was_asked) {
        w->was_asked = true;
        w->phase = WHIP_ASK;
        r = sotto__whip_ask(w);
    } else {
        w->phase = WHIP_GATHER;
        w->deadline = sotto__after(now, w->times.gather);
        r = sotto__whip_make_offer(w);
        if (r == 0) r = sotto__whip_set_local(w, SOTTO_SDP_OFFER);
    }
    if (r < 0) lose_here(w, r, now);
    return true;
}

static bool gather(sotto_whip *w, sotto_us now)
{
    char *sdp;
    if (!sotto__whip_is_gathered(w) && now < w->deadline) return false;
    int r = sotto__whip_local(w, &sdp);
    if (r < 0) {
        lose_here(w, r, now);
        return true;
    }
    r = sotto__whip_set_text(&w->offer, sotto__str(sdp));
    sotto__free_secret(sdp, strlen(sdp));
    bool is_complete;
    w->n_trickled = 0;
    if (r == 0) {
        w->n_trickled = sotto__whip_frag_count(sotto__str(w->offer), &is_complete);
        w->is_end_told = is_complete;
        post(w, w->offer, now);
    } else {
        lose_here(w, r, now);
    }
    return true;
}

/* Our answer to the server's offer: with the candidates that are there in time. */
static bool answer(sotto_whip *w, sotto_us now)
{
    if (w->is_answer_sent || (!sotto__whip_is_gathered(w) && now < w->deadline)) return false;
    int r = sotto__whip_patch_answer(w);
    w->is_answer_sent = true;
    if (r < 0) lose_here(w, r, now);
    return true;
}

static void begin_restart(sotto_whip *w, sotto_us now)
{
    int r = sotto__whip_restart(w);
    w->wants_restart = false;
    w->lost_at = SOTTO_NEVER;
    w->trickle_at = 0;
    if (r < 0) {
        lose_here(w, r, now);
        return;
    }
    if (!is_idle(w)) sotto__http_worker_cancel(w->worker);
    w->is_told_connected = false;
    w->phase = WHIP_REGATHER;
    w->deadline = sotto__after(now, w->times.gather);
    sotto__whip_tell(w, SOTTO_WHIP_RESTARTING);
}

static bool regather(sotto_whip *w, sotto_us now)
{
    bool is_first = w->restarts == 0 && !w->was_quoted;
    if (!is_idle(w)) return false;
    if (now < w->deadline && !(is_first && sotto__whip_is_gathered(w))) return false;
    int r = sotto__whip_patch_restart(w);
    if (r < 0)
        lose_here(w, r, now);
    else
        w->phase = WHIP_RESTART;
    return true;
}

static void is_connected(sotto_whip *w, sotto_us now)
{
    if (!w->was_connected) w->connected_at = now;
    w->is_told_connected = w->was_connected = true;
    w->restarts = w->attempts = 0;
    w->was_quoted = false;
    sotto__whip_tell(w, SOTTO_WHIP_CONNECTED);
}

/* Whether the path is lost, so that ICE is to be restarted. */
static bool is_lost(sotto_whip *w, int32_t connection, sotto_us now)
{
    if (connection == SOTTO_CONNECTION_FAILED) return true;
    if (connection != SOTTO_CONNECTION_DISCONNECTED) {
        w->lost_at = SOTTO_NEVER;
        return w->wants_restart;
    }
    if (w->lost_at == SOTTO_NEVER) w->lost_at = now;
    return w->wants_restart || now >= sotto__after(w->lost_at, w->times.patience);
}

/* Not connected yet, after the answer or after a restart. */
static bool await(sotto_whip *w, int32_t connection, sotto_us now)
{
    bool is_failed = connection == SOTTO_CONNECTION_FAILED && !w->was_connected;
    if (!is_failed && now < w->deadline) return false;
    if (w->has_trickle && w->n_trickled == SIZE_MAX) w->has_trickle = false;
    sotto__whip_lose(w, loss_of(SOTTO_E_NETWORK, "no path to the media server was found"), now);
    return true;
}

/* The far end has gone: its DTLS has said so, or the session's connection was closed. */
static bool is_ended(sotto_whip *w, int32_t connection)
{
    sotto_transport_info info = {.size = sizeof info};
    if (connection == SOTTO_CONNECTION_CLOSED) return true;
    if (sotto_pc_get_transport(w->pc, &info) < 0) return true;
    return info.dtls == SOTTO_DTLS_CLOSED || info.dtls == SOTTO_DTLS_FAILED;
}

static bool watch(sotto_whip *w, sotto_us now)
{
    sotto_pc_state state = {.size = sizeof state};
    sotto_pc_get_state(w->pc, &state);
    if (is_ended(w, state.connection)) {
        sotto__whip_lose(w, loss_of(SOTTO_E_NETWORK, "the media server has ended the connection"),
                         now);
        return true;
    }
    if (!w->is_told_connected) {
        if (state.connection == SOTTO_CONNECTION_CONNECTED) {
            is_connected(w, now);
            return true;
        }
        if (await(w, state.connection, now)) return true;
    } else if (is_lost(w, state.connection, now)) {
        if (w->is_countered)
            sotto__whip_lose(w, loss_of(SOTTO_E_NETWORK, "the path to the media server was lost"),
                             now);
        else
            begin_restart(w, now);
        return true;
    }
    if (is_idle(w) && w->has_trickle && !w->is_end_told && now >= w->trickle_at) {
        w->trickle_at = 0;
        int r = sotto__whip_trickle(w);
        if (r < 0) {
            lose_here(w, r, now);
            return true;
        }
    }
    return false;
}

/* Sessions that are over are told so as soon as HTTP is free. */
static void bury(sotto_whip *w, sotto_us limit)
{
    if (w->orphan && is_idle(w)) sotto__whip_delete(w, &w->orphan, limit);
}

static bool wait(sotto_whip *w, sotto_us now)
{
    bury(w, w->times.stop);
    if (!is_idle(w) || now < w->again_at) return false;
    int r = sotto__whip_make_pc(w);
    if (r < 0) {
        lose_here(w, r, now);
        return true;
    }
    w->phase = WHIP_FRESH;
    sotto__whip_tell(w, SOTTO_WHIP_NEW);
    return true;
}

/* After it was refused: a new token may help. */
static bool rest(sotto_whip *w, sotto_us now)
{
    bury(w, w->times.stop);
    if (!w->needs_token || sotto__http_worker_token_serial(w->worker) == w->token_serial)
        return false;
    sotto__whip_again(w, now);
    return true;
}

void sotto__whip_again(sotto_whip *w, sotto_us now)
{
    if (w->phase != WHIP_OVER && w->phase != WHIP_WAIT) return;
    if (w->phase == WHIP_OVER) w->attempts = 0;
    w->phase = WHIP_WAIT;
    w->again_at = now;
}

void sotto__whip_begin_stop(sotto_whip *w, sotto_us now)
{
    if (w->phase >= WHIP_STOP_POST) return;
    sotto_pc_close(w->pc);
    w->deadline = sotto__after(now, w->times.stop);
    if (w->session) {
        sotto__free(w->orphan);
        w->orphan = w->session;
        w->session = NULL;
    }
    if (w->asked == WHIP_OFFER) {
        w->phase = WHIP_STOP_POST;
        return;
    }
    if (w->asked != WHIP_BYE) sotto__http_worker_cancel(w->worker);
    w->phase = WHIP_STOP;
}

static bool stop(sotto_whip *w, sotto_us now)
{
    bool is_late = now >= w->deadline;
    if (!is_late && w->phase == WHIP_STOP) bury(w, w->deadline - now);
    if (!is_late && (w->orphan || !is_idle(w) || w->phase == WHIP_STOP_POST)) return false;
    if (!is_idle(w)) sotto__http_worker_cancel(w->worker);
    w->phase = WHIP_END;
    sotto__whip_tell(w, SOTTO_WHIP_ENDED);
    w->old_pc = w->pc;
    w->pc = NULL;
    w->audio = w->video = NULL;
    return true;
}

static bool step(sotto_whip *w, sotto_us now)
{
    switch (w->phase) {
    case WHIP_FRESH: return begin(w, now);
    case WHIP_GATHER: return gather(w, now);
    case WHIP_COUNTER: return answer(w, now);
    case WHIP_UP: return watch(w, now);
    case WHIP_REGATHER: return regather(w, now);
    case WHIP_WAIT: return wait(w, now);
    case WHIP_OVER: return rest(w, now);
    case WHIP_STOP_POST:
    case WHIP_STOP: return stop(w, now);
    default: return false;
    }
}

void sotto__whip_run(sotto_whip *w, sotto_us now)
{
    bool is_going = true;
    while (!w->has_news && is_going) {
        struct http_result r;
        if (sotto__http_worker_take(w->worker, &r)) {
            sotto__whip_take(w, &r, now);
            sotto__http_result_free(&r);
        } else {
            is_going = step(w, now);
        }
    }
}

static sotto_us due_up(const sotto_whip *w)
{
    sotto_us due = w->deadline;
    if (w->is_told_connected)
        due = w->lost_at == SOTTO_NEVER ? SOTTO_NEVER : sotto__after(w->lost_at, w->times.patience);
    return w->trickle_at > 0 ? sotto__earlier(due, w->trickle_at) : due;
}

sotto_us sotto__whip_due(const sotto_whip *w)
{
    switch (w->phase) {
    case WHIP_GATHER:
    case WHIP_COUNTER: return w->is_answer_sent ? SOTTO_NEVER : w->deadline;
    case WHIP_REGATHER: return w->deadline;
    case WHIP_UP: return due_up(w);
    case WHIP_WAIT: return w->again_at;
    case WHIP_STOP_POST:
    case WHIP_STOP: return w->deadline;
    default: return SOTTO_NEVER;
    }
}
