/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole transports on real libnice over loopback: restarts, and another remote in place of the first. */

#include "../open_fds.h"
#include "couple.h"

/* proves: ICE-13 */
static void restarts_under_traffic_lose_no_message(void **state)
{
    (void)state;
    struct couple *c = couple_new(0, true);
    couple_connect(c);
    const struct dtls *dtls = c->a.t.dtls;
    couple_run(c, SOTTO_MS(100));
    int fds = open_fds();
    c->a.every = c->b.every = SOTTO_MS(1);
    size_t first = c->a.n_ice;
    for (int i = 0; i < 30; i++) {
        couple_restart(c, false);
        assert_true(couple_until(c, couple_has_moved, SOTTO_SECONDS(5)));
        couple_run(c, SOTTO_MS(5 * (i % 4)));
    }
    c->a.every = c->b.every = 0;
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(10)));
    assert_true(c->a.n_received > 100);
    assert_ptr_equal(c->a.t.dtls, dtls);
    assert_int_equal(c->a.n_dtls, 2);
    assert_int_equal(c->a.n_down + c->b.n_down, 0);
    for (size_t i = first; i < c->a.n_ice; i++)
        assert_in_range(c->a.ice[i], SOTTO_ICE_CONNECTED, SOTTO_ICE_COMPLETED);
    couple_run(c, SOTTO_MS(3100));
    assert_null(c->a.t.retired[0]);
    assert_null(c->a.t.retired[1]);
    assert_int_equal(open_fds(), fds);
    couple_free(c);
}

static void a_restart_that_is_rolled_back_leaves_the_live_one_untouched(void **state)
{
    (void)state;
    struct couple *c = couple_new(0, true);
    couple_connect(c);
    couple_run(c, SOTTO_MS(100));
    int fds = open_fds();
    struct ice *live = c->a.t.live.ice;
    assert_int_equal(sotto__transport_prepare(&c->a.t), 0);
    assert_int_equal(sotto__transport_restart(&c->a.t, couple_now(c)), 0);
    couple_run(c, SOTTO_MS(50));
    sotto__transport_forget(&c->a.t, couple_now(c));
    assert_true(party_send(c, &c->a) && party_send(c, &c->b));
    assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    assert_ptr_equal(c->a.t.live.ice, live);
    assert_int_equal(open_fds(), fds);
    couple_free(c);
}

static bool up_again(struct couple *c)
{
    return c->a.n_up == 2 && c->b.n_up == 2;
}

static void a_new_association_of_dtls_comes_with_a_restart(void **state)
{
    (void)state;
    struct couple *c = couple_new(0, true);
    couple_connect(c);
    for (int i = 0; i < 3; i++) {
        c->a.n_up = c->b.n_up = 1;
        couple_restart(c, true);
        assert_true(couple_until(c, up_again, SOTTO_SECONDS(5)));
        assert_true(party_send(c, &c->a) && party_send(c, &c->b));
        assert_true(couple_until(c, couple_is_even, SOTTO_SECONDS(1)));
    }
    couple_free(c);
}

static bool third_is_up(struct couple *c)
{
    return c->a.n_up == 2 && c->third.n_up == 1;
}

static void an_answer_of_somebody_else_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct couple *c = couple_new(0, true);
    couple_connect(c);
    couple_run(c, SOTTO_MS(100));
    struct party *third = couple_third(c);
    struct transport_remote of_a = party_remote(&c->a, false);
    assert_int_equal(sotto__transport_start(&third->t, false, couple_now(c)), 0);
    assert_int_equal(party_set_remote(c, third, &of_a), 0);
    assert_int_equal(sotto__transport_begin_data(&third->t, 5000, 5000, couple_now(c)), 0);
    c->a.other = third;
    struct transport_remote of_third = party_remote(third, false);
    of_third.new_dtls = true;
    assert_int_equal(party_set_remote(c, &c->a, &of_third), 0);
    c->b.every = SOTTO_MS(5); /* the first one does not know yet, and goes on */
    assert_true(couple_until(c, third_is_up, SOTTO_SECONDS(10)));
    assert_true(party_send(c, &c->a));
    couple_run(c, SOTTO_MS(200));
    assert_int_equal(third->n_received, 1);
    assert_int_equal(c->a.n_received, 0);
    couple_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_under_traffic_lose_no_message),
        cmocka_unit_test(a_restart_that_is_rolled_back_leaves_the_live_one_untouched),
        cmocka_unit_test(a_new_association_of_dtls_comes_with_a_restart),
        cmocka_unit_test(an_answer_of_somebody_else_takes_the_place_of_the_first),
    };
    return cmocka_run_group_tests_name("transport_nice", tests, NULL, NULL);
}
