/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer that knows the credentials and uses what libnice is known to be weak at: storms of role conflicts, refusals, ever new sources,
 * nominations that move, answers that come after the end (security catalogue H044–H049). It may lose its own connection; the process and
 * the amount of work stay as they are.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "puppet.h"
#include "util/limits.h"

static const struct ice_ops *const ops = &sotto__ice_nice;
static const struct reply good = {0}, silent = {.code = -1};
static struct puppet p;

/* proves: H046 ICE-09 */
static void a_storm_of_487_ends_as_a_failure_in_both_roles(void **state)
{
    static const struct reply conflict = {.code = 487};
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        puppet_play(&p, &conflict, 4000);
        assert_int_equal(p.alice.selections, 0);
        assert_int_equal(end_state(&p.alice), SOTTO_ICE_FAILED);
        assert_true(end_when(&p.alice, SOTTO_ICE_FAILED) - p.first < SOTTO_SECONDS(2));
        assert_in_range(p.turned, 1, SOTTO_MAX_CONFLICTS + 2);
        assert_in_range(p.requests, SOTTO_MAX_CONFLICTS, SOTTO_MAX_CONFLICTS + 8);
        assert_in_range(p.closest, SOTTO_MS(5), SOTTO_MS(100)); /* Ta */
        puppet_close(&p);
    }
}

/* As many as two peers of one role may see, and then an answer. */
/* proves: H046 */
static void conflicts_that_end_are_survived(void **state)
{
    static const struct reply conflict = {.code = 487},
                              forged = {.code = 487, .has_other_key = true};
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        puppet_play(&p, &conflict, 1000);
        assert_in_range(p.requests, 100, SOTTO_MAX_CONFLICTS);
        for (unsigned i = 0; i < 2 * SOTTO_MAX_CONFLICTS; i++) /* not the peer's: they count for nothing */
            puppet_play(&p, &forged, 5);
        p.controls = !p.is_controlling;
        puppet_connect(&p);
        puppet_close(&p);
    }
}

/* Requests that claim our own role, with the lowest and the highest word in the matter, in turns. */
/* proves: H046 H049 */
static void requests_that_claim_our_role_change_it_and_no_more(void **state)
{
    struct stun_text s;
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        for (int i = 0; i < 1000; i++) {
            p.controls = i % 4 < 2;
            p.tie = i % 2 ? UINT64_MAX : 0;
            puppet_request(&p, &s, i % 3 == 0, true);
            puppet_send(&p, 0, &s);
            puppet_play(&p, i % 5 ? &silent : &good, 1);
        }
        assert_in_range(p.successes + p.errors, 990, 1000); /* each is answered once */
        p.tie = 99;
        p.controls = !p.is_controlling;
        puppet_connect(&p);
        puppet_close(&p);
    }
}

static void wave(unsigned first, unsigned n)
{
    struct stun_text s;
    for (unsigned i = first; i < first + n; i++) {
        p.priority = 1845501695 + i;
        puppet_request(&p, &s, true, true);
        puppet_send_from(&p, 0x7f000100 + i, &s);
    }
}

/* What libnice does for a new source grows with their number: so that number is counted, as it answers each. */
static void sixteen_hundred(bool has_pair, unsigned at_once)
{
    struct sotto_fd watched[SOTTO_MAX_ICE_FDS];
    puppet_open(&p, false);
    puppet_introduce(&p);
    if (has_pair) puppet_connect(&p);
    puppet_forget(&p);
    for (unsigned i = 0; i < 1600; i += at_once) {
        wave(i, at_once);
        puppet_play(&p, &good, 1);
    }
    assert_in_range(p.successes, SOTTO_MAX_PRFLX,
                    at_once < SOTTO_MAX_PRFLX ? SOTTO_MAX_PRFLX + at_once : 400);
    assert_in_range(p.requests, 0, 2 * SOTTO_MAX_PRFLX);
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_FAILED);
    assert_int_equal(ops->fds(p.alice.ice, watched, SOTTO_MAX_ICE_FDS), 0);
    puppet_close(&p);
}

/* proves: H044 */
static void sources_without_end_end_the_connection_at_little_cost(void **state)
{
    (void)state;
    sixteen_hundred(false, 16);
    sixteen_hundred(false, 1600);
    sixteen_hundred(true, 16);
    if (!p.alice.cfg.no_fast_path) sixteen_hundred(true, 1600); /* else its socket is a large one */
}

/* Data keep it from falling silent while it answers nothing; then comes the answer to a check of a better, nominated pair. */
/* proves: H049 */
static void an_answer_after_the_end_is_no_beginning(void **state)
{
    static const uint8_t data[20] = {0x80};
    struct stun_text s;
    (void)state;
    puppet_open(&p, false);
    puppet_introduce(&p);
    puppet_connect(&p);
    for (int t = 0; t < 60; t++) {
        send_raw(p.fd, &p.alice, data, sizeof data);
        if (t >= 25 && t % 5 == 0) {
            p.priority = 2000000001 + (uint32_t)t;
            puppet_request(&p, &s, true, true);
            puppet_send_from(&p, 0x7f000200 + (uint32_t)t, &s);
        }
        puppet_play(&p, &silent, 1000);
    }
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_FAILED);
    puppet_answer_kept(&p, &good);
    puppet_play(&p, &good, 1000);
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_FAILED);
    assert_int_equal(drive_send(&p.alice, 0, 1, 100), SOTTO_E_STATE);
    puppet_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_of_487_ends_as_a_failure_in_both_roles),
        cmocka_unit_test(conflicts_that_end_are_survived),
        cmocka_unit_test(requests_that_claim_our_role_change_it_and_no_more),
        cmocka_unit_test(sources_without_end_end_the_connection_at_little_cost),
        cmocka_unit_test(an_answer_after_the_end_is_no_beginning),
    };
    return cmocka_run_group_tests_name("ice_hostile_peer", tests, NULL, NULL);
}
