/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of probe packets, and which answers are theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/sctp.h"
#include "transport/sctp_guard.h"
#include "transport/sctp_probe.h"

static const struct sctp_probe probe = {.local_port = 5000,
                                        .remote_port = 5001,
                                        .tag = 0x01020304,
                                        .nonce = 0x1122334455667788,
                                        .size = 1160};

static void a_probe_is_a_heartbeat_and_padding(void **state)
{
    (void)state;
    static const uint8_t head[] = {0x13, 0x88, 0x13, 0x89, 1, 2, 3, 4};
    static const uint8_t chunks[] = {4,    0,    0,    20,   0,    1,    0, 16, 0x11, 0x22,
                                     0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0,  4,    0x88, /* 1160 */
                                     0x84, 0,    0x04, 0x68}; /* PAD of 1128 */
    uint8_t p[1160 + 1];
    memset(p, 0xee, sizeof p);
    sotto__sctp_probe_write(p, &probe);
    assert_memory_equal(p, head, sizeof head);
    assert_memory_equal(p + 12, chunks, sizeof chunks);
    for (size_t i = 36; i < 1160; i++) assert_int_equal(p[i], 0);
    assert_int_equal(p[1160], 0xee);
    uint32_t crc =
        (uint32_t)p[8] | (uint32_t)p[9] << 8 | (uint32_t)p[10] << 16 | (uint32_t)p[11] << 24;
    memset(p + 8, 0, 4);
    assert_int_equal(crc, sotto__crc32c(0, p, 1160));
}

static void our_own_guard_takes_probes_of_every_size(void **state)
{
    (void)state;
    static uint8_t p[16384];
    for (size_t size = SCTP_PROBE_MIN; size <= sizeof p; size += 4) {
        struct sctp_guard g = {.local_port = 5001, .remote_port = 5000, .user_streams = 256};
        struct sctp_seen seen;
        struct sctp_probe one = probe;
        const char *why;
        one.size = size;
        sotto__sctp_probe_write(p, &one);
        assert_true(sotto__sctp_guard_check(&g, p, size, &seen, &why));
        assert_int_equal(seen.answer, 0);
        p[12] = 5; /* as its answer */
        assert_true(sotto__sctp_guard_check(&g, p, size, &seen, &why));
        assert_int_equal(seen.answer, 16);
        assert_int_equal(seen.answer_len, 16);
    }
}

static void answers_are_told_from_others_by_the_nonce(void **state)
{
    (void)state;
    static const struct {
        size_t n, at;
        uint8_t value;
        bool is_ours;
    } cases[] = {{16, 15, 0x88, true},  {16, 4, 0x10, false},  {16, 11, 0x89, false},
                 {16, 1, 2, false},     {16, 0, 1, false},     {16, 3, 15, false},
                 {15, 15, 0x88, false}, {17, 15, 0x88, false}, {0, 15, 0x88, false},
                 {3, 15, 0x88, false},  {16, 13, 7, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t body[17] = {0,    1,    0,    16, 0x11, 0x22, 0x33, 0x44, 0x55,
                            0x66, 0x77, 0x88, 0,  0,    4,    0x88, 0};
        size_t size = 0;
        body[cases[i].at] = cases[i].value;
        bool ours = sotto__sctp_probe_answered(body, cases[i].n, probe.nonce, &size);
        assert_int_equal(ours, cases[i].is_ours);
        assert_int_equal(size, !ours ? 0 : cases[i].at == 13 ? 0x070488 : 1160);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_is_a_heartbeat_and_padding),
        cmocka_unit_test(our_own_guard_takes_probes_of_every_size),
        cmocka_unit_test(answers_are_told_from_others_by_the_nonce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
