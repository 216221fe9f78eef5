/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_TRANSPORT_SCTP_PROBE_H
#define SOTTO_TRANSPORT_SCTP_PROBE_H
/* The bytes of probe packets: RFC 8899 §6.2.1.1. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCTP_PROBE_MIN 36u /* a probe with an empty PAD chunk */

struct sctp_probe {
    uint16_t local_port, remote_port;
    uint32_t tag;   /* of the peer */
    uint64_t nonce; /* nobody else knows it */
    size_t size;    /* of the packet: a multiple of 4, SCTP_PROBE_MIN…65532 */
};

/* A HEARTBEAT (RFC 9260 §3.3.5) that the peer returns and a PAD chunk (RFC 4820 §3) that it skips; `size` bytes at p. */
void sotto__sctp_probe_write(uint8_t *p, const struct sctp_probe *probe);
/* The body of a HEARTBEAT ACK: whether it answers a probe with this nonce, and of which size. */
bool sotto__sctp_probe_answered(const uint8_t *body, size_t n, uint64_t nonce, size_t *size);

#endif
