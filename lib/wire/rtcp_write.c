/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes RTCP: the packets of RFC 3550 §6, feedback of RFC 4585 §6 and RFC 5104 §4, extended reports of RFC 3611 §4.4 and §4.5, REMB.
 * Numbers come in, each function appends one packet to a writer; what goes into a compound, in which order and when is its caller's.
 * Never pads: all of these packets are multiples of four bytes by themselves.
 */
#include "wire/rtcp.h"

#define MAX_COUNT 31u /* five bits */
#define REMB_NAME 0x52454d42u

enum { PT_SR = 200, PT_RR, PT_SDES, PT_BYE, PT_RTPFB = 205, PT_PSFB, PT_XR };
enum { FMT_NACK = 1, FMT_TMMBN = 4, FMT_PLI = 1, FMT_FIR = 4, FMT_APPLICATION = 15 };
enum { XR_RRTR = 4, XR_DLRR = 5 };

/* bytes: of the whole packet, as it will be. */
static void write_head(struct writer *w, size_t count, uint8_t pt, size_t bytes)
{
    if (bytes / 4 - 1 > UINT16_MAX) w->bad = true;
    sotto__write_u8(w, (uint8_t)(2u << 6 | (count & MAX_COUNT)));
    sotto__write_u8(w, pt);
    sotto__write_u16(w, (uint16_t)(bytes / 4 - 1));
}

static void write_u64(struct writer *w, uint64_t v)
{
    sotto__write_u32(w, (uint32_t)(v >> 32));
    sotto__write_u32(w, (uint32_t)v);
}

static void write_blocks(struct writer *w, const struct rtcp_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct rtcp_block *b = &blocks[i];
        sotto__write_u32(w, b->ssrc);
        sotto__write_u8(w, b->fraction);
        sotto__write_be(w, (uint32_t)b->lost, 3);
        sotto__write_u32(w, b->highest);
        sotto__write_u32(w, b->jitter);
        sotto__write_u32(w, b->lsr);
        sotto__write_u32(w, b->dlsr);
    }
}

void sotto__rtcp_write_sr(struct writer *w, const struct rtcp_sr *sr,
                          const struct rtcp_block *blocks, size_t n)
{
    if (n > RTCP_MAX_BLOCKS) w->bad = true;
    write_head(w, n, PT_SR, 28 + 24 * n);
    sotto__write_u32(w, sr->ssrc);
    write_u64(w, sr->ntp);
    sotto__write_u32(w, sr->rtp_time);
    sotto__write_u32(w, sr->packets);
    sotto__write_u32(w, sr->octets);
    write_blocks(w, blocks, n);
}

void sotto__rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_block *blocks,
                          size_t n)
{
    if (n > RTCP_MAX_BLOCKS) w->bad = true;
    write_head(w, n, PT_RR, 8 + 24 * n);
    sotto__write_u32(w, ssrc);
    write_blocks(w, blocks, n);
}

void sotto__rtcp_write_sdes(struct writer *w, const uint32_t *ssrcs, size_t n, struct str cname)
{
    static const uint8_t zero[4];
    size_t text = 2 + cname.n, padding = 4 - text % 4; /* at least one zero ends a chunk: §6.5 */
    if (n > MAX_COUNT || cname.n > RTCP_MAX_CNAME) w->bad = true;
    write_head(w, n, PT_SDES, 4 + n * (4 + text + padding));
    for (size_t i = 0; i < n; i++) {
        sotto__write_u32(w, ssrcs[i]);
        sotto__write_u8(w, 1); /* CNAME */
        sotto__write_u8(w, (uint8_t)cname.n);
        sotto__write_bytes(w, cname.p, cname.n);
        sotto__write_bytes(w, zero, padding);
    }
}

void sotto__rtcp_write_bye(struct writer *w, const uint32_t *ssrcs, size_t n)
{
    if (n > MAX_COUNT) w->bad = true;
    write_head(w, n, PT_BYE, 4 + 4 * n);
    for (size_t i = 0; i < n; i++) sotto__write_u32(w, ssrcs[i]);
}

static void write_feedback(struct writer *w, size_t fmt, uint8_t pt, size_t entries, uint32_t ssrc,
                           uint32_t media_ssrc)
{
    write_head(w, fmt, pt, 12 + entries);
    sotto__write_u32(w, ssrc);
    sotto__write_u32(w, media_ssrc);
}

/* How many of seqs[from…n) the entry that begins with seqs[from] carries, and its mask: RFC 4585 §6.2.1. */
static size_t nack_entry(const uint16_t *seqs, size_t from, size_t n, uint16_t *blp)
{
    size_t i = from + 1;
    *blp = 0;
    for (; i < n; i++) {
        uint16_t distance = (uint16_t)(seqs[i] - seqs[from]);
        if (distance > 16) break;
        if (distance > 0) *blp = (uint16_t)(*blp | 1u << (distance - 1));
    }
    return i - from;
}

void sotto__rtcp_write_nack(struct writer *w, uint32_t ssrc, uint32_t media_ssrc,
                            const uint16_t *seqs, size_t n)
{
    size_t entries = 0;
    uint16_t blp;
    for (size_t i = 0; i < n; entries++) i += nack_entry(seqs, i, n, &blp);
    if (entries == 0) return;
    write_feedback(w, FMT_NACK, PT_RTPFB, 4 * entries, ssrc, media_ssrc);
    for (size_t i = 0, used; i < n; i += used) {
        used = nack_entry(seqs, i, n, &blp);
        sotto__write_u16(w, seqs[i]);
        sotto__write_u16(w, blp);
    }
}

void sotto__rtcp_write_pli(struct writer *w, uint32_t ssrc, uint32_t media_ssrc)
{
    write_feedback(w, FMT_PLI, PT_PSFB, 0, ssrc, media_ssrc);
}

void sotto__rtcp_write_fir(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t seq)
{
    write_feedback(w, FMT_FIR, PT_PSFB, 8, ssrc, 0); /* RFC 5104 §4.3.1.2: not used, 0 */
    sotto__write_u32(w, media_ssrc);
    sotto__write_u32(w, (uint32_t)seq << 24);
}

/* The largest rate not above bps that a mantissa of so many bits and an exponent can say. */
static uint32_t round_rate(uint64_t bps, unsigned bits, uint32_t *exponent)
{
    for (*exponent = 0; bps >> *exponent >= 1u << bits; ++*exponent) continue;
    return (uint32_t)(bps >> *exponent);
}

void sotto__rtcp_write_remb(struct writer *w, uint32_t ssrc, uint64_t bps, const uint32_t *ssrcs,
                            size_t n)
{
    uint32_t exponent, mantissa = round_rate(bps, 18, &exponent);
    if (n > UINT8_MAX) w->bad = true;
    write_feedback(w, FMT_APPLICATION, PT_PSFB, 8 + 4 * n, ssrc, 0);
    sotto__write_u32(w, REMB_NAME);
    sotto__write_u32(w, (uint32_t)(n & UINT8_MAX) << 24 | exponent << 18 | mantissa);
    for (size_t i = 0; i < n; i++) sotto__write_u32(w, ssrcs[i]);
}

void sotto__rtcp_write_tmmbn(struct writer *w, uint32_t ssrc, uint32_t owner, uint64_t bps,
                             uint16_t overhead)
{
    uint32_t exponent, mantissa = round_rate(bps, 17, &exponent);
    write_feedback(w, FMT_TMMBN, PT_RTPFB, owner ? 8 : 0, ssrc, 0);
    if (!owner) return;
    sotto__write_u32(w, owner);
    sotto__write_u32(w, exponent << 26 | mantissa << 9 | (overhead & 0x1ffu));
}

void sotto__rtcp_write_rrtr(struct writer *w, uint32_t ssrc, uint64_t ntp)
{
    write_head(w, 0, PT_XR, 20);
    sotto__write_u32(w, ssrc);
    sotto__write_u32(w, (uint32_t)XR_RRTR << 24 | 2);
    write_u64(w, ntp);
}

void sotto__rtcp_write_dlrr(struct writer *w, uint32_t ssrc, const struct rtcp_dlrr *items,
                            size_t n)
{
    write_head(w, 0, PT_XR, 12 + 12 * n);
    sotto__write_u32(w, ssrc);
    sotto__write_u32(w, (uint32_t)XR_DLRR << 24 | (3u * (uint32_t)n & UINT16_MAX));
    for (size_t i = 0; i < n; i++) {
        sotto__write_u32(w, items[i].ssrc);
        sotto__write_u32(w, items[i].lrr);
        sotto__write_u32(w, items[i].dlrr);
    }
}
