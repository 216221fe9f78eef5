/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels of two connected peers: opening, sending both ways, closing, back-pressure. */
#include "duo.h"

static struct channel *first(struct duo_side *s)
{
    return sotto__peer_next_channel(s->peer, NULL);
}

static int say(struct duo *d, struct duo_side *s, struct channel *c, const void *p, size_t n,
               bool text)
{
    int r = sotto__channel_send(s->peer, duo_now(d), c, p, n, text);
    sotto__egress_flush(&s->egress, duo_now(d));
    return r;
}

static void a_channel_opens_on_both_sides(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    duo_connect(d);
    assert_string_equal(d->b.remote->label, "x");
    assert_int_equal(d->a.n_events[SOTTO_EV_OPEN], 1);
    assert_int_equal(d->b.n_events[SOTTO_EV_CHANNEL], 1);
    assert_int_equal(d->b.n_events[SOTTO_EV_OPEN], 1);
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    assert_int_equal(d->b.peer->connection, SOTTO_CONNECTION_CONNECTED);
    assert_int_equal(d->b.remote->id, first(&d->a)->id);
    duo_free(d);
}

static void messages_of_all_kinds_arrive(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    uint8_t *big = calloc(1, SOTTO_DEFAULT_MESSAGE + 1);
    duo_connect(d);
    struct channel *c = first(&d->a);
    assert_int_equal(say(d, &d->a, c, "hello", 5, true), 0);
    duo_run(d, SOTTO_MS(100));
    assert_memory_equal(d->b.last, "hello", 5);
    assert_true(d->b.last_is_text);
    assert_int_equal(say(d, &d->b, d->b.remote, NULL, 0, false), 0);
    duo_run(d, SOTTO_MS(100));
    assert_int_equal(d->a.n_messages, 1);
    assert_int_equal(d->a.last_len, 0);
    assert_false(d->a.last_is_text);
    assert_int_equal(say(d, &d->a, c, big, SOTTO_DEFAULT_MESSAGE, false), 0);
    assert_int_equal(say(d, &d->a, c, big, SOTTO_DEFAULT_MESSAGE + 1, false), SOTTO_E_TOO_BIG);
    assert_int_equal(say(d, &d->a, c, "\xff", 1, true), SOTTO_E_SYNTAX);
    duo_run(d, SOTTO_SECONDS(5));
    assert_int_equal(d->b.bytes, 5 + SOTTO_DEFAULT_MESSAGE);
    free(big);
    duo_free(d);
}

static void a_stopped_reader_stops_the_sender_and_loses_nothing(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    uint8_t block[16384] = {0};
    size_t sent = 0;
    duo_connect(d);
    struct channel *c = first(&d->a);
    d->b.paused = true;
    for (int i = 0; i < 100; i++) {
        while (say(d, &d->a, c, block, sizeof block, false) == 0) sent += sizeof block;
        duo_run(d, SOTTO_MS(500));
    }
    assert_true(sent < 6u * 1024 * 1024);
    assert_int_equal(d->b.bytes, 0);
    size_t writable = d->a.n_events[SOTTO_EV_WRITABLE]; /* while the windows filled */
    size_t low = d->a.n_events[SOTTO_EV_BUFFERED_LOW];
    assert_int_equal(say(d, &d->a, c, block, sizeof block, false), SOTTO_E_AGAIN);
    d->b.paused = false;
    duo_run(d, SOTTO_SECONDS(20));
    assert_int_equal(d->b.bytes, sent);
    assert_int_equal(d->a.n_events[SOTTO_EV_WRITABLE], writable + 1);
    assert_int_equal(d->a.n_events[SOTTO_EV_BUFFERED_LOW], low + 1);
    duo_free(d);
}

static void closing_resets_both_ways_and_frees_the_id(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    duo_connect(d);
    struct channel *c = first(&d->a);
    int32_t id = c->id;
    for (int i = 0; i < 50; i++) {
        sotto__channel_close(d->a.peer, duo_now(d), c);
        sotto__egress_flush(&d->a.egress, duo_now(d));
        duo_run(d, SOTTO_SECONDS(1));
        assert_int_equal(c->state, SOTTO_DC_CLOSED);
        assert_int_equal(d->b.remote->state, SOTTO_DC_CLOSED);
        assert_int_equal(d->b.n_events[SOTTO_EV_CLOSING], i + 1);
        assert_int_equal(d->a.n_events[SOTTO_EV_CLOSED], i + 1);
        sotto__channel_release(d->a.peer, duo_now(d), c);
        sotto__channel_release(d->b.peer, duo_now(d), d->b.remote);
        c = duo_open(&d->a, "again");
        assert_int_equal(c->id, id);
        duo_run(d, SOTTO_SECONDS(1));
        assert_int_equal(c->state, SOTTO_DC_OPEN);
    }
    duo_free(d);
}

static void closing_the_connection_ends_everything_on_both_sides(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    duo_connect(d);
    assert_int_equal(say(d, &d->a, first(&d->a), "last words", 10, true), 0);
    sotto__peer_close(d->a.peer, duo_now(d));
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->a.n_events[SOTTO_EV_CLOSED], 1);
    assert_int_equal(d->b.n_events[SOTTO_EV_CLOSED], 1);
    assert_int_equal(d->b.closed_error, 0);
    assert_memory_equal(d->b.last, "last words", 10);
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CLOSED);
    assert_int_equal(d->b.peer->connection, SOTTO_CONNECTION_CLOSED);
    duo_free(d);
}

/* The remote closes, and the association ends before anybody looked: CLOSING is told before CLOSED. */
static void closing_is_told_although_closed_follows_at_once(void **state)
{
    (void)state;
    struct duo *d = duo_new(31);
    struct peer_event e;
    duo_connect(d);
    struct channel *c = first(&d->a);
    sotto__channel_closing(d->a.peer, duo_now(d), c, 0, "");
    sotto__channel_finish(d->a.peer, duo_now(d), c, 0, "");
    sotto__peer_peek(d->a.peer, &e);
    assert_int_equal(e.type, SOTTO_EV_CLOSING);
    sotto__peer_pop(d->a.peer);
    sotto__peer_peek(d->a.peer, &e);
    assert_int_equal(e.type, SOTTO_EV_CLOSED);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_opens_on_both_sides),
        cmocka_unit_test(closing_is_told_although_closed_follows_at_once),
        cmocka_unit_test(messages_of_all_kinds_arrive),
        cmocka_unit_test(a_stopped_reader_stops_the_sender_and_loses_nothing),
        cmocka_unit_test(closing_resets_both_ways_and_frees_the_id),
        cmocka_unit_test(closing_the_connection_ends_everything_on_both_sides),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
