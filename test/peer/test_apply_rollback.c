/* SPDX-License-Identifier: BSD-2-Clause */
/* Rollback: what an offer brought goes, what was there before comes back. */
#include "texts.h"

#define OFFER OFFER_HEAD AUDIO("0") "a=setup:actpass\r\na=msid:s t\r\n"

static void a_local_offer_leaves_mids_and_candidates_behind(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    struct transceiver *t;
    char first[9];
    assert_int_equal(sotto__transceiver_add(d->a.peer, 0, SOTTO_AUDIO, NULL, &t), 0);
    duo_open(&d->a, "x");
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    d->b.mute = d->a.mute = true;
    duo_run(d, SOTTO_MS(100));
    assert_string_equal(t->mid, "0");
    assert_string_equal(d->a.peer->data_mid, "1");
    assert_true(d->a.peer->n_candidates > 0);
    memcpy(first, d->a.peer->transport.live.ufrag, sizeof first);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_ROLLBACK), 0);
    assert_string_equal(t->mid, "");
    assert_int_equal(t->mline_index, -1);
    assert_string_equal(d->a.peer->data_mid, "");
    assert_int_equal(d->a.peer->n_candidates, 0);
    assert_int_equal(d->a.peer->gathering, SOTTO_GATHERING_NEW);
    assert_true(d->a.peer->negotiation_needed);
    assert_int_equal(local(d, &d->a, SOTTO_SDP_OFFER), 0);
    assert_string_not_equal(d->a.peer->transport.live.ufrag, first); /* told already: never again */
    duo_free(d);
}

static void a_remote_offer_takes_its_transceivers_along(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, OFFER), 0);
    assert_int_equal(d->a.peer->n_transceivers, 1);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ROLLBACK, NULL), 0);
    assert_int_equal(d->a.peer->n_transceivers, 0);
    assert_int_equal(d->a.peer->n_gone, 1); /* its two events wait */
    struct peer_event e;
    while (sotto__peer_has_event(d->a.peer)) {
        sotto__peer_peek(d->a.peer, &e);
        sotto__peer_pop(d->a.peer);
    }
    assert_int_equal(d->a.peer->n_gone, 0);
    duo_free(d);
}

static void a_track_that_was_added_meanwhile_keeps_its_transceiver(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    struct transceiver *t;
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, OFFER), 0);
    assert_int_equal(sotto__transceiver_add_track(d->a.peer, 0, SOTTO_AUDIO, NULL, 0, &t), 0);
    assert_int_equal(d->a.peer->n_transceivers, 1);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_ROLLBACK, NULL), 0);
    assert_int_equal(d->a.peer->n_transceivers, 1);
    assert_string_equal(t->mid, "");
    assert_int_equal(t->direction, SOTTO_DIR_SENDRECV);
    assert_int_equal(t->remote_streams.n, 0);
    assert_true(d->a.peer->negotiation_needed);
    duo_free(d);
}

static void each_failing_allocation_of_a_rollback_changes_nothing(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    assert_int_equal(remote(d, &d->a, SOTTO_SDP_OFFER, OFFER), 0);
    for (uint64_t n = 1;; n++) {
        sotto__mem_fail_at(n);
        int r = remote(d, &d->a, SOTTO_SDP_ROLLBACK, NULL);
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (r == 0) break;
        assert_true(failed && r == SOTTO_E_NOMEM);
        assert_int_equal(d->a.peer->signaling, SOTTO_SIGNALING_HAVE_REMOTE_OFFER);
        assert_int_equal(d->a.peer->n_transceivers, 1);
        assert_string_equal(sotto__transceiver_next(d->a.peer, NULL)->mid, "0");
    }
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_offer_leaves_mids_and_candidates_behind),
        cmocka_unit_test(a_remote_offer_takes_its_transceivers_along),
        cmocka_unit_test(a_track_that_was_added_meanwhile_keeps_its_transceiver),
        cmocka_unit_test(each_failing_allocation_of_a_rollback_changes_nothing),
    };
    return cmocka_run_group_tests_name("apply_rollback", tests, NULL, NULL);
}
