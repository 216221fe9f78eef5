/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A decoder process and its parent without sound: when it is started again and when no more, what the application does to its children
 * meanwhile, and what the program refuses when it is started by others. Its time is an argument, its answers are waited for as long as
 * they take: a slow machine changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "extra/isolate_process.h"
#include "isolate_kit.h"

#define SECOND INT64_C(1000000)
#define PATIENCE (10 * SECOND) /* of the machine's time: what takes so long does not come */

static struct isolate_process begin(const char *path)
{
    struct isolate_process p;
    const struct isolate_setup setup = {.kind = ISOLATE_DECODER, .channels = 1};
    assert_int_equal(sotto__isolate_open(&p, &setup, path), 0);
    return p;
}

static sotto_isolation fate(const struct isolate_process *p)
{
    sotto_isolation i = {.size = sizeof i};
    sotto__isolate_tell(p, &i);
    return i;
}

/* What the process makes of a packet of 20 ms. */
static int ask(struct isolate_process *p, const struct isolate_packet *packet)
{
    struct isolate_request *q = &p->in->u.request;
    q->what = ISOLATE_DECODE;
    q->frames = 960;
    q->len = (uint32_t)packet->len;
    memcpy(q->data, packet->data, packet->len);
    memset(p->out->pcm, 0, 960 * sizeof *p->out->pcm);
    sotto__isolate_ring(p);
    return sotto__isolate_wait(p, PATIENCE) ? atomic_load(&p->out->result) : -1;
}

/* It dies, of lies or of somebody else; what is said then. */
static int bury(struct isolate_process *p, sotto_us now, bool lies)
{
    int r = 0;
    if (!lies && p->pid != 0) kill(p->pid, SIGKILL);
    for (int i = 0; i < 10000 && (r = sotto__isolate_watch(p, now, lies)) == 0; i++)
        isolate_sleep_until(sotto_now() + 1000);
    return r;
}

/* ---- it is started again ---- */
/* proves: S11 H136 */
static void the_first_question_after_a_death_is_answered(void **state)
{
    (void)state;
    struct isolate_process p = begin(DECODER);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(bury(&p, sotto_now(), false), 1);
        assert_int_equal(ask(&p, &isolate_packets[0]), 960); /* asked before it has begun */
        assert_true(isolate_loudness(p.out->pcm + 480, 480) > 1000);
        assert_int_equal(fate(&p).deaths, i);
    }
    assert_int_equal(sotto__isolate_watch(&p, sotto_now(), false), 0);
    sotto__isolate_close(&p);
}

/* proves: S11 H136 */
static void five_deaths_within_a_minute_turn_it_off_and_four_do_not(void **state)
{
    (void)state;
    static const int seconds[] = {0, 20, 40, 59, 61};
    struct isolate_process p = begin(DECODER);
    sotto_us start = sotto_now();
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        assert_int_equal(bury(&p, start + seconds[i] * SECOND, true), 1);
        assert_int_equal(fate(&p).last_signal, SIGKILL);
        assert_int_equal(fate(&p).last_death, start + seconds[i] * SECOND);
    }
    assert_int_equal(fate(&p).state, SOTTO_ISOLATION_RUNNING);
    assert_int_equal(bury(&p, start + 79 * SECOND, true), SOTTO_E_CLOSED);
    assert_int_equal(fate(&p).state, SOTTO_ISOLATION_OFF);
    assert_int_equal(fate(&p).deaths, 6);
    assert_int_equal(fate(&p).pid, 0);
    assert_int_equal(sotto__isolate_watch(&p, start + 3600 * SECOND, false), SOTTO_E_CLOSED);
    sotto__isolate_close(&p);
}

/* proves: S11 H136 */
static void an_answer_to_what_was_never_asked_is_a_death(void **state)
{
    (void)state;
    struct isolate_process p = begin(DECODER);
    assert_int_equal(sotto__isolate_watch(&p, sotto_now(), false), 0);
    atomic_store(&p.out->answered, p.bell + 1);
    int r = sotto__isolate_watch(&p, sotto_now(), false);
    for (int i = 0; i < 10000 && r == 0 && p.was_killed; i++) {
        isolate_sleep_until(sotto_now() + 1000);
        r = sotto__isolate_watch(&p, sotto_now(), false);
    }
    assert_int_equal(r, 1);
    assert_int_equal(fate(&p).deaths, 1);
    assert_int_equal(fate(&p).last_signal, SIGKILL);
    sotto__isolate_close(&p);
}

/* It stops, for so long that it must hang; what is said then. */
static int hang(struct isolate_process *p, sotto_us now)
{
    assert_int_equal(sotto__isolate_watch(p, now, false), 0);
    assert_int_equal(kill(p->pid, SIGSTOP), 0);
    sotto__isolate_ring(p);
    assert_int_equal(sotto__isolate_watch(p, now + ISOLATE_HANG_US, false), 0);
    int r = 0;
    for (int i = 1; i <= 10000 && r == 0; i++)
        r = sotto__isolate_watch(p, now + ISOLATE_HANG_US + i, false);
    return r;
}

/* proves: S11 H136 */
static void one_that_hangs_is_a_death(void **state)
{
    (void)state;
    struct isolate_process p = begin(DECODER);
    assert_int_equal(hang(&p, sotto_now()), 1);
    assert_int_equal(fate(&p).deaths, 1);
    assert_int_equal(fate(&p).last_signal, SIGKILL);
    sotto__isolate_close(&p);
}

/* A memory that grew smaller would be SIGBUS here. */
static void what_is_shared_keeps_its_size(void **state)
{
    (void)state;
    struct isolate_process p = begin(DECODER);
    assert_int_equal(ftruncate(p.memory, 0), -1);
    assert_int_equal(ftruncate(p.memory, (off_t)ISOLATE_SIZE * 2), -1);
    assert_int_equal(fcntl(p.memory, F_ADD_SEALS, F_SEAL_WRITE), -1);
    sotto__isolate_close(&p);
}

static void a_death_that_was_not_its_doing_counts_a_quarter(void **state)
{
    (void)state;
    struct isolate_process p = begin(DECODER);
    sotto_us start = sotto_now();
    for (int i = 1; i < ISOLATE_MAX_POINTS; i++) assert_int_equal(bury(&p, start, false), 1);
    assert_int_equal(fate(&p).state, SOTTO_ISOLATION_RUNNING);
    assert_int_equal(bury(&p, start, false), SOTTO_E_CLOSED);
    sotto__isolate_close(&p);
}

/* As while another version of it is installed, or where there are no descriptors for a while. */
static void what_cannot_be_started_is_tried_again(void **state)
{
    (void)state;
    char folder[] = "/tmp/sotto-isolate-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/decoder", folder);
    assert_int_equal(symlink(DECODER, path), 0);
    struct isolate_process p = begin(path);
    sotto_us now = sotto_now();
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bury(&p, now, true), 1);
    assert_int_equal(fate(&p).pid, 0);
    assert_int_equal(sotto__isolate_watch(&p, now + ISOLATE_RETRY_US - 1, false), 0);
    assert_int_equal(sotto__isolate_watch(&p, now += ISOLATE_RETRY_US, false), 1);
    assert_int_equal(fate(&p).pid, 0);
    assert_int_equal(symlink(DECODER, path), 0);
    assert_int_equal(sotto__isolate_watch(&p, now += ISOLATE_RETRY_US, false), 1);
    assert_true(fate(&p).pid > 0);
    assert_int_equal(ask(&p, &isolate_packets[0]), 960);
    assert_int_equal(fate(&p).state, SOTTO_ISOLATION_RUNNING);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bury(&p, now, true), 1);
    int r = 1; /* points: twice four, and two so far */
    for (int i = 0; i < ISOLATE_MAX_POINTS - 2 * ISOLATE_DEATH - 2; i++) {
        assert_int_equal(r, 1);
        r = sotto__isolate_watch(&p, now += ISOLATE_RETRY_US, false);
    }
    assert_int_equal(r, SOTTO_E_CLOSED);
    sotto__isolate_close(&p);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- what the application does with its signals and children ---- */
static void nothing(int signal)
{
    (void)signal;
}

static void an_interrupted_parent_leaves_no_zombie(void **state)
{
    (void)state;
    const struct sigaction act = {.sa_handler = nothing}; /* and no SA_RESTART */
    const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    for (int i = 0; i < 30; i++) {
        struct isolate_process p = begin(DECODER);
        setitimer(ITIMER_REAL, &often, NULL);
        assert_int_equal(bury(&p, sotto_now(), true), 1);
        sotto__isolate_close(&p);
        setitimer(ITIMER_REAL, &never, NULL);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
    }
}

static void *bury_all(void *stop)
{
    while (!atomic_load((atomic_bool *)stop))
        if (waitpid(-1, NULL, WNOHANG) <= 0) isolate_sleep_until(sotto_now() + 50);
    return NULL;
}

/* signal(SIGCHLD, SIG_IGN), or a thread that waits for any child: the news of a death is not ours then. */
static void an_application_that_buries_all_children_is_survived(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        atomic_bool stop = false;
        pthread_t other;
        if (way == 0)
            assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
        else
            assert_int_equal(pthread_create(&other, NULL, bury_all, &stop), 0);
        struct isolate_process p = begin(DECODER);
        sotto_us now = sotto_now();
        for (int i = 0; i < 10; i++) {
            assert_int_equal(bury(&p, now += ISOLATE_WINDOW_US, i % 2), 1);
            assert_int_equal(ask(&p, &isolate_packets[0]), 960);
        }
        sotto__isolate_close(&p);
        atomic_store(&stop, true);
        if (way == 0)
            signal(SIGCHLD, SIG_DFL);
        else
            pthread_join(other, NULL);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
}

/* One that had no processor has not died of itself, though nobody tells what it died of. */
static void what_hangs_counts_a_quarter_where_children_are_ignored(void **state)
{
    (void)state;
    assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    struct isolate_process p = begin(DECODER);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(hang(&p, sotto_now()), 1);
        assert_int_equal(ask(&p, &isolate_packets[0]), 960);
    }
    assert_int_equal(fate(&p).state, SOTTO_ISOLATION_RUNNING);
    assert_int_equal(fate(&p).last_signal, 0);
    sotto__isolate_close(&p);
    signal(SIGCHLD, SIG_DFL);
}

/* ---- in a process of its own, whose exit status is what came of it ---- */
static int in_a_process(int (*what)(void))
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(what());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool drop_privileges(void) /* where it has some */
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct no_caps[2] = {{0}};
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED);
    return syscall(SYS_capset, &head, no_caps) == 0;
}

/* As in a container: uid 0 in name only. And what it may use of the processor cannot be more than we may. */
static int without_privileges(void)
{
    const struct isolate_setup setup = {.kind = ISOLATE_DECODER, .channels = 1};
    struct rlimit limit = {1000, 1000};
    struct isolate_process p;
    char path[64], name[64];
    if (setrlimit(RLIMIT_CPU, &limit) != 0 || !drop_privileges()) return 2;
    if (sotto__isolate_open(&p, &setup, DECODER) < 0) return 3;
    snprintf(path, sizeof path, "/proc/%d/exe", p.pid);
    bool can_look = readlink(path, name, sizeof name) >= 0;
    if (sotto__isolate_watch(&p, sotto_now(), false) != 0) return 4;
    if (prlimit(p.pid, RLIMIT_CPU, NULL, &limit) != 0) return 5;
    sotto__isolate_close(&p);
    if (limit.rlim_cur < 1 || limit.rlim_cur > 10) return 6;
    return can_look ? 7 : 0;
}

/* proves: S11 H136 */
static void it_needs_no_privileges_and_nobody_looks_in(void **state)
{
    (void)state;
    assert_int_equal(in_a_process(without_privileges), 0);
}

#define NR offsetof(struct seccomp_data, nr)
#define ARG0 offsetof(struct seccomp_data, args) /* its lower half */

static int without_seccomp(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARG0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof code / sizeof code[0], code};
    const struct isolate_setup setup = {.kind = ISOLATE_DECODER, .channels = 1};
    struct isolate_process p;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 2;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) return 3;
    int r = sotto__isolate_open(&p, &setup, DECODER);
    sotto__isolate_close(&p);
    return r == SOTTO_E_SYS ? 0 : 4;
}

/* As with a kernel that was built without. */
/* proves: S11 H136 */
static void where_no_calls_can_be_forbidden_there_is_no_process(void **state)
{
    (void)state;
    assert_int_equal(in_a_process(without_seccomp), 0);
}

/* proves: S11 A23 */
static void it_ends_with_its_parent(void **state)
{
    (void)state;
    int ends[2], pid = 0, status = 0, r = 0;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct isolate_process p = begin(DECODER);
        if (write(ends[1], &p.pid, sizeof p.pid) == sizeof p.pid) raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
    assert_int_equal(waitpid(child, &status, 0), child);
    for (int i = 0; i < 10000 && (r = waitpid(pid, &status, WNOHANG)) == 0; i++)
        isolate_sleep_until(sotto_now() + 1000);
    if (r == 0) kill(pid, SIGKILL);
    assert_int_equal(r, pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ends[0]);
    close(ends[1]);
}

/* ---- the program, started by others ---- */
struct start {
    size_t size;
    uint32_t version;
    bool is_ours; /* the process id of its parent is told */
    rlim_t memory; /* 0: any */
};

/* What it ends with; -1: it lives. */
static int run(const struct start *s)
{
    int memory = memfd_create("test", MFD_CLOEXEC), status = 0;
    assert_true(memory >= 0);
    assert_int_equal(ftruncate(memory, (off_t)ISOLATE_SIZE), 0);
    struct isolate_in *in = (struct isolate_in *)mmap(NULL, ISOLATE_SIZE, PROT_READ | PROT_WRITE,
                                                      MAP_SHARED, memory, 0);
    assert_true(in != MAP_FAILED);
    struct isolate_out *out = (struct isolate_out *)(void *)((uint8_t *)in + ISOLATE_IN_SIZE);
    in->version = s->version;
    in->kind = ISOLATE_DECODER;
    in->parent = s->is_ours ? getpid() : getpid() + 1;
    in->channels = 1;
    atomic_store(&in->bell, in->rung = 7);
    assert_int_equal(ftruncate(memory, (off_t)s->size), 0);
    fflush(NULL);
    pid_t pid = fork(), r = 0;
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = {s->memory, s->memory};
        dup2(memory, 0);
        if (s->memory > 0 && (setrlimit(RLIMIT_AS, &limit) != 0 || !drop_privileges())) _exit(99);
        execl(DECODER, "sotto-decoder", (char *)NULL);
        _exit(98);
    }
    for (int i = 0; i < 10000 && (r = waitpid(pid, &status, WNOHANG)) == 0; i++) {
        if (s->size >= ISOLATE_SIZE && atomic_load(&out->answered) == 7) break;
        isolate_sleep_until(sotto_now() + 1000);
    }
    if (r == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    munmap(in, ISOLATE_SIZE);
    close(memory);
    return r == 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

/* proves: S11 H136 */
static void the_program_runs_for_nobody_but_its_parent_of_its_own_version(void **state)
{
    (void)state;
    static const struct {
        struct start start;
        int status;
    } cases[] = {
        {{ISOLATE_SIZE, ISOLATE_VERSION, true, 0}, -1},
        {{ISOLATE_SIZE, ISOLATE_VERSION, true, 128u << 20}, -1}, /* less than it allows itself */
        {{ISOLATE_SIZE, ISOLATE_VERSION + 1, true, 0}, 2},
        {{ISOLATE_SIZE - 1, ISOLATE_VERSION, true, 0}, 2},
        {{0, ISOLATE_VERSION, true, 0}, 2},
        {{ISOLATE_SIZE, ISOLATE_VERSION, false, 0}, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(run(&cases[i].start), cases[i].status);
}

/* libopus on ARM does so whenever a channel begins anew; here evil_opus.c does. */
static void a_library_that_looks_for_a_file_finds_none_and_goes_on(void **state)
{
    (void)state;
    const struct isolate_packet looks = isolate_evil('C');
    struct isolate_process p = begin(EVIL);
    int pid = p.pid;
    assert_int_equal(ask(&p, &looks), 960);
    assert_int_equal(ask(&p, &isolate_packets[0]), 960);
    assert_int_equal(sotto__isolate_watch(&p, sotto_now(), false), 0);
    assert_int_equal(p.pid, pid);
    sotto__isolate_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_question_after_a_death_is_answered),
        cmocka_unit_test(five_deaths_within_a_minute_turn_it_off_and_four_do_not),
        cmocka_unit_test(an_answer_to_what_was_never_asked_is_a_death),
        cmocka_unit_test(one_that_hangs_is_a_death),
        cmocka_unit_test(what_is_shared_keeps_its_size),
        cmocka_unit_test(a_death_that_was_not_its_doing_counts_a_quarter),
        cmocka_unit_test(what_cannot_be_started_is_tried_again),
        cmocka_unit_test(an_interrupted_parent_leaves_no_zombie),
        cmocka_unit_test(an_application_that_buries_all_children_is_survived),
        cmocka_unit_test(what_hangs_counts_a_quarter_where_children_are_ignored),
        cmocka_unit_test(it_needs_no_privileges_and_nobody_looks_in),
        cmocka_unit_test(where_no_calls_can_be_forbidden_there_is_no_process),
        cmocka_unit_test(it_ends_with_its_parent),
        cmocka_unit_test(the_program_runs_for_nobody_but_its_parent_of_its_own_version),
        cmocka_unit_test(a_library_that_looks_for_a_file_finds_none_and_goes_on),
    };
    isolate_make_packets();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
