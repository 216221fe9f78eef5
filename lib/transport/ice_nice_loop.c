/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A GMainContext driven from outside: what g_main_context_iteration() does, cut where it would poll. The descriptors and the
 * next deadline go up, what poll() said comes down, one turn dispatches. Each call acquires the context, as each may come from
 * another thread; a source attached by a call from above does not wake a sleeping poll, so every such call sets `stale`. For that
 * GLib has a descriptor of its own, which it raises in every turn: it stays here, as each time would be another turn for nothing.
 */
#include "transport/ice_nice.h"

#include <string.h>

/* libnice names its sources. */
static const char *const names[] = {
    [NICE_TIMER_CHECKS] = "Connectivity check schedule",
    [NICE_TIMER_KEEPALIVE] = "Connectivity keepalive timeout",
};

void sotto__nice_loop_init(struct nice_loop *l)
{
    gint timeout;
    l->ctx = g_main_context_new();
    if (g_main_context_acquire(l->ctx)) { /* it has one descriptor yet */
        g_main_context_prepare(l->ctx, &l->priority);
        g_main_context_query(l->ctx, l->priority, &timeout, l->fds, SOTTO_MAX_ICE_FDS);
        l->wake_fd = l->fds[0].fd;
        g_main_context_release(l->ctx);
    }
    l->stale = true;
    l->due = SOTTO_NEVER;
}

void sotto__nice_loop_free(struct nice_loop *l)
{
    for (int i = 0; i < NICE_TIMERS; i++)
        if (l->timers[i]) g_source_unref(l->timers[i]);
    memset(l->timers, 0, sizeof l->timers);
    if (l->ctx) g_main_context_unref(l->ctx);
    l->ctx = NULL;
}

/* With the context acquired. */
static void query(struct nice_loop *l)
{
    gint timeout = -1;
    GPollFD old[SOTTO_MAX_ICE_FDS];
    gint n_old = l->n;
    for (gint i = 0; i < n_old; i++) old[i] = l->fds[i];
    g_main_context_prepare(l->ctx, &l->priority);
    l->n = g_main_context_query(l->ctx, l->priority, &timeout, l->fds, SOTTO_MAX_ICE_FDS);
    if (l->n > SOTTO_MAX_ICE_FDS) l->n = SOTTO_MAX_ICE_FDS; /* gather() keeps the number of sockets below it */
    /* GLib counts from its own reading of the same clock; `now` is older, and a turn too early does nothing */
    sotto_us from = timeout > 0 ? g_get_monotonic_time() : l->now;
    l->due = timeout < 0 ? SOTTO_NEVER : sotto__after(from, SOTTO_MS(timeout));
    for (gint i = 0; i < l->n; i++) {
        l->fds[i].revents = 0;
        if (l->fds[i].fd == l->wake_fd) l->wake = i;
        for (gint k = 0; k < n_old; k++)
            if (old[k].fd == l->fds[i].fd) l->fds[i].revents |= old[k].revents;
    }
    l->stale = false;
}

void sotto__nice_loop_query(struct nice_loop *l)
{
    if (!l->stale || !g_main_context_acquire(l->ctx)) return;
    query(l);
    g_main_context_release(l->ctx);
}

int sotto__nice_loop_fds(const struct nice_loop *l, struct sotto_fd *out, int max)
{
    int n = 0;
    for (gint i = 0; i < l->n && n < max; i++)
        if (i != l->wake) out[n++] = (struct sotto_fd){l->fds[i].fd, (short)l->fds[i].events};
    return n;
}

void sotto__nice_loop_ready(struct nice_loop *l, int slot, short revents)
{
    if (slot >= l->wake) slot++;
    if (slot < 0 || slot >= l->n) return;
    l->fds[slot].revents = (gushort)(l->fds[slot].revents | revents);
    l->ready = true;
}

void sotto__nice_loop_read(struct nice_loop *l, int i)
{
    l->fds[i].revents = 0;
    l->ready = false;
    for (gint k = 0; k < l->n; k++) l->ready = l->ready || l->fds[k].revents != 0;
}

/* The ids of a context rise by one; that of a source made now is above all the others. */
static guint newest_id(GMainContext *ctx)
{
    static GSourceFuncs nothing = {0};
    GSource *s = g_source_new(&nothing, sizeof *s);
    guint id = g_source_attach(s, ctx);
    g_source_destroy(s);
    g_source_unref(s);
    return id;
}

static void note_timer(struct nice_loop *l, GSource *s)
{
    for (int i = 0; i < NICE_TIMERS; i++) {
        if (g_strcmp0(g_source_get_name(s), names[i]) != 0) continue;
        if (l->timers[i]) g_source_unref(l->timers[i]);
        l->timers[i] = g_source_ref(s);
    }
}

GSource *sotto__nice_loop_new_timer(struct nice_loop *l, enum nice_timer timer)
{
    GSource *known = l->timers[timer];
    if (known && !g_source_is_destroyed(known)) return NULL;
    guint end = newest_id(l->ctx);
    for (guint id = l->seen + 1; id < end; id++) {
        GSource *s = g_main_context_find_source_by_id(l->ctx, id);
        if (s) note_timer(l, s);
    }
    l->seen = end;
    return l->timers[timer] == known ? NULL : l->timers[timer];
}

void sotto__nice_loop_set(struct nice_loop *l, GSource *timer, sotto_us at)
{
    g_source_set_ready_time(timer, at);
    l->stale = true;
}

void sotto__nice_loop_turn(struct nice_loop *l)
{
    if (!g_main_context_acquire(l->ctx)) return;
    if (l->stale) query(l);
    if (g_main_context_check(l->ctx, l->priority, l->fds, l->n)) g_main_context_dispatch(l->ctx);
    for (gint i = 0; i < l->n; i++) l->fds[i].revents = 0;
    l->ready = false;
    l->stale = true;
    g_main_context_release(l->ctx);
}
