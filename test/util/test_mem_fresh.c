/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages given back to the kernel, which an emulator of processors does not do for it. */
#include "util/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

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
        cmocka_unit_test(an_empty_block_does_not_lie_on_pages_of_what_was_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
