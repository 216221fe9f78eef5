/* SPDX-License-Identifier: BSD-2-Clause */
/* Another remote takes the place of the first, on real libnice: an answer that follows a provisional one of somebody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ice_drive.h"

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice, others[6];

static int make_all(void **state)
{
    (void)state;
    end_init(&alice, "alice", true);
    for (size_t i = 0; i < 6; i++) {
        char name[9];
        snprintf(name, sizeof name, "other%zu", i);
        end_init(&others[i], name, false);
        assert_int_equal(end_open(&others[i]), 0);
    }
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    end_free(&alice);
    for (size_t i = 0; i < 6; i++) end_free(&others[i]);
    return 0;
}

static bool is_gathered(void *arg)
{
    (void)arg;
    return alice.gathered;
}

static bool is_connected(void *end)
{
    struct end *e = end;
    int32_t state = end_state(&alice);
    return e->selections > 0 && (state == SOTTO_ICE_CONNECTED || state == SOTTO_ICE_COMPLETED);
}

static bool has_packet(void *end)
{
    return ((struct end *)end)->packets > 0;
}

/* alice and the end get to know each other; all who were there before stay alive. */
static void introduce(struct end *e)
{
    struct end *one[] = {&alice};
    assert_true(drive(one, 1, is_gathered, NULL, 1000));
    pair_introduce(&alice, e);
    for (size_t i = 0; i < alice.n_candidates; i++)
        assert_int_equal(ops->add_remote(e->ice, &alice.candidates[i], drive_now()), 0);
    assert_int_equal(ops->gather(e->ice, drive_now()), 0);
}

static void drive_all(bool (*done)(void *), void *arg, int ms)
{
    struct end *all[7] = {&alice};
    for (size_t i = 0; i < 6; i++) all[i + 1] = &others[i];
    assert_true(drive(all, 7, done, arg, ms));
}

static void expect_data(struct end *e)
{
    alice.packets = e->packets = 0;
    assert_int_equal(drive_send(&alice, 0, 1, 100), 1);
    drive_all(has_packet, e, 1000);
    assert_int_equal(drive_send(e, 0, 1, 100), 1);
    drive_all(has_packet, &alice, 1000);
}

static void each_new_remote_connects_and_gets_what_is_sent(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < 6; i++) {
        introduce(&others[i]);
        drive_all(is_connected, &others[i], 2000);
        expect_data(&others[i]);
        assert_true(i == 0 || others[i - 1].packets == 1);
        n = alice.n_candidates;
    }
    assert_int_equal(alice.gathered, 1);
    assert_int_equal(alice.n_candidates, n); /* told once */
}

static void nothing_is_sent_until_the_new_remote_has_a_pair(void **state)
{
    (void)state;
    struct ice_pair pair;
    introduce(&others[0]);
    drive_all(is_connected, &others[0], 2000);
    assert_true(ops->pair(alice.ice, &pair));
    introduce(&others[1]);
    assert_false(ops->pair(alice.ice, &pair));
    assert_string_equal(ops->selected(alice.ice), "");
    assert_int_equal(drive_send(&alice, 0, 1, 100), SOTTO_E_STATE);
    size_t before = alice.n_states;
    drive_all(is_connected, &others[1], 2000);
    assert_int_equal(alice.states[before], SOTTO_ICE_CHECKING); /* and not NEW */
    assert_true(ops->pair(alice.ice, &pair));
    bool found = false;
    for (size_t i = 0; i < others[1].n_candidates; i++)
        found = found || sotto__address_eq(&pair.remote.addr, &others[1].candidates[i].addr);
    assert_true(found);
    assert_int_equal(pair.rtt, 0);
}

static void a_remote_that_never_answered_is_replaced_as_well(void **state)
{
    (void)state;
    introduce(&others[0]);
    others[0].is_stopped = true;
    struct end *one[] = {&alice};
    drive(one, 1, NULL, NULL, 100);
    introduce(&others[1]);
    drive_all(is_connected, &others[1], 2000);
    expect_data(&others[1]);
}

static bool alice_failed(void *arg)
{
    (void)arg;
    return end_state(&alice) == SOTTO_ICE_FAILED;
}

/* proves: H044 */
static void a_failed_one_begins_anew(void **state)
{
    (void)state; /* too many peer-reflexive sources: the sockets are not even read any more */
    uint8_t check[512];
    struct sockaddr_in where;
    introduce(&others[0]);
    drive_all(is_connected, &others[0], 2000);
    for (int i = 0; i < 70; i++) {
        int fd = stranger(&where);
        send_raw(fd, &alice, check, make_check(&others[0], &alice, check));
        close(fd);
    }
    drive_all(alice_failed, NULL, 3000);
    introduce(&others[1]);
    drive_all(is_connected, &others[1], 2000);
    expect_data(&others[1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_all, free_all)
    const struct CMUnitTest tests[] = {
        TEST(each_new_remote_connects_and_gets_what_is_sent),
        TEST(nothing_is_sent_until_the_new_remote_has_a_pair),
        TEST(a_remote_that_never_answered_is_replaced_as_well),
        TEST(a_failed_one_begins_anew),
    };
    return cmocka_run_group_tests_name("ice_remote", tests, NULL, NULL);
}
