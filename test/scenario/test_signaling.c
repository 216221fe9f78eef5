/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signaling state machine of RFC 9429 §3.2 and §5: which description is accepted in which state, rollback, and what is
 * refused without a trace.
 */
#include "cmocka_all.h"
#include "pair.h"
#include "util/mem.h"

struct five {
    struct pair *p;
    sotto_pc *a, *b;      /* b makes what a gets */
    char *offer, *answer; /* of b: an offer; an answer to a's offer; NULL if the state has none */
};

static char *offer_of(sotto_pc *pc)
{
    char *s = NULL;
    assert_int_equal(sotto_pc_create_offer(pc, NULL, &s), 0);
    return s;
}

/* Brings a into the given signaling state. */
static struct five enter(int32_t state)
{
    struct five f = {.p = pair_new(1, NULL)};
    f.a = f.p->side[0].pc, f.b = f.p->side[1].pc;
    assert_non_null(side_channel(&f.p->side[0], "a", NULL));
    assert_non_null(side_channel(&f.p->side[1], "b", NULL));
    f.offer = offer_of(f.b);
    if (state == SOTTO_SIGNALING_HAVE_LOCAL_OFFER ||
        state == SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER) {
        char *mine = offer_of(f.a);
        assert_int_equal(sotto_pc_set_local_description(f.a, SOTTO_SDP_OFFER, mine, NULL), 0);
        assert_int_equal(sotto_pc_set_remote_description(f.b, SOTTO_SDP_OFFER, mine, NULL), 0);
        assert_int_equal(sotto_pc_create_answer(f.b, &f.answer), 0);
        sotto_free(mine);
    }
    if (state == SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER)
        assert_int_equal(sotto_pc_set_remote_description(f.a, SOTTO_SDP_PRANSWER, f.answer, NULL),
                         0);
    if (state == SOTTO_SIGNALING_HAVE_REMOTE_OFFER || state == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER)
        assert_int_equal(sotto_pc_set_remote_description(f.a, SOTTO_SDP_OFFER, f.offer, NULL), 0);
    if (state == SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER)
        assert_int_equal(sotto_pc_set_local_description(f.a, SOTTO_SDP_PRANSWER, NULL, NULL), 0);
    assert_int_equal(side_state(&f.p->side[0]).signaling, state);
    return f;
}

static void leave(struct five *f)
{
    sotto_free(f->offer);
    sotto_free(f->answer);
    pair_free(f->p);
}

enum {
    L_OFFER,
    L_PRANSWER,
    L_ANSWER,
    L_ROLLBACK,
    R_OFFER,
    R_PRANSWER,
    R_ANSWER,
    R_ROLLBACK,
    OPERATIONS
};

static int apply(struct five *f, int op)
{
    const char *answer = f->answer ? f->answer : f->offer;
    switch (op) {
    case L_OFFER: return sotto_pc_set_local_description(f->a, SOTTO_SDP_OFFER, NULL, NULL);
    case L_PRANSWER: return sotto_pc_set_local_description(f->a, SOTTO_SDP_PRANSWER, NULL, NULL);
    case L_ANSWER: return sotto_pc_set_local_description(f->a, SOTTO_SDP_ANSWER, NULL, NULL);
    case L_ROLLBACK: return sotto_pc_set_local_description(f->a, SOTTO_SDP_ROLLBACK, NULL, NULL);
    case R_OFFER: return sotto_pc_set_remote_description(f->a, SOTTO_SDP_OFFER, f->offer, NULL);
    case R_PRANSWER: return sotto_pc_set_remote_description(f->a, SOTTO_SDP_PRANSWER, answer, NULL);
    case R_ANSWER: return sotto_pc_set_remote_description(f->a, SOTTO_SDP_ANSWER, answer, NULL);
    default: return sotto_pc_set_remote_description(f->a, SOTTO_SDP_ROLLBACK, NULL, NULL);
    }
}

/* proves: H021 */
static void each_description_is_accepted_in_its_states_only(void **state)
{
    (void)state;
    enum { NO = -1 };
    enum {
        ST = SOTTO_SIGNALING_STABLE,
        LO = SOTTO_SIGNALING_HAVE_LOCAL_OFFER,
        RO = SOTTO_SIGNALING_HAVE_REMOTE_OFFER,
        LP = SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER,
        RP = SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER
    };
    /* RFC 9429 §3.2 figure 2; an offer in have-local-offer rolls back (W3C); rollback by either call: RFC 9429 §5.7 */
    static const int table[5][OPERATIONS] = {
        /*        L: offer pranswer answer rollback  R: offer pranswer answer rollback */
        [ST] = {LO, NO, NO, NO, RO, NO, NO, NO}, [LO] = {LO, NO, NO, ST, RO, RP, ST, ST},
        [RO] = {NO, LP, ST, ST, RO, NO, NO, ST}, [LP] = {NO, LP, ST, NO, NO, NO, NO, NO},
        [RP] = {NO, NO, NO, NO, NO, RP, ST, NO},
    };
    for (int from = 0; from < 5; from++)
        for (int op = 0; op < OPERATIONS; op++) {
            struct five f = enter(from);
            int r = apply(&f, op), now = side_state(&f.p->side[0]).signaling;
            int want = table[from][op];
            bool good = want == NO ? r == SOTTO_E_STATE && now == from : r == 0 && now == want;
            if (!good)
                print_error("state %d, operation %d: returned %d, now %d, wanted %d\n", from, op, r,
                            now, want);
            assert_true(good);
            pair_run(f.p, SOTTO_MS(10));
            leave(&f);
        }
}

static void everything_is_refused_when_closed_and_nonsense_always(void **state)
{
    (void)state;
    struct five f = enter(SOTTO_SIGNALING_STABLE);
    for (int32_t type = -2; type < 8; type++) {
        int r = sotto_pc_set_remote_description(f.a, type, "v=0\r\n", NULL);
        assert_true(r < 0);
        if (type < 1 || type > SOTTO_SDP_ROLLBACK) assert_int_equal(r, SOTTO_E_RANGE);
    }
    assert_int_equal(sotto_pc_set_local_description(f.a, 9, NULL, NULL), SOTTO_E_RANGE);
    assert_int_equal(sotto_pc_set_remote_description(f.a, SOTTO_SDP_OFFER, NULL, NULL),
                     SOTTO_E_INVAL);
    assert_int_equal(sotto_pc_set_remote_description(NULL, SOTTO_SDP_OFFER, "v=0\r\n", NULL),
                     SOTTO_E_INVAL);
    sotto_pc_close(f.a);
    for (int op = 0; op < OPERATIONS; op++) assert_int_equal(apply(&f, op), SOTTO_E_CLOSED);
    leave(&f);
}

static void only_the_offer_that_was_made_last_may_be_set(void **state)
{
    (void)state;
    struct five f = enter(SOTTO_SIGNALING_STABLE);
    char *mine = offer_of(f.a), *changed = strdup(mine);
    assert_non_null(changed);
    assert_int_equal(sotto_pc_set_local_description(f.a, SOTTO_SDP_OFFER, f.offer, NULL),
                     SOTTO_E_MODIFICATION);
    changed[strlen(changed) - 3] ^= 1;
    assert_int_equal(sotto_pc_set_local_description(f.a, SOTTO_SDP_OFFER, changed, NULL),
                     SOTTO_E_MODIFICATION);
    assert_int_equal(side_state(&f.p->side[0]).signaling, SOTTO_SIGNALING_STABLE);
    assert_int_equal(sotto_pc_set_local_description(f.a, SOTTO_SDP_OFFER, mine, NULL), 0);
    free(changed);
    sotto_free(mine);
    leave(&f);
}

static void a_storm_of_rollbacks_costs_no_memory_and_ends_in_a_connection(void **state)
{
    (void)state;
    struct pair *p = pair_new(2, NULL);
    assert_non_null(side_channel(&p->side[0], "c", NULL));
    char *theirs = offer_of(p->side[1].pc);
    p->side[0].rolls_back = true;
    int64_t live = 0;
    for (int i = 0; i < 10000; i++) {
        sotto_pc *pc = p->side[0].pc;
        assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_IMPLICIT, NULL, NULL), 0);
        if (i % 3 == 0) { /* the other's offer rolls ours back, and is itself rolled back */
            assert_int_equal(sotto_pc_set_remote_description(pc, SOTTO_SDP_OFFER, theirs, NULL), 0);
            assert_int_equal(sotto_pc_set_remote_description(pc, SOTTO_SDP_ROLLBACK, NULL, NULL),
                             0);
        } else {
            assert_int_equal(sotto_pc_set_local_description(pc, SOTTO_SDP_ROLLBACK, NULL, NULL), 0);
        }
        p->side[0].n_states = 0;
        p->side[0].told_all = false;
        side_take_events(&p->side[0]);
        if (i % 100 == 99) pair_run(p, SOTTO_MS(20));
        if (i == 500) live = sotto__mem_live();
    }
    assert_true(sotto__mem_live() <= live + 100);
    assert_true(p->net->live_ices <= 4);
    sotto_free(theirs);
    p->side[0].told_all = p->side[1].told_all = false;
    assert_int_equal(pair_offer(p, 0), 0);
    p->side[0].n_states = 0;
    assert_true(pair_until(p, SOTTO_SECONDS(10), pair_is_connected, NULL));
    pair_free(p);
}

static void glare_is_settled_by_the_implicit_rollback(void **state)
{
    (void)state;
    struct pair *p = pair_new(3, NULL);
    struct chan *a[2] = {side_channel(&p->side[0], "left", NULL),
                         side_channel(&p->side[1], "right", NULL)};
    char *x = offer_of(p->side[0].pc), *y = offer_of(p->side[1].pc);
    assert_int_equal(sotto_pc_set_local_description(p->side[0].pc, SOTTO_SDP_OFFER, x, NULL), 0);
    assert_int_equal(sotto_pc_set_local_description(p->side[1].pc, SOTTO_SDP_OFFER, y, NULL), 0);
    /* the polite side 0 takes the other's offer; side 1 does not take side 0's */
    assert_int_equal(sotto_pc_set_remote_description(p->side[0].pc, SOTTO_SDP_OFFER, y, NULL), 0);
    assert_int_equal(side_state(&p->side[0]).signaling, SOTTO_SIGNALING_HAVE_REMOTE_OFFER);
    char *z = NULL;
    assert_int_equal(sotto_pc_create_answer(p->side[0].pc, &z), 0);
    assert_int_equal(sotto_pc_set_local_description(p->side[0].pc, SOTTO_SDP_ANSWER, z, NULL), 0);
    assert_int_equal(sotto_pc_set_remote_description(p->side[1].pc, SOTTO_SDP_ANSWER, z, NULL), 0);
    p->side[0].told_all = false;
    assert_true(pair_until(p, SOTTO_SECONDS(15), pair_is_connected, NULL));
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(a[0]->phase, CHAN_OPEN);
    assert_int_equal(a[1]->phase, CHAN_OPEN);
    assert_non_null(side_find(&p->side[1], "left"));
    sotto_free(x), sotto_free(y), sotto_free(z);
    pair_free(p);
}

static void a_provisional_answer_connects_and_the_final_one_keeps_it(void **state)
{
    (void)state;
    struct five f = enter(SOTTO_SIGNALING_HAVE_LOCAL_OFFER);
    struct pair *p = f.p;
    assert_int_equal(sotto_pc_set_local_description(f.b, SOTTO_SDP_PRANSWER, f.answer, NULL), 0);
    assert_int_equal(sotto_pc_set_remote_description(f.a, SOTTO_SDP_PRANSWER, f.answer, NULL), 0);
    assert_true(pair_until(p, SOTTO_SECONDS(10), pair_is_connected, NULL));
    char *last = NULL;
    assert_int_equal(sotto_pc_create_answer(f.b, &last), 0);
    assert_int_equal(sotto_pc_set_local_description(f.b, SOTTO_SDP_ANSWER, last, NULL), 0);
    assert_int_equal(sotto_pc_set_remote_description(f.a, SOTTO_SDP_ANSWER, last, NULL), 0);
    pair_run(p, SOTTO_SECONDS(1));
    assert_true(pair_is_connected(p, NULL));
    assert_int_equal(side_state(&p->side[0]).signaling, SOTTO_SIGNALING_STABLE);
    assert_int_equal(side_state(&p->side[1]).signaling, SOTTO_SIGNALING_STABLE);
    sotto_free(last);
    leave(&f);
}

static void descriptions_read_back_are_what_was_set(void **state)
{
    (void)state;
    struct five f = enter(SOTTO_SIGNALING_STABLE);
    sotto_sdp_type type;
    char *s = NULL;
    for (int32_t which = 0; which < 3; which++) {
        assert_int_equal(sotto_pc_local_description(f.a, which, &type, &s), 0);
        assert_int_equal(sotto_pc_remote_description(f.a, which, NULL, NULL), 0);
    }
    assert_int_equal(pair_offer(f.p, 0), 0);
    assert_int_equal(sotto_pc_local_description(f.a, SOTTO_DESC_PENDING, &type, &s), 1);
    assert_int_equal(type, SOTTO_SDP_OFFER);
    sotto_free(s);
    assert_int_equal(sotto_pc_local_description(f.a, SOTTO_DESC_CURRENT, &type, NULL), 0);
    pair_run(f.p, SOTTO_SECONDS(2));
    assert_int_equal(sotto_pc_local_description(f.a, SOTTO_DESC_PENDING, &type, NULL), 0);
    assert_int_equal(sotto_pc_local_description(f.a, SOTTO_DESC_CURRENT, &type, &s), 1);
    assert_int_equal(type, SOTTO_SDP_OFFER);
    assert_non_null(strstr(s, "candidate:"));
    assert_non_null(strstr(s, "192.0.2.1"));
    sotto_free(s);
    assert_int_equal(sotto_pc_remote_description(f.a, SOTTO_DESC_EFFECTIVE, &type, &s), 1);
    assert_int_equal(type, SOTTO_SDP_ANSWER);
    assert_non_null(strstr(s, "192.0.2.2"));
    sotto_free(s);
    leave(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_description_is_accepted_in_its_states_only),
        cmocka_unit_test(everything_is_refused_when_closed_and_nonsense_always),
        cmocka_unit_test(only_the_offer_that_was_made_last_may_be_set),
        cmocka_unit_test(a_storm_of_rollbacks_costs_no_memory_and_ends_in_a_connection),
        cmocka_unit_test(glare_is_settled_by_the_implicit_rollback),
        cmocka_unit_test(a_provisional_answer_connects_and_the_final_one_keeps_it),
        cmocka_unit_test(descriptions_read_back_are_what_was_set),
    };
    return cmocka_run_group_tests_name("signaling", tests, NULL, NULL);
}
