/* SPDX-License-Identifier: BSD-2-Clause */
/* A forked child seals nothing with its parent's keys, however it was forked, and may make keys of its own; threads start libsrtp once. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "srtp_oracle.h"
#include "transport/srtp_priv.h"

static int try_rtp(struct srtp *s, uint16_t seq)
{
    uint8_t p[100 + SOTTO_SRTP_OVERHEAD];
    return sotto__srtp_protect(s, p, oracle_make_rtp(p, 1, seq, 100));
}

static int try_rtcp(struct srtp *s)
{
    uint8_t p[100 + SOTTO_SRTP_OVERHEAD];
    return sotto__srtp_protect_rtcp(s, p, oracle_make_rtcp(p, 1, 28));
}

static struct srtp *make(void)
{
    struct srtp *s = NULL;
    return sotto__srtp_new(&s, SRTP_PROFILE_AEAD_AES_128_GCM, true, oracle_keys(), NULL) == 0
               ? s
               : NULL;
}

/* In the child: 0 if all is as it should be, else what is not. */
static int child(struct srtp *parents)
{
    uint8_t p[100 + SOTTO_SRTP_OVERHEAD];
    if (try_rtp(parents, 100) != SOTTO_E_FORKED) return 1;
    if (try_rtcp(parents) != SOTTO_E_FORKED) return 2;
    if (sotto__srtp_protect_again(parents, p, oracle_make_rtp(p, 1, 1, 100)) != SOTTO_E_FORKED)
        return 3;
    struct srtp *own = make();
    if (!own || try_rtp(own, 1) != 116 || try_rtcp(own) < 0) return 4;
    if (try_rtp(parents, 101) != SOTTO_E_FORKED) return 5;
    pid_t grandchild = fork();
    if (grandchild == 0)
        _exit(try_rtp(own, 2) == SOTTO_E_FORKED && try_rtp(parents, 3) == SOTTO_E_FORKED ? 0 : 1);
    int status = -1;
    if (waitpid(grandchild, &status, 0) != grandchild || status != 0) return 6;
    if (try_rtp(own, 2) != 116) return 7;
    return 0;
}

static void assert_good_end(pid_t pid)
{
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* proves: SRTP-09 A15 */
static void a_forked_child_seals_nothing(void **state)
{
    struct srtp *s = make();
    (void)state;
    assert_non_null(s);
    assert_int_equal(try_rtp(s, 1), 116);
    pid_t pid = fork();
    if (pid == 0) _exit(child(s));
    assert_good_end(pid);
    assert_int_equal(try_rtp(s, 2), 116);
    /* without the handlers of pthread_atfork() */
    pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) _exit(try_rtp(s, 3) == SOTTO_E_FORKED ? 0 : 1);
    assert_good_end(pid);
    assert_int_equal(try_rtp(s, 3), 116);
    sotto__srtp_free(s);
}

/* From now on madvise() is unknown, as in old kernels and some sandboxes. */
static bool forbid_madvise(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 22),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Must be the first test: libsrtp has not been started, and only the child starts it. */
static void without_the_kernels_help_the_process_number_tells(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct srtp *s = forbid_madvise() ? make() : NULL;
        if (!s || try_rtp(s, 1) != 116) _exit(100);
        pid_t grandchild = fork();
        if (grandchild == 0) _exit(child(s));
        int status = -1;
        if (waitpid(grandchild, &status, 0) != grandchild || status != 0) _exit(101);
        _exit(try_rtp(s, 2) == 116 ? 0 : 102);
    }
    assert_good_end(pid);
}

static void *run(void *arg)
{
    (void)arg;
    struct srtp *s = make();
    bool ok = s && try_rtp(s, 1) == 116;
    sotto__srtp_free(s);
    return ok ? s : NULL;
}

static void threads_may_begin_at_once(void **state)
{
    pthread_t threads[8];
    void *ret;
    (void)state;
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, run, NULL), 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], &ret), 0);
        assert_non_null(ret);
    }
    assert_int_equal(sotto__srtp_start(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_kernels_help_the_process_number_tells),
        cmocka_unit_test(threads_may_begin_at_once),
        cmocka_unit_test(a_forked_child_seals_nothing),
    };
    return cmocka_run_group_tests_name("srtp_process", tests, NULL, NULL);
}
