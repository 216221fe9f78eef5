/* SPDX-License-Identifier: BSD-2-Clause */
/* How many sources of a remote are kept, who makes room for whom, and that nobody's packets come twice (H095). */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "srtp_oracle.h"
#include "transport/srtp_priv.h"
#include "util/limits.h"
#include "util/mem.h"
#include "util/time.h"

static struct srtp *server;
static struct oracle remote; /* seals as the client; libsrtp at its end has limits of its own */

static int open_pair(void **state)
{
    (void)state;
    assert_int_equal(
        sotto__srtp_new(&server, SRTP_PROFILE_AEAD_AES_128_GCM, false, oracle_keys(), NULL), 0);
    oracle_init(&remote, SRTP_PROFILE_AEAD_AES_128_GCM, oracle_keys(), 0);
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    sotto__srtp_free(server);
    assert_int_equal(sotto__mem_live(), 0);
    return 0;
}

static bool rtp(uint32_t ssrc, uint64_t index, sotto_us now)
{
    uint8_t p[128];
    size_t n = oracle_rtp(&remote, index, p, oracle_make_rtp(p, ssrc, (uint16_t)index, 40));
    return sotto__srtp_unprotect(server, now, p, n) == 40;
}

static bool rtcp(uint32_t ssrc, uint32_t index, sotto_us now)
{
    uint8_t p[128];
    size_t n = oracle_rtcp(&remote, index, p, oracle_make_rtcp(p, ssrc, 28));
    return sotto__srtp_unprotect_rtcp(server, now, p, n) == 28;
}

static struct srtp_stats stats(void)
{
    struct srtp_stats st;
    sotto__srtp_get_stats(server, &st);
    return st;
}

static void fill(sotto_us now)
{
    for (uint32_t i = 0; i < SOTTO_MAX_SSRCS; i++) assert_true(rtp(1000 + i, 100, now + i));
}

/* proves: H095 */
static void one_source_too_many_is_refused_while_all_are_alive(void **state)
{
    (void)state;
    fill(0);
    assert_false(rtp(1, 100, SOTTO_SOURCE_IDLE_US - 1));
    assert_false(rtcp(2, 1, SOTTO_SOURCE_IDLE_US - 1));
    assert_int_equal(stats().crowded, 2);
    assert_int_equal(server->sources.n, SOTTO_MAX_SSRCS);
    for (uint32_t i = 0; i < SOTTO_MAX_SSRCS; i++) assert_true(rtp(1000 + i, 101, 0));
    assert_int_equal(stats().forged + stats().replayed, 0);
}

/* proves: H095 */
static void the_one_that_was_silent_longest_makes_room(void **state)
{
    (void)state;
    fill(0);
    assert_true(rtp(1000, 101, 5000)); /* now 1001 is the oldest, of 1 µs */
    assert_true(rtp(1, 100, SOTTO_SOURCE_IDLE_US + 1));
    assert_null(sotto__map_get(&server->sources, 1001));
    assert_non_null(sotto__map_get(&server->sources, 1000));
    assert_false(rtp(2, 100, SOTTO_SOURCE_IDLE_US + 1)); /* 1002 was heard 1 µs later */
    assert_true(rtcp(2, 1, SOTTO_SOURCE_IDLE_US + 2));
    assert_int_equal(server->sources.n, SOTTO_MAX_SSRCS);
    assert_int_equal(stats().crowded, 1);
}

static void one_that_said_bye_makes_room_at_once(void **state)
{
    (void)state;
    fill(0);
    sotto__srtp_forget(server, 1100);
    sotto__srtp_forget(server, 1200);
    sotto__srtp_forget(server, 7); /* nobody knows it */
    assert_true(rtp(1200, 101, 300)); /* it goes on: it was only a pause */
    assert_true(rtp(1, 100, 300));
    assert_null(sotto__map_get(&server->sources, 1100));
    assert_false(rtp(2, 100, 300));
}

/* proves: H090 */
static void a_bye_makes_no_replay_possible(void **state)
{
    (void)state;
    assert_true(rtp(5, 100, 0));
    assert_true(rtp(5, 40000, 0));
    assert_true(rtp(5, 70000, 0)); /* wrapped */
    sotto__srtp_forget(server, 5);
    assert_false(rtp(5, 70000, 0));
    assert_false(rtp(5, 100, 0));
    assert_true(rtp(5, 70001, 0));
    assert_int_equal(server->sources.n, 1);
}

/* The numbers outlive the stream. */
/* proves: H090 */
static void packets_of_one_that_made_room_cannot_be_replayed(void **state)
{
    (void)state;
    fill(0);
    assert_true(rtp(1000, 200, 0));
    assert_true(rtcp(1000, 9, 0));
    assert_true(rtp(1001, 40000, 0));
    assert_true(rtp(1001, 70000, 0));
    assert_true(rtcp(1001, 200, 0));
    sotto__srtp_forget(server, 1000);
    sotto__srtp_forget(server, 1001);
    assert_true(rtp(1, 1, 0));
    assert_true(rtp(2, 1, 0));
    sotto_us later = 2 * SOTTO_SOURCE_IDLE_US;
    for (uint64_t i = 0; i <= 200; i++) assert_false(rtp(1000, i, later));
    for (uint32_t i = 1; i <= 9; i++) assert_false(rtcp(1000, i, later));
    assert_false(rtp(1001, 40000, later)); /* it had wrapped: nothing of its first turn is new */
    assert_false(rtp(1001, 65535, later));
    assert_false(rtcp(1001, 200, later));
    assert_int_equal(stats().replayed, 201 + 9 + 3);
    assert_int_equal(server->sources.n, SOTTO_MAX_SSRCS);
    assert_non_null(sotto__map_get(&server->sources, 2)); /* nobody made room for a replay */
    /* but it may go on */
    assert_true(rtcp(1000, 10, later));
    assert_false(rtp(1000, 200, later));
    assert_true(rtp(1000, 201, later));
    assert_false(rtcp(1000, 9, later));
    /* gone again, twice: the numbers stay */
    sotto__srtp_forget(server, 1000);
    for (uint32_t i = 0; i < SOTTO_MAX_SSRCS; i++) assert_true(rtp(5000 + i, 1, 2 * later));
    assert_false(rtp(1000, 201, 4 * later));
    assert_false(rtcp(1000, 10, 4 * later));
    assert_true(rtp(1000, 202, 4 * later));
}

/* proves: H095 */
static void a_flood_of_sources_costs_no_memory(void **state)
{
    (void)state;
    struct mallinfo2 before = {0};
    for (uint32_t i = 0; i < 65536; i++) {
        rtp(i, 1, (sotto_us)i * 50000); /* 20 a second: 200 of them in 10 s */
        if (i == 2000) before = mallinfo2();
    }
    assert_int_equal(server->sources.n, SOTTO_MAX_SSRCS);
    assert_int_equal(server->n_gone, SOTTO_MAX_GONE_SSRCS);
    assert_int_equal(stats().crowded, 0);
    assert_true(mallinfo2().uordblks < before.uordblks + 64 * 1024);
    for (uint32_t i = 0; i < 65536; i++) rtp(100000 + i, 1, 65536LL * 50000); /* all at once */
    assert_int_equal(server->sources.n, SOTTO_MAX_SSRCS);
    assert_true(stats().crowded > 65000);
    assert_true(mallinfo2().uordblks < before.uordblks + 64 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_source_too_many_is_refused_while_all_are_alive,
                                        open_pair, close_pair),
        cmocka_unit_test_setup_teardown(the_one_that_was_silent_longest_makes_room, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(one_that_said_bye_makes_room_at_once, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(a_bye_makes_no_replay_possible, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(packets_of_one_that_made_room_cannot_be_replayed, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(a_flood_of_sources_costs_no_memory, open_pair, close_pair),
    };
    return cmocka_run_group_tests_name("srtp_source", tests, NULL, NULL);
}
