/* SPDX-License-Identifier: BSD-2-Clause */
/* When packets leave: order of the classes, times of video, rates, the limit of the queues; all in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "media/history.h"

#define PAYLOAD 1140u
#define T0 SOTTO_SECONDS(1000)

/* A frame of n packets with payloads of `bytes`, without any bytes. */
static struct sent_frame *frame_of(size_t n, size_t bytes)
{
    struct sent_frame *f = calloc(1, sizeof *f + n * sizeof f->packets[0]);
    assert_non_null(f);
    f->n_packets = n;
    for (size_t i = 0; i < n; i++)
        f->packets[i] = (struct sent_packet){.frame = f, .n = (uint16_t)bytes, .seq = (int64_t)i};
    return f;
}

/* Pushes all, evenly spread over span from `at` on. */
static void spread(struct pacer *p, sotto_us now, struct sent_frame *f, sotto_us at, sotto_us span)
{
    for (size_t i = 0; i < f->n_packets; i++)
        sotto__pacer_push(p, now, PACER_VIDEO, &f->packets[i],
                          at + span * (sotto_us)i / (sotto_us)f->n_packets);
}

static void push_all(struct pacer *p, sotto_us now, enum pacer_class c, struct sent_frame *f)
{
    for (size_t i = 0; i < f->n_packets; i++) sotto__pacer_push(p, now, c, &f->packets[i], now);
}

/* Goes on to when the next packet is due: it must come then, and not a microsecond earlier. */
static struct sent_packet *step(struct pacer *p, sotto_us *now)
{
    sotto_us due = sotto__pacer_due(p);
    if (due == SOTTO_NEVER) {
        assert_null(sotto__pacer_next(p, *now));
        return NULL;
    }
    if (due > *now) {
        assert_null(sotto__pacer_next(p, due - 1));
        *now = due;
    }
    struct sent_packet *pkt = sotto__pacer_next(p, *now);
    assert_non_null(pkt);
    assert_false(sotto__list_linked(&pkt->queue));
    return pkt;
}

static void assert_empty(struct pacer *p)
{
    assert_int_equal(sotto__pacer_due(p), SOTTO_NEVER);
    assert_null(sotto__pacer_next(p, SOTTO_SECONDS(1000000)));
    for (size_t i = 0; i < PACER_CLASSES; i++) {
        assert_int_equal(p->bytes[i], 0);
        assert_int_equal(p->packets[i], 0);
    }
    assert_int_equal(p->used, 0);
}

static void audio_leaves_before_repairs_and_repairs_before_video(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *video = frame_of(2, 100), *repair = frame_of(2, 100),
                      *audio = frame_of(2, 9);
    sotto__pacer_init(&p);
    push_all(&p, T0, PACER_VIDEO, video);
    push_all(&p, T0, PACER_REPAIR, repair);
    push_all(&p, T0, PACER_AUDIO, audio);
    assert_int_equal(video->unsent, 2);
    assert_int_equal(audio->unsent, 2);
    assert_int_equal(repair->unsent, 0); /* it was sent already */
    struct sent_frame *order[] = {audio, repair, video};
    for (size_t i = 0; i < 6; i++)
        assert_ptr_equal(sotto__pacer_next(&p, T0), &order[i / 2]->packets[i % 2]);
    assert_int_equal(video->unsent, 0);
    assert_empty(&p);
    free(video), free(repair), free(audio);
}

static void a_key_frame_of_50_kb_leaves_evenly_within_33_ms(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(44, PAYLOAD);
    sotto_us now = T0, last = T0;
    size_t in_burst = 0;
    sotto__pacer_init(&p);
    spread(&p, T0, f, T0, 33333);
    for (size_t i = 0; i < 44; i++) {
        struct sent_packet *pkt = step(&p, &now);
        assert_int_equal(pkt->seq, i);
        assert_true(now <= pkt->at || now == T0);
        assert_true(pkt->at - now < PACER_SLOT_US);
        assert_true(now - last <= 5000);
        in_burst = now == last ? in_burst + 1 : 1;
        assert_true(in_burst <= 5); /* 44 packets of 33 ms are 3.3 in 2.5 ms */
        last = now;
    }
    assert_true(now > T0 + 28000 && now < T0 + 33333);
    assert_empty(&p);
    free(f);
}

static void audio_never_waits_between_the_packets_of_a_key_frame(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(100, PAYLOAD);
    size_t video = 0;
    sotto__pacer_init(&p);
    sotto__pacer_set_rate(&p, 1000000); /* not even behind a rate that is used up */
    spread(&p, T0, f, T0, 33333);
    for (sotto_us now = T0; now < T0 + SOTTO_SECONDS(2); now += 700) {
        struct sent_frame *audio = frame_of(1, 80);
        sotto__pacer_push(&p, now, PACER_AUDIO, &audio->packets[0], now);
        assert_int_equal(sotto__pacer_due(&p), now);
        assert_ptr_equal(sotto__pacer_next(&p, now), &audio->packets[0]);
        free(audio);
        while (sotto__pacer_next(&p, now)) video++;
    }
    assert_true(video > 0); /* audio alone is above the rate: what it takes is forgiven in part */
    for (size_t i = 0; i < 100; i++) sotto__pacer_remove(&p, &f->packets[i]);
    free(f);
}

static void two_layers_do_not_starve_each_other(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *large = frame_of(200, PAYLOAD), *small = frame_of(5, PAYLOAD);
    sotto_us now = T0, small_done = 0;
    size_t n = 0;
    sotto__pacer_init(&p);
    spread(&p, T0, large, T0, 40000);
    spread(&p, T0 + 1000, small, T0 + 1000, 10000);
    now = T0 + 1000;
    for (struct sent_packet *pkt; (pkt = step(&p, &now)); n++)
        if (pkt->frame == small) small_done = now;
    assert_int_equal(n, 205);
    assert_true(small_done <= T0 + 11000);
    assert_true(now <= T0 + 40000);
    free(large), free(small);
}

static void packets_of_one_sender_keep_their_order(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(3000, 10);
    sotto_us now = T0, at = T0;
    size_t out = 0;
    srand(7);
    sotto__pacer_init(&p);
    for (size_t in = 0; in < 3000 || out < in;) {
        if (in < 3000 && (rand() % 2 || out == in)) {
            sotto_us room = now + 40000 - at;
            if (at < now)
                at = now;
            else if (room > 0)
                at += rand() % (room < 3000 ? room + 1 : 3000);
            sotto__pacer_push(&p, now, PACER_VIDEO, &f->packets[in++], at);
        } else {
            now += rand() % 2000;
            for (struct sent_packet *k; (k = sotto__pacer_next(&p, now)); out++) {
                assert_int_equal(k->seq, out);
                assert_true(k->at < now + PACER_SLOT_US);
            }
        }
    }
    assert_empty(&p);
    free(f);
}

static void a_time_beyond_the_wheel_is_its_last_slot(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(2, 10);
    sotto_us now = T0;
    sotto__pacer_init(&p);
    sotto__pacer_push(&p, T0, PACER_VIDEO, &f->packets[0], T0 + SOTTO_SECONDS(100));
    sotto__pacer_push(&p, T0, PACER_VIDEO, &f->packets[1], T0 + SOTTO_SECONDS(200));
    assert_ptr_equal(step(&p, &now), &f->packets[0]);
    assert_true(now - T0 > 150000 && now - T0 <= (sotto_us)PACER_SLOTS * PACER_SLOT_US);
    sotto__pacer_remove(&p, &f->packets[1]);
    assert_empty(&p);
    free(f);
}

static void a_packet_is_removed_from_every_place(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(4, 10);
    sotto__pacer_init(&p);
    sotto__pacer_remove(&p, &f->packets[0]); /* not even in it */
    sotto__pacer_push(&p, T0, PACER_AUDIO, &f->packets[0], T0);
    sotto__pacer_push(&p, T0, PACER_REPAIR, &f->packets[1], T0);
    sotto__pacer_push(&p, T0, PACER_VIDEO, &f->packets[2], T0);
    sotto__pacer_push(&p, T0, PACER_VIDEO, &f->packets[3], T0 + 20000);
    assert_int_equal(f->unsent, 3);
    for (size_t i = 0; i < 4; i++) sotto__pacer_remove(&p, &f->packets[i]);
    assert_int_equal(f->unsent, 0);
    assert_empty(&p);
    free(f);
}

static void a_rate_holds_within_5_percent(void **state)
{
    static const uint64_t rates[] = {30000, 500000, 2500000, 50000000, 1000000000};
    (void)state;
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        struct pacer p;
        struct sent_frame *f = frame_of(1000, PAYLOAD);
        sotto_us now = T0;
        sotto__pacer_init(&p);
        sotto__pacer_set_rate(&p, rates[r]);
        push_all(&p, T0, PACER_VIDEO, f);
        for (size_t i = 0; i < 1000; i++) step(&p, &now);
        double bits = 1000.0 * (PAYLOAD + PACER_OVERHEAD) * 8;
        double want = bits / (double)rates[r] * 1e6;
        double took = (double)(now - T0) + PACER_BURST_US;
        assert_true(took > want * 0.95 && took < want * 1.05);
        assert_empty(&p);
        free(f);
    }
}

static void a_rate_does_not_let_what_was_not_used_be_made_up_for(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(100, PAYLOAD);
    size_t n = 0;
    sotto__pacer_init(&p);
    sotto__pacer_set_rate(&p, 9440000); /* a packet a millisecond */
    push_all(&p, T0 + SOTTO_SECONDS(60), PACER_VIDEO, f);
    while (sotto__pacer_next(&p, T0 + SOTTO_SECONDS(60))) n++;
    assert_in_range(n, 5, 6);
    sotto__pacer_set_rate(&p, 0); /* no cap any more */
    while (sotto__pacer_next(&p, T0 + SOTTO_SECONDS(60))) n++;
    assert_int_equal(n, 100);
    free(f);
}

static void repairs_of_a_long_loss_are_no_burst(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(1000, PAYLOAD), *video = frame_of(1, PAYLOAD);
    sotto_us now = T0;
    sotto__pacer_init(&p);
    push_all(&p, T0, PACER_REPAIR, f);
    push_all(&p, T0, PACER_VIDEO, video);
    bool video_left = false;
    size_t at_once = 0;
    for (struct sent_packet *pkt; (pkt = sotto__pacer_next(&p, T0)); at_once++)
        video_left = video_left || pkt->frame == video;
    assert_in_range(at_once, 20, 25); /* 5 ms of 40 Mbit/s, and the video that need not wait */
    assert_true(video_left);
    while (step(&p, &now)) {
    }
    assert_in_range(now - T0, 220000, 240000);
    free(f), free(video);
}

static void the_queue_takes_its_limit_and_not_a_byte_more(void **state)
{
    (void)state;
    struct pacer p;
    struct sent_frame *f = frame_of(1, 1000);
    sotto__pacer_init(&p);
    assert_true(sotto__pacer_takes(&p, PACER_VIDEO, SOTTO_MAX_FRAME)); /* empty: any frame */
    sotto__pacer_push(&p, T0, PACER_VIDEO, &f->packets[0], T0);
    assert_true(sotto__pacer_takes(&p, PACER_VIDEO, SOTTO_MAX_PACER_BYTES - 1000));
    assert_false(sotto__pacer_takes(&p, PACER_VIDEO, SOTTO_MAX_PACER_BYTES - 999));
    assert_false(sotto__pacer_takes(&p, PACER_VIDEO, SIZE_MAX));
    assert_true(sotto__pacer_takes(&p, PACER_AUDIO, SOTTO_MAX_FRAME)); /* each class has its own */
    p.bytes[PACER_VIDEO] = SOTTO_MAX_PACER_BYTES + 1; /* after a frame that was larger */
    assert_false(sotto__pacer_takes(&p, PACER_VIDEO, 0));
    p.bytes[PACER_VIDEO] = 0, p.packets[PACER_VIDEO] = SOTTO_MAX_PACER_PACKETS - 1;
    assert_true(sotto__pacer_takes(&p, PACER_VIDEO, 1));
    p.packets[PACER_VIDEO]++;
    assert_false(sotto__pacer_takes(&p, PACER_VIDEO, 1));
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_leaves_before_repairs_and_repairs_before_video),
        cmocka_unit_test(a_key_frame_of_50_kb_leaves_evenly_within_33_ms),
        cmocka_unit_test(audio_never_waits_between_the_packets_of_a_key_frame),
        cmocka_unit_test(two_layers_do_not_starve_each_other),
        cmocka_unit_test(packets_of_one_sender_keep_their_order),
        cmocka_unit_test(a_time_beyond_the_wheel_is_its_last_slot),
        cmocka_unit_test(a_packet_is_removed_from_every_place),
        cmocka_unit_test(a_rate_holds_within_5_percent),
        cmocka_unit_test(a_rate_does_not_let_what_was_not_used_be_made_up_for),
        cmocka_unit_test(repairs_of_a_long_loss_are_no_burst),
        cmocka_unit_test(the_queue_takes_its_limit_and_not_a_byte_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
