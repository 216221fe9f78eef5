/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of transceivers: what they name, how long that lives, user pointers; what negotiation does to handles; ICE restarts. */
#include "api/ctx.h"
#include "peer/private.h"
#include "sides.h"
#include "util/mem.h"

static const char *const two_streams[] = {"s1", "s2"};

static void a_track_event_has_handle_streams_and_user(void **state)
{
    (void)state;
    static int mark;
    struct sides s;
    sotto_transceiver *t, *own;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, two_streams, 2, &own), 0);
    sides_offer(s.a, s.b);
    sotto_event *e = sides_take(&s, s.b, SOTTO_EV_TRACK);
    assert_non_null(e);
    t = e->u.track.transceiver;
    assert_int_equal(e->u.track.n_streams, 2);
    assert_string_equal(e->u.track.streams[0], "s1");
    assert_string_equal(e->u.track.streams[1], "s2");
    assert_ptr_equal(e->user, &s.b); /* a new handle starts with the connection's */
    assert_ptr_equal(sotto_transceiver_get_user(t), &s.b);
    assert_ptr_equal(sides_only(s.b), t);
    assert_int_equal(sotto_transceiver_kind(t), SOTTO_VIDEO);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_RECVONLY);
    sotto_event_free(e);
    assert_int_equal(sotto_transceiver_set_user(t, &mark), 0);
    sides_answer(s.b, s.a);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_RECVONLY);
    assert_int_equal(sotto_transceiver_current_direction(own), SOTTO_DIR_SENDONLY);
    assert_int_equal(sotto_pc_remove_track(s.a, own), 0);
    sides_negotiate(s.a, s.b);
    e = sides_take(&s, s.b, SOTTO_EV_TRACK_REMOVED);
    assert_non_null(e);
    assert_ptr_equal(e->u.track.transceiver, t);
    assert_ptr_equal(e->user, &mark);
    assert_int_equal(e->u.track.n_streams, 2);
    sotto_event_free(e);
    sides_free(&s);
}

static void a_user_pointer_that_is_set_later_is_in_queued_events(void **state)
{
    (void)state;
    static int mark;
    struct sides s;
    sotto_transceiver *own;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, NULL, 0, &own), 0);
    sides_offer(s.a, s.b);
    assert_int_equal(sotto_transceiver_set_user(sides_only(s.b), &mark), 0);
    sotto_event *e = sides_take(&s, s.b, SOTTO_EV_TRACK);
    assert_non_null(e);
    assert_ptr_equal(e->user, &mark);
    assert_int_equal(e->u.track.n_streams, 0);
    sotto_event_free(e);
    sides_free(&s);
}

static void an_event_outlives_handle_and_connection(void **state)
{
    (void)state; /* A05 */
    struct sides s;
    sotto_transceiver *own;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, two_streams, 2, &own), 0);
    sides_offer(s.a, s.b);
    sotto_event *e = sides_take(&s, s.b, SOTTO_EV_TRACK);
    sotto_transceiver *t = e->u.track.transceiver;
    sotto_pc_free(s.b);
    assert_int_equal(sotto_transceiver_kind(t), SOTTO_VIDEO);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    sotto_transceiver_free(t);
    sotto_transceiver_free(t); /* the event holds it still: does nothing */
    assert_int_equal(sotto_transceiver_stop(t), SOTTO_E_CLOSED);
    assert_string_equal(e->u.track.streams[1], "s2");
    sotto_ctx_free(s.ctx);
    assert_int_equal(sotto_transceiver_kind(t), SOTTO_VIDEO);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
    sotto_event_free(e);
}

static void a_rolled_back_transceiver_is_gone_and_given_back(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *own;
    char mid[65];
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, two_streams, 2, &own), 0);
    sides_offer(s.a, s.b);
    sotto_transceiver *t = sides_only(s.b);
    assert_int_equal(sotto_pc_set_remote_description(s.b, SOTTO_SDP_ROLLBACK, NULL, NULL), 0);
    assert_int_equal(sotto_pc_get_transceivers(s.b, NULL, 0), 0);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_mid(t, mid, sizeof mid), 0);
    assert_string_equal(mid, "");
    assert_int_equal(sotto_pc_remove_track(s.b, t), 0);
    sotto_transceiver_free(t);
    assert_null(sides_take(&s, s.b, SOTTO_EV_TRACK)); /* dropped: nobody has the handle any more */
    sides_free(&s);
}

static void events_of_a_gone_transceiver_bring_its_handle_if_none_was_out(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *own;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, two_streams, 2, &own), 0);
    sides_offer(s.a, s.b);
    assert_int_equal(sotto_pc_set_remote_description(s.b, SOTTO_SDP_ROLLBACK, NULL, NULL), 0);
    sotto_event *e = sides_take(&s, s.b, SOTTO_EV_TRACK);
    assert_non_null(e);
    sotto_transceiver *t = e->u.track.transceiver;
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    sotto_event_free(e);
    e = sides_take(&s, s.b, SOTTO_EV_TRACK_REMOVED);
    assert_non_null(e);
    assert_ptr_equal(e->u.track.transceiver, t);
    sotto_transceiver_free(t);
    assert_int_equal(sotto_transceiver_stop(t), SOTTO_E_CLOSED); /* given back; the event holds it */
    assert_int_equal(sotto_pc_remove_track(s.b, t), SOTTO_E_CLOSED);
    sotto_event_free(e);
    sides_free(&s);
}

static void a_transceiver_that_both_know_to_be_stopped_is_gone(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *own;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, two_streams, 2, &own), 0);
    sides_negotiate(s.a, s.b);
    sotto_transceiver *t = sides_only(s.b);
    sides_drain(&s, s.a, 0);
    assert_int_equal(sotto_transceiver_stop(own), 0);
    assert_int_equal(sotto_transceiver_current_direction(own), SOTTO_DIR_SENDONLY);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    sotto_transceiver_free(own); /* not yet */
    assert_ptr_equal(sides_only(s.a), own);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 0);
    assert_int_equal(sotto_pc_get_transceivers(s.b, NULL, 0), 0);
    assert_int_equal(sotto_transceiver_current_direction(own), SOTTO_DIR_STOPPED);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    sotto_transceiver_free(own);
    sotto_transceiver_free(t);
    sides_free(&s);
}

static void stopping_after_create_offer_ends_when_that_was_negotiated(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t, *other;
    char *offer, *answer;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &other), 0);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, NULL, 0, &t), 0);
    assert_int_equal(sotto_pc_create_offer(s.a, NULL, &offer), 0);
    assert_int_equal(sotto_transceiver_stop(t), 0);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 2); /* the offer names it */
    assert_int_equal(sotto_pc_set_local_description(s.a, SOTTO_SDP_OFFER, offer, NULL), 0);
    assert_int_equal(sotto_pc_set_remote_description(s.b, SOTTO_SDP_OFFER, offer, NULL), 0);
    sides_answer(s.b, s.a);
    sotto_free(offer);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 2);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 1);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    assert_int_equal(sotto_pc_local_description(s.a, SOTTO_DESC_CURRENT, NULL, &answer), 1);
    assert_non_null(strstr(answer, "m=video 0 "));
    sotto_free(answer);
    sides_free(&s);
}

static void an_offer_without_the_stopped_one_ends_it_too(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t, *other;
    char *offer;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &other), 0);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, NULL, 0, &t), 0);
    assert_int_equal(sotto_pc_create_offer(s.a, NULL, &offer), 0);
    sotto_free(offer);
    assert_int_equal(sotto_transceiver_stop(t), 0);
    sides_negotiate(s.a, s.b); /* by a new offer, which has no section for it */
    assert_int_equal(sotto_pc_get_transceivers(s.a, NULL, 0), 1);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    sides_free(&s);
}

static void negotiation_is_told_once_and_not_again_when_it_is_done(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, &t), 0);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, two_streams, 2, &t), 0);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    assert_int_equal(sotto_transceiver_set_streams(t, two_streams, 1), 0);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    sotto_transceiver *of_b[2];
    assert_int_equal(sotto_pc_get_transceivers(s.b, of_b, 2), 2);
    assert_int_equal(sotto_transceiver_set_direction(of_b[1], SOTTO_DIR_SENDRECV), 0);
    assert_int_equal(sides_drain(&s, s.b, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    sides_negotiate(s.b, s.a);
    assert_int_equal(sotto_transceiver_current_direction(t), SOTTO_DIR_SENDRECV);
    assert_int_equal(sides_drain(&s, s.b, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    sides_free(&s);
}

static void what_was_not_taken_before_the_offer_is_told_again_after_a_rollback_only(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &t), 0);
    sides_offer(s.a, s.b);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0); /* being done */
    assert_int_equal(sotto_pc_set_local_description(s.a, SOTTO_SDP_ROLLBACK, NULL, NULL), 0);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    assert_int_equal(sotto_pc_set_remote_description(s.b, SOTTO_SDP_ROLLBACK, NULL, NULL), 0);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    sides_free(&s);
}

static void parameters_must_be_read_again_after_a_description_changed_them(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    sotto_send_parameters *sp;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, NULL, 0, &t), 0);
    assert_int_equal(sotto_transceiver_get_parameters(t, &sp), 0);
    sides_negotiate(s.a, s.b);
    assert_int_equal(sotto_transceiver_set_parameters(t, sp), SOTTO_E_STATE);
    sotto_free(sp);
    sides_free(&s);
}

static void without_memory_a_track_event_stays_queued(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    sotto_event *e;
    size_t refused = 0, tracks = 0;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_VIDEO, two_streams, 2, &t), 0);
    sides_offer(s.a, s.b);
    for (;;) {
        int r = SOTTO_E_NOMEM;
        for (uint64_t n = 1; r == SOTTO_E_NOMEM; n++) {
            sotto__mem_fail_at(n);
            r = sotto_ctx_next(s.ctx, &e);
            sotto__mem_fail_at(0);
            refused += r == SOTTO_E_NOMEM;
        }
        if (r == 0) break;
        assert_int_equal(r, 1);
        if (e->type == SOTTO_EV_TRACK) {
            assert_ptr_equal(e->u.track.transceiver, sides_only(s.b));
            assert_int_equal(e->u.track.n_streams, 2);
            tracks++;
        }
        sotto_event_free(e);
    }
    assert_int_equal(tracks, 1);
    assert_true(refused >= 3);
    sides_free(&s);
}

static void without_memory_no_handles_are_given_out(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t, *all[3] = {NULL, NULL, NULL};
    sides_new(&s);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sotto_pc_add_transceiver(s.a, SOTTO_AUDIO, NULL, &t), 0);
    sides_offer(s.a, s.b);
    int r = SOTTO_E_NOMEM;
    for (int n = 0; r == SOTTO_E_NOMEM; n++) {
        assert_int_equal(sotto_pc_get_transceivers(s.b, NULL, 0), 3);
        assert_null(all[0]);
        sotto__mem_fail_at(1);
        r = sotto_pc_get_transceivers(s.b, all, 3);
        sotto__mem_fail_at(2);
        if (r == SOTTO_E_NOMEM) r = sotto_pc_get_transceivers(s.b, all, 3);
        sotto__mem_fail_at(0);
        assert_true(n < 5);
    }
    assert_int_equal(r, 3);
    assert_true(all[0] && all[1] && all[2]);
    sides_free(&s);
}

/* ---- events that only the network brings ---- */

static void queue(struct sides *s, uint32_t type, struct note note)
{
    struct note *copy = sotto__memdup(&note, sizeof note);
    assert_non_null(copy);
    if (note.transceiver) note.transceiver->noted++;
    assert_true(sotto__events_note(s->a->peer, 1, type, copy));
    sotto__events_listed(s->ctx, s->a);
}

static void a_candidate_error_names_server_and_code(void **state)
{
    (void)state;
    struct sides s;
    sotto_event *e;
    sides_new(&s);
    queue(&s, SOTTO_EV_CANDIDATE_ERROR,
          (struct note){
              .url = sotto__strdup("turn:192.0.2.1"), .text = sotto__strdup("Stale"), .code = 438});
    int r = SOTTO_E_NOMEM;
    for (uint64_t n = 1; r == SOTTO_E_NOMEM; n++) {
        sotto__mem_fail_at(n);
        r = sotto_ctx_next(s.ctx, &e);
        sotto__mem_fail_at(0);
    }
    assert_int_equal(r, 1);
    assert_int_equal(e->type, SOTTO_EV_CANDIDATE_ERROR);
    assert_ptr_equal(e->pc, s.a);
    assert_ptr_equal(e->user, &s.a);
    sotto_pc_free(s.a); /* what it shows is its own */
    assert_string_equal(e->u.candidate_error.url, "turn:192.0.2.1");
    assert_string_equal(e->u.candidate_error.text, "Stale");
    assert_string_equal(e->u.candidate_error.address, "");
    assert_int_equal(e->u.candidate_error.port, 0);
    assert_int_equal(e->u.candidate_error.code, 438);
    sotto_event_free(e);
    sides_free(&s);
}

static void mute_and_unmute_name_the_transceiver_and_no_streams(void **state)
{
    (void)state;
    static const uint32_t types[] = {SOTTO_EV_MUTE, SOTTO_EV_UNMUTE};
    struct sides s;
    sotto_transceiver *t;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &t), 0);
    for (size_t i = 0; i < 2; i++) {
        queue(&s, types[i], (struct note){.transceiver = t->transceiver});
        sotto_event *e = sides_take(&s, s.a, types[i]);
        assert_non_null(e);
        assert_ptr_equal(e->u.track.transceiver, t);
        assert_int_equal(e->u.track.n_streams, 0);
        sotto_event_free(e);
    }
    sides_free(&s);
}

/* ---- ICE restart ---- */

static void local_ufrag(sotto_pc *pc, char ret[static 33])
{
    char *sdp;
    assert_int_equal(sotto_pc_local_description(pc, SOTTO_DESC_EFFECTIVE, NULL, &sdp), 1);
    const char *at = strstr(sdp, "a=ice-ufrag:");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "a=ice-ufrag:%32[^\r]", ret), 1);
    sotto_free(sdp);
}

static void restart_ice_asks_for_an_offer_with_new_credentials(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    char before[33], after[33];
    sides_new(&s);
    assert_int_equal(sotto_pc_restart_ice(s.a), 0); /* before the first description: nothing */
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &t), 0);
    sides_negotiate(s.a, s.b);
    sides_drain(&s, s.a, 0);
    local_ufrag(s.a, before);
    assert_int_equal(sotto_pc_restart_ice(s.a), 0);
    assert_int_equal(sotto_pc_restart_ice(s.a), 0);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 1);
    sides_negotiate(s.a, s.b);
    local_ufrag(s.a, after);
    assert_string_not_equal(before, after);
    assert_int_equal(sides_drain(&s, s.a, SOTTO_EV_NEGOTIATION_NEEDED), 0);
    sides_free(&s);
}

static void the_option_of_create_offer_restarts_ice(void **state)
{
    (void)state;
    struct sides s;
    sotto_transceiver *t;
    char ufrag[33], line[64], *plain, *anew;
    sides_new(&s);
    assert_int_equal(sotto_pc_add_track(s.a, SOTTO_AUDIO, NULL, 0, &t), 0);
    sides_negotiate(s.a, s.b);
    local_ufrag(s.a, ufrag);
    snprintf(line, sizeof line, "a=ice-ufrag:%s\r\n", ufrag);
    sotto_offer_options opt = {.size = sizeof opt};
    assert_int_equal(sotto_pc_create_offer(s.a, &opt, &plain), 0);
    assert_non_null(strstr(plain, line));
    opt.ice_restart = true;
    assert_int_equal(sotto_pc_create_offer(s.a, &opt, &anew), 0);
    assert_null(strstr(anew, line));
    opt.size = 0;
    assert_int_equal(sotto_pc_create_offer(s.a, &opt, &(char *){NULL}), SOTTO_E_INVAL);
    sotto_free(plain);
    sotto_free(anew);
    sides_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_track_event_has_handle_streams_and_user),
        cmocka_unit_test(a_user_pointer_that_is_set_later_is_in_queued_events),
        cmocka_unit_test(an_event_outlives_handle_and_connection),
        cmocka_unit_test(a_rolled_back_transceiver_is_gone_and_given_back),
        cmocka_unit_test(events_of_a_gone_transceiver_bring_its_handle_if_none_was_out),
        cmocka_unit_test(a_transceiver_that_both_know_to_be_stopped_is_gone),
        cmocka_unit_test(stopping_after_create_offer_ends_when_that_was_negotiated),
        cmocka_unit_test(an_offer_without_the_stopped_one_ends_it_too),
        cmocka_unit_test(negotiation_is_told_once_and_not_again_when_it_is_done),
        cmocka_unit_test(what_was_not_taken_before_the_offer_is_told_again_after_a_rollback_only),
        cmocka_unit_test(parameters_must_be_read_again_after_a_description_changed_them),
        cmocka_unit_test(without_memory_a_track_event_stays_queued),
        cmocka_unit_test(without_memory_no_handles_are_given_out),
        cmocka_unit_test(a_candidate_error_names_server_and_code),
        cmocka_unit_test(mute_and_unmute_name_the_transceiver_and_no_streams),
        cmocka_unit_test(restart_ice_asks_for_an_offer_with_new_credentials),
        cmocka_unit_test(the_option_of_create_offer_restarts_ice),
    };
    return cmocka_run_group_tests_name("media_events", tests, NULL, NULL);
}
