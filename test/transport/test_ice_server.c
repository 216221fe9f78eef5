/* SPDX-License-Identifier: BSD-2-Clause */
/* STUN and TURN servers that fail, as libnice does not tell it: real sockets on loopback; against coturn see test_ice_turn.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ice_drive.h"
#include "transport/ice_nice.h"

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice;
static struct end *one[] = {&alice};

static int free_alice(void **state)
{
    (void)state;
    end_free(&alice);
    return 0;
}

#define HEAD "\x21\x12\xa4\x42sotto-sotto!"

static void answers_of_servers_are_read(void **state)
{
    (void)state;
#define STUN(bytes) ICE_SERVER_STUN, (const uint8_t *)bytes, sizeof bytes - 1
#define TURN(bytes) ICE_SERVER_TURN_UDP, (const uint8_t *)bytes, sizeof bytes - 1
    static const struct {
        enum ice_server_kind kind;
        const uint8_t *p;
        size_t n;
        bool answered;
        int32_t code;
        const char *text;
    } table[] = {
        {STUN("\x01\x01\x00\x00" HEAD), true, 0, ""},
        {TURN("\x01\x01\x00\x00" HEAD), false, 0, ""}, /* of the STUN server at the same address */
        {TURN("\x01\x03\x00\x00" HEAD), true, 0, ""},
        {STUN("\x00\x01\x00\x00" HEAD), false, 0, ""}, /* a request */
        {TURN("\x01\x13\x00\x08" HEAD "\x00\x09\x00\x04\x00\x00\x04\x01"), false, 401, ""},
        {TURN("\x01\x13\x00\x10" HEAD "\x00\x09\x00\x0a\x00\x00\x04\x56Quota!\0\0"), false, 486,
         "Quota!"},
        {TURN("\x01\x13\x00\x0c" HEAD "\x00\x09\x00\x08\x00\x00\x05\x08\x1b\xff\x00x"), false, 508,
         "???x"},
        {STUN("\x01\x11\x00\x14" HEAD
              "\x80\x22\x00\x05sotto\0\0\0\x00\x09\x00\x04\x00\x00\x04\x14"),
         false, 420, ""}, /* behind another attribute and its padding */
        {STUN("\x01\x11\x00\x08" HEAD "\x00\x09\x00\x04\x00\x00\x02\x01"), false, 0, ""},
        {STUN("\x01\x11\x00\x08" HEAD "\x00\x09\x00\x04\x00\x00\x07\x01"), false, 0, ""},
        {STUN("\x01\x11\x00\x08" HEAD "\x00\x09\x00\x04\x00\x00\x04\x64"), false, 0, ""},
        {STUN("\x01\x11\x00\x08" HEAD "\x00\x09\x00\x05\x00\x00\x04\x01"), false, 0, ""},
        {STUN("\x01\x11\x00\x06" HEAD "\x00\x09\x00\x02\x00\x00"), false, 0, ""},
        {STUN("\x01\x11\x00\x0c" HEAD "\x00\x09\x00\x04\x00\x00\x04\x01"), false, 0, ""},
        {STUN("\x01\x01\x00\x00"
              "\x21\x12\xa4\x42"),
         false, 0, ""},
        {STUN("\x01"), false, 0, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct nice_server s = {.kind = table[i].kind};
        struct stun_answer a;
        if (sotto__stun_answer(table[i].p, table[i].n, &a)) sotto__nice_server_answer(&s, &a);
        assert_int_equal(s.answered, table[i].answered);
        assert_int_equal(s.code, table[i].code);
        assert_string_equal(s.text, table[i].text);
    }
}

static void an_endless_reason_is_cut(void **state)
{
    (void)state;
    uint8_t bytes[600] = "\x01\x11\x02\x44" HEAD "\x00\x09\x02\x40\x00\x00\x04\x01";
    struct nice_server s = {.kind = ICE_SERVER_STUN};
    memset(bytes + 28, 'x', sizeof bytes - 28);
    struct stun_answer a;
    assert_true(sotto__stun_answer(bytes, sizeof bytes, &a));
    sotto__nice_server_answer(&s, &a);
    assert_int_equal(s.code, 401);
    assert_int_equal(strlen(s.text), sizeof s.text - 1);
}

enum { EARLY = 1, LATE = 5, CUT = -1 };
/* silence only if it was waited for, and nothing of one that gave a candidate */
static const struct {
    struct nice_server s, second;
    int seconds;
    bool has_v4;
    int32_t code;
    const char *text;
} told[] = {
    {{.is_used = true}, {0}, LATE, true, 701, "no answer"},
    {{.is_used = true}, {0}, EARLY, true, 0, NULL},
    {{.is_used = true}, {0}, CUT, true, 701, "no answer"},
    {{.is_used = true, .asked_at = SOTTO_SECONDS(3)}, {0}, LATE, true, 0, NULL}, /* late itself */
    {{.is_used = true}, {0}, EARLY, false, 701, "no local address of its family"},
    {{.is_used = false}, {0}, LATE, true, 0, NULL},
    {{.is_used = true, .answered = true}, {0}, LATE, true, 0, NULL},
    {{.is_used = true, .code = 400, .text = "x"}, {0}, EARLY, true, 400, "x"},
    {{.is_used = true, .code = 401, .answered = true}, {0}, LATE, true, 0, NULL}, /* the challenge */
    {{.is_used = true, .code = 401, .kind = ICE_SERVER_TURN_UDP, .text = "x"},
     {0},
     EARLY,
     true,
     401,
     "x"},
    {{.is_used = true, .kind = ICE_SERVER_TURN_UDP}, {0}, EARLY, true, 0, NULL},
    {{.is_used = true, .kind = ICE_SERVER_TURN_TCP, .code = 701, .text = "y"},
     {0},
     EARLY,
     true,
     701,
     "y"},
    /* by one of its addresses it works, or has words */
    {{.is_used = true}, {.is_used = true, .answered = true}, LATE, true, 0, NULL},
    {{.is_used = true}, {.is_used = true, .code = 486, .text = "z"}, LATE, true, 486, "z"},
    {{.is_used = true, .code = 486, .text = "x"},
     {.is_used = true, .code = 300, .text = "z"},
     LATE,
     true,
     486,
     "x"},
    {{.is_used = true}, {.is_used = true}, LATE, true, 701, "no answer"},
};

static void what_is_told_of_a_server_is_known(void **state)
{
    (void)state;
    end_init(&alice, "alice", true);
    assert_int_equal(end_open(&alice), 0);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct ice *ice = alice.ice;
        struct ice_out out = {.type = ICE_OUT_PACKET};
        struct nice_server servers[4] = {{.is_used = false}};
        ice->servers = servers;
        servers[1] = told[i].s, servers[3] = told[i].second;
        servers[1].addr.family = servers[3].addr.family = 4;
        ice->n_servers = 2, ice->n_servers_yielded = 0;
        ice->gather_at = 7;
        ice->gathered_at = 7 + SOTTO_SECONDS(told[i].seconds == CUT ? EARLY : told[i].seconds);
        ice->was_cut_short = told[i].seconds == CUT;
        ice->has_family[0] = told[i].has_v4;
        bool is_told = sotto__nice_server_error(ice, &out);
        if (is_told != (told[i].code != 0)) fail_msg("row %zu", i);
        if (is_told) {
            assert_int_equal(out.type, ICE_OUT_SERVER);
            assert_int_equal(out.server, 1);
            assert_int_equal(out.code, told[i].code);
            assert_string_equal(out.text, told[i].text);
            assert_false(sotto__nice_server_error(ice, &out)); /* once */
        }
        ice->servers = NULL, ice->n_servers = 0;
    }
}

/* By its priority, which has the place of the server in libnice's list. */
static void candidates_speak_for_their_servers(void **state)
{
    (void)state;
    static struct ice ice;
    struct candidate c = {.type = CANDIDATE_RELAY, .addr = {.family = 4, .ip = {192, 0, 2, 1}}};
    struct nice_server servers[6] = {{.is_used = true}};
    memset(&ice, 0, sizeof ice);
    ice.servers = servers;
    ice.n_servers = 3;
    servers[1] = (struct nice_server){.kind = ICE_SERVER_TURN_UDP, .is_used = true, .turn = 1};
    servers[2] = (struct nice_server){.kind = ICE_SERVER_TURN_TLS, .is_used = true, .turn = 0};
    servers[5] = (struct nice_server){.kind = ICE_SERVER_TURN_TLS, .is_used = true, .turn = 7};
    c.priority = 5u << 24 | 1u << 21 | 1u << 14 | 63u << 8 | 255;
    sotto__nice_servers_gave(&ice, &c);
    assert_true(servers[1].answered && !servers[2].answered && !servers[0].answered);
    assert_int_equal(sotto__nice_server_of(&ice, &c), 1);
    c.priority += 6u << 14;
    assert_int_equal(sotto__nice_server_of(&ice, &c), 5);
    c.priority = 5u << 24 | 1u << 21 | 255;
    sotto__nice_servers_gave(&ice, &c);
    assert_true(servers[2].answered && !servers[5].answered);
    assert_int_equal(ice.n_relay, 2);
    c.priority |= 2u << 14;
    assert_true(sotto__nice_server_of(&ice, &c) == SIZE_MAX);
    c.type = CANDIDATE_SRFLX, c.priority = 1u << 14;
    assert_true(sotto__nice_server_of(&ice, &c) == SIZE_MAX);
}

struct fake { /* a server */
    int fd;
    bool is_good;
};

/* A Binding success that says that there is no NAT (with MAPPED-ADDRESS, as libnice asks), or an error. */
static void fake_serve(const struct fake *f)
{
    uint8_t in[600], out[64] = {0x01, 0x11, 0, 8};
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    while (recvfrom(f->fd, in, sizeof in, 0, (struct sockaddr *)&from, &len) >= 20) {
        size_t n = 28;
        memcpy(out + 4, in + 4, 16);
        memcpy(out + 20, "\x00\x09\x00\x04\x00\x00\x05\x00", 8);
        if (f->is_good) {
            out[1] = 0x01, out[3] = 12, n = 32;
            memcpy(out + 20, "\x00\x01\x00\x08\x00\x01", 6);
            memcpy(out + 26, &from.sin_port, 2);
            memcpy(out + 28, &from.sin_addr, 4);
        }
        sendto(f->fd, out, n, 0, (struct sockaddr *)&from, len);
    }
}

static bool is_gathered(void *arg)
{
    if (arg) fake_serve(arg);
    return alice.gathered > 0;
}

static struct ice_server fake_open(struct fake *f)
{
    struct sockaddr_in where;
    f->fd = stranger(&where);
    return (struct ice_server){.kind = ICE_SERVER_STUN,
                               .addr = {4, {127, 0, 0, 1}, ntohs(where.sin_port)}};
}

static void gather(struct fake *f, const struct ice_server *servers, size_t n)
{
    end_init(&alice, "alice", true);
    alice.cfg.servers = servers, alice.cfg.n_servers = n;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_true(drive(one, 1, is_gathered, f, 10000));
    close(f->fd);
}

static void a_server_that_says_no_is_told_with_its_code(void **state)
{
    (void)state;
    struct fake f = {.is_good = false};
    struct ice_server s = fake_open(&f);
    gather(&f, &s, 1);
    assert_int_equal(alice.n_errors, 1);
    assert_int_equal(alice.errors[0].server, 0);
    assert_int_equal(alice.errors[0].code, 500);
}

static void a_server_that_sees_no_nat_has_not_failed(void **state)
{
    (void)state; /* though it gave no candidate */
    struct fake f = {.is_good = true};
    struct ice_server s = fake_open(&f);
    gather(&f, &s, 1);
    assert_int_equal(alice.n_errors, 0);
    for (size_t i = 0; i < alice.n_candidates; i++)
        assert_int_equal(alice.candidates[i].type, CANDIDATE_HOST);
}

static void a_silent_server_is_told_and_the_one_beside_it_is_not(void **state)
{
    (void)state; /* five seconds: as long as libnice waits */
    struct fake f = {.is_good = true}, silent;
    struct ice_server s[2] = {fake_open(&f), fake_open(&silent)};
    s[1].kind = ICE_SERVER_TURN_UDP;
    gather(&f, s, 2);
    close(silent.fd);
    assert_int_equal(alice.n_errors, 1);
    assert_int_equal(alice.errors[0].server, 1);
    assert_int_equal(alice.errors[0].code, 701);
    assert_string_equal(alice.errors[0].text, "no answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_servers_are_read),
        cmocka_unit_test(an_endless_reason_is_cut),
        cmocka_unit_test_teardown(what_is_told_of_a_server_is_known, free_alice),
        cmocka_unit_test(candidates_speak_for_their_servers),
        cmocka_unit_test_teardown(a_server_that_says_no_is_told_with_its_code, free_alice),
        cmocka_unit_test_teardown(a_server_that_sees_no_nat_has_not_failed, free_alice),
        cmocka_unit_test_teardown(a_silent_server_is_told_and_the_one_beside_it_is_not, free_alice),
    };
    return cmocka_run_group_tests_name("ice_server", tests, NULL, NULL);
}
