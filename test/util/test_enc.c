/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/enc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* proves: A24 */
static void equal_looks_at_every_byte(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(sotto__equal_ct(a, b, 32));
    assert_true(sotto__equal_ct(a, b, 0));
    for (int i = 0; i < 32; i++)
        for (int bit = 0; bit < 8; bit++) {
            b[i] ^= (uint8_t)(1 << bit);
            assert_false(sotto__equal_ct(a, b, 32));
            b[i] ^= (uint8_t)(1 << bit);
        }
}

/* How many instructions a comparison takes in a child that is led by the hand, with what stands around it; -1: nobody may do that here. */
static long instructions(const uint8_t *a, const uint8_t *b, size_t n)
{
    int status = 0;
    long steps = 0;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(2);
        raise(SIGSTOP);
        volatile bool same = sotto__equal_ct(a, b, n);
        raise(SIGSTOP);
        _exit(same ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) return -1;
    for (; steps < 1000000; steps++) {
        if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0) steps = -1;
        if (steps < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) break;
        if (WSTOPSIG(status) == SIGSTOP) break;
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return steps;
}

/* proves: A24 */
static void equal_takes_the_same_time_wherever_they_differ(void **state)
{
    static const size_t places[] = {0, 1, 15, 30, 31};
    uint8_t a[32] = {0}, b[32] = {0};
    long same = instructions(a, b, sizeof a);
    (void)state;
    if (same <= 0) skip(); /* an emulator, or a sandbox */
    assert_true(instructions(a, b, sizeof a / 2) < same); /* they are counted */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        b[places[i]] = 0x80;
        assert_int_equal(instructions(a, b, sizeof a), same);
        b[places[i]] = 0;
    }
    for (size_t i = 0; i < sizeof b; i++) b[i] = 0xff;
    assert_int_equal(instructions(a, b, sizeof a), same);
}

static void hex_digits_are_these_22_characters(void **state)
{
    (void)state;
    int digits = 0;
    for (int c = -128; c < 128; c++) digits += sotto__hex_digit((char)c) >= 0;
    assert_int_equal(digits, 22);
    assert_int_equal(sotto__hex_digit('0'), 0);
    assert_int_equal(sotto__hex_digit('9'), 9);
    assert_int_equal(sotto__hex_digit('a'), 10);
    assert_int_equal(sotto__hex_digit('F'), 15);
    assert_int_equal(sotto__hex_digit('g'), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_looks_at_every_byte),
        cmocka_unit_test(equal_takes_the_same_time_wherever_they_differ),
        cmocka_unit_test(hex_digits_are_these_22_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
