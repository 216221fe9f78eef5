/* SPDX-License-Identifier: BSD-2-Clause */
/* Two associations in one process over a virtual link: messages, streams, back-pressure, resets, ends. */
#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <usrsctp.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "util/mem.h"
#include "util/time.h"

static const struct link_cfg lan = {.delay = SOTTO_MS(1)};

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(seed = seed * 1664525u + 1013904223u, seed >> 24);
}

static void messages_of_all_sizes_arrive_whole(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    pair_connect(&p);
    assert_int_equal(p.a.streams_out, SOTTO_STREAMS_OUT);
    static const size_t sizes[] = {1,
                                   2,
                                   3,
                                   4,
                                   1100,
                                   1132,
                                   1133,
                                   1136,
                                   1200,
                                   4096,
                                   65535,
                                   65536,
                                   SOTTO_DEFAULT_MESSAGE - 1,
                                   SOTTO_DEFAULT_MESSAGE};
    uint8_t *data = malloc(SOTTO_DEFAULT_MESSAGE), *want = malloc(SOTTO_DEFAULT_MESSAGE);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill(data, sizes[i], (uint32_t)i);
        assert_int_equal(side_send(&p, &p.a, (uint16_t)i, data, sizes[i]), 0);
        pair_run(&p, SOTTO_SECONDS(1));
    }
    assert_int_equal(p.b.n_inbox, sizeof sizes / sizeof *sizes);
    for (size_t i = 0; i < p.b.n_inbox; i++) {
        const struct sctp_msg *m = &p.b.inbox[i];
        fill(want, sizes[i], (uint32_t)i);
        assert_int_equal(m->type, SCTP_MSG_DATA);
        assert_int_equal(m->sid, i);
        assert_int_equal(m->ppid, 53);
        assert_int_equal(m->len, sizes[i]);
        assert_memory_equal(m->data, want, sizes[i]);
        assert_int_equal(m->data[m->len], 0);
    }
    assert_in_range(p.a.largest, 1100, 1160);
    free(data);
    free(want);
    pair_close(&p);
}

static long threads(void)
{
    DIR *d = opendir("/proc/self/task");
    long n = -2; /* "." and ".." */
    assert_non_null(d);
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void no_thread_stays_of_those_that_usrsctp_starts(void **state)
{
    (void)state;
    struct pair p;
    struct timespec now, end;
    long before = threads(); /* a sanitizer may have one */
    pair_open(&p, &lan);
    pair_connect(&p);
    clock_gettime(CLOCK_MONOTONIC, &end);
    do { /* it ends when it runs */
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (threads() > before && now.tv_sec < end.tv_sec + 60);
    assert_int_equal(threads(), before);
    pair_close(&p);
}

static void reset_both_ways_and_the_stream_is_used_again(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    pair_connect(&p);
    for (int round = 0; round < 20; round++) {
        assert_int_equal(side_send(&p, &p.a, 7, "before", 6), 0);
        assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 7), 0);
        assert_int_equal(side_send(&p, &p.a, 7, "x", 1), SOTTO_E_STATE);
        pair_run(&p, SOTTO_MS(500));
        assert_int_equal(p.b.n_inbox, 2);
        assert_int_equal(p.b.inbox[0].type, SCTP_MSG_DATA);
        assert_int_equal(p.b.inbox[1].type, SCTP_MSG_RESET_IN);
        assert_int_equal(p.b.inbox[1].sid, 7);
        assert_int_equal(p.a.n_inbox, 1);
        assert_int_equal(p.a.inbox[0].type, SCTP_MSG_RESET_OUT);
        assert_false(p.a.inbox[0].denied);
        assert_int_equal(sotto__sctp_reset(p.b.s, p.now, 7), 0);
        pair_run(&p, SOTTO_MS(500));
        assert_int_equal(p.a.n_inbox, 2);
        assert_int_equal(p.a.inbox[1].type, SCTP_MSG_RESET_IN);
        assert_int_equal(p.b.inbox[2].type, SCTP_MSG_RESET_OUT);
        side_clear(&p.a);
        side_clear(&p.b);
    }
    pair_close(&p);
}

static void close_reaches_the_peer_behind_its_pending_data(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    pair_connect(&p);
    p.b.reading = false;
    for (int i = 0; i < 100; i++) assert_int_equal(side_send(&p, &p.a, 1, "pending", 7), 0);
    pair_run(&p, SOTTO_SECONDS(1));
    sotto__sctp_close(p.a.s, p.now);
    pair_run(&p, SOTTO_SECONDS(1));
    assert_true(p.b.down);
    assert_int_equal(p.b.error, 0);
    assert_int_equal(p.b.n_inbox, 0);
    p.b.reading = true;
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.b.n_inbox, 100);
    assert_int_equal(sotto__sctp_due(p.b.s), SOTTO_NEVER);
    assert_int_equal(side_send(&p, &p.b, 1, "x", 1), SOTTO_E_STATE);
    pair_close(&p);
}

static void a_peer_that_cannot_reset_gives_a_denied_answer(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    p.tap = tap_without_reconfig;
    pair_connect(&p);
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 3), 0);
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 9), 0);
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 9), SOTTO_E_AGAIN);
    pair_run(&p, SOTTO_MS(100));
    assert_int_equal(p.a.n_inbox, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(p.a.inbox[i].type, SCTP_MSG_RESET_OUT);
        assert_int_equal(p.a.inbox[i].sid, i ? 9 : 3);
        assert_true(p.a.inbox[i].denied);
    }
    assert_int_equal(side_send(&p, &p.a, 3, "still works", 11), 0);
    pair_run(&p, SOTTO_MS(100));
    assert_int_equal(p.b.n_inbox, 1);
    pair_close(&p);
}

static void peers_with_other_numbers_of_streams_and_ports_meet(void **state)
{
    (void)state;
    static const uint16_t streams[][2] = {{1, 2}, {3, 7}, {1000, 2000}, {65535, 65535}};
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct pair p;
        struct sctp_cfg a, b;
        pair_cfg(&a), pair_cfg(&b);
        a.local_port = b.remote_port = 5001, a.remote_port = b.local_port = 60000;
        b.streams_out = streams[i][0], b.streams_in = streams[i][1];
        pair_open_cfg(&p, &lan, &a, &b);
        pair_connect(&p);
        uint16_t user =
            streams[i][1] / 2 < SOTTO_STREAMS_OUT ? streams[i][1] / 2 : SOTTO_STREAMS_OUT;
        assert_int_equal(p.a.streams_out, user); /* what B takes of what A asked for */
        assert_int_equal(p.b.streams_out,
                         streams[i][0] < SOTTO_STREAMS_OUT ? streams[i][0] : SOTTO_STREAMS_OUT);
        struct sctp_send_opt opt = {.sid = (uint16_t)(user - 1), .ppid = 51, .unordered = true};
        assert_int_equal(sotto__sctp_send(p.a.s, p.now, &opt, (const uint8_t *)"x", 1), 0);
        pair_run(&p, SOTTO_MS(100));
        assert_int_equal(p.b.n_inbox, 1);
        assert_int_equal(p.b.inbox[0].sid, user - 1);
        pair_close(&p);
    }
}

static void small_messages_of_a_turn_share_packets_and_a_lone_one_leaves_at_once(void **state)
{
    (void)state;
    struct pair p;
    uint8_t data[64] = {0};
    pair_open(&p, &lan);
    pair_connect(&p);
    pair_run(&p, SOTTO_SECONDS(1));
    for (int round = 0; round < 3; round++) {
        pair_run(&p, SOTTO_SECONDS(1));
        uint64_t before = p.a.packets;
        assert_int_equal(side_send(&p, &p.a, 1, data, sizeof data), 0);
        assert_int_equal(sotto__sctp_due(p.a.s), 0);
        pair_collect(&p);
        assert_int_equal(p.a.packets, before + 1);
        for (uint8_t i = 0; i < 140; i++) {
            memset(data, i, sizeof data);
            assert_int_equal(side_send(&p, &p.a, 1, data, sizeof data), 0);
        }
        pair_collect(&p);
        assert_in_range(p.a.packets, before + 2, before + 14); /* all are out, and 80 bytes are a chunk */
        pair_run(&p, SOTTO_SECONDS(1));
        assert_int_equal(p.b.n_inbox, 141);
        for (size_t i = 0; i < 140; i++) assert_int_equal(p.b.inbox[1 + i].data[63], i);
        side_clear(&p.b);
    }
    pair_close(&p);
}

static void a_reset_comes_behind_the_small_messages_before_it(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    pair_connect(&p);
    for (int i = 0; i < 50; i++) assert_int_equal(side_send(&p, &p.a, 7, "before", 6), 0);
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 7), 0);
    pair_run(&p, SOTTO_SECONDS(1));
    assert_int_equal(p.b.n_inbox, 51);
    assert_int_equal(p.b.inbox[50].type, SCTP_MSG_RESET_IN);
    pair_close(&p);
}

static void packets_of_a_turn_are_acknowledged_together(void **state)
{
    (void)state;
    struct pair p;
    uint8_t *data = malloc(200000);
    pair_open(&p, &(struct link_cfg){.delay = SOTTO_MS(1), .seed = 3});
    pair_connect(&p);
    for (int i = 0; i < 50; i++) {
        fill(data, 200000, (uint32_t)i);
        assert_int_equal(side_send(&p, &p.a, 1, data, 200000), 0);
        pair_run(&p, SOTTO_MS(200));
        assert_int_equal(p.b.n_inbox, 1);
        assert_memory_equal(p.b.inbox[0].data, data, 200000);
        side_clear(&p.b);
    }
    assert_in_range(p.b.packets, p.a.packets / 40, p.a.packets / 3); /* one by one it would be half of them */
    free(data);
    pair_close(&p);
}

/* 100 ms at 100 Mbit/s: 1.25 MB are under way, more than the first window and the first backlog let out. */
static void a_long_path_is_filled(void **state)
{
    (void)state;
    struct pair p;
    struct link_cfg link = {.delay = SOTTO_MS(50), .rate_bps = 100000000, .queue = 1000, .seed = 5};
    uint8_t *data = calloc(1, 16384);
    pair_open(&p, &link);
    pair_connect(&p);
    p.b.discard = true;
    uint64_t half = 0;
    sotto_us begin = p.now;
    while (p.now - begin < SOTTO_SECONDS(5)) {
        while (side_send(&p, &p.a, 1, data, 16384) == 0) continue;
        pair_step(&p);
        if (p.now - begin < SOTTO_SECONDS(3)) half = p.b.message_bytes;
    }
    assert_in_range((p.b.message_bytes - half) * 8 / 2, 80000000, 100000000);
    free(data);
    pair_close(&p);
}

/* Bulk data for two seconds, ten times the least RTO, over a path that loses nothing: usrsctp would repeat what is not lost. `stall`: for
 * how long nobody runs, again and again; what came meanwhile is read behind the timers. */
static void send_nothing_twice(sotto_us stall)
{
    struct pair p;
    struct link_cfg link = {.delay = SOTTO_MS(50), .rate_bps = 100000000, .seed = 5};
    struct sctpstat before, after;
    uint8_t *data = calloc(1, 16384);
    pair_open(&p, &link);
    pair_connect(&p);
    p.b.discard = true;
    usrsctp_get_stat(&before);
    sotto_us next = p.now + SOTTO_MS(500);
    for (sotto_us end = p.now + SOTTO_SECONDS(2); p.now < end; pair_step(&p)) {
        while (side_send(&p, &p.a, 1, data, 16384) == 0) continue;
        if (stall == 0 || p.now < next) continue;
        p.now += stall;
        next = p.now + SOTTO_MS(200);
    }
    usrsctp_get_stat(&after);
    assert_int_equal(after.sctps_timodata, before.sctps_timodata);
    assert_int_equal(after.sctps_sendretransdata, before.sctps_sendretransdata);
    assert_true(p.b.message_bytes > (stall == 0 ? 4000000 : 1000000));
    free(data);
    pair_close(&p);
}

/* RFC 9260 §6.3.2, R3. */
static void nothing_is_sent_twice_while_nothing_is_lost(void **state)
{
    (void)state;
    send_nothing_twice(0);
}

static void a_machine_that_stalls_sends_nothing_twice(void **state)
{
    (void)state;
    send_nothing_twice(SOTTO_MS(250));
    send_nothing_twice(SOTTO_MS(400));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_thread_stays_of_those_that_usrsctp_starts), /* the first: it is started then */
        cmocka_unit_test(messages_of_all_sizes_arrive_whole),
        cmocka_unit_test(reset_both_ways_and_the_stream_is_used_again),
        cmocka_unit_test(a_peer_that_cannot_reset_gives_a_denied_answer),
        cmocka_unit_test(peers_with_other_numbers_of_streams_and_ports_meet),
        cmocka_unit_test(close_reaches_the_peer_behind_its_pending_data),
        cmocka_unit_test(small_messages_of_a_turn_share_packets_and_a_lone_one_leaves_at_once),
        cmocka_unit_test(a_reset_comes_behind_the_small_messages_before_it),
        cmocka_unit_test(packets_of_a_turn_are_acknowledged_together),
        cmocka_unit_test(a_long_path_is_filled),
        cmocka_unit_test(nothing_is_sent_twice_while_nothing_is_lost),
        cmocka_unit_test(a_machine_that_stalls_sends_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
