/* SPDX-License-Identifier: BSD-2-Clause */
/* What the association brings: b speaks SCTP by hand, a is the peer under test. b is the DTLS client: its ids are even. */
#include "duo.h"
#include "wire/dcep.h"

static void raw(struct duo *d, uint16_t sid, uint32_t ppid, const void *p, size_t n)
{
    struct sctp_send_opt opt = {.sid = sid, .ppid = ppid};
    assert_int_equal(sotto__sctp_send(d->b.peer->transport.sctp, duo_now(d), &opt, p, n), 0);
    sotto__peer_drain(d->b.peer, duo_now(d));
    sotto__egress_flush(&d->b.egress, duo_now(d));
    duo_run(d, SOTTO_MS(300));
}

/* b takes part in closing: RFC 8831 6.7 */
static void raw_reset(struct duo *d, uint16_t sid)
{
    assert_int_equal(d->a.remote->state, SOTTO_DC_CLOSING);
    assert_int_equal(sotto__sctp_reset(d->b.peer->transport.sctp, duo_now(d), sid), 0);
    sotto__peer_drain(d->b.peer, duo_now(d));
    sotto__egress_flush(&d->b.egress, duo_now(d));
    duo_run(d, SOTTO_MS(300));
}

static void raw_open(struct duo *d, uint16_t sid, struct str label)
{
    uint8_t bytes[128];
    struct dcep open = {.type = DCEP_OPEN, .label = label};
    int n = sotto__dcep_write(&open, bytes, sizeof bytes);
    assert_true(n > 0);
    raw(d, sid, PPID_DCEP, bytes, (size_t)n);
}

/* proves: H122 */
static void remote_opens_are_checked(void **state)
{
    (void)state; /* H122, DCEP-02, DCEP-03 */
    struct duo *d = duo_new(1);
    duo_connect(d);
    raw_open(d, 10, STR("good"));
    assert_int_equal(d->a.n_events[SOTTO_EV_CHANNEL], 1);
    raw_open(d, 11, STR("odd"));
    raw_open(d, 12, (struct str){"a\0b", 3});
    raw(d, 14, PPID_DCEP, "\x03", 1);
    raw(d, 16, PPID_DCEP, "\x07junk", 5);
    assert_int_equal(d->a.n_events[SOTTO_EV_CHANNEL], 1);
    assert_true(d->a.n_events[SOTTO_EV_WARNING] >= 1);
    assert_int_equal(d->a.peer->n_channels, 2);
    raw_open(d, 10, STR("again")); /* in use: that channel ends */
    raw_reset(d, 10);
    assert_int_equal(d->a.remote->state, SOTTO_DC_CLOSED);
    assert_int_equal(d->a.closed_error, SOTTO_E_PROTO);
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    duo_free(d);
}

/* proves: H120 */
static void messages_are_told_by_their_ppid(void **state)
{
    (void)state; /* SCTP-07, SCTP-08, H120, H124 */
    struct duo *d = duo_new(2);
    duo_connect(d);
    raw_open(d, 10, STR("x"));
    raw(d, 10, PPID_TEXT, "text", 4);
    assert_true(d->a.last_is_text && d->a.last_len == 4);
    raw(d, 10, PPID_BINARY, "\xff", 1);
    assert_true(!d->a.last_is_text && d->a.last_len == 1);
    raw(d, 10, PPID_TEXT_EMPTY, "a hundred bytes", 15);
    assert_true(d->a.last_is_text && d->a.last_len == 0);
    raw(d, 10, PPID_BINARY_EMPTY, "", 1);
    assert_true(!d->a.last_is_text && d->a.last_len == 0);
    raw(d, 10, PPID_TEXT_PARTIAL, "old", 3);
    assert_int_equal(d->a.n_messages, 5);
    raw(d, 10, 99, "unknown", 7);
    raw(d, 20, PPID_TEXT, "before its OPEN", 15);
    assert_int_equal(d->a.n_messages, 5);
    raw(d, 10, PPID_TEXT, "\xc3\x28", 2);
    assert_int_equal(d->a.n_messages, 5);
    raw_reset(d, 10);
    assert_int_equal(d->a.remote->state, SOTTO_DC_CLOSED);
    assert_int_equal(d->a.closed_error, SOTTO_E_PROTO);
    duo_free(d);
}

/* proves: H123 */
static void acks_without_an_open_are_ignored(void **state)
{
    (void)state; /* H123 */
    struct duo *d = duo_new(3);
    duo_connect(d);
    raw(d, 30, PPID_DCEP, "\x02", 1);
    raw(d, 1, PPID_DCEP, "\x02", 1);
    raw(d, 1, PPID_DCEP, "\x02", 1);
    assert_int_equal(sotto__peer_next_channel(d->a.peer, NULL)->state, SOTTO_DC_OPEN);
    assert_int_equal(d->a.peer->n_channels, 1);
    duo_free(d);
}

static void data_before_the_ack_is_delivered(void **state)
{
    (void)state; /* Firefox sends user data before its ACK */
    struct duo *d = duo_new(4);
    duo_connect(d);
    struct channel *c = duo_open(&d->a, "second");
    uint16_t sid = (uint16_t)c->id;
    raw(d, sid, PPID_TEXT, "first", 5);
    assert_int_equal(d->a.n_messages, 1);
    assert_true(c->k.acked);
    duo_free(d);
}

/* proves: H125 */
static void opens_beyond_the_limit_are_refused(void **state)
{
    (void)state; /* H125 */
    struct duo *d = duo_new(5);
    duo_connect(d);
    d->a.peer->max_channels = 5;
    for (uint16_t sid = 10; sid < 30; sid += 2) raw_open(d, sid, STR("flood"));
    assert_int_equal(d->a.peer->n_channels, 5);
    assert_int_equal(d->a.n_events[SOTTO_EV_CHANNEL], 4);
    duo_free(d);
}

/* proves: H121 H125 */
static void ids_above_the_streams_and_channels_that_nobody_freed_are_refused(void **state)
{
    (void)state;
    struct duo *d = duo_new(6);
    struct peer *p = d->a.peer;
    duo_connect(d);
    size_t there = p->n_channels;
    p->streams = 20;
    raw_open(d, 20, STR("above"));
    assert_int_equal(p->n_channels, there);
    p->n_channels += SOTTO_MAX_CLOSED_CHANNELS, p->n_closed += SOTTO_MAX_CLOSED_CHANNELS;
    raw_open(d, 18, STR("one too many"));
    p->n_channels -= SOTTO_MAX_CLOSED_CHANNELS, p->n_closed -= SOTTO_MAX_CLOSED_CHANNELS;
    assert_int_equal(p->n_channels, there);
    raw_open(d, 16, STR("fine"));
    assert_int_equal(p->n_channels, there + 1);
    duo_free(d);
}

static void messages_that_were_read_together_change_nothing_else(void **state)
{
    (void)state;
    struct duo *d = duo_new(7);
    struct peer *p = d->a.peer;
    struct peer_message m;
    duo_connect(d);
    raw_open(d, 10, STR("x"));
    d->a.paused = true;
    for (char i = '1'; i <= '5'; i++) raw(d, 10, PPID_TEXT, &i, 1);
    for (int i = 1; i <= 5; i++) {
        sotto_us due = sotto__peer_due(p);
        assert_int_equal(sotto__peer_pull(p, duo_now(d), &m), 1);
        assert_true(m.len == 1 && m.data[0] == '0' + i);
        assert_int_equal(m.was_ready, i > 1); /* the first one brings the others */
        if (m.was_ready) assert_int_equal(sotto__peer_due(p), due);
        sotto__free(m.data);
    }
    assert_int_equal(sotto__peer_pull(p, duo_now(d), &m), 0);
    duo_free(d);
}

static void control_between_messages_that_were_read_together_is_done(void **state)
{
    (void)state;
    struct duo *d = duo_new(8);
    struct peer *p = d->a.peer;
    struct peer_message m;
    duo_connect(d);
    raw_open(d, 10, STR("x"));
    d->a.paused = true;
    raw(d, 10, PPID_TEXT, "1", 1);
    raw(d, 10, PPID_TEXT, "2", 1);
    raw_open(d, 12, STR("y"));
    raw(d, 12, PPID_TEXT, "3", 1);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(sotto__map_get(&p->by_id, 12) != NULL, i > 2);
        assert_int_equal(sotto__peer_pull(p, duo_now(d), &m), 1);
        assert_int_equal(m.data[0], '0' + i);
        sotto__free(m.data);
    }
    duo_run(d, SOTTO_MS(100));
    assert_int_equal(d->a.n_events[SOTTO_EV_CHANNEL], 2);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remote_opens_are_checked),
        cmocka_unit_test(messages_are_told_by_their_ppid),
        cmocka_unit_test(acks_without_an_open_are_ignored),
        cmocka_unit_test(data_before_the_ack_is_delivered),
        cmocka_unit_test(opens_beyond_the_limit_are_refused),
        cmocka_unit_test(ids_above_the_streams_and_channels_that_nobody_freed_are_refused),
        cmocka_unit_test(messages_that_were_read_together_change_nothing_else),
        cmocka_unit_test(control_between_messages_that_were_read_together_is_done),
    };
    return cmocka_run_group_tests_name("receive", tests, NULL, NULL);
}
