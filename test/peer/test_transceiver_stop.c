/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of transceivers: the W3C algorithms stop() and "stop the RTCRtpTransceiver" step by step; how they are found in the set; and
 * what keeps a removed one: its handle, and events that name it.
 */
#include "bare.h"

/* ---- stop ---- */

static void stop_refuses_a_closed_connection(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    p->closed = true;
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), SOTTO_E_CLOSED);
    assert_false(t->stopping);
    bare_free(p);
}

static void stop_makes_it_inactive_and_stopping_and_needs_negotiation(void **state)
{
    (void)state;
    static const char *const sections[] = {"audio sendrecv 0 -"};
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_associate(t, "0", 0);
    bare_describe(&p->current_local, SOTTO_SDP_OFFER, sections, 1);
    bare_describe(&p->current_remote, SOTTO_SDP_ANSWER, sections, 1);
    sotto__needed_update(p, NOW);
    bare_needed(p);
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    assert_true(t->stopping);
    assert_false(t->stopped);
    assert_int_equal(t->direction, SOTTO_DIR_INACTIVE);
    assert_int_equal(p->n_transceivers, 1);
    assert_int_equal(bare_needed(p), 1);
    bare_free(p);
}

static void stop_does_nothing_the_second_time(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_associate(t, "0", 0);
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    bare_needed(p);
    p->negotiation_needed = false;
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    assert_int_equal(bare_needed(p), 0);
    bare_free(p);
}

static void one_that_never_had_a_section_is_stopped_and_removed_at_once(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    static int handle;
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    t->shell = &handle;
    assert_true(p->negotiation_needed);
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    assert_true(t->stopping && t->stopped && t->removed);
    assert_int_equal(p->n_transceivers, 0);
    assert_false(p->negotiation_needed);
    assert_int_equal(bare_needed(p), 0); /* the event that its addition queued is taken back */
    assert_int_equal(sotto__transceiver_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto__transceiver_current(t), SOTTO_DIR_STOPPED);
    bare_free(p);
}

static void one_that_an_offer_in_hand_names_stays_until_that_offer_is_outdated(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    char offer[] = "v=0";
    static int handle;
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    t->shell = &handle;
    snprintf(t->draft_mid, sizeof t->draft_mid, "0");
    p->last_offer = offer;
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    assert_true(t->stopping);
    assert_false(t->stopped || t->removed);
    assert_true(p->negotiation_needed);
    p->last_offer = NULL;
    sotto__needed_update(p, NOW);
    assert_true(t->stopped && t->removed);
    assert_false(p->negotiation_needed);
    bare_free(p);
}

static void one_whose_section_was_rolled_back_after_stop_is_removed_when_stable(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    static int handle;
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    t->shell = &handle;
    bare_associate(t, "0", 0);
    p->signaling = SOTTO_SIGNALING_HAVE_LOCAL_OFFER;
    assert_int_equal(sotto__transceiver_stop(p, NOW, t), 0);
    assert_false(t->removed);
    t->mid[0] = '\0';
    t->mline_index = -1;
    sotto__needed_update(p, NOW); /* not stable yet */
    assert_false(t->removed);
    p->signaling = SOTTO_SIGNALING_STABLE;
    sotto__needed_update(p, NOW);
    assert_true(t->stopped && t->removed);
    assert_false(p->negotiation_needed);
    bare_free(p);
}

static void stopped_for_good_clears_what_w3c_clears(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    const char *const ids[] = {"a", "b"};
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_associate(t, "0", 0);
    t->current = SOTTO_DIR_SENDRECV;
    assert_int_equal(sotto__strings_copy(ids, 2, &t->remote_streams), 0);
    assert_int_equal(sotto__strings_copy(ids, 1, &t->stable_streams), 0);
    sotto__transceiver_stopped(p, t);
    assert_true(t->stopping && t->stopped);
    assert_int_equal(t->direction, SOTTO_DIR_INACTIVE);
    assert_int_equal(t->current, SOTTO_DIR_NONE);
    assert_int_equal(t->remote_streams.n, 0);
    assert_int_equal(t->stable_streams.n, 0);
    assert_false(t->removed); /* it stays in the set until the answer */
    assert_int_equal(p->n_transceivers, 1);
    bare_free(p);
}

/* ---- the set, and what keeps a removed one ---- */

static void transceivers_are_found_by_place_and_draft(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct transceiver *a = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    struct transceiver *b = bare_add(p, SOTTO_VIDEO, SOTTO_DIR_SENDRECV);
    bare_associate(a, "au", 3);
    snprintf(b->draft_mid, sizeof b->draft_mid, "vi");
    assert_ptr_equal(sotto__transceiver_at(p, 3), a);
    assert_null(sotto__transceiver_at(p, 0));
    assert_null(sotto__transceiver_at(p, -1));
    assert_ptr_equal(sotto__transceiver_by_draft(p, STR("vi")), b);
    assert_null(sotto__transceiver_by_draft(p, STR("")));
    assert_null(sotto__transceiver_by_draft(p, STR("au")));
    bare_free(p);
}

static void a_removed_one_without_handle_and_events_is_freed_at_once(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    int64_t live = sotto__mem_live();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    sotto__transceiver_remove(p, t);
    assert_int_equal(p->n_gone, 0);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

static void a_removed_one_stays_while_its_handle_is_out(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    static int handle;
    int64_t live = sotto__mem_live();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    t->shell = &handle;
    bare_associate(t, "0", 0);
    sotto__transceiver_remove(p, t);
    assert_int_equal(p->n_transceivers, 0);
    assert_int_equal(p->n_gone, 1);
    assert_ptr_equal(sotto__transceiver_next_gone(p, NULL), t);
    assert_null(sotto__transceiver_next_gone(p, t));
    assert_null(sotto__transceiver_at(p, 0));
    assert_string_equal(t->mid, "0"); /* W3C lets it stay */
    sotto__transceiver_release(p, t); /* the handle is still out */
    assert_int_equal(p->n_gone, 1);
    sotto__transceiver_give_back(p, t);
    assert_int_equal(p->n_gone, 0);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

static void a_removed_one_stays_while_an_event_names_it(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    struct peer_event e;
    int64_t live = sotto__mem_live();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_needed(p);
    bare_note(p, t);
    bare_note(p, t);
    sotto__transceiver_remove(p, t);
    assert_int_equal(p->n_gone, 1);
    sotto__peer_pop(p);
    assert_int_equal(p->n_gone, 1);
    sotto__peer_peek(p, &e);
    assert_ptr_equal(e.transceiver, t);
    sotto__peer_pop(p);
    assert_int_equal(p->n_gone, 0);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

static void giving_a_handle_back_drops_the_events_that_name_it(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    static int handle;
    struct transceiver *other = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    bare_needed(p);
    int64_t live = sotto__mem_live();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    t->shell = &handle;
    bare_note(p, t);
    bare_note(p, other);
    bare_note(p, t);
    sotto__transceiver_remove(p, t);
    sotto__transceiver_give_back(p, t);
    assert_int_equal(p->n_gone, 0);
    assert_int_equal(p->n_controls, 1);
    bare_needed(p);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

static void on_a_closed_connection_any_handle_can_be_given_back(void **state)
{
    (void)state;
    struct peer *p = bare_new();
    static int handle;
    int64_t live = sotto__mem_live();
    struct transceiver *t = bare_add(p, SOTTO_AUDIO, SOTTO_DIR_SENDRECV);
    t->shell = &handle;
    bare_note(p, t);
    p->closed = true;
    sotto__transceiver_give_back(p, t);
    assert_int_equal(p->n_transceivers, 0);
    assert_int_equal(p->n_gone, 0);
    assert_int_equal(sotto__mem_live(), live);
    bare_free(p);
}

static void the_zero_transceiver_can_be_freed(void **state)
{
    (void)state;
    struct peer zero = {0};
    sotto__transceiver_free(NULL);
    sotto__transceivers_free(&zero);
    assert_null(sotto__transceiver_next(&zero, NULL));
    assert_null(sotto__transceiver_next_gone(&zero, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_refuses_a_closed_connection),
        cmocka_unit_test(stop_makes_it_inactive_and_stopping_and_needs_negotiation),
        cmocka_unit_test(stop_does_nothing_the_second_time),
        cmocka_unit_test(one_that_never_had_a_section_is_stopped_and_removed_at_once),
        cmocka_unit_test(one_that_an_offer_in_hand_names_stays_until_that_offer_is_outdated),
        cmocka_unit_test(one_whose_section_was_rolled_back_after_stop_is_removed_when_stable),
        cmocka_unit_test(stopped_for_good_clears_what_w3c_clears),
        cmocka_unit_test(transceivers_are_found_by_place_and_draft),
        cmocka_unit_test(a_removed_one_without_handle_and_events_is_freed_at_once),
        cmocka_unit_test(a_removed_one_stays_while_its_handle_is_out),
        cmocka_unit_test(a_removed_one_stays_while_an_event_names_it),
        cmocka_unit_test(giving_a_handle_back_drops_the_events_that_name_it),
        cmocka_unit_test(on_a_closed_connection_any_handle_can_be_given_back),
        cmocka_unit_test(the_zero_transceiver_can_be_freed),
    };
    return cmocka_run_group_tests_name("transceiver_stop", tests, NULL, NULL);
}
