/* SPDX-License-Identifier: BSD-2-Clause */
/* Two associations in one process over a virtual link: messages, streams, back-pressure, resets, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_all_sizes_arrive_whole),
        cmocka_unit_test(reset_both_ways_and_the_stream_is_used_again),
        cmocka_unit_test(close_reaches_the_peer_behind_its_pending_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
