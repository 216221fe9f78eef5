/* SPDX-License-Identifier: BSD-2-Clause */
/* What libnice does not tell of its checks is seen before it reads it: refusals, checks of the remote, silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ice_drive.h"

static const struct ice_ops *const ops = &sotto__ice_nice;

static struct ice_tried sum(const struct end *e)
{
    const struct ice_tally *t = ops->tally(e->ice);
    struct ice_tried all = {.is_named = false};
    for (size_t i = 0; i < t->n; i++) {
        all.asked += t->items[i].asked;
        all.answers += t->items[i].answers;
        all.errors += t->items[i].errors;
        if (t->items[i].code) all.code = t->items[i].code;
    }
    return all;
}

static void open_both(struct end *alice, struct end *bob)
{
    memset(alice, 0, sizeof *alice);
    memset(bob, 0, sizeof *bob);
    end_init(alice, "alice", false);
    end_init(bob, "bob4", true);
    alice->peer = bob, bob->peer = alice;
    assert_int_equal(end_open(alice), 0);
    assert_int_equal(end_open(bob), 0);
}

static void a_password_that_is_not_the_remotes_is_seen_as_a_refusal(void **state)
{
    struct end alice, bob, *both[] = {&alice, &bob};
    (void)state;
    open_both(&alice, &bob);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->gather(bob.ice, drive_now()), 0);
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, "not-the-password-of-bob", drive_now()),
                     0);
    assert_int_equal(ops->set_remote(bob.ice, alice.ufrag, alice.pwd, drive_now()), 0);
    drive(both, 2, NULL, NULL, 300);
    struct ice_tried t = sum(&alice);
    assert_int_equal(alice.selections, 0);
    assert_true(t.errors > 0);
    assert_int_equal(t.code, 401);
    assert_true(t.asked > 0);
    assert_int_equal(t.answers, 0);
    end_free(&alice);
    end_free(&bob);
}

static void a_pair_ends_the_counting(void **state)
{
    struct end alice, bob, *both[] = {&alice, &bob};
    (void)state;
    open_both(&alice, &bob);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->gather(bob.ice, drive_now()), 0);
    pair_introduce(&alice, &bob);
    assert_true(drive(both, 2, pair_is_connected, both, 2000));
    struct ice_tried before = sum(&alice), after;
    assert_int_equal(before.errors, 0);
    drive(both, 2, NULL, NULL, 200);
    after = sum(&alice);
    assert_int_equal(after.asked + after.answers, before.asked + before.answers);
    end_free(&alice);
    end_free(&bob);
}

static void silence_and_a_strangers_check_are_told_apart(void **state)
{
    struct end alice, bob, *only[] = {&alice};
    struct sockaddr_in at;
    uint8_t check[512];
    (void)state;
    open_both(&alice, &bob);
    int fd = stranger(&at);
    struct candidate c = {.component = 1,
                          .foundation = "1",
                          .priority = 99,
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = ntohs(at.sin_port)}};
    alice.peer = NULL;
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(only, 1, NULL, NULL, 20);
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, bob.pwd, drive_now()), 0);
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    drive(only, 1, NULL, NULL, 100);
    struct ice_tried t = sum(&alice);
    assert_int_equal(ops->tally(alice.ice)->n, 1);
    assert_int_equal(t.asked + t.answers + t.errors, 0);
    send_raw(fd, &alice, check, make_check(&bob, &alice, check));
    drive(only, 1, NULL, NULL, 100);
    assert_int_equal(sum(&alice).asked, 1);
    close(fd);
    end_free(&alice);
    end_free(&bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_that_is_not_the_remotes_is_seen_as_a_refusal),
        cmocka_unit_test(a_pair_ends_the_counting),
        cmocka_unit_test(silence_and_a_strangers_check_are_told_apart),
    };
    return cmocka_run_group_tests_name("ice_nice_tally", tests, NULL, NULL);
}
