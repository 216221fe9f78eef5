/* SPDX-License-Identifier: BSD-2-Clause */
/* Target: sotto__demux. Property: it agrees with the table of RFC 7983 §7 (RFC 9443 §3), written here in another form. */
#include <stdlib.h>

#include "wire/demux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct range {
    int first, last;
    enum packet_kind kind;
} table[] = {
    {0, 3, PACKET_STUN},    {4, 15, PACKET_DROP},   /* nobody's */
    {16, 19, PACKET_DROP},  {20, 63, PACKET_DTLS},  /* ZRTP */
    {64, 79, PACKET_DROP},  {80, 127, PACKET_DROP}, /* TURN channels, QUIC */
    {128, 191, PACKET_RTP}, {192, 255, PACKET_DROP}, /* QUIC */
};

static enum packet_kind expected(const uint8_t *data, size_t size)
{
    if (size == 0) return PACKET_DROP;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (data[0] < table[i].first || data[0] > table[i].last) continue;
        if (table[i].kind != PACKET_RTP || size < 2) return table[i].kind;
        /* RFC 5761 §4: a marker bit and one of the payload types 64 to 95 */
        return (data[1] & 0x80) && (data[1] & 0x7f) >= 64 && (data[1] & 0x7f) <= 95 ? PACKET_RTCP
                                                                                    : PACKET_RTP;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (sotto__demux(data, size) != expected(data, size)) abort();
    return 0;
}
