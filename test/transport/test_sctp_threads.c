/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Associations of several contexts in one process. One thread's tick runs the timers of all; what it produces for another
 * wakes that one's eventfd. Ordinary tests, which also run under -fsanitize=thread.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "util/mem.h"
#include "util/time.h"

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void a_tick_through_one_wakes_the_other_that_has_to_send(void **state)
{
    (void)state;
    struct pair p, other;
    struct sctp_cfg cfg;
    struct link_cfg lan = {.delay = SOTTO_MS(1)};
    struct sctp_out out;
    uint64_t count;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), it;
    struct sctp_home home = {.fd = fd};
    pair_cfg(&cfg);
    cfg.home = &home;
    cfg.owner = &it;
    pair_open_cfg(&p, &lan, &cfg, &cfg);
    assert_int_equal(home.n, 2);
    pair_connect(&p);
    pair_run(&p, SOTTO_SECONDS(2));
    pair_open(&other, &lan);
    p.now = other.now;
    p.link.down = true;
    assert_int_equal(side_send(&p, &p.a, 1, "lost", 4), 0);
    pair_collect(&p);
    while (sotto__sctp_home_next(&home)) continue;
    while (read(fd, &count, sizeof count) > 0) continue;
    for (int i = 0; i < 300 && !readable(fd); i++) { /* only `other` is driven */
        other.now += SOTTO_MS(10);
        test_clock_set(other.now);
        pair_collect(&other);
    }
    assert_true(readable(fd));
    assert_int_equal(sotto__sctp_home_due(&home), 0);
    assert_ptr_equal(sotto__sctp_home_next(&home), &it);
    assert_null(sotto__sctp_home_next(&home));
    assert_true(sotto__sctp_home_due(&home) > 0);
    assert_int_equal(sotto__sctp_due(p.a.s), 0);
    assert_int_equal(sotto__sctp_next(p.a.s, other.now, &out), 1);
    assert_int_equal(out.type, SCTP_OUT_PACKET);
    assert_int_equal(sotto__sctp_next(p.a.s, other.now, &out), 0);
    assert_int_equal(read(fd, &count, sizeof count), sizeof count);
    assert_int_equal(count, 1); /* once until looked at, however many packets */
    pair_close(&p);
    assert_int_equal(home.n, 0);
    assert_int_equal(sotto__sctp_home_due(&home), SOTTO_NEVER);
    pair_close(&other);
    close(fd);
}

static void own_work_does_not_write_the_own_eventfd(void **state)
{
    (void)state;
    struct pair p;
    struct sctp_cfg a, b;
    struct link_cfg lan = {.delay = SOTTO_MS(1)};
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct sctp_home home = {.fd = fd};
    pair_cfg(&a), pair_cfg(&b);
    a.home = &home;
    pair_open_cfg(&p, &lan, &a, &b);
    for (int i = 0; i < 10; i++)
        assert_int_equal(sotto__sctp_input(p.b.s, p.now, (const uint8_t *)"x", 1), 0);
    struct sctp_out out;
    assert_int_equal(sotto__sctp_next(p.a.s, p.now, &out), 1); /* INIT */
    assert_false(readable(fd));
    pair_close(&p);
    close(fd);
}

/* Through so many seconds, driven by its home only. */
static void count_turns(struct pair *p, struct sctp_home *home, int seconds, unsigned *ticks,
                        unsigned *woken, unsigned *turns)
{
    *ticks = *woken = *turns = 0;
    for (sotto_us end = p->now + SOTTO_SECONDS(seconds); p->now < end; p->now += SOTTO_MS(1)) {
        test_clock_set(p->now);
        *ticks += p->now >= sotto__sctp_home_due(home);
        *turns += p->now >= sotto__sctp_due(p->a.s);
        sotto__sctp_home_tick(home, p->now);
        if (!sotto__sctp_home_next(home) && p->now < sotto__sctp_due(p->a.s)) continue;
        ++*woken;
        while (sotto__sctp_home_next(home)) continue;
        pair_collect(p);
    }
}

/* Two ends that belong to one home, some seconds after they connected. */
static void open_idle(struct pair *p, struct sctp_home *home)
{
    struct link_cfg lan = {.delay = SOTTO_MS(1)};
    struct sctp_cfg cfg;
    *home = (struct sctp_home){.fd = -1};
    pair_cfg(&cfg);
    cfg.home = home;
    cfg.owner = home; /* whoever it is */
    pair_open_cfg(p, &lan, &cfg, &cfg);
    pair_connect(p);
    pair_run(p, SOTTO_SECONDS(3));
}

/* Driven by its home only: its due says nothing while it is idle, and what a timer does to it comes through the home. */
static void an_idle_association_leaves_the_timers_to_its_loop(void **state)
{
    (void)state;
    struct pair p;
    struct sctp_home home;
    open_idle(&p, &home);
    unsigned ticks, woken, turns;
    count_turns(&p, &home, 70, &ticks, &woken, &turns);
    assert_in_range(ticks, 60, 90);
    assert_in_range(woken, 2, 20); /* heartbeats */
    assert_true(turns <= 2); /* all else comes with those */
    pair_close(&p);
}

static void what_waits_for_an_answer_is_looked_after_ten_times_a_second(void **state)
{
    (void)state;
    struct pair p;
    struct sctp_home home;
    unsigned ticks, woken, turns;
    open_idle(&p, &home);
    assert_int_equal(home.n_awake, 0);
    p.link.down = true;
    assert_int_equal(side_send(&p, &p.a, 1, "lost", 4), 0);
    assert_int_equal(home.n_awake, 1);
    pair_run(&p, SOTTO_SECONDS(3));
    count_turns(&p, &home, 10, &ticks, &woken, &turns);
    assert_true(ticks >= 80);
    assert_int_equal(home.n_awake, 1);
    p.link.down = false;
    for (int ms = 0; ms < 10000; ms++) { /* as a loop does: the link, and the timers */
        pair_run(&p, SOTTO_MS(1));
        sotto__sctp_home_tick(&home, p.now);
    }
    assert_int_equal(home.n_awake, 0);
    pair_close(&p);
    assert_int_equal(home.n_awake, 0);
}

static atomic_llong clock_now;

struct worker { /* one context: a thread with two associations of its own, back to back */
    struct sctp *side[2];
    struct sctp_home home;
    uint64_t got, up, failed;
};

static void carry(struct worker *w, int from, sotto_us now)
{
    struct sctp_out out;
    while (sotto__sctp_next(w->side[from], now, &out) > 0) {
        if (out.type == SCTP_OUT_UP) w->up++;
        if (out.type == SCTP_OUT_PACKET && sotto__sctp_input(w->side[!from], now, out.p, out.n) < 0)
            w->failed++;
        if (out.type == SCTP_OUT_DOWN) w->failed++;
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct sctp_cfg cfg;
    struct sctp_send_opt opt = {.sid = 1, .ppid = 53};
    static const uint8_t data[3000];
    pair_cfg(&cfg);
    cfg.home = &w->home;
    cfg.owner = w;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 2; i++)
            if (sotto__sctp_new(&w->side[i], &cfg, atomic_load(&clock_now)) < 0) w->failed++;
        uint64_t sent = 0, got = 0;
        for (int step = 0; step < 20000 && got < 200; step++) {
            sotto_us now = atomic_fetch_add(&clock_now, 1000) + 1000;
            test_clock_set(now);
            struct sctp_msg m;
            uint64_t count;
            if (sent < 200 && sotto__sctp_writable(w->side[0], sizeof data) &&
                sotto__sctp_send(w->side[0], now, &opt, data, sizeof data) == 0)
                sent++;
            carry(w, 0, now);
            carry(w, 1, now);
            while (sotto__sctp_pull(w->side[1], now, &m) > 0) {
                sotto__free(m.data);
                got++;
            }
            sotto__sctp_home_tick(&w->home, now);
            while (sotto__sctp_home_next(&w->home)) continue;
            while (read(w->home.fd, &count, sizeof count) > 0) continue;
        }
        w->got += got;
        for (int i = 0; i < 2; i++) sotto__sctp_free(w->side[i]);
    }
    return NULL;
}

static void three_threads_use_associations_of_their_own(void **state)
{
    (void)state;
    struct worker w[3] = {0};
    pthread_t threads[3];
    int64_t live = sotto__mem_live();
    atomic_store(&clock_now, test_clock() + 1000000);
    for (int i = 0; i < 3; i++) {
        w[i].home.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        close(w[i].home.fd);
        assert_int_equal(w[i].failed, 0);
        assert_int_equal(w[i].up, 10);
        assert_int_equal(w[i].got, 1000);
    }
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_through_one_wakes_the_other_that_has_to_send),
        cmocka_unit_test(an_idle_association_leaves_the_timers_to_its_loop),
        cmocka_unit_test(what_waits_for_an_answer_is_looked_after_ten_times_a_second),
        cmocka_unit_test(own_work_does_not_write_the_own_eventfd),
        cmocka_unit_test(three_threads_use_associations_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
