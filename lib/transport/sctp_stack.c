/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usrsctp as what it is: one library for the whole process, with global state, its own timers and one output callback.
 * Here are the mutex around every call into it, the table from opaque ids (what usrsctp takes for addresses and puts on
 * the wire; never pointers) to associations, the clock that drives its timers, and the outboxes that its callback fills.
 * In: calls of sctp.c; out: packets in the owners' outboxes, and a write to the eventfd of an owner that did not call.
 * answers: H129
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "transport/sctp_priv.h"
#include "util/bytes.h"
#include "util/map.h"
#include "util/mem.h"
#include "util/rand.h"

#define SPARE_ADDRESSES 64u /* at least so many wait to be used again */

static struct {
    pthread_mutex_t lock; /* a leaf: nothing is locked while it is held */
    bool ready;
    struct map ids;
    size_t live;
    uint64_t first;   /* of the addresses */
    uint32_t n, next; /* how many usrsctp knows; the one to be looked at next */
    _Atomic sotto_us stamp; /* `now` of the last tick, whole milliseconds after the one before */
    _Atomic sotto_us interval; /* between two ticks while something goes on */
    struct sctp *current;   /* through whom the thread that holds the lock came in */
    struct sctp_home *home; /* for whom it did */
    bool is_child;          /* of a fork: the eventfds are the parent's */
    bool ticking;
    uint32_t max_chunks;
} stack = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void wake(struct sctp *s)
{
    struct sctp_home *h = s->home;
    atomic_store_explicit(&s->attention, true, memory_order_release);
    if (s == stack.current || !h || s->is_woken) return;
    s->is_woken = true;
    s->next_woken = h->woken;
    h->woken = s;
    if (atomic_exchange(&h->has_woken, true) || h == stack.home || h->fd < 0 || stack.is_child)
        return; /* it was told; or it asks before it sleeps */
    uint64_t one = 1;
    ssize_t done; /* full counter: it is readable anyway */
    do done = write(h->fd, &one, sizeof one);
    while (done < 0 && errno == EINTR);
}

uint8_t *sotto__outbox_room(struct outbox *o, size_t n, bool probe)
{
    if (o->packets >= SOTTO_SCTP_OUTBOX || n > SCTP_PACKET_LIMIT) return NULL;
    if (o->cap - o->n < n + 2) {
        size_t cap = o->cap ? 2 * o->cap : 512; /* as long as a handshake needs: many connect at a time */
        while (cap - o->n < n + 2) cap *= 2;
        uint8_t *bytes = sotto__realloc(o->bytes, cap);
        if (!bytes) return NULL;
        o->bytes = bytes, o->cap = cap;
    }
    size_t head = n | (probe ? OUTBOX_PROBE : 0);
    o->bytes[o->n] = (uint8_t)(head >> 8), o->bytes[o->n + 1] = (uint8_t)head;
    o->n += n + 2, o->packets++;
    return o->bytes + o->n - n;
}

void sotto__outbox_free(struct outbox *o)
{
    sotto__free(o->bytes);
    *o = (struct outbox){0};
}

/* New DATA on its way: how many messages began. Retransmissions have numbers that were seen. */
static void note_data(struct sctp *s, const uint8_t *p, size_t n)
{
    for (size_t at = 12; at + 16 <= n;) {
        size_t len = sotto__get_u16(p + at + 2);
        if (len < 4) return;
        if (p[at] == 0 && len >= 16) {
            uint32_t tsn = sotto__get_u32(p + at + 4);
            if (!s->has_tsn || (int32_t)(tsn - s->last_tsn) > 0) {
                s->has_tsn = true, s->last_tsn = tsn;
                if (p[at + 1] & 2) s->started++; /* B: begin */
                s->is_halfway = !(p[at + 1] & 1); /* E: end */
            } else if (tsn == s->guard.acked + 1 && len > PMTU_BASE - 12) {
                s->path.stalled = true;
            }
        }
        at += (len + 3) & ~(size_t)3;
    }
}

/* usrsctp calls this from anywhere inside it, holding locks of its own: so only compute and copy. */
static int conn_output(void *addr, void *buffer, size_t length, uint8_t tos, uint8_t set_df)
{
    (void)tos, (void)set_df;
    struct sctp *s = sotto__map_get(&stack.ids, (uint64_t)(uintptr_t)addr);
    uint8_t *p = buffer;
    if (!s || length < 12) return 0; /* closed meanwhile */
    p[0] = (uint8_t)(s->guard.local_port >> 8), p[1] = (uint8_t)s->guard.local_port;
    if (!sotto__sctp_guard_output(&s->guard, p, length)) return 0;
    note_data(s, p, length);
    sotto__sctp_path_output(s, p, length);
    wake(s);
    return 0;
}

void sotto__sctp_upcall(struct socket *so, void *arg, int flags)
{
    (void)flags;
    if (stack.current && stack.current->feeding && stack.current->so == so) {
        stack.current->fed = true; /* for each message of the packet: once will do */
        return;
    }
    struct sctp *s = sotto__map_get(&stack.ids, (uint64_t)(uintptr_t)arg);
    if (!s) return;
    int events = usrsctp_get_events(so);
    if (events & SCTP_EVENT_READ) atomic_store(&s->readable, true);
    if (events & SCTP_EVENT_ERROR) {
        if (!s->check) s->in_tick = stack.ticking;
        s->check = true;
    }
    if (events & (SCTP_EVENT_READ | SCTP_EVENT_ERROR)) wake(s);
}

uint16_t sotto__sctp_port(const struct sctp *s)
{
    return (uint16_t)(s->id | 0x8000);
}

static void set_defaults(void)
{
    usrsctp_enable_crc32c_offload();
    usrsctp_tunable_set_sctp_pcbtblsize(1); /* of an endpoint: each has one association */
    usrsctp_sysctl_set_sctp_blackhole(2);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_sendspace(1024 * 1024);
    usrsctp_sysctl_set_sctp_recvspace(1024 * 1024);
    usrsctp_sysctl_set_sctp_initial_cwnd(1); /* of PMTU_LIMIT bytes: RFC 6928 wants about as many in small packets */
    usrsctp_sysctl_set_sctp_max_burst_default(10);
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(20);
    usrsctp_sysctl_set_sctp_rto_min_default(200);
    usrsctp_sysctl_set_sctp_rto_initial_default(500);
    usrsctp_sysctl_set_sctp_rto_max_default(4000); /* a lost FORWARD-TSN costs one such wait each time */
    usrsctp_sysctl_set_sctp_init_rto_max_default(4000);
    usrsctp_sysctl_set_sctp_init_rtx_max_default(16);
    usrsctp_sysctl_set_sctp_assoc_rtx_max_default(SCTP_REPETITIONS);
    usrsctp_sysctl_set_sctp_path_rtx_max_default(SCTP_REPETITIONS);
    usrsctp_sysctl_set_sctp_heartbeat_interval_default(30000); /* RFC 9260 §16; an answer clears the errors that probes count */
    usrsctp_sysctl_set_sctp_max_retran_chunk(0); /* else 30 probes of a closed window would end it */
}

/* A fork may come while another thread is in here: the child would wait for ever. What the child inherits wakes nobody. */
static void before_fork(void)
{
    pthread_mutex_lock(&stack.lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&stack.lock);
}

static void in_child(void)
{
    stack.is_child = true;
    pthread_mutex_unlock(&stack.lock);
}

/*
 * Once, and for good: usrsctp_finish can take minutes once there were associations. Started, usrsctp has a thread for what we never ask
 * for, which sleeps for ever; started for the second time, its thread ends at once. That shall take no signals of the application.
 */
static int start(void)
{
    sigset_t all, old;
    if (pthread_atfork(before_fork, in_parent, in_child) != 0) return SOTTO_E_SYS;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    usrsctp_init_nothreads(0, conn_output, NULL);
    if (usrsctp_finish() == 0) usrsctp_init_nothreads(0, conn_output, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    set_defaults();
    stack.ready = true;
    return 0;
}

void sotto__sctp_stack_room(uint32_t rcvbuf)
{
    uint32_t chunks = rcvbuf / 512 > 10240 ? rcvbuf / 512 : 10240;
    if (chunks <= stack.max_chunks) return;
    stack.max_chunks = chunks;
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(chunks);
}

/*
 * The addresses of associations as usrsctp sees them: numbers that tell nothing of our memory. It is never told that one is not used any
 * more, because all that it then does is to put a note aside, for good, for the thread that it does not have (start()). They are used
 * again in turn, and there are some more of them than associations, so that nothing is left in it of the one before.
 */
static uint64_t address(uint32_t i)
{
    return (stack.first + (i + 1) * UINT64_C(0x9e3779b97f4a7c15)) & (UINTPTR_MAX >> 1); /* odd: all differ */
}

static bool is_free(uint64_t id)
{
    return id != 0 && !sotto__map_get(&stack.ids, id);
}

static int new_id(uint64_t *ret)
{
    size_t idle = stack.n - stack.live;
    int r = stack.n == 0 ? sotto__rand_u64(&stack.first) : 0;
    if (r < 0) return r;
    if (idle < SPARE_ADDRESSES || idle < stack.live / 4) {
        do *ret = address(stack.n++);
        while (!is_free(*ret));
        usrsctp_register_address((void *)(uintptr_t)*ret);
        return 0;
    }
    do *ret = address(stack.next++ % stack.n);
    while (!is_free(*ret));
    return 0;
}

/* A tick walks the timers of all associations. */
static void set_interval(void)
{
    sotto_us us = SCTP_TICK_BUSY + (sotto_us)stack.live * 5;
    if (us > SCTP_TICK_IDLE / 2) us = SCTP_TICK_IDLE / 2;
    atomic_store_explicit(&stack.interval, us, memory_order_relaxed);
}

int sotto__sctp_stack_add(struct sctp *s, sotto_us now)
{
    pthread_mutex_lock(&stack.lock);
    int r = stack.ready ? 0 : start();
    if (r < 0) {
        pthread_mutex_unlock(&stack.lock);
        return r;
    }
    /* Nothing was ticked while nobody was here, and no timer runs. */
    if (stack.live == 0) atomic_store(&stack.stamp, now);
    r = new_id(&s->id);
    if (r == 0) r = sotto__map_put(&stack.ids, s->id, s);
    if (r == 0) {
        stack.live++;
        set_interval();
        if (s->home) s->home->n++;
    } else {
        s->id = 0;
    }
    if (stack.live == 0) sotto__map_free(&stack.ids);
    pthread_mutex_unlock(&stack.lock);
    return r;
}

static void forget_woken(struct sctp *s)
{
    if (!s->is_woken) return;
    for (struct sctp **at = &s->home->woken; *at; at = &(*at)->next_woken) {
        if (*at != s) continue;
        *at = s->next_woken;
        break;
    }
    s->is_woken = false;
    atomic_store(&s->home->has_woken, s->home->woken != NULL);
}

void sotto__sctp_stack_remove(struct sctp *s)
{
    if (s->id == 0) return;
    sotto__map_del(&stack.ids, s->id);
    s->id = 0;
    forget_woken(s);
    if (s->home) s->home->n--;
    if (--stack.live == 0) sotto__map_free(&stack.ids);
    set_interval();
}

/* Where somebody is awake a loop ticks in time, unless the machine stalls. What came meanwhile is read behind the tick: a timer that
 * runs out before would have all of it sent again. */
static uint32_t counted(sotto_us ms)
{
    bool is_awake = !stack.home || stack.home->n_awake > 0;
    sotto_us most = is_awake ? SCTP_TICK_IDLE / 1000 : 60000;
    return (uint32_t)(ms < most ? ms : most);
}

static void tick(sotto_us now)
{
    sotto_us stamp = atomic_load_explicit(&stack.stamp, memory_order_relaxed);
    if (now - stamp < atomic_load_explicit(&stack.interval, memory_order_relaxed)) return;
    sotto_us ms = (now - stamp) / 1000;
    atomic_store_explicit(&stack.stamp, stamp + ms * 1000, memory_order_relaxed);
    stack.ticking = true;
    usrsctp_handle_timers(counted(ms));
    stack.ticking = false;
}

void sotto__sctp_lock_quiet(struct sctp *s)
{
    pthread_mutex_lock(&stack.lock);
    stack.current = s;
    stack.home = s->home;
}

void sotto__sctp_lock(struct sctp *s, sotto_us now)
{
    sotto__sctp_lock_quiet(s);
    tick(now);
}

void sotto__sctp_unlock(struct sctp *s)
{
    (void)s;
    stack.current = NULL;
    stack.home = NULL;
    pthread_mutex_unlock(&stack.lock);
}

sotto_us sotto__sctp_stack_due(bool is_busy)
{
    return sotto__after(atomic_load_explicit(&stack.stamp, memory_order_relaxed),
                        is_busy ? atomic_load_explicit(&stack.interval, memory_order_relaxed)
                                : SCTP_TICK_IDLE);
}

sotto_us sotto__sctp_stack_stamp(void)
{
    return atomic_load_explicit(&stack.stamp, memory_order_relaxed);
}

/* ---- the associations of one loop ---- */

void sotto__sctp_busy(struct sctp *s, sotto_us now)
{
    s->busy_until = sotto__after(now, SOTTO_SECONDS(1)) | SCTP_MOMENT;
    s->is_trim = false;
    if (!s->home) return;
    s->home->busy_until = s->busy_until;
    if (!s->is_awake && !s->down) s->home->n_awake++, s->is_awake = true;
}

void sotto__sctp_rest(struct sctp *s)
{
    if (s->is_awake) s->home->n_awake--;
    s->is_awake = false;
}

static sotto_us tick_due(const struct sctp_home *h)
{
    sotto_us stamp = sotto__sctp_stack_stamp();
    if (h->n == 0) return SOTTO_NEVER;
    if (h->n_awake == 0 && stamp >= h->busy_until) return sotto__after(stamp, SCTP_TICK_REST);
    return sotto__sctp_stack_due(stamp < h->busy_until);
}

sotto_us sotto__sctp_home_due(const struct sctp_home *h)
{
    return atomic_load_explicit(&h->has_woken, memory_order_acquire) ? 0 : tick_due(h);
}

void sotto__sctp_home_tick(struct sctp_home *h, sotto_us now)
{
    if (now < tick_due(h)) return;
    pthread_mutex_lock(&stack.lock);
    stack.home = h;
    tick(now);
    stack.home = NULL;
    pthread_mutex_unlock(&stack.lock);
}

void *sotto__sctp_home_next(struct sctp_home *h)
{
    if (!atomic_load_explicit(&h->has_woken, memory_order_acquire)) return NULL;
    pthread_mutex_lock(&stack.lock);
    struct sctp *s = h->woken;
    if (s) forget_woken(s);
    void *owner = s ? s->owner : NULL;
    pthread_mutex_unlock(&stack.lock);
    return owner;
}

const char *sotto__sctp_library_version(void)
{
    return SOTTO_USRSCTP_VERSION;
}
