/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder process, from its parent's side: it is started (a program of its own, so that it has none of our memory; none of our
 * descriptors but the memory that is shared, no environment), watched, killed when it hangs, and started again, until it has died too
 * often. In: what it answers, and the time; out: whether it is well. It does not know what is decoded.
 * answers: S11 H136
 */
#include "extra/isolate_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/mem.h"

#define SLICE_NS 2000000  /* how often is looked whether it died, while its answer is waited for */
#define REAP_MS 20        /* one that was killed is gone within a millisecond */
#define LIMIT_US 1000000  /* how often the limit of its time is moved on */
#define CPU_SECONDS 5     /* that it may use beyond what it has used */

/* ---- memory ---- */
static int map(struct isolate_process *p)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    p->memory = memfd_create("sotto-decoder", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (p->memory < 0 || ftruncate(p->memory, (off_t)ISOLATE_SIZE) < 0 ||
        fcntl(p->memory, F_ADD_SEALS, seals) < 0)
        return SOTTO_E_SYS;
    if (!sotto__mem_count(ISOLATE_SIZE)) return SOTTO_E_NOMEM;
    void *at =
        mmap(NULL, ISOLATE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, p->memory, 0);
    if (at == MAP_FAILED) {
        sotto__mem_uncount(ISOLATE_SIZE);
        return SOTTO_E_NOMEM;
    }
    madvise(at, ISOLATE_SIZE, MADV_DONTDUMP); /* what was said is nobody's business */
    p->in = (struct isolate_in *)at;
    p->out = (struct isolate_out *)(void *)((uint8_t *)at + ISOLATE_IN_SIZE);
    return 0;
}

static void unmap(struct isolate_process *p)
{
    if (p->in) {
        munmap(p->in, ISOLATE_SIZE);
        sotto__mem_uncount(ISOLATE_SIZE);
    }
    if (p->memory >= 0) close(p->memory);
    p->in = NULL;
    p->out = NULL;
    p->memory = -1;
}

/* ---- starting ---- */
static int spawn(const struct isolate_process *p, pid_t *ret)
{
    char name[] = "sotto-decoder", bind_now[] = "LD_BIND_NOW=1";
    char *const argv[] = {name, NULL}, *const envp[] = {bind_now, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&files) != 0) return SOTTO_E_NOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return SOTTO_E_NOMEM;
    }
    int r = posix_spawn_file_actions_adddup2(&files, p->memory, 0);
    if (r == 0) r = posix_spawn_file_actions_addclosefrom_np(&files, 1);
    if (r == 0) r = posix_spawnattr_setsigmask(&attr, &none);
    if (r == 0) r = posix_spawnattr_setsigdefault(&attr, &all);
    /* a group of its own: Ctrl-C in a terminal is for the application to answer */
    const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
    if (r == 0) r = posix_spawnattr_setflags(&attr, (short)flags);
    if (r == 0) r = posix_spawn(ret, p->path, &files, &attr, argv, envp);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return r == 0 ? 0 : r == ENOMEM ? SOTTO_E_NOMEM : SOTTO_E_SYS;
}

/* What it used of the processor so far. */
static sotto_us cpu_used(const struct isolate_process *p)
{
    clockid_t clock;
    struct timespec t;
    if (p->pid == 0 || clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* A child that spins after nobody watches it any more ends by itself: its limit is moved on only as long as it is watched. */
static void limit_cpu(struct isolate_process *p, sotto_us now)
{
    struct rlimit limit;
    if (now - p->limited < LIMIT_US || prlimit(p->pid, RLIMIT_CPU, NULL, &limit) != 0) return;
    p->limited = now;
    const rlim_t more = (rlim_t)(cpu_used(p) / 1000000 + CPU_SECONDS);
    limit.rlim_cur = more < limit.rlim_max ? more : limit.rlim_max;
    prlimit(p->pid, RLIMIT_CPU, &limit, NULL);
}

static void show(struct isolate_process *p)
{
    int state = p->is_off ? SOTTO_ISOLATION_OFF : SOTTO_ISOLATION_RUNNING;
    atomic_store_explicit(&p->shown.state, state, memory_order_relaxed);
    atomic_store_explicit(&p->shown.pid, p->pid, memory_order_relaxed);
}

/* Buries a child that has ended, or ends at once, whatever signals interrupt us. */
static bool collect(idtype_t what, int id, siginfo_t *info)
{
    int r = 0;
    do r = waitid(what, (id_t)id, info, WEXITED);
    while (r != 0 && errno == EINTR);
    return r == 0;
}

/* Without a descriptor of the child nobody could tell when its number is another's. */
static int watch_over(struct isolate_process *p)
{
    siginfo_t info;
    p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (p->pidfd >= 0) return 0;
    if (errno != ESRCH) { /* the application has not buried it yet */
        kill(p->pid, SIGKILL);
        collect(P_PID, p->pid, &info);
    }
    return SOTTO_E_SYS;
}

/* Nothing of what another child said is left. */
static void clear(struct isolate_process *p)
{
    struct isolate_out *out = p->out;
    atomic_store(&out->result, 0);
    atomic_store(&out->taken, p->first);
    atomic_store(&out->made, 0);
    for (int i = 0; i < ISOLATE_COUNTS; i++) atomic_store(&out->counts[i], 0);
    atomic_store(&out->delay, 0);
    atomic_store(&out->target, 0);
    atomic_store(&out->drift_ppb, 0);
}

static int start(struct isolate_process *p, sotto_us now)
{
    p->in->parent = p->owner;
    p->in->first = p->first;
    p->seen = p->bell++;
    p->in->rung = p->bell;
    atomic_store(&p->in->bell, p->bell);
    atomic_store(&p->out->answered, p->seen);
    p->is_ready = p->was_killed = p->has_wasted = false;
    p->began = p->since = now;
    p->limited = 0;
    p->cpu_then = 0;
    int r = spawn(p, &p->pid);
    if (r == 0) r = watch_over(p);
    if (r < 0) p->pid = 0;
    show(p);
    return r;
}

/* ---- the end ---- */
static bool has_ended(const struct isolate_process *p, int wait_ms)
{
    struct pollfd f = {p->pidfd, POLLIN, 0};
    return p->pid == 0 || poll(&f, 1, wait_ms) > 0;
}

static void kill_it(struct isolate_process *p)
{
    syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
    p->was_killed = true;
}

/* One that has ended is buried. Returns the signal that it died of; 0: none, or the application took the news away from us. */
static int bury(struct isolate_process *p)
{
    siginfo_t info = {0};
    if (p->pid == 0) return 0;
    bool told = collect((idtype_t)P_PIDFD, p->pidfd, &info);
    close(p->pidfd);
    p->pidfd = -1;
    p->pid = 0;
    return told && (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) ? info.si_status : 0;
}

/* Counts a death, and says whether there were too many. */
static bool is_too_much(struct isolate_process *p, sotto_us now, int points)
{
    unsigned kept = 0;
    int sum = points;
    for (unsigned i = 0; i < p->n_deaths; i++) {
        if (now - p->deaths[i].at >= ISOLATE_WINDOW_US) continue;
        sum += p->deaths[i].points;
        p->deaths[kept++] = p->deaths[i];
    }
    p->n_deaths = kept;
    if (sum >= ISOLATE_MAX_POINTS) return true; /* so fewer than these are kept */
    p->deaths[p->n_deaths].at = now;
    p->deaths[p->n_deaths++].points = points;
    return false;
}

/* It has ended, or could not be started. */
static int replace(struct isolate_process *p, sotto_us now)
{
    bool by_others = p->pid == 0;
    int signal = bury(p);
    if (signal == SIGKILL || (signal == 0 && p->was_killed))
        by_others = !p->was_killed || !p->has_wasted;
    atomic_store_explicit(&p->shown.signal, signal, memory_order_relaxed);
    atomic_store_explicit(&p->shown.last_death, now, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->shown.deaths, 1, memory_order_relaxed);
    p->is_off = is_too_much(p, now, by_others ? 1 : ISOLATE_DEATH);
    clear(p);
    if (!p->is_off) start(p, now); /* where that fails it is tried again */
    show(p);
    return p->is_off ? SOTTO_E_CLOSED : 1;
}

/* Takes the answer. Returns whether it can be one. */
static bool read_answer(struct isolate_process *p, sotto_us now)
{
    uint32_t answer = atomic_load_explicit(&p->out->answered, memory_order_acquire);
    if (answer - p->seen > p->bell - p->seen) return false; /* to what was never asked */
    if (answer == p->seen && answer != p->bell) return true;
    if (answer != p->seen && !p->is_ready) {
        p->is_ready = true;
        atomic_store_explicit(&p->shown.restart, now - p->began, memory_order_relaxed);
    }
    p->seen = answer;
    p->since = now;
    p->cpu_then = cpu_used(p);
    return true;
}

int sotto__isolate_watch(struct isolate_process *p, sotto_us now, bool lies)
{
    if (getpid() != p->owner) return SOTTO_E_FORKED;
    if (p->is_off) return SOTTO_E_CLOSED;
    if (p->pid == 0 && now - p->began < ISOLATE_RETRY_US) return 0;
    if (has_ended(p, 0)) return replace(p, now);
    if (!read_answer(p, now)) lies = true;
    bool hangs = now - p->since > (p->is_ready ? ISOLATE_HANG_US : ISOLATE_START_US);
    if (!lies && !hangs) {
        limit_cpu(p, now);
        return 0;
    }
    if (!p->was_killed) {
        p->has_wasted = lies || cpu_used(p) - p->cpu_then > ISOLATE_HANG_US / 4;
        kill_it(p);
    }
    return has_ended(p, REAP_MS) ? replace(p, now) : 0;
}

/* ---- asking ---- */
void sotto__isolate_ring(struct isolate_process *p)
{
    atomic_store_explicit(&p->in->bell, ++p->bell, memory_order_release);
    isolate_futex(&p->in->bell, FUTEX_WAKE, INT_MAX, 0);
}

bool sotto__isolate_wait(struct isolate_process *p, sotto_us span)
{
    sotto_us end = sotto_now() + span;
    for (;;) {
        uint32_t answer = atomic_load_explicit(&p->out->answered, memory_order_acquire);
        if (answer == p->bell) return read_answer(p, sotto_now());
        if (sotto_now() >= end || has_ended(p, 0)) return false;
        isolate_futex(&p->out->answered, FUTEX_WAIT, answer, SLICE_NS);
    }
}

/* ---- the whole ---- */
static void zero(struct isolate_process *p)
{
    memset(p, 0, sizeof *p);
    p->memory = p->pidfd = -1;
    p->owner = getpid();
}

int sotto__isolate_open(struct isolate_process *p, const struct isolate_setup *s, const char *path)
{
    zero(p);
    if (!path) path = SOTTO_DECODER_PATH;
    if (path[0] != '/') return SOTTO_E_INVAL; /* what is run does not depend on where we stand */
    p->path = sotto__strdup(path);
    if (!p->path) return SOTTO_E_NOMEM;
    int r = map(p);
    if (r < 0) return r;
    p->in->version = ISOLATE_VERSION;
    p->in->kind = s->kind;
    p->in->channels = s->channels;
    p->in->min_delay = s->min_delay;
    p->in->max_delay = s->max_delay;
    clear(p);
    r = start(p, sotto_now());
    if (r < 0) return r;
    return sotto__isolate_wait(p, ISOLATE_OPEN_US) ? 0 : SOTTO_E_SYS;
}

void sotto__isolate_close(struct isolate_process *p)
{
    if (getpid() == p->owner && p->pid != 0) {
        kill_it(p);
        bury(p);
    }
    if (p->pidfd >= 0) close(p->pidfd);
    unmap(p);
    sotto__free(p->path);
    p->path = NULL;
}

void sotto__isolate_tell(const struct isolate_process *p, sotto_isolation *ret)
{
    ret->state = atomic_load_explicit(&p->shown.state, memory_order_relaxed);
    ret->deaths = atomic_load_explicit(&p->shown.deaths, memory_order_relaxed);
    ret->last_signal = atomic_load_explicit(&p->shown.signal, memory_order_relaxed);
    ret->last_death = atomic_load_explicit(&p->shown.last_death, memory_order_relaxed);
    ret->restart_us = atomic_load_explicit(&p->shown.restart, memory_order_relaxed);
    ret->pid = atomic_load_explicit(&p->shown.pid, memory_order_relaxed);
}
