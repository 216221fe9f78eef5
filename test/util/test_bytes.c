/* SPDX-License-Identifier: BSD-2-Clause */
/* The headers of util that have no .c: bytes.h, list.h, time.h. */
#include "util/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "util/list.h"
#include "util/time.h"

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    uint8_t bytes[16];
    struct writer w = sotto__writer(bytes, sizeof bytes);
    sotto__write_u8(&w, 0xfe);
    sotto__write_u16(&w, 0xfedc);
    sotto__write_be(&w, 0xfedcba, 3);
    sotto__write_u32(&w, 0xfedcba98);
    sotto__write_bytes(&w, "abcdef", 6);
    assert_false(w.bad);
    assert_int_equal(w.n, 16);
    assert_int_equal(sotto__get_u16(bytes + 1), 0xfedc);
    assert_int_equal(sotto__get_u32(bytes + 6), 0xfedcba98);
    struct reader r = sotto__reader(bytes, sizeof bytes);
    assert_int_equal(sotto__read_u8(&r), 0xfe);
    assert_int_equal(sotto__read_u16(&r), 0xfedc);
    assert_int_equal(sotto__read_u24(&r), 0xfedcba);
    assert_int_equal(sotto__read_u32(&r), 0xfedcba98);
    assert_memory_equal(sotto__read_view(&r, 6), "abcdef", 6);
    assert_false(r.bad);
    assert_int_equal(r.n, 0);
}

static void one_byte_too_few_makes_a_reader_bad_for_good(void **state)
{
    (void)state;
    uint8_t bytes[3] = {1, 2, 3};
    struct reader r = sotto__reader(bytes, 3);
    assert_int_equal(sotto__read_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(sotto__read_u8(&r), 0);
    assert_null(sotto__read_view(&r, 0));
}

static void one_byte_too_many_makes_a_writer_bad_for_good(void **state)
{
    (void)state;
    uint8_t bytes[3] = {9, 9, 9};
    struct writer w = sotto__writer(bytes, 3);
    sotto__write_u32(&w, 1);
    assert_true(w.bad);
    sotto__write_u8(&w, 1);
    assert_int_equal(w.n, 0);
    assert_int_equal(bytes[0], 9);
}

static void a_list_is_first_in_first_out(void **state)
{
    (void)state;
    struct node head, n[3] = {0};
    sotto__list_init(&head);
    assert_true(sotto__list_empty(&head));
    assert_null(sotto__list_pop(&head));
    for (int i = 0; i < 3; i++) sotto__list_push(&head, &n[i]);
    sotto__list_remove(&n[1]);
    sotto__list_remove(&n[1]); /* in no list any more: fine */
    assert_false(sotto__list_linked(&n[1]));
    assert_ptr_equal(sotto__list_pop(&head), &n[0]);
    assert_ptr_equal(sotto__list_pop(&head), &n[2]);
    assert_true(sotto__list_empty(&head));
}

static void times_do_not_wrap(void **state)
{
    (void)state;
    assert_int_equal(sotto__after(5, 7), 12);
    assert_true(sotto__after(SOTTO_NEVER, 1) == SOTTO_NEVER);
    assert_true(sotto__after(SOTTO_NEVER - 1, 1) == SOTTO_NEVER);
    struct timespec t = sotto__timespec(3000001);
    assert_true(t.tv_sec == 3 && t.tv_nsec == 1000);
    t = sotto__timespec(SOTTO_NEVER); /* in 32 bits, too, it lies ahead */
    assert_true(t.tv_sec >= INT32_MAX && t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    assert_int_equal(sotto__earlier(3, 2), 2);
    assert_int_equal(SOTTO_MS(2), 2000);
    assert_int_equal(SOTTO_SECONDS(2), 2000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(one_byte_too_few_makes_a_reader_bad_for_good),
        cmocka_unit_test(one_byte_too_many_makes_a_writer_bad_for_good),
        cmocka_unit_test(a_list_is_first_in_first_out),
        cmocka_unit_test(times_do_not_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
