/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target: sotto__rtcp_check, _next, the readers of entries and the writers. Property: a compound that passes the check ends after at most
 * as many packets as it has words, every entry of every packet can be read, the views lie inside; and what we can write,
 * write(read(x)), reads the same.
 */
#include <stdlib.h>

#include "wire/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim)
{
    if (!claim) abort();
}

static uint8_t out[1 << 18];

static void write_lists(struct writer *w, const struct rtcp *r)
{
    uint32_t ssrcs[255], owner;
    uint64_t bps;
    uint16_t overhead;
    if (r->type == RTCP_REMB) {
        for (size_t i = 0; i < r->n; i++) ssrcs[i] = sotto__rtcp_remb_ssrc(r, i);
        sotto__rtcp_write_remb(w, r->ssrc, r->bps, ssrcs, r->n);
    } else if (r->type == RTCP_BYE) {
        for (size_t i = 0; i < r->n; i++) ssrcs[i] = sotto__rtcp_bye(r, i);
        sotto__rtcp_write_bye(w, ssrcs, r->n);
    } else if (r->n > 0) { /* TMMBN, TMMBR */
        sotto__rtcp_tmmbr(r, 0, &owner, &bps, &overhead);
        sotto__rtcp_write_tmmbn(w, r->ssrc, owner, bps, overhead);
    }
}

static void write_sdes(struct writer *w, const struct rtcp *r)
{
    struct str cname;
    uint32_t ssrc;
    for (size_t i = 0; i < r->n; i++) {
        if (!sotto__rtcp_cname(r, i, &ssrc, &cname)) continue;
        require((const uint8_t *)cname.p >= r->body);
        require((const uint8_t *)cname.p + cname.n <= r->body + r->n_body);
        if (!w->n) sotto__rtcp_write_sdes(w, &ssrc, 1, cname);
    }
}

static void write_again(struct writer *w, const struct rtcp *r)
{
    struct rtcp_block blocks[RTCP_MAX_BLOCKS];
    struct rtcp_sr sr = {r->ssrc, r->ntp, r->rtp_time, r->packets, r->octets};
    static struct rtcp_dlrr items[1 << 15];
    static uint16_t seqs[17 << 16];
    size_t n_seqs = 0;
    for (size_t i = 0; i < r->n && (r->type == RTCP_SR || r->type == RTCP_RR); i++)
        sotto__rtcp_block(r, i, &blocks[i]);
    switch (r->type) {
    case RTCP_SR: sotto__rtcp_write_sr(w, &sr, blocks, r->n); break;
    case RTCP_RR: sotto__rtcp_write_rr(w, r->ssrc, blocks, r->n); break;
    case RTCP_SDES: write_sdes(w, r); break;
    case RTCP_NACK:
        for (size_t i = 0; i < r->n; i++) {
            uint16_t pid, blp;
            sotto__rtcp_nack(r, i, &pid, &blp);
            seqs[n_seqs++] = pid;
            for (uint16_t k = 0; k < 16; k++)
                if (blp >> k & 1) seqs[n_seqs++] = (uint16_t)(pid + k + 1);
        }
        sotto__rtcp_write_nack(w, r->ssrc, r->media_ssrc, seqs, n_seqs);
        break;
    case RTCP_PLI: sotto__rtcp_write_pli(w, r->ssrc, r->media_ssrc); break;
    case RTCP_FIR:
        for (size_t i = 0; i < r->n; i++) {
            uint32_t ssrc;
            uint8_t seq;
            sotto__rtcp_fir(r, i, &ssrc, &seq);
            if (i == 0) sotto__rtcp_write_fir(w, r->ssrc, ssrc, seq);
        }
        break;
    case RTCP_XR_RRTR: sotto__rtcp_write_rrtr(w, r->ssrc, r->ntp); break;
    case RTCP_XR_DLRR:
        for (size_t i = 0; i < r->n; i++) sotto__rtcp_dlrr(r, i, &items[i]);
        sotto__rtcp_write_dlrr(w, r->ssrc, items, r->n);
        break;
    case RTCP_BYE:
    case RTCP_REMB:
    case RTCP_TMMBR:
    case RTCP_TMMBN: write_lists(w, r); break;
    case RTCP_TWCC:
    case RTCP_OTHER: break;
    }
}

static void require_same(const struct rtcp *a, const struct rtcp *b)
{
    bool limit = a->type == RTCP_TMMBR || a->type == RTCP_TMMBN;
    require(limit ? b->type == RTCP_TMMBN : a->type == b->type);
    if (a->type == RTCP_SDES) return; /* of its chunks one was written */
    require(a->ssrc == b->ssrc && a->ntp == b->ntp && a->rtp_time == b->rtp_time);
    require(a->packets == b->packets && a->octets == b->octets);
    require(a->type == RTCP_FIR || limit || a->type == RTCP_REMB || a->type == RTCP_NACK ||
            (a->n == b->n && a->media_ssrc == b->media_ssrc));
    if (a->type == RTCP_REMB) require(a->n == b->n && (a->bps == b->bps || a->bps == INT64_MAX));
    if (a->type == RTCP_NACK) require(b->n >= 1 && a->media_ssrc == b->media_ssrc);
    if (a->type == RTCP_SR || a->type == RTCP_RR)
        require(memcmp(a->body, b->body, 24u * a->n) == 0);
    if (a->type == RTCP_BYE) require(memcmp(a->body, b->body, 4u * a->n) == 0);
    if (a->type == RTCP_XR_DLRR) require(memcmp(a->body, b->body, 12u * a->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtcp r, same;
    size_t at = 0, packets = 0;
    bool ok = sotto__rtcp_check(data, size, true) == 0;
    if (sotto__rtcp_check(data, size, false) == 0)
        require(ok && (data[1] == 200 || data[1] == 201));
    if (!ok) return 0;
    while (sotto__rtcp_next(data, size, &at, &r)) {
        require(++packets <= size / 4);
        require(r.body >= data && r.body + r.n_body <= data + size);
        struct writer w = sotto__writer(out, sizeof out);
        write_again(&w, &r);
        require(!w.bad);
        if (w.n == 0) continue;
        size_t first = 0;
        require(sotto__rtcp_check(out, w.n, true) == 0);
        require(sotto__rtcp_next(out, w.n, &first, &same) == 1);
        require_same(&r, &same);
        require(sotto__rtcp_next(out, w.n, &first, &same) == 0);
    }
    require(sotto__rtcp_next(data, size, &at, &r) == 0);
    return 0;
}
