/* SPDX-License-Identifier: BSD-2-Clause */
/* Associations of DTLS and SCTP that end and begin under a transport that lives on. */
#include "couple.h"

static struct couple *connected(uint64_t seed)
{
    struct couple *c = couple_new(seed, false);
    couple_connect(c);
    couple_run(c, SOTTO_SECONDS(1));
    return c;
}

static bool both_dtls_connected(struct couple *c)
{
    return c->a.t.dtls_state == TRANSPORT_DTLS_CONNECTED &&
           c->b.t.dtls_state == TRANSPORT_DTLS_CONNECTED;
}

static bool up_again(struct couple *c)
{
    return c->a.n_up == 2 && c->b.n_up == 2;
}

static void exchange(struct couple *c)
{
    assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(10)));
}

static void renew_certificate(struct party *p)
{
    sotto__cert_unref(p->cert);
    assert_int_equal(sotto__cert_generate(&p->cert, 1700000000), 0);
    sotto__cert_unref(p->t.cert);
    p->t.cert = sotto__cert_ref(p->cert);
}

static void a_new_association_of_dtls_takes_the_place_of_the_old_one(void **state)
{
    (void)state; /* RFC 8842 §5, with another certificate of b */
    static const enum transport_dtls_state want[] = {
        TRANSPORT_DTLS_CONNECTING, TRANSPORT_DTLS_CONNECTED, TRANSPORT_DTLS_NEW,
        TRANSPORT_DTLS_CONNECTING, TRANSPORT_DTLS_CONNECTED};
    struct couple *c = connected(1);
    uint8_t before[32], after[32];
    exchange(c);
    assert_int_equal(sotto__dtls_export(c->a.t.dtls, "EXPORTER_x", before, sizeof before), 0);
    renew_certificate(&c->b);
    couple_restart(c, true);
    assert_true(couple_until(c, up_again, SOTTO_SECONDS(5)));
    assert_int_equal(c->net->live_ices, 2); /* nobody listens to what is left of the old one */
    assert_int_equal(c->a.n_down, 1);
    assert_int_equal(c->b.n_down, 1);
    assert_int_equal(c->a.n_dtls, 5);
    assert_memory_equal(c->a.dtls, want, sizeof want);
    assert_int_equal(sotto__dtls_export(c->a.t.dtls, "EXPORTER_x", after, sizeof after), 0);
    assert_memory_not_equal(before, after, sizeof before);
    exchange(c);
    couple_free(c);
}

static void the_new_certificate_is_verified_too(void **state)
{
    (void)state;
    struct couple *c = connected(2);
    struct transport_remote of_b = party_remote(&c->b, false);
    renew_certificate(&c->b);
    couple_restart(c, true);
    assert_int_equal(c->a.t.remote->n_fingerprints, of_b.n_fingerprints);
    c->a.t.remote->fingerprints[0] = of_b.fingerprints[0];
    couple_run(c, SOTTO_SECONDS(40));
    assert_int_equal(c->a.t.dtls_state, TRANSPORT_DTLS_FAILED);
    assert_int_equal(c->a.n_up, 1);
    assert_int_equal(c->a.n_down, 1);
    couple_free(c);
}

struct watch {
    struct couple *c;
    size_t records, forbidden;
    struct address from, to; /* of the last one to a */
    uint8_t last[2048];
    size_t n;
};

/* Protected data (content type 23) of somebody whose association is not connected. */
static enum net_verdict watch_data(struct net *net, struct net_datagram *d, void *user)
{
    struct watch *w = user;
    (void)net;
    if (d->n < 13 || d->p[0] != 23) return NET_PASS;
    bool is_to_a = d->to.ip[3] == 1;
    const struct party *sender = is_to_a ? &w->c->b : &w->c->a;
    w->records++;
    if (sender->t.dtls_state != TRANSPORT_DTLS_CONNECTED) w->forbidden++;
    if (is_to_a && d->n <= sizeof w->last) {
        w->from = d->from, w->to = d->to, w->n = d->n;
        memcpy(w->last, d->p, d->n);
    }
    return NET_PASS;
}

static void nothing_of_the_old_association_is_sent_any_more(void **state)
{
    (void)state;
    struct couple *c = connected(3);
    struct watch w = {.c = c};
    c->net->tap = watch_data, c->net->tap_user = &w;
    exchange(c);
    assert_true(w.records > 0);
    net_set_down(c->net, c->a.host, c->b.host, true); /* so that SCTP has much to repeat */
    c->a.size = c->b.size = 1000;
    for (int i = 0; i < 50; i++) assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    couple_run(c, SOTTO_SECONDS(1));
    couple_restart(c, true);
    size_t before = w.records;
    couple_run(c, SOTTO_SECONDS(5));
    assert_int_equal(w.records, before);
    net_set_down(c->net, c->a.host, c->b.host, false);
    c->a.n_received = c->b.n_sent, c->b.n_received = c->a.n_sent; /* they went with the association */
    assert_true(couple_until(c, up_again, SOTTO_SECONDS(10)));
    exchange(c);
    assert_int_equal(w.forbidden, 0);
    couple_free(c);
}

static void late_records_of_the_old_association_are_ignored(void **state)
{
    (void)state;
    struct couple *c = connected(4);
    struct watch w = {.c = c};
    struct sctp_stats before, after;
    struct dtls_stats dtls;
    c->net->tap = watch_data, c->net->tap_user = &w;
    exchange(c);
    struct watch old = w;
    couple_restart(c, true);
    for (int i = 0; i < 20; i++) /* while the new one shakes hands */
        net_inject(c->net, &old.from, &old.to, old.last, old.n, SOTTO_MS(i));
    assert_true(couple_until(c, up_again, SOTTO_SECONDS(5)));
    exchange(c);
    couple_run(c, SOTTO_SECONDS(1));
    sotto__sctp_get_stats(c->a.t.sctp, &before);
    for (int i = 0; i < 20; i++) net_inject(c->net, &w.from, &w.to, old.last, old.n, 1);
    couple_run(c, SOTTO_MS(1));
    sotto__sctp_get_stats(c->a.t.sctp, &after);
    sotto__dtls_get_stats(c->a.t.dtls, &dtls);
    assert_int_equal(before.packets_in, after.packets_in);
    assert_true(dtls.records_dropped >= 20);
    exchange(c);
    couple_free(c);
}

static void what_arrived_before_can_still_be_pulled(void **state)
{
    (void)state;
    struct couple *c = connected(5);
    c->a.is_paused = true;
    for (int i = 0; i < 3; i++) assert_true(party_send(c, &c->b));
    couple_run(c, SOTTO_SECONDS(1));
    couple_restart(c, true);
    couple_run(c, 0);
    assert_int_equal(c->a.n_down, 1);
    assert_int_equal(c->a.n_received, 0);
    c->a.is_paused = false;
    couple_run(c, SOTTO_MS(1));
    assert_int_equal(c->a.n_received, 3);
    assert_int_equal(c->a.n_up, 1);
    assert_true(couple_until(c, up_again, SOTTO_SECONDS(5)));
    exchange(c);
    couple_free(c);
}

static void a_new_association_before_the_first_was_up_closes_nothing(void **state)
{
    (void)state;
    struct couple *c = couple_new(6, false);
    couple_signal(c);
    assert_true(couple_until(c, both_dtls_connected, SOTTO_SECONDS(5)));
    assert_int_equal(c->a.n_up, 0);
    couple_restart(c, true);
    assert_true(couple_until(c, couple_is_up, SOTTO_SECONDS(5)));
    assert_int_equal(c->a.n_down + c->b.n_down, 0);
    exchange(c);
    couple_free(c);
}

static void the_new_association_waits_for_its_own_generation(void **state)
{
    (void)state; /* the old path works, the new one does not */
    struct couple *c = connected(7);
    struct transport_remote nobody = party_remote(&c->b, false);
    snprintf(nobody.ufrag, sizeof nobody.ufrag, "elsewhere");
    nobody.new_dtls = true;
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, &c->a, &nobody), 0);
    couple_run(c, SOTTO_SECONDS(20));
    assert_int_equal(c->a.t.dtls_state, TRANSPORT_DTLS_NEW);
    assert_int_equal(c->a.t.n_early, 0); /* b's data is not kept for it */
    sotto__transport_forget(&c->a.t, couple_now(c));
    couple_restart(c, false);
    struct transport_remote of_a = party_remote(&c->a, true);
    of_a.new_dtls = true;
    assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
    assert_true(couple_until(c, up_again, SOTTO_SECONDS(5)));
    exchange(c);
    couple_free(c);
}

static bool third_is_up(struct couple *c)
{
    return c->a.n_up == 2 && c->third.n_up == 1;
}

static void an_answer_of_somebody_else_takes_the_place_of_the_first(void **state)
{
    (void)state; /* a provisional answer of b, then the answer of a third */
    struct couple *c = connected(8);
    struct ice *ice = c->a.t.live.ice;
    exchange(c);
    struct party *third = couple_third(c);
    struct transport_remote of_a = party_remote(&c->a, false), of_third;
    assert_int_equal(sotto__transport_start(&third->t, false, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, third, &of_a), 0);
    assert_int_equal(sotto__transport_begin_data(&third->t, 5000, 5000, couple_now(c)), 0);
    couple_run(c, SOTTO_SECONDS(1));
    c->a.other = third;
    of_third = party_remote(third, false);
    of_third.new_dtls = true;
    struct transport_out ignored;
    assert_true(party_send(c, &c->a));
    while (sotto__transport_drain(&c->a.t, couple_now(c), &ignored) == 1) continue;
    assert_int_equal(c->a.egress.n, 1);
    assert_int_equal(party_set_remote(c, &c->a, &of_third), 0);
    assert_int_equal(c->a.egress.n, 0); /* it was for b */
    c->a.n_received = c->a.n_sent = 0;
    struct ice_pair pair;
    assert_false(sotto__transport_pair(&c->a.t, &pair));
    couple_run(c, 0);
    assert_int_equal(c->a.t.dtls_state, TRANSPORT_DTLS_NEW); /* until there is a pair */
    assert_true(couple_until(c, third_is_up, SOTTO_SECONDS(10)));
    assert_ptr_equal(c->a.t.live.ice, ice);
    assert_true(sotto__transport_pair(&c->a.t, &pair));
    assert_int_equal(pair.remote.addr.ip[3], 3);
    assert_true(party_send(c, &c->a) && party_send(c, third));
    couple_run(c, SOTTO_SECONDS(1));
    assert_int_equal(third->n_received, 1);
    assert_int_equal(c->a.n_received, 1);
    assert_int_equal(c->a.egress.dropped, 0);
    couple_free(c);
}

static void the_same_remote_again_changes_nothing(void **state)
{
    (void)state;
    struct couple *c = connected(9);
    struct transport_remote of_b = party_remote(&c->b, false);
    size_t n = c->a.n_ice;
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
    exchange(c);
    assert_int_equal(c->a.n_ice, n);
    assert_int_equal(c->a.n_dtls, 2);
    couple_free(c);
}

static void data_is_added_ended_and_added_again(void **state)
{
    (void)state; /* to a connection without it; port 0, and back */
    struct couple *c = couple_new(10, false);
    struct transport_remote of_a = party_remote(&c->a, false), of_b = party_remote(&c->b, false);
    assert_int_equal(sotto__transport_start(&c->a.t, true, couple_now(c)), 0);
    assert_int_equal(sotto__transport_start(&c->b.t, false, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, &c->b, &of_a), 0);
    assert_int_equal(party_set_remote(c, &c->a, &of_b), 0);
    assert_true(couple_until(c, both_dtls_connected, SOTTO_SECONDS(5)));
    couple_run(c, SOTTO_SECONDS(1));
    assert_null(c->a.t.sctp);
    for (size_t i = 1; i <= 5; i++) {
        sotto_us now = couple_now(c);
        uint16_t port = (uint16_t)(5000 + i % 2);
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(sotto__transport_begin_data(&c->a.t, port, 5000, now), 0);
            assert_int_equal(sotto__transport_begin_data(&c->b.t, 5000, port, now), 0);
        }
        couple_run(c, SOTTO_SECONDS(1));
        assert_int_equal(c->a.n_up, i);
        assert_int_equal(c->b.n_up, i);
        exchange(c);
        for (int twice = 0; twice < 2; twice++) sotto__transport_end_data(&c->a.t, couple_now(c));
        assert_null(c->a.t.sctp);
        couple_run(c, SOTTO_SECONDS(1));
        assert_int_equal(c->b.n_down, i); /* the ABORT */
        assert_int_equal(c->a.n_down, 0);
        sotto__transport_end_data(&c->b.t, couple_now(c));
        assert_true(both_dtls_connected(c));
    }
    assert_int_equal(c->a.n_dtls, 2);
    couple_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_association_of_dtls_takes_the_place_of_the_old_one),
        cmocka_unit_test(the_new_certificate_is_verified_too),
        cmocka_unit_test(nothing_of_the_old_association_is_sent_any_more),
        cmocka_unit_test(late_records_of_the_old_association_are_ignored),
        cmocka_unit_test(what_arrived_before_can_still_be_pulled),
        cmocka_unit_test(a_new_association_before_the_first_was_up_closes_nothing),
        cmocka_unit_test(the_new_association_waits_for_its_own_generation),
        cmocka_unit_test(an_answer_of_somebody_else_takes_the_place_of_the_first),
        cmocka_unit_test(the_same_remote_again_changes_nothing),
        cmocka_unit_test(data_is_added_ended_and_added_again),
    };
    return cmocka_run_group_tests_name("transport_data", tests, NULL, NULL);
}
