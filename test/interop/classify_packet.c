/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one packet is, by its structure: RFC 7983 for datagrams, RFC 4571 or TLS in TCP. See classify.c.
 */
#include "classify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KNOWN 64
#define KNOWN_MIN 7 /* bytes: in the gigabytes of a run, four of them come by chance in every second one */
#define ENOUGH 100 /* packets of a stream, to say that it is encrypted */

static const char *const names[KIND_N] = {
    "stun",       "turn",       "dtls",      "srtp",       "srtcp",   "mdns",
    "tls",        "tcp-frames", "tcp-empty", "rig",        "link",    "unknown",
    "bad-stun",   "bad-turn",   "bad-dtls",  "clear-dtls", "bad-rtp", "clear-rtp",
    "clear-rtcp", "bad-tcp",    "plaintext", "canary"};

static struct {
    uint8_t p[40];
    size_t n;
} known[MAX_KNOWN];
static size_t n_known;
static uint8_t begins[65536 / 8]; /* a bit for each pair of bytes that one of them begins with */

static unsigned u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}
static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)u16(p) << 16 | u16(p + 2);
}

void classify_add_known(const uint8_t *p, size_t n)
{
    if (n_known == MAX_KNOWN || n < KNOWN_MIN || n > sizeof known[0].p) abort();
    memcpy(known[n_known].p, p, n);
    known[n_known++].n = n;
    begins[u16(p) >> 3] |= (uint8_t)(1u << (p[1] & 7));
}

static enum kind count(struct tally *t, enum kind k, const uint8_t *p, size_t n)
{
    if (t->n[k]++ == 0) {
        t->n_example[k] = n < sizeof t->example[k] ? n : sizeof t->example[k];
        memcpy(t->example[k], p, t->n_example[k]);
    }
    return k;
}

/* --- known plaintext -------------------------------------------------------------------------------------------------------- */

static void look_for_known(struct tally *t, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + KNOWN_MIN <= n; i++) {
        if (!(begins[u16(p + i) >> 3] >> (p[i + 1] & 7) & 1)) continue;
        for (size_t k = 0; k < n_known; k++) {
            if (known[k].n > n - i || memcmp(p + i, known[k].p, known[k].n) != 0) continue;
            bool canary =
                strlen(CANARY) == known[k].n && memcmp(known[k].p, CANARY, known[k].n) == 0;
            count(t, canary ? KIND_CANARY : KIND_PLAINTEXT, p + i, n - i);
            return;
        }
    }
}

/* --- datagrams --------------------------------------------------------------------------------------------------------------- */

static bool is_stun(const uint8_t *p, size_t n)
{
    size_t at = 20;
    if (n < 20 || p[0] > 3 || u32(p + 4) != 0x2112a442 || u16(p + 2) + 20 != n || n % 4)
        return false;
    while (at + 4 <= n) at += 4 + (u16(p + at + 2) + 3u) / 4 * 4;
    return at == n;
}

/* Records up to the end. DTLS 1.2: 13 bytes of header; 1.3's encrypted ones: a byte 001CSLEE, whatever it says. In the clear: handshake
 * messages, the change of ciphers and alerts of the first epoch only. */
static enum kind dtls(const uint8_t *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t length, head = 13;
        if ((p[at] & 0xe0) == 0x20) {
            bool has_cid = p[at] & 0x10, has_length = p[at] & 4;
            head = 1u + (p[at] & 8 ? 2 : 1) + (has_length ? 2 : 0);
            if (has_cid || at + head > n) return KIND_BAD_DTLS;
            length = has_length ? u16(p + at + head - 2) : n - at - head;
            if (length < 16) return KIND_BAD_DTLS; /* a tag */
        } else {
            if (at + 13 > n || p[at + 1] != 0xfe || (p[at + 2] != 0xff && p[at + 2] != 0xfd))
                return KIND_BAD_DTLS;
            length = u16(p + at + 11);
            unsigned epoch = u16(p + at + 3);
            if (p[at] < 20 || p[at] > 26) return KIND_BAD_DTLS;
            if (epoch == 0 && p[at] != 20 && p[at] != 21 && p[at] != 22 && p[at] != 26)
                return KIND_CLEAR_DTLS;
            if (epoch > 0 && length < 16 + 1) return KIND_CLEAR_DTLS;
        }
        if (length > n - at - head) return KIND_BAD_DTLS;
        at += head + length;
    }
    return KIND_DTLS;
}

static struct stream *stream_of(struct tally *t, uint32_t ssrc, uint8_t type)
{
    for (size_t i = 0; i < t->n_streams; i++)
        if (t->streams[i].ssrc == ssrc && t->streams[i].type == type) return &t->streams[i];
    if (t->n_streams == CLASSIFY_STREAMS) return NULL;
    struct stream *s = &t->streams[t->n_streams++];
    s->ssrc = ssrc;
    s->type = type;
    return s;
}

static enum kind rtp(struct tally *t, const uint8_t *p, size_t n)
{
    size_t head = 12 + 4 * (p[0] & 15u);
    struct stream *s;
    if (n < head + 4) return KIND_BAD_RTP;
    if (p[0] & 16) head += 4 + 4 * u16(p + head + 2);
    if (n < head + 10) return KIND_BAD_RTP; /* a tag of 10 or 16 bytes */
    s = stream_of(t, u32(p + 8), p[1] & 127);
    if (!s) return KIND_UNKNOWN;
    s->packets++;
    s->first[p[head]]++;
    return KIND_SRTP;
}

/* Reports and feedback that follow each other up to the end of the packet, as they do in the clear. By chance the ends of ciphertext look
 * so once in some ten million packets with AES-GCM; there the bit of SRTCP is set, and a second report is not of the first one's SSRC. */
static bool is_in_the_clear(const uint8_t *p, size_t n)
{
    size_t at = 0;
    bool has_bit = p[n - 4] & 0x80;
    while (at + 8 <= n && p[at] >> 6 == 2 && p[at + 1] >= 200 && p[at + 1] <= 207) {
        if (has_bit && memcmp(p + at + 4, p + 4, 4) != 0) return false;
        at += 4 + 4 * u16(p + at + 2);
    }
    return at == n;
}

/* SRTCP says by a bit that it is encrypted: with AES-CM before the tag of 10 bytes, with AES-GCM at the end. Whichever it is, this bit is
 * set; in RTCP in the clear there is none, but the last words of a report, and those of feedback, may look so. */
static enum kind rtcp(const uint8_t *p, size_t n)
{
    if (n < 8 + 4 + 10 || is_in_the_clear(p, n)) return KIND_CLEAR_RTCP;
    return p[n - 14] & 0x80 || p[n - 4] & 0x80 ? KIND_SRTCP : KIND_CLEAR_RTCP;
}

static enum kind kind_of(struct tally *t, const uint8_t *p, size_t n)
{
    if (n == 0) return KIND_UNKNOWN;
    if (p[0] <= 3) return is_stun(p, n) ? KIND_STUN : KIND_BAD_STUN;
    if (p[0] >= 20 && p[0] <= 63) return dtls(p, n);
    if (p[0] >= 64 && p[0] <= 79) {
        size_t inner = n < 4 ? 0 : u16(p + 2);
        if (n < 4 || n < inner + 4 || n > inner + 7) return KIND_BAD_TURN;
        enum kind k = kind_of(t, p + 4, inner);
        return k == KIND_STUN || k == KIND_DTLS || k == KIND_SRTP || k == KIND_SRTCP ? KIND_TURN
                                                                                     : k;
    }
    if (p[0] >= 128 && p[0] <= 191 && n >= 12)
        return p[1] >= 192 && p[1] <= 223 ? rtcp(p, n) : rtp(t, p, n);
    return KIND_UNKNOWN;
}

void classify_datagram(struct tally *t, const uint8_t *p, size_t n)
{
    count(t, kind_of(t, p, n), p, n);
    look_for_known(t, p, n);
}

/* --- packets ---------------------------------------------------------------------------------------------------------------------- */

static void udp(struct tally *t, const uint8_t *p, size_t n, size_t segment)
{
    if (n < 8) return;
    if (u16(p) == 5353 || u16(p + 2) == 5353) {
        count(t, KIND_MDNS, p, n);
        return;
    }
    p += 8;
    n -= 8;
    if (segment == 0 || segment > n) segment = n;
    for (size_t at = 0; at < n || at == 0; at += segment ? segment : 1)
        classify_datagram(t, p + at, n - at < segment ? n - at : segment);
}

/* What a segment holds: nothing; records of TLS; frames of RFC 4571, or TURN's without a length; or what goes on of one before, which only
 * the search for what is known can look at. */
static void tcp(struct tally *t, const uint8_t *p, size_t n, bool is_loopback)
{
    size_t head = n < 20 ? n : 4u * (p[12] >> 4);
    if (n < 20 || head > n) return;
    p += head;
    n -= head;
    if (is_loopback) {
        count(t, KIND_RIG, p, n);
        return;
    }
    if (n == 0) {
        count(t, KIND_TCP_EMPTY, p, n);
        return;
    }
    look_for_known(t, p, n);
    if (n >= 5 && p[0] >= 20 && p[0] <= 23 && p[1] == 3 && p[2] <= 4)
        count(t, KIND_TLS, p, n);
    else if (is_stun(p, n) ||
             (n > 2 && u16(p) + 2 <= n && kind_of(t, p + 2, u16(p)) < KIND_UNKNOWN))
        count(t, KIND_TCP_FRAMES, p, n);
    else
        count(t, KIND_BAD_TCP, p, n);
}

static void transport(struct tally *t, int protocol, const uint8_t *p, size_t n, size_t segment,
                      bool is_loopback)
{
    if (protocol == 17)
        udp(t, p, n, segment);
    else if (protocol == 6)
        tcp(t, p, n, is_loopback);
    else if (protocol == 1 || protocol == 2 || protocol == 58)
        count(t, KIND_LINK, p, n); /* ICMP may quote a datagram: it was looked at when it came by */
    else
        count(t, KIND_UNKNOWN, p, n);
}

void classify_packet(struct tally *t, int ethertype, const uint8_t *p, size_t n, size_t segment)
{
    if (ethertype == 0x0806) {
        count(t, KIND_LINK, p, n);
    } else if (ethertype == 0x0800 && n >= 20 && p[0] >> 4 == 4) {
        size_t head = 4u * (p[0] & 15), total = u16(p + 2);
        if (total >= head && total < n) n = total; /* 0: a very large one */
        if (head > n) return;
        if (u16(p + 6) & 0x1fff) /* not the first fragment */
            look_for_known(t, p + head, n - head);
        else
            transport(t, p[9], p + head, n - head, segment, p[12] == 127 && p[16] == 127);
    } else if (ethertype == 0x86dd && n >= 40) {
        static const uint8_t one[16] = {[15] = 1};
        size_t at = 40;
        int next = p[6];
        while (next == 0 && at + 8 <= n) { /* options hop by hop: MLD */
            next = p[at];
            at += 8 + 8u * p[at + 1];
        }
        if (at <= n)
            transport(t, next, p + at, n - at, segment,
                      memcmp(p + 8, one, 16) == 0 && memcmp(p + 24, one, 16) == 0);
    } else {
        count(t, KIND_UNKNOWN, p, n);
    }
}

/* A stream whose payloads begin with one of a few bytes is not encrypted: of 256 as likely ones, no byte has a tenth. */
static void judge_streams(struct tally *t)
{
    for (size_t i = 0; i < t->n_streams; i++) {
        const struct stream *s = &t->streams[i];
        uint32_t most = 0;
        for (int b = 0; b < 256; b++)
            if (s->first[b] > most) most = s->first[b];
        if (s->packets < ENOUGH || most * 10 < s->packets) continue;
        uint8_t ssrc[4] = {(uint8_t)(s->ssrc >> 24), (uint8_t)(s->ssrc >> 16),
                           (uint8_t)(s->ssrc >> 8), (uint8_t)s->ssrc};
        count(t, KIND_CLEAR_RTP, ssrc, 4);
    }
}

void classify_report(struct tally *t, FILE *to)
{
    judge_streams(t);
    for (int k = 0; k < KIND_N; k++) {
        if (t->n[k] == 0) continue;
        fprintf(to, "%s\t%s\t%" PRIu64 "\t", k < KIND_UNKNOWN ? "saw" : "bad", names[k], t->n[k]);
        for (size_t i = 0; i < t->n_example[k] && k >= KIND_UNKNOWN; i++)
            fprintf(to, "%02x", t->example[k][i]);
        fputc('\n', to);
    }
}
