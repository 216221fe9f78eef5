/* SPDX-License-Identifier: BSD-2-Clause */
/* The first byte, and for RTP the second, decide what a datagram is: all 65536 pairs against the ranges of the RFCs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "wire/demux.h"

/* proves: H056 ICE-21 */
static void demux_follows_rfc_7983_for_every_first_byte(void **state) /* H056 */
{
    (void)state;
    int count[5] = {0};
    for (int first = 0; first < 256; first++) {
        uint8_t datagram[21] = {(uint8_t)first};
        for (size_t n = 1; n <= sizeof datagram; n++) {
            enum packet_kind want = first <= 3                   ? PACKET_STUN
                                    : first >= 20 && first <= 63 ? PACKET_DTLS
                                    : (first & 0xc0) == 0x80     ? PACKET_RTP
                                                                 : PACKET_DROP;
            assert_int_equal(sotto__demux(datagram, n), want);
            count[want]++;
        }
    }
    assert_int_equal(count[PACKET_STUN], 4 * 21);
    assert_int_equal(count[PACKET_DTLS], 44 * 21);
    assert_int_equal(count[PACKET_RTP], 64 * 21);
}

/* proves: SRTP-08 */
static void demux_tells_rtcp_by_the_second_byte(void **state)
{
    (void)state;
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            const uint8_t datagram[2] = {(uint8_t)first, (uint8_t)second};
            enum packet_kind alone = sotto__demux(datagram, 1);
            bool is_rtcp = alone == PACKET_RTP && second >= 192 && second <= 223;
            assert_int_equal(sotto__demux(datagram, 2), is_rtcp ? PACKET_RTCP : alone);
        }
    }
}

static void demux_drops_an_empty_datagram(void **state) /* H057 */
{
    (void)state;
    assert_int_equal(sotto__demux(NULL, 0), PACKET_DROP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demux_follows_rfc_7983_for_every_first_byte),
        cmocka_unit_test(demux_tells_rtcp_by_the_second_byte),
        cmocka_unit_test(demux_drops_an_empty_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
