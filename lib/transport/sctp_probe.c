/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probe packets of path MTU discovery (RFC 8899 §6.2.1.1): a HEARTBEAT with a parameter of our own, which the peer returns as it is
 * (RFC 9260 §8.3), and a PAD chunk (RFC 4820) of the size wanted, which it skips. In: what the probe shall say; out: bytes, and
 * whether bytes are the answer. usrsctp never sees the answers: it would not know them. Knows nothing of when probes are due.
 */
#include "transport/sctp_probe.h"

#include <string.h>

#include "transport/sctp.h"
#include "util/bytes.h"

#define INFO 1u       /* RFC 9260 §3.3.5: Heartbeat Info */
#define INFO_LEN 16u  /* with its head: nonce and size */

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8), p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16), put16(p + 2, v & 0xffff);
}

void sotto__sctp_probe_write(uint8_t *p, const struct sctp_probe *probe)
{
    memset(p, 0, probe->size);
    put16(p, probe->local_port), put16(p + 2, probe->remote_port), put32(p + 4, probe->tag);
    p[12] = 4; /* HEARTBEAT */
    put16(p + 14, 4 + INFO_LEN);
    put16(p + 16, INFO), put16(p + 18, INFO_LEN);
    put32(p + 20, (uint32_t)(probe->nonce >> 32)), put32(p + 24, (uint32_t)probe->nonce);
    put32(p + 28, (uint32_t)probe->size);
    p[32] = 0x84; /* PAD */
    put16(p + 34, (uint32_t)probe->size - 32);
    uint32_t crc = sotto__crc32c(0, p, probe->size);
    for (int i = 0; i < 4; i++) p[8 + i] = (uint8_t)(crc >> (8 * i)); /* RFC 9260 appendix A: least significant first */
}

bool sotto__sctp_probe_answered(const uint8_t *body, size_t n, uint64_t nonce, size_t *size)
{
    struct reader r = sotto__reader(body, n);
    uint16_t type = sotto__read_u16(&r), len = sotto__read_u16(&r);
    uint64_t high = sotto__read_u32(&r), low = sotto__read_u32(&r);
    uint32_t said = sotto__read_u32(&r);
    if (r.bad || r.n > 0 || type != INFO || len != INFO_LEN || (high << 32 | low) != nonce)
        return false;
    *size = said;
    return true;
}
