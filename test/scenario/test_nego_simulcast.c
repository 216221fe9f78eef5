/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulcast in negotiation: encodings with rids and their lines, what an answer leaves of them, what an offer asks for, and the
 * parameters of senders over it (W3C §5.1, §5.2, §4.4.1.5; RFC 8851, RFC 8853; RFC 9429 §5.2.1, §5.3.1).
 */
#include "nego.h"
#include "nego_sdp.h"

/* "RID*SCALE" of each encoding, joined by blanks; "-" for no rid. */
static char *encodings(struct nego_side *s, sotto_transceiver *t)
{
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    char *text = nego_text(s->n, "%s", "");
    for (size_t i = 0; i < p->n_encodings; i++)
        text = nego_text(s->n, "%s%s%s*%g", text, i ? " " : "",
                         p->encodings[i].rid ? p->encodings[i].rid : "-", p->encodings[i].scale);
    sotto_free(p);
    return text;
}

static struct paper asks(const char *lines)
{
    struct paper p = {.s = {{"video", .extra = lines}}};
    return p;
}

/* ---- our encodings ---- */

static void encodings_with_rids_are_offered_as_simulcast_in_their_order(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    nego_add_rids(&n->a, "h,m,l");
    char *offer = nego_offer(&n->a);
    assert_string_equal(sdp_value(n, offer, 0, "a=simulcast:"), "send h;m;l");
    assert_true(sdp_has(n, offer, 0, "a=rid:h send") && sdp_has(n, offer, 0, "a=rid:m send") &&
                sdp_has(n, offer, 0, "a=rid:l send"));
    assert_int_equal(sdp_count(offer, "a=rid:"), 3);
    nego_free(n);
}

struct made {
    const char *name;
    int32_t kind;
    size_t n;
    const char *rids[4];
    double scales[4];
    const char *want;
};

static const struct made made[] = {
    {"encodings_of_video_are_scaled_by_powers_of_two",
     SOTTO_VIDEO,
     3,
     {"h", "m", "l"},
     {0},
     "h*4 m*2 l*1"},
    {"encodings_without_a_scale_get_1_beside_one_that_has_one",
     SOTTO_VIDEO,
     3,
     {"h", "m", "l"},
     {0, 3, 0},
     "h*1 m*3 l*1"},
    {"audio_has_no_scale", SOTTO_AUDIO, 1, {NULL}, {2}, "-*0"},
    {"a_single_encoding_loses_its_rid", SOTTO_VIDEO, 1, {"x"}, {0}, "-*1"},
    {"a_single_encoding_keeps_its_scale", SOTTO_VIDEO, 1, {"x"}, {2.5}, "-*2.5"},
};

static void encodings_are_made(void **state)
{
    const struct made *row = *state;
    struct nego *n = nego_alone();
    sotto_encoding e[4];
    memset(e, 0, sizeof e);
    for (size_t i = 0; i < row->n; i++) {
        e[i].size = sizeof e[i];
        e[i].rid = row->rids[i];
        e[i].scale = row->scales[i];
    }
    sotto_transceiver_config c = {.size = sizeof c, .encodings = e, .n_encodings = row->n};
    sotto_transceiver *t = NULL;
    assert_int_equal(sotto_pc_add_transceiver(n->a.pc, row->kind, &c, &t), 0);
    assert_string_equal(encodings(&n->a, t), row->want);
    nego_free(n);
}

static void nine_encodings_are_too_many(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    static const char *const rids[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    sotto_encoding e[9];
    memset(e, 0, sizeof e);
    for (size_t i = 0; i < 9; i++) e[i].size = sizeof e[i], e[i].rid = rids[i];
    sotto_transceiver_config c = {.size = sizeof c, .encodings = e, .n_encodings = 9};
    sotto_transceiver *t = NULL;
    assert_int_equal(sotto_pc_add_transceiver(n->a.pc, SOTTO_VIDEO, &c, &t), SOTTO_E_RANGE);
    c.n_encodings = 8;
    assert_int_equal(sotto_pc_add_transceiver(n->a.pc, SOTTO_VIDEO, &c, &t), 0);
    nego_free(n);
}

/* ---- answers to our simulcast ---- */

static const struct {
    const char *name, *lines, *want;
} answers[] = {
    {"a_simulcast_that_is_answered_whole_stays",
     "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv h;m;l", "h*4 m*2 l*1"},
    {"a_simulcast_that_is_answered_in_part_leaves_those_layers",
     "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l", "h*4 l*1"},
    {"a_simulcast_that_is_answered_with_one_layer_leaves_that",
     "a=rid:m recv\r\na=simulcast:recv m", "m*2"},
    {"a_simulcast_with_a_paused_layer_keeps_it",
     "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;~l", "h*4 l*1"},
    {"an_answer_without_simulcast_leaves_one_encoding", NULL, "h*4"},
    {"an_answer_that_would_send_simulcast_instead_leaves_one_encoding",
     "a=rid:z send\r\na=simulcast:send z", "h*4"},
};

static void answered(void **state)
{
    const struct {
        const char *name, *lines, *want;
    } *row = *state;
    static const int32_t types[] = {SOTTO_SDP_ANSWER, SOTTO_SDP_PRANSWER};
    for (int i = 0; i < 2; i++) {
        struct nego *n = nego_alone();
        sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
        char *answer = paper_answer(n, nego_offer(&n->a));
        assert_string_equal(encodings(&n->a, t), "h*4 m*2 l*1");
        nego_set_remote(&n->a, types[i], row->lines ? sdp_put(n, answer, 0, row->lines) : answer);
        assert_string_equal(encodings(&n->a, t), row->want);
        nego_free(n);
    }
}

static void two_sides_negotiate_simulcast_and_keep_it_over_offers_of_either(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    nego_exchange(&n->a);
    assert_string_equal(sdp_value(n, nego_local(&n->b), 0, "a=simulcast:"), "recv h;m;l");
    assert_int_equal(sdp_count(nego_local(&n->b), "a=rid:"), 3);
    for (int i = 0; i < 4; i++) {
        nego_exchange(i % 2 ? &n->a : &n->b);
        assert_string_equal(encodings(&n->a, t), "h*4 m*2 l*1");
        assert_string_equal(sdp_value(n, nego_local(&n->a), 0, "a=simulcast:"), "send h;m;l");
        assert_string_equal(sdp_value(n, nego_local(&n->b), 0, "a=simulcast:"), "recv h;m;l");
    }
    nego_free(n);
}

static void layers_that_were_refused_are_not_offered_again(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    char *answer = paper_answer(n, nego_offer(&n->a));
    nego_set_remote(&n->a, SOTTO_SDP_ANSWER,
                    sdp_put(n, answer, 0, "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l"));
    assert_string_equal(encodings(&n->a, t), "h*4 l*1");
    assert_string_equal(sdp_value(n, nego_make_offer(&n->a), 0, "a=simulcast:"), "send h;l");
    nego_free(n);
}

/* ---- offers that ask for simulcast ---- */

static const struct {
    const char *name, *lines, *want, *answer;
} asked[] = {
    {"a_request_for_simulcast_becomes_encodings",
     "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv h;m;l\r\n", "h*4 m*2 l*1",
     "send h;m;l"},
    {"of_alternative_rids_the_first_counts",
     "a=rid:h recv\r\na=rid:x recv\r\na=rid:l recv\r\na=simulcast:recv h,x;l\r\n", "h*2 l*1",
     "send h;l"},
    {"a_rid_that_is_asked_for_twice_counts_once",
     "a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l;h\r\n", "h*2 l*1", "send h;l"},
    {"a_request_with_restrictions_is_taken",
     "a=rid:h recv max-width=1280;max-height=720\r\na=rid:l recv max-fps=15\r\n"
     "a=simulcast:recv h;l\r\n",
     "h*2 l*1", "send h;l"},
    {"of_more_rids_than_are_supported_the_first_count",
     "a=rid:1 recv\r\na=rid:2 recv\r\na=rid:3 recv\r\na=rid:4 recv\r\na=rid:5 recv\r\n"
     "a=rid:6 recv\r\na=rid:7 recv\r\na=rid:8 recv\r\na=rid:9 recv\r\n"
     "a=simulcast:recv 1;2;3;4;5;6;7;8;9\r\n",
     "1*128 2*64 3*32 4*16 5*8 6*4 7*2 8*1", "send 1;2;3;4;5;6;7;8"},
    {"rids_without_a_simulcast_line_are_no_simulcast", "a=rid:h recv\r\na=rid:l recv\r\n", "-*1",
     NULL},
    /* proves: H017 */
    {"a_simulcast_line_that_breaks_its_grammar_is_no_simulcast",
     "a=rid:h recv\r\na=simulcast:~~~;,,\r\n", "-*1", NULL},
};

static void asked_for(void **state)
{
    const struct {
        const char *name, *lines, *want, *answer;
    } *row = *state;
    struct nego *n = nego_alone();
    struct paper p = asks(row->lines);
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    if (!row->answer && r < 0) { /* what cannot be read may be refused as well */
        assert_true(r == SOTTO_E_SDP || r == SOTTO_E_SYNTAX);
        nego_free(n);
        return;
    }
    assert_int_equal(r, 0);
    assert_string_equal(encodings(&n->a, t), row->want);
    char *line = sdp_value(n, nego_answer(&n->a), 0, "a=simulcast:");
    assert_int_equal(line != NULL, row->answer != NULL);
    if (line) assert_string_equal(line, row->answer);
    assert_string_equal(encodings(&n->a, t), row->want);
    nego_free(n);
}

static void a_request_to_one_without_a_track_is_not_answered_with_simulcast(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = asks("a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n");
    assert_false(sdp_has(n, nego_answer_to(&n->a, paper_write(n, &p)), 0, "a=simulcast:send"));
    nego_free(n);
}

static void a_track_that_is_added_before_the_answer_takes_the_simulcast(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = asks("a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n");
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    nego_track(&n->a, SOTTO_VIDEO, "s");
    assert_string_equal(sdp_value(n, nego_answer(&n->a), 0, "a=simulcast:"), "send h;l");
    nego_free(n);
}

static void our_own_rids_are_not_replaced_by_an_offer(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    char *answer = paper_answer(n, nego_offer(&n->a));
    nego_set_remote(
        &n->a, SOTTO_SDP_ANSWER,
        sdp_put(n, answer, 0,
                "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv h;m;l"));
    struct paper p =
        asks("a=rid:h recv\r\na=rid:l recv\r\na=rid:z recv\r\na=simulcast:recv h;l;z\r\n");
    nego_set_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    assert_string_equal(encodings(&n->a, t), "h*4 m*2 l*1");
    assert_string_equal(sdp_value(n, nego_answer(&n->a), 0, "a=simulcast:"), "send h;l");
    assert_string_equal(encodings(&n->a, t), "h*4 l*1");
    nego_free(n);
}

static void a_second_offer_cannot_change_the_rids_that_were_negotiated(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = asks("a=rid:h recv\r\na=rid:l recv\r\na=simulcast:recv h;l\r\n");
    sotto_transceiver *t = nego_track(&n->a, SOTTO_VIDEO, "s");
    nego_answer_to(&n->a, paper_write(n, &p));
    p.version++, p.s[0].extra = "a=rid:x recv\r\na=rid:y recv\r\na=simulcast:recv x;y\r\n";
    int r = nego_try_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p));
    assert_true(r == 0 || r == SOTTO_E_SDP);
    assert_string_equal(encodings(&n->a, t), "h*2 l*1");
    if (r == 0) assert_int_equal(sdp_count(nego_answer(&n->a), "a=simulcast:send x"), 0);
    assert_null(strstr(encodings(&n->a, t), "x*"));
    nego_free(n);
}

/* proves: SDP-20 */
static void a_remote_that_sends_simulcast_is_answered_with_recv(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p =
        asks("a=rid:h send\r\na=rid:m send\r\na=rid:l send\r\na=simulcast:send h;m;l\r\n");
    char *answer = nego_answer_to(&n->a, paper_write(n, &p));
    assert_string_equal(sdp_value(n, answer, 0, "a=simulcast:"), "recv h;m;l");
    assert_true(sdp_has(n, answer, 0, "a=rid:h recv"));
    nego_expect(&n->a, "track 0 -"); /* one track, whatever it has of layers */
    nego_free(n);
}

static void a_simulcast_line_with_a_rid_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct nego *n = nego_alone();
    struct paper p = asks("a=rid:h recv\r\na=simulcast:recv h;nobody\r\n");
    nego_refuse_remote(&n->a, SOTTO_SDP_OFFER, paper_write(n, &p), SOTTO_E_SDP);
    nego_free(n);
}

/* ---- parameters ---- */

static int set_with(sotto_transceiver *t, void (*change)(sotto_send_parameters *p))
{
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    change(p);
    int r = sotto_transceiver_set_parameters(t, p);
    sotto_free(p);
    return r;
}

static void nothing(sotto_send_parameters *p)
{
    (void)p;
}

static void pause_and_limit(sotto_send_parameters *p)
{
    p->encodings[0].inactive = true;
    p->encodings[1].max_bps = 500000;
    p->encodings[1].scale = 3;
}

static void fewer(sotto_send_parameters *p)
{
    p->n_encodings--;
}

static void other_order(sotto_send_parameters *p)
{
    sotto_encoding e = p->encodings[0];
    p->encodings[0] = p->encodings[1];
    p->encodings[1] = e;
}

static void other_rid(sotto_send_parameters *p)
{
    p->encodings[0].rid = "z";
}

static void other_transaction(sotto_send_parameters *p)
{
    p->transaction++;
}

static void small_scale(sotto_send_parameters *p)
{
    p->encodings[0].scale = 0.5;
}

static const struct {
    const char *name;
    void (*change)(sotto_send_parameters *p);
    int want;
} changes[] = {
    {"parameters_as_they_were_read_are_taken", nothing, 0},
    {"layers_can_be_paused_limited_and_scaled", pause_and_limit, 0},
    {"the_number_of_encodings_cannot_change", fewer, SOTTO_E_MODIFICATION},
    {"the_order_of_encodings_cannot_change", other_order, SOTTO_E_MODIFICATION},
    {"the_rid_of_an_encoding_cannot_change", other_rid, SOTTO_E_MODIFICATION},
    {"parameters_of_another_reading_are_refused", other_transaction, SOTTO_E_MODIFICATION},
    {"a_scale_below_one_cannot_be_set", small_scale, SOTTO_E_RANGE},
};

static void parameters(void **state)
{
    const struct {
        const char *name;
        void (*change)(sotto_send_parameters *p);
        int want;
    } *row = *state;
    struct nego *n = nego_alone();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    char *before = encodings(&n->a, t);
    nego_forget(&n->a);
    assert_int_equal(set_with(t, row->change), row->want);
    if (row->want < 0) assert_string_equal(encodings(&n->a, t), before);
    nego_expect(&n->a, "");
    nego_free(n);
}

static void parameters_that_were_read_before_a_description_are_outdated(void **state)
{
    (void)state;
    for (int simulcast = 0; simulcast < 2; simulcast++) {
        struct nego *n = nego_pair();
        sotto_transceiver *t =
            simulcast ? nego_add_rids(&n->a, "h,m,l") : nego_track(&n->a, SOTTO_VIDEO, NULL);
        sotto_send_parameters *p = NULL;
        assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
        nego_exchange(&n->a);
        int r = sotto_transceiver_set_parameters(t, p);
        assert_true(r == SOTTO_E_STATE || r == SOTTO_E_MODIFICATION);
        sotto_free(p);
        assert_int_equal(set_with(t, nothing), 0);
        nego_free(n);
    }
}

static void what_was_set_stays_over_a_negotiation(void **state)
{
    (void)state;
    struct nego *n = nego_pair();
    sotto_transceiver *t = nego_add_rids(&n->a, "h,m,l");
    assert_int_equal(set_with(t, pause_and_limit), 0);
    nego_exchange(&n->a);
    sotto_send_parameters *p = NULL;
    assert_int_equal(sotto_transceiver_get_parameters(t, &p), 0);
    assert_true(p->encodings[0].inactive && p->encodings[1].max_bps == 500000);
    assert_true(p->encodings[1].scale == 3 && !p->encodings[2].inactive);
    sotto_free(p);
    nego_free(n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_TEST(&u, encodings_with_rids_are_offered_as_simulcast_in_their_order);
    NEGO_ROWS(&u, made, encodings_are_made);
    NEGO_TEST(&u, nine_encodings_are_too_many);
    NEGO_ROWS(&u, answers, answered);
    NEGO_TEST(&u, two_sides_negotiate_simulcast_and_keep_it_over_offers_of_either);
    NEGO_TEST(&u, layers_that_were_refused_are_not_offered_again);
    NEGO_ROWS(&u, asked, asked_for);
    NEGO_TEST(&u, a_request_to_one_without_a_track_is_not_answered_with_simulcast);
    NEGO_TEST(&u, a_track_that_is_added_before_the_answer_takes_the_simulcast);
    NEGO_TEST(&u, our_own_rids_are_not_replaced_by_an_offer);
    NEGO_TEST(&u, a_second_offer_cannot_change_the_rids_that_were_negotiated);
    NEGO_TEST(&u, a_remote_that_sends_simulcast_is_answered_with_recv);
    NEGO_TEST(&u, a_simulcast_line_with_a_rid_that_is_not_there_is_refused);
    NEGO_ROWS(&u, changes, parameters);
    NEGO_TEST(&u, parameters_that_were_read_before_a_description_are_outdated);
    NEGO_TEST(&u, what_was_set_stays_over_a_negotiation);
    return nego_suite_run(&u, "negotiation: simulcast");
}
