/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signaling state machine, cell by cell: each state, each description from each side, rollback, the implicit local description,
 * and making offers and answers (RFC 9429 §3.2, §5.5–5.7; W3C §4.4.1.5, §4.4.2). Each cell is walked twice: at the beginning, and
 * ("again_…") when a call is up. A refusal leaves everything as it was. SDP-25, H021.
 */
#include "nego.h"
#include "nego_sdp.h"

enum {
    NO = -1, /* SOTTO_E_STATE */
    ST = SOTTO_SIGNALING_STABLE,
    LO = SOTTO_SIGNALING_HAVE_LOCAL_OFFER,
    RO = SOTTO_SIGNALING_HAVE_REMOTE_OFFER,
    LP = SOTTO_SIGNALING_HAVE_LOCAL_PRANSWER,
    RP = SOTTO_SIGNALING_HAVE_REMOTE_PRANSWER,
    CL = SOTTO_SIGNALING_CLOSED
};

enum op {
    L_OFFER,
    L_PRANSWER,
    L_ANSWER,
    L_ROLLBACK,
    L_IMPLICIT,
    R_OFFER,
    R_PRANSWER,
    R_ANSWER,
    R_ROLLBACK,
    C_OFFER,
    C_ANSWER
};

struct cell {
    const char *name;
    int from;
    enum op op;
    int to;
    bool again;
};

#define CELL(name, from, op, to)                                                                   \
    {name, from, op, to, false},                                                                   \
    {                                                                                              \
        "again_" name, from, op, to, true                                                          \
    }

static const struct cell cells[] = {
    CELL("stable_takes_a_local_offer", ST, L_OFFER, LO),
    CELL("stable_refuses_a_local_pranswer", ST, L_PRANSWER, NO),
    CELL("stable_refuses_a_local_answer", ST, L_ANSWER, NO),
    CELL("stable_refuses_a_local_rollback", ST, L_ROLLBACK, NO),
    CELL("stable_makes_an_offer_of_an_implicit_description", ST, L_IMPLICIT, LO),
    CELL("stable_takes_a_remote_offer", ST, R_OFFER, RO),
    CELL("stable_refuses_a_remote_pranswer", ST, R_PRANSWER, NO),
    /* proves: SDP-25 */
    CELL("stable_refuses_a_remote_answer", ST, R_ANSWER, NO),
    CELL("stable_refuses_a_remote_rollback", ST, R_ROLLBACK, NO),
    CELL("stable_can_create_an_offer", ST, C_OFFER, ST),
    CELL("stable_cannot_create_an_answer", ST, C_ANSWER, NO),

    CELL("have_local_offer_takes_another_local_offer", LO, L_OFFER, LO),
    CELL("have_local_offer_refuses_a_local_pranswer", LO, L_PRANSWER, NO),
    CELL("have_local_offer_refuses_a_local_answer", LO, L_ANSWER, NO),
    CELL("have_local_offer_is_rolled_back_locally", LO, L_ROLLBACK, ST),
    CELL("have_local_offer_makes_an_offer_of_an_implicit_description", LO, L_IMPLICIT, LO),
    CELL("have_local_offer_is_rolled_back_by_a_remote_offer", LO, R_OFFER, RO),
    CELL("have_local_offer_takes_a_remote_pranswer", LO, R_PRANSWER, RP),
    /* proves: SDP-25 */
    CELL("have_local_offer_takes_a_remote_answer", LO, R_ANSWER, ST),
    CELL("have_local_offer_is_rolled_back_remotely_as_well", LO, R_ROLLBACK, ST),
    CELL("have_local_offer_can_create_an_offer", LO, C_OFFER, LO),
    CELL("have_local_offer_cannot_create_an_answer", LO, C_ANSWER, NO),

    CELL("have_remote_offer_refuses_a_local_offer", RO, L_OFFER, NO),
    CELL("have_remote_offer_takes_a_local_pranswer", RO, L_PRANSWER, LP),
    CELL("have_remote_offer_takes_a_local_answer", RO, L_ANSWER, ST),
    CELL("have_remote_offer_is_rolled_back_locally_as_well", RO, L_ROLLBACK, ST),
    CELL("have_remote_offer_makes_an_answer_of_an_implicit_description", RO, L_IMPLICIT, ST),
    CELL("have_remote_offer_takes_another_remote_offer", RO, R_OFFER, RO),
    CELL("have_remote_offer_refuses_a_remote_pranswer", RO, R_PRANSWER, NO),
    CELL("have_remote_offer_refuses_a_remote_answer", RO, R_ANSWER, NO),
    CELL("have_remote_offer_is_rolled_back_remotely", RO, R_ROLLBACK, ST),
    CELL("have_remote_offer_cannot_create_an_offer", RO, C_OFFER, NO),
    CELL("have_remote_offer_can_create_an_answer", RO, C_ANSWER, RO),

    CELL("have_local_pranswer_refuses_a_local_offer", LP, L_OFFER, NO),
    CELL("have_local_pranswer_takes_another_local_pranswer", LP, L_PRANSWER, LP),
    CELL("have_local_pranswer_takes_a_local_answer", LP, L_ANSWER, ST),
    CELL("have_local_pranswer_refuses_a_local_rollback", LP, L_ROLLBACK, NO),
    CELL("have_local_pranswer_makes_an_answer_of_an_implicit_description", LP, L_IMPLICIT, ST),
    CELL("have_local_pranswer_refuses_a_remote_offer", LP, R_OFFER, NO),
    CELL("have_local_pranswer_refuses_a_remote_pranswer", LP, R_PRANSWER, NO),
    CELL("have_local_pranswer_refuses_a_remote_answer", LP, R_ANSWER, NO),
    CELL("have_local_pranswer_refuses_a_remote_rollback", LP, R_ROLLBACK, NO),
    CELL("have_local_pranswer_cannot_create_an_offer", LP, C_OFFER, NO),
    CELL("have_local_pranswer_can_create_an_answer", LP, C_ANSWER, LP),

    CELL("have_remote_pranswer_refuses_a_local_offer", RP, L_OFFER, NO),
    CELL("have_remote_pranswer_refuses_a_local_pranswer", RP, L_PRANSWER, NO),
    CELL("have_remote_pranswer_refuses_a_local_answer", RP, L_ANSWER, NO),
    CELL("have_remote_pranswer_refuses_a_local_rollback", RP, L_ROLLBACK, NO),
    CELL("have_remote_pranswer_refuses_an_implicit_description", RP, L_IMPLICIT, NO),
    CELL("have_remote_pranswer_refuses_a_remote_offer", RP, R_OFFER, NO),
    CELL("have_remote_pranswer_takes_another_remote_pranswer", RP, R_PRANSWER, RP),
    CELL("have_remote_pranswer_takes_a_remote_answer", RP, R_ANSWER, ST),
    CELL("have_remote_pranswer_refuses_a_remote_rollback", RP, R_ROLLBACK, NO),
    CELL("have_remote_pranswer_cannot_create_an_offer", RP, C_OFFER, NO),
    CELL("have_remote_pranswer_cannot_create_an_answer", RP, C_ANSWER, NO),
};

struct walk {
    struct nego *n;
    struct nego_side *a, *b;
    char *offer, *answer; /* b's */
};

static struct walk enter(int from, bool again)
{
    struct walk w = {.n = nego_pair()};
    w.a = &w.n->a, w.b = &w.n->b;
    nego_add(w.a, SOTTO_AUDIO, SOTTO_DIR_SENDRECV, "s");
    nego_channel(w.a, "a");
    nego_add(w.b, SOTTO_VIDEO, SOTTO_DIR_SENDRECV, "v");
    nego_channel(w.b, "b");
    if (again) {
        nego_exchange(w.a);
        nego_connect(w.n);
    }
    w.offer = w.answer = nego_make_offer(w.b);
    if (from == LO || from == RP) {
        nego_set_remote(w.b, SOTTO_SDP_OFFER, nego_offer(w.a));
        w.answer = nego_make_answer(w.b);
    }
    if (from == RP) nego_set_remote(w.a, SOTTO_SDP_PRANSWER, w.answer);
    if (from == RO || from == LP) nego_set_remote(w.a, SOTTO_SDP_OFFER, w.offer);
    if (from == LP) nego_set_local(w.a, SOTTO_SDP_PRANSWER, NULL);
    if (from == CL) sotto_pc_close(w.a->pc);
    assert_int_equal(nego_signaling(w.a), from);
    return w;
}

static int apply(struct walk *w, enum op op)
{
    char *text = NULL;
    int r;
    switch (op) {
    case L_OFFER: return nego_try_local(w->a, SOTTO_SDP_OFFER, NULL);
    case L_PRANSWER: return nego_try_local(w->a, SOTTO_SDP_PRANSWER, NULL);
    case L_ANSWER: return nego_try_local(w->a, SOTTO_SDP_ANSWER, NULL);
    case L_ROLLBACK: return nego_try_local(w->a, SOTTO_SDP_ROLLBACK, NULL);
    case L_IMPLICIT: return nego_try_local(w->a, SOTTO_SDP_IMPLICIT, NULL);
    case R_OFFER: return nego_try_remote(w->a, SOTTO_SDP_OFFER, w->offer);
    case R_PRANSWER: return nego_try_remote(w->a, SOTTO_SDP_PRANSWER, w->answer);
    case R_ANSWER: return nego_try_remote(w->a, SOTTO_SDP_ANSWER, w->answer);
    case R_ROLLBACK: return nego_try_remote(w->a, SOTTO_SDP_ROLLBACK, NULL);
    case C_OFFER: r = sotto_pc_create_offer(w->a->pc, NULL, &text); break;
    default: r = sotto_pc_create_answer(w->a->pc, &text); break;
    }
    assert_int_equal(text != NULL, r == 0);
    sotto_free(text);
    return r;
}

static int32_t type_of(struct nego_side *s, bool local, int32_t which)
{
    int32_t type = 0; /* none */
    nego_description(s, local, which, &type);
    return type;
}

/* Which descriptions there are, and of which types: W3C §4.4.1.5. */
static void check_descriptions(struct walk *w, enum op op, int to, int32_t local, int32_t remote)
{
    bool remotely = op >= R_OFFER && op <= R_ROLLBACK;
    static const int32_t pending[][2] = {/* local, remote */
                                         [ST] = {0, 0},
                                         [LO] = {SOTTO_SDP_OFFER, 0},
                                         [RO] = {0, SOTTO_SDP_OFFER},
                                         [LP] = {SOTTO_SDP_PRANSWER, SOTTO_SDP_OFFER},
                                         [RP] = {SOTTO_SDP_OFFER, SOTTO_SDP_PRANSWER}};
    assert_int_equal(type_of(w->a, true, SOTTO_DESC_PENDING), pending[to][0]);
    assert_int_equal(type_of(w->a, false, SOTTO_DESC_PENDING), pending[to][1]);
    bool answered = to == ST && (op == L_ANSWER || op == R_ANSWER || op == L_IMPLICIT);
    if (answered) {
        local = remotely ? SOTTO_SDP_OFFER : SOTTO_SDP_ANSWER;
        remote = remotely ? SOTTO_SDP_ANSWER : SOTTO_SDP_OFFER;
    }
    assert_int_equal(type_of(w->a, true, SOTTO_DESC_CURRENT), local);
    assert_int_equal(type_of(w->a, false, SOTTO_DESC_CURRENT), remote);
    if (op == R_OFFER) sdp_expect(w->n, nego_remote(w->a), sdp_summary(w->n, w->offer));
    if (op == R_ANSWER || op == R_PRANSWER)
        sdp_expect(w->n, nego_remote(w->a), sdp_summary(w->n, w->answer));
}

/* proves: SDP-25 S37 */
static void cell(void **state)
{
    const struct cell *c = *state;
    struct walk w = enter(c->from, c->again);
    int32_t local = type_of(w.a, true, SOTTO_DESC_CURRENT);
    int32_t remote = type_of(w.a, false, SOTTO_DESC_CURRENT);
    char *before = nego_snapshot(w.a);
    nego_forget(w.a);
    w.a->watch = NEGO_SIGNALING;
    int r = apply(&w, c->op);
    if (c->to == NO) {
        assert_int_equal(r, SOTTO_E_STATE);
        assert_string_equal(nego_snapshot(w.a), before);
        nego_expect(w.a, "");
    } else {
        if (r != 0) print_error("%d: line %d: %s\n", r, w.a->err.line, w.a->err.reason);
        assert_int_equal(r, 0);
        assert_int_equal(nego_signaling(w.a), c->to);
        check_descriptions(&w, c->op, c->to, local, remote);
        static const char *const names[] = {"stable", "have-local-offer", "have-remote-offer",
                                            "have-local-pranswer", "have-remote-pranswer"};
        nego_expect(w.a, c->to == c->from ? "" : names[c->to]);
    }
    nego_run(w.n, SOTTO_MS(50));
    nego_free(w.n);
}

static const struct {
    const char *name;
    enum op op;
} closed[] = {
    {"closed_refuses_a_local_offer", L_OFFER},
    {"closed_refuses_a_local_pranswer", L_PRANSWER},
    {"closed_refuses_a_local_answer", L_ANSWER},
    {"closed_refuses_a_local_rollback", L_ROLLBACK},
    {"closed_refuses_an_implicit_description", L_IMPLICIT},
    {"closed_refuses_a_remote_offer", R_OFFER},
    {"closed_refuses_a_remote_pranswer", R_PRANSWER},
    {"closed_refuses_a_remote_answer", R_ANSWER},
    {"closed_refuses_a_remote_rollback", R_ROLLBACK},
    {"closed_cannot_create_an_offer", C_OFFER},
    {"closed_cannot_create_an_answer", C_ANSWER},
};

static void is_refused_when_closed(void **state)
{
    const struct {
        const char *name;
        enum op op;
    } *row = *state;
    struct walk w = enter(CL, true);
    nego_forget(w.a);
    assert_int_equal(apply(&w, row->op), SOTTO_E_CLOSED);
    nego_run(w.n, SOTTO_SECONDS(1));
    nego_expect(w.a, "");
    assert_int_equal(nego_signaling(w.a), CL);
    nego_free(w.n);
}

/* proves: A05 */
static void closed_refuses_to_change_transceivers(void **state)
{
    (void)state;
    struct walk w = enter(ST, true);
    sotto_transceiver *t = nego_at(w.a, 0), *other = NULL;
    sotto_pc_close(w.a->pc);
    nego_forget(w.a);
    assert_int_equal(sotto_pc_add_transceiver(w.a->pc, SOTTO_AUDIO, NULL, &other), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_add_track(w.a->pc, SOTTO_AUDIO, NULL, 0, &other), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_remove_track(w.a->pc, t), SOTTO_E_CLOSED);
    assert_int_equal(sotto_transceiver_stop(t), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_restart_ice(w.a->pc), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_set_config(w.a->pc, NULL), SOTTO_E_CLOSED);
    assert_int_equal(
        nego_add_candidate(w.a, "candidate:1 1 udp 1 192.0.2.9 9 typ host", "0", 0, NULL),
        SOTTO_E_CLOSED);
    nego_run(w.n, SOTTO_SECONDS(1));
    nego_expect(w.a, "");
    nego_free(w.n);
}

static void types_that_do_not_exist_are_out_of_range(void **state)
{
    (void)state;
    struct walk w = enter(ST, false);
    for (int32_t type = -3; type < 9; type++) {
        bool known = type >= SOTTO_SDP_OFFER && type <= SOTTO_SDP_ROLLBACK;
        if (!known) nego_refuse_remote(w.a, type, w.offer, SOTTO_E_RANGE);
        if (!known && type != SOTTO_SDP_IMPLICIT) nego_refuse_local(w.a, type, NULL, SOTTO_E_RANGE);
    }
    nego_free(w.n);
}

static void a_state_is_refused_before_the_text_is_looked_at(void **state)
{
    (void)state;
    struct walk w = enter(ST, true);
    nego_refuse_remote(w.a, SOTTO_SDP_ANSWER, "not an SDP at all", SOTTO_E_STATE);
    nego_refuse_remote(w.a, SOTTO_SDP_PRANSWER, "v=0\r\n", SOTTO_E_STATE);
    nego_free(w.n);
}

static void an_old_answer_is_refused_in_stable(void **state)
{
    (void)state;
    struct walk w = enter(ST, true);
    char *old = nego_remote(w.a);
    for (int i = 0; i < 100; i++) nego_refuse_remote(w.a, SOTTO_SDP_ANSWER, old, SOTTO_E_STATE);
    nego_free(w.n);
}

int main(void)
{
    static struct nego_suite u;
    NEGO_ROWS(&u, cells, cell);
    NEGO_ROWS(&u, closed, is_refused_when_closed);
    NEGO_TEST(&u, closed_refuses_to_change_transceivers);
    NEGO_TEST(&u, types_that_do_not_exist_are_out_of_range);
    NEGO_TEST(&u, a_state_is_refused_before_the_text_is_looked_at);
    NEGO_TEST(&u, an_old_answer_is_refused_in_stable);
    return nego_suite_run(&u, "negotiation: states");
}
