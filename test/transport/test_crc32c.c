/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC32c against known answers, and hardware against software at every length and alignment that a packet can have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/crc32c.h"
#include "transport/sctp.h"

static void gives_the_known_answers(void **state)
{
    (void)state;
    uint8_t zero[32] = {0}, ones[32], up[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) up[i] = (uint8_t)i;
    assert_int_equal(sotto__crc32c(0, "123456789", 9), 0xe3069283); /* the check value of CRC-32C */
    assert_int_equal(sotto__crc32c(0, zero, 32), 0x8a9136aa);       /* RFC 3720 appendix B.4 */
    assert_int_equal(sotto__crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(sotto__crc32c(0, up, 32), 0x46dd794e);
    assert_int_equal(sotto__crc32c_software(0, up, 32), 0x46dd794e);
    assert_int_equal(sotto__crc32c(0, "", 0), 0);
}

static uint32_t bitwise(const uint8_t *p, size_t n)
{
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int b = 0; b < 8; b++) c = (c >> 1) ^ ((c & 1) ? 0x82f63b78u : 0);
    }
    return ~c;
}

static void every_implementation_agrees_at_every_length_and_alignment(void **state)
{
    (void)state;
    static uint8_t data[1300];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 131 + (i >> 3));
    for (size_t at = 0; at < 9; at++)
        for (size_t n = 0; n < 1280;
             n += n < 40 || (n > 370 && n < 400) || (n > 760 && n < 780) ? 1 : 7) {
            uint32_t want = bitwise(data + at, n);
            assert_int_equal(sotto__crc32c_software(0, data + at, n), want);
            assert_int_equal(sotto__crc32c(0, data + at, n), want);
            if (sotto__crc32c_has_hardware())
                assert_int_equal(sotto__crc32c_hardware(0, data + at, n), want);
        }
}

static void goes_on_from_what_came_before(void **state)
{
    (void)state;
    static uint8_t data[1200];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * i);
    uint32_t whole = sotto__crc32c(0, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut += 13)
        assert_int_equal(sotto__crc32c(sotto__crc32c(0, data, cut), data + cut, sizeof data - cut),
                         whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_known_answers),
        cmocka_unit_test(every_implementation_agrees_at_every_length_and_alignment),
        cmocka_unit_test(goes_on_from_what_came_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
