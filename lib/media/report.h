/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_REPORT_H
#define SOTTO_MEDIA_REPORT_H
/*
 * What sender and receiver reports say and when they are sent (RFC 3550 §6, §A; RFC 4585 §3.5; RFC 8083): plain structs, no packets sent
 * here.
 */
#include "util/time.h"
#include "wire/rtcp.h"

uint64_t sotto__ntp(sotto_us t); /* µs since 1900 → 32.32 */
sotto_us sotto__ntp_us(uint64_t ntp);
uint32_t sotto__ntp_middle(uint64_t ntp);
/* Round trip by what the remote says (RFC 3550 §6.4.1, RFC 3611 §4.5): `last` is the middle of our time that it got, `delay` how long it
 * kept it, in 1/65536 s. 0: there is none, or it lies. */
sotto_us sotto__ntp_rtt(uint64_t ntp, uint32_t last, uint32_t delay);

struct reception { /* of one incoming SSRC */
    bool started;
    int64_t base, highest; /* unwrapped sequence numbers */
    int64_t before;        /* expected before `base`: a stream that jumped begins anew (RFC 3550 §A.1) */
    bool jumped;
    uint16_t jumped_to;    /* the number that would confirm it */
    uint64_t received, prior_expected, prior_received;
    double jitter;         /* ticks */
    uint32_t transit;      /* ticks, wraps */
    bool has_transit;
    uint32_t clock;
    bool has_sr;           /* the last sender report */
    uint64_t sr_ntp, n_srs, sr_packets, sr_octets;
    uint32_t sr_time;
    sotto_us sr_at;
};
/* A packet of the stream itself. is_repair: it came by RTX or as a redundant copy, and does not count: reports are about what the path
 * lost. */
void sotto__reception_packet(struct reception *r, sotto_us now, uint16_t seq, uint32_t time,
                             uint32_t clock, bool is_repair);
void sotto__reception_sr(struct reception *r, sotto_us now, const struct rtcp *sr);
/* The block for our next report; begins a new interval. false: nothing was received. */
bool sotto__reception_block(struct reception *r, sotto_us now, uint32_t ssrc,
                            struct rtcp_block *ret);
int64_t sotto__reception_lost(const struct reception *r); /* W3C packetsLost; may be negative */

struct remote_report { /* what the remote says of one SSRC of ours: W3C RTCRemoteInboundRtpStreamStats */
    uint64_t n;            /* blocks received */
    double fraction;       /* lost, 0…1 */
    int32_t lost;
    uint32_t jitter;       /* ticks */
    uint32_t highest;
    sotto_us rtt, rtt_total; /* rtt 0: not measured yet */
    uint64_t n_rtts;
    sotto_us at;
};
/* ntp: of now, as our reports have it. Lies are clamped. */
void sotto__remote_report(struct remote_report *r, sotto_us now, uint64_t ntp,
                          const struct rtcp_block *b);

struct rtcp_timer { /* RFC 3550 §6.3, RFC 4585 §3.5: two parties */
    sotto_us last, next;  /* regular reports */
    double average;       /* bytes of a compound packet, with IP and UDP */
    uint32_t random;      /* own small generator, seeded */
    uint64_t bps;         /* of the session, as last told */
    double credit;        /* bytes of early feedback that may leave now; below 0: not yet */
    sotto_us credit_at;
};
void sotto__rtcp_timer_init(struct rtcp_timer *t, sotto_us now, uint32_t seed);
/* A regular report left. bps: of the session, 5 % of which are for RTCP; members: SSRCs of both; senders of them; video: the minimum is
 * 1 s, else 2.5 s. */
void sotto__rtcp_timer_sent(struct rtcp_timer *t, sotto_us now, size_t bytes, uint64_t bps,
                            size_t members, size_t senders, bool we_send, bool video);
void sotto__rtcp_timer_received(struct rtcp_timer *t, size_t bytes);
void sotto__rtcp_timer_early(struct rtcp_timer *t, sotto_us now, size_t bytes); /* feedback left between regular reports */
/* When the next early feedback may leave without taking more than the 5 %: `now` or later. */
sotto_us sotto__rtcp_timer_early_due(const struct rtcp_timer *t, sotto_us now);

#define BREAKER_SECONDS 16u
struct breaker { /* RFC 8083, for one outgoing stream */
    bool open;      /* media is held back; whoever lets it go again after `until` clears this */
    sotto_us until;
    bool tripped;   /* … and the past then does not count */
    bool by_silence; /* nothing at all was heard: §4.1 */
    unsigned times; /* opened, without a good minute between */
    sotto_us started, heard; /* sending began; the remote was heard: 0 not yet */
    uint32_t highest;
    sotto_us stalled_at; /* when the last report came that said that something arrives; 0: none yet */
    unsigned stalled;    /* reports that said so */
    sotto_us rtt;        /* smoothed */
    struct breaker_second {
        sotto_us span;   /* a second or more */
        double lost;     /* share */
    } seconds[BREAKER_SECONDS]; /* the newest first */
    size_t n_seconds;
    struct breaker_second partial;
};
/* A report block about it: interval since the last one, in which packets were sent. true: it has just opened. */
bool sotto__breaker_report(struct breaker *b, sotto_us now, const struct remote_report *r,
                           uint64_t sent_bps, uint64_t packet_bytes, sotto_us interval);
/* The remote told of any stream of ours, or sent feedback without SR and RR: RFC 8083 §4.1, §5. */
void sotto__breaker_heard(struct breaker *b, sotto_us now);
/* At each regular report of ours. sending: packets left since the last one. true: it has just opened. */
bool sotto__breaker_interval(struct breaker *b, sotto_us now, bool sending, sotto_us interval);
/* There was no path, and there is one now, which the remote has answered on: what was measured before was the lack of it. */
void sotto__breaker_path(struct breaker *b, sotto_us now);

#endif
