/* SPDX-License-Identifier: BSD-2-Clause */
/* The known answers hold on this machine, and they are not arbitrary: the oracle, which knows the vectors of the RFCs, gives the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/base.h"
#include "srtp_oracle.h"
#include "util/mem.h"

static size_t bytes(const char *hex, uint8_t *out)
{
    size_t n = 0;
    unsigned v;
    for (; *hex; hex += 2) {
        if (*hex == ' ') hex++;
        assert_int_equal(sscanf(hex, "%2x", &v), 1);
        out[n++] = (uint8_t)v;
    }
    return n;
}

static void assert_bytes(const uint8_t *got, size_t n, const char *hex)
{
    uint8_t want[256];
    assert_int_equal(n, bytes(hex, want));
    assert_memory_equal(got, want, n);
}

/* proves: S13 */
static void the_machine_is_sound(void **state)
{
    (void)state;
    assert_int_equal(sotto__srtp_selftest(), 0);
}

static void no_memory_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    int64_t live = sotto__mem_live();
    int n = 1;
    for (;; n++) {
        sotto__mem_fail_at((uint64_t)n);
        int r = sotto__srtp_selftest();
        bool failed = sotto__mem_failed();
        sotto__mem_fail_at(0);
        assert_int_equal(sotto__mem_live(), live);
        if (!failed) break;
        assert_true(r == SOTTO_E_NOMEM || r == SOTTO_E_SYS); /* SYS: a packet of the answers was not sealed */
    }
    assert_true(n > 10);
}

/* proves: SRTP-05 */
static void the_oracle_knows_rfc_3711_appendix_b3(void **state)
{
    uint8_t key[16], salt[14], out[94];
    (void)state;
    bytes("e1f97a0d3e018be0d64fa32c06de4139", key);
    bytes("0ec675ad498afeebb6960b3aabe6", salt);
    oracle_derive(key, 16, salt, 14, 0, out, 16);
    assert_bytes(out, 16, "c61e7a93744f39ee10734afe3ff7a087");
    oracle_derive(key, 16, salt, 14, 2, out, 14);
    assert_bytes(out, 14, "30cbbc08863d8c85d49db34a9ae1");
    oracle_derive(key, 16, salt, 14, 1, out, 94);
    assert_bytes(out, 94,
                 "cebe321f6ff7716b6fd4ab49af256a15 6d38baa48f0a0acf3c34e2359e6cdbce "
                 "e049646c43d9327ad175578ef7227098 6371c10c9a369ac2f94a8c5fbcdddc25 "
                 "6d6e919a48b610ef17c2041e47403576 6b68642c59bbfc2f34db60dbdfb2");
}

/* §16.1.1, §16.2.1, §17.1: session keys, not master keys. */
/* proves: SRTP-05 */
static void the_oracle_knows_rfc_7714(void **state)
{
    static const char rtp[] = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 "
                              "20646976 69736120 696e2070 61727465 73207472 6573";
    struct oracle o = {.profile = SRTP_PROFILE_AEAD_AES_128_GCM, .n_key = 16, .n_salt = 12};
    uint8_t p[256];
    (void)state;
    bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", o.key);
    bytes("517569642070726f2071756f", o.salt);
    memcpy(o.rtcp_key, o.key, sizeof o.key);
    memcpy(o.rtcp_salt, o.salt, sizeof o.salt);
    size_t n = oracle_rtp(&o, 0xf17b, p, bytes(rtp, p));
    assert_bytes(p, n,
                 "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f "
                 "42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce");
    n = oracle_rtcp(&o, 0x5d4, p,
                    bytes("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 "
                          "4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef",
                          p));
    assert_bytes(p, n,
                 "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d "
                 "c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 "
                 "45d9eade 800005d4");
    o.profile = SRTP_PROFILE_AEAD_AES_256_GCM, o.n_key = 32;
    n = oracle_rtp(&o, 0xf17b, p, bytes(rtp, p));
    assert_bytes(p, n,
                 "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 "
                 "b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13");
}

/* proves: S13 */
static void each_known_answer_that_is_altered_is_seen(void **state)
{
    (void)state;
    for (size_t k = 0; k < SRTP_ANSWERS; k++) {
        size_t n_rtp = (size_t)sotto__srtp_answers[k].n_rtp - 12;
        size_t n_rtcp = (size_t)sotto__srtp_answers[k].n_rtcp - 8;
        for (size_t at = 0; at < n_rtp + n_rtcp; at++) {
            struct srtp_answer altered[SRTP_ANSWERS];
            memcpy(altered, sotto__srtp_answers, sizeof altered);
            uint8_t *p = at < n_rtp ? &altered[k].rtp[at] : &altered[k].rtcp[at - n_rtp];
            *p ^= 4;
            if (sotto__srtp_selftest_by(altered) != SOTTO_E_SYS) fail_msg("%zu, %zu", k, at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_is_sound),
        cmocka_unit_test(no_memory_is_told_and_leaks_nothing),
        cmocka_unit_test(each_known_answer_that_is_altered_is_seen),
        cmocka_unit_test(the_oracle_knows_rfc_3711_appendix_b3),
        cmocka_unit_test(the_oracle_knows_rfc_7714),
    };
    return cmocka_run_group_tests_name("srtp_selftest", tests, NULL, NULL);
}
