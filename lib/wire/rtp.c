/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of RTP packets (RFC 3550 §5.1, §5.3.1) and what a retransmission puts before its payload (RFC 4588 §4).
 * A decrypted packet comes in, numbers and views into it go out; and the fixed header back. Extension elements are rtp_ext.c's, payloads
 * payload_*.c's. Knows no stream: whether a sequence number or a payload type makes sense is for others.
 * answers: H097 H105
 */
#include "wire/rtp.h"

#include "util/bytes.h"

#define VERSION 2u

/* The extension behind a header of `head` bytes: the size of both; 0: it runs over the end. */
static size_t read_extension(const uint8_t *p, size_t n, size_t head, struct rtp *ret)
{
    if (n - head < 4) return 0;
    ret->ext_profile = sotto__get_u16(p + head);
    ret->n_ext = 4u * sotto__get_u16(p + head + 2);
    ret->ext = p + head + 4;
    return n - head - 4 < ret->n_ext ? 0 : head + 4 + ret->n_ext;
}

int sotto__rtp_parse(const uint8_t *p, size_t n, struct rtp *ret)
{
    struct rtp rtp = {.marker = false};
    if (n < RTP_HEADER || p[0] >> 6 != VERSION) return SOTTO_E_SYNTAX;
    rtp.n_csrc = p[0] & 0x0f;
    rtp.has_ext = (p[0] & 0x10) != 0;
    size_t head = RTP_HEADER + 4u * rtp.n_csrc;
    if (n < head) return SOTTO_E_SYNTAX;
    if (rtp.has_ext && (head = read_extension(p, n, head, &rtp)) == 0) return SOTTO_E_SYNTAX;
    if (p[0] & 0x20) { /* the last byte counts the padding, itself included */
        rtp.n_padding = p[n - 1];
        if (rtp.n_padding == 0 || rtp.n_padding > n - head) return SOTTO_E_SYNTAX;
    }
    rtp.marker = p[1] >> 7, rtp.pt = p[1] & 0x7f;
    rtp.seq = sotto__get_u16(p + 2);
    rtp.time = sotto__get_u32(p + 4);
    rtp.ssrc = sotto__get_u32(p + 8);
    rtp.csrc = p + RTP_HEADER;
    rtp.payload = p + head, rtp.n_payload = n - head - rtp.n_padding;
    rtp.n_header = head;
    *ret = rtp;
    return 0;
}

void sotto__rtp_write(const struct rtp *rtp, uint8_t out[static RTP_HEADER])
{
    struct writer w = sotto__writer(out, RTP_HEADER);
    sotto__write_u8(&w, (uint8_t)(VERSION << 6 | (rtp->has_ext ? 0x10 : 0)));
    sotto__write_u8(&w, (uint8_t)((rtp->marker ? 0x80 : 0) | (rtp->pt & 0x7f)));
    sotto__write_u16(&w, rtp->seq);
    sotto__write_u32(&w, rtp->time);
    sotto__write_u32(&w, rtp->ssrc);
}

int sotto__rtp_unwrap_rtx(struct rtp *rtp, uint8_t pt, uint32_t ssrc)
{
    if (rtp->n_payload < 2) return SOTTO_E_SYNTAX;
    rtp->seq = sotto__get_u16(rtp->payload);
    rtp->pt = pt, rtp->ssrc = ssrc;
    rtp->payload += 2, rtp->n_payload -= 2, rtp->n_header += 2;
    return 0;
}
