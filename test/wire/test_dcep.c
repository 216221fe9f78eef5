/* SPDX-License-Identifier: BSD-2-Clause */
/* OPEN and ACK of RFC 8832: every type, every length, bad UTF-8 (H122), and writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "sotto/data.h"
#include "util/mem.h"
#include "wire/dcep.h"

/* 300 retransmits, unordered, priority 512, label "chat", protocol "v1". */
static const uint8_t open_chat[] = {3, 0x81, 2, 0,   0,   0,   1,   44,  0,
                                    4, 0,    2, 'c', 'h', 'a', 't', 'v', '1'};

static void dcep_reads_every_field_of_an_open(void **state)
{
    (void)state;
    struct dcep d;
    assert_int_equal(sotto__dcep_parse(open_chat, sizeof open_chat, &d), 0);
    assert_int_equal(d.type, DCEP_OPEN);
    assert_true(d.unordered);
    assert_int_equal(d.reliability, SOTTO_DC_MAX_RETRANSMITS);
    assert_int_equal(d.limit, 300);
    assert_int_equal(d.priority, 512);
    assert_true(sotto__str_eq(d.label, STR("chat")));
    assert_true(sotto__str_eq(d.protocol, STR("v1")));
}

static void dcep_reads_an_ack_of_one_byte_and_older_ones_of_four(void **state)
{
    (void)state;
    static const uint8_t ack[] = {2, 0, 0, 0};
    struct dcep d;
    assert_int_equal(sotto__dcep_parse(ack, 1, &d), 0);
    assert_int_equal(d.type, DCEP_ACK);
    assert_int_equal(d.label.n, 0);
    assert_int_equal(sotto__dcep_parse(ack, 4, &d), 0);
}

static void dcep_refuses_every_other_message_type(void **state)
{
    (void)state;
    uint8_t message[sizeof open_chat];
    for (int type = 0; type < 256; type++) {
        struct dcep d;
        memcpy(message, open_chat, sizeof message);
        message[0] = (uint8_t)type;
        assert_int_equal(sotto__dcep_parse(message, sizeof message, &d),
                         type == DCEP_OPEN || type == DCEP_ACK ? 0 : SOTTO_E_PROTO);
    }
}

static void dcep_knows_six_channel_types(void **state)
{
    (void)state;
    uint8_t message[sizeof open_chat];
    for (int type = 0; type < 256; type++) {
        struct dcep d;
        memcpy(message, open_chat, sizeof message);
        message[1] = (uint8_t)type;
        bool known = (type & 0x7f) <= 2;
        assert_int_equal(sotto__dcep_parse(message, sizeof message, &d), known ? 0 : SOTTO_E_PROTO);
        if (!known) continue;
        assert_int_equal(d.unordered, type >= 0x80);
        assert_int_equal(d.reliability, type & 0x7f);
        assert_int_equal(d.limit, (type & 0x7f) == 0 ? 0 : 300); /* ignored for reliable channels */
    }
}

/* proves: H122 */
static void dcep_refuses_lengths_that_do_not_add_up(void **state)
{
    (void)state;
    uint8_t message[sizeof open_chat + 1] = {0};
    struct dcep d;
    for (size_t n = 0; n < sizeof open_chat; n++) {
        uint8_t *exact = sotto__memdup(open_chat, n); /* so that ASan sees a byte read too far */
        assert_non_null(exact);
        assert_int_equal(sotto__dcep_parse(exact, n, &d), SOTTO_E_PROTO);
        sotto__free(exact);
    }
    memcpy(message, open_chat, sizeof open_chat);
    assert_int_equal(sotto__dcep_parse(message, sizeof message, &d), SOTTO_E_PROTO);
    static const uint16_t lengths[][2] = {{65535, 65535}, {65535, 0}, {0, 65535}, {5, 2},
                                          {4, 3},         {3, 2},     {65534, 8}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(message, open_chat, sizeof open_chat);
        message[8] = (uint8_t)(lengths[i][0] >> 8), message[9] = (uint8_t)lengths[i][0];
        message[10] = (uint8_t)(lengths[i][1] >> 8), message[11] = (uint8_t)lengths[i][1];
        assert_int_equal(sotto__dcep_parse(message, sizeof open_chat, &d), SOTTO_E_PROTO);
    }
}

static void dcep_refuses_what_is_not_utf8(void **state)
{
    (void)state;
    static const struct {
        struct str label, protocol;
        int want;
    } cases[] = {
        {{"", 0}, {"", 0}, 0},
        {{"gr\xc3\xbc\xc3\x9f", 6}, {"\xf0\x9f\x8e\xbb", 4}, 0},
        {{"a\0b", 3}, {"", 0}, 0}, /* UTF-8; whoever wants C strings refuses it */
        {{"\xff", 1}, {"", 0}, SOTTO_E_PROTO},
        {{"", 0}, {"\xff", 1}, SOTTO_E_PROTO},
        {{"\xc3", 1}, {"\xbc", 1}, SOTTO_E_PROTO},         /* one character over the border */
        {{"\xed\xa0\x80", 3}, {"", 0}, SOTTO_E_PROTO},     /* a surrogate */
        {{"\xc0\x80", 2}, {"", 0}, SOTTO_E_PROTO},         /* overlong */
        {{"\xf4\x90\x80\x80", 4}, {"", 0}, SOTTO_E_PROTO}, /* above U+10FFFF */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t message[64];
        struct dcep d = {.type = DCEP_OPEN, .label = cases[i].label, .protocol = cases[i].protocol};
        int n = sotto__dcep_write(&d, message, sizeof message);
        assert_true(n >= 12);
        assert_int_equal(sotto__dcep_parse(message, (size_t)n, &d), cases[i].want);
    }
}

static void dcep_writes_the_bytes_it_reads(void **state)
{
    (void)state;
    uint8_t out[sizeof open_chat];
    struct dcep d;
    assert_int_equal(sotto__dcep_parse(open_chat, sizeof open_chat, &d), 0);
    assert_int_equal(sotto__dcep_write(&d, out, sizeof out), (int)sizeof out);
    assert_memory_equal(out, open_chat, sizeof out);
    for (size_t cap = 0; cap < sizeof out; cap++)
        assert_int_equal(sotto__dcep_write(&d, out, cap), SOTTO_E_LIMIT);
    d = (struct dcep){.type = DCEP_ACK};
    assert_int_equal(sotto__dcep_write(&d, out, 1), 1);
    assert_int_equal(out[0], 2);
    assert_int_equal(sotto__dcep_write(&d, out, 0), SOTTO_E_LIMIT);
}

static void dcep_writes_no_limit_for_a_reliable_channel(void **state)
{
    (void)state;
    uint8_t out[12];
    const uint8_t want[12] = {3, 0, 1, 0};
    struct dcep d = {.type = DCEP_OPEN, .limit = 77, .priority = 256};
    assert_int_equal(sotto__dcep_write(&d, out, sizeof out), 12);
    assert_memory_equal(out, want, 12);
}

static void dcep_carries_a_label_of_65535_bytes_and_not_more(void **state)
{
    (void)state;
    const size_t cap = 12 + 2 * 65536;
    char *text = sotto__malloc(65536);
    uint8_t *out = sotto__malloc(cap);
    assert_non_null(text);
    assert_non_null(out);
    memset(text, 'x', 65536);
    struct dcep again, d = {.type = DCEP_OPEN, .label = {text, 65535}, .protocol = {text, 65535}};
    assert_int_equal(sotto__dcep_write(&d, out, cap), 12 + 2 * 65535);
    assert_int_equal(sotto__dcep_parse(out, 12 + 2 * 65535, &again), 0);
    assert_int_equal(again.label.n, 65535);
    assert_int_equal(again.protocol.n, 65535);
    d.label.n = 65536;
    assert_int_equal(sotto__dcep_write(&d, out, cap), SOTTO_E_LIMIT);
    d.label.n = 0, d.protocol.n = 65536;
    assert_int_equal(sotto__dcep_write(&d, out, cap), SOTTO_E_LIMIT);
    sotto__free(text);
    sotto__free(out);
}

static void dcep_leaves_its_output_alone_on_failure(void **state)
{
    (void)state;
    struct dcep d = {.type = 77};
    assert_int_equal(sotto__dcep_parse(open_chat, sizeof open_chat - 1, &d), SOTTO_E_PROTO);
    assert_int_equal(d.type, 77);
    assert_int_equal(sotto__dcep_parse(NULL, 0, &d), SOTTO_E_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dcep_reads_every_field_of_an_open),
        cmocka_unit_test(dcep_reads_an_ack_of_one_byte_and_older_ones_of_four),
        cmocka_unit_test(dcep_refuses_every_other_message_type),
        cmocka_unit_test(dcep_knows_six_channel_types),
        cmocka_unit_test(dcep_refuses_lengths_that_do_not_add_up),
        cmocka_unit_test(dcep_refuses_what_is_not_utf8),
        cmocka_unit_test(dcep_writes_the_bytes_it_reads),
        cmocka_unit_test(dcep_writes_no_limit_for_a_reliable_channel),
        cmocka_unit_test(dcep_carries_a_label_of_65535_bytes_and_not_more),
        cmocka_unit_test(dcep_leaves_its_output_alone_on_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
