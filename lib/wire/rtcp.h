/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_WIRE_RTCP_H
#define SOTTO_WIRE_RTCP_H
/*
 * RTCP (RFC 3550 §6, 4585 §6, 5104 §4, 3611; REMB; transport-wide feedback is in twcc.h): one packet after another of a compound, and the
 * writing of each. Plain bytes ⇄ structs.
 */
#include "sotto/base.h"
#include "util/bytes.h"
#include "util/str.h"

enum rtcp_type {
    RTCP_SR,
    RTCP_RR,
    RTCP_SDES,
    RTCP_BYE,
    RTCP_NACK,
    RTCP_PLI,
    RTCP_FIR,
    RTCP_REMB,
    RTCP_TMMBR,
    RTCP_TMMBN,
    RTCP_TWCC,
    RTCP_XR_RRTR,
    RTCP_XR_DLRR,
    RTCP_OTHER /* well-formed, not ours: APP, unknown feedback, other XR blocks */
};

struct rtcp_block { /* a report block: RFC 3550 §6.4.1 */
    uint32_t ssrc;
    uint8_t fraction;    /* lost, of 256 */
    int32_t lost;        /* 24 bits, signed */
    uint32_t highest;    /* extended sequence number */
    uint32_t jitter;     /* ticks */
    uint32_t lsr, dlsr;  /* middle of NTP; 1/65536 s */
};

#define RTCP_MAX_BLOCKS 31u
#define RTCP_MAX_CNAME 255u

struct rtcp { /* one packet of a compound; views of it */
    enum rtcp_type type;
    uint32_t ssrc;       /* who sent it; SDES, BYE: of the first chunk */
    uint32_t media_ssrc; /* feedback: whom it is about; 0 in FIR, REMB, TMMBR: see the entries */
    uint16_t n;          /* SR, RR: blocks; BYE: ssrcs; SDES: chunks; NACK, FIR, TMMBR, REMB, DLRR: entries */
    const uint8_t *body; /* the entries, for the readers below */
    size_t n_body;
    /* SR */
    uint64_t ntp;        /* 32.32; XR_RRTR too */
    uint32_t rtp_time, packets, octets;
    uint64_t bps;        /* REMB; 0…2^63-1 */
};

/* Checks the whole compound first (each length, version, padding only in the last one, lists within their packet): a bad one is refused
 * whole (0 packets). first: SR or RR (or anything, if reduced: RFC 5506). 0, or SOTTO_E_SYNTAX. */
int sotto__rtcp_check(const uint8_t *p, size_t n, bool reduced);
/* The next packet of a compound that was checked: 1 filled, 0 at the end. An XR packet gives each of its blocks in turn: *at is opaque, 0
 * at first. */
int sotto__rtcp_next(const uint8_t *p, size_t n, size_t *at, struct rtcp *ret);

/* Entries, i below r->n. */
void sotto__rtcp_block(const struct rtcp *r, size_t i, struct rtcp_block *ret);      /* SR, RR */
uint32_t sotto__rtcp_bye(const struct rtcp *r, size_t i);
bool sotto__rtcp_cname(const struct rtcp *r, size_t i, uint32_t *ssrc, struct str *ret); /* SDES chunk i; false: it has none */
void sotto__rtcp_nack(const struct rtcp *r, size_t i, uint16_t *pid, uint16_t *blp);
void sotto__rtcp_fir(const struct rtcp *r, size_t i, uint32_t *ssrc, uint8_t *seq);
uint32_t sotto__rtcp_remb_ssrc(const struct rtcp *r, size_t i);
void sotto__rtcp_tmmbr(const struct rtcp *r, size_t i, uint32_t *ssrc, uint64_t *bps,
                       uint16_t *overhead); /* TMMBN too */
struct rtcp_dlrr {
    uint32_t ssrc, lrr, dlrr;
};
void sotto__rtcp_dlrr(const struct rtcp *r, size_t i, struct rtcp_dlrr *ret);

/* Writing: each appends one packet to the writer; w->bad if it does not fit. */
struct rtcp_sr {
    uint32_t ssrc;
    uint64_t ntp;
    uint32_t rtp_time, packets, octets;
};
void sotto__rtcp_write_sr(struct writer *w, const struct rtcp_sr *sr,
                          const struct rtcp_block *blocks, size_t n); /* n ≤ 31 */
void sotto__rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_block *blocks,
                          size_t n);
void sotto__rtcp_write_sdes(struct writer *w, const uint32_t *ssrcs, size_t n,
                            struct str cname); /* one chunk each; n ≤ 31 */
void sotto__rtcp_write_bye(struct writer *w, const uint32_t *ssrcs, size_t n);
void sotto__rtcp_write_nack(struct writer *w, uint32_t ssrc, uint32_t media_ssrc,
                            const uint16_t *seqs, size_t n); /* ascending: packed into pairs */
void sotto__rtcp_write_pli(struct writer *w, uint32_t ssrc, uint32_t media_ssrc);
void sotto__rtcp_write_fir(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t seq);
void sotto__rtcp_write_remb(struct writer *w, uint32_t ssrc, uint64_t bps, const uint32_t *ssrcs,
                            size_t n);
void sotto__rtcp_write_tmmbn(struct writer *w, uint32_t ssrc, uint32_t owner, uint64_t bps,
                             uint16_t overhead); /* owner 0: an empty set */
void sotto__rtcp_write_rrtr(struct writer *w, uint32_t ssrc, uint64_t ntp);
void sotto__rtcp_write_dlrr(struct writer *w, uint32_t ssrc, const struct rtcp_dlrr *items,
                            size_t n);

#endif
