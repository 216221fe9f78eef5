/* SPDX-License-Identifier: BSD-2-Clause */
/* The record filter and the reading of hellos, each rule for itself, with its limits and one past them. */
#include "transport/dtls_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/dtls_hello.h"
#include "util/limits.h"
#include "util/mem.h"

#define NOW SOTTO_SECONDS(1)

static uint8_t rec[20000];

static struct dtls_record record(uint8_t type, uint16_t epoch, size_t n)
{
    memset(rec, 0, sizeof rec);
    rec[0] = type, rec[1] = 0xfe, rec[2] = 0xfd, rec[4] = (uint8_t)epoch;
    rec[11] = (uint8_t)(n >> 8), rec[12] = (uint8_t)n;
    return (struct dtls_record){type, epoch, rec, 13 + n};
}

/* A record with one fragment; its bytes are `fill`. */
static struct dtls_record fragment(uint8_t type, uint32_t len, uint16_t seq, uint32_t off, size_t n,
                                   uint8_t fill)
{
    struct dtls_record r = record(DTLS_HANDSHAKE, 0, 12 + n);
    struct writer w = sotto__writer(rec + 13, sizeof rec - 13);
    sotto__write_u8(&w, type);
    sotto__write_be(&w, len, 3);
    sotto__write_u16(&w, seq);
    sotto__write_be(&w, off, 3);
    sotto__write_be(&w, (uint32_t)n, 3);
    memset(rec + 25, fill, n);
    return r;
}

static const uint8_t client_hello[] = {0xfe,
                                       0xfd,
                                       1,
                                       2,
                                       3,
                                       4,
                                       5,
                                       6,
                                       7,
                                       8,
                                       9,
                                       10,
                                       11,
                                       12,
                                       13,
                                       14,
                                       15,
                                       16,
                                       17,
                                       18,
                                       19,
                                       20,
                                       21,
                                       22,
                                       23,
                                       24,
                                       25,
                                       26,
                                       27,
                                       28,
                                       29,
                                       30,
                                       31,
                                       32,
                                       /* session, cookie */ 0,
                                       0,
                                       /* suites */ 0,
                                       4,
                                       0xc0,
                                       0x2b,
                                       0,
                                       0xff,
                                       /* compression */ 1,
                                       0,
                                       /* extensions */ 0,
                                       9,
                                       0xff,
                                       1,
                                       0,
                                       1,
                                       0,
                                       0,
                                       23,
                                       0,
                                       0};
static const uint8_t server_hello[] = {0xfe, 0xfd, 1,  2,  3,  4,  5,  6,  7,  8,    9,    10, 11,
                                       12,   13,   14, 15, 16, 17, 18, 19, 20, 21,   22,   23, 24,
                                       25,   26,   27, 28, 29, 30, 31, 32, 0,  0xc0, 0x2b, 0,  0,
                                       9,    0xff, 1,  0,  1,  0,  0,  23, 0,  0};

static struct dtls_record hello(bool from_server, uint8_t random)
{
    const uint8_t *p = from_server ? server_hello : client_hello;
    size_t n = from_server ? sizeof server_hello : sizeof client_hello;
    struct dtls_record r = fragment(from_server ? 2 : 1, (uint32_t)n, 0, 0, n, 0);
    memcpy(rec + 25, p, n);
    rec[25 + 2] = random;
    return r;
}

static bool next_type(struct dtls_guard *g, uint8_t *type)
{
    const uint8_t *p;
    size_t n;
    if (!sotto__dtls_guard_next(g, NOW, &p, &n)) return false;
    *type = p[0] == DTLS_CCS ? 200 : p[13];
    return true;
}

static bool passes(struct dtls_guard *g, struct dtls_record r)
{
    uint8_t type;
    return sotto__dtls_guard_check(g, NOW, &r) == GUARD_OPEN && next_type(g, &type);
}

/* proves: H079 H082 */
static void records_are_judged_by_type_epoch_and_size(void **state) /* H075, H076, H079 */
{
    (void)state;
    static const struct {
        uint8_t type;
        uint16_t epoch;
        size_t n;
        enum guard_verdict before, after; /* the end of the handshake */
    } cases[] = {
        {DTLS_ALERT, 0, 2, GUARD_DROP, GUARD_DROP},
        {DTLS_APPDATA, 0, 100, GUARD_DROP, GUARD_DROP},
        {DTLS_CCS, 0, 1, GUARD_DROP, GUARD_DROP},
        {DTLS_CCS, 1, 40, GUARD_DROP, GUARD_DROP},
        {DTLS_HANDSHAKE, 1, 23, GUARD_DROP, GUARD_DROP},
        {DTLS_HANDSHAKE, 1, 24, GUARD_FEED, GUARD_FEED},
        {DTLS_HANDSHAKE, 1, 256, GUARD_FEED, GUARD_FEED},
        {DTLS_HANDSHAKE, 1, 257, GUARD_DROP, GUARD_FEED},
        {DTLS_ALERT, 1, 26, GUARD_FEED, GUARD_FEED},
        {DTLS_APPDATA, 1, 1000, GUARD_HOLD, GUARD_FEED},
        {DTLS_APPDATA, 1, 23, GUARD_DROP, GUARD_DROP},
        {DTLS_HANDSHAKE, 2, 48, GUARD_DROP, GUARD_DROP},
        {DTLS_APPDATA, 2, 100, GUARD_DROP, GUARD_DROP},
        {DTLS_APPDATA, 1, 16640, GUARD_HOLD, GUARD_FEED},
        {DTLS_APPDATA, 1, 16641, GUARD_DROP, GUARD_DROP},
        {19, 1, 100, GUARD_DROP, GUARD_DROP},
        {24, 1, 100, GUARD_DROP, GUARD_DROP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dtls_guard g;
        assert_int_equal(sotto__dtls_guard_init(&g, true), 0);
        struct dtls_record r = record(cases[i].type, cases[i].epoch, cases[i].n); /* the CCS holds a 0 */
        assert_int_equal(sotto__dtls_guard_check(&g, NOW, &r), cases[i].before);
        rec[2] = 0xfc;
        assert_int_equal(sotto__dtls_guard_check(&g, NOW, &r), GUARD_DROP);
        rec[2] = 0xfd;
        sotto__dtls_guard_finish(&g);
        assert_int_equal(sotto__dtls_guard_check(&g, NOW, &r), cases[i].after);
        sotto__dtls_guard_free(&g);
    }
}

static void a_datagram_falls_into_its_records(void **state)
{
    (void)state;
    struct dtls_record r;
    uint8_t dgram[13 + 5 + 13 + 3] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5};
    dgram[18] = 23, dgram[18 + 12] = 3;
    struct reader in = sotto__reader(dgram, sizeof dgram);
    assert_true(sotto__dtls_guard_split(&in, &r));
    assert_true(r.type == 22 && r.epoch == 1 && r.p == dgram && r.n == 18);
    assert_true(sotto__dtls_guard_split(&in, &r));
    assert_true(r.type == 23 && r.epoch == 0 && r.p == dgram + 18 && r.n == 16);
    assert_false(sotto__dtls_guard_split(&in, &r));
    for (size_t n = 0; n < 18; n++) {
        in = sotto__reader(dgram, n);
        assert_false(sotto__dtls_guard_split(&in, &r));
    }
}

/* proves: H074 */
static void fragments_outside_of_their_message_are_dropped(void **state) /* H074 */
{
    (void)state;
    static const struct {
        uint32_t len, off;
        size_t n;
    } cases[] = {{0xffffff, 0, 100},
                 {100, 0, 101},
                 {100, 50, 51},
                 {100, 101, 0},
                 {100, 100, 1},
                 {100, 0, 0},
                 {100, 50, 0},
                 {SOTTO_MAX_DTLS_HELLO + 1, 0, 100},
                 {SOTTO_MAX_HANDSHAKE_MESSAGE + 1, 0, 100}};
    struct dtls_guard g;
    int64_t live = sotto__mem_live();
    assert_int_equal(sotto__dtls_guard_init(&g, false), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dtls_record r = fragment(1, cases[i].len, 0, cases[i].off, cases[i].n, 0);
        uint64_t before = g.forged;
        sotto__dtls_guard_check(&g, NOW, &r);
        assert_int_equal(g.forged, before + 1);
        assert_false(g.msg[0].begun);
    }
    struct dtls_record r = fragment(1, SOTTO_MAX_DTLS_HELLO, 0, 0, 100, 0);
    sotto__dtls_guard_check(&g, NOW, &r);
    assert_true(g.msg[0].begun);
    r = fragment(1, 100, 0, 0, 50, 0);
    r.n -= 1; /* the fragment ends behind its record */
    uint64_t before = g.forged;
    sotto__dtls_guard_check(&g, NOW, &r);
    assert_int_equal(g.forged, before + 1);
    sotto__dtls_guard_free(&g);
    assert_int_equal(sotto__mem_live(), live);
}

static void messages_pass_whole_in_order_and_once(void **state)
{
    (void)state;
    struct dtls_guard g;
    uint8_t type;
    assert_int_equal(sotto__dtls_guard_init(&g, true), 0);
    struct dtls_record ccs = record(DTLS_CCS, 0, 1);
    rec[13] = 1;
    assert_false(passes(&g, ccs)); /* early: kept */
    assert_false(passes(&g, fragment(14, 0, 4, 0, 0, 0)));
    assert_false(passes(&g, fragment(12, 100, 2, 0, 100, 1)));
    assert_false(passes(&g, fragment(11, 200, 1, 100, 100, 1)));
    assert_true(passes(&g, hello(true, 1)));
    assert_false(passes(&g, fragment(11, 200, 1, 90, 20, 1)));
    assert_true(passes(&g, fragment(11, 200, 1, 0, 100, 1)));
    assert_true(next_type(&g, &type) && type == 12);
    assert_false(passes(&g, fragment(12, 100, 2, 0, 100, 1))); /* again */
    assert_false(passes(&g, hello(true, 1)));
    assert_true(passes(&g, fragment(13, 50, 3, 0, 50, 1)));
    assert_true(next_type(&g, &type) && type == 14);
    assert_true(next_type(&g, &type) && type == 200);
    assert_false(next_type(&g, &type));
    assert_false(passes(&g, ccs));
    sotto__dtls_guard_free(&g);
}

/* proves: H074 */
static void messages_out_of_place_are_dropped(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        static const uint8_t flights[2][5] = {{1, 11, 16, 15, 99}, {2, 11, 12, 13, 14}};
        struct dtls_guard g;
        assert_int_equal(sotto__dtls_guard_init(&g, client), 0);
        for (int type = 0; type < 256; type++) {
            for (uint16_t seq = 0; seq < 7; seq++) {
                if (client && type == 3) continue;
                struct dtls_record r =
                    fragment((uint8_t)type, type == 14 ? 0 : 40, seq, 0, type == 14 ? 0 : 10, 0);
                uint64_t before = g.forged;
                sotto__dtls_guard_check(&g, NOW, &r);
                bool in_place = seq < 5 && flights[client][seq] == type && type != 99;
                assert_int_equal(g.forged, before + !in_place);
            }
        }
        sotto__dtls_guard_free(&g);
    }
}

/* proves: H074 */
static void contradicting_fragments_cancel_each_other(void **state) /* H070 */
{
    (void)state;
    struct dtls_guard g;
    uint8_t type;
    assert_int_equal(sotto__dtls_guard_init(&g, true), 0);
    assert_true(passes(&g, hello(true, 1)));
    assert_false(passes(&g, fragment(11, 200, 1, 0, 100, 7)));  /* forged */
    assert_false(passes(&g, fragment(11, 200, 1, 0, 120, 1)));  /* the peer's: one of them lies */
    assert_int_equal(g.forged, 1);
    assert_false(passes(&g, fragment(11, 200, 1, 120, 80, 1)));
    assert_true(passes(&g, fragment(11, 200, 1, 0, 120, 1)));   /* repeated */
    assert_false(passes(&g, fragment(12, 100, 2, 0, 50, 1)));
    assert_false(passes(&g, fragment(12, 60, 2, 0, 50, 1)));    /* another length */
    assert_int_equal(g.forged, 2);
    assert_true(passes(&g, fragment(12, 100, 2, 0, 100, 1)));   /* a whole one needs no other */
    assert_false(next_type(&g, &type));
    sotto__dtls_guard_free(&g);
}

static struct dtls_record verify_request(void)
{
    struct dtls_record r = fragment(3, 11, 0, 0, 11, 1);
    rec[25 + 2] = 8;
    return r;
}

static void a_cookie_is_asked_for_twice_before_it_counts(void **state) /* H069 */
{
    (void)state;
    struct dtls_guard g;
    assert_int_equal(sotto__dtls_guard_init(&g, true), 0);
    for (int i = 0; i < 10; i++) assert_false(passes(&g, verify_request())); /* duplicates do not count */
    g.repeats = 1;
    assert_true(passes(&g, verify_request()));
    assert_true(g.hvr_fed);
    assert_false(passes(&g, verify_request()));
    g.repeats = 1;
    assert_false(passes(&g, verify_request()));
    assert_false(passes(&g, hello(true, 1))); /* message 0: that server asked for none */
    assert_true(g.rebuild && g.hvr_banned);
    sotto__dtls_guard_restart(&g);
    for (int i = 0; i < 10; i++) {
        g.repeats = 1;
        assert_false(passes(&g, verify_request()));
    }
    g.repeats = 0;
    assert_true(passes(&g, hello(true, 1)));
    sotto__dtls_guard_free(&g);
    assert_int_equal(sotto__dtls_guard_init(&g, true), 0);
    assert_true(passes(&g, hello(true, 1)));
    g.repeats = 1;
    assert_false(passes(&g, verify_request())); /* after a ServerHello: too late */
    sotto__dtls_guard_free(&g);
}

static void another_hello_counts_when_it_insists_on_a_silent_flight(void **state) /* H071 */
{
    (void)state;
    struct dtls_guard g;
    uint8_t type;
    assert_int_equal(sotto__dtls_guard_init(&g, false), 0);
    assert_true(passes(&g, hello(false, 1)));
    for (int i = 0; i < 10; i++) assert_false(passes(&g, hello(false, 2)));
    assert_false(g.rebuild); /* our flight was not repeated yet: its answer may be on the way */
    g.repeats = 1;
    assert_false(passes(&g, hello(false, 3)));
    assert_false(g.rebuild); /* one datagram is no insistence */
    assert_false(passes(&g, hello(false, 1)));
    assert_false(g.rebuild);
    assert_false(passes(&g, hello(false, 3)));
    assert_true(g.rebuild);
    sotto__dtls_guard_restart(&g);
    assert_true(next_type(&g, &type) && type == 1 && g.random[0] == 3);
    g.repeats = 1;
    struct dtls_record late = hello(false, 4);
    assert_int_equal(sotto__dtls_guard_check(&g, NOW + SOTTO_SECONDS(2) - 1, &late), GUARD_OPEN);
    assert_false(g.rebuild);
    late = hello(false, 5);
    sotto__dtls_guard_check(&g, NOW + SOTTO_SECONDS(2), &late);
    assert_false(g.rebuild); /* it was misled before */
    sotto__dtls_guard_check(&g, NOW + SOTTO_SECONDS(2), &late);
    assert_true(g.rebuild);
    sotto__dtls_guard_free(&g);
}

/* proves: H063 H072 */
static void one_hello_however_often_it_is_repeated_costs_little(void **state)
{
    (void)state;
    struct dtls_guard g;
    uint8_t type;
    unsigned turns = 0;
    assert_int_equal(sotto__dtls_guard_init(&g, false), 0);
    assert_true(passes(&g, hello(false, 1)));
    for (int i = 0; i < 12; i++) { /* a thousand of them, and one of the client's, to each of our flight's repetitions */
        for (int k = 0; k < 1000 && !g.rebuild; k++) assert_false(passes(&g, hello(false, 2)));
        if (!g.rebuild) assert_false(passes(&g, hello(false, 1)));
        g.repeats++;
        if (!g.rebuild) continue;
        sotto__dtls_guard_restart(&g);
        assert_true(next_type(&g, &type) && type == 1);
        turns++;
    }
    assert_true(turns >= 2 && turns <= 4);
    sotto__dtls_guard_free(&g);
}

static void a_hello_that_the_library_refused_is_refused_for_good(void **state)
{
    (void)state;
    struct dtls_guard g;
    assert_int_equal(sotto__dtls_guard_init(&g, false), 0);
    assert_true(passes(&g, hello(false, 1)));
    sotto__dtls_guard_refuse_hello(&g);
    sotto__dtls_guard_restart(&g);
    for (int i = 0; i < 1000; i++) assert_false(passes(&g, hello(false, 1)));
    assert_false(passes(&g, hello(false, 3)));
    assert_true(passes(&g, hello(false, 3)));
    g.repeats = 100;
    for (int i = 0; i < 10; i++) assert_false(passes(&g, hello(false, 1)));
    assert_false(g.rebuild);
    sotto__dtls_guard_free(&g);
}

/* proves: H063 H072 */
static void a_server_that_was_misled_waits_for_a_hello_that_comes_twice(void **state)
{
    (void)state;
    struct dtls_guard g;
    assert_int_equal(sotto__dtls_guard_init(&g, false), 0);
    assert_true(passes(&g, hello(false, 1))); /* a forger's: the library gives up */
    sotto__dtls_guard_restart(&g);
    for (uint8_t i = 2; i < 100; i++) assert_false(passes(&g, hello(false, i)));
    assert_true(passes(&g, hello(false, 50)));
    sotto__dtls_guard_free(&g);
    assert_int_equal(sotto__dtls_guard_init(&g, true), 0); /* a client's own hello is new each time */
    assert_true(passes(&g, hello(true, 1)));
    sotto__dtls_guard_restart(&g);
    assert_true(passes(&g, hello(true, 2)));
    sotto__dtls_guard_free(&g);
}

static void hellos_are_read_to_the_byte(void **state) /* DTLS-01, DTLS-02, DTLS-11 */
{
    (void)state;
    static const struct {
        const char *hint;
        size_t at[2]; /* in client_hello, server_hello; 0: does not apply */
        uint8_t value;
    } cases[] = {{"DTLS 1.2", {1, 1}, 0xff},       {"cannot be read", {34, 34}, 33},
                 {"cannot be read", {37, 0}, 200}, {"suite", {38, 35}, 0x00},
                 {"suite", {39, 36}, 0x09},        {"cannot be read", {37, 0}, 3},
                 {"compression", {43, 37}, 1},     {"extended master", {45, 39}, 10},
                 {"extended master", {45, 39}, 5}, {"extended master", {52, 46}, 35},
                 {"extended master", {54, 48}, 1}, {"extended master", {48, 42}, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int s = 0; s < 2; s++) {
            uint8_t copy[64], random[32];
            const char *why = NULL;
            size_t n = s ? sizeof server_hello : sizeof client_hello;
            memcpy(copy, s ? server_hello : client_hello, n);
            assert_true(sotto__dtls_hello_check(s, copy, n, random, &why));
            assert_null(why);
            assert_memory_equal(random, copy + 2, 32);
            if (cases[i].at[s] == 0) continue;
            copy[cases[i].at[s]] = cases[i].value;
            bool ok = sotto__dtls_hello_check(s, copy, n, random, &why);
            if (ok || !why || !strstr(why, cases[i].hint))
                fail_msg("case %zu of %d: %s", i, s, why ? why : "passed");
        }
    }
}

static void a_session_of_33_bytes_is_refused(void **state)
{
    (void)state;
    for (int s = 0; s < 2; s++) {
        for (uint8_t session = 32; session < 34; session++) {
            uint8_t copy[128] = {0}, random[32];
            const char *why = NULL;
            const uint8_t *from = s ? server_hello : client_hello;
            size_t n = s ? sizeof server_hello : sizeof client_hello;
            memcpy(copy, from, 34);
            copy[34] = session;
            memcpy(copy + 35 + session, from + 35, n - 35);
            assert_int_equal(sotto__dtls_hello_check(s, copy, n + session, random, &why),
                             session == 32);
        }
    }
}

static void a_cut_hello_is_refused_at_every_byte(void **state)
{
    (void)state;
    for (int s = 0; s < 2; s++) {
        size_t all = s ? sizeof server_hello : sizeof client_hello;
        for (size_t n = 0; n < all; n++) {
            uint8_t *exact = malloc(n + 1), random[32]; /* so that a sanitizer sees a read past the end */
            const char *why = NULL;
            memcpy(exact + 1, s ? server_hello : client_hello, n);
            assert_false(sotto__dtls_hello_check(s, exact + 1, n, random, &why));
            assert_non_null(why);
            free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_judged_by_type_epoch_and_size),
        cmocka_unit_test(a_datagram_falls_into_its_records),
        cmocka_unit_test(fragments_outside_of_their_message_are_dropped),
        cmocka_unit_test(messages_pass_whole_in_order_and_once),
        cmocka_unit_test(messages_out_of_place_are_dropped),
        cmocka_unit_test(contradicting_fragments_cancel_each_other),
        cmocka_unit_test(a_cookie_is_asked_for_twice_before_it_counts),
        cmocka_unit_test(another_hello_counts_when_it_insists_on_a_silent_flight),
        cmocka_unit_test(one_hello_however_often_it_is_repeated_costs_little),
        cmocka_unit_test(a_hello_that_the_library_refused_is_refused_for_good),
        cmocka_unit_test(a_server_that_was_misled_waits_for_a_hello_that_comes_twice),
        cmocka_unit_test(hellos_are_read_to_the_byte),
        cmocka_unit_test(a_session_of_33_bytes_is_refused),
        cmocka_unit_test(a_cut_hello_is_refused_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
