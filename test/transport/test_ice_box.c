/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/ice.h"
#include "util/limits.h"
#include "util/mem.h"

static const struct ice *owner(int n) /* an address to tell owners apart, never followed */
{
    static char places[4];
    return (const struct ice *)(const void *)&places[n];
}

static void put_text(struct ice_box *b, int from, const char *text)
{
    sotto__ice_box_put(b, owner(from), (const uint8_t *)text, strlen(text));
}

static void expect_text(struct ice_box *b, int from, const char *text)
{
    struct packet p;
    assert_true(sotto__ice_box_take(b, owner(from), &p));
    assert_int_equal(p.n, strlen(text));
    assert_memory_equal(p.p, text, p.n);
}

static void expect_none(struct ice_box *b, int from)
{
    struct packet p;
    assert_false(sotto__ice_box_take(b, owner(from), &p));
}

static void box_gives_datagrams_in_order(void **state)
{
    struct ice_box b = {0};
    (void)state;
    expect_none(&b, 0);
    put_text(&b, 0, "one");
    put_text(&b, 0, "");
    put_text(&b, 0, "three and more than eight");
    expect_text(&b, 0, "one");
    put_text(&b, 0, "four");
    expect_text(&b, 0, "");
    expect_text(&b, 0, "three and more than eight");
    expect_text(&b, 0, "four");
    expect_none(&b, 0);
    assert_int_equal(b.dropped, 0);
    sotto__ice_box_free(&b);
}

static void box_keeps_the_datagrams_of_its_owners_apart(void **state)
{
    struct ice_box b = {0};
    (void)state;
    put_text(&b, 0, "a1");
    put_text(&b, 1, "b1");
    put_text(&b, 0, "a2");
    put_text(&b, 1, "b2");
    expect_text(&b, 1, "b1");
    expect_text(&b, 1, "b2");
    expect_none(&b, 1);
    put_text(&b, 1, "b3");
    expect_text(&b, 0, "a1");
    expect_text(&b, 0, "a2");
    expect_none(&b, 0);
    expect_text(&b, 1, "b3");
    expect_none(&b, 1);
    sotto__ice_box_free(&b);
}

/* proves: H057 */
static void box_takes_the_largest_datagram_and_none_above_it(void **state)
{
    struct ice_box b = {0};
    struct packet p;
    uint8_t *bytes = calloc(1, SOTTO_MAX_DATAGRAM + 1);
    (void)state;
    assert_non_null(bytes);
    bytes[SOTTO_MAX_DATAGRAM - 1] = 7;
    sotto__ice_box_put(&b, owner(0), bytes, SOTTO_MAX_DATAGRAM + 1);
    assert_int_equal(b.dropped, 1);
    sotto__ice_box_put(&b, owner(0), bytes, SOTTO_MAX_DATAGRAM);
    assert_int_equal(b.dropped, 1);
    assert_true(sotto__ice_box_take(&b, owner(0), &p));
    assert_int_equal(p.n, SOTTO_MAX_DATAGRAM);
    assert_int_equal(p.p[SOTTO_MAX_DATAGRAM - 1], 7);
    sotto__ice_box_free(&b);
    free(bytes);
}

/* A record has a head of a pointer and a length. */
static void box_is_bounded_and_counts_what_it_drops(void **state)
{
    struct ice_box b = {0};
    struct packet p;
    uint8_t bytes[1200] = {0};
    const size_t room = SOTTO_ICE_BOX / (sizeof bytes + 2 * sizeof(void *));
    (void)state;
    for (size_t i = 0; i < room + 1; i++) {
        memcpy(bytes, &i, sizeof i);
        sotto__ice_box_put(&b, owner(0), bytes, sizeof bytes);
        assert_int_equal(b.dropped, i < room ? 0 : 1);
    }
    assert_true(b.cap <= SOTTO_ICE_BOX);
    for (size_t i = 0; i < room; i++) {
        assert_true(sotto__ice_box_take(&b, owner(0), &p));
        assert_memory_equal(p.p, &i, sizeof i);
        if (i != 100) continue; /* the gap in front is used again */
        sotto__ice_box_put(&b, owner(1), bytes, sizeof bytes);
        assert_int_equal(b.dropped, 1);
    }
    assert_true(sotto__ice_box_take(&b, owner(1), &p));
    expect_none(&b, 0);
    assert_int_equal(b.cap, 0); /* a burst's memory is not kept */
    assert_int_equal(b.dropped, 1);
    sotto__ice_box_free(&b);
    assert_int_equal(b.dropped, 1);
}

static void box_drops_when_memory_ends(void **state)
{
    struct ice_box b = {0};
    int64_t live = sotto__mem_live();
    (void)state;
    sotto__mem_fail_at(1);
    put_text(&b, 0, "lost");
    assert_true(sotto__mem_failed());
    assert_int_equal(b.dropped, 1);
    put_text(&b, 0, "kept");
    expect_text(&b, 0, "kept");
    expect_none(&b, 0);
    sotto__ice_box_free(&b);
    assert_int_equal(sotto__mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(box_gives_datagrams_in_order),
        cmocka_unit_test(box_keeps_the_datagrams_of_its_owners_apart),
        cmocka_unit_test(box_takes_the_largest_datagram_and_none_above_it),
        cmocka_unit_test(box_is_bounded_and_counts_what_it_drops),
        cmocka_unit_test(box_drops_when_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
