/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a connection and its aggregated states. */
#include "duo.h"

static void states_are_aggregated_as_w3c_says(void **state)
{
    static const struct {
        int32_t ice;
        enum transport_dtls_state dtls;
        int32_t want;
    } rows[] = {
        {SOTTO_ICE_NEW, TRANSPORT_DTLS_NEW, SOTTO_CONNECTION_NEW},
        {SOTTO_ICE_CHECKING, TRANSPORT_DTLS_NEW, SOTTO_CONNECTION_CONNECTING},
        {SOTTO_ICE_CONNECTED, TRANSPORT_DTLS_NEW, SOTTO_CONNECTION_CONNECTING},
        {SOTTO_ICE_CONNECTED, TRANSPORT_DTLS_CONNECTING, SOTTO_CONNECTION_CONNECTING},
        {SOTTO_ICE_CONNECTED, TRANSPORT_DTLS_CONNECTED, SOTTO_CONNECTION_CONNECTED},
        {SOTTO_ICE_COMPLETED, TRANSPORT_DTLS_CONNECTED, SOTTO_CONNECTION_CONNECTED},
        {SOTTO_ICE_CHECKING, TRANSPORT_DTLS_CONNECTED, SOTTO_CONNECTION_CONNECTING},
        {SOTTO_ICE_DISCONNECTED, TRANSPORT_DTLS_CONNECTED, SOTTO_CONNECTION_DISCONNECTED},
        {SOTTO_ICE_FAILED, TRANSPORT_DTLS_CONNECTED, SOTTO_CONNECTION_FAILED},
        {SOTTO_ICE_CONNECTED, TRANSPORT_DTLS_FAILED, SOTTO_CONNECTION_FAILED},
        {SOTTO_ICE_COMPLETED, TRANSPORT_DTLS_CLOSED, SOTTO_CONNECTION_CLOSED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duo *d = duo_new(1);
        d->a.peer->ice = rows[i].ice;
        d->a.peer->dtls = rows[i].dtls;
        sotto__peer_update(d->a.peer, 1);
        if (d->a.peer->connection != rows[i].want)
            fail_msg("row %zu: %d", i, d->a.peer->connection);
        duo_free(d);
    }
}

static void the_end_is_told_after_what_had_arrived(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    duo_connect(d);
    struct channel *c = sotto__peer_next_channel(d->a.peer, NULL);
    d->b.paused = true;
    for (int i = 0; i < 5; i++)
        assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d), c, "message", 7, true), 0);
    duo_run(d, SOTTO_MS(200));
    sotto__peer_close(d->a.peer, duo_now(d));
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->b.n_events[SOTTO_EV_CLOSED], 0);
    assert_int_equal(d->b.peer->connection, SOTTO_CONNECTION_CONNECTED);
    d->b.paused = false;
    duo_run(d, SOTTO_MS(100));
    assert_int_equal(d->b.n_messages, 5);
    assert_int_equal(d->b.n_events[SOTTO_EV_CLOSED], 1);
    assert_int_equal(d->b.peer->connection, SOTTO_CONNECTION_CLOSED);
    duo_free(d);
}

static void a_peer_that_vanishes_is_disconnected_then_failed(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    duo_connect(d);
    net_set_down(d->net, d->a.host, d->b.host, true);
    duo_run(d, SOTTO_SECONDS(15));
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_DISCONNECTED);
    duo_run(d, SOTTO_SECONDS(45));
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_FAILED);
    duo_free(d);
}

static void reading_off_holds_messages_back_and_on_gives_them(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    duo_connect(d);
    struct channel *c = sotto__peer_next_channel(d->a.peer, NULL);
    sotto__peer_set_reading(d->b.peer, duo_now(d), false);
    assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d), c, "later", 5, true), 0);
    duo_run(d, SOTTO_SECONDS(1));
    assert_false(sotto__peer_has_message(d->b.peer));
    assert_int_equal(d->b.n_messages, 0);
    sotto__peer_set_reading(d->b.peer, duo_now(d), true);
    assert_true(sotto__peer_has_message(d->b.peer));
    duo_run(d, 0);
    assert_int_equal(d->b.n_messages, 1);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_aggregated_as_w3c_says),
        cmocka_unit_test(the_end_is_told_after_what_had_arrived),
        cmocka_unit_test(a_peer_that_vanishes_is_disconnected_then_failed),
        cmocka_unit_test(reading_off_holds_messages_back_and_on_gives_them),
    };
    return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
