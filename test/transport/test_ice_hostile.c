/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer that knows the credentials and does not play by the rules, and a stranger that does not know them (security catalogue
 * H040–H049): played by a plain socket whose messages libnice's own STUN functions write.
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

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice, puppet; /* the puppet has credentials and a socket, but no ice */
static struct end *only_alice[1] = {&alice};
static int puppet_fd;
static struct sockaddr_in puppet_address;

static int set_up(void **state)
{
    struct candidate c = {.component = 1,
                          .priority = 2000000000,
                          .foundation = "1",
                          .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
    (void)state;
    end_init(&alice, "alice", false);
    end_init(&puppet, "puppet", true);
    if (end_open(&alice) != 0) return -1;
    puppet_fd = stranger(&puppet_address);
    c.addr.port = ntohs(puppet_address.sin_port);
    if (ops->set_remote(alice.ice, puppet.ufrag, puppet.pwd, drive_now()) != 0) return -1;
    if (ops->gather(alice.ice, drive_now()) != 0) return -1;
    drive(only_alice, 1, NULL, NULL, 5);
    return ops->add_remote(alice.ice, &c, drive_now());
}

static int tear_down(void **state)
{
    (void)state;
    close(puppet_fd);
    end_free(&alice);
    end_free(&puppet);
    return 0;
}

static bool give_password(StunAgent *agent, StunMessage *msg, uint8_t *name, uint16_t name_len,
                          uint8_t **pwd, size_t *pwd_len, void *user)
{
    (void)agent, (void)msg, (void)name, (void)name_len, (void)user;
    *pwd = (uint8_t *)puppet.pwd;
    *pwd_len = strlen(puppet.pwd);
    return true;
}

static void start_stun(StunAgent *agent, bool with_integrity)
{
    static const uint16_t known[] = {STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                     STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE, 0};
    stun_agent_init(agent, known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_USE_FINGERPRINT |
                        (with_integrity ? STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS
                                        : STUN_AGENT_USAGE_IGNORE_CREDENTIALS));
}

struct answer {
    int code;            /* 0: success; else an error */
    bool with_integrity; /* signed with the puppet's password */
    int fd;              /* where from */
};

/* Answers the checks that wait at the puppet; how many. */
static int answer_checks(const struct answer *how)
{
    uint8_t in[600], out[600];
    int answered = 0;
    for (ssize_t n; (n = recv(puppet_fd, in, sizeof in, 0)) > 0;) {
        struct sockaddr_storage mapped = {.ss_family = AF_INET};
        struct sockaddr_in to = {.sin_family = AF_INET};
        StunAgent agent;
        StunMessage request, reply;
        size_t len = sizeof out;
        bool control = true;
        start_stun(&agent, how->with_integrity);
        if (stun_agent_validate(&agent, &request, in, (size_t)n, give_password, NULL) !=
            STUN_VALIDATION_SUCCESS)
            continue;
        if (stun_message_get_class(&request) != STUN_REQUEST) continue;
        for (size_t i = 0; i < alice.n_candidates; i++)
            if (alice.candidates[i].addr.family == 4)
                to.sin_port = htons(alice.candidates[i].addr.port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memcpy(&mapped, &to, sizeof to);
        if (how->code == 0) {
            stun_usage_ice_conncheck_create_reply(&agent, &request, &reply, out, &len, &mapped,
                                                  sizeof to, &control, 1,
                                                  STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
        } else {
            assert_true(stun_agent_init_error(&agent, &reply, out, sizeof out, &request,
                                              (StunError)how->code));
            len = stun_agent_finish_message(
                &agent, &reply, how->with_integrity ? (const uint8_t *)puppet.pwd : NULL,
                how->with_integrity ? strlen(puppet.pwd) : 0);
        }
        assert_true(len > 0 && len <= sizeof out);
        assert_int_equal(sendto(how->fd, out, len, 0, (struct sockaddr *)&to, sizeof to), len);
        answered++;
    }
    return answered;
}

/* Runs alice and the puppet for so long; how many checks were answered. */
static int play(const struct answer *how, int ms)
{
    int answered = 0;
    for (sotto_us end = drive_now() + SOTTO_MS(ms); drive_now() < end;) {
        drive(only_alice, 1, NULL, NULL, 4);
        answered += answer_checks(how);
    }
    return answered;
}

static void nominate(int fd)
{
    uint8_t check[512];
    size_t n = make_check(&puppet, &alice, check);
    assert_true(n > 0);
    send_raw(fd, &alice, check, n);
}

static void expect_connection(void)
{
    struct answer good = {0, true, puppet_fd};
    nominate(puppet_fd);
    play(&good, 700); /* a check that an error ended is tried again when the peer's own arrives */
    assert_true(alice.selections > 0);
    assert_true(end_saw(&alice, SOTTO_ICE_CONNECTED));
}

static void a_puppet_that_plays_by_the_rules_is_connected(void **state)
{
    (void)state;
    expect_connection();
    assert_int_equal(drive_send(&alice, 0, 3, 100), 3);
}

/* proves: H047 */
static void errors_in_answer_to_checks_never_select_a_pair(void **state)
{
    static const int codes[] = {300, 400, 401, 403, 420, 438, 487, 500, 699};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof codes / sizeof codes[0]; i++) {
        struct answer bad = {codes[i / 2], i % 2 == 0, 0};
        if (i > 0) assert_int_equal(set_up(NULL), 0);
        bad.fd = puppet_fd;
        assert_true(play(&bad, 60) > 0);
        nominate(puppet_fd);
        play(&bad, 60);
        assert_int_equal(alice.selections, 0);
        assert_int_not_equal(end_state(&alice), SOTTO_ICE_FAILED); /* more candidates may come */
        tear_down(NULL);
    }
    assert_int_equal(set_up(NULL), 0);
}

/* proves: H047 */
static void errors_without_integrity_do_not_stop_a_connection(void **state)
{
    struct answer forged = {403, false, puppet_fd};
    (void)state;
    assert_true(play(&forged, 60) > 0);
    expect_connection();
}

/* RFC 8445 §7.2.5.2.1: the answer must come from where the check went. */
/* proves: H045 ICE-05 H110 */
static void an_answer_from_elsewhere_selects_nothing(void **state)
{
    struct sockaddr_in where;
    struct answer elsewhere = {0, true, stranger(&where)};
    (void)state;
    assert_true(play(&elsewhere, 300) > 0);
    assert_int_equal(alice.selections, 0);
    close(elsewhere.fd);
}

/* proves: H049 */
static void refusals_after_the_connection_do_not_end_the_process(void **state)
{
    struct answer refuse = {403, true, puppet_fd}, conflict = {487, true, puppet_fd};
    (void)state;
    expect_connection();
    for (int i = 0; i < 100; i++) { /* nominations and both errors in any order */
        nominate(puppet_fd);
        play(i % 2 ? &refuse : &conflict, 5);
    }
    assert_true(play(&refuse, 7000) > 0); /* at least one keepalive check */
    assert_true(end_saw(&alice, SOTTO_ICE_COMPLETED));
}

/* Every bit of a check turned once: without its integrity it means nothing. */
/* proves: H041 H042 H043 */
static void altered_checks_have_no_effect(void **state)
{
    uint8_t check[512], altered[512];
    size_t n = make_check(&puppet, &alice, check);
    struct sockaddr_in where;
    int fd = stranger(&where);
    (void)state;
    assert_true(n > 0);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        memcpy(altered, check, n);
        altered[bit / 8] = (uint8_t)(altered[bit / 8] ^ (1 << bit % 8));
        send_raw(fd, &alice, altered, n);
        if (bit % 64 == 63) drive(only_alice, 1, NULL, NULL, 0);
    }
    for (size_t len = 0; len < n; len++) send_raw(fd, &alice, check, len);
    drive(only_alice, 1, NULL, NULL, 20);
    assert_int_equal(alice.selections, 0);
    assert_int_equal(alice.packets, 0);
    assert_int_equal(end_state(&alice), SOTTO_ICE_CHECKING);
    expect_connection();
    close(fd);
}

/* Valid checks that nominate from ever other sources, below the cap: the pair may follow them, nothing else happens. */
/* proves: H048 */
static void nominations_from_many_sources_are_survived(void **state)
{
    struct answer good = {0, true, puppet_fd};
    int fds[SOTTO_MAX_PRFLX / 2];
    struct sockaddr_in where;
    (void)state;
    expect_connection();
    for (size_t i = 0; i < SOTTO_MAX_PRFLX / 2; i++) fds[i] = stranger(&where);
    for (size_t i = 0; i < 4 * SOTTO_MAX_PRFLX; i++) {
        nominate(fds[i % (SOTTO_MAX_PRFLX / 2)]);
        play(&good, 2);
    }
    assert_int_not_equal(end_state(&alice), SOTTO_ICE_FAILED);
    for (size_t i = 0; i < SOTTO_MAX_PRFLX / 2; i++) close(fds[i]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_puppet_that_plays_by_the_rules_is_connected),
        TEST(errors_in_answer_to_checks_never_select_a_pair),
        TEST(errors_without_integrity_do_not_stop_a_connection),
        TEST(an_answer_from_elsewhere_selects_nothing),
        TEST(refusals_after_the_connection_do_not_end_the_process),
        TEST(altered_checks_have_no_effect),
        TEST(nominations_from_many_sources_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
