/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting and turns: many waiters, signals, descriptors, batches, what is left after close. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"

static sotto_ctx *make(bool no_thread)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = no_thread};
    sotto_ctx *c;
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    return c;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void *wait_for_one(void *ctx)
{
    sotto_event *e;
    int r;
    while ((r = sotto_ctx_wait(ctx, -1, &e)) == 0) continue;
    if (r != 1) return NULL;
    sotto_event_free(e);
    return ctx;
}

static void each_of_several_waiters_gets_its_event(void **state)
{
    (void)state;
    for (int no_thread = 0; no_thread < 2; no_thread++) {
        sotto_ctx *c = make(no_thread);
        pthread_t t[4];
        void *got;
        for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, wait_for_one, c);
        for (int i = 0; i < 4; i++) assert_int_equal(sotto_ctx_post(c, 0, NULL), 0);
        for (int i = 0; i < 4; i++) {
            pthread_join(t[i], &got);
            assert_ptr_equal(got, c);
        }
        assert_int_equal(c->n_waiters, 0);
        sotto_ctx_free(c);
    }
}

static void *wait_for_end(void *ctx)
{
    static int closed;
    sotto_event *e;
    int r;
    while ((r = sotto_ctx_wait(ctx, -1, &e)) == 0) continue; /* a signal, if this process was stopped */
    return r == SOTTO_E_CLOSED ? &closed : NULL;
}

static void all_waiters_leave_when_the_context_is_freed(void **state)
{
    (void)state;
    for (int no_thread = 0; no_thread < 2; no_thread++) {
        sotto_ctx *c = make(no_thread);
        pthread_t t[4];
        void *closed;
        for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, wait_for_end, c);
        for (bool in = false; !in;) {
            sotto__guard_lock(c->guard);
            in = c->n_waiters == 4;
            sotto__guard_unlock(c->guard);
        }
        sotto_ctx_free(c);
        for (int i = 0; i < 4; i++) {
            pthread_join(t[i], &closed);
            assert_non_null(closed);
        }
    }
}

static void on_signal(int number)
{
    (void)number;
}

struct alarm {
    pthread_t to;
    atomic_bool stop;
};

static void *signal_often(void *arg)
{
    struct alarm *a = arg;
    while (!atomic_load(&a->stop)) pthread_kill(a->to, SIGUSR1);
    return NULL;
}

/* proves: A16 */
static void a_signal_ends_the_wait(void **state)
{
    (void)state; /* A16 */
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    for (int no_thread = 0; no_thread < 2; no_thread++) {
        sotto_ctx *c = make(no_thread);
        sotto_event *e = NULL;
        struct alarm a = {.to = pthread_self()};
        pthread_t t;
        pthread_create(&t, NULL, signal_often, &a);
        assert_int_equal(sotto_ctx_wait(c, -1, &e), 0);
        if (no_thread) assert_int_equal(sotto_ctx_run(c, -1), 0);
        atomic_store(&a.stop, true);
        pthread_join(t, NULL);
        assert_null(e);
        sotto_ctx_free(c);
    }
    sigaction(SIGUSR1, &before, NULL);
}

/* SigBlk of the thread named "sotto". */
static unsigned long long blocked(void)
{
    char path[300], line[256];
    unsigned long long mask = 0;
    bool mine = false;
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f)) {
            if (strncmp(line, "Name:", 5) == 0) mine = strcmp(line, "Name:\tsotto\n") == 0;
            if (mine && strncmp(line, "SigBlk:", 7) == 0) mask = strtoull(line + 7, NULL, 16);
        }
        if (f) fclose(f);
    }
    closedir(d);
    return mask;
}

/* proves: A16 */
static void the_thread_takes_no_signals(void **state)
{
    (void)state;
    sotto_ctx *c = make(false);
    unsigned long long mask = 0;
    for (sotto_us end = sotto_now() + 60000000; !mask && sotto_now() < end;) mask = blocked();
    static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1, SIGCHLD, SIGPIPE, SIGALRM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(mask >> (numbers[i] - 1) & 1);
    sotto_ctx_free(c);
}

/* proves: A15 */
static void nothing_is_inherited_by_other_programs(void **state)
{
    (void)state; /* A15: fork and exec */
    bool was_open[1024] = {0};
    for (int fd = 0; fd < 1024; fd++) was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    sotto_ctx *c = make(false), *without = make(true);
    struct call call;
    call_new(&call, without, c);
    call_connect(&call);
    int n = 0;
    for (int fd = 0; fd < 1024; fd++) {
        int flags = was_open[fd] ? -1 : fcntl(fd, F_GETFD);
        if (flags < 0) continue;
        n++;
        if (!(flags & FD_CLOEXEC)) fail_msg("descriptor %d would be inherited", fd);
    }
    assert_true(n > 10);
    call_free(&call);
    sotto_ctx_free(c);
    sotto_ctx_free(without);
}

static void a_batch_collects_until_it_is_switched_off_or_late(void **state)
{
    (void)state;
    sotto_ctx *c = make(true);
    struct call call;
    call_new(&call, c, c);
    call_connect(&call);
    assert_int_equal(sotto_ctx_batch(c, true), 0);
    assert_int_equal(sotto_dc_send(call.a.dc, "x", 1, true), 0);
    assert_true(sotto__ctx_due(c) <= sotto_now() + SOTTO_MS(1));
    c->batch_until = sotto_now() + SOTTO_SECONDS(60); /* however slow this machine is */
    for (int i = 0; i < 2; i++) assert_int_equal(sotto_dc_send(call.a.dc, "x", 1, true), 0);
    assert_int_equal(c->n_batch, 3);
    c->batch_until = sotto_now();
    assert_int_equal(sotto_dc_send(call.a.dc, "x", 1, true), 0);
    assert_int_equal(c->egress.n, 0);
    assert_int_equal(c->n_batch, 0);
    assert_int_equal(sotto_dc_send(call.a.dc, "x", 1, true), 0);
    assert_int_equal(sotto_ctx_batch(c, false), 0);
    assert_int_equal(c->egress.n, 0);
    assert_int_equal(c->n_batch, 0);
    assert_int_equal(sotto_ctx_batch(c, true), 0);
    assert_int_equal(sotto_dc_send(call.a.dc, "y", 1, true), 0);
    bool all = false;
    for (int i = 0; i < 6000 && !all; i++) call_run(&call, &all, 10), all = call.b.n_messages == 6;
    assert_true(all);
    call_free(&call);
    sotto_ctx_free(c);
}

/* Lengths, in order: small messages wait in a batch, large ones do not, and none overtakes another. */
static void a_batch_keeps_the_order(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 3000, 3, SOTTO_BATCHED_MESSAGE, 0, 4, 5000, 60000, 5};
    enum { N = sizeof lengths / sizeof *lengths };
    static uint8_t bytes[60000];
    sotto_ctx *c = make(true);
    struct call call;
    size_t n = 0;
    call_new(&call, c, c);
    call_connect(&call);
    assert_int_equal(sotto_ctx_batch(c, true), 0);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(sotto_dc_send(call.a.dc, bytes, lengths[i], false), 0);
    assert_int_equal(sotto_ctx_batch(c, false), 0);
    for (sotto_us end = sotto_now() + 60000000; n < N;) {
        sotto_event *e;
        assert_true(sotto_now() < end);
        if (sotto_ctx_wait(c, 10000, &e) != 1) continue;
        if (e->type == SOTTO_EV_MESSAGE) assert_int_equal(e->u.message.len, lengths[n++]);
        sotto_event_free(e);
    }
    call_free(&call);
    sotto_ctx_free(c);
}

static void a_batch_ends_when_it_is_full_and_with_its_connection(void **state)
{
    (void)state;
    sotto_ctx *c = make(true);
    struct call call;
    call_new(&call, c, c);
    call_connect(&call);
    assert_int_equal(sotto_ctx_batch(c, true), 0);
    size_t most = 0;
    for (size_t i = 0; i < 2 * SOTTO_BATCH_MESSAGES; i++) {
        assert_int_equal(sotto_dc_send(call.a.dc, "z", 1, true), 0);
        if (c->n_batch > most) most = c->n_batch;
    }
    assert_true(most < SOTTO_BATCH_MESSAGES);
    assert_int_equal(sotto_dc_send(call.a.dc, "z", 1, true), 0);
    call_free(&call); /* what waits goes with it */
    assert_int_equal(sotto_ctx_batch(c, false), 0);
    sotto_ctx_free(c);
}

static void a_closed_connection_wakes_nobody(void **state)
{
    (void)state;
    sotto_ctx *c = make(true), *other = make(false);
    struct call call;
    sotto_event *e;
    call_new(&call, c, other);
    call_connect(&call);
    assert_true(call.a.pc->n_fds > 0);
    sotto_pc_close(call.a.pc);
    assert_int_equal(call.a.pc->n_fds, 0);
    for (sotto_us end = sotto_now() + 60000000; sotto__ctx_due(c) != SOTTO_NEVER;) {
        assert_true(sotto_now() < end);
        assert_true(sotto_ctx_run(c, -1) >= 0);
        while (sotto_ctx_next(c, &e) == 1) sotto_event_free(e);
    }
    while (sotto_ctx_next(c, &e) == 1) sotto_event_free(e);
    assert_true(sotto_ctx_run(c, 0) == 0);
    assert_false(readable(sotto_ctx_fd(c)));
    call_free(&call);
    sotto_ctx_free(c);
    sotto_ctx_free(other);
}

static void many_events_are_taken_at_once(void **state)
{
    (void)state;
    sotto_ctx *c = make(true);
    sotto_event *e[8];
    for (uint32_t i = 0; i < 10; i++) assert_int_equal(sotto_ctx_post(c, i, NULL), 0);
    assert_int_equal(sotto_ctx_next_many(c, e, 0), 0);
    assert_int_equal(sotto_ctx_next_many(c, NULL, 0), 0);
    assert_int_equal(sotto_ctx_next_many(c, e, 8), 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(e[i]->u.post.code, i);
        sotto_event_free(e[i]);
    }
    assert_int_equal(sotto_ctx_next_many(c, e, 8), 2);
    sotto_event_free(e[0]), sotto_event_free(e[1]);
    assert_int_equal(sotto_ctx_next_many(c, e, 8), 0);
    sotto_ctx_free(c);
}

struct sink {
    int calls, disorder;
    int32_t level;
    char last[SOTTO_MAX_LOG_LINE];
};

static void sink(int32_t level, const char *line, void *user)
{
    struct sink *s = user;
    char want[32];
    snprintf(want, sizeof want, "test: line %d", s->calls++);
    s->disorder += strcmp(line, want) != 0;
    s->level = level;
    snprintf(s->last, sizeof s->last, "%s", line);
}

/* proves: A18 */
static void log_lines_come_in_order_and_the_lost_are_counted(void **state)
{
    (void)state;
    struct sink s = {0};
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true, .log = sink, .log_user = &s};
    sotto_ctx *c;
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    sotto__guard_lock(c->guard);
    SOTTO_LOG(&c->log, SOTTO_LOG_INFO, "test", "below the default level");
    for (unsigned i = 0; i < SOTTO_MAX_LOG_LINES + 3; i++)
        SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "test", "line %u", i);
    sotto__ctx_leave(c);
    assert_true(readable(sotto_ctx_fd(c))); /* the rest is work for run() */
    for (int i = 0; i < 100 && readable(sotto_ctx_fd(c)); i++) sotto_ctx_run(c, 0);
    assert_int_equal(s.calls, SOTTO_MAX_LOG_LINES + 1);
    assert_int_equal(s.disorder, 1);
    assert_string_equal(s.last, "log: 3 lines were lost before this one");
    assert_int_equal(s.level, SOTTO_LOG_WARNING);
    sotto__guard_lock(c->guard);
    s.calls = 0;
    for (unsigned i = 0; i < 40; i++) SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "test", "line %u", i);
    sotto__guard_unlock(c->guard);
    sotto_ctx_free(c); /* gives out what is left */
    assert_int_equal(s.calls, 40);
    assert_int_equal(s.disorder, 1);
}

/* A wait, as if the network had brought something `ago` and the application had sent so many packets since. */
static void wait_after(sotto_ctx *c, sotto_us ago, uint64_t packets, sotto_us timeout)
{
    c->quick.woke = sotto_now() - ago;
    c->quick.sent = c->egress.sent;
    c->egress.sent += packets;
    assert_true(sotto_ctx_run(c, timeout) >= 0);
}

static void only_who_answers_at_once_looks_on_before_it_sleeps(void **state)
{
    (void)state;
    const sotto_us just = -SOTTO_SECONDS(10); /* however slow this machine is */
    sotto_ctx *c = make(true);
    wait_after(c, just, 0, 50);
    wait_after(c, just, 3, 50);
    wait_after(c, SOTTO_MS(1), 1, 50);
    wait_after(c, just, 1, 5); /* a deadline ends the look: that says nothing */
    assert_int_equal(c->quick.pause, 0);
    wait_after(c, just, 1, 50);
    assert_int_equal(c->quick.pause, 1);
    assert_int_equal(c->quick.rest, 0);
    sotto_ctx_free(c);
}

static void looks_in_vain_become_rare_and_one_that_finds_ends_that(void **state)
{
    (void)state;
    const sotto_us just = -SOTTO_SECONDS(10);
    unsigned looks = 0;
    sotto_ctx *c = make(true);
    for (int i = 0; i < 2000; i++) {
        unsigned rest = c->quick.rest;
        wait_after(c, just, 2, 50);
        if (rest == 0)
            looks++;
        else
            assert_int_equal(c->quick.rest, rest - 1);
    }
    assert_in_range(looks, 10, 13);
    while (c->quick.rest > 0) wait_after(c, just, 1, 50);
    sotto__loop_wake(c);
    wait_after(c, just, 1, 50);
    assert_int_equal(c->quick.rest, 0);
    assert_int_equal(c->quick.pause, 0);
    sotto_ctx_free(c);
}

static void an_answer_that_is_late_among_many_is_looked_for_longer(void **state)
{
    (void)state;
    const sotto_us just = -SOTTO_SECONDS(10);
    sotto_ctx *c = make(true);
    for (int i = 0; i < 7; i++) {
        sotto__loop_wake(c);
        wait_after(c, just, 1, SOTTO_SECONDS(10));
    }
    wait_after(c, just, 1, 50); /* 50 µs are longer than a look: it was in vain */
    assert_int_equal(c->quick.pause, 1);
    for (int i = 0; i < 8; i++) {
        sotto__loop_wake(c);
        wait_after(c, just, 1, SOTTO_SECONDS(10));
    }
    wait_after(c, just, 1, 50); /* … and shorter than this one */
    assert_int_equal(c->quick.pause, 0);
    wait_after(c, just, 1, 110);
    assert_int_equal(c->quick.pause, 1);
    wait_after(c, just, 1, 50); /* a single one in vain, and it is over */
    assert_int_equal(c->quick.pause, 5);
    sotto_ctx_free(c);
}

struct slow_sink {
    atomic_bool is_in, may_go;
};

static _Thread_local bool is_held_up; /* in the sink, this thread */

static void hold_up(int32_t level, const char *line, void *user)
{
    struct slow_sink *s = user;
    (void)level, (void)line;
    if (!is_held_up) return;
    atomic_store(&s->is_in, true);
    while (!atomic_load(&s->may_go)) sched_yield();
}

static void *call_with_a_line(void *ctx)
{
    sotto_ctx *c = ctx;
    is_held_up = true;
    sotto__guard_lock(c->guard);
    SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "test", "one line");
    sotto__ctx_leave(c);
    return NULL;
}

/* proves: A18 */
static void a_log_sink_that_blocks_holds_nobody_else_up(void **state)
{
    (void)state;
    struct slow_sink s = {.is_in = false};
    sotto_ctx_config cfg = {.size = sizeof cfg, .log = hold_up, .log_user = &s};
    sotto_ctx *c;
    pthread_t t;
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    assert_int_equal(pthread_create(&t, NULL, call_with_a_line, c), 0);
    while (!atomic_load(&s.is_in)) sched_yield();
    struct call call; /* a whole call comes up meanwhile */
    call_new(&call, c, c);
    call_connect(&call);
    for (uint32_t i = 0; i < 3 * SOTTO_MAX_LOG_LINES; i++) {
        sotto__guard_lock(c->guard);
        SOTTO_LOG(&c->log, SOTTO_LOG_ERROR, "test", "line %u", i);
        assert_true(c->log.n <= SOTTO_MAX_LOG_LINES);
        sotto__ctx_leave(c);
    }
    call_free(&call);
    atomic_store(&s.may_go, true);
    pthread_join(t, NULL);
    sotto_ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_several_waiters_gets_its_event),
        cmocka_unit_test(all_waiters_leave_when_the_context_is_freed),
        cmocka_unit_test(a_signal_ends_the_wait),
        cmocka_unit_test(the_thread_takes_no_signals),
        cmocka_unit_test(nothing_is_inherited_by_other_programs),
        cmocka_unit_test(a_batch_collects_until_it_is_switched_off_or_late),
        cmocka_unit_test(a_batch_keeps_the_order),
        cmocka_unit_test(a_batch_ends_when_it_is_full_and_with_its_connection),
        cmocka_unit_test(a_closed_connection_wakes_nobody),
        cmocka_unit_test(many_events_are_taken_at_once),
        cmocka_unit_test(log_lines_come_in_order_and_the_lost_are_counted),
        cmocka_unit_test(a_log_sink_that_blocks_holds_nobody_else_up),
        cmocka_unit_test(only_who_answers_at_once_looks_on_before_it_sleeps),
        cmocka_unit_test(looks_in_vain_become_rare_and_one_that_finds_ends_that),
        cmocka_unit_test(an_answer_that_is_late_among_many_is_looked_for_longer),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
