/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cage of a decoder process, which shuts itself in before it sees the first packet: no new privileges, no core file and nobody who
 * looks in, no files, processes or more memory, no more processor than its parent allows, an end with its parent's, and no system call but
 * waiting, waking and ending (seccomp, an allow-list; any other kills). Nothing comes in, nothing goes out but whether it is shut.
 * answers: S11 H136
 */
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "extra/isolate_child.h"

#define MEMORY (256u << 20) /* of addresses, at most: its libraries, its stack and 400 kB of its own */

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SHADOW 1
#elif defined(__has_feature)
#define HAS_SHADOW __has_feature(address_sanitizer)
#else
#define HAS_SHADOW 0
#endif

static bool set_limits(void)
{
    static const int none[] = {RLIMIT_NOFILE, RLIMIT_NPROC,   RLIMIT_CORE,
                               RLIMIT_FSIZE,  RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE};
    const struct rlimit zero = {0, 0};
    struct rlimit memory;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (setrlimit((__rlimit_resource_t)none[i], &zero) != 0) return false;
    if (HAS_SHADOW) return true; /* a sanitizer's shadow is terabytes of addresses */
    if (getrlimit(RLIMIT_AS, &memory) != 0) return false;
    if (memory.rlim_max > MEMORY) memory.rlim_max = MEMORY;
    if (memory.rlim_cur > memory.rlim_max) memory.rlim_cur = memory.rlim_max;
    return setrlimit(RLIMIT_AS, &memory) == 0;
}

/* restart_syscall: what a wait becomes for which the process was stopped and continued, as a debugger does. */
static bool allow(scmp_filter_ctx c)
{
    const int waiting[] = {FUTEX_WAIT, FUTEX_WAKE};
    for (size_t i = 0; i < 2; i++)
        if (seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(futex), 1,
                             SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)waiting[i])) != 0)
            return false;
    return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(restart_syscall), 0) == 0 &&
           seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0) == 0;
}

static bool forbid_calls(void)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool ok = c && seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
              allow(c) && seccomp_load(c) == 0;
    if (c) seccomp_release(c);
    return ok;
}

bool sotto__isolate_cage(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0) return false;
    if (getppid() != parent) return false; /* it was gone before */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    sotto__isolate_no_files();
    return set_limits() && forbid_calls();
}
