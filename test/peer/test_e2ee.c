/* SPDX-License-Identifier: BSD-2-Clause */
/* End-to-end keys in a connection: messages that were read ahead, what is counted, whether all is end-to-end. */
#include "duo.h"
#include "sotto/security.h"
#include "wire/dcep.h"

static sotto_e2ee_key key(uint8_t first)
{
    static uint8_t bytes[4][16];
    memset(bytes[first % 4], first, 16);
    return (sotto_e2ee_key){
        .size = sizeof(sotto_e2ee_key), .kid = first, .key = bytes[first % 4], .key_len = 16};
}

static int add(struct duo *d, struct duo_side *s, struct channel *c, int32_t direction,
               const sotto_e2ee_key *k)
{
    const struct e2ee_place at = {.channel = c};
    return sotto__peer_e2ee_add(s->peer, duo_now(d), &at, direction, k);
}

static struct channel *first_of(struct duo_side *s)
{
    return sotto__peer_next_channel(s->peer, NULL);
}

static int send(struct duo *d, struct duo_side *s, const char *text)
{
    return sotto__channel_send(s->peer, duo_now(d), first_of(s), text, strlen(text), true);
}

/* proves: S25 */
static void a_message_that_was_read_ahead_is_opened_when_its_key_comes(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    sotto_e2ee_key k = key(1);
    duo_connect(d);
    assert_int_equal(add(d, &d->a, first_of(&d->a), SOTTO_E2EE_SEND, &k), 0);
    sotto__peer_set_reading(d->b.peer, duo_now(d), false);
    assert_int_equal(send(d, &d->a, "early"), 0);
    duo_run(d, SOTTO_SECONDS(1));
    assert_non_null(d->b.peer->held.channel); /* the application has not seen it */
    assert_int_equal(add(d, &d->b, d->b.remote, SOTTO_E2EE_RECEIVE, &k), 0);
    assert_int_equal(add(d, &d->b, d->b.remote, SOTTO_E2EE_RECEIVE, &k), SOTTO_E_ACCESS);
    sotto__peer_set_reading(d->b.peer, duo_now(d), true);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->b.n_messages, 1);
    assert_true(d->b.last_is_text && d->b.last_len == 5 && memcmp(d->b.last, "early", 5) == 0);
    duo_free(d);
}

/* proves: S25 */
static void a_clear_message_that_was_read_ahead_is_dropped_when_keys_are_required(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    struct e2ee_counts counts;
    duo_connect(d);
    sotto__peer_set_reading(d->b.peer, duo_now(d), false);
    assert_int_equal(send(d, &d->a, "clear"), 0);
    assert_int_equal(send(d, &d->a, "clear too"), 0);
    duo_run(d, SOTTO_SECONDS(1));
    const struct e2ee_place at = {.channel = d->b.remote};
    assert_int_equal(sotto__peer_e2ee_require(d->b.peer, duo_now(d), &at, SOTTO_E2EE_RECEIVE), 0);
    sotto__peer_set_reading(d->b.peer, duo_now(d), true);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->b.n_messages, 0);
    assert_int_equal(d->b.n_events[SOTTO_EV_WARNING], 1);
    sotto__peer_e2ee_counts(d->b.peer, &counts);
    assert_true(counts.forged == 2 && counts.replayed == 0 && counts.unknown_key == 0);
    sotto__channel_release(d->b.peer, duo_now(d), d->b.remote); /* what was counted stays */
    duo_run(d, SOTTO_SECONDS(1));
    sotto__peer_e2ee_counts(d->b.peer, &counts);
    assert_int_equal(counts.forged, 2);
    duo_free(d);
}

/* The remote has the key, so that it is its fault. */
static void text_that_was_read_ahead_and_is_none_ends_its_channel(void **state)
{
    (void)state;
    static const uint8_t none[] = {0xff, 0xfe};
    struct duo *d = duo_new(4);
    sotto_e2ee_key k = key(1);
    uint8_t *sealed;
    size_t n;
    duo_connect(d);
    struct channel *c = first_of(&d->a);
    assert_int_equal(add(d, &d->a, c, SOTTO_E2EE_SEND, &k), 0);
    sotto__peer_set_reading(d->b.peer, duo_now(d), false);
    assert_int_equal(sotto__channel_seal(c, none, sizeof none, true, &sealed, &n), 0);
    assert_int_equal(sotto__sendq_now(d->a.peer, duo_now(d), c, PPID_BINARY, sealed, n), 0);
    sotto__peer_drain(d->a.peer, duo_now(d));
    sotto__free(sealed);
    duo_run(d, SOTTO_SECONDS(1));
    assert_non_null(d->b.peer->held.channel);
    assert_int_equal(add(d, &d->b, d->b.remote, SOTTO_E2EE_RECEIVE, &k), 0);
    sotto__peer_set_reading(d->b.peer, duo_now(d), true);
    duo_run(d, SOTTO_SECONDS(5));
    assert_int_equal(d->b.n_messages, 0);
    assert_int_equal(d->b.closed_error, SOTTO_E_PROTO);
    duo_free(d);
}

/* proves: S24 */
static void the_state_says_how_much_is_end_to_end(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    sotto_e2ee_key ours = key(2), theirs = key(3);
    duo_connect(d);
    assert_int_equal(sotto__peer_e2ee_state(d->a.peer), SOTTO_E2EE_NONE);
    assert_int_equal(add(d, &d->a, first_of(&d->a), SOTTO_E2EE_SEND, &ours), 0);
    assert_int_equal(sotto__peer_e2ee_state(d->a.peer), SOTTO_E2EE_PART);
    assert_int_equal(add(d, &d->a, first_of(&d->a), SOTTO_E2EE_RECEIVE, &theirs), 0);
    assert_int_equal(sotto__peer_e2ee_state(d->a.peer), SOTTO_E2EE_ALL);
    duo_open(&d->a, "another");
    assert_int_equal(sotto__peer_e2ee_state(d->a.peer), SOTTO_E2EE_PART);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_was_read_ahead_is_opened_when_its_key_comes),
        cmocka_unit_test(a_clear_message_that_was_read_ahead_is_dropped_when_keys_are_required),
        cmocka_unit_test(text_that_was_read_ahead_and_is_none_ends_its_channel),
        cmocka_unit_test(the_state_says_how_much_is_end_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
