/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contexts: making and freeing them, entering and leaving the lock, the log's way to its sink. Every function of the API stands between
 * an enter and a leave; leave sends what the call produced, arms the loop and wakes who waits for events.
 * answers: A06 A08
 */
#include "api/ctx.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "util/cold.h"
#include "util/mem.h"

static sotto_us real_now(void *user)
{
    (void)user;
    return sotto_now();
}

static const struct world real_world = {.now = real_now,
                                        .ice_ops = &sotto__ice_nice,
                                        .net_ops = &sotto__net_linux,
                                        .watch_ops = &sotto__net_watch_linux,
                                        .boot = sotto__loop_boot};

int sotto__config_size(const void *p, size_t known, size_t least)
{
    uint32_t size;
    memcpy(&size, p, sizeof size);
    if (size < least || size > SOTTO_MAX_STRUCT) return SOTTO_E_INVAL;
    for (size_t i = known; i < size; i++)
        if (((const uint8_t *)p)[i] != 0) return SOTTO_E_UNSUPPORTED;
    return 0;
}

int sotto__config_copy(const void *p, size_t known, size_t least, void *to)
{
    uint32_t size;
    memset(to, 0, known);
    if (!p) return 0;
    int r = sotto__config_size(p, known, least);
    if (r < 0) return r;
    memcpy(&size, p, sizeof size);
    memcpy(to, p, size < known ? size : known);
    return 0;
}

static int read_config(sotto_ctx *c, const sotto_ctx_config *cfg)
{
    sotto_ctx_config all;
    int r = sotto__config_copy(cfg, sizeof all, offsetof(sotto_ctx_config, max_pcs), &all);
    if (r < 0) return r;
    if (all.log_level < SOTTO_LOG_DEFAULT || all.log_level > SOTTO_LOG_DEBUG ||
        all.max_pcs > SOTTO_MAX_PCS)
        return SOTTO_E_RANGE;
    c->no_thread = all.no_thread;
    c->sink = all.log;
    c->sink_user = all.log_user;
    c->shared.no_fast_path = all.no_fast_path;
    c->max_pcs = all.max_pcs ? all.max_pcs : SOTTO_MAX_PCS;
    c->log.level = all.log_level ? all.log_level : SOTTO_LOG_WARNING;
    if (!c->sink) c->log.level = 0;
    c->log.shows = all.show_addresses;
    return 0;
}

COLD static void destroy(sotto_ctx *c)
{
    sotto__loop_close(c);
    sotto__spare_free(c);
    sotto__mdns_agent_free(&c->mdns);
    sotto__resolver_free(&c->resolver);
    sotto__net_watch_close(&c->watch);
    sotto__dtls_ctx_free(c->shared.dtls_ctx);
    sotto__ice_box_free(&c->box);
    sotto__map_free(&c->by_id);
    sotto__free(c->log.lines);
    sotto__free(c->heap);
    pthread_cond_destroy(&c->left);
    sotto__guard_unref(c->guard);
    c->magic = MAGIC_DEAD;
    sotto__free(c);
}

static void init_lists(sotto_ctx *c)
{
    struct node *const heads[] = {&c->pcs,     &c->dcs,  &c->transceivers, &c->run,  &c->closing,
                                  &c->control, &c->data, &c->media,        &c->batch};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) sotto__list_init(heads[i]);
    pthread_cond_init(&c->left, NULL);
}

static int open_parts(sotto_ctx *c)
{
    int r = sotto__guard_new(&c->guard);
    if (r == 0) r = sotto__dtls_ctx_new(&c->shared.dtls_ctx);
    if (r == 0 && c->sink) {
        c->log.lines = sotto__calloc(SOTTO_MAX_LOG_LINES, sizeof *c->log.lines);
        if (!c->log.lines) r = SOTTO_E_NOMEM;
    }
    return r == 0 ? sotto__loop_open(c) : r;
}

/* The thread leaves all signals to the application's threads. */
static int start_thread(sotto_ctx *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    c->has_thread = pthread_create(&c->thread, NULL, sotto__loop_thread, c) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return c->has_thread ? 0 : SOTTO_E_SYS;
}

COLD int sotto__ctx_new_in(const struct world *w, const sotto_ctx_config *cfg, sotto_ctx **ret)
{
    sotto_ctx *c = sotto__calloc(1, sizeof *c);
    if (!c) return SOTTO_E_NOMEM;
    c->magic = MAGIC_CTX;
    c->world = w ? *w : real_world;
    c->in_world = w != NULL;
    c->inner = c->outer = c->ready = c->wake = c->sctp_wake = c->timer = -1;
    c->batch_until = c->closing_at = SOTTO_NEVER;
    c->watch.fd = -1;
    c->watch.look_at = c->roam_at = SOTTO_NEVER;
    c->shared.watch = &c->watch;
    init_lists(c);
    int r = read_config(c, cfg);
    if (w) c->no_thread = true;
    if (r == 0) r = open_parts(c);
    c->shared.ice_ops = c->world.ice_ops;
    c->shared.world = c->world.user;
    c->shared.box = &c->box;
    c->shared.egress = &c->egress;
    c->shared.log = &c->log;
    if (c->world.net_ops) {
        sotto__mdns_agent_init(&c->mdns,
                               &(struct mdns_cfg){c->world.net_ops, c->world.net, &c->log});
        c->shared.mdns = &c->mdns;
        sotto__resolver_init(&c->resolver, &(struct resolver_cfg){c->world.dns, &c->log});
        c->shared.resolver = &c->resolver;
    }
    c->sctp_home.fd = c->in_world ? -1 : c->sctp_wake;
    c->shared.sctp_home = &c->sctp_home;
    if (r == 0 && !c->no_thread) r = start_thread(c);
    if (r < 0) {
        destroy(c);
        return r;
    }
    *ret = c;
    return 0;
}

SOTTO_API int sotto_ctx_new(const sotto_ctx_config *cfg, sotto_ctx **ret)
{
    return ret ? sotto__ctx_new_in(NULL, cfg, ret) : SOTTO_E_INVAL;
}

int sotto__ctx_enter(sotto_ctx *c)
{
    if (!c || c->magic != MAGIC_CTX) return SOTTO_E_INVAL;
    int r = sotto__guard_check(c->guard);
    if (r == 0) sotto__guard_lock(c->guard);
    return r;
}

/* Lines go to the sink without the lock, oldest first; a call from there into the library is refused. What is too much for one
 * call is left to the loop, as the context may be freed as soon as the lock is open. */
COLD static void drain_log(sotto_ctx *c)
{
    struct log_line lines[16];
    size_t n;
    if (!c->sink || c->log.n == 0) {
        sotto__guard_unlock(c->guard);
        return;
    }
    sotto_log_fn sink = c->sink;
    void *user = c->sink_user;
    for (n = 0; n < 16 && sotto__log_take(&c->log, &lines[n]); n++) continue;
    if (c->log.n > 0) {
        sotto__loop_wake(c);
    } else if (c->log.lost > 0) {
        uint32_t lost = c->log.lost;
        c->log.lost = 0;
        SOTTO_LOG(&c->log, SOTTO_LOG_WARNING, "log", "%u lines were lost before this one", lost);
        sotto__loop_wake(c);
    }
    sotto__guard_unlock(c->guard);
    sotto__guard_set_in_sink(true);
    for (size_t i = 0; i < n; i++) sink(lines[i].level, lines[i].text, user);
    sotto__guard_set_in_sink(false);
}

static void end_batch(sotto_ctx *c, sotto_us now)
{
    struct node *n;
    while ((n = sotto__list_pop(&c->batch))) {
        sotto_pc *pc = CONTAINER_OF(n, struct sotto_pc, batch);
        sotto__peer_send_waiting(pc->peer, now);
        sotto__loop_touch(c, pc);
    }
    c->n_batch = 0;
    sotto__egress_flush(&c->egress, now);
}

void sotto__ctx_leave(sotto_ctx *c)
{
    if (c->egress.n > 0 || c->n_batch > 0) {
        sotto_us now = sotto__now(c);
        if (!c->batching || now >= c->batch_until || c->n_batch >= SOTTO_BATCH_MESSAGES)
            end_batch(c, now);
        else if (c->batch_until == SOTTO_NEVER)
            c->batch_until = sotto__after(now, SOTTO_MS(1));
    }
    if (c->egress.n == 0 && c->n_batch == 0) c->batch_until = SOTTO_NEVER;
    sotto__loop_arm(c);
    drain_log(c);
}

void sotto__ctx_leave_batch(sotto_ctx *c, sotto_us now)
{
    bool is_open = c->batch_until != SOTTO_NEVER; /* the first message of a batch sets its end */
    if (is_open && now < c->batch_until && c->n_batch < SOTTO_BATCH_MESSAGES && c->log.n == 0)
        sotto__guard_unlock(c->guard);
    else
        sotto__ctx_leave(c);
}

/* Those who sleep see the readiness descriptor, which stays raised from now on. */
static void wait_for_users(sotto_ctx *c)
{
    atomic_store(&c->stop, true);
    sotto__loop_wake(c);
    sotto__loop_arm(c);
    while (c->n_waiters > 0) pthread_cond_wait(&c->left, &c->guard->mutex);
}

/* Goodbyes to TURN servers: driven here, without a thread, for at most about a second. */
static void drive_closing(sotto_ctx *c)
{
    while (!sotto__list_empty(&c->closing)) {
        int r = sotto__loop_turn(c, SOTTO_MS(20));
        if (r < 0 || c->in_world) break;
    }
    while (!sotto__list_empty(&c->closing)) {
        struct closing *x = CONTAINER_OF(sotto__list_pop(&c->closing), struct closing, node);
        c->shared.ice_ops->free(x->ice);
        sotto__free(x);
    }
}

/* Every handle ends with its context; shells that events hold stay until those are freed. */
static void free_objects(sotto_ctx *c)
{
    struct node *n;
    while (!sotto__list_empty(&c->pcs)) {
        sotto_pc *pc = CONTAINER_OF(c->pcs.next, struct sotto_pc, all);
        sotto__pc_end(pc);
        sotto__pc_unref(pc);
    }
    while ((n = sotto__list_pop(&c->dcs))) sotto__dc_unref(CONTAINER_OF(n, struct sotto_dc, all));
    while ((n = sotto__list_pop(&c->transceivers)))
        sotto__media_unref(CONTAINER_OF(n, struct sotto_transceiver, all));
}

COLD SOTTO_API void sotto_ctx_free(sotto_ctx *c)
{
    if (!c || sotto__ctx_enter(c) < 0) return; /* a fork's copy belongs to the parent */
    free_objects(c);
    sotto__egress_flush(&c->egress, sotto__now(c));
    wait_for_users(c);
    sotto__guard_unlock(c->guard);
    if (c->has_thread) pthread_join(c->thread, NULL);
    sotto__guard_lock(c->guard);
    drive_closing(c);
    while (c->sink && c->log.n > 0) {
        drain_log(c);
        sotto__guard_lock(c->guard);
    }
    sotto__guard_unlock(c->guard);
    destroy(c);
}

SOTTO_API int sotto_ctx_fd(const sotto_ctx *c)
{
    if (!c || c->magic != MAGIC_CTX) return SOTTO_E_INVAL;
    return sotto__guard_check(c->guard) == SOTTO_E_FORKED ? SOTTO_E_FORKED : c->outer;
}

SOTTO_API int sotto_ctx_next_many(sotto_ctx *c, sotto_event **ret, size_t n)
{
    size_t taken = 0;
    if (!ret && n > 0) return SOTTO_E_INVAL;
    int r = sotto__ctx_enter(c);
    if (r < 0) return r;
    while (taken < n && taken < INT32_MAX && (r = sotto__event_take(c, &ret[taken])) == 1) taken++;
    sotto__ctx_leave(c);
    return taken > 0 || r >= 0 ? (int)taken : r;
}

SOTTO_API int sotto_ctx_next(sotto_ctx *c, sotto_event **ret)
{
    return ret ? sotto_ctx_next_many(c, ret, 1) : SOTTO_E_INVAL;
}

static int begin_waiting(sotto_ctx *c)
{
    int r = sotto__ctx_enter(c);
    if (r == 0) c->n_waiters++;
    return r;
}

/* Leaves the number of waiters and the lock; SOTTO_E_CLOSED if the context is being freed, and must not be touched any more. */
static int end_waiting(sotto_ctx *c, int r)
{
    bool stop = atomic_load(&c->stop);
    c->n_waiters--;
    pthread_cond_signal(&c->left);
    sotto__ctx_leave(c);
    return stop && r != 1 ? SOTTO_E_CLOSED : r;
}

/* Another thread runs the turns. */
static int poll_for(sotto_ctx *c, sotto_us left)
{
    struct pollfd p = {.fd = c->outer, .events = POLLIN};
    struct timespec t = sotto__timespec(left);
    c->n_polling++;
    sotto__ctx_leave(c);
    int r = ppoll(&p, 1, left == SOTTO_NEVER ? NULL : &t, NULL);
    sotto__guard_lock(c->guard);
    c->n_polling--;
    return r < 0 ? SOTTO_E_AGAIN : 0;
}

/* Waits until something happens or the time is over: 0, SOTTO_E_AGAIN after a signal, or an error. */
static int wait_once(sotto_ctx *c, sotto_us left)
{
    int r = c->no_thread ? sotto__loop_turn(c, left) : SOTTO_E_STATE;
    return r == SOTTO_E_STATE ? poll_for(c, left) : r;
}

SOTTO_API int sotto_ctx_wait(sotto_ctx *c, sotto_us timeout, sotto_event **ret)
{
    if (!ret) return SOTTO_E_INVAL;
    int r = begin_waiting(c);
    if (r < 0) return r;
    sotto_us until = timeout <= 0 ? SOTTO_NEVER : 0; /* 0: not known yet, as most events are there already */
    bool is_over = timeout == 0;
    while ((r = sotto__event_take(c, ret)) == 0 && !is_over && !atomic_load(&c->stop)) {
        sotto_us now = sotto__now(c);
        if (until == 0)
            until = sotto__after(now, timeout);
        else if (now >= until)
            break;
        r = wait_once(c, until == SOTTO_NEVER ? SOTTO_NEVER : until - now);
        if (r < 0 && r != SOTTO_E_AGAIN) break;
        is_over = r == SOTTO_E_AGAIN;
    }
    return end_waiting(c, r);
}

SOTTO_API int sotto_ctx_run(sotto_ctx *c, sotto_us timeout)
{
    int r = begin_waiting(c);
    if (r < 0) return r;
    r = c->no_thread ? sotto__loop_turn(c, timeout < 0 ? SOTTO_NEVER : timeout) : SOTTO_E_STATE;
    if (r == SOTTO_E_AGAIN) r = 0;
    return end_waiting(c, r < 0 ? r : sotto__event_waits(c));
}

SOTTO_API int sotto_ctx_batch(sotto_ctx *c, bool on)
{
    int r = sotto__ctx_enter(c);
    if (r < 0) return r;
    c->batching = on;
    sotto__ctx_leave(c);
    return 0;
}

COLD SOTTO_API int sotto_ctx_post(sotto_ctx *c, uint32_t code, void *p)
{
    int r = sotto__ctx_enter(c);
    if (r < 0) return r;
    if (c->n_posts == SOTTO_MAX_POSTS) {
        r = SOTTO_E_AGAIN;
    } else {
        size_t at = (c->post_head + c->n_posts++) % SOTTO_MAX_POSTS;
        c->posts[at] = (struct post){code, p, sotto__now(c)};
    }
    sotto__ctx_leave(c);
    return r;
}
