/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written down of a connection, and that it is bounded. */
#include "duo.h"

static void each_moment_is_the_first_of_its_kind(void **state)
{
    (void)state;
    struct duo *d = duo_new(1);
    struct story *s = &d->a.peer->story;
    sotto__story_update(d->a.peer, duo_now(d));
    for (int m = 0; m < MOMENTS; m++) assert_int_equal(s->reached[m], 0);
    duo_connect(d);
    static const enum moment order[] = {MOMENT_LOCAL, MOMENT_CHECKING, MOMENT_PAIR, MOMENT_SECURE,
                                        MOMENT_DATA};
    for (size_t i = 1; i < sizeof order / sizeof *order; i++) {
        assert_true(s->reached[order[i]] > 0);
        assert_true(s->reached[order[i]] >= s->reached[order[i - 1]]);
    }
    assert_int_equal(s->reached[MOMENT_OVER], 0);
    sotto_us pair = s->reached[MOMENT_PAIR];
    duo_run(d, SOTTO_SECONDS(5));
    sotto__story_update(d->a.peer, duo_now(d));
    assert_int_equal(s->reached[MOMENT_PAIR], pair);
    sotto__peer_close(d->a.peer, duo_now(d));
    assert_true(s->reached[MOMENT_OVER] > pair);
    duo_free(d);
}

static void errors_of_servers_are_the_first_eight(void **state)
{
    (void)state;
    struct duo *d = duo_new(2);
    const struct ice_server server = {.url = (char *)"turn:a.example"};
    for (int i = 0; i < (int)SOTTO_MAX_STORY_SERVERS + 1; i++) {
        const struct transport_out t = {
            .type = TRANSPORT_OUT_SERVER, .server = &server, .code = 400 + i, .text = "no"};
        sotto__story_trouble(d->a.peer, duo_now(d), &t);
    }
    const struct story *s = &d->a.peer->story;
    assert_int_equal(s->n_servers, SOTTO_MAX_STORY_SERVERS);
    assert_int_equal(s->servers[0].code, 400);
    assert_int_equal(s->servers[7].code, 407);
    duo_free(d);
}

static void without_memory_an_error_of_a_server_is_forgotten(void **state)
{
    (void)state;
    struct duo *d = duo_new(3);
    const struct ice_server server = {.url = (char *)"turn:a.example"};
    const struct transport_out t = {
        .type = TRANSPORT_OUT_SERVER, .server = &server, .code = 401, .text = "no"};
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        sotto__mem_fail_at(n);
        sotto__story_trouble(d->a.peer, duo_now(d), &t);
        failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(d->a.peer->story.n_servers, failed ? 0 : 1);
        sotto__story_free(d->a.peer);
    }
    duo_free(d);
}

static void changes_after_the_first_pair_are_kept_and_the_oldest_go(void **state)
{
    (void)state;
    struct duo *d = duo_new(4);
    struct story *s = &d->a.peer->story;
    duo_connect(d);
    assert_int_equal(s->n_changes, 0);
    for (int i = 0; i < 2; i++) {
        net_set_down(d->net, d->a.host, d->b.host, true);
        duo_run(d, SOTTO_SECONDS(12));
        net_set_down(d->net, d->a.host, d->b.host, false);
        duo_run(d, SOTTO_SECONDS(12));
    }
    assert_int_equal(s->n_changes, 4);
    assert_int_equal(s->changes[0].what, CHANGE_LOST);
    assert_int_equal(s->changes[1].what, CHANGE_FOUND);
    assert_true(s->changes[0].at < s->changes[1].at);
    d->a.peer->restart_wanted = true;
    duo_signal(d);
    duo_run(d, SOTTO_SECONDS(5));
    assert_int_equal(s->n_changes, 6);
    assert_int_equal(s->changes[4].what, CHANGE_RESTART);
    assert_int_equal(s->changes[5].what, CHANGE_PAIR);
    for (size_t i = 0; i < SOTTO_MAX_STORY_CHANGES; i++) {
        d->a.peer->ice = i % 2 ? SOTTO_ICE_CONNECTED : SOTTO_ICE_DISCONNECTED;
        sotto__story_update(d->a.peer, duo_now(d));
    }
    assert_int_equal(s->n_changes, SOTTO_MAX_STORY_CHANGES);
    assert_int_equal(s->changes[0].what, CHANGE_LOST);
    duo_free(d);
}

static void without_memory_a_change_is_forgotten(void **state)
{
    (void)state;
    struct duo *d = duo_new(5);
    duo_connect(d);
    d->a.peer->ice = SOTTO_ICE_DISCONNECTED;
    sotto__mem_fail_at(1);
    sotto__story_update(d->a.peer, duo_now(d));
    assert_true(sotto__mem_failed());
    sotto__mem_fail_at(0);
    assert_int_equal(d->a.peer->story.n_changes, 0);
    assert_int_equal(d->a.peer->story.losses, 1);
    duo_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_moment_is_the_first_of_its_kind),
        cmocka_unit_test(errors_of_servers_are_the_first_eight),
        cmocka_unit_test(without_memory_an_error_of_a_server_is_forgotten),
        cmocka_unit_test(changes_after_the_first_pair_are_kept_and_the_oldest_go),
        cmocka_unit_test(without_memory_a_change_is_forgotten),
    };
    return cmocka_run_group_tests_name("story", tests, NULL, NULL);
}
