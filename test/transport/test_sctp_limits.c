/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds and ends: what stops, what stays flat, what is told when memory, windows or peers give out. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sctp_pair.h"
#include "sotto/data.h"
#include "util/mem.h"
#include "util/time.h"

static const struct link_cfg lan = {.delay = SOTTO_MS(1)};

/* Bytes of the C heap in use; under ASan, which replaces it, this is 0 and the comparisons hold trivially. */
static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void
a_message_of_the_largest_size_passes_and_one_byte_more_ends_the_association(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        struct pair p;
        struct sctp_cfg a, b;
        pair_cfg(&a), pair_cfg(&b);
        b.max_message_size = 1000000;
        pair_open_cfg(&p, &lan, &a, &b);
        pair_connect(&p);
        uint8_t *data = calloc(1, 1000001);
        assert_int_equal(side_send(&p, &p.a, 0, "first", 5), 0);
        assert_int_equal(side_send(&p, &p.a, 0, data, 1000000 + extra), 0);
        pair_run(&p, SOTTO_SECONDS(5));
        assert_int_equal(p.b.inbox[0].len, 5);
        assert_int_equal(p.b.n_inbox, extra ? 1 : 2);
        assert_int_equal(p.b.pull_error, extra ? SOTTO_E_PROTO : 0);
        assert_int_equal(p.b.down, extra);
        assert_int_equal(p.b.error, extra ? SOTTO_E_PROTO : 0);
        assert_int_equal(p.a.down, extra);
        free(data);
        pair_close(&p);
    }
}

static void messages_at_the_upper_end_pass_a_small_and_a_large_window(void **state)
{
    (void)state;
    struct pair p;
    struct sctp_cfg a, b;
    pair_cfg(&a), pair_cfg(&b);
    b.max_message_size = SOTTO_MAX_MESSAGE;
    pair_open_cfg(&p, &lan, &a, &b);
    pair_connect(&p);
    uint8_t *data = malloc(SOTTO_MAX_MESSAGE + 1);
    for (size_t i = 0; i < SOTTO_MAX_MESSAGE; i++) data[i] = (uint8_t)(i * 7 + (i >> 12));
    assert_int_equal(side_send(&p, &p.a, 0, data, SOTTO_MAX_MESSAGE + 1), SOTTO_E_TOO_BIG);
    assert_int_equal(side_send(&p, &p.a, 0, data, SOTTO_MAX_MESSAGE), 0);
    assert_false(sotto__sctp_writable(p.a.s, 1));
    pair_run(&p, SOTTO_SECONDS(10));
    assert_int_equal(p.b.n_inbox, 1);
    assert_int_equal(p.b.inbox[0].len, SOTTO_MAX_MESSAGE);
    assert_memory_equal(p.b.inbox[0].data, data, SOTTO_MAX_MESSAGE);
    assert_true(sotto__sctp_writable(p.a.s, 1));
    free(data);
    pair_close(&p);
}

static void bad_arguments_are_told(void **state)
{
    (void)state;
    struct pair p;
    struct sctp_cfg cfg;
    struct sctp *s = NULL;
    pair_cfg(&cfg);
    cfg.max_message_size = SOTTO_MAX_MESSAGE + 1;
    assert_int_equal(sotto__sctp_new(&s, &cfg, 0), SOTTO_E_INVAL);
    cfg.max_message_size = 0;
    assert_int_equal(sotto__sctp_new(&s, &cfg, 0), SOTTO_E_INVAL);
    pair_open(&p, &lan);
    assert_int_equal(side_send(&p, &p.a, 0, "x", 1), SOTTO_E_STATE); /* not up yet */
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, 0), SOTTO_E_STATE);
    assert_false(sotto__sctp_writable(p.a.s, 1));
    pair_connect(&p);
    assert_int_equal(side_send(&p, &p.a, 0, "", 0), SOTTO_E_INVAL);
    assert_int_equal(side_send(&p, &p.a, SOTTO_STREAMS_OUT, "x", 1), SOTTO_E_INVAL);
    assert_int_equal(side_send(&p, &p.a, SOTTO_STREAMS_OUT - 1, "x", 1), 0);
    assert_int_equal(sotto__sctp_reset(p.a.s, p.now, SOTTO_STREAMS_OUT), SOTTO_E_INVAL);
    sotto__sctp_free(NULL);
    pair_close(&p);
}

/* Send until told to stop; how many were taken. `writable` must have said the same each time. */
static uint64_t send_until_full(struct pair *p, const uint8_t *data, size_t n, uint64_t most)
{
    uint64_t taken = 0;
    for (; taken < most; taken++) {
        bool writable = sotto__sctp_writable(p->a.s, n);
        int r = side_send(p, &p->a, (uint16_t)(taken % 8), data, n);
        assert_int_equal(r, writable ? 0 : SOTTO_E_AGAIN);
        if (r < 0) break;
    }
    return taken;
}

/* proves: H127 */
static void a_reader_that_stops_for_a_minute_loses_nothing_and_costs_nothing(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 100, 1000, 60000, 262144};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct pair p;
        uint64_t sent = 0;
        uint8_t *data = calloc(1, sizes[i]);
        pair_open(&p, &lan);
        pair_connect(&p);
        size_t before = heap(), full = 0;
        p.b.discard = true, p.b.reading = false;
        for (int step = 0; step < 600; step++) {
            sent += send_until_full(&p, data, sizes[i], 1u << 20);
            pair_run(&p, SOTTO_MS(100));
            if (heap() > before + full) full = heap() - before;
        }
        assert_false(p.a.down || p.b.down);
        assert_in_range(full, 0, 8u * 1024 * 1024);
        assert_int_equal(p.b.messages, 0);
        p.b.reading = true;
        for (int step = 0; step < 20; step++) {
            sent += send_until_full(&p, data, sizes[i], 100);
            pair_run(&p, SOTTO_MS(500));
        }
        pair_run(&p, SOTTO_SECONDS(30));
        assert_int_equal(p.b.messages, sent);
        assert_int_equal(p.b.message_bytes, sent * sizes[i]);
        print_message("    %6zu B: %llu sent, %.1f MB at most on both sides\n", sizes[i],
                      (unsigned long long)sent, (double)full / 1e6);
        free(data);
        pair_close(&p);
    }
}

/* A sender by usrsctp counts unanswered probes, and chunks sent 30 times: both would end the association. */
static void both_sides_stop_reading_for_ten_minutes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 1000, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct pair p;
        uint64_t sent[2] = {0, 0};
        uint8_t *data = calloc(1, sizes[i]);
        pair_open(&p, &lan);
        pair_connect(&p);
        size_t before = heap();
        p.a.discard = p.b.discard = true, p.a.reading = p.b.reading = false;
        for (int step = 0; step < 600; step++) {
            while (side_send(&p, &p.a, 1, data, sizes[i]) == 0) sent[0]++;
            while (side_send(&p, &p.b, 1, data, sizes[i]) == 0) sent[1]++;
            pair_run(&p, SOTTO_SECONDS(1));
        }
        assert_false(p.a.down || p.b.down);
        assert_in_range(heap(), 0, before + 2 * 8 * 1024 * 1024); /* two sides */
        p.a.reading = p.b.reading = true;
        pair_run(&p, SOTTO_SECONDS(60));
        assert_int_equal(p.b.messages, sent[0]);
        assert_int_equal(p.a.messages, sent[1]);
        free(data);
        pair_close(&p);
    }
}

static void the_backlog_is_bounded_in_messages_and_in_bytes(void **state)
{
    (void)state;
    struct pair p;
    uint8_t *data = calloc(1, 70000);
    pair_open(&p, &lan);
    pair_connect(&p);
    p.link.down = true; /* nothing is acknowledged */
    assert_int_equal(send_until_full(&p, data, 1, 1u << 20), SOTTO_SCTP_BACKLOG_MESSAGES);
    for (int i = 0; i < 20; i++) { /* and time does not make more room */
        pair_run(&p, SOTTO_MS(100));
        assert_int_equal(send_until_full(&p, data, 1, 1u << 20), 0);
    }
    pair_close(&p);
    pair_open(&p, &lan);
    pair_connect(&p);
    p.link.down = true;
    uint64_t n = send_until_full(&p, data, 70000, 1u << 20);
    assert_int_equal(n, SOTTO_SCTP_BACKLOG / 70000);
    assert_true(sotto__sctp_writable(p.a.s, 10));
    free(data);
    pair_close(&p);
}

static void abandoned_messages_leave_the_backlog(void **state)
{
    (void)state;
    struct pair p;
    struct link_cfg link = {
        .seed = 5, .delay = SOTTO_MS(20), .loss = 0.05, .jitter = SOTTO_MS(3), .rate_bps = 2000000};
    uint8_t *data = calloc(1, 5000);
    pair_open(&p, &link);
    pair_connect(&p);
    p.b.discard = true;
    for (int kind = 0; kind < 2; kind++)
        for (int round = 0; round < 300; round++) {
            struct sctp_send_opt opt = {.sid = 1,
                                        .ppid = 53,
                                        .unordered = round % 2,
                                        .limit = kind ? 0 : 5,
                                        .reliability = kind ? SOTTO_DC_MAX_RETRANSMITS
                                                            : SOTTO_DC_MAX_LIFETIME};
            size_t n = round % 3 ? 10 : 5000;
            while (sotto__sctp_send(p.a.s, p.now, &opt, data, n) == 0) continue;
            pair_run(&p, SOTTO_MS(50));
        }
    pair_run(&p, SOTTO_SECONDS(60));
    assert_false(p.a.down || p.b.down);
    p.link.loss = 0;
    p.link.down = true; /* room for as many as ever: none is still counted */
    assert_int_equal(send_until_full(&p, data, 1, 1u << 20), SOTTO_SCTP_BACKLOG_MESSAGES);
    free(data);
    pair_close(&p);
}

static void a_full_outbox_loses_packets_and_sctp_repeats_them(void **state)
{
    (void)state;
    struct pair p;
    struct sctp_stats stats;
    uint8_t *data = calloc(1, 1000);
    pair_open(&p, &lan);
    pair_connect(&p);
    /* The peer's heartbeat-like control traffic: each of these is answered, and nobody takes the answers away. */
    uint8_t heartbeat[12 + 12] = {5000 >> 8, 5000 & 255, 5000 >> 8, 5000 & 255};
    bool got = false;
    struct sctp_out out;
    assert_int_equal(side_send(&p, &p.b, 0, data, 1000), 0);
    while (sotto__sctp_next(p.b.s, p.now, &out) > 0)
        memcpy(heartbeat + 4, out.p + 4, 4), got = true; /* A's tag */
    assert_true(got);
    memcpy(heartbeat + 12,
           "\x04\x00\x00\x0c\x00\x01\x00\x08"
           "abcd",
           12);
    for (unsigned i = 0; i < SOTTO_SCTP_OUTBOX + 500; i++)
        assert_int_equal(sotto__sctp_input(p.a.s, p.now, heartbeat, sizeof heartbeat), 0);
    sotto__sctp_get_stats(p.a.s, &stats);
    assert_int_equal(stats.outbox_dropped, 500);
    p.tap = NULL;
    pair_run(&p, SOTTO_SECONDS(3));
    assert_int_equal(side_send(&p, &p.a, 0, data, 1000), 0);
    pair_run(&p, SOTTO_SECONDS(10));
    assert_int_equal(p.a.n_inbox, 1);
    assert_int_equal(p.b.n_inbox, 1);
    free(data);
    pair_close(&p);
}

static void a_reset_is_told_beside_a_full_window(void **state)
{
    (void)state;
    struct pair p;
    uint8_t *data = calloc(1, 60000);
    pair_open(&p, &lan);
    pair_connect(&p);
    p.a.reading = p.b.reading = false; /* both windows are full */
    for (int i = 0; i < 100; i++) {
        side_send(&p, &p.a, 1, data, 60000);
        side_send(&p, &p.b, 1, data, 60000);
        pair_run(&p, SOTTO_MS(100));
    }
    for (uint16_t sid = 100; sid < 110; sid++)
        assert_int_equal(sotto__sctp_reset(p.a.s, p.now, sid), 0);
    pair_run(&p, SOTTO_SECONDS(180));
    p.a.reading = p.b.reading = true;
    pair_run(&p, SOTTO_SECONDS(20));
    int in = 0, out = 0;
    for (size_t i = 0; i < p.b.n_inbox; i++) in += p.b.inbox[i].type == SCTP_MSG_RESET_IN;
    for (size_t i = 0; i < p.a.n_inbox; i++)
        out += p.a.inbox[i].type == SCTP_MSG_RESET_OUT && !p.a.inbox[i].denied;
    assert_int_equal(in, 10);
    assert_int_equal(out, 10);
    free(data);
    pair_close(&p);
}

static void all_streams_are_reset_at_once_and_again(void **state)
{
    (void)state;
    struct pair p;
    struct link_cfg link = {.seed = 3, .delay = SOTTO_MS(10), .loss = 0.05};
    pair_open(&p, &link);
    pair_connect(&p);
    for (int round = 0; round < 3; round++) {
        for (uint16_t sid = 0; sid < SOTTO_STREAMS_OUT; sid++) {
            int r;
            while ((r = side_send(&p, &p.a, sid, "data", 4)) == SOTTO_E_AGAIN) pair_step(&p);
            assert_int_equal(r, 0);
            assert_int_equal(sotto__sctp_reset(p.a.s, p.now, sid), 0);
            assert_int_equal(sotto__sctp_reset(p.a.s, p.now, sid), SOTTO_E_AGAIN);
        }
        pair_run(&p, SOTTO_SECONDS(60));
        assert_int_equal(p.a.n_inbox, SOTTO_STREAMS_OUT);
        assert_int_equal(p.b.n_inbox, 2 * SOTTO_STREAMS_OUT);
        for (size_t i = 0; i < p.a.n_inbox; i++) assert_false(p.a.inbox[i].denied);
        side_clear(&p.a);
        side_clear(&p.b);
    }
    pair_close(&p);
}

static bool a_down(struct pair *p)
{
    return p->a.down;
}

static void a_peer_that_vanishes_is_noticed_within_65_seconds_of_silence(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    pair_connect(&p);
    p.link.down = true;
    assert_int_equal(side_send(&p, &p.a, 0, "anyone?", 7), 0);
    sotto_us start = p.now;
    assert_true(pair_run_until(&p, SOTTO_SECONDS(70), a_down));
    print_message("    after %.1f s\n", (double)(p.now - start) / 1e6);
    assert_int_equal(p.a.error, SOTTO_E_NETWORK);
    assert_int_equal(sotto__sctp_due(p.a.s), SOTTO_NEVER);
    pair_close(&p);
}

static void a_peer_that_never_answers_ends_as_a_network_failure(void **state)
{
    (void)state;
    struct pair p;
    struct link_cfg link = {.down = true};
    pair_open(&p, &link);
    assert_true(pair_run_until(&p, SOTTO_SECONDS(90), a_down));
    assert_int_equal(p.a.error, SOTTO_E_NETWORK);
    assert_false(p.a.up);
    pair_close(&p);
}

static void idle_associations_tick_ten_times_a_second(void **state)
{
    (void)state;
    struct pair p;
    pair_open(&p, &lan);
    pair_connect(&p);
    pair_run(&p, SOTTO_SECONDS(3));
    int steps = 0;
    for (sotto_us end = p.now + SOTTO_SECONDS(10); p.now < end; steps++) {
        p.now = sotto__earlier(sotto__sctp_due(p.a.s), sotto__sctp_due(p.b.s));
        test_clock_set(p.now);
        pair_collect(&p);
    }
    assert_in_range(steps, 90, 110);
    pair_close(&p);
}

static void open_and_free(struct pair *p, int kind)
{
    pair_open(p, &lan);
    if (kind != 1) pair_connect(p);
    if (kind >= 2) {
        for (int i = 0; i < 20; i++) side_send(p, &p->a, (uint16_t)i, "in flight", 9);
        pair_collect(p);
        p->b.reading = false;
        if (kind == 3) pair_run(p, SOTTO_MS(20)); /* unread messages remain */
        if (kind == 4) sotto__sctp_close(p->a.s, p->now);
        if (kind == 5) pair_run(p, SOTTO_MS(2));
    }
    pair_close(p);
}

/* proves: A08 */
static void a_thousand_associations_leave_nothing_behind(void **state)
{
    (void)state;
    struct pair p;
    int64_t live = sotto__mem_live();
    size_t before = 0;
    for (int i = 0; i < 1000; i++) {
        if (i == 100) before = heap();
        open_and_free(&p, i % 6);
    }
    assert_int_equal(sotto__mem_live(), live);
    assert_in_range(heap(), 0, before + 64 * 1024);
}

static int whole_life(struct pair *p)
{
    struct sctp_cfg cfg;
    pair_cfg(&cfg);
    *p = (struct pair){.now = test_clock() + 1000000, .link = lan};
    test_clock_set(p->now);
    p->a.reading = p->b.reading = true;
    int r = sotto__sctp_new(&p->a.s, &cfg, p->now);
    if (r == 0) r = sotto__sctp_new(&p->b.s, &cfg, p->now);
    if (r < 0) return r;
    uint8_t data[3000] = {1};
    int sent = 0;
    for (int i = 0; i < 400 && p->b.messages < 5; i++) { /* a reset among them */
        p->a.pull_error = p->b.pull_error = 0;
        if (p->a.up && sent < 3 && side_send(p, &p->a, (uint16_t)sent, data, sizeof data) == 0)
            sent++;
        if (sent == 3 && sotto__sctp_reset(p->a.s, p->now, 1) == 0) sent++;
        if (sent == 4 && side_send(p, &p->a, 5, data, 10) == 0) sent++;
        pair_step(p);
    }
    assert_int_equal(p->b.messages, 5); /* lost packets are repeated, and messages stay until there is memory */
    return 0;
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    for (uint64_t n = 1;; n++) {
        struct pair p;
        sotto__mem_fail_at(n);
        int r = whole_life(&p);
        assert_true(r == 0 || r == SOTTO_E_NOMEM);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        pair_close(&p);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) {
            assert_true(n > 10);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_message_of_the_largest_size_passes_and_one_byte_more_ends_the_association),
        cmocka_unit_test(messages_at_the_upper_end_pass_a_small_and_a_large_window),
        cmocka_unit_test(bad_arguments_are_told),
        cmocka_unit_test(a_reader_that_stops_for_a_minute_loses_nothing_and_costs_nothing),
        cmocka_unit_test(both_sides_stop_reading_for_ten_minutes),
        cmocka_unit_test(the_backlog_is_bounded_in_messages_and_in_bytes),
        cmocka_unit_test(abandoned_messages_leave_the_backlog),
        cmocka_unit_test(a_full_outbox_loses_packets_and_sctp_repeats_them),
        cmocka_unit_test(a_reset_is_told_beside_a_full_window),
        cmocka_unit_test(all_streams_are_reset_at_once_and_again),
        cmocka_unit_test(a_peer_that_vanishes_is_noticed_within_65_seconds_of_silence),
        cmocka_unit_test(a_peer_that_never_answers_ends_as_a_network_failure),
        cmocka_unit_test(idle_associations_tick_ten_times_a_second),
        cmocka_unit_test(a_thousand_associations_leave_nothing_behind),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
