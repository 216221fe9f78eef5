/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When libnice's timers run out. It sends the first check when its timer has run once, though RFC 8445 §6.1.4.2 paces only those after
 * it: so a timer of checks that has just begun runs out at once. What keeps the selected pair alive are our own requests
 * (ice_nice_consent.c): libnice's timer for that never runs out. Once all is READY its timer of checks ticks ten times more for nothing:
 * those ticks are given to it at once. In: the timers of ice_nice_loop.c, by name. Out: their times. Knows nothing of what is sent.
 */
#include "transport/ice_nice.h"

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
    if (!ice->pair_local) return;
    (void)sotto__nice_loop_new_timer(ice->loop, NICE_TIMER_KEEPALIVE);
    GSource *timer = ice->loop->timers[NICE_TIMER_KEEPALIVE];
    if (timer && !g_source_is_destroyed(timer) && g_source_get_ready_time(timer) != NEVER)
        sotto__nice_loop_set(ice->loop, timer, NEVER);
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
