/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulcast over a call's life: answers that reorder, add, pause or narrow after a provisional answer, both directions at once, rollback,
 * what the section has besides, and transactions of parameters (RFC 8853, RFC 8851, W3C §5.2).
 */
#include "nego_more.h"

#define HML_RECV "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\n"
#define RID_EXT "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"

/* "h m! l": rids, "!" for one that is not active. */
static char *layers(struct nego_side *s, sotto_transceiver *t)
{
    sotto_send_parameters *p = NULL;
    char *text = nego_text(s->n, "%s", "");
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    for (size_t i = 0; i < p->n_encodings; i++)
        text = nego_text(s->n, "%s%s%s%s", text, i ? " " : "",
                         p->encodings[i].rid ? p->encodings[i].rid : "-",
                         p->encodings[i].inactive ? "!" : "");
    sotto_free(p);
    return text;
}

static struct nego *offered(sotto_transceiver **ret_t, char **ret_answer)
{
    struct nego *n = nego_alone();
    *ret_t = nego_add_rids(&n->a, "h,m,l");
    *ret_answer = paper_answer(n, nego_offer(&n->a));
    return n;
}

/* ---- answers ---- */

static const struct {
    const char *name, *lines, *want, *next; /* next: a=simulcast of our next offer, NULL: none */
} answers[] = {
    {"an_answer_in_another_order_keeps_ours", HML_RECV "a=simulcast:recv l;m;h", "h m l",
     "send h;m;l"},
    {"an_answer_with_a_rid_that_was_not_offered_ignores_it",
     HML_RECV "a=rid:x recv\r\na=simulcast:recv h;x;l", "h l", "send h;l"},
    {"an_answer_with_restrictions_keeps_the_layers",
     "a=rid:h recv max-width=1280;max-fps=30\r\na=rid:l recv max-br=100000\r\n"
     "a=simulcast:recv h;l",
     "h l", "send h;l"},
    {"an_answer_that_names_a_layer_twice_counts_it_once", HML_RECV "a=simulcast:recv h;l;h", "h l",
     "send h;l"},
    {"an_answer_with_every_layer_paused_keeps_them", HML_RECV "a=simulcast:recv ~h;~m;~l", "h m l",
     "send h;m;l"},
    {"an_answer_with_rids_but_without_simulcast_leaves_one", "a=rid:h recv\r\na=rid:l recv", "h",
     NULL},
    {"an_answer_to_send_what_was_offered_leaves_one",
     "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l", "h", NULL},
};

static void answered(void **state)
{
    const struct {
        const char *name, *lines, *want, *next;
    } *row = *state;
    sotto_transceiver *t;
    char *answer, *next;
    struct nego *n = offered(&t, &answer);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, sdp_put(n, answer, 0, row->lines));
    assert_string_equal(layers(&n->a, t), row->want);
    next = sdp_value(n, nego_offer(&n->a), 0, "a=simulcast:");
    assert_int_equal(next != NULL, row->next != NULL);
    if (next) assert_string_equal(next, row->next);
    nego_rollback(&n->a);
    assert_string_equal(layers(&n->a, t), row->want);
    nego_free(n);
}

static void layers_that_a_provisional_answer_took_away_do_not_come_back(void **state)
{
    (void)state;
    sotto_transceiver *t;
    char *answer;
    struct nego *n = offered(&t, &answer);
    nego_set_remote(&n->a, SOTTO_SDP_PRANSWER,
                    sdp_put(n, answer, 0, HML_RECV "a=simulcast:recv h;l"));
    assert_string_equal(layers(&n->a, t), "h l");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER,
                    sdp_put(n, answer, 0, HML_RECV "a=simulcast:recv h;m;l"));
    assert_string_equal(layers(&n->a, t), "h l");
    nego_free(n);
}

static void an_answer_that_rejects_the_section_stops_all_layers(void **state)
{
    (void)state;
    sotto_transceiver *t;
    char *answer;
    struct nego *n = offered(&t, &answer);
    answer = sdp_drop(n, sdp_reject(n, answer, 0), SDP_SESSION, "a=group:BUNDLE");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_int_equal(sotto_transceiver_get_direction(t), SOTTO_DIR_STOPPED);
    assert_int_equal(nego_count_transceivers(&n->a), 0);
    nego_free(n);
}

static void an_answer_with_simulcast_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    sotto_transceiver *t;
    char *answer;
    struct nego *n = offered(&t, &answer);
    nego_refuse_remote(&n->a, SOTTO_SDP_ANSWER,
                       sdp_put(n, answer, 0, HML_RECV "a=simulcast:recv h;nobody"), SOTTO_E_SDP);
    assert_string_equal(layers(&n->a, t), "h m l");
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER,
                    sdp_put(n, answer, 0, HML_RECV "a=simulcast:recv h;m;l"));
    assert_string_equal(layers(&n->a, t), "h m l");
    nego_free(n);
}

/* ---- what the section has besides ---- */

static void a_simulcast_section_has_the_extensions_of_rids_and_no_ssrcs(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,l");
    nego_track(&n->a, SOTTO_VIDEO, "s"); /* this one has no layers */
    char *offer = nego_offer(&n->a), *answer = nego_answer_to(&n->b, offer);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER, answer);
    assert_non_null(strstr(sdp_section(n, offer, 0), RID_EXT));
    assert_non_null(strstr(sdp_section(n, answer, 0), RID_EXT));
    assert_null(strstr(sdp_section(n, offer, 1), RID_EXT));
    assert_false(sdp_has(n, offer, 0, "a=ssrc"));
    assert_true(sdp_has(n, offer, 1, "a=ssrc"));
    assert_non_null(strstr(more_exts(&n->a, t), RID_EXT));
    assert_null(strstr(more_exts(&n->a, nego_at(&n->a, 1)), RID_EXT));
    nego_free(n);
}

static void eight_layers_with_long_names_are_negotiated(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    char *rids = nego_text(n, "%s", "");
    for (int i = 0; i < 8; i++)
        rids = nego_text(n, "%s%s%d%s", rids, i ? "," : "", i,
                         "_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    sotto_transceiver *t = nego_add_rids(&n->a, rids);
    nego_exchange(&n->a);
    nego_exchange(&n->b);
    assert_int_equal(sdp_count(nego_remote(&n->b), "a=rid:"), 8);
    assert_int_equal(sdp_count(layers(&n->a, t), " "), 7);
    nego_free(n);
}

/* ---- both directions ---- */

static void simulcast_both_ways_is_answered_both_ways(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {
        .s = {{"video", .extra = "a=rid:1 send\r\na=rid:2 send\r\na=rid:h recv\r\n"
                                 "a=rid:l recv\r\na=simulcast:send 1;2 recv h;l\r\n"}}};
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    char *line = sdp_value(n, answer, 0, "a=simulcast:");
    assert_non_null(line);
    assert_string_equal(line, "send h;l recv 1;2");
    more_expect_lines(n, answer, 0, "a=rid:1 recv|a=rid:2 recv|a=rid:h send|a=rid:l send", true);
    assert_string_equal(layers(&n->a, t), "h l");
    nego_free(n);
}

static const struct {
    const char *name;
    int32_t direction;
    const char *want; /* NULL: none */
} directed[] = {
    {"who_only_receives_answers_simulcast_with_recv", SOTTO_DIR_RECVONLY, "recv 1;2"},
    {"who_only_sends_does_not_answer_simulcast_with_recv", SOTTO_DIR_SENDONLY, NULL},
    {"who_is_inactive_does_not_answer_simulcast", SOTTO_DIR_INACTIVE, NULL},
};

static void direction_decides(void **state)
{
    const struct {
        const char *name;
        int32_t direction;
        const char *want;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = {
        .s = {{"video", .extra = "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n"}}};
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_direct(&n->a, nego_at(&n->a, 0), row->direction);
    char *line = sdp_value(n, nego_answer(&n->a), 0, "a=simulcast:");
    assert_int_equal(line != NULL, row->want != NULL);
    if (line) assert_string_equal(line, row->want);
    nego_free(n);
}

static void paused_layers_of_a_remote_are_taken(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {
        .s = {{"video", .extra = "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;~2\r\n"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(sdp_value(n, answer, 0, "a=simulcast:"), "recv 1;2");
    nego_free(n);
}

static void of_nine_layers_of_a_remote_the_first_eight_are_taken(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    char *lines = nego_text(n, "%s", ""), *list = nego_text(n, "%s", "");
    for (int i = 1; i <= 9; i++) {
        lines = nego_text(n, "%sa=rid:%d send\r\n", lines, i);
        list = nego_text(n, "%s%s%d", list, i > 1 ? ";" : "", i);
    }
    struct paper p = {
        .s = {{"video", .extra = nego_text(n, "%sa=simulcast:send %s\r\n", lines, list)}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(sdp_value(n, answer, 0, "a=simulcast:"), "recv 1;2;3;4;5;6;7;8");
    nego_free(n);
}

static void a_remote_may_send_other_layers_later(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    static const char *const lists[] = {"h;l", "h;m;l", "x;y", "h", "h;m;l"};
    struct paper p = {.s = {{"video"}}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char *lines = nego_text(n, "%s", "");
        for (const char *c = lists[i]; *c; c++)
            if (*c != ';') lines = nego_text(n, "%sa=rid:%c send\r\n", lines, *c);
        p.version++;
        p.s[0].extra = nego_text(n, "%sa=simulcast:send %s\r\n", lines, lists[i]);
        char *answer = nego_answer_to(&n->a, paper_write(n, &p));
        assert_string_equal(sdp_value(n, answer, 0, "a=simulcast:"),
                            nego_text(n, "recv %s", lists[i]));
        assert_string_equal(layers(&n->a, nego_at(&n->a, 0)), "-"); /* ours are ours */
    }
    nego_free(n);
}

static void simulcast_of_audio_is_not_answered(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = {
        .s = {{"audio", .extra = "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n"}}};
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_false(sdp_has(n, answer, 0, "a=simulcast"));
    assert_false(sdp_is_rejected(n, answer, 0));
    nego_free(n);
}

/* ---- over re-offers and rollback ---- */

static void an_offer_that_asks_for_less_takes_layers_with_the_answer_only(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    nego_exchange(&n->a);
    char *offer = nego_offer(&n->b);
    offer = sdp_set(n, offer, 0, "a=simulcast:", "a=simulcast:recv h;l");
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, offer);
    assert_string_equal(layers(&n->a, t), "h m l");
    nego_rollback(&n->a);
    assert_string_equal(layers(&n->a, t), "h m l");
    char *answer = nego_answer_to(&n->a, offer);
    assert_string_equal(sdp_value(n, answer, 0, "a=simulcast:"), "send h;l");
    assert_string_equal(layers(&n->a, t), "h l");
    nego_free(n);
}

static void a_rolled_back_first_offer_keeps_the_layers(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    nego_offer(&n->a);
    nego_rollback(&n->a);
    assert_string_equal(layers(&n->a, t), "h m l");
    assert_string_equal(sdp_value(n, nego_offer(&n->a), 0, "a=simulcast:"), "send h;m;l");
    nego_free(n);
}

static void layers_stay_over_a_pause_of_the_whole_section(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    nego_channel(&n->a, "c");
    nego_exchange(&n->a);
    nego_direct(&n->a, t, SOTTO_DIR_INACTIVE);
    nego_exchange(&n->a);
    nego_exchange(&n->b);
    assert_string_equal(layers(&n->a, t), "h m l");
    nego_direct(&n->a, t, SOTTO_DIR_SENDRECV);
    nego_exchange(&n->a);
    assert_string_equal(layers(&n->a, t), "h m l");
    assert_string_equal(sdp_value(n, nego_local(&n->b), 0, "a=simulcast:"), "recv h;m;l");
    more_expect_one_transport(n);
    more_expect_data(n);
    nego_free(n);
}

/* ---- parameters ---- */

static void a_layer_that_is_not_active_is_offered_as_paused(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    p->encodings[1].inactive = true;
    assert_int_equal(sotto_transceiver_set_parameters(t, p), 0);
    sotto_free(p);
    nego_exchange(&n->a);
    assert_string_equal(sdp_value(n, nego_local(&n->a), 0, "a=simulcast:"), "send h;~m;l");
    assert_string_equal(layers(&n->a, t), "h m! l");
    nego_free(n);
}

static void a_transaction_is_used_once(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    sotto_send_parameters *p = NULL, *q = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    assert_int_equal(sotto_transceiver_get_parameters(t, &q), 0);
    assert_true(p->transaction == q->transaction); /* nothing happened in between */
    p->encodings[0].max_bps = 1000;
    assert_int_equal(sotto_transceiver_set_parameters(t, p), 0);
    assert_int_equal(sotto_transceiver_set_parameters(t, p), SOTTO_E_STATE);
    assert_int_equal(sotto_transceiver_set_parameters(t, q), SOTTO_E_STATE);
    sotto_free(q);
    assert_int_equal(sotto_transceiver_get_parameters(t, &q), 0);
    assert_true(q->transaction != p->transaction && q->encodings[0].max_bps == 1000);
    assert_int_equal(sotto_transceiver_set_parameters(t, p), SOTTO_E_MODIFICATION);
    assert_int_equal(sotto_transceiver_set_parameters(t, q), 0);
    sotto_free(p), sotto_free(q);
    nego_free(n);
}

static void a_transaction_of_one_transceiver_is_none_of_another(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l"), *u = nego_add_rids(&n->a, "h,m,l");
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    assert_int_equal(sotto_transceiver_set_parameters(u, p), SOTTO_E_STATE);
    sotto_free(p);
    nego_free(n);
}

static void parameters_of_a_stopped_transceiver_cannot_be_set(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    nego_exchange(&n->a);
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    nego_stop(&n->a, t);
    assert_int_equal(sotto_transceiver_set_parameters(t, p), SOTTO_E_STATE);
    sotto_free(p);
    nego_free(n);
}

static void limits_of_layers_stay_when_others_go(void **state)
{
    (void)state;
    sotto_transceiver *t;
    char *answer;
    struct nego *n = offered(&t, &answer);
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    p->encodings[2].max_bps = 77000, p->encodings[2].scale = 5;
    assert_int_equal(sotto_transceiver_set_parameters(t, p), 0);
    sotto_free(p);
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER,
                    sdp_put(n, answer, 0, HML_RECV "a=simulcast:recv h;l"));
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    assert_int_equal(p->n_encodings, 2);
    assert_true(p->encodings[1].max_bps == 77000 && p->encodings[1].scale == 5);
    sotto_free(p);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, answers, answered);
    NEGO_TEST(&u, layers_that_a_provisional_answer_took_away_do_not_come_back);
    NEGO_TEST(&u, an_answer_that_rejects_the_section_stops_all_layers);
    NEGO_TEST(&u, an_answer_with_simulcast_that_cannot_be_is_refused_and_changes_nothing);
    NEGO_TEST(&u, a_simulcast_section_has_the_extensions_of_rids_and_no_ssrcs);
    NEGO_TEST(&u, eight_layers_with_long_names_are_negotiated);
    NEGO_TEST(&u, simulcast_both_ways_is_answered_both_ways);
    NEGO_ROWS(&u, directed, direction_decides);
    NEGO_TEST(&u, paused_layers_of_a_remote_are_taken);
    NEGO_TEST(&u, of_nine_layers_of_a_remote_the_first_eight_are_taken);
    NEGO_TEST(&u, a_remote_may_send_other_layers_later);
    NEGO_TEST(&u, simulcast_of_audio_is_not_answered);
    NEGO_TEST(&u, an_offer_that_asks_for_less_takes_layers_with_the_answer_only);
    NEGO_TEST(&u, a_rolled_back_first_offer_keeps_the_layers);
    NEGO_TEST(&u, layers_stay_over_a_pause_of_the_whole_section);
    NEGO_TEST(&u, a_layer_that_is_not_active_is_offered_as_paused);
    NEGO_TEST(&u, a_transaction_is_used_once);
    NEGO_TEST(&u, a_transaction_of_one_transceiver_is_none_of_another);
    NEGO_TEST(&u, parameters_of_a_stopped_transceiver_cannot_be_set);
    NEGO_TEST(&u, limits_of_layers_stay_when_others_go);
    return nego_suite_run(&u, "negotiation: layers");
}
