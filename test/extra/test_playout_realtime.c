/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sotto_playout_pull() makes no system call: a child that may only read, write and exit (seccomp, strict mode) pulls through all that
 * playout does and lives. And it allocates nothing: under a sanitizer, which can tell, its allocations are counted, libopus's too.
 */
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sotto/audio.h"
#include "util/mem.h"

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *))
    __attribute__((weak));

#define PACKETS 400

struct packet {
    const char *mime;
    uint32_t rtp_time;
    sotto_us received;
    size_t len;
    uint8_t data[SOTTO_OPUS_MAX_PACKET];
};

static struct packet packets[PACKETS];
static int16_t pcm[5760 * 2];
static volatile int allocations;

static void on_malloc(const volatile void *p, size_t n)
{
    (void)p, (void)n;
    allocations = allocations + 1;
}

static void on_free(const volatile void *p)
{
    (void)p;
    allocations = allocations + 1;
}

/* Opus with FEC, then PCMU: the voice of a square wave that comes and goes. */
static void make_packets(void)
{
    sotto_opus_encoder *e = NULL;
    sotto_opus_config c = {.size = sizeof c, .channels = 2};
    assert_int_equal(sotto_opus_encoder_new(&c, &e), 0);
    assert_int_equal(sotto_opus_encoder_set_loss(e, 0.2), 0);
    for (int i = 0; i < PACKETS; i++) {
        struct packet *p = &packets[i];
        bool opus = i < PACKETS * 3 / 4;
        for (int k = 0; k < 1920; k++)
            pcm[k] = (int16_t)(k / 2 % 300 < 150 ? 90 * (i % 64) : -90 * (i % 64));
        p->mime = opus ? "audio/opus" : "audio/PCMU";
        p->rtp_time = (uint32_t)i * (opus ? 960 : 160);
        p->received = 1000000 + i * 20000;
        if (opus)
            p->len = (size_t)sotto_opus_encode(e, pcm, 960, p->data, sizeof p->data);
        else
            p->len = (size_t)sotto_pcmu_encode(pcm, 160, p->data);
    }
    sotto_opus_encoder_free(e);
}

static bool put(sotto_playout *playout, int i)
{
    const struct packet *p = &packets[i];
    sotto_frame f = {.size = sizeof f,
                     .data = p->data,
                     .len = p->len,
                     .mime = p->mime,
                     .rtp_time = p->rtp_time,
                     .received_us = p->received};
    return sotto_playout_put(playout, &f) == 0;
}

/* Loss, bursts, what comes twice, stalls, a device that runs away: everything that playout has code for. */
static bool play_everything(sotto_playout *playout)
{
    for (int i = 0; i < PACKETS; i++) {
        bool lost = i % 7 == 3 || i % 100 > 80 || (i > 115 && i < 150), twice = i % 9 == 2,
             stalled = i % 50 > 44;
        if (!lost && !stalled && !put(playout, i)) return false;
        if (twice && !lost && !put(playout, i)) return false;
        for (int k = 45; i % 50 == 0 && k < 50 && i > 0; k++)
            if (!put(playout, i - 50 + k)) return false;
        size_t frames = 915 + (size_t)(i / 50 % 2) * 80;
        if (sotto_playout_pull(playout, pcm, frames) != (int)frames) return false;
    }
    return true;
}

static void pulling_makes_no_system_call(void **state)
{
    (void)state;
    int status = -1;
    sotto_playout *playout = NULL;
    sotto_playout_config c = {.size = sizeof c, .channels = 2};
    assert_int_equal(sotto_playout_new(&c, &playout), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        syscall(SYS_exit, play_everything(playout) ? 0 : 1); /* exit_group would be one too many */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFSIGNALED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    sotto_playout_free(playout);
}

static void the_cage_would_notice_one(void **state)
{
    (void)state;
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        syscall(SYS_getppid);
        syscall(SYS_exit, 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void pulling_allocates_nothing(void **state)
{
    (void)state;
    sotto_playout *playout = NULL;
    sotto_playout_config c = {.size = sizeof c, .channels = 2};
    assert_int_equal(sotto_playout_new(&c, &playout), 0);
    int64_t live = sotto__mem_live();
    sotto__mem_fail_at(1);
    if (__sanitizer_install_malloc_and_free_hooks) {
        assert_true(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) != 0);
        void *volatile one = malloc(1); /* volatile: a compiler may take both away */
        free(one);
        assert_true(allocations >= 2); /* the hooks are in */
    }
    allocations = 0;
    bool played = play_everything(playout);
    int seen = allocations;
    assert_true(played);
    assert_int_equal(seen, 0);
    assert_false(sotto__mem_failed());
    sotto__mem_fail_at(0);
    assert_int_equal(sotto__mem_live(), live);
    sotto_playout_stats s = {.size = sizeof s};
    assert_int_equal(sotto_playout_get_stats(playout, &s), 0);
    /* it went through all of it */
    assert_true(s.frames_concealed > 0 && s.frames_recovered > 0 && s.packets_late > 0);
    assert_true(s.frames_removed > 0 && s.frames_inserted > 0 && s.frames_silent > 0);
    sotto_playout_free(playout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pulling_makes_no_system_call),
        cmocka_unit_test(the_cage_would_notice_one),
        cmocka_unit_test(pulling_allocates_nothing),
    };
    make_packets();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
