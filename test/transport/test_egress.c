/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch of outgoing datagrams: what is flushed when, in which order, and what is lost is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "transport/egress.h"

static struct {
    const struct ice *ice;
    size_t calls, packets, bytes;
    int take; /* what send() says it took; -1: all */
} seen;

static int send_packets(struct ice *ice, const struct packet *pkts, size_t n, sotto_us now)
{
    (void)now;
    seen.ice = ice;
    seen.calls++;
    seen.packets += n;
    for (size_t i = 0; i < n; i++) seen.bytes += pkts[i].n;
    return seen.take < 0 ? (int)n : seen.take;
}

static const struct ice_ops ops = {.send = send_packets};
static struct egress e;
static char one_ice, other_ice;

static void add(char *ice, size_t n)
{
    memset(sotto__egress_reserve(&e, &ops, (struct ice *)(void *)ice, n + 64, 0), 7, n);
    sotto__egress_commit(&e, n);
}

static int reset(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    memset(&e, 0, sizeof e);
    seen.take = -1;
    return 0;
}

static void packets_go_out_together_at_the_flush(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) add(&one_ice, 1000);
    assert_int_equal(seen.calls, 0);
    sotto__egress_flush(&e, 0);
    sotto__egress_flush(&e, 0);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.packets, 10);
    assert_int_equal(seen.bytes, 10000);
}

static void another_ice_or_a_full_batch_flushes_first(void **state)
{
    (void)state;
    add(&one_ice, 10);
    add(&other_ice, 20);
    assert_int_equal(seen.calls, 1);
    assert_ptr_equal(seen.ice, &one_ice);
    for (int i = 0; i < SOTTO_EGRESS_PACKETS; i++) add(&other_ice, 100);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(seen.packets, 1 + SOTTO_EGRESS_PACKETS);
    sotto__egress_flush(&e, 0);
    assert_int_equal(seen.packets, 2 + SOTTO_EGRESS_PACKETS);
}

static void large_packets_never_leave_the_buffer(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) add(&one_ice, 16384); /* ASan watches */
    sotto__egress_flush(&e, 0);
    assert_int_equal(seen.bytes, 200 * 16384);
}

static void eight_of_the_largest_records_go_out_together(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) add(&one_ice, 16384 + 37);
    assert_int_equal(seen.calls, 0);
    for (size_t i = 0; i < e.n; i++)
        assert_int_equal((uintptr_t)e.packets[i].p % 8, (uintptr_t)e.bytes % 8);
    sotto__egress_flush(&e, 0);
    assert_int_equal(seen.calls, 1);
    for (int i = 0; i < SOTTO_EGRESS_PACKETS; i++) add(&one_ice, 1250);
    sotto__egress_flush(&e, 0);
    assert_int_equal(seen.calls, 2); /* a full batch of common ones does, too */
}

static void what_the_socket_refuses_is_counted(void **state)
{
    (void)state;
    seen.take = 3;
    for (int i = 0; i < 5; i++) add(&one_ice, 10);
    sotto__egress_flush(&e, 0);
    assert_int_equal(e.sent, 3);
    assert_int_equal(e.dropped, 2);
    seen.take = SOTTO_E_STATE;
    add(&one_ice, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packets_go_out_together_at_the_flush, reset),
        cmocka_unit_test_setup(another_ice_or_a_full_batch_flushes_first, reset),
        cmocka_unit_test_setup(large_packets_never_leave_the_buffer, reset),
        cmocka_unit_test_setup(eight_of_the_largest_records_go_out_together, reset),
        cmocka_unit_test_setup(what_the_socket_refuses_is_counted, reset),
    };
    return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
