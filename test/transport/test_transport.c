/* SPDX-License-Identifier: BSD-2-Clause */
/* The wired path: nothing is given up before the certificate was verified; early, strange and late datagrams harm nobody. */
#include "duo.h"

static char *local_text(struct duo_side *s)
{
    char *sdp = NULL;
    assert_int_equal(sotto__peer_local_description(s->peer, SOTTO_DESC_EFFECTIVE, NULL, &sdp), 1);
    return sdp;
}

/* a offers, b answers; `forge` spoils the fingerprint that reaches b or a. */
static void signal_forged(struct duo *d, bool to_b, bool to_a)
{
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), 0, NULL, NULL), 0);
    char *sdp = local_text(&d->a), *hex = strstr(sdp, "a=fingerprint:sha-256 ") + 22;
    if (to_b) *hex = *hex == '0' ? '1' : '0';
    assert_int_equal(sotto__peer_set_remote(d->b.peer, duo_now(d), SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto__free(sdp);
    assert_int_equal(sotto__peer_set_local(d->b.peer, duo_now(d), 0, NULL, NULL), 0);
    sdp = local_text(&d->b);
    hex = strstr(sdp, "a=fingerprint:sha-256 ") + 22;
    if (to_a) *hex = *hex == '0' ? '1' : '0';
    assert_int_equal(sotto__peer_set_remote(d->a.peer, duo_now(d), SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto__free(sdp);
}

static void another_certificate_than_the_promised_one_fails_the_connection(void **state)
{
    (void)state; /* H059, H060: in either role */
    for (int side = 0; side < 2; side++) {
        struct duo *d = duo_new(1);
        duo_open(&d->a, "x");
        signal_forged(d, side == 0, side == 1);
        duo_run(d, SOTTO_SECONDS(40));
        struct duo_side *victim = side == 0 ? &d->b : &d->a;
        assert_int_equal(victim->peer->connection, SOTTO_CONNECTION_FAILED);
        assert_int_equal(victim->peer->dtls, TRANSPORT_DTLS_FAILED);
        assert_null(victim->peer->transport.sctp);
        assert_int_equal(d->a.n_events[SOTTO_EV_OPEN], 0);
        assert_int_equal(d->b.n_events[SOTTO_EV_CHANNEL], 0);
        duo_free(d);
    }
}

static enum net_verdict junk(struct net *net, struct net_datagram *c, void *user)
{
    static const uint8_t firsts[] = {0, 3, 15, 16, 19, 64, 79, 80, 127, 128, 191, 192, 255};
    uint8_t bytes[48];
    uint64_t *rng = user;
    memset(bytes, (int)net_random(rng), sizeof bytes);
    bytes[0] = firsts[net_random(rng) % sizeof firsts];
    net_inject(net, &c->from, &c->to, bytes, net_random(rng) % sizeof bytes, 100);
    return NET_PASS;
}

static void strange_datagrams_change_nothing(void **state)
{
    (void)state; /* H056 */
    struct duo *d = duo_new(2);
    uint64_t rng = 7;
    d->net->tap = junk;
    d->net->tap_user = &rng;
    duo_connect(d);
    assert_int_equal(sotto__channel_send(d->a.peer, duo_now(d),
                                         sotto__peer_next_channel(d->a.peer, NULL), "x", 1, true),
                     0);
    duo_run(d, SOTTO_SECONDS(1));
    assert_int_equal(d->b.n_messages, 1);
    duo_free(d);
}

static void early_dtls_is_kept_within_bounds(void **state)
{
    (void)state; /* the offerer hears a ClientHello before it has the answer */
    struct duo *d = duo_new(3);
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), 0, NULL, NULL), 0);
    struct transport *t = &d->a.peer->transport;
    struct address from = {.family = 4, .ip = {192, 0, 2, 2}, .port = 9};
    struct address to;
    duo_run(d, SOTTO_MS(100));
    assert_true(net_ice_address(t->ice, &to));
    uint8_t hello[4000] = {22};
    for (int i = 0; i < 100; i++) net_inject(d->net, &from, &to, hello, sizeof hello, 10);
    duo_run(d, SOTTO_MS(100));
    assert_true(t->n_early <= SOTTO_MAX_EARLY_RECORDS);
    assert_true(t->early_bytes <= SOTTO_MAX_EARLY_BYTES);
    duo_free(d);
}

static void a_late_answer_still_connects(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    duo_open(&d->a, "x");
    assert_int_equal(sotto__peer_set_local(d->a.peer, duo_now(d), 0, NULL, NULL), 0);
    char *sdp = local_text(&d->a);
    assert_int_equal(sotto__peer_set_remote(d->b.peer, duo_now(d), SOTTO_SDP_OFFER, sdp, NULL), 0);
    sotto__free(sdp);
    assert_int_equal(sotto__peer_set_local(d->b.peer, duo_now(d), 0, NULL, NULL), 0);
    duo_run(d, SOTTO_SECONDS(2));
    sdp = local_text(&d->b);
    assert_int_equal(sotto__peer_set_remote(d->a.peer, duo_now(d), SOTTO_SDP_ANSWER, sdp, NULL), 0);
    sotto__free(sdp);
    duo_run(d, SOTTO_SECONDS(5));
    assert_int_equal(d->a.peer->connection, SOTTO_CONNECTION_CONNECTED);
    assert_int_equal(d->b.n_events[SOTTO_EV_CHANNEL], 1);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_certificate_than_the_promised_one_fails_the_connection),
        cmocka_unit_test(strange_datagrams_change_nothing),
        cmocka_unit_test(early_dtls_is_kept_within_bounds),
        cmocka_unit_test(a_late_answer_still_connects),
    };
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
