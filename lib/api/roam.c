/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network of this host, and its sleep, for all connections of a context: the watch on addresses is opened with the first one that
 * gathers; what it sees, and how long the machine was suspended, goes to each of them. In: turns of the loop; out: connections that have
 * something to do. What that is: lib/peer/roam.c.
 */
#include "api/ctx.h"

#define SLEEP_LOOK SOTTO_SECONDS(1)

static void tell_all(sotto_ctx *c, sotto_us now, sotto_us slept)
{
    for (struct node *n = c->pcs.next; n != &c->pcs; n = n->next) {
        sotto_pc *pc = CONTAINER_OF(n, struct sotto_pc, all);
        if (!pc->peer) continue;
        if (slept > 0)
            sotto__peer_slept(pc->peer, now, slept);
        else
            sotto__peer_moved(pc->peer, now);
        sotto__loop_touch(c, pc);
    }
}

/* How much longer than `now` the host has been on. */
static sotto_us asleep(const sotto_ctx *c, sotto_us now)
{
    return c->world.boot ? c->world.boot(c->world.user) - now : 0;
}

void sotto__roam_begin(sotto_ctx *c, sotto_us now)
{
    c->roams = true;
    c->asleep = asleep(c, now);
    c->roam_at = c->look_asleep = 0;
    if (!c->world.watch_ops) return;
    if (sotto__net_watch_open(&c->watch, c->world.watch_ops, c->world.user) == 0)
        sotto__loop_watch(c);
    else
        SOTTO_LOG(&c->log, SOTTO_LOG_INFO, "ice",
                  "this host's addresses cannot be watched: changes of the network show late");
}

/* Now and then, as turns are many. */
static void look_at_sleep(sotto_ctx *c, sotto_us now)
{
    sotto_us before = c->asleep;
    c->look_asleep = sotto__after(now, SLEEP_LOOK);
    c->asleep = asleep(c, now);
    if (c->asleep - before < SOTTO_SLEPT_US) return;
    SOTTO_LOG(&c->log, SOTTO_LOG_INFO, "ice", "this host slept for %d s",
              (int)((c->asleep - before) / 1000000));
    sotto__net_watch_soon(&c->watch, now);
    tell_all(c, now, c->asleep - before);
}

void sotto__roam_turn(sotto_ctx *c, sotto_us now)
{
    if (now >= c->look_asleep) look_at_sleep(c, now);
    sotto__net_watch_ready(&c->watch, now);
    if (sotto__net_watch_changed(&c->watch, now)) {
        sotto__mdns_agent_moved(&c->mdns, now);
        tell_all(c, now, 0);
    }
    bool is_polled = !c->in_world || c->watch.fd < 0; /* else it is asked in each turn */
    c->roam_at = is_polled ? sotto__earlier(c->look_asleep, c->watch.look_at) : 0;
}
