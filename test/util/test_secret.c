/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/secret.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/limits.h"
#include "util/mem.h"

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

/* proves: S35 */
static void a_secret_is_empty_when_it_comes_and_when_it_goes(void **state)
{
    (void)state;
    uint8_t *p = sotto__secret_new(100), *q = sotto__secret_new(100);
    assert_true(p && q && p != q);
    assert_int_equal((uintptr_t)p % 64, 0);
    assert_true(is_zero(p, 100));
    memset(p, 0xa5, 128); /* the whole slot */
    sotto__secret_free(p);
    assert_true(is_zero(p, 128)); /* its page stays mapped */
    assert_ptr_equal(sotto__secret_new(70), p);
    sotto__secret_free(p);
    sotto__secret_free(q);
    sotto__secret_free(NULL);
    assert_int_equal(sotto__mem_live(), 0);
}

static void copies_are_like_what_they_were_made_of(void **state)
{
    (void)state;
    char *text = sotto__secret_strdup("pass"), *bytes = sotto__secret_dup("key", 3);
    assert_string_equal(text, "pass");
    assert_memory_equal(bytes, "key", 3);
    assert_true(sotto__secret_has(text) && sotto__secret_has(bytes));
    assert_int_equal(sotto__secret_size(text), 64);
    assert_int_equal(sotto__secret_size(NULL), 0);
    char *other = sotto__strdup("pass");
    assert_false(sotto__secret_has(other));
    sotto__free(other);
    sotto__secret_free(text);
    sotto__secret_free(bytes);
}

/* What the kernel says of the mapping around p: its line of VmFlags. */
static void flags_of(const void *p, char *line, size_t cap)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    unsigned long from, to;
    bool is_it = false;
    assert_non_null(f);
    line[0] = '\0';
    while (fgets(line, (int)cap, f)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            is_it = (uintptr_t)p >= from && (uintptr_t)p < to;
        if (is_it && strncmp(line, "VmFlags:", 8) == 0) break;
    }
    fclose(f);
}

/* proves: A23 */
static void its_pages_are_not_dumped_and_not_inherited(void **state)
{
    (void)state;
    char line[256];
    void *p = sotto__secret_new(32), *kept = sotto__secret_new_kept(32);
    flags_of(p, line, sizeof line);
    assert_non_null(strstr(line, " dd "));
    assert_non_null(strstr(line, " wf "));
    flags_of(kept, line, sizeof line);
    assert_non_null(strstr(line, " dd "));
    assert_null(strstr(line, " wf "));
    sotto__secret_free(p);
    sotto__secret_free(kept);
}

static int exit_of(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* proves: A15 */
static void a_forked_child_finds_it_empty_and_may_give_it_back(void **state)
{
    (void)state;
    char *p = sotto__secret_strdup("of the parent"), *kept = sotto__secret_new_kept(16);
    memcpy(kept, "of both", 8);
    pid_t child = fork();
    if (child == 0) {
        bool ok = is_zero((uint8_t *)p, 14) && strcmp(kept, "of both") == 0;
        sotto__secret_free(p);
        char *own = sotto__secret_strdup("of the child");
        _exit(ok && own && strcmp(own, "of the child") == 0 ? 0 : 1);
    }
    assert_int_equal(exit_of(child), 0);
    assert_string_equal(p, "of the parent");
    sotto__secret_free(p);
    sotto__secret_free(kept);
}

static void who_reads_past_an_arena_is_stopped(void **state)
{
    (void)state;
    uint8_t *p = sotto__secret_new(64);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        volatile uint8_t *end = (uint8_t *)(((uintptr_t)p & ~(uintptr_t)4095) + SOTTO_SECRET_ARENA);
        (void)*end;
        _exit(0);
    }
    assert_int_not_equal(exit_of(child), 0);
    sotto__secret_free(p);
}

static void one_more_byte_than_the_limit_is_refused(void **state)
{
    (void)state;
    void *p = sotto__secret_new(SOTTO_MAX_SECRET);
    assert_non_null(p);
    assert_null(sotto__secret_new(SOTTO_MAX_SECRET + 1));
    assert_null(sotto__secret_new(0));
    sotto__secret_free(p);
}

static void it_fails_with_all_other_memory(void **state)
{
    (void)state;
    sotto__mem_fail_at(1);
    assert_null(sotto__secret_new(1));
    assert_true(sotto__mem_failed());
    sotto__mem_fail_at(0);
    assert_int_equal(sotto__mem_live(), 0);
}

/* A process that may lock no memory has secrets all the same. */
static void without_a_right_to_lock_it_works(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_MEMLOCK, &none);
        char *p = sotto__secret_dup("another key", 12);
        _exit(p ? 0 : 1);
    }
    assert_int_equal(exit_of(child), 0);
}

enum { ALL = SOTTO_MAX_SECRET_ARENAS * (SOTTO_SECRET_ARENA / SOTTO_MAX_SECRET) };

/* In a child, whose arenas end with it. */
static void there_are_so_many_and_no_more(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        size_t n = 0;
        static void *all[ALL + 1];
        while (n <= ALL && (all[n] = sotto__secret_new(SOTTO_MAX_SECRET))) n++;
        bool bounded = n > ALL / 2 && n <= ALL;
        sotto__secret_free(all[0]);
        _exit(bounded && sotto__secret_new(SOTTO_MAX_SECRET) == all[0] ? 0 : 1);
    }
    assert_int_equal(exit_of(child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_empty_when_it_comes_and_when_it_goes),
        cmocka_unit_test(copies_are_like_what_they_were_made_of),
        cmocka_unit_test(its_pages_are_not_dumped_and_not_inherited),
        cmocka_unit_test(a_forked_child_finds_it_empty_and_may_give_it_back),
        cmocka_unit_test(who_reads_past_an_arena_is_stopped),
        cmocka_unit_test(one_more_byte_than_the_limit_is_refused),
        cmocka_unit_test(it_fails_with_all_other_memory),
        cmocka_unit_test(without_a_right_to_lock_it_works),
        cmocka_unit_test(there_are_so_many_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
