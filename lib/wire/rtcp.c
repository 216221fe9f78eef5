/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads RTCP: RFC 3550 §6 and §A.2, feedback of RFC 4585 §6 and RFC 5104 §4, extended reports of RFC 3611 §4.4 and §4.5, REMB
 * (draft-alvestrand-rmcat-remb-03). A decrypted compound comes in; it is checked once as a whole, then its packets and their entries are
 * read without further checks. Transport-wide feedback is only delimited here: twcc.c reads it. Knows no stream: whether an SSRC in it
 * exists is for others.
 * answers: H101 H102 H103
 */
#include "wire/rtcp.h"

#define MAX_WORDS 0xffffu /* of a compound: more than a datagram carries; sotto__rtcp_next keeps two of them in one number */

enum { PT_SR = 200, PT_RR, PT_SDES, PT_BYE, PT_APP, PT_RTPFB, PT_PSFB, PT_XR };
enum { FMT_NACK = 1, FMT_TMMBR = 3, FMT_TMMBN = 4, FMT_TWCC = 15 }; /* of RTPFB */
enum { FMT_PLI = 1, FMT_FIR = 4, FMT_APPLICATION = 15 };            /* of PSFB */
enum { XR_RRTR = 4, XR_DLRR = 5 };
enum { SDES_END, SDES_CNAME };

#define REMB_NAME 0x52454d42u /* "REMB" */

struct packet { /* one of a compound, delimited */
    uint8_t count, pt;
    const uint8_t *body; /* behind the four bytes that all have, without padding */
    size_t n_body;
    bool padded;
};

/* 1 filled, 0 at the end, SOTTO_E_SYNTAX. */
static int next_packet(struct reader *r, struct packet *ret)
{
    if (r->n == 0) return 0;
    uint8_t flags = sotto__read_u8(r);
    struct packet p = {.count = flags & 0x1f, .padded = (flags & 0x20) != 0};
    p.pt = sotto__read_u8(r);
    p.n_body = 4u * sotto__read_u16(r);
    p.body = sotto__read_view(r, p.n_body);
    if (r->bad || flags >> 6 != 2) return SOTTO_E_SYNTAX;
    if (p.padded) {
        size_t padding = p.n_body > 0 ? p.body[p.n_body - 1] : 0;
        if (padding == 0 || padding % 4 != 0 || padding > p.n_body) return SOTTO_E_SYNTAX;
        p.n_body -= padding;
    }
    *ret = p;
    return 1;
}

struct chunk { /* of SDES */
    uint32_t ssrc;
    bool has_cname;
    struct str cname;
};

static bool next_chunk(struct reader *r, struct chunk *ret) /* false: it is not ended as it must be */
{
    size_t start = r->n;
    *ret = (struct chunk){.ssrc = sotto__read_u32(r)};
    for (;;) {
        uint8_t item = sotto__read_u8(r);
        if (r->bad || item == SDES_END) break;
        size_t n = sotto__read_u8(r);
        const uint8_t *text = sotto__read_view(r, n);
        if (item != SDES_CNAME || !text || ret->has_cname) continue;
        ret->has_cname = true;
        ret->cname = (struct str){(const char *)text, n};
    }
    sotto__read_view(r, (4 - (start - r->n) % 4) % 4); /* chunks begin at multiples of four */
    return !r->bad;
}

static bool sdes_ok(const struct packet *p)
{
    struct reader r = sotto__reader(p->body, p->n_body);
    struct chunk chunk;
    for (uint8_t i = 0; i < p->count; i++)
        if (!next_chunk(&r, &chunk)) return false;
    return true;
}

static bool bye_ok(const struct packet *p)
{
    struct reader r = sotto__reader(p->body, p->n_body);
    sotto__read_view(&r, 4u * p->count);
    if (!r.bad && r.n > 0) sotto__read_view(&r, sotto__read_u8(&r)); /* the reason */
    return !r.bad;
}

static bool xr_ok(const struct packet *p)
{
    struct reader r = sotto__reader(p->body, p->n_body);
    sotto__read_u32(&r);
    while (!r.bad && r.n > 0) {
        uint8_t type = sotto__read_u8(&r);
        sotto__read_u8(&r);
        size_t n = 4u * sotto__read_u16(&r);
        sotto__read_view(&r, n);
        if (type == XR_RRTR && n != 8) return false;
        if (type == XR_DLRR && n % 12 != 0) return false;
    }
    return !r.bad;
}

static bool is_remb(const struct packet *p)
{
    return p->pt == PT_PSFB && p->count == FMT_APPLICATION && p->n_body >= 12 &&
           sotto__get_u32(p->body + 8) == REMB_NAME;
}

static bool feedback_ok(const struct packet *p)
{
    if (p->n_body < 8) return false;
    size_t n = p->n_body - 8; /* of the entries */
    if (is_remb(p)) return n >= 8 && n - 8 == 4u * p->body[12];
    if (p->pt == PT_PSFB) return p->count != FMT_FIR || (n > 0 && n % 8 == 0);
    if (p->count == FMT_NACK) return n > 0;
    if (p->count == FMT_TMMBR) return n > 0 && n % 8 == 0;
    if (p->count == FMT_TMMBN) return n % 8 == 0;
    if (p->count == FMT_TWCC) return n >= 8;
    return true;
}

static bool packet_ok(const struct packet *p)
{
    switch (p->pt) {
    case PT_SR: return p->n_body >= 24 + 24u * p->count;
    case PT_RR: return p->n_body >= 4 + 24u * p->count;
    case PT_SDES: return sdes_ok(p);
    case PT_BYE: return bye_ok(p);
    case PT_APP: return p->n_body >= 8;
    case PT_RTPFB:
    case PT_PSFB: return feedback_ok(p);
    case PT_XR: return xr_ok(p);
    default: return true;
    }
}

int sotto__rtcp_check(const uint8_t *p, size_t n, bool reduced)
{
    struct reader r = sotto__reader(p, n);
    struct packet packet = {0};
    if (n == 0 || n / 4 > MAX_WORDS) return SOTTO_E_SYNTAX;
    for (bool first = true;; first = false) {
        bool padded = packet.padded;
        int got = next_packet(&r, &packet);
        if (got <= 0) return got;
        if (first && !reduced && packet.pt != PT_SR && packet.pt != PT_RR) return SOTTO_E_SYNTAX;
        if (padded || !packet_ok(&packet)) return SOTTO_E_SYNTAX; /* padding before the last one */
    }
}

/* ---- one packet ---- */

static uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)sotto__get_u32(p) << 32 | sotto__get_u32(p + 4);
}

static uint64_t get_bps(uint64_t mantissa, unsigned exponent) /* at most 2^63-1 */
{
    return mantissa > (uint64_t)INT64_MAX >> exponent ? INT64_MAX : mantissa << exponent;
}

static void set_entries(struct rtcp *r, enum rtcp_type type, size_t skip, size_t size)
{
    r->type = type;
    r->body += skip, r->n_body -= skip;
    r->n = (uint16_t)(r->n_body / size);
}

static void read_remb(struct rtcp *r)
{
    const uint8_t *p = r->body + 12;
    r->bps = get_bps((p[1] & 3u) << 16 | (uint32_t)p[2] << 8 | p[3], p[1] >> 2);
    set_entries(r, RTCP_REMB, 16, 4);
}

static void read_feedback(const struct packet *p, struct rtcp *r)
{
    r->media_ssrc = sotto__get_u32(p->body + 4);
    if (p->pt == PT_PSFB) {
        if (p->count == FMT_PLI) r->type = RTCP_PLI;
        if (p->count == FMT_FIR) set_entries(r, RTCP_FIR, 8, 8);
        if (is_remb(p)) read_remb(r);
        return;
    }
    switch (p->count) {
    case FMT_NACK: set_entries(r, RTCP_NACK, 8, 4); break;
    case FMT_TMMBR: set_entries(r, RTCP_TMMBR, 8, 8); break;
    case FMT_TMMBN: set_entries(r, RTCP_TMMBN, 8, 8); break;
    case FMT_TWCC:
        r->type = RTCP_TWCC;
        r->body += 8, r->n_body -= 8;
        break;
    default: break;
    }
}

static void read_sender(struct rtcp *r)
{
    r->ntp = get_u64(r->body + 4);
    r->rtp_time = sotto__get_u32(r->body + 12);
    r->packets = sotto__get_u32(r->body + 16);
    r->octets = sotto__get_u32(r->body + 20);
}

static void read_packet(const struct packet *p, struct rtcp *r)
{
    *r = (struct rtcp){.type = RTCP_OTHER, .body = p->body, .n_body = p->n_body};
    if (p->n_body >= 4) r->ssrc = sotto__get_u32(p->body);
    switch (p->pt) {
    case PT_SR:
        read_sender(r);
        set_entries(r, RTCP_SR, 24, 24);
        r->n = p->count; /* what follows the blocks is an extension of a profile */
        break;
    case PT_RR:
        set_entries(r, RTCP_RR, 4, 24);
        r->n = p->count;
        break;
    case PT_SDES:
        r->type = RTCP_SDES, r->n = p->count;
        if (p->count == 0) r->ssrc = 0;
        break;
    case PT_BYE:
        r->type = RTCP_BYE, r->n = p->count;
        if (p->count == 0) r->ssrc = 0;
        break;
    case PT_RTPFB:
    case PT_PSFB: read_feedback(p, r); break;
    default: break;
    }
}

/* The block of an XR packet at byte `at` of its body; how many bytes it takes. */
static size_t read_xr_block(const struct packet *p, size_t at, struct rtcp *r)
{
    const uint8_t *block = p->body + at;
    size_t n = 4u * sotto__get_u16(block + 2);
    *r = (struct rtcp){.type = RTCP_OTHER, .ssrc = sotto__get_u32(p->body)};
    r->body = block + 4, r->n_body = n;
    if (block[0] == XR_RRTR) {
        r->type = RTCP_XR_RRTR;
        r->ntp = get_u64(r->body);
    } else if (block[0] == XR_DLRR) {
        set_entries(r, RTCP_XR_DLRR, 0, 12);
    }
    return 4 + n;
}

int sotto__rtcp_next(const uint8_t *p, size_t n, size_t *at, struct rtcp *ret)
{
    size_t start = *at & MAX_WORDS, block = *at >> 16; /* in words: of a packet, and of a block in its body */
    for (; 4 * start < n; block = 0) {
        struct reader r = sotto__reader(p + 4 * start, n - 4 * start);
        struct packet packet;
        if (next_packet(&r, &packet) <= 0) return 0;
        size_t next = start + 1 + sotto__get_u16(p + 4 * start + 2);
        if (packet.pt != PT_XR) {
            read_packet(&packet, ret);
            *at = next;
            return 1;
        }
        if (block == 0) block = 1; /* behind the SSRC */
        if (4 * block < packet.n_body) {
            block += read_xr_block(&packet, 4 * block, ret) / 4;
            *at = start | block << 16;
            return 1;
        }
        start = next;
    }
    *at = n / 4;
    return 0;
}

/* ---- entries ---- */

void sotto__rtcp_block(const struct rtcp *r, size_t i, struct rtcp_block *ret)
{
    const uint8_t *p = r->body + 24 * i;
    int32_t lost = (int32_t)(sotto__get_u32(p + 4) & 0xffffff);
    *ret = (struct rtcp_block){
        .ssrc = sotto__get_u32(p),
        .fraction = p[4],
        .lost = lost >= 0x800000 ? lost - 0x1000000 : lost,
        .highest = sotto__get_u32(p + 8),
        .jitter = sotto__get_u32(p + 12),
        .lsr = sotto__get_u32(p + 16),
        .dlsr = sotto__get_u32(p + 20),
    };
}

uint32_t sotto__rtcp_bye(const struct rtcp *r, size_t i)
{
    return sotto__get_u32(r->body + 4 * i);
}

bool sotto__rtcp_cname(const struct rtcp *r, size_t i, uint32_t *ssrc, struct str *ret)
{
    struct reader rest = sotto__reader(r->body, r->n_body);
    struct chunk chunk = {0};
    for (size_t at = 0; at <= i; at++)
        if (!next_chunk(&rest, &chunk)) return false;
    *ssrc = chunk.ssrc;
    *ret = chunk.cname;
    return chunk.has_cname;
}

void sotto__rtcp_nack(const struct rtcp *r, size_t i, uint16_t *pid, uint16_t *blp)
{
    *pid = sotto__get_u16(r->body + 4 * i);
    *blp = sotto__get_u16(r->body + 4 * i + 2);
}

void sotto__rtcp_fir(const struct rtcp *r, size_t i, uint32_t *ssrc, uint8_t *seq)
{
    *ssrc = sotto__get_u32(r->body + 8 * i);
    *seq = r->body[8 * i + 4];
}

uint32_t sotto__rtcp_remb_ssrc(const struct rtcp *r, size_t i)
{
    return sotto__get_u32(r->body + 4 * i);
}

void sotto__rtcp_tmmbr(const struct rtcp *r, size_t i, uint32_t *ssrc, uint64_t *bps,
                       uint16_t *overhead)
{
    uint32_t rate = sotto__get_u32(r->body + 8 * i + 4);
    *ssrc = sotto__get_u32(r->body + 8 * i);
    *bps = get_bps(rate >> 9 & 0x1ffff, rate >> 26);
    *overhead = rate & 0x1ff;
}

void sotto__rtcp_dlrr(const struct rtcp *r, size_t i, struct rtcp_dlrr *ret)
{
    const uint8_t *p = r->body + 12 * i;
    *ret = (struct rtcp_dlrr){sotto__get_u32(p), sotto__get_u32(p + 4), sotto__get_u32(p + 8)};
}
