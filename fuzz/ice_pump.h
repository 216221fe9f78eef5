/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_FUZZ_ICE_PUMP_H
#define SOTTO_FUZZ_ICE_PUMP_H
/* How targets drive real libnice: its sockets are real ones on loopback, its time is that of clock.h. For the one file of a target. */
#include <poll.h>

#include "clock.h"
#include "require.h"
#include "transport/ice.h"
#include "util/limits.h"

static const struct ice_ops *const ops = &sotto__ice_nice;

/* Of the target: what the agent says, and what came to the target's sockets. */
static void take(const struct ice_out *out);
static void read_mail(void);

/* Until nothing happens at this moment any more. */
static void pump(struct ice *ice)
{
    enum { PUMPS = 64 };
    for (int i = 0; i < PUMPS; i++) {
        struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
        struct pollfd polls[SOTTO_MAX_ICE_FDS];
        struct ice_out out;
        while (ops->next(ice, now, &out) == 1) take(&out);
        int n = ops->fds(ice, fds, SOTTO_MAX_ICE_FDS);
        require(n <= SOTTO_MAX_ICE_FDS);
        for (int k = 0; k < n; k++) polls[k] = (struct pollfd){fds[k].fd, fds[k].events, 0};
        int ready = poll(polls, (nfds_t)n, 0);
        for (int k = 0; k < n; k++)
            if (polls[k].revents) ops->ready(ice, k, polls[k].revents);
        if (ready <= 0 && ops->due(ice) > now) break;
    }
    read_mail();
}

static void pass_time(struct ice *ice, sotto_us us)
{
    enum { STOPS = 20000 };
    sotto_us end = now + us;
    pump(ice);
    for (int i = 0; now < end && i < STOPS; i++) {
        sotto_us due = ops->due(ice);
        now = due <= now ? now + 1000 : due < end ? due : end;
        pump(ice);
    }
}

#endif
