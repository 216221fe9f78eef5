/* SPDX-License-Identifier: BSD-2-Clause */
/* STUN servers asked for reflexive addresses, over real sockets on loopback and a clock that stands still: what is asked, and believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ice_drive.h"
#include "transport/ice_nice.h"
#include "util/bytes.h"
#include "util/mem.h"

static const struct ice_ops *const ops = &sotto__ice_nice;
static struct end alice;
static struct end *one[] = {&alice};

static int free_alice(void **state)
{
    (void)state;
    end_free(&alice);
    return 0;
}

#define GOOD "\x00\x20\x00\x08\x00\x01\x30\x4e\xea\x12\xd5\x47" /* XOR-MAPPED-ADDRESS: 203.0.113.5:4444 */
static const struct address mapped = {4, {203, 0, 113, 5}, 4444};

struct fake { /* a server */
    int fd;
    struct address addr;
    const char *attributes; /* of its answer, n bytes; NULL: it is silent */
    size_t n;
    uint16_t type; /* 0: success */
    bool is_other_source, is_other_id;
    size_t n_requests, skip; /* skip: so many are not answered */
    uint8_t ids[64][16];
};

static struct ice_server fake_open(struct fake *f)
{
    struct sockaddr_in where;
    f->fd = stranger(&where);
    f->addr = (struct address){4, {127, 0, 0, 1}, ntohs(where.sin_port)};
    return (struct ice_server){.kind = ICE_SERVER_STUN, .addr = f->addr};
}

static void fake_serve(struct fake *f)
{
    uint8_t in[600], out[600];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t got;
    while ((got = recvfrom(f->fd, in, sizeof in, 0, (struct sockaddr *)&from, &len)) > 0) {
        assert_int_equal(got, STUN_HEAD);
        assert_memory_equal(in, "\x00\x01\x00\x00\x21\x12\xa4\x42", 8);
        assert_true(f->n_requests < 64);
        memcpy(f->ids[f->n_requests++], in + 4, 16);
        if (!f->attributes || f->n_requests <= f->skip) continue;
        struct sockaddr_in other;
        int fd = f->is_other_source ? stranger(&other) : f->fd;
        if (f->is_other_id) in[19] ^= 1;
        struct writer w = sotto__writer(out, sizeof out);
        sotto__write_u16(&w, f->type ? f->type : 0x0101);
        sotto__write_u16(&w, (uint16_t)f->n);
        sotto__write_bytes(&w, in + 4, 16);
        sotto__write_bytes(&w, f->attributes, f->n);
        sendto(fd, out, w.n, 0, (struct sockaddr *)&from, len);
        if (fd != f->fd) close(fd);
    }
}

struct run {
    struct fake *f;
    size_t n;
};

static bool is_gathered(void *arg)
{
    struct run *r = arg;
    for (size_t i = 0; i < r->n; i++) fake_serve(&r->f[i]);
    return alice.gathered > 0;
}

static void open_alice(const struct ice_server *s, size_t n, bool more)
{
    end_init(&alice, "alice", true);
    alice.cfg.servers = s, alice.cfg.n_servers = n, alice.cfg.more_servers = more;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
}

/* How long it took, in milliseconds of the clock. */
static int gather(struct fake *f, const struct ice_server *s, size_t n)
{
    struct run r = {f, n};
    sotto_us start = drive_now();
    open_alice(s, n, false);
    assert_true(drive(one, 1, is_gathered, &r, 20000));
    return (int)((drive_now() - start) / 1000);
}

static size_t count(enum candidate_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < alice.n_candidates; i++) n += alice.candidates[i].type == type;
    return n;
}

static void what_a_server_sees_is_offered(void **state)
{
    (void)state;
    static const struct {
        const char *attributes;
        size_t n;
        size_t want;
        const char *error;
    } rows[] = {
#define ATTRIBUTES(a) a, sizeof a - 1
        {ATTRIBUTES(GOOD), 1, NULL},
        {ATTRIBUTES("\x00\x01\x00\x08\x00\x01\x11\x5c\xcb\x00\x71\x05"), 1, NULL}, /* MAPPED-ADDRESS: an old server */
        {ATTRIBUTES("\x00\x01\x00\x08\x00\x01\x11\x5c\x0a\x00\x00\x07" GOOD), 1, NULL}, /* a NAT on the way changed it */
        {ATTRIBUTES(GOOD "\x00\x01\x00\x08\x00\x01\x11\x5c\x0a\x00\x00\x07"), 1, NULL},
        {ATTRIBUTES("\x80\x22\x00\x03x\0\0\0" GOOD), 1, NULL}, /* SOFTWARE */
#define NOT_OURS "it names no address that we could have"
        {ATTRIBUTES("\x7f\x22\x00\x04xxxx" GOOD), 0, NOT_OURS}, /* must be understood, and is not */
        {ATTRIBUTES(""), 0, NOT_OURS},
        {ATTRIBUTES("\x00\x01\x00\x08\x00\x01\x11\x5c\x00\x00\x00\x00"), 0, NOT_OURS},
        {ATTRIBUTES("\x00\x01\x00\x08\x00\x01\x11\x5c\xe0\x00\x00\x01"), 0, NOT_OURS}, /* multicast */
        {ATTRIBUTES("\x00\x01\x00\x08\x00\x01\x11\x5c\xff\xff\xff\xff"), 0, NOT_OURS},
        {ATTRIBUTES("\x00\x01\x00\x08\x00\x01\x00\x00\xcb\x00\x71\x05"), 0, NOT_OURS}, /* no port */
        {ATTRIBUTES("\x00\x01\x00\x08\x00\x03\x11\x5c\xcb\x00\x71\x05"), 0, NOT_OURS}, /* no family */
        {ATTRIBUTES("\x00\x01\x00\x14\x00\x02\x11\x5c\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05"),
         0, NOT_OURS}, /* the other family */
        {ATTRIBUTES("\x00\x20\x00\x07\x00\x01\x30\x4e\xea\x12\xd5\x47"), 0, NOT_OURS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake f = {.attributes = rows[i].attributes, .n = rows[i].n};
        struct ice_server s = fake_open(&f);
        int ms = gather(&f, &s, 1);
        if (count(CANDIDATE_SRFLX) != rows[i].want || alice.n_errors != !rows[i].want || ms > 50)
            fail_msg("row %zu: %zu candidates, %zu errors, %d ms", i, count(CANDIDATE_SRFLX),
                     alice.n_errors, ms);
        if (rows[i].error) assert_string_equal(alice.errors[0].text, rows[i].error);
        const struct candidate *c = &alice.candidates[alice.n_candidates - 1];
        if (rows[i].want) {
            assert_true(sotto__address_eq(&c->addr, &mapped));
            assert_int_equal(c->priority >> 24, 100);
            assert_int_equal(c->priority & 0xff, 255);
            assert_int_equal(c->related.family, 0);
            assert_int_equal(alice.candidate_servers[alice.n_candidates - 1], 0);
        }
        assert_int_equal(f.n_requests, 1);
        end_free(&alice);
        close(f.fd);
    }
}

static void answers_of_others_are_not_taken(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct fake f = {.attributes = GOOD,
                         .n = sizeof GOOD - 1,
                         .is_other_source = i == 0,
                         .is_other_id = i == 1,
                         .type = i == 2 ? 0x0103 : 0}; /* an answer to something else */
        struct ice_server s = fake_open(&f);
        gather(&f, &s, 1);
        assert_int_equal(count(CANDIDATE_SRFLX), 0);
        assert_int_equal(alice.n_errors, 1);
        assert_int_equal(alice.errors[0].code, 701);
        assert_string_equal(alice.errors[0].text, "no answer");
        assert_true(alice.errors[0].local.family == 4 && alice.errors[0].local.port != 0);
        end_free(&alice);
        close(f.fd);
    }
}

static void a_silent_server_is_asked_five_times(void **state)
{
    (void)state;
    struct fake f = {.attributes = NULL};
    struct ice_server s = fake_open(&f);
    int ms = gather(&f, &s, 1);
    assert_in_range(ms, 4750, 4760);
    assert_int_equal(f.n_requests, 5);
    for (int i = 1; i < 5; i++) assert_memory_equal(f.ids[i], f.ids[0], 16);
    assert_int_equal(alice.n_errors, 1);
    close(f.fd);
}

static void what_is_lost_is_asked_again(void **state)
{
    (void)state;
    struct fake f = {.attributes = GOOD, .n = sizeof GOOD - 1, .skip = 2};
    struct ice_server s = fake_open(&f);
    int ms = gather(&f, &s, 1);
    assert_in_range(ms, 750, 760);
    assert_true(count(CANDIDATE_SRFLX) == 1 && alice.n_errors == 0 && f.n_requests == 3);
    close(f.fd);
}

static void every_server_is_asked_and_what_all_see_is_offered_once(void **state)
{
    (void)state;
    struct fake f[3] = {
        {.attributes = GOOD, .n = sizeof GOOD - 1},
        {.attributes = GOOD, .n = sizeof GOOD - 1},
        {.attributes = "\x00\x01\x00\x08\x00\x01\x11\x5c\xcb\x00\x71\x06", .n = 12}};
    struct ice_server s[3] = {fake_open(&f[0]), fake_open(&f[1]), fake_open(&f[2])};
    gather(f, s, 3);
    assert_int_equal(count(CANDIDATE_SRFLX), 2);
    assert_int_equal(alice.n_errors, 0);
    assert_true(f[0].n_requests == 1 && f[1].n_requests == 1 && f[2].n_requests == 1);
    assert_memory_not_equal(f[0].ids[0], f[1].ids[0], 16);
    assert_int_equal(alice.candidate_servers[alice.n_candidates - 1], 2);
    assert_string_not_equal(alice.candidates[alice.n_candidates - 1].foundation,
                            alice.candidates[alice.n_candidates - 2].foundation);
    for (int i = 0; i < 3; i++) close(f[i].fd);
}

static void an_error_is_told_and_another_server_is_tried(void **state)
{
    (void)state;
    struct fake f[2] = {{.type = 0x0111}, {.attributes = GOOD, .n = sizeof GOOD - 1}};
    struct ice_server s = fake_open(&f[0]), t = fake_open(&f[1]);
    char move[21] = "\x00\x09\x00\x04\x00\x00\x03\x00\x80\x23\x00\x08\x00\x01pp\x7f\0\0\x01";
    move[14] = (char)(t.addr.port >> 8), move[15] = (char)t.addr.port;
    struct run r = {f, 2};
    f[0].attributes = move, f[0].n = 20;
    open_alice(&s, 1, false);
    assert_true(drive(one, 1, is_gathered, &r, 20000));
    assert_true(count(CANDIDATE_SRFLX) == 1 && alice.n_errors == 0);
    end_free(&alice);
    move[14] = (char)(s.addr.port >> 8), move[15] = (char)s.addr.port; /* to itself */
    f[0].n_requests = 0;
    open_alice(&s, 1, false);
    assert_true(drive(one, 1, is_gathered, &r, 20000));
    assert_int_equal(f[0].n_requests, 1 + SOTTO_MAX_TURN_ALTERNATES);
    assert_true(alice.n_errors == 1 && alice.errors[0].code == 300);
    end_free(&alice);
    f[0].attributes = "\x00\x09\x00\x08\x00\x00\x05\x00oops", f[0].n = 12;
    f[0].n_requests = 0;
    open_alice(&s, 1, false);
    assert_true(drive(one, 1, is_gathered, &r, 20000));
    assert_true(alice.n_errors == 1 && alice.errors[0].code == 500 && f[0].n_requests == 1);
    assert_string_equal(alice.errors[0].text, "oops");
    close(f[0].fd), close(f[1].fd);
}

/* The host is offered at once; what has a name comes later, from both of its addresses if both can be used. */
static void servers_with_names_come_when_they_are_known(void **state)
{
    (void)state;
    struct fake f[2] = {
        {.attributes = GOOD, .n = sizeof GOOD - 1},
        {.attributes = "\x00\x01\x00\x08\x00\x01\x11\x5c\xcb\x00\x71\x06", .n = 12}};
    struct ice_server s[2] = {fake_open(&f[0]), fake_open(&f[1])},
                      unknown[2] = {{.kind = s[0].kind}};
    struct run r = {f, 2};
    static char name[] = "stun.example.org";
    unknown[0].host = unknown[1].host = s[0].host = s[1].host = name;
    open_alice(unknown, 2, true);
    drive(one, 1, is_gathered, &r, 6000);
    assert_true(count(CANDIDATE_HOST) > 0 && alice.gathered == 0 && f[0].n_requests == 0);
    struct ice_server some[2] = {s[0], unknown[1]};
    ops->servers(alice.ice, some, 2, false, drive_now());
    drive(one, 1, is_gathered, &r, 100);
    assert_true(count(CANDIDATE_SRFLX) == 1 && alice.gathered == 0);
    some[1].addr = (struct address){6, {[15] = 1}, 9};
    some[1].second = s[1].addr;
    ops->servers(alice.ice, some, 2, true, drive_now());
    ops->servers(alice.ice, some, 2, true, drive_now()); /* does nothing again */
    assert_true(drive(one, 1, is_gathered, &r, 10000));
    assert_int_equal(count(CANDIDATE_SRFLX), 2);
    assert_int_equal(alice.n_errors, 0);
    assert_true(f[0].n_requests == 1 && f[1].n_requests == 1);
    close(f[0].fd), close(f[1].fd);
}

static void servers_that_stay_unknown_end_with_gathering(void **state)
{
    (void)state;
    struct ice_server unknown = {.kind = ICE_SERVER_STUN};
    struct run r = {NULL, 0};
    open_alice(&unknown, 1, true);
    drive(one, 1, is_gathered, &r, 100);
    assert_int_equal(alice.gathered, 0);
    ops->servers(alice.ice, NULL, 0, true, drive_now());
    assert_true(drive(one, 1, is_gathered, &r, 10));
    assert_int_equal(alice.n_errors, 0); /* who did not find the name tells it */
    end_free(&alice);
    sotto_us start = drive_now();
    open_alice(&unknown, 1, true); /* and if nobody ever says so */
    assert_true(drive(one, 1, is_gathered, &r, 20000));
    assert_in_range(drive_now() - start, SOTTO_MAX_GATHER_US, SOTTO_MAX_GATHER_US + SOTTO_MS(10));
}

static void no_more_is_asked_than_there_are_places(void **state)
{
    (void)state;
    struct fake f = {.attributes = NULL};
    struct ice_server s = fake_open(&f);
    open_alice(&s, 1, false);
    for (size_t i = alice.ice->n_queries; i < SOTTO_MAX_STUN_QUERIES; i++)
        sotto__nice_stun_ask(alice.ice, 0, drive_now());
    assert_int_equal(alice.ice->n_queries, SOTTO_MAX_STUN_QUERIES);
    assert_int_equal(alice.ice->servers[0].code, 0);
    sotto__nice_stun_ask(alice.ice, 0, drive_now());
    assert_int_equal(alice.ice->n_queries, SOTTO_MAX_STUN_QUERIES);
    assert_int_equal(alice.ice->servers[0].code, 701);
    close(f.fd);
}

static void under_relay_only_nobody_is_asked(void **state)
{
    (void)state;
    struct fake f = {.attributes = GOOD, .n = sizeof GOOD - 1};
    struct ice_server s = fake_open(&f);
    struct run r = {&f, 1};
    end_init(&alice, "alice", true);
    alice.cfg.servers = &s, alice.cfg.n_servers = 1, alice.cfg.relay_only = true;
    assert_int_equal(end_open(&alice), 0);
    assert_int_equal(ops->gather(alice.ice, drive_now()), 0);
    assert_true(drive(one, 1, is_gathered, &r, 100));
    assert_true(f.n_requests == 0 && alice.n_candidates == 0 && alice.n_errors == 0);
    close(f.fd);
}

static void every_failing_allocation_costs_a_candidate_at_most(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct fake f = {.attributes = GOOD, .n = sizeof GOOD - 1};
        struct ice_server s = fake_open(&f);
        struct run r = {&f, 1};
        int64_t live = sotto__mem_live();
        end_init(&alice, "alice", true);
        alice.cfg.servers = &s, alice.cfg.n_servers = 1;
        assert_int_equal(end_open(&alice), 0);
        sotto__mem_fail_at(n);
        int e = ops->gather(alice.ice, drive_now());
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        if (e == 0) assert_true(drive(one, 1, is_gathered, &r, 20000));
        if (e == 0) assert_int_equal(count(CANDIDATE_SRFLX) + alice.n_errors, 1);
        end_free(&alice);
        assert_int_equal(sotto__mem_live(), live);
        close(f.fd);
        if (!failed) break;
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, free_alice)
    const struct CMUnitTest tests[] = {
        TEST(what_a_server_sees_is_offered),
        TEST(answers_of_others_are_not_taken),
        TEST(a_silent_server_is_asked_five_times),
        TEST(what_is_lost_is_asked_again),
        TEST(every_server_is_asked_and_what_all_see_is_offered_once),
        TEST(an_error_is_told_and_another_server_is_tried),
        TEST(servers_with_names_come_when_they_are_known),
        TEST(servers_that_stay_unknown_end_with_gathering),
        TEST(no_more_is_asked_than_there_are_places),
        TEST(under_relay_only_nobody_is_asked),
        TEST(every_failing_allocation_costs_a_candidate_at_most),
    };
    return cmocka_run_group_tests_name("ice_nice_stun", tests, NULL, NULL);
}
