/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sotto/base.h"
#include "util/mem.h"

static int value[4096];

static void an_empty_map_answers(void **state)
{
    (void)state;
    struct map m = {0};
    size_t at = 0;
    assert_null(sotto__map_get(&m, 1));
    assert_null(sotto__map_del(&m, 1));
    assert_null(sotto__map_next(&m, &at, NULL));
    sotto__map_free(&m);
    sotto__map_free(NULL);
}

static void put_replaces(void **state)
{
    (void)state;
    struct map m = {0};
    assert_int_equal(sotto__map_put(&m, 0, &value[0]), 0);
    assert_int_equal(sotto__map_put(&m, 0, &value[1]), 0);
    assert_ptr_equal(sotto__map_get(&m, 0), &value[1]);
    assert_int_equal(m.n, 1);
    sotto__map_free(&m);
}

/* Against an array that knows the truth: keys collide, wrap around and are deleted in the middle of probe chains. */
static void a_long_random_run_agrees_with_an_array(void **state)
{
    (void)state;
    struct map m = {0};
    void *truth[512] = {0};
    uint32_t seed = 1;
    for (int step = 0; step < 100000; step++) {
        seed = seed * 1664525 + 1013904223;
        uint64_t key = (seed >> 8) % 512;
        if (seed >> 30) {
            truth[key] = &value[step % 4096];
            assert_int_equal(sotto__map_put(&m, key, truth[key]), 0);
        } else {
            assert_ptr_equal(sotto__map_del(&m, key), truth[key]);
            truth[key] = NULL;
        }
        uint64_t other = (seed >> 17) % 512;
        assert_ptr_equal(sotto__map_get(&m, other), truth[other]);
    }
    size_t live = 0, seen = 0, at = 0;
    uint64_t key;
    for (size_t i = 0; i < 512; i++) live += truth[i] != NULL;
    for (void *p; (p = sotto__map_next(&m, &at, &key)); seen++) assert_ptr_equal(p, truth[key]);
    assert_int_equal(seen, live);
    assert_int_equal(m.n, live);
    sotto__map_free(&m);
}

static void a_failed_put_changes_nothing(void **state)
{
    (void)state;
    struct map m = {0};
    for (uint64_t key = 0; key < 1000; key++) {
        sotto__mem_fail_at(1);
        int r = sotto__map_put(&m, key, &value[key]);
        sotto__mem_fail_at(0);
        if (r < 0) {
            assert_int_equal(r, SOTTO_E_NOMEM);
            assert_null(sotto__map_get(&m, key));
            assert_int_equal(m.n, key);
            assert_int_equal(sotto__map_put(&m, key, &value[key]), 0);
        }
    }
    for (uint64_t key = 0; key < 1000; key++)
        assert_ptr_equal(sotto__map_get(&m, key), &value[key]);
    sotto__map_free(&m);
    assert_int_equal(sotto__mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_answers),
        cmocka_unit_test(put_replaces),
        cmocka_unit_test(a_long_random_run_agrees_with_an_array),
        cmocka_unit_test(a_failed_put_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
