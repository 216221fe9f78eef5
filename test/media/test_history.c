/* SPDX-License-Identifier: BSD-2-Clause */
/* The history of one encoding: what is found in it, and its bounds by number, bytes and age, each one past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "media/history.h"
#include "util/mem.h"

#define T0 SOTTO_SECONDS(1000)

struct rig {
    struct history *h;
    struct pacer pacer;
    int64_t seq; /* of the next packet */
    int64_t live;
};

static void start(struct rig *r, int64_t seq)
{
    *r = (struct rig){.seq = seq, .live = sotto__mem_live()};
    sotto__pacer_init(&r->pacer);
    assert_int_equal(sotto__history_new(&r->h, SOTTO_HISTORY_PACKETS), 0);
}

static void end(struct rig *r)
{
    sotto__history_free(r->h, &r->pacer);
    assert_int_equal(sotto__mem_live(), r->live);
    for (size_t i = 0; i < PACER_CLASSES; i++) assert_int_equal(r->pacer.packets[i], 0);
}

static void leave(struct sent_packet *pkt, sotto_us now)
{
    pkt->has_left = true;
    pkt->sent = pkt->frame->at = now;
}

/* A frame of n packets that are said to have `bytes` each; has_left: else it waits in the pacer. */
static struct sent_frame *add(struct rig *r, sotto_us now, size_t n, size_t bytes, bool has_left)
{
    struct sent_frame *f = sotto__calloc(1, sizeof *f + n * sizeof f->packets[0]);
    assert_non_null(f);
    f->n_packets = n, f->n_bytes = n * bytes, f->at = now;
    for (size_t i = 0; i < n; i++) {
        f->packets[i].frame = f;
        f->packets[i].seq = r->seq++;
        f->packets[i].n = (uint16_t)bytes;
        if (has_left)
            leave(&f->packets[i], now);
        else
            sotto__pacer_push(&r->pacer, now, PACER_VIDEO, &f->packets[i], now);
    }
    sotto__history_add(r->h, now, f, &r->pacer);
    return f;
}

static struct sent_packet *get(struct rig *r, sotto_us now, int64_t seq)
{
    return sotto__history_get(r->h, now, (uint16_t)seq);
}

static void packets_are_found_by_number_across_wraps(void **state)
{
    (void)state;
    struct rig r;
    start(&r, 65530);
    for (size_t i = 0; i < 40000; i++) {
        struct sent_frame *f = add(&r, T0, 2, 100, true);
        assert_ptr_equal(get(&r, T0, r.seq - 1), &f->packets[1]);
        assert_ptr_equal(get(&r, T0, r.seq - 2), &f->packets[0]);
        assert_null(get(&r, T0, r.seq));
        assert_null(get(&r, T0, r.seq - 2 - (int64_t)SOTTO_HISTORY_PACKETS));
        assert_null(get(&r, T0, r.seq + 32768));
    }
    end(&r);
}

static void as_many_packets_as_the_limit_are_kept_and_no_more(void **state)
{
    (void)state;
    struct rig r;
    start(&r, 100);
    for (size_t i = 0; i < SOTTO_HISTORY_PACKETS; i++) add(&r, T0, 1, 100, true);
    assert_non_null(get(&r, T0, 100));
    assert_int_equal(r.h->n_packets, SOTTO_HISTORY_PACKETS);
    add(&r, T0, 1, 100, true);
    assert_null(get(&r, T0, 100));
    assert_non_null(get(&r, T0, 101));
    assert_int_equal(r.h->n_packets, SOTTO_HISTORY_PACKETS);
    end(&r);
}

static void as_many_bytes_as_the_limit_are_kept_and_no_more(void **state)
{
    (void)state;
    struct rig r;
    start(&r, 0);
    for (size_t i = 0; i < 4; i++) add(&r, T0, SOTTO_HISTORY_BYTES / 4 / 4096, 4096, true);
    assert_int_equal(r.h->n_bytes, SOTTO_HISTORY_BYTES);
    assert_non_null(get(&r, T0, 0));
    add(&r, T0, 1, 1, true);
    assert_null(get(&r, T0, 0));
    assert_non_null(get(&r, T0, SOTTO_HISTORY_BYTES / 4 / 4096));
    end(&r);
}

static void packets_as_old_as_the_limit_are_kept_and_no_older(void **state)
{
    (void)state;
    struct rig r;
    start(&r, 7);
    add(&r, T0, 1, 100, true);
    assert_non_null(get(&r, T0 + SOTTO_HISTORY_US, 7));
    assert_null(get(&r, T0 + SOTTO_HISTORY_US + 1, 7)); /* also while nothing is sent */
    add(&r, T0 + SOTTO_HISTORY_US, 1, 100, true);
    assert_int_equal(r.h->n_packets, 2);
    add(&r, T0 + SOTTO_HISTORY_US + 1, 1, 100, true);
    assert_int_equal(r.h->n_packets, 2);
    end(&r);
}

static void what_has_not_left_is_not_found_and_not_dropped(void **state)
{
    (void)state;
    struct rig r;
    start(&r, 0);
    struct sent_frame *f = add(&r, T0, SOTTO_HISTORY_PACKETS + 1, 100, false);
    assert_null(get(&r, T0, 2));
    add(&r, T0 + SOTTO_HISTORY_US + 1, 1, 100, false);
    assert_int_equal(r.h->n_packets, SOTTO_HISTORY_PACKETS + 2);
    for (struct sent_packet *k; (k = sotto__pacer_next(&r.pacer, T0 + SOTTO_HISTORY_US + 1));)
        leave(k, T0 + SOTTO_HISTORY_US + 1);
    assert_ptr_equal(get(&r, T0 + SOTTO_HISTORY_US + 1, 2), &f->packets[2]);
    add(&r, T0 + SOTTO_HISTORY_US + 2, 1, 100, false);
    assert_int_equal(r.h->n_packets, 2);
    assert_null(get(&r, T0 + SOTTO_HISTORY_US + 2, 2));
    end(&r);
}

static void a_repair_that_waits_leaves_the_pacer_with_its_frame(void **state)
{
    (void)state;
    struct rig r;
    start(&r, 0);
    struct sent_frame *f = add(&r, T0, 2, 100, true);
    sotto__pacer_push(&r.pacer, T0, PACER_REPAIR, &f->packets[1], T0);
    add(&r, T0 + SOTTO_HISTORY_US + 1, 1, 100, true);
    assert_int_equal(r.h->n_packets, 1);
    assert_int_equal(r.pacer.packets[PACER_REPAIR], 0);
    assert_null(sotto__pacer_next(&r.pacer, T0 + SOTTO_SECONDS(10)));
    end(&r);
}

static void what_is_to_be_kept_out_is_not_found(void **state)
{
    (void)state;
    struct rig r;
    start(&r, 5);
    struct sent_frame *f = sotto__calloc(1, sizeof *f + sizeof f->packets[0]);
    assert_non_null(f);
    f->n_packets = f->n_bytes = 1, f->keep_out = true, f->at = T0;
    f->packets[0] = (struct sent_packet){.frame = f, .n = 1, .seq = 5, .has_left = true};
    sotto__history_add(r.h, T0, f, &r.pacer);
    assert_null(get(&r, T0, 5));
    end(&r);
}

static void without_memory_there_is_no_history(void **state)
{
    (void)state;
    struct history *h = NULL;
    sotto__mem_fail_at(1);
    assert_int_equal(sotto__history_new(&h, 16), SOTTO_E_NOMEM);
    sotto__mem_fail_at(0);
    assert_null(h);
    sotto__history_free(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_found_by_number_across_wraps),
        cmocka_unit_test(as_many_packets_as_the_limit_are_kept_and_no_more),
        cmocka_unit_test(as_many_bytes_as_the_limit_are_kept_and_no_more),
        cmocka_unit_test(packets_as_old_as_the_limit_are_kept_and_no_older),
        cmocka_unit_test(what_has_not_left_is_not_found_and_not_dropped),
        cmocka_unit_test(a_repair_that_waits_leaves_the_pacer_with_its_frame),
        cmocka_unit_test(what_is_to_be_kept_out_is_not_found),
        cmocka_unit_test(without_memory_there_is_no_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
