/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STUN that is wrong in every way, from strangers and from a peer that knows the credentials (security catalogue H040–H047, H056,
 * H057), and what our own STUN looks like (ICE-03, ICE-12, ICE-22, ICE-23).
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

static void expect_no_effect(const char *what)
{
    puppet_play(&p, &silent, 12);
    if (p.alice.selections > 0 || p.alice.packets > 0 || p.successes > 0 || p.requests > 0)
        fail_msg("%s: %d selections, %zu packets, %u answers, %u checks", what, p.alice.selections,
                 p.alice.packets, p.successes, p.requests);
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_NEW);
}

static void whole(struct stun_text *s)
{
    stun_sign(s, p.alice.pwd, 20);
    stun_finger(s);
}

enum wrong {
    NO_INTEGRITY,
    NO_INTEGRITY_NO_FINGER,
    BAD_INTEGRITY,
    OTHER_USER,
    OUR_HALF_ALONE,
    NO_COLON,
    NO_NAME,
    LONG_NAME,
    NOT_EVEN_A_NAME,
    BAD_FINGER,
    NO_FINGER,
    SHORT_INTEGRITY, /* and the three after it: 0, 4, 16, 19 bytes */
    SHORT_INTEGRITY_4,
    SHORT_INTEGRITY_16,
    SHORT_INTEGRITY_19,
    INTEGRITY_LAST,  /* behind FINGERPRINT */
    WRONG_BEFORE_RIGHT,
    EMPTY_BEFORE_RIGHT,
    BEHIND_INTEGRITY, /* what it does not cover */
    WRONGS
};

static void name_it(struct stun_text *s, const char *name, size_t n)
{
    uint8_t id[12] = {'w', 'r', 'o', 'n', 'g', ++p.ids};
    stun_begin(s, STUN_REQUEST_TYPE, id);
    if (name) stun_add(s, STUN_USERNAME, name, n);
    stun_add_u32(s, STUN_PRIORITY, 1845501695);
    stun_add_u64(s, STUN_CONTROLLING, 99);
}

static void make_wrong(struct stun_text *s, enum wrong how)
{
    static const size_t sizes[] = {0, 4, 16, 19};
    static char long_name[600] = "alice:";
    memset(long_name + 6, 'p', sizeof long_name - 6);
    name_it(s, "alice:puppet", 12);
    switch (how) {
    case NO_INTEGRITY: stun_finger(s); break;
    case NO_INTEGRITY_NO_FINGER: break;
    case BAD_INTEGRITY:
        stun_sign(s, "not-our-password-012345", 20);
        stun_finger(s);
        break;
    case OTHER_USER: name_it(s, "bobby:puppet", 12), whole(s); break;
    case OUR_HALF_ALONE: name_it(s, "alice", 5), whole(s); break;
    case NO_COLON: name_it(s, "alicepuppet", 11), whole(s); break;
    case NO_NAME: name_it(s, "", 0), whole(s); break;
    case LONG_NAME: name_it(s, long_name, sizeof long_name), whole(s); break;
    case NOT_EVEN_A_NAME: name_it(s, NULL, 0), whole(s); break;
    case BAD_FINGER:
        whole(s);
        s->bytes[s->n - 1] ^= 1;
        break;
    case NO_FINGER: stun_sign(s, p.alice.pwd, 20); break;
    case SHORT_INTEGRITY:
    case SHORT_INTEGRITY_4:
    case SHORT_INTEGRITY_16:
    case SHORT_INTEGRITY_19:
        stun_sign(s, p.alice.pwd, sizes[how - SHORT_INTEGRITY]);
        stun_finger(s);
        break;
    case INTEGRITY_LAST:
        stun_finger(s);
        stun_sign(s, p.alice.pwd, 20);
        break;
    case WRONG_BEFORE_RIGHT: stun_sign(s, "wrong", 20), whole(s); break;
    case EMPTY_BEFORE_RIGHT: stun_add(s, STUN_INTEGRITY, NULL, 0), whole(s); break;
    case BEHIND_INTEGRITY:
        stun_sign(s, p.alice.pwd, 20);
        stun_add_u32(s, STUN_PRIORITY, 1);
        stun_finger(s);
        break;
    case WRONGS: break;
    }
}

/* proves: H040 H041 H043 ICE-04 */
static void requests_that_are_not_whole_change_nothing(void **state)
{
    struct stun_text s;
    (void)state;
    for (int how = 0; how < WRONGS; how++) {
        char what[32];
        puppet_open(&p, false);
        make_wrong(&s, (enum wrong)how);
        for (int i = 0; i < 3; i++) puppet_send(&p, p.fd, &s);
        snprintf(what, sizeof what, "way %d", how);
        expect_no_effect(what);
        puppet_close(&p);
    }
}

/* Nobody can have us send more to a third party than was sent to us in its name. */
/* proves: H040 S10 */
static void strangers_are_answered_with_less_than_they_sent_or_not_at_all(void **state)
{
    struct stun_text s;
    size_t sent;
    (void)state;
    for (int how = 0; how < WRONGS; how++) {
        puppet_open(&p, false);
        make_wrong(&s, (enum wrong)how);
        sent = 20 * s.n;
        for (int i = 0; i < 20; i++) puppet_send(&p, p.fd, &s);
        puppet_play(&p, &silent, 12);
        if (p.bytes > sent) fail_msg("way %d: %zu bytes for %zu", how, p.bytes, sent);
        if (how == NO_INTEGRITY || how == NO_INTEGRITY_NO_FINGER) assert_int_equal(p.bytes, 0);
        puppet_close(&p);
    }
}

/* Attributes that do not fit into their message, and messages that do not fit into their datagram. */
/* proves: H042 */
static void lengths_that_lie_change_nothing(void **state)
{
    struct stun_text s, bent;
    (void)state;
    puppet_open(&p, false);
    puppet_request(&p, &s, true, true);
    for (size_t at = 20; at + 4 <= s.n; at += 4) /* each word taken for the head of an attribute */
        for (int by = -4; by <= 4; by++) {
            if (by == 0) continue;
            bent = s;
            bent.bytes[at + 3] = (uint8_t)(bent.bytes[at + 3] + by);
            puppet_send(&p, p.fd, &bent);
            bent.bytes[at + 2] = 0xff;
            puppet_send(&p, p.fd, &bent);
            if (by == 4) expect_no_effect("an attribute");
        }
    for (size_t n = 0; n < 1200; n += 3) { /* the message's own length */
        bent = s;
        bent.bytes[2] = (uint8_t)(n >> 8), bent.bytes[3] = (uint8_t)n;
        if (n + 20 != s.n) puppet_send(&p, p.fd, &bent);
        if (n % 30 == 0) expect_no_effect("a message");
    }
    for (size_t n = 0; n < s.n; n++) { /* cut anywhere */
        bent = s;
        bent.n = n;
        puppet_send(&p, p.fd, &bent);
    }
    expect_no_effect("cut");
    puppet_connect(&p);
    puppet_close(&p);
}

/* More attributes than any message needs, and none of them known: as many as a datagram holds. */
/* proves: H042 */
static void thousands_of_attributes_change_nothing(void **state)
{
    static uint8_t big[65507];
    struct stun_text s;
    (void)state;
    puppet_open(&p, false);
    puppet_request(&p, &s, true, true);
    memcpy(big, s.bytes, s.n);
    for (size_t at = s.n; at + 4 <= sizeof big; at += 4) big[at] = 0x80, big[at + 1] = 0x55;
    for (size_t n = 200; n <= 65504; n += 4 * 1031) {
        size_t body = n - 20;
        big[2] = (uint8_t)(body >> 8), big[3] = (uint8_t)body;
        send_raw(p.fd, &p.alice, big, n);
        expect_no_effect("many attributes");
    }
    puppet_connect(&p);
    puppet_close(&p);
}

/* RFC 8445 §7.2.5.2: by the transaction, and signed with our own word for the peer. */
/* proves: H045 ICE-05 */
static void answers_that_belong_to_no_check_select_nothing(void **state)
{
    static const struct reply bad[] = {
        {.has_other_id = true}, {.has_other_key = true}, {.is_unsigned = true}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        puppet_open(&p, true);
        puppet_introduce(&p);
        assert_true(puppet_play(&p, &bad[i], 300) > 0);
        assert_int_equal(p.alice.selections, 0);
        puppet_connect(&p);
        puppet_close(&p);
    }
}

/* proves: H047 */
static void forged_errors_of_each_kind_do_not_stop_a_connection(void **state)
{
    static const int codes[] = {300, 400, 401, 403, 420, 438, 487, 500};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof codes / sizeof *codes; i++) {
        struct reply forged = {.code = codes[i / 2], .is_unsigned = true};
        puppet_open(&p, i % 2 == 0);
        puppet_introduce(&p);
        assert_true(puppet_play(&p, &forged, 60) > 0);
        assert_int_equal(p.alice.selections, 0);
        puppet_connect(&p);
        for (int k = 0; k < 4; k++) puppet_play(&p, k % 2 ? &good : &forged, 6000);
        assert_int_equal(end_state(&p.alice), SOTTO_ICE_COMPLETED);
        puppet_close(&p);
    }
}

/* Errors that nobody asked for, by the hundred, with and without integrity. */
/* proves: H047 */
static void errors_out_of_the_blue_change_nothing(void **state)
{
    struct stun_text s;
    (void)state;
    puppet_open(&p, true);
    puppet_introduce(&p);
    puppet_connect(&p);
    for (int i = 0; i < 300; i++) {
        static const int codes[] = {300, 400, 401, 403, 420, 438, 487, 500};
        uint8_t id[12] = {0, 1, 2, (uint8_t)i, (uint8_t)(i >> 8)};
        stun_begin(&s, STUN_ERROR_TYPE, id);
        stun_add_error(&s, codes[i % 8]);
        if (i & 8) stun_sign(&s, i & 16 ? p.alice.pwd : p.pwd, 20);
        stun_finger(&s);
        puppet_send(&p, p.fd, &s);
        puppet_play(&p, &good, 10);
    }
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_COMPLETED);
    assert_false(end_saw(&p.alice, SOTTO_ICE_DISCONNECTED));
    assert_int_equal(p.alice.packets, 0);
    puppet_close(&p);
}

static void every_first_byte(bool is_peer)
{
    struct sockaddr_in where;
    int fd = is_peer ? p.fd : stranger(&where);
    uint8_t bytes[20];
    for (int first = 0; first < 256; first++) {
        size_t before = p.alice.packets;
        memset(bytes, first, sizeof bytes);
        for (size_t n = 0; n <= 20; n++) send_raw(fd, &p.alice, bytes, n);
        puppet_play(&p, &good, 1);
        size_t came = p.alice.packets - before;
        /* 0…3 are STUN that is none; an empty datagram is nothing, and libnice takes one of a single byte for that too. What RFC 7983 does
         * not name is for those above to drop. */
        bool is_data = is_peer && ((first >= 20 && first < 64) || first >= 128);
        if (came > (is_peer && first > 3 ? 20u : 0u) || (is_data && came < 19))
            fail_msg("first byte %d: %zu packets", first, came);
    }
    if (!is_peer) close(fd);
}

/* proves: H055 H056 ICE-21 */
static void each_first_byte_of_each_length_in_each_state_goes_where_it_must(void **state)
{
    struct sockaddr_in where;
    int fd = stranger(&where);
    (void)state;
    puppet_open(&p, false);
    every_first_byte(false); /* nothing is known of the peer but its name */
    puppet_introduce(&p);
    every_first_byte(false); /* being checked */
    puppet_connect(&p);
    every_first_byte(false);
    every_first_byte(true);
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_COMPLETED);
    struct sockaddr_in to = puppet_target(&p);
    ops->close(p.alice.ice, drive_now());
    for (int first = 0; first < 256; first++) {
        uint8_t byte = (uint8_t)first;
        (void)sendto(fd, &byte, 1, 0, (struct sockaddr *)&to, sizeof to);
        puppet_play(&p, &good, 1);
    }
    close(fd);
    puppet_close(&p);
}

/* proves: H057 */
static void the_smallest_and_the_largest_datagrams_are_taken_or_dropped(void **state)
{
    static uint8_t big[65507] = {0x80};
    (void)state;
    puppet_open(&p, true);
    puppet_introduce(&p);
    puppet_connect(&p);
    for (int i = 0; i < 3; i++) {
        send_raw(p.fd, &p.alice, big, 0);
        puppet_play(&p, &good, 1);
        send_raw(p.fd, &p.alice, big, sizeof big);
        puppet_play(&p, &good, 1);
    }
    assert_int_equal(p.alice.packets, 3);
    assert_int_equal(p.alice.bytes, 3 * sizeof big);
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_COMPLETED);
    big[0] = 0; /* as STUN */
    big[1] = 1;
    send_raw(p.fd, &p.alice, big, sizeof big);
    puppet_play(&p, &good, 5);
    assert_int_equal(p.alice.packets, 3);
    puppet_close(&p);
}

/* ---- our own ---- */

static void check_request(const uint8_t *in, size_t n, bool alice_controls)
{
    size_t len;
    const uint8_t *name = stun_look(in, n, STUN_USERNAME, &len);
    assert_int_equal(stun_type(in, n), STUN_REQUEST_TYPE);
    assert_non_null(name);
    assert_int_equal(len, strlen("puppet:alice"));
    assert_memory_equal(name, "puppet:alice", len);
    assert_non_null(stun_look(in, n, STUN_PRIORITY, &len));
    assert_int_equal(len, 4);
    assert_non_null(stun_look(in, n, alice_controls ? STUN_CONTROLLING : STUN_CONTROLLED, &len));
    assert_int_equal(len, 8);
    assert_null(stun_look(in, n, alice_controls ? STUN_CONTROLLED : STUN_CONTROLLING, NULL));
    assert_true(alice_controls || !stun_look(in, n, STUN_NOMINATION, NULL));
    assert_true(stun_is_signed(in, n, p.pwd));
    assert_in_range(n, 20, 576 - 28); /* RFC 8489 §6.1, with the headers of IPv4 and UDP */
}

/* Ten checks before there is a pair, and ten requests for consent after it. */
/* proves: ICE-03 ICE-11 ICE-23 */
static void our_checks_are_whole_signed_and_small(void **state)
{
    uint8_t in[2048], ids[20][12];
    (void)state;
    for (int role = 0; role < 2; role++) {
        struct end *only[1] = {&p.alice};
        size_t seen = 0;
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        for (int i = 0; i < 200 && seen < 3; i++) {
            drive(only, 1, NULL, NULL, 20);
            for (ssize_t n; (n = recv(p.fd, in, sizeof in, 0)) > 0; seen++)
                check_request(in, (size_t)n, role == 1);
        }
        assert_int_equal(seen, 3); /* repetitions of the first */
        puppet_connect(&p);
        for (seen = 0; seen < 20;) {
            drive(only, 1, NULL, NULL, 100);
            for (ssize_t n; (n = recv(p.fd, in, sizeof in, MSG_PEEK)) > 0 && seen < 20; seen++) {
                check_request(in, (size_t)n, role == 1);
                memcpy(ids[seen], in + 8, 12);
                for (size_t i = 0; i < seen; i++) assert_memory_not_equal(ids[i], in + 8, 12);
                puppet_answer(&p, &good);
            }
        }
        assert_in_range(p.largest, 20, 576 - 28);
        puppet_close(&p);
    }
}

/* proves: ICE-23 */
static void our_answers_are_signed_small_and_say_where_from(void **state)
{
    struct stun_text s;
    uint8_t in[2048];
    struct end *only[1] = {&p.alice};
    (void)state;
    puppet_open(&p, false);
    puppet_request(&p, &s, false, true);
    puppet_send(&p, p.fd, &s);
    drive(only, 1, NULL, NULL, 2);
    ssize_t n = recv(p.fd, in, sizeof in, 0);
    assert_in_range(n, 20, 576 - 28);
    assert_int_equal(stun_type(in, (size_t)n), STUN_SUCCESS_TYPE);
    assert_true(stun_is_signed(in, (size_t)n, p.alice.pwd));
    struct stun_text mapped = {.n = 20};
    stun_add_mapped(&mapped, &p.at);
    const uint8_t *v = stun_look(in, (size_t)n, STUN_MAPPED, NULL);
    assert_non_null(v);
    assert_memory_equal(v, mapped.bytes + 24, 8);
    puppet_close(&p);
}

/* proves: ICE-22 */
static void a_request_that_wants_more_than_we_know_is_refused_with_420(void **state)
{
    struct stun_text s;
    (void)state;
    puppet_open(&p, false);
    puppet_request(&p, &s, true, false);
    stun_add_u32(&s, 0x7abc, 0); /* to be understood */
    whole(&s);
    puppet_send(&p, p.fd, &s);
    puppet_play(&p, &good, 12);
    assert_int_equal(p.code, 420);
    assert_int_equal(p.alice.selections, 0);
    assert_int_equal(end_state(&p.alice), SOTTO_ICE_NEW);
    puppet_request(&p, &s, true, false);
    stun_add_u32(&s, 0x9abc, 0); /* for those who know it */
    whole(&s);
    puppet_send(&p, p.fd, &s);
    puppet_play(&p, &good, 100);
    assert_true(p.alice.selections > 0);
    puppet_close(&p);
}

/* proves: ICE-12 */
static void after_close_nobody_is_answered(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        puppet_open(&p, role == 1);
        puppet_introduce(&p);
        puppet_connect(&p);
        puppet_nominate(&p); /* is in the socket when it closes */
        ops->close(p.alice.ice, drive_now());
        for (int i = 0; i < 20; i++) {
            puppet_nominate(&p);
            puppet_play(&p, &good, 1000);
        }
        assert_int_equal(p.bytes, 0);
        puppet_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_are_not_whole_change_nothing),
        cmocka_unit_test(strangers_are_answered_with_less_than_they_sent_or_not_at_all),
        cmocka_unit_test(lengths_that_lie_change_nothing),
        cmocka_unit_test(thousands_of_attributes_change_nothing),
        cmocka_unit_test(answers_that_belong_to_no_check_select_nothing),
        cmocka_unit_test(forged_errors_of_each_kind_do_not_stop_a_connection),
        cmocka_unit_test(errors_out_of_the_blue_change_nothing),
        cmocka_unit_test(each_first_byte_of_each_length_in_each_state_goes_where_it_must),
        cmocka_unit_test(the_smallest_and_the_largest_datagrams_are_taken_or_dropped),
        cmocka_unit_test(our_checks_are_whole_signed_and_small),
        cmocka_unit_test(our_answers_are_signed_small_and_say_where_from),
        cmocka_unit_test(a_request_that_wants_more_than_we_know_is_refused_with_420),
        cmocka_unit_test(after_close_nobody_is_answered),
    };
    return cmocka_run_group_tests_name("ice_hostile_stun", tests, NULL, NULL);
}
