/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts: making, waiting, posting, running without a thread, forking, the log sink. */
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/ctx.h"
#include "both_ways.h"
#include "call.h"
#include "util/mem.h"
#include "util/rand.h"

static sotto_ctx *make(bool no_thread)
{
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = no_thread};
    sotto_ctx *c;
    assert_int_equal(both_ways_ctx(&cfg, &c), 0);
    return c;
}

static void missing_arguments_are_refused(void **state)
{
    (void)state;
    sotto_event *e;
    sotto_ctx *c = make(true);
    assert_int_equal(sotto_ctx_new(NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_fd(NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_next(NULL, &e), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_next(c, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_next_many(c, NULL, 1), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_wait(NULL, 0, &e), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_wait(c, 0, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_run(NULL, 0), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_batch(NULL, true), SOTTO_E_INVAL);
    assert_int_equal(sotto_ctx_post(NULL, 0, NULL), SOTTO_E_INVAL);
    sotto_event_free(NULL);
    sotto_ctx_free(NULL);
    sotto_ctx_free(c);
}

static void sizes_of_configurations_are_honoured(void **state)
{
    (void)state;
    struct {
        sotto_ctx_config cfg;
        uint8_t tail[16];
    } big = {.cfg = {.size = sizeof big, .no_thread = true}};
    sotto_ctx *c;
    assert_int_equal(sotto_ctx_new(&big.cfg, &c), 0); /* a newer program that uses nothing new */
    sotto_ctx_free(c);
    big.tail[3] = 1;
    assert_int_equal(sotto_ctx_new(&big.cfg, &c), SOTTO_E_UNSUPPORTED);
    big.cfg.size = 4;
    assert_int_equal(sotto_ctx_new(&big.cfg, &c), SOTTO_E_INVAL);
    sotto_ctx_config bad = {.size = sizeof bad, .log_level = 6};
    assert_int_equal(sotto_ctx_new(&bad, &c), SOTTO_E_RANGE);
    bad = (sotto_ctx_config){.size = sizeof bad, .max_pcs = SOTTO_MAX_PCS + 1};
    assert_int_equal(sotto_ctx_new(&bad, &c), SOTTO_E_RANGE);
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void what_a_waiting_thread_leaves_is_shown(void **state)
{
    (void)state;
    sotto_ctx *c = make(true);
    sotto_event *e;
    assert_int_equal(sotto_ctx_post(c, 1, NULL), 0);
    assert_int_equal(sotto_ctx_post(c, 2, NULL), 0);
    assert_int_equal(sotto_ctx_wait(c, 1000, &e), 1);
    assert_int_equal(e->u.post.code, 1);
    sotto_event_free(e);
    assert_true(readable(sotto_ctx_fd(c)));
    assert_int_equal(sotto_ctx_run(c, 0), 1);
    assert_true(readable(sotto_ctx_fd(c)));
    assert_int_equal(sotto_ctx_wait(c, 1000, &e), 1);
    sotto_event_free(e);
    assert_false(readable(sotto_ctx_fd(c)));
    assert_int_equal(sotto_ctx_run(c, 0), 0);
    assert_false(readable(sotto_ctx_fd(c)));
    sotto_ctx_free(c);
}

/* proves: S09 */
static void posts_come_back_as_events_and_are_bounded(void **state)
{
    (void)state;
    sotto_ctx *c = make(true);
    sotto_event *e;
    int here;
    assert_false(readable(sotto_ctx_fd(c)));
    for (uint32_t i = 0; i < SOTTO_MAX_POSTS; i++) assert_int_equal(sotto_ctx_post(c, i, &here), 0);
    assert_int_equal(sotto_ctx_post(c, 0, NULL), SOTTO_E_AGAIN);
    assert_true(readable(sotto_ctx_fd(c)));
    for (uint32_t i = 0; i < SOTTO_MAX_POSTS; i++) {
        assert_int_equal(sotto_ctx_next(c, &e), 1);
        assert_int_equal(e->type, SOTTO_EV_USER);
        assert_int_equal(e->u.post.code, i);
        assert_ptr_equal(e->u.post.p, &here);
        assert_null(e->pc);
        sotto_event_free(e);
    }
    assert_int_equal(sotto_ctx_next(c, &e), 0);
    assert_false(readable(sotto_ctx_fd(c)));
    sotto_ctx_free(c);
}

static void *post_soon(void *ctx)
{
    sotto_ctx_post(ctx, 7, NULL);
    return NULL;
}

static void a_post_wakes_a_waiter(void **state)
{
    (void)state;
    for (int no_thread = 0; no_thread < 2; no_thread++) {
        sotto_ctx *c = make(no_thread);
        sotto_event *e = NULL;
        pthread_t t;
        pthread_create(&t, NULL, post_soon, c);
        assert_int_equal(sotto_ctx_wait(c, -1, &e), 1);
        assert_int_equal(e->u.post.code, 7);
        sotto_event_free(e);
        pthread_join(t, NULL);
        sotto_us before = sotto_now();
        assert_int_equal(sotto_ctx_wait(c, 20000, &e), 0);
        assert_true(sotto_now() - before >= 19000);
        sotto_ctx_free(c);
    }
}

struct waiter {
    sotto_ctx *ctx;
    int result;
    atomic_bool started;
};

static void *wait_for_ever(void *arg)
{
    struct waiter *w = arg;
    sotto_event *e;
    atomic_store(&w->started, true);
    while ((w->result = sotto_ctx_wait(w->ctx, -1, &e)) == 0) continue; /* a signal, if this process was stopped */
    return NULL;
}

static void freeing_a_context_ends_those_who_wait(void **state)
{
    (void)state;
    for (int no_thread = 0; no_thread < 2; no_thread++) {
        struct waiter w = {.ctx = make(no_thread)};
        pthread_t t;
        pthread_create(&t, NULL, wait_for_ever, &w);
        for (bool in = false; !in;) { /* until it is inside */
            sotto__guard_lock(w.ctx->guard);
            in = w.ctx->n_waiters == 1;
            sotto__guard_unlock(w.ctx->guard);
        }
        sotto_ctx_free(w.ctx);
        pthread_join(t, NULL);
        assert_int_equal(w.result, SOTTO_E_CLOSED);
    }
}

static void only_a_context_without_a_thread_is_run(void **state)
{
    (void)state;
    sotto_ctx *c = make(false);
    assert_int_equal(sotto_ctx_run(c, 0), SOTTO_E_STATE);
    sotto_ctx_free(c);
    c = make(true);
    assert_int_equal(sotto_ctx_run(c, 0), 0);
    sotto_ctx_post(c, 1, NULL);
    assert_int_equal(sotto_ctx_run(c, -1), 1);
    sotto_ctx_free(c);
}

static void a_call_is_driven_by_poll_alone(void **state)
{
    (void)state;
    sotto_ctx *ctx = make(true);
    struct call call;
    sotto_event *e;
    call_new(&call, ctx, ctx);
    struct pollfd p = {.fd = sotto_ctx_fd(ctx), .events = POLLIN};
    assert_int_equal(sotto_pc_set_local_description(call.a.pc, 0, NULL, NULL), 0);
    char *sdp;
    assert_int_equal(sotto_pc_local_description(call.a.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(call.b.pc, SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto_free(sdp);
    assert_int_equal(sotto_pc_set_local_description(call.b.pc, 0, NULL, NULL), 0);
    assert_int_equal(sotto_pc_local_description(call.b.pc, 0, NULL, &sdp), 1);
    assert_int_equal(sotto_pc_set_remote_description(call.a.pc, SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto_free(sdp);
    sotto_us end = sotto_now() + 60000000;
    while (!(call.a.open && call.b.open) && sotto_now() < end) {
        assert_int_equal(poll(&p, 1, 60000), 1);
        assert_true(sotto_ctx_run(ctx, 0) >= 0);
        while (sotto_ctx_next(ctx, &e) == 1) call_event(e);
    }
    assert_true(call.a.open && call.b.open);
    call_free(&call);
    sotto_ctx_free(ctx);
}

/* proves: A15 */
static void a_child_process_is_refused_and_the_parent_goes_on(void **state)
{
    (void)state; /* A15 */
    sotto_ctx *ctx = make(false);
    struct call call;
    call_new(&call, ctx, ctx);
    call_connect(&call);
    pid_t child = fork();
    if (child == 0) {
        sotto_event *e;
        sotto_ctx *own = NULL;
        sotto_pc *pc = NULL;
        sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
        bool ok = sotto_ctx_next(ctx, &e) == SOTTO_E_FORKED &&
                  sotto_ctx_wait(ctx, -1, &e) == SOTTO_E_FORKED &&
                  sotto_ctx_run(ctx, -1) == SOTTO_E_FORKED &&
                  sotto_ctx_batch(ctx, true) == SOTTO_E_FORKED &&
                  sotto_ctx_post(ctx, 0, NULL) == SOTTO_E_FORKED &&
                  sotto_pc_new(ctx, NULL, &pc) == SOTTO_E_FORKED &&
                  sotto_dc_send(call.a.dc, "x", 1, true) == SOTTO_E_FORKED &&
                  sotto_dc_state(call.a.dc) == SOTTO_E_FORKED &&
                  sotto_pc_set_reading(call.a.pc, true) == SOTTO_E_FORKED;
        sotto_dc_free(call.a.dc);
        sotto_pc_close(call.a.pc);
        sotto_pc_free(call.a.pc);
        sotto_ctx_free(ctx);
        /* new objects of its own are fine, even if the parent's thread was busy when it forked */
        alarm(120);
        ok = ok && both_ways_ctx(&cfg, &own) == 0;
        struct call mine;
        if (ok) call_new(&mine, own, own), call_connect(&mine);
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(sotto_dc_send(call.a.dc, "still here", 10, true), 0);
    bool got = false;
    for (int i = 0; i < 6000 && !got; i++) call_run(&call, &got, 10), got = call.b.n_messages == 1;
    assert_string_equal(call.b.last, "still here");
    call_free(&call);
    sotto_ctx_free(ctx);
}

struct sink {
    sotto_ctx *ctx;
    int calls, result;
};

static void sink(int32_t level, const char *line, void *user)
{
    struct sink *s = user;
    (void)level, (void)line;
    s->calls++;
    if (s->ctx) s->result = sotto_ctx_post(s->ctx, 0, NULL);
}

/* proves: A02 A07 A18 */
static void the_log_sink_may_not_call_back(void **state)
{
    (void)state;
    struct sink s = {0};
    sotto_ctx_config cfg = {.size = sizeof cfg,
                            .no_thread = true,
                            .log_level = SOTTO_LOG_DEBUG,
                            .log = sink,
                            .log_user = &s};
    sotto_ctx *c;
    assert_int_equal(sotto_ctx_new(&cfg, &c), 0);
    s.ctx = c;
    sotto__guard_lock(c->guard);
    SOTTO_LOG(&c->log, SOTTO_LOG_INFO, "test", "one line");
    sotto__ctx_leave(c);
    assert_int_equal(s.calls, 1);
    assert_int_equal(s.result, SOTTO_E_STATE);
    assert_int_equal(sotto_ctx_post(c, 0, NULL), 0);
    sotto_ctx_free(c);
}

/* proves: A10 */
static void each_failing_allocation_of_a_context_ends_cleanly(void **state)
{
    (void)state;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true, .log = sink};
    for (uint64_t n = 1;; n++) {
        int64_t live = sotto__mem_live();
        sotto_ctx *c;
        sotto__mem_fail_at(n);
        int r = sotto_ctx_new(&cfg, &c);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (r == 0) sotto_ctx_free(c);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
        assert_int_equal(r, SOTTO_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_arguments_are_refused),
        cmocka_unit_test(sizes_of_configurations_are_honoured),
        cmocka_unit_test(what_a_waiting_thread_leaves_is_shown),
        cmocka_unit_test(posts_come_back_as_events_and_are_bounded),
        cmocka_unit_test(a_post_wakes_a_waiter),
        cmocka_unit_test(freeing_a_context_ends_those_who_wait),
        cmocka_unit_test(only_a_context_without_a_thread_is_run),
        cmocka_unit_test(a_call_is_driven_by_poll_alone),
        cmocka_unit_test(a_child_process_is_refused_and_the_parent_goes_on),
        cmocka_unit_test(the_log_sink_may_not_call_back),
        cmocka_unit_test(each_failing_allocation_of_a_context_ends_cleanly),
    };
    return cmocka_run_group_tests_name("ctx", tests, NULL, NULL);
}
