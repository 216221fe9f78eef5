/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_DEMUX_H
#define SOTTO_WIRE_DEMUX_H
/*
 * What a datagram is, by its first byte: RFC 7983 §7 as updated by RFC 9443 §3.
 * answers: S08 H056
 */
#include <stddef.h>
#include <stdint.h>

enum packet_kind { PACKET_DROP, PACKET_STUN, PACKET_DTLS, PACKET_RTP, PACKET_RTCP };

static inline enum packet_kind sotto__demux(const uint8_t *p, size_t n)
{
    if (n == 0) return PACKET_DROP;
    if (p[0] <= 3) return PACKET_STUN;
    if (p[0] >= 20 && p[0] <= 63) return PACKET_DTLS;
    if (p[0] >= 128 && p[0] <= 191) /* RFC 5761 §4: payload types 64–95 with the marker are RTCP 192–223 */
        return n >= 2 && p[1] >= 192 && p[1] <= 223 ? PACKET_RTCP : PACKET_RTP;
    return PACKET_DROP; /* ZRTP, TURN channels, QUIC and what nobody defined */
}

#endif
