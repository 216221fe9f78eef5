/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection is given up: what the application is told, whether and when there is another (exponential back-off with jitter, and
 * the server's Retry-After: RFC 9110 §10.2.3). In: why; out: a piece of news, and the time of the next attempt. The session is left to
 * be deleted.
 * answers: A21
 */
#include "extra/whip_priv.h"

#include <stdio.h>
#include <string.h>

#include "util/mem.h"
#include "util/time.h"

void sotto__whip_tell(sotto_whip *w, int state)
{
    w->news = (sotto_whip_news){.state = state, .pc = w->pc, .audio = w->audio, .video = w->video};
    w->has_news = true;
}

/* A number of xorshift64*: which client comes when is no secret. */
static uint64_t next_random(sotto_whip *w)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return w->random * UINT64_C(2685821657736338717);
}

/* From 0.8 to 1.2 times what it is now; the next one is twice as long. */
static sotto_us next_wait(sotto_whip *w)
{
    uint64_t fifth = (uint64_t)w->wait / 5;
    sotto_us wait = w->wait - (sotto_us)fifth + (sotto_us)(next_random(w) % (2 * fifth + 1));
    w->wait = w->wait > w->longest / 2 ? w->longest : 2 * w->wait;
    return wait;
}

void sotto__whip_lose(sotto_whip *w, struct whip_loss loss, sotto_us now)
{
    bool is_token = loss.status == 401 || loss.status == 403;
    if (w->was_connected && now - w->connected_at >= w->times.calm) w->wait = w->first;
    bool is_over = loss.is_final && (is_token || !w->was_accepted);
    sotto_us wait = next_wait(w);
    if (w->max_attempts > 0 && ++w->attempts >= w->max_attempts) is_over = true;
    if (loss.retry_after > wait) wait = loss.retry_after;
    sotto_pc_close(w->pc);
    if (w->session) {
        sotto__free(w->orphan);
        w->orphan = w->session;
        w->session = NULL;
    }
    sotto__whip_tell(w, is_over ? SOTTO_WHIP_REFUSED : SOTTO_WHIP_RETRYING);
    w->news.error = loss.error;
    w->news.status = loss.status;
    w->news.wait = is_over ? 0 : wait;
    snprintf(w->news.reason, sizeof w->news.reason, "%s", loss.reason);
    w->old_pc = w->pc;
    w->pc = NULL;
    w->audio = w->video = NULL;
    w->needs_token = is_token;
    w->again_at = sotto__after(now, wait);
    w->phase = is_over ? WHIP_OVER : WHIP_WAIT;
}
