/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SOTTO_MEDIA_SEND_H
#define SOTTO_MEDIA_SEND_H
/*
 * One outgoing encoding: frames → packets, with sequence numbers, timestamps and the history that retransmissions are answered from
 * (RFC 3550 §5.1, RFC 4588). Packets wait in the pacer; header and extensions are written when one leaves. The frame's bytes are copied
 * once, into one block a frame, which lives as long as the history or the pacer needs one of its packets.
 */
#include "media/pacer.h"
#include "sotto/media.h"
#include "wire/payload.h"
#include "wire/rtp_ext.h"

struct sent_frame; /* block of packets: history.h */

struct sent_packet {
    struct node queue; /* in the pacer */
    struct sender *sender;
    struct sent_frame *frame;
    int64_t seq; /* unwrapped */
    uint32_t time;
    uint8_t pt;
    uint8_t pacer_class; /* where it waits */
    bool marker, first, is_repair; /* first of its frame; is_repair: it waits to be sent again */
    uint16_t n, repairs; /* repairs: how often it was sent again */
    uint16_t twcc;       /* numbers of its first departure: a repetition without RTX is the same bytes again */
    uint32_t abs_send, ext_has;
    const uint8_t *payload;
    sotto_us queued, sent; /* sent: last; 0: not yet */
    sotto_us deadline;     /* the pacer's */
};

struct sender_stats { /* W3C RTCOutboundRtpStreamStats */
    uint64_t packets, bytes /* payload */, header_bytes; /* with retransmissions */
    uint64_t repair_packets, repair_bytes;
    uint64_t frames, key_frames, frame_bytes; /* taken from the application */
    uint64_t frames_refused;                  /* SOTTO_E_AGAIN */
    uint64_t nacks, plis, firs;               /* received; nacks: packets of RTCP */
    sotto_us send_delay;                      /* sum of packets' time in the pacer: totalPacketSendDelay */
};

struct sender {
    uint32_t ssrc, rtx_ssrc;
    bool is_video, needs_key; /* needs_key: a frame was refused; others are until a key frame comes */
    int64_t seq, rtx_seq;     /* the next one, unwrapped; begin below 2^15: a loss of the first packets must not hide a wrap */
    uint32_t time_base;       /* random */
    struct split_state split;
    /* the last frame: for sender reports */
    bool has_time;
    uint32_t last_time, clock;
    sotto_us last_capture;    /* that of last_time */
    sotto_us interval;        /* smoothed distance of frames */
    uint64_t sr_packets, sr_octets; /* RFC 3550 §6.4.1: without retransmissions */
    struct history *history;
    struct sender_stats stats;
};

/* rtx_ssrc 0: no RTX. 0, SOTTO_E_NOMEM, SOTTO_E_SYS no randomness. */
int sotto__sender_new(struct sender **ret, bool is_video, uint32_t ssrc, uint32_t rtx_ssrc);
void sotto__sender_free(struct sender *s, struct pacer *p); /* takes its packets out of the pacer; NULL is fine */

/* One frame, checked by api/ for sizes and NULL only. codec: as negotiated. As sotto_transceiver_send_frame(). */
int sotto__sender_frame(struct sender *s, sotto_us now, const struct codec *codec,
                        const sotto_frame *f, struct pacer *p);
/* A packet of the application's own: leaves before everything else. seq and time are its own. 0, SOTTO_E_NOMEM. */
int sotto__sender_rtp(struct sender *s, sotto_us now, const struct rtp *rtp, struct pacer *p);
/* A payload with a time of its own (telephone-event): not in the history. 0, SOTTO_E_NOMEM. */
int sotto__sender_event(struct sender *s, sotto_us now, const struct codec *codec,
                        const uint8_t *payload, size_t n, uint32_t time, bool marker,
                        struct pacer *p);
uint32_t sotto__sender_time(const struct sender *s, sotto_us capture, uint32_t clock); /* RTP time of a moment */

/* One entry of a NACK: queues what is in the history, each packet at most once a round trip, all together at most
 * SOTTO_REPAIR_PERCENT of what was sent in the last second. */
void sotto__sender_nack(struct sender *s, sotto_us now, uint16_t pid, uint16_t blp, sotto_us rtt,
                        struct pacer *p);

/* Writes the header of a packet that leaves now. ids: negotiated; values: mid, rid, abs_send, abs_capture, twcc… as the session wants them
 * for this packet (for a repetition without RTX the old ones are used). rtx_pt: payload type of RTX, PT_NONE: repeat the original. Counts. */
#define SENDER_MAX_HEADER 400u
struct departure {
    uint8_t head[SENDER_MAX_HEADER]; /* with RTX's original sequence number */
    size_t n_head;
    const uint8_t *payload; /* view: valid until the next call on the sender */
    size_t n_payload;
    uint32_t ssrc;
    bool is_repair;
};
void sotto__sender_depart(struct sender *s, sotto_us now, struct sent_packet *pkt,
                          const uint8_t ids[EXT_COUNT], struct ext_values *values, uint8_t rtx_pt,
                          struct departure *out);

#endif
