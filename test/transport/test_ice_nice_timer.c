/* SPDX-License-Identifier: BSD-2-Clause */
/* What is due when: counted in calls, not in time. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ice_drive.h"

static const struct ice_ops *const ops = &sotto__ice_nice;

static int datagrams(int fd)
{
    uint8_t in[600];
    int n = 0;
    while (recv(fd, in, sizeof in, MSG_DONTWAIT) > 0) n++;
    return n;
}

/* One turn, if the loop would make one now. */
static void turn_if_due(struct end *e)
{
    struct ice_out out;
    sotto_us now = drive_now();
    if (ops->due(e->ice) > now) return;
    while (ops->next(e->ice, now, &out) == 1) continue;
}

static void the_first_check_leaves_with_the_first_turn_after_a_candidate_came(void **state)
{
    struct end alice, bob;
    struct sockaddr_in at;
    (void)state;
    end_init(&alice, "alice", true);
    end_init(&bob, "bob4", false); /* only his name and a socket */
    assert_int_equal(end_open(&alice), 0);
    int fd = stranger(&at);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->set_remote(alice.ice, bob.ufrag, bob.pwd, drive_now()), 0);
    drive((struct end *[]){&alice}, 1, NULL, NULL, 20);
    struct candidate c = {.component = 1,
                          .priority = 2000000000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = ntohs(at.sin_port)}};
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    assert_int_equal(datagrams(fd), 0);
    turn_if_due(&alice);
    assert_int_equal(datagrams(fd), 1);
    close(fd);
    end_free(&alice);
    end_free(&bob);
}

static bool both_completed(void *ends)
{
    struct end **e = ends;
    return end_state(e[0]) == SOTTO_ICE_COMPLETED && end_state(e[1]) == SOTTO_ICE_COMPLETED;
}

/* libnice alone would look for a check that keeps the pair alive every few milliseconds at first, and then twice for each. */
static void an_idle_connection_has_nothing_to_do_before_its_next_consent(void **state)
{
    struct end alice, bob, *both[2] = {&alice, &bob};
    (void)state;
    end_init(&alice, "alice", true);
    end_init(&bob, "bob42", false);
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(end_open(&bob), 0);
    pair_introduce(&alice, &bob);
    sotto_us begun = drive_now(); /* before any consent was given, however slow this machine is */
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_int_equal(ops->gather(bob.ice, drive_now()), 0);
    assert_true(drive(both, 2, both_completed, both, 5000));
    drive(both, 2, NULL, NULL, 300); /* the timer of checks ends */
    for (int i = 0; i < 2; i++) {
        sotto_us due = ops->due(both[i]->ice);
        assert_true(due - begun >= SOTTO_MS(4000));
        assert_true(due - drive_now() <= SOTTO_MS(6000));
    }
    end_free(&alice);
    end_free(&bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_check_leaves_with_the_first_turn_after_a_candidate_came),
        cmocka_unit_test(an_idle_connection_has_nothing_to_do_before_its_next_consent),
    };
    return cmocka_run_group_tests_name("ice_nice_timer", tests, NULL, NULL);
}
