/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of keys that send: never one twice, whatever comes and goes, and none in a forked child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/e2ee_counter.h"
#include "sotto/base.h"
#include "util/limits.h"
#include "util/mem.h"

static void make_id(uint8_t id[SFRAME_ID], uint32_t number)
{
    memset(id, 0x77, SFRAME_ID);
    memcpy(id, &number, sizeof number);
}

static struct counter *get(uint32_t number, uint64_t least)
{
    uint8_t id[SFRAME_ID];
    struct counter *c = NULL;
    make_id(id, number);
    assert_int_equal(sotto__counter_get(id, least, &c), 0);
    return c;
}

static uint64_t next(struct counter *c)
{
    uint64_t n;
    assert_int_equal(sotto__counter_next(c, &n), 0);
    return n;
}

/* proves: S25 */
static void counter_is_shared_and_goes_on_after_a_pause(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    struct counter *a = get(1, 0), *b = get(1, 0), *c = get(2, 0);
    assert_ptr_equal(a, b);
    assert_true(next(a) == 0 && next(b) == 1 && next(c) == 0);
    sotto__counter_put(a);
    sotto__counter_put(b);
    a = get(1, 0);
    assert_true(next(a) == 2);
    b = get(1, 100);
    assert_true(next(a) == 100);
    sotto__counter_put(get(1, 50));
    assert_true(next(a) == 101);
    sotto__counter_put(a);
    sotto__counter_put(b);
    sotto__counter_put(c);
    assert_int_equal(sotto__mem_live(), live);
}

/* proves: S25 */
static void counter_of_a_key_long_forgotten_is_not_used_again(void **state)
{
    (void)state;
    struct counter *c = get(10, 0);
    for (int i = 0; i < 1000; i++) next(c);
    sotto__counter_put(c);
    for (uint32_t i = 0; i < SOTTO_E2EE_KEPT; i++) { /* one more than are remembered */
        c = get(1000 + i, 0);
        next(c);
        sotto__counter_put(c);
    }
    c = get(10, 0);
    assert_true(next(c) >= 1000);
    sotto__counter_put(c);
}

/* proves: S25 */
static void counter_ends_with_the_last_number(void **state)
{
    (void)state;
    uint8_t id[SFRAME_ID];
    struct counter *c;
    uint64_t n;
    make_id(id, 20);
    assert_int_equal(sotto__counter_get(id, UINT64_MAX, &c), SOTTO_E_RANGE);
    c = get(20, UINT64_MAX - 1);
    assert_true(next(c) == UINT64_MAX - 1);
    assert_int_equal(sotto__counter_next(c, &n), SOTTO_E_LIMIT);
    sotto__counter_put(c);
    c = get(20, 0);
    assert_int_equal(sotto__counter_next(c, &n), SOTTO_E_LIMIT);
    sotto__counter_put(c);
}

/* What a child sees: bits of what went wrong. */
static int in_child(struct counter *used, uint32_t kept)
{
    uint8_t id[SFRAME_ID];
    struct counter *c;
    uint64_t n;
    int wrong = 0;
    make_id(id, 30);
    if (sotto__counter_next(used, &n) != SOTTO_E_FORKED) wrong |= 1;
    if (sotto__counter_get(id, 0, &c) != SOTTO_E_FORKED) wrong |= 2;
    make_id(id, kept);
    if (sotto__counter_get(id, 0, &c) != SOTTO_E_FORKED) wrong |= 4;
    make_id(id, 32);
    if (sotto__counter_get(id, 0, &c) != 0 || sotto__counter_next(c, &n) != 0) wrong |= 8;
    sotto__counter_put(used); /* and more keys of its own than are remembered */
    for (uint32_t i = 0; i < 2 * SOTTO_E2EE_KEPT; i++) {
        make_id(id, 2000 + i);
        if (sotto__counter_get(id, i ? 0 : 1ull << 40, &c) != 0 || sotto__counter_next(c, &n) != 0)
            wrong |= 16;
        sotto__counter_put(c);
    }
    make_id(id, kept);
    if (sotto__counter_get(id, 0, &c) != SOTTO_E_FORKED) wrong |= 32;
    make_id(id, 30);
    if (sotto__counter_get(id, 0, &c) != SOTTO_E_FORKED) wrong |= 64;
    make_id(id, 2000); /* forgotten: it goes on above */
    if (sotto__counter_get(id, 0, &c) != 0 || sotto__counter_next(c, &n) != 0 || n <= 1ull << 40)
        wrong |= 128;
    return wrong;
}

/* proves: S25 */
static void counter_of_the_parent_is_not_the_childs(void **state)
{
    (void)state;
    int status = 0;
    struct counter *used = get(30, 0), *kept;
    for (uint32_t i = 0; i < SOTTO_E2EE_KEPT; i++) { /* all that is remembered is the parent's */
        kept = get(i ? 3000 + i : 31, 0);
        next(kept);
        sotto__counter_put(kept);
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(in_child(used, 31));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    uint64_t n = next(used); /* the parent's goes on */
    assert_true(next(used) == n + 1);
    sotto__counter_put(used);
}

static void counter_says_when_there_is_no_memory(void **state)
{
    (void)state;
    uint8_t id[SFRAME_ID];
    struct counter *c;
    make_id(id, 40);
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__counter_get(id, 0, &c), SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    sotto__counter_put(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counter_is_shared_and_goes_on_after_a_pause),
        cmocka_unit_test(counter_of_a_key_long_forgotten_is_not_used_again),
        cmocka_unit_test(counter_of_the_parent_is_not_the_childs),
        cmocka_unit_test(counter_ends_with_the_last_number),
        cmocka_unit_test(counter_says_when_there_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
