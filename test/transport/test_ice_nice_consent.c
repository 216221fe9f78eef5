/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consent of a selected pair (RFC 7675): a peer of STUN functions alone, which answers as the test says, and a clock that runs ahead of
 * libnice's.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include "ice_drive.h"
#include "util/limits.h"

enum manner { WELL, NOT, WITHOUT_INTEGRITY, WITH_ANOTHER_KEY, TO_ANOTHER, WITH_AN_ERROR, TWICE };

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice, puppet; /* the puppet has credentials and a socket, but no ice */
static int fd;
static sotto_us ahead;
static unsigned asked, answered; /* requests and answers of alice that the puppet saw */

static sotto_us now_ahead(void)
{
    return drive_now() + ahead;
}

static bool give_password(StunAgent *agent, StunMessage *msg, uint8_t *name, uint16_t n,
                          uint8_t **pwd, size_t *n_pwd, void *user)
{
    const char *want = "puppet:alice";
    (void)agent, (void)msg, (void)user;
    assert_int_equal(n, strlen(want));
    assert_memory_equal(name, want, n);
    *pwd = (uint8_t *)puppet.pwd;
    *n_pwd = strlen(puppet.pwd);
    return true;
}

static void init_stun(StunAgent *agent)
{
    stun_agent_init(agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_USE_FINGERPRINT | STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS);
}

static size_t reply_to(StunMessage *request, enum manner how, uint8_t *out, size_t n)
{
    struct sockaddr_storage mapped = {.ss_family = AF_INET};
    StunAgent agent;
    StunMessage reply;
    bool control = puppet.cfg.controlling;
    init_stun(&agent);
    if (how == WITH_ANOTHER_KEY) request->key = (uint8_t *)"another-key-0123456789ab";
    if (how == TO_ANOTHER) request->buffer[12] ^= 1;
    if (how == WITHOUT_INTEGRITY || how == WITH_AN_ERROR) {
        bool is_error = how == WITH_AN_ERROR;
        assert_true(
            is_error ? stun_agent_init_error(&agent, &reply, out, n, request, STUN_ERROR_FORBIDDEN)
                     : stun_agent_init_response(&agent, &reply, out, n, request));
        if (is_error) return stun_agent_finish_message(&agent, &reply, NULL, 0);
        reply.key = NULL;
        return stun_agent_finish_message(&agent, &reply, NULL, 0);
    }
    assert_int_equal(stun_usage_ice_conncheck_create_reply(
                         &agent, request, &reply, out, &n, &mapped, sizeof(struct sockaddr_in),
                         &control, 1, STUN_USAGE_ICE_COMPATIBILITY_RFC5245),
                     STUN_USAGE_ICE_RETURN_SUCCESS);
    return n;
}

/* What waits at the puppet. */
static void serve(enum manner how)
{
    uint8_t in[600], out[600];
    for (ssize_t n; (n = recv(fd, in, sizeof in, 0)) > 0;) {
        StunAgent agent;
        StunMessage m;
        if (in[0] == 1) answered += in[1] == 1;
        if (in[0] != 0 || in[1] != 1) continue;
        init_stun(&agent);
        assert_int_equal(stun_agent_validate(&agent, &m, in, (size_t)n, give_password, NULL),
                         STUN_VALIDATION_SUCCESS);
        asked++;
        if (how == NOT) continue;
        size_t len = reply_to(&m, how, out, sizeof out);
        assert_true(len > 0);
        send_raw(fd, &alice, out, len);
        if (how == TWICE) send_raw(fd, &alice, out, len);
    }
}

static void turn(void)
{
    struct sotto_fd fds[SOTTO_MAX_ICE_FDS];
    struct ice_out out;
    int n = ops->fds(alice.ice, fds, SOTTO_MAX_ICE_FDS);
    for (int i = 0; i < n; i++) {
        struct pollfd p = {fds[i].fd, fds[i].events, 0};
        if (poll(&p, 1, 0) > 0) ops->ready(alice.ice, i, p.revents);
    }
    while (ops->next(alice.ice, now_ahead(), &out) == 1) {
        if (out.type != ICE_OUT_STATE) continue;
        alice.state_at[alice.n_states] = now_ahead();
        alice.states[alice.n_states++] = out.state;
    }
}

/* Through so many seconds, in steps of 100 ms. */
static void pass(int seconds, enum manner how)
{
    for (int i = 0; i < 10 * seconds; i++) {
        ahead += SOTTO_MS(100);
        turn();
        serve(how);
    }
}

static void put_through(void)
{
    uint8_t check[512];
    struct end *only[1] = {&alice};
    for (int i = 0; i < 200 && end_state(&alice) != SOTTO_ICE_COMPLETED; i++) {
        if (i % 10 == 0) send_raw(fd, &alice, check, make_check(&puppet, &alice, check));
        drive(only, 1, NULL, NULL, 4);
        serve(WELL);
    }
    assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
    drive(only, 1, NULL, NULL, 20);
    serve(WELL);
    asked = answered = 0;
    ahead = 0;
}

static void set_up(bool controlling)
{
    struct sockaddr_in at;
    struct end *only[1] = {&alice};
    struct candidate c = {.component = 1,
                          .priority = 2000000000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    end_init(&alice, "alice", controlling);
    end_init(&puppet, "puppet", !controlling);
    alice.cfg.no_fast_path = false; /* there the consent is libnice's */
    assert_int_equal(end_open(&alice), 0);
    fd = stranger(&at);
    c.addr.port = ntohs(at.sin_port);
    assert_int_equal(ops->set_remote(alice.ice, puppet.ufrag, puppet.pwd, drive_now()), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    drive(only, 1, NULL, NULL, 5);
    assert_int_equal(ops->add_remote(alice.ice, &c, drive_now()), 0);
    put_through();
}

static void tear_down(void)
{
    close(fd);
    end_free(&alice);
}

static void a_peer_is_asked_every_five_to_six_seconds_in_both_roles(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        set_up(role == 1);
        assert_in_range(ops->due(alice.ice) - drive_now(), SOTTO_MS(4900), SOTTO_MS(6100));
        pass(120, WELL);
        assert_in_range(asked, 19, 25);
        assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
        assert_false(end_saw(&alice, SOTTO_ICE_DISCONNECTED));
        tear_down();
    }
}

static long failed_after(void)
{
    sotto_us at = end_when(&alice, SOTTO_ICE_FAILED);
    return at < 0 ? -1 : (long)((at - (now_ahead() - ahead)) / 1000);
}

static void what_is_no_proof_is_no_consent(void **state)
{
    static const enum manner bad[] = {NOT, WITHOUT_INTEGRITY, WITH_ANOTHER_KEY, TO_ANOTHER,
                                      WITH_AN_ERROR};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set_up(true);
        pass(34, bad[i]);
        assert_true(asked >= 4);
        assert_in_range(failed_after(), 28000, 30300);
        tear_down();
    }
}

/* They are a sign of life, which shows that the network carries; whether the peer wants our packets they do not say. */
static void data_alone_is_no_consent(void **state)
{
    static const uint8_t data[20] = {0x80};
    (void)state;
    set_up(true);
    for (int i = 0; i < 34; i++) {
        send_raw(fd, &alice, data, sizeof data);
        pass(1, NOT);
    }
    assert_in_range(failed_after(), 28000, 30300);
    tear_down();
}

static void lost_answers_are_made_up_for_by_later_ones(void **state)
{
    (void)state;
    set_up(true);
    for (int i = 0; i < 5; i++) {
        pass(16, NOT);
        pass(7, TWICE);
    }
    assert_int_equal(end_saw(&alice, SOTTO_ICE_FAILED), 0);
    assert_int_equal(end_state(&alice), SOTTO_ICE_COMPLETED);
    tear_down();
}

/* libnice reads the socket up to its end. */
static void an_answer_behind_data_is_lost_to_us_and_the_next_one_counts(void **state)
{
    static const uint8_t data[20] = {0x80};
    (void)state;
    set_up(true);
    for (int i = 0; i < 60; i++) {
        if (i % 20 < 10) send_raw(fd, &alice, data, sizeof data);
        pass(1, WELL);
    }
    assert_int_equal(end_saw(&alice, SOTTO_ICE_FAILED), 0);
    assert_true(alice.ice != NULL);
    tear_down();
}

static void the_peer_s_requests_are_answered(void **state)
{
    uint8_t check[512];
    (void)state;
    for (int role = 0; role < 2; role++) {
        set_up(role == 1);
        for (unsigned i = 1; i <= 10; i++) {
            pass(1, WELL);
            send_raw(fd, &alice, check, make_check(&puppet, &alice, check));
            turn();
            turn(); /* the first may have read an answer that came before it */
            serve(WELL);
            assert_int_equal(answered, i);
        }
        tear_down();
    }
}

static void a_request_with_a_wrong_key_or_name_is_not(void **state)
{
    uint8_t check[512];
    struct end other;
    (void)state;
    set_up(true);
    other = alice;
    other.pwd[0] ^= 1;
    pass(1, WELL);
    send_raw(fd, &alice, check, make_check(&puppet, &other, check));
    pass(1, WELL);
    other = puppet;
    other.ufrag[5] ^= 1;
    send_raw(fd, &alice, check, make_check(&other, &alice, check));
    pass(1, WELL);
    assert_int_equal(answered, 0);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_asked_every_five_to_six_seconds_in_both_roles),
        cmocka_unit_test(what_is_no_proof_is_no_consent),
        cmocka_unit_test(data_alone_is_no_consent),
        cmocka_unit_test(lost_answers_are_made_up_for_by_later_ones),
        cmocka_unit_test(an_answer_behind_data_is_lost_to_us_and_the_next_one_counts),
        cmocka_unit_test(the_peer_s_requests_are_answered),
        cmocka_unit_test(a_request_with_a_wrong_key_or_name_is_not),
    };
    return cmocka_run_group_tests_name("ice_nice_consent", tests, NULL, NULL);
}
