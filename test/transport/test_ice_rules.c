/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of RFC 8445, 8863 and 7675 that libnice keeps for us, or that we keep in spite of it, on real sockets (ICE-06, ICE-08 to ICE-11,
 * ICE-14; H029, H039, H048, H050, H052).
 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "puppet.h"
#include "util/limits.h"

#define TA SOTTO_MS(5)    /* RFC 8445 §14.2 */
#define RTO SOTTO_MS(500) /* §14.3 */

static const struct ice_ops *const ops = &sotto__ice_nice;
static const struct reply good = {0}, silent = {.code = -1};
static struct puppet p;

/* proves: ICE-06 */
static void two_of_one_role_settle_it_and_connect(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        static struct end a, b;
        struct end *both[2] = {&a, &b};
        end_init(&a, "alice", role == 1);
        end_init(&b, "bob42", role == 1);
        assert_int_equal(end_open(&a), 0);
        assert_int_equal(end_open(&b), 0);
        pair_introduce(&a, &b);
        assert_int_equal(ops->gather(a.ice, drive_now()), 0);
        assert_int_equal(ops->gather(b.ice, drive_now()), 0);
        assert_true(drive(both, 2, pair_is_connected, both, 5000));
        drive(both, 2, NULL, NULL, 2000);
        assert_int_equal(end_state(&a), SOTTO_ICE_COMPLETED);
        assert_int_equal(end_state(&b), SOTTO_ICE_COMPLETED);
        end_free(&a);
        end_free(&b);
    }
}

/* Whoever answers with a conflict once is asked again in the other role, and not in this one any more. */
/* proves: ICE-06 */
static void after_one_conflict_the_role_is_the_other(void **state)
{
    static const struct reply conflict = {.code = 487};
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        while (p.requests == 0) puppet_play(&p, &conflict, 1);
        assert_int_equal(p.is_controlling, role == 1);
        p.controls = role == 1;
        puppet_play(&p, &good, 1000);
        assert_int_equal(p.turned, 1);
        assert_int_equal(p.is_controlling, role == 0);
        puppet_close(&p);
    }
}

struct asked {
    uint8_t id[12];
    sotto_us at;
};

/* Each of three connections checks ten silent candidates. */
/* proves: H029 ICE-09 */
static void checks_are_paced_and_repeated_slowly(void **state)
{
    static struct puppet three[3];
    static struct asked asked[400];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        puppet_open(&three[i], true);
        for (uint8_t k = 1; k <= 10; k++) {
            struct candidate c = {.component = 1,
                                  .priority = 2000000000u - k,
                                  .foundation = "1",
                                  .addr = {.family = 4, .ip = {127, 0, 0, k}}};
            c.addr.port = ntohs(three[i].at.sin_port);
            assert_int_equal(ops->add_remote(three[i].alice.ice, &c, drive_now()), 0);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        size_t n = 0;
        sotto_us last = 0, end = drive_now() + SOTTO_SECONDS(2);
        struct end *only[1] = {&three[i].alice};
        while (drive_now() < end) {
            uint8_t in[600];
            drive(only, 1, NULL, NULL, 1);
            for (; recv(three[i].fd, in, sizeof in, 0) > 0; n++) {
                sotto_us now = drive_now();
                assert_true(n < 400);
                if (n > 0) assert_true(now - last >= TA - SOTTO_MS(1)); /* as the test looks each ms */
                for (size_t k = 0; k < n; k++)
                    if (memcmp(asked[k].id, in + 8, 12) == 0) {
                        assert_true(now - asked[k].at >= RTO - SOTTO_MS(1));
                        memset(asked[k].id, 0, 12); /* the next one is counted from this one */
                    }
                memcpy(asked[n].id, in + 8, 12);
                asked[n].at = last = now;
            }
        }
        assert_in_range(n, 20, 60);
        puppet_close(&three[i]);
    }
}

/* proves: H029 */
static void a_million_candidates_are_64(void **state)
{
    size_t taken = 0, refused = 0;
    (void)state;
    puppet_open(&p, true);
    for (uint32_t i = 0; i < 1000000; i++) {
        struct candidate c = {.component = 1,
                              .priority = 1 + i,
                              .foundation = "1",
                              .addr = {.family = 4, .ip = {127, 9, (uint8_t)(i >> 8), (uint8_t)i}}};
        c.addr.port = (uint16_t)(2000 + (i >> 16));
        int r = ops->add_remote(p.alice.ice, &c, drive_now());
        taken += r == 0;
        refused += r == SOTTO_E_LIMIT;
    }
    assert_int_equal(taken, SOTTO_MAX_REMOTE_CANDIDATES);
    assert_int_equal(refused, 1000000 - SOTTO_MAX_REMOTE_CANDIDATES);
    puppet_connect(&p); /* the peer's own checks are heard all the same */
    puppet_close(&p);
}

/* Aggressive nomination: the pair is another only when it is a better one, so there is an end to it. */
/* proves: H048 ICE-08 */
static void nominations_that_move_change_the_pair_upwards_only(void **state)
{
    struct stun_text s;
    int before;
    (void)state;
    puppet_open(&p, false);
    puppet_introduce(&p);
    puppet_connect(&p);
    before = p.alice.selections;
    for (uint32_t i = 0; i < 2000; i++) {
        p.priority = 2000000001 + i % 16; /* of what is new; it stays as it was first */
        puppet_request(&p, &s, true, true);
        puppet_send_from(&p, 0x7f000300 + i % 16, &s);
        puppet_play(&p, &good, 1);
    }
    puppet_play(&p, &good, 1000);
    assert_in_range(p.alice.selections - before, 1, 16);
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_COMPLETED);
    assert_false(end_saw(&p.alice, SOTTO_ICE_DISCONNECTED));
    puppet_close(&p);
}

/* proves: H052 */
static void answers_from_elsewhere_are_no_consent(void **state)
{
    struct sockaddr_in where;
    struct reply elsewhere = {.fd = stranger(&where)};
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        puppet_connect(&p);
        puppet_play(&p, &elsewhere, 36000);
        assert_int_equal(end_state(&p.alice), SOTTO_ICE_FAILED);
        puppet_close(&p);
    }
    close(elsewhere.fd);
}

/* An idle call of two minutes: RFC 8445 §11 wants a sign of life every 15 s at least, RFC 7675 §5.1 not more than every 4 s. */
/* proves: ICE-10 */
static void an_idle_call_is_kept_alive_by_what_consent_asks(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        puppet_connect(&p);
        sotto_us last = drive_now(), longest = 0;
        for (int i = 0; i < 1200; i++) {
            unsigned had = p.requests;
            puppet_play(&p, &good, 100);
            if (p.requests == had) continue;
            if (drive_now() - last > longest) longest = drive_now() - last;
            last = drive_now();
        }
        assert_in_range(p.requests, 17, 31);
        assert_in_range(longest, SOTTO_MS(4000), SOTTO_MS(7000));
        assert_int_equal(p.signed_well, p.requests);
        assert_false(end_saw(&p.alice, SOTTO_ICE_DISCONNECTED));
        puppet_close(&p);
    }
}

/* proves: ICE-14 */
static void a_candidate_that_comes_after_30_s_still_connects(void **state)
{
    (void)state;
    for (int has_dead = 0; has_dead < 2; has_dead++) {
        struct sockaddr_in where;
        int fd = stranger(&where);
        struct candidate dead = {.component = 1,
                                 .priority = 1,
                                 .foundation = "1",
                                 .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
        dead.addr.port = ntohs(where.sin_port);
        puppet_open(&p, true);
        if (has_dead) assert_int_equal(ops->add_remote(p.alice.ice, &dead, drive_now()), 0);
        puppet_play(&p, &silent, 30000);
        assert_int_not_equal(end_state(&p.alice), SOTTO_ICE_FAILED);
        puppet_introduce(&p);
        puppet_connect(&p);
        puppet_close(&p);
        close(fd);
    }
}

/* What was said to be all was not: that is as good as a late one, and no more of them are kept. */
/* proves: H039 */
static void candidates_after_their_end_count_as_late_ones(void **state)
{
    (void)state;
    puppet_open(&p, true);
    ops->remote_done(p.alice.ice, drive_now());
    puppet_play(&p, &silent, 1000);
    puppet_introduce(&p);
    puppet_connect(&p);
    ops->remote_done(p.alice.ice, drive_now());
    for (uint8_t i = 1; i <= 200; i++) {
        struct candidate c = {.component = 1,
                              .priority = 1,
                              .foundation = "1",
                              .addr = {.family = 4, .ip = {127, 9, 9, i}, .port = 9}};
        assert_int_equal(ops->add_remote(p.alice.ice, &c, drive_now()),
                         i < SOTTO_MAX_REMOTE_CANDIDATES ? 0 : SOTTO_E_LIMIT);
    }
    puppet_play(&p, &good, 1000);
    assert_false(end_saw(&p.alice, SOTTO_ICE_FAILED));
    puppet_close(&p);
}

/* It would have us check ourselves: to such a check, in the name of the peer, nobody listens. */
/* proves: H031 */
static void our_own_address_in_the_name_of_the_peer_is_harmless(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        for (size_t i = 0; i < p.alice.n_candidates; i++)
            assert_int_equal(ops->add_remote(p.alice.ice, &p.alice.candidates[i], drive_now()), 0);
        puppet_play(&p, &silent, 3000);
        assert_int_equal(p.alice.selections, 0);
        assert_int_equal(p.alice.packets, 0);
        puppet_introduce(&p);
        puppet_nominate(&p);
        puppet_play(&p, &good, 1000); /* CONNECTED: the other checks go on */
        assert_true(p.alice.selections > 0);
        puppet_close(&p);
    }
}

/* libnice asks as RFC 3489 did: the answer carries MAPPED-ADDRESS. */
static void map_to(int fd, const uint8_t ip[4])
{
    uint8_t in[600];
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    while (recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&from, &n) >= 20) {
        uint8_t out[32] = {1, 1, 0, 12};
        static const uint8_t mapped[8] = {0, 1, 0, 8, 0, 1, 0x30, 0x39};
        memcpy(out + 4, in + 4, 16);
        memcpy(out + 20, mapped, 8);
        memcpy(out + 28, ip, 4);
        assert_int_equal(sendto(fd, out, sizeof out, 0, (struct sockaddr *)&from, n), sizeof out);
    }
}

static bool offers(const struct end *e, const uint8_t ip[4])
{
    for (size_t i = 0; i < e->n_candidates; i++)
        if (e->candidates[i].type == CANDIDATE_SRFLX &&
            memcmp(e->candidates[i].addr.ip, ip, 4) == 0)
            return true;
    return false;
}

/* proves: H050 */
static void a_server_cannot_make_us_offer_what_is_no_address(void **state)
{
    static const uint8_t seen[][4] = {{192, 0, 2, 7},       {0, 0, 0, 0},
                                      {224, 0, 0, 1},       {255, 255, 255, 255},
                                      {239, 255, 255, 250}, {169, 254, 169, 254}};
    (void)state;
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        static struct end e;
        struct end *only[1] = {&e};
        struct sockaddr_in where;
        int fd = stranger(&where);
        struct ice_server server = {.kind = ICE_SERVER_STUN,
                                    .addr = {.family = 4, .ip = {127, 0, 0, 1}}};
        server.addr.port = ntohs(where.sin_port);
        end_init(&e, "alice", true);
        e.cfg.servers = &server;
        e.cfg.n_servers = 1;
        assert_int_equal(end_open(&e), 0);
        assert_int_equal(ops->gather(e.ice, drive_now()), 0);
        for (int k = 0; k < 200 && !e.gathered; k++) {
            drive(only, 1, NULL, NULL, 20);
            map_to(fd, seen[i]);
        }
        assert_int_equal(e.gathered, 1);
        assert_int_equal(offers(&e, seen[i]), i == 0);
        end_free(&e);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_one_role_settle_it_and_connect),
        cmocka_unit_test(after_one_conflict_the_role_is_the_other),
        cmocka_unit_test(checks_are_paced_and_repeated_slowly),
        cmocka_unit_test(a_million_candidates_are_64),
        cmocka_unit_test(nominations_that_move_change_the_pair_upwards_only),
        cmocka_unit_test(answers_from_elsewhere_are_no_consent),
        cmocka_unit_test(an_idle_call_is_kept_alive_by_what_consent_asks),
        cmocka_unit_test(a_candidate_that_comes_after_30_s_still_connects),
        cmocka_unit_test(candidates_after_their_end_count_as_late_ones),
        cmocka_unit_test(our_own_address_in_the_name_of_the_peer_is_harmless),
        cmocka_unit_test(a_server_cannot_make_us_offer_what_is_no_address),
    };
    return cmocka_run_group_tests_name("ice_rules", tests, NULL, NULL);
}
