/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four states of W3C WebRTC 1.0 §4.3, as a sequence of events: each row of a table is one combined state that must be seen,
 * in this order, and nothing between may go back.
 */
#include "cmocka_all.h"
#include "pair.h"

/* The sequence of one of the states without repetitions. */
static size_t sequence(const struct side *s, size_t offset, int32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_states; i++) {
        int32_t v;
        memcpy(&v, (const char *)&s->states[i] + offset, sizeof v);
        if (n == 0 || out[n - 1] != v) out[n++] = v;
    }
    return n;
}

/* Whether `seen` is `allowed` with some of the optional (negative: ~value) entries left out. */
static bool matches(const int32_t *seen, size_t n_seen, const int32_t *allowed, size_t n_allowed)
{
    size_t i = 0;
    for (size_t k = 0; k < n_allowed; k++) {
        int32_t want = allowed[k] < 0 ? ~allowed[k] : allowed[k];
        if (i < n_seen && seen[i] == want)
            i++;
        else if (allowed[k] >= 0)
            return false;
    }
    return i == n_seen;
}

#define OPT(v) (~(v)) /* may be merged away with the next one */
#define EXPECT(side, member, ...)                                                                  \
    do {                                                                                           \
        const int32_t want_[] = {__VA_ARGS__};                                                     \
        int32_t seen_[SIDE_STATES];                                                                \
        size_t n_ = sequence(side, offsetof(sotto_pc_state, member), seen_);                       \
        if (!matches(seen_, n_, want_, sizeof want_ / sizeof *want_)) {                            \
            for (size_t i_ = 0; i_ < n_; i_++) print_error(#member " %d\n", (int)seen_[i_]);       \
            fail_msg("another sequence of " #member);                                              \
        }                                                                                          \
    } while (0)

static void expect_new(struct side *s)
{
    sotto_pc_state st = side_state(s);
    assert_int_equal(st.connection, SOTTO_CONNECTION_NEW);
    assert_int_equal(st.ice, SOTTO_ICE_NEW);
    assert_int_equal(st.gathering, SOTTO_GATHERING_NEW);
    assert_int_equal(st.signaling, SOTTO_SIGNALING_STABLE);
}

static void a_call_goes_through_the_states_of_w3c_and_close_ends_them(void **state)
{
    (void)state;
    struct pair_opt o = {.signal_us = SOTTO_MS(300)};
    struct pair *p = pair_new(1, &o);
    expect_new(&p->side[0]);
    expect_new(&p->side[1]);
    assert_non_null(side_channel(&p->side[0], "c", NULL));
    expect_new(&p->side[0]);
    assert_int_equal(pair_offer(p, 0), 0);
    pair_run(p, SOTTO_SECONDS(5));
    assert_true(pair_is_connected(p, NULL));
    EXPECT(&p->side[0], signaling, SOTTO_SIGNALING_HAVE_LOCAL_OFFER, SOTTO_SIGNALING_STABLE);
    EXPECT(&p->side[1], signaling, OPT(SOTTO_SIGNALING_HAVE_REMOTE_OFFER), SOTTO_SIGNALING_STABLE);
    for (int i = 0; i < 2; i++) {
        struct side *s = &p->side[i];
        EXPECT(s, connection, OPT(SOTTO_CONNECTION_NEW), SOTTO_CONNECTION_CONNECTING,
               SOTTO_CONNECTION_CONNECTED);
        EXPECT(s, ice, OPT(SOTTO_ICE_NEW), OPT(SOTTO_ICE_CHECKING), OPT(SOTTO_ICE_CONNECTED),
               SOTTO_ICE_COMPLETED);
        EXPECT(s, gathering, OPT(SOTTO_GATHERING_NEW), OPT(SOTTO_GATHERING_GATHERING),
               SOTTO_GATHERING_COMPLETE);
    }
    sotto_pc_close(p->side[0].pc);
    sotto_pc_state st = side_state(&p->side[0]);
    assert_int_equal(st.connection, SOTTO_CONNECTION_CLOSED);
    assert_int_equal(st.ice, SOTTO_ICE_CLOSED);
    assert_int_equal(st.signaling, SOTTO_SIGNALING_CLOSED);
    pair_run(p, SOTTO_SECONDS(60));
    assert_true(p->side[0].is_closed);
    st = side_state(&p->side[1]);
    assert_in_range(st.connection, SOTTO_CONNECTION_DISCONNECTED, SOTTO_CONNECTION_CLOSED);
    pair_free(p);
}

static void connected_comes_only_after_the_certificate_was_verified(void **state)
{
    (void)state;
    struct pair *p = pair_new(2, NULL);
    assert_non_null(side_channel(&p->side[0], "c", NULL));
    assert_int_equal(pair_offer(p, 0), 0);
    pair_run(p, SOTTO_SECONDS(2));
    for (int i = 0; i < 2; i++) {
        struct side *s = &p->side[i];
        size_t ice = 0, all = 0;
        while (ice < s->n_states && s->states[ice].ice < SOTTO_ICE_CONNECTED) ice++;
        while (all < s->n_states && s->states[all].connection != SOTTO_CONNECTION_CONNECTED) all++;
        assert_true(ice < s->n_states && all < s->n_states);
        /* a handshake takes two round trips of 10 ms after ICE */
        assert_true(s->state_at[all] - s->state_at[ice] >= SOTTO_MS(15));
    }
    pair_free(p);
}

static void what_close_queues_is_one_closed_for_each_channel_and_one_state(void **state)
{
    (void)state;
    struct chan *a[2], *b[2];
    struct pair *p = pair_connected(3, NULL, a);
    assert_true(pair_open_channel(p, 1, "d", NULL, b));
    size_t before = p->side[0].n_events[SOTTO_EV_STATE];
    sotto_pc_close(p->side[0].pc);
    sotto_pc_close(p->side[0].pc);
    pair_run(p, SOTTO_SECONDS(1));
    assert_int_equal(p->side[0].n_events[SOTTO_EV_CLOSED], 2);
    assert_int_equal(p->side[0].n_events[SOTTO_EV_STATE], before + 1);
    assert_int_equal(a[0]->phase, CHAN_CLOSED);
    assert_int_equal(b[1]->phase, CHAN_CLOSED); /* the other side is told */
    assert_int_equal(chan_send(a[0], "x", 1, true), SOTTO_E_CLOSED);
    char *sdp;
    assert_int_equal(sotto_pc_create_offer(p->side[0].pc, NULL, &sdp), SOTTO_E_CLOSED);
    assert_int_equal(
        sotto_pc_set_remote_description(p->side[0].pc, SOTTO_SDP_OFFER, "v=0\r\n", NULL),
        SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_add_ice_candidate(p->side[0].pc, NULL, NULL), SOTTO_E_CLOSED);
    assert_int_equal(sotto_pc_set_reading(p->side[0].pc, false), SOTTO_E_CLOSED);
    pair_free(p);
}

/* proves: ICE-12 */
static void nothing_leaves_after_close(void **state)
{
    (void)state;
    struct chan *a[2];
    struct pair *p = pair_connected(4, NULL, a);
    chan_bulk(a[0], 100, 50000);
    pair_run(p, SOTTO_MS(12));
    for (int i = 0; i < 2; i++) sotto_pc_close(p->side[i].pc);
    pair_run(p, SOTTO_MS(1));
    uint64_t sent = p->net->count.sent;
    pair_run(p, SOTTO_SECONDS(120));
    assert_int_equal(p->net->count.sent, sent);
    pair_free(p);
}

static void the_first_channel_asks_for_negotiation_and_the_next_do_not(void **state)
{
    (void)state;
    struct pair *p = pair_new(5, NULL);
    pair_run(p, SOTTO_MS(10));
    assert_int_equal(p->side[0].n_events[SOTTO_EV_NEGOTIATION_NEEDED], 0);
    assert_non_null(side_channel(&p->side[0], "a", NULL));
    assert_non_null(side_channel(&p->side[0], "b", NULL));
    pair_run(p, SOTTO_MS(10));
    assert_int_equal(p->side[0].n_events[SOTTO_EV_NEGOTIATION_NEEDED], 1);
    assert_int_equal(pair_offer(p, 0), 0);
    pair_run(p, SOTTO_SECONDS(2));
    assert_non_null(side_channel(&p->side[0], "c", NULL));
    assert_non_null(side_channel(&p->side[1], "d", NULL));
    pair_run(p, SOTTO_SECONDS(2));
    assert_int_equal(p->side[0].n_events[SOTTO_EV_NEGOTIATION_NEEDED], 1);
    assert_int_equal(p->side[1].n_events[SOTTO_EV_NEGOTIATION_NEEDED], 0);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_goes_through_the_states_of_w3c_and_close_ends_them),
        cmocka_unit_test(connected_comes_only_after_the_certificate_was_verified),
        cmocka_unit_test(what_close_queues_is_one_closed_for_each_channel_and_one_state),
        cmocka_unit_test(nothing_leaves_after_close),
        cmocka_unit_test(the_first_channel_asks_for_negotiation_and_the_next_do_not),
    };
    return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
