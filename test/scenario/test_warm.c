/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A warm connection allocates nothing for a packet: messages are sent and taken while the calls of util/mem are counted, and
 * what is counted follows their number, not that of their packets.
 */
#include "cmocka_all.h"
#include "media.h"
#include "util/mem.h"

/* What may be allocated for one message: its copy while it waits to be sent, the block that becomes the application's. */
enum { FOR_A_MESSAGE = 3 };

static const struct net_link ethernet = {.delay_us = SOTTO_MS(5), .mtu = 1472};

static bool all_arrived(struct pair *p, void *arg)
{
    struct chan **a = arg;
    (void)p;
    return a[0]->bulk_left == 0 && a[1]->bulk_left == 0 && a[0]->n_in == a[1]->n_out &&
           a[1]->n_in == a[0]->n_out;
}

static void move(struct pair *p, struct chan *a[2], uint64_t messages, size_t size)
{
    chan_bulk(a[0], messages, size);
    chan_bulk(a[1], messages, size);
    assert_true(pair_until(p, SOTTO_SECONDS(600), all_arrived, a));
}

/* The calls of util/mem for n messages each way, and the datagrams that they took. */
static uint64_t calls_of(struct pair *p, struct chan *a[2], uint64_t n, size_t size, uint64_t *ret)
{
    uint64_t calls = sotto__mem_calls(), sent = p->net->count.sent;
    move(p, a, n, size);
    *ret = p->net->count.sent - sent;
    return sotto__mem_calls() - calls;
}

static void small_messages_allocate_for_themselves_only(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 64, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct chan *a[2];
        struct pair *p = pair_connected(10 + i, NULL, a);
        uint64_t packets;
        move(p, a, 10000, sizes[i]);
        uint64_t calls = calls_of(p, a, 10000, sizes[i], &packets);
        print_message("%zu B: %.3f calls a message\n", sizes[i], (double)calls / 20000);
        assert_true(calls <= 2 * 10000 * FOR_A_MESSAGE);
        pair_free(p);
    }
}

static void packets_of_large_messages_allocate_nothing(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(20, NULL, a);
    uint64_t packets;
    net_link_both(p->net, p->side[0].host, p->side[1].host, &ethernet);
    move(p, a, 200, 65536);
    uint64_t calls = calls_of(p, a, 200, 65536, &packets);
    print_message("64 KiB: %.3f calls a message, %d packets\n", (double)calls / 400, (int)packets);
    assert_true(packets > 2 * 200 * 2 * FOR_A_MESSAGE);
    assert_true(calls <= 2 * 200 * FOR_A_MESSAGE);
    pair_free(p);
}

/* Of a frame: its packets in one block, the frame that is put together and its pieces, what holds it. */
enum { FOR_A_FRAME = 5 };

static void packets_of_frames_allocate_nothing(void **state)
{
    (void)state;
    struct media_opt opt = {.video_bytes = 50000, .off = {[1] = {true, true}}};
    opt.off[0][MEDIA_AUDIO] = true;
    struct media *m = media_new(30, &opt);
    media_run(m, SOTTO_SECONDS(20));
    uint64_t calls = sotto__mem_calls(), sent = m->pair->net->count.sent;
    uint64_t frames = m->side[1].in[MEDIA_VIDEO].frames;
    media_run(m, SOTTO_SECONDS(20));
    calls = sotto__mem_calls() - calls, sent = m->pair->net->count.sent - sent;
    frames = m->side[1].in[MEDIA_VIDEO].frames - frames;
    print_message("video: %.3f calls a frame, %.1f packets a frame\n",
                  (double)calls / (double)frames, (double)sent / (double)frames);
    assert_true(frames > 500 && sent > 40 * frames);
    assert_true(calls <= frames * FOR_A_FRAME);
    media_free(m);
}

/* Sends packets of the application's own making, which are taken as they come: how many came so far. */
static uint64_t blast(struct media *m, uint16_t *seq, unsigned rounds)
{
    static uint8_t packet[SOTTO_MAX_RTP] = {0x80};
    packet[1] = (uint8_t)m->side[0].pt[MEDIA_VIDEO];
    for (unsigned i = 0; i < rounds; i++) {
        sotto_ctx_batch(m->pair->side[0].ctx, true);
        for (int k = 0; k < 50; k++, ++*seq) {
            packet[2] = (uint8_t)(*seq >> 8), packet[3] = (uint8_t)*seq;
            size_t n = sizeof packet - (*seq & 63); /* of many sizes */
            assert_int_equal(sotto_transceiver_send_rtp(m->side[0].t[MEDIA_VIDEO], packet, n), 0);
        }
        sotto_ctx_batch(m->pair->side[0].ctx, false);
        pair_run(m->pair, SOTTO_MS(5));
    }
    return m->pair->side[1].n_events[SOTTO_EV_RTP];
}

static void packets_of_the_application_allocate_nothing(void **state)
{
    (void)state;
    struct media_opt opt = {.off = {[1] = {true, true}}};
    uint16_t seq = 1000;
    opt.off[0][MEDIA_AUDIO] = opt.off[0][MEDIA_VIDEO] = true;
    struct media *m = media_new(31, &opt);
    sotto_transceiver *to = m->side[1].t[MEDIA_VIDEO];
    assert_int_equal(sotto_transceiver_set_receive_mode(to, SOTTO_RECEIVE_RTP), 0);
    uint64_t before = blast(m, &seq, 200);
    uint64_t calls = sotto__mem_calls();
    uint64_t taken = blast(m, &seq, 200) - before;
    calls = sotto__mem_calls() - calls;
    print_message("RTP: %.4f calls a packet\n", (double)calls / (double)taken);
    assert_true(taken > 9900);
    assert_true(calls <= taken / 100); /* RTCP, timers */
    media_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_messages_allocate_for_themselves_only),
        cmocka_unit_test(packets_of_large_messages_allocate_nothing),
        cmocka_unit_test(packets_of_frames_allocate_nothing),
        cmocka_unit_test(packets_of_the_application_allocate_nothing),
    };
    return cmocka_run_group_tests_name("warm", tests, NULL, NULL);
}
