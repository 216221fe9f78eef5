/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of RTP packets (RFC 3550 §5.1, §5.3.1) and what a retransmission puts before its payload (RFC 4588 §4).
 * A decrypted packet comes in, numbers and views into it go out; and the fixed header back. Extension elements are rtp_ext.c's, payloads
 * payload_*.c's. Knows no stream: whether a sequence number or a payload type makes sense is for others.
 */
#include "wire/rtp.h"

#include "util/bytes.h"

#define VERSION 2u

static bool read_extension(struct reader *r, struct rtp *rtp)
{
    rtp->ext_profile = sotto__read_u16(r);
    rtp->n_ext = 4u * sotto__read_u16(r);
    rtp->ext = sotto__read_view(r, rtp->n_ext);
    return !r->bad;
}

int sotto__rtp_parse(const uint8_t *p, size_t n, struct rtp *ret)
{
    struct reader r = sotto__reader(p, n);
    struct rtp rtp = {0};
    uint8_t flags = sotto__read_u8(&r), kind = sotto__read_u8(&r);
    rtp.marker = kind >> 7, rtp.pt = kind & 0x7f;
    rtp.seq = sotto__read_u16(&r);
    rtp.time = sotto__read_u32(&r);
    rtp.ssrc = sotto__read_u32(&r);
    rtp.n_csrc = flags & 0x0f;
    rtp.csrc = sotto__read_view(&r, 4u * rtp.n_csrc);
    rtp.has_ext = (flags & 0x10) != 0;
    if (r.bad || flags >> 6 != VERSION) return SOTTO_E_SYNTAX;
    if (rtp.has_ext && !read_extension(&r, &rtp)) return SOTTO_E_SYNTAX;
    rtp.payload = r.p, rtp.n_payload = r.n;
    rtp.n_header = n - r.n;
    if (flags & 0x20) { /* the last byte counts the padding, itself included */
        if (r.n == 0) return SOTTO_E_SYNTAX;
        rtp.n_padding = r.p[r.n - 1];
        if (rtp.n_padding == 0 || rtp.n_padding > r.n) return SOTTO_E_SYNTAX;
        rtp.n_payload -= rtp.n_padding;
    }
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
