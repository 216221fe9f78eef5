/* SPDX-License-Identifier: BSD-2-Clause */
/* The send queues: weights, lifetimes, bounds by bytes and by count. */
#include "duo.h"

static struct channel *open_with(struct duo *d, int32_t priority, int32_t reliability,
                                 uint32_t limit)
{
    sotto_dc_config cfg = {.size = sizeof cfg,
                           .protocol = "",
                           .priority = priority,
                           .reliability = reliability,
                           .limit = limit};
    struct channel *c;
    assert_int_equal(sotto__peer_open_channel(d->a.peer, duo_now(d), "", &cfg, &c), 0);
    return c;
}

static size_t fill(struct duo *d, struct channel *c, size_t n)
{
    static const uint8_t block[4096];
    size_t sent = 0;
    while (sotto__channel_send(d->a.peer, duo_now(d), c, block, n, false) == 0) sent++;
    return sent;
}

static void urgent_channels_get_their_share(void **state)
{
    (void)state; /* RFC 8831 §6.4: weights 128 and 1024 */
    struct duo *d = duo_new(1);
    duo_connect(d);
    struct channel *low = open_with(d, SOTTO_PRIORITY_VERY_LOW, 0, 0);
    struct channel *high = open_with(d, SOTTO_PRIORITY_HIGH, 0, 0);
    duo_run(d, SOTTO_MS(500));
    d->b.paused = true;
    fill(d, sotto__peer_next_channel(d->a.peer, NULL), 4096);
    duo_run(d, SOTTO_SECONDS(2)); /* the windows are closed now: what follows is queued */
    fill(d, low, 4096), fill(d, high, 4096);
    uint64_t low0 = low->buffered, high0 = high->buffered;
    assert_true(low0 > 1000000 && high0 > 1000000);
    d->b.paused = false;
    while (high->buffered > high0 / 2) duo_run(d, SOTTO_MS(1));
    uint64_t from_low = low0 - low->buffered, from_high = high0 - high->buffered;
    assert_true(from_high > from_low * 5);
    assert_true(from_low > 0);
    duo_free(d);
}

static void messages_that_lived_too_long_are_not_sent(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    duo_connect(d);
    struct channel *c = open_with(d, 0, SOTTO_DC_MAX_LIFETIME, 100);
    duo_run(d, SOTTO_MS(500));
    d->b.paused = true;
    for (int i = 0; i < 3; i++) { /* until the windows are closed and the queue is not empty */
        fill(d, sotto__peer_next_channel(d->a.peer, NULL), 4096);
        duo_run(d, SOTTO_SECONDS(2));
    }
    size_t before = d->b.bytes;
    for (int i = 0; i < 10; i++)
        assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d), c, "short life", 10, true), 0);
    assert_int_equal(c->buffered, 100);
    duo_run(d, SOTTO_SECONDS(2));
    d->b.paused = false;
    duo_run(d, SOTTO_SECONDS(20));
    assert_int_equal(c->buffered, 0);
    assert_int_equal((d->b.bytes - before) % 4096, 0); /* none of the ten arrived */
    duo_free(d);
}

static void the_queue_is_bounded_by_count_too(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_connect(d);
    struct channel *c = sotto__peer_next_channel(d->a.peer, NULL);
    d->b.paused = true;
    fill(d, c, 4096);
    duo_run(d, SOTTO_SECONDS(2));
    sotto__sendq_clear(c);
    c->buffered = 0;
    assert_true(fill(d, c, 1) >= SOTTO_MAX_QUEUED_MESSAGES);
    assert_int_equal(c->k.n_messages, SOTTO_MAX_QUEUED_MESSAGES);
    duo_free(d);
}

static void a_message_larger_than_the_buffer_is_taken_when_it_is_empty(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    uint8_t *big = calloc(1, 200000);
    duo_connect(d);
    struct channel *c = sotto__peer_next_channel(d->a.peer, NULL);
    d->a.peer->max_buffered = 1000;
    d->b.paused = true;
    size_t taken = 0;
    while (sotto__channel_send(d->a.peer, duo_now(d), c, big, 200000, false) == 0) taken++;
    assert_true(taken >= 2);
    assert_int_equal(c->buffered, 200000);
    d->b.paused = false;
    duo_run(d, SOTTO_SECONDS(10));
    assert_int_equal(d->b.bytes, taken * 200000);
    assert_int_equal(d->a.n_events[SOTTO_EV_WRITABLE], 1);
    free(big);
    duo_free(d);
}

static void empty_messages_make_the_channel_writable_again_too(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    duo_connect(d);
    struct channel *c = sotto__peer_next_channel(d->a.peer, NULL);
    while (sotto__channel_send(d->a.peer, duo_now(d), c, NULL, 0, false) == 0) continue;
    assert_int_equal(c->buffered, 0);
    for (int i = 0; i < 60 && d->a.n_events[SOTTO_EV_WRITABLE] == 0; i++)
        duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->a.n_events[SOTTO_EV_WRITABLE], 1);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urgent_channels_get_their_share),
        cmocka_unit_test(messages_that_lived_too_long_are_not_sent),
        cmocka_unit_test(the_queue_is_bounded_by_count_too),
        cmocka_unit_test(a_message_larger_than_the_buffer_is_taken_when_it_is_empty),
        cmocka_unit_test(empty_messages_make_the_channel_writable_again_too),
    };
    return cmocka_run_group_tests_name("sendq", tests, NULL, NULL);
}
