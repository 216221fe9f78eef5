/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TEST_INTEROP_CLASSIFY_H
#define SOTTO_TEST_INTEROP_CLASSIFY_H
/* What a packet is: classify.c reads them, classify_packet.c knows. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CANARY "sotto: this went out in the clear"

enum kind {
    KIND_STUN,
    KIND_TURN,
    KIND_DTLS,
    KIND_SRTP,
    KIND_SRTCP,
    KIND_MDNS,
    KIND_TLS,
    KIND_TCP_FRAMES,
    KIND_TCP_EMPTY,
    KIND_RIG,
    KIND_LINK, /* of which "bad" is none */
    KIND_UNKNOWN,
    KIND_BAD_STUN,
    KIND_BAD_TURN,
    KIND_BAD_DTLS,
    KIND_CLEAR_DTLS,
    KIND_BAD_RTP,
    KIND_CLEAR_RTP,
    KIND_CLEAR_RTCP,
    KIND_BAD_TCP,
    KIND_PLAINTEXT,
    KIND_CANARY,
    KIND_N
};

#define CLASSIFY_STREAMS 4096 /* SSRCs */
struct stream {
    uint32_t ssrc;
    uint8_t type;
    uint32_t packets;
    uint32_t first[256]; /* how often the payload began with this byte */
};
struct tally {
    uint64_t n[KIND_N];
    uint8_t example[KIND_N][48];
    size_t n_example[KIND_N];
    struct stream streams[CLASSIFY_STREAMS];
    size_t n_streams;
};

void classify_add_known(const uint8_t *p, size_t n); /* copied; at most 40 bytes, at least 7 */
/* A packet of this ethertype from its network header on; segment: of each datagram in it, 0: it is one. */
void classify_packet(struct tally *t, int ethertype, const uint8_t *p, size_t n, size_t segment);
void classify_datagram(struct tally *t, const uint8_t *p, size_t n);
void classify_report(struct tally *t, FILE *to);

#endif
