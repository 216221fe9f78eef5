/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoders in a process of their own: that they sound as those in this one, what the process is, and what a decoder can do that was taken
 * over (evil_opus.c): nothing but to cost a little sound. These are real processes and real time: a machine that does not let one run for
 * a while spoils a measure, so that each has some tries; what must never happen fails at once.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "isolate_kit.h"
#include "sotto/ctx.h"
#include "sotto/event.h"
#include "util/mem.h"

#define BLOCK 480  /* frames that are pulled at a time */

static sotto_isolation fate(const sotto_playout *p)
{
    sotto_isolation i = {.size = sizeof i};
    assert_int_equal(sotto_playout_get_isolation(p, &i), 0);
    return i;
}

static sotto_playout_stats stats(const sotto_playout *p)
{
    sotto_playout_stats s = {.size = sizeof s};
    assert_int_equal(sotto_playout_get_stats(p, &s), 0);
    return s;
}

/* ---- a call: one thread that puts every 20 ms and pulls every 10 ms ---- */
struct call {
    sotto_playout *playout;
    sotto_us start;
    int turn;          /* of 10 ms */
    int put;           /* what the last put said */
    int missing, most; /* blocks of 10 ms in a row without the tone */
    int heard;         /* with it */
};

static struct call begin(const char *path, sotto_ctx *ctx)
{
    struct call c = {0};
    sotto_playout_config cfg = {.size = sizeof cfg,
                                .isolate_decoder = true,
                                .decoder_path = path,
                                .ctx = ctx,
                                .ctx_code = 77};
    assert_int_equal(sotto_playout_new(&cfg, &c.playout), 0);
    c.start = sotto_now();
    return c;
}

static void put(struct call *c, const struct isolate_packet *p)
{
    sotto_frame f = {.size = sizeof f,
                     .data = p->data,
                     .len = p->len,
                     .mime = "audio/opus",
                     .rtp_time = (uint32_t)c->turn * BLOCK,
                     .received_us = c->start + c->turn * INT64_C(10000)};
    c->put = sotto_playout_put(c->playout, &f);
}

/* One turn; sound is missing where it was made up, too. */
static void turn(struct call *c, const struct isolate_packet *instead)
{
    int16_t pcm[BLOCK];
    uint64_t before = stats(c->playout).frames_concealed;
    isolate_sleep_until(c->start + c->turn * INT64_C(10000));
    if (c->turn % 2 == 0)
        put(c, instead ? instead : &isolate_packets[c->turn / 2 % ISOLATE_PACKETS]);
    assert_int_equal(sotto_playout_pull(c->playout, pcm, BLOCK), BLOCK);
    bool is_there =
        isolate_loudness(pcm, BLOCK) > 3000 && stats(c->playout).frames_concealed == before;
    c->missing = is_there ? 0 : c->missing + 1;
    c->heard += is_there;
    if (c->missing > c->most) c->most = c->missing;
    c->turn++;
}

static void play(struct call *c, int ms)
{
    for (int end = c->turn + ms / 10; c->turn < end;) turn(c, NULL);
}

static void end(struct call *c)
{
    sotto_playout_free(c->playout);
}

/* ---- what it sounds like ---- */
/* proves: S11 H136 */
static void a_call_sounds_through_a_decoder_in_another_process(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    for (int try = 1;; try++) {
        struct call c = begin(DECODER, NULL);
        play(&c, 200); /* it begins */
        c.most = c.heard = 0;
        play(&c, 600);
        sotto_playout_stats s = stats(c.playout);
        sotto_isolation i = fate(c.playout);
        end(&c);
        assert_int_equal(sotto__mem_live(), live);
        assert_int_equal(i.state, SOTTO_ISOLATION_RUNNING);
        assert_int_equal(s.frames_played, 80 * BLOCK);
        if (try < ISOLATE_TRIES && (c.most > 0 || i.deaths > 0)) {
            isolate_sleep_until(sotto_now() + 500000);
            continue;
        }
        assert_int_equal(i.deaths, 0);
        assert_int_equal(c.most, 0);
        assert_int_equal(c.heard, 60);
        assert_true(s.delay > 15000 && s.delay < 200000);
        return;
    }
}

/* ---- what the process is ---- */
static long status_of(int pid, const char *field)
{
    char path[64], line[256];
    long n = -1;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0) n = strtol(line + strlen(field), NULL, 10);
    fclose(f);
    return n;
}

/* proves: S11 H136 A23 */
static void the_process_has_nothing_but_the_memory_that_is_shared(void **state)
{
    (void)state;
    static const int none[] = {RLIMIT_NOFILE, RLIMIT_NPROC,   RLIMIT_CORE,
                               RLIMIT_FSIZE,  RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE};
    char path[64], environment[256] = "";
    struct rlimit limit;
    struct call c = begin(DECODER, NULL);
    int pid = fate(c.playout).pid;
    play(&c, 40);
    assert_int_equal(status_of(pid, "NoNewPrivs:"), 1);
    assert_int_equal(status_of(pid, "Seccomp:"), 2);
    assert_int_equal(status_of(pid, "Threads:"), 1);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(prlimit(pid, (__rlimit_resource_t)none[i], NULL, &limit), 0);
        assert_int_equal(limit.rlim_max, 0);
    }
    assert_int_equal(prlimit(pid, RLIMIT_CPU, NULL, &limit), 0);
    assert_in_range(limit.rlim_cur, 1, 10);
    assert_int_equal(prlimit(pid, RLIMIT_AS, NULL, &limit), 0);
    assert_true(limit.rlim_max <= (256u << 20));
    snprintf(path, sizeof path, "/proc/%d/fd", pid); /* who is not root may not even look */
    DIR *d = opendir(path);
    errno = 0;
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        assert_true(e->d_name[0] == '.');
    assert_true(errno == 0 || errno == EACCES);
    if (d) closedir(d);
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    FILE *f = fopen(path, "r");
    if (f) {
        size_t n = fread(environment, 1, sizeof environment - 1, f);
        assert_true(n < 64);
        assert_int_equal(strncmp(environment, "LD_BIND_NOW", 11), n > 0 ? 0 : -'L');
        fclose(f);
    }
    end(&c);
    assert_int_equal(kill(pid, 0), -1); /* and it is gone with the playout */
}

static void pulling_makes_no_system_call_here_either(void **state)
{
    (void)state;
    struct call c = begin(DECODER, NULL);
    int status = -1;
    play(&c, 100);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static int16_t pcm[5760];
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        for (size_t i = 0; i < 3000; i++) sotto_playout_pull(c.playout, pcm, 1 + i * 7 % 5760);
        syscall(SYS_exit, 0);
    }
    for (int i = 0; i < 100 && waitpid(child, &status, WNOHANG) == 0; i++) {
        put(&c, &isolate_packets[i % ISOLATE_PACKETS]);
        c.turn += 2;
        isolate_sleep_until(sotto_now() + 2000);
    }
    if (status == -1) assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    end(&c);
}

/* ---- a decoder that was taken over ---- */
struct deed {
    char what;
    int signal; /* it dies of; -1: any */
    const char *name;
};

static const struct deed deeds[] = {
    {'w', SIGSEGV, "writes out of bounds"},
    {'i', SIGSEGV, "writes into its parent's part"},
    {'l', SIGKILL, "loops"},
    {'z', SIGKILL, "sleeps"},
    {'f', SIGSYS, "forks"},
    {'o', SIGSYS, "opens a file"},
    {'s', SIGSYS, "opens a socket"},
    {'m', SIGSYS, "allocates 2 GB"},
    {'x', 0, "exits"},
    {'a', -1, "aborts"},
    {'k', SIGSYS, "kills its parent"},
    {'K', SIGSYS, "kills a thread"},
    {'t', SIGSYS, "traces"},
    {'v', SIGSYS, "reads another process's memory"},
    {'e', SIGSYS, "executes a program"},
    {'p', SIGSYS, "unprotects memory"},
    {'W', SIGSYS, "writes to a descriptor"},
    {'g', SIGKILL, "writes garbage into the shared memory while we read"},
    {'q', SIGSYS, "has the kernel lock what it likes"},
    {'b', -1, "calls as another processor"},
    {'0', SIGKILL, "counts more sound than was played"},
    {'1', SIGKILL, "counts more packets than were put"},
    {'2', SIGKILL, "says that it made more than it may"},
    {'3', SIGKILL, "says that it took what was not put"},
    {'4', SIGKILL, "tells a delay that cannot be"},
    {'5', SIGKILL, "tells a target that cannot be"},
};

/* Whether a deed cost at most 200 ms of sound; what must never be fails. */
static bool is_cheap(const struct deed *deed)
{
    struct isolate_packet p = isolate_evil(deed->what);
    struct call c = begin(EVIL, NULL);
    play(&c, 150);
    uint64_t early = fate(c.playout).deaths; /* the machine's doing */
    c.most = c.missing = 0;
    turn(&c, NULL);
    if (c.turn % 2) turn(&c, NULL);
    turn(&c, &p);
    play(&c, 450);
    c.heard = 0;
    play(&c, 100);
    sotto_isolation i = fate(c.playout);
    int put_said = c.put;
    end(&c);
    assert_int_equal(put_said, 0);
    assert_int_equal(i.state, SOTTO_ISOLATION_RUNNING);
    bool ok = c.most <= 20 && c.heard >= 9 && i.deaths == early + 1;
    if (!ok || getenv("VERBOSE"))
        print_message("%s: %d ms, %d of 10, %d deaths\n", deed->name, c.most * 10, c.heard,
                      (int)i.deaths);
    if (ok && deed->signal >= 0) assert_int_equal(i.last_signal, deed->signal);
    return ok;
}

/* proves: S11 H136 */
static void whatever_the_decoder_does_costs_at_most_200_ms_of_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        bool ok = is_cheap(&deeds[i]);
        for (int try = 1; !ok && try < ISOLATE_TRIES; try++) {
            isolate_sleep_until(sotto_now() + 500000); /* the machine has more to do */
            ok = is_cheap(&deeds[i]);
        }
        if (!ok) fail_msg("%s cost too much each time", deeds[i].name);
    }
}

/* Until the next put nobody looks whether it lies. */
/* proves: S11 H136 */
static void what_it_counted_is_cut_to_what_can_be(void **state)
{
    (void)state;
    int16_t pcm[BLOCK];
    for (char what = '0'; what <= '5'; what++) {
        struct isolate_packet p = isolate_evil(what);
        struct call c = begin(EVIL, NULL);
        play(&c, 60);
        put(&c, &p);
        for (int i = 0; i < 15; i++) { /* the device comes to that packet */
            assert_int_equal(sotto_playout_pull(c.playout, pcm, BLOCK), BLOCK);
            sotto_playout_stats s = stats(c.playout);
            assert_true(s.frames_silent <= 2 * s.frames_played + 36000);
            assert_in_range(s.packets_late, 0, 1000);
            assert_in_range(s.delay, 0, 1000000);
            assert_in_range(s.target, 0, 500000);
            isolate_sleep_until(sotto_now() + 10000);
        }
        end(&c);
    }
}

/* proves: S11 H136 */
static void after_five_deaths_it_is_off_and_the_application_learns_it(void **state)
{
    (void)state;
    sotto_ctx *ctx = NULL;
    sotto_event *e = NULL;
    sotto_ctx_config cfg = {.size = sizeof cfg, .no_thread = true};
    assert_int_equal(sotto_ctx_new(&cfg, &ctx), 0);
    struct call c = begin(EVIL, ctx);
    struct isolate_packet p = isolate_evil('f');
    for (int i = 1; i <= 12 && c.put == 0; i++) { /* some may be the machine's doing */
        play(&c, 100);
        assert_int_equal(sotto_ctx_next(ctx, &e), 0);
        turn(&c, &p);
        if (c.turn % 2) turn(&c, NULL);
        play(&c, 100);
    }
    sotto_isolation i = fate(c.playout);
    assert_int_equal(c.put, SOTTO_E_CLOSED);
    assert_int_equal(i.state, SOTTO_ISOLATION_OFF);
    assert_true(i.deaths >= 5);
    assert_int_equal(i.pid, 0);
    assert_int_equal(stats(c.playout).isolation, SOTTO_ISOLATION_OFF);
    assert_true(stats(c.playout).decoder_deaths >= 5);
    assert_int_equal(sotto_ctx_next(ctx, &e), 1);
    assert_int_equal(e->type, SOTTO_EV_USER);
    assert_int_equal(e->u.post.code, 77);
    assert_ptr_equal(e->u.post.p, c.playout);
    sotto_event_free(e);
    c.heard = 0;
    play(&c, 200);
    assert_int_equal(c.put, SOTTO_E_CLOSED);
    assert_int_equal(c.heard, 0);
    assert_int_equal(sotto_ctx_next(ctx, &e), 0); /* once */
    end(&c);
    sotto_ctx_free(ctx);
}

/* Whoever does not listen, and goes on putting, pulling and looking. */
static void what_is_off_counts_no_further(void **state)
{
    (void)state;
    int16_t pcm[BLOCK];
    struct call c = begin(EVIL, NULL);
    struct isolate_packet p = isolate_evil('f');
    for (int i = 1; i <= 12 && c.put == 0; i++) {
        play(&c, 100);
        put(&c, &isolate_packets[0]); /* one that comes twice is counted */
        put(&c, &isolate_packets[0]);
        play(&c, 60);
        turn(&c, &p);
        if (c.turn % 2) turn(&c, NULL);
        play(&c, 100);
    }
    assert_int_equal(c.put, SOTTO_E_CLOSED);
    sotto_playout_stats before = stats(c.playout);
    for (int i = 0; i < 10; i++) put(&c, &p);
    sotto_playout_stats after = stats(c.playout);
    assert_true(before.packets_late > 0);
    assert_int_equal(after.packets_dropped, before.packets_dropped + 10);
    assert_int_equal(after.frames_concealed, before.frames_concealed);
    assert_int_equal(after.concealment_events, before.concealment_events);
    assert_int_equal(after.packets_late, before.packets_late);
    assert_int_equal(after.decoder_deaths, before.decoder_deaths);
    assert_int_equal(sotto_playout_pull(c.playout, pcm, BLOCK), BLOCK);
    assert_int_equal(stats(c.playout).frames_concealed, before.frames_concealed + BLOCK);
    assert_true(before.frames_concealed <= before.frames_played);
    end(&c);
}

/* ---- what can be wrong before ---- */
static int try_path(const char *path)
{
    sotto_playout *p = NULL;
    sotto_playout_config c = {.size = sizeof c, .isolate_decoder = true, .decoder_path = path};
    int r = sotto_playout_new(&c, &p);
    sotto_playout_free(p);
    return r;
}

static void a_program_that_cannot_be_run_is_told_at_once(void **state)
{
    (void)state;
    assert_int_equal(try_path("sotto-decoder"), SOTTO_E_INVAL); /* not absolute */
    assert_int_equal(try_path("/nonexistent/sotto-decoder"), SOTTO_E_SYS);
    assert_int_equal(try_path("/bin/false"), SOTTO_E_SYS);
    sotto_playout *p = NULL;
    sotto_playout_config c = {.size = sizeof c, .decoder_path = DECODER};
    assert_int_equal(sotto_playout_new(&c, &p), SOTTO_E_INVAL); /* it would not be used */
    sotto_opus_decoder *d = NULL;
    sotto_opus_decoder_config o = {.size = sizeof o, .decoder_path = DECODER};
    assert_int_equal(sotto_opus_decoder_open(&o, &d), SOTTO_E_INVAL);
    o = (sotto_opus_decoder_config){.size = sizeof o, .channels = 3};
    assert_int_equal(sotto_opus_decoder_open(&o, &d), SOTTO_E_RANGE);
    assert_int_equal(sotto_opus_decoder_open(NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_opus_decoder_get_isolation(NULL, NULL), SOTTO_E_INVAL);
    assert_int_equal(sotto_playout_get_isolation(NULL, NULL), SOTTO_E_INVAL);
}

static void packets_beyond_the_ring_are_refused_and_counted(void **state)
{
    (void)state;
    struct call c = begin(DECODER, NULL);
    int refused = 0;
    for (int i = 0; i < 2000 && refused == 0; i++) {
        put(&c, &isolate_packets[i % ISOLATE_PACKETS]);
        c.turn += 2;
        refused += c.put == SOTTO_E_AGAIN;
    }
    assert_int_equal(refused, 1);
    assert_int_equal(stats(c.playout).packets_dropped, 1);
    end(&c);
}

static void a_forked_process_is_refused(void **state)
{
    (void)state;
    struct call c = begin(DECODER, NULL);
    int status = -1, pid = fate(c.playout).pid;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        put(&c, &isolate_packets[0]);
        sotto_playout_free(c.playout);
        _exit(c.put == SOTTO_E_FORKED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(kill(pid, 0), 0); /* it is its parent's, and lives */
    end(&c);
}

static void each_failing_allocation_is_survived(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        sotto__mem_fail_at(n);
        int r = try_path(DECODER);
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(r, failed ? SOTTO_E_NOMEM : 0);
        assert_int_equal(sotto__mem_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_sounds_through_a_decoder_in_another_process),
        cmocka_unit_test(the_process_has_nothing_but_the_memory_that_is_shared),
        cmocka_unit_test(pulling_makes_no_system_call_here_either),
        cmocka_unit_test(whatever_the_decoder_does_costs_at_most_200_ms_of_sound),
        cmocka_unit_test(what_it_counted_is_cut_to_what_can_be),
        cmocka_unit_test(after_five_deaths_it_is_off_and_the_application_learns_it),
        cmocka_unit_test(what_is_off_counts_no_further),
        cmocka_unit_test(a_program_that_cannot_be_run_is_told_at_once),
        cmocka_unit_test(packets_beyond_the_ring_are_refused_and_counted),
        cmocka_unit_test(a_forked_process_is_refused),
        cmocka_unit_test(each_failing_allocation_is_survived),
    };
    isolate_make_packets();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
