/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When libnice's timers run out. It sends the first check when its timer has run once, though RFC 8445 §6.1.4.2 paces only those after
 * it: so a timer of checks that has just begun runs out at once. And it looks for a check that keeps the connection alive (RFC 7675
 * §5.1) 5 ms after each such check, and 25 s after checks began if no pair was there by then: so that timer is set to when the next
 * one shall leave. Once all is READY its timer of checks ticks ten times more for nothing: those ticks are given to it at once. In:
 * the timers of ice_nice_loop.c, by name. Out: their times. Knows nothing of what is sent.
 */
#include "transport/ice_nice.h"
#include "util/rand.h"

/* libnice sends none within 6 s of the one before; rarer than RFC 7675's 5 s, as each costs an idle connection three wake-ups. */
#define KEEPALIVE_LEAST SOTTO_MS(6000)
#define KEEPALIVE_SPREAD_MS 500u
#define MOMENT SOTTO_MS(100) /* those of many connections that fall within it leave together, as each wake-up costs more than a check */
#define NEVER (-1)           /* of GLib */
#define LAST_TICKS 16        /* libnice's idle-timeout by its Ta, and some more */

void sotto__nice_hurry(struct ice *ice)
{
    if (ice->pair_local || !ice->remote_set) return;
    GSource *checks = sotto__nice_loop_new_timer(ice->loop, NICE_TIMER_CHECKS);
    if (checks) sotto__nice_loop_set(ice->loop, checks, 0); /* long ago */
}

void sotto__nice_rest(struct ice *ice)
{
    uint16_t random = 0;
    if (!ice->pair_local) return;
    GSource *timer = sotto__nice_loop_new_timer(ice->loop, NICE_TIMER_KEEPALIVE);
    if (!timer && !ice->is_kept) timer = ice->loop->timers[NICE_TIMER_KEEPALIVE];
    if (!timer || g_source_is_destroyed(timer)) return;
    ice->is_kept = true;
    sotto_us at = NEVER;
    if (!ice->consent.is_own) {
        if (sotto__rand(&random, sizeof random) < 0) random = KEEPALIVE_SPREAD_MS / 2; /* no secret */
        at = sotto__nice_moment(g_get_monotonic_time(), KEEPALIVE_LEAST, KEEPALIVE_SPREAD_MS,
                                random);
    }
    sotto__nice_loop_set(ice->loop, timer, at);
}

sotto_us sotto__nice_moment(sotto_us now, sotto_us least, unsigned spread_ms, uint16_t random)
{
    sotto_us at = now + least + SOTTO_MS(random % spread_ms) + MOMENT - 1;
    return at - at % MOMENT;
}

void sotto__nice_end_checks(struct ice *ice)
{
    GSource *timer = ice->loop->timers[NICE_TIMER_CHECKS];
    for (int i = 0; i < LAST_TICKS && timer && !g_source_is_destroyed(timer); i++) {
        sotto__nice_loop_set(ice->loop, timer, 0);
        sotto__nice_loop_turn(ice->loop);
    }
}
