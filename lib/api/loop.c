/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one poller: epoll, deadlines, dispatch; the only place that reads the clock and sleeps. A turn waits without the lock, then
 * takes it and runs the connections that are ready or due, letting waiters in between them. epoll's data names a connection by an id
 * that is never used again, so a stale registration finds nobody.
 * answers: A12 A16
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "api/ctx.h"
#include "transport/cert.h"
#include "util/cold.h"
#include "util/mem.h"

#define SLOT_BITS 8 /* of epoll's data: the descriptor's number in its connection; above: the connection's id */
#define ID_WAKE 0
#define ID_SCTP 1
#define ID_NAMES 2
#define ID_SERVERS 3
#define ID_NETWORK 4
#define FIRST_ID 5
#define CLOSING_STEP SOTTO_MS(20) /* how often goodbyes are looked after */
#define CLOSING_TRIES 4
#define LONG_WAIT SOTTO_MS(2)
#define LOOK 40               /* µs that a wait looks on before it sleeps */
#define LOOK_LONG 100         /* … when the looks before it have found something, … */
#define LOOK_FOUND 8u         /* … so many in a row */
#define LOOK_TURN 100         /* … after a turn that took no longer than this */
#define LOOK_PACKETS 2u       /* … and sent no more */
#define LOOK_PAUSE 256u       /* waits without, after looks in vain */

sotto_us sotto__now(const sotto_ctx *c)
{
    return c->world.now(c->world.user);
}

sotto_us sotto__loop_boot(void *unused)
{
    struct timespec t;
    (void)unused;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (sotto_us)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

sotto_us sotto__ntp_offset(const sotto_ctx *c)
{
    const sotto_us epoch = SOTTO_SECONDS(2208988800); /* 1900 … 1970 */
    struct timespec t;
    if (c->in_world) return epoch;
    clock_gettime(CLOCK_REALTIME, &t);
    return epoch + SOTTO_SECONDS(t.tv_sec) + t.tv_nsec / 1000 - sotto__now(c);
}

/* ---- descriptors ---- */

static int watch(int epoll, int fd, uint64_t id)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = id << SLOT_BITS};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : SOTTO_E_SYS;
}

COLD int sotto__loop_open(sotto_ctx *c)
{
    c->last_id = FIRST_ID;
    c->inner = epoll_create1(EPOLL_CLOEXEC);
    c->outer = epoll_create1(EPOLL_CLOEXEC);
    c->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->sctp_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->inner < 0 || c->outer < 0 || c->ready < 0 || c->wake < 0 || c->sctp_wake < 0)
        return SOTTO_E_SYS;
    int r = watch(c->outer, c->ready, 0);
    if (r == 0) r = watch(c->inner, c->wake, ID_WAKE);
    if (r == 0) r = watch(c->inner, c->sctp_wake, ID_SCTP);
    if (r < 0 || !c->no_thread) return r;
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->timer < 0) return SOTTO_E_SYS;
    r = watch(c->outer, c->timer, 0);
    return r == 0 ? watch(c->outer, c->inner, 0) : r;
}

void sotto__loop_close(sotto_ctx *c)
{
    const int fds[] = {c->outer, c->inner, c->ready, c->wake, c->sctp_wake, c->timer};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0) close(fds[i]);
}

static void signal_fd(int fd)
{
    uint64_t one = 1;
    /* full means that it is readable already, which is all that is wanted */
    if (write(fd, &one, sizeof one) < 0) return;
}

static void clear_fd(int fd)
{
    uint64_t n;
    if (read(fd, &n, sizeof n) < 0) return; /* EAGAIN: it was clear */
}

void sotto__loop_wake(sotto_ctx *c)
{
    signal_fd(c->wake);
}

/* ---- deadlines: a binary heap ---- */

static void heap_set(sotto_ctx *c, size_t i, sotto_pc *pc)
{
    c->heap[i] = pc;
    pc->heap = i + 1;
}

static void heap_up(sotto_ctx *c, size_t i)
{
    sotto_pc *pc = c->heap[i];
    for (; i > 0 && c->heap[(i - 1) / 2]->due > pc->due; i = (i - 1) / 2)
        heap_set(c, i, c->heap[(i - 1) / 2]);
    heap_set(c, i, pc);
}

static void heap_down(sotto_ctx *c, size_t i)
{
    sotto_pc *pc = c->heap[i];
    for (size_t child; (child = 2 * i + 1) < c->n_heap; i = child) {
        if (child + 1 < c->n_heap && c->heap[child + 1]->due < c->heap[child]->due) child++;
        if (c->heap[child]->due >= pc->due) break;
        heap_set(c, i, c->heap[child]);
    }
    heap_set(c, i, pc);
}

static void heap_remove(sotto_ctx *c, sotto_pc *pc)
{
    if (pc->heap == 0) return;
    size_t i = pc->heap - 1;
    pc->heap = 0;
    sotto_pc *last = c->heap[--c->n_heap];
    if (last == pc) return;
    heap_set(c, i, last);
    heap_up(c, i);
    heap_down(c, last->heap - 1);
}

static void heap_put(sotto_ctx *c, sotto_pc *pc)
{
    if (pc->heap == 0) heap_set(c, c->n_heap++, pc);
    heap_up(c, pc->heap - 1);
    heap_down(c, pc->heap - 1);
}

int sotto__loop_reserve(sotto_ctx *c)
{
    if (c->n_pcs < c->cap_heap) return 0;
    size_t cap = c->cap_heap ? c->cap_heap * 2 : 8;
    sotto_pc **heap = sotto__realloc(c->heap, cap * sizeof(sotto_pc *));
    if (!heap) return SOTTO_E_NOMEM;
    c->heap = heap;
    c->cap_heap = cap;
    return 0;
}

sotto_us sotto__ctx_due(const sotto_ctx *c)
{
    sotto_us due = c->n_heap > 0 ? c->heap[0]->due : SOTTO_NEVER;
    due = sotto__earlier(due, sotto__sctp_home_due(&c->sctp_home));
    if (c->mdns.is_busy) due = sotto__earlier(due, sotto__mdns_agent_due(&c->mdns));
    if (c->resolver.is_busy) due = sotto__earlier(due, sotto__resolver_due(&c->resolver));
    due = sotto__earlier(due, c->watch.look_at);
    return sotto__earlier(due, sotto__earlier(c->closing_at, c->batch_until));
}

/* ---- what a connection wants ---- */

static void unwatch_all(sotto_ctx *c, sotto_pc *pc)
{
    for (int i = 0; i < pc->n_fds; i++) epoll_ctl(c->inner, EPOLL_CTL_DEL, pc->fds[i].fd, NULL);
}

/* Room to remember n descriptors; for how many there is. */
static int resize_fds(sotto_pc *pc, int n)
{
    size_t size = (size_t)n * sizeof *pc->fds;
    struct sotto_fd *fds =
        n > pc->n_fds ? sotto__realloc(pc->fds, size) : sotto__trim(pc->fds, size);
    if (n > pc->n_fds && !fds) return pc->n_fds;
    pc->fds = fds;
    return n;
}

static bool same_fds(const sotto_pc *pc, const struct sotto_fd *fds, int n)
{
    if (n != pc->n_fds) return false;
    for (int i = 0; i < n; i++)
        if (fds[i].fd != pc->fds[i].fd || fds[i].events != pc->fds[i].events) return false;
    return true;
}

static void watch_all(sotto_ctx *c, sotto_pc *pc)
{
    struct sotto_fd fds[SOTTO_MAX_PC_FDS];
    int n = sotto__peer_fds(pc->peer, fds, SOTTO_MAX_PC_FDS);
    if (same_fds(pc, fds, n)) return;
    unwatch_all(c, pc);
    n = resize_fds(pc, n); /* without memory some are watched later: this is tried again after each turn */
    for (int i = 0; i < n; i++) {
        struct epoll_event e = {.data.u64 = pc->id << SLOT_BITS | (uint64_t)i};
        if (fds[i].events & POLLIN) e.events |= EPOLLIN;
        if (fds[i].events & POLLOUT) e.events |= EPOLLOUT;
        int r = epoll_ctl(c->inner, EPOLL_CTL_ADD, fds[i].fd, &e);
        if (r < 0 && errno == EEXIST) r = epoll_ctl(c->inner, EPOLL_CTL_MOD, fds[i].fd, &e);
        if (r < 0)
            SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "loop", "a socket cannot be watched: errno %d",
                      errno);
        pc->fds[i] = fds[i];
    }
    pc->n_fds = n;
}

void sotto__loop_watch(sotto_ctx *c)
{
    if (!c->in_world && watch(c->inner, c->watch.fd, ID_NETWORK) < 0)
        SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "loop", "the network cannot be watched: errno %d",
                  errno);
}

void sotto__loop_touch(sotto_ctx *c, sotto_pc *pc)
{
    if (!c->roams && sotto__peer_gathers(pc->peer)) sotto__roam_begin(c, sotto__now(c));
    if (!c->in_world) watch_all(c, pc);
    pc->due = sotto__peer_due(pc->peer);
    heap_put(c, pc);
    sotto__events_listed(c, pc);
}

COLD void sotto__loop_forget(sotto_ctx *c, sotto_pc *pc)
{
    if (!c->in_world) unwatch_all(c, pc);
    sotto__free(pc->fds);
    pc->fds = NULL;
    pc->n_fds = 0;
    heap_remove(c, pc);
    if (sotto__list_linked(&pc->run)) {
        sotto__list_remove(&pc->run);
        sotto__pc_unref(pc);
    }
    sotto__list_remove(&pc->control);
    sotto__list_remove(&pc->data);
    sotto__list_remove(&pc->media);
    sotto__list_remove(&pc->batch);
}

/* One that is too early costs a turn that finds nothing; setting it costs a system call. So a later deadline waits for it to expire. */
static void arm_timer(sotto_ctx *c, sotto_us due)
{
    struct itimerspec t = {0};
    if (c->timer < 0 || c->in_world || due == c->timer_at) return;
    if (due > c->timer_at && c->timer_at > sotto__now(c)) return;
    c->timer_at = due;
    if (due != SOTTO_NEVER) {
        t.it_value = sotto__timespec(due);
        if (due <= 0) t.it_value.tv_nsec = 1; /* zero would disarm it */
    }
    if (timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &t, NULL) < 0)
        SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "loop", "timerfd_settime: errno %d", errno);
}

/* Whether somebody may be looking at the descriptor that the application has. Not while a thread of the application is in
 * sotto_ctx_wait() or _run(): it takes what comes, and shows what is left when it goes. */
static bool is_watched(const sotto_ctx *c)
{
    return !c->no_thread || c->n_waiters == 0 || c->n_polling > 0 || atomic_load(&c->stop);
}

static void show(sotto_ctx *c, bool waits, sotto_us due)
{
    if (waits != c->is_ready) {
        c->is_ready = waits;
        if (waits)
            signal_fd(c->ready);
        else
            clear_fd(c->ready);
    }
    arm_timer(c, due);
}

void sotto__loop_arm(sotto_ctx *c)
{
    bool waits = sotto__event_waits(c) || atomic_load(&c->stop);
    if (!c->sleeping && !is_watched(c)) return;
    sotto_us due = sotto__ctx_due(c);
    if (is_watched(c)) show(c, waits, due);
    if (!c->sleeping) return;
    /* without a thread of ours, the one that sleeps here may be the one that waits for events */
    sotto_us wanted = waits && c->no_thread ? 0 : due;
    if (wanted >= c->sleeps_until) return;
    c->sleeps_until = wanted;
    signal_fd(c->wake);
}

/* ---- a turn ---- */

static void run_later(sotto_ctx *c, sotto_pc *pc)
{
    if (sotto__list_linked(&pc->run)) return;
    atomic_fetch_add(&pc->refs, 1);
    sotto__list_push(&c->run, &pc->run);
}

static void take_due(sotto_ctx *c, sotto_us now)
{
    while (c->n_heap > 0 && c->heap[0]->due <= now) {
        sotto_pc *pc = c->heap[0];
        heap_remove(c, pc); /* touch puts it back */
        run_later(c, pc);
    }
}

/* Timers of SCTP; those of ours that they, or another thread's, gave something to do. */
static void take_woken(sotto_ctx *c, sotto_us now)
{
    sotto_pc *pc;
    sotto__sctp_home_tick(&c->sctp_home, now);
    while ((pc = sotto__sctp_home_next(&c->sctp_home))) run_later(c, pc);
}

/* Sockets that are closed have left epoll by themselves, others may have come under their numbers: so all are put in again. */
static void watch_names(sotto_ctx *c, const struct sotto_fd *fds, int n, uint64_t id)
{
    for (int i = 0; i < n && !c->in_world; i++) {
        bool out = fds[i].events & POLLOUT;
        struct epoll_event e = {.events = out ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                .data.u64 = id << SLOT_BITS};
        int r = epoll_ctl(c->inner, EPOLL_CTL_ADD, fds[i].fd, &e);
        if (r < 0 && errno == EEXIST) r = epoll_ctl(c->inner, EPOLL_CTL_MOD, fds[i].fd, &e);
        if (r < 0)
            SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "loop", "DNS cannot be watched: errno %d", errno);
    }
}

/* What came of names of candidates. */
static void take_names(sotto_ctx *c, sotto_us now)
{
    struct sotto_fd fds[2];
    struct mdns_out out;
    while (sotto__mdns_agent_next(&c->mdns, now, &out) == 1) {
        sotto_pc *pc = out.owner;
        sotto__peer_named(pc->peer, now, out.name, &out.addr);
        run_later(c, pc);
    }
    watch_names(c, fds, sotto__mdns_agent_fds(&c->mdns, fds, 2), ID_NAMES);
}

/* … and of servers. */
static void take_servers(sotto_ctx *c, sotto_us now)
{
    struct sotto_fd fds[SOTTO_MAX_RESOLVER_FDS];
    struct resolver_out out;
    while (sotto__resolver_next(&c->resolver, now, &out) == 1) {
        sotto_pc *pc = out.owner;
        sotto__peer_resolved(pc->peer, &out);
        run_later(c, pc);
    }
    watch_names(c, fds, sotto__resolver_fds(&c->resolver, fds, SOTTO_MAX_RESOLVER_FDS), ID_SERVERS);
}

static void take_ready(sotto_ctx *c, const struct epoll_event *events, int n)
{
    for (int i = 0; i < n; i++) {
        uint64_t id = events[i].data.u64 >> SLOT_BITS;
        int slot = (int)(events[i].data.u64 & ((1 << SLOT_BITS) - 1));
        if (id == ID_WAKE) clear_fd(c->wake);
        if (id == ID_SCTP) clear_fd(c->sctp_wake);
        if (id == ID_NAMES) sotto__mdns_agent_ready(&c->mdns);
        if (id == ID_SERVERS) sotto__resolver_ready(&c->resolver);
        if (id == ID_NETWORK) c->roam_at = 0;
        sotto_pc *pc = id < FIRST_ID ? NULL : sotto__map_get(&c->by_id, id);
        if (!pc) continue;
        short revents = 0;
        if (events[i].events & EPOLLIN) revents |= POLLIN;
        if (events[i].events & EPOLLOUT) revents |= POLLOUT;
        if (events[i].events & EPOLLERR) revents |= POLLERR;
        if (events[i].events & EPOLLHUP) revents |= POLLHUP;
        sotto__peer_ready(pc->peer, slot, revents);
        run_later(c, pc);
    }
}

/* One connection until it has nothing to do; it may be freed while waiters are let in. Its descriptors are looked at before
 * that, as others may get the numbers of those that it closed. Where the application turns the loop, it takes what came before
 * more is read: that is in the cache yet, and does not pile up. */
static void run_one(sotto_ctx *c, sotto_pc *pc)
{
    while (pc->peer) {
        int more = sotto__peer_next(pc->peer, sotto__now(c));
        if (more) sotto__egress_flush(&c->egress, sotto__now(c));
        sotto__loop_touch(c, pc);
        if (!c->no_thread && sotto__event_waits(c) != c->is_ready) sotto__loop_arm(c);
        sotto__guard_yield(c->guard);
        if (!more || (c->no_thread && sotto__event_waits(c))) break;
    }
    sotto__pc_unref(pc);
}

/* true: it said its goodbyes, or its time is over, and it is gone. */
COLD static bool run_closing(sotto_ctx *c, struct closing *x, sotto_us now)
{
    const struct ice_ops *ops = c->shared.ice_ops;
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    struct ice_out ignored;
    int count = ops->fds(x->ice, fds, SOTTO_MAX_ICE_FDS);
    for (int i = 0; i < count && !c->in_world; i++) {
        struct pollfd p = {.fd = fds[i].fd, .events = fds[i].events};
        if (poll(&p, 1, 0) > 0) ops->ready(x->ice, i, p.revents);
    }
    while (ops->next(x->ice, now, &ignored) == 1) continue;
    if (!ops->closed(x->ice) && now < x->until) return false;
    sotto__list_remove(&x->node);
    ops->free(x->ice);
    sotto__free(x);
    return true;
}

static void run_all_closing(sotto_ctx *c, sotto_us now)
{
    if (now < c->closing_at) return;
    for (struct node *n = c->closing.next, *next; n != &c->closing; n = next) {
        next = n->next;
        run_closing(c, CONTAINER_OF(n, struct closing, node), now);
    }
    c->closing_at = sotto__list_empty(&c->closing) ? SOTTO_NEVER : sotto__after(now, CLOSING_STEP);
}

COLD void sotto__loop_close_ice(sotto_ctx *c, struct ice *ice, sotto_us now)
{
    struct closing *x = ice ? sotto__calloc(1, sizeof *x) : NULL;
    if (!x) { /* without memory for its goodbyes it is cut short */
        c->shared.ice_ops->free(ice);
        return;
    }
    *x = (struct closing){.ice = ice, .until = sotto__after(now, SOTTO_SECONDS(1))};
    sotto__list_push(&c->closing, &x->node);
    /* those without a TURN server are mostly done at once */
    for (int i = 0; i < CLOSING_TRIES; i++)
        if (run_closing(c, x, now)) return;
    if (c->closing_at == SOTTO_NEVER) c->closing_at = sotto__after(now, CLOSING_STEP);
}

static void dispatch(sotto_ctx *c, const struct epoll_event *events, int n)
{
    sotto_us now = sotto__now(c);
    struct node *node;
    take_ready(c, events, n);
    if (now >= c->roam_at) sotto__roam_turn(c, now);
    take_due(c, now);
    take_woken(c, now);
    if (c->mdns.is_busy && sotto__mdns_agent_due(&c->mdns) <= now) take_names(c, now);
    if (c->resolver.is_busy && sotto__resolver_due(&c->resolver) <= now) take_servers(c, now);
    while ((node = sotto__list_pop(&c->run))) run_one(c, CONTAINER_OF(node, struct sotto_pc, run));
    if (c->closing_at != SOTTO_NEVER) run_all_closing(c, sotto__now(c));
    if (n > 0) c->quick.woke = now, c->quick.sent = c->egress.sent + c->egress.n;
}

static int sleep_for(const sotto_ctx *c, sotto_us span, struct epoll_event *events, int max)
{
    struct timespec t = sotto__timespec(span);
    if (c->in_world) return 0;
    int n = epoll_pwait2(c->inner, events, max, span == SOTTO_NEVER ? NULL : &t, NULL);
    if (n < 0 && errno == ENOSYS) { /* before Linux 5.11 */
        int ms = span >= SOTTO_SECONDS(3600) ? 3600 * 1000 : (int)((span + 999) / 1000);
        n = epoll_wait(c->inner, events, max, ms);
    }
    if (n >= 0) return n;
    return errno == EINTR ? SOTTO_E_AGAIN : SOTTO_E_SYS;
}

/* The network brought something, the application asked or answered with a packet or two, and all that took no time. What the turn sent
 * by itself does not count: acknowledgements, reports. */
static bool is_quick(sotto_ctx *c, sotto_us now)
{
    uint64_t sent = c->egress.sent - c->quick.sent;
    if (c->in_world || sent == 0 || sent > LOOK_PACKETS || now - c->quick.woke > LOOK_TURN)
        return false;
    if (c->quick.rest == 0) return true;
    c->quick.rest--;
    return false;
}

/*
 * Where the other side answers within microseconds, falling asleep and waking up take longer than its answer. So the wait begins with
 * looks, for a bounded time; when they find nothing, the next waits do without. An answer that is late among many that were not is on
 * its way: whoever looks for it was only held up, and is not made later still by being woken. Events as by sleep_for().
 */
static int look_on(sotto_ctx *c, sotto_us span, struct epoll_event *events, int max)
{
    const sotto_us look = c->quick.found < LOOK_FOUND ? LOOK : LOOK_LONG;
    sotto_us until = sotto__after(sotto__now(c), span < look ? span : look);
    int n;
    do n = epoll_wait(c->inner, events, max, 0);
    while (n == 0 && sotto__now(c) < until);
    if (n != 0) {
        c->quick.pause = 0;
        if (c->quick.found < LOOK_FOUND) c->quick.found++;
        return n;
    }
    if (span <= look) return 0; /* a deadline came first, which says nothing */
    c->quick.found = 0;
    c->quick.rest = c->quick.pause;
    c->quick.pause = 4 * c->quick.pause + 1;
    if (c->quick.pause > LOOK_PAUSE) c->quick.pause = LOOK_PAUSE;
    return sleep_for(c, span == SOTTO_NEVER ? span : span - look, events, max);
}

/* A wait that may be long is used first for a certificate of a connection to come, if nothing is there to be done. */
static int make_spare(sotto_ctx *c, struct epoll_event *events, int max, struct cert **ret)
{
    int n = sleep_for(c, 0, events, max);
    if (n == 0 && sotto__cert_generate(ret, (int64_t)time(NULL)) < 0) *ret = NULL; /* the connection will make its own, or say why not */
    return n;
}

int sotto__loop_turn(sotto_ctx *c, sotto_us timeout)
{
    struct epoll_event events[64];
    struct cert *spare = NULL;
    if (c->running) return SOTTO_E_STATE;
    c->running = true;
    sotto_us now = sotto__now(c), due = sotto__ctx_due(c);
    sotto_us span = due == SOTTO_NEVER ? SOTTO_NEVER : due > now ? due - now : 0;
    span = sotto__earlier(span, timeout);
    if (atomic_load(&c->stop) || (c->no_thread && sotto__event_waits(c))) span = 0;
    c->sleeping = true;
    c->sleeps_until = span > 0 ? sotto__after(now, span) : 0; /* one that does not sleep needs no wake-up */
    bool quick = span > 0 && is_quick(c, now);
    bool makes = span >= LONG_WAIT && !quick && sotto__spare_wanted(c);
    sotto__ctx_leave(c);
    int n = makes   ? make_spare(c, events, 64, &spare)
            : quick ? look_on(c, span, events, 64)
                    : sleep_for(c, span, events, 64);
    sotto__guard_lock(c->guard);
    if (makes && n == 0) sotto__spare_put(c, spare);
    c->sleeping = false;
    dispatch(c, events, n > 0 ? n : 0);
    c->running = false;
    return n < 0 ? n : 0;
}

void *sotto__loop_thread(void *ctx)
{
    sotto_ctx *c = ctx;
    pthread_setname_np(pthread_self(), "sotto");
    sotto__guard_lock(c->guard);
    while (!atomic_load(&c->stop)) {
        int r = sotto__loop_turn(c, SOTTO_NEVER);
        if (r < 0 && r != SOTTO_E_AGAIN) break;
    }
    sotto__ctx_leave(c);
    return NULL;
}
