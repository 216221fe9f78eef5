/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void live_counts_blocks(void **state)
{
    (void)state;
    void *a = sotto__malloc(1), *b = sotto__calloc(2, 3), *c = sotto__realloc(NULL, 5);
    char *d = sotto__strdup("abc"), *e = sotto__strndup("abcdef", 2), *f = sotto__memdup("xyz", 3);
    assert_int_equal(sotto__mem_live(), 6);
    assert_string_equal(d, "abc");
    assert_string_equal(e, "ab");
    assert_memory_equal(f, "xyz", 3);
    c = sotto__realloc(c, 500);
    assert_int_equal(sotto__mem_live(), 6);
    sotto__free(NULL);
    sotto__free(a), sotto__free(b), sotto__free(c), sotto__free(d), sotto__free(e), sotto__free(f);
    assert_int_equal(sotto__mem_live(), 0);
}

static void calls_count_what_was_asked_for(void **state)
{
    (void)state;
    uint64_t before = sotto__mem_calls();
    void *a = sotto__malloc(1), *b = sotto__calloc(1, 1);
    a = sotto__realloc(a, 100);
    sotto__free(a), sotto__free(b);
    assert_int_equal(sotto__mem_calls() - before, 3);
    sotto__mem_fail_at(1);
    assert_null(sotto__malloc(1));
    assert_int_equal(sotto__mem_calls() - before, 4);
}

static void nothing_of_size_zero_is_null(void **state)
{
    (void)state;
    void *a = sotto__malloc(0), *b = sotto__calloc(0, 0), *c = sotto__memdup(NULL, 0);
    assert_true(a && b && c && a != b);
    sotto__free(a), sotto__free(b), sotto__free(c);
}

static void the_nth_allocation_fails_once(void **state)
{
    (void)state;
    sotto__mem_fail_at(3);
    void *a = sotto__malloc(1), *b = sotto__malloc(1);
    assert_true(a && b && !sotto__mem_failed());
    assert_null(sotto__calloc(1, 1));
    assert_true(sotto__mem_failed());
    void *c = sotto__malloc(1);
    assert_non_null(c);
    sotto__free(a), sotto__free(b), sotto__free(c);
}

static void a_failed_realloc_leaves_the_old_block(void **state)
{
    (void)state;
    char *p = sotto__strdup("old");
    sotto__mem_fail_at(1);
    assert_null(sotto__realloc(p, 1000));
    assert_string_equal(p, "old");
    sotto__free(p);
    assert_int_equal(sotto__mem_live(), 0);
}

static void wipe_leaves_zeros(void **state)
{
    (void)state;
    char secret[] = "secret", zeros[sizeof secret] = {0};
    sotto__wipe(secret, sizeof secret);
    assert_memory_equal(secret, zeros, sizeof zeros);
    sotto__wipe(NULL, 3);
    sotto__free_secret(sotto__strdup("x"), 1);
    sotto__free_secret(NULL, 1);
    assert_int_equal(sotto__mem_live(), 0);
}

static void bytes_are_counted_from_the_moment_that_it_is_asked_for(void **state)
{
    (void)state;
    char *before = sotto__malloc(100);
    assert_int_equal(sotto__mem_bytes(), 0);
    assert_true(sotto__mem_size(before) >= 100);
    assert_int_equal(sotto__mem_size(NULL), 0);
    sotto__mem_weigh();
    char *p = sotto__malloc(1000), *q = sotto__calloc(10, 10), *s = sotto__strdup("text");
    int64_t all = (int64_t)(sotto__mem_size(p) + sotto__mem_size(q) + sotto__mem_size(s));
    assert_int_equal(sotto__mem_bytes(), all);
    assert_true(all >= 1105);
    sotto__mem_fail_at(1);
    assert_null(sotto__realloc(p, 5000));
    sotto__mem_fail_at(0);
    assert_int_equal(sotto__mem_bytes(), all);
    all -= (int64_t)sotto__mem_size(p);
    p = sotto__realloc(p, 5000);
    assert_int_equal(sotto__mem_bytes(), all + (int64_t)sotto__mem_size(p));
    sotto__mem_fail_at(1);
    p = sotto__trim(p, 50); /* asks for nothing, so it cannot fail */
    assert_false(sotto__mem_failed());
    sotto__mem_fail_at(0);
    assert_true(sotto__mem_size(p) >= 50 && sotto__mem_size(p) < 5000);
    assert_int_equal(sotto__mem_bytes(), all + (int64_t)sotto__mem_size(p));
    assert_null(sotto__trim(NULL, 0));
    sotto__free(p);
    assert_int_equal(sotto__mem_bytes(), all);
    sotto__free(q);
    sotto__free_secret(s, 4);
    assert_int_equal(sotto__mem_bytes(), 0);
    int64_t size = (int64_t)sotto__mem_size(before);
    sotto__free(before); /* from before */
    assert_int_equal(sotto__mem_bytes(), -size);
}

/* How many of the pages that lie within. */
static size_t resident(const char *p, size_t n)
{
    static unsigned char pages[64];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1), to = ((uintptr_t)p + n) & ~(page - 1);
    assert_true((to - from) / page <= sizeof pages);
    assert_int_equal(mincore((void *)from, to - from, pages), 0);
    for (size_t i = 0; i < (to - from) / page; i++) count += pages[i] & 1;
    return count;
}

static void an_empty_block_does_not_lie_on_pages_of_what_was_freed(void **state)
{
    (void)state;
    size_t n = 120000;
    for (int i = 0; i < 3; i++) { /* the first time the heap may be as it came */
        char *p = malloc(n);
        assert_non_null(p);
        memset(p, 0x55, n);
        free(p);
        sotto__mem_fresh(n);
        p = malloc(n);
        assert_non_null(p);
        assert_true(resident(p, n) <= 2);
        free(p);
    }
    sotto__mem_fresh(1); /* less than a page */
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_counts_blocks),
        cmocka_unit_test(calls_count_what_was_asked_for),
        cmocka_unit_test(nothing_of_size_zero_is_null),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(a_failed_realloc_leaves_the_old_block),
        cmocka_unit_test(wipe_leaves_zeros),
        cmocka_unit_test(an_empty_block_does_not_lie_on_pages_of_what_was_freed),
        cmocka_unit_test(bytes_are_counted_from_the_moment_that_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
