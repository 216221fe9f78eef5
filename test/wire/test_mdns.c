/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of multicast DNS: what is read, what is refused, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/rand.h"
#include "wire/mdns.h"

#define NAME "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"
#define WIRE_NAME                                                                                  \
    "\x24"                                                                                         \
    "1f4712db-ea17-4bcf-a596-105139dfd8bf"                                                         \
    "\x05"                                                                                         \
    "local"                                                                                        \
    "\0"

struct bytes {
    uint8_t p[2048];
    size_t n;
};

static void add(struct bytes *b, const void *p, size_t n)
{
    memcpy(b->p + b->n, p, n);
    b->n += n;
}
#define ADD(b, literal) add(b, literal, sizeof(literal) - 1)

/* In a block of exactly its size, so that reading behind it is seen. */
static int open_copy(struct mdns_reader *m, const struct bytes *b, uint8_t **block)
{
    *block = malloc(b->n ? b->n : 1);
    memcpy(*block, b->p, b->n);
    return sotto__mdns_open(m, *block, b->n);
}

static int read_record(const struct bytes *b, struct mdns_record *r)
{
    struct mdns_reader m;
    uint8_t *block;
    assert_int_equal(open_copy(&m, b, &block), 0);
    int got = sotto__mdns_next_record(&m, r);
    free(block);
    return got;
}

static void a_question_is_written_as_rfc_6762_has_it(void **state)
{
    static const char expected[] = "\0\0\0\0\0\x01\0\0\0\0\0\0" WIRE_NAME "\0\x01\x80\x01";
    uint8_t out[MDNS_MESSAGE];
    struct writer w = sotto__writer(out, sizeof out);
    struct mdns_question q = {.name = NAME, .type = MDNS_A, .unicast = true};
    (void)state;
    sotto__mdns_begin(&w, 0, false);
    sotto__mdns_add_question(&w, &q);
    assert_false(w.bad);
    assert_int_equal(w.n, sizeof expected - 1);
    assert_memory_equal(out, expected, w.n);
}

static void answers_are_written_and_read_back(void **state)
{
    static const struct mdns_record records[] = {
        {.name = NAME, .type = MDNS_A, .flush = true, .ttl = 120, .addr = {4, {192, 0, 2, 1}, 0}},
        {.name = NAME,
         .type = MDNS_AAAA,
         .ttl = 10,
         .addr = {6, {0x20, 1, 0xd, 0xb8, [15] = 9}, 0}},
        {.name = NAME, .type = MDNS_NSEC, .flush = true, .ttl = 120, .has_a = true},
        {.name = "a.local", .type = MDNS_NSEC, .ttl = 1, .has_aaaa = true},
        {.name = "b.local", .type = MDNS_NSEC, .ttl = 1, .has_a = true, .has_aaaa = true},
        {.name = "c.local", .type = MDNS_NSEC, .ttl = 1},
    };
    uint8_t out[1024];
    struct writer w = sotto__writer(out, sizeof out);
    struct mdns_reader m;
    struct mdns_record r;
    const size_t n = sizeof records / sizeof *records;
    (void)state;
    sotto__mdns_begin(&w, 7, true);
    for (size_t i = 0; i < n; i++) sotto__mdns_add_record(&w, &records[i]);
    assert_false(w.bad);
    assert_int_equal(sotto__get_u16(out + 2), 0x8400);
    assert_int_equal(sotto__get_u16(out + 6), n);
    assert_int_equal(sotto__mdns_open(&m, out, w.n), 0);
    assert_true(m.is_response && m.id == 7);
    for (size_t i = 0; i < n; i++) {
        const struct mdns_record *x = &records[i];
        assert_int_equal(sotto__mdns_next_record(&m, &r), 1);
        assert_string_equal(r.name, x->name);
        assert_true(r.type == x->type && r.flush == x->flush && r.ttl == x->ttl && r.is_internet);
        assert_true(sotto__address_eq(&r.addr, &x->addr));
        assert_true(r.has_a == x->has_a && r.has_aaaa == x->has_aaaa && !r.is_authority);
    }
    assert_int_equal(sotto__mdns_next_record(&m, &r), 0);
}

static void sections_keep_their_order_and_questions_are_skipped(void **state)
{
    struct bytes b = {.n = 0};
    struct mdns_reader m;
    struct mdns_record r;
    (void)state;
    ADD(&b, "\0\0\x84\0\0\x01\0\x01\0\x01\0\x01");
    ADD(&b, "\1q\5local\0\0\x01\0\x01");
    ADD(&b, "\1a\xc0\x0e\0\x01\0\x01\0\0\0\x78\0\4\1\2\3\4");
    ADD(&b, "\1b\xc0\x0e\0\x10\x80\x01\0\0\0\x78\0\1x");
    ADD(&b, "\1C\xc0\x0e\0\x01\0\x03\0\0\0\x78\0\4\1\2\3\4");
    assert_int_equal(sotto__mdns_open(&m, b.p, b.n), 0);
    assert_int_equal(sotto__mdns_next_record(&m, &r), 1);
    assert_string_equal(r.name, "a.local");
    assert_true(r.addr.family == 4 && !r.is_authority && r.is_internet);
    assert_int_equal(sotto__mdns_next_record(&m, &r), 1);
    assert_string_equal(r.name, "b.local");
    assert_true(r.is_authority && r.flush && r.addr.family == 0);
    assert_int_equal(sotto__mdns_next_record(&m, &r), 1);
    assert_string_equal(r.name, "c.local"); /* in lower case */
    assert_false(r.is_internet || r.is_authority);
    assert_int_equal(sotto__mdns_next_record(&m, &r), 0);
}

static void names_are_read_through_pointers_and_refused_when_they_loop(void **state)
{
    static const struct {
        const char *why, *name;
        size_t n;
        int result;
        const char *expected;
    } rows[] = {
        {"plain", "\1a\5local\0", 9, 1, "a.local"},
        {"other bytes", "\3a b\5local\0", 11, 1, ""},
        {"a NUL within", "\3a\0b\5local\0", 11, 1, ""},
        {"a dot within", "\3a.b\5local\0", 11, 1, ""},
        {"the root", "\0", 1, 1, ""},
        {"to itself", "\xc0\x0c", 2, SOTTO_E_PROTO, NULL},
        {"behind itself", "\xc0\x0d\0", 3, SOTTO_E_PROTO, NULL},
        {"to its own first label", "\1a\xc0\x0c", 4, SOTTO_E_PROTO, NULL},
        {"beyond the end", "\xc3\xff", 2, SOTTO_E_PROTO, NULL},
        {"into the header, which holds zeros", "\1a\xc0\x04", 4, 1, "a"},
        {"half a pointer", "\xc0", 1, SOTTO_E_PROTO, NULL},
        {"a label of 64", "\x40", 1, SOTTO_E_PROTO, NULL},
        {"an extended label", "\x80", 1, SOTTO_E_PROTO, NULL},
        {"cut in a label", "\5loc", 4, SOTTO_E_PROTO, NULL},
        {"without an end", "\5local", 6, SOTTO_E_PROTO, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes b = {.n = 0};
        struct mdns_question q;
        struct mdns_reader m;
        uint8_t *block;
        ADD(&b, "\0\0\0\0\0\x01\0\0\0\0\0\0");
        add(&b, rows[i].name, rows[i].n);
        if (rows[i].result == 1) ADD(&b, "\0\x1c\0\xff");
        assert_int_equal(open_copy(&m, &b, &block), 0);
        int r = sotto__mdns_next_question(&m, &q);
        free(block);
        if (r != rows[i].result) fail_msg("%s: %d", rows[i].why, r);
        if (r == 1) {
            assert_string_equal(q.name, rows[i].expected);
            assert_true(q.type == MDNS_AAAA && q.is_internet && !q.unicast);
        }
    }
}

static void a_name_of_255_bytes_is_read_and_one_more_is_refused(void **state)
{
    (void)state;
    for (size_t last = 61; last <= 62; last++) { /* 3 × 64 + 1 + last + 1 */
        struct bytes b = {.n = 0};
        struct mdns_question q;
        struct mdns_reader m;
        ADD(&b, "\0\0\0\0\0\x01\0\0\0\0\0\0");
        for (size_t i = 0; i < 4; i++) {
            uint8_t label[64];
            size_t n = i < 3 ? 63 : last;
            memset(label, 'x', sizeof label);
            label[0] = (uint8_t)n;
            add(&b, label, n + 1);
        }
        ADD(&b, "\0\0\x01\0\x01");
        assert_int_equal(sotto__mdns_open(&m, b.p, b.n), 0);
        assert_int_equal(sotto__mdns_next_question(&m, &q), last == 61 ? 1 : SOTTO_E_PROTO);
        if (last == 61) {
            uint8_t out[300];
            struct writer w = sotto__writer(out, sizeof out);
            assert_int_equal(strlen(q.name), 253);
            sotto__mdns_add_question(&w, &q);
            assert_false(w.bad);
        }
    }
}

static void a_long_row_of_pointers_comes_to_an_end(void **state)
{
    struct bytes b = {.n = 0};
    struct mdns_question q;
    struct mdns_reader m;
    (void)state;
    ADD(&b, "\0\0\0\0\0\x01\0\0\0\0\0\0");
    ADD(&b, "\0\0\x01\0\x01"); /* the question; then each pointer names the one before */
    b.p[5] = 2;
    size_t to = 12;
    for (int i = 0; i < 400; i++) {
        uint8_t pointer[2] = {(uint8_t)(0xc0 | to >> 8), (uint8_t)to};
        to = b.n;
        add(&b, pointer, 2);
    }
    ADD(&b, "\0\x01\0\x01");
    assert_int_equal(sotto__mdns_open(&m, b.p, b.n), 0);
    assert_int_equal(sotto__mdns_next_question(&m, &q), 1);
    m.at = to;
    assert_int_equal(sotto__mdns_next_question(&m, &q), 1);
    assert_string_equal(q.name, "");
}

static void records_with_wrong_lengths_are_refused(void **state)
{
    static const struct {
        const char *why, *rest;
        size_t n;
    } rows[] = {
        {"A of 3", "\0\x01\0\x01\0\0\0\1\0\3abc", 13},
        {"A of 5", "\0\x01\0\x01\0\0\0\1\0\5abcde", 15},
        {"AAAA of 4", "\0\x1c\0\x01\0\0\0\1\0\4abcd", 14},
        {"longer than the message", "\0\x01\0\x01\0\0\0\1\0\4abc", 13},
        {"a header that is cut", "\0\x01\0\x01\0\0\0\1\0", 9},
        {"NSEC without a name", "\0\x2f\0\x01\0\0\0\1\0\0", 10},
        {"NSEC whose name goes on", "\0\x2f\0\x01\0\0\0\1\0\2\5a", 12},
        {"NSEC without types", "\0\x2f\0\x01\0\0\0\1\0\2\0\0", 12},
        {"NSEC with a bitmap of 0", "\0\x2f\0\x01\0\0\0\1\0\3\0\0\0", 13},
        {"NSEC with a bitmap of 33",
         "\0\x2f\0\x01\0\0\0\1\0\x24\0\0\x21"
         "000000000000000000000000000000000",
         46},
        {"NSEC with a bitmap that is cut", "\0\x2f\0\x01\0\0\0\1\0\4\0\0\2\1", 14},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes b = {.n = 0};
        struct mdns_record r;
        ADD(&b, "\0\0\x84\0\0\0\0\x01\0\0\0\0\1a\0");
        add(&b, rows[i].rest, rows[i].n);
        if (read_record(&b, &r) != SOTTO_E_PROTO) fail_msg("%s", rows[i].why);
    }
}

static void an_nsec_of_another_window_says_nothing(void **state)
{
    struct bytes b = {.n = 0};
    struct mdns_record r;
    (void)state;
    ADD(&b, "\0\0\x84\0\0\0\0\x01\0\0\0\0\1a\0\0\x2f\0\x01\0\0\0\1\0\4\0\1\1\x40");
    assert_int_equal(read_record(&b, &r), 1);
    assert_false(r.has_a || r.has_aaaa);
}

static void messages_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int result;
    } rows[] = {
        {"", 0, SOTTO_E_PROTO},
        {"\0\0\0\0\0\0\0\0\0\0\0", 11, SOTTO_E_PROTO},
        {"\0\0\0\0\0\0\0\0\0\0\0\0", 12, 0},
        {"\0\0\x28\0\0\0\0\0\0\0\0\0", 12, SOTTO_E_PROTO}, /* an update */
        {"\0\0\x84\x03\0\0\0\0\0\0\0\0", 12, SOTTO_E_PROTO}, /* NXDOMAIN */
        {"\0\0\x02\0\0\0\0\0\0\0\0\0", 12, 0},              /* truncated: more known answers follow */
        {"\0\0\x86\0\0\0\0\0\0\0\0\0", 12, 0},              /* RFC 6762 §18.5: to be ignored */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mdns_reader m;
        struct mdns_question q;
        struct mdns_record r;
        int got = sotto__mdns_open(&m, (const uint8_t *)rows[i].bytes, rows[i].n);
        assert_int_equal(got, rows[i].result);
        if (got < 0) continue;
        assert_int_equal(sotto__mdns_next_question(&m, &q), 0);
        assert_int_equal(sotto__mdns_next_record(&m, &r), 0);
    }
}

static void counts_that_lie_end_in_an_error(void **state)
{
    struct mdns_reader m;
    struct mdns_question q;
    struct mdns_record r;
    (void)state;
    assert_int_equal(sotto__mdns_open(&m, (const uint8_t *)"\0\0\0\0\xff\xff\xff\xff\0\0\0\0", 12),
                     0);
    assert_int_equal(sotto__mdns_next_question(&m, &q), SOTTO_E_PROTO);
    assert_int_equal(sotto__mdns_next_record(&m, &r), SOTTO_E_PROTO);
}

static void names_that_cannot_be_written_are_refused(void **state)
{
    static const char *const names[] = {
        "",       ".",  "a..b",
        ".local", "a.", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.local"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint8_t out[MDNS_MESSAGE];
        struct writer w = sotto__writer(out, sizeof out);
        struct mdns_question q = {.type = MDNS_A};
        snprintf(q.name, sizeof q.name, "%s", names[i]);
        sotto__mdns_begin(&w, 0, false);
        sotto__mdns_add_question(&w, &q);
        if (!w.bad) fail_msg("\"%s\" was written", names[i]);
    }
}

static void a_writer_without_room_is_bad(void **state)
{
    uint8_t out[MDNS_MESSAGE];
    struct mdns_record r = {.name = NAME, .type = MDNS_NSEC, .has_aaaa = true};
    struct writer all = sotto__writer(out, sizeof out);
    (void)state;
    sotto__mdns_begin(&all, 0, true);
    sotto__mdns_add_record(&all, &r);
    for (size_t cap = 0; cap <= all.n; cap++) {
        uint8_t *block = malloc(cap ? cap : 1);
        struct writer w = sotto__writer(block, cap);
        sotto__mdns_begin(&w, 0, true);
        sotto__mdns_add_record(&w, &r);
        assert_true(w.bad == (cap < all.n));
        free(block);
    }
}

/* proves: ICE-19 */
static void only_one_label_and_local_is_asked_for(void **state)
{
    static const struct {
        const char *name;
        bool is;
    } rows[] = {
        {NAME, true},
        {"a.LOCAL", true},
        {"local", false},
        {".local", false},
        {"a.b.local", false},
        {"a.local.", false},
        {"a.locale", false},
        {"example.com", false},
        {"", false},
        {"a.local.com", false},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.local", true},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.local", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (sotto__mdns_is_local(sotto__str(rows[i].name)) != rows[i].is)
            fail_msg("\"%s\"", rows[i].name);
}

/* proves: ICE-19 S30 */
static void names_that_are_made_are_random_uuids(void **state)
{
    char a[43], b[43];
    (void)state;
    assert_int_equal(sotto__mdns_make_name(a), 0);
    assert_int_equal(sotto__mdns_make_name(b), 0);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 42);
    assert_true(sotto__mdns_is_local(sotto__str(a)));
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        assert_true(dash ? a[i] == '-' : strchr("0123456789abcdef", a[i]) != NULL);
    }
    assert_int_equal(a[14], '4'); /* version and variant: RFC 4122 §4.4 */
    assert_true(strchr("89ab", a[19]) != NULL);
    sotto__rand_fail(1);
    assert_int_equal(sotto__mdns_make_name(a), SOTTO_E_SYS);
    sotto__rand_fail(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_written_as_rfc_6762_has_it),
        cmocka_unit_test(answers_are_written_and_read_back),
        cmocka_unit_test(sections_keep_their_order_and_questions_are_skipped),
        cmocka_unit_test(names_are_read_through_pointers_and_refused_when_they_loop),
        cmocka_unit_test(a_name_of_255_bytes_is_read_and_one_more_is_refused),
        cmocka_unit_test(a_long_row_of_pointers_comes_to_an_end),
        cmocka_unit_test(records_with_wrong_lengths_are_refused),
        cmocka_unit_test(an_nsec_of_another_window_says_nothing),
        cmocka_unit_test(messages_that_are_none_are_refused),
        cmocka_unit_test(counts_that_lie_end_in_an_error),
        cmocka_unit_test(names_that_cannot_be_written_are_refused),
        cmocka_unit_test(a_writer_without_room_is_bad),
        cmocka_unit_test(only_one_label_and_local_is_asked_for),
        cmocka_unit_test(names_that_are_made_are_random_uuids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
